"""Chapter 6, *Skip connections*: the checkers of its exercises, its quiz, and its patient."""

import copy
import math

import torch
from torch import nn

from utils.data.datasets import digits
from utils.exercises.checking import check, exercise
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.quiz import Question
from utils.exercises.verdict import CORRECT, NOT_YET, Verdict
from utils.nets.residual import ResidualNet
from utils.training.loop import fit

LEARNT = 0.8  # the accuracy, 0..1, that a net with the learner's skips must reach

RIGHT = {"56 layers": 1.8}  # the right option of each prediction, out of the learner's sight


@exercise
def check_stream_jacobian(f):
    """Check f(branches) -> the Jacobian of the last stream against the first: (L, n, n) branch Jacobians -> (n, n)."""
    def product(factors):
        total = torch.eye(factors.shape[-1], dtype=factors.dtype)
        for factor in factors:
            total = factor @ total
        return total

    def identity(branches):
        return torch.eye(branches.shape[-1], dtype=branches.dtype)

    mistakes = {
        product: "that is the product of the branches alone: the skip adds the identity to each",
        lambda branches: product((identity(branches) + branches).flip(0)): "the newest factor stands left",
        lambda branches: identity(branches) + product(branches): "each block has a skip, not the whole net: (I + J) for each",
        lambda branches: identity(branches) + branches.sum(0): "that holds for small branches only: the product has "
            "2^L terms, the longer paths among them",
        lambda branches: product(1 + branches): "1 is added to the diagonal only: take the identity matrix",
    }  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    cases = [(torch.randn(blocks, n, n, generator=generator, dtype=torch.float64) / 2,) for blocks, n in ((3, 2), (6, 4))]
    return check(f, lambda branches: product(identity(branches) + branches), cases, mistakes=mistakes)


@exercise
def check_branch_scale(f):
    """Check f(blocks, growth) -> the scale of unit-gain branches with which the mean square grows by `growth` in all."""
    mistakes = {
        lambda blocks, growth: (growth / blocks) ** 0.5: "that adds up what multiplies: each block multiplies by 1 + s^2",
        lambda blocks, growth: growth ** (1 / blocks) - 1: "that is s squared",
        lambda blocks, growth: growth ** (1 / blocks): "that is the factor of one block, 1 + s^2",
        lambda blocks, growth: (growth ** (1 / blocks)) ** 0.5: "take the skip's 1 off before the root",
        lambda blocks, growth: (growth - 1) ** (1 / blocks): "first the root of growth, then the skip's 1 comes off",
        lambda blocks, growth: (growth ** (1 / (2 * blocks)) - 1): "growth is of the mean square: the factor is 1 + s^2, "
            "not (1 + s)^2, since stream and branch are uncorrelated",
        lambda blocks, growth: blocks**-0.5: "that scale leads to growth e, whatever was asked for",
    }  # fmt: skip
    cases = [(50, math.e), (10, 2.0), (500, 100.0), (1, 5.0)]
    return check(f, lambda blocks, growth: (growth ** (1 / blocks) - 1) ** 0.5, cases, mistakes=mistakes)


@exercise
def check_gate_bias(f):
    """Check f(depth, carried) -> the gate bias with which `depth` highway layers carry this share of the input."""
    def logit(p):
        return math.log(p / (1 - p))

    mistakes = {
        lambda depth, carried: logit(carried ** (1 / depth)): "that opens the gate: T is 1 minus what is carried",
        lambda depth, carried: 1 - carried ** (1 / depth): "that is the gate T itself; its bias is the logit of T",
        lambda depth, carried: logit(1 - carried / depth): "the layers multiply: take the depth-th root",
        lambda depth, carried: logit(1 - carried): "that is one layer's; `depth` of them multiply",
        lambda depth, carried: math.log(1 - carried ** (1 / depth)): "the inverse of the sigmoid is ln(T / (1 - T))",
    }
    cases = [(50, 0.5), (100, 0.9), (1, 0.25), (900, 0.5)]
    return check(f, lambda depth, carried: logit(1 - carried ** (1 / depth)), cases, mistakes=mistakes)


@exercise
def check_path_share(f):
    """Check f(blocks, low, high) -> the share of the 2^blocks paths whose length is from low to high, both included."""
    def share(blocks, low, high):
        return sum(math.comb(blocks, k) for k in range(low, high + 1)) / 2**blocks

    mistakes = {
        lambda blocks, low, high: share(blocks, low, high - 1): "`high` counts, too: range(low, high + 1)",
        lambda blocks, low, high: share(blocks, low, high) * 2**blocks: "that is the number of paths: divide by 2^blocks",
        lambda blocks, low, high: (high - low + 1) / (blocks + 1): "lengths are not equally likely: of length k there are "
            "'blocks choose k' paths",
        lambda blocks, low, high: share(blocks, 0, high): "that counts all paths up to `high`",
    }  # fmt: skip
    return check(f, share, [(54, 19, 35), (10, 5, 5), (3, 1, 3), (20, 2, 7)], mistakes=mistakes)


class _WithSkips(nn.Module):
    """Fifty blocks of two ReLU layers with He's weights, joined by the learner's function."""

    def __init__(self, through, blocks=50, width=32):
        super().__init__()
        net = ResidualNet(blocks, width, seed=0)
        self.through, self.stem, self.blocks, self.readout = through, net.stem, net.blocks, net.readout

    def forward(self, x):
        """x (B, 64) -> logits (B, 10)."""
        return self.readout(self.through(self.stem(x), self.blocks).relu())


