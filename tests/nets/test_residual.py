"""Nets with skips against formulas written out here, and what they say to bad arguments."""

import itertools
import math

import pytest
import torch
from torch import nn

from utils.nets.mlp import MLP
from utils.nets.residual import DenseNet, HighwayNet, NormedNet, ResidualNet

NETS = {
    "residual": lambda **settings: ResidualNet(3, 8, **settings),
    "highway": lambda **settings: HighwayNet(3, 8, **settings),
    "dense": lambda **settings: DenseNet(3, 4, **settings),
}


def batch(n=5, features=64):
    return torch.randn(n, features, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def jacobian(f, start):
    return torch.autograd.functional.jacobian(f, start)


def after_stem(net):
    """The stream's end as a function of its start, by the net's own blocks."""
    stem, net.stem = net.stem, nn.Identity()
    start = stem(batch(1))[0].detach()
    return (lambda a: net.stream(a)[-1]), start


@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
def test_shapes_seeds_and_the_global_generator(make):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, again, other = make(seed=3), make(seed=3), make(seed=4)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.readout.weight, other.readout.weight)
    assert first(batch()).shape == (5, 10) and first(batch()).dtype == torch.float64
    assert make(dtype=torch.float32)(batch().float()).dtype == torch.float32
    assert make(out_features=3, in_features=6)(batch(features=6)).shape == (5, 3)
    first(batch()).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in first.parameters())


@pytest.mark.parametrize("carry, scale", [(1.0, 1.0), (0.0, 1.0), (0.5, 0.5), (1.0, 0.2)])
@pytest.mark.parametrize("order", ["pre", "post"])
def test_a_block_is_the_formula_in_its_docstring(order, carry, scale):
    net = ResidualNet(2, 8, order=order, carry=carry, scale=scale)
    expected = [net.stem(batch())]
    for branch in net.blocks:
        W_1, W_2 = (layer for layer in branch if isinstance(layer, nn.Linear))
        a = expected[-1]
        out = W_2(W_1(a.relu()).relu()) if order == "pre" else W_2(W_1(a).relu())
        out = carry * a + scale * out
        expected.append(out if order == "pre" else out.relu())
    torch.testing.assert_close(net.stream(batch()), expected)
    torch.testing.assert_close(net(batch()), net.readout(expected[-1].relu()))


def test_without_a_skip_it_is_a_plain_net_of_twice_as_many_layers():
    net, plain = ResidualNet(3, 8, carry=0), MLP(6, 8, activation="relu", in_features=8)
    layers = [layer for layer in net.blocks.modules() if isinstance(layer, nn.Linear)]
    for ours, theirs in zip([*layers, net.readout], [*plain.hidden, plain.readout], strict=True):
        theirs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(net(batch()), plain(net.stem(batch()).relu()))


def test_plain_and_residual_have_the_same_weights():
    plain, residual = ResidualNet(3, carry=0, seed=2), ResidualNet(3, scale=0.5, seed=2)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), residual.parameters(), strict=True))


@pytest.mark.parametrize("settings", [{"scale": 0.0}, {"scale": 0.0, "learn_scale": True}, {"zero_last": True}])
def test_silent_branches_make_the_jacobian_the_identity(settings):
    end, start = after_stem(ResidualNet(5, 8, **settings))
    assert torch.equal(jacobian(end, start), torch.eye(8, dtype=torch.float64))


def test_rezero_learns_its_factors_and_nothing_else_moves_at_first():
    net = ResidualNet(4, 8, scale=0.0, learn_scale=True)
    net(batch()).square().sum().backward()
    assert net.scale.shape == (4,) and (net.scale.grad != 0).all()
    assert all((p.grad == 0).all() for p in net.blocks.parameters())
    assert not any(p is net.scale for p in ResidualNet(4, 8, scale=0.0).parameters() if p.shape == (4,))


def test_layer_scale_multiplies_each_unit_of_a_branch_by_its_own_factor():
    net = ResidualNet(3, 8, scale=0.1, learn_scale="unit")
    assert net.scale.shape == (3, 8) and (net.scale == 0.1).all()
    net.scale.data[1] = torch.arange(8)
    _, before, after, _ = net.stream(batch())
    torch.testing.assert_close(after, before + torch.arange(8) * net.blocks[1](before))


def test_the_mean_square_doubles_at_unit_gain():
    ratios = []
    for seed in range(3):
        first, *_, last = ResidualNet(10, 512, seed=seed).stream(batch(64))
        ratios.append((last.square().mean() / first.square().mean()).item())
    assert math.prod(ratios) ** (1 / 3) == pytest.approx(2**10, rel=0.3)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_norm_makes_the_branch_deaf_to_the_stream_s_size(norm):
    net = ResidualNet(1, 8, norm=norm)
    a, b = net.blocks[0](100 * batch(features=8)), net.blocks[0](batch(features=8))
    torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def test_a_deleted_block_passes_its_input_on():
    for settings in ({"carry": 0}, {"scale": 0.3}):
        net = ResidualNet(3, 8, **settings)
        stream = net.stream(batch(), without=(1,))
        assert stream[2] is stream[1] and len(stream) == 4
        assert not torch.equal(net(batch(), without=(1,)), net(batch()))


