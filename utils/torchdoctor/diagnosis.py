"""`diagnose`: why does my net not learn? One call, one report, and a remedy that can be tried."""

import copy
from dataclasses import dataclass

import torch

from utils.training.loop import race

from .criterion import Criterion
from .errors import WrongType, WrongValue
from .examination import Examination, examine, unwrapped
from .findings import Finding, find
from .prescription import prescribe
from .report import as_html, as_text, compare, picture


def diagnose(model, x, y=None, *, loss_fn=None, lr=None):
    """Examine any `nn.Module` on a batch, and return a `Report` that names what keeps it from learning.

    Args:
        model: it is left as it is found: parameters, buffers, .grad, modes, hooks, requires_grad, random state.
        x: what `model(x)` takes; a tuple for `model(*x)`, a dict for `model(**x)`. A few dozen samples are enough.
        y: whole numbers for a classification, real numbers for a regression, None if there are no targets: then the
            loss is the distance from random targets of the outputs' own scale.
        loss_fn: a function (output, y) -> loss, if neither cross-entropy nor mean squared error is meant.
        lr: the learning rate in use; with it, the size of a plain gradient step is judged, too.

    Raises TypeError or ValueError with one sentence if they do not fit together.
    """
    if lr is not None and (isinstance(lr, bool) or not isinstance(lr, (int, float)) or not 0 < lr < float("inf")):
        got = f"{lr!r}" if isinstance(lr, (int, float, str)) else type(lr).__name__
        raise WrongValue(f"lr must be a positive number, got {got}")
    if loss_fn is not None and not callable(loss_fn):
        raise WrongType(f"loss_fn must be a function (output, y) -> loss, got {loss_fn!r}")
    if isinstance(loss_fn, type):
        raise WrongType(f"loss_fn must be a function (output, y) -> loss, not a class: pass {loss_fn.__name__}()")
    exam = examine(model, x, y, loss_fn, lr)
    model, findings, treatments = unwrapped(model), find(exam), []
    for finding in findings:
        finding.remedy, finding.chapter, treatment = prescribe(finding, exam, model)
        treatments.append(treatment)
    return Report(findings, exam, _Case(model, x, y, loss_fn, lr, treatments))


@dataclass
class _Case:
    """What the report needs to try a remedy: the arguments of `diagnose`, and a function or None for each finding."""

    model: torch.nn.Module
    x: object
    y: object
    loss_fn: object
    lr: float | None
    treatments: list


@dataclass
class Report:
    """What `diagnose` found: text in a terminal; verdict, table and picture in a notebook.

    findings: the diseases, worst first (kind, layers, sentence, evidence, remedy, chapter). exam: the numbers.
    """

    findings: list[Finding]
    exam: Examination
    _case: _Case

    @property
    def verdict(self):
        """The disease to treat first, or "healthy"."""
        return self.findings[0].kind if self.findings else "healthy"

    @property
    def layers(self):
        """One row a layer, in the order of the forward pass: `examination.Layer`."""
        return self.exam.layers

    @property
    def per_step(self):
        """Name of a recurrent layer -> the gradient of its last output with respect to each step's input, (steps,)."""
        return {layer.name: layer.through_time for layer in self.layers if layer.through_time is not None}

    def try_remedy(self, steps=0):
        """Apply the first remedy that can be applied to a copy of the model, and return a `Trial`.

        steps: so many steps of training for both, with Adam, or with plain gradient descent at the lr of `diagnose`.
        Raises ValueError if there is nothing to treat, if the remedy is to be carried out by hand, or if there is to be
        training and x, y or the output is not a tensor.
        """
        case = self._case
        if steps and not (self.exam.is_plain and isinstance(case.x, torch.Tensor) and isinstance(case.y, torch.Tensor)):
            raise WrongValue("a trial with training needs x, y and the model's output as tensors; leave steps at 0")
        choice = next((i for i, treatment in enumerate(case.treatments) if treatment), None)
        if choice is None:
            raise WrongValue("there is nothing to treat: the model is healthy" if not self.findings else
                             f"this remedy is yours to carry out, in your own code: {self.findings[0].remedy}")
        treated, untreated = copy.deepcopy(case.model), copy.deepcopy(case.model)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            case.treatments[choice](treated)
            after = diagnose(treated, case.x, case.y, loss_fn=case.loss_fn, lr=case.lr)
            losses = _train({"untreated": untreated, "treated": treated}, case, steps) if steps else {}
        return Trial(self.findings[choice], self, after, treated, losses)

    def __repr__(self):
        return as_text(self.verdict, self.findings, self.exam)

    def _ipython_display_(self):
        html = as_html(self.verdict, self.findings, self.exam)
        _display({"text/html": html, "text/plain": repr(self)}, picture(self.findings, self.exam))


@dataclass
class Trial:
    """What a remedy did to a copy. before, after: reports; model: the treated copy; losses: name -> list, if trained."""

    finding: Finding
    before: Report
    after: Report
    model: torch.nn.Module
    losses: dict[str, list[float]]

    def __repr__(self):
        first = [report.layers[0].gradient_norm for report in (self.before, self.after)]
        text = (f"Tried on a copy: {self.finding.remedy}.\nBefore: {self.before.verdict}, loss {self.before.exam.loss:.3g}, "
                f"gradient norm of the first layer {first[0]:.1e}.\nAfter: {self.after.verdict}, loss "
                f"{self.after.exam.loss:.3g}, gradient norm of the first layer {first[1]:.1e}.")
        for name, losses in self.losses.items():
            text += f"\n{name.capitalize()}, {len(losses)} steps: loss {losses[0]:.3g} -> {losses[-1]:.3g}."
        return text

    def _ipython_display_(self):
        _display({"text/plain": repr(self)}, compare(self.before.exam, self.after.exam))


def _display(words, canvas):
    """Show words in IPython, and below them, where pictures can be seen, the canvas."""
    from IPython import get_ipython
    from IPython.display import display

    display(words, raw=True)
    if hasattr(get_ipython(), "kernel"):
        data, metadata = canvas.bundle()
        display(data, metadata=metadata, raw=True)


def _train(models, case, steps):
    settings = {"lr": 1e-3, "optimizer": "adam"} if case.lr is None else {"lr": case.lr, "momentum": 0.0}
    runs = race(models, case.x, case.y, steps=steps, loss_fn=Criterion(case.loss_fn), live=False, **settings)
    return {name: run.loss for name, run in runs.items()}
