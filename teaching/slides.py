"""The notebook that a hall sees: a chapter's own cells, cut so that every slide begins with a thought of its own.

A lesson is written to be read on, and it is short of cells: what a picture has shown stands above the next heading, in one
cell. On slides that is the wrong place. So a conclusion moves to the picture that it speaks of, where it comes with one
more key, and the slide after it begins with its heading. Lecture, slides to hand out, and run sheets are all made from
this, and count alike.

For the same reason what answers a question comes with one more key than the question, and what a reader is to try stands
above its sliders.
"""

import ast
import copy
import itertools
import re

from chapters.build.lesson import HEAD, tags_of, words_of

BEGINS = ("slide", "subslide")
CONCLUSION = "slide-conclusion"  # the tag of what a picture has shown; teaching/lecture.css makes room for it
LONGEST = 75  # words of a conclusion below its picture; a longer one is a slide of its own
TRAININGS = ("race", "fit")
LIVE = ("explore", "predict")  # what a hall works with, and keeps its answer to itself
TO_TRY = re.compile(r"\n\n(\*Try:\*(?:(?!\n\n).)*)\s*\Z", re.DOTALL)  # the last paragraph of a text
NOT_SHOWN = re.compile(r"<!--.*?-->", re.DOTALL)  # a definition for the glossary
ALONE = re.compile(r"\n\n(?:(?!\n\n).)*\*\*Shift\+Enter\*\*(?:(?!\n\n).)*", re.DOTALL)  # a paragraph for who reads alone


def slide_type(cell):
    """Return a cell's slide type: "slide", "subslide", "fragment", "skip", or "-", which goes on with the slide."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "-") or "-"


def has_slides(notebook):
    """Whether any cell says where a slide begins."""
    return any(slide_type(cell) in BEGINS for cell in notebook.cells)


def for_the_hall(notebook):
    """Return a copy of a chapter's notebook whose slides begin with a heading or a question, never with an answer.

    What stands between a picture and the next heading is the conclusion of the picture's slide, unless it leads to
    another picture. Each heading of a cell begins a slide of its own. What is to be tried goes to the slide of its sliders, and a result below a question waits for a key.
    The title loses what it says to who reads alone: the minutes, and how to run a cell.
    """
    hall = copy.deepcopy(notebook)
    shown = [cell for cell in hall.cells if slide_type(cell) != "skip"]
    if shown and shown[0].cell_type == "markdown":
        shown[0].source = ALONE.sub("", HEAD.sub("", shown[0].source)).strip()
    for text, question, code in zip(shown, shown[1:], shown[2:]):
        _move_what_to_try(text, question, code)
    for text, code in itertools.pairwise(shown):
        if _asks(text) and slide_type(code) == "-" and _answers(code):
            code.metadata["slideshow"] = {"slide_type": "fragment"}
    neighbours = {id(cell): pair for cell, *pair in zip(shown, [None, *shown], [*shown[1:], None])}
    hall.cells = [part for cell in hall.cells for part in _divided(cell, *neighbours.get(id(cell), (None, None)))]
    return hall


def _divided(cell, before, after):
    """Return the cell as a list: the conclusion of the slide before, if it has one, and what its headings begin.

    before, after: its neighbours on slides, None at either end. The notes stay with its first heading above the third
    level, or with its first: what stands before that one still speaks of the slide before, and counts as a conclusion.
    """
    if cell.cell_type != "markdown" or slide_type(cell) == "skip":
        return [cell]
    said, *headed = re.split(r"^(?=#{1,3} )", cell.source, flags=re.MULTILINE)
    leads_on = not headed and (_is_code(after) or slide_type(cell) not in BEGINS)
    parts = []
    if said.strip() and _is_code(before) and not leads_on:
        kind = "fragment" if words_of(said) <= LONGEST else "subslide"
        parts.append(_part(cell, said, kind, concludes=True, id=f"{cell.id}-a" if headed else cell.id))
    else:
        headed = ["".join([said, *headed[:1]]), *headed[1:]]
        if len(headed) == 1:
            return [cell]
    own = next((number for number, text in enumerate(headed) if not text.startswith("###")), 0)
    for number, text in enumerate(headed):
        kind = "subslide" if text.startswith("###") else "slide"
        if number == own:
            cell.source = text.strip()
            cell.metadata["slideshow"] = {"slide_type": slide_type(cell) if slide_type(cell) in BEGINS else kind}
            parts.append(cell)
        else:
            parts.append(_part(cell, text, kind, concludes=number < own, id=f"{cell.id}-{number}"))
    return parts


def _part(cell, text, kind, concludes, id):
    """Return a copy of a Markdown cell with a part of its text, and without its notes unless it stays the cell itself."""
    part = copy.deepcopy(cell)
    part.source = text.strip()
    part.metadata["slideshow"] = {"slide_type": kind}
    if concludes:
        part.metadata["tags"] = [*tags_of(cell), CONCLUSION]
    if id != cell.id:
        part.id = id
        part.metadata.pop("notes", None)
    return part


def _move_what_to_try(text, question, code):
    """Move a last paragraph "*Try:* ..." of a text to the question that begins the next slide, if it has the sliders."""
    found = TO_TRY.search(text.source)
    sliders = code.cell_type == "code" and calls(code.source, ("explore",))
    if found and sliders and text.cell_type == question.cell_type == "markdown" and slide_type(question) in BEGINS:
        text.source = text.source[: found.start()]
        question.source = f"{question.source.strip()}\n\n{found[1]}"


def _asks(cell):
    """Whether a text ends with a question: one stands in its last paragraph, a heading not counted."""
    last = NOT_SHOWN.sub("", cell.source).strip().split("\n\n")[-1]
    return cell.cell_type == "markdown" and "?" in last and not last.startswith("#")


def _answers(cell):
    """Whether a cell shows a result as soon as it is seen. A widget does not, a training that waits does not, nor does the
    chart of a patient, which is part of the question. What one takes home is shown for its code.
    """
    if cell.cell_type != "code" or not cell.get("outputs") or "take-home" in tags_of(cell):
        return False
    return not (calls(cell.source, LIVE) or has_chart(cell.source) or "clinic.chart(" in cell.source)


def calls(source, names):
    """Return the calls of functions of these names in a cell, as nodes of its syntax tree."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call for call in nodes if getattr(call.func, "id", None) in names]


def has_chart(source):
    """Whether a cell trains with a chart of the loss in view: such a training is worth starting before the hall's eyes."""
    return any("live" not in {word.arg for word in call.keywords} for call in calls(source, TRAININGS))


def _is_code(cell):
    """Whether there is such a cell, and it shows something that was computed."""
    return cell is not None and cell.cell_type == "code"
