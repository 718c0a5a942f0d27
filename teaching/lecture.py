"""Open a chapter as slides in JupyterLab, with live widgets and large type: python3 course.py lecture 03 [--dark]

The slides are the chapter's own cells (their slide metadata), shown by the extension jupyterlab-slideshow. JupyterLab
runs on a configuration of its own, made anew at each start, so that nothing of the talk stays behind in the speaker's
own JupyterLab: neither the slide mode, nor the type, nor the tabs.
"""

import json
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
STATE = ROOT / ".jupyter" / "lecture"  # git ignores it
THEMES = {False: "JupyterLab Light", True: "JupyterLab Dark"}


def settings(dark):
    """Return what JupyterLab is to be told, name of a plugin's settings file -> its values."""
    return {
        "jupyterlab-slideshow/plugin": {"active": True},
        "@jupyterlab/apputils-extension/themes": {"theme": THEMES[dark]},
        "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        # What is typed in a talk is kept in the notebook only if the speaker saves it.
        "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
    }


def prepare(dark, state=STATE):
    """Make the folder `state` anew, and return the environment variables of a JupyterLab that reads it."""
    shutil.rmtree(state, ignore_errors=True)
    for name, values in settings(dark).items():
        file = state / "lab" / "user-settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    (state / "custom").mkdir()
    shutil.copy(HERE / "lecture.css", state / "custom" / "custom.css")
    return {
        "JUPYTER_CONFIG_DIR": str(state),
        "JUPYTERLAB_SETTINGS_DIR": str(state / "lab" / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "lab" / "workspaces"),
        "COURSE_LECTURE": "1",  # large type and thick lines in every figure
        "COURSE_PROGRESS": "",  # what is shown in a hall is nobody's progress
    }


def main(arguments):
    """Become JupyterLab in slide mode; all options but --dark are JupyterLab's own."""
    os.environ.update(prepare("--dark" in arguments))
    from jupyterlab.labapp import main as jupyterlab  # not before: it reads the variables when it is imported

    print("Before the talk: leave the slides by the orange icon below right, Run > Run All Cells, go back to the first cell,\n"
          "and come back by the same icon in the notebook's toolbar. The arrow keys go on and back; Enter opens the code of a\n"
          "slide, Escape folds it.")
    options = [option for option in arguments if option != "--dark"]
    sys.exit(jupyterlab(["--LabApp.custom_css=True", *options]))


if __name__ == "__main__":
    main(sys.argv[1:])
