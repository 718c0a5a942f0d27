"""Nets in time, drawn: an RNN unrolled, the inside of an LSTM and of a GRU, and a text in the ink of its gradient."""

import matplotlib
import numpy as np

from utils.figures import style
from utils.figures.ink import LEAST, MOST, fade, ink, readable, room

_TEXT = 4  # decades over which the ink of a text fades: it has to tell letters apart that all count for something
_LETTER = 2.2  # ems from box to box: below it, a box has room for its number only
_FEW = 24  # steps with their names and numbers in the boxes; of more only the boxes are drawn
_ROW = 7.6  # units of the font size that a net needs from its name down to what it reads
_CELL = 29  # units of the font size in which the words of a cell have their full size
_HOUSE = "#F4F5F7"  # the ground of a cell


def draw_unrolled(ax, rows, inputs=None):
    """Draw nets that read a sequence, a box a step, each in the ink of what is left there of the gradient at the last.

    rows: name -> (steps,), step 1 first, the last one 1. inputs: what is read at each step, as short texts. The arrows between
    the boxes go back in time, as thick as what they carry. Returns the caption: what is left at the first step.
    """
    width, height = room(ax)
    ax.set(xlim=(0, width), ylim=(0, height))  # in units of the font size
    ax.set_axis_off()
    each = height / len(rows)
    for row, (name, left) in enumerate(rows.items()):
        _draw_row(ax, name, np.asarray(left, dtype=float), inputs, width, height - each * row - 0.55 * each, each)
    told = ", ".join(f"{name} {_say(np.asarray(left, dtype=float)[0])}" for name, left in rows.items())
    return f"Left of the gradient at step 1: {told}. The ink fades with every factor of ten, and is gone at 1e{LEAST}."


def _draw_row(ax, name, left, inputs, width, middle, each):
    """Draw one net: `middle` is the height of its boxes, `each` the room that it has, in units of the font size."""
    steps, small = len(left), min(1.0, each / _ROW)
    places = np.linspace(1.6, width - 4.2, steps)
    apart = places[1] - places[0] if steps > 1 else 4.0
    em, side, spelt = small * matplotlib.rcParams["font.size"], min(2.3 * small, 0.62 * apart), steps <= _FEW
    colours, logs = ink(left), np.log10(np.clip(left[1:], 10.0**LEAST, 1))
    for before, after, log, colour in zip(places, places[1:], logs, colours[1:]):
        ax.plot([before + side / 2, after - side / 2], [middle, middle], color=colour, linewidth=0.5 * em * (1.05 - log / LEAST),
                zorder=1)  # fmt: skip
    if spelt:
        ax.plot(places[:-1] + side / 2 + 0.3, [middle] * (steps - 1), "<", color=style.GREY, markersize=0.35 * em, zorder=2)
    ax.scatter(places, [middle] * steps, s=(side * em / small) ** 2, marker="s", c=colours, edgecolors=style.GREY,
               linewidths=0.9 if spelt else 0.3, zorder=3)  # fmt: skip
    ax.text(places[0] - side / 2, middle + side / 2 + (1.7 if spelt else 0.4) * small, name, weight="bold", va="bottom", fontsize=em)
    ax.text(places[-1] + side / 2 + 0.3, middle, "← loss", va="center", fontsize=em)
    size = min(em, 0.42 * apart * em / small)
    for step in range(steps if spelt else 0):
        name = f"h{step + 1}" if apart > _LETTER * small else f"{step + 1}"
        ax.text(places[step], middle, name, ha="center", va="center", color=readable(colours[step]), fontsize=size, zorder=4)
        if apart > 2.6 * small or step in (0, steps - 1):
            ax.text(places[step], middle + side / 2 + 0.25 * small, _say(left[step]), ha="center", va="bottom", fontsize=0.85 * size)
    for step, symbol in enumerate(inputs or [] if spelt else []):
        ax.text(places[step], middle - side / 2 - 0.3 * small, f"{symbol}", ha="center", va="top", color=style.GREY,
                fontsize=0.95 * size)  # fmt: skip


def draw_lstm(ax, f, i, o):
    """Draw the inside of an LSTM, its wires as thick as the gates are open. f, i, o: three numbers between 0 and 1."""
    _draw_house(ax, "c(t−1)", "c(t)")
    gates = (("forget", "f", f, 20), ("input", "i", i, 40), ("output", "o", o, 82))
    _draw_kept(ax, [(-6, 20, 1.0), (20, 102, f)])
    ax.plot([60, 60, 41.5], [18, 35, 35], color=style.GREY, linewidth=1.2, zorder=1)  # the candidate
    ax.plot([40, 40], [38, 50], color=style.GREEN, linewidth=_thick(i), zorder=1)
    ax.plot([82, 82], [50, 36], color=style.GREY, linewidth=1.2, zorder=1)
    ax.plot([82, 102], [35, 35], color=style.GREY, linewidth=_thick(o), zorder=1)
    for word, letter, value, x in gates:
        ax.plot([x, x], [18, 48 if letter == "f" else 33], color=style.ALARM, linewidth=_thick(value), zorder=1, solid_capstyle="butt")
        _draw_box(ax, x, f"{word}\n{letter} = {value:.2f}", style.ALARM)
    _draw_box(ax, 60, "candidate\ng", style.GREEN)
    for x, y, sign in ((20, 50, "×"), (40, 50, "+"), (40, 35, "×"), (82, 35, "×")):
        _draw_sign(ax, x, y, sign)
    ax.text(80.5, 42.5, "tanh", ha="right", va="center", fontsize=_small(ax), color=style.GREY)
    ax.text(93, 38, "h(t)", va="bottom", fontsize=1.1 * _small(ax))
    return f"A step keeps {f:.1%} of the old state, takes in {i:.1%} of the candidate, and shows {o:.1%}."


