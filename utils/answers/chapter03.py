"""Chapter 3, the family of LUs: the checkers of its exercises, and its patient."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from utils.data.datasets import digits
from utils.exercises.checking import as_vector, check, exercise, nan_among
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict
from utils.nets import mlp
from utils.torchdoctor import measure
from utils.training.loop import fit

RIGHT = {"softplus": 1e-25}  # the right option of each prediction, out of the learner's sight


@exercise
def check_gelu_slope(f):
    """Check f(z) -> slope of the exact GELU, Phi(z) + z times the normal density; z: any shape, slope: the same."""
    def density(z):
        return torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)

    def slope(z):
        return torch.special.ndtr(z) + z * density(z)

    mistakes = {
        F.gelu: "that is GELU itself, not its slope",
        torch.special.ndtr: "Phi(z) is the first half of the product rule; z times the slope of Phi is missing",
        lambda z: torch.special.ndtr(z) + density(z): "in the second term of the product rule z stays in front",
        lambda z: torch.special.ndtr(z) + z * torch.exp(-z.square() / 2): "the density needs its factor 1/sqrt(2 pi)",
        lambda z: torch.special.ndtr(z) * z * density(z): "the product rule adds two terms",
        lambda z: z * density(z): "Phi(z), the first term of the product rule, is missing",
        lambda z: torch.special.ndtr(z) + z * torch.exp(-z.square()) / math.sqrt(math.pi): "the normal density has "
            "z squared *half* in its exponent",
    }  # fmt: skip
    few, many = torch.tensor([[0.0, 1.0, -2.0], [2**0.5, -0.5, 3.0]], dtype=torch.float64), torch.linspace(-6, 6, 25)
    verdict = check(f, slope, [(few,), (many.double(),)], mistakes=mistakes, by_hand=True, atol=1e-6)
    if verdict and not check(f, slope, [(many,)], by_hand=True, atol=3e-6):
        # In float32 a formula is right to 1e-7. The difference of two neighbouring values loses digits, whatever its step.
        return Verdict(NOT_YET, "in float32 it is off, as a difference quotient is: write the formula")
    return verdict


def _normal_mean():
    """Return a grid z and the function values of z -> their mean under the standard normal distribution."""
    z = torch.linspace(-9, 9, 18001, dtype=torch.float64)
    weights = torch.exp(-z.square() / 2)
    weights /= weights.sum()
    return z, lambda values: (values * weights).sum().item()


@exercise
def check_gain(f):
    """Check f(phi) -> 1 / sqrt(E[phi(Z)^2]), Z standard normal, within 1 %; phi: a function of a tensor."""
    z, mean = _normal_mean()

    def gain(phi):
        return mean(phi(z).square()) ** -0.5

    mistakes = {
        lambda phi: mean(phi(z).square()): "that is the mean square; the gain makes up for it",
        lambda phi: mean(phi(z).square()) ** 0.5: "upside down: what phi shrinks, the weights must enlarge",
        lambda phi: 1 / mean(phi(z).square()): "that is the gain squared",
        lambda phi: (mean(phi(z).square()) - mean(phi(z)) ** 2) ** -0.5: ".std() takes the mean off first, so this is the "
            "gain of phi minus its mean; the weights multiply the mean as well, and z feels the whole mean square",
        lambda phi: (mean(phi(z).square()) - mean(phi(z)) ** 2) ** 0.5: "upside down, and .std() takes the mean off first",
        lambda phi: 1 / mean(phi(z).abs()): "the mean square, not the mean size",
    }  # fmt: skip
    return check(f, gain, [(F.gelu,), (torch.relu,), (torch.tanh,), (torch.sigmoid,)], mistakes=mistakes, rtol=1e-2)


@exercise
def check_selu_constants(f):
    """Check f(q) -> (alpha, lam) with which z ~ N(0, q) leaves lam ELU(z, alpha) with mean 0 and mean square q; 2 %.

    The answer may be a tuple, a list or a 1-D tensor. At q = 1 the pair is SELU's (Klambauer et al. 2017).
    """
    Z, mean = _normal_mean()

    def alpha_of(q):
        z = q**0.5 * Z
        return mean(z.clamp(min=0)) / -mean(torch.expm1(z.clamp(max=0)))

    def pair(q, alpha, level):
        return torch.tensor([alpha, (level / mean(F.elu(q**0.5 * Z, alpha).square())) ** 0.5], dtype=torch.float64)

    mistakes = {
        lambda q: pair(q, alpha_of(q), q).flip(0): "the order is alpha, then lambda",
        lambda q: pair(q, alpha_of(q), 1.0): "the mean square of the output is to be q, as that of z, not 1",
        lambda q: pair(1.0, alpha_of(1.0), 1.0): "these are the constants for q = 1: draw z with variance q",
        lambda q: pair(q, 1.0, q): "with alpha = 1 the output's mean is above 0: first find alpha",
        lambda q: pair(q, 1 / alpha_of(q), q): "alpha is upside down: what the left lacks, alpha must add",
        lambda q: pair(q, alpha_of(q), q).pow(torch.tensor([1, 2])): "that is lambda squared",
        lambda q: pair(q, alpha_of(q), q).pow(torch.tensor([1, -1])): "lambda is upside down",
        lambda q: pair(q * q, alpha_of(q * q), q * q): "q is the variance: multiply Z by its root",
    }
    return check(f, lambda q: pair(q, alpha_of(q), q), [(0.5,), (2.0,), (1.0,)], mistakes=mistakes, convert=as_vector,
                 rtol=2e-2)


@exercise
def check_geglu(f):
    """Check f(x, W, V, W_2) -> (GELU(x W) * (x V)) W_2; x (B, d), W and V (d, h), W_2 (h, d), answer (B, d)."""
    mistakes = {
        lambda x, W, V, W_2: (F.silu(x @ W) * (x @ V)) @ W_2: "that is SwiGLU; GEGLU has a GELU in the gate",
        lambda x, W, V, W_2: (F.gelu(x @ V) * (x @ W)) @ W_2: "the gate is x W, and x V is what it gates",
        lambda x, W, V, W_2: (F.gelu(x @ W) + x @ V) @ W_2: "the gate multiplies",
        lambda x, W, V, W_2: F.gelu((x @ W) * (x @ V)) @ W_2: "GELU bends the gate only, before the product",
        lambda x, W, V, W_2: (F.gelu(x @ W) * F.gelu(x @ V)) @ W_2: "x V stays as it is: only the gate is bent",
        lambda x, W, V, W_2: F.gelu(x @ W) @ W_2: "the gated part x V is missing",
        lambda x, W, V, W_2: (torch.sigmoid(x @ W) * (x @ V)) @ W_2: "that is the original GLU, with a sigmoid gate",
    }
    generator = torch.Generator().manual_seed(0)
    cases = [tuple(torch.randn(*shape, generator=generator, dtype=torch.float64)
                   for shape in ((batch, d), (d, h), (d, h), (h, d))) for batch, d, h in ((4, 3, 5), (2, 4, 4))]
    return check(f, lambda x, W, V, W_2: (F.gelu(x @ W) * (x @ V)) @ W_2, cases, mistakes=mistakes)


@exercise
def check_twenty_layers(c, sigma_w):
    """Check the answer to: twenty layers of squareplus(z) - c, weights of variance sigma_w^2 / fan_in, are to learn the digits.

    squareplus(z) = (z + sqrt(z^2 + 4)) / 2 (Barron 2021). c, sigma_w: two numbers. The net is trained for 300 steps of
    SGD with momentum 0.9 at a rate of 0.003, and is to reach 90 % of the digits that it is trained on.
    """
    if c is ... or sigma_w is ... or c is None or sigma_w is None:
        return Verdict(NOT_ATTEMPTED, "put two numbers in the place of the dots")
    try:
        c, sigma_w = float(c), float(sigma_w)
    except (TypeError, ValueError, RuntimeError):
        return Verdict(NOT_YET, "c and sigma_w are two plain numbers, such as 0.0 and 1.0")
    if (fault := nan_among(c=c, sigma_w=sigma_w)) or not 0 < sigma_w < 1000 or not abs(c) < 1000:
        return Verdict(NOT_YET, fault or "sigma_w is a positive number, c any number; neither is beyond a thousand")
    x, y, *_ = digits()
    net = shifted(20, squareplus, c, sigma_w, seed=0, dtype=torch.float32)
    delta = measure(net, x[:128].float(), y[:128]).delta_norm
    left = (delta[0] / delta[-1]).item()
    run = fit(net, x.float(), y, steps=300, lr=0.003, live=False)
    if run.stopped:
        return Verdict(NOT_YET, f"you stopped it after {run.steps} of 300 steps, too early to tell: run the cell again")
    accuracy = 0.0 if run.diverged else run.accuracy
    told = f"it overflowed after {run.steps} steps" if run.diverged else f"{accuracy:.0%} of the digits after {run.steps} steps"
    if accuracy > 0.9:
        return Verdict(CORRECT, f"{told}; layer 1 had {left:.1e} of the last layer's gradient at the start")
    z, mean = _normal_mean()
    rest = mean(squareplus(z)) - c
    if abs(rest) > 0.2:
        return Verdict(NOT_YET, f"{told}: at N(0, 1) every unit still says {rest:.2f} on average, whatever the image shows")
    if left < 0.1:
        return Verdict(NOT_YET, f"{told}: layer 1 gets {left:.0e} of the last layer's gradient; the weights are too small")
    return Verdict(NOT_YET, f"{told}: layer 1 gets {left:.0e} times the last layer's gradient; the weights are too large")


def squareplus(z):
    """(z + sqrt(z^2 + 4)) / 2, a smooth ReLU without an exponential (Barron 2021)."""
    return (z + torch.sqrt(z.square() + 4)) / 2


class Shifted(nn.Module):
    """phi(z) - c."""

    def __init__(self, phi, c):
        super().__init__()
        self.phi, self.c = phi, c

    def forward(self, z):
        """z: any shape -> phi(z) - c, of the same."""
        return self.phi(z) - self.c


def shifted(depth, phi, c, sigma_w, **settings):
    """Return an MLP with the activation phi(z) - c and weights of variance sigma_w^2 / fan_in; phi: a function of a tensor.

    settings: those of `MLP`, such as seed, norm and dtype.
    """
    net = mlp.MLP(depth, sigma_w=sigma_w, **settings)
    net.phi = nn.ModuleList(Shifted(phi, c) for _ in range(depth))
    return net


class FeedForward(nn.Module):
    """x + f(norm(x)), as in a Transformer: f is phi(x W) W_2, and with a gate (phi(x W) * x V) W_2, as in SwiGLU."""

    def __init__(self, hidden, phi, gated=False, width=48):
        super().__init__()
        self.norm, self.phi = nn.LayerNorm(width), phi
        self.W, self.W_2 = nn.Linear(width, hidden, bias=False), nn.Linear(hidden, width, bias=False)
        self.V = nn.Linear(width, hidden, bias=False) if gated else None

    def forward(self, x):
        """x: (B, width) -> (B, width)."""
        z = self.norm(x)
        gate = self.phi(self.W(z))
        return x + self.W_2(gate * self.V(z) if self.V else gate)


def feed_forward_net(hidden, phi, gated=False):
    """Return three feed-forward blocks between a linear layer for 64 pixels and one for ten classes.

    The weights are PyTorch's own; `torch.manual_seed` before it chooses them.
    """
    blocks = [FeedForward(hidden, phi, gated) for _ in range(3)]
    return nn.Sequential(nn.Linear(64, 48), *blocks, nn.Linear(48, 10))


def _relu_minus(c, sigma_w):
    return lambda: shifted(30, torch.relu, c, sigma_w, seed=0)


_sick = _relu_minus(0.4, 1.713)

PATIENT = Patient(
    complaint="Thirty ReLU layers, learning rate 0.003. As advised, the mean 0.4 was subtracted, and the weights got the gain "
    "of what is left, 1.71. The loss overflows.",
    make=_sick,
    lr=0.003,
    disease="the bend is left alone",
    diseases={
        "the bend is left alone": "ReLU's bend is worth as much as its mean share, and the mean was taken away: chi is "
        "1 + bend = 1.47, so the squared gradient grows by nearly a half in every layer",
        "the mean eats the gain": "then the gradient would shrink on its way to layer 1, and here it grows; and the mean of a "
        "is small beside its std",
        "dead units": "the chart counts none, and they would stop a gradient, not enlarge it",
        "learning rate too large": "before the first step layer 1 already gets hundreds of times the gradient of the last "
        "layer: no single rate suits both",
    },
    prescriptions={
        "a tenth of the learning rate": Treatment(
            _sick, 0.0003, "nothing overflows now, but the last layers get hundreds of times less than layer 1, and crawl"
        ),
        "sigma_w = 1": Treatment(
            _relu_minus(0.4, 1.0), 0.003,
            "too much of it: half of ReLU's slopes are 1, so chi is now 0.50, and thirty layers leave less than a thousandth",
        ),
        "subtract nothing, and leave sigma_w at 1.71": Treatment(
            _relu_minus(0.0, 1.713), 0.003,
            "same slopes and same weights, so chi is as before, and with its mean the signal grows as well: the weights "
            "must make room for a mean",
        ),
        "subtract 0.8, and sigma_w = 1.41": Treatment(
            _relu_minus(0.8, 1.41), 0.003,
            "the mean is -0.4 now, and its square counts: mean share and bend are both 0.32, and chi is 1. (To subtract "
            "nothing, with the same 1.41, balances them, too)",
        ),
    },
    cured=0.8,
)
