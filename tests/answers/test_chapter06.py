"""The checkers of chapter 6: right answers, typical wrong ones, junk; its patients."""

import math

import pytest
import torch
from torch import nn

from tests.answers.answers import right_answers, wrong_answers
from utils.answers import chapter06
from utils.answers.chapter06 import check_branch_scale, check_stream_jacobian, check_through
from utils.exercises import clinic
from utils.torchdoctor import measure
from utils.training.loop import race


def eye(branches):
    return torch.eye(branches.shape[-1], dtype=branches.dtype)


def product(factors):
    return torch.linalg.multi_dot(list(factors.flip(0)))


def skips(factor, carry=1.0):
    def through(x, blocks):
        for block in blocks:
            x = carry * x + factor(len(blocks)) * block(x)
        return x

    return through


CLAIMS = 18  # that the ledger has of this chapter, each with a cell
CURE = "x + F(x) / sqrt(50)"  # of both patients

RIGHT = [
    (check_stream_jacobian, lambda branches: product(eye(branches) + branches)),
    (check_branch_scale, lambda blocks, growth: (growth ** (1 / blocks) - 1) ** 0.5),
    (check_branch_scale, lambda blocks, growth: torch.tensor(math.expm1(math.log(growth) / blocks)).sqrt()),
    (check_through, skips(lambda L: L**-0.5)),
    (check_through, skips(lambda L: 1 / L)),
    (check_through, lambda x, blocks: [x := x + block(x) / len(blocks) ** 0.5 for block in blocks][-1]),
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
    (check_through, lambda x, blocks: nn.Sequential(*blocks)(x), "around every block"),
    (check_through, skips(lambda L: 1.0), "too much"),
    (check_through, skips(lambda L: 0.5, carry=0.5), "% of the digits"),
    (check_through, lambda x, blocks: x, "left out"),
    (check_through, lambda x, blocks: x + blocks[0](x), "left out"),
    (check_through, lambda x, blocks: x + nn.Sequential(*blocks)(x), "around every block"),
    (check_through, lambda x, blocks: x + sum(block(x) for block in blocks) / len(blocks) ** 0.5, "side by side"),
    (check_through, skips(lambda L: 1e-9), "next to nothing"),
    (check_through, skips(lambda L: 0.01), "next to nothing"),
    (check_branch_scale, lambda blocks, growth: (math.log(growth) / blocks) ** 0.5, "many blocks"),
    (check_through, lambda x, blocks: x[:, :1], "expected"),
    (check_through, lambda x, blocks: skips(lambda L: 0.5)(x[:2, :4], blocks), "raised"),
]


test_a_right_answer_is_correct = right_answers(RIGHT)
test_a_wrong_answer_gets_its_reason = wrong_answers(WRONG)


@pytest.mark.slow
@pytest.mark.parametrize("patient", [chapter06.PATIENT, chapter06.SECOND_PATIENT], ids=["plain", "damped"])
def test_only_the_right_prescription_cures_and_soon(patient):
    assert clinic.treat(patient, CURE, steps=150)
    wrong = {name: treatment for name, treatment in patient.prescriptions.items() if name != CURE}
    nets, rates = ({name: get(treatment) for name, treatment in wrong.items()} for get in (lambda t: t.make(), lambda t: t.lr))
    runs = race(nets, *patient.data()[:2], steps=150, lr=rates, live=False)  # side by side: once each, not once a prescription
    assert all(run.accuracy < patient.cured for run in runs.values()), runs
    assert clinic.name_disease(patient, patient.disease)


def test_what_the_answers_say_of_the_plain_patient_is_what_is_measured():
    (x, y, *_), net = chapter06.PATIENT.data(), chapter06.PATIENT.make()
    plain = measure(net, x[:128], y[:128])
    assert 0.3 < plain.delta_norm[0] / plain.delta_norm[-2] < 1, "layer 1 gets half of what the last layer gets"
    assert plain.pre_std[-2] < plain.pre_std[0], "z falls a little"
    stream = net.stream(x[:64])[-1].detach()
    assert torch.nn.functional.cosine_similarity(stream[:-1], stream[1:]).min() > 0.95, "digits look the same"
    cured = measure(chapter06.PATIENT.prescriptions[CURE].make(), x[:128], y[:128])
    assert plain.dead[80:-1].mean() > 0.4, "half of the units of a late layer are silent"
    assert cured.dead[80:-1].mean() < 0.25, "silent units are a symptom"
