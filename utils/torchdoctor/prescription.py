"""What to do about a finding in this very model: a sentence, the chapters, and the change itself, to be tried on a copy."""

import math
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from utils.nets import activations
from utils.theory.meanfield import facts, gaussian_mean

from . import thresholds
from .examination import module_of
from .layer_facts import NORMS

REGISTRY = {a.torch_class.__name__: a.name for a in activations.ACTIVATIONS.values() if isinstance(a.torch_class, type)}
HE = math.sqrt(2)


class Remedy(NamedTuple):
    """sentence: what to change, where; chapter: which explain it; apply: function that does it to a model, or None."""

    sentence: str
    chapter: str
    apply: Callable[[nn.Module], None] | None = None


def prescribe(finding, exam, model):
    """Return the `Remedy` for a `Finding` of the `Examination` of this model."""
    return _REMEDIES[finding.kind](finding, exam, model)


def mean_slope(layer):
    """Mean slope of a layer's nonlinearity; nan if unknown.

    Of a sigmoid and a tanh it is measured, since their slopes are functions of their values: a - a^2 and 1 - a^2. Of
    the others it is the mean over z ~ N(mean, std^2), with the measured mean and deviation.
    """
    mean_square = layer.activation_std**2 + layer.activation_mean**2
    if layer.nonlinearity == "Sigmoid":
        return layer.activation_mean - mean_square
    if layer.nonlinearity == "Tanh":
        return 1 - mean_square
    if layer.nonlinearity not in REGISTRY or not math.isfinite(layer.pre_std):
        return math.nan
    slope = activations.get(REGISTRY[layer.nonlinearity]).slope
    return gaussian_mean(lambda z: slope(layer.pre_mean + layer.pre_std * z))


def _bad_scale(finding, exam, model):
    """Vanishing, exploding or saturated: because of the activation, of the weights, or of depth itself."""
    hidden = [layer for layer in exam.layers[:-1] if layer.nonlinearity in REGISTRY]
    sick = [layer for layer in hidden if layer.name in finding.layers] or hidden
    kind = Counter(layer.nonlinearity for layer in sick).most_common(1)[0][0] if sick else ""
    if finding.kind == "vanishing" and kind and facts(REGISTRY[kind]).chi < thresholds.POOR_CHI:
        slopes = [mean_slope(layer) for layer in sick if layer.nonlinearity == kind]
        modules = [name for name, its_kind in exam.hidden_nonlinearities.items() if its_kind == kind]
        by_hand = "" if modules else " (it is a call in forward: change it there)"
        return Remedy(
            f"{finding.where}: {kind} slopes average {sum(slopes) / len(slopes):.2g}; replace {kind} by ReLU in the "
            f"hidden layers{by_hand}, with He's weights: std sqrt(2 / fan_in)",
            "1, 2, 5", _both(_replace(modules, nn.ReLU), _draw(_names(exam), HE)) if modules else None,
        )  # fmt: skip
    target = 1.0 if kind in ("Tanh", "") else facts(REGISTRY[kind]).gain
    scales = [layer.sigma_w for layer in exam.layers if layer.sigma_w > 0]
    scale = math.exp(sum(map(math.log, scales)) / len(scales)) if scales else math.nan
    off = scale / target < 1 / thresholds.SCALE_TOLERANCE if finding.kind == "vanishing" else scale / target > thresholds.SCALE_TOLERANCE
    normed = any(isinstance(module, NORMS) for module in model.modules())
    mean, std = (finding.evidence.get(key, 0.0) for key in ("pre_mean", "pre_std"))
    if finding.kind == "saturated" and abs(mean) > std:
        return Remedy(f"z lies around {mean:.2g} in {finding.where}: set the biases to 0, and draw the weights anew with std "
                      f"{target:.3g} / sqrt(fan_in)", "1, 4", _draw(_names(exam), target))
    if off and kind and not normed and not any(isinstance(module, nn.MultiheadAttention) for module in model.modules()):
        return Remedy(
            f"the weights have {scale:.2g} / sqrt(fan_in) as their standard deviation, and {kind} needs {target:.3g}: draw "
            f"them anew with std {target:.3g} / sqrt(fan_in)", "4, 5", _draw(_names(exam), target),
        )  # fmt: skip
    if finding.kind == "saturated":
        return Remedy(f"bring z back to about 1 in {finding.where}: smaller weights or a smaller learning rate, "
                      "standardized inputs, or a norm before the activation", "1, 5")
    if finding.kind == "exploding" and normed:
        return Remedy("a norm after every layer lets the gradient grow by about 1.2 a layer: add skip connections around "
                      "every two layers, and begin each branch small", "5, 6")
    if finding.kind == "exploding":
        return Remedy("scale each branch of a skip connection by 1 / sqrt(number of blocks), or let it begin at 0, or draw "
                      "smaller weights; clip the gradient's norm meanwhile", "5, 6")
    return Remedy(f"{len(exam.layers)} layers are too long a chain for these weights: let the signal pass every two of them on a "
                  "skip, x + f(x) / sqrt(number of skips), with nothing that scales x, or put a norm before each activation",
                  "5, 6")


