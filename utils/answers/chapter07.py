"""Chapter 7, *LSTM and GRU*: the checkers of its exercises, its quiz, and the five patients of the final clinic."""

import math

import torch
from torch import nn

from utils.data.datasets import recall
from utils.exercises.checking import check, exercise
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.quiz import Question
from utils.nets.mlp import MLP
from utils.nets.recurrent import Reader, chrono_, keep_, make_cell
from utils.torchdoctor.errors import WrongType

RIGHT = {"100 symbols": 1e-22, "a fresh LSTM": 1e-20}  # the right option of each prediction, out of the learner's sight


def _numbers(*shape, offset=0.0):
    """Return a tensor of numbers between -1 and 1, in double precision."""
    return torch.sin(3 * torch.arange(torch.Size(shape).numel()).double() + offset).view(shape)


@exercise
def check_rnn_backward(f):
    """Check f(left, W, h) -> dC/dh_{t-1} of a tanh RNN, from left = dC/dh_t (B, H), W (H, H) and h = h_t (B, H)."""
    mistakes = {
        lambda left, W, h: (left * (1 - h**2)) @ W.T: "rows are samples: going back, W stands as it is, not transposed",
        lambda left, W, h: left @ W: "the slope of tanh is missing",
        lambda left, W, h: (left @ W) * (1 - h**2): "first through tanh, then through the weights: the order of the way back",
        lambda left, W, h: (left * (1 - torch.tanh(h) ** 2)) @ W: "h is tanh(z) already",
        lambda left, W, h: (left * h * (1 - h)) @ W: "that is the sigmoid's slope",
    }
    cases = [(_numbers(4, 3), _numbers(3, 3, offset=1.0), 0.9 * _numbers(4, 3, offset=2.0))]
    return check(f, lambda left, W, h: (left * (1 - h**2)) @ W, cases, mistakes=mistakes, by_hand=True)


@exercise
def check_bias_for(f):
    """Check f(steps) -> the bias b with sigmoid(b)^steps = 1/2; two numbers."""
    def bias(steps):
        return -math.log(math.expm1(math.log(2) / steps))

    mistakes = {
        lambda steps: 0.5 ** (1 / steps): "that is the gate f; which bias gives it?",
        lambda steps: -bias(steps): "check the sign: a gate near 1 needs a positive bias",
        lambda steps: math.log(steps - 1): "close: there 1/(1 - f) is the number of steps, which keeps 1/e instead of 1/2",
        lambda steps: math.log(steps): "close, but over so many steps that keeps less than one half",
        lambda steps: -math.log(0.5) / steps: "that is how much is lost per step; which bias gives it?",
    }
    return check(f, bias, [(10,), (1000,), (50,)], mistakes=mistakes, rtol=1e-4)


@exercise
def check_lstm_step(f):
    """Check f(x, h, c, W, U, b) -> (h, c), one step of an LSTM on a batch; gates in the order i, f, g, o."""
    def step(order="ifgo", squash=torch.tanh, old=False, forget=True):
        def variant(x, h, c, W, U, b):
            gates = dict(zip(order, (x @ W.T + h @ U.T + b).chunk(4, 1)))
            kept = gates["f"].sigmoid() * c if forget else c
            new = kept + gates["i"].sigmoid() * squash(gates["g"])
            return torch.cat([gates["o"].sigmoid() * torch.tanh(c if old else new), new], 1)

        return variant

    mistakes = {
        step("figo"): "PyTorch's order is i, f, g, o",
        step("ifog"): "PyTorch's order is i, f, g, o",
        step(squash=torch.sigmoid): "g is what is written, from -1 to 1: it takes a tanh",
        step(old=True): "the new h shows the new c",
        step(forget=False): "the forget gate is missing",
        lambda *arguments: step()(*arguments).roll(arguments[1].shape[1], 1): "h first, then c",
    }
    B, H, n = 3, 4, 5
    case = (_numbers(B, n), _numbers(B, H, offset=1.0), 2 * _numbers(B, H, offset=2.0), _numbers(4 * H, n, offset=3.0),
            _numbers(4 * H, H, offset=4.0), _numbers(4 * H, offset=5.0))

    def together(answer):
        if not (isinstance(answer, (tuple, list)) and len(answer) == 2):
            raise WrongType("expected the two tensors h and c: return h, c")
        for name, part in zip("hc", answer):
            if not isinstance(part, torch.Tensor) or part.shape != (B, H):
                found = tuple(part.shape) if isinstance(part, torch.Tensor) else type(part).__name__
                raise WrongType(f"the new {name} has shape {(B, H)}, like the old one, not {found}")
        return torch.cat(tuple(answer), 1)

    return check(f, step(), [case], mistakes=mistakes, convert=together)


