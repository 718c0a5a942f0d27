"""Units that begin alike stay alike. How alike counts as the same is `layer_facts.TWINS`."""

from ..examination import module_of
from .finding import Remedy, found, where
from .weights import HE, both, draw


def find(exam):
    """Yield "symmetric" with the layers whose units have the same weights and the same gradient."""
    layers = [layer for layer in exam.layers if layer.twins and not layer.frozen]
    if layers:
        units = max(layer.units for layer in layers)
        yield found("symmetric", layers, f"all units of {where(layers)} have the same weights and the same gradient: a "
                    f"layer of {units} is a layer of one, and stays so", units=units)


def prescribe(finding, exam, model):
    """Draw the weights at random."""
    scale = HE if any(layer.nonlinearity == "ReLU" for layer in exam.layers) else 1.0
    how = "kaiming_normal_" if scale == HE else "xavier_normal_"
    return Remedy(f"draw the weights of {finding.where} at random, nn.init.{how}(layer.weight): units that begin "
                  "alike stay alike", "4",
                  both(_reset(finding.layers), draw(exam, scale)))


def _reset(names):
    """A change: what PyTorch draws for these layers, for those that `draw` leaves out (recurrent ones, say)."""
    def change(model):
        for name in names:
            getattr(module_of(model, name), "reset_parameters", lambda: None)()

    return change
