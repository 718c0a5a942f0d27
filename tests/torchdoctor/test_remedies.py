"""Remedies are tried: the treated net learns better than the sick one, and what has no change to try says what to type."""

import copy
import re
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.torchdoctor.test_ends import MISFITS, X
from tests.torchdoctor.trials import TRIALS, is_better
from tests.torchdoctor.zoo_sick import SICK, ending
from tests.wild.questions import QUESTIONS
from utils import diagnose
from utils.torchdoctor.diseases import FAMILIES

SEEDS, ENOUGH = 10, 9

# Of each kind one that takes a second or two, and all mismatches; the others are tried with the seeds.
QUICK = [
    "7 sigmoid layers, Xavier", "8 tanh layers, N(0, 1)", "4 sigmoid layers, biases of -9", "3 ReLU layers, biases of -3",
    "all weights 0.1", "everything frozen", "all_frozen", "a NaN in a weight", "layers_in_a_list", "layers in a dict of lists",
    "a weight that is a plain tensor", "an output ReLU that is silent", "an output sigmoid on its upper end",
    "an output cut off", "ReLU RNN, 1.5 times the identity", "linear_xor", "rows_of_digits", "norm_of_one_column",
    "LSTM, the answer 40 steps back", *(name for name in TRIALS if name in MISFITS),
]  # fmt: skip
BY_HAND = {  # kinds whose remedies are for the code around the model, or for the class that it is of
    "broadcast target", "cut off", "optimizer of another model", "left out of the optimizer", "input too large",
    "input too small", "target too large", "target too small", "train and eval disagree", "step too large", "step too small",
    "no better than a constant",
}
TYPED = re.compile(r"[A-Za-z_]\w*\(|[A-Za-z_]\w* ?= ?[\w(]")  # a call, or an assignment


def trial(name, seed, optimizer):
    """What is wrong with the outcome, in words; "" if the remedy cures."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # torch's, of a broadcast
        finding, untreated, treated, after = TRIALS[name].run(seed, optimizer)
    if finding.kind not in TRIALS[name].kinds:
        return f"treated {finding.kind}"
    if finding.kind in {told.kind for told in (after.remarks if finding.is_remark else after.findings)}:
        return "still there"
    return "" if is_better(untreated, treated) else f"{untreated:.3g} -> {treated:.3g}"


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_remedy_cures(name):
    optimizers = TRIALS[name].optimizers
    assert trial(name, 0, optimizers[QUICK.index(name) % len(optimizers)]) == ""


@pytest.mark.seeds
@pytest.mark.parametrize(("name", "optimizer"), [(name, by) for name in TRIALS for by in TRIALS[name].optimizers])
def test_a_remedy_cures_nine_of_ten(name, optimizer):
    wrong = [told for seed in range(SEEDS) if (told := trial(name, seed, optimizer))]
    assert len(wrong) <= SEEDS - ENOUGH, wrong


# What has no change


def reports():
    """Reports that have every kind between them."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        for _, make in SICK.values():
            yield make().diagnose()
        for make, y, loss_fn, *_ in MISFITS.values():
            yield diagnose(make(), X, y, loss_fn=loss_fn)
        for question in QUESTIONS:
            yield question.case().diagnose()
        net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
        yield diagnose(net, X, X[:, :4], optimizer=torch.optim.SGD(net[2].parameters(), 0.1))
        yield diagnose(net, X, X[:, :4], loss_fn=lambda o, y: F.relu(o - 100).mean())
        yield diagnose(net, X, 1e-6 * X[:, :4])
        blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 18, enable_nested_tensor=False)
        yield diagnose(nn.Sequential(blocks, nn.Flatten(), nn.Linear(24, 4)), torch.randn(8, 3, 8), torch.arange(8) % 4)


@pytest.fixture(scope="module")
def told():
    return [one for report in reports() for one in report.findings + report.remarks]


def test_every_kind_is_tried_or_says_what_to_type(told):
    assert {one.kind for one in told} == {*FAMILIES}
    with_a_change = {one.kind for one in told if one.change}
    tried = {kind for trial in TRIALS.values() for kind in trial.kinds}
    assert with_a_change <= tried
    assert {*FAMILIES} - with_a_change == BY_HAND | {"nothing asked"}


def test_a_remedy_without_a_change_holds_a_line_of_code(told):
    silent = {(one.kind, one.remedy) for one in told if one.remedy and not one.change and not TYPED.search(one.remedy)}
    assert not silent
    assert {one.kind for one in told if not one.remedy} <= {"nothing asked"}


