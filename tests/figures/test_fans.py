"""Fans, windows and ladders: as many terms as there are, factors where they belong, ink by gradient, words that stand apart."""

import numpy as np
import pytest

from tests.figures.test_networks import Drawn, mode, overlapping  # noqa: F401 - the fixture
from utils.figures import fans, ink


@pytest.mark.parametrize("n_in, n_out", [(100, 300), (400, 100), (100, 100), (3, 2)])
def test_the_words_of_a_layer_say_both_fans_and_stand_apart(n_in, n_out, mode):  # noqa: F811
    drawn = Drawn(fans.draw_fans, n_in, n_out)
    assert f"forward:\na sum of {n_in}\n(fan-in)" in [text for text, _ in drawn.boxes()]
    assert drawn.canvas.caption == f"On the way forward a unit adds up {n_in} terms, on the way back an input adds up {n_out}."
    assert overlapping(drawn.boxes()) == []


def test_two_panels_have_room_for_a_layer_and_its_rules(mode):  # noqa: F811
    rules = {"LeCun: 1 / fan-in": (1.0, 3.0), "Xavier: 2 / sum of both": (0.5, 1.5)}
    drawn = Drawn(lambda axes: (fans.draw_fans(axes[0], 100, 300), fans.draw_two_ways(axes[1], rules))[1], panels=2, size=(10, 3.8))
    assert overlapping(drawn.boxes()) == []
    figure, label = drawn.axes[1].figure, drawn.axes[1].xaxis.label.get_window_extent(drawn.canvas._renderer)
    assert label.x1 <= figure.bbox.x1, "the label is cut off"


@pytest.mark.parametrize("n_in, n_out, circles", [(100, 300, (3, 9)), (400, 100, (9, 2)), (100, 100, (9, 9))])
def test_columns_are_as_high_as_their_numbers_are_large(n_in, n_out, circles):
    drawn = Drawn(fans.draw_fans, n_in, n_out)
    assert tuple(len(column.get_offsets()) for column in drawn.axes[0].collections) == circles
    forward, backward = (np.sum(np.isfinite(line.get_xdata())) // 2 for line in drawn.axes[0].lines)
    assert (forward, backward) == circles, "an edge for each circle that is drawn at the other end"


def test_a_rule_has_two_marks_where_its_factors_are():
    drawn = Drawn(fans.draw_two_ways, {"one": (1.0, 4.0), "other": (0.25, 1.0)})
    forward, backward = (line for line in drawn.axes[0].lines if line.get_label() in ("forward", "backward"))
    assert list(forward.get_xdata()) == [1.0, 0.25] and list(backward.get_xdata()) == [4.0, 1.0]
    assert drawn.canvas.caption == "Forward and backward: one 1 and 4; other 0.25 and 1."


@pytest.mark.parametrize("given, said", [((16, 16), "3 · 3 · 16 = 144"), ((3, 64, 5), "5 · 5 · 3 = 75"), ((8, 4, 1), "1 · 1 · 8 = 8")])
def test_a_window_multiplies_its_pixels_and_channels(given, said, mode):  # noqa: F811
    drawn = Drawn(fans.draw_window, *given, size=(9, 2.8))
    assert f"fan-in: {said}" in [text.replace("\n", " ") for text, _ in drawn.boxes()]
    assert overlapping(drawn.boxes()) == []


def ladder():
    rng = np.random.default_rng(0)
    signals = [scale * rng.normal(size=(8, 4, 3, 3)) for scale in (1.0, 0.1, 1e-9)]
    errors = [size * np.ones((8, 4)) for size in (1e-4, 1e-2, 1.0)]
    return {"a": (signals, errors), "b": (signals[::-1], [np.zeros((8, 4)), *errors[1:]])}


def test_a_rung_has_a_histogram_for_each_layer_in_the_ink_of_its_gradient():
    drawn = Drawn(fans.draw_ladder, ladder(), panels=(2, 1), size=(9, 4))
    for ax, shares in zip(drawn.axes, ([1e-4, 1e-2, 1.0], [0.0, 1e-2, 1.0])):
        colours = [shape.get_facecolor()[0] for shape in ax.collections]
        assert np.allclose(colours, ink.ink(shares))
    heights = [np.ptp(np.concatenate([path.vertices[:, 1] for path in shape.get_paths()])) for shape in drawn.axes[0].collections]
    assert heights[0] > 4 and heights[1] < 1, "the first z spread over several units, the second over less than one"
    assert drawn.canvas.caption.endswith("the standard deviation: a 1e-04 and 9e-10; b 0e+00 and 1.02.")


def test_what_lies_beyond_the_axis_stands_at_its_end():
    signals, errors = ladder()["a"]
    drawn = Drawn(fans.draw_ladder, {"far": ([1000 * signals[0], *signals[1:]], errors)})
    assert max(np.abs(path.vertices[:, 1]).max() for path in drawn.axes[0].collections[0].get_paths()) > 3.9
