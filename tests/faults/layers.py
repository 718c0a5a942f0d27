"""A net in one line of text -> PyTorch modules, drawn as Keras draws them. Sizes of inputs are read off a sample.

    "conv 32 3 relu > pool 2 > flatten > 2 x dense 64 tanh > dropout .5 > dense 10 softmax"

Layers stand between ">", and "2 x" means twice. A layer is a name, its numbers, and words: an activation that follows
it, or how it is drawn. Channels come first; a conv or pool has as many dimensions as what it gets.

    dense UNITS, conv CHANNELS KERNEL [stride=S] [same]
        drawn: glorot (if nothing is said), he, uniform (+-.05), bound=B (+-B), normal (deviation .05), normal1 (of
        deviation 1, the biases too); nobias, frozen
    pool K [stride=S] [same], bn [momentum=M], dropout P, leaky SLOPE, embedding WORDS UNITS
    lstm UNITS, gru UNITS [last] [mask=VALUE], sigmoidlstm UNITS (with Keras' activation="sigmoid")
    flatten, squeeze (the last axis), swap (the last two axes), gap and gmp (mean and maximum over all places)
    relu, sigmoid, tanh, softmax: layers of their own, too
"""

import math
from typing import NamedTuple

import torch
from torch import nn

EPSILON = 1e-3  # of Keras' batch norm; its momentum .99 is PyTorch's .01
MOMENTUM = 0.01
ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softmax": lambda: nn.Softmax(-1)}


class Spec(NamedTuple):
    """A layer as text says it: "conv 32 3 stride=2 relu" has numbers (32, 3), options {"stride": 2}, words {"relu"}."""

    name: str
    numbers: tuple
    options: dict
    words: set


def sequential(text, x):
    """Return the nn.Sequential that `text` describes, for samples such as x (samples first)."""
    modules = []
    for spec in specs(text):
        for module in made(spec, x):
            modules.append(module)
            with torch.no_grad():
                x = module.eval()(x)
    return nn.Sequential(*modules).train()


def specs(text):
    """Yield a `Spec` for each layer of a net's text."""
    for entry in filter(None, map(str.strip, text.split(">"))):
        words = entry.split()
        times, words = (int(words[0]), words[2:]) if words[1:2] == ["x"] else (1, words)
        yield from [_spec(*words)] * times


def _spec(name, *rest):
    options = dict(word.split("=") for word in rest if "=" in word)
    numbers = [word for word in rest if word[0] in ".0123456789"]
    words = {word for word in rest if word not in numbers and "=" not in word}
    return Spec(name, tuple(map(_number, numbers)), {key: _number(value) for key, value in options.items()}, words)


def _number(word):
    return int(word) if word.lstrip("-").isdigit() else float(word)


def made(spec, x):
    """Return the modules of a `Spec`, for inputs such as x: what comes before the layer, the layer, its activation."""
    if spec.name in ACTIVATIONS:
        return [ACTIVATIONS[spec.name]()]
    return MAKERS[spec.name](spec, x) + [ACTIVATIONS[word]() for word in spec.words if word in ACTIVATIONS]


def _dense(spec, x):
    return [drawn(nn.Linear(x.shape[-1], *spec.numbers, bias="nobias" not in spec.words), spec)]


