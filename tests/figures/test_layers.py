import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from tests.figures.test_canvas import SCENES, X, pixels
from utils.figures import style
from utils.figures.canvas import Canvas

LINK = "{http://www.w3.org/1999/xlink}href"


def drawn(scene, **params):
    canvas = Canvas(layers=True)
    canvas.draw(scene, **params)
    return canvas


def parsed(canvas):
    return ET.fromstring(canvas.svg.replace("<svg", '<svg xmlns:xlink="http://www.w3.org/1999/xlink"', 1))


def curve(ax, k=1.0):
    ax.plot(X, k * X, "o-", label="<b>bold</b>")
    ax.text(0.2, 0.5, "a text & its $\\alpha$")
    ax.axhline(0.25)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.legend(loc="best")
    return f"<b>The caption</b> of {k} & more."


@pytest.mark.parametrize("scene", SCENES)
def test_the_whole_picture_is_the_same_with_layers_and_without(scene):
    params = {"k": 1.0, "label": True, "log": False}
    canvas, plain = drawn(scene, **params), Canvas()
    plain.draw(scene, **params)
    assert np.array_equal(pixels(canvas), pixels(plain)) and np.array_equal(pixels(canvas), pixels(canvas))
    assert canvas.alt == plain.alt and plain.svg is None


def test_the_data_reach_nothing_else_in_their_page():
    first, second = drawn(curve), drawn(curve)
    names = [{element.get("id") for element in parsed(canvas).iter() if element.get("id")} for canvas in (first, second)]
    glyphs = {name for name in names[0] if name.startswith("DejaVuSans")}  # outlines of letters, the same in every picture
    assert names[0] - glyphs and not (names[0] - glyphs) & names[1]
    assert "<style" not in first.svg and "<script" not in first.svg and "<b>" not in first.svg


def test_whatever_the_data_refer_to_is_there():
    root = parsed(drawn(curve))
    ids = {element.get("id") for element in root.iter()}
    used = {element.get(LINK) for element in root.iter() if element.get(LINK)}
    clips = set(re.findall(r"url\((#[^)]+)\)", ET.tostring(root, encoding="unicode")))
    assert len(used) > 2 and clips and {name.lstrip("#") for name in used | clips} <= ids


def test_the_same_picture_is_the_same_text():
    canvas = drawn(curve)
    before = canvas.svg
    canvas.draw(curve, k=0.5)
    assert canvas.svg != before
    canvas.draw(curve)
    assert canvas.svg == before


def test_the_caption_is_text_in_the_words_width():
    (words,) = (element for element in parsed(drawn(curve)).iter() if element.tag == "text")
    assert words.text == "<b>The caption</b> of 1.0 & more."
    assert 150 < float(words.get("textLength")) < 350 and words.get("fill") == style.BLACK


def test_lines_along_the_axes_are_sharp():
    """An odd number of pixels wide, such a line must run through the middle of pixels."""
    found = []
    root = parsed(drawn(curve))
    for element in root.iter("path"):
        numbers = [[float(n) for n in point.split()] for point in re.findall(r"[ML] ([-\d.]+ [-\d.]+)", element.get("d", ""))]
        if len(numbers) == 2 and numbers[0][1] == numbers[1][1] and "stroke-width: 0.8" in element.get("style", ""):
            found.append(numbers[0][1] * style.DPI / 72)
    assert found and all(abs(y % 1 - 0.5) < 0.01 for y in found)


@pytest.mark.parametrize("points, expected", [(500, True), (20_000, False)])
def test_thousands_of_points_are_sent_as_pixels(points, expected):
    canvas = drawn(lambda ax: ax.plot(np.random.default_rng(0).normal(size=points), ".") and None)
    assert (canvas.svg is not None) == expected
    assert (pixels(canvas) < 200).any()


def test_a_picture_without_data_is_its_frame():
    (group,) = parsed(drawn(lambda ax: ax.set_axis_off()))
    assert len(group) == 0


def test_an_image_is_sent_as_pixels():
    assert drawn(lambda ax: ax.imshow(np.eye(3)) and None).svg is None


def test_what_its_scene_calls_too_much_is_sent_as_pixels():
    assert drawn(lambda ax: ax.plot(X, rasterized=True) and None).svg is None


def test_the_frame_is_encoded_once_as_long_as_it_stays():
    canvas = drawn(curve)
    frame = canvas.frame_png()
    canvas.draw(curve, k=0.5)
    assert canvas.frame_png() is frame
    canvas.draw(lambda ax: ax.set_title("another") and None)
    assert canvas.frame_png() != frame


@pytest.mark.parametrize("size", [(9.0, 3.8), (5, 4.6), (6.2, 4.2), (8.4, 5), (7, 4.2), (9, 5.4)])
def test_both_layers_have_the_size_of_the_picture(size):
    canvas = Canvas(size=size, layers=True)
    canvas.draw(curve)
    frame = Image.open(io.BytesIO(canvas.frame_png()))
    assert frame.size == pixels(canvas).shape[1::-1]
    assert f'viewBox="0 0 {frame.width} {frame.height}"' in canvas.svg
