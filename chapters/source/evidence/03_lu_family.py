# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3 · The \*LU family: the evidence
#
# The [lesson](../03_lu_family.ipynb) asks one question: what does the bend of an activation at zero do to a deep net? Here stand
# the whole family and its numbers, the tests of the lesson's answer with other seeds, rates and optimizers, what SELU promises
# and when, a race, and what popular sources say. The sections can be read in any order.

# %%
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, Stack, activations, chapter03, claim, datasets, explore, fit, meanfield
from utils import measure, plots, race, show, table

# %%
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()                     # x is (1437, 64): a row for each digit
names = [name for name in activations.ACTIVATIONS if name != "identity"]
facts = {name: meanfield.facts(name) for name in names}
means = {name: meanfield.gaussian_mean(activations.get(name).value) for name in names}
grid = torch.linspace(-6, 6, 12_001, dtype=torch.float64)

# %%
def shifted_net(depth, name, c, sigma_w=None, **settings):
    """An MLP of phi(z) - c in float32, at the gain of phi - c."""
    phi = activations.get(name).value
    sigma_w = sigma_w or meanfield.gaussian_mean(lambda z: (phi(z) - c) ** 2) ** -0.5
    return chapter03.shifted(depth, phi, c, sigma_w, dtype=torch.float32, **settings)

# %%
def apart(ours, theirs):
    """The largest difference."""
    return (ours - theirs).abs().max().item()

def share_left(net):
    """First layer's gradient norm over the last one's."""
    delta = measure(net, x[:128].to(next(net.parameters()).dtype), y[:128]).delta_norm
    return (delta[0] / delta[-1]).item()

# %% [markdown]
# ## What you may have read
#
# | you may read | and it is | shown in |
# |---|---|---|
# | "The gradient vanishes because the slopes are small" | with the same slopes and no mean it does not | Same slopes, healed |
# | "A leak saves the gradient" | it saves the unit; a path through five negative units keeps $10^{-10}$ | A leak saves the unit, not the path |
# | "The slope of ELU lies in (0, 1]" | for $\alpha \le 1$ only | The formulas |
# | "ELU is self-normalizing" | at its gain its level comes back; at SELU's weights its variance dies | A level that holds itself |
# | "SELU normalizes itself" | under four conditions | Four conditions, each broken once |
# | "The slope of GELU lies in [-0.17, 1.08]" | in [-0.129, 1.129]; -0.17 is the minimum of GELU itself | The slope of GELU |
# | "Slopes of GELU and SiLU are about 1 for $z > 0$" | a half at $0^+$, then above 1 | The slope of GELU |
# | "A slope above 1 makes the gradient explode" | its mean square counts, times the weights | The slope of GELU |
# | "Risk of vanishing: low, medium, high" | an opinion; the number is $\chi$ | All the numbers |
# | "SiLU comes from the Swish paper of 2017" | it stands in the GELU paper of 2016, and in Elfwing et al. | The formulas |
# | "X beats Y" after one run | the seeds of one activation differ by more | The race |
# | "An activation should have mean 0" | not if its bend needs the mean: ReLU minus 0.4 explodes | The price of a bend |
#
# ## The family
#
# The value (solid) and the slope (dashed) of ten. Leaky ReLU at its usual 0.01 cannot be told from ReLU in a picture, nor
# GELU's tanh form from GELU; the next section says how far they are apart.

# %%
def gallery(axes):
    z = torch.linspace(-4, 4, 401, dtype=torch.float64)
    shown = [name for name in names if name not in ("leaky_relu", "gelu_tanh")]
    for ax, name in zip(axes.flat, shown):
        phi = activations.get(name)
        curves = {"value": phi.value(z), "slope": phi.slope(z)}
        plots.draw_lines(ax, curves, z, xlabel="z", ylabel="", markers=False, limits=(-1.9, 2.6))
        ax.set(title=name, xticks=(-3, 0, 3))
        ax.label_outer()
        ax.get_legend().remove()
    return "Solid: the value. Dashed: the slope."

show(gallery, panels=(2, 5), size=(9, 3.8))

# %% [markdown]
# Two at a time. *Try:* elu against leaky_relu; gelu against silu: find the place where the value falls; selu: how steep is it
# just left of zero?

# %%
def atlas(axes, first="relu", second="gelu"):
    z = torch.linspace(-5, 5, 1001, dtype=torch.float64)
    chosen = {name: activations.get(name) for name in (first, second)}
    values = {name: phi.value(z) for name, phi in chosen.items()}
    slopes = {name: phi.slope(z) for name, phi in chosen.items()}
    for ax, lines, label, limits in ((axes[0], values, "value φ(z)", (-2, 4)),
                                     (axes[1], slopes, "slope φ′(z)", (-0.3, 1.9))):
        plots.draw_lines(ax, lines, z, xlabel="z", ylabel=label, markers=False, limits=limits)
    said = [f"{name}: slope from {s.min():.2f} to {s.max():.2f}" for name, s in slopes.items()]
    return "; ".join(said) + "."

