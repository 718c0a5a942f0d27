"""Pictures of a report, of a trial and of a log, by plain matplotlib, each with its numbers in words."""

import io
import math
import textwrap
from base64 import b64encode
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from .diseases.through_depth import EXPLODED, VANISHED

# Okabe & Ito's palette, darkened to a contrast of 3:1 on white, with colours that stay apart for colour-blind eyes. It is
# the course's own, and a test holds the two equal; it stands here again because this package also runs without the course.
MEASURED, ALARM, HEALTHY, PURPLE, ORANGE, BLACK, GREY = "#0072B2", "#D55E00", "#009E73", "#93799A", "#BA8B4B", "#1A1A1A", "#504C4C"
COLOURS = (MEASURED, ALARM, HEALTHY, PURPLE, ORANGE, BLACK, GREY)
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))  # colour never carries a meaning alone
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
COLOUR_MAP = "cividis"  # perceptually even, and the same to a colour-blind reader

SIZE, DPI = (9.0, 3.8), 100  # inches; pixels per inch
TEXT, SMALL, TITLE = 10.5, 9.5, 11.5  # points
CAPTION = 110  # letters in a line
LAYER = "layer (1 is next to the input)"
DELTA = "gradient norm ‖∂C/∂z‖"
UPDATES = (-6, 0)  # the colours' range of log10 of an update ratio: from a millionth of a weight's size to all of it


@dataclass
class Picture:
    """A matplotlib figure, and `alt`: what it shows in words. A notebook shows the figure, with the words for who cannot see it."""

    figure: Figure
    alt: str

    def png(self):
        """The figure as PNG bytes."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png")
        return buffer.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"image/png": b64encode(self.png()).decode(), "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


def draw_report(findings, exam):
    """The `Picture` of a report: gradients by layer beside dead and saturated units, or a recurrent layer's memory."""
    figure, (left, right) = _open(2)
    _draw_gradients(left, findings, exam)
    memories = {layer.name: layer.through_time.tolist() for layer in exam.layers if layer.through_time is not None}
    if memories:
        for i, (name, memory) in enumerate(memories.items()):
            right.plot(range(1, len(memory) + 1), _positive(memory), color=COLOURS[i % len(COLOURS)],
                       linestyle=DASHES[i % len(DASHES)], linewidth=2, label=name)
        _set_log_limits(right, [norm for memory in memories.values() for norm in memory], decades=2)
        _label(right, "Memory: what the last step hears", "step", "‖∂h_last/∂x_step‖")
    else:
        at = range(1, len(exam.layers) + 1)
        for name, look in (("saturated", {"color": PURPLE, "marker": "s"}), ("dead", {"color": BLACK, "marker": "v"})):
            right.plot(at, [getattr(layer, name) for layer in exam.layers], linewidth=1, markersize=5.5, label=name, **look)
        right.set(ylim=(-0.03, 1.03), xlim=(0, len(exam.layers) + 1))
        _label(right, "Saturated and dead units", LAYER, "share of the units")
    kinds = ", ".join(finding.kind for finding in findings) or "healthy"
    return _close(figure, f"Found: {kinds}. The shaded band is healthy: from {VANISHED:g} to {EXPLODED:g} times the last layer's.")


def _draw_gradients(ax, findings, exam):
    norms = [layer.delta_norm for layer in exam.layers]
    finding = next((f for f in findings if "in time" not in f.kind and "step" not in f.kind), None)
    sick = [i for i, layer in enumerate(exam.layers) if finding and layer.name in finding.layers]
    last = next((norm for norm in reversed(norms) if 0 < norm < math.inf), 1.0)
    band = [last * VANISHED, last * EXPLODED]
    shown = _positive(norms)
    ax.axhspan(*band, color=HEALTHY, alpha=0.12, linewidth=0)
    ax.plot(range(1, len(norms) + 1), shown, "o-", color=MEASURED, linewidth=1, markersize=5.5, label="gradient norm")
    if sick:
        ax.plot([i + 1 for i in sick], shown[sick], "X", color=ALARM, markersize=9, label=finding.kind)
    _set_log_limits(ax, [*norms, *band], decades=2)
    ax.set_xlim(0, len(norms) + 1)
    _label(ax, "Gradient by layer", LAYER, DELTA)


def draw_trial(before, after):
    """The `Picture` of a trial: the gradients by layer of two `Examination`s, before and after a remedy."""
    curves = {name: [layer.delta_norm for layer in exam.layers] for name, exam in (("before", before), ("after", after))}
    figure, (ax,) = _open(1)
    for (name, norms), colour, dash, marker in zip(curves.items(), COLOURS, DASHES, MARKERS):
        ax.plot(range(1, len(norms) + 1), _positive(norms), color=colour, linestyle=dash, marker=marker, linewidth=2,
                markersize=5.5, label=name)
    _set_log_limits(ax, [norm for norms in curves.values() for norm in norms])
    _label(ax, "Gradient by layer, before and after the remedy", LAYER, DELTA)
    return _close(figure)


