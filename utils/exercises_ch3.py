"""The checkers of chapter 3, *The *LU family*; see `exercises` for those of chapter 1 and for what a checker is."""

import math

import torch
from torch.nn import functional as F

from utils.checking import check


def check_elu(f):
    """Check f(z, alpha) -> ELU of z, for a tensor z of any shape and a number alpha."""
    mistakes = {
        lambda z, alpha: torch.where(z > 0, z, alpha * torch.exp(z)): "below zero 1 comes off: it levels off at -alpha",
        lambda z, alpha: torch.where(z > 0, z, torch.exp(z) - 1): "alpha is missing: it scales the part below zero",
        lambda z, alpha: torch.where(z > 0, z, torch.exp(alpha * z) - 1): "alpha scales the value, not z",
        lambda z, alpha: alpha * torch.where(z > 0, z, torch.exp(z) - 1): "above zero ELU is z itself, without alpha",
        lambda z, alpha: torch.where(z > 0, z, alpha * z): "that is the leaky ReLU: a straight line below zero",
        lambda z, alpha: alpha * (torch.exp(z) - 1): "that is the part below zero only",
    }
    few = torch.tensor([[0.0, 1.0, -2.0], [4.0, -0.5, -9.0]], dtype=torch.float64)
    cases = [(few, 1.0), (few, 1.6733), (torch.linspace(-30, 30, 13).double(), 0.5)]
    return check(f, lambda z, alpha: F.elu(z, alpha), cases, mistakes=mistakes)


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
    few = torch.tensor([[0.0, 1.0, -2.0], [2**0.5, -0.5, 3.0]], dtype=torch.float64)
    return check(f, slope, [(few,), (torch.linspace(-6, 6, 25).double(),)], mistakes=mistakes, atol=1e-6)


def check_gain(f):
    """Check f(phi) -> 1 / sqrt(E[phi(Z)^2]), Z standard normal, within 1 %; phi: a function of a tensor."""
    z = torch.linspace(-9, 9, 18001, dtype=torch.float64)
    weights = torch.exp(-z.square() / 2)
    weights /= weights.sum()

    def mean(values):
        return (values * weights).sum().item()

    def gain(phi):
        return mean(phi(z).square()) ** -0.5

    mistakes = {
        lambda phi: mean(phi(z).square()): "that is the mean square; the gain makes up for it",
        lambda phi: mean(phi(z).square()) ** 0.5: "upside down: what phi shrinks, the weights must enlarge",
        lambda phi: 1 / mean(phi(z).square()): "that is the gain squared",
        lambda phi: (mean(phi(z).square()) - mean(phi(z)) ** 2) ** -0.5: "the variance takes the mean off; the next "
            "layer's z feels the mean square",
        lambda phi: 1 / mean(phi(z).abs()): "the mean square, not the mean size",
    }  # fmt: skip
    return check(f, gain, [(F.gelu,), (torch.relu,), (torch.tanh,), (torch.sigmoid,)], mistakes=mistakes, rtol=1e-2)


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
