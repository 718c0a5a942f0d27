"""Nets as a textbook draws them: columns of units with as much ink as gradient reaches them, alone or over their curve."""

import math
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from utils.figures import style
from utils.figures.axes import positive, set_log_limits
from utils.figures.ink import LEAST, MOST, draw_scale, ink, room
from utils.figures.plots import first_over_last

_ROWS, _APART = 7, 12.0  # units that are drawn of a wide layer: as many as stand 12 points apart, and no more than seven
_FIRST, _LAST = 0.1, 0.9  # where the first and the last column stand, as shares of the width
_INPUT, _LOSS = 0.02, 0.98
_SOURCE = style.INK[-1], "white"  # the loss is where the ink comes from
_FEW = 11  # columns, between which there is room for three edges a unit


@dataclass(frozen=True)
class _Grid:
    """Where the rows of units stand, as shares of the height of the axes: the first, the last, and from one to the next.

    rows: of a wide layer. size: of a circle, in points.
    """

    rows: int
    top: float
    bottom: float
    step: float
    size: float


def draw_net(ax, errors, weights=None, *, dead=None, scale=True):
    """Draw a net as columns of units, each with as much ink as gradient reaches it. Returns the caption.

    errors: dC/dz of each layer, (samples, units), layer 1 first, the readout last. A unit's share is the norm over the
    samples, times the root of the number of units, divided by the readout's ||dC/dz||: so the root mean square over a
    layer is the layer's own ||dC/dz||, and the readout's is 1. Ink fades over ten decades; beyond ten times the
    readout's it turns to the alarm colour; a share of 0 is hollow. Of a wide layer seven units are drawn.
    weights: of each layer but the first, (units, units of the layer before); the largest of each unit are drawn.
    dead: for each hidden layer (units,) the share of samples for which a unit is silent; a cross marks who always is.
    scale: whether to draw what the ink means.
    """
    norms, units = _share_out(errors)
    columns, grid = place_columns(len(units)), _make_grid(ax, len(units))
    places, size = [_place_units(len(layer), grid) for layer in units], grid.size
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    _draw_ends(ax, columns, places, grid)
    if weights is not None:
        _draw_edges(ax, columns, places, weights, norms)
    _draw_units(ax, columns, places, units, grid)
    _draw_ways(ax, columns, norms, grid)
    if scale:
        draw_scale(ax, -0.02, span=(grid.bottom, grid.top))
        for power, share in ((0, "1"), (-5, "10⁻⁵"), (LEAST, "10⁻¹⁰")):
            y = grid.bottom + (grid.top - grid.bottom) * (power - LEAST) / (MOST - LEAST)
            ax.text(-0.032, y, share, ha="right", va="center", fontsize="small")
    caption = first_over_last(norms)
    if dead is not None:
        silent = [np.asarray(layer, dtype=float) >= 1 for layer in dead]
        for column, (chosen, heights), layer in zip(columns, places, silent):
            crossed = heights[layer[chosen]]
            ax.plot([column] * len(crossed), crossed, "x", color=style.ALARM, markersize=0.6 * size,
                    markeredgewidth=max(size / 7, 1), zorder=4)  # fmt: skip
        caption += f" Dead: {sum(layer.sum() for layer in silent)} of {sum(map(len, silent))} units."
    return caption


