"""Keras' losses, in PyTorch: functions (output, y) -> loss, of probabilities unless the name says logits.

As Keras' do, they broadcast without a word, cut probabilities off at `EPSILON`, and take outputs that are none. All
shapes are (samples, outputs) or have further axes between; the result is the mean over all samples.
"""

from torch.nn import functional as F

EPSILON = 1e-7


def mean_squared_error(output, y):
    """The mean of (output - y)^2."""
    return (output - y).square().mean()


def mean_absolute_error(output, y):
    """The mean of |output - y|."""
    return (output - y).abs().mean()


def mean_absolute_percentage_error(output, y):
    """The mean of |output - y| / |y|, in percent; a y of 0 counts as EPSILON."""
    return 100 * ((output - y).abs() / y.abs().clamp(min=EPSILON)).mean()


def binary_crossentropy(output, y):
    """Cross-entropy of a yes or no of each output; output and y are probabilities."""
    p = output.clamp(EPSILON, 1 - EPSILON)
    return -(y * p.log() + (1 - y) * (1 - p).log()).mean()


def categorical_crossentropy(output, y):
    """Cross-entropy over the last axis, y being one-hot. Outputs are divided by their sum first."""
    p = (output / output.sum(-1, keepdim=True)).clamp(EPSILON, 1 - EPSILON)
    return -(y * p.log()).sum(-1).mean()


def categorical_crossentropy_of_logits(output, y):
    """Cross-entropy over the last axis, y being one-hot, of what comes before a softmax."""
    return -(y * output.log_softmax(-1)).sum(-1).mean()


def sparse_categorical_crossentropy(output, y):
    """Cross-entropy of probabilities (samples, classes), divided by their sum; y (samples,) holds whole numbers."""
    return F.cross_entropy(output.clamp(EPSILON, 1 - EPSILON).log(), y)


LOSSES = {
    "mse": mean_squared_error,
    "mae": mean_absolute_error,
    "mape": mean_absolute_percentage_error,
    "bce": binary_crossentropy,
    "cce": categorical_crossentropy,
    "cce-logits": categorical_crossentropy_of_logits,
    "scce": sparse_categorical_crossentropy,
}
