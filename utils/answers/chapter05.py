"""Chapter 5, *Xavier and He*: the checkers of its exercises and its patients; its quiz is `quiz05`."""

import functools

import torch
from torch import nn

from utils.answers.quiz05 import QUIZ  # noqa: F401 - chapters find it here, as any other
from utils.data.datasets import digits
from utils.exercises.checking import as_vector, check, exercise
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.verdict import CORRECT, NOT_YET, Verdict
from utils.nets.mlp import MLP
from utils.torchdoctor.errors import WrongType
from utils.training.loop import fit

RIGHT = {"half of He's": 1e-15, "batch norm": 1e4}  # the right option of each prediction, out of the learner's sight


@exercise
def check_xavier_bound(f):
    """Check f(n_in, n_out) -> b such that U(-b, b) has Xavier's variance; three numbers."""
    mistakes = {
        lambda n_in, n_out: (2 / (n_in + n_out)) ** 0.5: "that is the standard deviation; a uniform's bound is sqrt(3) "
            "times it",
        lambda n_in, n_out: 6 / (n_in + n_out): "take the square root",
        lambda n_in, n_out: (3 / (n_in + n_out)) ** 0.5: "the variance is 2 over the *sum* of the fans",
        lambda n_in, n_out: (6 / n_in) ** 0.5: "that is He's bound: Xavier's looks at both fans",
        lambda n_in, n_out: (3 / n_in) ** 0.5: "that is LeCun's bound: Xavier's looks at both fans",
        lambda n_in, n_out: (12 / (n_in + n_out)) ** 0.5: "the whole interval is 2 b wide, so its variance is b^2 / 3",
        lambda n_in, n_out: (24 / (n_in + n_out)) ** 0.5: "that is the width of the interval, from -b to b",
    }  # fmt: skip
    cases = [(64, 100), (300, 100), (64, 64), (1, 5)]
    return check(f, lambda n_in, n_out: (6 / (n_in + n_out)) ** 0.5, cases, mistakes=mistakes)


