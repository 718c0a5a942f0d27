"""A drawn net: its ink is what was measured, nothing lies over anything else at any depth, and its words hold the numbers."""

import itertools
import math
import warnings

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba

from utils.figures import ink, networks, style
from utils.figures.canvas import Canvas

RNG = np.random.default_rng(0)


def fading(depth, factor=0.2, width=64):
    """Errors of `depth` hidden layers, each `factor` of the one above in norm, and of a readout of ten units."""
    errors = [RNG.normal(size=(16, width)) for _ in range(depth)] + [RNG.normal(size=(16, 10))]
    return [factor ** (depth - layer) * error / np.linalg.norm(error) for layer, error in enumerate(errors)]


def weights_of(errors):
    return [RNG.normal(size=(after.shape[1], before.shape[1])) for before, after in itertools.pairwise(errors)]


class Drawn:
    """A scene, drawn on a canvas, with its axes kept; as in a mode, if a test has one."""

    narrow = False

    def __init__(self, draw, *given, panels=1, size=None, **options):
        def scene(axes):
            self.axes = np.ravel(axes)
            return draw(axes, *given, **options)

        self.canvas = Canvas(panels, size, narrow=self.narrow)
        self.canvas.draw(scene)

    def boxes(self):
        """Return (text, box in pixels) of everything that is written on the axes, ticks apart."""
        texts = [text for ax in self.axes for text in ax.texts if text.get_text()]
        return [(text.get_text(), text.get_window_extent(self.canvas._renderer)) for text in texts]

    def circles(self, ax=0, marker="o"):
        """Return (centres in pixels, diameter in pixels) of the largest group of markers."""
        found = [a for a in self.axes[ax].collections if isinstance(a, PathCollection)]
        most = max(found, key=lambda group: len(group.get_offsets()))
        return self.axes[ax].transData.transform(most.get_offsets()), most.get_sizes()[0] ** 0.5 * self.axes[ax].figure.dpi / 72


def overlapping(boxes):
    return [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if one.overlaps(other)]


@pytest.fixture(params=["page", "lecture", "phone"])
def mode(request, monkeypatch):
    monkeypatch.setenv(style.LECTURE_VARIABLE, "1" if request.param == "lecture" else "")
    monkeypatch.setattr(Drawn, "narrow", request.param == "phone")


@pytest.mark.parametrize("depth", [1, 2, 10, 20, 40])
def test_neither_words_nor_units_lie_over_each_other(depth, mode):
    errors = fading(depth)
    drawn = Drawn(networks.draw_net_and_curve, errors, weights_of(errors), panels=(2, 1), size=(9, 5.4))
    assert overlapping(drawn.boxes()) == []
    centres, size = drawn.circles()
    columns, rows = (np.unique(centres[:, axis].round(2)) for axis in (0, 1))
    assert len(columns) == depth + 1 and min(np.diff(columns).min(), np.diff(rows).min()) > 1.05 * size
    words = [box for word, box in drawn.boxes() if word in ("signal", "gradient", "input", "loss")]
    assert len(words) == 4
    assert not any(box.padded(size / 2).contains(*centre) for box in words for centre in centres)


def test_every_layer_stands_above_its_point_of_the_curve():
    drawn = Drawn(networks.draw_net_and_curve, fading(7), panels=(2, 1))
    (line,) = [line for line in drawn.axes[1].get_lines() if line.get_label() == "measured"]
    below = drawn.axes[1].transData.transform(np.column_stack(line.get_data()))[:, 0]
    assert np.allclose(np.unique(drawn.circles()[0][:, 0].round(6)), below, atol=0.01)


