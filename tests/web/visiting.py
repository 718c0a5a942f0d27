"""A static server for the web edition, pages of it in Chromium, and what they weigh and take."""

import contextlib
import functools
import gzip
import http.server
import json
import threading
from urllib.parse import urlsplit

from chapters.build.reading import is_evidence, sources_of
from teaching.web import site
from tests.browser.lab import chromium_page

READY = "document.documentElement.dataset.course === 'ready'"

# What of a page is shown smaller where it would be too wide.
WIDE_BOXES = """
() => [...document.querySelectorAll("article table")].map((table) => table.closest(".output, .pst-scrollable-table-container"))
    .concat([...document.querySelectorAll(".course-formula")]).filter((box) => box?.clientWidth)
"""
TIGHT_PAGES = "05_xavier_he.html", "07_lstm_gru.html", "evidence/01_saturation.html", "evidence/04_initialization.html"

# Resolves to the ms of each of 20 moves of a slider at 0 from end to end: from its event to the frame after the new picture.
MOVES = """
async (input) => {
    const times = [], box = input.closest(".course-scene");
    for (let move = 0; move < 20; move++) {
        const begin = performance.now(), before = box.dataset.shown;
        input.value = move % 2 ? 0 : input.max;
        input.dispatchEvent(new Event("input"));
        while (box.dataset.shown === before) await new Promise((resolve) => setTimeout(resolve));
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
        times.push(performance.now() - begin);
    }
    return times;
}
"""


# Moves a slider to an end, "max" or "min"; resolves as soon as the picture shows it.
GO = """
async (input, end) => {
    input.value = input[end];
    input.dispatchEvent(new Event("input"));
    const box = input.closest(".course-scene"), control = input.closest(".course-control");
    const at = [...box.querySelectorAll(".course-control")].indexOf(control);
    while (box.dataset.shown?.split(",")[at] !== input.value) await new Promise((resolve) => setTimeout(resolve));
}
"""


# A page under this policy tells the server of each request that leaves it. Scripts and styles may stand in the page itself.
POLICY = "default-src 'self' 'unsafe-inline' data:; report-uri /report"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """A handler that writes no log, and puts into a list what pages report under POLICY, if it is given one."""

    def __init__(self, *args, reports, **settings):
        self.reports = reports
        super().__init__(*args, **settings)

    def end_headers(self):
        if self.reports is not None:
            self.send_header("Content-Security-Policy-Report-Only", POLICY)
        super().end_headers()

    def do_POST(self):
        report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.reports.append(report["csp-report"]["blocked-uri"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder, reports=None):
    """Serve a folder on a free port; yields its address. The list `reports` grows by the address of each request elsewhere."""
    handler = functools.partial(_Quiet, directory=str(folder), reports=reports)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def visit(chromium_path, address, name, width=1280, **settings):
    """Open a page of the site; what it complains of, and where it asks elsewhere, is a failure."""
    with chromium_page(chromium_path) as first:
        page = first.context.browser.new_page(viewport={"width": width, "height": 800}, **settings)
        page.set_default_timeout(20_000)
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if request.url.startswith((address, "data:")) else faults.append(request.url))
        page.goto(f"{address}/{name}")
        if settings.get("java_script_enabled", True):
            page.wait_for_function(READY)
        yield page
        assert not faults, faults


def lessons():
    """Return the names of the lessons' pages."""
    return [source.stem for source in sources_of(site.CHAPTERS) if not is_evidence(source)]


def facts_of(scene):
    """Return what the page knows of a scene."""
    return json.loads(scene.locator("script").text_content())


def scenes_of(page, kind):
    """Return the scenes of a kind on a page."""
    return [scene for scene in page.locator(".course-scene").all() if facts_of(scene)["kind"] == kind]


def weigh(page, folder):
    """Scroll through a page, and return the bytes of it and of all that it has loaded, compressed; and their files."""
    for image in page.locator(".course-picture img").all():  # which are loaded when they come near
        image.evaluate("(image) => { image.scrollIntoView(); return image.decode(); }")
    page.wait_for_load_state("networkidle")
    urls = {page.url, *page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")}
    files = {folder / urlsplit(url).path.lstrip("/") for url in urls}
    return sum(len(gzip.compress(file.read_bytes())) for file in files), files


def time_moves(page):
    """Return the ms of moves of the first slider of a page, once its states are there."""
    handle = scenes_of(page, "explore")[0].get_by_role("slider").first
    for end in ("max", "min"):
        handle.evaluate(GO, end)
    return handle.evaluate(MOVES)
