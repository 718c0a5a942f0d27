"""Pictures that explain: groups that share a mean, a mixing desk, the cobweb of an iterated map, lines on a heat map."""

import numpy as np

from utils.figures import style


def draw_groups(ax, groups, *, xlabel, ylabel, title):
    """Draw a matrix of cells in which those with equal numbers belong together. groups: (rows, columns) of integers.

    Each group has a colour of its own and its number written in every cell; row 0 stands on top.
    """
    groups = np.asarray(groups)
    rows, columns = groups.shape
    for (row, column), group in np.ndenumerate(groups):
        colour = style.CYCLE[group % len(style.CYCLE)]
        ax.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1],
                facecolor=colour, alpha=0.35, edgecolor="white", linewidth=2)  # fmt: skip
        ax.text(column + 0.5, row + 0.5, str(group + 1), ha="center", va="center", color=style.BLACK)
    ax.set(xlim=(0, columns), ylim=(rows, 0), xlabel=xlabel, ylabel=ylabel, title=title, aspect="equal")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def draw_desk(axes, faders, levels, *, floor, ceiling, limits=(-6, 12)):
    """Draw the faders of a mixing desk and the level of the signal behind each stage, all in decibels.

    axes: two. faders: (groups,), the gain of each stage of a group. levels: (stages,). floor, ceiling: where the signal
    drowns, and where it is clipped. limits: the scale of the faders.
    """
    desk, meter = axes
    faders, levels = np.asarray(faders, dtype=float), np.asarray(levels, dtype=float)
    positions = np.arange(1, len(faders) + 1)
    desk.vlines(positions, *limits, color=style.GREY, linewidth=5, alpha=0.35)
    desk.plot(positions, faders, "s", color=style.BLACK, markersize=17)
    desk.plot(positions, faders, "_", color="white", markersize=13, markeredgewidth=2)
    for position, fader in zip(positions, faders):
        desk.annotate(f"{fader:+.0f}", (position, fader), xytext=(15, 0), textcoords="offset points", va="center")
    stages = len(levels) // len(faders)
    desk.set_xticks(positions, [f"{(p - 1) * stages + 1}-{p * stages}" for p in positions])
    desk.set(xlabel="layers", ylabel="gain of each layer, dB", xlim=(0.4, len(faders) + 0.9), title="The faders",
             ylim=(limits[0] - 1, limits[1] + 1))  # fmt: skip
    low, high = floor - 60, ceiling + 40
    meter.axhspan(low, floor, color=style.GREY, alpha=0.3, linewidth=0)
    meter.axhspan(ceiling, high, color=style.ALARM, alpha=0.3, linewidth=0)
    meter.text(1, floor - 30, "below: lost", va="center")
    meter.text(1, ceiling + 20, "above: clipped", va="center")
    shown = np.clip(np.nan_to_num(levels, nan=high, posinf=high, neginf=low), low, high)
    meter.plot(np.arange(1, len(levels) + 1), shown, "o", color=style.MEASURED)
    meter.set(xlabel="layer", ylabel="level of the signal, dB", xlim=(0, len(levels) + 1), ylim=(low, high),
              title="The meter")  # fmt: skip


def draw_cobweb(ax, q, mapped, path, *, fixed=None, measured=None, limit=3.0):
    """Draw a map of the line onto itself, the diagonal, and the path of its iterations as a staircase between them.

    q, mapped: (points,), the curve. path: (steps,), the iterates, the start first. fixed: the fixed point, if finite.
    measured: (layers,), what a net has in the place of the iterates, as circles on the map. limit: where both axes end.
    """
    q, mapped, path = (np.asarray(values, dtype=float) for values in (q, mapped, path))
    ax.plot(q, q, "--", color=style.GREY, linewidth=1.4, label="unchanged")
    ax.plot(q, mapped, color=style.THEORY, label="the q map")
    steps = np.repeat(np.clip(path, 0, 10 * limit), 2)
    ax.plot(steps[:-1], np.append(0, steps[2:]), color=style.BLUE, linewidth=1.4, label="layer by layer")
    ax.plot(path[:1], [0], "o", color=style.BLUE, clip_on=False)
    if measured is not None:
        measured = np.asarray(measured, dtype=float)
        ax.plot(measured[:-1], measured[1:], "o", color=style.MEASURED, markerfacecolor="white", markersize=8, label="a net, measured")
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
