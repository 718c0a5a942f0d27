"""From numbers to diseases: an `Examination` -> what is wrong, worst first. Every rule is one function."""

import math
from dataclasses import dataclass, field

from utils import thresholds

# What to treat first: the later ones often are consequences of the earlier.
ORDER = (
    "not finite", "frozen", "cut off", "symmetric", "dead", "exploding in time", "exploding", "saturated",
    "vanishing", "vanishing in time", "collapsed", "step too large", "step too small", "input too large",
)  # fmt: skip


@dataclass
class Finding:
    """One disease. kind: a name of `ORDER`; layers: names of the layers it sits in; sentence: the evidence in words.

    evidence: name -> number, what the sentence is made of. remedy, chapter: what to do about it in this model, and the
    chapters that explain it; `utils.prescription` fills them in.
    """

    kind: str
    layers: tuple[str, ...]
    sentence: str
    evidence: dict[str, float] = field(default_factory=dict)
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
    if kinds & {"dead", "vanishing", "symmetric"}:  # of which it is a consequence
        found = [finding for finding in found if finding.kind != "collapsed"]
    return sorted(found, key=lambda finding: ORDER.index(finding.kind))


def _not_finite(exam):
    layers = [layer for layer in exam.layers if not layer.finite]
    if layers or not math.isfinite(exam.loss):
        weights = [layer.name for layer in layers if not math.isfinite(layer.weight_norm)]
        where = f"the weights of {listed(weights)} hold NaN or infinite entries" if weights else (
            f"first in what {layers[0].name} returns or in its gradient" if layers else "in the loss alone")
        yield Finding("not finite", _names(layers), f"the loss is {exam.loss:.3g}, and numbers are NaN or infinite: {where}",
                      {"loss": exam.loss, "layers": len(layers)})


def _frozen(exam):
    if all(layer.frozen for layer in exam.layers):
        yield Finding("frozen", _names(exam.layers), "every layer has requires_grad=False: no step changes any weight",
                      {"layers": len(exam.layers)})


def _cut_off(exam):
    first = next((i for i, layer in enumerate(exam.layers) if layer.gradient_norm > 0 or layer.reached), len(exam.layers))
    layers = exam.layers[:first]
    if layers and first < len(exam.layers):
        yield Finding("cut off", _names(layers), f"no gradient at all reaches {listed(_names(layers))}: "
                      f"autograd's graph ends after {layers[-1].name}", {"layers": len(layers)})


def _symmetric(exam):
    layers = [layer for layer in exam.layers if layer.twins and not layer.frozen]
    if layers:
        units = max(layer.units for layer in layers)
        yield Finding("symmetric", _names(layers), f"all units of {listed(_names(layers))} have the same weights and the "
                      f"same gradient, so they stay one unit for ever (of up to {units})", {"units": units})


def _dead(exam):
    def limit(layer):
        return min(thresholds.DEAD + thresholds.DEAD_DEVIATIONS / 2 / math.sqrt(max(layer.units, 1)), 1 - 1e-9)

    layers = [layer for layer in exam.layers[:-1] if layer.dead > limit(layer)]
    if layers:
        worst = max(layers, key=lambda layer: layer.dead)
        yield Finding("dead", _names(layers), f"in {listed(_names(layers))}, up to {worst.dead:.0%} of the units are 0 for "
                      f"every sample (z has mean {worst.pre_mean:.2g}, std {worst.pre_std:.2g} in {worst.name})",
                      {"dead": worst.dead, "pre_mean": worst.pre_mean, "pre_std": worst.pre_std})


def _saturated(exam):
    layers = [layer for layer in exam.layers[:-1] if layer.saturated > thresholds.SATURATED]
    if layers:
        worst = max(layers, key=lambda layer: layer.saturated)
        yield Finding("saturated", _names(layers), f"in {listed(_names(layers))}, up to {worst.saturated:.0%} of the "
                      f"activations lie on the flat ends (z has std {worst.pre_std:.2g} in {worst.name})",
                      {"saturated": worst.saturated, "pre_std": worst.pre_std})


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
        share = profile[0][1]
        behind = len(profile) - 1
        factor = share ** (1 / behind) if share > 0 else 0.0
        yield Finding("vanishing", _names(layers), f"{layers[0].name} gets {_times(share)} the last layer's gradient, a "
                      f"factor {factor:.2g} a layer; {listed(_names(layers))} get less than {thresholds.VANISHED:g} of it",
                      {"first_over_last": share, "factor_per_layer": factor})


