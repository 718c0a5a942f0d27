"""By keyboard and by ear: every control is reached, named and kept by its keys, and a picture is one image with one text."""

import pytest

from tests.browser.lab import (
    chromium_page,
    copy_project,
    get_cell,
    jupyterlab,
    open_notebook,
    run_all,
    screenshot,
    write_notebook,
)

pytestmark = pytest.mark.browser

SCENE = """
from IPython.display import HTML
from ipywidgets import FloatLogSlider, IntSlider
from utils.training.view import LiveView
from utils.widgets.explorer import Prediction, explore, predict

def line(ax, slope=2, sigma_w=1.0, kind="a", long="a", grid=True, note="x", guess=None):
    ax.plot([0, slope])
    return f"It ends at {slope}."
"""
EXPLORE, CHOOSE, GUESS, HANDS, FOLD, TRAIN = range(1, 7)
CELLS = [
    SCENE,
    "explore(line, slope=(0, 4), sigma_w=FloatLogSlider(min=-1, max=1), kind=['a', 'b'], long=list('abcdefg'), grid=True, note='x')",
    "predict('Which line?', line, ['one', 'two', 'three'])",
    "predict('How steep?', line, IntSlider(value=1, max=4))",
    "%env COURSE_LECTURE=1\nhall = Prediction('Whose hands?', line, ['one', 'two'])\n%env COURSE_LECTURE=\nhall",
    "HTML('<details><summary>Hint</summary>A hint.</details>')",
    "LiveView(['net'], 100, 'A race').box",
]  # fmt: skip
CONTROLS = "[role=slider], button:not(:disabled), select, input, summary"
MARK = f"() => document.querySelectorAll('.jp-OutputArea').forEach((area) => area.querySelectorAll('{CONTROLS}').forEach(" \
       "(control) => { control.dataset.met = ''; }))"
MEET = "() => { const at = document.activeElement; if (at?.dataset?.met === '') at.dataset.met = 'yes'; }"
# A group of radio buttons is one stop of the Tab key; its members are reached by arrows.
MISSED = """
() => [...document.querySelectorAll("[data-met='']")].filter((control) => control.offsetParent !== null && !(control.type
    === "radio" && control.closest(".widget-radio-box").querySelector("[data-met='yes']"))).map((c) => c.outerHTML.slice(0, 200))
"""
ACTIVE = "() => jupyterapp.shell.currentWidget.content.activeCellIndex"
ROLES = {"slider", "textbox", "spinbutton", "checkbox", "radiogroup", "radio", "group", "button", "combobox", "progressbar",
         "image", "status", "alert"}  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory, chromium_path):
    """A notebook with one of each kind of control, run."""
    folder = copy_project(tmp_path_factory.mktemp("controls"))
    write_notebook(folder / "controls.ipynb", *CELLS)
    with jupyterlab(folder) as address, chromium_page(chromium_path) as page:
        open_notebook(page, address, "controls.ipynb")
        assert run_all(page) == {}
        get_cell(page, TRAIN).get_by_role("button", name="Stop").wait_for(state="visible")
        get_cell(page, EXPLORE).locator("[role=slider]").first.wait_for(state="visible")
        yield page


def read_tree(page, index):
    """Return (role, name, properties) of what a screen reader meets in the output of a cell, from Chromium's own tree."""
    get_cell(page, index)
    session = page.context.new_cdp_session(page)
    output = f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"] .jp-Cell-outputArea'
    document = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": document, "selector": output})["nodeId"]
    told = session.send("Accessibility.queryAXTree", {"nodeId": node})["nodes"]
    session.detach()
    return [
        (one["role"]["value"], one.get("name", {}).get("value", ""),
         {each["name"]: each["value"].get("value") for each in one.get("properties", [])})
        for one in told if not one["ignored"] and one["role"]["value"] in ROLES
    ]  # fmt: skip


def names(page, index):
    """Return (role, name) of what a screen reader meets in a cell's output, but for its images."""
    return [(role, name) for role, name, _ in read_tree(page, index) if role != "image"]


def images(page, index):
    return [name for role, name, _ in read_tree(page, index) if role == "image"]


def test_every_control_has_its_name(page):
    assert names(page, EXPLORE) == [
        ("slider", "slope"), ("textbox", "slope, typed in"), ("slider", "sigma w"), ("textbox", "sigma w, typed in"),
        ("group", "kind"), ("button", "a"), ("button", "b"), ("slider", "long"), ("textbox", "long, typed in"),
        ("checkbox", "grid"), ("textbox", "note"),
    ]  # fmt: skip
    assert names(page, CHOOSE) == [
        ("radiogroup", "Which line?"), ("radio", "one"), ("radio", "two"), ("radio", "three"), ("button", "Reveal")]
    assert names(page, GUESS) == [("slider", "How steep?"), ("textbox", "How steep?, typed in"), ("button", "Reveal")]
    assert names(page, HANDS) == [("spinbutton", "one"), ("spinbutton", "two"), ("button", "Reveal")]
    assert names(page, TRAIN) == [("button", "Stop"), ("progressbar", "Steps of A race")]


