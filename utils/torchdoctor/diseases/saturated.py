"""Sigmoids and tanhs on their flat ends."""

from ..slopes import chi
from .finding import Remedy, found, where
from .weights import POOR_CHI, draw, draw_if_off, hidden_kind, rectify, right_scale

# With more than half of the activations on the flat ends (slope below 2.7 % of the greatest), a layer passes on less
# than half of the squared gradient, whatever the rest does. Of a tanh's z ~ N(0, 1) it is 1 %, of N(0, 4) 21 %.
SATURATED = 0.5

# Sigmoids that have been brought back to 0 pass on little all the same. At the scale that keeps the signal, plain gradient
# descent tells 89 % of the digits after 300 steps with two such layers, 48 % with three and 25 % with four.
TOO_MANY = 3


def find(exam):
    """Yield "saturated" with the hidden layers of which most activations lie on the flat ends."""
    layers = [layer for layer in exam.layers[:-1] if layer.saturated > SATURATED]
    if layers:
        worst = max(layers, key=lambda layer: layer.saturated)
        yield found("saturated", layers, f"in {where(layers)}, up to {worst.saturated:.0%} of the activations lie on the "
                    f"flat ends (in {worst.name}, z has mean {worst.pre_mean:.2g} and deviation {worst.pre_std:.2g})",
                    saturated=worst.saturated, pre_mean=worst.pre_mean, pre_std=worst.pre_std)


def prescribe(finding, exam, model):
    """Bring z back between the ends: by the biases if it lies beside them, by the weights if they are too large."""
    kind, sick = hidden_kind(finding, exam)
    mean, std = finding.evidence["pre_mean"], finding.evidence["pre_std"]
    if kind and chi(kind) < POOR_CHI and sum(layer.nonlinearity == kind for layer in sick) >= TOO_MANY:
        return rectify(f"z lies around {mean:.2g} with deviation {std:.2g} in {finding.where}: set the biases to 0", exam, kind)
    if abs(mean) > std:
        target = right_scale(kind)
        return Remedy(f"z lies around {mean:.2g} in {finding.where}: set the biases to 0, nn.init.zeros_(layer.bias), and draw "
                      f"the weights anew with std {target:.3g} / sqrt(fan_in)", "1, 4", draw(exam, target))
    return draw_if_off(kind, exam, model, too_large=True) or Remedy(
        f"bring z back to about 1 in {finding.where}: smaller weights or a smaller learning rate, standardized inputs, or a "
        "norm before the activation, nn.LayerNorm(units)", "1, 5")
