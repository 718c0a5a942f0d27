"""Numbers -> artists. Every `draw_*(ax, arrays)` draws on the axes it is given and knows no torch module.

Arrays may be NumPy arrays, tensors or lists. Limits of log axes snap to round decades: a slider then seldom changes
the frame of a figure, which is what makes a live figure fast and comparable from one setting to the next.
"""

import math

import numpy as np

from utils.figures import style
from utils.figures.axes import positive, set_log_limits, whole_ticks
from utils.figures.narrow import is_narrow


def draw_by_layer(ax, values, theory=None, *, guess=None, quantity="gradient norm ‖∂C/∂z‖"):
    """Draw one positive number per layer on a log axis, with theory's line and the learner's guess.

    values, theory: (layers,), layer 1 first. guess: the learner's ratio first / last, drawn as a cross on layer 1.
    Returns the caption: the ratio first / last, theory's, and how far apart they are.
    """
    values = np.asarray(values, dtype=float)
    layers, shown = np.arange(1, len(values) + 1), [values]
    ax.plot(layers, positive(values), "o", color=style.MEASURED, label="measured")
    if theory is not None:
        theory = np.asarray(theory, dtype=float)
        shown.append(theory)
        ax.plot(layers, positive(theory), "-", color=style.THEORY, linewidth=1.4, label="theory", zorder=1.5)
    if guess is not None:
        shown.append(np.array([guess * values[-1]]))
        ax.plot([1], shown[-1], "X", color=style.GUESS, markersize=13, label="your guess")
    ax.set_xlim(0, 12 * math.ceil((len(values) + 0.5) / 12))  # in steps: few frames, which are what is slow to draw
    set_log_limits(ax, np.concatenate(shown), decades=5 if values.min() > 1e-5 else 10)
    ax.set(xlabel="layer (1 is next to the input)", ylabel=quantity)
    ax.xaxis.set_major_locator(whole_ticks())
    ends_high = values[-1] > math.exp(np.log(ax.get_ylim()).mean())  # above the middle of the axis
    ax.legend(loc="best" if guess is not None else "lower right" if ends_high else "upper right")
    return first_over_last(values, theory)


def first_over_last(values, theory=None):
    """Say how large the first of some numbers per layer is beside the last, measured and in theory."""
    ratio = _ratio(values)
    caption = f"first / last layer: measured {ratio:.1e}"
    if theory is not None:
        predicted = _ratio(theory)
        caption += f", theory {predicted:.1e}"
        if 0 < ratio < math.inf and 0 < predicted < math.inf:
            factor = max(ratio / predicted, predicted / ratio)
            caption += f": apart by a factor {factor:.1f} over {len(values) - 1} layers"
    return caption + "."


def _ratio(values):
    return values[0] / values[-1] if values[-1] and math.isfinite(values[-1]) else math.nan


def draw_lines(ax, curves, x=None, *, xlabel="layer", ylabel, log=False, markers=True, limits=None):
    """Draw several curves, each with its own colour, dash and marker. curves: name -> (points,); x: (points,), else 1, 2, ..."""
    for i, (name, values) in enumerate(curves.items()):
        values = np.asarray(values, dtype=float)
        ax.plot(
            np.arange(1, len(values) + 1) if x is None else np.asarray(x, dtype=float),
            positive(values) if log else values,
            color=style.CYCLE[i % len(style.CYCLE)],
            linestyle=style.DASHES[i % len(style.DASHES)],
            marker=style.MARKERS[i % len(style.MARKERS)] if markers else None,
            label=name,
        )
    if limits:
        ax.set_ylim(limits)
    if log:
        set_log_limits(ax, np.concatenate([np.asarray(v, dtype=float).ravel() for v in curves.values()]), 1, limits)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.xaxis.set_major_locator(whole_ticks())
    if len(curves) > 1:
        ax.legend(loc="best")


