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
# # 1 · Saturation: the evidence
#
# The [lesson](../01_saturation.ipynb) tells one story. Here stands what it left out: what popular sources say about
# vanishing gradients and whether it is so, how small a number may become, where else the disease lives, and its history.
# The sections do not depend on each other; run the next two cells, and then any of them.

# %%
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, activations, claim, datasets, explore, fit, meanfield, measure, plots
from utils import race, show, table, timeline

# %%
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()        # x is (1437, 64): a row for each digit

def share_left(net, loss_fn=F.cross_entropy):
    """First layer's gradient norm over the readout's."""
    delta = measure(net, x[:128], y[:128], loss_fn).delta_norm
    return (delta[0] / delta[-1]).item()

# %% [markdown]
# ## What you may have read
#
# | you may read | and it is | shown in |
# |---|---|---|
# | "Ten layers have ten factors" | nine, between the errors of ten layers | Counting the factors |
# | "A typical slope of a sigmoid is 0.2" | right while $z$ has unit spread | The mean slope |
# | "The slope of tanh is always below 1" | it is 1 at $z = 0$ | The mean slope |
# | "Each sigmoid layer shrinks the gradient fourfold, regardless of the weights" | wrong: large weights can make it grow | A quarter, regardless of the weights? |
# | "Sigmoid nets fail beyond 5 to 7 layers" | there is no such depth; the wait grows | Five layers, and more |
# | "The gradient vanishes because most units are saturated" | not at Xavier's weights | Saturated, and learning |
# | "The first layers stay random, so they are useless" | a readout sees 94 % through eight of them | What random layers let through |
# | "Cross-entropy cures it" | at the output alone | The loss cannot save the inside |
# | "An update ratio below $10^{-3}$ means that the layer is stuck" | it is the target, not the alarm | The lesson: four instruments |
# | "The gradient is the product of the slopes: one dead factor kills it" | it is a sum over all paths | A sum over paths |
# | "$0.25^{49}$ underflows to zero" | in 16 bits only | How small is zero? |
# | "Activation, initialization and depth are independent causes" | they are factors of one product | Three causes, one product |
# | "Pooling layers shorten the gradient's way" | each adds a factor | Where else it lives |

# %% [markdown]
# ## Counting the factors
#
# $L$ weight layers have $L$ errors $\delta^1, \dots, \delta^L$, and from one to the next leads one *Jacobian*, the matrix
# of derivatives of a layer's outputs by its inputs: $L-1$ of them. Here they are, multiplied for one digit.

# %%
net, L = MLP(5, sigma_w=1.0), 6
z, a = net.signals(x[:32])
W = [layer.weight for layer in (*net.hidden, net.readout)]
delta = torch.autograd.grad(F.cross_entropy(z[-1], y[:32]), z)
product, jacobians = torch.eye(64, dtype=torch.float64), 0
for l in range(1, L):
    D = torch.diag(a[l][0] * (1 - a[l][0]))     # the slopes of layer l, for digit 0
    product, jacobians = W[l] @ D @ product, jacobians + 1
assert torch.allclose(delta[-1][0] @ product, delta[0][0])
claim("C1.03", f"{L} weight layers have {jacobians} Jacobians between their errors",
      jacobians == L - 1)

# %% [markdown]
# What a long product of the same number does, as often as there are layers:

# %%
factors = [0.25, 0.2, 0.9, 1.1]
powers = {f"{n} times": [factor**n for factor in factors] for n in (1, 5, 10, 20, 50)}
whispered = [0.9**people for people in (10, 20, 50)]
told = "ten people leave {:.0%}, twenty {:.0%}, fifty {:.1%}".format(*whispered)
claim("C1.24", f"the telephone game: of nine tenths a person, {told}",
      max(abs(left / told - 1) for left, told in zip(whispered, (0.35, 0.12, 0.005))) < 0.04)
ten, fifty, five = 0.25**10, 0.2**50, 1 / 0.2**5
claim("C1.02", f"ten quarters leave {ten:.2e}, fifty fifths {fifty:.2e}; five fifths cost a factor "
      f"of {five:.0f}",
      abs(ten - 9.54e-7) < 1e-9 and abs(fifty / 1.13e-35 - 1) < 0.01 and abs(five - 3125) < 0.5)
table({"factor": factors, **powers})