def draw_log(log, caption):
    """The `Picture` of a `Log`: gradient norms and update ratios, each an image with layers upwards and steps across."""
    figure, axes = _open(2)
    for ax, values, label, title, limits in (
        (axes[0], log.weight_gradient_norm, "log10 of ‖∂C/∂W‖", "Gradient norm", None),
        (axes[1], log.update_ratio, "log10 of ‖ΔW‖ / ‖W‖", "Update / weight (-3 is healthy)", UPDATES),
    ):
        exponents = np.log10(_positive(values.tolist())).T
        if not limits and np.isfinite(exponents).any():  # whole powers of ten
            limits = np.floor(np.nanmin(exponents)), np.floor(np.nanmax(exponents)) + 1
        low, high = limits or (0, 1)
        first, last = log.steps[0].item(), log.steps[-1].item()
        half = (last - first) / max(len(log.steps) - 1, 1) / 2 or 0.5  # of a pixel, whose middle is its step
        image = ax.imshow(exponents, origin="lower", aspect="auto", interpolation="nearest", cmap=COLOUR_MAP, vmin=low,
                          vmax=high, extent=(first - half, last + half, 0.5, len(log.names) + 0.5))
        figure.colorbar(image, ax=ax, pad=0.02).set_label(label, size=TEXT)
        _label(ax, title, "step", LAYER)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))  # there is no layer 1.25
        ax.grid(visible=False)
    return _close(figure, caption)


def _open(columns):
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained", facecolor="white")
    return figure, figure.subplots(1, columns, squeeze=False)[0]


def _label(ax, title, xlabel, ylabel):
    # By hand and not by rcParams: these belong to the process, and in a notebook widgets draw in another thread.
    ax.set_title(title, loc="left", fontsize=TITLE, fontweight="bold")
    ax.set_xlabel(xlabel, fontsize=TEXT)
    ax.set_ylabel(ylabel, fontsize=TEXT)
    ax.tick_params(labelsize=SMALL)
    ax.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["bottom", "left"]].set_color(GREY)
    ax.set_axisbelow(True)
    ax.grid(color="#E3E3E3", linewidth=0.8)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="best", frameon=False, fontsize=SMALL)


def _close(figure, caption=""):
    if caption:
        figure.supxlabel(textwrap.fill(caption, CAPTION), x=0.015, ha="left", fontsize=TEXT)
    return Picture(figure, " ".join([*(sentence for ax in figure.axes for sentence in _describe(ax)), caption]).strip())


def _describe(ax):
    """Yield sentences: the title, the axes, each curve or image with its numbers. A colour bar has no title, and is passed over."""
    if not (title := ax.get_title("left")):
        return
    yield f"{title}."
    sides = ((ax.get_xlabel(), "across", ax.get_xlim(), ""),
             (ax.get_ylabel(), "upwards", ax.get_ylim(), " (log scale)" if ax.get_yscale() == "log" else ""))
    told = "; ".join(f"{label}{scale} {where} from {low:.4g} to {high:.4g}" for label, where, (low, high), scale in sides)
    yield f"{told[0].upper()}{told[1:]}."
    for line in ax.get_lines():
        name, values = line.get_label(), np.asarray(line.get_ydata(), dtype=float)
        yield f"{name[0].upper()}{name[1:]}: {_describe_values(values)}."
    for image in ax.get_images():
        values = np.ma.filled(image.get_array().astype(float), np.nan)
        known = values[np.isfinite(values)]
        span = f"between {known.min():.3g} and {known.max():.3g}" if len(known) else "none of them finite"
        yield f"An image of {values.shape[0]} by {values.shape[1]} values, {span}."


def _describe_values(values):
    known = values[np.isfinite(values)]
    if not len(known):
        return "no finite values"
    low, high = known.min(), known.max()
    if low == high:
        return f"{low:.3g} throughout"
    ends = sorted((known[0], known[-1]))
    text = f"from {known[0]:.3g} to {known[-1]:.3g}"
    text += (f", lowest {low:.3g}" if low < ends[0] else "") + (f", highest {high:.3g}" if high > ends[1] else "")
    return text + (f", {len(values) - len(known)} of {len(values)} values not finite" if len(known) < len(values) else "")


def _positive(values):
    """An array of what a log axis can show; the rest becomes a gap."""
    values = np.array(values, dtype=float)
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def _set_log_limits(ax, values, decades=1):
    """Make the y axis logarithmic, from and to whole multiples of `decades` that hold all positive finite values."""
    ax.set_yscale("log")
    known = [value for value in values if 0 < value < math.inf] or [1.0]
    low = decades * math.floor(math.log10(min(known)) / decades)
    high = max(decades * math.ceil(math.log10(max(known)) / decades), low + decades)
    # matplotlib's own arithmetic on the exponents overflows near the ends of float64
    ax.set_ylim(*(10.0 ** min(max(exponent, -250), 250) for exponent in (low, high)))
    ax.yaxis.set_major_locator(LogLocator(base=10, numticks=8))
    ax.yaxis.set_minor_locator(NullLocator())
