"""Recurrent cells: the written-out steps are PyTorch's, the biases that keep are set where they count, a reader reads."""

import math

import pytest
import torch
from torch import nn

from utils.nets.recurrent import KINDS, Reader, Team, chrono_, keep_, make_cell, step_of
from utils.torchdoctor.errors import WrongType, WrongValue

kinds = pytest.mark.parametrize("kind", KINDS)
gated = pytest.mark.parametrize("kind", ["lstm", "gru"])


def states_of(cell, x):
    """Run the written-out step over x (T, inputs); return the states (T, size)."""
    step, weigh, size = step_of(cell)
    states = [torch.zeros(size, dtype=x.dtype)]
    for x_t in weigh(x):
        states.append(step(x_t, states[-1]))
    return torch.stack(states[1:])


def sequence(steps=12, inputs=3):
    return torch.randn(steps, inputs, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


@kinds
def test_steps_agree_with_pytorch(kind):
    cell, x = make_cell(kind, 3, 5, seed=2), sequence()
    theirs, last = cell(x[None])
    ours = states_of(cell, x)
    torch.testing.assert_close(ours[:, :5], theirs[0])
    if kind == "lstm":
        torch.testing.assert_close(ours[-1, 5:], last[1][0, 0])


def test_a_relu_rnn_steps_as_pytorch_s():
    cell = nn.RNN(3, 5, nonlinearity="relu", batch_first=True, dtype=torch.float64)
    torch.testing.assert_close(states_of(cell, sequence()), cell(sequence()[None])[0][0])


@kinds
def test_a_step_takes_whole_batches(kind):
    step, weigh, size = step_of(make_cell(kind, 3, 4))
    x, state = weigh(sequence(6)), torch.randn(6, size, dtype=torch.float64)
    torch.testing.assert_close(step(x, state), torch.stack([step(a, b) for a, b in zip(x, state)]))


@kinds
def test_cells_come_from_their_seed_as_pytorch_makes_them(kind):
    before = torch.get_rng_state()
    first, again, other = make_cell(kind, 3, 50, seed=1), make_cell(kind, 3, 50, seed=1), make_cell(kind, 3, 50, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, first.parameters(), again.parameters()))
    assert not torch.equal(first.weight_hh_l0, other.weight_hh_l0)
    assert max(p.abs().max() for p in first.parameters()) <= 50**-0.5


@pytest.mark.parametrize("kind", ["LSTM", "elman", None, 3])
def test_an_unknown_cell_is_one_sentence(kind):
    with pytest.raises(WrongValue, match="rnn, lstm, gru"):
        make_cell(kind, 3, 4)


@gated
def test_the_bias_that_keeps_is_the_sum_of_two_and_the_only_one_changed(kind):
    plain, cell = make_cell(kind, 3, 4), keep_(make_cell(kind, 3, 4), 5.0)
    sums = cell.bias_ih_l0 + cell.bias_hh_l0
    assert torch.equal(sums[4:8], torch.full((4,), 5.0, dtype=torch.float64))
    others = [k for k in range(len(sums)) if not 4 <= k < 8]
    assert torch.equal(sums[others], (plain.bias_ih_l0 + plain.bias_hh_l0)[others])


@gated
def test_a_large_bias_keeps_the_state(kind):
    """The state after one step with a bias of 30 is the state before, plus what an LSTM's input gate lets in."""
    cell = keep_(make_cell(kind, 3, 4), 30.0)
    if kind == "lstm":
        with torch.no_grad():
            cell.bias_ih_l0[:4] = -30.0
    step, weigh, size = step_of(cell)
    state = torch.rand(size, dtype=torch.float64)
    torch.testing.assert_close(step(weigh(sequence(1))[0], state)[-4:], state[-4:])


def test_chrono_spans_are_uniform_and_the_input_gate_mirrors_them():
    cell = chrono_(make_cell("lstm", 3, 4000), 101, seed=3)
    forget = (cell.bias_ih_l0 + cell.bias_hh_l0)[4000:8000].detach()
    entry = (cell.bias_ih_l0 + cell.bias_hh_l0)[:4000].detach()
    assert torch.equal(entry, -forget)
    spans = forget.exp()  # uniform on [1, 100]
    assert 1 <= spans.min() and spans.max() <= 100
    assert spans.mean().item() == pytest.approx(50.5, abs=5 * 99 / math.sqrt(12 * 4000))
    assert spans.std().item() == pytest.approx(99 / math.sqrt(12), rel=0.05)


def test_chrono_of_a_gru_sets_its_update_gate_and_of_a_short_lag_is_no_bias():
    cell = chrono_(make_cell("gru", 3, 4), 1000)
    assert (cell.bias_ih_l0[4:8] > 0).all() and not cell.bias_hh_l0[4:8].any()
    assert not chrono_(make_cell("gru", 3, 4), 1).bias_ih_l0[4:8].any()


@pytest.mark.parametrize("change", [lambda cell: keep_(cell, 1.0), lambda cell: chrono_(cell, 100)])
@pytest.mark.parametrize("cell", [make_cell("rnn", 3, 4), nn.Linear(3, 4)])
def test_a_cell_without_gates_cannot_keep(change, cell):
    with pytest.raises(WrongType, match="gate that keeps"):
        change(cell)


@pytest.mark.parametrize("module", [nn.Linear(3, 4), nn.LSTM(3, 4, num_layers=2), nn.GRU(3, 4, bidirectional=True),
                                    nn.RNN(3, 4, bias=False), "lstm"])
def test_steps_of_other_modules_are_refused(module):
    with pytest.raises(WrongType, match="one layer"):
        step_of(module)


def test_a_reader_reads_symbols_as_one_hot_and_answers_from_the_last_state():
    reader = Reader(make_cell("lstm", 6, 5), outputs=3, seed=1)
    symbols = torch.randint(6, (4, 7), dtype=torch.uint8)
    one_hot = nn.functional.one_hot(symbols.long(), 6).double()
    torch.testing.assert_close(reader(symbols), reader(one_hot))
    torch.testing.assert_close(reader(symbols), reader.readout(reader.cell(one_hot)[0][:, -1]))
    assert torch.equal(reader.readout.weight, Reader(make_cell("lstm", 6, 5), outputs=3, seed=1).readout.weight)


def test_a_reader_of_every_step_says_at_the_last_what_a_reader_of_the_last_says():
    x = torch.randint(6, (4, 9))
    last, every = (Reader(make_cell("lstm", 6, 5), outputs=3, every_step=every_step) for every_step in (False, True))
    assert every(x).shape == (4, 9, 3)
    assert torch.equal(every(x)[:, -1], last(x)) and torch.allclose(every(x)[:, 3], last(x[:, :4]))


def test_a_team_gives_each_net_the_same_input():
    readers = [Reader(make_cell("gru", 6, 5, seed=seed), seed=seed) for seed in range(3)]
    x = torch.randint(6, (4, 7))
    assert Team(readers)(x).shape == (3, 4, 4)
    assert torch.equal(Team(readers)(x)[1], readers[1](x))
    assert len(list(Team(readers).parameters())) == 3 * len(list(readers[0].parameters()))
