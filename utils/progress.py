"""What a learner has done so far, in a file of their own: exercises solved, guesses revealed, patients cured.

One line of JSON an event, appended in one write: two kernels cannot spoil each other's lines, a line that a crash cut
short is passed over, and no event is ever lost by a later one. The file is in the learner's home folder, or where the
variable COURSE_PROGRESS says; an empty COURSE_PROGRESS keeps nothing. A disk that cannot be written never stops a cell.
"""

import json
import os
import re
import sys
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

VARIABLE = "COURSE_PROGRESS"
FILE_NAME = ".vanishing-gradients-course.jsonl"
EXERCISE, PREDICTION, PATIENT, ANSWER = KINDS = ("exercise", "prediction", "patient", "answer")
CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
_TITLE = re.compile(r"# \d+ · ([^:\n]+)")  # of a lesson: "# 2 · ReLU: is a slope of 1 enough?"
_MODULE = r"utils\.answers\.chapter(\d\d)"
_PLURALS = {EXERCISE: "exercises solved", PREDICTION: "predictions made", PATIENT: "patients cured", ANSWER: "quiz answers"}


def path():
    """Return where progress is kept, or None if it is not."""
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE]) if os.environ[VARIABLE] else None
    try:
        return Path.home() / FILE_NAME
    except RuntimeError:  # an account without a home
        return None


