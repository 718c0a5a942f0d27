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

# %% [markdown] slideshow={"slide_type": "slide"}
# # 3 · The \*LU family: which bend at zero, and why?
#
# **In one sentence:** all successors of ReLU approach a straight line on the right and differ in what they do around
# zero and left of it, and three numbers computed from the formula tell what that does to a deep net.
#
# *45 minutes, or 20 without the exercises. You need: chapter 1 ($\chi$, the factor of the squared gradient per layer)
# and chapter 2 (dead units).*

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Say: A dozen functions want to be the next ReLU. Today we measure what is different about them.

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, Stack, activations, chapter03, clinic, datasets, diagnose, explore, meanfield
from utils import measure, plots, predict, quiz, race, show

# %% slideshow={"slide_type": "skip"}
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()
names = [name for name in activations.ACTIVATIONS if name != "identity"]
print(f"{len(names)} activations:", ", ".join(names))

# %% [markdown] slideshow={"slide_type": "skip"}
# ## See it: the atlas
#
# ReLU lets the gradient through on one half of the axis and stops it on the other. Everything that came after it tries
# to keep the first and mend the second.

# %% [markdown] slideshow={"slide_type": "slide"}
# All at a glance: the value (solid) and the slope (dashed), which is what the gradient meets.

# %% tags=["slide-tall"]
def gallery(axes):
    z = torch.linspace(-4, 4, 401, dtype=torch.float64)
    for ax, name in zip(axes.flat, names):
        phi = activations.get(name)
        plots.draw_lines(ax, {"value": phi.value(z), "slope": phi.slope(z)}, z, xlabel="z", ylabel="", markers=False,
                         limits=(-1.9, 2.6))
        ax.set(title=name, xticks=(-3, 0, 3))
        ax.label_outer()
        ax.get_legend().remove()
    return "Solid: the value. Dashed: the slope."

show(gallery, panels=(3, 4), size=(8.4, 4.7))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Ask: What do all of those have in common that came after ReLU, and where do they differ?
# Expect: the right side is a line; the left differs.
# Answer: a leak, a floor or a dip on the left.

# %% [markdown] slideshow={"slide_type": "skip"}
# Sigmoid and tanh level off on both sides, the others on one or none. Mind the three manners on the left: a *leak*
# (leaky, PReLU), a *floor* (ELU, SELU), and a *dip* (GELU, SiLU, Mish), which also bends the right side a little. Now
# two at a time, larger; above the value, below the slope.

# %% [markdown] slideshow={"slide_type": "slide"}
# *Try:* (1) relu against leaky_relu, then elu: which of the two has a floor? (2) gelu against silu: find the place
# where the value *falls*. (3) selu: how steep is it just left of zero?

# %% tags=["slide-tall"]
def atlas(axes, first="relu", second="gelu"):
    z = torch.linspace(-5, 5, 1001, dtype=torch.float64)
    chosen = {name: activations.get(name) for name in (first, second)}
    values, slopes = ({name: getattr(phi, part)(z) for name, phi in chosen.items()}
                      for part in ("value", "slope"))
    plots.draw_lines(axes[0], values, z, xlabel="", ylabel="value φ(z)", markers=False, limits=(-2, 4))
    plots.draw_lines(axes[1], slopes, z, xlabel="pre-activation z", ylabel="slope φ′(z)",
                     markers=False, limits=(-0.3, 1.9))
    told = [f"{name}: slope from {s.min():.2f} to {s.max():.2f}, gain {meanfield.gain(name):.2f}"
            for name, s in slopes.items()]
    return "; ".join(told) + "."

explore(atlas, panels=(2, 1), size=(9, 5.6), first=names, second=names)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: elu against leaky_relu, then gelu against silu, then selu.
# Ask: Which of these is steeper than 1, and where?
# Expect: none, since ReLU's slope is 1.
# Misconception: 1 is the largest slope that an activation can have.
# Answer: selu just left of zero, 1.76; gelu, silu and mish on the right.

# %% [markdown] slideshow={"slide_type": "skip"}
# Now the facts, and not from a textbook: each number below is computed from the formula. The range of the slope and
# where it is reached (the point nearest to zero; `inf`: only approached); whether the slope is continuous (`smooth`)
# and the value never falls (`rises`); and three numbers that you know how to read.

# %% [markdown] slideshow={"slide_type": "slide"}
# - **gain** $= 1/\sqrt{E[\phi(Z)^2]}$ with $Z \sim N(0, 1)$: the $\sigma_w$ that keeps the mean square of $z$ at 1.
# - **back** $= E[\phi'(Z)^2]$: the mean squared slope.
# - $\chi$ = gain² · back: what one layer does to the squared gradient *if* $z$ is held at 1.

# %% tags=["claim-C3.10", "slide-output"]
grid = torch.linspace(-6, 6, 12_001, dtype=torch.float64)
facts = {name: meanfield.facts(name) for name in names}
smooth = {name: activations.get(name).slope(grid).diff().abs().max().item() < 0.01 for name in names}
rises = {name: activations.get(name).value(grid).diff().min().item() >= 0 for name in names}
print("            least slope @ z   steepest @ z     smooth rises  gain    back    chi")
for name, f in facts.items():
    print(f"{name:11} {f.least:7.4f} @ {f.least_at:6.3f}  {f.steepest:6.4f} @ {f.steepest_at:6.3f}"
          f"  {'yes' if smooth[name] else 'no':6} {'yes' if rises[name] else 'no':5}"
          f" {f.gain:6.4f}  {f.back:6.4f}  {f.chi:6.4f}")
