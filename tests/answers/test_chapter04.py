"""The checkers of chapter 4: right answers, typical wrong ones, junk; its patient is sick, and one treatment cures it."""

import math

import pytest
import torch
from torch.nn import functional as F

from tests.answers.answers import right_answers, wrong_answers
from utils.answers.chapter04 import (
    PATIENT,
    check_edge_sigma_w,
    check_layers_until,
    check_next_cosine,
    check_thirty_layers,
    thirty_layers,
)
from utils.data.datasets import digits
from utils.nets.mlp import MLP
from utils.theory import meanfield

CLAIMS = 15  # of this chapter, each with a cell: the ledger's 11, and what the evidence adds of width, large models and pretraining
CURE = "sigma_w = 1.1"  # of its patient


def sampled(phi, q, c, second=lambda c: (1 - c**2) ** 0.5):
    """The mean product and the mean square of a pair behind phi."""
    u, v = torch.randn(2, 1_000_000, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    one, two = phi(q**0.5 * u), phi(q**0.5 * (c * u + second(c) * v))
    return (one * two).mean(), one.square().mean()


def next_cosine(phi, q, c, sigma_w, sigma_b):
    product, square = sampled(phi, q, c)
    return (sigma_w**2 * product + sigma_b**2) / (sigma_w**2 * square + sigma_b**2)


def wide_layer(phi, q, c, sigma_w, sigma_b):
    """The same, measured in a real layer of 2,000 units."""
    draw = torch.Generator().manual_seed(3)
    u, v = torch.linalg.qr(torch.randn(2000, 2, generator=draw))[0].T * 2000**0.5
    z = q**0.5 * torch.stack([u, c * u + (1 - c**2) ** 0.5 * v])
    out = phi(z) @ torch.randn(2000, 20_000, generator=draw) * sigma_w / 2000**0.5 + sigma_b * torch.randn(20_000, generator=draw)
    return F.cosine_similarity(*out, dim=0)


def lopsided(phi, q, c, sigma_w, sigma_b):
    product, square = sampled(phi, q, c, second=lambda c: 1 - c)
    return (sigma_w**2 * product + sigma_b**2) / (sigma_w**2 * square + sigma_b**2)


RIGHT = [
    (check_edge_sigma_w, lambda slopes: slopes.square().mean().rsqrt().item()),
    (check_edge_sigma_w, lambda slopes: (slopes.numel() ** 0.5) / slopes.norm()),
    (check_layers_until, lambda chi, ratio: 2 * math.log(ratio) / math.log(chi)),
    (check_layers_until, lambda chi, ratio: math.log(ratio, chi**0.5)),
    (check_next_cosine, next_cosine),
    (check_next_cosine, lambda *given: next_cosine(*given).item()),
]
WRONG = [
    (check_edge_sigma_w, lambda slopes: 1 / slopes.square().mean(), "squared"),
    (check_edge_sigma_w, lambda slopes: 1 / slopes.mean(), "mean of the squared"),
    (check_edge_sigma_w, lambda slopes: slopes.square().mean().sqrt(), "upside down"),
    (check_edge_sigma_w, lambda slopes: 1 / slopes.max(), "best case"),
    (check_edge_sigma_w, lambda slopes: 1 / slopes.norm(), "not a sum"),
    (check_layers_until, lambda chi, ratio: math.log(ratio) / math.log(chi), "its root"),
    (check_layers_until, lambda chi, ratio: math.log(ratio) / math.log(chi) / 2, "twice the layers"),
    (check_layers_until, lambda chi, ratio: -2 * math.log(ratio) / math.log(chi), "sign"),
    (check_layers_until, lambda chi, ratio: 2 * math.log(chi) / math.log(ratio), "upside down"),
    (check_layers_until, lambda chi, ratio: ratio / chi**0.5, "quotient of logarithms"),
    (check_next_cosine, lambda phi, q, c, w, b: sampled(phi, q, c)[0] / sampled(phi, q, c)[1], "both inputs receive the same bias"),
    (check_next_cosine, lambda phi, q, c, w, b: w**2 * sampled(phi, q, c)[0] / (w**2 * sampled(phi, q, c)[1] + b**2),
     "to their product as well"),
    (check_next_cosine, lambda phi, q, c, w, b: (w * sampled(phi, q, c)[0] + b) / (w * sampled(phi, q, c)[1] + b), "stand squared"),
    (check_next_cosine, lopsided, "sqrt(1 - c^2)"),
    (check_next_cosine, lambda phi, q, c, w, b: w**2 * sampled(phi, q, c)[0] + b**2, "divided by the mean square"),
    (check_next_cosine, lambda phi, q, c, w, b: (w**2 * sampled(phi, q, c)[0] + b**2) / q, "*next* layer"),
    (check_next_cosine, lambda phi, q, c, w, b: next_cosine(phi, q * q, c, w, b), "by its root"),
    (check_next_cosine, lambda phi, q, c, w, b: c, "does not stay"),
    (check_next_cosine, lambda phi, q, c, w, b: phi(torch.tensor([q, c])), "expected a number"),
]  # fmt: skip


test_a_right_answer_is_correct = right_answers(RIGHT)
test_a_wrong_answer_gets_its_reason = wrong_answers(WRONG)


def test_the_next_cosine_is_that_of_a_wide_layer():
    given = torch.tanh, 0.5, 0.4, 1.5, 0.3
    assert abs(wide_layer(*given) - next_cosine(*given)) < 0.03


# What a first answer to the repair may be -> what is said of it.
REPAIRS = {
    ...: "not attempted",
    "large": "one plain number",
    -1.0: "positive number",
    1.0: "the weights are too small",
    1.2: "the weights are too small",
    2.4: "the weights are too large",
}


@pytest.mark.parametrize("answer, words", REPAIRS.items())
def test_a_repair_that_fails_is_told_why(answer, words):
    verdict = check_thirty_layers(answer)
    assert not verdict
    assert words in repr(verdict)


@pytest.mark.parametrize("answer", [1.55, torch.tensor(1.45), 1.7])
def test_a_repair_that_learns_is_correct(answer):
    assert check_thirty_layers(answer)


def test_the_net_to_repair_has_the_biases_that_it_is_said_to_have():
    biases = torch.cat([layer.bias for layer in thirty_layers(1.0).hidden])
    assert len(thirty_layers(1.0).hidden) == 30 and abs(biases.std() - 0.5) < 0.02
    assert abs(meanfield.chi("tanh", meanfield.q_fixed_point("tanh", 1.55, 0.5), 1.55) - 1) < 0.01, "as the solution says"


def cosine_and_size(net):
    x, *_ = digits()
    z = net.signals(x[:2])[0][14].detach()
    return F.cosine_similarity(*z, dim=0).item(), z.square().mean().sqrt().item()


def test_the_patient_has_lost_its_inputs_and_without_biases_it_loses_its_signal():
    (sick, size), (bare, small) = (cosine_and_size(make()) for make in
                                   (PATIENT.make, PATIENT.prescriptions["biases of 0"].make))
    assert sick > 0.99 and size > 0.05
    assert bare < 0.9 and small < 0.01
    assert isinstance(PATIENT.make(), MLP)
