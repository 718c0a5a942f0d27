"""The instrument against a plain loop with autograd, on many kinds of nets; and that it leaves no trace."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from utils.nets.mlp import MLP
from utils.torchdoctor.measurement import Layer, measure, measure_gradients

TENSORS = [name for name in Layer.__dataclass_fields__ if name not in ("name", "nonlinearity", "reached")]


def batch(features=6, n=40, classes=3, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, features, generator=generator, dtype=dtype), torch.randint(classes, (n,), generator=generator)


def doubled(*modules):
    return nn.Sequential(*modules).double()


def assert_near(actual, expected):
    # Sums of the same numbers in another order: a few hundred roundings of double precision.
    expected = torch.as_tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-14, equal_nan=True)


def by_hand(linears, phi, x, y):
    """Forward pass, backward pass and every number for a chain of linear layers, in the plainest way."""
    z, a = [], []
    signal = x
    for linear in linears:
        z.append(signal @ linear.weight.T + linear.bias)
        signal = phi(z[-1])
        a.append(signal)
    loss = F.cross_entropy(z[-1], y)
    deltas = torch.autograd.grad(loss, z, retain_graph=True)
    weights = [linear.weight for linear in linears]
    gradients = torch.autograd.grad(loss, weights)
    a = [t.detach() for t in a[:-1]]
    return {
        "loss": loss.item(),
        "delta_norm": [math.sqrt((d**2).sum()) for d in deltas],
        "weight_gradient_norm": [math.sqrt((g**2).sum()) for g in gradients],
        "weight_norm": [math.sqrt((w.detach() ** 2).sum()) for w in weights],
        "pre_mean": [t.mean().item() for t in z],
        "pre_std": [t.std(correction=0).item() for t in z],
        "activation_mean": [t.mean().item() for t in a] + [math.nan],
        "activation_std": [t.std(correction=0).item() for t in a] + [math.nan],
        "dead": [(t == 0).all(0).double().mean().item() for t in a] + [math.nan],
        "z": [t.detach() for t in z],
    }


@pytest.mark.parametrize(("name", "edge"), [("sigmoid", 5.0), ("tanh", 2.5), ("relu", None), ("identity", None)])
def test_every_number_of_an_mlp(name, edge):
    x, y = batch()
    net = MLP(4, 12, activation=name, sigma_w=3.0, sigma_b=1.0, in_features=6, out_features=3)
    nn.init.constant_(net.hidden[2].bias[:5], -1000.0)  # five units saturated below; for ReLU, dead
    m = measure(net, x, y)
    expected = by_hand([*net.hidden, net.readout], net.phi[0], x, y)
    z = expected.pop("z")
    assert m.names == ("hidden.0", "hidden.1", "hidden.2", "hidden.3", "readout")
    assert m.loss == pytest.approx(expected.pop("loss"), rel=1e-12)
    for field, values in expected.items():
        assert_near(getattr(m, field), values)
    shares = [(t.abs() > edge).double().mean().item() if edge else 0.0 for t in z[:-1]]
    assert_near(m.saturated, [*shares, math.nan])
    if edge:
        assert 0.1 < shares[0] < 0.9  # the edge cuts through the distribution
    if name == "relu":
        assert m.dead[2] >= 5 / 12


def test_measure_gradients_is_one_field_of_it():
    x, y = batch()
    net = MLP(3, 5, in_features=6, out_features=3)
    assert torch.equal(measure_gradients(net, x, y), measure(net, x, y).delta_norm)


def test_update_ratio():
    x, y = batch()
    net = MLP(3, 5, in_features=6, out_features=3)
    before = [p.detach().clone() for p in net.parameters() if p.dim() == 2]
    m = measure(net, x, y)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    F.cross_entropy(net(x), y).backward()
    optimizer.step()
    after = [p.detach() for p in net.parameters() if p.dim() == 2]
    moved = [((b - a).norm() / a.norm()).item() for a, b in zip(before, after, strict=True)]
    torch.testing.assert_close(m.update_ratio(0.1), torch.tensor(moved, dtype=torch.float64), rtol=1e-6, atol=0)


def test_another_loss():
    x, _ = batch()
    net = doubled(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 1))
    m = measure(net, x, torch.ones(40, 1, dtype=torch.float64), F.mse_loss)
    assert_near(m.delta_norm[-1], (2 / 40 * (net(x) - 1)).norm().item())


def test_float32_where_norm_underflows():
    x, y = batch(dtype=torch.float32)
    net = MLP(25, 20, sigma_w=0.3, in_features=6, out_features=3, dtype=torch.float32)
    z, _ = net.signals(x)
    (delta,) = torch.autograd.grad(F.cross_entropy(z[-1], y), z[:1])
    assert delta.norm() == 0 and delta.abs().max() > 0  # the trap
    m = measure(net, x, y)
    assert m.delta_norm[0].item() == pytest.approx(delta.double().norm().item(), rel=1e-6) and m.delta_norm[0] > 0
    assert all(getattr(m, field).dtype == torch.float64 for field in TENSORS)


# Nets of other kinds


class Functional(nn.Module):
    """The nonlinearity is a function in `forward`: no module to hook."""

    def __init__(self, phi, dtype=torch.float64):
        super().__init__()
        self.first, self.second, self.phi = nn.Linear(6, 5, dtype=dtype), nn.Linear(5, 3, dtype=dtype), phi
        nn.init.normal_(self.first.weight, 0, 3)

    def forward(self, x):
        return self.second(self.phi(self.first(x)))


@pytest.mark.parametrize(
    ("function", "module"),
    [
        (torch.sigmoid, nn.Sigmoid()),
        (torch.tanh, nn.Tanh()),
        (F.relu, nn.ReLU()),
        (lambda z: F.relu(z, inplace=True), nn.ReLU()),
        (lambda z: z.clamp_(min=0), nn.ReLU()),
    ],
)
def test_a_function_is_measured_like_its_module(function, module):
    x, y = batch()
    net = Functional(function)
    found, expected = measure(net, x, y), measure(nn.Sequential(net.first, module, net.second), x, y)
    assert found.names == ("first", "second")
    for field in TENSORS:
        assert_near(getattr(found, field), getattr(expected, field))


def test_a_function_that_changes_the_precision():
    net = Functional(lambda z: torch.sigmoid(z.double()), torch.float32)
    net.second.double()
    x, y = batch(dtype=torch.float32)
    assert measure(net, x, y).delta_norm.isfinite().all()


def cnn():
    return doubled(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 6, 3), nn.ReLU(inplace=True),
        nn.Flatten(), nn.Linear(6 * 16, 3),
    )  # fmt: skip


def test_cnn_with_batch_norm_and_inplace_relu():
    x, y = batch(64)
    x = x.view(-1, 1, 8, 8)
    net = cnn()
    nn.init.constant_(net[3].bias[:2], -1000.0)  # two of six channels die
    m = measure(net, x, y)
    z1 = net[1](net[0](x))
    z2 = net[3](z1.relu())
    z3 = net[6](z2.relu().flatten(1))
    deltas = torch.autograd.grad(F.cross_entropy(z3, y), [z1, z2, z3])
    assert m.names == ("0", "3", "6")
    assert_near(m.delta_norm, [d.norm().item() for d in deltas])
    assert_near(m.pre_mean, [z.mean().item() for z in (z1, z2, z3)])  # before ReLU overwrites it
    assert_near(m.activation_mean, [z1.relu().mean().item(), z2.relu().mean().item(), math.nan])
    assert_near(m.dead[1], 2 / 6)  # shares of channels, not of pixels


class Reader(nn.Module):
    """Embedding, LSTM, and a readout of the last step."""

    def __init__(self):
        super().__init__()
        self.embed, self.lstm, self.readout = nn.Embedding(7, 4), nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, tokens):
        return self.readout(self.lstm(self.embed(tokens))[0][:, -1])


def test_embedding_and_lstm():
    net = Reader().double()
    tokens = torch.randint(7, (40, 6), generator=torch.Generator().manual_seed(2))
    _, y = batch()
    m = measure(net, tokens, y)
    assert m.names == ("embed", "lstm", "readout")
    embedded = net.embed(tokens)
    states, _ = net.lstm(embedded)
    logits = net.readout(states[:, -1])
    loss = F.cross_entropy(logits, y)
    assert_near(
        m.delta_norm,
        [g.norm().item() for g in torch.autograd.grad(loss, [embedded, states, logits], retain_graph=True)],
    )
    matrices = [net.lstm.weight_ih_l0, net.lstm.weight_hh_l0]
    gradients = torch.autograd.grad(loss, matrices)
    assert_near(m.weight_gradient_norm[1], math.sqrt(sum((g**2).sum().item() for g in gradients)))
    assert_near(m.weight_norm[1], math.sqrt(sum((w**2).sum().item() for w in matrices)))


def test_a_packed_sequence():
    class Packed(Reader):
        def forward(self, tokens):
            packed = nn.utils.rnn.pack_sequence(list(self.embed(tokens)))
            return self.readout(nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0])[0][-1])

    net = Packed().double()
    tokens = torch.randint(7, (40, 6), generator=torch.Generator().manual_seed(2))
    found, expected = measure(net, tokens, batch()[1]), measure(_unpacked(net), tokens, batch()[1])
    assert_near(found.delta_norm, expected.delta_norm)


def _unpacked(net):
    same = Reader().double()
    same.load_state_dict(net.state_dict())
    return same


def test_a_shared_layer_is_listed_once_per_call():
    x, y = batch()
    shared = nn.Linear(6, 6)
    net = doubled(shared, nn.Tanh(), shared, nn.Tanh(), nn.Linear(6, 3))
    m = measure(net, x, y)
    copies = doubled(copy.deepcopy(shared), nn.Tanh(), copy.deepcopy(shared), nn.Tanh(), net[4])
    apart = measure(copies, x, y)
    assert m.names == ("0", "0[1]", "4")
    assert_near(m.delta_norm, apart.delta_norm)
    (total,) = torch.autograd.grad(F.cross_entropy(net(x), y), [shared.weight])
    assert_near(m.weight_gradient_norm[:2], [total.norm().item()] * 2)  # one matrix, one gradient: the sum


class Gated(nn.Module):
    """Two branches side by side: both layers are called before either nonlinearity."""

    def __init__(self):
        super().__init__()
        self.gate, self.value, self.out = nn.Linear(6, 5), nn.Linear(6, 5), nn.Linear(5, 3)
        self.sigmoid, self.tanh = nn.Sigmoid(), nn.Tanh()

    def forward(self, x):
        gate, value = self.gate(x), self.value(x)
        return self.out(self.sigmoid(gate) * self.tanh(value))


@pytest.mark.parametrize("norm", [nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm])
def test_a_parametrized_weight_belongs_to_its_layer(norm):
    x, y = batch()
    net = doubled(norm(nn.Linear(6, 5)), nn.Tanh(), norm(nn.Linear(5, 3))).eval()
    plain = doubled(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
    for i in (0, 2):
        plain[i].weight, plain[i].bias = nn.Parameter(net[i].weight.detach().clone()), net[i].bias
    found, expected = measure(net, x, y), measure(plain, x, y)
    assert found.names == ("0", "2")
    assert_near(found.delta_norm, expected.delta_norm)
    assert_near(found.activation_mean, expected.activation_mean)


def test_each_branch_gets_its_own_nonlinearity():
    x, y = batch()
    net = Gated().double()
    nn.init.constant_(net.gate.bias, 100.0)
    m = measure(net, x, y)
    assert_near(m.pre_mean[:2], [net.gate(x).mean().item(), net.value(x).mean().item()])
    assert_near(m.activation_mean[:2], [1.0, net.value(x).tanh().mean().item()])
    assert m.saturated[0] == 1 and m.saturated[1] < 1


def test_branches_are_not_each_others_activation():
    class Branches(Gated):
        def forward(self, x):
            return self.out(self.gate(x) * self.value(x))

    x, y = batch()
    assert measure(Branches().double(), x, y).activation_mean[0].isnan()  # unknown, rather than the mean of x


def test_a_second_nonlinearity_of_one_layer_is_not_given_to_another():
    class Twice(Gated):
        def forward(self, x):
            gate, value = self.gate(x), self.value(x)
            return self.out(self.sigmoid(gate) + self.tanh(gate) + value)

    x, y = batch()
    m = measure(Twice().double(), x, y)
    assert m.kinds[:2] == ("Sigmoid", "")  # "": what the next layer receives, made by no module


def test_a_container_with_a_matrix_of_its_own_is_no_layer():
    class WithPosition(Functional):
        def __init__(self):
            super().__init__(torch.tanh)
            self.position = nn.Parameter(torch.ones(1, 6, dtype=torch.float64))

        def forward(self, x):
            return super().forward(x + self.position)

    x, y = batch()
    m = measure(WithPosition(), x, y)
    assert m.names == ("first", "second") and m.activation_mean[1].isnan()


def test_matrices_held_by_the_model_itself():
    class Scratch(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.randn(6, 3, dtype=torch.float64))

        def forward(self, x):
            return x @ self.w

    x, y = batch()
    net = Scratch()
    m = measure(net, x, y)
    assert m.names == ("Scratch",)
    assert_near(m.weight_norm, [net.w.detach().norm().item()])


def test_attention():
    x = torch.randn(4, 5, 6, dtype=torch.float64)
    net = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True, dtype=torch.float64, dropout=0.0)
    m = measure(net, x, torch.zeros_like(x), F.mse_loss)
    assert m.names == ("self_attn", "linear1", "linear2") and (m.delta_norm > 0).all()


@pytest.mark.parametrize("frozen", [1, 2, 3])
def test_frozen_layers_still_have_a_delta(frozen):
    x, y = batch()
    net = doubled(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    free = measure(net, x, y)
    for module in net[: 2 * frozen - 1]:
        module.requires_grad_(False)
    m = measure(net, x, y)
    assert_near(m.delta_norm, free.delta_norm)
    assert m.weight_gradient_norm[:frozen].isnan().all()
    assert_near(m.weight_gradient_norm[frozen:], free.weight_gradient_norm[frozen:])
    assert not any(p.requires_grad for p in net[0].parameters())


def test_a_frozen_lstm_has_no_measured_delta():
    net = Reader().double().requires_grad_(False)
    net.readout.requires_grad_(True)
    m = measure(net, torch.zeros(40, 6, dtype=torch.long), batch()[1])
    assert m.delta_norm[2] > 0 and m.delta_norm[1] != 0  # not a false zero


def test_a_layer_that_the_loss_does_not_use():
    class Unused(Functional):
        def __init__(self):
            super().__init__(torch.tanh)
            self.side, self.never = nn.Linear(6, 2, dtype=torch.float64), nn.Linear(6, 2, dtype=torch.float64)

        def forward(self, x):
            self.side(x)
            return super().forward(x)

    x, y = batch()
    m = measure(Unused(), x, y)
    assert m.names == ("side", "first", "second")
    assert m.delta_norm[0] == 0 == m.weight_gradient_norm[0] and (m.delta_norm[1:] > 0).all()


@pytest.mark.parametrize("norm", [None, "batch", "layer"])
def test_skips_and_norms(norm):
    x, y = batch()
    net = MLP(4, 6, activation="tanh", norm=norm, skip=True, in_features=6, out_features=3)
    m = measure(net, x, y)
    z, _ = net.signals(x)
    deltas = torch.autograd.grad(F.cross_entropy(z[-1], y), z)
    assert_near(m.delta_norm, [d.norm().item() for d in deltas])
    assert_near(m.pre_std, [t.std(correction=0).item() for t in z])
    # a is phi(z): the branch, before the skip is added.
    assert_near(m.activation_mean[:-1], [t.tanh().mean().item() for t in z[:-1]])


def test_one_sample_without_a_batch_dimension():
    x, y = batch()
    net = doubled(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    single, of_one = measure(net, x[0], y[0]), measure(net, x[:1], y[:1])
    for field in TENSORS:
        assert_near(getattr(single, field), getattr(of_one, field))


# No trace


class Failing(nn.Module):
    def forward(self, x):
        raise RuntimeError("forward fails")


def failing_loss(output, target):
    raise RuntimeError("loss fails")


class Counting(nn.Module):
    """A buffer that is replaced, not written into."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("nothing", None)

    def forward(self, x):
        self.calls = self.calls + 1
        return x


