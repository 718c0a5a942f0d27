"""A lesson and its evidence, on a toy: built together, timed, held to their limits, with terms and claims."""

import nbformat
import pytest

import utils
from chapters.build import lesson
from chapters.build.glossary import GlossaryError, glossary, terms_of
from tests.chapters import own_functions as found_alone
from tests.chapters.own_functions import lines_of, used_functions
from tests.chapters.sample import build
from tests.chapters.toy import LESSON, write_toy
from utils.figures import plots


def cells_of(folder, text=LESSON):
    return build.read_source(write_toy(folder, text)[0]).cells


def cells_from(*texts):
    """Return cells: of Markdown where a text begins with #, else of code."""
    make = {True: nbformat.v4.new_markdown_cell, False: nbformat.v4.new_code_cell}
    return [make[text.startswith("#")](text) for text in texts]


@pytest.mark.slow
def test_lesson_evidence_and_glossary_are_built_together(tmp_path, capsys):
    write_toy(tmp_path)
    assert build.main(["1"], tmp_path) == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == ["01_toy.ipynb", "evidence/01_toy.ipynb"]
    built = nbformat.read(tmp_path / "01_toy.ipynb", as_version=4)
    assert built.cells[0].source.splitlines()[:3] == ["# 1 · A toy: can a net learn anything at all?", "",
                                                      "*About 9 minutes, and 5 more for the exercises.*"]
    told = [output.text for cell in built.cells for output in cell.get("outputs", []) if output.output_type == "stream"]
    assert told[0] == "✔ the slope is at most a quarter: 0.25\n" and told[1].count("✔") == 2
    assert "- **saturated** ([chapter 1](01_toy.ipynb)): Of a unit:" in (tmp_path / "glossary.md").read_text()
    assert build.main(["--check"], tmp_path) == 0
    assert ": 01_toy, evidence 01_toy" in capsys.readouterr().out
    (tmp_path / "glossary.md").write_text("old")
    assert build.main(["--check"], tmp_path) == 1 and "glossary.md is not in step" in capsys.readouterr().err
    (tmp_path / "evidence" / "01_toy.ipynb").unlink()
    assert build.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err.startswith("evidence/01_toy.ipynb is not in step with source/evidence/01_toy.py")


def test_the_toy_keeps_to_the_limits_and_its_claims_tag_their_cells(tmp_path):
    cells = cells_of(tmp_path)
    assert lesson.faults(cells, "01_toy") == []
    tags = [tag for cell in cells for tag in cell.metadata.get("tags", [])]
    assert tags == ["claim-C1.01", "claim-C1.02", "claim-C1.03", "take-home"]
    assert build.read_source(write_toy(tmp_path)[1]).cells[-1].metadata["tags"] == ["claim-C1.04"]


def test_time_is_counted_by_heading():
    cells = cells_from(
        "# Title\n\n" + "word " * 299, "x = 1\n\ny = 2",
        "## Second\n$a + b$ <!-- of no reader --> [two words](https://example.org/some/address)",
        'predict("How large is it?", scene, guess=[("a tenth", 0.1)])\nshow(scene)\nclinic.chart(one)\nclinic.chart(two)',
        "## Exercises\n" + "word " * 500, "def f(z):\n    ...\n\ncheck_f(f)", "## Last",
        'def scene(ax):\n    return f"left {names[\'not read\']:.2f} of it"',
    )  # fmt: skip
    title, second, exercises, last = lesson.sections(cells)
    assert (title.words, title.lines, title.minutes) == (300, 2, pytest.approx(2 + 8 / 60))
    assert (second.words, second.lines, second.tries, second.pictures, second.clinic) == (4 + 6, 4, 1, 1, True)
    assert second.minutes == pytest.approx(10 / 150 + 16 / 60 + 2 + 0.5 + 5)
    assert (exercises.exercises, exercises.minutes) == (1, 5)
    assert last.words == 1 + 3
    assert lesson.minutes(cells) == (pytest.approx(title.minutes + second.minutes + last.minutes), 5)
    assert "exercises: 1" in lesson.time_table(cells)


def test_the_line_of_the_time_does_not_count_itself(tmp_path):
    cells = cells_of(tmp_path)
    with_line, text = lesson.minutes(cells), cells[0].source
    cells[0].source = lesson.HEAD.sub("", text)
    assert cells[0].source != text and lesson.minutes(cells) == with_line


