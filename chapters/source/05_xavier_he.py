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
# # 5 · Xavier and He: which scale keeps every layer at one?
#
# **In one sentence:** a layer multiplies the mean square of its signal by a number that you can compute beforehand,
# and the famous initializations are nothing but the choice that makes this number 1, forward or backward.
#
# *An hour, or 25 minutes without the exercises. You need chapter 2 (ReLU halves the mean square) and chapter 4 (the
# variance of a sum, the q map, $\chi$).*

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Say: Chapter 4 had one map for the variance. Today: the one number in it that you may choose, and three famous names
# for it.

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from utils import MLP, Stack, activations, chapter05, clinic, datasets, diagnose, diagrams, explore
from utils import initialization, meanfield, measure, plots, predict, quiz, race, show, style, timeline

# %% slideshow={"slide_type": "skip"}
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()
print(f"images {tuple(x.shape)}, mean square of a pixel {x.square().mean():.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## See it: fifty layers
#
# The signal alone: no labels, no training. Numbers with mean square 1 go through fifty ReLU layers of 512 units, and
# after each layer we take the mean square of the activations. The weights are one fixed draw; only their scale
# changes, $\mathrm{Var}\,w = \sigma_w^2/512$.

# %% slideshow={"slide_type": "skip"}
n = 512
random = torch.Generator().manual_seed(0)
start, matrices = torch.randn(16, n, generator=random), torch.randn(50, n, n, generator=random)

def mean_squares(sigma_w, phi=torch.relu, weights=matrices):
    a, squares = start, []
    for W in weights:
        a = phi(sigma_w / n**0.5 * a @ W)                            # (16, 512)
        squares.append(a.double().square().mean())
    return torch.stack(squares)                                      # (50,), layer 1 first

# %%
def three_scales(ax):
    curves = {f"σ_w² = {square}": mean_squares(square**0.5) for square in (3, 2, 1)}
    plots.draw_lines(ax, curves, xlabel="layer", ylabel="mean square of a", log=True, limits=(1e-18, 1e14))
    for square, name in zip((3, 2, 1), ("theory", None, None)):
        ax.plot(range(1, 51), [(square / 2) ** l for l in range(1, 51)], color=style.THEORY, linewidth=1, label=name)
    ax.legend(loc="upper left", ncols=2)
    after = ", ".join(f"{curve[-1]:.0e} at {name}" for name, curve in curves.items())
    return f"After layer 50: {after}."

show(three_scales)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 3
# Ask: Fifty ReLU layers, three scales of the weights. Which line is level, and how many decades does the lowest one
# lose?
# Expect: the middle one; "two or three decades".
# Misconception: a factor of two is a detail. It acts fifty times.
# Answer: fifteen decades. The thin black lines are theory: each layer multiplies by half of sigma_w squared.

# %% [markdown] slideshow={"slide_type": "skip"}
# This is the picture to remember. **One setting is level.** The other two leave it exponentially, one up and one
# down, and the thin black lines say how fast: each layer multiplies by $\sigma_w^2/2$. You know that factor from
# chapter 2. (The colours wobble around the black. A line for infinite width cannot know the luck of 512 units.)
#
# ## Predict
#
# The level setting is He's. Xavier's has $\sigma_w^2 = 1$ in a layer with as many outputs as inputs. It is only
# half as much. What does it leave of the mean square after fifty layers?

# %% slideshow={"slide_type": "slide"}
def variance_by_layer(ax, sigma_w_squared=2.0, guess=None):
    measured = mean_squares(sigma_w_squared**0.5)
    predicted = (sigma_w_squared / 2) ** torch.arange(1, 51)
    plots.draw_by_layer(ax, measured, predicted, quantity="mean square of a")
    if guess is not None:
        ax.plot([50], [guess], "X", color=style.GUESS, markersize=13, label="your guess")
        ax.legend(loc="lower left")
    ax.set_ylim(1e-32, 1e12)
    apart = (measured[-1] / predicted[-1]).item()
    return f"Layer 50: measured {measured[-1]:.1e}, theory {predicted[-1]:.1e}, ratio {apart:.2f}."

predict("Fifty ReLU layers with Xavier's scale: what is left of a mean square of 1?", variance_by_layer,
        guess=[("a half", 0.5), ("a fiftieth", 0.02), ("a millionth", 1e-6), ("1e-15", 1e-15), ("1e-30", 1e-30)],
        right=chapter05.RIGHT["half of He's"], sigma_w_squared=1.0)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 3
# Ask: Xavier's scale is half of He's. What does it leave of a mean square of 1 after fifty layers? Hands for each
# option.
# Expect: a fiftieth and a millionth share the hands.
# Misconception: the losses add, so fifty layers leave a fiftieth.
# Answer: 2 to the minus 50, about 1e-15.

# %% [markdown] slideshow={"slide_type": "skip"}
# $2^{-50} = 9\cdot10^{-16}$. A factor of two looks harmless, and depth makes a catastrophe of it.
#
# ## Move it

# %% [markdown] slideshow={"slide_type": "slide"}
# *Try:* (1) find the scales at which layer 50 is above $10^{-6}$ and below $10^{6}$: how narrow is the window? (2)
# Which scale loses a quarter in every layer? Compute it first. (3) On the right stands what is left if you divide by
# theory, on an axis of its own. Move the scale: why does ReLU's curve stay as it is? (4) tanh and SELU, at 1, 2 and
# 3: what else can a level do?

# %%
def level(axes, sigma_w_squared=2.0, activation="relu"):
    sigma_w, phi = sigma_w_squared**0.5, activations.get(activation).value
    measured = sigma_w_squared * mean_squares(sigma_w, phi)          # of the z that comes after layer 1, 2, ...
    predicted = meanfield.q_trajectory(activation, sigma_w_squared, 51, sigma_w)[1:]
    plots.draw_by_layer(axes[0], measured, predicted, quantity="mean square of the next z")
    axes[0].set_ylim(1e-32, 1e12)
    plots.draw_lines(axes[1], {"measured": measured / predicted}, xlabel="layer", ylabel="measured / theory", log=True,
                     limits=(0.1, 10))
    axes[1].axhline(1, color=style.THEORY, linewidth=1)
    return (f"After layer 50: measured {measured[-1]:.1e}, theory {predicted[-1]:.1e}, "
            f"ratio {measured[-1] / predicted[-1]:.2f}.")

explore(level, panels=2, sigma_w_squared=(0.5, 3.0, 0.02), activation=["relu", "tanh", "selu"])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: sigma_w squared to 1.5, then 2.5; watch the right panel stay as it is. Then tanh at 2.
# Ask: Why does ReLU's curve on the right not move at all?
# Expect: silence.
# Answer: scaling a ReLU net scales its output. The luck is in the draw, and one net ends within a factor of 8 of
# theory.

# %% tags=["claim-C5.03"] slideshow={"slide_type": "skip"}
def last_mean_square(square, seed):
    random = torch.Generator().manual_seed(seed)
    a = torch.randn(16, n, generator=random)
    for _ in range(50):
        a = torch.relu((square / n) ** 0.5 * a @ torch.randn(n, n, generator=random))
    return a.double().square().mean()

ends = {1: torch.stack([last_mean_square(1, seed) for seed in range(7)]),
        2: torch.stack([last_mean_square(2, seed) for seed in range(7, 14)])}           # fourteen different nets
for square, values in ends.items():
    print(f"sigma_w² = {square}: after 50 layers", " ".join(f"{value:.1e}" for value in values))
assert 0.05 < ends[2].min() and ends[2].max() < 20 and ends[1].max() < 5e-14

# %% [markdown] slideshow={"slide_type": "skip"}
# Fifteen orders of magnitude lie between the two rows. But "level" is not "equal to 1": these nets differ from each
# other. How far may one net be from the line? Fresh weights from a bell make the 512 numbers $z$ of a layer 512 draws
# from a bell, whose variance is the level so far. So for *one* input we need no matrices, and a thousand nets take no
# time:

# %% tags=["claim-C5.03"] slideshow={"slide_type": "skip"}
random, levels = torch.Generator().manual_seed(0), torch.ones(1000, dtype=torch.float64)
for _ in range(50):
    levels *= 2 * torch.relu(torch.randn(1000, n, generator=random)).square().mean(1)     # He's 2
low, median, high = levels.quantile(torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64))
outside = ((levels < 1 / 8) | (levels > 8)).double().mean()
print(f"mean {levels.mean():.2f}, median {median:.2f}, nine of ten between {low:.2f} and {high:.1f}; "
      f"{outside:.1%} are off by more than a factor of 8")
