"""Maps over many settings: every cell is what a single net, or theory for a single setting, says."""

import math

import pytest
import torch

from utils.data import datasets
from utils.nets.mlp import MLP
from utils.theory import meanfield, phase
from utils.torchdoctor.measurement import measure

x, y, *_ = datasets.digits()
x, y = x[:12], y[:12]


def single_net(activation, sigma_w, sigma_b, depth, deepest, width, seeds, net):
    """The net of one cell as an `MLP`, with the map's own random numbers."""
    layers = phase._standard_weights(deepest, width, 64, int(y.max()) + 1, seeds, 3)
    model = MLP(depth, width, activation=activation, out_features=int(y.max()) + 1)
    with torch.no_grad():
        for linear, (weights, biases) in zip([*model.hidden, model.readout], [*layers[:depth], layers[-1]]):
            linear.weight.copy_(sigma_w * weights[net].T)
            linear.bias.copy_(sigma_b * biases[net, 0])
    return model


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "gelu"])
@pytest.mark.parametrize("sigma_b", [0.0, 0.7])
def test_every_cell_is_a_single_net_measured(activation, sigma_b):
    sigma_w, depths = [0.4, 1.3, 5.0], [1, 2, 5]
    ratios = phase.gradient_map(activation, x, y, sigma_w, depths, sigma_b=sigma_b, width=20, seed=3, seeds=2)
    assert ratios.shape == (2, 3, 3) and ratios.dtype == torch.float64
    for net in range(2):
        for row, depth in enumerate(depths):
            for column, sigma in enumerate(sigma_w):
                model = single_net(activation, sigma, sigma_b, depth, 5, 20, 2, net)
                delta = measure(model, x, y).delta_norm
                assert math.isclose(ratios[net, row, column], delta[0] / delta[-1], rel_tol=1e-9)


def test_the_weights_have_the_stated_variance_and_depend_on_the_seed():
    layers = phase._standard_weights(3, 100, 64, 10, 2, 0)
    assert [tuple(w.shape) for w, _ in layers] == [(2, 64, 100), (2, 100, 100), (2, 100, 100), (2, 100, 10)]
    for (weights, biases), fan_in in zip(layers, (64, 100, 100, 100)):
        assert abs(weights.var() * fan_in - 1) < 0.15 and 0.5 < biases.var() < 1.6
    assert not torch.equal(layers[0][0], phase._standard_weights(3, 100, 64, 10, 2, 1)[0][0])


def test_the_global_random_state_is_left_alone():
    state = torch.get_rng_state()
    phase.gradient_map("tanh", x, y, [1.0], [2], seed=17)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("depths", [[], [0, 1], [3, 2], [2, 2]])
def test_depths_that_make_no_sense(depths):
    with pytest.raises(ValueError, match="whole numbers of 1 or more"):
        phase.gradient_map("tanh", x, y, [1.0], depths)


@pytest.mark.parametrize("sigma_w", [[], [0.0], [-1.0, 2.0], 3.0, [math.nan]])
def test_settings_that_make_no_sense(sigma_w):
    with pytest.raises(ValueError, match="positive standard deviations"):
        phase.gradient_map("tanh", x, y, sigma_w, [2])


def test_a_wide_net_follows_theory_at_every_cell():
    sigma_w, depths = [0.5, 1.0, 2.0], [2, 6, 12]
    measured = phase.gradient_map("tanh", x, y, sigma_w, depths, sigma_b=0.3, width=400, seeds=2).log().mean(0)
    expected = phase.predicted_map("tanh", sigma_w, depths, sigma_b=0.3, mean_square=x.square().mean().item()).log()
    assert (measured - expected).abs().max() < 0.35


@pytest.mark.parametrize("sigma_b", [0.0, 0.4])
def test_the_prediction_is_theory_s_for_each_setting(sigma_b):
    sigma_w, depths = [0.6, 1.7], [1, 4, 9]
    found = phase.predicted_map("sigmoid", sigma_w, depths, sigma_b=sigma_b, mean_square=0.8)
    for row, depth in enumerate(depths):
        for column, sigma in enumerate(sigma_w):
            norms = meanfield.predicted_gradient_norms("sigmoid", sigma**2 * 0.8 + sigma_b**2, depth, sigma, sigma_b)
            assert math.isclose(found[row, column], norms[0], rel_tol=1e-12)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_chi_map_agrees_with_the_search_for_one_setting(activation):
    sigma_w, sigma_b = [0.3, 0.9, 1.2, 3.0, 9.0], [0.0, 0.2, 1.0]
    found = phase.chi_map(activation, sigma_w, sigma_b)
    assert found.shape == (3, 5)
    for row, b in enumerate(sigma_b):
        for column, w in enumerate(sigma_w):
            settled = min(meanfield.q_fixed_point(activation, w, b), 1e6)
            assert math.isclose(found[row, column], meanfield.chi(activation, settled, w), rel_tol=0.025)


def test_the_edge_is_where_chi_is_one():
    sigma_w, sigma_b = phase.edge_of_chaos("tanh", [0.01, 0.5700756849, 3.0])
    for w, b, q in zip(sigma_w.tolist(), sigma_b.tolist(), (0.01, 0.5700756849, 3.0)):
        assert math.isclose(meanfield.q_map("tanh", q, w, b), q, rel_tol=1e-9)
        assert math.isclose(meanfield.chi("tanh", q, w), 1, rel_tol=1e-9)
    assert abs(sigma_w[1] ** 2 - 1.7610) < 1e-4 and abs(sigma_b[1] ** 2 - 0.05) < 1e-4  # Schoenholz et al. 2017


def test_where_no_bias_makes_the_edge_sigma_b_is_nan():
    assert phase.edge_of_chaos("sigmoid", [1.0])[1].isnan().all()
