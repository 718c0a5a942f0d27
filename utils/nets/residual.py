"""Nets with a way past each layer: residual (with the way closed: plain), with a norm in each block, highway, and dense."""

import math
from numbers import Real

import torch
from torch import nn

from utils.nets import activations, initialization
from utils.nets.mlp import NORMS, Linear, check_count
from utils.torchdoctor.errors import WrongValue

ORDERS = ("pre", "post")
LEARNED = (False, True, "unit")


def _check_finite(name, value):
    if not isinstance(value, Real) or not math.isfinite(value):
        raise WrongValue(f"{name} is a finite number; got {value!r}")


class ResidualNet(nn.Module):
    """`blocks` blocks of two layers between a linear stem and a readout: x_{l+1} = carry x_l + scale F_l(x_l).

    F(x) = W_2 phi(W_1 phi(x)), with a norm before each phi if there is one; the readout reads phi(x_L). With He's weights
    F keeps the mean square of x. Without the skip, `carry=0`, this is a plain net of 2 * blocks hidden layers.

    Args:
        blocks, width: number of blocks, and of units of each layer.
        carry: factor of the skip; 1 is a residual net, 0 a plain one.
        scale: factor of the branch, such as 1 / sqrt(blocks).
        learn_scale: each block learns its own factor, from `scale` on; with scale=0 this is ReZero (Bachlechner et al.
            2020). "unit": a factor for each of its units, LayerScale (Touvron et al. 2021).
        zero_last: W_2 starts at zero in each block, as in Fixup (Zhang et al. 2019, without its other parts).
        order: "pre", as above (He et al. 2016b), or "post": x_{l+1} = phi(carry x + scale F(x)) with
            F(x) = W_2 phi(W_1 x), a norm after each W (He et al. 2016a).
        norm: None, "batch" or "layer".
        drop: stochastic depth (Huang et al. 2016): in training block l of L is left out with the probability
            drop * l / L, and in evaluation its branch is multiplied with the probability of staying.
        activation: a name of `activations.ACTIVATIONS`.
        sigma_w: w ~ N(0, sigma_w^2 / fan_in) in the blocks and the readout, He's sqrt(2) by default; biases are zero.
        in_features, out_features, seed, dtype: as those of `models.MLP`.

    Raises ValueError for an unknown name, and for a number that makes no sense.
    """

    def __init__(
        self, blocks, width=32, *, carry=1.0, scale=1.0, learn_scale=False, zero_last=False, order="pre", norm=None,
        drop=0.0, activation="relu", sigma_w=2**0.5, in_features=64, out_features=10, seed=0, dtype=torch.float64,
    ):  # fmt: skip
        super().__init__()
        for name, count in {"blocks": blocks, "width": width}.items():
            check_count(name, count, least=1)
        check_count("seed", seed, least=0)
        if norm is not None and (not isinstance(norm, str) or norm not in NORMS):
            raise WrongValue(f"unknown norm {norm!r}: choose None or one of {', '.join(NORMS)}")
        if order not in ORDERS:
            raise WrongValue(f"unknown order {order!r}: choose one of {', '.join(ORDERS)}")
        if learn_scale not in LEARNED:
            raise WrongValue(f"unknown learn_scale {learn_scale!r}: choose one of {', '.join(map(repr, LEARNED))}")
        _check_finite("carry", carry)
        _check_finite("scale", scale)
        if not isinstance(drop, Real) or not 0 <= drop < 1:
            raise WrongValue(f"drop is a probability from 0 to below 1; got {drop!r}")
        self.phi = activations.get(activation).torch_class().to(dtype)
        self.carry, self.order = carry, order
        factors = (blocks, width) if learn_scale == "unit" else (blocks,)
        self.scale = nn.Parameter(torch.full(factors, float(scale), dtype=dtype)) if learn_scale else scale
        self.staying = [1 - drop * l / blocks for l in range(1, blocks + 1)]
        self.stem = Linear(in_features, width, dtype=dtype)
        self.blocks = nn.ModuleList(self._branch(width, norm, dtype) for _ in range(blocks))
        self.readout = Linear(width, out_features, dtype=dtype)
        self._generator = torch.Generator().manual_seed(seed)
        initialization.lecun_(self.stem, self._generator)
        for layer in (*self.blocks.modules(), self.readout):
            if isinstance(layer, Linear):
                initialization.scaled_(layer, sigma_w, generator=self._generator)
        if zero_last:
            for branch in self.blocks:
                nn.init.zeros_([layer for layer in branch if isinstance(layer, Linear)][-1].weight)

    def _branch(self, width, norm, dtype):
        """Return F as a sequence of modules, in the chosen order."""
        def layer():
            norms = [NORMS[norm](width, dtype=dtype)] if norm else []
            linear = [Linear(width, width, dtype=dtype)]
            return [*norms, self.phi, *linear] if self.order == "pre" else [*linear, *norms, self.phi]

        layers = layer() + layer()
        return nn.Sequential(*(layers if self.order == "pre" else layers[:-1]))

    def stream(self, x, without=()):
        """Run the blocks and keep what lies between them: x (B, in_features) -> [x_0, ..., x_L], each (B, width).

        without: numbers (from 0) of blocks that are deleted, so that their input passes on as it is.
        """
        return list(self._states(x, without))

    def _states(self, x, without):
        """Yield x_0, ..., x_L, one at a time: a forward pass of 1,000 layers need not hold them all."""
        learnt = isinstance(self.scale, nn.Parameter)
        scales = self.scale.unbind() if learnt else [self.scale] * len(self.blocks)
        x = self.stem(x)
        yield x
        for l, (branch, scale, staying) in enumerate(zip(self.blocks, scales, self.staying)):
            if l not in without and not (self.training and staying < 1 and self._drawn() > staying):
                out = scale * branch(x) * (1 if self.training else staying)
                out = out + self.carry * x if self.carry else out
                x = self.phi(out) if self.order == "post" else out
            yield x

    def _drawn(self):
        return torch.rand((), generator=self._generator).item()

    def head(self, last):
        """The end of the stream, x_L (B, width) -> logits (B, out_features)."""
        return self.readout(self.phi(last) if self.order == "pre" else last)

    def forward(self, x, without=()):
        """x (B, in_features) -> logits (B, out_features); without: see `stream`."""
        for last in self._states(x, without):
            pass
        return self.head(last)


