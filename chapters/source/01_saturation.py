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
# the disease. One surprise lies on the way. The chapter is named after *saturation*, the classical explanation. In the net
# that you are about to see not one unit is saturated, and still it learns nothing.
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
# A sentence is whispered from person to person. Each of them passes on 90 % of what they heard. How much of it reaches
# the twentieth? Decide, and then move *people* to 20.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: each passes on 90 %. How much reaches the twentieth person?
# Expect: most say a half.
# Misconception: losses add up; "twenty people lose a few percent, so most of it arrives".
# Answer: 12 %. Losses multiply.
# Do: move people to 50, then look for the share that leaves a half: about 98.6 %.

# %%
def telephone(ax, understood=0.9, people=3):
    left = understood ** torch.arange(people + 1)
    plots.draw_lines(ax, {"left": left}, range(people + 1), xlabel="person", ylabel="share left")
    ax.set(xlim=(-1, 51), ylim=(0, 1.05))
    return f"{people} people who each pass on {understood:.1%} leave {left[-1]:.1%}."

explore(telephone, understood=(0.5, 1.0, 0.002), people=(1, 50))

# %% [markdown] slideshow={"slide_type": "slide"}
# Twenty people leave an eighth, since the losses *multiply*. A deep net plays the same game, backwards.
#
# ## Ten layers
#
# Here is a net of ten **hidden layers** <!-- term: The layers between the input and the readout. --> with 64 sigmoid units
# each, and a last layer, the **readout** <!-- term: The last layer of a net, whose outputs are the scores of the
# classes. -->, that gives the ten digits their scores. It is untrained: its weights are random, and `sigma_w` says how large they are.
# We send 128 digits forward, compute the loss $C$, and send its gradient back, once.
#
# Each unit first adds up what it receives, times its weights. This sum is its **pre-activation** <!-- term: What a unit adds
# up, weights times inputs plus bias, before its activation function; written z. --> $z$.
# The gradient $\partial C/\partial z$ says how much the loss would change if $z$ did. If it is tiny, the unit hears nothing
# of its mistakes. The colour of each unit shows the size of its gradient, compared with the readout's. Each step of the
# colour bar is a factor of ten.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: the colour is the gradient of the loss for each unit's sum z, in powers of ten.

# %% [markdown] slideshow={"slide_type": "subslide"}
# How much of the gradient reaches layer 1? Guess, and run the cell.

# %%
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
# in powers of ten. So every layer passes on the same small share of what it receives. (The black line is theory. We
# shall derive it.) Ten layers leave half a millionth of the gradient. What do twenty leave?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: from right to left, each layer keeps the same share.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## Twice as deep

# %%
predict(
    "20 hidden sigmoid layers: how large is layer 1's gradient, compared with the last layer's?",
    gradients_die, panels=(2, 1), depth=20, right=chapter01.RIGHT["twice as deep"],
    guess=[("1/10", 1e-1), ("1/1000", 1e-3), ("a millionth", 1e-6), ("1e-13", 1e-13),
           ("1e-30", 1e-30)],
)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 2
# Ask: twice as deep. How large is layer 1's gradient, compared with the last layer's? Count hands.
# Expect: most hands for a millionth, or a thousandth.
# Misconception: twice the depth gives half the gradient.
# Answer: 2e-13, the square of what ten layers leave. Five other seeds give 2e-13 to 4e-13: 0.23 per layer.

# %% [markdown] slideshow={"slide_type": "slide"}
# The gradient shrinks **exponentially with depth**. Each layer passes on about 23 % of it. Why so little?
#
# ## By hand: four units in a row
#
# Let us follow the gradient with a pencil: four layers of *one* unit each, all weights 1. In every layer it is multiplied by
# a weight and by the slope of a sigmoid, $\phi'$. Which of them is to blame? Move the input, and then the weight.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Do: multiply the slopes aloud, from the right. Then move the weight to 4.
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
# No factor on the edges is tiny. Their product is: 0.0027, after four layers. Now with many units.
#
# ## One step back
#
# Layer $l$ computes $z^l = W^l a^{l-1} + b^l$ and passes on the **activation** <!-- term: Of a unit: what it passes on,
# a = phi(z). The function phi is the activation function. --> $a^l = \phi(z^l)$, where $\phi$ is the sigmoid. Write
# $\delta^l = \partial C/\partial z^l$ for the **error** <!-- term: Of a layer: the gradient of the loss for its
# pre-activations, dC/dz; written delta. --> of the layer.
# Backpropagation goes from the error of one layer to that of the layer before it:
#
# $$\delta^l = (W^{l+1})^\top\,\delta^{l+1} \,\odot\, \phi'(z^l)$$
#
# In words: back through the weights, then times the slope of each unit ($\odot$ multiplies entry by entry). It is the
# chain of four units again, with a matrix in the place of the weight. Everything in this chapter follows from this line.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Say: the one formula of the hour, in words: back through the weights, times the slope.
# Ask: which of its parts depends on the activation function?
# Answer: the slope alone; and it is what we look at next.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The slope: never more than a quarter
#
# At $z = 0$ the sigmoid is steepest, and even there its slope is only $\frac14$. Beyond $|z| = 5$ it is flat: such a unit
# is **saturated** <!-- term: Of a unit: its pre-activation lies on a flat end of the curve, where the slope is next to
# zero. -->.
#
# The shaded hill is where a layer's pre-activations lie, and *spread* is their standard deviation. *Try:* is any unit
# saturated at spread 1? What is the mean slope all the same? Then spread 10, then tanh.

