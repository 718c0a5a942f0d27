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
# # 5 · Xavier and He: the evidence
#
# The [lesson](../05_xavier_he.ipynb) tells one story. Here stands what it left out: what popular sources say about
# initialization and whether it is so, rectangular nets, the famous experiment with 22 and 30 layers, gains, the three
# justifications with figures, matrices that keep every direction, norms, and how nets were started before 2010. The
# sections do not depend on each other. Run the next two cells, and then any of them.

# %%
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, Stack, activations, chapter05, claim, clinic, datasets, diagrams, explore
from utils import fit, initialization, meanfield, measure, plots, quiz, race, table

# %%
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()        # x is (1437, 64): a row for each digit
images = x.float()                              # half the bytes, nearly half the time

def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

# %% [markdown]
# ## What you may have read
#
# | you may read | and it is | shown in |
# |---|---|---|
# | "Xavier is $1/n_{in}$" | that is LeCun's, of 1998; Xavier's is $2/(n_{in}+n_{out})$ | Four rules |
# | "He's variance is twice Xavier's" | in square layers; from 100 into 300 it is four times | Four rules |
# | "Xavier keeps signal and gradient" | in square layers; at 100, 300, 100, ... it loses both | Rectangular nets |
# | "With He's weights the signal stays at 1" | on average over nets; one net may be off by a factor of eight | How level? |
# | "22 layers train with both, 30 only with He's" | 30 with SGD, 22 in some nets; Adam trains Xavier's 30 | 22 and 30 layers |
# | "Xavier restores unit variance" | tanh at layer 20: 0.027 | Xavier's own ground |
# | "Xavier suits the sigmoid" | it assumes slope 1 and mean 0 | Xavier's own ground |
# | "The gain of tanh is 5/3" | a rule of thumb: the gradient grows by a tenth a layer | Gains |
# | "Only ReLU has signal and gradient at 1" | leaky ReLU has; with biases tanh, too | Gains |
# | "Three fields justify He's 2" | with one and the same second moment | One moment, three times |
# | "LSUV makes no assumption" | it takes your batch for the data, and leaves the gradient alone | the lesson: Measure it |
# | "No weights make a ReLU layer an isometry" | looks-linear weights do | Every direction |
# | "Layer norm makes samples alike" | ReLU does; the plain net is no better | Norms |
# | "Batch norm cures vanishing gradients" | in plain ReLU nets it makes them explode | Norms |
# | "Before 2010 deep nets could not be trained" | they were pretrained, layer by layer | Pretraining |

# %% [markdown]
# ## Four rules
#
# Weights of each rule, for a layer from 100 into 300. Normal or uniform does not matter: the derivation used the
# variance and nothing else. (A uniform variable on $(-b, b)$ has the variance $b^2/3$.)

# %%
def drawn(scheme, n_in=100, n_out=300, seed=0):
    random = torch.Generator().manual_seed(seed)
    return initialization.get(scheme)(nn.Linear(n_in, n_out), generator=random).weight.detach()

formulas = {"lecun": 1 / 100, "xavier": 2 / 400, "xavier_uniform": 2 / 400, "he": 2 / 100,
            "he_uniform": 2 / 100}
weights = {name: drawn(name) for name in formulas}
off = max(abs(W.var().item() / formulas[name] - 1) for name, W in weights.items())
claim("C5.01", f"LeCun's, Xavier's and He's variances: off by {off:.1%} at most", off < 0.03)
largest = {name: weights[name].abs().max().item() for name in ("xavier_uniform", "he_uniform")}
bounds = {"xavier_uniform": (6 / 400) ** 0.5, "he_uniform": (6 / 100) ** 0.5}
claim("C5.02", "the uniform forms reach up to √(6/(n_in + n_out)) and √(6/n_in)",
      all(0.999 < largest[name] / bound <= 1 for name, bound in bounds.items()))
theirs = nn.init.xavier_uniform_(torch.empty(300, 100), generator=torch.Generator().manual_seed(0))
assert torch.equal(weights["xavier_uniform"], theirs)

# %%
ratios = {}
for n_in, n_out in ((200, 200), (100, 300), (300, 100), (784, 100)):
    he, xavier = drawn("he", n_in, n_out), drawn("xavier", n_in, n_out, seed=1)
    ratios[n_in, n_out] = (he.var() / xavier.var()).item()
off = max(abs(ratio / (1 + n_out / n_in) - 1) for (n_in, n_out), ratio in ratios.items())
claim("C5.04", f"He / Xavier is 1 + n_out/n_in to {off:.1%}: from 100 into 300 it is "
      f"{ratios[100, 300]:.2f}", off < 0.03 and 3.9 < ratios[100, 300] < 4.1)

# %% [markdown]
# PyTorch reads the fans from the shape of the weight. For two kinds of layers this goes wrong. With `groups=g` an input
# channel goes to a $g$-th of the output channels, and PyTorch's fan-out counts all of them. And a transposed convolution
# keeps its weight the other way round, so that `mode="fan_in"` gives it the fan-out.