print(f"spread of ln: {levels.log().std():.2f}, formula √(5 · 50 / 512) = {(5 * 50 / n) ** 0.5:.2f}")
assert 0.85 < levels.mean() < 1.15 and 0.15 < low < 0.35 and 1.8 < high < 3.6 and outside < 0.03
assert abs(levels.log().std() / (5 * 50 / n) ** 0.5 - 1) < 0.1

# %% [markdown] slideshow={"slide_type": "skip"}
# **The tolerance.** Theory is the *mean* over nets. One net of this size ends within a factor of 8 of it, with few
# exceptions. That is 4 % per layer ($8^{1/50} = 1.04$), and it is what we promise for this line: an order of
# magnitude, not a decimal. Nobody can do better, since the luck of 50 layers multiplies: the mean of 512 squares
# $\phi(z)^2$ scatters by $\sqrt{5/512}$, and fifty such factors by $\sqrt{50\cdot5/512}$ in the logarithm. Wider
# layers have less of it.
#
# In point (3) above the ratio never changed because scaling a ReLU net only scales its output; the luck is in the
# matrices. Tanh has a level that pulls (chapter 3): accidents are forgotten, and theory is closer, at any scale. So has
# SELU at its own scale of 1; at 2 and 3 it leaves its level as ReLU does.

# %% tags=["claim-C5.03"] slideshow={"slide_type": "skip"}
apart = {"tanh": [], "selu": []}
for name, ratios in apart.items():
    for square in (1.0, 2.0, 3.0):
        predicted = meanfield.q_trajectory(name, square, 51, square**0.5)[-1]
        for weights in (matrices, matrices.mT, list(matrices)[::-1]):            # three nets
            last = mean_squares(square**0.5, activations.get(name).value, weights)[-1]
            ratios.append((square * last / predicted).item())
    print(f"{name}: measured / theory after 50 layers {min(ratios):.2f} to {max(ratios):.2f}")
assert 0.7 < min(apart["tanh"]) and max(apart["tanh"]) < 1.4
assert 0.7 < min(apart["selu"][:3]) and max(apart["selu"][:3]) < 1.4
assert 1 / 8 < min(apart["selu"]) and max(apart["selu"]) < 8

# %% [markdown] slideshow={"slide_type": "slide"}
# ## By hand: one derivation, three names
#
# A layer has $n_{in}$ inputs and $n_{out}$ outputs. Chapter 4's variance of a sum, for weights with mean 0:
#
# $$\text{forward:}\quad E[z^2] = n_{in}\,\mathrm{Var}(w)\,E[a^2].$$
#
# On the way back, unit $j$ of the layer below collects from $n_{out}$ units above it: $\sum_i W_{ij}\delta_i$, a sum
# of $n_{out}$ terms. So the same line with the other number:
#
# $$\text{backward:}\quad E[(W^\top\delta)^2] = n_{out}\,\mathrm{Var}(w)\,E[\delta^2].$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Say: The variance of a sum, once forward with n_in terms, once backward with n_out terms. Write both on the board.
# Ask: Can both be level?
# Expect: yes.
# Answer: only if the layer is square.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Now ask that nothing changes, and say what the activation does. That is all there is to it:
#
# | | asks | assumes of $\phi$ | $\mathrm{Var}\,w$ | uniform bound |
# |---|---|---|---|---|
# | **LeCun 1998** | forward level | about the identity | $1/n_{in}$ | $\sqrt{3/n_{in}}$ |
# | the same, backward | backward level | slope about 1 | $1/n_{out}$ | $\sqrt{3/n_{out}}$ |
# | **Xavier 2010** | a compromise of these two | slope 1 at 0, mean 0 | $2/(n_{in}+n_{out})$ | $\sqrt{6/(n_{in}+n_{out})}$ |
# | **He 2015** | forward (or backward) level | ReLU: half is lost | $2/n_{in}$ (or $2/n_{out}$) | $\sqrt{6/n_{in}}$ |
#
# You cannot have both levels if $n_{in} \ne n_{out}$: one asks for $1/n_{in}$, the other for $1/n_{out}$. Glorot and
# Bengio (Xavier is Glorot's first name) took the mean of the two *denominators*. He et al. chose one side.
#
# The last column: a uniform variable on $(-b, b)$ has variance $b^2/3$, so $b = \sqrt3\,$std. PyTorch offers both
# forms.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Say: Three names, one line. Only the last two columns look different.
# Misconception: 1/n_in is Xavier's. It is LeCun's, twelve years older.

# %% tags=["claim-C5.01", "claim-C5.02"] slideshow={"slide_type": "skip"}
def weights_of(scheme, n_in=100, n_out=300, seed=0):
    return initialization.get(scheme)(nn.Linear(n_in, n_out), generator=torch.Generator().manual_seed(seed)).weight

variance = {"lecun": 1 / 100, "xavier": 2 / 400, "xavier_uniform": 2 / 400, "he": 2 / 100, "he_uniform": 2 / 100}
drawn = {scheme: weights_of(scheme).detach() for scheme in variance}
for scheme, W in drawn.items():
    print(f"{scheme:15} variance {W.var():.5f} (formula {variance[scheme]:.5f}), largest {W.abs().max():.4f}")
bounds = {"xavier_uniform": (6 / 400) ** 0.5, "he_uniform": (6 / 100) ** 0.5}
theirs = nn.init.xavier_uniform_(torch.empty(300, 100), generator=torch.Generator().manual_seed(0))
assert all(abs(W.var().item() / variance[scheme] - 1) < 0.05 for scheme, W in drawn.items())
assert all(0.999 < (drawn[scheme].abs().max() / bound).item() <= 1 for scheme, bound in bounds.items())
assert torch.allclose(drawn["xavier_uniform"], theirs)

# %% [markdown] slideshow={"slide_type": "skip"}
# Does the form matter, normal or uniform? No: the derivation used the variance and nothing else. (An article that
# calls $1/n_{in}$ "Xavier's" is off by twelve years. It is LeCun's, and equal to Xavier's in square layers only.)
#
# ### Rectangles
#
# "He's variance is twice Xavier's", you will read. Divide the formulas:
#
# $$\frac{2/n_{in}}{2/(n_{in}+n_{out})} = 1 + \frac{n_{out}}{n_{in}}.$$
#
# It is 2 for a square layer, and for no other.

# %% tags=["claim-C5.04"] slideshow={"slide_type": "skip"}
doubles = {}
for n_in, n_out in ((200, 200), (100, 300), (300, 100), (784, 100)):
    doubles[n_in, n_out] = (weights_of("he", n_in, n_out).var() / weights_of("xavier", n_in, n_out).var()).item()
    print(f"Linear({n_in}, {n_out}): He / Xavier measured {doubles[n_in, n_out]:.3f}, formula {1 + n_out / n_in:.3f}")
assert all(abs(ratio / (1 + n_out / n_in) - 1) < 0.03 for (n_in, n_out), ratio in doubles.items())
assert 3.9 < doubles[100, 300] < 4.1

# %% [markdown] slideshow={"slide_type": "slide"}
# What does each rule do to a rectangular layer without a bend? Bars are measured, in one layer, from a thousand
# random vectors sent each way; the black mark is the formula. *Try:* (1) 100 into 100: three rules, one rule. (2) 100
# into 400: who is level forward, who backward? (3) 400 into 100.

# %% slideshow={"slide_type": "skip"}
RULES = {
    "1/n_in (LeCun)": lambda n_in, n_out: 1 / n_in,
    "2/(n_in+n_out) (Xavier)": lambda n_in, n_out: 2 / (n_in + n_out),
    "1/n_out": lambda n_in, n_out: 1 / n_out,
}

# %%
def both_ways(axes, n_in=100, n_out=300):
    random = torch.Generator().manual_seed(0)
    W = torch.randn(n_out, n_in, generator=random)
    a, delta = torch.randn(1000, n_in, generator=random), torch.randn(1000, n_out, generator=random)
    squares = (a @ W.T).square().mean().item(), (delta @ W).square().mean().item()       # with Var w = 1
    for ax, square, fan, title in zip(axes, squares, (n_in, n_out), ("forward", "backward")):
        plots.draw_bars(ax, {name: rule(n_in, n_out) * square for name, rule in RULES.items()},
                        xlabel="mean square after / before", form="{:.2f}")
        ax.plot([rule(n_in, n_out) * fan for rule in RULES.values()], range(3), "|", color=style.THEORY, markersize=34)
        ax.set(xlim=(0, 4.6), title=title)
    axes[1].set_yticklabels([])
    return (f"{n_in} into {n_out}: measured / formula {squares[0] / n_in:.2f} forward, "
            f"{squares[1] / n_out:.2f} backward.")

