"""The tensors in what a module takes or returns, and how large they are."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import SimpleNamespace

import torch

# Half of float32's range in powers of ten: a norm within it was computed from squares that float32 can hold. Converting
# every tensor to double would cost more than all other arithmetic here.
SAFE_NORMS = (1e-15, 1e15)
OUTPUTS = ("logits", "out", "output")  # names of what a model returns as a dict, by which its output goes


def tensors(value):
    """Yield every tensor in a tensor, or in tuples, lists, dicts and dataclasses of them, in the order of `named_parts`."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors(part)
    elif (parts := named_parts(value)) is not None:
        for part in parts.values():
            yield from tensors(part)


def named_parts(value):
    """The parts of a dict, a dataclass or a namespace by name, what is named as a model's output first and a loss last; else None."""
    if isinstance(value, SimpleNamespace):
        value = vars(value)
    elif is_dataclass(value) and not isinstance(value, (type, Mapping)):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if not isinstance(value, Mapping):
        return None
    order = {**{key: place for place, key in enumerate(OUTPUTS)}, "loss": len(OUTPUTS) + 1}
    return {key: value[key] for key in sorted(value, key=lambda key: order.get(key, len(OUTPUTS)))}


def floats(value):
    """Yield every tensor of real numbers in what a module takes or returns."""
    return (t for t in tensors(value) if t.is_floating_point())


def first_float(value):
    """The first tensor of real numbers in what a module takes or returns, or None."""
    if isinstance(value, tuple) and len(value) == 1:  # mostly it is just a tensor, and a generator takes ten times as long
        (value,) = value
    if isinstance(value, torch.Tensor):
        return value if value.is_floating_point() else None
    return next(floats(value), None)


def norm(t):
    """Euclidean norm of all entries of t as a float; in double precision where its own would underflow or overflow."""
    t = at_least_single(t)
    value = torch.linalg.vector_norm(t).item()
    if SAFE_NORMS[0] < value < SAFE_NORMS[1]:
        return value
    return torch.linalg.vector_norm(double(t)).item()


def double(t):
    """t in double precision; on the CPU if its own device has none, as Apple's MPS."""
    return (t.cpu() if t.device.type == "mps" else t).double()


def at_least_single(t):
    """t without its graph, 16-bit formats as float32: a float16 sum overflows at 65,504."""
    if t.requires_grad:  # only then: a detach takes as long as a sum over a small layer
        t = t.detach()
    return t.float() if t.element_size() < 4 else t
