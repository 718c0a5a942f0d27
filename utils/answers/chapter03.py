"""Chapter 3, the family of LUs: the checkers of its exercises, its quiz, and its patient."""

import math

import torch
from torch.nn import functional as F

from utils.exercises.checking import as_vector, check, exercise
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.quiz import Question
from utils.nets.mlp import MLP

RIGHT = {"negative side": 1e-10, "100 layers": "selu"}  # the right option of each prediction, out of the learner's sight


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
    few = torch.tensor([[0.0, 1.0, -2.0], [2**0.5, -0.5, 3.0]], dtype=torch.float64)
    return check(f, slope, [(few,), (torch.linspace(-6, 6, 25).double(),)], mistakes=mistakes, by_hand=True, atol=1e-6)


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
        lambda phi: (mean(phi(z).square()) - mean(phi(z)) ** 2) ** -0.5: "the variance takes the mean off; the next "
            "layer's z feels the mean square",
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


QUIZ = {
    "plain": Question(
        "Sixty dense layers, no normalization, no skips, standardized input?",
        "selu",
        {
            "selu": "with LeCun's weights its variance of 1 is an attractor: whatever happens, the level comes back",
            "gelu": "its level is a knife edge: through sixty plain layers it drifts off, up or down",
            "softplus": "its gradient shrinks to a third per layer in mean square, at the scale that holds the signal",
            "sigmoid": "a quarter per layer at best: chapter 1",
        },
    ),
    "dropout": Question(
        "The SELU net overfits. What do you add?",
        "alpha dropout",
        {
            "dropout": "it multiplies what is left, and the variance leaves 1: you measured it",
            "alpha dropout": "it drops to SELU's own floor and rescales, so that mean 0 and variance 1 survive",
            "a skip connection": "that is no cure for overfitting, and here it makes the variance explode",
        },
    ),
    "language": Question(
        "The feed-forward blocks of a language model in the style of LLaMA or PaLM?",
        "swiglu",
        {
            "swiglu": "a SiLU gate times a linear branch, with 8/3 d hidden units at equal parameters",
            "gelu": "that is BERT and GPT; they came before the gated variants",
            "relu": "that is the Transformer of 2017",
            "selu": "its four conditions exclude skips and layer norm, of which a Transformer is made",
        },
    ),
    "dying": Question(
        "A ReLU net with He's weights and a step that is small enough, and still some units fall silent. What is the "
        "cheapest change of the activation?",
        "leaky relu",
        {
            "leaky relu": "one multiplication more, and no unit ever has a slope of exactly 0 again (against a step that "
            "is too large it would be no cure: in chapter 2 the net exploded)",
            "sigmoid": "it cannot die, but it passes on a quarter at best",
            "mish": "it does not die for good, but costs an exponential, a logarithm and a tanh",
            "relu": "a smaller step and He's weights come first, but here they are in place already",
        },
    ),
    "tie": Question(
        "Ten layers with batch norm; in your race all activations end within one percent, as do three seeds of each?",
        "relu",
        {
            "relu": "a tie is broken by what is simplest, fastest and best known",
            "the winner": "with another seed another one wins: you would choose by luck",
            "selu": "batch norm already keeps the level, which is all that SELU has to offer",
        },
    ),
}


def _fifteen(activation, **settings):
    return lambda: MLP(15, activation=activation, seed=1, **settings)


PATIENT = Patient(
    complaint="Fifteen softplus layers, 'a smooth ReLU', weights at softplus's own gain 1.04, learning rate 0.01. "
    "The signal has the same size in every layer, and the loss stands at ln 10.",
    make=_fifteen("softplus", sigma_w=1.0419),
    lr=0.01,
    disease="slopes too small",
    diseases={
        "slopes too small": "the signal holds its level and the gradient does not: softplus's slope is a sigmoid, "
        "one half where the z lie, so a layer passes on about a third in mean square",
        "weights too small": "then the signal would fade from layer to layer; here its size is the same in all",
        "weights too large": "then the gradient or the signal would grow; here one fades and one holds",
        "dead units": "softplus is never exactly 0, and no unit was counted as dead",
    },
    prescriptions={
        "ten times the learning rate": Treatment(
            _fifteen("softplus", sigma_w=1.0419), 0.1,
            "the slopes are what they were; only the last layers feel the larger steps, and by now they answer every "
            "digit alike",
        ),
        "weights with std 0.01": Treatment(
            _fifteen("softplus", init="small"), 0.01,
            "the slopes are what they were, and the weights are too small now, too: layer 1 gets 1e-21 of the last layer's "
            "gradient",
        ),
        "a sigmoid, at its gain": Treatment(
            _fifteen("sigmoid", sigma_w=1.8462), 0.01,
            "its slope is a quarter at best: layer 1's gradient is hundreds of times smaller than with softplus",
        ),
        "ELU, at its gain": Treatment(
            _fifteen("elu", sigma_w=1.2452), 0.01,
            "ELU's slope is 1 above zero and near 1 just below, so the gradient is about the same in every layer",
        ),
    },
)
