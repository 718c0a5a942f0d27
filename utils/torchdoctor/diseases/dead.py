"""Units that are 0 for every sample, and so learn nothing from any."""

import math

from ..norms import NORMS
from .finding import Remedy, found, where
from .weights import HE, both, draw, has_norm, hides_all

# Weights and biases that are symmetric about 0 leave a ReLU unit silent for one input with probability 1/2, and for all
# of them at most with the same: even inputs that a deep net no longer tells apart leave half of the units. What is
# beyond that half by three standard deviations of n units is no chance: 1/2 + 1.5 / sqrt(n).
DEAD, DEAD_DEVIATIONS = 0.5, 3


def find(exam):
    """Yield "dead" with the hidden layers of which more units are silent than chance silences."""
    def limit(layer):
        return min(DEAD + DEAD_DEVIATIONS / 2 / math.sqrt(max(layer.units, 1)), 1 - 1e-9)

    zeroed = {*exam.erasing.values()}  # by a norm over one value, and not by a ReLU
    layers = [layer for layer in exam.layers[:-1] if layer.dead > limit(layer) and layer.name not in zeroed]
    if layers:
        worst = max(layers, key=lambda layer: layer.dead)
        yield found("dead", layers, f"in {where(layers)}, up to {worst.dead:.0%} of the units are 0 for every sample (in "
                    f"{worst.name}, z has mean {worst.pre_mean:.2g} and deviation {worst.pre_std:.2g})",
                    dead=worst.dead, pre_mean=worst.pre_mean, pre_std=worst.pre_std)


def prescribe(finding, exam, model):
    """Bring z back to both sides of 0; or look at what hides every key from an attention, which then answers 0."""
    first = next(layer for layer in exam.layers if layer.name in finding.layers)
    if first.type == "MultiheadAttention" and first.pre_mean == first.pre_std == 0 < first.weight_norm:
        return hides_all(first)
    mean, std = finding.evidence["pre_mean"], finding.evidence["pre_std"]
    norms = " (of the norms as well)" if has_norm(model) else ""
    return Remedy(
        f"z lies around {mean:.2g} with deviation {std:.2g} in {finding.where}: set the biases to 0{norms} and draw He's weights "
        "anew, nn.init.kaiming_normal_(layer.weight); if a training step did it, take a smaller learning rate as well",
        "2", both(draw(exam, HE), _reset_norms),
    )  # fmt: skip


def _reset_norms(model):
    for module in model.modules():
        if isinstance(module, NORMS):
            module.reset_parameters()
