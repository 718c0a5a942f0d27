"""The reports of nets as text, kept in golden/, so that a change of wording is reviewed as a diff.

    .venv/bin/python -m tests.torchdoctor.golden --write

The nets are small, untrained and drawn from a seeded generator, so that two digits of each number are the same everywhere.
"""

import math
import sys
from pathlib import Path

import torch
from torch import nn

from tests.torchdoctor.zoo_models import HandAttention, LastStep
from utils.torchdoctor import diagnose

FOLDER = Path(__file__).parent / "golden"


def chain(depth, activation=nn.ReLU, gain=2**0.5, width=32):
    """Linear layers in double precision with std gain / sqrt(fan_in), biases of 0, and a readout of 4 classes."""
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), activation()]
    net = nn.Sequential(*layers, nn.Linear(width, 4)).double()
    for layer in net[::2]:
        nn.init.normal_(layer.weight, 0, (gain if layer is not net[-1] else 1) / width**0.5)
        nn.init.zeros_(layer.bias)
    return net


def filled(net, value, *names):
    """The net with parameters set to a value: all of them, or those of these names."""
    for name, p in net.named_parameters():
        if not names or name in names:
            nn.init.constant_(p, value)
    return net


@torch.no_grad()
def alike(net):
    """The net with all units of a hidden layer alike, and of the same weight to the readout."""
    for layer in net[:-1:2]:
        layer.weight[:] = layer.weight[:1].clone()
    net[-1].weight[:] = net[-1].weight[:, :1].clone()
    return net


def recurrent(cell, scale=None):
    """A recurrent layer whose last step is judged; scale: of its recurrent weights, as a multiple of the identity."""
    net = LastStep(cell(8, 8, batch_first=True)).double()
    if scale is not None:
        net.rnn.weight_hh_l0.data = scale * torch.eye(8, dtype=torch.float64)
    return net


class Detach(nn.Module):
    """Leaves autograd's graph."""

    def forward(self, x):
        return x.detach()


class Kept(nn.Module):
    """Keeps its hidden layers in a Python list."""

    def __init__(self, net):
        super().__init__()
        self.hidden, self.out = list(net[:-1]), net[-1]

    def forward(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.out(x)


def lagging():
    """Layers with a batch norm that has seen fifty batches, and does not know their mean."""
    net = chain(1).insert(1, nn.BatchNorm1d(32).double())
    net[1].num_batches_tracked += 50
    net[1].running_mean -= 5
    return net


def undivided():
    """An attention between eight positions whose products, each a sum of 64, nothing divides."""
    net = nn.Sequential(nn.Linear(32, 512), nn.Unflatten(1, (8, 64)), HandAttention(64, 4, is_scaled=False)).double()
    for layer in (net[0], net[2].query, net[2].key):
        nn.init.normal_(layer.weight, 0, (2.2 if layer is net[0] else 1) / layer.in_features**0.5)
    return net


NETS = {  # name of a file -> function that makes a net
    "healthy": lambda: chain(4),
    "vanishing": lambda: chain(8, nn.Sigmoid, 1.0),
    "the_mean_eats_the_gain": lambda: chain(16, nn.Softplus, 1.0),
    "vanishing_by_weights": lambda: chain(10, nn.Tanh, 0.3),
    "exploding": lambda: chain(15, nn.ReLU, 3.0),
    "saturated": lambda: chain(4, nn.Tanh, 8.0),
    "dead": lambda: filled(chain(4), -9.0, "2.bias"),
    "symmetric": lambda: alike(chain(2)),
    "frozen": lambda: chain(2).requires_grad_(False),
    "cut_off": lambda: chain(3).insert(3, Detach()),
    "not_finite": lambda: filled(chain(2), math.nan, "2.weight"),
    "collapsed": lambda: filled(filled(chain(3, nn.Tanh, 1.0), 1e-6, "0.weight"), 0.5, "0.bias"),
    "vanishing_in_time": lambda: recurrent(nn.RNN),
    "window_in_time": lambda: recurrent(nn.LSTM),
    "exploding_in_time": lambda: recurrent(lambda *sizes, **more: nn.RNN(*sizes, nonlinearity="relu", **more), 1.4),
    "input_too_large": lambda: chain(2),
    "input_too_small": lambda: chain(2),
    "target_too_large": lambda: chain(2),
    "step_too_large": lambda: chain(3),
    "step_too_large_by_adam": lambda: chain(3),
    "step_too_large_perhaps": lambda: chain(3),
    "optimizer_of_another": lambda: chain(2),
    "unowned_weights": lambda: Kept(chain(2)),
    "no_gradient": lambda: filled(chain(2), -9.0, "4.bias").append(nn.ReLU()),
    "samples_mixed": lambda: chain(2).append(nn.Softmax(0)),
    "train_and_eval_disagree": lagging,
    "norm_over_one_value": lambda: chain(2).append(nn.Sequential(nn.Linear(4, 1), nn.LayerNorm(1), nn.Linear(1, 4)).double()),
    "attention_saturated": undivided,
    "no_nonlinearity": lambda: chain(2, nn.Identity),
    "output_does_not_fit": lambda: chain(2).append(nn.Softmax(1)),
    "output_out_of_reach": lambda: chain(2).append(nn.Sigmoid()),
    "broadcast_target": lambda: chain(2)[:-1].append(nn.Linear(32, 1, bias=False).double()),
}
RATES = {"step_too_large": 10.0, "healthy": 0.01, "step_too_large_by_adam": 1.0, "step_too_large_perhaps": 0.05}
OPTIMIZERS = {  # name of a file -> function of nothing that returns the optimizer
    "step_too_large_by_adam": lambda: "adam",
    "step_too_large_perhaps": lambda: "adam",
    "optimizer_of_another": lambda: torch.optim.SGD(chain(2).parameters(), 0.01, momentum=0.9),
}
LOSSES = {  # name of a file -> the loss, where it is not `diagnose`'s own
    "output_does_not_fit": nn.CrossEntropyLoss(), "output_out_of_reach": nn.MSELoss(),
    "broadcast_target": lambda output, y: (output - y).square().mean(),
}  # fmt: skip


def report(name):
    """The report of a net of `NETS`, the same at each call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = NETS[name]()
        shape = (16, 80, 8) if "in_time" in name else (16, 32)
        x, y = torch.randn(shape, dtype=torch.float64), torch.randint(3, (16,))
    if name == "input_too_large":
        x = 100 * x
    if name == "input_too_small":
        x = 1e-5 * x + 0.1
    y = {"target_too_large": 1e8 * x[:, :4], "output_out_of_reach": x[:, :4], "broadcast_target": x[:, 0]}.get(name, y)
    more = {"loss_fn": LOSSES.get(name), "lr": RATES.get(name), "optimizer": OPTIMIZERS.get(name, lambda: None)()}
    return diagnose(net, x, y, **more)


def text(name):
    """What is kept of a report: its text, and what its remedy did to a copy if it can be tried."""
    found = report(name)
    lines = [repr(found)]
    if any(finding.change for finding in found.findings or found.remarks):
        lines += ["", repr(found.try_remedy())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in NETS:
        if "--write" in sys.argv:
            (FOLDER / f"{name}.txt").write_text(text(name), encoding="utf-8")
        print(text(name))
