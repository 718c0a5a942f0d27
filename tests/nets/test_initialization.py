"""Spread, bounds and biases of every scheme on large layers, against the formulas and against torch.nn.init."""

import math

import pytest
import torch
from torch import nn

from utils.nets import initialization

SHAPES = [(300, 300), (100, 400), (400, 100)]  # fan_in, fan_out; at least 40,000 weights


def spreads(fan_in, fan_out):
    return {
        "naive": 1.0,
        "small": 0.01,
        "lecun": math.sqrt(1 / fan_in),
        "xavier": math.sqrt(2 / (fan_in + fan_out)),
        "he": math.sqrt(2 / fan_in),
        "xavier_uniform": math.sqrt(2 / (fan_in + fan_out)),
        "he_uniform": math.sqrt(2 / fan_in),
        "orthogonal": math.sqrt(1 / max(fan_in, fan_out)),
        "torch": math.sqrt(1 / (3 * fan_in)),
    }


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def drawn(scheme, fan_in=300, fan_out=300, seed=0, bias=True, **kwargs):
    layer = nn.Linear(fan_in, fan_out, bias=bias, dtype=torch.float64)
    assert scheme(layer, generator=seeded(seed), **kwargs) is layer
    return layer


def test_every_scheme_is_tested():
    assert list(spreads(1, 1)) == list(initialization.SCHEMES)


@pytest.mark.parametrize(("fan_in", "fan_out"), SHAPES)
@pytest.mark.parametrize("name", initialization.SCHEMES)
def test_spread_of_the_weights(name, fan_in, fan_out):
    weight = drawn(initialization.get(name), fan_in, fan_out).weight
    std = spreads(fan_in, fan_out)[name]
    # The mean of n draws strays by std / sqrt(n), their spread by std / sqrt(2n) at most: five of each.
    n = weight.numel()
    assert abs(weight.mean().item()) < 5 * std / math.sqrt(n)
    assert weight.std().item() == pytest.approx(std, rel=5 / math.sqrt(2 * n))


@pytest.mark.parametrize("name", ["naive", "small", "lecun", "xavier", "he", "orthogonal"])
def test_shape_of_the_normal_schemes(name):
    """A Gaussian's fourth moment is 3 std^4 (a uniform's 1.8)."""
    weight = drawn(initialization.get(name)).weight
    kurtosis = (weight / weight.std()).pow(4).mean().item()
    assert kurtosis == pytest.approx(3, abs=5 * math.sqrt(24 / weight.numel()))  # five standard errors


@pytest.mark.parametrize(("fan_in", "fan_out"), SHAPES)
@pytest.mark.parametrize(("name", "fans"), [("xavier_uniform", "both"), ("he_uniform", "in")])
def test_bounds_of_the_uniform_schemes(name, fans, fan_in, fan_out):
    weight = drawn(initialization.get(name), fan_in, fan_out).weight
    bound = math.sqrt(6 / (fan_in + fan_out if fans == "both" else fan_in))
    assert 0.999 * bound < weight.abs().max() <= bound  # of 40,000 draws one is that close, but for e^-40
    kurtosis = (weight / weight.std()).pow(4).mean().item()
    assert kurtosis == pytest.approx(1.8, abs=0.05)


@pytest.mark.parametrize(("fan_in", "fan_out"), [(30, 30), (20, 50), (50, 20), (1, 7), (7, 1)])
def test_orthogonal_rows_or_columns(fan_in, fan_out):
    weight = drawn(initialization.orthogonal_, fan_in, fan_out, gain=1.5).weight
    product = weight @ weight.T if fan_out <= fan_in else weight.T @ weight
    torch.testing.assert_close(product, 1.5**2 * torch.eye(len(product), dtype=torch.float64))


def test_bounds_of_the_torch_default():
    layer = drawn(initialization.torch_default_, 100, 400)
    bound = 1 / math.sqrt(100)
    for tensor in (layer.weight, layer.bias):
        assert tensor.abs().max() <= bound
        # The chance that none of n draws comes within 2 % of the bound is 0.98^n: below 0.001 for 400 biases.
        assert tensor.abs().max() > 0.98 * bound


@pytest.mark.parametrize("name", initialization.SCHEMES)
def test_biases_are_zero_save_in_the_torch_default(name):
    layer = nn.Linear(50, 60)
    nn.init.constant_(layer.bias, 7.0)
    initialization.get(name)(layer, generator=seeded())
    assert (layer.bias == 0).all() == (name != "torch")
    assert not (layer.bias == 7).any()


