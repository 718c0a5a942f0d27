"""The predictions of mean-field theory against closed forms, published numbers, Monte Carlo, and measured nets."""

import math

import pytest
import torch

from utils.data import datasets
from utils.nets import activations
from utils.nets.mlp import MLP
from utils.theory import meanfield
from utils.torchdoctor.measurement import measure

NAMES = list(activations.ACTIVATIONS)
QS = [1e-6, 0.1, 1.0, 4.0, 25.0, 501.0]


# Gaussian means


@pytest.mark.parametrize("q", QS)
def test_gaussian_moments(q):
    # The grid ends at 10 standard deviations, where a Gaussian is below 1e-21; what is left is rounding.
    assert meanfield.gaussian_mean(torch.ones_like, q) == pytest.approx(1, rel=1e-12)
    assert meanfield.gaussian_mean(lambda z: z, q) == pytest.approx(0, abs=1e-12 * math.sqrt(q))
    assert meanfield.gaussian_mean(torch.square, q) == pytest.approx(q, rel=1e-12)
    assert meanfield.gaussian_mean(lambda z: z**4, q) == pytest.approx(3 * q**2, rel=1e-12)
    assert meanfield.gaussian_mean(lambda z: z**6, q) == pytest.approx(15 * q**3, rel=1e-12)


def test_gaussian_mean_of_a_cosine():
    assert meanfield.gaussian_mean(torch.cos, 2.0) == pytest.approx(math.exp(-1), rel=1e-12)


@pytest.mark.parametrize("q", QS)
def test_relu_in_closed_form(q):
    """Kinks and jumps at zero fall on a boundary of the grid's cells, so they cost only O(cell^2)."""
    assert meanfield.q_map("relu", q) == pytest.approx(q / 2, rel=1e-12)
    assert meanfield.chi("relu", q, sigma_w=math.sqrt(2)) == pytest.approx(1, rel=1e-12)
    mean = meanfield.gaussian_mean(activations.relu, q)
    assert mean == pytest.approx(math.sqrt(q / (2 * math.pi)), rel=1e-5)  # cell 0.01: 0.01^2 / 24


def test_q_keeps_its_shape():
    q = torch.tensor([[0.5, 1.0, 2.0], [3.0, 4.0, 5.0]], dtype=torch.float64)
    batch = meanfield.gaussian_mean(activations.tanh_slope, q)
    single = [[meanfield.gaussian_mean(activations.tanh_slope, value) for value in row] for row in q.tolist()]
    torch.testing.assert_close(batch, torch.tensor(single, dtype=torch.float64))
    assert isinstance(single[0][0], float)


def test_zero_variance_is_the_value_at_zero():
    assert meanfield.gaussian_mean(activations.sigmoid, 0) == pytest.approx(0.5)


@pytest.mark.parametrize("q", [-1.0, math.nan, torch.tensor([1.0, -0.1])])
def test_a_variance_is_not_negative(q):
    with pytest.raises(ValueError, match="q is a variance and must be >= 0"):
        meanfield.gaussian_mean(torch.cos, q)


