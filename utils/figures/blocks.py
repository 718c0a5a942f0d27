"""Nets with a way past each layer as a textbook draws them: one block with its wires, and a whole net as a road."""

import matplotlib
import numpy as np

from utils.figures import style
from utils.figures.ink import fade, ink, readable, room
from utils.figures.narrow import is_narrow

_DRAWN = 12  # blocks that are drawn of a long net
_ROAD, _BRANCH = 0.3, 0.72  # where the ways through a block run, as shares of the height
_THIN, _WIDE = 0.8, 9.0  # points: of a wire that carries next to nothing, and the widest


def draw_block(ax, x, branch, out, *, parts=("φ", "W₁", "φ", "W₂"), after=None, carry=1.0, scale=1.0, title=None):
    """Draw one residual block, carry x + scale F(x), with wires as thick as the size of what they carry.

    x, branch, out: mean squares of what comes in, of F(x), and of what goes out. parts: what F is made of, in order.
    after: what stands on the road behind the sum, such as a norm, or None. carry, scale: of road and branch; a factor of 1 is
    not drawn. Returns the caption: the three mean squares.
    """
    x, branch, out = (float(square) for square in (x, branch, out))
    width, height = room(ax)
    ax.set(xlim=(0, width), ylim=(0, height))  # in units of the font size, so that words have the room they need
    ax.set_axis_off()
    road, high = _ROAD * height, _BRANCH * height
    start, fork, join, end = 0.9, 0.15 * width, (0.84 if after is None else 0.7) * width, width - 0.9
    thick = [float(np.clip(3.5 * np.sqrt(max(square, 0) / x), _THIN, _WIDE)) for square in (x, branch, out)]
    passed = [float(np.clip(3.5 * np.sqrt(max(square, 0) / x), _THIN, _WIDE)) for square in (carry**2 * x, scale**2 * branch)]
    _wire(ax, [(start, road), (fork, road)], thick[0])
    _wire(ax, [(fork, road), (join, road)], passed[0], dash=":" if carry == 0 else "-")
    _wire(ax, [(join, road), (end, road)], thick[2])
    scaled = scale != 1
    stops = np.linspace(fork, join, len(parts) + 2 + scaled)[1:-1]
    last = stops[len(parts) - 1]
    sized = stops[0] if parts[0] == "norm" else last  # from here on the branch has its own size
    _wire(ax, [(fork, road), (fork, high), (sized, high)], thick[0], colour=style.GREY)
    _wire(ax, [(sized, high), (last, high)], thick[1], colour=style.GREY)
    _wire(ax, [(last, high), (stops[-1] if scaled else join, high)], thick[1], colour=style.ALARM)
    if scaled:
        _wire(ax, [(stops[-1], high), (join, high)], passed[1], colour=style.ALARM)
        _knot(ax, stops[-1], high, f"× {_short(scale)}", style.ALARM)
    _wire(ax, [(join, high), (join, road)], passed[1], colour=style.ALARM)
    for place, part in zip(stops, parts):
        _box(ax, place, high, part)
    if carry != 1:
        _knot(ax, (fork + join) / 2, road, f"× {_short(carry)}", style.BLUE)
    _knot(ax, join, road, "+", style.BLACK)
    if after is not None:
        _box(ax, (join + end) / 2 - 0.2, road, after)
    ax.plot([end], [road], ">", color=style.BLUE, markersize=6 + thick[2], clip_on=False)
    for place, word, square in ((start, "in", x), (end, "out", out)):
        side = "left" if word == "in" else "right"
        ax.text(place, 0.06 * height, f"{word}: {_say(square)}", ha=side, va="bottom", color=style.BLUE)
    ax.text((fork + join) / 2, 0.99 * height, f"F(x): {_say(branch)}", ha="center", va="top", color=style.ALARM)
    if title:
        ax.set_title(title)
    return f"Mean squares: in {_say(x)}, branch {_say(branch)}, out {_say(out)}."


def draw_norm(ax, place, before, after):
    """Draw a block with a norm, "pre-norm" or "post-norm"; before, after: mean squares on the road. Returns the caption.

    What comes out of F has a mean square of 1, as with He's weights and an input of 1.
    """
    first = place == "pre-norm"
    return draw_block(ax, before, 1.0, after, parts=("norm", "F") if first else ("F",), after=None if first else "norm",
                      title=f"{place}: the last block")  # fmt: skip