# %% [markdown]
# ## The mean slope
#
# By integration, and by drawing a million numbers. A variance of 501 is that of a textbook net whose 1,000 inputs have
# weights from $N(0, 1)$.

# %%
numbers = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
exact = {q: meanfield.gaussian_mean(activations.sigmoid_slope, q) for q in (1, 25, 501)}
drawn = {q: activations.sigmoid_slope(q**0.5 * numbers).mean().item() for q in exact}
both_ways = {"variance of z": list(exact), "mean slope": list(exact.values()),
             "drawn": list(drawn.values())}
assert all(abs(drawn[q] - exact[q]) < 1e-3 for q in exact)
claim("C1.05", "the sigmoid's mean slope is 0.207, 0.075 and 0.018 at variances 1, 25 and 501",
      abs(exact[1] - 0.2066) + abs(exact[25] - 0.0751) + abs(exact[501] - 0.0178) < 2e-4)
table(both_ways, form={"mean slope": "{:.4f}", "drawn": "{:.4f}"})

# %%
tanh_means = [meanfield.gaussian_mean(activations.tanh_slope, q) for q in (1, 4)]
at_zero = activations.tanh_slope(torch.tensor(0.0, dtype=torch.float64)).item()
claim("C1.06", f"the slope of tanh is 1 at 0; its mean is {tanh_means[0]:.3f} and "
      f"{tanh_means[1]:.3f} at variances 1 and 4",
      at_zero == 1.0 and abs(tanh_means[0] - 0.6057) < 1e-4 and abs(tanh_means[1] - 0.3647) < 1e-4)

line = torch.linspace(-8, 8, 1601, dtype=torch.float64, requires_grad=True)
(slope,) = torch.autograd.grad(torch.sigmoid(line).sum(), line)
steepest, line = abs(line[slope.argmax()].item()), line.detach()
claim("C1.04", f"the sigmoid's slope is at most {slope.max():.2f}, at z = {steepest:.2f}",
      abs(slope.max() - 0.25) < 1e-12 and steepest < 1e-12)
gap = (0.5 + 0.5 * torch.tanh(line / 2) - torch.sigmoid(line)).abs().max().item()
claim("C1.07", f"a sigmoid is 1/2 + tanh(z/2)/2: apart by at most {gap:.0e}", gap < 1e-12)

# %% [markdown]
# A sigmoid is a tanh, half as high and twice as wide. Each of the two halves its slope, hence the quarter. Its outputs lie
# around ½ instead of 0, which is a disturbance of its own (the lesson's last exercise, and chapter 3).
#
# ## A quarter, regardless of the weights?
#
# The true bound on what a layer does to the gradient is $\frac14 s_{\max}(W)$, a quarter of the largest singular value of
# its weights. With the weight 8, and a bias that keeps $z$ at 0, ten sigmoids make the gradient *grow*:

# %%
h = start = torch.zeros(1, requires_grad=True)
for k in range(10):
    h = torch.sigmoid(8 * h - 4 * (k > 0))
(growth,) = torch.autograd.grad(h, start)
ratios = []
for seed in range(3):
    norms = measure(MLP(10, sigma_w=1.0, seed=seed), x[:128], y[:128]).weight_gradient_norm
    ratios.append((norms[0] / norms[-1]).item())
claim("C1.08", f"with weights of 8 ten sigmoids multiply the gradient by {growth.item():.0f}; with "
      f"usual ones ten layers leave {min(ratios):.0e} to {max(ratios):.0e}",
      abs(growth.item() - 1024) < 1e-3 and 1e-8 < min(ratios) and max(ratios) < 1e-5)

# %%
wider = [share_left(MLP(30, sigma_w=size)) for size in (1.0, 3.0, 8.0)]
claim("C1.08", f"thirty sigmoid layers leave {wider[0]:.0e} at sigma_w = 1, {wider[1]:.0e} at 3, "
      f"{wider[2]:.0e} at 8",
      wider[0] < 1e-18 and 1e-9 < wider[1] < 1e-8 and 1e-3 < wider[2] < 1)

# %% [markdown]
# ## Five layers, and more
#
# The lesson shows that one to four sigmoid layers leave the plateau of guessing later and later. Here is the fifth, with
# momentum SGD at a rate of 0.1. Then come ten layers with Adam. In the lesson it needed 130 steps at most, for one to six
# layers. The wait depends on weights *and* slopes, so other weights move the depth at which one has to wait: "naive" ones
# from $N(0, 1)$ are eight times larger than Xavier's. (Cireșan et al. trained five hidden layers by plain backpropagation
# in 2010, of a scaled tanh.)

