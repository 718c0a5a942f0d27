"""The checkers of chapter 7: right answers, typical wrong ones, junk."""

import math

import pytest
import torch
from torch import nn

from tests.answers.answers import right_answers, wrong_answers
from utils import diagnose
from utils.answers import chapter07
from utils.answers.chapter07 import check_bias_for, check_clip_norm, check_lstm_step, check_rnn_backward


def lstm(x, h, c, W, U, b, order="ifgo", squash=torch.tanh, shown="new", forget=True):
    gates = dict(zip(order, (x @ W.T + h @ U.T + b).chunk(4, dim=1)))
    new = (torch.sigmoid(gates["f"]) * c if forget else c) + torch.sigmoid(gates["i"]) * squash(gates["g"])
    return torch.sigmoid(gates["o"]) * torch.tanh({"new": new, "old": c}[shown]), new


def lstm_of_torch(x, h, c, W, U, b):
    cell = nn.LSTMCell(x.shape[1], h.shape[1], dtype=x.dtype)
    with torch.no_grad():
        for parameter, value in zip(cell.parameters(), (W, U, b, torch.zeros_like(b))):
            parameter.copy_(value)
    return cell(x, (h, c))


def clip_of_torch(g, c):
    p = nn.Parameter(torch.zeros_like(g))
    p.grad = g.clone()
    nn.utils.clip_grad_norm_([p], c)
    return p.grad


CLAIMS = 15  # that the ledger has of this chapter, each with a cell

RIGHT = [
    (check_rnn_backward, lambda left, W, h: (left * (1 - h**2)) @ W),
    (check_rnn_backward, lambda left, W, h: torch.einsum("bi,ij->bj", left * (1 - h * h), W)),
    (check_bias_for, lambda steps: -math.log(2 ** (1 / steps) - 1)),
    (check_bias_for, lambda steps: torch.logit(torch.tensor(0.5).double() ** (1 / steps))),
    (check_lstm_step, lstm),
    (check_lstm_step, lstm_of_torch),
    (check_clip_norm, lambda g, c: g * (c / g.norm()).clamp(max=1)),
    (check_clip_norm, lambda g, c: g * c / g.norm() if g.norm() > c else g),
    (check_clip_norm, clip_of_torch),
]
WRONG = [
    (check_rnn_backward, lambda left, W, h: (left * (1 - h**2)) @ W.T, "not transposed"),
    (check_rnn_backward, lambda left, W, h: left @ W, "slope of tanh is missing"),
    (check_rnn_backward, lambda left, W, h: (left @ W) * (1 - h**2), "first through tanh"),
    (check_rnn_backward, lambda left, W, h: (left * (1 - h.tanh() ** 2)) @ W, "already"),
    (check_rnn_backward, lambda left, W, h: (left * h * (1 - h)) @ W, "sigmoid"),
    (check_rnn_backward, lambda left, W, h: left * (1 - h**2), "expected"),
    (check_bias_for, lambda steps: 0.5 ** (1 / steps), "the gate f"),
    (check_bias_for, lambda steps: math.log(2 ** (1 / steps) - 1), "sign"),
    (check_bias_for, lambda steps: math.log(steps - 1), "1/e"),
    (check_bias_for, lambda steps: math.log(steps), "less than one half"),
    (check_bias_for, lambda steps: math.log(2) / steps, "lost per step"),
    (check_bias_for, lambda steps: 7.27, "expected"),
    (check_lstm_step, lambda *a: lstm(*a, order="figo"), "order"),
    (check_lstm_step, lambda *a: lstm(*a, order="ifog"), "order"),
    (check_lstm_step, lambda *a: lstm(*a, squash=torch.sigmoid), "takes a tanh"),
    (check_lstm_step, lambda *a: lstm(*a, shown="old"), "the new c"),
    (check_lstm_step, lambda *a: lstm(*a, forget=False), "forget gate is missing"),
    (check_lstm_step, lambda *a: lstm(*a)[::-1], "h first"),
    (check_lstm_step, lambda *a: lstm(*a)[0], "return h, c"),
    (check_lstm_step, lambda x, h, c, W, U, b: (h, c[:, :2]), "the new c has shape (3, 4), like the old one, not (3, 2)"),
    (check_lstm_step, lambda x, h, c, W, U, b: (None, c), "the new h has shape (3, 4)"),
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


def test_each_answer_of_the_quiz_gets_more_than_three_words():
    assert all(len(reason.split()) > 3 for question in chapter07.QUIZ.values() for reason in question.answers.values())


def test_the_ward_has_five_diseases_and_names_all_seven_chapters():
    patients = chapter07.WARD.values()
    assert len({patient.disease for patient in patients}) == len(patients) == 5
    assert {digit for patient in patients for digit in patient.chapter if digit.isdigit()} == set("1234567")


@pytest.mark.parametrize("bed, kind", [("A", "vanishing"), ("B", "exploding"), ("C", "exploding"), ("D", "dead"),
                                       ("E", "vanishing in time")])
def test_a_second_opinion_names_the_symptom_and_a_remedy(bed, kind):
    patient = chapter07.WARD[bed]
    x, y, *_ = patient.data()
    finding = diagnose(patient.make(), x[:256], y[:256], lr=patient.lr).findings[0]
    assert finding.kind == kind and finding.remedy
