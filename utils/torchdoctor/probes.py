"""Questions that one pass does not answer, asked of a few samples in eval mode: is the net linear, are samples mixed?

Each question takes one or two forward passes of a few samples, without a graph, and is asked only where there is reason to.
"""

import math
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from .layer_calls import left_as_found
from .layer_facts import spread
from .values import double, first_float

SMALL = 1_000_000  # parameters, below which a pass of a few samples takes milliseconds
FAR = 10  # how far a straight line is followed beyond two samples: what is nearly linear bends by then
# A running average with torch's momentum of 0.1 has forgotten 0.9^20 = 88 % of its beginning after twenty batches.
NOT_FRESH = 20
OBSERVERS = "torch.ao.quantization"  # they take the range of a batch, in eval mode as well, and round all of it by that
BATCH_NORM = nn.modules.batchnorm._BatchNorm
DROPOUT = nn.modules.dropout._DropoutNd


@dataclass
class Probes:
    """What the questions were answered, NaN where one was not asked.

    bent: how far the last layer's z leaves the straight line through two samples, as a share of its way along it; 0 for
    a linear net. mixed: how much outputs change when other samples are changed, as a share of what tells samples
    apart. modes: how far outputs in eval mode lie from those in training, as a share of what tells samples apart.
    """

    bent: float = math.nan
    mixed: float = math.nan
    modes: float = math.nan


def ask(model, modules, x, output, layers, parameters, graph):
    """The `Probes` of a model. output: what it returned for x; layers: rows of the examination; graph: autograd's."""
    probes = Probes()
    fits = isinstance(x, torch.Tensor) and x.dim() > 1 and len(x) > 3 and output is not None and output.dim() > 0
    if not fits or not torch.isfinite(output).all():
        return probes
    kinds = list(modules.values())
    rows = spread(len(x))
    in_rows = len(output) == len(x)
    small = sum(p.numel() for p in parameters.values()) < SMALL
    batch_norms = [m for m in kinds if isinstance(m, BATCH_NORM)]
    try:
        with torch.no_grad():
            if x.is_floating_point() and _may_be_linear(layers):
                probes.bent = _bent(model, kinds, x.detach()[rows], modules.get(layers[-1].name, model))
            by_batch = batch_norms or any(type(m).__module__.startswith(OBSERVERS) for m in kinds)
            if in_rows and small and not graph.by_sample and not by_batch and not _time_is_first(x, output, kinds):
                probes.mixed = _mixed(model, kinds, x.detach()[rows[::2]], output)  # half will do
            if in_rows and any(m.training and _is_settled(m) for m in batch_norms) and not any(
                    m.training and isinstance(m, DROPOUT) for m in kinds):
                probes.modes = _modes(model, kinds, x.detach()[rows], output.detach()[rows])
    except Exception:  # noqa: BLE001  the model has taken all of x, and cannot take a few: no answer
        return probes  # its state has the size of the batch, or the samples belong together, as the nodes of a graph
    return probes


@contextmanager
def _in_eval_mode(modules, device):
    """Eval mode, from which the modules come back with all that they had, whatever a forward pass keeps in them."""
    before = [(module, dict(vars(module))) for module in modules]
    try:
        with left_as_found(modules):
            # The same noise in each pass. torch.manual_seed takes as long as a layer: it seeds what might be there, too.
            (torch.default_generator.manual_seed if device.type == "cpu" else torch.manual_seed)(0)
            for module in modules:
                module.training = False
            yield
    finally:
        for module, kept in before:
            vars(module).clear()
            vars(module).update(kept)


def _pass(model, modules, x):
    with _in_eval_mode(modules, x.device):
        return double(first_float(model(x)))


def _may_be_linear(layers):
    """Whether there are two layers or more that are linear alone, and no nonlinearity has shown itself between them."""
    alone = ("Dense", "Conv1D", "Conv2D", "Conv3D", "Linear", "Bilinear", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
    return len(layers) > 1 and all(layer.type in alone for layer in layers) and not any(layer.nonlinearity for layer in layers[:-1])


def _bent(model, modules, x, last):
    heard = []
    other = x.roll(1, 0)
    handle = last.register_forward_hook(lambda module, inputs, output: heard.append(double(first_float(output))))
    try:
        _pass(model, modules, torch.cat([x, other, x + FAR * (other - x)]))
    finally:
        handle.remove()
    if len(heard[-1]) != 3 * len(x):
        return math.nan
    here, there, far = heard[-1].chunk(3)
    way = FAR * (there - here)
    return ((far - here - way).norm() / way.norm()).item()


def _mixed(model, modules, x, output):
    # The first and the last, as what mixes may read one way; not another order: a sum over samples would not see it.
    kept = slice(1, len(x) - 1 if len(x) > 2 else None)
    changed = x[1:2].expand_as(x).clone()
    changed[kept] = x[kept]
    before, after = (_pass(model, modules, batch) for batch in (x, changed))
    if len(before) != len(x) or len(x) in before.shape[1:] and output.shape[1:] != before.shape[1:]:
        return math.nan  # in a table of all pairs of samples, as of contrastive losses, they meet on purpose
    apart = (before - before.mean(0)).norm()
    return ((after - before)[kept].norm() / apart).item() if apart else math.nan


def _time_is_first(x, output, modules):
    """Whether the first axis may well be time, on purpose: one answer a step of layers that read along it."""
    reads = any(getattr(module, "batch_first", True) is False for module in modules)
    axes = x.dim() + (not x.is_floating_point())  # an embedding adds one to those of whole numbers
    return reads and (axes < 3 or x.shape[0] == x.shape[1] or (output.dim() > 2 and x.shape[1] == output.shape[1]))


def _is_settled(norm):
    seen = getattr(norm, "num_batches_tracked", None)
    return seen is not None and seen.item() >= NOT_FRESH


def _modes(model, modules, x, output):
    answer = _pass(model, modules, x)
    output = double(output)
    apart = (output - output.mean(0)).norm()
    return ((answer - output).norm() / apart).item() if apart else math.nan