def _dead(finding, exam, model):
    mean, std = finding.evidence["pre_mean"], finding.evidence["pre_std"]
    norms = " (of the norms as well)" if any(isinstance(module, NORMS) for module in model.modules()) else ""
    return Remedy(
        f"z lies around {mean:.2g} with deviation {std:.2g} in {finding.where}: set the biases to 0{norms} and draw He's weights "
        "anew; if a training step did it, take a smaller learning rate as well, or LeakyReLU(0.1), which lets a tenth of the "
        "gradient through", "2", _both(_draw(_names(exam), HE), _reset_norms),
    )  # fmt: skip


def _symmetric(finding, exam, model):
    kinds = {layer.nonlinearity for layer in exam.layers}
    return Remedy(f"draw the weights of {finding.where} at random: units that begin alike stay alike", "4",
                  _both(_reset(finding.layers), _draw(_names(exam), HE if "ReLU" in kinds else 1.0)))


def _frozen(finding, exam, model):
    return Remedy("set requires_grad=True for what is to learn: model.requires_grad_(True)", "1",
                  nn.Module.requires_grad_)


def _not_finite(finding, exam, model):
    sick = [layer.name for layer in exam.layers if not math.isfinite(layer.weight_norm)]
    sentence = ("these weights are lost: begin again from the last sound ones, with a smaller learning rate, and clip the "
                "gradient's norm") if sick else (
        "look for a logarithm or a root of 0, a division by 0, or numbers beyond the range of the dtype (float16 ends at "
        "65,504): compute the loss from logits, and draw smaller weights")  # fmt: skip
    return Remedy(sentence, "1, 4", _draw(sick, 1.0) if sick else None)


def _in_time(finding, exam, model):
    name = finding.layers[0]
    module, steps = module_of(model, name), finding.evidence["steps"]
    if finding.kind == "exploding in time":
        return Remedy(f"clip the gradient's norm, and draw {name}'s recurrent weights orthogonal", "7", _orthogonal(name))
    if isinstance(module, (nn.LSTM, nn.LSTMCell)):
        return Remedy(f"let {name} remember: forget biases of ln U(1, {steps - 1}) and the opposite for the input gate (chrono "
                      "initialization)", "7", _chrono(name, steps))  # fmt: skip
    if isinstance(module, (nn.GRU, nn.GRUCell)):
        return Remedy(f"let {name} remember: update-gate biases of ln U(1, {steps - 1}) (chrono initialization)", "7",
                      _chrono(name, steps))
    return Remedy(f"replace {name} by an LSTM or a GRU with chrono biases, or cut the sequences shorter", "7")


