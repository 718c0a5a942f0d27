"""Nets of kinds that people bring: heads, towers, generators, masks. What learns is not called sick, and what is said cures."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from utils import diagnose, watch


def train(model, x, y, loss_fn, steps=200, lr=1e-2):
    """Train by Adam on all of x, and return the losses before and after."""
    optimizer, losses = torch.optim.Adam(model.parameters(), lr), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return losses[0], losses[-1]


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.boxes, self.classes = nn.Linear(64, 4), nn.Linear(64, 3)

    def forward(self, x):
        features = self.body(x)
        return self.boxes(features), self.classes(features)


def boxes_and_classes(output, y):
    return F.mse_loss(output[0], y[:, :4]) + F.cross_entropy(output[1], y[:, 4].long())


def weak_classes(output, y):
    return F.mse_loss(output[0], y[:, :4] / 100) + 1e-3 * F.cross_entropy(output[1], y[:, 4].long())


@pytest.mark.parametrize("loss_fn", [boxes_and_classes, weak_classes])
def test_a_head_with_a_hundred_times_the_loss_of_another_is_no_explosion(loss_fn):
    model, x = Heads(), torch.randn(64, 10)
    y = torch.cat([100 + 30 * x[:, :4], x[:, 4:7].argmax(1, keepdim=True).float()], 1)
    told = [diagnose(model, x, y, loss_fn=loss_fn).verdict]
    before, after = train(model, x, y, loss_fn)
    told.append(diagnose(model, x, y, loss_fn=loss_fn).verdict)
    assert told == ["healthy"] * 2 and after < 0.1 * before


def test_an_explosion_below_two_heads_is_one():
    model = Heads()
    model.body = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), *(part for _ in range(6) for part in (nn.Linear(64, 64), nn.ReLU())))
    for layer in model.body[::2]:
        nn.init.normal_(layer.weight, 0, 5 / 8)
    x = torch.randn(64, 10)
    report = diagnose(model, x, torch.cat([x[:, :4], torch.ones(64, 1)], 1), loss_fn=boxes_and_classes)
    assert report.verdict == "exploding"


class Towers(nn.Module):
    """Two encoders, and how alike each output of one is to each of the other: (samples, samples), as CLIP."""

    def __init__(self):
        super().__init__()
        self.a, self.b = (nn.Sequential(nn.Linear(n, 64), nn.ReLU(), nn.Linear(64, 16)) for n in (12, 8))

    def forward(self, x):
        return 10 * F.normalize(self.a(x[:, :12]), dim=1) @ F.normalize(self.b(x[:, 12:]), dim=1).T


def test_samples_that_meet_in_a_table_of_pairs_are_not_mixed():
    model, hidden = Towers(), torch.randn(64, 4)
    x = torch.cat([hidden @ torch.randn(4, 12), hidden @ torch.randn(4, 8)], 1)

    def loss_fn(output, y):
        return F.cross_entropy(output, torch.arange(len(output)))

    assert diagnose(model, x, torch.zeros(64), loss_fn=loss_fn).verdict == "healthy"
    before, after = train(model, x, None, loss_fn)
    assert after < 0.5 * before


class Dealt(nn.Module):
    """Time is brought to the first axis by a reshape, which deals the steps of all samples out anew, or by a transpose."""

    def __init__(self, right=False, batch_first=False):
        super().__init__()
        self.rnn, self.out, self.right = nn.GRU(4, 32, batch_first=batch_first), nn.Linear(32, 2), right

    def forward(self, x):
        x = x.transpose(0, 1) if self.right else x.reshape(10, -1, 4)
        return self.out(self.rnn(x)[0][-1])


def test_a_reshape_in_the_place_of_a_transpose_is_told_as_that():
    x = torch.randn(64, 10, 4)
    y = (x[:, -1, 0] > 0).long()
    report = diagnose(Dealt(), x, y)
    assert report.verdict == "samples mixed" and "transpose(0, 1)" in report.findings[0].remedy
    assert "batch_first" not in report.findings[0].remedy and diagnose(Dealt(right=True), x, y).verdict == "healthy"
    assert diagnose(Dealt(batch_first=True), x, y).verdict == "samples mixed"  # which only the last sample tells


def test_batch_norms_in_eval_mode_undo_the_size_of_what_they_know():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 3))
    x, y = 255 * torch.rand(32, 3, 8, 8), torch.randint(3, (32,))
    assert diagnose(model.eval(), x, y).verdict == "input too large"  # they know nothing yet
    train(model.train(), x, y, F.cross_entropy, steps=60)
    assert diagnose(model.eval(), x, y).verdict == "healthy"
    assert diagnose(model, 30 * x, y).verdict == "input too large"  # and this is not what they know


def test_a_date_among_numbers_is_no_matter_of_weights():
    x = torch.randn(64, 6)
    y = x[:, :3].sum(1, keepdim=True)
    x[:, 5] = 1.6e9 + 1e5 * torch.rand(64)
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
    report = diagnose(model, x, y, optimizer=torch.optim.Adam(model.parameters(), 1e-3))
    assert [found.kind for found in report.findings] == ["input too large"] and "standardize" in report.findings[0].remedy


@pytest.mark.parametrize(("lost", "words"), [([3], "y holds 1 entry that is"), ([3, 5], "y holds 2 entries that are")])
def test_lost_targets_are_told_as_that(lost, words):
    model, x = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1)), torch.randn(64, 6)
    y = x[:, :1].clone()
    y[lost] = math.nan
    [found] = diagnose(model, x, y, loss_fn=nn.MSELoss()).findings
    assert found.kind == "not finite" and words in found.sentence and "y.isfinite()" in found.remedy
    assert diagnose(model, x, y, loss_fn=lambda z, t: (z - t)[t.isfinite()].square().mean()).verdict == "healthy"
    train(model, x, y, nn.MSELoss(), steps=2)
    assert "leave the entries of y out" in diagnose(model, x, y, loss_fn=nn.MSELoss()).findings[0].remedy


class Masked(nn.Module):
    def __init__(self, right):
        super().__init__()
        self.words, self.attention, self.out = nn.Embedding(20, 16), nn.MultiheadAttention(16, 2, batch_first=True), nn.Linear(16, 2)
        self.right = right

    def forward(self, x):
        h = self.words(x)
        mask = x == 0 if self.right else x != 0
        return self.out(self.attention(h, h, h, key_padding_mask=mask, need_weights=False)[0].mean(1))


def test_a_mask_that_hides_all_keys_is_told_as_that():
    x = torch.randint(1, 20, (64, 10))
    y = (x == 3).any(1).long()
    model = Masked(right=False)
    assert diagnose(Masked(right=True), x, y).verdict == "healthy"
    for _ in range(2):  # new, and after a step, whose biases are no longer 0
        assert "mask = x == 0" in diagnose(model, x, y).findings[0].remedy
        train(model, x, y, F.cross_entropy, steps=5)


def test_a_net_of_attention_is_not_told_to_add_skips_that_it_has():
    block = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True)
    words = nn.Embedding(20, 32)
    nn.init.normal_(words.weight, 0, 1e-4)  # the first norm divides by this
    model = nn.Sequential(words, nn.TransformerEncoder(block, 2, enable_nested_tensor=False), nn.Flatten(), nn.Linear(320, 2))
    [found] = [one for one in diagnose(model, torch.randint(20, (64, 10)), torch.randint(2, (64,))).findings if one.kind == "exploding"]
    assert "skip" not in found.remedy and "clip_grad_norm_" in found.remedy


def test_behind_closed_gates_there_may_be_a_nonlinearity():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.alpha = nn.Linear(32, 32), nn.Parameter(torch.zeros(()))

        def forward(self, x):
            return x + self.alpha * torch.relu(self.linear(x))

    model = nn.Sequential(nn.Linear(8, 32), Block(), Block(), nn.Linear(32, 3))
    assert diagnose(model, torch.randn(64, 8), torch.randint(3, (64,))).remarks == []


def test_without_a_loss_what_it_would_say_is_a_remark():
    x = torch.randn(64, 8)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3), nn.Softmax(1))
    report = diagnose(model, x, x[:, :3].argmax(1))
    [remark] = report.remarks
    assert report.verdict == "healthy" and remark.kind == "output does not fit" and "not fall below 0.55" in remark.sentence
    assert diagnose(model, x, x[:, :3].argmax(1), loss_fn=lambda p, y: F.nll_loss(p.log(), y)).remarks == []
    assert isinstance(report.try_remedy().model[3], nn.Identity)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    report = diagnose(model, x, x[:, 0])
    [remark] = report.remarks
    assert report.verdict == "healthy" and remark.kind == "broadcast target" and remark.remedy.endswith("y = y.unsqueeze(1)")
    assert diagnose(model, x, x[:, :1]).remarks == []


@pytest.mark.parametrize(("forgotten", "verdict"), [(False, "healthy"), (True, "gradients add up")])
def test_a_discriminator_is_emptied_between_the_generators_loss_and_its_own(forgotten, verdict):
    d, g = (nn.Sequential(nn.Linear(n, 16), nn.ReLU(), nn.Linear(16, out)) for n, out in ((2, 1), (4, 2)))
    of_d, of_g = torch.optim.Adam(d.parameters(), 1e-3), torch.optim.Adam(g.parameters(), 1e-3)
    loss_fn, ones = nn.BCEWithLogitsLoss(), torch.ones(32, 1)
    with watch(d) as log:
        for _ in range(30):
            fake = g(torch.randn(32, 4))
            if not forgotten:
                of_d.zero_grad()
            (loss_fn(d(torch.randn(32, 2) + 2), ones) + loss_fn(d(fake.detach()), 0 * ones)).backward()
            of_d.step()
            of_g.zero_grad()
            loss_fn(d(fake), ones).backward()
            of_g.step()
    assert log.verdict == verdict


@pytest.mark.parametrize(("mean", "lr", "is_sick"), [(10, 1e-3, False), (2000, 1e-3, True), (200, 1e-2, False), (2000, 1e-2, True)])
def test_targets_far_from_0_beside_what_differs_are_sick_where_adam_does_not_get_there(mean, lr, is_sick):
    x, model = torch.randn(64, 8), nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    y = mean + x.sum(1, keepdim=True) / 8**0.5
    report = diagnose(model, x, y, optimizer=torch.optim.Adam(model.parameters(), lr))
    assert (report.verdict == "target too large") == is_sick
    assert diagnose(model, x, y).verdict == "healthy"  # nothing says who steps, and a readout's bias may begin there
    with torch.no_grad():
        model[2].bias += mean
    assert diagnose(model, x, y, optimizer=torch.optim.Adam(model.parameters(), lr)).verdict == "healthy"


@pytest.mark.parametrize(("size", "is_told"), [(1e2, False), (1e5, True)])
def test_adam_does_not_make_up_for_one_column(size, is_told):
    x, model = torch.randn(64, 10), nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
    x[:, 3] *= size
    report = diagnose(model, x, (x[:, 0] > 0).long(), optimizer="adam")
    [remark] = [one for one in report.remarks if one.kind == "input too large"]
    assert report.verdict == "healthy" and ("lost beside it" in remark.sentence) == is_told


def test_boxes_and_classes_in_one_tensor_have_targets_of_their_own():
    model, x = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 6)), torch.randn(64, 10)
    y = torch.cat([(x[:, 4:6] > 0).float(), 8 + 4 * x[:, :4]], 1)

    def in_parts(z, y):
        return F.mse_loss(z[:, 2:], y[:, 2:]) + F.binary_cross_entropy_with_logits(z[:, :2], y[:, :2])

    assert diagnose(model, x, y, loss_fn=in_parts).verdict == "healthy"
    assert diagnose(model, x, y, loss_fn=F.binary_cross_entropy_with_logits).verdict == "output does not fit"


def test_a_column_that_is_dropped_is_no_part():
    model, x = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1)), torch.randn(64, 10)
    for dropped in (lambda z: z[:, 0], lambda z: z[:, :1], lambda z: z.squeeze(1)[:]):
        def loss_fn(z, y, dropped=dropped):
            return F.binary_cross_entropy_with_logits(dropped(z), y.reshape(dropped(z).shape))

        assert diagnose(model, x, x[:, 0].sign(), loss_fn=loss_fn).verdict == "output does not fit"


def test_what_has_learned_all_of_it_has_a_remark_at_most():
    x, model = torch.randn(64, 8), nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
    y = (x[:, 0] > 0).long()
    model[0].weight.data *= 0
    model[0].bias.data *= 0
    for i in range(2):  # |x_0|, and who is sure of its sign
        model[0].weight.data[i, 0] = (-1) ** i
    model[2].weight.data *= 0
    model[2].weight.data[:, :2] = 1e6 * torch.tensor([[-1.0, 1.0], [1.0, -1.0]])
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    report = diagnose(model, x, y, optimizer=optimizer)
    assert report.verdict == "healthy" and "dead" in [one.kind for one in report.remarks]
    assert diagnose(model, x, 1 - y, optimizer=optimizer).verdict == "dead"


def test_a_frozen_net_in_no_grad_has_nothing_to_learn():
    class Readout(nn.Module):
        def __init__(self, is_frozen):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU()).requires_grad_(not is_frozen)
            self.out = nn.Linear(32, 2)

        def forward(self, x):
            with torch.no_grad():
                features = self.body(x)
            return self.out(features)

    x = torch.randn(64, 8)
    assert diagnose(Readout(is_frozen=True), x, (x[:, 0] > 0).long()).verdict == "healthy"
    assert diagnose(Readout(is_frozen=False), x, (x[:, 0] > 0).long()).verdict == "cut off"


def test_a_signal_may_be_as_large_as_the_targets():
    x, model = torch.randn(64, 8), nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
    y = 1e3 * x.sum(1, keepdim=True)
    model[0].weight.data *= 500
    assert diagnose(model, x, y).verdict == "healthy" and diagnose(model, x, y / 1e3).verdict == "exploding"