# %%
def has_left(net):
    return F.cross_entropy(net(x[:256]), y[:256]) < 1.5

five = fit(MLP(5, sigma_w=1.0), x, y, steps=4500, lr=0.1, until=has_left, every=20,
           title="Five sigmoid layers")
claim("C1.21", f"five sigmoid layers leave the plateau after {five.steps} steps of SGD (0.1, "
      "momentum 0.9)", five.reached and five.steps > 2000, unless=five, only=("optimizer",))
ten = fit(MLP(10, sigma_w=1.0), x, y, steps=200, lr=0.003, optimizer="adam", until=has_left,
          live=False)
claim("C1.21", "ten sigmoid layers are still on the plateau after 200 steps of Adam at 0.003",
      not ten.reached, unless=ten, only=("rate", "budget"))

# %%
sweep = {f"{depth} layers, {init}": MLP(depth, init=init)
         for init in ("xavier", "naive") for depth in (2, 4, 6)}
runs = race(sweep, x, y, steps=200, live=False)
four, six = (runs[name].accuracy for name in ("4 layers, xavier", "6 layers, naive"))
claim("C1.14", f"after 200 steps of momentum SGD at 0.1 four layers with Xavier's weights have "
      f"{four:.0%}, six with naive ones {six:.0%}",
      four < 0.2 and six > 0.8, unless=runs, only=("optimizer", "budget"))

# %% [markdown]
# ## Saturated, and learning
#
# Those naive weights *saturate* the units. These are the activations of both nets of six layers:

# %%
outputs, saturated, ratios = {}, {}, {}
for init in ("xavier", "naive"):
    net = MLP(6, init=init)
    outputs[init] = torch.stack(net.signals(x[:128])[1][1:]).detach()    # (6, 128, 64)
    saturated[init] = measure(net, x[:128], y[:128]).saturated[:6].mean().item()
    ratios[init] = share_left(net)

def activation_histogram(ax):
    plots.draw_histograms(ax, outputs, bins=torch.linspace(0, 1, 41), xlabel="activation")

show(activation_histogram)
claim("C1.16", f"Xavier's net: no unit saturated, first/last {ratios['xavier']:.0e}; the naive "
      f"one: {saturated['naive']:.0%} saturated, first/last {ratios['naive']:.0e}",
      saturated["xavier"] == 0 and saturated["naive"] > 0.3 and ratios["xavier"] < 1e-3
      and ratios["naive"] > 1e-2)

# %% [markdown]
# The net without one saturated unit is the one whose gradient vanishes. A unit at $|z| = 5$ hardly learns, but what kills
# the gradient at usual weights is the quarter in the middle. Large weights make up for it, at a price (chapter 4).
#
# ## What random layers let through
#
# Freeze the first layers on purpose, in a sick net of ten layers and in a healthy one of three. Then ask how much of the
# image a readout can still see through layers that were never trained, if its weights are *computed*, by least squares.

# %%
nets = {}
for depth, k in ((10, 0), (10, 8), (3, 0), (3, 1)):
    nets[f"{depth} layers, {k} frozen"] = net = MLP(depth, sigma_w=1.0)
    for layer in net.hidden[:k]:
        layer.requires_grad_(False)
frozen = race(nets, x, y, steps=300, title="The first layers frozen at their random start")
free, nailed = (frozen[f"10 layers, {k} frozen"].loss[-1] for k in (0, 8))
none, one = (frozen[f"3 layers, {k} frozen"].accuracy for k in (0, 1))
claim("C1.13", "300 steps of momentum SGD at 0.1: eight frozen layers of ten change the loss by "
      f"{abs(free - nailed):.3f}; of three layers, one frozen takes the accuracy from {none:.0%} "
      f"to {one:.0%}",
      abs(free - nailed) < 0.01 and none > 0.9 and none - one > 0.05, unless=frozen,
      only=("rate", "optimizer", "budget"))