def draw_roads(ax, gradient, alike, skips=()):
    """Draw nets as roads from the input to the loss, in ink and thickness of the gradient there; below, how alike inputs look.

    gradient: name -> (blocks + 1,), what is left of the loss's gradient in front of each block, and behind the last.
    alike: name -> (blocks + 1,), the mean cosine of two different inputs there; its ink fades to white at 1. skips: names of
    the nets whose blocks stand beside the road, and not on it. Of a long net twelve blocks are drawn. Returns the caption.
    """
    names = list(gradient)
    narrow = is_narrow(ax)  # then the legend stands below, since a name fills its line
    ax.set(xlim=(-0.16, 1.14), ylim=(len(names) + 0.15 * narrow, 0))
    ax.set_axis_off()
    size = matplotlib.rcParams["font.size"]
    for row, name in enumerate(names):
        shares = np.asarray(gradient[name], dtype=float)
        shares, cosines = shares / shares[-1], np.asarray(alike[name], dtype=float)
        x, road = np.linspace(0, 1, len(shares)), row + 0.47
        widths = np.clip(1 + 0.9 * (np.log10(np.clip(shares, 1e-12, 1e3)) + 10), 1, 12)
        for left, right, share, width in zip(x, x[1:], shares, widths):
            ax.plot([left, right + 0.002], [road, road], color=ink([share])[0] if share > 1e-9 else style.INK[1], linewidth=width,
                    solid_capstyle="butt", zorder=1)  # fmt: skip
        _draw_boxes(ax, len(shares) - 1, road, name in skips)
        ax.imshow(fade(1 - cosines)[None], extent=(0, 1, row + 0.9, row + 0.74), aspect="auto", interpolation="nearest")
        ax.plot([0, 1, 1, 0, 0], row + np.array([0.74, 0.74, 0.9, 0.9, 0.74]), color=style.GREY, linewidth=0.6)
        ax.text(0, row if narrow else row + 0.06, name, va="center", weight="bold")
        for place, share, side in ((-0.012, shares[0], "right"), (1.012, 1.0, "left")):
            ax.text(place, road, _say(share), ha=side, va="center", color=style.BLUE)
        for place, cosine, side in ((-0.012, cosines[0], "right"), (1.012, cosines[-1], "left")):
            ax.text(place, row + 0.82, f"{cosine:.2f}", ha=side, va="center")
    # A lecture's letters leave less room beside the name.
    legend = "← gradient; below: cosine of inputs" if style.in_lecture() else "← gradient, and below it the cosine of two inputs"
    ax.text(1, len(names) + 0.1 if narrow else 0.06, legend, ha="right", va="center", fontsize=0.9 * size, color=style.GREY)
    most = max(map(len, gradient.values())) - 1
    more = f" {_DRAWN} of {most} blocks are drawn." if most > _DRAWN else ""
    return f"The road thins and fades with every power of ten of the gradient; where the strip is white, all inputs look the same.{more}"


def _draw_boxes(ax, blocks, road, beside):
    """Draw blocks on a road, or beside it with a wire there and back; at most twelve."""
    count = min(blocks, _DRAWN)
    centres, half = (np.arange(count) + 0.5) / count, 0.22 / count
    for centre in centres:
        y = road - 0.22 if beside else road
        if beside:
            wire = [centre - 1.6 * half, centre - half, centre + half, centre + 1.6 * half]
            ax.plot(wire, [road, y, y, road], color=style.GREY, linewidth=1.2, zorder=2)
        ax.fill_between([centre - half, centre + half], y - 0.1, y + 0.1, facecolor="white", edgecolor=style.BLACK, linewidth=1.2,
                        zorder=3)  # fmt: skip
        ax.text(centre, y, "F", ha="center", va="center", fontsize="small", zorder=4)


def draw_paths(ax, blocks=3, factor=1.0):
    """Draw every path of a small residual net as a row of blocks, gone through (filled) or around (open), sorted by length.

    factor: what a passage through a branch multiplies by; a row's bar is factor ** (blocks gone through). Returns the caption.
    """
    ways = sorted((f"{number:0{blocks}b}" for number in range(2**blocks)), key=lambda way: (way.count("1"), way[::-1]))
    ax.set(xlim=(-0.2, blocks + 3.2), ylim=(len(ways) - 0.3, -0.9))
    ax.set_axis_off()
    for row, way in enumerate(ways):
        ax.plot([0, blocks + 0.2], [row, row], color=style.BLUE, linewidth=1.5, zorder=1)
        for block, step in enumerate(way):
            if step == "1":
                ax.fill_between([block + 0.2, block + 0.9], row - 0.33, row + 0.33, facecolor=style.ALARM, zorder=2)
                ax.text(block + 0.55, row, f"F{chr(0x2081 + block)}", ha="center", va="center", color=readable((0.8, 0.3, 0)), zorder=3)
        length = way.count("1")
        ax.fill_between([blocks + 0.4, blocks + 0.4 + 2 * factor**length], row - 0.25, row + 0.25, color=style.GREY)
        ax.text(blocks + 0.5 + 2 * factor**length, row, _short(factor**length), va="center", fontsize="small")
    return f"{len(ways)} paths; one that goes through k blocks carries {_short(factor)} to the power of k."


def _wire(ax, points, width, colour=style.BLUE, dash="-"):
    ax.plot(*np.transpose(points), color=colour, linewidth=width, linestyle=dash, solid_joinstyle="miter", zorder=1)


def _box(ax, x, y, word):
    ax.text(x, y, word, ha="center", va="center", zorder=4,
            bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": style.BLACK, "linewidth": 1.2})  # fmt: skip


def _knot(ax, x, y, word, colour):
    ax.text(x, y, word, ha="center", va="center", zorder=5, color=colour, weight="bold",
            bbox={"boxstyle": "round,pad=0.35,rounding_size=0.8", "facecolor": "white", "edgecolor": colour, "linewidth": 1.4})  # fmt: skip


def _short(number):
    return f"{number:.3g}"


def _say(number):
    return f"{number:.2f}" if 0.01 <= number < 10 else f"{number:.3g}" if 10 <= number < 1000 else f"{number:.0e}"
