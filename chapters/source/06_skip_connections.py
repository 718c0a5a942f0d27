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
# The activation is good, and the weights are good: ReLU with He's weights. The gradient gets through. And still a hundred
# layers do not learn what twenty layers learn easily. You will see why, and heal them with one plus sign and one number.
# In the end a thousand layers learn while you watch.
#
# You need the product of Jacobians from chapter 1, and He's weights from chapter 2, which keep the mean square of a signal.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: the activation is good, the weights are good, and still a hundred layers do not learn. One plus sign mends it.

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from torch.nn import functional as F
from utils import NormedNet, ResidualNet, blocks, chapter06, claim, clinic, datasets, explore
from utils import plots, predict, race, show, style

torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()        # x is (1437, 64): a row for each digit

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Deeper is worse
#
# Here are plain nets of 20, 56 and 100 ReLU layers with 64 units each. Every depth is trained at two learning rates, on the
# same batches, and the better result counts. (The course groups layers by two, as **blocks** <!-- term: Of a deep net: a few
# layers that a skip goes around together; here two. -->.)

# %% slideshow={"slide_type": "skip"}
depths, rates = (20, 56, 100), (0.003, 0.01)

def train(kinds):                # name -> settings; each at every rate: name -> loss at the end
    nets = {(name, lr): ResidualNet(width=64, dtype=torch.float32, **settings)
            for name, settings in kinds.items() for lr in rates}
    runs = race(nets, x.float(), y, steps=100, lr={key: key[1] for key in nets}, live="bar")
    ends = {key: torch.tensor(run.loss[-10:]).mean().nan_to_num(torch.inf).item()
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
        guess=[("half of it: more layers can do more", best[20] / 2), ("the same", best[20]),
               ("1.9: far worse", 1.9), ("2.3: no better than guessing", 2.3)])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: 20 plain layers reach this training loss. And 56 layers?
# Expect: most hands for the half; a few for overfitting, which is no answer about a training loss.
# Misconception: more layers can express more, so they cannot do worse on the data they are trained on.
# Answer: far worse. They could pass their input on unchanged, but gradient descent does not find that.

# %% [markdown] slideshow={"slide_type": "slide"}
# This is no overfitting, since it is the *training* loss. And a net of 56 layers can do all that 20 layers can: the other
# 36 would only have to pass their input on. It does not find that. He and his colleagues called this
# **degradation** <!-- term: Of plain deep nets: with more layers the training loss gets worse, although more layers could do all
# that fewer can. -->.
#
# ## Is the gradient gone?
#
# That is what we would suspect after chapter 1. Three functions measure it: the gradient at each place between the blocks, the
# mean square of the signal there, and chapter 3's likeness, the mean cosine between two different digits. It is 1 when
# nothing tells them apart.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: is that the vanishing gradient of chapter 1 again?
# Expect: nearly all say yes.
# Answer: we measure it, between the blocks.

# %% slideshow={"slide_type": "skip"}
told = ", ".join(f"{depth}: {loss:.2f}" for depth, loss in best.items())
claim("C6.04", f"loss after 100 steps of SGD at the better of two rates, by layers: {told}",
      best[20] + 0.5 < best[56] < best[100] + 0.3, unless=plain_runs, only=("budget",))

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
# Answer: a few percent of the gradient arrive, where chapter 1's sigmoid would lose sixty decades. But all digits look alike.

# %% slideshow={"slide_type": "skip"}
deep = [ResidualNet(50, 64, carry=0, seed=seed) for seed in range(3)]
left = [(g[0] / g[-1]).item() for g in map(gradients, deep)]
same = [likeness(net)[-1].item() for net in deep]
claim("C6.04", f"three plain nets of 100 layers: {min(left):.0%} of the gradient or more arrives; "
      f"cosine of two digits {min(same):.3f} or more", min(left) > 0.01 and min(same) > 0.98)

# %% [markdown] slideshow={"slide_type": "slide"}
# The gradient is not gone. Some percent of it cross a hundred layers, of which a sigmoid net leaves 1e-64. Look at
# the strips instead. Behind a hundred layers *all digits point in the same direction*, and the readout has nothing to tell
# them apart by. So a chain may be healthy in each of its links, and too long as a whole.
#
# ## One plus sign
#
# A layer that should do nothing must learn to copy its input. That is hard. What if it only had to *add* something to its
# input? Then doing nothing is easy: add zero. This is the **residual block** <!-- term: A block that adds what it computes to
# its input: x + F(x). --> $x_{l+1} = x_l + s\,F(x_l)$. The way past $F$ is the **skip** <!-- term: A way past a layer or
# block, on which its input reaches the output unchanged. -->, and $s$ is a number that we choose later.
#
# In PyTorch it is five lines, whatever $f$ is:

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
# the chain rule multiplies $L$ of these. Our $F$ is ReLU, weights, ReLU, weights. So $F' = W_2 D_1 W_1 D_0$, where the
# $D$ hold the slopes, 0 or 1.

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
h = start = torch.ones(1, requires_grad=True)
for _ in range(20):
    h = Residual(lambda x: -x, s=0.5)(h)        # a branch that works against its input