# %%
def saturation(axes, activation="sigmoid", spread=1.0):
    phi, z = activations.get(activation), torch.linspace(-8, 8, 801, dtype=torch.float64)
    hill = torch.exp(-((z / spread) ** 2) / 2)
    plots.draw_function(axes, z, phi.value(z), phi.slope(z), hill, name=activation)
    flat = 0.0266 * phi.slope(torch.zeros(1))       # the sigmoid's slope at |z| = 5, tanh's at 2.5
    slope = meanfield.gaussian_mean(phi.slope, spread**2)
    saturated = meanfield.gaussian_mean(lambda z: (phi.slope(z) < flat).double(), spread**2)
    return f"mean slope {slope:.3f}, saturated {saturated:.0%}."

explore(saturation, panels=(2, 1), size=(9, 5.0), activation=["sigmoid", "tanh"],
        spread=(0.2, 22.4, 0.2))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 2
# Do: spread 1 for the sigmoid, then 10; then the same for tanh.
# Ask: at spread 1, how many units are saturated? And what is the mean slope all the same?
# Expect: many are.
# Misconception: a small slope means a saturated unit.
# Answer: none, and 0.21. The slope is small everywhere. tanh at spread 1: 0.61.

# %% [markdown] slideshow={"slide_type": "slide"}
# Here is the surprise: *the gradient is lost in the middle of the curve, not at its ends.* Without one saturated unit,
# more than three quarters of it are gone after one layer.
#
# ## The law: weights times slopes
#
# The slope is one factor, the weights are the other. Let them be random with mean 0 and variance $\sigma_w^2/n$ for $n$
# inputs, as everyone starts them. Take one entry of the formula and square it:
#
# 1. The sum over the weights, squared, has square terms and cross terms. Random signs make the cross terms cancel on
#    average. What is left is $\frac{\sigma_w^2}{n}\Vert\delta^{l+1}\Vert^2$.
# 2. Multiply by the squared slope, and add up the $n$ units of the layer. In a wide net slopes and errors are nearly
#    independent, so the mean of the product is the product of the means ($E$ is the mean over $z$):
#
# $$E\Vert\delta^l\Vert^2 = \chi\; E\Vert\delta^{l+1}\Vert^2, \qquad \chi = \sigma_w^2\,E[\phi'(z)^2]$$
#
# Each layer multiplies the gradient's length by $\sqrt\chi$. If $\chi$ is below 1 the gradient **vanishes** <!-- term: Of a
# gradient: each layer multiplies it by less than 1 on its way back, so that little reaches the first. --> with depth. If it
# is above 1 the gradient **explodes** <!-- term: Of a gradient: each layer multiplies it by more than 1 on its way back, so
# that the first gets too much. -->.
# Only at $\chi = 1$ does it pass through any number of layers.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 2
# Say: one entry, squared; random signs kill the cross terms; then add up the units.
# Ask: what is multiplied by chi, the norm or its square?
# Answer: the square; the norm by the root of chi.

# %% slideshow={"slide_type": "skip"}
def share_left(net):    # of the gradient, at the first layer
    delta = measure(net, x[:128], y[:128]).delta_norm       # the length of each layer's error
    return (delta[0] / delta[-1]).item()

shares = [share_left(MLP(20, sigma_w=1.0, seed=seed)) ** (1 / 20) for seed in range(5)]
claim("C1.01", f"in five nets each layer passes on {min(shares):.2f} to {max(shares):.2f}",
      0.22 < min(shares) and max(shares) < 0.25)