def draw_net_and_curve(axes, errors, weights=None, theory=None, *, guess=None, dead=None):
    """Draw a net, and below each of its columns the gradient of that layer. Returns the caption.

    axes: two, one above the other. errors, weights, dead: as for `draw_net`. theory: (layers,) predicted ||dC/dz||.
    guess: the learner's ratio first / last, drawn as a cross below layer 1. The strip along the axis is the scale of the ink.
    """
    above, below = axes
    norms, _ = _share_out(errors)
    caption = draw_net(above, errors, weights, dead=dead, scale=False)
    columns, shown = place_columns(len(norms)), [norms, np.array([10.0**LEAST, 10.0**MOST])]
    below.plot(columns, positive(norms), "o-", color=style.MEASURED, linewidth=1, label="measured")
    below.scatter(columns, positive(norms), s=42, c=ink(norms), edgecolors=style.BLUE, linewidths=1, zorder=3)
    if theory is not None:
        theory = np.asarray(theory, dtype=float)
        theory = theory / theory[-1]
        shown.append(theory)
        below.plot(columns, positive(theory), color=style.THEORY, linewidth=1.4, label="theory", zorder=1.5)
        caption = caption.replace(first_over_last(norms), first_over_last(norms, theory))
    if guess is not None:
        shown.append(np.array([guess]))
        below.plot(columns[:1], [guess], "X", color=style.GUESS, markersize=13, label="your guess", zorder=4)
    set_log_limits(below, norms, limits=_round_limits(np.concatenate(shown)))
    below.set(xlim=(0, 1), ylabel="relative gradient", xlabel="layer")
    below.xaxis.set_major_locator(NullLocator())  # numbers as data: ticks are frame, and would change with every depth
    decades, most = float(np.ptp(np.log10(below.get_ylim()))), 4 if style.in_lecture() else 8
    step = next(step for step in (2, 5, 10, 20, 50, 500) if decades / step <= most)
    below.yaxis.set_major_locator(FixedLocator(10.0 ** np.arange(-300, 301, step)))
    below.xaxis.labelpad = 1.6 * matplotlib.rcParams["font.size"]
    draw_scale(below, 0.007, np.log10(below.get_ylim()))
    _draw_numbers(below, columns)
    below.legend(loc="lower right")
    return caption


def place_columns(layers):
    """Return where the columns of a net stand, (layers,), as shares of the width of its axes."""
    return np.linspace(_FIRST, _LAST, layers) if layers > 1 else np.array([_LAST])


def _share_out(errors):
    """Return ||dC/dz|| of each layer, (layers,), and of each unit, a list of (units,), where the readout's is 1."""
    errors = [np.asarray(layer, dtype=float) for layer in errors]
    with np.errstate(over="ignore", invalid="ignore"):  # of a net that explodes
        norms = np.array([np.linalg.norm(layer) for layer in errors])
        whole = norms[-1] if norms[-1] > 0 else 1.0
        return norms / whole, [np.linalg.norm(layer, axis=0) * math.sqrt(layer.shape[1]) / whole for layer in errors]