# %%
train_signals, test_signals = (MLP(8, sigma_w=1.0).signals(images)[1] for images in (x, x_test))
spread, seen = {}, {}
for k in (1, 2, 3, 5, 8):
    mean, std = train_signals[k].mean(0), train_signals[k].std(0)        # over the digits: (64,)
    target = F.one_hot(y, 10).double() - 0.1                             # (1437, 10)
    weights = torch.linalg.lstsq((train_signals[k] - mean) / std, target).solution
    guess = ((test_signals[k] - mean) / std @ weights).argmax(1)
    spread[k], seen[k] = std.mean().item(), (guess == y_test).double().mean().item()
claim("C1.13", f"behind eight random layers digits differ by {spread[8]:.0e} only, and a computed "
      f"readout has {seen[8]:.0%}", spread[8] < 1e-4 * spread[1] and seen[8] > 0.9)
table({"layers": list(seen), "spread": list(spread.values()), "accuracy": list(seen.values())},
      form={"spread": "{:.0e}", "accuracy": "{:.0%}"})

# %% [markdown]
# Nothing that the readout needs is lost, but it has become very faint: behind eight layers two digits differ by a few
# millionths, on top of the ½ that all share. Least squares divides by that spread; gradient descent does not.
#
# ## The loss cannot save the inside
#
# One output unit is wrong and sure of it: $z = -8$, with target 1. Cross-entropy's logarithm cancels the slope of the last
# sigmoid, so that unit hears of its mistake. Inside the net, the share per layer stays what it was.

# %%
def output_gradient(loss):
    z_out = torch.tensor(-8.0, dtype=torch.float64, requires_grad=True)
    return abs(torch.autograd.grad(loss(torch.sigmoid(z_out)), z_out)[0].item())

def squared_error(logits, labels):
    return F.mse_loss(logits.softmax(1), F.one_hot(labels, 10).double())

squared, entropy = output_gradient(lambda p: (p - 1) ** 2), output_gradient(lambda p: -torch.log(p))
inside = [share_left(MLP(10, sigma_w=1.0), loss_fn) for loss_fn in (F.cross_entropy, squared_error)]
claim("C1.17", f"at the output: squared error {squared:.1e}, cross-entropy {entropy:.2f}; inside, "
      f"first/last is {inside[1]:.0e} and {inside[0]:.0e}",
      abs(squared / 6.7e-4 - 1) < 0.01 and entropy > 0.999 and max(inside) < 3 * min(inside) < 3e-6)

# %% [markdown]
# ## A sum over paths
#
# From one layer to another lead as many paths as there are choices of units in between. The gradient is the *sum* of their
# products. Set one of 256 slopes to zero, and the others carry on:

# %%
changes = []
for seed in range(3):
    generator = torch.Generator().manual_seed(seed)
    W_1, W_2 = torch.randn(2, 256, 256, generator=generator, dtype=torch.float64) / 16
    slopes = torch.full((256,), 0.25, dtype=torch.float64)
    cut = slopes.clone()
    cut[7] = 0
    changes.append(1 - ((W_2 * cut @ W_1).norm() / (W_2 * slopes @ W_1).norm()).item())
claim("C1.19", f"without one slope of 256, the Jacobian's norm falls by {max(changes):.2%} at most",
      0 < min(changes) and max(changes) < 0.01)

# %% [markdown]
# ## Vanishing and exploding in one product
#
# The factor per layer is an average over directions. Multiply fifty random matrices of width 128 and variance
# $\sigma_w^2/n$, a little above 1: some directions explode while most of them die.

# %%
def singular_values(sigma_w, seed):
    generator = torch.Generator().manual_seed(seed)
    product = torch.eye(128, dtype=torch.float64)
    for _ in range(50):
        W = torch.randn(128, 128, generator=generator, dtype=torch.float64) * sigma_w / 128**0.5
        product = W @ product
    return torch.linalg.svdvals(product)

values = [singular_values(1.1, seed) for seed in range(3)]
largest, medians = min(v[0].item() for v in values), max(v.median().item() for v in values)
claim("C1.10", f"three products at sigma_w = 1.1: the largest singular value is at least "
      f"{largest:.0f}, half of them lie below {medians:.0e}", largest > 100 and medians < 1e-4)

# %% [markdown]
# ## How small is zero?
#
# Graphics cards often compute in 16 bits. How many factors of a quarter make an exact zero? And what if the number is
# there, and is subtracted from a weight, as a step does?

# %% tags=["nbval-check-output"]
zero_at = {}
for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
    product, k = torch.tensor(1.0, dtype=dtype), 0
    while product > 0:
        product, k = product * 0.25, k + 1
    zero_at[dtype] = k
