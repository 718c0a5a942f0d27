"""Open a chapter as slides in JupyterLab, with live widgets and large type: python3 course.py lecture 03 [--dark]

The slides are the chapter's own cells, cut for a hall by slides.py, and shown by the extension jupyterlab-slideshow. The
talk has a copy of the chapters, so that what is typed in it never gets into the lesson. What a talk
needs beyond it is done by the page itself, in labextension/course-lecture: it runs the lesson before the talk, lets four
keys turn the slides, and numbers them. JupyterLab runs on a configuration of its own, made anew at each start, so that
nothing of the talk stays behind in the speaker's own JupyterLab: neither the slide mode, nor the type, nor the tabs.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import nbformat

from teaching.plan import read_plan
from teaching.slides import for_the_hall, has_slides

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
STATE = ROOT / ".jupyter" / "lecture"  # git ignores it
THEMES = {False: "JupyterLab Light", True: "JupyterLab Dark"}
KEYS = """\
The lesson runs by itself: begin when the corner below right says "ready". A training with a chart waits for Start.
  Right, PageDown, Space        go on         Enter     open a slide's code; Ctrl-Enter runs it
  Left, PageUp, Shift-Space     go back       Escape    fold the code; give the keys of a slider back to the slide
The orange icon below right leaves the slides. The same icon in the notebook's toolbar, or Escape, comes back."""


def settings(dark):
    """Return what JupyterLab is to be told, name of a plugin's settings file -> its values."""
    return {
        "jupyterlab-slideshow/plugin": {"active": True},
        "@jupyterlab/apputils-extension/themes": {"theme": THEMES[dark]},
        "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        # Nothing that is typed in a talk needs to be kept.
        "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
    }


def prepare(dark, state=STATE, notebooks=None):
    """Make the folder `state` anew, and return the environment variables of a JupyterLab that reads it.

    notebooks: the paths of what may be shown, the chapters if it is not given. As a hall sees them they are written into
    `state`/hall, each into the folder (chapters/) that it comes from: this is what JupyterLab is to serve.
    """
    shutil.rmtree(state, ignore_errors=True)
    plans = {}
    for path in sorted(ROOT.glob("chapters/[0-9][0-9]_*.ipynb")) if notebooks is None else notebooks:
        notebook = for_the_hall(nbformat.read(path, as_version=4))
        if has_slides(notebook):
            plans[path.name] = read_plan(notebook)
            copied = state / "hall" / path.parent.name / path.name
            copied.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, copied)
    for name, values in settings(dark).items():
        _write(state / "lab" / "user-settings" / f"{name}.jupyterlab-settings", values)
    # As text: of a dict JupyterLab would hand on the keys alone.
    _write(state / "labconfig" / "page_config.json", {"courseLecture": json.dumps(plans)})
    extensions = {"custom_css": True, "extra_labextensions_path": [str(HERE / "labextension")]}
    _write(state / "jupyter_lab_config.json", {"LabApp": extensions})
    (state / "custom").mkdir()
    shutil.copy(HERE / "lecture.css", state / "custom" / "custom.css")
    return {
        "JUPYTER_CONFIG_DIR": str(state),
        "JUPYTERLAB_SETTINGS_DIR": str(state / "lab" / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "lab" / "workspaces"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        "COURSE_LECTURE": "1",  # large type and thick lines in every figure
        "COURSE_PROGRESS": "",  # what is shown in a hall is nobody's progress
    }


def _write(file, values):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(values), encoding="utf-8")


def main(arguments):
    """Become JupyterLab in slide mode; all options but --dark are JupyterLab's own."""
    os.environ.update(prepare("--dark" in arguments))
    from jupyterlab.labapp import main as jupyterlab  # not before: it reads the variables when it is imported

    print(KEYS)
    options = [option for option in arguments if option != "--dark" and not option.startswith("--ServerApp.root_dir=")]
    sys.exit(jupyterlab([*options, f"--ServerApp.root_dir={STATE / 'hall'}"]))


if __name__ == "__main__":
    main(sys.argv[1:])
