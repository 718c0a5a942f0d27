"""From numbers to diseases: an `Examination` -> what is wrong, worst first. Every rule is one function."""

import math
from dataclasses import dataclass, field

from . import thresholds

# What to treat first: the later ones often are consequences of the earlier.
ORDER = (
    "not finite", "frozen", "cut off", "symmetric", "input too large", "dead", "exploding in time", "exploding", "saturated",
    "vanishing", "vanishing in time", "collapsed", "step too large", "step too small",
)  # fmt: skip


@dataclass
class Finding:
    """One disease. kind: a name of `ORDER`. layers: names of the layers it sits in, and `where` says so in words.

    sentence: the evidence in words; evidence: name -> number, what the sentence is made of. remedy, chapter: what to do
    about it in this model, and the chapters that explain it; `utils.torchdoctor.prescription` fills them in.
    """

    kind: str
    layers: tuple[str, ...] = field(repr=False)  # they may be hundreds, and `where` tells
    where: str
    sentence: str
    evidence: dict[str, float]
    remedy: str = ""
    chapter: str = ""


def find(examination):
    """Return the `Finding`s of an `Examination`, worst first, without remedies; none if it is healthy."""
    rules = (
        _not_finite, _frozen, _cut_off, _symmetric, _dead, _exploding, _saturated, _vanishing, _collapsed, _in_time,
        _step, _input,
    )  # fmt: skip
    found = [finding for rule in rules for finding in rule(examination)]
    kinds = {finding.kind for finding in found}
    if "not finite" in kinds:  # numbers made of NaN prove nothing else
        found = [finding for finding in found if finding.kind in ("not finite", "input too large")]
    if kinds & {"dead", "vanishing", "symmetric"}:  # of which they are consequences
        found = [finding for finding in found if finding.kind not in ("collapsed", "step too small")]
    return sorted(found, key=lambda finding: ORDER.index(finding.kind))


def _finding(kind, layers, sentence, /, **evidence):
    return Finding(kind, tuple(layer.name for layer in layers), where(layers), sentence, evidence)


def _not_finite(exam):
    weights = [layer for layer in exam.layers if not math.isfinite(layer.weight_norm)]
    forward = [layer for layer in exam.layers if not math.isfinite(layer.pre_mean)]
    backward = [layer for layer in exam.layers if not layer.finite]
    if weights:
        yield _finding("not finite", weights, f"the weights of {where(weights)} hold NaN or infinite entries", loss=exam.loss)
    elif forward:
        yield _finding("not finite", forward, f"the weights are sound; the first NaN or infinite number is in what "
                       f"{where(forward[:1])} returns", loss=exam.loss)
    elif backward or not math.isfinite(exam.loss):
        gradients = f"and gradients of {where(backward)} are NaN or infinite" if backward else "and all gradients are finite"
        yield _finding("not finite", backward or exam.layers[-1:], f"every layer returns finite numbers; the loss is "
                       f"{exam.loss:.3g}, {gradients}", loss=exam.loss)


def _frozen(exam):
    if all(layer.frozen for layer in exam.layers):
        yield _finding("frozen", exam.layers, "every layer has requires_grad=False: no step changes any weight",
                       layers=len(exam.layers))


def _cut_off(exam):
    first = next((i for i, layer in enumerate(exam.layers) if layer.gradient_norm > 0 or layer.reached), len(exam.layers))
    layers = exam.layers[:first]
    if layers and first < len(exam.layers):
        yield _finding("cut off", layers, f"no gradient at all reaches {where(layers)}: autograd's graph ends after "
                       f"{layers[-1].name}", layers=len(layers))


def _symmetric(exam):
    layers = [layer for layer in exam.layers if layer.twins and not layer.frozen]
    if layers:
        units = max(layer.units for layer in layers)
        yield _finding("symmetric", layers, f"all units of {where(layers)} have the same weights and the same gradient: a "
                       f"layer of {units} is a layer of one, and stays so", units=units)


