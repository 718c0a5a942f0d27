"""Questions about weights that nobody trains: behind a cut in the graph, frozen, or in a Python list."""

import torch
from torch import nn
from torch.optim import SGD, Adam

from tests.wild import data
from tests.wild.question import Case, question


class ByWord(nn.Module):
    """A first net chooses a word, a second one reads it."""

    def __init__(self, soft):
        super().__init__()
        self.first, self.words = nn.Linear(64, 10), nn.Embedding(10, 16)
        self.second, self.soft = nn.Linear(16, 10), soft

    def forward(self, x):
        scores = self.first(x)
        words = torch.softmax(scores, 1) @ self.words.weight if self.soft else self.words(scores.argmax(1))
        return self.second(words)


@question(
    "https://github.com/pytorch/pytorch/issues/1339", "Backprop through argmax",
    fault="An argmax between two nets has no gradient, so the first never learns.",
    says="No gradient reaches `first`: an argmax, a rounding or a detach lies between it and the loss. Use a softmax.",
    right="cut off", also=["no gradient", "collapsed"], steps=300, enough=0.8,
)  # fmt: skip
def argmax_between(fixed=False):
    x, y = data.digits()
    model = ByWord(soft=fixed)
    return Case(model, x, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=1e-2))


class Graph(nn.Module):
    """Nodes that exchange features along learned edges."""

    def __init__(self, detached):
        super().__init__()
        self.theta, self.phi = nn.Linear(8, 8), nn.Linear(8, 8)
        self.update, self.out = nn.Linear(8, 32), nn.Linear(32, 3)
        self.detached = detached

    def forward(self, nodes):
        edges = torch.softmax(self.theta(nodes) @ self.phi(nodes).transpose(1, 2) / 8**0.5, dim=-1)
        return self.out(torch.relu(self.update((edges.detach() if self.detached else edges) @ nodes)).mean(1))


@question(
    "https://github.com/queenie88/A-GCN/issues/4", "Question about gradient flow",
    fault="The learned edges are detached, so the two weight matrices behind them never change; the rest learns.",
    says="No gradient reaches `theta` and `phi`: remove the detach.",
    right="cut off", also=["no gradient"], learns=True, steps=200, enough=0.8,
)  # fmt: skip
def detached_edges(fixed=False):
    x = torch.randn(96, 6, 8)
    y = torch.bucketize(x.mean(1)[:, 0].contiguous(), torch.tensor([-0.2, 0.2]))
    model = Graph(detached=not fixed)
    return Case(model, x, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=1e-2))


@question(
    "https://github.com/open-mmlab/mmdetection/issues/3667", "Freezing the backbone network will report an error",
    fault="Backbone and head are both frozen: nothing is left to train, and backward() raises.",
    says="All parameters have requires_grad=False: leave those of the head at True.",
    right="frozen", steps=150, enough=0.8,
)  # fmt: skip
def all_frozen(fixed=False):
    x, y = data.images()
    backbone = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten())
    head = nn.Linear(16 * 36, 10)
    model = nn.Sequential(backbone, head)
    (backbone if fixed else model).requires_grad_(False)
    return Case(model, x, y, nn.CrossEntropyLoss(), SGD(model.parameters(), lr=0.02, momentum=0.9))


class ListedLayers(nn.Module):
    """Hidden layers in pairs of a Python list, as they were given."""

    def __init__(self, listed, depth=6):
        super().__init__()
        self.hids = [[nn.Linear(64, 64), nn.Tanh()] for _ in range(depth)]
        if not listed:
            self.hids = nn.ModuleList(nn.Sequential(*pair) for pair in self.hids)
        self.classifier = nn.Linear(64, 10)

    def forward(self, x):
        for pair in self.hids:
            for part in pair:
                x = part(x)
        return self.classifier(x)


@question(
    "https://github.com/pytorch/pytorch/issues/715",
    "Module: parameters are not included if the module is initialized in a list",
    fault="The hidden layers are in a Python list: they are used, and are no parameters of the model.",
    says="12 tensors that the loss depends on are not among model.parameters(): nn.ModuleList.",
    right="unowned weights", steps=200,
)  # fmt: skip
def layers_in_a_list(fixed=False):
    x, y = data.digits()
    model = ListedLayers(listed=not fixed)
    return Case(model, x, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=2e-3))


class ListedCells(nn.Module):
    """Two LSTM cells, stacked, over a sequence; the answer from the last state."""

    def __init__(self, listed):
        super().__init__()
        self.lstms = [nn.LSTMCell(1, 24), nn.LSTMCell(24, 24)]
        if not listed:
            self.lstms = nn.ModuleList(self.lstms)
        self.out = nn.Linear(24, 2)

    def forward(self, x):
        states = [(x.new_zeros(len(x), 24), x.new_zeros(len(x), 24)) for _ in self.lstms]
        for step in x.unbind(1):
            for i, cell in enumerate(self.lstms):
                states[i] = cell(step, states[i])
                step = states[i][0]
        return self.out(step)


@question(
    "https://github.com/ikostrikov/pytorch-meta-optimizer/issues/11", "LSTM weights not optimised",
    fault="The LSTM cells are in a Python list, so only the linear layer behind them is trained.",
    says="The tensors of two LSTM cells are not among model.parameters(): nn.ModuleList.",
    right="unowned weights", steps=150,
)  # fmt: skip
def cells_in_a_list(fixed=False):
    x = torch.randn(96, 8, 1)
    y = (x[:, :4, 0].sum(1) > x[:, 4:, 0].sum(1)).long()
    model = ListedCells(listed=not fixed)
    return Case(model, x, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=1e-2))