def draw_by_lag(ax, curves, theory=None, *, guess=None, xlabel="lag T − t", ylabel="‖∂h_T/∂h_t‖", limits=None):
    """Draw what is left of a gradient against the lag, on a log axis. curves: name -> (lags,), lag 0 first.

    All are of one length. theory: (lags,), in black. guess: the learner's number, drawn as a cross at the largest lag.
    """
    longest = len(next(iter(curves.values()))) - 1
    draw_lines(ax, curves, range(longest + 1), xlabel=xlabel, ylabel=ylabel, log=True, markers=False)
    shown = [np.asarray(values, dtype=float).ravel() for values in curves.values()]
    if theory is not None:
        shown.append(np.asarray(theory, dtype=float))
        ax.plot(positive(shown[-1]), color=style.THEORY, linewidth=1.4, label="theory", zorder=1.5)
    if guess is not None:
        shown.append(np.array([guess]))
        ax.plot([longest], [guess], "X", color=style.GUESS, markersize=13, label="your guess", clip_on=False)
    set_log_limits(ax, np.concatenate(shown), 5, limits)
    ax.set_xlim(-0.03 * longest, 1.05 * longest)
    ax.legend(loc="best" if guess is None else "lower left")  # away from the guess, which may be at any height on the right


def draw_bundle(ax, runs, x, *, xlabel, ylabel, others=(), limits=None):
    """Draw repetitions of one run as thin lines and their mean as a thick one. runs: (runs, points); x: (points,).

    A run that ended early may be shorter than x; the mean goes as far as all of them do, and leaves out NaN. others: (curves, points), drawn
    in grey behind, for comparison.
    """
    x = np.asarray(x, dtype=float)
    runs = [np.asarray(values, dtype=float) for values in runs]
    for values in others:
        ax.plot(x[: len(values)], values, color=style.GREY, alpha=0.35, linewidth=1.2)
    for values in runs:
        ax.plot(x[: len(values)], values, color=style.MEASURED, alpha=0.7, linewidth=0.8)
    shared = min(map(len, runs))
    mean = np.nanmean([values[:shared] for values in runs], axis=0)
    ax.plot(x[:shared], mean, color=style.MEASURED, linewidth=2.6, label=f"mean of {len(runs)}")
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=limits)


def draw_bars(ax, values, *, xlabel, log=False, marks=(), form="{:.2g}", start=0, missing=None):
    """Draw named numbers as horizontal bars, the number written beside each. values: name -> number.

    The bars begin at `start`: on a log axis 1 makes their length the decades that are lost or won.
    Names in `marks` are drawn in the alarm colour and hatched, so that the mark does not rest on colour alone.
    `missing` stands in the place of a bar where there is no finite number, if it is given.
    """
    names, numbers = list(values), np.asarray(list(values.values()), dtype=float)
    finite = np.where(np.isfinite(numbers), numbers, 0.0)
    colours = [style.ALARM if name in marks else style.MEASURED for name in names]
    left = np.minimum(finite, start)  # not `start` with a negative width: 1 + (1e-30 - 1) is 0, which a log axis cannot show
    bars = ax.barh(range(len(names)), np.abs(finite - start), left=left, color=colours, height=0.62)
    for bar, name in zip(bars, names, strict=True):
        if name in marks:
            bar.set(hatch="///", edgecolor="white")
    if log:
        ax.use_sticky_edges = False  # which of two edges is the outer one, matplotlib judges on a linear scale
        ax.set_xscale("log")
    for i, number in enumerate(numbers):
        label = form.format(number) if missing is None or np.isfinite(number) else missing
        ax.annotate(label, (max(finite[i], start), i), xytext=(4, 0), textcoords="offset points", va="center")
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=xlabel, xmargin=0.16)


def draw_strips(ax, samples, *, xlabel, limits=None, missing="no number"):
    """Draw a few numbers per name as points in a row, their mean as a bar across. samples: name -> (points,).

    Points that are not finite cannot be drawn; `missing` says what became of them, and how many of how many they are.
    """
    for row, values in enumerate(samples.values()):
        values = np.asarray(values, dtype=float)
        finite = values[np.isfinite(values)]
        ax.scatter(finite, np.full(len(finite), row), s=30, color=style.MEASURED, alpha=0.6, linewidth=0)
        if len(finite):
            ax.plot([finite.mean()], [row], "|", color=style.THEORY, markersize=16, markeredgewidth=2)
        if len(finite) < len(values):
            ax.text(0.02, row, f"{missing}: {len(values) - len(finite)} of {len(values)}", color=style.ALARM, weight="bold",
                    va="center", transform=ax.get_yaxis_transform())
    ax.set_yticks(range(len(samples)), list(samples))
    ax.set(xlabel=xlabel, xlim=limits, ylim=(len(samples) - 0.5, -0.5))


