"""Output, loss and labels: each mismatch is told, cured by its remedy, and what fits is left in peace."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from utils.torchdoctor import diagnose

MISFIT, BROADCAST = "output does not fit", "broadcast target"
N = 32


def drawn(outputs=4):
    """Inputs; labels; the same one-hot; yes or no in a column; real targets in a column."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, 8, generator=generator)
    labels = (torch.arange(N) * 7) % outputs
    return x, labels, torch.eye(outputs)[labels], (x[:, :1] > 0).float(), x[:, :1] * 2


X, LABELS, ONE_HOT, YES, REAL = drawn()


def net(*end, outputs=4):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, outputs), *end)


class Calls(nn.Module):
    """A net whose last function is a call in forward."""

    def __init__(self, function, outputs=4):
        super().__init__()
        self.net, self.function = net(outputs=outputs), function

    def forward(self, x):
        return self.function(self.net(x))


def spread(output, y):
    """A user's own cross-entropy of probabilities."""
    return -(y * output.clamp(1e-7, 1).log()).sum(1).mean()


def told(model, y, loss_fn=None, x=X, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return diagnose(model, x, y, loss_fn=loss_fn, **settings)


CE = nn.CrossEntropyLoss()
MISFITS = {  # name -> model, y, loss, part of the sentence, whether the remedy can be tried on a copy
    "softmax, CE": (lambda: net(nn.Softmax(1)), LABELS, CE, "cannot fall below 0.74", True),
    "softmax by call, a function that is CE": (lambda: Calls(lambda z: z.softmax(-1)), LABELS,
                                               lambda o, y: F.cross_entropy(o, y), "cannot fall below", False),
    "softmax, CE of one-hot": (lambda: net(nn.Softmax(1)), ONE_HOT, CE, "rows of the output sum to 1", True),
    "softmax, CE with smoothing": (lambda: net(nn.Softmax(1)), LABELS, nn.CrossEntropyLoss(label_smoothing=0.1), "sum to 1", True),
    "sigmoid, CE": (lambda: net(nn.Sigmoid()), LABELS, CE, "a sigmoid comes last", True),
    "sigmoid, no loss": (lambda: net(nn.Sigmoid()), LABELS, None, "a sigmoid comes last", True),
    "ReLU, CE": (lambda: net(nn.ReLU()), LABELS, CE, "a ReLU comes last", True),
    "ReLU in place, CE": (lambda: net(nn.ReLU(inplace=True)), LABELS, CE, "a ReLU comes last", True),
    "ReLU, no loss": (lambda: net(nn.ReLU()), LABELS, None, "a ReLU comes last", True),
    "ReLU, log-softmax, NLL": (lambda: net(nn.ReLU(), nn.LogSoftmax(1)), LABELS, nn.NLLLoss(), "just before the softmax", True),
    "softmax over the samples, CE": (lambda: net(nn.Softmax(0)), LABELS, CE, "runs over the 32 samples", True),
    "log-softmax over the samples": (lambda: net(nn.LogSoftmax(0)), LABELS, nn.NLLLoss(), "runs over the 32 samples", True),
    "softmax, NLL": (lambda: net(nn.Softmax(1)), LABELS, nn.NLLLoss(), "the output is the probabilities", True),
    "raw scores, NLL": (lambda: net(), LABELS, nn.NLLLoss(), "raw scores", True),
    "sigmoid, BCE with logits": (lambda: net(nn.Sigmoid(), outputs=1), YES, nn.BCEWithLogitsLoss(), "below 0.5", True),
    "softmax, BCE with logits": (lambda: net(nn.Softmax(1)), ONE_HOT, nn.BCEWithLogitsLoss(), "below 0.5", True),
    "ReLU, BCE with logits": (lambda: net(nn.ReLU(), outputs=1), YES, nn.BCEWithLogitsLoss(), "a ReLU comes last", True),
    "labels 0 to 3, BCE with logits": (lambda: net(outputs=1), LABELS[:, None].float(), nn.BCEWithLogitsLoss(), "4 classes", False),
    "raw scores, BCE": (lambda: net(outputs=1), YES, nn.BCELoss(), "the output lies between", True),
    "raw scores, BCE in a function": (lambda: net(outputs=1), YES[:, 0], lambda o, y: F.binary_cross_entropy(o[:, 0], y),
                                      "the output lies between", True),
    "ReLU, log": (lambda: net(nn.ReLU()), ONE_HOT, spread, "a ReLU", True),
    "sigmoids for one class of four": (lambda: net(nn.Sigmoid()), ONE_HOT, spread, "classes exclude each other", True),
    "softmax, BCE of several labels": (lambda: net(nn.Softmax(1)), (ONE_HOT + ONE_HOT.roll(1, 1)), nn.BCELoss(),
                                       "several labels", True),
    "softmax over one unit, BCE": (lambda: net(nn.Softmax(1), outputs=1), YES, nn.BCELoss(), "over one unit", True),
    "softmax over one unit, no loss": (lambda: net(nn.Softmax(1), outputs=1), YES[:, 0].long(), None, "over one unit", True),
    "softmax over one unit, MSE": (lambda: net(nn.Softmax(1), outputs=1), REAL, nn.MSELoss(), "over one unit", True),
    "one output, CE": (lambda: net(outputs=1), LABELS * 0, CE, "a single one", False),
    "sigmoid, -1 to 1": (lambda: net(nn.Sigmoid(), outputs=1), REAL.tanh(), nn.MSELoss(), "a Sigmoid's", True),
    "sigmoid by call, -1 to 1": (lambda: Calls(torch.sigmoid, 1), REAL.tanh(), None, "a Sigmoid's", False),
    "tanh, 7 to 12": (lambda: net(nn.Tanh(), outputs=1), 9.5 + 2.5 * YES, nn.L1Loss(), "between -1 and 1", True),
    "ReLU, either sign": (lambda: net(nn.ReLU(), outputs=1), REAL, nn.SmoothL1Loss(), "at least 0", True),
    "ReLU, either sign, a function": (lambda: net(nn.ReLU(), outputs=1), REAL, lambda o, y: (o - y).pow(2).mean(), "at least 0", True),
    "softmax, real numbers": (lambda: net(nn.Softmax(1)), X[:, :4], nn.MSELoss(), "a Softmax's", True),
    "softmax, rows beyond 1": (lambda: net(nn.Softmax(1)), X[:, :4].sigmoid(), nn.MSELoss(), "a Softmax's", True),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_mismatch_is_told_and_its_remedy_cures_it(name):
    make, y, loss_fn, part, can_be_tried = MISFITS[name]
    model = make()
    before = [p.clone() for p in model.parameters()]
    report = told(model, y, loss_fn)
    assert report.verdict == MISFIT and part in report.findings[0].sentence
    assert report.findings[0].chapter == "not in this course" and "(not in this course)" in repr(report)
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters()))
    assert bool(report.findings[0].change) == can_be_tried
    if can_be_tried:
        assert MISFIT not in {finding.kind for finding in report.try_remedy().after.findings}


