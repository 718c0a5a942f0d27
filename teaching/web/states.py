"""Draw the states of everything that moves in a notebook: python -m teaching.web.states SOURCE FOLDER MOST

The cells run once. Where one explores, predicts or trains in view, the real widget is built and moved through its states,
and what it would send to JupyterLab is written into FOLDER: pixels as s3/f7.png, each once; data and words in files s3/b2.js
of some neighbouring states; and scenes.json, which names the controls. A script file can be loaded from a folder, too.
"""

import ast
import asyncio
import contextlib
import gzip
import html
import inspect
import io
import json
import os
import re
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from PIL import Image

from chapters.build.cells import keep_needed
from chapters.build.reading import is_evidence, notebook_of, read_source
from teaching.web import grid
from utils.figures import style
from utils.figures.canvas import Canvas
from utils.figures.layers import encode_small
from utils.training import view as training
from utils.widgets import explorer as widgets
from utils.widgets.hands import labelled

MARKS = 40  # pictures of a training that plays
TRAINED = r"\b(race|fit)\((?!(?:[^()]|\([^()]*\))*live=)"  # a call that shows its losses
_PRECISE = re.compile(r"(\d\.\d\d)\d+")  # a hundredth of a point is enough for a path
_PATHS = re.compile(r' (d|x|y|cx|cy|points)="[^"]*"')


class Scene:
    """A folder of states: `add` takes what a widget shows at a place of the grid, `close` writes the rest."""

    def __init__(self, folder, name, shape):
        self.folder, self.name, self.shape = folder / name, name, shape
        self.edges = grid.edges_of(shape)
        self.frames, self.blocks = {}, {}
        self.shades = False  # does dark or bright mean something in any of the states?
        self.folder.mkdir(parents=True)

    def add(self, place, canvas, pixels, svg, words):
        """Keep one state, which a canvas has drawn; `words` is its text alternative, or a list of it and more that is shown."""
        self.shades |= getattr(canvas, "shades", True)
        key = sha256(pixels).digest()
        if key not in self.frames:
            self.frames[key] = len(self.frames)
            small = encode_small(Image.open(io.BytesIO(pixels)).convert("RGB"))
            (self.folder / f"f{self.frames[key]}.png").write_bytes(small)
        number = grid.block_of(place, self.shape, self.edges)
        state = [self.frames[key], self._shortened(svg), *([words] if isinstance(words, str) else words)]
        self.blocks.setdefault(number, {})[",".join(map(str, place))] = state

    def _shortened(self, svg):
        """Return an SVG with coordinates of two decimals, and names that are the same in every build."""
        svg = _PATHS.sub(lambda match: _PRECISE.sub(r"\1", match[0]), svg)
        return re.sub(r"picture-[0-9a-f]{12}", self.name, svg)

    def close(self, key, canvas):
        """Write the blocks, and return what the page has to know of this scene."""
        for number, states in self.blocks.items():
            parts = {}  # what neighbours share, such as a curve that stays, is written once
            for state in states.values():
                state[1] = [parts.setdefault(part, len(parts)) for part in re.split("(?=<)", state[1]) if part]
            block = json.dumps({"parts": list(parts), "states": states}, separators=(",", ":"), ensure_ascii=False)
            packed = gzip.compress(block.encode(), mtime=0)
            call = f'courseStates("{key}/{self.name}",{number},"{b64encode(packed).decode()}")\n'
            (self.folder / f"b{number}.js").write_text(call, encoding="utf-8")
        width, height = (round(inches * style.DPI) for inches in canvas.size)
        return {"scene": self.name, "shape": self.shape, "edges": self.edges, "width": width, "height": height,
                "shades": self.shades}  # fmt: skip


def shown_by(picture):
    """Return (pixels, SVG or "", words) of what a `Picture` sends to the browser."""
    data = picture.data.value
    svg = re.search(r"<svg.*</svg>", data, re.DOTALL)
    words = re.search(r'<div class="picture-words"[^>]*>(.*?)</div>', data, re.DOTALL)
    return bytes(picture.image.value), svg[0] if svg else "", html.unescape(words[1])


