"""What every chapter keeps to: in step with its source, complete, short cells, pictures in words, solved exercises.

How an exercise is written (this test finds it by that):

    # %% [markdown]
    # <details><summary>Hint</summary> ... </details>
    # <details><summary>Solution</summary> ... one ```python block ... </details>

    # %%
    def my_function(z):
        ...

    chapter01.check_my_function(my_function)       <- last line, a call of one check_...

Hint and solution stand in the Markdown between the code cell before and the exercise. The solution runs after the
import cell and the exercise's own cell, and must pass the check.
"""

import ast
import importlib
import itertools
import re
import subprocess
import sys

import nbformat
import pytest

from chapters.build.lesson import check_of, faults
from tests.chapters.own_functions import own_functions
from tests.chapters.sample import CHAPTERS, EVIDENCE, SOURCES, build, name_of, write_sample

DETAILS = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
CODE_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)

pytestmark = pytest.mark.skipif(not SOURCES, reason="no chapter is written yet")
chapters = pytest.mark.parametrize("source", SOURCES, ids=name_of)
notebooks = pytest.mark.parametrize("source", SOURCES + EVIDENCE, ids=name_of)
notebook_of = build.notebook_of


def built_cells(source):
    return nbformat.read(notebook_of(source), as_version=4).cells