@pytest.mark.parametrize("name", ["softmax over one unit, BCE", "ReLU, either sign", "softmax over the samples, CE", "sigmoid, BCE with logits"])
def test_training_gains_by_the_remedy(name):
    make, y, loss_fn, *_ = MISFITS[name]
    losses = told(make(), y, loss_fn, lr=0.1).try_remedy(steps=200).losses
    assert losses["treated"][-1] < 0.9 * losses["treated"][0] and losses["treated"][-1] < losses["untreated"][-1]


FITS = {
    "log-softmax, CE": (lambda: net(nn.LogSoftmax(1)), LABELS, CE),
    "log-softmax, NLL": (lambda: net(nn.LogSoftmax(1)), LABELS, nn.NLLLoss()),
    "softmax, no loss": (lambda: net(nn.Softmax(1)), LABELS, None),
    "softmax, NLL of logarithms": (lambda: net(nn.Softmax(1)), LABELS, lambda o, y: F.nll_loss(o.log(), y)),
    "softmax, own cross-entropy": (lambda: net(nn.Softmax(1)), ONE_HOT, spread),
    "scores, CE": (lambda: net(), LABELS, CE),
    "leaky ReLU, CE": (lambda: net(nn.LeakyReLU()), LABELS, CE),
    "sigmoid, BCE": (lambda: net(nn.Sigmoid(), outputs=1), YES, nn.BCELoss()),
    "sigmoid, no loss": (lambda: net(nn.Sigmoid(), outputs=1), YES[:, 0].long(), None),
    "sigmoid and focal loss": (lambda: net(nn.Sigmoid(), outputs=1), YES,
                               lambda p, y: -((1 - p) ** 2 * y * p.log() + p**2 * (1 - y) * (1 - p).log()).mean()),
    "scores, BCE with logits": (lambda: net(outputs=1), YES, nn.BCEWithLogitsLoss()),
    "sigmoid, MSE on 0..1": (lambda: net(nn.Sigmoid(), outputs=8), X.sigmoid(), nn.MSELoss()),
    "sigmoid, BCE on 0..1": (lambda: net(nn.Sigmoid(), outputs=8), X.sigmoid(), nn.BCELoss()),
    "tanh, 0..1": (lambda: net(nn.Tanh(), outputs=8), X.sigmoid(), nn.MSELoss()),
    "tanh, labels of -1 and 1": (lambda: net(nn.Tanh(), outputs=1), 2 * YES - 1, nn.MSELoss()),
    "ReLU, counts": (lambda: net(nn.ReLU(), outputs=1), (3 * YES).round(), nn.MSELoss()),
    "softplus, Poisson": (lambda: net(nn.Softplus(), outputs=1), (3 * YES), nn.PoissonNLLLoss(log_input=False)),
    "softplus, Poisson, whole": (lambda: net(nn.Softplus()), LABELS[:, None] + torch.arange(4), nn.PoissonNLLLoss(log_input=False)),
    "a scaled sigmoid": (lambda: Calls(lambda z: 12 * torch.sigmoid(z), 1), 12 * YES, nn.MSELoss()),
    "sigmoid, scaled in the loss": (lambda: net(nn.Sigmoid(), outputs=1), 12 * YES, lambda o, y: F.mse_loss(12 * o, y)),
    "softmax, sharpened in the loss": (lambda: net(nn.Softmax(1)), LABELS, lambda o, y: F.cross_entropy(50 * o, y)),
    "ReLU features, contrasted": (lambda: net(nn.ReLU(), outputs=16), LABELS,
                                  lambda o, y: F.cross_entropy(o @ o.T, torch.arange(len(o)))),
    "ReLU features, ranked": (lambda: net(nn.ReLU(), outputs=16), LABELS, lambda o, y: -F.logsigmoid(o.sum(1) - o.sum(1).roll(1)).mean()),
    "softmax over positions, flattened": (lambda: Calls(lambda z: z.reshape(8, 4, 4).softmax(2).reshape(N, 4)), LABELS,
                                          lambda o, y: F.nll_loss(o.log(), y)),
    "mean and log of the spread": (lambda: net(outputs=2), REAL, lambda o, y: F.gaussian_nll_loss(o[:, :1], y, o[:, 1:].exp())),
    "two quantiles": (lambda: net(outputs=2), REAL, lambda o, y: torch.maximum(0.1 * (y - o), -0.9 * (y - o)).mean()),
    "a loss that squeezes": (lambda: net(outputs=1), REAL[:, 0], lambda o, y: F.mse_loss(o.squeeze(1), y)),
    "a loss that unsqueezes": (lambda: net(outputs=1), REAL[:, 0], lambda o, y: F.l1_loss(o, y[:, None])),
    "a loss that ranks all pairs": (lambda: net(outputs=1), REAL[:, 0],
                                    lambda o, y: F.softplus(-(o - o.T) * (y[:, None] - y).sign()).mean()),
    "a loss without y": (lambda: net(outputs=1), REAL[:, 0], lambda o, y: (o - o.T).square().mean()),
    "no loss, y a row": (lambda: net(outputs=1), REAL[:, 0], None),
    "no y": (lambda: net(nn.ReLU()), None, None),
    "softmax, one-hot by MSE": (lambda: net(nn.Softmax(1)), ONE_HOT, nn.MSELoss()),
    "softmax, one-hot by BCE": (lambda: net(nn.Softmax(1)), ONE_HOT, nn.BCELoss()),
    "sigmoid, several labels": (lambda: net(nn.Sigmoid()), (X[:, :4] > 0).float(), nn.BCELoss()),
    "bfloat16 softmax": (lambda: net(nn.Softmax(1)).bfloat16(), LABELS, None),
}


