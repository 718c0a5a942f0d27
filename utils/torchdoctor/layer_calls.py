"""Listen to a model: what every layer receives and returns in a forward pass, leaving no trace.

Everything is reduced to a few numbers at the moment it passes by, and let go. Keeping the tensors until the end costs
more than computing with them: fresh memory is slower than arithmetic.
"""

import math
import weakref
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from . import keras_layers
from .errors import WrongValue
from .values import at_least_single, double, first_float, norm

# A sigmoid counts as saturated where its slope is below 2.7 % of its maximum: |z| > 5. Since
# sigmoid(z) = 1/2 + tanh(z/2)/2, the same point of a tanh is |z| > 2.5, where |tanh z| exceeds this bound.
SATURATED_TANH = math.tanh(2.5)
FLAT_ENDS = {"Sigmoid": (0.5, SATURATED_TANH / 2), "Tanh": (0.0, SATURATED_TANH)}  # kind -> centre, reach


@dataclass
class LayerCall:
    """One call of one layer, and the numbers taken from it.

    `x` is its input, `out` its output, `z` the same or what the nonlinearity received if something (a norm, a sum)
    stands in between. `kind` is the class of the nonlinearity, None as long as none has shown itself; then x, out and z
    are let go. `returned` still knows the output, as long as the model keeps it. `edge` is where dC/dz passes in
    autograd's graph: `torch.autograd.grad` takes it for z, and it stays that of z if something changes z in place.
    """

    name: str
    weights: list
    unit_dim: int
    x: torch.Tensor | None
    out: torch.Tensor | None
    z: torch.Tensor | None
    returned: weakref.ref
    kind: str | None = None
    numbers: dict = field(default_factory=dict)
    edge: GradientEdge | None = None

    def hear_pre_activation(self, z):
        """Take z's statistics, and remember where dC/dz will pass, if it does."""
        self.z, self.edge = z, get_gradient_edge(z) if z.requires_grad else None
        self.numbers["pre"] = _moments(z)

    def hear_activation(self, a, kind):
        """Take the statistics of a, made from z by a nonlinearity of this kind ("" for any but sigmoid and tanh)."""
        self.kind = kind
        self.numbers["activation"] = _moments(a)
        # Mostly there is nothing to count. (Not torch.aminmax: it takes twice as long as the two of them.)
        low, high = a.amin().item(), a.amax().item()
        self.numbers["saturated"] = self.numbers["dead"] = 0.0
        if kind in FLAT_ENDS:
            centre, reach = FLAT_ENDS[kind]
            if max(high - centre, centre - low) > reach:
                self.numbers["saturated"] = ((double(a) - centre).abs_() > reach).sum().item() / a.numel()
        if low <= 0 <= high:
            self.numbers["dead"] = _dead_share(a, self.unit_dim)
        self.x = self.out = self.z = None


@contextmanager
def recording(modules):
    """While this is open, every forward pass of a model appends its `LayerCall`s to the list that this yields.

    modules: name -> module, as `keras_layers.modules_of` gives them.
    """
    calls, inside = [], {}

    def layer_hook(name, weights, unit_dim):
        def hook(module, inputs, output):
            x, out = first_float(inputs), first_float(output)
            within = inside.pop(name, None)  # what the layer's own activation received
            z = out if within is None else within
            if torch.is_inference_mode_enabled():
                raise WrongValue("forward runs under torch.inference_mode, where nothing can be differentiated: take that away, and "
                                 "put it around the calls that are not to train")
            is_container = calls and calls[-1].name.startswith(name and name + ".")  # with, say, a position embedding
            if is_container or out is None:
                return output
            last = calls[-1] if calls else None
            made = x is not None and (x.grad_fn is not None or not torch.is_grad_enabled())  # else a first state, other data
            if last and last.kind is None and made and x is not last.x:
                # no module in between, and no parallel branch: the nonlinearity was a function call
                last.hear_activation(x.detach(), _recognised(last.out.detach(), x.detach()))
            if isinstance(output, torch.Tensor) and not z.requires_grad:
                output = z = z.detach().requires_grad_()  # frozen up to here; dC/dz exists all the same
            calls.append(LayerCall(name or type(module).__name__, weights, unit_dim, x, out, z, weakref.ref(out)))
            calls[-1].hear_pre_activation(z)
            if within is not None:
                calls[-1].hear_activation(out.detach(), keras_layers.kind_of(module))
            return output

        return hook

    def nonlinearity_hook(module, inputs, output):
        z = first_float(inputs)
        # Gates are computed side by side: prefer the layer that made this very z to the layer called last.
        call = next((call for call in reversed(calls) if call.returned() is z), calls[-1] if calls else None)
        if z is not None and call and call.kind is None:
            if z is not call.z and z.requires_grad:
                call.hear_pre_activation(z)
            call.hear_activation(output.detach(), keras_layers.kind_of(module) or type(module).__name__)

    def inner_hook(name):
        def hook(z):
            inside[name] = z if z.requires_grad else z.detach().requires_grad_()
            return inside[name]

        return hook

    handles, in_place, undo = [], [], []
    try:
        for name, module in modules.items():
            if ".parametrizations" in name:
                continue  # part of the layer whose weight it makes
            weights = matrices(module)
            if weights:
                axis = 1 if isinstance(module, nn.modules.conv._ConvNd) else keras_layers.unit_axis(module)
                hook = layer_hook(name, weights, axis)
                if keras_layers.kind_of(module):
                    undo.append(keras_layers.listen_inside(module, inner_hook(name)))
            elif is_nonlinearity(module):
                hook = nonlinearity_hook
                if getattr(module, "inplace", False):  # would overwrite the z that is to be measured
                    module.inplace = False
                    in_place.append(module)
            else:
                continue
            handles.append(module.register_forward_hook(hook))
        yield calls
    finally:
        for handle in handles:
            handle.remove()
        for module in in_place:
            module.inplace = True
        for take_back in undo:
            take_back()


