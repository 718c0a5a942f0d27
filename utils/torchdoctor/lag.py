"""Where in a sequence its answer lies, as far as a batch of inputs and targets can tell."""

import torch
from torch.nn import functional as F

from .values import double, tensors

# Of fewer samples, a step that has nothing to do with the answer may seem to tell half of it: the largest of a thousand
# chance correlations has a square of about 2 ln(1000) / samples, 0.2 of 64. More than 128 tell little more, at more cost.
FEWEST, MOST = 64, 128
AT_ONCE = 256  # steps whose likenesses are in memory at once


def told_at(inputs, y, batch_first):
    """How much each step of a sequence says of y, from 0 to 1: a float64 tensor (steps,), or None if it cannot be known.

    It is the likeness of the samples' distances by that step and by y (linear CKA, Kornblith et al. 2019). inputs: of a
    recurrent layer, (samples, steps, features), or steps first. y: a class, a number or several numbers a sample.
    """
    if not all(isinstance(t, torch.Tensor) for t in (inputs, y)) or inputs.dim() != 3:
        return None
    steps = inputs.detach().movedim(0 if batch_first else 1, 1)  # (steps, samples, features)
    if steps.shape[1] < FEWEST or y.dim() not in (1, 2) or len(y) != steps.shape[1]:
        return None
    rows = torch.linspace(0, len(y) - 1, min(len(y), MOST), device="cpu").long()
    if not y.is_floating_point() and (y.dim() == 1 or y.shape[1] == 1):
        target = F.one_hot(y.flatten()[rows].unique(return_inverse=True)[1]).float()
    else:
        target = y.detach()[rows].flatten(1).float() if y.dim() == 2 else y.detach()[rows, None].float()
    due, told = _gram(target[None]), []
    for some in steps.split(AT_ONCE):
        alike = _gram(some[:, rows].float())
        told.append((alike * due).sum((1, 2)) / (torch.linalg.matrix_norm(alike) * torch.linalg.matrix_norm(due)))
    return double(torch.cat(told).nan_to_num(0.0))


def padding(module, inputs, x, states):
    """How many of the last steps are all alike, and the same in half of the samples or more; 0 if it cannot be known.

    Of what a recurrent layer reads, or of the ids in x that it comes from: dropout makes the vectors of one id differ. A
    step that is repeated throughout is no padding, and none counts for a way back, which ends at the first word.
    states: for each call of the layer, the norms of the gradients through its last states.
    """
    if not isinstance(inputs, torch.Tensor) or inputs.dim() != 3 or module.bidirectional and any(map(any, states or ())):
        return 0
    ids = next((t for t in tensors(x) if t.shape == inputs.shape[:2] and not t.is_floating_point()), None)
    read = inputs.detach() if ids is None else ids.unsqueeze(2)
    read = read if module.batch_first else read.transpose(0, 1)
    read = read[torch.linspace(0, len(read) - 1, min(len(read), MOST), device="cpu").long()]
    same = (read[:, None, -1] == read[None, :, -1]).all(2)  # pairs of samples that end alike
    alike = (read == read[:, -1:]).all(2).flip(1).int().cumprod(1).sum(1) * same[same.sum(1).argmax()]
    count = alike.median().item()
    return count if len(read) > 1 and 1 < count < read.shape[1] else 0


def _gram(t):
    """(steps, samples, features) -> inner products of the samples about their mean, (steps, samples, samples)."""
    t = t - t.mean(1, keepdim=True)
    return t @ t.mT
