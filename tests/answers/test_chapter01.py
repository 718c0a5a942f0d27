"""The checkers of chapter 1: right answers, typical wrong ones, and junk."""

import re
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from tests.answers.answers import right_answers, wrong_answers
from tests.chapters.sample import SOURCES, build
from utils.answers.chapter01 import (
    check_backward_step,
    check_chain,
    check_twenty_layers,
    check_weight_gradients,
)
from utils.exercises.verdict import NOT_ATTEMPTED, NOT_YET, Verdict
from utils.figures.canvas import Canvas


def slope(z):
    return torch.sigmoid(z) * (1 - torch.sigmoid(z))


def weight_gradients(net, x, y):
    weights = [layer.weight for layer in net.modules() if isinstance(layer, nn.Linear)]
    return torch.autograd.grad(F.cross_entropy(net(x), y), weights)


def norms_of_everything(net, x, y):
    return [g.double().norm() for g in torch.autograd.grad(F.cross_entropy(net(x), y), list(net.parameters()))]


def norms_by_layer(net, x, y):
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    loss = F.cross_entropy(net(x), y)
    pairs = [torch.autograd.grad(loss, [layer.weight, layer.bias], retain_graph=True) for layer in layers]
    return [torch.cat([weight.flatten(), bias]).double().norm() for weight, bias in pairs]


def gradients_behind_a_softmax(net, x, y):
    weights = [layer.weight for layer in net.modules() if isinstance(layer, nn.Linear)]
    return [g.double().norm() for g in torch.autograd.grad(F.cross_entropy(net(x).softmax(1), y), weights)]


def gradients_left_behind(net, x, y):
    F.cross_entropy(net(x), y).backward()
    return [layer.weight.grad.double().norm() for layer in net.modules() if isinstance(layer, nn.Linear)]


def net_made_double(net, x, y):
    return [g.norm() for g in weight_gradients(net.double(), x.double(), y)]


CLAIMS = 25  # that the ledger has of this chapter, each with a cell

RIGHT = [
    (check_backward_step, lambda delta, W, z: delta @ W * slope(z)),
    (check_backward_step, lambda d, W, z: torch.einsum("bi,ij,bj->bj", d, W, slope(z))),
    (check_weight_gradients, lambda net, x, y: [g.double().norm() for g in weight_gradients(net, x, y)]),
    (check_weight_gradients, lambda n, x, y: [g.double().norm().item() for g in weight_gradients(n, x, y)]),
    (check_weight_gradients,
     lambda n, x, y: torch.stack([g.double().square().sum().sqrt() for g in weight_gradients(n, x, y)])),
]
WRONG = [
    (check_backward_step, lambda d, W, z: d @ W, "slope of the activation is missing"),
    (check_backward_step, lambda d, W, z: (d * slope(z)) @ W, "first through the weights"),
    (check_backward_step, lambda d, W, z: d @ W * torch.sigmoid(z), "not sigma(z)"),
    (check_backward_step, lambda d, W, z: d @ W * z * (1 - z), "not of z itself"),
    (check_backward_step, lambda d, W, z: d @ W * torch.sigmoid(z) ** 2, "not sigma(z) squared"),
    (check_backward_step, lambda d, W, z: d @ W.T * slope(z), "not transposed"),
    (check_backward_step, lambda d, W, z: W.T @ d * slope(z), "RuntimeError in its line 1: mat1 and mat2"),
    (check_backward_step, lambda d, W, z: (d @ W * slope(z)).T, "expected shape (5, 4), got (4, 5)"),
    (check_weight_gradients, lambda n, x, y: [g.norm() for g in weight_gradients(n, x, y)], "below float32's"),
    (check_weight_gradients, lambda n, x, y: [g.norm() ** 2 for g in weight_gradients(n, x, y)], "squared norm"),
    (check_weight_gradients, lambda n, x, y: [g.abs().max() for g in weight_gradients(n, x, y)], "largest entry"),
    (check_weight_gradients,
     lambda n, x, y: [g.double().norm() for g in weight_gradients(n, x, y)][::-1], "from input to output"),
    (check_weight_gradients, lambda n, x, y: [g.norm() for g in weight_gradients(n, x, y)][:1], "got (1,)"),
    (check_weight_gradients, weight_gradients, "take the norm of each"),
    (check_weight_gradients, lambda n, x, y: list(weight_gradients(n, x, y)), "take the norm of each"),
    (check_weight_gradients, norms_of_everything, "the weights only"),
    (check_weight_gradients, norms_by_layer, "the weight only"),
    (check_weight_gradients, gradients_behind_a_softmax, "does the softmax itself"),
    (check_weight_gradients, gradients_left_behind, "leaves gradients behind"),
    (check_weight_gradients, net_made_double, "changes its argument net"),
]
CHECKERS = [check_backward_step, check_weight_gradients]


test_a_right_answer_is_correct = right_answers(RIGHT, silent=True)
test_a_wrong_answer_gets_its_reason = wrong_answers(WRONG)


def endless(*arguments):
    return endless(*arguments)


def ends_python(*arguments):
    sys.exit(1)


