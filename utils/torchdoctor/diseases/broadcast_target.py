"""Targets of another shape than the outputs, which torch spreads out without a word, or with a warning."""

import torch

from ..ends import NUMBERS
from .finding import Remedy, found, remark


def find(exam):
    """Yield "broadcast target" if each output is compared with the targets of all samples, or of several columns."""
    end = exam.end
    if end is None:
        return
    o, y = tuple(end.output.shape), tuple(end.y.shape)
    if end.all_pairs:
        pairs = f"{o[0]} x {y[0]}"
        yield found("broadcast target", exam.layers[-1:], f"the output has shape {o} and y {y}: the loss compares each output "
                    f"with the targets of all samples, {pairs} pairs, and is least where all outputs are the mean of y", samples=o[0])
    elif end.takes == NUMBERS and end.is_own and _would_spread(end):
        yield remark("broadcast target", exam.layers[-1:], f"the output has shape {o} and y {y}: without loss_fn= y is taken in the "
                     "output's shape, where nn.MSELoss() would compare each output with the targets of all samples", samples=o[0])
    elif end.takes and not end.is_own and len(o) == len(y) == 2 and o[0] == y[0] and o[1] != y[1] == 1 and end.made_by == "Softmax":
        yield found("broadcast target", exam.layers[-1:], f"the output has shape {o} and y {y}: the one column of y is compared "
                    f"with each of the {o[1]} probabilities of a softmax, which sum to 1", columns=o[1])
    elif end.takes and not end.is_own and len(o) == len(y) == 2 and o[0] == y[0] and y[1] != o[1] == 1:
        yield found("broadcast target", exam.layers[-1:], f"the output has shape {o} and y {y}: the one output is compared "
                    f"with {y[1]} targets at once", columns=y[1])


def _would_spread(end):
    """Whether torch would spread an output and as many targets over all pairs of them."""
    o, y = end.output.shape, end.y.shape
    if o == y or not o or not y or len(end.y) < 2:
        return False
    try:
        return torch.broadcast_shapes(o, y).numel() > end.output.numel()
    except RuntimeError:  # of shapes that no loss would take
        return False


def prescribe(finding, exam, model):
    """Give both the same shape, in the code around the model."""
    o, y = tuple(exam.end.output.shape), tuple(exam.end.y.shape)
    if "samples" in finding.evidence:
        line = {o[:1] + o[2:]: "y.unsqueeze(1)"}.get(y) or {y[:1] + y[2:]: "y.squeeze(1)"}.get(o) or f"y.reshape{o}"
        return Remedy(f"give y the shape of the output, {o}: y = {line}", "not in this course")
    if y[1] == 1:
        return Remedy(f"for classes pass labels of shape ({y[0]},), y.squeeze(1).long(), with cross-entropy; for real "
                      "numbers end the model in one output without a softmax", "not in this course")
    return Remedy(f"end the model in {y[1]} outputs, one for each column of y: nn.Linear(units, {y[1]})", "not in this course")