class Recorder:
    """Takes the place of what shows a widget, while the cells of one notebook run."""

    def __init__(self, key, folder, most):
        self.key, self.folder, self.most = key, folder, most
        self.cell, self.texts, self.pictures = None, [], 0  # where we are: id, the texts around it, pictures shown so far
        self.scenes = []

    def _open(self, shape):
        return Scene(self.folder, f"s{len(self.scenes)}", shape)

    def _note(self, scene, canvas, **facts):
        facts = {"cell": self.cell, "picture": self.pictures, **facts, **scene.close(self.key, canvas)}
        self.scenes.append(facts)
        self.pictures += 1

    def show(self, *_args, **_settings):
        """A picture that does not move."""
        self.pictures += 1

    def explore(self, scene, *, panels=1, size=None, **controls):
        """Move an explorer through its grid."""
        explorer = widgets.Explorer(scene, panels=panels, size=size, **controls)
        kept = grid.choose(explorer.controls, self.most, self.texts)
        pairs = {name: grid.values_of(control) for name, control in explorer.controls.items()}
        start = {name: [pairs[name][i][0] for i in kept[name]].index(control.value)
                 for name, control in explorer.controls.items()}  # fmt: skip
        states = self._open([len(indices) for indices in kept.values()])
        for place in grid.snake(states.shape):
            for (name, indices), at in zip(kept.items(), place):
                value = pairs[name][indices[at]][0]
                if explorer.controls[name].value != value:
                    explorer.controls[name].value = value
            if explorer.error:
                raise explorer.error
            states.add(place, explorer.canvas, *shown_by(explorer))
        told = [
            {"name": name.replace("_", " "), "label": getattr(control, "description", "") or name, "start": start[name],
             "slider": grid.is_slider(control), "values": [pairs[name][i][1] for i in kept[name]]}
            for name, control in explorer.controls.items()
        ]  # fmt: skip
        self._note(states, explorer.canvas, kind="explore", controls=told)

    def predict(self, question, scene, guess, **settings):
        """Give every guess of a prediction, and reveal."""
        prediction = widgets.Prediction(question, scene, guess, **settings)
        control = prediction.guess
        options = [(value, label) for label, value in labelled(guess)] if prediction.labels else grid.values_of(control)
        kept = range(len(options)) if prediction.labels else grid.choose({"guess": control}, self.most, self.texts)["guess"]
        states = self._open([len(kept)])
        for at, index in enumerate(kept):
            control.value = options[index][0]
            prediction.button.click()
            if prediction.error:
                raise prediction.error
            pixels, svg, words = shown_by(prediction)
            outcome = html.unescape(re.sub(r"<[^>]+>", "", prediction.outcome.value))
            states.add((at,), prediction.canvas, pixels, svg, [words, outcome])
            prediction.again.click()
        told = {"slider": not prediction.labels, "values": [str(options[i][1]) for i in kept]}
        self._note(states, prediction.canvas, kind="predict", question=question, controls=[told])

    def watch(self):
        """Return what takes the place of `LiveView`: of a training that is shown, it keeps the picture at some steps."""
        recorder = self

        class Watched:
            stop_requested = False

            def __init__(self, names, steps, title, chart=True):
                self.steps, self.title, self.chart = steps, title, chart

            def __enter__(self):
                return self

            def __exit__(self, *exception):
                pass

            def update(self, step, losses):
                pass

            def finish(self, losses, endings, stopped):
                if self.chart:
                    recorder.keep_training(self, losses, endings)

        return Watched

    def keep_training(self, view, losses, endings):
        """Draw a training that has ended, at some of its steps and at the end."""
        taken = max(map(len, losses.values()))
        steps = sorted({max(1, round(taken * mark / MARKS)) for mark in range(1, MARKS + 1)})
        canvas, states = Canvas(size=training.size_of_chart(losses), layers=True), self._open([len(steps)])
        for at, step in enumerate(steps):
            so_far = {name: loss[:step] for name, loss in losses.items()}
            ended = endings if step == taken else None
            canvas.draw(training.draw_losses, losses=so_far, steps=view.steps, title=view.title, endings=ended)
            pixels = canvas.frame_png() if canvas.svg else canvas.png()
            states.add((at,), canvas, pixels, canvas.svg or "", canvas.alt)
        told = {"name": "step", "values": [str(step) for step in steps]}
        self._note(states, canvas, kind="train", title=view.title, controls=[told], steps=view.steps)

    def patch(self):
        """Put the recorder in the place of what the cells call."""
        widgets.explore, widgets.predict, widgets.show = self.explore, self.predict, self.show
        training.LiveView, training.is_watched = self.watch(), lambda: True


def texts_around(cells, index):
    """Return what is said of a code cell: first what is to be tried, then all texts up to the code before, and the one after."""
    before = index
    while before and cells[before - 1].cell_type == "markdown":
        before -= 1
    near = [cell.source for cell in cells[before : index + 2] if cell.cell_type == "markdown"]
    notes = [cell.metadata.get("notes", "") for cell in cells[before : index + 1]]
    tries = [*re.findall(r"\*Try:\*.*?(?=\n\n|\Z)", "\n\n".join(near), re.DOTALL),
             *re.findall(r"^Do:.*", "\n".join(notes), re.MULTILINE)]  # fmt: skip
    return ["\n".join(tries), "\n".join(near + notes)]


def moves(cell, names):
    """Whether a cell shows what moves; names: the global names that it reads."""
    return bool({"explore", "predict"} & names) or bool({"race", "fit"} & names and re.search(TRAINED, cell.source))


def run(source, folder, most):
    """Run what a notebook's source needs for what moves in it, and write its states into `folder`."""
    key = f"evidence-{source.stem}" if is_evidence(source) else source.stem
    recorder = Recorder(key, folder, most)
    recorder.patch()
    content = read_source(source)
    texts = {cell.id: texts_around(content.cells, index) for index, cell in enumerate(content.cells)}
    names = {"__name__": "__main__", "display": lambda *_, **__: None}
    os.chdir(notebook_of(source).parent)
    with asyncio.Runner() as runner:
        for cell in keep_needed(content, moves).cells:
            recorder.cell, recorder.texts, recorder.pictures = cell.id, texts[cell.id], 0
            code = compile(cell.source, f"<{key}, {cell.id}>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            with contextlib.redirect_stdout(io.StringIO()):
                result = eval(code, names)
            if inspect.iscoroutine(result):
                runner.run(result)
    (folder / "scenes.json").write_text(json.dumps(recorder.scenes, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), int(sys.argv[3]))
