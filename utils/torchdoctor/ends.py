"""What made a model's output, and what the loss takes it for: autograd's graph knows both, whoever wrote the loss."""

import math
import re
import warnings
from dataclasses import dataclass

import torch

from .layer_calls import kept_random
from .values import floats

MADE_BY = {  # node of autograd's graph -> the function that made an output, of those that bound it
    "ReluBackward0": "ReLU", "TanhBackward0": "Tanh", "SigmoidBackward0": "Sigmoid", "SoftplusBackward0": "Softplus",
    "SoftmaxBackward0": "Softmax", "LogSoftmaxBackward0": "LogSoftmax",
}  # fmt: skip
SHAPES = re.compile("View|Reshape|Squeeze|Unsqueeze|Transpose|Permute|TBackward|Alias|AsStrided|Clone|Slice|Select")
LINEAR = re.compile("^(Addmm|Mm|Bmm|Baddbmm|Convolution|MkldnnConvolution|Linear)Backward")
PARTS = re.compile("^(Slice|Select|Index|MaskedSelect|Split|Unbind|Narrow)")
POOLS = re.compile("MeanBackward|AvgPool|AdaptiveAvgPool|MaxPool|AmaxBackward")
LOGITS, YES_OR_NO, NUMBERS = "logits", "logits of yes or no", "numbers"
PROBABILITIES, LOGS = "probabilities", "log-probabilities"
TAKES = {  # node of autograd's graph -> what the loss takes the output for; the node next to the output decides
    "LogSoftmax": LOGITS, "Softmax": LOGITS, "Logsumexp": LOGITS,
    "BinaryCrossEntropyWithLogits": YES_OR_NO, "Sigmoid": YES_OR_NO, "LogSigmoid": YES_OR_NO,
    "BinaryCrossEntropy": PROBABILITIES, "Log": PROBABILITIES, "NllLoss": LOGS, "NllLoss2D": LOGS,
    "MseLoss": NUMBERS, "SmoothL1Loss": NUMBERS, "HuberLoss": NUMBERS,
}  # fmt: skip
EITHER = ("View|Reshape|Squeeze|Transpose|Permute|^T$|Alias|AsStrided|Clone|Slice|Select|ToCopy|Expand|Gather|Index"
          "|MaskedSelect")
PASSED = {  # what may stand between the two and change nothing about it; a scaled or mixed output is another matter
    PROBABILITIES: re.compile(EITHER + "|Clamp|Add|Rsub|Div|Sum|Neg"),
    **dict.fromkeys((LOGITS, YES_OR_NO, LOGS, NUMBERS), re.compile(EITHER)),
}
OTHER = "something else"
SPREAD = {"Pow", "Abs", "LinalgVectorNorm", "Norm"}  # of a difference, they make a distance
NODES = 500  # of a loss that are looked at: torch's own have three, and a penalty on all weights has hundreds
ROUNDING = 1e-2  # of the sum of a row of probabilities, in 16-bit formats; as in `criterion`
SAME = 1e-4  # of two losses in float32, which are sums of thousands of terms