def test_a_live_picture_is_one_image_with_one_text(page):
    for index, beginning, end in (
        (EXPLORE, "slope 2, sigma w 1, kind a, long a, grid True, note x. ", "It ends at 2."),
        (CHOOSE, "Which line? Guess first", "answer."), (HANDS, "Whose hands? Type how many hands", "reveal it."),
        (TRAIN, "A race. ", "3."),
    ):  # fmt: skip
        [name] = images(page, index)
        assert name.startswith(beginning), name
        if index != TRAIN:
            assert name.endswith(end), name
        text = get_cell(page, index).locator(".picture").evaluate("(picture) => picture.children.length")
        hidden = get_cell(page, index).locator(".picture > [aria-hidden=true]").count()
        assert hidden == text == 2, "the layers are read besides"


def test_a_move_is_told_once_it_has_come_to_rest(page):
    handle = get_cell(page, EXPLORE).locator("[role=slider]").first
    handle.press("ArrowRight")
    told = get_cell(page, EXPLORE).locator(".picture-announcer")
    page.wait_for_function("(region) => region.textContent.includes('It ends at 3.')", arg=told.element_handle())
    assert images(page, EXPLORE)[0].startswith("slope 3, ")
    page.wait_for_function("(region) => region.textContent === ''", arg=told.element_handle())  # no second text stays
    handle.press("ArrowLeft")


def test_a_slider_says_its_value_as_it_stands_beside_it(page):
    """And not the number of an option, nor a power of ten."""
    for number, values in ((1, ("1.00", "1.26")), (2, ("a", "b"))):
        handle = get_cell(page, EXPLORE).locator("[role=slider]").nth(number)
        for key, value in zip(("", "ArrowRight"), values):
            if key:
                handle.press(key)
            page.wait_for_function("([handle, value]) => handle.ariaValueText === value", arg=[handle.element_handle(), value])


def test_the_pressed_button_is_told(page):
    cell = get_cell(page, EXPLORE)
    for pressed in ("b", "a"):
        cell.get_by_role("button", name=pressed, exact=True).press("Enter")
        page.wait_for_function("([cell, name]) => cell.querySelector('[aria-pressed=true]')?.textContent === name",
                               arg=[cell.element_handle(), pressed])  # fmt: skip
        told = {name: state["pressed"] for role, name, state in read_tree(page, EXPLORE) if role == "button"}
        assert told == {"a": str(pressed == "a").lower(), "b": str(pressed == "b").lower()}


def test_radio_buttons_are_one_group_and_keep_the_arrows(page):
    cell = get_cell(page, CHOOSE)
    radios = cell.locator("[type=radio]")
    radios.first.focus()
    before = page.evaluate(ACTIVE)
    for key, chosen in (("Space", 0), ("ArrowDown", 1), ("ArrowRight", 2), ("ArrowUp", 1), ("ArrowDown", 2), ("ArrowDown", 0)):
        page.keyboard.press(key)
        assert radios.evaluate_all("(all) => all.map((one) => one.checked)") == [chosen == number for number in range(3)]
        assert radios.nth(chosen).evaluate("(radio) => radio === document.activeElement")
    assert page.evaluate(ACTIVE) == before
    page.wait_for_function("(button) => !button.disabled", arg=cell.get_by_role("button", name="Reveal").element_handle())
    page.keyboard.press("Tab")
    assert cell.get_by_role("button", name="Reveal").evaluate("(button) => button === document.activeElement")


def test_a_slider_keeps_all_its_keys_and_jupyterlab_the_others(page):
    handle = get_cell(page, EXPLORE).locator("[role=slider]").first
    handle.focus()
    before = page.evaluate(ACTIVE)
    for key, value in (("Home", 0), ("ArrowUp", 1), ("PageUp", 4), ("ArrowDown", 3), ("PageDown", 0), ("End", 4)):
        page.keyboard.press(key)
        assert float(handle.get_attribute("aria-valuenow")) == value, key
        assert handle.evaluate("(handle) => handle === document.activeElement") and page.evaluate(ACTIVE) == before, key
    page.keyboard.press("j")
    assert page.evaluate(ACTIVE) == before + 1, "JupyterLab's own keys are lost"


def test_tab_reaches_every_control(page):
    first = get_cell(page, EXPLORE).locator("[role=slider]").first
    page.evaluate(MARK)
    assert page.locator("[data-met]").count() >= 14
    first.focus()
    for _ in range(50):
        page.evaluate(MEET)
        page.keyboard.press("Tab")
    assert page.evaluate(MISSED) == []
    first.focus()
    screenshot(page, "keyboard-focus")
