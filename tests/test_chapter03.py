"""The checkers of chapter 3: the right answer, typical wrong ones, and junk."""

import math

import pytest
import torch
from torch.nn import functional as F

from utils.chapter03 import check_elu, check_gain, check_geglu, check_gelu_slope
from utils.verdict import NOT_ATTEMPTED, NOT_YET


def density(z):
    return torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)


def autograd_slope(z):
    z = z.clone().requires_grad_()
    return torch.autograd.grad(F.gelu(z).sum(), z)[0]


def sampled_gain(phi):
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(1))
    return 1 / phi(z).square().mean().sqrt()


def normal_cdf(z):
    return (1 + torch.erf(z / 2**0.5)) / 2


RIGHT = [
    (check_elu, lambda z, alpha: torch.where(z > 0, z, alpha * (torch.exp(z) - 1))),
    (check_elu, lambda z, alpha: z.clamp(min=0) + alpha * torch.expm1(z.clamp(max=0))),
    (check_gelu_slope, autograd_slope),
    (check_gelu_slope, lambda z: normal_cdf(z) + z * density(z)),
    (check_gain, sampled_gain),
    (check_gain, lambda phi: sampled_gain(phi).item()),
    (check_geglu, lambda x, W, V, W_2: (F.gelu(x @ W) * (x @ V)) @ W_2),
    (check_geglu, lambda x, W, V, W_2: torch.einsum("bh,hd->bd", (x @ V) * F.gelu(x @ W), W_2)),
]
WRONG = [
    (check_elu, lambda z, alpha: torch.where(z > 0, z, alpha * torch.exp(z)), "levels off"),
    (check_elu, lambda z, alpha: F.elu(z), "alpha is missing"),
    (check_elu, lambda z, alpha: torch.where(z > 0, z, torch.exp(alpha * z) - 1), "not z"),
    (check_elu, lambda z, alpha: alpha * F.elu(z), "without alpha"),
    (check_elu, lambda z, alpha: F.leaky_relu(z, alpha), "leaky ReLU"),
    (check_elu, lambda z, alpha: z if z > 0 else alpha, "RuntimeError in its line 1"),
    (check_elu, lambda z: F.elu(z), "expected a function of (z, alpha)"),
    (check_gelu_slope, F.gelu, "GELU itself"),
    (check_gelu_slope, normal_cdf, "first half"),
    (check_gelu_slope, lambda z: normal_cdf(z) + density(z), "stays in front"),
    (check_gelu_slope, lambda z: z * density(z), "first term"),
    (check_gelu_slope, lambda z: normal_cdf(z) + z * torch.exp(-z.square() / 2), "1/sqrt(2 pi)"),
    (check_gelu_slope, lambda z: (z > 0).double(), "expected 0.5"),
    (check_gain, lambda phi: 1 / sampled_gain(phi), "upside down"),
    (check_gain, lambda phi: sampled_gain(phi) ** 2, "gain squared"),
    (check_gain, lambda phi: 1 / phi(torch.randn(10**6)).std(), "takes the mean off"),
    (check_gain, lambda phi: 2**0.5, "expected 1.5"),
    (check_gain, lambda phi: phi, "expected a number"),
    (check_geglu, lambda x, W, V, W_2: (F.silu(x @ W) * (x @ V)) @ W_2, "SwiGLU"),
    (check_geglu, lambda x, W, V, W_2: (F.gelu(x @ V) * (x @ W)) @ W_2, "gate is x W"),
    (check_geglu, lambda x, W, V, W_2: F.gelu((x @ W) * (x @ V)) @ W_2, "before the product"),
    (check_geglu, lambda x, W, V, W_2: F.gelu(x @ W) @ W_2, "x V is missing"),
    (check_geglu, lambda x, W, V, W_2: F.gelu(x @ W) * (x @ V), "expected shape (4, 3), got (4, 5)"),
]
CHECKERS = [check_elu, check_gelu_slope, check_gain, check_geglu]


@pytest.mark.parametrize("checker, solution", RIGHT)
def test_a_right_answer_is_correct(checker, solution):
    verdict = checker(solution)
    assert verdict, repr(verdict)


@pytest.mark.parametrize("checker, attempt, reason", WRONG)
def test_a_wrong_answer_gets_its_reason(checker, attempt, reason):
    verdict = checker(attempt)
    assert verdict.status == NOT_YET
    assert reason in verdict.sentence


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("attempt", [None, ..., lambda *a: None, lambda *a: ...])
def test_a_stub_is_not_attempted(checker, attempt):
    assert checker(attempt).status == NOT_ATTEMPTED


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("junk", ["text", 3, [], object(), print, lambda: None, lambda *a: "x", lambda *a: 1 / 0,
                                  lambda *a: a, lambda *a: torch.zeros(0), lambda *a: 10**400])  # fmt: skip
def test_junk_gets_one_sentence(checker, junk):
    verdict = checker(junk)
    assert verdict.status in (NOT_YET, NOT_ATTEMPTED)
    assert len(repr(verdict).splitlines()) == 1
