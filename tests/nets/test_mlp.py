"""The MLP against a forward pass written out here, over all its switches, and what it says to bad arguments."""

import itertools
import math

import pytest
import torch
from torch import nn

from utils.nets import activations, initialization, mlp
from utils.nets.mlp import MLP, Stack

SWITCHES = list(
    itertools.product(activations.ACTIVATIONS, initialization.SCHEMES, (None, "batch", "layer"), (False, True))
)


def batch(features=6, n=5, dtype=torch.float64):
    return torch.randn(n, features, generator=torch.Generator().manual_seed(1), dtype=dtype)


def by_hand(net, x, phi, norm, skip):
    """z and a of every layer, with nothing but the net's parameters and formulas."""
    z, a = [], [x]
    for linear in net.hidden:
        pre = a[-1] @ linear.weight.T + linear.bias
        if norm:
            dim = 0 if norm == "batch" else 1
            centred = pre - pre.mean(dim, keepdim=True)
            pre = centred / (centred.square().mean(dim, keepdim=True) + 1e-5).sqrt()
        post = phi(pre)
        z.append(pre)
        a.append(post + a[-1] if skip and post.shape == a[-1].shape else post)
    z.append(a[-1] @ net.readout.weight.T + net.readout.bias)
    return z, a


@pytest.mark.parametrize(("activation", "init", "norm", "skip"), SWITCHES)
def test_signals_are_those_of_a_forward_pass_by_hand(activation, init, norm, skip):
    net = MLP(
        3, 7, activation=activation, init=init, norm=norm, skip=skip, in_features=6, out_features=4, seed=2
    )  # fmt: skip
    x = batch()
    z, a = net.signals(x)
    assert [tuple(t.shape) for t in z] == [(5, 7)] * 3 + [(5, 4)]
    assert [tuple(t.shape) for t in a] == [(5, 6)] + [(5, 7)] * 3
    expected_z, expected_a = by_hand(net, x, activations.get(activation).value, norm, skip)
    # torch's own norm and sigmoid are the same formulas in another order of rounding.
    torch.testing.assert_close(z, expected_z, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(a, expected_a, rtol=1e-9, atol=1e-9)
    assert torch.equal(net(x), net.signals(x)[0][-1])


def test_skip_adds_the_identity_where_widths_agree():
    net = MLP(3, 6, activation="tanh", skip=True, in_features=6)
    z, a = net.signals(batch())
    for before, pre, after in zip(a, z, a[1:]):
        assert torch.equal(after, pre.tanh() + before)
    nn.init.zeros_(net.hidden[1].weight)
    _, a = net.signals(batch())
    assert torch.equal(a[2], a[1])  # the branch is silent: the signal passes as it is


def test_skip_leaves_out_the_layer_that_changes_the_width():
    net = MLP(2, 7, activation="tanh", skip=True, in_features=6)
    z, a = net.signals(batch())
    assert torch.equal(a[1], z[0].tanh()) and torch.equal(a[2], z[1].tanh() + a[1])


def test_depth_zero_is_a_linear_classifier():
    net = MLP(0, in_features=6, out_features=3)
    x = batch()
    z, a = net.signals(x)
    assert len(z) == len(a) == 1 and a[0] is x
    torch.testing.assert_close(net(x), x @ net.readout.weight.T + net.readout.bias)


def test_the_defaults_fit_the_digits():
    net = MLP(2)
    assert net(batch(64)).shape == (5, 10)
    assert sum(p.numel() for p in net.parameters()) == 2 * (64 * 64 + 64) + 64 * 10 + 10
    assert all(isinstance(phi, nn.Sigmoid) for phi in net.phi)


def test_every_parameter_is_trained():
    net = MLP(2, 7, norm="batch", in_features=6)
    net(batch()).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("norm", [None, *mlp.NORMS])
def test_dtype(dtype, norm):
    net = MLP(2, 7, norm=norm, in_features=6, dtype=dtype)
    assert all(p.dtype == dtype for p in net.parameters())
    assert net(batch(dtype=dtype)).dtype == dtype


@pytest.mark.parametrize(
    "arguments", [{"init": name} for name in initialization.SCHEMES] + [{"sigma_w": 1.5, "sigma_b": 0.2}]
)
def test_a_seed_fixes_the_weights_and_spares_the_global_generator(arguments):
    torch.manual_seed(0)
    first = MLP(2, 7, seed=3, **arguments).state_dict()
    before = torch.get_rng_state()
    again = MLP(2, 7, seed=3, **arguments).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    other = MLP(2, 7, seed=4, **arguments).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["hidden.0.weight"], other["hidden.0.weight"])
    assert not torch.equal(first["hidden.1.weight"], first["hidden.0.weight"][:, :7])  # one stream, not one draw


def test_initialize_draws_anew_what_the_constructor_drew():
    net = MLP(2, 7, init="he", seed=3)
    expected = {key: value.clone() for key, value in net.state_dict().items()}
    assert net.initialize("small", seed=5) is net
    assert not torch.equal(net.hidden[0].weight, expected["hidden.0.weight"])
    net.initialize("he", seed=3)
    assert all(torch.equal(value, expected[key]) for key, value in net.state_dict().items())


