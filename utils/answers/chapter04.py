"""Chapter 4, weight initialization: the checkers of its exercises, and its patient."""

import math

import torch

from utils.data.datasets import digits
from utils.exercises.checking import check, exercise, nan_among
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict
from utils.nets.mlp import MLP
from utils.torchdoctor import measure
from utils.training.loop import fit

RIGHT = {"a thousand inputs": 20.0, "naive weights": 1e2}  # the right option of each prediction, out of the learner's sight


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


@exercise
def check_next_cosine(f):
    """Check f(phi, q, c, sigma_w, sigma_b) -> the next layer's cosine of two inputs, a number, within 3 %."""
    u, v = torch.randn(2, 1_000_000, generator=torch.Generator().manual_seed(0))

    def pair(phi, q, c):
        return phi(q**0.5 * u), phi(q**0.5 * (c * u + (1 - c**2) ** 0.5 * v))

    def moments(phi, q, c):
        one, two = pair(phi, q, c)
        return (one * two).mean().item(), one.square().mean().item()

    def next_cosine(phi, q, c, sigma_w, sigma_b):
        product, square = moments(phi, q, c)
        return (sigma_w**2 * product + sigma_b**2) / (sigma_w**2 * square + sigma_b**2)

    def without_bias(phi, q, c, sigma_w, sigma_b):
        product, square = moments(phi, q, c)
        return product / square

    def one_bias(phi, q, c, sigma_w, sigma_b):
        product, square = moments(phi, q, c)
        return sigma_w**2 * product / (sigma_w**2 * square + sigma_b**2)

    def unsquared(phi, q, c, sigma_w, sigma_b):
        product, square = moments(phi, q, c)
        return (sigma_w * product + sigma_b) / (sigma_w * square + sigma_b)

    def lopsided(phi, q, c, sigma_w, sigma_b):
        one, two = phi(q**0.5 * u), phi(q**0.5 * (c * u + (1 - c) * v))
        return ((sigma_w**2 * (one * two).mean() + sigma_b**2) / (sigma_w**2 * one.square().mean() + sigma_b**2)).item()

    mistakes = {
        without_bias: "both inputs receive the same bias: it adds sigma_b squared to the product, and to the square",
        one_bias: "the bias is the same number for both inputs, so it adds sigma_b squared to their product as well",
        unsquared: "products of two weights, and of two biases: sigma_w and sigma_b stand squared",
        lopsided: "the second input has the mean square q as well: c u + sqrt(1 - c^2) v",
        lambda phi, q, c, sigma_w, sigma_b: sigma_w**2 * moments(phi, q, c)[0] + sigma_b**2:
            "that is the mean product; a cosine is divided by the mean square",
        lambda phi, q, c, sigma_w, sigma_b: (sigma_w**2 * moments(phi, q, c)[0] + sigma_b**2) / q:
            "divide by the mean square of the *next* layer, which the q map gives",
        lambda phi, q, c, sigma_w, sigma_b: next_cosine(phi, q * q, c, sigma_w, sigma_b): "q is a mean square: multiply by its root",
        lambda phi, q, c, sigma_w, sigma_b: c: "the cosine does not stay: pass the pair through phi",
    }  # fmt: skip
    cases = [(torch.tanh, 3.0, 0.3, 1.5, 0.5), (torch.relu, 2.0, 0.1, 1.2, 0.5), (torch.tanh, 3.0, -0.5, 2.0, 0.1)]
    return check(f, next_cosine, cases, mistakes=mistakes, atol=3e-2)


@exercise
def check_thirty_layers(sigma_w):
    """Check the answer to: thirty tanh layers with biases from N(0, 0.5^2) are to learn the digits; which sigma_w do they need?

    sigma_w: a number. The net is trained for 300 steps of SGD with momentum 0.9 at a rate of 0.003, and is to reach 90 % of the
    digits that it is trained on.
    """
    if sigma_w is ... or sigma_w is None:
        return Verdict(NOT_ATTEMPTED, "put a number in the place of the dots")
    try:
        sigma_w = float(sigma_w)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return Verdict(NOT_YET, "sigma_w is one plain number, such as 1.0")
    if not 0 < sigma_w < 1000:
        return Verdict(NOT_YET, nan_among(sigma_w=sigma_w) or "sigma_w is a positive number below a thousand")
    net, (x, y, *_) = thirty_layers(sigma_w), digits()
    delta = measure(net, x[:128].float(), y[:128]).delta_norm
    left = (delta[0] / delta[-1]).item()
    run = fit(net, x.float(), y, steps=300, lr=0.003, live=False)
    if run.stopped:
        return Verdict(NOT_YET, f"you stopped it after {run.steps} of 300 steps, too early to tell: run the cell again")
    told = f"{run.accuracy:.0%} of the digits after {run.steps} steps; layer 1 had {left:.1e} of the last layer's gradient at birth"
    if run.accuracy > 0.9:
        return Verdict(CORRECT, told)
    return Verdict(NOT_YET, f"{told}: the weights are too {'small' if left < 1 else 'large'}")


def thirty_layers(sigma_w):
    """Return the net to repair: an MLP of thirty tanh layers in float32, with biases from N(0, 0.5^2)."""
    return MLP(30, activation="tanh", sigma_w=sigma_w, sigma_b=0.5, dtype=torch.float32)


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
        "weights too small": "sigma_w² is 1/3: each layer keeps 58 % of the gradient, and of the differences between inputs; after ten layers "
        "only the biases are left of the signal, and all digits look alike",
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
        "biases of 0": Treatment(
            _tanh_net(sigma_w=3**-0.5), 0.01, "now digits no longer merge, but the signal itself vanishes: the weights are as small as before"
        ),
        "sigma_w = 1.1": Treatment(
            _tanh_net(sigma_w=1.1), 0.01, "close to tanh's edge the signal stays apart and the gradient keeps its level"
        ),
    },
)
