"""The tests' own order: a browser test says so, and what is shipped imports nothing from the tests."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
SHIPPED = [path for folder in ("utils", "teaching", "chapters", "binder") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_what_drives_a_browser_is_marked(path):
    text = path.read_text(encoding="utf-8")
    if re.search(r"\(.*\bchromium_p", text):  # the path as a fixture, or a page
        assert "mark.browser" in text


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_nothing_shipped_imports_the_tests(path):
    assert not re.search(r"^\s*(from|import) tests\b", path.read_text(encoding="utf-8"), re.MULTILINE)
