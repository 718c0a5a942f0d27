"""The functions of utils that one chapter alone uses: what a lesson hides there counts as its own code."""

import ast
import functools
import inspect
import re
import textwrap
from pathlib import Path

import utils
from tests.chapters.sample import EVIDENCE, ROOT, SOURCES, build

CODE = {path: path.read_text(encoding="utf-8") for folder in ("utils", "teaching") for path in (ROOT / folder).rglob("*.py")}
TYPED = re.compile(r"^if TYPE_CHECKING.*?^_ROOMS = ", re.MULTILINE | re.DOTALL)  # the door's names are no use of them


def own_functions(source):
    """Return name -> lines of code, without docstring, of each function of utils that this lesson alone uses.

    Its own evidence is no other user. Checkers do not count, and patients are no functions.
    """
    cells = _code(source)
    others = "\n".join(_code(other) for other in SOURCES + EVIDENCE if other.stem != source.stem)
    found = {}
    for function in used_functions(cells):
        path, name = Path(inspect.getsourcefile(function)), function.__name__
        within = CODE[path].replace(f"def {name}(", "")
        elsewhere = [TYPED.sub("", text) for other, text in CODE.items() if other != path]
        if not any(re.search(rf"\b{name}\b", text) for text in [others, within, *elsewhere]):
            found[name] = lines_of(function)
    return found


def used_functions(code):
    """Return the functions of utils that code uses, by a name from the door or as an attribute of a module from there."""
    tree, found = ast.parse(code), {}
    doors = {part.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "utils"
             for part in node.names}
    for node in ast.walk(tree):
        value = None
        if isinstance(node, ast.Name) and node.id in doors:
            value = getattr(utils, node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in doors:
            value = getattr(getattr(utils, node.value.id), node.attr, None)
        value = inspect.unwrap(value) if callable(value) else value
        if inspect.isfunction(value) and value.__module__.startswith("utils.") and not value.__name__.startswith("check_"):
            found[value.__qualname__, value.__module__] = value
    return list(found.values())


def lines_of(function):
    """Count the lines of a function, without its docstring and empty ones."""
    text = inspect.getsource(function)
    definition = ast.parse(textwrap.dedent(text)).body[0]
    lines = text.splitlines()
    if ast.get_docstring(definition) is not None:
        first, last = definition.body[0].lineno, definition.body[0].end_lineno
        lines[first - 1 : last] = []
    return len([line for line in lines if line.strip()])


@functools.cache
def _code(source):
    return "\n".join(cell.source for cell in build.read_source(source).cells if cell.cell_type == "code")
