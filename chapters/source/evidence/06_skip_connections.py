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
# # 6 · Skip connections: the evidence
#
# The [lesson](../06_skip_connections.ipynb) tells one story. Here stands what it left out: what popular sources say, how wide a
# plain net must be, five ways to make branches small, deleted blocks, highway nets, DenseNet, shattered gradients, a real Transformer
# with the norm in front, behind and nowhere, deep nets without skips, hyper-connections, the cube of causes, and the records. The sections do not depend on each other.
# Run the next four cells, and then any of them. Trainings use momentum SGD unless they say otherwise.

# %%
import math
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, DenseNet, HighwayNet, NormedNet, ResidualNet, Transformer, chapter06
from utils import claim, clinic, datasets, explore, plots, quiz, race, show, style, table

# %%
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()        # x is (1437, 64): a row for each digit
x32, f32 = x.float(), {"dtype": torch.float32}

def gradients(net, n=64):                       # at each place between the blocks
    stream = net.stream(x[:n])
    found = torch.autograd.grad(F.cross_entropy(net.head(stream[-1]), y[:n]), stream)
    return torch.stack([g.norm() for g in found])

def first_over_last(net):
    g = gradients(net)
    return (g[0] / g[-1]).item()

# %%
def likeness(a):                                # mean cosine between two different rows
    unit = F.normalize(a.detach(), dim=-1)
    n = unit.shape[-2]
    return (((unit @ unit.mT).sum((-2, -1)) - n) / (n * n - n)).mean().item()

# %%
def at_rates(make, rates, steps, **settings):
    """Train the nets of make() at each rate; name -> its losses at the end, and all runs."""
    runs = {lr: race(make(), x32, y, steps=steps, lr=lr, live="bar", **settings) for lr in rates}
    names = next(iter(runs.values()))
    ends = {name: [torch.tensor(run[name].loss[-10:]).mean().nan_to_num(torch.inf, torch.inf).item()
                   for run in runs.values()] for name in names}
    return ends, list(runs.values())

def at_best(ends):
    return {name: min(losses) for name, losses in ends.items()}

# %% [markdown]
# ## What you may have read
#
# | you may read | and it is | shown in |
# |---|---|---|
# | "The +1 guarantees that no gradient vanishes" | a branch can work against it | the lesson, and below |
# | "A ResNet is a highway net with its gates at one half" | both its gates are fully open; at one half the gradient dies | Gates at one half |
# | "Highway nets train at any depth" | with the right bias | The highway |
# | "Degradation is the vanishing gradient" | He et al. call that unlikely; digits merge, or gradients shatter | Shattered gradients |
# | "Skips stop explosions" | unscaled skips cause them | the lesson |
# | "ResNet made 1,000 layers possible" | trainable in the first paper, useful in the second | The records |
# | "ResNet invented the skip" | it is the one without a gate; LSTM is from 1997 | One idea, over depth and time |
# | "A norm replaces the skip" | it saves the gradient's size, and all tokens become one | A Transformer without skips |
# | "Post-norm fails as its gradients vanish" | they are *large* near the output | A Transformer |
#
# ## Gates at one half
#
# Three lines each. A residual net has $y = x + F(x)$, both gates fully open. At one half it is $y = \frac12(x + F(x))$.

# %% tags=["nbval-check-output"]
def through(block, layers, *factors):
    start = h = torch.ones(1, dtype=torch.float64, requires_grad=True)
    for _ in range(layers):
        h = block(h, *factors)
    return torch.autograd.grad(h, start)[0].item()

def gated(h, gate):
    return gate * (h + 0.01 * h.tanh())

half, whole = (through(gated, 50, gate) for gate in (0.5, 1.0))
claim("C6.09", f"50 layers: gates at 0.5 leave {half:.1e} of the gradient, a residual net "
      f"{whole:.1f}", half < 1e-14 and 1 < whole < 2)
against = through(lambda h: h - 0.5 * h, 20)
claim("C6.01", f"a branch of -x/2, 20 blocks: {against:.1e}", 9e-7 < against < 1e-6)

# %% [markdown]
# ## Is it the gradient, or that digits look alike?
#
# In a hundred plain layers two things go wrong: a few percent of the gradient arrive, and all digits look alike. Which of the two
# matters? In wider layers the gradient loses less. At a width of 128 there is a net in which it arrives in full, and grows on its way.

# %%
wide = ResidualNet(50, 128, carry=0, **f32)
left, same = first_over_last(ResidualNet(50, 128, carry=0)), likeness(wide.stream(x32[:64])[-1])
wide_run = race({"wide": wide}, x32, y, steps=100, lr=0.003, live="bar")["wide"]
late = sum(wide_run.loss[-10:]) / 10
claim("C6.04", f"100 plain layers of width 128, weights of seed 0: gradient times {left:.1f}, "
      f"cosine of two digits {same:.3f}, and a loss of {late:.2f} after 100 steps of SGD at 0.003",
      left > 1 and same > 0.98 and late > 1.5, unless=wide_run, only=("seed", "budget"))

# %% [markdown]
# ## How wide must a plain net be?
#
# He's weights keep the gradient in the mean over many nets. The typical net gets less: after $d$ layers of width $n$ about
# $e^{-\frac54 d/n}$ (Hanin and Nica 2018). Only the layers per unit count. Below are the medians of eight nets each.

