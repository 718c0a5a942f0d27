"""`diagnose`: why does my net not learn? One call, one report, and a remedy that can be tried."""

import copy
import math
from dataclasses import dataclass

import torch

from .criterion import Caller, Criterion
from .diseases import Finding, find
from .errors import WrongType, WrongValue
from .examination import Examination, examine, unwrapped
from .inputs import batch_of
from .layer_calls import kept_random
from .models import check_model
from .optimizers import ADAM_LR, InUse, in_use
from .report import as_html, as_text, in_notebook

BATCH = 64  # samples in a step of a trial


def diagnose(model, x, y=None, *, loss_fn=None, lr=None, optimizer=None):
    """Examine any `nn.Module` on a batch, and return a `Report` that names what keeps it from learning.

    Args:
        model: it is left as it is found: parameters, buffers, .grad, modes, hooks, requires_grad, random state. Models of
            Keras 3 on its torch backend are taken as well; the memory of their recurrent layers is not judged.
        x: what `model(x)` takes; a tuple for `model(*x)`, a dict for `model(**x)`. A few dozen samples are enough. Or a
            DataLoader, a Dataset, a list of pairs (x, y) or an iterator of them, from which the first batch is taken, x
            and y: a loader's random state stays as it was, and an iterator has moved on by one. Arrays, data frames and
            lists of numbers become tensors, real numbers in the dtype of the model.
        y: whole numbers for a classification, real numbers for a regression, None if there are no targets: then the
            loss is the model's own, if it returns one by the name of `loss`, or else the distance from random targets of
            the outputs' own scale.
        loss_fn: a function (output, y) -> loss, or a loss of Keras', if neither cross-entropy nor mean squared error is
            meant.
        lr: the learning rate in use; with it, the size of a step is judged, too.
        optimizer: the optimizer in use, which is left as it is found, or a name such as "adam" or "sgd"; with it the step is
            judged as it would make it, and a remedy is tried with it. Without it, lr is judged as if it might be any.

    It takes about twice as long as a forward and backward pass; below a million parameters up to four times, where a few
    samples are asked again whether they hear of each other, whether the net is linear, or what eval mode changes.

    Raises TypeError or ValueError with one sentence if they do not fit together.
    """
    if isinstance(lr, torch.optim.Optimizer):
        raise WrongType("lr is the learning rate, and an optimizer goes to optimizer=")
    if not isinstance(lr, (int, float)) and getattr(lr, "ndim", None) == 0:
        lr = lr.item()  # of a tensor, or of numpy's
    if lr is not None and (isinstance(lr, bool) or not isinstance(lr, (int, float)) or not 0 < lr < float("inf")):
        got = f"{lr!r}" if isinstance(lr, (int, float, str)) else type(lr).__name__
        raise WrongValue(f"lr must be a positive number, got {got}")
    if loss_fn is not None and not callable(loss_fn):
        got = "what such a function returns: pass the function itself" if isinstance(loss_fn, torch.Tensor) else repr(loss_fn)
        raise WrongType(f"loss_fn must be a function (output, y) -> loss, got {got}")
    if isinstance(loss_fn, type):
        raise WrongType(f"loss_fn must be a function (output, y) -> loss, not a class: pass {loss_fn.__name__}()")
    model = unwrapped(model)
    parameters = check_model(model)
    x, y = batch_of(x, y, model)
    used = in_use(optimizer, lr, model)
    exam = examine(model, parameters, x, y, loss_fn, lr, used)
    told = find(exam, model)
    findings, remarks = ([one for one in told if one.is_remark == is_remark] for is_remark in (False, True))
    return Report(findings, remarks, exam, _Case(model, x, y, loss_fn, lr, used))


@dataclass
class _Case:
    """What the report needs to try a remedy: the arguments of `diagnose`."""

    model: torch.nn.Module
    x: object
    y: object
    loss_fn: object
    lr: float | None
    optimizer: InUse | None


