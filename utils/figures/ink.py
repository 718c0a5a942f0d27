"""How much gradient is left, as ink: full where the loss is heard, faded to white over ten decades."""

import math

import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from utils.figures import style
from utils.figures.narrow import is_narrow

LEAST, MOST = -10, 1  # log10 of the share at which the ink has faded, and beyond which it is an alarm
_RAMP = LinearSegmentedColormap.from_list("ink", style.INK).with_extremes(over=style.ALARM)


def ink(shares):
    """Return the colour (..., 4) of each share of a gradient, where 1 is what the loss sends.

    One that is exactly 0 or no number is white; more than ten times the whole has the alarm colour.
    """
    shares = np.asarray(shares, dtype=float)
    heard = shares > 0
    logs = np.log10(np.where(heard, shares, 1.0))
    colours = _RAMP((logs - LEAST) / (MOST - LEAST))
    colours[~heard] = 1.0
    return colours


def readable(colour):
    """Return the colour of words on this colour (red, green, blue, ...): black or white."""
    return style.BLACK if np.dot(colour[:3], (0.299, 0.587, 0.114)) > 0.55 else "white"


def fade(shares):
    """Return the colours (..., 4) of shares between 0 and 1 in even steps of ink, no decades."""
    return _RAMP(np.clip(np.nan_to_num(np.asarray(shares, dtype=float), nan=0.0), 0, 1))


def draw_scale(ax, x, limits=(LEAST, MOST), *, span=(0, 1), width=8):
    """Draw the ink of each share as an upright strip: x and span in the axes' own shares, width in points.

    limits: log10 of the shares at its lower and upper end.
    """
    low, high = limits
    edges = np.array([low, *range(max(math.ceil(low), LEAST) + 1, min(math.ceil(high), MOST + 1)), high])  # a band a decade
    heights = span[0] + (span[1] - span[0]) * (edges - low) / (high - low)
    colours = ink(10.0 ** np.clip((edges[1:] + edges[:-1]) / 2, -300, 300))
    # Each stroke reaches to the top, and the next one covers it: strokes end to end would show seams
    ax.vlines(np.full(len(colours), x), heights[:-1], span[1], colors=colours, linewidth=width, transform=ax.transAxes,
              clip_on=False, zorder=0.5)  # fmt: skip


def room(ax):
    """Return (width, height) of axes without ticks, in units of the font size.

    A scene draws before the canvas has set the margins, so this is an estimate, and rather small.
    """
    em, place = matplotlib.rcParams["font.size"], ax.get_subplotspec()
    rows, columns = (place.get_gridspec().nrows, place.get_gridspec().ncols) if place else (1, 1)
    width, height = ax.figure.get_size_inches() * 72 / em
    sides = 3 if is_narrow(ax) and rows * columns == 1 else 9
    return max(width / columns - sides, 5), max(height / rows - 6 - 2.5 / rows, 5)
