"""What a layer's fans are, drawn: the terms that a unit adds up, the window of a convolution, and what a scale does to a net."""

import matplotlib
import numpy as np

from utils.figures import style
from utils.figures.ink import ink, room

_MOST = 9  # units of a column that are drawn
_COLUMNS = 0.32, 0.68  # where the inputs and the units of a layer stand
_CELLS = 6  # pixels of a drawn channel, in a row
_REACH = 4.0  # of a histogram by layer: standard deviations, up and down


def draw_fans(ax, n_in, n_out):
    """Draw a layer, and in it the terms of one unit on the way forward and of one input on the way back.

    Of many inputs or units nine are drawn, and dots. Returns the caption: how many terms there are each way.
    """
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    (left, few), (right, many) = (_column(n_in, n_out), _column(n_out, n_in))
    chosen_in, chosen_out = len(few) // 4, 3 * len(many) // 4
    pairs = [(few, np.full(len(few), many[chosen_out]), style.BLUE, "-"),
             (np.full(len(many), few[chosen_in]), many, style.ALARM, "--")]  # fmt: skip
    for lower, upper, colour, dash in pairs:
        points = [point for y, to in zip(lower, upper) for point in ((_COLUMNS[0], y), (_COLUMNS[1], to), (np.nan, np.nan))]
        ax.plot(*np.transpose(points), color=colour, linestyle=dash, linewidth=1.3, alpha=0.8, zorder=1)
    size = 0.55 * room(ax)[1] * matplotlib.rcParams["font.size"] / _MOST
    for x, heights, chosen, colour in ((_COLUMNS[0], few, chosen_in, style.ALARM), (_COLUMNS[1], many, chosen_out, style.BLUE)):
        paper = [colour if unit == chosen else "white" for unit in range(len(heights))]
        ax.scatter(np.full(len(heights), x), heights, s=size**2, c=paper, edgecolors=style.GREY, linewidths=1.2, zorder=3)
    for x, left_out, heights in ((_COLUMNS[0], left, few), (_COLUMNS[1], right, many)):
        if left_out:
            gap = (heights[-1] + heights[-2]) / 2 + 0.012 * np.arange(-1, 2)
            ax.plot([x] * 3, gap, ".", color=style.GREY, markersize=3)
    ax.text(_COLUMNS[0], 0.97, f"{n_in} inputs", ha="center", va="top")
    ax.text(_COLUMNS[1], 0.97, f"{n_out} units", ha="center", va="top")
    ax.text(_COLUMNS[1] + 0.06, many[chosen_out], f"forward:\na sum of {n_in}\n(fan-in)", va="center", color=style.BLUE)
    ax.text(_COLUMNS[0] - 0.06, few[chosen_in], f"backward:\na sum of {n_out}\n(fan-out)", ha="right", va="center",
            color=style.ALARM)  # fmt: skip
    return f"On the way forward a unit adds up {n_in} terms, on the way back an input adds up {n_out}."


def _column(units, others):
    """Return whether some units are left out, and the heights of those that are drawn, in proportion to the other column."""
    drawn = max(3, round(_MOST * min(1, units / max(units, others))))
    heights = 0.44 + 0.78 * (0.5 - (np.arange(drawn) + 0.5) / drawn) * drawn / _MOST
    if drawn < units:
        heights[:-1] += 0.1 / _MOST
    return drawn < units, heights


def draw_two_ways(ax, factors):
    """Draw what each rule does to the mean square, forward and backward, on a log axis around 1. factors: name -> (two)."""
    for row, (forward, backward) in enumerate(factors.values()):
        ax.plot([forward, backward], [row, row], color=style.GREY, linewidth=1)
    rows = range(len(factors))
    ax.plot([ways[0] for ways in factors.values()], rows, ">", color=style.BLUE, markersize=12, label="forward")
    ax.plot([ways[1] for ways in factors.values()], rows, "<", color=style.ALARM, markersize=12, label="backward",
            fillstyle="none", markeredgewidth=2)  # fmt: skip
    ax.axvline(1, color=style.THEORY, linewidth=1.4)
    ax.set_xscale("log", base=2)
    ax.set(xlim=(0.15, 6.5), ylim=(len(factors) - 0.4, -0.9), xlabel="factor of the mean square in one layer")
    ax.set_xticks([0.25, 0.5, 1, 2, 4], ["¼", "½", "1", "2", "4"])
    ax.set_yticks(rows, list(factors))
    ax.legend(loc="upper center", ncols=2)
    told = [f"{name} {forward:.2g} and {backward:.2g}" for name, (forward, backward) in factors.items()]
    return f"Forward and backward: {'; '.join(told)}."


