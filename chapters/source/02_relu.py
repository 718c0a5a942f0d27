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
# # 2 · ReLU: is a slope of 1 enough?
#
# In chapter 1 a gradient died on its way through twenty sigmoid layers, since a sigmoid's slope is a quarter at best. What
# if the slope is 1? You will see what really decides, watch units die, and treat a net in which most of them are dead.
#
# You need the law of chapter 1. On its way back through one layer, the gradient's length is multiplied by $\sqrt\chi$,
# where $\chi = \sigma_w^2\,E[\phi'(z)^2]$: the size of the weights times the mean square of the slopes. Run the cells from
# top to bottom with **Shift+Enter**.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: who has read that ReLU cures vanishing gradients? Who has tried?

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, causes, chapter02, claim, clinic, datasets, explore, measure, networks
from utils import plots, predict, race, show, style, table

torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()        # x is (1437, 64): a row for each digit

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Change one name
#
# The **rectified linear unit**, **ReLU** <!-- term: The activation max(0, z): its slope is 1 above zero and 0 below. -->
# for short, is $\phi(z) = \max(0, z)$. It passes on what is positive and blocks the rest. So its slope is 1 or 0, and
# never a quarter.
#
# Here are twenty hidden layers of it, with the weights that PyTorch's `nn.Linear` draws. A few units of each layer are
# shown, with their largest weights. The stronger a unit's colour, the more gradient reaches it, and a hollow one gets none at all.
# Is the line level now?

# %% slideshow={"slide_type": "fragment"}
def errors(net):
    z, _ = net.signals(x[:128])                 # the pre-activations of each layer
    return torch.autograd.grad(F.cross_entropy(z[-1], y[:128]), z)

def edges(net):                                 # the weights that are drawn between two layers
    return [layer.weight.detach() for layer in (*net.hidden[1:], net.readout)]

def twenty_layers(axes, weights="torch", guess=None):
    net = MLP(20, activation="relu", init=weights)
    return networks.draw_net_and_curve(axes, errors(net), edges(net), guess=guess)

show(twenty_layers, panels=(2, 1), size=(9, 4.8))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Ask: only the name of the activation changes. Will the line be level?
# Expect: yes, most have read so.
# Misconception: the slope of the activation is the whole factor of a layer.
# Answer: it falls to 1e-8. Sigmoids fall to 1e-13 or less, so it is better, and still hopeless.

# %% [markdown] slideshow={"slide_type": "slide"}
# Read it from right to left, as the gradient travels: it falls. About a fifty-millionth is left. That is more than the
# sigmoids leave, and still next to nothing.
#
# ## Change the weights
#
# Now we keep ReLU and change the weights. PyTorch draws them with the variance $\frac{1}{3n}$ for $n$ inputs. Let us take
# $\frac2n$ instead, which makes them $\sqrt6 = 2.4$ times larger. (The biases become 0, which alone changes little, as
# *Move it* will show.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: we read from right to left. A fifty-millionth is left.

