"""Nets that are healthy and nets that are sick, of many kinds: what `diagnose` is tried on, over seeds.

Each entry is a function of nothing that returns `Case(model, x, y, settings)`; whoever calls it seeds torch before.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from tests.zoo_models import (
    VAE, CharRNN, FashionMLP, LastStep, LeNet, MiniGPT, ResNet, Seq2Seq, TransformerClassifier, UNet, dcgan_discriminator,
    dcgan_generator, vae_loss, vgg,
)  # fmt: skip
from utils.data import digits
from utils.models import MLP
from utils.training import fit


class Case(NamedTuple):
    """What `diagnose(model, x, y, **settings)` takes."""

    model: nn.Module
    x: object
    y: object = None
    settings: dict = {}


def seed():
    """A seed for the course's nets, drawn from torch's global state."""
    return torch.randint(1_000_000, ()).item()


def on_digits(model, lr=None, n=128):
    data = digits(next(model.parameters()).dtype)
    return Case(model, data.x[:n], data.y[:n], {} if lr is None else {"lr": lr})


def mlp(depth, width=64, **settings):
    return MLP(depth, width, seed=seed(), **settings)


def on_images(model, n=16, size=32, channels=3, classes=10):
    return Case(model, torch.randn(n, channels, size, size), torch.randint(classes, (n,)))


def on_series(rnn, steps, n=16):
    return Case(LastStep(rnn), torch.randn(n, steps, rnn.input_size), torch.randint(3, (n,)))


def on_tokens(model, symbols=30, length=16, n=16, classes=3):
    return Case(model, torch.randint(symbols, (n, length)), torch.randint(classes, (n,)))


class Chain(nn.Module):
    """Linear layers of one width with a function call between them; skip: x + branch * f(x)."""

    def __init__(self, depth, function, width=64, init=None, skip=None):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(64 if skip is None and not i else width, width) for i in range(depth))
        self.out, self.function, self.skip = nn.Linear(width, 10), function, skip
        for layer in self.layers if init else ():
            nn.init.normal_(layer.weight, 0, init / width**0.5)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        for layer in self.layers:
            branch = self.function(layer(x))
            x = branch if self.skip is None else x + self.skip * branch
        return self.out(x)


class Highway(nn.Module):
    """Srivastava et al. 2015, with functional gates."""

    def __init__(self, depth, bias, width=64):
        super().__init__()
        self.h, self.t = (nn.ModuleList(nn.Linear(width, width) for _ in range(depth)) for _ in range(2))
        self.out = nn.Linear(width, 10)
        for gate in self.t:
            nn.init.constant_(gate.bias, bias)

    def forward(self, x):
        for h, t in zip(self.h, self.t):
            gate = torch.sigmoid(t(x))
            x = gate * torch.relu(h(x)) + (1 - gate) * x
        return self.out(x)


class TwoInputs(nn.Module):
    """Numbers and a category, called by keyword; a dict comes out."""

    def __init__(self):
        super().__init__()
        self.embed, self.numbers = nn.Embedding(12, 8), nn.Linear(5, 24)
        self.body = nn.Sequential(nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, numbers, category):
        return {"price": self.body(torch.cat([self.numbers(numbers), self.embed(category)], 1))}


class Siamese(nn.Module):
    """One encoder for two inputs."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.out = nn.Linear(48, 2)

    def forward(self, a, b):
        return self.out((self.encoder(a) - self.encoder(b)).abs())


class SwiGLU(nn.Module):
    """Gated blocks with a skip."""

    def __init__(self, depth=4, width=64):
        super().__init__()
        self.gate, self.value, self.down = (nn.ModuleList(nn.Linear(width, width) for _ in range(depth)) for _ in range(3))
        self.norms, self.out = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth)), nn.Linear(width, 10)

    def forward(self, x):
        for gate, value, down, norm in zip(self.gate, self.value, self.down, self.norms):
            z = norm(x)
            x = x + down(F.silu(gate(z)) * value(z))
        return self.out(x)


def trained(model, steps=150, lr=1e-3):
    data = digits(next(model.parameters()).dtype)
    fit(model, data.x, data.y, steps=steps, lr=lr, optimizer="adam", live=False)
    return on_digits(model)


