"""A learner's side of a JupyterHub, without a browser: start a server, open a notebook, run it, move a slider.

It speaks what JupyterLab speaks: the hub's REST API, the server's, and the kernel's messages over a websocket.
"""

import asyncio
import json
import random
import struct
import time
import uuid

import psutil
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

PATIENCE = 600  # seconds for what a person would have given up on long before
PACE = (0.5, 1.5)  # seconds between two moves of a slider


class Hub:
    """A running JupyterHub, and a token of a service that may start servers and use them."""

    def __init__(self, address, token):
        self.address, self.headers = address, {"Authorization": f"token {token}"}
        AsyncHTTPClient.configure(None, max_clients=200)

    async def ask(self, method, path, body=None):
        """Send a request and return the answer's JSON, or text if it is none. Raises HTTPClientError."""
        answer = await AsyncHTTPClient().fetch(HTTPRequest(
            self.address + path, method=method, headers=self.headers, body=None if body is None else json.dumps(body),
            allow_nonstandard_methods=True, request_timeout=PATIENCE, connect_timeout=PATIENCE,
        ))  # fmt: skip
        text = answer.body.decode()
        try:
            return json.loads(text)
        except ValueError:
            return text

    async def wait(self, seconds=60):
        """Wait until the hub answers."""
        for _ in range(seconds * 2):
            try:
                return await self.ask("GET", "/hub/api/")
            except (OSError, HTTPClientError):
                await asyncio.sleep(0.5)
        raise TimeoutError("the hub did not start")

    async def open(self, learner, chapter):
        """Start the learner's server, load JupyterLab's page and the chapter, and start its kernel; return a `Seat`."""
        await self.ask("POST", f"/hub/api/users/{learner}")
        await self.ask("POST", f"/hub/api/users/{learner}/server")
        while not (await self.ask("GET", f"/hub/api/users/{learner}"))["server"]:
            await asyncio.sleep(0.5)
        seat = Seat(self, learner)
        await self.ask("GET", f"{seat.path}/lab")
        files = await seat.ask("GET", "contents/chapters")
        seat.file = next(file["path"] for file in files["content"] if file["name"].startswith(f"{chapter}_"))
        seat.notebook = (await seat.ask("GET", f"contents/{seat.file}"))["content"]
        body = {"path": seat.file, "name": seat.file, "type": "notebook", "kernel": {"name": "python3"}}
        seat.kernel = (await seat.ask("POST", "sessions", body))["kernel"]["id"]
        await seat.connect()
        await seat.execute("1")
        seat.ready = time.monotonic()
        return seat