# %% slideshow={"slide_type": "subslide"}
predict(
    "Weights 2.4 times larger: layer 1's gradient, compared with the last layer's?",
    twenty_layers, panels=(2, 1), size=(9, 5.2), weights="he",
    right=chapter02.RIGHT["He's weights"],
    guess=[("1e-8, as before", 1e-8), ("1e-4", 1e-4), ("about the same", 1.0), ("10,000", 1e4)],
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 2
# Ask: weights that are 2.4 times larger. Hands up for each option before you reveal.
# Expect: 1e-8 and 1e-4 share most hands.
# Misconception: 2.4 sounds small; it acts twenty times, and the root of 6 to the 20th is 6e7.
# Answer: about the same.

# %% [markdown] slideshow={"slide_type": "slide"}
# About the same! The factor $\sqrt6$ sounds small, but it acts in twenty layers, and multiplied by itself twenty times it
# is $6^{10}$, sixty million. To draw weights with the variance $\frac2n$ is called **He's initialization**. <!-- term: Weights of mean 0 and variance 2/n for n inputs, which keep the gradient level through ReLU layers. -->
# Why just 2?
#
# ## By hand: one half passes
#
# The slope of an active ReLU is 1, and $1 \times 1 \times 1$ stays 1. But two things are missing in this product: the
# *weights*, and the units that are *not* active.
#
# Take a layer whose pre-activations $z$ are spread symmetrically around zero. Let $q$ be the mean of $z^2$. ReLU keeps one
# half of the $z$ and replaces the other half by 0. One half of the slopes is 1, and the other half is 0. So
#
# $$E[\phi(z)^2] = \tfrac12\,q \qquad\text{and}\qquad E[\phi'(z)^2] = \tfrac12 .$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Say: draw a Gaussian on the board and wipe out its left half.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Left: how frequent each $z$ is. Right: what each $z$ adds to the mean of $z^2$. What ReLU blocks is hatched. *Try:*
# (1) Change `spread`. Which share passes? (2) Change `mean` to −1, and to −3. What passes now?

# %%
def halving(axes, mean=0.0, spread=1.0):
    z = torch.linspace(-8, 8, 800)              # an even number of points: 0 is none of them
    frequency = torch.exp(-((z - mean) / spread) ** 2 / 2)
    return causes.draw_halving(axes, z, frequency)

explore(halving, panels=2, size=(9, 3.6), mean=(-3.0, 3.0, 0.5), spread=(0.5, 2.0, 0.5))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Do: change the spread, then the mean.
# Ask: which variance of the weights makes up for one half?
# Misconception: the size is halved. It is the mean square; the size shrinks by the root of two.
# Answer: a factor of 2, which is He's.

# %% [markdown] slideshow={"slide_type": "slide"}
# One half passes at every spread. When the mean is not 0 it is another share: at −3 and a spread of 1 next to nothing is
# left. We shall need that later.
#
# ### One number decides
#
# Put the weights back, with their variance $\sigma_w^2/n$. The law of chapter 1 becomes
#
# $$\chi = \sigma_w^2\,E[\phi'(z)^2] = \frac{\sigma_w^2}{2} .$$
#
# The size of $z$ is *not* in the formula: a sigmoid's slopes shrink when $z$ grows, and ReLU's do not. So one number
# decides, $\sigma_w^2$. If it is 2, then $\chi = 1$, and the line is level. That is He's choice. PyTorch's $\frac13$ gives
# $\chi = \frac16$. Its root is 0.41, so each layer keeps 41 % of the gradient. Twenty layers keep $0.41^{20}$, a
# fifty-millionth: the first picture.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 0.5
# Ask: what passes if all the z lie around -3?
# Answer: nearly nothing. We shall meet such a layer in the clinic.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Move it
#
# *Try:* (1) `sigma_w_squared` from 2 to 1, and to 4. What could stop the growth? (2) Back to 2, depth 40, and now go
# through the seeds. Theory says level. How level is a single net?

# %%
def any_weights(axes, sigma_w_squared=2.0, depth=20, seed=0):
    net = MLP(depth, activation="relu", sigma_w=sigma_w_squared**0.5, seed=seed)
    theory = (sigma_w_squared / 2) ** (torch.arange(depth, -1, -1) / 2)
    weights = edges(net) if depth <= 20 else None
    return networks.draw_net_and_curve(axes, errors(net), weights, theory)

explore(any_weights, panels=(2, 1), size=(9, 5.2), sigma_w_squared=(0.5, 4.0, 0.5), depth=(2, 40),
        seed=(0, 9))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 2
# Do: sigma_w squared to 1, then 4, then 2 with depth 40 and several seeds.
# Ask: is a net with He's weights level?
# Expect: yes.
# Misconception: an average over nets is taken for every net.
# Answer: level on average; single nets drift, more of them down than up. Wider layers drift less: see the evidence.

# %% slideshow={"slide_type": "skip"}
for variance, name in ((1 / 3, "1/3n (PyTorch's)"), (1, "1/n"), (2, "2/n (He's)"), (4, "4/n")):
    nets = [MLP(20, activation="relu", sigma_w=variance**0.5, seed=seed) for seed in range(5)]
    delta = torch.stack([measure(net, x[:128], y[:128]).delta_norm for net in nets])
    factor = (delta[:, 0] / delta[:, -1]).log().mean().div(20).exp()
    claim("C2.07", f"{name}, biases of 0: a layer multiplies the gradient by {factor:.2f}",
          abs(factor / (variance / 2) ** 0.5 - 1) < 0.05)

# %% [markdown] slideshow={"slide_type": "slide"}
# Each size of weights has its own slope of the line, and five nets agree with $\sqrt\chi$. Nothing
# stops the growth at 4, because ReLU does not saturate on its right side. And no single net is quite level, because luck
# adds up over the layers.
#
# ## Does it matter? Wait and see
#
# Chapter 1 taught us to ask *how long* a net stays on the plateau of guessing. We train ReLU nets of two to twenty
# layers until their loss is below 1.5, for 600 steps at most. We do so with PyTorch's weights and with He's (`torch` and
# `he` in the picture), and with two optimizers: SGD (momentum 0.9, rate 0.01) and Adam (rate 0.001). Which of the four
# lines will rise with depth?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: four lines, two kinds of weights times two optimizers. Which of them rise with depth?
# Expect: none, or both with PyTorch's weights.
# Answer: both with PyTorch's weights, by Adam much later than by SGD; with He's hardly any.

# %% slideshow={"slide_type": "skip"}
def has_left(net):
    return F.cross_entropy(net(x[:256]), y[:256]) < 1.5

depths, waits, escapes = (2, 4, 6, 8, 12, 20), {}, []
for weights in ("torch", "he"):
    for optimizer, rate in (("sgd", 0.01), ("adam", 0.001)):
        nets = {f"{depth} layers": MLP(depth, activation="relu", init=weights) for depth in depths}
        runs = race(nets, x, y, steps=600, lr=rate, optimizer=optimizer, until=has_left, live="bar")
        waits[f"{weights}, {optimizer}"] = torch.tensor([run.steps for run in runs.values()])
        escapes.append(runs)

# %% [markdown] slideshow={"slide_type": "subslide"}
# How many steps did the nets wait? (A point at 600 means: not yet.)

# %% slideshow={"slide_type": "fragment"}
def wait(ax):
    plots.draw_lines(ax, waits, depths, xlabel="layers", ylabel="steps", log=True,
                     limits=(10, 4000))

show(wait)
default, with_adam = waits["torch, sgd"], waits["torch, adam"]
longer = default[1:3] / default[:2]
claim("C2.02", "PyTorch's weights, SGD (momentum 0.9, rate 0.01): two more layers make the wait "
      "2 to 4 times longer; 8 and more are still there after 600 steps",
      default[3:].min() == 600 and 2 < longer.min() < longer.max() < 4, unless=escapes,
      only=("rate", "optimizer", "budget"))
claim("C2.02", "Adam (rate 0.001) gets up to 12 such layers away within 300 steps; He's weights "
      "need at most 100 with both", with_adam[:5].max() < 300 and
      max(waits["he, sgd"].max(), waits["he, adam"].max()) <= 100, unless=escapes)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1.5
# Say: PyTorch's weights are no death sentence: Adam gets twenty layers away in most nets, if you wait longer (the evidence).
# Ask: why is Adam hardly impressed by a gradient of 1e-8?
# Answer: it divides each step by the usual size of the gradient.

# %% [markdown] slideshow={"slide_type": "slide"}
# Both lines of PyTorch's weights rise. Adam's rises later: our net of twenty layers is still there after 600 steps,
# though most such nets are not (evidence). With He's weights no net waits for more than 100. From here on our nets have He's weights,
# unless they are meant to be sick.
#
# ## The price: units that die
#
# For one digit, about half of the units say 0. That is fine, since another digit finds another half silent. But think
# of a unit that is silent for *every* digit. Its slope is 0 for all of them, and the gradient of its own weights is not
# small but exactly 0. It is called a **dead unit**. <!-- term: A ReLU unit that is silent for every input, so that its own weights get a gradient of exactly zero. -->
#
# How many units die in an ordinary training? Let three layers learn for 200 steps of SGD with momentum 0.9, at seven
# learning rates. Guess: which share is dead at 0.05, where the net learns well? Which at 0.3?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 0.5
# Ask: why can a dead unit not learn its way back? How many die at 0.05, and at 0.3?
# Expect: none, and a few.

# %% slideshow={"slide_type": "skip"}
@torch.no_grad()
def dead(net):                                  # of each hidden layer: which units are dead
    *hidden, _ = net.signals(x)[0]              # their z, (1437, 64)
    return torch.stack([(z <= 0).all(0) for z in hidden])

rates = {f"rate {rate}": rate for rate in (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)}
trained = {name: MLP(3, activation="relu", init="he") for name in rates}
lives = race(trained, x, y, steps=200, lr=rates, live="bar")
at_birth = dead(MLP(3, activation="relu", init="he")).double().mean()

# %% [markdown] slideshow={"slide_type": "subslide"}
# Dead units are crossed out. (Six of the 64 in each layer are drawn.) *Try:* go from the lowest rate to the highest.

# %%
share = [dead(net).double().mean() for net in trained.values()]

def after_training(axes, rate="rate 0.05"):
    net = trained[rate]
    silent = dead(net).double()
    networks.draw_net(axes[0], errors(net), edges(net), dead=silent, scale=False)
    curves = {"after 200 steps": share, "before the first": at_birth.expand(len(share))}
    plots.draw_lines(axes[1], curves, list(rates.values()), xlabel="learning rate",
                     ylabel="share of dead units")
    axes[1].plot(rates[rate], silent.mean(), "o", color=style.BLACK, markersize=14,
                 fillstyle="none", clip_on=False)
    return f"{silent.mean():.0%} of 192 units are dead; accuracy {lives[rate].accuracy:.0%}."

explore(after_training, panels=(2, 1), size=(9, 5.2), rate=list(rates))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 3
# Do: go from 0.05 up to 0.3.
# Misconception: dead units are either a rare accident, or everywhere.
# Answer: 4 % are dead at birth, hardly more at an ordinary rate, and they do no harm; most at 0.3, and the loss looks calm.

# %% slideshow={"slide_type": "skip"}
claim("C2.05", f"dead before the first step: {at_birth:.0%}; after 200 steps of SGD at a rate of "
      f"0.05 {share[2]:.0%}, at 0.3 {share[-1]:.0%}", max(at_birth, share[2]) < 0.1 and
      share[-1] > 0.5, unless=lives, only=("rate", "optimizer"))

# %% [markdown] slideshow={"slide_type": "slide"}
# Before the first step a few units in a hundred are dead. In this net there are fewer of them after training at 0.05: some
# have come back, and it learns. When the step becomes too large, most units die, and what is left learns little.
#
# ### How does a unit die?
#
# A large gradient pushes its $z$ so far down that no digit brings it above zero. From then on its
# gradient is zero. Is it dead for good? In layer 1 it is, because its input is the data. In a higher layer it may come
# back, when the layers below it change. (The evidence follows one unit, and counts those that come back.)
#
# ## Born dead: what PyTorch's default really is
#
# Units may be dead before the first step. In PyTorch's source, `nn.Linear` calls `kaiming_uniform_(weight, a=sqrt(5))`.
# Kaiming is He's first name. But with this `a` the function draws weights of the variance $\frac{1}{3n}$, and not
# $\frac2n$. The biases are random as well, and as large as the weights.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1
# Say: a large gradient throws a unit down. The last digit lets go, and its gradient is exactly zero.
# Ask: PyTorch says kaiming. Is it He's?
# Expect: yes.
# Answer: no; a = sqrt(5) was chosen to give what Torch did before.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Let us count in three kinds of untrained nets, ten layers each: PyTorch's default, the same with biases of 0, and He's.
# How many units are dead?

# %% slideshow={"slide_type": "fragment"}
births = {"PyTorch's default": [], "its weights, biases 0": [], "He": []}
for seed in range(5):
    kinds = [MLP(10, activation="relu", init=init, seed=seed) for init in ("torch", "torch", "he")]
    for layer in kinds[1].hidden:
        nn.init.zeros_(layer.bias)
    for found, net in zip(births.values(), kinds):
        found.append(dead(net).double().mean(1))
born = {name: torch.stack(found).mean(0) for name, found in births.items()}

show(plots.draw_lines, born, xlabel="layer", ylabel="dead at birth", limits=(0, 0.75))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Ask: how many are dead before the first step?
# Answer: half of the deep layers. The signal shrinks, the biases do not, so deep layers see biases only.

# %% slideshow={"slide_type": "skip"}
torch.manual_seed(0)
variance = 64 * nn.Linear(64, 4000).weight.var()
claim("C2.02", f"nn.Linear: n times the variance is {variance:.2f}", abs(variance - 1 / 3) < 0.01)
default, no_bias, he = (found[5:].mean() for found in born.values())
claim("C2.05", f"dead in layers 6 to 10, before any step: {default:.0%} by PyTorch's default, "
      f"{no_bias:.0%} without its biases, {he:.0%} with He's weights",
      default > 0.4 and default > 3 * max(no_bias, he))

# %% [markdown] slideshow={"slide_type": "slide"}
# By PyTorch's default half of the units in the deep layers are born dead. (They were hollow in the first picture.) Most of
# them are dead because of the *biases*.
#
# ### Why the biases?
#
# The signal shrinks from layer to layer, and the biases do not. So in the last
# layers $z$ is little more than the bias, and nearly the same for every digit: a unit that is off for one digit is off for
# all. He's nets have some dead units, too, because deep down two digits look more and more alike (chapter 4).
#
# ## Remedies, each beside its control
#
# Two patients with three layers. The first has weights too large for its step ($\sigma_w = 3$, rate 0.1). The second has
# He's weights and biases of −3. Five remedies are usually named: a smaller step, He's weights, biases of 0, and two that
# are new to us. A **leaky ReLU** <!-- term: ReLU with a small slope below zero in place of 0, so that no unit is ever cut off. -->
# has a small slope on its left side, here 0.2. **Batch norm** <!-- term: A layer that shifts and scales each unit's z to mean 0 and variance 1 over the batch. -->
# shifts and scales the $z$ of each unit to mean 0 and variance 1 over the batch.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: five remedies. Which would you try first?

# %% slideshow={"slide_type": "skip"}
REMEDIES = ("nothing", "a tenth of the step", "a leak of 0.2", "He's weights", "biases of 0",
            "batch norm")

def treated(remedy, sigma_w, bias):
    sigma_w = 2**0.5 if remedy == "He's weights" else sigma_w
    net = MLP(3, activation="relu", sigma_w=sigma_w, norm="batch" if "batch" in remedy else None)
    if remedy == "a leak of 0.2":
        net.phi = nn.ModuleList(nn.LeakyReLU(0.2) for _ in range(3))
    for layer in net.hidden:
        nn.init.constant_(layer.bias, 0.0 if remedy == "biases of 0" else bias)
    return net

# %% [markdown] slideshow={"slide_type": "subslide"}
# Which remedy helps which patient? The table gives the share of digits that are right after 200 steps of SGD. (The first
# patient's biases are 0 already, and the second has He's weights already.)

# %% tags=["slide-output"] slideshow={"slide_type": "fragment"}
patients = {"large weights": (3.0, 0.0, 0.1), "biases −3": (2**0.5, -3.0, 0.05)}
trials = {}
for name, (sigma_w, bias, rate) in patients.items():
    nets = {remedy: treated(remedy, sigma_w, bias) for remedy in REMEDIES}
    paces = dict.fromkeys(REMEDIES, rate) | {"a tenth of the step": rate / 10}
    trials[name] = race(nets, x, y, steps=200, lr=paces, live="bar")
right = {name: [run.accuracy for run in runs.values()] for name, runs in trials.items()}
table({"remedy": REMEDIES} | right, form="{:.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1.5
# Ask: does a leak help both patients?
# Expect: yes.
# Misconception: a remedy helps whatever the cause was.
# Answer: the born-dead net, yes. The other one explodes with a leak: no unit dies, so nothing stops the growth.

# %% slideshow={"slide_type": "skip"}
helped = {name: [remedy for remedy, run in runs.items() if run.accuracy > 0.85]
          for name, runs in trials.items()}
large, biased = helped.values()
claim("C2.06", f"weights too large, 200 steps of SGD at a rate of 0.1; what helps: {large}",
      large == ["a tenth of the step", "He's weights", "batch norm"],
      unless=trials["large weights"], only=("rate", "optimizer", "budget"))
claim("C2.06", f"biases of −3, 200 steps of SGD at a rate of 0.05; what helps: {biased}",
      biased == ["a leak of 0.2", "biases of 0", "batch norm"],
      unless=trials["biases −3"], only=("rate",))
leaky, plain = trials["large weights"]["a leak of 0.2"], trials["large weights"]["nothing"]
claim("C2.06", f"SGD at 0.1: with a leak it diverges after {leaky.steps} of 200 steps, else not",
      leaky.diverged and leaky.steps < 50 and not plain.diverged,
      unless=trials["large weights"], only=("rate", "optimizer"))

# %% [markdown] slideshow={"slide_type": "slide"}
# A remedy has to fit the cause. The second patient is cured when its biases are gone, or by a leak. Batch norm removes them, too, since
# it subtracts the mean, and it also scales down what is too large. The first patient needs smaller weights or a smaller
# step, and a leak makes it worse.
#
# ### What a leak does to the first patient
#
# Without one its units die, and what is dead grows no further. With a leak none is cut off, and the net explodes. (See
# the evidence, also for Adam, with which this patient needs no remedy.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: why does a leak harm the first patient?
# Answer: no unit is cut off any more, and nothing stops the growth.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The clinic
#
# A net comes in after its training. Which disease is it, and what would you do? (*std of a*: the standard deviation
# of a layer's outputs. A second patient waits in the evidence.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Ask: which disease? And does a smaller step help now?
# Expect: yes.
# Answer: it comes too late, since what is dead gets no gradient at any rate. New weights and a smaller step cure it.

# %%
diagnosis = ...
display(clinic.name_disease(chapter02.PATIENT, diagnosis))
clinic.chart(chapter02.PATIENT, "gradient", "mean of z", "std of a", "dead")

# %% slideshow={"slide_type": "skip"}
prescription = ...
clinic.treat(chapter02.PATIENT, prescription)

# %% slideshow={"slide_type": "skip"}
clinic.second_opinion(chapter02.PATIENT, diagnosis)         # speaks when you have spoken

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# Replace the dots and run the cell. It answers at once, and you may try as often as you like.
#
# ### 1. One step back through ReLU
#
# `relu_backward(delta_out, z)`: given $\partial C/\partial a$ and $z$, of one shape, return $\partial C/\partial z$. At
# $z = 0$ take the slope 0, as PyTorch does.
#
# <details><summary>Hint</summary>
#
# `z > 0` is a mask of True and False, and you may multiply by it.
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
# `level_sigma_w(alpha)`: which $\sigma_w$ keeps $\chi = 1$ if the slope is 1 above zero and $\alpha$ below? A number
# in, a number out. For $\alpha = 0$ it must be $\sqrt 2$.
#
# <details><summary>Hint</summary>
#
# $E[\phi'(z)^2]$ is the mean of two equally frequent values. Then solve $\sigma_w^2 E[\phi'(z)^2] = 1$.
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
# ### 3. A census for any net
#
# `census(net, x)`: for an `nn.Sequential` and a batch, the share of dead units (0 to 1) after each of its `nn.ReLU`
# layers, first layer first, as a list.
#
# <details><summary>Hint</summary>
#
# `for layer in net: x = layer(x)` is the forward pass. `isinstance(layer, nn.ReLU)` tells where to count. The outputs
# of a dead unit are 0 for all samples.
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

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 4. Repair it
#
# Twenty layers, 64 and 128 units wide in turn, of a leaky ReLU with the slope $\alpha = 0.8$ below zero. PyTorch's
# weights leave a millionth of the gradient, and with He's the net explodes. Write `weights(n_in, n_out, alpha)`: random
# weights of the shape (`n_out`, `n_in`), with which each layer keeps the mean square of $z$, whether it is wider or narrower
# than the one below. The checker measures that, and the gradient, and trains the net for 150 steps.
#
# <details><summary>Hint</summary>
#
# Exercise 2 says which $\sigma_w$ is level, and the variance of a weight is $\sigma_w^2/n$. Which of the two numbers is
# $n$?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def weights(n_in, n_out, alpha):
#     return torch.randn(n_out, n_in) * (2 / (1 + alpha**2) / n_in) ** 0.5
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def weights(n_in, n_out, alpha):
    """Inputs, outputs, slope below zero -> random weights, (n_out, n_in)."""
    ...

chapter02.check_weights(weights)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - ReLU lets half of the mean square pass, so $\chi = \sigma_w^2/2$: level for He's 2, and falling for PyTorch's $\frac13$.
# - A dead unit's gradient is exactly zero. A few are normal. Too large a step kills most of a net.
# - A remedy has to fit the cause, and is judged beside its control.
#
# One picture to keep: four sizes of weights. Why does each line have its slope?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Ask: which number makes the line level, and why?
# Answer: 2, because half of the mean square passes. Next time: must the left side be flat?

# %%
def four_sizes(ax):
    curves = {}
    for name, variance in (("4/n", 4), ("2/n (He)", 2), ("1/n", 1), ("1/3n (PyTorch)", 1 / 3)):
        net = MLP(30, activation="relu", sigma_w=variance**0.5)
        delta = measure(net, x[:128], y[:128]).delta_norm
        curves[name] = delta / delta[-1]
    plots.draw_lines(ax, curves, xlabel="layer", ylabel="gradient, relative to the last", log=True)

show(four_sizes, size=(9, 3.8))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Take it home
#
# Plain PyTorch, for your own net: He's weights before the training, and a hook that counts dead units whenever a layer
# `nn.ReLU` runs. It is for layers `nn.Linear`. Give it a large batch: a unit that is silent for a few samples is not dead.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: a dozen lines for your own net, without this course.

# %% tags=["take-home"]
from torch import manual_seed, nn, randn

def count_dead(m, inputs, a):                   # a: its last dimension is the units
    print((a.flatten(0, -2) <= 0).all(0).sum().item(), "of", a.shape[-1], "units dead")

def prepare(m):
    if isinstance(m, nn.Linear):
        nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
        nn.init.zeros_(m.bias)
    if isinstance(m, nn.ReLU):
        m.register_forward_hook(count_dead)

net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).apply(prepare)
nn.init.constant_(net[0].bias[:5], -100.0)      # five units, killed to be found
logits = net(randn(256, 64, generator=manual_seed(0)))

# %% [markdown] slideshow={"slide_type": "skip"}
# Must the left side be flat? It could leak, bend smoothly, or dip below zero. Chapter 3 puts a dozen such functions
# side by side. What popular sources say about ReLU, a map of 200 nets, the history, and when *not* to use ReLU stand in
# the [evidence](evidence/02_relu.ipynb).
#
# ### References
#
# Nair and Hinton 2010 (ICML) and Glorot, Bordes, Bengio 2011 (AISTATS) made ReLU popular; He, Zhang, Ren,
# Sun 2015 (ICCV) derived the weights; Maas, Hannun, Ng 2013 the leak; Ioffe and Szegedy 2015 batch norm; Lu et al. 2019
# (arXiv 1903.06733) study nets that are born dead.
