"""Where a signal or a gradient goes wrong, drawn: single units, a hundred layers, ReLU's half, an activation's mean."""

import matplotlib
import numpy as np

from utils.figures import style
from utils.figures.ink import LEAST, MOST, fade, ink, readable, room
from utils.figures.narrow import is_narrow

_BLOCKS = {"signal →": 0.165, "← gradient": 0.45, "two inputs differ →": 0.735}  # title -> left edge of the strips
_BLOCK = 0.265  # their width
_SHAPE = 0.125, 0.03  # where the small curves stand, and half their width
_TINY = 0.05  # of the height of a line: the least bar, that none disappears


def draw_chain(ax, weights, slopes):
    """Draw units in a row, one a layer: weights and slopes on the edges, and below each unit what is left of the gradient.

    weights, slopes: (units,), unit 1 first; three to five are readable. The gradient is that of the last output: 1 at the
    last unit, and times weight and slope for each step back. The bars below are in proportion. Returns the caption: the product.
    """
    weights, slopes = np.asarray(weights, dtype=float), np.asarray(slopes, dtype=float)
    left = np.append(np.cumprod((weights * slopes)[::-1])[::-1], 1.0)
    width, height = room(ax)
    em, places = matplotlib.rcParams["font.size"], np.linspace(1.6, width - 1.6, len(left))
    apart = places[1] - places[0]
    circle = min(2.8, 0.4 * apart)
    beside = apart > 8.2  # is there room for words between two circles? Else they stand above and below these
    lift, size = 0.45 if beside else circle / 2 + 0.2, em * min(1, apart / 6.3)
    row, told = (height - 1.7, height - 5.2) if beside else (height - 2.6, height - 6.8)  # of the units, and of what is left
    ax.set(xlim=(0, width), ylim=(0, height))  # both in units of the font size, so that words have the room they need
    ax.set_axis_off()
    for before, after, weight, slope in zip(places, places[1:], weights, slopes):
        middle, end, thick = (before + after) / 2, after - circle / 2 - 0.3, np.clip(2 * abs(weight) ** 0.5, 0.6, 5)
        ax.plot([before, end], [row, row], color=style.GREY, linewidth=thick, zorder=1)
        ax.plot([end], [row], ">", color=style.GREY, markersize=0.6 * em + thick)
        ax.text(middle, row + lift, f"w = {_short(weight)}", ha="center", va="bottom", color=style.BLUE, fontsize=size)
        ax.text(middle, row - lift, f"φ′ = {_short(slope)}", ha="center", va="top", color=style.ALARM, fontsize=size)
        if beside:
            arrow = "← " if apart > 10 else ""
            ax.text(middle, told, f"{arrow}× {_short(weight * slope)}", ha="center", va="center", color=style.GREY)
    colours = ink(np.abs(left))
    ax.scatter(places, np.full(len(left), row), s=(circle * em) ** 2, c=colours, edgecolors=style.GREY, linewidths=1, zorder=3,
               clip_on=False)  # fmt: skip
    bars = np.maximum((told - 1.0) * np.abs(left) / max(1.0, np.abs(left).max()), _TINY)
    ax.vlines(places, told - 0.9 - bars, told - 0.9, colors=colours, linewidth=circle * em)
    for unit, (x, colour, share) in enumerate(zip(places, colours, left)):
        ax.text(x, row, f"h{chr(0x2080 + unit)}" if unit else "x", ha="center", va="center", color=readable(colour), zorder=4)
        ax.text(x, told, f"{share:.2g}", ha="center", va="center", weight="bold")
    factors = " × ".join(_short(weight * slope) for weight, slope in zip(weights, slopes))
    return f"{factors} = {left[0]:.2g}: so much of a small change of x arrives at the end."