assert [name for name in names if not rises[name]] == ["gelu", "gelu_tanh", "silu", "mish"]
assert [name for name in names if not smooth[name]] == ["relu", "leaky_relu", "prelu", "selu"]
assert abs(facts["selu"].gain - 1) < 1e-6 and facts["sigmoid"].chi < 0.2 < facts["softplus"].chi < 0.4
assert all(0.99 < facts[name].chi < 1.08 for name in names if name not in ("sigmoid", "tanh", "softplus"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 2
# Say: Read the last column first: chi at the gain. All but sigmoid, tanh and softplus lie between 1 and 1.08.
# Ask: Where in this table is the risk of vanishing?
# Expect: someone reads it off the slope.
# Answer: there is no such number but chi.

# %% [markdown] slideshow={"slide_type": "skip"}
# Read the last column first. Sigmoid and softplus lose most of the squared gradient in every layer, tanh gains 18 %,
# and **all the others lie between 1 and 1.08**. That is the family's common secret, and a first hint that the
# choice within it may matter less than its fans believe.
#
# (A popular version of this table has a column "risk of vanishing: low, medium, high". There is no such number. It is
# an opinion, or it is $\chi$.)
#
# ## By hand
#
# Three ways to mend the left side. **A leak**: a line with a small slope, fixed (Leaky ReLU) or learnt (PReLU).

# %% slideshow={"slide_type": "skip"}
def leaky_relu(z, alpha=0.01):
    return torch.where(z > 0, z, alpha * z)

def apart(ours, theirs):                                     # the largest difference
    return (ours - theirs).abs().max().item()

z = torch.linspace(-6, 6, 2001, dtype=torch.float64)
assert apart(leaky_relu(z), F.leaky_relu(z)) < 1e-12
assert apart(leaky_relu(z, 0.25), nn.PReLU().double()(z)) < 1e-12                # 0.25: PReLU's start

# %% [markdown] slideshow={"slide_type": "skip"}
# **A floor**: an exponential that levels off at $-\alpha$. ELU takes $\alpha = 1$; SELU multiplies the whole by
# $\lambda$, with two odd-looking constants that we shall find a reason for.

# %% tags=["claim-C3.03"] slideshow={"slide_type": "skip"}
def elu(z, alpha=1.0):
    return torch.where(z > 0, z, alpha * (torch.exp(z) - 1))

def selu(z, lam=1.0507009873554805, alpha=1.6732632423543772):
    return lam * elu(z, alpha)

from_torch = apart(elu(z, 1.6), F.elu(z, 1.6)), apart(selu(z), F.selu(z))
floor = {alpha: elu(torch.tensor(-40.0), alpha).item() for alpha in (0.5, 1.0, 2.0)}
just_left = {alpha: activations.elu_slope(torch.tensor(-1e-6), alpha).item() for alpha in (0.5, 1.0, 2.0)}
print("ELU's floor:", floor, " slope just left of zero:", {a: round(s, 3) for a, s in just_left.items()})
assert max(from_torch) < 1e-12 and all(abs(floor[alpha] + alpha) < 1e-6 for alpha in floor)
assert just_left[0.5] < just_left[1.0] <= 1 < just_left[2.0]

# %% [markdown] slideshow={"slide_type": "skip"}
# "ELU's slope lies in (0, 1]" is true for $\alpha \le 1$ only: just left of zero it is $\alpha$, and only with
# $\alpha = 1$ is there no jump.
#
# **A gate**: $z$ times a number between 0 and 1 that depends on $z$ itself. GELU asks the normal distribution
# function $\Phi$, Swish a sigmoid, Mish a tanh of a softplus.

# %% tags=["claim-C3.05", "claim-C3.06"] slideshow={"slide_type": "skip"}
def gelu(z):
    return z * (1 + torch.erf(z / 2**0.5)) / 2

def gelu_tanh(z):
    return z * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (z + 0.044715 * z**3))) / 2

def swish(z, beta=1.0):
    return z / (1 + torch.exp(-beta * z))

from_torch = [apart(gelu(z), F.gelu(z)), apart(gelu_tanh(z), F.gelu(z, approximate="tanh")),
              apart(swish(z), F.silu(z))]
gap, lowest, where = apart(gelu(z), gelu_tanh(z)), swish(z).min().item(), z[swish(z).argmin()].item()
print(f"GELU and its tanh form differ by {gap:.1e} at most; SiLU's minimum is {lowest:.4f} at z = {where:.3f}")
assert max(from_torch) < 1e-12 and 4e-4 < gap < 4.8e-4
assert abs(lowest + 0.2785) < 1e-4 and abs(where + 1.2785) < 5e-3

# %% slideshow={"slide_type": "skip"}
def softplus(z):
    return torch.log(1 + torch.exp(z))

def mish(z):
    return z * torch.tanh(softplus(z))

assert apart(softplus(z), F.softplus(z)) < 1e-12 and apart(mish(z), F.mish(z)) < 1e-12

# %% [markdown] slideshow={"slide_type": "skip"}
# A word on credit: SiLU is usually attributed to the Swish paper of 2017. It stands already in the GELU paper of
# 2016, and Elfwing et al. studied it independently.

# %% [markdown] slideshow={"slide_type": "slide"}
# Swish has a knob. *Try:* (1) $\beta = 0$: what is left? (2) $\beta = 10$: whom does it resemble? (3) At which
# $\beta$ is it hard to tell from GELU (choose it as the companion)?

# %%
def swish_by_beta(axes, beta=1.0, companion="relu"):
    z = torch.linspace(-4, 4, 401, dtype=torch.float64)
    other, f, slope = activations.get(companion), swish(z, beta), activations.silu_slope(z, beta)
    plots.draw_lines(axes[0], {"Swish": f, companion: other.value(z)}, z, xlabel="z", ylabel="value",
                     markers=False, limits=(-2, 4))
    plots.draw_lines(axes[1], {"Swish": slope, companion: other.slope(z)}, z, xlabel="z",
                     ylabel="slope", markers=False, limits=(-0.3, 1.3))
    gap = apart(f, other.value(z))
    return f"Swish with beta = {beta:.1f} is {gap:.2f} or less away from {companion}; its minimum is {f.min():.2f}."

explore(swish_by_beta, panels=2, beta=(0.0, 10.0, 0.1), companion=["relu", "gelu", "identity"])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Do: beta to 0, to 10, and to 1.7 with gelu as the companion.
# Say: From half the identity to ReLU on one knob; on the way it is GELU.

# %% tags=["claim-C3.06"] slideshow={"slide_type": "skip"}
linear, to_gelu = apart(swish(z, 0.0), z / 2), apart(swish(z, 1.702), gelu(z))
to_relu = {beta: apart(swish(z, beta), F.relu(z)) for beta in (1, 10, 100)}
print(f"to z/2 at beta 0: {linear}; to ReLU:", {b: round(gap, 4) for b, gap in to_relu.items()},
      f"; to GELU at beta 1.702: {to_gelu:.3f}")
assert linear == 0 and to_gelu < 0.03
assert all(abs(beta * gap - to_relu[1]) < 1e-3 for beta, gap in to_relu.items())

# %% [markdown] slideshow={"slide_type": "skip"}
# From half the identity to ReLU, on one knob; the distance to ReLU is $0.2785/\beta$. At $\beta = 1.702$ Swish is
# GELU to within 0.02: the two are the same idea.
#
# ## A leak saves the unit, not the path
#
# A leaky unit never dies, because its slope is never zero. Does that save the gradient? Follow *one path* through
# five leaky units that all are on their negative side.

# %% slideshow={"slide_type": "slide"}
def negative_path(ax, alpha=0.01, guess=None):
    left = torch.full((6,), alpha, dtype=torch.float64) ** torch.arange(5, -1, -1)
    caption = plots.draw_by_layer(ax, left, guess=guess, quantity="gradient along the path")
    ax.set(xlim=(0.5, 6.5), ylim=(1e-11, 10))
    return caption

predict("Five leaky ReLUs (0.01), all on the negative side: how much of the gradient is left at layer 1?",
        negative_path, guess=[("0.05", 0.05), ("0.01", 0.01), ("1e-5", 1e-5), ("1e-10", 1e-10)], right=chapter03.RIGHT["negative side"])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 3
