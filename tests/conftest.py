"""What every test shares: one thread, a matplotlib without windows, and the browser."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch
os.environ["COURSE_PROGRESS"] = ""  # what a test solves is no progress of whoever runs it

import matplotlib
import pytest

from teaching.chromium import find_chromium

matplotlib.use("Agg")

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
