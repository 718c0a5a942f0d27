"""Weights that the loss depends on, and that the model does not own: no optimizer gets to know them."""

from collections.abc import Mapping

import torch
from torch import nn

from ..graph import kept
from .finding import Remedy, found

NOT_TAUGHT = "not in this course"


def find(exam):
    """Yield "unowned weights" by the leaves of autograd's graph that are missing from the model's parameters."""
    places = exam.graph.unowned
    if not places:
        return
    leaves = [leaf for some in places.values() for leaf in some]
    entries = sum(leaf.numel() for leaf in leaves)
    told = " and ".join(f"in {place}" if place else "in layers made in forward" for place in places)
    tensors = "1 tensor" if len(leaves) == 1 else f"{len(leaves)} tensors"
    yield found("unowned weights", exam.layers, f"the output depends on {tensors} of {entries:,} weights ({told}) that "
                "are not among model.parameters(): an optimizer that gets these does not move them",
                tensors=len(leaves), weights=entries)


def prescribe(finding, exam, model):
    """Hand them to the model, where an attribute keeps them."""
    places = list(exam.graph.unowned)
    told = []
    if any(places):
        names = ", ".join(f"self.{place.rpartition('.')[2]}" for place in places if place)
        told.append(f"let the model own what {names} keeps: nn.ModuleList(layers) or nn.ModuleDict(layers) in place of a list or "
                    "dict of layers, nn.Parameter(w) or nn.ParameterList(ws) for tensors")
    if "" in places:
        told.append("make every layer in __init__, self.layer = nn.Linear(n, m), and only call it in forward, else each pass "
                    "draws new weights")
    can_be_owned = all(place and _owned(_value(model, place)) is not None for place in places)
    return Remedy("; ".join(told), NOT_TAUGHT, _own(places) if can_be_owned else None)


def _value(model, place):
    owner, _, key = place.rpartition(".")
    return vars(model.get_submodule(owner))[key]


def _own(places):
    def change(model):
        for place in places:
            owner, _, key = place.rpartition(".")
            module, value = model.get_submodule(owner), _value(model, place)
            delattr(module, key)
            setattr(module, key, _owned(value))

    return change


def _owned(value):
    """The same layers or tensors in what registers them; None if there is nothing that could."""
    if isinstance(value, nn.Module):
        return value
    if isinstance(value, torch.Tensor):
        return nn.Parameter(value.detach()) if value.is_leaf else None
    if isinstance(value, Mapping):
        parts = {key: _owned(part) for key, part in value.items()}
        named = all(isinstance(key, str) and "." not in key for key in parts)
        return nn.ModuleDict(parts) if named and all(isinstance(part, nn.Module) for part in parts.values()) else None
    if isinstance(value, (list, tuple)) and any(True for _ in kept(value)):
        parts = [_owned(part) for part in value]
        if all(isinstance(part, nn.Module) for part in parts):
            return nn.ModuleList(parts)
        if all(isinstance(part, nn.Parameter) for part in parts):
            return nn.ParameterList(parts)
    return None