def test_the_table_of_times_is_printed_and_nothing_is_run(tmp_path, capsys):
    write_toy(tmp_path)
    assert build.main(["--time", "01"], tmp_path) == 0
    told = capsys.readouterr().out
    assert "The clinic (clinic)" in told and "the most is 45 minutes" in told
    assert not (tmp_path / "01_toy.ipynb").exists()


HOME = 'tags=["take-home"]'
TOO_MUCH = {
    "cells": (LESSON.replace("# ## Exercises", "# ## Exercises\n" + "\n# %% [markdown]\n# More.\n" * 40), " cells, and 50"),
    "words": (LESSON.replace("# ## See it\n", "# ## See it\n# " + "word " * 2000), "words outside exercises"),
    "minutes": (LESSON.replace("# ## See it\n", "# ## See it\n# " + "word " * 6000), "minutes, and 45"),
    "lines": (LESSON.replace("# %% [markdown]\n# ## The", "# %%\nz = 1\n" * 200 + "\n# %% [markdown]\n# ## The"), "lines of code"),
    "a long cell": (LESSON.replace("diagnosis = ...", "diagnosis = ...\n" + "z = 1\n" * 15), "17 lines in a cell"),
    "a long line": (LESSON.replace("diagnosis = ...", "diagnosis = ...  # " + "x" * 100), "more than 100 characters"),
    "a semicolon": (LESSON.replace("diagnosis = ...", "diagnosis = ...; z = 1"), "two statements"),
    "a body beside": (LESSON.replace("diagnosis = ...", "diagnosis = ...\nif x is None: pass"), "two statements"),
    "stopped or": (LESSON.replace("diagnosis = ...", "diagnosis = ...\nassert runs.stopped or late < 9"), "stopped or"),
    "no unless": (LESSON.replace("late < start, unless=runs)", "late < start)"), "lacks unless="),
    "a loop": (LESSON.replace("diagnosis = ...", 'for z in (1, 2):\n    print(f"{z:5}")'), "table by hand"),
    "a row first": (LESSON.replace("diagnosis = ...", 'for z in (1, 2):\n    r = f"{z:5}"\n    print(r)'), "table by hand"),
    "joined": (LESSON.replace("diagnosis = ...", 'print(", ".join(f"{z:.2f}" for z in (1, 2)))'), "table by hand"),
    "no evidence": (LESSON.replace("evidence/01_toy.ipynb", "01_other.ipynb"), "links to the evidence"),
    "no take-home": (LESSON.replace(HOME, ""), "take-home"),
    "code below": (LESSON + "\n# %%\nz = 1\n", "take-home"),
    "short take-home": (LESSON.replace("    if isinstance", "    ...\n\n# %%\nif True:\n    if isinstance"), "take-home"),
}


@pytest.mark.parametrize("text, words", TOO_MUCH.values(), ids=TOO_MUCH)
def test_a_lesson_beyond_its_limits_is_found(text, words, tmp_path):
    assert text != LESSON
    assert [fault for fault in lesson.faults(cells_of(tmp_path, text), "01_toy") if words in fault]


def test_a_claim_in_a_loop_is_no_table():
    assert lesson.faults_of_code('for z in (1, 2):\n    print(z)\n    claim("C1.01", f"{z:.1f} is it", z < 3)') == []


def test_functions_of_utils_that_one_lesson_alone_uses_count_as_its_lines(tmp_path):
    cells = cells_of(tmp_path)
    assert "own: 20" not in str(lesson.faults(cells, "01_toy", {"own": 20}))
    [fault] = lesson.faults(cells, "01_toy", {"own": 190})
    assert "(own in utils: 190)" in fault and "200 is the most" in fault


def test_functions_of_utils_are_found_by_the_way_they_are_called():
    code = "from utils import MLP, chapter01, phase, plots, show\nplots.draw_bars(phase.chi_map(1))\nshow(plots)\nchapter01.check_backward_step(2)"
    assert [function.__name__ for function in used_functions(code)] == ["chi_map", "show"], "a drawing is no code of a lesson"


