"""Where a signal or a gradient goes wrong, drawn: a chain of single units, a hundred layers, and an activation's mean."""

import itertools

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb

from utils.figures import style
from utils.figures.ink import ink

_ALIKE = LinearSegmentedColormap.from_list("alike", ["#FFFFFF", style.ALARM])
_BLOCKS = {"signal →": 0.165, "← gradient": 0.45, "two inputs alike →": 0.735}  # title -> left edge of the strips
_BLOCK = 0.265  # their width
_SHAPE = 0.125, 0.03  # where the small curves stand, and how wide they are


def draw_chain(ax, weights, slopes):
    """Draw units in a row, one a layer: weights and slopes on the edges, and below each unit what is left of the gradient.

    weights, slopes: (units,), of unit 1 first; three to six are readable. The gradient is that of the last output: 1 at
    the last unit, and times weight and slope for each step back to the input. Returns the caption, the whole product.
    """
    weights, slopes = np.asarray(weights, dtype=float), np.asarray(slopes, dtype=float)
    left = np.append(np.cumprod((weights * slopes)[::-1])[::-1], 1.0)
    places = np.linspace(0.06, 0.94, len(left))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    for unit, (before, after) in enumerate(itertools.pairwise(places), start=1):
        middle, start, end = (before + after) / 2, before + 0.033, after - 0.04
        thick = float(np.clip(2 * abs(weights[unit - 1]) ** 0.5, 0.6, 6))
        ax.plot([start, end], [0.78, 0.78], color=style.GREY, linewidth=thick, solid_capstyle="butt")
        ax.plot([end], [0.78], ">", color=style.GREY, markersize=6 + thick)
        ax.text(middle, 0.83, f"weight {weights[unit - 1]:.2f}", ha="center", va="bottom", color=style.BLUE)
        ax.text(middle, 0.73, f"slope {slopes[unit - 1]:.2f}", ha="center", va="top", color=style.ALARM)
        ax.plot([start + 0.03, end - 0.01], [0.45, 0.45], color=style.GREY, linewidth=1)
        ax.plot([start + 0.025], [0.45], "<", color=style.GREY, markersize=6)
        ax.text(middle + 0.01, 0.475, f"× {weights[unit - 1] * slopes[unit - 1]:.2f}", ha="center", va="bottom")
    colours = ink(np.abs(left))
    ax.scatter(places, np.full(len(left), 0.78), s=1500, c=colours, edgecolors=style.GREY, linewidths=1, zorder=3)
    heights = 0.33 * np.abs(left) / max(1.0, np.abs(left).max())
    ax.vlines(places, 0, np.maximum(heights, 0.004), colors=np.maximum(colours - 0.12, 0) * [1, 1, 1, 0] + [0, 0, 0, 1],
              linewidth=30)  # fmt: skip
    for unit, (x, colour, share) in enumerate(zip(places, colours, left)):
        ax.text(x, 0.78, f"$h_{{{unit}}}$" if unit else "input", ha="center", va="center", color=_readable(colour), zorder=4)
        ax.text(x, 0.45, f"{share:.2g}", ha="center", va="center", weight="bold")
    factors = " × ".join(f"{weight * slope:.2f}" for weight, slope in zip(weights, slopes))
    return f"{factors} = {left[0]:.2g}: so much of a change at the input arrives at the last unit."


