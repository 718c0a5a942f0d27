"""What a disease tells: the finding or the remark, its remedy, and where it sits, in words."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import nn


@dataclass
class Finding:
    """One disease, or a remark: what is worth knowing and no disease. kind: its name in `FAMILIES`. layers: names of the layers it sits in, and `where` says so in words.

    sentence: the evidence in words; evidence: name -> number, what the sentence is made of. remedy, chapter, change: what
    to do about it in this model, as in `Remedy`, which the registry fills in; a remark may have none.
    """

    kind: str
    layers: tuple[str, ...] = field(repr=False)  # they may be hundreds, and `where` tells
    where: str
    sentence: str
    evidence: dict[str, float]
    remedy: str = ""
    chapter: str = ""
    change: Callable[[nn.Module], None] | None = field(default=None, repr=False)
    is_remark: bool = False


class Remedy(NamedTuple):
    """sentence: what to change, where; chapter: which explain it; change: function that does it to a model, or None."""

    sentence: str
    chapter: str
    change: Callable[[nn.Module], None] | None = None


def found(kind, layers, sentence, /, **evidence):
    """A `Finding` of this kind in these layers of an examination. evidence: the numbers in its sentence, by name."""
    return Finding(kind, tuple(layer.name for layer in layers), where(layers), sentence, evidence)


def remark(kind, layers, sentence, /, **evidence):
    """The same as a remark, which leaves a model healthy; `prescribe` may return None for it."""
    finding = found(kind, layers, sentence, **evidence)
    finding.is_remark = True
    return finding


def where(layers):
    """Layers in a sentence, by number and name: "layer 1 (conv1)", "layers 1-5 (0 to 8)", "layers 1, 4 (a, b)"."""
    numbers, names = [layer.number for layer in layers], [layer.name for layer in layers]
    if len(layers) == 1:
        return f"layer {numbers[0]} ({names[0]})"
    if numbers == list(range(numbers[0], numbers[-1] + 1)) and len(layers) > 2:
        return f"layers {numbers[0]}-{numbers[-1]} ({names[0]} to {names[-1]})"
    told = [", ".join(map(str, some)) if len(some) < 6 else f"{some[0]}, {some[1]}, ... {some[-1]}" for some in (numbers, names)]
    return f"layers {told[0]} ({told[1]})"


def times(share):
    """A factor in a sentence: "0.02 times", "1.6e-07 times"."""
    return f"{share:.1e} times" if share < 0.01 or share > 1000 else f"{share:.3g} times"
