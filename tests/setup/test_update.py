"""A learner who has edited lessons takes a new version by the commands of README, and loses nothing."""

import os
import re
import shutil
import subprocess

import pytest

from tests.chapters.sample import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("**A new version, without losing yours.**")[2].partition("\n**")[0]
COMMANDS = re.findall(r"^    (git [^#\n]+?) *(?:#.*)?$", SECTION, re.MULTILINE)
LESSON, OTHER = "chapters/02_relu.ipynb", "chapters/01_saturation.ipynb"

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


def git(folder, *arguments, home):
    """Run git as a user without settings of their own; return what it prints."""
    environment = {**os.environ, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": str(home)}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write(folder, texts):
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_edited_lessons_survive_a_new_version(tmp_path):
    home, course, mine = (tmp_path / name for name in ("home", "course", "mine"))
    home.mkdir()
    write(course, {LESSON: "old", OTHER: "old", "chapters/gone.md": "old", ".gitignore": (ROOT / ".gitignore").read_text()})
    author = ("-c", "user.name=author", "-c", "user.email=author@example.org")
    for command in (("init",), ("add", "."), (*author, "commit", "-m", "old")):
        git(course, *command, home=home)
    git(tmp_path, "clone", str(course), str(mine), home=home)
    write(mine, {LESSON: "mine", OTHER: "mine as well", "chapters/start.md": "page", "chapters/own.ipynb": "all mine"})
    write(course, {LESSON: "new", "chapters/new.md": "new"})
    (course / "chapters" / "gone.md").unlink()
    git(course, "add", "-A", home=home)
    git(course, *author, "commit", "-m", "new", home=home)

    aside, pull, back = COMMANDS
    for command in (aside, pull):
        git(mine, *command.split()[1:], home=home)
    assert (mine / LESSON).read_text() == "new" and (mine / "chapters" / "new.md").exists()
    assert (mine / "chapters" / "own.ipynb").read_text() == "all mine"
    git(mine, *back.split()[1:], home=home)
    assert back.split()[-1] == LESSON and (mine / LESSON).read_text() == "mine"
    git(mine, *back.replace(LESSON, OTHER).split()[1:], home=home)
    assert (mine / OTHER).read_text() == "mine as well"

    write(course, {LESSON: "newer"})  # and the next time: what comes back goes aside again
    git(course, *author, "commit", "-am", "newer", home=home)
    for command in (aside, pull):
        git(mine, *command.split()[1:], home=home)
    assert (mine / LESSON).read_text() == "newer"
    git(mine, *back.split()[1:], home=home)
    assert (mine / LESSON).read_text() == "mine"