explore(atlas, panels=2, size=(9, 3.8), first=names, second=names)

# %% [markdown]
# ## The formulas
#
# **A leak**, fixed (leaky ReLU) or learnt (PReLU). **A floor**, an exponential that levels off at $-\alpha$ (ELU; SELU is $\lambda$
# times an ELU). **A gate**, $z$ times a number between 0 and 1 that depends on $z$ (GELU: the normal distribution function;
# Swish, which with $\beta = 1$ is SiLU: a sigmoid; Mish: a tanh of a softplus). By hand, against PyTorch's own:

# %%
def leaky_relu(z, alpha=0.01):
    return torch.where(z > 0, z, alpha * z)

def elu(z, alpha=1.0):
    return torch.where(z > 0, z, alpha * (torch.exp(z) - 1))

def gelu(z):
    return z * (1 + torch.erf(z / 2**0.5)) / 2

def gelu_tanh(z):
    return z * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (z + 0.044715 * z**3))) / 2

# %%
def swish(z, beta=1.0):
    return z / (1 + torch.exp(-beta * z))

def softplus(z):
    return torch.log(1 + torch.exp(z))

# %%
z = grid
pairs = [(leaky_relu(z), F.leaky_relu(z)), (leaky_relu(z, 0.25), nn.PReLU().double()(z)),
         (elu(z, 1.6), F.elu(z, 1.6)), (gelu(z), F.gelu(z)), (swish(z), F.silu(z)),
         (1.0507009873554805 * elu(z, 1.6732632423543772), F.selu(z)),
         (gelu_tanh(z), F.gelu(z, approximate="tanh")), (softplus(z), F.softplus(z)),
         (z * torch.tanh(softplus(z)), F.mish(z))]
assert max(apart(ours, theirs) for ours, theirs in pairs) < 1e-12

# %% tags=["nbval-check-output"]
alphas = torch.tensor([0.5, 1.0, 2.0])
floors = torch.stack([elu(torch.tensor(-40.0), alpha) for alpha in alphas])
lefts = torch.stack([activations.elu_slope(torch.tensor(-1e-6), alpha) for alpha in alphas])
claim("C3.03", "ELU's floor is minus alpha, and just left of zero its slope is alpha: above 1 for "
      "alpha = 2", apart(floors, -alphas) < 1e-4 and apart(lefts, alphas) < 1e-4)
gap = apart(gelu(z), gelu_tanh(z))
claim("C3.05", f"GELU and its tanh form differ by {gap:.1e} at most", 4e-4 < gap < 4.8e-4)

# %% tags=["nbval-check-output"]
lowest, where = swish(z).min().item(), z[swish(z).argmin()].item()
claim("C3.06", f"SiLU falls, down to {lowest:.4f} at z = {where:.3f}",
      abs(lowest + 0.2785) < 1e-4 and abs(where + 1.2785) < 2e-3)
far = {beta: beta * apart(swish(z, beta), F.relu(z)) for beta in (1, 10, 100)}
from_gelu = apart(swish(z, 1.702), gelu(z))
claim("C3.06", f"Swish is z/2 at beta = 0; from ReLU it is {far[1]:.4f} / beta away, from GELU at "
      f"1.702 {from_gelu:.3f}", apart(swish(z, 0.0), z / 2) == 0 and from_gelu < 0.03
      and max(far.values()) - min(far.values()) < 1e-3)

# %% [markdown]
# ## All the numbers
#
# Computed from the formulas: the range of the slope, and where it is reached (`inf`: only approached); whether the value rises
# everywhere; and for $z \sim N(0, 1)$ the mean, the gain, the mean squared slope (back), and $\chi$ at the gain.

# %% tags=["nbval-check-output"]
rises = {name: activations.get(name).value(grid).diff().min().item() >= 0 for name in names}
claim("C3.10", "GELU, its tanh form, SiLU and Mish fall somewhere, the others nowhere",
      [name for name in names if not rises[name]] == ["gelu", "gelu_tanh", "silu", "mish"])
chi = {name: f.chi for name, f in facts.items()}
others = [chi[name] for name in names if name not in ("sigmoid", "tanh", "softplus")]
claim("C3.10", "SELU's gain is 1; chi is below 0.2 for the sigmoid, 0.32 for softplus, 1.18 for "
      "tanh, and 0.99 to 1.08 for all others",
      abs(facts["selu"].gain - 1) < 1e-6 and chi["sigmoid"] < 0.2 and min(others) > 0.99 and
      max(abs(chi["softplus"] - 0.32), abs(chi["tanh"] - 1.18)) < 0.005 and max(others) < 1.08)

# %% tags=["nbval-check-output"]
columns = {"least slope": "least", "at": "least_at", "steepest": "steepest",
           "at z =": "steepest_at", "gain": "gain", "back": "back", "chi": "chi"}
numbers = {head: [getattr(f, part) for f in facts.values()] for head, part in columns.items()}
table({"": names} | numbers | {"rises": rises.values(), "mean": means.values()}, form="{:.3f}")

