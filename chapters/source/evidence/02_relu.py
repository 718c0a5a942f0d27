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
from utils import MLP, Stack, chapter02, claim, datasets, explore, fit, meanfield, measure, plots, quiz, race, show
from utils import table, timeline

# %%
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()        # x is (1437, 64): a row for each digit

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
# | "Use a leak of 0.01 against dead units" | with Adam it helps, with SGD it is too thin | Remedies, three nets each |
# | "ReLU is from 2010" | Fukushima used it in 1969 | History |

# %% [markdown]
# ## The kink
#
# At exactly 0 ReLU has no slope. Here are three ways to write the same function, and the slopes that autograd gives them.

# %% tags=["nbval-check-output"]
z = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
ways = {"F.relu(z)": F.relu(z), "torch.maximum(z, 0)": torch.maximum(z, torch.zeros(3)), "z.clamp(min=0)": z.clamp(min=0)}
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
claim("C2.02", "for one digit twenty ReLU layers are one matrix: the weights, with the rows of what is silent struck out",
      torch.allclose(jacobian @ digit, net(digit)))

# %% [markdown]
# The slopes leave what passes unchanged. Its size comes from the weights. There are two gradients in use: that of the
# pre-activations, which the lesson's pictures show, and that of the *weights*, which a step uses. By $\partial
# C/\partial W^l = \delta^l (a^{l-1})^\top$ it takes its size from the layer below as well, so it falls by a decade
# less: layer 1 is fed with pixels, and the last layer with what little has arrived.

# %%
left = {}
for init in ("torch", "he"):
    found = [measure(MLP(20, activation="relu", init=init, seed=seed), x[:128], y[:128]) for seed in range(5)]
    for name, norms in (("z", [m.delta_norm for m in found]), ("W", [m.weight_gradient_norm for m in found])):
        left[init, name] = torch.stack([norm[0] / norm[-1] for norm in norms])
for kind, ratios in left.items():
    print(kind, "first/last in five nets:", *(f"{ratio:.1e}" for ratio in ratios))
expected = (1 / 6) ** (20 / 2)                  # chi = 1/6, through twenty layers
errors, weights = left["torch", "z"], left["torch", "W"]
claim("C2.02", f"PyTorch's weights: theory {expected:.1e}, measured {errors.min():.1e} to {errors.max():.1e}; of the weights' "
      f"gradient {weights.min():.0e} to {weights.max():.0e} is left",
      0.2 < errors.min() / expected < errors.max() / expected < 5 and 1e-7 < weights.min() < weights.max() < 1e-6)
both = torch.cat([left["he", "z"], left["he", "W"]])
claim("C2.02", f"He's: all ten ratios lie between {both.min():.1f} and {both.max():.1f}", 0.2 < both.min() < both.max() < 5)

# %% [markdown]
# ## Half of what?
#
# The mean square halves for every symmetric shape. The mean of $0.399\sqrt q$ and the variance of $0.341\,q$ are those
# of a Gaussian.

# %%
numbers = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
for q in (0.01, 100.0):
    a = (q**0.5 * numbers).clamp(min=0)
    square, mean, variance = a.square().mean() / q, a.mean() / q**0.5, a.var() / q
    claim("C2.03", f"q = {q}: mean square {square:.3f} q, mean {mean:.4f} √q, variance {variance:.4f} q",
          abs(square - 0.5) < 0.002 and abs(mean - 0.3989) < 0.001 and abs(variance - 0.3408) < 0.002)

# %% [markdown]
# ## How level is one net?
#
# $\chi = \sigma_w^2/2$ does not contain $q$: doubling $z$ doubles $\phi(z)$. That of tanh shrinks when its inputs grow.
# And the signal is multiplied by the same factor on its way forward. So nothing bounds it, and at $\sigma_w^2 = 4$ it
# explodes.

# %%
small, large = (meanfield.chi("relu", q, sigma_w=2**0.5) for q in (1e-6, 1e6))
tanh = [meanfield.chi("tanh", q, sigma_w=2**0.5) for q in (1e-6, 1e3)]
claim("C2.07", f"chi of ReLU at q = 1e-6 and 1e6: {small:.4f}, {large:.4f}; of tanh at 1e-6 and 1e3: {tanh[0]:.3f}, "
      f"{tanh[1]:.3f}",
      abs(small - 1) < 1e-6 and abs(large - 1) < 1e-6 and tanh[0] > 1.9 and tanh[1] < 0.1)

