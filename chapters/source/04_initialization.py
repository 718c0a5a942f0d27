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
# # 4 · Initialization: why is the net sick before the first step?
#
# Before a net learns anything, its weights are random numbers. Somebody has to say how large. You will find out with two numbers
# that fit on paper, and then cure a net that is sick from birth.
#
# You need $\chi$ from chapter 1: each layer multiplies the squared gradient by $\chi = \sigma_w^2\,E[\phi'^2]$, weights
# times slopes.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: today nothing but the size of the random weights is moved, and for half an hour nothing is trained.

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, Stack, chapter04, claim, clinic, datasets, diagrams, explore, meanfield
from utils import measure, phase, plots, predict, race, show, sums

torch.set_num_threads(1)
x, y, *_ = datasets.digits()        # x is (1437, 64): a row for each digit

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A thousand inputs
#
# A unit looks at 1,000 pixels. Half of them are white, $a = 1$, and half are black, $a = 0$. Its weights and its bias come
# from $N(0, 1)$, so most of them lie between -2 and 2. That sounds harmless. The unit adds up,
# $z = \sum_k w_k a_k + b$. How large is $z$?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5 / 0.5
# Say: one unit, a thousand inputs, weights around 1. Nothing has been trained.

# %% slideshow={"slide_type": "skip"}
def add_up(inputs, scale):      # the sums of 2,000 units, input by input: (2000, inputs + 1)
    random = torch.Generator().manual_seed(0)
    a = (torch.arange(inputs) % 2 == 0).float()
    w = scale * torch.randn(2000, inputs, generator=random)
    b = torch.randn(2000, 1, generator=random)
    return torch.cat([b, w * a], 1).cumsum(1)

# %% slideshow={"slide_type": "subslide"}
def thousand(axes, inputs=1000, weights="N(0, 1)", guess=None):
    scale = 1.0 if weights == "N(0, 1)" else inputs**-0.5
    law = (scale**2 * torch.arange(inputs + 1) / 2 + 1) ** 0.5
    return sums.draw_sum(axes, add_up(inputs, scale), law, guess=guess)