@exercise
def check_clip_norm(f):
    """Check f(g, c) -> g, shortened to the norm c if it is longer; a tensor of any shape, and a number."""
    mistakes = {
        lambda g, c: g.clamp(-c, c): "that clips every entry, and bends the direction",
        lambda g, c: g * c / g.norm(): "a gradient that is short enough stays as it is",
        lambda g, c: g / g.norm(): "to the norm c, not to 1",
        lambda g, c: g * (c / g.norm()): "a gradient that is short enough stays as it is",
        lambda g, c: g * (c / g.norm(dim=-1, keepdim=True)).clamp(max=1): "one norm, that of all entries together",
        lambda g, c: g * (c / g.square().sum()).clamp(max=1): "that is the squared norm",
        lambda g, c: g + 0: "a gradient longer than c must be shortened",
    }
    cases = [(torch.tensor([3.0, 4.0, 100.0]).double(), 1.0), (_numbers(2, 3), 0.5), (_numbers(2, 3), 50.0)]
    return check(f, lambda g, c: g * (c / g.norm()).clamp(max=1), cases, mistakes=mistakes)


QUIZ = {
    "default": Question(
        "nn.LSTM(8, 128) as it comes, 100 steps: what is left of the gradient?",
        "next to nothing",
        {
            "all of it": "only if the forget gate stood at 1; it starts around one half",
            "about a half": "one half is what a single step keeps",
            "next to nothing": "one half per step, a hundred times: you measured less than 1e-16",
            "it explodes": "its recurrent weights are far too small for that",
        },
    ),
    "keep": Question(
        "A GRU in PyTorch is to keep its state. Where must z go?",
        "to 1",
        {
            "to 1": "h = (1 - z) n + z h: z is the share of the old",
            "to 0": "so it is in Chung et al. 2014; PyTorch, as Cho et al., mixes the other way round",
            "to 1/2": "that keeps a half per step, which is gone after ten",
        },
    ),
    "radius": Question(
        "A tanh RNN has the spectral radius 0.2. Its gradient over 50 steps?",
        "anything is possible",
        {
            "vanishes": "not necessarily: you saw one that grows by 1.2 per step",
            "explodes": "not necessarily: 0.2 could also fade at once, and in a linear net it would",
            "anything is possible": "the product is of different Jacobians; only a largest singular value below 1 would settle it",
        },
    ),
    "clip": Question(
        "What does clipping the norm do to a vanishing gradient?",
        "nothing",
        {
            "nothing": "it is below every threshold",
            "scales it up": "min(1, c / norm) never exceeds 1",
            "bends its direction": "clipping every entry would, if there were anything to clip",
        },
    ),
    "attention": Question(
        "What does attention cost in return for a path of one step?",
        "the square of the length",
        {
            "the square of the length": "every position looks at every other",
            "a vanishing gradient in time": "one step instead of T - t: that is what it gets rid of",
            "nothing": "twice the length, four times the work",
        },
    ),
}


DISEASES = {  # disease: (what speaks for it in the patient who has it, what is missing in the others)
    "saturated by large weights": (
        "three quarters of the units sit on the flat ends, in every layer, before the first step",
        "then a large share of the units would be saturated",
    ),
    "dead units": (
        "every unit of the upper layers is 0 for every digit, and so is the gradient below them",
        "then a layer's dead share would be near 100 %, and the gradient below it exactly 0",
    ),
    "weights too small for the activation": (
        "signal and gradient shrink together, by the same factor in every layer, and nothing is saturated",
        "then the std of z and the gradient would both shrink, each on its way",
    ),
    "skips that add up": (
        "the signal grows by a factor per block on its way up, and the gradient on its way down",
        "then the std of z would grow from layer to layer, and the gradient the other way",
    ),
    "a memory that forgets": (
        "more than half of the gradient is lost at every step back in time",
        "there is nothing to remember here: no sequence, no time",
    ),
    "learning rate too small": ("", "then the chart from before the first step would look healthy"),
}


