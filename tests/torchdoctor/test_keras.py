"""Keras 3 on its torch backend: `diagnose` judges its models as those of torch. Left out where Keras is not installed."""

import importlib.util
import os

import pytest
import torch
from torch import nn

if importlib.util.find_spec("keras") is None:
    pytest.skip("needs Keras, see CONTRIBUTING.md", allow_module_level=True)
os.environ["KERAS_BACKEND"] = "torch"  # before the import, which chooses it

import keras
from keras import layers

from utils import diagnose
from utils.torchdoctor import watch
from utils.torchdoctor.keras_layers import modules_of

N, CLASSES = 64, 4
CE = nn.CrossEntropyLoss()


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        keras.utils.set_random_seed(0)
        yield


def chain(*parts, shape=(16,)):
    return keras.Sequential([keras.Input(shape), *parts, layers.Dense(CLASSES)])


def dense(activation, depth=3, **settings):
    return [layers.Dense(32, activation=activation, **settings) for _ in range(depth)]


def apart(activation, depth=3):
    """The same with each activation as a layer of its own."""
    return [layer for _ in range(depth) for layer in (layers.Dense(32), layers.Activation(activation))]


def functional():
    given = keras.Input((16,))
    h = layers.Dense(32, activation="relu")(given)
    h = layers.Add()([h, layers.Dense(32, activation="relu")(h)])
    return keras.Model(given, layers.Dense(CLASSES)(layers.LayerNormalization()(h)))


def attention():
    given = keras.Input((16, 8))
    h = layers.LayerNormalization()(given + layers.MultiHeadAttention(2, 4)(given, given))
    return keras.Model(given, layers.Dense(CLASSES)(layers.GlobalAveragePooling1D()(h)))


def images(activation, depth=2):
    conv = [layers.Conv2D(8, 3, padding="same", activation=activation) for _ in range(depth)]
    return chain(*conv, layers.Flatten(), shape=(8, 8, 1))


