"""A claim of the course, held to its word where it stands: `claim` prints the sentence, or fails with it."""

import re

import numpy as np
import torch

from utils.exercises.verdict import CORRECT, NOT_ATTEMPTED, SYMBOLS
from utils.torchdoctor.errors import WrongType, WrongValue
from utils.training.history import History

# What a training claim may depend on -> what its sentence then has to name, as a pattern, and an example.
FACTORS = {
    "seed": (r"\bseeds?\b", "with the weights of seed 0"),
    "rate": (r"\b(rates?|step size|lr)\b\D{0,12}\d|\bat (0?\.\d|\de-\d)", "at a learning rate of 0.1"),
    "optimizer": (r"\b(SGD|Adam|momentum|gradient descent)\b", "with momentum SGD"),
    "budget": (r"\d[\d,.]* (training )?(steps|epochs)\b", "within 1,200 steps"),
}


class ClaimFailed(AssertionError):
    """What a claim says does not hold here; the message is its sentence."""

    def _render_traceback_(self):
        # IPython's own hook: the line above says where, and the sentence says what.
        return [f"AssertionError: {self}"]


def claim(id, sentence, holds, unless=(), only=()):
    """Print `✔ sentence` if it holds; raise AssertionError, with the sentence and no page of traceback, if it does not.

    id: its number in the course, "C1.14"; the build tags the cell with it.
    sentence: what is claimed, in words that a learner reads, with the numbers that were measured.
    holds: True or False, or a tensor or array of one truth value. Write the comparison itself, not the name of its
        result: the tests try wrong figures in it.
    unless: the training, or trainings, that it is about: a `History`, what `race` returns, or a list of these. If you
        stopped one of them, or it has not begun, nothing is judged.
    only: what the truth of a claim about a training depends on, names of FACTORS; the sentence then names its value.

    Raises TypeError or ValueError with one sentence if an argument makes no sense.
    """
    _check(id, sentence, only)
    true = _truth(holds)
    if stopped := _stopped(unless):
        # Before the first step its numbers are none yet, and its words may answer what a hall is still asked.
        why = f": you stopped the run ({sentence})" if any(run.loss for run in stopped) else " yet: the training has not begun"
        print(f"{SYMBOLS[NOT_ATTEMPTED]} not judged{why}")
        return
    _check_factors(id, sentence, only)  # a run that was stopped may have "nan" where its sentence names them
    if true:
        print(f"{SYMBOLS[CORRECT]} {sentence}")
    else:
        raise ClaimFailed(f"this does not hold here: {sentence}")


def _check(id, sentence, only):
    if not isinstance(id, str) or not re.fullmatch(r"C\d+\.\d\d", id):
        raise WrongValue(f'the id of a claim is its number in the course, such as "C1.14", not {id!r}')
    if not isinstance(sentence, str) or not sentence.strip():
        raise WrongType(f"claim {id} needs the sentence that it claims, not {sentence!r}")
    if not isinstance(only, (tuple, list)) or not set(only) <= FACTORS.keys():
        raise WrongValue(f'only= of claim {id} is a tuple of {", ".join(FACTORS)}, such as only=("budget",), not {only!r}')


def _check_factors(id, sentence, only):
    for factor in only:
        pattern, example = FACTORS[factor]
        if not re.search(pattern, sentence):
            raise WrongValue(f'claim {id} depends on the {factor}, so its sentence names it, such as "{example}": {sentence}')


def _truth(holds):
    """Return True or False; raise WrongType, with one sentence, for what is neither."""
    if isinstance(holds, (bool, np.bool_)):
        return bool(holds)
    if isinstance(holds, (torch.Tensor, np.ndarray)) and holds.dtype in (torch.bool, np.dtype(bool)):
        if holds.shape in ((), (1,)):
            return bool(holds)
        raise WrongType(f"holds has {tuple(holds.shape)} truth values, and a claim one: put .all() or .any() behind it")
    raise WrongType(f"holds must be True or False, such as the comparison `loss > 2.25`, not a {type(holds).__name__}")


def _stopped(unless):
    """Return those of the trainings that were stopped; raise WrongType, with one sentence, for what is no training."""
    if isinstance(unless, History):
        return [unless] if unless.stopped else []
    if isinstance(unless, dict):
        unless = list(unless.values())
    if isinstance(unless, (list, tuple)):
        return [run for training in unless for run in _stopped(training)]
    raise WrongType(f"unless= takes what fit or race returned, or a list of these, not a {type(unless).__name__}")