def _mlp(depth, bias=0.0, **settings):
    """Return a maker of nets with one and the same bias in every hidden unit."""
    def make():
        net = MLP(depth, seed=1, **settings)
        for layer in net.hidden:
            nn.init.constant_(layer.bias, bias)
        return net

    return make


def _reader(prepare):
    """Return a maker of LSTMs of 16 units that name the first of 101 symbols; `prepare` sets a cell's biases."""
    return lambda: Reader(prepare(make_cell("lstm", 8, 16, seed=1, dtype=torch.float32)), seed=1)


def _patient(complaint, disease, chapter, make, lr, *treatments, **more):
    """Return a patient of the ward. treatments: (name, treated maker, why), besides the learning rate that never cures."""
    return Patient(
        complaint, make, lr, disease,
        diseases={name: yes if name == disease else no for name, (yes, no) in DISEASES.items()},
        prescriptions={"a tenth of the learning rate": Treatment(make, lr / 10, "the disease was there before any step")}
        | {name: Treatment(treated, lr, why) for name, treated, why in treatments},
        chapter=chapter, **more,
    )  # fmt: skip


WARD = {
    "A": _patient(
        "20 ReLU layers, learning rate 0.01. 'The loss stands still at ln 10.'",
        "weights too small for the activation", "3 and 5", _mlp(20, activation="relu", init="lecun"), 0.01,
        ("a leak of 0.01", _mlp(20, activation="leaky_relu", init="lecun"),
         "a hundredth of the other half gets through, and the weights are as small as before"),
        ("weights with std sqrt(2/fan_in)", _mlp(20, activation="relu", init="he"),
         "ReLU halves the mean square, and a weight variance of 2/fan_in makes up for it"),
    ),
    "B": _patient(
        "40 ReLU layers, He's weights, a skip around each, learning rate 0.01. 'nan after two steps.'",
        "skips that add up", "6", _mlp(40, activation="relu", init="he", skip=True), 0.01,
        ("weights with std 1/sqrt(fan_in)", _mlp(40, activation="relu", init="lecun", skip=True),
         "every block still adds half of what it gets, forty times over"),
        ("branches divided by sqrt(40)", _mlp(40, activation="relu", sigma_w=(2 / 40) ** 0.5, skip=True),
         "forty branches of a fortieth of the variance multiply it by about e, not by 2 to the 40"),
    ),
    "C": _patient(
        "10 tanh layers, weights from N(0, 1), learning rate 0.05. 'It jumps about and learns nothing.'",
        "saturated by large weights", "1 and 4", _mlp(10, activation="tanh", init="naive"), 0.05,
        ("ReLU in place of tanh", _mlp(10, activation="relu", init="naive"),
         "nothing saturates any more, so nothing stops the weights: it explodes"),
        ("weights with std 1/sqrt(fan_in)", _mlp(10, activation="tanh", init="lecun"),
         "with 64 inputs that is an eighth, and z comes back to where tanh has a slope"),
    ),
    "D": _patient(
        "4 ReLU layers, He's weights, learning rate 0.02. 'I set the biases so that few units fire. Now none does.'",
        "dead units", "2", _mlp(4, bias=-3.0, activation="relu", init="he"), 0.02,
        ("a leak of 0.01", _mlp(4, bias=-3.0, activation="leaky_relu", init="he"),
         "no unit is dead any more, but four slopes of 0.01 leave next to nothing"),
        ("biases of zero", _mlp(4, activation="relu", init="he"),
         "about half of the units fire again, and the gradient keeps its level"),
    ),
    "E": _patient(
        "An LSTM of 16 units reads 101 symbols and must name the first; Adam at 0.01, clipped at 1. 'It guesses.'",
        "a memory that forgets", "7", _reader(lambda cell: keep_(cell, 0.0)), 0.01,
        ("forget biases of 1", _reader(lambda cell: keep_(cell, 1.0)), "0.73 per step is nothing after a hundred steps"),
        ("chrono biases", _reader(lambda cell: chrono_(cell, 100, seed=1)),
         "every unit keeps for a span of its own, up to the lag"),
        data=lambda: recall(1024, 100), settings={"optimizer": "adam", "batch": 32, "clip": 1.0},
    ),
}  # fmt: skip
