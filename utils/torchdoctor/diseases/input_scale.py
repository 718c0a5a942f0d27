"""Inputs that are too large for any initialization."""

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


def find(exam):
    """Yield "input too large" by the root mean square of what the first layers receive; not before a norm, which undoes it."""
    layers = [layer for layer in exam.layers if layer.received > INPUT_TOO_LARGE and not layer.normed]
    if layers:
        largest = max(layer.received for layer in layers)
        told = f"the inputs have a root mean square of {largest:.3g}"
        flat = any(layer.saturated > SATURATED for layer in exam.layers) or any(layer.type in GATES for layer in layers)
        if exam.optimizer is not None and exam.optimizer.by_sign and not flat:
            yield remark("input too large", layers, f"{told}: {exam.optimizer.name} makes up for it in the weights, not in the "
                         "biases", input_rms=largest)
        else:
            yield found("input too large", layers, told, input_rms=largest)


def prescribe(finding, exam, model):
    """Standardize; which is to be done to the data, and not to the model."""
    return Remedy("standardize the inputs: subtract the mean of the training data and divide by its deviation, "
                  "x = (x - x_train.mean(0)) / x_train.std(0)", "4, 5")
