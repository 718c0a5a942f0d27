"""The lecture mode in a real JupyterLab: the slides of every chapter fit their screens, widgets live, code runs."""

import json
from pathlib import Path

import nbformat
import pytest

from teaching import lecture, slides
from tests.browser.lab import (
    PLACES,
    TOKEN,
    chromium_page,
    get_cell,
    jupyterlab,
    press_and_wait,
    read_error,
    read_errors,
    screenshot,
    set_source,
    wait_for_picture,
)
from tests.browser.slides import SCREENS, close_slides, open_slides, walk
from tests.chapters.sample import CHAPTERS

pytestmark = pytest.mark.browser

LETTERS = 0.025  # of the screen's height: 18 pixels at 720, read from the last row

SLIDE, FRAGMENT, SKIP = ({"slideshow": {"slide_type": kind}} for kind in ("slide", "fragment", "skip"))
SCENE = """
import numpy as np
from utils.widgets.explorer import explore, predict

def wave(ax, frequency=2, guess=None):
    ax.plot(np.linspace(0, 1, 99), np.sin(frequency * np.linspace(0, 1, 99)))
    ax.set_ylim(-1, 1)
    return f"One period takes {1 / frequency:.3f} of the time; you said {guess}."
"""
TALL = "# %%\n" + "\n\n".join(f"Paragraph {number} of a slide with far too much on it." for number in range(30))
EXPLORE, PREDICT, TABLE = 2, 4, 6
SENTENCE = "Words that a slide does not tear apart. " * 5


def talk(folder):
    """Write a talk of six slides, the fifth of which is too long, and return its path."""
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    cells = [
        text("# A talk", metadata=SLIDE), code(SCENE, metadata=SKIP),
        code("explore(wave, frequency=(1, 9))", metadata=SLIDE), text("A fragment.", metadata=FRAGMENT),
        code("predict('Which?', wave, ['one', 'two'], right='two')", metadata=SLIDE), text(TALL, metadata=SLIDE),
        code(f"print({SENTENCE!r})", metadata={**SLIDE, "tags": ["slide-output"]}),
    ]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "talk.ipynb")
    return folder / "talk.ipynb"


@pytest.fixture(scope="module")
def hall(tmp_path_factory, chromium_path):
    """Serve a copy of the course in lecture mode; yield the address.

    Trainings end after one step: their last pictures are as large as after hundreds, and only looks count here.
    """
    state = tmp_path_factory.mktemp("lecture")
    folder = tmp_path_factory.mktemp("talks") / "talks"
    folder.mkdir()
    notebooks = [talk(folder), *CHAPTERS.glob("[0-9][0-9]_*.ipynb")]
    variables = lecture.prepare(dark=False, state=state, notebooks=notebooks)
    with jupyterlab(state / "hall", variables, startup=Path(__file__).with_name("one_step.py")) as address:
        yield address


@pytest.fixture
def page(hall, chromium_path):
    """The talk, as it begins. Not for the module: Playwright drives one browser at a time, and each chapter opens its own."""
    with chromium_page(chromium_path, *SCREENS[0]) as page:
        open_slides(page, hall, "talks/talk.ipynb", TOKEN)
        assert read_errors(page) == {}
        yield page
        close_slides(page)


