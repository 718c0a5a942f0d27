"""What every test shares: one thread, a matplotlib without windows, and the browser."""

import os
import shutil

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch
os.environ["COURSE_PROGRESS"] = ""  # what a test solves is no progress of whoever runs it

import matplotlib
import pytest

matplotlib.use("Agg")

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_chromium():
    """Return the path of a Chromium, or None; the variable CHROMIUM names one that is not on PATH."""
    found = (shutil.which(name) for name in (os.environ.get("CHROMIUM"), *CHROMIUMS) if name)
    return next(filter(None, found), None)


@pytest.fixture(scope="session")
def chromium_path():
    """Path of a Chromium.

    Without one the test is skipped on a laptop, and fails where CI=true: there a skip would go unseen.
    """
    if path := find_chromium():
        return path
    reason = "no Chromium was found; install one, or name it in the variable CHROMIUM"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
