"""A picture in words: the caption below it, cut into lines that fit; and its text alternative, built from what was drawn."""

import functools
import re

import matplotlib
import numpy as np
from matplotlib.font_manager import findfont
from PIL import ImageFont

LINE = 1.4  # from one line to the next, in units of the font size
_SHADES = re.compile(r"\b(dark|bright|white|black|pale)(er|est)?\b", re.IGNORECASE)
_FOOT, _SIDE = 0.8, 1.5  # from the lower edge to the last line, and from the left edge, in the same units


def font(dpi):
    """Return the Pillow font of captions at so many pixels an inch, in the matplotlib settings of the moment."""
    # Pillow's text: matplotlib takes 0.1 ms a letter, and the caption changes with every picture.
    return _load(matplotlib.rcParams["font.family"][0], matplotlib.rcParams["font.size"] * dpi / 72)


@functools.lru_cache
def _load(family, pixels):
    return ImageFont.truetype(findfont(family), pixels)


def wrap(caption, font, width):
    """Return the lines of a caption below a picture of `width` pixels."""
    width, words, lines = width - 2 * _SIDE * font.size, caption.split(), []
    if font.getlength(" ".join(words)) <= width:  # mostly; trying every word takes as long as drawing all curves
        return [" ".join(words)] if words else []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def place(lines, font, height):
    """Return (x, baseline, line) of each line below a picture of `height` pixels, in pixels from its upper left corner."""
    return [(_SIDE * font.size, height - (_FOOT + LINE * row) * font.size, line) for row, line in enumerate(reversed(lines))]


def describe(figure, caption=""):
    """Return what a matplotlib figure shows in a few plain sentences: titles, axes, each curve's numbers, the caption."""
    parts = [sentence for ax in figure.axes for sentence in _describe_axes(ax)]
    parts += [_sentence(_plain(text.get_text())) for text in figure.texts]
    return " ".join([*parts, caption]).strip() or "An empty picture."


def speaks_of_shades(figure, text):
    """Whether dark and bright mean something in a figure: it shows a map of colours, or its `text` speaks of a shade."""
    coloured = (artist for ax in figure.axes for artist in (*ax.images, *ax.collections))
    return any(artist.get_array() is not None for artist in coloured) or bool(_SHADES.search(text))


def _describe_axes(ax):
    title = " ".join(text for text in (ax.get_title(loc) for loc in ("left", "center", "right")) if text)
    if title:
        yield _sentence(_plain(title))
    axes = [
        f"{_plain(label) or 'axis'}{' (log scale)' if scale == 'log' else ''} {where} from {a:.4g} to {b:.4g}"
        for label, scale, (a, b), where in (
            (ax.get_xlabel(), ax.get_xscale(), ax.get_xlim(), "across"),
            (ax.get_ylabel(), ax.get_yscale(), ax.get_ylim(), "upwards"),
        )
        if label or scale == "log"
    ]
    if axes:
        yield _sentence("; ".join(axes))
    curves = [line for line in ax.get_lines() if line.get_visible() and len(line.get_xdata()) > 0]
    labelled = [line for line in curves if not line.get_label().startswith("_")]
    if not ax.axison:  # a drawing: its lines are strokes without numbers, and what is written in it tells more
        written = [_plain(text.get_text()) for text in ax.texts if text.get_visible() and text.get_text()]
        if written:
            yield _sentence(f"A drawing, in which is written: {', '.join(written)}")
        curves = labelled
    for line in labelled or [line for line in curves if len(line.get_xdata()) > 2]:  # two points: an auxiliary line
        name = _plain(line.get_label()) if labelled else "A curve"
        yield _sentence(f"{name}: {_describe_values(line.get_ydata(orig=False))}")
    for bars in ax.containers:
        if getattr(bars, "datavalues", None) is not None and len(bars):
            name = "Bars" if bars.get_label().startswith("_") else _plain(bars.get_label())
            yield _sentence(f"{name}: {len(bars)} bars, {_describe_range(bars.datavalues)}")
    for image in ax.get_images() if ax.axison else ():
        values = np.ma.filled(np.ma.asarray(image.get_array(), dtype=float), np.nan)
        rows, columns = values.shape[:2]
        yield _sentence(f"An image of {rows} by {columns} values, {_describe_range(values)}")


def _describe_values(values):
    values = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan).ravel()
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return "no finite values"
    if np.all(finite == finite[0]):
        return f"{_number(finite[0])} throughout" if values.size > 1 else _number(finite[0])
    text = f"from {_number(finite[0])} to {_number(finite[-1])}"
    low, high = finite.min(), finite.max()
    if low < min(finite[0], finite[-1]):
        text += f", lowest {_number(low)}"
    if high > max(finite[0], finite[-1]):
        text += f", highest {_number(high)}"
    if finite.size < values.size:
        text += f", {values.size - finite.size} of {values.size} values not finite"
    return text


def _describe_range(values):
    values = np.asarray(values, dtype=float)
    finite = values[np.isfinite(values)]
    return f"between {_number(finite.min())} and {_number(finite.max())}" if finite.size else "none of them finite"


def _number(value):
    return f"{float(value):.3g}"


def _plain(text):
    """Return the text without the markup of mathematical notation."""
    return " ".join(text.replace("$", "").replace("\\", "").replace("{", "").replace("}", "").split())


def _sentence(text):
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