# Ask: Five leaky units, all on their negative side. How much of the gradient gets through?
# Expect: 0.05 and 0.01.
# Misconception: a leak saves the gradient; and factors are added.
# Answer: 1e-10, a product. The leak saves the unit, not the path.

# %% [markdown] slideshow={"slide_type": "skip"}
# And what autograd says:

# %% tags=["claim-C3.01"] slideshow={"slide_type": "skip"}
h = start = torch.tensor([-1.0], dtype=torch.float64, requires_grad=True)
for _ in range(5):
    h = F.leaky_relu(h, 0.01)                                # negative stays negative
(left,) = torch.autograd.grad(h, start)
print(f"gradient through five negative units: {left.item():.1e}")
assert 0.99e-10 < left.item() < 1.01e-10

# %% [markdown] slideshow={"slide_type": "skip"}
# As good as nothing. Along a negative path a leaky net vanishes like any other, and faster than a sigmoid. The leak
# has another use: it keeps a way *back* for the unit. The gradient of a whole net is a sum over all paths, and most
# of it flows where units are active: back = 0.5000 for ReLU, 0.50005 for the leaky one.

# %% [markdown] slideshow={"slide_type": "slide"}
# **PReLU** lets the data choose the leak, starting from 0.25. Watch what twenty layers choose, in five nets.

# %% tags=["claim-C3.02"] slideshow={"slide_type": "skip"}
learners = {f"net {seed}": MLP(20, activation="prelu", sigma_w=meanfield.gain("prelu"), seed=seed) for seed in range(5)}
before = torch.cat([phi.weight for phi in learners["net 0"].phi]).detach().clone()         # (20,)
learning = race(learners, x, y, steps=300, lr=0.005, title="PReLU learns its slopes",
                record={"slopes": lambda net: torch.cat([phi.weight for phi in net.phi])})
stopped = any(run.stopped for run in learning.values())
slopes = {name: run.recorded["slopes"] for name, run in learning.items()}                  # (records, 20) each
final = torch.stack([records[-1] for records in slopes.values()])                          # (5, 20)
first_five, last_five = final[:, :5].mean().item(), final[:, -5:].mean().item()
print(f"all start at {before.min():.2f} and end between {final.min():.2f} and {final.max():.2f}, mean {final.mean():.2f}")
print(f"layers 1 to 5: {first_five:.2f}; layers 16 to 20: {last_five:.2f}")
assert (before == 0.25).all()
assert stopped or (final.std() > 0.04 and final.mean() > 0.25 and last_five > first_five)

# %%
def learnt_slopes(axes):
    shown = {f"layer {l + 1}": slopes["net 0"][:, l] for l in (0, 9, 19)}
    plots.draw_lines(axes[0], shown, learning["net 0"].recorded_steps, xlabel="step", ylabel="slope below zero",
                     markers=False, limits=(-0.1, 0.65))
    plots.draw_bundle(axes[1], final, range(1, 21), xlabel="layer", ylabel="slope below zero", limits=(-0.1, 0.65))
    axes[0].set_title("one net, learning")
    axes[1].set_title("five nets, at the end")

show(learnt_slopes, panels=2, size=(8.4, 3.4))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Say: PReLU chooses its leak. They start at 0.25 and spread out, each net in its own way; single nets scatter more than any rule that one could read off.

# %% [markdown] slideshow={"slide_type": "skip"}
# They spread out, each net in its own way, and hardly any goes to zero, which would be ReLU. He et al. report the
# largest slopes in the *first* layers of their image nets. We do not see that: single layers scatter, and on average
# it is the later layers that take a little more. What holds for a convolutional net on photographs need not hold for a
# chain of dense layers on digits.
#
# ## One hundred layers
#
# Now the test that separates them. The same weights for all, $w \sim N(0, 1/n)$ (LeCun's, $\sigma_w = 1$), 100
# layers. Predict first: whose signal is still there at the end?

# %% slideshow={"slide_type": "slide"}
deep = {name: measure(MLP(100, activation=name, sigma_w=1.0), x[:64], y[:64]) for name in names}
variance = {name: (m.activation_std[99] ** 2).item() for name, m in deep.items()}
carried = {name: (m.delta_norm[0] / m.delta_norm[99]).item() for name, m in deep.items()}

def who_holds(axes, guess=None):
    marks = () if guess is None else (guess,)
    plots.draw_bars(axes[0], variance, xlabel="variance of the activations, layer 100", log=True, marks=marks,
                    form="{:.0e}", start=1)
    plots.draw_bars(axes[1], carried, xlabel="gradient, first / last layer", log=True, marks=marks, form="{:.0e}",
                    start=1)
    axes[1].set_yticklabels([])
    return f"A bar is what is lost or won, from 1. Closest to variance 1: {min(variance, key=lambda n: abs(variance[n] - 1))}."

predict("Whose variance is closest to 1 after 100 layers at sigma_w = 1? (Your guess will be hatched.)", who_holds,
        guess=["tanh", "relu", "elu", "selu", "gelu", "mish"], right=chapter03.RIGHT["100 layers"], panels=2, size=(9, 5))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 3
# Ask: 100 layers, the same LeCun weights for all. Whose variance is still near 1? Hands for each.
# Expect: gelu or relu, the best known.
# Misconception: the most popular activation is the most stable.
# Answer: selu. ReLU has lost 33 decades and GELU 60; at these weights, not in general.

# %% [markdown] slideshow={"slide_type": "subslide"}
# And on the way there? One curve for each kind (leaky ReLU and PReLU run with ReLU, SiLU with GELU):

# %%
def on_the_way(axes):
    kinds = ("sigmoid", "tanh", "relu", "elu", "selu", "gelu", "softplus", "mish")
    layers = torch.arange(0, 100, 9)
    signal = {name: deep[name].activation_std[layers] ** 2 for name in kinds}
    gradient = {name: deep[name].delta_norm[layers] / deep[name].delta_norm[99] for name in kinds}
    plots.draw_lines(axes[0], signal, layers + 1, xlabel="layer", ylabel="variance of the activations", log=True)
    plots.draw_lines(axes[1], gradient, layers + 1, xlabel="layer", ylabel="gradient, relative to layer 100", log=True)
    axes[0].legend(loc="lower left", labelspacing=0.15, fontsize="small")
    axes[1].get_legend().remove()

show(on_the_way, panels=2, size=(9, 4))
print("variance:", ", ".join(f"{name} {value:.0e}" for name, value in variance.items()))
print("gradient:", ", ".join(f"{name} {value:.0e}" for name, value in carried.items()))
assert variance["relu"] < 1e-28 and variance["gelu"] < 1e-50 and carried["sigmoid"] < 1e-50
assert 0.5 < variance["selu"] < 2 and 1 < carried["selu"] < 1000 and 1e-5 < variance["elu"] < 1e-2

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Say: Straight lines: a constant factor a layer. Tanh and ELU bend, since a small signal meets a slope near 1.

