"""One layer of an examination, with all of its calls: what was measured of it, and what a diagnosis needs on top."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from .keras_layers import rows
from .layer_calls import matrices
from .measurement import Layer

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
    in_data: whether an axis of the data is as long as through_time, and so may be time.
    padding: how many of its last steps are all alike, and the same in half of the samples. received: root mean
    square of the data that it takes, NaN if it takes what other layers made; varies: of what differs from sample to sample
    in them. fan_in: numbers that a unit takes. one_id: an embedding that gets the same id throughout. uneven: how many
    times as much as the median column of the data that it takes the one varies that varies most, or NaN. is_end: no other layer
    stands between it and an output of the model.
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
    in_data: bool
    padding: int
    received: float
    varies: float
    fan_in: int
    one_id: bool
    uneven: float
    is_end: bool


def row_of(number, name, module, calls, heard, memory, told, lr, steps, axes, ends):
    """The `ExaminedLayer` of a layer. calls: [(its row in the measurement, update ratio), ...]; memory: gradient through time or None.

    told: (told_at, padding). steps: id of a weight -> length of the optimizer's step; None for a plain one. axes: lengths of
    the axes of the data. ends: of the graph.
    """
    calls, (ratio, *_) = zip(*calls)
    first = calls[0]
    weights = heard.weights.get(name, ()) or matrices(module)
    units, frozen = len(rows(module, weights[0])), not any(w.requires_grad for w in weights)
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
        memory = torch.tensor(norms, dtype=torch.float64, device="cpu")
    return ExaminedLayer(
        **measured,
        number=number,
        type=type(module).__name__,
        update_ratio=ratio,
        by_sign=lr * math.sqrt(sum(w.numel() for w in weights)) / first.weight_norm if first.weight_norm else math.nan,
        sigma_w=first.weight_norm / math.sqrt(units) if len(weights) == 1 else math.nan,
        units=units,
        frozen=frozen,
        twins=any(id(w) in heard.twins for w in weights),
        finite=all(map(math.isfinite, (first.weight_norm, measured["pre_mean"], 0.0 if frozen else first.weight_gradient_norm))),
        through_time=memory,
        last_step_only=heard.last_step_only.get(name, True),
        normed=name in heard.normed,
        apart=heard.positions.get(name, math.nan),
        gated=isinstance(module, GATED),
        told_at=told[0],
        in_data=memory is not None and (isinstance(module, nn.RNNBase) or any(abs(len(memory) - axis) <= 1 for axis in axes)),
        padding=told[1],
        received=heard.received.get(name, math.nan),
        varies=heard.varies.get(name, math.nan),
        fan_in=weights[0][0].numel(),
        one_id=name in heard.one_id,
        uneven=heard.uneven.get(name, math.nan),
        is_end=any(id(w) in ends for w in weights),
    )  # fmt: skip


def _mean(values):
    if len(values) == 1:
        return values[0]
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
