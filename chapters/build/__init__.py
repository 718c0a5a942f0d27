"""Build the chapters: read each source, run it in a fresh kernel, write the notebook that learners open.

    python -m chapters.build            every chapter
    python -m chapters.build 01 03      these chapters, each with its evidence if it has one
    python -m chapters.build --check    run nothing; say which notebooks do not hold the text of their source
    python -m chapters.build --time 01  run nothing; say how long a lesson takes, heading by heading

Authors edit source/NN_name.py and source/evidence/NN_name.py (py:percent); NN_name.ipynb and evidence/NN_name.ipynb are
generated, and glossary.md with them. The same source gives the same bytes on the same machine, so a rebuild that changes
nothing shows nothing in a review.
"""

import argparse
import asyncio
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from chapters.build import lesson
from chapters.build.glossary import GlossaryError, glossary
from chapters.build.reading import METADATA, BuildError, in_step, is_evidence, notebook_of, read_source, sources_of

CHAPTERS = Path(__file__).resolve().parent.parent
LARGEST = 400_000  # bytes of a notebook: opens at once, and a review tool still shows it
WIDGET = "application/vnd.jupyter.widget-view+json"
# Stands above the first picture that is a widget's, and goes when its cell runs.
HOW_TO = "*This picture is a saved one. Run the cells from the top to here with Shift+Enter, and it gets its controls.*"
# One thread and a fixed hash seed for equal results; no lecture mode, whatever the author's shell has switched on, and
# no progress, which is a learner's.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "COURSE_LECTURE": "", "COURSE_PROGRESS": "",
}  # fmt: skip
PEAK_MEMORY = """
import sys
try:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
except ImportError:  # Windows
    import psutil
    print(psutil.Process().memory_info().peak_wset)
"""


def build(source, notebook):
    """Execute `source` (.py) and write `notebook` (.ipynb); return seconds and the kernel's peak memory in bytes.

    Raises BuildError, and leaves the old notebook as it was, if a cell fails, warns, shows a widget without a picture
    or prints a memory address, or if the notebook would be too large.
    """
    started = time.perf_counter()
    content = read_source(source)
    notebook.parent.mkdir(exist_ok=True)
    peak = asyncio.run(_execute(content, source, notebook.parent))
    live = [_clean_outputs(cell, _place(source, content, index)) for index, cell in enumerate(content.cells)]
    if True in live:
        hint = nbformat.v4.new_output("display_data", {"text/markdown": HOW_TO})
        content.cells[live.index(True)].outputs.insert(0, hint)
    text = nbformat.writes(content) + "\n"
    size = len(text.encode())
    if size > LARGEST:
        raise BuildError(f"{notebook.name} would take {size / 1000:.0f} KB, and {LARGEST / 1000:.0f} KB is the most: "
                         "show fewer or smaller pictures.")
    notebook.write_text(text, encoding="utf-8", newline="\n")
    return time.perf_counter() - started, peak


def drop_how_to(content):
    """Take from a notebook what is said to who can run its cells: hand-outs and the web edition have no use for it."""
    for cell in content.cells:
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.get("data", {}).get("text/markdown") != HOW_TO]


async def _execute(content, source, folder):
    """Run all cells of `content` in place, in `folder` and a fresh kernel of this Python; return its peak memory in bytes."""
    # No kernel directories: a kernel "python3" that the author's account has registered would be another Python.
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(content, km=manager, timeout=None, startup_timeout=120, record_timing=False,
                            store_widget_state=False, coalesce_streams=True,
                            extra_arguments=["--log-level=ERROR"],  # else each kernel warns that it does not encrypt
                            resources={"metadata": {"path": str(folder)}})
    async with client.async_setup_kernel(cleanup_kc=True, env={**os.environ, **ENVIRONMENT}):
        for index, cell in enumerate(content.cells):
            if cell.cell_type != "code":
                continue
            place = _place(source, content, index)
            _progress(place)
            try:
                await client.async_execute_cell(cell, index)
            except CellExecutionError as error:
                message = (error.evalue.strip() or "no message").splitlines()[0]
                raise BuildError(f"{place} failed: {error.ename}: {message}") from None
            except DeadKernelError:
                raise BuildError(f"{place} ended its kernel (out of memory?).") from None
        _progress("")
        content.cells.append(nbformat.v4.new_code_cell(PEAK_MEMORY))
        answer = await client.async_execute_cell(content.cells[-1], len(content.cells) - 1)
        content.cells.pop()
    content.metadata["language_info"] = METADATA["language_info"]  # nbclient has added the versions
    return int(answer.outputs[0].text)


