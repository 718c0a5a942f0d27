"""Run a part of a chapter: pick cells, and keep with them what binds the names that they need."""

import ast
import dis
import types


def keep_needed(content, is_wanted):
    """Drop from a notebook all but the code cells that `is_wanted(cell, names it reads)` picks and what these need."""
    needed, kept = set(), []
    for cell in reversed([cell for cell in content.cells if cell.cell_type == "code"]):
        code = compile(cell.source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        bound, used = _globals_of(code, "STORE"), _globals_of(code, "LOAD")
        if is_wanted(cell, used) or bound & needed:
            kept.insert(0, cell)
            needed = (needed - bound) | used
    content.cells = kept
    return content


def _globals_of(code, operation):
    """Return the global names that a code object and the functions in it read ("LOAD") or bind ("STORE")."""
    opcodes = {f"{operation}_NAME", f"{operation}_GLOBAL"}
    found = {step.argval for step in dis.get_instructions(code) if step.opname in opcodes}
    return found.union(*(_globals_of(part, operation) for part in code.co_consts if isinstance(part, types.CodeType)))
