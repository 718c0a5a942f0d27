"""The checkers of chapter 6: right answers, typical wrong ones, junk; its quiz, and its patient."""

import math

import pytest
import torch
from torch import nn

from tests.answers.answers import right_answers, wrong_answers
from utils.answers import chapter06
from utils.answers.chapter06 import (
    check_branch_scale,
    check_gate_bias,
    check_path_share,
    check_stream_jacobian,
    check_through,
)
from utils.exercises import clinic
from utils.training.loop import race


def eye(branches):
    return torch.eye(branches.shape[-1], dtype=branches.dtype)


def product(factors):
    return torch.linalg.multi_dot(list(factors.flip(0)))


def share(blocks, low, high):
    return sum(math.comb(blocks, k) for k in range(low, high + 1)) / 2**blocks


def logit(p):
    return math.log(p / (1 - p))


def skips(factor, carry=1.0):
    def through(x, blocks):
        for block in blocks:
            x = carry * x + factor(len(blocks)) * block(x)
        return x

    return through


CLAIMS = 18  # that the ledger has of this chapter, each with a cell
CURE = "x + F(x) / sqrt(50)"  # of its patient

RIGHT = [
    (check_stream_jacobian, lambda branches: product(eye(branches) + branches)),
    (check_branch_scale, lambda blocks, growth: (growth ** (1 / blocks) - 1) ** 0.5),
    (check_branch_scale, lambda blocks, growth: torch.tensor(math.expm1(math.log(growth) / blocks)).sqrt()),
    (check_gate_bias, lambda depth, carried: logit(1 - carried ** (1 / depth))),
    (check_gate_bias, lambda depth, carried: torch.tensor(1 - carried ** (1 / depth)).double().logit()),
    (check_path_share, share),
    (check_path_share, lambda L, a, b: torch.tensor([math.comb(L, k) / 2.0**L for k in range(a, b + 1)]).double().sum()),
    (check_through, skips(lambda L: L**-0.5)),
    (check_through, skips(lambda L: 1 / L)),
]
WRONG = [
    (check_stream_jacobian, product, "the skip adds the identity"),
    (check_stream_jacobian, lambda b: product((eye(b) + b).flip(0)), "newest"),
    (check_stream_jacobian, lambda b: eye(b) + product(b), "each block has a skip"),
    (check_stream_jacobian, lambda b: eye(b) + b.sum(0), "2^L terms"),
    (check_stream_jacobian, lambda b: product(1 + b), "diagonal only"),
    (check_stream_jacobian, lambda b: eye(b) + b, "expected shape"),
    (check_branch_scale, lambda blocks, growth: (growth / blocks) ** 0.5, "multiplies"),
    (check_branch_scale, lambda blocks, growth: growth ** (1 / blocks) - 1, "s squared"),
    (check_branch_scale, lambda blocks, growth: growth ** (1 / blocks), "factor of one block"),
    (check_branch_scale, lambda blocks, growth: growth ** (0.5 / blocks), "before the root"),
    (check_branch_scale, lambda blocks, growth: growth ** (0.5 / blocks) - 1, "uncorrelated"),
    (check_branch_scale, lambda blocks, growth: blocks**-0.5, "growth e"),
    (check_gate_bias, lambda depth, carried: logit(carried ** (1 / depth)), "opens the gate"),
    (check_gate_bias, lambda depth, carried: 1 - carried ** (1 / depth), "gate T itself"),
    (check_gate_bias, lambda depth, carried: logit(1 - carried), "one layer's"),
    (check_gate_bias, lambda depth, carried: logit(1 - carried / depth), "depth-th root"),
    (check_gate_bias, lambda depth, carried: math.log(1 - carried ** (1 / depth)), "inverse of the sigmoid"),
    (check_path_share, lambda blocks, low, high: share(blocks, low, high - 1), "`high` counts"),
    (check_path_share, lambda blocks, low, high: share(blocks, low, high) * 2**blocks, "number of paths"),
    (check_path_share, lambda blocks, low, high: (high - low + 1) / (blocks + 1), "equally likely"),
    (check_path_share, lambda blocks, low, high: share(blocks, 0, high), "up to `high`"),
    (check_through, lambda x, blocks: nn.Sequential(*blocks)(x), "% of the digits"),
    (check_through, skips(lambda L: 1.0), "too much"),
    (check_through, skips(lambda L: 0.5, carry=0.5), "% of the digits"),
    (check_through, lambda x, blocks: x, "left out"),
    (check_through, lambda x, blocks: x + blocks[0](x), "left out"),
    (check_through, lambda x, blocks: x[:, :1], "expected"),
    (check_through, lambda x, blocks: x[:2, :4] + nn.Sequential(*blocks)(x[:2, :4]), "raised"),
]


test_a_right_answer_is_correct = right_answers(RIGHT)
test_a_wrong_answer_gets_its_reason = wrong_answers(WRONG)


@pytest.mark.slow
def test_only_the_right_prescription_cures_and_soon():
    patient = chapter06.PATIENT
    assert clinic.treat(patient, CURE, steps=80)
    wrong = {name: treatment for name, treatment in patient.prescriptions.items() if name != CURE}
    nets, rates = ({name: get(treatment) for name, treatment in wrong.items()} for get in (lambda t: t.make(), lambda t: t.lr))
    runs = race(nets, *patient.data()[:2], steps=150, lr=rates, live=False)  # side by side: once each, not once a prescription
    assert all(run.accuracy < patient.cured for run in runs.values()), runs
    assert clinic.name_disease(patient, patient.disease)