def signal(ax):
    curves = {}
    for variance in (1, 2, 4):
        m = measure(MLP(20, activation="relu", sigma_w=variance**0.5), x[:128], y[:128])
        curves[f"variance {variance}/n"] = m.pre_std**2 + m.pre_mean**2
    plots.draw_lines(ax, curves, xlabel="layer", ylabel="mean square of z", log=True)

show(signal)
growth = []
for seed in range(5):
    m = measure(MLP(20, activation="relu", sigma_w=2.0, seed=seed), x[:128], y[:128])
    growth.append((m.pre_std**2 + m.pre_mean**2)[[0, -1]].log().diff().div(20).exp().item())
claim("C2.07", f"forwards, variance 4/n: the mean square of z doubles in each layer ({min(growth):.2f} to "
      f"{max(growth):.2f} in five nets)", 1.7 < min(growth) < max(growth) < 2.3)

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

narrow, wide = (mean_square(40, nets, width) / mean_square(1, nets, width) for nets, width in ((100, 64), (10, 256)))
claim("C2.07", f"100 nets of width 64: mean {narrow.mean():.2f}, median {narrow.median():.2f}, from {narrow.min():.3f} to "
      f"{narrow.max():.0f}; lower than at the start in {(narrow < 1).double().mean():.0%} of them",
      0.3 < narrow.mean() < 3 and narrow.median() < 0.5)
claim("C2.07", f"width 256 drifts less: {wide.log10().std():.2f} decades instead of {narrow.log10().std():.2f}",
      wide.log10().std() < 0.75 * narrow.log10().std())

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

images, tries, learned = x.float(), [], {}
for optimizer, rates in (("sgd", (0.003, 0.01)), ("adam", (0.0003, 0.001))):
    for rate in rates:
        tries.append(race(four_nets(), images, y, steps=200, lr=rate, optimizer=optimizer, live="bar"))
        learned[f"{optimizer} {rate}"] = {name: run.accuracy for name, run in tries[-1].items()}
table({"net": list(four_nets())} | {name: list(found.values()) for name, found in learned.items()}, form="{:.0%}")

# %%
he = [found["relu, he"] for found in learned.values()]
others = [share for found in learned.values() for net, share in found.items() if net != "relu, he"]
claim("C2.02", f"within 200 steps of SGD or Adam, at rates of 0.0003 to 0.01: ReLU with He's weights learns ({min(he):.0%} "
      "or more)",
      min(he) > 0.6, unless=tries, only=("rate",))
claim("C2.10", f"and the three others do not within 200 steps at rates of 0.0003 to 0.01 ({max(others):.0%} or less)",
      max(others) < 0.25, unless=tries, only=("rate", "budget"))

def has_left(net):
    return F.cross_entropy(net(images[:256]), y[:256]) < 1.5

patient_nets = {f"seed {seed}": MLP(20, activation="relu", init="torch", seed=seed, dtype=torch.float32) for seed in range(3)}
escapes = race(patient_nets, images, y, steps=1000, lr=0.001, optimizer="adam", until=has_left, live="bar")
steps = [run.steps for run in escapes.values()]
claim("C2.02", f"PyTorch's weights, Adam (rate 0.001), seeds 0 to 2: after {steps} steps of 1,000 at most; most leave the plateau",
      200 < min(steps) and sum(run.reached for run in escapes.values()) >= 2, unless=escapes, only=("rate", "seed"))

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
    net, by_class = MLP(20, activation="relu", init="he"), y[:100].argsort()
    z, _ = net.signals(x[:100][by_class])
    for ax, l in zip(axes, (1, layer)):
        on = z[l - 1] > 0                       # (100, 64)
        plots.draw_heat(ax, on.T, x=(1, 100), y=(1, 64), limits=(0, 1), xlabel="digit, from zeros to nines", ylabel="unit",
                        label="1 = on")
        ax.set_title(f"layer {l}")
    never, always = (~on).all(0).sum(), on.all(0).sum()
    return f"Layer {layer}: {(~on).double().mean():.0%} is off; {never} of 64 units for all 100 digits; {always} are always on."

explore(pattern, panels=2, layer=(1, 20))

