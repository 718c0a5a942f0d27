"""The instrument for time: how much of a gradient at the last step is left at every step before it."""

import torch
from torch import nn

from utils.nets.recurrent import step_of
from utils.torchdoctor.errors import WrongValue


def step_jacobians(step, x, start):
    """Run `step` over x (T, ...) from the state `start` (S,); return states (T + 1, S) and Jacobians (T, S, S).

    Jacobian k is d state_{k+1} / d state_k. The states are known after one run, so the Jacobians of all steps are
    independent of each other, and one backward pass per state unit finds them all at once.
    """
    with torch.no_grad():
        states = [start]
        for x_t in x:
            states.append(step(x_t, states[-1]))
    states = torch.stack(states)
    before = states[:-1].clone().requires_grad_(True)
    after = step(x, before)
    rows = [torch.autograd.grad(after[:, unit].sum(), before, retain_graph=True)[0] for unit in range(len(start))]
    return states, torch.stack(rows, dim=1)


def measure_through_time(cell, x, start=None):
    """What a step keeps of the gradient at the last state, by lag T - t: a float64 tensor (T + 1,), 1 at lag 0.

    cell: an `nn.RNN`, `nn.LSTM` or `nn.GRU` of one layer, with x (T, inputs); or a function step(x_t, state) -> state
        for whole batches of both, with x (T, ...) and `start` (S,), the state it starts from.

    The number is ||dh_T/ds_t||_F / sqrt(H), the root mean square over all directions of a gradient of norm 1 at h_T; the
    state s is h, and of an LSTM h and c. In double precision. The cell is left as it was.
    Raises ValueError if a function comes without `start`.
    """
    if isinstance(cell, nn.Module):
        step, weigh, size = step_of(cell)
        x = weigh(x)
        hidden, start = cell.hidden_size, torch.zeros(size, dtype=x.dtype)
    elif start is None:
        raise WrongValue("a step function needs `start`, the state that it starts from")
    else:
        step, hidden = cell, len(start)
    _, jacobians = step_jacobians(step, x, start)
    product = torch.eye(len(start), dtype=torch.float64)[:hidden] / hidden**0.5     # dh_T/ds_T, of norm 1
    size, norms = torch.tensor(1.0, dtype=torch.float64), []
    for jacobian in [None, *jacobians.double().flip(0)]:                            # newest first
        product = product if jacobian is None else product @ jacobian
        norm = product.norm()
        size, product = size * norm, product / norm.clamp(min=1e-300)               # entries near 1: no underflow
        norms.append(size)
    return torch.stack(norms)