# %%
torch.manual_seed(0)
grouped, transposed = nn.Conv2d(32, 32, 3, groups=32), nn.ConvTranspose2d(64, 16, 3)
by_torch = [nn.init._calculate_fan_in_and_fan_out(layer.weight) for layer in (grouped, transposed)]
claim("C5.03", f"fans by PyTorch: {by_torch[0]} for a depthwise convolution, where it is (9, 9), "
      f"and {by_torch[1]} for a transposed one, where it is (576, 144)",
      by_torch == [(9, 288), (144, 576)])

# %% [markdown]
# ## Rectangular nets
#
# Which side should a rule take? He et al. say that it hardly matters. With $1/n_{in}$ everywhere the backward factors
# $n_{out}/n_{in}$ multiply along the net, and they *cancel*, since the output of one layer is the input of the next.
# The compromise is not so lucky.

# %%
RULES = {"1/n_in": lambda n_in, n_out: 1 / n_in, "Xavier": lambda n_in, n_out: 2 / (n_in + n_out),
         "1/n_out": lambda n_in, n_out: 1 / n_out}
fans = [(100, 300), (300, 100)] * 20            # 40 layers: in and out, in and out
forward, backward, found = {}, {}, {}
for name, rule in RULES.items():
    forward[name] = torch.tensor([rule(i, o) * i for i, o in fans]).prod().item()
    backward[name] = torch.tensor([rule(i, o) * o for i, o in fans]).prod().item()
    a = normal(64, 100, seed=1000)
    for layer, (n_in, n_out) in enumerate(fans):
        a = rule(n_in, n_out) ** 0.5 * a @ normal(n_in, n_out, seed=layer)
    found[name] = a.square().mean().item()
table({"": RULES, "forward": forward.values(), "measured": found.values(),
       "backward": backward.values()}, form="{:.2g}")

# %%
claim("C5.02", f"widths 100, 300, 100, ...: forty layers with Xavier's rule leave "
      f"{forward['Xavier']:.4f} "
      f"of the mean square both ways; 1/n_in leaves {backward['1/n_in']:.2f} backward",
      abs(forward["Xavier"] / 0.75**20 - 1) < 1e-3 and abs(backward["Xavier"] / 0.75**20 - 1) < 1e-3
      and abs(backward["1/n_in"] - 1) < 1e-3 and 1 / 8 < found["Xavier"] / forward["Xavier"] < 8)

# %% [markdown]
# ## How level?
#
# The lesson's first picture: fifty ReLU layers, 512 wide. Here are fourteen nets of it, and then a thousand: fresh Gaussian
# weights make the 512 numbers $z$ of a layer, for *one* input, 512 draws from a Gaussian, so no matrices are needed.

# %%
def last_mean_square(square, seed, n=512):
    random = torch.Generator().manual_seed(seed)
    a = torch.randn(16, n, generator=random)
    for _ in range(50):
        a = torch.relu((square / n) ** 0.5 * a @ torch.randn(n, n, generator=random))
    return a.double().square().mean()

ends = {square: torch.stack([last_mean_square(square, seed) for seed in range(5)])
        for square in (1, 2)}
claim("C5.03", f"five nets with 2/n: {ends[2].min():.2f} to {ends[2].max():.2f}; with 1/n: "
      f"{ends[1].min():.0e} to {ends[1].max():.0e}", 0.05 < ends[2].min() and ends[2].max() < 20 and
      1e-17 < ends[1].min() and ends[1].max() < 1e-13)

# %%
random, levels = torch.Generator().manual_seed(0), torch.ones(1000, dtype=torch.float64)
for _ in range(50):
    levels *= 2 * torch.relu(torch.randn(1000, 512, generator=random)).square().mean(1)
quantiles = levels.quantile(torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)).tolist()
outside = ((levels < 1 / 8) | (levels > 8)).double().mean().item()
claim("C5.03", f"a thousand nets: mean {levels.mean():.2f}, nine of ten between "
      f"{quantiles[0]:.2f} and "
      f"{quantiles[2]:.1f}, and {outside:.1%} off by more than a factor of 8",
      0.85 < levels.mean() < 1.15 and 0.15 < quantiles[0] < 0.35 and 1.8 < quantiles[2] < 3.6 and
      outside < 0.03)
spread, formula = levels.log().std().item(), (5 * 50 / 512) ** 0.5
claim("C5.03", f"ln of it scatters by {spread:.2f}; √(5 · 50 / 512) = {formula:.2f}",
      abs(spread / formula - 1) < 0.1)

# %% [markdown]
# The mean of 512 squares $\phi(z)^2$ scatters by $\sqrt{5/512}$, and fifty such factors by $\sqrt{50\cdot5/512}$ in the
# logarithm. Wider layers have less of it. So a single net is level to within a factor, and no rule can do better.
#
# **Padding.** The lesson's convolutional net with He's weights is not level: 3 of 10 pixels in a window are zeros of the
# border. With `padding_mode="circular"` the window has no zeros, and this is the control.

