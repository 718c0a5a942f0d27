"""Draw a scene as a picture, and draw it again fast.

A *scene* is a plain function `scene(ax, **params)` that adds artists to matplotlib axes and may return one sentence,
the caption. What is slow in matplotlib is the *frame*: ticks, tick labels, titles. The canvas keeps the pixels of the
last few frames, and as long as a picture has one of these it draws only the data on top of them. A live picture in a
browser can go further and have the two as layers: then a frame is sent once, and the data as a short text.
"""

import contextlib
import threading
import uuid
import warnings
from base64 import b64encode
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from PIL import Image, ImageDraw

from utils.figures import style, words
from utils.figures.frame import data_artists, describe_frame, describe_patch
from utils.figures.layers import encode_fast, encode_small, write_svg
from utils.figures.margins import NO_EXTRA, measure_overhang, set_margins
from utils.figures.narrow import DPI, LINES, fit_words, keep_inside, repeat_labels, stack
from utils.torchdoctor.errors import WrongType, WrongValue

# matplotlib's settings belong to the process, and widgets are served in another thread than cells.
_SETTINGS_LOCK = threading.RLock()

_KEPT = 6  # frames, about 1.4 MB each: a slider goes to and fro between the limits of an axis


# What matplotlib would say at each move of a slider, of an empty log axis and the like. All other warnings get through.
_NOISE = ("Attempt to set non-positive", "Attempting to set identical", "Data has no positive values", "No artists with")


@contextlib.contextmanager
def course_settings():
    """Apply the course's matplotlib settings, for one thread at a time."""
    # A fixed height for titles: matplotlib's search for one above the ticks takes a fifth of a whole drawing.
    settings = {**style.rc_params(), "axes.titley": 1.0}
    with _SETTINGS_LOCK, matplotlib.rc_context(settings), warnings.catch_warnings():
        for message in _NOISE:
            warnings.filterwarnings("ignore", message)
        yield


@dataclass
class _Frame:
    """What is kept of a frame: its pixels, the margins that its labels need, and its PNG as soon as one is wanted."""

    pixels: object  # matplotlib's BufferRegion, of shape (height, width, 4)
    margins: dict
    png: bytes = b""