def _step(finding, exam, model):
    if "overshoot" in finding.evidence:
        lr = exam.lr / finding.evidence["overshoot"]
        return Remedy(f"try lr = {lr:.1g}: the straight line then ends where the loss would be 0 (Polyak's step)", "1")
    share, words = (1e-2, "a hundredth") if finding.kind == "step too large" else (1e-3, "a thousandth")
    lr = exam.lr * share / finding.evidence["largest_ratio"]
    if lr < thresholds.SMALLEST_LR:
        return Remedy("find first what makes the gradient so large, then diagnose again: no learning rate makes up for it", "1, 4")
    return Remedy(f"try lr = {lr:.1g}: about {words} of the weights' size a step (for plain gradient "
                  "descent; Adam scales its steps itself)", "1")


def _collapsed(finding, exam, model):
    first = f"{exam.layers[0].name}.weight"
    if first in exam.closed:
        return Remedy(f"draw {first} at random: it is 0 throughout, so that nothing of the input passes", "4")
    return Remedy("skip connections around every layer keep the inputs, and the positions of a sequence, apart; without them, "
                  "weights of a gain of 1 a layer", "4, 5, 6")


_REMEDIES = {
    "vanishing": _bad_scale, "exploding": _bad_scale, "saturated": _bad_scale, "dead": _dead, "symmetric": _symmetric,
    "frozen": _frozen, "not finite": _not_finite, "vanishing in time": _in_time, "exploding in time": _in_time,
    "step too large": _step, "step too small": _step,
    "cut off": lambda finding, exam, model: Remedy(
        f"something after {finding.layers[-1]} leaves autograd's graph: look for detach, no_grad, item, numpy or argmax", "1"),
    "collapsed": _collapsed,
    "input too large": lambda finding, exam, model: Remedy(
        "standardize the inputs: subtract the mean of the training data and divide by its deviation", "4, 5"),
}  # fmt: skip


def _names(exam):
    return [layer.name for layer in exam.layers]


def _both(first, second):
    def apply(copy):
        first(copy)
        second(copy)

    return apply


def _reset_norms(copy):
    for module in copy.modules():
        if isinstance(module, NORMS):
            module.reset_parameters()


def _reset(names):
    def apply(copy):
        for name in names:
            getattr(module_of(copy, name), "reset_parameters", lambda: None)()

    return apply


def _replace(names, make):
    def apply(copy):
        for name in names:
            parent, _, child = name.rpartition(".")
            setattr(copy.get_submodule(parent), child, make())

    return apply


@torch.no_grad()
def _redraw(module, sigma_w):
    weight = module.weight
    weight.normal_(0, sigma_w / math.sqrt(weight[0].numel()))
    if module.bias is not None:
        module.bias.zero_()


def _draw(names, sigma_w):
    """Draw linear and convolutional layers anew, the last one with sigma_w = 1."""
    def apply(copy):
        modules = [m for m in (module_of(copy, name) for name in names) if isinstance(m, (nn.Linear, nn.modules.conv._ConvNd))]
        for module in modules:
            _redraw(module, 1.0 if module is modules[-1] and len(modules) > 1 else sigma_w)

    return apply


def _orthogonal(name):
    def apply(copy):
        for key, p in module_of(copy, name).named_parameters():
            if key.startswith("weight_hh"):
                for block in p.split(p.shape[1]):
                    nn.init.orthogonal_(block.data)

    return apply


@torch.no_grad()
def _chrono_(module, steps):
    size = module.hidden_size
    for key, p in module.named_parameters():
        if key.startswith("bias_ih"):
            p.zero_()
        elif key.startswith("bias_hh"):
            keep = torch.empty(size, dtype=p.dtype).uniform_(1, max(steps - 1, 1.1)).log_()
            p.zero_()
            p[size : 2 * size] = keep  # of an LSTM (i, f, g, o) the forget gate, of a GRU (r, z, n) the update gate
            if isinstance(module, (nn.LSTM, nn.LSTMCell)):
                p[:size] = -keep


def _chrono(name, steps):
    return lambda copy: _chrono_(module_of(copy, name), steps)