# %% [markdown]
# ## Why mean share and bend
#
# The lesson writes $\chi = 1 - \text{mean share} + \text{bend}$, and says that the bend is never negative. A function of a normal $z$
# can be written as a sum of *Hermite polynomials*: a constant $a_0$, a straight line $a_1 z$, a parabola $a_2 (z^2 - 1)/\sqrt2$, and so on,
# each with mean square 1 and none related to another. Then $E[\phi^2] = \sum a_k^2$ and $E[\phi'^2] = \sum k\,a_k^2$. So $\chi$ is the
# *average degree*: the constant counts 0, the line 1, and what is bent 2 or more. The mean share is $a_0^2$, and the bend
# $\sum_{k\ge2} (k-1)\,a_k^2$, both divided by $E[\phi^2]$. (Without the sum: $\mathrm{Var}\,\phi \le E[\phi'^2]$ is Poincaré's inequality.)

# %%
def hermite(k, z):
    """The k-th Hermite polynomial, with mean square 1."""
    low, high = torch.zeros_like(z), torch.ones_like(z)      # degrees -1 and 0
    for degree in range(k):
        low, high = high, (z * high - degree**0.5 * low) / (degree + 1) ** 0.5
    return high

# %%
shares = {}                                 # name -> share of E[phi^2] by degree, (12,)
for name in names:
    phi = activations.get(name).value
    a = [meanfield.gaussian_mean(lambda z, phi=phi, k=k: phi(z) * hermite(k, z)) for k in range(12)]
    shares[name] = torch.tensor(a).square() * facts[name].gain ** 2
# %%
degree = torch.arange(12)
smooth = [name for name in names if name not in ("relu", "leaky_relu", "prelu", "selu")]
far = max(abs((shares[name] * degree).sum().item() - facts[name].chi) for name in smooth)
claim("C3.12", f"the average degree is chi: up to degree 11 it misses by {far:.3f} for the smooth",
      far < 0.02)
bends = [f.chi - 1 + means[name] ** 2 * f.gain**2 for name, f in facts.items()]
claim("C3.12", f"the bend is positive for all, from {min(bends):.3f} to {max(bends):.3f}",
      min(bends) > 0.004)
by_degree = torch.stack(list(shares.values()))
constant, line, parabola = by_degree.T[:3]
table({"": names, "constant": constant, "line": line, "parabola": parabola,
       "above": 1 - constant - line - parabola}, form="{:.3f}")

# %% [markdown]
# ## A hundred layers, more seeds
#
# The first picture of the lesson with five nets of each activation at its gain.

# %%
first = {name: [share_left(MLP(100, activation=name, sigma_w=facts[name].gain, seed=seed))
                for seed in range(5)] for name in ("relu", "elu", "gelu", "tanh", "softplus")}
soft = first.pop("softplus")
four = [share for shares_left in first.values() for share in shares_left]
claim("C3.14", f"five nets each: softplus leaves {min(soft):.0e} to {max(soft):.0e} of the "
      f"gradient, the other four {min(four):.2g} to {max(four):.2g}",
      max(soft) < 1e-22 and 0.01 < min(four) and max(four) < 1e5)

# %% [markdown]
# ## Same slopes, healed
#
# With $c$ subtracted, a net has the same slopes and another gain. The lesson's four softplus nets, fifteen layers, three seeds
# each and one rate or two, 100 steps of SGD with momentum 0.9; and the same four of the sigmoid, two seeds, at the rates that suit
# its smaller gradient.

# %%
def accuracies(name, c, sigma_w, rates, seeds=(0, 1, 2), depth=15, steps=100, **settings):
    """Accuracy on all digits after training, 0 after an overflow: (seeds x rates,)."""
    nets = {(seed, rate): shifted_net(depth, name, c, sigma_w, seed=seed)
            for seed in seeds for rate in rates}
    lr = {key: key[1] for key in nets}
    runs = race(nets, x.float(), y, steps=steps, lr=lr, live=False, **settings)
    return [0.0 if run.diverged else run.accuracy for run in runs.values()], runs

# %%
how = {"softplus": (0.0, 1.042), "shift alone": (0.806, 1.042), "weights alone": (0.0, 1.919),
       "both": (0.806, 1.919)}
reached, trained = {}, {}
for word, (c, sigma_w) in how.items():
    rates = (0.003,) if "alone" in word else (0.001, 0.003)
    reached[word], trained[word] = accuracies("softplus", c, sigma_w, rates)
reached["both, 0.01"], trained["both, 0.01"] = accuracies("softplus", *how["both"], (0.01,))

# %%
how_sigmoid = {"sigmoid": (0.0, 1.85), "sigmoid, shift": (0.5, 1.85),
               "sigmoid, weights": (0.0, 4.8), "sigmoid, both": (0.5, 4.8)}
for word, (c, sigma_w) in how_sigmoid.items():
    found = accuracies("sigmoid", c, sigma_w, (0.01, 0.03), seeds=(0, 1))
    reached[word], trained[word] = found

# %%
def by_remedy(ax):
    plots.draw_strips(ax, reached, limits=(-0.03, 1.03),
                      xlabel="accuracy after 100 steps of SGD (0 is an overflow)")