def _make_grid(ax, columns):
    """Return where the units of a net with so many columns stand."""
    em = matplotlib.rcParams["font.size"]
    width, height = (side * em for side in room(ax))
    margin = min(1.9 * em / height, 0.3)  # a line of words above, another below
    between = (1 - 2 * margin) * height
    drawn = int(min(max(between // _APART + 1, 3), _ROWS))
    step = (1 - 2 * margin) / (drawn - 1)
    size = min(0.6 * width * (_LAST - _FIRST) / max(columns - 1, 1), 0.68 * step * height, 18)
    return _Grid(drawn, 1 - margin, margin, step, size)


def _place_units(units, grid):
    """Return which units of a layer are drawn, and their heights: all, or an even sample with room for an ellipsis."""
    drawn = min(units, grid.rows)
    heights = 0.5 + grid.step * ((drawn - 1) / 2 - np.arange(drawn))
    if units > grid.rows:  # the upper ones move together a little
        heights[:-1] = grid.top - 0.93 * grid.step * np.arange(drawn - 1)
    return np.linspace(0, units - 1, drawn).round().astype(int), heights


def _draw_ends(ax, columns, places, grid):
    """Draw the input, the loss, and what leads to the first column and from the last."""
    ends = (_INPUT, "input", columns[0], places[0], "white", style.BLACK), (_LOSS, "loss", columns[-1], places[-1], *_SOURCE)
    for x, word, column, (_, heights), paper, colour in ends:
        ax.text(x, 0.5, word, ha="center", va="center", rotation=90, zorder=4, color=colour,
                bbox={"boxstyle": "round,pad=0.5", "facecolor": paper, "edgecolor": style.GREY})  # fmt: skip
        fan = [point for height in heights for point in ((x, 0.5), (column, height), (np.nan, np.nan))]
        ax.plot(*np.transpose(fan), color=style.GREY, linewidth=0.8, alpha=0.4, zorder=1)


def _draw_edges(ax, columns, places, weights, norms):
    """Draw the strongest weights between neighbouring columns, in the ink of the layer that they lead to."""
    strongest = 3 if len(columns) <= _FEW else 2  # of each unit: all of them together would be a grey band
    lines = {}  # ink, to a half decade -> points with a gap after each edge: one artist for many edges is what is fast
    for layer, weight in enumerate(weights, start=1):
        (before, low), (after, high) = places[layer - 1], places[layer]
        sizes = np.abs(np.asarray(weight, dtype=float)[np.ix_(after, before)])
        of = (-sizes).argsort(1)[:, :strongest]
        x = np.tile([columns[layer - 1], columns[layer], np.nan], of.size)
        y = np.stack([low[of], np.broadcast_to(high[:, None], of.shape), np.full(of.shape, np.nan)], axis=2)
        shade = round(2 * math.log10(min(max(norms[layer], 10.0**LEAST), 10.0 ** (MOST + 1)))) if norms[layer] > 0 else None
        lines.setdefault(shade, []).append((x, y.ravel()))
    for shade, edges in lines.items():
        colour = style.INK[0] if shade is None else ink([10.0 ** (shade / 2)])[0]
        ax.plot(*np.concatenate(edges, axis=1), color=colour, alpha=0.6, linewidth=0.9, zorder=1)


def _draw_units(ax, columns, places, units, grid):
    """Draw the circles, and three dots where units are left out."""
    x = np.concatenate([np.full(len(heights), column) for column, (_, heights) in zip(columns, places)])
    y = np.concatenate([heights for _, heights in places])
    shares = np.concatenate([layer[chosen] for layer, (chosen, _) in zip(units, places)])
    ax.scatter(x, y, s=grid.size**2, c=ink(shares), edgecolors=style.GREY, linewidths=0.4 + grid.size / 25, zorder=3,
               rasterized=len(columns) > _FEW)  # as SVG so many would be too much, and to try takes a quarter of the time
    wide = [column for column, layer, (chosen, _) in zip(columns, units, places) if len(layer) > len(chosen)]
    if wide:
        above, below = _place_units(grid.rows + 1, grid)[1][-2:]
        dots = (above + below) / 2 + 0.14 * grid.step * np.arange(-1, 2)
        ax.plot(np.repeat(wide, 3), np.tile(dots, len(wide)), ".", color=style.GREY, markersize=grid.size / 6, zorder=2)


def _draw_ways(ax, columns, norms, grid):
    """Draw the signal's way to the loss above the units, and the gradient's way back below them, in its own ink."""
    middles, size, line = (columns[1:] + columns[:-1]) / 2, min(max(0.7 * grid.size, 5), 9), grid.bottom / 3
    ax.text(0, 1 - line / 2, "signal", va="center")
    keep = middles > 4.5 / room(ax)[0]  # ems: the word
    ax.plot(middles[keep], np.full(keep.sum(), 1 - line / 2), ">", color=style.GREY, markersize=0.8 * size, clip_on=False)
    ax.text(1, line / 2, "gradient", ha="right", va="center", color=style.BLUE)
    keep = middles < 1 - 5.5 / room(ax)[0]  # the word has eight letters, and with the arrow needs five and a half ems
    ax.scatter(middles[keep], np.full(keep.sum(), line / 2), s=(1.3 * size) ** 2, marker="<", c=ink(norms[:-1][keep]),
               edgecolors=style.BLUE, linewidths=0.6, clip_on=False)  # fmt: skip


def _draw_numbers(ax, columns):
    """Write below the axis which layer a column is, as many numbers as there is room for."""
    width = room(ax)[0] + 2  # about, in ems
    most = 11 if width > 45 else 7
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, len(columns)) if len(columns) / step <= most)
    reach = 3.4 / width  # of "readout" to its left
    for layer, column in enumerate(columns[:-1], start=1):
        if (layer == 1 or layer % step == 0) and columns[-1] - column > reach:
            _write_below(ax, column, str(layer))
    _write_below(ax, columns[-1], "readout")


def _write_below(ax, x, word):
    ax.annotate(word, (x, 0), xytext=(0, -4), xycoords=("data", "axes fraction"), textcoords="offset points", ha="center",
                va="top", fontsize="small", annotation_clip=False)  # fmt: skip


def _round_limits(shares):
    """Return limits of a log axis: those of the ink, and five decades more at a time where the shares go beyond."""
    logs = np.log10(shares[np.isfinite(shares) & (shares > 0)])
    low, high = (logs.min(), logs.max()) if len(logs) else (LEAST, MOST)
    low, high = min(LEAST, 5 * math.floor(low / 5)), MOST if high <= MOST else 5 * math.ceil(high / 5)
    return 10.0 ** max(low, -250), 10.0 ** min(high, 250)
