"""Lectures with the keyboard alone: the lesson has run, a presenter's keys turn every slide, and nothing takes them away.

The tests go through one talk, in order.
"""

import itertools
import json
import re

import nbformat
import pytest

from teaching import lecture, plan, run_sheet
from teaching.slides import for_the_hall
from tests.browser.lab import (
    CELLS,
    TOKEN,
    chromium_page,
    get_cell,
    jupyterlab,
    press_and_wait,
    read_errors,
    screenshot,
)
from tests.browser.slides import READY, START, open_slides
from tests.chapters.sample import CHAPTERS

pytestmark = pytest.mark.browser

TALKS = ("01", "06")
FORWARD, BACK = ("ArrowRight", "PageDown", "Space"), ("ArrowLeft", "PageUp", "Shift+Space")
SECONDS = 1000
# The slide's number as it is shown, the cells to be seen, and whether keys go to the cell and not to one of its controls.
LOOK = """
() => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const seen = notebook.widgets.flatMap((cell, index) => cell.node.matches(".jp-deck-mod-onscreen.jp-deck-mod-visible") ? [index] : []);
    const number = document.querySelector("#lecture-corner .lecture-number").textContent;
    return [number, seen, document.activeElement === notebook.activeCell.node];
}
"""
FOCUS = "() => document.activeElement.textContent.trim()"


@pytest.fixture(scope="module", params=TALKS)
def path(request):
    return next(CHAPTERS.glob(f"{request.param}_*.ipynb"))


@pytest.fixture(scope="module")
def page(path, tmp_path_factory, chromium_path):
    """The page of the lecture, when the lesson has run."""
    state = tmp_path_factory.mktemp("lecture")
    variables = lecture.prepare(dark=False, state=state)
    with jupyterlab(state / "hall", variables) as address, chromium_page(chromium_path, 1280, 720) as page:
        open_slides(page, address, f"chapters/{path.name}", TOKEN)
        yield page


@pytest.fixture(scope="module")
def notebook(path):
    """The notebook that the hall sees, and the number of each of its cells, by its id."""
    notebook = for_the_hall(nbformat.read(path, as_version=4))
    return notebook, {cell.id: index for index, cell in enumerate(notebook.cells)}


@pytest.fixture(scope="module")
def slides(notebook):
    """The slides as the run sheet counts them: lists of the numbers of their cells."""
    notebook, places = notebook
    return [[places[cell.id] for cell in slide.cells] for slide in run_sheet.read_slides(notebook)]


@pytest.fixture(scope="module")
def waiting(notebook):
    """The trainings that wait, number of the cell -> numbers of the cells that hang on it."""
    notebook, places = notebook
    return {places[id]: [places[later] for later in ids] for id, ids in plan.read_plan(notebook)["waiting"].items()}


def index_of(page, words):
    """Return the index of the first code cell with these words."""
    return page.evaluate(f"(words) => {CELLS}.findIndex((cell) => cell.model.type === 'code' && "
                         "cell.model.sharedModel.getSource().includes(words))", words)


def printed(page, index):
    return page.evaluate("(index) => jupyterapp.shell.currentWidget.content.widgets[index].node"
                         ".querySelector('.jp-Cell-outputWrapper').textContent", index)


def show(page, index):
    """Go to a cell as a click on it would, and return its locator."""
    page.evaluate("""(index) => {
        const notebook = jupyterapp.shell.currentWidget.content;
        notebook.activeCellIndex = index;
        notebook.activeCell.node.focus();
    }""", index)
    return get_cell(page, index)


