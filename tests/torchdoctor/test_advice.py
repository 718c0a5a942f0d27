"""Advice on the learning rate: bounded whatever the optimizer, and better than the rate in use where it is tried."""

import copy
import math
import random
import re

import pytest
import torch
from torch.nn import functional as F

from tests.torchdoctor.trainability import draw
from utils import diagnose
from utils.data.datasets import digits
from utils.nets.mlp import MLP
from utils.torchdoctor.diseases.step_size import LARGEST_LR, LARGEST_LR_BY_SIGN, SMALLEST_LR

MAKERS = {
    "SGD": torch.optim.SGD, "SGD with momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9), "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW, "RMSprop": torch.optim.RMSprop, "Adagrad": torch.optim.Adagrad,
}  # fmt: skip
NETS, DEEPEST, STEPS = 30, 8, 300
BETTER, ENOUGH = 0.9, 0.9  # a tenth less loss, in nine of ten; a step too small to be seen leaves it where it is


class OfOnesOwn(torch.optim.Optimizer):
    """Whose step nobody knows."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})


def net(seed, **settings):
    """A random net, as `trainability` draws them, not too deep to be tried in seconds."""
    drawn = draw(random.Random(seed), seed) | settings
    return MLP(**drawn | {"depth": min(drawn["depth"], DEEPEST)})


def advised(told):
    """The learning rates that findings or remarks name to try."""
    remedies = [one.remedy for one in told if one.kind.startswith("step")]
    return [float(lr) for remedy in remedies for lr in re.findall(r"try lr = (\d[\d.e+-]*)", remedy)]


@pytest.mark.parametrize("make", [*MAKERS.values(), None, torch.optim.LBFGS, OfOnesOwn], ids=[*MAKERS, "none", "LBFGS", "own"])
def test_advice_is_bounded(make):
    data = digits(torch.float32)
    for seed in range(4):
        for lr in (1e-8, 1e-5, 1.0, 1e3):
            model = net(seed)
            optimizer = make and make(model.parameters(), lr=lr)
            report = diagnose(model, data.x[:64], data.y[:64], lr=lr, optimizer=optimizer)
            rates = advised(report.findings + report.remarks)
            by_sign = optimizer is not None and report.exam.optimizer.by_sign
            assert all(SMALLEST_LR <= new <= (LARGEST_LR_BY_SIGN if by_sign else LARGEST_LR) for new in rates)
            assert not rates or report.exam.optimizer is None or report.exam.optimizer.is_known


def last_loss(model, make, lr, data):
    """Of a training of the digits, the mean over the last ten steps; infinite if it has left the numbers."""
    optimizer, samples, losses = make(model.parameters(), lr=lr), torch.Generator().manual_seed(0), []
    for _ in range(STEPS):
        rows = torch.randperm(len(data.x), generator=samples)[:64]
        optimizer.zero_grad()
        loss = F.cross_entropy(model(data.x[rows]), data.y[rows])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses[-10:]) / 10 if all(map(math.isfinite, losses)) else float("inf")


@pytest.mark.seeds
def test_the_advised_rate_is_better_in_nine_of_ten():
    data, rng, worse, tried, seed = digits(torch.float32), random.Random(1), [], 0, 0
    while tried < NETS:
        seed += 1
        name, lr = rng.choice([*MAKERS]), 10 ** rng.uniform(-8, 3)
        model = net(seed)
        report = diagnose(model, data.x[:128], data.y[:128], optimizer=MAKERS[name](model.parameters(), lr=lr))
        # Where something else is to be treated first, no rate makes up for it; and a remark says that the rate may do.
        for new in advised(report.findings[:1]):
            tried += 1
            before, after = (last_loss(copy.deepcopy(model), MAKERS[name], rate, data) for rate in (lr, new))
            if not after < BETTER * before:
                worse.append(f"{name} {lr:.2g} -> {new:g}: {before:.3g} -> {after:.3g}")
    assert len(worse) <= (1 - ENOUGH) * NETS, worse