def show(page, index):
    page.evaluate("(index) => { jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index)
    return get_cell(page, index)


def test_widgets_live_and_code_runs_on_a_slide(page):
    cell = show(page, EXPLORE)
    wait_for_picture(cell)
    press_and_wait(cell, cell.locator(".noUi-handle"), "ArrowRight")
    assert "frequency 3." in cell.locator(".picture-words").text_content()
    screenshot(page, "lecture-explore")
    frame, data, *_ = cell.evaluate(PLACES)
    assert frame[3] > 200 and frame == pytest.approx(data, abs=0.6)
    page.evaluate("() => jupyterapp.shell.currentWidget.content.activate()")
    folded = cell.locator(".jp-Cell-inputWrapper")
    assert folded.bounding_box()["height"] < 2
    cell.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("(code) => code.getBoundingClientRect().height > 20", arg=folded.element_handle())
    screenshot(page, "lecture-code")
    set_source(page, EXPLORE, "explore(wave, frequency=(2, 5))")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("(cell) => cell.querySelector('.picture-words')?.textContent.includes('frequency 2.')",
                           arg=cell.element_handle())
    assert read_error(page, EXPLORE) is None


def test_a_hall_counts_hands_and_sees_them_in_the_reveal(page):
    cell = show(page, PREDICT)
    reveal, fields = cell.get_by_role("button", name="Reveal"), cell.locator("input[type=number]")
    assert fields.count() == 2 and reveal.is_disabled()
    for number, hands in enumerate(("12", "30")):
        fields.nth(number).fill(hands)
        fields.nth(number).press("Tab")
    page.wait_for_function("(button) => !button.disabled", arg=reveal.element_handle())
    press_and_wait(cell, reveal, "Enter")
    bars = cell.get_by_role("listitem")
    bars.first.wait_for(state="visible")
    assert [" ".join(text.split()) for text in bars.all_inner_texts()] == ["one 12", "two 30 ✔ right"]
    assert "you said two" in cell.locator(".picture-words").text_content()
    screenshot(page, "lecture-hands")


def test_a_table_is_read_without_its_code(page):
    cell = show(page, TABLE)
    page.evaluate("() => jupyterapp.shell.currentWidget.content.activate()")
    printed = cell.locator(".jp-OutputArea-output pre")
    printed.wait_for(state="visible")
    assert cell.locator(".jp-Cell-inputWrapper").bounding_box()["height"] < 2
    assert float(printed.evaluate("(pre) => getComputedStyle(pre).fontSize").removesuffix("px")) > 18
    assert printed.evaluate("(pre) => getComputedStyle(pre).wordBreak") == "normal"
    assert printed.evaluate("(pre) => pre.scrollWidth - pre.clientWidth") <= 0
    screenshot(page, "lecture-table")


def test_a_slide_shows_its_cells_and_the_walk_finds_what_overflows(page):
    """Last, since it answers the prediction."""
    looks = [look for _, look in walk(page)]
    assert [look["cells"] for look in looks] == [[0], [2, 3], [4], [5], [6]]
    assert [look["down"] > 0 for look in looks] == [False, False, False, True, False]
    assert all(height > 0.5 * SCREENS[0][1] for look in looks[1:3] for height in look["pictures"])


@pytest.mark.parametrize("path", sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb")), ids=lambda path: path.stem)
def test_every_slide_fits_its_screen(path, hall, chromium_path):
    notebook = slides.for_the_hall(nbformat.read(path, as_version=4))
    if not slides.has_slides(notebook):
        pytest.skip(f"{path.stem} has no slides yet")
    faults = []
    with chromium_page(chromium_path, *SCREENS[0]) as page:
        open_slides(page, hall, f"chapters/{path.name}", TOKEN)
        assert read_errors(page) == {}
        for width, height in SCREENS:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(500)
            for number, look in walk(page):
                assert look["cells"], f"slide {number} is empty"
                if look["down"] or look["right"] or look["letters"] < LETTERS:
                    first = notebook.cells[look["cells"][0]].source.splitlines()[0]
                    faults.append(f"{width}x{height}, slide {number} ({first!r}): "
                                  f"{look['down']} pixels too high, {look['right']} too wide, "
                                  f"letters of {100 * look['letters']:.1f} % of the height")
                    screenshot(page, f"{path.stem}-{height}-slide-{number}")
        close_slides(page)
    assert not faults, "\n" + "\n".join(faults)


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_of_a_talk_stays_in_the_speakers_own_jupyterlab(dark, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "old").touch()
    variables = lecture.prepare(dark, tmp_path / "state")
    assert not (tmp_path / "state" / "old").exists()
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"):
        assert variables[name].startswith(str(tmp_path))
    settings = tmp_path / "state" / "lab" / "user-settings"
    theme = json.loads((settings / "@jupyterlab/apputils-extension/themes.jupyterlab-settings").read_text())["theme"]
    assert theme == ("JupyterLab Dark" if dark else "JupyterLab Light")
    assert json.loads((settings / "jupyterlab-slideshow/plugin.jupyterlab-settings").read_text()) == {"active": True}
