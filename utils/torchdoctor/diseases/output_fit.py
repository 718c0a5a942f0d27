"""Output, loss and labels that do not fit each other. Told by what made the output, what the loss takes it for, and y."""

import math

from torch import nn

from ..ends import LOGITS, LOGS, NUMBERS, PROBABILITIES, YES_OR_NO
from .finding import Remedy, found, remark

ELSEWHERE = "not in this course"
RANGES = {"Sigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0), "Softmax": (0.0, 1.0), "ReLU": (0.0, math.inf), "Softplus": (0.0, math.inf)}

# What a range keeps away from the targets, as a share of their variance. A tenth is out of the reach of R^2 = 0.9, and
# the rounding of targets in 0..1, or a label of 1 for a sigmoid, is nothing near it. Tanh for N(0, 1) keeps 0.15 away.
OUT_OF_REACH = 0.1

ROUNDING = 1e-3  # of the sum of a row of probabilities, in 16-bit formats


def find(exam):
    """Yield "output does not fit" for the first mismatch, if there is one; as a remark where nets mostly learn all the same."""
    end = exam.end
    if end is None or not end.takes or not end.output.numel() or not end.y.numel():
        return
    for mismatch in (_one_unit, _one_class, _over_samples, _to_logits, _to_yes_or_no, _to_probabilities, _to_logs, _to_numbers):
        if told := mismatch(end, exam):
            tell, sentence, evidence = told
            yield tell("output does not fit", exam.layers[-1:], sentence, **evidence)
            return


def prescribe(finding, exam, model):
    """What to do to the end of the model or to the loss."""
    end, made_by = exam.end, exam.end.made_by
    drop = f"remove the last {made_by}"
    out = _exchange(made_by, nn.Identity, exam, model)
    says = finding.evidence
    if "units" in says:
        if _is_yes_or_no(end.y) and end.takes in (PROBABILITIES, NUMBERS):
            return Remedy("for a yes or no put a sigmoid in the softmax's place, or give the model two outputs", ELSEWHERE,
                          _exchange("Softmax", nn.Sigmoid, exam, model))
        return Remedy("remove the softmax: one output needs none (classes need an output for each)", ELSEWHERE, out)
    if "one_class" in says or "classes" in says:
        classes = int(says.get("classes") or 0) or "as many as there are classes"
        return Remedy(f"end the model in {classes} outputs, without a sigmoid, and pass labels y of shape (samples,) with "
                      "cross-entropy", ELSEWHERE)  # fmt: skip
    if "axis" in says:
        return Remedy("let the softmax run over the classes: dim=-1", ELSEWHERE, _exchange(made_by, _along_rows(made_by), exam, model))
    if "beneath" in says:
        return Remedy(f"remove the {end.beneath} before the softmax", ELSEWHERE, _exchange(end.beneath, nn.Identity, exam, model))
    if end.takes == LOGS:
        if made_by == "Softmax":
            return Remedy("put nn.LogSoftmax in the softmax's place, or remove it and take CrossEntropyLoss", ELSEWHERE,
                          _exchange("Softmax", lambda: nn.LogSoftmax(end.axis), exam, model))
        return Remedy("take CrossEntropyLoss, or end the model in nn.LogSoftmax(1)", ELSEWHERE, _append(model, lambda: nn.LogSoftmax(1)))
    if end.takes == PROBABILITIES and "low" in says:
        return Remedy("compare real numbers by the mean squared error, and end the model without a bound", ELSEWHERE)
    if end.takes == PROBABILITIES:
        return _probabilities(end, exam, model)
    if end.takes == NUMBERS:
        return Remedy(f"{drop}, or scale y to what it can reach", ELSEWHERE, out)
    if end.takes == YES_OR_NO and "low" in says:
        return Remedy("compare real numbers by the mean squared error", ELSEWHERE)
    return Remedy(f"{drop}: the loss takes what comes before it", ELSEWHERE, out)


def _probabilities(end, exam, model):
    """The remedy where the loss takes probabilities."""
    right = nn.Sigmoid if end.is_binary and not _is_one_hot(end.y) else lambda: nn.Softmax(1)
    word = "sigmoid" if right is nn.Sigmoid else "softmax"
    loss = "BCEWithLogitsLoss" if right is nn.Sigmoid else "CrossEntropyLoss"
    if end.made_by:
        return Remedy(f"put a {word} in the place of the last {end.made_by}, or remove it and take {loss}, which takes what "
                      "comes before", ELSEWHERE, _exchange(end.made_by, right, exam, model))
    return Remedy(f"take {loss}, which makes probabilities of scores itself, or end the model in a {word}", ELSEWHERE,
                  _append(model, right))


def _one_unit(end, exam):
    if end.made_by == "Softmax" and end.output.shape[end.axis] == 1:
        return found, "the output is a softmax over one unit, which is 1 for every input and lets no gradient through", {"units": 1}


def _one_class(end, exam):
    """One output where the loss chooses among several; or more kinds of labels than a yes or no has."""
    single = end.output.shape[_axis(end)] == 1 and end.output.dim() > 1
    if single and (end.takes == LOGITS or end.takes == PROBABILITIES and end.is_normalized and not end.is_binary):
        return found, (f"the loss chooses among classes, and the output has a single one: it is {exam.loss:.2g} whatever the model "
                       "says"), {"one_class": 1, "classes": _classes(end.y)}
    most = end.y.max().item()
    whole = bool((end.y == end.y.round()).all()) and end.y.min() >= 0
    if end.output.numel() == end.y.numel() and most > 1 and whole and (end.takes == YES_OR_NO or end.is_binary):
        return found, (f"the loss asks for a yes or no, and y holds whole numbers from 0 to {most:g}: one output cannot tell "
                       f"{_classes(end.y)} classes apart"), {"classes": _classes(end.y)}


def _over_samples(end, exam):
    if end.axis == 0 and end.output.dim() > 1 and len(end.output) > 1 and end.takes in (LOGITS, PROBABILITIES, LOGS):
        return found, (f"the softmax runs over the {len(end.output)} samples and not over the classes: the columns of the output "
                       "are shared out, and not its rows"), {"axis": 0}


def _to_logits(end, exam):
    """Cross-entropy has a softmax of its own: its scores must be free."""
    if end.takes not in (LOGITS, LOGS):
        return None
    classes = end.output.shape[_axis(end)]
    if end.made_by == "LogSoftmax" and end.beneath in ("ReLU", "Sigmoid"):
        return found, f"a {end.beneath} comes before the softmax, so that no score is below 0: a class whose unit is 0 gets no gradient", {"beneath": 1}
    if end.takes == LOGS:
        return None
    if _is_distribution(end) and end.made_by != "LogSoftmax" and not end.is_own:
        least = math.log(1 + (classes - 1) / math.e)
        return found, (f"the rows of the output sum to 1, as a softmax's do, and the loss applies another: for {classes} classes it "
                       f"cannot fall below {least:.2f}"), {"least_loss": least}
    if end.made_by == "Sigmoid":
        least = math.log(1 + (classes - 1) / math.e)
        return found, (f"a sigmoid comes last, and scores between 0 and 1 cannot bring the cross-entropy of {classes} classes below "
                       f"{least:.2f}"), {"least_loss": least}
    return _rectified(end, "no score is below 0, and a class whose unit is 0 gets no gradient")


def _to_yes_or_no(end, exam):
    """The loss applies a sigmoid: half of its range lies below 0."""
    if end.takes != YES_OR_NO:
        return None
    if end.made_by in ("Sigmoid", "Softmax"):
        return found, (f"the output is a {end.made_by.lower()}'s, {_span(end.output)}, and the loss applies a sigmoid to it: no "
                       "probability can fall below 0.5"), {"least": 0.5}
    return _rectified(end, "the sigmoid of the loss makes no probability below 0.5 of it") or _no_labels(end)


def _to_probabilities(end, exam):
    """The logarithm of an output asks for one between 0 and 1, and for rows that sum to 1 if classes exclude each other."""
    if end.takes != PROBABILITIES:
        return None
    o = end.output
    if not end.is_binary and not _chooses(end):
        return None  # some other logarithm
    told = _no_labels(end) if end.is_binary else None
    if told:
        return told
    span = _span(o)
    if end.refused or o.min() < -ROUNDING or o.max() > 1 + ROUNDING:
        return found, f"the loss takes probabilities, and the output lies {span}", {"smallest": o.min().item(), "largest": o.max().item()}
    if end.made_by in ("ReLU", "Tanh", "Softplus") and not end.pooled:
        return found, f"the loss takes probabilities, and the output is a {end.made_by}'s, {span}", {"largest": o.max().item()}
    if end.is_binary and end.made_by == "Softmax" and end.y.shape == o.shape:
        several = (end.y.sum(end.axis) > 1.5).float().mean().item()
        if several > 0:
            return found, (f"{several:.0%} of the samples have several labels of 1, and the probabilities of a softmax sum to 1: no more "
                           "than one can be sure"), {"several": several}
    if end.is_binary and end.made_by in ("Sigmoid", "Softmax") and _is_one_hot(end.y) and o.shape == end.y.shape:
        return remark, (f"y has one class of {o.shape[1]} in each row, and the loss judges each column by itself: cross-entropy, without "
                        f"the {end.made_by.lower()}, learns faster"), {"columns": o.shape[1]}
    if not end.is_binary and end.made_by == "Sigmoid":
        tell = remark if end.is_normalized else found
        why = "the loss divides them by their sum" if end.is_normalized else "all of them can be 1, and the loss is then 0"
        return tell, f"the classes exclude each other, and the output is a sigmoid's for each: {why}", {"columns": o.shape[_axis(end)]}


def _to_logs(end, exam):
    """NLLLoss takes logarithms of probabilities, whose exponentials sum to 1."""
    if end.takes != LOGS or end.made_by == "LogSoftmax":
        return None
    if _is_distribution(end):
        return found, (f"NLLLoss takes logarithms of probabilities, and the output is a softmax without one: the loss is {exam.loss:.2g}, "
                       "where none can be below 0"), {"loss": exam.loss}
    sums = end.output.float().exp().sum(_axis(end))
    if (sums - 1).abs().max() > ROUNDING:
        return found, (f"NLLLoss takes logarithms of probabilities, and the output's are none: the exponentials of a row sum to "
                       f"{sums.mean().item():.3g} and not to 1, so that the loss has no least value"), {"sum": sums.mean().item()}


def _to_numbers(end, exam):
    """Targets beyond the range of the last function."""
    if end.takes != NUMBERS or end.made_by not in RANGES or end.output.numel() != end.y.numel():
        return None
    low, high = RANGES[end.made_by]
    y = end.y.double()
    away = (y - y.clamp(low, high)).square().mean().item()
    if end.made_by == "Softmax" and y.shape == end.output.shape:  # nor can it leave the plane on which its parts sum to 1
        away = max(away, ((y.sum(end.axis) - 1).square().mean() / y.shape[end.axis] ** 2).item())
    variance = y.var(correction=0).item()
    if away > OUT_OF_REACH * variance and away > 0:
        share = away / variance if variance else math.inf
        return found, (f"the output is a {end.made_by}'s, {_words(low, high)}, and y reaches from {y.min().item():.3g} to "
                       f"{y.max().item():.3g}: no weights can explain more than {max(1 - share, 0):.0%} of its variance"), {"out_of_reach": share}


def _rectified(end, why):
    """A ReLU that comes last. Below a mean over many positions, as SqueezeNet's, hardly a score is 0, and nets learn."""
    if end.made_by != "ReLU":
        return None
    silent = (end.output == 0).double().mean().item()
    tell = remark if end.pooled and silent < 1 else found
    return tell, f"a ReLU comes last, and {silent:.0%} of the scores are 0: {why}", {"silent": silent}


def _no_labels(end):
    """Targets of a yes or no that are neither, nor between."""
    low, high = end.y.min().item(), end.y.max().item()
    if low < 0 or high > 1:
        return found, f"the loss takes targets between 0 and 1, and y reaches from {low:.3g} to {high:.3g}", {"low": low, "high": high}


def _is_distribution(end):
    o = end.output
    if o.dim() < 2 or o.min() < 0:
        return False
    sums = o.float().sum(_axis(end))
    return bool(((sums - 1).abs() < ROUNDING).all())


def _chooses(end):
    """Whether y names one class of several: labels, or rows with a single 1."""
    return _is_one_hot(end.y) or not end.y.is_floating_point() or end.y.numel() < end.output.numel()


def _axis(end):
    """The axis of the output on which the classes lie: 1, or the last if y has all others."""
    if end.output.shape[:-1] == end.y.shape or end.output.dim() < 2:
        return -1
    return 1


def _classes(y):
    return int(y.max().item()) + 1 if y.dim() < 2 or y.shape[1] == 1 else y.shape[1]


def _is_one_hot(y):
    return y.dim() == 2 and y.shape[1] > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all())


def _is_yes_or_no(y):
    return bool(((y == 0) | (y == 1)).all())


def _span(t):
    return _words(t.min().item(), t.max().item())


def _words(low, high):
    return f"between {low:.3g} and {high:.3g}" if math.isfinite(high) else f"at least {low:g}"


def _along_rows(made_by):
    return lambda: getattr(nn, made_by)(-1)


def _exchange(kind, make, exam, model):
    """A change: another module for the one of this class that comes after the last layer; None if it is not that plain."""
    names = [name for name, module in model.named_modules() if type(module).__name__ == kind and name not in exam.hidden_nonlinearities]
    if len(names) != 1 or not names[0]:
        return None

    def change(model):
        parent, _, child = names[0].rpartition(".")
        setattr(model.get_submodule(parent), child, make())

    return change


def _append(model, make):
    """A change: a module at the end of a chain; None for any other model."""
    return (lambda model: model.append(make()) and None) if type(model) is nn.Sequential else None
