"""What a checker answers: one of three statuses, and one sentence, as text and as a coloured box."""

from dataclasses import dataclass
from html import escape

CORRECT, NOT_YET, NOT_ATTEMPTED = "correct", "not yet", "not attempted"
SYMBOLS = {CORRECT: "✔", NOT_YET: "✘", NOT_ATTEMPTED: "○"}
COLOURS = {CORRECT: ("#1B5E20", "#E8F5E9"), NOT_YET: ("#8A2D00", "#FFF3E8"), NOT_ATTEMPTED: ("#424242", "#F2F2F2")}


@dataclass(frozen=True)
class Verdict:
    """What a checker answers: a status, and a sentence that says more. It is truthy only if the status is 'correct'.

    Raises ValueError for any other status than CORRECT, NOT_YET and NOT_ATTEMPTED.
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
