"""Chapter 5, *Xavier and He*: the checkers of its exercises, its quiz, and its patient."""

import functools
import math

import torch
from torch.nn import functional as F

from utils.exercises.checking import check, exercise
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.quiz import Question
from utils.exercises.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict
from utils.nets.mlp import MLP
from utils.theory import meanfield

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
def check_lsuv_step(f):
    """Check f(W, a) -> W rescaled so that z = a W^T has variance 1; W (n_out, n_in), a (B, n_in)."""
    def step(factor):
        return lambda W, a: W * factor(a @ W.T)

    right = step(lambda z: 1 / z.std())
    mistakes = {
        step(lambda z: 1 / z.var()): "by the standard deviation, not by the variance",
        step(lambda z: z.std()): "upside down: a signal that is too large needs smaller weights",
        step(lambda z: 1 / z.square().mean().sqrt()): "the variance, not the mean square: here the mean of z is not 0",
        step(lambda z: 1 / z.std(0)[:, None]): "one number for the whole layer: one per unit is a normalization",
        lambda W, a: W / W.std(): "look at what the weights do to the batch, not at the weights",
        lambda W, a: W / a.std(): "the variance of z, not that of a",
        lambda W, a: W + 0: "nothing was rescaled",
    }
    generator = torch.Generator().manual_seed(0)
    cases = [(torch.randn(n_out, n_in, generator=generator, dtype=torch.float64) + 0.5,
              1.6 * torch.randn(40, n_in, generator=generator, dtype=torch.float64) + 0.7) for n_in, n_out in ((5, 3), (8, 8))]
    return check(f, right, cases, mistakes=mistakes, rtol=2e-2)  # wide enough for either form of the variance


