"""Every built chapter in a real JupyterLab, in one pass: run it, stop every training, move every control, reveal, break.

And what a launch costs: nothing is fetched from elsewhere, the page is small, server and kernel fit Binder's memory.

A chapter runs once, from top to bottom, and each training that is watched is stopped after its first picture: that the
cells below still run is tried by that, and that all holds after whole trainings is what nbval tries.
"""

import os
import re
from functools import partial
from itertools import groupby
from urllib.parse import urlsplit

import nbformat
import psutil
import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.lab import (
    CELLS,
    PICTURE,
    chromium_page,
    copy_project,
    get_cell,
    jupyterlab,
    open_notebook,
    read_error,
    run_cell,
    run_cells,
    screenshot,
    set_source,
    start_cell,
    wait_for_cell,
    wait_for_picture,
)
from tests.chapters.sample import CHAPTERS

pytestmark = pytest.mark.browser

WAIT = 20_000  # ms that a picture may take; a loaded machine is slow, a broken widget never answers
PAGE = 25e6  # bytes that a browser loads to show a chapter the first time
MEMORY = 1e9  # bytes of a server with the kernel of a chapter at work

WORDS = "(cell) => cell.querySelector('.picture-words').textContent"
# Resolves to what became of a move: a new picture, or a message in its place.
OUTCOME = f"""
([cell, before]) => {{
    const alert = cell.querySelector("[role=alert]"), picture = {PICTURE.strip()};
    return alert ? alert.textContent : picture(cell) !== before && "new picture";
}}
"""


class Chapter:
    """A chapter, open in a page, with the numbers of the cells that call a certain function."""

    def __init__(self, page, path):
        self.page, self.name = page, path.stem
        self.cells = nbformat.read(path, as_version=4).cells
        trainings = self.calling("race") + self.calling("fit") + self.calling("recall_race")
        self.watched = sorted(i for i in trainings if "live=False" not in self.cells[i].source)

    def calling(self, function):
        """Return the numbers of the code cells in which a statement, or an assignment in a loop, calls it."""
        call = re.compile(rf"^(\w+ = |    \w+(, \w+|\[\w+\]) = )?{function}\(", re.MULTILINE)
        return [i for i in self.code_cells() if call.search(self.cells[i].source)]

    def code_cells(self):
        """Return the numbers of the cells with code."""
        return [i for i, cell in enumerate(self.cells) if cell.cell_type == "code"]

    def describe(self, index):
        """Return the name of a cell in a message: chapter, number, first line."""
        lines = self.cells[index].source.strip().splitlines()
        return f"{self.name}, cell {index} ({lines[0]!r})"

    def run(self):
        """Run all cells in order, and stop the trainings that are watched as soon as that can be done."""
        for watched, cells in groupby(self.code_cells(), self.watched.__contains__):
            if not watched:
                run_cells(self.page, cells)
                continue
            for index in cells:
                cell = get_cell(self.page, index)
                start_cell(self.page, index)
                # Before the first step JupyterLab may not have the subshell yet that a click goes to.
                cell.locator(".widget-label", has_text="s left").wait_for(timeout=WAIT)
                cell.get_by_role("button", name="Stop").press("Enter", timeout=WAIT)
                wait_for_cell(self.page)


def used_by_server_and_kernels():
    """Return the resident bytes of the server that this process has started, and of its kernels."""
    family = psutil.Process(os.getpid()).children(recursive=True)
    ours = [one for one in family if re.search(r"jupyterlab|ipykernel_launcher", " ".join(one.cmdline()))]
    return sum(one.memory_info().rss for one in ours)


@pytest.fixture(scope="module")
def lab(tmp_path_factory, chromium_path):
    """Serve a copy of the project; yield the address."""
    with jupyterlab(copy_project(tmp_path_factory.mktemp("course"))) as address:
        yield address


