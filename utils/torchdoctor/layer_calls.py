"""Listen to a model: what every layer receives and returns in a forward pass, leaving no trace.

Everything is reduced to a few numbers at the moment it passes by, and let go. Keeping the tensors until the end costs
more than computing with them: fresh memory is slower than arithmetic.
"""

import math
import weakref
from collections import Counter
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

# A sigmoid counts as saturated where its slope is below 2.7 % of its maximum: |z| > 5. Since
# sigmoid(z) = 1/2 + tanh(z/2)/2, the same point of a tanh is |z| > 2.5, where |tanh z| exceeds this bound.
SATURATED_TANH = math.tanh(2.5)
FLAT_ENDS = {"Sigmoid": (0.5, SATURATED_TANH / 2), "Tanh": (0.0, SATURATED_TANH)}  # kind -> centre, reach
# Half of float32's range in powers of ten: a norm within it was computed from squares that float32 can hold. Converting
# every tensor to double would cost more than all other arithmetic here.
SAFE_NORMS = (1e-15, 1e15)
OUTPUTS = ("logits", "out", "output")  # keys of what a model returns as a dict, by which its output goes


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
        """Take z's statistics, and remember where dC/dz will pass."""
        self.z, self.edge = z, get_gradient_edge(z)
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
                self.numbers["saturated"] = ((a.double() - centre).abs_() > reach).sum().item() / a.numel()
        if low <= 0 <= high:
            self.numbers["dead"] = _dead_share(a, self.unit_dim)
        self.x = self.out = self.z = None


@contextmanager
def recording(modules):
    """While this is open, every forward pass of a model appends its `LayerCall`s to the list that this yields.

    modules: name -> module, as `dict(model.named_modules())` gives them.
    """
    calls = []

    def layer_hook(name, weights, unit_dim):
        def hook(module, inputs, output):
            x, z = first_float(inputs), first_float(output)
            is_container = calls and calls[-1].name.startswith(name and name + ".")  # with, say, a position embedding
            if is_container or z is None:
                return output
            last = calls[-1] if calls else None
            made = x is not None and (x.grad_fn is not None or not torch.is_grad_enabled())  # else a first state, other data
            if last and last.kind is None and made and x is not last.x:
                # no module in between, and no parallel branch: the nonlinearity was a function call
                last.hear_activation(x.detach(), _recognised(last.out.detach(), x.detach()))
            if isinstance(output, torch.Tensor) and not z.requires_grad:
                output = z = z.detach().requires_grad_()  # frozen up to here; dC/dz exists all the same
            calls.append(LayerCall(name or type(module).__name__, weights, unit_dim, x, z, z, weakref.ref(z)))
            if z.requires_grad:
                calls[-1].hear_pre_activation(z)
            return output

        return hook

    def nonlinearity_hook(module, inputs, output):
        z = first_float(inputs)
        # Gates are computed side by side: prefer the layer that made this very z to the layer called last.
        call = next((call for call in reversed(calls) if call.returned() is z), calls[-1] if calls else None)
        if z is not None and call and call.kind is None:
            if z is not call.z and z.requires_grad:
                call.hear_pre_activation(z)
            call.hear_activation(output.detach(), type(module).__name__)

    handles, in_place = [], []
    try:
        for name, module in modules.items():
            if ".parametrizations" in name:
                continue  # part of the layer whose weight it makes
            weights = matrices(module)
            if weights:
                hook = layer_hook(name, weights, 1 if isinstance(module, nn.modules.conv._ConvNd) else -1)
            elif type(module).__module__ == nn.ReLU.__module__:
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


@contextmanager
def left_as_found(modules):
    """Of all these modules, buffers (batch norm's statistics) and the random state are put back, whatever happens in between.

    Parameters and .grad need no copy: `torch.autograd.grad` writes neither.
    """
    buffers = [
        (module._buffers, name, buffer, buffer.detach().clone())
        for module in modules
        for name, buffer in module._buffers.items()  # not named_buffers(): that cannot put a replaced buffer back
        if buffer is not None
    ]
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        with torch.no_grad():
            for owner, name, buffer, before in buffers:
                owner[name] = buffer.copy_(before)


def norm(t):
    """Euclidean norm of all entries of t as a float; in double precision where its own would underflow or overflow."""
    t = _at_least_single(t)
    value = torch.linalg.vector_norm(t).item()
    if SAFE_NORMS[0] < value < SAFE_NORMS[1]:
        return value
    return torch.linalg.vector_norm(t.double()).item()


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
    t = _at_least_single(t)
    return t.numel(), t.sum().item(), norm(t)


def _at_least_single(t):
    """t without its graph, 16-bit formats as float32: a float16 sum overflows at 65,504."""
    if t.requires_grad:  # only then: a detach takes as long as a sum over a small layer
        t = t.detach()
    return t.float() if t.element_size() < 4 else t


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


def tensors(value):
    """Yield every tensor in a tensor, or in tuples, lists and dicts of them; of a dict, what is named as its output first."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors(part)
    elif isinstance(value, Mapping):
        for key in sorted(value, key=lambda key: OUTPUTS.index(key) if key in OUTPUTS else len(OUTPUTS)):
            yield from tensors(value[key])


def floats(value):
    """Yield every tensor of real numbers in what a module takes or returns."""
    return (t for t in tensors(value) if t.is_floating_point())


def first_float(value):
    """The first tensor of real numbers in what a module takes or returns, or None."""
    if isinstance(value, tuple) and len(value) == 1:  # mostly it is just a tensor, and a generator takes ten times as long
        (value,) = value
    if isinstance(value, torch.Tensor):
        return value if value.is_floating_point() else None
    return next(floats(value), None)


def matrices(module):
    """The parameters of a module's own with two dimensions or more; of `nn.utils.parametrizations`, what makes them."""
    # Not parameters(recurse=False), which walks through all sorts of things first: this loop is a tenth of it all.
    owned = list(module._parameters.values())
    if (makers := module._modules.get("parametrizations")) is not None:
        owned += makers.parameters()
    return [p for p in owned if p is not None and p.dim() >= 2]
