"""Questions whose gradient is 0 or nan: silent units, norms that erase, roots of 0."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam

from tests.wild import data
from tests.wild.question import Case, question


@question(
    "https://github.com/allenai/allennlp-as-a-library-example/issues/8", "Tests are failing",
    fault="The net is so small that by chance every ReLU unit is negative for every sample, and its gradient 0.",
    says="All hidden units are silent for all samples: another seed, a wider layer, or another activation.",
    right="dead", also=["no gradient", "collapsed", "no better than a constant"], steps=200,
)  # fmt: skip
def tiny_and_silent(fixed=False):
    x = torch.rand(48, 4)
    y = (x[:, 0] > x[:, 1]).long() + (x[:, 0] > 1.6 * x[:, 1]).long()
    model = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid() if fixed else nn.ReLU(), nn.Linear(3, 3))
    with torch.no_grad():
        model[0].weight.copy_(-model[0].weight.abs())
        model[0].bias.copy_(-model[0].bias.abs())
    return Case(model, x, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=0.05))


@question(
    "https://github.com/jvargasmu/population_estimation/issues/68",
    "Sometimes the initial solution predicts only zeros (due to RELU activation)",
    fault="The output is a ReLU, and with some seeds it is 0 everywhere: no gradient at all.",
    says="Every output is 0, because a ReLU comes last, and so is the gradient: Softplus keeps it positive and alive.",
    right="no gradient", also=["dead", "output does not fit", "collapsed", "no better than a constant"], steps=300,
)  # fmt: skip
def silent_population(fixed=False):
    x = torch.rand(64, 5)
    y = x[:, :1] + 2 * x[:, 1:2]
    model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1), nn.Softplus() if fixed else nn.ReLU())
    nn.init.constant_(model[2].bias, -1.5)  # the unlucky seed
    return Case(model, x, y, nn.MSELoss(), Adam(model.parameters(), lr=1e-2))


class GatedFeatures(nn.Module):
    """Features of two depths, added with weights that a gate gives: ReLU of a linear layer without biases."""

    def __init__(self, gate):
        super().__init__()
        self.norm, self.gate, self.gates = nn.RMSNorm(64), nn.Linear(64, 2, bias=False), nn.ReLU()
        self.first, self.second, self.out = nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 10)
        nn.init.normal_(self.gate.weight, std=gate)

    def forward(self, x):
        gates = self.gates(self.gate(self.norm(x)))
        first = torch.tanh(self.first(x))
        return self.out(gates[:, :1] * first + gates[:, 1:] * torch.tanh(self.second(first)))


@question(
    "https://github.com/lucidrains/deep-cross-attention/issues/2", "Zero initialization with ReLU - no gradient",
    fault="A gate's weights begin at 0 and a ReLU follows: it is 0, its slope is 0, and it stays so for ever.",
    says="The gate is 0 for all samples, and so is its gradient: begin with small random weights.",
    right=["no gradient", "dead", "symmetric", "cut off"], also=["collapsed", "vanishing", "no better than a constant"],
    steps=200, enough=0.8,
)  # fmt: skip
def zeros_before_relu(fixed=False):
    x, y = data.digits()
    model = GatedFeatures(0.1 if fixed else 0.0)
    return Case(model, x, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=1e-2))


@question(
    "https://github.com/pytorch/pytorch/issues/63541", "nn.LayerNorm breaks gradient flow under specific situations",
    fault="The loss is the sum of a LayerNorm's output, the same for every input: the gradient before it is 0.",
    says="The loss does not depend on what comes before the norm: a norm's output has a fixed sum.",
    right=["no gradient", "cut off", "vanishing"], steps=1, enough=1e-6,
)  # fmt: skip
def sum_after_a_norm(fixed=False):
    x = torch.rand(32, 16)
    model = nn.Sequential(nn.Linear(16, 64), nn.LayerNorm(64))
    before = model[0].weight.detach().clone()

    def loss(output, y):
        return (output**4).mean() if fixed else output.sum()

    return Case(model, x, torch.zeros(32), loss, SGD(model.parameters(), lr=1e-3),
                lambda net: (net[0].weight - before).norm() / before.norm())  # fmt: skip


@question(
    "https://github.com/pytorch/pytorch/issues/108956", "nn.LayerNorm outputs zeros for single column batch",
    fault="A LayerNorm over one feature subtracts the feature from itself: every input becomes 0.",
    says="`LayerNorm((1,))` makes all samples alike: one feature has nothing to be compared with. Standardize instead.",
    right=["collapsed", "the mean eats the gain"],
    also=["no better than a constant", "no gradient", "cut off", "input too small"], steps=300,
)  # fmt: skip
def norm_of_one_column(fixed=False):
    x = 3 * torch.rand(128, 1) - 1.5
    model = nn.Sequential(nn.Identity() if fixed else nn.LayerNorm(1), nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))
    return Case(model, x, torch.sin(2 * x), nn.MSELoss(), Adam(model.parameters(), lr=1e-2))


class Twins(nn.Module):
    """The distance of two inputs as a small net sees them."""

    def __init__(self, epsilon):
        super().__init__()
        self.net, self.epsilon = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4)), epsilon

    def forward(self, a, b):
        return ((self.net(a) - self.net(b)) ** 2).sum(1).add(self.epsilon).sqrt()


@question(
    "https://github.com/pytorch/pytorch/issues/2421", "Gradient of zero norm is nan",
    fault="Two inputs are equal, their distance is sqrt(0), where the slope is infinite: 0 * inf is nan.",
    says="The loss is finite and its gradient is nan: a root at 0. Add 1e-8 under it.",
    right="not finite", steps=150, enough=0.85,
)  # fmt: skip
def distance_of_equals(fixed=False):
    a = torch.randn(64, 8)
    same = torch.arange(64) % 2 == 0
    b = torch.where(same[:, None], a + 0.1 * torch.randn(64, 8), torch.randn(64, 8))
    b[0] = a[0]
    model = Twins(1e-8 if fixed else 0.0)

    def contrastive(distance, same):
        return (same * distance**2 + (1 - same) * F.relu(2 - distance) ** 2).mean()

    return Case(model, (a, b), same.float(), contrastive, Adam(model.parameters(), lr=1e-2),
                lambda net: ((net(a, b) < 1) == same).float().mean() - net(a, b).isnan().float().mean())  # fmt: skip


class Masked(nn.Module):
    """Reads tokens with one layer of attention that ignores padding (token 0), and names one of three classes."""

    def __init__(self):
        super().__init__()
        self.tokens, self.place = nn.Embedding(20, 16, padding_idx=0), nn.Parameter(torch.randn(6, 16))
        self.out = nn.Linear(32, 3)
        self.query, self.key, self.value = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.place
        scores = self.query(x) @ self.key(x).transpose(1, 2) / 4
        scores = scores.masked_fill((tokens == 0)[:, None, :], float("-inf"))
        return self.out(torch.cat([x[:, 0], (torch.softmax(scores, dim=-1) @ self.value(x))[:, 0]], 1))


@question(
    "https://github.com/pytorch/pytorch/issues/119371", "Nan output after masked TransforrmerDecoder",
    fault="One sample is all padding, and a softmax over nothing is nan (here by hand; torch's layer says 0 by now).",
    says="The output of sample 0 is nan: a mask hides every position of it.",
    right="not finite", steps=150,
)  # fmt: skip
def all_padding(fixed=False):
    x = torch.randint(1, 20, (48, 6))
    y = x[:, 0] % 3
    x[:, 1:] = torch.where(torch.rand(48, 5) < 0.2, 0, x[:, 1:])
    x[0] = 0
    model = Masked()
    rows = slice(1, None) if fixed else slice(None)
    return Case(model, x[rows], y[rows], nn.CrossEntropyLoss(), Adam(model.parameters(), lr=1e-2))
