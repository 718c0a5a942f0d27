"""The build on a tiny chapter: the notebook that it writes, twice the same bytes, and one sentence for what goes wrong."""

import nbformat
import pytest

from tests.chapters.sample import SAMPLE, build, write_sample
from utils.exercises.kernel import LANGUAGE

pytestmark = pytest.mark.slow  # kernels are started


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chapters")
    source, notebook = write_sample(folder)
    seconds, peak = build.build(source, notebook)
    assert seconds > 0
    assert 20e6 < peak < 4e9
    return source, notebook


def outputs_of(cell):
    return [output.get("data", {}) for output in cell.get("outputs", [])]


def test_the_same_source_gives_the_same_bytes(built):
    source, notebook = built
    before = notebook.read_bytes()
    build.build(source, notebook)
    assert notebook.read_bytes() == before


def test_notebook_holds_what_learners_need_and_no_trace_of_the_run(built):
    content = nbformat.read(built[1], as_version=4)
    nbformat.validate(content)
    assert set(content.metadata) == {"kernelspec", "language_info"}
    assert content.metadata.language_info == LANGUAGE  # as the course's kernels say: JupyterLab changes nothing on opening
    assert [cell.execution_count for cell in content.cells if cell.cell_type == "code"] == [1, 2, 3, 4]
    assert content.cells[0].metadata == {"slideshow": {"slide_type": "slide"}}
    assert content.cells[2].metadata == {"tags": ["claim-C1.04"], "slideshow": {"slide_type": "fragment"}}
    assert all("execution" not in cell.metadata for cell in content.cells)
    how_to, picture = outputs_of(content.cells[3])
    assert how_to == {"text/markdown": build.HOW_TO} and set(picture) == {"image/png", "text/plain"}
    [verdict] = outputs_of(content.cells[5])
    assert "not attempted" in verdict["text/plain"]


def test_only_the_first_picture_of_a_widget_says_how_it_comes_alive(tmp_path):
    again = "\n# %%\nPicture(value=base64.b64decode(PIXEL))\n"
    still = "# %%\nimport base64\nfrom IPython.display import Image\nfrom IPython.display import Markdown\nMarkdown('*no*')\n\n"
    source, notebook = write_sample(tmp_path, still + SAMPLE + again)
    build.build(source, notebook)
    cells = nbformat.read(notebook, as_version=4).cells
    assert [index for index, cell in enumerate(cells) if {"text/markdown": build.HOW_TO} in outputs_of(cell)] == [4]
    assert set(outputs_of(cells[-1])[0]) == {"image/png", "text/plain"}


def test_cell_ids_are_unique_and_stay_when_a_cell_is_inserted(tmp_path):
    source, _ = write_sample(tmp_path, SAMPLE + "\n# %%\n1 + 1\n\n# %%\n1 + 1\n")
    ids = [cell.id for cell in build.read_source(source).cells]
    assert len(set(ids)) == len(ids)
    write_sample(tmp_path, "# %%\nnew = 1\n" + SAMPLE + "\n# %%\n1 + 1\n\n# %%\n1 + 1\n")
    assert [cell.id for cell in build.read_source(source).cells][1:] == ids


def test_check_compares_notebook_and_source(built, tmp_path, capsys):
    assert build.main(["--check"], built[0].parent.parent) == 0
    told = capsys.readouterr()
    assert told.out.endswith(": 01_sample\n") and told.out.count("\n") == 1 and not told.err
    source, notebook = write_sample(tmp_path)
    assert build.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err.startswith("01_sample.ipynb is not in step with source/01_sample.py")
    notebook.write_bytes(built[1].read_bytes())
    assert build.in_step(source, notebook)
    write_sample(tmp_path, SAMPLE.replace("Half of a half", "A half of a half"))
    assert not build.in_step(source, notebook)
    notebook.write_text("{}")
    assert not build.in_step(source, notebook)


BROKEN = {
    "1 / 0": "01_sample, cell 1 of 1 (1 / 0) failed: ZeroDivisionError: division by zero",
    "import os\nos._exit(1)": "01_sample, cell 1 of 1 (import os) ended its kernel",
    "import warnings\nwarnings.warn('careful')": "cell 1 of 1 (import warnings) writes a warning",
    "import ipywidgets\nipywidgets.IntSlider()": "cell 1 of 1 (import ipywidgets) shows a widget without a picture",
    "object()": "cell 1 of 1 (object()) prints a memory address",
    "print('aaaa\\n' * 100_000)": "KB, and 400 KB is the most",
}


@pytest.mark.parametrize("code, sentence", BROKEN.items())
def test_a_broken_chapter_gets_one_sentence_and_keeps_its_notebook(code, sentence, tmp_path, capsys):
    _, notebook = write_sample(tmp_path, f"# %%\n{code}\n")
    notebook.write_text("old")
    assert build.main(["01"], tmp_path) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence in last
    assert notebook.read_text() == "old"


def test_an_unknown_chapter_and_a_bad_header_get_one_sentence(tmp_path, capsys):
    write_sample(tmp_path, "# ---\n# jupyter:\n#   kernelspec: {name: python3}\n# ---\n\n# %%\n1\n")
    assert build.main(["09"], tmp_path) == 1
    assert capsys.readouterr().err == "There is no source of a chapter 09; there is: 01.\n"
    assert build.main(["01"], tmp_path) == 1
    assert "does not describe a notebook" in capsys.readouterr().err


def test_progress_and_cost_are_told(tmp_path, capsys):
    write_sample(tmp_path, "# %%\n1\n\n# %%\n2\n")
    assert build.main([], tmp_path) == 0
    told = capsys.readouterr()
    assert told.err.splitlines() == ["01_sample, cell 1 of 2 (1)", "01_sample, cell 2 of 2 (2)"]
    assert told.out.startswith("01_sample.ipynb: ")
    assert " s, kernel " in told.out
