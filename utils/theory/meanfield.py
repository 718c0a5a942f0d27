"""What mean-field theory predicts for a wide random net: the q map, chi, and the gradient norm of every layer.

Weights w ~ N(0, sigma_w^2 / fan_in), biases b ~ N(0, sigma_b^2), Z ~ N(0, 1). Then (Poole et al. 2016, Schoenholz et
al. 2017)

    q^{l+1} = sigma_w^2 E[phi(sqrt(q^l) Z)^2] + sigma_b^2        the mean square of a pre-activation
    chi     = sigma_w^2 E[phi'(sqrt(q) Z)^2]                     E||delta^l||^2 = chi E||delta^{l+1}||^2

so the gradient *norm* shrinks or grows by sqrt(chi) per layer. All results are exact in the limit of infinite width.
"""

import functools
import math
from typing import NamedTuple

import torch

from utils.nets import activations
from utils.torchdoctor.errors import WrongValue

LARGEST_Q = 1e200  # an exploding signal is followed no further: its square must stay within float64


@functools.cache
def _normal_grid(cells=2000, reach=10.0):
    """Midpoints z of `cells` equal cells on [-reach, reach], and their Gaussian weights, which sum to 1.

    Zero is a cell's *boundary*: there the midpoint rule stays exact to O(cell^2) for functions with a kink or a jump
    at zero, such as ReLU and its slope; Gauss-Hermite quadrature does not.
    """
    edges = torch.linspace(-reach, reach, cells + 1, dtype=torch.float64)
    z = (edges[:-1] + edges[1:]) / 2
    weights = torch.exp(-z.square() / 2)
    return z, weights / weights.sum()


def gaussian_mean(f, q=1.0):
    """Return E[f(sqrt(q) Z)] for Z ~ N(0, 1), by quadrature.

    `f` maps a float64 tensor to one of the same shape. `q` is a variance (>= 0), a number or a tensor of any shape;
    the result has q's shape (a Python float if q is a number). An f that bends within |z| < 1, as the activations do,
    is integrated exactly (to 1e-9) up to q = 1000; far above, the grid of step 0.01 sqrt(q) becomes too coarse for it.
    """
    variance = torch.as_tensor(q, dtype=torch.float64)
    if not bool((variance >= 0).all()):
        raise WrongValue(f"q is a variance and must be >= 0, got {q}")
    z, weights = _normal_grid()
    mean = (f(variance.sqrt()[..., None] * z) * weights).sum(-1)
    return mean if isinstance(q, torch.Tensor) else mean.item()


def q_map(activation, q, sigma_w=1.0, sigma_b=0.0):
    """One layer forward: the variance of the next pre-activation, from the variance `q` of this one."""
    phi = activations.get(activation).value
    return sigma_w**2 * gaussian_mean(lambda z: phi(z).square(), q) + sigma_b**2


def chi(activation, q, sigma_w=1.0):
    """One layer backward: the factor of the mean *squared* gradient norm. Below 1 it vanishes, above 1 it explodes.

    At q = 0 it is the limit for a vanishing signal, which for ReLU is sigma_w^2 / 2 like everywhere.
    """
    slope = activations.get(activation).slope
    return sigma_w**2 * gaussian_mean(lambda z: slope(z).square(), q + 1e-30)


def gain(activation):
    """The sigma_w that keeps unit variance: 1 / sqrt(E[phi(Z)^2]), here at q = 1."""
    return 1 / math.sqrt(q_map(activation, 1.0))


class Facts(NamedTuple):
    """What the formulas of an activation tell: the range of its slope, and what a layer does to unit variance.

    steepest, least: supremum and infimum of the slope; steepest_at, least_at: where, the point nearest to 0, or
    infinite if it is only approached (-inf if on both sides). gain: the sigma_w that keeps unit variance.
    back: E[phi'(Z)^2]. chi: gain^2 back, the factor of the squared gradient norm per layer at that gain.
    """

    steepest: float
    steepest_at: float
    least: float
    least_at: float
    gain: float
    back: float
    chi: float