class NormedNet(ResidualNet):
    """A `ResidualNet` with a layer norm in each block: x + F(norm(x)) (place "pre") or norm(x + F(x)) ("post").

    The stream starts with a norm, and one more stands before the readout. The norms learn nothing; the other arguments are
    those of `ResidualNet`. Raises ValueError as it does, and for an unknown place.
    """

    def __init__(self, blocks, place, width=64, *, seed=0, dtype=torch.float64):
        super().__init__(blocks, width, seed=seed, dtype=dtype)
        if place not in ORDERS:
            raise WrongValue(f"unknown place {place!r}: choose one of {', '.join(ORDERS)}")
        self.place = place

    def _states(self, x, without=()):
        x = _norm(self.stem(x))
        yield x
        for l, branch in enumerate(self.blocks):
            if l not in without:
                x = x + branch(_norm(x)) if self.place == "pre" else _norm(x + branch(x))
            yield x

    def head(self, last):
        """The end of the stream, x_L (B, width) -> logits (B, out_features)."""
        return super().head(_norm(last))


def _norm(x):
    return nn.functional.layer_norm(x, x.shape[-1:])


class HighwayNet(nn.Module):
    """`depth` highway layers y = T H(x) + (1 - T) x, H = phi(W_H x + b_H), T = sigmoid(W_T x + b_T) (Srivastava et al. 2015).

    gate_bias: b_T at the start; the more negative, the more of x is carried. The other arguments: see `ResidualNet`.
    Raises ValueError for an unknown activation, and for a number that makes no sense.
    """

    def __init__(
        self, depth, width=32, *, gate_bias=-2.0, activation="relu", in_features=64, out_features=10, seed=0,
        dtype=torch.float64,
    ):  # fmt: skip
        super().__init__()
        check_count("depth", depth, least=1)
        check_count("width", width, least=1)
        check_count("seed", seed, least=0)
        _check_finite("gate_bias", gate_bias)
        self.phi = activations.get(activation).torch_class().to(dtype)
        self.stem = Linear(in_features, width, dtype=dtype)
        self.transforms = nn.ModuleList(Linear(width, width, dtype=dtype) for _ in range(depth))
        self.gates = nn.ModuleList(Linear(width, width, dtype=dtype) for _ in range(depth))
        self.readout = Linear(width, out_features, dtype=dtype)
        generator = torch.Generator().manual_seed(seed)
        for layer in (self.stem, *self.gates, self.readout):
            initialization.lecun_(layer, generator)
        for layer in self.transforms:
            initialization.he_(layer, generator)
        for gate in self.gates:
            nn.init.constant_(gate.bias, gate_bias)

    def stream(self, x):
        """x (B, in_features) -> [x_0, ..., x_depth], each (B, width)."""
        stream = [self.stem(x)]
        for transform, gate in zip(self.transforms, self.gates):
            T = torch.sigmoid(gate(stream[-1]))
            stream.append(T * self.phi(transform(stream[-1])) + (1 - T) * stream[-1])
        return stream

    def head(self, last):
        """The end of the stream (B, width) -> logits (B, out_features)."""
        return self.readout(last)

    def forward(self, x):
        """x (B, in_features) -> logits (B, out_features)."""
        return self.head(self.stream(x)[-1])


class DenseNet(nn.Module):
    """`depth` layers of `growth` units, each of which reads the input and all layers before it (Huang et al. 2017).

    x_{l+1} = [x_l, phi(W_l x_l + b_l)], concatenated: the last of them has in_features + depth * growth features. With
    He's weights; the other arguments: see `ResidualNet`. Raises ValueError as `HighwayNet` does.
    """

    def __init__(
        self, depth, growth=8, *, activation="relu", in_features=64, out_features=10, seed=0, dtype=torch.float64
    ):  # fmt: skip
        super().__init__()
        check_count("depth", depth, least=1)
        check_count("growth", growth, least=1)
        check_count("seed", seed, least=0)
        self.phi = activations.get(activation).torch_class().to(dtype)
        self.layers = nn.ModuleList(Linear(in_features + l * growth, growth, dtype=dtype) for l in range(depth))
        self.readout = Linear(in_features + depth * growth, out_features, dtype=dtype)
        generator = torch.Generator().manual_seed(seed)
        for layer in (*self.layers, self.readout):
            initialization.he_(layer, generator)

    def forward(self, x):
        """x (B, in_features) -> logits (B, out_features)."""
        for layer in self.layers:
            x = torch.cat([x, self.phi(layer(x))], dim=-1)
        return self.readout(x)
