"""Output, loss and labels that do not fit each other. Told by what made the output, what the loss takes it for, and y."""

import math

from torch import nn

from ..ends import LOGITS, LOGS, NUMBERS, PROBABILITIES, ROUNDING, YES_OR_NO
from ..values import double
from .finding import Remedy, found, remark
from .weights import put

ELSEWHERE = "not in this course"
WRITTEN = {"ReLU": "nn.ReLU() or z.relu()", "Sigmoid": "nn.Sigmoid() or z.sigmoid()", "Tanh": "nn.Tanh() or z.tanh()",
           "Softmax": "nn.Softmax(1) or z.softmax(1)", "Softplus": "nn.Softplus() or F.softplus(z)"}  # fmt: skip
RANGES = {"Sigmoid": (0, 1), "Tanh": (-1, 1), "Softmax": (0, 1), "ReLU": (0, math.inf), "Softplus": (0, math.inf)}

# What a range keeps away from the targets, as a share of their variance. A tenth puts R^2 = 0.9 out of reach; a label of
# 1 for a sigmoid is nothing near it, and tanh keeps 0.15 of N(0, 1) away.
OUT_OF_REACH = 0.1


def find(exam):
    """Yield "output does not fit" for the first mismatch; as a remark where nets mostly learn all the same."""
    end = exam.end
    if end and end.takes and end.output.numel() and end.y.numel():
        for mismatch in (_one_unit, _one_class, _over_samples, *JUDGES[end.takes]):
            if told := mismatch(end, exam):
                tell, sentence, evidence = told
                yield tell("output does not fit", exam.layers[-1:], sentence, **evidence)
                return


def prescribe(finding, exam, model):
    """What to do to the end of the model, to the loss or to y."""
    end, kind, told = exam.end, exam.end.made_by, finding.evidence

    def exchange(kind, make):
        return _exchange(kind, make, exam)

    if "units" in told:
        if end.is_whole and end.y.max() <= 1 and end.takes in (PROBABILITIES, NUMBERS):
            return Remedy("for a yes or no put nn.Sigmoid() in the softmax's place, or give the model two outputs", ELSEWHERE,
                          exchange(kind, nn.Sigmoid))
        return Remedy(f"remove the softmax, {WRITTEN[kind]}: one real number needs none, and classes need an output for each",
                      ELSEWHERE, exchange(kind, nn.Identity))
    if "classes" in told:
        return Remedy(f"end the model in nn.Linear(units, {told['classes']}) without a sigmoid, and pass labels y of shape (samples,), "
                      "y.long(), with cross-entropy", ELSEWHERE)
    if "axis" in told:
        if end.takes in (LOGITS, YES_OR_NO) and kind == "Softmax":
            return Remedy(f"remove the softmax, {WRITTEN[kind]}: the loss has its own, over the classes", ELSEWHERE,
                          exchange(kind, nn.Identity))
        right = nn.LogSoftmax if end.takes == LOGS else getattr(nn, kind)
        return Remedy(f"let it run over the classes: nn.{right.__name__}(-1)", ELSEWHERE, exchange(kind, lambda: right(-1)))
    if "beneath" in told:
        return Remedy(f"remove the {end.beneath} before the softmax, {WRITTEN[end.beneath]}", ELSEWHERE, exchange(end.beneath, nn.Identity))
    if "low" in told:
        return Remedy("compare real numbers by F.mse_loss(output, y), and end the model in a layer without an activation", ELSEWHERE)
    if "one_hot" in told:
        return Remedy("take the cross-entropy of the scores: F.cross_entropy(output, y.argmax(1))", ELSEWHERE)
    if end.takes == LOGS and kind == "Softmax":
        return Remedy("put nn.LogSoftmax(1) in the softmax's place, or remove it and take nn.CrossEntropyLoss()", ELSEWHERE,
                      exchange(kind, lambda: nn.LogSoftmax(1)))
    if end.takes == LOGS:
        return Remedy("take nn.CrossEntropyLoss(), or end the model in nn.LogSoftmax(1)", ELSEWHERE,
                      _append(model, lambda: nn.LogSoftmax(1)))
    if end.takes == PROBABILITIES and "least_loss" in told:
        when = "if nn.CrossEntropyLoss() is what you train with, remove the last Softmax"
        return Remedy(f"{when}, {WRITTEN[kind]}", ELSEWHERE, exchange(kind, nn.Identity))
    if end.takes == PROBABILITIES and "several" not in told:
        return _to_make_probabilities(end, exchange, model)
    if end.takes == NUMBERS:
        return Remedy(f"remove the last {kind}, {WRITTEN[kind]}, or scale y to what it can reach", ELSEWHERE, exchange(kind, nn.Identity))
    if end.takes == PROBABILITIES:
        return Remedy("put nn.Sigmoid() in the softmax's place", ELSEWHERE, exchange(kind, nn.Sigmoid))
    return Remedy(f"remove the last {kind}, {WRITTEN[kind]}: the loss takes what comes before it", ELSEWHERE, exchange(kind, nn.Identity))


