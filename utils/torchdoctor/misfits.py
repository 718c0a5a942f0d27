"""Run a model and its loss; where model, x and y do not fit together, one sentence that says what to do about it."""

import math
import re

import torch
from torch import nn
from torch.nn import functional as F

from .errors import WrongValue, first_line, is_misfit
from .values import tensors


def run(model, x, y, loss_fn):
    """loss_fn(model(x), y). What torch says of devices, shapes and dtypes that do not fit becomes one sentence."""
    try:
        output = model(x)
    except Exception as error:
        if isinstance(error, WrongValue):
            raise
        advice = _of_devices(model, x)
        if not advice and not is_misfit(error):
            raise
        advice = advice or _of_dtypes(model, x, y) or _of_shapes(x, y, str(error)) or first_line(error)
        raise WrongValue(f"the model cannot take x, {_kind(x)}: {advice}") from error
    try:
        return loss_fn(output, y)
    except Exception as error:
        devices = [next((t.device for t in tensors(value)), None) for value in (output, y)]
        apart = None not in devices and devices[0] != devices[1]
        if isinstance(error, WrongValue) or not (apart and isinstance(error, RuntimeError) or is_misfit(error)):
            raise
        labels = isinstance(y, torch.Tensor) and y.dim() == 1 and y.is_floating_point() and loss_fn is F.cross_entropy
        advice = (f'y lies on {devices[1]} and the output on {devices[0]}, pass y.to("{devices[0]}")' if apart else
                  "labels are whole numbers, y.long()" if labels else first_line(error))
        raise WrongValue(f"the loss cannot compare {_kind(output)} with y, {_kind(y)}: {advice}") from error


def _of_devices(model, x):
    """Of a model that lies on one device, and an x that does not."""
    homes = {p.device for p in model.parameters()}
    away = next((t.device for t in tensors(x) if t.device not in homes), None)
    if len(homes) != 1 or away is None:
        return ""
    (home,) = homes
    return f'x lies on {away} and the model on {home}, pass x.to("{home}")'


def _of_dtypes(model, x, y):
    kinds = sorted({str(p.dtype) for p in model.parameters() if p.is_floating_point()})
    if not kinds or not isinstance(x, torch.Tensor):
        return ""
    if any(isinstance(module, (nn.Embedding, nn.EmbeddingBag)) for module in model.modules()):
        return _of_rows(model, x)
    if len(kinds) > 1:
        return f"its weights are of several dtypes, {' and '.join(kinds)}: model.float() makes them one"
    if str(x.dtype) == kinds[0]:
        return ""
    if isinstance(y, torch.Tensor) and y.is_floating_point() and not x.is_floating_point() and x.dim() < 2:
        return f"y is {_kind(y)}, as inputs are: are the two swapped?"
    return f"its weights are {kinds[0]}, so pass x.to({kinds[0]})"


def _of_rows(model, x):
    """Of a model with embeddings, which take whole numbers below their number of rows."""
    if x.is_floating_point():
        return "an embedding takes whole numbers, x.long()"
    if x.dtype not in (torch.int64, torch.int32):
        return f"an embedding takes torch.int64, and x is {x.dtype}: x.long()"
    low, high = x.min().item(), x.max().item()
    rows = min(module.num_embeddings for module in model.modules() if isinstance(module, (nn.Embedding, nn.EmbeddingBag)))
    if low < 0 or high >= rows:
        return f"x holds {low if low < 0 else high}, and an embedding of {rows} rows takes whole numbers from 0 to {rows - 1}"
    return ""


def _of_shapes(x, y, said):
    if not isinstance(x, torch.Tensor) or not x.dim():
        return ""
    if told := re.search(r"cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)", said):
        given, takes = map(int, told.groups())
        if isinstance(y, torch.Tensor) and y.is_floating_point() and y.dim() > 1 and y.shape[-1] == takes != x.shape[-1]:
            return f"y is {_kind(y)}, and the first layer takes {takes} numbers: are the two swapped?"
        if x.dim() > 2 and math.prod(x.shape[1:]) == takes:
            return f"a linear layer takes {takes} numbers and is given {given}: flatten each sample, x.flatten(1)"
        flatten = ", or is an nn.Flatten() missing before it?" if takes % given == 0 else ""
        return f"a linear layer takes {takes} numbers and is given {given}: make its in_features {given}{flatten}"
    if told := re.search(r"to have (\d+) channels, but got (\d+) channels", said):
        takes, given = map(int, told.groups())
        if x.dim() == 4 and x.shape[-1] == takes:
            return f"a convolution takes the {takes} channels on axis 1: x.permute(0, 3, 1, 2)"
        if x.dim() == 3 and takes == 1:
            return "a convolution takes one channel on axis 1: x.unsqueeze(1)"
        return f"a convolution takes {takes} channels on axis 1 and is given {given}"
    return ""


def _kind(value):
    return f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