explore(both_ways, panels=2, n_in=(100, 400, 50), n_out=(100, 400, 50))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Do: 100 into 100, then 100 into 400, then 400 into 100.
# Ask: Who is level forward, who backward?
# Answer: LeCun forward, 1/n_out backward, Xavier neither, and less wrong on the bad side.

# %% tags=["claim-C5.01"] slideshow={"slide_type": "skip"}
off = []
for n_in, n_out in ((100, 100), (100, 400), (400, 100), (250, 300)):
    for seed in range(3):
        random = torch.Generator().manual_seed(seed)
        W = torch.randn(n_out, n_in, generator=random)
        a, delta = torch.randn(1000, n_in, generator=random), torch.randn(1000, n_out, generator=random)
        off += [(a @ W.T).square().mean().item() / n_in - 1, (delta @ W).square().mean().item() / n_out - 1]
print(f"measured and formula differ by {max(map(abs, off)):.1%} at most, both ways, in 12 layers")
assert max(map(abs, off)) < 0.06

# %% [markdown] slideshow={"slide_type": "skip"}
# Which side should you take? He et al. point out that it hardly matters. With $1/n_{in}$ everywhere, the backward
# factors $n_{out}/n_{in}$ multiply along the net, and since the output of one layer is the input of the next, they
# *cancel*: what remains is the last width over the first. The compromise is not so lucky:

# %% tags=["claim-C5.02"] slideshow={"slide_type": "skip"}
fans = [(100, 300), (300, 100)] * 20                                 # 40 layers: in and out, in and out
through = {}
for name, rule in RULES.items():
    forward = torch.tensor([rule(n_in, n_out) * n_in for n_in, n_out in fans]).prod().item()
    backward = torch.tensor([rule(n_in, n_out) * n_out for n_in, n_out in fans]).prod().item()
    random = torch.Generator().manual_seed(0)
    a = torch.randn(64, 100, generator=random)
    for n_in, n_out in fans:
        a = rule(n_in, n_out) ** 0.5 * a @ torch.randn(n_in, n_out, generator=random)
    through[name] = forward, backward, a.square().mean().item()
    print(f"{name:24} 40 layers forward {forward:.2g} (measured {through[name][2]:.2g}), backward {backward:.2g}")
xavier, lecun = through["2/(n_in+n_out) (Xavier)"], through["1/n_in (LeCun)"]
assert 0.003 < xavier[0] < 0.0033 and abs(xavier[1] / xavier[0] - 1) < 1e-3 and abs(lecun[1] - 1) < 1e-3
assert 1 / 8 < xavier[2] / xavier[0] < 8

# %% [markdown] slideshow={"slide_type": "skip"}
# In a net whose widths go 100, 300, 100, 300, ... Xavier's rule loses a quarter in *every pair* of layers, in both
# directions. A compromise in each layer is not a compromise for the net.
#
# ## Does it matter?
#
# He et al. told a story that made their rule famous: with 22 layers of ReLU both rules trained, He's sooner; with 30,
# only He's moved at all. Our nets are tiny beside theirs.

# %% [markdown] slideshow={"slide_type": "slide"}
# Here are thirty ReLU layers on the digits, four nets of each kind (`Stack` trains the four as one; the loss is their
# mean). Xavier gets two learning rates, since a net that starts with a small signal might just need larger steps.

# %% slideshow={"slide_type": "skip"}
def four(depth, activation, init):
    return Stack(MLP(depth, activation=activation, init=init, seed=seed, dtype=torch.float32) for seed in range(4))

def mean_loss(outputs, targets):                                     # outputs (4, B, 10)
    return nn.functional.cross_entropy(outputs.flatten(0, 1), targets.repeat(4))

@torch.no_grad()
def accuracies(stack):
    return (stack(few).argmax(2) == labels).double().mean(1)         # (4,)

images = x.float()                                                   # half the bytes, nearly half the time
few, labels = images[:600], y[:600]                                  # enough to count, and kind to the memory
steps = {"He, step 0.001": 4 * 0.001, "Xavier, step 0.01": 4 * 0.01, "Xavier, step 0.1": 4 * 0.1}    # 4: a mean of 4

# %%
thirty = {name: four(30, "relu", name.split(",")[0].lower()) for name in steps}
runs = race(thirty, images, y, lr=steps, loss_fn=mean_loss, title="He et al.'s thirty layers")

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: run it again (Enter, Ctrl-Enter), and watch. Four nets of each kind.
# Ask: Xavier also gets a hundred times larger steps. Does that save it?
# Expect: about half say yes.
# Misconception: a small signal is only slow, so larger steps make up for it.
# Answer: no. It stands still at 10 %, which is guessing.

# %% tags=["claim-C5.12"] slideshow={"slide_type": "skip"}
accuracy = {name: accuracies(stack) for name, stack in thirty.items()}
for name, shares in accuracy.items():
    print(f"{name:18} accuracy of the four nets:", ", ".join(f"{share:.0%}" for share in shares))
stopped = any(run.stopped for run in runs.values())
assert stopped or accuracy["He, step 0.001"].min() > 0.8
assert stopped or max(accuracy["Xavier, step 0.01"].max(), accuracy["Xavier, step 0.1"].max()) < 0.25

# %% [markdown] slideshow={"slide_type": "skip"}
# **It replicates.** Xavier's nets are not worse, they *stand still*: the signal loses $2^{-15}$ of its size forward,
# the gradient as much again backward, and ten per cent is what guessing gives. And the milder half of the story, 22
# layers?

# %% tags=["claim-C5.12"] slideshow={"slide_type": "skip"}
milder = {"He, step 0.001": four(22, "relu", "he"), "Xavier, step 0.03": four(22, "relu", "xavier")}
runs = race(milder, images, y, lr={"He, step 0.001": 4 * 0.001, "Xavier, step 0.03": 4 * 0.03}, loss_fn=mean_loss,
            title="Twenty-two layers")
accuracy_22 = {name: accuracies(stack) for name, stack in milder.items()}
for name, shares in accuracy_22.items():
    print(f"{name:18} accuracy of the four nets:", ", ".join(f"{share:.0%}" for share in shares))
stopped = any(run.stopped for run in runs.values())
assert stopped or accuracy_22["He, step 0.001"].min() > 0.8
assert stopped or accuracy_22["Xavier, step 0.03"].median() < 0.8

# %% [markdown] slideshow={"slide_type": "skip"}
# Shakier. He's nets all learn. Whether one of Xavier's gets going within 600 steps is a matter of the draw: the printed
# line is one draw, and another seed has another. At 22 layers the handicap is $2^{-11}$ each way, which a step that
# is thirty times larger can just about make up for, or not.
#
# ## Xavier's own ground: tanh
#
# Xavier's rule was made for tanh: mean 0, slope 1 at 0. "It restores unit variance", you may read. Does it? And what
# becomes of it in the sigmoid, for which it is often recommended?

# %% tags=["claim-C5.05", "claim-C5.02"] slideshow={"slide_type": "skip"}
q = meanfield.q_trajectory("tanh", 1.0, 20, sigma_w=1.0)
wide = [MLP(20, width=256, activation="tanh", init="xavier", seed=seed) for seed in range(3)]
tanh_20 = torch.stack([measure(net, x[:128], y[:128]).pre_std for net in wide])          # (3, 21)
measured_q = (tanh_20[:, 19] ** 2).mean().item()
print(f"tanh, layer 20: variance of z in theory {q[-1]:.3f}, measured {measured_q:.3f}")
sick = [MLP(20, activation="sigmoid", init="xavier", seed=seed) for seed in range(3)]
deltas = [measure(net, x[:128], y[:128]).delta_norm for net in sick]
per_layer = torch.stack([(d[0] / d[19]).pow(1 / 19) for d in deltas])
q_sigmoid = meanfield.q_fixed_point("sigmoid")
print(f"sigmoid: the gradient keeps {per_layer.mean():.3f} per layer, "
      f"theory {meanfield.chi('sigmoid', q_sigmoid)**0.5:.3f}; through 20 layers {per_layer.mean() ** 20:.0e}")
assert 0.025 < q[-1] < 0.029 and 0.5 < measured_q / q[-1].item() < 2
assert 0.2 < per_layer.min() and per_layer.max() < 0.27

