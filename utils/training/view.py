"""What a notebook shows while a net trains: a chart of the loss, the progress, and a Stop button that works meanwhile.

The training loop keeps the kernel's main thread busy, and still needs no `await`: JupyterLab (from 4.4 on) addresses
what a widget says to a *subshell*, which ipykernel (from 7 on) serves in a thread of its own. A front-end without
subshells delivers the click when the cell has ended; there the kernel's own interrupt stops the training. Where
ipywidgets is so old that the kernel is as well, as in Colab, that is what stands in the place of the button.
"""

import html
import time

import ipywidgets as widgets
import numpy as np
from IPython import get_ipython
from IPython.display import display

from utils.figures import page, style
from utils.figures.canvas import Canvas
from utils.widgets.versions import OLD, Shown, set_tooltip

REFRESH = 0.25  # seconds between two pictures: often enough to watch, rarely enough to cost little
RAREST = 1.0  # seconds between two pictures on a machine that draws slowly
SHARE = 0.1  # the part of the run's time that drawing may take, as far as RAREST permits
# The page of a lecture knows the button by its class, and runs the cell when it is pressed.
START = '<button class="jupyter-button mod-primary lecture-start">\u25b6 Start</button> {}'
POINTS = 150  # at most, on a curve: each is the mean over as many steps as that takes


class LiveView:
    """The view of a run in a notebook. Its last picture stays in the output, also of the saved notebook.

    Without a chart it shows the progress and the Stop button alone, and its title stays. A chart that waits for a lecture
    shows its axes and a Start button, and stops the training before the first step.
    """

    def __init__(self, names, steps, title, chart=True):
        self.steps, self.title, self.chart = steps, title, chart
        self.waits = self.stop_requested = chart and is_prepared()
        self.canvas = Canvas(size=size_of_chart(names))
        self.image = widgets.Image(format="png", layout={"width": "100%"})
        self.words = widgets.HTML(layout={"display": "none"})
        picture = widgets.VBox([self.image, self.words], layout=style.fit(style.WIDTH))
        picture.add_class("picture")
        if OLD:  # a click would be heard when the cell has ended
            stop = widgets.Label("To stop, interrupt the cell.")
        else:
            stop = StopButton(description="Stop", icon="stop", tooltip="End the training and keep what was learned")
            stop.on_click(self._request_stop)
        self.bar = widgets.IntProgress(max=steps, layout={"width": "300px"})
        set_tooltip(self.bar, f"Steps of {title}")
        self.status = widgets.Label("starting")
        controls = widgets.Box([stop, self.bar, self.status], layout={"flex_flow": "row wrap"})
        mending = widgets.HTML(page.write_mending(), layout={"display": "none"})
        self.box = Shown([controls, *([widgets.Box([picture])] if chart else []), mending])
        self.box.add_class(page.CLASS)
        self._draw({name: [] for name in names})

    def __enter__(self):
        self.handle = None if self.waits else display(self.box, display_id=True)
        self.started = self.next_refresh = time.perf_counter()
        return self

    def __exit__(self, *exception):
        close_all(self.box)

    def _request_stop(self, button):
        self.stop_requested = True  # the loop, in another thread, reads it after its current step
        button.disabled = True

    def _draw(self, losses, endings=None):
        if not self.chart:
            return
        self.canvas.draw(draw_losses, losses=losses, steps=self.steps, title=self.title, endings=endings)
        self.image.value = self.canvas.png()
        self.words.value = f'<div class="picture-words">{html.escape(self.canvas.alt)}</div>'

    def update(self, step, losses):
        """Show the state after `step` steps, unless the last picture is too recent."""
        now = time.perf_counter()
        if now < self.next_refresh:
            return
        self._draw(losses)
        left = (now - self.started) / step * (self.steps - step)
        self.bar.value = step
        self.status.value = f"step {step} of {self.steps}, about {left:.0f} s left"
        done = time.perf_counter()
        self.next_refresh = done + min(max(REFRESH, (done - now) / SHARE), RAREST)

    def _show_start(self, names):
        told = f"{self.title}: {', '.join(names)}; {self.steps} steps."
        data, metadata = self.canvas.bundle()
        display({"text/html": START.format(html.escape(told)), "text/plain": f"Start: {told}"}, raw=True)
        display(data, metadata=metadata, raw=True)

    def finish(self, losses, endings, stopped):
        """Replace the widgets by the final picture, with the numbers below it and in its text alternative."""
        if self.waits:
            self._show_start(list(losses))
            return
        self._draw(losses, endings)
        taken = max(map(len, losses.values()))
        told = f"{self.title}: {'stopped after ' if stopped else ''}{taken} steps."
        data, metadata = self.canvas.bundle() if self.chart else ({"text/plain": told}, {})
        self.handle.update(data, metadata=metadata, raw=True)


