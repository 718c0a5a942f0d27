"""Questions about nets that are well, where `diagnose` must keep quiet, and about a change of mode."""

import torch
from torch import nn
from torch.optim import SGD, Adam

from tests.wild import data
from tests.wild.question import HEALTHY, Case, question


@question(
    "https://github.com/AICPS/hw2vec/issues/23", "why use both log_softmax and CrossEntropyLoss?",
    fault="None: the log-softmax of a log-softmax is the same once more.",
    says="Nothing, or a remark that the log-softmax is not needed.",
    right=HEALTHY, also=["output does not fit"], learns=True, steps=250,
)  # fmt: skip
def log_softmax_before_cross_entropy():
    x, y = data.digits()
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10), nn.LogSoftmax(1))
    return Case(model, x, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=3e-3))


@question(
    "https://github.com/AntixK/PyTorch-VAE/issues/48", "Input and decoder output value ranges",
    fault="None that stops it: tanh reaches -1..1, the images lie in 0..1, and it learns.",
    says="Nothing, or a remark that a sigmoid would fit more closely.",
    right=HEALTHY, learns=True, steps=300, enough=0.6,
)  # fmt: skip
def tanh_for_unit_images():
    x, _ = data.digits(256)
    x = (x - x.min()) / (x.max() - x.min())
    model = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(), nn.Linear(64, 16), nn.Linear(16, 64), nn.LeakyReLU(),
                          nn.Linear(64, 64), nn.Tanh())  # fmt: skip
    return Case(model, x, x, nn.MSELoss(), Adam(model.parameters(), lr=5e-3))


@question(
    "https://github.com/jthickstun/pytorch_musicnet/issues/4", "Zero initial weights",
    fault="None: a single linear layer may begin at 0, there is no symmetry to break.",
    says="Nothing.",
    right=HEALTHY, learns=True, steps=300,
)  # fmt: skip
def zeros_in_a_linear_model():
    x = torch.randn(256, 40)
    notes = ((x @ torch.randn(40, 12) / 6) > 1).float()
    model = nn.Linear(40, 12, bias=False)
    nn.init.zeros_(model.weight)
    return Case(model, x, notes, nn.MSELoss(), SGD(model.parameters(), lr=0.1, momentum=0.95),
                lambda net: ((net(x) > 0.35) == (notes > 0)).float().mean())  # fmt: skip


@question(
    "https://github.com/pytorch/pytorch/issues/5406", "BatchNorm behaves different in train() and eval()",
    fault="None: a fresh batch norm has no statistics yet, so the two modes differ, and training mends that.",
    says="Nothing: the net has not been trained.",
    right=HEALTHY, learns=True, steps=120, enough=0.85,
)  # fmt: skip
def fresh_batch_norm():
    x, y = data.images()
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))
    return Case(model, 3 * x + 2, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=3e-3))


@question(
    "https://github.com/corenel/pytorch-adda/issues/10", "0% accuracy with pytorch >= 0.4.0",
    fault="The accuracy was divided in whole numbers, and shown as 0; the net is well.",
    says="Nothing.",
    right=HEALTHY, learns=True, steps=250, enough=0.85,
)  # fmt: skip
def accuracy_in_whole_numbers():
    x, y = data.images(512)
    encoder = nn.Sequential(nn.Conv2d(1, 20, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(20, 50, 2), nn.Dropout2d(0.2),
                            nn.ReLU(), nn.Flatten(), nn.Linear(200, 100))  # fmt: skip
    model = nn.Sequential(encoder, nn.ReLU(), nn.Dropout(0.2), nn.Linear(100, 10))
    return Case(model, x, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.9)))


@question(
    "https://github.com/pytorch/pytorch/issues/4741", "Using model.eval() with batchnorm gives high error",
    fault="The running statistics lag behind the batches' (the numbers were not told; here momentum=1e-3, 60 steps).",
    says="In eval mode the loss is many times that of train mode: the running statistics are not those of the data.",
    right="train and eval disagree", steps=60, enough=0.8,
)  # fmt: skip
def statistics_that_lag(fixed=False):
    x, y = data.digits()
    momentum = 0.1 if fixed else 1e-3
    model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64, momentum=momentum), nn.ReLU(), nn.Linear(64, 64),
                          nn.BatchNorm1d(64, momentum=momentum), nn.ReLU(), nn.Linear(64, 10))  # fmt: skip
    case = Case(model, 20 * x + 40, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=1e-2))
    case.train(60)
    return case
