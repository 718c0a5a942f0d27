"""The bench's part in a real JupyterLab: a move of a slider to the paint of the new picture, `explore` and `interact`."""

import tempfile
from pathlib import Path

from tests.browser.lab import (
    chromium_page,
    copy_project,
    drag,
    jupyterlab,
    open_notebook,
    run_all,
    slider_latency,
    write_notebook,
)
from tests.chapters.sample import SOURCES, build

SCENES = {  # what -> (chapter 1's scene, panels)
    "main explorer, two rows": ("gradients_die", (2, 1)),
}
EXPLORE_CELL = """
explore({scene}, panels={panels}, depth=IntSlider(value=30, min=2, max=40), activation=["sigmoid", "tanh", "relu"],
        sigma_w=(0.5, 3.0, 0.1))
"""
# What one writes without the course's package: the same picture, with its caption, settings and size.
INTERACT_CELL = """
def plain(depth, activation, sigma_w):
    figure, axes = plt.subplots(*{panels}, figsize=(style.WIDTH, 1.5 * style.HEIGHT))
    caption = {scene}(axes, depth, activation, sigma_w)
    figure.text(0.02, -0.04, caption)
    plt.show()

interact(plain, depth=IntSlider(value=30, min=2, max=40), activation=["sigmoid", "tanh", "relu"],
         sigma_w=FloatSlider(value=1.0, min=0.5, max=3.0, step=0.1));
"""
IMPORTS = """
%matplotlib inline
import matplotlib.pyplot as plt
from ipywidgets import FloatSlider, IntSlider, interact
from utils.figures import style
plt.rcParams.update({**style.rc_params(), "figure.dpi": style.DPI})
"""


def notebook_cells():
    """Return the sources of the cells: chapter 1's own imports, data and scenes, then for each scene both widgets."""
    code = [cell.source for cell in build.read_source(SOURCES[0]).cells if cell.cell_type == "code"]
    scenes = [next(text for text in code if f"def {scene}(" in text) for scene, _ in SCENES.values()]
    both = [cell.format(scene=scene, panels=panels) for scene, panels in SCENES.values()
            for cell in (EXPLORE_CELL, INTERACT_CELL)]  # fmt: skip
    return [code[0], IMPORTS, *scenes, *both]


def time_moves(chromium, rounds):
    """Drive both widgets of each scene in one JupyterLab session, in turns; each round moves each slider seven times.

    Returns (times, drags). times: (scene, slider) -> (explore's, interact's), each a list of ms from the key to the
    paint of its picture. drags: scene -> (explore's, interact's), each a list with what `browser.drag` returns.
    """
    cells = notebook_cells()
    first = len(cells) - 2 * len(SCENES)
    widgets = {what: (first + 2 * i, first + 2 * i + 1) for i, what in enumerate(SCENES)}
    times = {(what, slider): ([], []) for what in SCENES for slider in ("depth", "sigma_w")}
    drags = {what: ([], []) for what in SCENES}
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder) / "course")
        write_notebook(project / "bench.ipynb", *cells)
        with jupyterlab(project) as address, chromium_page(chromium) as page:
            open_notebook(page, address, "bench.ipynb")
            if errors := run_all(page):
                raise RuntimeError(f"the bench's notebook failed: {errors}")
            for (what, slider), sides in times.items():
                number = ("depth", "sigma_w").index(slider)
                for _ in range(rounds):
                    for cell, taken in zip(widgets[what], sides):
                        taken += slider_latency(page, cell, moves=7, slider=number)
            for what, sides in drags.items():
                for _ in range(rounds):
                    for cell, results in zip(widgets[what], sides):
                        results.append(drag(page, cell, settle_ms=4000))
    return times, drags