(left,) = torch.autograd.grad(h, start)
claim("C6.01", f"twenty blocks with sF' = -1/2 leave {left.item():.0e}", left.item() < 1e-6)

# %% [markdown] slideshow={"slide_type": "slide"}
# There is an $I$ in each factor. "So the gradient cannot vanish", one often reads. The last line says otherwise: a branch
# can work against the $I$. What the $I$ does give is this: as long as the branches are *small*, the product stays near $I$.
# Small is the word to remember. How small?
#
# ## How large may a branch be?
#
# He's weights make a branch that keeps the mean square of its input. The signs of its last weights are random, so that its output
# has nothing in common with the input. Two such signals add up like the sides of a right triangle, by their squares:
#
# $$E\,x_{l+1}^2 \;=\; E\,x_l^2 + s^2\,E\,F(x_l)^2 \;=\; (1 + s^2)\; E\,x_l^2$$
#
# *Try:* (1) $s = 1$ and 60 blocks. (2) Which $s$ keeps 60 blocks below a factor of 3? (3) `carry` is a factor on the road. Set it
# and $s$ to 0.5, "the average of both". Which way does it go? (4) `carry` 0 is a plain net.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: two uncorrelated signals add by their squares. With s = 1 each block doubles both signal and gradient.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Which $s$ keeps 60 blocks below a factor of 3? What does the average of both do?

# %%
def size_of_the_stream(axes, L=20, s=1.0, carry=1.0):
    factor, square = carry**2 + s**2, sizes(ResidualNet(L, 128, scale=s, carry=carry))
    blocks.draw_block(axes[0], 1.0, 1.0, factor, carry=carry, scale=s)
    theory = square[0] * factor ** torch.arange(L + 1)
    plots.draw_by_layer(axes[1], square, theory, quantity="mean square of x")
    axes[1].set(xlim=(0, 62), ylim=(1e-20, 1e20), xlabel="block")
    return f"{factor:.3g} per block; {L} blocks: measured {square[-1] / square[0]:.1e}."

explore(size_of_the_stream, panels=(2, 1), size=(9, 5.6), L=(2, 60), s=(0.0, 1.5, 0.05),
        carry=[1.0, 0.5, 0.0])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: blocks to 60 with s = 1, then look for the s that stays within a factor of 3; then carry 0.5 and s = 0.5.
# Ask: what does the average of both do?
# Expect: it keeps the size.
# Answer: it halves the mean square in every block.

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
# With $s = 1$ every block doubles the mean square, and twenty blocks make a million of it. Take $s = 1/\sqrt L$ instead. Then
# $(1 + 1/L)^L$ stays below $e = 2.72$, **whatever the depth**. The gradient grows by the same factor on its way back.
#
# You may have met this number. GPT-2 multiplies the last weights of each branch by $1/\sqrt{2L}$ at the start. It is the
# same rule: each of its $L$ layers has two branches, attention and a small MLP, so that $2L$ branches are added up. Other nets
# start the branch at zero, or let it learn its factor from zero on (evidence).
#
# ## Does it matter?
#
# The remedy has two parts, the plus sign and the number $s$. So there are four nets of 100 layers: neither, each alone, and both.
# They have the same width, the same random matrices and the same batches, and all are trained at both rates. Which of the four will learn? Decide
# before you run it.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1.5
# Say: with s = 1 over the root of L the product never exceeds e, at any depth; GPT-2's rule is the same.
# Ask: two parts, so two controls. Which of the four nets learn?
# Expect: the plus sign alone will do.

# %%
L = 50
runs, found = train({"x + F, s = 1": {"blocks": L},
                     "x + F, s = 1/√L": {"blocks": L, "scale": L**-0.5},
                     "F alone, s = 1/√L": {"blocks": L, "carry": 0, "scale": L**-0.5}})
found |= {("F alone, s = 1", lr): ends[100, lr] for lr in rates}
names = ("F alone, s = 1", "F alone, s = 1/√L", "x + F, s = 1", "x + F, s = 1/√L")

