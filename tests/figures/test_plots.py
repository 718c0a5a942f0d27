"""Numbers -> artists: what each `draw_*` puts on the axes, whatever numbers it gets."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from utils.data import timeline
from utils.figures import plots, style
from utils.figures.axes import set_log_limits


@pytest.fixture
def ax():
    return Figure().subplots()


def test_by_layer_draws_what_it_is_given_and_says_how_far_theory_is_off(ax):
    caption = plots.draw_by_layer(ax, torch.tensor([1e-6, 1e-3, 1.0]), theory=[1e-5, 1e-3, 1.0], guess=0.1)
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert np.allclose(lines["measured"].get_ydata(), [1e-6, 1e-3, 1.0])
    assert np.allclose(lines["theory"].get_ydata(), [1e-5, 1e-3, 1.0])
    assert np.allclose(lines["your guess"].get_ydata(), [0.1])  # the guess is a ratio to the last layer
    assert "measured 1.0e-06" in caption and "theory 1.0e-05" in caption and "factor 10.0" in caption


@pytest.mark.parametrize("values", [[0.0, 0.0, 1.0], [math.nan, 1.0], [math.inf, 1.0], [0.0], [1e-320, 1.0], [1e240, 1.0]])
def test_by_layer_survives_what_a_sick_net_gives(ax, values):
    caption = plots.draw_by_layer(ax, values, theory=values)
    assert caption.startswith("first / last layer")
    assert all(math.isfinite(limit) for limit in (*ax.get_xlim(), *ax.get_ylim()))
    assert ax.get_xlabel() and ax.get_ylabel()


def test_by_lag_starts_at_lag_zero_and_puts_the_guess_at_the_largest(ax):
    plots.draw_by_lag(ax, {"RNN": torch.tensor([1.0, 0.1, 0.01]), "GRU": [1.0, 0.9, 0.0]}, theory=[1.0, 0.2, 0.04], guess=1e-7)
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert np.allclose(lines["RNN"].get_xdata(), [0, 1, 2]) and np.allclose(lines["theory"].get_xdata(), [0, 1, 2])
    assert np.allclose(lines["RNN"].get_ydata(), [1.0, 0.1, 0.01]) and np.isnan(lines["GRU"].get_ydata()[2])
    assert lines["theory"].get_color() == style.THEORY
    assert lines["your guess"].get_xdata()[0] == 2 and lines["your guess"].get_ydata()[0] == 1e-7
    assert ax.get_yscale() == "log" and ax.get_ylim()[0] <= 1e-7 and ax.get_legend()


@given(st.lists(st.floats(1e-200, 1e200), min_size=1, max_size=60))
def test_log_limits_hold_every_value_and_are_round(values):
    ax = Figure().subplots()
    set_log_limits(ax, np.array(values), decades=5)
    low, high = ax.get_ylim()
    assert low <= min(values) * (1 + 1e-9) and high >= max(values) * (1 - 1e-9) and low < high
    assert all(abs(math.log10(limit) / 5 - round(math.log10(limit) / 5)) < 1e-9 for limit in (low, high))


def test_lines_differ_by_more_than_colour(ax):
    plots.draw_lines(ax, {name: [1, 2, 3] for name in "abcdefg"}, xlabel="x", ylabel="y")
    looks = {(line.get_marker(), str(line.get_linestyle())) for line in ax.get_lines()}
    assert len(looks) == 7
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list("abcdefg")


def test_a_log_axis_leaves_a_gap_where_there_is_no_logarithm(ax):
    plots.draw_lines(ax, {"a": [1.0, 0.0, -1.0, math.inf]}, xlabel="x", ylabel="y", log=True)
    assert np.isnan(ax.get_lines()[0].get_ydata()).tolist() == [False, True, True, True]


def test_bars_carry_their_numbers_and_marks_do_not_rest_on_colour(ax):
    plots.draw_bars(ax, {"good": 0.5, "bad": 0.1}, xlabel="share", marks=("bad",), form="{:.0%}")
    assert {text.get_text() for text in ax.texts} == {"50%", "10%"}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["good", "bad"]
    good, bad = ax.patches
    assert good.get_hatch() is None and bad.get_hatch()


def test_a_bar_without_a_number_says_what_became_of_it(ax):
    plots.draw_bars(ax, {"ends": 40.0, "not": math.nan}, xlabel="steps", form="{:.0f}", missing="overflows")
    assert [text.get_text() for text in ax.texts] == ["40", "overflows"]
    assert ax.patches[1].get_width() == 0


def test_heat_has_its_values_in_place_and_a_labelled_colour_bar(ax):
    image = plots.draw_heat(
        ax, [[1.0, 2.0], [3.0, math.nan]], x=(0, 10), y=(1, 2), xlabel="step", ylabel="layer", label="size"
    )
    assert image.get_array()[0, 1] == 2.0 and image.get_array().mask[1, 1]
    assert image.get_extent() == [-5.0, 15.0, 0.5, 2.5]  # the centres of the outer pixels are at 0, 10 and 1, 2
    assert "size" in {a.get_ylabel() for a in ax.figure.axes}


@pytest.mark.parametrize("same", ["area", "height"])
def test_histograms_agree_in_area_or_height(ax, same):
    samples = {"a": torch.rand(1000), "b": torch.rand(50)}
    plots.draw_histograms(ax, samples, bins=torch.linspace(0, 1, 11), xlabel="z", same=same)
    assert len(ax.lines) == 2
    for line in ax.lines:
        edges, heights = line.get_data()
        reached = (np.diff(edges) * heights[:-1]).sum() if same == "area" else heights.max()
        assert reached == pytest.approx(1) and line.get_drawstyle() == "steps-post"


def test_function_and_slope_stand_on_their_own_axes():
    axes = Figure().subplots(2)
    z = torch.linspace(-1, 1, 5)
    plots.draw_function(axes, z, z**2, 2 * z, torch.ones(5), name="square")
    assert np.allclose(axes[0].get_lines()[0].get_ydata(), z**2)
    assert np.allclose(axes[1].get_lines()[0].get_ydata(), 2 * z)


def test_the_timeline_tells_the_chosen_year(ax):
    caption = plots.draw_timeline(ax, timeline.EVENTS, 1991, timeline.LANES)
    assert caption.startswith("1991: Hochreiter")
    assert "nothing" in plots.draw_timeline(ax, timeline.EVENTS, 1975, timeline.LANES)


def test_every_event_has_a_lane_and_a_year_of_the_story():
    assert {lane for _, lane, _ in timeline.EVENTS} == set(timeline.LANES)
    years = [year for year, _, _ in timeline.EVENTS]
    assert years == sorted(years) and years[0] == 1969 and years[-1] == 2026


def test_colours_keep_a_contrast_of_three_to_one_on_white():
    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert all(1.05 / (luminance(colour) + 0.05) >= 3 for colour in style.CYCLE)


def test_lecture_mode_enlarges_the_type(monkeypatch):
    normal = style.rc_params()
    monkeypatch.setenv(style.LECTURE_VARIABLE, "1")
    assert style.in_lecture() and style.rc_params()["font.size"] > 1.3 * normal["font.size"]


def test_strips_show_every_number_and_the_mean(ax):
    plots.draw_strips(ax, {"a": [0.2, 0.4], "b": torch.tensor([0.5, 0.7, 0.9])}, xlabel="share", limits=(0, 1))
    assert np.allclose(ax.collections[1].get_offsets(), [[0.5, 1], [0.7, 1], [0.9, 1]])
    assert np.allclose(ax.get_lines()[1].get_xydata(), [[0.7, 1]])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"] and ax.get_xlim() == (0, 1)


def test_strips_say_what_became_of_points_without_a_number(ax):
    plots.draw_strips(ax, {"a": [math.nan, 0.4], "b": [math.inf]}, xlabel="loss", missing="diverged")
    assert [text.get_text() for text in ax.texts] == ["diverged: 1 of 2", "diverged: 1 of 1"]
    assert np.allclose(ax.get_lines()[0].get_xydata(), [[0.4, 0]]) and len(ax.get_lines()) == 1


def test_a_bundle_shows_every_run_and_the_mean_as_far_as_all_go(ax):
    plots.draw_bundle(ax, [[0.0, 1.0, 2.0], [2.0, 3.0]], [5, 6, 7], xlabel="step", ylabel="loss", others=[[9.0, 9.0]])
    other, first, second, mean = (line.get_xydata().tolist() for line in ax.get_lines())
    assert other == [[5, 9], [6, 9]] and first == [[5, 0], [6, 1], [7, 2]] and second == [[5, 2], [6, 3]]
    assert mean == [[5, 1], [6, 2]] and ax.get_lines()[-1].get_label() == "mean of 2"


def test_bars_from_one_reach_numbers_far_below_it(ax):
    plots.draw_bars(ax, {"lost": 1e-61, "won": 40.0, "faded": 1e-31}, xlabel="ratio", log=True, start=1)
    lost, won, _ = ax.patches
    assert (lost.get_x(), lost.get_x() + lost.get_width()) == (1e-61, 1)
    assert (won.get_x(), won.get_x() + won.get_width()) == (1, 40)
    low, high = ax.get_xlim()
    assert 0 < low <= 1e-61 and high > 40


def test_what_a_drawing_is_not_told_it_takes_from_the_data(ax):
    plots.draw_histograms(ax, {"a": torch.tensor([0.0, 1.0]), "b": torch.tensor([3.0])}, bins=3, xlabel="z")
    assert ax.lines[0].get_xdata().tolist() == [0, 1, 2, 3]
    image = plots.draw_heat(ax, np.zeros((4, 11)), label="gradient")
    assert image.get_extent() == [-0.5, 10.5, 0.5, 4.5] and (ax.get_xlabel(), ax.get_ylabel()) == ("step", "layer")
