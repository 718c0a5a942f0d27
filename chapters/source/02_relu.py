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
# # 2 · ReLU: what if the slope did not shrink?
#
# **In one sentence:** ReLU's slope is 1 on half of the axis and 0 on the other, so with weights of the right size the
# gradient keeps its level on average, however deep the net; and a unit that slides to the wrong half for every input
# stops learning.
#
# *45 minutes, or 20 without the exercises. You need chapter 1: the error $\delta^l$, BP2, and the factor
# $\sqrt\chi$ per layer.*

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Say: Chapter 1 ended with a gradient that dies in a deep sigmoid net. Everybody knows the cure, "use ReLU". Is it one?

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, Stack, chapter02, clinic, datasets, diagnose, explore, fit, meanfield, measure
from utils import plots, predict, quiz, race, show, style, timeline

# %% slideshow={"slide_type": "skip"}
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()
print(f"images {tuple(x.shape)}, labels {tuple(y.shape)}, mean square of a pixel {x.square().mean():.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## See it
#
# Chapter 1's symptom was a straight line falling on a log axis: the gradient of a deep sigmoid net. You have probably
# read the cure, "use ReLU". So do just that. Twenty hidden layers, made by PyTorch as `nn.Linear` comes; the only
# difference between the two nets is the name of the activation.

# %%
def the_swap(ax, depth=20):
    curves = {}
    for name in ("sigmoid", "relu"):
        net = MLP(depth, activation=name, init="torch")              # nn.Linear's own weights
        curves[name] = measure(net, x[:128], y[:128]).delta_norm
    plots.draw_lines(ax, curves, xlabel="layer", ylabel="gradient norm ‖∂C/∂z‖", log=True)
    return f"first / last layer of the ReLU net: {curves['relu'][0] / curves['relu'][-1]:.0e}."

show(the_swap)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: Only the name of the activation changes. Will the line be level?
# Expect: yes, most have read so.
# Misconception: that the slope of the activation is the whole factor of a layer.
# Answer: less steep by ten decades, and still falling, to about 1e-8. The weights have not been asked yet.

# %% [markdown] slideshow={"slide_type": "skip"}
# The line is less steep, by a lot. But it still falls: the swap alone has not cured the net. Hold on to that, because
# it is not what most articles say.
#
# ## Predict
#
# Now change the *weights* and nothing else: draw them from $N(0, 2/n)$, where $n$ is the number of inputs of the
# layer. This is **He's initialization**. (PyTorch's own weights have variance $\frac{1}{3n}$.)

# %% slideshow={"slide_type": "slide"}
SIGMA_W = {"torch": (1 / 3) ** 0.5, "he": 2**0.5}                    # Var w = sigma_w^2 / n

def gradient_by_layer(ax, depth=20, init="torch", guess=None):
    net = MLP(depth, activation="relu", init=init)
    measured = measure(net, x[:128], y[:128]).delta_norm
    sigma_w = SIGMA_W[init]
    predicted = meanfield.predicted_gradient_norms("relu", sigma_w**2, depth, sigma_w, last=measured[-1])
    return plots.draw_by_layer(ax, measured, theory=predicted, guess=guess)

predict(
    "20 ReLU layers with He's weights: how large is layer 1's gradient, compared with the last layer's?",
    gradient_by_layer,
    guess=[("1e-8 of it, as before", 1e-8), ("1e-4 of it", 1e-4), ("about the same", 1.0), ("10,000 times larger", 1e4)],
    right=chapter02.RIGHT["He's weights"], init="he",
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 3
# Ask: The same net with weights that are 2.4 times larger. Hands up for each option before you reveal.
# Expect: 1e-8 and 1e-4 share most hands.
# Misconception: 2.4 sounds small; it acts twenty times, and 2.4 to the 20th is 4e7.
# Answer: about the same. One factor a layer, and it is weights times slope.

# %% [markdown] slideshow={"slide_type": "skip"}
# Weights that are 2.4 times larger, and eight decades are back. What does a popular article say? "The slope of an
# active ReLU is 1, and $1^{19} = 1$: the gradient passes through unchanged." Five nets each, in two currencies: the
# error $\delta = \partial C/\partial z$, which the pictures show, and the gradient of the weights,
# $\partial C/\partial W$, which a training step uses.

# %% tags=["claim-C2.02"] slideshow={"slide_type": "skip"}
errors, weights = {}, {}                                             # first / last layer, of five nets each
for init in ("torch", "he"):
    nets = [MLP(20, activation="relu", init=init, seed=seed) for seed in range(5)]
    ms = [measure(net, x[:128], y[:128]) for net in nets]
    errors[init] = torch.stack([m.delta_norm[0] / m.delta_norm[-1] for m in ms])                      # (5,)
    weights[init] = torch.stack([m.weight_gradient_norm[0] / m.weight_gradient_norm[-1] for m in ms])
    for name, ratios in (("∂C/∂z", errors[init]), ("∂C/∂W", weights[init])):
        print(f"{init:5} {name}: first/last", " ".join(f"{ratio:.1e}" for ratio in ratios))
expected = (SIGMA_W["torch"] * 0.5**0.5) ** 20
print(f"sigma_w sqrt(1/2) = {expected ** (1 / 20):.3f} per layer; through 20 layers {expected:.1e}")
assert 1e-9 < errors["torch"].min() and errors["torch"].max() < 1e-7
assert 1e-8 < weights["torch"].min() and weights["torch"].max() < 1e-6
assert 0.1 < min(errors["he"].min(), weights["he"].min()) and max(errors["he"].max(), weights["he"].max()) < 10

# %% [markdown] slideshow={"slide_type": "slide"}
# $1^{19}$ is 1, but it is not what the gradient is multiplied by. It forgets the *weights*, and it forgets the units
# that are *off*. Both come now. (Why do the weights lose a decade less, $10^{-7}$ in place of $10^{-8}$? By BP4 their
# gradient is the error times the activations of the layer below. Layer 1 is fed with pixels, the last layer with what
# little has arrived there.)
#
# ## By hand
#
# **The function.** $\phi(z) = \max(0, z)$, with slope 1 for $z > 0$ and 0 for $z < 0$. And exactly at 0? There is no
# slope there. Three ways to write the same function, and what PyTorch's autograd makes of each:

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Ask: An article says: the slope is 1, and 1 to the 19th is 1. What has it forgotten?
# Expect: the weights; seldom the units that are off.
# Answer: both. In the weights' own gradient the loss is a decade smaller, since BP4 multiplies with the layer below.

# %% tags=["claim-C2.01", "slide-output"]
z_three = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
ways = {
    "F.relu(z)": F.relu(z_three),
    "torch.maximum(z, 0)": torch.maximum(z_three, torch.zeros(3)),
    "z.clamp(min=0)": z_three.clamp(min=0),
}
slopes = {name: torch.autograd.grad(value.sum(), z_three)[0].tolist() for name, value in ways.items()}
for name, slope in slopes.items():
    print(f"{name:20} slope at -1, 0, 1: {slope}")
assert slopes["F.relu(z)"] == [0.0, 0.0, 1.0]
assert [slope[1] for slope in slopes.values()] == [0.0, 0.5, 1.0]

# %% [markdown] slideshow={"slide_type": "skip"}
# Any number from 0 to 1 is a legitimate answer at the kink (a *subgradient*). PyTorch's ReLU takes 0, and so do we.
# It seldom matters, as $z$ is almost never exactly 0. (The exception: behind a layer that is silent altogether, $z$
# is the bias, and with He's start the biases are 0.)
#
# **One digit, one matrix.** For a given input each unit is on or off, so $D^l = \mathrm{diag}\,\phi'(z^l)$ holds
# zeros and ones only, and the Jacobian product of chapter 1 is a product of weight matrices with some rows struck
# out:

# %% tags=["claim-C2.02"] slideshow={"slide_type": "skip"}
net, digit = MLP(20, activation="relu", init="he"), x[0]
z, _ = net.signals(digit)
jacobian = torch.eye(64, dtype=torch.float64)
for l, layer in enumerate(net.hidden):
    on = (z[l] > 0).double()                                         # (64,), zeros and ones
    jacobian = on[:, None] * (layer.weight @ jacobian)               # strike out the rows of what is off
jacobian = net.readout.weight @ jacobian                             # (10, 64)
autograd = torch.autograd.functional.jacobian(net, digit)
assert torch.allclose(jacobian, autograd)
logits = net(digit)
assert torch.allclose(jacobian @ digit, logits)                      # biases are zero: the net IS this matrix
print(f"{sum((layer > 0).sum().item() for layer in z[:-1])} of {20 * 64} units are on for this digit")

# %% [markdown] slideshow={"slide_type": "skip"}
# So "the active path passes the gradient on unchanged" is half of the truth. The *slopes* leave it unchanged. What
# remains is a product of the weights of those units that are on, and it takes its size from the size of the weights.
#
# **Halving.** How much gets through on average? Let $z$ be symmetric around 0 with mean square $q$, as sums of many
# random terms are. ReLU keeps the positive half and blanks the other; by symmetry each holds half of the mean square:
#
# $$E[\phi(z)^2] = \tfrac12 q \quad\text{(forward)}, \qquad E[\phi'(z)^2] = \tfrac12 \quad\text{(backward)}.$$
#
# A million random numbers agree, at any scale and for any symmetric shape, a bell or a box:

# %% tags=["claim-C2.03"] slideshow={"slide_type": "skip"}
rng = torch.Generator().manual_seed(0)
bell = torch.randn(1_000_000, generator=rng, dtype=torch.float64)
box = (2 * torch.rand(1_000_000, generator=rng, dtype=torch.float64) - 1) * 3**0.5         # mean square 1, too
for name, Z, q in (("bell", bell, 0.01), ("bell", bell, 100.0), ("box", box, 1.0)):
    a = (q**0.5 * Z).clamp(min=0)
    square, mean, variance = a.square().mean() / q, a.mean() / q**0.5, a.var() / q
    on = (a > 0).double().mean()
    print(f"{name:4}, q = {q:6}: E a² = {square:.3f} q, E a = {mean:.3f} √q, Var a = {variance:.3f} q, "
          f"on {on:.3f}")
    assert abs(square - 0.5) < 0.005 and abs(on - 0.5) < 0.005
    assert name == "box" or (abs(mean - 0.3989) < 0.002 and abs(variance - 0.3408) < 0.003)

# %% [markdown] slideshow={"slide_type": "slide"}
# The two halves hold for every shape; the mean of $0.399\sqrt q$ and the variance of $0.341\,q$ are the bell's. "ReLU
# shrinks the signal by 2", you may read. It is the mean *square* that halves; the root mean square shrinks by
# $\sqrt2$ only, and the variance is a third rather than a half, since the mean is no longer 0.
#
# Now put the weights back. Each layer multiplies the gradient's mean square by
#
# $$\chi = \sigma_w^2\, E[\phi'(z)^2] = \frac{\sigma_w^2}{2}, \qquad\text{and the signal's by the same factor.}$$
#
# There is no $q$ in it: ReLU does not care how large $z$ is, because doubling $z$ doubles $\phi(z)$. A sigmoid's or
# a tanh's $\chi$ changes with $q$; ReLU's never does. So one number decides: **$\sigma_w^2 = 2$ is level**, which
# is He's choice. PyTorch's default has $\sigma_w^2 = \frac13$ and $\chi = \frac16$, and $\sqrt{1/6} = 0.408$ is the
# factor that you saw above.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 3
# Say: Draw a bell on the board, blank its left half. Half of the mean square is left, forward and backward.
# Ask: Which sigma_w makes up for one half?
# Expect: 2.
# Misconception: sigma_w and its square are mixed up; and "half" is the mean square, not the size.
# Answer: the square is 2: He. There is no q in chi, so it holds at every size of the signal.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Move it
#
# *Try:* (1) $\sigma_w^2 = 1$: what is lost in 20 layers, forward and backward? (2) $\sigma_w^2 = 4$. Nothing
# saturates, so nothing stops it. (3) Set $\sigma_w^2 = 2$ and the depth to 40, and go through the seeds. Level on
# average, says theory; how level is *one* net?

# %%
def signal_and_gradient(axes, sigma_w_squared=2.0, depth=20, seed=0):
    sigma_w = sigma_w_squared**0.5
    m = measure(MLP(depth, activation="relu", sigma_w=sigma_w, seed=seed), x[:128], y[:128])
    forward = meanfield.q_trajectory("relu", sigma_w_squared, depth + 1, sigma_w)
    backward = meanfield.predicted_gradient_norms("relu", sigma_w_squared, depth, sigma_w, last=m.delta_norm[-1])
    plots.draw_by_layer(axes[0], m.pre_std**2 + m.pre_mean**2, forward, quantity="mean square of z")
    axes[0].set_title("forward: the signal")
    axes[1].set_title("backward: the gradient")
    return plots.draw_by_layer(axes[1], m.delta_norm, backward)

explore(signal_and_gradient, panels=2, sigma_w_squared=(0.5, 4.0, 0.5), depth=(2, 40), seed=(0, 9))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 2
# Do: sigma_w squared to 1, then to 4, then 2 with depth 40 and several seeds.
# Ask: Is a net with He's weights level?
# Expect: yes.
# Misconception: an average over nets is taken for every net.
# Answer: level on average, most single nets drift down; less so in wide layers.

# %% [markdown] slideshow={"slide_type": "skip"}
# Some nets drift up, most drift down. Many nets at once tell what is chance and what is not: 40 layers, He's weights,
# the signal of the last layer divided by that of the first.

# %% slideshow={"slide_type": "skip"}
def mean_square(layer, nets, width):
    generator, a = torch.Generator().manual_seed(0), x[:32].expand(nets, 32, 64)
    for _ in range(layer):
        W = torch.randn(nets, a.shape[2], width, generator=generator, dtype=torch.float64)
        z = a @ (W * (2 / a.shape[2]) ** 0.5)                        # (nets, 32 digits, width)
        a = F.relu(z)
    return z.square().mean((1, 2))                                   # (nets,)

narrow, wide = (mean_square(40, nets, width) / mean_square(1, nets, width) for nets, width in ((100, 64), (10, 256)))
for name, ratio in (("100 nets of width 64", narrow), ("10 nets of width 256", wide)):
    print(f"{name}: mean {ratio.mean():.2f}, median {ratio.median():.2f}, from {ratio.min():.3f} to {ratio.max():.0f}; "
          f"lower than it began in {(ratio < 1).double().mean():.0%}; spread {ratio.log10().std():.2f} decades")
assert 0.3 < narrow.mean() < 3 and narrow.median() < 0.5 and wide.log10().std() < 0.75 * narrow.log10().std()

# %% [markdown] slideshow={"slide_type": "skip"}
# The *mean* is near 1, as promised. But each layer multiplies by some luck of its own, and a product of lucky factors
# is lopsided: a few nets end high and hold the mean up, while the typical net ends several times lower, and an
# unlucky one a hundred times. The luck is that of few units. Theory is exact for infinitely wide layers; four times
# the width already makes the spread much smaller.

# %% tags=["claim-C2.07"] slideshow={"slide_type": "skip"}
for sigma_w_squared in (1, 2, 4):
    nets = [MLP(20, activation="relu", sigma_w=sigma_w_squared**0.5, seed=seed) for seed in range(5)]
    deltas = torch.stack([measure(net, x[:128], y[:128]).delta_norm for net in nets])            # (5, 21)
    factor = (deltas[:, 0] / deltas[:, -1]).log().mean().div(20).exp().item()
    predicted = (sigma_w_squared / 2) ** 0.5
    print(f"sigma_w² = {sigma_w_squared}: per layer {factor:.3f}, theory {predicted:.3f}; "
          f"through 20 layers {factor**20:.0e}")
    assert abs(factor / predicted - 1) < 0.06
tiny, huge = (meanfield.chi("relu", q, sigma_w=2**0.5) for q in (1e-6, 1e6))
print(f"chi at q = 1e-6: {tiny:.3f}, at q = 1e6: {huge:.3f}; "
      f"tanh's: {meanfield.chi('tanh', 1e-6, 2**0.5):.3f}, {meanfield.chi('tanh', 1e3, 2**0.5):.3f}")
assert abs(tiny - 1) < 1e-6 and abs(huge - 1) < 1e-6

# %% [markdown] slideshow={"slide_type": "skip"}
# On the right ReLU never saturates. That is its strength, and also why it can explode: no ceiling stops the signal.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it matter?
#
# Two activations, two kinds of weights: four nets of twenty layers, on the same batches. Which of them learn?

# %%
def four_nets():
    return {f"{activation}, {init}": MLP(20, activation=activation, init=init)
            for activation in ("sigmoid", "relu") for init in ("torch", "he")}

runs = race(four_nets(), x, y, steps=300, lr=0.01, title="Twenty layers: activation and weights")
accuracy = {name: run.accuracy for name, run in runs.items()}
print(", ".join(f"{name}: {share:.0%}" for name, share in accuracy.items()))
stopped = any(run.stopped for run in runs.values())
assert stopped or all((share > 0.8) == (name == "relu, he") for name, share in accuracy.items())

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: run the cell (Enter, Ctrl-Enter) and let them watch.
# Ask: Which of the four will learn?
# Expect: both ReLU nets.
# Answer: one of four, and no learning rate saves the others: activation and weights.

# %% [markdown] slideshow={"slide_type": "skip"}
# One of four. A doubter asks: perhaps the others want another learning rate? Here are the sick three at five more.

# %% slideshow={"slide_type": "skip"}
best = dict.fromkeys(four_nets(), 0.0)
del best["relu, he"]
for lr in (0.003, 0.03, 0.1, 0.3, 1.0):
    sick_nets = {name: net for name, net in four_nets().items() if name in best}
    tried = race(sick_nets, x, y, steps=150, lr=lr, live=False)
    best = {name: max(share, tried[name].accuracy) for name, share in best.items()}
print("best of five rates:", ", ".join(f"{name}: {share:.0%}" for name, share in best.items()))
assert max(best.values()) < 0.25

# %% [markdown] slideshow={"slide_type": "skip"}
# No rate helps. It takes the activation *and* the weights, as in chapter 1's cube: neither is enough alone. From here
# on every net has He's weights, unless it is meant to be sick.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Half of it is silent
#
# Below are two layers of the 20-layer net, fresh from He's initialization: a row for each unit, a column for each of
# 100 digits, sorted by class. Bright is on. *Try:* go from layer 1 to 20 on the right. Watch for rows of a single
# colour.

# %%
def pattern(axes, layer=20):
    net, by_class = MLP(20, activation="relu", init="he"), y[:100].argsort()
    z, _ = net.signals(x[:100][by_class])
    for ax, l in zip(axes, (1, layer)):
        on = z[l - 1] > 0                                            # (100, 64)
        plots.draw_heat(ax, on.T, x=(1, 100), y=(1, 64), limits=(0, 1),
                        xlabel="digit, from the zeros to the nines", ylabel="unit", label="1 = on")
        ax.set_title(f"layer {l}")
    never, always = (~on).all(0).sum(), on.all(0).sum()
    return (f"Layer {layer}: {(~on).double().mean():.0%} of the picture is off; "
            f"{never} of 64 units are off for all 100 digits, {always} on for all.")

explore(pattern, panels=2, layer=(1, 20))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Do: go from layer 1 to layer 20.
# Ask: What does a row of one colour mean?
# Expect: a broken unit, or nothing.
# Answer: a unit that is off, or on, for every digit. Half of the picture is off in any case: sparsity. Off for all is the price.

# %% tags=["claim-C2.04"] slideshow={"slide_type": "skip"}
zeros, alike, unlike, one_colour = [], [], [], []
same_class, itself = y[:300, None] == y[None, :300], torch.eye(300, dtype=torch.bool)
for seed in range(5):
    _, a = MLP(20, activation="relu", init="he", seed=seed).signals(x[:300])
    zeros.append(torch.stack([(layer == 0).double().mean() for layer in a[1:]]).mean().item())
    on = (a[1] > 0).double()                                                     # layer 1: (300, 64)
    shared = (on @ on.T + (1 - on) @ (1 - on).T) / 64                            # share of units that agree
    alike.append(shared[same_class & ~itself].mean().item())
    unlike.append(shared[~same_class].mean().item())
    one_colour.append([(a[l].amin(0) > 0).sum() + (a[l].amax(0) == 0).sum() for l in (1, 20)])
assert 0.45 < min(zeros) and max(zeros) < 0.55 and len(on.unique(dim=0)) > 290
assert min(alike) > max(unlike) + 0.03
assert max(first for first, _ in one_colour) < 10 and min(last for _, last in one_colour) > 20

# %% slideshow={"slide_type": "skip"}
print("share of zeros, 5 nets:", [f"{share:.2f}" for share in zeros])
print(f"layer 1: {len(on.unique(dim=0))} patterns for 300 digits; two digits of one class agree in "
      f"{alike[-1]:.0%} of the units, of different classes in {unlike[-1]:.0%}")
print("units of one colour, layer 1 and layer 20:", [(int(first), int(last)) for first, last in one_colour])

# %% [markdown] slideshow={"slide_type": "skip"}
# **Half of the activations are exactly zero.** That is called *sparsity*, and it is good for something:
#
# - Every digit switches on its own half of the net, hence its own matrix (the one you computed above). That is what
#   makes a net of straight pieces so expressive: 300 digits, almost as many patterns, in the first layer alone.
# - The pattern alone, without the sizes of what is on, says something about the class: digits of the same class share
#   more of it, even before any training.
# - What is zero need not be multiplied (if the hardware knows how to skip it; most does not).
#
# And the rows of one colour? Deeper down, more and more units are always on or *always off*. Different digits look
# ever more alike to the deep layers of an untrained net (chapter 4 says why). A unit that is off for every input is
# the price of ReLU, and the rest of this chapter.
#
# ## Dying
#
# If a unit is off for *every* digit, its slope is zero for every digit, so by BP2 its error is zero, so by BP4 its
# weights get no gradient: it cannot learn its way back. It is called **dead**.

# %% [markdown] slideshow={"slide_type": "slide"}
# Here is how to kill most of a net within seconds: take steps that are too large. *Predict:* which share of the units
# will be dead in the end? Six nets, three layers each, learning rate 0.3 with momentum 0.9:

# %% slideshow={"slide_type": "skip"}
@torch.no_grad()
def dead_by_layer(net):
    *hidden, _ = net.signals(x)[0]                                   # three of (1437, 64)
    return torch.stack([(z <= 0).all(0).double().mean() for z in hidden])

@torch.no_grad()
def layer_1(net):
    z = net.hidden[0](x)                                             # (1437, 64)
    own_gradient = net.hidden[0].weight.grad.norm(dim=1)             # (64,)
    return torch.stack([z.amax(0), z.median(0).values, z.amin(0), own_gradient])         # (4, 64)

victims = {f"seed {seed}": MLP(3, activation="relu", init="he", seed=seed) for seed in range(6)}
deaths = race(victims, x, y, steps=200, lr=0.3, every=2, title="A step too large",
              record={"dead": dead_by_layer, "unit": layer_1})

# %% slideshow={"slide_type": "skip"}
stopped = any(run.stopped for run in deaths.values())
for name, run in deaths.items():
    census = run.recorded["dead"].mean(1)                            # (records,)
    middle, loss_now = census[len(census) // 4], torch.tensor(run.loss[-50:]).median()
    print(f"{name}: dead before {census[0]:.0%}, after a quarter of the time {middle:.0%}, at the end "
          f"{census[-1]:.0%}; loss up to {max(run.loss):.0f}, at the end {loss_now:.1f}; accuracy {run.accuracy:.0%}")
    assert stopped or (census[0] < 0.1 and census[-1] > 0.5 and run.accuracy < 0.5)
    assert stopped or run.diverged or 1.5 < loss_now < 2.5

def census_over_time(axes):
    steps = max((run.recorded_steps for run in deaths.values()), key=len)
    for l, ax in enumerate(axes):
        shares = [run.recorded["dead"][:, l] for run in deaths.values()]
        plots.draw_bundle(ax, shares, steps, xlabel="step", ylabel="dead share", limits=(0, 1.05))
        ax.set_title(f"layer {l + 1}")

# %%
show(census_over_time, panels=3, size=(10, 3.6))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: Learning rate 0.3 with momentum. How many units will be silent for every digit in the end?
# Expect: a few, or a tenth.
# Misconception: that dead units are a rare accident.
# Answer: four in five. And the loss looks calm: it has come down to ln 10, the loss of a guess.

# %% [markdown] slideshow={"slide_type": "skip"}
# This is a *census*: the dead share of each layer, before, during and after; a thin line is one net, the thick one
# their mean. Almost nobody is dead at birth, most are at the end, and what is left of the nets gets two digits in ten
# right, or one, which is guessing. The loss jumped for a while, and then came down to $\ln 10 \approx 2.3$, the loss
# of a guess, or to about 2: the units that were thrown too far went dark, and the noise with them. Notice also that
# the lines of layers 2 and 3 often *fall*, and those of layer 1 hardly ever. We come back to that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One unit's death
#
# Follow one unit of layer 1 of the first net: of those that die, the one that lives for a middling time. The largest,
# the median and the smallest of its pre-activations over all digits, and the gradient of its own weights:

# %% slideshow={"slide_type": "skip"}
steps, life = deaths["seed 0"].recorded_steps, deaths["seed 0"].recorded["unit"]         # (records, 4, 64)
alive = life[:, 0] > 0                                               # (records, 64): on for at least one digit
ends = (alive * torch.arange(1, len(alive) + 1)[:, None]).amax(0)    # (64,): each unit's first record dead
died = (alive[0] & ~alive[-1]).nonzero().flatten()
unit = died[ends[died].argsort()[len(died) // 2]].item() if len(died) else 0
end = ends[unit].item()

def one_life(axes):
    shown = slice(0, 2 * end)                                        # as long after its death as before
    high, middle, low, gradient = life[shown, :, unit].T
    heights = {"largest z": high, "median": middle, "smallest": low}
    plots.draw_lines(axes[0], heights, x=steps[shown], xlabel="step", ylabel="z over all digits")
    axes[0].axhline(0, color=style.BLACK, linewidth=1)
    plots.draw_lines(axes[1], {"gradient": gradient}, x=steps[shown], xlabel="step", ylabel="norm of its own gradient")
    return f"Unit {unit} of layer 1 falls silent for all digits between steps {steps[end - 1]} and {steps[end]}."

# %% tags=["claim-C2.05"]
if not len(died):                                                    # you stopped the training early
    print("No unit has died yet: let the training above run on.")
else:
    show(one_life, panels=2)
    before, after = life[:end, 3, unit].max().item(), life[end:, 3, unit].max().item()
    print(f"own gradient: up to {before:.2g} while it lived, {after} in {len(life) - end} records afterwards")
    assert before > 0 and after == 0

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Say: One life. The last digit lets go, and from then on the gradient is not small, it is exactly zero. What still moves is momentum.

# %% [markdown] slideshow={"slide_type": "skip"}
# Here a few large gradients throw it down. The last digit lets go of it, and from then on its gradient is not small:
# it is **exactly zero**. (The heights may go on moving for a while after that. That is *momentum*, which no gradient
# stops any more.)
#
# ## Can it come back?
#
# "A dead unit is dead for good", one reads. Its own weights are indeed stuck. But its *input* need not be: if the
# layers below go on learning, they may move until one digit reaches it again. So kill 16 units of layer 3 by hand,
# with a bias of $-5$, and train, once with the layers below frozen and once with all free:

# %% tags=["claim-C2.05"] slideshow={"slide_type": "skip"}
def resurrections(seed, frozen):
    net = MLP(3, activation="relu", init="he", seed=seed)
    nn.init.constant_(net.hidden[2].bias[:16].detach(), -5.0)
    for layer in net.hidden[:2]:
        layer.requires_grad_(not frozen)
    before = net.signals(x)[0][2].amax(0) <= 0                       # (64,): dead at the start
    fit(net, x, y, steps=100, lr=0.05, live=False)
    after = net.signals(x)[0][2].amax(0) <= 0
    return before.sum().item(), (before & ~after).sum().item()

for seed in range(3):
    (dead, nailed), (_, free) = resurrections(seed, frozen=True), resurrections(seed, frozen=False)
    print(f"seed {seed}: {dead} dead at the start; back to life: {nailed} over frozen layers, {free} over free ones")
    assert dead >= 8 and nailed == 0 and free > 0

# %% [markdown] slideshow={"slide_type": "skip"}
# And in the six nets that you killed above? Wherever a line of the census fell, units came back:

# %% tags=["claim-C2.05"] slideshow={"slide_type": "skip"}
back = sum(64 * (-run.recorded["dead"].diff(dim=0)).clamp(min=0).sum(0) for run in deaths.values())      # (3,)
print("returns to life in six nets, by layer:", [round(count) for count in back.tolist()])
assert stopped or 10 * back[0] < back[1:].min()

# %% [markdown] slideshow={"slide_type": "slide"}
# So death is permanent in two cases: in **layer 1**, whose input is the data (once the momentum has run out), and
# wherever everything below is frozen or dead itself. Elsewhere a unit may return, but nobody calls it back: it is
# luck. And once a whole layer is silent, nothing below it learns any more, and luck ends.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Ask: A dead unit is dead for good, true or false?
# Expect: true.
# Misconception: its own weights are stuck, so it is; but its input may move.
# Answer: for good only in layer 1, and where everything below is frozen or dead.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two ways to die
#
# A step too large, and a bias too negative. Here are both at once: 221 small nets of two layers, 13 learning rates
# times 17 biases, trained together. (`Stack` computes them as one. A net's loss is weighted with its learning rate,
# which comes to the same as a step of that length.) *Predict:* in which corners of the map do units die?

# %% slideshow={"slide_type": "skip"}
biases, powers = torch.linspace(-4, 0, 17), torch.linspace(-2.5, 0, 13)

def born_with(bias):
    net = MLP(2, width=32, activation="relu", init="he", dtype=torch.float32)
    for layer in net.hidden:
        nn.init.constant_(layer.bias, bias)
    return net

lengths = (10**powers).repeat(17)                                    # (221,) learning rates
stack = Stack(born_with(bias.item()) for bias in biases for _ in powers)

def weighted_loss(logits, labels):                                   # logits (221, 64, 10), labels (64,)
    losses = torch.stack([F.cross_entropy(own, labels) for own in logits])
    return (lengths * losses).sum() / lengths.sum()

# %% slideshow={"slide_type": "skip"}
images, labels = x[:600].float(), y[:600]                            # enough here, and kind to the memory

@torch.no_grad()
def dead_and_right():
    *hidden, logits = stack.signals(images)[0]                       # two of (221, 600, 32), then (221, 600, 10)
    dead = torch.stack([(z <= 0).all(1).float().mean(1) for z in hidden])                # (2, 221)
    return dead.view(2, 17, 13), (logits.argmax(2) == labels).float().mean(1).view(17, 13)

dead_at_birth, _ = dead_and_right()
run = fit(stack, images, labels, steps=150, lr=lengths.sum().item(), loss_fn=weighted_loss,
          title="221 nets, mean loss")
dead, right = dead_and_right()

# %%
sealed = dead_at_birth[1, :, 0] == 1                                 # (17,): biases with which layer 2 is born silent

def two_ways_to_die(axes):
    for ax, share, label in zip(axes, (dead.mean(0), right), ("dead share", "accuracy")):
        plots.draw_heat(ax, share, x=(-2.5, 0), y=(-4, 0), limits=(0, 1), label=label,
                        xlabel="log₁₀ learning rate", ylabel="bias at birth")
        ax.axhline(biases[sealed].max() + 0.125, color="white", linestyle="--")
    return "Below the dashed line the whole of layer 2 was silent before the first step."

show(two_ways_to_die, panels=2)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: Left picture, bright is dead. Which regions are dead for which reason?
# Expect: they find the right edge; few find that below the line no step changes anything.
# Answer: born dead below the dashed line, killed at the right edge. Just above the line a larger step even brings units back.

# %% tags=["claim-C2.06"] slideshow={"slide_type": "skip"}
moved = (dead - dead_at_birth).abs().amax((0, 2))                    # (17,): by the best or worst learning rate
small_step, large_step = dead.mean(0)[-1, :6], dead[:, 10:, -2:].mean((0, 2))            # (6,), (7 biases,)
print(f"below the line: {dead[:, sealed].mean(0).min():.0%} dead or more; changed by any step: {moved[sealed].max()}")
print(f"biases from -1.5 to 0: at least {large_step.min():.0%} dead with the two largest steps; bias 0, small steps: "
      f"at most {small_step.max():.0%}")
half_dead = dead.mean(0)[10]                                         # bias -1.5
print(f"bias -1.5: {half_dead[0]:.0%} dead, {right[10, 0]:.0%} right at learning rate 0.003; at larger ones down to "
      f"{half_dead.min():.0%} dead, up to {right[10].max():.0%} right")
assert run.stopped or (moved[sealed].max() == 0 and moved[~sealed].min() > 0 and right[sealed].max() < 0.2)
assert run.stopped or (large_step.min() > 0.7 and small_step.max() < 0.15)
assert run.stopped or (half_dead.min() < half_dead[0] - 0.05 and right[10].max() > 0.8)

# %% [markdown] slideshow={"slide_type": "skip"}
# Bright means dead in the left picture, and learned in the right one. There are three regions.
#
# - **Below the dashed line** the net is born dead, and no step, small or large, changes a single unit. Layer 2 is
#   silent as a whole: nothing below it gets a gradient, and nothing above it gets a signal. Some units of layer 1
#   still live, in vain. One dead layer is enough.
# - **Above the line, at the right edge,** the step kills.
# - **Just above the line,** around $-1.5$, a *larger* step is better, up to a point: it brings half-dead nets back.
#
# ## A census needs a birth certificate
#
# A popular and otherwise careful tutorial counts dead units in *untrained* nets, finds more than half of a layer dead
# in a net of ten layers, takes it for an effect of depth, and advises another activation for very deep nets.

# %% [markdown] slideshow={"slide_type": "slide"}
# Before you believe a census, ask what the net was born with. The same ten layers with PyTorch's weights and biases,
# with the same weights but biases of zero, and with He's:

# %% slideshow={"slide_type": "skip"}
births = {"PyTorch's default": [], "the same, biases 0": [], "He": []}
for seed in range(5):
    nets = {name: MLP(10, activation="relu", init="torch", seed=seed) for name in births}
    nets["He"].initialize("he", seed=seed)
    for layer in nets["the same, biases 0"].hidden:
        nn.init.zeros_(layer.bias)
    for name, net in nets.items():
        births[name].append(measure(net, x, y).dead[:10])
birth_census = {name: torch.stack(shares).mean(0) for name, shares in births.items()}
z_deep = nets["PyTorch's default"].signals(x)[0][5]                  # layer 6 of the last net: (1437, 64)
differs = (z_deep.var(0).mean() / z_deep.square().mean()).item()

# %%
def draw_births(ax):
    plots.draw_lines(ax, birth_census, xlabel="layer", ylabel="dead share, untrained", limits=(0, 0.75))

show(draw_births)
deep = {name: share[5:].mean().item() for name, share in birth_census.items()}
print("layers 6 to 10:", ", ".join(f"{name} {share:.0%}" for name, share in deep.items()))
by_biases = 1 - deep["the same, biases 0"] / deep["PyTorch's default"]
print(f"due to the biases: {by_biases:.0%}; share of z² in layer 6 that differs between digits: {differs:.1%}")
assert by_biases > 0.5 and differs < 0.02
assert deep["PyTorch's default"] > 0.4 and max(deep["the same, biases 0"], deep["He"]) < 0.25
assert birth_census["He"][7:].mean() > birth_census["He"][:3].mean() + 0.03

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Say: A tutorial counts half of a layer dead in an untrained net and blames depth. Three quarters of it are PyTorch's weights and biases.

# %% [markdown] slideshow={"slide_type": "skip"}
# We find the half-dead layers, too. But three quarters of it are the *initialization*: PyTorch's weights shrink the
# signal sixfold per layer in mean square and its biases do not shrink, so from layer 6 on $z$ is nearly all bias and
# what biases have set off below, the same for each digit, and half of the units are off for all. Without the biases,
# or with He's weights, what is left is the part of depth: real, and much smaller. (A unit that is off at birth is not
# lost, either, as you have just seen, and as the tutorial says, too.)
#
# ## Remedies, side by side
#
# Four remedies are usually listed: a smaller step, a slope on the left (*leaky ReLU*: $\phi(z) = \alpha z$ for $z <
# 0$, here with $\alpha = 0.2$), He's initialization, and normalization.

# %% [markdown] slideshow={"slide_type": "slide"}
# Try each on *two* sick nets. The first has weights too large ($\sigma_w = 3$) for its learning rate, the second
# biases of $-3$. *Predict:* does each help both?

# %% slideshow={"slide_type": "skip"}
REMEDIES = ("nothing", "a tenth of the step", "a leak of 0.2", "He's start", "batch norm")

def treated(remedy, sigma_w, bias, seed):
    if remedy == "He's start":
        sigma_w, bias = 2**0.5, 0.0
    net = MLP(3, activation="relu", sigma_w=sigma_w, norm="batch" if remedy == "batch norm" else None, seed=seed)
    if remedy == "a leak of 0.2":
        net.phi = nn.ModuleList(nn.LeakyReLU(0.2) for _ in range(3))
    for layer in net.hidden:
        nn.init.constant_(layer.bias, bias)
    return net

def silent_share(net):                                               # z below 0, for leaky units as well
    z, _ = net.eval().signals(x)
    return torch.stack([(layer <= 0).all(0).double().mean() for layer in z[:-1]]).mean().item()

# %% slideshow={"slide_type": "skip"}
sick = {"weights too large": (3.0, 0.0, 0.1), "biases of -3": (2**0.5, -3.0, 0.05)}      # sigma_w, bias, step
loss = {name: {remedy: [] for remedy in REMEDIES} for name in sick}
silent = {name: {remedy: [] for remedy in REMEDIES} for name in sick}
for name, (sigma_w, bias, step) in sick.items():
    rates = dict.fromkeys(REMEDIES, step) | {"a tenth of the step": step / 10}
    for seed in range(5):
        nets = {remedy: treated(remedy, sigma_w, bias, seed) for remedy in REMEDIES}
        runs = race(nets, x, y, steps=200, lr=rates, live=seed == 0, title=f"Sick: {name} (the first of five nets)")
        stopped = stopped or any(run.stopped for run in runs.values())
        for remedy, run in runs.items():
            last = torch.tensor(run.loss[-30:]).mean().item()
            loss[name][remedy].append(torch.nan if run.diverged else last)
            silent[name][remedy].append(torch.nan if run.diverged else silent_share(nets[remedy]))

# %% tags=["slide-tall"]
def remedies(axes):
    for row, name in zip(axes.reshape(2, 2), sick):
        plots.draw_strips(row[0], silent[name], xlabel="share of units silent for every digit", limits=(-0.03, 1.03),
                          missing="diverged")
        plots.draw_strips(row[1], loss[name], xlabel="loss, mean of the last 30 steps", missing="diverged")
        row[1].set(xscale="log", xlim=(1e-3, 10))
        row[0].set_title(name)
        row[1].set_yticklabels([])

show(remedies, panels=(2, 2), size=(9, 5.6))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: Does a leak help both patients?
# Expect: yes.
# Misconception: a remedy helps whatever the cause was.
# Answer: the born-dead net, yes; the net with too large a step explodes in all five nets. There the dead units were the fuse.

# %% tags=["claim-C2.06"] slideshow={"slide_type": "skip"}
large, biased = loss.values()
for name, values in loss.items():
    print(f"{name}: largest loss of five nets:", {remedy: round(max(five), 2) for remedy, five in values.items()})
all_diverged = torch.tensor(large["a leak of 0.2"]).isnan().all()
assert stopped or (min(large["nothing"]) > 0.4 and all_diverged)
assert stopped or (min(biased["nothing"] + biased["a tenth of the step"]) > 2 and max(biased["a leak of 0.2"]) < 0.5)
assert stopped or max(large["a tenth of the step"] + large["He's start"] + large["batch norm"]) < 0.3
assert stopped or max(biased["He's start"] + biased["batch norm"]) < 0.2

# %% [markdown] slideshow={"slide_type": "skip"}
# A point is one net of five, the bar their mean. A remedy has to fit the cause.
#
# - **A smaller step** cures what a large step does, and nothing for a net that was born dead.
# - **A leak** brings the born-dead net back, since something still gets through. But on the net with too large a
#   step it is no cure at all: the net *explodes*, all five do. There the dead units had been the fuse. (And the usual
#   leak of 0.01 is thin: along a path through three units that are off it passes on a millionth.)
# - **He's start** has neither fault, so it cures both, if it is not too late.
# - **Normalization** recentres and rescales every $z$ at every step, so neither large weights nor a bias can hold a
#   unit on the dark side. It cures both.

# %% [markdown] tags=["claim-C2.08", "claim-C2.09"] slideshow={"slide_type": "skip"}
# ## What the literature says
#
# You have settled three sentences already: "$1^{19} = 1$", "a dead unit is dead for good", and the census of
# untrained nets. One more:
#
# **"ReLU was introduced in 2010."** Fukushima used the rectifier in 1969. In 2010 Nair and Hinton brought it into
# restricted Boltzmann machines; in 2011 Glorot, Bordes and Bengio trained deep supervised nets with it and praised
# its sparsity. Then, in 2012, **AlexNet**: 8 weight layers, ReLU and dropout, a top-5 error of 15.3 % on ImageNet
# where the next best had 26.2 %. (The 15.3 % are an ensemble's; and its authors set many of the biases to $+1$, so
# that the units would begin alive.)
#
# *Try:* 1969, 2010, 2011, 2012, 2013, 2015.

# %% slideshow={"slide_type": "skip"}
def history_of_the_field(ax, year=2012):
    return plots.draw_timeline(ax, timeline.EVENTS, year, timeline.LANES)

explore(history_of_the_field, year=(1969, 2020))

# %% [markdown] slideshow={"slide_type": "skip"}
# ## When to use what: a quiz
#
# ReLU is for hidden layers. Not everything is a hidden layer:

# %% slideshow={"slide_type": "skip"}
print(quiz.sheet(chapter02.QUIZ))

# %% [markdown] slideshow={"slide_type": "skip"}
# Put your answers in quotes in place of the dots. Each is answered with a reason, the wrong ones, too.

# %% slideshow={"slide_type": "skip"}
answers = {
    "hidden": ...,
    "probability": ...,
    "temperature": ...,
    "gate": ...,
    "state": ...,
}
quiz.grade(chapter02.QUIZ, answers)

# %% [markdown] slideshow={"slide_type": "skip"}
# When you are done, here are two of the reasons in numbers: a state that is fed back a hundred times with the
# weight 1.1, and an output unit that wrongly says "no" ($z = -3$ where the answer is "yes"):

# %% tags=["claim-C2.10"] slideshow={"slide_type": "skip"}
state = {"relu": torch.tensor(1.0), "tanh": torch.tensor(1.0)}
for _ in range(100):
    state = {"relu": F.relu(1.1 * state["relu"]), "tanh": torch.tanh(1.1 * state["tanh"])}
z_out = torch.tensor(-3.0, requires_grad=True)
(sigmoid_pull,) = torch.autograd.grad(F.binary_cross_entropy_with_logits(z_out, torch.tensor(1.0)), z_out)
(relu_pull,) = torch.autograd.grad((F.relu(z_out) - 1) ** 2, z_out)
print(f"state after 100 steps: relu {state['relu']:.0f}, tanh {state['tanh']:.2f}")
print(f"pull on a wrong output: sigmoid and cross-entropy {sigmoid_pull:.2f}, "
      f"relu and squared error {relu_pull:.2f}")
assert state["relu"] > 10_000 and state["tanh"] < 1
assert sigmoid_pull < -0.9 and relu_pull == 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The clinic: your second patient

# %% tags=["slide-output"]
patient = chapter02.PATIENT
print(patient.complaint)
m = measure(patient.make(), x, y)
print("layer   gradient  mean of z  std of a  dead")
for l in range(3):
    print(f"{l + 1:5}  {m.delta_norm[l]:9.1e}  {m.pre_mean[l]:9.2f}  {m.activation_std[l]:8.2f}  {m.dead[l]:4.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Ask: Which disease is it? It has not taken a step yet.
# Expect: vanishing, or too large a step.
# Answer: dead before the first step: z lies around -3, where its biases put it. Biases of zero cure it, a leak of 0.01 does not.

# %% [markdown] slideshow={"slide_type": "skip"}
# Which disease is it? Put one of these in place of the dots, with its quotes: `"dead before the first step"`,
# `"killed by too large a step"`, `"vanishing through small slopes"`, `"weights too small"`.

# %% slideshow={"slide_type": "skip"}
diagnosis = ...
clinic.name_disease(patient, diagnosis)

# %% [markdown] slideshow={"slide_type": "skip"}
# And the treatment? One of `"a tenth of the learning rate"`, `"ten times the learning rate"`, `"a leak of 0.01"`,
# `"biases of zero"`. The patient is trained untreated and treated, side by side.

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
# The same layers, the same cause, the same cure. Only layer 1's share differs from your census. Fewer digits were asked,
# and a unit that none of *them* reaches counts as dead: a census is always one of a unit *and* a batch.
#
# </details>

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### 1. One step back through ReLU
#
# `relu_backward(delta_out, z)`: given $\partial C/\partial a$ and $z$, both of the same shape, return
# $\partial C/\partial z$. At $z = 0$ do as PyTorch does.
#
# <details><summary>Hint</summary>
#
# `z > 0` is a mask of True and False, and multiplying with it works.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def relu_backward(delta_out, z):
#     return delta_out * (z > 0)
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def relu_backward(delta_out, z):
    """Two tensors of the same shape -> the error before the ReLU, of that shape."""
    ...

chapter02.check_relu_backward(relu_backward)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 2. The level for a leaky ReLU
#
# `level_sigma_w(alpha)`: which $\sigma_w$ keeps $\chi = 1$ if the slope is 1 for $z > 0$ and $\alpha$ for $z < 0$? A
# number in, a number out. For $\alpha = 0$ it must be He's $\sqrt 2$.
#
# <details><summary>Hint</summary>
#
# $E[\phi'(z)^2]$ is the mean of two equally likely values. Then solve $\sigma_w^2 E[\phi'(z)^2] = 1$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def level_sigma_w(alpha):
#     return (2 / (1 + alpha**2)) ** 0.5
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def level_sigma_w(alpha):
    """The slope below zero -> sigma_w, a number."""
    ...

chapter02.check_level_sigma_w(level_sigma_w)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 3. Who is dead?
#
# `dead_units(z)`: the pre-activations of a ReLU layer, of shape (samples, units); return a tensor of True and
# False, of shape (units,), True for a unit that neither speaks nor learns for any sample.
#
# <details><summary>Hint</summary>
#
# Compare with 0 first. Then `.all(...)` along the dimension of the samples. What should count at exactly 0?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def dead_units(z):
#     return (z <= 0).all(0)
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def dead_units(z):
    """(samples, units) -> (units,) of True and False."""
    ...

chapter02.check_dead_units(dead_units)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 4. A census for any net
#
# `census(net, x)`: for an `nn.Sequential` and a batch, the dead share (0 to 1) after each of its `nn.ReLU` layers,
# as a list or 1-D tensor, first layer first. Take it home: it runs on your own nets.
#
# <details><summary>Hint</summary>
#
# `for layer in net: x = layer(x)` is the forward pass. `isinstance(layer, nn.ReLU)` tells where to count. A dead
# unit is one whose output is 0 for all samples.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def census(net, x):
#     shares = []
#     for layer in net:
#         x = layer(x)
#         if isinstance(layer, nn.ReLU):
#             shares.append((x == 0).all(0).double().mean())
#     return shares
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def census(net, x):
    """An nn.Sequential and a batch -> the dead share after each nn.ReLU."""
    ...

chapter02.check_census(census)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - ReLU lets half of the mean square through, forward and backward, at any scale: $\chi = \sigma_w^2/2$, which is level
#   on average with He's $\sigma_w^2 = 2$ and falls all the same with PyTorch's default of $\frac13$.
# - Half of the activations are zero, so every input has a linear net of its own, and a unit that is off for every
#   input gets a gradient of exactly zero.
# - A large step or a negative bias kills, only a change further down can bring a unit back, and a remedy has to fit
#   the cause.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Say: Half gets through, so chi is sigma_w squared over 2; and a unit that is off for every input does not learn.

# %% [markdown] slideshow={"slide_type": "subslide"}
# One picture to keep: one activation, four sizes of weights.

# %%
def four_sizes(ax):
    curves = {}
    for name, sigma_w in (("4", 2.0), ("2 (He)", 2**0.5), ("1", 1.0), ("1/3 (PyTorch)", (1 / 3) ** 0.5)):
        net = MLP(30, activation="relu", sigma_w=sigma_w)
        delta = measure(net, x[:128], y[:128]).delta_norm
        curves[f"σ_w² = {name}"] = delta / delta[-1]
    plots.draw_lines(ax, curves, xlabel="layer", ylabel="gradient, relative to the last layer", log=True)

show(four_sizes)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: One activation, four sizes of weights. Next time: must the left side be flat?

# %% [markdown] slideshow={"slide_type": "skip"}
# All of ReLU's trouble sits on its left side, where it is flat. Must it be? It could leak, bend smoothly, dip below
# zero. A dozen functions try just that, most of them with an acronym that ends in **LU**: chapter 3 puts them side
# by side and asks which differences are real.
#
# ## References
#
# - Fukushima 1969, *Visual feature extraction by a multilayered network of analog threshold elements*, IEEE
#   Transactions on Systems Science and Cybernetics 5(4)
# - Nair, Hinton 2010, *Rectified linear units improve restricted Boltzmann machines*, ICML
# - Glorot, Bordes, Bengio 2011, *Deep sparse rectifier neural networks*, AISTATS
# - Krizhevsky, Sutskever, Hinton 2012, *ImageNet classification with deep convolutional neural networks*, NeurIPS
# - Maas, Hannun, Ng 2013, *Rectifier nonlinearities improve neural network acoustic models*, ICML workshop
# - He, Zhang, Ren, Sun 2015, *Delving deep into rectifiers*, ICCV
# - Ioffe, Szegedy 2015, *Batch normalization*, ICML
# - Lippe, *UvA deep learning tutorials*, 3: Activation functions (the census of untrained nets)
