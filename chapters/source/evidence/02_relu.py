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
# # 2 · ReLU: the evidence
#
# The [lesson](../02_relu.ipynb) tells one story. Here stands what it left out: what popular sources say about ReLU and
# whether it is so, how far a single net drifts from the level line, what silence is good for, a map of dead units, and
# when not to use ReLU. The sections do not depend on each other. Run the next two cells, and then any of them.

# %%
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, Stack, chapter02, claim, clinic, datasets, explore, fit, meanfield, measure
from utils import plots, quiz, race, show, table, timeline

# %%
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()        # x is (1437, 64): a row for each digit
images = x.float()                              # where half the precision is enough

@torch.no_grad()
def dead(net):
    """Of each hidden layer, which of its units are silent for every digit: (layers, units)."""
    *hidden, _ = net.eval().signals(x.to(net.readout.weight.dtype))[0]
    return torch.stack([(z <= 0).all(0) for z in hidden])

# %% [markdown]
# ## What you may have read
#
# | you may read | and it is | shown in |
# |---|---|---|
# | "The slope of ReLU at 0 is 0" | it has none there; PyTorch takes 0, and other ways to write it take ½ or 1 | The kink |
# | "An active path passes the gradient on unchanged" | its slopes do; its weights do not | One digit, one matrix |
# | "ReLU shrinks the signal by 2" | the mean *square*, by 2; the size, by $\sqrt2$; the variance, by 3 | Half of what? |
# | "With He's weights the gradient is level" | on average; a narrow net drifts, mostly down | How level is one net? |
# | "Swap the sigmoid for ReLU, and deep nets train" | not with PyTorch's weights and SGD; with Adam most do, after a wait | Four nets, two optimizers |
# | "ReLU nets are sparse" | half of the activations are 0 at birth; it is not a choice that the net has made | Half of it is silent |
# | "A dead unit is dead for good" | in layer 1, and above layers that do not move | Coming back |
# | "Deep ReLU nets are born half dead" | with PyTorch's weights *and* its biases | the lesson: Born dead |
# | "A larger step revives half-dead nets" | it goes further in as many steps; a small step does so in more | Two ways to die |
# | "Use a leak of 0.01 against dead units" | against biases of −3 it helps with Adam, and is too thin with SGD | Remedies, three nets each |
# | "ReLU is from 2010" | Fukushima used it in 1969 | History |

# %% [markdown]
# ## The kink
#
# At exactly 0 ReLU has no slope. Here are three ways to write the same function, and the slopes that autograd gives them.

# %% tags=["nbval-check-output"]
z = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
ways = {"F.relu(z)": F.relu(z), "torch.maximum(z, 0)": torch.maximum(z, torch.zeros(3)),
        "z.clamp(min=0)": z.clamp(min=0)}
slopes = {name: torch.autograd.grad(value.sum(), z)[0].tolist() for name, value in ways.items()}
claim("C2.01", f"slopes at -1, 0 and 1: {slopes}",
      list(slopes.values()) == [[0.0, 0.0, 1.0], [0.0, 0.5, 1.0], [0.0, 1.0, 1.0]])

# %% [markdown]
# Any number from 0 to 1 is allowed there (a *subgradient*). It seldom matters, since $z$ is almost never exactly 0. The
# exception is a layer behind one that is silent altogether: its $z$ is its bias, and He's biases are 0.
#
# ## One digit, one matrix
#
# For a given input each unit is on or off. So the net is, for this input, a product of its weight matrices with the
# rows of the silent units struck out. With biases of zero the whole net *is* this matrix.

# %%
net, digit = MLP(20, activation="relu", init="he"), x[0]
z, _ = net.signals(digit)
jacobian = torch.eye(64, dtype=torch.float64)
for l, layer in enumerate(net.hidden):
    on = (z[l] > 0).double()                    # (64,), zeros and ones
    jacobian = on[:, None] * (layer.weight @ jacobian)
jacobian = net.readout.weight @ jacobian        # (10, 64)
assert torch.allclose(jacobian, torch.autograd.functional.jacobian(net, digit))
claim("C2.02", "for one digit twenty ReLU layers are one matrix: the weights, with the rows of "
      "what is silent struck out", torch.allclose(jacobian @ digit, net(digit)))

# %% [markdown]
# The slopes leave what passes unchanged. Its size comes from the weights. There are two gradients in use: that of the
# pre-activations, which the lesson's pictures show, and that of the *weights*, which a step uses. By $\partial
# C/\partial W^l = \delta^l (a^{l-1})^\top$ it takes its size from the layer below as well, so it falls by a decade
# less: layer 1 is fed with pixels, and the last layer with what little has arrived.

