"""Several layers with nothing nonlinear between them, which are one linear map together."""

from torch import nn

from ..examination import module_of
from .finding import Remedy, remark, where

# Rounding bends the line of a float32 net by about 1e-6 a layer, a ReLU by about 1: anything in between tells them apart.
STRAIGHT = 1e-4


def find(exam):
    """Yield the remark "no nonlinearity". No disease: a factorized map or a linear baseline is meant so, and it learns."""
    if exam.probes.bent < STRAIGHT and not exam.closed:  # behind a gate that is 0 for now there may well be a nonlinearity
        yield remark("no nonlinearity", exam.layers, f"nothing nonlinear stands between {where(exam.layers)}: along a straight "
                     f"line their output bends by less than {STRAIGHT:g} of its way, so that {len(exam.layers)} layers can "
                     "do no more than one", bent=exam.probes.bent, layers=len(exam.layers))


def prescribe(finding, exam, model):
    """A nonlinearity behind each layer but the last."""
    names = [layer.name for layer in exam.layers[:-1]]

    def change(model):
        for name in names:
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, nn.Sequential(module_of(model, name), nn.ReLU()))

    return Remedy("put nn.ReLU() behind each layer but the last, unless a linear map is what you want", "not in this course", change)
