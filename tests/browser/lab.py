"""A real JupyterLab in a headless Chromium, for tests and for the bench: open a notebook, run it, drive its widgets."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "screenshots"
TOKEN = "course"
SETTINGS = {  # no question about news, no saving behind the test's back
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

CELLS = "jupyterapp.shell.currentWidget.content.widgets"

# What a cell shows, as text: the sources of its images and, of a widget of the course, the data that lie over one.
PICTURE = """
(cell) => [...cell.querySelectorAll("img")].map((img) => img.src)
    .concat([...cell.querySelectorAll(".picture-data")].map((data) => data.outerHTML)).join()
"""

# Where the two layers of a picture lie, each as [x, y, width, height], and the sizes of their contents.
PLACES = """
(cell) => {
    const [image, data] = [cell.querySelector(".picture img"), cell.querySelector(".picture-data")];
    const places = [image, data].map((layer) => layer.getBoundingClientRect()).map(({x, y, width, height}) => [x, y, width, height]);
    const box = data.viewBox.baseVal;
    return [...places, [image.naturalWidth, image.naturalHeight], [box.width, box.height]];
}
"""

# Resolves with the milliseconds from the next key to the paint of the picture that it brings. The last part of a widget
# of the course to come is its upper layer, a new element with every picture; of any other widget it is an <img>.
WATCH_NEXT_PICTURE = """
(cell) => {
    const layer = () => cell.querySelector(".picture-words");
    const images = () => [...cell.querySelectorAll("img")].filter((img) => img.src);
    const before = new Set([layer(), ...images().map((img) => img.src)]);
    window.nextPicture = new Promise((resolve) => {
        let pressed = null;
        cell.addEventListener("keydown", () => { pressed ??= performance.now(); }, {capture: true, once: true});
        const observer = new MutationObserver(() => {
            const fresh = images().filter((img) => !before.has(img.src));
            if (pressed === null || (layer() ? before.has(layer()) : !fresh.length)) return;
            observer.disconnect();
            Promise.all(fresh.map((img) => img.decode())).then(() => requestAnimationFrame(() =>
                setTimeout(() => resolve(performance.now() - pressed))));
        });
        observer.observe(cell, {subtree: true, childList: true, attributes: true, attributeFilter: ["src"]});
    });
}
"""

# Looks at the picture at every animation frame: how often there was none to see, and when it changed.
WATCH_PICTURE = """
(cell) => {
    const watch = window.watchedPicture = {frames: 0, blank: [], changes: [], running: true};
    const shown = () => cell.querySelector(".picture-words") ?? cell.querySelector("img")?.src;
    let last = shown();
    const look = () => {
        const img = cell.querySelector("img");
        const height = img ? img.getBoundingClientRect().height : 0;
        watch.frames += 1;
        // An <img> that lost its pixels falls to the height of a line of text.
        if (height < 50) watch.blank.push([height, img?.naturalWidth, img?.complete]);
        if (img && shown() !== last) {
            last = shown();
            watch.changes.push(performance.now());
        }
        if (watch.running) requestAnimationFrame(look);
    };
    look();
}
"""


def copy_project(folder):
    """Copy what learners work with into `folder`, so that nothing a browser does touches the repository."""
    for name in ("utils", "chapters"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_*"))
    return Path(folder)


def write_notebook(path, *sources):
    """Write a notebook of one code cell for each source."""
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def free_port():
    """Return the number of a port of this machine that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def jupyterlab(folder, variables=None, options=(), startup=None):
    """Serve `folder` (a copy of the project) with JupyterLab on a free port; yields the address of the server.

    variables: environment variables on top, such as those of `teaching.lecture.prepare`; options: for JupyterLab;
    startup: path of a program that each kernel executes first.
    """
    state = Path(folder) / ".jupyter-state"
    if startup:
        place = state / "ipython" / "profile_default" / "startup"
        place.mkdir(parents=True)
        shutil.copy(startup, place)
    for name, values in SETTINGS.items():
        file = state / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    port = free_port()
    environment = {
        **os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "IPYTHONDIR": str(state / "ipython"),
        "JUPYTER_CONFIG_DIR": str(state / "config"), "JUPYTER_RUNTIME_DIR": str(state / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"),
        **(variables or {}),
    }  # fmt: skip
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly", *options,
    ]  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    with open(state / "server.log", "wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_for_server(server, address, state / "server.log")
        yield address
    finally:
        server.terminate()  # it ends its kernels on its way out
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for_server(server, address, log, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


@contextlib.contextmanager
def chromium_page(executable, width=1280, height=1000):
    """Yield a page of a headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(executable), args=CHROMIUM_FLAGS)
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_default_timeout(30_000)
            yield page
        finally:
            browser.close()


def open_notebook(page, address, path):
    """Open the notebook at `path` (relative to the served folder) and wait until its kernel is ready."""
    page.goto(f"{address}/lab/tree/{path}?token={TOKEN}&reset")
    page.wait_for_function(
        """() => {
            const panel = window.jupyterapp?.shell.currentWidget;
            return panel?.content?.widgets && panel.sessionContext?.session?.kernel?.status === "idle";
        }"""
    )


def run_all(page, seconds=900):
    """Run all cells and return each code cell's error, {cell index: "name: value"}; raises if it takes too long."""
    finished = page.evaluate(
        """(limit) => Promise.race([
            jupyterapp.commands.execute("notebook:run-all-cells").then(() => true),
            new Promise((resolve) => setTimeout(() => resolve(false), limit)),
        ])""",
        seconds * 1000,
    )
    if not finished:
        raise TimeoutError(f"the notebook did not finish within {seconds} s")
    return read_errors(page)


def run_cells(page, indices, seconds=300):
    """Run these cells one after the other, to the end of each; raises if it takes too long. `read_error` reads errors."""
    finished = page.evaluate(
        """([indices, limit]) => {
            const notebook = jupyterapp.shell.currentWidget.content;
            const run = async () => {
                for (const index of indices) {
                    notebook.activeCellIndex = index;
                    await jupyterapp.commands.execute("notebook:run-cell");
                }
                return true;
            };
            return Promise.race([run(), new Promise((resolve) => setTimeout(() => resolve(false), limit))]);
        }""",
        [list(indices), seconds * 1000],
    )
    if not finished:
        raise TimeoutError(f"the cells {indices} did not finish within {seconds} s")


def run_cell(page, index, seconds=120):
    """Run one cell to its end and return its error as "name: value", or None."""
    start_cell(page, index)
    wait_for_cell(page, seconds)
    return read_error(page, index)


def start_cell(page, index):
    """Select a cell and let it run; `wait_for_cell` waits for its end."""
    page.evaluate(
        """(index) => {
            jupyterapp.shell.currentWidget.content.activeCellIndex = index;
            window.cellRuns = true;
            jupyterapp.commands.execute("notebook:run-cell").finally(() => { window.cellRuns = false; });
        }""",
        index,
    )


def wait_for_cell(page, seconds=120):
    """Wait until the cell that `start_cell` started has ended."""
    page.wait_for_function("() => !window.cellRuns", timeout=seconds * 1000)


def set_source(page, index, source):
    """Replace the text of a cell."""
    page.evaluate(
        """([index, source]) => {
            jupyterapp.shell.currentWidget.content.widgets[index].model.sharedModel.setSource(source);
        }""",
        [index, source],
    )


def read_errors(page):
    """Return the errors in the outputs of all cells, {cell index: "name: value"}."""
    errors = {index: read_error(page, index) for index in range(page.evaluate(f"{CELLS}.length"))}
    return {index: error for index, error in errors.items() if error}


def read_error(page, index):
    """Return the error in a cell's output as "name: value", or None."""
    return page.evaluate(
        f"""(index) => {CELLS}[index].model.outputs?.toJSON()
            .filter((output) => output.output_type === "error")
            .map((output) => `${{output.ename}}: ${{output.evalue}}`)[0] ?? null""",
        index,
    )


def get_cell(page, index):
    """Return the locator of the notebook's cell number `index`, scrolled into view."""
    cell = page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')
    cell.scroll_into_view_if_needed()
    return cell


def wait_for_picture(cell):
    """Wait until a widget's picture in the cell is loaded, and return its locator."""
    picture = cell.locator("img.widget-image").first
    picture.wait_for(state="visible")
    cell.page.wait_for_function("(img) => img.complete && img.naturalWidth > 0", arg=picture.element_handle())
    return picture


def press_and_wait(cell, handle, key):
    """Press a key on a focused control; return the ms from the key event to the paint of the picture it brings."""
    cell.evaluate(WATCH_NEXT_PICTURE)
    handle.press(key)
    return cell.page.evaluate(
        """() => Promise.race([window.nextPicture, new Promise((_, reject) =>
            setTimeout(() => reject(new Error("no new picture within 30 s")), 30000))])"""
    )


def slider_latency(page, index, moves=20, slider=0, pause_ms=250):
    """Return the ms from key event to painted picture of each of `moves` steps of a slider of cell `index`.

    Works for any widget whose picture is an <img> in the cell's output: `explore`, and `interact` with matplotlib's
    inline backend. The first three moves warm up and are not counted.
    """
    cell = get_cell(page, index)
    handle = cell.locator(".noUi-handle").nth(slider)
    handle.wait_for(state="visible")
    times = []
    for move in range(moves + 3):
        times.append(press_and_wait(cell, handle, "ArrowRight" if move % 10 < 5 else "ArrowLeft"))
        page.wait_for_timeout(pause_ms)
    return times[3:]


def drag(page, index, slider=0, seconds=1.5, settle_ms=1500):
    """Drag a slider of cell `index` to and fro, and return what the picture did, as a dict.

    "frames": animation frames watched; "blank": those without a picture; "changes": new pictures; "late": those of
    them after the end of the drag, where one or two are due to the last value; "lag": ms from the end of the drag to
    the last new picture, 0 if it came before.
    """
    cell = get_cell(page, index)
    handle, track = cell.locator(".noUi-handle").nth(slider), cell.locator(".noUi-base").nth(slider)
    grip, box = handle.bounding_box(), track.bounding_box()
    cell.evaluate(WATCH_PICTURE)
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds:
        share = abs(1 - 2 * ((passed / seconds * 2) % 1))  # to and fro, twice
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        page.wait_for_timeout(15)
    page.mouse.up()
    end = page.evaluate("() => performance.now()")
    page.wait_for_timeout(settle_ms)
    watch = page.evaluate("() => { watchedPicture.running = false; return watchedPicture; }")
    late = [change - end for change in watch["changes"] if change > end]
    return {
        "frames": watch["frames"], "blank": watch["blank"], "changes": len(watch["changes"]), "late": len(late),
        "lag": max(late, default=0.0),
    }  # fmt: skip


def screenshot(target, name):
    """Save a screenshot of a page or a locator in the folder that git ignores."""
    SCREENSHOTS.mkdir(exist_ok=True)
    target.screenshot(path=SCREENSHOTS / f"{name}.png")