tiny = torch.full((100,), 1e-24)
lost, rescued = torch.tensor(1e-8).half(), (torch.tensor(1e-8) * 1024).half().float() / 1024
told = ", ".join(f"{k} in {dtype}" for dtype, k in zero_at.items())
claim("C1.11", f"the number of quarters that make a zero: {told}",
      list(zero_at.values()) == [13, 67, 75, 538])
claim("C1.11", "1e-8 is 0 in float16; multiplied by 1,024 first (loss scaling) it survives",
      lost == 0 and abs(rescued / 1e-8 - 1) < 0.01)
claim("C1.11", "float32 holds 1e-24, but not its square: the norm is 0, and in double it is not",
      tiny.norm() == 0 and tiny.double().norm() > 0)

# %% tags=["nbval-check-output"]
one, double = torch.tensor(1.0), torch.tensor(1.0, dtype=torch.float64)
adam = {g: g / ((g**2) ** 0.5 + 1e-8) for g in (1e-4, 1e-8, 1e-14)}     # first step, in units of lr
claim("C1.12", "a weight of 1 minus 1e-15 is 1 in float32, and not in float64",
      one - 1e-15 == one and double - 1e-15 < double)
claim("C1.12", f"Adam steps by {adam[1e-4]:.2f}, {adam[1e-8]:.2f} and {adam[1e-14]:.0e} lr for "
      "gradients of 1e-4, 1e-8, 1e-14",
      adam[1e-4] > 0.999 and abs(adam[1e-8] - 0.5) < 1e-6 and abs(adam[1e-14] / 1e-6 - 1) < 0.01)
infinite = torch.tensor(1e38) * 10                                       # float32 ends at 3.4e38
claim("C1.09", f"the other end: 1e38 * 10 is {infinite.item()}, and inf - inf is "
      f"{(infinite - infinite).item()}",
      infinite.isinf() and (infinite - infinite).isnan())

# %% [markdown]
# Adam divides by the gradient's own size. Its steps stay large until its $\epsilon = 10^{-8}$ takes over.
#
# ## Three causes, one product
#
# Three switches: sigmoid or ReLU; weights too small ($\sigma_w = 0.5$) or usual (Xavier's for the sigmoid, He's for ReLU);
# with or without a **skip connection**, which adds a layer's input to its output (chapter 6). Eight nets of 20 layers of
# width 32, for 150 steps at a rate of 0.01. Left the gradient, right what they learned; hatched, those below 20 %.

# %%
def corner(activation, weights, skip):
    sigma_w = 0.5 if weights == "small" else {"sigmoid": 1.0, "relu": 2**0.5}[activation]
    return MLP(20, width=32, activation=activation, sigma_w=sigma_w, skip=skip == "skip")

switches = [(activation, weights, skip) for skip in ("no skip", "skip")
            for activation in ("sigmoid", "relu") for weights in ("small", "usual")]
cube = {", ".join(names): corner(*names) for names in switches}
first_over_last = {name: share_left(net) for name, net in cube.items()}
corners = race(cube, x, y, steps=150, lr=0.01, live="bar", title="Eight nets")
learnt = {name: run.accuracy for name, run in corners.items()}

# %%
def cube_picture(axes):
    plots.draw_bars(axes[0], first_over_last, xlabel="gradient, first / last layer", log=True,
                    form="{:.0e}")
    failed = [name for name, share in learnt.items() if share < 0.2]
    plots.draw_bars(axes[1], learnt, xlabel="accuracy after 150 steps", form="{:.0%}", marks=failed)
    axes[1].set_yticklabels([])

show(cube_picture, panels=2, size=(9, 4.6))
relu, weights, both = (
    learnt[f"{name}, no skip"] for name in ("relu, small", "sigmoid, usual", "relu, usual"))
claim("C1.18", f"150 steps at 0.01 without skips: ReLU alone {relu:.0%}, weights alone "
      f"{weights:.0%}, both {both:.0%}",
      both - 0.1 > 3 * (abs(relu - 0.1) + abs(weights - 0.1)), unless=corners,
      only=("rate", "budget"))