@pytest.mark.parametrize(
    ("name", "q", "expected"),
    [
        ("sigmoid", 1, 0.2066),
        ("sigmoid", 25, 0.0751),
        ("sigmoid", 501, 0.0178),
        ("tanh", 1, 0.6057),
        ("tanh", 4, 0.3647),
    ],
)
def test_mean_slope(name, q, expected):
    assert meanfield.gaussian_mean(activations.get(name).slope, q) == pytest.approx(expected, abs=5e-5)  # four digits


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("q", [0.3, 1.0, 20.0])
def test_against_monte_carlo(name, q):
    activation = activations.get(name)
    n = 400_000
    z = math.sqrt(q) * torch.randn(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for drawn, predicted in (
        (activation.value(z).square(), meanfield.q_map(name, q)),
        (activation.slope(z).square(), meanfield.chi(name, q)),
    ):
        # Five standard errors: one draw in a million lies outside, and the seed is fixed.
        assert abs(drawn.mean() - predicted) <= 5 * drawn.std() / math.sqrt(n) + 1e-12


# The two maps


@pytest.mark.parametrize(
    ("name", "gain", "back", "chi"),
    [
        ("sigmoid", 1.8462, 0.0448, 0.1528),
        ("tanh", 1.5925, 0.4644, 1.1778),
        ("relu", 1.4142, 0.5, 1.0),
        ("identity", 1, 1, 1),
    ],
)
def test_table_of_gains(name, gain, back, chi):
    assert meanfield.gain(name) == pytest.approx(gain, abs=5e-5)  # four digits, all three
    assert meanfield.chi(name, 1.0) == pytest.approx(back, abs=5e-5)
    assert meanfield.chi(name, 1.0, meanfield.gain(name)) == pytest.approx(chi, abs=5e-5)
    assert meanfield.q_map(name, 1.0, meanfield.gain(name)) == pytest.approx(1, rel=1e-12)


def test_sigmoid_under_xavier_loses_three_quarters_per_layer():
    q = meanfield.q_fixed_point("sigmoid", sigma_w=1.0)
    assert math.sqrt(meanfield.chi("sigmoid", q)) == pytest.approx(0.236, abs=5e-4)


@pytest.mark.parametrize(("name", "factor"), [("sigmoid", 0.141), ("tanh", 0.577), ("relu", 0.408)])
def test_torch_default_shrinks_every_gradient(name, factor):
    sigma_w = math.sqrt(1 / 3)
    q = meanfield.q_fixed_point(name, sigma_w)
    assert math.sqrt(meanfield.chi(name, q, sigma_w)) == pytest.approx(factor, abs=5e-4)


@pytest.mark.parametrize(("name", "slope_at_zero"), [("sigmoid", 0.25), ("tanh", 1), ("relu", math.sqrt(0.5))])
def test_chi_of_a_dead_signal_is_the_limit_of_a_dying_one(name, slope_at_zero):
    assert meanfield.chi(name, 0.0) == pytest.approx(slope_at_zero**2) == meanfield.chi(name, 1e-12)


def test_biases_shift_the_q_map_only():
    assert meanfield.q_map("tanh", 1.0, 2.0, 0.5) == pytest.approx(4 * meanfield.q_map("tanh", 1.0) + 0.25)


def edge_of_chaos(name, sigma_b, low, high):
    """sigma_w^2 at which chi = 1 at the fixed point, by bisection."""

    def chi(variance):
        sigma_w = math.sqrt(variance)
        return meanfield.chi(name, meanfield.q_fixed_point(name, sigma_w, sigma_b), sigma_w)

    assert chi(low) < 1 < chi(high)
    while high - low > 1e-5 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if chi(middle) < 1 else (low, middle)
    return low


def test_edge_of_chaos_of_tanh():
    assert edge_of_chaos("tanh", math.sqrt(0.05), 1.5, 2.0) == pytest.approx(1.7610, abs=1e-4)


def test_edge_of_chaos_of_sigmoid_is_far_out():
    assert edge_of_chaos("sigmoid", 0.0, 50, 200) == pytest.approx(103, abs=0.5)


def test_critical_tanh_decays_as_one_over_twice_the_depth():
    q = meanfield.q_trajectory("tanh", 1.0, 2000)
    # The correction is of order ln(l) / l.
    assert q[-1].item() * 2 * 2000 == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_trajectory_iterates_the_map(name):
    q = meanfield.q_trajectory(name, 0.7, 4, 1.3, 0.2)
    expected = [0.7]
    for _ in range(3):
        expected.append(meanfield.q_map(name, expected[-1], 1.3, 0.2))
    torch.testing.assert_close(q, torch.tensor(expected, dtype=torch.float64))


# Fixed points


@pytest.mark.parametrize("sigma_w", [0.5, 1.3, 1.41])
def test_a_small_relu_net_dies(sigma_w):
    assert meanfield.q_fixed_point("relu", sigma_w) == 0


@pytest.mark.parametrize("sigma_w", [1.42, 2.0, 10.0])
def test_a_large_relu_net_explodes(sigma_w):
    assert meanfield.q_fixed_point("relu", sigma_w) == math.inf


def test_relu_with_he_keeps_whatever_it_gets():
    for q in (0.3, 1.0, 7.0):
        assert meanfield.q_fixed_point("relu", math.sqrt(2), q_start=q) == pytest.approx(q, rel=1e-9)


def test_relu_with_biases_in_closed_form():
    # q = q sigma_w^2 / 2 + sigma_b^2
    assert meanfield.q_fixed_point("relu", 1.0, 0.5) == pytest.approx(0.25 / (1 - 0.5), rel=1e-9)
    assert meanfield.q_fixed_point("relu", math.sqrt(2), 0.5) == math.inf


@pytest.mark.parametrize(("sigma_w", "alive"), [(0.9, False), (1.0, False), (1.01, True), (1.5, True)])
def test_tanh_is_alive_above_one(sigma_w, alive):
    assert (meanfield.q_fixed_point("tanh", sigma_w) > 0) == alive


@pytest.mark.parametrize("q_start", [1e-6, 1.0, 1e4])
@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"), [("tanh", 1.5, 0.3), ("sigmoid", 1.0, 0.0), ("sigmoid", 12.0, 0.1)]
)
def test_the_fixed_point_is_where_deep_layers_settle(name, sigma_w, sigma_b, q_start):
    settled = meanfield.q_fixed_point(name, sigma_w, sigma_b, q_start)
    assert meanfield.q_map(name, settled, sigma_w, sigma_b) == pytest.approx(settled, rel=1e-9)
    assert meanfield.q_trajectory(name, q_start, 300, sigma_w, sigma_b)[-1].item() == pytest.approx(settled, rel=1e-6)


@pytest.mark.parametrize("q_start", [0, -1.0, math.nan, math.inf])
def test_a_fixed_point_is_sought_from_a_positive_variance(q_start):
    with pytest.raises(ValueError, match="q_start is a variance and must be positive"):
        meanfield.q_fixed_point("tanh", q_start=q_start)


