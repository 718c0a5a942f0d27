"""Firefox and WebKit, which is Safari's engine, from Debian's packages, with the same few methods as a page of Playwright.

Playwright itself drives neither of them: it needs a Firefox and a WebKit that were built for it. Firefox is told what to do
by WebDriver BiDi, over a websocket, and WebKit by the older WebDriver, over HTTP. Keys, the mouse and scripts are put in the
same words for both, so that the helpers of lab.py and slides.py serve here, too.
"""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import pytest
import websocket

from tests.browser.lab import free_port

FIREFOX, WEBKIT = "firefox", "webkit"
PATIENCE = 600  # seconds for one command: a script may run a notebook
KEYS = {
    "Tab": "\ue004", "Enter": "\ue007", "Shift": "\ue008", "Escape": "\ue00c", "Space": " ", "PageUp": "\ue00e",
    "PageDown": "\ue00f", "End": "\ue010", "Home": "\ue011", "ArrowLeft": "\ue012", "ArrowUp": "\ue013",
    "ArrowRight": "\ue014", "ArrowDown": "\ue015",
}  # fmt: skip

# A script is an expression, or a function of one argument. Its answer comes back as text, as does what it throws.
SCRIPT = """
(async () => {
    let value = (%s);
    if (typeof value === "function") value = value(%s);
    return JSON.stringify({value: (await value) ?? null});
})().catch((error) => JSON.stringify({error: String(error)}))
"""
# Where the middle of an element is, in the window, when it has been scrolled into view.
MIDDLE = """
(arg) => {
    const element = (%s)(arg);
    element.scrollIntoView({block: "center", behavior: "instant"});
    const {x, y, width, height} = element.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
}
"""
WATCH_ERRORS = """
() => {
    window.courseFaults = [];
    addEventListener("error", (event) => courseFaults.push(event.message));
    addEventListener("unhandledrejection", (event) => courseFaults.push(String(event.reason)));
}
"""


@contextlib.contextmanager
def open_engine(name, width=1280, height=800):
    """Yield a page of an engine, FIREFOX or WEBKIT; skips the test where it is not installed."""
    with {FIREFOX: _firefox, WEBKIT: _webkit}[name]() as page:
        page.resize(width, height)
        yield page


