"""Hooks for what `measure` does not hear: twin units, nonlinearities, memory in time."""

import math
import re
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn

from . import keras_layers
from .layer_calls import is_nonlinearity, left_as_found, matrices
from .norms import is_norm, suits, values_each
from .values import double, first_float, floats, norm, tensors

# Rows of a weight matrix that differ by no more than the roundings of a sum of some thousand terms are the same row.
TWINS = 1e-5

FEW = 8  # samples that are enough to see how far back a memory reaches
KINDS = {  # node of autograd's graph -> class of the nonlinearity that made it
    "ReluBackward0": "ReLU", "TanhBackward0": "Tanh", "SigmoidBackward0": "Sigmoid", "GeluBackward0": "GELU",
    "SiluBackward0": "SiLU", "EluBackward0": "ELU", "LeakyReluBackward0": "LeakyReLU", "MishBackward0": "Mish",
    "SoftplusBackward0": "Softplus",
}  # fmt: skip
ROWS_ALONE = ("Embedding", "EmbeddingBag", *keras_layers.NO_UNITS)  # whose rows may well be alike: each is for other samples
LINEAR_NODES = re.compile("Addmm|Mm|Bmm|Convolution|Linear|View|Reshape")  # what a layer's output comes from
# phi(c z) = c phi(z) for c > 0: a norm behind it undoes the size of W and b as one right behind the layer does.
HOMOGENEOUS = re.compile("^(Relu|LeakyRelu|PreluKernel|MaxPool|AvgPool|AdaptiveAvgPool|NativeDropout)")
TOKENWISE = (nn.Linear, nn.MultiheadAttention)
PASSED_OVER = re.compile("View|Reshape|Mul|MaxPool|AvgPool|Mean|Transpose|Permute|Unsqueeze|Squeeze|AsStrided|TBackward")


@dataclass
class Heard:
    """What the hooks tell.

    weights: name of every layer, called or not -> its weights. twins: ids of the weights whose rows and gradient rows are
    all the same. follows: name of a layer -> class of the nonlinearity after it, where the graph tells. nonlinearities:
    name of each nonlinear module between layers -> its class, and ending: of each after the last layer. series: name of a recurrent layer -> its input.
    last_step_only: name of a recurrent layer -> whether no step but the last has a gradient of its own. normed: names of
    layers whose output goes into a norm by the batch's own statistics, or running ones that are the same, straight or through a ReLU or pooling. received: name of a layer that takes
    data, and nothing that other layers made -> their root mean square, varies -> that of what differs from sample to sample, and uneven -> see there. one_id: names of
    embeddings that get one and the same id throughout. positions: name of a layer that takes
    (batch, positions, features) -> how far its first sample's positions lie apart. states: name of a recurrent layer ->
    for each call, the norms of the gradients that come through its states. read: what the last layer took, or None.
    erasing: name of a norm that takes each mean over a single value -> name of the layer called before it, or None.
    """

    weights: dict = field(default_factory=dict)
    twins: set = field(default_factory=set)
    follows: dict = field(default_factory=dict)
    nonlinearities: dict = field(default_factory=dict)
    ending: dict = field(default_factory=dict)
    series: dict = field(default_factory=dict)
    last_step_only: dict = field(default_factory=dict)
    normed: set = field(default_factory=set)
    received: dict = field(default_factory=dict)
    varies: dict = field(default_factory=dict)
    uneven: dict = field(default_factory=dict)
    one_id: set = field(default_factory=set)
    positions: dict = field(default_factory=dict)
    states: dict = field(default_factory=dict)
    erasing: dict = field(default_factory=dict)
    read: torch.Tensor | None = None


