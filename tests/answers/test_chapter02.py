"""The checkers of chapter 2: right answers, typical wrong ones, junk."""

import torch
from torch import nn

from tests.answers.answers import right_answers, wrong_answers
from utils.answers.chapter02 import (
    check_census,
    check_level_sigma_w,
    check_relu_backward,
    check_weights,
)


def outputs(net, x):
    found = []
    for layer in net:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            found.append(x)
    return found


def census_with_hooks(net, x):
    shares, handles = [], []
    for layer in net:
        if isinstance(layer, nn.ReLU):
            hook = lambda module, inputs, a: shares.append((a == 0).all(0).float().mean().item())
            handles.append(layer.register_forward_hook(hook))
    net(x)
    for handle in handles:
        handle.remove()
    return shares


def census_that_breaks_the_net(net, x):
    with torch.no_grad():
        net[0].weight.zero_()
    return [1.0] * 2


def weights(variance):
    """Return Gaussian weights of the variance that is given as a function of fan_in, fan_out and the leak."""
    return lambda n_in, n_out, alpha: torch.randn(n_out, n_in) * variance(n_in, n_out, alpha) ** 0.5


def uniform_weights(n_in, n_out, alpha):
    return (2 * torch.rand(n_out, n_in, dtype=torch.float64) - 1) * (6 / (1 + alpha**2) / n_in) ** 0.5


CLAIMS = 10  # that the ledger has of this chapter, each with a cell

RIGHT = [
    (check_relu_backward, lambda delta_out, z: delta_out * (z > 0)),
    (check_relu_backward, lambda d, z: torch.where(z > 0, d, 0.0)),
    (check_relu_backward, lambda d, z: d * (z.sign() + z.sign().abs()) / 2),
    (check_level_sigma_w, lambda alpha: (2 / (1 + alpha**2)) ** 0.5),
    (check_level_sigma_w, lambda alpha: nn.init.calculate_gain("leaky_relu", alpha)),
    (check_census, lambda net, x: [(a == 0).all(0).double().mean() for a in outputs(net, x)]),
    (check_census, lambda net, x: torch.stack([(a.amax(0) == 0).double().mean() for a in outputs(net, x)])),
    (check_census, census_with_hooks),
    (check_weights, weights(lambda n_in, n_out, alpha: 2 / (1 + alpha**2) / n_in)),
    (check_weights, uniform_weights),
]
WRONG = [
    (check_relu_backward, lambda d, z: d * (z >= 0), "slope 0"),
    (check_relu_backward, lambda d, z: d.clamp(min=0), "sign of z decides"),
    (check_relu_backward, lambda d, z: d.clamp(min=0) * (z > 0), "negative error"),
    (check_relu_backward, lambda d, z: d * z.relu(), "not times ReLU itself"),
    (check_relu_backward, lambda d, z: d * (z < 0), "the other way round"),
    (check_relu_backward, lambda d, z: d.clone(), "stops the error"),
    (check_relu_backward, lambda d, z: d[z > 0], "expected shape"),
    (check_level_sigma_w, lambda alpha: 2 / (1 + alpha**2), "squared"),
    (check_level_sigma_w, lambda alpha: 2**0.5, "that is ReLU's"),
    (check_level_sigma_w, lambda alpha: (2 / (1 + alpha)) ** 0.5, "slope squared"),
    (check_level_sigma_w, lambda alpha: ((1 + alpha**2) / 2) ** 0.5, "upside down"),
    (check_level_sigma_w, lambda alpha: (1 / (1 + alpha**2)) ** 0.5, "half of the time"),
    (check_level_sigma_w, lambda alpha: (2 / (1 - alpha**2)) ** 0.5, "check the sign"),
    (check_census, lambda net, x: [(a == 0).double().mean() for a in outputs(net, x)], "sparsity"),
    (check_census, lambda net, x: [(a == 0).any(0).double().mean() for a in outputs(net, x)], "no death"),
    (check_census, lambda net, x: [(a == 0).all(1).double().mean() for a in outputs(net, x)], "dimension 0"),
    (check_census, lambda net, x: [(a == 0).all(0).sum() for a in outputs(net, x)], "a share"),
    (check_census, lambda net, x: [(a != 0).any(0).double().mean() for a in outputs(net, x)], "the living"),
    (check_census, lambda net, x: [(a == 0).all(0).double().mean() for a in outputs(net, x)][::-1], "order"),
    (check_census, lambda net, x: [(a == 0).all(0).double().mean() for a in outputs(net, x)][:1], "expected shape"),
    (check_census, census_that_breaks_the_net, "changes its argument net"),
    (check_weights, weights(lambda n_in, n_out, alpha: 2 / (1 + alpha**2) / n_out), "over which does z sum"),
    (check_weights, weights(lambda n_in, n_out, alpha: 4 / (1 + alpha**2) / (n_in + n_out)), "over which does z sum"),
    (check_weights, lambda n_in, n_out, alpha: torch.eye(n_out, n_in), "z sum"),
    (check_weights, weights(lambda n_in, n_out, alpha: 2 / (1 + alpha) / n_in), "the square of the slope"),
    (check_weights, weights(lambda n_in, n_out, alpha: 2 / n_in), "too large"),
    (check_weights, weights(lambda n_in, n_out, alpha: 1 / n_in), "too small"),
    (check_weights, weights(lambda n_in, n_out, alpha: 2 / (n_in + n_out)), "too small"),
    (check_weights, weights(lambda n_in, n_out, alpha: (2 / (1 + alpha**2)) ** 2 / n_in), "too large"),
    (check_weights, lambda n_in, n_out, alpha: nn.Linear(n_in, n_out).weight, "too small"),
    (check_weights, lambda n_in, n_out, alpha: torch.rand(n_out, n_in) / n_in**0.5, "around 0"),
    (check_weights, lambda n_in, n_out, alpha: torch.zeros(n_out, n_in), "around 0"),
    (check_weights, lambda n_in, n_out, alpha: torch.randn(n_in, n_out), "(n_out, n_in)"),
    (check_weights, lambda n_in, n_out, alpha: torch.randn(n_out), "expected shape"),
    (check_weights, lambda n_in, n_out, alpha: 0.1, "expected a tensor"),
    (check_weights, lambda n_in, n_out, alpha: torch.full((n_out, n_in), torch.inf), "finite"),
]


test_a_right_answer_is_correct = right_answers(RIGHT)
test_a_wrong_answer_gets_its_reason = wrong_answers(WRONG)
