"""JupyterLab in Firefox and in WebKit, Safari's engine: in two chapters explorers move, a guess is revealed, slides turn."""

import json

import nbformat
import pytest

from teaching import lecture
from tests.browser.engines import FIREFOX, WEBKIT, open_engine
from tests.browser.lab import (
    CELLS,
    PICTURE,
    PLACES,
    TOKEN,
    copy_project,
    jupyterlab,
    open_notebook,
    read_errors,
    run_cells,
)
from tests.browser.slides import close_slides, open_slides
from tests.browser.test_lecture import BACK, FORWARD, LOOK
from tests.chapters.sample import CHAPTERS

pytestmark = pytest.mark.browser

NODE = f"(index) => {CELLS}[index].node"
# The handle of a cell's first slider; the first choice of a guess; a button by its words.
HANDLE = f"(index) => ({NODE})(index).querySelector('.noUi-handle')"
TRACK = f"(index) => ({NODE})(index).querySelector('.noUi-base')"
CHOICE = f"(index) => ({NODE})(index).querySelector('input[type=radio]')"
BUTTON = f"([index, words]) => [...({NODE})(index).querySelectorAll('button')].find((one) => one.textContent.trim() === words)"
VALUE = f"(index) => ({HANDLE})(index).getAttribute('aria-valuenow')"
LIMITS = f"(index) => ['aria-valuemin', 'aria-valuemax'].map((name) => ({HANDLE})(index).getAttribute(name))"
SHOWN = f"(index) => ({PICTURE.strip()})(({NODE})(index))"
WORDS = f"(index) => ({NODE})(index).querySelector('.picture-words').textContent"


@pytest.fixture(scope="module", params=[FIREFOX, WEBKIT])
def page(request):
    with open_engine(request.param, 1280, 720) as page:
        yield page


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Serve a copy of the project; yield the address."""
    with jupyterlab(copy_project(tmp_path_factory.mktemp("course"))) as address:
        yield address


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """Serve the lectures; yield the address."""
    state = tmp_path_factory.mktemp("lecture")
    with jupyterlab(state / "hall", lecture.prepare(dark=False, state=state)) as address:
        yield address


@pytest.fixture(params=["01", "06"])
def path(request):
    return next(CHAPTERS.glob(f"{request.param}_*.ipynb"))


def wait_for_picture(page, index, before):
    """Wait until a cell shows another picture than before, loaded."""
    page.wait_for_function(f"([index, before]) => ({SHOWN})(index) !== before", [index, before])
    page.wait_for_function(f"(index) => [...({NODE})(index).querySelectorAll('img')].every((img) => img.complete && img.naturalWidth)", index)


def move_slider(page, index):
    """Move the first slider of a cell by key to both ends, and by mouse away from there; the picture must follow."""
    low, high = page.evaluate(LIMITS, index)
    for key, end in (("End", high), ("Home", low)):
        before = page.evaluate(SHOWN, index)
        page.middle(HANDLE, index)
        page.evaluate(f"(index) => ({HANDLE})(index).focus()", index)
        page.press(key)
        wait_for_picture(page, index, before)
        assert page.evaluate(VALUE, index) == end
    before = page.evaluate(SHOWN, index)
    (x, y), grip = page.middle(TRACK, index), page.middle(HANDLE, index)
    page.drag(grip, ((grip[0] + x) / 2, y), (x, y))
    wait_for_picture(page, index, before)
    assert float(low) < float(page.evaluate(VALUE, index)) < float(high)


def test_explorers_move_and_a_guess_is_revealed(page, lab, path):
    cells = nbformat.read(path, as_version=4).cells
    code = [index for index, cell in enumerate(cells) if cell.cell_type == "code"]
    explorer, guess = (next(i for i in code if f"\n{call}(" in f"\n{cells[i].source}") for call in ("explore", "predict"))
    open_notebook(page, lab, f"chapters/{path.name}")
    run_cells(page, [index for index in code if index <= max(explorer, guess)])
    assert read_errors(page) == {}

    move_slider(page, explorer)
    frame, data, shape, box = page.evaluate(f"(index) => ({PLACES})(({NODE})(index))", explorer)
    assert frame[2] > 200 and frame == pytest.approx(data, abs=0.6), "the layers of the picture lie apart"
    assert box == shape, "the two are not scaled alike"

    reveal = [guess, "Reveal"]
    assert page.evaluate(f"(arg) => ({BUTTON})(arg).disabled", reveal)
    page.click(CHOICE, guess)
    page.wait_for_function(f"(arg) => !({BUTTON})(arg).disabled", reveal)
    before = page.evaluate(SHOWN, guess)
    page.click(BUTTON, reveal)
    wait_for_picture(page, guess, before)
    page.wait_for_function(f"(index) => ({NODE})(index).querySelector('.prediction-outcome')?.textContent.includes('right is: ')", guess)
    assert page.evaluate(f"(arg) => ({BUTTON})(arg).disabled", reveal)
    close_slides(page)


def turn(page, key):
    """Press a key, wait until another step is shown, and return it; the keys must go to the slide."""
    before = json.dumps(page.evaluate(LOOK), separators=(",", ":"), ensure_ascii=False)
    page.press(key)
    page.wait_for_function(f"(before) => JSON.stringify(({LOOK})()) !== before", before)
    number, seen, ours = page.evaluate(LOOK)
    assert ours, f"{number}: the keys go elsewhere"
    return number, seen


def test_four_keys_turn_the_slides(page, hall, path):
    open_slides(page, hall, f"chapters/{path.name}", TOKEN)
    assert read_errors(page) == {}
    steps = [tuple(page.evaluate(LOOK)[:2])]
    assert steps[0][0].startswith("1 / ") and steps[0][1] == [0]
    while not page.evaluate("document.querySelector('.jp-deck-mod-visible .noUi-handle') !== null"):
        steps.append(turn(page, FORWARD[len(steps) % 3]))
    index = steps[-1][1][-1]
    move_slider(page, index)
    page.evaluate("document.activeElement.blur()")
    page.press("Escape")
    assert [turn(page, BACK[count % 3]) for count in range(len(steps) - 1)] == steps[-2::-1]
    close_slides(page)