# %% [markdown]
# One cure alone gains nothing, both together wake the net. In the *logarithm* of the gradient the causes nearly add up, since
# $\chi = \sigma_w^2 E[\phi'^2]$ is a product; in what the net learns they do not. The corner with all three cures explodes:
# a skip carries the signal on its own, so weights that were right without it are too large with it (chapter 6).
#
# ## Where else it lives
#
# **Convolutional nets.** A convolution is a matrix with shared weights, one Jacobian a layer. AlexNet has 8 weight layers,
# VGG 19, GoogLeNet 22. Pooling adds Jacobians, it does not save any. **Generative adversarial nets**: once the
# discriminator is sure that a fake is fake ($D = \sigma(-8)$), it has no slope left for the generator, unless the generator's
# loss is chosen with care. **And today** the problem is managed, not solved: it is alive in recurrent nets without gates
# (chapter 7), in nets that solve differential equations, in 16-bit training, and in nets of a thousand layers.

# %% tags=["nbval-check-output", "claim-C1.22"]
torch.manual_seed(0)
vgg = []                                                     # VGG-19, a sixteenth as wide
for convolutions, channels in ((2, 4), (2, 8), (4, 16), (4, 32), (4, 32)):
    for _ in range(convolutions):
        vgg += [nn.LazyConv2d(channels, 3, padding=1), nn.ReLU()]
    vgg += [nn.MaxPool2d(2)]
vgg += [nn.Flatten(), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)]
outputs = nn.Sequential(*vgg)(torch.randn(1, 3, 32, 32)).numel()          # it is a net that runs
assert outputs == 10
weights = sum(hasattr(m, "weight") for m in vgg)
pools = sum(isinstance(m, nn.MaxPool2d) for m in vgg)
claim("C1.20", f"VGG-19 has {weights} weight layers, and {len(vgg)} Jacobians in a row, {pools} of "
      "them pooling", weights == 19 and pools == 5 and len(vgg) > weights + pools)

# %%
starved, fed = output_gradient(lambda d: torch.log(1 - d)), output_gradient(lambda d: -torch.log(d))
claim("C1.23", f"the generator's gradient: {starved:.0e} if it minimizes log(1 - D), {fed:.1f} if "
      "it minimizes -log D", 3e-4 < starved < 4e-4 and fed > 0.999)

# %% [markdown]
# ## By hooks
#
# `measure` does this for you. By hand you would use *hooks*, functions of yours that PyTorch calls when a gradient passes.
# Dashboards (TensorBoard, Weights & Biases) draw what such hooks report.

# %%
net, heard = MLP(10, sigma_w=1.0), []
z, _ = net.signals(x[:128])
for z_l in z:                                # the hooks are called from the last layer to the first
    z_l.register_hook(lambda delta: heard.insert(0, delta.norm()))
F.cross_entropy(z[-1], y[:128]).backward()
claim("C1.15", f"eleven hooks heard {heard[0]:.1e} to {heard[-1]:.1e}, as `measure` does",
      torch.allclose(torch.stack(heard), measure(net, x[:128], y[:128]).delta_norm))

# %% [markdown]
# ## The timeline
#
# Move through the years. *Try:* 1991, then 1997, 2010 and 2015.

# %%
def history_of_the_field(ax, year=1991):
    return plots.draw_timeline(ax, timeline.EVENTS, year, timeline.LANES)

explore(history_of_the_field, year=(1969, 2020))

# %% [markdown]
# Backpropagation became popular in 1986, and the diagnosis is of 1991. LSTM, a cure for nets in *time*, came in 1997. The
# cures for depth took until 2010 to 2015, though little of their mathematics is new.
#
# ## References
#
# - Rumelhart, Hinton, Williams 1986, *Learning representations by back-propagating errors*, Nature 323
# - Hochreiter 1991, *Untersuchungen zu dynamischen neuronalen Netzen*, diploma thesis, TU München
# - Bengio, Simard, Frasconi 1994, *Learning long-term dependencies with gradient descent is difficult*, IEEE TNN 5(2)
# - Glorot, Bengio 2010, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS
# - Cireșan et al. 2010, *Deep, big, simple neural nets*, Neural Computation 22
# - Nielsen 2015, *Neural Networks and Deep Learning*, chapters 2, 3 and 5
# - Poole et al. 2016, arXiv 1606.05340; Schoenholz et al. 2017, *Deep information propagation*, arXiv 1611.01232
# - Karpathy, *CS231n course notes*, Neural Networks 3 (the update ratio)
# - Alpaydin, Kaynak 1998, *Optical recognition of handwritten digits*, UCI Machine Learning Repository
