"""Recurrent cells: PyTorch's, from a seed and with the bias that remembers; and one step of each, written out.

A *cell* is an `nn.RNN`, `nn.LSTM` or `nn.GRU` of one layer. A *step* is a function (what the input adds to the
pre-activations, the state before) -> the state after; the state of an LSTM is h and c side by side, (..., 2 hidden).
"""

import torch
from torch import nn
from torch.nn import functional as F

from utils.torchdoctor.errors import WrongType, WrongValue

KINDS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def make_cell(kind, inputs, hidden, *, seed=0, dtype=torch.float64):
    """Return a cell ("rnn", "lstm" or "gru") as PyTorch initializes it, U(-1/sqrt(hidden), 1/sqrt(hidden)), batch first.

    The global random state is left alone. Raises ValueError for an unknown kind.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise WrongValue(f"unknown cell {kind!r}: choose one of {', '.join(KINDS)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return KINDS[kind](inputs, hidden, batch_first=True, dtype=dtype)


@torch.no_grad()
def keep_(cell, bias):
    """Set the bias of the gate that keeps, in place: an LSTM's forget gate, a GRU's update gate. Returns the cell.

    bias: a number, or one for each unit (hidden,). PyTorch adds up two biases; the first gets all of it, the second 0.
    Raises TypeError if the cell has no such gate.
    """
    kept = _keeping(cell)
    cell.bias_ih_l0[kept] = torch.as_tensor(bias, dtype=cell.bias_ih_l0.dtype)
    cell.bias_hh_l0[kept] = 0
    return cell


@torch.no_grad()
def chrono_(cell, longest, *, seed=0):
    """Chrono initialization, in place: b_keep = ln U(1, longest - 1), and for an LSTM b_input = -b_keep.

    Each unit then keeps for a time of its own, up to about `longest` steps (Tallec & Ollivier 2018). Returns the cell.
    Raises TypeError if the cell has no such gate.
    """
    _keeping(cell)
    generator = torch.Generator().manual_seed(seed)
    spans = 1 + torch.rand(cell.hidden_size, generator=generator, dtype=torch.float64) * max(longest - 2, 0)
    keep_(cell, spans.log())
    if isinstance(cell, nn.LSTM):
        cell.bias_ih_l0[: cell.hidden_size] = -spans.log().to(cell.bias_ih_l0.dtype)
        cell.bias_hh_l0[: cell.hidden_size] = 0
    return cell


def _keeping(cell):
    """The rows of the gate that keeps: the second chunk in PyTorch's order, i f g o as well as r z n."""
    if not isinstance(cell, (nn.LSTM, nn.GRU)):
        raise WrongType(f"only an nn.LSTM or nn.GRU has a gate that keeps, got {type(cell).__name__}")
    return slice(cell.hidden_size, 2 * cell.hidden_size)


def lstm_step(x, state, U, b):
    """x (..., 4H) is W x_t; U (4H, H), b (4H,), gates in the order i f g o; state (..., 2H): h and c -> the next."""
    h, c = state.chunk(2, -1)
    i, f, g, o = (x + h @ U.T + b).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return torch.cat([o.sigmoid() * c.tanh(), c], -1)


def gru_step(x, h, U, b, b_hn):
    """x (..., 3H) is W x_t; U (3H, H), b (3H,), gates in the order r z n, b_hn (H,) within n; state h (..., H)."""
    H = h.shape[-1]
    rz, n = x + b, h @ U.T
    r, z = (rz[..., : 2 * H] + n[..., : 2 * H]).sigmoid().chunk(2, -1)
    new = torch.tanh(rz[..., 2 * H :] + r * (n[..., 2 * H :] + b_hn))
    return (1 - z) * new + z * h


def step_of(cell):
    """Return (step, x -> W x, size of the state) of a cell of one layer, read in one direction, with biases.

    Raises TypeError for any other module.
    """
    plain = isinstance(cell, tuple(KINDS.values())) and cell.num_layers == 1 and not cell.bidirectional and cell.bias
    if not plain:
        raise WrongType(f"expected an nn.RNN, nn.LSTM or nn.GRU of one layer and direction, got {type(cell).__name__}")
    W, U, b_x, b_h = (p.detach() for p in (cell.weight_ih_l0, cell.weight_hh_l0, cell.bias_ih_l0, cell.bias_hh_l0))
    H = cell.hidden_size
    if isinstance(cell, nn.LSTM):
        return lambda x, state: lstm_step(x, state, U, b_x + b_h), lambda x: x @ W.T, 2 * H
    if isinstance(cell, nn.GRU):
        b = torch.cat([b_x[: 2 * H] + b_h[: 2 * H], b_x[2 * H :]])
        return lambda x, h: gru_step(x, h, U, b, b_h[2 * H :]), lambda x: x @ W.T, H
    phi = torch.tanh if cell.nonlinearity == "tanh" else torch.relu
    return lambda x, h: phi(x + h @ U.T + b_x + b_h), lambda x: x @ W.T, H


class Reader(nn.Module):
    """A cell that reads a sequence, and a linear readout of its last hidden state, or of the one after each step."""

    def __init__(self, cell, outputs=4, *, every_step=False, seed=0):
        super().__init__()
        self.cell, self.every_step = cell, every_step
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.readout = nn.Linear(cell.hidden_size, outputs, dtype=cell.weight_hh_l0.dtype)

    def forward(self, x):
        """x: symbols (B, T) as whole numbers, or numbers (B, T, inputs) -> (B, outputs), or (B, T, outputs)."""
        if not x.is_floating_point():
            x = F.one_hot(x.long(), self.cell.input_size).to(self.readout.weight.dtype)
        states = self.cell(x)[0]
        return self.readout(states if self.every_step else states[:, -1])


class Team(nn.Module):
    """Several nets under one name, which a race trains on the same batches: x -> their outputs (nets, B, ...)."""

    def __init__(self, nets):
        super().__init__()
        self.nets = nn.ModuleList(nets)

    def forward(self, x):
        """Give each net the same x."""
        return torch.stack([net(x) for net in self.nets])
