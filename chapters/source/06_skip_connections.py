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
# # 6 · Skip connections: why is even a healthy chain too long?
#
# The activation is good, and the weights are good: ReLU with He's weights. Is a net of a hundred layers then as easy to train as
# one of twenty? You will guess, measure it, and find the reason. In the end a thousand layers learn while you watch.
#
# You need chapter 1's step back, weights times slopes, and He's weights from chapter 2, which keep the mean square of a signal.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: the activation is good, the weights are good. What can still go wrong? One line of code will mend it.

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from torch.nn import functional as F
from utils import NormedNet, ResidualNet, blocks, chapter06, claim, clinic, datasets, explore
from utils import plots, predict, race, show

torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()        # x is (1437, 64): a row for each digit

# %% [markdown] slideshow={"slide_type": "slide"}
# ## More layers
#
# Take plain nets of 20, 56 and 100 ReLU layers with 64 units each. Every depth is trained at two learning rates, on the
# same batches, and the better result counts. (The course groups layers by two, as **blocks**.) <!-- term: Of a deep net: a few
# layers that a skip goes around together; here two. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5 / 0.5
# Say: each depth has two learning rates to choose from, and the better result counts: deep nets are not treated unfairly.

# %% slideshow={"slide_type": "skip"}
depths, rates = (20, 56, 100), (0.003, 0.01)

def train(kinds):                # name -> settings; each at every rate: name -> loss at the end
    nets = {(name, lr): ResidualNet(width=64, dtype=torch.float32, **settings)
            for name, settings in kinds.items() for lr in rates}
    runs = race(nets, x.float(), y, steps=100, lr={key: key[1] for key in nets}, live="bar")
    ends = {key: torch.tensor(run.loss[-10:]).mean().nan_to_num(torch.inf, torch.inf).item()
            for key, run in runs.items()}
    return runs, ends

