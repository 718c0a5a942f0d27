"""Chapter 2, *ReLU*: the checkers of its exercises and its patients; its quiz is `quiz02`."""

import itertools

import torch
from torch import nn

from utils.answers.quiz02 import QUIZ  # noqa: F401 - chapters find it here, as any other
from utils.data.datasets import digits
from utils.exercises.checking import as_vector, check, exercise
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.verdict import CORRECT, NOT_YET, Verdict
from utils.nets.mlp import MLP
from utils.torchdoctor.errors import WrongType
from utils.torchdoctor.measurement import measure
from utils.training.loop import fit

RIGHT = {"He's weights": 1.0}  # the right option of each prediction, out of the learner's sight


def _numbers(*shape):
    """Return a tensor of numbers of both signs, in double precision, every fifth of them exactly 0."""
    numbers = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return torch.where(numbers % 5 == 0, 0, 2 * torch.sin(3 * numbers)).view(shape)


@exercise
def check_relu_backward(f):
    """Check f(delta_out, z) -> dC/dz of a ReLU from dC/da; both of one shape. At z = 0 the slope is 0, as in PyTorch."""
    mistakes = {
        lambda delta_out, z: delta_out * (z >= 0): "at z = 0 itself PyTorch takes the slope 0",
        lambda delta_out, z: delta_out.clamp(min=0): "the sign of z decides what passes, not the sign of delta",
        lambda delta_out, z: delta_out.clamp(min=0) * (z > 0): "a negative error passes an active unit, too",
        lambda delta_out, z: delta_out * z.clamp(min=0): "times the slope of ReLU, not times ReLU itself",
        lambda delta_out, z: delta_out * (z < 0): "the other way round: what is active lets the error through",
        lambda delta_out, z: delta_out + 0: "an inactive unit stops the error",
    }
    cases = [(torch.cos(5 * _numbers(4, 6)), _numbers(4, 6)), (_numbers(3) - 1, _numbers(3))]
    return check(f, lambda delta_out, z: delta_out * (z > 0), cases, mistakes=mistakes, by_hand=True)


@exercise
def check_level_sigma_w(f):
    """Check f(alpha) -> the sigma_w that keeps chi = 1 for a leaky ReLU with slope alpha below zero; two numbers."""
    mistakes = {
        lambda alpha: 2 / (1 + alpha**2): "that is sigma_w squared",
        lambda alpha: 2**0.5: "that is ReLU's; a leak lets some of the other half through",
        lambda alpha: (2 / (1 + alpha)) ** 0.5: "the gradient's mean square takes the slope squared",
        lambda alpha: ((1 + alpha**2) / 2) ** 0.5: "upside down: the weights make up for what the slopes lose",
        lambda alpha: (1 / (1 + alpha**2)) ** 0.5: "each sign of z occurs half of the time",
        lambda alpha: (2 / (1 - alpha**2)) ** 0.5: "both halves add to the mean square: check the sign",
    }
    cases = [(0.25,), (0.01,), (0.0,), (0.9,)]
    return check(f, lambda alpha: (2 / (1 + alpha**2)) ** 0.5, cases, mistakes=mistakes)


@exercise
def check_census(f):
    """Check f(net, x) -> share of dead units after each nn.ReLU of an nn.Sequential, first one first; x: (B, n_in).

    The answer is a list of numbers or a 1-D tensor, one for each nn.ReLU; the net is left as it was.
    """
    def outputs(net, x):
        found = []
        for layer in net:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                found.append(x.detach())
        return found

    def shares(function):
        return lambda net, x: torch.stack([function(a).double() for a in outputs(net, x)])

    dead = shares(lambda a: (a == 0).all(0).double().mean())
    mistakes = {
        shares(lambda a: (a == 0).double().mean()): "that is the share of zeros, the sparsity: a dead unit is zero "
                                                    "for every sample",
        shares(lambda a: (a == 0).any(0).double().mean()): "zero for one sample is no death",
        shares(lambda a: (a == 0).all(1).double().mean()): "these are samples that no unit answers; go down dimension 0",
        shares(lambda a: (a == 0).all(0).sum()): "a share, not a number of units: divide by how many there are",
        shares(lambda a: 1 - (a == 0).all(0).double().mean()): "that is the share of the living",
        lambda net, x: dead(net, x).flip(0): "the order is from input to output",
    }  # fmt: skip
    cases = [(_relu_net((4, 6, 5, 3), bias=-1.0), _numbers(9, 4)), (_relu_net((3, 8, 2), bias=-0.5), _numbers(7, 3))]
    return check(f, dead, cases, mistakes=mistakes, convert=as_vector)


