"""What flows from the weights to the loss: whose weights, through what, from sample to sample, in which mode."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.torchdoctor.zoo import HEALTHY
from tests.torchdoctor.zoo_sick import SICK
from utils.torchdoctor import diagnose


def case(name):
    """A net of the zoos, the same at each call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return (HEALTHY[name] if name in HEALTHY else SICK[name][1])()


@pytest.mark.parametrize("name", [
    "layers in a list", "a weight that is a plain tensor", "an output ReLU that is silent", "an output sigmoid on its upper end",
    "an output cut off", "GRU that takes samples for time", "attention between samples",
])  # fmt: skip
def test_the_remedy_cures(name):
    trial = case(name).diagnose().try_remedy(steps=100)
    assert trial.after.verdict == "healthy"
    untreated, treated = trial.losses["untreated"], trial.losses["treated"]
    assert treated[-1] < 0.97 * treated[0]
    if trial.before.verdict == "no gradient":
        assert untreated[-1] == pytest.approx(untreated[0], rel=1e-3) and treated[-1] < untreated[-1]


def test_what_others_own_is_not_missed():
    net, other = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)), nn.Linear(8, 8)
    nn.utils.parametrizations.weight_norm(net[0])
    x, y = torch.randn(32, 8), torch.randint(3, (32,))
    scale = nn.Parameter(torch.ones(()))
    for given in (x.clone().requires_grad_(), other(x)):
        report = diagnose(net, given, y, loss_fn=lambda output, y: scale * F.cross_entropy(output, y))
        assert report.exam.graph.unowned == {}


def test_a_first_state_is_no_weight():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.RNN(4, 8, batch_first=True), nn.Linear(8, 3)

        def forward(self, x):
            return self.out(self.rnn(x, torch.zeros(1, len(x), 8, requires_grad=True))[0][:, -1])

    assert diagnose(Net(), torch.randn(16, 5, 4), torch.randint(3, (16,))).exam.graph.unowned == {}


@pytest.mark.parametrize("name, words", [
    ("an output ReLU that is silent", "a ReLU that is 0"), ("an output that is rounded", "a rounding"),
    ("an output sigmoid on its lower end", "flat ends"), ("an error rate that requires a gradient", "in the loss function"),
    ("the sum of a layer norm", "a layer norm"),
])  # fmt: skip
def test_the_cause_is_named_and_no_step_size(name, words):
    report = case(name).diagnose()
    assert [finding.kind for finding in report.findings] == ["no gradient"]
    assert words in report.findings[0].sentence and "lr =" not in repr(report.findings)


def test_a_loss_that_asks_for_nothing_is_a_remark():
    report = case("a hinge that is satisfied").diagnose()
    assert report.verdict == "healthy" and [remark.kind for remark in report.remarks] == ["nothing asked"]


def test_layers_without_a_nonlinearity_are_a_remark():
    report = case("deep linear, the first sample 0").diagnose()
    assert report.verdict == "healthy" and [remark.kind for remark in report.remarks] == ["no nonlinearity"]
    assert report.try_remedy().after.remarks == []


@pytest.mark.parametrize("function", [lambda z: z.clamp(-1, 1), lambda z: torch.where(z > 0, z, 0.1 * z), lambda z: z * z])
def test_a_nonlinearity_in_forward_is_one(function):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.out = nn.Linear(8, 16), nn.Linear(16, 1)

        def forward(self, x):
            return self.out(function(self.first(x)))

    assert diagnose(Net(), torch.randn(32, 8), torch.randn(32, 1)).remarks == []


def test_what_a_forward_pass_keeps_is_as_after_one_pass():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.out, self.state = nn.GRUCell(4, 8), nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 3)), None

        def forward(self, x):
            self.state = self.cell(x, None if self.state is None else self.state.detach())
            return self.out(self.state.reshape(-1, 8))

    torch.manual_seed(0)
    net = Net()
    net.out[0].eval()
    before, seed = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    diagnose(net, torch.randn(32, 4, generator=torch.Generator().manual_seed(1)), torch.arange(32) % 3)
    assert net.state.shape == (32, 8) and net.training and not net.out[0].training and torch.equal(seed, torch.get_rng_state())
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


def test_ordered_samples_are_no_collapse():
    x = torch.arange(400.0)[:, None] / 400
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    assert diagnose(net, x, x).verdict == diagnose(net, x[torch.randperm(400)], x).verdict == "healthy"


def test_a_model_that_owns_nothing_is_told_why():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(8, 3)]

        def forward(self, x):
            return self.layers[0](x)

    with pytest.raises(ValueError, match="nn.ModuleList"):
        diagnose(Net(), torch.randn(16, 8), torch.randint(3, (16,)))


def test_words_that_are_read_across_sentences():
    class Net(nn.Module):
        def __init__(self, batch_first):
            super().__init__()
            self.words, self.out = nn.Embedding(20, 8), nn.Linear(16, 3)
            self.lstm = nn.LSTM(8, 16, batch_first=batch_first)

        def forward(self, x):
            return self.out(self.lstm(self.words(x))[0][:, -1])

    x, y = torch.randint(20, (32, 6)), torch.randint(3, (32,))
    assert [diagnose(Net(first), x, y).verdict for first in (True, False)] == ["healthy", "samples mixed"]


def test_a_readout_of_zeros_behind_which_a_relu_stands():
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1), nn.ReLU())
    nn.init.zeros_(net[2].weight)
    nn.init.zeros_(net[2].bias)
    assert diagnose(net, torch.randn(32, 8), torch.rand(32, 1)).verdict == "no gradient"
    assert diagnose(net[:3], torch.randn(32, 8), torch.rand(32, 1)).verdict == "healthy"