def sick_and_busy(*, failing=False):
    """A net with everything that a forward pass could leave behind."""
    net = doubled(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), Counting(), nn.Dropout(0.3), nn.Linear(8, 8),
        nn.Tanh(), Failing() if failing else nn.Identity(), nn.Linear(8, 3),
    )  # fmt: skip
    net[0].bias.grad = torch.full((8,), 0.5, dtype=torch.float64)
    net[5].requires_grad_(False)
    net[4].eval()
    net[5].register_forward_hook(lambda module, inputs, output: None)
    net[5].register_full_backward_hook(lambda module, before, after: None)
    return net


def everything(net):
    """All state as plain values: equal lists mean that not a bit has changed."""
    state = [torch.get_rng_state().tolist(), torch.is_grad_enabled()]
    for name, module in net.named_modules():
        state += [name, module.training, getattr(module, "inplace", None), sorted(vars(module))]
        state += [
            list(hooks.items()) for key, hooks in vars(module).items() if key.endswith(("_hooks", "_hooks_with_kwargs"))
        ]
    for name, tensor in [*net.named_parameters(), *net.named_buffers()]:
        grad = None if tensor.grad is None else (id(tensor.grad), tensor.grad.tolist())
        state += [name, id(tensor), tensor.tolist(), tensor.requires_grad, tensor.is_leaf, grad]
    return state


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("failing", "loss_fn"), [(False, F.cross_entropy), (True, F.cross_entropy), (False, failing_loss)]
)
def test_the_model_is_left_as_found(training, failing, loss_fn):
    x, y = batch()
    net = sick_and_busy(failing=failing)
    net.train(training)
    before = everything(net)
    if failing or loss_fn is failing_loss:
        with pytest.raises(RuntimeError, match="fails"):
            measure(net, x, y, loss_fn)
    else:
        assert measure(net, x, y, loss_fn).names == ("0", "5", "8")
    assert everything(net) == before