q = meanfield.q_fixed_point("sigmoid", sigma_w=1.0)     # the variance of z deep in the net
factor = meanfield.chi("sigmoid", q, sigma_w=1.0) ** 0.5
claim("C1.08", f"theory's share per layer is {factor:.3f}; the five nets are less than 0.01 away",
      max(abs(factor - share) for share in shares) < 0.01)

# %% [markdown] slideshow={"slide_type": "slide"}
# There it is: almost the full quarter, times weights of size one. Now move everything, and see whether the black line
# goes along.
#
# *Try:* (1) Sigmoid, and `sigma_w` up to 3. Do larger weights rescue it? (2) tanh at 1, then at 3. (3) ReLU, whose slope
# is 1 on a *whole half* of the axis. Why does it sink at 1? Which `sigma_w` keeps it level?

# %%
explore(gradients_die, panels=(2, 1), depth=(2, 40), activation=["sigmoid", "tanh", "relu"],
        sigma_w=(0.5, 3.0, 0.1))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: sigmoid with sigma_w from 1 to 3; then ReLU, from 1 to 1.4.
# Ask: does a larger sigma_w rescue the sigmoid?
# Expect: yes, since weights are a factor.
# Misconception: weights can be chosen without an effect on slopes.
# Answer: ten orders of magnitude better at 30 layers, and still 3e-9: larger weights spread the z, so the slopes shrink
# meanwhile. (Who asks for more: at 8 the gradient does arrive, with a third of the units saturated; see the evidence.)
# ReLU is level at 1.4, the root of two.

# %% [markdown] slideshow={"slide_type": "slide"}
# Larger weights help, but they also spread the pre-activations, and so the slopes shrink meanwhile. At 3 the sigmoid is
# still sick. (Much larger weights do carry the gradient through, past many saturated units. The evidence tries 8.) tanh
# sinks slowly at 1 and *explodes* at 3. Half of ReLU's slopes are 0 and half are 1, so $\chi = \sigma_w^2/2$: it is level
# at $\sqrt2$.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: the law is one product, and the two factors are not independent.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it matter? Wait and see
#
# A small gradient may be enough, if we wait. Three nets learn the digits from the same batches. They differ in depth
# alone. Who guesses has a loss of $\ln 10 = 2.30$. Which of the three will learn within 700 steps? Decide before you run
# the cell. (**Stop** ends the race and keeps what was learned.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: the gradient is small, but so what? Could we not wait?
# Expect: "a larger learning rate".
# Answer: we shall see how long.

# %%
def inside(net):        # of the last hidden layer: mean activation, mean slope, share saturated
    a = net.signals(x[:256])[1][-1]
    slope = a * (1 - a)
    return torch.stack([a.mean(), slope.mean(), (slope < 0.0066).double().mean()])

def update(net):        # of each layer: rate times gradient, over the size of its weights
    return torch.stack([0.1 * W.grad.norm() / W.norm() for W in net.parameters() if W.dim() > 1])

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
# Four layers sit on the plateau for more than 400 steps, and then they escape. So waiting does help! How long must we
# wait for five layers, or six? The next cell trains nets of one to six layers until their loss is below 1.5, or for 600
# steps (the dotted line). It uses two optimizers: SGD as above, and Adam, which divides each step by the usual size of
# the gradient.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: waiting helps. The question is how long.

# %% slideshow={"slide_type": "skip"}
def has_left(net):
    return F.cross_entropy(net(x[:256]), y[:256]) < 1.5

waits, escapes, depths = {}, [], range(1, 7)
for name, lr in (("SGD", 0.1), ("Adam", 0.003)):
    nets = {depth: MLP(depth, sigma_w=1.0) for depth in depths}
    runs_of = race(nets, x, y, steps=600, lr=lr, optimizer=name.lower(), until=has_left, live="bar")
    waits[name] = torch.tensor([float(run.steps) for run in runs_of.values()])
    escapes.append(runs_of)

# %% [markdown] slideshow={"slide_type": "subslide"}
# How long for five layers, if four take 500 steps? And what will Adam change?

# %%
def wait(ax):
    plots.draw_lines(ax, waits, depths, xlabel="sigmoid layers", log=True,
                     ylabel="steps to leave the plateau")
    ax.axhline(600, color=style.BLACK, linestyle=":")               # still there: not waited longer

