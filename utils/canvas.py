"""Draw a scene as a picture, and draw it again fast.

A *scene* is a plain function `scene(ax, **params)` that adds artists to matplotlib axes and may return one sentence,
the caption. What is slow in matplotlib is the *frame*: ticks, tick labels, titles. The canvas keeps the pixels of the
last frame, and as long as the frame stays the same it draws only the data on top of them.
"""

import contextlib
import io
import textwrap
import threading

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from PIL import Image

from utils import style
from utils.alt_text import describe

# matplotlib's settings belong to the process, and widgets are served in another thread than cells.
_SETTINGS_LOCK = threading.RLock()

_PADS = {"left": 5.6, "right": 1.2, "bottom": 4.0, "top": 2.2}  # around each panel, in units of the font size
_LINE = 1.55  # a line of the caption, in units of the font size
_CHARACTER = 0.54  # mean width of a character, in units of the font size


@contextlib.contextmanager
def course_settings():
    """Apply the course's matplotlib settings, for one thread at a time."""
    with _SETTINGS_LOCK, matplotlib.rc_context(style.rc_params()), np.errstate(all="ignore"):
        yield


class Canvas:
    """Draws scenes on figures of one size.

    Args:
        panels: 1 (the scene gets `ax`), or a number of columns, or (rows, columns) (the scene gets an array of axes:
            shape (columns,), or (rows, columns) if there is more than one row and column).
        size: (width, height) in inches, of the course's style by default.

    After `draw`, `caption` and `alt` (the picture in words) belong to the picture that `png()` returns.
    """

    def __init__(self, panels=1, size=None):
        self.panels = (1, panels) if isinstance(panels, int) else tuple(panels)
        self.size = size or (style.WIDTH, style.HEIGHT * (1 if self.panels[0] == 1 else 0.75 * self.panels[0]))
        width, height = (round(inches * style.DPI) for inches in self.size)
        self._renderer = RendererAgg(width, height, style.DPI)
        self._frame, self._background, self._margins = None, None, None
        self.caption, self.alt = "", ""

    def draw(self, scene, **params):
        """Draw `scene(ax, **params)`. What the scene raises goes through, and leaves the canvas as it was."""
        with course_settings():
            figure = Figure(figsize=self.size, dpi=style.DPI)
            FigureCanvasAgg(figure)
            axes = figure.subplots(*self.panels)
            caption = scene(axes, **params) or ""
            lines = self._add_caption(figure, caption)
            self._set_margins(figure, dict.fromkeys(_PADS, 0.0), lines)
            frame = (style.in_lecture(), lines, *(_describe_frame(ax) for ax in figure.axes))
            if frame != self._frame:
                self._frame = None  # until the new one is complete
                self._margins = self._measure_overhang(figure)
                self._set_margins(figure, self._margins, lines)
                self._draw_frame(figure)
                self._frame = frame
            else:
                self._set_margins(figure, self._margins, lines)
                self._renderer.restore_region(self._background)
            for artist in _data_artists(figure):
                artist.draw(self._renderer)
            self.caption, self.alt = caption, describe(figure, caption)

    def png(self, small=False):
        """Return the picture as PNG bytes: fast to encode, or, to be saved, small."""
        image = Image.fromarray(np.asarray(self._renderer.buffer_rgba())).convert("RGB")
        if small:
            image = _with_palette(image)
        buffer = io.BytesIO()
        image.save(buffer, "png", **({"optimize": True} if small else {"compress_level": 1}))
        return buffer.getvalue()

    def _em(self):
        """Return (width, height) of one unit of the font size, as shares of the figure."""
        inches = matplotlib.rcParams["font.size"] / 72
        return inches / self.size[0], inches / self.size[1]

    def _add_caption(self, figure, caption):
        """Write the caption along the lower edge and return how many lines it takes."""
        wide, high = self._em()
        lines = textwrap.wrap(caption, width=int((1 / wide - 3) / _CHARACTER))
        figure.text(1.5 * wide, 0.5 * high, "\n".join(lines), va="bottom", linespacing=1.25)
        return len(lines)

    def _set_margins(self, figure, extra, lines):
        """Leave room around the panels: the usual pads, `extra` (shares of the figure), and the caption's lines."""
        wide, high = self._em()
        rows, columns = self.panels
        left, right = (_PADS[side] * wide + extra[side] for side in ("left", "right"))
        bottom, top = (_PADS[side] * high + extra[side] for side in ("bottom", "top"))
        floor = lines * _LINE * high + (0.3 * high if lines else 0)
        panel_width = max((1 - columns * (left + right)) / columns, 0.02)
        panel_height = max((1 - floor - rows * (top + bottom)) / rows, 0.02)
        figure.subplots_adjust(
            left=left, right=left + columns * panel_width + (columns - 1) * (left + right),
            bottom=floor + bottom, top=floor + bottom + rows * panel_height + (rows - 1) * (top + bottom),
            wspace=(left + right) / panel_width, hspace=(top + bottom) / panel_height,
        )  # fmt: skip

    def _measure_overhang(self, figure):
        """Return how far labels and ticks reach beyond the usual pads, as shares of the figure."""
        wide, high = self._em()
        extra = dict.fromkeys(_PADS, 0.0)
        for ax in figure.axes:
            box = ax.get_tightbbox(self._renderer, bbox_extra_artists=[])
            if box is None or ax.get_subplotspec() is None:
                continue
            box = Bbox(figure.transFigure.inverted().transform(box))
            cell = ax.get_subplotspec().get_topmost_subplotspec().get_position(figure)
            over = {"left": (cell.x0 - box.x0) / wide, "right": (box.x1 - cell.x1) / wide,
                    "bottom": (cell.y0 - box.y0) / high, "top": (box.y1 - cell.y1) / high}  # fmt: skip
            for side, ems in over.items():
                # Half a unit of air; whole units, so that the panels do not tremble while a slider moves.
                steps = np.ceil(ems + 0.5 - _PADS[side])
                extra[side] = max(extra[side], steps * (wide if side in ("left", "right") else high))
        return extra

    def _draw_frame(self, figure):
        """Draw all but the data, and keep the pixels."""
        artists = list(_data_artists(figure))
        for artist in artists:
            artist.set_animated(True)  # matplotlib's own way to leave an artist out
        self._renderer.clear()
        figure.draw(self._renderer)
        self._background = self._renderer.copy_from_bbox(figure.bbox)