ALPHA = 0.8  # the slope below zero of the net that is to be repaired


@exercise
def check_weights(f):
    """Check f(n_in, n_out, alpha) -> random weights (n_out, n_in) with which twenty layers of leaky ReLU learn.

    The layers are 64 and 128 units wide in turn, and alpha = 0.8 is their slope below zero. The first is to have between a
    third and three times the gradient of the last one. The mean square of z is to stay (by 0.8 to 1.25 where layers widen, and
    where they narrow; by 0.95 to 1.05 in a wide one). 150 steps of SGD (0.003, momentum 0.9) are to get 90 % of the digits.
    """
    answer = check(f, lambda n_in, n_out, alpha: torch.tensor([n_out, n_in]), [(5, 7, ALPHA), (12, 4, ALPHA)],
                   mistakes={lambda n_in, n_out, alpha: torch.tensor([n_in, n_out]): "the shape of a weight is (n_out, n_in)"},
                   convert=_shape_of)  # fmt: skip
    if not answer:
        return answer
    (x, y, *_), net = digits(), _twenty_layers(f)
    mean = torch.stack([layer.weight.mean() / layer.weight.std() for layer in net[:-1:2]]).mean().item()
    level = 512 * f(512, 256, ALPHA).double().square().mean().item() * (1 + ALPHA**2) / 2  # of 131,072 weights: to 0.5 %
    measured = measure(net, x[:128], y[:128])
    left = (measured.delta_norm[0] / measured.delta_norm[-2]).item()
    growth = (measured.pre_std**2 + measured.pre_mean**2)[:-1].log().diff()  # of z, over the twenty layers
    wider, narrower = growth[0::2].mean().exp().item(), growth[1::2].mean().exp().item()
    run = fit(net, x, y, steps=150, lr=0.003, live=False)
    outcome = f"the loss blew up at step {run.steps}" if run.diverged else f"{run.accuracy:.0%} of the digits"
    told = f"{outcome}; before, layer 1 had {left:.1e} of the last layer's gradient"
    if run.stopped:
        return Verdict(NOT_YET, f"you stopped it after {run.steps} of 150 steps, too early to tell: run the cell again")
    if not abs(mean) <= 0.2:  # or NaN, for weights that are all alike
        return Verdict(NOT_YET, f"{told}: random weights should lie around 0, some above and some below")
    if not 1 / 3 < left < 3:
        return Verdict(NOT_YET, f"{told}: the line is not level, the weights are too {'small' if left < 1 else 'large'}")
    if not (0.8 < wider < 1.25 and 0.8 < narrower < 1.25):
        return Verdict(NOT_YET, f"level on the whole, but the mean square of z is multiplied by {wider:.2f} where the layers widen, "
                                f"and by {narrower:.2f} where they narrow: of its inputs and outputs, over which does z sum?")
    if not 0.95 < level < 1.05:
        return Verdict(NOT_YET, f"it learns, but z's mean square is multiplied by {level:.2f}: below 0 passes the square of the slope")
    return Verdict(CORRECT if run.accuracy > 0.9 else NOT_YET, told)


def _shape_of(weights):
    """Return the shape of a learner's weights, if weights they are; else raise WrongType."""
    if not isinstance(weights, torch.Tensor) or not weights.is_floating_point():
        raise WrongType(f"expected a tensor of floating-point numbers, got a value of type {type(weights).__name__}")
    if torch.isfinite(weights).all():
        return torch.tensor(weights.shape)
    raise WrongType("not all of these weights are finite")


def _twenty_layers(f):
    """Return the net that is to be repaired, with the learner's weights; the global random state is left alone."""
    sizes, layers = [64, *[64, 128] * 10], []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        for n_in, n_out in itertools.pairwise(sizes):
            linear = nn.Linear(n_in, n_out, dtype=torch.float64)
            linear.weight.copy_(f(n_in, n_out, ALPHA))
            nn.init.zeros_(linear.bias)
            layers += [linear, nn.LeakyReLU(ALPHA)]
        readout = MLP(0, in_features=sizes[-1], init="lecun").readout
    return nn.Sequential(*layers, readout)


