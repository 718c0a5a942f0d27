"""A picture of a scene in a widget: drawn again on demand, told in words, and with a place for what goes wrong."""

import asyncio
import gc
import html
import inspect
import sys
import threading
import traceback
from base64 import b64encode

import ipywidgets as widgets

from utils.figures import page, style
from utils.figures.canvas import Canvas
from utils.widgets.controls import name_of
from utils.widgets.versions import Shown

_PAUSE = 0.04  # seconds that the browser has for a picture before the next one is prepared
_COVER = 'class="picture-cover" decoding="sync" alt="" style="grid-area:1/1; width:100%; max-width:none"'
_ALERT = f"padding:4px 10px; border-left:4px solid {style.ALARM}; background:{style.BAD[1]}; color:{style.BLACK}"
_HIDDEN = "position:absolute; width:1px; height:1px; overflow:hidden; clip-path:inset(50%); white-space:nowrap"


class SceneError(RuntimeError):
    """A scene raised an exception while it was drawn; the notebook shows one line of it. The cause is attached."""

    def _render_traceback_(self):
        return [f"{type(self).__name__}: {self}"]


class Picture(Shown):
    """A picture that is drawn again on demand, its words for a screen reader, and a place for one error message."""

    def __init__(self, scene, controls, panels, size, narrow=False):
        self.scene = scene
        self.canvas = Canvas(panels, size, layers=True, narrow=narrow)
        self.lock = threading.RLock()  # a cell sets values in the main thread, JupyterLab moves sliders in another
        self.error = None
        self.pause = None  # the timer of what is done between two moves
        # Two layers in one place: the frame, whose pixels seldom change, and the data, an SVG that comes with every move.
        over = {"grid_area": "1 / 1", "width": "100%", "margin": "0"}
        self.image = widgets.Image(format="png", layout=over)
        self.data = widgets.HTML(layout=over)
        layout = widgets.Layout(grid_template_columns="100%", **style.fit(self.canvas.size[0]), display="none")
        self.layers = widgets.GridBox([self.image, self.data], layout=layout)
        self.layers.add_class("picture")
        scroller = widgets.Box([self.layers])  # or controls would be scrolled out of sight with a picture that is too wide
        self.message = widgets.HTML(layout=widgets.Layout(display="none"))
        mending = widgets.HTML(page.write_mending(), layout=widgets.Layout(display="none"))
        super().__init__([*controls, self.message, scroller, mending])
        self.add_class(page.CLASS)

    def draw(self, scene, params, state=""):
        """Draw the scene; if it raises, say so and keep the last picture. `state` opens the words."""
        try:
            draw_scene(self.canvas, scene, params)
        except SceneError as error:
            self.error = error
            self.message.value = f'<div role="alert" style="{_ALERT}">{html.escape(str(error))}</div>'
            self.message.layout.display = None
            return
        data, layered = self.canvas.svg or "", "<svg" in self.data.value
        pixels = self.canvas.frame_png() if data else self.canvas.png()
        # The browser shows another PNG some milliseconds after it came, and for these old data would stand in a new frame
        # or new ones in an old frame. So this once the pixels come together with the data, and cover the layer below.
        changes = pixels != self.image.value and (data or layered)
        cover = f'<img src="data:image/png;base64,{b64encode(pixels).decode()}" {_COVER}>' if changes else ""
        self.image.value = pixels
        words = html.escape(f"{state} {self.canvas.alt}".strip())
        told = f'<div class="picture-words" aria-live="polite" style="{_HIDDEN}">{words}</div>'
        shades = ' class="picture-shades"' if self.canvas.shades else ""
        self.data.value = f'<div style="display:grid"{shades}>{cover}{data}</div>{told}'
        self.layers.layout.display = "grid"  # hidden until there is a first picture
        # In a kernel this waits until the picture is sent. Its sender, a thread of its own, would else wait for ours.
        sys.stdout.flush()
        if self.error:
            self.error = None
            self.message.layout.display = "none"
            self.message.value = ""
        self._tidy_soon()

    def _tidy_soon(self):
        """Get ready for the next move in the pause after this one, not while the browser paints: both need the core."""
        if self.pause:
            self.pause.cancel()
        try:
            self.pause = asyncio.get_running_loop().call_later(_PAUSE, self._tidy)
        except RuntimeError:  # no kernel, so no browser either
            self.canvas.prepare()

    def _tidy(self):
        with self.lock:
            self.canvas.prepare()
        gc.collect()  # the last figure; else the collector would come in the middle of some later move

    def _repr_mimebundle_(self, **kwargs):
        """Add a picture to the widget, so that a saved notebook shows one without a kernel."""
        view = super()._repr_mimebundle_(**kwargs)
        with self.lock:
            if self.error:
                return {**view, "text/plain": str(self.error)}
            data, metadata = self.saved()
        return {**view, **data}, metadata

    def saved(self):
        """Return (data, metadata) of the picture that a saved notebook shows: this one, where a subclass has no other."""
        return self.canvas.bundle()


def draw_scene(canvas, scene, params):
    """Draw the scene; whatever it raises becomes a SceneError of one line, which names the line of the scene."""
    try:
        canvas.draw(scene, **params)
    except Exception as error:
        code = getattr(inspect.unwrap(scene), "__code__", None)
        lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code is code]
        where = f" (line {lines[-1] - code.co_firstlineno + 1} of the scene)" if lines else ""
        message = f"{name_of(scene)} could not be drawn: {type(error).__name__}: {error}{where}"
        raise SceneError(message) from error