def test_a_function_is_a_lesson_s_own_until_another_chapter_uses_it(tmp_path, monkeypatch):
    toy, evidence = write_toy(tmp_path)
    other = tmp_path / "source" / "02_other.py"
    other.write_text("# %%\nfrom utils import explore, plots\nexplore(plots.draw_bars)\n")
    monkeypatch.setattr(found_alone, "EVIDENCE", [evidence])
    monkeypatch.setattr(found_alone, "SOURCES", [toy])
    monkeypatch.setattr(found_alone, "MODULES", [path for path in found_alone.MODULES if path.parent.name != "web"])  # draws scenes
    own = found_alone.own_functions(toy)
    assert own["explore"] == lines_of(utils.explore)
    assert "race" not in own  # the clinic trains, too
    assert not {"claim", "table", "chart", "check_backward_step", "draw_bars"} & own.keys()
    monkeypatch.setattr(found_alone, "SOURCES", [toy, other])
    assert own.keys() - found_alone.own_functions(toy).keys() == {"explore"}


def test_what_an_own_function_alone_calls_counts_too(tmp_path, monkeypatch):
    source = write_toy(tmp_path, "# %%\nfrom utils import measure_through_time\nmeasure_through_time\n")[0]
    monkeypatch.setattr(found_alone, "EVIDENCE", [])
    monkeypatch.setattr(found_alone, "SOURCES", [source])
    monkeypatch.setattr(found_alone, "MODULES", [path for path in found_alone.MODULES if path.parent.name != "answers"])
    assert found_alone.own_functions(source).keys() == {"measure_through_time", "step_jacobians"}


def test_what_others_call_does_not_count_with_an_own_function(tmp_path, monkeypatch):
    source = write_toy(tmp_path, "# %%\nfrom utils import meanfield\nmeanfield.predicted_gradient_norms\n")[0]
    monkeypatch.setattr(found_alone, "EVIDENCE", [])
    monkeypatch.setattr(found_alone, "SOURCES", [source])
    assert found_alone.own_functions(source).keys() == {"predicted_gradient_norms"}, "what it calls is called elsewhere, too"


def test_a_docstring_is_no_code():
    assert lines_of(plots._ratio) == 2
    assert lines_of(plots.draw_timeline) == 13


@pytest.mark.parametrize("written, computed, words", [
    ('claim("C1.01"', 'claim(f"C1.{1:02}"', 'the first argument of claim is its id, in quotes: claim("C1.14", ...)'),
    ('only=("rate", "budget")', "only=both", 'only= of a claim is written out, as a tuple: only=("budget",)'),
    ('only=("rate", "budget")', 'only="budget"', 'only= of a claim is written out, as a tuple: only=("budget",)'),
])  # fmt: skip
def test_a_claim_whose_id_or_factors_are_not_written_out_is_refused(written, computed, words, tmp_path, capsys):
    write_toy(tmp_path, LESSON.replace(written, computed))
    assert build.main(["01"], tmp_path) == 1
    assert words in capsys.readouterr().err


def test_terms_are_sorted_and_lead_to_their_chapter():
    one = cells_from("# One\nThis is a **Zeta** function.\n<!-- term: The last\nletter. -->", "x = 1")
    two = cells_from("# Two\nA **bold** word, and a *unit*, or **alpha** <!-- term: The first. -->")
    assert terms_of(one) == {"Zeta": "The last letter."}
    lines = glossary({"01_one.ipynb": one, "02_two.ipynb": two}).splitlines()
    assert lines[-2:] == ["- **alpha** ([chapter 2](02_two.ipynb)): The first.",
                          "- **Zeta** ([chapter 1](01_one.ipynb)): The last letter."]
    assert glossary({"01_one.ipynb": cells_from("# One")}) == ""


@pytest.mark.parametrize("text", ["# A\nterm <!-- term: without a bold one. -->", "# A\n**b** <!-- term: no end\n",
                                  "# A\n**b** <!-- term without: a colon. -->"])
def test_a_term_that_gives_no_entry_is_refused(text):
    with pytest.raises(GlossaryError, match="a term is written"):
        terms_of(cells_from(text))


def test_a_term_is_defined_once():
    cells = cells_from("# A\n**b** <!-- term: One. -->")
    with pytest.raises(GlossaryError, match="'b' is defined in 01_one.ipynb and in 02_two.ipynb"):
        glossary({"01_one.ipynb": cells, "02_two.ipynb": cells})