# %%
left = {}
for init in ("torch", "he"):
    nets = [MLP(20, activation="relu", init=init, seed=seed) for seed in range(5)]
    found = [measure(net, x[:128], y[:128]) for net in nets]
    left[init, "z"] = torch.stack([m.delta_norm[0] / m.delta_norm[-1] for m in found])
    weights = [m.weight_gradient_norm for m in found]
    left[init, "W"] = torch.stack([norm[0] / norm[-1] for norm in weights])
table({"net": range(5)} | {f"{init}, {of}": ratios for (init, of), ratios in left.items()},
      form="{:.1e}")

# %%
expected = (1 / 6) ** (20 / 2)                  # chi = 1/6, through twenty layers
errors, weights = left["torch", "z"], left["torch", "W"]
claim("C2.02", f"PyTorch's weights: theory {expected:.1e}, measured {errors.min():.1e} to "
      f"{errors.max():.1e}; of the weights' gradient {weights.min():.0e} to {weights.max():.0e} "
      "is left", 0.2 < errors.min() / expected < errors.max() / expected < 5 and
      1e-7 < weights.min() < weights.max() < 1e-6)
both = torch.cat([left["he", "z"], left["he", "W"]])
claim("C2.02", f"He's: all ten ratios lie between {both.min():.1f} and {both.max():.1f}",
      0.2 < both.min() < both.max() < 5)

# %% [markdown]
# ## Half of what?
#
# The mean square halves for every symmetric shape. The mean of $0.399\sqrt q$ and the variance of $0.341\,q$ are those
# of a Gaussian.

# %%
random = torch.Generator().manual_seed(0)
numbers = torch.randn(1_000_000, generator=random, dtype=torch.float64)
for q in (0.01, 100.0):
    a = (q**0.5 * numbers).clamp(min=0)
    square, mean, variance = a.square().mean() / q, a.mean() / q**0.5, a.var() / q
    claim("C2.03", f"q = {q}: mean square {square:.3f} q, mean {mean:.4f} √q, variance "
          f"{variance:.4f} q", abs(square - 0.5) < 0.002 and abs(mean - 0.3989) < 0.001 and
          abs(variance - 0.3408) < 0.002)
flat = 2 * torch.rand(1_000_000, generator=random, dtype=torch.float64) - 1
half = flat.clamp(min=0).square().mean() / flat.square().mean()
claim("C2.03", f"uniform between -1 and 1: ReLU leaves {half:.3f} of the mean square",
      abs(half - 0.5) < 0.002)

# %% [markdown]
# ## How level is one net?
#
# $\chi = \sigma_w^2/2$ does not contain $q$: doubling $z$ doubles $\phi(z)$. That of tanh shrinks when its inputs grow.
# And the signal is multiplied by the same factor on its way forward. So nothing bounds it, and at $\sigma_w^2 = 4$ it
# explodes.

# %%
small, large = (meanfield.chi("relu", q, sigma_w=2**0.5) for q in (1e-6, 1e6))
tanh = [meanfield.chi("tanh", q, sigma_w=2**0.5) for q in (1e-6, 1e3)]
claim("C2.07", f"chi of ReLU at q = 1e-6 and 1e6: {small:.4f}, {large:.4f}; of tanh at 1e-6 and "
      f"1e3: {tanh[0]:.3f}, {tanh[1]:.3f}",
      abs(small - 1) < 1e-6 and abs(large - 1) < 1e-6 and tanh[0] > 1.9 and tanh[1] < 0.1)

# %%
def mean_squares(variance, seed=0):             # of z, layer by layer, in a net of twenty
    net = MLP(20, activation="relu", sigma_w=variance**0.5, seed=seed)
    m = measure(net, x[:128], y[:128])
    return m.pre_std**2 + m.pre_mean**2

def signal(ax):
    curves = {f"variance {variance}/n": mean_squares(variance) for variance in (1, 2, 4)}
    plots.draw_lines(ax, curves, xlabel="layer", ylabel="mean square of z", log=True)

show(signal)
five = torch.stack([mean_squares(4, seed)[[0, -1]] for seed in range(5)])
growth = (five[:, 1] / five[:, 0]) ** (1 / 20)
claim("C2.07", f"forwards, variance 4/n: the mean square of z doubles in each layer "
      f"({growth.min():.2f} to {growth.max():.2f} in five nets)",
      1.7 < growth.min() < growth.max() < 2.3)

# %% [markdown]
# Theory speaks of the mean over many nets, and is exact for infinitely wide layers. Here are many at once: 40 layers,
# He's weights, the last layer's signal over the first one's.

