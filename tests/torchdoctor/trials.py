"""Sick nets with a task that can be learned: what remedies are tried on, and what counts as better.

The nets are those of the zoo, of the table of mismatches in test_ends.py, and of the public questions.
"""

import copy
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from tests.torchdoctor.test_ends import LABELS, MISFITS, ONE_HOT, X
from tests.torchdoctor.zoo import Case, on_images
from tests.torchdoctor.zoo_models import HandAttention, LastStep
from tests.torchdoctor.zoo_sick import SICK, conv_net
from tests.wild.questions import QUESTIONS
from utils import diagnose
from utils.data.datasets import digits
from utils.torchdoctor.criterion import Criterion

OPTIMIZERS = {"adam": 3e-3, "sgd": 0.1}  # name -> lr, where an example brings none of its own
SAMPLES = 256  # of a task that is made up
BATCH = 64
LAST = 10  # losses at the end of a training, whose mean counts

# Better is a fifth less: of the loss, or of the wrong answers to new samples. Of 360 answers with an error of 10 % chance
# moves two percentage points.
BETTER = 0.8


class Trial(NamedTuple):
    """make: function of a seed -> `Case`. kinds: which of them may be treated. steps: of training. optimizers: names. rates:
    name -> lr in place of the usual one: where so deep a net is thrown off by it, which the remedy then says, or it is too slow.

    judge: "loss", or "answers" where the loss of the sick net means something else than that of the treated one (it has no
    least value, or is 0 for a wrong answer), or where a net of many units learns the batch by heart: wrong answers to new digits.
    """

    make: Callable
    kinds: set
    steps: int = 200
    judge: str = "loss"
    optimizers: tuple = tuple(OPTIMIZERS)
    rates: dict | None = None

    def run(self, seed, optimizer):
        """Return the finding that was treated, the score of the untreated and of the treated net, and the report after it."""
        torch.manual_seed(seed)
        case = self.make(seed)
        given = {"optimizer": optimizer, "lr": (OPTIMIZERS | (self.rates or {}))[optimizer]} if optimizer != "its own" else {}
        report = diagnose(case.model, case.x, case.y, **(case.settings or {}), **given)
        trial = report.try_remedy(steps=self.steps if self.judge == "loss" else 0)
        if self.judge == "loss":
            scores = [_mean(trial.losses[name][-LAST:]) for name in ("untreated", "treated")]
        else:
            nets = copy.deepcopy(case.model), trial.model
            scores = [wrong_answers(net, case, optimizer, self.steps) for net in nets]
        return trial.finding, *scores, trial.after


def is_better(untreated, treated):
    """Whether a treated net's score is better by more than noise; an untreated one that is no number is the worst."""
    return treated < BETTER * untreated or (math.isnan(untreated) and math.isfinite(treated))


def wrong_answers(net, case, optimizer, steps):
    """Train a net for the digits in place; the share of wrong answers to those that it has not seen."""
    data, loss_fn = digits(case.x.dtype), Criterion((case.settings or {}).get("loss_fn"))
    made = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[optimizer](net.parameters(), OPTIMIZERS[optimizer])
    samples = torch.Generator().manual_seed(0)
    for _ in range(steps):
        rows = torch.randperm(len(case.x), generator=samples)[:BATCH]
        made.zero_grad()
        loss_fn(net(case.x[rows]), case.y[rows]).backward()
        made.step()
    return (net(data.x_test).argmax(1) != data.y_test).double().mean().item()


def _mean(values):
    return sum(values) / len(values)


# Tasks. Each takes what a zoo's net takes, and returns inputs of the same form and their answers.


def learnable(case):
    """The same net on a task with an answer."""
    x = case.x
    make = words if not x.is_floating_point() else {4: pictures, 3: series}.get(x.dim(), numbers if x.shape[1] == 64 else smooth)
    settings = {key: value for key, value in (case.settings or {}).items() if key != "lr"}
    return Case(case.model, *make(x), settings)


def numbers(x):
    """Digits, as a row of 64."""
    data = digits(x.dtype)
    rows = torch.randperm(len(data.x))[: 4 * SAMPLES]
    return data.x[rows], data.y[rows]


def pictures(x):
    """Digits as images, with the channels of x."""
    data = digits(torch.float32)
    rows = torch.randperm(len(data.x))[:BATCH]
    return data.x[rows].reshape(-1, 1, 8, 8).repeat(1, x.shape[1], 1, 1), data.y[rows]