def four_nets(axes):
    for ax, lr in zip(axes, rates):
        losses = {name: found[name, lr] for name in names}
        lost = [name for name in names if losses[name] == torch.inf]
        plots.draw_bars(ax, losses, xlabel=f"loss, rate {lr}", form="{:.2f}", marks=lost)
    axes[1].set_yticklabels([])
    return "inf: the net overflowed."

show(four_nets, panels=2)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: run the race live; it takes some seconds.
# Answer: only both together. The plus sign alone overflows at once; the small s alone starves the signal.

# %% [markdown] slideshow={"slide_type": "slide"}
# Neither half of the remedy is one. The plus sign alone overflows. The small $s$ alone starves the signal. Together they train
# a hundred layers better than twenty plain ones. And what became of the digits that all looked the same?
#
# *Try:* (1) $L = 100$. (2) $s = 0.5$. What does the gradient do now? (Orange is too much.)

# %%
both = [found["x + F, s = 1/√L", lr] for lr in rates]
others = [found[name, lr] for name in names[:3] for lr in rates]
claim("C6.04", f"100 steps of SGD at rates 0.003 and 0.01: both parts reach {both[0]:.2f} and "
      f"{both[1]:.2f}, the others stay above {min(others):.1f}",
      max(both) < 1 and min(others) > 1.5, unless=[runs, plain_runs], only=("budget", "rate"))

def both_roads(ax, L=50, s=0.14):
    return roads(ax, {f"plain, {2 * L} layers": (L, 0, 1), f"residual, s = {s:.2f}": (L, 1, s)})

explore(both_roads, size=(9, 3.8), L=(5, 100, 5), s=(0.02, 0.5, 0.02))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: the blocks now stand beside the road. The digits are still told apart at its end.
# Do: s to 0.5 at L = 50: the road turns orange.

# %% [markdown] slideshow={"slide_type": "slide"}
# The road now passes the blocks by. The gradient crosses it whole, and at its end the digits still differ. With a large $s$ there is
# too much of both: the gradient explodes, and the branches drown the road.
#
# ## $2^L$ paths
#
# Multiply out $(I + sF'_3)(I + sF'_2)(I + sF'_1)$, and you get eight terms. Each is a path: through a block or around it, three
# times. So $L$ blocks have $2^L$ paths, and the famous road that goes around all blocks is just one of them. Which of them bring
# the gradient, the short ones or the long ones?
#
# A path through $k$ blocks is multiplied by $s$ about $k$ times. But there are many more paths of middle length than short ones.
# The left picture shows all paths of three blocks, and the right one what the paths of each length bring in a net of 54 blocks:
# measured, and as theory has it, a binomial distribution with $p = s^2/(1+s^2)$.
#
# *Try:* (1) $s = 1$. How long are the paths that count? (2) $s = 0.15$, which is about $1/\sqrt{54}$.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5
# Ask: which paths carry the gradient, the short ones or those of middle length?
# Expect: the shortest, since it has no factor to lose by.
# Answer: it depends on s. It is a coin toss for each block, and s says how fair the coin is.

# %% slideshow={"slide_type": "skip"}
def by_length(net, n=32):        # the gradient at x_0, by the blocks on its paths
    stream = net.stream(x[:n])
    loss = F.cross_entropy(net.head(stream[-1]), y[:n])
    parts = torch.zeros(len(stream), *stream[0].shape, dtype=x.dtype)
    parts[0] = torch.autograd.grad(loss, stream[-1], retain_graph=True)[0]
    for branch, a in zip(reversed(net.blocks), reversed(stream[:-1])):
        a = a.detach().requires_grad_()
        (through,) = torch.autograd.grad(net.scale * branch(a), a, parts, is_grads_batched=True)
        parts[1:] += through[:-1]               # these are one block longer; the rest goes around
    return parts.square().sum((1, 2)) / parts.square().sum()

k = torch.arange(55.0, dtype=torch.float64)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Which paths bring the gradient: the short ones or the long ones?

# %%
def paths(axes, s=0.5):
    share, p = by_length(ResidualNet(54, scale=s)), torch.tensor(s**2 / (1 + s**2)).double()
    binomial = torch.distributions.Binomial(54, p).log_prob(k).exp()
    blocks.draw_paths(axes[0], 3, s)
    plots.draw_lines(axes[1], {"measured": share, "theory": binomial}, k, markers=False,
                     limits=(0, 1), xlabel="blocks on the path", ylabel="share")
    return f"s = {s:.2f}: mean length {(share * k).sum():.1f} of 54 blocks."

