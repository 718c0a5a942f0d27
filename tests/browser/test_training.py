"""A training run in a real JupyterLab: it is stopped while it runs, and what was learned stays; or it comes to its end."""

import json

import nbformat
import pytest

from tests.browser.lab import (
    chromium_page,
    copy_project,
    get_cell,
    jupyterlab,
    open_notebook,
    run_cell,
    screenshot,
    write_notebook,
)

pytestmark = pytest.mark.browser

TRAIN = """
import torch
from torch import nn
from utils.training.loop import race
torch.manual_seed(0)
x = torch.randn(1000, 20)
y = (x[:, 0] > 0).long()
nets = {depth: nn.Sequential(*[m for _ in range(depth) for m in (nn.Linear(20, 20), nn.Tanh())], nn.Linear(20, 2))
        for depth in (1, 8)}
start = nets[1][0].weight.detach().clone()
histories = race({f"{depth} layers": net for depth, net in nets.items()}, x, y, steps=100_000, title="Long race")
"""
REPORT = """
import json
h = histories["1 layers"]
print(json.dumps({"steps": h.steps, "losses": len(h.loss), "stopped": h.stopped, "accuracy": h.accuracy,
                  "moved": not torch.equal(start, nets[1][0].weight)}))
"""
SHORT = """
import torch
from torch import nn
from utils.training.loop import race
x = torch.randn(500, 20)
short = race({name: nn.Linear(20, 2) for name in ("a", "b")}, x, (x[:, 0] > 0).long(), steps=60, title="Short race")
"""
OUTPUTS = "() => jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.outputs.toJSON())"


@pytest.fixture(scope="module")
def lab(tmp_path_factory, chromium_path):
    """Serve one notebook; yield its path and a page that is used by one test after the other."""
    folder = copy_project(tmp_path_factory.mktemp("training"))
    path = folder / "training.ipynb"
    write_notebook(path, TRAIN, REPORT, SHORT)
    with jupyterlab(folder) as address, chromium_page(chromium_path) as page:
        open_notebook(page, address, path.name)
        yield path, page


def test_a_training_that_nobody_stops_ends_with_its_picture(lab):
    """The first one, in a kernel that nobody has interrupted."""
    _, page = lab
    assert run_cell(page, 2) is None
    cell = get_cell(page, 2)
    cell.locator("img").wait_for(state="visible")
    assert cell.locator("button", has_text="Stop").count() == 0
    (output,) = page.evaluate(OUTPUTS)[2]
    assert set(output["data"]) == {"image/png", "text/plain"}
    words = output["data"]["text/plain"]
    assert "Short race" in words and "stopped" not in words and words.count("last loss") == 2, words
    page.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")


def click_stop(page, button):
    button.click()


def press_stop(page, button):
    """Reach the button with the Tab key, from the cell that follows it, and press it."""
    page.keyboard.press("Escape")
    for _ in range(10):
        page.keyboard.press("Shift+Tab")
        if button.evaluate("(button) => button === document.activeElement"):
            break
    page.keyboard.press("Enter")


def click_interrupt(page, button):
    page.evaluate("() => jupyterapp.commands.execute('notebook:interrupt-kernel')")


def press_interrupt(page, button):
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    page.keyboard.press("i")


@pytest.mark.parametrize("stop", [click_stop, press_stop, click_interrupt, press_interrupt])
def test_stop_while_it_runs(lab, stop):
    path, page = lab
    get_cell(page, 0).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    train = get_cell(page, 0)
    button = train.locator("button", has_text="Stop")
    button.wait_for(state="visible")
    train.locator(".widget-label", has_text="s left").wait_for(state="visible")
    page.wait_for_timeout(1500)  # let it learn
    screenshot(page, f"training_{stop.__name__}_running")
    stop(page, button)
    page.wait_for_function("() => jupyterapp.shell.currentWidget.content.widgets[1].model.outputs.length > 0")
    button.wait_for(state="detached")
    screenshot(page, f"training_{stop.__name__}_stopped")
    report = json.loads(page.evaluate(OUTPUTS)[1][0]["text"])
    assert report["stopped"]
    assert 0 < report["steps"] < 100_000
    assert report["losses"] == report["steps"]
    assert report["moved"] and report["accuracy"] > 0.8

    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    saved = nbformat.read(path, as_version=4)
    (output,) = saved.cells[0].outputs
    assert output.output_type == "display_data"
    assert set(output.data) == {"image/png", "text/plain"}
    assert f"stopped after {report['steps']} steps, last loss" in output.data["text/plain"]
    page.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
