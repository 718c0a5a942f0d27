"""`diagnose` on a program, and whether what it says is right.

A finding is right if it names a real fault of the program (its field `right`). A remark is no disease: it counts only
on an original that learns on its data all the same. On a corrected program that learns, every disease is a false alarm.
"""

import inspect
import warnings
from collections import Counter
from typing import NamedTuple

from tests.faults.programs import KINDS, TOOLS, build
from utils import diagnose

SAMPLES, FEWEST = 64, 16  # of a program's data that `diagnose` gets to see: at most, and if they are large
NUMBERS = 2**17  # in x, beyond which samples are large
DETECTED, WRONG, MISSED, RAISED = "detected", "wrong reason", "missed", "raised"
LEARNS, ALARM = "learns, corrected", "false alarm"  # of corrected programs


class Said(NamedTuple):
    """What `diagnose` said: kinds of findings and of remarks, worst first, or the error that it raised."""

    diseases: tuple = ()
    remarks: tuple = ()
    error: str = ""

    def __str__(self):
        remarks = [f"({kind})" for kind in self.remarks]
        return self.error or ", ".join([*self.diseases, *remarks]) or "healthy"


class Examined(NamedTuple):
    """A program, and what was said about it as it was and about it corrected."""

    program: object
    original: Said
    corrected: Said

    @property
    def outcome(self):
        """DETECTED, WRONG, MISSED or RAISED."""
        learns, right = self.program.learns["original"]["learns"], set(self.program.right)
        if self.original.error:
            return RAISED
        if right.intersection(self.original.diseases) or learns and right.intersection(self.original.remarks):
            return DETECTED
        return WRONG if self.original.diseases else MISSED

    @property
    def is_hard_on_it(self):
        """Whether the original learns all the same, and is called sick."""
        return self.program.learns["original"]["learns"] and bool(self.original.diseases)

    @property
    def is_false_alarm(self):
        """Whether the corrected program learns, and is called sick."""
        return self.program.learns["corrected"]["learns"] and bool(self.corrected.diseases)

    @property
    def marks(self):
        """All that this program adds one to, in its row of the table."""
        corrected = [LEARNS] * self.program.learns["corrected"]["learns"] + [ALARM] * self.is_false_alarm
        return [self.outcome, *corrected, *self.program.tools]


def examine(program, seed=0):
    """Return the `Examined` of a program, drawn from the seed."""
    return Examined(program, say(program, seed), say(program.corrected, seed))


def say(program, seed=0):
    """Return what `diagnose` has to say about a program, as `Said`."""
    case = build(program, seed)
    count = min(SAMPLES, max(FEWEST, NUMBERS // case.x[0].numel()))
    more = {"optimizer": case.optimizer} if "optimizer" in inspect.signature(diagnose).parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            x, y = case.x[:count], case.y[:count]
            report = diagnose(case.model, x, y, loss_fn=case.loss_fn, lr=program.lr, **more)
        except Exception as error:  # noqa: BLE001 - counted, and told: one that fails must not hide the others
            return Said(error=f"{type(error).__name__}: {error}")
    return Said(*(tuple(said.kind for said in some) for some in (report.findings, getattr(report, "remarks", ()))))


def table(examined):
    """Yield the lines of a Markdown table: a row for each kind of fault, and their sum; `diagnose`, then the tools."""
    yield _line("fault", "programs", DETECTED, WRONG, MISSED, RAISED, "false alarms, corrected", *TOOLS)
    yield _line("---", *["--:"] * (6 + len(TOOLS)))
    for kind in KINDS:
        some = [one for one in examined if one.program.kind == kind]
        if some:
            yield _row(kind, some)
    yield _row("**all**", examined)


def _row(name, examined):
    count = Counter(mark for one in examined for mark in one.marks)
    alarms = f"{count[ALARM]} of {count[LEARNS]}"
    outcomes = [count[outcome] for outcome in (DETECTED, WRONG, MISSED, RAISED)]
    return _line(name, len(examined), *outcomes, alarms, *(count[tool] for tool in TOOLS))


def _line(*cells):
    return f"| {' | '.join(map(str, cells))} |"
