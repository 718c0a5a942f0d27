"""Chapter 6, *Skip connections*: the checkers of its exercises and its patients; its quiz is `quiz06`."""

import copy
import math

import torch
from torch import nn

from utils.answers.quiz06 import QUIZ  # noqa: F401 - chapters find it here, as any other
from utils.data.datasets import digits
from utils.exercises.checking import check, exercise
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.comparison import NAN
from utils.exercises.verdict import CORRECT, NOT_YET, Verdict
from utils.nets.residual import ResidualNet
from utils.torchdoctor.errors import WrongType
from utils.training.loop import fit

LEARNT = 0.8  # the accuracy, 0..1, that a net with the learner's skips must reach
LEAST = 0.1  # what fifty blocks must add at the start, as a share of x; with s = 1/50 it is 0.14

RIGHT = {"56 layers": 2.0}  # the right option of each prediction, out of the learner's sight


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
        lambda blocks, growth: (math.log(growth) / blocks) ** 0.5: "that is right for many blocks only: (1 + s^2)^L is e^(L s^2) "
            "when s is small",
        lambda blocks, growth: blocks**-0.5: "that scale leads to growth e, whatever was asked for",
    }  # fmt: skip
    cases = [(10, 2.0), (50, math.e), (500, 100.0), (1, 5.0)]
    return check(f, lambda blocks, growth: (growth ** (1 / blocks) - 1) ** 0.5, cases, mistakes=mistakes)


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
        if isinstance(answer, torch.Tensor) and answer.isnan().any():
            raise WrongType(f"your result is {NAN}")
        return torch.tensor(answer.shape) if isinstance(answer, torch.Tensor) else answer

    small = nn.ModuleList(nn.Sequential(nn.ReLU(), nn.Linear(4, 4).double()) for _ in range(3))
    verdict = check(f, kept, [(torch.ones(2, 4, dtype=torch.float64), small)], convert=shape)
    if not verdict:
        return verdict
    data = digits()
    try:
        if fault := _fault(f):
            return Verdict(NOT_YET, fault)
        if _added(f) < LEAST:
            return Verdict(NOT_YET, "the fifty blocks add next to nothing to x: what is left is a net without layers. Make each larger")
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


def _fault(f):
    """Return what is wrong with how f(x, blocks) joins three small blocks, or "" if there is a skip around every one of a chain."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 4, generator=generator, dtype=torch.float64)
    blocks = nn.ModuleList(nn.Sequential(nn.Tanh(), nn.Linear(4, 4).double()) for _ in range(3))
    for p in blocks.parameters():
        p.data = torch.randn(p.shape, generator=generator, dtype=torch.float64)

    def changed(before, number):
        """Return a copy of the blocks, one of which has other weights."""
        after = copy.deepcopy(before)
        for p in after[number].parameters():
            p.data = torch.randn(p.shape, generator=generator, dtype=torch.float64)
        return after

    def moves(before, number):
        return not torch.equal(f(x.clone(), before), f(x.clone(), changed(before, number)))

    if not all(moves(blocks, number) for number in range(3)):
        return "a block is left out: another block there changes nothing in what you return"
    inputs = [_inputs(f, x, some) for some in (blocks, changed(blocks, 0))]
    if torch.equal(inputs[0][1], inputs[1][1]):
        return "the blocks stand side by side: what one returns is to go into the next"
    silent = copy.deepcopy(blocks)
    for p in silent[1].parameters():
        p.data.zero_()
    if torch.equal(*(_inputs(f, x, some)[2] for some in (silent, changed(silent, 0)))):
        return "if the second block returns 0, the third hears nothing of the first: is there a skip around every block?"
    return ""


def _inputs(f, x, blocks):
    """Return what each of the blocks is given while f runs: block -> tensor, by number."""
    given = {}

    def keep(number):
        def hook(_, args):
            given[number] = args[0].detach().clone()

        return hook

    hooks = [block.register_forward_pre_hook(keep(number)) for number, block in enumerate(blocks)]
    f(x.clone(), blocks)
    for hook in hooks:
        hook.remove()
    return given


@torch.no_grad()
def _added(f):
    """How much f adds to x by all of its fifty blocks, as a share of x."""
    net = _WithSkips(f)
    x = net.stem(digits().x[:64])
    return ((f(x.clone(), net.blocks) - x).norm() / x.norm()).item()


def _hundred(**settings):
    """Return a maker of nets of 50 blocks, 100 layers."""
    return lambda: ResidualNet(50, seed=1, **settings)


_PLAIN = _hundred(carry=0.0)
PATIENT = Patient(
    complaint="A hundred ReLU layers, He's weights, learning rate 0.003. 'Every single layer is healthy', says the owner. The loss "
    "hardly moves.",
    make=_PLAIN,
    lr=0.003,
    disease="inputs merge on the way",
    diseases={
        "inputs merge on the way": "every layer is healthy, and a hundred of them in a row make all digits look alike: the "
        "readout has nothing to tell them apart by",
        "vanishing gradient": "look again: layer 1 gets half of what the last layer gets",
        "dead units": "half of the units of a late layer are silent for every digit, and the others answer all digits alike: that "
        "follows from digits that look the same; with skips the same matrices leave few such units",
        "weights too large": "then z would grow from layer to layer; here it falls",
    },
    prescriptions={
        "ten times the learning rate": Treatment(
            _PLAIN, 0.03, "longer steps do not tell the digits apart, and soon overshoot"
        ),
        "x + F(x)": Treatment(
            _hundred(), 0.003, "the road is open, and fifty branches of unit gain multiply the mean square by 2^50"
        ),
        "F(x) / sqrt(50)": Treatment(
            _hundred(carry=0.0, scale=50**-0.5), 0.003, "the small factor belongs to a skip; alone it starves the signal in "
            "every block"
        ),
        "x + F(x) / sqrt(50)": Treatment(
            _hundred(scale=50**-0.5), 0.003, "the digits reach the readout on the road, and all branches together add no more "
            "than a factor of e to the mean square"
        ),
    },
)
SECOND_PATIENT = Patient(
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