# %% [markdown] slideshow={"slide_type": "skip"}
# Not quite unit variance: tanh shrinks everything a little, and at layer 20 a fortieth is left. It is a *slow* loss,
# like $1/(2l)$ and not exponential (chapter 4), so Xavier's tanh nets lived. But the sigmoid breaks both assumptions:
# its slope at 0 is ¼, its mean ½. Xavier's rule there loses twelve decades in twenty layers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Gains
#
# So a rule needs to know the activation. Put all that $\phi$ does to the signal into one number: for
# $z \sim N(0, 1)$ the next mean square is $\sigma_w^2 E[\phi(Z)^2]$, which is 1 if
#
# $$\sigma_w = \frac{1}{\sqrt{E[\phi(Z)^2]}} \quad\text{(the \textbf{gain})},\qquad \text{and then}\quad
# \chi = \sigma_w^2 E[\phi'(Z)^2] = \frac{E[\phi'(Z)^2]}{E[\phi(Z)^2]}.$$
#
# The first keeps the signal, the second tells the price that the gradient pays for it. PyTorch has a function for
# gains, too, `nn.init.calculate_gain`. Are they the same gains?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: All that an activation does to the signal is one number, and the gradient's price is another. For ReLU they are
# one.

# %% tags=["claim-C5.06"] slideshow={"slide_type": "skip"}
IN_TORCH = ("sigmoid", "tanh", "relu", "leaky_relu", "selu")
names = [name for name in activations.ACTIVATIONS if name != "identity"]
Z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
gains = {name: meanfield.gain(name) for name in names}
sampled = {name: (activations.get(name).value(Z).square().mean() ** -0.5).item() for name in names}
chi = {name: meanfield.chi(name, 1.0, gains[name]) for name in names}
advised = {name: nn.init.calculate_gain(name) for name in IN_TORCH}
print("            gain    by a million draws   chi at it   calculate_gain")
for name in names:
    torchs = f"{advised[name]:.4f}" if name in advised else "-"
    print(f"{name:11} {gains[name]:.4f}  {sampled[name]:.4f}               {chi[name]:.4f}      {torchs}")
assert all(abs(sampled[name] / gains[name] - 1) < 0.005 for name in names)
assert abs(gains["relu"] - advised["relu"]) < 1e-4 and abs(gains["tanh"] - 1.5925) < 1e-3
assert advised["sigmoid"] == 1 and abs(advised["tanh"] - 5 / 3) < 1e-9 and advised["selu"] == 0.75

# %% [markdown] slideshow={"slide_type": "skip"}
# They agree for ReLU and its leaky cousin, and part otherwise. For **sigmoid** PyTorch says 1, which is no gain but a
# shrug. **SELU**'s gain is 1, that is what its constants were made for; PyTorch's ¾ deliberately gives that up
# (chapter 3). And **tanh**: $5/3$ is a rule of thumb near our 1.59. Above 1 tanh is beyond the edge of chaos, so
# the signal settles and the gradient grows. By how much?

# %% tags=["claim-C5.06"] slideshow={"slide_type": "skip"}
settles = meanfield.q_fixed_point("tanh", 5 / 3)
growth = meanfield.chi("tanh", settles, 5 / 3)
deltas = [measure(MLP(40, width=128, activation="tanh", sigma_w=5 / 3, seed=seed), x[:128], y[:128]).delta_norm
          for seed in range(5)]
measured_growth = torch.stack([(d[5] / d[39]).pow(1 / 34) for d in deltas])
print(f"tanh at 5/3: chi {growth:.3f}, norm {growth**0.5:.3f} per layer; measured "
      + ", ".join(f"{g:.3f}" for g in measured_growth))
assert abs(growth - 1.21) < 0.01 and (measured_growth / growth**0.5 - 1).abs().max() < 0.04

# %% [markdown] slideshow={"slide_type": "skip"}
# Ten per cent per layer, within the stated 4 % of theory. Harmless for ten layers, a factor of 100 in fifty.
#
# Read the column $\chi$ once more. For **ReLU alone** (and the leaky ones) signal and gradient ask for the same
# scale: there $\phi(z) = z\,\phi'(z)$, so the two means are one. All others force a choice: level signal, or level
# gradient. That is the honest reason why He's rule is the most convincing of all.
#
# ## Three justifications that are one
#
# He's 2 has been justified in three ways that sound independent. Listen to each.
#
# **1. Geometry (Johnson and Lindenstrauss 1984).** A random matrix with $m$ rows keeps the lengths of vectors, and
# the distances between them, up to a few per cent, if its entries have variance $1/m$. Each row of $W$ measures the
# vector in a random direction, and the squared length is the mean of $m$ such measurements: it scatters with a
# standard deviation of $\sqrt{2/m}$. *Try:* (1) $m = 16$, then 1024. (2) What happens to a distance that was
# 10 % larger than another one, at $m = 16$?

# %% slideshow={"slide_type": "skip"}
random = torch.Generator().manual_seed(0)
pairs = nn.functional.normalize(images[:40] - images[40:80], dim=1)        # (40, 64), of length 1
rows = torch.randn(40_000, 64, generator=random)                     # rows of many random W
on_digit = rows @ nn.functional.normalize(images[0], dim=0)          # (40000,)
on_pairs = rows @ pairs.T                                            # (40000, 40)

# %% slideshow={"slide_type": "skip"}
def lengths_kept(ax, log2_m=8):
    m = 2**log2_m
    count = 40_000 // m
    norms = on_digit[: count * m].view(count, m).square().mean(1)                        # |Wx|² / |x|²
    distances = on_pairs[: count * m].view(count, m, 40).square().mean(1)                # |Wx - Wx'|² / |x - x'|²
    plots.draw_histograms(ax, {"squared length of a digit": norms, "squared distances of 40 pairs": distances},
                          bins=torch.linspace(0, 2.5, 60), xlabel="after / before")
    ax.set(ylim=(0, 10), xlim=(0, 2.5))
    return (f"m = {m}: distances scatter with {distances.std():.3f}, theory √(2/m) = {(2 / m) ** 0.5:.3f}, "
            f"mean {distances.mean():.3f}.")

explore(lengths_kept, log2_m=(3, 10))

# %% [markdown] slideshow={"slide_type": "skip"}
# **2. Sound engineering.** On a mixing desk the signal passes one stage after the other, and each has a fader. The
# craft is called *gain staging*: set every stage so that the level stays the same, because below there is a noise
# floor in which the signal is lost, and above there is clipping; and what is lost cannot be brought back by the
# master fader. ReLU costs 3 decibels a layer ($10\log_{10}2 = 3.01$). The desk below has 48 layers in half precision
# (float16), whose smallest number is the floor and whose largest the ceiling.

# %% [markdown] slideshow={"slide_type": "slide"}
# *Try:* (1) all faders at 0 dB: LeCun's rule. (2) All at +3: He's. (3) First at 0, then repair it with the last: how
# clean is the result?

# %% slideshow={"slide_type": "skip"}
def through_desk(gains, seed=0):
    random = torch.Generator().manual_seed(seed)
    exact = half = torch.randn(16, 128, generator=random, dtype=torch.float64)
    levels = []
    for decibel in gains:
        W = 10 ** (decibel / 20) * torch.randn(128, 128, generator=random, dtype=torch.float64) / 128**0.5
        exact, half = torch.relu(exact @ W), torch.relu(half @ W).half().double()    # to float16
        levels.append(20 * half.square().mean().sqrt().log10().item())
    error = ((half - exact).norm() / exact.norm()).item()
    return levels, error

# %%
def mixing_desk(axes, first=3, middle=3, last=3):
    levels, error = through_desk([first] * 16 + [middle] * 16 + [last] * 16)
    diagrams.draw_desk(axes, (first, middle, last), levels, floor=-144, ceiling=96)
    lost = "no number any more" if not error < torch.inf else f"{min(error, 1):.1%} off"
    return f"Compared with exact arithmetic the output is {lost}, whatever a master fader does."

explore(mixing_desk, panels=2, first=(-6, 12), middle=(-6, 12), last=(-6, 12))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Do: first 0, last 12. Then all at 3.
# Ask: Can the last fader repair what the first have lost?
# Expect: yes, turn it up.
# Answer: only down to the noise floor of half precision; what fell below it is gone.

# %% [markdown] slideshow={"slide_type": "skip"}
# **3. Physics (chapter 4).** $\chi = 1$ is the edge of chaos: below it two inputs merge and gradients vanish, above
# it they separate and gradients explode. For ReLU, $\chi = \sigma_w^2/2$, and the edge lies at $\sigma_w^2 = 2$.

