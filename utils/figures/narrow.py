"""Pictures for a phone: the panels below one another, as wide as the screen, and words in as many lines as they need.

What draws looks at the room that its axes have (`ink.room`), or, where that is not enough, asks `is_narrow`.
"""

import textwrap

import numpy as np
from matplotlib.text import Annotation
from matplotlib.transforms import Affine2D

from utils.figures import words
from utils.figures.margins import NO_EXTRA, PADS, em, set_margins

WIDTH = 4.4  # inches; a screen of 390 pixels shows them at 0.8 of their size
DPI = 150  # a phone has two or three pixels where a desk's screen has one
LINES = 2  # of a caption, at least: so that the panels do not tremble while it grows and shrinks
_LEAST = 2.5  # inches: panels that were narrower than this in the wide picture stay side by side, two in a row
_AIR = 3  # pixels between words and the edge
_SHARE, _MORE = 0.9, 0.5  # of the height of a panel, since it is narrower; and inches for the further lines of the caption


def stack(panels, size):
    """Return (grid, size) of a narrow picture: how the panels of a wide one are laid out, (rows, columns), and its inches."""
    rows, columns = panels
    width, height = size
    together = 1 if rows * columns == 1 or width / columns >= _LEAST else 2
    grid = -(-rows * columns // together), together
    return grid, (WIDTH, grid[0] * height / rows * _SHARE + _MORE)


def is_narrow(ax):
    """Whether axes belong to a narrow picture."""
    return ax.figure.get_figwidth() <= WIDTH


def fit_words(figure, grid, renderer, lines):
    """Break titles and labels that are longer than their axes; return the margins needed for them, beyond the usual pads.

    lines: of the caption. Drawings, which have no labels beside them, get the room of these.
    """
    wide, high = em(figure)
    extra = dict(NO_EXTRA)
    if not any(ax.axison for ax in figure.axes):
        extra["left"] = (PADS["right"] - PADS["left"]) * wide
    set_margins(figure, grid, renderer, extra, lines)
    titles = [(text, ax.bbox.width) for ax in figure.axes for text in (ax.title, ax._left_title, ax._right_title)]
    labels = [(label, length) for ax in figure.axes
              for label, length in ((ax.xaxis.label, ax.bbox.width), (ax.yaxis.label, ax.bbox.height))]  # fmt: skip
    for text, length in titles + labels:
        box = text.get_window_extent(renderer)
        _wrap(text, max(box.width, box.height), length)  # one line: its length is the longer side
    for ax in figure.axes:
        _thin_out(ax, renderer)
    extra["top"] = max(text.get_text().count("\n") for text, _ in titles) * words.LINE * high
    return extra


def repeat_labels(axes):
    """Give panels that have left their numbers or names to the panel beside them these, and its label: now it stands above.

    axes: (columns,) or (rows, columns), in the shape of the wide picture.
    """
    for first, *others in np.atleast_2d(axes):
        names = [label.get_text() for label in first.get_yticklabels()]
        for ax in others:
            if any(names) and ax.axison and not any(label.get_text() for label in ax.get_yticklabels()):
                limits = ax.get_ylim()
                ax.set_yticks(first.get_yticks(), names)
                ax.set(ylim=limits, ylabel=ax.get_ylabel() or first.get_ylabel())


def keep_inside(figure, renderer):
    """Move words that would be cut at the left or right edge of the picture, as far as that takes."""
    for text in (text for ax in figure.axes for text in ax.texts if text.get_visible() and text.get_text()):
        box = text.get_window_extent(renderer)
        beyond = max(0, _AIR - box.x0) or min(0, figure.bbox.width - _AIR - box.x1)
        if beyond and isinstance(text, Annotation):  # its place is an offset in points
            text.xyann = text.xyann[0] + beyond * 72 / figure.dpi, text.xyann[1]
        elif beyond:
            text.set_transform(text.get_transform() + Affine2D().translate(beyond, 0))


def _thin_out(ax, renderer):
    """Hide each number or name of the x axis that would lie over the one before it."""
    taken = -np.inf
    low, high = sorted(ax.get_xlim())
    for label in ax.get_xticklabels() if ax.axison else ():
        if label.get_text() and low <= label.get_position()[0] <= high:
            box = label.get_window_extent(renderer)
            label.set_visible(box.x0 > taken)
            taken = max(taken, box.x1) if label.get_visible() else taken


def _wrap(text, length, room):
    """Break a text into lines if it is longer than the room, both in pixels. A formula cannot be broken."""
    said = text.get_text()
    if length > room and "$" not in said and "\n" not in said:
        text.set_text(textwrap.fill(said, max(int(len(said) * room / length), 1), break_long_words=False))
