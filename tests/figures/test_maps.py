"""Cobwebs and level lines: what is drawn is what was computed, and the frame stays where it was."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils.figures import maps


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def line(ax, label):
    [found] = [line for line in ax.lines if line.get_label() == label]
    return found.get_xdata(), found.get_ydata()


def test_the_cobweb_s_steps_go_to_the_map_and_to_the_diagonal(ax):
    q = np.linspace(0, 3, 31)
    path = [2.0, 1.0, 0.5, 0.25]
    maps.draw_cobweb(ax, q, q / 2, path, fixed=0.0)
    across, up = line(ax, "layer by layer")
    assert (across[0], up[0]) == (2.0, 0)
    corners = list(zip(across[1:], up[1:]))
    assert corners == [(2.0, 1.0), (1.0, 1.0), (1.0, 0.5), (0.5, 0.5), (0.5, 0.25), (0.25, 0.25)]
    assert all(y == x or y == x / 2 for x, y in corners)
    assert ax.get_xlim() == ax.get_ylim() == (0, 3)


@pytest.mark.parametrize("fixed, drawn", [(1.0, True), (None, False), (float("inf"), False), (7.0, False)])
def test_a_fixed_point_is_marked_where_it_can_be_seen(ax, fixed, drawn):
    maps.draw_cobweb(ax, [0, 3], [0, 6], [1, 2, 1e200], fixed=fixed)
    assert any(line.get_label() == "fixed point" for line in ax.lines) is drawn
    assert np.isfinite(line(ax, "layer by layer")[0]).all() and max(line(ax, "layer by layer")[0]) < 100


def test_level_lines_stand_where_the_values_have_the_level(ax):
    x, y = np.arange(5), np.arange(3)
    maps.draw_levels(ax, x, y, np.tile(x, (3, 1)), [2.5], label="half", names={2.5: "2.5"})
    for collection in ax.collections:
        vertices = np.concatenate([path.vertices for path in collection.get_paths()])
        assert np.allclose(vertices[:, 0], 2.5)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["half"]


def test_a_curve_leaves_the_limits_alone(ax):
    ax.set(xlim=(0, 2), ylim=(0, 5))
    maps.draw_curve(ax, [0, 1, 2], [1, 100, 1], label="far")
    assert ax.get_xlim() == (0, 2) and ax.get_ylim() == (0, 5)
    assert list(line(ax, "far")[1]) == [1, 100, 1]