# %% [markdown] slideshow={"slide_type": "slide"}
# Three fields, one number. A miracle? Write each of them down:
#
# $$\text{lengths: } \frac{E\Vert Wx\Vert^2}{\Vert x\Vert^2} = n_{out}\mathrm{Var}(w), \quad
# \text{levels: } \frac{E[z^2]}{E[a^2]} = n_{in}\mathrm{Var}(w), \quad
# \text{edge: } \chi = \sigma_w^2 E[\phi'^2].$$
#
# Each is the **second moment of a sum of independent terms with mean zero**: variances add. ReLU contributes the
# same ½ to each. It is one identity in three dialects, and three dialects are not three pieces of evidence. Where the
# layer is not square, they even contradict each other, because they count different things: total length, or level
# per unit.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: Geometry, sound, physics: one second moment. Three dialects are not three pieces of evidence.

# %% tags=["claim-C5.07"] slideshow={"slide_type": "skip"}
lengths, per_unit, scatter = {}, {}, {}
for n_in, n_out in ((256, 256), (64, 256), (256, 64)):
    random = torch.Generator().manual_seed(0)
    v = torch.randn(n_in, generator=random)
    out = torch.stack([torch.randn(n_out, n_in, generator=random) @ v / n_in**0.5 for _ in range(300)])  # LeCun's
    ratio = out.square().sum(1) / v.square().sum()                   # |Wv|² / |v|² of 300 draws
    lengths[n_in, n_out], scatter[n_in, n_out] = ratio.mean().item(), (ratio.std() / ratio.mean()).item()
    per_unit[n_in, n_out] = (out.square().mean() / v.square().mean()).item()
    print(f"{n_in} -> {n_out}: length² x {lengths[n_in, n_out]:.2f}, mean square x {per_unit[n_in, n_out]:.2f}, "
          f"scatter {scatter[n_in, n_out]:.3f}, theory {(2 / n_out) ** 0.5:.3f}")
assert all(abs(ratio / (n_out / n_in) - 1) < 0.05 for (n_in, n_out), ratio in lengths.items())
assert all(abs(level - 1) < 0.05 for level in per_unit.values())
assert 0.075 < scatter[256, 256] < 0.102 and 0.15 < scatter[256, 64] < 0.20

# %% [markdown] slideshow={"slide_type": "skip"}
# LeCun's $1/n_{in}$ keeps the level per unit at every shape, and the length only if the layer is square;
# Johnson and Lindenstrauss need $1/n_{out}$. So "He's initialization is an isometry" is a square layer's truth.
#
# ## Beyond the mean
#
# All of this holds a *mean* at 1. A matrix can do that and still be a bad one: stretch one direction by ten and
# flatten ninety others. The stretches are the **singular values**.

# %% [markdown] slideshow={"slide_type": "slide"}
# Multiply fifty matrices, each of them level on average, and look at all stretches of the product. *Try:* (1)
# identity, gaussian, from 1 layer to 50. (2) The same with orthogonal weights. (3) tanh, then relu.

# %% slideshow={"slide_type": "skip"}
def jacobian(depth, weights, activation, seed=0, width=100, small=0.1):
    random, phi = torch.Generator().manual_seed(seed), activations.get(activation)
    scale = 2**0.5 if activation == "relu" else 1.0
    z, J = small * torch.randn(width, generator=random).double(), torch.eye(width, dtype=torch.float64)
    for _ in range(depth):
        W = initialization.get(weights)(nn.Linear(width, width, dtype=torch.float64), generator=random).weight.detach()
        J = scale * W @ (phi.slope(z)[:, None] * J)                  # W D, newest left
        z = scale * W @ phi.value(z)
    return torch.linalg.svdvals(J)                                   # (100,), largest first

# %%
def spectrum(ax, depth=20, activation="identity"):
    curves = {name: jacobian(depth, scheme, activation).clamp(min=1e-20)
              for name, scheme in (("Gaussian", "lecun"), ("orthogonal", "orthogonal"))}
    plots.draw_lines(ax, curves, xlabel="singular value, by rank", ylabel="its size", log=True, markers=False,
                     limits=(1e-20, 1e3))
    told = [f"{name} from {s[0]:.2g} to {s[-1]:.1g}, median {s.median():.2g}" for name, s in curves.items()]
    return f"{depth} layers: " + "; ".join(told) + "."

explore(spectrum, depth=(1, 50), activation=["identity", "tanh", "relu"])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: depth 1, 10, 50 with the identity; then tanh; then relu.
# Ask: The Gaussian product keeps the mean. Does it keep most directions?
# Expect: yes.
# Misconception: level on average means level in every direction.
# Answer: half of them fall below 1e-5 in fifty layers, while the largest grows. Orthogonal keeps all; ReLU loses half
# in one layer.

# %% tags=["claim-C5.08"] slideshow={"slide_type": "skip"}
gaussian = torch.stack([jacobian(50, "lecun", "identity", seed) for seed in range(5)])   # (5, 100)
isometric = torch.stack([jacobian(50, "orthogonal", "identity", seed) for seed in range(5)])
bent = torch.stack([jacobian(50, "orthogonal", "tanh", seed) for seed in range(5)])
half = torch.stack([jacobian(1, "orthogonal", "relu", seed) for seed in range(5)])
print(f"Gaussian, 50 layers: largest {gaussian[:, 0].min():.1f} to {gaussian[:, 0].max():.1f}, "
      f"median up to {gaussian.median(1).values.max():.0e}")
print(f"orthogonal: all between {isometric.min():.6f} and {isometric.max():.6f}; with tanh and a small signal "
      f"{bent.min():.2f} to {bent.max():.2f}")
lost = (half < 1e-6).double().mean(1)
print(f"one orthogonal ReLU layer: {lost.min():.0%} to {lost.max():.0%} of the singular values are 0, "
      f"the others {half[half > 1e-6].min():.3f} to {half.max():.3f}")
assert gaussian[:, 0].min() > 2 and gaussian.median(1).values.max() < 1e-5
assert (isometric - 1).abs().max() < 1e-9 and bent.min() > 0.1 and bent.max() <= 1 + 1e-9
assert 0.3 < lost.min() and lost.max() < 0.7 and (half[half > 1e-6] - 2**0.5).abs().max() < 1e-6

# %% [markdown] slideshow={"slide_type": "skip"}
# The Gaussian product is level on average because a few directions explode while most die: half of them are below
# $10^{-5}$. It vanishes and explodes at once. The orthogonal product keeps **every** direction. A net whose Jacobian
# has all singular values near 1 is said to have *dynamical isometry*.
#
# Tanh comes close, if the signal is small enough to stay where its slope is near 1. **ReLU cannot**: already in one
# layer, about half of the singular values are 0 (the units that are off) and the rest are $\sqrt2$. No choice of
# weights changes that. It is level on average and an isometry never.

# %% [markdown] slideshow={"slide_type": "slide"}
# Is that worth something? Fifty tanh layers, weights of the same variance, four nets of each kind:

# %%
stacks = {"Gaussian": four(50, "tanh", "xavier"), "orthogonal": four(50, "tanh", "orthogonal")}
isometry = race(stacks, few, labels, steps=300, lr=4 * 0.01, loss_fn=mean_loss, title="Fifty tanh layers")

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Do: run it. Equal variance, fifty tanh layers, four nets of each kind.
# Answer: all four orthogonal nets learn; the Gaussian ones lag behind.

# %% tags=["claim-C5.08"] slideshow={"slide_type": "skip"}
reached = {name: accuracies(stack) for name, stack in stacks.items()}
for name, shares in reached.items():
    print(f"{name:10} accuracy of the four nets:", ", ".join(f"{share:.0%}" for share in shares))
stopped = any(run.stopped for run in isometry.values())
assert stopped or (reached["orthogonal"].min() > 0.85 and reached["Gaussian"].median() < 0.5)
assert stopped or reached["orthogonal"].min() > reached["Gaussian"].max()

# %% [markdown] slideshow={"slide_type": "skip"}
# All four orthogonal nets learn. Most of the Gaussian ones have learnt little after 300 steps, and none as much; their
# curve is a mean over nets, and it rises again where one of them is thrown back. The mean square of the weights is the
# same in both kinds. What differs is beyond the mean.
#
# ## Measure instead of derive: LSUV
#
# All formulas so far needed an assumption on $\phi$ and on the data. Mishkin and Matas (2016) do without: begin
# orthogonal, send one batch through, and divide each layer's weights by what you *measure*. **Layer-sequential
# unit-variance**, in ten lines:

# %% slideshow={"slide_type": "skip"}
def lsuv(net, batch, seed=0):
    random = torch.Generator().manual_seed(seed)
    a = batch
    with torch.no_grad():
        for layer, phi in zip(net.hidden, net.phi):
            initialization.orthogonal_(layer, generator=random)
            layer.weight /= layer(a).std()                           # biases are 0: z scales with W
            a = phi(layer(a))
        initialization.orthogonal_(net.readout, generator=random)
    return net

