"""Loaders, arrays, devices and number formats: what `diagnose` takes as x and y, and what it says of the rest."""

import copy
import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler, TensorDataset

from utils import diagnose
from utils.torchdoctor import watch
from utils.torchdoctor.misfits import run
from utils.torchdoctor.values import norm

N = 64
CE = nn.CrossEntropyLoss()


def net(kind=nn.ReLU, depth=2, outputs=3, *end):
    hidden = [layer for _ in range(depth) for layer in (nn.Linear(16, 16), kind())]
    return nn.Sequential(nn.Linear(8, 16), kind(), *hidden, nn.Linear(16, outputs), *end)


def batch():
    return torch.randn(N, 8), torch.randint(3, (N,))


# Loaders


class Noisy(Dataset):
    """Draws from every generator of random numbers that there is, as an augmentation may."""

    def __len__(self):
        return 200

    def __getitem__(self, i):
        return torch.randn(8) + float(np.random.rand()) + random.random(), i % 3


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(torch.randn(8), i % 3) for i in range(100)])


class OwnLoader(DataLoader):
    """Makes its batches in a way of its own."""

    def __iter__(self):
        return iter([batch()])


def states(generator):
    numpys = np.random.get_state()
    return torch.get_rng_state().tolist(), generator.get_state().tolist(), random.getstate(), numpys[1].tolist(), numpys[2:]


def sources():
    x, y = batch()
    data, generator = TensorDataset(x, y), torch.Generator().manual_seed(3)
    return {
        "shuffled": DataLoader(data, 32, shuffle=True),
        "with a generator": DataLoader(data, 32, shuffle=True, generator=generator),
        "with workers": DataLoader(data, 32, shuffle=True, num_workers=2, persistent_workers=True),
        "with a sampler": DataLoader(Noisy(), 32, sampler=RandomSampler(Noisy(), generator=generator)),
        "a stream": DataLoader(Stream(), 32),
        "of its own kind": OwnLoader(data),
        "unbatched": DataLoader(TensorDataset(x[None], y[None]), batch_size=None),
        "a data set": data,
        "a noisy data set": Noisy(),
        "a stream of samples": Stream(),
        "batches": [(x, y), (x[:3], y[:3])],
        "samples": [(x[i], y[i].item()) for i in range(N)],
        "a generator": (pair for pair in [(x, y)]),
    }, generator


@pytest.mark.parametrize("name", sources()[0])
@pytest.mark.parametrize("loss_fn", [None, CE])
def test_a_loader_gives_its_first_batch_and_is_left_as_found(name, loss_fn):
    every, generator = sources()
    model, before = net(), states(generator)
    healthy = diagnose(model, every[name], loss_fn=loss_fn)
    assert healthy.verdict == "healthy" and "cross" in healthy.exam.loss_name.lower() and states(generator) == before
    assert getattr(every[name], "_iterator", None) is None  # no worker has been started
    sick = diagnose(net(nn.Sigmoid, 10), sources()[0][name], loss_fn=loss_fn)
    assert sick.verdict == "vanishing" and len(sick.try_remedy(steps=3).losses["treated"]) == 3


def test_the_next_epoch_is_the_one_that_would_have_come():
    def epochs(look):
        model = nn.Linear(1, 1)
        torch.manual_seed(5)
        loader = DataLoader(TensorDataset(torch.arange(20.0)[:, None]), 5, shuffle=True)
        for _ in range(look):
            diagnose(model, loader)
        return torch.cat([x for (x,) in loader])

    assert torch.equal(epochs(0), epochs(2))


def test_what_a_batch_consists_of():
    x, y = batch()
    one = diagnose(net(), DataLoader(x, 32))
    assert "for want of y" in one.exam.loss_name
    pair = diagnose(nn.Bilinear(8, 8, 3), DataLoader(TensorDataset(x, x, y), 32))
    assert pair.exam.loss_name == "the cross-entropy"
    named = diagnose(Named(), DataLoader([{"x": a, "labels": b} for a, b in zip(x, y)], 32))
    assert named.exam.loss_name == "the model's own loss"


@pytest.mark.parametrize(("x", "sentence"), [
    (DataLoader([]), "x, a DataLoader, is empty"), (iter([]), "is empty or used up"), (DataLoader(Stream(), 4), "leave y out"),
])  # fmt: skip
def test_a_loader_that_cannot_be_used(x, sentence):
    with pytest.raises(ValueError, match=sentence):
        diagnose(net(), x, None if "empty" in sentence else batch()[1])


