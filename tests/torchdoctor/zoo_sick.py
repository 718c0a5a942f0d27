"""Nets that are sick, of many kinds: what `diagnose` must not miss. Each entry: the diagnoses that are right, and a maker."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.torchdoctor import zoo_models
from tests.torchdoctor.zoo import (
    Case,
    Chain,
    Highway,
    Reader,
    even,
    long_trained,
    mlp,
    on_digits,
    on_ending,
    on_images,
    on_series,
    on_tokens,
    padded,
    regression,
    rescaled,
    settled,
    with_norms,
)
from tests.torchdoctor.zoo_models import LastStep, LeNet, ResNet, vgg
from utils.data.datasets import digits
from utils.training.loop import fit


def biased(bias, depth=3, activation="relu", init="he"):
    net = mlp(depth, activation=activation, init=init)
    for layer in net.hidden:
        nn.init.constant_(layer.bias, bias)
    return on_digits(net)


def constant(model, value, biases=0.0):
    for p in model.parameters():
        nn.init.constant_(p, value if p.dim() > 1 else biases)
    return model


def spoiled(model, value, which=-2):
    """One entry of one weight matrix is not a finite number."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    with torch.no_grad():
        matrices[which].view(-1)[3] = value
    return model


class Detached(nn.Module):
    """Features that are computed outside of autograd's graph."""

    def __init__(self, features, head):
        super().__init__()
        self.features, self.head = features, head

    def forward(self, x):
        return self.head(self.features(x).detach())


class WithoutGrad(Detached):
    """The same slip in its other spelling."""

    def forward(self, x):
        with torch.no_grad():
            features = self.features(x)
        return self.head(features)


def conv_net(depth, activation, width=12):
    layers, inputs = [], 3
    for _ in range(depth):
        layers += [nn.Conv2d(inputs, width, 3, padding=1), activation()]
        inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(width * 4, 10))


class BareTransformer(nn.Module):
    """Attention and feed-forward layers without skips; norm: with a layer norm after each."""

    def __init__(self, layers=12, width=32, norm=False):
        super().__init__()
        self.embed = nn.Embedding(30, width)
        self.attention = nn.ModuleList(nn.MultiheadAttention(width, 4, batch_first=True) for _ in range(layers))
        self.forwards = nn.ModuleList(nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, width)) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) if norm else nn.Identity() for _ in range(2 * layers))
        self.out = nn.Linear(width, 3)

    def forward(self, tokens):
        x = self.embed(tokens)
        for i, (attention, feed_forward) in enumerate(zip(self.attention, self.forwards)):
            x = self.norms[2 * i](attention(x, x, x, need_weights=False)[0])
            x = self.norms[2 * i + 1](feed_forward(x))
        return self.out(x.mean(1))


def thrown(steps, lr, **settings):
    """A ReLU net after some steps that were far too large."""
    net = mlp(3, activation="relu", init="he", **settings)
    data = digits()
    fit(net, data.x, data.y, steps=steps, lr=lr, optimizer="adam", live=False)
    return on_digits(net)


def identity_rnn(scale, steps=40):
    rnn = nn.RNN(4, 24, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        rnn.weight_hh_l0.copy_(scale * torch.eye(24))
    return on_series(rnn, steps)


def in_half(scale):
    """Weights that suit float32 and overflow float16."""
    case = on_digits(mlp(3, activation="relu", sigma_w=scale, dtype=torch.float32))
    return Case(case.model.half(), case.x.half(), case.y)


def logarithm():
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10), nn.Softmax(1))
    def nll(p, y):
        return -(p - p.amin(1, keepdim=True)).log().gather(1, y[:, None]).mean()

    return Case(net, torch.randn(64, 64), torch.zeros(64, dtype=torch.long), {"loss_fn": nll})


def pixels(model):
    case = on_images(model, channels=1 if isinstance(model, LeNet) else 3)
    return Case(model, torch.randint(256, case.x.shape).float(), case.y)


def scaled(case, factor, kind=nn.Linear):
    with torch.no_grad():
        for module in case.model.modules():
            if isinstance(module, kind):
                module.weight *= factor
    return case


