"""Inputs, or the positions of a sequence, that the layers have made all alike."""

import math

from .finding import Remedy, found, where

# Where what tells inputs (or the positions of a sequence) apart is a thousandth of the signal, so is its share of the
# gradient: see VANISHED in through_depth. Thirty ReLU layers with He's weights leave 0.17 to 0.39 (eight seeds).
ALIKE = 1e-3

# Outputs alone may well begin alike: small weights before a sigmoid or a softmax make all of them 1/2 or 1/n, and small
# weights beside a bias the bias. If what the readout takes tells the samples apart, so does its gradient, and the first
# steps undo it: with Adam and its kin whatever the size of what it takes, by plain gradient descent unless it moves the
# weights a thousand times less than the bias: dC/dW is delta times what it takes, dC/db is delta.


def find(exam):
    """Yield "collapsed" by the positions of a sequence, else by the outputs of different samples."""
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


def _is_read(exam):
    """Whether the readout can tell samples apart by what it takes, though its outputs do not yet."""
    by_sign = exam.optimizer is not None and exam.optimizer.by_sign
    return exam.read_alike > ALIKE and (by_sign or exam.read_alike * exam.read_rms > ALIKE)


def prescribe(finding, exam, model):
    """Skip connections, which keep the inputs apart; unless the first weights are 0."""
    first = f"{exam.layers[0].name}.weight"
    if first in exam.closed:
        return Remedy(f"draw {first} at random: it is 0 throughout, so that nothing of the input passes", "4")
    return Remedy("skip connections around every layer keep the inputs, and the positions of a sequence, apart; without them, "
                  "weights of a gain of 1 a layer", "4, 5, 6")