show(by_remedy, size=(8, 4))

# %%
stuck, both = max(reached["softplus"] + reached["shift alone"]), min(reached["both"])
claim("C3.13", "100 steps of SGD, seeds 0 to 2, rates 0.001 and 0.003 (shift alone: 0.003): "
      f"softplus and the shift alone stay at chance ({stuck:.0%} at most), both reach {both:.0%}",
      stuck < 0.2 and both > 0.7, unless=list(trained.values()), only=("rate", "optimizer"))
fell = reached["both, 0.01"].count(0.0)
claim("C3.13", f"SGD at a rate of 0.01: {fell} of three nets with both remedies overflow", fell > 0,
      unless=trained["both, 0.01"], only=("rate", "optimizer"))
*controls, healed = (reached[word] for word in how_sigmoid)
stuck, healed = max(map(max, controls)), min(healed)
claim("C3.13", "100 steps of SGD, seeds 0 and 1, rates 0.01 and 0.03: the sigmoid, its shift alone "
      f"and its weights alone reach {stuck:.0%} at most, both {healed:.0%} at least",
      stuck < 0.3 and healed > 0.7, unless=list(trained.values()),
      only=("rate", "budget", "optimizer"))

# %% [markdown]
# The larger weights alone are a gamble. So is the whole remedy at three times the rate: its level runs away (below).
#
# ## With Adam, and with norms
#
# In the lesson Adam takes fifteen layers of softplus off the plateau, later than the healed ones. Thirty layers it leaves there,
# within 300 steps. And who subtracts the mean for you? Batch norm does: it takes from each $z$ its mean over the batch. Layer norm takes the mean over
# the units of one image, and that is not the mean that harms.

# %%
def has_left(net):
    return F.cross_entropy(net(x[:256].float()), y[:256]) < 1.5

deep = {word: shifted_net(30, "softplus", *how[word]) for word in ("softplus", "both")}
with_adam = race(deep, x.float(), y, steps=300, lr=0.001, optimizer="adam", until=has_left,
                 live=False)
steps = {key: run.steps if run.reached else 300 for key, run in with_adam.items()}
claim("C3.13", "within 300 steps of Adam at a rate of 0.001 thirty layers of softplus stay; "
      f"without the mean they leave after {steps['both']}",
      steps["softplus"] == 300 > steps["both"],
      unless=with_adam, only=("rate", "budget", "optimizer"))

# %%
normed = {f"{norm} norm": shifted_net(15, "softplus", *how["softplus"], norm=norm)
          for norm in ("batch", "layer")}
normed["layer norm, both"] = shifted_net(15, "softplus", *how["both"], norm="layer")
with_norm = race(normed, x.float(), y, steps=150, lr=0.003, live=False)
batch, layer, both = (run.accuracy for run in with_norm.values())
claim("C3.13", f"fifteen softplus layers after 150 steps of SGD at 0.003: batch norm {batch:.0%}, "
      f"layer norm {layer:.0%}, layer norm and both remedies {both:.0%}",
      min(batch, both) > 0.9 and layer < 0.3, unless=with_norm,
      only=("rate", "budget", "optimizer"))

# %% [markdown]
# ## A leak saves the unit, not the path
#
# A leaky unit never dies, because its slope is never zero. Follow *one path* through five leaky units that are all on their
# negative side:

# %% tags=["nbval-check-output"]
h = start = torch.tensor([-1.0], dtype=torch.float64, requires_grad=True)
for _ in range(5):
    h = F.leaky_relu(h, 0.01)
(left,) = torch.autograd.grad(h, start)
left, back = left.item(), facts["leaky_relu"].back
claim("C3.01", f"five negative leaky units leave {left:.0e} of the gradient; back is {back:.5f}, "
      "ReLU's 0.5", abs(left / 1e-10 - 1) < 0.01 and abs(back - 0.50005) < 1e-6)

# %% [markdown]
# The gradient of a whole net is a sum over all paths, and most of it flows where units are active. The leak has another
# use: it keeps a way *back* for the unit (chapter 2).
#
# **PReLU** lets the data choose the leak, from 0.25. What twenty layers choose, in three nets:

# %%
learners = {f"net {seed}": MLP(20, activation="prelu", sigma_w=facts["prelu"].gain, seed=seed)
            for seed in range(3)}
slopes = [[phi.weight for phi in net.phi] for net in learners.values()]      # a list for each net
before = torch.cat(slopes[0]).detach().clone()                               # (20,)
learning = race(learners, x, y, steps=200, lr=0.005, title="PReLU learns its slopes")
final = torch.stack([torch.cat(own).detach() for own in slopes])             # (3, 20)

def learnt_slopes(ax):
    plots.draw_bundle(ax, final, range(1, 21), xlabel="layer", ylabel="slope below zero",
                      limits=(-0.1, 0.65))