@pytest.mark.parametrize("name", FITS)
def test_what_fits_is_left_in_peace(name):
    make, y, loss_fn = FITS[name]
    x = X.bfloat16() if name.startswith("bfloat16") else X
    assert not {MISFIT, BROADCAST} & {finding.kind for finding in told(make(), y, loss_fn, x=x).findings}


def test_pooled_relu_and_one_hot_labels_are_remarks():
    squeeze = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    torch.manual_seed(0)
    reports = [told(squeeze, LABELS, CE, x=torch.randn(N, 1, 9, 9)), told(net(nn.Sigmoid()), ONE_HOT, nn.BCELoss()),
               told(net(nn.Softmax(1)), ONE_HOT, nn.MSELoss())]
    for report in reports:
        assert report.verdict == "healthy" and MISFIT in {remark.kind for remark in report.remarks}


@pytest.mark.parametrize(("outputs", "y", "loss_fn", "line"), [
    (1, REAL[:, 0], nn.MSELoss(), "y = y.unsqueeze(1)"), (1, REAL[:, 0], nn.L1Loss(), "y = y.unsqueeze(1)"),
    (1, REAL[:, 0], lambda o, y: (o - y).square().mean(), "y = y.unsqueeze(1)"),
    (1, LABELS, nn.SmoothL1Loss(), "y = y.unsqueeze(1)"), (0, REAL, nn.MSELoss(), "y = y.squeeze(1)"),
    (1, ONE_HOT, lambda o, y: (o - y).square().mean(), "end the model in 4 outputs"),
])  # fmt: skip
def test_broadcast_targets(outputs, y, loss_fn, line):
    model = net(outputs=1) if outputs else net(nn.Flatten(0), outputs=1)
    report = told(model, y, loss_fn)
    assert report.verdict == BROADCAST and line in report.findings[0].remedy


