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
# # 1 · Saturation: why does a deep sigmoid net learn nothing?
#
# **In one sentence:** on its way back from the loss to the input, the gradient is multiplied once per layer, and in a
# deep sigmoid net each of these factors is about a quarter.
#
# *About an hour, or 25 minutes without the exercises and the sections marked ☆. You need: backpropagation as an idea,
# and enough PyTorch to read `loss.backward()`.*
#
# Run the cells from top to bottom with **Shift+Enter**. Our data are handwritten digits of 8×8 pixels, 1,437 to train on
# and 360 to test. An `assert` is a promise that what the text says is so; if you change a number and meet an
# `AssertionError`, the claim does not hold for your setting.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: one product explains the whole hour. Remember the question: why a quarter, and is it really saturation?

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, activations, chapter01, clinic, datasets, diagnose, explore, fit, meanfield
from utils import measure, plots, predict, race, show, style, timeline

# %% slideshow={"slide_type": "skip"}
torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()
print(tuple(x.shape), tuple(x_test.shape), f"mean square of a pixel {x.square().mean():.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Warm-up: the telephone game
#
# A sentence is whispered from person to person, and each passes on 90 % of what they heard. How much reaches the
# twentieth?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Ask: each passes on 90 %. How much reaches the twentieth person?
# Expect: most say a half.
# Misconception: losses add up; "twenty people lose a few percent, so most of it arrives".
# Answer: 12 %. Losses multiply.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Move the sliders. *Try:* what must each person understand if half the message is to survive 50 people?

# %% tags=["claim-C1.24"]
def telephone(ax, understood=0.9, people=20):
    person = torch.arange(people + 1)
    left = understood**person
    plots.draw_lines(ax, {"left": left}, person, xlabel="person", ylabel="share of message left")
    ax.set(xlim=(-1, 51), ylim=(0, 1.05))
    return f"{people} people who each pass on {understood:.1%} leave {left[-1]:.1%} of the message."

explore(telephone, understood=(0.5, 1.0, 0.002), people=(1, 50))
after_ten, after_fifty = 0.9**10, 0.9**50
assert 0.34 < after_ten < 0.36 and after_fifty < 0.006

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Do: move people to 50, then look for the share that leaves a half.
# Answer: about 98.6 %.

# %% [markdown] slideshow={"slide_type": "slide"}
# The message dies because the losses *multiply*. A deep net plays the same game, backwards.
#
# ## See it: the symptom
#
# A net of ten hidden layers, 64 sigmoid units each, and a readout, untrained. 128 digits go forward, then the gradient of
# the cross-entropy $C$ goes back, once. Each layer computes sums $z$ of what it receives; the plot shows how much the
# loss feels of them, the norm of $\partial C/\partial z$. (`measure` does both passes and leaves the net as it was.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: the vertical axis will be the norm of the loss's gradient for the sums z of each layer.

# %% [markdown] slideshow={"slide_type": "subslide"}
# How much does the loss feel of each layer?

# %%
def gradient_by_layer(ax, depth=10, activation="sigmoid", sigma_w=1.0, guess=None):
    net = MLP(depth, width=64, activation=activation, sigma_w=sigma_w)
    measured = measure(net, x[:128], y[:128]).delta_norm
    q_1 = sigma_w**2                         # the variance of layer 1's z: a pixel's mean square is 1
    predicted = meanfield.predicted_gradient_norms(activation, q_1, depth, sigma_w, last=measured[-1])
    return plots.draw_by_layer(ax, measured, theory=predicted, guess=guess)

show(gradient_by_layer)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: what does a straight line on a logarithmic axis say?
# Expect: "it falls exponentially", from a few.
# Answer: every layer keeps the same small fraction. Read it from right to left, as the gradient travels. The line
# is theory's; it is pinned to the last point, and its slope comes from a formula.

# %% [markdown] slideshow={"slide_type": "skip"}
# Read it from right to left, the way the gradient travels. On a logarithmic axis a straight line says: *every layer keeps
# the same small fraction of what it receives.* The black line is theory's. It is pinned to the last point, but its
# slope comes from a formula that never saw this net; you will derive it.
#
# ## Predict: twice as deep
#
# Commit to a guess before you look.

# %% slideshow={"slide_type": "subslide"}
predict(
    "20 hidden sigmoid layers: how large is layer 1's gradient, compared with the last layer's?",
    gradient_by_layer,
    guess=[("1/10 of the last layer's", 1e-1), ("1/1000 of the last layer's", 1e-3), ("1e-6 of it", 1e-6),
           ("1e-13 of it", 1e-13), ("1e-30 of it", 1e-30)],
    right=chapter01.RIGHT["twice as deep"], depth=20,
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 2
# Ask: twice as deep. How large is layer 1's gradient, compared with the last layer's? Count hands.
# Expect: most hands for a millionth, or a thousandth.
# Misconception: twice the depth gives half the gradient.
# Answer: 2e-13, the square of what ten layers leave. Five other seeds give 2e-13 to 4e-13: 0.23 per layer.

# %% [markdown] slideshow={"slide_type": "skip"}
# Twice the depth squares the ratio: $(4.8\cdot10^{-7})^2 \approx 2\cdot10^{-13}$. An accident of one net? Here are five,
# each with weights of its own (`r` is the correlation of $\log\Vert\partial C/\partial z\Vert$ with the layer: 1 is a
# perfectly straight line):

# %% tags=["claim-C1.01"] slideshow={"slide_type": "skip"}
def first_over_last(net, loss_fn=F.cross_entropy):
    delta = measure(net, x[:128], y[:128], loss_fn).delta_norm
    return (delta[0] / delta[-1]).item()

layers = torch.arange(1, 22, dtype=torch.float64)
for seed in range(5):
    net = MLP(20, sigma_w=1.0, seed=seed)
    ratio, delta = first_over_last(net), measure(net, x[:128], y[:128]).delta_norm
    straightness = torch.corrcoef(torch.stack([layers, delta.log10()]))[0, 1].item()
    share = ratio ** (1 / 20)
    print(f"seed {seed}: first/last {ratio:.0e}, per layer {share:.2f}, r {straightness:.4f}")
    assert 1e-15 < ratio < 1e-11 and straightness > 0.999

# %% [markdown] slideshow={"slide_type": "slide"}
# The gradient shrinks **exponentially with depth**: a factor of about 0.23 per layer, whichever weights are drawn. Why
# 0.23?
#
# ## By hand: the derivation
#
# **One unit per layer** first: five sigmoids in a row, every weight 1, no bias. The chain rule multiplies, for each layer,
# its weight by its slope:

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Do: go through the five printed lines; let the hall multiply along.
# Say: no factor is small. The product is.

# %%
h = start_at = torch.tensor(0.5, requires_grad=True)
product = torch.tensor(1.0)
for layer in range(1, 6):
    h = torch.sigmoid(1.0 * h)
    slope = h * (1 - h)                                      # of this layer's sigmoid
    product = product * 1.0 * slope                          # weight times slope
    print(f"layer {layer}: output {h:.3f}, slope {slope:.3f}, product so far {product:.5f}")
(autograd,) = torch.autograd.grad(h, start_at)
assert torch.allclose(product, autograd)

# %% [markdown] slideshow={"slide_type": "subslide"}
# After five layers less than a thousandth is left. Now with many units.
#
# **Forward.** Layer $l$ computes a *pre-activation* $z^l$ and an *activation* $a^l$, with $a^0 = x$; the last layer $L$ is
# the readout, whose $a^L$ is the softmax of $z^L$:
#
# $$z^l = W^l a^{l-1} + b^l, \qquad a^l = \phi(z^l), \qquad l = 1, \dots, L-1.$$
#
# **Backward.** Call $\delta^l = \partial C / \partial z^l$ the *error* of layer $l$. With $y$ the one-hot target, the chain rule
# gives
#
# | | | in words |
# |---|---|---|
# | BP1 | $\delta^L = a^L - y$ | the error starts as "what came out minus what should have" |
# | BP2 | $\delta^l = (W^{l+1})^\top \delta^{l+1} \odot \phi'(z^l)$ | one step back: through the weights, times the slope |
# | BP3 | $\partial C / \partial b^l = \delta^l$ | the gradient of a bias is the error itself |
# | BP4 | $\partial C / \partial W^l = \delta^l (a^{l-1})^\top$ | the gradient of a weight: error after it, activation before it |
#
# This chapter is BP2, over and over.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1
# Say: BP1 to BP4, in words. All of this chapter is BP2, again and again.
# Ask: which of the four holds the slope of the activation?
# Expect: "all of them".
# Answer: BP2 alone; and BP1 has none, which becomes important for the loss.

# %% [markdown] slideshow={"slide_type": "skip"}
# From scratch (in PyTorch rows are samples, so the matrices stand transposed; `None` fills index 0, so that `W[l]` is
# $W^l$):

# %% slideshow={"slide_type": "skip"}
net, L = MLP(5, sigma_w=1.0), 6
z, a = net.signals(x[:32])
z = [None, *z]                                             # z[l] (32, 64), z[6] (32, 10); a[0] is x
W = [None, *(layer.weight for layer in (*net.hidden, net.readout))]  # (64, 64), W[6] (10, 64)
delta, gradients = [None] * (L + 1), [None] * (L + 1)
delta[L] = (z[L].softmax(1) - F.one_hot(y[:32], 10)) / 32  # BP1, mean over 32 digits: (32, 10)
for l in reversed(range(1, L)):
    delta[l] = delta[l + 1] @ W[l + 1] * a[l] * (1 - a[l])   # BP2: (32, 64)
for l in range(1, L + 1):
    gradients[l] = delta[l].T @ a[l - 1]                     # BP4: the shape of W[l]
autograd = torch.autograd.grad(F.cross_entropy(z[L], y[:32]), W[1:])
print("by hand :", [f"{g.norm():.1e}" for g in gradients[1:]])
print("autograd:", [f"{g.norm():.1e}" for g in autograd])
assert all(torch.allclose(ours, theirs) for ours, theirs in zip(gradients[1:], autograd))

# %% [markdown] slideshow={"slide_type": "subslide"}
# PyTorch agrees. Apply BP2 all the way from the last layer to layer $l$, and you get one long product. Its factors are
# *Jacobians*, the derivatives of a layer's outputs by its inputs; the one nearest to the loss stands left:
#
# $$\frac{\partial z^L}{\partial z^l} = W^L D^{L-1}\, W^{L-1} D^{L-2} \cdots W^{l+1} D^l, \qquad D^l = \mathrm{diag}\,\phi'(z^l).$$
#
# How many lie between the first error and the last? Popular sources disagree (10 for 10 layers, 19 for 20).

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Ask: six layers of weights. How many Jacobians lie between the first error and the last?
# Expect: six.
# Misconception: one factor a layer; books disagree by one for the same reason.
# Answer: five, L - 1. The last error needs none. Before the next slide: what do 50 factors of 0.9 leave?

# %% [markdown] slideshow={"slide_type": "subslide"}
# Build the product for one digit, and count. Below it, what a long product of the same number does.

# %% tags=["claim-C1.03", "claim-C1.02", "nbval-check-output"]
product, jacobians = torch.eye(64, dtype=torch.float64), 0
for l in range(1, L):
    D = torch.diag(a[l][0] * (1 - a[l][0]))              # layer l's slopes for digit 0: (64, 64)
    product, jacobians = W[l + 1] @ D @ product, jacobians + 1
print(f"{L} weight layers, {jacobians} Jacobians; their product is {tuple(product.shape)}")
assert jacobians == L - 1
assert torch.allclose(delta[L][0] @ product, delta[1][0])
print("factor  " + "".join(f"{f'{n} times':>12}" for n in (1, 5, 10, 20, 50)))
for factor in (0.25, 0.2, 0.9, 1.1):
    print(f"{factor:6}  " + "".join(f"{factor**n:12.3g}" for n in (1, 5, 10, 20, 50)))
quarter_ten, fifth_fifty, five_layers = 0.25**10, 0.2**50, 1 / 0.2**5
assert 9.5e-7 < quarter_ten < 9.6e-7 and 1.1e-35 < fifth_fifty < 1.2e-35
assert 3124 < five_layers < 3126

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Expect: 50 factors of 0.9 leave about a half, say some.
# Answer: half a percent; and 50 factors of 1.1 make 117.

# %% [markdown] slideshow={"slide_type": "slide"}
# $L$ weight layers have $L-1$ Jacobians between them. Ten factors of a quarter leave a millionth; five of a fifth cost a
# factor of 3,125. Even a harmless 0.9 loses 99.5 % over 50 layers, and 1.1 gains more than a hundredfold. *A long
# product stays where it is* only if its factors average 1 (geometrically: a half makes up for a two).
#
# ## The cause: the slope
#
# Each Jacobian holds weights (chapters 4 and 5) and slopes, the business of this chapter.
# For the sigmoid $\sigma(z) = 1/(1+e^{-z})$ it is $\sigma' = \sigma(1-\sigma)$:

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: never more than a quarter, and that only at z = 0.

# %% tags=["claim-C1.04"]
z_line = (torch.arange(-800, 801, dtype=torch.float64) / 100).requires_grad_()
sigmoid = torch.sigmoid(z_line)
(slope,) = torch.autograd.grad(sigmoid.sum(), z_line)
assert torch.allclose(slope, sigmoid * (1 - sigmoid))         # the formula
steepest = z_line[slope.argmax()].item()
print(f"largest slope {slope.max():.4f}, at z = {steepest:.2f}")
assert abs(slope.max() - 0.25) < 1e-12 and abs(steepest) < 1e-9

# %% [markdown] slideshow={"slide_type": "skip"}
# Never more than **a quarter**, and that only in the middle. On the flat ends, beyond $|z| = 5$, it is next to nothing:
# the unit is *saturated*. Below, the shaded hill shows where the pre-activations of a layer lie. Widen it.

# %% [markdown] slideshow={"slide_type": "subslide"}
# *Try:* (1) the sigmoid at spread 1: is any unit saturated? What is the mean slope all the same? (2) Spread 10.
# (3) The same for tanh.

# %%
def saturation(axes, activation="sigmoid", spread=1.0):
    phi = activations.get(activation)
    z = torch.linspace(-8, 8, 801, dtype=torch.float64)
    density = torch.exp(-((z / spread) ** 2) / 2)
    plots.draw_function(axes, z, phi.value(z), phi.slope(z), density, name=activation)
    flat = 0.0266 * phi.slope(torch.zeros(1))                # sigmoid's at |z| = 5, tanh's at 2.5
    mean = meanfield.gaussian_mean(phi.slope, spread**2)
    mean_square = meanfield.gaussian_mean(lambda z: phi.slope(z) ** 2, spread**2)
    saturated = meanfield.gaussian_mean(lambda z: (phi.slope(z) < flat).double(), spread**2)
    return (f"mean slope {mean:.3f}, mean squared slope {mean_square:.4f}, "
            f"saturated {saturated:.0%}.")

explore(saturation, panels=(2, 1), size=(9, 5.4),
        activation=["sigmoid", "tanh"], spread=(0.2, 22.4, 0.2))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 2
# Do: spread 1 for the sigmoid, then 10; then the same for tanh.
# Ask: at spread 1, how many units are saturated? And what is the mean slope all the same?
# Expect: many are.
# Misconception: a small slope means a saturated unit.
# Answer: none, and 0.21. The slope is small everywhere. tanh at spread 1: 0.61.

# %% [markdown] slideshow={"slide_type": "skip"}
# *Saturated* counts the units on the flat ends. The *mean squared slope* $E[\phi'^2]$ ($E$ is the mean over $z$) is what
# the gradient feels, because the squared norm of $\delta$ adds up squares. Some popular values of the mean slope, by
# integration and by drawing a million numbers (a variance of 501 is that of a textbook net whose 1,000 inputs have
# weights from $N(0, 1)$), and the slope of **tanh**:

# %% tags=["claim-C1.05", "claim-C1.06", "claim-C1.07"] slideshow={"slide_type": "skip"}
Z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
for variance, expected in ((1, 0.2066), (25, 0.0751), (501, 0.0178)):
    exact = meanfield.gaussian_mean(activations.sigmoid_slope, variance)
    drawn = activations.sigmoid_slope(variance**0.5 * Z)
    print(f"Var z = {variance:3}: mean slope {exact:.4f}, drawn {drawn.mean():.4f}")
    assert abs(exact - expected) < 1e-4 and abs(drawn.mean() - exact) < 1e-3
at_zero = activations.tanh_slope(torch.tensor(0.0, dtype=torch.float64)).item()
mean_1, mean_4 = (meanfield.gaussian_mean(activations.tanh_slope, q) for q in (1, 4))
print(f"tanh: slope {at_zero} at 0; mean slope {mean_1:.4f} (Var z = 1), {mean_4:.4f} (Var z = 4)")
assert at_zero == 1.0                        # "always below 1" is wrong here
assert abs(mean_1 - 0.6057) < 1e-4 and abs(mean_4 - 0.3647) < 1e-4
shifted = 0.5 + 0.5 * torch.tanh(z_line / 2)
assert torch.allclose(sigmoid, shifted)
print(f"1/2 + tanh(z/2)/2 is sigmoid, at {len(z_line)} points; its mean is {sigmoid.mean():.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# "A typical slope is 0.2" is right while $z$ has about unit spread, and an order of magnitude off once the weights are
# large. The slope of tanh reaches 1, at a single point. And a sigmoid *is* a tanh, half as high and twice as wide: each
# halves the slope, hence the quarter. (Its outputs average ½ instead of 0, a constant push besides.)
#
# ## The law: weights times slopes
#
# Let the weights be random, independent, with mean 0 and variance $\sigma_w^2/n$ for a layer of $n$
# inputs, and look at one entry of BP2, squared:
#
# 1. $(\delta^l_i)^2 = \phi'(z^l_i)^2\,\big(\sum_j W_{ji}\,\delta^{l+1}_j\big)^2$.
# 2. Weights have random signs, so on average the cross terms of the square cancel. What is left:
#    $E\big(\sum_j W_{ji}\,\delta^{l+1}_j\big)^2 = \frac{\sigma_w^2}{n}\Vert\delta^{l+1}\Vert^2$.
# 3. Add up the $n$ units of the layer, with the mean squared slope for each:
#
# $$E\Vert\delta^l\Vert^2 = \chi\, E\Vert\delta^{l+1}\Vert^2, \qquad \chi = \sigma_w^2\, E[\phi'(z)^2].$$
#
# (Step 2 treats $W$ as independent of $\delta$ and of $z$; that becomes exact as layers become wide.) Each layer multiplies
# the *squared* norm by $\chi$, so the norm by $\sqrt\chi$: weights **times** slopes. $\chi < 1$ vanishes, $\chi > 1$
# explodes, and only the knife edge $\chi = 1$ carries a gradient through any depth.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 2
# Say: one entry of BP2, squared; random signs kill the cross terms; then add up the units.
# Ask: what is multiplied by chi, the norm or its square?
# Answer: the square; the norm by the root of chi.

# %% [markdown] slideshow={"slide_type": "subslide"}
# How far do the $z$ spread? By the same logic, forwards, their variance is $q^{l+1} = \sigma_w^2 E[\phi(z^l)^2]$.

# %%
q = meanfield.q_fixed_point("sigmoid", sigma_w=1.0)          # the variance that z settles at
factor = meanfield.chi("sigmoid", q, sigma_w=1.0) ** 0.5
print(f"Var z settles at {q:.2f}; factor per layer {factor:.3f}; over 20 layers {factor**20:.0e}")
assert 0.22 < factor < 0.25

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Say: there is the 0.23.
# Do: sigmoid with sigma_w from 1 to 3; then ReLU, from 1 to 1.4.
# Ask: does a larger sigma_w rescue the sigmoid?
# Expect: yes, since weights are a factor.
# Misconception: weights can be chosen without an effect on slopes.
# Answer: ten orders of magnitude better, and still 3e-9: larger weights spread the z, so the slopes shrink meanwhile.
# ReLU is level at 1.4, the root of two.

# %% [markdown] slideshow={"slide_type": "skip"}
# The outputs lie around ½, so their mean square is a little more than ¼. And there is the 0.23: almost the full quarter,
# times weights of size one. Now move everything. Left, the gradient and
# theory's line. Right, where the pre-activations of the first and of the last
# hidden layer lie, on the slope that they meet there.
#
# *Try:* (1) Sigmoid at $\sigma_w = 1$: how many units are saturated? (2) $\sigma_w$ up to 3: smaller slopes, larger
# weights. Does it rescue the gradient? (3) tanh at $\sigma_w = 1$, then at 3. (4) ReLU, whose slope is 1 on a *whole half*
# of the axis: why does it sink at 1, and which $\sigma_w$ repairs it?

# %%
def symptom_and_cause(axes, depth=30, activation="sigmoid", sigma_w=1.0):
    z, _ = MLP(depth, activation=activation, sigma_w=sigma_w).signals(x[:128])  # z[-1]: logits
    delta = torch.autograd.grad(F.cross_entropy(z[-1], y[:128]), z)             # dC/dz of each layer
    norms, first, last = [d.norm() for d in delta], z[0].detach(), z[-2].detach()
    slope, grid = activations.get(activation).slope, torch.linspace(-8, 8, 321, dtype=torch.float64)
    saturated = (slope(last) < 0.0266 * slope(torch.zeros(1))).double().mean()  # sigmoid: |z| > 5
    axes[1].plot(grid, slope(grid), color=style.BLACK, label="slope φ′(z)")
    plots.draw_histograms(axes[1], {"z of the first layer": first, "z of the last hidden layer": last},
                          bins=grid[::4], xlabel="pre-activation z", same="height")
    axes[1].set(xlim=(-8, 8), ylim=(0, 2.2), ylabel="slope; share of the fullest bin")
    predicted = meanfield.predicted_gradient_norms(activation, sigma_w**2, depth, sigma_w, last=norms[-1])
    return f"{plots.draw_by_layer(axes[0], norms, predicted)} Layer {depth}: {saturated:.0%} saturated."

explore(symptom_and_cause, panels=2, depth=(2, 40), activation=["sigmoid", "tanh", "relu"],
        sigma_w=(0.5, 3.0, 0.1))

# %% [markdown] slideshow={"slide_type": "slide"}
# With 30 layers: at $\sigma_w = 1$ no sigmoid unit is saturated; they lie where the slope is largest, and that is a quarter.
# At $\sigma_w = 3$ the gradient gains ten orders of magnitude, and eight are still missing: larger weights spread the $z$,
# so the slopes shrink meanwhile. tanh sinks slowly at 1 and *explodes* at 3, with a third of the last layer saturated. Half of
# ReLU's slopes are 0 (its flat half is not counted as saturated; chapter 2 is about it), so $\chi = \sigma_w^2/2$: it sinks
# at 1 and is level at $\sqrt2$.
#
# ## Does it matter? The paradox of depth
#
# Could the optimizer not simply wait? Four nets on the same batches (64 digits, momentum 0.9). The three sigmoid nets
# differ in depth alone. The fourth uses the cure of the next chapters; its gradients are larger, so its steps are
# shorter.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: the gradient is small, but so what? Could we not wait?
# Expect: "a larger learning rate".
# Answer: no. Five layers, three times as long, or at ten times the rate, are still at chance.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Which of them learn? **Stop** ends the race and keeps what was learned.

# %% tags=["claim-C1.14"]
racers = {f"{depth} sigmoid layers": MLP(depth, sigma_w=1.0) for depth in (2, 5, 10)}
racers["10 ReLU layers"] = MLP(10, activation="relu", init="he")
rates = {name: 0.02 if "ReLU" in name else 0.1 for name in racers}
paradox = race(racers, x, y, steps=400, lr=rates, title="The paradox of depth")
late = {name: torch.tensor(run.loss[-50:]).mean().item() for name, run in paradox.items()}
print(", ".join(f"{name}: {loss:.2f}" for name, loss in late.items()))
paradox_stopped = any(run.stopped for run in paradox.values())           # by you: nothing to assert
assert paradox_stopped or abs(late["10 sigmoid layers"] - 2.303) < 0.02
assert paradox_stopped or max(late["2 sigmoid layers"], late["10 ReLU layers"]) < 0.2

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Say: the deep net could compute what the shallow one does, and sits at ln 10, a guesser's loss, from step 0 on.
# Do: if there is time, run it again (Ctrl-Enter) and press Stop.

# %% [markdown] slideshow={"slide_type": "skip"}
# Nearly everything that the shallow net can compute, the deep one could too, and yet it stays on the plateau
# $\ln 10 = 2.303$, the loss of someone who guesses. Popular accounts tell of a fast fall *before* the plateau; here is none.
#
# Do more steps help, or longer ones? And beyond which depth does a net fail? You will read "beyond 5-7 layers", or "1-3
# hidden layers are typical". Two initializations (accuracies are on the training digits unless "test" is said):

# %% tags=["claim-C1.14", "claim-C1.21"] slideshow={"slide_type": "skip"}
for lr in (0.1, 1.0):
    run = fit(MLP(5, sigma_w=1.0), x, y, steps=1200, lr=lr, live=False)
    last = sum(run.loss[-50:]) / 50
    print(f"5 layers, learning rate {lr}: loss {last:.2f} after {run.steps} steps")
    assert run.stopped or last > 2.2
sweep = {f"{depth} layers, {init}": MLP(depth, init=init)
         for init in ("xavier", "naive") for depth in (2, 4, 6)}
runs = race(sweep, x, y, steps=200, live=False)
reached = {name: run.accuracy for name, run in runs.items()}
print("\n".join(f"{name}: {share:.0%}" for name, share in reached.items()))
sweep_stopped = any(run.stopped for run in runs.values())
assert sweep_stopped or (reached["2 layers, xavier"] > 0.9 and reached["4 layers, xavier"] < 0.2)
assert sweep_stopped or reached["6 layers, naive"] > 0.8

# %% [markdown] slideshow={"slide_type": "skip"}
# Patience does not help, and there is **no threshold**. With Xavier's weights four sigmoid layers already fail; with
# "naive" weights from $N(0, 1)$, eight times larger, six layers learn. It depends on weights *and* slopes. (Cireșan et al.
# trained five hidden layers by plain backpropagation in 2010.)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Who moved at all? Compare each layer's weights with where they started (the same seed makes the same net again):

# %% tags=["claim-C1.13"]
start, end = MLP(10, sigma_w=1.0), racers["10 sigmoid layers"]
moved = {}
born, trained = (*start.hidden, start.readout), (*end.hidden, end.readout)
for l, (before, after) in enumerate(zip(born, trained), start=1):
    distance = (after.weight - before.weight).norm() / before.weight.norm()
    moved[f"layer {l}"] = distance.item()

def draw_moved(ax):
    label = "distance moved / size of the weights"
    plots.draw_bars(ax, moved, xlabel=label, log=True, form="{:.1e}")

show(draw_moved, size=(9, 4.2))
assert paradox_stopped or (moved["layer 1"] < 1e-3 and moved["layer 10"] > 0.1)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: after 400 steps the first layer is the random matrix that it was born as.

# %% [markdown] slideshow={"slide_type": "subslide"}
# The first layer has moved by about a thousandth of a percent. So is it useless? Freeze layers on purpose, in the sick
# net, and in one that *does* learn:

# %% tags=["claim-C1.13"]
nets = {}
for depth, k in ((10, 0), (10, 8), (3, 0), (3, 1), (3, 3)):
    nets[f"{depth} layers, {k} frozen"] = net = MLP(depth, sigma_w=1.0)
    for layer in net.hidden[:k]:
        layer.requires_grad_(False)
frozen = race(nets, x, y, steps=300, title="The first layers frozen at their random start")
print("\n".join(f"{name}: {run.accuracy:.0%}" for name, run in frozen.items()))
frozen_stopped = any(run.stopped for run in frozen.values())
free, nailed = (frozen[f"10 layers, {k} frozen"].loss[-1] for k in (0, 8))
assert frozen_stopped or abs(free - nailed) < 0.01
none, one, all_three = (frozen[f"3 layers, {k} frozen"].accuracy for k in (0, 1, 3))
assert frozen_stopped or none > 0.9 > one > 0.5 > all_three

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Ask: eight of ten layers are nailed down. How much worse does the net become?
# Expect: much worse.
# Answer: not at all: it is at chance with and without. In the net of three layers that learns, one frozen layer
# costs nearly twenty points.

# %% [markdown] slideshow={"slide_type": "subslide"}
# In the sick net, nailing down eight of ten layers changes nothing. In the healthy one a frozen layer costs, and with all
# three frozen nothing is learned in 300 steps.
#
# So do random layers destroy the image? *Predict:* what can a linear readout still see behind eight of them, if it is
# *computed*, by least squares, instead of trained?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Ask: behind eight random layers, how many digits can a computed readout still tell apart?
# Expect: one in ten.
# Misconception: random layers destroy the image.
# Answer: 94 %. The digit is there, as a whisper on top of a common one half.

# %% tags=["claim-C1.13"]
train_signals, test_signals = (MLP(8, sigma_w=1.0).signals(images)[1] for images in (x, x_test))
spread, seen = {}, {}
for k in (1, 2, 3, 5, 8):
    mean, std = train_signals[k].mean(0), train_signals[k].std(0)        # over the digits: (64,)
    target = F.one_hot(y, 10).double() - 0.1                             # (1437, 10)
    weights = torch.linalg.lstsq((train_signals[k] - mean) / std, target).solution
    guess = ((test_signals[k] - mean) / std @ weights).argmax(1)
    spread[k], seen[k] = std.mean().item(), (guess == y_test).double().mean().item()
    print(f"behind {k} random layers: spread {spread[k]:.0e}, test accuracy {seen[k]:.0%}")
assert min(seen.values()) > 0.8 and spread[8] < 1e-4 * spread[1]

# %% [markdown] slideshow={"slide_type": "skip"}
# Nothing that the readout needs is lost! But it is a *whisper*: behind eight random layers digits differ (their spread) by
# a few millionths, on top of the ½ that all share. Least squares turns the volume up; gradient descent hears only the ½.
# The volume falls by the same 0.23 per layer: $\sqrt\chi$ rules the way forward, too. Random features still inform, but
# an untrained layer cuts the depth that a net can *use*.

# %% [markdown] slideshow={"slide_type": "subslide"}
# And why did the naive weights learn? They *saturate* the units! The outputs of both nets:

# %% tags=["claim-C1.16"]
outputs, saturated, ratios = {}, {}, {}
for init in ("xavier", "naive"):
    net = MLP(6, init=init)
    outputs[init] = torch.stack(net.signals(x[:128])[1][1:]).detach()    # six layers (6, 128, 64)
    saturated[init] = measure(net, x[:128], y[:128]).saturated[:6].mean()
    ratios[init] = first_over_last(net)
    print(f"{init}: {saturated[init]:.0%} saturated, first/last gradient {ratios[init]:.0e}")

def activation_histogram(ax):
    plots.draw_histograms(ax, outputs, bins=torch.linspace(0, 1, 41), xlabel="activation")
show(activation_histogram)
slope_at_5 = activations.sigmoid_slope(torch.tensor(5.0)).item()
assert slope_at_5 < 0.0067                                               # it hardly learns
assert saturated["xavier"] == 0 and saturated["naive"] > 0.3
assert ratios["xavier"] < 1e-3 and ratios["naive"] > 1e-2

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: in which of the two nets does the gradient vanish?
# Expect: in the one with saturated units.
# Misconception: vanishing gradients are saturated units.
# Answer: in the other one. Xavier's net has no saturated unit, and four such layers already fail; six naive layers
# learn.

# %% [markdown] slideshow={"slide_type": "skip"}
# The net *without* one saturated unit is the one whose gradient vanishes. So **"the gradient vanishes because most units
# are saturated"**, as one reads, is false at Xavier's weights. Saturation is real (a unit at $|z| = 5$ passes on 0.7 % and
# hardly learns), but what kills the gradient there is the slope in the *middle*: a quarter, at best, times weights that
# do not make up for it. Large weights do, at a price (chapter 4).

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## The loss cannot save the inside
#
# Take one output unit that is wrong and sure of it, $z = -8$ with target $1$:

# %% tags=["claim-C1.17"]
def pull(loss):
    z_out = torch.tensor(-8.0, dtype=torch.float64, requires_grad=True)
    return abs(torch.autograd.grad(loss(torch.sigmoid(z_out)), z_out)[0].item())

squared, entropy = pull(lambda p: (p - 1) ** 2), pull(lambda p: -torch.log(p))
print(f"pull on the output: squared error {squared:.1e}, cross-entropy {entropy:.4f}")
assert 6e-4 < squared < 7e-4 and entropy > 0.999

def squared_error(logits, labels):
    return F.mse_loss(logits.softmax(1), F.one_hot(labels, 10).double())

inside = {f.__name__: first_over_last(MLP(10, sigma_w=1.0), f)
          for f in (F.cross_entropy, squared_error)}
print("inside, first/last:", {name: f"{ratio:.1e}" for name, ratio in inside.items()})
assert all(ratio < 1e-5 for ratio in inside.values())

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Ask: does cross-entropy cure it?
# Answer: at the output, a thousandfold. The ratio inside is the same.

# %% [markdown] slideshow={"slide_type": "slide"}
# At the *output*, cross-entropy helps a thousandfold: its logarithm cancels the slope of the last sigmoid (that is why
# BP1 has no $\phi'$). *Inside*, the ratio is the same for both losses: a loss sets only where the telephone game starts.
#
# ## The four instruments
#
# Four instruments find the disease while a net trains:
#
# 1. **gradient norm** of each layer, over time;
# 2. **update/weight ratio**, $\eta\Vert\partial C/\partial W\Vert / \Vert W\Vert$: how much of itself a layer changes in a step of
#    learning rate $\eta$ (without momentum);
# 3. **activation statistics**: mean, spread, saturated share;
# 4. **the loss**: a plateau from the start, above what a shallower net reaches.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Say: these four instruments serve for the rest of the course, and for your own nets.

# %% [markdown] slideshow={"slide_type": "skip"}
# `measure` reads the first three on the way. By hand you would use *hooks*: functions of yours that PyTorch calls when a
# gradient passes by, one line a signal. Then a sick and a healthy net train, and are measured meanwhile:

# %% tags=["claim-C1.15"] slideshow={"slide_type": "skip"}
net, heard = MLP(10, sigma_w=1.0), []
z, _ = net.signals(x[:128])
for z_l in z:                                # the hooks are called from the last layer to the first
    z_l.register_hook(lambda delta: heard.insert(0, delta.norm()))
F.cross_entropy(z[-1], y[:128]).backward()
print("heard:", [f"{norm:.1e}" for norm in heard])
assert torch.allclose(torch.stack(heard), measure(net, x[:128], y[:128]).delta_norm)

# %% slideshow={"slide_type": "skip"}
def instruments(net):
    m = measure(net, x[:128], y[:128])                   # four rows, a column for each layer
    return torch.stack([m.weight_gradient_norm, m.weight_norm, m.activation_std, m.saturated])

patients = {"sick": MLP(10, sigma_w=1.0), "healthy": MLP(10, activation="relu", init="he")}
rates = {"sick": 0.1, "healthy": 0.02}
runs = race(patients, x, y, steps=300, lr=rates, record={"log": instruments},
            title="Instrument 4: the loss")
instruments_stopped = any(run.stopped for run in runs.values())
logs = {name: run.recorded["log"].unbind(1) for name, run in runs.items()}   # 4 x (records, layers)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Instrument 1, the gradient of each layer over time: time runs to the right, depth upwards; the brighter, the larger.

# %% tags=["claim-C1.15"]
def gradient_images(axes):
    for ax, (name, (gradient, *_)) in zip(axes, logs.items()):
        plots.draw_heat(ax, gradient.T.log10(), x=(0, 300), y=(1, 11), limits=(-9, 1),
                        xlabel="step", ylabel="layer", label="log₁₀ ‖∂C/∂W‖")
        ax.set_title(name)

show(gradient_images, panels=2)
at_start = {name: (log[0][0, 0] / log[0][0, -1]).item() for name, log in logs.items()}
print("first/last gradient at step 0:", {name: f"{ratio:.0e}" for name, ratio in at_start.items()})
assert at_start["sick"] < 1e-4 and at_start["healthy"] > 1e-2

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: time to the right, depth upwards. The sick net is dark below from the first step to the last.

# %% [markdown] slideshow={"slide_type": "skip"}
# Instrument 4 stays on its plateau in the sick net alone. In the image of instrument 1, the lower layers of the sick net
# stay dark from the first step to the last.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Now instruments 2 and 3, at the last record:

# %% tags=["claim-C1.15"]
ratio = {name: rates[name] * log[0][-1] / log[1][-1] for name, log in logs.items()}  # (layers,)
spread = {name: log[2][-1, :-1] for name, log in logs.items()}                       # (layers - 1,)

def ratio_and_spread(axes):
    plots.draw_lines(axes[0], ratio, xlabel="layer", ylabel="update / weight", log=True)
    axes[0].axhline(1e-3, color=style.BLACK, linewidth=1, linestyle=":")
    plots.draw_lines(axes[1], spread, xlabel="layer", ylabel="std of activations", limits=(0, 3))
show(ratio_and_spread, panels=2)
sick, healthy = ratio.values()
worst = {name: f"{log[3][-1, :-1].max():.0%}" for name, log in logs.items()}
wide, narrow = (share.max() / share.min() for share in (sick, healthy))
print(f"healthy: {(healthy < 1e-3).double().mean():.0%} of its layers below 1e-3, and it learns")
print(f"saturated at worst: {worst}; max / min of the ratio: healthy {narrow:.0f}, sick {wide:.0e}")
assert instruments_stopped or (sick.min() < 1e-6 and 1e-5 < healthy.min() < 1e-3)
assert instruments_stopped or wide > 1e3 > narrow

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: a thousandth of itself a step is the healthy order of magnitude. Look at the range, not at one layer.
# Misconception: a ratio below 1e-3 means that the layer is stuck. All healthy layers lie below it here.

# %% [markdown] slideshow={"slide_type": "slide"}
# The dotted line marks $10^{-3}$: a thousandth of itself per step, the healthy order of magnitude. The healthy net lies
# just below it, in all layers alike. The sick one is spread over six decades: its last layers are busy, its first asleep.
# **"A ratio below $10^{-3}$ means that the layer is stuck"** takes the target for the alarm; look for differences of orders
# of magnitude. On the right the spread of the activations: one to two and a half in the healthy net, a tenth or two in
# the sick one, and hardly any in its last hidden layer. Not one sick unit is saturated.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: from the quiet disease to the loud one.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## The loud twin: exploding
#
# A product of factors *above* one is the same disease with the opposite sign. Make the gradient grow, and train:

# %% tags=["claim-C1.09"]
show(gradient_by_layer, depth=20, activation="relu", sigma_w=2.0)
for seed in range(3):
    net = MLP(20, activation="relu", sigma_w=2.0, seed=seed)
    loud = fit(net, x, y, steps=100, lr=0.1, live=False)
    print(f"seed {seed}: the losses, step by step:", [f"{loss:.0e}" for loss in loud.loss])
    assert loud.diverged and loud.steps < 20
infinite = torch.tensor(1e38) * 10                            # float32 ends at 3.4e38
print(infinite, infinite - infinite)
assert infinite.isinf() and (infinite - infinite).isnan()

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Ask: after how many steps do you notice?
# Answer: two. A vanishing net never tells you.

# %% [markdown] slideshow={"slide_type": "skip"}
# Overflow gives `inf`, and `inf - inf` is `nan`: after two steps everybody knows. A vanishing net just sits there.
#
# Both can live in one product. Fifty random matrices, width 128:

# %% tags=["claim-C1.10"] slideshow={"slide_type": "skip"}
for seed in range(3):
    generator = torch.Generator().manual_seed(seed)
    product = torch.eye(128, dtype=torch.float64)
    for _ in range(50):
        factor = torch.randn(128, 128, generator=generator, dtype=torch.float64) / 128**0.5
        product = factor @ product
    values = torch.linalg.svdvals(product)
    growing, median = (values > 1).sum(), values.median()
    print(f"seed {seed}: singular values to {values[0]:.0f}, {growing} > 1, median {median:.0e}")
    assert values[0] > 2 and values.median() < 1e-5

# %% [markdown] slideshow={"slide_type": "skip"}
# Six or seven directions of 128 grow while most die: "the" factor per layer is an average (chapter 5).
#
# ☆ How small can a number get before it is zero? Graphics cards often compute in 16 bits:

# %% tags=["claim-C1.11", "nbval-check-output"] slideshow={"slide_type": "skip"}
zero_at = {}
for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
    product, k = torch.tensor(1.0, dtype=dtype), 0
    while product > 0:
        product, k = product * 0.25, k + 1
    zero_at[dtype] = k
for dtype, k in zero_at.items():
    print(f"{dtype}: zero after {k} quarters")
assert list(zero_at.values()) == [13, 67, 75, 538]
lost = torch.tensor(1e-8).half()
rescued = (torch.tensor(1e-8) * 1024).half().float() / 1024  # loss scaling
print(f"1e-8 in float16: {lost.item()}; with loss scaling: {rescued.item():.1e}")
assert lost == 0 and abs(rescued / 1e-8 - 1) < 0.01
tiny = torch.full((100,), 1e-24)                             # float32 holds it, but not its square
assert tiny.norm() == 0 and tiny.double().norm() > 0

# %% [markdown] slideshow={"slide_type": "slide"}
# In float16, thirteen quarters leave an exact zero. *Loss scaling* multiplies the loss by 1,024, and with it the whole
# backward pass; divide before the step. It saves what the *format* would lose; it cures nothing. And the cell's last
# line: take norms in double, as `measure` does.
#
# ## Three causes, one cube
#
# Activation, initialization and depth are often called independent causes whose effects add up. Switch each: sigmoid or
# ReLU; weights too small ($\sigma_w = 0.5$) or usual (Xavier's $\sigma_w = 1$ for the sigmoid, He's $\sqrt2$ for ReLU); no
# skip or a skip connection, which adds a layer's input to its output (chapter 6). Eight nets of 20 layers. *Predict:*
# which of them learn?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: eight nets, three switches. Which of them learn?
# Expect: the more cures, the better.
# Misconception: causes are independent, and cures add up.
# Answer: see the next slide; the last one explodes.

# %% slideshow={"slide_type": "skip"}
def corner(activation, weights, skip):
    sigma_w = 0.5 if weights == "small" else {"sigmoid": 1.0, "relu": 2**0.5}[activation]
    return MLP(20, width=32, activation=activation, sigma_w=sigma_w, skip=skip == "skip")

switches = [(activation, weights, skip) for skip in ("no skip", "skip")
            for activation in ("sigmoid", "relu") for weights in ("small", "usual")]
cube = {", ".join(names): corner(*names) for names in switches}
ratios = {name: first_over_last(net) for name, net in cube.items()}
runs = race(cube, x, y, steps=150, lr=0.01, live=False)      # eight curves are too many to read
learnt = {name: run.accuracy for name, run in runs.items()}

# %% [markdown] slideshow={"slide_type": "subslide"}
# Eight nets, left the gradient, right what they learned. Hatched: those that stayed below 20 %.

# %% tags=["claim-C1.18"]
def cube_picture(axes):
    plots.draw_bars(axes[0], ratios, xlabel="gradient, first / last layer", log=True, form="{:.0e}")
    failed = [name for name, share in learnt.items() if share < 0.2]
    plots.draw_bars(axes[1], learnt, xlabel="accuracy after 150 steps", form="{:.0%}", marks=failed)
    axes[1].set_yticklabels([])

show(cube_picture, panels=2, size=(9, 4.6))
cube_stopped = any(run.stopped for run in runs.values())
relu_alone, weights_alone, skip_alone, both = (learnt[f"{name} skip"] for name in (
    "relu, small, no", "sigmoid, usual, no", "sigmoid, small,", "relu, usual, no"))
print(f"alone: ReLU {relu_alone:.0%}, weights {weights_alone:.0%}, skip {skip_alone:.0%}")
print(f"ReLU and weights {both:.0%}, all: diverged after {runs['relu, usual, skip'].steps} steps")
gain_alone = abs(relu_alone - 0.1) + abs(weights_alone - 0.1)            # over chance
assert cube_stopped or (both - 0.1 > 3 * gain_alone and skip_alone > 0.3)
assert cube_stopped or (runs["relu, usual, skip"].diverged and ratios["relu, usual, skip"] > 100)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1.5
# Say: without a skip, one cure alone gains nothing, both wake the net: a product, not a sum. A skip wakes even the
# sigmoid net. All three together explode: chapter 6 tames that corner.

# %% [markdown] slideshow={"slide_type": "skip"}
# Without skips, curing the activation or the weights alone gains nothing, and both together wake the net. That is no sum.
# It is the *product* $\chi = \sigma_w^2 E[\phi'^2]$: one factor far below 1 spoils whatever the other does. A skip alone
# wakes even the sigmoid net with small weights: it adds a path on which no factor is small.
#
# The last corner, with all three cures, **explodes**. A skip carries the signal on its own, so weights that were right
# without it are too large with it. Causes interact; there is no "more cure is better".
#
# ## ☆ Where else it lives
#
# **Convolutional nets.** A convolution is a matrix with shared weights: one Jacobian a layer. AlexNet has 8 weight
# layers, VGG 19, GoogLeNet 22. It is sometimes said that pooling shortens the gradient's way: count. **Generative
# adversarial nets** starve, too: once the discriminator is sure that a fake is fake ($D = \sigma(-8)$), it has no slope
# left for the generator, unless the generator's loss is chosen with care.

# %% tags=["claim-C1.20", "claim-C1.23", "nbval-check-output"] slideshow={"slide_type": "skip"}
torch.manual_seed(0)
vgg = []                                                     # VGG-19, a sixteenth as wide
for convolutions, channels in ((2, 4), (2, 8), (4, 16), (4, 32), (4, 32)):
    for _ in range(convolutions):
        vgg += [nn.LazyConv2d(channels, 3, padding=1), nn.ReLU()]
    vgg += [nn.MaxPool2d(2)]
vgg += [nn.Flatten(), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)]
outputs = nn.Sequential(*vgg)(torch.randn(1, 3, 32, 32)).numel()
assert outputs == 10                                                     # it is a net that runs
weights, pools = sum(hasattr(m, "weight") for m in vgg), sum(isinstance(m, nn.MaxPool2d) for m in vgg)
print(f"VGG-19: {weights} weight layers; {len(vgg)} Jacobians in a row, {pools} of them pooling")
assert weights == 19 and pools == 5 and len(vgg) > weights + pools
starved, fed = pull(lambda d: torch.log(1 - d)), pull(lambda d: -torch.log(d))
print(f"pull on the generator: minimizing log(1 - D) {starved:.0e}, minimizing -log D {fed:.1f}")
assert 3e-4 < starved < 4e-4 and fed > 0.999

# %% [markdown] tags=["claim-C1.22"] slideshow={"slide_type": "skip"}
# Each pooling layer *adds* a Jacobian. Shared weights add up gradients from many places: that changes the size of a
# layer's gradient, not the factor from layer to layer.
#
# **And today?** The problem is not solved "for arbitrary depth", it is *managed*, by remedies built into every modern
# architecture (the coming chapters). Where one is missing, the disease returns. It is alive in recurrent nets without
# gates (chapter 7), in nets that solve differential equations, in 16-bit training, and in nets of a thousand layers.
# (Accumulating gradients over several batches changes the batch size and nothing else.)
#
# ## ☆ What the literature says
#
# "Most units are saturated" and "below $10^{-3}$ a layer is stuck" have met their figures above. More:
#
# **"Each sigmoid layer shrinks the gradient at least fourfold, regardless of the weights."** The bound is
# $\frac14 s_{\max}(W)$, a quarter of the largest singular value. With the weight 8, ten sigmoids multiply it by 1,024:

# %% tags=["claim-C1.08"] slideshow={"slide_type": "skip"}
h = start_at = torch.zeros(1, requires_grad=True)
for k in range(10):
    h = torch.sigmoid(8 * h - 4 * (k > 0))                   # the bias keeps z at 0: slope 1/4
(growth,) = torch.autograd.grad(h, start_at)
print(f"gradient through ten sigmoids: {growth.item():.0f}")
assert growth.item() > 1000
for seed in range(3):                                        # and with the weights that people use?
    m = measure(MLP(10, sigma_w=1.0, seed=seed), x[:128], y[:128])
    ratio = (m.weight_gradient_norm[0] / m.weight_gradient_norm[-1]).item()
    print(f"ten layers, sigma_w = 1, seed {seed}: first/last weight gradient {ratio:.0e}")
    assert 1e-8 < ratio < 1e-4

# %% [markdown] slideshow={"slide_type": "skip"}
# At usual weights it is worse than fourfold, but for a reason that has the weights in it.
#
# **"$0.25^{49}$ underflows to zero, and $0.25^{19}$ is about $3\cdot10^{-9}$."** Wrong twice. **"A gradient of $10^{-14}$ is
# beyond floating-point precision."** It is not (float32 reaches $10^{-45}$). What gets lost is the *subtraction*
# $w - \eta g$: in float32 it rounds to $w$, in float64 not yet. And Adam divides by the gradient's own size, so its steps
# stay large until its $\epsilon = 10^{-8}$ takes over.

# %% tags=["claim-C1.12", "nbval-check-output"] slideshow={"slide_type": "skip"}
quarter_49, quarter_19 = torch.tensor(0.25) ** 49, 0.25**19
print(f"0.25^49 is {quarter_49:.2e} in float32, {torch.tensor(0.25).half() ** 49} in float16")
print(f"0.25^19 is {quarter_19:.2e}")
assert 3.1e-30 < quarter_49 < 3.2e-30 and 3.6e-12 < quarter_19 < 3.7e-12
single, double = torch.tensor(1.0), torch.tensor(1.0, dtype=torch.float64)
print(f"1 - 1e-15: {single - 1e-15:.16f} in float32, {double - 1e-15:.16f} in float64")
adam = {g: g / ((g**2) ** 0.5 + 1e-8) for g in (1e-4, 1e-8, 1e-14)}  # first step, in units of lr
print("Adam's step:", ", ".join(f"{step:.1e} lr (gradient {g:.0e})" for g, step in adam.items()))
assert single - 1e-15 == single and double - 1e-15 < double
assert abs(adam[1e-8] - 0.5) < 1e-6 and 0.9e-6 < adam[1e-14] < 1.1e-6

# %% [markdown] slideshow={"slide_type": "skip"}
# **"The gradient is *the* product of the slopes, so one dead factor kills it."** It is a *sum over all paths* through
# the net, each path a product. Kill one of 256 slopes, and the others carry on:

# %% tags=["claim-C1.19"] slideshow={"slide_type": "skip"}
for seed in range(3):
    generator = torch.Generator().manual_seed(seed)
    W_1, W_2 = torch.randn(2, 256, 256, generator=generator, dtype=torch.float64) / 16
    slopes = torch.full((256,), 0.25, dtype=torch.float64)
    cut = slopes.clone()
    cut[7] = 0
    change = (1 - (W_2 * cut @ W_1).norm() / (W_2 * slopes @ W_1).norm()).item()
    print(f"seed {seed}: one slope of 256 set to zero changes the Jacobian's norm by {change:.2%}")
    assert 0 < change < 0.01

# %% [markdown] slideshow={"slide_type": "skip"}
# ## The timeline
#
# Move through the years. *Try:* 1991, then 1997, 2010 and 2015.

# %% slideshow={"slide_type": "skip"}
def history_of_the_field(ax, year=1991):
    return plots.draw_timeline(ax, timeline.EVENTS, year, timeline.LANES)

explore(history_of_the_field, year=(1969, 2020))

# %% [markdown] slideshow={"slide_type": "slide"}
# Backpropagation became popular in 1986, and the diagnosis is of 1991. LSTM, a cure for nets in *time*, came in 1997; the
# cures for depth took until 2010-2015, though little of their mathematics is new.
#
# ## The clinic: your first patient
#
# A net comes in. You know only what its owner says. Measure, name the disease, prescribe.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Ask: name the disease from this table alone.
# Expect: vanishing, because of the saturated units.
# Answer: weights too large: the gradient grows towards the input. Let them choose a treatment, and run it.

# %%
patient = chapter01.PATIENT
print(patient.complaint)
m = measure(patient.make(), x[:128], y[:128])
update = m.update_ratio(patient.lr)
print("layer   gradient  update/weight  std of a  saturated")
for l in range(8):
    row = f"{l + 1:5}  {m.delta_norm[l]:9.1e}  {update[l]:13.1e}"
    print(row, f" {m.activation_std[l]:8.2f}  {m.saturated[l]:9.0%}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Which disease is it? Put one of these in place of the dots, with its quotes: `"vanishing through small slopes"`,
# `"weights too large"`, `"weights too small"`, `"learning rate too small"`.

# %% slideshow={"slide_type": "skip"}
diagnosis = ...
clinic.name_disease(patient, diagnosis)

# %% [markdown] slideshow={"slide_type": "skip"}
# Then treat it, with one of: `"a tenth of the learning rate"`, `"ten times the learning rate"`,
# `"weights with std 1/sqrt(fan_in)"`, `"weights with std 0.01"`. The patient is trained untreated and treated, side by side.

# %% slideshow={"slide_type": "skip"}
prescription = ...
clinic.treat(patient, prescription)

# %% [markdown] slideshow={"slide_type": "skip"}
# You have done by hand what `diagnose` does for any net. It names the disease, so it speaks when
# you have spoken:

# %% slideshow={"slide_type": "skip"}
if clinic.has_named(patient, diagnosis):
    display(diagnose(patient.make(), x[:256], y[:256], lr=patient.lr, optimizer="sgd"))
else:
    print("Your own diagnosis first. Then run this cell again.")

# %% [markdown] slideshow={"slide_type": "skip"}
# <details><summary>When the report stands above: how to read it</summary>
#
# The first two findings ask for the same change: two symptoms, one cause. The third asks for shorter steps. Would they do
# alone? They are on your list, so try. (The table holds your four columns on twice as many digits, and differs a little.)
#
# </details>
#
# ## Exercises
#
# Replace the dots and run the cell. It answers at once, and you may try as often as you like.
#
# ### 1. The sigmoid's slope
#
# `sigmoid_slope(z)`: the slope $\sigma'(z)$ for a tensor of any shape, by formula, without autograd.
#
# <details><summary>Hint</summary>
#
# Compute $s = \sigma(z)$ once. The slope is a product of two numbers that add up to 1.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def sigmoid_slope(z):
#     s = 1 / (1 + torch.exp(-z))
#     return s * (1 - s)
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def sigmoid_slope(z):
    """z: any shape -> the slope of the sigmoid, same shape."""
    ...

chapter01.check_sigmoid_slope(sigmoid_slope)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 2. One step back
#
# `backward_step(delta_next, W_next, z)`: BP2 for a layer of sigmoids. Rows are samples: `delta_next` is (B, n_next),
# `W_next` is (n_next, n), `z` is (B, n); return $\delta$, of shape (B, n).
#
# <details><summary>Hint</summary>
#
# First through the weights: which product of a (B, n_next) and an (n_next, n) matrix has the shape (B, n)? Then each
# entry times its slope.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def backward_step(delta_next, W_next, z):
#     s = torch.sigmoid(z)
#     return delta_next @ W_next * s * (1 - s)
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def backward_step(delta_next, W_next, z):
    """(B, n_next), (n_next, n), (B, n) -> (B, n)."""
    ...

chapter01.check_backward_step(backward_step)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 3. The factor per layer
#
# `layer_factor(sigma_w, mean_squared_slope)`: by what is the gradient's **norm** multiplied in one layer? Two numbers
# in, one number out. For the sigmoid net above it must give 0.23.
#
# <details><summary>Hint</summary>
#
# $\chi$ is the factor of the *squared* norm.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def layer_factor(sigma_w, mean_squared_slope):
#     return sigma_w * mean_squared_slope ** 0.5
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def layer_factor(sigma_w, mean_squared_slope):
    """Two numbers -> sqrt(chi), a number."""
    ...

chapter01.check_layer_factor(layer_factor)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 4. An instrument of your own
#
# `weight_gradients(net, x, y)`: the norm of the cross-entropy's gradient for the weight of every `nn.Linear` in
# `net`, in order, as a list or 1-D tensor. In double precision, and without leaving a `.grad` behind.
#
# <details><summary>Hint</summary>
#
# `[m for m in net.modules() if isinstance(m, nn.Linear)]` finds the layers; `torch.autograd.grad(loss, weights)`
# returns gradients instead of storing them. Convert with `.double()` *before* you take the norm.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def weight_gradients(net, x, y):
#     weights = [m.weight for m in net.modules() if isinstance(m, nn.Linear)]
#     gradients = torch.autograd.grad(F.cross_entropy(net(x), y), weights)
#     return [g.double().norm() for g in gradients]
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def weight_gradients(net, x, y):
    """A net and a batch -> the gradient norm of each linear layer's weight, first layer first."""
    ...

chapter01.check_weight_gradients(weight_gradients)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - Backwards through a net, each layer multiplies the gradient's norm by $\sqrt\chi = \sigma_w\sqrt{E[\phi'^2]}$: weights
#   times slopes. Over depth, that is exponential.
# - A sigmoid's slope is a quarter at best, so at ordinary weights a deep sigmoid net is asleep at its input from step 0
#   on. Saturation makes it worse, but is not needed for it.
# - Four instruments find the disease: gradient norm by layer, update/weight ratio, activation statistics, the loss.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: weights times slopes, once a layer.

# %% [markdown] slideshow={"slide_type": "subslide"}
# One picture to keep: the falling line of the sigmoid, beside two others.

# %%
def three_lines(ax):
    curves = {}
    for name, sigma_w in (("sigmoid", 1.0), ("tanh", 1.0), ("relu", 2**0.5)):
        net = MLP(30, activation=name, sigma_w=sigma_w)
        curves[f"{name}, σ_w² = {sigma_w**2:.0f}"] = measure(net, x[:128], y[:128]).delta_norm
    plots.draw_lines(ax, curves, xlabel="layer", ylabel="gradient norm ‖∂C/∂z‖", log=True)

show(three_lines)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5 / 0.5
# Ask: whose line is level, and why?
# Answer: ReLU's, at its own weights. That is chapter 2.

# %% [markdown] slideshow={"slide_type": "skip"}
# tanh sinks slowly; only one of the three stays level. Its slope is exactly 1 on half of the axis, and its name is
# **ReLU**: chapter 2 takes it apart, shows what it costs, and meets a net full of dead units.
#
# ## References
#
# - Rumelhart, Hinton, Williams 1986, *Learning representations by back-propagating errors*, Nature 323
# - Hochreiter 1991, *Untersuchungen zu dynamischen neuronalen Netzen*, diploma thesis, TU München
# - Bengio, Simard, Frasconi 1994, *Learning long-term dependencies with gradient descent is difficult*, IEEE TNN 5(2)
# - Glorot, Bengio 2010, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS
# - Cireșan et al. 2010, *Deep, big, simple neural nets*, Neural Computation 22
# - Nielsen 2015, *Neural Networks and Deep Learning*, chapters 2, 3 and 5 (the notation BP1-BP4)
# - Poole et al. 2016, arXiv 1606.05340; Schoenholz et al. 2017, *Deep information propagation*, arXiv 1611.01232
# - Karpathy, *CS231n course notes*, Neural Networks 3 (the update/weight ratio)
# - Alpaydin, Kaynak 1998, *Optical recognition of handwritten digits*, UCI Machine Learning Repository
