"""Record chapters/pictures/explorer.gif, README's moving picture, from the real thing.

    .venv/bin/python -m tests.readme.explorer_gif

Opens chapter 1 in JupyterLab in a headless Chromium, runs it, moves the controls of its main explorer one step at a
time, and takes a screenshot of the widget after each step. Played at eight steps a second, which is about the pace at
which the widget follows a drag. Run it by hand when the explorer's looks have changed.
"""

import io
import sys
import tempfile

import nbformat
from PIL import Image

from teaching.chromium import find_chromium
from tests.browser.lab import (
    ROOT,
    chromium_page,
    copy_project,
    get_cell,
    jupyterlab,
    open_notebook,
    press_and_wait,
    run_cell,
    wait_for_picture,
)

CHAPTER = ROOT / "chapters" / "01_saturation.ipynb"
TARGET = ROOT / "chapters" / "pictures" / "explorer.gif"
WIDTH = 700  # pixels
COLOURS = 48
STEP_MS, PAUSE_MS = 125, 900  # how long a step is shown, and a place that is worth a look


def record(page, index):
    """Move the explorer in cell `index`; yields (screenshot, milliseconds to show it)."""
    cell = get_cell(page, index)
    wait_for_picture(cell)
    widget = cell.locator(".jp-OutputArea-output").first
    depth, sigma_w = cell.locator(".noUi-handle").nth(0), cell.locator(".noUi-handle").nth(1)

    def step(control, key, milliseconds=STEP_MS):
        press_and_wait(cell, control, key)
        return Image.open(io.BytesIO(widget.screenshot())).convert("RGB"), milliseconds

    yield step(depth, "Home", PAUSE_MS)
    for number in range(3, 31):
        yield step(depth, "ArrowRight", PAUSE_MS if number == 30 else STEP_MS)
    for activation in ("tanh", "relu"):
        yield step(cell.get_by_role("button", name=activation), "Enter", PAUSE_MS)
    for number in range(11, 26):
        yield step(sigma_w, "ArrowRight", PAUSE_MS if number == 25 else STEP_MS)


def write_gif(frames, durations):
    """Write the frames, scaled down and with one palette for all, which keeps the file small."""
    size = WIDTH, round(frames[0].height * WIDTH / frames[0].width)
    small = [frame.resize(size, Image.Resampling.LANCZOS) for frame in frames]
    montage = Image.new("RGB", (WIDTH, 3 * size[1]))
    for row, frame in enumerate((small[0], small[len(small) // 2], small[-1])):
        montage.paste(frame, (0, row * size[1]))
    palette = montage.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=1)
    first, *rest = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in small)
    first.save(TARGET, save_all=True, append_images=rest, duration=durations, loop=0, optimize=True)


def main():
    cells = nbformat.read(CHAPTER, as_version=4).cells
    index = next(i for i, cell in enumerate(cells) if "explore(gradients_die" in cell.source)
    chromium = find_chromium() or sys.exit("no Chromium was found")
    with (
        tempfile.TemporaryDirectory() as folder,
        jupyterlab(copy_project(folder)) as address,
        chromium_page(chromium) as page,
    ):
        open_notebook(page, address, f"chapters/{CHAPTER.name}")
        for number in range(index + 1):
            if cells[number].cell_type == "code" and (error := run_cell(page, number)):
                sys.exit(f"cell {number} raised {error}")
        frames, durations = zip(*record(page, index))
    write_gif(frames, durations)
    print(f"{TARGET}: {len(frames)} frames, {sum(durations) / 1000:.1f} s, {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