# %%
def convnet(mode, seed):
    torch.manual_seed(seed)
    layers = [nn.Conv2d(1, 16, 3, stride=2, padding=1, padding_mode=mode), nn.ReLU()]
    for _ in range(15):
        layers += [nn.Conv2d(16, 16, 3, padding=1, padding_mode=mode), nn.ReLU()]
    for layer in layers[::2]:
        nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)

@torch.no_grad()
def kept(mode, seed):                           # mean square of the output over that of the first z
    net, batch = convnet(mode, seed), images[:128].view(-1, 1, 8, 8)
    return 2 * net(batch).square().mean() / net[0](batch).square().mean()

# %%
zeros, circular = (torch.stack([kept(mode, seed) for seed in range(10)]).log().mean().exp().item()
                   for mode in ("zeros", "circular"))
claim("C5.09", f"16 convolutions with He's weights keep {zeros:.3f} of the mean square with zeros "
      f"at the border, {circular:.2f} without (ten nets, geometric mean)",
      zeros < 0.1 and 0.25 < circular < 4)

# %% [markdown]
# ## 22 and 30 layers
#
# He et al. tell that with 22 layers of ReLU both rules trained, and with 30 only He's. Here are four nets of each kind
# on the digits (`Stack` trains the four as one). Xavier's also get a rate ten times as large, and then Adam.

# %%
def four(depth, activation, init):
    return Stack(MLP(depth, activation=activation, init=init, seed=seed, dtype=torch.float32)
                 for seed in range(4))

def mean_loss(outputs, targets):                # outputs (4, B, 10)
    return F.cross_entropy(outputs.flatten(0, 1), targets.repeat(4))

@torch.no_grad()
def right(stack):
    return (stack(images[:600]).argmax(2) == y[:600]).double().mean(1)          # (4,)

def compete(depth, activation, entrants, steps, optimizer="sgd"):
    stacks = {name: four(depth, activation, init) for name, (init, _) in entrants.items()}
    factor = 4 if optimizer == "sgd" else 1     # the loss is a mean of four
    rates = {name: factor * lr for name, (_, lr) in entrants.items()}
    runs = race(stacks, images, y, steps=steps, lr=rates, loss_fn=mean_loss, optimizer=optimizer,
                live="bar")
    return runs, {name: right(stack) for name, stack in stacks.items()}

# %%
plan = {"He, 0.001": ("he", 0.001), "Xavier, 0.01": ("xavier", 0.01), 
        "Xavier, 0.1": ("xavier", 0.1)}
thirty, at_30 = compete(30, "relu", plan, steps=300)
plan = {"He, 0.001": ("he", 0.001), "Xavier, 0.03": ("xavier", 0.03)}
twenty, at_22 = compete(22, "relu", plan, steps=300)
plan = {"Xavier, Adam": ("xavier", 0.001)}
adam, by_adam = compete(30, "relu", plan, steps=300, optimizer="adam")
rows = {f"30 layers, {name}": shares for name, shares in (at_30 | by_adam).items()}
rows |= {f"22 layers, {name}": shares for name, shares in at_22.items()}
table({"": rows, "lowest of four": [shares.min() for shares in rows.values()],
       "highest": [shares.max() for shares in rows.values()]}, form="{:.0%}")

# %%
small = torch.stack([at_30["Xavier, 0.01"], at_30["Xavier, 0.1"]])
claim("C5.12", f"30 layers, 300 steps of SGD: with He's weights at 0.001 the worst of four nets "
      f"gets {at_30['He, 0.001'].min():.0%}; with Xavier's, at 0.01 or at 0.1, none more than "
      f"{small.max():.0%}",
      at_30["He, 0.001"].min() > 0.6 and small.max() < 0.2, unless=thirty,
      only=("rate", "optimizer", "budget"))
claim("C5.12", f"300 steps of Adam at 0.001 train Xavier's thirty layers to "
      f"{by_adam['Xavier, Adam'].min():.0%} "
      "and more", by_adam["Xavier, Adam"].min() > 0.4, unless=adam, only=("rate", "budget"))
unlike = at_22["Xavier, 0.03"].max() - at_22["Xavier, 0.03"].min()
claim("C5.12", f"22 layers, 300 steps of SGD at 0.03, seeds 0 to 3: Xavier's nets differ by "
      f"{unlike:.0%}",
      unlike > 0.2, unless=twenty, only=("seed", "rate", "optimizer", "budget"))

# %% [markdown]
# The second half of the story replicates with SGD. The first half does in some of our nets: at 22 layers the handicap is
# $2^{-11}$ each way, and whether a net gets going within these steps is a matter of the draw. Adam gets all four of 30 going.
#
# ## Xavier's own ground: tanh
#
# Xavier's rule was made for tanh, with slope 1 at 0 and mean 0. What does it leave in layer 20? And in sigmoid nets,
# for which it is often recommended?

