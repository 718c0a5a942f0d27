"""The chain, the hundred layers, the half and the mean: what is drawn is what was computed, readable, and told in words."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.figures.test_networks import Drawn, mode, overlapping  # noqa: F401 - the fixture
from utils.figures import causes, ink

WEIGHTS, SLOPES = [1.0, -2.0, 0.5, 4.0], [0.25, 0.1, 0.2, 0.05]
LEFT = [1.0 * 0.25 * -2 * 0.1 * 0.5 * 0.2 * 4 * 0.05, -2 * 0.1 * 0.5 * 0.2 * 4 * 0.05, 0.5 * 0.2 * 4 * 0.05, 4 * 0.05, 1.0]


def test_a_chain_multiplies_from_the_end_to_the_input():
    drawn = Drawn(causes.draw_chain, WEIGHTS, SLOPES)
    bars = drawn.axes[0].collections[-1]
    lengths = np.array([np.ptp(path[:, 1]) for path in bars.get_segments()])
    assert np.allclose(lengths[2:] / lengths[-1], LEFT[2:]), "in proportion, but for the least that can be seen"
    assert np.allclose(bars.get_colors(), ink.ink(np.abs(LEFT)))
    for word in ("w = -2.00", "φ′ = 0.25", "× -0.20", "-0.001", "0.2", "h₄"):
        assert word in drawn.canvas.alt
    assert drawn.canvas.caption.startswith("0.25 × -0.20 × 0.10 × 0.20 = -0.001")


def test_a_small_factor_of_a_chain_is_not_called_zero():
    drawn = Drawn(causes.draw_chain, [8.0, 8.0, 1.0], [0.0003, 3.4e-6, 0.0])
    assert drawn.canvas.caption.startswith("0.002 × 3e-05 × 0.00 = 0:") and "φ′ = 3e-06" in drawn.canvas.alt


@pytest.mark.parametrize("units", [2, 3, 4, 5])
@pytest.mark.parametrize("weight, slope", [(1.0, 0.2371), (100.0, 0.2371), (8.0, 3.4e-6)])
def test_the_numbers_of_a_chain_stand_apart(units, weight, slope, mode):  # noqa: F811
    drawn = Drawn(causes.draw_chain, [weight] * units, [slope] * units)
    assert overlapping(drawn.boxes()) == []


def layers(start, factor, count=100):
    return start * factor ** np.arange(count)


@pytest.fixture
def hundred():
    names = ("sigmoid", "leaky_relu", "tanh", "selu")
    signal = {name: layers(3.0, factor) for name, factor in zip(names, (1, 0.9, 1.1, 1))}
    gradient = {name: layers(2.0, factor) for name, factor in zip(names, (1.3, 1, 0.9, 1))}
    differ = {name: np.linspace(0.9, end, 100) for name, end in zip(names, (0, 0.001, 0.7, 1.1))}
    return signal, gradient, differ


def test_a_strip_has_a_column_a_layer_as_a_share_of_where_its_pass_begins(hundred):
    drawn = Drawn(causes.draw_hundred, *hundred)
    signal, gradient, differ = (image.get_array() for image in drawn.axes[0].get_images())
    assert signal.shape == (4, 100, 4)
    assert np.allclose(signal[1], ink.ink(layers(1.0, 0.9))) and np.allclose(gradient[0], ink.ink(layers(1.0, 1.3)[::-1] ** -1))
    assert np.allclose(differ[0], ink.fade(np.linspace(0.9, 0, 100)))
    assert drawn.canvas.caption.startswith("Dark is 1, white is 1e-10 or less, orange is more than 10.")
    assert "3e-05" in drawn.canvas.alt and "5e-12" in drawn.canvas.alt and "1.10" in drawn.canvas.alt


def test_a_guess_stands_beside_what_the_last_net_got(hundred):
    assert "guess" not in Drawn(causes.draw_hundred, *hundred).canvas.alt
    assert Drawn(causes.draw_hundred, *hundred, guess=1e-6).canvas.alt.count("your guess: 1e-06") == 1


@pytest.mark.parametrize("guess", [None, 1e-25])
def test_the_words_of_the_hundred_layers_stand_apart(hundred, guess, mode):  # noqa: F811
    shapes = {name: np.linspace(-1, 1, 7) for name in hundred[0]}
    assert overlapping(Drawn(causes.draw_hundred, *hundred, shapes, guess=guess, size=(9, 4)).boxes()) == []


@pytest.mark.parametrize("mean, slopes, square", [(0, "50%", "50%"), (1, "84%", "96%"), (-1, "16%", "4%"), (-3, "0%", "0%")])
def test_relu_lets_half_of_the_mean_square_pass_where_z_lies_around_zero(mean, slopes, square, mode):  # noqa: F811
    z = np.linspace(-8, 8, 800)
    frequency = np.exp(-((z - mean) ** 2) / 2)
    caption = causes.draw_halving(Figure().subplots(1, 2), z, frequency)
    drawn = Drawn(causes.draw_halving, z, frequency, panels=2, size=(9, 3.6))
    assert caption == f"The slope is 1 for {slopes} of the z; {square} of the mean of z² passes."
    for ax, share in zip(drawn.axes, (slopes, square)):
        assert f"passes: {share}" in [text.get_text() for text in ax.texts]
    assert overlapping(drawn.boxes()) == []


def test_the_mean_is_that_over_the_gaussian_and_moves_with_a_shift():
    z = np.linspace(-8, 8, 1601)
    for shift, mean, cosine in ((0.0, 0.40, 0.32), (0.3989, 0.0, 0.0)):
        ax = Figure().subplots()
        caption = causes.draw_mean(ax, z, np.maximum(z, 0) - shift, np.exp(-(z**2) / 2), name="relu")
        (line,) = [line for line in ax.get_lines() if len(set(line.get_ydata())) == 1 and line.get_linestyle() == "--"]
        assert line.get_ydata()[0] == pytest.approx(mean, abs=2e-3)
        assert caption == f"relu: mean {mean:.2f}; two unrelated inputs leave the layer with a cosine of {cosine:.2f}."
        assert ax.get_title("left") + ax.get_title() == f"relu: mean {mean:.2f}"
