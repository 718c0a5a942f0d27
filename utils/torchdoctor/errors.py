"""Errors for a reader: one sentence that says what to do, and in a notebook nothing else."""

import re


class WrongValue(ValueError):
    """An argument has a value that makes no sense; the message says which, and what would."""

    def _render_traceback_(self):
        # IPython's own hook: a learner needs the sentence, not the forty lines of where it was raised.
        return [f"{type(self).__name__}: {self}"]


class WrongType(TypeError):
    """An argument is of a kind that makes no sense; the message says which, and what would."""

    _render_traceback_ = WrongValue._render_traceback_


# What torch writes when shapes, dtypes or labels do not fit together.
_MISFITS = (
    "cannot be multiplied", "must match", "same dtype", "xpected", "out of bounds", "out of range", "not implemented for",
    "should be the same", "does not match", "need to be at least",
)  # fmt: skip


def is_misfit(error):
    """Whether an exception is torch's complaint that tensors do not fit, and no bug in a learner's own function."""
    return isinstance(error, (RuntimeError, IndexError, ValueError)) and any(part in str(error) for part in _MISFITS)


def first_line(error):
    """Return what an exception says, without the lines that torch may add below, or Keras above."""
    told = re.search(r"\x1b\[1m(.*?)\x1b\[0m", str(error), re.DOTALL)  # Keras' own way to print its point: in bold
    return ((told[1] if told else str(error)).strip() or type(error).__name__).splitlines()[0]
