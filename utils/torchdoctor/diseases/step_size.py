"""Steps of plain gradient descent that are too large or too small, where a learning rate is given."""

import math

from .finding import Remedy, found, where

# A step that moves a weight by a tenth of its size has replaced the layer after ten; 1e-3 is healthy (see EXPLODED in
# through_depth). Two kinds of layers are not judged by it. Before a norm the size of W does not matter: dC/dW is
# orthogonal to W, each step makes W longer, and with it the next turn smaller, whatever lr is (Arora et al. 2018). And a
# readout may well begin at 0: the losses are convex in it, and what counts is OVERSHOOT.
STEP_TOO_LARGE = 1e-1

# A step of lr on a convex loss leads towards its minimum if lr ||dC/dW||^2 <= 2 (C - C_min) (Polyak 1969), and C_min >= 0.
OVERSHOOT = 2.0

# A step that moves every weight by less than a millionth needs a million of them, where 1e-3 needs a thousand.
STEP_TOO_SMALL = 1e-6

# A net that needs a smaller learning rate than this has a gradient thousands of times its weights: the step is not its cause.
SMALLEST_LR = 1e-6


def find(exam):
    """Yield "step too large" or "step too small", by the size of the step as a share of the weights."""
    layers = [layer for layer in exam.layers if math.isfinite(layer.update_ratio)]
    largest = max((layer.update_ratio for layer in layers), default=0.0)
    if exam.lr is None or not largest > 0:
        return
    # Not where the size of the weights says nothing: see STEP_TOO_LARGE.
    too_large = [layer for layer in layers if layer.update_ratio > STEP_TOO_LARGE
                 and not layer.normed and layer is not exam.layers[-1]]
    readout = exam.layers[-1]
    fall = (readout.update_ratio * readout.weight_norm) ** 2 / exam.lr  # lr ||dC/dW||^2
    if too_large:
        worst = max(too_large, key=lambda layer: layer.update_ratio)
        yield found("step too large", too_large, f"with lr = {exam.lr:g} one step moves {where([worst])} by "
                    f"{worst.update_ratio:.2g} of its size", largest_ratio=worst.update_ratio)
    elif exam.loss > 0 and fall > OVERSHOOT * exam.loss:
        yield found("step too large", [readout], f"with lr = {exam.lr:g} a step of {where([readout])} alone would, on a straight "
                    f"line, take {fall / exam.loss:.2g} times the loss away", overshoot=fall / exam.loss)
    elif largest < STEP_TOO_SMALL:
        yield found("step too small", layers, f"with lr = {exam.lr:g} no layer moves by more than {largest:.1e} of its size "
                    "in a step", largest_ratio=largest)


def prescribe(finding, exam, model):
    """Another learning rate, which is not the model's to change."""
    if "overshoot" in finding.evidence:
        lr = exam.lr / finding.evidence["overshoot"]
        return Remedy(f"try lr = {lr:.1g}: the straight line then ends where the loss would be 0 (Polyak's step)", "1")
    share, words = (1e-2, "a hundredth") if finding.kind == "step too large" else (1e-3, "a thousandth")
    lr = exam.lr * share / finding.evidence["largest_ratio"]
    if lr < SMALLEST_LR:
        return Remedy("find first what makes the gradient so large, then diagnose again: no learning rate makes up for it", "1, 4")
    return Remedy(f"try lr = {lr:.1g}: about {words} of the weights' size a step (for plain gradient "
                  "descent; Adam scales its steps itself)", "1")
