"""What every checker does: compare a learner's function with the right one, and answer in one sentence.

Nothing that a learner passes ends in a traceback. A checker for a new exercise is a reference solution, a few cases,
and the typical mistakes with what to say to them (see `chapter01`), under the decorator `exercise`; `check` does the rest.
"""

import copy
import functools
import inspect
import random
import sys
from contextlib import contextmanager, nullcontext
from numbers import Real

import numpy as np
import torch
from torch import nn

from utils import progress
from utils.exercises.handwork import UsedAutograd, without_autograd
from utils.exercises.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict
from utils.torchdoctor.errors import WrongType


class _Fault(Exception):
    """The learner's function ended without an answer that could be compared; the argument is the Verdict."""


def exercise(checker):
    """Make a chapter's checker an exercise: the `Verdict` "correct" that it returns is noted in the learner's progress.

    What is noted is what the checker says in the end, and not a step on its way; with it goes the number of exercises
    that the checker's module has.
    """
    @functools.wraps(checker)
    def checked(*answers):
        verdict = checker(*answers)
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


def _check_case(function, reference, case, mistakes, convert, by_hand, rtol, atol):
    """Raise _Fault with the Verdict if `function` fails on this case."""
    names = list(inspect.signature(reference).parameters)
    answer = _answer(function, dict(zip(names, case)), without_autograd if by_hand else nullcontext)
    if convert is not None:
        try:
            answer = convert(answer)
        except WrongType as error:
            raise _Fault(Verdict(NOT_YET, str(error)))
    expected = reference(*map(_copied, case))
    difference = _difference(answer, expected, dict(zip(names, case)), rtol, atol)
    if difference is None:
        return
    for wrong, hint in mistakes.items():
        if _same_mistake(answer, wrong, case, rtol, atol):
            difference = f"{hint} ({difference})"
            break
    raise _Fault(Verdict(NOT_YET, difference))


def _same_mistake(answer, wrong, case, rtol, atol):
    """Whether `wrong` gives what the learner's function gave on this case."""
    try:
        mistaken = wrong(*map(_copied, case))
        several = isinstance(mistaken, tuple)
        pairs = zip(answer, mistaken, strict=True) if several else [(answer, mistaken)]
        return all(_difference(ours, theirs, {}, rtol, atol) is None for ours, theirs in pairs)
    except Exception:  # noqa: BLE001 - a mistake that does not run on this case, or gives another kind of answer
        return False


def _answer(function, arguments, within):
    """Return what `function` gives `within` a context for copies of `arguments` (name -> value), or raise _Fault."""
    if not callable(function):
        raise _Fault(Verdict(NOT_YET, f"expected a function, got {_kind(function)}"))
    copies = {name: _copied(value) for name, value in arguments.items()}
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
        with within():
            answer = function(*copies.values())
    except BaseException as error:  # noqa: BLE001 - sys.exit() and an interrupted endless loop count, too
        status = NOT_ATTEMPTED if isinstance(error, NotImplementedError) else NOT_YET
        raise _Fault(Verdict(status, _raised(error, function, arguments)))
    if inspect.iscoroutine(answer):
        answer.close()  # else Python warns that nobody awaited it
    if answer is None or answer is ...:
        raise _Fault(Verdict(NOT_ATTEMPTED, "the function returns nothing so far"))
    for name, value in arguments.items():
        if change := _change(value, copies[name]):
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
    given = ", ".join(_argument(name, value) for name, value in arguments.items())
    return f"it raised {type(error).__name__}{line}: {_short(error)} (where {given})"


def _difference(answer, expected, arguments, rtol, atol):
    """Return a sentence on the first difference between an answer and what was expected, or None if they agree."""
    if not isinstance(expected, torch.Tensor):
        single = isinstance(answer, torch.Tensor) and answer.numel() == 1 and not answer.is_complex()
        if isinstance(answer, bool) or not (isinstance(answer, Real) or single):
            return f"expected a number, got {_kind(answer)}"
        answer, expected = torch.tensor(float(answer)).double(), torch.tensor(float(expected)).double()
    if not isinstance(answer, torch.Tensor):
        numbers = f"{len(expected)} numbers, such as " if expected.dim() == 1 else ""
        return f"expected {numbers}a tensor of shape {tuple(expected.shape)}, got {_kind(answer)}"
    if answer.shape != expected.shape:
        return f"expected shape {tuple(expected.shape)}, got {tuple(answer.shape)}"
    if answer.is_floating_point() != expected.is_floating_point() or answer.is_complex() != expected.is_complex():
        return f"expected numbers of type {expected.dtype}, got {answer.dtype}"
    if expected.requires_grad and not answer.requires_grad:
        return "the answer is cut off from the graph (detached): autograd cannot go back through it"
    answer, expected = answer.detach().double(), expected.detach().double()
    allowed = rtol * expected.abs() + atol * expected.abs().max() if expected.numel() else expected
    wrong = ~((answer - expected).abs() <= allowed)  # written so that nan counts as wrong
    if not wrong.any():
        return None
    place = tuple(wrong.nonzero()[0].tolist())
    at = f" at {list(place)}" if place else ""
    given = [f"{name} = {value[place].item():.4g}" for name, value in arguments.items()
             if isinstance(value, torch.Tensor) and value.shape == expected.shape]
    given += [_argument(name, value) for name, value in arguments.items() if isinstance(value, Real)]
    where = f"{at} for {', '.join(given)}" if given else at
    nan = " (not a number)" if answer[place].isnan() else ""
    return f"expected {expected[place]:.4g}{where}, got {answer[place]:.4g}{nan}"


def _change(before, after):
    """Return a sentence, with {name} in it, if an argument is not as it was before the call, else None."""
    if isinstance(before, nn.Module):
        if any(p.grad is not None for p in after.parameters()):
            return "it leaves gradients behind in the .grad of {name}'s parameters: use torch.autograd.grad"
        old, new = before.state_dict(), after.state_dict()
        same = old.keys() == new.keys() and all(_equal(old[key], new[key]) for key in old)
    else:
        same = not isinstance(before, torch.Tensor) or _equal(before, after)
    return None if same else "it changes its argument {name} in place: work on a copy"


def _equal(a, b):
    """Whether two tensors agree in type, shape and values."""
    return a.dtype == b.dtype and torch.equal(a, b)


def _copied(value):
    """Return an independent copy of an argument."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    return copy.deepcopy(value)


def _kind(value):
    """Name a value's kind for a sentence: a tensor by its shape, anything else by its type."""
    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        return f"a {dtype} tensor of shape {tuple(value.shape)}"
    return f"a value of type {type(value).__name__}"


def _argument(name, value):
    """Describe an argument for a sentence: a number by its value, anything else by its kind."""
    return f"{name} = {value:.4g}" if isinstance(value, Real) else f"{name} is {_kind(value)}"


def _short(error):
    """Return the first line of an error's message, cut to a readable length."""
    line = (str(error).strip() or "no message").splitlines()[0]
    return line if len(line) <= 160 else line[:157] + "..."


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
