"""Make of the course's notebooks what Sphinx reads: every picture a file with its words, and beside it what makes it move."""

import html
import json
import re
from base64 import b64decode

import nbformat

from binder.links import doors
from chapters.build import drop_how_to
from teaching.web.clinic import answer_choices
from teaching.web.conf import BOOK
from utils.figures import narrow, style

PHONE = "screen and (max-width: 767px)"  # as in course.css and course.js
STACKED = ("Pictures that stand side by side on a wide screen are one below the other on yours: the left one above, the right one "
           "below.")  # fmt: skip
ON_PAGES = {  # what a lesson says of cells that one runs -> what it says on a page
    r"\s+Run\s+the\s+cells\s+from\s+top\s+to\s+bottom\s+with\s+\*\*Shift\+Enter\*\*\.": "",
    r"Replace the dots and run the cell\.(\s+It answers at once, and you may try as often as you like\.)?":
        "In the notebook each answer is checked at once. Hints and solutions stand here, too.",
    r"was\s+just\s+tested\s+on\s+your\s+machine": "was tested when its cell ran",
}
LENGTH = re.compile(r"[^\n:]+: \d+ steps\.")  # all that a training without a chart leaves
TO_DO = re.compile(r"## (Exercises|.*\b[Cc]linic\b.*)\n?")  # what can only be done in a notebook that runs