# Arrays, tables and lists


class Table:
    """As a data frame is: no tensor, and made into an array when asked."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


@pytest.mark.parametrize("form", [np.array, Table, lambda array: array.tolist(), lambda array: np.flip(array, 0)[::-1]])
def test_arrays_tables_and_lists_become_tensors(form):
    x, y = np.random.default_rng(0).normal(size=(N, 8)), np.arange(N) % 3
    for model, loss_fn in ((net(), None), (net(), CE), (net().double(), CE), (net().bfloat16(), CE)):
        report = diagnose(model, form(x), form(y.astype(np.int32)), loss_fn=loss_fn)
        assert report.verdict == "healthy"
    assert diagnose(net(nn.Sigmoid, 10), form(x), form(y)).try_remedy(steps=2).after.verdict == "healthy"
    assert diagnose(net(outputs=1), form(x), form(x[:, :1]), loss_fn=nn.MSELoss()).verdict == "healthy"
    assert diagnose(nn.Bilinear(8, 8, 3), (np.array(x), np.array(x)), form(y)).exam.loss_name == "the cross-entropy"


@pytest.mark.parametrize("x", [np.array([["a", "b"]]), np.array([[1, None]], dtype=object), [[1.0, 2.0], [3.0]]])
def test_what_holds_no_numbers_is_one_sentence(x):
    with pytest.raises(TypeError, match="x is of the type .*no tensor can be made of it") as caught:
        diagnose(nn.Linear(2, 3), x)
    assert "\n" not in str(caught.value)


# Devices. There is but one on most machines: tensors on "meta" stand for another one, and a default device that has no
# numbers shows every tensor that is made without saying where.


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda x, y: diagnose(net().to("meta"), x, y), "the model lies on the meta device, .*to_empty"),
    (lambda x, y: diagnose(net(), x.to("meta"), y), "x lies on the meta device"),
    (lambda x, y: diagnose(net(), x, y.to("meta")), "y lies on the meta device"),
])  # fmt: skip
def test_the_meta_device_has_no_numbers(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(*batch())


def test_two_devices_are_one_sentence():
    x, y = batch()
    with pytest.raises(ValueError, match=r'x lies on meta and the model on cpu, pass x.to\("cpu"\)'):
        run(net(), x.to("meta"), y, CE)
    with pytest.raises(ValueError, match=r'x lies on cpu and the model on meta, pass x.to\("meta"\)'):
        run(net().to("meta"), x, y, CE)
    with pytest.raises(ValueError, match=r'y lies on meta and the output on cpu, pass y.to\("cpu"\)'):
        run(net(), x, y.to("meta"), CE)


def every_model():
    """Models, inputs and targets that between them reach every place in which a tensor is made."""
    x, y = batch()
    series = torch.randn(N, 20, 8)
    return [
        (net(nn.Sigmoid, 10), x, y), (net(nn.PReLU), x, y), (net(nn.Softplus, 12), x, None), (net(nn.ReLU, 1, 3, nn.Softmax(1)), x, y),
        (nn.LSTM(8, 4, batch_first=True), series, None), (Last(nn.GRU), series, y), (Last(nn.RNN), series, y), (net(nn.Tanh, 3, 1), x, x[:, 0]),
        (nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 3)), x, y),
    ]  # fmt: skip


class Last(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.memory, self.readout = kind(8, 16, batch_first=True), nn.Linear(16, 3)

    def forward(self, x):
        return self.readout(self.memory(x)[0][:, -1])


@pytest.mark.parametrize("i", range(9))
def test_every_tensor_is_made_on_the_cpu_or_on_the_models_device(i):
    model, x, y = every_model()[i]
    torch.manual_seed(1)
    plain = repr(diagnose(model, x, y, lr=0.1))
    with torch.device("meta"):
        found = diagnose(model, x, y, lr=0.1)
        with watch(copy.deepcopy(model), live=False) as log:
            pass
        assert log.dead.device.type == log.steps.device.type == "cpu"
        if any(finding.change for finding in found.findings) and y is not None:
            assert found.try_remedy(steps=2).losses["treated"]
    assert repr(found) == plain


class OnMps(torch.Tensor):
    """Says that it lies on a device that knows no double precision, and fails there as Apple's does."""

    device = torch.device("mps")

    def double(self):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")

    def cpu(self):
        return self.as_subclass(torch.Tensor)


def test_double_precision_is_taken_on_the_cpu_where_a_device_has_none():
    tiny = torch.full((4,), 1e-30).as_subclass(OnMps)
    with pytest.raises(TypeError, match="float64"):
        tiny.double()
    assert norm(tiny) == pytest.approx(2e-30)


