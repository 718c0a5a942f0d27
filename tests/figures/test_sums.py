"""Sums, pairs, phases, fates and units: what is drawn is what was computed, readable, and told in words."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.figures.test_networks import Drawn, mode, overlapping  # noqa: F401 - the fixture
from utils.figures import sums


@pytest.fixture
def walks():
    steps = np.random.default_rng(0).normal(size=(400, 1000)) * (np.arange(1000) % 2)
    return np.concatenate([np.zeros((400, 1)), steps], 1).cumsum(1)


def test_a_sum_grows_inside_of_its_law_and_ends_where_it_is_counted(walks):
    law = (np.arange(1001) / 2) ** 0.5
    drawn = Drawn(sums.draw_sum, walks, law, panels=2)
    left, right = drawn.axes
    thin = [line for line in left.get_lines() if line.get_linewidth() < 1]
    assert len(thin) == 30 and np.allclose(thin[0].get_ydata()[-1], walks[0, -1])
    upper, lower = [line.get_ydata() for line in left.get_lines() if line.get_linewidth() == 1.8]
    assert np.allclose(upper, law) and np.allclose(lower, -law)
    beyond = (abs(walks[:, -1]) > 5).mean()
    assert drawn.canvas.caption == (f"1000 inputs: z has a standard deviation of {walks[:, -1].std():.2f}; {beyond:.1%} of the units "
                                    "lie beyond ±5.")  # fmt: skip
    assert f"flat: {beyond:.0%}" in [text.get_text() for text in right.texts]


def test_a_guess_of_a_sum_is_marked_and_stays_on_the_paper(walks):
    for guess, drawn_at in ((20.0, 20.0), (500.0, 60.0)):
        ax, other = Figure().subplots(1, 2)
        sums.draw_sum((ax, other), walks, np.ones(1001), guess=guess)
        (cross,) = [line for line in ax.get_lines() if line.get_label() == "your guess"]
        assert cross.get_ydata() == [drawn_at]
        assert "your guess" in [text.get_text() for text in ax.get_legend().get_texts()]


def arrows(ax):
    return [line for line in ax.get_lines() if line.get_linewidth() == 2.6]


def test_a_pair_is_as_long_as_it_is_large_and_opens_by_its_angle():
    sizes = np.repeat(0.5 ** np.arange(40)[:, None], 2, 1) * [1.0, 0.8]
    cosines = np.linspace(1, -1, 40)
    drawn = Drawn(sums.draw_pairs, sizes, cosines, size=(10, 3.2))
    drawn_arrows = np.array([[np.diff(line.get_xdata())[0], np.diff(line.get_ydata())[0]] for line in arrows(drawn.axes[0])])
    lengths = np.linalg.norm(drawn_arrows, axis=1).reshape(6, 2)
    shown = np.array([1, 2, 4, 8, 16, 40]) - 1
    assert np.allclose(lengths / lengths[0, 0], sizes[shown])
    first, second = drawn_arrows.reshape(6, 2, 2)[:3].transpose(1, 0, 2)  # later ones are too short for a sound angle
    between = (first * second).sum(1) / np.prod(lengths[:3], axis=1)
    assert np.allclose(between, cosines[shown[:3]], atol=1e-6)
    assert drawn.canvas.caption == "From layer 1 to layer 40 the size goes from 0.90 to 2e-12, the cosine from 1.00 to -1.00."
    for word in ("layer 16", "size 0.11", "cosine 0.23"):
        assert word in drawn.canvas.alt


@pytest.mark.parametrize("cosine", [1.0, 0.3, -1.0])
@pytest.mark.parametrize("layers", [3, 20, 40])
def test_the_words_of_pairs_stand_apart(cosine, layers, mode):  # noqa: F811
    drawn = Drawn(sums.draw_pairs, np.full((layers, 2), 1e-5), np.full(layers, cosine), size=(10, 3.2))
    assert overlapping(drawn.boxes()) == []
    (low, high), (left, right) = drawn.axes[0].get_ylim(), drawn.axes[0].get_xlim()
    for line in drawn.axes[0].get_lines():
        assert low <= line.get_ydata().min() and line.get_ydata().max() <= high
        assert left <= line.get_xdata().min() and line.get_xdata().max() <= right


@pytest.mark.parametrize("here, words", [(0.5, "shrink; the depth scale is 1.4 layers"), (2.0, "grow; the depth scale is 1.4 layers"),
                                         (1.0, "keep their size")])  # fmt: skip
def test_the_phases_have_their_line_and_the_cross_its_fate(here, words):
    sigma_w, sigma_b = np.linspace(0.2, 4, 20), np.linspace(0, 1, 6)
    drawn = Drawn(sums.draw_phases, sigma_w, sigma_b, np.tile(sigma_w**2, (6, 1)), (0.8, 0.2), here)
    assert words in drawn.canvas.caption and f"χ = {here:.3f}" in drawn.canvas.caption
    assert "χ = 1, the edge" in [text.get_text() for text in drawn.axes[0].get_legend().get_texts()]
    assert {"order", "chaos"} <= {text.get_text() for text in drawn.axes[0].texts}
    (cross,) = [line for line in drawn.axes[0].get_lines() if line.get_marker() == "X"]
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (0.8, 0.2)


def test_fates_tell_how_far_off_theory_is_and_where():
    exponents, depths = np.linspace(-2, 4, 7), [2, 4, 6, 8]
    expected = 10.0 ** (np.outer(depths, exponents) / 2)
    off = expected.copy()
    off[2, 6] *= 1e-4
    drawn = Drawn(sums.draw_fates, {"relu": (expected, expected), "tanh": (off, expected)}, exponents, depths, panels=2)
    assert drawn.canvas.caption.startswith("Theory is off by a factor of 1.0 in the median net, and most, 1e+04, at tanh, 6 layers, σ_w 16:")
    for ax, title, ratio in zip(drawn.axes, ("relu", "tanh"), (expected, off)):
        assert ax.get_title("left") + ax.get_title() == title
        assert np.allclose(ax.get_images()[0].get_array(), np.log10(ratio))
        assert [label.get_text() for label in ax.get_xticklabels()] == ["¼", "½", "1", "2", "4", "8", "16"]


def test_what_was_learned_stands_with_its_line():
    right = np.linspace(0, 1, 12).reshape(3, 4)
    drawn = Drawn(sums.draw_learned, {"SGD": right, "Adam": 1 - right}, (-1, 0, 1, 2), (10, 20, 30), ([-1, 2], [5, 500]), panels=2)
    for ax, accuracy in zip(drawn.axes, (right, 1 - right)):
        assert np.allclose(ax.get_images()[0].get_array(), accuracy)
        (line,) = [line for line in ax.get_lines() if line.get_label() == "six depth scales"]
        assert list(line.get_ydata()) == [5, 500] and ax.get_ylim() == (5, 35)


def test_units_are_images_side_by_side_in_one_scale():
    weights = np.arange(6 * 4, dtype=float).reshape(6, 4)
    ax = Figure().subplots()
    sums.draw_units(ax, weights, shape=(2, 2), title="six")
    (image,) = ax.get_images()
    sheet = image.get_array()
    assert sheet.shape == (6, 12) and np.allclose(sheet[:2, :2], [[0, 1], [2, 3]]) and np.allclose(sheet[3:5, 3:5], [[20, 21], [22, 23]])
    assert sheet.mask[2].all() and sheet.mask[3:, 6:].all()
    assert image.get_clim() == (0.0, 23.0) and ax.get_title("left") + ax.get_title() == "six"


def test_equal_units_have_a_scale_too():
    ax = Figure().subplots()
    sums.draw_units(ax, np.full((4, 4), 0.1), shape=(2, 2), title="all the same")
    low, high = ax.get_images()[0].get_clim()
    assert low < 0.1 < high