# %%
def mean_square(layer, nets, width):
    generator, a = torch.Generator().manual_seed(0), x[:32].expand(nets, 32, 64)
    for _ in range(layer):
        W = torch.randn(nets, a.shape[2], width, generator=generator, dtype=torch.float64)
        z = a @ (W * (2 / a.shape[2]) ** 0.5)   # (nets, 32 digits, width)
        a = F.relu(z)
    return z.square().mean((1, 2))              # (nets,)

narrow = mean_square(40, 100, 64) / mean_square(1, 100, 64)
wide = mean_square(40, 10, 256) / mean_square(1, 10, 256)

# %%
lower = (narrow < 1).double().mean()
claim("C2.07", f"100 nets of width 64: mean {narrow.mean():.2f}, median {narrow.median():.2f}, "
      f"from {narrow.min():.3f} to {narrow.max():.0f}; lower than at the start in {lower:.0%} of "
      "them", 0.3 < narrow.mean() < 3 and narrow.median() < 0.5 and lower > 0.5)
claim("C2.07", f"width 256 drifts less: {wide.log10().std():.2f} decades instead of "
      f"{narrow.log10().std():.2f}", wide.log10().std() < 0.75 * narrow.log10().std())

# %% [markdown]
# Each layer multiplies by some luck of its own, and a product of lucky factors is lopsided: a few nets end high and
# hold the mean up, while the typical net ends several times lower.
#
# ## Four nets, two optimizers
#
# Sigmoid or ReLU, PyTorch's weights or He's: twenty layers, trained for 200 steps with either optimizer, at two rates
# each. Then ReLU with PyTorch's weights alone, by Adam, for 1,000 steps: three nets.

# %%
def four_nets():
    return {f"{activation}, {init}": MLP(20, activation=activation, init=init, dtype=torch.float32)
            for activation in ("sigmoid", "relu") for init in ("torch", "he")}

tries, learned = [], {}
for optimizer, rate in (("sgd", 0.003), ("sgd", 0.01), ("adam", 0.0003), ("adam", 0.001)):
    nets = four_nets()
    tries.append(race(nets, images, y, steps=200, lr=rate, optimizer=optimizer, live="bar"))
    learned[f"{optimizer} {rate}"] = {name: run.accuracy for name, run in tries[-1].items()}
columns = {name: list(found.values()) for name, found in learned.items()}
table({"net": list(nets)} | columns, form="{:.0%}")

# %%
he = [found["relu, he"] for found in learned.values()]
others = [share for found in learned.values() for net, share in found.items() if net != "relu, he"]
claim("C2.02", "within 200 steps of SGD or Adam, at rates of 0.0003 to 0.01: ReLU with He's "
      f"weights learns ({min(he):.0%} or more)", min(he) > 0.6, unless=tries, only=("rate",))
claim("C2.10", "and the three others do not within 200 steps at rates of 0.0003 to 0.01 "
      f"({max(others):.0%} or less)", max(others) < 0.25, unless=tries, only=("rate", "budget"))

# %%
def has_left(net):
    return F.cross_entropy(net(images[:256]), y[:256]) < 1.5

nets = {f"seed {seed}": MLP(20, activation="relu", init="torch", seed=seed, dtype=torch.float32)
        for seed in range(3)}
escapes = race(nets, images, y, steps=1000, lr=0.001, optimizer="adam", until=has_left,
               live="bar")
steps = [run.steps for run in escapes.values()]
claim("C2.02", f"PyTorch's weights, Adam (rate 0.001), seeds 0 to 2: after {steps} steps of 1,000 "
      "at most; most leave the plateau", 200 < min(steps) and
      sum(run.reached for run in escapes.values()) >= 2, unless=escapes, only=("rate", "seed"))

# %% [markdown]
# So by Adam it is a matter of luck and of patience when such a net leaves the plateau. By SGD the lesson's nets of eight
# layers and more are still there after 600 steps.
#
# ## Half of it is silent
#
# Two layers of the 20-layer net, fresh from He's weights: a row for each unit, a column for each of 100 digits, sorted by
# class. Bright is on. *Try:* go from layer 1 to 20 on the right, and look for rows of a single colour.

# %%
def pattern(axes, layer=20):
    by_class = y[:100].argsort()
    z, _ = MLP(20, activation="relu", init="he").signals(x[:100][by_class])
    for ax, l in zip(axes, (1, layer)):
        on = z[l - 1] > 0                       # (100, 64)
        plots.draw_heat(ax, on.T, x=(1, 100), y=(1, 64), limits=(0, 1),
                        xlabel="digit, from zeros to nines", ylabel="unit", label="1 = on")
        ax.set_title(f"layer {l}")
    never, always = (~on).all(0).sum(), on.all(0).sum()
    return (f"Layer {layer}: {(~on).double().mean():.0%} is off; {never} of 64 units for all 100 "
            f"digits; {always} are always on.")