show(learnt_slopes)
# %%
claim("C3.02", "PReLU starts at 0.25; after 200 steps of SGD at 0.005 its slopes lie between "
      f"{final.min():.2f} and {final.max():.2f}", (before == 0.25).all().item() and
      final.std() > 0.02 and final.mean() > 0.2, unless=learning,
      only=("budget", "rate", "optimizer"))

# %% [markdown]
# He et al. report the largest slopes in the first layers of their image nets. We do not see that: single layers scatter.
#
# ## A level that holds itself
#
# The variance $q$ of $z$ in one layer decides that in the next: $q \mapsto \sigma_w^2 E[\phi(\sqrt q Z)^2]$. At the gain, $q = 1$ is a
# fixed point of this map, for any activation. Will a signal that is a little off come back? The slope of the map at 1 says so
# (the lesson's *level*): below 1 it comes back, at 1 it stays, above 1 it runs away. *Try:* SELU from 0.2 and from 10; ReLU, whose
# theory stays where it began; GELU from 2 and 0.3.

# %%
def through(phi, depth, width=512, sigma_w=1.0, seed=0, start=1.0, after=None, skip=0, shift=0.0):
    """Send 128 random inputs through random layers; returns depth + 1 activations (128, width)."""
    after = after or (lambda a: a)
    generator = torch.Generator().manual_seed(seed)
    a = [shift + start**0.5 * torch.randn(128, width, generator=generator)]
    for _ in range(depth):
        W = sigma_w * torch.randn(width, width, generator=generator) / width**0.5
        a.append(skip * a[-1] + after(phi(a[-1] @ W)))
    return a

# %%
def level(ax, activation="selu", start=3.0):
    gain, phi = facts[activation].gain, activations.get(activation).value
    a = through(phi, 50, width=128, sigma_w=gain, start=start / gain**2)
    measured = gain**2 * torch.stack([signal.square().mean() for signal in a])       # of the next z
    predicted = meanfield.q_trajectory(activation, start, 51, gain)
    plots.draw_by_layer(ax, measured, predicted, quantity="q, mean square of z")
    ax.set(ylim=(1e-5, 1e5), xlabel="layer")
    return (f"{activation} from {start:.1f}: {measured[-1]:.2g} after 50 layers, "
            f"theory {predicted[-1]:.2g}.")

explore(level, activation=["selu", "elu", "tanh", "relu", "gelu", "silu", "mish"],
        start=(0.1, 10.0, 0.1))

# %% tags=["nbval-check-output"]
def pull(name, step=1e-3):
    low, high = (meanfield.q_map(name, 1 + change, facts[name].gain) for change in (-step, step))
    return (high - low) / (2 * step)

pulls = {name: pull(name) for name in names}
claim("C3.10", "the level comes back in tanh, ELU and SELU, stays in ReLU and its leaky kin, runs "
      "away in GELU, SiLU and Mish",
      max(pulls[n] for n in ("tanh", "elu", "selu")) < 0.95 and
      max(abs(pulls[n] - 1) for n in ("relu", "leaky_relu", "prelu")) < 1e-3 and
      min(pulls[n] for n in ("gelu", "silu", "mish")) > 1.05)
selu, elu_left = ([through(activations.get(name).value, 100, seed=seed)[-1].var().item()
                   for seed in range(2)] for name in ("selu", "elu"))
claim("C3.03", "with SELU's weights, sigma_w = 1, a hundred layers leave SELU a variance of "
      f"{min(selu):.2f} or more, and ELU {max(elu_left):.1e} or less",
      min(selu) > 0.9 and max(selu) < 1.1 and max(elu_left) < 0.002)
table({"": names, "level": pulls.values()}, form="{:.2f}")

# %% [markdown]
# At *its* gain of 1.25 the level of ELU comes back as well. SELU's merit is a gain of 1, so that it needs no correction. The softplus
# of the lesson, without its mean, runs away: far out it is a ReLU, and its weights are larger than ReLU's.
#
# ## A hundred layers at one scale
#
# The same weights for all, $\sigma_w = 1$. Whose signal is still there?

# %%
deep_nets = {name: measure(MLP(100, activation=name, sigma_w=1.0), x[:64], y[:64])
             for name in names}
variance = {name: (m.activation_std[99] ** 2).item() for name, m in deep_nets.items()}
carried = {name: (m.delta_norm[0] / m.delta_norm[99]).item() for name, m in deep_nets.items()}

def who_holds(axes):
    labels = "variance of the activations, layer 100", "gradient, first / last layer"
    for ax, values, label in zip(axes, (variance, carried), labels):
        plots.draw_bars(ax, values, xlabel=label, log=True, form="{:.0e}", start=1)
    axes[1].set_yticklabels([])

show(who_holds, panels=2, size=(9, 4.6))
claim("C3.04", f"at sigma_w = 1 SELU holds a variance of {variance['selu']:.2f}; ReLU has "
      f"{variance['relu']:.0e}, GELU {variance['gelu']:.0e}", 0.5 < variance["selu"] < 2 and
      variance["relu"] < 1e-28 and variance["gelu"] < 1e-50)

