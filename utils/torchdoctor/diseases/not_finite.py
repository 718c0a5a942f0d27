"""Numbers that are none: NaN or infinite weights, activations, gradients, loss."""

import math

from .finding import Remedy, found, where
from .weights import draw_layers


def find(exam):
    """Yield "not finite" with the first place in which a number is NaN or infinite."""
    weights = [layer for layer in exam.layers if not math.isfinite(layer.weight_norm)]
    forward = [layer for layer in exam.layers if not math.isfinite(layer.pre_mean)]
    backward = [layer for layer in exam.layers if not layer.finite]
    if weights:
        yield found("not finite", weights, f"the weights of {where(weights)} hold NaN or infinite entries", loss=exam.loss)
    elif forward:
        yield found("not finite", forward, f"the weights are sound; the first NaN or infinite number is in what "
                    f"{where(forward[:1])} returns", loss=exam.loss)
    elif exam.lost_targets and not math.isfinite(exam.loss):  # a loss that passes over them is finite
        entries = "1 entry that is" if exam.lost_targets == 1 else f"{exam.lost_targets:,} entries that are"
        yield found("not finite", exam.layers[-1:], f"y holds {entries} NaN or infinite, and so the loss is {exam.loss:.3g}",
                    loss=exam.loss, targets=exam.lost_targets)
    elif backward or not math.isfinite(exam.loss):
        gradients = f"and gradients of {where(backward)} are NaN or infinite" if backward else "and all gradients are finite"
        yield found("not finite", backward or exam.layers[-1:], f"every layer returns finite numbers; the loss is "
                    f"{exam.loss:.3g}, {gradients}", loss=exam.loss)


def prescribe(finding, exam, model):
    """Draw lost weights anew; or look for what no number format can hold."""
    if "targets" in finding.evidence:
        return Remedy("leave these samples out, keep = y.isfinite() if y is one number a sample, x[keep], y[keep]; or, if only some "
                      "columns are missing, leave these entries out of the loss: loss_fn(output[keep], y[keep])", "not in this course")
    lost = [layer.name for layer in exam.layers if not math.isfinite(layer.weight_norm)]
    if lost:
        return Remedy(f"these weights are lost: {'leave the entries of y out that are NaN or infinite, and ' if exam.lost_targets else ''}begin again from the last sound ones, with a smaller learning rate, and clip "
                      "the gradient's norm, nn.utils.clip_grad_norm_(model.parameters(), 1.0)", "1, 4", draw_layers(lost, 1.0))
    return Remedy("look for a logarithm or a root of 0, a division by 0, or numbers beyond the range of the dtype (float16 "
                  "ends at 65,504): compute the loss from logits, F.cross_entropy(z, y), keep roots "
                  "from 0, (d + 1e-8).sqrt(), and draw smaller weights", "1, 4")
