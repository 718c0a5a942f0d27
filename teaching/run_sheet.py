"""The run sheet of a talk: its slides in order, the minutes, and what the speaker asks, hears and says.

Speaker notes stand in a chapter's source, below the slide that they speak of, in a Markdown cell of the slide type
"notes". Each line is a key and a text; a line without a key goes on with the one before:

    # %% [markdown] slideshow={"slide_type": "notes"}
    # Minutes: 4 / 2
    # Ask: How large is layer 1's gradient, compared with the last layer's?
    # Expect: most hands go up for 1e-8.
    # Misconception: the slope is taken for the whole factor; the weights are forgotten.
    # Answer: about the same size. Move depth to 40 and let them watch the line.

"Minutes: 4 / 2" are those of the 45-minute and of the 20-minute talk; with one number the slide is left out of the
short one. chapters/build/reading.py moves the notes into the metadata of the cell above them.
"""

import re
from dataclasses import dataclass, field
from html import escape
from textwrap import shorten

from chapters.build.lesson import tags_of
from teaching.slides import BEGINS, CONCLUSION, NOT_SHOWN, slide_type

KEYS = ("Minutes", "Ask", "Expect", "Misconception", "Answer", "Say", "Do")
LENGTHS = (45, 20)  # minutes of the two talks


class NotesError(ValueError):
    """A chapter's speaker notes cannot be read; the message is one sentence for their author."""


@dataclass
class Slide:
    """A slide: its title, its cells, the minutes of each talk (0: left out), and its notes as pairs (key, text).

    One that `concludes` says what the slide before has shown; its time is part of that slide's.
    """

    title: str
    cells: list
    concludes: bool = False
    minutes: tuple = (0, 0)
    notes: list = field(default_factory=list)


def read_slides(notebook):
    """Return the list of `Slide` of a notebook made `for_the_hall`, as jupyterlab-slideshow shows them. Raises NotesError."""
    slides, section, last_section = [], None, None
    for cell in notebook.cells:
        kind = slide_type(cell)
        section = plain_title(cell) or section  # the heading that a slide stands below may be in a cell that is skipped
        if kind != "skip":
            if kind in BEGINS or not slides:
                slides.append(Slide(_title(cell, section, last_section), [], concludes=CONCLUSION in tags_of(cell)))
                last_section = section
            slides[-1].cells.append(cell)
        if "notes" in cell.metadata:
            if kind == "skip":
                raise NotesError(f"notes stand below a cell that no slide shows: {cell.source.splitlines()[0]!r}")
            _add_notes(slides[-1], cell.metadata["notes"])
    return slides


def write_run_sheet(slides, title, length):
    """Return the run sheet of the talk of `length` minutes, one of LENGTHS, as an HTML page to print."""
    which = LENGTHS.index(length)
    rows, clock = [], 0
    numbered = list(enumerate(slides, start=1))
    for number, slide in numbered:
        minutes = slide.minutes[which]
        if not minutes:
            continue
        conclusion = number < len(slides) and slides[number].concludes and not any(slides[number].minutes)
        notes = "".join(f"<dt>{key}</dt><dd>{escape(text)}</dd>" for key, text in slide.notes)
        rows.append(f"<tr><td>{clock:g}</td><td>{minutes:g}</td><td>{number}{f', {number + 1}' * conclusion}</td>"
                    f"<td><b>{escape(slide.title)}</b><dl>{notes}</dl></td></tr>")
        clock += minutes
    left_out = [f"{number}" for number, slide in numbered if not slide.minutes[which] and not slide.concludes]
    remark = f"Leave out slide {', '.join(left_out)}. " if left_out else ""
    return _PAGE.format(title=escape(title), length=length, clock=clock, remark=remark, rows="\n".join(rows))


def plain_title(cell):
    """Return the first heading of a Markdown cell without its markup, or None."""
    heading = re.search(r"^#+ (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
    return _plain(heading[1]) if heading else None


def _plain(text):
    """Return a line without its markup: of LaTeX the names stay, and fractions are written with a slash."""
    text = re.sub(r"\\[dt]?frac\s*(?:{([^{}]*)}\s*{([^{}]*)}|(\w)\s*(\w))", lambda part: "/".join(filter(None, part.groups())), text)
    return re.sub(r"[*$`\\]", "", text)


def _title(cell, section, last_section):
    """Return the title of the slide that begins with this cell: its section, and what it asks or says first.

    Without either it goes on with the section of the slide before.
    """
    title = section or "(no title)"
    if plain_title(cell):
        return title
    words = _first_words(cell)
    return f"{title}: {words}" if words else title + ", continued" * (section == last_section)


def _first_words(cell):
    """Return the first sentence of a Markdown cell, or the question of a prediction, without markup; or ""."""
    if cell.cell_type == "markdown":
        text = NOT_SHOWN.sub("", cell.source)
        sentence = re.split(r"(?<=[.?!])[*]*\s|:?\s*\n\n", text, maxsplit=1)[0].rstrip(":")
    else:
        question = re.search(r'predict\(\s*f?"([^"]+)"', cell.source)
        sentence = re.sub(r"{[^}]*}", "...", question[1]) if question else ""
    return shorten(_plain(sentence), 90, placeholder=" ...")


def _add_notes(slide, text):
    for line in filter(None, map(str.strip, text.splitlines())):
        key, colon, rest = line.partition(":")
        if not colon or key not in KEYS:
            if not slide.notes:
                raise NotesError(f"speaker notes begin with one of {', '.join(KEYS)} and a colon, not {line!r}")
            slide.notes[-1] = (slide.notes[-1][0], f"{slide.notes[-1][1]} {line}")
        elif key == "Minutes":
            numbers = re.fullmatch(r"(\d+(?:\.5)?)(?: */ *(\d+(?:\.5)?))?", rest.strip())
            if not numbers:
                raise NotesError(f'minutes are written "Minutes: 4 / 2" or "Minutes: 4", not {line!r}')
            more = float(numbers[1]), float(numbers[2] or 0)
            slide.minutes = tuple(map(sum, zip(slide.minutes, more)))
        else:
            slide.notes.append((key, rest.strip()))


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}: run sheet, {length} minutes</title>
<style>
@page {{ size: A4; margin: 15mm }}
body {{ font: 11pt/1.35 "DejaVu Sans", sans-serif; color: #1A1A1A; max-width: 60em; margin: 0 auto }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: 0.3em 0.6em; border-top: 1px solid #504C4C }}
tr {{ break-inside: avoid }}
td:nth-child(-n+3) {{ width: 3em; text-align: right }}
dl {{ margin: 0.2em 0 0; display: grid; grid-template-columns: 8em 1fr; gap: 0.1em 0.6em }}
dt {{ color: #504C4C }} dd {{ margin: 0 }}
@media screen and (max-width: 40em) {{
  body {{ margin: 0 8px }}
  th, td {{ padding: 0.3em 0.2em }}
  td:nth-child(-n+3) {{ width: 1.6em }}
  dl {{ display: block }} dd {{ margin: 0 0 0.3em }}
}}
</style></head><body>
<h1>{title}</h1>
<p><b>Run sheet, {length} minutes</b> (planned: {clock:g}). {remark}The lesson runs by itself: begin when the
corner below right says <i>ready</i>. Slides have their numbers there. A training with a chart waits for <i>Start</i>.</p>
<table><thead><tr><th scope="col">at</th><th scope="col">min</th><th scope="col">slide</th><th scope="col">what</th></tr></thead>
<tbody>
{rows}
</tbody></table></body></html>
"""
