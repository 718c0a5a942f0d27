"""A scene of the web edition: its states as files, which course.js loads."""

import gzip
import html
import io
import json
import re
from base64 import b64encode
from hashlib import sha256

from PIL import Image

from teaching.web import grid
from utils.figures import style
from utils.figures.layers import encode_small

_PRECISE = re.compile(r"(\d\.\d\d)\d+")  # a hundredth of a point is enough for a path
_PATHS = re.compile(r' (d|x|y|cx|cy|points)="[^"]*"')


class Scene:
    """A folder of states: `add` takes what a widget shows at a place of the grid, `close` writes the rest."""

    def __init__(self, folder, name, shape):
        self.folder, self.name, self.shape = folder / name, name, shape
        self.edges = grid.edges_of(shape)
        self.frames, self.blocks = {}, {}
        self.shades = False  # does dark or bright mean something in any of the states?
        self.folder.mkdir(parents=True)

    def add(self, place, canvas, pixels, svg, words):
        """Keep one state, which a canvas has drawn; `words` is its text alternative, or a list of it and more that is shown."""
        self.shades |= getattr(canvas, "shades", True)
        key = sha256(pixels).digest()
        if key not in self.frames:
            self.frames[key] = len(self.frames)
            small = encode_small(Image.open(io.BytesIO(pixels)).convert("RGB"))
            (self.folder / f"f{self.frames[key]}.png").write_bytes(small)
        number = grid.block_of(place, self.shape, self.edges)
        state = [self.frames[key], self._shortened(svg), *([words] if isinstance(words, str) else words)]
        self.blocks.setdefault(number, {})[",".join(map(str, place))] = state

    def _shortened(self, svg):
        """Return an SVG with coordinates of two decimals, and names that are the same in every build."""
        svg = _PATHS.sub(lambda match: _PRECISE.sub(r"\1", match[0]), svg)
        return re.sub(r"picture-[0-9a-f]{12}", self.name, svg)

    def close(self, key, canvas):
        """Write the blocks, and return what the page has to know of this scene."""
        for number, states in self.blocks.items():
            parts = {}  # what neighbours share, such as a curve that stays, is written once
            for state in states.values():
                state[1] = [parts.setdefault(part, len(parts)) for part in re.split("(?=<)", state[1]) if part]
            block = json.dumps({"parts": list(parts), "states": states}, separators=(",", ":"), ensure_ascii=False)
            packed = gzip.compress(block.encode(), mtime=0)
            call = f'courseStates("{key}/{self.name}",{number},"{b64encode(packed).decode()}")\n'
            (self.folder / f"b{number}.js").write_text(call, encoding="utf-8")
        width, height = (round(inches * style.DPI) for inches in canvas.size)  # as the page shows them, with however many pixels
        return {"scene": self.name, "shape": self.shape, "edges": self.edges, "width": width, "height": height,
                "shades": self.shades}  # fmt: skip


def shown_by(picture):
    """Return (pixels, SVG or "", words) of what a `Picture` sends to the browser."""
    data = picture.data.value
    svg = re.search(r"<svg.*</svg>", data, re.DOTALL)
    words = re.search(r'<div class="picture-words"[^>]*>(.*?)</div>', data, re.DOTALL)
    return bytes(picture.image.value), svg[0] if svg else "", html.unescape(words[1])