def test_the_net_would_leave_traces_by_itself():
    """So the test above can fail: an ordinary forward and backward pass changes what `everything` sees."""
    x, y = batch()
    net = sick_and_busy()
    buffers, grads, random = [b.tolist() for b in net.buffers()], net[0].weight.grad, torch.get_rng_state()
    net.train()
    F.cross_entropy(net(x), y).backward()
    assert [b.tolist() for b in net.buffers()] != buffers and net[0].weight.grad is not grads
    assert not torch.equal(torch.get_rng_state(), random)


def test_the_batch_is_left_as_found():
    x, y = batch()
    x.requires_grad_()
    before = x.detach().clone()
    measure(doubled(nn.ReLU(inplace=False), nn.Linear(6, 3)), x, y)
    assert x.grad is None and torch.equal(x, before)


def test_measuring_twice_gives_the_same_numbers():
    x, y = batch()
    net = sick_and_busy().train()
    first, second = measure(net, x, y), measure(net, x, y)
    for field in TENSORS:
        torch.testing.assert_close(getattr(first, field), getattr(second, field), rtol=0, atol=0, equal_nan=True)


def test_it_measures_under_no_grad():
    x, y = batch()
    net = MLP(2, 5, in_features=6, out_features=3)
    with torch.no_grad():
        found = measure(net, x, y).delta_norm
        assert not torch.is_grad_enabled()
    assert_near(found, measure(net, x, y).delta_norm)


