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
# **In one sentence:** a layer that *adds* to its input instead of replacing it leaves a path on which the gradient is
# multiplied by 1, and if what is added stays small enough, a thousand layers train within seconds.
#
# *60 minutes, or 25 without the exercises and the sections marked ☆. You need: chapter 1 (the product of Jacobians), and
# what He's weights are (chapter 2): a ReLU layer that keeps the mean square.*

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: the activation is good, the weights are good, and still a hundred layers do not learn. One plus sign mends it.

# %% slideshow={"slide_type": "skip"}
import torch
from torch.nn import functional as F
from utils import DenseNet, HighwayNet, ResidualNet, Transformer, chapter06, clinic, datasets, diagnose
from utils import explore, measure, plots, predict, quiz, race, show

# %% slideshow={"slide_type": "skip"}
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()
print(f"images {tuple(x.shape)}, labels {tuple(y.shape)}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## See it
#
# The activation is good (ReLU), the weights are good (He's), so the gradient keeps its level. What can still go wrong?
# Below are plain nets of 20, 56 and 100 layers. Each depth is trained at three learning rates, on the same batches, and
# the best of the three counts.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: each depth has three learning rates to choose from, and the best counts: the deep nets are not treated unfairly.

# %% slideshow={"slide_type": "skip"}
depths, rates = (20, 56, 100), (0.001, 0.003, 0.01)
plain_nets = {f"{depth} layers, {lr}": ResidualNet(depth // 2, carry=0) for depth in depths for lr in rates}
plain_runs = race(plain_nets, x, y, steps=200, lr=dict(zip(plain_nets, rates * 3)), live="bar",
                  title="Nine nets, whose curves wait for your guess")

def final_loss(run):
    return torch.tensor(run.loss[-20:]).mean().nan_to_num(torch.inf).item()

best = {depth: min(final_loss(plain_runs[f"{depth} layers, {lr}"]) for lr in rates) for depth in depths}

def loss_by_depth(ax, guess=None):
    marks = {} if guess is None else {"your guess": [torch.nan, guess, torch.nan]}
    plots.draw_lines(ax, {"training loss": list(best.values())} | marks, depths, xlabel="layers",
                     ylabel="loss after 200 steps", limits=(0, 2.6))
    return "; ".join(f"{depth} layers: {loss:.2f}" for depth, loss in best.items()) + " (guessing: 2.30)."

# %% slideshow={"slide_type": "subslide"}
predict(
    f"20 plain layers reach a training loss of {best[20]:.2f}. And 56 layers?",
    loss_by_depth,
    guess=[("half of it: more layers can do more", best[20] / 2), ("the same", best[20]),
           ("1.8: far worse", 1.8), ("2.3: no better than guessing", 2.3)],
    right=chapter06.RIGHT["56 layers"],
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1.5
# Ask: 20 plain layers reach this training loss. And 56 layers?
# Expect: most hands for the half; a few for overfitting, which is no answer about a training loss.
# Misconception: more layers can express more, so they cannot do worse on the data they are trained on.
# Answer: far worse. They could pass their input on unchanged, but gradient descent does not find that.

# %% slideshow={"slide_type": "skip"}
print("training loss:", "; ".join(f"{depth} layers {loss:.2f}" for depth, loss in best.items()))

# %% [markdown] slideshow={"slide_type": "subslide"}
# This is not overfitting: it is the **training** loss. And a 56-layer net can do all that a 20-layer net can, since its
# other 36 layers could pass their input on unchanged. It just does not find that. He et al. called it **degradation**.
#
# Is it the vanishing gradient again? Here are 100 layers. We need the loss's gradient with respect to what flows between
# the blocks, $\partial C/\partial x_l$, and autograd gives it in three lines. (A *block* is two layers here; `stream`
# returns $x_0, \dots, x_L$.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: is that the vanishing gradient of chapter 1 again?
# Expect: nearly all say yes.
# Answer: we measure it, between the blocks. Keep your answer for two slides.

# %% slideshow={"slide_type": "skip"}
def stream_gradients(net):
    stream = net.stream(x[:128])                                     # L + 1 tensors (128, width)
    found = torch.autograd.grad(F.cross_entropy(net.head(stream[-1]), y[:128]), stream)
    return torch.stack([g.norm() for g in found])                    # (L + 1,)

def first_over_last(net):
    g = stream_gradients(net)
    return (g[0] / g[-1]).item()

# %% [markdown] slideshow={"slide_type": "skip"}
# And one number for what arrives: how alike two digits are, the cosine between their signals, averaged over all pairs.

# %% slideshow={"slide_type": "skip"}
def likeness(signal):                                                # (samples, width)
    unit = F.normalize(signal.detach(), dim=-1)
    cosines = unit @ unit.mT
    return cosines[..., ~torch.eye(cosines.shape[-1], dtype=torch.bool)].mean().item()

L = 50                                                               # blocks: 100 layers
pairs = [(ResidualNet(L, carry=0, seed=seed), ResidualNet(L, scale=L**-0.5, seed=seed)) for seed in range(3)]
for plain, residual in pairs:
    for name, net in (("plain", plain), ("residual", residual)):
        ratio, alike = first_over_last(net), likeness(net.stream(x[:128])[-1])
        print(f"{name:8}: gradient first/last {ratio:.1e}, cosine of two digits {alike:.4f}")
        assert ratio > 1e-4 and (alike > 0.98) == (name == "plain")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The plain gradient is not gone: in a hundred layers it loses one decade or so, very different from net to net, where
# chapter 1's sigmoid would lose sixty. But look at the other number. After 100 plain layers *all digits point in the same direction*: the cosine of two of them is
# above 0.99. The readout sees one and the same thing for all. The chain is healthy on average, and too long.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: two numbers at the start. The gradient fades by a decade or so in a hundred layers, not by sixty.
# But all digits point the same way, and the readout cannot tell them apart.
# Misconception: a gradient of healthy size means a healthy net.

# %% [markdown] slideshow={"slide_type": "subslide"}
# The second net has the same width, the same seed, the same random matrices. It differs in one sign: where the plain net
# computes $x_{l+1} = F_l(x_l)$, this one computes $x_{l+1} = x_l + s\,F_l(x_l)$, with $s = 1/\sqrt L$. Let them race.

# %% tags=["claim-C6.04"]
racers = {f"{kind}, {depth}": ResidualNet(depth // 2, **settings) for depth in depths for kind, settings in
          (("plain", {"carry": 0}), ("residual", {"scale": (depth // 2) ** -0.5}))}
at_start = {name: stream_gradients(net) for name, net in racers.items()}
speeds = {name: 0.003 if "plain" in name else 0.01 for name in racers}
runs = race(racers, x, y, steps=200, lr=speeds, title="20, 56 and 100 layers, plain and residual")
right = {name: run.accuracy for name, run in runs.items()}
print(", ".join(f"{name}: {share:.0%}" for name, share in right.items()))
race_stopped = any(run.stopped for run in runs.values())
plain_stopped = any(run.stopped for run in plain_runs.values())
assert plain_stopped or best[56] > best[20] + 0.4 and best[100] > best[20] + 0.4
assert race_stopped or min(right[f"residual, {depth}"] for depth in depths) > 0.9
assert race_stopped or max(right["plain, 56"], right["plain, 100"]) < 0.6

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Do: run the race live; stop it when the hall has seen it.
# Say: same seed, same matrices, same batches. Only the plus sign differs, and the residual nets of 20 and of 100 layers lie on one another.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Now side by side, at 100 layers: the gradient at the start, and the loss on the way. Which of the two pictures tells
# the nets apart?

# %%
def draw_losses(ax, chosen):                                         # name -> the History of a run
    fives = {name: [five.mean() for five in torch.tensor(run.loss).split(5)] for name, run in chosen.items()}
    points = min(map(len, fives.values()))                           # a run that ended early is shorter
    plots.draw_lines(ax, {name: curve[:points] for name, curve in fives.items()}, range(5, 5 * points + 1, 5),
                     xlabel="step", ylabel="loss, mean of five", markers=False, limits=(0, 3))

def side_by_side(axes):
    two = ("plain, 100", "residual, 100")
    plots.draw_lines(axes[0], {name: at_start[name] for name in two}, range(L + 1), xlabel="block", log=True,
                     ylabel="gradient ‖∂C/∂x‖ at the start", markers=False, limits=(1e-4, 1e0))
    draw_losses(axes[1], {name: runs[name] for name in two})
    axes[0].set_title("The gradient")
    axes[1].set_title("The loss")

show(side_by_side, panels=2)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Say: the picture of the hour. Left, both gradients are alive. Right, only one of the nets learns.

# %% [markdown] slideshow={"slide_type": "skip"}
# Keep this picture: 100 layers, plain against residual, gradient and loss side by side. Both gradients are alive. Only one
# of the nets learns.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## By hand
#
# A block that should *do nothing* is hard to learn as $H(x) = x$ and easy as $F(x) = H(x) - x = 0$. That is He et al.'s
# argument. The other half is the chain rule. Differentiate $x_{l+1} = x_l + F_l(x_l)$:
#
# $$\frac{\partial x_{l+1}}{\partial x_l} = I + F_l', \qquad
# \frac{\partial x_L}{\partial x_0} = (I + F_{L-1}')\cdots(I + F_1')(I + F_0').$$
#
# For our block, $F(x) = W_2\,\phi(W_1\,\phi(x))$, so $F' = W_2 D_1 W_1 D_0$ with the slopes in $D_0$ and $D_1$:

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1.5
# Ask: what is the derivative of x plus F of x?
# Expect: I plus F prime, from everyone.
# Say: so doing nothing is F = 0, and the product now has an identity in each factor.

# %% tags=["claim-C6.01", "slide-output"]
net = ResidualNet(4, width=8)
stream = net.stream(x[0])
jacobian, I = torch.eye(8, dtype=torch.float64), torch.eye(8)
for branch, a in zip(net.blocks, stream):
    W_1, W_2 = branch[1].weight, branch[3].weight                    # F: phi, W_1, phi, W_2
    D_0, D_1 = torch.diag((a > 0).double()), torch.diag((W_1 @ a.relu() > 0).double())
    jacobian = (I + W_2 @ D_1 @ W_1 @ D_0) @ jacobian                # the newest stands left
autograd = torch.stack([torch.autograd.grad(out, stream[0], retain_graph=True)[0] for out in stream[-1]])
assert torch.allclose(jacobian, autograd)
print(f"4 blocks: by hand and by autograd the same {tuple(autograd.shape)} matrix")

# %% [markdown] slideshow={"slide_type": "subslide"}
# There is an $I$ in each factor. "So the gradient cannot vanish", one reads, "there is always the $+1$." That is a hope
# and no guarantee: $F'$ can work against it. Let each block take half of its input away:

# %% tags=["claim-C6.01"]
start = h = torch.ones(1, requires_grad=True)
for _ in range(20):
    h = h + (-0.5 * h)                                               # a residual block with F' = -1/2
(against,) = torch.autograd.grad(h, start)
print(f"twenty residual blocks, gradient {against.item():.1e}")
assert against.item() < 1e-6

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: there is always a +1. Can the gradient still vanish?
# Expect: a firm no.
# Misconception: the +1 is a guarantee.
# Answer: with F prime = -1/2 twenty blocks leave a millionth.

# %% [markdown] slideshow={"slide_type": "skip"}
# What the $+1$ does give: for branches that are *small*, the product stays near $I$, whatever the branches are. Small is
# the word to remember.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Too much of a good thing
#
# He's weights make a branch that keeps the mean square of its input: unit gain. Stream and branch are uncorrelated, as the
# branch's last weights have random signs, so their mean squares add:
#
# $$E\,x_{l+1}^2 = E\,x_l^2 + s^2 E\,F(x_l)^2 = (1 + s^2)\,E\,x_l^2,$$
#
# and the gradient's mean square grows by the same factor on its way back. With $s = 1$ each block **doubles** both.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Say: two uncorrelated things add, so their mean squares add. With s = 1 each block doubles both signal and gradient.

# %% [markdown] slideshow={"slide_type": "subslide"}
# *Try:* (1) $s = 1$ and 60 blocks. (2) The $s$ that keeps 60 blocks within a factor of 3. (3) `carry` 0.5 with $s = 0.5$,
# "the average of both": which way does it go?

# %%
def level_of_the_stream(ax, blocks=20, s=1.0, carry=1.0):
    net = ResidualNet(blocks, width=128, scale=s, carry=carry)
    square = torch.stack([a.square().mean() for a in net.stream(x[:64])]).detach()       # (blocks + 1,)
    factor = carry**2 + s**2
    plots.draw_by_layer(ax, square, square[0] * factor ** torch.arange(blocks + 1), quantity="mean square of x")
    ax.set(xlim=(0, 62), ylim=(1e-20, 1e20), xlabel="block")
    return f"{factor:.3g} per block; {blocks} blocks: measured {square[-1] / square[0]:.1e}, theory {factor**blocks:.1e}."

explore(level_of_the_stream, blocks=(2, 60), s=(0.0, 1.5, 0.05), carry=[1.0, 0.5, 0.0])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1.5
# Do: blocks to 60 with s = 1, then look for the s that stays within a factor of 3; then carry 0.5 and s = 0.5.
# Ask: what does the average of both do?
# Expect: it keeps the level.
# Answer: it halves the mean square in every block.

# %% tags=["claim-C6.03"] slideshow={"slide_type": "skip"}
@torch.no_grad()
def growth_of_variance(scale, seed, blocks=20):
    first, *_, last = ResidualNet(blocks, width=256, scale=scale, seed=seed).stream(x[:64])
    return last.var() / first.var()

grown = {}
for scale in (1.0, 20**-0.5):
    ratios = torch.stack([growth_of_variance(scale, seed) for seed in range(3)])
    grown[scale] = ratios.log().mean().exp().item()
    print(f"s = {scale:.3f}: 20 blocks multiply the variance by {grown[scale]:.3g} (3 nets), theory {(1 + scale**2)**20:.3g}")
assert 3e5 < grown[1.0] < 4e6 and 2 < grown[20**-0.5] < 4

# %% [markdown] slideshow={"slide_type": "subslide"}
# A million for twenty blocks with $s = 1$, and hardly anything with $s = 1/\sqrt L$, since $(1 + 1/L)^L$ never exceeds
# $e = 2.718\ldots$: **at any depth**. (Measured values scatter around it.)
#
# Chapter 1's cube ended with a riddle: ReLU, He's weights *and* skips exploded. Here is the answer, and five ways to make
# the branches small: scale them; start each branch's last matrix at zero (a part of **Fixup**); give each branch a factor
# of its own that is learned from 0 on (**ReZero**); or put a norm at the branch's entrance, so that its size no longer
# follows the stream's.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Say: with s = 1 over the root of L the product never exceeds e, at any depth. The riddle of chapter 1's cube is solved here.

# %% slideshow={"slide_type": "skip"}
L, six = 50, {
    "s = 1": {}, "s = 1/√L": {"scale": 50**-0.5}, "last matrix 0": {"zero_last": True},
    "ReZero": {"scale": 0.0, "learn_scale": True}, "batch norm": {"norm": "batch"}, "layer norm": {"norm": "layer"},
}
tamed = {name: ResidualNet(L, **settings) for name, settings in six.items()}
squares = {name: [a.square().mean().item() for a in net.stream(x[:128])] for name, net in tamed.items()}
growth = {name: square[-1] / square[0] for name, square in squares.items()}
tamed_runs = race(tamed, x, y, steps=150, lr=0.01, title="100 layers: five ways to tame the branches")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Six nets of fifty blocks. Whose stream is loud at the start, and who learns?

# %%
def taming(axes):
    accuracy = {name: run.accuracy for name, run in tamed_runs.items()}
    failed = [name for name, run in tamed_runs.items() if run.diverged]
    plots.draw_bars(axes[0], growth, xlabel="mean square, last / first, at the start", log=True, form="{:.0e}", marks=failed)
    plots.draw_bars(axes[1], accuracy, xlabel="accuracy after 150 steps", form="{:.0%}", marks=failed)
    axes[1].set_yticklabels([])
    return "Hatched: diverged."

show(taming, panels=2)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Say: five ways to keep the branches small, all learn. The hatched one is the loud one.

# %% tags=["claim-C6.03", "claim-C6.12"] slideshow={"slide_type": "skip"}
tamed_stopped = any(run.stopped for run in tamed_runs.values())
fresh = ResidualNet(L, scale=0.0, learn_scale=True)
stream = fresh.stream(x[0])
at_birth = torch.stack([torch.autograd.grad(out, stream[0], retain_graph=True)[0] for out in stream[-1]])
assert torch.equal(at_birth, torch.eye(32, dtype=torch.float64))     # ReZero: J = I, exactly
learnt_alpha = tamed["ReZero"].scale.detach().abs()
print(f"s = 1: {tamed_runs['s = 1']}\nReZero's factors after training: {learnt_alpha.min():.3f} to {learnt_alpha.max():.3f}")
assert tamed_stopped or tamed_runs["s = 1"].diverged and growth["s = 1"] > 1e9
assert tamed_stopped or min(tamed_runs[name].accuracy for name in ("s = 1/√L", "last matrix 0", "ReZero", "batch norm")) > 0.85

# %% [markdown] slideshow={"slide_type": "skip"}
# ReZero's Jacobian at the start is the identity, to the last bit. With a norm the branch has a fixed size, so the stream
# grows *linearly* with depth instead of doubling: the tenth block adds a tenth, the fiftieth a fiftieth. (The layer norm
# is the touchy one of the five at this learning rate; with other seeds it may lag behind.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## $2^L$ paths
#
# Multiply out $(I + F'_2)(I + F'_1)(I + F'_0)$: eight terms. In each block a path goes either through the branch or around
# it, so $L$ blocks have $2^L$ paths. One of them, the famous additive highway, goes around all. How long are the others?
# Their lengths are those of $L$ coin tosses:

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: multiply the brackets out. The famous highway is one path of very many.

# %% tags=["claim-C6.02", "slide-output"]
k = torch.arange(55.0, dtype=torch.float64)
def binomial(L, p):
    return torch.distributions.Binomial(L, torch.tensor(p).double()).log_prob(k[: L + 1]).exp()

share = binomial(54, 0.5)
mean_length, middle = (share * k).sum().item(), share[19:36].sum().item()
print(f"54 blocks: mean length {mean_length:.1f}; {middle:.1%} of the 2^54 paths are 19 to 35 blocks long")
assert abs(mean_length - 27) < 1e-6 and abs(middle - 0.980) < 0.001

# %% [markdown] slideshow={"slide_type": "subslide"}
# But not each path carries the same. Each passage through a branch multiplies by about $s$, so a path of length $k$
# brings $s^k$, and its square $s^{2k}$. Weigh the lengths with that: $\binom Lk s^{2k}$ is again a binomial
# distribution, of coins that show "through" with probability $p = s^2/(1 + s^2)$. With $s = 1$ half of the blocks; with
# $s = 1/\sqrt L$ about **one** block.
#
# Is it so? No sampling is needed: sort the gradient by length on its way back. `parts[k]` is the sum over all paths that
# have gone through $k$ branches so far.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Ask: which paths carry the gradient, the short ones or those of middle length?
# Expect: the shortest, since it has no factor to lose by.
# Answer: it depends on s. It is again a coin toss, with another coin.

# %% slideshow={"slide_type": "skip"}
def gradient_by_length(net, samples=64):
    stream = net.stream(x[:samples])
    (last,) = torch.autograd.grad(F.cross_entropy(net.head(stream[-1]), y[:samples]), stream[-1], retain_graph=True)
    parts = torch.zeros(len(stream), *last.shape, dtype=last.dtype)  # (L + 1, B, width)
    parts[0] = last
    for branch, a in zip(reversed(net.blocks), reversed(stream[:-1])):
        a = a.detach().requires_grad_()
        (through,) = torch.autograd.grad(net.scale * branch(a), a, parts, is_grads_batched=True)
        parts[1:] += through[:-1]                                    # one branch longer; the rest goes around
    return parts

# %% [markdown] slideshow={"slide_type": "subslide"}
# Move $s$. The dashed line is the binomial of $p = s^2/(1+s^2)$. *Try:* (1) $s = 1$: where is the hill, and would you have
# guessed that the shortest path weighs nothing? (2) $s = 0.15$, about $1/\sqrt{54}$. (3) Smaller still: what is left of 54
# blocks?

# %%
def who_carries(ax, s=1.0):
    parts = gradient_by_length(ResidualNet(54, scale=s))
    weight = parts.square().sum((1, 2))
    weight, p = weight / weight.sum(), s**2 / (1 + s**2)
    plots.draw_lines(ax, {"measured": weight, "theory": binomial(54, p)}, k, limits=(0, 1), markers=False,
                     xlabel="length of the path, in blocks", ylabel="share of ‖gradient‖²")
    return f"s = {s:.3g}: mean length measured {(weight * k).sum():.1f}, theory {54 * p:.1f} of 54 blocks."

explore(who_carries, s=(0.05, 1.0, 0.05))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Do: s = 1, then 0.15.
# Answer: with s = 1 about half of the blocks; with one over the root of L about one block of 54. A net that trains well is hardly deep at its start.

# %% tags=["claim-C6.02"] slideshow={"slide_type": "skip"}
for scale in (1.0, 54**-0.5):
    for seed in range(3):
        net = ResidualNet(54, scale=scale, seed=seed)
        parts, whole = gradient_by_length(net), stream_gradients(net)
        weight = parts.square().sum((1, 2)) / parts.square().sum()
        mean, predicted = (weight * k).sum().item(), 54 * scale**2 / (1 + scale**2)
        total = torch.autograd.grad(F.cross_entropy(net(x[:64]), y[:64]), net.stem.bias)[0]
        assert torch.allclose(parts.sum((0, 1)), total)              # all paths together: the gradient
        print(f"s = {scale:.3f}, seed {seed}: mean length {mean:.1f}, theory {predicted:.1f}")
        assert abs(mean - predicted) < 0.25 * predicted + 0.5

# %% [markdown] slideshow={"slide_type": "skip"}
# So a residual net that trains well is, at its start, hardly deep at all: its gradient comes along paths of about one block
# in 54. Veit et al. (2016) sampled paths of a *trained* ResNet of 54 blocks and found most of the gradient on those of 10
# to 34 *layers*, 5 to 17 blocks: shorter than the mean of 27 blocks, longer than ours.

# %% [markdown] slideshow={"slide_type": "subslide"}
# They also took a saw to it. If half of all paths avoid a given block, deleting the block should be no disaster. Train ten
# blocks, plain and residual, then delete one:

# %% tags=["claim-C6.02"]
sawn = {"plain": ResidualNet(10, carry=0), "residual": ResidualNet(10, scale=10**-0.5)}
sawn_runs = race(sawn, x, y, steps=400, lr={"plain": 0.003, "residual": 0.01}, live=False)

@torch.no_grad()
def accuracy(net, without=()):
    return (net(x, without).argmax(1) == y).double().mean().item()

one_less = {name: [accuracy(net, (block,)) for block in range(10)] for name, net in sawn.items()}
show(lambda ax: plots.draw_lines(ax, one_less, xlabel="deleted block", ylabel="accuracy", limits=(0, 1.05)))
means = {name: sum(values) / 10 for name, values in one_less.items()}
print(", ".join(f"{name}: intact {accuracy(sawn[name]):.0%}, one block less {means[name]:.0%}" for name in sawn))
saw_stopped = any(run.stopped for run in sawn_runs.values())
assert saw_stopped or means["residual"] > 0.85 and means["plain"] < 0.4

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: we delete one block of a trained net of ten. What is left of the accuracy?
# Expect: disaster for both.
# Answer: for the plain net only. The residual net hardly notices.

# %% [markdown] slideshow={"slide_type": "skip"}
# The plain net falls to guessing, whichever block is gone. The residual net hardly notices.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The highway
#
# Half a year before ResNet, Srivastava et al. (2015) built the way past a layer with a *gate*, as in an LSTM:
#
# $$y = T \odot H(x) + (1 - T) \odot x, \qquad T = \sigma(W_T x + b_T).$$
#
# $T = 1$: an ordinary layer. $T = 0$: the identity. The Jacobian has three terms,
# $\mathrm{diag}(1-T) + \mathrm{diag}(T)H' + \mathrm{diag}(H - x)T'$, and it is the identity only as $T \to 0$. So everything
# hangs on $b_T$ at the start. A carry of $1 - \sigma(b_T)$ per layer, to the power of the depth, is what arrives.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: half a year before ResNet, a gate as in an LSTM. All hangs on its bias.

# %% [markdown] slideshow={"slide_type": "subslide"}
# *Try:* (1) bias $-3$ and 50 layers. (2) Which bias carries half through 100 layers? (3) Bias 0: is the line theory's?

# %%
def carried(ax, gate_bias=-3.0, depth=50):
    g = stream_gradients(HighwayNet(depth, gate_bias=gate_bias))
    carry = 1 - torch.sigmoid(torch.tensor(gate_bias)).item()
    plots.draw_by_layer(ax, g, g[-1] * carry ** torch.arange(depth, -1, -1).double(), quantity="gradient ‖∂C/∂x‖")
    ax.set(ylim=(1e-15, 1e1))
    return f"carry {carry:.3f} per layer, {carry**depth:.2g} through {depth}; measured first/last {g[0] / g[-1]:.2g}."

explore(carried, gate_bias=(-8.0, 2.0, 0.5), depth=(10, 100, 10))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Do: bias from -3 to -6 and to 0.
# Misconception: a ResNet is a highway net with its gates at one half.
# Answer: at one half the gradient is halved in every layer. A ResNet has both gates fully open.

# %% tags=["claim-C6.08"] slideshow={"slide_type": "skip"}
carry = 1 - torch.sigmoid(torch.tensor(-3.0)).item()
print(f"bias -3: carry {carry:.3f}, through 50 layers {carry**50:.3f}")
assert abs(carry**50 - 0.088) < 0.001
highways = {f"bias {bias}": HighwayNet(100, gate_bias=bias) for bias in (-2, -6)}
ratios = {name: first_over_last(net) for name, net in highways.items()}
ways = race(highways, x, y, steps=150, lr=0.05, live=False)
for name, run in ways.items():
    print(f"{name}: gradient first/last at the start {ratios[name]:.0e}; {run}")
way_stopped = any(run.stopped for run in ways.values())
assert ratios["bias -2"] < 0.01 and ratios["bias -6"] > 0.2
assert way_stopped or ways["bias -6"].accuracy > 0.95 and ways["bias -2"].accuracy < 0.5

# %% [markdown] slideshow={"slide_type": "skip"}
# At $-6$ a hundred layers train, at $-2$ they do not: "highway nets solve it" is true of the right bias. (The more
# the gates are open, the more of the gradient takes the way through $H$, and the measured line lies above theory's.)
#
# Is a ResNet "a highway net with its gates at one half"? No. A ResNet has $y = H + x$: *both* gates fully open, which
# $T$ and $1 - T$ can never be. At one half it is this:

# %% tags=["claim-C6.09"] slideshow={"slide_type": "skip"}
ends = {}
for half in (0.5, 1.0):
    start = h = torch.ones(1, dtype=torch.float64, requires_grad=True)
    for _ in range(50):
        h = half * (h + 0.01 * h.tanh())
    ends[half] = torch.autograd.grad(h, start)[0].item()
print(f"50 layers: gates at 0.5 leave {ends[0.5]:.1e} of the gradient, a residual net {ends[1.0]:.1f}")
assert ends[0.5] < 1e-14 and 1 < ends[1.0] < 2

# %% [markdown] slideshow={"slide_type": "skip"}
# ## ☆ Four relatives
#
# One small figure at the end of this section has a panel for each.
#
# **Where does the last ReLU stand?** In the first ResNet *after* the addition: $x_{l+1} = \phi(x_l + F(x_l))$. Then the way
# past the block is no identity, since $\phi$ gates it: a negative entry of the stream is lost. He et al. (2016b) moved
# activation and norm into the branch, in *front* of its weights (**pre-activation**), which is how `ResidualNet` is made.
# How much of the first signal is still there at the end? Take branches that are silent ($s = 0$), and branches with
# $s = 1/\sqrt L$:

# %% tags=["claim-C6.07"] slideshow={"slide_type": "skip"}
for seed in range(3):
    kept, alike = {}, {}
    for order in ("pre", "post"):
        first, *_, last = ResidualNet(50, scale=0.0, order=order, seed=seed).stream(x[:128])
        kept[order] = (last.square().sum() / first.square().sum()).item()
        alike[order] = likeness(ResidualNet(50, scale=50**-0.5, order=order, seed=seed).stream(x[:128])[-1])
    print(f"seed {seed}: silent branches keep " + ", ".join(f"{o} {kept[o]:.2f}" for o in kept)
          + "; cosine of two digits after 100 layers " + ", ".join(f"{o} {alike[o]:.2f}" for o in alike))
    assert kept["pre"] == 1 and kept["post"] < 0.9 and alike["post"] > alike["pre"] + 0.05

# %% [markdown] slideshow={"slide_type": "skip"}
# With the ReLU on the main road a part of the signal is lost at once, and since the stream can then only grow, the digits
# become more alike. (At 100 layers both still train; He et al. saw the difference at 1,001.)
#
# **DenseNet** (Huang et al. 2017) *concatenates* instead of adding: each layer reads all before it, so $L$ layers have
# $L(L+1)/2$ links. **Stochastic depth** (Huang et al. 2016) leaves out random blocks in training, block $l$ with the
# probability $\frac lL(1 - p_L)$. With $p_L = \frac12$ a net of $L$ blocks has $(3L - 1)/4$ on average, and all $L$ when it is
# used:

# %% tags=["claim-C6.11"] slideshow={"slide_type": "skip"}
survival = 1 - 0.5 * torch.arange(1, 55) / 54                        # of blocks 1..54
drawn = (torch.rand(20_000, 54, generator=torch.Generator().manual_seed(0)) < survival).double().sum(1)
dense, L = DenseNet(50, growth=8), 50
links = sum((layer.in_features - 64) // 8 + 1 for layer in dense.layers)
print(f"54 blocks: {drawn.mean():.2f} on average, formula {(3 * 54 - 1) / 4}; 50 dense layers: {links} links")
assert abs(drawn.mean() - 40.25) < 0.1 and links == L * (L + 1) // 2

# %% [markdown] slideshow={"slide_type": "slide"}
# What do they do? A net trained with stochastic depth has met many shorter nets on its way, so it should bear the saw. We
# delete 10, 20, 30, 40 of 50 blocks, chosen by lot, and compare with the residual net of the first race, whose blocks
# were always there. The fourth relative is **ReZero** from above: how large have its factors become?

# %% tags=["claim-C6.11"] slideshow={"slide_type": "skip"}
kin_nets = {"stochastic depth": ResidualNet(50, scale=50**-0.5, drop=0.5), "dense, 50": dense}
kin = race(kin_nets, x, y, steps=200, lr=0.01, live=False)
generator, counts = torch.Generator().manual_seed(0), range(0, 50, 10)
lots = [torch.randperm(50, generator=generator).tolist() for _ in range(5)]
rivals = {"stochastic depth": kin_nets["stochastic depth"].eval(), "always there": racers["residual, 100"]}
thinned = {name: [sum(accuracy(net, lot[:count]) for lot in lots) / 5 for count in counts] for name, net in rivals.items()}
print(", ".join(f"{name}: {run.accuracy:.0%}" for name, run in kin.items()))
print("40 of 50 blocks deleted:", ", ".join(f"{name} {right[-1]:.0%}" for name, right in thinned.items()))
kin_stopped = race_stopped or any(run.stopped for run in kin.values())
assert kin_stopped or min(run.accuracy for run in kin.values()) > 0.9
assert kin_stopped or thinned["stochastic depth"][-1] > thinned["always there"][-1] + 0.1

# %% tags=["slide-tall"]
def relatives(axes):
    (last_relu, loss), (saw, factors) = axes
    merging = {place: [likeness(a) for a in ResidualNet(50, scale=50**-0.5, order=order).stream(x[:128])]
               for place, order in (("ReLU in the branch", "pre"), ("ReLU after the sum", "post"))}
    plots.draw_lines(last_relu, merging, range(51), xlabel="block", ylabel="cosine of two digits", markers=False,
                     limits=(0, 1.05))
    draw_losses(loss, {"plain, 56 layers": runs["plain, 56"], "dense, 50 layers": kin["dense, 50"]})
    plots.draw_lines(saw, thinned, counts, xlabel="blocks deleted, of 50", ylabel="accuracy", limits=(0, 1.05))
    plots.draw_lines(factors, {"α": learnt_alpha}, range(1, 51), xlabel="block", ylabel="learnt factor |α|", limits=(0, 0.8))
    for ax, title in zip(axes.flat, ("The last ReLU", "DenseNet", "Stochastic depth", "ReZero")):
        ax.set_title(title)

show(relatives, panels=(2, 2), size=(9, 5.4))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Say: four relatives, each with one measurement. The third is the most telling: four fifths of the blocks gone, and the net that trained with gaps still works.

# %% [markdown] slideshow={"slide_type": "skip"}
# *The last ReLU:* after the sum it makes the digits more alike from the first blocks on. *DenseNet:* fifty dense layers
# learn what 56 plain ones do not. *Stochastic depth:* with four fifths of its blocks gone the net still knows nine digits
# in ten; the net that never missed a block loses far more. *ReZero:* all factors began at 0, and after 150 steps most are
# still well below 1. The net has opened its branches only as far as it needed them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Shattered gradients
#
# Gradient descent trusts that a gradient still holds a small step further on. Walk from one digit to another in 256 steps,
# and measure the slope of one logit along the way. (Where there is a batch norm, its statistics are taken from 512 digits
# once and then frozen.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: a gradient must also hold a small step further on. Walk from one digit to another.

# %% slideshow={"slide_type": "skip"}
def slope_along(net, seed=0):
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.momentum = 1.0                                    # keep the statistics of the last batch only
    with torch.no_grad():
        net.train()(x[:512])
    direction = x[seed + 20] - x[seed]
    walk = (x[seed] + torch.linspace(0, 1, 256)[:, None] * direction).requires_grad_()          # (256, 64)
    (g,) = torch.autograd.grad(net.eval()(walk)[:, 0].sum(), walk)
    return g @ direction                                             # (256,)

def autocorrelation(slope, lags=31):
    s = (slope - slope.mean()) / slope.std(unbiased=False)
    return torch.stack([(s[lag:] * s[: len(s) - lag]).mean() for lag in range(lags)])

# %% slideshow={"slide_type": "skip"}
walkers = {
    "2 plain": {"blocks": 1, "carry": 0}, "50 plain": {"blocks": 25, "carry": 0},
    "50 plain, batch norm": {"blocks": 25, "carry": 0, "norm": "batch"},
    "50 residual, batch norm": {"blocks": 25, "norm": "batch"}, "50 residual, s = 1/√L": {"blocks": 25, "scale": 0.2},
}
slopes = {name: torch.stack([slope_along(ResidualNet(width=100, seed=seed, **settings), seed) for seed in range(5)])
          for name, settings in walkers.items()}                     # (5 nets, 256)
lags = {name: torch.stack([autocorrelation(slope) for slope in five]).mean(0) for name, five in slopes.items()}

# %%
def shattered(axes):
    for ax, name, title in zip(axes, ("50 plain, batch norm", "50 residual, batch norm"), ("plain, norm", "residual, norm")):
        slope = slopes[name][0, :80]
        plots.draw_lines(ax, {name: slope / slope.std()}, range(80), xlabel="step of the walk", ylabel="slope, scaled",
                         markers=False, limits=(-4, 4))
        ax.set_title(title)
    drawn = {title: lags[name] for title, name in {"plain": "50 plain", "plain, norm": "50 plain, batch norm",
                                                   "residual, norm": "50 residual, batch norm"}.items()}
    plots.draw_lines(axes[2], drawn, range(31), xlabel="distance in steps", ylabel="autocorrelation", markers=False,
                     limits=(-0.2, 1.5))

show(shattered, panels=3, size=(10, 3.5))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Say: left white noise, in the middle the same norm with a skip. Right: the plain net without the norm does not shatter at our size. Do not sell this figure as more than it is.

# %% tags=["claim-C6.15"] slideshow={"slide_type": "skip"}
near = {name: curve[5].item() for name, curve in lags.items()}
print("five steps away:", ", ".join(f"{name} {value:.2f}" for name, value in near.items()))
def five_steps(blocks, **settings):
    nets = [slope_along(ResidualNet(blocks, 100, norm="batch", seed=seed, **settings), seed) for seed in range(5)]
    return torch.stack([autocorrelation(slope)[5] for slope in nets]).mean().item()

by_depth = {"plain": [five_steps(blocks, carry=0) for blocks in (1, 4, 12)], "residual": [five_steps(blocks) for blocks in (1, 4, 12)]}
print("2, 8, 24 layers with batch norm:", {name: [round(v, 2) for v in values] for name, values in by_depth.items()})
assert near["50 plain, batch norm"] < 0.15 < near["50 residual, batch norm"] and near["2 plain"] > 0.7
assert near["50 residual, s = 1/√L"] > 0.8 > near["50 plain"]
assert by_depth["plain"][2] < 0.2 and by_depth["residual"][2] > 0.5

# %% [markdown] slideshow={"slide_type": "skip"}
# Left, fifty plain layers with batch norm: **white noise**. The gradient of a point says nothing about the point beside
# it. Balduzzi et al. (2017) called this *shattered*, and found that correlations decay exponentially with depth in plain
# nets and more slowly with skips. In the middle the same fifty layers with the same norm and a skip: half of the correlation
# is left five steps away.
#
# Now look at the right panel again. The plain net *without* a norm lies beside the residual net *with* one. So this figure
# does not say "skips cure, plain shatters". It says that at our size the noise needs plain layers *and* a batch norm.
# (The plain net without it has another illness: its digits merge.) Printed, not drawn: two plain layers, and fifty
# residual ones with $s = 1/\sqrt L$ and no norm, which keep nearly all of it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One thousand layers
#
# Nothing in $(1 + 1/L)^L < e$ cares for $L$. So: 500 blocks, 1,000 layers, 60 steps, one core. Stop it when you have seen
# enough.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5 / 0.5
# Say: nothing in that bound knew the depth. So let us take it at its word.

# %%
L = 500
giants = {"plain": ResidualNet(L, carry=0), "residual, s = 1/√L": ResidualNet(L, scale=L**-0.5)}
giant_runs = race(giants, x, y, steps=60, lr={"plain": 0.003, "residual, s = 1/√L": 0.01}, title="1,000 layers")
scores = {name: run.accuracy for name, run in giant_runs.items()}
print(", ".join(f"{name}: {score:.0%}" for name, score in scores.items()))
assert any(run.stopped for run in giant_runs.values()) or scores["residual, s = 1/√L"] - scores["plain"] > 0.5

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Do: run it live, one core. Stop it when the orange line is down.

# %% [markdown] tags=["claim-C6.05", "claim-C6.06", "claim-C6.10"] slideshow={"slide_type": "subslide"}
# What the records say, and what they count:
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
# "ResNet made 1,000 layers possible" joins two things: they *could be trained* in the first paper, and became *useful* in
# the second. (The CIFAR figures and the 900 layers we quote and could not check here.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: look at the last column before you quote a record.

# %% [markdown] tags=["claim-C6.05", "claim-C6.06", "claim-C6.10"] slideshow={"slide_type": "slide"}
# ## The residual stream of a transformer
#
# A transformer is a residual net whose blocks are attention and small MLPs. Ours reads a digit as eight tokens, one for
# each row of pixels; every token has a stream of 32 numbers, to which each sublayer adds. Where does the layer norm go?
# **Post-LN** (2017): $x \leftarrow \mathrm{LN}(x + F(x))$, on the main road. **Pre-LN**: $x \leftarrow x + F(\mathrm{LN}(x))$,
# in the branch. You know the question from the ReLU above.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: a transformer is a residual net. Where does the norm go: onto the main road, or into the branch?

# %% tags=["claim-C6.13"] slideshow={"slide_type": "skip"}
stream, branch = torch.randn(2, 4096, 256, generator=torch.Generator().manual_seed(0))
passed = (F.layer_norm(stream + branch, (256,)) * stream).mean().item()          # what is left of the stream in it
print(f"one Post-LN sublayer passes {passed:.3f} of the stream on; 24 of them {passed**24:.0e}")
assert abs(passed - 0.5**0.5) < 0.01
last = {}
for norm in ("pre", "post"):
    nets = [Transformer(12, norm=norm, seed=seed) for seed in range(3)]
    last[norm] = torch.stack([measure(net, x[:128], y[:128]).weight_gradient_norm[-2] for net in nets]).mean().item()
print(f"gradient of the last feed-forward matrix at the start: Pre-LN {last['pre']:.3f}, Post-LN {last['post']:.3f}")
assert last["post"] > 1.3 * last["pre"]

# %% [markdown] slideshow={"slide_type": "subslide"}
# With Post-LN the identity path loses $1/\sqrt2$ in each sublayer (if branch and stream are of equal size), and the last
# layers get the larger gradients. Twelve layers, Adam at 0.005, with and without **warm-up** (the learning rate climbs
# to its value over the first 60 steps):

# %%
def warm_up(step, steps=60, lr=5e-3):
    return lr * min(1, (step + 1) / steps)

transformers = {"Pre-LN": Transformer(12), "Post-LN": Transformer(12, norm="post"),
                "Post-LN, warm-up": Transformer(12, norm="post")}
rates = {"Pre-LN": 5e-3, "Post-LN": 5e-3, "Post-LN, warm-up": warm_up}
ln_runs = race(transformers, x, y, steps=150, lr=rates, optimizer="adam", title="A transformer of twelve layers")

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Answer: Pre-LN learns without warm-up; Post-LN, at twelve layers and this learning rate, needs it.

# %% tags=["claim-C6.13"] slideshow={"slide_type": "skip"}
ln_losses = {name: torch.tensor(run.loss).mean().item() for name, run in ln_runs.items()}
print(", ".join(f"{name}: mean loss {ln_losses[name]:.2f}, accuracy {run.accuracy:.0%}" for name, run in ln_runs.items()))
ln_stopped = any(run.stopped for run in ln_runs.values())
assert ln_stopped or ln_losses["Pre-LN"] < ln_losses["Post-LN, warm-up"] and ln_losses["Pre-LN"] < 0.7 * ln_losses["Post-LN"]

# %% [markdown] slideshow={"slide_type": "skip"}
# Pre-LN does not need the warm-up; for Post-LN it makes the difference between learning and not. (At a learning rate of
# 0.003 it depends on the seed how badly the net without it fails, and at six layers there is little difference. Try it.)
#
# **"Post-LN fails since its gradients vanish."** Xiong et al. (2020) say nearly the opposite: they are *large* near the
# output, so the first steps must be short. Liu et al. (2020) find that the imbalance is not the root either, but that
# Post-LN leans on its branches, which *amplifies* every small change of the weights. At our size we see the first as a
# trend, a factor of about four.
#
# And a transformer without skips? Then the norms are all that is left. Two numbers at the start: the gradient in the
# first sublayer against the last, and how alike the eight tokens of a digit have become.

# %% tags=["claim-C6.14"] slideshow={"slide_type": "skip"}
print("norm  skips  gradient first/last  cosine of two tokens")
table = {}
for norm in (None, "post", "pre"):
    for skip in (False, True):
        nets = [Transformer(12, norm=norm, skip=skip, seed=seed) for seed in range(3)]
        ratios = [first_over_last(net) for net in nets]
        alike = [likeness(net.stream(x[:64])[-1]) for net in nets]
        table[norm, skip] = min(ratios), min(alike)
        print(f"{norm or 'none':5} {'yes' if skip else 'no':5} {min(ratios):12.0e} to {max(ratios):.0e}  {min(alike):12.6f}")
assert table[None, False][0] < 0.01 * table["post", False][0]
assert min(table[norm, False][1] for norm in (None, "post", "pre")) > 0.9999 > table["pre", True][1] + 0.02

# %% [markdown] slideshow={"slide_type": "skip"}
# Without norm and skips the gradient fades. A norm saves *its size* and nothing else: the cosine is 1.0000, the eight
# tokens of a digit have become **one**. Attention averages, and twelve averages of averages are a constant. Dong et al.
# (2021) call it rank collapse; the skip prevents it, since each token keeps adding to *itself*. A healthy gradient norm is
# not a healthy net: you saw the same with the plain hundred layers.
#
# ☆ One more old acquaintance lives in there. Attention's softmax *saturates* like a sigmoid. Its Jacobian is
# $\mathrm{diag}(p) - pp^\top$; let the logits grow:

# %% tags=["claim-C6.18"] slideshow={"slide_type": "skip"}
Z = torch.randn(2000, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
sizes = {}
for spread in (1, 2, 4, 8, 16):
    p = (spread * Z).softmax(1)
    sizes[spread] = (torch.diag_embed(p) - p[:, :, None] * p[:, None, :]).norm(dim=(1, 2)).median().item()
print("logit std -> median norm of softmax's Jacobian:", {k: f"{v:.1e}" for k, v in sizes.items()})
q, key = torch.randn(2, 2000, 64, generator=torch.Generator().manual_seed(1))
raw = (q * key).sum(1)
print(f"q·k in 64 dimensions: std {raw.std():.1f}; divided by √64: {(raw / 8).std():.2f}")
assert sizes[1] > 0.1 and sizes[8] < 0.3 * sizes[1] and sizes[16] < 0.02 * sizes[1]
assert 7 < raw.std() < 9

# %% [markdown] tags=["claim-C6.16"] slideshow={"slide_type": "skip"}
# Queries and keys of $d_k$ random numbers give logits of standard deviation $\sqrt{d_k}$. That is why attention divides by
# $\sqrt{d_k}$: it is Xavier's argument at another place.
#
# (Attention also ties any two positions together in one step, whatever their distance, which an RNN cannot. The price is
# quadratic in the length. How deep the large language models of today are is mostly unpublished; GPT-3 has 96 layers.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One idea, over depth and over time
#
# | | | what is kept | when |
# |---|---|---|---|
# | LSTM | $c_t = f \odot c_{t-1} + i \odot g$ | $f$ | 1997 (without $f$: it was 1), 1999 |
# | highway net | $y = (1 - T) \odot x + T \odot H$ | $1 - T$ | May 2015 |
# | residual net | $y = x + F(x)$ | 1 | December 2015 |
#
# An LSTM does over *time* what the others do over *depth*. The same line of code, and the gradient along the direct path
# is the product of what is kept:

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: the LSTM did it first, over time. The next chapter starts from this table.

# %% tags=["claim-C6.17", "slide-output"]
def chain(keep, add, steps=50):
    start = c = torch.ones(1, dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        c = keep * c + add
    return torch.autograd.grad(c, start)[0].item()

kept = {"residual net (1, 1)": chain(1.0, 1.0), "highway, T = 0.05": chain(0.95, 0.05), "LSTM, f = 0.95, i = 1": chain(0.95, 1.0),
        "LSTM of 1997, f = 1": chain(1.0, 0.3)}
print("after 50 layers or steps:", ", ".join(f"{name}: {left:.3f}" for name, left in kept.items()))
assert kept["highway, T = 0.05"] == kept["LSTM, f = 0.95, i = 1"] and abs(kept["highway, T = 0.05"] - 0.0769) < 1e-3
assert kept["residual net (1, 1)"] == kept["LSTM of 1997, f = 1"] == 1

# %% [markdown] slideshow={"slide_type": "skip"}
# ResNet was not the first skip, then; it is the one without a gate. (Plain shortcuts from layer to layer are older than all
# of these.)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What the literature says
#
# **"Degradation is the vanishing gradient."** He et al. (2016a) wrote that it is *unlikely* to be: their plain nets used
# batch norm, and they verified that forward and backward signals have healthy norms. They left the cause open. Our plain
# nets agree as far as the norm goes, and you measured what else goes wrong: the inputs merge (without norm) or the
# gradient shatters (with it). As for "healthy", with a batch norm in front of each ReLU, dense plain nets **explode**:

# %% slideshow={"slide_type": "skip"}
shaken = [first_over_last(ResidualNet(50, carry=0, norm="batch", seed=seed)) for seed in range(3)]
print("100 plain layers with batch norm, gradient first/last:", [f"{ratio:.0e}" for ratio in shaken],
      f": {shaken[0] ** 0.01:.2f} per layer; theory {(torch.pi / (torch.pi - 1)) ** 0.5:.2f}")
assert min(shaken) > 1e6

# %% [markdown] slideshow={"slide_type": "skip"}
# (Yang et al. 2019; the theory is for wide layers.) "The $+1$ always saves the gradient" and "gates at 0.5" you have
# settled in three lines each.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The cube of causes, complete
#
# Chapter 1's cube once more: activation, weights, skip, each sick or cured, twenty layers. This time with the right scale
# on the branch, $s = 1/\sqrt L$; and as a ninth net the corner that exploded. *Predict:* how many of the eight learn?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: chapter 1's cube once more, now with the right scale on the branch.

# %% slideshow={"slide_type": "skip"}
def corner(activation, weights, skip):
    sigma_w = 0.5 if weights == "small" else {"sigmoid": 1.0, "relu": 2**0.5}[activation]
    scale = {"no skip": 1.0, "skip": 10**-0.5, "skip, s = 1": 1.0}[skip]
    return ResidualNet(10, activation=activation, sigma_w=sigma_w, carry=skip != "no skip", scale=scale)

switches = [(activation, weights, skip) for skip in ("no skip", "skip")
            for activation in ("sigmoid", "relu") for weights in ("small", "usual")]
cube = {", ".join(names): corner(*names) for names in [*switches, ("relu", "usual", "skip, s = 1")]}
ratios = {name: first_over_last(net) for name, net in cube.items()}
cube_runs = race(cube, x, y, steps=150, lr=0.01, live=False)

# %%
learnt = {name: run.accuracy for name, run in cube_runs.items()}
cube_losses = {name: final_loss(run) for name, run in cube_runs.items()}

def cube_picture(axes):
    sick = [name for name, share in learnt.items() if share < 0.7]
    plots.draw_bars(axes[0], ratios, xlabel="gradient, first / last block", log=True, form="{:.0e}", marks=sick)
    plots.draw_bars(axes[1], cube_losses, xlabel="loss after 150 steps", form="{:.2f}", marks=sick)
    axes[1].set_yticklabels([])
    return "Hatched: less than 70 % of the digits right."

show(cube_picture, panels=2, size=(9, 4.4))
cube_stopped = any(run.stopped for run in cube_runs.values())
with_skip = [share for name, share in learnt.items() if name.endswith(" skip") and "no skip" not in name]
assert cube_stopped or min(with_skip) > 0.7 and max(with_skip) == learnt["relu, usual, skip"]
assert cube_stopped or learnt["relu, usual, skip"] > learnt["relu, usual, skip, s = 1"] + 0.3

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: how many of the eight learn?
# Expect: one, or four.
# Answer: all four with a skip; the best has all three cures. The ninth, with s = 1, is sick.

# %% [markdown] slideshow={"slide_type": "skip"}
# With a skip of the right scale **all four** combinations learn, even sigmoids with weights far too small. The others decide
# how well: the corner with all three cures is the best. And the same three cures with $s = 1$ are sick. A skip does
# not repair a layer. It makes the net need each layer less.
#
# ## Quiz

# %% slideshow={"slide_type": "skip"}
print(quiz.sheet(chapter06.QUIZ))

# %% slideshow={"slide_type": "skip"}
answers = {
    "identity": ...,
    "explosion": ...,
    "gate": ...,
    "delete": ...,
    "transformer": ...,
}
quiz.grade(chapter06.QUIZ, answers)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## The clinic: your sixth patient

# %% slideshow={"slide_type": "skip"}
patient = chapter06.PATIENT
print(patient.complaint)
sick_net = patient.make()
g, sick_stream = stream_gradients(sick_net), sick_net.stream(x[:128])
print("block   gradient  mean square of x")
for l in (0, 1, 2, 10, 20, 30, 40, 50):
    print(f"{l:5}  {g[l]:9.1e}  {sick_stream[l].square().mean():16.1e}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Which disease is it? One of `"the skip is damped"`, `"branches too loud"`, `"dead units"`, `"no skip at all"`:

# %% slideshow={"slide_type": "skip"}
diagnosis = ...
clinic.name_disease(patient, diagnosis)

# %% [markdown] slideshow={"slide_type": "skip"}
# And the treatment? One of `"ten times the learning rate"`, `"x + F(x)"`, `"x + F(x) / sqrt(50)"`, `"F(x) alone"`.

# %% slideshow={"slide_type": "skip"}
prescription = ...
clinic.treat(patient, prescription)

# %% [markdown] slideshow={"slide_type": "skip"}
# When you have decided: the course's instrument for nets of your own, on the same patient. It names the disease.

# %% slideshow={"slide_type": "skip"}
if clinic.has_named(patient, diagnosis):
    report = diagnose(sick_net, x[:256], y[:256], lr=patient.lr)
    print(*str(report).splitlines()[:12], "...", sep="\n")
else:
    print("Your own diagnosis first. Then run this cell again.")

# %% [markdown] slideshow={"slide_type": "skip"}
# <details><summary>When the report stands above: how to read it</summary>
#
# It sees what you saw: vanishing, by a factor of 0.84 a layer. That is $\sqrt{1/2}$ a block, and
# $\tfrac14 + \tfrac14 = \tfrac12$ is what two halves leave of a mean square. Of the owner's halves it knows nothing; it asks
# for a skip "with nothing that scales x".
#
# </details>
#
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
# ### 3. A gate for a long highway
#
# `gate_bias(depth, carried)`: which bias lets `depth` highway layers carry the share `carried` of their input, weights of
# the gate aside?
#
# <details><summary>Hint</summary>
#
# $(1 - T)^{\text{depth}} = $ carried gives $T$. The inverse of the sigmoid is $\ln\frac{T}{1-T}$; `torch.logit` knows it,
# and so do two lines of `**` and `torch.tensor(...).log()`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def gate_bias(depth, carried):
#     T = 1 - carried ** (1 / depth)
#     return torch.tensor(T / (1 - T), dtype=torch.float64).log()
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def gate_bias(depth, carried):
    """A whole number and a share in (0, 1) -> the bias, a number."""
    ...

chapter06.check_gate_bias(gate_bias)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 4. Make it train
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

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 5. Counting paths
#
# `path_share(blocks, low, high)`: which share of the $2^L$ paths goes through at least `low` and at most `high` branches?
#
# <details><summary>Hint</summary>
#
# There are $\binom Lk$ paths of length $k$. `import math` gives you `math.comb(L, k)`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# import math
#
# def path_share(blocks, low, high):
#     return sum(math.comb(blocks, k) for k in range(low, high + 1)) / 2**blocks
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def path_share(blocks, low, high):
    """Three whole numbers -> a share from 0 to 1."""
    ...

chapter06.check_path_share(path_share)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - A long plain chain degrades though its gradient keeps its size: the inputs merge, or the gradient shatters.
# - $x + F(x)$ has the Jacobian $I + F'$: $2^L$ paths, and with unit-gain branches $2^L$ times the mean square. With
#   branches of scale $1/\sqrt L$ (or zero, or a norm in front) the whole stays within a factor $e$, at any depth.
# - Keep the identity path clean: no half on it, no ReLU, no norm, no gate that starts half open.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: three sentences to take home.

# %% [markdown] slideshow={"slide_type": "subslide"}
# One picture to keep: what reaches the first block, against depth.

# %%
def what_arrives(ax):
    depths, curves = (4, 10, 20, 50, 100, 200), {"s = 1/√L": [], "s = 1": [], "average of both": [], "plain": []}
    for L in depths:
        for name, carry, scale in (("s = 1/√L", 1, L**-0.5), ("s = 1", 1, 1), ("average of both", 0.5, 0.5), ("plain", 0, 1)):
            curves[name].append(first_over_last(ResidualNet(L, carry=carry, scale=scale)))
    plots.draw_lines(ax, curves, depths, xlabel="blocks", ylabel="gradient, first / last", log=True)

show(what_arrives)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5 / 0.5
# Say: what reaches the first block, against depth. Only one of the four lines is level.

# %% [markdown] slideshow={"slide_type": "skip"}
# Depth is solved, then, by addition. But there is a chain that is longer than any net is deep, and whose factors are not
# even different: a recurrent net multiplies by *the same* matrix at every step of time. Chapter 7 puts the skip into time,
# where it is older: **LSTM**.
#
# ## References
#
# - Srivastava, Greff, Schmidhuber 2015, *Highway networks*, arXiv 1505.00387; *Training very deep networks*, NeurIPS
# - He, Zhang, Ren, Sun 2016a, *Deep residual learning for image recognition*, CVPR; 2016b, *Identity mappings in deep
#   residual networks*, ECCV, arXiv 1603.05027
# - Veit, Wilber, Belongie 2016, *Residual networks behave like ensembles of relatively shallow networks*, NeurIPS
# - Huang et al. 2016, *Deep networks with stochastic depth*, ECCV; Huang et al. 2017, *DenseNet*, CVPR
# - Balduzzi et al. 2017, *The shattered gradients problem*, ICML
# - Vaswani et al. 2017, *Attention is all you need*, NeurIPS
# - Zhang, Dauphin, Ma 2019, *Fixup initialization*, ICLR; Bachlechner et al. 2020, *ReZero is all you need*, arXiv 2003.04887
# - Yang et al. 2019, *A mean field theory of batch normalization*, ICLR
# - Xiong et al. 2020, *On layer normalization in the transformer architecture*, ICML; Liu et al. 2020, *Understanding the
#   difficulty of training transformers*, EMNLP
# - Dong, Cordonnier, Loukas 2021, *Attention is not all you need*, ICML