class Canvas:
    """Draws scenes on figures of one size.

    Args:
        panels: 1 (the scene gets `ax`), or a number of columns, or (rows, columns) (the scene gets an array of axes:
            shape (columns,), or (rows, columns) if there is more than one row and column).
        size: (width, height) in inches, of the course's style by default.
        layers: write the data as SVG too, to be laid over the frame.
        narrow: draw for a phone: the panels below one another (`utils.figures.narrow`). The scene gets them as ever.

    After `draw`, `caption` and `alt` (the picture in words) belong to the picture, which `png()` returns as a whole, and
    `frame_png()` and `svg` as two layers; `svg` is None where only pixels will do. `shades` tells whether it
    has shades that mean something, so that no theme may turn dark into bright.
    """

    def __init__(self, panels=1, size=None, layers=False, narrow=False):
        self.panels = (1, panels) if isinstance(panels, int) else panels
        if not _is_pair(self.panels) or not all(isinstance(count, int) for count in self.panels):
            raise WrongValue(f"panels is a number of panels or a pair (rows, columns), not {panels!r}")
        if size is not None and not _is_pair(size):
            raise WrongValue(f"size is a pair (width, height) in inches, not {size!r}")
        self.size = size or (style.WIDTH, style.HEIGHT * (1 if self.panels[0] == 1 else 0.75 * self.panels[0]))
        self._grid, self.narrow, self._dpi = self.panels, narrow, style.DPI
        if narrow:
            (self._grid, self.size), self._dpi = stack(self.panels, self.size), DPI
        self._pixels = tuple(round(inches * self._dpi) for inches in self.size)
        self._box = Bbox.from_bounds(0, 0, *self._pixels)  # whole pixels: 4.6 inches are 459.99 of them in a figure's
        self._renderer = RendererAgg(*self._pixels, self._dpi)
        self._stage = None  # (in lecture mode?, figure, axes) of the next picture, if built ahead
        self._frames = {}  # description -> _Frame, the last used at the end
        self._artists = []  # of the data, as long as they are not among the renderer's pixels
        self._layers, self.svg = layers, None
        self._names = f"picture-{uuid.uuid4().hex[:12]}"  # sets the names within the SVG apart from others of the page
        self._lines, self._font = [], None  # of the caption
        self.caption, self.alt, self.shades = "", "", False

    def draw(self, scene, **params):
        """Draw `scene(ax, **params)`. What the scene raises goes through and leaves the picture as it was.

        What fails later (a formula that matplotlib cannot typeset) goes through too, and spoils the picture until the
        next call. Raises TypeError if the scene returns something else than a sentence or None.
        """
        with course_settings():
            self.prepare()
            (_, figure, axes), self._stage = self._stage, None
            caption = scene(axes, **params)
            if not isinstance(caption, (str, type(None))):
                raise WrongType(f"a scene returns its caption or nothing, not {type(caption).__name__}")
            if self.narrow and self.panels[1] > 1:
                repeat_labels(axes)
            caption = caption or ""
            font = words.font(self._dpi)
            lines = words.wrap(caption, font, self._pixels[0])
            usual = NO_EXTRA
            if self.narrow:
                lines += [""] * (LINES - len(lines)) if lines else []
                usual = fit_words(figure, self._grid, self._renderer, len(lines))
            self._set_margins(figure, usual, len(lines))
            looks = style.in_lecture(), describe_patch(figure.patch), len(lines)
            frame = (*looks, *(describe_frame(ax) for ax in figure.axes))
            if frame in self._frames:
                self._frames[frame] = kept = self._frames.pop(frame)
                if kept.margins != usual:
                    self._set_margins(figure, kept.margins, len(lines))
            else:
                self._draw_frame(figure)
                margins = measure_overhang(figure, self._grid, self._renderer, usual)
                if margins != usual:
                    self._set_margins(figure, margins, len(lines))
                    self._draw_frame(figure)
                self._frames[frame] = _Frame(self._renderer.copy_from_bbox(self._box), margins)
            if len(self._frames) > _KEPT:
                del self._frames[next(iter(self._frames))]  # the one that was not used for longest
            if self.narrow:
                keep_inside(figure, self._renderer)
            self._artists = list(data_artists(figure))
            self._lines, self._font, self.svg = lines, font, None
            if self._layers:
                texts = [(x, y, font.getlength(line), font.size, line) for x, y, line in self._placed_lines() if line]
                self.svg = write_svg(figure, self._artists, texts, self._names)
            if self.svg is None:
                self._draw_data()
            self.caption, self.alt = caption, words.describe(figure, caption)
            self.shades = words.speaks_of_shades(figure, self.alt)

    def prepare(self):
        """Build the empty axes of the next picture, which takes some 10 ms a panel, while nobody waits for it."""
        if self._stage and self._stage[0] == style.in_lecture():
            return
        with course_settings():
            figure = Figure(figsize=self.size, dpi=self._dpi)
            FigureCanvasAgg(figure)
            self._stage = style.in_lecture(), figure, self._arrange(figure.subplots(*self._grid))

    def png(self, small=False):
        """Return the picture as PNG bytes: fast to encode, or, to be saved, small."""
        if self._artists:
            with course_settings():
                self._draw_data()
        image = Image.fromarray(np.asarray(self._renderer.buffer_rgba())).convert("RGB")
        for x, y, line in self._placed_lines():
            ImageDraw.Draw(image).text((x, y), line, font=self._font, fill=style.BLACK, anchor="ls")
        return encode_small(image) if small else encode_fast(np.asarray(image))

    def frame_png(self):
        """Return the frame alone as PNG bytes, the same object as long as the frame stays. The data are in `svg`."""
        frame = self._frame()
        frame.png = frame.png or encode_fast(np.asarray(frame.pixels)[..., :3])
        return frame.png

    def bundle(self):
        """Return (data, metadata) of the picture for IPython's `display`: a small PNG, and its words."""
        data = {"image/png": b64encode(self.png(small=True)).decode(), "text/plain": self.alt}
        light = {} if self.shades else {"needs_background": "light"}  # what JupyterLab makes a class of, for page.css
        return data, {"image/png": {"alt": self.alt}, **light}

    def _frame(self):
        return self._frames[next(reversed(self._frames))]

    def _draw_data(self):
        """Draw the data over the pixels of their frame."""
        self._renderer.restore_region(self._frame().pixels)
        for artist in self._artists:
            artist.draw(self._renderer)
        self._artists = []

    def _arrange(self, axes):
        """Return the axes of the grid as the scene expects them, in the shape of its panels."""
        if self._grid == self.panels:
            return axes
        rows, columns = self.panels
        axes, spare = np.split(np.ravel(axes), [rows * columns])
        for ax in spare:
            ax.remove()
        return axes if 1 in self.panels else axes.reshape(rows, columns)

    def _set_margins(self, figure, extra, lines):
        set_margins(figure, self._grid, self._renderer, extra, lines)

    def _placed_lines(self):
        return words.place(self._lines, self._font, self._pixels[1])

    def _draw_frame(self, figure):
        """Draw all but the data."""
        for artist in data_artists(figure):
            artist.set_animated(True)  # matplotlib's own way to leave an artist out
        self._renderer.clear()
        figure.draw(self._renderer)


def _is_pair(value):
    """Whether this is a pair of positive numbers."""
    return (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and all(isinstance(number, (int, float)) and number > 0 for number in value)
    )
