"""What a layer's fans are, drawn: the terms that a unit adds up, the window of a convolution, and what a scale does to a net."""

import matplotlib
import numpy as np

from utils.figures import style
from utils.figures.ink import ink, room
from utils.figures.narrow import is_narrow

_MOST = 9  # circles of a column
_COLUMNS, _NARROW = (0.36, 0.66), (0.36, 0.58)  # where the inputs and the units of a layer stand, also in a narrow picture
_TIGHT = 23  # ems: axes that are narrower have no room for long words
_CELLS = 6  # pixels of a drawn channel, in a row
_REACH = 4.0  # of a histogram by layer: standard deviations, up and down


def draw_fans(ax, n_in, n_out):
    """Draw a layer, and in it the terms of one unit on the way forward and of one input on the way back.

    Columns are as high as their numbers are large; the longer one has nine circles. Returns the caption: how many terms
    there are each way.
    """
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    places = _NARROW if is_narrow(ax) else _COLUMNS
    columns = [_column(units, max(n_in, n_out)) for units in (n_in, n_out)]
    unit, source = columns[1][-1], columns[0][0]  # the lowest unit adds up, the highest input collects
    lines = ((columns[0], np.full_like(columns[0], unit), style.BLUE, "-"),
             (np.full_like(columns[1], source), columns[1], style.ALARM, "--"))  # fmt: skip
    for starts, ends, colour, dash in lines:
        points = [point for y, to in zip(starts, ends) for point in ((places[0], y), (places[1], to), (np.nan, np.nan))]
        ax.plot(*np.transpose(points), color=colour, linestyle=dash, linewidth=1.4, alpha=0.8, zorder=1)
    size = 0.5 * room(ax)[1] * matplotlib.rcParams["font.size"] / _MOST
    for x, heights, chosen, colour in zip(places, columns, (source, unit), (style.ALARM, style.BLUE)):
        paper = [colour if height == chosen else "white" for height in heights]
        ax.scatter(np.full_like(heights, x), heights, s=size**2, c=paper, edgecolors=style.GREY, linewidths=1.2, zorder=3)
    # Where letters are large beside the axes, centred words would meet in the middle.
    sides = (("right", 0.05), ("left", -0.05)) if room(ax)[0] < _TIGHT else (("center", 0), ("center", 0))
    for x, number, word, (side, shift) in zip(places, (n_in, n_out), ("inputs", "units"), sides):
        ax.text(x + shift, 1, f"{number} {word}", ha=side, va="top")
    ax.text(places[1] + 0.07, max(unit, 0.14), f"forward:\na sum of {n_in}\n(fan-in)", va="center", color=style.BLUE)
    ax.text(places[0] - 0.07, min(source, 0.64), f"backward:\na sum of {n_out}\n(fan-out)", ha="right", va="center", color=style.ALARM)
    return f"On the way forward a unit adds up {n_in} terms, on the way back an input adds up {n_out}."


def _column(units, most):
    """Return the heights of the circles of a column, from the top."""
    drawn = max(2, round(_MOST * units / most))
    return 0.43 + 0.72 * ((drawn - 1) / 2 - np.arange(drawn)) / (_MOST - 1)


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
    label = "factor of the mean square" if room(ax)[0] < _TIGHT else "factor of the mean square in one layer"
    ax.set(xlim=(0.15, 6.5), ylim=(len(factors) - 0.4, -0.9), xlabel=label)
    ax.set_xticks([0.25, 0.5, 1, 2, 4], ["¼", "½", "1", "2", "4"])
    ax.set_yticks(rows, list(factors))
    ax.legend(loc="upper center", ncols=2)
    told = [f"{name} {forward:.2g} and {backward:.2g}" for name, (forward, backward) in factors.items()]
    return f"Forward and backward: {'; '.join(told)}."


