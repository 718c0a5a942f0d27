"""A report, and a training that is watched, as JupyterLab shows them."""

import re

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

IMPORTS = """
import torch
from torch import nn
from utils import diagnose, watch
from utils.data import datasets
from utils.training.loop import fit
"""
REPORT = """
x, y, *_ = datasets.digits(torch.float32)
torch.manual_seed(0)
layers = [layer for _ in range(8) for layer in (nn.Linear(64, 64), nn.Sigmoid())]
model = nn.Sequential(*layers, nn.Linear(64, 10))
report = diagnose(model, x[:128], y[:128], lr=0.1)
report
"""
TRIAL = "report.try_remedy(steps=50)"
WATCH = """
with watch(model, every=5) as log:
    fit(model, x, y, steps=200, live=False)
"""
SLIP = "diagnose(model, x[:128], y[:128] + 1)"


OUTPUTS = "(index) => jupyterapp.shell.currentWidget.content.widgets[index].model.outputs.toJSON()"


def text_alternative(page, index):
    """The words of the last picture in a cell's output."""
    return page.evaluate(OUTPUTS, index)[-1]["metadata"]["image/png"]["alt"]


@pytest.fixture(scope="module")
def page(chromium_path, tmp_path_factory):
    project = copy_project(tmp_path_factory.mktemp("diagnose") / "course")
    write_notebook(project / "own.ipynb", IMPORTS, REPORT, TRIAL, WATCH, SLIP)
    with jupyterlab(project) as address, chromium_page(chromium_path) as page:
        open_notebook(page, address, "own.ipynb")
        page.errors = run_all(page)
        yield page


def test_the_report_shows_verdict_table_and_picture(page):
    cell = get_cell(page, 1)
    cell.scroll_into_view_if_needed()
    text = cell.inner_text()
    assert "✘ vanishing" in text and "Sigmoid slopes average 0.2" in text and "update/weight" in text
    assert cell.locator("tbody tr").count() == 9
    assert cell.locator("img").count() == 1 and "Gradient by layer" in text_alternative(page, 1)
    screenshot(cell.locator(".jp-OutputArea").first, "diagnose_report")


def test_a_trial_compares_before_and_after(page):
    cell = get_cell(page, 2)
    assert re.search(r"Before: vanishing.*After: healthy", cell.inner_text(), flags=re.DOTALL)
    assert re.search(r"Before: from \S+e-08 .*After: from", text_alternative(page, 2), flags=re.DOTALL)
    screenshot(cell.locator(".jp-OutputArea").first, "diagnose_trial")


def test_a_watched_training_leaves_its_picture(page):
    cell = get_cell(page, 3)
    cell.scroll_into_view_if_needed()
    assert cell.locator("img").count() == 1
    assert "40 samples, the last at step 195" in text_alternative(page, 3)
    screenshot(cell.locator(".jp-OutputArea").first, "watch")


def test_a_slip_is_one_sentence(page):
    text = get_cell(page, 4).locator(".jp-OutputArea").inner_text()
    assert "the label 10, but there are 10 classes" in text and len(text.strip().splitlines()) == 1
    assert len(page.errors) == 1  # and no other cell has one