def frozen_backbone():
    net = vgg()
    net[0].requires_grad_(False)
    return on_images(net)


def chrono(steps):
    lstm = nn.LSTM(4, 24, batch_first=True)
    with torch.no_grad():
        lstm.bias_ih_l0.zero_()
        lstm.bias_hh_l0.zero_()
        lstm.bias_hh_l0[24:48] = torch.empty(24).uniform_(1, steps - 1).log()
        lstm.bias_hh_l0[:24] = -lstm.bias_hh_l0[24:48]
    return on_series(lstm, steps)


def lowered(dtype):
    case = on_digits(mlp(3, activation="relu", init="he", dtype=torch.float32))
    return Case(case.model.to(dtype), case.x.to(dtype), case.y)


def with_norms(depth, norm, width=64, activation=nn.ReLU):
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), norm(width), activation()]
    return on_digits(nn.Sequential(*layers, nn.Linear(width, 10)))


def rezero(depth):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.alpha = nn.Linear(64, 64), nn.Parameter(torch.zeros(()))

        def forward(self, x):
            return x + self.alpha * torch.relu(self.linear(x))

    return on_digits(nn.Sequential(*(Block() for _ in range(depth)), nn.Linear(64, 10)))


def zero_readout():
    net = mlp(3, activation="relu", init="he")
    nn.init.zeros_(net.readout.weight)
    return on_digits(net)


HEALTHY = {
    "one linear layer": lambda: on_digits(nn.Linear(64, 10)),
    "3 ReLU layers, He": lambda: on_digits(mlp(3, activation="relu", init="he")),
    "20 ReLU layers, He": lambda: on_digits(mlp(20, activation="relu", init="he")),
    "2 sigmoid layers, Xavier": lambda: on_digits(mlp(2)),
    "8 tanh layers, LeCun": lambda: on_digits(mlp(8, activation="tanh", init="lecun")),
    "20 tanh layers, Xavier": lambda: on_digits(mlp(20, activation="tanh", init="xavier")),
    "30 SELU layers, LeCun": lambda: on_digits(mlp(30, activation="selu", init="lecun")),
    "15 ELU layers, their gain": lambda: on_digits(mlp(15, activation="elu", sigma_w=1.2452)),
    "15 GELU layers, their gain": lambda: on_digits(mlp(15, activation="gelu", sigma_w=1.5335)),
    "3 GELU layers, torch's weights": lambda: on_digits(Chain(3, F.gelu)),
    "10 ReLU layers, batch norm": lambda: with_norms(10, nn.BatchNorm1d),
    "10 sigmoid layers, batch norm after": lambda: with_norms(3, nn.BatchNorm1d, activation=nn.Sigmoid),
    "10 tanh layers, layer norm": lambda: with_norms(10, nn.LayerNorm, activation=nn.Tanh),
    "50 residual layers, branch 1/sqrt(50)": lambda: on_digits(Chain(50, torch.relu, init=2**0.5, skip=50**-0.5)),
    "40 ReZero blocks": lambda: rezero(40),
    "30 highway layers, gates at -4": lambda: on_digits(Highway(30, -4.0)),
    "4 SwiGLU blocks": lambda: on_digits(SwiGLU()),
    "a readout that begins at 0": zero_readout,
    "a trained ReLU net": lambda: trained(mlp(3, activation="relu", init="he")),
    "a trained tanh net": lambda: trained(mlp(5, activation="tanh")),
    "Quickstart MLP": lambda: on_images(FashionMLP(), size=28, channels=1),
    "LeNet": lambda: on_images(LeNet(), channels=1),
    "VGG with batch norm": lambda: on_images(vgg()),
    "VGG-11, He": lambda: on_images(vgg((16, "M", 32, "M", 64, 64, "M", 64, 64, "M", 64, 64, "M"), norm=False)),
    "VGG, frozen features": frozen_backbone,
    "ResNet-18": lambda: on_images(ResNet()),
    "ResNet-34, group norm": lambda: on_images(ResNet(4, 8, lambda width: nn.GroupNorm(4, width))),
    "U-Net": lambda: Case(UNet(), torch.randn(4, 3, 32, 32), torch.randint(4, (4, 32, 32))),
    "DCGAN discriminator": lambda: Case(dcgan_discriminator(), torch.randn(16, 3, 64, 64).tanh(), torch.ones(16)),
    "DCGAN generator, no y": lambda: Case(dcgan_generator(), torch.randn(16, 32, 1, 1)),
    "VAE, its own loss": lambda: Case(VAE(), (x := torch.rand(32, 784)), x, {"loss_fn": vae_loss}),
    "post-norm transformer": lambda: on_tokens(TransformerClassifier()),
    "pre-norm transformer": lambda: on_tokens(TransformerClassifier(6, norm_first=True)),
    "nn.Transformer": lambda: Case(nn.Transformer(32, 4, 2, 2, 64, batch_first=True), (torch.randn(8, 9, 32), torch.randn(8, 7, 32))),
    "GPT": lambda: Case(MiniGPT(), torch.randint(40, (8, 24)), torch.randint(40, (8, 24))),
    "char-RNN": lambda: Case(CharRNN(), torch.randint(40, (8, 60)), torch.randint(40, (8, 60))),
    "RNN, 10 steps": lambda: on_series(nn.RNN(4, 24, batch_first=True), 10),
    "LSTM, 20 steps": lambda: on_series(nn.LSTM(4, 24, batch_first=True), 20),
    "bidirectional GRU, 15 steps": lambda: on_series(nn.GRU(4, 24, bidirectional=True, batch_first=True), 15),
    "chrono LSTM, 200 steps": lambda: chrono(200),
    "seq2seq": lambda: Case(Seq2Seq(), (torch.randint(20, (8, 9)), torch.randint(20, (8, 7))), torch.randint(20, (8, 7))),
    "two inputs, a dict out": lambda: Case(
        TwoInputs(), {"numbers": torch.randn(32, 5), "category": torch.randint(12, (32,))}, torch.randn(32)
    ),
    "siamese": lambda: Case(Siamese(), (torch.randn(32, 64), torch.randn(32, 64)), torch.randint(2, (32,))),
    "ReLU in bfloat16": lambda: lowered(torch.bfloat16),
    "autoencoder": lambda: Case(Chain(4, torch.relu), torch.randn(32, 64)),
}