# %% [markdown] slideshow={"slide_type": "skip"}
# Straight lines on a log axis: ReLU's signal is down by more than 30 orders of magnitude and GELU's by 60. Their outputs
# are too small for these weights, and it multiplies. Sigmoid and softplus settle at levels of their own, but look at
# what their gradient does. Tanh and ELU bend: they lose ever less, as a small signal meets a slope near 1. One function
# holds the level at 1 and its gradient within two orders: **SELU**. And **ELU**, which you will find described as
# "self-normalizing"? The paper that coined the word is SELU's. Measure, with wider layers and three seeds:

# %% tags=["claim-C3.03"] slideshow={"slide_type": "skip"}
def through(phi, depth, width=512, sigma_w=1.0, seed=0, start=1.0, after=lambda a: a, skip=0, shift=0.0):
    generator = torch.Generator().manual_seed(seed)
    a = [shift + start**0.5 * torch.randn(128, width, generator=generator)]
    for _ in range(depth):
        W = sigma_w * torch.randn(width, width, generator=generator) / width**0.5
        a.append(skip * a[-1] + after(phi(a[-1] @ W)))
    return a                                                 # depth + 1 tensors (128, width)

for name in ("elu", "selu"):
    for seed in range(3):
        variances = [a.var().item() for a in through(activations.get(name).value, 100, seed=seed)]
        at = {depth: variances[depth] for depth in (1, 10, 30, 100)}
        print(f"{name}, seed {seed}: variance " + ", ".join(f"{v:.4f} at {d}" for d, v in at.items()))
        assert (0.9 < at[100] < 1.1) if name == "selu" else (at[1] > 0.5 and at[30] < 0.02 and at[100] < 0.002)

# %% [markdown] slideshow={"slide_type": "skip"}
# 0.6 after one layer, 0.06 after ten, below 0.001 after a hundred: ELU keeps the *mean* near zero, which helps, but
# at these weights its variance sinks towards 0. What holds SELU's at 1?
#
# ## A level that holds itself
#
# The variance $q$ of $z$ in layer $l+1$ is a function of that in layer $l$: $q \mapsto \sigma_w^2 E[\phi(\sqrt q
# Z)^2]$. The gain makes $q = 1$ a *fixed point*, for any activation. But will a signal that is a little off come
# back? That is decided by the slope of this map at 1. Below one, the error shrinks in every layer: an **attractor**.
# Above one, it grows: a pencil on its tip.

# %% tags=["claim-C3.04"] slideshow={"slide_type": "skip"}
def pull(name, step=1e-3):
    gain = meanfield.gain(name)
    return (meanfield.q_map(name, 1 + step, gain) - meanfield.q_map(name, 1 - step, gain)) / (2 * step)

pulls = {name: pull(name) for name in names}
for word, low, high in (("comes back", 0, 0.99), ("stays off", 0.99, 1.01), ("runs away", 1.01, 9)):
    print(f"{word:10}:", ", ".join(f"{n} {p:.2f}" for n, p in pulls.items() if low <= p < high))
assert pulls["selu"] < pulls["elu"] < 0.95 and all(abs(pulls[n] - 1) < 1e-3 for n in ("relu", "leaky_relu", "prelu"))
assert min(pulls[name] for name in ("gelu", "silu", "mish")) > 1.05

# %% [markdown] slideshow={"slide_type": "skip"}
# Three temperaments. See each of them, at its own gain, from a wrong start.

# %% [markdown] slideshow={"slide_type": "slide"}
# *Try:* (1) SELU from 0.2 and from 10. (2) ReLU: theory stays where it began; what does the measurement do, and why?
# (3) GELU from 2 and from 0.3. What would a deep net need that is made of it?

# %%
def level(ax, activation="selu", start=3.0):
    gain, phi = meanfield.gain(activation), activations.get(activation).value
    a = through(phi, 50, width=128, sigma_w=gain, start=start / gain**2)
    measured = gain**2 * torch.stack([signal.square().mean() for signal in a])       # of the next z
    predicted = meanfield.q_trajectory(activation, start, 51, gain)
    plots.draw_by_layer(ax, measured, predicted, quantity="q, mean square of z")
    ax.set(ylim=(1e-5, 1e5), xlabel="layer")
    return f"{activation} from {start:.1f}: {measured[-1]:.2g} after 50 layers, theory {predicted[-1]:.2g}."

explore(level, activation=["selu", "elu", "tanh", "relu", "gelu", "silu", "mish"], start=(0.1, 10.0, 0.1))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 2
# Do: selu from 0.2 and from 10; relu; gelu from 2 and from 0.3.
# Ask: Each has the right weights. Which of them comes back from a wrong start?
# Expect: all, since the weights are right.
# Misconception: a fixed point holds what comes near it.
# Answer: selu, elu and tanh come back; relu stays and wanders; gelu, silu and mish run away.

# %% [markdown] slideshow={"slide_type": "skip"}
# SELU comes back from everywhere on this slider. So does ELU, if you give it *its* gain of 1.25; SELU's merit is that
# it needs no correction. ReLU has no opinion: on average it stays where it was put, and since nothing corrects the small
# accidents of each random matrix, it wanders (less in wider layers). GELU, SiLU and Mish run off, up or down. Their
# gain is good for a few layers, not for a hundred, so deep nets made of them need something that resets the level,
# such as the layer norm of every Transformer.
#
# SELU's two constants are no magic, then: they are *solved for*, such that mean 0 and variance 1 are a fixed point at
# $\sigma_w = 1$. Over several seeds:

# %% tags=["claim-C3.04"] slideshow={"slide_type": "skip"}
for start in (0.2, 3.0):
    ends = [through(activations.selu, 50, width=256, seed=seed, start=start)[-1] for seed in range(3)]
    variances, means = [a.var().item() for a in ends], [a.mean().item() for a in ends]
    print(f"from variance {start}: {[round(v, 2) for v in variances]}, means {[round(m, 2) for m in means]}")
    assert all(0.9 < v < 1.12 for v in variances) and all(abs(m) < 0.08 for m in means)
W = nn.init.kaiming_normal_(torch.empty(400, 400), nonlinearity="linear",
                            generator=torch.Generator().manual_seed(0))
spread, advised = W.std().item() * 400**0.5, nn.init.calculate_gain("selu")
print(f"LeCun's weights in PyTorch: sigma_w = {spread:.2f}; calculate_gain('selu') = {advised}")
assert 0.98 < spread < 1.02 and advised == 0.75

# %% [markdown] slideshow={"slide_type": "skip"}
# A trap in the last line: PyTorch's `calculate_gain("selu")` is ¾. Its documentation says that this gives up the
# normalizing effect for a steadier gradient in rectangular layers. SELU's own gain is 1, in PyTorch
# `nonlinearity="linear"`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Four conditions, each broken once
#
# The promise of SELU holds under conditions: LeCun's weights, a plain chain of dense layers, standardized input, and
# AlphaDropout in place of dropout. Fifty layers, three seeds each:

