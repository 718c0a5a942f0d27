"""Sick nets with a task that can be learned: what `try_remedy` is tried on.

Each entry of `TRIALS` takes a seed, and returns a `Case` whose x and y hold an answer. The nets are those of the zoo, of the
table of mismatches in test_ends.py, and of the public questions.
"""

import torch
from torch import nn

from tests.torchdoctor.test_ends import MISFITS
from tests.torchdoctor.zoo import Case, even, on_ending
from tests.torchdoctor.zoo_models import LastStep
from tests.torchdoctor.zoo_sick import SICK
from tests.wild.questions import QUESTIONS
from utils.data.datasets import digits
from utils import diagnose

SAMPLES = 256  # of a task that is made up


def learnable(case):
    """The same net, with inputs of the same form that hold an answer: digits, images of digits, words, series."""
    x, y = case.x, case.y
    settings = {key: value for key, value in (case.settings or {}).items() if key != "lr"}
    if not x.is_floating_point():
        x, y = words(x, y)
    elif x.dim() == 4:
        x, y = pictures(x)
    elif x.dim() == 3:
        x, y = series(x)
    elif x.shape[1] == 64:
        data = digits(x.dtype)
        x, y = data.x[:512], data.y[:512]
    else:
        x, y = smooth(x)
    return Case(case.model, x, y, settings)


def pictures(x, samples=64, side=8):
    """Digits in the size and with the channels of x."""
    data = digits(torch.float32)
    images = data.x[:samples].reshape(-1, 1, 8, 8)
    images = nn.functional.interpolate(images, side).expand(-1, x.shape[1], -1, -1)
    return images.contiguous(), data.y[:samples]


def series(x):
    """Series of noise, as long as x, whose last step tells the class."""
    x = torch.randn(SAMPLES, *x.shape[1:])
    return x, x[:, -1, :3].argmax(1)


def words(x, y):
    """Symbols of which each class prefers a third."""
    y = torch.arange(SAMPLES) % 3
    return (torch.randint(8, (SAMPLES, x.shape[1])) + 10 * y[:, None]), y


def smooth(x):
    """A smooth function of the inputs, between 0 and 1."""
    x = torch.randn(SAMPLES, x.shape[1])
    return x, (x[:, :1] - x[:, 1:2]).sigmoid()