explore(paths, panels=2, size=(10, 4), s=(0.05, 1.0, 0.05))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5
# Do: s = 1, then 0.15.
# Answer: with s = 1 about half of the blocks; with one over the root of L about one block of 54.

# %% slideshow={"slide_type": "skip"}
lengths = [(by_length(ResidualNet(54, scale=s)) * k).sum().item() for s in (1.0, 54**-0.5)]
claim("C6.02", f"mean length of the paths that bring it: {lengths[0]:.0f} of 54 blocks with s = 1, "
      f"{lengths[1]:.1f} with s = 1/√54 (theory 27 and 0.98)",
      abs(lengths[0] - 27) < 7 and abs(lengths[1] - 0.98) < 0.5)

# %% [markdown] slideshow={"slide_type": "slide"}
# With $s = 1$ the middle wins: paths of some 27 blocks. With $s = 1/\sqrt L$ the gradient comes along paths of about *one* block.
# So a residual net that trains well is, at its start, hardly deep at all. It becomes as deep as it needs to be.
#
# ## Where does the norm go?
#
# In today's nets a layer norm sets the size of the branch. A **layer norm** <!-- term: A layer that shifts and scales each
# sample's features to mean 0 and variance 1. --> shifts and scales the features of each sample to mean 0 and variance 1. It may
# stand in two places. **Pre-norm** <!-- term: A residual block with the norm at the entrance of its branch: x + F(norm(x)). --> puts it
# into the branch, $x + F(\mathrm{norm}(x))$. **Post-norm** <!-- term: A residual block with the norm on the road, behind the sum:
# norm(x + F(x)). --> puts it on the road, $\mathrm{norm}(x + F(x))$, as the first Transformer did. The wires are as thick as the
# size of what they carry:

# %% [markdown] slideshow={"slide_type": "subslide"}
# *Try:* move $L$ from 2 to 100. How does the size of the stream grow? What becomes of the digits?

# %%
def two_places(axes, L=12):
    nets = {"pre-norm": NormedNet(L, "pre"), "post-norm": NormedNet(L, "post")}
    square = {name: sizes(net) for name, net in nets.items()}
    cosine = {name: likeness(net) for name, net in nets.items()}
    for ax, name in zip(axes[0], nets):
        blocks.draw_norm(ax, name, *square[name][-2:])
    for ax, lines, label in zip(axes[1], (square, cosine), ("mean square", "cosine of two digits")):
        plots.draw_lines(ax, lines, range(L + 1), xlabel="block", ylabel=label, markers=False)

explore(two_places, panels=(2, 2), size=(10, 5.4), L=(2, 100))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 2.5
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
      f"after 60 steps {right['pre']:.0%} and {right['post']:.0%} right",
      same[0] < 0.9 and same[1] > 0.96 and right["pre"] > right["post"] + 0.3, unless=normed)

# %% [markdown] slideshow={"slide_type": "slide"}
# With pre-norm every branch adds 1 to the mean square, so the stream grows *linearly*: by a factor of 51 in 50 blocks, not of
# $2^{50}$ and not of $e$. The road stays free. With post-norm the size is always 1. The price is that the norm divides what is old and
# what is new alike, by $\sqrt2$. After ten blocks a thousandth of the first signal's mean square is left, and the digits merge as
# they do in a plain net. So the norm on the road has closed it. Most large language models have the norm in front.
# (Shallow post-norm nets do train, deeper ones with a warm-up of the rate: see the evidence, with a real Transformer.)
#
# ## One thousand layers
#
# Nothing in $(1 + 1/L)^L < e$ cares for $L$. So: 500 blocks, 1,000 layers, plain and residual, 32 units wide.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: nothing in that bound knew the depth. So let us take it at its word.

# %%
L = 500
giants = {"plain": ResidualNet(L, carry=0, dtype=torch.float32),
          "residual": ResidualNet(L, scale=L**-0.5, dtype=torch.float32)}
giant_runs = race(giants, x.float(), y, steps=30, lr=0.01, title="1,000 layers")
ends = {name: sum(run.loss[-5:]) / 5 for name, run in giant_runs.items()}
claim("C6.06", f"1,000 layers after 30 steps at 0.01: loss {ends['residual']:.2f}, plain "
      f"{ends['plain']:.2f}", ends["residual"] < 1.7 and ends["plain"] > 2.2, unless=giant_runs,
      only=("rate",))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Do: run it live, one core. Stop it when the residual line is down.