class Seat:
    """A learner with an open chapter."""

    def __init__(self, hub, learner):
        self.hub, self.learner, self.path = hub, learner, f"/user/{learner}"
        self.socket = self.reader = self.ready = None
        self.waiting = {}  # id of an execution -> its outputs and the future of its end
        self.ranges = {}  # of the sliders of whole numbers, by their models
        self.slider = self.frame = self.picture = None  # the models of the explorer to move: its slider, its two layers
        self.moved = None  # the future of the next picture

    async def ask(self, method, path, body=None):
        """Send a request to the learner's server."""
        return await self.hub.ask(method, f"{self.path}/api/{path}", body)

    async def connect(self):
        """Open the channels of the kernel."""
        address = f"ws{self.hub.address[4:]}{self.path}/api/kernels/{self.kernel}/channels?session_id={uuid.uuid4().hex}"
        request = HTTPRequest(address, headers=self.hub.headers, request_timeout=PATIENCE, connect_timeout=PATIENCE)
        self.socket = await websocket_connect(request, max_message_size=10**9)
        self.reader = asyncio.create_task(self._listen(self.socket))

    async def reconnect(self):
        """Restart the kernel, as a learner does after a misfortune, and open its channels again."""
        self.socket.close()
        self.ranges, self.slider, self.frame, self.picture = {}, None, None, None
        await self.ask("POST", f"kernels/{self.kernel}/restart")
        await self.connect()
        await self.execute("1")

    async def execute(self, code):
        """Run code in the kernel; return None, or the error as "name: value"."""
        return (await self._run(code))["error"]

    async def printed(self, code):
        """Run code in the kernel and return what it printed."""
        return (await self._run(code))["text"]

    async def run_all(self):
        """Run the chapter from top to bottom; return the errors."""
        errors = []
        for cell in self.notebook["cells"]:
            if cell["cell_type"] == "code" and (error := await self.execute(cell["source"])):
                errors.append(error)
        self.ready = time.monotonic()
        return errors

    async def move(self, moves):
        """Move the slider of an explorer so many times, with pauses; return the ms from each move to its picture."""
        if not self.picture:
            raise LookupError(f"{self.file} has no explorer with a slider named depth")
        comm, low, high = self.slider
        times, value = [], (low + high) // 2
        for _ in range(moves):
            await asyncio.sleep(random.uniform(*PACE))
            value = low if value == high else value + 1
            self.moved, sent = asyncio.get_running_loop().create_future(), time.perf_counter()
            data = {"method": "update", "state": {"value": value}, "buffer_paths": []}
            await self._send("comm_msg", {"comm_id": comm, "data": data})
            await asyncio.wait_for(self.moved, PATIENCE)
            times.append((time.perf_counter() - sent) * 1000)
        return times

    async def save(self):
        """Write an answer into the notebook's last code cell and save the notebook, as JupyterLab does by itself."""
        cell = [cell for cell in self.notebook["cells"] if cell["cell_type"] == "code"][-1]
        self.answer = f"# the answer of {self.learner}\n{cell['source']}"
        cell["source"] = self.answer
        await self.ask("PUT", f"contents/{self.file}", {"type": "notebook", "format": "json", "content": self.notebook})

    async def saved(self):
        """Whether the saved notebook holds the learner's answer."""
        content = (await self.ask("GET", f"contents/{self.file}"))["content"]
        return any(cell["source"] == self.answer for cell in content["cells"])

    def kernel_process(self, hub_process):
        """Return the process id of the learner's kernel, on this machine."""
        family = psutil.Process(hub_process.pid).children(recursive=True)
        return next(one.pid for one in family if any(self.kernel in word for word in one.cmdline()))

    async def _run(self, code):
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        run = {"error": None, "text": "", "end": asyncio.get_running_loop().create_future()}
        self.waiting[await self._send("execute_request", content)] = run
        await asyncio.wait_for(run["end"], PATIENCE)
        return run

    async def _send(self, kind, content):
        header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": self.learner, "username": self.learner,
                  "version": "5.3", "date": ""}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        await self.socket.write_message(json.dumps(message))
        return header["msg_id"]

    async def _listen(self, socket):
        while (raw := await socket.read_message()) is not None:
            message = json.loads(raw if isinstance(raw, str) else _first_part(raw))
            kind, content = message["header"]["msg_type"], message["content"]
            run = self.waiting.get(message["parent_header"].get("msg_id"))
            if kind in ("comm_open", "comm_msg") and not self.picture:
                self._note_model(content["comm_id"], content["data"].get("state", {}))
            elif kind == "comm_msg":
                drawn = self.picture == content["comm_id"] and "value" in content["data"].get("state", {})
                if drawn and self.moved and not self.moved.done():
                    self.moved.set_result(None)
            elif kind == "status" and content["execution_state"] in ("restarting", "dead"):
                for lost in self.waiting.values():
                    if not lost["end"].done():
                        lost["error"] = f"the kernel died and is {content['execution_state']}"
                        lost["end"].set_result(None)
            elif run:
                if kind == "error":
                    run["error"] = f"{content['ename']}: {content['evalue']}"[:200]
                elif kind == "stream":
                    run["text"] += content["text"]
                elif kind == "status" and content["execution_state"] == "idle" and not run["end"].done():
                    run["end"].set_result(None)

    def _note_model(self, comm, state):
        """Find the first slider named depth (a net is made and measured at each of its moves), and its picture.

        A control is made first, then named, and the picture of its explorer is made after all controls: first its frame,
        an image, then its data, which come with every move.
        """
        if state.get("_model_name") == "IntSliderModel":
            self.ranges[comm] = state["min"], state["max"]
        elif state.get("description") == "depth" and comm in self.ranges and not self.slider:
            self.slider = comm, *self.ranges[comm]
        elif state.get("_model_name") == "ImageModel" and self.slider:
            self.frame = comm
        elif state.get("_model_name") == "HTMLModel" and self.frame:
            self.picture = comm


def _first_part(raw):
    """Return the JSON of a message with buffers: a count of parts and their offsets come first, in big-endian order."""
    (count,) = struct.unpack("!i", raw[:4])
    offsets = struct.unpack(f"!{count}i", raw[4 : 4 * (count + 1)])
    return raw[offsets[0] : offsets[1] if count > 1 else None].decode()