def _relu_net(sizes, bias):
    """Return a net of ReLU layers with a linear readout, with weights of both signs and the same bias everywhere."""
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        linear = nn.Linear(n_in, n_out).double()
        with torch.no_grad():
            linear.weight.copy_(_numbers(n_out, n_in))
            linear.bias.fill_(bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _biased(bias, activation="relu"):
    """Return a maker of nets of three layers with one and the same bias in every hidden unit."""
    def make():
        net = MLP(3, activation=activation, init="he", seed=1)
        for layer in net.hidden:
            nn.init.constant_(layer.bias, bias)
        return net

    return make


def _fresh():
    return MLP(3, activation="relu", init="he", seed=1)


def _thrown(activation="relu"):
    """Return a maker of the net that has had 100 steps at a rate of 0.3, with another activation afterwards."""
    def make():
        net, (x, y, *_) = _fresh(), digits()
        fit(net, x, y, steps=100, lr=0.3, live=False)
        net.phi = MLP(3, activation=activation).phi
        return net

    return make


PATIENT = Patient(
    complaint="Three ReLU layers, which began with He's weights and biases of 0, after 100 steps at a learning rate of "
    "0.3. The loss is about 2 and calm.",
    make=_thrown(),
    lr=0.3,
    disease="killed by too large a step",
    diseases={
        "killed by too large a step": "hardly a unit was dead at birth, and now most are: in layer 1 the mean of z lies at "
        "-24, and only a step can have thrown it there",
        "dead before the first step": "with He's weights and biases of 0 hardly a unit of three layers is born dead, and no z "
        "lies at -24",
        "vanishing through weights too small": "then z would lie close to 0, and here it is thrown far below",
        "an ordinary training": "a few units in a hundred would be ordinary; here it is most of them",
    },
    prescriptions={
        "a tenth of the rate, from now on": Treatment(
            _thrown(), 0.03, "it comes too late: what is dead in layer 1 has a gradient of 0, and a tenth of 0 is 0"
        ),
        "a leak of 0.01 and a tenth of the rate, from now on": Treatment(
            _thrown("leaky_relu"), 0.03, "the weights are still as large as those steps have left them, and what had been silent "
            "speaks up through the leak"
        ),
        "new weights by He, and the same rate": Treatment(
            _fresh, 0.3, "the weights were not the cause: the same step kills the new units as well"
        ),
        "new weights by He, and a tenth of the rate": Treatment(
            _fresh, 0.03, "the step was the cause, and what it had killed is replaced: hardly a unit is dead in the end"
        ),
    },
)

SECOND_PATIENT = Patient(
    complaint="Three ReLU layers, He's weights, learning rate 0.05. The owner wanted sparse activations and helped a "
    "little. The loss stands at ln 10.",
    make=_biased(-3.0),
    lr=0.05,
    disease="dead before the first step",
    diseases={
        "dead before the first step": "every unit of layer 3 is silent for every digit, and no step was taken yet: "
        "z lies around -3 in all layers, which is where its biases put it",
        "killed by too large a step": "that looks alike afterwards; but this net was measured before its first step",
        "vanishing through small slopes": "a gradient that fades is small and falls from layer to layer; this one is "
        "exactly 0 in all hidden layers at once",
        "weights too small": "small weights make z small, around 0; here it lies around -3",
    },
    prescriptions={
        "a tenth of the learning rate": Treatment(
            _biased(-3.0), 0.005, "a tenth of 0 is 0: no hidden layer has a gradient, so none moves"
        ),
        "ten times the learning rate": Treatment(
            _biased(-3.0), 0.5, "ten times 0 is still 0: the biases of the readout jump, and nothing else moves"
        ),
        "a leak of 0.01": Treatment(
            _biased(-3.0, activation="leaky_relu"), 0.05,
            "no unit is dead any more, but most slopes are 0.01 now, and three layers of them leave layer 1 with "
            "less than a ten-thousandth of the last layer's gradient",
        ),
        "biases of zero": Treatment(
            _biased(0.0), 0.05, "z lies around 0 again, so about half of the units answer, and the gradient keeps its level"
        ),
    },
)
