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
# You will watch a gradient die on its way through a net, find the reason with pencil and paper, and cure a net that has
# the disease. The chapter is named after the classical explanation, *saturation*. Is it the right one?
#
# You need backpropagation as an idea, and enough PyTorch to read `loss.backward()`. Run the cells from top to bottom
# with **Shift+Enter**. A line with a ✔ is a claim that was just tested on your machine.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: one product explains the whole hour. Remember the question: is it really saturation?

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, activations, causes, chapter01, claim, clinic, datasets, explore, fit
from utils import meanfield, measure, networks, plots, predict, race, show, style

torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits()        # handwritten digits, 8 x 8 pixels: x is (1437, 64)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The telephone game
#
# A sentence is whispered from person to person. Each passes on 90 % of what they heard. How much is left after twenty?
# Decide, and then move *people* to 20.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: each passes on 90 %. How much is left after twenty people?
# Expect: most say a half.
# Misconception: losses add up; "twenty people lose a few percent, so most of it arrives".
# Answer: 12 %. Losses multiply.
# Do: move people to 50, then look for the share that leaves a half: about 98.6 %.

# %%
def telephone(ax, understood=0.9, people=3):
    left = understood ** torch.arange(people + 1)
    plots.draw_lines(ax, {"left": left}, range(people + 1), xlabel="person", ylabel="share left")
    ax.set(xlim=(-1, 51), ylim=(0, 1.05))
    return f"{people} people who each pass on {understood:.1%} leave {100 * left[-1]:.3g} %."

explore(telephone, understood=(0.5, 1.0, 0.002), people=(2, 50))

# %% [markdown] slideshow={"slide_type": "slide"}
# Twenty people leave an eighth, since the losses *multiply*. A deep net plays the same game, backwards.
#
# ## Ten layers
#
# Here is a net of ten **hidden layers**<!-- term: The layers between the input and the readout. --> with 64 sigmoid units
# each, and a last layer, the **readout**<!-- term: The last layer of a net, whose outputs are the scores of the
# classes. -->, that gives the ten digits their scores. It is untrained. Each weight is random, with a standard deviation of
# $\sigma_w/\sqrt n$ for $n$ inputs (`sigma_w`, for now 1), and the biases are 0. We send 128 digits forward, compute the
# loss $C$, and send its gradient back, once.
#
# Each unit first adds up what it receives, times its weights. This sum is its **pre-activation**<!-- term: What a unit adds
# up, weights times inputs plus bias, before its activation function; written z. --> $z$.
# The gradient $\partial C/\partial z$ says how much the loss would change if $z$ did. If it is tiny, the unit hears nothing
# of its mistakes. Its colour shows the size of its gradient, compared with the readout's. Each step of the colour bar is a
# factor of ten.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1
# Say: the colour is the gradient of the loss for each unit's sum z, in powers of ten.

# %% [markdown] slideshow={"slide_type": "subslide"}
# How much of the gradient reaches layer 1? Guess first.

# %% slideshow={"slide_type": "fragment"}
def gradients_die(axes, depth=10, activation="sigmoid", sigma_w=1.0, guess=None):
    net = MLP(depth, activation=activation, sigma_w=sigma_w)
    z, _ = net.signals(x[:128])                                     # of each layer: (128, units)
    errors = torch.autograd.grad(F.cross_entropy(z[-1], y[:128]), z)        # dC/dz, likewise
    theory = meanfield.predicted_gradient_norms(
        activation, sigma_w**2, depth, sigma_w, last=errors[-1].norm())
    weights = [layer.weight.detach() for layer in (*net.hidden[1:], net.readout)]
    return networks.draw_net_and_curve(axes, errors, weights, theory, guess=guess)

show(gradients_die, panels=(2, 1))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: what does a straight line on a logarithmic axis say?
# Expect: "it falls exponentially", from a few.
# Answer: every layer keeps the same small fraction. Read it from right to left, as the gradient travels. The line
# is theory's; it is pinned to the last point, and its slope comes from a formula.

# %% [markdown] slideshow={"slide_type": "slide"}
# Read the picture from right to left, as the gradient travels. The points fall on a straight line, and the axis counts
# in powers of ten. (The other line is theory, which we shall derive.) Ten layers leave half a millionth of the gradient.
# What do twenty leave?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: from right to left. Let them find out themselves that each layer keeps the same share.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## Twice as deep

