"""A public question as a program: what was asked and what was wrong, a net with that fault, and what would be right."""

import inspect
import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from utils import diagnose
from utils.torchdoctor.errors import WrongType, WrongValue

HEALTHY = "healthy"  # nothing at net level: the fault, if there is one, is not in model, x, y, loss and lr
KINDS = {
    # what `diagnose` names today
    "not finite", "frozen", "cut off", "symmetric", "input too large", "dead", "exploding in time", "exploding",
    "saturated", "vanishing", "vanishing in time", "collapsed", "step too large", "step too small",
    # what it is to name
    "output does not fit", "broadcast target", "unowned weights", "no gradient", "samples mixed",
    "no better than a constant", "train and eval disagree", "no nonlinearity", "the mean eats the gain",
    "input too small", "target too large", "optimizer of another model", HEALTHY,
}  # fmt: skip


class Case(NamedTuple):
    """A net with all that it is trained by. score: function of the model; None is accuracy, or R^2 for real targets."""

    model: nn.Module
    x: object
    y: torch.Tensor
    loss_fn: Callable
    optimizer: torch.optim.Optimizer
    score: Callable | None = None

    @property
    def lr(self):
        """The learning rate that the asker uses."""
        return self.optimizer.param_groups[0]["lr"]

    def diagnose(self):
        """The report, with the optimizer if `diagnose` takes one."""
        settings = {"loss_fn": self.loss_fn, "lr": self.lr, "optimizer": self.optimizer}
        known = inspect.signature(diagnose).parameters
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of a broadcast; does `diagnose`?
            return diagnose(self.model, self.x, self.y, **{key: settings[key] for key in settings if key in known})

    def output(self, rows=slice(None)):
        """What the model returns for some of the samples."""
        return self.model(*(part[rows] for part in self.x)) if isinstance(self.x, tuple) else self.model(self.x[rows])

    def measure(self):
        """How well the net does its task, as whoever uses it would see it: 1 is perfect, nan if it has no numbers."""
        modes = {module: module.training for module in self.model.modules()}
        for module in modes:
            module.training = False
        with torch.no_grad():
            if self.score:
                value = float(self.score(self.model))
            elif self.y.is_floating_point():
                error = self.output().reshape(self.y.shape) - self.y
                value = 1 - float((error**2).mean() / self.y.var(correction=0))
            else:
                output = self.output()
                value = float((output.argmax(-1) == self.y).float().mean()) if output.isfinite().all() else float("nan")
        for module, mode in modes.items():
            module.training = mode
        return value

    def train(self, steps, batch=64):
        """Train in place as the asker did; return the score."""
        samples = torch.Generator().manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(steps):
                rows = torch.randperm(len(self.y), generator=samples)[:batch] if len(self.y) > batch else slice(None)
                self.optimizer.zero_grad()
                self.loss_fn(self.output(rows), self.y[rows]).backward()
                self.optimizer.step()
        return self.measure()


class Question(NamedTuple):
    """One public question.

    address, title: where it was asked. fault: what was wrong, in one sentence. right: the kinds of findings or remarks
    that would name the cause, the closest first, by judgement, before `diagnose` was run. also: kinds that may stand
    beside them, because they are true. says: what a learner should read. learns: whether the net as it was asked about
    learns after all; steps, enough: of training, and the score from which it has learned.
    """

    build: Callable
    address: str
    title: str
    fault: str
    says: str
    right: tuple
    also: tuple
    learns: bool
    steps: int
    enough: float

    @property
    def name(self):
        """The name of the function that builds it."""
        return self.build.__name__

    @property
    def can_be_fixed(self):
        """Whether there is a corrected version."""
        return "fixed" in inspect.signature(self.build).parameters

    def case(self, fixed=False):
        """The net as asked about, or the corrected one; the same each time."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self.build(fixed=True) if fixed else self.build()

    def trained(self, fixed=False):
        """The score after a short training, or the error that ended it."""
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                return self.case(fixed).train(self.steps)
        except RuntimeError as error:
            return str(error).splitlines()[0]

    def is_enough(self, score):
        """Whether a net with this score has learned its task."""
        return isinstance(score, float) and score >= self.enough

    def answer(self, fixed=False):
        """What `diagnose` says to it."""
        try:
            report = self.case(fixed).diagnose()
        except (WrongType, WrongValue) as error:
            return Answer((), (), f"refuses: {error}", refuses=True)
        except Exception as error:  # noqa: BLE001  the table tells of every crash
            return Answer((), (), f"{type(error).__name__}: {str(error).splitlines()[0]}", refuses=False)
        remarks = tuple(remark.kind for remark in getattr(report, "remarks", ()))
        return Answer(tuple(finding.kind for finding in report.findings), remarks)

    def judge(self, answer):
        """ "right", "partly" or "wrong".

        right: the first finding (without findings: a remark) names the cause, and no other finding is untrue; or there
        is none where none is due. partly: the cause is named below something else, or beside something untrue, or
        only something true about the net is; or `diagnose` refuses in one sentence. All else is wrong.
        """
        right, true = {*self.right}, {*self.right, *self.also}
        if answer.error:
            return "partly" if answer.refuses and HEALTHY not in right else "wrong"
        if not answer.findings and HEALTHY in right:
            return "right"
        heard = answer.findings or answer.remarks
        if not {*answer.findings, *answer.remarks} & true:
            return "wrong"
        first = heard[0] in right if answer.findings else bool({*heard} & right)
        return "right" if first and {*answer.findings} <= true else "partly"


class Answer(NamedTuple):
    """What `diagnose` said: kinds of diseases and of remarks, or the error that it raised."""

    findings: tuple
    remarks: tuple
    error: str = ""
    refuses: bool = False

    def __str__(self):
        remarks = [f"({kind})" for kind in self.remarks]
        return self.error or ", ".join([*self.findings, *remarks]) or HEALTHY


QUESTIONS = []


def question(address, title, *, fault, says, right, also=(), learns=False, steps=300, enough=0.9):
    """Put the function below into QUESTIONS: it returns a `Case`, and the corrected one for fixed=True."""

    def add(build):
        kinds = (right,) if isinstance(right, str) else tuple(right)
        QUESTIONS.append(Question(build, address, title, fault, says, kinds, tuple(also), learns, steps, enough))
        return build

    return add
