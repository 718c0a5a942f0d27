"""What a user passes as x and y: tensors, or what tensors are made of, or a loader that they are taken out of."""

import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from numbers import Number

import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from .errors import WrongType, WrongValue, first_line
from .layer_calls import kept_random
from .values import tensors

SAMPLES = 64  # that are taken out of a data set: enough for a diagnosis, and from there `lag` can tell an answer from chance


def batch_of(x, y, model):
    """Return (x, y) as tensors, or tuples and dicts of them: out of a loader, or converted, as `diagnose` says.

    Raises TypeError or ValueError with one sentence if that cannot be.
    """
    if _is_loader(x):
        name = type(x).__name__
        if y is not None:
            raise WrongValue(f"x is a {name}, which has targets of its own: leave y out, or pass one batch as x and y")
        x, y = _parts(_first_batch(x))
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.get_default_dtype())
    x, y = _converted(x, dtype, "x"), _converted(y, dtype, "y")
    if isinstance(y, torch.Tensor):
        _refuse_meta(y, "y")
    return x, y


def check_input(x):
    """Raise TypeError or ValueError with one sentence unless x holds tensors, with finite numbers in them."""
    found = list(tensors(x))
    if not found:
        raise WrongType(f"x must be a tensor, or a tuple or dict of tensors, got {type(x).__name__}: torch.as_tensor makes one")
    for tensor in found:
        if tensor.numel() == 0:
            raise WrongValue(f"x is empty: its shape is {tuple(tensor.shape)}")
        _refuse_meta(tensor, "x")
        if tensor.layout != torch.strided:
            raise WrongValue("x is sparse, and is not examined in this form: pass x.to_dense()")
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            count = (~torch.isfinite(tensor)).sum().item()
            entries = "1 entry that is" if count == 1 else f"{count} entries that are"
            raise WrongValue(f"x holds {entries} NaN or infinite: clean the data first")


def _refuse_meta(tensor, name):
    if tensor.is_meta:
        raise WrongValue(f"{name} lies on the meta device, which has shapes and no numbers: make it on the model's device")


def _is_loader(x):
    """Whether x gives batches or samples: a loader, a data set, an iterator, or a list of pairs."""
    if isinstance(x, (DataLoader, Dataset, Iterator)):
        return True
    return isinstance(x, list) and bool(x) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in x)


def _first_batch(source):
    """The first batch of a loader, in this process; of a data set, samples spread over all of it."""
    if isinstance(source, Iterator):
        return _first(source, source)
    if isinstance(source, list):
        is_sample = not getattr(source[0][1], "ndim", 0) and not isinstance(source[0][1], (list, tuple))
        return default_collate(source[:SAMPLES]) if is_sample else source[0]
    with _undisturbed(source):
        if isinstance(source, Dataset):
            return default_collate(_samples(source))
        if type(source).__iter__ is not DataLoader.__iter__:  # one that makes its batches in a way of its own
            return _first(iter(source), source)
        # Not iter(source): that starts its worker processes, which fetch more than one batch, and may be kept.
        if isinstance(source.dataset, IterableDataset):
            data = iter(source.dataset)
            some = _first(data, source) if source.batch_size is None else list(islice(data, source.batch_size))
        elif source.batch_sampler is None:
            some = source.dataset[_first(iter(source.sampler), source)]
        else:
            some = [source.dataset[i] for i in _first(iter(source.batch_sampler), source)]
        if isinstance(some, list) and not some:
            raise WrongValue(f"x, a {type(source).__name__}, is empty")
        return source.collate_fn(some)


def _samples(dataset):
    if isinstance(dataset, IterableDataset):
        some = list(islice(dataset, SAMPLES))
    else:
        some = [dataset[i] for i in torch.linspace(0, len(dataset) - 1, min(SAMPLES, len(dataset)), device="cpu").long().tolist()]
    if not some:
        raise WrongValue(f"x, a {type(dataset).__name__}, is empty")
    return some


def _first(iterator, source):
    for one in iterator:
        return one
    raise WrongValue(f"x, a {type(source).__name__}, is empty" + (" or used up" if iterator is source else ""))


@contextmanager
def _undisturbed(loader):
    """Put back every random state that taking a batch may use: torch's, Python's, numpy's, and the loader's own."""
    owners = [loader, getattr(loader, "sampler", None), getattr(getattr(loader, "batch_sampler", None), "sampler", None)]
    own = {id(g): g for g in (getattr(owner, "generator", None) for owner in owners) if isinstance(g, torch.Generator)}
    states = [(generator, generator.get_state()) for generator in own.values()]
    numpy = sys.modules.get("numpy")  # what is not loaded has not been drawn from
    before, numpys = random.getstate(), numpy and numpy.random.get_state()
    try:
        with kept_random():
            yield
    finally:
        random.setstate(before)
        if numpy:
            numpy.random.set_state(numpys)
        for generator, state in states:
            generator.set_state(state)


def _parts(batch):
    """(x, y) of a batch: the last of several parts is y; a dict, which may hold its labels, and a single part are x."""
    if not isinstance(batch, (tuple, list)):
        return batch, None
    *x, y = batch
    if not x:
        return y, None
    return (x[0] if len(x) == 1 else tuple(x)), y


def _converted(value, dtype, name):
    """value with arrays, tables and lists of numbers as tensors: real numbers in this dtype, whole ones in y as labels."""
    if isinstance(value, torch.Tensor) and value.is_inference():
        with torch.inference_mode(False):
            return value.clone()  # which can be differentiated
    if isinstance(value, torch.Tensor) or value is None:
        return value
    if hasattr(value, "__array__") or _holds_numbers(value):
        return _tensor(value, dtype, name)
    if isinstance(value, Mapping):
        return {key: _converted(part, dtype, name) for key, part in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_converted(part, dtype, name) for part in value)
    return value


def _holds_numbers(value):
    """Whether this is a list of numbers, or lists of such; of arrays, it is several inputs."""
    while isinstance(value, list) and value:
        value = value[0]
        if isinstance(value, Number):
            return True
    return False


def _tensor(value, dtype, name):
    kind = type(value).__name__
    try:
        # A copy, since torch takes no array with a negative stride, and warns of one that must not be written to.
        made = torch.tensor(value, device="cpu") if isinstance(value, list) else torch.as_tensor(value.__array__().copy(), device="cpu")
    except (TypeError, ValueError) as error:
        raise WrongType(f"{name} is of the type {kind}, and no tensor can be made of it ({first_line(error)}): its entries must "
                        "be numbers, and its rows of one length") from error
    if made.is_floating_point():
        return made.to(dtype)
    return made.long() if name == "y" and not made.is_complex() else made