# %% tags=["claim-C5.09"] slideshow={"slide_type": "skip"}
prepared = {}
for name in ("relu", "tanh", "sigmoid", "gelu"):
    ms = [measure(lsuv(MLP(30, activation=name, seed=seed), x[:256], seed), x[:256], y[:256]) for seed in range(3)]
    std = torch.stack([m.pre_std[:30] for m in ms])                  # (3, 30)
    back = torch.stack([m.delta_norm[0] / m.delta_norm[29] for m in ms])
    prepared[name] = std, back
    print(f"{name:8} std of z {std.min():.3f} to {std.max():.3f}, "
          f"gradient first / last {back.min():.0e} to {back.max():.0e}")
assert all((std - 1).abs().max() < 1e-3 for std, _ in prepared.values())
assert prepared["tanh"][1].min() > 1 and prepared["sigmoid"][1].max() < 1e-2

# %% [markdown] slideshow={"slide_type": "skip"}
# Every layer at 1 for every activation, without a formula. But read the last column: LSUV looks at the *signal* only.
# What that does to the gradient is $\chi$'s affair, as before, and the sigmoid still vanishes. "Makes no assumption" is
# too strong as well: it assumes that your batch is like your data, and that variance is what matters.
#
# ## Normalization
#
# LSUV measures once. What if the net measured in *every* step, and divided there and then? That is normalization:
#
# $$\hat z = \frac{z - \mu}{\sqrt{s^2 + \epsilon}}, \qquad\text{then}\quad \gamma \hat z + \beta$$
#
# with a learnt $\gamma$ (from 1) and $\beta$ (from 0). ($\epsilon$ is 0.00001, so that nothing is divided by 0.)

# %% [markdown] slideshow={"slide_type": "slide"}
# The three famous norms differ in a single thing: *which entries share a mean $\mu$ and a variance $s^2$*. Here is $z$
# for a batch of four samples with six features. Equal numbers are normalized together:

# %%
def shared_means(axes):
    samples, features = torch.meshgrid(torch.arange(4), torch.arange(6), indexing="ij")
    kinds = {"batch norm": features, "layer norm": samples, "group norm, 2 groups": 2 * samples + features // 3}
    for ax, (name, groups) in zip(axes, kinds.items()):
        diagrams.draw_groups(ax, groups, xlabel="features", ylabel="samples", title=name)
    return "Batch norm: one mean a column. Layer norm: one a row. Group norm: one for each half of a row."

show(shared_means, panels=3, size=(9, 2.8))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Ask: Which of the three does not work for a batch of one?
# Expect: batch norm.
# Answer: batch norm. One mean a column needs more than one sample.

# %% slideshow={"slide_type": "skip"}
def normed(z, dims, eps=1e-5):
    mean, variance = z.mean(dims, keepdim=True), z.var(dims, unbiased=False, keepdim=True)
    return (z - mean) / (variance + eps).sqrt()

def batch_norm(z):
    return normed(z, 0)                                              # (B, n): over the samples

def layer_norm(z):
    return normed(z, 1)                                              # over the features

def group_norm(z, groups=4):
    return normed(z.view(len(z), groups, -1), 2).view(z.shape)       # over the features of a group

# %% tags=["claim-C5.10", "claim-C5.11"] slideshow={"slide_type": "skip"}
z = 3 * torch.randn(32, 64, generator=torch.Generator().manual_seed(0)) + 2
theirs = nn.BatchNorm1d(64)(z), nn.LayerNorm(64)(z), nn.GroupNorm(4, 64)(z)
ours = batch_norm(z), layer_norm(z), group_norm(z)
print("largest differences:", [f"{(mine - torchs).abs().max():.0e}" for mine, torchs in zip(ours, theirs)])
assert all(torch.allclose(mine, torchs, atol=1e-5) for mine, torchs in zip(ours, theirs))

# %% [markdown] slideshow={"slide_type": "skip"}
# They match torch's, and they are one line of code apart. What follows from that line is large. Batch norm's output for
# a sample **depends on the other samples** of its batch. Two consequences, both measured below: take the other samples
# away and the output changes; and when the net is in use, where there may be no batch, it must divide by averages that
# it stored while it was trained. Layer and group norm look at one sample at a time.

# %% tags=["claim-C5.10", "claim-C5.11"] slideshow={"slide_type": "skip"}
alone = {"layer": layer_norm(z[:1]) - layer_norm(z)[:1], "group": group_norm(z[:1]) - group_norm(z)[:1],
         "batch": batch_norm(z[:2])[:1] - batch_norm(z)[:1]}
changed = {name: difference.abs().max().item() for name, difference in alone.items()}
norm = nn.BatchNorm1d(64)
for _ in range(100):
    norm(z)                                                          # in training: uses the batch, stores averages
in_use = (norm.eval()(z) - batch_norm(z)).abs().max().item()
print("other samples gone, the first one's output moves by", {name: f"{v:.1g}" for name, v in changed.items()})
print(f"batch norm in use, with its stored averages, differs by {in_use:.2f} from training")
assert changed["layer"] < 1e-5 and changed["group"] < 1e-5 and changed["batch"] > 0.1 and 0 < in_use < 0.2

# %% [markdown] slideshow={"slide_type": "skip"}
# The first sample does not notice with layer and group norm. With batch norm some of its numbers move by as much as
# printed, and 1 is their usual size.
#
# ### What a norm does to a bad initialization
#
# Predict first. Fifty plain ReLU layers with batch norm before each ReLU. The signal is level by construction, and so
# many people hope for the gradient. You?

# %% slideshow={"slide_type": "skip"}
NORMS = {"none": lambda z: z, "batch": batch_norm, "layer": layer_norm, "group": group_norm}
GROWTH = {"batch": (torch.pi / (torch.pi - 1)) ** 0.5, "layer": 1.0, "group": 1.0}       # per layer, backward

def deep_signals(norm, sigma_w, depth=50, seed=0):
    random = torch.Generator().manual_seed(seed)
    weights = torch.randn(depth, 128, 128, generator=random, dtype=torch.float64) * sigma_w / 128**0.5
    a = torch.randn(128, 128, generator=random, dtype=torch.float64, requires_grad=True)
    z, forward = [], []
    for W in weights:
        z.append(a @ W)
        a = torch.relu(NORMS[norm](z[-1]))
        forward.append(a.detach().square().mean())
    loss = (a * torch.randn(128, 128, generator=random, dtype=torch.float64)).sum()      # any loss will do
    return torch.stack(forward), torch.stack([d.norm() for d in torch.autograd.grad(loss, z)])

# %% slideshow={"slide_type": "slide"}
def gradient_with_norm(ax, norm="batch", sigma_w=1.0, guess=None):
    _, gradient = deep_signals(norm, sigma_w)
    factor = GROWTH.get(norm, sigma_w / 2**0.5)
    return plots.draw_by_layer(ax, gradient, gradient[-1] * factor ** torch.arange(49, -1, -1), guess=guess)

predict("50 ReLU layers with batch norm: how large is layer 1's gradient, compared with layer 50's?",
        gradient_with_norm, right=chapter05.RIGHT["batch norm"],
        guess=[("1e-7 of it", 1e-7), ("the same", 1.0), ("ten times larger", 10.0), ("10,000 times larger", 1e4)])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 2
# Ask: Batch norm holds the signal at 1. How large is layer 1's gradient, compared with layer 50's?
# Expect: the same.
# Misconception: a norm that holds the signal holds the gradient.
# Answer: about 10,000 times larger: 1.21 per layer, for any weights.

# %% [markdown] slideshow={"slide_type": "slide"}
# It **explodes**, by a fifth in every layer. Where does that come from? Three steps.
#
# 1. Batch norm makes every $z$ a bell with variance 1. After ReLU, $E[a^2] = \frac12$ and $E[a]^2 = \frac1{2\pi}$
#    (chapter 2).
# 2. The mean is the same for all samples, so the next batch norm subtracts it. What it divides by is the variance that
#    remains, $\sigma_w^2\left(\frac12 - \frac1{2\pi}\right)$: *less* than the mean square.
# 3. On the way back the gradient's mean square is multiplied by $\sigma_w^2\cdot\frac12$, as in any ReLU layer, and
#    divided by what batch norm divided by:
#
# $$\frac{\sigma_w^2\cdot\frac12}{\sigma_w^2\left(\frac12 - \frac1{2\pi}\right)} = \frac{\pi}{\pi - 1} = 1.467,
# \qquad\text{in norm } \sqrt{1.467} = 1.211 \text{ (Yang et al. 2019)}.$$
#
# No $\sigma_w$ is left in it, so no scale of the weights can help. Layer norm subtracts a mean over the *features*,
# which is about 0, and divides by $\sigma_w^2\cdot\frac12$: what is left is 1.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Say: The mean is common to all samples, batch norm takes it off and divides by what is left, which is less than what
# ReLU's slope keeps.
# Ask: Does a better scale of the weights help?
# Answer: no, sigma_w cancels. That is Yang et al. 2019; skip connections help, next chapter.

# %% [markdown] slideshow={"slide_type": "skip"}
# *Try:* (1) none: find He's scale. (2) Every norm at $\sigma_w = 0.8$ and 2.2: what changes? (3) Compare batch and
# layer, backward.

# %% slideshow={"slide_type": "skip"}
def norm_against_scale(axes, norm="none", sigma_w=1.0):
    forward, gradient = deep_signals(norm, sigma_w)
    layer, factor = torch.arange(1, 51), sigma_w / 2**0.5
    level = 0.5 + 0 * layer if norm in GROWTH else factor ** (2 * layer)
    plots.draw_by_layer(axes[0], forward, level, quantity="mean square of a")
    axes[0].set_title(f"forward, σ_w = {sigma_w:.1f}")
    axes[1].set_title("backward")
    told = plots.draw_by_layer(axes[1], gradient / gradient[-1], GROWTH.get(norm, factor) ** (50 - layer),
                               quantity="gradient, relative to layer 50")
    axes[0].set_ylim(1e-27, 1e21)
    axes[1].set_ylim(1e-27, 1e21)
    return f"Backward, {told}"

explore(norm_against_scale, panels=2, norm=list(NORMS), sigma_w=(0.8, 2.2, 0.1))

# %% tags=["claim-C5.10", "claim-C5.11"] slideshow={"slide_type": "skip"}
per_layer = {}
for norm in NORMS:
    for sigma_w in (0.8, 2.2):
        both = [deep_signals(norm, sigma_w, depth, seed) for seed in range(2) for depth in (20, 50)]
        last = torch.stack([forward[-1] for forward, _ in both])
        per_layer[norm, sigma_w] = torch.stack([(g[0] / g[-1]) ** (1 / (len(g) - 1)) for _, g in both])
        print(f"{norm:5} sigma_w = {sigma_w}: level {last.min():.2g} to {last.max():.2g}, gradient per layer "
              f"{per_layer[norm, sigma_w].mean():.3f}, theory {GROWTH.get(norm, sigma_w / 2**0.5):.3f}")
        assert norm == "none" or (0.35 < last.min() and last.max() < 0.65)

# %% tags=["claim-C5.10"] slideshow={"slide_type": "skip"}
nets = [MLP(50, activation="relu", init="he", norm="batch", seed=seed) for seed in range(3)]
deltas = [measure(net, x[:128], y[:128]).delta_norm for net in nets]
on_digits = torch.stack([(d[0] / d[49]) ** (1 / 49) for d in deltas])
print("a 50-layer net with batch norm, on digits:", [f"{g:.3f}" for g in on_digits])
assert all((g / GROWTH.get(norm, s / 2**0.5) - 1).abs().max() < 0.04 for (norm, s), g in per_layer.items())
assert (on_digits / GROWTH["batch"] - 1).abs().max() < 0.05

# %% [markdown] slideshow={"slide_type": "skip"}
# Within 4 % per layer in random signals of depth 20 and 50, within 5 % on the digits. So batch norm makes a plain ReLU
# net level forward and exploding backward, whatever its weights. Layer and group norm do not.
#
# Is layer norm better, then? In this plain net it has a trouble of its own. What all samples have in common *stays*, it
# grows from layer to layer, and in the end all samples look alike. The cosine between two samples, on average:

# %% tags=["claim-C5.11"] slideshow={"slide_type": "skip"}
def alike(norm, depth, seed):
    random = torch.Generator().manual_seed(seed)
    a = torch.randn(64, 128, generator=random)
    for _ in range(depth):
        a = torch.relu(NORMS[norm](a @ torch.randn(128, 128, generator=random)))
    a = nn.functional.normalize(a, dim=1)
    cosines = a @ a.T
    return ((cosines.sum() - 64) / (64 * 63)).item()                 # between different samples

cosine = {norm: [alike(norm, 50, seed) for seed in range(3)] for norm in GROWTH}
for norm, values in cosine.items():
    print(f"{norm}: two samples after 50 layers have the cosine", [f"{value:.3f}" for value in values])
assert min(cosine["layer"]) > 0.9 and max(cosine["batch"]) < 0.6

# %% [markdown] slideshow={"slide_type": "skip"}
# Each norm has its price in a plain net: batch norm keeps the samples apart and explodes, layer norm holds the gradient
# and merges them. (Chapter 6 has what nets use against both: a skip connection.)
#
# ### Why does batch norm help where it does?
#
# That it helps is well measured, by many, in nets that are not fifty plain layers: larger steps are possible, units are
# kept out of saturation, and the noise of the batch regularizes a little. The *reason* is contested:
#
# - Ioffe and Szegedy (2015) named it *internal covariate shift*: each layer's input distribution moves while it learns,
#   and the norm holds it still.
# - Santurkar et al. (2018) added noise *after* the norm, so that the distributions moved more than ever. Training
#   remained as fast. They found a smoother loss surface instead.
# - Smoothness in turn may be effect as much as cause.
#
# So the first explanation is not well supported, and none is agreed on. (None of this paragraph is measured here.)
#
# ## A recipe for any activation
#
# You have all the parts. For a new $\phi$:
#
# 1. **Gain**: $\sigma_w = 1/\sqrt{E[\phi(Z)^2]}$.
# 2. **Price**: $\chi = \sigma_w^2 E[\phi'(Z)^2]$. Between 0.95 and 1.05 fifty layers change the gradient's norm by less
#    than four ($1.05^{25} = 3.4$); far from 1, no scale will do.
# 3. **Pull**: if the level is 10 % off, will the next layer be less than 10 % off? (The slope of the q map at 1.)
# 4. **Look**: send a batch through thirty layers.
#
# Here it is, for a function that nobody uses, $\phi(z) = z + \sin 2z$:

# %% slideshow={"slide_type": "skip"}
def recipe(phi):
    def slope(z):
        z = z.detach().requires_grad_()
        return torch.autograd.grad(phi(z).sum(), z)[0]

    def mean_square(f, q=1.0):
        return meanfield.gaussian_mean(lambda z: f(z).square(), q)

    sigma_w = mean_square(phi) ** -0.5
    pull = (mean_square(phi, 1.01) - mean_square(phi, 0.99)) / 0.02 * sigma_w**2
    return sigma_w, sigma_w**2 * mean_square(slope), pull

print("sigma_w, chi, pull:", [f"{value:.3f}" for value in recipe(lambda z: z + torch.sin(2 * z))])
for name in ("relu", "tanh", "gelu", "softplus"):
    print(f"{name:9}", [f"{value:.3f}" for value in recipe(activations.get(name).value)])

# %% [markdown] slideshow={"slide_type": "skip"}
# Its level would come back (the pull is below 1), its gradient would not stay: $\chi$ is far above 1. Exercise 4 asks
# for an activation of your own. (For GELU the pull is above 1: at its gain, a level that is off runs away, slowly.)
#
# ## What the literature says
#
# - **"Xavier is $1/n_{in}$."** That is LeCun 1998; Xavier is $2/(n_{in}+n_{out})$.
# - **"He's is twice Xavier's."** In square layers. `Linear(100, 300)`: four times.
# - **"Xavier suits sigmoid."** It assumes slope 1 and mean 0. Twelve decades are lost in twenty layers.
# - **"Xavier restores unit variance."** tanh at layer 20: 0.027, falling like $1/(2l)$.
# - **"Three independent justifications."** One second moment.
# - **"22 layers train with both, 30 only with He's."** The second half replicates in all our nets, the first in some.
# - **"LSUV is assumption-free."** It sets the signal; the sigmoid's gradient vanishes as before.
# - **"Batch norm cures vanishing gradients by stopping covariate shift."** In plain ReLU nets it makes the gradient
#   explode, and the reason is contested.
#
# *Try:* 1998, 2010, 2014, 2015, 2018, 2019.

# %% slideshow={"slide_type": "skip"}
def history_of_the_field(ax, year=2015):
    return plots.draw_timeline(ax, timeline.EVENTS, year, timeline.LANES)

explore(history_of_the_field, year=(1969, 2020))

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Quiz: which rule?

# %% slideshow={"slide_type": "skip"}
print(quiz.sheet(chapter05.QUIZ))

# %% slideshow={"slide_type": "skip"}
answers = {"relu": ..., "tanh": ..., "selu": ..., "sigmoid": ...}
quiz.grade(chapter05.QUIZ, answers)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## The clinic: your fifth patient

# %% slideshow={"slide_type": "skip"}
patient = chapter05.PATIENT
print(patient.complaint)
m = measure(patient.make(), x[:128], y[:128])
print("layer   gradient  std of z  std of a")
for l in range(0, 50, 7):
    print(f"{l + 1:5}  {m.delta_norm[l]:9.1e}  {m.pre_std[l]:8.2f}  {m.activation_std[l]:8.2f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Which disease is it: `"a vanishing gradient"`, `"an exploding gradient"`, `"a vanishing signal"`, or
# `"dead units"`?

# %% slideshow={"slide_type": "skip"}
diagnosis = ...
clinic.name_disease(patient, diagnosis)

# %% [markdown] slideshow={"slide_type": "skip"}
# And the treatment: `"ten times the learning rate"`, `"he's weights"`, `"xavier's weights"`, or
# `"orthogonal weights"`?

# %% slideshow={"slide_type": "skip"}
prescription = ...
clinic.treat(patient, prescription)

# %% [markdown] slideshow={"slide_type": "skip"}
# When you have your own opinion, ask for a second one. It speaks when you have spoken:

# %% slideshow={"slide_type": "skip"}
if clinic.has_named(patient, diagnosis):
    print(diagnose(patient.make(), x[:256], y[:256], lr=patient.lr))
else:
    print("Your own diagnosis first. Then run this cell again.")

# %% [markdown] slideshow={"slide_type": "skip"}
# <details><summary>When the report stands above: how to read it</summary>
#
# It names the same disease, and asks for weights with a standard deviation of $1/\sqrt{n_{in}}$: tanh's edge, in
# place of $5/3$. That is Xavier's scale, and the orthogonal weights' scale. It cannot tell you which of the two,
# since it looks at means: treat the patient with each, and compare.
#
# </details>

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### 1. The uniform form
#
# `xavier_bound(n_in, n_out)`: the $b$ for which $U(-b, b)$ has Xavier's variance. Three numbers.
#
# <details><summary>Hint</summary>
#
# The variance of $U(-b, b)$ is $b^2/3$. Set it equal to $2/(n_{in}+n_{out})$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def xavier_bound(n_in, n_out):
#     return (6 / (n_in + n_out)) ** 0.5
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def xavier_bound(n_in, n_out):
    """Two numbers -> the bound of the uniform form, a number."""
    ...

chapter05.check_xavier_bound(xavier_bound)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 2. One step of LSUV
#
# `lsuv_step(W, a)`: given weights `W` (n_out, n_in) and a batch `a` (B, n_in), return `W` rescaled by one number so
# that $z = aW^\top$ has variance 1, taken over all its entries.
#
# <details><summary>Hint</summary>
#
# What does $z$'s standard deviation do if you halve $W$?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def lsuv_step(W, a):
#     return W / (a @ W.T).std()
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def lsuv_step(W, a):
    """(n_out, n_in), (B, n_in) -> the rescaled weights, (n_out, n_in)."""
    ...

chapter05.check_lsuv_step(lsuv_step)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 3. Group norm
#
# `group_norm(x, groups)`: `x` is (B, C); cut the features of each sample into `groups` blocks of neighbours and bring
# each block to mean 0 and variance 1 (add 1e-5 to the variance; divide by the number of entries, not by one less).
# Return (B, C).
#
# <details><summary>Hint</summary>
#
# `x.view(len(x), groups, -1)` has the shape (B, groups, C / groups). Which axis do you average over? `var` takes
# `unbiased=False`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def group_norm(x, groups):
#     parts = x.view(len(x), groups, -1)
#     mean, variance = parts.mean(2, keepdim=True), parts.var(2, unbiased=False, keepdim=True)
#     return ((parts - mean) / (variance + 1e-5).sqrt()).view(x.shape)
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def group_norm(x, groups):
    """(B, C), a number of groups -> (B, C)."""
    ...

chapter05.check_group_norm(group_norm)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 4. Your own activation, and a rule for it
#
# Invent an activation, any function that bends each number by itself, and write `my_sigma_w(phi)`, which finds the
# $\sigma_w$ that keeps the mean square at 1 for *any* function, yours included, to within 2 %. The answer tells what
# thirty layers of your invention do.
#
# <details><summary>Hint</summary>
#
# Step 1 of the recipe; a million random numbers are an integral.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_activation(z):
#     return torch.sin(z) + 0.5 * z.clamp(min=0)
#
# def my_sigma_w(phi):
#     z = torch.randn(1_000_000, dtype=torch.float64)
#     return phi(z).square().mean() ** -0.5
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def my_activation(z):
    """A tensor -> a tensor of the same shape."""
    ...

def my_sigma_w(phi):
    """Any activation -> the sigma_w that keeps its mean square at 1."""
    ...

chapter05.check_invention(my_activation, my_sigma_w)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Summary
#
# - A layer multiplies the mean square by $n_{in}\mathrm{Var}(w)E[\phi^2]$ forward and by
#   $n_{out}\mathrm{Var}(w)E[\phi'^2]$ backward. LeCun, Xavier and He set one of them, or their compromise, to 1.
# - Only for ReLU and its leaky cousins do signal and gradient want the same scale. For all others the gain has a price,
#   $\chi$.
# - A mean is not everything: orthogonal weights keep every direction. And a norm that holds the signal may still
#   let the gradient explode.

# %% [markdown] slideshow={"slide_type": "slide"}
# One picture to keep. The factor of one layer against the scale of its weights, for the signal and for the gradient.
# Which scale keeps them at one? Where the line crosses 1. ReLU has one such scale, tanh has two that are close, the
# sigmoid has two that are far apart.

# %%
def where_is_one(axes):
    scale, crossings = torch.linspace(0.5, 6, 56), []
    for ax, name in zip(axes, ("relu", "tanh", "sigmoid")):
        signal, gradient = meanfield.gain(name) ** -2, meanfield.chi(name, 1.0)          # of the layer with σ_w = 1
        plots.draw_lines(ax, {"signal": scale**2 * signal, "gradient": scale**2 * gradient}, scale, xlabel="σ_w",
                         ylabel="factor of the mean square", log=True, markers=False, limits=(0.03, 30))
        ax.axhline(1, color=style.THEORY, linewidth=1)
        ax.set_title(name)
        crossings.append(f"{name}: {signal**-0.5:.2f} and {gradient**-0.5:.2f}")
    return f"Signal and gradient are at 1 at σ_w = {'; '.join(crossings)} (at a signal of mean square 1)."

show(where_is_one, panels=3)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: The picture to keep. Where the line crosses 1 is the answer to the question in the title.
# Ask: Why is there no good scale for the sigmoid?
# Answer: its two lines cross 1 at 1.8 and at 4.7.

# %% [markdown] slideshow={"slide_type": "skip"}
# Every layer is at one now, and it was not enough. A single ReLU layer loses half of its directions at any scale, the
# luck of fifty layers multiplies, and each norm has its price. All of it comes from the chain of layers itself.
# **Chapter 6** cuts it short.
#
# ## References
#
# - Johnson, Lindenstrauss 1984, *Extensions of Lipschitz mappings into a Hilbert space*, Contemporary Mathematics 26
# - LeCun, Bottou, Orr, Müller 1998, *Efficient BackProp*
# - Glorot, Bengio 2010, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS
# - Saxe, McClelland, Ganguli 2014, *Exact solutions to the nonlinear dynamics of learning in deep linear neural
#   networks*, ICLR
# - He, Zhang, Ren, Sun 2015, *Delving deep into rectifiers*, ICCV
# - Ioffe, Szegedy 2015, *Batch normalization*, ICML
# - Mishkin, Matas 2016, *All you need is a good init*, ICLR (LSUV)
# - Ba, Kiros, Hinton 2016, *Layer normalization*, arXiv 1607.06450
# - Pennington, Schoenholz, Ganguli 2017, *Resurrecting the sigmoid*, NeurIPS (dynamical isometry)
# - Wu, He 2018, *Group normalization*, ECCV
# - Santurkar et al. 2018, *How does batch normalization help optimization?*, NeurIPS
# - Yang et al. 2019, *A mean field theory of batch normalization*, ICLR