# %% [markdown]
# ## Four conditions, each broken once
#
# SELU's promise holds under conditions: LeCun's weights (variance $1/n$), a plain chain of dense layers, standardized input, and
# AlphaDropout in the place of dropout. Fifty layers, the mean of three seeds. *Alike* is the mean cosine between two inputs.

# %% tags=["nbval-check-output"]
def alike(a):
    cosines = F.normalize(a, dim=1) @ F.normalize(a, dim=1).T
    return ((cosines.sum() - len(a)) / (len(a) ** 2 - len(a))).item()

broken = {
    "nothing": {}, "He": {"sigma_w": 2**0.5}, "calculate_gain": {"sigma_w": 0.75},
    "skip": {"skip": 1},
    "input: variance 0.2": {"start": 0.2}, "input: shifted by 3": {"shift": 3.0},
    "dropout 0.1": {"after": lambda a: F.dropout(a, 0.1)},
    "AlphaDropout 0.1": {"after": lambda a: F.alpha_dropout(a, 0.1, training=True)},
}
# %%
torch.manual_seed(0)
ends = {name: [through(activations.selu, 50, width=256, seed=seed, **how)[-1] for seed in range(3)]
        for name, how in broken.items()}
after = {name: sum(a.var().item() for a in three) / 3 for name, three in ends.items()}
cosine = {name: sum(map(alike, three)) / 3 for name, three in ends.items()}
held = [after[name] for name in ("nothing", "input: variance 0.2", "AlphaDropout 0.1")]
claim("C3.04", "SELU holds variance 1 (0.9 to 1.1) with nothing broken, from a variance of 0.2, "
      "and with AlphaDropout; He's weights, calculate_gain, a skip and dropout move it",
      0.9 < min(held) and max(held) < 1.1 and after["calculate_gain"] < 0.2 and
      1.3 < after["dropout 0.1"] < 2 and after["He"] > 50 and after["skip"] > 1e6)
# %% tags=["nbval-check-output"]
held, same = after["input: shifted by 3"], cosine["input: shifted by 3"]
claim("C3.04", f"a shifted input keeps the variance, {held:.2f}, and makes the samples alike, "
      f"{same:.2f}", 0.9 < held < 1.1 and same > 0.2)
advised = nn.init.calculate_gain("selu")
claim("C3.04", f"PyTorch's calculate_gain('selu') is {advised}, and SELU's own gain 1 (there: "
      "nonlinearity='linear')", advised == 0.75)

# %% [markdown]
# PyTorch's documentation says that its ¾ gives up the normalizing effect for a steadier gradient in rectangular layers.
#
# ## The slope of GELU

# %% tags=["nbval-check-output"]
z_line = torch.linspace(-6, 6, 60_001, dtype=torch.float64, requires_grad=True)
slopes = {name: torch.autograd.grad(f(z_line).sum(), z_line)[0]
          for name, f in (("GELU", F.gelu), ("SiLU", F.silu))}
low, high = slopes["GELU"].min().item(), slopes["GELU"].max().item()
at, least = z_line[slopes["GELU"].argmax()].item(), F.gelu(z_line).min().item()
claim("C3.05", f"GELU's slope lies in [{low:.4f}, {high:.4f}], reached at -+{at:.3f}; GELU's own "
      f"minimum is {least:.3f}", abs(low + 0.1289) < 1e-4 and abs(high - 1.1289) < 1e-4 and
      abs(at - 2**0.5) < 1e-3 and abs(least + 0.17) < 1e-3)
zero, steepest = [slope[30_001].item() for slope in slopes.values()], slopes["SiLU"].max().item()
claim("C3.08", f"just right of zero both slopes are a half ({zero[0]:.3f}, {zero[1]:.3f}); SiLU's "
      f"is at most {steepest:.4f}", max(abs(half - 0.5) for half in zero) < 1e-3 and
      abs(steepest - 1.0998) < 1e-4)
# %% tags=["nbval-check-output"]
gates = ("gelu", "silu", "mish")
back = [facts[name].back for name in gates]
steep = [(activations.get(name).slope(grid) > 1).double().mean().item() for name in gates]
left = share_left(MLP(100, activation="gelu", sigma_w=1.0))
claim("C3.11", "steeper than 1 on a fifth of [-6, 6] and more, and yet E[slope^2] is "
      f"{back[0]:.3f} and {back[1]:.3f}: with sigma_w = 1 the gradient of GELU vanishes",
      max(back) < 0.5 and min(steep) > 0.2 and left < 1e-10)

# %% [markdown]
# ## SwiGLU: what counts as fair
#
# Three matrices instead of two: a hidden width of $\frac83 d$ has as many parameters as a plain block with $4d$; at $4d$ it has half
# as many again. And does the lead of the lesson hold at a third of its rate, and for five times its budget?

# %%
def count(module):
    return sum(p.numel() for p in module.parameters())

shapes = {"plain": (192, F.relu), "8/3 d": (128, F.silu, True), "4 d": (192, F.silu, True)}
blocks = [chapter03.FeedForward(*how) for how in shapes.values()]
plain, narrow, wide = (count(block) - count(block.norm) for block in blocks)
claim("C3.07", f"parameters of a block: plain {plain:,}; SwiGLU of 8/3 d {narrow:,}, 4 d {wide:,}",
      plain == narrow == wide * 2 / 3)