@dataclass
class End:
    """The end of a model on a batch.

    output, y: tensors. made_by: a value of `MADE_BY`, or "". is_linear: whether the output is a layer's. pooled: whether
    it is a mean or maximum of what made it, or a softmax's input is. beneath: of a softmax, what made its input. axis: of
    a softmax that comes last, else None. takes: what the loss takes the output for, a value of `TAKES` or "". is_binary:
    whether 1 - p is in the loss. is_normalized: whether the loss divides by a sum first. is_own: whether the loss is
    `diagnose`'s own. refused: whether torch's loss would not take the output. in_parts: whether the loss
    takes a slice of the output here and another there, as of boxes and classes in one tensor. all_pairs: whether each output is compared
    with the targets of all samples.
    """

    output: torch.Tensor
    y: torch.Tensor
    made_by: str = ""
    pooled: bool = False
    beneath: str = ""
    axis: int | None = None
    is_linear: bool = False
    takes: str = ""
    is_binary: bool = False
    is_normalized: bool = False
    is_own: bool = True
    refused: bool = False
    in_parts: bool = False
    all_pairs: bool = False

    @property
    def class_axis(self):
        """The axis of the output on which classes lie: 1, or the last one if y has the shape of all others."""
        return -1 if self.output.shape[:-1] == self.y.shape or self.output.dim() < 2 else 1

    @property
    def least_of_scores(self):
        """The least cross-entropy of probabilities that are taken for scores: 1 for the right class and 0 for all others."""
        return math.log(1 + (self.output.shape[self.class_axis] - 1) / math.e)

    @property
    def classes(self):
        """How many classes y tells of, if it tells of classes, and at least two."""
        columns = self.y.shape[1] if self.y.dim() > 1 else 1
        return max(2, columns if columns > 1 else int(self.y.max().item()) + 1)

    @property
    def is_whole(self):
        """Whether y holds whole numbers from 0, as labels are."""
        return bool((self.y >= 0).all() and (not self.y.is_floating_point() or (self.y == self.y.round()).all()))

    @property
    def is_one_hot(self):
        """Whether y has a single 1 in each row, and a column for each output."""
        y = self.y
        return (y.dim() == 2 and y.shape == self.output.shape and y.shape[1] > 1
                and bool(((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all()))

    @property
    def is_choice(self):
        """Whether y names one class of several for each row of outputs, by a label or by a 1."""
        columns = self.output.shape[self.class_axis] if self.output.dim() > 1 else 1
        return self.is_one_hot or (columns > 1 and self.y.numel() * columns == self.output.numel() and self.is_whole)

    @property
    def is_distribution(self):
        """Whether the rows of the output lie between 0 and 1 and sum to 1, up to the rounding of 16-bit formats."""
        o = self.output
        return o.dim() > 1 and bool(o.min() >= 0) and bool(((o.float().sum(self.class_axis) - 1).abs() < ROUNDING).all())


def end_of(criterion, y):
    """The `End` of what a `Criterion` has judged; None if its loss is not that of one output and targets."""
    if criterion.output is None or criterion.node is None or not isinstance(y, torch.Tensor):
        return None
    node = criterion.nodes[0]
    made_by, pooled, maker = _made_by(node)
    end = End(criterion.output.detach(), y.detach(), made_by, pooled, is_own=criterion.loss_fn is None,
              refused=criterion.refused)
    if made_by in ("Softmax", "LogSoftmax"):
        end.beneath, end.pooled, _ = _made_by(maker.next_functions[0][0])
        if maker is node:
            dim = maker._saved_dim
            end.axis = (dim - 2**64 if dim >= 2**63 else dim) % max(end.output.dim(), 1)  # -1 is stored without its sign
    end.is_linear = not made_by and maker is not None and bool(LINEAR.search(maker.name()))
    end.takes, end.is_binary, end.is_normalized = _taken_for(criterion.node, criterion.nodes)
    end.in_parts = _is_sliced(criterion.node, node, end.output.shape)
    if criterion.refused:
        end.takes, end.is_binary = PROBABILITIES, True
    end.all_pairs = criterion.loss_fn is not None and _compares_all_pairs(criterion.loss_fn, end.output, end.y)
    return end


def nodes_of(output):
    """The nodes of autograd's graph that made the tensors of an output; the first is that of the one that is judged."""
    return [t.grad_fn for t in floats(output)]


def _made_by(node):
    """What made the output of a node, "" if nothing known, whether it was pooled after that, and the node that did."""
    pooled = False
    for _ in range(12):  # a change of shape or two, and a pool
        if node is None:
            break
        if kind := MADE_BY.get(node.name()):
            return kind, pooled, node
        pooled |= bool(POOLS.search(node.name()))
        if not (POOLS.search(node.name()) or SHAPES.search(node.name())) or not node.next_functions:
            break
        node = node.next_functions[0][0]
    return "", pooled, node


def _taken_for(node, ends):
    """(what the loss at this node takes the first of the nodes `ends` for, is_binary, is_normalized)."""
    todo, seen, found = [(node, "", False, False)], set(), set()  # nodes with what is known of the way to them
    while todo and len(seen) < NODES:
        node, taken, binary, normalized = step = todo.pop()
        if node is None or step in seen:
            continue
        seen.add(step)
        if node in ends:
            if node is ends[0]:
                found.add((taken, binary, normalized))
            continue
        name = re.sub(r"Backward\d*$", "", node.name())
        if name in TAKES:
            taken = TAKES[name]
            binary, normalized = name.startswith("BinaryCrossEntropy"), False
        elif name in SPREAD:
            taken = taken or "spread"
        elif name in ("Sub", "Rsub") and taken == "spread":
            taken = NUMBERS
        elif taken in PASSED and not PASSED[taken].search(name):
            taken = OTHER
        elif taken == PROBABILITIES:
            binary |= name == "Rsub"
            normalized |= name == "Div"
        todo += [(below, taken, binary, normalized) for below, _ in node.next_functions]
    kinds = {taken for taken, *_ in found} - {"", "spread"}
    if len(kinds) > 1:
        kinds.discard(NUMBERS)  # a focal loss has powers of 1 - p beside its logarithm
    if len(kinds) != 1 or OTHER in kinds:
        return "", False, False
    (kind,) = kinds
    return (kind, *(any(step[i] for step in found if step[0] == kind) for i in (1, 2)))


def _is_sliced(node, end, shape):
    """Whether the loss at a node takes a part of the output that was made at the node `end`; not whether it drops an axis of one."""
    todo, seen = [node], set()
    while todo and len(seen) < NODES:
        node = todo.pop()
        if node is None or node is end or node in seen:
            continue
        seen.add(node)
        todo += [below for below, _ in node.next_functions]
        if PARTS.search(node.name()) and any(below is end for below, _ in node.next_functions):
            axis = getattr(node, "_saved_dim", None)
            axis = axis - 2**64 if axis is not None and axis >= 2**63 else axis
            length = shape[axis] if axis is not None and len(shape) else 2
            whole = node.name().startswith("Slice") and node._saved_start == 0 and node._saved_end >= length
            if length > 1 and not whole:
                return True
    return False


def _compares_all_pairs(loss_fn, output, y):
    """Whether a loss compares each output with the targets of all samples: then it is the same for mixed targets.

    Asked only where shapes would be broadcast, and of outputs that are the targets themselves: any other loss is at its
    least there. A loss that takes no notice of y is no such case, and so is one that mends the shapes itself.
    """
    if output.shape == y.shape or output.numel() != y.numel() or not output.dim() or not y.dim() or len(y) < 2:
        return False
    try:
        if torch.broadcast_shapes(output.shape, y.shape).numel() <= output.numel() or not (y != y[:1]).any():
            return False
        perfect = y.reshape(output.shape).to(output.dtype)
        with torch.no_grad(), kept_random(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch has warned of these shapes before
            told, mixed, mended = (float(loss_fn(perfect, targets)) for targets in (y, y.roll(1, 0), perfect))
    except Exception:  # noqa: BLE001  a loss that fails on such outputs: it is judged without this
        return False
    return abs(told - mixed) <= SAME * abs(told) < abs(told - mended)
