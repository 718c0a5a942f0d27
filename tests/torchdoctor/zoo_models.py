"""Architectures that were not written for this course, from torch's own modules and from well-known tutorials and papers.

Written down from memory, smaller where a test wants seconds; initialization is what the original leaves to PyTorch.
"""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint


class LeNet(nn.Module):
    """The net of PyTorch's tutorial *Neural Networks*, after LeCun et al. 1998: functional ReLU and pooling."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))


class FashionMLP(nn.Module):
    """The net of PyTorch's *Quickstart*: 784-512-512-10."""

    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(28 * 28, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
        )

    def forward(self, x):
        return self.linear_relu_stack(self.flatten(x))


class CharRNN(nn.Module):
    """Embedding, two-layer LSTM, a prediction at every step: PyTorch's word language model."""

    def __init__(self, symbols=40, width=64, dropout=0.2):
        super().__init__()
        self.drop, self.encoder = nn.Dropout(dropout), nn.Embedding(symbols, width)
        self.rnn = nn.LSTM(width, width, 2, dropout=dropout, batch_first=True)
        self.decoder = nn.Linear(width, symbols)
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, tokens):
        return self.decoder(self.drop(self.rnn(self.drop(self.encoder(tokens)))[0]))


class LastStep(nn.Module):
    """A recurrent net whose last output is classified."""

    def __init__(self, rnn, classes=3):
        super().__init__()
        self.rnn, self.out = rnn, nn.Linear(rnn.hidden_size * (2 if rnn.bidirectional else 1), classes)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


class VAE(nn.Module):
    """PyTorch's example: 784-400-20-400-784; returns the reconstruction, mu and log variance."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.fc3, self.fc4 = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x):
        hidden = F.relu(self.fc1(x.view(-1, 784)))
        mu, logvar = self.fc21(hidden), self.fc22(hidden)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar


def vae_loss(output, x):
    """Reconstruction error and divergence, a sum over the batch as in the example."""
    reconstruction, mu, logvar = output
    divergence = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return F.binary_cross_entropy(reconstruction, x.view(-1, 784), reduction="sum") + divergence


def _dcgan_weights(net):
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
    return net


def dcgan_discriminator(width=16):
    """The discriminator of PyTorch's DCGAN tutorial for images of 64x64, with its N(0, 0.02^2) weights."""
    layers = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    for i in (1, 2, 4):
        layers += [nn.Conv2d(width * i, width * i * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(width * i * 2),
                   nn.LeakyReLU(0.2, inplace=True)]  # fmt: skip
    return _dcgan_weights(nn.Sequential(*layers, nn.Conv2d(width * 8, 1, 4, 1, 0, bias=False), nn.Sigmoid(), nn.Flatten(0)))


def dcgan_generator(width=8, noise=32):
    """The generator of the same tutorial."""
    layers, inputs = [], noise
    for i, (stride, padding) in zip((8, 4, 2, 1), ((1, 0), (2, 1), (2, 1), (2, 1))):
        layers += [nn.ConvTranspose2d(inputs, width * i, 4, stride, padding, bias=False), nn.BatchNorm2d(width * i), nn.ReLU(True)]
        inputs = width * i
    return _dcgan_weights(nn.Sequential(*layers, nn.ConvTranspose2d(inputs, 3, 4, 2, 1, bias=False), nn.Tanh()))


def vgg(widths=(16, "M", 32, "M", 64, 64, "M", 64, 64, "M"), norm=True, he=True, activation=nn.ReLU, size=32):
    """Like torchvision's VGG: 3x3 convolutions and pooling, a classifier with dropout; he: its `kaiming_normal_` weights."""
    layers, inputs = [], 3
    for width in widths:
        if width == "M":
            layers.append(nn.MaxPool2d(2))
            size //= 2
            continue
        layers += [nn.Conv2d(inputs, width, 3, padding=1), *([nn.BatchNorm2d(width)] if norm else []), activation()]
        inputs = width
    net = nn.Sequential(nn.Sequential(*layers), nn.Flatten(), nn.Linear(inputs * size**2, 64), activation(),
                        nn.Dropout(), nn.Linear(64, 10))  # fmt: skip
    for module in net.modules():
        if he and isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)
        elif he and isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight)  # at 25,088 inputs torchvision's N(0, 0.01^2) is this scale
            nn.init.zeros_(module.bias)
    return net


