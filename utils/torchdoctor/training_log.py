"""`watch`: the instruments along a training of your own: `with watch(model) as log:` around any loop."""

import math
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch

from .errors import WrongValue
from .keras_layers import modules_of
from .layer_calls import recording
from .layer_facts import apart
from .models import check_type
from .report import in_notebook
from .training_verdict import judge, summary
from .values import first_float, norm

REFRESH = 0.5  # seconds between two pictures while it runs, or ten times what one takes to draw
QUANTITIES = ("weight_gradient_norm", "update_ratio", "dead", "saturated")


@dataclass(repr=False)
class Log:
    """What was heard along a training, a row for each sampled step and a column for each layer.

    names: of the layers, in the order of the forward pass. steps: the number of steps before each sample.
    weight_gradient_norm: ||dC/dW||. update_ratio: how far the step really moved the weights, as a share of their size,
    whatever the optimizer. dead, saturated: shares as in `measurement.Layer`. All but names are tensors, float64 but for
    the steps; NaN where a quantity does not exist. apart: (samples,), how far the model's outputs for the samples of a batch
    lie apart, as a share of their size. verdict: what is wrong, in the words of `diagnose`, or "healthy".
    has_moved: whether the weights' size has changed from sample to sample. followed: the number of steps after which a
    backward pass was heard; added_up: how many of them were made with gradients that still held those of the step before.
    """

    names: list[str] = field(default_factory=list)
    _steps: list[int] = field(default_factory=list)
    _apart: list[float] = field(default_factory=list)
    _rows: dict[str, list] = field(default_factory=lambda: {name: [] for name in QUANTITIES})

    has_moved: bool = False
    followed: int = 0
    added_up: int = 0

    verdict = property(lambda self: judge(self)[0])
    steps = property(lambda self: torch.tensor(self._steps, dtype=torch.long, device="cpu"))
    apart = property(lambda self: torch.tensor(self._apart, dtype=torch.float64, device="cpu"))
    weight_gradient_norm = property(lambda self: self._matrix("weight_gradient_norm"))
    update_ratio = property(lambda self: self._matrix("update_ratio"))
    dead = property(lambda self: self._matrix("dead"))
    saturated = property(lambda self: self._matrix("saturated"))

    def _matrix(self, quantity):
        rows = [[row.get(name, math.nan) for name in self.names] for row in self._rows[quantity]]
        return torch.tensor(rows, dtype=torch.float64, device="cpu").reshape(len(rows), len(self.names))

    def add(self, step, names, rows, apart):
        """Append a sample. names: of the layers called; rows: quantity -> dict name of a layer -> number; apart: of outputs."""
        self.names += [name for name in names if name not in self.names]
        self._steps.append(step)
        self._apart.append(apart)
        for quantity in QUANTITIES:
            self._rows[quantity].append(rows[quantity])

    def picture(self):
        """Return a `drawing.Picture` of two images, depth x step: the gradient norms and the update ratios."""
        from .drawing import draw_log  # not above: matplotlib takes a while to load

        return draw_log(self, summary(self))

    def __repr__(self):
        return f"<Log: {summary(self)}>"

    def _ipython_display_(self):
        from IPython.display import display

        if self._steps:
            display(self.picture())
        else:
            print(repr(self))


@contextmanager
def watch(model, every=10, live=True):
    """Record the instruments of every `every`-th step of the training loop in this block; yields the `Log`.

    A step is a forward pass of `model` with gradients, the backward pass and the step that follow it. In a notebook the
    picture, depth x step, is drawn while the loop runs (live=True). Raises TypeError or ValueError if an argument makes
    no sense; what the loop raises goes through, and no hook stays behind.
    """
    check_type(model)
    if not isinstance(every, int) or isinstance(every, bool) or every < 1:
        raise WrongValue(f"every must be a whole number of at least 1, got {every!r}")
    log = Log()
    watcher = _Watcher(model, every, log, _live_view(log) if live else None)
    handle = model.register_forward_pre_hook(watcher.before)
    try:
        yield log
    finally:
        handle.remove()
        watcher.conclude()
        if watcher.follower:
            watcher.follower.remove()
        if watcher.show:
            watcher.show(last=True)