def _dead(exam):
    def limit(layer):
        return min(thresholds.DEAD + thresholds.DEAD_DEVIATIONS / 2 / math.sqrt(max(layer.units, 1)), 1 - 1e-9)

    layers = [layer for layer in exam.layers[:-1] if layer.dead > limit(layer)]
    if layers:
        worst = max(layers, key=lambda layer: layer.dead)
        yield _finding("dead", layers, f"in {where(layers)}, up to {worst.dead:.0%} of the units are 0 for every sample (in "
                       f"{worst.name}, z has mean {worst.pre_mean:.2g} and deviation {worst.pre_std:.2g})",
                       dead=worst.dead, pre_mean=worst.pre_mean, pre_std=worst.pre_std)


def _saturated(exam):
    layers = [layer for layer in exam.layers[:-1] if layer.saturated > thresholds.SATURATED]
    if layers:
        worst = max(layers, key=lambda layer: layer.saturated)
        yield _finding("saturated", layers, f"in {where(layers)}, up to {worst.saturated:.0%} of the activations lie on the "
                       f"flat ends (in {worst.name}, z has mean {worst.pre_mean:.2g} and deviation {worst.pre_std:.2g})",
                       saturated=worst.saturated, pre_mean=worst.pre_mean, pre_std=worst.pre_std)


def _profile(exam):
    """[(layer, the largest gradient norm from the first layer up to it as a share of the last layer's)].

    Up to it, and not its own: a branch beside the main path may well be weak, and hides nothing that passes by.
    """
    heard = [layer for layer in exam.layers if layer.reached and math.isfinite(layer.gradient_norm)]
    while heard and not heard[-1].gradient_norm > 0:
        heard.pop()
    last = heard[-1].gradient_norm if heard else 0.0
    largest, profile = 0.0, []
    for layer in heard:
        largest = max(largest, layer.gradient_norm)
        profile.append((layer, largest / last))
    return profile


def _vanishing(exam):
    profile = _profile(exam)
    layers = [layer for layer, share in profile if share < thresholds.VANISHED]
    silent = any(layer.dead > 1 - 1e-9 for layer in exam.layers[:-1]) and all(layer.gradient_norm == 0 for layer in layers)
    twins = any(layer.twins and layer.gradient_norm == 0 for layer in layers)
    gate = exam.closed and all(layer.gradient_norm == 0 for layer in layers)
    if layers and not silent and not twins and not gate:
        share, behind = profile[0][1], len(profile) - 1
        factor = share ** (1 / behind) if share > 0 else 0.0
        yield _finding("vanishing", layers, f"{where(layers[:1])} gets {_times(share)} the last layer's gradient, a factor "
                       f"{factor:.2g} a layer; {where(layers)}: less than {thresholds.VANISHED:g} of it",
                       first_over_last=share, factor_per_layer=factor)


def _exploding(exam):
    profile = _profile(exam)
    last = profile[-1][0].gradient_norm if profile else 0.0
    layers = [layer for layer, _ in profile if last and layer.gradient_norm / last > thresholds.EXPLODED]
    scale = max(1.0, exam.input_rms if math.isfinite(exam.input_rms) else 1.0)
    loud = [layer for layer in exam.layers[:-1] if layer.pre_std / scale > thresholds.EXPLODED]
    if layers:
        worst = max(layers, key=lambda layer: layer.gradient_norm)
        share = worst.gradient_norm / last
        yield _finding("exploding", layers, f"{where([worst])} gets {_times(share)} the last layer's gradient: no step is "
                       "small enough for it and large enough for the last layer", largest_over_last=share)
    elif loud:
        worst = max(loud, key=lambda layer: layer.pre_std)
        yield _finding("exploding", loud, f"the signal grows from layer to layer, to a deviation of {worst.pre_std:.2g} in "
                       f"{where([worst])}", pre_std=worst.pre_std)


