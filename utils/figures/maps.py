"""Numbers -> artists, for maps with curves on them: a cobweb of an iterated map, and level lines on a heat map."""

import numpy as np

from utils.figures import style


def draw_cobweb(ax, q, mapped, path, *, fixed=None, limit=3.0):
    """Draw a map of the line onto itself, the diagonal, and the path of its iterations as a staircase between them.

    q, mapped: (points,), the curve. path: (steps,), the iterates, the start first. fixed: the fixed point, if finite.
    limit: where both axes end.
    """
    q, mapped, path = (np.asarray(values, dtype=float) for values in (q, mapped, path))
    ax.plot(q, q, "--", color=style.GREY, linewidth=1.4, label="unchanged")
    ax.plot(q, mapped, color=style.THEORY, label="the q map")
    steps = np.repeat(np.clip(path, 0, 10 * limit), 2)
    ax.plot(steps[:-1], np.append(0, steps[2:]), color=style.BLUE, linewidth=1.4, label="layer by layer")
    ax.plot(path[:1], [0], "o", color=style.BLUE, clip_on=False)
    if fixed is not None and 0 <= fixed <= limit:
        ax.plot([fixed], [fixed], "D", color=style.ALARM, label="fixed point", clip_on=False)
    ax.set(xlim=(0, limit), ylim=(0, limit), xlabel="q of this layer", ylabel="q of the next layer")
    ax.legend(loc="upper left")


def draw_levels(ax, x, y, values, levels, *, label, dash="-", names=None):
    """Draw level lines of values (len(y), len(x)) over a heat map, white below black, so that both ends show them.

    levels: increasing numbers. label: what the lines are, for the legend. names: dict level -> text on its line.
    """
    x, y, values = (np.asarray(array, dtype=float) for array in (x, y, values))
    ax.contour(x, y, values, levels=levels, colors="white", linewidths=3.2, linestyles="solid")
    lines = ax.contour(x, y, values, levels=levels, colors=style.THEORY, linewidths=1.4, linestyles=dash)
    if names:
        ax.clabel(lines, fmt=names, fontsize="small")
    ax.plot([], [], color=style.THEORY, linewidth=1.4, linestyle=dash, label=label)
    ax.legend(loc="upper right", frameon=True, framealpha=0.9)


def draw_curve(ax, x, y, *, label, dash="-"):
    """Draw one curve over a heat map, black on white, and leave the limits of the axes as they are."""
    limits = ax.get_xlim(), ax.get_ylim()
    ax.plot(x, y, color="white", linewidth=4)
    ax.plot(x, y, color=style.THEORY, linewidth=1.8, linestyle=dash, label=label)
    ax.set(xlim=limits[0], ylim=limits[1])
    ax.legend(loc="upper right", frameon=True, framealpha=0.9)
