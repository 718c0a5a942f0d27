"""The package is small rooms in one direction: who may import whom, and what every module keeps to."""

import ast
from pathlib import Path

import pytest

UTILS = Path(__file__).resolve().parent.parent / "utils"
MODULES = sorted(UTILS.glob("*.py"))
LONGEST = 250  # lines of a module: one sitting
MAY_IMPORT = {
    "__init__": [],
    "style": [],
    "data": [],
    "timeline": [],
    "activations": [],
    "alt_text": [],
    "frame": [],
    "png": [],
    "recording": [],
    "diagnostics": ["recording"],
    "checking": [],
    "initialization": ["activations"],
    "theory": ["activations"],
    "models": ["activations", "initialization"],
    "plots": ["style"],
    "canvas": ["style", "alt_text", "frame", "png"],
    "live": ["style", "canvas", "alt_text"],
    "explore": ["style", "canvas", "alt_text"],
    "training": ["live"],
    "exercises": ["checking"],
    "exercises_ch2": ["checking"],
    "exercises_ch3": ["checking"],
    "quiz": ["checking", "exercises"],
    "clinic": ["data", "exercises", "models", "training"],
}


def faults_of_imports(text, allowed):
    """Return a sentence for each import in a module's text that the rules forbid; `allowed`: names within utils."""
    faults = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            inside = [name.name.removeprefix("utils.") for name in node.names if name.name.split(".")[0] == "utils"]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                faults.append(f"line {node.lineno}: a relative import; write `from utils import ...`")
            if any(name.name == "*" for name in node.names):
                faults.append(f"line {node.lineno}: a star import hides where a name comes from")
            module = node.module or ""
            inside = [name.name for name in node.names] if module == "utils" else []
            inside += [module.removeprefix("utils.")] if module.startswith("utils.") else []
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("__import__", "import_module"):
            faults.append(f"line {node.lineno}: an import in disguise")
            continue
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path":
            faults.append(f"line {node.lineno}: the package is installed; sys.path is not its business")
            continue
        else:
            continue
        faults += [f"line {node.lineno}: utils.{name} is not below this module" for name in inside
                   if name.split(".")[0] not in allowed]
    return faults


def undocumented(text):
    """Return the public functions, classes and methods of a module's text that have no docstring."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

    def search(body, prefix):
        for node in body:
            if isinstance(node, definitions) and not node.name.startswith("_"):
                if not ast.get_docstring(node):
                    yield prefix + node.name
                if isinstance(node, ast.ClassDef):
                    yield from search(node.body, f"{node.name}.")

    return list(search(ast.parse(text).body, ""))


def test_the_table_goes_one_way():
    order = list(MAY_IMPORT)
    assert all(order.index(below) < order.index(name) for name, allowed in MAY_IMPORT.items() for below in allowed)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_keeps_to_the_rules(path):
    text = path.read_text(encoding="utf-8")
    assert path.stem in MAY_IMPORT, f"{path.name} has no row in the table of allowed imports"
    assert faults_of_imports(text, MAY_IMPORT[path.stem]) == []
    assert len(text.splitlines()) <= LONGEST
    assert ast.get_docstring(ast.parse(text)), "a module's first line says what its one job is"
    assert undocumented(text) == []


@pytest.mark.parametrize("text", [
    "from utils.training import fit", "import utils.training", "from utils import style, training", "from . import style",
    "from .style import BLUE", "from utils.style import *", "def f():\n    from utils import models",
    "import importlib\nimportlib.import_module('utils.models')", "import sys\nsys.path.append('..')",
])  # fmt: skip
def test_a_forbidden_import_is_found(text):
    assert len(faults_of_imports(text, ["style"])) == 1


def test_an_allowed_import_passes():
    text = "import sys\nimport torch\nfrom utils import style\nfrom utils.style import BLUE\nprint(sys.version)"
    assert faults_of_imports(text, ["style"]) == []


def test_a_missing_docstring_is_found():
    text = 'def f(): ...\ndef _g(): ...\nclass C:\n    """Doc."""\n    def m(self): ...\n    def n(self):\n        """Doc."""'
    assert undocumented(text) == ["f", "C.m"]
