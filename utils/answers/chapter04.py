"""Chapter 4, *Weight initialization*: the checkers of its exercises, its quiz, and its patient."""

import math

import torch

from utils.exercises.checking import check, exercise
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.quiz import Question
from utils.nets.mlp import MLP

RIGHT = {"naive weights": 1e2}  # the right option of each prediction, out of the learner's sight


@exercise
def check_naive_std(f):
    """Check f(a) -> std of z = w.a + b for w, b ~ N(0, 1); a (n,), the answer a number."""
    mistakes = {
        lambda a: a.square().sum() + 1: "that is the variance: take the root",
        lambda a: a.square().sum().sqrt(): "the bias is random, too, and adds its variance of 1",
        lambda a: (len(a) * a.var() + 1).sqrt(): "the mean square of the activations counts, not their variance",
        lambda a: (len(a) * a.var(correction=0) + 1).sqrt(): "the mean square counts, not the variance",
        lambda a: (a.square().mean() + 1).sqrt(): "variances add up: a sum over the inputs, not a mean",
        lambda a: (a.abs().sum() + 1).sqrt(): "a weight's variance is multiplied by the square of its input",
        lambda a: math.sqrt(len(a) + 1): "an input that is off adds nothing: its square is its weight in the sum",
    }
    cases = [((torch.arange(1000) % 2).double(),), (torch.tensor([3.0, -4.0]).double(),), (torch.zeros(5).double(),)]
    return check(f, lambda a: (a.square().sum() + 1).sqrt().item(), cases, mistakes=mistakes)


@exercise
def check_sigma_w_of_uniform(f):
    """Check f(bound, fan_in) -> sigma_w of weights from U(-bound, bound), so that Var(w) = sigma_w^2 / fan_in."""
    mistakes = {
        lambda bound, fan_in: bound**2 * fan_in / 3: "that is sigma_w squared",
        lambda bound, fan_in: bound / 3**0.5: "that is the standard deviation of a weight: sigma_w has fan_in in it",
        lambda bound, fan_in: bound * fan_in**0.5: "U(-b, b) has a variance of b²/3, not b²",
        lambda bound, fan_in: bound * (fan_in / 12) ** 0.5: "the interval is 2 bounds long: its variance is (2b)²/12",
        lambda bound, fan_in: bound / (3 * fan_in) ** 0.5: "sigma_w² = fan_in Var(w): multiply, do not divide",
    }
    cases = [(0.125, 64), (0.3, 10), (1.0, 1000)]
    return check(f, lambda bound, fan_in: bound * (fan_in / 3) ** 0.5, cases, mistakes=mistakes)


@exercise
def check_next_q(f):
    """Check f(phi, q, sigma_w, sigma_b, Z) -> the next layer's q, with the mean over Z (samples,) as expectation."""
    def next_q(phi, q, sigma_w, sigma_b, Z):
        return (sigma_w**2 * phi(q**0.5 * Z).square().mean() + sigma_b**2).item()

    mistakes = {
        lambda phi, q, sigma_w, sigma_b, Z: sigma_w**2 * phi(q * Z).square().mean() + sigma_b**2:
            "q is a mean square: the pre-activation is its root times Z",
        lambda phi, q, sigma_w, sigma_b, Z: sigma_w * phi(q**0.5 * Z).square().mean() + sigma_b:
            "variances take the squares of sigma_w and sigma_b",
        lambda phi, q, sigma_w, sigma_b, Z: sigma_w**2 * phi(q**0.5 * Z).square().mean():
            "the bias adds sigma_b squared",
        lambda phi, q, sigma_w, sigma_b, Z: sigma_w**2 * phi(q**0.5 * Z).mean() ** 2 + sigma_b**2:
            "first square, then average",
        lambda phi, q, sigma_w, sigma_b, Z: sigma_w**2 * phi(q**0.5 * Z).var() + sigma_b**2:
            "the mean square of the activations counts, not their variance",
        lambda phi, q, sigma_w, sigma_b, Z: sigma_w**2 * phi(q**0.5 * Z).mean() + sigma_b**2:
            "the activations are squared before the mean is taken",
        lambda phi, q, sigma_w, sigma_b, Z: sigma_w**2 * q + sigma_b**2: "the activation is missing",
    }  # fmt: skip
    normal = torch.randn(1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    cases = [(torch.sigmoid, 2.0, 1.5, 0.3, normal), (torch.tanh, 0.5, 0.8, 0.5, normal), (torch.relu, 3.0, 2.0, 0.1, normal)]
    return check(f, next_q, cases, mistakes=mistakes)


@exercise
def check_edge_sigma_w(f):
    """Check f(slopes) -> the sigma_w at which chi = 1; slopes of any shape, the answer a number."""
    mistakes = {
        lambda slopes: 1 / slopes.square().mean(): "that is sigma_w squared",
        lambda slopes: 1 / slopes.mean(): "the gradient's mean square takes the mean of the squared slopes",
        lambda slopes: slopes.mean().rsqrt(): "square the slopes before the mean",
        lambda slopes: slopes.square().mean().sqrt(): "upside down: weights make up for what slopes lose",
        lambda slopes: 1 / slopes.max(): "the steepest slope is the best case, not the average one",
        lambda slopes: slopes.square().sum().rsqrt(): "a mean over the units, not a sum",
    }
    slopes = torch.sigmoid(torch.linspace(-3, 5, 24, dtype=torch.float64))
    cases = [(slopes,), ((slopes * (1 - slopes)).view(4, 6),), (torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0]).double(),)]
    return check(f, lambda slopes: slopes.square().mean().rsqrt().item(), cases, mistakes=mistakes)


