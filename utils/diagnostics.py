"""Instruments: any `nn.Module` and a batch -> numbers per layer. Knows no model of the course, and draws nothing.

A *layer* is a module that owns a weight matrix (linear, convolution, recurrent, ...). Its pre-activation z is what the
nonlinearity receives, its activation a what the nonlinearity returns. Where the nonlinearity is a call in the model's
`forward` and no module, z is the layer's output and a is what the next layer receives. An RNN counts as one layer, with
its sequence of outputs as z: a gradient that comes through its last state alone does not show there.
"""

import math
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

# A sigmoid counts as saturated where its slope is below 2.7 % of its maximum: |z| > 5. Since
# sigmoid(z) = 1/2 + tanh(z/2)/2, the same point of a tanh is |z| > 2.5, where |tanh z| exceeds this bound.
SATURATED_TANH = math.tanh(2.5)


@dataclass(frozen=True)
class Measurement:
    """What one forward and one backward pass tell, per layer in the order of the forward pass.

    All tensors are float64 of shape (layers,); NaN where a quantity does not exist: no nonlinearity follows the last
    layer, and a frozen weight (requires_grad=False) has no gradient. `delta_norm` is ||dC/dz||, `weight_gradient_norm`
    ||dC/dW||, both over the whole batch; `weight_norm` is ||W||. `saturated` and `dead` are shares between 0 and 1: of
    single activations on the flat ends of a sigmoid or tanh (0 for any other function), and of units that are exactly 0
    for every sample of the batch.
    """

    names: tuple[str, ...]
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

    def update_ratio(self, lr):
        """||lr dC/dW|| / ||W|| per layer for one plain gradient step; about 1e-3 is healthy (Karpathy, CS231n)."""
        return lr * self.weight_gradient_norm / self.weight_norm


@dataclass
class _Call:
    """One call of one layer: x -> out. Whatever comes next fills in `a` and `kind`, the class of the nonlinearity.

    `z` is the layer's output, or what the nonlinearity received if something (a norm, a sum) stands in between.
    """

    name: str
    weights: list
    unit_dim: int
    x: torch.Tensor | None
    out: torch.Tensor
    z: torch.Tensor
    a: torch.Tensor | None = None
    kind: str | None = None


def measure(model, x, y, loss_fn=F.cross_entropy):
    """Measure `model` on the batch (x, y) in one forward and one backward pass; returns a `Measurement`.

    Norms and statistics are taken in double precision: in float32, `.norm()` is 0 as soon as the entries fall below
    about 1e-23. The model is left as it was: parameters, buffers, .grad, hooks, training mode, and random state.

    Raises TypeError if the model is no `nn.Module` or the loss no tensor, and ValueError if the model has no layer with
    a weight matrix, if the loss is not a single number, or if it does not depend on the layers.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"the model must be an nn.Module, got {type(model).__name__}")
    calls = []
    with _left_as_found(model), _recording(model, calls), torch.enable_grad():
        loss = loss_fn(model(x), y)
        if not calls:
            raise ValueError("the model has no layer with a weight matrix, so there is nothing to measure")
        if not isinstance(loss, torch.Tensor):
            raise TypeError(f"the loss must be a tensor, so that it can be differentiated, got {type(loss).__name__}")
        if loss.dim() != 0:
            raise ValueError(f"the loss must be a single number, got shape {tuple(loss.shape)}: average over the batch")
        if not loss.requires_grad:
            raise ValueError("no gradient reaches any layer: the model or the loss cuts it off (no_grad or detach)")
        weights = {id(w): w for call in calls for w in call.weights}
        wanted = [t for t in (*[call.z for call in calls], *weights.values()) if t.requires_grad]
        found = torch.autograd.grad(loss, wanted, materialize_grads=True)  # a layer that C does not depend on: zeros
        gradients = dict(zip(map(id, wanted), found, strict=True))
    return _summary(calls, gradients, loss.item())


def measure_gradients(model, x, y, loss_fn=F.cross_entropy):
    """||dC/dz|| of every layer, a float64 tensor (layers,). One field of `measure`, and chapter 1's first plot."""
    return measure(model, x, y, loss_fn).delta_norm