def draw_hundred(ax, signal, gradient, differ, shapes=None, *, guess=None):
    """Draw nets as strips, a thin column a layer: the signal, the gradient, and how far two different inputs stay apart.

    signal, gradient: name -> (layers,), positive, shown as shares of the signal of layer 1 and of the last layer's gradient,
    in ink that fades over ten decades and is an alarm above ten. differ: name -> (layers,), one minus the mean cosine of two
    different inputs; the ink fades in even steps to 0, where nothing tells them apart. shapes: name -> (points,), each net's activation on
    even steps from -3 to 3, as a small curve. guess: what a reader expected of the gradient that the last net's layer 1 gets,
    or None. The numbers are those where a pass ends. Returns the caption, which says how to read the ink.
    """
    names, layers = list(signal), len(next(iter(signal.values())))
    signal, gradient, differ = (np.array([np.asarray(of[name], dtype=float) for name in names]) for of in (signal, gradient, differ))
    signal, gradient = signal / signal[:, :1], gradient / gradient[:, -1:]
    ax.set_axis_off()
    ends = ([_say(number) for number in signal[:, -1]], [_say(number) for number in gradient[:, 0]],
            [f"{round(number, 2) + 0.0:.2f}" for number in differ[:, -1]])  # fmt: skip - plus 0: none is to be "-0.00"
    blocks = zip(_BLOCKS.items(), (ink(signal), ink(gradient), fade(differ)), ends, (-1, 0, -1))
    below = 0.7 if guess is None else 1.6  # rows below the strips, for what is written there
    size = min(1.0, 0.8 * room(ax)[1] / (len(names) + 0.8 + below)) * matplotlib.rcParams["font.size"]
    narrow = is_narrow(ax)  # then the longest title has two lines, and the names are smaller
    for (title, x), colours, numbers, end in blocks:
        title = title.replace("inputs ", "inputs\n") if narrow else title
        ax.text(x, -0.1 if narrow else -0.3, title, va="bottom" if narrow else "center", weight="bold", fontsize=size)
        ax.imshow(colours, extent=(x, x + _BLOCK, len(names), 0), aspect="auto", interpolation="nearest")
        for row, number in enumerate(numbers):
            place, side = (x + _BLOCK - 0.008, "right") if end else (x + 0.008, "left")
            paper = colours[row, end]  # behind the number too, where the colour may be another
            ax.text(place, row + 0.5, number, ha=side, va="center", color=readable(paper), fontsize=size,
                    bbox={"boxstyle": "square,pad=0.1", "facecolor": paper, "edgecolor": "none"})  # fmt: skip
        ax.text(x, len(names) + 0.4, "layer 1", va="center", fontsize=0.9 * size, color=style.GREY)
        ax.text(x + _BLOCK, len(names) + 0.4, str(layers), ha="right", va="center", fontsize=0.9 * size, color=style.GREY)
    if guess is not None:
        ax.text(_BLOCKS["← gradient"], len(names) + 1.2, f"your guess: {_say(guess)}", va="center", fontsize=size, color=style.GUESS)
    ax.hlines(np.arange(len(names) + 1), _BLOCKS["signal →"] - 0.01, 1, color="white", linewidth=3)
    for row, name in enumerate(names):
        ax.text(0.085, row + 0.5, name, ha="right", va="center", fontsize=0.8 * size if narrow else size)
        if shapes is not None:
            value, (centre, half) = np.asarray(shapes[name], dtype=float), _SHAPE
            ax.plot([centre, centre], [row + 0.1, row + 0.9], color=style.GREY, linewidth=0.5)
            ax.plot(centre + half * np.linspace(-1, 1, len(value)), row + 0.55 - 0.15 * np.clip(value, -2, 3),
                    color=style.BLUE, linewidth=1.6)  # fmt: skip
    ax.set(xlim=(0, 1), ylim=(len(names) + below, -1.6 if narrow else -0.8))  # imshow has moved them
    return (f"Dark is 1, white is 1e{LEAST} or less, orange is more than {10**MOST}. "
            "On the right, white is 0: all inputs look the same.")  # fmt: skip


