"""The multilayer perceptron, and a stack of several that train together."""

import itertools

import torch
from torch import nn

from utils.nets import activations, initialization
from utils.torchdoctor.errors import WrongValue

NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


def check_count(name, value, least):
    """Raise WrongValue unless `value` is a whole number of at least `least`; `name` is what the message calls it."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise WrongValue(f"{name} is a whole number, {least} or more; got {value!r}")


class Linear(nn.Linear):
    """An `nn.Linear` that leaves its weights to `MLP.initialize`, and the global random state alone."""

    def reset_parameters(self):
        """Draw nothing; PyTorch's own would, for the net only to draw anew."""


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

    Raises ValueError for an unknown name, a size or a seed that is no whole number or too small, a dtype that is no
    float, both `init` and `sigma_w`, or a `sigma_b` without `sigma_w`.
    """

    def __init__(
        self, depth, width=64, *, activation="sigmoid", init=None, sigma_w=None, sigma_b=0.0, norm=None, skip=False,
        in_features=64, out_features=10, seed=0, dtype=torch.float64,
    ):  # fmt: skip
        super().__init__()
        check_count("depth", depth, least=0)
        check_count("width", width, least=1)
        check_count("in_features", in_features, least=1)
        check_count("out_features", out_features, least=1)
        if norm is not None and (not isinstance(norm, str) or norm not in NORMS):
            raise WrongValue(f"unknown norm {norm!r}: choose None or one of {', '.join(NORMS)}")
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise WrongValue(f"dtype is one of torch's floating-point types, such as torch.float32; got {dtype!r}")
        phi = activations.get(activation).torch_class
        self.phi = nn.ModuleList(phi().to(dtype) for _ in range(depth))  # one a layer: each PReLU learns its own slope
        self.skip = skip
        sizes = [in_features] + [width] * depth
        self.hidden = nn.ModuleList(Linear(i, o, dtype=dtype) for i, o in itertools.pairwise(sizes))
        self.readout = Linear(sizes[-1], out_features, dtype=dtype)
        self.norms = nn.ModuleList(NORMS[norm](width, dtype=dtype) if norm else nn.Identity() for _ in range(depth))
        self.initialize(init, sigma_w, sigma_b, seed)

    def initialize(self, init=None, sigma_w=None, sigma_b=0.0, seed=0):
        """Draw the linear layers' weights and biases anew, as the constructor does; same errors. Returns the net.

        What norms and PReLUs have learnt stays.
        """
        check_count("seed", seed, least=0)
        if init is not None and sigma_w is not None:
            raise WrongValue("give either init= (a named scheme) or sigma_w=, not both")
        if sigma_w is None and sigma_b != 0:
            raise WrongValue(f"sigma_b={sigma_b!r} needs sigma_w=: a named scheme has its own rule for the biases")
        scheme = initialization.get("xavier" if init is None else init)
        generator = torch.Generator().manual_seed(seed)
        for layer in (*self.hidden, self.readout):
            if sigma_w is not None:
                initialization.scaled_(layer, sigma_w, sigma_b, generator=generator)
            else:
                scheme(layer, generator=generator)
        return self

    def signals(self, x):
        """Run the net and keep everything: x (B, in_features) -> lists of pre-activations z^l and activations a^l.

        `z` has depth + 1 tensors, the last being the logits (B, out_features); `a` begins with x and has depth + 1.
        """
        z, a = [], [x]
        for linear, norm, phi in zip(self.hidden, self.norms, self.phi):
            z.append(norm(linear(a[-1])))
            out = phi(z[-1])
            a.append(out + a[-1] if self.skip and out.shape == a[-1].shape else out)
        z.append(self.readout(a[-1]))
        return z, a

    def forward(self, x):
        """x (B, in_features) -> logits (B, out_features)."""
        return self.signals(x)[0][-1]


class Stack(nn.Module):
    """Many MLPs of one shape as one module, computed and trained together: x (B, in_features) -> (nets, B, classes).

    Sixty small nets take little longer than one, which makes a map of settings cheap. The weights are copies.
    Raises ValueError unless the nets agree in their sizes and their activation, and have neither norm nor skip nor an
    activation that learns.
    """

    def __init__(self, nets):
        super().__init__()
        nets = list(nets)
        shapes = {(repr(net.phi), *(p.shape for p in net.parameters())) for net in nets}
        if len(shapes) != 1:
            raise WrongValue(f"a stack takes one or more nets of one shape and activation; got {len(shapes)} kinds")
        if any(net.skip or not isinstance(norm, nn.Identity) for net in nets for norm in net.norms):
            raise WrongValue("a stack takes plain nets, without norm and skip")
        if any(True for _ in nets[0].phi.parameters()):
            raise WrongValue("a stack takes activations without parameters of their own")
        layers = list(zip(*([*net.hidden, net.readout] for net in nets)))  # [layer][net]
        self.phi = nets[0].phi
        self.weights = nn.ParameterList(torch.stack([linear.weight.detach().T for linear in layer]) for layer in layers)
        self.biases = nn.ParameterList(torch.stack([linear.bias.detach()[None] for linear in layer]) for layer in layers)

    def signals(self, x):
        """As `MLP.signals`, with the nets as the leading axis: every tensor but a[0] = x is (nets, B, units)."""
        z, a = [], [x]
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            if layer:
                a.append(self.phi[layer - 1](z[-1]))
            z.append(torch.baddbmm(bias, a[-1].expand(len(weight), *a[-1].shape[-2:]), weight))
        return z, a

    def forward(self, x):
        """x (B, in_features) -> the logits of every net, (nets, B, out_features)."""
        return self.signals(x)[0][-1]
