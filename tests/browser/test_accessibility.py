"""Everything in a chapter can be reached with the Tab key alone, and whatever has the focus shows it."""

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
from utils.widgets.explorer import explore, predict

def line(ax, slope=2, kind="a", long="a", grid=True, guess=None):
    ax.plot([0, slope])
"""
CELLS = [
    SCENE, "explore(line, slope=(0, 4), kind=['a', 'b'], long=list('abcdefg'), grid=True)",
    "predict('Which?', line, ['one', 'two'])", "HTML('<details><summary>Hint</summary>A hint.</details>')",
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


def test_tab_reaches_every_control(tmp_path, chromium_path):
    folder = copy_project(tmp_path)
    write_notebook(folder / "controls.ipynb", *CELLS)
    with jupyterlab(folder) as address, chromium_page(chromium_path) as page:
        open_notebook(page, address, "controls.ipynb")
        assert run_all(page) == {}
        first = get_cell(page, 1).locator("[role=slider]").first
        first.wait_for(state="visible")
        page.evaluate(MARK)
        assert page.locator("[data-met]").count() >= 8
        first.focus()
        for _ in range(40):
            page.evaluate(MEET)
            page.keyboard.press("Tab")
        assert page.evaluate(MISSED) == []
        get_cell(page, 1).locator("[role=slider]").first.focus()
        screenshot(page, "keyboard-focus")
