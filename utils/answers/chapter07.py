"""Chapter 7, *LSTM and GRU*: the checkers of its exercises, and the five patients of the final clinic."""

import copy
import math

import torch
from torch import nn
from torch.nn.functional import one_hot

from utils.data.datasets import recall
from utils.exercises.checking import check, exercise, nan_among
from utils.exercises.clinic import Patient, Treatment
from utils.exercises.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict
from utils.nets.mlp import MLP
from utils.nets.recurrent import Reader, chrono_, keep_, make_cell
from utils.theory.through_time import measure_through_time
from utils.training.loop import fit

RIGHT = {"100 symbols": 1e-22, "a fresh LSTM": 1e-20}  # the right option of each prediction, out of the learner's sight
LAG = 100  # of the net that the second exercise repairs


def _numbers(*shape, offset=0.0):
    """Return a tensor of numbers between -1 and 1, in double precision."""
    return torch.sin(3 * torch.arange(torch.Size(shape).numel()).double() + offset).view(shape)


@exercise
def check_bias_for(f):
    """Check f(steps) -> the bias b with sigmoid(b)^steps = 1/2; two numbers."""
    def bias(steps):
        return -math.log(math.expm1(math.log(2) / steps))

    mistakes = {
        lambda steps: 0.5 ** (1 / steps): "that is the gate f; which bias gives it?",
        lambda steps: -bias(steps): "check the sign: a gate near 1 needs a positive bias",
        lambda steps: math.log(steps - 1): "close: there 1/(1 - f) is the number of steps, which keeps 1/e instead of 1/2",
        lambda steps: math.log(steps / math.log(2)): "a good approximation for many steps; over ten it keeps a little too much",
        lambda steps: math.log(steps): "close, but over so many steps that keeps less than one half",
        lambda steps: -math.log(0.5) / steps: "that is how much is lost per step; which bias gives it?",
    }
    return check(f, bias, [(10,), (1000,), (50,)], mistakes=mistakes, rtol=1e-4)


@exercise
def check_memory(b_f, b_i):
    """Check the answer to: which biases of the forget and the input gates let an LSTM recall the first of 101 symbols?

    b_f, b_i: two numbers, one for all gates of a kind. The LSTM has 16 units and learns for 300 steps of Adam at 0.01, clipped at
    1; it is to name more than 95 % of the first symbols of sequences that it has not seen.
    """
    if b_f is ... or b_i is ... or b_f is None or b_i is None:
        return Verdict(NOT_ATTEMPTED, "put two numbers in the place of the dots")
    try:
        b_f, b_i = float(b_f), float(b_i)
    except (TypeError, ValueError, RuntimeError):
        return Verdict(NOT_YET, "b_f and b_i are two plain numbers, such as 0.0 and 0.0")
    if not (abs(b_f) <= 100 and abs(b_i) <= 100):
        return Verdict(NOT_YET, nan_among(b_f=b_f, b_i=b_i) or "a bias beyond 100 shuts a gate for good: take smaller numbers")
    net = Reader(_gates(make_cell("lstm", 8, 16, seed=0, dtype=torch.float32), b_f, b_i))
    symbols = one_hot(recall(1, LAG)[0][0].long(), 8).double()
    kept, let_in = measure_through_time(copy.deepcopy(net.cell).double(), symbols)[LAG].item(), 1 / (1 + math.exp(-b_i))
    run = fit(net, *recall(1024, LAG), steps=300, lr=0.01, optimizer="adam", batch=32, clip=1.0, live=False)
    if run.stopped:
        return Verdict(NOT_YET, f"you stopped it after {run.steps} of 300 steps, too early to tell: run the cell again")
    x, y = recall(512, LAG, seed=1)
    with torch.no_grad():
        right = (net(x).argmax(1) == y).double().mean().item()
    told = f"{right:.0%} of the first symbols after 300 steps; before the first, {kept:.0e} of the gradient got back to them"
    if right > 0.95:
        return Verdict(CORRECT, told)
    if let_in * LAG > 3 and b_f > 3:
        return Verdict(NOT_YET, f"{told}: the input gates let {let_in:.0%} of every distractor in, {LAG} times over")
    return Verdict(NOT_YET, f"{told}, which is not enough to learn from: which gates should keep longer?")


