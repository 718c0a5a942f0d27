"""What the explaining pictures put on the axes."""

import math

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