# %% [markdown] slideshow={"slide_type": "slide"}
# A thousand layers learn. Why does the plain net not? A hundred plain layers had most of their gradient. Are a thousand too
# many for it? He's weights keep the *mean* of the squared gradient over many nets. But each layer multiplies by some luck of its
# own, and a product of lucky factors is lopsided: a few nets get much more, and the typical net gets less. Hanin and Nica (2018)
# found how much less. After $d$ layers of width $n$ the typical gradient is $e^{-\frac54 d/n}$. So only the number of layers per unit
# counts.

# %%
def narrow(ax):
    for d in (20, 60, 100):
        for n in (16, 32, 64):
            found = [gradients(ResidualNet(d // 2, n, carry=0, seed=seed), 16) for seed in range(4)]
            ax.plot([d / n] * 4, [g[0] / g[-1] for g in found], "o", color=style.MEASURED)
    per_unit = torch.linspace(0, 6.5, 50)
    ax.plot(per_unit, torch.exp(-1.25 * per_unit), color=style.THEORY)
    ax.set(yscale="log", xlabel="layers per unit, d / n", ylabel="gradient, first / last")

show(narrow, size=(8, 3.4))
g = [gradients(ResidualNet(L, carry=float(s < 1), scale=s), 16) for s in (1.0, L**-0.5)]
left = [(found[0] / found[-1]).item() for found in g]
claim("C6.06", f"1,000 layers of width 32 leave {left[0]:.0e} of the gradient (law 1e-17), and "
      f"{left[1]:.1f} with skips", 1e-24 < left[0] < 1e-11 and 1 < left[1] < 3)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Ask: how wide must a plain net of 1,000 layers be to keep a third of its gradient?
# Answer: some 1,250 units. With skips 32 are enough.

# %% [markdown] slideshow={"slide_type": "slide"}
# So at width 32 a thousand plain layers fail by vanishing, too. To keep a third of the gradient they would have to be 1,250 units
# wide. With skips 32 units are enough, because what a block multiplies by is close to 1, and so is its luck.
#
# ## The clinic: your sixth patient

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Ask: all instruments look well. Name the disease from this table alone.
# Answer: no skips, a chain that is too long. Only the plus sign and the small s together cure it.

# %%
instruments = ("gradient", "update / weight", "std of z", "dead")
clinic.chart(chapter06.PATIENT, *instruments)

# %% slideshow={"slide_type": "skip"}
# Run the cell to see the choices, and put yours in the place of the dots: the diagnosis ...
diagnosis = ...
display(clinic.name_disease(chapter06.PATIENT, diagnosis))
# ... and then the treatment.
prescription = ...
display(clinic.treat(chapter06.PATIENT, prescription))
# `diagnose` looks at one layer after the other. What will it find?
clinic.second_opinion(chapter06.PATIENT, diagnosis)

# %% slideshow={"slide_type": "skip"}
display(clinic.chart(chapter06.SECOND_PATIENT, *instruments))
second_diagnosis, second_prescription = ..., ...
display(clinic.name_disease(chapter06.SECOND_PATIENT, second_diagnosis))
clinic.treat(chapter06.SECOND_PATIENT, second_prescription)

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
# - A long plain chain degrades although its gradient gets through: it makes all inputs look alike.
# - $x + sF(x)$ has the Jacobian $I + sF'$. With $s = 1$ the mean square doubles in every block. With $s = 1/\sqrt L$ it stays
#   within a factor of $e$, whatever the depth. Neither the plus sign nor the small $s$ helps alone.
# - Keep the road free. A norm belongs into the branch; there the stream grows linearly.
# - Layers per unit decide how much gradient a plain net typically loses.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: three sentences to take home.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Take it home
#
# A pre-norm block in plain PyTorch, with GPT-2's factor on its last weights. Fifty of them train as they are.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: a dozen lines for your own net; they are in the notebook.

# %% tags=["take-home"] slideshow={"slide_type": "skip"}
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, width, blocks):
        super().__init__()
        self.f = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(),
                               nn.Linear(4 * width, width))
        self.f[-1].weight.data *= blocks**-0.5  # s, put into the last weights

    def forward(self, x):
        return x + self.f(x)

net = nn.Sequential(*(Block(64, 50) for _ in range(50)), nn.LayerNorm(64), nn.Linear(64, 10))

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
# - Hanin, Nica 2018, *Products of many large random matrices and gradients in deep neural networks*: the law of widths
# - Radford et al. 2019, *Language models are unsupervised multitask learners*: GPT-2
# - Xiong et al. 2020, *On layer normalization in the Transformer architecture*, ICML
