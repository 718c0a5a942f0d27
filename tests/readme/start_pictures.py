"""Make the seven small pictures of the start page, chapters/pictures/NN_name.png, from those that the lessons hold.

    .venv/bin/python -m tests.readme.start_pictures

Run it by hand when one of these pictures looks otherwise in its lesson.
"""

import base64
import io

import nbformat
from PIL import Image

from tests.browser.lab import ROOT

# Lesson -> what the cell of its picture calls, and the box that is shown: left, top, right, bottom, as shares.
PICTURES = {
    "01_saturation": ("show(gradients_die", (0, 0, 1, 0.92)),
    "02_relu": ("explore(after_training", (0, 0, 1, 0.92)),
    "03_lu_family": ("show(mean_against_bend", (0, 0, 1, 1)),
    "04_initialization": ("explore(phase_diagram", (0, 0, 1, 0.88)),
    "05_xavier_he": ("show(fans.draw_ladder, found", (0, 0, 1, 0.9)),
    "06_skip_connections": ("explore(both_roads", (0, 0, 1, 0.75)),
    "07_lstm_gru": ("output=(-6.0, 6.0, 0.5))", (0, 0, 1, 0.88)),
}
WIDTH, COLOURS = 520, 128  # pixels: twice the width at which they are shown


def main():
    """Make the pictures."""
    for name, (call, box) in PICTURES.items():
        notebook = nbformat.read(ROOT / "chapters" / f"{name}.ipynb", as_version=4)
        found = [output.data["image/png"] for cell in notebook.cells if call in cell.source
                 for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
        with Image.open(io.BytesIO(base64.b64decode(found[0]))) as image:
            width, height = image.size
            part = image.convert("RGB").crop([round(share * side) for share, side in zip(box, (width, height) * 2)])
        small = part.resize((WIDTH, round(WIDTH * part.height / part.width)), Image.Resampling.LANCZOS)
        target = ROOT / "chapters" / "pictures" / f"{name}.png"
        small.quantize(COLOURS).save(target, optimize=True)
        print(f"{target}: {target.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
