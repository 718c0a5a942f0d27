"""What a nonlinearity does to z ~ N(0, 1), asked of torch.nn's own module by quadrature and autograd: every elementwise class."""

import functools
import math

import torch
from torch import nn

# Of torch.nn.modules.activation, where one entry of the output depends on several of the input, or that need a number.
NOT_ELEMENTWISE = ("GLU", "LogSoftmax", "MultiheadAttention", "Softmax", "Softmax2d", "Softmin", "Threshold")


def is_known(kind):
    """Whether `kind` is the class name of a nonlinearity of torch.nn that works on each entry alone: "ReLU"."""
    return kind in nn.modules.activation.__all__ and kind not in NOT_ELEMENTWISE


@functools.cache
def gain(kind):
    """The sigma_w that keeps unit variance: 1 / sqrt(E[phi(Z)^2]), Z ~ N(0, 1). kind: as `is_known` takes it."""
    z, weights = _normal_grid()
    return 1 / math.sqrt((_value_and_slope(kind, z)[0].square() * weights).sum().item())


@functools.cache
def chi(kind):
    """The factor of the squared gradient norm per layer at that gain: gain^2 E[phi'(Z)^2] (Schoenholz et al. 2017)."""
    z, weights = _normal_grid()
    return gain(kind) ** 2 * (_value_and_slope(kind, z)[1].square() * weights).sum().item()


@functools.cache
def moments(kind):
    """Mean and standard deviation of phi(Z), Z ~ N(0, 1). kind: as `is_known` takes it."""
    z, weights = _normal_grid()
    value = _value_and_slope(kind, z)[0]
    mean = (value * weights).sum().item()
    return mean, math.sqrt(((value - mean).square() * weights).sum().item())


def mean_slope(layer):
    """Mean slope of an examined layer's nonlinearity; nan if unknown.

    Of a sigmoid and a tanh it is measured, since their slopes are functions of their values: a - a^2 and 1 - a^2. Of
    the others it is the mean over z ~ N(mean, std^2), with the measured mean and deviation.
    """
    mean_square = layer.activation_std**2 + layer.activation_mean**2
    if layer.nonlinearity == "Sigmoid":
        return layer.activation_mean - mean_square
    if layer.nonlinearity == "Tanh":
        return 1 - mean_square
    if not is_known(layer.nonlinearity) or not math.isfinite(layer.pre_std):
        return math.nan
    z, weights = _normal_grid()
    return (_value_and_slope(layer.nonlinearity, layer.pre_mean + layer.pre_std * z)[1] * weights).sum().item()


@functools.cache
def _normal_grid(cells=2000, reach=10.0):
    """Midpoints of `cells` equal cells on [-reach, reach], and their Gaussian weights, which sum to 1; both (cells,).

    Zero is a cell's boundary: there the midpoint rule stays exact to O(cell^2) for a kink or a jump, as of ReLU and its
    slope; Gauss-Hermite quadrature does not.
    """
    edges = torch.linspace(-reach, reach, cells + 1, dtype=torch.float64, device="cpu")
    z = (edges[:-1] + edges[1:]) / 2
    weights = torch.exp(-z.square() / 2)
    return z, weights / weights.sum()


def _value_and_slope(kind, z):
    """phi(z) and phi'(z) of torch.nn's class of this name with its default settings, in float64."""
    with torch.device("cpu"):  # some have a parameter
        module = getattr(nn, kind)().double().eval()  # eval: RReLU draws its slope in training
    with torch.enable_grad():
        value = module(z := z.clone().requires_grad_())
        (slope,) = torch.autograd.grad(value.sum(), z)
    return value.detach(), slope