show(wait)
ratio = waits["SGD"][1:4] / waits["SGD"][:3]
told = ", ".join(f"{steps:.0f}" for steps in waits["SGD"][:4])
claim("C1.21", f"SGD at 0.1: one to four layers leave after {told} steps, 2 to 6 times later for "
      "each; five and six stay for 600. With Adam at 0.003 all six nets leave", ratio.min() > 2 and
      ratio.max() < 6 and waits["SGD"][4:].min() == 600 and waits["Adam"].max() < 600,
      unless=escapes, only=("rate", "optimizer", "budget"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1
# Ask: how long for five layers, if four take 500 steps?
# Answer: 3,000 to 4,000, and six have not been seen to leave within 20,000. There is no depth at which nets begin to
# fail. The wait grows exponentially.

# %% [markdown] slideshow={"slide_type": "slide"}
# There is no depth at which sigmoid nets begin to fail. *Each further layer multiplies the wait.* With SGD five layers
# take thousands of steps (the evidence shows it). Adam leaves the plateau earlier, because it undoes the smallness of a
# gradient. But ten layers hold Adam up as well, as the evidence shows, too.
#
# ## What happens during the wait
#
# Four layers seemed to do nothing for 400 steps. On the left of the next picture is what their last hidden layer did
# meanwhile. On the right are the ten layers that never escaped: learning rate times gradient, as a share of each layer's
# weights, in powers of ten. The darker, the less. (Momentum adds up to ten such steps.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: each further layer multiplies the wait; and during the wait something does happen.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Left: what does the last layer do while nothing is learned? Right: which layers of ten move?

# %%
run = runs["4 layers"]
mean, slope, saturated = run.recorded["inside"].T                # (records,) each
moves = runs["10 layers"].recorded["update"].T.log10()           # (layers, records)
def during_the_wait(axes):
    curves = {"mean activation": mean, "mean slope": slope}
    plots.draw_lines(axes[0], curves, run.recorded_steps, xlabel="step", markers=False,
                     ylabel="4 layers: the last hidden one")
    plots.draw_heat(axes[1], moves, x=(0, 700), y=(1, 11), limits=(-9, -1),
                    ylabel="10 layers: which one", label="log₁₀ of update / weight")
show(during_the_wait, panels=2)
claim("C1.25", f"SGD at 0.1: mean activation {mean[0]:.2f}, down to {mean.min():.2f}, back to "
      f"{mean[-1]:.2f}; at its lowest no unit is saturated", mean[0] > 0.4 and mean.min() < 0.15 and
      mean[-1] > 0.3 and saturated[mean.argmin()] == 0, unless=runs, only=("rate", "optimizer"))
claim("C1.15", "SGD at 0.1: update / weight stays below a millionth in layer 1 of ten layers",
      moves[0].max() < -6, unless=runs, only=("rate", "optimizer"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1.5
# Ask: what does the last hidden layer do while nothing is learned?
# Expect: nothing.
# Answer: it learns to be silent. What it says is noise for the readout, so its units are pushed towards 0, the flat end.
# This is what Glorot and Bengio saw in 2010: saturation begins here, as a consequence.

# %% [markdown] slideshow={"slide_type": "slide"}
# Here the chapter's title comes in. The last layer knows nothing of the image yet, so what it says is a disturbance. The
# readout gets rid of it in the simplest way: it pushes the units towards 0, *towards the flat end of the sigmoid*. Their
# mean slope falls from a quarter to a tenth. Glorot and Bengio described this in 2010.
#
# In the net of four layers the first layers learn meanwhile, until the last one has something to say and comes back. In
# the net of ten the first layers hardly move. So saturation is real, but it is the second act. The first is the quarter.
#
# ## Four instruments
#
# You have now used four instruments. They find the disease in any net, while it trains:
#
# 1. the **gradient norm** of each layer;
# 2. the **update ratio** <!-- term: Of a layer: the length of one step of its weights over the length of the weights; often
#    about 1/1000. -->, how far a step moves a layer, as a share of its size: often about a thousandth in a healthy net, and
#    of the same order in all of its layers;
# 3. the **activations**: their mean, how far they differ from input to input, and how many are saturated;
# 4. the **loss**: a plateau from the first step on.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Say: these four instruments serve for the rest of the course, and for your own nets.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## The loud twin
#
# If the factors are above one, the same product explodes. Here are twenty ReLU layers with `sigma_w` 2. After how many
# steps would you notice?

# %%
show(gradients_die, panels=(2, 1), size=(7, 4.2), depth=20, activation="relu", sigma_w=2.0)
loud = fit(MLP(20, activation="relu", sigma_w=2.0), x, y, steps=100, lr=0.1, live=False)
claim("C1.09", f"momentum SGD at 0.1: {loud}", loud.diverged and loud.steps < 20, unless=loud,
      only=("optimizer",))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: after how many steps do you notice?
# Answer: two. A vanishing net never tells you.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The clinic: what ails your first patient?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Ask: name the disease from this table alone.
# Answer: vanishing, and no unit is saturated. Let them choose a treatment, and run it.

# %%
instruments = ("gradient", "update / weight", "mean of a", "std of a", "saturated")
clinic.chart(chapter01.PATIENT, *instruments)

# %% slideshow={"slide_type": "skip"}
# Run the cell to see the choices, and put yours in the place of the dots. First the diagnosis ...
diagnosis = ...
display(clinic.name_disease(chapter01.PATIENT, diagnosis))
# ... and then the treatment. The second patient, below, has another disease.
prescription = ...
display(clinic.treat(chapter01.PATIENT, prescription))
# You have done by hand what `diagnose` does for any net. It speaks when you have spoken.
clinic.second_opinion(chapter01.PATIENT, diagnosis)

# %% slideshow={"slide_type": "skip"}
display(clinic.chart(chapter01.SECOND_PATIENT, *instruments))
second_diagnosis = ...
display(clinic.name_disease(chapter01.SECOND_PATIENT, second_diagnosis))
second_prescription = ...
clinic.treat(chapter01.SECOND_PATIENT, second_prescription)

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
# `backward_step(delta_next, W_next, z)`: the step above for a layer of sigmoids. Rows are samples: `delta_next` is (B, n_next),
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
# ### 3. An instrument of your own
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
# The slope is $\frac14$ in the middle, and a bit less around it: $\sigma_w$ must be a bit more than 4. The mean output of
# a sigmoid is ½; without it, $\sigma(z) - \frac12$ lies around 0 and its $z$ stay in the middle.
#
# </details>

# %% slideshow={"slide_type": "skip"}
sigma_w, c = ..., ...

chapter01.check_twenty_layers(sigma_w, c)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - On its way back, the gradient is multiplied in each layer by $\sqrt\chi = \sigma_w\sqrt{E[\phi'^2]}$: weights times
#   slopes. Over depth that is exponential, and each layer also multiplies the time that the net needs to leave its plateau.
# - A sigmoid's slope is a quarter at best. At ordinary weights the gradient of a deep sigmoid net vanishes without one
#   saturated unit. During training its last layer then drifts towards the flat end.
# - An exploding net tells you at once. A vanishing one just sits there.
# - Four instruments find the disease: gradient norm, update ratio, activations, loss.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: the product, the quarter, the four instruments.

# %% [markdown] slideshow={"slide_type": "subslide"}
# One picture to keep: which of the three lines is level, and why?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 1
# Ask: whose line is level, and why?
# Answer: ReLU's, at its own weights. That is chapter 2.

# %%
def three_lines(ax):
    curves = {}
    for name, sigma_w in (("sigmoid", 1.0), ("tanh", 1.0), ("relu", 2**0.5)):
        net = MLP(30, activation=name, sigma_w=sigma_w)
        curves[f"{name}, σ_w² = {sigma_w**2:.0f}"] = measure(net, x[:128], y[:128]).delta_norm
    plots.draw_lines(ax, curves, xlabel="layer", ylabel="gradient norm ‖∂C/∂z‖", log=True)

show(three_lines)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Take it home
#
# Plain PyTorch, for your own net: after `loss.backward()`, one line for each layer. A gradient that falls by orders of
# magnitude towards the first layer is what you have seen today. (For Adam the second number says nothing: its steps are
# not rate times gradient.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: seven lines for your own net; they are in the notebook.

# %% tags=["take-home"] slideshow={"slide_type": "skip"}
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
# Chapter 2 takes ReLU apart, shows what it costs, and meets a net full of dead units. What popular sources say of this
# chapter's subject, what becomes of five layers, and where else the disease lives, stands in the
# [evidence](evidence/01_saturation.ipynb).
#
# ## References
#
# - Hochreiter 1991, diploma thesis, TU München; Bengio, Simard, Frasconi 1994, IEEE TNN 5(2): the disease
# - Glorot, Bengio 2010, AISTATS: the last layer saturates
# - Schoenholz et al. 2017, arXiv 1611.01232: the law
# - Karpathy, CS231n notes: the update ratio; Nielsen 2015, *Neural Networks and Deep Learning*: the chain of four units
