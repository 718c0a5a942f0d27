"""Inputs that are too large for any initialization."""

from .finding import Remedy, found

# Initializations are made for E[x^2] = 1 at the input; z and the first gradient of the weights are proportional to its
# root. Ten times that puts z ~ N(0, 100): four fifths of a tanh layer saturated before the first step.
INPUT_TOO_LARGE = 10.0


def find(exam):
    """Yield "input too large" by the root mean square of the inputs."""
    if exam.input_rms > INPUT_TOO_LARGE:
        yield found("input too large", exam.layers[:1], f"the inputs have a root mean square of {exam.input_rms:.3g}",
                    input_rms=exam.input_rms)


def prescribe(finding, exam, model):
    """Standardize; which is to be done to the data, and not to the model."""
    return Remedy("standardize the inputs: subtract the mean of the training data and divide by its deviation", "4, 5")