def normed():
    return chain(layers.Conv2D(8, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(),
                 layers.Flatten(), layers.Dropout(0.3), shape=(8, 8, 1))  # fmt: skip


class Subclass(keras.Model):
    """A model with a forward pass of its own, and a torch module inside it."""

    def __init__(self):
        super().__init__()
        self.first, self.inner, self.last = layers.Dense(16, activation="relu"), nn.Linear(16, 16), layers.Dense(CLASSES)

    def call(self, x):
        return self.last(torch.relu(self.inner(self.first(x))))


def subclass():
    model = Subclass()
    model(torch.zeros(2, 16))
    return model


def batch(model):
    shape = model.input_shape[1:] if hasattr(model, "input_shape") else (16,)
    is_ids = len(shape) == 1 and model.layers[0].__class__ is layers.Embedding
    x = torch.randint(50, (N, *shape)) if is_ids else torch.randn(N, *shape)
    return x, torch.randint(CLASSES, (N,))


HEALTHY = {
    "dense": lambda: chain(*dense("relu")), "apart": lambda: chain(*apart("relu")), "tanh": lambda: chain(*dense("tanh")),
    "a function": lambda: chain(*dense(torch.relu)), "a layer": lambda: chain(*(dense(layers.LeakyReLU(), 1)), *dense("gelu")),
    "functional": functional, "attention": attention, "conv": lambda: images("relu"), "normed": normed, "subclass": subclass,
    "nested": lambda: chain(keras.Sequential([keras.Input((16,)), *dense("relu")]), *dense("elu", 1)),
    "lstm": lambda: chain(layers.LSTM(16, return_sequences=True), layers.LSTM(16), shape=(20, 5)),
    "gru": lambda: chain(layers.GRU(16), shape=(20, 5)), "rnn": lambda: chain(layers.SimpleRNN(16), shape=(20, 5)),
    "both ways": lambda: chain(layers.Bidirectional(layers.LSTM(8)), shape=(20, 5)),
    "words": lambda: chain(layers.Embedding(50, 8), layers.GlobalAveragePooling1D(), *dense("relu", 1), shape=(12,)),
    "separable": lambda: chain(layers.SeparableConv2D(8, 3, activation="relu"), layers.DepthwiseConv2D(3, activation="relu"),
                               layers.GlobalAveragePooling2D(), shape=(8, 8, 3)),
    "transposed": lambda: chain(layers.Conv2DTranspose(4, 3, activation="relu"), layers.Flatten(), shape=(6, 6, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize("seed", range(3))
def test_healthy_models(name, seed):
    keras.utils.set_random_seed(seed)
    model = HEALTHY[name]()
    x, y = batch(model)
    for settings in ({}, {"loss_fn": CE, "optimizer": "adam", "lr": 1e-3}):
        report = diagnose(model, x, y, **settings)
        assert report.findings == [] and all(layer.weight_norm > 0 for layer in report.layers)


def silent():
    model = chain(*dense("relu"))
    for layer in model.layers[:-1]:
        layer.bias.assign(-100 * torch.ones(32))
    return model


def frozen():
    model = chain(*dense("relu"))
    model.trainable = False
    return model


def ending(activation):
    return keras.Sequential([keras.Input((16,)), *dense("relu"), layers.Dense(CLASSES, activation=activation)])


SICK = {
    "deep sigmoid": ("vanishing", lambda: chain(*dense("sigmoid", 12))),
    "deep sigmoid apart": ("vanishing", lambda: chain(*apart("sigmoid", 12))),
    "deep sigmoid of images": ("vanishing", lambda: images("sigmoid", 10)),
    "softmax": ("output does not fit", lambda: ending("softmax")),
    "sigmoid": ("output does not fit", lambda: ending("sigmoid")),
    "a softmax layer": ("output does not fit", lambda: keras.Sequential([chain(*dense("relu")), layers.Softmax()])),
    "dead": ("dead", silent),
    "alike": ("symmetric", lambda: chain(*dense("relu", kernel_initializer="ones"))),
    "saturated": ("saturated", lambda: chain(*dense("tanh", kernel_initializer=keras.initializers.RandomNormal(stddev=5)))),
    "frozen": ("frozen", frozen),
}


@pytest.mark.parametrize("name", SICK)
def test_sick_models(name):
    kind, make = SICK[name]
    model = make()
    report = diagnose(model, *batch(model), loss_fn=CE)
    assert kind in [finding.kind for finding in report.findings]
    if report.findings[0].change and name != "deep sigmoid of images":  # nine convolutions more need more than He's weights
        steps = 0 if name == "frozen" else 5  # as it is, it cannot be trained
        trial = report.try_remedy(steps)
        assert kind not in [finding.kind for finding in trial.after.findings]
        assert not steps or len(trial.losses["treated"]) == steps


def test_its_rows_are_those_of_the_same_model_in_torch():
    model = chain(*dense("tanh"))
    twin = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, CLASSES))
    with torch.no_grad():
        for layer, linear in zip(model.layers, twin[::2]):
            linear.weight.copy_(layer.kernel.value.T)
            linear.bias.copy_(layer.bias.value)
    x, y = batch(model)
    told, meant = (diagnose(one, x, y, loss_fn=CE).layers for one in (model, twin))
    assert [layer.name for layer in told] == [layer.name for layer in model.layers]
    for row, due in zip(told, meant):
        for field in ("delta_norm", "weight_gradient_norm", "weight_norm", "pre_mean", "pre_std", "sigma_w"):
            assert getattr(row, field) == pytest.approx(getattr(due, field), rel=1e-4, abs=1e-6), field
        assert (row.units, row.nonlinearity, row.type) == (due.units, due.nonlinearity, "Dense")


def test_it_is_left_as_found():
    model = normed()
    x, y = batch(model)
    activations = [vars(layer).get("activation") for layer in model.layers]
    before = [variable.value.clone() for variable in model.variables]
    state = torch.get_rng_state()
    diagnose(model, x, y)
    assert all(torch.equal(variable.value, old) for variable, old in zip(model.variables, before))
    assert torch.equal(torch.get_rng_state(), state) and [vars(layer).get("activation") for layer in model.layers] == activations
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in modules_of(model).values())
    model(x, training=True)
    assert not all(torch.equal(variable.value, old) for variable, old in zip(model.variables, before))  # it would leave traces


@pytest.mark.parametrize("loss_fn", [keras.losses.SparseCategoricalCrossentropy(from_logits=True), keras.losses.SparseCategoricalCrossentropy()])
def test_losses_of_keras_take_their_arguments_in_their_own_order(loss_fn):
    model = chain(*dense("relu")) if "True" in str(loss_fn.get_config()) else ending("softmax")
    report = diagnose(model, *batch(model), loss_fn=loss_fn)
    assert report.verdict == "healthy" and report.exam.loss_name == "SparseCategoricalCrossentropy"


def test_watch_hears_its_layers():
    model = chain(*dense("relu"))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    x, y = batch(model)
    with watch(model, every=1) as log:
        for _ in range(3):
            optimizer.zero_grad()
            CE(model(x), y).backward()
            optimizer.step()
    assert log.names == [layer.name for layer in model.layers] and (log.weight_gradient_norm > 0).all() and log.verdict == "healthy"


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: diagnose(keras.Sequential([layers.Dense(3)]), torch.ones(4, 4)), "layers without a size yet .*Keras without an Input"),
    (lambda: diagnose(chain(), torch.ones(4, 4)), "the model cannot take x, .*expected axis -1 of input shape to have value 16"),
    (lambda: diagnose(chain(), torch.ones(4, 16), optimizer=keras.optimizers.Adam()), "optimizer is one of Keras'"),
])  # fmt: skip
def test_a_slip_is_one_sentence(call, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence) as caught:
        call()
    assert type(caught.value).__name__ in ("WrongType", "WrongValue") and "\n" not in str(caught.value)
