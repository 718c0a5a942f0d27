"""Measure speed and memory: python3 course.py bench [--quick]

Ratios are of medians within this run, the two sides in turns, so that a busy machine slows both. All but the browser is
held to one core where the system allows that; the browser, its server and its kernel share what there is.
"""

import argparse
import contextlib
import importlib.metadata
import io
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from teaching.chromium import find_chromium
from tests.bench.browser import time_moves
from tests.chapters.sample import EVIDENCE, SOURCES, build

SECONDS = {"01": 60, "06": 120, "07": 40}  # the most that a chapter may take from top to bottom; others 90
MEGABYTES = {"06": 700, "07": 550}  # the most that its kernel may take at its peak; others 600
OF_EVIDENCE = 60, 700  # seconds and megabytes
COLD_IMPORT = """
import time
started = time.perf_counter()
exec({code!r})
print((time.perf_counter() - started) * 1000)
"""
# Resolves to the ms from the start of a page to its first picture, which is brought into view.
FIRST_PICTURE = """async () => {
    const image = document.querySelector(".course-picture img");
    image.scrollIntoView();
    await image.decode();
    return performance.now();
}"""


class Row(NamedTuple):
    """One line of the table; ok is None where nothing is promised."""

    what: str
    value: str
    limit: str = ""
    ok: bool | None = None


def at_most(what, value, form, limit, remark=""):
    """A row whose value must not exceed `limit`; form: how to write both, such as "{:.2f} s"."""
    return Row(what, form.format(value) + remark, f"<= {form.format(limit)}", value <= limit)


def at_least(what, value, form, limit, remark=""):
    """A row whose value must reach `limit`."""
    return Row(what, form.format(value) + remark, f">= {form.format(limit)}", value >= limit)


def chapter_rows(repeats):
    """Each chapter and each evidence from top to bottom, in fresh kernels."""
    for source in SOURCES + EVIDENCE:
        number = source.stem[:2]
        seconds_limit, peak_limit = SECONDS.get(number, 90), MEGABYTES.get(number, 600)
        what = f"chapter {number}"
        if source in EVIDENCE:
            (seconds_limit, peak_limit), what = OF_EVIDENCE, f"evidence {number}"
        with tempfile.TemporaryDirectory() as folder:
            try:
                with contextlib.redirect_stderr(io.StringIO()):  # the builder's progress
                    runs = [build.build(source, Path(folder) / f"{source.stem}.ipynb") for _ in range(repeats)]
            except build.BuildError as error:
                yield Row(f"{what}, top to bottom", str(error), "runs", False)
                continue
        seconds, peaks = zip(*runs)
        yield at_most(f"{what}, top to bottom", statistics.median(seconds), "{:.0f} s", seconds_limit)
        yield at_most(f"{what}, its kernel's peak", max(peaks) / 1e6, "{:.0f} MB", peak_limit)


def import_rows(repeats):
    """Imports in a fresh process: torch alone, and what chapter 1 imports."""
    first = next(cell.source for cell in build.read_source(SOURCES[0]).cells if cell.cell_type == "code")
    for what, code in (("torch alone", "import torch"), ("chapter 1's import cell", first)):
        program = COLD_IMPORT.format(code=code) + build.PEAK_MEMORY
        answers = []
        for _ in range(repeats):
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
            answers.append([float(word) for word in done.stdout.split()])
        taken, peak = (statistics.median(column) for column in zip(*answers))
        yield Row(f"cold import, {what}", f"{taken:.0f} ms, {peak / 1e6:.0f} MB")


def browser_rows(rounds):
    """Slider to picture in a real JupyterLab: `explore` against the same scene under `interact`."""
    chromium = find_chromium()
    if chromium is None:
        yield Row("slider to picture", "skipped: no Chromium; name one in the variable CHROMIUM")
        return
    times, drags = time_moves(chromium, rounds)
    for (what, slider), sides in times.items():
        medians = [statistics.median(taken) for taken in sides]
        for name, taken, median in zip(("explore", "interact"), sides, medians):
            p95 = statistics.quantiles(taken, n=20)[-1]
            yield Row(f"{what}, {slider}: {name}, {len(taken)} moves", f"{median:.0f} ms (p95 {p95:.0f})")
        row = at_least(f"{what}, {slider}: interact / explore", medians[1] / medians[0], "{:.1f}", 5)
        yield row if what.startswith("main") else Row(row.what, row.value)  # the limit is the main explorer's
    for what, sides in drags.items():
        for name, results in zip(("explore", "interact"), sides):
            changes, lag = (statistics.median(result[key] for result in results) for key in ("changes", "lag"))
            late, remark = max(result["late"] for result in results), f" ({changes:.0f} in all, lag {lag:.0f} ms)"
            title = f"{what}, drag of the depth slider, {name}: pictures after release"
            # The one in work when the slider is let go, and the one of its last place; a third would be a queue.
            yield at_most(title, late, "{}", 2, remark) if name == "explore" else Row(title, f"{late}{remark}")


