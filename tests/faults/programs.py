"""The rows of programs.toml, and what they become: a PyTorch model, its data, its loss and its optimizer.

The head of programs.toml explains its fields and cites the source: Ghanbari et al. 2023, *Mutation-based fault
localization of deep neural networks*, ASE.
"""

import dataclasses
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from tests.faults.layers import sequential
from tests.faults.losses import LOSSES
from tests.faults.standins import data

TABLE = Path(__file__).with_name("programs.toml")
KINDS = ("mismatch", "hidden", "lr", "input", "init", "architecture", "epochs", "invisible")
TOOLS = ("UMLAUT", "NeuraLint", "DeepLocalize", "DeepDiagnosis", "deepmufl")
EPSILON = 1e-7  # of Keras' optimizers


@dataclasses.dataclass(frozen=True)
class Program:
    """A row of programs.toml, its fields in the order in which the file explains them."""

    id: int
    task: str
    kind: str
    data: str
    body: str
    head: str
    loss: str
    optimizer: str
    lr: float
    batch: int
    fault: str
    right: list
    tools: list
    fixed: dict = dataclasses.field(default_factory=dict)
    x: str = ""
    y: str = ""
    given: dict | None = None
    steps: int | None = None
    learns: dict | None = None

    @property
    def corrected(self):
        """The program with its fault corrected."""
        return dataclasses.replace(self, **self.fixed)


class Case(NamedTuple):
    """A program as torch has it. x (samples, ...) and y are the whole data; loss_fn: a function (output, y) -> loss."""

    model: nn.Module
    x: torch.Tensor
    y: torch.Tensor
    loss_fn: Callable
    optimizer: torch.optim.Optimizer


def programs(path=TABLE):
    """Return the `Program`s of the table."""
    return [Program(**row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["program"]]


def build(program, seed=0):
    """Return the `Case` of a `Program`, drawn anew from the seed."""
    torch.manual_seed(seed)
    x, y = data(program.data, program.x, program.y, program.given)
    model = sequential(f"{program.body} > {program.head}", x[:1])
    name, *momentum = program.optimizer.split()
    optimizer = OPTIMIZERS[name](model.parameters(), program.lr, *map(float, momentum))
    return Case(model, x, y, LOSSES[program.loss], optimizer)


OPTIMIZERS = {
    "sgd": lambda parameters, lr, momentum=0.0: torch.optim.SGD(parameters, lr, momentum),
    "rmsprop": lambda parameters, lr: torch.optim.RMSprop(parameters, lr, alpha=0.9, eps=EPSILON),
    "adam": lambda parameters, lr: torch.optim.Adam(parameters, lr, eps=EPSILON),
    "nadam": lambda parameters, lr: torch.optim.NAdam(parameters, lr, eps=EPSILON),
}
