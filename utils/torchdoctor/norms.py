"""Norms: which modules are some, over how many values they take a mean, and whether running statistics suit the data."""

import math

from torch import nn

from . import keras_layers
from .values import double

NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm)
KERAS_NORMS = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization", "UnitNormalization")

# The root mean square that a channel may have behind a norm whose running statistics are those of the data: 1 over all of
# them, and of a batch that differs from the rest up to this. Data of another scale, 0 to 255 for 0 to 1, have a hundred.
SUITS = 3.0


def is_norm(module):
    """Whether a module is a norm of torch's or of Keras'."""
    return isinstance(module, NORMS) or keras_layers.is_keras(module) and type(module).__name__ in KERAS_NORMS


def values_each(norm, x):
    """Over how many values a norm takes each of its means. A batch or instance norm refuses to take it over one."""
    if isinstance(norm, nn.LayerNorm):
        return math.prod(norm.normalized_shape)
    return x[0].numel() // norm.num_groups if isinstance(norm, nn.GroupNorm) and len(x) else math.inf


def suits(norm, x):
    """Whether the running statistics of a norm in eval mode are those of its input, so that it undoes its size all the same."""
    x, mean, var = (double(t.detach()) for t in (x, norm.running_mean, norm.running_var))
    axes = [axis for axis in range(x.dim()) if axis != 1]
    away = (x.mean(axes) - mean).square() + x.var(axes, correction=0)
    return bool((away <= SUITS**2 * (var + norm.eps)).all())
