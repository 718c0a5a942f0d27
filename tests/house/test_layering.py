"""The package is ten rooms and a door: which room imports from which, and what every module keeps to."""

import ast
import inspect
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import utils

UTILS = Path(__file__).resolve().parents[2] / "utils"
MODULES = sorted(path for path in UTILS.rglob("*.py") if path != UTILS / "__init__.py")
NAMES = {path: ".".join(path.relative_to(UTILS).with_suffix("").parts) for path in MODULES}
LONGEST = 250  # lines of a module: one sitting
ROOMS = {  # room -> the rooms that it may import from, all of which stand above it
    "torchdoctor": [],
    "data": [],
    "progress": [],
    "nets": ["torchdoctor"],
    "figures": ["torchdoctor"],
    "theory": ["nets", "torchdoctor"],
    "widgets": ["figures", "progress", "torchdoctor"],
    "training": ["figures", "torchdoctor", "widgets"],
    "exercises": ["data", "figures", "progress", "torchdoctor", "training"],
    "answers": ["data", "exercises", "nets", "theory", "torchdoctor", "training"],
}


def imports_within(text, name):
    """Return the modules and rooms of utils that a module's text imports, and a sentence for each import out of order.

    name: of the module within utils, "nets.mlp". Modules come by name, sorted; a room stands for all that is in it.
    """
    inside, faults = set(), []
    own_room = name.partition(".")[0]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            inside |= {part.name.removeprefix("utils.") for part in node.names if part.name.split(".")[0] == "utils"}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if bool(node.level) != (own_room == "torchdoctor") and (node.level or module.split(".")[0] == "utils"):
                faults.append(f"line {node.lineno}: torchdoctor, which leaves the house, imports `from .`, all else "
                              "`from utils.`")
            if any(part.name == "*" for part in node.names):
                faults.append(f"line {node.lineno}: a star import hides where a name comes from")
            if node.level:
                folder = name.split(".")[: -node.level]
                module = ".".join([*folder, *filter(None, [module])])
            elif module.split(".")[0] == "utils":
                module = module.removeprefix("utils").removeprefix(".")
            else:
                continue
            inside |= {f"{module}.{part.name}".strip(".") for part in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("__import__", "import_module"):
            faults.append(f"line {node.lineno}: an import in disguise")
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path":
            faults.append(f"line {node.lineno}: the package is installed; sys.path is not its business")
    known = set(NAMES.values())
    return sorted({found if found in known else found.rpartition(".")[0] or found for found in inside}), faults


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
    order = list(ROOMS)
    assert all(order.index(below) < order.index(room) for room, used in ROOMS.items() for below in used)


def test_the_table_holds_the_rooms_that_exist():
    found = {path.stem for path in UTILS.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found == {*ROOMS, "__init__"}
    assert len(ROOMS) == 10


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_the_table_says(room):
    used = {name: imports_within(path.read_text(encoding="utf-8"), name)[0]
            for path, name in NAMES.items() if name.partition(".")[0] == room}
    outside = {below.partition(".")[0] for names in used.values() for below in names} - {room}
    assert sorted(outside) == ROOMS[room], "the table of rooms says otherwise"
    inside = {name: {below for below in names if below.startswith(f"{room}.")} for name, names in used.items()}
    TopologicalSorter(inside).prepare()  # raises CycleError, with the circle, if there is one


@pytest.mark.parametrize("path", MODULES, ids=NAMES.get)
def test_module_keeps_to_the_rules(path):
    text = path.read_text(encoding="utf-8")
    assert imports_within(text, NAMES[path])[1] == []
    assert len(text.splitlines()) <= LONGEST
    assert ast.get_docstring(ast.parse(text)), "a module's first line says what its one job is"
    assert undocumented(text) == []


def test_the_door_says_the_same_to_whoever_runs_it_and_to_whoever_only_reads_it():
    tree = ast.parse((UTILS / "__init__.py").read_text(encoding="utf-8"))
    (typing,) = (node for node in tree.body if isinstance(node, ast.If))
    told = {part.name for node in typing.body for part in node.names}
    assert told == {name for name in utils.__all__ if not name.startswith("chapter")}


@pytest.mark.parametrize("name", utils.__all__)
def test_the_door_leads_to_what_it_names(name):
    found = getattr(utils, name)
    assert name in dir(utils)
    assert found.__name__.rpartition(".")[2] == name
    assert inspect.ismodule(found) or inspect.getdoc(found)


def test_the_door_knows_no_other_name():
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        utils.nonsense  # noqa: B018


@pytest.mark.parametrize("source", sorted(UTILS.parent.glob("chapters/source/**/[0-9]*.py")), ids=lambda path: path.stem)
def test_a_chapter_comes_through_the_door_in_at_most_two_lines(source):
    lines = re.findall(r"^(?:from|import) utils\b.*$", source.read_text(encoding="utf-8"), re.MULTILINE)
    assert 1 <= len(lines) <= 2
    assert all(re.match(r"from utils import \w+(, \w+)*$", line) and len(line) <= 120 for line in lines), lines


@pytest.mark.parametrize("text, name", [
    ("from utils.training.loop import fit", "nets.mlp"), ("import utils.training.loop", "nets.mlp"),
    ("from utils.figures import style\nfrom utils.training import loop", "nets.mlp"),
    ("def f():\n    from utils.training import loop", "nets.mlp"),
    ("from ..training import loop", "torchdoctor.report"), ("from ..training.loop import fit", "torchdoctor.diseases.dead"),
])  # fmt: skip
def test_an_import_is_found_wherever_it_stands(text, name):
    if name == "torchdoctor.diseases.dead":
        text = text.replace("..", "...")
    assert "training.loop" in imports_within(text, name)[0]


@pytest.mark.parametrize("text", [
    "from . import style", "from .style import BLUE", "from utils.figures.style import *", "import sys\nsys.path.append('..')",
    "import importlib\nimportlib.import_module('utils.nets')", "__import__('utils')",
])  # fmt: skip
def test_an_import_out_of_order_is_found(text):
    assert len(imports_within(text, "figures.plots")[1]) == 1


def test_torchdoctor_names_no_house_around_it():
    assert len(imports_within("from utils.nets.mlp import MLP", "torchdoctor.report")[1]) == 1


def test_imports_from_elsewhere_do_not_count():
    text = "import sys\nimport torch\nfrom utils.figures import style\nfrom utils.figures.style import BLUE\nprint(sys.version)"
    assert imports_within(text, "widgets.picture") == (["figures.style"], [])


def test_a_missing_docstring_is_found():
    text = 'def f(): ...\ndef _g(): ...\nclass C:\n    """Doc."""\n    def m(self): ...\n    def n(self):\n        """Doc."""'
    assert undocumented(text) == ["f", "C.m"]
