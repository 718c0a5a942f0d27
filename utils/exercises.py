"""The exercises' checkers: `check_*(your_function)` answers 'correct', 'not yet: why' or 'not attempted'."""

from numbers import Real

import torch
from torch import nn
from torch.nn import functional as F

from utils.checking import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict, check


def _sigmoid_slope(z):
    return torch.sigmoid(z) * (1 - torch.sigmoid(z))


def check_sigmoid_slope(f):
    """Check f(z) -> slope of the sigmoid at z, sigma'(z) = sigma(z) (1 - sigma(z)); z: any shape, slope: the same."""
    few = torch.tensor([[0.0, 1.0, -2.0], [4.0, -0.5, 3.0]], dtype=torch.float64)
    cases = [(few,), (torch.linspace(-40, 40, 17).double(),), (torch.tensor(0.5).double(),)]
    mistakes = {
        torch.sigmoid: "that is the sigmoid itself, not its slope",
        lambda z: torch.sigmoid(z) * (1 + torch.sigmoid(z)): "check the sign: the second factor is 1 minus sigma(z)",
        lambda z: -_sigmoid_slope(z): "the sigmoid rises, so its slope is positive",
        lambda z: 1 - torch.tanh(z) ** 2: "that is the slope of tanh",
        lambda z: z * (1 - z): "the formula takes sigma(z), not z itself",
    }
    return check(f, _sigmoid_slope, cases, mistakes=mistakes)


def check_backward_step(f):
    """Check f(delta_next, W_next, z) -> delta, one layer's step of backpropagation (BP2) for a batch.

    delta_next: dC/dz of the layer after, (B, n_next); W_next: that layer's weights, (n_next, n); z: pre-activations of
    this sigmoid layer, (B, n). delta: dC/dz of this layer, (B, n).
    """
    def step(delta_next, W_next, z):
        return delta_next @ W_next * _sigmoid_slope(z)

    def without_slope(delta_next, W_next, z):
        return delta_next @ W_next

    def sigmoid_for_slope(delta_next, W_next, z):
        return delta_next @ W_next * torch.sigmoid(z)

    def transposed(delta_next, W_next, z):
        return delta_next @ W_next.T * _sigmoid_slope(z)

    mistakes = {
        without_slope: "the weights' part is right; the slope of the activation is missing",
        sigmoid_for_slope: "the last factor is the slope sigma'(z), not sigma(z)",
        transposed: "with one sample a row, W_next is not transposed here",
    }
    # The square case comes first: there a wrong transpose has a right shape, and its own hint.
    cases = [(_random(5, 4, seed=0), _random(4, 4, seed=1), _random(5, 4, seed=2)),
             (_random(6, 2, seed=0), _random(2, 3, seed=1), _random(6, 3, seed=2))]
    return check(f, step, cases, mistakes=mistakes)


def check_layer_factor(f):
    """Check f(sigma_w, mean_squared_slope) -> sqrt(chi), the factor by which one layer changes the gradient's norm.

    chi = sigma_w^2 E[phi'(z)^2]; sigma_w and mean_squared_slope = E[phi'(z)^2] are plain numbers, as is the answer.
    """
    mistakes = {
        lambda sigma_w, mean_squared_slope: sigma_w**2 * mean_squared_slope:
            "that is chi, the factor of the squared norm; the norm itself changes by its root",
        lambda sigma_w, mean_squared_slope: sigma_w * mean_squared_slope: "the mean squared slope needs its root, too",
        lambda sigma_w, mean_squared_slope: sigma_w**2 * mean_squared_slope**0.5: "sigma_w enters chi squared, so its "
            "root holds sigma_w once",
        lambda sigma_w, mean_squared_slope: mean_squared_slope**0.5: "the weights are missing: sigma_w is a factor",
    }  # fmt: skip
    cases = [(2.0, 0.04), (0.5, 0.25), (4.0, 0.0625)]
    return check(f, lambda sigma_w, mean_squared_slope: sigma_w * mean_squared_slope**0.5, cases, mistakes=mistakes)


