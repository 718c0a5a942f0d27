"""The bench's part about `measure`: its time against that of a bare forward and backward pass."""

import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

from utils.data import datasets
from utils.nets.mlp import MLP
from utils.torchdoctor.measurement import measure

WARM_UP = 3


def compare_with_bare_pass(repeats):
    """Yield (what, bare, measured) for nets of several shapes, chapter 1's main explorer's first (30 x 64, batch 128, float64).

    bare, measured: (CPU ms, wall ms) of one call, medians over `repeats` calls in turns.
    """
    torch.set_num_threads(1)
    x, y, *_ = datasets.digits()
    for dtype in (torch.float64, torch.float32):
        for width, batch in ((64, 128), (64, 256), (100, 256), (256, 256)):
            times = _in_turns(repeats, _mlp(width, dtype), x[:batch].to(dtype), y[:batch])
            yield f"30 x {width}, batch {batch}, {str(dtype).removeprefix('torch.')}", *times
    images = x[:128].reshape(-1, 1, 8, 8).float()
    yield "CNN of five layers, batch 128, float32", *_in_turns(repeats, _small_cnn(), images, y[:128])


def _mlp(width, dtype):
    return MLP(30, width=width, sigma_w=1.0, dtype=dtype)


def _small_cnn():
    layers = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 32), (32, 64)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 64, 10))


def _in_turns(repeats, model, x, y):
    """Return the medians of a bare pass and of `measure`, each as (CPU ms, wall ms)."""
    parameters = list(model.parameters())
    actions = lambda: torch.autograd.grad(F.cross_entropy(model(x), y), parameters), lambda: measure(model, x, y)
    times = [], []
    for _ in range(WARM_UP + repeats):
        for action, taken in zip(actions, times):
            cpu, wall = time.process_time(), time.perf_counter()
            action()
            taken.append(((time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000))
    return [[statistics.median(column) for column in zip(*taken[WARM_UP:])] for taken in times]
