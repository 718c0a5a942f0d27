"""Draw the states of everything that moves in a notebook: python -m teaching.web.states SOURCE FOLDER MOST

The cells run once. Where one explores, predicts or trains in view, the real widget is built and moved through its states,
and what it would send to JupyterLab is written into FOLDER: pixels as s3/f7.png, each once; data and words in files s3/b2.js
of some neighbouring states; and scenes.json, which names the controls. A script file can be loaded from a folder, too.
All is drawn a second time for phones, in s3-narrow; narrow/CELL-0.png is the first picture of a cell before it is moved.
"""

import ast
import asyncio
import contextlib
import html
import inspect
import io
import itertools
import json
import os
import re
import sys
from base64 import b64decode
from pathlib import Path

from chapters.build.cells import keep_needed
from chapters.build.reading import is_evidence, notebook_of, read_source
from teaching.web import grid
from teaching.web.scene import Scene, shown_by
from utils.figures.canvas import Canvas
from utils.training import view as training
from utils.widgets import explorer as widgets
from utils.widgets.hands import labelled

NARROW = "-narrow"  # behind a scene's name: its drawings for a phone
WAYS = False, True  # is it narrow?
MARKS = 40  # pictures of a training that plays
TRAINED = r"\b(race|fit)\((?!(?:[^()]|\([^()]*\))*live=)"  # a call that shows its losses


class Recorder:
    """Takes the place of what shows a widget, while the cells of one notebook run."""

    def __init__(self, key, folder, most):
        self.key, self.folder, self.most = key, folder, most
        self.cell, self.texts, self.pictures = None, [], 0  # where we are: id, the texts around it, pictures shown so far
        self.scenes = []

    def _open(self, shape):
        """Return two scenes, a wide and a narrow one."""
        name = f"s{len(self.scenes)}"
        return [Scene(self.folder, name + NARROW * narrow, shape) for narrow in WAYS]

    def _note(self, scenes, canvases, **facts):
        wide, narrow = (scene.close(self.key, canvas) for scene, canvas in zip(scenes, canvases))
        narrow = {key: narrow[key] for key in ("width", "height")}
        self.scenes.append({"cell": self.cell, "picture": self.pictures, **facts, **wide, "narrow": narrow})
        self.pictures += 1

    def _keep_narrow(self, bundle):
        """Keep what the next picture of this cell shows on a phone before it is moved; bundle: (data, metadata)."""
        file = self.folder / "narrow" / f"{self.cell}-{self.pictures}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b64decode(bundle[0]["image/png"]))

    def show(self, scene, *data, panels=1, size=None, **params):
        """A picture that does not move."""
        canvas = Canvas(panels, size, narrow=True)
        canvas.draw(lambda axes: scene(axes, *data, **params))
        self._keep_narrow(canvas.bundle())
        self.pictures += 1

    def explore(self, scene, *, panels=1, size=None, **controls):
        """Move an explorer through its grid."""
        explorers = [widgets.Explorer(scene, panels=panels, size=size, narrow=narrow, **controls) for narrow in WAYS]
        explorer = explorers[0]
        self._keep_narrow(explorers[1].saved())
        kept = grid.choose(explorer.controls, self.most, self.texts)
        pairs = {name: grid.values_of(control) for name, control in explorer.controls.items()}
        start = {name: [pairs[name][i][0] for i in kept[name]].index(control.value)
                 for name, control in explorer.controls.items()}  # fmt: skip
        shape = [len(indices) for indices in kept.values()]
        states = self._open(shape)
        for place in grid.snake(shape):
            for drawn, into in zip(explorers, states):
                for (name, indices), at in zip(kept.items(), place):
                    value = pairs[name][indices[at]][0]
                    if drawn.controls[name].value != value:
                        drawn.controls[name].value = value
                if drawn.error:
                    raise drawn.error
                into.add(place, drawn.canvas, *shown_by(drawn))
        told = [
            {"name": name.replace("_", " "), "label": getattr(control, "description", "") or name, "start": start[name],
             "slider": grid.is_slider(control), "values": [pairs[name][i][1] for i in kept[name]]}
            for name, control in explorer.controls.items()
        ]  # fmt: skip
        self._note(states, [drawn.canvas for drawn in explorers], kind="explore", controls=told)

    def predict(self, question, scene, guess, **settings):
        """Give every guess of a prediction, and reveal."""
        predictions = [widgets.Prediction(question, scene, guess, narrow=narrow, **settings) for narrow in WAYS]
        prediction, control = predictions[0], predictions[0].guess
        self._keep_narrow(predictions[1].saved())
        options = [(value, label) for label, value in labelled(guess)] if prediction.labels else grid.values_of(control)
        kept = range(len(options)) if prediction.labels else grid.choose({"guess": control}, self.most, self.texts)["guess"]
        states = self._open([len(kept)])
        for (at, index), (drawn, into) in itertools.product(enumerate(kept), zip(predictions, states)):
            drawn.guess.value = options[index][0]
            drawn.button.click()
            if drawn.error:
                raise drawn.error
            pixels, svg, words = shown_by(drawn)
            outcome = html.unescape(re.sub(r"<[^>]+>", "", drawn.outcome.value))
            into.add((at,), drawn.canvas, pixels, svg, [words, outcome])
            drawn.again.click()
        told = {"slider": not prediction.labels, "values": [str(options[i][1]) for i in kept]}
        self._note(states, [drawn.canvas for drawn in predictions], kind="predict", question=question, controls=[told])

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
        size, states = training.size_of_chart(losses), self._open([len(steps)])
        canvases = [Canvas(size=size, layers=True, narrow=narrow) for narrow in WAYS]
        for (at, step), (canvas, into) in itertools.product(enumerate(steps), zip(canvases, states)):
            so_far = {name: loss[:step] for name, loss in losses.items()}
            ended = endings if step == taken else None
            canvas.draw(training.draw_losses, losses=so_far, steps=view.steps, title=view.title, endings=ended)
            pixels = canvas.frame_png() if canvas.svg else canvas.png()
            into.add((at,), canvas, pixels, canvas.svg or "", canvas.alt)
        self._keep_narrow(canvases[1].bundle())
        told = {"name": "step", "values": [str(step) for step in steps]}
        self._note(states, canvases, kind="train", title=view.title, controls=[told], steps=view.steps)

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


def shows(cell, names):
    """Whether a cell shows a picture; names: the global names that it reads."""
    return bool({"explore", "predict", "show"} & names) or bool({"race", "fit"} & names and re.search(TRAINED, cell.source))


def run(source, folder, most):
    """Run what a notebook's source needs for its pictures, and write their states into `folder`."""
    key = f"evidence-{source.stem}" if is_evidence(source) else source.stem
    recorder = Recorder(key, folder, most)
    recorder.patch()
    content = read_source(source)
    texts = {cell.id: texts_around(content.cells, index) for index, cell in enumerate(content.cells)}
    names = {"__name__": "__main__", "display": lambda *_, **__: None}
    os.chdir(notebook_of(source).parent)
    with asyncio.Runner() as runner:
        for cell in keep_needed(content, shows).cells:
            recorder.cell, recorder.texts, recorder.pictures = cell.id, texts[cell.id], 0
            code = compile(cell.source, f"<{key}, {cell.id}>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            with contextlib.redirect_stdout(io.StringIO()):
                result = eval(code, names)
            if inspect.iscoroutine(result):
                runner.run(result)
    (folder / "scenes.json").write_text(json.dumps(recorder.scenes, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), int(sys.argv[3]))
