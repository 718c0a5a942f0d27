"""The data of the programs: stand-ins of their shapes, ranges and codings of labels, drawn with torch alone.

A source is text, "clusters 1000 3x32x32 2": a name and its arguments, shapes without the axis of samples. It returns
x (samples, *shape) and y (samples, 1) of real numbers, classes being 0., 1., 2. in random order. What the fields x and
y of a row then ask for (`OF_X`, `OF_Y`) is done to them.
"""

import math

import torch
from torch.nn import functional as F

BITS = 12  # 2^12 corners of a cube are enough to tell all clusters apart


def data(source, of_x="", of_y="", given=None):
    """Return x and y. given: {"x": rows, "y": rows} for the source "given", a program's own few samples."""
    name, *arguments = source.split()
    x, y = _given(**given) if name == "given" else SOURCES[name](*map(_argument, arguments))
    return _changed(OF_X, of_x, x), _changed(OF_Y, of_y, y)


def _changed(changes, text, values):
    name, *numbers = text.split() or [""]
    return changes[name](values, *map(float, numbers))


def _argument(word):
    if word.isdigit():
        return int(word)
    return tuple(map(int, word.split("x"))) if word[0].isdigit() else word


def _given(x, y):
    x, y = (torch.tensor(values, dtype=torch.float32) for values in (x, y))
    return x, y[:, None] if y.dim() == 1 else y


def _labels(samples, classes):
    return torch.randperm(samples) % classes


def _shape(shape):
    return (shape,) if isinstance(shape, int) else shape


def clusters(samples, shape, classes, informative=2):
    """Two Gaussian clusters for each class, around corners of a cube in a few features; the others are noise."""
    y, size = _labels(samples, classes), math.prod(_shape(shape))
    bits = min(informative, BITS)
    codes = torch.randperm(2**bits)[: 2 * classes, None]
    corners = torch.cat([codes >> torch.arange(bits) & 1, torch.randint(2, (2 * classes, informative - bits))], 1)
    stretches = 2 * torch.rand(2 * classes, informative, informative) - 1
    cluster = 2 * y + torch.randint(2, (samples,))
    x = torch.randn(samples, size)
    x[:, :informative] = torch.einsum("ni,nij->nj", x[:, :informative], stretches[cluster]) + 2.0 * corners[cluster] - 1
    return x[:, torch.randperm(size)].reshape(samples, *_shape(shape)), y[:, None].float()


def linear(samples, shape, targets, informative=10):
    """Normal features; real targets, each a sum of the first of them with weights of U(0, 100)."""
    x = torch.randn(samples, math.prod(_shape(shape)))
    return x.reshape(samples, *_shape(shape)), x[:, :informative] @ (100 * torch.rand(informative, targets))


def pictures(samples, shape, classes):
    """A smooth pattern of 0 to 1 for each class, and noise; shape: (channels, side, side), or a square's pixels."""
    channels, side = (1, math.isqrt(shape)) if isinstance(shape, int) else shape[:2]
    patterns = F.interpolate(torch.rand(classes, channels, 5, 5), (side, side), mode="bilinear")
    y = _labels(samples, classes)
    x = (patterns[y] + 0.15 * torch.randn(samples, channels, side, side)).clamp(0, 1)
    return x.reshape(samples, *_shape(shape)), y[:, None].float()


def curve(samples, name):
    """y = x^2 + 3 ("square") or sin x ("sine"), for x from -10 to 10."""
    x = torch.linspace(-10, 10, samples)[torch.randperm(samples), None]
    return x, x.square() + 3 if name == "square" else x.sin()


def flat(samples, size):
    """Rows of zeros, and rows of ones: two classes."""
    y = _labels(samples, 2)[:, None].float()
    return y.expand(samples, size).clone(), y


def iris():
    """150 flowers of three kinds, four lengths in cm, normal about those of the famous ones."""
    y = _labels(150, 3)
    means = torch.tensor([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.5, 2.0]])
    return (means[y] + torch.randn(150, 4) * torch.tensor([0.5, 0.3, 0.4, 0.2])).clamp(min=0.1), y[:, None].float()


def tumours():
    """569 tumours, two classes, 30 positive measures: from some thousandths to areas of thousands."""
    y = (torch.rand(569, 1) < 0.63).float()
    return torch.logspace(-2.5, 2.8, 30) * (0.35 * torch.randn(569, 30) + 0.4 * (1 - y)).exp(), y


def boxes():
    """Two classes in two narrow squares: 0.2 to 0.4 and 0.5 to 0.7."""
    y = _labels(200, 2)[:, None].float()
    return 0.2 + 0.3 * y + 0.2 * torch.rand(200, 2), y


def grid():
    """100 points of the unit square, which are their own targets."""
    x = torch.cartesian_prod(torch.arange(10), torch.arange(10))[torch.randperm(100)] / 9
    return x, x.clone()


def padded():
    """100 series of 2 to 5 random numbers, filled up with -100 to six; three classes by chance."""
    x, lengths = torch.rand(100, 6, 1), torch.randint(2, 6, (100, 1, 1))
    return x.masked_fill(torch.arange(6)[:, None] >= lengths, -100.0), torch.randint(3, (100, 1)).float()


def _standard(values):
    return (values - values.mean(0)) / values.std(0, correction=0)


def _between(values, low=0.0, high=1.0):
    least, most = values.amin(0), values.amax(0)
    return low + (high - low) * (values - least) / (most - least)


SOURCES = {f.__name__: f for f in (clusters, linear, pictures, curve, flat, iris, tumours, boxes, grid, padded)}
SCALES = {"": lambda values: values, "standard": _standard, "between": _between}
OF_X = SCALES | {
    "bytes": lambda x: 255 * x,
    "unit": lambda x: F.normalize(x, dim=1),  # rows of length 1
    "tokens": lambda x: (1000 * x.sigmoid()).long(),  # whole numbers below 1000
}
OF_Y = SCALES | {
    "onehot": lambda y: F.one_hot(y[:, 0].long()).float(),
    "index": lambda y: y[:, 0].long(),
}
