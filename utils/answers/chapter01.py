"""Chapter 1, *Saturation*: the checkers of its exercises, and its patient.

A checker `check_*(your_function)` answers 'correct', 'not yet: why' or 'not attempted'.
"""

import torch
from torch import nn
from torch.nn import functional as F

from utils.data.datasets import digits
from utils.exercises.checking import as_vector, check, exercise, nan_among
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict
from utils.nets.initialization import scaled_
from utils.nets.mlp import MLP
from utils.torchdoctor import measure
from utils.training.loop import fit

RIGHT = {"twice as deep": 1e-13}  # the right option of each prediction, out of the learner's sight


def _sigmoid_slope(z):
    return torch.sigmoid(z) * (1 - torch.sigmoid(z))


@exercise
def check_chain(weight, bias):
    """Check the answer to: twenty sigmoid units in a row, h = sigma(weight h + bias), are to pass the whole gradient on.

    weight, bias: two numbers, those of every unit. What is measured is the derivative of the last unit by the input, 0.5;
    it is to be 1, within a tenth.
    """
    if (verdict := _refuse(weight=weight, bias=bias)) is not None:
        return verdict
    weight, bias = float(weight), float(bias)
    h = x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    for _ in range(20):
        z = weight * h + bias
        h = torch.sigmoid(z)
    (gradient,) = torch.autograd.grad(h, x)
    told = f"twenty units multiply the gradient by {gradient:.2g}; the last one's z is {z:.1f}, its factor {weight:g} x {h * (1 - h):.3f}"
    if abs(gradient - 1) < 0.1:
        return Verdict(CORRECT, told)
    if abs(z) > 0.05:
        return Verdict(NOT_YET, f"{told}. Which bias would hold z where the slope is largest?")
    return Verdict(NOT_YET, f"{told}. The slope is the largest that there is; which weight makes this factor 1?")


@exercise
def check_backward_step(f):
    """Check f(delta_next, W_next, z) -> delta, one layer's step of backpropagation (BP2) for a batch.

    delta_next: dC/dz of the layer after, (B, n_next); W_next: that layer's weights, (n_next, n); z: pre-activations of
    this sigmoid layer, (B, n). delta: dC/dz of this layer, (B, n).
    """
    def with_slope(slope):
        return lambda delta_next, W_next, z: delta_next @ W_next * slope(z)

    def transposed(delta_next, W_next, z):
        return delta_next @ W_next.T * _sigmoid_slope(z)

    def slope_first(delta_next, W_next, z):
        return delta_next * _sigmoid_slope(z) @ W_next

    mistakes = {
        with_slope(torch.ones_like): "the weights' part is right; the slope of the activation is missing",
        with_slope(torch.sigmoid): "the last factor is the slope sigma'(z), not sigma(z)",
        with_slope(lambda z: z * (1 - z)): "the slope is made of sigma(z), not of z itself",
        with_slope(lambda z: torch.sigmoid(z) ** 2): "the slope is sigma(z) times 1 minus sigma(z), not sigma(z) squared",
        transposed: "with one sample a row, W_next is not transposed here",
        slope_first: "first through the weights, then times the slope of the layer at which you arrive",
    }
    # The square case comes first: there a wrong transpose has a right shape, and its own hint.
    cases = [(_random(5, 4, seed=0), _random(4, 4, seed=1), _random(5, 4, seed=2)),
             (_random(6, 2, seed=0), _random(2, 3, seed=1), _random(6, 3, seed=2))]
    return check(f, with_slope(_sigmoid_slope), cases, mistakes=mistakes, by_hand=True)


