"""Can a chapter's claims fail? Try each `assert` and each `claim` on wrong figures, where its cell has just run.

That is in nbval's kernel (see conftest.py at the top), so that no chapter is executed once more for it.

An assertion that no wrong figure can break proves nothing. So each name that an assertion reads, and that the chapter
computed, is replaced by wrong values, one name at a time; at least one of them must make the assertion false.
Only the assertion's own expression is evaluated again, never the cell.
"""

import ast
import asyncio
import copy
import dataclasses
import inspect
import re
from numbers import Number

import numpy as np
import torch

CHANGES = {
    "times 100": lambda v: v * 100,
    "divided by 100": lambda v: v / 100,
    "negated": lambda v: -v,
    "replaced by zero": lambda v: torch.zeros_like(v) if isinstance(v, torch.Tensor) else np.zeros_like(v)[()],
    "plus 1": lambda v: v + 1,
}
# nan breaks nearly anything, tautologies included: it counts only where finiteness itself is the claim.
NOT_FINITE = {"replaced by nan": lambda v: v * float("nan")}


def run_cells(content, namespace):
    """Execute the notebook's code cells in `namespace`, in order; yield each one when it has run."""
    with asyncio.Runner() as runner:
        for cell in content.cells:
            if cell.cell_type != "code":
                continue
            code = compile(cell.source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            result = eval(code, namespace)
            if inspect.iscoroutine(result):
                runner.run(_awaited(result))
            yield cell


async def _awaited(coroutine):
    return await coroutine


def broken_claims(content):
    """Run a notebook without outputs; return a sentence for each claim's cell that asserts nothing or cannot fail."""
    namespace, before, problems = {"__name__": "__main__"}, [], []
    for cell in run_cells(content, namespace):
        problems += problems_of_claim(cell.metadata.get("tags", []), cell.source, before, namespace)
        before.append(cell.source)
    return problems


def problems_of_claim(tags, source, before, namespace):
    """Return a sentence for each claim of a cell, just run in `namespace`, that asserts nothing or cannot fail.

    tags: of the cell, some of which may name claims. before: the sources of the code cells above it.
    """
    claims = ", ".join(tag for tag in tags if tag.startswith("claim-"))
    if not claims:
        return []
    literal, tree = {}, ast.parse(source)
    for earlier in [*map(ast.parse, before), tree]:
        _note_bindings(earlier, literal)
    assertions = [(f"assert {ast.unparse(test)}", test) for test in _assertions(tree)]
    if not assertions:
        return [f"{claims}: the cell holds no assert, and no claim, outside of a function."]
    reasons = [(what, why_it_cannot_fail(test, namespace, literal)) for what, test in assertions]
    return [f"{claims}: `{what}` {reason}" for what, reason in reasons if reason]


def why_it_cannot_fail(test, namespace, literal=()):
    """Return why no wrong figure makes the expression `test` false, or None if one does.

    literal: names of which the value is True here are bound to written-down values only, so they are no measurement.
    """
    literal = {name for name, only in dict(literal).items() if only}
    names = sorted({node.id for node in ast.walk(test) if isinstance(node, ast.Name)} & namespace.keys() - literal)
    if isinstance(test, ast.Name) and isinstance(namespace.get(test.id), (bool, np.bool_, torch.Tensor)):
        return "is the name of a result: write the comparison itself there, so that wrong figures can be tried in it."
    measured = [name for name in names if _is_figure(namespace[name])]
    if not measured:
        return "reads no computed figure: it is a constant. Store what was measured in a name, and assert on that."
    code = compile(ast.Expression(test), "<assert>", "eval")
    text = ast.unparse(test)
    changes = {**CHANGES, **NOT_FINITE} if re.search("isfinite|isnan|isinf", text) else CHANGES
    for name in measured:
        for change in changes.values():
            wrong = {**namespace, name: _changed(namespace[name], change)}
            try:
                holds = bool(eval(code, wrong))
            except Exception:  # noqa: BLE001 - a crash on a wrong figure (an index, for example) proves nothing
                holds = True
            if not holds:
                return None
    return f"holds for wrong values of {', '.join(measured)} as well: it cannot fail."


def _assertions(tree):
    """Yield what a cell asserts or claims, except in functions and classes, whose names are not the cell's."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Assert):
            yield node.test
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "claim":
            named = {word.arg: word.value for word in node.keywords}
            yield node.args[2] if len(node.args) > 2 else named["holds"]
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _assertions(node)


def _note_bindings(tree, literal):
    """Note in `literal` (name -> bool) whether each name that the cell binds only ever got a written-down value."""
    written = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                written.update(_written_down(target, node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            literal[node.id] = literal.get(node.id, True) and id(node) in written


def _written_down(target, value):
    """Return {id(name node): True} for the names of an assignment that get a literal; an empty list is to be filled."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        pairs = zip(target.elts, value.elts)
        return {key: True for left, right in pairs for key in _written_down(left, right)}
    try:
        content = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError):
        return {}
    return {} if content in ([], {}) else {id(target): True}


def _is_figure(value):
    """Whether a value is a figure or holds one: a number, a text, a tensor, an array, or a collection of such."""
    if isinstance(value, (Number, str, torch.Tensor, np.ndarray)) and not isinstance(value, torch.nn.Parameter):
        return True
    if isinstance(value, dict):
        return any(map(_is_figure, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_is_figure, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return any(_is_figure(getattr(value, field.name)) for field in dataclasses.fields(value))
    return False


def _changed(value, change):
    """Return a copy of `value` with `change` applied to each figure in it; truth values are flipped, texts emptied."""
    if isinstance(value, str):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return not value
    if isinstance(value, (torch.Tensor, np.ndarray)):
        if value.dtype in (torch.bool, np.dtype(bool)):
            return ~value
        return change(value.detach() if isinstance(value, torch.Tensor) else value)
    if isinstance(value, Number):
        return change(value)
    if isinstance(value, dict):
        return {key: _changed(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_changed(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = copy.copy(value)
        for field in dataclasses.fields(value):
            object.__setattr__(changed, field.name, _changed(getattr(value, field.name), change))
        return changed
    return value
