"""A quiz: a learner names an answer to each question, or fills in a table, and hears why each entry is right or not."""

from dataclasses import dataclass
from html import escape
from numbers import Real

import torch

from utils import progress
from utils.exercises.checking import nan_among
from utils.exercises.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict, check_choice, key


@dataclass(frozen=True)
class Question:
    """One question. right: the answer looked for. answers: each answer that may be given -> what to say to it."""

    text: str
    right: str
    answers: dict[str, str]


@dataclass(frozen=True, repr=False)
class Marks:
    """A learner's verdicts, shown one below the other; truthy only if there are any, and all are correct.

    verdicts: name of a question or entry -> its `Verdict`. remark: one sentence on the whole, or nothing.
    """

    verdicts: dict[str, Verdict]
    remark: str = ""

    def __bool__(self):
        return bool(self.verdicts) and all(self.verdicts.values())

    def __repr__(self):
        lines = [f"{name}: {verdict!r}" for name, verdict in self.verdicts.items()]
        return "\n".join(lines + [self.remark] * bool(self.remark))

    def _repr_html_(self):
        parts = [f"<b>{escape(name)}</b>{verdict._repr_html_()}" for name, verdict in self.verdicts.items()]
        return "\n".join(parts + [f"<p>{escape(self.remark)}</p>"] * bool(self.remark))


def sheet(questions):
    """Return questions (dict name -> `Question`) as text: each name, its question, and the answers to choose from."""
    return "\n".join(
        f"{name}: {question.text}\n    " + " | ".join(f'"{answer}"' for answer in question.answers)
        for name, question in questions.items()
    )


def grade(questions, answers):
    """Check the learner's answers, a dict question's name -> answer; returns a `Marks`.

    A question that is left out, or answered with `...`, counts as not attempted.
    """
    given, remark = _entries(answers, questions)
    verdicts = {name: check_choice(given.get(name), q.right, q.answers) for name, q in questions.items()}
    for name, verdict in verdicts.items():
        if verdict:
            progress.record(progress.ANSWER, name)
    return Marks(verdicts, remark)


def review(table, measured, within=0.05):
    """Compare the entries of a learner's own table with what was measured; returns a `Marks`.

    table: dict name -> entry, `...` where nothing is entered yet. measured: dict name -> a number (or a tensor with one
    entry), which an entry may miss by the share `within`; or a text; or a collection of texts, any of which is right.
    """
    given, remark = _entries(table, measured)
    return Marks({name: _compared(given.get(name), truth, within) for name, truth in measured.items()}, remark)


def _entries(table, names):
    """Return a learner's table as a dict, empty if it is none, and one sentence on what is wrong with its names, or ''."""
    if table is None or table is ...:
        return {}, ""
    if not isinstance(table, dict):
        return {}, f"expected a dict of names and answers, got a value of type {type(table).__name__}"
    strange = ", ".join(repr(name) for name in table if name not in names)
    known = ", ".join(map(repr, names))
    return table, f"there is no {strange} here; the names are {known}" if strange else ""


def _compared(entry, truth, within):
    """Return the `Verdict` on one entry, which does not give the answer away."""
    if entry is None or entry is ...:
        return Verdict(NOT_ATTEMPTED)
    entry, truth = _number(entry), _number(truth)
    if isinstance(truth, Real):
        if not isinstance(entry, Real) or isinstance(entry, bool):
            return Verdict(NOT_YET, "a number goes here")
        close = abs(entry - truth) <= within * abs(truth)
        fault = nan_among(**{"this entry": entry}) or f"more than {within:.0%} from what was measured"
        return Verdict(CORRECT) if close else Verdict(NOT_YET, fault)
    if not isinstance(entry, str):
        return Verdict(NOT_YET, "a name goes here, in quotes")
    right = {truth} if isinstance(truth, str) else truth
    if key(entry) in map(key, right):
        return Verdict(CORRECT)
    return Verdict(NOT_YET, f"{entry!r} is not what was measured")


def _number(value):
    """Return a tensor with one entry as a plain number; anything else as it is."""
    return value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value
