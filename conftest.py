"""What a whole run shares: what is left out is told, chapters are spread over the cores, claims are tried as they run.

It stands here and not in tests/, since it is about the notebooks in chapters/ as well, which nbval executes.
"""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell

ROOT = Path(__file__).resolve().parent
CLAIMS = ROOT / "tests" / "chapters" / "claims.py"
TIERS = ("seeds", "browser", "chapter", "install", "slow")  # the markers; a test with several counts for the first
UNMARKED = "of no marker"
NOTEBOOKS = "notebooks"


# What a run with -m leaves out. With pytest-xdist the workers know it, and the controller tells it.


def pytest_configure(config):
    config.left_out = Counter()


def pytest_deselected(items):
    for item in items:
        item.config.left_out[tier_of(item) or UNMARKED] += 1


def pytest_sessionfinish(session):
    config = session.config
    chosen = config.option.markexpr and config.option.markexpr not in config.getini("addopts")  # by hand, or by --fast
    asked = [config.invocation_params.dir / arg for arg in config.args]
    if chosen and not any(ROOT / "chapters" in (path, *path.parents) for path in asked):
        found = [*ROOT.glob("chapters/[0-9][0-9]_*.ipynb"), *ROOT.glob("chapters/evidence/[0-9][0-9]_*.ipynb")]
        config.left_out[NOTEBOOKS] = len(found)
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = dict(config.left_out)  # execnet sends no Counter


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    node.config.left_out |= Counter(getattr(node, "workeroutput", {}).get("left_out", {}))  # all workers left out the same


def pytest_terminal_summary(terminalreporter, config):
    reports = [report for status in ("passed", "failed") for report in terminalreporter.stats.get(status, [])]
    trials = [value for report in reports for key, value in report.user_properties if key == "trial"]
    if trials:
        from tests.chapters.trial import table_of  # not above: it loads torch

        terminalreporter.write_line(table_of(trials))
    counts = [f"{config.left_out[tier]} {tier}" for tier in (*TIERS, UNMARKED, NOTEBOOKS) if config.left_out[tier]]
    if counts:
        terminalreporter.write_line(f"left out: {', '.join(counts)}")
        terminalreporter.write_line("python3 course.py test runs all but seeds, which test --seeds runs")


# In which order, and where. What takes long starts first, so that no core is left with it while the others idle.


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):  # in one process they stay as they are: a slip in a quick one shows at once
        items.sort(key=lambda item: 0 if isinstance(item, IPyNbCell) else 1 if tier_of(item) else 2)


def tier_of(item):
    """Return the first marker of TIERS that a test has, or None."""
    return next((tier for tier in TIERS if item.get_closest_marker(tier)), None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Send to one core what belongs together: a file, or, where its tests are of one chapter each, a chapter in a file."""
    from xdist.scheduler import LoadScopeScheduling

    class ByChapter(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return unit_of(nodeid)

    if config.option.dist in ("loadfile", "loadscope"):
        config.option.loadscopereorder = False  # it would start with the files of many tests, which are quick ones
        return ByChapter(config, log)


def unit_of(nodeid):
    """Return what runs on one core in order: a test's file, with the chapter in its brackets if there is one.

    "tests/chapters/test_seeds.py::test_it[02_relu-1]" -> "tests/chapters/test_seeds.py 02_relu"
    """
    file = nodeid.partition("::")[0]
    chapter = re.search(r"\[(?:\w+-)?(\d\d_[a-z]\w*)(?:-\w+)?\]$", nodeid)
    return f"{file} {chapter[1]}" if chapter else file


# nbval executes every notebook, and so has what each claim's cell computed: there its assertions are tried.


def pytest_itemcollected(item):
    if isinstance(item, IPyNbCell):
        item.add_marker("chapter")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """After a cell that states a claim of the ledger, ask the kernel whether its assertions can fail at all."""
    result = yield
    tags = item.cell.metadata.get("tags", []) if isinstance(item, IPyNbCell) else []
    if any(tag.startswith("claim-") for tag in tags):
        before = [cell.source for cell in item.parent.nb.cells if cell.cell_type == "code"][: item.cell_num]
        problems = _ask_kernel(item.parent.kernel, "problems_of_claim", tags, item.cell.source, before)
        if problems:
            pytest.fail("\n".join(problems), pytrace=False)
    return result


def _ask_kernel(kernel, function, *arguments):
    """Return what a function of claims.py answers in a notebook's kernel, where it is given the notebook's names."""
    given = ", ".join(map(repr, arguments))
    asked = kernel.execute_cell_input(
        f"print(__import__('json').dumps(__import__('runpy').run_path({str(CLAIMS)!r})[{function!r}]({given}, globals())))"
    )
    kernel.await_reply(asked, timeout=60)
    told = ""
    while True:
        message = kernel.get_message("iopub", timeout=60)
        if message["parent_header"].get("msg_id") != asked:
            continue
        content = message["content"]
        if message["msg_type"] == "stream":
            told += content["text"] if content["name"] == "stdout" else ""  # wrong figures may overflow, with a warning
        elif message["msg_type"] == "error":
            pytest.fail("\n".join(content["traceback"]), pytrace=False)
        elif content.get("execution_state") == "idle":
            return json.loads(told)
