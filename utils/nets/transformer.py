"""A small transformer that reads a digit row by row, with the layer norm before, after or nowhere, with or without skips."""

import torch
from torch import nn

from utils.nets import initialization
from utils.nets.mlp import Linear, check_count
from utils.torchdoctor.errors import WrongValue

PLACES = ("pre", "post", None)


class Attention(nn.Module):
    """Multi-head self-attention: softmax(Q K^T / sqrt(d_k)) V for each head, joined and mixed (Vaswani et al. 2017)."""

    def __init__(self, width, heads, dtype):
        super().__init__()
        self.heads = heads
        self.to_qkv = Linear(width, 3 * width, dtype=dtype)
        self.mix = Linear(width, width, dtype=dtype)

    def forward(self, x):
        """x (B, tokens, width) -> the same shape."""
        q, k, v = self.to_qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # each (B, heads, tokens, d_k)
        weights = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)  # (B, heads, tokens, tokens)
        return self.mix((weights @ v).transpose(1, 2).flatten(2))


class Transformer(nn.Module):
    """An encoder for the 8x8 digits: a token for each row, `layers` times attention and feed-forward, mean, readout.

    Each sublayer F is added to the residual stream: x + F(norm(x)) (pre), norm(x + F(x)) (post) or x + F(x) (None);
    without skips the x + is left out. Xavier's weights, biases of zero, as in Xiong et al. 2020; with "pre" the stream
    gets one more norm before the readout.

    Args:
        layers, width, heads: the width is a multiple of the heads; the feed-forward's hidden layer is twice as wide.
        norm: "pre", "post" or None.
        skip: whether x is added back.
        seed, dtype: as those of `models.MLP`.

    Raises ValueError for an unknown norm and for numbers that make no sense.
    """

    def __init__(self, layers, width=32, heads=2, *, norm="pre", skip=True, seed=0, dtype=torch.float64):
        super().__init__()
        for name, count in {"layers": layers, "width": width, "heads": heads}.items():
            check_count(name, count, least=1)
        check_count("seed", seed, least=0)
        if width % heads:
            raise WrongValue(f"the width is a multiple of the heads; got {width} and {heads}")
        if norm not in PLACES:
            raise WrongValue(f"unknown norm {norm!r}: choose one of {', '.join(map(repr, PLACES))}")
        self.norm, self.skip = norm, skip
        self.embed = Linear(8, width, dtype=dtype)
        self.position = nn.Parameter(torch.empty(8, width, dtype=dtype))
        self.sublayers = nn.ModuleList()
        for _ in range(layers):
            forward = nn.Sequential(
                Linear(width, 2 * width, dtype=dtype), nn.ReLU(), Linear(2 * width, width, dtype=dtype)
            )
            self.sublayers.extend([Attention(width, heads, dtype), forward])
        self.norms = nn.ModuleList(
            nn.LayerNorm(width, dtype=dtype) if norm else nn.Identity() for _ in range(2 * layers + (norm == "pre"))
        )
        self.readout = Linear(width, 10, dtype=dtype)
        generator = torch.Generator().manual_seed(seed)
        for layer in self.modules():
            if isinstance(layer, Linear):
                initialization.xavier_(layer, generator)
        with torch.no_grad():
            self.position.normal_(0, 0.1, generator=generator)

    def stream(self, x):
        """x (B, 64) -> the residual stream before, between and after the sublayers, each (B, 8 tokens, width)."""
        return list(self._states(x))

    def _states(self, x):
        """Yield the states of the stream one at a time: a forward pass need not hold them all."""
        x = self.embed(x.unflatten(-1, (8, 8))) + self.position
        yield x
        for sublayer, norm in zip(self.sublayers, self.norms):
            out = sublayer(norm(x) if self.norm == "pre" else x)
            out = out + x if self.skip else out
            x = norm(out) if self.norm == "post" else out
            yield x

    def head(self, last):
        """The end of the stream (B, 8, width) -> logits (B, 10)."""
        return self.readout((self.norms[-1](last) if self.norm == "pre" else last).mean(-2))

    def forward(self, x):
        """x (B, 64) -> logits (B, 10)."""
        for last in self._states(x):
            pass
        return self.head(last)