# %%
q = meanfield.q_trajectory("tanh", 1.0, 20, sigma_w=1.0)[-1].item()
wide = [MLP(20, width=256, activation="tanh", init="xavier", seed=seed) for seed in range(3)]
spreads = torch.stack([measure(net, x[:128], y[:128]).pre_std[19] for net in wide])
measured_q = spreads.square().mean().item()
claim("C5.05", f"tanh, layer 20: the variance of z is {q:.3f} in theory, {measured_q:.3f} measured",
      0.026 < q < 0.028 and 0.5 < measured_q / q < 2)
sick = [MLP(20, init="xavier", seed=seed) for seed in range(3)]
deltas = [measure(net, x[:128], y[:128]).delta_norm for net in sick]
factors = torch.stack([(d[0] / d[19]).pow(1 / 19) for d in deltas])
theory = meanfield.chi("sigmoid", meanfield.q_fixed_point("sigmoid")) ** 0.5
claim("C5.02", f"sigmoid: the gradient keeps {factors.mean():.3f} a layer, theory {theory:.3f}; "
      f"through twenty layers {factors.mean() ** 20:.0e}", (factors / theory - 1).abs().max() < 0.1)

# %% [markdown]
# Tanh shrinks everything a little, and the loss is slow, like $1/(2l)$ and not exponential. So Xavier's tanh nets lived. The
# sigmoid breaks both assumptions.
#
# ## Gains
#
# PyTorch's `calculate_gain` beside $1/\sqrt{E[\phi(Z)^2]}$, and the $\chi$ that the gradient pays at that gain.

# %%
names = ("sigmoid", "tanh", "relu", "leaky_relu", "selu")
gains, advised = ([f(name) for name in names] for f in (meanfield.gain, nn.init.calculate_gain))
paid = [meanfield.chi(name, 1.0, gain) for name, gain in zip(names, gains)]
claim("C5.06", "calculate_gain agrees for ReLU and leaky ReLU, and for no other",
      [abs(a / g - 1) < 1e-3 for a, g in zip(advised, gains)] == [False, False, True, True, False])
z = normal(1_000_000)
sampled = [activations.get(name).value(z).square().mean().item() ** -0.5 for name in names]
claim("C5.06", "a million draws give the same gains to half a per cent",
      max(abs(s / g - 1) for s, g in zip(sampled, gains)) < 0.005)
table({"": names, "gain": gains, "calculate_gain": advised, "chi at the gain": paid}, form="{:.4f}")

# %%
settles = meanfield.q_fixed_point("tanh", 5 / 3)
growth = meanfield.chi("tanh", settles, 5 / 3)
nets = [MLP(40, width=128, activation="tanh", sigma_w=5 / 3, seed=seed) for seed in range(5)]
deltas = [measure(net, x[:128], y[:128]).delta_norm for net in nets]
per_layer = torch.stack([(d[5] / d[39]).pow(1 / 34) for d in deltas])
claim("C5.06", f"tanh at 5/3: chi is {growth:.3f}, so the gradient grows by {growth**0.5:.2f} a "
      f"layer; measured {per_layer.min():.3f} to {per_layer.max():.3f}",
      abs(growth - 1.21) < 0.005 and (per_layer / growth**0.5 - 1).abs().max() < 0.04)

# %%
both = {"sigma_w": 2.1533**0.5, "sigma_b": 0.1510**0.5}
nets = [MLP(50, width=256, activation="tanh", seed=seed, **both) for seed in range(5)]
found = [measure(net, x[:128], y[:128]) for net in nets]
level = torch.stack([m.pre_std**2 + m.pre_mean**2 for m in found])[:, 5:50].mean(0)
ends = torch.stack([m.delta_norm[0] / m.delta_norm[49] for m in found])
claim("C5.06", f"tanh with biases of variance 0.1510, five nets: q stays in {level.min():.2f} to "
      f"{level.max():.2f}; gradient first / last {ends.min():.1f} to {ends.max():.1f}",
      0.7 < level.min() and level.max() < 1.4 and 0.1 < ends.min() and ends.max() < 10)

# %% [markdown]
# ## One moment, three times
#
# **Lengths** (Johnson and Lindenstrauss 1984): a random matrix with $m$ rows of variance $1/m$ keeps lengths to $\sqrt{2/m}$.
# **Levels**: $E[z^2] = n_{in}\mathrm{Var}(w)E[a^2]$. **Edge**: $\chi = \sigma_w^2E[\phi'^2]$. Each is the second moment of a
# sum of independent terms with mean zero. Where a layer is not square, they even disagree, since they count different things:
# total length, or level per unit. LeCun's $1/n_{in}$:

# %%
lengths, per_unit, scatter = {}, {}, {}
for n_in, n_out in ((256, 256), (64, 256), (256, 64)):
    v = normal(n_in, seed=1000)
    out = torch.stack([normal(n_out, n_in, seed=seed) @ v for seed in range(300)]) / n_in**0.5
    ratio = out.square().sum(1) / v.square().sum()
    lengths[n_in, n_out] = ratio.mean().item()
    scatter[n_in, n_out] = (ratio.std() / ratio.mean()).item()
    per_unit[n_in, n_out] = (out.square().mean() / v.square().mean()).item()