explore(pattern, panels=2, layer=(1, 20))

# %%
zeros, agree = [], []
same, itself = y[:300, None] == y[None, :300], torch.eye(300, dtype=torch.bool)
for seed in range(5):
    _, a = MLP(20, activation="relu", init="he", seed=seed).signals(x[:300])
    zeros.append(torch.stack([(layer == 0).double().mean() for layer in a[1:]]).mean().item())
    on = (a[1] > 0).double()                                # layer 1: (300, 64)
    shared = (on @ on.T + (1 - on) @ (1 - on).T) / 64       # share of units that agree
    agree.append((shared[same & ~itself].mean().item(), shared[~same].mean().item()))

# %%
patterns, (alike, unlike) = len(on.unique(dim=0)), zip(*agree)
claim("C2.04", f"share of zeros in five nets: {min(zeros):.2f} to {max(zeros):.2f}; layer 1 has "
      f"{patterns} patterns for 300 digits",
      0.45 < min(zeros) < max(zeros) < 0.55 and patterns > 290)
claim("C2.04", f"two digits of one class agree in {min(alike):.0%} of the units or more, others "
      f"in {max(unlike):.0%} or less", min(alike) > max(unlike) + 0.03)

# %% [markdown]
# Each digit switches on its own half of the net, and has its own matrix. The pattern alone says something about the
# class, before any training. Deeper down more and more units are always on or always off: to the deep layers of an
# untrained net different digits look ever more alike (chapter 4 says why).
#
# ## Dead units against the rate
#
# The lesson trains one net at seven rates by SGD. Here are three nets at each rate, with SGD and with Adam at a tenth
# of it.

# %%
def three_nets():
    return {f"seed {seed}": MLP(3, activation="relu", init="he", seed=seed, dtype=torch.float32)
            for seed in range(3)}

rates, shares, trained = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5), {}, []
for optimizer, factor in (("sgd", 1.0), ("adam", 0.1)):
    for rate in rates:
        nets, lr = three_nets(), factor * rate
        trained.append(race(nets, images, y, steps=200, lr=lr, optimizer=optimizer, live="bar"))
        found = torch.stack([dead(net).double().mean() for net in nets.values()])
        shares.setdefault(optimizer, []).append(found)
shares = {optimizer: torch.stack(found) for optimizer, found in shares.items()}  # (rates, seeds)

# %%
def by_rate(ax):
    curves = {"SGD": shares["sgd"].mean(1), "Adam, at a tenth of the rate": shares["adam"].mean(1)}
    plots.draw_lines(ax, curves, rates, xlabel="learning rate", ylabel="dead share", limits=(0, 1))
    ax.set_xticks(rates)

show(by_rate)
small, large = shares["sgd"][:2].max(), shares["sgd"][4:].min()
claim("C2.05", f"200 steps of SGD, three nets: at most {small:.0%} dead at rates of 0.02 and 0.05, "
      f"at least {large:.0%} at 0.3 and 0.5", small < 0.1 and large > 0.5,
      unless=trained, only=("rate", "optimizer"))

# %% [markdown]
# ## One unit's death
#
# The lesson's net at the rate 0.3. Of the units of layer 1 that die, this is the one with the median life. Left: the highest
# of its $z$ over all digits. Right: the gradient of its own weights.

# %%
@torch.no_grad()
def layer_1(net):                               # of each unit: its highest z, and its gradient
    layer = net.hidden[0]
    return torch.stack([layer(x).amax(0), layer.weight.grad.norm(dim=1)])