def draw_gru(ax, z, r):
    """Draw the inside of a GRU, its wires as thick as the gates are open. z, r: two numbers between 0 and 1."""
    _draw_house(ax, "h(t−1)", "h(t)")
    _draw_kept(ax, [(-6, 46, 1.0), (46, 102, z)])
    for points, width, colour in (
        (((22, 18), (22, 33)), _thick(r), style.ALARM), (((22, 50), (22, 37)), 1.2, style.GREY),
        (((23, 34), (30, 27), (68, 27), (71, 19)), _thick(r), style.GREY),
        (((46, 18), (46, 48)), _thick(z), style.ALARM), (((46, 37), (72, 37)), _thick(1 - z), style.ALARM),
        (((74, 18), (74, 37)), 1.2, style.GREY), (((74, 39), (74, 50)), _thick(1 - z), style.GREEN),
    ):  # fmt: skip
        ax.plot(*zip(*points), color=colour, linewidth=width, zorder=1, solid_capstyle="butt")
    for x, words, colour in ((22, f"reset\nr = {r:.2f}", style.ALARM), (46, f"update\nz = {z:.2f}", style.ALARM),
                             (74, "candidate\nn", style.GREEN)):  # fmt: skip
        _draw_box(ax, x, words, colour)
    for x, y, sign in ((22, 35, "×"), (46, 50, "×"), (74, 37, "×"), (74, 50, "+")):
        _draw_sign(ax, x, y, sign)
    ax.text(60, 41, f"1 − z = {1 - z:.2f}", ha="center", va="center", fontsize=_small(ax), color=style.ALARM)
    return f"A step keeps {z:.1%} of the old state and takes in {1 - z:.1%} of the candidate."


def draw_text(ax, rows):
    """Draw texts letter by letter, each in the ink of its gradient. rows: title -> (text, (letters,) shares of the largest).

    Returns the caption: how to read the ink.
    """
    ax.set_axis_off()
    longest, height = max(len(text) for text, _ in rows.values()), 1 / len(rows)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    for row, (title, (text, shares)) in enumerate(rows.items()):
        shares = np.asarray(shares, dtype=float)
        shades = 1 + np.log10(np.clip(shares / shares.max(), 10.0**-_TEXT, 1)) / _TEXT
        colours = fade(np.pad(shades, (0, longest - len(shares))))
        floor = 1 - height * (row + 0.9)
        letters = ax.table([list(text.ljust(longest))], cellColours=[colours], cellLoc="center", edges="closed",
                           bbox=(0, floor, 1, 0.45 * height))  # fmt: skip
        letters.auto_set_font_size(False)
        letters.set_fontsize(0.9 * matplotlib.rcParams["font.size"])
        for (_, place), cell in letters.get_celld().items():
            cell.set(edgecolor="white", linewidth=0.5)
            cell.get_text().set(color=readable(colours[place]), family="DejaVu Sans Mono")
        ax.text(0, floor + 0.5 * height, title, weight="bold", va="bottom")
    return "The darker a letter, the larger its gradient; white is a ten-thousandth of the largest, or less."


def _say(number):
    return f"{number:.0e}".replace("e-0", "e-").replace("e+0", "e+") if 0 < number < 0.1 or number > 10**MOST else f"{number:.2g}"


def _thick(share):
    return 0.8 + 9 * min(max(float(share), 0.0), 1.0)


def _small(ax):
    """Return the size of the words of a cell: what its boxes have room for, also side by side in a lecture."""
    return matplotlib.rcParams["font.size"] * min(0.85, room(ax)[0] / _CELL)


def _draw_house(ax, before, after):
    """Draw the ground of a cell, what it reads, and the names of the wire that runs through it."""
    ax.set(xlim=(-8, 104), ylim=(0, 62))
    ax.set_axis_off()
    ax.fill([8, 92, 92, 8], [3, 3, 57, 57], facecolor=_HOUSE, edgecolor=style.GREY, linewidth=1, zorder=0)
    ax.plot([-6, 84], [6, 6], color=style.GREY, linewidth=1.2, zorder=1)
    ax.text(7, 8, "x(t),\nh(t−1)", ha="right", va="bottom", fontsize=_small(ax), linespacing=1.1)
    ax.text(7, 53, before, ha="right", va="bottom", fontsize=1.1 * _small(ax))
    ax.text(93, 53, after, va="bottom", fontsize=1.1 * _small(ax))


def _draw_kept(ax, parts):
    for start, end, share in parts:
        ax.plot([start, end], [50, 50], color=style.BLUE, linewidth=_thick(share), zorder=1, solid_capstyle="butt")


def _draw_box(ax, x, words, colour):
    ax.plot([x, x], [6, 12], color=style.GREY, linewidth=1.2, zorder=1)
    ax.text(x, 15.5, words, ha="center", va="center", fontsize=_small(ax), linespacing=1.1, zorder=4,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": colour, "linewidth": 1.5})  # fmt: skip


def _draw_sign(ax, x, y, sign):
    ax.text(x, y, sign, ha="center", va="center", zorder=4, fontsize=1.1 * _small(ax),
            bbox={"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": style.GREY, "linewidth": 1})  # fmt: skip