def interrupted(*arguments):
    raise KeyboardInterrupt


async def coroutine(*arguments):
    return arguments[0]


def generator(*arguments):
    yield arguments[0]


class Weird:
    """Nothing about it can be looked at."""

    def __call__(self, *arguments):
        return self

    def __getattribute__(self, name):
        raise RuntimeError("go away")


JUNK = ["text", b"", 3, 1j, [], {}, object(), int, Verdict, nn.Module, torch.zeros(3), torch.nn.Linear(2, 2), len,
        print, endless, ends_python, interrupted, coroutine, generator, lambda: None, lambda *a: Weird(),
        lambda *a: torch.empty(2, 3, device="meta"), lambda *a: torch.eye(3).to_sparse(), lambda *a: 10**400,
        lambda *a: 1 / 0, lambda *a: [[]], lambda *a: [None], lambda *a: a, lambda *a: torch.zeros(0),
        lambda *a: torch.tensor(True), lambda *a: a[0] + 1j]  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("checker", CHECKERS)
def test_junk_gets_one_sentence(checker):
    for junk in [*JUNK, Weird()]:
        verdict = checker(junk)
        assert verdict.status in (NOT_YET, NOT_ATTEMPTED)
        assert len(repr(verdict).splitlines()) == 1
        assert len(repr(verdict)) < 500


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=5,
)


@pytest.mark.parametrize("checker", CHECKERS)
@settings(max_examples=50, deadline=None)
@given(value=anything)
def test_any_value_and_any_answer_get_one_sentence(checker, value):
    for attempt in (value, lambda *arguments: value):
        verdict = checker(attempt)
        assert not verdict
        assert "\n" not in repr(verdict)


@pytest.fixture(scope="module")
def main_explorer():
    """Return what the main explorer of the lesson tells at a setting: first / last gradient."""
    code = [cell.source for cell in build.read_source(SOURCES[0]).cells if cell.cell_type == "code"]
    names = {}
    for text in (code[0], next(text for text in code if "def gradients_die(" in text).split("\nshow(")[0]):
        exec(text, names)  # noqa: S102 - the chapter itself
    canvas = Canvas((2, 1))

    def told(**params):
        canvas.draw(names["gradients_die"], **params)
        return float(re.search(r"measured (\S+),", canvas.caption)[1])

    return told


def test_the_text_below_the_main_explorer_is_what_it_shows(main_explorer):
    assert max(main_explorer(depth=30, sigma_w=sigma_w) for sigma_w in (0.5, 1.0, 2.0, 3.0)) < 1e-7, "sick at every sigma_w"
    sinking, exploding = (main_explorer(depth=30, activation="tanh", sigma_w=sigma_w) for sigma_w in (1.0, 3.0))
    assert 0.03 < sinking < 0.5 and exploding > 1e3
    below, level = (main_explorer(depth=30, activation="relu", sigma_w=sigma_w) for sigma_w in (1.0, 1.4))
    assert below < 1e-3 and 0.1 < level < 10


@pytest.mark.parametrize("answer, said", [
    ((..., ...), "○ not attempted"),
    ((None, -2.0), "○ not attempted"),
    (("a", 1), "weight and bias are two plain numbers"),
    ((torch.ones(2), 0.0), "weight and bias are two plain numbers"),
    ((float("nan"), 0.0), "weight is nan"),
        ((float("inf"), 0.0), "neither of them beyond a thousand"),
    ((4.0, 0.0), "by 3.6e-22; the last one's z is 3.9, its factor 4 x 0.019. Which bias"),  # the weight alone
    ((4.0, 2.0), "Which bias would hold z"),
    ((1.0, -0.5), "by 9.1e-13; the last one's z is 0.0, its factor 1 x 0.250. The slope"),  # the bias alone
    ((8.0, -4.0), "which weight makes this factor 1?"),
])
def test_a_chain_that_loses_its_gradient_gets_its_reason(answer, said):
    verdict = check_chain(*answer)
    assert not verdict and said in repr(verdict)


@pytest.mark.parametrize("answer", [(4.0, -2.0), (4, -2), (torch.tensor(3.99), -1.995)])
def test_a_chain_that_keeps_its_gradient_is_correct(answer):
    assert check_chain(*answer)


@pytest.mark.parametrize("answer, said", [
    ((..., ...), "○ not attempted"),
    ((4.8, ...), "○ not attempted"),
    (("a", 1), "two plain numbers"),
    ((-1, 0), "so it is positive"),
    ((1, 0), "what takes that away"),  # the net of the lesson
    ((4, 0), "what takes that away"),  # the scale alone
    ((1, 0.5), "factor is too small"),  # the constant alone
    ((16, 0.5), "weights are too large"),
])
def test_twenty_layers_that_do_not_learn_get_their_reason(answer, said):
    verdict = check_twenty_layers(*answer)
    assert not verdict and said in repr(verdict)


@pytest.mark.parametrize("answer", [(4.8, 0.5), (torch.tensor(5.0), 0.4)])
def test_twenty_layers_that_learn_are_correct(answer):
    assert check_twenty_layers(*answer)