@exercise
def check_weight_gradients(f):
    """Check f(net, x, y) -> norm of the loss's gradient for the weight of each nn.Linear of net, in net's order.

    net: an nn.Module; x: inputs (B, n_in); y: classes (B,); the loss is F.cross_entropy(net(x), y). The norms are
    computed in double precision (a list of numbers or a tensor, one per layer), and the net's .grad stays None.
    """
    def gradients(net, x, y):
        weights = [layer.weight for layer in net.modules() if isinstance(layer, nn.Linear)]
        return torch.autograd.grad(F.cross_entropy(net(x), y), weights)

    def reduced(function):
        return lambda net, x, y: torch.stack([function(g).double() for g in gradients(net, x, y)])

    def norms(net, x, y):
        return reduced(lambda g: g.double().norm())(net, x, y)

    def with_biases(net, x, y):
        return torch.stack([g.double().norm() for g in torch.autograd.grad(F.cross_entropy(net(x), y), net.parameters())])

    def with_biases_joined(net, x, y):
        return with_biases(net, x, y).view(-1, 2).norm(dim=1)  # a row: the norms of a layer's weight and of its bias

    mistakes = {
        reduced(torch.norm): "the float32 norm squares the entries, and these squares are below float32's range: "
                             "call .double() before the norm",
        reduced(lambda g: g.double().norm() ** 2): "that is the squared norm",
        reduced(lambda g: g.double().abs().max()): "that is the largest entry, not the norm",
        reduced(lambda g: g.double().abs().mean()): "that is the mean size of an entry, not the norm",
        reduced(lambda g: g.double().norm() / g.numel() ** 0.5): "that is the root mean square, not the norm",
        gradients: "these are the gradients themselves: take the norm of each",
        with_biases: "these are weights and biases: the weights only",
        with_biases_joined: "each holds the layer's bias, too: the weight only",
        lambda net, x, y: norms(nn.Sequential(net, nn.Softmax(1)), x, y): "F.cross_entropy takes what comes out of the "
            "net as it is: it does the softmax itself",
        lambda net, x, y: norms(net, x, y).flip(0): "the order is from input to output",
    }  # fmt: skip
    x, y = _random(8, 4, seed=0), torch.arange(8) % 3
    cases = [(_sigmoid_net(3, 1.0), x, y), (_sigmoid_net(12, 0.01).float(), x.float(), y)]
    return check(f, norms, cases, mistakes=mistakes, convert=as_vector, rtol=1e-3, atol=0)


@exercise
def check_twenty_layers(sigma_w, c):
    """Check the answer to: twenty layers of sigma(z) - c with weights of variance sigma_w^2 / fan_in are to learn the digits.

    sigma_w, c: two numbers. The net is trained for 300 steps of SGD with momentum 0.9 at a rate of 0.05, and is to
    reach 90 % of the digits that it is trained on.
    """
    if (verdict := _refuse(sigma_w=sigma_w, c=c)) is not None:
        return verdict
    sigma_w, c = float(sigma_w), float(c)
    if sigma_w <= 0:
        return Verdict(NOT_YET, "sigma_w is a standard deviation, so it is positive")
    x, y, *_ = digits()
    net = _twenty_layers(sigma_w, c)
    norms, mean = measure(net, x[:128], y[:128]).delta_norm, net[:-1](x[:128]).detach().mean().item()
    delta = (norms[0] / norms[-1]).item()
    run = fit(net, x, y, steps=300, lr=0.05, live=False)
    told = f"{run.accuracy:.0%} of the digits after {run.steps} steps"
    if run.accuracy > 0.9:
        return Verdict(CORRECT, f"{told}; layer 1 had {delta:.0e} of the last layer's gradient at the start")
    if run.stopped:
        return Verdict(NOT_YET, f"you stopped it after {run.steps} of 300 steps, too early to tell: run the cell again")
    if abs(mean) > 0.25:
        return Verdict(NOT_YET, f"{told}: every unit says {mean:.2f} on the average, whatever the image; what takes that away?")
    if delta < 1e-2:
        return Verdict(NOT_YET, f"{told}: layer 1 gets {delta:.0e} of the last layer's gradient; each layer's factor is too small")
    if delta > 0.5:
        return Verdict(NOT_YET, f"{told}: layer 1 gets {delta:.0e} times the last layer's gradient; the weights are too large")
    return Verdict(NOT_YET, f"{told}: nearly; layer 1 gets {delta:.0e} of the last layer's gradient, and could have more")


def _refuse(**answers):
    """Return the Verdict on answers that are not numbers to compute with, or None."""
    if any(answer is None or answer is ... for answer in answers.values()):
        return Verdict(NOT_ATTEMPTED, "put two numbers in the place of the dots")
    try:
        numbers = {name: float(answer) for name, answer in answers.items()}
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return Verdict(NOT_YET, f"{' and '.join(answers)} are two plain numbers, such as 1.0 and 0.0")
    beyond = f"{' and '.join(answers)} are two numbers, neither of them beyond a thousand"
    return None if all(abs(number) < 1000 for number in numbers.values()) else Verdict(NOT_YET, nan_among(**numbers) or beyond)


