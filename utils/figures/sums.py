"""What random weights do, drawn: a sum that grows, two inputs on their way, order and chaos, a map of nets, equal units."""

import numpy as np

from utils.figures import diagrams, plots, style
from utils.figures.ink import room

_WALKS = 30  # of the units whose sums are drawn one by one
_REACH = 60.0  # where the axis of a sum ends: the same for all, so that small sums look small
_SHOWN = 1, 2, 4, 8, 16  # layers at which two inputs are drawn, and the last one
_LAYER = 5.5  # ems that a layer needs, at least, for its words
_WORDS = 3.4  # lines below a pair of arrows, for its size and its cosine


def draw_sum(axes, sums, law, *, guess=None, flat=5.0):
    """Draw how the sums of many units grow with every input that is added, and where they end.

    axes: two, side by side. sums: (units, inputs + 1), of each unit first its bias, then with 1, 2, ... inputs. law: (inputs + 1,)
    the standard deviation that is predicted. guess: what a reader expected of the last one, or None. Beyond `flat` the
    activation is flat, and the paper is shaded. Returns the caption: the standard deviation, and the share beyond.
    """
    sums, law = np.asarray(sums, dtype=float), np.asarray(law, dtype=float)
    walks, ends = axes
    added, last = np.arange(sums.shape[1]), sums[:, -1]
    step = max(len(added) // 250, 1)  # more points than pixels help nobody
    for unit in sums[:_WALKS]:
        walks.plot(added[::step], unit[::step], color=style.BLUE, linewidth=0.7, alpha=0.6)
    for sign in (1, -1):
        walks.plot(added, sign * law, color=style.THEORY, linewidth=1.8, label="± the law's standard deviation" if sign > 0 else None)
    if guess is not None:
        walks.plot([added[-1]], [min(guess, _REACH)], "X", color=style.GUESS, markersize=13, label="your guess", clip_on=False, zorder=4)
    counts, edges = np.histogram(np.clip(last, -_REACH, _REACH), bins=np.linspace(-_REACH, _REACH, 61))
    ends.fill_betweenx(edges, 0, np.append(counts, 0) / counts.max(), step="post", color=style.BLUE, alpha=0.5, linewidth=0)
    for ax in axes:
        for low, high in ((-_REACH, -flat), (flat, _REACH)):
            ax.axhspan(low, high, color=style.ALARM, alpha=0.1, linewidth=0)
        ax.set(ylim=(-_REACH, _REACH))
    beyond = (np.abs(last) > flat).mean()
    ends.text(0.97, 0.97, f"flat: {beyond:.0%}", ha="right", va="top", color=style.ALARM, weight="bold", transform=ends.transAxes)
    walks.set(xlabel="inputs added", ylabel="the sum so far", xlim=(0, added[-1]))
    ends.set(xlabel=f"where {len(sums):,} units end", xlim=(0, 1.05), xticks=[], yticklabels=[])
    walks.legend(loc="upper left")
    return f"{added[-1]} inputs: z has a standard deviation of {last.std():.2f}; {beyond:.1%} of the units lie beyond ±{flat:.0f}."


def draw_pairs(ax, sizes, cosines):
    """Draw two inputs on their way through a net as two arrows, at a few layers: as long as they are large, and their angle.

    sizes: (layers, 2), the root mean square of both inputs' pre-activations. cosines: (layers,), of the angle between them.
    Thin rays show the angle where the arrows have become too short for that. Returns the caption, what is left at the last layer.
    """
    sizes, cosines = np.asarray(sizes, dtype=float), np.clip(np.asarray(cosines, dtype=float), -1, 1)
    layers = [*(layer for layer in _SHOWN if layer < len(sizes)), len(sizes)]
    width, height = room(ax)
    if width < _LAYER * len(layers):
        layers = [*layers[:-1:2], layers[-1]]
    ax.set(xlim=(0, width), ylim=(0, height))  # both in units of the font size: an angle is to be seen as it is
    ax.set_axis_off()
    step = width / len(layers)
    halves = np.arccos(cosines) / 2
    reach = min(0.47 * step / np.sin(halves[np.array(layers) - 1]).max().clip(0.1), height - _WORDS - 2.2)  # of the longest arrow
    for column, layer in enumerate(layers):
        x, y, half = (column + 0.5) * step, _WORDS, halves[layer - 1]
        for size, side, colour in zip(sizes[layer - 1], (1, -1), (style.BLUE, style.VERMILLION)):
            angle = np.pi / 2 + side * half
            ax.plot([x, x + reach * np.cos(angle)], [y, y + reach * np.sin(angle)], color=colour, linewidth=1, alpha=0.4)
            _draw_arrow(ax, x, y, reach * size / sizes.max(), angle, colour)
        ax.text(x, height - 0.3, f"layer {layer}", ha="center", va="top", weight="bold")
        ax.text(x, _WORDS - 0.7, f"size {_say(sizes[layer - 1].mean())}", ha="center", va="top")
        ax.text(x, _WORDS - 2.1, f"cosine {cosines[layer - 1] + 0.0:.2f}", ha="center", va="top")
    return (f"From layer 1 to layer {len(sizes)} the size goes from {_say(sizes[0].mean())} to {_say(sizes[-1].mean())}, "
            f"the cosine from {cosines[0]:.2f} to {cosines[-1] + 0.0:.2f}.")  # fmt: skip


def _draw_arrow(ax, x, y, length, angle, colour):
    """Draw an arrow as a line and a head; a short one is a dot."""
    tip = x + length * np.cos(angle), y + length * np.sin(angle)
    ax.plot([x, tip[0]], [y, tip[1]], color=colour, linewidth=2.6, solid_capstyle="round")
    marker = (3, 0, np.degrees(angle) - 90) if length > 0.8 else "o"
    ax.plot(*tip, marker=marker, color=colour, markersize=9 if length > 0.8 else 4)


def draw_phases(ax, sigma_w, sigma_b, chi, place, here):
    """Draw chi over the plane of sigma_w and sigma_b, the line where it is 1, the two phases, and a cross.

    sigma_w: (columns,); sigma_b: (rows,); chi: (rows, columns), positive. place: sigma_w and sigma_b of the cross; here: chi there.
    Returns the caption: what becomes of small differences and of the gradient at the cross.
    """
    logs = np.log10(np.asarray(chi, dtype=float))
    ends = [(float(values[0]), float(values[-1])) for values in (sigma_w, sigma_b)]
    plots.draw_heat(ax, logs, x=ends[0], y=ends[1], limits=(-0.6, 0.6), diverging=True, xlabel="σ_w", ylabel="σ_b", label="log₁₀ χ")
    diagrams.draw_levels(ax, sigma_w, sigma_b, logs, [0], label="χ = 1, the edge")
    for x, word in ((0.06, "order"), (0.72, "chaos")):
        ax.text(x, 0.08, word, transform=ax.transAxes, fontsize="x-large", weight="bold")
    ax.plot(*place, "X", color="white", markeredgecolor=style.BLACK, markersize=13, clip_on=False)
    if abs(here - 1) < 5e-4:
        return "At the cross χ = 1.000: small differences and gradients keep their size."
    fate = "shrink" if here < 1 else "grow"
    return f"At the cross χ = {here:.3f}: small differences and gradients {fate}; the depth scale is {1 / abs(np.log(here)):.1f} layers."


def draw_fates(axes, maps, exponents, depths):
    """Draw maps of nets, a cell each: the gradient of layer 1 over that of the last one, and theory's lines.

    axes: one for each map. maps: title -> (ratio, expected), both (depths, sizes) and positive. exponents: (sizes,), log2 of sigma_w.
    depths: (depths,), hidden layers. Returns the caption: how far off theory is, and where it is most.
    """
    apart = []
    for ax, (title, (ratio, expected)) in zip(axes, maps.items()):
        ratio, expected = (np.asarray(values, dtype=float) for values in (ratio, expected))
        plots.draw_heat(ax, np.log10(ratio), x=(float(exponents[0]), float(exponents[-1])), y=(depths[0], depths[-1]),
                        limits=(-12, 12), diverging=True, xlabel="σ_w", ylabel="hidden layers",
                        label="log₁₀ (first / last gradient)")  # fmt: skip
        diagrams.draw_levels(ax, exponents, depths, np.log10(expected), [-3, 0, 3], label="theory",
                             names={-3: "0.001", 0: "1", 3: "1000"})  # fmt: skip
        _mark_powers(ax, exponents)
        ax.set_title(title)
        apart.append(np.abs(np.log10(ratio / expected)))
    worst = int(np.argmax([error.max() for error in apart]))
    row, column = np.unravel_index(apart[worst].argmax(), apart[worst].shape)
    place = f"{list(maps)[worst]}, {depths[row]} layers, σ_w {2 ** float(exponents[column]):.3g}"
    return (f"Theory is off by a factor of {10 ** np.median(apart):.1f} in the median net, and most, {10 ** np.max(apart):.1g}, at {place}: "
            "an average over 64 units is a poor guess there.")  # fmt: skip


def draw_learned(axes, accuracies, exponents, depths, line):
    """Draw how much nets have learned, a cell each, and theory's line.

    axes: one for each map. accuracies: title -> (depths, sizes), 0..1. exponents: (sizes,), log2 of sigma_w. depths: (depths,), hidden
    layers. line: (exponents, depths) of a curve.
    """
    for ax, (title, accuracy) in zip(axes, accuracies.items()):
        plots.draw_heat(ax, accuracy, x=(exponents[0], exponents[-1]), y=(depths[0], depths[-1]), limits=(0, 1), xlabel="σ_w",
                        ylabel="hidden layers", label="accuracy")  # fmt: skip
        diagrams.draw_curve(ax, *line, label="six depth scales")
        _mark_powers(ax, exponents)
        ax.set_title(title)


def _mark_powers(ax, exponents):
    """Write sigma_w itself at whole powers of two of an axis that counts in these."""
    whole = range(round(float(exponents[0])), round(float(exponents[-1])) + 1)
    ax.set_xticks(whole, [f"{2**power}" if power >= 0 else {-1: "½", -2: "¼"}.get(power, f"1/{2**-power}") for power in whole])


def draw_units(ax, weights, *, shape, title, columns=4):
    """Draw the incoming weights of each unit as an image, all in one scale of colours. weights: (units, rows * columns of `shape`)."""
    weights = np.asarray(weights, dtype=float)
    rows = -(-len(weights) // columns)
    height, width = shape
    sheet = np.full((rows * (height + 1), columns * (width + 1)), np.nan)
    for unit, image in enumerate(weights):
        row, column = divmod(unit, columns)
        sheet[row * (height + 1) :, column * (width + 1) :][:height, :width] = image.reshape(shape)
    most = np.abs(weights - weights.mean()).max() or 1.0
    ax.imshow(np.ma.masked_invalid(sheet), cmap=style.DIVERGING, vmin=weights.mean() - most, vmax=weights.mean() + most, interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title)


def _say(number):
    return f"{number:.2f}" if number >= 0.005 else f"{number:.0e}"