def code_cells(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


def check_call(cell):
    """Return the last line of a code cell if it calls a checker, else None."""
    return check_of(cell.source) if cell.cell_type == "code" else None


def exercises_of(cells):
    """Yield (cell, check's call, {summary: text}) for each exercise of a chapter."""
    for index, cell in enumerate(cells):
        if call := check_call(cell):
            above = itertools.takewhile(lambda other: other.cell_type == "markdown", reversed(cells[:index]))
            yield cell, call, dict(DETAILS.findall("\n".join(other.source for other in above)))


def solved(cells, cell, call, solution):
    """Run the import cell, the exercise's cell and its solution; return the checker's verdict on the solution."""
    namespace = {"__name__": "__main__"}
    [block] = CODE_BLOCK.findall(solution)
    for text in (code_cells(cells)[0].source, cell.source, block):
        exec(compile(text, "<exercise>", "exec"), namespace)  # noqa: S102 - the chapter itself
    return eval(call, namespace)


def evidence_of(source):
    """Return the sources, one or none, of the evidence of a lesson."""
    return [other for other in EVIDENCE if other.stem == source.stem]


@notebooks
def test_in_step_with_its_source(source):
    assert build.in_step(source, notebook_of(source)), f"run python3 course.py build {source.stem[:2]}"


def test_the_glossary_is_in_step_with_the_lessons():
    assert build.read_glossary(CHAPTERS) == build.make_glossary(CHAPTERS), "run python3 course.py build with any chapter"


@chapters
def test_a_lesson_has_its_evidence_and_keeps_to_its_limits(source):
    assert evidence_of(source), f"chapters/source/evidence/{source.name} is missing"
    assert faults(build.read_source(source).cells, source.stem, own_functions(source)) == []


def test_the_evidence_is_of_chapters():
    assert {source.stem for source in EVIDENCE} <= {source.stem for source in SOURCES}


@chapters
def test_every_claim_of_the_ledger_has_a_cell(source):
    both = [source, *evidence_of(source)]
    tags = {tag for one in both for cell in build.read_source(one).cells for tag in cell.metadata.get("tags", [])}
    number = source.stem[:2]
    claims = importlib.import_module(f"tests.answers.test_chapter{number}").CLAIMS
    expected = {f"claim-C{int(number)}.{claim:02}" for claim in range(1, claims + 1)}
    assert {tag for tag in tags if tag.startswith("claim-")} == expected


@notebooks
def test_code_cells_are_short_and_import_only_at_the_top(source):
    first, *others = code_cells(build.read_source(source).cells)
    assert len(first.source.splitlines()) <= 8
    too_long = [cell.source.splitlines()[0] for cell in others if len(re.findall(r"^.*\S", cell.source, re.MULTILINE)) > 15]
    assert too_long == []
    importing = [cell.source.splitlines()[0] for cell in others for node in ast.walk(ast.parse(cell.source))
                 if isinstance(node, (ast.Import, ast.ImportFrom)) and not is_take_home(cell)]
    assert importing == []


@chapters
def test_ends_with_references(source):
    last = build.read_source(source).cells[-1]
    assert last.cell_type == "markdown"
    assert re.search(r"^#+ .*references", last.source, re.IGNORECASE | re.MULTILINE)


@notebooks
def test_notebook_is_small_ran_to_its_end_and_holds_no_widget_state(source):
    assert notebook_of(source).stat().st_size < (300_000 if source in SOURCES else 400_000)
    content = nbformat.read(notebook_of(source), as_version=4)
    assert "widgets" not in content.metadata
    for cell in code_cells(content.cells):
        assert cell.execution_count is not None
        assert all(output.output_type != "error" for output in cell.outputs)
        # A scene that fails is told in its widget, and is no error of the cell.
        assert all("could not be drawn" not in str(output.get("data", "")) for output in cell.outputs)
        assert all(build.WIDGET not in output.get("data", {}) for output in cell.outputs)


@chapters
def test_the_second_opinion_of_a_lesson_waits_for_the_learner(source):
    asking = [cell for cell in code_cells(built_cells(source)) if "second_opinion(" in cell.source]
    told = [output.data["text/plain"] for cell in asking for output in cell.outputs if "data" in output]
    calls = sum(cell.source.count("second_opinion(") for cell in asking)
    assert calls == sum("your own diagnosis first" in text for text in told) > 0 and not any("Verdict:" in text for text in told), told


@chapters
def test_what_a_lesson_gives_to_take_home_runs_without_the_course(source, tmp_path):
    [home] = [cell for cell in code_cells(built_cells(source)) if is_take_home(cell)]
    assert not (trouble := run_alone(home.source, tmp_path)), trouble
    assert not home.outputs or "manual_seed" in home.source, "what it shows would be another thing after each build"


def is_take_home(cell):
    return "take-home" in cell.metadata.get("tags", [])


def run_alone(code, folder):
    """Run code in a fresh process that has no course; return what it says of an error, or ""."""
    without = "import sys\nsys.modules['utils'] = None\n"  # an installed course is found without any path
    command = [sys.executable, "-I", "-W", "error", "-c", without + code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stderr


def test_code_that_needs_the_course_is_noticed(tmp_path):
    assert run_alone("from torch import nn\nnet = nn.Linear(2, 2)", tmp_path) == ""
    assert "utils" in run_alone("from utils import MLP", tmp_path)


@notebooks
def test_every_picture_has_words(source):
    for cell in code_cells(built_cells(source)):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                words = output.data.get("text/plain", "")
                assert len(words.split()) >= 5, cell.source.splitlines()[0]
                assert not re.match(r"<Figure|\w+\(", words), f"{words!r} is a Python object, not a description"


@chapters
def test_exercises_have_hint_and_solution_and_start_unsolved(source):
    exercises = list(exercises_of(built_cells(source)))
    assert exercises
    for cell, call, details in exercises:
        assert {"Hint", "Solution"} <= details.keys(), call
        [verdict] = [output.data["text/plain"] for output in cell.outputs if "data" in output]
        assert "not attempted" in verdict, call


@chapters
def test_solutions_pass_their_checks(source, monkeypatch):
    monkeypatch.chdir(CHAPTERS)
    cells = build.read_source(source).cells
    for cell, call, details in exercises_of(cells):
        verdict = solved(cells, cell, call, details["Solution"])
        assert verdict, f"{call}: {verdict!r}"


def test_the_sample_s_exercise_is_found_and_a_wrong_solution_is_noticed(tmp_path):
    source, _ = write_sample(tmp_path)
    cells = build.read_source(source).cells
    [(cell, call, details)] = exercises_of(cells)
    assert set(details) == {"Hint", "Solution"}
    assert solved(cells, cell, call, details["Solution"])
    assert not solved(cells, cell, call, details["Solution"].replace("1 - ", "1 + "))


# What draws numbers from the global generator: a layer in its default state, or torch's random functions.
DRAWS = re.compile(
    r"nn\.(?:Linear|Bilinear|Conv\d|Embedding|RNN|LSTM|GRU|MultiheadAttention)\w*\(|torch\.(?:randn?|randint|randperm)\(|"
    r"\.(?:normal_|uniform_|bernoulli_)\(|init\.(?:normal|uniform|kaiming|xavier|orthogonal)\w*\(|np\.random"
)


def unseeded(cells):
    """Return the lines of code cells that draw random numbers where the cell sets no seed and no generator of its own."""
    sources = [cell.source for cell in code_cells(cells) if not is_take_home(cell)]
    drawing = [source for source in sources if not re.search("manual_seed|generator=", source)]
    lines = [line.strip() for source in drawing for line in source.splitlines() if DRAWS.search(line)]
    return [line for line in lines if not line.startswith("self.")]  # a class draws where it is made, not where it stands


@notebooks
def test_no_cell_draws_from_an_unseeded_generator(source):
    assert unseeded(build.read_source(source).cells) == []


def test_an_unseeded_layer_is_found(tmp_path):
    source, _ = write_sample(tmp_path, "# %%\nfrom torch import nn\nlayer = nn.Linear(2, 2)\n")
    assert unseeded(build.read_source(source).cells) == ["layer = nn.Linear(2, 2)"]
