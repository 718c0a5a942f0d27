"""Call a loss on an output and y; what torch's own losses say of things that do not fit becomes one sentence."""

import inspect
import re
from collections.abc import Mapping

import torch
from torch import nn

from .errors import WrongType, WrongValue
from .keras_layers import is_keras_loss
from .values import named_parts

CLASSIFIES = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss", "cross_entropy", "nll_loss", "multi_margin_loss")  # take labels (N,)
PROBABILITIES_ONLY = "all elements of input should be between 0 and 1"  # torch, of BCELoss


def call_loss(loss_fn, output, y):
    """loss_fn(output, y), of Keras' own losses loss_fn(y, output).

    Raises TypeError or ValueError with one sentence if a loss of torch's cannot take the two. A function of the user's own raises what it raises.
    """
    name = getattr(loss_fn, "__name__", type(loss_fn).__name__)
    if is_torchs(loss_fn) and isinstance(loss_fn, nn.Module):
        _check_arguments(loss_fn, name)
        if y is None:
            raise WrongType(f"{name} compares the output with targets, and there is no y")
    try:
        return loss_fn(y, output) if is_keras_loss(loss_fn) else loss_fn(output, y)
    except (TypeError, AttributeError, RuntimeError, ValueError, IndexError) as error:
        if advice := _advice(str(error), loss_fn, name, output, y):
            kind, sentence = advice
            raise kind(sentence) from error
        raise


def is_torchs(loss_fn):
    """Whether a loss is one of torch's, an object or a function."""
    kind = type(loss_fn) if isinstance(loss_fn, nn.Module) else loss_fn
    return getattr(kind, "__module__", None) in (nn.modules.loss.__name__, nn.functional.__name__)


def _check_arguments(loss, name):
    needed = [part.name for part in inspect.signature(loss.forward).parameters.values() if part.default is part.empty]
    if len(needed) > 2:
        raise WrongType(f"{name} takes {', '.join(needed)}, and diagnose gives a loss (output, y): say how they are made of "
                        f"these, for example loss_fn=lambda output, y: {name}()(*output) of a model that returns {len(needed)}")


def _article(name):
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _advice(said, loss_fn, name, output, y):
    """(class of error, sentence) for what torch said; None if nothing better is known."""
    own = is_torchs(loss_fn)
    if own and not isinstance(output, torch.Tensor):
        name_of = next(iter(named_parts(output) or {}), None)  # what is named as an output comes first
        key = "[0]" if name_of is None else f"[{name_of!r}]" if isinstance(output, Mapping) else f".{name_of}"
        return WrongType, (f"the model returns {_article(type(output).__name__)}, and {name} takes one tensor: say which, for example "
                           f"loss_fn=lambda output, y: loss(output{key}, y)")
    if own and not isinstance(y, torch.Tensor) and y is not None:
        return WrongType, f"y is of the type {type(y).__name__}, and {name} takes a tensor: y = torch.as_tensor(y)"
    if not isinstance(y, torch.Tensor):
        return None
    if own and y.dtype == torch.bool:
        return WrongValue, f"y holds yes and no, torch.bool, and {name} takes numbers: y.float(), or y.long() for labels"
    if "multi-target not supported" in said and y.dim() == 2 and y.shape[1] == 1:
        return WrongValue, f"y has the shape {tuple(y.shape)}, and {name} takes one label for each sample: y.squeeze(1).long()"
    if "for target with class probabilities" in said:
        return WrongValue, f"y has the shape of the output, as probabilities of classes, which {name} takes as real numbers: y.float()"
    if told := re.search("Found dtype (Float|Double|Half|BFloat16) but expected", said):
        return WrongValue, f"y is {y.dtype} ({told[1]}) and the output {output.dtype}, and {name} takes one dtype: y.to({output.dtype})"
    if own and isinstance(output, torch.Tensor) and output.dim() and y.dim() and len(output) != len(y):
        return WrongValue, f"the output is of {len(output)} samples and y of {len(y)}: one target for each sample, in the same order"
    if own and output.dim() == 2 and output.shape[1] > 1 and y.shape == output.shape[:1] and name not in CLASSIFIES:
        return WrongValue, (f"{name} compares each output of {tuple(output.shape)} with a target, and y has the shape "
                            f"{tuple(y.shape)}: for labels of classes take CrossEntropyLoss")
    if "can't be cast to the desired output type" in said or ("Found dtype Long" in said and not y.is_floating_point()):
        return WrongValue, f"y holds whole numbers, {y.dtype}, and {name} takes real ones: y.float()"
    if "all elements of target should be between 0 and 1" in said:
        low, high = y.min().item(), y.max().item()
        return WrongValue, (f"{name} takes targets between 0 and 1, and y lies between {low:.3g} and {high:.3g}: for real "
                            "numbers use MSELoss, for more than two classes CrossEntropyLoss and an output for each")
    if "arget size" in said and isinstance(output, torch.Tensor) and output.shape != y.shape:
        same = output.numel() == y.numel()
        advice = f"y.reshape({tuple(output.shape)})" if same else "one target for each output"
        return WrongValue, f"{name} got an output of shape {tuple(output.shape)} and y of shape {tuple(y.shape)}: {advice}"
    if "is out of bounds" in said and isinstance(output, torch.Tensor) and output.dim() > 1 and not y.is_floating_point():
        label, classes = y.max().item(), output.shape[1]
        if label >= classes:
            return WrongValue, (f"y holds the label {label}, and the output has {classes} columns, one a class: end the model in "
                                f"{label + 1} outputs, and count labels from 0")
    if "Long or Byte" in said:
        if y.is_floating_point():
            return WrongValue, f"y holds real numbers, {y.dtype}, and {name} takes labels, whole numbers: y.long()"
        return WrongValue, f"y is {y.dtype}, and {name} takes labels as torch.int64: y.long()"
    return None
