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
# # 3 · The \*LU family: which bend at zero, and does it matter?
#
# ReLU has many successors: leaky ReLU, ELU, SELU, GELU, SiLU, softplus. For large $z$ all of them run along a straight
# line. They differ in how they bend at zero. You will see what the bend does to a hundred layers, explain it with three
# averages, and change it by subtracting a number. In the end you can judge an activation that is published tomorrow.
#
# You need $\chi$ from chapter 1, what a layer does to the squared gradient: $\sigma_w^2\,E[\phi'^2]$.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: a dozen functions want to be the next ReLU. One question today: what does their bend do to a deep net?

# %% slideshow={"slide_type": "skip"}
import torch
from torch.nn import functional as F
from utils import MLP, activations, causes, chapter03, claim, clinic, datasets, explore, fit
from utils import meanfield, measure, plots, predict, race, show, style, table

torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()        # x is (1437, 64): a row for each digit

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A hundred layers
#
# Four activations, and a net of a hundred layers for each. Its random weights have the standard deviation
# $\sigma_w/\sqrt n$ for $n$ inputs. The $\sigma_w$ that keeps the signal at its size is the **gain** of the activation,
# $1/\sqrt{E[\phi(Z)^2]}$ for a standard normal $Z$. <!-- term: Of an activation: the sigma_w that keeps the mean square of the pre-activations at 1, which is one over the root of E[phi(Z)^2]. -->
#
# A row is a net, a thin column a layer: the size of the signal; the gradient (the last layer's is 1); how far two images stay apart (0: all look the same).
# Which of the four would you train?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 2
# Say: same depth, each at its own gain. The strip in the middle is chapter 1's column of layers, laid on its side.
# Ask: which of the four would you train?
# Answer: the gradient of all four gets through a hundred layers, give or take a few decades.

# %% slideshow={"slide_type": "skip"}
def gradient(net):               # norm of each layer's gradient, the last one's being 1
    delta = measure(net, x[:128], y[:128]).delta_norm
    return delta / delta[-1]

def apart(a):                    # 1 - mean cosine between the activations of two different images
    cosines = F.normalize(a, dim=1) @ F.normalize(a, dim=1).T
    return 1 - (cosines.sum() - len(a)) / (len(a) ** 2 - len(a))

def signals(net):                # of every hidden layer: size of z, gradient, distance of images
    with torch.no_grad():
        z, a = net.signals(x[:128])
    sizes = torch.stack([z_l.square().mean().sqrt() for z_l in z[:-1]])
    return sizes, gradient(net)[:-1], torch.stack([apart(a_l) for a_l in a[1:]])

# %%
def hundred_layers(ax, names=("relu", "elu", "gelu", "tanh"), guess=None):
    nets = {name: MLP(100, activation=name, sigma_w=meanfield.gain(name)) for name in names}
    found = {name: signals(net) for name, net in nets.items()}
    strips = ({name: three[i] for name, three in found.items()} for i in range(3))
    curve = torch.linspace(-3, 3, 61)
    shapes = {name: activations.get(name).value(curve) for name in names}
    return causes.draw_hundred(ax, *strips, shapes, guess=guess)

show(hundred_layers, size=(10, 3.4))

# %% [markdown] slideshow={"slide_type": "slide"}
# The four nets differ. Two images stay apart behind tanh, and look the same behind ReLU. The signal of GELU grows (why: below).
# That of ReLU shrinks, as 64 units are not many. But in all of them the gradient arrives at layer 1. In ELU, GELU
# and tanh it even grows.
#
# ### Softplus
#
# Does the bend matter at all? **Softplus**, $\ln(1+e^z)$, is ReLU with a round corner. <!-- term: The activation ln(1 + e^z): ReLU with a round corner, positive everywhere. -->
# It is nowhere further from ReLU than 0.7, and none of its units can die.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: now a smooth ReLU. Let them commit themselves before you reveal.

