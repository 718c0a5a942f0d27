"""The sentence below a picture: cut into lines that fit, and where each of them stands."""

import functools

import matplotlib
from matplotlib.font_manager import findfont
from PIL import ImageFont

from utils.figures import style

LINE = 1.4  # from one line to the next, in units of the font size
_FOOT, _SIDE = 0.8, 1.5  # from the lower edge to the last line, and from the left edge, in the same units


def font():
    """Return the Pillow font of captions, in the matplotlib settings of the moment."""
    # Pillow's text: matplotlib takes 0.1 ms a letter, and the caption changes with every picture.
    return _load(matplotlib.rcParams["font.family"][0], matplotlib.rcParams["font.size"] * style.DPI / 72)


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
