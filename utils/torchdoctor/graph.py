"""Autograd's graph between the weights and the loss: leaves that nobody owns, what stands at the end, what arrives there."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from .attention import LEAF, Attention, attentions, axis, shape
from .layer_facts import KINDS
from .values import floats, norm, tensors

WEIGHTED = re.compile("Addmm|^Mm|Bmm|Convolution|Linear|Rnn|Lstm|Gru|Embedding")  # where a layer with weights begins
# What keeps samples apart, whatever the shapes are: a net that is made of nothing else cannot mix them.
BY_SAMPLE = {*KINDS, LEAF, "AddmmBackward0", "TBackward0", "ConvolutionBackward0", "MaxPool2DWithIndicesBackward0"}
SAME_WEIGHTS = re.compile("^(T|Transpose|Permute|View|Reshape|UnsafeView)Backward")
SOFTMAXES = ("SoftmaxBackward0", "LogSoftmaxBackward0")
NEST = 3  # lists within lists in which weights are looked for: [[layer, activation], ...] has two levels


@dataclass
class Graph:
    """What the graph of an output and its loss tells.

    unowned: weights that the output depends on and that are not among the model's parameters: where they are kept
    ("layers", an attribute of a module; "" if they are made in `forward`) -> their tensors. tail: nodes between the
    output and the last layer, the output's first; head: those between loss and output. of_one: a softmax over a single
    entry stands in either; over_samples: one over the first axis. by_sample: no node
    could mix samples. joined: whether the loss depends on the output. asked: ||dC/d output||. empty: no output
    is part of a graph. leaves: ids of the parameters that the output or the loss depends on. ends: of those of layers from
    which the way to an output leads through no other layer: several, where a net has heads. attention: each softmax over products
    of queries and keys.
    """

    unowned: dict = field(default_factory=dict)
    tail: list = field(default_factory=list)
    head: list = field(default_factory=list)
    of_one: bool = False
    over_samples: bool = False
    by_sample: bool = False
    joined: bool = False
    asked: float = 0.0
    empty: bool = False
    leaves: set = field(default_factory=set)
    ends: set = field(default_factory=set)
    attention: list[Attention] = field(default_factory=list)


def reading(criterion, model, x, parameters):
    """A loss function that does what `criterion` does, and the `Graph` that it fills; asked, in the backward pass."""
    graph = Graph()

    def loss_of(output, y):
        loss = criterion(output, y)
        if isinstance(loss, torch.Tensor):
            _read(graph, output, loss, model, x, parameters)
        return loss

    return loss_of, graph


def _read(graph, output, loss, model, x, parameters):
    given = {id(t) for t in tensors(x)}
    stop = {t.grad_fn for t in tensors(x) if t.grad_fn is not None}
    ends = [t for t in floats(output) if t.grad_fn is not None and t.grad_fn not in stop]
    roots = [t.grad_fn for t in ends]
    graph.empty = not roots
    for end in ends:
        end.register_hook(lambda g: setattr(graph, "asked", math.hypot(graph.asked, norm(g))))
    head = list(_nodes([loss.grad_fn], {*stop, *roots})) if loss.grad_fn else []
    graph.joined = any(node in roots for node in head)
    head = [node for node in head if node not in roots]
    tail = list(_nodes(roots, stop, WEIGHTED))
    graph.ends = {id(leaf) for node in tail if WEIGHTED.search(node.name()) for leaf in _own(node)}
    graph.head, graph.tail = ([node.name() for node in part] for part in (head, tail))
    inside = list(_nodes(roots, stop))
    names = [node.name() for node in inside]
    graph.of_one = any(_size(node) == 1 for node in (*head, *tail) if node.name() in SOFTMAXES)
    graph.over_samples = any(axis(node) == 0 for node, name in zip(inside, names) if name in SOFTMAXES)
    graph.by_sample = BY_SAMPLE.issuperset(names)
    owned = {id(p) for p in parameters.values()} | given
    leaves = [node.variable for node, name in zip(inside, names) if name == LEAF]
    graph.leaves = {id(leaf) for leaf in leaves} | {id(node.variable) for node in head if node.name() == LEAF}
    graph.attention = attentions([node for node in inside if node not in tail], parameters)  # not one that is the output
    strangers = {id(leaf): leaf for leaf in leaves if id(leaf) not in owned}
    if strangers:
        _place(graph, strangers, model)


def _nodes(roots, stop, until=None):
    """Every node from these on, nearest first; not beyond those of `stop`, nor beyond one whose name `until` finds."""
    queue = list(dict.fromkeys(roots))
    seen = {*queue, None}
    for node in queue:  # which grows meanwhile
        yield node
        if (node in stop and node not in roots) or (until and until.search(node.name())):
            continue
        for after, _ in node.next_functions:
            if after not in seen:
                seen.add(after)
                queue.append(after)


def _own(node):
    """The leaves that a node reads, straight or through a transpose or a reshape: its weights."""
    for after, _ in node.next_functions:
        while after is not None and SAME_WEIGHTS.search(after.name()) and after.next_functions:
            after = after.next_functions[0][0]
        if after is not None and after.name() == LEAF:
            yield after.variable


def _size(node):
    return shape(node)[axis(node)] if len(shape(node)) else 1


def _place(graph, strangers, model):
    """Sort the strangers by the attribute of a module that keeps them; what only `forward` knows, if it is a parameter."""
    for owner, module in model.named_modules():
        for key, value in vars(module).items():
            if key.startswith("_") and key in nn.Module.__annotations__ or not strangers:
                continue
            for tensor in kept(value):
                if id(tensor) in strangers:
                    graph.unowned.setdefault(f"{owner}.{key}".lstrip("."), []).append(strangers.pop(id(tensor)))
    # A plain tensor that is made in forward is a first state that someone wants the gradient of, and no weight.
    made = [leaf for leaf in strangers.values() if isinstance(leaf, nn.Parameter)]
    if made:
        graph.unowned[""] = made


def kept(value, nest=NEST):
    """Yield the tensors that a module's attribute keeps: its own, or those of modules in lists and dicts."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, nn.Module):
        yield from value.parameters()
    elif isinstance(value, (list, tuple, Mapping)) and nest:
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from kept(part, nest - 1)
