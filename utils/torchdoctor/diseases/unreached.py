"""Weights that no gradient is meant for, or comes to: frozen, cut off."""

from torch import nn

from .finding import Remedy, found, where


def find(exam):
    """Yield "frozen" if no weight may change, "cut off" if autograd's graph ends before the first layers."""
    if not exam.trainable:  # a container's own matrices, such as those of an adapter, make it no layer
        yield found("frozen", exam.layers, "every layer has requires_grad=False: no step changes any weight",
                    layers=len(exam.layers))
    first = next((i for i, layer in enumerate(exam.layers) if layer.delta_norm > 0 or layer.reached), len(exam.layers))
    layers = exam.layers[:first]
    if layers and first < len(exam.layers):
        yield found("cut off", layers, f"no gradient at all reaches {where(layers)}: autograd's graph ends after "
                    f"{layers[-1].name}", layers=len(layers))


def prescribe(finding, exam, model):
    """Thaw the weights; where the graph is cut is in the model's own code."""
    if finding.kind == "frozen":
        return Remedy("set requires_grad=True for what is to learn: model.requires_grad_(True)", "1", nn.Module.requires_grad_)
    return Remedy(f"something after {finding.layers[-1]} leaves autograd's graph: look for detach(), torch.no_grad(), item(), "
                  "numpy() or argmax()", "1")