table({"layer": [f"{n_in} into {n_out}" for n_in, n_out in lengths],
       "squared length": lengths.values(), "mean square": per_unit.values(),
       "scatter": scatter.values()})

# %%
claim("C5.07", "1/n_in keeps the mean square at every shape, and the length in square layers only",
      max(abs(level - 1) for level in per_unit.values()) < 0.05 and
      max(abs(ratio / (o / i) - 1) for (i, o), ratio in lengths.items()) < 0.05)
claim("C5.07", f"lengths scatter by {scatter[256, 256]:.3f} with 256 rows and "
      f"{scatter[256, 64]:.3f} with 64; √(2/m) is 0.088 and 0.177",
      max(abs(found / (2 / o) ** 0.5 - 1) for (_, o), found in scatter.items()) < 0.15)

# %% [markdown]
# **Distances.** What is true of lengths is not true of distances, once there is a ReLU. Five nets of width 512 with He's
# weights, thirty pairs of digits: the distance over the length, beside its start.

# %%
def apart(layers, seed):
    random, a, ratios = torch.Generator().manual_seed(seed), images[:60], []
    for layer in range(layers + 1):
        ratios.append((a[:30] - a[30:]).norm(dim=1).mean() / a.norm(dim=1).mean())
        W = torch.randn(a.shape[1], 512, generator=random)
        a = torch.relu((2 / a.shape[1]) ** 0.5 * a @ W)
    return torch.stack(ratios) / ratios[0]

shrink = torch.stack([apart(10, seed) for seed in range(5)])
claim("C5.07", f"distances shrink to {shrink[:, 1].mean():.2f} after one ReLU layer and "
      f"{shrink[:, 10].mean():.2f} after ten, beside the lengths",
      shrink[:, 1].max() < 0.92 and shrink[:, 10].max() < 0.65)

# %% [markdown]
# **Sound engineering.** On a mixing desk a signal passes one stage after another, each with a fader. *Gain staging* sets every
# stage so that the level stays, since below there is a noise floor and above there is clipping. ReLU costs 3 decibels a layer
# ($10\log_{10}2 = 3.01$). The desk has 48 layers in half precision, whose smallest number is the floor and whose largest the
# ceiling. *Try:* (1) all faders at 0 dB. (2) All at +3. (3) First and middle at 0, then repair it with the last.

# %%
def through_desk(gains):
    exact = half = normal(16, 128, seed=1000)
    levels = []
    for layer, decibel in enumerate(gains):
        W = 10 ** (decibel / 20) * normal(128, 128, seed=layer) / 128**0.5
        exact, half = torch.relu(exact @ W), torch.relu(half @ W).half().double()
        levels.append(20 * half.square().mean().sqrt().log10().item())
    return levels, ((half - exact).norm() / exact.norm()).item()

def mixing_desk(axes, first=3, middle=3, last=3):
    levels, error = through_desk([first] * 16 + [middle] * 16 + [last] * 16)
    diagrams.draw_desk(axes, (first, middle, last), levels, floor=-144, ceiling=96)
    lost = "no number any more" if not error < torch.inf else f"{min(error, 1):.1%} off"
    return f"Compared with exact arithmetic the output is {lost}."

explore(mixing_desk, panels=2, first=(-6, 12), middle=(-6, 12), last=(-6, 12))

# %% [markdown]
# ## Every direction
#
# The Jacobian of fifty layers, and its singular values: by how much each direction is stretched. A net that keeps all
# of them near 1 has *dynamical isometry*. Tanh comes close to it with orthogonal weights, if the signal is small enough to stay
# where its slope is near 1. One layer of ReLU flattens half of all directions.

# %%
def jacobian(depth, weights, activation, seed=0, width=100, small=0.1):
    random, phi = torch.Generator().manual_seed(seed), activations.get(activation)
    scale = 2**0.5 if activation == "relu" else 1.0
    z = small * torch.randn(width, generator=random).double()
    J = torch.eye(width, dtype=torch.float64)
    for _ in range(depth):
        layer = nn.Linear(width, width, dtype=torch.float64)
        W = initialization.get(weights)(layer, generator=random).weight.detach()
        J, z = scale * W @ (phi.slope(z)[:, None] * J), scale * W @ phi.value(z)
    return torch.linalg.svdvals(J)              # (100,), largest first

# %%
def spectrum(ax, depth=20, activation="identity"):
    curves = {name: jacobian(depth, scheme, activation).clamp(min=1e-20)
              for name, scheme in (("Gaussian", "lecun"), ("orthogonal", "orthogonal"))}
    plots.draw_lines(ax, curves, xlabel="direction, by rank", ylabel="stretched by", log=True,
                     markers=False, limits=(1e-20, 1e3))
    told = [f"{name} from {s[0]:.2g} to {s[-1]:.1g}" for name, s in curves.items()]
    return f"{depth} layers: {'; '.join(told)}."

