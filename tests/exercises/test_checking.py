"""The engine of all checkers: choices, vectors, mistakes, what a check leaves alone, and the box of a verdict."""

import random

import numpy as np
import pytest
import torch

from utils.exercises.checking import as_vector, check
from utils.exercises.verdict import COLOURS, CORRECT, NO_CHOICE, NOT_ATTEMPTED, NOT_YET, Verdict, check_choice

CHOICES = {"vanishing gradient": "The norm falls by six orders.", "dead units": "No unit is silent in every sample."}


def test_a_choice():
    right = check_choice(" Vanishing  GRADIENT ", "vanishing gradient", CHOICES)
    assert right
    assert right.sentence == CHOICES["vanishing gradient"]
    wrong = check_choice("deadunits", "vanishing gradient", CHOICES)
    assert (wrong.status, wrong.sentence) == (NOT_YET, CHOICES["dead units"])
    assert check_choice(..., "dead units", CHOICES).status == NOT_ATTEMPTED
    with pytest.raises(ValueError, match="none of the choices"):
        check_choice("dead units", "flu", CHOICES)


@pytest.mark.parametrize("answer", [..., None, "flu", "", 3, [], {}, b"dead units", torch.ones(2), print])
def test_no_choice_is_told_the_choices_as_they_are_typed(answer):
    verdict = check_choice(answer, "dead units", CHOICES)
    assert verdict.status == (NOT_ATTEMPTED if answer is None or answer is ... else NO_CHOICE)
    assert verdict.sentence.endswith('choose one of "vanishing gradient", "dead units"')


def test_a_misspelt_choice_is_repeated_and_not_called_wrong():
    verdict = check_choice("ded units", "dead units", CHOICES)
    assert repr(verdict) == ('? no such answer: "ded units" is none of the answers; '
                             'choose one of "vanishing gradient", "dead units"')
    assert not verdict


@pytest.mark.parametrize("answer", [[1, 2.5], (torch.tensor(1.0), torch.tensor([2.5])), [np.float32(1), 2.5]])
def test_numbers_become_a_vector(answer):
    assert torch.equal(as_vector(answer), torch.tensor([1.0, 2.5], dtype=torch.float64))


@pytest.mark.parametrize("answer", [3, "12", None, ["1"], [None], [torch.ones(2), torch.ones(2)], [[1.0]], [1j]])
def test_anything_else_stays_as_it_is(answer):
    assert as_vector(answer) is answer


def test_a_mistake_may_be_a_tuple_and_is_found_in_a_list_too():
    mistakes = {lambda z: (z, z): "one of them is enough"}
    for attempt in (lambda z: (z, z), lambda z: [z, z]):
        assert "one of them" in check(attempt, lambda z: z, [(torch.ones(3),)], mistakes=mistakes).sentence
    for attempt in (lambda z: (z,), lambda z: (z, 2 * z), lambda z: 3, lambda z: 2 * z):
        verdict = check(attempt, lambda z: z, [(torch.ones(3),)], mistakes=mistakes)
        assert verdict.status == NOT_YET and "one of them" not in verdict.sentence


def test_there_is_no_fourth_status():
    with pytest.raises(ValueError, match="a verdict is one of .* not 'maybe'"):
        Verdict("maybe")


def test_checking_leaves_the_random_state_and_the_arguments_alone():
    def noisy(z):
        torch.manual_seed(1)
        np.random.seed(1)
        random.seed(1)
        return z.zero_()

    z = torch.ones(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    assert not check(noisy, lambda z: z + 1, [(z,)])
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()
    assert random.getstate() == before[2]
    assert torch.equal(z, torch.ones(3))


def test_a_detached_answer_is_found():
    z = torch.ones(3, requires_grad=True)
    assert check(lambda z: 2 * z, lambda z: 2 * z, [(z,)])
    assert "detached" in check(lambda z: 2 * z.detach(), lambda z: 2 * z, [(z,)]).sentence


def luminance(colour):
    """Return the relative luminance of '#RRGGBB' after WCAG 2.1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("status", [CORRECT, NOT_YET, NOT_ATTEMPTED])
def test_the_box_is_readable_in_words_and_in_contrast(status):
    dark, light = sorted(map(luminance, COLOURS[status]))
    assert (light + 0.05) / (dark + 0.05) >= 4.5
    box = Verdict(status, "a <b> & c")._repr_html_()
    assert status in box
    assert "a &lt;b&gt; &amp; c" in box


def square(z):
    return z**2


@pytest.mark.parametrize("case", [3.0, torch.tensor([[0.5, -1.25], [3.0, 1e-3]], dtype=torch.float64), torch.tensor(1.5)])
def test_a_function_that_prints_the_right_answer_is_told_to_return_it(case, capsys):
    for attempt in (lambda z: print(square(z)), lambda z: print("z =", z, "\n", square(z))):
        verdict = check(attempt, square, [(case,)])
        assert (verdict.status, verdict.sentence) == (
            NOT_YET, "it prints the right answer, and returns nothing: write `return` in place of `print`")
    assert str(square(case)) in capsys.readouterr().out  # what it prints is still seen


@pytest.mark.parametrize("attempt", [print, lambda z: print(2 * z), lambda z: print("done"), lambda z: print(square(z), 7)])
def test_a_function_that_prints_something_else_is_not_attempted(attempt):
    assert check(attempt, square, [(3.0,)]) == Verdict(NOT_ATTEMPTED, "the function returns nothing so far")


def test_what_is_printed_is_compared_with_the_answer_and_not_with_what_a_checker_looks_at():
    shape_of = {"convert": lambda answer: torch.tensor(answer.shape)}  # what is expected is the shape of the answer
    verdict = check(lambda n: print(n, 2), lambda n: torch.tensor([n, 2]), [(3,)], **shape_of)
    assert verdict.status == NOT_ATTEMPTED
    assert check(lambda n: print(n, 2), lambda n: torch.tensor([n, 2]), [(3,)], convert=as_vector).status == NOT_YET


def test_a_function_that_prints_on_its_way_may_be_right(capsys):
    def attempt(z):
        print("here")
        return z**2

    assert check(attempt, square, [(3.0,)])
    assert capsys.readouterr().out == "here\n"


NAN = "nan (which comes of 0/0, or of the root of a negative number)"


def test_nan_is_blamed_on_nan():
    z = torch.tensor([2.0, 0.0, 3.0])
    verdict = check(lambda z: 0.5 * z / z, lambda z: torch.ones(3), [(z,)], mistakes={lambda z: 0.5 * z / z: "a mistake"})
    assert verdict.sentence == f"expected 1 at [1] for z = 0, but your result is {NAN}"  # and not on the half at [0]
    assert check(lambda z: float("nan"), square, [(3.0,)]).sentence == f"expected 9 for z = 3, but your result is {NAN}"
    assert check(lambda z: 8.0, square, [(3.0,)]).sentence == "expected 9 for z = 3, got 8"
