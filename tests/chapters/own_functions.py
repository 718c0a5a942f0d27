"""The functions of utils that one chapter alone uses: what a lesson hides there counts as its own code."""

import ast
import functools
import inspect
import textwrap
from pathlib import Path

import utils
from tests.chapters.sample import EVIDENCE, ROOT, SOURCES, build

# All but the door, which names what there is and uses nothing.
MODULES = [path for folder in ("utils", "teaching") for path in (ROOT / folder).rglob("*.py") if path.parent.name != "utils"]


def own_functions(source):
    """Return name -> lines of code, without docstring, of each function of utils that this lesson alone uses.

    Those that only such a function calls are among them. The lesson's own evidence is no other user. Checkers do not
    count, and neither do classes and data, patients among them.
    """
    elsewhere = {name for other in SOURCES + EVIDENCE if other.stem != source.stem for name, _ in names_in(_code(other))}
    found, waiting = [], used_functions(_code(source))
    while waiting:
        function = waiting.pop()
        if function.__name__ not in elsewhere and function not in found and _is_alone(function, found):
            found.append(function)
            waiting += _called_by(function)
    return {function.__name__: lines_of(function) for function in found}


def used_functions(code):
    """Return the functions of utils that code uses, by a name from the door or as an attribute of a module from there."""
    tree, found = ast.parse(code), []
    doors = {part.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "utils"
             for part in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in doors:
            found.append(getattr(utils, node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in doors:
            found.append(getattr(getattr(utils, node.value.id), node.attr, None))
    return _counted(found)


def lines_of(function):
    """Count the lines of a function, without its docstring and empty ones."""
    text = inspect.getsource(function)
    definition = ast.parse(textwrap.dedent(text)).body[0]
    lines = text.splitlines()
    if ast.get_docstring(definition) is not None:
        first, last = definition.body[0].lineno, definition.body[0].end_lineno
        lines[first - 1 : last] = []
    return len([line for line in lines if line.strip()])


def names_in(code):
    """Return the names that code uses, of variables, attributes and imports, each as (name, number of its line)."""
    names = {ast.Name: lambda node: [node.id], ast.Attribute: lambda node: [node.attr],
             ast.ImportFrom: lambda node: [part.name for part in node.names]}
    return [(name, node.lineno) for node in ast.walk(ast.parse(code)) if type(node) in names for name in names[type(node)](node)]


def _called_by(function):
    return _counted([function.__globals__.get(name) for name in function.__code__.co_names])


def _counted(values):
    """Return the functions of utils among `values`, each once; checkers do not count, and neither do quizzes, the clinic and
    drawings: what is drawn of a subject is no code of its lesson."""
    functions = {inspect.unwrap(value) for value in values if inspect.isfunction(value)}
    ours = [function for function in functions if function.__module__.startswith("utils.")
            and not function.__module__.startswith(("utils.exercises.", "utils.figures.")) and not function.__name__.startswith("check_")]
    return sorted(ours, key=lambda function: function.__qualname__)


def _is_alone(function, own):
    """Whether no module uses a function, save for itself and the functions `own`."""
    ranges = [_place_of(one) for one in [function, *own]]
    return not any(name == function.__name__ and not any(path == file and number in lines for file, lines in ranges)
                   for path in MODULES for name, number in _names_of(path))


def _place_of(function):
    lines, first = inspect.getsourcelines(function)
    return Path(inspect.getsourcefile(function)), range(first, first + len(lines))


@functools.cache
def _names_of(path):
    return names_in(path.read_text(encoding="utf-8"))


@functools.cache
def _code(source):
    return "\n".join(cell.source for cell in build.read_source(source).cells if cell.cell_type == "code")