explore(spectrum, depth=(1, 50), activation=["identity", "tanh", "relu"])

# %%
gaussian = torch.stack([jacobian(50, "lecun", "identity", seed) for seed in range(5)])
bent = torch.stack([jacobian(50, "orthogonal", "tanh", seed) for seed in range(5)])
half = torch.stack([jacobian(1, "orthogonal", "relu", seed) for seed in range(5)])
lost = (half < 1e-6).double().mean(1)
claim("C5.08", f"Gaussian, fifty layers, five draws: the largest {gaussian[:, 0].min():.1f} to "
      f"{gaussian[:, 0].max():.1f}, the median {gaussian.median(1).values.max():.0e} at most",
      gaussian[:, 0].min() > 2 and gaussian.median(1).values.max() < 1e-5)
claim("C5.08", f"orthogonal, fifty tanh layers, a small signal: all between {bent.min():.2f} and "
      f"{bent.max():.2f}", 0.1 < bent.min() and bent.max() <= 1 + 1e-9)
claim("C5.08", f"one orthogonal ReLU layer: {lost.min():.0%} to {lost.max():.0%} of the singular "
      "values are 0, the others √2", 0.3 < lost.min() and lost.max() < 0.7 and
      (half[half > 1e-6] - 2**0.5).abs().max() < 1e-6)

# %% [markdown]
# "No choice of weights changes that", the first edition of this course said. One does. **Looks-linear** weights (Balduzzi et
# al. 2017) pair the units: each pair has weights $w$ and $-w$, so one of the two always speaks, and the next layer subtracts
# them again: $\mathrm{ReLU}(z) - \mathrm{ReLU}(-z) = z$. With an orthogonal $W$ in the place of each pair, the net starts
# as an isometry. It has half as many free directions.

# %%
def looks_linear(n):                            # (2n, 2n) from an orthogonal (n, n)
    W = nn.init.orthogonal_(torch.empty(n, n, dtype=torch.float64))
    return torch.cat([torch.cat([W, -W], 1), torch.cat([-W, W], 1)], 0)

torch.manual_seed(0)
first = nn.init.orthogonal_(torch.empty(50, 50, dtype=torch.float64))
matrices = [torch.cat([first, -first]), *(looks_linear(50) for _ in range(49))]

def fifty_relu_layers(v):
    for W in matrices:
        v = torch.relu(W @ v)
    return v[:50] - v[50:]

stretch = torch.linalg.svdvals(torch.autograd.functional.jacobian(fifty_relu_layers, normal(50)))
claim("C5.08", f"fifty ReLU layers with looks-linear weights stretch every direction by "
      f"{stretch.min():.6f} to {stretch.max():.6f}", (stretch - 1).abs().max() < 1e-9)

# %% [markdown]
# What is it worth? Fifty tanh layers, weights of the same variance, four nets of each kind, at several rates, for 100 steps.

# %%
settings = [("sgd", 0.001), ("sgd", 0.003), ("sgd", 0.01), ("adam", 0.0003)]
scans, means = [], {}
for optimizer, rate in settings:
    kinds = {init: (init, rate) for init in ("xavier", "orthogonal")}
    runs, shares = compete(50, "tanh", kinds, 100, optimizer)
    scans.append(runs)
    means[optimizer, rate] = {init: found.mean().item() for init, found in shares.items()}
columns = {init: [row[init] for row in means.values()] for init in ("xavier", "orthogonal")}
table({"": [f"{optimizer} {rate}" for optimizer, rate in means], **columns}, form="{:.0%}")

# %%
gauss, ortho = columns["xavier"], columns["orthogonal"]
claim("C5.08", f"four nets each, 100 steps of SGD at the best of three rates: "
      f"{max(gauss[:3]):.0%} with Gaussian weights, {max(ortho[:3]):.0%} with orthogonal ones",
      0.5 < max(gauss[:3]) < max(ortho[:3]) - 0.05, unless=scans,
      only=("rate", "optimizer", "budget"))

# %% [markdown]
# ## Norms
#
# Four norms differ in which entries share a mean and a size. **RMSNorm** (Zhang and Sennrich 2019) divides by the root mean square
# over the features and subtracts nothing; most large language models of today use it. Ours against PyTorch's:

# %%
def normed(z, dims, subtract=True):
    mean = z.mean(dims, keepdim=True) if subtract else 0
    return (z - mean) / ((z - mean).square().mean(dims, keepdim=True) + 1e-5).sqrt()

NORMS = {"batch": lambda z: normed(z, 0), "layer": lambda z: normed(z, 1),
         "group": lambda z: normed(z.view(len(z), 4, -1), 2).view(z.shape),
         "RMS": lambda z: normed(z, 1, subtract=False)}
z = 3 * normal(32, 64) + 2