def test_scaled_draws_weights_and_biases():
    layer = drawn(initialization.scaled_, 100, 40_000, sigma_w=1.5, sigma_b=0.3)
    assert layer.weight.std().item() == pytest.approx(1.5 / 10, rel=0.01)
    assert layer.bias.std().item() == pytest.approx(0.3, rel=5 / math.sqrt(2 * 40_000))
    assert (drawn(initialization.scaled_, sigma_w=0.0).weight == 0).all()


@pytest.mark.parametrize("name", [*initialization.SCHEMES, "scaled"])
def test_a_layer_without_bias(name):
    scheme = initialization.SCHEMES.get(name, initialization.scaled_)
    layer = drawn(scheme, bias=False)
    assert layer.bias is None and layer.weight.std() > 0
    torch.testing.assert_close(layer.weight, drawn(scheme).weight, rtol=0, atol=0)  # the bias is drawn last


@pytest.mark.parametrize("name", initialization.SCHEMES)
def test_a_generator_repeats_the_draw_and_spares_the_global_one(name):
    layer = nn.Linear(30, 20)
    before = torch.get_rng_state()
    first = initialization.get(name)(layer, generator=seeded(3)).weight.clone()
    again = initialization.get(name)(layer, generator=seeded(3)).weight.clone()
    other = initialization.get(name)(layer, generator=seeded(4)).weight.clone()
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", initialization.SCHEMES)
def test_without_a_generator_the_global_one_is_used(name):
    layer = nn.Linear(30, 20)
    torch.manual_seed(5)
    first = initialization.get(name)(layer).weight.clone()
    torch.manual_seed(5)
    assert torch.equal(first, initialization.get(name)(layer).weight)


@pytest.mark.parametrize(
    ("name", "torch_init"),
    [
        ("naive", nn.init.normal_),
        ("small", lambda w, generator: nn.init.normal_(w, 0, 0.01, generator)),
        ("lecun", lambda w, generator: nn.init.kaiming_normal_(w, nonlinearity="linear", generator=generator)),
        ("xavier", nn.init.xavier_normal_),
        ("he", lambda w, generator: nn.init.kaiming_normal_(w, nonlinearity="relu", generator=generator)),
        ("xavier_uniform", nn.init.xavier_uniform_),
        ("he_uniform", lambda w, generator: nn.init.kaiming_uniform_(w, nonlinearity="relu", generator=generator)),
        ("orthogonal", lambda w, generator: nn.init.orthogonal_(w, generator=generator)),
        ("torch", lambda w, generator: nn.init.kaiming_uniform_(w, a=math.sqrt(5), generator=generator)),
    ],
)
def test_same_draw_as_torch_nn_init(name, torch_init):
    ours = drawn(initialization.get(name), 100, 300, seed=1).weight
    theirs = torch_init(torch.empty(300, 100, dtype=torch.float64), generator=seeded(1))
    torch.testing.assert_close(ours.detach(), theirs, rtol=1e-12, atol=0)  # 1/sqrt(n) is rounded in another order


def test_the_torch_default_is_what_nn_linear_draws_by_itself():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(9)
        theirs = nn.Linear(100, 300)
    ours = initialization.torch_default_(nn.Linear(100, 300), generator=seeded(9))
    torch.testing.assert_close(ours.weight, theirs.weight)
    torch.testing.assert_close(ours.bias, theirs.bias)


@pytest.mark.parametrize("name", initialization.SCHEMES)
def test_weights_stay_trainable_leaves(name):
    layer = initialization.get(name)(nn.Linear(4, 3), generator=seeded())
    assert layer.weight.is_leaf and layer.weight.requires_grad and layer.weight.grad_fn is None


@pytest.mark.parametrize("sigma", ["a", math.nan, -1.0, math.inf, None, [1.0]])
@pytest.mark.parametrize("name", ["sigma_w", "sigma_b"])
def test_a_sigma_is_a_finite_number(name, sigma):
    with pytest.raises(ValueError, match=f"{name} is a standard deviation, a finite number of 0 or more"):
        initialization.scaled_(nn.Linear(3, 2), **{name: sigma})


@pytest.mark.parametrize("unknown", ["He", "kaiming", "", None, 3, ["he"]])
def test_an_unknown_name_is_one_sentence_with_the_known_ones(unknown):
    with pytest.raises(ValueError, match=r"unknown initialization .*: choose one of ") as error:
        initialization.get(unknown)
    assert all(name in str(error.value) for name in initialization.SCHEMES)
