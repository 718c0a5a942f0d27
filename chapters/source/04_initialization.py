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
# # 4 · Initialization: why is the net sick before the first step?
#
# **In one sentence:** the size of the random weights alone decides whether a deep net is born dead, alive or
# exploding, and two numbers that you can compute on paper, $q$ and $\chi$, tell which.
#
# *An hour, or 25 minutes without the exercises and the sections marked ☆. You need chapter 1: the error $\delta^l$, BP2,
# and the factor $\sqrt\chi$ per layer. Chapter 2 showed that the weights matter; here you find out how much.*

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Say: so far the weights were given. Today only their size is moved, and nothing is trained until late.

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, Stack, chapter04, clinic, datasets, diagnose, diagrams, explore, fit, meanfield
from utils import measure, phase, plots, predict, quiz, race, show, style, timeline

# %% slideshow={"slide_type": "skip"}
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()
print(f"images {tuple(x.shape)}, labels {tuple(y.shape)}, mean square of a pixel {x.square().mean():.2f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# ## See it
#
# A unit with 1,000 inputs, half of which are on ($a=1$) and half off ($a=0$). Its weights and its bias come from
# $N(0, 1)$: random, small numbers around 1. What could be wrong with that? Below are 2,000 such units. On the left
# what they compute, $z$; on the right what a sigmoid makes of it.

# %% [markdown] slideshow={"slide_type": "slide"}
# *Try:* (1) go from 1,000 inputs down to 10. (2) Switch to weights that are divided by $\sqrt n$, and move the
# number of inputs again: what has stopped to matter?

# %% slideshow={"slide_type": "skip"}
def first_layer(n, scale, seed=0):
    generator = torch.Generator().manual_seed(seed)
    on = (torch.arange(n) % 2 == 0).float()                          # (n,): every second input is 1
    w = scale * torch.randn(2000, n, generator=generator)            # (2000, n): 2,000 units
    b = torch.randn(2000, generator=generator)
    return w @ on + b                                                # z: (2000,)

# %%
def before_the_first_step(axes, inputs=1000, weights="N(0, 1)"):
    z = first_layer(inputs, 1.0 if weights == "N(0, 1)" else inputs**-0.5)
    plots.draw_histograms(axes[0], {"z": z}, bins=torch.linspace(-60, 60, 61), xlabel="pre-activation z")
    plots.draw_histograms(axes[1], {"a": z.sigmoid()}, bins=torch.linspace(0, 1, 41),
                          xlabel="activation sigmoid(z)")
    axes[0].set(ylim=(0, 0.4))
    axes[1].set(ylim=(0, 20))
    return f"std of z: {z.std():.2f}; {(z.abs() > 5).float().mean():.1%} of the units lie beyond |z| = 5."

explore(before_the_first_step, panels=2, size=(8, 3.2), inputs=(10, 1000, 10), weights=["N(0, 1)", "N(0, 1/n)"])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: 1,000 inputs, half of them on, weights and bias from N(0, 1). How large is z, roughly?
# Expect: "around 1", since the weights are; some say 1,000.
# Misconception: small random terms cancel. Their mean does; their spread grows like the root of their number.
# Answer: a standard deviation of 22, and four units of five beyond 5. Then switch to N(0, 1/n) and move the inputs.

# %% [markdown] slideshow={"slide_type": "skip"}
# With 1,000 inputs nearly all units sit at 0 or at 1, where the sigmoid is flat. They are saturated, and nobody has
# trained anything yet. With weights divided by $\sqrt n$ the curve on the right is a gentle hill, for 10 inputs as for
# 1,000.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## By hand: the variance of a sum
#
# $z = \sum_k w_k a_k + b$. The inputs $a_k$ are given, the weights are random, independent, with mean 0. Variances of
# independent terms add, and $\mathrm{Var}(w_k a_k) = a_k^2\,\mathrm{Var}(w)$:
#
# $$\mathrm{Var}\,z = \sum_k a_k^2\,\mathrm{Var}(w) + \mathrm{Var}(b) = n\,\mathrm{Var}(w)\,E[a^2] + \mathrm{Var}(b).$$
#
# Here that is $1000\cdot1\cdot\frac12 + 1 = 501$, so the standard deviation is $\sqrt{501} = 22.4$. Notice what stands
# there: $E[a^2]$, the mean *square* of the inputs. Many texts write $\mathrm{Var}(a)$, which is the same only if the
# inputs have mean 0. Ours have mean $\frac12$.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: which is right in the formula, the variance of the inputs or their mean square?
# Expect: the variance, as in most texts.
# Misconception: the two are the same. Only for inputs of mean 0.
# Answer: the mean square. The next slide shows both.

# %% [markdown] slideshow={"slide_type": "slide"}
# Add the inputs one at a time and see which formula is right:

# %% tags=["claim-C4.01"]
n, generator = 1000, torch.Generator().manual_seed(0)
a = (torch.arange(n) % 2 == 0).float()
terms = torch.randn(2000, n, generator=generator) * a                # w_k a_k of 2,000 units
b = torch.randn(2000, 1, generator=generator)
measured = (terms.cumsum(1) + b).var(0)                              # (1000,): after 1, 2, ... inputs
k = torch.arange(1, n + 1)
with_square, with_variance = k * a.square().mean() + 1, k * a.var() + 1
print(f"Var z: measured {measured[-1]:.0f}; with E[a²] {with_square[-1]:.0f}, with Var(a) {with_variance[-1]:.0f}")
assert abs(measured[-1] / with_square[-1] - 1) < 0.1 and measured[-1] / with_variance[-1] > 1.8

def term_by_term(ax):
    curves = {"measured": measured, "k E[a²] + 1": with_square, "k Var(a) + 1": with_variance}
    plots.draw_lines(ax, curves, xlabel="inputs added, k", ylabel="variance of the sum", markers=False)

show(term_by_term, size=(6.5, 3.1))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: two thousand units, one input after the other. The line of the mean square is the measured one.

# %% [markdown] slideshow={"slide_type": "skip"}
# The blue line follows $E[a^2]$. And the share beyond 5? $z$ is a sum of many terms, so it is normal, and PyTorch
# knows the normal distribution. On paper, then five times by drawing 2,000 units:

# %% tags=["claim-C4.02"] slideshow={"slide_type": "skip"}
for name, scale in (("N(0, 1)", 1.0), ("N(0, 1/n)", n**-0.5)):
    std = (n * scale**2 * 0.5 + 1) ** 0.5
    beyond = 2 * (1 - torch.distributions.Normal(0, std).cdf(torch.tensor(5.0))).item()
    z = torch.stack([first_layer(n, scale, seed) for seed in range(5)])
    found_std, found = z.std().item(), (z.abs() > 5).float().mean().item()
    print(f"{name:10} std {std:.3f} on paper, {found_std:.3f} drawn; beyond 5: {beyond:.1e}, drawn {found:.1e}")
    assert abs(found_std / std - 1) < 0.03 and abs(found - beyond) < 0.015

# %% [markdown] slideshow={"slide_type": "skip"}
# 82 % of the units against fewer than one in 10,000. This is the example of chapter 3 of Nielsen's book. The cure that
# it gives is the same: divide by $\sqrt n$, so that the variance of the sum does not depend on how many terms it has.
#
# ## Does it matter?
#
# One hidden layer of 30 sigmoid units, and images with many pixels: our digits, enlarged to 28×28. Plain gradient
# descent. The same net twice, except for the size of its weights.

# %% slideshow={"slide_type": "skip"}
large = F.interpolate(x.view(-1, 1, 8, 8), size=28, mode="bilinear").flatten(1)          # (1437, 784)
racers = {
    "N(0, 1)": MLP(1, width=30, in_features=784, init="naive"),
    "N(0, 1/n)": MLP(1, width=30, in_features=784, init="lecun"),
}
at_birth = {name: measure(net, large, y).saturated[0].item() for name, net in racers.items()}
runs = race(racers, large, y, steps=450, lr=0.1, momentum=0.0, batch=32, title="Two sizes of weights")
print("saturated at birth:", ", ".join(f"{name} {share:.0%}" for name, share in at_birth.items()))
naive, scaled = (run.accuracy for run in runs.values())
assert any(run.stopped for run in runs.values()) or scaled > naive + 0.05

# %% [markdown] slideshow={"slide_type": "skip"}
# Both learn, since one hidden layer is shallow enough; the badly born one starts with a larger loss, and stays behind.
# In a deep net the difference will be between learning and not learning at all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why random at all?
#
# If large weights are bad, why not zero? Or all the same? Because of **symmetry**. Two units of a layer that have the
# same weights compute the same activation. So they receive the same error, hence the same gradient, hence stay the
# same. Here is the gradient of a layer's weights, a row for each unit:

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Ask: if large weights are bad, why not start with zeros?
# Expect: "nothing would come out", and rarely the word symmetry.
# Answer: zeros give not even a gradient; equal weights give equal gradients, for ever.

# %% tags=["claim-C4.05", "slide-output"]
def born(kind):
    net = MLP(2, width=16, activation="tanh", init="lecun")
    for layer in {"zero": [*net.hidden, net.readout], "constant": net.hidden, "random": []}[kind]:
        nn.init.constant_(layer.weight, 0.0 if kind == "zero" else 0.1)
    return net

spread, size = {}, {}
for kind in ("zero", "constant", "random"):
    net = born(kind)
    F.cross_entropy(net(x[:128]), y[:128]).backward()
    rows = net.hidden[0].weight.grad                                 # (16, 64)
    spread[kind], size[kind] = (rows - rows[0]).norm().item(), rows.norm().item()
    print(f"{kind:8}: norm of the gradient {size[kind]:.1e}, distance of its rows from the first {spread[kind]:.1e}")
assert size["zero"] == 0 and spread["constant"] < 1e-9 * size["constant"] and spread["random"] > 0.1 * size["random"]

# %% [markdown] slideshow={"slide_type": "skip"}
# With zeros, not even a gradient: $(W^{l+1})^\top\delta$ is 0. With constants in the hidden layers, sixteen times the
# same row, up to rounding. It is one unit in sixteen copies. (The readout is random here. Were its weights all the
# same, too, the errors that it sends back would cancel: they sum to 0 over the classes.)

# %% [markdown] slideshow={"slide_type": "slide"}
# Now train them, and record how far apart the rows of the *weights* are. *Predict:* will training break the symmetry?

# %% tags=["claim-C4.05"]
def row_distance(net):
    rows = net.hidden[0].weight
    return (rows - rows.mean(0)).norm()

twins = {kind: born(kind) for kind in ("zero", "constant", "random")}
twin_runs = race(twins, x, y, steps=100, lr=0.05, record={"apart": row_distance}, title="Twins for life")
apart = {kind: run.recorded["apart"][-1].item() for kind, run in twin_runs.items()}
right = {kind: run.accuracy for kind, run in twin_runs.items()}
for kind in twins:
    print(f"{kind:8}: rows apart by {apart[kind]:.1e}, accuracy {right[kind]:.0%}")
stopped = any(run.stopped for run in twin_runs.values())
assert max(apart["zero"], apart["constant"]) < 1e-4 and apart["random"] > 0.1
assert stopped or (right["random"] > 0.9 and max(right["zero"], right["constant"]) < 0.5)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Say: the constant net learns what one unit in sixteen copies can.
# Do: Enter opens the code; the distance of the rows is printed below the picture in the chapter.

# %% [markdown] slideshow={"slide_type": "skip"}
# It does not, but for rounding errors. What the constant net learns is what *one* unit in layer 1 can tell about a
# digit. (The biases may be constant, and usually are 0: different weights suffice to tell the units apart.) So the
# weights must be random, and the question is only: how large?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Too small
#
# The habit of the 1990s, and of AlexNet, was $N(0, 0.01^2)$. Safe from saturation for sure. Ten tanh layers of 256
# units, and what each of them passes on:

# %% tags=["claim-C4.04"]
timid = MLP(10, width=256, activation="tanh", init="small")
_, activity = timid.signals(x[:64])                                  # a: 11 tensors, (64, units)
size = torch.stack([a.std() for a in activity[1:]]).detach()         # (10,)

def fading(ax):
    on_paper = size[0] * 0.16 ** torch.arange(10)
    plots.draw_by_layer(ax, size, theory=on_paper, quantity="std of the activations")
    return f"From {size[0]:.1e} in layer 1 to {size[-1]:.1e} in layer 10."

show(fading, size=(6.5, 3.2))
factor = (size[-1] / size[1]).item() ** (1 / 8)
print(f"per layer {factor:.3f}; on paper 0.01 √256 = {0.01 * 256**0.5:.3f}")
assert 1e-10 < size[-1] < 1e-7 and abs(factor - 0.16) < 0.02

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: the other way to go wrong. No unit is saturated; a factor of 0.16 per layer, and nothing is left after ten.

# %% [markdown] slideshow={"slide_type": "skip"}
# Near 0, tanh is the identity, so each layer multiplies by $\sqrt{n\,\mathrm{Var}(w)} = 0.16$, forward and backward
# alike. After ten layers hardly anything of the signal is left, and all images look alike to the readout.
#
# ## Predict
#
# And too large? $N(0, 1)$ saturates the units; a saturated unit has a slope of nearly 0; small slopes multiply. So in
# a deep net of $N(0, 1)$ weights the gradient must vanish. Must it?

# %% slideshow={"slide_type": "slide"}
def naive_net(ax, width=256, activation="sigmoid", guess=None):
    delta = measure(MLP(20, width=width, activation=activation, init="naive"), x[:64], y[:64]).delta_norm
    predicted = meanfield.predicted_gradient_norms(activation, 64.0, 20, width**0.5, last=delta[-1])
    return plots.draw_by_layer(ax, delta, theory=predicted, guess=guess)

predict(
    "20 sigmoid layers of 256 units, weights from N(0, 1): layer 1's gradient, compared with the last layer's?",
    naive_net,
    guess=[("1e-12 of it: it vanishes", 1e-12), ("1e-3 of it", 1e-3), ("about the same", 1.0), ("100 times larger", 1e2)],
    right=chapter04.RIGHT["naive weights"],
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 5 / 3
# Ask: 20 sigmoid layers of 256 units, N(0, 1). Layer 1's gradient, compared with the last layer's? Count hands.
# Expect: most hands for 1e-12: saturated, hence vanished.
# Misconception: only the slopes are multiplied. BP2 multiplies by the weights as well.
# Answer: nearly 100 times larger. It explodes, although most units are saturated.

# %% [markdown] slideshow={"slide_type": "skip"}
# It *grows*. The slopes are small, that is true. But the weights are large, and BP2 multiplies by both: the mean square
# of a step back is $\chi = n\,\mathrm{Var}(w)\,E[\phi'(z)^2]$. Let $z$ be normal with a mean square of $q$, and make $q$
# four times as large, again and again:

# %% tags=["claim-C4.03"] slideshow={"slide_type": "skip"}
larger = torch.tensor([25.0, 100.0, 400.0, 1600.0], dtype=torch.float64)                 # q
steepness = meanfield.chi("sigmoid", larger)                         # E[φ'(√q Z)²], as with σ_w = 1
print("E[φ'²] =", ", ".join(f"{mean:.5f} at q = {q:.0f}" for q, mean in zip(larger, steepness)))
halved = steepness[:-1] / steepness[1:]
assert (halved - 2).abs().max() < 0.1

# %% [markdown] slideshow={"slide_type": "skip"}
# $E[\phi'^2]$ is only *halved* each time: it falls like $1/\sqrt q$. Some units always happen to be near 0, and their
# slope is as steep as ever; there are just fewer of them. With $N(0, 1)$ weights $q$ grows like $n$, so
# $\chi = n\,E[\phi'^2]$ grows like $\sqrt n$: the factor $n$ wins. How wide must a net be for that?

# %% tags=["claim-C4.03"] slideshow={"slide_type": "skip"}
sweep = {"sigmoid": {}, "tanh": {}}
for activation, results in sweep.items():
    for width in (30, 100, 256, 400):
        nets = (MLP(20, width, activation=activation, init="naive", seed=seed) for seed in range(3))
        found = [measure(net, x[:64], y[:64]) for net in nets]       # one net at a time in memory
        results[width] = torch.stack([m.delta_norm[0] / m.delta_norm[-1] for m in found])
        print(f"{activation:8} width {width:4}: {found[0].saturated[:20].mean():.0%} of the units saturated, "
              "first/last", " ".join(f"{ratio:.0e}" for ratio in results[width]))
broad = meanfield.predicted_gradient_norms("sigmoid", 64.0, 20, 1000**0.5)               # 20 million weights
print(f"sigmoid  width 1000: first/last on paper {broad[0] / broad[-1]:.0e}")
narrow, level, wide, widest = sweep["sigmoid"].values()
narrow_tanh, _, wide_tanh, _ = sweep["tanh"].values()
assert 1e-5 < narrow.min() and narrow.max() < 1e-1 and 1e-2 < level.min() and level.max() < 1e2
assert wide.min() > 3 and widest.min() > 1e2 and narrow_tanh.min() > 1e2 and wide_tanh.min() > 1e6
assert 5e4 < broad[0] / broad[-1] < 2e5

# %% [markdown] slideshow={"slide_type": "skip"}
# Both diseases, from one recipe. A narrow sigmoid net vanishes; at about 100 units the line is level; a wide one
# explodes, though most of its units are saturated. (1,000 units would be 20 million weights, so there you get theory's
# number only.) A tanh net explodes at every one of these widths. "Naive
# initialization saturates, *hence* the gradient vanishes" is what many articles say. The first half is right.

# %% [markdown] slideshow={"slide_type": "slide"}
# Move it yourself, and see how close theory's line stays:

# %%
explore(naive_net, width=[10, 30, 64, 100, 160, 256, 400], activation=["sigmoid", "tanh", "relu"])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Do: width 30, then 100, then 400; then tanh at 30.
# Ask: at which width is the line level?
# Answer: at about 100. Keep that number: it comes back as the edge of the sigmoid, a sigma_w squared of 103.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What PyTorch does by itself
#
# `nn.Linear` draws from a *uniform* distribution. Its source calls `kaiming_uniform_(weight, a=math.sqrt(5))`.
# Kaiming is He's first name, so many people believe that PyTorch starts with He's weights. But `a` is the slope of a
# leaky ReLU, and a slope of $\sqrt5$ is nobody's leaky ReLU: it is there to keep an older rule. Work it out: the gain is
# $\sqrt{2/(1+5)} = \sqrt{1/3}$, the bound is $\sqrt3$ times the gain through $\sqrt n$:
#
# $$w \sim U\!\left(-\tfrac1{\sqrt n}, \tfrac1{\sqrt n}\right), \qquad \mathrm{Var}(w) = \frac{1}{3n}, \qquad
# \sigma_w^2 = \tfrac13 \quad\text{(He: 2)}.$$
#
# So near $z=0$ the gradient's factor per layer, $\sqrt\chi = \sigma_w\sqrt{E[\phi'^2]}$, is $\frac14\sqrt{1/3} = 0.144$ for
# a sigmoid (a bit less, as its $z$ are not quite 0), $\sqrt{1/3} = 0.577$ for tanh, and $\sqrt{1/6} = 0.408$ for
# ReLU. Measured:

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Ask: who thinks that nn.Linear starts with He's weights?
# Expect: about half of a hall that has read the source.
# Answer: it calls He's function, with a number that makes sigma_w squared one third, a sixth of He's.

# %% tags=["claim-C4.06", "slide-output"]
torch.manual_seed(0)
ours = nn.Linear(256, 256, dtype=torch.float64).weight.detach()      # PyTorch's own, fresh
bound, sigma_w_squared = ours.abs().max() * 256**0.5, 256 * ours.var()
print(f"√n max|w| = {bound:.3f}, n Var(w) = {sigma_w_squared:.3f}")
assert 0.99 < bound <= 1 and abs(sigma_w_squared - 1 / 3) < 0.01
per_layer = {}
for activation, expected in {"sigmoid": 0.141, "tanh": 0.577, "relu": 0.408}.items():
    nets = [MLP(20, width=256, activation=activation, init="torch", seed=seed) for seed in range(3)]
    deltas = torch.stack([measure(net, x[:64], y[:64]).delta_norm for net in nets])
    per_layer[activation] = (deltas[:, 0] / deltas[:, -1]).log().mean().div(20).exp().item()
    print(f"{activation:8} {per_layer[activation]:.3f} per layer (expected {expected}), "
          f"{per_layer[activation] ** 20:.0e} through 20")
    assert abs(per_layer[activation] / expected - 1) < 0.07

# %% [markdown] slideshow={"slide_type": "skip"}
# This is not a bug: the default is old and was made for shallow nets. But a deep net that nobody initialized is a
# net with a fading gradient, for each of the three.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The map that a layer applies
#
# Time for the theory behind those black lines. Write $\mathrm{Var}(w) = \sigma_w^2/n$ and $\mathrm{Var}(b) =
# \sigma_b^2$, and let $q^l$ be the mean square of layer $l$'s pre-activations. In a wide net they are normal, $z =
# \sqrt{q}\,Z$, so the variance of a sum from above becomes a rule for getting from one layer to the next:
#
# $$q^{l+1} = \sigma_w^2\,E\big[\phi(\sqrt{q^l}\,Z)^2\big] + \sigma_b^2 \qquad\text{(the } q \text{ map)}$$
#
# One number in, one number out. Draw it as a curve, and follow it like this: from $q$ up to the curve (that is the
# next layer's $q$), across to the diagonal (make it the new input), up to the curve again. The staircase is your net,
# a step for each layer.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: one number per layer, and a rule from each to the next. This is the variance of a sum again.

# %% [markdown] slideshow={"slide_type": "slide"}
# *Try:* (1) Different starting points: where do they end? (2) tanh, $\sigma_b = 0$, and $\sigma_w$ from 0.5 to 2: at
# which value does the end leave 0? (3) ReLU: find the one $\sigma_w$ at which nothing moves, then nudge it.

# %%
def cobweb(ax, activation="tanh", sigma_w=1.5, sigma_b=0.3, start=2.5):
    q = torch.linspace(0, 3, 121, dtype=torch.float64)
    curve = meanfield.q_map(activation, q, sigma_w, sigma_b)
    path = meanfield.q_trajectory(activation, start, 25, sigma_w, sigma_b)
    settled = meanfield.q_fixed_point(activation, sigma_w, sigma_b, q_start=start)
    diagrams.draw_cobweb(ax, q, curve, path, fixed=settled)
    chi = meanfield.chi(activation, min(settled, 1e6), sigma_w)
    where = f"settles at q = {settled:.3f}" if settled < 1e6 else "grows without bound"
    return f"q {where}; there χ = {chi:.3f}, so the gradient is multiplied by {chi**0.5:.3f} per layer."

explore(cobweb, size=(5, 4.6), activation=["sigmoid", "tanh", "relu"], sigma_w=(0.5, 3.0, 0.05),
        sigma_b=(0.0, 1.0, 0.05), start=(0.1, 3.0, 0.1))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: tanh, sigma_b = 0, and sigma_w from 0.5 to 2.
# Ask: at which sigma_w does the end leave 0?
# Expect: guesses between 1 and 2.
# Answer: at 1, where the slope of the curve in 0 passes 1. Then ReLU: only the root of 2 keeps q in place.

# %% [markdown] slideshow={"slide_type": "skip"}
# Usually the staircase ends at a **fixed point** within a few layers. From there on all layers look alike, and so the
# gradient's factor is one number: $\chi = \sigma_w^2 E[\phi'(\sqrt{q}Z)^2]$ at the fixed point. Does a net of a finite
# width follow the curve? 256 units, 3 nets each, from two different starts:

# %% tags=["claim-C4.07"] slideshow={"slide_type": "skip"}
worst_q = worst_chi = 0.0
for sigma_w, sigma_b in ((1.0, 0.5), (1.5, 0.3), (2.5, 0.0)):
    for size_of_input in (0.5, 2.0):
        nets = [MLP(15, 256, activation="tanh", sigma_w=sigma_w, sigma_b=sigma_b, seed=seed) for seed in range(3)]
        found = [measure(net, size_of_input * x[:64], y[:64]) for net in nets]
        q = torch.stack([m.pre_std**2 + m.pre_mean**2 for m in found])[:, :15].mean(0)
        delta = torch.stack([m.delta_norm for m in found]).log().mean(0)[:15]
        predicted = meanfield.q_trajectory("tanh", q[0], 15, sigma_w, sigma_b)
        worst_q = max(worst_q, (q / predicted - 1).abs().max().item())
        chi = (2 * (delta[5] - delta[14]) / 9).exp().item()          # over the nine layers in between
        worst_chi = max(worst_chi, abs(chi / meanfield.chi("tanh", predicted[-1], sigma_w).item() - 1))
print(f"off by at most {worst_q:.0%} in q at any layer, {worst_chi:.0%} in χ")
assert 0 < worst_q < 0.2 and 0 < worst_chi < 0.2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Order, chaos, and the edge
#
# So every pair $(\sigma_w, \sigma_b)$ has its $\chi$, and a plane is a good place to see them all. The black line is
# where $\chi = 1$.

# %% [markdown] slideshow={"slide_type": "skip"}
# It needs no search. Pick any $q$; then $\chi = 1$ says what $\sigma_w$ must be, and the fixed point says what
# $\sigma_b$ must be:
#
# $$\sigma_w^2 = 1 / E[\phi'(\sqrt q Z)^2], \qquad \sigma_b^2 = q - \sigma_w^2 E[\phi(\sqrt q Z)^2].$$

# %%
def phase_diagram(ax, activation="tanh", sigma_w=1.5, sigma_b=0.3):
    columns, rows = torch.linspace(0.2, 4, 39), torch.linspace(0, 1, 26)
    chi = phase.chi_map(activation, columns, rows).log10()           # (26, 39)
    plots.draw_heat(ax, chi, x=(0.2, 4), y=(0, 1), limits=(-1.5, 1.5), diverging=True,
                    xlabel="σ_w", ylabel="σ_b", label="log₁₀ χ")
    diagrams.draw_levels(ax, columns, rows, chi, [0], label="χ = 1")
    settled = meanfield.q_fixed_point(activation, sigma_w, sigma_b)
    here = meanfield.chi(activation, min(settled, 1e6), sigma_w)
    ax.plot(sigma_w, sigma_b, "X", color="white", markeredgecolor=style.BLACK, markersize=13, clip_on=False)
    state = "order: the gradient vanishes" if here < 0.999 else "chaos: it explodes" if here > 1.001 else "the edge"
    return f"At the cross χ = {here:.3f}, {state}; a factor e in mean square every {meanfield.depth_scale(here):.1f} layers."

explore(phase_diagram, size=(6.2, 4), activation=["sigmoid", "tanh", "relu"],
        sigma_w=(0.2, 4.0, 0.1), sigma_b=(0.0, 1.0, 0.05))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Do: walk the cross over the line.
# Say: left of it order, right of it chaos. One calculation, no net.

# %% tags=["claim-C4.08"] slideshow={"slide_type": "skip"}
edge_w, edge_b = phase.edge_of_chaos("tanh", torch.linspace(1e-4, 1, 101))
at = (edge_b - 0.05**0.5).abs().argmin()
squared, at_zero = edge_w[at].item() ** 2, edge_w[0].item()
print(f"tanh's edge: σ_b = 0 -> σ_w = {at_zero:.3f}; σ_b² = 0.05 -> σ_w² = {squared:.3f}")
assert abs(at_zero - 1) < 1e-3 and abs(squared - 1.761) < 0.005

# %% [markdown] slideshow={"slide_type": "skip"}
# On the left of the line is the **ordered phase**, on the right the **chaotic** one. The names come from what happens
# not to one input but to *two*.

# %% [markdown] slideshow={"slide_type": "slide"}
# Send two different digits through the same 40 layers and watch the cosine of the angle between their pre-activations:

# %% tags=["claim-C4.08"]
PHASES = {"order, σ_w = 0.8": 0.8, "edge, σ_w = 1.327": 1.327, "chaos, σ_w = 2.5": 2.5}
together = {}
for name, sigma_w in PHASES.items():
    nets = [MLP(40, 100, activation="tanh", sigma_w=sigma_w, sigma_b=0.05**0.5, seed=seed) for seed in range(10)]
    pairs = [net.signals(x[:2])[0][:40] for net in nets]                                 # [net][layer]: (2, 100)
    cosine = torch.tensor([[F.cosine_similarity(z[0], z[1], dim=0).item() for z in layers] for layers in pairs])
    together[name] = cosine.mean(0)                                  # (40,), over ten nets

def two_digits(ax):
    plots.draw_lines(ax, together, xlabel="layer", ylabel="cosine between two digits", limits=(-0.2, 1.05))

show(two_digits, size=(6.5, 3.2))
order, edge, chaos = (curve[-1].item() for curve in together.values())
print(f"cosine in layer 40: {order:.3f} in order, {edge:.2f} at the edge, {chaos:.2f} in chaos")
assert order > 0.999 and chaos < 0.3 and chaos + 0.2 < edge < 0.99

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Ask: two different digits, 40 layers, weights on the small side. What becomes of the angle between them?
# Expect: "it stays", or "both vanish".
# Misconception: in the ordered phase the signal vanishes. With a bias it stays; the difference vanishes.
# Answer: they merge within ten layers. In chaos they lose all likeness.

# %% [markdown] slideshow={"slide_type": "skip"}
# In order the two digits *merge*: after ten layers hardly anything of their difference is left for the readout to see.
# In chaos they are driven *apart*, until hardly any likeness is left. At the edge they approach each other, too, but
# slowly. Some texts say that in the ordered phase "signals vanish". Only the *difference* between signals does: $q$
# itself settles at a healthy value as soon as there is a bias.
#
# Why does merging go with a vanishing gradient? Move an input by very little. A layer multiplies the small difference
# by its slopes and its weights, as it does with an error on the way back. So the mean square of the difference should
# grow by the same $\chi$ per layer:

# %% tags=["claim-C4.08"] slideshow={"slide_type": "skip"}
nudge = 1e-6 * torch.randn(64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
for name, sigma_w in PHASES.items():
    nets = (MLP(20, 100, activation="tanh", sigma_w=sigma_w, sigma_b=0.05**0.5, seed=seed) for seed in range(20))
    pairs = [net.signals(torch.stack([x[0], x[0] + nudge]))[0] for net in nets]          # [net][layer]: (2, 100)
    gap = torch.stack([(z[9][1] - z[9][0]).norm() / (z[19][1] - z[19][0]).norm() for z in pairs])
    forward = gap.log().mean().mul(-2 / 10).exp().item()             # per layer, mean square, layers 10 to 20
    expected = meanfield.chi("tanh", meanfield.q_fixed_point("tanh", sigma_w, 0.05**0.5), sigma_w)
    print(f"{name:18} a small difference: {forward:.2f} per layer, χ = {expected:.2f}")
    assert abs(forward / expected - 1) < 0.15

# %% [markdown] slideshow={"slide_type": "skip"}
# One number for both directions. Where inputs merge, the gradient vanishes; where they separate, it explodes.
#
# ### The sigmoid has an edge, too
#
# Chapter 1 found no $\sigma_w$ near 1 that saves a sigmoid net. Look further right:

# %% tags=["claim-C4.09"] slideshow={"slide_type": "skip"}
low, high = 50.0, 200.0                                              # bisect for chi = 1 at sigma_b = 0
for _ in range(40):
    middle = (low + high) / 2
    settled = meanfield.q_fixed_point("sigmoid", middle**0.5)
    low, high = (middle, high) if meanfield.chi("sigmoid", settled, middle**0.5) < 1 else (low, middle)
sharp = MLP(10, sigma_w=low**0.5)
flat = measure(sharp, x, y).saturated[1:10].mean().item()
print(f"sigmoid's edge at σ_w² = {low:.1f}; there z has a root mean square of {settled**0.5:.1f}; "
      f"{flat:.0%} of the units are saturated")
assert abs(low - 103) < 1 and settled**0.5 > 6 and 0.3 < flat < 0.7

# %% [markdown] slideshow={"slide_type": "skip"}
# $\sigma_w^2 = 103$: for a net of about 100 units that *is* $N(0,1)$, and you saw its line lie level above. Here
# $E[\phi(z)^2]$ is nearly $\frac12$ and $z$ spreads so far that a sigmoid is almost a switch: half of the units are
# saturated, and the few that are near 0 carry the whole gradient. Level on average, but is such a net any good? Ten
# layers of it, against ten layers of tanh (a sigmoid that is centred on 0) near *its* edge, judged by digits that they
# have never seen:

# %% slideshow={"slide_type": "skip"}
rivals = {"sigmoid, σ_w² = 1": MLP(10, sigma_w=1.0), "sigmoid, σ_w² = 103": MLP(10, sigma_w=103**0.5),
          "tanh, σ_w² = 1.2": MLP(10, activation="tanh", sigma_w=1.2**0.5)}
edge_runs = race(rivals, x, y, steps=300, lr=dict(zip(rivals, (0.1, 0.1, 0.02))), title="At the edge")
unseen = {name: (net(x_test).argmax(1) == y_test).double().mean().item() for name, net in rivals.items()}
for name, run in edge_runs.items():
    print(f"{name:20} training digits {run.accuracy:.0%}, unseen digits {unseen[name]:.0%}")
stopped = any(run.stopped for run in edge_runs.values())
plain, switch, centred = unseen.values()
assert stopped or (plain < 0.2 and plain + 0.1 < switch < centred - 0.03)

# %% [markdown] slideshow={"slide_type": "skip"}
# At its own edge even a ten-layer sigmoid net learns. That is a triumph of the theory, and a warning: half of what it
# sees is thrown to 0 or 1 in each layer, and on unseen digits it falls well behind. The practical answer was to
# re-centre the function instead, which is tanh.
#
# ## Move it: the phase map
#
# Everything so far in one picture, the one to keep of this chapter. Each cell is a net at birth: its depth upwards, its
# $\sigma_w$ to the right (on a log scale, from $\frac14$ to 16). The colour is the measured ratio of layer 1's gradient
# to the last layer's. Orange: dead. Purple: exploding. White: **alive**. 500 nets, a forward and a backward pass each;
# the trick is that all of them share the same random numbers, times a factor. The black lines are theory's, which
# has never seen these nets: where it says that the ratio is a thousandth, 1, and a thousand. The caption says how far
# it is off: little in the median net; a lot in the worst one, as the errors of forty layers multiply.

# %% [markdown] slideshow={"slide_type": "slide"}
# *Try:* (1) each activation: where is its white region, and what shape has it? (2) Other seeds: what changes?
# (3) tanh with $\sigma_b = 1$: which way has the strip moved, and is it as wide at the top as before?

# %% slideshow={"slide_type": "skip"}
EXPONENTS, DEPTHS = torch.linspace(-2, 4, 25, dtype=torch.float64), list(range(2, 41, 2))

# %%
def phase_map(ax, activation="tanh", sigma_b=0.0, seed=0):
    sigma_w = 2**EXPONENTS
    ratio = phase.gradient_map(activation, x[:16], y[:16], sigma_w, DEPTHS, sigma_b=sigma_b, seed=seed)[0]
    expected = phase.predicted_map(activation, sigma_w.tolist(), DEPTHS, sigma_b=sigma_b)  # (20, 25)
    plots.draw_heat(ax, ratio.log10(), x=(-2, 4), y=(2, 40), limits=(-12, 12), diverging=True,
                    xlabel="log₂ σ_w", ylabel="hidden layers", label="log₁₀ (first / last gradient)")
    diagrams.draw_levels(ax, EXPONENTS, DEPTHS, expected.log10(), [-3, 0, 3], label="theory",
                     names={-3: "0.001", 0: "1", 3: "1000"})
    apart = 10 ** (ratio / expected).log10().abs()
    alive = (ratio.log10().abs() < 3).double().mean()
    return (f"{alive:.0%} of the nets are alive, within a factor 1000. Theory is off by a factor "
            f"{apart.median():.1f} in the median net, {apart.max():.0f} in the worst of {ratio.numel()}.")

explore(phase_map, size=(7, 4.2), activation=["sigmoid", "tanh", "relu"], sigma_b=(0.0, 1.0, 0.1), seed=(0, 9))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 5 / 4
# Do: sigmoid, tanh, ReLU. Then another seed.
# Ask: where is white, and what happens to it towards the top?
# Expect: "it gets narrower".
# Answer: every strip narrows with depth. The black lines were computed without these nets.

# %% tags=["claim-C4.07"] slideshow={"slide_type": "skip"}
off = {}
for activation in ("sigmoid", "tanh", "relu"):
    ratios = phase.gradient_map(activation, x[:8], y[:8], 2**EXPONENTS, DEPTHS, seeds=3)         # (3, 20, 25)
    expected = phase.predicted_map(activation, (2**EXPONENTS).tolist(), DEPTHS)
    decades = (ratios / expected).log10() / torch.tensor(DEPTHS)[:, None]
    off[activation] = (decades.abs().median().item(), decades.abs().max().item())
    print(f"{activation:8} theory's error per layer: a factor {10**off[activation][0]:.3f} in the median, "
          f"{10**off[activation][1]:.2f} at worst")
    assert 0 < off[activation][0] < 0.02 and off[activation][1] < 0.3

# %% [markdown] slideshow={"slide_type": "skip"}
# That is the tolerance of this map: per layer theory is off by about 2 % in the median net. In the worst one it can be a
# third, in deep nets of large weights, where few of the 64 units are not saturated and an average over them is a
# poor guess. Through 40 layers even that makes a factor of hundreds, on a scale that spans dozens of decades.
#
# ReLU's living region is a straight strip, as its $\chi = \sigma_w^2/2$ does not know $q$, and it narrows with depth on
# both sides. tanh's bends to the right: larger weights saturate it, which holds the explosion back. The sigmoid's lies
# far to the right, around $2^{3.3} \approx 10$. And every strip gets narrower the deeper the net. That is why, before
# good initialization, deep nets seemed impossible: you had to hit the strip by luck.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it matter? Where the net can learn
#
# Alive at birth is one thing; does it *learn*? 128 tanh nets, eight depths and sixteen $\sigma_w$, with $\sigma_b^2 =
# 0.05$, 100 steps each. (`Stack` trains the 16 nets of a depth as one.) Theory's curve is the **depth scale**, $\xi =
# 1/|\ln\chi|$: over $\xi$ layers the gradient's mean square changes by a factor $e$. Schoenholz et al. (2017) found
# that nets learn up to about $6\xi$.

# %% slideshow={"slide_type": "skip"}
columns, depths = torch.linspace(0.5, 4, 16), list(range(5, 41, 5))
images, labels = x[:480].float(), y[:480]                            # enough here, and kind to the memory

def mean_loss(logits, labels):                                       # logits (16, 64, 10), labels (64,)
    return F.cross_entropy(logits.flatten(0, 1), labels.repeat(len(logits)))

def born_at(depth):
    return Stack(MLP(depth, 32, activation="tanh", sigma_w=sigma_w.item(), sigma_b=0.05**0.5, dtype=torch.float32)
                 for sigma_w in columns)

stacks = {f"{depth} layers": born_at(depth) for depth in depths}

# %% slideshow={"slide_type": "skip"}
trials = race(stacks, images, labels, steps=100, lr=16 * 0.01,       # 0.01 for each: a net is 1/16 of the mean loss
              loss_fn=mean_loss, title="128 nets, mean loss of a depth")
with torch.no_grad():                                                # accuracy: (8 depths, 16 sigmas)
    logits = (torch.cat([stack(part) for part in images.split(96)], 1) for stack in stacks.values())
    learned = torch.stack([(answers.argmax(2) == labels).double().mean(1) for answers in logits])

# %%
fine = torch.linspace(0.5, 4, 141)
chi_fine = phase.chi_map("tanh", fine, [0.05**0.5])[0]               # (141,)
xi = 1 / chi_fine.log().abs().clamp(min=1e-3)

def trainability(ax):
    plots.draw_heat(ax, learned, x=(0.5, 4), y=(5, 40), limits=(0, 1), xlabel="σ_w", ylabel="hidden layers",
                    label="accuracy after 100 steps")
    diagrams.draw_curve(ax, fine, 6 * xi, label="6 ξ")
    best = columns[learned[-3].argmax()].item()
    return f"At 30 layers the best is σ_w = {best:.2f}, accuracy {learned[-3].max():.0%}; the edge is at 1.33."

show(trainability, size=(6.5, 3.9))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 3
# Ask: where in this picture would you start training?
# Expect: in the middle, which is the edge.
# Misconception: a large gradient is a good gradient. The right flank is dark, too.
# Answer: the peak is at the edge of chaos, and a curve that saw no training follows its flanks.

# %% tags=["claim-C4.08"] slideshow={"slide_type": "skip"}
stopped = any(run.stopped for run in trials.values())
at_edge, in_order, in_chaos = learned[:, 2:6].amax(1), learned[:, 0], learned[:, -1]     # by depth
for row in (1, 4, 7):
    print(f"{depths[row]} layers: σ_w = 0.5 {in_order[row]:.0%}, around the edge {at_edge[row]:.0%}, "
          f"σ_w = 4 {in_chaos[row]:.0%}")
reach = 6 * phase.chi_map("tanh", columns, [0.05**0.5])[0].log().abs().reciprocal()      # (16,), in layers
inside = torch.tensor(depths)[:, None] < reach
print(f"accuracy of the nets shallower than 6 ξ: {learned[inside].mean():.0%} on average, "
      f"of the deeper ones {learned[~inside].mean():.0%}")
assert stopped or (at_edge[3] > 0.6 and max(in_order[3], in_chaos[3]) < 0.3)
assert stopped or learned[inside].mean() > learned[~inside].mean() + 0.2

# %% [markdown] slideshow={"slide_type": "skip"}
# The net learns where its gradient arrives. The peak stands at the edge of chaos, and a curve that was computed without
# any training follows both of its flanks. Only the summit is missing: at the edge $\xi$ is infinite, yet nets of 40
# layers are hard to train in 100 steps. (Only 32 units a layer scatter around theory's mean, as in chapter 2, and the
# further from the summit, the better a learning rate of its own would be.) Initialization stretches the depth that can
# be trained. It does not make it endless.
#
# ## ☆ At the edge, slowly
#
# tanh with $\sigma_w = 1$, $\sigma_b = 0$: exactly critical, $\chi = 1$ at the fixed point $q = 0$. But the net never
# arrives there: it starts at $q = 1$, and each layer of the way costs something. "The same exponential decay, only
# slower", one reads. Then it would be a straight line on a log axis. Take both axes logarithmic instead:

# %% tags=["claim-C4.10"] slideshow={"slide_type": "skip"}
q = meanfield.q_trajectory("tanh", 1.0, 800)
left = meanfield.chi("tanh", q).cumprod(0)                           # the gradient's mean square
layer = torch.arange(1, 801, dtype=torch.float64)
late = layer >= 100
slopes = {name: torch.corrcoef(torch.stack([layer[late].log(), v[late].log()])) [0, 1] * v[late].log().std()
          / layer[late].log().std() for name, v in (("q", q), ("product of χ", left))}
print(", ".join(f"{name}: log-log slope {slope:.3f}" for name, slope in slopes.items()))
print(f"q · 2l = {2 * q[-1] * 800:.3f}, product of χ · L = {left[-1] * 800:.3f}")
assert abs(slopes["q"] + 1) < 0.02 and abs(slopes["product of χ"] + 1) < 0.02
assert abs(2 * q[-1] * 800 - 1) < 0.02 and abs(left[-1] * 800 - 0.71) < 0.01

# %% slideshow={"slide_type": "skip"}
net = MLP(100, 128, activation="tanh", sigma_w=1.0)
m = measure(net, x[:64], y[:64])

def power_law(ax):
    curves = {"theory": q[:100], "1 / 2l": 1 / (2 * layer[:100]), "one net, width 128": m.pre_std[:100] ** 2}
    plots.draw_lines(ax, curves, x=layer[:100], xlabel="layer", ylabel="mean square q", log=True, markers=False)
    ax.set_xscale("log")
    return f"In layer 100 theory has q = {q[99]:.4f}; were each layer like the first, {q[1] ** 99:.0e}."

show(power_law, size=(6, 2.8))

# %% [markdown] slideshow={"slide_type": "skip"}
# A straight line on two log axes with slope $-1$ is a **power law**: $q^l \approx 1/(2l)$, and the gradient's mean square
# falls like $0.71/L$. After 100 layers it is less than a hundredth, where an exponential would have left nothing. That
# is what the edge buys: not no decay, but a decay that depth can afford.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## ☆ Valid at step 0 only
#
# All of this is about *random* weights. Training makes them less so with every step. Put a net on the edge, and measure
# the factor $\chi = (\Vert\delta^l\Vert/\Vert\delta^{l+1}\Vert)^2$ again while it learns:

# %% slideshow={"slide_type": "skip"}
def chi_by_layer(net):
    delta = measure(net, x[:128], y[:128]).delta_norm
    return (delta[:-1] / delta[1:]).square()                         # (10,)

learner = MLP(10, activation="tanh", sigma_w=1.1)
run = fit(learner, x, y, steps=200, lr=0.02, record={"χ": chi_by_layer}, every=5, live=False)

# %% tags=["claim-C4.11"]
chi = run.recorded["χ"]                                              # (records, 10)
middle = chi[:, 2:8].log().mean(1).exp()                             # layers 3 to 8, geometric mean

def leaving_the_edge(ax):
    curves = {"middle layers": middle, "layer 1": chi[:, 0], "layer 10": chi[:, 9]}
    plots.draw_lines(ax, curves, x=run.recorded_steps, xlabel="step", ylabel="χ, measured", limits=(0, 4))
    return f"χ of the middle layers: {middle[0]:.2f} at birth, {middle[-1]:.2f} after {run.recorded_steps[-1]} steps."

show(leaving_the_edge, size=(6.5, 3.2))
assert run.stopped or (middle[0] < 1.05 and middle[-1] > middle[0] + 0.15 and run.accuracy > 0.9)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Say: all of it was about random weights. After some dozen steps they are no longer the random numbers of the theory.

# %% [markdown] slideshow={"slide_type": "skip"}
# Within a few dozen steps the net has left the value that it was given, towards chaos. Its weights are no longer the
# independent random numbers that the theory counts on. Initialization gets you started. It promises nothing for later, and that is one reason why later chapters add
# normalization and skip connections.
#
# And a good start cannot be replaced by other cures, nor does it replace them. Chapter 1's cube said: activation,
# initialization and depth *multiply*. Here are two of its faces, ten layers, three activations and four sizes of weights,
# the better of two learning rates:

# %% tags=["claim-C4.11"] slideshow={"slide_type": "skip"}
x32, SIZES, KINDS = x.float(), {"0.1": 0.1, "1.1": 1.1, "1.41": 2**0.5, "8": 8.0}, ("sigmoid", "tanh", "relu")
grid = torch.zeros(3, 4)
for row, activation in enumerate(KINDS):
    for column, sigma_w in enumerate(SIZES.values()):
        nets = {lr: MLP(10, activation=activation, sigma_w=sigma_w, dtype=torch.float32) for lr in (0.01, 0.1)}
        results = race(nets, x32, y, steps=120, lr={lr: lr for lr in nets}, live=False)
        grid[row, column] = max(r.accuracy for r in results.values())
    print(f"{activation:8}", ", ".join(f"σ_w = {name}: {grid[row, i]:.0%}" for i, name in enumerate(SIZES)))
assert grid[:, 0].max() < 0.2 and grid[0, :3].max() < 0.2
assert grid[1:, 1:3].min() > 0.7

# %% [markdown] slideshow={"slide_type": "skip"}
# Weights too small defeat every activation, ReLU included, and no ordinary size of weights saves the sigmoid. "Three
# independent causes" is how one article puts it. They are not independent: $\chi = \sigma_w^2E[\phi'^2]$ is a *product*,
# and through $q$ the second factor depends on the first.
#
# ## The road not taken: pretraining layer by layer
#
# In 2006 there was another way to start a deep sigmoid net. Do not ask for the right random numbers; *train* each layer
# first, alone, without labels: to encode its input so that a decoder can restore it (an **autoencoder**). Freeze it, feed
# its output to the next one, and so on; each of these nets is shallow, so nothing vanishes. Then train the whole.

# %% slideshow={"slide_type": "skip"}
def pretrain(net, steps=300):
    torch.manual_seed(0)                                             # for the decoders
    a = x32
    for layer in net.hidden:
        decoder = nn.Linear(layer.out_features, layer.in_features)
        autoencoder = nn.Sequential(layer, nn.Sigmoid(), decoder)
        fit(autoencoder, a, a, steps=steps, lr=0.01, optimizer="adam", loss_fn=F.mse_loss, live=False)
        with torch.no_grad():
            a = torch.sigmoid(layer(a))                              # the next layer's input
    return net

# %% [markdown] slideshow={"slide_type": "skip"}
# One control makes it honest. Pretraining makes the weights larger, too, so perhaps size is all there is to it? So
# shuffle the pretrained weights within each layer: same numbers, no knowledge. Six sigmoid layers, three seeds:

# %% slideshow={"slide_type": "skip"}
def shuffled(net, seed=0):
    generator, copy = torch.Generator().manual_seed(seed), MLP(len(net.hidden), dtype=torch.float32)
    with torch.no_grad():
        for mine, theirs in zip(copy.hidden, net.hidden):            # the same numbers, in a random order
            order = torch.randperm(theirs.weight.numel(), generator=generator)
            mine.weight.copy_(theirs.weight.flatten()[order].view_as(theirs.weight))
            mine.bias.copy_(theirs.bias)
    return copy

# %% slideshow={"slide_type": "skip"}
def three_starts(depth, seed, live=False):
    torch.manual_seed(seed)                                          # of the decoders
    pretrained = pretrain(MLP(depth, seed=seed, dtype=torch.float32))
    nets = {"Xavier": MLP(depth, seed=seed, dtype=torch.float32), "shuffled": shuffled(pretrained, seed),
            "pretrained": pretrained}
    accuracy = {"accuracy": lambda net: (net(x32).argmax(1) == y).double().mean()}
    return race(nets, x32, y, steps=600, lr=0.1, record=accuracy, every=200, seed=seed, live=live,
                title=f"{depth} sigmoid layers")

starts = [three_starts(6, seed, live=seed == 0) for seed in range(3)]

# %% slideshow={"slide_type": "skip"}
outcome = {name: [run[name].accuracy for run in starts] for name in starts[0]}

def road_not_taken(ax):
    plots.draw_strips(ax, outcome, xlabel="accuracy after 600 steps", limits=(0, 1.02))
    return "Six sigmoid layers; a point for each of three seeds, and their mean."

show(road_not_taken, size=(6.5, 2.3))
for name, shares in outcome.items():
    early = [run[name].recorded["accuracy"][-1] for run in starts]
    print(f"{name:10}", ", ".join(f"{a:.0%} -> {b:.0%}" for a, b in zip(early, shares)), "(steps 400 -> 600)")
deeper = {name: f"{run.accuracy:.0%}" for name, run in three_starts(10, 0).items()}
print("ten layers, one seed:", deeper)
stopped = any(result.stopped for run in starts for result in run.values())
assert stopped or (max(outcome["Xavier"]) < 0.2 and min(outcome["pretrained"]) > max(outcome["shuffled"]) + 0.1)

# %% [markdown] slideshow={"slide_type": "skip"}
# Pretraining rescues a net that Xavier's weights leave at chance. Part of it is size: the same weights in a random order
# get some way, too. The rest is order: what the layers have learnt. In each of the three seeds it is ahead at step 400
# already, though they differ in how far they have come. But do not take it for a cure at any depth. In the one run with ten layers this minute of computing does not suffice, and the pretrained net is no better
# than the shuffled one. Since 2010
# better random numbers have taken over. They cost nothing.

# %% [markdown] tags=["claim-C4.03", "claim-C4.10"] slideshow={"slide_type": "skip"}
# ## What the literature says
#
# - **"Naive $N(0,1)$ weights saturate, hence the gradient vanishes"** (many articles). They saturate, and in wide nets
#   the gradient *explodes*. You measured both.
# - **"tanh at the edge decays at the same exponential rate, a bit slower."** It is a power law, $1/(2l)$.
# - **"In the ordered phase signals vanish."** Inputs merge: their cosine goes to 1. With a bias the signal itself stays.
# - **Poole et al. 2016; Schoenholz et al. 2017**: order and chaos, the edge at $\sigma_w^2 = 1.76$ for $\sigma_b^2 =
#   0.05$, the depth scale. The edge replicates to three digits, as it is a calculation. The $6\xi$ boundary replicates in
#   nets of 32 units, except at the top, where it is infinite and they are not.
# - **"PyTorch initializes with He."** It calls He's function, with a number that turns it into something else.
# - **Hinton, Osindero and Teh 2006; Vincent et al. 2008**: pretraining makes deep nets trainable. At six layers, yes.
#
# *Try:* 1992, 1998, 2006, 2008, 2010, 2015.

# %% slideshow={"slide_type": "skip"}
def history_of_the_field(ax, year=2006):
    return plots.draw_timeline(ax, timeline.EVENTS, year, timeline.LANES)

explore(history_of_the_field, year=(1969, 2020))

# %% [markdown] slideshow={"slide_type": "skip"}
# ## A quiz

# %% slideshow={"slide_type": "skip"}
print(quiz.sheet(chapter04.QUIZ))

# %% [markdown] slideshow={"slide_type": "skip"}
# Put your answers in quotes in place of the dots.

# %% slideshow={"slide_type": "skip"}
answers = {
    "zeros": ...,
    "wide": ...,
    "default": ...,
    "order": ...,
    "edge": ...,
}
quiz.grade(chapter04.QUIZ, answers)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## The clinic: your fourth patient

# %% slideshow={"slide_type": "skip"}
patient = chapter04.PATIENT
print(patient.complaint)
m = measure(patient.make(), x, y)
print("layer   gradient  std of z  saturated")
for l in (0, 3, 6, 9, 12, 14):
    print(f"{l + 1:5}  {m.delta_norm[l]:9.1e}  {m.pre_std[l]:8.1e}  {m.saturated[l]:9.0%}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Which disease is it? Put one of these in place of the dots, with its quotes: `"weights too large, saturated"`,
# `"weights too small"`, `"all units the same"`, `"exploding gradient"`.

# %% slideshow={"slide_type": "skip"}
diagnosis = ...
clinic.name_disease(patient, diagnosis)

# %% [markdown] slideshow={"slide_type": "skip"}
# And the treatment? One of `"ten times the learning rate"`, `"weights from N(0, 1)"`, `"ReLU in place of tanh"`,
# `"sigma_w = 1.1"`. The patient is trained untreated and treated, side by side.

# %% slideshow={"slide_type": "skip"}
prescription = ...
clinic.treat(patient, prescription)

# %% [markdown] slideshow={"slide_type": "skip"}
# A second opinion, from an instrument that knows any PyTorch net. It speaks when you have spoken:

# %% slideshow={"slide_type": "skip"}
if clinic.has_named(patient, diagnosis):
    print(diagnose(patient.make(), x[:256], y[:256], lr=patient.lr))
else:
    print("Your own diagnosis first. Then run this cell again.")

# %% [markdown] slideshow={"slide_type": "skip"}
# <details><summary>When the report stands above: how to read it</summary>
#
# It reads the same column as you did: the gradient, which fades from the last layer to the first. It also names the
# size that the weights have, $\sqrt{1/3} = 0.58$ through $\sqrt n$, and the one that tanh needs.
#
# </details>

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### 1. How wild is a naive unit?
#
# `naive_std(a)`: for the activations $a$ that a unit receives, a tensor of shape (n,), return the standard deviation of
# its $z$ if its weights and its bias are drawn from $N(0, 1)$, as a number.
#
# <details><summary>Hint</summary>
#
# The variances of the terms $w_k a_k$ add up, and so does that of the bias.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def naive_std(a):
#     return (a.square().sum() + 1).sqrt().item()
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def naive_std(a):
    """(n,) -> the standard deviation of z, a number."""
    ...

chapter04.check_naive_std(naive_std)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 2. Unmask a uniform distribution
#
# `sigma_w_of_uniform(bound, fan_in)`: weights are drawn from $U(-\text{bound}, \text{bound})$, in a layer with `fan_in`
# inputs. What is $\sigma_w$? For PyTorch's bound of $1/\sqrt n$ it must be $\sqrt{1/3}$.
#
# <details><summary>Hint</summary>
#
# The variance of $U(-b, b)$ is $b^2/3$, and $\sigma_w^2 = n\,\mathrm{Var}(w)$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def sigma_w_of_uniform(bound, fan_in):
#     return bound * (fan_in / 3) ** 0.5
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def sigma_w_of_uniform(bound, fan_in):
    """Two numbers -> sigma_w, a number."""
    ...

chapter04.check_sigma_w_of_uniform(sigma_w_of_uniform)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 3. One layer of the q map
#
# `next_q(phi, q, sigma_w, sigma_b, Z)`: `phi` is a function of a tensor, `Z` a tensor of standard normal numbers. Return
# the next layer's $q$, with the mean over `Z` in place of the expectation, as a number or a tensor with one entry.
#
# <details><summary>Hint</summary>
#
# A pre-activation with mean square $q$ is $\sqrt q Z$. Then apply `phi`, square, average.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def next_q(phi, q, sigma_w, sigma_b, Z):
#     return sigma_w**2 * phi(q**0.5 * Z).square().mean() + sigma_b**2
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def next_q(phi, q, sigma_w, sigma_b, Z):
    """A function, three numbers and (samples,) -> the next q."""
    ...

chapter04.check_next_q(next_q)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 4. Put a layer on the edge
#
# `edge_sigma_w(slopes)`: you measured the slopes $\phi'(z)$ of a layer's units, a tensor of any shape. Which $\sigma_w$
# gives $\chi = 1$ with these slopes?
#
# <details><summary>Hint</summary>
#
# $\chi = \sigma_w^2\,E[\phi'^2]$. Solve for $\sigma_w$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def edge_sigma_w(slopes):
#     return slopes.square().mean().rsqrt().item()
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def edge_sigma_w(slopes):
    """A tensor of slopes -> sigma_w, a number."""
    ...

chapter04.check_edge_sigma_w(edge_sigma_w)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 5. How deep can it be?
#
# `layers_until(chi, ratio)`: with a factor `chi` per layer for the mean *square*, after how many layers (not
# necessarily a whole number) has the gradient's *norm* changed by the factor `ratio`? For $\chi = 0.25$ and a ratio
# of $\frac18$: 3 layers.
#
# <details><summary>Hint</summary>
#
# The norm is multiplied by $\sqrt\chi$ per layer: solve $\chi^{L/2} = $ ratio with logarithms.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def layers_until(chi, ratio):
#     return 2 * torch.tensor(ratio).log().item() / torch.tensor(chi).log().item()
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def layers_until(chi, ratio):
    """Two positive numbers -> the number of layers."""
    ...

chapter04.check_layers_until(layers_until)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - The variance of a sum grows with its terms, $n\,\mathrm{Var}(w)\,E[a^2] + \mathrm{Var}(b)$, so weights must shrink with
#   $\sqrt n$; and they must differ, or the units stay copies.
# - Layer by layer, $q$ runs to a fixed point, and there $\chi$ says what becomes of the gradient. Below 1 inputs merge and
#   the gradient vanishes; above 1 they separate and it explodes; at the edge it fades slowly, if at all.
# - The deeper the net, the narrower the strip of $\sigma_w$ in which it can learn. It is a promise for step 0 only.
#
# One picture to keep: three activations, three strips.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Say: next, how to hit the strip without a map: Xavier and He.

# %% slideshow={"slide_type": "skip"}
def three_strips(axes):
    for ax, activation in zip(axes, ("sigmoid", "tanh", "relu")):
        ratio = phase.gradient_map(activation, x[:16], y[:16], 2**EXPONENTS, DEPTHS)[0]
        plots.draw_heat(ax, ratio.log10(), x=(-2, 4), y=(2, 40), limits=(-12, 12), diverging=True,
                        xlabel="log₂ σ_w", ylabel="hidden layers", label="log₁₀ (first / last)")
        ax.set_title(activation)
    return "Orange: dead at birth. White: alive. Purple: exploding."

show(three_strips, panels=3, size=(9, 2.8))

# %% [markdown] slideshow={"slide_type": "skip"}
# You know where the strip is. How do you hit it without a map, for any layer, and for forward and backward at once? Two
# famous formulas do it, one for tanh and one for ReLU: **Xavier** and **He**, chapter 5.
#
# ## References
#
# - LeCun, Bottou, Orr, Müller 1998, *Efficient BackProp*, in Neural Networks: Tricks of the Trade
# - Hinton, Osindero, Teh 2006, *A fast learning algorithm for deep belief nets*, Neural Computation 18
# - Vincent, Larochelle, Bengio, Manzagol 2008, *Extracting and composing robust features with denoising autoencoders*, ICML
# - Glorot, Bengio 2010, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS
# - He, Zhang, Ren, Sun 2015, *Delving deep into rectifiers*, ICCV
# - Nielsen 2015, *Neural Networks and Deep Learning*, chapter 3
# - Poole, Lahiri, Raghu, Sohl-Dickstein, Ganguli 2016, *Exponential expressivity in deep neural networks through
#   transient chaos*, NeurIPS
# - Schoenholz, Gilmer, Ganguli, Sohl-Dickstein 2017, *Deep information propagation*, ICLR