# %%
def trained_blocks(how, steps, lr, seeds):
    """Loss over the last 20 steps, accuracy on unseen digits, means of the seeds; the last run."""
    losses, unseen = [], []
    for seed in seeds:
        torch.manual_seed(seed)
        net = chapter03.feed_forward_net(*how)
        run = fit(net, x.float(), y, steps=steps, lr=lr, optimizer="adam", live=False)
        losses.append(sum(run.loss[-20:]) / 20)
        unseen.append((net(x_test.float()).argmax(1) == y_test).double().mean().item())
    return sum(losses) / len(losses), sum(unseen) / len(unseen), run

# %%
relu_or_swiglu = (192, F.relu), (128, F.silu, True)
slow, fast = ([trained_blocks(how, 100, lr, range(3)) for how in relu_or_swiglu]
              for lr in (0.0003, 0.001))
(relu, *_), (swiglu, *_), (slow_relu, *_), (slow_swiglu, *_) = fast + slow
claim("C3.07", f"100 steps of Adam, three seeds: at a rate of 0.001 the loss is {relu:.3f} with "
      f"ReLU, {swiglu:.3f} with SwiGLU; at 0.0003 it is {slow_relu:.3f} and {slow_swiglu:.3f}",
      swiglu < relu and slow_relu < slow_swiglu, unless=[run for *_, run in fast + slow],
      only=("seed", "rate", "budget", "optimizer"))
# %%
both = [trained_blocks(how, 500, 0.001, range(2)) for how in relu_or_swiglu]
(_, relu, one), (_, swiglu, two) = both
claim("C3.07", "after 500 steps of Adam at 0.001 the mean of two seeds on unseen digits is "
      f"{relu:.1%} with ReLU and {swiglu:.1%} with SwiGLU", abs(relu - swiglu) < 0.015,
      unless=[one, two], only=("rate", "budget", "optimizer"))

# %% [markdown]
# ## The race
#
# Twenty layers of 64 units on 600 digits, each activation at its own gain, all at one rate (SGD, 0.003), three seeds each.

# %%
racing = ["tanh", "relu", "elu", "selu", "gelu", "silu"]
x32, y32, SEEDS = x[:600].float(), y[:600], 3

def stack_of(name):
    how = {"activation": name, "sigma_w": facts[name].gain, "dtype": torch.float32}
    return Stack(MLP(20, seed=seed, **how) for seed in range(SEEDS))

stacks = {name: stack_of(name) for name in racing}

def mean_loss(outputs, labels):                              # outputs (SEEDS, B, 10)
    losses = torch.stack([F.cross_entropy(own, labels) for own in outputs])
    return losses[losses.isfinite()].sum() / SEEDS           # one that overflows spares the others

# %%
@torch.no_grad()
def right(net, images=x32[:500], labels=y32[:500]):
    """Accuracy of each net, (SEEDS,); nan after an overflow."""
    outputs = net(images)
    share = (outputs.argmax(2) == labels).float().mean(1)
    return share.where(outputs.isfinite().flatten(1).all(1), torch.nan)

runs = race(stacks, x32, y32, steps=200, lr=0.003 * SEEDS, loss_fn=mean_loss,    # a mean of SEEDS
            record={"right": right}, every=50, title="Six activations, three nets of each")

# %%
early = {name: run.recorded["right"][:3][-1] for name, run in runs.items()}    # or where it stopped
late = {name: right(stack) for name, stack in stacks.items()}

def strips(axes):
    for ax, samples, title in zip(axes, (early, late), ("after 100 steps", "after 200 steps")):
        plots.draw_strips(ax, samples, xlabel="accuracy of each seed", missing="overflow",
                          limits=(0, 1.03))
        ax.set_title(title)
    axes[1].set_yticklabels([])

show(strips, panels=2, size=(9, 3.6))
# %%
e, l = ({name: row.nanmean().item() for name, row in samples.items()} for samples in (early, late))
lead = min(e["tanh"], e["elu"], e["selu"])
claim("C3.13", f"after 100 steps of SGD at 0.003 tanh, ELU and SELU lead ({lead:.0%} and more; "
      f"ReLU {e['relu']:.0%}, SiLU {e['silu']:.0%})", lead > e["relu"] > e["silu"],
      unless=runs, only=("rate", "budget", "optimizer"))
before, now = max(e.values()) - e["relu"], max(l.values()) - l["relu"]
claim("C3.13", f"after 200 steps of SGD at 0.003 the lead over ReLU has shrunk from {before:.0%} "
      f"to {now:.0%}", now < 0.7 * before, unless=runs, only=("rate", "budget", "optimizer"))

# %% [markdown]
# Why do tanh, ELU and SELU lead? Their level comes back, and that of GELU and SiLU runs away. Is it the level? Our pixels have mean
# square 1, so that the first $z$ of GELU has 2.4. A start at $q = 1$ does not help it:

# %%
def first_z_at_one(name, seed):
    net = MLP(20, activation=name, sigma_w=facts[name].gain, seed=seed, dtype=torch.float32)
    with torch.no_grad():
        net.hidden[0].weight /= facts[name].gain
    return net

starts = {seed: first_z_at_one("gelu", seed) for seed in range(3)}
at_one = race(starts, x32, y32, steps=100, lr=0.003, live=False)
rescaled = sum(run.accuracy for run in at_one.values()) / 3
claim("C3.13", f"GELU after 100 steps of SGD at 0.003: {e['gelu']:.0%}; with a first z of mean "
      f"square 1 {rescaled:.0%}", rescaled < e["gelu"] + 0.05,
      unless=at_one, only=("rate", "budget", "optimizer"))

# %% [markdown]
# ## The price of a bend
#
# Now equalize the level in every layer, by a layer norm, for all of them. If the level were the reason, the lead would be gone.
# It is not. What orders them is the **bend**: the straighter an activation is, the faster twenty plain layers learn. The picture has
# seven activations, and three of them again without their mean ("− m").

# %%
def mean_and_bend(name, c):
    phi = activations.get(name)
    square, mean = meanfield.gaussian_mean(lambda z: (phi.value(z) - c) ** 2), means[name] - c
    return meanfield.gaussian_mean(lambda z: phi.slope(z) ** 2) / square - 1 + mean**2 / square

# %%
entrants = {name: (name, 0.0) for name in ("relu", "gelu", "silu", "elu", "selu", "tanh")}
entrants |= {f"{name} − m": (name, means[name]) for name in ("relu", "gelu", "silu", "softplus")}
bend = {word: mean_and_bend(*how) for word, how in entrants.items()}
equal = {(word, seed): shifted_net(20, *how, seed=seed, norm="layer")
         for word, how in entrants.items() for seed in range(2)}
with_level = race(equal, x32, y32, steps=60, lr=0.01, title="The same level for all", live="bar")
learnt = {word: sum(with_level[word, seed].accuracy for seed in range(2)) / 2 for word in entrants}

# %%
def price(ax):
    for word in entrants:
        ax.plot(bend[word], learnt[word], "o", color="C0")
        place = {"elu": (-12, -14), "softplus − m": (6, -8)}.get(word, (5, 5))
        ax.annotate(word, (bend[word], learnt[word]), xytext=place, textcoords="offset points")
    ax.set(xlabel="bend", ylabel="accuracy after 60 steps", xlim=(0.04, 0.54), ylim=(0.2, 1.05))

show(price, size=(8, 4))
# %%
pairs = torch.tensor([[bend[word], learnt[word]] for word in entrants])
together = torch.corrcoef(pairs.T)[0, 1].item()
claim("C3.16", "with the level equalized, bend and what is learned go together in twenty layers: "
      f"correlation {together:.2f}", together < -0.7, unless=with_level)
bare, relu = learnt["relu − m"], learnt["relu"]
claim("C3.16", f"ReLU minus its mean is worse than ReLU: {bare:.0%} against {relu:.0%} at the end",
      bare < relu, unless=with_level)

# %% [markdown]
# So a bend costs speed, in deep plain chains. Softplus *with* its mean is not in the picture: it has the smallest bend of all but the
# sigmoid, and with a layer norm it did not learn (above), because its mean wins. And mean 0 is no aim in itself: ReLU without its mean
# has a bend of 0.47 and a $\chi$ of 1.47. Its mean and its bend need each other.
#
# Papers that report steady gains of GELU or SwiGLU measure on language models of more than a thousand times this size, with skips and
# norms; we can neither confirm nor deny those.
#
# ## Sources
#
# - Maas, Hannun, Ng 2013, *Rectifier nonlinearities improve neural network acoustic models*, ICML workshop (leaky ReLU)
# - He et al. 2015, *Delving deep into rectifiers*, ICCV (PReLU)
# - LeCun, Bottou, Orr, Müller 1998, *Efficient BackProp* (activations with mean 0)
# - Clevert, Unterthiner, Hochreiter 2016, *Fast and accurate deep network learning by exponential linear units*, ICLR
# - Hendrycks, Gimpel 2016, *Gaussian error linear units*, arXiv 1606.08415 (GELU; SiLU)
# - Klambauer, Unterthiner, Mayr, Hochreiter 2017, *Self-normalizing neural networks*, arXiv 1706.02515 (SELU)
# - Ramachandran, Zoph, Le 2017, *Searching for activation functions*, arXiv 1710.05941 (Swish)
# - Elfwing, Uchibe, Doya 2018, *Sigmoid-weighted linear units*, Neural Networks 107
# - Misra 2019, *Mish*, arXiv 1908.08681; Barron 2021, *Squareplus*, arXiv 2112.11687
# - Shazeer 2020, *GLU variants improve Transformer*, arXiv 2002.05202 (SwiGLU, GEGLU)
# - Vaswani et al. 2017, *Attention is all you need*, arXiv 1706.03762