# %%
zeros, alike, unlike = [], [], []
same_class, itself = y[:300, None] == y[None, :300], torch.eye(300, dtype=torch.bool)
for seed in range(5):
    _, a = MLP(20, activation="relu", init="he", seed=seed).signals(x[:300])
    zeros.append(torch.stack([(layer == 0).double().mean() for layer in a[1:]]).mean().item())
    on = (a[1] > 0).double()                                             # layer 1: (300, 64)
    shared = (on @ on.T + (1 - on) @ (1 - on).T) / 64                    # share of units that agree
    alike.append(shared[same_class & ~itself].mean().item())
    unlike.append(shared[~same_class].mean().item())
claim("C2.04", f"share of zeros in five nets: {min(zeros):.2f} to {max(zeros):.2f}; layer 1 has "
      f"{len(on.unique(dim=0))} patterns for 300 digits", 0.45 < min(zeros) < max(zeros) < 0.55 and len(on.unique(dim=0)) > 290)
claim("C2.04", f"two digits of one class agree in {min(alike):.0%} of the units or more, others in {max(unlike):.0%} or less",
      min(alike) > max(unlike) + 0.03)

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
rates, shares, trained = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5), {"SGD": [], "Adam": []}, []
for name, factor in (("SGD", 1.0), ("Adam", 0.1)):
    for rate in rates:
        nets = {f"seed {seed}": MLP(3, activation="relu", init="he", seed=seed, dtype=torch.float32) for seed in range(3)}
        trained.append(race(nets, images, y, steps=200, lr=factor * rate, optimizer=name.lower(), live="bar"))
        shares[name].append(torch.stack([dead(net).double().mean() for net in nets.values()]))
shares = {name: torch.stack(found) for name, found in shares.items()}    # (rates, seeds)

def by_rate(ax):
    curves = {"SGD": shares["SGD"].mean(1), "Adam, at a tenth of the rate": shares["Adam"].mean(1)}
    plots.draw_lines(ax, curves, rates, xlabel="learning rate", ylabel="dead share", limits=(0, 1))
    ax.set_xticks(rates)

show(by_rate)
claim("C2.05", f"200 steps of SGD, three nets: at most {shares['SGD'][:2].max():.0%} dead at rates of 0.02 and 0.05, at least "
      f"{shares['SGD'][4:].min():.0%} at 0.3 and 0.5", shares["SGD"][:2].max() < 0.1 and shares["SGD"][4:].min() > 0.5,
      unless=trained, only=("rate", "optimizer"))

# %% [markdown]
# ## Coming back
#
# Six nets at a rate of 0.3: the dead share of each layer over time, and how often a unit came back.

# %%
@torch.no_grad()
def dead_by_layer(net):
    return dead(net).double().mean(1)

victims = {f"seed {seed}": MLP(3, activation="relu", init="he", seed=seed) for seed in range(6)}
deaths = race(victims, x, y, steps=200, lr=0.3, every=4, record={"dead": dead_by_layer}, live="bar")

def census_over_time(axes):
    steps = max((run.recorded_steps for run in deaths.values()), key=len)
    for l, ax in enumerate(axes):
        curves = [run.recorded["dead"][:, l] for run in deaths.values()]
        plots.draw_bundle(ax, curves, steps, xlabel="step", ylabel="dead share", limits=(0, 1.05))
        ax.set_title(f"layer {l + 1}")

show(census_over_time, panels=3, size=(10, 3.6))
census = torch.stack([run.recorded["dead"].mean(1)[[0, -1]] for run in deaths.values()])                 # (6, 2)
back = sum(64 * (-run.recorded["dead"].diff(dim=0)).clamp(min=0).sum(0) for run in deaths.values())      # (3,)
claim("C2.05", f"200 steps of SGD at a rate of 0.3: {census[:, 0].max():.0%} dead before at most, {census[:, 1].min():.0%} "
      "after at least",
      census[:, 0].max() < 0.1 and census[:, 1].min() > 0.5, unless=deaths, only=("rate", "optimizer"))
claim("C2.05", f"returns to life in six nets, 200 steps of SGD at a rate of 0.3, by layer: {back.int().tolist()}",
      10 * back[0] < back[1:].min(), unless=deaths, only=("rate", "optimizer"))

