"""A gradient that shrinks or grows from layer to layer: vanishing, exploding."""

import math

from torch import nn

from ..slopes import chi, mean_slope
from .finding import Remedy, found, times, where
from .weights import POOR_CHI, draw_if_off, has, has_norm, hidden_kind, hides_all, rectify

# A layer whose gradient is this share of the last layer's moves in a thousand steps, a whole small training, as far as
# the last layer moves in one. Five sigmoid layers at Xavier's scale reach 0.236^5 = 7e-4, and stay at chance for 600
# steps; three reach 1e-2 and learn (chapter 1).
VANISHED = 1e-3

# A step is healthy where it moves a weight by about 1e-3 of its size (Karpathy, CS231n). Where the gradient is a hundred
# times the last layer's, the step that suits the last layer moves a tenth of a weight at once.
EXPLODED = 1e2


def find(exam):
    """Yield "vanishing" and "exploding", by the gradients as shares of the last layer's."""
    yield from vanishing(exam)
    yield from _exploding(exam, _profile(exam))


def _profile(exam):
    """[(layer, the largest gradient norm from the first layer up to it as a share of the last layer's)].

    Up to it, and not its own: a branch beside the main path may well be weak, and hides nothing that passes by.
    """
    heard = [layer for layer in exam.layers if layer.reached and math.isfinite(layer.delta_norm)]
    while heard and not heard[-1].delta_norm > 0:
        heard.pop()
    last = heard[-1].delta_norm if heard else 0.0
    largest, profile = 0.0, []
    for layer in heard:
        largest = max(largest, layer.delta_norm)
        profile.append((layer, largest / last))
    return profile


def vanishing(exam):
    """Yield "vanishing", if it is there."""
    profile = _profile(exam)
    layers = [layer for layer, share in profile if share < VANISHED and not layer.frozen]  # which has nothing to learn
    silent = any(layer.dead > 1 - 1e-9 for layer in exam.layers[:-1]) and all(layer.delta_norm == 0 for layer in layers)
    twins = any(layer.twins and layer.delta_norm == 0 for layer in layers)
    gate = exam.closed and all(layer.delta_norm == 0 for layer in layers)
    if layers and not silent and not twins and not gate:
        share, behind = profile[0][1], len(profile) - 1
        factor = share ** (1 / behind) if share > 0 else 0.0
        yield found("vanishing", layers, f"{where(layers[:1])} gets {times(share)} the last layer's gradient, a factor "
                    f"{factor:.2g} a layer; {where(layers)}: less than {VANISHED:g} of it",
                    first_over_last=share, factor_per_layer=factor)


def _exploding(exam, profile):
    # Of several heads one may well have a hundred times the loss of another, boxes in pixels beside classes. What has grown
    # on its way down is beyond all of them.
    last = max((layer.delta_norm for layer, _ in profile if layer.is_end or layer is profile[-1][0]), default=0.0)
    layers = [layer for layer, _ in profile if last and layer.delta_norm / last > EXPLODED]
    # A signal may be as large as what comes in, and as what is asked for.
    scale = max([1.0, *filter(math.isfinite, (exam.input_rms, exam.target_rms))])
    loud = [layer for layer in exam.layers[:-1] if layer.pre_std / scale > EXPLODED]
    if layers:
        worst = max(layers, key=lambda layer: layer.delta_norm)
        share = worst.delta_norm / last
        yield found("exploding", layers, f"{where([worst])} gets {times(share)} the last layer's gradient: no step is "
                    "small enough for it and large enough for the last layer", largest_over_last=share)
    elif loud:
        worst = max(loud, key=lambda layer: layer.pre_std)
        yield found("exploding", loud, f"the signal grows from layer to layer, to a deviation of {worst.pre_std:.2g} in "
                    f"{where([worst])}", pre_std=worst.pre_std)


def prescribe(finding, exam, model):
    """Because of the activation, of the weights, or of depth itself, in this order."""
    kind, sick = hidden_kind(finding, exam)
    vanishes = finding.kind == "vanishing"
    behind = next((layer for layer in exam.layers if layer.delta_norm > 0), None)  # exactly 0 is what a mask leaves, and no depth
    if vanishes and behind and behind.type == "MultiheadAttention" and behind.name not in finding.layers:
        return hides_all(behind)
    if vanishes and kind and chi(kind) < POOR_CHI:
        slopes = [mean_slope(layer) for layer in sick if layer.nonlinearity == kind]
        return rectify(f"{finding.where}: {kind} slopes average {sum(slopes) / len(slopes):.2g}", exam, kind)
    if remedy := draw_if_off(kind, exam, model, too_large=not vanishes):
        return remedy
    if vanishes:
        return Remedy(f"{len(exam.layers)} layers are too long a chain for these weights: let the signal pass every two of them "
                      "on a skip, x = x + f(x) / skips ** 0.5, with nothing that scales x, or put a norm before each "
                      "activation", "5, 6")
    if has(model, nn.MultiheadAttention):  # its blocks have skips and norms
        return Remedy("clip the gradient's norm, nn.utils.clip_grad_norm_(model.parameters(), 1.0), and let the learning rate grow from "
                      "0 over some hundred steps; if a training has come to this, begin again so, or with a smaller rate", "5, 6")
    if has_norm(model):
        return Remedy("a norm after every layer lets the gradient grow by about 1.2 a layer: add skip connections around "
                      "every two layers, x = x + f(x), and let each branch f begin small", "5, 6")
    return Remedy("scale each branch of a skip connection, x = x + f(x) / blocks ** 0.5, or let it begin at 0, or draw smaller "
                  "weights; meanwhile clip the gradient's norm: nn.utils.clip_grad_norm_(model.parameters(), 1.0)", "5, 6")
