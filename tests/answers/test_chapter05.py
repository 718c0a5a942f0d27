"""The checkers of chapter 5: right answers, typical wrong ones, junk."""

import torch
from torch import nn

from tests.answers.answers import right_answers, wrong_answers
from utils.answers import chapter05
from utils.answers.chapter05 import check_fans, check_revived, check_xavier_bound, stalled
from utils.exercises.verdict import NOT_YET

LAYERS = nn.Conv2d, nn.Linear


def fans_by_shape(layer):
    window = layer.weight[0, 0].numel()
    return layer.weight.shape[1] * window, layer.weight.shape[0] // getattr(layer, "groups", 1) * window


def fans_by_class(layer):
    if isinstance(layer, nn.Linear):
        return [layer.in_features, layer.out_features]
    window = layer.kernel_size[0] * layer.kernel_size[1]
    return torch.tensor([layer.in_channels * window / layer.groups, layer.out_channels * window / layer.groups])


def by_measuring(start=None, spread=1.0, layers=LAYERS):
    """Return an answer that divides each layer's weights by the standard deviation of its z: LSUV."""
    def revived(images):
        net = stalled()
        for layer in net:
            if isinstance(layer, layers):
                if start:
                    start(layer.weight)
                with torch.no_grad():
                    layer.weight *= spread / layer(images).std()
            images = layer(images).detach()
        return net

    return revived


def only_the_last(images):
    net = stalled()
    for layer in net[:-2]:
        if layer is net[-4]:
            with torch.no_grad():
                layer.weight /= layer(images).std()
        images = layer(images).detach()
    return net


def by_rule(rule):
    def revived(images):
        net = stalled()
        for layer in net:
            if isinstance(layer, LAYERS):
                rule(layer.weight)
                nn.init.zeros_(layer.bias)
        return net

    return revived


def with_hooks_left(images):
    net = stalled()
    net[1].register_forward_hook(lambda layer, inputs, z: z / z.std())
    return net


def with_batch_norm(images):
    net = stalled()
    return nn.Sequential(*net[:2], nn.BatchNorm2d(16), *net[2:])


def with_tanh(images):
    return nn.Sequential(*(nn.Tanh() if isinstance(layer, nn.SiLU) else layer for layer in stalled()))


def with_an_infinity(images):
    net = stalled()
    nn.init.constant_(net[1].weight, torch.inf)
    return net


CLAIMS = 12  # that the ledger has of this chapter, each with a cell

RIGHT = [
    (check_xavier_bound, lambda n_in, n_out: (6 / (n_in + n_out)) ** 0.5),
    (check_xavier_bound, lambda a, b: torch.nn.init.xavier_uniform_(torch.empty(b, a)).abs().max() * 0
                                      + 3**0.5 * (2 / (a + b)) ** 0.5),
    (check_fans, fans_by_shape),
    (check_fans, fans_by_class),
    (check_fans, lambda layer: torch.tensor(fans_by_shape(layer))),
    (check_revived, by_measuring()),
    (check_revived, by_measuring(start=nn.init.orthogonal_)),
    (check_revived, by_measuring(spread=0.5)),  # more than one scale lets it learn
]  # fmt: skip
WRONG = [
    (check_xavier_bound, lambda i, o: (2 / (i + o)) ** 0.5, "standard deviation"),
    (check_xavier_bound, lambda i, o: 6 / (i + o), "square root"),
    (check_xavier_bound, lambda i, o: (6 / i) ** 0.5, "He's bound"),
    (check_xavier_bound, lambda i, o: (3 / i) ** 0.5, "LeCun's bound"),
    (check_xavier_bound, lambda i, o: 2 * (6 / (i + o)) ** 0.5, "width of the interval"),
    (check_xavier_bound, lambda i, o: (12 / (i + o)) ** 0.5, "variance is b^2 / 3"),
    (check_xavier_bound, lambda i, o: (3 / (i + o)) ** 0.5, "*sum* of the fans"),
    (check_xavier_bound, lambda i, o: 0.1, "expected"),
    (check_fans, lambda layer: fans_by_shape(layer)[::-1], "the order"),
    (check_fans, lambda layer: (layer.weight.shape[1], layer.weight.shape[0]), "several pixels"),
    (check_fans, lambda layer: [layer.weight[0, 0].numel()] * 2, "*every* channel"),
    (check_fans, lambda layer: nn.init._calculate_fan_in_and_fan_out(layer.weight), "its own group only"),
    (check_fans, lambda layer: (layer.in_channels * layer.weight[0, 0].numel(), 1) if hasattr(layer, "groups")
                               else fans_by_shape(layer), "expected"),
    (check_fans, lambda layer: (layer.in_channels * layer.weight[0, 0].numel(), layer.out_channels * layer.weight[0, 0].numel())
                               if hasattr(layer, "groups") else fans_by_shape(layer), "sees the channels of its own group"),
    (check_fans, lambda layer: (fans_by_shape(layer)[0] / getattr(layer, "groups", 1), fans_by_shape(layer)[1]), "already"),
    (check_fans, lambda layer: layer.weight.shape, "expected"),
    (check_fans, lambda layer: (layer.in_channels * layer.kernel_size[0] ** 2, layer.out_channels * layer.kernel_size[0] ** 2)
                               if hasattr(layer, "groups") else fans_by_shape(layer), "need not be square"),
    (check_fans, lambda layer: nn.init.zeros_(layer.weight).shape[:2], "changes its argument"),
    (check_revived, lambda images: stalled(), "too small"),
    (check_revived, by_rule(nn.init.xavier_uniform_), "too small"),
    (check_revived, by_rule(lambda weight: nn.init.normal_(weight, std=1.0)), "too large"),
    (check_revived, by_rule(nn.init.zeros_), "too small"),
    (check_revived, only_the_last, "on the way"),
    (check_revived, with_batch_norm, "keep its layers"),
    (check_revived, with_hooks_left, "hooks are still on"),
    (check_revived, with_tanh, "keep its layers"),
    (check_revived, with_an_infinity, "finite"),
    (check_revived, lambda images: by_measuring()(images).double(), "single precision"),
    (check_revived, lambda images: stalled()(images), "expected the net"),
    (check_revived, lambda images: [stalled()], "expected the net"),
]


test_a_right_answer_is_correct = right_answers(RIGHT)
test_a_wrong_answer_gets_its_reason = wrong_answers(WRONG)


def test_the_stalled_net_is_the_same_each_time_and_leaves_the_global_random_state_alone():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    one, other = stalled().state_dict(), stalled().state_dict()
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_stopped_training_of_a_revived_net_is_not_judged(monkeypatch):
    class Stopped:
        stopped, diverged, accuracy, steps = True, False, 0.9, 7

    monkeypatch.setattr(chapter05, "fit", lambda *arguments, **settings: Stopped)
    verdict = check_revived(by_measuring())
    assert verdict.status == NOT_YET and "you stopped it after 7 of 100 steps" in verdict.sentence
