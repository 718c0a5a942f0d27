"""Pictures for a phone: panels below one another, and no words that are cut, lie over each other, or are missing."""

import itertools
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from utils.figures import narrow, plots
from utils.figures.canvas import Canvas


def draw(scene, panels=1, size=None):
    """Draw `scene(axes)` narrow; return the canvas and the axes as the scene got them."""
    kept = []

    def keeping(axes):
        kept.append(axes)
        return scene(axes)

    canvas = Canvas(panels, size, layers=True, narrow=True)
    canvas.draw(keeping)
    return canvas, kept[0]


def label_all(axes):
    for number, ax in enumerate(np.ravel(axes)):
        ax.plot([0, 1])
        ax.set(title=f"panel {number}", xlabel="across", ylabel="up")


@pytest.mark.parametrize("panels, shape, rows, columns", [
    (1, (), 1, 1), (2, (2,), 2, 1), (3, (3,), 3, 1), ((2, 1), (2,), 2, 1), ((2, 2), (2, 2), 4, 1), ((2, 5), (2, 5), 5, 2), ((1, 5), (5,), 3, 2),
])  # fmt: skip
def test_panels_stand_below_one_another_and_the_scene_gets_them_as_ever(panels, shape, rows, columns):
    canvas, axes = draw(label_all, panels)
    assert np.shape(axes) == shape
    places = [(round(ax.get_position().x0, 3), round(-ax.get_position().y0, 3)) for ax in np.ravel(axes)]
    assert places == sorted(places, key=lambda place: place[::-1]), "from left to right, then down"
    assert (len({y for _, y in places}), len({x for x, _ in places})) == (rows, columns)
    width, height = Image.open(BytesIO(canvas.png())).size
    assert width == narrow.WIDTH * narrow.DPI and f'viewBox="0 0 {width} {height}"' in canvas.svg


def test_what_is_longer_than_a_panel_takes_several_lines_inside_of_the_picture():
    def scene(axes):
        label_all(axes)
        for ax in axes:
            ax.set(title="A title with more words than a phone has room for in one line of it",
                   xlabel="the name of an axis that goes on and on, and then on", ylabel="another one, upwards, and as long as that one")

    canvas, axes = draw(scene, 2)
    texts = [text for ax in axes for text in (ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label) if text.get_text()]
    assert len(texts) == 6 and all("\n" in text.get_text() for text in texts)
    boxes = [text.get_window_extent(canvas._renderer) for text in texts]
    width, height = axes[0].figure.bbox.size
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_a_formula_is_not_broken():
    _, ax = draw(lambda ax: ax.set_title("$" + "+".join("abcdefghijklmnopqrst" * 3) + "$") and None)
    assert "\n" not in ax.get_title()


def test_panels_keep_their_place_while_a_caption_gets_its_second_line():
    canvas, places = Canvas(narrow=True), []

    def scene(ax, words):
        places.append(ax)
        return "word " * words

    for words in (1, 14):
        canvas.draw(scene, words=words)
    assert [len([line for line in canvas._lines if line])] == [2]
    assert places[0].get_position().bounds == places[1].get_position().bounds


def test_names_that_the_panel_beside_had_are_written_again():
    def scene(axes):
        for ax in axes:
            plots.draw_bars(ax, {"one": 1.0, "another": 2.0}, xlabel="steps")
        axes[0].set_ylabel("nets")
        axes[1].set_yticklabels([])

    _, (above, below) = draw(scene, 2)
    assert [label.get_text() for label in below.get_yticklabels()] == ["one", "another"] and below.get_ylabel() == "nets"
    assert below.get_ylim() == above.get_ylim()


@pytest.mark.parametrize("write", [
    lambda ax: ax.text(0.9, 0.5, "a few words at the right"), lambda ax: ax.text(0.1, 0.5, "and some more at the left", ha="right"),
    lambda ax: ax.annotate("a few words at the right", (0.9, 0.5), (4, 0), textcoords="offset points"),
])  # fmt: skip
def test_words_at_an_edge_are_not_cut(write):
    def scene(ax):
        ax.set(xlim=(0, 1), ylim=(0, 1))
        write(ax)

    canvas, ax = draw(scene)
    box = ax.texts[0].get_window_extent(canvas._renderer)
    assert 0 <= box.x0 and box.x1 <= ax.figure.bbox.width


def test_numbers_along_an_axis_do_not_lie_over_each_other():
    def scene(ax):
        ax.set_xticks([0.02, 0.04, 0.05, 0.1, 0.5, 0.9])
        ax.set(xlim=(0, 0.5))

    canvas, ax = draw(scene)
    shown = [label for label in ax.get_xticklabels() if label.get_visible()]
    assert [label.get_text() for label in shown][:2] == ["0.02", "0.10"]
    boxes = [label.get_window_extent(canvas._renderer) for label in shown[:3]]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_a_drawing_without_axes_gets_their_room():
    _, bare = draw(lambda ax: ax.set_axis_off())
    _, ticked = draw(lambda ax: None)
    assert bare.get_position().width > 1.15 * ticked.get_position().width
