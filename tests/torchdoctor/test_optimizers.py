"""`diagnose` with the optimizer in use: its step, its learning rate, its trial, and no trace on it."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from utils import diagnose
from utils.data.datasets import digits
from utils.nets.mlp import MLP


@pytest.fixture(scope="module")
def data():
    return digits(torch.float32)


def net():
    return MLP(3, activation="relu", init="he", dtype=torch.float32)


def sigmoids(depth=10):
    layers = [layer for _ in range(depth) for layer in (nn.Linear(64, 64), nn.Sigmoid())]
    return nn.Sequential(*layers, nn.Linear(64, 10))


MAKERS = [
    lambda p: torch.optim.SGD(p, 0.05), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=False),
    lambda p: torch.optim.Adam(p, 3e-3), lambda p: torch.optim.AdamW(p, 3e-3, weight_decay=0.0, amsgrad=True),
    lambda p: torch.optim.Adamax(p, 3e-3), lambda p: torch.optim.Adagrad(p, 3e-3),
    lambda p: torch.optim.RMSprop(p, 3e-3, alpha=0.0),  # what it comes to while the gradients agree
]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS)
def test_the_step_is_the_one_that_it_makes(make, data):
    model, x, y = net(), data.x[:64], data.y[:64]
    optimizer = make(model.parameters())
    told = {layer.name: layer.update_ratio for layer in diagnose(model, x, y, optimizer=optimizer).layers}
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    for name, ratio in told.items():
        old, new = before[f"{name}.weight"], model.get_submodule(name).weight
        assert ratio == pytest.approx(((new - old).norm() / old.norm()).item(), rel=1e-3)


@pytest.mark.parametrize("make", MAKERS)
def test_model_and_optimizer_are_left_as_found(make, data):
    model, x, y = sigmoids(), data.x[:64], data.y[:64]
    optimizer = make(model.parameters())
    F.cross_entropy(model(x), y).backward()
    optimizer.step()

    def state():
        kept = [optimizer.param_groups, optimizer.state_dict(), [p.grad for p in model.parameters()], model.state_dict()]
        return copy.deepcopy(kept), [id(p) for group in optimizer.param_groups for p in group["params"]], sorted(vars(optimizer))

    before = state()
    report = diagnose(model, x, y, optimizer=optimizer)
    trial = report.try_remedy(steps=3)
    assert repr(before) == repr(state())
    assert trial.after.exam.optimizer.name == type(optimizer).__name__ and not trial.after.exam.optimizer.is_foreign


def test_a_trial_trains_with_it(data):
    model, x, y = sigmoids(), data.x, data.y
    adam = diagnose(model, x, y, optimizer="adam", lr=1e-3).try_remedy(steps=60)
    own = diagnose(model, x, y, optimizer=torch.optim.Adam(model.parameters(), 1e-3)).try_remedy(steps=60)
    assert adam.losses == own.losses
    assert adam.losses["treated"][-1] < 0.5 and adam.losses["untreated"][-1] > 2
    frozen = net().requires_grad_(False)
    losses = diagnose(frozen, x, y, optimizer=torch.optim.SGD([*net().parameters()], 0.1)).try_remedy(steps=60).losses
    assert losses["treated"][-1] < 0.8 and losses["untreated"][-1] > 2


def test_an_instance_brings_its_own_lr_and_says_so_if_another_is_given(data):
    model, x, y = net(), data.x[:64], data.y[:64]
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    text = repr(diagnose(model, x, y, optimizer=optimizer))
    assert "a first step of Adam with lr = 0.002." in text and "was given" not in text
    assert "the optimizer's own lr, and not the 0.1 that was given" in repr(diagnose(model, x, y, lr=0.1, optimizer=optimizer))
    assert "was given" not in repr(diagnose(model, x, y, lr=2e-3, optimizer=optimizer))
    assert diagnose(model, x, y, optimizer="RMSprop").exam.lr == 1e-2  # torch's own


def test_the_weights_of_another_model(data):
    model, other = net(), net()
    report = diagnose(model, data.x[:64], data.y[:64], optimizer=torch.optim.Adam(other.parameters()))
    assert report.verdict == "optimizer of another model" and "holds the weights of another model" in repr(report)
    assert "Adam(model.parameters(), lr=0.001)" in report.findings[0].remedy
    assert diagnose(model, data.x[:64], data.y[:64], optimizer=torch.optim.Adam(model.parameters())).verdict == "healthy"


def test_weights_left_out_are_a_remark_and_frozen_ones_are_none(data):
    model = net()
    optimizer = torch.optim.SGD(model.readout.parameters(), 0.01)
    report = diagnose(model, data.x[:64], data.y[:64], optimizer=optimizer)
    assert report.verdict == "healthy" and [remark.kind for remark in report.remarks] == ["left out of the optimizer"]
    model.hidden.requires_grad_(False)
    assert not diagnose(model, data.x[:64], data.y[:64], optimizer=optimizer).remarks


@pytest.mark.parametrize(("settings", "findings", "remarks"), [
    ({"lr": 1e-3, "optimizer": "adam"}, [], []),
    ({"lr": 1e-2, "optimizer": "adam"}, [], []),
    ({"lr": 5e-2, "optimizer": "adam"}, [], ["step too large"]),
    ({"lr": 3.0, "optimizer": "adam"}, ["step too large"], []),
    ({"lr": 1e-9, "optimizer": "adam"}, ["step too small"], []),
    ({"lr": 1.0, "optimizer": "sgd"}, ["step too large"], []),
    ({"lr": 3e-7, "optimizer": "sgd"}, ["step too small"], []),
    ({"lr": 3e-6, "optimizer": "sgd"}, [], ["step too small"]),
    ({"lr": 30.0}, ["step too large"], []),
    ({"lr": 1e-9}, ["step too small"], []),
    ({"lr": 3e-7}, [], ["step too small"]),
    ({}, [], []),
])  # fmt: skip
def test_the_step_is_a_disease_where_it_is_known_or_wrong_for_any(settings, findings, remarks, data):
    report = diagnose(net(), data.x[:64], data.y[:64], **settings)
    assert ([f.kind for f in report.findings], [r.kind for r in report.remarks]) == (findings, remarks)
    assert all("try lr" in told.remedy for told in report.findings + report.remarks)


def test_advice_on_lr_is_bounded(data):
    model, x, y = net(), data.x[:64], data.y[:64]
    report = diagnose(model, x, y, loss_fn=lambda z, y: 1e-7 * F.cross_entropy(z, y), lr=1e-3, optimizer="sgd")
    told = next(f for f in report.findings if f.kind == "step too small")
    assert "try lr" not in told.remedy and "what makes the gradient so small" in told.remedy
    for lr in (3e2, 3e4):
        told = diagnose(model, x, y, lr=lr, optimizer="adam").findings[0]
        assert float(told.remedy.split("lr = ")[1].split(":")[0].split()[0]) <= 1e-2


def test_an_optimizer_whose_step_is_not_known_is_not_judged(data):
    model = net()
    report = diagnose(model, data.x[:64], data.y[:64], optimizer=torch.optim.LBFGS(model.parameters(), 1e3))
    assert report.verdict == "healthy" and "How long a step of LBFGS is, is not known here." in repr(report)


@pytest.mark.parametrize(("optimizer", "error", "sentence"), [
    ("adan", ValueError, "unknown optimizer 'adan': name one of adam, adamw"),
    (torch.optim.Adam, TypeError, "optimizer must be one of torch.optim's, or a name .* got the class Adam"),
    (3, TypeError, "got int"),
])  # fmt: skip
def test_a_slip_gets_one_sentence(optimizer, error, sentence):
    with pytest.raises(error, match=sentence):
        diagnose(nn.Linear(4, 3), torch.ones(4, 4), torch.tensor([0, 1, 2, 0]), optimizer=optimizer)


def test_half_precision():
    low = nn.Linear(8, 3).to(torch.float16)
    report = diagnose(low, torch.randn(16, 8).half(), torch.randint(3, (16,)), optimizer="adam")
    assert 0 < report.layers[0].update_ratio < 0.1
