"""Where a Chromium is: the hand-outs print their PDFs with it, and the tests drive JupyterLab in it."""

import os
import shutil

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_chromium():
    """Return the path of a Chromium, or None; the variable CHROMIUM names one that is not on PATH."""
    found = (shutil.which(name) for name in (os.environ.get("CHROMIUM"), *CHROMIUMS) if name)
    return next(filter(None, found), None)
