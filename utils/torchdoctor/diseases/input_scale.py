"""Inputs that are too large for any initialization, or that hardly vary beside the biases."""

import math

from .finding import Remedy, found, remark
from .saturated import SATURATED

# Initializations are made for E[x^2] = 1 at the input; z and the first gradient of the weights are proportional to its
# root. Ten times that puts z ~ N(0, 100): four fifths of a tanh layer saturated before the first step.
INPUT_TOO_LARGE = 10.0

# What large inputs do: the curvature grows with their square, and with it a plain step must shrink; and what has flat ends
# is driven there. Adam and its kin divide each gradient by its size, and c x makes c z of a linear map and of ReLU layers:
# z and its change by a step of lr grow alike, so that the net learns as before, but for its biases. That is a remark, unless
# most units of a layer are on their flat ends. These layers have their own, which are not measured.
GATES = ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "MultiheadAttention")

# It does not make up for a column that is far larger than others. Of ten, where the other nine tell the class and Adam makes
# 1000 steps with lr = 1e-3 or 1e-2, all is learned beside one that varies 10 times as much, 0.99 at 100, 0.91 to 0.97 at
# 1000, and nothing at 1e4. If it is the large one that tells, all is learned at any size: no disease, and worth knowing.
UNEVEN = 1e3

# What a step of lr moves in z through the weights is v^2 = fan_in times the inputs' variance, where it moves 1 through the
# bias. Tried on nets of three layers with 8 inputs, 1000 steps: plain gradient descent with lr = 0.1 learns nothing from
# v = 0.08 on, with a momentum of 0.9 from 0.03 or 0.01 on. Adam moves each weight by lr whatever it reads: it is slow from
# there on, and learns nothing at v = 0.003 with lr = 1e-3 and at 0.0003 with lr = 1e-2, where their product is 3e-6.
SLOW, TOO_SMALL, BY_LR = 3e-2, 3e-3, 3e-6

# Inputs of mean 1 that differ by a hundredth of it: in the same trainings none of the optimizers learned, Adam included.
# Convolutions see differences of neighbours, which a common mean does not touch: not tried, and a remark.
OFFSET = 1e-2
SAME = 1e-5  # samples that are one and the same, but for rounding
GROWN = 5.0  # sigma_w is 0.6 to 1.4 at first; such weights have made up for small inputs


def find(exam):
    """Yield "input too large" or "input too small" by what the first layers receive."""
    yield from _too_large(exam)
    yield from _one_id(exam) or _too_small(exam)


def _one_id(exam):
    """Numbers of 0 to 1 that an embedding takes for ids are all word 0; told if nothing else of x goes into the model."""
    words = [layer for layer in exam.layers if layer.type == "Embedding"]
    others = [layer for layer in exam.layers if layer.received > 0 and layer not in words]
    if words and not others and all(layer.one_id for layer in words) and not math.isnan(exam.alike):  # which it is of equal samples
        return [found("input too small", words, "x differs from sample to sample, and as whole numbers, which the embedding takes, "
                      "all of it is one and the same id", ids=1)]
    return []


def _too_small(exam):
    """By the layer whose inputs vary most; not before a norm, which undoes it, and of samples that are the same."""
    layers = [layer for layer in exam.layers if layer.received > 0 and layer.varies > SAME * layer.received]
    if not layers or any(layer.normed for layer in layers):
        return
    layer = max(layers, key=_reach)
    reach, offset = _reach(layer), layer.varies <= OFFSET * layer.received
    by_sign = exam.optimizer is not None and exam.optimizer.by_sign
    if layer.received > INPUT_TOO_LARGE or not offset and reach > (TOO_SMALL if by_sign else SLOW):
        return
    sick = offset and "Conv" not in layer.type or reach <= TOO_SMALL and (not by_sign or reach * exam.optimizer.lr <= BY_LR)
    others = any(other.type.startswith("Embedding") for other in exam.layers)  # who learns from something else, too
    known = exam.optimizer is None or exam.optimizer.is_known
    told = f"the inputs differ from sample to sample by {layer.varies:.2g}" + (
        f", and all lie at {layer.received:.3g}" if offset else "")
    tell = found if sick and known and not others and not layer.sigma_w > GROWN else remark
    yield tell("input too small", layers, f"{told}: what they say is drowned by the biases", input_std=layer.varies,
               input_rms=layer.received)


def _reach(layer):
    return layer.varies * math.sqrt(layer.fan_in)


def _too_large(exam):
    """Yield "input too large" by the root mean square of what the first layers receive; not before a norm, which undoes it."""
    layers = [layer for layer in exam.layers if layer.received > INPUT_TOO_LARGE and not layer.normed]
    if layers:
        largest = max(layer.received for layer in layers)
        told = f"the inputs have a root mean square of {largest:.3g}"
        flat = any(layer.saturated > SATURATED for layer in exam.layers) or any(layer.type in GATES for layer in layers)
        offset = any(layer.varies <= OFFSET * layer.received and "Conv" not in layer.type for layer in layers)
        if exam.optimizer is not None and exam.optimizer.by_sign and not flat and not offset:
            uneven = max((layer.uneven for layer in layers if layer.uneven >= UNEVEN), default=0.0)
            yield remark("input too large", layers, f"{told}: {exam.optimizer.name} makes up for it in the weights, not in the biases"
                         + (f", and not for a column that varies {uneven:.1e} times as much as most others: what they say is lost "
                            "beside it" if uneven else ""), input_rms=largest)
        else:
            yield found("input too large", layers, told, input_rms=largest)


def prescribe(finding, exam, model):
    """Standardize; which is to be done to the data, and not to the model."""
    if "ids" in finding.evidence:
        return Remedy("give the embedding the ids as they are, whole numbers from 0, neither scaled nor normalized: "
                      "embedding(ids.long())", "not in this course")
    return Remedy("standardize the inputs: subtract the mean of the training data and divide by its deviation, "
                  "x = (x - x_train.mean(0)) / x_train.std(0)", "4, 5")
