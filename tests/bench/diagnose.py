"""The bench's part about `diagnose` and `watch`: their time against a bare pass, hand-written hooks, and a bare loop."""

import statistics
import subprocess
import sys
import time
from unittest import mock

import torch
from torch import nn
from torch.nn import functional as F

from tests.torchdoctor.zoo import on_images, on_series, on_tokens
from tests.torchdoctor.zoo_models import FashionMLP, ResNet, TransformerClassifier, vgg
from utils import diagnose, watch
from utils.data import datasets
from utils.nets.mlp import MLP
from utils.torchdoctor import examination
from utils.torchdoctor.probes import Probes

WARM_UP = 2
STEPS = 60  # of a watched training
IMPORT = """
import time, torch
started = time.process_time()
from utils.torchdoctor import diagnose, measure, watch
print(time.process_time() - started)
"""


def time_import(repeats):
    """CPU seconds that torchdoctor takes to import once torch is there, in a fresh process: the median."""
    answers = [subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout for _ in range(repeats)]
    return statistics.median(map(float, answers))


def compare_diagnosis(repeats):
    """Yield (what, bare, by hand, without probes, diagnosed): CPU ms of a forward and backward pass, with hooks by hand, and of
    `diagnose`, without and with what it asks of a few samples in passes of their own.

    Medians over `repeats` calls in turns.
    """
    torch.set_num_threads(1)
    x, y, *_ = datasets.digits()
    torch.manual_seed(0)
    cases = {
        "30 x 64, batch 128, float64": (MLP(30, sigma_w=1.0), x[:128], y[:128]),
        "30 x 256, batch 256, float64": (MLP(30, 256, sigma_w=1.0), x[:256], y[:256]),
        "Quickstart MLP, batch 64": on_images(FashionMLP(), 64, 28, 1)[:3],
        "VGG, batch 16": on_images(vgg())[:3],
        "ResNet-18, 16 channels, batch 16": on_images(ResNet())[:3],
        "transformer, 4 layers, batch 16": on_tokens(TransformerClassifier())[:3],
        "LSTM, 50 steps, batch 64": on_series(nn.LSTM(16, 64, batch_first=True), 50, 64)[:3],
        "10 million parameters, batch 64": (_ten_million(), torch.randn(64, 1024), torch.randint(10, (64,))),
    }
    for what, (model, x, y) in cases.items():
        yield what, *_in_turns(repeats, (_bare, _by_hand, _without_probes, diagnose), model, x, y)


def compare_watching(repeats):
    """Yield (what, bare, watched): CPU ms of a training of STEPS steps with SGD, as it is and within `watch`."""
    torch.set_num_threads(1)
    x, y, *_ = datasets.digits(torch.float32)
    net = MLP(10, activation="relu", init="he", dtype=torch.float32)
    for what, case in {"10 x 64, batch 64": (net, x[:64], y[:64]), "VGG, batch 16": on_images(vgg())[:3]}.items():
        yield what, *_in_turns(repeats, (_train, _watched), *case)


def _ten_million():
    return nn.Sequential(*(m for _ in range(10) for m in (nn.Linear(1024, 1024), nn.ReLU())), nn.Linear(1024, 10))


def _bare(model, x, y):
    return torch.autograd.grad(F.cross_entropy(model(x), y), list(model.parameters()))


def _by_hand(model, x, y):
    """What one writes without the course: hooks that keep every output, norms at the end. Leaves .grad behind."""
    outputs = {}

    def keep(name):
        def hook(module, inputs, output):
            tensor = output[0] if isinstance(output, tuple) else output
            if tensor.requires_grad:
                tensor.retain_grad()
            outputs[name] = tensor

        return hook

    layers = {name: module for name, module in model.named_modules() if not list(module.children())}
    handles = [module.register_forward_hook(keep(name)) for name, module in layers.items()]
    model.zero_grad()
    F.cross_entropy(model(x), y).backward()
    for handle in handles:
        handle.remove()
    rows = [(name, t.mean().item(), t.std().item(), (t == 0).flatten(0, -2).all(0).float().mean().item(),
             t.grad.norm().item() if t.grad is not None else None) for name, t in outputs.items()]  # fmt: skip
    return rows, [(name, p.grad.norm().item(), p.norm().item()) for name, p in model.named_parameters()]


def _without_probes(model, x, y):
    with mock.patch.object(examination, "ask", lambda *_: Probes()):
        return diagnose(model, x, y)


def _train(model, x, y):
    parameters = list(model.parameters())
    for _ in range(STEPS):
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        for p in parameters:
            p.data -= 1e-4 * p.grad


def _watched(model, x, y):
    with watch(model):
        _train(model, x, y)


def _in_turns(repeats, actions, model, x, y):
    times = [[] for _ in actions]
    for _ in range(WARM_UP + repeats):
        for action, taken in zip(actions, times):
            started = time.process_time()
            action(model, x, y)
            taken.append((time.process_time() - started) * 1000)
    return [statistics.median(taken[WARM_UP:]) for taken in times]


if __name__ == "__main__":
    for what, bare, by_hand, plain, diagnosed in compare_diagnosis(10):
        print(f"{what:36} bare {bare:7.1f} ms, by hand {by_hand / bare:.2f}, diagnose {plain / bare:.2f}, with probes {diagnosed / bare:.2f}")
    print(f"import of torchdoctor after torch {time_import(3):.3f} s")
    for what, bare, watched in compare_watching(5):
        print(f"watch, {what:29} bare {bare:7.1f} ms, watched {watched / bare:.2f}")
