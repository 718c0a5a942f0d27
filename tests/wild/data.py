"""Small data sets that stand in for those of the questions, and the net that most of them share."""

from itertools import pairwise

import torch
from torch import nn

from utils.data import datasets


def digits(n=512):
    """Digits in float32: (n, 64) and labels."""
    data = datasets.digits(torch.float32)
    return data.x[:n], data.y[:n]


def images(n=256):
    """Digits as images: (n, 1, 8, 8) and labels."""
    x, y = digits(n)
    return x.reshape(-1, 1, 8, 8), y


def squares(n=48, size=16):
    """Noisy images with a bright square each, and its mask: (n, 1, size, size) twice."""
    mask = torch.zeros(n, 1, size, size)
    for image, (row, column) in zip(mask, torch.randint(size - 6, (n, 2))):
        image[0, row : row + 5, column : column + 5] = 1.0
    return mask + 0.3 * torch.randn_like(mask), mask


def names(n=128, length=8, letters=26, languages=6):
    """One-hot letters (n, length, letters); a language likes some letters more than others."""
    taste = torch.softmax(1.5 * torch.randn(languages, letters), dim=1)
    y = torch.arange(n) % languages
    return torch.nn.functional.one_hot(torch.multinomial(taste[y], length, replacement=True), letters).float(), y


def product_sine(n=500):
    """y = sin(x1 x2) of standard normal x: (n, 2) and (n, 1)."""
    x = torch.randn(n, 2)
    return x, torch.sin(x[:, :1] * x[:, 1:])


def xor():
    """The four inputs of an exclusive or, and whether exactly one is 1: (4, 2) and (4, 1)."""
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, x.sum(1, keepdim=True) % 2


def standardized(x):
    """Columns with mean 0 and deviation 1."""
    return (x - x.mean(0)) / x.std(0)


def stack(widths, activation):
    """Linear layers of these widths, with an activation (a class) between them."""
    layers = [part for a, b in pairwise(widths[:-1]) for part in (nn.Linear(a, b), activation())]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))
