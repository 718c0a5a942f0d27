"""Inputs, or the positions of a sequence, that the layers have made all alike."""

import math

from .finding import Remedy, found, where
from .weights import draw_if_off, hidden_kind, leave_norms_of_one

# Where what tells inputs (or the positions of a sequence) apart is a thousandth of the signal, so is its share of the
# gradient: see VANISHED in through_depth. Thirty ReLU layers with He's weights leave 0.17 to 0.39 (eight seeds).
ALIKE = 1e-3

# Samples that differ by less than this as they are given are that alike before any layer: x of 1000 +- 10, say. And inputs of
# a size below it are outweighed by the biases that torch draws, which are as large as the weights.
GIVEN = 1e-2

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
    """By its cause: weights of 0, a norm over one feature, inputs that are alike or tiny, small weights; else depth itself."""
    first = f"{exam.layers[0].name}.weight"
    if first in exam.closed:
        return Remedy(f"draw {first} at random, nn.init.kaiming_normal_(layer.weight): it is 0 throughout, so that nothing of the "
                      "input passes", "4")
    if remedy := leave_norms_of_one(model):
        return remedy
    given = {f"the samples differ by {exam.given_apart:.1e} of their size as they are given": exam.given_apart < GIVEN,
             f"the inputs have a root mean square of {exam.input_rms:.1e}, and the biases outweigh them": exam.input_rms < GIVEN}
    if why := next((words for words, is_so in given.items() if is_so), None):
        return Remedy(f"{why}: standardize the inputs, x = (x - x_train.mean(0)) / x_train.std(0)", "4, 5")
    return draw_if_off(hidden_kind(finding, exam)[0], exam, model, too_large=False) or Remedy(
        "skip connections around every layer, x = x + layer(x), keep the inputs, and the positions of a sequence, apart; without "
        "them, weights of a gain of 1 a layer", "4, 5, 6")
