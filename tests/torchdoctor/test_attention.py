"""Attention and norms, activations whose mean is too large, and layers that are used without being called."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.torchdoctor.zoo import HEALTHY, mlp, on_digits, on_positions, on_tokens
from tests.torchdoctor.zoo_models import HandAttention, TransformerClassifier
from tests.torchdoctor.zoo_sick import SICK
from utils import diagnose
from utils.data.datasets import digits


def kinds(told):
    return [one.kind for one in told]


@pytest.mark.parametrize(("name", "settings"), [
    ("15 softplus layers, torch's weights", {"optimizer": "adam"}),
    ("15 softplus layers, torch's weights", {"lr": 0.01}),
    ("a layer norm of one feature", {"lr": 0.1}),
    ("a group norm of one channel a group", {"lr": 0.1}),
])  # fmt: skip
def test_the_remedy_cures(name, settings):
    model = SICK[name][1]().model
    data = digits(next(model.parameters()).dtype)
    trial = diagnose(model, data.x[:512], data.y[:512], **settings).try_remedy(steps=200)
    assert {trial.before.verdict} == SICK[name][0] and trial.after.verdict == "healthy"
    assert trial.losses["treated"][-1] < 0.5 and trial.losses["untreated"][-1] > 1.8


def test_the_mean_is_told_with_its_share():
    report = SICK["15 softplus layers, their gain"][1]().diagnose()
    [finding] = report.findings
    shares = [layer.activation_mean**2 / (layer.activation_mean**2 + layer.activation_std**2) for layer in report.layers[:-1]]
    assert finding.evidence["means_share"] == pytest.approx(min(shares[: len(finding.layers)])) and "Softplus" in finding.sentence
    assert "(Softplus(z) - 0.806) / 0.521" in finding.remedy and finding.chapter == "3, 5"
    z = torch.randn(1_000_000, dtype=torch.float64)
    assert F.softplus(z).mean().item() == pytest.approx(0.806, abs=2e-3) and F.softplus(z).std().item() == pytest.approx(0.521, abs=2e-3)


@pytest.mark.parametrize("activation", ["relu", "gelu", "elu"])
def test_other_activations_do_not_vanish_by_their_mean(activation):
    report = on_digits(mlp(20, activation=activation, sigma_w=0.6)).diagnose()
    assert report.verdict == "vanishing"


def test_a_norm_over_one_value_beside_a_skip_is_a_remark():
    report = HEALTHY["a layer norm of one feature beside a skip"]().diagnose()
    assert report.findings == [] and kinds(report.remarks) == ["collapsed"]


def test_a_norm_over_one_value_that_comes_last():
    report = diagnose(nn.Sequential(nn.Linear(4, 1), nn.LayerNorm(1)), torch.randn(32, 4), torch.randn(32, 1))
    assert kinds(report.findings) == ["collapsed"]


class Undivided(HandAttention):
    """Divides the queries, or the products, or nothing."""

    def __init__(self, way, width=64):
        super().__init__(width, is_scaled=way == "products")
        self.way = way
        for layer in (self.query, self.key):
            nn.init.orthogonal_(layer.weight)

    def attend(self, x):
        if self.way != "queries":
            return super().attend(x)
        return ((self.query(x) / 8) @ self.key(x).mT).softmax(-1) @ self.value(x)


@pytest.mark.parametrize(("way", "told"), [("products", []), ("queries", []), ("nothing", ["attention saturated"])])
def test_products_that_nothing_divides_are_a_remark(way, told):
    report = on_positions(Undivided(way), 64).diagnose()
    assert report.verdict == "healthy" and kinds(report.remarks) == told
    if told:
        [remark] = report.remarks
        assert remark.layers == ("query", "key") and "sqrt(64) = 8" in remark.remedy
        trial = report.try_remedy()
        divided = Undivided("products")
        divided.load_state_dict(report._case.model.state_dict())
        x = torch.randn(4, 12, 64)
        assert torch.allclose(trial.model(x), divided(x), atol=1e-5) and trial.after.remarks == []


def test_attention_that_has_learned_may_be_sharp():
    """To find the one position whose first number is 1, and to tell what its second is."""
    x = torch.randn(512, 12, 64)
    x[..., 0] = 0
    x[torch.arange(512), torch.randint(12, (512,)), 0] = 8
    where = x[..., 0].argmax(1)
    y = (x[torch.arange(512), where, 1] > 0).long()
    model = Undivided("nothing")
    before = diagnose(model, x, y)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for step in range(150):
        rows = slice(64 * (step % 8), 64 * (step % 8 + 1))
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    after = diagnose(model, x, y)
    assert max(one.sharpness for one in after.exam.graph.attention) > 0.5
    assert kinds(before.remarks) == ["attention saturated"] and after.remarks == after.findings == []


def test_without_a_softmax_in_the_graph_nothing_is_said_of_it():
    class Fused(HandAttention):
        def attend(self, x):
            return F.scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), scale=9.0)

    assert on_positions(Fused()).diagnose().remarks == []


@pytest.mark.parametrize("model", [
    nn.Sequential(nn.Linear(32, 8), nn.ReLU(), nn.Linear(8, 40), nn.Softmax(-1), nn.Linear(40, 3)),  # a router, a hidden softmax
    nn.Sequential(nn.Linear(32, 3), nn.Softmax(-1)),
])  # fmt: skip
def test_other_softmaxes_are_no_attention(model):
    nn.init.normal_(model[0].weight, 0, 30)
    report = diagnose(model, torch.randn(32, 32), torch.rand(32, 3), loss_fn=nn.MSELoss())
    assert report.exam.graph.attention == [] and "attention saturated" not in kinds(report.findings + report.remarks)


def test_a_checkpoint_is_run_once_more_in_the_backward_pass_and_not_oftener():
    plain, kept = (HandAttention(in_checkpoint=in_checkpoint) for in_checkpoint in (False, True))
    kept.load_state_dict(plain.state_dict())
    passes = {plain: 0, kept: 0}
    for model in (plain, kept):
        model.query.register_forward_hook(lambda *_, model=model: passes.update({model: passes[model] + 1}))
    case = on_positions(plain)
    first, second = case.diagnose(), diagnose(kept, case.x, case.y)
    assert passes[kept] == passes[plain] + 1
    assert [layer.delta_norm for layer in second.layers] == pytest.approx([layer.delta_norm for layer in first.layers])


class ByFunction(nn.Module):
    """Gives the weights of its layers to functions; one layer stays unused."""

    def __init__(self):
        super().__init__()
        self.first, self.attention, self.never = nn.Linear(32, 32), nn.MultiheadAttention(32, 4), nn.Linear(32, 32)

    def forward(self, x):
        a, x = self.attention, torch.relu(F.linear(x, self.first.weight)).transpose(0, 1)
        return F.multi_head_attention_forward(
            x, x, x, 32, 4, a.in_proj_weight, a.in_proj_bias, None, None, False, 0.0, a.out_proj.weight, a.out_proj.bias
        )[0].mean(0)


def test_what_is_used_without_being_called_is_not_called_unused():
    net = nn.Sequential(ByFunction(), nn.Linear(32, 3))
    report = on_positions(net).diagnose()
    assert report.exam.unused == ["0.never"] and "Not called: 0.never." in repr(report)


@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_every_part_of_a_transformer_is_used(is_frozen, training):
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).requires_grad_(not is_frozen).train(training)
    report = on_positions(nn.Sequential(encoder, nn.Flatten(), nn.Linear(12 * 32, 3))).diagnose()
    assert report.exam.unused == [] and report.verdict == "healthy" and "Not called" not in repr(report)


def test_a_frozen_layer_that_returns_a_tuple_is_finite():
    class Read(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.LSTM(32, 16, batch_first=True).requires_grad_(False), nn.Linear(16, 3)

        def forward(self, x):
            return self.out(self.rnn(x)[0][:, -1])

    report = on_positions(Read()).diagnose()
    assert report.verdict == "healthy" and math.isfinite(report.layers[0].pre_std)


@pytest.mark.parametrize(("blocks", "norm_first", "told"), [(12, False, []), (18, True, []), (18, False, ["post-norm stack"])])
def test_a_long_stack_of_blocks_has_its_norms_first(blocks, norm_first, told):
    report = on_tokens(TransformerClassifier(blocks, norm_first=norm_first)).diagnose()
    assert report.verdict == "healthy" and kinds(report.remarks) == told
    assert not told or report.try_remedy().after.remarks == []


def test_many_names_are_told_by_a_few():
    net = nn.Sequential(nn.Linear(8, 3))
    net.experts = nn.ModuleList(nn.Linear(8, 8) for _ in range(30))
    net.forward = lambda x: net[0](x)
    report = diagnose(net, torch.randn(16, 8), torch.randint(3, (16,)))
    assert len(report.exam.unused) == 30 and "Not called: experts.0, experts.1, experts.2, ... experts.29 (30)." in repr(report)
