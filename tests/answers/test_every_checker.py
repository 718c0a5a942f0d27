"""What a chapter's checkers answer to junk and to a stub; right and wrong answers stand in test_chapterNN.

Those of checkers that take numbers, or more than one function, stand there, too.
"""

import inspect

import pytest
import torch

from tests.answers.answers import CHAPTERS
from utils.answers import chapter01, chapter02, chapter03, chapter06
from utils.exercises.verdict import NOT_ATTEMPTED, NOT_YET

CHECKED = {  # each where it is written, not where it is imported
    f"{chapter.__name__}.{name}": checker
    for chapter in CHAPTERS
    for name, checker in vars(chapter).items()
    if name.startswith("check_") and checker.__module__ == chapter.__name__
}
CHECKERS = {name: checker for name, checker in CHECKED.items() if list(inspect.signature(checker).parameters) == ["f"]}  # of a function


def stub(*arguments):
    ...


def stub_that_raises(*arguments):
    raise NotImplementedError


STUBS = [None, ..., stub, stub_that_raises, print, lambda *a: None, lambda *a: ...]
JUNK = [3, "text", torch.ones(3), [], object(), len, lambda: 1, lambda: None, lambda *a: 1 / 0, lambda *a: "no",
        lambda *a: [None], lambda *a: (torch.ones(2, 2), "no"), lambda *a: torch.ones(2, 2, 2), lambda *a: a,
        lambda *a: torch.zeros(0), lambda *a: 10**400]  # fmt: skip
checkers = pytest.mark.parametrize("checker", CHECKERS.values(), ids=CHECKERS)


def test_every_chapter_has_a_checker():
    assert {name.rpartition(".")[0] for name in CHECKERS} == {chapter.__name__ for chapter in CHAPTERS}


@checkers
@pytest.mark.parametrize("junk", JUNK)
def test_junk_gets_one_sentence(checker, junk):
    verdict = checker(junk)
    assert verdict.status == NOT_YET and len(verdict.sentence.splitlines()) == 1, verdict


@checkers
@pytest.mark.parametrize("attempt", STUBS)
def test_a_stub_is_not_attempted(checker, attempt):
    verdict = checker(attempt)
    assert verdict.status == NOT_ATTEMPTED and not verdict


OF_NUMBERS = {name: checker for name, checker in CHECKED.items() if name not in CHECKERS}


@pytest.mark.parametrize("checker", OF_NUMBERS.values(), ids=OF_NUMBERS)
def test_a_number_that_is_nan_is_told_so(checker):
    names = list(inspect.signature(checker).parameters)
    for name in names:
        verdict = checker(*(float("nan") if other == name else 1.0 for other in names))
        assert verdict.status == NOT_YET and f"{name} is nan" in verdict.sentence, verdict


def test_a_net_that_is_nan_by_the_learners_own_formula_is_told_so():
    verdict = chapter06.check_through(lambda x, blocks: x * 0 / 0)
    assert verdict.status == NOT_YET and verdict.sentence.startswith("your result is nan"), verdict


def _by_grad(function):
    def answer(z):
        z = z.clone().requires_grad_()
        return torch.autograd.grad(function(z).sum(), z)[0]

    return answer


def _by_backward(function):
    def answer(z):
        with torch.enable_grad():
            z = z.clone().requires_grad_()
            function(z).sum().backward()
        return z.grad

    return answer


def _by_func(function):
    return lambda z: torch.func.grad(lambda z: function(z).sum())(z)


@pytest.mark.parametrize("way", [_by_grad, _by_backward, _by_func])
@pytest.mark.parametrize("checker, function", [
    (chapter03.check_gelu_slope, torch.nn.functional.gelu),
])  # fmt: skip
def test_a_slope_by_autograd_is_refused_in_kind_words(checker, function, way):
    verdict = checker(way(function))
    assert verdict.status == NOT_YET and "this exercise asks for the formula" in verdict.sentence, verdict


@pytest.mark.parametrize("checker, forward", [
    (chapter01.check_backward_step, lambda delta, W, z: (torch.sigmoid(z) @ W.T * delta).sum()),
    (chapter02.check_relu_backward, lambda delta, z: (torch.relu(z) * delta).sum()),
])  # fmt: skip
def test_a_step_back_by_autograd_is_refused_in_kind_words(checker, forward):
    def answer(*given):
        z = given[-1].clone().requires_grad_()
        return torch.autograd.grad(forward(*given[:-1], z), z)[0]

    verdict = checker(answer)
    assert verdict.status == NOT_YET and "this exercise asks for the formula" in verdict.sentence, verdict