class _Watcher:
    """One sample after the other: the forward pass is recorded, gradients are heard, and the step is what has changed."""

    def __init__(self, model, every, log, show):
        self.model, self.every, self.log, self.show = model, every, log, show
        self.count = 0
        self.hooks, self.calls, self.before_step, self.rows = ExitStack(), None, {}, None
        self.sizes, self.follower, self.apart = {}, None, math.nan

    def before(self, model, inputs):
        """Before a forward pass: conclude the last sample, and open the next one if it is due."""
        if not torch.is_grad_enabled():
            return
        self.conclude()
        if self.count % self.every == 0:
            self.open()
        self.count += 1

    def open(self):
        """Begin a sample."""
        self.rows = {name: {} for name in QUANTITIES}
        self.calls = self.hooks.enter_context(recording(modules_of(self.model)))
        handle = self.model.register_forward_hook(lambda module, inputs, output: self.hear(output))  # after the recorder's, to hear it all
        self.hooks.callback(handle.remove)

    def hear(self, output):
        """After the forward pass: take dead and saturated shares and how far outputs lie apart, and wait for the gradients."""
        self.hooks.close()
        judged = first_float(output)
        self.apart = math.nan if judged is None else apart(judged)
        for call in self.calls:
            for quantity in ("dead", "saturated"):
                if quantity in call.numbers:
                    self.rows[quantity][call.name] = call.numbers[quantity]
        with torch.no_grad():
            for name, weights in {call.name: call.weights for call in self.calls}.items():
                trained = [w for w in weights if w.requires_grad]
                if trained:
                    self.before_step[name] = [(w, w.clone()) for w in trained]
                for w in trained:
                    self.follower = self.follower or w.register_hook(_follow(w, self.log))
                    self.hooks.callback(w.register_post_accumulate_grad_hook(self.listener(name)).remove)

    def listener(self, name):
        """A hook that adds the gradient norm of a weight to that of its layer; the last backward pass counts."""
        parts = {}

        def hook(w):
            parts[id(w)] = norm(w.grad)
            heard = self.rows["weight_gradient_norm"]
            heard.setdefault(name, {}).update(parts)

        return hook

    def conclude(self):
        """End a sample: see how far the weights have moved, and add it to the log."""
        self.hooks.close()
        rows, self.rows = self.rows, None
        if rows is None or not rows["weight_gradient_norm"]:  # none was open, or no backward pass came
            return
        rows["weight_gradient_norm"] = {name: math.hypot(*parts.values()) for name, parts in rows["weight_gradient_norm"].items()}
        for name, pairs in self.before_step.items():
            size = math.hypot(*(norm(old) for _, old in pairs))
            moved = math.hypot(*(norm(w.detach() - old) for w, old in pairs))
            rows["update_ratio"][name] = moved / size if size else math.nan
            self.log.has_moved |= moved > 0 or self.sizes.setdefault(name, size) != size
        self.before_step = {}
        self.log.add(self.count - 1, [call.name for call in self.calls], rows, self.apart)
        if self.show:
            self.show()


def _follow(w, log):
    """A hook on the gradient of one weight: was it emptied before any of the backward passes that a step was made of?

    Any, not the first: a discriminator still holds the gradients of its own step when the generator's loss passes through
    it, and is emptied after that.
    """
    version, emptied = None, None  # None of the first step, which follows none

    def hook(gradient):
        nonlocal version, emptied
        if version is not None and w._version != version:  # a step has been made since the last backward pass
            log.followed += emptied is not None
            log.added_up += emptied is False
            emptied = False
        if emptied is False:
            emptied = w.grad is None or not bool(w.grad.any())
        version = w._version

    return hook


def _live_view(log):
    """Return a function that draws the log in a notebook, seldom enough to cost little; None elsewhere."""
    if not in_notebook():
        return None
    from IPython.display import display

    handle, due = None, 0.0

    def show(last=False):
        nonlocal handle, due
        started = time.perf_counter()
        if not len(log.steps) or (started < due and not last):
            return
        if handle is None:
            handle = display(log.picture(), display_id=True)
        else:
            handle.update(log.picture())
        now = time.perf_counter()
        due = now + max(REFRESH, 10 * (now - started))

    return show