@dataclass
class Report:
    """What `diagnose` found: text in a terminal; verdict, table and picture in a notebook.

    findings: the diseases, worst first (kind, layers, sentence, evidence, remedy, chapter). remarks: what is worth
    knowing and no disease, in the same form; with remarks alone a model is healthy. exam: the numbers.
    """

    findings: list[Finding]
    remarks: list[Finding]
    exam: Examination
    _case: _Case

    @property
    def verdict(self):
        """The disease to treat first, or "healthy"."""
        return self.findings[0].kind if self.findings else "healthy"

    @property
    def layers(self):
        """One row a layer, in the order of the forward pass: `examined_layer.ExaminedLayer`."""
        return self.exam.layers

    @property
    def per_step(self):
        """Name of a recurrent layer -> the gradient of its last output with respect to each step's input, (steps,)."""
        return {layer.name: layer.through_time for layer in self.layers if layer.through_time is not None}

    def try_remedy(self, steps=0):
        """Apply the first remedy that can be applied to a copy of the model, and return a `Trial`; a remark's if it is healthy.

        steps: so many steps of training for both, with the optimizer of `diagnose`; without one, with Adam, or with
        plain gradient descent at the lr of `diagnose`.
        Raises ValueError if there is nothing to treat, if the remedy is to be carried out by hand, or if there is to be
        training and x, y or the output is not a tensor.
        """
        case = self._case
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 0:
            raise WrongValue(f"steps is a whole number, 0 or more; got {steps!r}")
        if steps and not (self.exam.is_plain and isinstance(case.x, torch.Tensor) and isinstance(case.y, torch.Tensor)):
            raise WrongValue("a trial with training needs x, y and the model's output as tensors; leave steps at 0")
        choice = next((finding for finding in self.findings or self.remarks if finding.change), None)
        if choice is None:
            raise WrongValue("there is nothing to treat: the model is healthy" if not self.findings else
                             f"this remedy is yours to carry out, in your own code: {self.findings[0].remedy}")
        treated, untreated = copy.deepcopy(case.model), copy.deepcopy(case.model)
        with kept_random():
            torch.manual_seed(0)
            choice.change(treated)
            after = diagnose(treated, case.x, case.y, loss_fn=case.loss_fn, lr=case.lr, optimizer=self._as_used(treated))
            losses = _train({"untreated": untreated, "treated": treated}, case, steps) if steps else {}
        return Trial(choice, self, after, treated, losses)

    def _as_used(self, treated):
        used = self._case.optimizer
        return used.make(self._case.model, treated) if used and used.groups else used and used.name

    def picture(self):
        """Return a `drawing.Picture`: gradients by layer, and dead and saturated units or the memory of an RNN."""
        from .drawing import draw_report  # not above: matplotlib takes longer to load than a diagnosis

        return draw_report(self.findings, self.exam)

    def __repr__(self):
        return as_text(self.verdict, self.findings, self.remarks, self.exam)

    def _repr_html_(self):
        return as_html(self.verdict, self.findings, self.remarks, self.exam)

    def _ipython_display_(self):
        _display({"text/html": self._repr_html_(), "text/plain": repr(self)}, self)


@dataclass
class Trial:
    """What a remedy did to a copy. before, after: reports; model: the treated copy; losses: name -> list, if trained."""

    finding: Finding
    before: Report
    after: Report
    model: torch.nn.Module
    losses: dict[str, list[float]]

    def __repr__(self):
        first = [report.layers[0].delta_norm for report in (self.before, self.after)]
        text = (f"Tried on a copy: {self.finding.remedy}.\nBefore: {self.before.verdict}, loss {self.before.exam.loss:.3g}, "
                f"gradient norm of the first layer {first[0]:.1e}.\nAfter: {self.after.verdict}, loss "
                f"{self.after.exam.loss:.3g}, gradient norm of the first layer {first[1]:.1e}.")
        for name, losses in self.losses.items():
            steps = f"{len(losses)} step{'s' if len(losses) > 1 else ''}"
            text += f"\n{name.capitalize()}, {steps}: loss {losses[0]:.3g} -> {losses[-1]:.3g}."
        return text

    def picture(self):
        """Return a `drawing.Picture`: the gradients by layer, before and after the remedy."""
        from .drawing import draw_trial

        return draw_trial(self.before.exam, self.after.exam)

    def _ipython_display_(self):
        _display({"text/plain": repr(self)}, self)


def _display(words, shown):
    """Show words in IPython, and below them, where pictures can be seen, the picture of a report or trial."""
    from IPython.display import display

    display(words, raw=True)
    if in_notebook():
        display(shown.picture())


def _train(models, case, steps):
    """Train models in place on the same batches; name -> losses, which end where one is no longer finite, or is refused: NaN."""
    generator, loss_fns = torch.Generator("cpu").manual_seed(0), {name: Criterion(case.loss_fn) for name in models}
    modes = {module: module.training for model in models.values() for module in model.modules()}
    optimizers, losses = {}, {name: [] for name in models}
    for name, model in models.items():
        if not (parameters := [p for p in model.train().parameters() if p.requires_grad]):
            continue  # frozen: its losses are those of the batches, and no step changes them
        if case.optimizer:
            optimizers[name] = case.optimizer.make(case.model, model)
        else:
            plain = case.lr is not None
            optimizers[name] = torch.optim.SGD(parameters, case.lr) if plain else torch.optim.Adam(parameters, ADAM_LR)
    for _ in range(steps):
        rows = torch.randperm(len(case.x), generator=generator, device="cpu")[:BATCH]
        for name, model in models.items():
            if losses[name] and not math.isfinite(losses[name][-1]):
                continue
            loss = loss_fns[name](Caller(model)(case.x[rows]), case.y[rows])
            losses[name].append(math.nan if loss_fns[name].refused else loss.item())
            if math.isfinite(losses[name][-1]) and name in optimizers:
                optimizers[name].zero_grad()
                loss.backward()
                optimizers[name].step()
    for module, mode in modes.items():
        module.training = mode
    return losses