def _to_make_probabilities(end, exchange, model):
    each = end.is_binary and not end.is_one_hot
    word, make = ("nn.Sigmoid()", nn.Sigmoid) if each else ("nn.Softmax(1)", lambda: nn.Softmax(1))
    loss = "nn.BCEWithLogitsLoss()" if each else "nn.CrossEntropyLoss()"
    if end.made_by:
        return Remedy(f"put {word} in the place of the last {end.made_by}, or remove it and take {loss}", ELSEWHERE,
                      exchange(end.made_by, make))
    return Remedy(f"take {loss}, which makes probabilities of scores itself, or end the model in {word}", ELSEWHERE,
                  _append(model, make))


def _one_unit(end, exam):
    if end.made_by == "Softmax" and (end.output == 1).all():
        return found, "the output is a softmax over one unit, 1 for every input, and lets no gradient through", {"units": 1}


def _one_class(end, exam):
    """One output where the loss chooses among several, or where there are more kinds of labels than a yes or no has."""
    o, y = end.output, end.y
    chooses = end.takes == LOGITS or end.takes == PROBABILITIES and end.is_normalized and not end.is_binary
    if chooses and o.dim() > 1 and o.shape[end.class_axis] == 1:
        return found, (f"the loss chooses among classes, and the output has a single one: the loss is {exam.loss:.2g} whatever "
                       "the model says"), {"classes": end.classes}
    is_column = y.dim() > 0 and o.numel() == y.numel() == len(y)
    if end.is_binary and is_column and not end.in_parts and end.is_whole and y.max() > 1:
        return found, (f"the loss asks for a yes or no, and y holds whole numbers up to {y.max().item():g}: one output cannot tell "
                       f"{end.classes} classes apart"), {"classes": end.classes}


def _over_samples(end, exam):
    o = end.output
    if end.axis == 0 and o.dim() > 1 and len(o) > 1 and o.shape[:1] == end.y.shape[:1] and end.takes != NUMBERS:
        return found, (f"the softmax runs over the {len(o)} samples and not over the classes: the columns of the output "
                       "sum to 1, and its rows do not"), {"axis": 0}


def _beneath(end, exam):
    """What comes before a softmax is to be free."""
    if end.made_by in ("Softmax", "LogSoftmax") and end.beneath in ("ReLU", "Sigmoid"):
        tell = remark if end.pooled else found  # see _rectified
        return tell, (f"a {end.beneath} comes just before the softmax, so that no score is below 0"
                      + (": a class whose unit is silent gets no gradient" if end.beneath == "ReLU" else " or above 1")), {"beneath": 1}


def _scores(end, exam):
    """Cross-entropy has a softmax of its own: its scores must be free."""
    classes, least = end.output.shape[end.class_axis], end.least_of_scores
    if end.made_by == "Sigmoid":
        return found, (f"a sigmoid comes last, and scores between 0 and 1 cannot bring the cross-entropy of {classes} classes below "
                       f"{least:.2f}"), {"least_loss": least}
    if end.made_by != "LogSoftmax" and end.is_distribution:  # the log-softmax of a log-softmax is the same once more
        return found, (f"the rows of the output sum to 1, as a softmax's do, and the loss applies another: for {classes} classes it "
                       f"cannot fall below {least:.2f}"), {"least_loss": least}
    return _rectified(end, "the loss takes scores of either sign, and one that is 0 for all samples gets no gradient")


def _scores_of_yes(end, exam):
    """The loss applies a sigmoid, half of whose range lies below 0."""
    if end.made_by in ("Sigmoid", "Softmax"):
        low, high = end.output.min().item(), end.output.max().item()
        return found, (f"the output is a {end.made_by.lower()}'s, between {low:.3g} and {high:.3g}, and the loss applies a sigmoid to "
                       "it: no probability can fall below 0.5"), {"smallest": low, "largest": high}
    return _rectified(end, "the loss applies a sigmoid to them, and makes no probability below 0.5") or _beyond(end)


def _rectified(end, why):
    """A ReLU that comes last. Below a mean over many positions, as SqueezeNet's, hardly a score is 0, and nets learn."""
    if end.made_by == "ReLU":
        silent = (end.output == 0).float().mean().item()
        tell = remark if end.pooled and silent < 1 else found
        return tell, f"a ReLU comes last, so that no score is below 0, and {silent:.0%} are 0: {why}", {"silent": silent}


def _beyond(end):
    """Targets of a yes or no that are neither, nor between."""
    low, high = end.y.min().item(), end.y.max().item()
    if end.is_binary and (low < 0 or high > 1) and not end.in_parts:  # whose targets these are is not known
        return found, f"the loss takes targets between 0 and 1, and y reaches from {low:.3g} to {high:.3g}", {"low": low, "high": high}


