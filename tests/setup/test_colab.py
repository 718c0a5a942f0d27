"""A lesson in an imitation of Google Colab: its versions, no repository on the path, and a start folder to leave alone.

Colab itself was not at hand. Its versions are those that its own list of packages, and users' logs, tell of Python 3.12;
for a newer Python, which Colab does not have, the kernel is this environment's and only ipywidgets is Colab's.
"""

import asyncio
import errno
import functools
import http.server
import json
import os
import subprocess
import sys
import sysconfig
import threading
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import course
from binder import colab, links
from chapters.build import lesson

pytestmark = [pytest.mark.install, pytest.mark.skipif(os.name == "nt", reason="Colab is Linux")]
ROOT = Path(course.__file__).resolve().parent
GITHUB = "https://github.com/you/course"
VERSIONS = ["ipywidgets==7.7.1", "ipython-genutils==0.2.0"]
if sys.version_info < (3, 13):
    VERSIONS += ["ipykernel==6.17.1", "ipython==7.34.0", "matplotlib==3.10.0", "numpy==2.0.2"]
    VERSIONS += ["backcall==0.2.0", "decorator==4.4.2", "nest-asyncio==1.6.0", "pickleshare==0.7.5"]  # what these need
NOTEBOOKS = links.chapters() if os.environ.get("COURSE_COLAB") == "all" else ["chapters/01_saturation.ipynb"]
NO_COMM = 'raise ModuleNotFoundError("No module named \'comm\'", name="comm")\n'  # it comes with ipywidgets 8 and ipykernel 6.18
# Moves every control of the notebook to an end where it is not, and reveals every prediction; tells what is there.
TRY = """
import json, sys
import ipywidgets, torch, utils
from utils.widgets.explorer import Explorer, Prediction
from utils.widgets.picture import Picture
shown = [widget for widget in list(ipywidgets.Widget.widgets.values()) if isinstance(widget, Picture)]
moved = 0
for widget in shown:
    guesses = [widget.guess] if isinstance(widget, Prediction) else []
    for control in guesses or [control for control in widget.controls.values() if hasattr(control, "layout")]:
        before = widget.data.value
        if hasattr(control, "options"):
            control.index = 0 if control.index == len(control.options) - 1 else len(control.options) - 1
        elif hasattr(control, "max"):
            control.value = control.min if control.value == control.max else control.max
        elif isinstance(control.value, bool):
            control.value = not control.value
        if guesses:
            widget.button.click()
        moved += widget.data.value != before
print(json.dumps({"pictures": len(shown), "moved": moved, "errors": [str(widget.error) for widget in shown if widget.error],
                  "ipywidgets": ipywidgets.__version__, "torch": torch.__file__, "utils": utils.__file__}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of an environment with Colab's versions, and this environment's packages behind them: torch is theirs."""
    folder = tmp_path_factory.mktemp("colab")
    venv.EnvBuilder(with_pip=True).create(folder)
    made = folder / "bin" / "python"
    install = [made, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", *VERSIONS]
    done = subprocess.run(install, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "behind.pth").write_text(sysconfig.get_path("purelib"))
    if sys.version_info < (3, 13):
        (packages / "comm.py").write_text(NO_COMM)
    return made


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The address of the course as a ZIP file with one folder in it, as GitHub sends a repository."""
    folder = tmp_path_factory.mktemp("github")
    with zipfile.ZipFile(folder / "main.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for path in (ROOT / "utils").rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                packed.write(path, f"course-main/{path.relative_to(ROOT).as_posix()}")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/main.zip"
        server.shutdown()


async def run(notebook, python, folder, home):
    """Run a notebook in place with a Python, begun in `folder`; the kernel knows nothing of this repository."""
    manager = AsyncKernelManager()
    manager._kernel_spec = KernelSpec(argv=[str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    client = NotebookClient(notebook, km=manager, timeout=600, startup_timeout=120, store_widget_state=False,
                            resources={"metadata": {"path": str(folder)}})  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COURSE_"))}
    async with client.async_setup_kernel(cleanup_kc=True, env={**kept, "HOME": str(home), "OMP_NUM_THREADS": "1"}):
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                await client.async_execute_cell(cell, index)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_notebook_runs_in_colab(notebook, python, archive, tmp_path):
    start, home = tmp_path / "content", tmp_path / "home"
    start.mkdir(mode=0o555)
    home.mkdir()
    installed = {path.name for path in python.parents[1].glob("lib/python*/site-packages/*")}
    copy = colab.colab_copy((ROOT / notebook).read_text(encoding="utf-8"), notebook, GITHUB, archive)
    content = nbformat.reads(copy, as_version=4)
    tries = sum(section.tries for section in lesson.sections(content.cells))
    content.cells.append(nbformat.v4.new_code_cell(TRY))
    asyncio.run(run(content, python, start, home))
    told = json.loads(content.cells[-1].outputs[-1].text)
    assert told["ipywidgets"] == "7.7.1" and told["errors"] == []
    assert not Path(told["utils"]).is_relative_to(ROOT) and not Path(told["torch"]).is_relative_to(python.parents[1])
    assert list(start.iterdir()) == []  # also a user who may write everywhere has written nothing
    assert {path.name for path in python.parents[1].glob("lib/python*/site-packages/*")} - installed <= {"__pycache__"}
    views = [output.data for cell in content.cells for output in cell.get("outputs", [])
             if "application/vnd.jupyter.widget-view+json" in output.get("data", {})]  # fmt: skip
    assert all("image/png" in data for data in views), "a saved copy has a picture wherever a widget stands"
    assert len(views) == told["pictures"] == tries <= told["moved"]
    assert not [output for cell in content.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"]


def test_the_first_cell_fetches_nothing_where_the_course_is_there(python, tmp_path):
    source = colab.FIRST.format(archive="http://127.0.0.1:9/nothing.zip")
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{source}")])
    asyncio.run(run(content, python, tmp_path, tmp_path))


def test_the_first_cell_says_in_one_sentence_that_it_cannot_fetch(python, tmp_path):
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(colab.FIRST.format(archive="http://127.0.0.1:9/nothing.zip"))])
    with pytest.raises(CellExecutionError) as caught:
        asyncio.run(run(content, python, tmp_path, tmp_path))
    refused = f"<urlopen error [Errno {errno.ECONNREFUSED}] Connection refused>"
    told = f"the course could not be fetched ({refused}): run this cell again"
    assert (caught.value.ename, caught.value.evalue) == ("ConnectionError", told)
    assert "During handling" not in caught.value.traceback and "do_open" not in caught.value.traceback


def test_the_first_cell_does_with_another_projects_utils_and_a_slip_gets_one_sentence(python, archive, tmp_path):
    (tmp_path / "utils" / "data").mkdir(parents=True)
    for folder in ("utils", "utils/data"):
        (tmp_path / folder / "__init__.py").touch()
    sources = ["import utils.data", colab.FIRST.format(archive=archive), "from utils import MLP, datasets", "diagnosis = dead units"]
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    with pytest.raises(CellExecutionError):
        asyncio.run(run(content, python, tmp_path, tmp_path))
    (told,) = content.cells[-1].outputs[-1].traceback
    assert told == 'SyntaxError: an answer stands in quotes: "dead units"'


def test_widgets_do_with_ipywidgets_7_what_they_do_with_8(python):
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:nbval", "-o", "addopts=--import-mode=importlib",
               "tests/widgets"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
