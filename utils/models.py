"""The nets of the course."""

import itertools

import torch
from torch import nn

from utils import activations, initialization

NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class MLP(nn.Module):
    """`depth` hidden layers of `width` units, and a linear readout: z^l = W^l a^{l-1} + b^l, a^l = phi(z^l).

    Args:
        depth: number of hidden layers; the net has depth + 1 weight layers.
        width: units of each hidden layer.
        activation: a name of `activations.ACTIVATIONS`.
        init: a name of `initialization.SCHEMES`. Not together with sigma_w.
        sigma_w, sigma_b: w ~ N(0, sigma_w^2 / fan_in), b ~ N(0, sigma_b^2), in place of a named scheme.
        norm: None, "batch" or "layer": normalizes each z^l before phi.
        skip: add a^{l-1} to a^l wherever their widths agree, x_{l+1} = x_l + F(x_l).
        in_features, out_features: pixels and classes.
        seed: of the initialization; the global random state is left alone.
        dtype: of the parameters. Double by default: deep in a sick net the gradients leave float32's range.

    Raises ValueError for an unknown name, a depth below 0, a width below 1, or both `init` and `sigma_w`.
    """

    def __init__(
        self, depth, width=64, *, activation="sigmoid", init=None, sigma_w=None, sigma_b=0.0, norm=None, skip=False,
        in_features=64, out_features=10, seed=0, dtype=torch.float64,
    ):  # fmt: skip
        super().__init__()
        if not isinstance(depth, int) or depth < 0:
            raise ValueError(f"depth is a number of hidden layers, 0 or more; got {depth!r}")
        if not isinstance(width, int) or width < 1:
            raise ValueError(f"width is a number of units, 1 or more; got {width!r}")
        if init is not None and sigma_w is not None:
            raise ValueError("give either init= (a named scheme) or sigma_w=, not both")
        if norm is not None and norm not in NORMS:
            raise ValueError(f"unknown norm {norm!r}: choose None or one of {', '.join(NORMS)}")
        self.phi = activations.get(activation).torch_class()
        self.skip = skip
        sizes = [in_features] + [width] * depth
        with torch.random.fork_rng(devices=[]):  # nn.Linear draws weights of its own, which initialize() draws anew
            self.hidden = nn.ModuleList(nn.Linear(i, o, dtype=dtype) for i, o in itertools.pairwise(sizes))
            self.readout = nn.Linear(sizes[-1], out_features, dtype=dtype)
        self.norms = nn.ModuleList(NORMS[norm](width, dtype=dtype) if norm else nn.Identity() for _ in range(depth))
        self.initialize(init, sigma_w, sigma_b, seed)

    def initialize(self, init=None, sigma_w=None, sigma_b=0.0, seed=0):
        """Draw all weights anew, as the constructor does."""
        generator = torch.Generator().manual_seed(seed)
        for layer in (*self.hidden, self.readout):
            if sigma_w is not None:
                initialization.scaled_(layer, sigma_w, sigma_b, generator=generator)
            else:
                initialization.get(init or "xavier")(layer, generator=generator)
        return self

    def signals(self, x):
        """Run the net and keep everything: x (B, in_features) -> lists of pre-activations z^l and activations a^l.

        `z` has depth + 1 tensors, the last being the logits (B, out_features); `a` begins with x and has depth + 1.
        """
        z, a = [], [x]
        for linear, norm in zip(self.hidden, self.norms):
            z.append(norm(linear(a[-1])))
            out = self.phi(z[-1])
            a.append(out + a[-1] if self.skip and out.shape == a[-1].shape else out)
        z.append(self.readout(a[-1]))
        return z, a

    def forward(self, x):
        """x (B, in_features) -> logits (B, out_features)."""
        return self.signals(x)[0][-1]
