"""The margins of a figure: the usual room around its panels, more where labels need it, and room for the caption."""

import matplotlib
import numpy as np
from matplotlib.transforms import Bbox

from utils.figures import words
from utils.figures.frame import visible_labels

PADS = {"left": 5.6, "right": 1.2, "bottom": 4.0, "top": 2.2}  # around each panel, in units of the font size
_INNER = {"columns": 1.4, "rows": 1.0}  # in place of "left" and "bottom" between panels that have no labels there
NO_EXTRA = dict.fromkeys((*PADS, *_INNER), 0.0)


def set_margins(figure, grid, renderer, extra, lines):
    """Leave room around the panels: the usual pads, `extra` (shares of the figure), and the lines of the caption.

    grid: (rows, columns) of the panels. The extra of "columns" and "rows" belongs to the gaps between them, and is negative
    where these need no room.
    """
    wide, high = em(figure)
    rows, columns = grid
    left, right = (PADS[side] * wide + extra[side] for side in ("left", "right"))
    bottom, top = (PADS[side] * high + extra[side] for side in ("bottom", "top"))
    floor = (lines * words.LINE + 0.5) * high if lines else 0
    gap_x, gap_y = left + right + extra["columns"], top + bottom + extra["rows"]
    panel_width = max((1 - left - right - (columns - 1) * gap_x) / columns, 0.02)
    panel_height = max((1 - floor - top - bottom - (rows - 1) * gap_y) / rows, 0.02)
    figure.subplots_adjust(
        left=left, right=left + columns * panel_width + (columns - 1) * gap_x,
        bottom=floor + bottom, top=floor + bottom + rows * panel_height + (rows - 1) * gap_y,
        wspace=gap_x / panel_width, hspace=gap_y / panel_height,
    )  # fmt: skip
    for ax in figure.axes:  # as Axes.draw does: an aspect ratio, or the place of a colour bar
        locate = ax.get_axes_locator()
        ax.apply_aspect(locate(ax, renderer) if locate else None)


def measure_overhang(figure, grid, renderer, usual=NO_EXTRA):
    """Return how far the labels that were just drawn reach beyond the usual pads, as shares of the figure; at least `usual`."""
    wide, high = em(figure)
    units = {"left": wide, "right": wide, "bottom": high, "top": high}
    extra = dict(usual)
    for ax in figure.axes:
        boxes = [text.get_window_extent(renderer) for text in visible_labels(ax)]
        if not boxes or ax.get_subplotspec() is None:
            continue
        box = Bbox(figure.transFigure.inverted().transform(Bbox.union(boxes)))
        panel = ax.get_subplotspec().get_topmost_subplotspec().get_position(figure)
        beyond = {"left": panel.x0 - box.x0, "right": box.x1 - panel.x1,
                  "bottom": panel.y0 - box.y0, "top": box.y1 - panel.y1}  # fmt: skip
        for side, unit in units.items():
            # A third of a unit of air; whole units, so that the panels do not tremble while a slider moves.
            steps = np.ceil(beyond[side] / unit + 0.33 - PADS[side])
            extra[side] = max(extra[side], steps * unit)
    rows, columns = grid
    panels = [(ax, ax.get_subplotspec().get_topmost_subplotspec()) for ax in figure.axes if ax.get_subplotspec() is not None]
    if columns > 1 and not any(visible_labels(ax, "y") for ax, place in panels if not place.is_first_col()):
        extra["columns"] = (_INNER["columns"] - PADS["left"]) * wide - extra["left"]
    if rows > 1 and not any(visible_labels(ax, "x") for ax, place in panels if not place.is_last_row()):
        extra["rows"] = (_INNER["rows"] - PADS["bottom"]) * high - extra["bottom"]
    return extra


def em(figure):
    """Return (width, height) of one unit of the font size, as shares of the figure."""
    inches = matplotlib.rcParams["font.size"] / 72
    width, height = figure.get_size_inches()
    return inches / width, inches / height
