"""Inputs that are too large for any initialization."""

from .finding import Remedy, found

# Initializations are made for E[x^2] = 1 at the input; z and the first gradient of the weights are proportional to its
# root. Ten times that puts z ~ N(0, 100): four fifths of a tanh layer saturated before the first step.
INPUT_TOO_LARGE = 10.0


def find(exam):
    """Yield "input too large" by the root mean square of what the first layers receive; not before a norm, which undoes it."""
    layers = [layer for layer in exam.layers if layer.received > INPUT_TOO_LARGE and not layer.normed]
    if layers:
        largest = max(layer.received for layer in layers)
        yield found("input too large", layers, f"the inputs have a root mean square of {largest:.3g}", input_rms=largest)


def prescribe(finding, exam, model):
    """Standardize; which is to be done to the data, and not to the model."""
    return Remedy("standardize the inputs: subtract the mean of the training data and divide by its deviation", "4, 5")