# %%
predict(
    "20 hidden sigmoid layers: how large is layer 1's gradient, compared with the last layer's?",
    gradients_die, panels=(2, 1), depth=20, right=chapter01.RIGHT["twice as deep"],
    guess=[("half as large as with ten", 2.4e-7), ("1e-9", 1e-9), ("1e-13", 1e-13),
           ("1e-30", 1e-30)],
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 2
# Ask: twice as deep. How large is layer 1's gradient, compared with the last layer's? Count hands.
# Expect: most hands for a half, or for 1e-9.
# Misconception: twice the depth gives half the gradient.
# Answer: 2e-13, the square of what ten layers leave. Five other seeds give 2e-13 to 4e-13: 0.23 per layer.

# %% [markdown] slideshow={"slide_type": "slide"}
# The gradient shrinks **exponentially with depth**. Each layer passes on the same share, about 23 %. Why so little?
#
# ## By hand: four units in a row
#
# Let us follow the gradient with a pencil: four layers of *one* unit each, all weights 1. In every layer it is multiplied by
# a weight and by the slope of a sigmoid, $\phi'$. Which of them is to blame? Move the input, and then the weight.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Do: multiply the slopes aloud, from the right. Then move the weight to 2, and to 4: a tenth of what weight 1 leaves.
# Say: no factor is small. The product is.

# %%
def four_units(ax, input=0.5, weight=1.0):
    h, slopes = torch.tensor(input), []
    for layer in range(4):
        h = torch.sigmoid(weight * h)
        slopes.append(h * (1 - h))                  # the slope of a sigmoid, from its output
    return causes.draw_chain(ax, [weight] * 4, slopes)

explore(four_units, input=(-6.0, 6.0, 0.5), weight=(0.0, 8.0, 0.5), size=(9, 3))
start = torch.tensor(0.5, requires_grad=True)
h, by_hand = start, 1.0
for layer in range(4):
    h = torch.sigmoid(1.0 * h)
    by_hand = by_hand * 1.0 * h * (1 - h)           # weight times slope
(autograd,) = torch.autograd.grad(h, start)
assert torch.allclose(by_hand, autograd)            # PyTorch, going backwards, finds the same

# %% [markdown] slideshow={"slide_type": "slide"}
# At weight 1 no factor of the chain is tiny, but their product is: 0.0027. A weight of 2 helps a little. Larger ones do
# not, since they push the next unit to where the curve is flatter. Now with many units.
#
# ## One step back
#
# Layer $l$ computes $z^l = W^l a^{l-1} + b^l$ and passes on the **activation**<!-- term: Of a unit: what it passes on,
# a = phi(z). The function phi is the activation function. --> $a^l = \phi(z^l)$, where $\phi$ is the sigmoid. Write
# $\delta^l = \partial C/\partial z^l$ for the **error**<!-- term: Of a layer: the gradient of the loss for its
# pre-activations, dC/dz; written delta. --> of the layer.
# Backpropagation goes from the error of one layer to that of the layer before it:
#
# $$\delta^l = (W^{l+1})^\top\,\delta^{l+1} \,\odot\, \phi'(z^l)$$
#
# In words: back through the weights, then times the slope of each unit ($\odot$ multiplies entry by entry). It is the
# chain of four units again, with a matrix in the place of the weight.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1
# Say: the one formula of the hour, in words: back through the weights, times the slope.
# Ask: which of its parts depends on the activation function?
# Answer: the slope alone; and it is what we look at next.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The slope
#
# At $z = 0$ the sigmoid is steepest, and even there its slope is only $\frac14$. Beyond $|z| = 5$ it is flat: such a unit
# is **saturated**<!-- term: Of a unit: its pre-activation lies on a flat end of the curve, where the slope is next to
# zero. -->. The shaded hill is where a layer's pre-activations lie, and *spread* is their standard deviation: about 0.5 in
# the net above. *Try:* is any unit saturated at 0.5? What is the mean slope all the same? Then spread 10, then tanh.

# %%
FLAT = 0.0266       # flat: below this share of the steepest slope (the sigmoid's beyond |z| = 5)

def saturation(axes, activation="sigmoid", spread=0.5):
    phi, z = activations.get(activation), torch.linspace(-8, 8, 801, dtype=torch.float64)
    hill = torch.exp(-((z / spread) ** 2) / 2)
    plots.draw_function(axes, z, phi.value(z), phi.slope(z), hill, name=activation)
    flat = FLAT * phi.slope(torch.zeros(1))
    slope = meanfield.gaussian_mean(phi.slope, spread**2)
    saturated = meanfield.gaussian_mean(lambda z: (phi.slope(z) < flat).double(), spread**2)
    return f"mean slope {slope:.3f}, saturated {saturated:.0%}."

explore(saturation, panels=(2, 1), size=(9, 4.6), activation=["sigmoid", "tanh"],
        spread=(0.5, 20.0, 0.5))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 2
# Do: spread 0.5 for the sigmoid, then 10; then the same for tanh.
# Ask: at spread 0.5, how many units are saturated? And what is the mean slope all the same?
# Expect: many are.
# Misconception: a small slope means a saturated unit.
# Answer: none, and 0.24. The slope is small everywhere. tanh at spread 0.5: 0.82.

# %% [markdown] slideshow={"slide_type": "slide"}
# Here is the surprise: *the gradient is lost in the middle of the curve, not at its ends.* No unit of our net is saturated,
# the mean slope is 0.24, and three quarters of the gradient are gone after one layer.
#
# ## The law: weights times slopes
#
# How much does a whole layer pass on? The entry of its error that belongs to unit $i$ is
# $\delta_i = \phi'(z_i)\sum_j W_{ji}\,\delta_j$, where $j$ runs over the units of the next layer. The weights are random,
# with mean 0 and variance $\sigma_w^2/n$. Square the entry, and take the average over the weights:
#
# 1. In the square of the sum, the cross terms have random signs and cancel. Each $W_{ji}^2$ is $\sigma_w^2/n$ on average.
#    What is left of the sum is $\frac{\sigma_w^2}{n}\sum_j\delta_j^2$.
# 2. Multiply by the squared slope $\phi'(z_i)^2$, and add up the $n$ units of the layer. The $n$ cancels, and the *mean*
#    squared slope remains. (In a wide net, slopes and errors are nearly independent.)
#
# With $E$ for averages, over the weights on the left and over $z$ on the right:
#
# $$E\Vert\delta^l\Vert^2 = \chi\; E\Vert\delta^{l+1}\Vert^2, \qquad \chi = \sigma_w^2\,E[\phi'(z)^2]$$
#
# Each layer multiplies the gradient's length by $\sqrt\chi$. If $\chi$ is below 1 the gradient **vanishes**<!-- term: Of a
# gradient: each layer multiplies it by less than 1 on its way back, so that little reaches the first. --> with depth. If it
# is above 1 the gradient **explodes**<!-- term: Of a gradient: each layer multiplies it by more than 1 on its way back, so
# that the first gets too much. -->.
# Only at $\chi = 1$ does it pass through any number of layers.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 5 / 3
# Say: one entry, squared; random signs kill the cross terms; then add up the units.
# Ask: what is multiplied by chi, the norm or its square?
# Answer: the square; the norm by the root of chi.

# %% slideshow={"slide_type": "skip"}
largest = max(z.abs().max() for z in MLP(10, sigma_w=1.0).signals(x[:128])[0][:-1])
claim("C1.16", f"in the net of ten layers no |z| is beyond {largest:.1f}", largest < 5)

def share_left(net):    # of the gradient, at the first layer
    delta = measure(net, x[:128], y[:128]).delta_norm       # the length of each layer's error
    return (delta[0] / delta[-1]).item()

shares = [share_left(MLP(20, sigma_w=1.0, seed=seed)) ** (1 / 20) for seed in range(5)]
claim("C1.01", f"in five nets each layer passes on {min(shares):.2f} to {max(shares):.2f}",
      0.22 < min(shares) and max(shares) < 0.25)
q = meanfield.q_fixed_point("sigmoid", sigma_w=1.0)     # variance of z, where it no longer changes
factor = meanfield.chi("sigmoid", q, sigma_w=1.0) ** 0.5
claim("C1.08", f"theory's share per layer is {factor:.3f}; the five nets are less than 0.01 away",
      max(abs(factor - share) for share in shares) < 0.01)

# %% [markdown] slideshow={"slide_type": "slide"}
# For our net theory's $\sqrt\chi$ is 0.236: almost the full quarter, times $\sigma_w = 1$. Now move everything, and see
# whether the line of theory goes along.
#
# *Try:* (1) Depth 30, sigmoid, and `sigma_w` up to 3. Do larger weights rescue it? (2) tanh at 1, then at 3. (ReLU is
# chapter 2's.)

# %%
explore(gradients_die, panels=(2, 1), depth=(2, 40), activation=["sigmoid", "tanh", "relu"],
        sigma_w=(0.5, 3.0, 0.1))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: depth 30; sigmoid with sigma_w from 1 to 3; then tanh at 1 and at 3.
# Ask: does a larger sigma_w rescue the sigmoid?
# Expect: yes, since weights are a factor.
# Misconception: weights can be chosen without an effect on slopes.
# Answer: ten orders of magnitude better at 30 layers, and still 3e-9: larger weights spread the z, so the slopes shrink
# meanwhile. (Who asks for more: at 8 the gradient does arrive, with a third of the units saturated; see the evidence.)

# %% [markdown] slideshow={"slide_type": "slide"}
# Larger weights help the sigmoid, but they also spread its pre-activations, and so the slopes shrink. At 3 it is still sick.
# tanh sinks slowly at 1 and *explodes* at 3.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: the law is one product, and the two factors are not independent.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it matter? Wait and see
#
# A small gradient may be enough, if we wait. Three nets, which differ in depth alone, learn the digits by SGD with momentum
# 0.9: each step keeps nine tenths of the step before. Who guesses has a loss of $\ln 10 = 2.30$. Which of the three will
# learn within 700 steps? Decide before the race. (**Stop** ends it and keeps what was learned.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: the gradient is small, but so what? Could we not wait?
# Expect: "a larger learning rate".
# Answer: we shall see how long.

# %% slideshow={"slide_type": "skip"}
# What the race is to note down on its way, for a later picture.
def inside(net):        # of the last hidden layer: mean activation, mean slope, share saturated
    a = net.signals(x[:256])[1][-1]
    slope = a * (1 - a)
    return torch.stack([a.mean(), slope.mean(), (slope < FLAT / 4).double().mean()])

def update(net):        # of layer 1: rate times gradient, over the size of its weights
    W = net.hidden[0].weight
    return 0.1 * W.grad.norm() / W.norm()

# %% slideshow={"slide_type": "fragment"}
racers = {f"{depth} layers": MLP(depth, sigma_w=1.0) for depth in (2, 4, 10)}
runs = race(racers, x, y, steps=700, lr=0.1, record={"inside": inside, "update": update})
late = {name: sum(run.loss[-50:]) / 50 for name, run in runs.items()}
claim("C1.14", "700 steps of SGD at 0.1 (momentum 0.9): 2 and 4 layers learn, 10 guess: "
      f"loss {late['10 layers']:.2f}", max(late["2 layers"], late["4 layers"]) < 1 and
      late["10 layers"] > 2.25, unless=runs, only=("rate", "optimizer"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Say: four layers sit on the plateau for more than 400 steps, and then they escape.
# Do: if there is time, run it again (Ctrl-Enter) and press Stop.

# %% [markdown] slideshow={"slide_type": "slide"}
# Four layers sit on the plateau of guessing for more than 400 steps, and then they escape. So waiting does help!
#
# ### How long?
#
# Now nets of one to six layers learn until their loss is below 1.5, for at most 600 steps: with momentum SGD, and with
# Adam, which divides each step by the usual size of the gradient. Will five layers get there? What does Adam change?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3.5 / 1.5
# Say: waiting helps. The question is how long.
# Ask: will five layers get there within 600 steps, if four take 500?
# Answer: 3,000 to 4,000, and six have not been seen to leave within 20,000. The wait grows exponentially.

# %% slideshow={"slide_type": "skip"}
def has_left(net):
    return F.cross_entropy(net(x[:256]), y[:256]) < 1.5

waits, escapes, depths, never = {}, [], range(1, 7), torch.nan
for name, lr in (("SGD", 0.1), ("Adam", 0.003)):
    nets = {depth: MLP(depth, sigma_w=1.0) for depth in depths}
    runs_of = race(nets, x, y, steps=600, lr=lr, optimizer=name.lower(), until=has_left, live="bar")
    waits[name] = torch.tensor([run.steps if run.reached else never for run in runs_of.values()])
    escapes.append(runs_of)
stuck = [depth for depth, steps in zip(depths, waits["SGD"]) if steps.isnan()]

# %% slideshow={"slide_type": "fragment"}
def wait(ax):
    plots.draw_lines(ax, waits, depths, xlabel="sigmoid layers", log=True,
                     ylabel="steps to leave the plateau")
    ax.plot(stuck, [600] * len(stuck), "^", color=style.BLUE, label="SGD: later than 600")
    ax.legend()

show(wait)
ratio = waits["SGD"][1:4] / waits["SGD"][:3]
told = ", ".join(f"{steps:.0f}" for steps in waits["SGD"][:4])
six = waits["Adam"][5]
claim("C1.21", f"SGD at 0.1: one to four layers leave after {told} steps, 2 to 6 times later for "
      f"each; five and six stay for 600. Adam at 0.003: six leave after {six:.0f}",
      ratio.min() > 2 and ratio.max() < 6 and stuck == [5, 6] and six < waits["SGD"][3],
      unless=escapes, only=("rate", "optimizer", "budget"))

# %% [markdown] slideshow={"slide_type": "slide"}
# With SGD each further layer, up to four, *multiplies* the wait. If that goes on, five layers take thousands of steps, and
# the evidence shows that they do. With Adam six layers leave the plateau sooner than four with SGD.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: each further layer multiplies the wait; and during the wait something does happen.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What happens during the wait
#
# For 400 steps the loss of the four layers did not fall. What did their last hidden layer do meanwhile (left)? And by
# which share does the gradient move layer 1 in a step (right: learning rate times gradient, over the size of the weights;
# momentum makes a step up to ten times as long)?

# %% slideshow={"slide_type": "fragment"}
run, slow = runs["4 layers"], runs["10 layers"].recorded["update"]
mean, slope, saturated = run.recorded["inside"].T               # (records,) each, as slow
def during_the_wait(axes):
    curves = {"mean activation": mean, "mean slope": slope}
    look = {"x": run.recorded_steps, "xlabel": "step", "markers": False}
    plots.draw_lines(axes[0], curves, ylabel="4 layers: the last hidden one", **look)
    curves = {"4 layers": run.recorded["update"], "10 layers": slow}
    plots.draw_lines(axes[1], curves, ylabel="layer 1: update / weight", log=True, **look)
show(during_the_wait, panels=2)
claim("C1.25", f"SGD at 0.1: mean activation {mean[0]:.2f}, down to {mean.min():.2f}, back to "
      f"{mean[-1]:.2f}; mean slope down to {slope.min():.2f}, and no unit saturated",
      mean[0] > 0.4 and mean.min() < 0.15 and mean[-1] > 0.3 and slope.min() < 0.125 and
      saturated[slope.argmin()] == 0, unless=runs, only=("rate", "optimizer"))
claim("C1.15", "SGD at 0.1: no step, momentum included, moves layer 1 of ten by a millionth",
      10 * slow.max() < 1e-6, unless=runs, only=("rate", "optimizer"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1.5
# Ask: what does the last hidden layer do while nothing is learned?
# Expect: nothing.
# Answer: it learns to be silent. What it says is noise for the readout, so its units are pushed towards 0, the flat end.
# This is what Glorot and Bengio saw in 2010: the drift towards saturation is a consequence.

# %% [markdown] slideshow={"slide_type": "slide"}
# The units of the last layer are pushed towards 0, *towards the flat end of the sigmoid*, and their mean slope falls from
# a quarter to a tenth. In the net of four layers, layer 1 still moves, and after 400 steps the last layer comes back. In the
# net of ten layer 1 moves a thousand times less, and more.
#
# ### The drift
#
# Glorot and Bengio saw the last layer drift towards its flat end in 2010. They explain it so: at first it knows nothing
# of the image. What it says is a disturbance, and the readout learns to do without it. They call it saturation. By our
# measure, $|z| > 5$, no unit is saturated, since a tenth of the slope is left. It comes after the loss of the gradient, and
# makes it worse.
#
# ## Four instruments
#
# Four instruments find the disease while a net trains:
#
# 1. the **gradient norm** of each layer: of $\partial C/\partial z$, as above, or of its weights, which is easier to get;
# 2. the **update ratio**<!-- term: Of a layer: the length of one step of its weights over the length of the weights; often
#    about 1/1000. -->, by which share of its size a step moves a layer; a rule of thumb for all layers is
#    a thousandth;
# 3. the **activations**: their mean, how far they differ from input to input, and how many are saturated;
# 4. the **loss**: a plateau from the first step on.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5
# Say: these four instruments serve for the rest of the course, and for your own nets.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## The loud twin
#
# If the factors are above one, the same product explodes. Here are twenty layers of ReLU, which is $\max(0, z)$, with
# `sigma_w` 2. Orange means a gradient of more than ten times the readout's, and no colour means none (an idle ReLU has the
# slope 0). After how many steps would you notice?

# %% slideshow={"slide_type": "fragment"}
show(gradients_die, panels=(2, 1), size=(8, 5), depth=20, activation="relu", sigma_w=2.0)
loud = fit(MLP(20, activation="relu", sigma_w=2.0), x, y, steps=100, lr=0.1, live=False)
claim("C1.09", f"momentum SGD at 0.1: {loud}", loud.diverged and loud.steps < 20, unless=loud,
      only=("optimizer",))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: after how many steps do you notice?
# Answer: two. A vanishing net never tells you.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The clinic: what ails your patient?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Ask: name the disease from this table alone: vanishing, saturated, weights too large, or rate too small?
# Answer: vanishing, and no unit is saturated. Let them choose a treatment, and run it.

# %%
instruments = ("gradient", "update / weight", "mean of a", "std of a", "saturated")
clinic.chart(chapter01.PATIENT, *instruments)

# %% slideshow={"slide_type": "skip"}
# Run the cell to see the choices, and put yours in the place of the dots: first the diagnosis ...
diagnosis = ...
clinic.name_disease(chapter01.PATIENT, diagnosis)

# %% slideshow={"slide_type": "skip"}
# ... and then the treatment.
prescription = ...
display(clinic.treat(chapter01.PATIENT, prescription))
# What you did by hand, `diagnose` does for any net. It takes more digits than the table above, so
# its numbers differ a little; its remedy is chapter 2's. It speaks when you have spoken.
clinic.second_opinion(chapter01.PATIENT, diagnosis)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# Replace the dots and run the cell. It answers at once, and you may try as often as you like.
#
# ### 1. A chain that passes everything on
#
# In the chain of four units no weight let more than 3 % of the gradient through. Now each unit gets a bias as well:
# $h = \sigma(w\,h_{\text{before}} + b)$, with the same $w$ and $b$ in every unit. Choose both, so that a chain of *twenty*
# passes the gradient on undiminished, multiplied by 1 to within a tenth. The input is 0.5. A pencil is enough.
#
# <details><summary>Hint</summary>
#
# Each factor is a weight times a slope. Where is the slope largest, and which weight makes the factor 1 there? Then ask
# which bias keeps the next unit at the same place.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# weight, bias = 4.0, -2.0
# ```
#
# At $z = 0$ the slope is ¼, so the weight has to be 4. There a unit puts out ½, and the next one is at 0 again if
# $4\cdot\frac12 + b = 0$. Without the bias the larger weight drives $z$ away to where the slope is next to nothing.
#
# </details>

# %% slideshow={"slide_type": "skip"}
weight, bias = ..., ...

chapter01.check_chain(weight, bias)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 2. One step back
#
# `backward_step(delta_next, W_next, z)`: the step above for a layer of sigmoids. Rows are samples: `delta_next` is
# (B, n_next), `W_next` is (n_next, n), `z` is (B, n); return $\delta$, of shape (B, n).
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
# ### 3. An instrument of your own
#
# `weight_gradients(net, x, y)`: the norm of the cross-entropy's gradient for the weight of every `nn.Linear` in
# `net`, in order, as a list or 1-D tensor. Leave no `.grad` behind, and compute the norm in double precision: a norm squares
# its entries, and the squares of a vanished gradient are too small for float32.
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

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 4. Repair it
#
# Twenty layers of $\phi(z) = \sigma(z) - c$, with weights of variance $\sigma_w^2/n$. At $c = 0$ and $\sigma_w = 1$ they
# learn nothing. Choose `sigma_w` and the constant `c` so that 300 steps of SGD (0.05, momentum 0.9) bring the net above
# 90 %. You know a formula for $\sigma_w$. What is the constant for?
#
# <details><summary>Hint</summary>
#
# $\chi = \sigma_w^2 E[\phi'^2]$ should be close to 1. Then: what do all units of a sigmoid layer tell the next one, whatever
# the image shows? It spreads the pre-activations away from the middle, once the weights are large.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# sigma_w, c = 4.8, 0.5
# ```
#
# The slope is $\frac14$ in the middle, and a bit less around it: $\sigma_w$ is 4, or a bit more. The mean output of a
# sigmoid is ½; without it, $\sigma(z) - \frac12$ lies around 0 and its $z$ stay in the middle.
#
# </details>

# %% slideshow={"slide_type": "skip"}
sigma_w, c = ..., ...

chapter01.check_twenty_layers(sigma_w, c)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### One more patient
#
# This one has another disease.

# %% slideshow={"slide_type": "skip"}
display(clinic.chart(chapter01.SECOND_PATIENT, *instruments))
second_diagnosis = ...
display(clinic.name_disease(chapter01.SECOND_PATIENT, second_diagnosis))
second_prescription = ...
clinic.treat(chapter01.SECOND_PATIENT, second_prescription)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - On its way back, the gradient is multiplied in each layer by $\sqrt\chi = \sigma_w\sqrt{E[\phi'^2]}$: weights times
#   slopes. Over depth that is exponential. With SGD the time to leave the plateau grows likewise.
# - A sigmoid's slope is a quarter at best. At ordinary weights the gradient of a deep sigmoid net vanishes without one
#   saturated unit. In the net of four layers the last one then drifted towards the flat end, and came back.
# - Four instruments find the disease: gradient norm, update ratio, activations, loss. A net that explodes tells you by
#   itself. One that vanishes just sits there.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: the product, the quarter, the four instruments.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Take it home
#
# Plain PyTorch, for your own net: after `loss.backward()`, one line for each layer. Does the gradient fall towards the
# first? Here two sigmoid layers already cost a factor of about 35. (The second number is for plain SGD. With momentum 0.9
# a step is up to ten times as long, and Adam's steps are not rate times gradient.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: seven lines for your own net; they are in the notebook.

# %% tags=["take-home"]
import torch
from torch import nn

def instruments(net, lr):
    for name, p in net.named_parameters():
        if p.dim() > 1 and p.grad is not None:      # weights; biases have one dimension
            gradient, weight = p.grad.double().norm(), p.detach().double().norm()
            print(f"{name:20} gradient {gradient:.1e}  update/weight {lr * gradient / weight:.1e}")

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(64, 64), nn.Sigmoid(), nn.Linear(64, 64), nn.Sigmoid())
net.append(nn.Linear(64, 10))
nn.functional.cross_entropy(net(torch.randn(128, 64)), torch.randint(10, (128,))).backward()
instruments(net, lr=0.1)

# %% [markdown] slideshow={"slide_type": "skip"}
# Chapter 2 takes ReLU apart, and shows what it costs. What popular sources say of saturation, what becomes of five layers,
# and where else the disease lives, stands in the [evidence](evidence/01_saturation.ipynb).
#
# ## References
#
# - Hochreiter 1991, diploma thesis, TU München: the disease
# - Glorot, Bengio 2010, AISTATS: the last layer drifts to the flat end
# - Schoenholz et al. 2017, arXiv 1611.01232: the law
# - Karpathy, CS231n notes: the update ratio; Nielsen 2015, *Neural Networks and Deep Learning*: the chain of four units