@exercise
def check_through(f):
    """Check f(x, blocks) -> x after all blocks, with skips: a 100-layer net joined by it must learn the digits.

    x (B, n), blocks: an nn.ModuleList of branches (B, n) -> (B, n). Trains 60 steps at learning rate 0.01.
    """
    def kept(x, blocks):
        return torch.tensor(x.shape)

    def shape(answer):
        return torch.tensor(answer.shape) if isinstance(answer, torch.Tensor) else answer

    small = nn.ModuleList(nn.Sequential(nn.ReLU(), nn.Linear(4, 4).double()) for _ in range(3))
    verdict = check(f, kept, [(torch.ones(2, 4, dtype=torch.float64), small)], convert=shape)
    if not verdict:
        return verdict
    data = digits()
    try:
        if not _uses_all(f, small):
            return Verdict(NOT_YET, "a block is left out: another block there changes nothing in what you return")
        run = fit(_WithSkips(f), data.x, data.y, steps=60, lr=0.01, live=False)
    except Exception as error:  # noqa: BLE001 - a learner's function may raise anything
        return Verdict(NOT_YET, f"it raised {type(error).__name__} while the net was trained")
    if run.diverged:
        return Verdict(NOT_YET, "the loss is no longer a finite number: fifty branches of unit gain add up to too much, "
                                "so make each smaller")
    if run.accuracy < LEARNT:
        return Verdict(NOT_YET, f"{run.accuracy:.0%} of the digits right after {run.steps} steps: is there a skip around "
                                "every block, with factor 1, and does the gradient get through all of it?")
    return Verdict(CORRECT, f"{run.accuracy:.0%} of the digits right after {run.steps} steps, through 100 layers")


def _uses_all(f, blocks):
    """Whether what f(x, blocks) gives depends on the weights of each block."""
    x = torch.ones(2, 4, dtype=torch.float64)
    before = f(x.clone(), blocks)
    for number in range(len(blocks)):
        others = copy.deepcopy(blocks)
        for p in others[number].parameters():
            p.data += 1.0
        if torch.equal(before, f(x.clone(), others)):
            return False
    return True


QUIZ = {
    "identity": Question(
        "Does the '+1' guarantee that no gradient vanishes?",
        "no",
        {
            "yes": "a branch with F' = -I/2 halves the gradient in every block, identity or not",
            "no": "it is I + F', and F' can work against the identity, or blow it up",
            "only with relu": "the activation does not matter here: F' = -I/2 needs none",
        },
    ),
    "explosion": Question(
        "A residual net of 200 blocks with He's weights gives NaN at once. First thing to try?",
        "scale the branches",
        {
            "scale the branches": "each unit-gain branch doubles the mean square; 1/sqrt(L), zero or a norm stops that",
            "more blocks": "two hundred doublings are enough",
            "halve the sum": "then the identity path itself is halved in every block, and the gradient vanishes",
            "xavier instead of he": "half of the branch's power is better, but 1.25^200 still is 1e19 and more",
        },
    ),
    "gate": Question(
        "A highway net of 100 layers, at the start?",
        "gate bias of -6",
        {
            "gate bias of 0": "then half of the input is lost in every layer",
            "gate bias of -2": "0.88 is carried per layer: 0.88^100 is 3e-6",
            "gate bias of -6": "0.9975 is carried per layer, and 78 % of the input through all hundred",
            "gate bias of +3": "that opens the transform and closes the carry: a plain net",
        },
    ),
    "delete": Question(
        "You delete one block of a trained net and it hardly notices. What was it?",
        "residual",
        {
            "residual": "half of the paths do not use the block at all",
            "plain": "a plain net has one path, and every layer is on it",
            "untrained": "a net at chance hardly notices anything, but this one was trained",
        },
    ),
    "transformer": Question(
        "A transformer of 48 layers that must train without much tuning?",
        "norm before the sublayer",
        {
            "norm before the sublayer": "the identity path stays free of norms: the usual choice for large language models",
            "norm after the sum": "the original of 2017: it trains, but from some depth on it needs a warm-up",
            "no skips, only norms": "the gradient's norm lives, and the tokens all become the same",
        },
    ),
}


def _hundred(**settings):
    """Return a maker of nets of 50 blocks, 100 layers."""
    return lambda: ResidualNet(50, seed=1, **settings)


PATIENT = Patient(
    complaint="A residual net of 50 blocks, He's weights, learning rate 0.01. 'Without the factor it exploded', says the "
    "owner, 'so we average: half of the stream plus half of the branch.' Now the loss stands at ln 10.",
    make=_hundred(carry=0.5, scale=0.5),
    lr=0.01,
    disease="the skip is damped",
    diseases={
        "the skip is damped": "half of the identity per block: along it 0.5^50 = 9e-16 gets through, and with the branches' "
        "help the gradient still falls by a constant factor in every block",
        "branches too loud": "then stream and gradient would grow from block to block; here both shrink",
        "dead units": "the gradient would be exactly 0, and the stream would stop at once; here it shrinks block by block",
        "no skip at all": "with no skip and these weights the branches alone would give 0.5^50; what is measured shrinks "
        "more slowly, about 0.7 per block: two paths a block, each halved",
    },
    prescriptions={
        "ten times the learning rate": Treatment(
            _hundred(carry=0.5, scale=0.5), 0.1, "ten times next to nothing: the readout learns the frequency of the "
            "digits, and the stem is asleep"
        ),
        "x + F(x)": Treatment(
            _hundred(), 0.01, "the identity is whole again, and fifty branches of unit gain multiply the mean square by 2^50"
        ),
        "x + F(x) / sqrt(50)": Treatment(
            _hundred(scale=50**-0.5), 0.01, "the skip passes everything on, and all branches together add no more than a "
            "factor e to the mean square"
        ),
        "F(x) alone": Treatment(
            _hundred(carry=0.0), 0.01, "that is a plain net of 100 layers, and you have seen how those do"
        ),
    },
)