def _probabilities(end, exam):
    """The logarithm of an output asks for one between 0 and 1, and for rows that sum to 1 if classes exclude each other."""
    o, y, kind = end.output, end.y, end.made_by
    if not (end.is_binary or end.is_choice):
        return None  # some other logarithm
    if beyond := _beyond(end):
        return beyond
    low, high = o.min().item(), o.max().item()
    numbers = {"smallest": low, "largest": high}
    if end.refused or low < -ROUNDING or high > 1 + ROUNDING:
        return found, f"the loss takes probabilities, and the output lies between {low:.3g} and {high:.3g}", numbers
    if (end.is_linear or kind in ("ReLU", "Tanh", "Softplus")) and not end.is_own:
        tell = remark if end.is_linear else found  # it may stay between 0 and 1 for long
        maker = f"a {kind}'s" if kind else "a linear layer's"
        return tell, f"the loss takes probabilities, and the output is {maker}, which nothing keeps between 0 and 1", numbers
    if end.is_binary and kind == "Softmax" and end.axis is not None and y.shape == o.shape:
        several = (y.sum(end.axis) > 1.5).float().mean().item()  # more than one label, and soft labels sum to 1
        if several:
            return found, (f"{several:.0%} of the samples have several labels of 1, and the probabilities of a softmax sum to 1: they "
                           "cannot all be sure"), {"several": several}
    if end.is_binary and kind in ("Sigmoid", "Softmax") and end.is_one_hot:
        # The least loss is at the right answer, and such nets learn: one judge for each class.
        return remark, (f"y has one class of {o.shape[1]} in each row, and the loss judges each column by itself; the cross-entropy of "
                        "the scores makes one choice of them"), {"one_hot": o.shape[1]}
    if not end.is_binary and kind == "Sigmoid":
        # Divided by their sum, sigmoids are probabilities after all, and such nets mostly learn; else all of them go to 1.
        tell, why = (remark, "the loss divides them by their sum") if end.is_normalized else (found, "nothing keeps them all from 1")
        return tell, f"the classes exclude each other, and each output is a sigmoid by itself: {why}", {"columns": o.shape[end.class_axis]}
    if end.is_own and kind == "Softmax" and not end.is_binary:
        return remark, ("the model returns a softmax's probabilities, and without loss_fn= the cross-entropy was taken of these: nn.Cross"
                        f"EntropyLoss() would apply another, and not fall below {end.least_of_scores:.2f}"), {"least_loss": end.least_of_scores}


def _logs(end, exam):
    """NLLLoss takes logarithms of probabilities, whose exponentials sum to 1."""
    if end.made_by == "LogSoftmax":
        return None
    if end.is_distribution:
        return found, (f"NLLLoss takes logarithms of probabilities, and the output is the probabilities: the loss is {exam.loss:.2g}, "
                       "and should not be below 0"), {"loss": exam.loss}
    total = end.output.float().exp().sum(end.class_axis)
    if ((total - 1).abs() > ROUNDING).any():
        total = total.mean().item()
        return found, ("NLLLoss takes logarithms of probabilities, and the output is raw scores: the exponentials of a row sum to "
                       f"{total:.3g}, not to 1, and the loss falls without an end"), {"sum": total}


def _numbers(end, exam):
    """Targets beyond the range of the last function; or labels in the place of numbers."""
    if end.made_by in RANGES and end.output.numel() == end.y.numel():
        low, high = RANGES[end.made_by]
        y = double(end.y)
        away = (y - y.clamp(low, high)).square().mean().item()
        if end.axis is not None and y.shape == end.output.shape:  # a softmax cannot leave the plane on which its parts sum to 1
            away = max(away, ((y.sum(end.axis) - 1).square().mean() / y.shape[end.axis] ** 2).item())
        variance = y.var(correction=0).item()
        if away > OUT_OF_REACH * variance:
            share = away / variance if variance else math.inf
            words = f"at least {low}" if high == math.inf else f"between {low} and {high}"
            return found, (f"the output is a {end.made_by}'s, {words}, and y reaches from {y.min().item():.3g} to {y.max().item():.3g}: "
                           f"no weights can explain more than {max(1 - share, 0):.0%} of its variance"), {"out_of_reach": share}
    if end.is_one_hot and not end.is_own:
        return remark, (f"y has one class of {end.y.shape[1]} in each row, and is compared as numbers; the cross-entropy of the scores "
                        "mostly learns faster"), {"one_hot": end.y.shape[1]}


JUDGES = {  # what a loss takes an output for -> the rules, in order
    LOGITS: (_scores, _beneath), YES_OR_NO: (_scores_of_yes,), PROBABILITIES: (_beneath, _probabilities),
    LOGS: (_beneath, _logs), NUMBERS: (_numbers,),
}  # fmt: skip


def _exchange(kind, make, exam):
    """A change: another module for the one of this class after the last layer; None if it is a call, or not one alone."""
    names = [name for name, its_kind in exam.ending.items() if its_kind == kind and name not in exam.hidden_nonlinearities]
    if len(names) != 1:
        return None

    def change(model):
        put(model, names[0], make())

    return change


def _append(model, make):
    """A change: a module more at the end of a chain; None for any other model."""
    def change(model):
        model.append(make())

    return change if type(model) is nn.Sequential else None