# %%
def revived(seed, frozen):
    net = MLP(3, activation="relu", init="he", seed=seed)
    net.hidden[2].bias.data[:16] = -5.0
    before = dead(net)[2]
    for layer in net.hidden[:2]:
        layer.requires_grad_(not frozen)
    fit(net, x, y, steps=100, lr=0.05, live=False)
    return before.sum().item(), (before & ~dead(net)[2]).sum().item()

over_frozen, over_free = ([revived(seed, frozen) for seed in range(3)] for frozen in (True, False))
claim("C2.05", f"(dead, revived) in three nets: {over_frozen} over frozen layers, {over_free} over free ones",
      max(count for _, count in over_frozen) == 0 < min(count for _, count in over_free))

# %% [markdown]
# ## Two ways to die
#
# A step too large, and a bias too negative, both at once: nine rates times nine biases times three seeds are 243 small
# nets of two layers, trained together. (`Stack` computes them as one. A net's loss is weighted with its rate, which
# comes to the same as a step of that length.) The pictures show the mean of three seeds.

# %%
biases, powers, seeds = torch.linspace(-4, 0, 9), torch.linspace(-2.5, 0, 9), 3

def born_with(bias, seed):
    net = MLP(2, width=32, activation="relu", init="he", seed=seed, dtype=torch.float32)
    for layer in net.hidden:
        nn.init.constant_(layer.bias, bias)
    return net

lengths = (10**powers).repeat(seeds * 9)                                 # (243,) learning rates
stack = Stack(born_with(bias.item(), seed) for seed in range(seeds) for bias in biases for _ in powers)

def weighted_loss(logits, labels):                                       # logits (243, 64, 10), labels (64,)
    losses = torch.stack([F.cross_entropy(own, labels) for own in logits])
    return (lengths * losses).sum() / lengths.sum()

@torch.no_grad()
def dead_and_right():
    *hidden, logits = stack.signals(images[:600])[0]                     # two of (243, 600, 32), then (243, 600, 10)
    silent = torch.stack([(z <= 0).all(1).float().mean(1) for z in hidden])
    return silent.view(2, seeds, 9, 9), (logits.argmax(2) == y[:600]).float().mean(1).view(seeds, 9, 9)

dead_at_birth, _ = dead_and_right()
mapped = fit(stack, images[:600], y[:600], steps=150, lr=lengths.sum().item(), loss_fn=weighted_loss, live="bar")
dead_after, right = dead_and_right()

# %%
def two_ways_to_die(axes):
    for ax, share, label in zip(axes, (dead_after.mean((0, 1)), right.mean(0)), ("dead share", "accuracy")):
        plots.draw_heat(ax, share, x=(-2.5, 0), y=(-4, 0), limits=(0, 1), label=label, xlabel="log₁₀ learning rate",
                        ylabel="bias at birth")

show(two_ways_to_die, panels=2)
sealed = dead_at_birth[1, :, :, 0] == 1                                  # (3, 9): layer 2 is born silent as a whole
moved = (dead_after - dead_at_birth).abs().amax((0, 3))                  # (3, 9): by any rate
highest = [biases[own].max().item() for own in sealed]
claim("C2.06", f"where layer 2 is born silent (biases of {highest} and below, by seed), no rate changes a unit; elsewhere some do",
      moved[sealed].max() == 0 < moved[~sealed].min(), unless=mapped)
killed, ordinary = dead_after.mean(0)[:, 6:, -1], dead_after.mean(0)[:, -1, :4]
claim("C2.06", f"150 steps of SGD at a rate of 1 leave at least {killed.min():.0%} dead for biases of -1 to 0; small steps and "
      f"biases of 0 at most {ordinary.max():.0%}", killed.min() > 0.6 and ordinary.max() < 0.2, unless=mapped,
      only=("rate", "optimizer"))

# %% [markdown]
# Bright means dead on the left, and learned on the right. At the bottom the net is born dead and no step changes a
# unit: one silent layer is enough. At the right edge the step kills. In between, around −1.5, larger steps seem to
# *revive*. But a larger step also travels further in 150 steps. Here is the control, a smaller step with ten times as
# many of them.

# %%
journeys = {}
for rate, steps in ((0.003, 150), (0.003, 1500), (0.03, 150)):
    nets = [born_with(-1.5, seed) for seed in range(3)]
    journeys[f"{rate}, {steps} steps"] = [fit(net, images, y, steps=steps, lr=rate, live=False).accuracy for net in nets] + [
        dead(net).double().mean().item() for net in nets]