def draw_heat(ax, matrix, *, x=None, y=None, xlabel="step", ylabel="layer", label, limits=None, diverging=False):
    """Draw a matrix (rows, columns) as an image with a colour bar; row 0 at the bottom.

    x, y: (first, last) of the columns and rows, in the units of the axes; else columns count from 0, as steps do, and
    rows from 1, as layers do. limits: (low, high) of the colours.
    """
    matrix = np.ma.masked_invalid(np.asarray(matrix, dtype=float))
    (x0, x1), (y0, y1) = x or (0, matrix.shape[1] - 1), y or (1, matrix.shape[0])
    half_x = (x1 - x0) / max(matrix.shape[1] - 1, 1) / 2 or 0.5
    half_y = (y1 - y0) / max(matrix.shape[0] - 1, 1) / 2 or 0.5
    low, high = limits or (matrix.min(), matrix.max())
    image = ax.imshow(
        matrix, origin="lower", aspect="auto", interpolation="nearest", vmin=low, vmax=high,
        extent=(x0 - half_x, x1 + half_x, y0 - half_y, y1 + half_y),
        cmap=style.DIVERGING if diverging else style.SEQUENTIAL,
    )  # fmt: skip
    ax.grid(visible=False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.figure.colorbar(image, ax=ax, label=label, pad=0.02)
    return image


def draw_function(axes, z, value, slope, density, *, name):
    """Draw an activation above and its slope below, with the density of the pre-activations behind the slope.

    axes: two. z, value, slope, density: (points,); the density is drawn in its own height, filled.
    """
    above, below = axes
    z = np.asarray(z, dtype=float)
    above.plot(z, value, color=style.MEASURED, label=name)
    above.set(ylabel="value φ(z)", ylim=(-1.1, 1.1), xlim=(z[0], z[-1]), title="The activation")
    below.fill_between(z, 0, density, color=style.ORANGE, alpha=0.35, linewidth=0, label="where the z of a layer lie")
    below.plot(z, slope, color=style.ALARM, label="slope φ′(z)")
    top = 1.8 if is_narrow(below) else 1.08  # there the legend stands above the peak, since it reaches as far
    below.set(xlabel="pre-activation z", ylabel="slope φ′(z)", ylim=(0, top), xlim=(z[0], z[-1]), title="Its slope")
    for ax in axes:
        ax.legend(loc="upper left", frameon=ax is below)  # in a box: the density may reach it


def draw_histograms(ax, samples, *, bins=60, xlabel, same="area"):
    """Draw several samples as outlined histograms, all of the same "area" or "height" (1).

    samples: name -> values of any shape; bins: edges, or their number between the smallest and the largest value of all.
    """
    if np.ndim(bins) == 0:
        bins = np.histogram_bin_edges(np.concatenate([np.ravel(np.asarray(values)) for values in samples.values()]), bins)
    for i, (name, values) in enumerate(samples.items()):
        heights, edges = np.histogram(np.asarray(values, dtype=float).ravel(), bins=np.asarray(bins), density=same == "area")
        heights = heights / max(heights.max(), 1) if same == "height" else heights
        # Not ax.stairs: its patch costs matplotlib ten times as much as a line of the same shape.
        ax.plot(edges, np.append(heights, 0), color=style.CYCLE[i], linestyle=style.DASHES[i], drawstyle="steps-post", label=name)
    ax.set(xlabel=xlabel, ylabel="density" if same == "area" else "share, of the fullest bin", ylim=(0, None))
    ax.legend(loc="best" if same == "area" else "upper right")


def draw_timeline(ax, events, year, lanes):
    """Draw events as marks in lanes over the years, and spell out those of the chosen year.

    events: (year, lane, text) tuples; lanes: the names of the rows, top first. Returns the caption.
    """
    for i, lane in enumerate(lanes):
        years = [event[0] for event in events if event[1] == lane]
        row = len(lanes) - i
        ax.plot(years, [row] * len(years), style.MARKERS[i], color=style.CYCLE[i], markersize=8, label=lane)
        chosen = [y for y in years if y == year]
        ax.plot(chosen, [row] * len(chosen), "o", color=style.BLACK, markersize=15, fillstyle="none", markeredgewidth=2)
    ax.axvline(year, color=style.GREY, linewidth=1, zorder=0)
    ax.set(xlim=(1967, 2028), ylim=(0.4, len(lanes) + 0.6), xlabel="year")
    ax.set_yticks(range(len(lanes), 0, -1), lanes)
    ax.grid(axis="y", visible=False)
    told = "; ".join(text for when, _, text in events if when == year)
    return f"{year}: {told.rstrip('.')}." if told else f"{year}: nothing of this story was published."
