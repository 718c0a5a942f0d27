"""Instruments: any `nn.Module` and a batch -> numbers per layer. Knows no model by name, and draws nothing.

A *layer* is a module that owns a weight matrix (linear, convolution, recurrent, ...). Its pre-activation z is what the
nonlinearity receives, its activation a what the nonlinearity returns. Where the nonlinearity is a call in the model's
`forward` and no module, z is the layer's output and a is what the next layer receives. An RNN counts as one layer, with
its sequence of outputs as z: a gradient that comes through its last state alone does not show there.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .errors import WrongType, WrongValue
from .keras_layers import modules_of
from .layer_calls import left_as_found, matrices, numbered, recording
from .misfits import run
from .models import check_type
from .values import norm


@dataclass
class Layer:
    """One call of one layer, and what was measured of it; NaN where a quantity does not exist.

    No nonlinearity follows the last layer, and a frozen weight (requires_grad=False) has no gradient.

    name: of the module, of a second call `name[1]`. nonlinearity: class of what follows, None or "" where it is not known.
    delta_norm: ||dC/dz||, weight_gradient_norm: ||dC/dW||, both over the whole batch. weight_norm: ||W||. pre_mean,
    pre_std, activation_mean, activation_std: of z and a, over the batch and all units. saturated: share of single
    activations on the flat ends of a sigmoid or tanh (0 for any other function). dead: share of units that are exactly 0
    for every sample of the batch. reached: whether C depends on any weight of the layer that may change.
    """

    name: str
    nonlinearity: str | None
    delta_norm: float
    weight_gradient_norm: float
    weight_norm: float
    pre_mean: float
    pre_std: float
    activation_mean: float
    activation_std: float
    saturated: float
    dead: float
    reached: bool


def _column(name):
    return property(lambda self: torch.tensor([getattr(layer, name) for layer in self.layers], dtype=torch.float64, device="cpu"))


@dataclass(frozen=True)
class Measurement:
    """What one forward and one backward pass tell: a row for each layer, in the order of the forward pass, and the loss.

    Each number of the rows is a column as well, a float64 tensor of shape (layers,): `measurement.delta_norm`.
    """

    layers: list[Layer]
    loss: float

    names = property(lambda self: tuple(layer.name for layer in self.layers))
    kinds = property(lambda self: tuple(layer.nonlinearity for layer in self.layers))
    reached = property(lambda self: tuple(layer.reached for layer in self.layers))
    delta_norm = _column("delta_norm")
    weight_gradient_norm = _column("weight_gradient_norm")
    weight_norm = _column("weight_norm")
    pre_mean = _column("pre_mean")
    pre_std = _column("pre_std")
    activation_mean = _column("activation_mean")
    activation_std = _column("activation_std")
    saturated = _column("saturated")
    dead = _column("dead")

    def update_ratio(self, lr):
        """||lr dC/dW|| / ||W|| per layer for one plain gradient step; about 1e-3 is healthy (Karpathy, CS231n)."""
        return lr * self.weight_gradient_norm / self.weight_norm


def measure(model, x, y, loss_fn=F.cross_entropy, modules=None, on_gradient=None):
    """Measure `model` on the batch (x, y) in one forward and one backward pass; returns a `Measurement`.

    Norms and statistics are taken in double precision: in float32, `.norm()` is 0 as soon as the entries fall below
    about 1e-23. The model is left as it was: parameters, buffers, .grad, hooks, training mode, and random state.
    `modules` are those to listen to, all of the model's if none are given. `on_gradient(w, gradient)` is
    called for each weight matrix that has a gradient.

    Raises TypeError if the model is no `nn.Module` or the loss no tensor, and ValueError if the model has no layer with
    a weight matrix, if the loss is not a single number, or if it does not depend on the layers.
    """
    check_type(model)
    modules = modules_of(model) if modules is None else modules
    with left_as_found(modules.values()), recording(modules) as calls, torch.enable_grad():
        loss = run(model, x, y, loss_fn)
        calls = [*calls]  # a checkpoint calls its layers once more in the backward pass
        if not calls:
            if any(map(matrices, modules.values())):
                raise WrongValue("the model calls no layer that has a weight matrix, but reads the weights past it, as one of "
                                 "torch.export does: diagnose the model that it was made of")
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
    for key, w in weights.items() if on_gradient else ():
        if gradients[key] is not None:
            on_gradient(w, gradients[key])
    for call, delta in zip(heard, found[len(weights) :]):
        call.numbers["delta_norm"] = _norm(delta)
    names = numbered([call.name for call in calls])
    return Measurement([_layer(name, call, gradients) for name, call in zip(names, calls)], loss.item())


def _layer(name, call, gradients):
    """The row of a call, whose numbers are all taken. gradients: id of a weight -> dC/dW, or None."""
    pre_mean, pre_std = _mean_std(call.numbers.get("pre"))
    activation_mean, activation_std = _mean_std(call.numbers.get("activation"))
    return Layer(
        name, call.kind,
        delta_norm=call.numbers.get("delta_norm", math.nan),
        weight_gradient_norm=math.hypot(*(_norm(gradients[id(w)]) if w.requires_grad else math.nan for w in call.weights)),
        weight_norm=math.hypot(*map(norm, call.weights)),  # one norm over all of its matrices: an LSTM has two
        pre_mean=pre_mean, pre_std=pre_std, activation_mean=activation_mean, activation_std=activation_std,
        saturated=call.numbers.get("saturated", math.nan),
        dead=call.numbers.get("dead", math.nan),
        reached=any(gradients.get(id(w)) is not None for w in call.weights),
    )  # fmt: skip


def measure_gradients(model, x, y, loss_fn=F.cross_entropy):
    """||dC/dz|| of every layer, a float64 tensor (layers,). One column of `measure`."""
    return measure(model, x, y, loss_fn).delta_norm


def _mean_std(moments):
    """(count, sum, norm) -> mean and standard deviation; NaN for None."""
    # Not torch.std_mean: its one-pass algorithm is 15 times slower, and in double the plain formula loses nothing here.
    count, total, size = moments or (1, math.nan, math.nan)
    mean = total / count
    return mean, math.sqrt(max(size * size / count - mean * mean, 0.0))  # in this order, NaN stays NaN


def _norm(gradient):
    """Norm of a gradient; 0 if there is none because C does not depend on what it is a gradient of."""
    return 0.0 if gradient is None else norm(gradient)