def write_page(notebook, target, key, scenes, folder, line):
    """Write a notebook as Sphinx's input `target`.

    key: names the notebook within the site; scenes: what scenes.json says of it, [] if its states are not drawn; folder:
    the site, with what is drawn of this notebook, for its pictures; line: what is told below the title, and above what is
    to be done in the cells.
    Raises ValueError if a cell shows other pictures than its scenes expect.
    """
    content = nbformat.read(notebook, as_version=4)
    drop_how_to(content)
    up = "../" * (1 if notebook.parent.name == "evidence" else 0)
    moving = {(scene["cell"], scene["picture"]): scene for scene in scenes}
    content.cells[0].source += f"\n\n{line}"
    if (folder / "states" / key / "narrow").exists():
        content.cells[0].source += f'\n\n<p class="course-phone"><em>{STACKED}</em></p>'
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = for_pages(without_comments(without_badges(cell.source)))
            if line and (heading := TO_DO.match(cell.source)):
                cell.source = f"{heading[0].rstrip()}\n\n{line}\n\n{cell.source[heading.end():].lstrip()}"
            continue
        cell.outputs = [output for output in cell.outputs if not LENGTH.fullmatch(output.get("data", {}).get("text/plain", ""))]
        if line:
            answer_choices(cell)
        shown = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        for number, output in enumerate(shown):
            data = output.data
            name, png = f"{cell.id}-{number}.png", b64decode(data["image/png"])
            file, drawn = folder / "pictures" / key / name, folder / "states" / key / "narrow" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(png)
            scene = moving.pop((cell.id, number), None)
            # What the course's pictures say to JupyterLab: this one may be turned into a dark one.
            shades = scene["shades"] if scene else "needs_background" not in output.metadata
            source = source_html(f"{up}states/{key}/narrow/{name}", drawn.read_bytes()) if drawn.exists() else ""
            text = picture_html(f"{up}pictures/{key}/{name}", data.get("text/plain", ""), png, shades, source)
            if scene:
                text = scene_html(text, f"{key}/{scene['scene']}", up, scene)
            output.data = nbformat.from_dict({"text/html": data.get("text/html", "") + text})
            output.metadata = {}
    if moving:
        raise ValueError(f"{notebook.name} shows no picture where its source has a scene: {sorted(moving)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(content, target)


def without_badges(text):
    """Return Markdown with links of words in the place of badges, whose pictures would come from elsewhere."""
    return re.sub(r"\[!\[(.*?)\]\(http.*?\)\]", r"[\1]", text, flags=re.DOTALL)


def without_comments(text):
    """Return Markdown without the comments for the glossary, and without the space before each, since a full stop may follow."""
    return re.sub(r"\s*<!--.*?-->", "", text, flags=re.DOTALL)


def for_pages(text):
    """Return Markdown of a lesson without what is true of its notebook only."""
    for said, instead in ON_PAGES.items():
        text = re.sub(said, instead, text)
    return text


def picture_html(address, words, png, shades, source=""):
    """Return a picture, in a box of its own that scrolls where it is too wide.

    shades: whether dark has a meaning in it; source: what `source_html` returns of its drawing for a phone, if there is one.
    """
    width, height = size_of(png)
    image = f'<img src="{address}" width="{width}" height="{height}" loading="lazy" alt="{html.escape(words)}" />'
    classes = f"course-picture{' course-shades' * shades}{' course-narrow' * bool(source)}"
    return (f'<div class="{classes}" style="--width:{width}px" role="group" aria-label="picture">'
            f"{f'<picture>{source}{image}</picture>' if source else image}</div>")  # fmt: skip


def source_html(address, png):
    """Return what makes a page show another picture on a phone."""
    width, height = (round(pixels * style.DPI / narrow.DPI) for pixels in size_of(png))
    return f'<source srcset="{address}" width="{width}" height="{height}" media="{PHONE}" />'


def size_of(png):
    """Return (width, height) of the bytes of a PNG file, in pixels."""
    return tuple(int.from_bytes(png[at : at + 4], "big") for at in (16, 20))


def scene_html(picture, name, up, scene):
    """Return a picture with what course.js needs to make it move."""
    facts = {key: value for key, value in scene.items() if key not in ("cell", "picture", "scene")}
    for control in facts["controls"]:
        control["html"] = label_html(control.get("label", ""))
    text = json.dumps(facts, ensure_ascii=False).replace("</", "<\\/")
    return (f'<div class="course-scene" data-scene="{name}" data-folder="{up}states/{name}">{picture}'
            f'<script type="application/json">{text}</script></div>')  # fmt: skip


def label_html(label):
    """Return the label of a control, of which a Greek one is a formula ($\\sigma_{w}^2$), as HTML without one."""
    if not label.startswith("$"):
        return html.escape(label)
    letter, below, power = re.fullmatch(r"\$\\(\w+?)(?:_\{(\w+)\})?(\^2)?\$", label).groups()
    below = f"<sub>{below}</sub>" if below else ""
    return f"<i>&{letter};</i>{below}{'<sup>2</sup>' if power else ''}"


def place_of(notebook):
    """Return the path of a notebook within the repository."""
    return f"chapters/{'evidence/' if notebook.parent.name == 'evidence' else ''}{notebook.name}"


def how_to_run(repository, notebook):
    """Return the line that tells where the notebook can be run and changed."""
    links = [f"[{door}]({link})" for door, link in doors(repository, place_of(notebook)).items()]
    if not links:
        return ("*To run and change the cells, install the course (`python3 course.py lab` in a copy of it): pictures, guesses "
                "and trainings move here without it.*")  # fmt: skip
    return f"*Run and change the cells, with nothing installed:* {' · '.join(links)}"


def write_front(readme, start, target, chapters, book):
    """Write the first page: what README says first and of the chapters, the start page's seven questions, and the contents."""
    head = "\n\n".join(readme.split("\n\n")[:2])  # title and purpose
    questions = start.partition("\n## Seven questions\n")[2].partition("\n## ")[0].strip()
    questions = re.sub(r'href="(\w+)\.ipynb"', rf'href="\1.{"xhtml" if book else "html"}"', questions)
    questions = re.sub(r"(<img [^>]*[^/])>", r"\1 />", questions)  # a book is XML
    told = re.search(r"## The seven chapters\n.*?\n\n(?!\|)(.*?)\n## ", readme, re.DOTALL)[1]
    told = re.sub(r"\]\(chapters/", "](", told).strip()
    here = ("This is the course to read. What moves and asks in it stands still here." if book else
            "This is the course to read, to move and to guess, with nothing installed. What you guess stays in your browser: "
            f'[your progress](progress.md). The same pages as a <a href="{BOOK}">book (EPUB)</a> stand still.')  # fmt: skip
    parts = {"Lessons": chapters, "Evidence": [f"evidence/{name}" for name in chapters],
             "More": ["glossary"] if book else ["glossary", "progress", "teachers"]}  # fmt: skip
    trees = [f"```{{toctree}}\n:hidden:\n:caption: {name}\n\n" + "\n".join(pages) + "\n```\n" for name, pages in parts.items()]
    target.write_text("\n\n".join([head, here, questions, told, *trees]), encoding="utf-8")


def write_teachers(target, handouts):
    """Write the page that leads to the hand-outs; handouts: chapter -> their places in the site."""
    rows = [
        f"| [{name}]({name}.ipynb) | " + ", ".join(
            f'<a href="{place}">{place.rpartition("/")[2].removesuffix(".html").replace("_", " ")}</a>' for place in places) + " |"
        for name, places in handouts.items()
    ]  # fmt: skip
    target.write_text(
        "# For teachers\n\nRun sheets for a talk of 45 and of 20 minutes (what to ask, what will be answered, the misconception "
        "behind it), the slides to print, and the chapter on one page. With the course installed, `python3 course.py "
        "lecture 03` shows a chapter as slides with live widgets, and `python3 course.py handout 03` makes these files, "
        "as PDF too.\n\n| chapter | to print |\n|---|---|\n" + "\n".join(rows) + "\n", encoding="utf-8")  # fmt: skip


def chapters_of(readme):
    """Return the rows of README's table of the chapters, as dicts: chapter (a number), title, page."""
    rows = re.findall(r"^\| (\d) \| \[(.+?)\]\(chapters/(\w+)\.ipynb\)", readme, re.MULTILINE)
    return [{"chapter": int(number), "title": title.replace("\\", ""), "page": f"{name}.html"} for number, title, name in rows]


def write_progress(target, chapters):
    """Write the page of the learner's progress; chapters: what `chapters_of` returns, and how many predictions each has."""
    told = html.escape(json.dumps(chapters, ensure_ascii=False))
    target.write_text(
        f'# Your progress\n\n<div id="course-progress" data-chapters="{told}"><p>What you guess on these pages is kept '
        "by your browser, and shown here by a script. It is sent to nobody.</p></div>\n\n"
        "Exercises and patients are solved in the notebooks, which keep a progress of their own: "
        "`from utils import progress; progress.show()` in any cell shows it.\n", encoding="utf-8")  # fmt: skip
