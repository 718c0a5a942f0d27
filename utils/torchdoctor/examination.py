"""Examine any model on one batch: what `measure` tells, and what a diagnosis needs on top, one row a layer.

Judges nothing. A *layer* is a module with a weight matrix; one that is called several times has one row.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import nn

from .criterion import Caller, Criterion, check_input, check_model, is_out_of_memory
from .ends import End, end_of
from .errors import WrongValue
from .graph import Graph, reading
from .lag import padding, told_at
from .layer_calls import matrices, norm, tensors
from .layer_facts import TWINS, apart, listening, through_time
from .measurement import Layer, measure
from .optimizers import InUse
from .probes import Probes, ask

SERIES = 8  # calls of one layer in a pass that count as steps in time
GATED = (nn.LSTM, nn.GRU, nn.LSTMCell, nn.GRUCell)
AVERAGED = ("activation_mean", "activation_std", "saturated", "pre_mean", "pre_std")  # over the calls of a layer


@dataclass
class ExaminedLayer(Layer):
    """One layer with all of its calls, and what a diagnosis needs on top of what was measured.

    number: of the layer, in the order of the forward pass, from 1. type: of the module. update_ratio: ||lr dC/dW|| / ||W||
    (lr = 1 if none was given), or the length of the step of the optimizer that was given, over ||W||. by_sign: the same
    for a step that moves each weight by lr, as Adam's first does, whatever the optimizer. nonlinearity: "" if unknown. sigma_w: root mean square of the weights times
    sqrt(fan_in), NaN for a layer of several matrices. units: rows of its weight matrix. frozen: no weight may change.
    reached: the loss depends on it, or it is frozen. twins: all units have the same weights and the same gradient.
    finite: no weight, gradient or activation is NaN or infinite. through_time: ||dh_T/dx_t|| of a recurrent layer,
    (steps,), or ||dC/dz_t|| of a layer that is called again and again, else None. last_step_only: whether the loss looks
    at the last step alone. normed: its output goes into a norm, straight or through a ReLU, so that the size of its weights
    does not matter.
    apart: how far the positions of a sequence lie apart where the layer takes one, as a share of their size. gated: an
    LSTM or GRU, or a cell of one. told_at: how much each step of a recurrent layer's input says of y, or None (`lag`).
    padding: how many of its last steps are all alike, and the same in half of the samples. received: root mean
    square of the data that it takes, NaN if it takes what other layers made.
    """

    number: int
    type: str
    update_ratio: float
    by_sign: float
    sigma_w: float
    units: int
    frozen: bool
    twins: bool
    finite: bool
    through_time: torch.Tensor | None
    last_step_only: bool
    normed: bool
    apart: float
    gated: bool
    told_at: torch.Tensor | None
    padding: int
    received: float


@dataclass
class Examination:
    """What was found: the layers in the order of the forward pass, the loss and how it was taken, and the rest.

    lr: the learning rate or None. input_rms: root mean square of the data as the first layers receive them, the largest of
    them; NaN if none takes real numbers. alike: how far
    the outputs of different samples lie apart, as a share of their size; NaN if the samples are the same. read_alike: the
    same of what the last layer takes, and read_rms: its size; NaN if these are no row for each output. given_apart: the
    same of x, NaN if it is not of real numbers alone. unused: names of layers that the forward pass did not call.
    hidden_nonlinearities: name of each nonlinear module between layers -> its class. closed: names of the parameters, biases apart, that are 0 throughout and may change: a gate that the first step opens.
    is_plain: whether the model returns one tensor. optimizer: the `InUse` that was given, or None. graph: what autograd's
    graph tells. probes: what a few samples answered in eval mode. ending: as hidden_nonlinearities, of
    those after the last layer. end: what made the output, and what the loss takes it for, or None.
    """

    layers: list[ExaminedLayer]
    loss: float
    loss_name: str
    lr: float | None = None
    input_rms: float = math.nan
    alike: float = math.nan
    read_alike: float = math.nan
    read_rms: float = math.nan
    given_apart: float = math.nan
    unused: list[str] = field(default_factory=list)
    hidden_nonlinearities: dict[str, str] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)
    is_plain: bool = True
    optimizer: InUse | None = None
    graph: Graph = field(default_factory=Graph)
    probes: Probes = field(default_factory=Probes)
    ending: dict[str, str] = field(default_factory=dict)
    end: End | None = field(default=None, repr=False, compare=False)  # it holds tensors


def examine(model, x, y=None, loss_fn=None, lr=None, optimizer=None):
    """Run one forward and one backward pass and return an `Examination`; the model is left as it was.

    optimizer: its `InUse`, or None.

    Raises TypeError or ValueError with one sentence if model, x, y and loss do not fit, or memory does not suffice.
    """
    model = unwrapped(model)
    parameters, modules = check_model(model), dict(model.named_modules())
    check_input(x)
    criterion, steps = Criterion(loss_fn), {}
    judge, graph = reading(criterion, model, x, parameters)
    on_gradient = optimizer and (lambda w, gradient: steps.update({id(w): optimizer.step(w, gradient)}))
    try:
        with listening(modules) as heard:
            measured = measure(Caller(model), x, y, judge, modules, on_gradient)
            memory = {name: through_time(modules[name], inputs) for name, inputs in heard.series.items()}
            told = {name: (told_at(inputs, y, modules[name].batch_first), padding(inputs, modules[name].batch_first))
                    for name, inputs in heard.series.items()}
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise WrongValue("there is too little memory for this batch: diagnose with fewer samples, 32 are enough") from error
    lr, calls = lr if optimizer is None else optimizer.lr, {}
    for call, ratio in zip(measured.layers, measured.update_ratio(1.0 if lr is None else lr).tolist()):
        calls.setdefault(call.name.partition("[")[0], []).append((call, ratio))  # without the number of the call
    rate = 1.0 if lr is None else lr
    layers = [_layer(number, name, modules.get(name, model), its_calls, heard, memory.get(name), told.get(name, (None, 0)), rate, steps if optimizer else None)
              for number, (name, its_calls) in enumerate(calls.items(), 1)]
    inputs, read = list(tensors(x)), heard.read
    differ = [apart(t) for t in inputs]
    in_rows = read is not None and criterion.output is not None and read.shape[:1] == criterion.output.shape[:1]
    return Examination(
        layers, measured.loss, criterion.name, lr,
        input_rms=max(heard.received.values(), default=math.nan),
        alike=apart(criterion.output) if any(share > TWINS for share in differ) else math.nan,
        read_alike=apart(read) if in_rows else math.nan,
        read_rms=norm(read) / math.sqrt(max(read.numel(), 1)) if in_rows else math.nan,
        given_apart=max(differ) if all(t.is_floating_point() for t in inputs) else math.nan,
        unused=[name for name in heard.weights
                if name and name not in calls and not _is_container(name, calls)],
        hidden_nonlinearities=heard.nonlinearities,
        closed=[name for name, p in parameters.items() if p.requires_grad and "bias" not in name and _is_zero(p)],
        is_plain=criterion.is_plain,
        optimizer=optimizer,
        graph=graph,
        probes=ask(model, modules, x, criterion.output, layers, parameters, graph),
        ending=heard.ending,
        end=end_of(criterion, y),
    )  # fmt: skip


def unwrapped(model):
    """The model itself, without what `torch.compile` and `nn.DataParallel` put around it."""
    while True:
        inner = model._modules.get("_orig_mod") if isinstance(model, nn.Module) else None
        if inner is None and isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = model.module
        if inner is None:
            return model
        model = inner


def module_of(model, name):
    """The module that is the layer of this name: the model itself, if its own class is what the layer is called."""
    return model if name == type(model).__name__ and not hasattr(model, name) else model.get_submodule(name)


def _layer(number, name, module, calls, heard, memory, told, lr, steps):
    """The row of a layer. calls: [(its row in the measurement, update ratio), ...]; memory: gradient through time or None.

    told: (told_at, padding). steps: id of a weight -> length of the optimizer's step; None for a plain one.
    """
    calls, (ratio, *_) = zip(*calls)
    first = calls[0]
    weights = heard.weights.get(name, ()) or matrices(module)
    frozen = not any(w.requires_grad for w in weights)
    if steps is not None:
        moved = [steps.get(id(w), math.nan if w.requires_grad else 0.0) for w in weights]
        ratio = math.hypot(*moved) / first.weight_norm if first.weight_norm and not frozen else math.nan
    norms = [math.hypot(call.delta_norm, *states) for call, states in zip(calls, heard.states.get(name, [()] * len(calls)))]
    measured = vars(first) | {field: _mean([getattr(call, field) for call in calls]) for field in AVERAGED} | {
        "name": name,
        "nonlinearity": first.nonlinearity or heard.follows.get(name, ""),
        "delta_norm": math.hypot(*norms),
        "dead": min(call.dead for call in calls),
        "reached": frozen or first.reached,
    }
    # A readout is called at every step, too, and its answer used at the last alone: that is no chain in time.
    if memory is None and len(calls) >= SERIES and sum(norm > 0 for norm in norms) > 1:
        memory = torch.tensor(norms, dtype=torch.float64)
    return ExaminedLayer(
        **measured,
        number=number,
        type=type(module).__name__,
        update_ratio=ratio,
        by_sign=lr * math.sqrt(sum(w.numel() for w in weights)) / first.weight_norm if first.weight_norm else math.nan,
        sigma_w=first.weight_norm / math.sqrt(len(weights[0])) if len(weights) == 1 else math.nan,
        units=len(weights[0]),
        frozen=frozen,
        twins=any(id(w) in heard.twins for w in weights),
        finite=all(map(math.isfinite, (first.weight_norm, measured["pre_mean"], 0.0 if frozen else first.weight_gradient_norm))),
        through_time=memory,
        last_step_only=heard.last_step_only.get(name, True),
        normed=name in heard.normed,
        apart=heard.positions.get(name, math.nan),
        gated=isinstance(module, GATED),
        told_at=told[0],
        padding=told[1],
        received=heard.received.get(name, math.nan),
    )  # fmt: skip


def _mean(values):
    if len(values) == 1:
        return values[0]
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _is_container(name, calls):
    return any(other.startswith(name and name + ".") for other in calls)


def _is_zero(p):
    p = p.detach()
    return p.numel() > 0 and not p[(0,) * p.dim()].item() and not p.any()  # the first entry tells most apart