def test_broadcast_is_seen_where_all_outputs_are_alike():
    model = nn.Linear(8, 1, bias=False)
    nn.init.zeros_(model.weight)
    assert told(model, REAL[:, 0], nn.MSELoss()).verdict == BROADCAST


def test_softmax_against_one_column():
    assert told(net(nn.Softmax(1), outputs=2), YES, lambda p, y: -(y * p.log()).sum(1).mean()).verdict == BROADCAST


class Two(nn.Module):
    """Returns a pair."""

    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, x):
        return self.net(x), x


@pytest.mark.parametrize(("model", "y", "loss_fn", "sentence"), [
    (Two(), LABELS, CE, r"the model returns a tuple, and CrossEntropyLoss takes one tensor: .*output\[0\]"),
    (Two(), REAL, nn.MSELoss(), "the model returns a tuple, and MSELoss takes one tensor"),
    (Two(), LABELS, F.cross_entropy, "the model returns a tuple, and cross_entropy takes one tensor"),
    (net(outputs=1), YES.long(), nn.BCEWithLogitsLoss(), r"y holds whole numbers, torch.int64, and .* y.float\(\)"),
    (net(outputs=1), YES[:, 0], nn.BCEWithLogitsLoss(), r"output of shape \(32, 1\) and y of shape \(32,\): y.reshape"),
    (net(nn.Sigmoid(), outputs=1), YES.long(), nn.BCELoss(), r"y.float\(\)"),
    (net(nn.Sigmoid(), outputs=1), 3 * YES, nn.BCELoss(), "takes targets between 0 and 1, and y lies between 0 and 3"),
    (net(nn.Sigmoid(), outputs=1), YES[:, 0], nn.BCELoss(), "BCELoss got an output of shape"),
    (net(), LABELS.float(), CE, r"takes labels, whole numbers: y.long\(\)"),
    (net(), "words", CE, r"y is of the type str, .*: y = torch.as_tensor\(y\)"),
    (net(), LABELS, nn.TripletMarginLoss(), "TripletMarginLoss takes anchor, positive, negative, and diagnose gives a loss"),
    (net(), None, nn.TripletMarginLoss(), "TripletMarginLoss takes anchor, positive, negative"),
    (net(), None, CE, "CrossEntropyLoss compares the output with targets, and there is no y"),
    (net(outputs=3), LABELS, CE, "y holds the label 3, and the output has 3 columns, .* 4 outputs"),
    (net(), LABELS, nn.CosineEmbeddingLoss(), "CosineEmbeddingLoss takes input1, input2, target"),
])  # fmt: skip
def test_what_torch_says_becomes_one_sentence(model, y, loss_fn, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence) as caught:
        told(model, y, loss_fn)
    assert type(caught.value).__name__ in ("WrongType", "WrongValue") and "\n" not in str(caught.value)


class Unused(nn.Module):
    """Owns a softmax, and calls another."""

    def __init__(self):
        super().__init__()
        self.net, self.softmax = net(), nn.Softmax(1)

    def forward(self, x):
        return torch.softmax(self.net(x), 1)


def test_a_module_that_is_not_called_is_not_exchanged():
    report = told(Unused(), LABELS, CE)
    assert report.verdict == MISFIT and report.findings[0].change is None


def test_images_without_their_channel():
    x = torch.randn(6, 1, 5, 5)
    report = told(nn.Conv2d(1, 1, 3, padding=1), x[:, 0], nn.MSELoss(), x=x)
    assert report.verdict == BROADCAST and "y = y.unsqueeze(1)" in report.findings[0].remedy


def test_without_a_loss_a_reshaped_y_is_mentioned():
    assert "is taken in the output's shape, (32, 1)" in told(net(outputs=1), REAL[:, 0]).exam.loss_name
    assert "shape" not in told(net(outputs=1), REAL).exam.loss_name


class OwnLoss(nn.Module):
    """A user's loss of a pair, with a slip."""

    def forward(self, output, y):
        return output[0].no_such_thing


def test_a_users_own_module_raises_its_own_error():
    with pytest.raises(AttributeError, match="no_such_thing"):
        told(Two(), LABELS, OwnLoss())


def test_a_users_own_loss_raises_its_own_error():
    def broken(output, y):
        return output.no_such_thing

    with pytest.raises(AttributeError, match="no_such_thing"):
        told(net(), LABELS, broken)