# Number formats


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_precision(dtype):
    x, y = batch()
    x = x.to(dtype)
    assert diagnose(net().to(dtype), x, y, loss_fn=CE, lr=1e-3, optimizer="adam").verdict == "healthy"
    assert diagnose(net(outputs=1).to(dtype), x, torch.randn(N, 1)).verdict == "healthy"
    assert diagnose(net().to(dtype), x).verdict == "healthy"
    assert diagnose(net(nn.Sigmoid, 10).to(dtype), x, y).verdict == "vanishing"
    assert diagnose(net(nn.ReLU, 2, 3, nn.Softmax(1)).to(dtype), x, y, loss_fn=CE).verdict == "output does not fit"
    with pytest.raises(ValueError, match=rf"x.to\({dtype}\)"):
        diagnose(net().to(dtype), x.float(), y)
    with pytest.raises(ValueError, match=rf"takes one dtype: y.to\({dtype}\)"):
        diagnose(net(nn.ReLU, 2, 1, nn.Sigmoid()).to(dtype), x, torch.ones(N, 1), loss_fn=nn.BCELoss())
    with pytest.raises(ValueError, match="several dtypes, .*model.float"):
        diagnose(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 3).to(dtype)), x.float(), y)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_under_autocast(dtype):
    x, y = batch()
    with torch.autocast("cpu", dtype=dtype):
        assert diagnose(net(), x, y).verdict == "healthy"
        assert diagnose(net(nn.Sigmoid, 10), x, y, loss_fn=CE).verdict == "vanishing"


# Models that are none, or in another form


class Named(nn.Module):
    """Returns its output and its loss by name, as models of Hugging Face do."""

    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, x, labels=None):
        z = self.net(x)
        return {"loss": None if labels is None else F.cross_entropy(z, labels), "logits": z}


@dataclass
class Output:
    logits: torch.Tensor
    loss: torch.Tensor | None = None


class InClass(Named):
    def forward(self, x, labels=None):
        return Output(**super().forward(x, labels))


class Inferring(Named):
    @torch.inference_mode()
    def forward(self, x):
        return self.net(x)


class NoForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = net()


@pytest.mark.parametrize("model", [Named(), InClass()])
def test_outputs_by_name(model):
    x, y = batch()
    assert diagnose(model, x, y).exam.loss_name == "the cross-entropy"
    own = diagnose(model, {"x": x, "labels": y})
    assert own.exam.loss_name == "the model's own loss" and own.exam.loss == pytest.approx(diagnose(model.net, x, y).exam.loss)
    with pytest.raises(TypeError, match=r"loss\(output(\['logits'\]|.logits), y\)"):
        diagnose(model, x, y, loss_fn=CE)


def embedding(*end):
    return nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(8, 3), *end)


def quantized():
    return torch.ao.quantization.quantize_dynamic(net(), {nn.Linear})


