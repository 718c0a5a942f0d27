"""What is said to an answer: one of four statuses and one sentence, as text and as a coloured box; and to a choice."""

from dataclasses import dataclass
from html import escape

from utils.figures import style

CORRECT, NOT_YET, NOT_ATTEMPTED, NO_CHOICE = "correct", "not yet", "not attempted", "no such answer"
SYMBOLS = {CORRECT: "✔", NOT_YET: "✘", NOT_ATTEMPTED: "○", NO_CHOICE: "?"}
COLOURS = {CORRECT: style.GOOD, NOT_YET: style.BAD, NOT_ATTEMPTED: style.NEUTRAL, NO_CHOICE: style.NEUTRAL}


@dataclass(frozen=True)
class Verdict:
    """What a checker answers: a status, and a sentence that says more. It is truthy only if the status is 'correct'.

    NO_CHOICE: the answer is none of those to choose from, so it is neither right nor wrong (misspelt, perhaps).
    Raises ValueError for any other status than these four.
    """

    status: str
    sentence: str = ""

    def __post_init__(self):
        if self.status not in SYMBOLS:
            raise ValueError(f"a verdict is one of {list(SYMBOLS)}, not {self.status!r}")

    def __bool__(self):
        return self.status == CORRECT

    def __repr__(self):
        return f"{SYMBOLS[self.status]} {self.status}" + (f": {self.sentence}" if self.sentence else "")

    def _repr_html_(self):
        ink, paper = COLOURS[self.status]
        look = f"color: {ink}; background: {paper}; border-left: 4px solid {ink}; padding: 0.4em 0.8em"
        return f'<div role="status" style="{look}">{escape(repr(self))}</div>'


def check_choice(answer, truth, explain):
    """Check a choice: `answer` is the learner's, `truth` the right one; returns a Verdict that explains.

    explain: dict choice -> one sentence on what speaks for or against it; its keys are the choices.
    Capitals and spaces do not count. Raises ValueError if `truth` is none of the choices.
    """
    if truth not in explain:
        raise ValueError(f"the truth {truth!r} is none of the choices {list(explain)}")
    choice = chosen(answer, explain)
    if isinstance(choice, Verdict):
        return choice
    return Verdict(CORRECT if choice == truth else NOT_YET, explain[choice])


def chosen(answer, choices):
    """Return the one of `choices` (texts) that a learner's answer names, or a Verdict with all of them if it names none."""
    all_of_them = "choose one of " + ", ".join(f'"{choice}"' for choice in choices)
    if answer is None or answer is ...:
        return Verdict(NOT_ATTEMPTED, all_of_them)
    by_key = {key(choice): choice for choice in choices}
    choice = by_key.get(key(answer)) if isinstance(answer, str) else None
    given = f'"{answer[:80]}"' if isinstance(answer, str) else f"a value of type {type(answer).__name__}"
    return Verdict(NO_CHOICE, f"{given} is none of the answers; {all_of_them}") if choice is None else choice


def key(text):
    """Return a text without capitals and spaces: two texts with the same key count as the same answer."""
    return "".join(text.casefold().split())
