"""Nets that are healthy, of many kinds: on which `diagnose` must not cry wolf.

Each entry is a function of nothing that returns a `Case`; whoever calls it seeds torch before.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from tests.torchdoctor import zoo_models
from tests.torchdoctor.zoo_models import (
    VAE,
    CharRNN,
    FashionMLP,
    LastStep,
    LeNet,
    MiniGPT,
    ResNet,
    Seq2Seq,
    TransformerClassifier,
    UNet,
    dcgan_discriminator,
    dcgan_generator,
    vae_loss,
    vgg,
)  # fmt: skip
from utils import diagnose
from utils.data.datasets import digits
from utils.nets.mlp import MLP
from utils.training.loop import fit


class Case(NamedTuple):
    """What `diagnose` takes."""

    model: nn.Module
    x: object
    y: object = None
    settings: dict | None = None

    def diagnose(self):
        """The report."""
        return diagnose(self.model, self.x, self.y, **(self.settings or {}))


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


def on_tokens(model, symbols=30, length=16, n=16, classes=3, every=False):
    return Case(model, torch.randint(symbols, (n, length)), torch.randint(classes, (n, length) if every else (n,)))


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


def batch_norm_cnn(lr):
    """Learns to tell 99 % of the digits apart at each of the learning rates that it is tried with."""
    layers = []
    for inputs, outputs in ((1, 8), (8, 16)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
    data = digits(torch.float32)
    return Case(nn.Sequential(*layers, nn.Flatten(), nn.Linear(64, 10)), data.x[:64].reshape(-1, 1, 8, 8), data.y[:64], {"lr": lr})


def zero_readout():
    net = mlp(3, activation="relu", init="he")
    nn.init.zeros_(net.readout.weight)
    return on_digits(net)


class Beside(nn.Module):
    """A branch beside a skip."""

    def __init__(self, branch):
        super().__init__()
        self.branch = branch

    def forward(self, x):
        return x + self.branch(x)


class Scaled(nn.Module):
    """Divides."""

    def __init__(self, by):
        super().__init__()
        self.by = by

    def forward(self, x):
        return x / self.by


class Whole(nn.Module):
    """Whole numbers of real ones."""

    def forward(self, x):
        return x.long()


class HandRNN(nn.Module):
    """A recurrent net of two linear layers that begins at 0, and a readout at every step, of which the last one counts."""

    def __init__(self):
        super().__init__()
        self.new, self.old, self.out = nn.Linear(4, 16), nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x):
        state = x.new_zeros(len(x), 16)
        for step in x.unbind(1):
            state = torch.tanh(self.new(step) + self.old(state))
            answer = self.out(state)
        return answer


class KeptGraph(nn.Module):
    """Graph convolution over the edges that it keeps: the samples belong together."""

    def __init__(self, nodes=40):
        super().__init__()
        self.register_buffer("edges", torch.rand(nodes, nodes).softmax(1))
        self.first, self.out = nn.Linear(8, 16), nn.Linear(16, 3)

    def forward(self, x):
        return self.out(self.edges @ torch.relu(self.first(x)))


class TimeFirst(nn.Module):
    """Answers at every step of (steps, samples, features)."""

    def __init__(self):
        super().__init__()
        self.lstm, self.out = nn.LSTM(4, 24), nn.Linear(24, 3)

    def forward(self, x):
        return self.out(self.lstm(x)[0])


def pixels_in(*first):
    net = nn.Sequential(*first, nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    return Case(net, torch.randint(256, (32, 3, 8, 8)).float(), torch.randint(10, (32,)))


def on_zero_first(model):
    x = 3 * torch.randn(32, 8)
    x[0] = 0
    return Case(model, x, x.roll(1, 1))


def sure():
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    nn.init.constant_(net[2].bias, 9.0)
    return net


def hinge(output, y):
    return F.relu(1 - y * output).mean()


def settled(momentum=0.1, steps=60):
    """Batch norms whose running statistics have caught up, or, with a momentum of 0.001, have not."""
    layers = (nn.Linear(64, 64), nn.BatchNorm1d(64, momentum=momentum), nn.ReLU())
    data = digits(torch.float32)
    net, x = nn.Sequential(*layers, nn.Linear(64, 10)), 5 * data.x[:512] + 10
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for step in range(steps):
        rows = slice(64 * (step % 8), 64 * (step % 8 + 1))
        optimizer.zero_grad()
        F.cross_entropy(net(x[rows]), data.y[rows]).backward()
        optimizer.step()
    return Case(net, x[:128], data.y[:128])


def ending(*end, classes=10):
    """A ReLU net for the digits with this at its end."""
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, classes), *end)


def on_ending(end, loss_fn, y=None, classes=10):
    """Such a net, its loss, and targets made of the digits (x, y); the labels, if nothing else is said."""
    case = on_digits(ending(*end, classes=classes).double())
    return Case(case.model, case.x, case.y if y is None else y(case.x, case.y), {"loss_fn": loss_fn})


def unit(x, y):
    """The digits as images in 0..1."""
    return (x - x.min()) / (x.max() - x.min())


def even(x, y):
    """Whether a digit is even, as a column."""
    return (y[:, None] % 2).double()


def rescaled(case, scale=1.0, offset=0.0, of_y=False, optimizer=None):
    """Inputs, or targets, of another scale."""
    x, y = (case.x, scale * case.y + offset) if of_y else (scale * case.x + offset, case.y)
    return Case(case.model, x, y, {"optimizer": optimizer})


def regression(layers=3):
    """A ReLU net, or for 1 a line, for a column of targets of N(0, 1)."""
    sizes = [(8, 32), *[(32, 32)] * (layers - 2), (32, 1)] if layers > 1 else [(8, 1)]
    net = nn.Sequential(*(part for size in sizes for part in (nn.Linear(*size), nn.ReLU())))[:-1]
    x = torch.randn(128, 8)
    return Case(net, x, x[:, :1])


def long_trained(on, steps=1100, samples=None, told=True):
    """A small ReLU net after so many steps of Adam, on labels that x tells or on chance; diagnosed with that Adam.

    samples: so many that come again and again, else each batch is new. on: what it is diagnosed on.
    """
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)

    def draw(n):
        x = torch.randn(n, 8)
        chance = torch.randint(3, (n,))
        return x, torch.where(torch.rand(n) < 0.8, x[:, :3].argmax(1), chance) if told else chance

    kept = draw(samples) if samples else None
    for _ in range(steps):
        x, y = kept or draw(64)
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    x, y = draw(512) if on == "new" else kept
    return Case(net, x, y, {"optimizer": optimizer})


class Reader(nn.Module):
    """Words of ids (samples, steps), of which 0 is none, and the answer after the last: of the outputs, of the states, or packed."""

    def __init__(self, how="outputs", bidirectional=False, cell=nn.LSTM, dropout=0.0):
        super().__init__()
        self.embed, self.dropout, self.how = nn.Embedding(30, 8), nn.Dropout(dropout), how
        self.rnn = cell(8, 16, batch_first=True, bidirectional=bidirectional)
        self.out = nn.Linear(32 if bidirectional else 16, 3)

    def forward(self, ids):
        vectors = self.dropout(self.embed(ids))
        if self.how == "packed":
            vectors = nn.utils.rnn.pack_padded_sequence(vectors, (ids != 0).sum(1), batch_first=True, enforce_sorted=False)
        outputs, states = self.rnn(vectors)
        if self.how == "outputs":
            return self.out(outputs[:, -1])
        states = states[0] if isinstance(states, tuple) else states
        return self.out(states.movedim(0, 1).flatten(1))


def padded(model, words=8, steps=70):
    """4 to so many words, and zeros behind them."""
    ids = torch.randint(1, 30, (32, steps))
    ids[torch.arange(steps) >= torch.randint(4, words + 1, (32, 1))] = 0
    return Case(model, ids, torch.randint(3, (32,)))


def frozen_encoder():
    """A transformer that is taken as it is, in eval mode, below a new readout."""
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval().requires_grad_(False)
    return Case(nn.Sequential(encoder, nn.Flatten(), nn.Linear(288, 3)), torch.randn(16, 9, 32), torch.randint(3, (16,)))


def adapted():
    """A net whose only weights that may change are held by what stands around its layers."""
    net = mlp(3, activation="relu", init="he", dtype=torch.float32).requires_grad_(False)
    for owner in [*net.modules()]:
        for name, child in [*owner.named_children()]:
            if isinstance(child, nn.Linear):
                setattr(owner, name, zoo_models.Adapted(child))
    return on_digits(net)


def on_positions(model, width=32):
    """Positions of random numbers, as many as a small sentence has words."""
    return Case(model, torch.randn(16, 12, width), torch.randint(3, (16,)))


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
    "batch-norm CNN, a step of 0.1": lambda: batch_norm_cnn(0.1),
    "batch-norm CNN, a step of 0.3": lambda: batch_norm_cnn(0.3),
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
    "LSTM, 100 steps": lambda: on_series(nn.LSTM(4, 24, batch_first=True), 100),
    "GRU, 100 steps": lambda: on_series(nn.GRU(4, 24, batch_first=True), 100),
    "GRU cell in a loop, 100 steps": lambda: Case(
        zoo_models.CellLoop(nn.GRUCell(4, 24)), torch.randn(8, 100, 4), torch.randint(3, (8,))
    ),
    "bidirectional GRU, 15 steps": lambda: on_series(nn.GRU(4, 24, bidirectional=True, batch_first=True), 15),
    "chrono LSTM, 200 steps": lambda: chrono(200),
    "seq2seq": lambda: Case(Seq2Seq(), (torch.randint(20, (8, 9)), torch.randint(20, (8, 7))), torch.randint(20, (8, 7))),
    "two inputs, a dict out": lambda: Case(
        TwoInputs(), {"numbers": torch.randn(32, 5), "category": torch.randint(12, (32,))}, torch.randn(32)
    ),
    "siamese": lambda: Case(Siamese(), (torch.randn(32, 64), torch.randn(32, 64)), torch.randint(2, (32,))),
    "ReLU in bfloat16": lambda: lowered(torch.bfloat16),
    "MobileNet": lambda: on_images(zoo_models.mobilenet()),
    "DenseNet": lambda: on_images(zoo_models.DenseNet()),
    "ViT": lambda: on_images(zoo_models.ViT()),
    "WaveNet": lambda: Case(zoo_models.WaveNet(), torch.randn(4, 1, 200), torch.randint(64, (4, 200))),
    "graph convolutions": lambda: Case(
        zoo_models.GCN(), (torch.randn(30, 16), torch.randn(30, 30).softmax(1)), torch.randint(4, (30,))
    ),
    "RealNVP, its own loss, no y": lambda: Case(
        zoo_models.RealNVP(), torch.randn(64, 2), None, {"loss_fn": zoo_models.nvp_loss}
    ),
    "tied language model": lambda: on_tokens(zoo_models.TiedLM(), 40, 20, 8, 40, every=True),
    "LSTM cell in a loop, 12 steps": lambda: Case(
        zoo_models.CellLoop(nn.LSTMCell(4, 24)), torch.randn(8, 12, 4), torch.randint(3, (8,))
    ),
    "pixels divided by 255 in forward": lambda: pixels_in(Scaled(255.0)),
    "pixels into a batch norm": lambda: pixels_in(nn.BatchNorm2d(3)),
    "pixels, and a norm after layer 1": lambda: pixels_in(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)),
    "words as real numbers": lambda: Case(
        nn.Sequential(Whole(), nn.Embedding(300, 8), nn.Flatten(), nn.Linear(80, 24), nn.ReLU(), nn.Linear(24, 3)),
        torch.randint(300, (32, 10)).float(), torch.randint(3, (32,))
    ),
    "RNN by hand, from zeros": lambda: Case(HandRNN(), torch.randn(16, 12, 4), torch.randint(3, (16,))),
    "deep linear, the first sample 0": lambda: on_zero_first(nn.Sequential(*(nn.Linear(8, 8, bias=False) for _ in range(3)))),
    "one line, ordered": lambda: Case(nn.Linear(1, 1), (x := torch.arange(40.0)[:, None] / 40), 2 * x + 0.3),
    "a hinge that is satisfied": lambda: Case(sure(), torch.randn(32, 8), torch.ones(32, 1), {"loss_fn": hinge}),
    "batch norms with settled statistics": settled,
    "nodes of a graph that the model keeps": lambda: Case(KeptGraph(), torch.randn(40, 8), torch.randint(3, (40,))),
    "LSTM, time first on purpose": lambda: Case(TimeFirst(), torch.randn(12, 20, 4), torch.randn(12, 20, 3)),
    "log-softmax before cross-entropy": lambda: on_ending([nn.LogSoftmax(1)], nn.CrossEntropyLoss()),
    "softmax, and its logarithm in the loss": lambda: on_ending([nn.Softmax(1)], lambda p, y: F.nll_loss(p.log(), y)),
    "sigmoid, MSE of images in 0..1": lambda: on_ending([nn.Sigmoid()], nn.MSELoss(), unit, 64),
    "sigmoid, BCE of images in 0..1": lambda: on_ending([nn.Sigmoid()], nn.BCELoss(), unit, 64),
    "tanh, MSE of images in 0..1": lambda: on_ending([nn.Tanh()], nn.MSELoss(), unit, 64),
    "a loss that squeezes": lambda: on_ending(
        [], lambda z, y: F.binary_cross_entropy_with_logits(z.squeeze(1), y.squeeze(1)), even, 1
    ),
    "inputs of a fifth": lambda: rescaled(on_digits(ending().double()), 0.2),
    "inputs of a thousandth, batch norm": lambda: rescaled(with_norms(3, nn.BatchNorm1d), 1e-3),
    "one of a thousand words": lambda: Case(
        nn.Sequential(nn.Linear(1000, 32), nn.ReLU(), nn.Linear(32, 3)), F.one_hot(torch.arange(64) * 9).float() @ torch.eye(568, 1000),
        torch.randint(3, (64,))
    ),
    "targets of a thousand": lambda: rescaled(regression(), 1e3, of_y=True),
    "targets of a hundred million, one layer": lambda: rescaled(regression(1), 1e8, of_y=True, optimizer="sgd"),
    "1100 steps of Adam": lambda: long_trained("new"),
    "120 steps of Adam on chance": lambda: long_trained("new", 120, told=False),
    "too sure after 1100 steps": lambda: long_trained("new", samples=64),
    "padded words, packed": lambda: padded(Reader("packed")),
    "padded words, heard on the way back": lambda: padded(Reader("states", bidirectional=True)),
    "autoencoder": lambda: Case(Chain(4, torch.relu), torch.randn(32, 64)),
    "GRU by hand, from zeros": lambda: Case(zoo_models.HandGRU(), torch.randn(16, 12, 4), torch.randint(3, (16,))),
    "a layer that is called until it settles": lambda: on_digits(zoo_models.Settling()),
    "a frozen net with low-rank changes": adapted,
    "a frozen transformer below a readout": frozen_encoder,
    "attention by hand": lambda: on_positions(zoo_models.HandAttention()),
    "attention by hand, causal, in a checkpoint": lambda: on_positions(
        zoo_models.HandAttention(is_causal=True, in_checkpoint=True)
    ),
    "4 softplus layers, torch's weights": lambda: on_digits(Chain(4, F.softplus)),
    "a layer norm of one feature beside a skip": lambda: on_digits(nn.Sequential(
        nn.Linear(64, 32), Beside(nn.Sequential(nn.Linear(32, 1), nn.LayerNorm(1), nn.Linear(1, 32))), nn.ReLU(), nn.Linear(32, 10)
    )),
}
