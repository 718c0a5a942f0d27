"""Remedies for the code around a model: their own line of code is carried out, and the net then learns what it did not.

Small inputs and large targets are in test_scales.py, and a learning rate whatever the optimizer in test_advice.py.
"""

import math
import re

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F

from tests.torchdoctor.trials import is_better
from tests.torchdoctor.zoo import Reader, long_trained, regression, settled
from utils import diagnose
from utils.data.datasets import digits

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True, params=range(3))
def seeded(request):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.param)
        yield


def told(report, kind):
    """The remedy for what must come first of all."""
    first = (report.findings or report.remarks)[0]
    assert first.kind == kind
    return first.remedy


def line(remedy, pattern, **names):
    """What the code in a remedy that matches a pattern makes: the value of a term, or the names after an assignment."""
    code = re.search(pattern, remedy)[0]
    names |= {"nn": nn, "F": F} | vars(optim)
    if re.match(r"[\w, ]+ = ", code):
        exec(code, names)  # noqa: S102  our own code
        return names
    return eval(code, names)


def fit(net, x, y, optimizer, loss_fn=F.cross_entropy, steps=150):
    """Train in place, and return the loss on all samples at the end; infinite if it has left the numbers."""
    for _ in range(steps):
        rows = torch.randint(len(x), (64,))
        optimizer.zero_grad()
        loss_fn(net(x[rows]), y[rows]).backward()
        optimizer.step()
    loss = loss_fn(net(x), y).item()
    return loss if math.isfinite(loss) else math.inf


def classifier(units=32):
    return nn.Sequential(nn.Linear(64, units), nn.ReLU(), nn.Linear(units, 10))


def digit_rows():
    data = digits(torch.float32)
    return data.x[:512], data.y[:512]


def descent(net, lr=0.1):
    return optim.SGD(net.parameters(), lr)


def adam(net, lr=1e-2):
    return optim.Adam(net.parameters(), lr)


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_broadcast_target():
    before, x, y, _ = regression()
    y = y[:, 0]
    remedy = told(diagnose(before, x, y, loss_fn=nn.MSELoss()), "broadcast target")
    fit(before, x, y, adam(before), F.mse_loss)
    y, after = line(remedy, r"y = .*", y=y)["y"], regression().model
    assert diagnose(after, x, y, loss_fn=nn.MSELoss()).verdict == "healthy"
    assert is_better(F.mse_loss(before(x)[:, 0], y[:, 0]).item(), fit(after, x, y, adam(after), F.mse_loss))


@pytest.mark.parametrize("make", [descent, adam])
def test_input_too_large(make):
    x, y = digit_rows()
    x = 1000 * x + 500
    before, after = [nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10)) for _ in range(2)]
    remedy = told(diagnose(before, x, y, optimizer=make(before)), "input too large")
    scaled = line(remedy, r"x = .*", x=x, x_train=x + 1e-3 * torch.randn_like(x))["x"]  # some pixels are always 0
    assert diagnose(after, scaled, y, optimizer=make(after)).verdict == "healthy"
    assert is_better(fit(before, x, y, make(before)), fit(after, scaled, y, make(after)))


@pytest.mark.parametrize("make", [descent, adam])
def test_target_too_small(make):
    before, x, y, _ = regression()
    y = 1e-5 * y
    names = line(told(diagnose(before, x, y, optimizer=make(before)), "target too small"), r"mean, std = y.mean\(0\), y.std\(0\)", y=y)
    after, scaled = regression().model, (y - names["mean"]) / names["std"]
    fit(before, x, y, make(before), F.mse_loss)
    explained = 1 - F.mse_loss(before(x), y).item() / y.var().item()
    assert 1 - fit(after, x, scaled, make(after), F.mse_loss) > 0.5 > explained


