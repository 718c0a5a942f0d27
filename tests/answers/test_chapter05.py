"""The checkers of chapter 5: right answers, typical wrong ones, junk."""

import pytest
import torch
from torch.nn import functional as F

from tests.answers.answers import right_answers, wrong_answers
from utils.answers.chapter05 import check_group_norm, check_invention, check_lsuv_step, check_xavier_bound
from utils.exercises.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET


def by_view(x, groups):
    parts = x.view(len(x), groups, -1)
    mean, variance = parts.mean(2, keepdim=True), parts.var(2, unbiased=False, keepdim=True)
    return ((parts - mean) / (variance + 1e-5).sqrt()).view(x.shape)


def by_loop(x, groups):
    return torch.cat([F.layer_norm(part, part.shape[1:]) for part in x.chunk(groups, dim=1)], dim=1)


def sampled(phi):
    return phi(torch.randn(1_000_000, dtype=torch.float64)).square().mean() ** -0.5


def integrated(phi):
    z = torch.linspace(-9, 9, 20_001, dtype=torch.float64)
    weights = torch.exp(-z.square() / 2)
    return ((phi(z).square() * weights).sum() / weights.sum()).item() ** -0.5


CLAIMS = 12  # that the ledger has of this chapter, each with a cell

RIGHT = [
    (check_xavier_bound, lambda n_in, n_out: (6 / (n_in + n_out)) ** 0.5),
    (check_xavier_bound, lambda a, b: torch.nn.init.xavier_uniform_(torch.empty(b, a)).abs().max() * 0
                                      + 3**0.5 * (2 / (a + b)) ** 0.5),
    (check_lsuv_step, lambda W, a: W / (a @ W.T).std()),
    (check_lsuv_step, lambda W, a: W / (a @ W.T).var(unbiased=False).sqrt()),
    (check_lsuv_step, lambda W, a: W * (W @ a.T).std() ** -1),
    (check_group_norm, by_view),
    (check_group_norm, by_loop),
    (check_group_norm, lambda x, groups: F.group_norm(x, groups)),
]  # fmt: skip
WRONG = [
    (check_xavier_bound, lambda i, o: (2 / (i + o)) ** 0.5, "standard deviation"),
    (check_xavier_bound, lambda i, o: 6 / (i + o), "square root"),
    (check_xavier_bound, lambda i, o: (6 / i) ** 0.5, "He's bound"),
    (check_xavier_bound, lambda i, o: (3 / i) ** 0.5, "LeCun's bound"),
    (check_xavier_bound, lambda i, o: 2 * (6 / (i + o)) ** 0.5, "width of the interval"),
    (check_xavier_bound, lambda i, o: (12 / (i + o)) ** 0.5, "variance is b^2 / 3"),
    (check_xavier_bound, lambda i, o: (3 / (i + o)) ** 0.5, "*sum* of the fans"),
    (check_xavier_bound, lambda i, o: 0.1, "expected"),
    (check_lsuv_step, lambda W, a: W / (a @ W.T).var(), "not by the variance"),
    (check_lsuv_step, lambda W, a: W * (a @ W.T).std(), "upside down"),
    (check_lsuv_step, lambda W, a: W / (a @ W.T).square().mean().sqrt(), "not the mean square"),
    (check_lsuv_step, lambda W, a: W / (a @ W.T).std(0)[:, None], "one number for the whole layer"),
    (check_lsuv_step, lambda W, a: W / W.std(), "do to the batch"),
    (check_lsuv_step, lambda W, a: W / a.std(), "not that of a"),
    (check_lsuv_step, lambda W, a: W.clone(), "nothing was rescaled"),
    (check_lsuv_step, lambda W, a: W.div_((a @ W.T).std()), "changes its argument W"),
    (check_lsuv_step, lambda W, a: (a @ W.T).std(), "expected"),
    (check_group_norm, lambda x, g: F.layer_norm(x, x.shape[1:]), "layer norm"),
    (check_group_norm, lambda x, g: F.batch_norm(x, None, None, training=True), "batch norm"),
    (check_group_norm, lambda x, g: by_view(x, x.shape[1] // g), "not how large"),
    (check_group_norm, lambda x, g: by_view(x, g).view(len(x), g, -1), "expected shape"),
    (check_group_norm, lambda x, g: by_view(x.view(len(x), -1, g).transpose(1, 2).reshape(x.shape), g)
                                    .view(len(x), g, -1).transpose(1, 2).reshape(x.shape), "every n-th"),
]  # fmt: skip
JUNK = [3, "text", torch.ones(3), [], len, lambda: 1, lambda *a: 1 / 0, lambda *a: "no", lambda *a: [None],
        lambda *a: torch.ones(2, 2, 2)]  # fmt: skip


test_a_right_answer_is_correct = right_answers(RIGHT)
test_a_wrong_answer_gets_its_reason = wrong_answers(WRONG)


@pytest.mark.parametrize("recipe", [sampled, integrated])
@pytest.mark.parametrize("phi", [torch.sin, torch.relu, F.gelu, lambda z: z * torch.exp(-z.square()), lambda z: z**3,
                                 lambda z: z + torch.sin(2 * z), lambda z: (z > 0).to(z.dtype), lambda z: z])
def test_any_activation_may_be_invented(phi, recipe):
    verdict = check_invention(phi, recipe)
    assert verdict.status == CORRECT and "after 30 layers" in verdict.sentence, verdict


def test_an_invention_is_told_whether_its_level_holds():
    assert "it holds its level" in check_invention(torch.sin, sampled).sentence
    assert "ran away" in check_invention(lambda z: z**3, sampled).sentence


@pytest.mark.parametrize("recipe, words", [
    (lambda phi: 1 / sampled(phi) ** 2, "make up for it"), (lambda phi: 1 / integrated(phi), "upside down"),
    (lambda phi: integrated(phi) ** 2, "squared"), (lambda phi: 2**0.5, "He's number"), (lambda phi: 1.0, "LeCun's"),
    (lambda phi: phi(torch.randn(1_000_000, dtype=torch.float64)).std() ** -1, "takes the mean off"),
    (lambda phi: "one", "expected a number"), (lambda phi: 1 / 0, "ZeroDivisionError"),
])  # fmt: skip
def test_a_wrong_rule_gets_its_hint(recipe, words):
    verdict = check_invention(lambda z: z.clamp(min=0) + 0.3, recipe)
    assert verdict.status == NOT_YET and words in verdict.sentence, verdict


@pytest.mark.parametrize("phi, words", [
    (3, "TypeError"), ("text", "TypeError"), (lambda z: 1 / 0, "ZeroDivisionError"), (lambda z: 3.0, "returns a tensor"),
    (lambda z: z.sum(), "of the shape"), (lambda z: z.log(), "finite"), (lambda z: 0 * z, "constant"),
    (lambda z: 0 * z + 2, "constant"), (lambda z: z > 0, "finite number"), (lambda z: z / z.std(), "by itself"),
    (lambda z: z.softmax(0), "by itself"),
])  # fmt: skip
def test_what_is_no_activation_is_answered_in_one_sentence(phi, words):
    verdict = check_invention(phi, sampled)
    assert verdict.status == NOT_YET and words in verdict.sentence, verdict
    assert len(verdict.sentence.splitlines()) == 1


@pytest.mark.parametrize("junk", JUNK)
def test_a_junk_rule_gets_one_sentence(junk):
    verdict = check_invention(torch.sin, junk)
    assert verdict.status == NOT_YET and len(verdict.sentence.splitlines()) == 1, verdict


def test_stubs_of_an_invention_are_not_attempted():
    def stub(z):
        ...

    for phi, recipe in ((..., ...), (None, sampled), (stub, stub), (stub, sampled), (torch.sin, stub), (torch.sin, ...)):
        assert check_invention(phi, recipe).status == NOT_ATTEMPTED
