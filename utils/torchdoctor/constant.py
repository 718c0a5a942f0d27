"""The loss of the best constant answer, which is the same for every sample: what a model has to be better than."""

import math
import warnings
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .criterion import Criterion
from .ends import LOGITS, LOGS, NUMBERS, PROBABILITIES, YES_OR_NO
from .loss_calls import is_torchs

# Of fewer labels a class, their shares are chance: the entropy of n labels of k classes is too small by (k - 1) / 2n.
LABELS = 5
LARGEST = 2**20  # numbers in an output, beyond which asking its loss again and again would take as long as a layer
SHARES = (0.5, 0.2, 0.1)  # of what an output says beyond a constant: who is too sure of it is right about some of it
LEAST = 1e-6  # of a probability, so that its logarithm is finite
SCALES = {  # what a loss takes an output for -> shares of labels as such an output
    LOGITS: torch.log, LOGS: torch.log, YES_OR_NO: torch.logit, PROBABILITIES: lambda shares: shares,
}  # fmt: skip

LEARNED = 0.9  # of the loss of the best constant answer: a tenth below it is no chance


@dataclass
class Constant:
    """What a constant answer achieves on a batch; NaN where it is not known.

    loss: the least of the constants that were tried: the mean and the median of y, the shares of its labels, and the
    mean output. mixed: the least loss of a part of what the output says beyond that constant.
    """

    loss: float = math.nan
    mixed: float = math.nan

    def is_beaten_by(self, loss):
        """Whether a loss is clearly below it, so that something has been learned; None if that is not known."""
        return None if math.isnan(self.loss) or not math.isfinite(loss) else loss < LEARNED * self.loss


def constant_answer(criterion, end):
    """The `Constant` of an output and y. criterion: the `Criterion` that has judged it; end: its `End`, or None.

    Only for losses that can be asked again: those of torch and of `diagnose`, and what autograd's graph shows to be the like.
    """
    if end is None or not criterion.is_plain or not 0 < end.output.numel() <= LARGEST or end.output.dim() < 1:
        return Constant()
    if not (end.is_own or is_torchs(criterion.loss_fn) or end.takes) or end.y.is_complex():
        return Constant()
    if (end.y == end.y[:1]).all():  # all alike: what any constant can learn is all there is
        return Constant()
    labels = end.is_whole and not end.y.is_floating_point()
    if labels and end.y.numel() < LABELS * len(end.y.unique()):
        return Constant()
    with torch.no_grad(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what there is to say of y and the output, torch has said before
        tried = [(_loss(criterion, answer, end), answer) for answer in _constants(end)]
        loss, best = min(tried, key=lambda one: one[0], default=(math.inf, None))
        if len(tried) < 2 or not math.isfinite(loss):  # the mean output alone is no measure
            return Constant()
        parts = (best + share * (end.output - best) for share in SHARES)
        return Constant(loss, min(_loss(criterion, part, end) for part in parts))


def _constants(end):
    """Yield constant outputs, in the shape of the output, as far as they are what the loss takes an output for."""
    o, y, takes = end.output, end.y, end.takes
    yield o.mean(0, keepdim=True).expand_as(o)
    if takes == NUMBERS and o.numel() == y.numel():
        targets = y.reshape(o.shape).to(o.dtype)
        yield from (answer.expand_as(o) for answer in (targets.mean(0, keepdim=True), targets.median(0, keepdim=True).values))
    elif o.numel() == y.numel() and 0 <= y.min() and y.max() <= 1:
        shares = y.reshape(o.shape).to(o.dtype).mean(0, keepdim=True).clamp(LEAST, 1 - LEAST)
        if takes in SCALES:
            yield SCALES[takes](shares).expand_as(o)
    elif end.is_choice and takes in SCALES:
        axis = end.class_axis % o.dim()
        if y.max() < o.shape[axis]:
            shares = torch.bincount(y.long().flatten(), minlength=o.shape[axis]).to(o.dtype) / y.numel()
            shape = [-1 if i == axis else 1 for i in range(o.dim())]
            yield SCALES[takes](shares.clamp(LEAST, 1 - LEAST)).reshape(shape).expand_as(o)


def _loss(criterion, answer, end):
    """The loss of an answer; infinite if it has none."""
    try:
        if end.is_own and end.takes == YES_OR_NO:  # whose logits `Criterion` would take for probabilities, between 0 and 1
            return float(F.binary_cross_entropy_with_logits(answer.reshape(end.y.shape), end.y.to(answer.dtype)))
        loss = float(Criterion(criterion.loss_fn)(answer.contiguous(), end.y))
    except Exception:  # noqa: BLE001  a constant that this loss does not take, as one below 0 for a logarithm
        return math.inf
    return loss if math.isfinite(loss) else math.inf
