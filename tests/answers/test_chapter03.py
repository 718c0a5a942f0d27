"""The checkers of chapter 3: the right answer, typical wrong ones, and junk."""

import math

import pytest
import torch
from torch.nn import functional as F

from tests.answers.answers import right_answers, wrong_answers
from utils.answers.chapter03 import (
    PATIENT,
    check_gain,
    check_geglu,
    check_gelu_slope,
    check_selu_constants,
    check_twenty_layers,
    shifted,
)
from utils.data.datasets import digits
from utils.nets.mlp import MLP
from utils.torchdoctor import measure


def density(z):
    return torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)


def autograd_slope(z):
    z = z.clone().requires_grad_()
    return torch.autograd.grad(F.gelu(z).sum(), z)[0]


def sampled_gain(phi):
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(1))
    return 1 / phi(z).square().mean().sqrt()


def sampled_constants(q, alpha=None, level=None):
    z = q**0.5 * torch.randn(1_000_000, generator=torch.Generator().manual_seed(2))
    if alpha is None:
        alpha = z.clamp(min=0).mean() / (1 - torch.exp(z.clamp(max=0))).mean()
    shape = torch.where(z > 0, z, alpha * (torch.exp(z) - 1))
    return torch.as_tensor(alpha), ((q if level is None else level) / shape.square().mean()) ** 0.5


def test_the_constants_at_one_are_those_of_selu():
    assert check_selu_constants(lambda q: (1.67326, 1.0507) if q == 1 else sampled_constants(q))


def normal_cdf(z):
    return (1 + torch.erf(z / 2**0.5)) / 2


# What a first answer to the repair may be -> what is said of it.
REPAIRS = {
    (..., ...): "not attempted",
    ("a mean", 1.0): "two plain numbers",
    (0.0, -1.0): "positive number",
    (0.0, 0.82): "every unit still says 1.11 on average",
    (2.2, 0.82): "every unit still says -1.09",
    (1.11, 0.82): "the weights are too small",
    (1.11, 3.0): "the weights are too large",
}


@pytest.mark.parametrize("answer, words", REPAIRS.items())
def test_a_repair_that_fails_is_told_why(answer, words):
    verdict = check_twenty_layers(*answer)
    assert not verdict
    assert words in repr(verdict)


@pytest.mark.parametrize("answer", [(1.1093, 1.9265), (torch.tensor(1.1), torch.tensor(1.93)), (1.0, 1.91)])
def test_a_repair_that_learns_is_correct(answer):
    assert check_twenty_layers(*answer)


CURE = "subtract 0.8, and sigma_w = 1.41"


def averages(c):
    """Mean share, bend and gain of ReLU minus c, by their formulas."""
    mean, square = 1 / math.sqrt(2 * math.pi) - c, 0.5 - 2 * c / math.sqrt(2 * math.pi) + c * c
    return mean**2 / square, 0.5 / square - 1 + mean**2 / square, square**-0.5


def test_the_patients_bend_is_left_alone_and_its_cure_balances_it():
    share, bend, gain = averages(0.4)
    assert share < 1e-4 and bend == pytest.approx(0.47, abs=0.01) and gain == pytest.approx(1.713, abs=1e-3)
    share, bend, gain = averages(0.8)
    assert share == pytest.approx(bend, abs=0.01) and share == pytest.approx(0.32, abs=0.01)
    assert gain == pytest.approx(1.41, abs=0.01)


def test_the_patients_gradient_grows_and_the_cure_passes_it():
    x, y, *_ = digits()
    left = {}
    for name, treatment in {"sick": PATIENT, **PATIENT.prescriptions}.items():
        delta = measure(treatment.make(), x[:128], y[:128]).delta_norm
        left[name] = (delta[0] / delta[-1]).item()
    assert left["sick"] > 100 and left["subtract nothing, and leave sigma_w at 1.71"] > 100
    assert left["sigma_w = 1"] < 1e-3
    assert 0.2 < left[CURE] < 5


def test_a_shifted_net_without_a_shift_is_the_net_itself():
    x, *_ = digits()
    plain = MLP(3, activation="softplus", sigma_w=1.5, seed=1)
    assert torch.allclose(shifted(3, F.softplus, 0.0, 1.5, seed=1)(x), plain(x))


CLAIMS = 16  # that the ledger has of this chapter, each with a cell

