"""Pictures in a dark theme, and in a narrow window: measured in the pixels of screenshots, and where things stand."""

import base64
import io
import itertools
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tests.browser.lab import (
    chromium_page,
    copy_project,
    get_cell,
    jupyterlab,
    open_notebook,
    run_all,
    screenshot,
    wait_for_picture,
    write_notebook,
)
from tests.figures.test_accessibility import VISIONS, distance
from utils.figures import style

pytestmark = pytest.mark.browser

TEXT, LINE = 4.5, 3.0  # the least contrast with the paper (WCAG 2.1, AA)
APART = 10  # of two colours to any eye, in CIELAB units; on white paper it is 16, and marks and dashes differ besides

SCENES = """
import numpy as np
from utils.figures import style
from utils.training.view import LiveView
from utils.widgets.explorer import explore, predict, show

def bars(ax, height=3, guess=None):
    ax.bar(range(9), height, color=style.CYCLE)
    ax.set(title="All colours of the course", xlabel="colour", ylabel="height", ylim=(0, 4))
    ax.grid(False)
    return f"Nine bars of {height}."

def heat(ax, rows=2):
    ax.imshow(np.arange(2 * rows).reshape(rows, 2))
    return "More is brighter."
"""
BARS, HEAT, SHOW, CHOOSE, TRAIN = range(1, 6)
LONG = "the first of them: a long explanation, which says what it would mean if it were so, and why one may think that"
CELLS = [
    SCENES, "explore(bars, height=(1, 4), guess=['no', 'yes', None])", "explore(heat, rows=(1, 4))", "show(bars)",
    f"predict('Which of all these colours is the one?', bars, [{LONG!r}, 'two'])", "LiveView(['net'], 100, 'A race').box",
]  # fmt: skip