def refrozen(case):
    case.model.requires_grad_(False)
    return case


class Halving(nn.Module):
    """A skip that halves what passes: x/2 - ReLU(W x)/4, and the product of halves is what vanishes."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(64, 64)

    def forward(self, x):
        return 0.5 * x - 0.25 * torch.relu(self.linear(x))


def dead_convolutions(bias):
    net = conv_net(4, nn.ReLU)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.bias, bias)
    return on_images(net)


def dead_norms(beta):
    net = vgg()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.bias, beta)
    return on_images(net)


def on_symmetric_series():
    case = on_series(nn.LSTM(4, 24, batch_first=True), 10)
    constant(case.model, 0.1)
    return case


class Kept(nn.Module):
    """A net with hidden layers that it only keeps, or makes as it needs them."""

    def __init__(self, kept):
        super().__init__()
        self.first, self.kept, self.out = nn.Linear(64, 64), kept, nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.first(x))
        if isinstance(self.kept, torch.Tensor):
            return self.out(torch.relu(x @ self.kept))
        if isinstance(self.kept, (dict, nn.ModuleDict)):
            layers = [layer for some in self.kept.values() for layer in some]
        else:
            layers = self.kept or [nn.Linear(64, 64)]
        for layer in layers:
            x = torch.relu(layer(x))
        return self.out(x)


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def ending(end, bias=0.0):
    """A small net that ends in a module, and the bias before it."""
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1), end)
    nn.init.constant_(net[2].bias, bias)
    return Case(net, torch.randn(64, 8), torch.rand(64, 1), {"lr": 1e-2})


def digit_net():
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).double()


def undivided(width=256, scale=2.0):
    """An attention whose products have a deviation of scale^2 sqrt(width) = 64."""
    net = zoo_models.HandAttention(width, is_scaled=False)
    for layer in (net.query, net.key):
        nn.init.orthogonal_(layer.weight)
    return Case(net, scale * torch.randn(16, 12, width), torch.randint(3, (16,)))


UNOWNED, NOTHING, MIXED = {"unowned weights"}, {"no gradient"}, {"samples mixed"}
VANISHING, EXPLODING, SATURATED, DEAD = {"vanishing"}, {"exploding"}, {"saturated"}, {"dead"}
MISFIT, BROADCAST = {"output does not fit"}, {"broadcast target"}
TOO_SMALL, TOO_LARGE, IN_TIME = {"input too small"}, {"target too large"}, {"vanishing in time"}
MEAN, ONE_VALUE, ATTENTION = {"the mean eats the gain"}, {"collapsed"}, {"attention saturated"}
SYMMETRIC, FROZEN, CUT, NOT_FINITE = {"symmetric"}, {"frozen"}, {"cut off"}, {"not finite"}

SICK = {
    "7 sigmoid layers, Xavier": (VANISHING, lambda: on_digits(mlp(7))),
    "10 sigmoid layers, Xavier": (VANISHING, lambda: on_digits(mlp(10))),
    "30 sigmoid layers, Xavier": (VANISHING, lambda: on_digits(mlp(30))),
    "10 sigmoid layers, functional": (VANISHING, lambda: on_digits(Chain(10, torch.sigmoid))),
    "15 softplus layers, their gain": (MEAN, lambda: on_digits(mlp(15, activation="softplus", sigma_w=1.0419))),
    "15 softplus layers, torch's weights": (MEAN, lambda: on_digits(mlp(15, activation="softplus", init="torch"))),
    "15 softplus layers, layer norm": (MEAN, lambda: with_norms(15, nn.LayerNorm, activation=nn.Softplus)),
    "20 softplus layers, functional": (MEAN, lambda: on_digits(Chain(20, F.softplus))),
    "10 tanh layers, N(0, 0.01^2)": (VANISHING, lambda: on_digits(mlp(10, activation="tanh", init="small"))),
    "20 tanh layers, torch's weights": (VANISHING, lambda: on_digits(mlp(20, activation="tanh", init="torch"))),
    "20 ReLU layers, torch's weights": (VANISHING, lambda: on_digits(mlp(20, activation="relu", init="torch"))),
    "30 ReLU layers, Xavier": (VANISHING, lambda: on_digits(mlp(30, activation="relu", init="xavier"))),
    "20 ReLU layers, functional": (VANISHING, lambda: on_digits(Chain(20, F.relu))),
    "20 GELU layers, torch's weights": (VANISHING, lambda: on_digits(Chain(20, F.gelu))),
    "12 sigmoid convolutions": (VANISHING, lambda: on_images(conv_net(12, nn.Sigmoid))),
    "20 ReLU convolutions, torch's weights": (VANISHING, lambda: on_images(conv_net(20, nn.ReLU))),
    "VGG-16 without norm, torch's weights": (VANISHING, lambda: on_images(
        vgg((8, 8, "M", 16, 16, "M", 32, 32, 32, "M", 64, 64, 64, "M", 64, 64, 64, "M"), norm=False, he=False))),
    "transformer without skips and norms": (VANISHING, lambda: on_tokens(BareTransformer())),
    "20 blocks of x/2 - ReLU": (VANISHING, lambda: on_digits(nn.Sequential(*(Halving() for _ in range(20)), nn.Linear(64, 10)))),
    "50 highway layers, gates at 0": (VANISHING, lambda: on_digits(Highway(50, 0.0))),
    "8 tanh layers, N(0, 1)": (EXPLODING | SATURATED, lambda: on_digits(mlp(8, activation="tanh", init="naive"))),
    "20 tanh layers of 256, N(0, 1)": (EXPLODING | SATURATED, lambda: on_digits(mlp(20, 256, activation="tanh", init="naive"))),
    "10 ReLU layers, N(0, 1)": (EXPLODING, lambda: on_digits(mlp(10, activation="relu", init="naive"))),
    "20 ReLU layers, sigma_w = 2": (EXPLODING, lambda: on_digits(mlp(20, activation="relu", sigma_w=2.0))),
    "80 ReLU layers, batch norm": (EXPLODING, lambda: with_norms(80, nn.BatchNorm1d)),
    "30 residual blocks, unscaled": (EXPLODING, lambda: on_digits(Chain(30, torch.relu, init=2**0.5, skip=1.0))),
    "VGG-11 without norm, weights tripled": (EXPLODING, lambda: scaled(on_images(
        vgg((16, "M", 32, "M", 64, 64, "M", 64, 64, "M", 64, 64, "M"), norm=False)), 3.0, nn.Conv2d)),
    "5 tanh layers, biases of 5": (SATURATED | VANISHING, lambda: biased(5.0, 5, "tanh", "xavier")),
    "4 sigmoid layers, biases of -9": (SATURATED | VANISHING, lambda: biased(-9.0, 4, "sigmoid", "xavier")),
    "2 wide tanh layers, N(0, 1)": (SATURATED, lambda: on_digits(mlp(2, 256, activation="tanh", init="naive"))),
    "2 tanh convolutions, pixels of 0..255": ({"input too large"}, lambda: pixels(conv_net(2, nn.Tanh))),
    "3 ReLU layers, biases of -3": (DEAD, lambda: biased(-3.0)),
    "3 ReLU layers, biases of -10": (DEAD, lambda: biased(-10.0)),
    "8 ReLU layers, biases of -1": (DEAD, lambda: biased(-1.0, 8)),
    "ReLU layers after steps of 0.3": (DEAD, lambda: thrown(200, 0.3)),
    "ReLU layers after steps of 1": (DEAD, lambda: thrown(100, 1.0)),
    "ReLU convolutions, biases of -3": (DEAD, lambda: dead_convolutions(-3.0)),
    "batch norm with beta = -7": (DEAD, lambda: dead_norms(-7.0)),
    "all weights 0.1": (SYMMETRIC, lambda: on_digits(constant(mlp(3, activation="relu"), 0.1))),
    "all weights 0": (SYMMETRIC, lambda: on_digits(constant(mlp(3, activation="tanh"), 0.0))),
    "constant convolutions": (SYMMETRIC, lambda: on_images(constant(conv_net(3, nn.ReLU), 0.05))),
    "constant LSTM": (SYMMETRIC, lambda: on_symmetric_series()),
    "everything frozen": (FROZEN, lambda: refrozen(on_digits(mlp(3, activation="relu", init="he")))),
    "a frozen ResNet": (FROZEN, lambda: refrozen(on_images(ResNet(1, 8)))),
    "features detached": (CUT, lambda: on_images(Detached(conv_net(3, nn.ReLU)[:-1], nn.Linear(48, 10)))),
    "features under no_grad": (CUT, lambda: on_images(WithoutGrad(conv_net(3, nn.ReLU)[:-1], nn.Linear(48, 10)))),
    "a NaN in a weight": (NOT_FINITE, lambda: on_digits(spoiled(mlp(3, activation="relu"), float("nan")))),
    "an infinite weight": (NOT_FINITE, lambda: on_images(spoiled(ResNet(1, 8), float("inf")))),
    "float16 that overflows": (NOT_FINITE, lambda: in_half(200.0)),
    "a logarithm of 0": (NOT_FINITE, logarithm),
    "RNN, 100 steps": ({"vanishing in time"}, lambda: on_series(nn.RNN(4, 24, batch_first=True), 100)),
    "ReLU RNN, 1.5 times the identity": ({"exploding in time"}, lambda: identity_rnn(1.5)),
    "transformer with norms, without skips": ({"collapsed"}, lambda: on_tokens(BareTransformer(24, norm=True))),
    "a step of 30": ({"step too large"}, lambda: on_digits(mlp(3, activation="relu", init="he"), lr=30.0)),
    "a step of 1e-9": ({"step too small"}, lambda: on_digits(mlp(3, activation="relu", init="he"), lr=1e-9)),
    "layers in a list": (UNOWNED, lambda: on_digits(Kept([nn.Linear(64, 64) for _ in range(3)]))),
    "layers in a dict of lists": (UNOWNED, lambda: on_digits(Kept({"a": [nn.Linear(64, 64)], "b": [nn.Linear(64, 64)]}))),
    "a layer made in forward": (UNOWNED, lambda: on_digits(Kept(None))),
    "a weight that is a plain tensor": (UNOWNED, lambda: on_digits(Kept((torch.randn(64, 64) / 8).requires_grad_()))),
    "an output ReLU that is silent": (NOTHING, lambda: ending(nn.ReLU(), -9.0)),
    "an output that is rounded": (NOTHING, lambda: ending(Function(torch.round))),
    "an output of signs": (NOTHING, lambda: ending(Function(torch.sign))),
    "an output sigmoid on its upper end": (NOTHING, lambda: ending(nn.Sigmoid(), 60.0)),
    "an output sigmoid on its lower end": (NOTHING, lambda: ending(nn.Sigmoid(), -60.0)),
    "an output cut off": (NOTHING, lambda: ending(Function(lambda z: z.clamp(0, 1)), -9.0)),
    "an error rate that requires a gradient": (NOTHING, lambda: Case(*on_digits(mlp(2))[:3], {
        "loss_fn": lambda output, y: (output.argmax(1) != y).double().mean().requires_grad_()})),
    "the sum of a layer norm": (NOTHING, lambda: Case(nn.Sequential(nn.Linear(8, 64), nn.LayerNorm(64)), torch.randn(32, 8), None, {
        "loss_fn": lambda output: output.sum(), "lr": 1e-3})),
    "GRU that takes samples for time": (MIXED, lambda: Case(
        LastStep(nn.GRU(4, 24)), torch.randn(32, 10, 4), torch.randint(3, (32,)))),
    "attention between samples": (MIXED, lambda: Case(
        nn.Sequential(nn.Linear(4, 32), nn.TransformerEncoderLayer(32, 4, 64), nn.Flatten(), nn.Linear(320, 3)),
        torch.randn(32, 10, 4), torch.randint(3, (32,)))),
    "softmax over the samples": (MIXED | MISFIT, lambda: Case(
        nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 3), nn.Softmax(0)), torch.randn(32, 8), torch.rand(32, 3))),
    "running statistics that lag": ({"train and eval disagree"}, lambda: settled(1e-3)),
    "inputs of a hundred-thousandth": (TOO_SMALL, lambda: rescaled(on_digits(digit_net()), 1e-5)),
    "inputs of a hundred-thousandth, Adam": (TOO_SMALL, lambda: rescaled(on_digits(digit_net()), 1e-5, optimizer="adam")),
    "inputs that all lie at 1": (TOO_SMALL, lambda: rescaled(regression(), 1e-3, 1.0)),
    "windows of a thousandth": (TOO_SMALL, lambda: rescaled(on_series(nn.LSTM(4, 24, batch_first=True), 100), 1e-3)),
    "targets of ten billion": (TOO_LARGE, lambda: rescaled(regression(), 1e10, of_y=True)),
    "targets of ten billion, Adam": (TOO_LARGE, lambda: rescaled(regression(), 1e10, 1e10, of_y=True, optimizer="adam")),
    "targets of ten billion, sgd": (TOO_LARGE, lambda: rescaled(regression(), 1e10, of_y=True, optimizer="sgd")),
    "1100 steps of Adam on chance": ({"no better than a constant"}, lambda: long_trained("new", told=False)),
    "ids and padding, outputs": (IN_TIME, lambda: padded(Reader())),
    "ids and padding, states": (IN_TIME, lambda: padded(Reader("states"))),
    "ids and padding, dropout": (IN_TIME, lambda: padded(Reader(dropout=0.2), steps=140)),
    "ids and padding, GRU": (IN_TIME, lambda: padded(Reader(cell=nn.GRU))),
    "ids and padding, both ways": (IN_TIME, lambda: padded(Reader(bidirectional=True))),
    "LeNet, pixels of 0..255": ({"input too large"}, lambda: pixels(LeNet())),
    "softmax before cross-entropy": (MISFIT, lambda: on_ending([nn.Softmax(1)], nn.CrossEntropyLoss())),
    "sigmoid before cross-entropy": (MISFIT, lambda: on_ending([nn.Sigmoid()], nn.CrossEntropyLoss())),
    "NLLLoss of raw scores": (MISFIT, lambda: on_ending([], nn.NLLLoss())),
    "sigmoid before BCEWithLogitsLoss": (MISFIT, lambda: on_ending([nn.Sigmoid()], nn.BCEWithLogitsLoss(), even, 1)),
    "BCELoss of raw scores": (MISFIT, lambda: on_ending([], nn.BCELoss(), even, 1)),
    "softmax over one unit": (MISFIT, lambda: on_ending([nn.Softmax(1)], nn.BCELoss(), even, 1)),
    "ReLU for targets of either sign": (MISFIT, lambda: on_ending([nn.ReLU()], nn.MSELoss(), lambda x, y: x[:, 10:11], 1)),
    "tanh for targets of 0 to 9": (MISFIT, lambda: on_ending([nn.Tanh()], nn.L1Loss(), lambda x, y: y[:, None].double(), 1)),
    "(N, 1) against (N,), MSE": (BROADCAST, lambda: on_ending([], nn.MSELoss(), lambda x, y: x[:, 10], 1)),
    "(N, 1) against (N,), own L1": (BROADCAST, lambda: on_ending([], lambda z, y: (z - y).abs().mean(), lambda x, y: x[:, 10], 1)),
    "a layer norm of one feature": (ONE_VALUE, lambda: on_digits(nn.Sequential(
        nn.Unflatten(1, (64, 1)), nn.LayerNorm(1), nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)))),
    "a layer norm of one unit": (ONE_VALUE, lambda: on_digits(nn.Sequential(
        nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1), nn.LayerNorm(1), nn.Linear(1, 10)))),
    "a group norm of one channel a group": (ONE_VALUE, lambda: on_digits(nn.Sequential(
        nn.Linear(64, 32), nn.GroupNorm(32, 32), nn.ReLU(), nn.Linear(32, 10)))),
    "attention of long products, not divided": (ATTENTION, undivided),
}