# %% slideshow={"slide_type": "skip"}
def alike(a):                                                # mean cosine between two different samples
    cosines = F.normalize(a, dim=1) @ F.normalize(a, dim=1).T
    return ((cosines.sum() - len(a)) / (len(a) ** 2 - len(a))).item()

broken = {"nothing broken": {}, "weights: He": {"sigma_w": 2**0.5}, "weights: calculate_gain": {"sigma_w": 0.75},
          "chain: a skip around each layer": {"skip": 1}, "input: shifted by 3": {"shift": 3.0},
          "dropout 0.1": {"after": lambda a: F.dropout(a, 0.1)},
          "AlphaDropout 0.1": {"after": lambda a: F.alpha_dropout(a, 0.1, training=True)}}
torch.manual_seed(0)
ends = {name: [through(activations.selu, 50, width=256, seed=seed, **how)[-1] for seed in range(3)]
        for name, how in broken.items()}

# %% tags=["claim-C3.04", "slide-output"]
after_50 = {name: sum(a.var().item() for a in three) / 3 for name, three in ends.items()}
cosine = {name: sum(map(alike, three)) / 3 for name, three in ends.items()}
for name in broken:
    print(f"{name:32} variance {after_50[name]:8.2g}   two samples alike: {cosine[name]:5.2f}")
assert all(0.9 < after_50[name] < 1.1 for name in ("nothing broken", "AlphaDropout 0.1"))
assert after_50["weights: calculate_gain"] < 0.2 and 1.3 < after_50["dropout 0.1"] < 2
assert after_50["weights: He"] > 50 and after_50["chain: a skip around each layer"] > 1e6
assert 0.9 < after_50["input: shifted by 3"] < 1.1 and cosine["input: shifted by 3"] > 0.2

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Ask: SELU's four conditions, each broken once. Which is the subtle one?
# Expect: dropout.
# Answer: the shifted input. The variance is perfect, and different samples look alike.

# %% [markdown] slideshow={"slide_type": "skip"}
# Wrong weights move the level, a skip makes it explode, and ordinary dropout lifts it in every layer anew, until the
# pull and the push balance above 1. The input is the subtle one. Its *scale* is repaired (that is what an attractor
# does), and the variance in the table looks perfect. But a common shift makes all samples alike: after 50 layers two
# *different* samples still point into similar directions. The level is right, and what it carries is poorer.
#
# ## What the literature says: GELU's slope, and slopes above one
#
# One popular article gives GELU's slope the range $[-0.17, 1.08]$. Another says that the slope of GELU and SiLU is
# about 1 for $z > 0$. Ask autograd.

# %% tags=["claim-C3.05", "claim-C3.08"] slideshow={"slide_type": "skip"}
z_line = torch.linspace(-6, 6, 60_001, dtype=torch.float64, requires_grad=True)
for name, f in (("GELU", F.gelu), ("SiLU", F.silu)):
    value = f(z_line)
    (slope,) = torch.autograd.grad(value.sum(), z_line)
    low, high, at_zero = slope.min().item(), slope.max().item(), slope[30_001].item()
    print(f"{name}: slope from {low:.4f} at {z_line[slope.argmin()]:.3f} to {high:.4f} at "
          f"{z_line[slope.argmax()]:.3f}; {at_zero:.3f} just right of zero; smallest value {value.min():.4f}")
    assert abs(at_zero - 0.5) < 1e-3                         # one half, not one
    if name == "GELU":
        assert abs(low + 0.1289) < 1e-4 and abs(high - 1.1289) < 1e-4 and abs(slope.argmax() - 37_071) < 2
    else:
        assert abs(high - 1.0998) < 1e-4

# %% [markdown] slideshow={"slide_type": "slide"}
# The true range of GELU's slope is $[-0.1289, 1.1289]$, reached at $\mp\sqrt2$. The $-0.17$ is the minimum of GELU
# *itself*, mistaken for that of its slope. And at $0^+$ both slopes are **one half**; they pass 1 on the way and come
# back to it from above.
#
# A slope above one: must it explode? Not by itself. What counts is the *mean square* over all $z$, times the weights:

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Say: The -0.17 of the articles is the minimum of GELU itself, taken for that of its slope. And a slope above one does not explode: the mean square counts.

# %% tags=["claim-C3.11", "slide-output"]
for name in ("gelu", "silu", "mish"):
    steep = (activations.get(name).slope(grid) > 1).double().mean().item()
    print(f"{name}: steeper than 1 on {steep:.0%} of [-6, 6]; E[slope²] = {facts[name].back:.3f} at q = 1; "
          f"chi {facts[name].back:.2f} with sigma_w = 1, {facts[name].chi:.2f} at its gain")
    assert facts[name].back < 0.5 and steep > 0.2
assert carried["gelu"] < 1e-10                               # the net of 100 layers above: it vanishes

# %% [markdown] slideshow={"slide_type": "skip"}
# With $\sigma_w = 1$ the GELU net vanished, although its slope exceeds one. With the gain, $\chi = 1.07$: the
# gradient grows by 3.5 % a layer in norm, harmless over ten layers and, if the level held, a factor of 30 over a
# hundred.
#
# ## Gates that are learnt: SwiGLU
#
# GELU and SiLU multiply $z$ by a gate made of $z$. **SwiGLU** gives the gate a matrix of its own:
#
# $$\mathrm{SwiGLU}(x) = (\mathrm{SiLU}(xW) \odot xV)\, W_2.$$
#
# Three matrices instead of two: to compare fairly with a plain feed-forward block of hidden width $4d$, its hidden
# width must shrink to $h$ with $3dh = 2d \cdot 4d$, so $h = \frac83 d$.

# %% slideshow={"slide_type": "skip"}
class SwiGLU(nn.Module):
    def __init__(self, d, hidden):
        super().__init__()
        self.W, self.V = nn.Linear(d, hidden, bias=False), nn.Linear(d, hidden, bias=False)
        self.W_2 = nn.Linear(hidden, d, bias=False)

    def forward(self, x):                                    # (B, d) -> (B, d)
        return self.W_2(F.silu(self.W(x)) * self.V(x))

def count(module):
    return sum(p.numel() for p in module.parameters())