class BasicBlock(nn.Module):
    """He et al. 2016: two 3x3 convolutions with batch norm beside a skip, ReLU after the sum."""

    def __init__(self, inputs, width, stride=1, norm=nn.BatchNorm2d):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False), norm(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), norm(width)
        self.downsample = None
        if stride != 1 or inputs != width:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), norm(width))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Like torchvision's ResNet-18: a stem, four stages of `blocks` basic blocks, average pooling, a readout."""

    def __init__(self, blocks=2, width=16, norm=nn.BatchNorm2d):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, 1, 1, bias=False), norm(width)
        stages, inputs = [], width
        for stage in range(4):
            out = width * 2**stage
            for block in range(blocks):
                stages.append(BasicBlock(inputs, out, 2 if stage and not block else 1, norm))
                inputs = out
        self.stages, self.fc = nn.Sequential(*stages), nn.Linear(inputs, 10)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        return self.fc(self.stages(F.relu(self.bn1(self.conv1(x)))).mean((2, 3)))


class TransformerClassifier(nn.Module):
    """nn.TransformerEncoder between an embedding with learnt positions and a readout of the mean token."""

    def __init__(self, layers=4, norm_first=False, symbols=30, width=32, length=16):
        super().__init__()
        self.embed, self.position = nn.Embedding(symbols, width), nn.Parameter(0.02 * torch.randn(1, length, width))
        layer = nn.TransformerEncoderLayer(width, 4, 64, batch_first=True, norm_first=norm_first)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.out = nn.Linear(width, 3)

    def forward(self, tokens):
        return self.out(self.encoder(self.embed(tokens) + self.position).mean(1))


class MiniGPT(nn.Module):
    """GPT-2's blocks in the manner of minGPT: pre-norm, causal attention with separate matrices, N(0, 0.02^2) weights."""

    class Block(nn.Module):
        def __init__(self, width, heads):
            super().__init__()
            self.heads, self.ln1, self.ln2 = heads, nn.LayerNorm(width), nn.LayerNorm(width)
            self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
            self.proj = nn.Linear(width, width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x):
            q, k, v = (f(self.ln1(x)).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.query, self.key, self.value))
            x = x + self.proj(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
            return x + self.mlp(self.ln2(x))

    def __init__(self, layers=4, symbols=40, width=48, length=24):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(symbols, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(self.Block(width, 4) for _ in range(layers)))
        self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, 0, 0.02)
                if getattr(module, "bias", None) is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, tokens):
        return {"logits": self.head(self.ln(self.blocks(self.wte(tokens) + self.wpe.weight[: tokens.shape[1]])))}


class UNet(nn.Module):
    """A small U-Net (Ronneberger et al. 2015): down, up, and links across; one label for each pixel."""

    def __init__(self, width=8):
        super().__init__()
        def double(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.Conv2d(o, o, 3, padding=1), nn.ReLU())

        self.down1, self.down2, self.bottom = double(3, width), double(width, 2 * width), double(2 * width, 4 * width)
        self.up2, self.up1 = nn.ConvTranspose2d(4 * width, 2 * width, 2, 2), nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.merge2, self.merge1, self.out = double(4 * width, 2 * width), double(2 * width, width), nn.Conv2d(width, 4, 1)

    def forward(self, x):
        one = self.down1(x)
        two = self.down2(F.max_pool2d(one, 2))
        up = self.merge2(torch.cat([two, self.up2(self.bottom(F.max_pool2d(two, 2)))], 1))
        return self.out(self.merge1(torch.cat([one, self.up1(up)], 1)))