plain_runs, ends = train({depth: {"blocks": depth // 2, "carry": 0} for depth in depths})
best = {depth: min(ends[depth, lr] for lr in rates) for depth in depths}

# %% slideshow={"slide_type": "subslide"}
def loss_by_depth(ax, guess=None):
    marks = {} if guess is None else {"your guess": [torch.nan, guess, torch.nan]}
    plots.draw_lines(ax, {"training loss": list(best.values())} | marks, depths,
                     ylabel="loss after 100 steps", limits=(0, 2.6))

predict(f"20 plain layers reach a training loss of {best[20]:.1f} in 100 steps. And 56 layers?",
        loss_by_depth, right=chapter06.RIGHT["56 layers"],
        guess=[(f"{best[20] / 2:.2f}", best[20] / 2), (f"{best[20]:.1f}", best[20]), ("2.0", 2.0)])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1.5
# Ask: 20 plain layers reach this training loss. And 56 layers?
# Expect: most hands for half of it; a few for overfitting, which is no answer about a training loss.
# Misconception: more layers can express more, so they cannot do worse on the data they are trained on.
# Answer: far worse. They could pass their input on unchanged, but gradient descent does not find that.

# %% [markdown] slideshow={"slide_type": "slide"}
# This is no overfitting, since it is the *training* loss. And a net of 56 layers can do all that 20 layers can: the other
# 36 would only have to pass their input on. In 100 steps it does not find that. He and his colleagues called this
# **degradation**. <!-- term: Of plain deep nets: with more layers the training loss gets worse, although more layers could do all
# that fewer can. -->
#
# ## Is the gradient gone?
#
# That is what we would suspect after chapter 1. Three functions measure it: the gradient at each place between the blocks, the
# mean square of the signal there, and the likeness, the mean cosine between two different digits. It is 1 when
# nothing tells them apart.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: is that the vanishing gradient of chapter 1 again?
# Expect: nearly all say yes.
# Answer: we measure it, between the blocks.

# %% slideshow={"slide_type": "skip"}
told = ", ".join(f"{depth}: {loss:.2f}" for depth, loss in best.items())
claim("C6.04", f"loss after 100 steps of SGD at the better of two rates, by layers: {told}",
      best[20] + 0.3 < best[56] < best[100] + 0.3, unless=plain_runs, only=("budget",))

def gradients(net, n=64):        # what reaches x_0, ..., x_L, the places between the blocks
    stream = net.stream(x[:n])
    found = torch.autograd.grad(F.cross_entropy(net.head(stream[-1]), y[:n]), stream)
    return torch.stack([g.norm() for g in found])

def sizes(net):                  # mean squares there
    return torch.stack([a.detach().square().mean() for a in net.stream(x[:64])])

def likeness(net):               # mean cosines between two digits there
    unit = [F.normalize(a.detach(), dim=1) for a in net.stream(x[:64])]
    return torch.stack([((u @ u.T).sum() - 64) / (64 * 63) for u in unit])

# %% [markdown] slideshow={"slide_type": "subslide"}
# A road from the input to the loss, with the blocks on it. What is wrong with the longer one?

# %%
def roads(ax, kinds):            # name -> how many blocks, carry, s
    nets = {name: ResidualNet(L, 64, carry=carry, scale=s) for name, (L, carry, s) in kinds.items()}
    found = {name: gradients(net) for name, net in nets.items()}
    cosines = {name: likeness(net) for name, net in nets.items()}
    return blocks.draw_roads(ax, found, cosines, [name for name in kinds if kinds[name][1]])

show(roads, size=(9, 3.8), kinds={"plain, 20 layers": (10, 0, 1), "plain, 100 layers": (50, 0, 1)})

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1.5
# Ask: what is wrong with the longer road?
# Expect: its gradient.
# Misconception: a gradient of healthy size means a healthy net.
# Answer: a few percent of the gradient arrive, where chapter 1's sigmoid would lose sixty powers of ten. But all digits look alike.
# Say: ink and thickness of the road count powers of ten, so four percent look nearly like the whole.

# %% slideshow={"slide_type": "skip"}
deep = [ResidualNet(50, 64, carry=0, seed=seed) for seed in range(3)]
left = [(g[0] / g[-1]).item() for g in map(gradients, deep)]
same = [likeness(net)[-1].item() for net in deep]
claim("C6.04", f"three plain nets of 100 layers: {min(left):.0%} of the gradient or more arrives; "
      f"cosine of two digits {min(same):.3f} or more", min(left) > 0.01 and min(same) > 0.98)

# %% [markdown] slideshow={"slide_type": "slide"}
# The gradient is not gone: here 4 % arrive, where a sigmoid net, with 0.23 a layer, would leave 1e-64. Look at the
# strips. Behind a hundred layers *all digits point in nearly the same direction*, and the readout has little to tell them apart by. (A
# net of width 128 gets all of the gradient, and learns hardly more in 100 steps; evidence.) A chain may be healthy in
# each link, and too long as a whole.
#
# ## One plus sign
#
# A layer that should do nothing must learn to copy its input. That is hard. What if it only had to *add* something to its
# input? Then doing nothing is easy: add zero. This is the **residual block** <!-- term: A block that adds what it computes to
# its input: x + F(x). --> $x_{l+1} = x_l + s\,F(x_l)$. We call $F$ the **branch**, <!-- term: Of a residual block: the F of x + F(x). -->
# and $s$ is a number that we choose later. The way past $F$ is the **skip**. <!-- term: A way past a layer or block, on which its input
# reaches the output unchanged. --> All skips in a row are the road, and what flows on it, $x_0, x_1, \dots, x_L$, is the
# **stream**. <!-- term: Of a residual net: what flows past its blocks, the x_l between them. -->
#
# In PyTorch it is a handful of lines, whatever $f$ is:

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: doing nothing is hard to learn for a layer that replaces its input, and easy for one that adds to it.

# %% tags=["slide-code"]
class Residual(nn.Module):
    def __init__(self, f, s=1.0):
        super().__init__()
        self.f, self.s = f, s

    def forward(self, x):
        return x + self.s * self.f(x)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### By hand
#
# What does the plus sign do to the gradient? Differentiate $x + sF(x)$: the Jacobian of a block is $I + sF'$. For $L$ blocks
# the chain rule multiplies $L$ of these. Our $F$ is ReLU, weights, ReLU, weights. So $F' = W_2 D_1 W_1 D_0$, to be read from right
# to left, where the $D$ hold the slopes, 0 or 1.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Ask: what is the derivative of x plus F of x?
# Expect: I plus F prime, from everyone.
# Say: now the product has an identity in each factor.

# %% tags=["claim-C6.01"]
f = ResidualNet(1, width=8).blocks[0]           # ReLU, W_1, ReLU, W_2
block, start = Residual(f, s=0.5), x[0, 20:28]
W_1, W_2 = f[1].weight, f[3].weight
D_0 = torch.diag((start > 0).double())
D_1 = torch.diag((W_1 @ start.relu() > 0).double())
by_hand = torch.eye(8) + 0.5 * W_2 @ D_1 @ W_1 @ D_0
assert torch.allclose(by_hand, torch.autograd.functional.jacobian(block, start))

# %% [markdown] slideshow={"slide_type": "slide"}
# There is an $I$ in each factor. "So the gradient cannot vanish", one often reads. But a branch can work against the $I$: with
# $sF(x) = -\frac12 x$ each block halves the gradient. What the $I$ does give is this: as long as the branches are *small*, the
# product stays near $I$. How small must they be?
#
# ## How large may a branch be?
#
# He's weights make a branch that keeps the mean square of its input. The signs of its last weights are random, so that its output
# has nothing in common with the input at the start. Two such signals add up like the sides of a right triangle, by their squares:
#
# $$E\,x_{l+1}^2 \;=\; E\,x_l^2 + s^2\,E\,F(x_l)^2 \;=\; (1 + s^2)\; E\,x_l^2$$
#
# *Try:* $s = 1$ and 60 blocks.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: two uncorrelated signals add by their squares. With s = 1 each block doubles both signal and gradient.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Which $s$ keeps 60 blocks below a factor of 3?

# %%
def size_of_the_stream(axes, L=20, s=1.0):
    square = sizes(ResidualNet(L, 128, scale=s))
    blocks.draw_block(axes[0], 1.0, 1.0, 1 + s**2, scale=s)
    theory = square[0] * (1 + s**2) ** torch.arange(L + 1)
    plots.draw_by_layer(axes[1], square[1:], theory[1:], quantity="mean square behind it")
    axes[1].set(xlim=(0, 62), ylim=(1e-1, 1e20), xlabel="block")
    return f"{1 + s**2:.3g} per block; {L} blocks: measured {square[-1] / square[0]:.1e}."

explore(size_of_the_stream, panels=(2, 1), size=(9, 5.6), L=(2, 60), s=(0.0, 1.0, 0.01))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1.5
# Do: L to 60 with s = 1, then look for the s that stays within a factor of 3: about 0.12 (theory 0.135).
# Ask: and a net of 600 blocks?
# Answer: 0.04. The product of s squared and L counts.

# %% slideshow={"slide_type": "skip"}
def growth(L, s):                # of the mean square, from the first block to the last
    square = sizes(ResidualNet(L, 128, scale=s))
    return (square[-1] / square[0]).item()

loud, tamed = growth(20, 1.0), [growth(L, L**-0.5) for L in (5, 20, 50)]
told = ", ".join(f"{factor:.1f}" for factor in tamed)
claim("C6.03", f"s = 1: 20 blocks multiply the mean square by {loud:.0e} (theory 1e+06); "
      f"s = 1/√L: 5, 20, 50 blocks by {told}",
      1e5 < loud < 1e7 and min(tamed) > 2 and max(tamed) < 4)

# %% [markdown] slideshow={"slide_type": "slide"}
# With $s = 1$ every block doubles the mean square, and twenty blocks make a million of it. Take $s = 1/\sqrt L$ instead. Then theory's
# $(1 + 1/L)^L$ stays below $e = 2.72$, **whatever the depth**. Single nets scatter around it.
#
# ### The same in GPT-2
#
# GPT-2 multiplies the last weights of each branch by $1/\sqrt{2L}$ at the start, since each of its $L$ layers adds
# two branches. Other nets start the branch at zero, or let it learn its factor from zero on (evidence).
#
# ## Does it matter?
#
# The remedy has two parts, the plus sign and the number $s$. Do we need both? Here are four nets of 100 layers: neither part, each
# alone, and both. They have the same width, the same random matrices and the same batches, and all are trained at both rates. A
# fifth net, "x alone", has no blocks, only the first weights, a ReLU and the readout. It shows what the blocks add. Decide
# first: which of the nets will learn?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1.5
# Say: with s = 1 over the root of L the product never exceeds e, at any depth; GPT-2's rule is the same.
# Ask: two parts, so two controls. Which of the four nets learn?
# Expect: the plus sign alone will do.

# %% slideshow={"slide_type": "skip"}
L = 50                           # each net: carry x + s F(x), here (carry, s)
kinds = {"x + F, s = 1": (1, 1), "F alone, s = 1/√L": (0, L**-0.5), "x + F, s = 1/√L": (1, L**-0.5)}
settings = {name: {"blocks": L, "carry": carry, "scale": s} for name, (carry, s) in kinds.items()}
runs, found = train(settings | {"x alone": {"blocks": 1, "scale": 0.0}})
found |= {("F alone, s = 1", lr): ends[100, lr] for lr in rates}
names = ("F alone, s = 1", "F alone, s = 1/√L", "x + F, s = 1", "x + F, s = 1/√L", "x alone")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Neither part, each alone, both, and no blocks at all: which of the nets learn?

# %%
def five_nets(axes):
    for ax, lr in zip(axes, rates):
        losses = {name: min(found[name, lr], 99.0) for name in names}
        lost = [name for name in names if losses[name] == 99]
        plots.draw_bars(ax, losses, xlabel=f"loss, rate {lr}", form="{:.2f}", marks=lost)
        ax.set_xlim(0, 3)
    axes[1].set_yticklabels([])
    return "Hatched, over the whole width: the net overflowed."

show(five_nets, panels=2)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: count hands for each net; one more key shows the bars.
# Answer: only both together. The plus sign alone overflows at once; the small s alone starves the signal, which shrinks by s in
# every block. Without any layers the net learns, too, and less well.

# %% [markdown] slideshow={"slide_type": "slide"}
# Neither half heals alone. The plus sign alone overflows. The small $s$ alone lets nothing through. Together they train
# a hundred layers better than twenty plain ones, and better than no blocks.
#
# ### The digits again
#
# What became of the digits that all looked the same?
#
# *Try:* (1) $L = 100$. (2) $s = 0.5$. What does the gradient do now? (Orange: more than ten times the last one.)

# %%
both, alone = ([found[name, lr] for lr in rates] for name in names[3:])
others = min(found[name, lr] for name in names[:3] for lr in rates)
claim("C6.04", f"100 steps of SGD at rates 0.003 and 0.01: both parts reach {both[0]:.2f} and "
      f"{both[1]:.2f}, no blocks {alone[0]:.2f} and {alone[1]:.2f}, the others {others:.1f} and up",
      max(both) < best[20] and others > 1.5 and both[0] < alone[0] and both[1] < alone[1],
      unless=[runs, plain_runs], only=("budget", "rate"))

def both_roads(ax, L=50, s=0.14):
    return roads(ax, {f"plain, {2 * L} layers": (L, 0, 1), f"residual, s = {s:.2f}": (L, 1, s)})

explore(both_roads, size=(9, 3.8), L=(5, 100, 5), s=(0.02, 0.5, 0.02))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: the blocks now stand beside the road. The digits are still told apart at its end.
# Do: s to 0.5 at L = 50: the road turns orange.

# %% [markdown] slideshow={"slide_type": "slide"}
# The road now passes the blocks by. No gradient is lost on it, and at its end the digits still differ. With $s = 0.5$
# the gradient explodes, and the digits become more alike.
#
# ## $2^L$ paths
#
# Multiply out $(I + sF'_3)(I + sF'_2)(I + sF'_1)$, and you get eight terms. Each is a path: through a block or around it, three
# times. So $L$ blocks have $2^L$ paths, and the road around all of them is just one. Which of them bring the gradient, the short ones
# or the long ones?
#
# A path through $k$ blocks is multiplied $k$ times by about $s$. Different paths point in random directions, so their squares add up.
# There are $\binom Lk$ paths of length $k$, and together they bring $\binom Lk s^{2k}$ of the squared gradient: if $s < 1$, few strong
# short paths and many weak long ones.
#
# *Try:* (1) $s = 1$. How long are the paths that count? (2) $s = 0.15$, which is about $1/\sqrt{54}$.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Ask: which paths carry the gradient, the short ones or those of middle length?
# Expect: the shortest, since it has no factor to lose by.
# Answer: it depends on s. It is a coin toss for each block, and s says how fair the coin is.

# %% slideshow={"slide_type": "skip"}
def by_length(net, n=32):        # the gradient at x_0, by the blocks on its paths
    stream = net.stream(x[:n])
    loss = F.cross_entropy(net.head(stream[-1]), y[:n])
    parts = torch.zeros(len(stream), *stream[0].shape, dtype=x.dtype)     # row k: paths of k blocks
    parts[0] = torch.autograd.grad(loss, stream[-1], retain_graph=True)[0]
    for branch, a in zip(reversed(net.blocks), reversed(stream[:-1])):
        a = a.detach().requires_grad_()
        (through,) = torch.autograd.grad(net.scale * branch(a), a, parts, is_grads_batched=True)
        parts[1:] += through[:-1]               # one block longer; the rest goes around
    return parts.square().sum((1, 2)) / parts.square().sum()

k = torch.arange(55.0, dtype=torch.float64)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Left: all paths of three blocks. Right: the sums for 54 blocks, measured and in theory. Which paths bring the gradient: the
# short ones or the long ones?

# %%
def paths(axes, s=1.0):
    share, p = by_length(ResidualNet(54, scale=s)), torch.tensor(s**2 / (1 + s**2)).double()
    binomial = torch.distributions.Binomial(54, p).log_prob(k).exp()
    blocks.draw_paths(axes[0], 3, s)
    plots.draw_lines(axes[1], {"measured": share, "theory": binomial}, k, markers=False,
                     limits=(0, 0.6), xlabel="blocks on the path", ylabel="share")
    return f"s = {s:.2f}: mean length {(share * k).sum():.1f} of 54 blocks."

explore(paths, panels=2, size=(10, 4), s=(0.1, 1.0, 0.05))
lengths = [(by_length(ResidualNet(54, scale=s)) * k).sum().item() for s in (1.0, 54**-0.5)]
claim("C6.02", f"mean length of the paths that bring it: {lengths[0]:.0f} of 54 blocks with s = 1, "
      f"{lengths[1]:.1f} with s = 1/√54 (theory 27 and 0.98)",
      abs(lengths[0] - 27) < 7 and abs(lengths[1] - 0.98) < 0.5)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5
# Do: s = 1, then 0.15.
# Answer: with s = 1 about half of the blocks; with one over the root of L about one block of 54.

# %% [markdown] slideshow={"slide_type": "slide"}
# With $s = 1$ the middle wins: paths of about 25 blocks. With $s = 1/\sqrt L$ the gradient comes along paths of about *one* block.
# So this kind of net, which trains well, is at its start hardly deep.
#
# ## Where does the norm go?
#
# In today's nets a layer norm (chapter 5) sets the size of the branch: it gives the features of each sample mean 0 and variance 1. It may
# stand in two places. **Pre-norm** <!-- term: A residual block with the norm at the entrance of its branch: x + F(norm(x)). --> puts it
# into the branch, $x + F(\mathrm{norm}(x))$. **Post-norm** <!-- term: A residual block with the norm on the road, behind the sum:
# norm(x + F(x)). --> puts it on the road, $\mathrm{norm}(x + F(x))$, as the first Transformer did.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: where would you put the norm: into the branch, or on the road?
# Expect: no preference.

# %% [markdown] slideshow={"slide_type": "subslide"}
# The wires are as thick as the size of what they carry. *Try:* move $L$ from 2 to 100. How does the size of the stream
# grow? What becomes of the digits? Which of the two is still a skip?

# %%
def two_places(axes, L=12):
    nets = {"pre-norm": NormedNet(L, "pre"), "post-norm": NormedNet(L, "post")}
    square = {name: sizes(net) for name, net in nets.items()}
    cosine = {name: likeness(net) for name, net in nets.items()}
    for ax, name in zip(axes[0], nets):
        blocks.draw_norm(ax, name, *square[name][-2:])
    plots.draw_lines(axes[1][0], square, range(L + 1), xlabel="block", ylabel="mean square",
                     markers=False)
    plots.draw_lines(axes[1][1], cosine, range(L + 1), xlabel="block",
                     ylabel="cosine of two digits", markers=False, limits=(0, 1.05))

explore(two_places, panels=(2, 2), size=(10, 5.4), L=(2, 100))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3.5 / 2
# Ask: which of the two is still a skip?
# Do: L from 2 to 100.
# Answer: pre-norm. Its stream grows by one for each block. Post-norm halves what is old in every block, and at depth is a plain net again.

# %% slideshow={"slide_type": "skip"}
chains = {(place, L): NormedNet(L, place) for place in ("pre", "post") for L in (50, 100)}
square = [sizes(chains["pre", L])[-1].item() for L in (50, 100)]
same = [likeness(chains[place, 50])[-1].item() for place in ("pre", "post")]
nets = {place: NormedNet(50, place, dtype=torch.float32) for place in ("pre", "post")}
normed = race(nets, x.float(), y, steps=60, lr=0.01, title="100 layers, norm in front and behind")
right = {name: run.accuracy for name, run in normed.items()}
claim("C6.03", f"pre-norm: mean square {square[0]:.0f} after 50 blocks, {square[1]:.0f} after 100",
      30 < square[0] < 70 and 60 < square[1] < 140, unless=normed)
claim("C6.13", f"pre-norm and post-norm: cosine of two digits {same[0]:.2f} and {same[1]:.2f}; "
      f"60 steps of SGD at 0.01: {right['pre']:.0%} and {right['post']:.0%} right",
      same[0] < 0.9 and same[1] > 0.96 and right["pre"] > right["post"] + 0.3, unless=normed,
      only=("rate", "optimizer"))

# %% [markdown] slideshow={"slide_type": "slide"}
# With pre-norm every branch adds 1 to the mean square, so the stream grows *linearly*: by a factor of 51 in 50 blocks, not of
# $2^{50}$ and not of $e$. The road stays free. With post-norm the size is always 1, and the digits merge as they do in a plain net.
#
# ### The price of post-norm
#
# The norm on the road divides what is old and what is new alike, by $\sqrt2$. After ten blocks a thousandth of the first
# signal's mean square is left. Within 60 steps of SGD at 0.01 it does not learn. With smaller steps it learns, slowly, and a warm-up of the rate helps (evidence,
# with a real Transformer). It is one reason why most large language models have the norm in front.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: the norm on the road halves what is old in every block. Pre-norm leaves the road free.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One thousand layers
#
# Nothing in $(1 + 1/L)^L < e$ cares for $L$. So: 500 blocks, 1,000 layers of 32 units. Beside them "x alone", as before. Which of the two will be
# lower after 60 steps?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: nothing in that bound knew the depth. So let us take it at its word.

# %%
L = 500
giants = {"x alone": ResidualNet(1, scale=0.0, dtype=torch.float32),
          "1,000 layers": ResidualNet(L, scale=L**-0.5, dtype=torch.float32)}
giant_runs = race(giants, x.float(), y, steps=60, lr=0.01, title="1,000 layers")
ends = {name: sum(run.loss[-5:]) / 5 for name, run in giant_runs.items()}
claim("C6.06", f"60 steps of SGD at 0.01: 1,000 layers reach {ends['1,000 layers']:.2f}, no blocks "
      f"{ends['x alone']:.2f}", ends["1,000 layers"] < ends["x alone"], unless=giant_runs,
      only=("rate", "optimizer", "budget"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Do: run it live, one core. Stop it when the line of the thousand layers is down.

# %% [markdown] slideshow={"slide_type": "slide"}
# A thousand layers learn, in 60 steps at this rate more than no blocks.
#
# ### How wide would a thousand *plain* layers have to be?
#
# Each layer has some luck: take two
# factors, ½ and 1½. Their mean is 1, and their product ¾. So a long product of lucky factors is mostly small, although He's weights keep
# its mean. In wide layers there is less luck, and some 1,250 units a layer would keep a third of the gradient (evidence). The digits
# would merge all the same (chapter 5). With skips, 32 units are enough.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: how wide must a plain net of 1,000 layers be to keep a third of its gradient?
# Answer: some 1,250 units. With skips 32 are enough.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The clinic: your sixth patient
#
# (A second one waits in the evidence.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Ask: name the disease from the table. In the notebook the road stands below it.
# Answer: the digits merge on the way; the dead units are a symptom. Only the plus sign and the small s together cure it.

# %%
clinic.chart(chapter06.PATIENT, "gradient", "update / weight", "std of z", "dead")

# %% slideshow={"slide_type": "skip"}
net = chapter06.PATIENT.make()
show(blocks.draw_roads, {"patient": gradients(net)}, {"patient": likeness(net)}, size=(9, 2.4))
# Run the cell to see the choices, and put yours in the place of the dots: the diagnosis ...
diagnosis = ...
display(clinic.name_disease(chapter06.PATIENT, diagnosis))
# ... and then the treatment.
prescription = ...
display(clinic.treat(chapter06.PATIENT, prescription))
# `diagnose` looks at one layer after the other. What will it find?
clinic.second_opinion(chapter06.PATIENT, diagnosis)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### 1. The Jacobian of a residual net
#
# `stream_jacobian(branches)`: given the Jacobians $F'_0, \dots, F'_{L-1}$ of the branches, stacked as (L, n, n), return
# $\partial x_L/\partial x_0$, of shape (n, n).
#
# <details><summary>Hint</summary>
#
# Begin with the identity and multiply one factor after the other. On which side does the next one go?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def stream_jacobian(branches):
#     I = torch.eye(branches.shape[-1], dtype=branches.dtype)
#     total = I
#     for branch in branches:
#         total = (I + branch) @ total
#     return total
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def stream_jacobian(branches):
    """(L, n, n) -> (n, n)."""
    ...

chapter06.check_stream_jacobian(stream_jacobian)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 2. How loud may a branch be?
#
# `branch_scale(blocks, growth)`: with which $s$ do `blocks` branches of unit gain multiply the mean square by `growth` in
# all? Two numbers in, a number out.
#
# <details><summary>Hint</summary>
#
# $(1 + s^2)^L = $ growth. Solve for $s$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def branch_scale(blocks, growth):
#     return (growth ** (1 / blocks) - 1) ** 0.5
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def branch_scale(blocks, growth):
    """Two numbers -> the scale s."""
    ...

chapter06.check_branch_scale(branch_scale)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 3. Make it train
#
# Fifty blocks of two ReLU layers, joined like this, are a plain net of 100 layers that stays near chance:
# `for block in blocks: x = block(x)`. Write `through(x, blocks)` so that it learns. `x` is (B, n), each block maps (B, n) to
# (B, n) and has He's weights. The check trains your net for 60 steps on the digits.
#
# <details><summary>Hint</summary>
#
# Add. And fifty branches of unit gain are too loud.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def through(x, blocks):
#     for block in blocks:
#         x = x + block(x) / len(blocks) ** 0.5
#     return x
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def through(x, blocks):
    """x (B, n) and a list of blocks -> (B, n)."""
    ...

chapter06.check_through(through)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - A plain chain of a hundred ReLU layers degrades although some gradient gets through: it makes all inputs look alike.
# - $x + sF(x)$ has the Jacobian $I + sF'$. With $s = 1$ the mean square doubles in every block. With $s = 1/\sqrt L$ it grows by a factor
#   of about $e$, whatever the depth. In a hundred layers neither plus sign nor small $s$ helps alone.
# - Keep the road free. A norm belongs in the branch; there the stream grows linearly.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: three sentences to take home.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Take it home
#
# A pre-norm block in plain PyTorch. The norm makes fifty of them trainable, and GPT-2's factor keeps the stream at its size. The last
# line prints its mean square, which was 1 at the start. What is it without the factor?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: a dozen lines for your own net; they are in the notebook.

# %% tags=["take-home"]
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, n, blocks):
        super().__init__()
        self.f = nn.Sequential(nn.LayerNorm(n), nn.Linear(n, 4 * n), nn.GELU(), nn.Linear(4 * n, n))
        self.f[-1].weight.data *= blocks**-0.5  # s, put into the last weights

    def forward(self, x):
        return x + self.f(x)

torch.manual_seed(0)
net = nn.Sequential(*(Block(64, 50) for _ in range(50)), nn.LayerNorm(64), nn.Linear(64, 10))
print(net[:50](torch.randn(128, 64)).square().mean().item())

# %% [markdown] slideshow={"slide_type": "skip"}
# A recurrent net is a chain that is longer than any net is deep, and it multiplies by the *same* matrix at every step. Chapter 7
# puts the skip into time, where it is older than here. Highway nets, DenseNet, stochastic depth, ReZero, shattered gradients, what
# happens when you delete blocks, a real Transformer, and the records with their sources: see the
# [evidence](evidence/06_skip_connections.ipynb).
#
# ## References
#
# - He, Zhang, Ren, Sun 2016, *Deep residual learning for image recognition*, CVPR: degradation, the block
# - Veit, Wilber, Belongie 2016, *Residual networks behave like ensembles of relatively shallow networks*, NeurIPS: paths
# - Radford et al. 2019, *Language models are unsupervised multitask learners*: GPT-2
# - Xiong et al. 2020, *On layer normalization in the Transformer architecture*, ICML