RIGHT = [
    (check_gelu_slope, lambda z: normal_cdf(z) + z * density(z)),
    (check_gelu_slope, lambda z: normal_cdf(z) + z * torch.exp(-z * z / 2) / torch.tensor(2 * math.pi).sqrt()),
    (check_gain, sampled_gain),
    (check_gain, lambda phi: sampled_gain(phi).item()),
    (check_selu_constants, sampled_constants),
    (check_selu_constants, lambda q: list(map(float, sampled_constants(q)))),
    (check_selu_constants, lambda q: torch.stack(sampled_constants(q))),
    (check_geglu, lambda x, W, V, W_2: (F.gelu(x @ W) * (x @ V)) @ W_2),
    (check_geglu, lambda x, W, V, W_2: torch.einsum("bh,hd->bd", (x @ V) * F.gelu(x @ W), W_2)),
]
WRONG = [
    (check_gelu_slope, autograd_slope, "autograd computes that"),
    (check_gelu_slope, F.gelu, "GELU itself"),
    (check_gelu_slope, normal_cdf, "first half"),
    (check_gelu_slope, lambda z: normal_cdf(z) + density(z), "stays in front"),
    (check_gelu_slope, lambda z: z * density(z), "first term"),
    (check_gelu_slope, lambda z: normal_cdf(z) + z * torch.exp(-z.square() / 2), "1/sqrt(2 pi)"),
    (check_gelu_slope, lambda z: (z > 0).double(), "expected 0.5"),
    *[(check_gelu_slope, lambda z, h=h: (F.gelu(z + h) - F.gelu(z - h)) / (2 * h), "difference quotient")
      for h in (1e-5, 1e-4, 1e-3)],
    (check_gelu_slope, lambda z: (8 * (F.gelu(z + 0.01) - F.gelu(z - 0.01)) - F.gelu(z + 0.02) + F.gelu(z - 0.02)) / 0.12,
     "difference quotient"),
    (check_gain, lambda phi: 1 / sampled_gain(phi), "upside down"),
    (check_gain, lambda phi: sampled_gain(phi) ** 2, "gain squared"),
    (check_gain, lambda phi: 1 / phi(torch.randn(10**6)).std(), "gain of phi minus its mean"),
    (check_gain, lambda phi: phi(torch.randn(10**6)).std(), "upside down, and .std() takes the mean off"),
    (check_gain, lambda phi: 2**0.5, "expected 1.5"),
    (check_gain, lambda phi: phi, "expected a number"),
    (check_selu_constants, lambda q: sampled_constants(q)[::-1], "alpha, then lambda"),
    (check_selu_constants, lambda q: (1.6733, 1.0507), "constants for q = 1"),
    (check_selu_constants, lambda q: sampled_constants(q, level=1.0), "not 1"),
    (check_selu_constants, lambda q: sampled_constants(q, alpha=1.0), "first find alpha"),
    (check_selu_constants, lambda q: sampled_constants(q, alpha=1 / sampled_constants(q)[0]), "alpha is upside down"),
    (check_selu_constants, lambda q: (sampled_constants(q)[0], sampled_constants(q)[1] ** 2), "lambda squared"),
    (check_selu_constants, lambda q: (sampled_constants(q)[0], 1 / sampled_constants(q)[1]), "lambda is upside down"),
    (check_selu_constants, lambda q: sampled_constants(q**2), "by its root"),
    (check_selu_constants, lambda q: sampled_constants(q)[0], "expected"),
    (check_geglu, lambda x, W, V, W_2: (F.silu(x @ W) * (x @ V)) @ W_2, "SwiGLU"),
    (check_geglu, lambda x, W, V, W_2: (F.gelu(x @ V) * (x @ W)) @ W_2, "gate is x W"),
    (check_geglu, lambda x, W, V, W_2: F.gelu((x @ W) * (x @ V)) @ W_2, "before the product"),
    (check_geglu, lambda x, W, V, W_2: F.gelu(x @ W) @ W_2, "x V is missing"),
    (check_geglu, lambda x, W, V, W_2: F.gelu(x @ W) * (x @ V), "expected shape (4, 3), got (4, 5)"),
]


test_a_right_answer_is_correct = right_answers(RIGHT)
test_a_wrong_answer_gets_its_reason = wrong_answers(WRONG)