def series(x):
    """Noise, as many steps as in x; the class is that of the largest mean."""
    x = torch.randn(SAMPLES, *x.shape[1:])
    return x, x[:, :, :3].mean(1).argmax(1)


def words(x):
    """Symbols of which each class has ten to itself."""
    y = torch.arange(SAMPLES) % 3
    return torch.randint(10, (SAMPLES, x.shape[1])) + 10 * y[:, None], y


def smooth(x):
    """A smooth function of real numbers, between 0 and 1."""
    x = torch.randn(SAMPLES, x.shape[1])
    return x, (x[:, :1] - x[:, 1:2]).sigmoid()


# Examples


def of_the_zoo(name, **settings):
    """A sick net of the zoo."""
    kinds, make = SICK[name]
    return Trial(lambda seed: learnable(make()), kinds, **settings)


def of_the_ends(name):
    """A mismatch: on the digits if it is about classes, else on its own targets, which are functions of its x."""
    make, y, loss_fn, *_ = MISFITS[name]
    several = name.endswith("several labels")
    of_classes = several or y is LABELS or y is ONE_HOT

    def drawn(seed):
        net = make()
        if of_classes:
            net[0], net[2] = nn.Linear(64, 32), nn.Linear(32, 10)
        torch.manual_seed(seed)
        for module in net.modules():
            getattr(module, "reset_parameters", lambda: None)()
        if not of_classes:
            return Case(net, X, y, {"loss_fn": loss_fn})
        x, labels = numbers(X)
        hot = torch.eye(10)[labels]
        return Case(net, x, labels if y is LABELS else hot + several * hot.roll(1, 1), {"loss_fn": loss_fn})

    # Of the others the loss means the same after the remedy; and sixty steps, since a softmax before NLLLoss is slow, not lost.
    by_answers = name in ("softmax, NLL", "raw scores, NLL", "ReLU, log", "sigmoids for one class of four")
    # A loss that is a mean over ten columns has a tenth of the gradient.
    return Trial(drawn, {"output does not fit"}, rates={"sgd": 1.0} if several else None,
                 **{"steps": 60, "judge": "answers"} if by_answers else {})


def of_the_public(name):
    """A public question, with the optimizer of who asked."""
    question = next(question for question in QUESTIONS if question.name == name)

    def asked(seed):
        case = question.build()
        return Case(case.model, case.x, case.y, {"loss_fn": case.loss_fn, "optimizer": case.optimizer})

    return Trial(asked, {*question.right}, question.steps, optimizers=("its own",))


class LookUp(HandAttention):
    """Reads the answer where the question stands: at the first position."""

    def forward(self, x):
        return self.out(self.attend(x)[:, 0])


