"""The package is small rooms in one direction: who imports whom, and what every module keeps to."""

import ast
from pathlib import Path

import pytest

UTILS = Path(__file__).resolve().parent.parent / "utils"
MODULES = sorted(UTILS.glob("*.py"))
LONGEST = 250  # lines of a module: one sitting
IMPORTS = {  # of each module, within utils; whoever stands above may be imported
    "style": [],
    "errors": [],
    "progress": [],
    "data": [],
    "timeline": [],
    "activations": ["errors"],
    "alt_text": [],
    "frame": [],
    "png": [],
    "caption": ["style"],
    "svg": ["style"],
    "recording": [],
    "diagnostics": ["errors", "recording"],
    "initialization": ["errors"],
    "theory": ["activations", "errors"],
    "phase": ["activations", "errors", "theory"],
    "models": ["activations", "errors", "initialization"],
    "recurrent": ["errors"],
    "through_time": ["errors", "recurrent"],
    "residual": ["activations", "errors", "initialization", "models"],
    "transformer": ["errors", "initialization", "models"],
    "plots": ["style"],
    "diagrams": ["style"],
    "maps": ["style"],
    "canvas": ["alt_text", "caption", "errors", "frame", "png", "style", "svg"],
    "controls": ["errors"],
    "live": ["canvas", "style"],
    "hall": ["style"],
    "picture": ["canvas", "controls", "style"],
    "explore": ["canvas", "controls", "hall", "picture", "progress", "style"],
    "history": [],
    "training": ["errors", "history", "live"],
    "verdict": [],
    "handwork": [],
    "choice": ["verdict"],
    "checking": ["errors", "handwork", "progress", "verdict"],
    "quiz": ["choice", "progress", "verdict"],
    "clinic": ["choice", "data", "progress", "quiz", "training", "verdict"],
    "chapter01": ["checking", "clinic", "models"],
    "chapter02": ["checking", "clinic", "models", "quiz"],
    "chapter03": ["checking", "clinic", "models", "quiz"],
    "chapter04": ["checking", "clinic", "models", "quiz"],
    "chapter05": ["checking", "clinic", "models", "quiz", "theory", "verdict"],
    "chapter06": ["checking", "clinic", "data", "quiz", "residual", "training", "verdict"],
    "chapter07": ["checking", "clinic", "data", "errors", "models", "quiz", "recurrent"],
    "thresholds": [],
    "criterion": ["errors"],
    "listening": ["criterion", "recording", "thresholds"],
    "examination": ["criterion", "diagnostics", "errors", "listening", "recording", "thresholds"],
    "findings": ["thresholds"],
    "prescription": ["activations", "examination", "listening", "theory", "thresholds"],
    "report": ["canvas", "plots", "style", "thresholds"],
    "diagnosis": ["criterion", "errors", "examination", "findings", "prescription", "report", "training"],
    "watching": ["canvas", "errors", "plots", "recording"],
    "__init__": ["diagnosis", "watching"],
}


def imports_within(text):
    """Return what a module's text imports from utils (names, sorted), and a sentence for each import out of order."""
    inside, faults = set(), []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            inside |= {name.name.removeprefix("utils.") for name in node.names if name.name.split(".")[0] == "utils"}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                faults.append(f"line {node.lineno}: a relative import; write `from utils import ...`")
            if any(name.name == "*" for name in node.names):
                faults.append(f"line {node.lineno}: a star import hides where a name comes from")
            module = node.module or ""
            if module == "utils":
                inside |= {name.name for name in node.names}
            elif module.startswith("utils."):
                inside.add(module.split(".")[1])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("__import__", "import_module"):
            faults.append(f"line {node.lineno}: an import in disguise")
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path":
            faults.append(f"line {node.lineno}: the package is installed; sys.path is not its business")
    return sorted(inside), faults


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
    order = list(IMPORTS)
    assert all(order.index(below) < order.index(name) for name, used in IMPORTS.items() for below in used)


def test_the_table_holds_the_modules_that_exist():
    assert sorted(IMPORTS) == [path.stem for path in MODULES]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_keeps_to_the_rules(path):
    text = path.read_text(encoding="utf-8")
    assert imports_within(text) == (IMPORTS.get(path.stem), []), "the table of imports says otherwise"
    assert len(text.splitlines()) <= LONGEST
    assert ast.get_docstring(ast.parse(text)), "a module's first line says what its one job is"
    assert undocumented(text) == []


@pytest.mark.parametrize("text", [
    "from utils.training import fit", "import utils.training", "from utils import style, training",
    "from utils.style import BLUE\nfrom utils.training import *", "def f():\n    from utils import training",
])  # fmt: skip
def test_an_import_is_found_wherever_it_stands(text):
    assert "training" in imports_within(text)[0]


@pytest.mark.parametrize("text", [
    "from . import style", "from .style import BLUE", "from utils.style import *", "import sys\nsys.path.append('..')",
    "import importlib\nimportlib.import_module('utils.models')", "__import__('utils')",
])  # fmt: skip
def test_an_import_out_of_order_is_found(text):
    assert len(imports_within(text)[1]) == 1


def test_imports_from_elsewhere_do_not_count():
    text = "import sys\nimport torch\nfrom utils import style\nfrom utils.style import BLUE\nprint(sys.version)"
    assert imports_within(text) == (["style"], [])


def test_a_missing_docstring_is_found():
    text = 'def f(): ...\ndef _g(): ...\nclass C:\n    """Doc."""\n    def m(self): ...\n    def n(self):\n        """Doc."""'
    assert undocumented(text) == ["f", "C.m"]
