"""Inputs, or the positions of a sequence, that the layers have made all alike."""

import math

from torch import nn

from ..examination import module_of
from .finding import Remedy, found, remark, where
from .weights import draw_if_off, exchange, hidden_kind

# Where what tells inputs (or the positions of a sequence) apart is a thousandth of the signal, so is its share of the
# gradient: see VANISHED in through_depth. Thirty ReLU layers with He's weights leave 0.17 to 0.39 (eight seeds).
ALIKE = 1e-3

# Outputs alone may well begin alike: small weights before a sigmoid or a softmax make all of them 1/2 or 1/n, and small
# weights beside a bias the bias. If what the readout takes tells the samples apart, so does its gradient, and the first
# steps undo it: with Adam and its kin whatever the size of what it takes, by plain gradient descent unless it moves the
# weights a thousand times less than the bias: dC/dW is delta times what it takes, dC/db is delta.


def find(exam):
    """Yield "collapsed" by a norm over a single value, by the positions of a sequence, else by the outputs of different samples.

    A remark where something else, such as a skip around the norm, still tells the samples apart.
    """
    if exam.erasing:
        yield _erased(exam)
        return
    layers = [layer for layer in exam.layers if layer.apart < ALIKE]
    first = next((layer.apart for layer in exam.layers if math.isfinite(layer.apart)), math.nan)
    if layers and first > ALIKE:
        least = min(layer.apart for layer in layers)
        yield found("collapsed", layers, f"the positions of a sequence differ by {first:.1e} of their size at first and by "
                    f"{least:.1e} in {where(layers)}: the layers have made them all alike", alike=least)
    elif exam.alike < ALIKE and len(exam.layers) > 1 and not _is_read(exam) and f"{exam.layers[-1].name}.weight" not in exam.closed:
        # Not of a single layer, in which nothing can be lost on the way, nor of a readout that begins at 0.
        yield found("collapsed", exam.layers[-1:], f"the outputs of different samples differ by {exam.alike:.1e} of their "
                    "size: the model answers every input alike", alike=exam.alike)


def _erased(exam):
    """The finding of norms over a single value, whose difference from its mean is 0, and so is its slope."""
    names = ", ".join(exam.erasing)
    many = len(exam.erasing) > 1
    before = [layer for layer in exam.layers if layer.name in exam.erasing.values()]
    told = (f"the norm{'s' if many else ''} {names} take{'' if many else 's'} the mean over a single value, which is that value: "
            "what comes out is the same for every input")
    if exam.alike < ALIKE:
        return found("collapsed", before or exam.layers[:1], f"{told}, and the outputs of different samples differ by "
                    f"{exam.alike:.1e} of their size", norms=len(exam.erasing), alike=exam.alike)
    if not any(layer.weight_gradient_norm > 0 for layer in exam.layers):
        return found("collapsed", before or exam.layers[:1], f"{told}, and no gradient passes", norms=len(exam.erasing))
    return remark("collapsed", before or exam.layers[:1], f"{told}; other ways around {'them' if many else 'it'} "
                  "still tell inputs apart", norms=len(exam.erasing))


def _is_read(exam):
    """Whether the readout can tell samples apart by what it takes, though its outputs do not yet."""
    by_sign = exam.optimizer is not None and exam.optimizer.by_sign
    return exam.read_alike > ALIKE and (by_sign or exam.read_alike * exam.read_rms > ALIKE)


def prescribe(finding, exam, model):
    """By its cause: a norm over one value, weights of 0, small weights; else depth itself."""
    if "norms" in finding.evidence:
        return _without(list(exam.erasing), model)
    first = f"{exam.layers[0].name}.weight"
    if first in exam.closed:
        return Remedy(f"draw {first} at random, nn.init.kaiming_normal_(layer.weight): it is 0 throughout, so that nothing of the "
                      "input passes", "4")
    return draw_if_off(hidden_kind(finding, exam)[0], exam, model, too_large=False) or Remedy(
        "skip connections around every layer, x = x + layer(x), keep the inputs, and the positions of a sequence, apart; without "
        "them, weights of a gain of 1 a layer", "4, 5, 6")


def _without(names, model):
    """Take norms over a single value away: with more than one they may come back."""
    kinds = {type(module_of(model, name)) for name in names}
    wider = ("fewer groups than channels, nn.GroupNorm(1, channels)" if nn.GroupNorm in kinds else
             "put it where there are several features, nn.LayerNorm(features)")
    return Remedy(f"leave {', '.join(names)} out, or let it take its mean over more: {wider}", "5",
                  exchange(names, lambda _: nn.Identity()) if all(names) else None)
