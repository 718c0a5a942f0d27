"""What is said of the scale of inputs and targets, of padding, and of a net that is no better than a constant."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.torchdoctor.zoo import Reader, long_trained, padded, regression
from utils import diagnose
from utils.data.datasets import digits


def fit(net, x, y, loss_fn, make, steps=150):
    """Train, and return how much of the constant's loss is left."""
    constant = diagnose(net, x, y, loss_fn=loss_fn).exam.constant.loss
    optimizer = make(net.parameters())
    for _ in range(steps):
        rows = torch.randint(len(x), (64,))
        optimizer.zero_grad()
        loss_fn(net(x[rows]), y[rows]).backward()
        optimizer.step()
    return float(loss_fn(net(x), y)) / constant


def adam(parameters):
    return torch.optim.Adam(parameters, 1e-3)


def descent(parameters):
    return torch.optim.SGD(parameters, 0.1)


def classifier():
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


@pytest.mark.parametrize(("scale", "offset", "make"), [(1e-4, 0.0, descent), (1e-5, 0.0, adam), (1e-3, 1.0, adam)])
def test_small_inputs_are_not_learned_and_standardized_are(scale, offset, make):
    data = digits(torch.float32)
    x = scale * data.x[:512] + offset
    net = classifier()
    report = diagnose(net, x, data.y[:512], optimizer=make(net.parameters()))
    assert report.verdict == "input too small" and "standardize" in report.findings[0].remedy
    assert fit(net, x, data.y[:512], F.cross_entropy, make) > 0.95
    x = (x - x.mean(0)) / x.std(0).clamp(min=1e-7)
    net = classifier()
    assert diagnose(net, x, data.y[:512], optimizer=make(net.parameters())).verdict == "healthy"
    assert fit(net, x, data.y[:512], F.cross_entropy, make) < 0.6


@pytest.mark.parametrize("make", [descent, adam])
def test_large_targets_are_not_learned_and_standardized_are(make):
    case = regression()
    y = 1e8 * case.y + 1e8
    report = diagnose(case.model, case.x, y, optimizer=make(case.model.parameters()))
    assert report.verdict == "target too large" and "(y - mean) / std" in report.findings[0].remedy
    assert not fit(case.model, case.x, y, F.mse_loss, make) < 0.95  # or is not a number
    case = regression()
    y = (y - y.mean(0)) / y.std(0)
    assert diagnose(case.model, case.x, y, optimizer=make(case.model.parameters())).verdict == "healthy"
    assert fit(case.model, case.x, y, F.mse_loss, make) < 0.8


@pytest.mark.parametrize(("scale", "kind"), [(1.0, None), (1e3, "target too large"), (1e-5, "target too small")])
def test_targets_that_some_nets_learn_are_a_remark(scale, kind):
    case = regression()
    report = diagnose(case.model, case.x, scale * case.y)
    assert report.verdict == "healthy" and [remark.kind for remark in report.remarks] == [kind] * (kind is not None)


def test_a_net_that_has_its_large_targets_already():
    case = regression()
    with torch.no_grad():
        case.model[-1].weight *= 1e10
        y = case.model(case.x) + 1.0
    report = diagnose(case.model, case.x, y)
    assert not any("target" in told.kind for told in report.findings + report.remarks)


def test_samples_that_are_one_and_the_same_and_states_of_zeros_are_not_small():
    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    assert diagnose(net, torch.ones(32, 8), torch.arange(32) % 3).verdict == "healthy"
    with torch.no_grad():
        net[0].weight *= 1e3  # which make up for it
    assert "input too small" not in [found.kind for found in diagnose(net, 1e-4 * torch.randn(32, 8), torch.arange(32) % 3).findings]


def test_small_inputs_are_named_before_windows():
    net = Reader()
    net.embed.weight.data *= 1e-6
    x = net.embed(torch.randint(1, 30, (32, 60))).detach()
    report = diagnose(LastOf(net.rnn, net.out), x, torch.randint(3, (32,)))
    assert [told.kind for told in report.findings + report.remarks] == ["input too small", "vanishing in time"]


class Words(nn.Module):
    """Ids made of what comes, and perhaps a kind of word that is always 0, as of BERT."""

    def __init__(self, kinds=False):
        super().__init__()
        self.words, self.kinds, self.out = nn.Embedding(30, 8), nn.Embedding(2, 8) if kinds else None, nn.Linear(8, 3)

    def forward(self, x):
        vectors = self.words(x.long())
        if self.kinds:
            vectors = vectors + self.kinds(torch.zeros_like(x, dtype=torch.long))
        return self.out(vectors.mean(1))


@pytest.mark.parametrize(("x", "kinds", "verdict"), [
    (torch.rand(32, 10), False, "input too small"), (29 * torch.rand(32, 10), False, "healthy"), (29 * torch.rand(32, 10), True, "healthy"),
    (torch.zeros(32, 10), False, "healthy"),
])  # fmt: skip
def test_ids_that_have_been_scaled_are_one_id(x, kinds, verdict):
    report = diagnose(Words(kinds), x, torch.arange(32) % 3)
    assert report.verdict == verdict and (verdict == "healthy" or "neither scaled" in report.findings[0].remedy)


