"""What the explaining pictures put on the axes: what is drawn is what was computed, and the frame stays where it was."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from utils.figures import diagrams


def test_groups_write_their_number_in_every_cell():
    ax = Figure().subplots()
    diagrams.draw_groups(ax, [[0, 0, 1], [2, 2, 3]], xlabel="features", ylabel="samples", title="groups")
    cells = {(text.get_position()[0] - 0.5, text.get_position()[1] - 0.5): text.get_text() for text in ax.texts}
    assert cells == {(0, 0): "1", (1, 0): "1", (2, 0): "2", (0, 1): "3", (1, 1): "3", (2, 1): "4"}
    colours = {text.get_text(): patch.get_facecolor() for text, patch in zip(ax.texts, ax.patches, strict=True)}
    assert len(set(colours.values())) == 4
    assert ax.get_ylim() == (2, 0)  # row 0 on top


def test_a_desk_shows_each_fader_s_gain_and_the_level_of_each_stage():
    axes = Figure().subplots(1, 2)
    diagrams.draw_desk(axes, [3, -6], [-1.0, -2.0, -9.0, -16.0], floor=-84, ceiling=96)
    assert {text.get_text() for text in axes[0].texts} == {"+3", "-6"}
    assert [tick.get_text() for tick in axes[0].get_xticklabels()] == ["1-2", "3-4"]
    [levels] = axes[1].get_lines()
    assert levels.get_ydata().tolist() == [-1.0, -2.0, -9.0, -16.0]


@pytest.mark.parametrize("level", [math.nan, math.inf, -math.inf, 1e9, -1e9])
def test_a_meter_survives_any_level_and_keeps_its_scale(level):
    axes = Figure().subplots(1, 2)
    diagrams.draw_desk(axes, [0, 0], [0.0, level], floor=-84, ceiling=96)
    [levels] = axes[1].get_lines()
    low, high = axes[1].get_ylim()
    assert (low, high) == (-144, 136)
    assert all(low <= shown <= high for shown in levels.get_ydata())


@pytest.fixture
def ax():
    return Figure().subplots()


def line(ax, label):
    [found] = [line for line in ax.lines if line.get_label() == label]
    return found.get_xdata(), found.get_ydata()


def test_the_cobweb_s_steps_go_to_the_map_and_to_the_diagonal(ax):
    q = np.linspace(0, 3, 31)
    path = [2.0, 1.0, 0.5, 0.25]
    diagrams.draw_cobweb(ax, q, q / 2, path, fixed=0.0)
    across, up = line(ax, "layer by layer")
    assert (across[0], up[0]) == (2.0, 0)
    corners = list(zip(across[1:], up[1:]))
    assert corners == [(2.0, 1.0), (1.0, 1.0), (1.0, 0.5), (0.5, 0.5), (0.5, 0.25), (0.25, 0.25)]
    assert all(y == x or y == x / 2 for x, y in corners)
    assert ax.get_xlim() == ax.get_ylim() == (0, 3)


def test_what_a_net_has_stands_on_the_map_where_theory_is_right(ax):
    q = np.linspace(0, 3, 31)
    diagrams.draw_cobweb(ax, q, q / 2, [2.0, 1.0, 0.5], measured=[2.0, 1.0, 0.6])
    across, up = line(ax, "a net, measured")
    assert list(zip(across, up)) == [(2.0, 1.0), (1.0, 0.6)]


@pytest.mark.parametrize("fixed, drawn", [(1.0, True), (None, False), (float("inf"), False), (7.0, False)])
def test_a_fixed_point_is_marked_where_it_can_be_seen(ax, fixed, drawn):
    diagrams.draw_cobweb(ax, [0, 3], [0, 6], [1, 2, 1e200], fixed=fixed)
    assert any(line.get_label() == "fixed point" for line in ax.lines) is drawn
    assert np.isfinite(line(ax, "layer by layer")[0]).all() and max(line(ax, "layer by layer")[0]) < 100


def test_level_lines_stand_where_the_values_have_the_level(ax):
    x, y = np.arange(5), np.arange(3)
    diagrams.draw_levels(ax, x, y, np.tile(x, (3, 1)), [2.5], label="half", names={2.5: "2.5"})
    for collection in ax.collections:
        vertices = np.concatenate([path.vertices for path in collection.get_paths()])
        assert np.allclose(vertices[:, 0], 2.5)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["half"]


def test_a_curve_leaves_the_limits_alone(ax):
    ax.set(xlim=(0, 2), ylim=(0, 5))
    diagrams.draw_curve(ax, [0, 1, 2], [1, 100, 1], label="far")
    assert ax.get_xlim() == (0, 2) and ax.get_ylim() == (0, 5)
    assert list(line(ax, "far")[1]) == [1, 100, 1]
