"""What a kernel of the course does on top of IPython: two slips get one sentence, and opening a lesson changes nothing.

course.py names this module to the kernels of its environment, as an IPython extension. Two slips are known: a cell that
runs before those above it, and an answer without quotes. All else that goes wrong, in a cell or within a function of the
learner's, has its traceback as ever.
"""

import json
import os
import re
import symtable
import traceback

# What a kernel says of its language goes into every notebook that it opens. Without the version of this Python, and
# equal to what the build saves, it changes nothing there: the notebook is not marked as unsaved.
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py", "mimetype": "text/x-python",
    "name": "python", "nbconvert_exporter": "python", "pygments_lexer": "ipython3", "version": "3",
}  # fmt: skip
_CELL = re.compile(r"<module>|<cell line: \d+>|<(list|set|dict)comp>|<genexpr>")  # code that is no function of the learner's
_ANSWER = re.compile(r"(?<=[=:,]) *([A-Za-z][\w' -]*?) *(?=[,}]|$)")  # words behind "=", ":" or ",", without quotes
_CODE_WORDS = {"if", "else", "for", "lambda", "await", "yield", "from", "import"}  # these stand in no answer


def load_ipython_extension(shell):
    """Let this IPython answer slips in one sentence."""
    shell.set_custom_exc((NameError, SyntaxError), _show)
    if kernel := getattr(shell, "kernel", None):
        kernel.language_info = LANGUAGE


def unload_ipython_extension(shell):
    """Let this IPython answer as ever."""
    shell.set_custom_exc((), None)


def _show(shell, kind, error, trace, tb_offset=None):
    """Show an error: a slip as one sentence, all else as IPython does."""
    own = [frame.f_code.co_name for frame, _ in traceback.walk_tb(trace) if frame.f_globals is shell.user_global_ns]
    if issubclass(kind, SyntaxError):
        sentence = "" if own else forgotten_quotes(error.text or "")
        if not sentence and issubclass(kind, IndentationError) and not own:
            return shell.showindentationerror()
    else:
        inner = [frame for frame, _ in traceback.walk_tb(trace)][-1]
        cell = shell.get_parent().get("metadata", {}).get("cellId") if hasattr(shell, "get_parent") else None
        line, above = _line_and_above(trace, shell, cell)
        ours = kind is NameError and inner.f_globals is shell.user_global_ns  # no variable of a function before its value
        # A function that the cell defines and calls may be where a name is missing. Words without quotes are not looked for there.
        sentence = slip(error, line if all(map(_CELL.fullmatch, own)) else "", above) if ours else ""
    if sentence:
        return shell._showtraceback(kind, error, [f"{kind.__name__}: {sentence}"])
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=bool(own))


def slip(error, line, above):
    """Return one sentence on a NameError in a line of a cell, or "" if it is no slip that is known.

    line: "" within a function of the learner's, where no answer stands; above: the sources of the cells above this one.
    """
    if any(error.name in names_made(source) for source in above):
        return (f"this cell needs `{error.name}`, which a cell above makes: choose Run > Run All Above Selected Cell, "
                "then run this cell again")
    return forgotten_quotes(line, error.name)


def forgotten_quotes(line, name=None):
    """Return one sentence on a line of code if it gives words as an answer that has no quotes, or "".

    name: the word among them that means nothing to Python; without it, two words in a row are an answer.
    """
    if "(" in line:  # a call: what stands in it are names, and no answers
        return ""
    for words in _ANSWER.findall(line.partition("#")[0].strip()):
        parts = set(re.findall(r"\w+", words))
        if not parts & _CODE_WORDS and (name in parts if name else " " in words):
            return f'an answer stands in quotes: "{words}"'
    return ""


def names_made(source):
    """Return the names that a cell makes: what it assigns, defines and imports; none of a cell that is no plain Python."""
    try:
        symbols = symtable.symtable(source, "cell", "exec").get_symbols()
    except (SyntaxError, ValueError):
        return set()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


def _line_and_above(trace, shell, cell):
    """Return the line of the running cell that failed, and the sources of the code cells above it in its notebook."""
    inner = traceback.extract_tb(trace)[-1]
    try:
        with open(os.environ.get("JPY_SESSION_NAME", ""), encoding="utf-8") as file:  # JupyterLab tells it to the kernel
            cells = json.load(file)["cells"]
    except (OSError, ValueError, KeyError):  # a notebook that is not saved, or none at all
        cells = []
    ids = [one.get("id") for one in cells]
    above = cells[: ids.index(cell)] if cell in ids else cells
    return inner.line or "", ["".join(one["source"]) for one in above if one["cell_type"] == "code"]