def draw_hundred(ax, signal, gradient, alike, shapes=None):
    """Draw nets as strips, a thin column a layer: the signal, the gradient, and how alike two different inputs are.

    signal, gradient: name -> (layers,), positive, shown as shares of the signal of layer 1 and of the last layer's gradient,
    in ink that fades over ten decades and is an alarm above ten. alike: name -> (layers,), the mean cosine of two different
    inputs; 1, in the alarm colour, tells that nothing tells them apart. shapes: name -> (points,), each net's activation on
    even steps from -3 to 3, as a small curve. The numbers are those where a pass ends. Returns the caption.
    """
    names, layers = list(signal), len(next(iter(signal.values())))
    signal, gradient, alike = (np.array([np.asarray(of[name], dtype=float) for name in names]) for of in (signal, gradient, alike))
    signal, gradient = signal / signal[:, :1], gradient / gradient[:, -1:]
    ax.set(xlim=(0, 1), ylim=(len(names) + 0.7, -0.8))
    ax.set_axis_off()
    colours = (ink(signal), ink(gradient), _ALIKE(np.clip(np.nan_to_num(alike, nan=0.0), 0, 1)))
    ends = (signal[:, -1], -1, "right"), (gradient[:, 0], 0, "left"), (alike[:, -1], -1, "right")
    for (title, x), block, (numbers, end, side) in zip(_BLOCKS.items(), colours, ends):
        ax.text(x, -0.3, title, va="center", weight="bold")
        for row, (strip, number) in enumerate(zip(block, numbers)):
            ax.imshow(strip[None], extent=(x, x + _BLOCK, row + 0.93, row + 0.07), aspect="auto", interpolation="nearest")
            place = x + (_BLOCK - 0.008 if side == "right" else 0.008)
            ax.text(place, row + 0.5, _say(number), ha=side, va="center", color=_readable(strip[end]))
        ax.text(x, len(names) + 0.35, "layer 1", va="center", fontsize="small", color=style.GREY)
        ax.text(x + _BLOCK, len(names) + 0.35, str(layers), ha="right", va="center", fontsize="small", color=style.GREY)
    for row, name in enumerate(names):
        ax.text(0.09, row + 0.5, name, ha="right", va="center")
        if shapes is not None:
            value = np.asarray(shapes[name], dtype=float)
            centre, half = _SHAPE
            across = centre + half * np.linspace(-1, 1, len(value))
            ax.plot([centre, centre], [row + 0.1, row + 0.9], color=style.GREY, linewidth=0.5)
            ax.plot(across, row + 0.55 - 0.15 * np.clip(value, -2, 3), color=style.BLUE, linewidth=1.6)
    ax.set(xlim=(0, 1), ylim=(len(names) + 0.7, -0.8))  # imshow has moved them
    apart = [name for name, cosine in zip(names, alike[:, -1]) if cosine < 0.5]
    return f"After {layers} layers two inputs can still be told apart (cosine below 0.5) by: {', '.join(apart) or 'none'}."


def draw_mean(ax, z, value, density, *, name):
    """Draw an activation over the Gaussian of its pre-activations, its outputs at the left, and their mean.

    z, value, density: (points,), z in even steps. Returns the caption: the mean, and how alike two unrelated inputs leave a
    wide layer of such units, E[φ]² / E[φ²].
    """
    z, value, density = (np.asarray(values, dtype=float) for values in (z, value, density))
    share = density / density.sum()
    mean, square = (share * value).sum(), (share * value**2).sum()
    low, high = -1.5, 3.5
    ax.axhline(0, color=style.GREY, linewidth=1)
    ax.fill_between(z, 0, density / density.max(), color=style.ORANGE, alpha=0.35, linewidth=0, label="where z lies")
    counts, edges = np.histogram(value, bins=np.linspace(low, high, 51), weights=share)
    ax.fill_betweenx(edges, z[0], z[0] + 1.6 * np.append(counts, 0) / counts.max(), step="post", color=style.BLUE, alpha=0.3,
                     linewidth=0, label="where outputs lie")  # fmt: skip
    ax.plot(z, value, color=style.MEASURED, label=name)
    ax.plot([z[0], z[-1]], [mean, mean], "--", color=style.ALARM, label="mean of the outputs")
    ax.text(z[-1], mean + 0.08, f"mean {mean:.2f}", ha="right", va="bottom", color=style.ALARM, weight="bold")
    ax.set(xlim=(z[0], z[-1]), ylim=(low, high), xlabel="pre-activation z", ylabel="output φ(z)")
    ax.legend(loc="upper left")
    cosine = mean**2 / square if square > 0 else np.nan
    return f"{name}: mean {mean:.2f}; two unrelated inputs leave the layer with a cosine of {cosine:.2f}."


def _readable(colour):
    """Return black or white, whichever is easier to read on this colour."""
    red, green, blue = to_rgb(colour[:3])
    return style.BLACK if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"


def _say(number):
    return f"{number:.0e}" if number < 0.01 or number >= 100 else f"{number:.2f}"