@pytest.mark.parametrize("make", [descent, adam])
def test_optimizer_of_another_model(make):
    x, y = digit_rows()
    net, another = classifier(), classifier()
    remedy = told(diagnose(net, x, y, optimizer=(foreign := make(another))), "optimizer of another model")
    before = fit(net, x, y, foreign)
    own = line(remedy, r"\w+\(model\.parameters\(\), lr=[\d.e-]+\)", model=net)
    assert diagnose(net, x, y, optimizer=own).verdict == "healthy" and is_better(before, fit(net, x, y, own))


@pytest.mark.parametrize("make", [descent, adam])
def test_left_out_of_the_optimizer(make):
    x, y = digit_rows()
    before, after = classifier(4), classifier(4)
    some = make(before[2])
    remedy = told(diagnose(before, x, y, optimizer=some), "left out of the optimizer")
    own = line(remedy, r"\w+\(model\.parameters\(\), lr=[\d.e-]+\)", model=after)
    assert "left out of the optimizer" not in {said.kind for said in diagnose(after, x, y, optimizer=own).remarks}
    left = [fit(net, x, y, optimizer, steps=400) for net, optimizer in ((before, some), (after, own))]
    assert is_better(*left)


@pytest.mark.parametrize(("make", "lr", "kind"), [
    (descent, 30.0, "step too large"), (adam, 3.0, "step too large"), (descent, 1e-5, "step too small"), (adam, 1e-8, "step too small"),
])  # fmt: skip
def test_a_step_too_large_or_too_small(make, lr, kind):
    x, y = digit_rows()
    before, after = classifier(), classifier()
    remedy = told(diagnose(before, x, y, optimizer=make(before, lr)), kind)
    new = float(re.search(r"try lr = ([\d.e-]+\d)", remedy)[1])
    assert diagnose(after, x, y, optimizer=make(after, new)).verdict == "healthy"
    left = [fit(net, x, y, make(net, rate), steps=1000) for net, rate in ((before, lr), (after, new))]  # a thousandth a step
    assert is_better(*left)


def test_train_and_eval_disagree():
    net, x, y, _ = settled(1e-3)
    remedy = told(diagnose(net, x, y), "train and eval disagree")
    before = F.cross_entropy(net.eval()(x), y).item()
    net[1].momentum = float(re.search(r"momentum=([\d.]+)", remedy)[1])
    net.train()
    for _ in range(36):  # "some dozen forward passes"
        net(x[torch.randperm(len(x))[:64]])
    assert diagnose(net, x, y).verdict == "healthy" and is_better(before, F.cross_entropy(net.eval()(x), y).item())


class Packed(Reader):
    """Packs what it reads by a line of code."""

    def __init__(self, code):
        super().__init__()
        self.code = code

    def forward(self, ids):
        packed = line(self.code, r"nn\.utils.*True, enforce_sorted=False\)", x=self.embed(ids), lengths=(ids != 0).sum(1))
        outputs, lengths = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.out(outputs[torch.arange(len(ids)), lengths - 1])


def test_padding():
    ids = torch.randint(1, 30, (128, 70))
    ids[torch.arange(70) >= torch.randint(4, 9, (128, 1))] = 0
    y, before = ids[:, 0] % 3, Reader()
    remedy = told(diagnose(before, ids, y), "vanishing in time")
    after = Packed(remedy)
    assert diagnose(after, ids, y).verdict == "healthy"
    left = [fit(net, ids, y, adam(net)) for net in (before, after)]
    assert is_better(*left)


def test_no_better_than_a_constant():
    """On thirty samples the loss of new weights falls, and on many only where x tells y: it is the pairing that says nothing."""
    remedy = told(long_trained("new", told=False).diagnose(), "no better than a constant")
    x = torch.randn(256, 8)
    paired = x[:, :3].argmax(1)
    for y in (paired, paired[torch.randperm(256)]):
        some = line(remedy, r"x, y = x\[:30\], y\[:30\]", x=x, y=y)
        few, many = [nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3)) for _ in range(2)]
        assert is_better(math.log(3), fit(few, some["x"], some["y"], adam(few)))
        assert is_better(math.log(3), fit(many, x, y, adam(many, 3e-3), steps=100)) == (y is paired)
