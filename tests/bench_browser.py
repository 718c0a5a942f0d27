"""The bench's part in a real JupyterLab: a move of a slider to the paint of the new picture, `explore` and `interact`."""

import tempfile
from pathlib import Path

from browser import (
    chromium_page,
    copy_project,
    drag,
    jupyterlab,
    open_notebook,
    run_all,
    slider_latency,
    write_notebook,
)
from sample import SOURCES, build

EXPLORE_CELL = """
explore(gradient_by_layer, depth=IntSlider(value=30, min=2, max=40), activation=["sigmoid", "tanh", "relu"],
        sigma_w=(0.5, 3.0, 0.1))
"""
# What one writes without the course's package: the same scene, settings, size and pixels; no caption, which is less work.
INTERACT_CELL = """
plt.rcParams.update({**style.rc_params(), "figure.dpi": style.DPI})

def plain(depth, activation, sigma_w):
    _, ax = plt.subplots(figsize=(style.WIDTH, style.HEIGHT))
    gradient_by_layer(ax, depth, activation, sigma_w)
    plt.show()

interact(plain, depth=IntSlider(value=30, min=2, max=40), activation=["sigmoid", "tanh", "relu"],
         sigma_w=FloatSlider(value=1.0, min=0.5, max=3.0, step=0.1));
"""
IMPORTS = """
%matplotlib inline
import matplotlib.pyplot as plt
from ipywidgets import FloatSlider, IntSlider, interact
from utils import style
"""


def notebook_cells():
    """Return the sources of the cells: chapter 1's own imports, data and scene, then both widgets."""
    code = [cell.source for cell in build.read_source(SOURCES[0]).cells if cell.cell_type == "code"]
    scene = next(text for text in code if "def gradient_by_layer" in text)
    return [*code[:2], IMPORTS, scene, EXPLORE_CELL, INTERACT_CELL]


def time_moves(chromium, rounds):
    """Drive both widgets in one JupyterLab session, in turns; each round moves each of two sliders seven times.

    Returns (times, drags). times: name of the slider -> (explore's, interact's), each a list of ms from the key to the
    paint of its picture. drags: (explore's, interact's), each a list with what `browser.drag` returns.
    """
    cells = notebook_cells()
    widgets = len(cells) - 2, len(cells) - 1
    times, drags = {"depth": ([], []), "sigma_w": ([], [])}, ([], [])
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder) / "course")
        write_notebook(project / "bench.ipynb", *cells)
        with jupyterlab(project) as address, chromium_page(chromium) as page:
            open_notebook(page, address, "bench.ipynb")
            if errors := run_all(page):
                raise RuntimeError(f"the bench's notebook failed: {errors}")
            for slider, sides in enumerate(times.values()):
                for _ in range(rounds):
                    for cell, taken in zip(widgets, sides):
                        taken += slider_latency(page, cell, moves=7, slider=slider)
            for _ in range(rounds):
                for cell, results in zip(widgets, drags):
                    results.append(drag(page, cell, settle_ms=4000))
    return times, drags