def _exploding(exam):
    profile = _profile(exam)
    last = profile[-1][0].gradient_norm if profile else 0.0
    layers = [layer for layer, _ in profile if last and layer.gradient_norm / last > thresholds.EXPLODED]
    scale = max(1.0, exam.input_rms if math.isfinite(exam.input_rms) else 1.0)
    loud = [layer for layer in exam.layers[:-1] if layer.pre_std / scale > thresholds.EXPLODED]
    if layers:
        worst = max(layers, key=lambda layer: layer.gradient_norm)
        share = worst.gradient_norm / last
        yield Finding("exploding", _names(layers), f"{worst.name} gets {_times(share)} the last layer's gradient: no "
                      f"step is small enough for it and large enough for the last layer", {"largest_over_last": share})
    elif loud:
        worst = max(loud, key=lambda layer: layer.pre_std)
        yield Finding("exploding", _names(loud), f"the signal grows from layer to layer, to a deviation of "
                      f"{worst.pre_std:.2g} in {worst.name}", {"pre_std": worst.pre_std})


def _collapsed(exam):
    layers = [layer for layer in exam.layers if layer.apart < thresholds.ALIKE]
    first = next((layer.apart for layer in exam.layers if math.isfinite(layer.apart)), math.nan)
    if layers and first > thresholds.ALIKE:
        least = min(layer.apart for layer in layers)
        yield Finding("collapsed", _names(layers), f"the positions of a sequence differ by {first:.1e} of their size at first "
                      f"and by {least:.1e} in {layers[-1].name}: attention has made them all alike", {"alike": least})
    elif exam.alike < thresholds.ALIKE:
        yield Finding("collapsed", (exam.layers[-1].name,), f"the outputs of different samples differ by {exam.alike:.1e} "
                      "of their size: the model answers every input alike", {"alike": exam.alike})


def _in_time(exam):
    for layer in exam.layers:
        norms = layer.through_time
        if norms is None or len(norms) < 2 or not norms[-1] > 0:
            continue
        share, steps = (norms[0] / norms[-1]).item(), len(norms)
        factor = share ** (1 / (steps - 1)) if share > 0 else 0.0
        evidence = {"first_over_last": share, "factor_per_step": factor, "steps": steps}
        if share < thresholds.FORGOTTEN and layer.last_step_only:
            yield Finding("vanishing in time", (layer.name,), f"over {steps} steps of {layer.name}, the first input counts "
                          f"{_times(share)} what the last one counts, a factor {factor:.2g} a step", evidence)
        if share > thresholds.EXPLODED:
            yield Finding("exploding in time", (layer.name,), f"over {steps} steps of {layer.name}, the first input counts "
                          f"{_times(share)} what the last one counts, a factor {factor:.2g} a step", evidence)


def _step(exam):
    ratios = {layer.name: layer.update_ratio for layer in exam.layers if math.isfinite(layer.update_ratio)}
    if exam.lr is None or not ratios or not max(ratios.values()) > 0:
        return
    worst = max(ratios, key=ratios.get)
    largest = ratios[worst]
    if largest > thresholds.STEP_TOO_LARGE:
        names = tuple(name for name, ratio in ratios.items() if ratio > thresholds.STEP_TOO_LARGE)
        yield Finding("step too large", names, f"with lr = {exam.lr:g} one step moves {worst} by {largest:.2g} of its size",
                      {"largest_ratio": largest})
    elif largest < thresholds.STEP_TOO_SMALL:
        yield Finding("step too small", tuple(ratios), f"with lr = {exam.lr:g} no layer moves by more than {largest:.1e} of "
                      "its size in a step", {"largest_ratio": largest})


def _input(exam):
    if exam.input_rms > thresholds.INPUT_TOO_LARGE:
        yield Finding("input too large", (exam.layers[0].name,), f"the inputs have a root mean square of {exam.input_rms:.3g}",
                      {"input_rms": exam.input_rms})


def listed(names):
    """Names in a sentence: all of a few, else the first and the last of them."""
    names = list(names)
    return ", ".join(names) if len(names) < 4 else f"{names[0]} to {names[-1]} ({len(names)} layers)"


def _names(layers):
    return tuple(layer.name for layer in layers)


def _times(share):
    return f"{share:.1e} times" if share < 0.01 or share > 1000 else f"{share:.3g} times"
