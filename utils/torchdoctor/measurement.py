"""Instruments: any `nn.Module` and a batch -> numbers per layer. Knows no model of the course, and draws nothing.

A *layer* is a module that owns a weight matrix (linear, convolution, recurrent, ...). Its pre-activation z is what the
nonlinearity receives, its activation a what the nonlinearity returns. Where the nonlinearity is a call in the model's
`forward` and no module, z is the layer's output and a is what the next layer receives. An RNN counts as one layer, with
its sequence of outputs as z: a gradient that comes through its last state alone does not show there.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .errors import WrongType, WrongValue, first_line, is_misfit
from .layer_calls import left_as_found, norm, numbered, recording


@dataclass(frozen=True)
class Measurement:
    """What one forward and one backward pass tell, per layer in the order of the forward pass.

    All tensors are float64 of shape (layers,); NaN where a quantity does not exist: no nonlinearity follows the last
    layer, and a frozen weight (requires_grad=False) has no gradient. `delta_norm` is ||dC/dz||, `weight_gradient_norm`
    ||dC/dW||, both over the whole batch; `weight_norm` is ||W||. `saturated` and `dead` are shares between 0 and 1: of
    single activations on the flat ends of a sigmoid or tanh (0 for any other function), and of units that are exactly 0
    for every sample of the batch. `kinds` holds the class of each layer's nonlinearity, None or "" where it is not known,
    and `reached` whether C depends on any weight of the layer that may change.
    """

    names: tuple[str, ...]
    kinds: tuple[str | None, ...]
    loss: float
    delta_norm: torch.Tensor
    weight_gradient_norm: torch.Tensor
    weight_norm: torch.Tensor
    pre_mean: torch.Tensor
    pre_std: torch.Tensor
    activation_mean: torch.Tensor
    activation_std: torch.Tensor
    saturated: torch.Tensor
    dead: torch.Tensor
    reached: tuple[bool, ...]

    def update_ratio(self, lr):
        """||lr dC/dW|| / ||W|| per layer for one plain gradient step; about 1e-3 is healthy (Karpathy, CS231n)."""
        return lr * self.weight_gradient_norm / self.weight_norm


def measure(model, x, y, loss_fn=F.cross_entropy, modules=None):
    """Measure `model` on the batch (x, y) in one forward and one backward pass; returns a `Measurement`.

    Norms and statistics are taken in double precision: in float32, `.norm()` is 0 as soon as the entries fall below
    about 1e-23. The model is left as it was: parameters, buffers, .grad, hooks, training mode, and random state.
    `modules` are those to listen to, `dict(model.named_modules())` if none are given.

    Raises TypeError if the model is no `nn.Module` or the loss no tensor, and ValueError if the model has no layer with
    a weight matrix, if the loss is not a single number, or if it does not depend on the layers.
    """
    if not isinstance(model, nn.Module):
        raise WrongType(f"the model must be an nn.Module, got {type(model).__name__}")
    modules = dict(model.named_modules()) if modules is None else modules
    with left_as_found(modules.values()), recording(modules) as calls, torch.enable_grad():
        loss = _loss(model, x, y, loss_fn)
        if not calls:
            raise WrongValue("the model has no layer with a weight matrix, so there is nothing to measure")
        if not isinstance(loss, torch.Tensor):
            raise WrongType(f"the loss must be a tensor, so that it can be differentiated, got {type(loss).__name__}")
        if loss.dim() != 0:
            raise WrongValue(f"the loss must be a single number, got shape {tuple(loss.shape)}: average over the batch")
        if not loss.requires_grad:
            raise WrongValue("no gradient reaches any layer: the model or the loss cuts it off (no_grad or detach)")
        weights = {id(w): w for call in calls for w in call.weights if w.requires_grad}
        heard = [call for call in calls if call.edge]
        found = torch.autograd.grad(loss, [*weights.values(), *(call.edge for call in heard)], allow_unused=True)
    gradients = dict(zip(weights, found))
    for call, delta in zip(heard, found[len(weights) :]):
        call.numbers["delta_norm"] = _norm(delta)
    pre_mean, pre_std = _mean_std([call.numbers.get("pre") for call in calls])
    activation_mean, activation_std = _mean_std([call.numbers.get("activation") for call in calls])
    delta_norm, saturated, dead = (
        torch.tensor([call.numbers.get(name, torch.nan) for call in calls], dtype=torch.float64)
        for name in ("delta_norm", "saturated", "dead")
    )
    return Measurement(
        names=numbered([call.name for call in calls]),
        kinds=tuple(call.kind for call in calls),
        loss=loss.item(),
        delta_norm=delta_norm,
        weight_gradient_norm=_together([[_norm(gradients[id(w)]) if w.requires_grad else torch.nan for w in call.weights]
                                        for call in calls]),
        weight_norm=_together([[norm(w) for w in call.weights] for call in calls]),
        reached=tuple(any(gradients.get(id(w)) is not None for w in call.weights) for call in calls),
        pre_mean=pre_mean,
        pre_std=pre_std,
        activation_mean=activation_mean,
        activation_std=activation_std,
        saturated=saturated,
        dead=dead,
    )


def _loss(model, x, y, loss_fn):
    """Run the model and its loss; what torch says of shapes and dtypes that do not fit becomes one sentence."""
    try:
        output = model(x)
    except Exception as error:
        if not is_misfit(error):
            raise
        raise WrongValue(f"the model cannot take x, {_kind(x)}: {_advice(model, x, y) or first_line(error)}") from error
    try:
        return loss_fn(output, y)
    except Exception as error:
        if not is_misfit(error):
            raise
        labels = isinstance(y, torch.Tensor) and y.dim() == 1 and y.is_floating_point() and loss_fn is F.cross_entropy
        advice = "labels are whole numbers, y.long()" if labels else first_line(error)
        raise WrongValue(f"the loss cannot compare {_kind(output)} with y, {_kind(y)}: {advice}") from error


def _advice(model, x, y):
    """Say what to do about an x that the model does not take, where that is plain; else nothing."""
    weights = next((p for p in model.parameters() if p.is_floating_point()), None)
    if weights is None or not isinstance(x, torch.Tensor) or x.dtype == weights.dtype:
        return ""
    if isinstance(y, torch.Tensor) and y.is_floating_point() and not x.is_floating_point():
        return f"y is {_kind(y)}, as inputs are: are the two swapped?"
    return f"its weights are {weights.dtype}, so pass x.to({weights.dtype})"


def _kind(value):
    return f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__


def measure_gradients(model, x, y, loss_fn=F.cross_entropy):
    """||dC/dz|| of every layer, a float64 tensor (layers,). One field of `measure`, and chapter 1's first plot."""
    return measure(model, x, y, loss_fn).delta_norm


def _mean_std(moments):
    """[(count, sum, norm), ...] -> means and standard deviations (layers,); NaN where there is None."""
    # Not torch.std_mean: its one-pass algorithm is 15 times slower, and in double the plain formula loses nothing here.
    means, deviations = [], []
    for count, total, size in (m or (1, torch.nan, torch.nan) for m in moments):
        mean = total / count
        means.append(mean)
        deviations.append(math.sqrt(max(size * size / count - mean * mean, 0.0)))  # in this order, NaN stays NaN
    return torch.tensor(means, dtype=torch.float64), torch.tensor(deviations, dtype=torch.float64)


def _norm(gradient):
    """Norm of a gradient; 0 if there is none because C does not depend on what it is a gradient of."""
    return 0.0 if gradient is None else norm(gradient)


def _together(norms_by_layer):
    """One norm per layer over all of its matrices (an LSTM has two)."""
    return torch.tensor([math.hypot(*norms) for norms in norms_by_layer], dtype=torch.float64)