def test_depth_scale():
    assert meanfield.depth_scale(math.exp(-0.25)) == pytest.approx(4)
    assert meanfield.depth_scale(math.exp(0.25)) == pytest.approx(4)
    assert meanfield.depth_scale(1) == math.inf


@pytest.mark.parametrize("chi", [0, -1.0, math.nan])
def test_depth_scale_needs_a_positive_chi(chi):
    with pytest.raises(ValueError, match="chi must be positive"):
        meanfield.depth_scale(chi)


@pytest.mark.parametrize(
    "function", [lambda n: meanfield.gain(n), lambda n: meanfield.q_map(n, 1.0), lambda n: meanfield.chi(n, 1.0)]
)
def test_an_unknown_activation_is_named(function):
    with pytest.raises(ValueError, match="unknown activation 'swish'"):
        function("swish")


# Gradient norms


def test_predicted_norms_of_a_net_without_hidden_layers():
    torch.testing.assert_close(
        meanfield.predicted_gradient_norms("tanh", 1.0, 0, last=3.0), torch.tensor([3.0], dtype=torch.float64)
    )


def test_predicted_norms_by_hand():
    """A linear net multiplies by sigma_w per layer, whatever q does."""
    norms = meanfield.predicted_gradient_norms("identity", 5.0, 3, sigma_w=0.5, last=8.0)
    torch.testing.assert_close(norms, torch.tensor([1.0, 2.0, 4.0, 8.0], dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b", "depth"),
    [
        ("sigmoid", 1.0, 0.0, 10),
        ("sigmoid", 4.0, 0.5, 10),
        ("tanh", 1.0, 0.0, 20),
        ("tanh", 0.7, 0.1, 20),
        ("tanh", 2.0, 0.0, 20),
        ("relu", math.sqrt(2), 0.0, 10),
        ("relu", 1.0, 0.0, 20),
        ("identity", 0.8, 0.0, 20),
    ],
)
def test_predicted_norms_against_measured_nets(name, sigma_w, sigma_b, depth):
    """On real images, at width 200, mean of three seeds of log10 ||delta||.

    The prediction holds for infinite width; a finite net adds a small random error per layer. Over many seeds such a
    mean was off by 0.07 at most. 0.15 leaves room for another machine's rounding, and for no wrong formula where chi is
    far from 1: chi in place of sqrt(chi) is off by more than a decade over these depths.
    """
    d = datasets.digits()
    x, y = d.x[:128], d.y[:128]
    errors = []
    for seed in range(3):
        net = MLP(depth, 200, activation=name, sigma_w=sigma_w, sigma_b=sigma_b, seed=seed)
        measured = measure(net, x, y).delta_norm
        with torch.no_grad():
            q_first = net.signals(x)[0][0].square().mean()
        predicted = meanfield.predicted_gradient_norms(name, q_first, depth, sigma_w, sigma_b, last=measured[-1].item())
        assert measured.shape == predicted.shape == (depth + 1,)
        errors.append((measured / predicted).log10())
    mean_error = torch.stack(errors).mean(0)
    assert mean_error.abs().max() < 0.15, mean_error


# Sup and inf of the slope, where (None: not told), gain, E[phi'(Z)^2], chi at that gain: tables in the literature and
# closed forms, to the digits given
TABLE = {
    "sigmoid": (0.25, 0.0, 0.0, -math.inf, 1.8462, 0.0448, 0.1528),
    "tanh": (1.0, 0.0, 0.0, -math.inf, 1.5925, 0.4644, 1.1778),
    "relu": (1.0, None, 0.0, None, 1.4142, 0.5, 1.0),
    "leaky_relu": (1.0, None, 0.01, None, 1.4141, 0.50005, 1.0),
    "prelu": (1.0, None, 0.25, None, 1.3720, 0.53125, 1.0),
    "elu": (1.0, None, 0.0, -math.inf, 1.2452, 0.6681, 1.0359),
    "selu": (1.7581, 0.0, 0.0, -math.inf, 1.0, 1.0716, 1.0716),
    "gelu": (1.1289, 2**0.5, -0.1289, -(2**0.5), 1.5335, 0.4559, 1.0720),
    "gelu_tanh": (1.1290, 1.4185, -0.1290, -1.4185, 1.5336, 0.4558, 1.0720),
    "silu": (1.0998, 2.3994, -0.0998, -2.3994, 1.6765, 0.3795, 1.0666),
    "softplus": (1.0, math.inf, 0.0, -math.inf, 1.0419, 0.2934, 0.3185),
    "mish": (1.0885, 1.4906, -0.1125, -2.2564, 1.4868, 0.4791, 1.0591),
    "identity": (1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0),
}


def test_the_table_of_facts_is_of_activations_that_exist():
    assert set(TABLE) <= set(NAMES)


@pytest.mark.parametrize("name", TABLE)
def test_facts(name):
    for found, expected in zip(meanfield.facts(name), TABLE[name], strict=True):
        if expected is not None:
            assert found == pytest.approx(expected, abs=6e-5)
