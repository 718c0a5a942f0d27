"""The checkers of chapter 7: right answers, typical wrong ones, junk."""

import math

import pytest
import torch
from torch import nn

from tests.answers.answers import right_answers, wrong_answers
from utils import diagnose
from utils.answers import chapter07
from utils.answers.chapter07 import check_bias_for, check_clip_norm, check_memory
from utils.exercises.verdict import NOT_ATTEMPTED


def clip_of_torch(g, c):
    p = nn.Parameter(torch.zeros_like(g))
    p.grad = g.clone()
    nn.utils.clip_grad_norm_([p], c)
    return p.grad


CLAIMS = 15  # that the ledger has of this chapter, each with a cell

RIGHT = [
    (check_bias_for, lambda steps: -math.log(2 ** (1 / steps) - 1)),
    (check_bias_for, lambda steps: torch.logit(torch.tensor(0.5).double() ** (1 / steps))),
    (check_clip_norm, lambda g, c: g * (c / g.norm()).clamp(max=1)),
    (check_clip_norm, lambda g, c: g * c / g.norm() if g.norm() > c else g),
    (check_clip_norm, clip_of_torch),
]
WRONG = [
    (check_bias_for, lambda steps: 0.5 ** (1 / steps), "the gate f"),
    (check_bias_for, lambda steps: math.log(2 ** (1 / steps) - 1), "sign"),
    (check_bias_for, lambda steps: math.log(steps - 1), "1/e"),
    (check_bias_for, lambda steps: math.log(steps / math.log(2)), "good approximation"),
    (check_bias_for, lambda steps: math.log(steps), "less than one half"),
    (check_bias_for, lambda steps: math.log(2) / steps, "lost per step"),
    (check_bias_for, lambda steps: 7.27, "expected"),
    (check_clip_norm, lambda g, c: g.clamp(-c, c), "bends"),
    (check_clip_norm, lambda g, c: g * c / g.norm(), "stays as it is"),
    (check_clip_norm, lambda g, c: g / g.norm(), "not to 1"),
    (check_clip_norm, lambda g, c: g * (c / g.norm(dim=-1, keepdim=True)).clamp(max=1), "all entries together"),
    (check_clip_norm, lambda g, c: g * (c / g.square().sum()).clamp(max=1), "squared"),
    (check_clip_norm, lambda g, c: g.clone(), "must be shortened"),
    (check_clip_norm, lambda g, c: g.norm().clamp(max=c), "expected"),
]


test_a_right_answer_is_correct = right_answers(RIGHT)
test_a_wrong_answer_gets_its_reason = wrong_answers(WRONG)


@pytest.mark.parametrize("answer", [(5.0, -5.0), (torch.tensor(4.5), -4.5), (7.0, -4.0)])
def test_biases_with_which_the_lstm_recalls_are_correct(answer):
    assert check_memory(*answer)


@pytest.mark.parametrize("answer, said", [
    ((0.0, 0.0), "not enough to learn from"),
    ((1.0, -5.0), "not enough to learn from"),
    ((5.0, 0.0), "let 50% of every distractor in, 100 times over"),
    ((1e3, 0.0), "beyond 100"),
    ((float("nan"), 0.0), "b_f is nan"),
    (("five", 0.0), "two plain numbers"),
    ((torch.zeros(2), 0.0), "two plain numbers"),
])
def test_biases_with_which_it_does_not_get_their_reason(answer, said):
    verdict = check_memory(*answer)
    assert not verdict and said in verdict.sentence


@pytest.mark.parametrize("answer", [(..., ...), (5.0, ...), (None, -5.0)])
def test_dots_are_not_attempted(answer):
    assert check_memory(*answer).status == NOT_ATTEMPTED


def test_the_lesson_needs_both_biases_and_says_so_without_them():
    patient = chapter07.WARD["A"]
    assert patient.disease == "a memory that forgets" and patient.chapter == "7"
    assert set(patient.prescriptions) == {"a tenth of the learning rate", "forget biases of 1", "chrono biases"}


def test_the_ward_has_five_diseases_and_names_all_seven_chapters():
    patients = chapter07.WARD.values()
    assert len({patient.disease for patient in patients}) == len(patients) == 5
    assert {digit for patient in patients for digit in patient.chapter if digit.isdigit()} == set("1234567")


@pytest.mark.parametrize("bed, kind", [("A", "vanishing in time"), ("B", "vanishing"), ("C", "exploding"), ("D", "exploding"),
                                       ("E", "dead")])
def test_a_second_opinion_names_the_symptom_and_a_remedy(bed, kind):
    patient = chapter07.WARD[bed]
    x, y, *_ = patient.data()
    finding = diagnose(patient.make(), x[:256], y[:256], lr=patient.lr).findings[0]
    assert finding.kind == kind and finding.remedy