class _Shifted(nn.Module):
    """sigma(z) - c."""
    def __init__(self, c):
        super().__init__()
        self.c = c

    def forward(self, z):
        return torch.sigmoid(z) - self.c


def _twenty_layers(sigma_w, c):
    layers = [module for _ in range(20) for module in (nn.Linear(64, 64), _Shifted(c))]
    net, generator = nn.Sequential(*layers, nn.Linear(64, 10)).double(), torch.Generator().manual_seed(0)
    for layer in net[::2]:
        scaled_(layer, 1.0 if layer is net[-1] else sigma_w, 0.0, generator=generator)
    return net


def _random(*shape, seed):
    """Return a tensor of standard normal numbers in double precision; the global random state is left alone."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _sigmoid_net(depth, sigma_w):
    """Return a sigmoid net of `depth` weight layers, 4 inputs and 3 classes; sigma_w: standard deviation of weights."""
    layers = [module for _ in range(depth - 1) for module in (nn.Linear(4, 4), nn.Sigmoid())]
    net = nn.Sequential(*layers, nn.Linear(4, 3)).double()
    for seed, p in enumerate(net.parameters()):
        nn.init.normal_(p, std=sigma_w, generator=torch.Generator().manual_seed(seed))
    return net


def _eight(activation="sigmoid", **settings):
    return lambda: MLP(8, activation=activation, seed=1, **settings)


PATIENT = Patient(
    complaint="Eight sigmoid layers, cross-entropy, learning rate 0.1. The loss starts at 2.6, falls to about ln 10, and stays there.",
    make=_eight(sigma_w=1.0),
    lr=0.1,
    disease="vanishing through small slopes",
    diseases={
        "vanishing through small slopes": "the gradient falls about fourfold from layer to layer, and no unit is saturated: "
        "the slope in the middle is a quarter",
        "units that are saturated": "the last column says that not one unit is",
        "weights too large": "weights that are too large push units to the flat ends, and the last column says that not one is there",
        "learning rate too small": "the last layers move at a healthy rate, so a larger one would be too large for them, and "
        "layer 1 would need one that is a million times larger",
    },
    prescriptions={
        "ten times the learning rate": Treatment(
            _eight(sigma_w=1.0), 1.0, "ten times next to nothing is next to nothing for layer 1, and the readout is thrown about"),
        "weights with std 0.01": Treatment(_eight(init="small"), 0.1, "smaller weights make each factor smaller still"),
        "tanh in the place of the sigmoid": Treatment(
            _eight("tanh", sigma_w=1.0), 0.1, "the slope of tanh is 1 in the middle, so each layer passes nearly everything on"),
        "twice as many units in each layer": Treatment(
            _eight(width=128, sigma_w=1.0), 0.1, "the factor per layer does not depend on how wide the layers are"),
    },
)

SECOND_PATIENT = Patient(
    complaint="Eight tanh layers, cross-entropy, learning rate 0.05. The loss starts above 11, falls to about ln 10, and jumps there.",
    make=_eight("tanh", init="naive"),
    lr=0.05,
    disease="weights too large",
    diseases={
        "vanishing through small slopes": "a vanishing gradient is smallest at layer 1; here it is largest there",
        "weights too large": "three units of four are saturated, and still the gradient grows towards the input: "
        "the large weights win over the small slopes, and layer 1 is thrown about at every step",
        "weights too small": "weights that are too small leave activations near 0; here they sit at -1 and 1",
        "learning rate too small": "layer 1 moves by a quarter of its own size at every step: far too much",
    },
    prescriptions={
        "a tenth of the learning rate": Treatment(
            _eight("tanh", init="naive"), 0.005,
            "the weights stay too large: in smaller steps, too, they are thrown to where nine units of ten are saturated"),
        "ten times the learning rate": Treatment(
            _eight("tanh", init="naive"), 0.5,
            "the steps were too large already: now every unit is saturated, and the loss ends higher than it began"),
        "weights with sigma_w = 1": Treatment(
            _eight("tanh", sigma_w=1.0), 0.05,
            "hardly a unit is saturated now, so layer 1 gets about as much gradient as the last layer, not hundreds of times as much"),
        "weights with std 0.01": Treatment(
            _eight("tanh", init="small"), 0.05,
            "now the gradient vanishes instead: layer 1 gets about a billionth of what the last layer has"),
    },
)