def draw_window(ax, channels_in, channels_out, kernel=3):
    """Draw one output pixel of a convolution, and the windows that it adds up. Returns the caption: the fans, multiplied out."""
    width, height = room(ax)
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.set_axis_off()
    narrow = is_narrow(ax)  # then the words stand above, and not between
    side, shift, low = (0.5 if narrow else 0.62) * height, 0.07 * height, 0.17 * height
    cell, sheets = side / _CELLS, 3 * shift
    places = 0.22 * width - side / 2, 0.72 * width - side / 2
    for x, channels, colour, window in zip(places, (channels_in, channels_out), (style.BLUE, style.ALARM), (kernel, 1)):
        for sheet in (3, 2, 1, 0):
            shown = window if sheet == 0 or window > 1 else 0  # every input channel has its window, one output channel its pixel
            _draw_channel(ax, x + sheet * shift, low + sheet * shift, side, shown, colour, zorder=2 - sheet / 5)
        ax.text(x + (side + sheets) / 2, 0.02 * height, f"{channels} channels", ha="center", va="bottom")
    middle = low + side - 2.5 * cell
    begin, end = places[0] + (1 + kernel) * cell, places[1] + 2.5 * cell
    ax.annotate("", (end, middle), (begin, middle), zorder=6,
                arrowprops={"arrowstyle": "->", "color": style.BLUE, "linewidth": 2})  # fmt: skip
    fan_in, fan_out = kernel**2 * channels_in, kernel**2 * channels_out
    terms = f"{kernel} · {kernel} · {channels_in} = {fan_in}"
    if narrow:
        ax.text(width / 2, height, f"fan-in: {terms}", ha="center", va="top", color=style.BLUE)
    else:
        ax.text((places[0] + side + sheets + places[1]) / 2, middle + 0.04 * height, f"fan-in:\n{terms}", ha="center", va="bottom",
                color=style.BLUE)  # fmt: skip
    return f"An output pixel adds up {fan_in} terms, and an input pixel goes into {kernel}·{kernel}·{channels_out} = {fan_out}."


def _draw_channel(ax, x, y, side, window, colour, zorder):
    """Draw a channel as a square of pixels on the sheets behind it, with a window of pixels filled around the middle one."""
    cell = side / _CELLS
    ax.fill([x, x + side, x + side, x], [y, y, y + side, y + side], facecolor="white", edgecolor=style.GREY, linewidth=1,
            zorder=zorder)  # fmt: skip
    across = [point for k in range(1, _CELLS) for point in ((k, 0), (k, _CELLS), (np.nan, np.nan))]
    lines = np.array(across + [(b, a) for a, b in across]) * cell + (x, y)
    ax.plot(*lines.T, color=style.GREY, linewidth=0.5, alpha=0.5, zorder=zorder)
    if window:
        left, top = x + (2 - window // 2) * cell, y + side - (2 - window // 2) * cell
        right, bottom = left + window * cell, top - window * cell
        ax.fill([left, right, right, left], [top, top, bottom, bottom], color=colour, alpha=0.55, linewidth=0,
                zorder=zorder)  # fmt: skip


def draw_ladder(axes, nets):
    """Draw nets as rungs: for each layer the histogram of its z, in as much ink as gradient reaches it.

    axes: one for each net. nets: name -> (list of z of any shape, list of dC/dz), layer 1 first, the readout last. The
    histograms reach from -4 to 4 and are all of the same width. Ink is the norm of dC/dz beside the readout's. Returns
    the caption: of each net, which share of it reaches layer 1, and the last standard deviation of z.
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
        ax.set_title(name)
        told.append(f"{name} {_say(norms[0] / norms[-1])} and {_say(spread[-1])}")
    ax.set(xlabel="layer", xticks=[1, *range(5, last, 5)])
    return f"Of the readout's gradient layer 1 gets, and the last z has the standard deviation: {'; '.join(told)}."


def _say(number):
    return f"{number:.2f}" if 0.01 <= number < 100 else f"{number:.0e}"
