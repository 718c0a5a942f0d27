"""Targets that are far larger, or far smaller, than what a net begins with."""

import math

from ..ends import NUMBERS
from .finding import Remedy, found, remark

# A net begins with outputs of about 1. Tried on nets of three layers with targets of size s, 1000 steps of 64 samples: plain
# gradient descent with lr = 0.1 and 0.01 learns s = 1, and is thrown off from s = 10 or 100 on. Adam grows to the targets,
# later the larger they are: R^2 at lr = 1e-3 is 0.99, 0.7 and 0 at s = 1, 1e3 and 1e6, and 0.99, 0.7, 0 at 1e3, 1e6, 1e10
# with lr = 1e-2. So a hundred is worth knowing, a million is sick, and with Adam at a given lr what is 1e9 times lr.
LARGE, TOO_LARGE, BY_LR = 1e2, 1e6, 1e9

# The mean is to be reached first, and what is left of it outweighs what differs: in the same trainings R^2 at lr = 1e-3 is
# 0.97, 0.3, -66 and -17,000 for targets of deviation 1 around 10, 30, 100 and 1000, at 1e-2 0.998, 0.98, 0.89 and -44. So is
# with Adam at a given lr what lies a hundred times its deviation away and 1e5 times lr, which was tried up to lr = 1e-2.
FAR, FAR_BY_LR = 1e2, 1e5

# Of targets that differ by a thousandth, the same trainings explain nothing: what is left of the first outputs, and the noise
# of Adam's steps, are as large. A readout that begins at 0 and a falling lr mend that, so it is no disease.
TOO_SMALL = 1e-3


def find(exam):
    """Yield "target too large", or the remark "target too small", of outputs that are a layer's own and compared as numbers."""
    end = exam.end
    if not (end and end.is_linear and end.takes == NUMBERS and end.output.numel() == end.y.numel() > 1):
        return
    y, left = end.y.double(), end.y.double().reshape(end.output.shape) - end.output.double()
    size, away = (math.sqrt(t.square().mean().item()) for t in (y, left))  # of y, and of what is left to learn
    varies = math.sqrt((y - y.mean(0)).square().mean().item())
    numbers = {"target_rms": size, "target_std": varies}
    if min(size, away) >= LARGE:
        told = (f"the targets have a root mean square of {size:.3g}" + (f" and differ by {varies:.3g}" if varies * FAR < size else "")
                + f", and the outputs are {away:.3g} away")
        yield (found if _is_sick(exam, min(size, away), varies) else remark)(
            "target too large", exam.layers[-1:], f"{told}, where a net begins with outputs of about 1", **numbers)
    elif 0 < varies <= min(TOO_SMALL, away) and size <= 1:
        yield remark("target too small", exam.layers[-1:], f"the targets differ by {varies:.1e}: a constant answer has a mean "
                     f"squared error of {varies**2:.1e}, which looks small and is not", **numbers)


def _is_sick(exam, size, varies):
    used = exam.optimizer
    if used is not None and used.by_sign:
        return size >= BY_LR * used.lr or size >= max(FAR, FAR_BY_LR * used.lr) * varies > 0
    # Plain gradient descent of a single layer is the same for targets of any size.
    return size >= TOO_LARGE and len(exam.layers) > 1 and (used is None or used.is_known)


def prescribe(finding, exam, model):
    """Standardize; which is to be done to the data, and not to the model."""
    return Remedy("standardize the targets: mean, std = y.mean(0), y.std(0) of the training data; train with (y - mean) / std, and "
                  "answer with mean + std * model(x)", "not in this course")
