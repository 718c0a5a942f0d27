"""Maps of a random net's fate over many settings at once: gradient ratios measured, and chi at the fixed point.

All settings of sigma_w share one set of standard normal weights and differ by a factor, and all depths share their
lower layers, so a whole map is one forward pass and one backward pass of large matrix products.
"""

import functools

import torch
from torch.nn import functional as F

from utils.nets import activations
from utils.theory import meanfield
from utils.torchdoctor.errors import WrongValue

_Q_GRID = torch.logspace(-8, 6, 1401, dtype=torch.float64)


@functools.lru_cache(maxsize=4)
def _standard_weights(depth, width, in_features, classes, seeds, seed):
    """Draw weights N(0, 1 / fan_in) and biases N(0, 1) of `depth` layers and a readout, for `seeds` nets.

    Returns a tuple of (weights (seeds, fan_in, fan_out), biases (seeds, 1, fan_out)), the readout last.
    """
    draw = functools.partial(torch.randn, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    fans = [(in_features, width)] + [(width, width)] * (depth - 1) + [(width, classes)]
    return tuple((draw(seeds, i, o) / i**0.5, draw(seeds, 1, o)) for i, o in fans)


@torch.no_grad()
def gradient_map(activation, x, y, sigma_w, depths, *, sigma_b=0.0, width=64, seed=0, seeds=1):
    """Measure the ratio ||delta^1|| / ||delta^last|| of random nets at birth, for every depth and every sigma_w.

    x (B, n_in), y (B,): a batch and its labels; the loss is the cross-entropy. sigma_w (S,): the settings, positive.
    depths: numbers of hidden layers, 1 or more, increasing. seeds: how many independent nets each setting gets.
    Returns a float64 tensor (seeds, len(depths), S). Raises ValueError for settings or depths that make no sense.
    """
    depths, sigma_w = list(depths), torch.as_tensor(sigma_w, dtype=torch.float64)
    if not depths or depths[0] < 1 or depths != sorted(set(depths)):
        raise WrongValue(f"depths are whole numbers of 1 or more, each once and in order; got {depths}")
    if sigma_w.dim() != 1 or not len(sigma_w) or not bool((sigma_w > 0).all()):
        raise WrongValue(f"sigma_w is a list of positive standard deviations; got {sigma_w.tolist()}")
    phi, settings = activations.get(activation), len(sigma_w)
    classes = int(y.max()) + 1
    *layers, (readout, bias_out) = _standard_weights(depths[-1], width, x.shape[1], classes, seeds, seed)
    scale = sigma_w.repeat_interleave(len(x))[:, None]  # (S B, 1): a row is one input under one setting
    target = F.one_hot(y, classes).repeat(settings, 1)

    a, slopes, starts = x.double().repeat(settings, 1).expand(seeds, -1, -1), [], {}
    for depth, (weights, biases) in enumerate(layers, start=1):
        z = scale * (a @ weights) + sigma_b * biases  # (seeds, S B, width)
        a = phi.value(z)
        slopes.append(phi.slope(z)[:, None])
        if depth in depths:  # here the net of this depth ends, with BP1
            starts[depth] = torch.softmax(scale * (a @ readout) + sigma_b * bias_out, -1) - target

    errors = torch.empty(seeds, 0, settings * len(x), width, dtype=torch.float64)  # (seeds, nets so deep, S B, width)
    for depth in range(depths[-1], 0, -1):
        if depth < depths[-1]:
            errors = (scale * errors).flatten(1, 2).bmm(layers[depth][0].mT).view_as(errors)
        if depth in starts:
            errors = torch.cat([(scale * starts[depth] @ readout.mT)[:, None], errors], 1)
        errors = errors * slopes[depth - 1]  # BP2
    return _norms(errors, settings) / _norms(torch.stack([starts[depth] for depth in depths], 1), settings)


def _norms(errors, settings):
    """(..., S B, units) -> the norm of each setting's errors over its batch and units, (..., S)."""
    return errors.unflatten(-2, (settings, -1)).flatten(-2).norm(dim=-1)


@functools.cache
def _moments(activation):
    """E[phi(sqrt(q) Z)^2] and E[phi'(sqrt(q) Z)^2] on the grid of q, each (1401,)."""
    parts = _Q_GRID.split(100)  # kind to the memory
    return tuple(torch.cat([mean(activation, q, 1.0) for q in parts]) for mean in (meanfield.q_map, meanfield.chi))


def chi_map(activation, sigma_w, sigma_b):
    """chi at the fixed point of q that a net settles at from q = 1, for every pair of settings at once.

    sigma_w (W,), sigma_b (B,): standard deviations. Returns a float64 tensor (B, W). As `theory.q_fixed_point` and
    `theory.chi`, but looked up on a grid of q with steps of 2.3 %; beyond 1e-8 and 1e6 the end of the grid counts.
    """
    value, slope = _moments(activation)
    sigma_w, sigma_b = (torch.as_tensor(sigma, dtype=torch.float64) for sigma in (sigma_w, sigma_b))
    grows = sigma_w[None, :, None].square() * value + sigma_b[:, None, None].square() > _Q_GRID  # (B, W, q)
    start = torch.searchsorted(_Q_GRID, 1.0)
    up = start + torch.cumprod(grows[..., start:], -1).sum(-1)  # the first q above 1 at which the map stops growing
    down = start - torch.cumprod(~grows[..., :start].flip(-1), -1).sum(-1)
    settled = torch.where(grows[..., start], up, down).clamp(0, len(_Q_GRID) - 1)
    return sigma_w.square() * slope[settled]


def edge_of_chaos(activation, q):
    """The settings at which chi = 1, as a curve with the fixed point q (points,) as its parameter.

    From chi = 1, sigma_w^2 = 1 / E[phi'(sqrt(q) Z)^2]; then sigma_b^2 = q - sigma_w^2 E[phi(sqrt(q) Z)^2]. Returns
    (sigma_w, sigma_b), float64 (points,) each; sigma_b is NaN where no bias makes this q a fixed point.
    """
    q = torch.as_tensor(q, dtype=torch.float64)
    sigma_w = 1 / meanfield.chi(activation, q).sqrt()
    return sigma_w, (q - meanfield.q_map(activation, q, 1.0) * sigma_w.square()).sqrt()


def predicted_map(activation, sigma_w, depths, *, sigma_b=0.0, mean_square=1.0):
    """Theory's `gradient_map` for infinite width, float64 (len(depths), S); `mean_square`: of an input's entries."""
    columns = [_predicted_ratios(activation, float(sigma), max(depths), sigma_b, mean_square) for sigma in sigma_w]
    return torch.stack(columns, 1)[torch.as_tensor(depths) - 1]


@functools.lru_cache(maxsize=4096)
def _predicted_ratios(activation, sigma_w, deepest, sigma_b, mean_square):
    """Predicted ||delta^1|| / ||delta^last|| for nets of 1..deepest hidden layers, (deepest,)."""
    q = meanfield.q_trajectory(activation, sigma_w**2 * mean_square + sigma_b**2, deepest, sigma_w, sigma_b)
    return meanfield.chi(activation, q, sigma_w).cumprod(0).sqrt()