@torch.no_grad()
def _summary(calls, gradients, loss):
    z = [call.z.detach() for call in calls]
    a = [None if call.a is None else call.a.detach() for call in calls]
    units_last = [None if t is None else _units_last(t, call.unit_dim) for t, call in zip(a, calls, strict=True)]
    # Quantities of one kind are measured together, so that equal shapes meet in one stack.
    mean, std = _per_tensor(z + a, _mean_std, results=2).unflatten(1, (2, -1))
    deltas = [gradients.get(id(call.z)) for call in calls]
    weight_gradients = [_flat([gradients.get(id(w)) for w in call.weights]) for call in calls]
    norms = _per_tensor(deltas + weight_gradients + [_flat(call.weights) for call in calls], _norm)
    delta_norm, weight_gradient_norm, weight_norm = norms.view(3, -1)
    return Measurement(
        names=_numbered([call.name for call in calls]),
        loss=loss,
        delta_norm=delta_norm,
        weight_gradient_norm=weight_gradient_norm,
        weight_norm=weight_norm,
        pre_mean=mean[0],
        pre_std=std[0],
        activation_mean=mean[1],
        activation_std=std[1],
        saturated=_saturated_shares(calls, a),
        dead=_per_tensor(units_last, _dead_share)[0],
    )


def _saturated_shares(calls, a):
    """Share of each activation on the flat ends; the function is known by its module, or by its values."""
    kinds = [
        None if value is None else call.kind or _recognised(call.z.detach(), value)
        for call, value in zip(calls, a, strict=True)
    ]
    shares = torch.tensor([math.nan if kind is None else 0.0 for kind in kinds], dtype=torch.float64)
    for wanted, centre, reach in (("Sigmoid", 0.5, SATURATED_TANH / 2), ("Tanh", 0.0, SATURATED_TANH)):

        def flat_end_share(t, centre=centre, reach=reach):
            return [((t - centre).abs() > reach).flatten(1).sum(1).double() / t[0].numel()]

        chosen = [value if kind == wanted else None for value, kind in zip(a, kinds, strict=True)]
        (share,) = _per_tensor(chosen, flat_end_share)
        shares = torch.where(share.isnan(), shares, share)
    return shares


def _recognised(z, a):
    """The function that made `a` from `z`, judged on one sample: "Sigmoid", "Tanh", or "" for anything else."""
    if z.shape == a.shape and z.dtype == a.dtype:
        for kind, function in (("Sigmoid", torch.sigmoid), ("Tanh", torch.tanh)):
            if torch.allclose(a[:1], function(z[:1])):
                return kind
    return ""


def _units_last(t, unit_dim):
    """(batch, ..., units, ...) -> (batch, ..., units); a sample without a batch dimension becomes a batch of one."""
    return t[None] if t.dim() == 1 else t.movedim(unit_dim, -1)


def _mean_std(stacked):
    # Not torch.std_mean: its one-pass algorithm is 15 times slower, and in double the plain formula loses nothing here.
    flat = stacked.flatten(1)
    mean = flat.mean(1)
    return mean, (flat.norm(dim=1).square() / flat.shape[1] - mean.square()).clamp(min=0).sqrt()


def _dead_share(stacked):
    """(k, ..., units) -> share of units that are 0 throughout, (k,)."""
    samples = tuple(range(1, stacked.dim() - 1))
    return [((stacked.amax(samples) == 0) & (stacked.amin(samples) == 0)).double().mean(1)]


def _norm(stacked):
    return [stacked.flatten(1).norm(dim=1)]


