"""What a picture is sent as: pixels as PNG, fast or small; and artists as an SVG that a page lays over their frame."""

import html
import io
import itertools
import struct
import zlib

import numpy as np
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.transforms import Affine2D
from PIL import Image

from utils.figures import style

_POINTS = 72  # an inch: the unit in which matplotlib writes SVG
_MOST = 60_000  # characters. Beyond it, pixels are faster for the browser


class _TooMuch(Exception):
    """These artists are better drawn as pixels."""


class _Buffer(io.StringIO):
    def write(self, text):
        if self.tell() > _MOST:
            raise _TooMuch
        return super().write(text)


class _Layer(RendererSVG):
    """matplotlib's SVG without what would reach beyond the picture, in a page that holds many of them."""

    def __init__(self, size, dpi, names):
        self.names = (f"{names}-{number}" for number in itertools.count())
        self.file = _Buffer()
        self.to_pixels = Affine2D().scale(dpi / _POINTS)
        super().__init__(*(inches * _POINTS for inches in size), self.file)

    def _write_metadata(self, metadata):
        pass

    def _write_default_style(self):
        pass  # it would style every element of the page

    def _make_id(self, type, content):
        return next(self.names)

    def open_group(self, s, gid=None):
        pass  # its names would be those of every other picture's groups

    def close_group(self, s):
        pass

    def draw_path(self, gc, path, transform, rgbFace=None):
        """Write a path; lines along the axes are drawn to whole pixels, sharp, as Agg does it."""
        width = gc.get_linewidth() * self.to_pixels.get_matrix()[0, 0]
        simplify = None if rgbFace is None else False  # None: as the path itself has it
        path = path.cleaned(transform + self.to_pixels, remove_nans=True, snap=gc.get_snap(), stroke_width=width,
                            simplify=simplify, curves=True)  # fmt: skip
        super().draw_path(gc, path, self.to_pixels.inverted(), rgbFace)

    def draw_image(self, gc, x, y, im, transform=None):
        raise _TooMuch


def write_svg(figure, artists, texts, names):
    """Return artists of a figure, in the order of drawing, and the texts of its caption, as one SVG element.

    Its units are the figure's pixels. texts: (x, baseline, width, height of the type, words) tuples, in pixels.
    names: what the names within the element begin with; no other element of the page may use it.
    Returns None where pixels are the better picture: for images, for thousands of points, and for what is `rasterized`.
    """
    if any(artist.get_rasterized() for artist in artists):  # whoever drew it knows that it is too much
        return None
    size, dpi = figure.get_size_inches(), figure.dpi
    width, height = (round(inches * dpi) for inches in size)
    layer = _Layer(size, dpi, names)
    figure.dpi = _POINTS
    try:
        for artist in artists:
            artist.draw(layer)
        layer.finalize()
    except _TooMuch:
        return None
    finally:
        figure.dpi = dpi
    written = layer.file.getvalue()
    inside = written[written.index(">", written.index("<svg")) + 1 :].rpartition("</svg>")[0]  # "" of an element without any
    data = f'<g transform="scale({dpi / _POINTS:.6f})" style="stroke-linejoin:round">{inside}</g>'
    # The page may lack the font that the words were measured with; it then squeezes its own to the same width.
    words = "".join(
        f'<text x="{x:.1f}" y="{y:.1f}" textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs" font-size="{type_size}"'
        f' fill="{style.BLACK}" font-family="DejaVu Sans, Verdana, sans-serif">{html.escape(line)}</text>'
        for x, y, length, type_size, line in texts
    )
    box = f'viewBox="0 0 {width} {height}" preserveAspectRatio="xMinYMid meet" style="grid-area:1/1; width:100%; height:auto"'
    return f'<svg class="picture-data" {box} aria-hidden="true">{data}{words}</svg>'


def encode_fast(pixels):
    """Return an array of shape (height, width, 3) as PNG bytes.

    A third of Pillow's time, which goes into choosing a filter for each line; here every line has filter 0, none.
    """
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def encode_small(image):
    """Return an image as PNG bytes, with as few colours as can be without a visible difference."""
    buffer = io.BytesIO()
    _fewest_colours(image).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _fewest_colours(image):
    pixels = np.asarray(image, dtype=int)
    for colours in (64, 128, 256):
        palette = image.quantize(colours, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
        # Of 255, at the worst pixel: the soft edge of a line a sixth too dark or too light
        if np.abs(np.asarray(palette.convert("RGB"), dtype=int) - pixels).max() <= 40:
            return palette
    return image
