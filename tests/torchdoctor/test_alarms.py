"""What looks like a disease and learns all the same, and beside it what differs little and is one."""

import pytest
import torch
from torch import nn

from utils import diagnose


def net(kind=nn.ReLU, *end):
    return nn.Sequential(nn.Linear(8, 32), kind(), nn.Linear(32, 3), *end)


@pytest.mark.parametrize(("kind", "optimizer", "is_sick"), [
    (nn.ReLU, "adam", False), (nn.ReLU, "sgd", True), (nn.ReLU, None, True), (nn.Tanh, "adam", True),
])
def test_large_inputs_are_a_remark_where_adam_meets_no_flat_ends(kind, optimizer, is_sick):
    report = diagnose(net(kind), 100 * torch.randn(64, 8), torch.randint(3, (64,)), lr=1e-3, optimizer=optimizer)
    assert ("input too large" in [found.kind for found in report.findings]) == is_sick
    assert ("input too large" in [found.kind for found in report.remarks]) != is_sick


@pytest.mark.parametrize(("scale", "optimizer", "is_sick"), [(1e-2, "sgd", False), (1e-6, "sgd", True), (1e-6, "adam", False)])
def test_outputs_alike_are_sick_where_the_readout_cannot_part_them(scale, optimizer, is_sick):
    model = net(nn.ReLU, nn.Softmax(1))
    with torch.no_grad():
        model[0].weight *= scale
        model[2].weight *= 0.05
        model[0].bias.zero_()
    x = torch.randn(64, 8)
    report = diagnose(model, x, torch.randint(3, (64,)), lr=1e-4, optimizer=optimizer)
    assert ("collapsed" in [found.kind for found in report.findings]) == is_sick


def test_a_norm_behind_a_relu_undoes_the_size_of_the_weights_too():
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.BatchNorm1d(32), nn.Linear(32, 32), nn.Tanh(), nn.BatchNorm1d(32),
                          nn.Linear(32, 3))  # fmt: skip
    assert [layer.normed for layer in diagnose(model, torch.randn(64, 8), torch.randint(3, (64,))).layers] == [True, False, False]
