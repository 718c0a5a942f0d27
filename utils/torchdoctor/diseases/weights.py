"""New weights, which several remedies draw: of what scale, and how."""

import math
from collections import Counter

import torch
from torch import nn

from .. import keras_layers
from ..examination import module_of
from ..norms import is_norm
from ..slopes import gain, is_known
from .finding import Remedy

# Weights within this factor of the scale that theory asks for are not the cause: over thirty layers it makes 1.1^30 = 17.
SCALE_TOLERANCE = 1.1

HE = math.sqrt(2)

# An activation that passes on less than this of the squared gradient at the scale that keeps the signal (chi) cannot be
# helped by weights: softplus and logsigmoid 0.32, sigmoid 0.15, hardsigmoid 0.10. Hardshrink has 0.64, all others 1 or more.
POOR_CHI = 0.5

# At the weights that suit them, ten fully connected layers bear plain gradient descent with lr = 0.1. Of 20 and 30 such layers,
# and of 10 convolutions, it threw one net in three off for good, or more, where lr = 0.03 let all of them learn. Adam with
# lr = 3e-3 trains 20 layers, and throws 30 off, which learn with 1e-3.
LONG_CHAIN, STEADY_LR = 10, 0.03
LONG_CHAIN_BY_SIGN, STEADY_LR_BY_SIGN = 25, 1e-3


def hidden_kind(finding, exam):
    """The class of nonlinearity that most layers of a finding have, "" if none is known; and its layers with a known one.

    If it has no such layer, all hidden layers count.
    """
    hidden = [layer for layer in exam.layers[:-1] if is_known(layer.nonlinearity)]
    sick = [layer for layer in hidden if layer.name in finding.layers] or hidden
    return Counter(layer.nonlinearity for layer in sick).most_common(1)[0][0] if sick else "", sick


def hides_all(layer):
    """The `Remedy` of an attention that hears no key: it answers the same to every query, and lets no gradient through."""
    return Remedy(f"{layer.name} answers the same to every query, as where a mask hides all keys: key_padding_mask and a mask of bools "
                  "are True where a key is to be passed over, mask = x == 0 if 0 is the padding", "not in this course")


def right_scale(kind):
    """The sigma_w that suits a class of nonlinearities; 1 for tanh, whose signal shrinks until the slope is 1, and for ""."""
    return 1.0 if kind in ("Tanh", "") else gain(kind)


def draw_if_off(kind, exam, model, *, too_large):
    """The `Remedy` of weights that are too large, or too small, for this nonlinearity; None if their scale is not the cause.

    Nor is it told of a net with norms or attention, in which the scale of the weights alone does not make that of the signal.
    """
    target = right_scale(kind)
    scales = [layer.sigma_w for layer in exam.layers if layer.sigma_w > 0]
    scale = math.exp(sum(map(math.log, scales)) / len(scales)) if scales else math.nan
    off = scale / target > SCALE_TOLERANCE if too_large else scale / target < 1 / SCALE_TOLERANCE
    if not off or not kind or has_norm(model) or has(model, nn.MultiheadAttention):
        return None
    return Remedy(
        f"the weights have {scale:.2g} / sqrt(fan_in) as their standard deviation, and {kind} needs {target:.3g}: draw "
        f"them anew with std {target:.3g} / sqrt(fan_in), nn.init.normal_(layer.weight, 0, {target:.3g} / fan_in ** 0.5)"
        f"{smaller_step(exam)}",
        "4, 5", draw(exam, target),
    )  # fmt: skip


def rectify(why, exam, kind):
    """The `Remedy` of ReLU in place of an activation that no weights can help; it begins with `why`."""
    modules = [name for name, its_kind in exam.hidden_nonlinearities.items() if its_kind == kind]
    by_hand = "" if modules else " (it is a call in forward: change it there, to torch.relu(x))"
    return Remedy(
        f"{why}; replace {kind} by ReLU in the hidden layers{by_hand}, with He's weights: std sqrt(2 / fan_in), "
        f"nn.init.kaiming_normal_(layer.weight){smaller_step(exam)}",
        "1, 2, 5", both(exchange(modules, lambda _: nn.ReLU()), draw(exam, HE)) if modules else None,
    )  # fmt: skip


def smaller_step(exam, lr=STEADY_LR):
    """What the remedy of a long chain adds about the step, if the one in use is too large for it; else "".

    lr: what plain gradient descent may take; who makes the step, if it is not said, may well be that.
    """
    used, long = exam.optimizer, LONG_CHAIN
    if exam.lr is None or used is not None and not used.is_known:
        return ""
    if used is not None and used.by_sign:
        lr, long = STEADY_LR_BY_SIGN, LONG_CHAIN_BY_SIGN
    if exam.lr <= lr or len(exam.layers) <= long:
        return ""
    return (f"; {used.name if used else 'plain gradient descent'} then needs a smaller step, lr = {lr:g} at first: lr = {exam.lr:g} "
            f"may throw {len(exam.layers)} layers off")


def exchange(names, make):
    """A change: make(module) in the place of each module of these names."""
    def change(model):
        for name in names:
            put(model, name, make(module_of(model, name)))

    return change


def has(model, kinds):
    """Whether a model has a module of these classes."""
    return any(isinstance(module, kinds) for module in model.modules())


def has_norm(model):
    """Whether a model has a norm."""
    return any(map(is_norm, keras_layers.modules_of(model).values()))


def put(model, name, module):
    """Put another module in the place of the one of this name; in Keras, of the activation that it is or calls."""
    if not keras_layers.exchange(module_of(model, name), module):
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, module)


def draw(exam, sigma_w):
    """A change: draw all linear and convolutional layers anew, the last one with sigma_w = 1, and set their biases to 0."""
    return draw_layers([layer.name for layer in exam.layers], sigma_w)


def draw_layers(names, sigma_w):
    """The same change, for the layers of these names."""
    @torch.no_grad()
    def change(model):
        modules = [m for m in (module_of(model, name) for name in names)
                   if isinstance(m, (nn.Linear, nn.modules.conv._ConvNd)) or keras_layers.kernel(m) is not None]
        for module in modules:
            own = 1.0 if module is modules[-1] and len(modules) > 1 else sigma_w
            weight, bias = keras_layers.kernel(module) or (module.weight, module.bias)
            weight.normal_(0, own / math.sqrt(keras_layers.rows(module, weight)[0].numel()))
            if bias is not None:
                bias.zero_()

    return change


def both(first, second):
    """Two changes, one after the other."""
    def change(model):
        first(model)
        second(model)

    return change
