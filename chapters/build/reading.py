"""Read a chapter's source as the notebook, without outputs, that it describes; which sources there are, and what each makes."""

import hashlib
from collections import Counter

import jupytext
import nbformat

from chapters.build import lesson
from utils.exercises.kernel import LANGUAGE

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": LANGUAGE,
}


class BuildError(Exception):
    """A chapter cannot be built; the message is one sentence for its author."""


def sources_of(folder):
    """Return the sources of a course in `folder`, chapter by chapter: the lesson, and its evidence if it has one."""
    found = [*(folder / "source").glob("[0-9][0-9]_*.py"), *(folder / "source" / "evidence").glob("[0-9][0-9]_*.py")]
    return sorted(found, key=lambda source: (source.stem[:2], is_evidence(source)))


def is_evidence(source):
    """Whether a source is the evidence of a chapter, and no lesson."""
    return source.parent.name == "evidence"


def notebook_of(source):
    """Return the path of the notebook that is made of a source: without the folder `source`."""
    inner = ("evidence",) if is_evidence(source) else ()
    return source.parents[1 + len(inner)].joinpath(*inner, f"{source.stem}.ipynb")


def read_source(source):
    """Return the notebook, without outputs, that `source` describes; cell and slide metadata are kept as written.

    A cell that calls `claim("C1.14", ...)` gets the tag claim-C1.14, and a lesson the time that it takes below its title.

    Speaker notes, Markdown cells of the slide type "notes", become metadata of the cell before them: a lecturer's run
    sheet is made from them (teaching/run_sheet.py), and a learner does not stumble over them.

    Raises BuildError if its header is not that of a notebook, if notes stand before the first cell, or if a claim's id is
    not written where it is made.
    """
    try:
        content = jupytext.read(source, fmt="py:percent")
    except nbformat.ValidationError as error:
        raise BuildError(f"{source.name} does not describe a notebook: {error.message}.") from None
    content.metadata.pop("jupytext", None)
    content.metadata.update(METADATA)
    content.nbformat, content.nbformat_minor = 4, 5
    content.cells = list(_with_notes_attached(content.cells, source))
    seen = Counter()
    for cell in content.cells:
        # An id from the text stays with its cell when others are inserted above it; equal cells are counted.
        text = f"{cell.cell_type}\n{cell.source}"
        cell.id = hashlib.sha256(f"{text}\n{seen[text]}".encode()).hexdigest()[:12]
        seen[text] += 1
        if cell.cell_type == "code":
            _tag_claims(cell, source)
    if not is_evidence(source) and (title := next((cell for cell in content.cells if cell.source.startswith("# ")), None)):
        first, _, rest = title.source.partition("\n")
        title.source = f"{first}\n\n{lesson.head_line(content.cells)}\n{rest}"
    return content


def _tag_claims(cell, source):
    """Tag a cell with the claims that it makes; an assert that is a claim has its tag in the source."""
    try:
        made = [f"claim-{id}" for id in lesson.claim_ids(cell.source)]
    except ValueError as error:
        raise BuildError(f"{source.stem}: {error}, in the cell that begins {cell.source.splitlines()[0]!r}") from None
    if made:
        cell.metadata["tags"] = list(dict.fromkeys([*cell.metadata.get("tags", []), *made]))


def _with_notes_attached(cells, source):
    """Yield the cells that are no speaker notes; each note goes into the metadata of the cell before it."""
    shown = None
    for cell in cells:
        if cell.metadata.get("slideshow", {}).get("slide_type") != "notes":
            if shown is not None:
                yield shown
            shown = cell
        elif shown is None:
            raise BuildError(f"{source.name} begins with speaker notes: they belong below the cell that they speak of.")
        else:
            shown.metadata["notes"] = "\n".join([*filter(None, [shown.metadata.get("notes")]), cell.source.strip()])
    if shown is not None:
        yield shown


def in_step(source, notebook):
    """Whether `notebook` exists and holds the cells of `source`: types, texts, metadata and ids."""
    def described(content):
        return [(cell.cell_type, cell.source, cell.metadata, cell.get("id")) for cell in content.cells]

    try:
        built = nbformat.read(notebook, as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError):  # absent, or no notebook
        return False
    return described(built) == described(read_source(source))