class Seq2Seq(nn.Module):
    """GRU encoder and decoder with teacher forcing, PyTorch's translation tutorial without attention; two inputs."""

    def __init__(self, symbols=20, width=48):
        super().__init__()
        self.source, self.target = nn.Embedding(symbols, width), nn.Embedding(symbols, width)
        self.encoder, self.decoder = nn.GRU(width, width, batch_first=True), nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, symbols)

    def forward(self, source, target):
        _, state = self.encoder(self.source(source))
        return self.out(F.relu(self.decoder(self.target(target), state)[0]))


class InvertedResidual(nn.Module):
    """MobileNet v2: expand, convolve each channel by itself, project; a skip where the shapes agree."""

    def __init__(self, inputs, width, stride=1, expansion=4):
        super().__init__()
        inner = inputs * expansion
        self.has_skip = stride == 1 and inputs == width
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU6(inplace=True),
            nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False), nn.BatchNorm2d(inner), nn.ReLU6(inplace=True),
            nn.Conv2d(inner, width, 1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x):
        return x + self.conv(x) if self.has_skip else self.conv(x)


def mobilenet():
    blocks = [InvertedResidual(*sizes) for sizes in ((16, 16), (16, 24, 2), (24, 24), (24, 32, 2), (32, 32))]
    return nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


class DenseNet(nn.Module):
    """Every layer sees all layers before it (Huang et al. 2017)."""

    def __init__(self, layers=8, growth=8, width=16):
        super().__init__()
        def layer(i):
            channels = width + growth * i
            return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, growth, 3, 1, 1, bias=False))

        self.stem, self.layers = nn.Conv2d(3, width, 3, 1, 1), nn.ModuleList(map(layer, range(layers)))
        self.out = nn.Linear(width + growth * layers, 10)

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return self.out(x.mean((2, 3)))


class WaveNet(nn.Module):
    """Dilated causal convolutions with gates, skips, and a sum of all blocks (van den Oord et al. 2016)."""

    def __init__(self, layers=7, width=16, levels=64):
        super().__init__()
        self.stem, self.out = nn.Conv1d(1, width, 1), nn.Conv1d(width, levels, 1)
        self.filters, self.gates = (nn.ModuleList(nn.Conv1d(width, width, 2, dilation=2**i) for i in range(layers)) for _ in "fg")
        self.mix = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in range(layers))

    def forward(self, x):
        x, total = self.stem(x), 0
        for i, (f, gate, mix) in enumerate(zip(self.filters, self.gates, self.mix)):
            past = F.pad(x, (2**i, 0))
            branch = mix(torch.tanh(f(past)) * torch.sigmoid(gate(past)))
            x, total = x + branch, total + branch
        return self.out(F.relu(total))


class ViT(nn.Module):
    """Patches as tokens and a class token (Dosovitskiy et al. 2021)."""

    def __init__(self, layers=6, width=48):
        super().__init__()
        self.patches, self.token = nn.Conv2d(3, width, 8, 8), nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(0.02 * torch.randn(1, 17, width))
        layer = nn.TransformerEncoderLayer(width, 4, 96, batch_first=True, norm_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.position
        return self.out(self.norm(self.encoder(x))[:, 0])


class GCN(nn.Module):
    """Two graph convolutions with matrices of the model's own (Kipf & Welling 2017)."""

    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Parameter(torch.randn(16, 32) / 4), nn.Parameter(torch.randn(32, 4) / 32**0.5)

    def forward(self, x, adjacency):
        return adjacency @ F.relu(adjacency @ x @ self.w1) @ self.w2


class RealNVP(nn.Module):
    """Affine couplings in two dimensions (Dinh et al. 2017); returns the latent points and the log determinants."""

    def __init__(self, couplings=6):
        super().__init__()
        self.nets = nn.ModuleList(nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 2)) for _ in range(couplings))

    def forward(self, x):
        kept, changed, log_det = x[:, :1], x[:, 1:], 0
        for net in self.nets:
            scale, shift = net(kept).chunk(2, 1)
            kept, changed, log_det = changed * scale.exp() + shift, kept, log_det + scale[:, 0]
        return torch.cat([kept, changed], 1), log_det