predict(
    "1,000 inputs, half of them on, weights and bias from N(0, 1): how far from 0 is z, typically?",
    thousand, panels=2, right=chapter04.RIGHT["a thousand inputs"],
    guess=[("about 1", 1.0), ("about 5", 5.0), ("about 20", 20.0), ("about 500", 500.0)],
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3.5 / 2
# Ask: how large is z, roughly? Count hands.
# Expect: about 1, since the weights are; some say 500.
# Misconception: random terms of both signs cancel. Their mean does; their spread grows like the root of their number.
# Answer: 22. Four units of five are beyond 5, where a sigmoid is flat.

# %% [markdown] slideshow={"slide_type": "slide"}
# Each thin line is a unit, and each step to the right adds one more input. The lines wander apart. At the end four
# units of five lie in the shaded zone beyond 5, where a sigmoid is flat: they are saturated, and nobody has trained them.
# The two smooth lines come from a formula.
#
# ## By hand: variances add
#
# Why is $z$ about 22, and not 1 or 500? The inputs are given, and the weights are random, independent, with mean 0. The variances of
# independent terms add up, and the variance of $w_k a_k$ is $a_k^2\,\mathrm{Var}(w)$. So for $n$ inputs
#
# $$\mathrm{Var}\,z = n\,\mathrm{Var}(w)\,E[a^2] + \mathrm{Var}(b).$$
#
# Here this is $1000\cdot1\cdot\frac12 + 1 = 501$, and its root is 22.4. What counts of the inputs is their mean *square*.
# Try it with four inputs, 3, -1, 0 and 2. Which variance must $z$ have, if $w \sim N(0, 1)$ and there is no bias?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 0.5
# Ask: four inputs, 3, -1, 0 and 2: which variance has z?
# Answer: 9 + 1 + 0 + 4 = 14. Variances add, and each is the square of its input.

# %%
a = torch.tensor([3.0, -1.0, 0.0, 2.0])
products = a * torch.randn(200_000, 4, generator=torch.Generator().manual_seed(0))
each, whole = products.var(0), products.sum(1).var()
claim("C4.01", f"variances {', '.join(f'{v:.2f}' for v in each)}; together {whole:.1f}",
      abs(whole - 14) < 0.2 and (each - a**2).abs().max() < 0.1)

# %% [markdown] slideshow={"slide_type": "slide"}
# Which variance must the weights have, so that the number of inputs no longer matters?
#
# *Try:* (1) 10 inputs instead of 1,000. (2) The other weights, and move the inputs again.

# %%
explore(thousand, panels=2, inputs=(10, 1000, 10), weights=["N(0, 1)", "N(0, 1/n)"])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Do: 10 inputs; back to 1,000; then N(0, 1/n), and move the inputs.
# Ask: what does the number of inputs matter now?
# Answer: it does not. The black line ends at the same height for any number.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From layer to layer
#
# With the variance $\sigma_w^2/n$ the number $n$ cancels, and one layer is safe. The next one receives $a = \phi(z)$, and its own $z$ is a sum of these. Let $q$ be the mean square of a
# layer's $z$. Gaussian weights make $z$ Gaussian, $\sqrt q\,Z$ with a standard normal $Z$. With
# $\mathrm{Var}(b) = \sigma_b^2$ our formula becomes a rule from one layer to the next:
#
# $$q_{\text{next}} = \sigma_w^2\,E\big[\phi(\sqrt q\,Z)^2\big] + \sigma_b^2$$
#
# We call it the **q map**. <!-- term: The rule that gives the mean square of a layer's pre-activations from that of the layer before: sigma_w^2 E[phi(sqrt(q) Z)^2] + sigma_b^2. -->
# One number goes in, and one comes out.
#
# *Try:* (1) Move *start*. (2) Set `sigma_b` to 0, and move `sigma_w` from 0.5 to 2. (3) ReLU without a bias, at 1.4: what is different?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: the variance of a sum, fed with its own result. One number a layer.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Follow $q$: up to the curve, across to the diagonal, and to the curve again. Each step of the staircase is a layer. The
# circles are a real net of 256 units. Where does the staircase end? And when does it end at 0?

# %%
def cobweb(ax, activation="tanh", sigma_w=1.5, sigma_b=0.3, start=2.5):
    how = {"sigma_w": sigma_w, "sigma_b": sigma_b}
    net, random = MLP(12, 256, activation=activation, **how), torch.Generator().manual_seed(0)
    z = [start**0.5 * torch.randn(64, 256, generator=random).double()]
    for phi, layer in zip(net.phi, net.hidden[1:]):
        z.append(layer(phi(z[-1])).detach())
    q = torch.linspace(0, 3, 121, dtype=torch.float64)
    diagrams.draw_cobweb(ax, q, meanfield.q_map(activation, q, **how),
                         meanfield.q_trajectory(activation, start, 25, **how),
                         measured=[layer.square().mean() for layer in z])
    end = meanfield.q_fixed_point(activation, **how, q_start=start)
    ends = f"ends at {end:.2f}" if end < torch.inf else "grows without end"
    return f"Theory's q {ends}; layer 12 of the net has {z[-1].square().mean():.2f}."

explore(cobweb, size=(5.4, 4.8), activation=["tanh", "sigmoid", "relu"],
        sigma_w=(0.5, 2.2, 0.05), sigma_b=(0.0, 1.0, 0.05), start=(0.1, 3.0, 0.1))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1
# Do: tanh, sigma_b = 0, and sigma_w from 0.5 to 2.
# Ask: at which sigma_w does the end leave 0?
# Expect: guesses between 1 and 2.
# Answer: at 1, where the curve leaves the origin steeper than the diagonal. With a bias it never ends at 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# Wherever it starts, the staircase of tanh ends in the same place, a **fixed point**. <!-- term: Of the q map: the q that a layer passes on unchanged; deep layers settle there. -->
# Without a bias, and with $\sigma_w$ up to 1, it ends at 0. Else it ends above 0. (ReLU at $\sqrt2$, without a bias, keeps
# any $q$.)
#
# ## Two digits on their way
#
# Is a size above 0 enough? A net must tell two digits apart. So send two of them through the same forty tanh layers. Each is
# an arrow, as long as its $z$ is large, and between them is their angle. Thin rays show the angle when the arrows are too short.
#
# *Try:* (1) `sigma_w` 0.8 without a bias, with some seeds. (2) `sigma_b` 0.2. (3) `sigma_w` 2.5.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Ask: what must a net be able to do with two digits?

# %% [markdown] slideshow={"slide_type": "subslide"}
# Two digits, forty tanh layers. What is lost: their size, or the angle between them?

# %%
def two_digits(ax, sigma_w=0.8, sigma_b=0.0, seed=0):
    net = MLP(40, 256, activation="tanh", sigma_w=sigma_w, sigma_b=sigma_b, seed=seed)
    z = torch.stack(net.signals(x[:2])[0][:-1]).detach()            # (40, 2, 256)
    return sums.draw_pairs(ax, z.square().mean(2).sqrt(), F.cosine_similarity(z[:, 0], z[:, 1]))

explore(two_digits, size=(10, 3.2), sigma_w=(0.5, 3.0, 0.1), sigma_b=(0.0, 1.0, 0.1), seed=(0, 9))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1.5
# Do: sigma_b to 0.2; then sigma_w to 2.5; then some seeds at 0.8 without a bias.
# Ask: what is lost, the size or the angle?
# Expect: "the signal vanishes" for all that is small.
# Misconception: vanishing signals and merging inputs are one thing.
# Answer: without a bias the size goes and the angle stays, give or take a seed. With a bias the size stays and the angle closes.

# %% slideshow={"slide_type": "skip"}
def layer_40(**how):    # mean size, and the cosine of two digits in each of eight nets
    nets = (MLP(40, 256, activation="tanh", sigma_w=0.8, seed=seed, **how) for seed in range(8))
    z = torch.stack([net.signals(x[:2])[0][39].detach() for net in nets])
    return z.square().mean().sqrt(), F.cosine_similarity(z[:, 0], z[:, 1])

size, cosine = layer_40()
claim("C4.08", f"sigma_w 0.8, no bias: size {size:.0e}; cosine {cosine.mean():.2f} in the mean, "
      f"{cosine.min():.2f} to {cosine.max():.2f}", size < 1e-4 and abs(cosine.mean() - 0.37) < 0.2)
size, cosine = layer_40(sigma_b=0.2)
claim("C4.08", f"sigma_w 0.8, sigma_b 0.2: size {size:.2f}; cosine at least {cosine.min():.4f}",
      abs(size - 0.29) < 0.02 and cosine.min() > 0.9999)

# %% [markdown] slideshow={"slide_type": "slide"}
# Size and angle are two different losses, and each has its condition.
#
# - *Small weights and no bias: the signal vanishes.* Its angle has no trend. It opens in some nets and closes in others.
# - *Small weights and a bias: the inputs merge.* Each layer adds its bias, and that is the same for every image. In the
#   end the two digits are one, of a healthy size.
# - *Large weights* do the opposite: they drive two digits apart, until they have next to nothing in common.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5 / 0.5
# Say: size and angle. Two losses, two conditions.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The edge
#
# What happens in between? Change one digit by very little. A layer multiplies the small difference by its slopes and by its
# weights, $\delta z_{\text{next}} = W(\phi'(z) \odot \delta z)$, just as it does with the gradient on its way back. So the square of the
# difference is multiplied by the same number (evidence):
#
# $$\chi = \sigma_w^2\,E[\phi'(\sqrt q\,Z)^2], \qquad q \text{ the fixed point.}$$
#
# Below 1 differences shrink with depth, and the gradient vanishes: this is **order**. <!-- term: The settings of sigma_w and sigma_b at which chi is below 1: small differences between inputs shrink with depth, and the gradient vanishes. -->
# Above 1 differences grow, and the gradient explodes: this is **chaos**. <!-- term: The settings of sigma_w and sigma_b at which chi is above 1: small differences between inputs grow with depth, and the gradient explodes. -->
# Between them lies the **edge of chaos**, $\chi = 1$. <!-- term: The line in the plane of sigma_w and sigma_b at which chi is 1. -->
# $\chi$ also says how deep a net can be. In $1/|\ln\chi|$ layers the square of a gradient changes by a factor $e$ (its norm in
# twice as many). We call this number the **depth scale**. <!-- term: Of the gradient: the number of layers in which its square changes by a factor e, 1 / |ln chi|. The cosine of two inputs has a scale of its own. -->
#
# *Try:* where is the depth scale long? And at a larger bias?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1.5
# Say: a small difference on its way forward meets what the gradient meets on its way back. One number for both.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Walk the cross from order to chaos. Where does a gradient survive many layers?

# %%
def phase_diagram(ax, sigma_w=0.8, sigma_b=0.2):
    columns, rows = torch.linspace(0.2, 4, 39), torch.linspace(0, 1, 26)
    q = meanfield.q_fixed_point("tanh", sigma_w, sigma_b)
    here = meanfield.chi("tanh", q, sigma_w)
    chi = phase.chi_map("tanh", columns, rows)                      # (26, 39)
    return sums.draw_phases(ax, columns, rows, chi, (sigma_w, sigma_b), here)

explore(phase_diagram, size=(7, 4.2), sigma_w=(0.2, 4.0, 0.1), sigma_b=(0.0, 1.0, 0.05))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1
# Do: walk the cross along sigma_b = 0.2, from 0.5 to 3.
# Ask: how deep can a net be at 0.8, and how deep at 1.3?
# Answer: at 0.8 the depth scale is less than two layers, at 1.3 it is beyond a hundred.

# %% [markdown] slideshow={"slide_type": "slide"}
# On the edge the depth scale is infinite, and larger biases move it to larger weights.
#
# ## Predict
#
# Back to weights from $N(0, 1)$, in a deep
# sigmoid net. With 256 inputs $\sigma_w$ is 16, and the units are saturated. What will the gradient do?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5 / 0.5
# Say: remember that chi has two factors. Do not help further.

# %% slideshow={"slide_type": "subslide"}
def naive_net(ax, width=256, activation="sigmoid", guess=None):
    net = MLP(20, width=width, activation=activation, init="naive")
    delta = measure(net, x[:64], y[:64]).delta_norm
    theory = meanfield.predicted_gradient_norms(activation, 64.0, 20, width**0.5, last=delta[-1])
    return plots.draw_by_layer(ax, delta, theory=theory, guess=guess)

predict(
    "20 sigmoid layers of 256 units, weights from N(0, 1): layer 1's gradient, compared with the "
    "last layer's?",
    naive_net, right=chapter04.RIGHT["naive weights"],
    guess=[("1e-12 of it", 1e-12), ("1e-3 of it", 1e-3), ("about the same", 1.0),
           ("100 times larger", 1e2), ("1e6 times larger", 1e6)],
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3.5 / 2
# Ask: saturated units, twenty layers. Layer 1's gradient, compared with the last layer's? Count hands.
# Expect: most hands for 1e-12: saturated, hence vanished.
# Misconception: only slopes are multiplied.
# Answer: it explodes. Few units are near 0, but their slope is as steep as ever, and the weights are 16 times too large.

# %% [markdown] slideshow={"slide_type": "slide"}
# At this width it *explodes*, although most units are saturated. Some units still lie near 0, where the slope is steep. So
# $E[\phi'^2]$ is small, 0.006, and yet not as small as $\sigma_w^2$, which is 256, is large: $\chi$ is 1.5. (At a width of 30 the same net
# vanishes; see the evidence.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5 / 0.5
# Say: chi has two factors.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The phase map
#
# Now the picture to keep. Each cell is a net of 64 units at birth, its depth upwards, its $\sigma_w$ to the right. The colour
# is the measured gradient of layer 1, as a share of the last layer's.
#
# *Try:* (1) Another seed. (2) A larger `sigma_b`.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Say: some 1,700 nets, one forward and one backward pass each. All share the same random numbers, times a factor.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Orange has vanished, purple has exploded, and white is alive. The black lines are theory's. Where is each white strip?
# What happens to it as the depth grows?

# %%
def phase_map(axes, sigma_b=0.0, seed=0):
    exponents, depths = torch.linspace(-2, 5, 29, dtype=torch.float64), list(range(2, 41, 2))
    maps, sigma_w = {}, 2**exponents
    for name in ("relu", "tanh", "sigmoid"):
        how = {"sigma_b": sigma_b}
        found = phase.gradient_map(name, x[:8], y[:8], sigma_w, depths, seed=seed, **how)[0]
        maps[name] = found, phase.predicted_map(name, sigma_w.tolist(), depths, **how)
    return sums.draw_fates(axes, maps, exponents, depths)

explore(phase_map, panels=3, size=(13, 4.2), sigma_b=(0.0, 1.0, 0.1), seed=(0, 9))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3.5 / 2.5
# Do: seeds; then sigma_b.
# Ask: what happens to the white strip towards the top?
# Answer: it narrows, in each of them. The deeper the net, the better its weights must be chosen.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it matter?
#
# Every strip narrows with depth, since $\chi$ is taken to a higher power. Is the strip also where nets *learn*? 28 tanh nets start with
# seven sizes of weights and four depths, without biases. All get the same 100 steps, once with SGD and once with Adam.
# Where will the good nets be?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Ask: where in the map would you start a training?

# %% slideshow={"slide_type": "skip"}
EXPONENTS, DEPTHS = (-1, -0.5, 0, 0.5, 1, 1.5, 2), (10, 20, 30, 40)

def sum_loss(logits, labels):   # logits (7, 64, 10): each of 7 nets gets its own gradient
    return 7 * F.cross_entropy(logits.flatten(0, 1), labels.repeat(7))

def train(**how):               # the runs, and the accuracy of each net, (4, 7)
    stacks = [Stack(MLP(depth, 32, activation="tanh", sigma_w=2**e, dtype=torch.float32)
                    for e in EXPONENTS) for depth in DEPTHS]
    nets = dict(zip(DEPTHS, stacks))
    runs = race(nets, x.float(), y, steps=100, loss_fn=sum_loss, live="bar", **how)
    with torch.no_grad():
        right = [stack(x[:500].float()).argmax(2) == y[:500] for stack in stacks]
    return runs, torch.stack(right).double().mean(2)

trained = {"SGD, 0.01": train(lr=0.01), "Adam, 0.001": train(lr=0.001, optimizer="adam")}

# %% [markdown] slideshow={"slide_type": "subslide"}
# The line is six depth scales, which knows of no training. Where does tanh learn?

# %%
def reach(exponents):           # six depth scales, in layers
    chi = phase.chi_map("tanh", 2 ** torch.as_tensor(exponents), [0.0])[0]
    return 6 / chi.log().abs().clamp(min=1e-3)

def where_it_learns(axes):
    fine = torch.linspace(-1.2, 2.2, 69)
    right = {name: right for name, (_, right) in trained.items()}
    sums.draw_learned(axes, right, EXPONENTS, DEPTHS, (fine, reach(fine)))

show(where_it_learns, panels=2, size=(10, 3.4))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1.5
# Ask: where are the good nets? And what is wrong at forty layers?
# Answer: between the lines; and 100 steps are too few for forty layers.

# %% slideshow={"slide_type": "skip"}
runs, right = zip(*trained.values())
inside = torch.tensor(DEPTHS[:3])[:, None] < reach(EXPONENTS)          # up to 30 layers
near, far = ([share[:3][where].mean() for share in right] for where in (inside, ~inside))
claim("C4.08", "100 steps, up to 30 layers: nets inside of the line come to "
      f"{near[0]:.0%} (SGD at 0.01) and {near[1]:.0%} (Adam at 0.001) on average, those outside to "
      f"{far[0]:.0%} and {far[1]:.0%}", min(near) > max(far) + 0.3, unless=list(runs))

# %% [markdown] slideshow={"slide_type": "slide"}
# The good nets lie between the lines. At forty layers, 100 steps are too few even there: the strip is needed, and not enough. (That it is
# *six* depth scales is a matter of the rate and of the number of steps; see the evidence.) And the map is about the *start*. Training
# changes the weights, and with them $\chi$.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: six is a rule of thumb. And all of this is about step 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why random at all?
#
# If large weights are bad, why not give all of them the same small number? Below are two tanh nets after 100 steps. In one of them all
# weights of the hidden layers began at 0.1. Each small image shows the 64 weights of a unit in layer 1. What has it learned?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Ask: why not start all weights at 0.1?
# Expect: "nothing comes out", and rarely the word symmetry.

# %%
same, drawn = (MLP(2, 16, activation="tanh", init="lecun") for _ in range(2))
for layer in same.hidden:
    nn.init.constant_(layer.weight, 0.1)
twins = race({"all 0.1": same, "random": drawn}, x, y, steps=100, lr=0.05, live=False)

def sixteen(axes):
    for ax, (name, net) in zip(axes, {"all 0.1": same, "random": drawn}.items()):
        sums.draw_units(ax, net.hidden[0].weight.detach(), shape=(8, 8), title=f"{name}, trained")

show(sixteen, panels=2, size=(7, 3.6))
apart = [(net.hidden[0].weight - net.hidden[0].weight[0]).norm().item() for net in (same, drawn)]
claim("C4.05", f"after 100 steps the units of layer 1 differ by {apart[0]:.0e}, and by "
      f"{apart[1]:.1f} where chance drew them", apart[0] < 1e-4 and apart[1] > 1, unless=twins,
      only=("budget",))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Answer: sixteen copies of one unit. Training cannot tell them apart. (After some 500 steps rounding errors have grown so far that they do.)

# %% [markdown] slideshow={"slide_type": "slide"}
# It has learned one thing, sixteen times. Two units with the same weights, in and out, compute the same activation and receive the
# same error. So they get the same gradient, and they stay the same. This is **symmetry**, and chance breaks it. <!-- term: Of units: equal weights in and out, so that they get equal gradients and stay equal. -->
#
# ## The clinic: a net from the shelf

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Ask: name the disease from the table; which sigma_w would you give it?
# Answer: weights too small. The std of z falls, and then it stands still: why? sigma_w = 1.1 cures it.

# %%
clinic.chart(chapter04.PATIENT, "gradient", "std of z", "std of a", "saturated")

# %% slideshow={"slide_type": "skip"}
# Run the cell to see the choices, and put yours in the place of the dots. First the diagnosis ...
diagnosis = ...
display(clinic.name_disease(chapter04.PATIENT, diagnosis))
# ... and then the treatment. A second opinion speaks when you have spoken.
prescription = ...
display(clinic.treat(chapter04.PATIENT, prescription))
clinic.second_opinion(chapter04.PATIENT, diagnosis)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What PyTorch does by itself
#
# The std of the patient's $z$ stops falling, near 0.09. Why? `nn.Linear` draws weights *and biases* evenly from $-1/\sqrt n$ to
# $1/\sqrt n$, with a variance of $\frac1{3n}$. So $\sigma_w^2 = \frac13$, a sixth of He's, and $\sigma_b^2 = \frac1{3n}$. Near 0 the q map of tanh
# is then $\frac13q + \frac1{3n}$. It settles at $\frac1{2n}$, where only the biases are left. What becomes of our two digits?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Ask: who thinks that nn.Linear starts with He's weights? Which of the two losses follows?

# %%
torch.manual_seed(0)
layers = [nn.Linear(64, 256), *(nn.Linear(256, 256) for _ in range(19))]
z = [layers[0](x[:2].float())]
for layer in layers[1:]:
    z.append(layer(z[-1].tanh()))
z = torch.stack(z).detach()                                         # (20, 2, 256)
size, cosine = z.square().mean(2).sqrt(), F.cosine_similarity(z[:, 0], z[:, 1])
show(sums.draw_pairs, size, cosine, size=(10, 2.9))
size, cosine = size[-1].mean(), cosine[-1]
claim("C4.06", f"layer 20: size {size:.3f}, and {512**-0.5:.3f} on paper; cosine {cosine:.5f}",
      abs(size - 512**-0.5) < 0.006 and cosine > 0.9999)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Answer: they merge. This default was made for shallow nets.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# Replace the dots and run the cell. It answers at once, and you may try as often as you like.
#
# ### 1. Put a layer on the edge
#
# `edge_sigma_w(slopes)`: you measured the slopes $\phi'(z)$ of a layer's units, a tensor of any shape. Which $\sigma_w$
# gives $\chi = 1$ with these slopes?
#
# <details><summary>Hint</summary>
#
# $\chi = \sigma_w^2\,E[\phi'^2]$. Solve for $\sigma_w$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def edge_sigma_w(slopes):
#     return slopes.square().mean().rsqrt().item()
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def edge_sigma_w(slopes):
    """A tensor of slopes -> sigma_w, a number."""
    ...

chapter04.check_edge_sigma_w(edge_sigma_w)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 2. How deep can it be?
#
# `layers_until(chi, ratio)`: with a factor `chi` per layer for the mean *square*, after how many layers (not
# necessarily a whole number) has the gradient's *norm* changed by the factor `ratio`? For $\chi = 0.25$ and a ratio
# of $\frac18$: 3 layers.
#
# <details><summary>Hint</summary>
#
# The norm is multiplied by $\sqrt\chi$ per layer: solve $\chi^{L/2} = $ ratio with logarithms.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def layers_until(chi, ratio):
#     return 2 * torch.tensor(ratio).log().item() / torch.tensor(chi).log().item()
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def layers_until(chi, ratio):
    """Two positive numbers -> the number of layers."""
    ...

chapter04.check_layers_until(layers_until)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 3. Two inputs, one layer
#
# `next_cosine(phi, q, c, sigma_w, sigma_b)`: two inputs reach a wide layer with pre-activations of mean square $q$, and
# the cosine $c$ between them. Which cosine do the pre-activations of the next layer have, to within 3 %? `phi` is a function of
# a tensor.
#
# <details><summary>Hint</summary>
#
# Draw two independent standard normal tensors $u$ and $v$ of a million numbers. Then $\sqrt q\,u$ and $\sqrt q\,(c\,u +
# \sqrt{1-c^2}\,v)$ are such a pair. The q map gives the next mean square; with the *product* of the two activations in the
# place of the square, the same formula gives the mean product.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def next_cosine(phi, q, c, sigma_w, sigma_b):
#     u, v = torch.randn(2, 1_000_000)
#     one, two = phi(q**0.5 * u), phi(q**0.5 * (c * u + (1 - c**2) ** 0.5 * v))
#     product = sigma_w**2 * (one * two).mean() + sigma_b**2
#     return product / (sigma_w**2 * one.square().mean() + sigma_b**2)
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def next_cosine(phi, q, c, sigma_w, sigma_b):
    """A function and four numbers -> the next layer's cosine, a number."""
    ...

chapter04.check_next_cosine(next_cosine)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 4. Repair it
#
# Thirty tanh layers have biases from $N(0, 0.5^2)$, and these are to stay. With $\sigma_w = 1$ the net is at chance after 300 steps of
# SGD (0.003, momentum 0.9). Choose `sigma_w` so that they bring it above 90 %.
#
# <details><summary>Hint</summary>
#
# $\sigma_w = 1$ is the edge for nets without biases. Where does the line of the phase diagram cross $\sigma_b = 0.5$?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# sigma_w = 1.55
# ```
#
# There $\chi = 1$. The bias adds to $q$ and so takes away from the slopes, and larger weights make up for it.
#
# </details>

# %% slideshow={"slide_type": "skip"}
sigma_w = ...

chapter04.check_thirty_layers(sigma_w)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - Variances add: $\mathrm{Var}\,z = n\,\mathrm{Var}(w)\,E[a^2] + \mathrm{Var}(b)$. So weights need the variance $\sigma_w^2/n$, and they must be random.
# - From layer to layer $q$ runs to a fixed point. If that is 0, the signal vanishes. If it is not, two inputs merge in order and
#   separate in chaos. PyTorch's default is in order, with a bias: in a deep tanh net all digits become one.
# - $\chi$ at the fixed point multiplies small differences on their way forward and the gradient on its way back. The deeper the net, the
#   closer to 1 it must be.
#
# The picture to keep is the phase map. The [evidence](evidence/04_initialization.ipynb) has the limits of all this, muP, GPT-2's
# numbers, and what popular sources say. How do you hit the strip without a map, and for any layer? **Chapter 5**: Xavier and He.
#
# ## Take it home
#
# For a net of tanh layers: weights of variance $1.1^2/n$ and biases of 0. Then a look at two inputs: do size and angle last?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5 / 1
# Ask: two numbers tell whether a deep net is sick at birth. Which?
# Answer: q and chi.

# %% tags=["take-home"]
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(*(part for _ in range(20) for part in (nn.Linear(256, 256), nn.Tanh())))
pair = torch.randn(256) + 0.7 * torch.randn(2, 256)     # two inputs that are alike
print(f"before: size {pair.std():.2f}, cosine {torch.cosine_similarity(*pair, dim=0):.2f}")
for layer in net:
    if isinstance(layer, nn.Linear):                    # leave this out: PyTorch's own start
        nn.init.normal_(layer.weight, std=1.1 / layer.in_features**0.5)
        nn.init.zeros_(layer.bias)
    pair = layer(pair)
print(f"behind: size {pair.std():.2f}, cosine {torch.cosine_similarity(*pair, dim=0):.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: it is in the notebook, for your own net.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - LeCun, Bottou, Orr, Müller 1998, *Efficient BackProp*: weights of variance $1/n$
# - Poole et al. 2016, arXiv 1606.05340: order and chaos
# - Schoenholz et al. 2017, arXiv 1611.01232: depth scales, and where nets learn
# - Nielsen 2015, *Neural Networks and Deep Learning*, chapter 3: the thousand inputs