def check_weight_gradients(f):
    """Check f(net, x, y) -> norm of the loss's gradient for the weight of each nn.Linear of net, in net's order.

    net: an nn.Module; x: inputs (B, n_in); y: classes (B,); the loss is F.cross_entropy(net(x), y). The norms are
    computed in double precision (a list of numbers or a tensor, one per layer), and the net's .grad stays None.
    """
    def gradients(net, x, y):
        weights = [layer.weight for layer in net.modules() if isinstance(layer, nn.Linear)]
        return torch.autograd.grad(F.cross_entropy(net(x), y), weights)

    def reduced(function):
        return lambda net, x, y: torch.stack([function(g).double() for g in gradients(net, x, y)])

    mistakes = {
        reduced(torch.norm): "the float32 norm squares the entries, and these squares are below float32's range: "
                             "call .double() before the norm",
        reduced(lambda g: g.double().norm() ** 2): "that is the squared norm",
        reduced(lambda g: g.double().abs().max()): "that is the largest entry, not the norm",
        reduced(lambda g: g.double().abs().mean()): "that is the mean size of an entry, not the norm",
        reduced(lambda g: g.double().norm() / g.numel() ** 0.5): "that is the root mean square, not the norm",
        lambda net, x, y: reduced(lambda g: g.double().norm())(net, x, y).flip(0): "the order is from input to output",
    }  # fmt: skip
    x, y = _random(8, 4, seed=0), torch.arange(8) % 3
    cases = [(_sigmoid_net(3, 1.0), x, y), (_sigmoid_net(12, 0.01).float(), x.float(), y)]
    return check(f, reduced(lambda g: g.double().norm()), cases, mistakes=mistakes, convert=_as_vector, rtol=1e-3, atol=0)


def check_diagnosis(answer, truth, explain):
    """Check a choice in the clinic: `answer` is the learner's, `truth` the right one.

    explain: dict choice -> one sentence on what the measurements say for or against it; its keys are the choices.
    Capitals and spaces do not count. Raises ValueError if `truth` is none of the choices.
    """
    if truth not in explain:
        raise ValueError(f"the truth {truth!r} is none of the choices {list(explain)}")
    if answer is None or answer is ...:
        return Verdict(NOT_ATTEMPTED)
    choices = {_plain(choice): choice for choice in explain}
    choice = choices.get(_plain(answer)) if isinstance(answer, str) else None
    if choice is None:
        return Verdict(NOT_YET, "choose one of " + ", ".join(repr(choice) for choice in explain))
    return Verdict(CORRECT if choice == truth else NOT_YET, explain[choice])


def _plain(text):
    """Return a text without capitals and spaces."""
    return "".join(text.casefold().split())


def _random(*shape, seed):
    """Return a tensor of standard normal numbers in double precision; the global random state is left alone."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _sigmoid_net(depth, sigma_w):
    """Return a sigmoid net of `depth` weight layers, 4 inputs and 3 classes; sigma_w: standard deviation of weights."""
    layers = []
    for _ in range(depth - 1):
        layers += [nn.Linear(4, 4), nn.Sigmoid()]
    net = nn.Sequential(*layers, nn.Linear(4, 3)).double()
    for seed, p in enumerate(net.parameters()):
        nn.init.normal_(p, std=sigma_w, generator=torch.Generator().manual_seed(seed))
    return net


def _as_vector(norms):
    """Return a list of numbers, or of tensors with one entry, as a tensor; anything else as it is."""
    if not isinstance(norms, (list, tuple)):
        return norms
    single = all(isinstance(norm, Real) or isinstance(norm, torch.Tensor) and norm.numel() == 1 for norm in norms)
    return torch.tensor([float(norm) for norm in norms], dtype=torch.float64) if single else norms