# Errors


class Cut(nn.Linear):
    def forward(self, x):
        return super().forward(x).detach()


@pytest.mark.parametrize(
    ("model", "loss_fn", "error", "sentence"),
    [
        (nn.ReLU(), F.cross_entropy, ValueError, "no layer with a weight matrix"),
        (lambda x: x, F.cross_entropy, TypeError, "must be an nn.Module, got function"),
        (None, F.cross_entropy, TypeError, "must be an nn.Module, got NoneType"),
        (nn.Linear(6, 3), lambda z, y: F.cross_entropy(z, y, reduction="none"), ValueError, r"single number, got.*40"),
        (nn.Linear(6, 3), lambda z, y: z.mean().item(), TypeError, "the loss must be a tensor.*got float"),
        (nn.Linear(6, 3), lambda z, y: z.detach().mean(), ValueError, "no gradient reaches any layer"),
        (nn.Sequential(Cut(6, 3)), lambda z, y: z.detach().mean(), ValueError, "no gradient reaches any layer"),
    ],
)  # fmt: skip
def test_an_error_is_one_clear_sentence(model, loss_fn, error, sentence):
    x, y = batch(dtype=torch.float32)
    with pytest.raises(error, match=sentence) as caught:
        measure(model, x, y, loss_fn)
    assert "\n" not in str(caught.value)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    depth=st.integers(0, 6),
    width=st.integers(1, 9),
    activation=st.sampled_from(["sigmoid", "tanh", "relu", "identity"]),
    sigma_w=st.floats(0.01, 10),
    norm=st.sampled_from([None, "batch", "layer"]),
    skip=st.booleans(),
    n=st.integers(2, 9),
    seed=st.integers(0, 1000),
)
def test_any_small_mlp_gives_finite_numbers(depth, width, activation, sigma_w, norm, skip, n, seed):
    x, y = batch(n=n)
    net = MLP(
        depth, width, activation=activation, sigma_w=sigma_w, norm=norm, skip=skip, in_features=6, out_features=3,
        seed=seed,
    )  # fmt: skip
    m = measure(net, x, y)
    assert len(m.names) == depth + 1 and math.isfinite(m.loss)
    for field in TENSORS:
        values = getattr(m, field)
        assert values.shape == (depth + 1,) and values.dtype == torch.float64
        after_phi = field in ("activation_mean", "activation_std", "saturated", "dead")
        assert values[: depth if after_phi else depth + 1].isfinite().all(), field
        assert values[-1].isnan() == after_phi, field  # nothing follows the readout
        if field not in ("pre_mean", "activation_mean"):
            assert (values[~values.isnan()] >= 0).all(), field
    for shares in (m.saturated[:-1], m.dead[:-1]):
        assert (shares <= 1).all()
