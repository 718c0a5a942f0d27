"""The glossary: each term of the lessons with what it means, made from where it first stands.

In a lesson a term is in bold where it is explained, and a comment that no reader sees holds the sentence for the glossary:

    ... next to nothing passes: we say that the unit is **saturated**.
    <!-- term: Of a unit: its pre-activation lies on a flat end of the curve, where the slope is next to zero. -->
"""

import re

TERM = re.compile(r"\*\*([^*]+)\*\*((?:(?!\*\*).)*?)<!-- term: (.+?) -->", re.DOTALL)
HEAD = """# Glossary

<!-- Made by course.py build from the lessons, where each term is explained: edit it there. -->
"""


class GlossaryError(ValueError):
    """A term is marked in a way that gives no entry; the message is one sentence for its author."""


def terms_of(cells):
    """Return the terms of a lesson, name -> definition, in the order in which they stand; raise GlossaryError."""
    found = {}
    for cell in cells:
        if cell.cell_type != "markdown":
            continue
        entries = TERM.findall(cell.source)
        if len(entries) != len(re.findall(r"<!--\s*term\b", cell.source)):
            raise GlossaryError("a term is written **term**, and behind it <!-- term: its definition. -->, in this cell: "
                                f"{cell.source.splitlines()[0]}")
        for name, _, definition in entries:
            name = " ".join(name.split())
            if name in found:
                raise GlossaryError(f"the term {name!r} is defined twice")
            found[name] = " ".join(definition.split())
    return found


def glossary(lessons):
    """Return the text of the glossary, or "" without any term. lessons: file name of a notebook -> its cells.

    Raises GlossaryError if two lessons define one term.
    """
    entries = {}
    for notebook, cells in lessons.items():
        for name, definition in terms_of(cells).items():
            if name in entries:
                raise GlossaryError(f"the term {name!r} is defined in {entries[name][0]} and in {notebook}")
            entries[name] = notebook, definition
    lines = [f"- **{name}** ([chapter {int(notebook[:2])}]({notebook})): {definition}"
             for name, (notebook, definition) in sorted(entries.items(), key=lambda entry: entry[0].casefold())]
    return "\n".join([HEAD, *lines, ""]) if lines else ""