def test_sigma_w_and_sigma_b_are_the_spreads_of_the_weights_and_biases():
    net = MLP(1, 400, sigma_w=1.5, sigma_b=0.3, in_features=100)
    # Five standard errors of a spread: 5 / sqrt(2n), relative, for n = 40,000 weights and 400 biases.
    assert net.hidden[0].weight.std().item() == pytest.approx(1.5 / 10, rel=5 / math.sqrt(80_000))
    assert net.hidden[0].bias.std().item() == pytest.approx(0.3, rel=5 / math.sqrt(800))


def test_xavier_is_the_default():
    assert torch.equal(MLP(1).hidden[0].weight, MLP(1, init="xavier").hidden[0].weight)


SIZE = r"is a whole number, {} or more; got "
SIGMA = "is a standard deviation, a finite number of 0 or more; got "
BAD = [
    *[({"depth": bad}, "depth " + SIZE.format(0)) for bad in ("3", 2.0, True, None, -1, math.nan, [3])],
    *[
        ({name: bad}, name + " " + SIZE.format(1))
        for name in ("width", "in_features", "out_features")
        for bad in (0, -1, "3", 2.5, True, None, math.inf)
    ],
    *[({"sigma_w": bad}, "sigma_w " + SIGMA) for bad in ("a", math.nan, math.inf, -1.0, [1])],
    *[({"sigma_w": 1.0, "sigma_b": bad}, "sigma_b " + SIGMA) for bad in ("a", math.nan, math.inf, -1.0, None)],
    *[({"seed": bad}, "seed " + SIZE.format(0)) for bad in (None, "a", 1.5, -1, True)],
    *[({"activation": bad}, "unknown activation .*: choose one of sigmoid") for bad in ("swish", None, 3, [])],
    *[({"init": bad}, "unknown initialization .*: choose one of naive") for bad in ("swish", "", 3, [])],
    *[({"norm": bad}, "unknown norm .*: choose None or one of batch, layer") for bad in ("swish", "", 3, [], True)],
    *[({"dtype": bad}, "dtype is one of torch's floating-point types") for bad in ("float", None, torch.int64)],
    ({"init": "he", "sigma_w": 1.0}, "either init= .* or sigma_w=, not both"),
    ({"sigma_b": 0.5}, "sigma_b=0.5 needs sigma_w="),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD, ids=[str(arguments) for arguments, _ in BAD])
def test_a_bad_argument_is_one_clear_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        MLP(**{"depth": 2, "width": 4, **arguments})
    assert "\n" not in str(error.value)


def test_a_bad_argument_to_initialize_leaves_the_weights_alone():
    net = MLP(2, 4)
    before = [p.clone() for p in net.parameters()]
    for arguments in ({"init": "swish"}, {"sigma_w": -1.0}, {"init": "he", "sigma_w": 1.0}, {"seed": None}):
        with pytest.raises(ValueError):
            net.initialize(**arguments)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_stack_computes_what_its_nets_compute_one_by_one(depth):
    nets = [MLP(depth, width=5, activation="relu", init=init, seed=seed) for seed, init in enumerate(("he", "torch"))]
    stack, x = Stack(nets), torch.randn(7, 64, dtype=torch.float64)
    z, a = stack.signals(x)
    for i, net in enumerate(nets):
        z_alone, a_alone = net.signals(x)
        assert all(torch.allclose(together[i], alone) for together, alone in zip(z, z_alone, strict=True))
        assert all(torch.allclose(together[i], alone) for together, alone in zip(a[1:], a_alone[1:], strict=True))
    assert torch.equal(stack(x), z[-1]) and a[0] is x


def test_a_step_on_a_stack_is_a_step_on_each_net():
    nets = [MLP(2, width=5, activation="relu", init="he", seed=seed) for seed in range(3)]
    stack, x, y = Stack(nets), torch.randn(7, 64, dtype=torch.float64), torch.arange(7)
    sum(nn.functional.cross_entropy(logits, y) for logits in stack(x)).backward()
    for i, net in enumerate(nets):
        nn.functional.cross_entropy(net(x), y).backward()
        for layer, linear in enumerate((*net.hidden, net.readout)):
            assert torch.allclose(stack.weights[layer].grad[i].T, linear.weight.grad)
            assert torch.allclose(stack.biases[layer].grad[i, 0], linear.bias.grad)


def test_a_stack_holds_copies():
    net = MLP(1, width=5)
    stack, before = Stack([net]), net.readout.weight.clone()
    with torch.no_grad():
        stack.weights[1].zero_()
    assert torch.equal(net.readout.weight, before)


@pytest.mark.parametrize("nets, message", [
    ([], "0 kinds"),
    ([MLP(1), MLP(2)], "2 kinds"),
    ([MLP(1), MLP(1, width=32)], "2 kinds"),
    ([MLP(1), MLP(1, activation="relu")], "2 kinds"),
    ([MLP(1, norm="layer")], "without norm"),
    ([MLP(1, skip=True)], "without norm and skip"),
    ([MLP(1, activation="prelu")], "without parameters"),
])  # fmt: skip
def test_nets_that_do_not_stack_are_one_sentence(nets, message):
    with pytest.raises(ValueError, match=message):
        Stack(nets)
