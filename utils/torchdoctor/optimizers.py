"""The optimizer in use: how long a step of it is, whose weights it holds, and a twin of it for a copy of the model."""

import copy
import inspect
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from torch import optim

from .errors import WrongType, WrongValue
from .values import norm

# These divide each gradient by a mean of its own size: while the gradients agree, each weight moves by about lr a step.
BY_SIGN = (optim.Adam, optim.AdamW, optim.NAdam, optim.RAdam, optim.Adamax, optim.RMSprop, optim.Adagrad)
BY_GRADIENT = (optim.SGD,)  # lr times the gradient; with momentum, in the first step
NAMES = {kind.__name__.lower(): kind for kind in (*BY_SIGN, *BY_GRADIENT)}
ADAM_LR = 1e-3  # torch.optim's own
PIECE = 2**16  # numbers of a gradient that are read at once


@dataclass
class InUse:
    """An optimizer, as a diagnosis needs it.

    name: of its class. lr: its learning rate. by_sign: whether it moves each weight by about lr, whatever the gradient.
    is_known: whether the length of its step is known at all. groups: id of a weight -> (lr, eps) in its group, empty for an
    optimizer that is only named. is_foreign: it holds no weight of the model. left_out: names of the model's weights
    that may change and that it does not hold. other_lr: the lr of `diagnose`, if that is another one. steps: id of a weight
    -> how many steps it has made with it, for optimizers that count. make: function (model, copy) -> a fresh optimizer of
    this kind for a copy of the model.
    """

    name: str
    lr: float
    by_sign: bool
    is_known: bool
    make: Callable
    groups: dict = field(default_factory=dict)
    is_foreign: bool = False
    left_out: list[str] = field(default_factory=list)
    other_lr: float | None = None
    steps: dict = field(default_factory=dict)

    def step(self, w, gradient):
        """The norm of the first step of a weight with this gradient; NaN if it is not known or the weight not held."""
        lr, eps = (self.lr, 1e-8) if not self.groups or self.is_foreign else self.groups.get(id(w), (float("nan"), 0.0))
        if not self.is_known:
            return float("nan")
        gradient = gradient.float() if gradient.element_size() < 4 else gradient  # half precision does not hold eps
        return lr * (_norm_of_signs(gradient, max(eps, 1e-30)) if self.by_sign else norm(gradient))


def in_use(optimizer, lr, model):
    """Return the `InUse` of an optimizer, or of the name of one; None for None.

    Raises TypeError or ValueError with one sentence if it is neither.
    """
    if optimizer is None:
        return None
    if isinstance(optimizer, str):
        kind = NAMES.get(optimizer.lower())
        if kind is None:
            raise WrongValue(f"unknown optimizer {optimizer!r}: name one of {', '.join(NAMES)}, or pass the optimizer itself")
        own = inspect.signature(kind).parameters["lr"].default
        lr = lr or (own if isinstance(own, float) else ADAM_LR)
        return InUse(kind.__name__, lr, kind in BY_SIGN, True, lambda model, twin: kind(_trainable(twin), lr))
    if not isinstance(optimizer, optim.Optimizer):
        if str(type(optimizer).__module__).startswith("keras."):
            raise WrongType("optimizer is one of Keras', and not of torch.optim's: pass its name and learning rate, such as "
                            'optimizer="adam", lr=0.001')
        if isinstance(optimizer, optim.lr_scheduler.LRScheduler):
            raise WrongType("optimizer is a scheduler: pass the optimizer that it steers, scheduler.optimizer")
        got = f"the class {optimizer.__name__}" if isinstance(optimizer, type) else type(optimizer).__name__
        advice = f": a learning rate goes to lr, lr={optimizer}" if isinstance(optimizer, float) else ""
        raise WrongType(f'optimizer must be one of torch.optim\'s, or a name such as "adam", got {got}{advice}')
    own = float(optimizer.param_groups[0]["lr"])
    by_sign = isinstance(optimizer, BY_SIGN)
    groups = {id(p): (float(group["lr"]), group.get("eps", 0.0)) for group in optimizer.param_groups for p in group["params"]}
    held = {name: id(p) in groups for name, p in model.named_parameters() if p.requires_grad}
    return InUse(
        type(optimizer).__name__, own, by_sign, by_sign or isinstance(optimizer, BY_GRADIENT),
        lambda model, twin: _twin(optimizer, model, twin), groups,
        is_foreign=bool(held) and not any(held.values()),
        left_out=[name for name, is_held in held.items() if not is_held],
        other_lr=lr if lr is not None and not _same(lr, own) else None,
        steps={id(p): int(state["step"]) for p, state in optimizer.state.items() if isinstance(state, dict) and "step" in state},
    )  # fmt: skip


def _norm_of_signs(gradient, eps):
    """||g / (|g| + eps)||, in pieces that a processor's cache holds."""
    total = 0.0
    for piece in gradient.detach().flatten().split(PIECE):
        size = piece.abs()
        total += size.div_(size + eps).square_().sum().item()
    return math.sqrt(total)


def _same(a, b):
    return abs(a - b) <= 1e-6 * max(abs(a), abs(b))


def _trainable(model):
    return [p for p in model.parameters() if p.requires_grad]


def _twin(optimizer, model, twin):
    """A fresh optimizer like this one, for the weights of a copy of the model, and those that a remedy has thawed or added."""
    copies = dict(twin.named_parameters())
    known = {id(p): copies[name] for name, p in model.named_parameters() if name in copies}
    before = dict(model.named_parameters())
    more = [p for name, p in copies.items() if p.requires_grad and (name not in before or
            not before[name].requires_grad and not _holds(optimizer, before[name]))]
    fresh = object.__new__(type(optimizer))
    fresh.__setstate__({
        "defaults": copy.copy(optimizer.defaults),
        "state": {},
        "param_groups": [group | {"params": [known[id(p)] for p in group["params"] if id(p) in known]}
                         for group in optimizer.param_groups],
    })  # fmt: skip
    fresh.state = defaultdict(dict)
    if not any(group["params"] for group in fresh.param_groups):
        more = _trainable(twin)  # those of another model: the copy is trained as it is meant to be
    fresh.param_groups[0]["params"] += more
    return fresh


def _holds(optimizer, p):
    return any(p is held for group in optimizer.param_groups for held in group["params"])