# --- Sick nets. Each entry: (the diagnoses that are right, maker).


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


VANISHING, EXPLODING, SATURATED, DEAD = {"vanishing"}, {"exploding"}, {"saturated"}, {"dead"}
SYMMETRIC, FROZEN, CUT, NOT_FINITE = {"symmetric"}, {"frozen"}, {"cut off"}, {"not finite"}

SICK = {
    "7 sigmoid layers, Xavier": (VANISHING, lambda: on_digits(mlp(7))),
    "10 sigmoid layers, Xavier": (VANISHING, lambda: on_digits(mlp(10))),
    "30 sigmoid layers, Xavier": (VANISHING, lambda: on_digits(mlp(30))),
    "10 sigmoid layers, functional": (VANISHING, lambda: on_digits(Chain(10, torch.sigmoid))),
    "15 softplus layers, their gain": (VANISHING, lambda: on_digits(mlp(15, activation="softplus", sigma_w=1.0419))),
    "20 softplus layers, functional": (VANISHING, lambda: on_digits(Chain(20, F.softplus))),
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
    "2 tanh convolutions, pixels of 0..255": (SATURATED | {"input too large"}, lambda: pixels(conv_net(2, nn.Tanh))),
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
    "LSTM, 100 steps": ({"vanishing in time"}, lambda: on_series(nn.LSTM(4, 24, batch_first=True), 100)),
    "GRU, 100 steps": ({"vanishing in time"}, lambda: on_series(nn.GRU(4, 24, batch_first=True), 100)),
    "ReLU RNN, 1.5 times the identity": ({"exploding in time"}, lambda: identity_rnn(1.5)),
    "transformer with norms, without skips": ({"collapsed"}, lambda: on_tokens(BareTransformer(24, norm=True))),
    "a step of 30": ({"step too large"}, lambda: on_digits(mlp(3, activation="relu", init="he"), lr=30.0)),
    "a step of 1e-9": ({"step too small"}, lambda: on_digits(mlp(3, activation="relu", init="he"), lr=1e-9)),
    "LeNet, pixels of 0..255": ({"input too large"}, lambda: pixels(LeNet())),
}


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