def draw_window(ax, channels_in, channels_out, kernel=3):
    """Draw one output pixel of a convolution, the windows that it adds up, and where one input pixel goes.

    Returns the caption: the two fans, multiplied out.
    """
    width, height = room(ax)
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.set_axis_off()
    side = min(0.66 * height, 0.2 * width)
    cell, shift = side / _CELLS, 0.045 * height
    for x, channels, colour, window in ((0.08 * width, channels_in, style.BLUE, kernel), (0.62 * width, channels_out, style.ALARM, 1)):
        for sheet in reversed(range(3)):
            corner = np.array([x + sheet * shift * 1.4, 0.1 * height + sheet * shift])
            _draw_channel(ax, corner, side, window, colour, cell)
        ax.text(x + side / 2, 0.02 * height, f"{channels} channels", ha="center", va="bottom")
    start, end = 0.08 * width + (2 + kernel / 2) * cell, 0.62 * width + 2.5 * cell
    y = 0.1 * height + (_CELLS - 2.5) * cell
    ax.annotate("", (end, y), (start + kernel / 2 * cell, y), arrowprops={"arrowstyle": "->", "color": style.BLUE, "linewidth": 2})
    fan_in, fan_out = kernel**2 * channels_in, kernel**2 * channels_out
    ax.text(0.48 * width, y + 0.06 * height, f"fan-in {fan_in}", ha="center", va="bottom", color=style.BLUE, weight="bold")
    return f"fan-in = {kernel}·{kernel}·{channels_in} = {fan_in}, fan-out = {kernel}·{kernel}·{channels_out} = {fan_out}."


def _draw_channel(ax, corner, side, window, colour, cell):
    """Draw a channel as a square of pixels, with a window of its pixels filled."""
    x, y = corner
    ax.fill([x, x + side, x + side, x], [y, y, y + side, y + side], facecolor="white", edgecolor=style.GREY, linewidth=1)
    left, top = x + 2 * cell, y + side - (2 + (window - 1) // 2) * cell + (window // 2) * 0
    ax.fill([left, left + window * cell, left + window * cell, left], [top + cell, top + cell, top + cell - window * cell,
            top + cell - window * cell], color=colour, alpha=0.45, linewidth=0)  # fmt: skip
    lines = [point for k in range(1, _CELLS) for point in (
        (x + k * cell, y), (x + k * cell, y + side), (np.nan, np.nan), (x, y + k * cell), (x + side, y + k * cell), (np.nan, np.nan))]
    ax.plot(*np.transpose(lines), color=style.GREY, linewidth=0.5, alpha=0.6)


def draw_ladder(axes, nets):
    """Draw nets as rungs: for each layer the histogram of its z, in as much ink as gradient reaches it.

    axes: one for each net. nets: name -> (list of z of any shape, list of dC/dz), layer 1 first, the readout last. The
    histograms reach from -4 to 4 and are all of the same width. Ink is the norm of dC/dz beside the readout's. Returns
    the caption: of each net the standard deviation of z and the share of the gradient, at its two ends.
    """
    told = []
    for ax, (name, (signals, errors)) in zip(np.ravel(axes), nets.items(), strict=True):
        norms = np.array([np.linalg.norm(np.asarray(error, dtype=float)) for error in errors])
        colours, edges = ink(norms / norms[-1]), np.linspace(-_REACH, _REACH, 82)
        middles = (edges[1:] + edges[:-1]) / 2
        for layer, (z, colour) in enumerate(zip(signals, colours), start=1):
            counts, _ = np.histogram(np.clip(np.asarray(z, dtype=float).ravel(), -_REACH, _REACH), bins=edges)
            half = 0.46 * (counts / counts.max()) ** 0.5
            keep = counts > 0
            ax.fill_betweenx(np.where(keep, middles, np.nan), layer - half, layer + half, facecolor=colour, edgecolor=style.GREY,
                             linewidth=0.6)  # fmt: skip
        last, spread = len(signals), [np.asarray(z, dtype=float).std() for z in signals]
        ax.set(xlim=(0.3, last + 0.7), ylim=(-_REACH, _REACH), xticks=[], yticks=[-3, 0, 3])
        ax.set_ylabel("z")
        ax.set_title(f"{name}: gradient of layer 1 {_say(norms[0] / norms[-1])}, last z {_say(spread[-1])}")
        told.append(f"{name} {_say(norms[0] / norms[-1])}")
    ax.set(xlabel="layer", xticks=[1, *range(5, last, 5)])
    return f"Gradient of layer 1 beside the readout's: {'; '.join(told)}."


def _say(number):
    return f"{number:.2f}" if 0.01 <= number < 100 else f"{number:.0e}"