# %% slideshow={"slide_type": "subslide"}
predict(
    "A hundred layers of softplus, at its gain: layer 1's gradient, compared with the last one's?",
    hundred_layers, size=(10, 3.8), names=("relu", "elu", "gelu", "tanh", "softplus"),
    right=chapter03.RIGHT["softplus"],
    guess=[("ten times as large", 10.0), ("1/10", 1e-1), ("1e-5", 1e-5), ("1e-15", 1e-15),
           ("1e-25", 1e-25)],
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4.5 / 2
# Ask: softplus is a ReLU with a round corner. What becomes of its gradient? Count hands.
# Expect: like ReLU; smooth is better.
# Misconception: smoother is safer; what looks alike trains alike.
# Answer: 1e-25, and the size of the signal never moved.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## By hand: what does a unit say on average?
#
# Softplus has held its signal at its size. No unit has died. And still the gradient is gone. What is wrong?
#
# Feed softplus with a million standard normal numbers, and take three averages.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1
# Ask: softplus is positive everywhere. What does a unit say on average, whatever the image?
# Answer: 0.81. Square it, and compare with the mean square.

# %% slideshow={"slide_type": "fragment"}
z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
a = F.softplus(z)
mean, mean_square, variance = a.mean(), a.square().mean(), a.var()
assert abs(mean_square - (mean**2 + variance)) < 1e-3
claim("C3.12", f"mean {mean:.2f}; mean square {mean_square:.2f} = {mean**2:.2f} + {variance:.2f}",
      abs(mean - 0.806) + abs(mean_square - 0.921) + abs(variance - 0.272) < 0.015)

# %% [markdown] slideshow={"slide_type": "slide"}
# The mean square is what the gain holds at its size. The squared mean, 0.65, is what every unit puts out
# whatever the image shows. The variance, 0.27, is all that can differ from image to image. So 70 % of the signal says nothing.
# We call this part the **mean share**, $(E\phi)^2/E[\phi^2]$. <!-- term: Of an activation: the part of its mean square that is due to its mean, (E phi)^2 / E[phi^2]; what all units say whatever the input is. -->
#
# ### The mean eats the gain
#
# The weights multiply the mean and what differs alike. To hold the whole at its size they must be small, $\sigma_w = 1.04$. To hold the
# part that differs they would have to be almost twice as large, $1/\sqrt{0.272} = 1.92$. The gradient does not see
# the mean, as a constant has no slope. But it travels back through the same weights, and they are too small for it.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1
# Say: a budget. 70 % of the signal's mean square is the same for all images, and the weights pay for it.
# Ask: why does the gradient not see the mean?
# Answer: a constant has no slope. But it sees the weights, which the mean has made small.

# %% [markdown] slideshow={"slide_type": "subslide"}
# How much gradient does a mean cost? The squared gain is $1/E[\phi^2]$, so $\chi = E[\phi'^2]/E[\phi^2]$. For a straight line through
# zero this is exactly 1. Two things change it:
#
# $$\chi \;=\; 1 \;-\; \text{mean share} \;+\; \text{bend}$$
#
# A mean makes $\chi$ smaller. The **bend**, $(E[\phi'^2] - \mathrm{Var}\,\phi)/E[\phi^2]$, is 0 for a straight line and
# positive for every curve. (Of all functions with the same variance, a straight line has the smallest slopes; evidence.) <!-- term: Of an activation: what its curvature adds to chi, chi - 1 + mean share; zero for a straight line, positive for every curve. -->
# ReLU has a mean share of 0.32 and a bend of 0.32: they cancel. Softplus has more mean, and hardly any bend.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: a mean costs gradient, a bend gives it back. For ReLU the two cancel.

# %% slideshow={"slide_type": "skip"}
def averages(phi, c=0.0):        # of phi(z) - c: gain, mean share, chi, bend
    mean = meanfield.gaussian_mean(phi.value) - c
    square = meanfield.gaussian_mean(lambda z: (phi.value(z) - c) ** 2)
    chi = meanfield.gaussian_mean(lambda z: phi.slope(z) ** 2) / square
    return square**-0.5, mean**2 / square, chi, chi - 1 + mean**2 / square

facts = {name: averages(phi) for name, phi in activations.ACTIVATIONS.items()}
claim("C3.12", "a straight line has no bend, and all the others a positive one",
      [name for name in facts if facts[name][3] < 1e-3] == ["identity"])
relu, soft = facts["relu"], facts["softplus"]
claim("C3.12", f"ReLU: mean share {relu[1]:.3f}, bend {relu[3]:.3f}; softplus: {soft[1]:.2f} and "
      f"{soft[3]:.2f}, so chi is {soft[2]:.2f}", abs(relu[2] - 1) + abs(soft[2] - 0.318) < 1e-3)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Subtract it
#
# If the mean is the disease, then subtracting a number $c$ must cure it: $\phi(z) - c$ has the same slopes everywhere.
# Only its mean is another, and with it the gain.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: the same slopes everywhere; only the mean is another.

# %% [markdown] slideshow={"slide_type": "subslide"}
# On the left the curve, how often each $z$ occurs (orange, below), and how often each output does (blue, at the side). On the
# right the gradient in each layer.
#
# *Try:* (1) softplus: shift 0.8, and then 1.6. (2) Which shift heals the sigmoid of chapter 1? (3) Both
# at a hundred layers. (4) ReLU at 0.4: does a mean of 0 help it, too?

# %%
def subtract(axes, shift=0.0, activation="softplus", depth=15):
    phi, z = activations.get(activation), torch.linspace(-4, 4, 401, dtype=torch.float64)
    gain, share, chi, _ = averages(phi, shift)
    causes.draw_mean(axes[0], z, phi.value(z) - shift, torch.exp(-(z**2) / 2),
                     name=f"{activation} − {shift:.2f}")
    left = gradient(chapter03.shifted(depth, phi.value, shift, gain))     # of phi(z) - shift
    plots.draw_by_layer(axes[1], left[:-1], quantity="gradient (output: 1)")
    axes[1].axhline(1, color=style.GREY)
    axes[1].set(xlim=(0, depth + 1), ylim=(10 ** (-depth / 2), 10 ** (depth / 2)))
    return f"Mean share {share:.0%}, gain {gain:.2f}, chi {chi:.2f}; layer 1 gets {left[0]:.2g}."

explore(subtract, panels=2, size=(10, 4), shift=(0.0, 1.6, 0.05),
        activation=["softplus", "sigmoid", "relu"], depth=(5, 100, 5))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4.5 / 2
# Do: softplus to 0.8, then to 1.6; the sigmoid to 0.5, then at a hundred layers.
# Ask: the slopes never changed. What did?
# Expect: "the slopes got better".
# Misconception: a gradient vanishes because slopes are small.
# Answer: the gain. From 1.04 to 1.92 for softplus, from 1.85 to 4.80 for the sigmoid.

# %% [markdown] slideshow={"slide_type": "slide"}
# At 0.8 the mean of softplus is 0, and the gradient arrives at layer 1. Beyond, it vanishes again: a negative mean is as bad
# as a positive one. The sigmoid is healed at ½, and then a *hundred* layers of it carry the gradient.
#
# ### A closer look
#
# In chapter 1, larger weights did not rescue the sigmoid: they multiply its mean as well, and $z$ grows until the units
# saturate. Without the mean, a $\sigma_w$ of 4.80 makes up for the small slope.
#
# The gradient of the healed softplus even grows, about thirtyfold in fifteen layers. By its $\chi$ of 1.08 it should not double.
# But $\chi$ is for a $z$ of size 1, and this $z$ begins at 1.9 and grows (more below).
#
# ReLU's gradient passed before. Without the mean it grows: the bend is left alone, and nothing balances it. A mean of 0 is no aim in itself.
# *Mean and bend must balance.*

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: a mean of 0 is no aim in itself: ReLU minus 0.4 explodes.

# %% slideshow={"slide_type": "skip"}
def healed(depth, name, c):
    phi = activations.get(name)
    return gradient(chapter03.shifted(depth, phi.value, c, averages(phi, c)[0]))[0].item()

sick, well = healed(100, "sigmoid", 0.0), healed(100, "sigmoid", 0.5)
claim("C3.15", f"a hundred layers: sigmoid leaves {sick:.0e} of the gradient, minus ½ {well:.1f}",
      sick < 1e-35 and 0.05 < well < 20)
sick, well, over = (healed(15, "softplus", c) for c in (0.0, 0.806, 1.612))
claim("C3.15", f"fifteen softplus layers leave {sick:.0e}, without their mean {well:.0f}, with a "
      f"mean of -0.81 {over:.0e}", max(sick, over) < 1e-3 and 3 < well < 300)
bare = averages(activations.get("relu"), 0.399)
claim("C3.12", f"ReLU without its mean: chi is {bare[2]:.2f}", abs(bare[2] - 1.467) < 0.001)
sizes, *_ = signals(chapter03.shifted(15, F.softplus, 0.806, 1.92))
claim("C3.15", f"healed softplus: z grows from a size of {sizes[0]:.1f} to {sizes[-1]:.0f}",
      1.7 < sizes[0] < 2.1 and sizes[-1] > 2 * sizes[0])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it matter?
#
# Do the nets learn? The remedy has two parts, the shift and the larger weights. So it needs two controls: the shift alone, and
# the larger weights alone. Each net has fifteen layers. We count the steps until its loss is below 1.5, 300 at most. Decide
# first: which of the four leave the plateau with SGD, and which with Adam?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3.5 / 1
# Ask: neither, shift alone, larger weights alone, both. Which learn with SGD? Which with Adam?
# Expect: the shift alone will do a part of it.
# Answer: with SGD only both together. With Adam all softplus nets learn, the healed one first.

# %% slideshow={"slide_type": "skip"}
entrants = {                     # phi, c, sigma_w
    "softplus": (F.softplus, 0.0, 1.04), "softplus, shift alone": (F.softplus, 0.81, 1.04),
    "softplus, weights alone": (F.softplus, 0.0, 1.92), "softplus, both": (F.softplus, 0.81, 1.92),
}
runs = {}
for rule, lr in (("sgd", 0.003), ("adam", 0.001)):
    nets = {name: chapter03.shifted(15, *how) for name, how in entrants.items()}
    runs[rule] = race(nets, x, y, steps=300, lr=lr, optimizer=rule, live="bar", title=rule,
                      until=lambda net: F.cross_entropy(net(x[:256]), y[:256]) < 1.5)
sgd, adam = ({name: float("nan") if run.diverged else run.steps if run.reached else 300
              for name, run in among.items()} for among in runs.values())
plain, alone, weights, both = ([of[name] for of in (sgd, adam)] for name in entrants)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Which nets leave the plateau? (Hatched: still there after 300 steps.)

# %%
def wait(axes):
    for ax, rule, steps in zip(axes, runs, (sgd, adam)):
        plots.draw_bars(ax, steps, xlabel=f"steps, {rule}", form="{:.0f}", missing="overflows",
                        marks=[name for name in steps if steps[name] == 300])
    axes[1].set_yticklabels([])

show(wait, panels=2, size=(10, 2.6))
claim("C3.13", f"SGD at 0.003: softplus stays, shifted too; both leaves after {both[0]}",
      plain[0] == alone[0] == 300 and both[0] < 100, unless=runs["sgd"], only=("rate", "optimizer"))
claim("C3.13", "SGD at 0.003, seed 0: the larger weights alone overflow",
      runs["sgd"]["softplus, weights alone"].diverged, unless=runs["sgd"],
      only=("seed", "rate", "optimizer"))
claim("C3.13", f"Adam at 0.001: all four leave, untreated after {plain[1]}, both after {both[1]}",
      300 > plain[1] > 1.5 * both[1] and max(alone[1], weights[1]) < 300,
      unless=runs["adam"], only=("rate", "optimizer"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: with SGD the shift alone does nothing. Let them compare with what they wrote down.

# %% [markdown] slideshow={"slide_type": "slide"}
# With SGD at 0.003, the shift alone does not help: the weights stay too small. The larger weights alone multiply the mean as well, from
# layer to layer. This net overflows; with another seed it may survive, and is late. Together they work: without the mean the
# weights may be larger, and larger weights carry the gradient.
#
# ### Another rate, another optimizer
#
# With SGD at 0.01 the healed net may overflow as well (evidence).
#
# With Adam every softplus net leaves the plateau, since Adam divides a gradient by its own size. The healed one leaves well
# before the untreated one. But thirty layers of softplus Adam does not save within 300 steps (evidence).

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: Adam hides much of it, and not for every depth.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Mean against bend
#
# Each point is an activation at its gain. On the line mean and bend cancel, and the gradient passes. Below
# it the mean wins, and above it the bend. The arrows subtract the mean, as you did. Which of them lose the gradient? Which would
# you leave as they are?

# %%
def mean_against_bend(ax):
    places = {"relu": (8, -10), "elu": (3, 8), "selu": (-34, -4), "gelu": (-34, 4)}
    for name in ("sigmoid", "tanh", "relu", "elu", "selu", "gelu", "silu", "softplus"):
        share, bend = facts[name][1::2]
        ax.plot(share, bend, "o", color=style.MEASURED)
        ax.annotate(name, (share, bend), places.get(name, (6, 5)), textcoords="offset points")
    for name, c in (("softplus", 0.806), ("sigmoid", 0.5), ("relu", 0.399)):
        ax.annotate("", averages(activations.get(name), c)[1::2], facts[name][1::2],
                    arrowprops={"arrowstyle": "->", "color": style.ALARM})
    ax.plot([0, 0.5], [0, 0.5], color=style.THEORY)
    ax.text(0.06, 0.47, "χ > 1: the gradient grows")
    ax.text(0.45, 0.2, "χ < 1: the gradient vanishes")
    ax.set(xlabel="mean share", ylabel="bend", xlim=(-0.07, 1), ylim=(-0.02, 0.5))

show(mean_against_bend, size=(9, 4.6))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1
# Say: this is the picture to keep. Left to right the mean, upwards the bend, and the line where they cancel.
# Ask: where does a straight line sit? Where would you put a new activation?
# Answer: at the origin. Compute its three averages.

# %% [markdown] slideshow={"slide_type": "slide"}
# What becomes of the *size* of the signal? Let its mean square be 1 % too large in one layer. In the next one it is too large
# by 1 % times a number that we call the **level** of the activation. <!-- term: Of an activation at its gain: what a layer passes on of a small error in the signal's mean square; below 1 the error fades with depth, above 1 it grows. -->
# Below 1 the error fades. Above 1 it grows, and a deep net runs away.

# %% tags=["slide-output"]
def level(name, c=0.0):          # of phi(z) - c
    phi = activations.get(name)
    at_1, more = (meanfield.gaussian_mean(lambda z: (phi.value(z) - c) ** 2, q) for q in (1, 1.001))
    return (more / at_1 - 1) / 0.001

names = [name for name in facts if name not in ("identity", "gelu_tanh", "prelu")]
gains, shares, chis, bends = zip(*(facts[name] for name in names))
claim("C3.10", "chi is between 0.99 and 1.08 for all of them but sigmoid, tanh and softplus",
      [n for n in names if not 0.99 < facts[n][2] < 1.08] == ["sigmoid", "tanh", "softplus"])
runs_away = level("softplus", 0.806)
claim("C3.10", f"softplus without its mean has a level of {runs_away:.2f}",
      abs(runs_away - 1.056) < 0.001)
table({"": names, "gain": gains, "mean share": shares, "bend": bends, "chi": chis,
       "level": map(level, names)}, form="{:.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Say: the gradient is one question, the size of the signal another.
# Ask: which would you take for sixty plain layers?
# Answer: SELU or ELU: chi near 1, and a level below 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# GELU's level is above 1, as its signal showed in the first picture. So is that of the healed softplus.
#
# - **ELU**, $e^z - 1$ below zero, takes back there what it says above. So its mean is small, and its signal keeps its size. <!-- term: The activation that is z above zero and e^z - 1 below. -->
# - **SELU** is an ELU with two constants, chosen for a mean of 0 and a gain of exactly 1. In a plain chain of dense <!-- term: An ELU with two constants, chosen so that its mean is 0 and its gain 1. -->
#   layers, with weights of variance $1/n$, mean 0 and variance 1 restore themselves: it is *self-normalizing*.
# - GELU and **SiLU**, $z$ times a sigmoid of $z$, have $\chi$ near 1, but need a norm to keep the size. <!-- term: The activation z times the sigmoid of z. -->
#
# And the bend? With a layer norm, which holds the size of each image's $z$, the straighter ones learn faster in twenty plain
# layers (evidence).

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1.5
# Ask: and which would you take for a Transformer?
# Answer: there a norm sets the size in every block, so the level is no reason to choose.

# %% [markdown] tags=["claim-C3.09"] slideshow={"slide_type": "slide"}
# ## Today's answer: GELU and SwiGLU
#
# In a Transformer a norm sets the size in every block. The Transformer of 2017 took ReLU. BERT and GPT took **GELU**,
# $z\,\Phi(z)$, where $\Phi(z)$ is the share of a standard normal distribution below $z$. <!-- term: The activation z Phi(z), where Phi(z) is the share of a standard normal distribution below z. -->
# $\Phi(z)$ is a gate that opens as $z$ grows. PaLM and LLaMA took **SwiGLU**, in which the gate, $xW$, and what it lets pass, $xV$, are two different sums: <!-- term: A layer whose units are products of a gate, SiLU(xW), and of what it lets pass, xV. -->
#
# $$\mathrm{SwiGLU}(x) = \big(\mathrm{SiLU}(xW)\odot xV\big)\,W_2$$
#
# A plain block has two matrices. To be compared, the three are narrower, $\frac83 d$ in place of $4d$ for an input of $d$ numbers.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Say: today's answer: a gate. GELU is a gate that opens itself.

# %% slideshow={"slide_type": "skip"}
block, h = chapter03.FeedForward(128, F.silu, gated=True), torch.randn(5, 48)
z = block.norm(h)
assert torch.allclose(block(h), h + block.W_2(F.silu(block.W(z)) * block.V(z)))

kinds = {"ReLU": (192, F.relu), "GELU": (192, F.gelu), "SwiGLU": (128, F.silu, True),
         "product alone": (128, lambda z: z, True)}
(size, loss, unseen), trained = [{kind: [] for kind in kinds} for _ in range(3)], []
for kind in [kind for kind in kinds for seed in range(5)]:
    torch.manual_seed(len(size[kind]))          # the same five seeds for each kind
    net = chapter03.feed_forward_net(*kinds[kind])
    trained.append(fit(net, x.float(), y, steps=100, lr=0.001, optimizer="adam", live=False))
    size[kind].append(sum(p.numel() for p in net.parameters()))
    loss[kind].append(sum(trained[-1].loss[-20:]) / 20)
    unseen[kind].append((net(x_test.float()).argmax(1) == y_test).double().mean().item())

# %% [markdown] slideshow={"slide_type": "subslide"}
# Three blocks, equally many parameters, five seeds each. Which learns fastest? SwiGLU changes two things, the product
# and SiLU. Its control is the product alone, $xW\odot xV$.

# %%
def fair(axes):
    plots.draw_strips(axes[0], loss, xlabel="loss after 100 steps of Adam")
    plots.draw_strips(axes[1], unseen, xlabel="accuracy on unseen digits")
    axes[1].set_yticklabels([])

show(fair, panels=2, size=(10, 3))
relu, gelu, swiglu, product = (sum(losses) / 5 for losses in loss.values())
claim("C3.07", f"{size['ReLU'][0]:,} parameters each, 100 steps of Adam at 0.001: loss {gelu:.3f} "
      f"with GELU, {relu:.3f} ReLU, {swiglu:.3f} SwiGLU, {product:.3f} the product alone",
      size["ReLU"] == size["SwiGLU"] == size["product alone"] and product < swiglu < relu < gelu,
      unless=trained, only=("rate", "budget", "optimizer"))

# %% [markdown] slideshow={"slide_type": "fragment"}
# GELU is a little slower than ReLU here, and their seeds overlap. SwiGLU is faster, and the product alone the fastest: the product
# helps, not SiLU. At a third of this rate ReLU is ahead of SwiGLU, and after 500 steps neither is (evidence).

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: what helps, the product or SiLU?
# Answer: the product. A control that nobody had asked for wins.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The clinic: recommended, and sick
#
# Name the disease: does the mean eat the gain, is the bend left alone, are units dead, or is the rate too large? Then treat
# it: a tenth of the rate; $\sigma_w = 1$; subtract nothing, and leave $\sigma_w$ at 1.71; or subtract 0.8, and
# $\sigma_w = 1.41$?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4
# Ask: in which direction does the gradient go wrong? Then: which treatment would you bet on?
# Expect: a smaller rate; nobody bets on subtracting twice as much.
# Answer: the bend is left alone. A mean of -0.4 has the same square as ReLU's own, and balances it.

# %%
clinic.chart(chapter03.PATIENT, "gradient", "std of z", "mean of a", "std of a", "dead")

# %% slideshow={"slide_type": "skip"}
# averages(activations.get("relu"), 0.8) gives gain, mean share, chi and bend.
diagnosis, prescription = ..., ...
print(clinic.name_disease(chapter03.PATIENT, diagnosis))
clinic.treat(chapter03.PATIENT, prescription)

# %% slideshow={"slide_type": "skip"}
clinic.second_opinion(chapter03.PATIENT, diagnosis)         # speaks when you have spoken

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# Replace the dots and run the cell. It answers at once, and you may try as often as you like.
#
# ### 1. The gain of anything
#
# `gain(phi)`: for any function `phi` of a tensor, the $\sigma_w$ that keeps the mean square at 1, to within 1 %.
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
# ### 2. Repair it
#
# *Squareplus*, $\frac12(z + \sqrt{z^2+4})$, is a smooth ReLU that needs no exponential. Twenty layers of
# $\mathrm{squareplus}(z) - c$ with weights of variance $\sigma_w^2/n$ learn nothing at $c = 0$ and its gain of 0.82. Choose both
# so that 300 steps of SGD (0.003, momentum 0.9) bring the net above 90 %.
#
# <details><summary>Hint</summary>
#
# You have a million random numbers, and your own `gain`. First the mean; then the gain of what is left.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# z = torch.randn(1_000_000)
# c = chapter03.squareplus(z).mean()                        # 1.11
# sigma_w = 1 / (chapter03.squareplus(z) - c).std()         # 1.93: the gain of what is left
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
c, sigma_w = ..., ...

chapter03.check_twenty_layers(c, sigma_w)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 3. Where SELU's constants come from
#
# `selu_constants(q)`: for $z \sim N(0, q)$, find the pair $(\alpha, \lambda)$ with which
# $\lambda\,\mathrm{ELU}(z, \alpha)$ has mean 0 and mean square $q$, to within 2 %. At $q = 1$ you should meet two
# odd-looking numbers: 1.67 and 1.05.
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

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 4. The slope of GELU
#
# `gelu_slope(z)`: the slope of $z\,\Phi(z)$ by formula, without autograd and without a difference quotient, for a tensor of
# any shape. `torch.special.ndtr` is $\Phi$.
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
# ### 5. SwiGLU's sister
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

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - At its gain, an activation has $\chi = 1 - \text{mean share} + \text{bend}$. A mean takes gradient away, a bend gives it
#   back. In ReLU they cancel; in softplus and in the sigmoid the mean wins.
# - Where the mean wins, subtract it, and give the weights the gain that this allows. With SGD at 0.003 the shift alone did not help.
# - $\chi$ tells about the gradient, the level about the signal. With $\chi$ near 1 and a level below 1, as ELU and SELU, an
#   activation can stand alone. GELU, SiLU and SwiGLU live with a norm.
#
# The [evidence](evidence/03_lu_family.ipynb) has the rest of the family, and what popular sources say. Here every
# curve had the *right* weights. **Chapter 4** turns that switch.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Ask: somebody publishes a new activation tomorrow. What do you compute first?
# Answer: its mean, its mean square, its mean squared slope, for a standard normal z. Then chi and the mean share.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Take it home
#
# If the mean share of your activation is larger than its bend, take its mean off and divide by the standard
# deviation. Then weights of variance 1/fan_in keep a size of 1, where fan_in counts the inputs of a unit.

# %% tags=["take-home"]
import torch
from torch.nn import functional as F

def weigh(phi):                  # mean, standard deviation, mean share, bend
    z = torch.randn(1_000_000, requires_grad=True)
    a = phi(z)
    slope, square = torch.autograd.grad(a.sum(), z)[0], a.square().mean().item()
    mean, chi = a.mean().item(), slope.square().mean().item() / square
    return mean, a.std().item(), mean**2 / square, chi - 1 + mean**2 / square

torch.manual_seed(0)
mean, std, *before = weigh(F.softplus)
after = weigh(lambda z: (F.softplus(z) - mean) / std)[2:]
print(*(f"mean share {share:.2f}, bend {bend:.2f}" for share, bend in (before, after)), sep="\n")

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: a dozen lines that judge any activation.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - LeCun, Bottou, Orr, Müller 1998, *Efficient BackProp*: activations with mean 0
# - Clevert, Unterthiner, Hochreiter 2016, arXiv 1511.07289 (ELU)
# - Hendrycks, Gimpel 2016, arXiv 1606.08415 (GELU, SiLU)
# - Klambauer, Unterthiner, Mayr, Hochreiter 2017, arXiv 1706.02515 (SELU)
# - Shazeer 2020, arXiv 2002.05202 (SwiGLU)
# - Barron 2021, arXiv 2112.11687 (squareplus)