def _data_artists(figure):
    """Yield what belongs to the data: every artist in the order of drawing, but for the frame of the axes."""
    for ax in sorted(figure.axes, key=lambda ax: ax.get_zorder()):
        titles = [ax.title, ax._left_title, ax._right_title]
        hidden = [] if ax.axison and ax.get_frame_on() else list(ax.spines.values())
        frame = {ax.patch, ax.xaxis, ax.yaxis, *titles, *hidden}
        if ax.get_visible():
            yield from sorted((a for a in ax.get_children() if a not in frame), key=lambda a: a.get_zorder())
    others = [a for a in figure.get_children() if a is not figure.patch and a not in figure.axes]
    yield from sorted(others, key=lambda a: a.get_zorder())


def _describe_frame(ax):
    """Return a value that is equal for two axes whose frames have the same pixels."""
    ax.apply_aspect()
    return (
        ax.get_position().bounds, ax.get_visible(), ax.axison, ax.get_frame_on(), ax.get_axisbelow(), ax.get_zorder(),
        ax.patch.get_visible(), ax.patch.get_facecolor(),
        *(_describe_text(text) for text in (ax.title, ax._left_title, ax._right_title)),
        *(_describe_axis(axis) for axis in (ax.xaxis, ax.yaxis)),
    )  # fmt: skip


def _describe_axis(axis):
    ticks = []
    for locations, formatter, which, made in (
        (axis.get_majorticklocs(), axis.get_major_formatter(), "major", axis.majorTicks),
        (axis.get_minorticklocs(), axis.get_minor_formatter(), "minor", axis.minorTicks),
    ):
        labels = formatter.format_ticks(locations)
        looks = [_describe_text(tick.label1) for tick in made]  # more than one only if the scene touched the labels
        settings = sorted((key, str(value)) for key, value in axis.get_tick_params(which).items())
        ticks.append((tuple(locations), tuple(labels), formatter.get_offset(), tuple(looks), tuple(settings)))
    return (
        axis.get_visible(), axis.get_scale(), axis.get_transform().__class__, tuple(axis.get_view_interval()),
        axis.get_label_position(), axis.get_ticks_position(), _describe_text(axis.label), *ticks,
    )  # fmt: skip


def _describe_text(text):
    return (
        text.get_text(), str(text.get_color()), text.get_alpha(), text.get_visible(), text.get_rotation(),
        text.get_position(), text.get_ha(), text.get_va(), hash(text.get_fontproperties()),
    )  # fmt: skip


def _with_palette(image):
    """Return the image with at most 256 colours, or unchanged where that could be seen."""
    palette = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    error = np.abs(np.asarray(palette.convert("RGB"), dtype=int) - np.asarray(image, dtype=int))
    return palette if error.max() <= 32 else image
