"""The tiers: a run tells what it left out, and a chapter's tests in a file are a unit that one core runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import unit_of

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = """
import pytest

def test_quick(): ...

@pytest.mark.browser
@pytest.mark.parametrize("number", range(2))
def test_in_a_browser(number): ...

@pytest.mark.slow
@pytest.mark.chapter
def test_of_a_chapter(): ...

@pytest.mark.seeds
def test_of_seeds(): ...
"""


@pytest.mark.slow
@pytest.mark.parametrize("chosen, told", [
    (["-m", "not (browser or chapter or seeds)", "-n", "2"], "left out: 1 seeds, 2 browser, 1 chapter, "),
    (["-m", "seeds"], "left out: 2 browser, 1 chapter, 1 of no marker, "),
    ([], "left out: 1 seeds\n"),
    (["-m", ""], None),
])  # fmt: skip
def test_a_run_tells_what_it_left_out(chosen, told, tmp_path):
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "-p", "no:cacheprovider",
               "-p", "conftest", tmp_path / "test_sample.py", *chosen]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert told in output if told else "left out" not in output and "5 passed" in output, output


@pytest.mark.parametrize("nodeid, unit", [
    ("tests/nets/test_mlp.py::test_it", "tests/nets/test_mlp.py"),
    ("tests/nets/test_mlp.py::TestIt::test_it[relu-01]", "tests/nets/test_mlp.py"),
    ("tests/chapters/test_seeds.py::test_it[02_relu-1]", "tests/chapters/test_seeds.py 02_relu"),
    ("tests/browser/test_chapters.py::test_it[07_lstm_gru]", "tests/browser/test_chapters.py 07_lstm_gru"),
    ("tests/setup/test_course.py::test_it[no JSON at all-01_saturation]", "tests/setup/test_course.py"),
    ("chapters/02_relu.ipynb::Cell 3", "chapters/02_relu.ipynb"),
])  # fmt: skip
def test_a_unit_is_a_file_or_a_chapter_in_it(nodeid, unit):
    assert unit_of(nodeid) == unit