def close_all(widget):
    """Close a widget and all that it holds."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    widget.close()


class StopButton(widgets.Button):
    """A button whose clicks arrive while a cell runs."""

    def open(self):
        """Open the channel to the front-end, through a comm of ours."""
        if self.comm is None:
            from utils.training.subshell import SubshellComm  # not above: the package comm comes with ipywidgets 8

            data = {"state": self.get_state(), "buffer_paths": []}
            metadata = {"version": widgets.__protocol_version__}
            self.comm = SubshellComm("jupyter.widget", data, metadata)


def is_watched():
    """Whether this is a notebook: neither a script nor IPython in a terminal can show a widget."""
    return hasattr(get_ipython(), "kernel")


def is_prepared():
    """Whether the page of a lecture runs this cell before the talk: it says so with its request (teaching/labextension)."""
    return is_watched() and get_ipython().kernel.get_parent().get("metadata", {}).get("training") == "wait"


def size_of_chart(names):
    """Return (width, height), in inches, of the chart of these nets."""
    room = (len(names) - 1) * (0.35 if style.in_lecture() else 0.2)  # for the legend and the caption
    return style.WIDTH, style.HEIGHT + room


def draw_losses(ax, losses, steps, title, endings=None):
    """Draw the loss of each net over the steps, and return the caption.

    losses: name -> list of the losses so far, one a step, the last of which may be nan or inf.
    endings: name -> how its run ended, in a few words; None while it goes on.
    """
    last = max(1, *map(len, losses.values())) if endings else steps
    stride = -(-last // POINTS)
    begun = {name: loss for name, loss in losses.items() if loss}
    sound = {name: loss for name, loss in begun.items() if np.isfinite(loss[-1])} or begun
    firsts = [loss[0] for loss in sound.values() if np.isfinite(loss[0])]
    for i, (name, loss) in enumerate(losses.items()):
        k = i % len(style.CYCLE)
        look = {"color": style.CYCLE[k], "linestyle": style.DASHES[k], "marker": style.MARKERS[k]}
        at, means = _thinned(loss, stride)
        first_mark = max(0, min(3 * i % 15, len(at) - 1))  # apart from the other nets' marks
        ax.plot(at, means, label=name, markevery=(first_mark, 15), **look)
    highest = max([0, *firsts, *(line.get_ydata().max(initial=0) for line in ax.lines if line.get_label() in sound)])
    # One net that explodes, or starts from far above, must not flatten the others.
    top = min(highest, 3 * np.median(firsts)) if firsts else 1
    for i, loss in enumerate(losses.values()):
        if loss and not np.isfinite(loss[-1]):
            place = {"ha": "left" if len(loss) < 0.8 * last else "right", "va": "center"}
            k = i % len(style.CYCLE)
            height = top * (1 - 0.1 * k)  # nets may diverge at the same step
            ax.text(len(loss), height, "\u2715 diverged", color=style.CYCLE[k], weight="bold", **place)
    ax.set(title=title, xlabel="step", ylabel="training loss", xlim=(0, last))
    rows = _add_legend(ax) if len(losses) > 1 else 0
    ax.set_ylim(0, top * (1.08 + rows * (0.2 if style.in_lecture() else 0.13)))  # the legend stands above the curves
    smoothing = [f"Each point is the mean of {stride} steps."] if stride > 1 else []
    if len(losses) > 1:
        words = [f"{name}: {ending}." for name, ending in (endings or {}).items()]
    else:
        words = [f"{ending[0].upper()}{ending[1:]}." for ending in (endings or {}).values()]
    return " ".join(words + smoothing)


def _add_legend(ax):
    """Add a legend along the upper edge and return its number of rows."""
    names = [line.get_label() for line in ax.lines]
    room = (60 if style.in_lecture() else 95) * ax.figure.get_figwidth() / style.WIDTH  # characters
    columns = max(1, min(len(names), int(room / (max(map(len, names)) + 8))))
    ax.legend(loc="upper center", ncols=columns)
    return -(-len(names) // columns)


def _thinned(losses, stride):
    """Return (steps, means), each of shape (points,): the finite losses, averaged over `stride` steps at a time."""
    losses = np.asarray(losses, dtype=float)
    losses = losses[np.isfinite(losses)]
    starts = np.arange(0, len(losses), stride)
    if not len(starts):
        return starts, losses
    counts = np.diff(np.append(starts, len(losses)))
    return starts + (counts + 1) / 2, np.add.reduceat(losses, starts) / counts