@contextmanager
def listening(modules):
    """While this is open, forward and backward passes of a model fill the `Heard` that this yields.

    modules: name -> module, as `keras_layers.modules_of` gives them.
    """
    heard, handles, called = Heard(), [], []
    pending = heard.ending

    def weight_hook(key, gates, module):
        def hook(gradient):
            if same_rows(keras_layers.rows(module, gradient), gates):
                heard.twins.add(key)

        return hook

    def layer_hook(name):
        def hook(module, inputs, *_):
            tensor = first_float(inputs)
            if called and tensor is not None and (kind := _made_by(tensor.grad_fn)):
                heard.follows.setdefault(called[-1], kind)
            if tensor is not None and tensor.dim() == 3 and tensor.shape[1] > 1 and isinstance(module, TOKENWISE):
                heard.positions[name] = apart(tensor[0])
            layer = name or type(module).__name__
            # Not of an embedding: Keras hands it whole numbers as real ones, and their size is none of data.
            is_first = layer not in heard.received and type(module).__name__ != "Embedding"
            if tensor is not None and is_first and (not called or not tensor.requires_grad):
                heard.received[layer] = size = norm(tensor) / math.sqrt(max(tensor.numel(), 1))
                heard.varies[layer] = size * apart(tensor)
                heard.uneven[layer] = uneven(tensor)
            if isinstance(module, nn.Embedding):
                ids = next(tensors(inputs), torch.ones(0, device="cpu")).detach().long().flatten()
                if len(ids) > 1 and bool((ids == ids[0]).all()):
                    heard.one_id.add(layer)
            heard.read = None if tensor is None else tensor.detach()
            called.append(name)
            heard.nonlinearities |= pending  # a layer comes after them, so they are no output's
            pending.clear()
            if kind := keras_layers.kind_of(module):
                pending[name] = kind

        return hook

    def nonlinearity_hook(name):
        return lambda module, inputs: pending.setdefault(name, keras_layers.kind_of(module) or type(module).__name__) and None

    def norm_hook(name):
        def hook(module, inputs):
            if values_each(module, inputs[0]) == 1:
                heard.erasing[name] = (called[-1] or type(modules[""]).__name__) if called else None
            node = inputs[0].grad_fn
            while node is not None and HOMOGENEOUS.search(node.name()):
                node = node.next_functions[0][0]
            own = module.training or getattr(module, "running_mean", None) is None or suits(module, inputs[0])
            if own and called and node is not None and (LINEAR_NODES.search(node.name()) or keras_layers.is_keras(module)):
                heard.normed.add(called[-1])

        return hook

    def state_hook(name):
        def hook(module, inputs, outputs):
            norms = heard.states.setdefault(name, [])
            norms.append([])
            for state in list(floats(outputs))[1:]:
                if state.requires_grad:
                    handles.append(state.register_hook(lambda g, parts=norms[-1]: parts.append(norm(g))))

        return hook

    def series_hook(name):
        def hook(module, inputs, outputs):
            heard.series[name] = inputs[0]
            out = first_float(outputs)
            if out.requires_grad and out.dim() == 3:
                heard.last_step_only[name] = True  # stays, if the loss takes the last state and not the outputs
                handles.append(out.register_hook(lambda g: listen_in_time(g, module)))

        def listen_in_time(gradient, module):
            steps = gradient.detach().movedim(1 if module.batch_first else 0, 0).flatten(1).abs().amax(1)
            heard.last_step_only[name] = not bool((steps[:-1] > 0).any())

        return hook

    try:
        for name, module in modules.items():
            weights = [] if ".parametrizations" in name else matrices(module)
            if weights:
                heard.weights[name] = weights
            for p in weights:
                if p.requires_grad:
                    is_recurrent = isinstance(module, (nn.RNNBase, nn.RNNCellBase))
                    gates = len(p) // module.hidden_size if is_recurrent else keras_layers.gates(module)
                    if type(module).__name__ not in ROWS_ALONE and same_rows(keras_layers.rows(module, p), gates):
                        handles.append(p.register_hook(weight_hook(id(p), gates, module)))
            if weights:
                handles.append(module.register_forward_pre_hook(layer_hook(name)))
            elif is_nonlinearity(module):
                handles.append(module.register_forward_pre_hook(nonlinearity_hook(name)))
            elif is_norm(module):
                handles.append(module.register_forward_pre_hook(norm_hook(name)))
            if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
                handles.append(module.register_forward_hook(state_hook(name)))
            if isinstance(module, nn.RNNBase):
                handles.append(module.register_forward_hook(series_hook(name)))
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def through_time(module, inputs):
    """||dh_T/dx_t|| for every step t, in one random direction of the last output; a float64 tensor (steps,)."""
    if isinstance(inputs, nn.utils.rnn.PackedSequence):
        padded, lengths = nn.utils.rnn.pad_packed_sequence(inputs, batch_first=module.batch_first)
        longest = lengths.argmax().item()
        steps = lengths[longest].item()
        inputs = padded[longest : longest + 1, :steps] if module.batch_first else padded[:steps, longest : longest + 1]
    if inputs.dim() == 2:
        inputs = inputs.unsqueeze(0 if module.batch_first else 1)
    time = 1 if module.batch_first else 0
    few = inputs.detach().narrow(1 - time, 0, min(FEW, inputs.shape[1 - time])).clone().requires_grad_()
    size = module.proj_size or module.hidden_size
    with left_as_found(module.modules()), torch.enable_grad():
        last = module.forward(few)[0].select(time, -1)[..., :size]  # of a bidirectional one, the direction that has seen all
        direction = torch.randn(last.shape, generator=torch.Generator("cpu").manual_seed(0), device="cpu").to(last)
        (gradient,) = torch.autograd.grad(last, few, direction)
    return torch.linalg.vector_norm(double(gradient).movedim(time, 0).flatten(1), dim=1)


def _made_by(node):
    """The class of the nonlinearity whose output this node of autograd's graph is, through pooling, dropout and views."""
    for _ in range(6):
        if node is None:
            return ""
        if node.name() in KINDS:
            return KINDS[node.name()]
        if not PASSED_OVER.search(node.name()) or not node.next_functions:
            return ""
        node = node.next_functions[0][0]
    return ""


def uneven(t):
    """How many times as much as the median column the one varies that varies most, of (samples, columns) and of a few samples; else NaN."""
    if t.dim() != 2 or len(t) < 3 or t.shape[1] < 3:
        return math.nan
    of_columns = double(t.detach()[spread(len(t))]).std(0)
    median = of_columns.median().item()
    return of_columns.max().item() / median if median else math.nan


def same_rows(matrix, gates=1):
    """Whether the rows of (rows, ...) are the same but for rounding, and at least two; of `gates` blocks, within each."""
    if len(matrix) < 2 * gates:
        return False
    first, second = matrix.detach()[:2].flatten(1)  # which tell most apart, and take no time
    near = TWINS * torch.linalg.vector_norm(first, math.inf).item()
    if not torch.linalg.vector_norm(second - first, math.inf).item() <= near:
        return False
    blocks = matrix.detach().reshape(gates, len(matrix) // gates, -1)
    return bool(((blocks - blocks[:, :1]).abs() <= near).all())


def spread(length):
    """A few indices from the first to the last of so many."""
    few = min(FEW, length)
    return [i * (length - 1) // (few - 1) if few > 1 else 0 for i in range(few)]


def apart(t):
    """How far the entries of t along its first dimension lie apart: the norm of their differences from the mean, over t's.

    Of a few entries only, spread over all of them: neighbours are alike where data are ordered. nan if there is but one,
    or if they are 0.
    """
    if not t.dim() or len(t) < 2:
        return math.nan
    few = double(t.detach()[spread(len(t))])
    size = few.norm().item()
    return (few - few.mean(0)).norm().item() / size if size else math.nan