class Page:
    """What both engines do in the same way, given the three methods of a subclass: `run`, `act` and `picture`."""

    def evaluate(self, script, arg=None):
        """Return what a script returns, an expression or a function of `arg`."""
        answer = json.loads(self.run(SCRIPT % (script, json.dumps(arg))))
        if "error" in answer:
            raise RuntimeError(f"{answer['error']}, in {script.strip()[:200]}")
        return answer["value"]

    def wait_for_function(self, script, arg=None, timeout=30_000):
        """Wait until a script returns something true, for so many ms."""
        end = time.monotonic() + timeout / 1000
        holds = f"async (arg) => {{ const value = ({script}); return !!await (typeof value === 'function' ? value(arg) : value); }}"
        while not self.evaluate(holds, arg):
            if time.monotonic() > end:
                raise TimeoutError(f"not within {timeout} ms: {script.strip()[:200]}")
            time.sleep(0.05)

    def press(self, keys):
        """Press a key, such as "Home", or several at once, as in "Shift+Space"."""
        codes = [KEYS.get(key, key) for key in keys.split("+")]
        steps = [{"type": "keyDown", "value": code} for code in codes]
        self.act({"type": "key", "id": "keys"}, steps + [{"type": "keyUp", "value": code} for code in codes[::-1]])

    def middle(self, find, arg=None):
        """Scroll to the element that a script finds, and return where its middle is."""
        return self.evaluate(MIDDLE % find, arg)

    def drag(self, begin, *places):
        """Move the mouse to a place, press its button, go on to others, and let go. Without others it is a click."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 20} for x, y in (begin, *places)]
        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self.act(mouse, [moves[0], down, *moves[1:], up])

    def click(self, find, arg=None):
        """Click on the element that a script finds."""
        self.drag(self.middle(find, arg))

    def screenshot(self, path):
        Path(path).write_bytes(base64.b64decode(self.picture()))


class _Firefox(Page):
    def __init__(self, socket):
        self.socket, self.numbers, self.errors = socket, itertools.count(), []
        self.send("session.new", capabilities={})
        self.context = self.send("browsingContext.create", type="tab")["context"]  # the first tab never has the focus
        self.send("browsingContext.activate", context=self.context)
        self.send("session.subscribe", events=["log.entryAdded"])

    def send(self, method, **params):
        """Send a command and return its result; what the page complains of meanwhile is noted down."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("method") == "log.entryAdded" and message["params"]["level"] == "error":
                self.errors.append(message["params"]["text"])
            if message.get("id") == number:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
                return message["result"]

    def resize(self, width, height):
        self.send("browsingContext.setViewport", context=self.context, viewport={"width": width, "height": height})

    def goto(self, url):
        self.send("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def run(self, script):
        answer = self.send("script.evaluate", expression=script, target={"context": self.context}, awaitPromise=True)
        return answer["result"]["value"]

    def act(self, source, steps):
        self.send("input.performActions", context=self.context, actions=[{**source, "actions": steps}])

    def picture(self):
        return self.send("browsingContext.captureScreenshot", context=self.context)["data"]

    def faults(self):
        """Return what pages have complained of."""
        self.evaluate("0")  # so that all events before it have come
        return self.errors


class _WebKit(Page):
    def __init__(self, driver, program):
        self.address, self.errors = f"{driver}/session", []
        options = {"binary": str(program), "args": ["--automation"]}
        asked = {"alwaysMatch": {"webkitgtk:browserOptions": options, "timeouts": {"script": PATIENCE * 1000}}}
        self.address += f"/{self.send('POST', '', capabilities=asked)['sessionId']}"

    def send(self, method, command, **params):
        data = json.dumps(params).encode() if method == "POST" else None
        request = urllib.request.Request(self.address + command, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{command}: {error.read().decode()}") from error

    def resize(self, width, height):
        """Give the page this size; the window, with its toolbar, is never narrower than about 450 px."""
        for _ in range(2):
            inner = self.evaluate("[outerWidth - innerWidth, outerHeight - innerHeight]")
            self.send("POST", "/window/rect", width=width + inner[0], height=height + inner[1])

    def goto(self, url):
        self.faults()
        self.send("POST", "/url", url=url)
        self.evaluate(WATCH_ERRORS)

    def run(self, script):
        return self.send("POST", "/execute/async", script=f"({script}).then(arguments[0])", args=[])

    def act(self, source, steps):
        self.send("POST", "/actions", actions=[{**source, "actions": steps}])

    def picture(self):
        return self.send("GET", "/screenshot")

    def faults(self):
        """Return what pages have complained of, each from its load on: of what comes before, WebKit's driver tells nothing."""
        self.errors += self.evaluate("window.courseFaults?.splice(0) ?? []")
        return self.errors


@contextlib.contextmanager
def _firefox():
    program, port = shutil.which("firefox-esr") or shutil.which("firefox"), free_port()
    if not program:
        pytest.skip("Firefox was not found; README.md says how to get it")
    with contextlib.ExitStack() as stack:
        profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        command = [program, "--headless", "--profile", profile, f"--remote-debugging-port={port}"]
        process = stack.enter_context(_running(command))
        connect = partial(websocket.create_connection, f"ws://127.0.0.1:{port}/session", PATIENCE, suppress_origin=True)
        yield _Firefox(stack.enter_context(contextlib.closing(_retry(connect, process))))


@contextlib.contextmanager
def _webkit():
    program, port = next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), None), free_port()
    if not (program and shutil.which("WebKitWebDriver") and shutil.which("Xvfb")):
        pytest.skip("WebKit's driver, its MiniBrowser or Xvfb was not found; README.md says how to get them")
    with _running(["Xvfb", "-displayfd", "1", "-screen", "0", "2000x1600x24", "-nolisten", "tcp"]) as screen:
        display = screen.stdout.readline().decode().strip()
        environment = {**os.environ, "DISPLAY": f":{display}", "GDK_BACKEND": "x11"}
        with _running(["WebKitWebDriver", f"--port={port}"], environment) as process:
            driver = f"http://127.0.0.1:{port}"
            _retry(lambda: urllib.request.urlopen(f"{driver}/status", timeout=5).close(), process)
            page = _WebKit(driver, program)
            try:
                yield page
            finally:
                page.send("DELETE", "")


@contextlib.contextmanager
def _running(command, environment=None):
    """Run a program in the background, and end it."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def _retry(connect, process, seconds=60):
    """Return what `connect` returns, once the program has begun to listen."""
    end = time.monotonic() + seconds
    while True:
        try:
            return connect()
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.1)
