"""Steps that are too large or too small, where a learning rate is given: of the optimizer that is given, or of any."""

import math

from .finding import Remedy, found, remark, where

# A plain step that moves a weight by a tenth of its size has replaced the layer after ten; 1e-3 is healthy (see EXPLODED in
# through_depth). Two kinds of layers are not judged by it. Before a norm the size of W does not matter: dC/dW is
# orthogonal to W, each step makes W longer, and with it the next turn smaller, whatever lr is (Arora et al. 2018). And a
# readout may well begin at 0: the losses are convex in it, and what counts is OVERSHOOT.
STEP_TOO_LARGE = 1e-1

# Adam and its kin move every weight by lr in the first step, and by less as soon as the gradients of a weight disagree: ten
# steps do not add up to ten times one. What replaces the layer in one step is too large; from a tenth on, which is what
# lr = 1e-2 makes of 100 inputs, many learn, some do not, and it is worth knowing.
LEAP = 1.0

# A step of lr on a convex loss leads towards its minimum if lr ||dC/dW||^2 <= 2 (C - C_min) (Polyak 1969), and C_min >= 0.
OVERSHOOT = 2.0

# A step that moves every weight by less than a millionth needs a million of them, where 1e-3 needs a thousand.
STEP_TOO_SMALL = 1e-6

# A hundred thousand steps are more than most trainings have, but some do: worth knowing, where it is known who steps.
SLOW = 1e-5

# A net that needs a smaller learning rate than this has a gradient thousands of times its weights: the step is not its cause.
SMALLEST_LR = 1e-6

# Nor is it if it needs a larger one than these. With inputs of E[x^2] = 1 a readout's curvature is about 1, and a plain step
# of 2 diverges there; an Adam step of 1e-2 moves each of the weights of a hundred inputs, about 1/10, by a tenth of its size.
LARGEST_LR, LARGEST_LR_BY_SIGN = 1.0, 1e-2

# Of what the loss asks for at the output, a sigmoid at |z| = 7 lets this share through. The step is small because of it.
FLAT_END = 1e-3


def find(exam):
    """Yield "step too large" or "step too small", by the size of the step as a share of the weights.

    Without an optimizer, what is wrong for plain gradient descent alone, and would not be if Adam made the step, is a
    remark: nothing says who makes it. So is a step of a given optimizer that is on the way to either.
    """
    layers = [layer for layer in exam.layers if math.isfinite(layer.update_ratio)]
    largest = max((layer.update_ratio for layer in layers), default=0.0)
    if exam.lr is None or not largest > 0:
        return
    by_sign = exam.optimizer is not None and exam.optimizer.by_sign
    # Not where the size of the weights says nothing: see STEP_TOO_LARGE.
    too_large = [layer for layer in layers if layer.update_ratio > STEP_TOO_LARGE
                 and not layer.normed and layer is not exam.layers[-1]]
    readout = exam.layers[-1]
    fall = (readout.update_ratio * readout.weight_norm) ** 2 / exam.lr  # lr ||dC/dW||^2
    name = (f"{exam.optimizer.name} at " if exam.optimizer else "") + f"lr = {exam.lr:g}"
    if too_large:
        worst = max(too_large, key=lambda layer: layer.update_ratio)
        told = f"with {name} one step moves {where([worst])} by {worst.update_ratio:.2g} of its size"
        if by_sign and worst.update_ratio <= LEAP:
            yield remark("step too large", too_large, f"{told}: some nets learn with that, others are thrown off",
                         largest_ratio=worst.update_ratio)
        else:
            either = any(layer.by_sign > LEAP for layer in too_large)
            yield _told(exam, either, "step too large", too_large, told, largest_ratio=worst.update_ratio)
    elif not by_sign and exam.loss > 0 and fall > OVERSHOOT * exam.loss:
        yield _told(exam, readout.by_sign > LEAP, "step too large", [readout], f"with {name} a step of {where([readout])} "
                    f"alone would, on a straight line, take {fall / exam.loss:.2g} times the loss away", overshoot=fall / exam.loss)
    elif largest < STEP_TOO_SMALL:
        either = all(layer.by_sign < STEP_TOO_SMALL for layer in layers)
        yield _told(exam, either, "step too small", layers, f"with {name} no layer moves by more than {largest:.1e} of its "
                    "size in a step", largest_ratio=largest)
    elif largest < SLOW and exam.optimizer is not None:
        yield remark("step too small", layers, f"with {name} no layer moves by more than {largest:.1e} of its size in a step: "
                     "slow, unless the training is almost done", largest_ratio=largest)


def _told(exam, either, kind, layers, sentence, **evidence):
    """A disease, or a remark if no optimizer is given and it is not `either`: the same if Adam makes the step."""
    if exam.optimizer is not None or either:
        return found(kind, layers, sentence, **evidence)
    return remark(kind, layers, f"{sentence} if plain gradient descent makes it; Adam's would be sound (optimizer= tells "
                  "which it is)", **evidence)


def prescribe(finding, exam, model):
    """Another learning rate, which is not the model's to change."""
    last = exam.layers[-1]
    if finding.kind == "step too small" and last.delta_norm < FLAT_END * exam.graph.asked:
        return Remedy(f"of what the loss asks for at the output {last.delta_norm / exam.graph.asked:.1e} arrive at {last.name}, as behind "
                      "a sigmoid on its flat end: draw its weights anew with biases of 0, nn.init.zeros_(layer.bias), or compute the "
                      "loss from what comes before that end, F.binary_cross_entropy_with_logits(z, y); no learning rate makes up "
                      "for it", "1, 4")
    by_sign = exam.optimizer is not None and exam.optimizer.by_sign
    bound = LARGEST_LR_BY_SIGN if by_sign else LARGEST_LR
    if "overshoot" in finding.evidence:
        lr = exam.lr / finding.evidence["overshoot"]
        why = "the straight line then ends where the loss would be 0 (Polyak's step)"
    else:
        share, words = (1e-2, "a hundredth") if finding.kind == "step too large" else (1e-3, "a thousandth")
        lr = exam.lr * share / finding.evidence["largest_ratio"]
        whose = "" if exam.optimizer else " (for plain gradient descent; Adam scales its steps itself)"
        why = f"about {words} of the weights' size a step{whose}"
    if lr < SMALLEST_LR:
        return Remedy("find first what makes the gradient so large, then call diagnose(model, x, y) again: no learning rate makes up "
                      "for it", "1, 4")
    if lr > bound and finding.kind == "step too small":
        return Remedy(f"find first what makes the gradient so small, then call diagnose(model, x, y) again: beyond lr = {bound:g} a step is "
                      "seldom stable, and that would not make up for it", "1, 4")
    if lr > bound:
        return Remedy(f"try lr = {bound:g} at most: beyond it a step is seldom stable", "1")
    return Remedy(f"try lr = {lr:.1g}: {why}", "1")