SAVED = "(index) => jupyterapp.shell.currentWidget.content.widgets[index].model.outputs.get(0).toJSON().data['image/png']"
# What stands in an output and ends beyond its right edge, where nothing can be scrolled.
CUT = """
(output) => [...output.querySelectorAll("label, input, button, select, .noUi-target, .widget-readout, b, img, svg")].filter((part) => {
    const box = part.getBoundingClientRect(), edge = output.getBoundingClientRect().right + 1;
    if (!box.width || box.right <= edge) return false;
    let around = part.parentElement;
    while (around !== output && !(around.scrollWidth > around.clientWidth && getComputedStyle(around).overflowX === "auto"))
        around = around.parentElement;
    return around === output && !part.closest(".jp-RenderedImage");
}).map((part) => part.outerHTML.slice(0, 150))
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory, chromium_path):
    folder = copy_project(tmp_path_factory.mktemp("theme"))
    write_notebook(folder / "theme.ipynb", *CELLS)
    with jupyterlab(folder) as address, chromium_page(chromium_path) as page:
        open_notebook(page, address, "theme.ipynb")
        assert run_all(page) == {}
        page.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
        yield page


def set_theme(page, name):
    page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme})", f"JupyterLab {name}")
    light = str(name == "Light").lower()
    page.wait_for_function("(light) => document.body.dataset.jpThemeLight === light", arg=light)
    page.wait_for_timeout(500)


def look(page, index, name):
    """Return the pixels of a picture as it is seen, (height, width, 3), and keep the screenshot."""
    cell = get_cell(page, index)
    picture = cell.locator(".picture, .jp-RenderedImage img").first
    picture.wait_for(state="visible")
    screenshot(picture, name)
    return np.asarray(Image.open(io.BytesIO(picture.screenshot())).convert("RGB"), dtype=int)


def luminance(colour):
    share = np.asarray(colour) / 255
    return float(np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722))


def contrast(one, other):
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def flat_colours(pixels, least=2000):
    """Return the colours of areas, the largest first."""
    counts = Counter(map(tuple, pixels.reshape(-1, 3).tolist()))
    return [colour for colour, count in counts.most_common() if count >= least]


def hue(colour):
    red, green, blue = np.asarray(colour) / 255
    return np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue))


def least_distance(colours):
    """Return how far the two of these colours are apart that some eye confuses most."""
    coded = ["#{:02X}{:02X}{:02X}".format(*colour) for colour in colours]
    return min(distance(one, other, vision) for vision in VISIONS for one, other in itertools.combinations(coded, 2))


def darkest_and_brightest(pixels):
    flat = sorted(set(map(tuple, pixels.reshape(-1, 3).tolist())), key=luminance)
    return flat[0], flat[-1]


@pytest.mark.parametrize("index", [BARS, SHOW])
def test_a_chart_has_the_paper_of_the_theme_and_every_colour_its_hue_and_contrast(page, index):
    seen = {}
    for theme in ("Light", "Dark"):
        set_theme(page, theme)
        pixels = look(page, index, f"theme-{theme}-{index}")
        paper, *colours = flat_colours(pixels)
        assert luminance(paper) < 0.02 if theme == "Dark" else luminance(paper) == 1
        height = len(pixels)
        for part in (pixels[: height // 12], pixels[-height // 10 :]):  # the title, of the frame; the caption, of the data
            assert contrast(*darkest_and_brightest(part)) >= TEXT
        assert len(colours) == len(style.CYCLE), colours
        assert min(contrast(colour, paper) for colour in colours) >= LINE, colours
        assert least_distance(colours) >= APART, colours
        middles = [int(share * pixels.shape[1]) for share in np.linspace(0.15, 0.9, 40)]
        row = [tuple(pixels[int(0.6 * height), x].tolist()) for x in middles]
        seen[theme] = [colour for colour in row if colour in colours]
    assert len(seen["Light"]) == len(seen["Dark"]) > 15
    for light, dark in zip(seen["Light"], seen["Dark"]):
        if max(light) - min(light) > 60:  # else it is grey
            assert abs((hue(light) - hue(dark) + 180) % 360 - 180) < 35, (light, dark)  # the deep violet becomes a pink


def test_saved_pictures_stay_light(page):
    set_theme(page, "Dark")
    for index in (BARS, SHOW):
        data = page.evaluate(SAVED, index)
        saved = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
        assert tuple(saved[0, 0]) == (255, 255, 255)


def test_where_a_shade_has_a_meaning_bright_stays_bright(page):
    for theme in ("Light", "Dark"):
        set_theme(page, theme)
        pixels = look(page, HEAT, f"theme-{theme}-heat")
        paper = flat_colours(pixels)[0]
        assert paper == (255, 255, 255) if theme == "Light" else 0.5 < luminance(paper) < 0.8
        height, width, _ = pixels.shape
        middle = pixels[int(0.25 * height) : int(0.6 * height), int(0.4 * width) : int(0.65 * width)]
        first, last = middle[0, 0], middle[-1, -1]
        assert luminance(last) > 3 * luminance(first)
        assert contrast(*darkest_and_brightest(pixels[-height // 10 :])) >= TEXT


def test_dimmed_paper_leaves_every_colour_its_contrast(page):
    """As in a picture that speaks of shades, with all colours in it."""
    set_theme(page, "Dark")
    picture = get_cell(page, BARS).locator(".picture")
    picture.evaluate("(picture) => picture.querySelector('.picture-words').parentElement.firstChild.classList.add('picture-shades')")
    paper, *colours = flat_colours(look(page, BARS, "theme-dimmed"))
    picture.evaluate("(picture) => picture.querySelector('.picture-shades').classList.remove('picture-shades')")
    assert len(colours) == len(style.CYCLE)
    assert 0.5 < luminance(paper) < 0.8
    assert min(contrast(colour, paper) for colour in colours) >= LINE


def test_a_training_that_runs_follows_the_theme(page):
    set_theme(page, "Dark")
    assert luminance(flat_colours(look(page, TRAIN, "theme-training"))[0]) < 0.02


@pytest.mark.parametrize("width", [700, 390])
def test_in_a_narrow_window_nothing_is_cut_and_type_stays_readable(page, width):
    set_theme(page, "Light")
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 900})
    try:
        page.wait_for_timeout(500)
        for index in (BARS, HEAT, SHOW, CHOOSE, TRAIN):
            cell = get_cell(page, index)
            picture = cell.locator(".picture, .jp-RenderedImage img").first
            assert picture.bounding_box()["width"] >= 0.85 * style.WIDTH * style.DPI - 1
            # All of a picture that is too wide can be brought into view.
            picture.evaluate("(picture) => picture.scrollIntoView({inline: 'end', block: 'center'})")
            room = cell.locator(".jp-OutputArea-output").first.bounding_box()
            place = picture.bounding_box()
            assert place["x"] + place["width"] <= room["x"] + room["width"] + 1
            assert cell.locator(".jp-OutputArea-output").first.evaluate(CUT) == []
            screenshot(page, f"narrow-{width}-{index}")
        labels = get_cell(page, CHOOSE).locator(".widget-radio-box label")
        long, short = (labels.nth(number).bounding_box() for number in range(2))
        assert long["height"] > 35 and long["y"] + long["height"] <= short["y"] + 1, "an option covers the next one"
    finally:
        page.set_viewport_size(before)


def test_in_a_wide_window_a_picture_has_its_own_size(page):
    assert wait_for_picture(get_cell(page, BARS)).bounding_box()["width"] == pytest.approx(style.WIDTH * style.DPI, abs=1)