def _conv(spec, x):
    channels, kernel = spec.numbers
    stride, sizes = spec.options.get("stride", 1), x.shape[2:]
    missing = [_missing(size, kernel, stride) if "same" in spec.words else 0 for size in sizes]
    before = []
    if any(n % 2 for n in missing):  # the greater half behind, which no convolution of PyTorch's does by itself
        sides = [side for n in reversed(missing) for side in (n // 2, n - n // 2)]  # F.pad begins with the last axis
        before, missing = [_of_dimension("ConstantPad", x)(tuple(sides), 0.0)], [0] * len(sizes)
    conv = _of_dimension("Conv", x)(x.shape[1], channels, kernel, stride, padding=tuple(n // 2 for n in missing))
    return [*before, drawn(conv, spec)]


def _missing(size, kernel, stride):
    """How much Keras' padding "same" adds to an axis, so that ceil(size / stride) places come out."""
    return max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)


def _pool(spec, x):
    size, stride = spec.numbers[0], spec.options.get("stride")
    return [_of_dimension("MaxPool", x)(size, stride, ceil_mode="same" in spec.words)]


def _norm(spec, x):
    momentum = spec.options.get("momentum", MOMENTUM)
    kind = nn.BatchNorm1d if x.dim() == 2 else _of_dimension("BatchNorm", x)
    return [kind(x.shape[1], eps=EPSILON, momentum=momentum)]


def _of_dimension(name, x):
    return getattr(nn, f"{name}{x.dim() - 2}d")


def drawn(layer, spec):
    """Draw a layer's weights as `spec` says, glorot_uniform if it says nothing; biases are 0."""
    weight, words = layer.weight, spec.words
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    bound = spec.options.get("bound", 0.05 if "uniform" in words else None)
    if bound is not None:
        nn.init.uniform_(weight, -bound, bound)
    elif "normal" in words:
        nn.init.normal_(weight, std=0.05)
    elif "normal1" in words:
        nn.init.normal_(weight)
        nn.init.normal_(layer.bias)
    elif "he" in words:
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    else:
        nn.init.xavier_uniform_(weight)
    return layer.requires_grad_("frozen" not in words)


class Shape(nn.Module):
    """A change of shape without weights: one of `SHAPES`."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, x):
        """Return x in its new shape."""
        return SHAPES[self.name](x)

    def extra_repr(self):
        """What print shows."""
        return self.name


SHAPES = {
    "squeeze": lambda x: x.squeeze(-1),
    "swap": lambda x: x.transpose(1, 2),
    "gap": lambda x: x.flatten(2).mean(2),
    "gmp": lambda x: x.flatten(2).amax(2),
}


class Embedding(nn.Embedding):
    """Keras' embedding: it takes any numbers (samples, steps), and cuts off what is behind the point."""

    def __init__(self, words, units):
        super().__init__(words, units)
        nn.init.uniform_(self.weight, -0.05, 0.05)

    def forward(self, x):
        """Return (samples, steps, units)."""
        return super().forward(x.long())


class Recurrent(nn.Module):
    """An LSTM or a GRU as Keras draws it: glorot, orthogonal in time, an LSTM's forget gate with bias 1.

    It takes (samples, steps, features) and returns (samples, steps, units); with `last` (samples, units), the last
    step, and with `mask` the last one before the steps at the end that hold this value.
    """

    def __init__(self, kind, features, units, last, mask):
        super().__init__()
        self.rnn, self.last, self.mask = kind(features, units, batch_first=True), last, mask
        nn.init.xavier_uniform_(self.rnn.weight_ih_l0)
        for gate in self.rnn.weight_hh_l0.data.split(units):
            nn.init.orthogonal_(gate)
        for bias in (self.rnn.bias_ih_l0, self.rnn.bias_hh_l0):
            nn.init.zeros_(bias)
        if kind is nn.LSTM:
            nn.init.ones_(self.rnn.bias_ih_l0.data[units : 2 * units])

    def forward(self, x):
        """Return all steps or the last."""
        steps, _ = self.rnn(x)
        if not self.last:
            return steps
        if self.mask is None:
            return steps[:, -1]
        return steps[torch.arange(len(x)), (x[..., 0] != self.mask).sum(1) - 1]


class SigmoidLSTM(nn.Module):
    """Keras' LSTM(activation="sigmoid", recurrent_activation="hard_sigmoid"), step by step.

    It takes (samples, steps, features) and returns the last step, (samples, units).
    """

    def __init__(self, features, units):
        super().__init__()
        self.kernel, self.recurrent = nn.Linear(features, 4 * units), nn.Linear(units, 4 * units, bias=False)
        nn.init.xavier_uniform_(self.kernel.weight)
        nn.init.orthogonal_(self.recurrent.weight)
        nn.init.zeros_(self.kernel.bias)
        nn.init.ones_(self.kernel.bias.data[units : 2 * units])

    def forward(self, x):
        """Return the last step."""
        h = c = x.new_zeros(len(x), self.recurrent.in_features)
        for z in self.kernel(x).unbind(1):
            *gates, g = (z + self.recurrent(h)).chunk(4, 1)
            i, f, o = ((0.2 * gate + 0.5).clamp(0, 1) for gate in gates)
            c = f * c + i * g.sigmoid()
            h = o * c.sigmoid()
        return h


def _recurrent(kind):
    return lambda spec, x: [Recurrent(kind, x.shape[-1], *spec.numbers, "last" in spec.words, spec.options.get("mask"))]


MAKERS = {
    "dense": _dense,
    "conv": _conv,
    "pool": _pool,
    "bn": _norm,
    "dropout": lambda spec, x: [nn.Dropout(*spec.numbers)],
    "leaky": lambda spec, x: [nn.LeakyReLU(*spec.numbers)],
    "flatten": lambda spec, x: [nn.Flatten()],
    "embedding": lambda spec, x: [Embedding(*spec.numbers)],
    "lstm": _recurrent(nn.LSTM),
    "gru": _recurrent(nn.GRU),
    "sigmoidlstm": lambda spec, x: [SigmoidLSTM(x.shape[-1], *spec.numbers)],
    **{name: lambda spec, x: [Shape(spec.name)] for name in SHAPES},
}