def test_a_unit_has_the_ink_of_its_gradient_and_the_layers_mean_square_is_the_curve():
    errors = [np.array([[0.0, 3e-4]]), np.array([[3.0, 4.0]])]
    norms, units = networks._share_out(errors)
    assert np.allclose(norms, [6e-5, 1]) and units[0][0] == 0
    assert all(math.isclose(np.mean(layer**2) ** 0.5, norm) for layer, norm in zip(units, norms))
    drawn = Drawn(networks.draw_net, errors)
    (group,) = [a for a in drawn.axes[0].collections if isinstance(a, PathCollection) and len(a.get_offsets()) == 4]
    assert np.allclose(group.get_facecolors(), ink.ink(np.concatenate(units)))


def test_ink_fades_with_every_decade_and_cries_out_above_ten():
    lightness = ink.ink(10.0 ** np.arange(-10, 2))[:, :3] @ [0.299, 0.587, 0.114]
    assert (np.diff(lightness) < -0.03).all()
    assert np.allclose(ink.ink([11.0, np.inf]), to_rgba(style.ALARM))
    assert (ink.ink([0.0, np.nan]) == 1).all()


def test_who_is_always_silent_gets_a_cross_and_is_counted():
    errors = fading(2, factor=1.0, width=5)
    dead = [np.array([0.0, 1.0, 0.5, 1.0, 0.99]), np.zeros(5)]
    drawn = Drawn(networks.draw_net, errors, dead=dead)
    crosses = [line for line in drawn.axes[0].get_lines() if line.get_marker() == "x"]
    assert [len(line.get_xdata()) for line in crosses] == [2, 0]
    assert drawn.canvas.caption.endswith("Dead: 2 of 10 units.")


def test_only_the_largest_weights_are_drawn():
    errors, weight = fading(1, width=4), np.zeros((10, 4))
    weight[:, 2] = 5.0
    drawn = Drawn(networks.draw_net, errors, [weight])
    (edges,) = [line for line in drawn.axes[0].get_lines() if line.get_alpha() == 0.6]
    begin = edges.get_ydata()[::3]
    heights = np.sort(drawn.circles()[0][:, 1])
    assert len(begin) == 3 * 7 and len(heights) == 4 + 7
    assert (begin == np.unique(begin)[1]).sum() >= 7  # unit 3 of 4, from above


def test_the_words_hold_the_numbers_and_no_strokes():
    drawn = Drawn(networks.draw_net_and_curve, fading(10), None, [0.1**n for n in range(10, -1, -1)], guess=1e-3, panels=(2, 1))
    alt = drawn.canvas.alt
    assert "in which is written: input, loss, signal, gradient" in alt and "A curve" not in alt
    assert "Measured: from 1.02e-07 to 1" in alt and "Theory: from 1e-10 to 1" in alt and "Your guess: 0.001" in alt
    assert "measured 1.0e-07, theory 1.0e-10" in alt


def test_the_frame_stays_while_the_depth_changes():
    canvas = Canvas((2, 1))
    for depth in (2, 7, 10, 12):
        canvas.draw(lambda axes, depth=depth: networks.draw_net_and_curve(axes, fading(depth)))
    assert len(canvas._frames) == 1


def test_a_deep_net_is_sent_as_pixels_and_a_small_one_as_lines():
    canvas = Canvas((2, 1), (9, 5.4), layers=True)
    for depth, lines in ((2, True), (10, True), (40, False)):
        errors = fading(depth)
        weights = weights_of(errors)
        canvas.draw(lambda axes, given=(errors, weights): networks.draw_net_and_curve(axes, *given))
        assert (canvas.svg is not None) == lines


@pytest.mark.parametrize("sick", [0.0, math.nan, math.inf, 1e-320, 1e200])
@pytest.mark.parametrize("where", [0, -1])
def test_a_net_is_drawn_whatever_its_numbers_are(sick, where):
    errors = fading(3)
    errors[where] = np.full_like(errors[where], sick)
    with warnings.catch_warnings(action="error"):
        drawn = Drawn(networks.draw_net_and_curve, errors, weights_of(errors), panels=(2, 1))
    assert drawn.canvas.caption.startswith("first / last layer")