def nvp_loss(output):
    """The negative log-likelihood under a normal distribution."""
    z, log_det = output
    return (z.square().sum(1) / 2 - log_det).mean()


class TiedLM(nn.Module):
    """A language model whose readout is its embedding."""

    def __init__(self, symbols=40, width=32):
        super().__init__()
        self.embed, self.rnn = nn.Embedding(symbols, width), nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, symbols)
        self.out.weight = self.embed.weight

    def forward(self, tokens):
        return self.out(self.rnn(self.embed(tokens))[0])


class CellLoop(nn.Module):
    """A recurrent cell in a loop of one's own; the last state is classified."""

    def __init__(self, cell, classes=3):
        super().__init__()
        self.cell, self.out = cell, nn.Linear(cell.hidden_size, classes)

    def forward(self, x):
        state = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        return self.out(state[0] if isinstance(state, tuple) else state)


class HandGRU(nn.Module):
    """A gated recurrent unit of three linear layers (Cho et al. 2014) that begins at 0; the last state is classified."""

    def __init__(self, inputs=4, width=24, classes=3):
        super().__init__()
        self.keep, self.reset, self.new = (nn.Linear(inputs + width, width) for _ in range(3))
        self.out, self.width = nn.Linear(width, classes), width

    def forward(self, x):
        state = x.new_zeros(len(x), self.width)
        for step in x.unbind(1):
            both = torch.cat([step, state], 1)
            new = torch.tanh(self.new(torch.cat([step, torch.sigmoid(self.reset(both)) * state], 1)))
            keep = torch.sigmoid(self.keep(both))
            state = keep * state + (1 - keep) * new
        return self.out(state)


class Settling(nn.Module):
    """The same layer again and again, beside the same input, until the state settles (Bai et al. 2019, unrolled)."""

    def __init__(self, times=20, width=48):
        super().__init__()
        self.input, self.state, self.out, self.times = nn.Linear(64, width), nn.Linear(width, width), nn.Linear(width, 10), times
        nn.init.normal_(self.state.weight, 0, 0.3 / width**0.5)

    def forward(self, x):
        given, state = self.input(x), 0
        for _ in range(self.times):
            state = torch.tanh(given if isinstance(state, int) else given + self.state(state))
        return self.out(state)


class Adapted(nn.Module):
    """A frozen linear layer and a low-rank change of it, which begins at 0 (Hu et al. 2021)."""

    def __init__(self, base, rank=4):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x):
        return self.base(x) + x @ self.down.T @ self.up.T


class HandAttention(nn.Module):
    """One attention by hand over (batch, positions, width), and a readout of its mean; is_scaled: by 1 / sqrt(d)."""

    def __init__(self, width=32, classes=3, *, is_scaled=True, is_causal=False, in_checkpoint=False):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out, self.is_scaled, self.is_causal, self.in_checkpoint = nn.Linear(width, classes), is_scaled, is_causal, in_checkpoint

    def attend(self, x):
        """The attention alone."""
        products = self.query(x) @ self.key(x).mT
        if self.is_scaled:
            products = products / x.shape[-1] ** 0.5
        if self.is_causal:
            products = products.masked_fill(torch.ones(products.shape[-2:], dtype=torch.bool).triu(1), -torch.inf)
        return products.softmax(-1) @ self.value(x)

    def forward(self, x):
        return self.out((checkpoint(self.attend, x, use_reentrant=False) if self.in_checkpoint else self.attend(x)).mean(1))