@pytest.fixture(scope="module", params=sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb")), ids=lambda path: path.stem)
def chapter(request, lab, chromium_path):
    """A chapter that has run, and what its page asked for: `loaded`, bytes of each answer, and `elsewhere`, addresses."""
    with chromium_page(chromium_path, height=720) as page:
        chapter = Chapter(page, request.param)
        chapter.loaded, chapter.elsewhere = [], []

        def note_request(one):
            if one.url.startswith(("http", "ws")) and urlsplit(one.url).netloc != urlsplit(lab).netloc:
                chapter.elsewhere.append(one.url)

        page.on("request", note_request)
        page.on("response", lambda response: chapter.loaded.append(int(response.headers.get("content-length", 0))))
        open_notebook(page, lab, f"chapters/{request.param.name}")
        chapter.run()
        chapter.memory = used_by_server_and_kernels()
        yield chapter
        page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def test_no_cell_raises_also_after_a_training_that_was_stopped(chapter):
    errors = {index: read_error(chapter.page, index) for index in chapter.code_cells()}
    assert not any(errors.values()), "; ".join(
        f"{chapter.describe(index)} raised {error}" for index, error in errors.items() if error)


def test_every_training_stops(chapter):
    for index in chapter.watched:
        where = chapter.describe(index)
        words = chapter.page.evaluate(f"(index) => {CELLS}[index].model.outputs.get(0).data['text/plain']", index)
        assert "stopped after" in words.lower(), f"{where} did not stop, its last picture says: {words}"
        screenshot(get_cell(chapter.page, index), f"{chapter.name}-{index}-stopped")


def test_a_chapter_loads_nothing_from_elsewhere_and_fits_binder(chapter):
    sizes = f"page {sum(chapter.loaded) / 1e6:.1f} MB in {len(chapter.loaded)} files, server and kernel"
    print(f"{chapter.name}: {sizes} {chapter.memory / 1e6:.0f} MB")
    assert chapter.elsewhere == []
    assert 1e6 < sum(chapter.loaded) < PAGE
    assert 2e8 < chapter.memory < MEMORY


def test_a_chapter_has_what_is_tried_here(chapter):
    for function in ("explore", "predict", "race"):
        assert chapter.calling(function), f"{chapter.name} has no cell that calls {function}"


def test_every_control_reaches_both_ends_and_the_middle(chapter):
    for index in chapter.calling("explore"):
        cell = get_cell(chapter.page, index)
        wait_for_picture(cell)
        rows = cell.locator(".jp-OutputArea .widget-inline-hbox:not(.widget-html)")
        assert rows.count(), f"{chapter.describe(index)}: the explorer has no control"
        for number in range(rows.count()):
            move_everywhere(chapter.describe(index), cell, rows.nth(number))
        screenshot(cell, f"{chapter.name}-{index}-explore")


def move_everywhere(where, cell, row):
    """Move one control to its last, first and middle value by keyboard, and see each new value in picture and words."""
    label = row.locator(".widget-label").first
    where = f"{where}: control {label.get_attribute('title') or label.inner_text()!r}"
    handle, select, buttons, boxes = (row.locator(kind) for kind in (".noUi-handle", "select", "button", "input"))
    if handle.count() == 1:
        readout = row.locator(".widget-readout")
        for key, share in (("End", 1), ("Home", 0)):
            move(where, cell, handle, key, readout.inner_text)
            assert abs(place(row) - share) < 0.01, f"{where} does not reach its end by the key {key}"
        while place(row) < 0.4:
            move(where, cell, handle, "PageUp", readout.inner_text)
    elif select.count() == 1:
        for key in ("End", "Home", "PageDown"):  # JupyterLab takes the arrow keys for itself
            move(where, cell, select, key, select.input_value)
    elif buttons.count():
        for number in (-1, 0, buttons.count() // 2):
            move(where, cell, buttons.nth(number), "Enter", partial(buttons.nth(number).get_attribute, "class"))
    elif boxes.count():  # one to tick, or several to choose from
        for number in (*reversed(range(boxes.count())), 0):
            move(where, cell, boxes.nth(number), "Space", boxes.nth(number).is_checked)
    else:
        pytest.fail(f"{where} is of a kind that this test cannot move: {row.inner_html()[:300]}")


def place(row):
    """Return where a slider's handle stands, from 0 to 1. (Its ARIA value has one decimal only.)"""
    return row.evaluate(
        """(row) => {
            const [grip, track] = [".noUi-handle", ".noUi-base"].map((part) =>
                row.querySelector(part).getBoundingClientRect());
            return (grip.x + grip.width / 2 - track.x) / track.width;
        }"""
    )


def move(where, cell, control, key, value):
    """Press a key on a control and wait for a new picture and new words; `value()` tells where the control stands.

    Nothing is due if the control stands where it stood.
    """
    picture, words, before = cell.evaluate(PICTURE), cell.evaluate(WORDS), value()
    control.press(key)
    if value() == before:
        return
    try:
        outcome = cell.page.wait_for_function(OUTCOME, arg=[cell.element_handle(), picture], timeout=WAIT).json_value()
        assert outcome == "new picture", f"{where}: the key {key} brought the message: {outcome}"
        cell.page.wait_for_function(
            "([cell, words]) => cell.querySelector('.picture-words').textContent !== words",
            arg=[cell.element_handle(), words], timeout=WAIT,
        )  # fmt: skip
    except PlaywrightTimeout as error:
        raise AssertionError(f"{where}: the key {key} moved it, but the picture or its words stayed") from error


def test_a_scene_that_is_broken_and_mended_recovers(chapter):
    index = next(i for i in chapter.calling("explore") if re.search(r"^def ", chapter.cells[i].source, re.MULTILINE))
    where = chapter.describe(index)
    page, cell = chapter.page, get_cell(chapter.page, index)
    scene = re.search(r"^def (\w+)\(\w+,.*\):$", chapter.cells[index].source, re.MULTILINE)
    broken = chapter.cells[index].source.replace(scene[0], f"{scene[0]}\n    1 / 0", 1)
    set_source(page, index, broken)
    told = f"{scene[1]} could not be drawn: ZeroDivisionError: division by zero (line 2 of the scene)"
    assert run_cell(page, index) is None, f"{where} says twice what is wrong when it is broken"
    cell.get_by_role("alert").wait_for(state="visible")
    assert cell.get_by_role("alert").text_content() == told, f"{where} does not say what is wrong when it is broken"
    screenshot(cell, f"{chapter.name}-{index}-broken")
    set_source(page, index, chapter.cells[index].source)
    assert run_cell(page, index) is None, f"{where} does not recover when it is mended"
    wait_for_picture(cell)
    assert cell.get_by_role("alert").count() == 0, f"{where} still shows a message after it was mended"


def test_every_prediction_is_revealed(chapter):
    for index in chapter.calling("predict"):
        where = chapter.describe(index)
        cell = get_cell(chapter.page, index)
        wait_for_picture(cell)
        reveal = cell.get_by_role("button", name="Reveal")
        if cell.locator("input[type=radio]").count():
            assert reveal.is_disabled(), f"{where} reveals without a guess"
            cell.locator("input[type=radio]").first.press("Space")
        else:
            cell.locator(".noUi-handle").press("End")
        chapter.page.wait_for_function("(button) => !button.disabled", arg=reveal.element_handle(), timeout=WAIT)
        move(f"{where}: the button Reveal", cell, reveal, "Enter", iter(range(2)).__next__)
        chapter.page.wait_for_function("(button) => button.disabled", arg=reveal.element_handle(), timeout=WAIT)
        outcome = cell.locator(".prediction-outcome")
        outcome.wait_for(state="visible")
        told = outcome.text_content()
        assert told.startswith("Revealed. Your guess: ") and "right" in told, f"{where}: {told}"
        assert cell.evaluate(WORDS).startswith(told), f"{where}: the words for a screen reader do not say so"
        screenshot(cell, f"{chapter.name}-{index}-revealed")
        move(f"{where}: the button Guess again", cell, cell.get_by_role("button", name="Guess again"), "Enter", iter(range(2)).__next__)
        outcome.wait_for(state="detached")
        chapter.page.wait_for_function("(button) => !button.disabled", arg=reveal.element_handle(), timeout=WAIT)


def test_every_fold_opens(chapter):
    folds = chapter.page.locator(".jp-Notebook details")
    assert folds.count(), f"{chapter.name} has no folded solution"
    for number in range(folds.count()):
        fold = folds.nth(number)
        fold.locator("summary").press("Enter")
        assert fold.evaluate("(fold) => fold.open && fold.getBoundingClientRect().height > 40"), (
            f"{chapter.name}: fold {number} ({fold.inner_text()[:60]!r}) does not open"
        )


def test_nothing_came_from_elsewhere_while_it_was_used(chapter):
    """Last: controls, predictions, folds and a mended cell have asked for whatever they need."""
    assert chapter.elsewhere == []
