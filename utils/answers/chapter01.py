"""Chapter 1, *Saturation*: the checkers of its exercises, and its patient.

A checker `check_*(your_function)` answers 'correct', 'not yet: why' or 'not attempted'.
"""

import torch
from torch import nn
from torch.nn import functional as F

from utils.exercises.checking import as_vector, check, exercise
from utils.exercises.clinic import Patient, Treatment
from utils.nets.mlp import MLP

RIGHT = {"twice as deep": 1e-13}  # the right option of each prediction, out of the learner's sight


def _sigmoid_slope(z):
    return torch.sigmoid(z) * (1 - torch.sigmoid(z))


@exercise
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
        lambda z: torch.sigmoid(z) ** 2: "the second factor is 1 minus sigma(z), not sigma(z) once more",
    }
    return check(f, _sigmoid_slope, cases, mistakes=mistakes, by_hand=True)


@exercise
def check_backward_step(f):
    """Check f(delta_next, W_next, z) -> delta, one layer's step of backpropagation (BP2) for a batch.

    delta_next: dC/dz of the layer after, (B, n_next); W_next: that layer's weights, (n_next, n); z: pre-activations of
    this sigmoid layer, (B, n). delta: dC/dz of this layer, (B, n).
    """
    def with_slope(slope):
        return lambda delta_next, W_next, z: delta_next @ W_next * slope(z)

    def transposed(delta_next, W_next, z):
        return delta_next @ W_next.T * _sigmoid_slope(z)

    def slope_first(delta_next, W_next, z):
        return delta_next * _sigmoid_slope(z) @ W_next

    mistakes = {
        with_slope(torch.ones_like): "the weights' part is right; the slope of the activation is missing",
        with_slope(torch.sigmoid): "the last factor is the slope sigma'(z), not sigma(z)",
        with_slope(lambda z: z * (1 - z)): "the slope is made of sigma(z), not of z itself",
        with_slope(lambda z: torch.sigmoid(z) ** 2): "the slope is sigma(z) times 1 minus sigma(z), not sigma(z) squared",
        transposed: "with one sample a row, W_next is not transposed here",
        slope_first: "first through the weights, then times the slope of the layer at which you arrive",
    }
    # The square case comes first: there a wrong transpose has a right shape, and its own hint.
    cases = [(_random(5, 4, seed=0), _random(4, 4, seed=1), _random(5, 4, seed=2)),
             (_random(6, 2, seed=0), _random(2, 3, seed=1), _random(6, 3, seed=2))]
    return check(f, with_slope(_sigmoid_slope), cases, mistakes=mistakes, by_hand=True)


@exercise
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
        lambda sigma_w, mean_squared_slope: (sigma_w * mean_squared_slope) ** 0.5: "sigma_w is squared in chi, so it "
            "leaves the root whole",
        lambda sigma_w, mean_squared_slope: mean_squared_slope**0.5: "the weights are missing: sigma_w is a factor",
    }  # fmt: skip
    cases = [(2.0, 0.04), (0.5, 0.25), (4.0, 0.0625)]
    return check(f, lambda sigma_w, mean_squared_slope: sigma_w * mean_squared_slope**0.5, cases, mistakes=mistakes)


@exercise
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

    def norms(net, x, y):
        return reduced(lambda g: g.double().norm())(net, x, y)

    def with_biases(net, x, y):
        return torch.stack([g.double().norm() for g in torch.autograd.grad(F.cross_entropy(net(x), y), net.parameters())])

    def with_biases_joined(net, x, y):
        return with_biases(net, x, y).view(-1, 2).norm(dim=1)  # a row: the norms of a layer's weight and of its bias

    mistakes = {
        reduced(torch.norm): "the float32 norm squares the entries, and these squares are below float32's range: "
                             "call .double() before the norm",
        reduced(lambda g: g.double().norm() ** 2): "that is the squared norm",
        reduced(lambda g: g.double().abs().max()): "that is the largest entry, not the norm",
        reduced(lambda g: g.double().abs().mean()): "that is the mean size of an entry, not the norm",
        reduced(lambda g: g.double().norm() / g.numel() ** 0.5): "that is the root mean square, not the norm",
        gradients: "these are the gradients themselves: take the norm of each",
        with_biases: "these are weights and biases: the weights only",
        with_biases_joined: "each holds the layer's bias, too: the weight only",
        lambda net, x, y: norms(nn.Sequential(net, nn.Softmax(1)), x, y): "F.cross_entropy takes what comes out of the "
            "net as it is: it does the softmax itself",
        lambda net, x, y: norms(net, x, y).flip(0): "the order is from input to output",
    }  # fmt: skip
    x, y = _random(8, 4, seed=0), torch.arange(8) % 3
    cases = [(_sigmoid_net(3, 1.0), x, y), (_sigmoid_net(12, 0.01).float(), x.float(), y)]
    return check(f, norms, cases, mistakes=mistakes, convert=as_vector, rtol=1e-3, atol=0)


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


def _tanh(**settings):
    return lambda: MLP(8, activation="tanh", seed=1, **settings)


PATIENT = Patient(
    complaint="Eight tanh layers, cross-entropy, learning rate 0.05. The loss starts above 11, comes down to about ln 10 "
    "and jumps there.",
    make=_tanh(init="naive"),
    lr=0.05,
    disease="weights too large",
    diseases={
        "vanishing through small slopes": "a vanishing gradient is smallest at layer 1; here it is largest there",
        "weights too large": "three units of four are saturated, and still the gradient grows towards the input: "
        "the large weights win over the small slopes, and layer 1 is thrown about at every step",
        "weights too small": "weights that are too small leave activations near 0; here they sit at -1 and 1",
        "learning rate too small": "layer 1 moves by a quarter of its own size at every step: far too much",
    },
    prescriptions={
        "a tenth of the learning rate": Treatment(
            _tanh(init="naive"), 0.005,
            "the weights stay too large: in smaller steps, too, they are thrown to where nine units of ten are saturated",
        ),
        "ten times the learning rate": Treatment(
            _tanh(init="naive"), 0.5,
            "the steps were too large already: now every unit is saturated, and the loss ends higher than it began",
        ),
        "weights with std 1/sqrt(fan_in)": Treatment(
            _tanh(init="lecun"), 0.05,
            "hardly a unit is saturated now, so layer 1 gets about as much gradient as the last layer, not hundreds of times as much",
        ),
        "weights with std 0.01": Treatment(
            _tanh(init="small"), 0.05,
            "now the gradient vanishes instead: layer 1 gets about a billionth of what the last layer has",
        ),
    },
)
