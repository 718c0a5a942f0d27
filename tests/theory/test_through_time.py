"""The instrument for time against autograd and closed forms, far below the smallest square of float64."""

import pytest
import torch
from torch import nn

from utils.nets.recurrent import KINDS, make_cell, step_of
from utils.theory.through_time import measure_through_time, step_jacobians
from utils.torchdoctor.errors import WrongType, WrongValue


def sequence(steps, inputs=3, seed=0):
    return torch.randn(steps, inputs, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_it_agrees_with_autograd_through_the_whole_sequence(kind):
    cell, x, T = make_cell(kind, 3, 5, seed=4), sequence(9), 9
    step, weigh, size = step_of(cell)
    states, _ = step_jacobians(step, weigh(x), torch.zeros(size, dtype=torch.float64))

    def last_h(state, t):
        for x_t in weigh(x)[t:]:
            state = step(x_t, state)
        return state[:5]

    measured = measure_through_time(cell, x)
    assert measured.shape == (T + 1,) and measured.dtype == torch.float64
    for t in range(T + 1):
        jacobian = torch.autograd.functional.jacobian(lambda s, t=t: last_h(s, t), states[t])
        assert measured[T - t].item() == pytest.approx((jacobian.norm() / 5**0.5).item(), rel=1e-9)


def test_an_orthogonal_linear_step_keeps_and_a_scaled_one_goes_as_its_power():
    Q = torch.linalg.qr(sequence(6, 6))[0]
    for rho in (1.0, 0.5, 2.0):
        measured = measure_through_time(lambda x, h, rho=rho: rho * h @ Q.T + x, sequence(50, 6), sequence(1, 6)[0])
        torch.testing.assert_close(measured, rho ** torch.arange(51.0, dtype=torch.float64))


def test_entries_whose_square_is_below_float64_still_count():
    measured = measure_through_time(lambda x, h: 0.5 * h + x, torch.zeros(1000, 2).double(), torch.zeros(2).double())
    assert measured[-1].item() == pytest.approx(0.5**1000, rel=1e-9)


def test_a_step_that_forgets_all_leaves_exactly_zero():
    measured = measure_through_time(lambda x, h: 0 * h + x, sequence(5, 2), torch.zeros(2).double())
    assert measured[0].item() == pytest.approx(1) and not measured[1:].any()


def test_the_cell_is_left_as_it_was_and_float32_is_measured_in_double():
    cell = make_cell("lstm", 3, 4, dtype=torch.float32)
    before = {name: value.clone() for name, value in cell.state_dict().items()}
    measured = measure_through_time(cell, sequence(20).float())
    assert measured.dtype == torch.float64
    assert all(torch.equal(value, before[name]) for name, value in cell.state_dict().items())
    assert all(p.grad is None for p in cell.parameters())


def test_wrong_input_is_one_sentence():
    with pytest.raises(WrongValue, match="start"):
        measure_through_time(lambda x, h: h, sequence(3))
    with pytest.raises(WrongType, match="one layer"):
        measure_through_time(nn.Linear(3, 3), sequence(3))