def looked_up(width=128, pairs=12):
    """A question, and pairs of a key and a class; the class is that of the pair whose key is asked for."""
    def drawn(seed):
        keys = nn.init.orthogonal_(torch.empty(width // 2, width // 2))[:pairs] * width**0.5
        asked, classes = torch.randint(pairs, (2048,)), torch.randint(3, (2048, pairs))
        x = torch.zeros(2048, pairs + 1, width)
        x[:, 0, : width // 2], x[:, 1:, : width // 2] = keys[asked], keys
        x[:, 1:, width // 2 : width // 2 + 3] = 4 * torch.eye(3)[classes]
        net = LookUp(width, is_scaled=False)
        for layer in (net.query, net.key):
            nn.init.normal_(layer.weight, 0, 1 / width**0.5)
        return Case(net, x, classes[torch.arange(2048), asked], {"lr": 1e-3, "optimizer": "adam"})

    return Trial(drawn, {"attention saturated"}, 300, optimizers=("its own",))


def convolutions(depth, activation, **settings):
    """Convolutions in a row at torch's weights, on the digits."""
    return Trial(lambda seed: learnable(on_images(conv_net(depth, activation))), {"vanishing"}, rates={"sgd": 0.03}, **settings)


def post_norm(blocks=18, width=16):
    """Torch's transformer blocks, as they come; the class is that of the largest mean of three features."""
    def drawn(seed):
        block = nn.TransformerEncoderLayer(width, 2, 2 * width, dropout=0.0, batch_first=True)
        stack = nn.TransformerEncoder(block, blocks, enable_nested_tensor=False)
        for part in stack.modules():
            getattr(part, "reset_parameters", getattr(part, "_reset_parameters", lambda: None))()
        net = nn.Sequential(stack, nn.Flatten(), nn.Linear(4 * width, 3))
        return Case(net, *series(torch.empty(0, 4, width)), {"lr": 1e-3, "optimizer": "adam"})

    return Trial(drawn, {"post-norm stack"}, 150, optimizers=("its own",))


def far_back(cell, steps=40):
    """A gated net whose answer lies at the first step, which it does not hear."""
    def drawn(seed):
        x = torch.randn(2048, steps, 3) * torch.tensor([1, 0.5, 0.5])
        y = (x[:, 0, 0] > 0).long()
        x[:, 0, 0] = 2.0 * y - 1
        return Case(LastStep(cell(3, 16, batch_first=True), 2), x, y, {"lr": 1e-2, "optimizer": "adam"})

    # Adam alone: in some hundred steps plain gradient descent learns no lag of 40, whatever the biases, and the remedy says so.
    return Trial(drawn, {"vanishing in time"}, 200, optimizers=("its own",))


PLAIN = (
    "7 sigmoid layers, Xavier", "10 sigmoid layers, Xavier",
    "10 tanh layers, N(0, 0.01^2)", "20 tanh layers, torch's weights", "8 tanh layers, N(0, 1)",
    "10 ReLU layers, N(0, 1)", "5 tanh layers, biases of 5",
    "4 sigmoid layers, biases of -9", "3 ReLU layers, biases of -3", "3 ReLU layers, biases of -10",
    "8 ReLU layers, biases of -1", "ReLU layers after steps of 0.3", "ReLU layers after steps of 1",
    "ReLU convolutions, biases of -3", "all weights 0.1", "all weights 0", "constant convolutions", "constant LSTM",
    "everything frozen", "a frozen ResNet", "a NaN in a weight", "an infinite weight",
    "layers in a list", "layers in a dict of lists",
    "a weight that is a plain tensor", "an output ReLU that is silent", "an output sigmoid on its upper end",
    "an output sigmoid on its lower end", "an output cut off", "GRU that takes samples for time",
)  # fmt: skip
LONG = (
    "20 ReLU layers, torch's weights", "20 ReLU layers, functional", "20 ReLU layers, sigma_w = 2",
)  # fmt: skip
LONGER = "20 GELU layers, torch's weights", "30 sigmoid layers, Xavier", "30 ReLU layers, Xavier"
IN_THE_ZOO = {
    **{name: {} for name in PLAIN}, **{name: {"rates": {"sgd": 0.03}} for name in LONG},
    **{name: {"rates": {"adam": 1e-3, "sgd": 0.03}, "steps": 400} for name in LONGER},
    "15 softplus layers, their gain": {"rates": {"sgd": 0.01}},
    "ReLU RNN, 1.5 times the identity": {"rates": {"sgd": 0.03}},  # in place of clipping, which is by hand
    # Each sample goes past the attention as well, and alone tells most: what the others disturb shows late.
    "attention between samples": {"steps": 400},
    "2 wide tanh layers, N(0, 1)": {"judge": "answers"},
}  # fmt: skip
OF_THE_PUBLIC = ("softmax_before_cross_entropy", "sigmoid_before_cross_entropy", "relu_last_and_silent",
                 "tanh_for_wide_targets", "tiny_and_silent", "norm_of_one_column", "silent_population", "zeros_before_relu",
                 "all_frozen", "layers_in_a_list", "cells_in_a_list", "sigmoid_tower", "linear_xor", "mlp_without_activations", "rows_of_digits", "adding_problem")
TRIALS = {
    **{name: of_the_zoo(name, **settings) for name, settings in IN_THE_ZOO.items()},
    **{name: of_the_ends(name) for name, (*_, can_be_tried) in MISFITS.items() if can_be_tried},
    **{name: of_the_public(name) for name in OF_THE_PUBLIC},
    "a pair looked up by products that nothing divides": looked_up(),
    "7 sigmoid convolutions": convolutions(7, nn.Sigmoid),
    # Ten are no obstacle to Adam, treated or not, and with 20 plain gradient descent takes longer than a test may.
    "10 ReLU convolutions, torch's weights": convolutions(10, nn.ReLU, optimizers=("sgd",)),
    "20 ReLU convolutions, torch's weights": convolutions(20, nn.ReLU, optimizers=("adam",), steps=150),
    "18 blocks with norms behind the sums": post_norm(),
    "LSTM, the answer 40 steps back": far_back(nn.LSTM), "GRU, the answer 40 steps back": far_back(nn.GRU),
}  # fmt: skip
