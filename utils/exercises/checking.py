"""What every checker does: compare a learner's function with the right one, and answer in one sentence.

Nothing that a learner passes ends in a traceback. A checker for a new exercise is a reference solution, a few cases,
and the typical mistakes with what to say to them (see `chapter01`), under the decorator `exercise`; `check` does the rest.
"""

import functools
import inspect
import io
import math
import random
import sys
from contextlib import contextmanager, nullcontext, redirect_stdout
from numbers import Real

import numpy as np
import torch
from torch.autograd import graph

from utils import progress
from utils.exercises.comparison import (
    NAN,
    copy_of,
    describe_argument,
    describe_change,
    describe_difference,
    first_words,
    kind_of,
    prints,
)
from utils.exercises.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict
from utils.torchdoctor.errors import WrongType

_ASKS_FOR_FORMULA = "autograd computes that, but this exercise asks for the formula: write it with the tensors you are given"


class UsedAutograd(RuntimeError):
    """A function that is to be written by hand lets autograd do the work; the message is for the learner."""


@contextmanager
def without_autograd():
    """Inside, an operation that would save a tensor for a backward pass raises UsedAutograd.

    Forward-mode derivatives (`torch.func.jvp`) save nothing, and are not seen.
    """
    def refuse(_):
        raise UsedAutograd(_ASKS_FOR_FORMULA)

    try:
        with graph.saved_tensors_hooks(refuse, refuse):
            yield
    except RuntimeError as error:
        if "saved tensor hooks" not in str(error):  # what torch.func.grad and its like say to such hooks
            raise
        raise UsedAutograd(_ASKS_FOR_FORMULA) from error


class _Echo(io.StringIO):
    """A standard output that passes on to `shown` what is written, and keeps it."""

    def __init__(self, shown):
        super().__init__()
        self.shown = shown

    def write(self, text):
        self.shown.write(text)
        return super().write(text)


class _Fault(Exception):
    """The learner's function ended without an answer that could be compared; the argument is the Verdict."""


def exercise(checker):
    """Make a chapter's checker an exercise: the `Verdict` "correct" that it returns is noted in the learner's progress.

    What is noted is what the checker says in the end, and not a step on its way; with it goes the number of exercises
    that the checker's module has.
    """
    @functools.wraps(checker)
    def checked(*answers, **named):
        verdict = checker(*answers, **named)
        if verdict:
            names = vars(sys.modules[checker.__module__]).values()
            among = sum(hasattr(f, "is_exercise") and f.__module__ == checker.__module__ for f in names)
            progress.record(progress.EXERCISE, checker.__name__, checker.__module__, among=among)
        return verdict

    checked.is_exercise = True
    return checked


def check(function, reference, cases, *, mistakes=None, convert=None, by_hand=False, rtol=1e-5, atol=1e-9):
    """Compare `function` with `reference` on all cases and return a Verdict.

    function: what the learner wrote; anything at all may be passed.
    reference: the right solution; its answers (tensors, or plain numbers) set type, shape and kind of number.
    cases: tuples of arguments: tensors, numbers, modules. Both functions get copies.
    mistakes: dict wrong function -> what to say if the learner's function gives the same as this one, which may be a
        tuple of tensors.
    convert: applied to the learner's answer before it is compared, for an exercise that leaves its type open; may raise
        WrongType with a sentence for the learner.
    by_hand: whether autograd is out of bounds.
    rtol, atol: tolerances, relative to each value and to the largest of an answer's values.

    The global random state is left as it was.
    """
    if function is None or function is ...:
        return Verdict(NOT_ATTEMPTED)
    try:
        with _random_state_kept():
            for case in cases:
                _check_case(function, reference, case, mistakes or {}, convert, by_hand, rtol, atol)
    except _Fault as fault:
        return fault.args[0]
    except Exception as error:  # noqa: BLE001 - what claims to be a function or a tensor may break when looked at
        return Verdict(NOT_YET, f"it cannot be checked ({type(error).__name__})")
    return Verdict(CORRECT)


def as_vector(answer):
    """Return a list of numbers, or of tensors with one entry, as a 1-D tensor; anything else as it is."""
    if not isinstance(answer, (list, tuple)):
        return answer
    numbers = all(isinstance(entry, Real) or isinstance(entry, torch.Tensor) and entry.numel() == 1 for entry in answer)
    return torch.tensor([float(entry) for entry in answer], dtype=torch.float64) if numbers else answer