@functools.cache
def facts(activation):
    """Compute the `Facts` of an activation from its value and slope, on a grid of 1e-4; positions are that exact."""
    z = torch.arange(-400_000, 400_001, dtype=torch.float64) / 10_000
    slopes = activations.get(activation).slope(z)
    steepest, least = slopes.max().item(), slopes.min().item()
    keeps, back = gain(activation), chi(activation, 1.0)
    return Facts(
        steepest, _nearest_zero(z, slopes, steepest), least, _nearest_zero(z, slopes, least),
        keeps, back, keeps**2 * back,
    )  # fmt: skip


def _nearest_zero(z, values, level):
    """Return the z nearest to 0 at which `values` reach `level`; infinite if that is far out, on a tail."""
    there = z[(values - level).abs() < 1e-12]
    nearest = there[there.abs().argmin()].item()
    return nearest if abs(nearest) < 10 else math.copysign(math.inf, nearest)


def q_trajectory(activation, q_first, depth, sigma_w=1.0, sigma_b=0.0):
    """Variances of the pre-activations of layers 1..depth, from that of layer 1. Returns a float64 tensor (depth,)."""
    q = torch.full((depth,), float(q_first), dtype=torch.float64)
    for layer in range(1, depth):
        q[layer:] = min(q_map(activation, q[layer - 1], sigma_w, sigma_b), LARGEST_Q)
        if q[layer] == q[layer - 1]:  # settled, to the last bit: so are all deeper layers
            break
    return q


def q_fixed_point(activation, sigma_w=1.0, sigma_b=0.0, q_start=1.0):
    """The variance that ever deeper layers settle at; 0.0 if the signal dies, math.inf if it grows without bound.

    Found by bisection, since at a critical point iterating the map would take forever (tanh with sigma_w = 1: q ~ 1/2l,
    Schoenholz et al. 2017). The q map of every activation here rises with q, so the variance moves one way only, from
    `q_start` (> 0) to the next fixed point. Below 1e-12 it counts as 0, above 1e12 as infinite.
    """
    if not 0 < q_start < math.inf:
        raise WrongValue(f"q_start is a variance and must be positive, got {q_start}")

    def growth(q):
        return q_map(activation, q, sigma_w, sigma_b) / q - 1

    if abs(growth(q_start)) < 1e-12:
        return float(q_start)
    rises = growth(q_start) > 0
    near = far = float(q_start)
    while (growth(far) > 0) == rises:  # walk on by factors of 2 until the fixed point is passed
        near, far = far, far * 2 if rises else far / 2
        if not 1e-12 < far < 1e12:
            return math.inf if rises else 0.0
    for _ in range(50):
        middle = math.sqrt(near * far)
        near, far = (middle, far) if (growth(middle) > 0) == rises else (near, middle)
    return far


def depth_scale(chi_value):
    """Layers over which a gradient changes by a factor e in mean square, 1 / |ln chi|; infinite where chi = 1."""
    if not chi_value > 0:
        raise WrongValue(f"chi must be positive, got {chi_value}")
    return math.inf if chi_value == 1 else 1 / abs(math.log(chi_value))


def predicted_gradient_norms(activation, q_first, depth, sigma_w=1.0, sigma_b=0.0, last=1.0):
    """Predicted ||delta^l|| for l = 1..depth+1: `depth` hidden layers, then the readout, whose norm is `last`.

    ||delta^l|| = sqrt(chi(q^l)) ||delta^{l+1}||: the slopes of layer l, the weights of layer l+1. `q_first` is the
    mean square of the first pre-activation. Returns a float64 tensor of shape (depth + 1,).
    """
    factors = chi(activation, q_trajectory(activation, q_first, depth, sigma_w, sigma_b), sigma_w).sqrt()
    return last * torch.cat([factors, torch.ones(1, dtype=torch.float64)]).flip(0).cumprod(0).flip(0)
