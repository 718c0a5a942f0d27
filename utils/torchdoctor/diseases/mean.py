"""Activations whose mean keeps the signal up, while what tells samples apart dies behind it."""

import math

import torch
from torch import nn

from ..slopes import chi, moments
from .finding import Remedy, found, times, where
from .through_depth import vanishing
from .weights import POOR_CHI, both, draw, exchange, hidden_kind, smaller_step

# Where the signal is held, q = sigma_w^2 E[phi^2], a layer passes on sigma_w^2 E[phi'^2] of the squared gradient, which is at
# least Var(phi) / E[phi^2] (Poincare's inequality for N(0, q)): what is lost is at most the mean's share of E[phi^2]. Where
# this share is above half, it can be what halves the gradient in every layer.
MEANS_SHARE = 0.5

# The signal counts as held if its size changes by less than this from the first to the last layer that gets too little.
HELD = 2.0

# Sigmoids have such a mean, too, but their slope is nowhere above 1/4, and nobody needs them: ReLU is the cure of chapter 1.
SMALL_SLOPES = ("Sigmoid", "Hardsigmoid")

# Fifteen softplus layers without their mean overflow by plain gradient descent with lr = 0.1, and two in three with 0.03.
STEADY_LR = 0.01


def find(exam):
    """Yield "the mean eats the gain" in place of "vanishing", where the activation's own mean is the cause."""
    for finding in vanishing(exam):
        kind, _ = hidden_kind(finding, exam)
        layers = [layer for layer in exam.layers if layer.name in finding.layers and layer.nonlinearity == kind]
        if not kind or kind in SMALL_SLOPES or not layers or chi(kind) >= POOR_CHI:
            continue
        sizes = [math.hypot(layer.activation_mean, layer.activation_std) for layer in layers]
        shares = [(layer.activation_mean / size) ** 2 for layer, size in zip(layers, sizes) if size > 0]
        if len(shares) == len(layers) and min(shares) > MEANS_SHARE and 1 / HELD < sizes[-1] / sizes[0] < HELD:
            share, gradient, factor = min(shares), *finding.evidence.values()
            yield found("the mean eats the gain", layers, f"{kind} holds the signal, but its mean makes up {share:.0%} or more of "
                        f"that in {where(layers)}, and is the same for every sample: {where(layers[:1])} gets {times(gradient)} "
                        f"the last layer's gradient, a factor {factor:.2g} a layer", means_share=share, **finding.evidence)


def prescribe(finding, exam, model):
    """Subtract the mean, and bring what is left to a mean square of 1."""
    kind, _ = hidden_kind(finding, exam)
    mean, std = moments(kind)
    modules = [name for name, its_kind in exam.hidden_nonlinearities.items() if its_kind == kind]
    by_hand = "" if modules else " (it is a call in forward: change it there)"
    return Remedy(
        f"subtract the mean: ({kind}(z) {'-' if mean > 0 else '+'} {abs(mean):.3g}) / {std:.3g} in the hidden layers{by_hand}, its mean and deviation for z "
        f"of a mean square of 1, and weights of std 1 / sqrt(fan_in), which keep that; or take ReLU with He's weights"
        f"{smaller_step(exam, STEADY_LR)}",
        "3, 5", both(exchange(modules, lambda inner: Centred(inner, mean, std)), draw(exam, 1.0)) if modules else None,
    )  # fmt: skip


class Centred(nn.Module):
    """A nonlinearity less its mean, over its deviation."""

    def __init__(self, inner, mean, std):
        super().__init__()
        self.inner, self.mean, self.std = inner, mean, std

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return (inner(z) - mean) / std."""
        return (self.inner(z) - self.mean) / self.std