def draw_halving(axes, z, frequency):
    """Draw how frequent each z is, and what each adds to the mean of z²; what ReLU lets pass is filled, the rest is hollow.

    axes: two, side by side. z, frequency: (points,), z in even steps. Returns the caption: which share of the slopes is 1,
    and which share of the mean square passes.
    """
    z, frequency = np.asarray(z, dtype=float), np.asarray(frequency, dtype=float)
    passes, shares = z > 0, []
    for ax, height, label in zip(axes, (frequency, z**2 * frequency), ("how frequent", "z² times how frequent")):
        height = height / height.sum()
        shares.append(height[passes].sum())
        ax.fill_between(z[~passes], height[~passes], facecolor="white", edgecolor=style.GREY, linestyle="--", hatch="//",
                        linewidth=0.8)  # fmt: skip
        ax.fill_between(z[passes], height[passes], color=style.BLUE, alpha=0.5, linewidth=0)
        ax.plot(z, height, color=style.MEASURED)
        ax.axvline(0, color=style.BLACK, linewidth=1)
        for x, word, share in ((0.25, "blocked", 1 - shares[-1]), (0.75, "passes", shares[-1])):
            ax.text(x, 0.97, f"{word}: {share:.0%}", ha="center", va="top", transform=ax.transAxes)
        ax.set(xlim=(z[0], z[-1]), ylim=(0, 1.3 * height.max()), xlabel="pre-activation z", ylabel=label, yticks=[])
    return f"The slope is 1 for {shares[0]:.0%} of the z; {shares[1]:.0%} of the mean of z² passes."


def draw_mean(ax, z, value, density, *, name):
    """Draw an activation over the Gaussian of its pre-activations, its outputs at the left, and their mean.

    z, value, density: (points,), z in even steps. Returns the caption: the mean, and how alike two unrelated inputs leave a
    wide layer of such units, E[φ]² / E[φ²].
    """
    z, value, density = (np.asarray(values, dtype=float) for values in (z, value, density))
    share = density / density.sum()
    mean, square = (share * value).sum(), (share * value**2).sum()
    low, high, said = -2.0, 3.5, f"{round(mean, 2) + 0.0:.2f}"
    ax.axhline(0, color=style.GREY, linewidth=1)
    ax.fill_between(z, 0, density / density.max(), color=style.ORANGE, alpha=0.35, linewidth=0)
    counts, edges = np.histogram(value, bins=np.linspace(low, high, 51), weights=share)
    ax.fill_betweenx(edges, z[0], z[0] + 1.6 * np.append(counts, 0) / counts.max(), step="post", color=style.BLUE, alpha=0.3,
                     linewidth=0)  # fmt: skip
    ax.plot(z, value, color=style.MEASURED, label=name)
    ax.plot([z[0], z[-1]], [mean, mean], "--", color=style.ALARM)
    ax.text(z[-1], mean + 0.08, "mean", ha="right", va="bottom", color=style.ALARM, weight="bold")
    ax.set(xlim=(z[0], z[-1]), ylim=(low, high), xlabel="z (shaded: how often)", ylabel="output φ(z)",
           title=f"{name}: mean {said}")  # fmt: skip
    cosine = mean**2 / square if square > 0 else np.nan
    return f"{name}: mean {said}; two unrelated inputs leave the layer with a cosine of {cosine:.2f}."


def _short(number):
    if 0 < abs(number) < 0.005:  # which two decimals would call 0.00
        return f"{number:.0e}" if abs(number) < 0.0005 else f"{number:.1g}"
    return f"{number:.2f}" if abs(number) < 10 else f"{number:.2g}"


def _say(number):
    return f"{number:.2f}" if 0.01 <= number < 10 else f"{number:.0f}" if 10 <= number < 1000 else f"{number:.0e}"
