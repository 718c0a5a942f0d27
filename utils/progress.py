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
from html import escape
from pathlib import Path

VARIABLE = "COURSE_PROGRESS"
FILE_NAME = ".vanishing-gradients-course.jsonl"
EXERCISE, PREDICTION, PATIENT, ANSWER = KINDS = ("exercise", "prediction", "patient", "answer")
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


def show():
    """Return the learner's progress, chapter by chapter; a notebook shows it as a table."""
    return Overview(events(), path())


class Overview:
    """Progress as a table. done: the events; kept: the path of the file, or None."""

    def __init__(self, done, kept):
        self.kept = kept
        self.rows = {}  # chapter -> {kind: set of names}
        self.among = {}  # (chapter, kind) -> how many there are, if an event told
        for event in done:
            self.rows.setdefault(event["chapter"], {}).setdefault(event["kind"], set()).add(event["name"])
            if isinstance(among := event.get("among"), int):
                self.among[event["chapter"], event["kind"]] = among

    def _cells(self, chapter):
        for kind in KINDS:
            count, among = len(self.rows[chapter].get(kind, ())), self.among.get((chapter, kind))
            yield f"{count} of {max(among, count)}" if among else str(count)

    def _remark(self):
        if self.kept is None:
            return "Progress is not kept here."
        return f"Kept in {self.kept}" if self.rows else "Nothing is solved so far; your progress will stand here."

    def __repr__(self):
        lines = [
            f"chapter {chapter}: " + ", ".join(f"{_PLURALS[kind]} {cell}" for kind, cell in zip(KINDS, self._cells(chapter)))
            for chapter in sorted(self.rows)
        ]
        return "\n".join([*lines, self._remark()])

    def _repr_html_(self):
        if not self.rows:
            return f"<p>{escape(self._remark())}</p>"
        head = "".join(f'<th scope="col">{name}</th>' for name in ("chapter", *_PLURALS.values()))
        body = "".join(
            f'<tr><th scope="row">{chapter}</th>' + "".join(f"<td>{cell}</td>" for cell in self._cells(chapter)) + "</tr>"
            for chapter in sorted(self.rows)
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{escape(self._remark())}</p>"


def _chapter(module):
    """Return the number of the chapter of this module, else of this notebook, else the only one loaded, or None."""
    notebook = Path(os.environ.get("JPY_SESSION_NAME", "")).name  # JupyterLab tells it to the kernel
    for pattern, name in ((_MODULE, module or ""), (r"(\d\d)_.*\.ipynb", notebook)):
        if match := re.fullmatch(pattern, name):
            return int(match[1])
    loaded = [match[1] for name in list(sys.modules) if (match := re.fullmatch(_MODULE, name))]
    return int(loaded[0]) if len(loaded) == 1 else None
