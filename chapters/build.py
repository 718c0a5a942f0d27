"""Build the chapters: read each source, run it in a fresh kernel, write the notebook that learners open.

    python chapters/build.py            every chapter
    python chapters/build.py 01 03      these chapters
    python chapters/build.py --check    run nothing; say which notebooks do not hold the text of their source

Authors edit source/NN_name.py (py:percent); NN_name.ipynb is generated. The same source gives the same bytes on the
same machine, so a rebuild that changes nothing shows nothing in a review.
"""

import argparse
import asyncio
import hashlib
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

CHAPTERS = Path(__file__).resolve().parent
LARGEST = 400_000  # bytes of a notebook: opens at once, and a review tool still shows it
WIDGET = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
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


class BuildError(Exception):
    """A chapter cannot be built; the message is one sentence for its author."""


def build(source, notebook):
    """Execute `source` (.py) and write `notebook` (.ipynb); return seconds and the kernel's peak memory in bytes.

    Raises BuildError, and leaves the old notebook as it was, if a cell fails, warns, shows a widget without a picture
    or prints a memory address, or if the notebook would be too large.
    """
    started = time.perf_counter()
    content = read_source(source)
    peak = asyncio.run(_execute(content, source))
    for index, cell in enumerate(content.cells):
        _clean_outputs(cell, _place(source, content, index))
    text = nbformat.writes(content) + "\n"
    size = len(text.encode())
    if size > LARGEST:
        raise BuildError(f"{notebook.name} would take {size / 1000:.0f} KB, and {LARGEST / 1000:.0f} KB is the most: "
                         "show fewer or smaller pictures.")
    notebook.write_text(text, encoding="utf-8", newline="\n")
    return time.perf_counter() - started, peak


def read_source(source):
    """Return the notebook, without outputs, that `source` describes; cell and slide metadata are kept as written.

    Speaker notes, Markdown cells of the slide type "notes", become metadata of the cell before them: a lecturer's run
    sheet is made from them (teaching/run_sheet.py), and a learner does not stumble over them.

    Raises BuildError if its header is not that of a notebook, or if notes stand before the first cell.
    """
    try:
        content = jupytext.read(source, fmt="py:percent")
    except nbformat.ValidationError as error:
        raise BuildError(f"{source.name} does not describe a notebook: {error.message}.") from None
    content.metadata.pop("jupytext", None)
    content.metadata.update(METADATA)
    content.nbformat, content.nbformat_minor = 4, 5
    content.cells = list(_with_notes_attached(content.cells, source))
    seen = Counter()
    for cell in content.cells:
        # An id from the text stays with its cell when others are inserted above it; equal cells are counted.
        text = f"{cell.cell_type}\n{cell.source}"
        cell.id = hashlib.sha256(f"{text}\n{seen[text]}".encode()).hexdigest()[:12]
        seen[text] += 1
    return content


def _with_notes_attached(cells, source):
    """Yield the cells that are no speaker notes; each note goes into the metadata of the cell before it."""
    shown = None
    for cell in cells:
        if cell.metadata.get("slideshow", {}).get("slide_type") != "notes":
            if shown is not None:
                yield shown
            shown = cell
        elif shown is None:
            raise BuildError(f"{source.name} begins with speaker notes: they belong below the cell that they speak of.")
        else:
            shown.metadata["notes"] = "\n".join([*filter(None, [shown.metadata.get("notes")]), cell.source.strip()])
    if shown is not None:
        yield shown


def in_step(source, notebook):
    """Whether `notebook` exists and holds the cells of `source`: types, texts, metadata and ids."""
    def described(content):
        return [(cell.cell_type, cell.source, cell.metadata, cell.get("id")) for cell in content.cells]

    try:
        built = nbformat.read(notebook, as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError):  # absent, or no notebook
        return False
    return described(built) == described(read_source(source))


async def _execute(content, source):
    """Run all cells of `content` in place, in a fresh kernel of this Python; return its peak memory in bytes."""
    # No kernel directories: a kernel "python3" that the author's account has registered would be another Python.
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(content, km=manager, timeout=None, startup_timeout=120, record_timing=False,
                            store_widget_state=False, coalesce_streams=True,
                            extra_arguments=["--log-level=ERROR"],  # else each kernel warns that it does not encrypt
                            resources={"metadata": {"path": str(source.parent.parent)}})
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
    """Remove what differs from run to run; raise BuildError for an output that does not belong in a chapter."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            if output.name == "stderr":
                raise BuildError(f"{place} writes a warning: {output.text.strip().splitlines()[-1]}")
            texts = [output.text]
        else:
            data = output.get("data", {})
            if data.pop(WIDGET, None) and "image/png" not in data:
                raise BuildError(f"{place} shows a widget without a picture (image/png) for the saved notebook.")
            texts = [text for kind, text in data.items() if kind.startswith("text/")]
        if any(re.search(r"\bat 0x[0-9a-fA-F]+", text) for text in texts):
            raise BuildError(f"{place} prints a memory address, which differs from run to run.")


def _place(source, content, index):
    """Name a cell in a message: chapter, number among all cells, first line."""
    lines = content.cells[index].source.strip().splitlines() or ["(empty)"]
    return f"{source.stem}, cell {index + 1} of {len(content.cells)} ({lines[0]})"


def _progress(text):
    """Show `text` in place of the last one, in a terminal; print one line each elsewhere (a log, for example)."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text[:100]}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def _selected(numbers, sources):
    """Return the sources of the chapters `numbers` ("1" or "01"), or all; BuildError if one does not exist."""
    known = {source.stem[:2]: source for source in sources}
    for number in numbers:
        if number.zfill(2) not in known:
            raise BuildError(f"There is no source of a chapter {number}; there is: {', '.join(known) or 'none'}.")
    return [known[number.zfill(2)] for number in numbers] or sources


def main(arguments=None, folder=CHAPTERS):
    """Build or check the chapters in `folder`; return the exit status (0: all is well)."""
    parser = argparse.ArgumentParser(description="Build the chapters' notebooks from their sources.")
    parser.add_argument("numbers", nargs="*", metavar="NN", help="chapters such as 01; without any, all of them")
    parser.add_argument("--check", action="store_true", help="only compare the notebooks with their sources")
    options = parser.parse_args(arguments)
    try:
        sources = _selected(options.numbers, sorted((folder / "source").glob("[0-9][0-9]_*.py")))
        for source in sources:
            notebook = folder / f"{source.stem}.ipynb"
            if options.check:
                if not in_step(source, notebook):
                    raise BuildError(f"{notebook.name} is not in step with source/{source.name}: "
                                     f"run python chapters/build.py {source.stem[:2]}")
                continue
            seconds, peak = build(source, notebook)
            print(f"{notebook.name}: {seconds:.0f} s, kernel {peak / 1e6:.0f} MB, "
                  f"file {notebook.stat().st_size / 1000:.0f} KB")
        if options.check:
            names = ", ".join(source.stem for source in sources) or "none"
            print(f"In step with their sources (texts, metadata and ids of the cells; nothing was run): {names}")
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