def _per_tensor(tensors, statistic, results=1):
    """Apply `statistic`, which maps a stack (k, ...) to `results` tensors (k,), to tensors of any shapes.

    Returns (results, len(tensors)), float64, NaN where a tensor is None. Equal shapes are stacked and measured in one
    call, which is what keeps `measure` cheap beside the two passes.
    """
    groups = {}
    for i, t in enumerate(tensors):
        if t is not None:
            groups.setdefault(t.shape, []).append(i)
    out = torch.full((results, len(tensors)), math.nan, dtype=torch.float64)
    for indices in groups.values():
        stacked = torch.stack([tensors[i] for i in indices]).double()
        out[:, indices] = torch.stack([values.cpu().double() for values in statistic(stacked)])
    return out


def _flat(tensors):
    """Several matrices of one layer (an LSTM has two) as one vector; None if there is nothing."""
    present = [t.detach().flatten() for t in tensors if t is not None]
    if not present:
        return None
    return present[0] if len(present) == 1 else torch.cat(present)


def _numbered(names):
    """A layer that is called several times is listed as `name`, `name[1]`, `name[2]` ..."""
    seen = Counter()
    out = []
    for name in names:
        out.append(f"{name}[{seen[name]}]" if seen[name] else name)
        seen[name] += 1
    return tuple(out)


@contextmanager
def _recording(model, calls):
    """While this is open, every forward pass of `model` appends its layers' calls to `calls`."""

    def layer_hook(name, weights, unit_dim):
        def hook(module, inputs, output):
            x, z = _first_float(inputs), _first_float(output)
            is_container = calls and calls[-1].name.startswith(name and name + ".")  # with, say, a position embedding
            if is_container or z is None:
                return output
            if calls and calls[-1].kind is None and calls[-1].a is None and x is not calls[-1].x:
                calls[-1].a = x  # no module in between, and no parallel branch: the nonlinearity was a function call
            out = output
            if isinstance(output, torch.Tensor):
                if not z.requires_grad:  # frozen up to here; dC/dz exists all the same
                    z = z.detach().requires_grad_()
                out = z.clone()  # so that F.relu_ does not overwrite z
            calls.append(_Call(name or type(module).__name__, weights, unit_dim, x, out, z))
            return out

        return hook

    def nonlinearity_hook(module, inputs, output):
        z = _first_float(inputs)
        # Gates are computed side by side: prefer the layer that made this very z to the layer called last.
        call = next((call for call in reversed(calls) if call.out is z), calls[-1] if calls else None)
        if z is not None and call and call.kind is None:
            call.z, call.a, call.kind = z, output, type(module).__name__

    with ExitStack() as stack:
        for name, module in model.named_modules():
            weights = [p for p in module.parameters(recurse=False) if p.dim() >= 2]
            hook = None
            if weights:
                unit_dim = 1 if isinstance(module, nn.modules.conv._ConvNd) else -1
                hook = layer_hook(name, weights, unit_dim)
            elif type(module).__module__ == nn.ReLU.__module__:
                hook = nonlinearity_hook
                if getattr(module, "inplace", False):  # would overwrite the z that is to be measured
                    module.inplace = False
                    stack.callback(setattr, module, "inplace", True)
            if hook:
                stack.callback(module.register_forward_hook(hook).remove)
        yield


def _first_float(value):
    """The first floating-point tensor of what a module takes or returns (a tensor or nested tuples), or None."""
    if isinstance(value, tuple):
        return next((found for found in map(_first_float, value) if found is not None), None)
    return value if isinstance(value, torch.Tensor) and value.is_floating_point() else None


@contextmanager
def _left_as_found(model):
    """Buffers (batch norm's statistics) and the random state are put back, whatever happens in between.

    Parameters and .grad need no copy: `torch.autograd.grad` writes neither.
    """
    buffers = [
        (module._buffers, name, buffer, buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()  # not named_buffers(): that cannot put a replaced buffer back
        if buffer is not None
    ]
    devices = sorted({p.device.index for p in model.parameters() if p.device.type == "cuda"})
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        with torch.no_grad():
            for owner, name, buffer, before in buffers:
                owner[name] = buffer.copy_(before)
