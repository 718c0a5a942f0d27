"""Nets in time: the ink is what was measured, a wire is as thick as its gate is open, and no words lie over each other."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from tests.figures.test_networks import Drawn, mode, overlapping  # noqa: F401 - the fixture
from utils.figures import cells, ink, style

FADING, KEEPING = 0.4 ** np.arange(11, -1, -1.0), 0.97 ** np.arange(11, -1, -1.0)


def boxes_of(drawn):
    return [group for group in drawn.axes[0].collections if len(group.get_offsets()) == 12]


def test_a_step_has_the_ink_of_what_is_left_there():
    drawn = Drawn(cells.draw_unrolled, {"RNN": FADING, "LSTM": KEEPING})
    for group, left in zip(boxes_of(drawn), (FADING, KEEPING), strict=True):
        assert np.allclose(group.get_facecolors(), ink.ink(left))
    assert drawn.canvas.caption.startswith("Left of the gradient at step 1: RNN 4e-5, LSTM 0.72.")
    assert "h12" in drawn.canvas.alt and "RNN" in drawn.canvas.alt


def test_an_arrow_is_as_thick_as_what_it_carries():
    drawn = Drawn(cells.draw_unrolled, {"RNN": FADING})
    widths = [line.get_linewidth() for line in drawn.axes[0].get_lines() if len(line.get_xdata()) == 2]
    assert len(widths) == 11 and (np.diff(widths) > 0).all()


@pytest.mark.parametrize("rows, size", [(1, (9, 2.6)), (2, None)])
def test_the_words_of_the_unrolled_net_stand_apart(rows, size, mode):  # noqa: F811
    of = dict(list({"nn.RNN": FADING, "An LSTM that keeps": KEEPING}.items())[:rows])
    assert overlapping(Drawn(cells.draw_unrolled, of, list("ABCDEFGHABCD"), size=size).boxes()) == []


def test_a_hundred_steps_are_drawn_without_words_in_their_boxes():
    drawn = Drawn(cells.draw_unrolled, {"RNN": 0.6 ** np.arange(99, -1, -1.0)})
    assert sorted(text for text, _ in drawn.boxes()) == ["RNN", "← loss"]


def wires(draw, *gates):
    """Return colour -> the widths of the wires of that colour."""
    found = {}
    for line in Drawn(draw, *gates).axes[0].get_lines():
        found.setdefault(to_rgba(line.get_color()), []).append(line.get_linewidth())
    return found


def test_the_wires_of_an_lstm_are_as_thick_as_its_gates_are_open():
    shut, wide = (wires(cells.draw_lstm, *gates) for gates in ((0.0, 0.5, 1.0), (1.0, 0.5, 0.0)))
    thin, thick = cells._thick(0), cells._thick(1)
    assert shut[to_rgba(style.ALARM)] == [thin, cells._thick(0.5), thick]
    assert wide[to_rgba(style.ALARM)] == [thick, cells._thick(0.5), thin]
    assert shut[to_rgba(style.BLUE)] == [thick, thin] and wide[to_rgba(style.BLUE)] == [thick, thick]


def test_a_gru_takes_in_what_it_does_not_keep():
    keeps, takes = (wires(cells.draw_gru, z, 0.5) for z in (1.0, 0.0))
    assert keeps[to_rgba(style.BLUE)] == takes[to_rgba(style.BLUE)][:1] * 2
    assert keeps[to_rgba(style.GREEN)] == [cells._thick(0)] and takes[to_rgba(style.GREEN)] == [cells._thick(1)]
    assert Drawn(cells.draw_gru, 0.95, 0.5).canvas.caption == "A step keeps 95.0% of the old state and takes in 5.0% of the candidate."


@pytest.mark.parametrize("draw, gates", [(cells.draw_lstm, (0.018, 0.5, 1.0)), (cells.draw_gru, (0.9933, 0.5))])
@pytest.mark.parametrize("panels, size", [(1, (7, 3.8)), (2, (10, 3.8))])
def test_the_words_of_a_cell_stand_apart(draw, gates, panels, size, mode):  # noqa: F811
    def first(axes, *given):
        return draw(np.ravel(axes)[0], *given)

    drawn = Drawn(first, *gates, panels=panels, size=size)
    assert overlapping([(word, box.padded(2)) for word, box in drawn.boxes()]) == []


def test_a_letter_has_the_ink_of_its_gradient_and_the_letters_stay_out_of_the_words():
    shares = np.array([1e-5, 1e-4, 1e-2, 1.0, 0.1])
    drawn = Drawn(cells.draw_text, {"RNN": ("a bcd", shares), "LSTM": ("abcdefg", np.ones(7))})
    first, second = drawn.axes[0].tables
    letters = [first[0, place].get_text().get_text() for place in range(7)]
    assert letters == ["a", " ", "b", "c", "d", " ", " "]
    grounds = np.array([first[0, place].get_facecolor() for place in range(5)])
    assert np.allclose(grounds, ink.fade([0, 0, 0.5, 1, 0.75]), atol=1e-6)
    assert np.allclose([second[0, place].get_facecolor() for place in range(7)], ink.fade(np.ones(7)))
    assert "RNN, LSTM" in drawn.canvas.alt and "white is a ten-thousandth" in drawn.canvas.caption
