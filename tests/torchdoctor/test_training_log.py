"""`watch` around loops of many kinds: its numbers against the loop's own, what it leaves behind, and its picture."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from utils import watch
from utils.nets.mlp import MLP
from utils.training.loop import fit


def net_and_batch():
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    return net, torch.randn(32, 6, dtype=torch.float64), torch.randint(3, (32,))


def descend(net, x, y, steps, make=lambda p: torch.optim.SGD(p, lr=0.1), heard=None):
    optimizer = make(net.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        before = [net[i].weight.detach().clone() for i in (0, 2, 4)]
        optimizer.step()
        if heard is not None:
            heard.append([(net[i].weight.grad.norm().item(), ((net[i].weight - b).norm() / b.norm()).item()) for i, b in zip((0, 2, 4), before)])


@pytest.mark.parametrize("make", [
    lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), lambda p: torch.optim.Adam(p, lr=0.01),
])  # fmt: skip
def test_its_numbers_are_the_loops(make):
    net, x, y = net_and_batch()
    heard = []
    with watch(net, every=3) as log:
        descend(net, x, y, 10, make, heard)
    assert log.names == ["0", "2", "4"] and log.steps.tolist() == [0, 3, 6, 9]
    expected = np.array(heard)[::3]
    np.testing.assert_allclose(log.weight_gradient_norm, expected[:, :, 0], rtol=1e-10)
    np.testing.assert_allclose(log.update_ratio, expected[:, :, 1], rtol=1e-10)
    assert log.dead.shape == (4, 3) and (log.dead[:, 0] >= 0).all() and log.dead[:, 2].isnan().all()


def test_dead_and_saturated_shares():
    net, x, y = net_and_batch()
    nn.init.constant_(net[0].bias[:2], -100.0)
    nn.init.constant_(net[2].bias, 50.0)
    with watch(net, every=1) as log:
        descend(net, x, y, 2)
    assert log.dead[0, 0] >= 2 / 8 and log.saturated[0, 1] == 1.0


def test_the_training_is_the_same_with_and_without():
    results = []
    for watched in (False, True):
        torch.manual_seed(1)
        net, x, y = net_and_batch()
        net.insert(2, nn.Dropout(0.2))
        if watched:
            with watch(net, every=2):
                descend_any(net, x, y)
        else:
            descend_any(net, x, y)
        results.append([p.tolist() for p in net.parameters()])
    assert results[0] == results[1]


def descend_any(net, x, y):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(7):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def test_nothing_stays_behind_even_after_an_error():
    net, x, y = net_and_batch()
    with pytest.raises(RuntimeError, match="the loop fails"), watch(net, every=1):
        descend(net, x, y, 2)
        net(x)
        raise RuntimeError("the loop fails")
    assert net[1].inplace
    for module in net.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks
    for p in net.parameters():
        assert not p._backward_hooks and not getattr(p, "_post_accumulate_grad_hooks", None)


def test_evaluation_in_between_is_no_step():
    net, x, y = net_and_batch()
    with watch(net, every=1) as log:
        for _ in range(3):
            descend(net, x, y, 1)
            with torch.no_grad():
                net(x)
            net(x)  # a pass with a graph, and no backward pass: nothing to record
    assert len(log.steps) == 3 and log.weight_gradient_norm.shape == (3, 3)


def test_the_courses_own_loop():
    net = MLP(3, activation="relu", init="he", in_features=6, out_features=3)
    _, x, y = net_and_batch()
    with watch(net) as log:
        fit(net, x, y, steps=25, live=False)
    assert log.steps.tolist() == [0, 10, 20] and log.update_ratio.isfinite().all()


def test_recurrent_and_frozen_layers():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn, self.out = nn.Embedding(5, 4), nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 3)
            self.embed.requires_grad_(False)

        def forward(self, x):
            return self.out(self.rnn(self.embed(x))[0][:, -1])

    net, x, y = Net(), torch.randint(5, (8, 7)), torch.randint(3, (8,))
    with watch(net, every=1) as log:
        fit(net, x, y, steps=2, live=False)
    assert log.names == ["embed", "rnn", "out"]
    assert log.weight_gradient_norm[:, 0].isnan().all() and log.weight_gradient_norm[:, 1:].isfinite().all()


def test_its_picture_and_its_words():
    net, x, y = net_and_batch()
    with watch(net, every=2) as log:
        descend(net, x, y, 9)
    picture = log.picture()
    assert picture.png()[:4] == b"\x89PNG" and "An image of 3 by 5 values" in picture.alt
    assert "5 samples, the last at step 8" in repr(log)


def train(net, x, y, steps, optimizer, zero=1, accumulate=1):
    for step in range(steps):
        F.cross_entropy(net(x), y).backward()
        if (step + 1) % accumulate == 0:
            optimizer.step()
            if zero:
                optimizer.zero_grad()


@pytest.mark.parametrize(("case", "verdict", "words"), [
    ({}, "healthy", "4 samples"), ({"accumulate": 4}, "healthy", "4 samples"), ({"accumulate": 20}, "healthy", "4 samples"),
    ({"zero": 0}, "gradients add up", "gradients add up: 38 of 38 steps"), ({"other": True}, "no step", "no step: no weight"),
    ({"lr": 0.0}, "no step", "its learning rate is 0"), ({"lr": 1e-12}, "step too small", "no layer moves by more than"),
    ({"lr": 1e200}, "not finite", "not finite: from step 10 on"), ({"dead": True}, "dead", "dead: every unit of 0 is 0"),
])  # fmt: skip
def test_it_begins_with_what_is_wrong(case, verdict, words):
    net, x, y = net_and_batch()
    held = net_and_batch()[0] if case.pop("other", False) else net
    if case.pop("dead", False):
        nn.init.constant_(net[0].bias, -100.0)
    optimizer = torch.optim.SGD(held.parameters(), lr=case.pop("lr", 0.05))
    with watch(net) as log:
        train(net, x, y, 40, optimizer, **case)
    assert log.verdict == verdict and repr(log).startswith("<Log: " + words.split(":")[0]) or words in repr(log)
    assert words in repr(log) and log.verdict == verdict
    assert not any(p._backward_hooks for p in net.parameters())


def test_a_loss_that_asks_for_nothing():
    net, x, _ = net_and_batch()
    with watch(net) as log:
        for _ in range(25):
            (0 * net(x)).sum().backward()
    assert log.verdict == "no gradient" and "asks for nothing" in repr(log)


@pytest.mark.parametrize(("depth", "kind", "steps", "offset", "verdict"), [
    (8, nn.Sigmoid, 260, 0.0, "no better than a constant"), (8, nn.Sigmoid, 60, 0.0, "healthy"), (2, nn.ReLU, 260, 0.0, "healthy"),
    (2, nn.ReLU, 260, 10.0, "healthy"),
])  # fmt: skip
def test_outputs_that_are_all_alike(depth, kind, steps, offset, verdict):
    layers = [layer for i in range(depth) for layer in (nn.Linear(6 if not i else 16, 16), kind())]
    net, x = nn.Sequential(*layers, nn.Linear(16, 1)), torch.randn(64, 6)
    optimizer = torch.optim.Adam(net.parameters(), 1e-2) if offset else torch.optim.SGD(net.parameters(), 0.05)
    with watch(net) as log:
        for _ in range(steps):
            optimizer.zero_grad()
            F.mse_loss(net(x), x[:, :1] + offset).backward()
            optimizer.step()
    assert log.verdict == verdict and log.apart.shape == log.steps.shape and (log.apart > 0).all()
    assert verdict == "healthy" or "answers every input alike" in repr(log)

def test_alike_by_a_gradient_that_vanishes_or_by_flat_ends():
    for kind, gain, words in ((nn.Sigmoid, 1.0, "The gradient vanishes: 0 gets"), (nn.Tanh, 100.0, "All units of 0 are saturated")):
        net = nn.Sequential(nn.Linear(6, 16), kind(), *(part for _ in range(9) for part in (nn.Linear(16, 16), kind())), nn.Linear(16, 3))
        nn.init.constant_(net[0].bias, 0.0 if gain == 1 else gain)
        with watch(net) as log:
            descend_to(net, torch.randn(64, 6), torch.randint(3, (64,)), 230)
        assert words in repr(log) and log.verdict == "no better than a constant"


def descend_to(net, x, y, steps):
    optimizer = torch.optim.SGD(net.parameters(), 0.05)
    for _ in range(steps):
        rows = torch.randint(len(x), (16,))  # so that the last layer always has something to learn
        optimizer.zero_grad()
        F.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()


def test_a_plateau_that_is_being_left_is_healthy():
    net = nn.Linear(2, 2)
    with watch(net, every=1) as log:
        for step in range(260):
            net(torch.ones(8, 2) + 10.0 ** (step / 50 - 9) * torch.eye(2).repeat(4, 1)).sum().backward()
            with torch.no_grad():
                net.bias += 1e-6
                net.weight += 1e-6
            net.zero_grad()
    assert (log.apart[130:] < 1e-3).all() and log.verdict == "healthy"


def test_an_empty_log():
    with watch(net_and_batch()[0]) as log:
        pass
    assert "nothing recorded yet" in repr(log) and log.weight_gradient_norm.shape == (0, 0)


@pytest.mark.parametrize(("model", "every", "error", "sentence"), [
    (3, 10, TypeError, "must be an nn.Module, got int"), (nn.Linear(2, 2), 0, ValueError, "every must be a whole number"),
])  # fmt: skip
def test_a_slip_gets_one_sentence(model, every, error, sentence):
    with pytest.raises(error, match=sentence), watch(model, every):
        pass


def test_the_picture_counts_layers_in_whole_numbers():
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    with watch(net) as log:
        for _ in range(3):
            net(torch.randn(8, 4)).sum().backward()
    figure = log.picture().figure
    figure.canvas.draw()
    for ax in figure.axes[:2]:
        low, high = ax.get_ylim()
        assert [tick for tick in ax.get_yticks() if low <= tick <= high] == [1, 2]
