"""Where in a sequence its answer lies, as far as a batch of inputs and targets can tell."""

import torch
from torch.nn import functional as F

from .values import double

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


def padding(inputs, batch_first):
    """How many of the last steps are all alike, and the same in half of the samples or more; 0 if it cannot be known.

    inputs: as above. A step that is repeated throughout is no padding.
    """
    if not isinstance(inputs, torch.Tensor) or inputs.dim() != 3:
        return 0
    x = inputs.detach() if batch_first else inputs.detach().transpose(0, 1)
    x = x[torch.linspace(0, len(x) - 1, min(len(x), MOST), device="cpu").long()]
    same = (x[:, None, -1] == x[None, :, -1]).all(2)  # pairs of samples that end alike
    alike = (x == x[:, -1:]).all(2).flip(1).int().cumprod(1).sum(1) * same[same.sum(1).argmax()]
    count = alike.median().item()
    return count if len(x) > 1 and 1 < count < x.shape[1] else 0


def _gram(t):
    """(steps, samples, features) -> inner products of the samples about their mean, (steps, samples, samples)."""
    t = t - t.mean(1, keepdim=True)
    return t @ t.mT