# %%
def median(d, n):
    nets = [ResidualNet(d // 2, n, carry=0, seed=seed) for seed in range(8)]
    return torch.tensor([first_over_last(net) for net in nets]).median().item()

kinds = [(d, n) for d in (20, 60, 100) for n in (16, 32, 64)]
typical = [median(d, n) for d, n in kinds]

def narrow(ax):
    ax.plot([d / n for d, n in kinds], typical, "o", color=style.MEASURED, label="median of eight")
    ax.plot([0, 6.5], [1, math.exp(-1.25 * 6.5)], color=style.THEORY, label="law")
    ax.set(yscale="log", xlabel="layers per unit, d / n", ylabel="gradient, first / last")
    ax.legend()

show(narrow, size=(8, 3.2))

# %%
apart = [abs(math.log(left) + 1.25 * d / n) for left, (d, n) in zip(typical, kinds)]
claim("C6.06", "plain nets of 20 to 100 layers, 16 to 64 units wide: the median of eight and the "
      f"law are apart by a factor of {math.exp(max(apart)):.1f} at most", max(apart) < math.log(4))
giants = [first_over_last(ResidualNet(500, carry=0, seed=seed)) for seed in range(3)]
skips = [first_over_last(ResidualNet(500, scale=500**-0.5, seed=seed)) for seed in range(3)]
claim("C6.06", f"three nets of 1,000 layers of width 32: plain {max(giants):.0e} of the gradient "
      f"or less, with skips {min(skips):.1f} to {max(skips):.1f} times",
      max(giants) < 1e-10 and 1 < min(skips) and max(skips) < 3)

# %% [markdown]
# A plain net of 1,000 layers would have to be 1,250 units wide to keep a third of its gradient, by the law. With skips 32 are enough.
#
# ## Five ways to make branches small
#
# Scale them; start each branch's last matrix at zero (a part of **Fixup**); give each branch a factor that is learned from 0 on
# (**ReZero**), or each of its units one, from a small number on (**LayerScale**: 0.1 down to 0.000001, the deeper the smaller); or
# put a norm at the branch's entrance. Fifty layers, at two rates, 80 steps. As a control, "no branch" has stem and readout only.

# %%
L = 25
ways = {"s = 1": {}, "s = 1/√L": {"scale": 25**-0.5}, "last matrix 0": {"zero_last": True},
        "ReZero": {"scale": 0.0, "learn_scale": True},
        "LayerScale, from 1e-4": {"scale": 1e-4, "learn_scale": "unit"},
        "batch norm": {"norm": "batch"}, "no branch": {"scale": 0.0}}

def tamed():
    return {name: ResidualNet(L, **how, **f32) for name, how in ways.items()}

# %%
ends, runs = at_rates(tamed, (0.003, 0.01), 80)
show(plots.draw_bars, at_best(ends), xlabel="loss after 80 steps, at the better rate",
     form="{:.2f}", missing="overflow")
worst = max(at_best(ends)[name] for name in ways if name not in ("s = 1", "no branch"))
alone = at_best(ends)["no branch"]
claim("C6.03", "80 steps of SGD at the better of the rates 0.003 and 0.01: s = 1 overflows at "
      f"both, the five small branches reach {worst:.2f} or less, and no branch {alone:.2f}",
      min(ends["s = 1"]) == torch.inf and worst < alone,
      unless=runs, only=("rate", "optimizer", "budget"))

# %%
first, *_, last = ResidualNet(50, scale=0.0, learn_scale=True).stream(x[0])
rows = [torch.autograd.grad(out, first, retain_graph=True)[0] for out in last]
claim("C6.12", "ReZero's Jacobian at the start is the identity, to the last bit",
      torch.equal(torch.stack(rows), torch.eye(32, dtype=torch.float64)))

# %% [markdown]
# ## Deleting blocks
#
# Half of the paths of $L$ blocks avoid a given one. Their lengths are those of $L$ coin tosses. Veit et al. (2016) sampled paths of a
# *trained* ResNet of 54 blocks, and found most of the gradient on those of 10 to 34 *layers*, 5 to 17 blocks: shorter than the
# mean of 27, longer than the lesson's one. And they deleted blocks.

# %% tags=["nbval-check-output"]
share = [math.comb(54, k) / 2**54 for k in range(55)]
mean, middle = sum(k * part for k, part in enumerate(share)), sum(share[19:36])
claim("C6.02", f"54 blocks: mean length {mean:.0f}; {middle:.1%} of the 2^54 paths are 19 to 35 "
      "blocks long", abs(mean - 27) < 1e-9 and abs(middle - 0.980) < 5e-4)

# %%
@torch.no_grad()
def accuracy(net, without=()):
    return (net.eval()(x32, without).argmax(1) == y).double().mean().item()

sawn = {"plain": ResidualNet(10, carry=0, **f32),
        "residual": ResidualNet(10, scale=10**-0.5, **f32)}
sawn_runs = race(sawn, x32, y, steps=400, lr={"plain": 0.003, "residual": 0.003}, live="bar")

# %%
less = {name: [accuracy(net, (block,)) for block in range(10)] for name, net in sawn.items()}
show(plots.draw_lines, less, range(1, 11), xlabel="deleted block", ylabel="accuracy",
     limits=(0, 1.05))
means = {name: sum(values) / 10 for name, values in less.items()}
whole = {name: accuracy(net) for name, net in sawn.items()}
claim("C6.02", "400 steps of SGD at 0.003, intact and with one block less: plain "
      f"{whole['plain']:.0%}, {means['plain']:.0%}; residual {whole['residual']:.0%}, "
      f"{means['residual']:.0%}",
      min(whole.values()) > 0.75 and means["residual"] > 0.85 and means["plain"] < 0.5,
      unless=sawn_runs, only=("rate", "optimizer"))

# %% [markdown]
# **Stochastic depth** (Huang et al. 2016) leaves out random blocks in training, block $l$ with the probability $\frac lL(1 - p_L)$.
# With $p_L = \frac12$ a net of $L$ blocks has $(3L - 1)/4$ of them on average. A net that met many shorter nets on its way should bear
# it better when blocks are deleted. We delete 40 of 50, drawn at random five times.

# %%
survival = 1 - 0.5 * torch.arange(1, 55) / 54
generator = torch.Generator().manual_seed(0)
drawn = (torch.rand(20_000, 54, generator=generator) < survival).double().sum(1).mean().item()
claim("C6.11", f"54 blocks: {drawn:.2f} on average, formula {(3 * 54 - 1) / 4}",
      abs(drawn - 40.25) < 0.1)

# %%
kin = {"always there": ResidualNet(50, scale=50**-0.5, **f32),
       "stochastic depth": ResidualNet(50, scale=50**-0.5, drop=0.5, **f32)}
kin_runs = race(kin, x32, y, steps=150, lr=0.01, live="bar")
lots = [torch.randperm(50, generator=generator).tolist()[:40] for _ in range(5)]
left = {name: sum(accuracy(net, lot) for lot in lots) / 5 for name, net in kin.items()}
claim("C6.11", "150 steps of SGD at 0.01, 40 of 50 blocks deleted: stochastic depth "
      f"{left['stochastic depth']:.0%}, always there {left['always there']:.0%}",
      left["stochastic depth"] > left["always there"] + 0.1,
      unless=kin_runs, only=("rate", "optimizer", "budget"))

# %% [markdown]
# ## The highway
#
# Half a year before ResNet, Srivastava et al. (2015) built the way past a layer with a *gate*, as in an LSTM, the transform gate $t$:
#
# $$y = t \odot H(x) + (1 - t) \odot x, \qquad t = \sigma(W_t x + b_t)$$
#
# At $t = 1$ it is an ordinary layer, at $t = 0$ the identity. The Jacobian has three terms,
# $\mathrm{diag}(1-t) + \mathrm{diag}(t)H' + \mathrm{diag}(H - x)t'$, and is the identity only as $t \to 0$. So all depends on $b_t$ at the
# start. *Try:* (1) bias $-3$ and 50 layers. (2) Which bias carries half through 100 layers? (3) Bias 0: is the line theory's?

# %%
def carried(ax, gate_bias=-3.0, depth=50):
    g = gradients(HighwayNet(depth, gate_bias=gate_bias))
    carry = 1 / (1 + math.exp(gate_bias))
    powers = carry ** torch.arange(depth, -1, -1).double()
    plots.draw_by_layer(ax, g, g[-1] * powers, quantity="gradient ‖∂C/∂x‖")
    ax.set(ylim=(1e-15, 1e1))
    return (f"carry {carry:.3f} a layer, {carry**depth:.2g} through {depth}; "
            f"measured {g[0] / g[-1]:.2g}.")

explore(carried, gate_bias=(-8.0, 2.0, 0.5), depth=(10, 100, 10))

# %%
carry = 1 / (1 + math.exp(-3))
claim("C6.08", f"bias -3: carry {carry:.3f}, through 50 layers {carry**50:.3f}",
      abs(carry**50 - 0.088) < 0.001)

def highways():
    return {f"bias {bias}": HighwayNet(50, gate_bias=bias, **f32) for bias in (-1, -6)}

ends, runs = at_rates(highways, (0.01, 0.03, 0.1), 100)
best = at_best(ends)
claim("C6.08", "50 highway layers, 100 steps of SGD, the best of the rates 0.01, 0.03, 0.1: loss "
      f"{best['bias -6']:.2f} with bias -6, {best['bias -1']:.2f} with bias -1",
      best["bias -6"] < 0.5 and best["bias -1"] > 1.5,
      unless=runs, only=("rate", "budget", "optimizer"))

# %% [markdown]
# (The more the gates are open, the more of the gradient takes the way through $H$, and the measured line lies above theory's.)
#
# ## DenseNet
#
# DenseNet (Huang et al. 2017) *concatenates* instead of adding: each layer reads all before it, so $L$ layers have $L(L+1)/2$ links.

# %%
links = sum((layer.in_features - 64) // 8 + 1 for layer in DenseNet(50, growth=8).layers)
claim("C6.11", f"50 dense layers have {links} links", links == 50 * 51 // 2)

def dense():
    return {"dense": DenseNet(50, growth=8, **f32), "plain": ResidualNet(25, carry=0, **f32)}

ends, runs = at_rates(dense, (0.003, 0.01), 80)
claim("C6.11", "50 layers, 80 steps of SGD, the better of the rates 0.003 and 0.01: dense "
      f"{at_best(ends)['dense']:.2f}, plain {at_best(ends)['plain']:.2f}",
      at_best(ends)["dense"] < 0.5 * at_best(ends)["plain"], unless=runs, only=("budget",))

# %% [markdown]
# ## Where does the last ReLU stand?
#
# In the first ResNet it stood *after* the addition: $x_{l+1} = \phi(x_l + F(x_l))$. Then the way past the block is no identity, since a
# negative entry of the stream is lost. He et al. (2016b) moved activation and norm into the branch, in *front* of its weights
# (**pre-activation**), as the course's `ResidualNet` does. (At 100 layers both train; He et al. saw the difference at 1,001.)

# %%
def silent(order, seed):                        # the share of the signal that silent branches leave
    first, *_, last = ResidualNet(50, scale=0.0, order=order, seed=seed).stream(x[:128])
    return (last.square().sum() / first.square().sum()).item()

nets = {order: [ResidualNet(50, scale=50**-0.5, order=order, seed=seed) for seed in range(3)]
        for order in ("pre", "post")}
kept = {order: [silent(order, seed) for seed in range(3)] for order in nets}
alike = {order: [likeness(net.stream(x[:128])[-1]) for net in three]
         for order, three in nets.items()}

# %%
claim("C6.07", f"silent branches: {min(kept['pre']):.2f} of the signal arrives with the ReLU in "
      f"the branch, {min(kept['post']):.2f} to {max(kept['post']):.2f} with the ReLU after the sum",
      min(kept["pre"]) == 1 and max(kept["post"]) < 0.9)
claim("C6.07", f"cosine of two digits after 100 layers: {max(alike['pre']):.2f} or less, and "
      f"{min(alike['post']):.2f} or more", min(alike["post"]) > max(alike["pre"]) + 0.05)

# %% [markdown]
# ## Shattered gradients
#
# Gradient descent trusts that a gradient still holds a small step further on. Walk from one digit to another in 256 steps, and
# measure the slope of one logit on the way. (A batch norm takes its statistics from 512 digits once, and keeps them.)

# %%
def slope_along(net, seed=0):
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = 1.0               # keep the statistics of the last batch only
    with torch.no_grad():
        net.train()(x[:512])
    direction = x[seed + 20] - x[seed]
    walk = (x[seed] + torch.linspace(0, 1, 256)[:, None] * direction).requires_grad_()
    (g,) = torch.autograd.grad(net.eval()(walk)[:, 0].sum(), walk)
    return g @ direction

def autocorrelation(slope, lags=31):
    s = (slope - slope.mean()) / slope.std(unbiased=False)
    return torch.stack([(s[lag:] * s[: len(s) - lag]).mean() for lag in range(lags)])

# %%
walkers = {"2 plain": (1, {"carry": 0}), "50 plain": (25, {"carry": 0}),
           "50 plain, batch norm": (25, {"carry": 0, "norm": "batch"}),
           "50 residual, batch norm": (25, {"norm": "batch"}),
           "50 residual, s = 1/√L": (25, {"scale": 0.2})}

def mean_curve(blocks, how):                    # over five nets, each with its own two digits
    nets = [ResidualNet(blocks, 100, seed=seed, **how) for seed in range(5)]
    curves = [autocorrelation(slope_along(net, seed)) for seed, net in enumerate(nets)]
    return torch.stack(curves).mean(0)

lags = {name: mean_curve(blocks, how) for name, (blocks, how) in walkers.items()}
show(plots.draw_lines, lags, range(31), xlabel="distance in steps", ylabel="autocorrelation",
     markers=False, limits=(-0.2, 1.5))

# %%
near = {name: curve[5].item() for name, curve in lags.items()}
told = ", ".join(f"{name} {value:.2f}" for name, value in near.items())
claim("C6.15", f"five steps away: {told}",
      near["50 plain, batch norm"] < 0.15 < near["50 residual, batch norm"] and
      near["2 plain"] > 0.7 and near["50 residual, s = 1/√L"] > 0.8 > near["50 plain"])

# %% [markdown]
# Fifty plain layers with batch norm give *white noise*: the gradient of a point says nothing about the point beside it. Balduzzi et al.
# (2017) called it *shattered*, and found that correlations decay exponentially with depth in plain nets and more slowly with skips.
# The plain net *without* a norm lies beside the residual net *with* one. So at our size the noise needs plain layers and a batch norm,
# and the figure does not say that skips alone cure it.
#
# He et al. (2016a) wrote that degradation is *unlikely* to be the vanishing gradient: their plain nets had batch norm, and they
# verified that signals had healthy norms. With a batch norm in front of each ReLU, dense plain nets even **explode** (Yang et al. 2019):

# %%
shaken = [first_over_last(ResidualNet(50, carry=0, norm="batch", seed=seed)) for seed in range(3)]
factor = sum(ratio ** (1 / 100) for ratio in shaken) / 3
theory = (math.pi / (math.pi - 1)) ** 0.5
claim("C6.04", f"100 plain layers with batch norm: gradient times {factor:.2f} a layer, theory "
      f"{theory:.2f}", abs(factor - theory) < 0.05)

# %% [markdown]
# ## A Transformer
#
# A Transformer is a residual net whose branches are attention and small MLPs. Ours reads a digit as eight tokens, one for each row of
# pixels. With post-norm the road loses $1/\sqrt2$ in each sublayer, if branch and stream are of equal size. Xiong et al. (2020) found
# that its gradients are *large* near the output, so that the first steps must be short: a **warm-up** of the rate. By their theorem the
# bound of the last layer's gradient falls with $1/\sqrt L$ under pre-norm, whose last norm divides by a stream that has grown with $L$
# layers, and stays where it is under post-norm. What we measure is the gradient itself, not the bound. Liu et al. (2020)
# find that this is not the root either: post-norm leans on its branches, which *amplifies* every small change of the weights.

# %%
stream, branch = torch.randn(2, 4096, 256, generator=torch.Generator().manual_seed(0))
passed = (F.layer_norm(stream + branch, (256,)) * stream).mean().item()
claim("C6.13", f"one post-norm sublayer passes {passed:.3f} of the stream on",
      abs(passed - 0.5**0.5) < 0.01)

# %%
def last_gradient(layers, place, seed):         # of the last feed-forward matrix
    net = Transformer(layers, norm=place, seed=seed)
    last = net.sublayers[-1][-1].weight
    return torch.autograd.grad(F.cross_entropy(net(x[:64]), y[:64]), last)[0].norm().item()

def mean_last(layers, place):
    return sum(last_gradient(layers, place, seed) for seed in range(8)) / 8

last = {place: [mean_last(layers, place) for layers in (3, 12, 48)] for place in ("pre", "post")}
pre, post = (math.log(last[place][-1] / last[place][0], 16) for place in ("pre", "post"))
told = {place: ", ".join(f"{g:.2f}" for g in three) for place, three in last.items()}
claim("C6.13", "gradient of the last feed-forward matrix at the start, 3, 12, 48 layers, mean of "
      f"eight: pre-norm {told['pre']} (layers to the power of {pre:.2f}), post-norm {told['post']}",
      abs(pre + 0.5) < 0.1 and abs(post) < 0.15)

# %%
def warm_up(step):                              # from 0 to 0.005 in 60 steps
    return 0.005 * min(1, (step + 1) / 60)

readers = {"pre-norm": Transformer(12, **f32), "post-norm": Transformer(12, norm="post", **f32),
           "post-norm, warm-up": Transformer(12, norm="post", **f32)}
speeds = {"pre-norm": 0.005, "post-norm": 0.005, "post-norm, warm-up": warm_up}
ln_runs = race(readers, x32, y, steps=120, lr=speeds, optimizer="adam",
               title="A Transformer of twelve layers")
means = {name: sum(run.loss) / len(run.loss) for name, run in ln_runs.items()}
told = ", ".join(f"{name} {loss:.2f}" for name, loss in means.items())
claim("C6.13", f"mean loss over 120 steps of Adam at 0.005, weights of seed 0: {told}",
      means["pre-norm"] < means["post-norm, warm-up"] < means["post-norm"], unless=ln_runs,
      only=("seed", "rate", "optimizer", "budget"))

# %% [markdown]
# (At a rate of 0.003 it depends on the seed how badly the net without warm-up fails, and at six layers there is little difference.)
# **DeepNorm** (Wang et al. 2022) makes post-norm trainable at a thousand layers by a louder road and smaller branches:
# $\mathrm{norm}(\alpha x + F(x))$ with $\alpha = M^{1/4}$ for $M$ sublayers, and the weights of $F$ times $\beta = (4M)^{-1/4}$.

# %%
class DeepNorm(NormedNet):
    def __init__(self, blocks, **settings):
        super().__init__(blocks, "post", **settings)
        self.alpha = blocks**0.25
        for p in self.blocks.parameters():
            p.data *= (4 * blocks) ** -0.25

    def stream(self, x):
        stream = [F.layer_norm(self.stem(x), (64,))]
        for branch in self.blocks:
            stream.append(F.layer_norm(self.alpha * stream[-1] + branch(stream[-1]), (64,)))
        return stream

    def forward(self, x):
        return self.head(self.stream(x)[-1])

# %%
rivals = {"post-norm": NormedNet(50, "post", **f32), "DeepNorm": DeepNorm(50, **f32)}
same = {name: likeness(net.stream(x32[:64])[-1]) for name, net in rivals.items()}
deep_runs = race(rivals, x32, y, steps=60, lr=0.01, live="bar")
right = {name: run.accuracy for name, run in deep_runs.items()}
claim("C6.13", f"50 blocks: cosine of two digits at the start {same['post-norm']:.2f} with "
      f"post-norm, {same['DeepNorm']:.2f} with DeepNorm; 60 steps of SGD at 0.01 reach "
      f"{right['post-norm']:.0%} and {right['DeepNorm']:.0%}",
      right["DeepNorm"] > right["post-norm"] + 0.3, unless=deep_runs, only=("rate",))

# %% [markdown]
# ## A Transformer without skips
#
# Then the norms are all that is left. Two numbers at the start: the gradient, first sublayer over last, and how alike the eight tokens
# of a digit have become.

# %%
def both(place, skip, seed):                    # the gradient, and how alike tokens are
    net = Transformer(12, norm=place, skip=skip, seed=seed)
    return first_over_last(net), likeness(net.stream(x[:64])[-1])

found = {(place, skip): [both(place, skip, seed) for seed in range(3)]
         for place in (None, "post", "pre") for skip in (False, True)}
ratios, cosines = ({key: min(pair[i] for pair in three) for key, three in found.items()}
                   for i in (0, 1))
table({"norm": [place or "none" for place, _ in found],
       "skips": ["yes" if skip else "no" for _, skip in found],
       "gradient, first / last": [f"{ratio:.0e}" for ratio in ratios.values()],
       "cosine of two tokens": [f"{cosine:.4f}" for cosine in cosines.values()]})

# %%
alone = [cosines[place, False] for place in (None, "post", "pre")]
claim("C6.14", f"without skips the gradient falls to {ratios[None, False]:.0e} without a norm and "
      f"to {ratios['post', False]:.2f} with one, and all tokens become the same, cosine "
      f"{min(alone):.4f}", ratios[None, False] < 0.01 * ratios["post", False] and
      min(alone) > 0.9999 > cosines["pre", True] + 0.02)

# %% [markdown]
# A norm saves the gradient's size and nothing else. Attention averages, and twelve averages of averages are a constant. Dong et al. (2021)
# call it rank collapse. Skips slow it down, since each token keeps adding to *itself*: after twelve layers the cosine is 0.905 with pre-norm,
# and 0.985 with post-norm.
#
# ## Attention's softmax saturates, too
#
# Its Jacobian is $\mathrm{diag}(p) - pp^\top$. Let the logits grow:

# %% tags=["nbval-check-output"]
Z = torch.randn(2000, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
sizes = {}
for spread in (1, 2, 4, 8, 16):
    p = (spread * Z).softmax(1)
    J = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    sizes[spread] = J.norm(dim=(1, 2)).median().item()
claim("C6.18", "norm of softmax's Jacobian by the standard deviation of the logits: " +
      ", ".join(f"{spread}: {size:.1e}" for spread, size in sizes.items()),
      sizes[1] > 0.1 and sizes[8] < 0.3 * sizes[1] and sizes[16] < 0.02 * sizes[1])

# %% tags=["nbval-check-output"]
q, key = torch.randn(2, 2000, 64, generator=torch.Generator().manual_seed(1))
raw, normed = (q * key).sum(1), 8 * (F.normalize(30 * q) * F.normalize(key)).sum(1)
grown = (30 * q * key).sum(1) / 8
claim("C6.18", f"q·k in 64 dimensions: standard deviation {raw.std():.1f}, over √64 "
      f"{(raw / 8).std():.2f}; queries 30 times as large: {grown.std():.0f}, and with QK norm "
      f"{normed.std():.2f}", 7 < raw.std() < 9 and grown.std() > 25 and normed.std() < 1.2)

# %% [markdown] tags=["claim-C6.16"]
# That is why attention divides by $\sqrt{d_k}$: Xavier's argument at another place. It holds at the start. In training the weights grow, and
# **QK norm** (Henry et al. 2020) normalizes queries and keys, so that the logits stay bounded whatever the weights do.
#
# (Attention also ties any two positions together in one step, whatever their distance, which an RNN cannot. The price is quadratic in the
# length. How deep the large language models of today are is mostly unpublished: GPT-3 has 96 layers, Llama 3.1 405B has 126.)
#
# ## Deep nets without skips
#
# A skip is not the only way. A plain net must be close to an identity as well, by its weights: orthogonal ones and a tanh that is used near
# zero (Pennington et al. 2017; Xiao et al. 2018 trained 10,000 plain convolutional layers so). A hundred tanh layers:

# %%
def skipless():
    return {"orthogonal": MLP(100, activation="tanh", init="orthogonal", **f32),
            "Gaussian": MLP(100, activation="tanh", sigma_w=1.0, **f32)}

ends, runs = at_rates(skipless, (0.003, 0.01), 100)
best = at_best(ends)
claim("C6.04", "100 tanh layers without skips, 100 steps of SGD at the better of the rates 0.003 "
      f"and 0.01: loss {best['orthogonal']:.2f} with orthogonal weights, {best['Gaussian']:.2f} "
      "with Gaussian ones of the same size", best["orthogonal"] < 0.7 * best["Gaussian"],
      unless=runs, only=("rate", "optimizer", "budget"))

# %% [markdown]
# So depth alone does not need skips. They are what makes it easy. *Not run here:* DKS and TAT (Martens et al. 2021, Zhang et al. 2022), which
# shape activations so that plain ResNets train.
#
# ## Hyper-connections: a road of several lanes
#
# Zhu et al. (2024) copy the stream $n$ times. Each block reads one mixture of the lanes, writes its result to all of them, and the
# lanes are mixed with each other. All these weights are learned. They start such that nothing changes: block $l$ reads lane $l$ modulo $n$,
# the lanes are not mixed, and each gets the whole result, so that all stay copies. (This is the static kind, on our pre-norm net.)

# %%
class HyperNet(NormedNet):
    def __init__(self, blocks, lanes=4, **settings):
        super().__init__(blocks, "pre", **settings)
        I = torch.eye(lanes, dtype=self.stem.weight.dtype)
        self.reading = nn.Parameter(I[torch.arange(blocks) % lanes])
        self.mixing = nn.Parameter(I.repeat(blocks, 1, 1))
        self.writing = nn.Parameter(torch.ones_like(self.reading))

    def forward(self, x):
        lanes = F.layer_norm(self.stem(x), (64,)).expand(self.reading.shape[1], -1, -1)
        for branch, read, mix, write in zip(self.blocks, self.reading, self.mixing, self.writing):
            out = branch(F.layer_norm(torch.einsum("i,ibn->bn", read, lanes), (64,)))
            lanes = torch.einsum("ij,jbn->ibn", mix, lanes) + write[:, None, None] * out
        return self.head(lanes.mean(0))

# %%
roads = {"one lane": NormedNet(50, "pre", **f32), "four, mixing fixed": HyperNet(50, **f32),
         "four lanes": HyperNet(50, **f32)}
roads["four, mixing fixed"].mixing.requires_grad_(False)
apart = (roads["four lanes"](x32[:64]) - roads["one lane"](x32[:64])).abs().max().item()
claim("C6.11", f"four lanes change nothing at first: outputs apart by {apart:.0e}", apart < 1e-4)

# %%
hyper_runs = race(roads, x32, y, steps=100, lr=0.03, live="bar")
late = {name: sum(run.loss[-10:]) / 10 for name, run in hyper_runs.items()}
product = torch.linalg.multi_dot(list(roads["four lanes"].mixing.detach().flip(0)))
gain = torch.linalg.matrix_norm(product, 2).item()
told = ", ".join(f"{name} {loss:.2f}" for name, loss in late.items())
claim("C6.11", f"50 blocks of width 64, 100 steps of SGD at 0.03: {told}; the product of all "
      f"mixing matrices has the norm {gain:.1f}",
      late["four lanes"] < 0.9 * min(late["one lane"], late["four, mixing fixed"]) and gain > 2,
      unless=hyper_runs, only=("rate", "optimizer", "budget"))

# %% [markdown]
# So it is the learned mixing that helps here, not the copies. Zhu et al. saw a gain in language models. But mixing gives up what made the
# skip safe: a product of fifty matrices stands on the road again, and it started at a norm of 1. **mHC** (DeepSeek, December 2025)
# therefore keeps each mixing matrix doubly stochastic, whose norm, and that of any product, is 1. (At a width of 32 it depends on
# the seed which net is lower.)
#
# ## The cube of causes
#
# Activation, weights, skip: each sick or cured, twenty layers. With $s = 1/\sqrt L$ on the branch, and as a ninth net the corner with all
# three cures and $s = 1$. Each at two rates.

# %%
def corner(activation, weights, skip):
    sigma_w = 0.5 if weights == "small" else {"sigmoid": 1.0, "relu": 2**0.5}[activation]
    scale = {"no skip": 1.0, "skip": 10**-0.5, "skip, s = 1": 1.0}[skip]
    return ResidualNet(10, activation=activation, sigma_w=sigma_w, carry=skip != "no skip",
                       scale=scale, **f32)

corners = [(activation, weights, skip) for skip in ("no skip", "skip")
           for activation in ("sigmoid", "relu") for weights in ("small", "usual")]
corners.append(("relu", "usual", "skip, s = 1"))

def all_corners():
    return {", ".join(names): corner(*names) for names in corners}

ends, cube_runs = at_rates(all_corners, (0.001, 0.01), 150)

# %%
def cube(axes):
    for ax, i, rate in zip(axes, (0, 1), (0.001, 0.01)):
        at_rate = {name: losses[i] for name, losses in ends.items()}
        plots.draw_bars(ax, at_rate, xlabel=f"loss after 150 steps at {rate}", form="{:.2f}")
    axes[1].set_yticklabels([])

show(cube, panels=2, size=(10, 4.4))

# %%
best = at_best(ends)
with_skip = [loss for name, loss in best.items()
             if name.endswith(" skip") and "no skip" not in name]
without = [loss for name, loss in best.items()
           if "no skip" in name and name != "relu, usual, no skip"]
claim("C6.03", "150 steps of SGD at the better of the rates 0.001 and 0.01: the four corners with "
      f"a skip reach {max(with_skip):.2f} or less, three of the four without {min(without):.2f} or "
      "more", max(with_skip) < 1.8 and min(without) > 2.2,
      unless=cube_runs, only=("rate", "optimizer", "budget"))

# %% [markdown]
# At twenty layers the ninth net is touchy rather than sick: at 0.001 its loss falls, slowly, and at 0.01 it depends on the seed whether it does. At
# a hundred layers it overflows at every rate that was tried, down to 0.00001.
#
# ## One idea, over depth and over time
#
# | | | what is kept | when |
# |---|---|---|---|
# | LSTM | $c_t = f \odot c_{t-1} + i \odot g$ | $f$ | 1997 (without $f$: it was 1), 1999 |
# | highway net | $y = (1 - t) \odot x + t \odot H$ | $1 - t$ | May 2015 |
# | residual net | $y = x + F(x)$ | 1 | December 2015 |
#
# An LSTM does over *time* what the others do over *depth*. The gradient along the direct path is the product of what is kept:

# %% tags=["nbval-check-output"]
paths = {"residual net": (1.0, 1.0), "highway, t = 0.05": (0.95, 0.05),
         "LSTM, f = 0.95, i = 1": (0.95, 1.0),
         "LSTM of 1997, f = 1": (1.0, 0.3)}      # what is kept, and what is added

def direct(c, keep, add):
    return keep * c + add

kept = {name: through(direct, 50, *factors) for name, factors in paths.items()}
told = ", ".join(f"{name}: {left:.3f}" for name, left in kept.items())
claim("C6.17", f"left after 50 layers or steps: {told}",
      kept["highway, t = 0.05"] == kept["LSTM, f = 0.95, i = 1"] and
      abs(kept["highway, t = 0.05"] - 0.95**50) < 1e-12 and
      kept["residual net"] == kept["LSTM of 1997, f = 1"] == 1)

# %% [markdown] tags=["claim-C6.05", "claim-C6.06", "claim-C6.10"]
# ResNet was not the first skip, then. It is the one without a gate. (Plain shortcuts from layer to layer are older than all of these.)
#
# ## The records, and what they count
#
# | net | layers | error | of what |
# |---|---|---|---|
# | ResNet, ensemble (ILSVRC 2015, first place) | up to 152 | 3.57&nbsp;% | ImageNet *test*, top-5 |
# | ResNet-152 alone | 152 | 4.49&nbsp;% | ImageNet *validation*, top-5 |
# | ResNet, same paper | 110 | 6.43&nbsp;% | CIFAR-10 test |
# | ResNet, same paper | 1,202 | 7.93&nbsp;% | CIFAR-10 test: trained without trouble, *worse* than 110 (overfitting) |
# | pre-activation ResNet | 1,001 | 4.62&nbsp;% | CIFAR-10 test, a few months later |
# | highway nets, abstract | "hundreds" | | the often quoted 900 layers are a test of optimization |
#
# "ResNet made 1,000 layers possible" joins two things: they *could be trained* in the first paper, and became *useful* in the second. (The
# CIFAR figures and the 900 layers are quoted and could not be checked here.)
#
# ## A second patient

# %%
clinic.chart(chapter06.SECOND_PATIENT, "gradient", "update / weight", "std of z", "dead")

# %%
diagnosis = ...
display(clinic.name_disease(chapter06.SECOND_PATIENT, diagnosis))
prescription = ...
display(clinic.treat(chapter06.SECOND_PATIENT, prescription))
clinic.second_opinion(chapter06.SECOND_PATIENT, diagnosis)

# %% [markdown]
# ## Quiz

# %%
print(quiz.sheet(chapter06.QUIZ))

# %%
answers = {
    "identity": ...,
    "explosion": ...,
    "gate": ...,
    "delete": ...,
    "transformer": ...,
}
quiz.grade(chapter06.QUIZ, answers)

# %% [markdown]
# ## Sources
#
# - Srivastava, Greff, Schmidhuber 2015, *Highway networks*, arXiv 1505.00387; *Training very deep networks*, NeurIPS
# - He, Zhang, Ren, Sun 2016a, *Deep residual learning for image recognition*, CVPR; 2016b, *Identity mappings in deep residual
#   networks*, ECCV, arXiv 1603.05027
# - Veit, Wilber, Belongie 2016, *Residual networks behave like ensembles of relatively shallow networks*, NeurIPS
# - Huang et al. 2016, *Deep networks with stochastic depth*, ECCV; Huang et al. 2017, *DenseNet*, CVPR
# - Balduzzi et al. 2017, *The shattered gradients problem*, ICML
# - Hanin, Nica 2018, *Products of many large random matrices and gradients in deep neural networks*, arXiv 1812.05994
# - Pennington, Schoenholz, Ganguli 2017, *Resurrecting the sigmoid*, NeurIPS; Xiao et al. 2018, *Dynamical isometry and a mean field theory
#   of CNNs*, ICML
# - Vaswani et al. 2017, *Attention is all you need*, NeurIPS; Henry et al. 2020, *Query-key normalization for Transformers*, EMNLP Findings
# - Zhang, Dauphin, Ma 2019, *Fixup initialization*, ICLR; Bachlechner et al. 2020, *ReZero is all you need*, arXiv 2003.04887
# - Yang et al. 2019, *A mean field theory of batch normalization*, ICLR
# - Xiong et al. 2020, *On layer normalization in the Transformer architecture*, ICML; Liu et al. 2020, *Understanding the difficulty of
#   training transformers*, EMNLP
# - Dong, Cordonnier, Loukas 2021, *Attention is not all you need*, ICML; Touvron et al. 2021, *Going deeper with image Transformers* (LayerScale)
# - Wang et al. 2022, *DeepNet: scaling Transformers to 1,000 layers*, arXiv 2203.00555; Zhu et al. 2024, *Hyper-connections*, arXiv
#   2409.19606; Xie et al. 2025, *mHC: Manifold-constrained hyper-connections*, arXiv 2512.24880