# The cause of a collapse


def few(n=8, outputs=4):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(n, 16), nn.ReLU(), nn.Linear(16, outputs))


Y = torch.arange(60) % 4
BY_CLASS = torch.randn(60, 8, generator=torch.Generator().manual_seed(0)) + 3 * torch.eye(8)[Y]
ORDERS = {
    "by class": Y.argsort(), "by size": BY_CLASS[:, 0].argsort(), "the same first": torch.cat([torch.zeros(12, dtype=int), torch.arange(12, 60)]),
    "the same at the ends": torch.cat([torch.zeros(8, dtype=int), torch.arange(8, 52), torch.zeros(8, dtype=int)]),
}  # fmt: skip


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("spoil", [lambda x: x, lambda x: torch.cat([x[:, :3], torch.ones(60, 5)], 1), lambda x: 1 + 1e-5 * x])
def test_the_order_of_samples_makes_no_collapse_and_hides_none(order, spoil):
    ordered, drawn = spoil(BY_CLASS)[order], torch.randperm(60, generator=torch.Generator().manual_seed(1))
    reports = [diagnose(few(), x, y) for x, y in ((ordered, Y[order]), (ordered[drawn], Y[order][drawn]))]
    assert reports[0].verdict == reports[1].verdict
    assert (reports[0].verdict == "input too small") == (spoil(BY_CLASS).std() < 1e-3)


def test_a_series_in_order_of_time_is_no_collapse():
    t = torch.arange(60.0)[:, None] / 60
    assert diagnose(few(1, 1), t, (6 * t).sin()).verdict == "healthy"


@pytest.mark.parametrize(("net", "x", "part"), [
    (few(), 1 + 1e-5 * BY_CLASS, "input too small: standardize"), (few(), 1e-5 * BY_CLASS, "input too small: standardize"),
    (nn.Sequential(nn.LayerNorm(1), nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 4)), BY_CLASS[:, :1], "collapsed: leave 0 out"),
])  # fmt: skip
def test_the_remedy_of_outputs_that_are_alike_fits_the_cause(net, x, part):
    report = diagnose(net, x, Y, optimizer="sgd")
    assert f"{report.verdict}: {report.findings[0].remedy}".startswith(part)


def test_a_norm_of_one_feature_within_a_net_is_its_cause_too():
    torch.manual_seed(0)
    layers = nn.Linear(8, 1), nn.LayerNorm(1), nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 4)
    trial = diagnose(nn.Sequential(*layers), BY_CLASS, Y, optimizer="adam", lr=1e-2).try_remedy(steps=100)
    assert trial.before.verdict == "collapsed" and trial.finding.remedy.startswith("leave 1 out") and trial.after.verdict == "healthy"
    assert is_better(trial.losses["untreated"][-1], trial.losses["treated"][-1])


# The optimizer's part in a trial


def test_a_trial_trains_what_the_remedy_has_added():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU()]
            self.out = nn.Linear(16, 4)

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return self.out(x)

    net = Listed()
    before = copy.deepcopy(net.layers[0].weight)
    trial = diagnose(net, X, X[:, :4], optimizer=torch.optim.Adam(net.parameters(), 1e-2)).try_remedy(steps=20)
    assert not torch.equal(trial.model.layers[0].weight, before) and torch.equal(net.layers[0].weight, before)
    assert not trial.after.remarks


def test_a_loss_that_refuses_the_output_has_no_number():
    make, y, loss_fn, *_ = MISFITS["raw scores, BCE"]
    trial = diagnose(make(), X, y, loss_fn=loss_fn).try_remedy(steps=3)
    assert "Untreated, 1 step: loss nan -> nan." in repr(trial) and len(trial.losses["treated"]) == 3


@pytest.mark.parametrize(("end", "bias"), [(nn.Sigmoid(), 8.0), (nn.Sigmoid(), -11.0), (nn.Tanh(), 5.0), (nn.Softplus(), -12.0)])
def test_no_lr_makes_up_for_a_flat_end(end, bias):
    torch.manual_seed(0)
    case = ending(end, bias)
    for lr in (1e-3, 1e-6):
        [told] = [one for one in diagnose(case.model, case.x, case.y, lr=lr, optimizer="sgd").findings if one.kind == "step too small"]
        assert "flat end" in told.remedy and "try lr" not in told.remedy
