"""Small data that ships with the course: nothing is downloaded, everything is repeatable."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

DIGITS_FILE = Path(__file__).with_name("digits.npz")


class Digits(NamedTuple):
    """Standardized images x (N, 64) and labels y (N,), for training and for testing."""

    x: torch.Tensor
    y: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor


def digits(dtype=torch.float64):
    """Return the 1,797 handwritten 8x8 digits, shuffled once and split 1,437 / 360.

    Pixels are shifted and scaled by ONE mean and standard deviation, those of all training pixels, so E[x^2] = 1 on
    average while an image keeps its shape. Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits,
    UCI Machine Learning Repository, CC BY 4.0 (the test part, as scikit-learn ships it).
    """
    with np.load(DIGITS_FILE) as file:
        images = torch.from_numpy(file["images"]).to(dtype).flatten(1)
        labels = torch.from_numpy(file["labels"]).long()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    images, labels = images[order], labels[order]
    train = 1437
    images = (images - images[:train].mean()) / images[:train].std()
    return Digits(images[:train], labels[:train], images[train:], labels[train:])


def spirals(n=400, noise=0.05, turns=1.5, seed=0, dtype=torch.float64):
    """Return two interleaved spirals: points x (n, 2) in about [-1, 1]^2 and labels y (n,) in {0, 1}."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 2
    radius = torch.rand(n, generator=generator, dtype=dtype).sqrt()
    angle = 2 * math.pi * turns * radius + math.pi * y
    x = radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    return x + noise * torch.randn(n, 2, generator=generator, dtype=dtype), y


def recall(n, lag, symbols=4, seed=0):
    """Return sequences x (n, lag + 1) of symbols, and what to recall `lag` steps later: y (n,), the first symbol of each.

    The first symbol is one of 0..symbols-1, the distractors after it are drawn from symbols..2 symbols - 1. A byte a
    symbol keeps even long sequences small.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(symbols, 2 * symbols, (n, lag + 1), generator=generator, dtype=torch.uint8)
    y = torch.randint(symbols, (n,), generator=generator)
    x[:, 0] = y
    return x, y


def adding(n, length, seed=0, dtype=torch.float32):
    """Return the adding problem: x (n, length, 2), a number in [0, 1) and a mark at each step, and y (n, 1), a sum.

    Two numbers are marked with 1, one in either half of the sequence; y is the sum of these two. Who always answers 1
    has a mean squared error of 1/6 (Hochreiter & Schmidhuber 1997).
    """
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.rand(n, length, generator=generator, dtype=dtype)
    half = length // 2
    places = torch.stack([torch.randint(half, (n,), generator=generator),
                          torch.randint(half, length, (n,), generator=generator)], dim=1)
    marks = torch.zeros(n, length, dtype=dtype).scatter_(1, places, 1.0)
    return torch.stack([numbers, marks], dim=2), numbers.gather(1, places).sum(1, keepdim=True)
