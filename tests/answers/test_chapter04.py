"""The checkers of chapter 4: right answers, typical wrong ones, junk; its patient is sick, and one treatment cures it."""

import math

import torch

from tests.answers.answers import right_answers, wrong_answers
from utils.answers.chapter04 import (
    check_edge_sigma_w,
    check_layers_until,
    check_naive_std,
    check_next_q,
    check_sigma_w_of_uniform,
)

CLAIMS = 11  # that the ledger has of this chapter, each with a cell
CURE = "sigma_w = 1.1"  # of its patient

RIGHT = [
    (check_naive_std, lambda a: (a.square().sum() + 1).sqrt().item()),
    (check_naive_std, lambda a: math.sqrt(float(a @ a) + 1)),
    (check_naive_std, lambda a: torch.cat([a, torch.ones(1, dtype=a.dtype)]).norm()),
    (check_sigma_w_of_uniform, lambda bound, fan_in: bound * (fan_in / 3) ** 0.5),
    (check_sigma_w_of_uniform, lambda b, n: math.sqrt(n * (2 * b) ** 2 / 12)),
    (check_next_q, lambda phi, q, w, b, Z: w**2 * phi(q**0.5 * Z).square().mean() + b**2),
    (check_next_q, lambda phi, q, w, b, Z: (w * phi(math.sqrt(q) * Z)).pow(2).mean().item() + b * b),
    (check_edge_sigma_w, lambda slopes: slopes.square().mean().rsqrt().item()),
    (check_edge_sigma_w, lambda slopes: (slopes.numel() ** 0.5) / slopes.norm()),
    (check_layers_until, lambda chi, ratio: 2 * math.log(ratio) / math.log(chi)),
    (check_layers_until, lambda chi, ratio: math.log(ratio, chi**0.5)),
]
WRONG = [
    (check_naive_std, lambda a: a.square().sum() + 1, "take the root"),
    (check_naive_std, lambda a: a.norm(), "the bias is random"),
    (check_naive_std, lambda a: (len(a) * a.var() + 1).sqrt(), "not their variance"),
    (check_naive_std, lambda a: (a.square().mean() + 1).sqrt(), "a sum over the inputs"),
    (check_naive_std, lambda a: math.sqrt(len(a) + 1), "an input that is off"),
    (check_sigma_w_of_uniform, lambda b, n: n * b * b / 3, "squared"),
    (check_sigma_w_of_uniform, lambda b, n: b / 3**0.5, "fan_in"),
    (check_sigma_w_of_uniform, lambda b, n: b * n**0.5, "b²/3"),
    (check_sigma_w_of_uniform, lambda b, n: b * (n / 12) ** 0.5, "2 bounds long"),
    (check_sigma_w_of_uniform, lambda b, n: b / (3 * n) ** 0.5, "multiply"),
    (check_next_q, lambda phi, q, w, b, Z: w**2 * phi(q * Z).square().mean() + b**2, "its root"),
    (check_next_q, lambda phi, q, w, b, Z: w * phi(q**0.5 * Z).square().mean() + b, "squares of sigma_w"),
    (check_next_q, lambda phi, q, w, b, Z: w**2 * phi(q**0.5 * Z).square().mean(), "the bias adds"),
    (check_next_q, lambda phi, q, w, b, Z: w**2 * phi(q**0.5 * Z).mean() ** 2 + b**2, "first square"),
    (check_next_q, lambda phi, q, w, b, Z: w**2 * phi(q**0.5 * Z).var() + b**2, "not their variance"),
    (check_next_q, lambda phi, q, w, b, Z: w**2 * q + b**2, "activation is missing"),
    (check_next_q, lambda phi, q, w, b, Z: phi(q**0.5 * Z), "expected a number"),
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
]


test_a_right_answer_is_correct = right_answers(RIGHT)
test_a_wrong_answer_gets_its_reason = wrong_answers(WRONG)
