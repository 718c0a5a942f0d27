"""What a model takes and what it is judged by: inputs of any form, a loss that suits its output, clear complaints."""

import inspect

import torch
from torch import nn
from torch.nn import functional as F

from . import keras_layers
from .ends import ROUNDING, nodes_of
from .errors import WrongType, WrongValue
from .loss_calls import PROBABILITIES_ONLY, call_loss, is_torchs
from .values import first_float, named_parts

IGNORED = -100  # the label that `F.cross_entropy` passes over


class Caller(nn.Module):
    """A model that takes one argument: a tensor as it is, a tuple or list as several, a dict as keywords.

    A dict that does not fit the keywords of the model's `forward` is passed as it is, and so is a tuple.
    """

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.training = model.training

    def forward(self, x):
        """Return what the model returns for x."""
        if keras_layers.is_keras(self.model):
            return self.model(x, training=self.model.training)  # Keras takes the mode for an argument, and inputs for one
        if isinstance(x, torch.Tensor):
            return self.model(x)
        args, keywords = ((), x) if isinstance(x, dict) else (x, {})
        try:
            inspect.signature(self.model.forward).bind(*args, **keywords)
        except (TypeError, ValueError):
            args, keywords = (x,), {}
        return self.model(*args, **keywords)


class Criterion:
    """The loss of an output and y. After a call, `output` is the tensor that was judged, `is_plain` whether the
    model returned just that, and `name` says how it was judged; `nodes` are those of autograd's graph that made the
    output, `node` that of the loss, and `refused` says that loss_fn takes probabilities only, and the output is none.

    Args:
        loss_fn: a function (output, y) -> loss that gets the output as the model returns it; or None, and then:
            cross-entropy for whole-number y (binary for a single output), mean squared error for y of real numbers,
            and without y the model's own `loss`, if it returns one by name, or the squared distance from random targets
            of the outputs' own scale.
    """

    def __init__(self, loss_fn=None):
        self.loss_fn = loss_fn
        self.output, self.is_plain, self.refused = None, True, False
        self.node, self.nodes = None, []
        self.name = "" if loss_fn is None else getattr(loss_fn, "__name__", type(loss_fn).__name__)

    def __call__(self, output, y):
        self.output, self.is_plain = first_float(output), isinstance(output, torch.Tensor)
        if self.output is None:
            got = output.dtype if isinstance(output, torch.Tensor) else type(output).__name__
            raise WrongType(f"the model must return a tensor of real numbers, or a tuple or dict that holds one, got {got}")
        self.nodes = nodes_of(output)
        loss = self._given(output, y) if self.loss_fn is not None else self._own(output, y)
        self.node = getattr(loss, "grad_fn", None)
        return loss

    def _given(self, output, y):
        if y is None and not is_torchs(self.loss_fn) and _takes_one(self.loss_fn):
            return self.loss_fn(output)
        try:
            return call_loss(self.loss_fn, output, y)
        except RuntimeError as error:
            z = self.output
            if PROBABILITIES_ONLY not in str(error) or not isinstance(y, torch.Tensor) or y.numel() != z.numel():
                raise
            self.refused = True
            self.name = f"the binary cross-entropy of the output as logits, which {type(self.loss_fn).__name__} refuses"
            return F.binary_cross_entropy_with_logits(z.reshape(y.shape), y.to(z.dtype))

    def _own(self, output, y):
        z = self.output
        if y is None:
            if (own := self._models_own(output)) is not None:
                self.name = "the model's own loss"
                return own
            self.name = "the squared distance from random targets of the outputs' own scale, for want of y"
            scale = z.detach().float().std(correction=0).item() or 1.0
            noise = torch.randn(z.shape, generator=torch.Generator("cpu").manual_seed(0), device="cpu").to(z) * scale
            return F.mse_loss(z.float(), noise.float()) / scale**2
        if not isinstance(y, torch.Tensor):
            raise WrongType(f"y must be a tensor, or None if there are no targets, got {type(y).__name__}")
        if y.is_floating_point():
            self.name = "the mean squared error"
            if z.numel() != y.numel():
                column = ".squeeze(1)" if y.dim() == 2 and y.shape[1] == 1 else ""
                labels = torch.equal(y, y.round()) and (y.dim() < 2 or column) and len(y) == len(z) if y.dim() else False
                advice = f": for class labels pass y{column}.long()" if labels else ""
                raise WrongValue(f"y of shape {tuple(y.shape)} does not fit the output of shape {tuple(z.shape)}{advice}")
            if _is_one_hot(y):
                self.name += " (y looks one-hot: for classes pass y.argmax(1))"
            elif z.shape != y.shape and z.numel() > 1:
                self.name += f" (y {tuple(y.shape)} is taken in the output's shape, {tuple(z.shape)}; a loss of your own would not do so)"
            return F.mse_loss(z, y.reshape(z.shape).to(z.dtype))
        return self._classify(z, y.long())

    @staticmethod
    def _models_own(output):
        """The loss among what a model returns by name, as those of Hugging Face do where x holds labels."""
        loss = (named_parts(output) or {}).get("loss")
        return loss if isinstance(loss, torch.Tensor) and loss.dim() == 0 and loss.requires_grad else None

    def _classify(self, z, y):
        if z.shape == y.shape and _is_one_hot(y):
            self.name = ("the cross-entropy, y being one-hot (for a yes or no of each column: "
                         "loss_fn=F.binary_cross_entropy_with_logits)")
            return F.cross_entropy(z, y.argmax(1))
        if z.numel() == y.numel() and (z.dim() < 2 or z.shape != y.shape or y.max() <= 1):
            self.name = "the binary cross-entropy"
            _check_labels(y, 2)
            z, y = z.reshape(y.shape), y.to(z.dtype)
            is_probability = 0 <= z.min() and z.max() <= 1
            return F.binary_cross_entropy(z, y) if is_probability else F.binary_cross_entropy_with_logits(z, y)
        self.name = "the cross-entropy"
        if z.shape[:1] + z.shape[2:] != y.shape and z.shape[:-1] == y.shape:
            z, y = z.flatten(0, -2), y.flatten()  # classes last, as of a sequence
        if z.dim() < 1 or (z.dim() > 1 and z.shape[:1] + z.shape[2:] != y.shape):
            raise WrongValue(
                f"labels y of shape {tuple(y.shape)} do not fit the output of shape {tuple(z.shape)}: one label for each row, "
                f"without an axis of its own{': y.squeeze(1)' if y.shape == (*z.shape[:1], 1) else ''}"
            )
        axis = min(1, z.dim() - 1)
        _check_labels(y, z.shape[axis])
        if z.min() >= 0 and ((z.sum(axis).float() - 1).abs() <= ROUNDING).all():
            self.name += " of the model's own probabilities (F.cross_entropy would take what comes before the softmax)"
            return F.nll_loss(z.clamp(min=torch.finfo(z.dtype).tiny).log(), y)
        return F.cross_entropy(z, y)


def is_out_of_memory(error):
    """Whether an exception says that there is too little memory."""
    words = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


def _is_one_hot(y):
    return y.dim() == 2 and y.shape[1] > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all())


def _check_labels(y, classes):
    low, high = (bound.item() for bound in torch.aminmax(y))
    if low == IGNORED:
        used = y[y != IGNORED]
        low = used.min().item() if used.numel() else 0
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        raise WrongValue(f"y holds the label {wrong}, but there are {classes} classes: labels run from 0 to {classes - 1}")


def _takes_one(function):
    try:
        inspect.signature(function).bind(None)
    except (TypeError, ValueError):
        return False
    return True
