"""JupyterLab as `course.py lab` sets it up, with its start page, on a copy of the project."""

import contextlib
import json

import course
from tests.browser.lab import TOKEN, copy_project, jupyterlab
from tests.chapters.sample import CHAPTERS
from utils import progress

VIEWER = ".jp-MarkdownViewer .jp-RenderedMarkdown"
LINK = 'a[href*="/files/"]'  # JupyterLab opens a link itself once it has such an address; until then a click is the browser's

# JupyterLab has restored its tabs, and then brought the page of its address to the front: not before, or what was
# opened meanwhile would fall behind it.
SHOWN = """() => {
    const {commands, restored} = window.jupyterapp ?? {};
    window.shown ??= commands && new Promise((resolve) => commands.commandExecuted.connect((_, {id, result}) => {
        if (id === "filebrowser:open-path") result.then(() => resolve(true));
    }));
    return commands && restored.then(() => window.shown);
}"""


@contextlib.contextmanager
def course_lab(folder, done=()):
    """Serve a copy of the project in `folder` for a learner who has done this (records of `progress`); yields the address."""
    copy_project(folder)
    kept = folder / "progress.jsonl"
    kept.write_text("".join(json.dumps(record) + "\n" for record in done))
    overview = progress.Overview(list(done), kept, progress.lessons())
    template = course.START_TEMPLATE.read_text(encoding="utf-8")
    page = template.replace("{progress}", overview.summary(CHAPTERS))
    (folder / "chapters" / "start.md").write_text(page, encoding="utf-8")
    settings, kernel = map(json.dumps, course.SETTINGS.values())
    for path, text in (
        ("settings/overrides.json", settings), (".workspaces/" + course.WORKSPACE_FILE.name, json.dumps(course.WORKSPACE)),
        (".jupyter-state/ipython/profile_default/ipython_kernel_config.json", kernel),
    ):  # fmt: skip
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text(text)
    variables = {"COURSE_PROGRESS": str(kept), "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".workspaces")}
    with jupyterlab(folder, variables, [f"--LabApp.app_settings_dir={folder / 'settings'}"]) as address:
        yield address


def open_start(page, address):
    """Open the start page, and wait until its links are JupyterLab's."""
    page.goto(f"{address}/lab/tree/chapters/start.md?token={TOKEN}")
    page.wait_for_function(SHOWN)
    page.locator(f"{VIEWER} p > {LINK}").first.wait_for()  # last, since the page may be written anew until then
