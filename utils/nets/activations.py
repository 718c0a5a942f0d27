"""The activation functions of the course, in one registry: formula, slope, facts, and the PyTorch class.

Every function is written by hand, so that a learner can read it; the tests hold each against PyTorch's own.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from utils.torchdoctor.errors import WrongValue


@dataclass(frozen=True)
class Activation:
    """One activation function.

    `value` and `slope` take a tensor of any shape and return one of the same shape; `torch_class` makes the same
    function as a module. `limits` are the infimum and supremum of the value (not of the slope) over the real line;
    `smooth` says that the slope is continuous, `monotone` that the value never falls.
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
    return torch.sigmoid(z)  # the formula as it stands would give autograd inf * 0 far on the left


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


def leaky_relu(z, alpha=0.01):
    """Leaky ReLU, z or alpha z (Maas et al. 2013); PReLU is the same function with a learnt alpha (He et al. 2015)."""
    return torch.where(z > 0, z, alpha * z)


def leaky_relu_slope(z, alpha=0.01):
    """Slope of the leaky ReLU: 1 for z > 0, else alpha."""
    return torch.where(z > 0, torch.ones_like(z), alpha * torch.ones_like(z))


def elu(z, alpha=1.0):
    """ELU, z or alpha (e^z - 1), which levels off at -alpha (Clevert et al. 2016)."""
    return torch.where(z > 0, z, alpha * torch.expm1(z.clamp(max=0)))


def elu_slope(z, alpha=1.0):
    """Slope of the ELU, 1 or alpha e^z: continuous at 0 only if alpha = 1."""
    return torch.where(z > 0, torch.ones_like(z), alpha * torch.exp(z.clamp(max=0)))


# The pair for which mean 0 and variance 1 are a fixed point of a layer with sigma_w = 1 (Klambauer et al. 2017)
SELU_LAMBDA = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


def selu(z):
    """SELU, lambda ELU(z, alpha) with lambda = 1.0507 and alpha = 1.6733 (Klambauer et al. 2017)."""
    return SELU_LAMBDA * elu(z, SELU_ALPHA)


def selu_slope(z):
    """Slope of the SELU, lambda or lambda alpha e^z; at most lambda alpha = 1.7581, just left of 0."""
    return SELU_LAMBDA * elu_slope(z, SELU_ALPHA)


def _normal_cdf(z):
    """Phi(z), the share of a standard normal below z; erfc keeps its digits on the left, where 1 + erf loses them."""
    return torch.special.erfc(-z / math.sqrt(2)) / 2


def gelu(z):
    """GELU, z Phi(z) with the normal distribution function Phi (Hendrycks & Gimpel 2016)."""
    return z * _normal_cdf(z)


def gelu_slope(z):
    """Slope of the GELU, Phi(z) + z times the normal density."""
    return _normal_cdf(z) + z * torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)


def _gelu_tanh_argument(z):
    """u(z) and its slope, such that sigmoid(2u) = (1 + tanh u) / 2 is close to Phi(z)."""
    scale = math.sqrt(2 / math.pi)
    return scale * (z + 0.044715 * z**3), scale * (1 + 3 * 0.044715 * z.square())


def gelu_tanh(z):
    """GELU in its cheaper form, z (1 + tanh u) / 2 with u = sqrt(2 / pi) (z + 0.044715 z^3)."""
    u, _ = _gelu_tanh_argument(z)
    return z * sigmoid(2 * u)


def gelu_tanh_slope(z):
    """Slope of the GELU's tanh form, by the product and the chain rule."""
    u, u_slope = _gelu_tanh_argument(z)
    return sigmoid(2 * u) + z * sigmoid_slope(2 * u) * 2 * u_slope


def silu(z, beta=1.0):
    """Swish, z sigmoid(beta z) (Ramachandran et al. 2017); with beta = 1 the SiLU (Hendrycks & Gimpel 2016)."""
    return z * sigmoid(beta * z)


def silu_slope(z, beta=1.0):
    """Slope of Swish, s + beta z s (1 - s) with s = sigmoid(beta z)."""
    return sigmoid(beta * z) + beta * z * sigmoid_slope(beta * z)


def softplus(z):
    """Softplus ln(1 + e^z), written so that e^z cannot overflow."""
    return z.clamp(min=0) + torch.log1p(torch.exp(-z.abs()))


def mish(z):
    """Mish, z tanh(softplus(z)) (Misra 2019)."""
    return z * torch.tanh(softplus(z))


def mish_slope(z):
    """Slope of Mish, by the product and the chain rule; the slope of softplus is the sigmoid."""
    return torch.tanh(softplus(z)) + z * tanh_slope(softplus(z)) * sigmoid(z)


def identity(z):
    """The linear net's activation: nothing."""
    return z


def identity_slope(z):
    """Slope of the identity: 1 everywhere."""
    return torch.ones_like(z)


_PRELU_START = 0.25  # the slope that nn.PReLU starts from, and then learns
_prelu = functools.partial(leaky_relu, alpha=_PRELU_START)
_prelu_slope = functools.partial(leaky_relu_slope, alpha=_PRELU_START)
_GELUTanh = functools.partial(nn.GELU, approximate="tanh")
_INF = math.inf
_SELU_LEAST = -SELU_LAMBDA * SELU_ALPHA

# name, value, slope, torch_class, limits, smooth, monotone
_ROWS = (
    ("sigmoid", sigmoid, sigmoid_slope, nn.Sigmoid, (0.0, 1.0), True, True),
    ("tanh", tanh, tanh_slope, nn.Tanh, (-1.0, 1.0), True, True),
    ("relu", relu, relu_slope, nn.ReLU, (0.0, _INF), False, True),
    ("leaky_relu", leaky_relu, leaky_relu_slope, nn.LeakyReLU, (-_INF, _INF), False, True),
    ("prelu", _prelu, _prelu_slope, nn.PReLU, (-_INF, _INF), False, True),
    ("elu", elu, elu_slope, nn.ELU, (-1.0, _INF), True, True),
    ("selu", selu, selu_slope, nn.SELU, (_SELU_LEAST, _INF), False, True),
    ("gelu", gelu, gelu_slope, nn.GELU, (-0.16997120747990369, _INF), True, False),
    ("gelu_tanh", gelu_tanh, gelu_tanh_slope, _GELUTanh, (-0.17004075057125403, _INF), True, False),
    ("silu", silu, silu_slope, nn.SiLU, (-0.27846454276107385, _INF), True, False),
    ("softplus", softplus, sigmoid, nn.Softplus, (0.0, _INF), True, True),
    ("mish", mish, mish_slope, nn.Mish, (-0.30884341301725043, _INF), True, False),
    ("identity", identity, identity_slope, nn.Identity, (-_INF, _INF), True, True),
)
ACTIVATIONS = {row[0]: Activation(*row) for row in _ROWS}


def get(name):
    """Return the `Activation` called `name`; raise a ValueError that lists the known names otherwise."""
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise WrongValue(f"unknown activation {name!r}: choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