@torch.no_grad()
def _gates(cell, b_f, b_i):
    """Set the biases of all forget and input gates of an LSTM, in place; returns it."""
    keep_(cell, b_f)
    cell.bias_ih_l0[: cell.hidden_size] = b_i
    cell.bias_hh_l0[: cell.hidden_size] = 0
    return cell


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
        lambda g, c: g + 0: "a gradient longer than c must be shortened (clip_grad_norm_ works on parameters, and not on g)",
    }
    cases = [(torch.tensor([3.0, 4.0, 100.0]).double(), 1.0), (_numbers(2, 3), 0.5), (_numbers(2, 3), 50.0)]
    return check(f, lambda g, c: g * (c / g.norm()).clamp(max=1), cases, mistakes=mistakes)


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
        "a third of the gradient is lost at every step back in time",
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
        "An LSTM of 16 units reads 101 symbols and must name the first; Adam at 0.01, clipped at 1. 'It guesses.'",
        "a memory that forgets", "7", _reader(lambda cell: keep_(cell, 0.0)), 0.01,
        ("forget biases of 1", _reader(lambda cell: keep_(cell, 1.0)), "0.73 per step is nothing after a hundred steps"),
        ("chrono biases", _reader(lambda cell: chrono_(cell, 100, seed=1)),
         "every unit keeps for a span of its own, up to the lag"),
        data=lambda: recall(1024, 100), settings={"optimizer": "adam", "batch": 32, "clip": 1.0},
    ),
    "B": _patient(
        "20 ReLU layers, learning rate 0.01. 'The loss stands still at ln 10.'",
        "weights too small for the activation", "3 and 5", _mlp(20, activation="relu", init="lecun"), 0.01,
        ("a leak of 0.01", _mlp(20, activation="leaky_relu", init="lecun"),
         "a hundredth of the other half gets through, and the weights are as small as before"),
        ("weights with std sqrt(2/fan_in)", _mlp(20, activation="relu", init="he"),
         "ReLU halves the mean square, and a weight variance of 2/fan_in makes up for it"),
    ),
    "C": _patient(
        "40 ReLU layers with skips, learning rate 0.01. 'nan after two steps.'",
        "skips that add up", "6", _mlp(40, activation="relu", init="he", skip=True), 0.01,
        ("weights with std 1/sqrt(fan_in)", _mlp(40, activation="relu", init="lecun", skip=True),
         "every block still doubles the mean square, forty times over"),
        ("branches divided by sqrt(40)", _mlp(40, activation="relu", sigma_w=(2 / 40) ** 0.5, skip=True),
         "forty small branches multiply the mean square by hundreds, not by 10 to the 18"),
    ),
    "D": _patient(
        "10 tanh layers, learning rate 0.05. 'It jumps about and learns nothing.'",
        "saturated by large weights", "1 and 4", _mlp(10, activation="tanh", init="naive"), 0.05,
        ("ReLU in place of tanh", _mlp(10, activation="relu", init="naive"),
         "nothing saturates any more, so nothing stops the weights: it explodes"),
        ("weights with std 1/sqrt(fan_in)", _mlp(10, activation="tanh", init="lecun"),
         "with 64 inputs that is an eighth, and z comes back to where tanh has a slope"),
    ),
    "E": _patient(
        "4 ReLU layers, learning rate 0.02. 'The loss does not move at all.'",
        "dead units", "2", _mlp(4, bias=-3.0, activation="relu", init="he"), 0.02,
        ("a leak of 0.01", _mlp(4, bias=-3.0, activation="leaky_relu", init="he"),
         "no unit is dead any more, but four slopes of 0.01 leave next to nothing"),
        ("biases of zero", _mlp(4, activation="relu", init="he"),
         "about half of the units fire again, and the gradient keeps its level"),
    ),
}  # fmt: skip