table({"rate": list(journeys)} | {head: [row[i] for row in journeys.values()] for i, head in enumerate(
    [f"{what}, seed {seed}" for what in ("right", "dead") for seed in range(3)])}, form="{:.0%}")

# %%
short, long, far = (torch.tensor(row).view(2, 3).mean(1) for row in journeys.values())
claim("C2.06", f"biases of -1.5, mean of seeds 0 to 2: {short[0]:.0%} right and {short[1]:.0%} dead after 150 steps of SGD at a "
      f"rate of 0.003, {long[0]:.0%} and {long[1]:.0%} after 1,500; {far[0]:.0%} and {far[1]:.0%} after 150 steps at 0.03",
      short[0] < 0.4 and 0.6 < far[0] < long[0] and max(long[1], far[1]) < short[1] - 0.05,
      only=("rate", "optimizer", "budget"))

# %% [markdown]
# ## Remedies, three nets each
#
# The lesson's two patients, with SGD and with Adam at a tenth of the rate, and with two leaks. A point is one net, the
# bar their mean.

# %%
REMEDIES = ("nothing", "a tenth of the step", "a leak of 0.01", "a leak of 0.2", "He's weights", "biases of 0", "batch norm")

def treated(remedy, sigma_w, bias, seed):
    if remedy == "He's weights":
        sigma_w = 2**0.5
    norm = "batch" if remedy == "batch norm" else None
    net = MLP(3, activation="relu", sigma_w=sigma_w, norm=norm, seed=seed, dtype=torch.float32)
    if remedy.startswith("a leak"):
        net.phi = nn.ModuleList(nn.LeakyReLU(float(remedy.split()[-1])) for _ in range(3))
    for layer in net.hidden:
        nn.init.constant_(layer.bias, 0.0 if remedy == "biases of 0" else bias)
    return net

patients, helped, trials = {"large weights": (3.0, 0.0, 0.1), "biases −3": (2**0.5, -3.0, 0.05)}, {}, []
for name, (sigma_w, bias, rate) in patients.items():
    for optimizer, lr in (("sgd", rate), ("adam", rate / 10)):
        found = helped[f"{name}, {optimizer}"] = {remedy: [] for remedy in REMEDIES}
        for seed in range(3):
            nets = {remedy: treated(remedy, sigma_w, bias, seed) for remedy in REMEDIES}
            rates_of = dict.fromkeys(REMEDIES, lr) | {"a tenth of the step": lr / 10}
            trials.append(race(nets, images, y, steps=150, lr=rates_of, optimizer=optimizer, live="bar"))
            for remedy, run in trials[-1].items():
                found[remedy].append(run.accuracy)

# %%
def remedies(axes):
    for ax, (name, found) in zip(axes.flat, helped.items()):
        plots.draw_strips(ax, found, xlabel="accuracy after 150 steps", limits=(0, 1.05))
        ax.set_title(name)

show(remedies, panels=(2, 2), size=(10, 7))
sgd, adam = helped["biases −3, sgd"], helped["biases −3, adam"]
leaks = sgd["a leak of 0.2"] + adam["a leak of 0.01"] + adam["a leak of 0.2"]
claim("C2.06", "150 steps of SGD at a rate of 0.05, biases of -3: a leak of 0.01 does not help, one of 0.2 does; with Adam (0.005) "
      "both do", max(sgd["a leak of 0.01"]) < 0.2 and min(leaks) > 0.8, unless=trials, only=("rate", "optimizer", "budget"))
claim("C2.06", "biases of -3: He's weights do nothing, deleting the biases does all, with either optimizer",
      max(sgd["He's weights"] + adam["He's weights"]) < 0.2 and min(sgd["biases of 0"] + adam["biases of 0"]) > 0.9,
      unless=trials)
sgd, adam = helped["large weights, sgd"], helped["large weights, adam"]
claim("C2.06", "weights too large: 150 steps of SGD at a rate of 0.1 fail, and with both leaks; a tenth of the step helps; with "
      "Adam at 0.01 nothing need be done", max(sgd["nothing"] + sgd["a leak of 0.01"] + sgd["a leak of 0.2"]) < 0.5 and
      min(sgd["a tenth of the step"] + adam["nothing"]) > 0.9, unless=trials, only=("rate", "optimizer", "budget"))