@exercise
def check_layers_until(f):
    """Check f(chi, ratio) -> layers after which the gradient's norm has changed by `ratio`; numbers, all positive."""
    mistakes = {
        lambda chi, ratio: math.log(ratio) / math.log(chi): "chi is the factor of the mean square; the norm's is its root",
        lambda chi, ratio: math.log(ratio) / math.log(chi) / 2: "the root of chi halves its logarithm, so twice the layers",
        lambda chi, ratio: -2 * math.log(ratio) / math.log(chi): "a number of layers is positive: check the sign",
        lambda chi, ratio: 2 * math.log(chi) / math.log(ratio): "upside down",
        lambda chi, ratio: round(2 * math.log(ratio) / math.log(chi)): "do not round",
        lambda chi, ratio: ratio / chi**0.5: "layers multiply: the number of factors is a quotient of logarithms",
    }
    cases = [(0.25, 0.125), (0.9, 1e-3), (1.3, 1e4)]
    return check(f, lambda chi, ratio: 2 * math.log(ratio) / math.log(chi), cases, mistakes=mistakes)


QUIZ = {
    "zeros": Question(
        "All weights of a tanh net start at 0, and so do its biases. What learns?",
        "the last bias",
        {
            "everything": "every error behind a matrix of zeros is zero: nothing comes through on the way back",
            "the last bias": "its gradient is the error of the output itself; all other gradients are products with 0",
            "the first layer": "its error has come through the zeros of all later layers",
            "nothing": "almost: one gradient needs neither a weight nor an activation",
        },
    ),
    "wide": Question(
        "Twenty tanh layers of 256 units, weights from N(0, 1). The gradient of layer 1?",
        "explodes",
        {
            "vanishes": "the units are saturated, but BP2 multiplies by the weights as well, and 256 of them win",
            "explodes": "large weights times the few units that are not saturated: nine decades through 20 layers",
            "level": "that would need chi = 1, and tanh has it near sigma_w = 1; here sigma_w is 16",
        },
    ),
    "default": Question(
        "Which sigma_w squared has an nn.Linear that nobody initialized?",
        "1/3",
        {
            "1/3": "the variance of a uniform distribution up to 1/sqrt(n) is 1/(3n)",
            "1": "that is LeCun's",
            "2": "that is He's: the function has He's name, but a = sqrt(5) makes it something else",
        },
    ),
    "order": Question(
        "Deep in the ordered phase, what becomes of two different inputs?",
        "they merge",
        {
            "they merge": "their cosine goes to 1, and the gradient vanishes with their difference",
            "they separate": "that is chaos",
            "both go to 0": "only without a bias; in general the signal stays, and the difference goes",
        },
    ),
    "edge": Question(
        "Twice the depth: what becomes of the range of sigma_w in which a net can learn?",
        "narrower",
        {
            "narrower": "the factor per layer is taken to twice the power, so it must be closer to 1",
            "wider": "more factors of the same kind forgive less, not more",
            "the same": "the edge stays where it is, but the strip around it does not",
        },
    ),
}


def _tanh_net(**settings):
    """Return a maker of tanh nets of 15 layers with the given initialization."""
    return lambda: MLP(15, seed=1, **{"activation": "tanh"} | settings)


PATIENT = Patient(
    complaint="Fifteen tanh layers, learning rate 0.01, weights as PyTorch made them. The owner changed nothing, and neither "
    "does the loss.",
    make=_tanh_net(init="torch"),
    lr=0.01,
    disease="weights too small",
    diseases={
        "weights too large, saturated": "not one unit is saturated: z is small in every layer, and gets no larger",
        "weights too small": "sigma_w² is 1/3: each layer keeps 58 % of the gradient, and of the differences between inputs",
        "all units the same": "then the layers would have no spread at all; these weights are random, only small",
        "exploding gradient": "layer 1 has the smallest gradient here, not the largest",
    },
    prescriptions={
        "ten times the learning rate": Treatment(
            _tanh_net(init="torch"), 0.1, "a longer step does not tell apart inputs that have merged on the way up"
        ),
        "weights from N(0, 1)": Treatment(
            _tanh_net(init="naive"), 0.01, "sigma_w is 8 now, far on the other side: nearly all units are saturated, and "
            "the gradient explodes"
        ),
        "ReLU in place of tanh": Treatment(
            _tanh_net(init="torch", activation="relu"), 0.01, "ReLU keeps 41 % per layer of it, which is less than tanh's 58 %"
        ),
        "sigma_w = 1.1": Treatment(
            _tanh_net(sigma_w=1.1), 0.01, "close to tanh's edge the signal stays apart and the gradient keeps its level"
        ),
    },
)
