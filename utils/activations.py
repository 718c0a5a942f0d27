"""The activation functions of the course, in one registry: formula, slope, facts, and the PyTorch class.

Every function is written by hand, so that a learner can read it; the tests hold each against PyTorch's own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Activation:
    """One activation function.

    `value` and `slope` take a tensor of any shape and return one of the same shape; `torch_class` makes the same
    function as a module. `limits` are the infimum and supremum of the value (not of the slope) over the real line.
    """

    name: str
    value: Callable[[torch.Tensor], torch.Tensor]
    slope: Callable[[torch.Tensor], torch.Tensor]
    torch_class: Callable[[], nn.Module]
    limits: tuple[float, float]
    smooth: bool
    monotone: bool


def sigmoid(z):
    """Logistic function 1 / (1 + e^-z)."""
    return 1 / (1 + torch.exp(-z))


def sigmoid_slope(z):
    """Slope of the logistic function, s (1 - s); at most 1/4, at z = 0.

    Written as s(z) s(-z): in floating point 1 - s loses every digit on the right, s(-z) none.
    """
    return sigmoid(z) * sigmoid(-z)


def tanh(z):
    """Hyperbolic tangent, a sigmoid stretched to (-1, 1): 2 sigmoid(2z) - 1."""
    return torch.tanh(z)


def tanh_slope(z):
    """Slope of tanh, 1 - tanh^2 z = 1 / cosh^2 z; at most 1, at z = 0."""
    return 4 * sigmoid_slope(2 * z)


def relu(z):
    """Rectifier max(0, z) (Fukushima 1969)."""
    return z.clamp(min=0)


def relu_slope(z):
    """Slope of the rectifier: 1 for z > 0, else 0. At the kink itself PyTorch uses 0, and so does the course."""
    return (z > 0).to(z.dtype)


def identity(z):
    """The linear net's activation: nothing."""
    return z


def identity_slope(z):
    """Slope of the identity: 1 everywhere."""
    return torch.ones_like(z)


ACTIVATIONS = {
    a.name: a
    for a in (
        Activation("sigmoid", sigmoid, sigmoid_slope, nn.Sigmoid, (0.0, 1.0), smooth=True, monotone=True),
        Activation("tanh", tanh, tanh_slope, nn.Tanh, (-1.0, 1.0), smooth=True, monotone=True),
        Activation("relu", relu, relu_slope, nn.ReLU, (0.0, math.inf), smooth=False, monotone=True),
        Activation(
            "identity", identity, identity_slope, nn.Identity, (-math.inf, math.inf), smooth=True, monotone=True
        ),
    )
}


def get(name):
    """Return the `Activation` called `name`; raise a ValueError that lists the known names otherwise."""
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}: choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