# %% tags=["claim-C3.07"] slideshow={"slide_type": "skip"}
torch.manual_seed(0)
d = 96
plain = nn.Sequential(nn.Linear(d, 4 * d, bias=False), nn.ReLU(), nn.Linear(4 * d, d, bias=False))
gated = SwiGLU(d, 8 * d // 3)
same, wide = count(gated), count(SwiGLU(d, 4 * d))
print(f"plain {count(plain):,}, SwiGLU with 8/3 d {same:,}, SwiGLU with 4 d {wide:,}")
assert same == count(plain) and wide * 2 == same * 3 and gated(torch.ones(2, d)).shape == (2, d)

# %% [markdown] tags=["claim-C3.09"] slideshow={"slide_type": "skip"}
# Who uses what? The Transformer of 2017 has ReLU in its feed-forward blocks; **BERT and GPT** took GELU; **PaLM and
# LLaMA** took SwiGLU. Shazeer's paper, which introduced it, measures small but steady gains and ends by offering no
# explanation for them, which is honest.
#
# ## Does it matter? The race
#
# Twenty layers of 64 units on 600 digits, each activation at its own gain, all with one learning rate, the same
# batches, and *eight* seeds each: 72 nets, in about half a minute. (`Stack` trains the eight nets of one activation as
# one. PReLU is missing because it learns; you have seen its run.)

# %% [markdown] slideshow={"slide_type": "slide"}
# *Predict:* how far apart will they be after 100 steps, and after 300?

# %% slideshow={"slide_type": "skip"}
racing = ["tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus"]
x32, y32, SEEDS = x[:600].float(), y[:600], 8
stacks = {name: Stack(MLP(20, activation=name, sigma_w=meanfield.gain(name), seed=seed, dtype=torch.float32)
                      for seed in range(SEEDS)) for name in racing}

def mean_loss(outputs, labels):                              # outputs (SEEDS, B, 10)
    losses = torch.stack([F.cross_entropy(own, labels) for own in outputs])
    return losses[losses.isfinite()].sum() / SEEDS           # a net that overflows leaves the others alone

@torch.no_grad()
def right(net, images=x32[:500], labels=y32[:500]):          # accuracy of each net, (SEEDS,); nan after an overflow
    outputs = net(images)
    share = (outputs.argmax(2) == labels).float().mean(1)
    return share.where(outputs.isfinite().flatten(1).all(1), torch.nan)

# %% slideshow={"slide_type": "skip"}
runs = race(stacks, x32, y32, steps=300, lr=0.003 * SEEDS, loss_fn=mean_loss,   # the mean divides by SEEDS
            record={"right": right}, every=20, title="Nine activations, the mean of eight nets each")

# %%
def race_by_activation(axes):
    curves = {name: run.recorded["right"].T for name, run in runs.items()}             # (SEEDS, records)
    means = [own.nanmean(0) for own in curves.values()]
    for ax, (name, own) in zip(axes.flat, curves.items()):
        plots.draw_bundle(ax, own, runs[name].recorded_steps, xlabel="step", ylabel="accuracy", others=means,
                          limits=(0, 1.05))
        ax.set_title(name)
        ax.label_outer()
    axes[1, 4].axis("off")                                           # nine of ten
    return "Thin: one net each. Thick: their mean. Grey: the means of the other activations."

show(race_by_activation, panels=(2, 5), size=(8.6, 3.9))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 3
# Ask: Same depth, same batches, each at its own gain. How far apart after 100 steps, how far after 300?
# Expect: the newest functions lead.
# Misconception: newer is better.
# Answer: tanh, ELU and SELU lead early; late, a few points are left, and a tail of unlucky GELU nets.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Now a dot for each net, and a stroke for the mean of eight. If you may show one run of each, can you make ReLU win,
# or lose?

# %%
early = {name: run.recorded["right"][5] for name, run in runs.items() if len(run.recorded.get("right", ())) > 5}
late = {name: right(stack) for name, stack in stacks.items()}
unseen = {name: right(stack, x_test.float(), y_test) for name, stack in stacks.items()}

def strips(axes):
    for ax, samples, title in zip(axes, (late, unseen), ("after 300 steps", "after 300 steps, unseen digits")):
        shown = {name: row for name, row in samples.items() if name != "softplus"}
        plots.draw_strips(ax, shown, xlabel="accuracy of each seed", missing="overflow")
        ax.set_title(title)
    axes[1].set_yticklabels([])

show(strips, panels=2, size=(9, 4))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Ask: You may publish one run of each. Can you make ReLU win, or lose?
# Expect: laughter.
# Answer: both, by the choice of the seed.

# %% slideshow={"slide_type": "skip"}
stopped = any(run.stopped for run in runs.values())
for name in racing:
    spans = (f"{row.nan_to_num(1).min():4.0%} to {row.nan_to_num(0).max():4.0%}" for row in
             (early.get(name, late[name]), late[name], unseen[name]))
    print(f"{name:10}  after 100 steps {next(spans)}   300 steps {next(spans)}   unseen {next(spans)}")
print(f"one test digit is worth {1 / len(y_test):.1%}")
e, l, u = ({name: row.nanmean().item() for name, row in samples.items()} for samples in (early or late, late, unseen))
family = [name for name in racing if name not in ("tanh", "softplus")]
assert stopped or min(e[n] for n in ("tanh", "elu", "selu")) > max(e[n] for n in ("relu", "leaky_relu")) + 0.05
assert stopped or e["silu"] < min(e[n] for n in ("relu", "leaky_relu"))
assert stopped or (min(l[n] for n in family) > 0.8 and late["softplus"].max() < 0.2)
assert stopped or max(e.values()) - e["silu"] > 2.5 * (max(l.values()) - l["silu"])
assert stopped or min(l["relu"], l["leaky_relu"]) > max(l.values()) - 0.06
assert stopped or (u["tanh"] < u["relu"] < min(u["elu"], u["selu"]) < u["relu"] + 0.08 and l["gelu"] < l["relu"])

# %% [markdown] slideshow={"slide_type": "subslide"}
# A doubter asks again: is it the learning rate? One for all may suit some and not others. Four rates, three nets each,
# 100 steps:

# %% slideshow={"slide_type": "skip"}
rates = torch.tensor([0.001, 0.003, 0.01, 0.03])
lengths = rates.repeat_interleave(3)                         # (12,): a net's loss is weighted with its rate

def weighted_loss(outputs, labels):
    losses = torch.stack([F.cross_entropy(own, labels) for own in outputs])
    return (lengths * losses)[losses.isfinite()].sum() / lengths.sum()

by_rate = {}
for name in racing[:-1]:
    stack = Stack(MLP(20, activation=name, sigma_w=meanfield.gain(name), seed=seed, dtype=torch.float32)
                  for _ in rates for seed in range(3))
    race({name: stack}, x32, y32, steps=100, lr=lengths.sum().item(), loss_fn=weighted_loss, live=False)
    by_rate[name] = right(stack).nan_to_num(0).view(4, 3).mean(1)                      # (4,)

# %%
def rates_and_accuracy(ax):
    plots.draw_lines(ax, by_rate, rates, xlabel="learning rate", ylabel="accuracy after 100 steps", limits=(0, 1.3))
    ax.set(xscale="log", yticks=torch.linspace(0, 1, 6))
    ax.legend(loc="upper center", ncols=4)

show(rates_and_accuracy, size=(9, 4))
best = {name: accuracy.max().item() for name, accuracy in by_rate.items()}
print("best of four rates:", ", ".join(f"{name} {share:.0%}" for name, share in best.items()))
assert min(best[n] for n in ("tanh", "elu", "selu")) > max(best[n] for n in ("relu", "leaky_relu", "gelu")) > best["silu"]

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: The doubter's question: each at its best rate, the leaders lead still.

# %% [markdown] slideshow={"slide_type": "skip"}
# (0 means that the nets overflowed.) An honest verdict, in four parts.
#
# **What was predicted to fail fails.** Softplus, $\chi = 0.32$, is still guessing after 300 steps.
#
# **After 100 steps the differences are large**, and they are no artefact of the learning rate: with each at its best
# rate, tanh, ELU and SELU still lead, and SiLU still trails. The leaders are those whose level comes back. They are
# also the ones whose outputs average near zero, ELU's original argument; this race cannot tell the two reasons apart.
#
# **After 300 steps most of it is gone.** ReLU and its leaky kin have come within a few points. On unseen digits ELU and
# SELU keep a lead of some three points, and tanh, a leader, is behind ReLU. The seeds of ReLU alone lie further apart
# than that: who writes "X beats Y" after a single run may be reporting noise. What is left is the *tail*: about half of
# the GELU nets do as well on the digits that they have seen as ReLU's, but its level runs away, and the unlucky ones lag
# far behind. (SiLU, slowest by far, has nearly caught up.)
#
# **The race is unfair.** Twenty plain layers without normalization are SELU's home ground. And our pixels have mean
# square 1, so that the first $z$ has gain² (2.4 for GELU, 2.8 for SiLU), and from there these two run up. Reset the
# level with a layer norm, where GELU and SiLU are used in practice, and run the first 100 steps again, five seeds each:

# %% slideshow={"slide_type": "skip"}
entrants = ("relu", "gelu", "silu", "elu", "selu", "tanh")
normed = {name: [] for name in entrants}
for seed in range(5):
    nets = {name: MLP(20, activation=name, sigma_w=meanfield.gain(name), norm="layer", seed=seed, dtype=torch.float32)
            for name in entrants}
    reset = race(nets, x32, y32, steps=100, lr=0.003, live=seed == 0, title="With a layer norm (the first of five)")
    stopped = stopped or any(run.stopped for run in reset.values())
    for name, run in reset.items():
        normed[name].append(run.accuracy)

# %% slideshow={"slide_type": "skip"}
with_norm = {name: torch.tensor(five) for name, five in normed.items()}
without = {name: early.get(name, late[name])[:5] for name in entrants}
for name, five in with_norm.items():
    print(f"{name:4}: {without[name].min():.0%} to {without[name].max():.0%} after 100 steps without, "
          f"{five.min():.0%} to {five.max():.0%} with layer norm")
mean = {name: five.mean() for name, five in with_norm.items()}
gained = {name: (mean[name] - without[name].nanmean()).item() for name in entrants}
print("won by the norm, on average:", ", ".join(f"{name} {share:+.0%}" for name, share in gained.items()))
assert stopped or min(gained["gelu"], gained["silu"]) > max(0.1, *(gained[n] for n in ("relu", "elu", "selu", "tanh")))
assert stopped or mean["relu"] + 0.02 < min(mean["gelu"], mean["silu"]) < min(mean[n] for n in ("elu", "selu", "tanh"))

# %% [markdown] slideshow={"slide_type": "skip"}
# The weak spot of GELU and SiLU was their level: with the norm they gain most, and pass ReLU, which gains less. They
# do not pass SELU, ELU and tanh, which were fine before. An activation is not good or bad. It is good
# *with* weights, depth and normalization that suit it. Papers that report steady gains of GELU or SwiGLU measure on
# language models of more than a thousand times this size; we can neither confirm nor deny those.
#
# ## Your selection guide
#
# Fill in the table from *your* measurements above: names in quotes, as they are written in the atlas, or numbers.
# Several names may be right; give one.

# %% slideshow={"slide_type": "skip"}
guide = {
    "gain of gelu": ...,
    "holds variance 1 at sigma_w = 1": ...,
    "comes back to its level (not sigmoid, not softplus)": ...,
    "runs away from its level": ...,
    "slope is exactly 0 on half of the axis": ...,
    "value falls somewhere": ...,
    "steepest slope of all": ...,
    "variance of SELU with dropout 0.1": ...,
    "led the race after 100 steps": ...,
}

# %% slideshow={"slide_type": "skip"}
back_to = {name for name in names if pulls[name] < 0.99} - {"sigmoid", "softplus"}
leaders = sorted(early, key=lambda name: early[name].mean(), reverse=True)[:2]
measured = dict(zip(guide, (
    facts["gelu"].gain, {min(variance, key=lambda name: abs(variance[name] - 1))}, back_to,
    {name for name in names if pulls[name] > 1.01},
    {name for name in names if (activations.get(name).slope(grid) == 0).double().mean() > 0.4},
    {name for name in names if not rises[name]}, {max(facts, key=lambda name: facts[name].steepest)},
    after_50["dropout 0.1"], set(leaders))))
quiz.review(guide, measured, within=0.1)

# %% [markdown] slideshow={"slide_type": "skip"}
# What the guide comes to, in a few lines:
#
# | situation | take | because |
# |---|---|---|
# | no special reason | ReLU with He's weights | level neutral, cheapest, best known |
# | units fall silent though step, weights and biases are sound | Leaky ReLU or PReLU | the slope is never zero (no cure for a step too large: chapter 2) |
# | many plain layers, no normalization | SELU, LeCun's weights | the level holds itself, under four conditions |
# | Transformer | GELU or SwiGLU, with its norm | what the field has tested; the norm resets the level |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Clinic: the third patient

# %% tags=["slide-output"]
patient = chapter03.PATIENT
print(patient.complaint)
m = measure(patient.make(), x[:128], y[:128])
print("layer   gradient  mean of a  std of a   dead")
for l in range(0, 15, 2):
    print(f"{l + 1:5}  {m.delta_norm[l]:9.1e}  {m.activation_mean[l]:9.2f}  {m.activation_std[l]:8.2f}"
          f"  {m.dead[l]:5.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Ask: The signal holds its size, and the loss stands at ln 10. Which disease?
# Expect: weights too small.
# Answer: slopes too small. Softplus's slope is a sigmoid: chi is 0.32. ELU at its gain cures it.

# %% [markdown] slideshow={"slide_type": "skip"}
# Which disease is it: `"slopes too small"`, `"weights too small"`, `"weights too large"`, or `"dead units"`?

# %% slideshow={"slide_type": "skip"}
diagnosis = ...
clinic.name_disease(patient, diagnosis)

# %% [markdown] slideshow={"slide_type": "skip"}
# And the treatment: `"ten times the learning rate"`, `"weights with std 0.01"`, `"a sigmoid, at its gain"`, or
# `"ELU, at its gain"`?

# %% slideshow={"slide_type": "skip"}
prescription = ...
clinic.treat(patient, prescription)

# %% [markdown] slideshow={"slide_type": "skip"}
# A second opinion, which you can ask for any net of your own (without `print` it comes with a picture). It speaks when
# you have spoken:

# %% slideshow={"slide_type": "skip"}
if clinic.has_named(patient, diagnosis):
    print(diagnose(patient.make(), x[:256], y[:256], lr=patient.lr))
else:
    print("Your own diagnosis first. Then run this cell again.")

# %% [markdown] slideshow={"slide_type": "skip"}
# <details><summary>When the report stands above: how to read it</summary>
#
# It sees what you saw: the signal holds its size in every layer, and the gradient loses about four tenths of its norm a
# layer, close to the $1 - \sqrt{0.32}$ of theory. It prescribes ReLU; ELU, which you have tried, cures as well.
#
# </details>

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Quiz: which activation?

# %% slideshow={"slide_type": "skip"}
print(quiz.sheet(chapter03.QUIZ))

# %% slideshow={"slide_type": "skip"}
answers = {"plain": ..., "dropout": ..., "language": ..., "dying": ..., "tie": ...}
quiz.grade(chapter03.QUIZ, answers)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### 1. The slope of GELU
#
# `gelu_slope(z)`: the slope of $z\,\Phi(z)$ by formula, without autograd, for a tensor of any shape.
# `torch.special.ndtr` is $\Phi$.
#
# <details><summary>Hint</summary>
#
# The product rule has two terms. The derivative of $\Phi$ is the normal density $e^{-z^2/2}/\sqrt{2\pi}$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def gelu_slope(z):
#     density = torch.exp(-z**2 / 2) / (2 * torch.pi) ** 0.5
#     return torch.special.ndtr(z) + z * density
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def gelu_slope(z):
    """z: any shape -> the slope of the exact GELU, same shape."""
    ...

chapter03.check_gelu_slope(gelu_slope)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 2. SwiGLU's sister
#
# `geglu(x, W, V, W_2)`: as SwiGLU, with the exact GELU in the gate. `x` is (B, d), `W` and `V` are (d, h), `W_2` is
# (h, d); return (B, d).
#
# <details><summary>Hint</summary>
#
# Two products with `@`, one of them bent by `F.gelu`, one product with `*`, and a last `@`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def geglu(x, W, V, W_2):
#     return (F.gelu(x @ W) * (x @ V)) @ W_2
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def geglu(x, W, V, W_2):
    """(B, d), (d, h), (d, h), (h, d) -> (B, d)."""
    ...

chapter03.check_geglu(geglu)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 3. The gain of anything
#
# `gain(phi)`: for any function `phi` of a tensor, the $\sigma_w$ that keeps the mean square at 1, to within 1 %. Draw
# a million numbers. (Then you can judge an activation that is published tomorrow.)
#
# <details><summary>Hint</summary>
#
# $E[\phi(Z)^2]$ is the mean of the squares of `phi(z)` for `z = torch.randn(1_000_000)`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def gain(phi):
#     z = torch.randn(1_000_000)
#     return 1 / phi(z).square().mean().sqrt()
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def gain(phi):
    """A function of a tensor -> 1 / sqrt(E[phi(Z)^2]), a number."""
    ...

chapter03.check_gain(gain)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 4. Where SELU's constants come from
#
# `selu_constants(q)`: for $z \sim N(0, q)$, find the pair $(\alpha, \lambda)$ with which
# $\lambda\,\mathrm{ELU}(z, \alpha)$ has mean 0 and mean square $q$, to within 2 %. Then $q$ is a fixed point at
# $\sigma_w = 1$. At $q = 1$ you should meet two odd-looking numbers again.
#
# <details><summary>Hint</summary>
#
# Draw a million $z$. The mean does not depend on $\lambda$: what $z$ has on the right, $\alpha (1 - e^z)$ must take
# away on the left. That gives $\alpha$. Then choose $\lambda$ for the mean square.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def selu_constants(q):
#     z = q**0.5 * torch.randn(1_000_000)
#     alpha = z.clamp(min=0).mean() / (1 - torch.exp(z.clamp(max=0))).mean()
#     lam = (q / F.elu(z, alpha.item()).square().mean()).sqrt()
#     return alpha, lam
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def selu_constants(q):
    """The variance of z, a number -> alpha, lambda."""
    ...

chapter03.check_selu_constants(selu_constants)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - Leaks, floors and gates mend the left side of ReLU, and save the *unit*, not the path: through many negative units
#   the gradient vanishes all the same.
# - Three numbers from the formula judge any activation: its gain, its $\chi$ at that gain (1 to 1.08 in the family,
#   softplus aside), and the pull of its level, where they differ; SELU pulls back and has a gain of 1 besides.
# - In a race the family differs in speed and in its unlucky nets, and little in the end: choose for a reason that you
#   measured, not for a headline.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: Choose for a reason that you measured, not for a headline.

# %% [markdown] slideshow={"slide_type": "subslide"}
# One picture to keep: three temperaments, each at its own gain, from the same wrong start.

# %%
def temperaments(ax):
    curves = {}
    for name in ("selu", "relu", "gelu"):
        gain = meanfield.gain(name)
        a = through(activations.get(name).value, 50, width=512, sigma_w=gain, start=3 / gain**2)
        curves[f"{name}, pull {pulls[name]:.2f}"] = [gain**2 * signal.square().mean() for signal in a]
    plots.draw_lines(ax, curves, xlabel="layer", ylabel="q, mean square of z", log=True)

show(temperaments)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Say: Three temperaments from the same wrong start. All had the right weights. What if these are wrong? Chapter 4.

# %% [markdown] slideshow={"slide_type": "skip"}
# Each curve had the *right* weights for its activation, and chapter after chapter we have said "at its gain" or "at
# He's scale" as if that were easy. What if the weights are wrong? **Chapter 4** turns that switch, and draws a map
# with three countries: dead, alive, exploding.
#
# ## References
#
# - Maas, Hannun, Ng 2013, *Rectifier nonlinearities improve neural network acoustic models*, ICML workshop (Leaky ReLU)
# - He et al. 2015, *Delving deep into rectifiers*, ICCV (PReLU)
# - Clevert, Unterthiner, Hochreiter 2016, *Fast and accurate deep network learning by exponential linear units*, ICLR
# - Hendrycks, Gimpel 2016, *Gaussian error linear units*, arXiv 1606.08415 (GELU; SiLU)
# - Klambauer, Unterthiner, Mayr, Hochreiter 2017, *Self-normalizing neural networks*, arXiv 1706.02515 (SELU)
# - Ramachandran, Zoph, Le 2017, *Searching for activation functions*, arXiv 1710.05941 (Swish)
# - Elfwing, Uchibe, Doya 2018, *Sigmoid-weighted linear units*, Neural Networks 107
# - Misra 2019, *Mish*, arXiv 1908.08681
# - Shazeer 2020, *GLU variants improve Transformer*, arXiv 2002.05202 (SwiGLU, GEGLU)
# - Vaswani et al. 2017, *Attention is all you need*, arXiv 1706.03762
