"""What a checker answers: one of four statuses, and one sentence, as text and as a coloured box."""

from dataclasses import dataclass
from html import escape

CORRECT, NOT_YET, NOT_ATTEMPTED, NO_CHOICE = "correct", "not yet", "not attempted", "no such answer"
SYMBOLS = {CORRECT: "✔", NOT_YET: "✘", NOT_ATTEMPTED: "○", NO_CHOICE: "?"}
_GREY = "#424242", "#F2F2F2"
COLOURS = {CORRECT: ("#1B5E20", "#E8F5E9"), NOT_YET: ("#8A2D00", "#FFF3E8"), NOT_ATTEMPTED: _GREY, NO_CHOICE: _GREY}


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
        style = f"color: {ink}; background: {paper}; border-left: 4px solid {ink}; padding: 0.4em 0.8em"
        return f'<div role="status" style="{style}">{escape(repr(self))}</div>'