# %%
theirs = {"batch": nn.BatchNorm1d(64), "layer": nn.LayerNorm(64), "group": nn.GroupNorm(4, 64),
          "RMS": nn.RMSNorm(64, eps=1e-5)}
off = {name: (norm(z) - theirs[name].double()(z)).abs().max().item()
       for name, norm in NORMS.items()}
claim("C5.11", "four norms in a line each give what PyTorch's give", max(off.values()) < 1e-6)
alone = {name: (norm(z[:2])[0] - norm(z)[0]).abs().max().item() for name, norm in NORMS.items()}
claim("C5.11", f"take the other samples away: batch norm's output moves by {alone['batch']:.1f}, "
      "the others' not at all",
      alone["batch"] > 0.1 and max(alone[n] for n in ("layer", "group", "RMS")) < 1e-9)

# %% [markdown]
# In use there may be no batch. So batch norm stores averages of the batches that it was trained with, and divides by them.
# They differ a little from those of one and the same batch: in training PyTorch divides by the variance with $1/B$, and it
# stores the one with $1/(B-1)$ (Bessel's correction).

# %%
norm = nn.BatchNorm1d(64).double()
for _ in range(400):
    norm(z)                                     # the same batch each time
in_use, training = norm.eval()(z), NORMS["batch"](z)
moved = (in_use - training).abs().max().item()
bessel = training * (31 / 32) ** 0.5
claim("C5.10", f"stored averages of one and the same batch change the output by {moved:.3f}; "
      "dividing by B - 1 in place of B explains all of it",
      0.03 < moved < 0.1 and (in_use - bessel).abs().max() < 1e-4)

# %% [markdown]
# Fifty ReLU layers with each norm, at three scales of the weights: what a layer multiplies the gradient by, and how alike
# two samples are in the end. The first row is the control.

# %%
def fifty(norm, sigma_w, seed=0):
    random, z = torch.Generator().manual_seed(seed), []
    a = torch.randn(128, 128, generator=random, dtype=torch.float64, requires_grad=True)
    for _ in range(50):
        W = torch.randn(128, 128, generator=random, dtype=torch.float64) * sigma_w / 128**0.5
        z.append(a @ W)
        a = torch.relu(norm(z[-1]))
    loss = (a * normal(128, 128, seed=seed + 1)).sum()                  # any loss will do
    first, last = (d.norm() for d in torch.autograd.grad(loss, (z[0], z[-1])))
    a = a.detach()
    return ((first / last) ** (1 / 49)).item(), F.cosine_similarity(a[:64], a[64:]).mean().item()


# %%
scales, kinds = (0.8, 2**0.5, 2.2), {"none": lambda z: z} | NORMS
deep = {name: [fifty(norm, scale) for scale in scales] for name, norm in kinds.items()}
columns = {f"gradient, σ_w {scale:.1f}": [row[i][0] for row in deep.values()]
           for i, scale in enumerate(scales)}
table({"norm": deep, **columns, "cosine": [row[1][1] for row in deep.values()]}, form="{:.2f}")

# %%
factors = {name: torch.tensor([factor for factor, _ in row]) for name, row in deep.items()}
growth = (torch.pi / (torch.pi - 1)) ** 0.5
claim("C5.10", f"with batch norm the gradient grows by {growth:.3f} a layer in theory, by "
      f"{factors['batch'].min():.3f} to {factors['batch'].max():.3f} at any scale of the weights",
      (factors["batch"] / growth - 1).abs().max() < 0.02)
others = torch.stack([factors[name] for name in ("layer", "group", "RMS")])
claim("C5.11", f"with the three others by {others.min():.2f} to {others.max():.2f}",
      (others - 1).abs().max() < 0.04)
alike = {name: row[1][1] for name, row in deep.items()}
claim("C5.11", f"samples are alike behind layer norm ({alike['layer']:.3f}), behind RMSNorm "
      f"({alike['RMS']:.3f}) and behind no norm ({alike['none']:.3f}); behind batch norm "
      f"{alike['batch']:.2f}",
      min(alike["layer"], alike["RMS"], alike["none"]) > 0.9 and alike["batch"] < 0.6)

