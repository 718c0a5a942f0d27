"""Initialization schemes. Each fills one `nn.Linear` in place and returns it; biases start at zero unless noted.

fan_in and fan_out are the numbers of inputs and outputs of the layer. `generator` makes the draw repeatable without
touching PyTorch's global random state.
"""

import math
from numbers import Real

import torch

from utils.torchdoctor.errors import WrongValue


def _normal_(layer, std, generator):
    with torch.no_grad():
        layer.weight.normal_(0, std, generator=generator)
        if layer.bias is not None:
            layer.bias.zero_()
    return layer


def _uniform_(layer, std, generator):
    bound = math.sqrt(3) * std  # the variance of U(-b, b) is b^2 / 3
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        if layer.bias is not None:
            layer.bias.zero_()
    return layer


def _fans(layer):
    fan_out, fan_in = layer.weight.shape
    return fan_in, fan_out


def naive_(layer, generator=None):
    """w ~ N(0, 1): what one writes before thinking of fan_in."""
    return _normal_(layer, 1.0, generator)


def small_(layer, generator=None):
    """w ~ N(0, 0.01^2): AlexNet's (Krizhevsky et al. 2012)."""
    return _normal_(layer, 0.01, generator)


def lecun_(layer, generator=None):
    """w ~ N(0, 1 / fan_in), sigma_w = 1 (LeCun et al. 1998)."""
    return scaled_(layer, 1.0, generator=generator)


def xavier_(layer, generator=None):
    """w ~ N(0, 2 / (fan_in + fan_out)) (Glorot & Bengio 2010); sigma_w = 1 where the layer is square."""
    return _normal_(layer, math.sqrt(2 / sum(_fans(layer))), generator)


def he_(layer, generator=None):
    """w ~ N(0, 2 / fan_in), sigma_w = sqrt(2) (He et al. 2015)."""
    return scaled_(layer, math.sqrt(2), generator=generator)


def xavier_uniform_(layer, generator=None):
    """w ~ U(-b, b), b = sqrt(6 / (fan_in + fan_out)): Xavier's variance, in the form that the paper gives it."""
    return _uniform_(layer, math.sqrt(2 / sum(_fans(layer))), generator)


def he_uniform_(layer, generator=None):
    """w ~ U(-b, b), b = sqrt(6 / fan_in): He's variance."""
    return _uniform_(layer, math.sqrt(2 / _fans(layer)[0]), generator)


def orthogonal_(layer, gain=1.0, generator=None):
    """gain times a random matrix with orthonormal rows, or columns if there are fewer of these (Saxe et al. 2014).

    The Q of a Gaussian matrix's QR decomposition, uniform among all such matrices once the signs of R's diagonal are
    moved into it. w has the variance gain^2 / max(fan_in, fan_out).
    """
    fan_in, fan_out = _fans(layer)
    with torch.no_grad():
        gaussian = torch.empty_like(layer.weight).normal_(generator=generator)
        q, r = torch.linalg.qr(gaussian.T if fan_out < fan_in else gaussian)
        q = q * r.diagonal().sign()
        layer.weight.copy_(gain * (q.T if fan_out < fan_in else q))
        if layer.bias is not None:
            layer.bias.zero_()
    return layer


def torch_default_(layer, generator=None):
    """w, b ~ U(-1/sqrt(fan_in), 1/sqrt(fan_in)), what `nn.Linear` does by itself: sigma_w^2 = 1/3, not He's 2."""
    bound = 1 / math.sqrt(_fans(layer)[0])
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        if layer.bias is not None:
            layer.bias.uniform_(-bound, bound, generator=generator)
    return layer


def scaled_(layer, sigma_w=1.0, sigma_b=0.0, generator=None):
    """w ~ N(0, sigma_w^2 / fan_in), b ~ N(0, sigma_b^2): the notation of mean-field theory (Poole et al. 2016).

    Raises ValueError unless both are finite numbers, 0 or more.
    """
    for name, sigma in (("sigma_w", sigma_w), ("sigma_b", sigma_b)):
        if not isinstance(sigma, Real) or not 0 <= sigma < math.inf:
            raise WrongValue(f"{name} is a standard deviation, a finite number of 0 or more; got {sigma!r}")
    _normal_(layer, sigma_w / math.sqrt(_fans(layer)[0]), generator)
    if sigma_b and layer.bias is not None:
        with torch.no_grad():
            layer.bias.normal_(0, sigma_b, generator=generator)
    return layer


SCHEMES = {
    "naive": naive_,
    "small": small_,
    "lecun": lecun_,
    "xavier": xavier_,
    "he": he_,
    "xavier_uniform": xavier_uniform_,
    "he_uniform": he_uniform_,
    "orthogonal": orthogonal_,
    "torch": torch_default_,
}


def get(name):
    """Return the scheme called `name`; raise a ValueError that lists the known names otherwise."""
    if not isinstance(name, str) or name not in SCHEMES:
        raise WrongValue(f"unknown initialization {name!r}: choose one of {', '.join(SCHEMES)}")
    return SCHEMES[name]