@exercise
def check_group_norm(f):
    """Check f(x, groups) -> each group of each sample with mean 0 and variance 1; x (B, C), C a multiple of groups."""
    def normed(view, dims):
        def norm(x, groups):
            parts = view(x, groups)
            mean, variance = parts.mean(dims, keepdim=True), parts.var(dims, unbiased=False, keepdim=True)
            return ((parts - mean) / (variance + 1e-5).sqrt()).view(x.shape)

        return norm

    def grouped(x, groups):
        return x.view(len(x), groups, -1)

    mistakes = {
        normed(lambda x, groups: x, 1): "that is layer norm: one group of all features",
        normed(lambda x, groups: x, 0): "that is batch norm: samples must not look at each other",
        normed(grouped, (0, 2)): "each sample has its own mean: leave the batch out of it",
        normed(grouped, 1): "the groups are blocks of neighbours: take the mean inside a group, not across groups",
        normed(lambda x, groups: x.view(len(x), -1, groups), 1): "the groups are blocks of neighbours, not every n-th",
        normed(lambda x, groups: x.view(len(x), -1, groups), 2): "`groups` is how many there are, not how large they are",
    }
    x = torch.randn(6, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    cases = [(x * torch.arange(1, 13) + 3, 3), (x - 2 * torch.arange(6)[:, None], 4), (x * 5, 1)]
    right = functools.partial(F.group_norm, eps=1e-5)
    return check(f, lambda x, groups: right(x, groups), cases, mistakes=mistakes, rtol=1e-3, atol=1e-4)


@exercise
def check_invention(phi, recipe):
    """Check recipe(phi) -> the sigma_w that keeps unit mean square for any phi, and try it on the learner's own `phi`.

    phi: a tensor -> a tensor of its shape, element by element. recipe: such a function -> a number, within 2 %. The
    verdict says what thirty layers of `phi` with these weights did to the signal.
    """
    if phi is None or phi is ...:
        return Verdict(NOT_ATTEMPTED)
    known = {F.gelu: "gelu", torch.relu: "relu", torch.tanh: "tanh"}
    z = torch.linspace(-3, 3, 61, dtype=torch.float64)
    try:
        value = phi(z.clone())
        if value is None or value is ...:
            return Verdict(NOT_ATTEMPTED)
        problem = _problem_of(phi, value, z)
    except Exception as error:  # noqa: BLE001 - whatever a learner's function raises
        problem = f"your activation raised {type(error).__name__} for a tensor of numbers from -3 to 3"
    if problem:
        return Verdict(NOT_YET, problem)

    def mean_square(f):
        return meanfield.gaussian_mean(lambda z: f(z).square())

    mistakes = {
        lambda f: mean_square(f): "that is the mean square; the weights make up for it",
        lambda f: mean_square(f) ** 0.5: "upside down: what phi shrinks, the weights must enlarge",
        lambda f: 1 / mean_square(f): "that is sigma_w squared",
        lambda f: meanfield.gain(known.get(f, "relu")) if f in known else math.sqrt(2): "He's number is for ReLU",
        lambda f: 1.0: "LeCun's number is for the identity",
        lambda f: (mean_square(f) - meanfield.gaussian_mean(f) ** 2) ** -0.5: "the variance takes the mean off; the next "
            "layer's z feels the mean square",
    }  # fmt: skip
    cases = [(phi,), *((f,) for f in known)]
    verdict = check(recipe, lambda f: mean_square(f) ** -0.5, cases, mistakes=mistakes, rtol=2e-2)
    return Verdict(CORRECT, _tried(phi, mean_square(phi) ** -0.5)) if verdict else verdict


def _problem_of(phi, value, z):
    """Return a sentence on what is wrong with `value` as the activation phi of z, or None."""
    if not isinstance(value, torch.Tensor) or value.shape != z.shape:
        return "an activation returns a tensor of the shape that it gets"
    if not value.is_floating_point() or not bool(torch.isfinite(value).all()):
        return "your activation is not a finite number everywhere from -3 to 3"
    if value.abs().max() == 0 or bool((value == value[0]).all()):
        return "your activation is constant: nothing about its input gets through"
    if not torch.allclose(phi(z[:7].clone()), value[:7]):
        return "an activation looks at each number by itself: yours depends on the others in the tensor"
    return None


@torch.no_grad()
def _tried(phi, sigma_w, depth=30, width=256):
    """Say what `depth` layers of phi do to the mean square of z, which begins at 1."""
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(64, width, generator=generator, dtype=torch.float64)
    for _ in range(depth):
        W = torch.randn(width, width, generator=generator, dtype=torch.float64)
        z = sigma_w / width**0.5 * phi(z) @ W
    level = z.square().mean().item()
    told = f"sigma_w = {sigma_w:.3f}; after {depth} layers of {width} units the mean square of z is {level:.2g}"
    if 0.2 < level < 5:
        return told + ": it holds its level"
    return told + ": it began at 1 and ran away, so its level does not come back by itself; a norm would have to hold it"


QUIZ = {
    "relu": Question(
        "Thirty plain ReLU layers?",
        "he",
        {
            "lecun": "ReLU blanks half of the mean square: with 1/n_in the level falls by 2 in every layer",
            "xavier": "half of the mean square is lost in every square layer: He et al.'s net, which stalled",
            "he": "2/n_in gives back what ReLU takes, and it is the only case where signal and gradient agree exactly",
            "orthogonal": "its scale is 1, so it halves as Xavier does; and ReLU spoils the isometry anyway",
            "other": "this is the one case where a simple scale is exactly right",
        },
    ),
    "tanh": Question(
        "Fifty plain tanh layers, square, with a small signal: which weights did all four nets here learn with?",
        "orthogonal",
        {
            "lecun": "right on average, but the singular values of the product spread: such nets are slower",
            "xavier": "equal to LeCun's in a square layer: right on average, but the singular values spread, and such nets are slower",
            "he": "a scale of 2 is in tanh's chaotic region: the gradient explodes",
            "orthogonal": "every singular value of the weights is 1, and a small signal meets slopes near 1",
            "other": "tanh with a small signal is nearly linear: isometry is within reach",
        },
    ),
    "selu": Question(
        "Sixty SELU layers?",
        "lecun",
        {
            "lecun": "its two constants were solved for sigma_w = 1",
            "xavier": "the same where layers are square; where they are not, sigma_w is no longer 1",
            "he": "sigma_w is sqrt(2) then: its fixed point is at another level, and the gradient grows",
            "orthogonal": "a fine choice in square layers, but the theory that gave its constants has 1/n_in",
            "other": "there is a named rule for it, and it is not calculate_gain's 3/4",
        },
    ),
    "sigmoid": Question(
        "Twenty sigmoid layers?",
        "other",
        {
            "lecun": "the signal is fine, the gradient is not: about 0.2 is left of it per layer",
            "xavier": "it assumes a slope of 1 and a mean of 0; here they are 1/4 and 1/2",
            "he": "the slope is 1/4 at best; sqrt(2) does not make up for that",
            "orthogonal": "an isometry times a slope of 1/4 is a quarter of an isometry",
            "other": "no usual scale helps: change the activation, or reset the level with a norm",
        },
    ),
}


def _net(**weights):
    """Return a maker of nets of 50 tanh layers."""
    return functools.partial(MLP, 50, activation="tanh", seed=2, **weights)


PATIENT = Patient(
    complaint="Fifty tanh layers, learning rate 0.01. The owner looked the gain up: calculate_gain('tanh') is 5/3, so "
    "sigma_w is 5/3. The signal is the same in every layer. The net guesses.",
    make=_net(sigma_w=5 / 3),
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
            _net(sigma_w=5 / 3), 0.1, "the gradient is too large already, and the step multiplies it"
        ),
        "he's weights": Treatment(
            _net(init="he"), 0.01, "sigma_w = 1.41 is nearer to the edge of tanh at 1, and still beyond it"
        ),
        "xavier's weights": Treatment(
            _net(init="xavier"), 0.01, "sigma_w = 1 is the edge, so the mean is right; but the product of fifty Gaussian "
            "matrices flattens most directions"
        ),
        "orthogonal weights": Treatment(
            _net(init="orthogonal"), 0.01, "the edge of tanh, and every direction gets through"
        ),
    },
)
