"""Record chapters/pictures/report.png, README's picture of a report, from the real thing.

    .venv/bin/python -m tests.readme.report_picture

Opens a notebook with a sick net in JupyterLab in a headless Chromium, and takes a screenshot of what `diagnose` shows.
Run it by hand when the report's looks have changed.
"""

import io
import sys
import tempfile

from PIL import Image

from teaching.chromium import find_chromium
from tests.browser.lab import (
    ROOT,
    chromium_page,
    copy_project,
    get_cell,
    jupyterlab,
    open_notebook,
    run_all,
    write_notebook,
)
from tests.browser.test_report import IMPORTS, REPORT

TARGET = ROOT / "chapters" / "pictures" / "report.png"
COLOURS = 96


def main():
    """Take the picture."""
    chromium = find_chromium() or sys.exit("no Chromium was found")
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(folder)
        write_notebook(project / "own.ipynb", IMPORTS, REPORT)
        with jupyterlab(project) as address, chromium_page(chromium) as page:
            open_notebook(page, address, "own.ipynb")
            if errors := run_all(page):
                sys.exit(f"the notebook failed: {errors}")
            picture = get_cell(page, 1).locator(".jp-OutputArea").first.screenshot()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(TARGET, optimize=True)
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