@exercise
def check_fans(f):
    """Check f(layer) -> fan-in, fan-out, for an nn.Linear or an nn.Conv2d of any window and any number of groups."""
    def fans(fan_in, fan_out):
        def of(layer):
            units, seen = layer.weight.shape[:2]
            return torch.tensor([fan_in(layer, seen), fan_out(layer, units)], dtype=torch.float64)

        return of

    def window(layer):
        return layer.weight[0, 0].numel()

    def groups(layer):
        return getattr(layer, "groups", 1)

    right = fans(lambda layer, seen: seen * window(layer), lambda layer, units: units // groups(layer) * window(layer))
    mistakes = {
        lambda layer: right(layer).flip(0): "the order is fan-in, then fan-out",
        fans(lambda layer, seen: seen, lambda layer, units: units): "a window has several pixels: each of them is a term",
        fans(lambda layer, seen: seen, lambda layer, units: units // groups(layer)): "a window has several pixels: each of "
            "them is a term",
        fans(lambda layer, seen: seen * layer.weight.shape[-1] ** 2, lambda layer, units: units // groups(layer)
             * layer.weight.shape[-1] ** 2): "the window need not be square",
        fans(lambda layer, seen: seen * layer.weight[0, 0, :, :1].numel() ** 2, lambda layer, units: units // groups(layer)
             * layer.weight[0, 0, :, :1].numel() ** 2): "the window need not be square",
        fans(lambda layer, seen: window(layer), lambda layer, units: window(layer)): "the window of *every* channel counts",
        fans(lambda layer, seen: seen * window(layer), lambda layer, units: units * window(layer)): "an input channel goes to "
            "the output channels of its own group only",
        fans(lambda layer, seen: seen * groups(layer) * window(layer), lambda layer, units: units * window(layer)): "with "
            "groups an output channel sees the channels of its own group only",
        fans(lambda layer, seen: seen * groups(layer) * window(layer),
             lambda layer, units: units // groups(layer) * window(layer)): "the weight's second dimension counts the channels "
            "of one group already",
        fans(lambda layer, seen: seen * window(layer) / groups(layer),
             lambda layer, units: units // groups(layer) * window(layer)): "the weight's second dimension counts the channels "
            "of one group already",
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        cases = [(nn.Linear(5, 7),), (nn.Conv2d(4, 6, (3, 5)),), (nn.Conv2d(8, 16, 3, groups=4),), (nn.Conv2d(6, 6, 3, groups=6),)]
    return check(f, right, cases, mistakes=mistakes, convert=_pair)


def _pair(answer):
    """Return a pair of numbers, in whatever it comes, as a vector of double precision; anything else as it is."""
    answer = as_vector(answer)
    return answer.double() if isinstance(answer, torch.Tensor) and not answer.is_complex() else answer


def stalled():
    """Return a net of 16 convolutions with SiLU for rows of 64 pixels, with He's weights: it learns nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        parts = [nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.SiLU()]
        for _ in range(15):
            parts += [nn.Conv2d(16, 16, 3, padding=1), nn.SiLU()]
        net = nn.Sequential(*parts, nn.Flatten(), nn.Linear(256, 10))
        for layer in net:
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
    return net


@exercise
def check_revived(f):
    """Check f(images) -> the net of `stalled` with other weights, with which it learns; images: (256, 64).

    The net is measured: the z of its layers are to have standard deviations within a factor of 3 of 1. Then it is trained
    for 100 steps of SGD with momentum 0.9 at a rate of 0.01, and is to get more than 70 % of the digits right.
    """
    (x, y, *_), nets = digits(torch.float32), []
    answer = check(f, lambda images: torch.ones(1), [(x[:256],)], convert=lambda net: _kept(net, nets))
    if not answer:
        return answer
    net = nets[0]
    spreads = _spreads(net, x[:256])
    run = fit(net, x, y, steps=100, lr=0.01, live=False)
    if run.stopped:
        return Verdict(NOT_YET, f"you stopped it after {run.steps} of 100 steps, too early to tell: run the cell again")
    told = f"the loss blew up at step {run.steps}" if run.diverged else f"{run.accuracy:.0%} of the digits after 100 steps"
    told += f"; before, the standard deviation of z was {spreads[0]:.1g} in layer 1 and {spreads[-2]:.1g} in layer {len(spreads) - 1}"
    if run.accuracy > 0.7 and not run.diverged:
        return Verdict(CORRECT, told)
    if not 1 / 3 < spreads[-2] < 3:
        return Verdict(NOT_YET, f"{told}: the weights are too {'small' if spreads[-2] < 1 else 'large'} in between")
    return Verdict(NOT_YET, f"{told}: the signal has its size in the end; look at the layers on the way")


def _kept(net, nets):
    """Note a learner's net, if it is one of the layers of `stalled`; else raise WrongType."""
    if not isinstance(net, nn.Module):
        raise WrongType(f"expected the net, got a value of type {type(net).__name__}")
    layers = [(type(layer), *(tuple(p.shape) for p in layer.parameters())) for layer in stalled()]
    found = [(type(layer), *(tuple(p.shape) for p in layer.parameters())) for layer in net.children()]
    if layers != found:
        raise WrongType("the net is to keep its layers: change their weights only")
    if not all(torch.isfinite(p).all() and p.dtype == torch.float32 for p in net.parameters()):
        raise WrongType("not all of its weights are finite numbers in single precision")
    if any(layer._forward_hooks for layer in net.modules()):
        raise WrongType("your hooks are still on, and would rescale the weights in every step: remove them")
    nets.append(net)
    return torch.ones(1)


@torch.no_grad()
def _spreads(net, images):
    """Return the standard deviation of the z of each layer with weights."""
    spreads = []
    for layer in net:
        images = layer(images)
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            spreads.append(images.std().item())
    return spreads


def _relu(init):
    """Return a maker of nets of 24 ReLU layers."""
    return functools.partial(MLP, 24, activation="relu", init=init, seed=1)


def _biased():
    net = _relu("xavier")()
    for layer in net.hidden:
        nn.init.constant_(layer.bias, 0.1)
    return net


def _tanh(**weights):
    """Return a maker of nets of 50 tanh layers."""
    return functools.partial(MLP, 50, activation="tanh", seed=2, **weights)


PATIENT = Patient(
    complaint="Twenty-four ReLU layers, learning rate 0.003. The loss stands at ln 10.",
    make=_relu("xavier"),
    lr=0.003,
    disease="weights too small",
    diseases={
        "weights too small": "z loses the same share in every layer on the way forward, and the gradient on the way back: ReLU "
        "takes half of the mean square, and these weights do not make up for it",
        "slopes too small": "ReLU's slope is 1 wherever it lets something pass; the half that it blocks, larger weights make up for",
        "dead units": "most units speak, if softly: in the last layer less than a thousandth of the signal is left",
        "steps too small": "they are small because signal and gradient are; ten times the rate does not cure it, as you may try",
    },
    prescriptions={
        "ten times the learning rate": Treatment(
            _relu("xavier"), 0.03, "the step is larger in all layers alike, and the signal is as small as before"
        ),
        "orthogonal weights": Treatment(
            _relu("orthogonal"), 0.003, "they keep every length, and ReLU takes half of the mean square all the same"
        ),
        "biases of 0.1": Treatment(_biased, 0.003, "what arrives at the end is the biases, which are the same for every digit"),
        "he's weights": Treatment(_relu("he"), 0.003, "twice the variance gives back what ReLU takes, both ways"),
    },
)

SECOND_PATIENT = Patient(
    complaint="Fifty tanh layers, learning rate 0.01. The owner looked the gain up: calculate_gain('tanh') is 5/3, so "
    "sigma_w is 5/3. The signal is the same in every layer. The net guesses.",
    make=_tanh(sigma_w=5 / 3),
    lr=0.01,
    disease="an exploding gradient",
    diseases={
        "a vanishing gradient": "read the column in the gradient's direction, from the last layer to the first: it grows",
        "an exploding gradient": "it grows by about a tenth per layer on its way back, a hundredfold in fifty: at 5/3 "
        "tanh is beyond the edge of chaos",
        "a vanishing signal": "its standard deviation is the same in every layer",
        "dead units": "tanh has no flat half on which a unit could be dead",
    },
    prescriptions={
        "ten times the learning rate": Treatment(
            _tanh(sigma_w=5 / 3), 0.1, "the gradient is too large already, and the step multiplies it"
        ),
        "he's weights": Treatment(
            _tanh(init="he"), 0.01, "sigma_w = 1.41 is nearer to the edge of tanh at 1, and still beyond it"
        ),
        "xavier's weights": Treatment(
            _tanh(init="xavier"), 0.01, "sigma_w = 1 is tanh's edge, so the scale is right; but the product of fifty "
            "Gaussian matrices flattens most directions, and such a net needs a smaller step: a third of it"
        ),
        "orthogonal weights": Treatment(
            _tanh(init="orthogonal"), 0.01, "the edge of tanh, and every direction gets through"
        ),
    },
)
