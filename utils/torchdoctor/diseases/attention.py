"""Attention whose softmax is sharp before anything was learned, because its products are as large as they are long."""

import math

import torch

from .finding import Remedy, found, remark

# Products of d independent pairs have a deviation of sqrt(d), unless something divides them. Nets that look one of twelve
# pairs up in a single attention were trained with and without the division, 400 steps each (d = 32 to 512, two scales of
# weights, Adam and plain steps). With it the largest weight of a row is 0.15 to 0.38 on average, and all of them learn.
# Without it, those at 0.56 to 0.80 learn as well, of those at 0.84 to 0.93 some do and some stay at 60 to 90 % right, and at
# 0.95 and more hardly any gets there.
SHARP, SATURATED = 0.5, 0.95


def find(exam):
    """Yield "attention saturated" if nothing divides the products; a remark unless it is extreme, and known that nothing is learned."""
    sharp = _sharp(exam)
    learned = exam.constant.is_beaten_by(exam.loss)
    if not sharp or learned:  # a trained attention may well be sharp, and right
        return
    worst = max(sharp, key=lambda one: one.sharpness)
    names = {name.rpartition(".")[0] for one in sharp for name in (one.queries, one.keys)}
    layers = [layer for layer in exam.layers if layer.name in names]
    many = f"{len(sharp)} attentions" if len(sharp) > 1 else "an attention"
    tell = found if worst.sharpness > SATURATED and learned is False else remark
    yield tell("attention saturated", layers, f"nothing divides the products of queries and keys of {many}, each a sum of "
               f"{worst.size}: on average the softmax gives {worst.sharpness:.0%} of a row's weight to one of {worst.entries} "
               "entries, and the sharper a row, the less gradient comes through it",
               sharpness=worst.sharpness, entries=worst.entries, size=worst.size)


def _sharp(exam):
    return [one for one in exam.graph.attention if one.sharpness > SHARP and not one.is_scaled]


def prescribe(finding, exam, model):
    """Divide by sqrt(d): the same as dividing the queries' weights and biases, where these are a layer's own."""
    sharp = _sharp(exam)
    own = all(one.queries and one.queries != one.keys for one in sharp)
    sizes = {one.queries: one.size for one in sharp}
    divisors = ", ".join(f"sqrt({size}) = {math.sqrt(size):.3g}" for size in sorted({*sizes.values()}))

    @torch.no_grad()
    def change(model):
        for name, size in sizes.items():
            layer = model.get_submodule(name.rpartition(".")[0])
            for p in layer.parameters(recurse=False):
                p /= math.sqrt(size)

    return Remedy(f"divide the products of queries and keys by sqrt(d), here {divisors}, before the softmax", "not in this course",
                  change if own else None)
