"""The first minute in JupyterLab: the start page, a lesson that opens as it is saved, two slips, and the way back."""

import nbformat
import pytest

from tests.browser.lab import (
    CELLS,
    chromium_page,
    get_cell,
    open_notebook,
    read_error,
    run_cell,
    run_cells,
    screenshot,
    set_source,
    wait_for_picture,
)
from tests.browser.start import LINK, VIEWER, course_lab, open_start
from tests.chapters.sample import CHAPTERS
from utils import progress

pytestmark = pytest.mark.browser

LESSON = min(CHAPTERS.glob("02_*.ipynb"))
DIRTY = "jupyterapp.shell.currentWidget.context.model.dirty"
TRACEBACK = f"(index) => {CELLS}[index].model.outputs.toJSON().map((output) => output.traceback)"
READY = """(name) => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.path.endsWith(name) && panel.sessionContext?.session?.kernel?.status === "idle";
}"""


def cell_of(path, text):
    """Return the number of the first cell of a notebook that has `text` in it."""
    cells = nbformat.read(path, as_version=4).cells
    return next(number for number, cell in enumerate(cells) if text in cell.source)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Serve a copy of the project as course.py sets it up, for a learner who has solved an exercise of chapter 2."""
    solved = {"chapter": 2, "kind": progress.EXERCISE, "name": "check_census"}
    with course_lab(tmp_path_factory.mktemp("course"), [solved]) as address:
        yield address


@pytest.fixture
def page(lab, chromium_path):
    with chromium_page(chromium_path, height=720) as page:
        page.set_default_timeout(90_000)
        yield page


@pytest.mark.parametrize("width", [1280, 390])
def test_the_start_page_shows_seven_questions_and_nothing_is_cut(lab, page, width):
    elsewhere = []
    page.on("request", lambda one: elsewhere.append(one.url) if one.url.startswith("http") and not one.url.startswith(lab) else None)
    page.set_viewport_size({"width": width, "height": 720})
    open_start(page, lab)
    text = page.locator(VIEWER)
    for path in sorted(CHAPTERS.glob("0*.ipynb")):
        card = text.locator("div", has=page.locator(f'a[href*="{path.name}"]'))
        assert card.locator("p").inner_text().strip()
        card.locator("img").scroll_into_view_if_needed()
        page.wait_for_function("(img) => img.complete && img.naturalWidth > 0", arg=card.locator("img").element_handle())
        box = card.locator("img").bounding_box()
        assert 200 < box["width"] and box["x"] + box["width"] <= width
    assert text.evaluate("(text) => text.scrollWidth <= text.clientWidth")
    assert not elsewhere
    assert not page.locator("#jp-left-stack").is_visible()  # the file browser is closed
    text.evaluate("(text) => text.scrollTo(0, 0)")
    screenshot(page, f"start-{width}")


def test_the_next_step_leads_to_the_open_exercise_of_a_lesson_that_is_as_it_was_saved(lab, page):
    open_start(page, lab)
    page.get_by_role("link", name="chapter 2 · ReLU, 1. One step back through ReLU").click()
    page.wait_for_function(READY, arg=LESSON.name)
    page.get_by_role("heading", name="1. One step back through ReLU").wait_for()
    page.wait_for_timeout(1000)  # a change of the metadata would come with the kernel's first answer
    assert not page.evaluate(DIRTY)
    page.evaluate("jupyterapp.commands.execute('application:close')")
    page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.path.endsWith('ipynb')")
    assert page.locator(".jp-Dialog").count() == 0
    screenshot(page, "start-next")


def test_the_list_of_files_begins_with_the_lessons_below_its_folders(lab, page):
    open_start(page, lab)
    page.get_by_role("tab", name="File Browser").click()
    listed = page.locator(".jp-DirListing-item:visible")
    listed.first.wait_for()
    names = [name.strip() for name in listed.locator(".jp-DirListing-itemText").all_inner_texts()]
    files = [name for name in names if "." in name]
    assert files[:7] == [path.name for path in sorted(CHAPTERS.glob("0*.ipynb"))]
    assert set(files[7:]) == {"glossary.md", "start.md"}
    screenshot(page, "start-files")


def test_the_first_saved_picture_says_how_it_comes_alive(lab, page):
    open_notebook(page, lab, f"chapters/{LESSON.name}")
    told = page.get_by_text("This picture is a saved one")
    assert told.count() == 1
    first = next(number for number, cell in enumerate(nbformat.read(LESSON, as_version=4).cells)
                 if any("This picture" in output.get("data", {}).get("text/markdown", "") for output in cell.get("outputs", [])))
    run_cells(page, range(first + 1))
    assert read_error(page, first) is None
    wait_for_picture(get_cell(page, first))
    assert told.count() == 0


def test_a_slip_is_answered_in_one_sentence(lab, page):
    open_notebook(page, lab, f"chapters/{LESSON.name}")
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    early, answer = cell_of(LESSON, "predict("), cell_of(LESSON, "diagnosis = ...")
    told = run_cell(page, early)
    assert told.startswith("NameError")
    needs = "which a cell above makes: choose Run > Run All Above Selected Cell, then run this cell again"
    [traceback] = page.evaluate(TRACEBACK, early)
    assert len(traceback) == 1 and traceback[0].endswith(needs)
    set_source(page, answer, "diagnosis = dead units\nclinic.name_disease(chapter02.PATIENT, diagnosis)")
    assert run_cell(page, answer).startswith("SyntaxError")
    assert page.evaluate(TRACEBACK, answer) == [['SyntaxError: an answer stands in quotes: "dead units"']]
    set_source(page, answer, "def own():\n    return nowhere\n\nown()")
    assert run_cell(page, answer) == "NameError: name 'nowhere' is not defined"
    assert len(page.evaluate(TRACEBACK, answer)[0]) > 1
    screenshot(get_cell(page, early), "start-slip")


def test_progress_leads_back_to_every_chapter(lab, page):
    open_notebook(page, lab, "chapters/evidence/01_saturation.ipynb")
    set_source(page, 1, "from utils import progress\nprogress.show()")
    assert run_cell(page, 1) is None and read_error(page, 1) is None
    cell = get_cell(page, 1)
    assert cell.locator("tbody tr").count() == len(list(CHAPTERS.glob("0*.ipynb")))
    screenshot(cell, "start-progress")
    cell.locator(LINK).first.wait_for()
    cell.get_by_role("link", name="3. Where SELU's constants come from").click()
    page.wait_for_function(READY, arg="03_lu_family.ipynb")
    page.get_by_role("heading", name="3. Where SELU's constants come from").wait_for()