def record(kind, name, module=None, among=None):
    """Note that the learner has done `name` (a text), one of KINDS. Never raises.

    module: the name of the chapter's module ("utils.answers.chapter02"), if known; else the chapter is that of this notebook.
    among: how many there are of this kind in the chapter, if known.
    """
    chapter = _chapter(module)
    event = {"chapter": chapter, "kind": kind, "name": str(name)} | ({"among": among} if among else {})
    try:
        if path() is None or chapter is None or any(event.items() <= old.items() for old in events()):
            return
        line = json.dumps({**event, "time": time.strftime("%Y-%m-%dT%H:%M:%S")})
        file = os.open(path(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, f"\n{line}\n".encode())  # the first newline ends a line that a crash has cut short
        finally:
            os.close(file)
    except (OSError, ValueError):  # a read-only disk, a path that is none
        pass


def events():
    """Return the events in their order, as a list of dicts: chapter (a number), kind, name, time, and perhaps among."""
    try:
        lines = path().read_bytes().decode("utf-8", errors="replace").splitlines()
    except (OSError, AttributeError):  # none so far, or none kept
        return []
    found = []
    for line in lines:
        try:
            event = json.loads(line)
            if isinstance(event["chapter"], int) and event["kind"] in KINDS and isinstance(event["name"], str):
                found.append(event)
        except (ValueError, KeyError, TypeError):
            continue
    return found


def last_chapter():
    """Return the number of the chapter in which the learner did something last, or None."""
    done = events()
    return done[-1]["chapter"] if done else None


def lessons():
    """Return the course's lessons as they are in chapters/: number -> `Lesson`; a notebook that cannot be read is left out."""
    found = {}
    for file in sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb")):
        try:
            cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
            texts = [(cell["cell_type"], "".join(cell["source"]), cell.get("id", "")) for cell in cells]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        title = next((match[1] for kind, text, _ in texts if kind == "markdown" and (match := _TITLE.match(text))), file.stem)
        found[int(file.name[:2])] = Lesson(file.name, title.replace("\\", ""), dict(_exercises(texts)))
    return found


def _exercises(cells):
    """Yield (name of the checker, its `Exercise`) of each exercise of a lesson, whose cells are (type, text, id)."""
    above, there = Exercise("", ""), False
    for kind, text, id in cells:
        if kind == "markdown" and (headings := re.findall(r"^##+ (.+)$", text, re.MULTILINE)):
            above, there = Exercise(headings[-1], id), there or "Exercises" in headings
        elif there and kind == "code" and (match := re.search(r"^chapter\d\d\.(check_\w+)\(", text, re.MULTILINE)):
            yield match[1], above


def show():
    """Return the learner's progress, chapter by chapter, and the next step; a notebook shows a table with links."""
    return Overview(events(), path(), lessons())


@dataclass(frozen=True)
class Exercise:
    """One exercise. heading: "2. One step back"; cell: the id of the cell that has the heading."""

    heading: str
    cell: str


@dataclass(frozen=True)
class Lesson:
    """One lesson. file: the name of its notebook; title: "ReLU"; exercises: name of the checker -> `Exercise`."""

    file: str
    title: str
    exercises: dict[str, Exercise]


class Overview:
    """Progress as a table. done: the events; kept: the path of the file, or None; lessons: number -> `Lesson`."""

    def __init__(self, done, kept, lessons):
        self.kept, self.lessons = kept, lessons
        self.last = done[-1]["chapter"] if done else None
        self.rows = {chapter: {} for chapter in lessons}  # chapter -> {kind: set of names}
        self.among = {(chapter, EXERCISE): len(lesson.exercises) for chapter, lesson in lessons.items()}
        for event in done:
            chapter, kind, name = event["chapter"], event["kind"], event["name"]
            if kind == EXERCISE and chapter in lessons and name not in lessons[chapter].exercises:
                continue  # of an older edition
            self.rows.setdefault(chapter, {}).setdefault(kind, set()).add(name)
            if chapter not in lessons and isinstance(among := event.get("among"), int):
                self.among[chapter, kind] = among

    def open(self, chapter):
        """Return the exercises of a chapter that are not solved, a list of `Exercise`."""
        solved = self.rows[chapter].get(EXERCISE, ())
        exercises = self.lessons[chapter].exercises if chapter in self.lessons else {}
        return [exercise for name, exercise in exercises.items() if name not in solved]

    def next(self):
        """Return the number of the chapter to go on with, and an `Exercise` or None; None if every exercise is solved.

        It is the chapter of the last event, or the first one after it with an open exercise; and the first open exercise,
        once another of that chapter is solved.
        """
        first = [chapter for chapter in self.lessons if chapter >= (self.last or 0)]
        for chapter in [*first, *self.lessons]:
            if left := self.open(chapter):
                return chapter, left[0] if len(left) < len(self.lessons[chapter].exercises) else None
        return None

    def _cells(self, chapter):
        for kind in KINDS:
            count, among = len(self.rows[chapter].get(kind, ())), self.among.get((chapter, kind))
            yield f"{count} of {max(among, count)}" if among else str(count)

    def _title(self, chapter):
        return f"{chapter} · {self.lessons[chapter].title}" if chapter in self.lessons else str(chapter)

    def _place(self, chapter, exercise):
        return f"chapter {self._title(chapter)}" + (f", {exercise.heading}" if exercise else "")

    def _remark(self):
        if self.kept is None:
            return "Progress is not kept here."
        return f"Kept in {self.kept}" if self.last else "Nothing is solved so far; your progress will stand here."

    def __repr__(self):
        lines = []
        for chapter in sorted(self.rows):
            done = ", ".join(f"{_PLURALS[kind]} {cell}" for kind, cell in zip(KINDS, self._cells(chapter)))
            left = "; ".join(exercise.heading for exercise in self.open(chapter))
            lines += [f"chapter {chapter}: {done}", *[f"    open: {left}"] * bool(left)]
        if step := self.next():
            lines.append(f"Next: {self._place(*step)}")
        return "\n".join([*lines, self._remark()])

    def _link(self, folder, text, chapter, exercise=None):
        # From outside of the course, as in Colab, a link to its folder leads nowhere.
        if chapter not in self.lessons or not Path(folder).resolve().is_relative_to(CHAPTERS.parent):
            return escape(text)
        target = Path(os.path.relpath(CHAPTERS / self.lessons[chapter].file, folder)).as_posix()
        anchor = f"#cell-id={exercise.cell}" if exercise and exercise.cell else ""  # which JupyterLab scrolls to
        return f'<a href="{quote(target)}{anchor}">{escape(text)}</a>'

    def summary(self, folder):
        """Return the next step, a link that starts from `folder`, and how much is solved, as HTML."""
        among = sum(len(lesson.exercises) for lesson in self.lessons.values())
        solved = among - sum(len(self.open(chapter)) for chapter in self.lessons)
        if step := self.next():
            return f"Next: {self._link(folder, self._place(*step), *step)}<br>Exercises solved: {solved} of {among}"
        return f"Every exercise is solved, {solved} of {among}."

    def _repr_html_(self):
        folder = Path.cwd()  # of a kernel, that of its notebook, from which links start
        names = ("chapter", *_PLURALS.values(), "open exercises")
        left_aligned = 'style="text-align: left"'  # in JupyterLab tables are not, as a rule
        head = "".join(f'<th scope="col" {left_aligned}>{name}</th>' for name in names)
        body = ""
        for chapter in sorted(self.rows):
            left = "<br>".join(self._link(folder, exercise.heading, chapter, exercise) for exercise in self.open(chapter))
            cells = "".join(f"<td {left_aligned}>{cell}</td>" for cell in [*self._cells(chapter), left])
            body += f'<tr><th scope="row" {left_aligned}>{self._link(folder, self._title(chapter), chapter)}</th>{cells}</tr>'
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f"<p>{self.summary(folder)}</p>{table}<p>{escape(self._remark())}</p>"


def _chapter(module):
    """Return the number of the chapter of this module, else of this notebook, else the only one loaded, or None."""
    notebook = Path(os.environ.get("JPY_SESSION_NAME", "")).name  # JupyterLab tells it to the kernel
    for pattern, name in ((_MODULE, module or ""), (r"(\d\d)_.*\.ipynb", notebook)):
        if match := re.fullmatch(pattern, name):
            return int(match[1])
    loaded = [match[1] for name in list(sys.modules) if (match := re.fullmatch(_MODULE, name))]
    return int(loaded[0]) if len(loaded) == 1 else None