net, record = MLP(3, activation="relu", init="he"), {"layer 1": layer_1}
watched = fit(net, x, y, steps=200, lr=0.3, every=2, record=record, live="bar")
steps, life = watched.recorded_steps, watched.recorded["layer 1"]       # (records, 2, 64)
lived = (life[:, 0] > 0).sum(0)                 # records in which a unit spoke for some digit
died = (lived < len(life)).nonzero().flatten()
unit = died[lived[died].argsort()[len(died) // 2]]
end = lived[unit].clamp(min=1)

# %%
def one_life(axes):
    for ax, label, values in zip(axes, ("highest z", "gradient"), life[: 2 * end, :, unit].T):
        plots.draw_lines(ax, {label: values}, steps[: 2 * end], xlabel="step", ylabel=label)

show(one_life, panels=2, size=(9, 3.4))
highest, gradient = life[:, :, unit].T
claim("C2.05", f"SGD at a rate of 0.3: alive, its gradient reached {gradient.max():.1f}; from the "
      "second step after its death it is exactly 0", gradient.max() > 0 and
      (gradient[end + 1 :] == 0).all() and (highest[end:] <= 0).all(), unless=watched,
      only=("rate", "optimizer"))

# %% [markdown]
# One large gradient pushes it over the edge. From there momentum, which repeats old steps, carries it further down, though
# its gradient is zero. Not every death has such a peak.
#
# ## Coming back
#
# Six nets at a rate of 0.3: the dead share of each layer over time, and how often a unit came back.

# %%
@torch.no_grad()
def dead_by_layer(net):
    return dead(net).double().mean(1)

victims = {f"seed {seed}": MLP(3, activation="relu", init="he", seed=seed) for seed in range(6)}
record = {"dead": dead_by_layer}
deaths = race(victims, x, y, steps=200, lr=0.3, every=4, record=record, live="bar")

# %%
def census_over_time(axes):
    steps = max((run.recorded_steps for run in deaths.values()), key=len)
    for l, ax in enumerate(axes):
        curves = [run.recorded["dead"][:, l] for run in deaths.values()]
        plots.draw_bundle(ax, curves, steps, xlabel="step", ylabel="dead share", limits=(0, 1.05))
        ax.set_title(f"layer {l + 1}")

show(census_over_time, panels=3, size=(10, 3.6))

# %%
courses = [run.recorded["dead"] for run in deaths.values()]                     # (records, layers)
born, ended = (torch.stack([course[i].mean() for course in courses]) for i in (0, -1))
back = sum(64 * (-course.diff(dim=0)).clamp(min=0).sum(0) for course in courses)        # (3,)
claim("C2.05", f"200 steps of SGD at a rate of 0.3: {born.max():.0%} dead before at most, "
      f"{ended.min():.0%} after at least", born.max() < 0.1 and ended.min() > 0.5,
      unless=deaths, only=("rate", "optimizer"))
claim("C2.05", "returns to life in six nets, 200 steps of SGD at a rate of 0.3, by layer: "
      f"{back.int().tolist()}", 10 * back[0] < back[1:].min(), unless=deaths,
      only=("rate", "optimizer"))

# %%
def revived(seed, frozen):
    net = MLP(3, activation="relu", init="he", seed=seed)
    net.hidden[2].bias.data[:16] = -5.0
    before = dead(net)[2]
    for layer in net.hidden[:2]:
        layer.requires_grad_(not frozen)
    fit(net, x, y, steps=100, lr=0.05, live=False)
    return before.sum().item(), (before & ~dead(net)[2]).sum().item()

over_frozen = [revived(seed, frozen=True) for seed in range(3)]
over_free = [revived(seed, frozen=False) for seed in range(3)]
claim("C2.05", f"(dead, revived) in three nets: {over_frozen} over frozen layers, {over_free} over "
      "free ones", max(count for _, count in over_frozen) == 0 <
      min(count for _, count in over_free))

# %% [markdown]
# ## Two ways to die
#
# A step too large, and a bias too negative, both at once: nine rates times nine biases times three seeds are 243 small
# nets of two layers, trained together. (`Stack` computes them as one. A net's loss is weighted with its rate, which
# comes to the same as a step of that length.) The pictures show the mean of three seeds.

# %%
biases, powers, seeds = torch.linspace(-4, 0, 9), torch.linspace(-2.5, 0, 9), range(3)

def born_with(bias, seed):
    net = MLP(2, width=32, activation="relu", init="he", seed=seed, dtype=torch.float32)
    for layer in net.hidden:
        nn.init.constant_(layer.bias, bias)
    return net

stack = Stack(born_with(bias.item(), seed) for seed in seeds for bias in biases for _ in powers)
lengths = (10**powers).repeat(27)               # (243,) learning rates

def weighted_loss(logits, labels):              # logits (243, 64, 10), labels (64,)
    losses = torch.stack([F.cross_entropy(own, labels) for own in logits])
    return (lengths * losses).sum() / lengths.sum()

# %%
@torch.no_grad()
def dead_and_right():
    *hidden, logits = stack.signals(images[:600])[0]        # two of (243, 600, 32), (243, 600, 10)
    silent = torch.stack([(z <= 0).all(1).float().mean(1) for z in hidden])
    right = (logits.argmax(2) == y[:600]).float().mean(1)
    return silent.view(2, 3, 9, 9), right.view(3, 9, 9)

dead_at_birth, _ = dead_and_right()
total = lengths.sum().item()
mapped = fit(stack, images[:600], y[:600], steps=150, lr=total, loss_fn=weighted_loss, live="bar")
dead_after, right = dead_and_right()

# %%
def two_ways_to_die(axes):
    shares = {"dead share": dead_after.mean((0, 1)), "accuracy": right.mean(0)}
    for ax, (label, share) in zip(axes, shares.items()):
        plots.draw_heat(ax, share, x=(-2.5, 0), y=(-4, 0), limits=(0, 1), label=label,
                        xlabel="log₁₀ learning rate", ylabel="bias at birth")

show(two_ways_to_die, panels=2)

# %%
sealed = dead_at_birth[1, :, :, 0] == 1         # (3, 9): layer 2 is born silent as a whole
moved = (dead_after - dead_at_birth).abs().amax((0, 3))     # (3, 9): by any rate
highest = [biases[own].max().item() for own in sealed]
claim("C2.06", f"where layer 2 is born silent (biases of {highest} and below, by seed), no rate "
      "changes a unit; elsewhere some do", moved[sealed].max() == 0 < moved[~sealed].min(),
      unless=mapped)
killed, ordinary = dead_after.mean(0)[:, 6:, -1], dead_after.mean(0)[:, -1, :4]
claim("C2.06", f"150 steps of SGD at a rate of 1 leave at least {killed.min():.0%} dead for biases "
      f"of -1 to 0; small steps and biases of 0 at most {ordinary.max():.0%}",
      killed.min() > 0.6 and ordinary.max() < 0.2, unless=mapped, only=("rate", "optimizer"))

# %% [markdown]
# Bright means dead on the left, and learned on the right. At the bottom the net is born dead and no step changes a
# unit: one silent layer is enough. At the right edge the step kills. In between, around −1.5, larger steps seem to
# *revive*. But a larger step also travels further in 150 steps. Here is the control, a smaller step with ten times as
# many of them.

# %%
journeys = {}
for rate, steps in ((0.003, 150), (0.003, 1500), (0.03, 150)):
    nets = [born_with(-1.5, seed) for seed in seeds]
    runs = [fit(net, images, y, steps=steps, lr=rate, live=False) for net in nets]
    shares = [dead(net).double().mean().item() for net in nets]
    journeys[f"{rate}, {steps} steps"] = [run.accuracy for run in runs] + shares
heads = [f"{what}, seed {seed}" for what in ("right", "dead") for seed in seeds]
table({"rate": list(journeys)} | dict(zip(heads, zip(*journeys.values()))), form="{:.0%}")

# %%
short, long, far = (torch.tensor(row).view(2, 3).mean(1) for row in journeys.values())
claim("C2.06", f"biases of -1.5, mean of seeds 0 to 2: {short[0]:.0%} right and {short[1]:.0%} "
      f"dead after 150 steps of SGD at a rate of 0.003, {long[0]:.0%} and {long[1]:.0%} after "
      f"1,500; {far[0]:.0%} and {far[1]:.0%} after 150 steps at 0.03",
      short[0] < 0.4 and 0.6 < far[0] < long[0] and max(long[1], far[1]) < short[1] - 0.05,
      only=("rate", "optimizer", "budget"))

# %% [markdown]
# ## Remedies, three nets each
#
# The lesson's two patients, with SGD and with Adam at a tenth of the rate, and with two leaks. A point is one net, the
# bar their mean.

# %%
REMEDIES = ("nothing", "a tenth of the step", "a leak of 0.01", "a leak of 0.2", "He's weights",
            "biases of 0", "batch norm")

def treated(remedy, sigma_w, bias, seed):
    sigma_w = 2**0.5 if remedy == "He's weights" else sigma_w
    norm = "batch" if remedy == "batch norm" else None
    net = MLP(3, activation="relu", sigma_w=sigma_w, norm=norm, seed=seed, dtype=torch.float32)
    if remedy.startswith("a leak"):
        net.phi = nn.ModuleList(nn.LeakyReLU(float(remedy.split()[-1])) for _ in range(3))
    for layer in net.hidden:
        nn.init.constant_(layer.bias, 0.0 if remedy == "biases of 0" else bias)
    return net

# %%
patients = {"large weights": (3.0, 0.0, 0.1), "biases −3": (2**0.5, -3.0, 0.05)}
helped, trials = {}, []
for name, optimizer in ((name, optimizer) for name in patients for optimizer in ("sgd", "adam")):
    sigma_w, bias, lr = patients[name]
    lr = lr / 10 if optimizer == "adam" else lr
    paces = dict.fromkeys(REMEDIES, lr) | {"a tenth of the step": lr / 10}
    found = helped[f"{name}, {optimizer}"] = {remedy: [] for remedy in REMEDIES}
    for seed in range(3):
        nets = {remedy: treated(remedy, sigma_w, bias, seed) for remedy in REMEDIES}
        trials.append(race(nets, images, y, steps=150, lr=paces, optimizer=optimizer, live="bar"))
        for remedy, run in trials[-1].items():
            found[remedy].append(run.accuracy)

# %%
def remedies(axes):
    for ax, (name, found) in zip(axes.flat, helped.items()):
        plots.draw_strips(ax, found, xlabel="accuracy after 150 steps", limits=(0, 1.05))
        ax.set_title(name)

show(remedies, panels=(2, 2), size=(10, 7))

# %%
sgd, adam = helped["biases −3, sgd"], helped["biases −3, adam"]
leaks = sgd["a leak of 0.2"] + adam["a leak of 0.01"] + adam["a leak of 0.2"]
claim("C2.06", "150 steps of SGD at a rate of 0.05, biases of -3: a leak of 0.01 does not help, "
      "one of 0.2 does; with Adam (0.005) both do", max(sgd["a leak of 0.01"]) < 0.2 and
      min(leaks) > 0.8, unless=trials, only=("rate", "optimizer", "budget"))
he, unbiased = (sgd[remedy] + adam[remedy] for remedy in ("He's weights", "biases of 0"))
claim("C2.06", "biases of -3: He's weights do nothing, deleting the biases does all, with either "
      "optimizer", max(he) < 0.2 and min(unbiased) > 0.9, unless=trials)
sgd, adam = helped["large weights, sgd"], helped["large weights, adam"]
sick = sgd["nothing"] + sgd["a leak of 0.01"] + sgd["a leak of 0.2"]
claim("C2.06", "weights too large: 150 steps of SGD at a rate of 0.1 fail, and with both leaks; a "
      "tenth of the step helps; with Adam at 0.01 nothing need be done", max(sick) < 0.5 and
      min(sgd["a tenth of the step"] + adam["nothing"]) > 0.9, unless=trials,
      only=("rate", "optimizer", "budget"))

# %% [markdown]
# Why does a leak make the first patient worse? Below, its three nets have no leak, a leak of 0.01 and one of 0.2, at the
# same rate and at a third of it.

# %%
watched, ends = {}, {}
for rate in (0.1, 0.033):
    for remedy in ("nothing", "a leak of 0.01", "a leak of 0.2"):
        nets = {f"seed {seed}": treated(remedy, 3.0, 0.0, seed) for seed in range(3)}
        runs = watched[rate, remedy] = race(nets, images, y, steps=150, lr=rate, live="bar")
        ends[rate, remedy] = [f"explodes, step {run.steps}" if run.diverged else
                              f"{dead(net).double().mean():.0%} dead, {run.accuracy:.0%} right"
                              for net, run in zip(nets.values(), runs.values())]
columns = dict(zip(("rate", "remedy"), zip(*ends)))
table(columns | dict(zip(("seed 0", "seed 1", "seed 2"), zip(*ends.values()))))

# %%
large = {remedy: runs for (rate, remedy), runs in watched.items() if rate == 0.1}
without, *leaks = ([run.diverged for run in runs.values()] for runs in large.values())
claim("C2.06", "weights too large, SGD at a rate of 0.1: within 150 steps all six nets with a leak "
      "explode, and none of the three without", all(leaks[0] + leaks[1]) and not any(without),
      unless=list(watched.values()), only=("rate", "optimizer"))

# %% [markdown]
# Without a leak the large step kills units, and what is dead grows no further. With a leak no unit is ever cut off, so
# nothing stops the growth. At a third of the rate two nets of three learn without help, though many of their units are
# dead, and the thick leak still makes them explode.
#
# ## One more patient
#
# Its owner wanted sparse activations, and helped a little. As in the lesson: your diagnosis in the place of the dots, and
# then your treatment.

# %%
diagnosis = ...
display(clinic.name_disease(chapter02.SECOND_PATIENT, diagnosis))
clinic.chart(chapter02.SECOND_PATIENT, "gradient", "mean of z", "std of a", "dead")

# %%
prescription = ...
clinic.treat(chapter02.SECOND_PATIENT, prescription)

# %% [markdown]
# ## PyTorch's default, to the letter
#
# `nn.Linear` calls `kaiming_uniform_(weight, a=math.sqrt(5))`. The gain for a leak $a$ is $\sqrt{2/(1+a^2)} =
# \sqrt{1/3}$, so the bound is $\sqrt3\,\sqrt{1/3}/\sqrt n = 1/\sqrt n$, and the biases are drawn from the same
# interval. The number $\sqrt5$ was chosen to give what Lua Torch gave before.

# %%
torch.manual_seed(0)
layer = nn.Linear(400, 4000)
variance, gain = 400 * layer.weight.var(), nn.init.calculate_gain("leaky_relu", 5**0.5)
weight, bias = (20 * p.abs().max() for p in (layer.weight, layer.bias))
claim("C2.02", f"nn.Linear: n Var w = {variance:.4f}, largest weight √n = {weight:.4f}, largest "
      f"bias √n = {bias:.3f}; gain² = {gain**2:.4f}", abs(variance - 1 / 3) < 0.002 and
      0.99 < min(weight, bias) and max(weight, bias) <= 1.0001 and abs(gain**2 - 1 / 3) < 1e-9)
z_deep = MLP(10, activation="relu", init="torch").signals(x)[0][5]      # layer 6: (1437, 64)
differs = (z_deep.var(0).mean() / z_deep.square().mean()).item()
claim("C2.05", f"in layer 6 of ten {differs:.1%} of z's mean square differ between digits; the "
      "rest is biases", differs < 0.02)

# %% [markdown]
# A popular and otherwise careful tutorial counts dead units in *untrained* nets, finds more than half of a layer dead
# in a net of ten, and takes it for an effect of depth. The lesson shows that three quarters of it are the biases.
#
# ## When to use what: a quiz
#
# ReLU is for hidden layers. Not everything is a hidden layer:

# %%
print(quiz.sheet(chapter02.QUIZ))

# %%
answers = {"hidden": ..., "probability": ..., "temperature": ..., "gate": ..., "state": ...}
quiz.grade(chapter02.QUIZ, answers)

# %% [markdown]
# Two of the reasons in numbers: a state that is fed back a hundred times with the weight 1.1, and an output that wrongly
# says "no" ($z = -3$ where the answer is "yes").

# %% tags=["nbval-check-output"]
state = {"relu": torch.tensor(1.0), "tanh": torch.tensor(1.0)}
for _ in range(100):
    state = {"relu": F.relu(1.1 * state["relu"]), "tanh": torch.tanh(1.1 * state["tanh"])}
z_out = torch.tensor(-3.0, requires_grad=True)
cost = F.binary_cross_entropy_with_logits(z_out, torch.tensor(1.0))
(sigmoid_says,) = torch.autograd.grad(cost, z_out)
(relu_says,) = torch.autograd.grad((F.relu(z_out) - 1) ** 2, z_out)
claim("C2.10", f"a state after 100 steps: relu {state['relu']:.0f}, tanh {state['tanh']:.2f}",
      abs(state["relu"] / 1.1**100 - 1) < 0.01 and state["tanh"] < 1)
claim("C2.10", f"the gradient of a wrong output: sigmoid with cross-entropy {sigmoid_says:.2f}, "
      f"relu with squared error {abs(relu_says):.0f}", sigmoid_says < -0.9 and relu_says == 0)

# %% [markdown]
# ## History
#
# Fukushima used the rectifier in 1969. In 2010 Nair and Hinton brought it into restricted Boltzmann machines. In 2011
# Glorot, Bordes and Bengio trained deep supervised nets with it and praised its sparsity. In 2012 came **AlexNet**: 8
# weight layers, ReLU and dropout, a top-5 error of 15.3 % on ImageNet where the next best had 26.2 %. (The 15.3 % are
# an ensemble's. Its authors set many biases to $+1$, so that the units would begin alive.) The timeline of the whole
# field is in the [evidence of chapter 1](01_saturation.ipynb).

# %%
years = {year: " ".join(text for when, _, text in timeline.EVENTS if when == year)
         for year in (1969, 2010, 2011, 2012)}
claim("C2.08", "the timeline has the rectifier in 1969, and ReLU in 2010 and 2011",
      "Fukushima" in years[1969] and "Nair" in years[2010] and "Bordes" in years[2011])
claim("C2.09", "and AlexNet in 2012", "AlexNet" in years[2012])

# %% [markdown]
# ## Sources
#
# - Fukushima 1969, *Visual feature extraction by a multilayered network of analog threshold elements*, IEEE
#   Transactions on Systems Science and Cybernetics 5(4)
# - Nair, Hinton 2010, *Rectified linear units improve restricted Boltzmann machines*, ICML
# - Glorot, Bordes, Bengio 2011, *Deep sparse rectifier neural networks*, AISTATS
# - Krizhevsky, Sutskever, Hinton 2012, *ImageNet classification with deep convolutional neural networks*, NeurIPS
# - Maas, Hannun, Ng 2013, *Rectifier nonlinearities improve neural network acoustic models*, ICML workshop
# - He, Zhang, Ren, Sun 2015, *Delving deep into rectifiers*, ICCV
# - Ioffe, Szegedy 2015, *Batch normalization*, ICML
# - Lippe, *UvA deep learning tutorials*, 3: Activation functions (dead units of untrained and of trained nets)