def test_stochastic_depth_drops_in_training_and_weighs_in_evaluation():
    net, x = ResidualNet(8, 8, scale=0.1, drop=0.5), batch()
    assert net.staying[-1] == 0.5 and sum(net.staying) == pytest.approx((3 * 8 - 1) / 4)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    streams = [net.train().stream(x) for _ in range(2000)]
    kept = torch.tensor([[float(a is not b) for a, b in itertools.pairwise(stream)] for stream in streams])
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(kept.mean(0), torch.tensor(net.staying), rtol=0, atol=5 * 0.5 / 2000**0.5)
    first, second = net.eval().stream(x), net.stream(x)
    assert torch.equal(first[-1], second[-1])
    expected = first[-2] + 0.1 * net.blocks[-1](first[-2]) * 0.5
    torch.testing.assert_close(first[-1], expected)


def test_a_highway_layer_is_its_formula_and_the_identity_as_its_gate_closes():
    net = HighwayNet(2, 8, gate_bias=-1.5)
    a = net.stem(batch())
    T = torch.sigmoid(a @ net.gates[0].weight.T - 1.5)
    expected = T * (a @ net.transforms[0].weight.T).relu() + (1 - T) * a
    torch.testing.assert_close(net.stream(batch())[1], expected)
    end, start = after_stem(HighwayNet(20, 8, gate_bias=-50.0))
    torch.testing.assert_close(jacobian(end, start), torch.eye(8, dtype=torch.float64))


def test_a_highway_layer_s_jacobian_has_three_terms():
    net = HighwayNet(1, 6, gate_bias=-1.0)
    end, x = after_stem(net)
    W_H, W_T = net.transforms[0].weight, net.gates[0].weight
    H, T = (W_H @ x).relu(), torch.sigmoid(W_T @ x - 1.0)
    H_slope, T_slope = torch.diag((W_H @ x > 0).double()) @ W_H, torch.diag(T * (1 - T)) @ W_T
    expected = torch.diag(1 - T) + torch.diag(T) @ H_slope + torch.diag(H - x) @ T_slope
    torch.testing.assert_close(jacobian(end, x), expected)


def test_a_dense_layer_reads_all_before_it():
    net, x = DenseNet(3, 4), batch()
    features = x
    for layer in net.layers:
        features = torch.cat([features, (features @ layer.weight.T + layer.bias).relu()], 1)
    assert features.shape == (5, 64 + 3 * 4)
    torch.testing.assert_close(net(x), net.readout(features))


BAD = [
    *[(ResidualNet, {"blocks": bad}, "blocks is a whole number") for bad in (0, -1, 2.0, "3", None, True)],
    *[(ResidualNet, {"width": bad}, "width is a whole number") for bad in (0, 2.5, None)],
    *[(ResidualNet, {"learn_scale": bad}, "unknown learn_scale .*: choose one of False, True, 'unit'") for bad in ("block", None, 2)],
    *[(ResidualNet, {"scale": bad}, "scale is a finite number") for bad in ("a", None, math.nan, math.inf)],
    *[(ResidualNet, {"carry": bad}, "carry is a finite number") for bad in ("a", None, math.nan)],
    *[(ResidualNet, {"drop": bad}, "drop is a probability") for bad in (1.0, -0.1, "a", None, math.nan)],
    *[(ResidualNet, {"norm": bad}, "unknown norm") for bad in ("swish", 3, [])],
    *[(ResidualNet, {"order": bad}, "unknown order") for bad in ("middle", None, [])],
    (ResidualNet, {"activation": "swish"}, "unknown activation"),
    (ResidualNet, {"sigma_w": -1.0}, "sigma_w is a standard deviation"),
    (ResidualNet, {"seed": 1.5}, "seed is a whole number"),
    (HighwayNet, {"depth": 0}, "depth is a whole number"),
    (HighwayNet, {"gate_bias": "a"}, "gate_bias is a finite number"),
    (DenseNet, {"growth": 0}, "growth is a whole number"),
]


@pytest.mark.parametrize("net, arguments, sentence", BAD, ids=[f"{net.__name__} {bad}" for net, bad, _ in BAD])
def test_a_bad_argument_is_one_clear_sentence(net, arguments, sentence):
    first = {ResidualNet: "blocks", HighwayNet: "depth", DenseNet: "depth"}[net]
    with pytest.raises(ValueError, match=sentence) as error:
        net(**{first: 2, **arguments})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("place", ["pre", "post"])
def test_a_norm_stands_in_the_branch_or_behind_the_sum(place):
    net = NormedNet(3, place, 8, seed=2)
    first, *rest = net.stream(batch())

    def norm(a):
        centred = a - a.mean(1, keepdim=True)
        return centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()

    assert torch.allclose(first, norm(net.stem(batch())))
    for branch, a, out in zip(net.blocks, [first, *rest], rest):
        assert torch.allclose(out, a + branch(norm(a)) if place == "pre" else norm(a + branch(a)))
    assert torch.allclose(net(batch()), net.readout(norm(rest[-1]).relu()))
    assert torch.equal(net.stream(batch(), without=(0, 1, 2))[-1], first)


def test_a_norm_stands_at_one_of_two_places():
    with pytest.raises(ValueError, match="unknown place 'behind': choose one of pre, post"):
        NormedNet(3, "behind")