def reach(page, name):
    """Go with the Tab key to the button of this name."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUS) == name:
            return
    raise AssertionError(f"the Tab key does not come to {name!r}")


def answer(page):
    """Raise 12 hands for the first option of the prediction on the screen, and reveal the answer, by keyboard."""
    page.keyboard.press("Tab")
    page.keyboard.type("12")
    page.keyboard.press("Tab")
    page.locator(".jp-deck-mod-visible button:text('Reveal'):enabled").wait_for()
    reach(page, "Reveal")
    page.keyboard.press("Enter")
    page.locator(".jp-deck-mod-visible").get_by_role("listitem").first.wait_for(state="visible")


def train(page):
    """Start the training on the screen by keyboard, and wait until it and what hangs on it has run."""
    reach(page, "▶ Start")
    page.keyboard.press("Enter")
    page.locator(".jp-deck-mod-visible button", has_text="Stop").wait_for(state="visible")
    screenshot(page, "lecture-training")
    page.wait_for_function(READY, timeout=120 * SECONDS)


def look(page):
    """Return the number of the slide, and the cells to be seen; the keys must go to the slide."""
    number, seen, ours = page.evaluate(LOOK)
    assert ours, f"{number}: the keys go elsewhere"
    return int(re.fullmatch(r"(?:saved, )?(\d+) / \d+", number)[1]), seen


def turn(page, key):
    """Press a key, wait until another step is shown, and return it."""
    before = page.evaluate(LOOK)
    page.keyboard.press(key)
    page.wait_for_function(f"(before) => JSON.stringify(({LOOK})()) !== before", arg=json.dumps(before, separators=(",", ":")))
    return look(page)


def test_the_lesson_has_run_and_stands_on_slide_1(page):
    assert look(page) == (1, [0])
    assert read_errors(page) == {}
    assert get_cell(page, index_of(page, "predict(")).locator("input[type=number]").count() > 1
    assert get_cell(page, index_of(page, "explore(")).locator(".noUi-handle").count() > 0


def test_a_training_waits_and_what_hangs_on_it_shows_the_saved_picture(page, waiting):
    assert waiting
    for training, later in waiting.items():
        assert get_cell(page, training).locator(".lecture-start").count() == 1
        assert "not judged yet: the training has not begun" in printed(page, training) and "✔" not in printed(page, training)
        for index in later:
            show(page, index)
            assert page.evaluate(LOOK)[0].startswith("saved, ")
            assert get_cell(page, index).locator("img").count() and "✔" in printed(page, index)


def test_four_keys_give_the_whole_talk(page, slides, waiting):
    saved = {index: get_cell(page, index).inner_html() for later in waiting.values() for index in later}
    show(page, 0)
    number, seen = look(page)
    steps, answered, started = [(number, seen)], 0, 0
    while (number, seen) != (len(slides), slides[-1]):
        if page.locator(".jp-deck-mod-visible input[type=number]:visible").count():  # a hall has not been asked
            answer(page)
            answered += 1
        if page.locator(".jp-deck-mod-visible .lecture-start").count():
            train(page)
            started += 1
        complete = seen == slides[number - 1]
        before, (number, seen) = number, turn(page, FORWARD[len(steps) % 3])
        assert number == before + complete, f"from slide {before} to slide {number}"
        assert seen == slides[number - 1][: len(seen)], f"slide {number} shows other cells"
        steps.append((number, seen))
    assert answered and started == len(waiting)
    for training in waiting:
        assert "✔" in printed(page, training) and "not judged" not in printed(page, training)
    for index, before in saved.items():
        assert get_cell(page, index).inner_html() != before, "what hangs on a training is drawn anew"
    show(page, slides[-1][-1])
    back = [turn(page, BACK[count % 3]) for count in range(len(steps) - 1)]
    assert back == steps[-2::-1]


def test_the_mouse_leaves_the_keys_to_the_slide_and_tab_gives_them_to_a_slider(page):
    cell = show(page, index_of(page, "explore("))
    handle, stands = cell.locator(".noUi-handle").last, look(page)
    grip, stood = handle.bounding_box(), handle.get_attribute("aria-valuenow")
    track = cell.locator(".noUi-base").last.bounding_box()
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(track["x"] + 0.4 * track["width"], grip["y"] + 5, steps=3)
    page.mouse.up()
    moved = handle.get_attribute("aria-valuenow")
    page.wait_for_function(f"() => ({LOOK})()[2]")
    assert moved != stood and turn(page, "ArrowRight") > stands
    assert turn(page, "ArrowLeft") == stands
    handle.focus()
    page.keyboard.press("ArrowRight")
    assert handle.get_attribute("aria-valuenow") != moved and page.evaluate(LOOK)[2] is False
    assert turn(page, "PageDown") > stands, "a remote's key turns the slide all the same"
    assert turn(page, "PageUp") == stands
    handle.focus()
    page.keyboard.press("Escape")
    assert turn(page, "ArrowRight") > stands


def test_keys_do_not_turn_while_one_types(page):
    index = index_of(page, "predict(")
    cell = show(page, index)
    cell.get_by_role("button", name="Guess again").press("Enter")
    field = cell.locator("input[type=number]").first
    field.wait_for(state="visible")
    page.wait_for_function(f"() => ({LOOK})()[2]")  # the button gives the focus back
    stands = look(page)
    number = stands[0]
    field.focus()
    for key in ("ArrowRight", "ArrowLeft", "Space"):
        page.keyboard.press(key)
    assert page.evaluate(LOOK)[0].startswith(f"{number} ") and page.evaluate(LOOK)[2] is False
    assert turn(page, "PageDown") > stands
    show(page, index)
    page.keyboard.press("Enter")
    page.wait_for_function("() => jupyterapp.shell.currentWidget.content.mode === 'edit'")
    for key in ("ArrowRight", "PageDown", "Space", "PageUp"):
        page.keyboard.press(key)
    assert page.evaluate(LOOK)[0].startswith(f"{number} ")
    page.keyboard.press("Escape")
    assert turn(page, "ArrowRight") > stands


def test_the_icons_go_on_and_back_like_the_keys(page, slides):
    kinds = page.evaluate(f"() => {CELLS}.map((cell) => cell.model.getMetadata('slideshow')?.slide_type)")
    before = next(cells for cells, after in itertools.pairwise(slides) if kinds[after[0]] == "subslide")
    show(page, before[-1])
    number = look(page)[0]
    for icon, expected in (("forward", number + 1), ("back", number)):
        page.locator(f".jp-Deck-Remote .jp-deck-mod-direction-{icon}").click()
        page.wait_for_function(f"(number) => ({LOOK})()[0].startsWith(`${{number}} `)", arg=expected)
        page.wait_for_function(f"() => ({LOOK})()[2]")


def test_a_kernel_that_is_restarted_runs_the_lesson_again(page, waiting):
    page.evaluate("() => { jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); }")
    page.wait_for_function("() => document.body.dataset.lecture === 'preparing'")
    page.wait_for_function(READY, timeout=120 * SECONDS)
    assert read_errors(page) == {}
    for training, later in waiting.items():
        assert get_cell(page, training).locator(".lecture-start").count() == 1
        for index in later:
            show(page, index)
            assert page.evaluate(LOOK)[0].startswith("saved, ")
    cell = show(page, index_of(page, "explore("))
    press_and_wait(cell, cell.locator(".noUi-handle").last, "ArrowLeft")


def test_escape_does_not_end_the_slides_nor_does_a_reload(page, slides):
    """Last, since a reload runs the lesson again."""
    show(page, index_of(page, "explore("))
    number = look(page)[0]
    for _ in range(3):
        page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    assert page.evaluate(START) and look(page)[0] == number
    page.locator(".jp-Deck-Remote .jp-deck-mod-stop").click()
    page.wait_for_function("() => !document.body.dataset.jpDeckMode")
    get_cell(page, index_of(page, "explore(")).click(position={"x": 5, "y": 5})
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_function(START)
    page.locator(".jp-Deck-Remote .jp-deck-mod-stop").click()
    page.wait_for_function("() => !document.body.dataset.jpDeckMode")
    page.wait_for_timeout(500)  # the extension notes down that it was left
    page.reload()
    page.wait_for_function(START, timeout=60 * SECONDS)
    page.wait_for_function(f"(number) => ({LOOK})()[0].endsWith(number)", arg=f"{number} / {len(slides)}")
