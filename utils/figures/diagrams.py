"""Pictures that explain rather than measure: which entries of a tensor share a mean, and a mixing desk."""

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