def is_nonlinearity(module):
    """Whether a module without a weight matrix is one of torch's activations, or one of Keras'."""
    return type(module).__module__ == nn.ReLU.__module__ or bool(keras_layers.kind_of(module))


@contextmanager
def left_as_found(modules):
    """Of all these modules, buffers (batch norm's statistics) and the random state are put back, whatever happens in between.

    Parameters and .grad need no copy, for `torch.autograd.grad` writes neither; but Keras keeps its buffers among them.
    """
    states = [(value, value.detach().clone()) for value in keras_layers.kept_states(modules)]
    buffers = [
        (module._buffers, name, buffer, buffer.detach().clone())
        for module in modules
        for name, buffer in module._buffers.items()  # not named_buffers(): that cannot put a replaced buffer back
        if buffer is not None
    ]
    try:
        with kept_random():
            yield
    finally:
        with torch.no_grad():
            for owner, name, buffer, before in buffers:
                buffer = buffer if buffer.shape == before.shape else buffer.resize_(before.shape)  # an observer's begin empty
                owner[name] = buffer.copy_(before)
            for value, before in states:
                value.copy_(before)


@contextmanager
def kept_random():
    """Put back torch's random state, of the CPU and of each device in use."""
    cuda = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        with torch.random.fork_rng(devices=cuda):
            yield
    finally:
        if mps is not None:
            torch.mps.set_rng_state(mps)


def numbered(names):
    """A layer that is called several times is listed as `name`, `name[1]`, `name[2]` ..."""
    seen = Counter()
    out = []
    for name in names:
        out.append(f"{name}[{seen[name]}]" if seen[name] else name)
        seen[name] += 1
    return tuple(out)


def _moments(t):
    """Number of entries, sum and norm: what mean and standard deviation are made of."""
    t = at_least_single(t)
    return t.numel(), t.sum().item(), norm(t)


def _dead_share(a, unit_dim):
    """Share of units that are exactly 0 for every sample of the batch, at every position."""
    units_last = a[None] if a.dim() == 1 else a.movedim(unit_dim, -1)
    units_last = units_last.flatten(0, -2)
    suspects = units_last[0] == 0  # who is not silent for the first sample needs no further look
    if suspects.any():
        suspects = (units_last[:, suspects] == 0).all(0)
    return suspects.sum().item() / units_last.shape[-1]


def _recognised(z, a):
    """The function that made `a` from `z`, judged on one sample: "Sigmoid", "Tanh", or "" for anything else.

    On all of them if the first is 0, where nothing and a tanh are the same.
    """
    if z.shape == a.shape and z.dtype == a.dtype and a is not z:
        rows = slice(1) if z[:1].any() else slice(None)
        low, high = (bound.item() for bound in torch.aminmax(a[rows])) if a.numel() else (0.0, 0.0)
        for kind, function, least in (("Sigmoid", torch.sigmoid, 0), ("Tanh", torch.tanh, -1)):
            if not (low > least - 1e-3 and high < 1 + 1e-3):  # which a few microseconds tell; 1e-3 for 16-bit formats
                continue
            if torch.allclose(a[rows], function(z[rows])) and not torch.equal(a[rows], z[rows]):
                return kind
    return ""


def matrices(module):
    """The parameters of a module's own with two dimensions or more; of `nn.utils.parametrizations`, what makes them."""
    # Not parameters(recurse=False), which walks through all sorts of things first: this loop is a tenth of it all.
    if keras_layers.is_keras(module):
        return [p for p in keras_layers.variables(module) if p.dim() >= 2]
    owned = list(module._parameters.values())
    if (makers := module._modules.get("parametrizations")) is not None:
        owned += makers.parameters()
    return [p for p in owned if p is not None and p.dim() >= 2]
