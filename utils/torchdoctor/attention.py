"""Attention, as autograd's graph shows it: a softmax over products of queries and keys, and how sharp its rows are."""

import re
from dataclasses import dataclass

import torch

SOFTMAX = "SoftmaxBackward0"
LEAF = "torch::autograd::AccumulateGrad"
SCALES = re.compile("Mul|Div")
MASKS = re.compile("MaskedFill|Where|Add|Sub")
SHAPES = re.compile("View|Reshape|Expand|Transpose|Permute|ToCopy|Clone|Unsqueeze|Squeeze|Slice|Select|TBackward|Split|Unbind|Chunk")
PRODUCT = re.compile("^(Bmm|Baddbmm|Mm)Backward")
WEIGHTED = re.compile("^(Addmm|Mm)Backward")
# A row of two or three entries is sharp by chance, and the first rows of a causal mask have no more.
FEWEST = 5
SAMPLES = 8  # of a batch, of which the rows are looked at
WAY = 12  # nodes between a softmax and the product, and between that and the layers: a mask, a scale, some changes of shape


@dataclass
class Attention:
    """One softmax over products of queries and keys.

    sharpness: the largest weight of a row, on average. entries: of a row, at most. size: of the queries, d. is_scaled:
    whether something multiplies or divides the products, the queries or the keys. queries, keys: names of the
    weights that these come from, "" where it is not one alone.
    """

    sharpness: float
    entries: int
    size: int
    is_scaled: bool
    queries: str
    keys: str


def attentions(nodes, parameters):
    """The `Attention`s among the nodes of a graph, first to last; parameters: name -> parameter, of the model.

    Those within a checkpoint are left out: to look at what they hold would run the layers once more.
    """
    names = {id(p): name for name, p in parameters.items()}
    found = [_attention(node, names) for node in nodes if node.name() == SOFTMAX]
    return [one for one in reversed(found) if one]


def axis(node):
    """The axis that a softmax is over, from 0; its node keeps a negative one as an unsigned number."""
    dim = node._saved_dim
    return (dim if dim < 2**63 else dim - 2**64) % max(len(shape(node)), 1)


def shape(node, output=0):
    """The shape of what a node made. Not of what it has saved: in a checkpoint, that would run the layers once more."""
    return node._input_metadata[output].shape


def _attention(node, names):
    product, is_scaled, is_masked = _walk(node.next_functions[0][0])
    if product is None or not PRODUCT.search(product.name()) or _has_weight(product) or _is_recomputed(node):
        return None
    sides = product.next_functions[-2:]  # of baddbmm, the first is what is added
    ways = [_walk(side, masks=False) for side, _ in sides]
    rows = node._saved_result.detach().movedim(axis(node), -1)
    entries, size = rows.shape[-1], shape(sides[0][0], sides[0][1])[-1] if sides[0][0] is not None else 0
    rows = (rows[:SAMPLES] if rows.dim() > 2 else rows).reshape(-1, entries)
    # Where there is a mask, an entry that is exactly 0 may be hidden by it.
    rows = rows[(rows > 0).sum(1) >= FEWEST] if is_masked else rows
    if entries < FEWEST or not len(rows) or not size:
        return None
    queries, keys = (_weight(way[0], names) for way in ways)
    return Attention(rows.float().amax(1).mean().item(), entries, size, is_scaled or any(way[1] for way in ways), queries, keys)


def _walk(node, masks=True):
    """(the first node that is more than a shape, a scale or a mask, whether a scale was on the way, whether a mask was)."""
    is_scaled = is_masked = False
    for _ in range(WAY):
        if node is None:
            break
        name = node.name()
        if SCALES.search(name):
            is_scaled = True
        elif masks and MASKS.search(name):
            is_masked = True
        elif not SHAPES.search(name):
            break
        # Of a sum with a mask or a table of positions, the products are what more than a leaf has made.
        below = [after for after, _ in node.next_functions if after is not None and after.name() != LEAF]
        node = below[0] if below else None
    return node, is_scaled, is_masked


def _has_weight(product):
    """Whether one of the factors is a parameter as it is: then it is a layer, as a router's, and no attention."""
    return any(_parameter(side) is not None for side, _ in product.next_functions)


def _parameter(node):
    """The parameter that this node is, straight or in another shape; None if it was computed."""
    while node is not None and node.name() != LEAF and SHAPES.search(node.name()):
        node = node.next_functions[0][0]
    return node.variable if node is not None and node.name() == LEAF else None


def _weight(node, names):
    """The name of the matrix of the linear layer that this node is, "" if it is none."""
    if node is None or not WEIGHTED.search(node.name()):
        return ""
    held = [_parameter(side) for side, _ in node.next_functions]
    return next((names.get(id(p), "") for p in held if p is not None and p.dim() == 2), "")


def _is_recomputed(node):
    """Whether what the node holds is made anew when it is asked for. torch tells by refusing a second pair of hooks."""
    try:
        node._raw_saved_result.register_hooks(_as_it_is, _as_it_is)
    except RuntimeError:
        return True
    return False


def _as_it_is(tensor: torch.Tensor):
    return tensor