# %% [markdown]
# Where does 1.211 come from? Batch norm makes every $z$ a Gaussian with variance 1, so behind ReLU $E[a^2] = \frac12$ and $E[a]^2 =
# \frac1{2\pi}$. The mean is the same for all samples, and the next batch norm subtracts it. It divides by the variance that is left,
# $\sigma_w^2(\frac12 - \frac1{2\pi})$. On the way back the gradient's mean square is multiplied by $\sigma_w^2$ (weights) and $\frac12$ (the mean
# square of the slopes), and divided by that variance:
#
# $$\frac{\sigma_w^2\cdot\frac12}{\sigma_w^2\left(\frac12 - \frac1{2\pi}\right)} = \frac{\pi}{\pi - 1} = 1.467, \qquad \sqrt{1.467} = 1.211.$$
#
# No $\sigma_w$ is left in it. Layer norm subtracts a mean over the features, about 0, and divides by $\sigma_w^2\cdot\frac12$: what is left is 1.
#
# So merging is no trouble of layer norm's own. And RMSNorm does without the mean at no cost here: over the features of a wide
# layer the mean is about 0.
#
# Why does batch norm help, where it does? That it helps is well measured, in nets that are not fifty plain layers: larger
# steps are possible, and the noise of the batch regularizes a little. The *reason* is contested. Ioffe and Szegedy (2015) named
# internal covariate shift: a layer's inputs move while it learns. Santurkar et al. (2018) added noise behind the norm, so that
# they moved more than ever, and training remained as fast; they found a smoother loss instead. (None of this is measured here.)
#
# ## Pretraining
#
# Before good initializations there was another way to start a deep net (Hinton et al. 2006; Bengio et al. 2007). Take one
# layer at a time, and teach it, without labels, to keep what is in its input: an *autoencoder* of one layer has to restore
# its input from its units. Then the whole net is trained. Five sigmoid layers, three nets of each kind. The control: random
# weights that are as large, layer by layer, as the pretrained ones.

# %%
def pretrained(seed):
    net, a = MLP(5, init="xavier", seed=seed, dtype=torch.float32), images
    for layer in net.hidden:
        torch.manual_seed(seed)
        autoencoder = nn.Sequential(layer, nn.Sigmoid(), nn.Linear(64, 64))
        fit(autoencoder, a, a, steps=150, lr=0.003, optimizer="adam", loss_fn=F.mse_loss,
            live=False)
        with torch.no_grad():
            a = torch.sigmoid(layer(a))
    return net

# %%
def as_large(net, seed):
    random = MLP(5, init="xavier", seed=seed + 10, dtype=torch.float32)
    with torch.no_grad():
        for layer, other in zip(random.hidden, net.hidden):
            layer.weight *= other.weight.std() / layer.weight.std()
    return random

# %%
starts, reached = [], {"random": [], "random, as large": [], "pretrained": []}
for seed in range(3):
    net = pretrained(seed)
    nets = {"random": MLP(5, init="xavier", seed=seed, dtype=torch.float32),
            "random, as large": as_large(net, seed), "pretrained": net}
    starts.append(race(nets, images, y, steps=300, lr=0.1, live="bar"))
    for name, run in starts[-1].items():
        reached[name].append(run.accuracy)
columns = {f"seed {seed}": [found[seed] for found in reached.values()] for seed in range(3)}
table({"start": reached} | columns, form="{:.0%}")

# %%
others = reached["random"] + reached["random, as large"]
claim("C5.05", f"five sigmoid layers, 300 steps of SGD at 0.1: pretrained "
      f"{min(reached['pretrained']):.0%} "
      f"or more, random {max(others):.0%} at most", min(reached["pretrained"]) > 0.5 and
      max(others) < 0.2, unless=starts, only=("rate", "optimizer", "budget"))

# %% [markdown]
# So size alone does not do it: what the layers have learned to keep helps. (With Adam, five sigmoid layers need no
# pretraining: chapter 1.)
#
# ## A second patient
#
# The signal is level in every layer of this net. Name the disease, then treat it (run the cell to see the choices).

# %%
display(clinic.chart(chapter05.SECOND_PATIENT, "gradient", "std of z", "std of a"))
diagnosis = ...
display(clinic.name_disease(chapter05.SECOND_PATIENT, diagnosis))
prescription = ...
clinic.treat(chapter05.SECOND_PATIENT, prescription)

# %%
clinic.second_opinion(chapter05.SECOND_PATIENT, diagnosis)

# %% [markdown]
# ## Quiz: which rule?
#
# Put your answers in the place of the dots.

# %%
print(quiz.sheet(chapter05.QUIZ))

# %%
answers = {"relu": ..., "tanh": ..., "selu": ..., "sigmoid": ...}
quiz.grade(chapter05.QUIZ, answers)

# %% [markdown]
# ## References
#
# - Johnson, Lindenstrauss 1984, Contemporary Mathematics 26; LeCun, Bottou, Orr, Müller 1998, *Efficient BackProp*
# - Hinton, Osindero, Teh 2006, Neural Computation 18; Bengio et al. 2007, NIPS: pretraining
# - Glorot, Bengio 2010, AISTATS; Saxe, McClelland, Ganguli 2014, ICLR; He et al. 2015, ICCV; Mishkin, Matas 2016, ICLR
# - Ioffe, Szegedy 2015, ICML; Ba, Kiros, Hinton 2016, arXiv 1607.06450; Wu, He 2018, ECCV; Zhang, Sennrich 2019, NeurIPS
# - Pennington, Schoenholz, Ganguli 2017, NeurIPS: dynamical isometry; Balduzzi et al. 2017, ICML: looks-linear weights
# - Santurkar et al. 2018, NeurIPS; Yang et al. 2019, ICLR: what batch norm does
