"""What a kernel of the course says to a slip, and that it leaves every other error to IPython."""

import json
import re
import sys

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from chapters.build.reading import METADATA
from utils.exercises import kernel

pytestmark = pytest.mark.slow

LESSON = ["import math\nfrom math import pi as half_turn", "def area(r):\n    return math.pi * r * r\n\ndiagnosis = ...", "area(2)", "later = 1"]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """asked(code, cell) runs code as that cell of a lesson in one kernel; returns (the message of its error, its lines)."""
    lesson = tmp_path_factory.mktemp("lesson") / "01_lesson.ipynb"
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(LESSON)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), lesson)
    manager, client = start_new_kernel(
        env={"JPY_SESSION_NAME": str(lesson)}, extra_arguments=["--InteractiveShellApp.extra_extensions=utils.exercises.kernel"])

    def ask(code, cell=2):
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
        message = client.session.msg("execute_request", content, metadata={"cellId": f"cell-{cell}"})
        client.shell_channel.send(message)
        found = None
        while True:
            told = client.get_iopub_msg(timeout=60)
            if told["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if told["msg_type"] == "error":
                found = told["content"]["ename"], re.sub(r"\x1b\[[\d;]*m", "", "\n".join(told["content"]["traceback"]))
            elif told["content"].get("execution_state") == "idle":
                return found

    ask.info = lambda: client.kernel_info(reply=True, timeout=60)["content"]["language_info"]
    yield ask
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("code, name", [
    ("area(2)", "area"), ("half_turn", "half_turn"), ("sums = [area(r) for r in range(3)]", "area"),
    ("x = 1\nx + math.pi", "math"), ("def own(r):\n    return area(r)\n\nown(2)", "area"), ("(lambda: area)()", "area"),
])  # fmt: skip
def test_a_cell_that_runs_before_those_above_it_is_told_so(asked, code, name):
    told = f"this cell needs `{name}`, which a cell above makes: choose Run > Run All Above Selected Cell, then run this cell again"
    assert asked(code) == ("NameError", f"NameError: {told}")


@pytest.mark.parametrize("code, kind, words", [
    ("diagnosis = saturated", "NameError", "saturated"), ("diagnosis = dead units", "SyntaxError", "dead units"),
    ("diagnosis = exploding in time  # or: not", "NameError", "exploding in time"),
    ("diagnoses = {'A': dead, 'B': ...}", "NameError", "dead"), ("d, p = 'dead', step too large", "SyntaxError", "step too large"),
    ("answers = {\n    'gate': not forgotten,\n}", "NameError", "not forgotten"),
])  # fmt: skip
def test_an_answer_without_quotes_is_told_so(asked, code, kind, words):
    assert asked(code) == (kind, f'{kind}: an answer stands in quotes: "{words}"')


@pytest.mark.parametrize("code, kind, shown", [
    ("def own(r):\n    answer = nowhere\n\nown(2)", "NameError", "answer = nowhere"),  # in a function a word is no answer
    ("def own(r):\n    area += r\n\nown(2)", "UnboundLocalError", "area += r"),  # which no cell above can mend
    ("later", "NameError", "1 later"),  # a cell further down makes it
    ("nowhere", "NameError", "1 nowhere"), ("print(nowhere)", "NameError", "1 print(nowhere)"),
    ("import statistics\nstatistics.mean(nowhere)", "NameError", "2 statistics.mean(nowhere)"),
    ("1 / 0", "ZeroDivisionError", "1 / 0"), ("a b", "SyntaxError", "^"), ("f(a = b c)", "SyntaxError", "^"),
    ("x = 1 if y", "SyntaxError", "^"), ("if 1:\nx", "IndentationError", "expected an indented block"),
    ("exec('x = y z')", "SyntaxError", "exec("),
])  # fmt: skip
def test_all_else_is_left_to_ipython(asked, code, kind, shown):
    found, lines = asked(code)
    assert found == kind and shown in lines, lines
    assert "quotes" not in lines and "Run All Above" not in lines


def test_a_lesson_is_saved_with_what_the_kernel_says_of_its_language(asked):
    assert asked.info() == METADATA["language_info"] == json.loads(json.dumps(kernel.LANGUAGE))


def test_without_a_notebook_the_traceback_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "absent.ipynb"))
    try:
        eval("area")
    except NameError as error:
        assert kernel._line_and_above(sys.exc_info()[2], None, None)[1] == []
        assert kernel.slip(error, "area(2)", []) == ""