def nan_among(**numbers):
    """Return a sentence on the first of a learner's numbers, given by their names, that is NaN; "" if none is."""
    return next((f"{name} is {NAN}" for name, number in numbers.items() if math.isnan(number)), "")


def _check_case(function, reference, case, mistakes, convert, by_hand, rtol, atol):
    """Raise _Fault with the Verdict if `function` fails on this case."""
    names = list(inspect.signature(reference).parameters)
    expected = reference(*map(copy_of, case))
    printed = _Echo(sys.stdout)
    answer = _answer(function, dict(zip(names, case)), without_autograd if by_hand else nullcontext, printed)
    if answer is None or answer is ...:
        if prints(printed.getvalue(), expected) and _is_kept(convert, expected, rtol, atol):
            raise _Fault(Verdict(NOT_YET, "it prints the right answer, and returns nothing: write `return` in place of `print`"))
        raise _Fault(Verdict(NOT_ATTEMPTED, "the function returns nothing so far"))
    if convert is not None:
        try:
            answer = convert(answer)
        except WrongType as error:
            raise _Fault(Verdict(NOT_YET, str(error)))
    difference = describe_difference(answer, expected, dict(zip(names, case)), rtol, atol)
    if difference is None:
        return
    for wrong, hint in mistakes.items():
        if _same_mistake(answer, wrong, case, rtol, atol):
            difference = f"{hint} ({difference})"
            break
    raise _Fault(Verdict(NOT_YET, difference))


def _is_kept(convert, expected, rtol, atol):
    """Whether `expected` is what a learner is to return, and no property of it that `convert` finds."""
    try:
        return convert is None or describe_difference(convert(expected), expected, {}, rtol, atol) is None
    except WrongType:
        return False


def _same_mistake(answer, wrong, case, rtol, atol):
    """Whether `wrong` gives what the learner's function gave on this case."""
    try:
        mistaken = wrong(*map(copy_of, case))
        several = isinstance(mistaken, tuple)
        pairs = zip(answer, mistaken, strict=True) if several else [(answer, mistaken)]
        return all(describe_difference(ours, theirs, {}, rtol, atol) is None for ours, theirs in pairs)
    except Exception:  # noqa: BLE001 - a mistake that does not run on this case, or gives another kind of answer
        return False


def _answer(function, arguments, within, printed):
    """Return what `function` gives `within` a context for copies of `arguments` (name -> value), or raise _Fault.

    printed: a stream for what it prints.
    """
    if not callable(function):
        raise _Fault(Verdict(NOT_YET, f"expected a function, got {kind_of(function)}"))
    copies = {name: copy_of(value) for name, value in arguments.items()}
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions do not tell
        signature = None
    try:
        if signature is not None:
            signature.bind(*copies.values())
    except TypeError:
        raise _Fault(Verdict(NOT_YET, f"expected a function of ({', '.join(arguments)}), got one of {signature}"))
    try:
        with within(), redirect_stdout(printed):
            answer = function(*copies.values())
    except BaseException as error:  # noqa: BLE001 - sys.exit() and an interrupted endless loop count, too
        status = NOT_ATTEMPTED if isinstance(error, NotImplementedError) else NOT_YET
        raise _Fault(Verdict(status, _raised(error, function, arguments)))
    if inspect.iscoroutine(answer):
        answer.close()  # else Python warns that nobody awaited it
    for name, value in arguments.items():
        if change := describe_change(value, copies[name]):
            raise _Fault(Verdict(NOT_YET, change.format(name=name)))
    return answer


def _raised(error, function, arguments):
    """Say in one sentence what the learner's function raised, where, and for which arguments."""
    if isinstance(error, UsedAutograd):
        return str(error)
    if isinstance(error, RecursionError):
        return "it calls itself without end"
    if isinstance(error, SystemExit):
        return "it calls sys.exit(), which would end the notebook"
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted before it returned"
    line, trace = "", error.__traceback__
    while trace:
        if trace.tb_frame.f_code is getattr(function, "__code__", None):
            line = f" in its line {trace.tb_lineno - trace.tb_frame.f_code.co_firstlineno + 1}"
        trace = trace.tb_next
    given = ", ".join(describe_argument(name, value) for name, value in arguments.items())
    return f"it raised {type(error).__name__}{line}: {first_words(error)} (where {given})"


@contextmanager
def _random_state_kept():
    """Whatever runs inside, the global generators of torch, NumPy and Python are afterwards as they were."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