# %% [markdown]
# Why does a leak make the first patient worse? Below, its three nets have no leak, a leak of 0.01 and one of 0.2, at the
# same rate and at a third of it.

# %%
ends, watched = [], []
for rate in (0.1, 0.033):
    for remedy in ("nothing", "a leak of 0.01", "a leak of 0.2"):
        nets = {f"seed {seed}": treated(remedy, 3.0, 0.0, seed) for seed in range(3)}
        watched.append(race(nets, images, y, steps=150, lr=rate, live="bar"))
        ends.append([f"explodes, step {run.steps}" if run.diverged else
                     f"{dead(net).double().mean():.0%} dead, {run.accuracy:.0%} right"
                     for net, run in zip(nets.values(), watched[-1].values())])
table({"rate": [0.1] * 3 + [0.033] * 3, "remedy": ["nothing", "a leak of 0.01", "a leak of 0.2"] * 2}
      | {f"seed {seed}": [row[seed] for row in ends] for seed in range(3)})

# %%
without, *leaks = ([run.diverged for run in runs.values()] for runs in watched[:3])
claim("C2.06", "weights too large, SGD at a rate of 0.1: within 150 steps all six nets with a leak explode, and none of the three "
      "without", all(leaks[0] + leaks[1]) and not any(without), unless=watched, only=("rate", "optimizer"))

# %% [markdown]
# Without a leak the large step kills units, and what is dead grows no further. With a leak no unit is ever cut off, so
# nothing stops the growth. At a third of the rate two nets of three learn without help, though many of their units are
# dead, and the thick leak still makes them explode.
#
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
claim("C2.02", f"nn.Linear: n Var w = {variance:.4f}, largest weight √n = {weight:.4f}, largest bias √n = {bias:.3f}; gain² = "
      f"{gain**2:.4f}", abs(variance - 1 / 3) < 0.002 and 0.99 < min(weight, bias) and max(weight, bias) <= 1.0001 and
      abs(gain**2 - 1 / 3) < 1e-9)
z_deep = MLP(10, activation="relu", init="torch").signals(x)[0][5]       # layer 6: (1437, 64)
differs = (z_deep.var(0).mean() / z_deep.square().mean()).item()
claim("C2.05", f"in layer 6 of ten {differs:.1%} of z's mean square differ between digits; the rest is biases", differs < 0.02)

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
(sigmoid_says,) = torch.autograd.grad(F.binary_cross_entropy_with_logits(z_out, torch.tensor(1.0)), z_out)
(relu_says,) = torch.autograd.grad((F.relu(z_out) - 1) ** 2, z_out)
claim("C2.10", f"a state after 100 steps: relu {state['relu']:.0f}, tanh {state['tanh']:.2f}",
      abs(state["relu"] / 1.1**100 - 1) < 0.01 and state["tanh"] < 1)
claim("C2.10", f"the gradient of a wrong output: sigmoid with cross-entropy {sigmoid_says:.2f}, relu with squared error "
      f"{abs(relu_says):.0f}", sigmoid_says < -0.9 and relu_says == 0)

# %% [markdown]
# ## History
#
# Fukushima used the rectifier in 1969. In 2010 Nair and Hinton brought it into restricted Boltzmann machines. In 2011
# Glorot, Bordes and Bengio trained deep supervised nets with it and praised its sparsity. In 2012 came **AlexNet**: 8
# weight layers, ReLU and dropout, a top-5 error of 15.3 % on ImageNet where the next best had 26.2 %. (The 15.3 % are
# an ensemble's. Its authors set many biases to $+1$, so that the units would begin alive.) The timeline of the whole
# field is in the [evidence of chapter 1](01_saturation.ipynb).

# %%
years = {year: [text for when, _, text in timeline.EVENTS if when == year] for year in (1969, 2010, 2011, 2012)}
claim("C2.08", "the timeline has the rectifier in 1969, and ReLU in 2010 and 2011",
      any("Fukushima" in text for text in years[1969]) and any("Nair" in text for text in years[2010]) and
      any("Bordes" in text for text in years[2011]))
claim("C2.09", "and AlexNet in 2012", any("AlexNet" in text for text in years[2012]))

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
