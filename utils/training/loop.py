"""The one training loop of the course: gradient descent or Adam, for one net or for several side by side.

Without `torch.optim`: creating the first optimizer of a process costs 1.4 s and 70 MB, and the descent itself is three
lines, which `_sgd` shows.
"""

import contextlib
import functools
import math
from numbers import Real

import torch
from torch import nn
from torch.nn import functional as F

from utils.torchdoctor.errors import WrongType, WrongValue, first_line, is_misfit
from utils.training.history import History, Runs
from utils.training.interrupt import noted_interrupt

_PART = 256  # samples: the activations of a deep net for all of x at once would be the chapter's largest tensors


def fit(model, x, y, *, title="Training", **settings):
    """Train one net in place and return its History; the settings are those of `race`."""
    return race({"net": model}, x, y, title=title, **settings)["net"]


@torch.enable_grad()  # and as it was afterwards: an interrupt that hits the end of a no_grad would leave gradients off
def race(models, x, y, *, steps=600, lr=0.1, momentum=0.9, optimizer="sgd", batch=64, loss_fn=F.cross_entropy,
         clip=None, record=None, until=None, every=10, seed=0, live=True, title="Race"):
    """Train several nets in place, step by step side by side on the same batches; return `Runs`, a dict name -> History.

    models: name -> nn.Module; parameters with requires_grad=False stay as they are.
    x, y: all inputs (samples, ...) and their targets (samples, ...); a batch is drawn without repetition by a
        generator of its own from `seed`, so the global random state is untouched.
    lr: the learning rate, or a function of the number of steps taken that returns it (a warm-up), or a dict
        name -> one of these.
    optimizer: "sgd", or "adam", of which `momentum` is the first coefficient; the second is 0.999.
    clip: the largest norm that a gradient may keep, over all parameters of a net; None does not clip.
    record: name -> function of the model, called before every `every`-th step, when `p.grad` is that step's gradient.
    until: function of the model, called before every `every`-th step; a net for which it is true has reached its goal.
    live: show the loss, the progress and a Stop button in a notebook; "bar" leaves out the loss, which may answer a question.

    A stop, an interrupt of the kernel and a loss that is no longer finite end the run, and all that was learned stays.
    Before a lecture a race with a chart shows Start and takes no step: its runs are untrained, and `stopped`.
    Raises TypeError or ValueError, with one sentence, before the first step if an argument makes no sense.
    """
    record = record or {}
    rates = _check(models, x, y, lr, record, steps=steps, momentum=momentum, batch=batch, clip=clip, every=every)
    if optimizer not in OPTIMIZERS:
        raise WrongValue(f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {optimizer!r}.")
    if until is not None and not callable(until):
        raise WrongType(f"until must be a function of the model, not {until!r}.")
    descend = functools.partial(OPTIMIZERS[optimizer], momentum=momentum)
    runs = {name: _Run(model, rates[name], record) for name, model in models.items()}
    losses = {name: run.history.loss for name, run in runs.items()}
    generator = torch.Generator().manual_seed(seed)
    with _open_view(list(models), steps, title, live) as view, noted_interrupt() as interrupt:
        try:
            for step in range(steps):
                if interrupt.is_set() or (view and view.stop_requested):
                    break
                if until and step % every == 0:
                    for run in runs.values():
                        run.note_goal(until)
                running = [run for run in runs.values() if not (run.history.diverged or run.history.reached)]
                if not running:
                    break
                rows = torch.randperm(len(x), generator=generator)[:batch]
                for run in running:
                    _step(run, x[rows], y[rows], descend, loss_fn, clip, record if step % every == 0 else {})
                if view:
                    view.update(step + 1, losses)
        except KeyboardInterrupt:
            pass  # the second one; each history says how far its net came
        finally:
            for run in runs.values():
                run.restore_modes()
        for run in runs.values():
            _conclude(run, x, y, steps)
        histories = Runs({name: run.history for name, run in runs.items()})
        if view:
            endings = {name: str(history) for name, history in histories.items()}
            view.finish(losses, endings, any(history.stopped for history in histories.values()))
    return histories


def _open_view(names, steps, title, live):
    """Return the view of a run of `steps` steps of the nets `names`, or a context of None where nobody can watch."""
    if live:
        from utils.training.view import LiveView, is_watched  # not above: widgets and matplotlib take a second to load

        if is_watched():
            return LiveView(names, steps, title, chart=live != "bar")
    return contextlib.nullcontext()


class _Run:
    """One net on its way: the model, what is trained of it, and what it leaves behind."""

    def __init__(self, model, lr, record):
        self.model = model
        self.lr = lr
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.memory = [{} for _ in self.parameters]  # of the optimizer, for each parameter
        self.history = History(recorded={name: [] for name in record})
        self.modes = {module: module.training for module in model.modules()}
        model.train()

    def note_goal(self, until):
        """Note whether the net has reached its goal, judged in evaluation mode and without a graph."""
        if self.history.diverged or self.history.reached:
            return
        self.model.eval()
        with torch.no_grad():
            self.history.reached = bool(until(self.model))
        self.model.train()

    def restore_modes(self):
        """Put every module of the net back into training or evaluation, as it was found."""
        for module, mode in self.modes.items():
            module.training = mode


def _sgd(p, memory, lr, momentum):
    """v <- momentum v + g;  p <- p - lr v."""
    v = memory.setdefault("v", torch.zeros_like(p))
    v *= momentum
    v += p.grad
    p -= lr * v


def _adam(p, memory, lr, momentum, decay=0.999, eps=1e-8):
    """p <- p - lr m / (sqrt(s) + eps), with running means m of g and s of g^2, freed of their start at 0.

    Kingma & Ba 2015, Adam: A Method for Stochastic Optimization.
    """
    m, s = memory.setdefault("m", torch.zeros_like(p)), memory.setdefault("s", torch.zeros_like(p))
    steps = memory["steps"] = memory.get("steps", 0) + 1
    m.lerp_(p.grad, 1 - momentum)
    s.lerp_(p.grad.square(), 1 - decay)
    p -= lr * (m / (1 - momentum**steps)) / ((s / (1 - decay**steps)).sqrt_() + eps)


OPTIMIZERS = {"sgd": _sgd, "adam": _adam}


def _step(run, x, y, descend, loss_fn, clip, record):
    """Take one step on the batch x, y; or, if the loss is not finite, note that the run diverged."""
    for p in run.parameters:
        p.grad = torch.zeros_like(p)
    try:
        loss = loss_fn(run.model(x), y)
    except Exception as error:
        if not is_misfit(error):
            raise
        given = f"x {tuple(x.shape)} {x.dtype}, y {tuple(y.shape)} {y.dtype}"
        raise WrongValue(f"The net or its loss cannot take a batch of {given}: {first_line(error)}.") from error
    value = loss.item()
    if not math.isfinite(value):
        run.history.loss.append(value)
        run.history.diverged = True
        return
    loss.backward()
    if clip is not None:
        nn.utils.clip_grad_norm_(run.parameters, clip)
    measured = {name: torch.as_tensor(measure(run.model)).detach().clone() for name, measure in record.items()}
    if record:  # all of them or none: an interrupt may come in between
        run.history.recorded_steps.append(run.history.steps)
        for name, value_now in measured.items():
            run.history.recorded[name].append(value_now)
    lr = run.lr(run.history.steps) if callable(run.lr) else run.lr
    with torch.no_grad():
        for p, memory in zip(run.parameters, run.memory):
            descend(p, memory, lr)
    run.history.loss.append(value)
    run.history.steps += 1


@torch.no_grad()
def _conclude(run, x, y, steps):
    """Complete the history: how the run ended, the accuracy on all of x, the records as tensors."""
    history = run.history
    run.model.eval()
    outputs = [run.model(part) for part in x.split(_PART)]
    run.restore_modes()
    history.diverged = history.diverged or not all(torch.isfinite(output).all() for output in outputs)
    history.reached = history.reached and not history.diverged
    history.stopped = not history.diverged and not history.reached and history.steps < steps
    pairs = list(zip(outputs, y.split(_PART)))
    if not y.is_floating_point() and all(out.ndim > 1 and out.argmax(1).shape == part.shape for out, part in pairs):
        history.accuracy = sum((out.argmax(1) == part).sum().item() for out, part in pairs) / y.numel()
    history.recorded = {name: torch.stack(records) for name, records in history.recorded.items() if records}


def _check(models, x, y, lr, record, *, steps, momentum, batch, clip, every):
    """Return the learning rates as a dict name -> number or function; raise TypeError or ValueError on a bad argument of `race`."""
    if not isinstance(models, dict) or not models:
        raise WrongType('The nets of a race come as a dict of at least one, such as {"2 layers": net}.')
    for name, model in models.items():
        if not isinstance(model, nn.Module):
            raise WrongType(f"The {name!r} to train must be a torch.nn.Module, not {type(model).__name__}.")
        if not any(p.requires_grad for p in model.parameters()):
            raise WrongValue(f"The net {name!r} has no parameter that could be trained.")
    if len(set(map(id, models.values()))) < len(models):
        raise WrongValue("The nets of a race must be different objects: one of them stands under two names.")
    for name, data in {"x": x, "y": y}.items():
        if not isinstance(data, torch.Tensor):
            raise WrongType(f"{name} must be a tensor, not {type(data).__name__}.")
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y) or not len(x):
        raise WrongValue(f"x and y must hold the same number of samples, got shapes {tuple(x.shape)} and "
                         f"{tuple(y.shape)}.")
    for name, count in {"steps": steps, "batch": batch, "every": every}.items():
        if not isinstance(count, int) or count < 1:
            raise WrongValue(f"{name} must be a whole number of at least 1, not {count!r}.")
    if isinstance(lr, dict) and set(lr) != set(models):
        raise WrongValue(f"lr must name the nets of the race, {list(models)}, but it names {list(lr)}.")
    rates = dict(lr) if isinstance(lr, dict) else dict.fromkeys(models, lr)
    for rate in rates.values():
        if not callable(rate) and (not isinstance(rate, Real) or not 0 < rate < math.inf):
            raise WrongValue(f"lr must be a positive number, or a function of the step, not {rate!r}.")
    if not isinstance(momentum, Real) or not 0 <= momentum < 1:
        raise WrongValue(f"momentum must be a number from 0 to below 1, not {momentum!r}.")
    if clip is not None and (not isinstance(clip, Real) or not clip > 0):
        raise WrongValue(f"clip must be a positive number or None, not {clip!r}.")
    if not isinstance(record, dict) or not all(map(callable, record.values())):
        raise WrongType('record must be a dict of functions of the model, such as {"norm": my_function}.')
    return rates