def measure_rows(repeats):
    """`measure` against a bare forward and backward pass; the limit holds for the net of the main explorer."""
    # Not before the chapters: on Linux a new process's peak memory begins at the size of the one that starts it.
    from tests.bench.measure import compare_with_bare_pass

    for number, (what, plain, measured) in enumerate(compare_with_bare_pass(repeats)):
        cpu, wall = (after / before for before, after in zip(plain, measured))
        remark = f" CPU, {wall:.2f} wall ({plain[0]:.1f} -> {measured[0]:.1f} ms)"
        row = at_most(f"measure / bare pass: {what}", cpu, "{:.2f}", 1.5, remark)
        yield row if number == 0 else Row(row.what, row.value)


def diagnose_rows(repeats):
    """`diagnose` against a bare pass, beside hooks by hand; a training within `watch` against a bare one; their import."""
    from tests.bench.diagnose import compare_diagnosis, compare_watching, time_import

    yield at_most("import of torchdoctor after torch", time_import(5), "{:.3f} s", 0.1, " CPU")
    for what, bare, by_hand, plain, diagnosed in compare_diagnosis(repeats):
        remark = f" CPU ({bare:.1f} -> {plain:.1f} ms); by hand {by_hand / bare:.2f}"
        yield at_most(f"diagnose without probes / bare pass: {what}", plain / bare, "{:.2f}", 2, remark)
        yield at_most(f"diagnose / bare pass: {what}", diagnosed / bare, "{:.2f}", 4, f" CPU ({bare:.1f} -> {diagnosed:.1f} ms)")
    for what, bare, watched in compare_watching(repeats // 2):
        yield at_most(f"watch / bare loop, every tenth step: {what}", watched / bare, "{:.2f}", 1.3)


def map_rows(repeats):
    """The phase map of chapter 4, 20 depths x 25 sigma_w in one pass, against the same nets measured one by one."""
    from tests.bench.map import compare_with_a_loop  # imports torch: see measure_rows

    together, looped = compare_with_a_loop(repeats)
    remark = f" CPU ({looped:.0f} -> {together:.0f} ms)"
    yield at_least("phase map, 20 x 25 nets: loop with `measure` / one pass", looped / together, "{:.0f}", 10, remark)


def web_rows():
    """The web edition, if there is one in web/: each lesson's weight, its first picture, a move; from a server on this machine."""
    from teaching.web.site import SITE
    from tests.web.visiting import served, time_moves, visit, weigh

    chromium = find_chromium()
    if not chromium or not (SITE / "index.html").exists():
        yield Row("web edition", "left out: course.py web makes one, and it needs a Chromium")
        return
    with served(SITE) as address:
        for source in SOURCES:
            with visit(chromium, address, f"{source.stem}.html") as page:
                picture = page.evaluate(FIRST_PICTURE)
                weight, _ = weigh(page, SITE)
                moves = time_moves(page)
            yield at_most(f"web, {source.stem}: compressed, before a move", weight / 1e6, "{:.2f} MB", 1.5)
            yield Row(f"web, {source.stem}: first picture", f"{picture:.0f} ms")
            yield at_most(f"web, {source.stem}: a move", statistics.median(moves), "{:.0f} ms", 50)


def describe_machine():
    """Return CPU, cores, system, load and versions, in two lines."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    packages = ("torch", "numpy", "matplotlib", "ipywidgets", "jupyterlab", "ipykernel")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (f"{cpu}, {os.cpu_count()} cores{load}; {platform.platform()}\n"
            f"Python {platform.python_version()}, {versions}")


def main():
    """Print the machine, then each row as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure speed and memory of the course.")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    quick = parser.parse_args().quick
    print(describe_machine(), flush=True)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None

    def all_rows():
        if cores:
            os.sched_setaffinity(0, {max(cores)})
        yield from import_rows(3 if quick else 7)
        yield from chapter_rows(1 if quick else 3)
        yield from measure_rows(20 if quick else 60)
        yield from diagnose_rows(10 if quick else 30)
        yield from map_rows(1 if quick else 5)
        if cores:
            os.sched_setaffinity(0, cores)
        yield from browser_rows(1 if quick else 3)
        yield from web_rows()

    missed = 0
    print(f"\n{'what':78} {'value':44} {'limit':10} ok")
    for row in all_rows():
        verdict = {True: "ok", False: "NOT", None: ""}[row.ok]
        print(f"{row.what:78} {row.value:44} {row.limit:10} {verdict}", flush=True)
        missed += row.ok is False
    load = f", load at the end {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"\n{missed} limits missed{load}")


if __name__ == "__main__":
    main()