def _clean_outputs(cell, place):
    """Remove what differs from run to run, and tell whether a widget was among it.

    Raises BuildError for an output that does not belong in a chapter.
    """
    live = False
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            if output.name == "stderr":
                raise BuildError(f"{place} writes a warning: {output.text.strip().splitlines()[-1]}")
            texts = [output.text]
        else:
            data = output.get("data", {})
            live |= WIDGET in data
            if data.pop(WIDGET, None) and "image/png" not in data:
                raise BuildError(f"{place} shows a widget without a picture (image/png) for the saved notebook.")
            texts = [text for kind, text in data.items() if kind.startswith("text/")]
        if any(re.search(r"\bat 0x[0-9a-fA-F]+", text) for text in texts):
            raise BuildError(f"{place} prints a memory address, which differs from run to run.")
    return live


def _place(source, content, index):
    """Name a cell in a message: chapter, number among all cells, first line."""
    lines = content.cells[index].source.strip().splitlines() or ["(empty)"]
    return f"{'evidence ' * is_evidence(source)}{source.stem}, cell {index + 1} of {len(content.cells)} ({lines[0]})"


def _progress(text):
    """Show `text` in place of the last one, in a terminal; print one line each elsewhere (a log, for example)."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text[:100]}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def _selected(numbers, sources):
    """Return the sources of the chapters `numbers` ("1" or "01"), or all; BuildError if one does not exist."""
    known = {}
    for source in sources:
        known.setdefault(source.stem[:2], []).append(source)
    for number in numbers:
        if number.zfill(2) not in known:
            raise BuildError(f"There is no source of a chapter {number}; there is: {', '.join(known) or 'none'}.")
    return [source for number in numbers or known for source in known[number.zfill(2)]]


def _check(sources, folder):
    """Raise BuildError if a notebook, or the glossary, does not hold what its sources say; else tell that they do."""
    for source in sources:
        notebook = notebook_of(source)
        if not in_step(source, notebook):
            raise BuildError(f"{notebook.relative_to(folder)} is not in step with {source.relative_to(folder)}: "
                             f"run python course.py build {source.stem[:2]}")
    if read_glossary(folder) != make_glossary(folder):
        raise BuildError("glossary.md is not in step with the lessons: run python course.py build with any chapter")
    names = ", ".join("evidence " * is_evidence(source) + source.stem for source in sources) or "none"
    print(f"In step with their sources (texts, metadata and ids of the cells; nothing was run): {names}")


def read_glossary(folder):
    """Return the text of the glossary in `folder`; "" if there is none."""
    path = folder / "glossary.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def make_glossary(folder):
    """Return the text of the glossary, made from the lessons in `folder`; "" if they define no term."""
    lessons = [source for source in sources_of(folder) if not is_evidence(source)]
    try:
        return glossary({notebook_of(source).name: read_source(source).cells for source in lessons})
    except GlossaryError as error:
        raise BuildError(f"The glossary cannot be made: {error}.") from None


def main(arguments=None, folder=CHAPTERS):
    """Build, check or time the chapters in `folder`; return the exit status (0: all is well)."""
    parser = argparse.ArgumentParser(prog="build", description="Build the chapters' notebooks from their sources.")
    parser.add_argument("numbers", nargs="*", metavar="NN", help="chapters such as 01; without any, all of them")
    parser.add_argument("--check", action="store_true", help="only compare the notebooks with their sources")
    parser.add_argument("--time", action="store_true", help="only say how long the lessons take, heading by heading")
    options = parser.parse_args(arguments)
    try:
        sources = _selected(options.numbers, sources_of(folder))
        if options.time:
            lessons = [source for source in sources if not is_evidence(source)]
            print("\n\n".join(f"{one.stem}\n{lesson.time_table(read_source(one).cells)}" for one in lessons))
        elif options.check:
            _check(sources, folder)
        else:
            for source in sources:
                notebook = notebook_of(source)
                seconds, peak = build(source, notebook)
                print(f"{notebook.relative_to(folder)}: {seconds:.0f} s, kernel {peak / 1e6:.0f} MB, "
                      f"file {notebook.stat().st_size / 1000:.0f} KB")
            if (text := make_glossary(folder)) != read_glossary(folder):
                (folder / "glossary.md").write_text(text, encoding="utf-8", newline="\n")
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