class LastOf(nn.Module):
    def __init__(self, rnn, out):
        super().__init__()
        self.rnn, self.out = rnn, out

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


@pytest.mark.parametrize(("settings", "steps", "sick"), [
    ({}, 70, True), ({"how": "states"}, 70, True), ({"dropout": 0.3}, 140, True), ({"bidirectional": True}, 70, True),
    ({"how": "packed"}, 70, None), ({"how": "states", "bidirectional": True}, 70, None), ({}, 20, False), ({}, 12, None),
    ({"cell": nn.RNN}, 70, True), ({}, 30, True),  # it would hear so far, and answers all alike
])  # fmt: skip
def test_padding_is_named_where_it_is_heard_last(settings, steps, sick):
    report = (case := padded(Reader(**settings), steps=steps)).diagnose()
    told = [said for said in report.findings + report.remarks if "padding" in said.evidence]
    if sick is None:
        assert told == [] and report.verdict == "healthy"
        return
    assert [said.is_remark for said in told] == [not sick] and "pack" in told[0].remedy
    assert (report.verdict == "vanishing in time") == sick and told[0].evidence["padding"] < steps == case.x.shape[1]


def loss_of_the_best(output, y, loss_fn, steps=400):
    """By gradient descent over one constant."""
    constant = output.detach().mean(0).clone().requires_grad_()
    optimizer = torch.optim.Adam([constant], 0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_fn(constant.expand_as(output), y)
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize(("loss_fn", "y"), [
    (None, torch.arange(90) % 4), (F.cross_entropy, torch.arange(90) ** 2 % 7 % 4), (nn.MSELoss(), torch.rand(90, 4)),
    (nn.L1Loss(), torch.rand(90, 4).exp()), (nn.BCEWithLogitsLoss(), (torch.rand(90, 4) > 0.7).float()),
    (lambda output, y: F.cross_entropy(output, y, label_smoothing=0.0), torch.arange(90) % 4),
    (F.binary_cross_entropy_with_logits, (torch.rand(90, 1) > 0.4).float()), (None, torch.rand(90, 1) > 0.4),
    (nn.CrossEntropyLoss(), torch.rand(90, 4).softmax(1)),
])  # fmt: skip
def test_the_loss_of_the_best_constant(loss_fn, y):
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, y.shape[1] if y.dim() > 1 else 4))
    report = diagnose(net, x := torch.randn(90, 6), y, loss_fn=loss_fn)
    own = F.cross_entropy if y.dtype == torch.long else lambda output, y: F.binary_cross_entropy_with_logits(output, y.float())
    assert report.exam.constant.loss == pytest.approx(loss_of_the_best(net(x), y, loss_fn or own), rel=2e-3)
    assert f"A constant answer would have {report.exam.constant.loss:.3g}." in repr(report)


@pytest.mark.parametrize(("y", "loss_fn"), [
    (None, None), (torch.zeros(90, dtype=torch.long), None), (torch.arange(90) % 45, None), (torch.rand(90, 60), lambda o, y: o.mean()),
    (torch.where(torch.arange(90) % 4 == 0, -100, torch.arange(90) % 3), None),
])  # fmt: skip
def test_where_the_loss_of_a_constant_says_nothing(y, loss_fn):
    report = diagnose(nn.Linear(6, 60), torch.randn(90, 6), y, loss_fn=loss_fn)
    assert math.isnan(report.exam.constant.loss) and "constant answer" not in repr(report)


@pytest.mark.parametrize(("settings", "findings", "remarks"), [
    ({"told": False}, ["no better than a constant"], []), ({"told": False, "steps": 300}, [], ["no better than a constant"]),
    ({"steps": 0, "told": False}, [], []), ({}, [], []), ({"samples": 64}, [], []),  # too sure of what it has seen
])  # fmt: skip
def test_no_better_than_a_constant(settings, findings, remarks):
    report = long_trained("new", **settings).diagnose()
    assert [[told.kind for told in some] for some in (report.findings, report.remarks)] == [findings, remarks]


def test_without_an_optimizer_that_counts_it_is_a_remark():
    case = long_trained("new", told=False)
    for optimizer in (None, torch.optim.SGD(case.model.parameters(), 0.1)):
        report = diagnose(case.model, case.x, case.y, optimizer=optimizer)
        assert report.verdict == "healthy" and report.remarks[0].evidence["changes"] > 1000
    assert "1100 steps of Adam" in repr(case.diagnose())


def test_another_disease_comes_first():
    case = long_trained("new", told=False)
    nn.init.constant_(case.model[0].bias, -100.0)
    assert [found.kind for found in case.diagnose().findings] == ["dead"]