def _collapsed(exam):
    layers = [layer for layer in exam.layers if layer.apart < thresholds.ALIKE]
    first = next((layer.apart for layer in exam.layers if math.isfinite(layer.apart)), math.nan)
    if layers and first > thresholds.ALIKE:
        least = min(layer.apart for layer in layers)
        yield _finding("collapsed", layers, f"the positions of a sequence differ by {first:.1e} of their size at first and by "
                       f"{least:.1e} in {where(layers)}: the layers have made them all alike", alike=least)
    elif exam.alike < thresholds.ALIKE:
        yield _finding("collapsed", exam.layers[-1:], f"the outputs of different samples differ by {exam.alike:.1e} of their "
                       "size: the model answers every input alike", alike=exam.alike)


def _in_time(exam):
    for layer in exam.layers:
        norms = layer.through_time
        if norms is None or len(norms) < 2 or not norms[-1] > 0:
            continue
        share, steps = (norms[0] / norms[-1]).item(), len(norms)
        factor = share ** (1 / (steps - 1)) if share > 0 else 0.0
        forgets = share < thresholds.FORGOTTEN and layer.last_step_only
        if forgets or share > thresholds.EXPLODED:
            told = (f"the first input counts {_times(share)} what the last one counts, a factor {factor:.2g} a step" if share
                    else "of the first input nothing arrives that a floating-point number could hold")
            yield _finding("vanishing in time" if forgets else "exploding in time", [layer], f"over {steps} steps of "
                           f"{where([layer])}, {told}", first_over_last=share, factor_per_step=factor, steps=steps)


def _step(exam):
    layers = [layer for layer in exam.layers if math.isfinite(layer.update_ratio)]
    largest = max((layer.update_ratio for layer in layers), default=0.0)
    if exam.lr is None or not largest > 0:
        return
    # Not where the size of the weights says nothing: see STEP_TOO_LARGE.
    too_large = [layer for layer in layers if layer.update_ratio > thresholds.STEP_TOO_LARGE
                 and not layer.normed and layer is not exam.layers[-1]]
    readout = exam.layers[-1]
    fall = (readout.update_ratio * readout.weight_norm) ** 2 / exam.lr  # lr ||dC/dW||^2
    if too_large:
        worst = max(too_large, key=lambda layer: layer.update_ratio)
        yield _finding("step too large", too_large, f"with lr = {exam.lr:g} one step moves {where([worst])} by "
                       f"{worst.update_ratio:.2g} of its size", largest_ratio=worst.update_ratio)
    elif exam.loss > 0 and fall > thresholds.OVERSHOOT * exam.loss:
        yield _finding("step too large", [readout], f"with lr = {exam.lr:g} a step of {where([readout])} alone would, on a straight "
                       f"line, take {fall / exam.loss:.2g} times the loss away", overshoot=fall / exam.loss)
    elif largest < thresholds.STEP_TOO_SMALL:
        yield _finding("step too small", layers, f"with lr = {exam.lr:g} no layer moves by more than {largest:.1e} of its size "
                       "in a step", largest_ratio=largest)


def _input(exam):
    if exam.input_rms > thresholds.INPUT_TOO_LARGE:
        yield _finding("input too large", exam.layers[:1], f"the inputs have a root mean square of {exam.input_rms:.3g}",
                       input_rms=exam.input_rms)


def where(layers):
    """Layers in a sentence, by number and name: "layer 1 (conv1)", "layers 1-5 (0 to 8)", "layers 1, 4 (a, b)"."""
    numbers, names = [layer.number for layer in layers], [layer.name for layer in layers]
    if len(layers) == 1:
        return f"layer {numbers[0]} ({names[0]})"
    if numbers == list(range(numbers[0], numbers[-1] + 1)) and len(layers) > 2:
        return f"layers {numbers[0]}-{numbers[-1]} ({names[0]} to {names[-1]})"
    told = [", ".join(map(str, some)) if len(some) < 6 else f"{some[0]}, {some[1]}, ... {some[-1]}" for some in (numbers, names)]
    return f"layers {told[0]} ({told[1]})"


def _times(share):
    return f"{share:.1e} times" if share < 0.01 or share > 1000 else f"{share:.3g} times"