X, Y = torch.ones(6, 8), torch.tensor([0, 1, 2, 0, 1, 2])
BCE = nn.BCEWithLogitsLoss()


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: diagnose(NoForward, X, Y), r"got the class NoForward: pass an instance, NoForward\(...\)"),
    (lambda: diagnose(net().parameters(), X, Y), r"got generator: pass the model itself, not its parameters\(\)"),
    (lambda: diagnose(net().state_dict(), X, Y), "got OrderedDict: of a state_dict"),
    (lambda: diagnose([nn.Linear(8, 3)], X, Y), r"got list: nn.Sequential\(\*layers\)"),
    (lambda: diagnose(torch.optim.SGD(net().parameters()), X, Y), "got SGD: an optimizer goes to optimizer="),
    (lambda: diagnose(nn.ModuleList([net()]), X, Y), "ModuleList has no forward"),
    (lambda: diagnose(NoForward(), X, Y), "NoForward has no forward, .* indented"),
    (lambda: diagnose(torch.jit.script(net()), X, Y), "torch.jit has compiled the model"),
    (lambda: diagnose(nn.Sequential(torch.jit.trace(nn.Linear(8, 8), X), nn.Linear(8, 3)), X, Y), "torch.jit has compiled"),
    (lambda: diagnose(quantized(), X, Y), "the model is quantized"),
    (lambda: diagnose(torch.export.export(net(), (X,)).module(), X, Y), "reads the weights past it"),
    (lambda: diagnose(Inferring(), X, Y), "forward runs under torch.inference_mode"),
    (lambda: diagnose(net(), X, Y, lr=torch.optim.SGD(net().parameters())), "an optimizer goes to optimizer="),
    (lambda: diagnose(net(), X, Y, optimizer=0.1), "a learning rate goes to lr, lr=0.1"),
    (lambda: diagnose(net(), X, Y, optimizer=torch.optim.lr_scheduler.StepLR(torch.optim.SGD(net().parameters()), 1)), "is a scheduler"),
    (lambda: diagnose(net(), X, Y, loss_fn=CE(net()(X), Y)), "got what such a function returns"),
    (lambda: diagnose(net(), X.to_sparse(), Y), r"x is sparse.*x.to_dense\(\)"),
    (lambda: diagnose(net(), X[:, :5], Y), "takes 8 numbers and is given 5"),
    (lambda: diagnose(net(), X.reshape(6, 2, 4), Y), r"flatten each sample, x.flatten\(1\)"),
    (lambda: diagnose(net(), Y.float()[:, None], X), "are the two swapped"),
    (lambda: diagnose(net(outputs=1), X > 0, X[:, :1]), r"so pass x.to\(torch.float32\)"),
    (lambda: diagnose(nn.Conv2d(3, 4, 3), torch.ones(6, 8, 8, 3)), r"x.permute\(0, 3, 1, 2\)"),
    (lambda: diagnose(nn.Conv2d(1, 4, 3), torch.ones(6, 8, 8)), r"x.unsqueeze\(1\)"),
    (lambda: diagnose(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Linear(144, 3)), torch.ones(6, 1, 8, 8), Y), "is an nn.Flatten.* missing"),
    (lambda: diagnose(embedding(), torch.full((6, 2), 19), Y), "x holds 19, and an embedding of 10 rows"),
    (lambda: diagnose(embedding(), torch.full((6, 2), -1), Y), "x holds -1, and an embedding"),
    (lambda: diagnose(embedding(), torch.ones(6, 2), Y), r"an embedding takes whole numbers, x.long\(\)"),
    (lambda: diagnose(embedding(), torch.ones(6, 2).byte(), Y), r"x.long\(\)"),
    (lambda: diagnose(net(), X, Y[:, None], loss_fn=CE), r"one label for each sample: y.squeeze\(1\).long\(\)"),
    (lambda: diagnose(net(), X, Y.float()[:, None], loss_fn=CE), r"y.squeeze\(1\).long\(\)"),
    (lambda: diagnose(net(), X, Y.float()[:, None]), r"for class labels pass y.squeeze\(1\).long\(\)"),
    (lambda: diagnose(net(), X, Y[:, None]), r"without an axis of its own: y.squeeze\(1\)"),
    (lambda: diagnose(net(), X, Y[:4], loss_fn=CE), "the output is of 6 samples and y of 4"),
    (lambda: diagnose(net(), X, Y.int(), loss_fn=CE), "y is torch.int32, and CrossEntropyLoss takes labels as torch.int64"),
    (lambda: diagnose(net(), X, F.one_hot(Y), loss_fn=CE), r"as probabilities of classes, .*y.float\(\)"),
    (lambda: diagnose(net(outputs=1), X, Y[:, None] > 1, loss_fn=BCE), r"y holds yes and no, torch.bool, .*y.float\(\)"),
    (lambda: diagnose(net(), X, Y, loss_fn=BCE), "for labels of classes take CrossEntropyLoss"),
])  # fmt: skip
def test_a_slip_is_one_sentence(call, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence) as caught:
        call()
    assert type(caught.value).__name__ in ("WrongType", "WrongValue") and "\n" not in str(caught.value)


def test_tensors_made_under_inference_mode_are_taken():
    model = net()
    with torch.inference_mode():
        x, y = batch()
    assert diagnose(model, x, y).verdict == "healthy"


def test_training_with_quantization_in_mind_mixes_no_samples():
    model = nn.Sequential(torch.ao.quantization.QuantStub(), *net(), torch.ao.quantization.DeQuantStub()).train()
    model.qconfig = torch.ao.quantization.get_default_qat_qconfig("fbgemm")
    model = torch.ao.quantization.prepare_qat(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert diagnose(model, *batch()).verdict == "healthy"
    after = model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(after[name], value) for name, value in before.items())


def test_a_learning_rate_of_numpy_or_torch_is_a_number():
    x, y = batch()
    for lr in (np.float32(0.5), torch.tensor(0.5)):
        assert diagnose(net(), x, y, lr=lr).exam.lr == 0.5
