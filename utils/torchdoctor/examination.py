"""Examine any model on one batch: what `measure` tells, and what a diagnosis needs on top, one row a layer.

Judges nothing. A *layer* is a module with a weight matrix; one that is called several times has one row.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

import torch
from torch import nn

from .constant import Constant, constant_answer
from .criterion import Caller, Criterion, is_out_of_memory
from .ends import NUMBERS, End, end_of
from .errors import WrongValue
from .examined_layer import ExaminedLayer, row_of
from .graph import Graph, reading
from .inputs import check_input
from .keras_layers import modules_of
from .lag import padding, told_at
from .layer_calls import matrices
from .layer_facts import TWINS, apart, listening, through_time
from .measurement import measure
from .optimizers import InUse
from .probes import Probes, ask
from .values import floats, norm, tensors

BLOCKS = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)


@dataclass
class Examination:
    """What was found: the layers in the order of the forward pass, the loss and how it was taken, and the rest.

    lr: the learning rate or None. input_rms: root mean square of the data as the first layers receive them, the largest of
    them; NaN if none takes real numbers. alike: how far
    the outputs of different samples lie apart, as a share of their size; NaN if the samples are the same. read_alike: the
    same of what the last layer takes, and read_rms: its size; NaN if these are no row for each output. unused: names
    of layers that the forward pass did not call. hidden_nonlinearities: name of each nonlinear module between layers -> its class. closed: names of the parameters, biases
    (and Keras' beta) apart, that are 0 throughout and may change: a gate that the first step opens.
    is_plain: whether the model returns one tensor. optimizer: the `InUse` that was given, or None. graph: what autograd's
    graph tells. trainable: how many tensors of the model's may change. erasing: as `Heard` has it. post_norms: how many
    transformer blocks of torch's stand in a row with their norms behind the sums. probes: what a few samples answered in
    eval mode. ending: as hidden_nonlinearities, of those after the last layer. end: what made the output, and what the loss
    takes it for, or None. constant: what a constant answer achieves. target_rms: root mean square of y, where it is compared as numbers, else NaN. samples: how long the first axis of
    x is, 0 if x is several tensors; lost_targets: how many entries of y are NaN or infinite. steps: how many the optimizer says that it has made
    with the last layer, 0 if it does not say. changes: how often the weights of that layer have been changed since they were
    made, as torch counts: once or twice a step.
    """

    layers: list[ExaminedLayer]
    loss: float
    loss_name: str
    lr: float | None = None
    input_rms: float = math.nan
    alike: float = math.nan
    read_alike: float = math.nan
    read_rms: float = math.nan
    unused: list[str] = field(default_factory=list)
    hidden_nonlinearities: dict[str, str] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)
    is_plain: bool = True
    optimizer: InUse | None = None
    graph: Graph = field(default_factory=Graph)
    trainable: int = 0
    erasing: dict[str, str | None] = field(default_factory=dict)
    post_norms: int = 0
    probes: Probes = field(default_factory=Probes)
    ending: dict[str, str] = field(default_factory=dict)
    constant: Constant = field(default_factory=Constant)
    target_rms: float = math.nan
    samples: int = 0
    lost_targets: int = 0
    steps: int = 0
    changes: int = 0
    end: End | None = field(default=None, repr=False, compare=False)  # it holds tensors


def examine(model, parameters, x, y=None, loss_fn=None, lr=None, optimizer=None):
    """Run one forward and one backward pass and return an `Examination`; the model is left as it was.

    parameters: the model's by name, as `check_model` returns them. optimizer: its `InUse`, or None.

    Raises TypeError or ValueError with one sentence if model, x, y and loss do not fit, or memory does not suffice.
    """
    modules = modules_of(model)
    check_input(x)
    criterion, steps = Criterion(loss_fn), {}
    judge, graph = reading(criterion, model, x, parameters)
    on_gradient = optimizer and (lambda w, gradient: steps.update({id(w): optimizer.step(w, gradient)}))
    try:
        with listening(modules) as heard:
            measured = measure(Caller(model), x, y, judge, modules, on_gradient)
            memory = {name: through_time(modules[name], inputs) for name, inputs in heard.series.items()}
            told = {name: (told_at(inputs, y, modules[name].batch_first), padding(modules[name], inputs, x, heard.states.get(name)))
                    for name, inputs in heard.series.items()}
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise WrongValue("there is too little memory for this batch: diagnose with fewer samples, 32 are enough") from error
    inputs, read = list(tensors(x)), heard.read
    axes = {size for t in inputs for size in t.shape}
    lr, calls = lr if optimizer is None else optimizer.lr, {}
    for call, ratio in zip(measured.layers, measured.update_ratio(1.0 if lr is None else lr).tolist()):
        calls.setdefault(call.name.partition("[")[0], []).append((call, ratio))  # without the number of the call
    rate = 1.0 if lr is None else lr
    layers = [row_of(number, name, modules.get(name, model), its_calls, heard, memory.get(name), told.get(name, (None, 0)), rate,
                     steps if optimizer else None, axes, graph.ends)
              for number, (name, its_calls) in enumerate(calls.items(), 1)]
    end = end_of(criterion, y)
    last = heard.weights.get(layers[-1].name, ()) or matrices(modules.get(layers[-1].name, model))
    in_rows = read is not None and criterion.output is not None and read.shape[:1] == criterion.output.shape[:1]
    return Examination(
        layers, measured.loss, criterion.name, lr,
        input_rms=max(heard.received.values(), default=math.nan),
        alike=apart(criterion.output) if any(apart(t) > TWINS for t in inputs) else math.nan,
        read_alike=apart(read) if in_rows else math.nan,
        read_rms=norm(read) / math.sqrt(max(read.numel(), 1)) if in_rows else math.nan,
        unused=[name for name, weights in heard.weights.items()
                if name and name not in calls and not _is_container(name, calls) and not _is_used(name, weights, calls, graph)],
        hidden_nonlinearities=heard.nonlinearities,
        closed=[name for name, p in parameters.items() if p.requires_grad and "bias" not in name and not name.endswith("/beta") and _is_zero(p)],
        is_plain=criterion.is_plain,
        optimizer=optimizer,
        graph=graph,
        trainable=sum(p.requires_grad for p in parameters.values()),
        erasing=heard.erasing,
        post_norms=max(Counter(name.rpartition(".")[0] for name, m in modules.items()
                               if isinstance(m, BLOCKS) and not m.norm_first).values(), default=0),
        probes=ask(model, modules, x, criterion.output, layers, parameters, graph),
        ending=heard.ending,
        constant=constant_answer(criterion, end),
        target_rms=norm(end.y.float()) / math.sqrt(max(end.y.numel(), 1)) if end and end.takes == NUMBERS else math.nan,
        samples=len(x) if isinstance(x, torch.Tensor) and x.dim() else 0,
        lost_targets=sum(int((~torch.isfinite(t)).sum()) for t in floats(y)),
        steps=max((optimizer.steps.get(id(w), 0) for w in last), default=0) if optimizer else 0,
        changes=max((w._version for w in last if not w.is_inference()), default=0),
        end=end,
    )  # fmt: skip


def unwrapped(model):
    """The model itself, without what `torch.compile` and `nn.DataParallel` put around it."""
    while True:
        inner = model._modules["_orig_mod"] if isinstance(model, nn.Module) and "_orig_mod" in model._modules else None
        if inner is None and isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = model.module
        if inner is None:
            return model
        model = inner


def module_of(model, name):
    """The module that is the layer of this name: the model itself, if its own class is what the layer is called."""
    modules = modules_of(model)
    return modules[""] if name == type(model).__name__ and name not in modules else modules[name]


def _is_container(name, calls):
    return any(other.startswith(name and name + ".") for other in calls)


def _is_used(name, weights, calls, graph):
    """Whether a layer that was not called has given its weights to a function, as the last one of `nn.MultiheadAttention` does.

    Of frozen weights the graph does not tell: a part of a layer that was called counts as used.
    """
    frozen = not any(w.requires_grad for w in weights)
    return any(id(w) in graph.leaves for w in weights) or (frozen and any(name.startswith(called + ".") for called in calls))


def _is_zero(p):
    p = p.detach()
    return p.numel() > 0 and not p[(0,) * p.dim()].item() and not p.any()  # the first entry tells most apart
