"""Blocks, roads and paths: what is drawn is what was measured, its words stand apart, and a text tells the numbers."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from tests.figures.test_networks import Drawn, mode, overlapping  # noqa: F401 - the fixture
from utils.figures import blocks, ink, style


def words(drawn):
    return [text.get_text() for ax in drawn.axes for text in ax.texts]


def wires(drawn, colour):
    """Return the widths of all lines of a colour, in the order of drawing."""
    return [line.get_linewidth() for line in drawn.axes[0].get_lines() if to_rgba(line.get_color()) == to_rgba(colour)]


def test_a_wire_is_as_thick_as_the_size_of_what_it_carries():
    drawn = Drawn(blocks.draw_block, 1.0, 4.0, 5.0)
    into, road, out, _ = wires(drawn, style.BLUE)
    assert road == into and out / into == pytest.approx(5**0.5, rel=1e-6)
    assert wires(drawn, style.ALARM)[0] / into == pytest.approx(2.0)
    assert {"in: 1.00", "F(x): 4.00", "out: 5.00", "W₁", "+"} <= set(words(drawn))
    assert drawn.canvas.caption == "Mean squares: in 1.00, branch 4.00, out 5.00."


def test_a_factor_is_written_unless_it_is_one_and_a_closed_road_is_dotted():
    assert not [word for word in words(Drawn(blocks.draw_block, 1.0, 1.0, 2.0)) if word.startswith("×")]
    both = Drawn(blocks.draw_block, 1.0, 1.0, 0.5, carry=0.5, scale=0.25)
    assert {"× 0.5", "× 0.25"} <= set(words(both))
    closed = Drawn(blocks.draw_block, 1.0, 1.0, 1.0, carry=0.0)
    assert ":" in {line.get_linestyle() for line in closed.axes[0].get_lines()}


@pytest.mark.parametrize("place, order", [("pre-norm", ["norm", "F", "+"]), ("post-norm", ["F", "+", "norm"])])
def test_a_norm_stands_in_the_branch_or_behind_the_sum(place, order):
    drawn = Drawn(blocks.draw_norm, place, 12.0, 13.0, size=(5, 3))
    found = {text.get_text(): text.get_position() for text in drawn.axes[0].texts}
    assert sorted(order, key=lambda word: found[word][0]) == order, "from left to right"
    assert (found["norm"][1] > found["+"][1]) == (place == "pre-norm"), "above the road, or on it"


@pytest.mark.parametrize("settings", [{}, {"carry": 0.5, "scale": 0.55}, {"scale": 1.45}, {"carry": 0.0}])
def test_the_words_of_a_block_stand_apart(settings, mode):  # noqa: F811
    drawn = Drawn(blocks.draw_block, 1.0, 1.0, 2.0, size=(9, 3), **settings)
    assert overlapping(drawn.boxes()) == []


@pytest.fixture
def nets():
    gradient = {"plain, 100 layers": 1e-3 * 10.0 ** np.linspace(-8, 0, 51), "residual": np.linspace(2, 1, 11)}
    alike = {"plain, 100 layers": np.linspace(0.5, 1, 51), "residual": np.linspace(0.5, 0.7, 11)}
    return gradient, alike


def test_a_road_has_the_ink_of_the_gradient_and_a_strip_of_likeness(nets):
    drawn = Drawn(blocks.draw_roads, *nets, ["residual"], size=(9, 3.8))
    (ax,) = drawn.axes
    roads = [line for line in ax.get_lines() if len(line.get_xdata()) == 2]
    assert len(roads) == 50 + 10
    assert np.allclose(roads[0].get_color(), ink.ink([1e-8])[0]), "a share of the last, whatever its size"
    assert roads[0].get_linewidth() < roads[49].get_linewidth()
    strips = [image.get_array()[0] for image in ax.get_images()]
    assert np.allclose(strips[0], ink.fade(1 - nets[1]["plain, 100 layers"])) and len(strips[1]) == 11
    assert words(drawn).count("F") == 12 + 10, "of a long net twelve blocks"
    assert {"1e-08", "2.00", "1.00", "0.70"} <= set(words(drawn))


def test_blocks_stand_beside_the_road_where_there_is_a_skip(nets):
    ax = Drawn(blocks.draw_roads, *nets, ["residual"], size=(9, 3.8)).axes[0]
    heights = [text.get_position()[1] % 1 for text in ax.texts if text.get_text() == "F"]
    assert np.allclose(heights[:12], 0.47) and max(heights[12:]) < 0.3


def test_the_words_of_roads_stand_apart(nets, mode):  # noqa: F811
    assert overlapping(Drawn(blocks.draw_roads, *nets, ["residual"], size=(9, 3.8)).boxes()) == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_path_is_drawn_once_with_what_it_carries(count):
    drawn = Drawn(blocks.draw_paths, count, 0.5, size=(9, 4))
    found = words(drawn)
    assert sum(word.startswith("F") for word in found) == count * 2 ** (count - 1)
    carried = [float(word) for word in found if not word.startswith("F")]
    assert len(carried) == 2**count and sum(carried) == pytest.approx(1.5**count)
    assert carried == sorted(carried, reverse=True)
    assert drawn.canvas.caption == f"{2**count} paths; one that goes through k blocks carries 0.5 to the power of k."
