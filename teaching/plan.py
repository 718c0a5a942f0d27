"""What the page of a lecture is told of a chapter: where its slides and steps begin, what is run before the talk, and
which trainings wait for their Start, with the cells that hang on them.

Cells are named by their ids. `read_plan` gives, for the built notebook of a chapter:

    "slides"   the number of slides, counted as on the run sheet
    "steps"    for each press of a key: [the cell that it begins with, the cell to stand on, the number of its slide]
    "run"      the cells to run before the talk, in order
    "waiting"  cell of a training that waits -> the cells that are run after it, which are not run before
"""

import ast
import re
import symtable

from teaching.run_sheet import read_slides
from teaching.slides import BEGINS, TRAININGS, calls, has_chart, slide_type

STEPS = (*BEGINS, "fragment")


def read_plan(notebook):
    """Return the plan of a built notebook as a dict; see above."""
    code = [cell for cell in _before_exercises(notebook.cells) if cell.cell_type == "code"]
    waiting = {cell.id: dependents(cell, code) for cell in code if slide_type(cell) != "skip" and has_chart(cell.source)}
    later = {name for names in waiting.values() for name in names}
    slides = read_slides(notebook)
    return {
        "slides": len(slides),
        "steps": [[*step, number] for number, slide in enumerate(slides, start=1) for step in _steps(slide)],
        "run": [cell.id for cell in code if cell.id not in later],
        "waiting": waiting,
    }


def dependents(cell, code):
    """Return the ids of those of the cells `code` that come after `cell` and use what it makes, or what is made of that."""
    made, found = bound(cell.source) | _trained(cell.source), []
    for other in code[code.index(cell) + 1 :]:
        if used(other.source) & made:
            found.append(other.id)
            made = made | bound(other.source)
        else:
            made = made - bound(other.source)
    return found


def bound(source):
    """Return the names that a cell gives a value."""
    symbols = symtable.symtable(source, "cell", "exec").get_symbols()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


def used(source):
    """Return the names that a cell, or a function in it, takes from the cells before it."""
    found, given = set(), set()
    for statement in ast.parse(source).body:
        text = ast.unparse(statement)
        found |= (_read(symtable.symtable(text, "cell", "exec")) | _added_to(statement)) - given
        given |= bound(text)
    return found


def _trained(source):
    """Return the names of what a cell trains, in place, and may have got from a cell before it."""
    nets = [call.args[0] for call in calls(source, TRAININGS) if call.args]
    return {node.id for net in nets for node in ast.walk(net) if isinstance(node, ast.Name)}


def _read(table):
    outside = [symbol for symbol in table.get_symbols() if table.get_type() == "module" or symbol.is_global()]
    names = {symbol.get_name() for symbol in outside if symbol.is_referenced()}
    return names.union(*map(_read, table.get_children()))


def _added_to(statement):
    """Return the names of `name += ...`, which Python's symbol table counts as given and not as read."""
    inside = [] if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) else ast.walk(statement)
    return {node.target.id for node in inside if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)}


def _before_exercises(cells):
    """Return the cells without those of the exercises, which the hall does not see."""
    kept, exercises = [], False
    for cell in cells:
        if cell.cell_type == "markdown" and (heading := re.match(r"##? (.+)", cell.source)):
            exercises = heading[1].strip() == "Exercises"
        if not exercises:
            kept.append(cell)
    return kept


def _steps(slide):
    """Return (first cell, cell to stand on) of each part of a slide that one key shows.

    To stand on the code opens it with Enter, and runs it with Ctrl-Enter.
    """
    parts = []
    for cell in slide.cells:
        if slide_type(cell) in STEPS or not parts:
            parts.append([])
        parts[-1].append(cell)
    return [(part[0].id, next((cell for cell in part if cell.cell_type == "code"), part[0]).id) for part in parts]
