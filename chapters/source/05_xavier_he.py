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
# PyTorch offers a dozen functions that draw the first weights of a net: `xavier_uniform_`, `kaiming_normal_`,
# `orthogonal_`, and others. Which one does your net need? You will derive two of them in one line, use them on a
# convolutional net, and see what to do when none of the formulas fits.
#
# You need the sum of chapter 4: a layer of $n$ inputs multiplies the mean square of its signal by $n\,\mathrm{Var}(w)$. Run
# the cells from top to bottom with **Shift+Enter**.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: who has ever called a function of nn.init? Which one, and why that one?

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from torch.nn import functional as F
from utils import MLP, activations, chapter05, claim, clinic, datasets, explore, fans
from utils import measure, plots, predict, race, show, style, table

torch.set_num_threads(1)
x, y, x_test, y_test = datasets.digits(torch.float32)       # x is (1437, 64): a row for each digit

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Predict
#
# In chapter 2 weights of the variance $\frac2n$, He's, kept the signal level through twenty ReLU layers. Another rule
# is as famous, Xavier's. For a layer with $n$ inputs and $n$ units it asks for $\frac1n$.
#
# Numbers with a mean square of 1 go through fifty ReLU layers of 512 units each. What do Xavier's weights leave of it?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5 / 0.5
# Say: two famous rules, and only one of them is He's.

# %% slideshow={"slide_type": "skip"}
def through(a, phi, sigma_w_squared, layers, width=512):     # the activations, layer by layer
    random = torch.Generator().manual_seed(0)
    for _ in range(layers):
        W = torch.randn(a.shape[1], width, generator=random)
        a = phi((sigma_w_squared / a.shape[1]) ** 0.5 * a @ W)
        yield a

def mean_squares(sigma_w_squared):
    noise = torch.randn(16, 512, generator=torch.Generator().manual_seed(1))
    return torch.stack([a.double().square().mean()
                        for a in through(noise, torch.relu, sigma_w_squared, layers=50)])

# %% slideshow={"slide_type": "subslide"}
def fifty_layers(ax, guess=None):
    curves = {"He, 2/n": mean_squares(2), "Xavier, 1/n": mean_squares(1)}
    plots.draw_lines(ax, curves, ylabel="mean square of a", log=True, limits=(1e-32, 1e3))
    if guess is not None:
        ax.plot([50], [guess], "X", color=style.GUESS, markersize=13, label="your guess")
        ax.legend(loc="lower left")
    return f"After layer 50: {curves['Xavier, 1/n'][-1]:.0e} with Xavier's weights."

predict("Fifty ReLU layers with Xavier's scale: what is left of a mean square of 1?", fifty_layers,
        right=chapter05.RIGHT["half of He's"],
        guess=[("a half", 0.5), ("a fiftieth", 0.02), ("a millionth", 1e-6), ("1e-15", 1e-15),
               ("1e-30", 1e-30)])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: Xavier's variance is half of He's. What is left after fifty ReLU layers? Hands up for each option.
# Expect: a fiftieth and a millionth share the hands.
# Misconception: losses add up, so fifty layers leave a fiftieth.
# Answer: 2 to the minus 50, which is about 1e-15.

# %% [markdown] slideshow={"slide_type": "slide"}
# One half is lost in each layer, and $2^{-50}$ is about $10^{-15}$. Is Xavier's rule wrong? It was made for another
# activation. And what do these rules say of a layer with 100 inputs and 300 units, or of a convolution?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: a factor of two, fifty times. Where do the two rules come from?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## By hand: one layer, from both sides
#
# Follow the signal into one unit. It adds up one term for each of the layer's inputs, weight times input. Their number
# is the layer's **fan-in**. <!-- term: Of a layer: how many terms each of its units adds up; for a convolution the pixels of its window times its input channels. -->
# The weights are drawn independently of each other, with mean 0, so the variances of the terms add up:
#
# $$\text{forward:}\qquad E[z^2] \;=\; \text{fan-in}\cdot\mathrm{Var}(w)\cdot E[a^2]$$
#
# Now follow the gradient back to one input. It adds up one term for each unit that this input is connected with,
# weight times error. Their number is the **fan-out**: <!-- term: Of a layer: how many terms the gradient of each of its inputs adds up; for a dense layer the number of its units. -->
#
# $$\text{backward:}\qquad E[(\partial C/\partial a)^2] \;=\; \text{fan-out}\cdot\mathrm{Var}(w)\cdot E[\delta^2]$$
#
# It is the same sum, seen from the other side. A rule is a choice of $\mathrm{Var}(w)$.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3.5 / 2
# Say: the variance of a sum, once with fan-in terms, once with fan-out terms. Write both lines on the board.
# Ask: can both be level?
# Expect: yes.
# Answer: only if the layer is square.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Which rule keeps the signal, and which the gradient?
#
# *Try:* (1) 100 into 100. (2) 100 into 400. (3) 400 into 100. (4) Can a rule keep both?

# %%
def both_ways(axes, n_in=100, n_out=300):
    fans.draw_fans(axes[0], n_in, n_out)
    rules = {"LeCun: 1 / fan-in": 1 / n_in, "Xavier: 2 / sum of both": 2 / (n_in + n_out),
             "1 / fan-out": 1 / n_out}
    ways = {name: (n_in * variance, n_out * variance) for name, variance in rules.items()}
    return fans.draw_two_ways(axes[1], ways)

explore(both_ways, panels=2, size=(10, 3.8), n_in=(100, 400, 50), n_out=(100, 400, 50))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1.5
# Do: 100 into 100, 100 into 400, 400 into 100.
# Ask: who is level forward, who backward?
# Misconception: Xavier's rule keeps both.
# Answer: only in a square layer. Elsewhere it is wrong on both sides, and a little less on each.

# %% [markdown] slideshow={"slide_type": "slide"}
# If a layer is square, one choice keeps signal and gradient. Else you have to choose, and this is all that the famous rules do:
#
# | | keeps | for | $\mathrm{Var}(w)$ |
# |---|---|---|---|
# | LeCun 1998 | the signal | slopes of about 1 | $1/\text{fan-in}$ |
# | **Xavier's initialization**, 2010 <!-- term: Weights of mean 0 and variance 2/(fan-in + fan-out), a compromise between signal and gradient for activations with a slope of about 1. --> | some of both | slopes of about 1, such as tanh at 0 | $2/(\text{fan-in}+\text{fan-out})$ |
# | He 2015 | the signal | ReLU, which leaves one half | $2/\text{fan-in}$ |
#
# (Xavier is the first name of Glorot, and Kaiming that of He.) ReLU halves the mean square of the signal on its way forward,
# and that of the gradient on its way back. So He's 2 serves both ways.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Ask: He's variance is twice Xavier's. Always?
# Answer: in square layers. From 100 into 300 it is four times Xavier's.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## In PyTorch: `net.apply`
#
# `net.apply(f)` calls `f` once for each layer of a net, so `f` can draw its weights anew. Here is a net of 16
# convolutions for the digits. A rule draws its weights, here He's, and the biases start at 0. And what is the fan-in of such
# a convolution, with a window of 3 by 3 and 16 channels of input?

# %%
LAYERS = (nn.Conv2d, nn.Linear)
def convnet(phi=nn.ReLU, layers=16):
    torch.manual_seed(0)
    parts = [nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 3, stride=2, padding=1), phi()]
    for _ in range(layers - 1):
        parts += [nn.Conv2d(16, 16, 3, padding=1), phi()]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(256, 10))

def drawn_by(rule, phi=nn.ReLU):
    def init(layer):
        if isinstance(layer, LAYERS):
            rule(layer.weight)
            nn.init.zeros_(layer.bias)
    return convnet(phi).apply(init)
net = drawn_by(nn.init.kaiming_normal_)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Do: show the function init; apply walks through the net with it.
# Ask: what is the fan-in of a 3 by 3 convolution with 16 input channels?

# %% [markdown] slideshow={"slide_type": "subslide"}
# One output pixel adds up a window of 3 by 3 pixels in *each* of the 16 input channels: 144 terms.

# %%
show(fans.draw_window, 16, 16, size=(9, 2.8))
spread = net[3].weight.std().item()             # (16, 16, 3, 3): units, channels, window
claim("C5.03", f"He's weights of this layer have the standard deviation {spread:.3f} = √(2/144)",
      abs(spread / (2 / 144) ** 0.5 - 1) < 0.04)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: 144, and neither 9 nor 16.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A ladder
#
# One net, four initializations. To see what becomes of the signal we hang a **hook** on each layer, a function that
# PyTorch calls whenever the layer has computed its output. <!-- term: A function that PyTorch calls whenever a layer has computed its output. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: a hook listens to a layer; we need it to see what becomes of the signal.

# %% slideshow={"slide_type": "skip"}
def signals(net):                              # z of each layer, and the gradient that reaches it
    z = []
    hooks = [layer.register_forward_hook(lambda layer, inputs, output: z.append(output))
             for layer in net if isinstance(layer, LAYERS)]
    loss = F.cross_entropy(net(x[128:256]), y[128:256])
    for hook in hooks:
        hook.remove()
    return [output.detach() for output in z], torch.autograd.grad(loss, z)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Each rung is the same net. Each shape is the histogram of one layer's $z$. The stronger its colour, the more gradient reaches
# the layer. Which of the four would you train?

# %%
def rungs():                                   # convnet calls manual_seed, so each is repeatable
    return {"std 0.01": drawn_by(lambda w: nn.init.normal_(w, std=0.01)),
            "PyTorch's default": convnet(), "xavier_uniform_": drawn_by(nn.init.xavier_uniform_),
            "kaiming_normal_": drawn_by(nn.init.kaiming_normal_)}

found = {name: signals(net) for name, net in rungs().items()}
show(fans.draw_ladder, found, panels=(4, 1), size=(9, 5.6))
share = [(errors[0].double().norm() / errors[-1].norm()).item() for _, errors in found.values()]
claim("C5.03", "from rung to rung more gradient reaches layer 1, and with He's weights more than a "
      "twentieth of the readout's", share == sorted(share) and share[3] > 0.05)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: which of these four would you train?
# Answer: the lowest. Then ask why even He's histograms shrink from layer to layer.

# %% [markdown] slideshow={"slide_type": "slide"}
# The lower the rung, the more gradient is left. He's weights are best by far. And yet their histograms shrink as well.
#
# ### What does the formula not know of?
#
# The images have 4 by 4 pixels here, and around them a frame of zeros (`padding=1`). On
# average three of ten pixels in a window are such zeros. They add nothing to the sum, and the fan-in counts them. (The
# evidence has the control, a net without this frame.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: which assumption of the formula is wrong here?
# Answer: zeros at the border, three of ten terms on average.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Measure it: LSUV
#
# Where a formula has to assume, we can measure. Send a batch through the net, and divide the weights of each layer by
# the standard deviation of its $z$, one layer after the other, from the first to the last. This is **LSUV**,
# *layer-sequential unit variance*. <!-- term: Layer-sequential unit variance: from the first layer to the last, weights are divided by the standard deviation of the z that a batch gives there. -->
# A hook may return an output of its own, in the place of the layer's. So one pass is enough:

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: what no formula knows, a batch tells.

# %%
def rescale(layer, inputs, z):
    layer.weight.data /= z.std()               # the biases are 0, so z is divided as well
    return z / z.std()                         # so the next layer gets what it will get from now on

def lsuv(net):
    hooks = [layer.register_forward_hook(rescale) for layer in net if isinstance(layer, LAYERS)]
    with torch.no_grad():
        net(x[:128])
    for hook in hooks:
        hook.remove()
    return net

measured = {name: signals(lsuv(drawn_by(nn.init.kaiming_normal_, phi)))
            for name, phi in (("ReLU", nn.ReLU), ("tanh", nn.Tanh), ("sigmoid", nn.Sigmoid))}
show(fans.draw_ladder, measured, panels=(3, 1), size=(9, 4.4))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1
# Ask: every layer is at one. Why is the sigmoid's gradient gone?
# Expect: silence.
# Answer: LSUV looks at the signal only. What the gradient pays is chi's affair.

# %% slideshow={"slide_type": "skip"}
off = max((z.std() - 1).abs() for zs, _ in measured.values() for z in zs)
left = {name: (errors[0].norm() / errors[-1].norm()).item()
        for name, (_, errors) in measured.items()}
claim("C5.09", f"on other digits the standard deviation of every z is 1 to {off:.0%}", off < 0.2)
claim("C5.09", f"gradient left: ReLU {left['ReLU']:.1f}, sigmoid {left['sigmoid']:.0e}",
      0.1 < left["ReLU"] < 10 and left["sigmoid"] < 1e-3)

# %% [markdown] slideshow={"slide_type": "slide"}
# LSUV looks at the signal only: the sigmoid's gradient vanishes all the same.
#
# ## Does it matter?
#
# Let the four rungs learn, and the first one once more after LSUV, until their loss is below 1.5, for 100 steps at most. One
# race is with SGD (momentum 0.9, rate 0.01), the other with Adam (rate 0.001). Which will leave the plateau?

# %%
runs = {}
for optimizer, rate in (("sgd", 0.01), ("adam", 0.001)):
    nets = rungs() | {"std 0.01, LSUV": lsuv(rungs()["std 0.01"])}
    runs[optimizer] = race(nets, x, y, steps=100, lr=rate, optimizer=optimizer, live="bar",
                           until=lambda net: F.cross_entropy(net(x[:256]), y[:256]) < 1.5)

def wait(axes):
    for ax, (optimizer, found) in zip(axes, runs.items()):
        stuck = [name for name, run in found.items() if not run.reached]
        steps = {name: run.steps for name, run in found.items()}
        plots.draw_bars(ax, steps, xlabel=f"steps, {optimizer}", marks=stuck, form="{:.0f}")
    axes[1].set_yticklabels([])
    return "Hatched: not within 100 steps."

show(wait, panels=2, size=(10, 2.8))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1.5
# Ask: which of the five leave with SGD? Which with Adam?
# Answer: with SGD the last two alone. Adam gets Xavier's net away as well.

# %% slideshow={"slide_type": "skip"}
left = [name for name, run in runs["sgd"].items() if run.reached]
claim("C5.12", "with He's weights, or after LSUV, the net leaves the plateau within 100 steps of "
      "SGD at 0.01, and with no others",
      left == ["kaiming_normal_", "std 0.01, LSUV"], unless=runs["sgd"], only=("optimizer",))

# %% [markdown] slideshow={"slide_type": "slide"}
# In 100 steps of SGD only He's rung learns. But even the worst one is about as fast, once its weights have been divided
# by what a batch gives. Adam gets Xavier's net away as well, if not the two worst: it divides each step by the usual size of the
# gradient, and so hides much of a bad scale.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: one batch, and the worst rung is as good as the best.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three reasons, and where each one holds
#
# You will meet three reasons for He's 2. All rest on the same sum. They differ in what they promise:
#
# | reason | what is to stay | where it does |
# |---|---|---|
# | geometry | the length of a signal, and the distance of two | layers without activation; behind ReLU the length only |
# | sound: the level of each stage | the size of the signal | every activation, at its own gain |
# | physics: the edge of chaos, $\chi = 1$ | the size of the gradient | ReLU at $\sigma_w^2 = 2$, tanh at 1 |
#
# Take the first one. With He's weights, does a ReLU net keep two signals apart?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: three reasons, one sum. Then ask for each of them: what does it promise?

# %% [markdown] slideshow={"slide_type": "subslide"}
# Here 30 pairs of digits go through forty random layers. *Try:* (1) Without activation, at 1. (2) ReLU at 2: what becomes of
# the distance? (3) ReLU at 1 and at 3: what does the right picture do?

# %%
def pairs(phi, sigma_w_squared):                    # length, distance, cosine of 30 pairs, by layer
    for a in through(x[:60], activations.get(phi).value, sigma_w_squared, layers=40):
        one, other = a[:30], a[30:]
        sizes = [a.norm(dim=1).mean(), (one - other).norm(dim=1).mean()]
        yield torch.stack([*sizes, F.cosine_similarity(one, other).mean()])

def two_digits(axes, activation="identity", sigma_w_squared=1.0):
    length, distance, cosine = torch.stack(list(pairs(activation, sigma_w_squared))).T
    curves = {"length": length, "distance": distance}
    plots.draw_lines(axes[0], curves, ylabel="length, distance", log=True, markers=False)
    plots.draw_lines(axes[1], {"": cosine}, ylabel="cosine of two digits", limits=(-0.05, 1.05))
    return f"Layer 40: distance / length {distance[-1] / length[-1]:.2f}, cosine {cosine[-1]:.2f}."

explore(two_digits, panels=2, activation=["identity", "relu", "tanh"],
        sigma_w_squared=(1.0, 3.0, 0.25))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1.5
# Do: identity at 1, ReLU at 2, ReLU at 1 and 3.
# Ask: with He's weights, do two digits stay apart?
# Expect: yes, that is the edge of chaos.
# Misconception: on the edge nothing merges.
# Answer: the cosine goes to 1 at every scale: He's nets merge their inputs as well.

# %% slideshow={"slide_type": "skip"}
at_1, at_2, at_3 = (torch.stack(list(pairs("relu", square)))[:, 2] for square in (1, 2, 3))
claim("C5.07", f"ReLU: cosine {at_2[0]:.2f}, {at_2[9]:.2f}, {at_2[39]:.2f} after 1, 10, 40 layers, "
      "the same at every scale",
      0.5 < at_2[0] < at_2[9] - 0.2 and at_2[39] > 0.95 and (at_1 - at_3).abs().max() < 1e-4)

# %% [markdown] slideshow={"slide_type": "slide"}
# Through ReLU two digits become more and more alike, and *no* scale of the weights changes that: the curve on the right does
# not move. What passes a ReLU is positive, so all signals end up in one corner. (Lengths drift, and
# without activation the cosine, too: in one net of 512 units luck adds up over forty layers.)
#
# ### Other activations
#
# Without biases ReLU and its leaky cousins keep signal and gradient at one scale. Most others pay for their gain with
# $\chi$ (chapter 3). With random biases of the right size tanh keeps both (evidence).

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: no scale keeps two signals apart behind ReLU.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Beyond the mean: orthogonal weights
#
# All this holds a *mean* at 1. A matrix may stretch a few directions and flatten all others, and still do so on average.
# **Orthogonal weights**, the third function of our list, stretch every direction by the same factor. <!-- term: A random matrix that leaves all lengths and angles as they are, times a gain. -->
# Is that a rescue? Fifty tanh layers, with weights of the same variance, learn for 100 steps.

# %% tags=["slide-output"]
races = {}
for optimizer, rate in (("sgd", 0.001), ("sgd", 0.003), ("sgd", 0.01), ("adam", 0.0003)):
    nets = {init: MLP(50, activation="tanh", init=init, dtype=torch.float32)
            for init in ("xavier", "orthogonal")}
    name = f"{optimizer} {rate}"
    races[name] = race(nets, x, y, steps=100, lr=rate, optimizer=optimizer, live="bar")
normal, ortho = ([found[init].accuracy for found in races.values()] for init in nets)
claim("C5.08", f"100 steps of SGD, each kind at its best rate of 0.001 to 0.01: Gaussian "
      f"{max(normal[:3]):.0%}, orthogonal {max(ortho[:3]):.0%}",
      0.5 < max(normal[:3]) < max(ortho[:3]) - 0.05, unless=list(races.values()),
      only=("rate", "budget", "optimizer"))
table({"": races, "Gaussian (Xavier's)": normal, "orthogonal": ortho}, form="{:.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Ask: do orthogonal weights rescue a net that would not learn otherwise?
# Answer: no. At its best rate Xavier's net learns, too. Orthogonal weights are faster, and stand larger steps.

# %% [markdown] slideshow={"slide_type": "slide"}
# Orthogonal weights are no rescue: at a rate that suits them, Gaussian weights learn, too, if later. The orthogonal net is
# faster, and it stands larger steps. (With ReLU less is left of this: see the evidence.)
#
# ## Measure in every step: norms
#
# LSUV measures once. Batch norm (chapter 2) measures in every step: it brings each unit to mean 0 and variance 1 over the batch.
# **Layer norm** does so for each sample, over the units of a layer. <!-- term: A layer that shifts and scales the z of each sample to mean 0 and variance 1 over the units of the layer. -->
# With either, the signal is at one in every layer, by construction. What does batch norm do to the gradient?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Ask: which of the two works for a batch of one?

# %% slideshow={"slide_type": "subslide"}
def gradient_with_norm(ax, norm="batch", guess=None):
    net = MLP(50, activation="relu", init="he", norm=norm)
    delta = measure(net, x[:128].double(), y[:128]).delta_norm[:50]
    return plots.draw_by_layer(ax, delta, guess=guess)

predict("50 ReLU layers with batch norm: how large is layer 1's gradient, compared with layer "
        "50's?", gradient_with_norm, right=chapter05.RIGHT["batch norm"],
        guess=[("1e-7 of it", 1e-7), ("the same", 1.0), ("ten times larger", 10.0),
               ("10,000 times larger", 1e4)])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3.5 / 2
# Ask: batch norm holds the signal at 1. How large is layer 1's gradient?
# Expect: the same.
# Misconception: a norm that holds the signal holds the gradient as well.
# Answer: about 10,000 times larger: a factor of 1.21 in each layer.

# %% [markdown] slideshow={"slide_type": "slide"}
# It *explodes*, by about 1.21 a layer. A third of the mean square behind ReLU is due to the mean (chapter 3). Batch norm takes that off,
# because it is the same for all samples, and then enlarges what is left. The gradient is enlarged with it. (The evidence derives the
# number.) In ten layers this is a factor of seven.
#
# ### Layer norm
#
# Is it better? Compare all three: no norm, batch norm, layer norm.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: it subtracts the mean, and divides by what is left.

# %% tags=["slide-output"]
def after_fifty(norm):                     # gradient's factor a layer, and the cosine of two digits
    net = MLP(50, activation="relu", init="he", norm=norm)
    delta = measure(net, x[:128].double(), y[:128]).delta_norm
    with torch.no_grad():
        last = net.signals(x[:128].double())[1][-1]
    alike = F.cosine_similarity(last[:64], last[64:]).mean().item()
    return ((delta[0] / delta[49]) ** (1 / 49)).item(), alike

factor, alike = zip(*map(after_fifty, (None, "batch", "layer")))
claim("C5.10", f"gradient, times a layer: batch norm {factor[1]:.2f}, layer norm {factor[2]:.2f}",
      abs(factor[1] - 1.21) < 0.03 and abs(factor[2] - 1) < 0.05)
claim("C5.11", f"two digits behind layer norm: cosine {alike[2]:.2f}; no norm: {alike[0]:.2f}",
      min(alike[0], alike[2]) > 0.9 and alike[1] < 0.6)
table({"norm": ["none (He)", "batch", "layer"], "factor a layer": factor, "cosine": alike})

# %% [markdown] slideshow={"slide_type": "slide"}
# Layer norm keeps the gradient, and two digits look alike behind it. But look at the first row, the control: they do so
# without a norm as well. This is ReLU's doing. Batch norm keeps digits apart, and pays with its gradient. Chapter 6 has a
# cure for both.
#
# ## The clinic

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Ask: name the disease from this table. Then: what would you do?
# Answer: the scale of the weights is too small for ReLU. Larger steps do not help, orthogonal weights neither.

# %%
clinic.chart(chapter05.PATIENT, "gradient", "std of z", "std of a", "dead")

# %% slideshow={"slide_type": "skip"}
diagnosis = ...
display(clinic.name_disease(chapter05.PATIENT, diagnosis))
prescription = ...
display(clinic.treat(chapter05.PATIENT, prescription))
clinic.second_opinion(chapter05.PATIENT, diagnosis)         # speaks when you have spoken

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# Replace the dots and run the cell. It answers at once, and you may try as often as you like.
#
# ### 1. The uniform form
#
# `xavier_uniform_` draws from all numbers between $-b$ and $b$ alike. `xavier_bound(n_in, n_out)`: the $b$ for
# which they have Xavier's variance.
#
# <details><summary>Hint</summary>
#
# The variance of a uniform variable between $-b$ and $b$ is $b^2/3$.
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
# ### 2. The fans of any convolution
#
# `fans_of(layer)`: the fan-in and the fan-out of an `nn.Linear` or an `nn.Conv2d`, as a pair. Its window need not be
# square. And with `groups=g` the channels are cut into `g` groups, and each output channel sees the input channels of
# its own group only. (A stride of 1.)
#
# <details><summary>Hint</summary>
#
# `layer.weight` has the shape (output channels, input channels that one of them sees, window). And how many output
# channels does one input channel go to?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def fans_of(layer):
#     window = layer.weight[0, 0].numel()                    # 1 for a linear layer
#     groups = getattr(layer, "groups", 1)
#     return layer.weight.shape[1] * window, layer.weight.shape[0] // groups * window
# ```
#
# (PyTorch's own functions take the fan-out without dividing it by the groups.)
#
# </details>

# %% slideshow={"slide_type": "skip"}
def fans_of(layer):
    """An nn.Linear or nn.Conv2d -> fan-in, fan-out."""
    ...

chapter05.check_fans(fans_of)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 3. Revive it
#
# `chapter05.stalled()` gives you a net of 16 convolutions with SiLU and He's weights. It guesses. Write
# `revived(images)`, which makes this net, gives it other weights, and returns it. You may use `images`, a batch of 256
# digits. The checker looks at the $z$ of your net, and lets it learn for 100 steps of SGD.
#
# <details><summary>Hint</summary>
#
# Which factor would SiLU need, and what do the zeros at the border cost? You can do without knowing: measure. Pass the
# images on from layer to layer (`for layer in net: images = layer(images)`), or see what this lesson has for it.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def revived(images):
#     net = chapter05.stalled()
#     for layer in net:
#         if hasattr(layer, "weight"):
#             layer.weight.data /= layer(images).std()
#         images = layer(images).detach()
#     return net
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def revived(images):
    """A batch of images, (256, 64) -> the net, with weights with which it learns."""
    ...

chapter05.check_revived(revived)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - A unit adds up fan-in terms, and the gradient of an input fan-out terms. LeCun, Xavier and He choose $\mathrm{Var}(w)$ so
#   that one of these sums, or a compromise, keeps its size.
# - ReLU: He's weights. tanh: Xavier's, or orthogonal ones. `net.apply(init)` puts them into any net. Where no formula fits, as
#   with zeros at the border or another activation, measure: LSUV.
# - At a good scale ReLU keeps lengths and gradients, and still makes all inputs alike. Batch norm keeps them apart,
#   and lets the gradient explode.
#
# The picture to keep is the ladder. Why is even He's rung not quite level?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: the sum, the tool, the price.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Take it home
#
# Plain PyTorch. `init` is enough where the formula fits. Elsewhere the hook, LSUV, sets the signal's level: it divides any weights by
# what a batch of your data gives. (Not for layers in front of a norm, and not for a layer that is called twice.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: twelve lines for your own net.

# %% tags=["take-home"]
from torch import nn, randn

def init(layer):
    if isinstance(layer, (nn.Linear, nn.Conv2d)):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)

def rescale(layer, inputs, z):                 # LSUV: only while one batch of your data passes
    layer.weight.data /= z.std()
    return z / z.std()

net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10)).apply(init)
hooks = [m.register_forward_hook(rescale) for m in net if isinstance(m, (nn.Linear, nn.Conv2d))]
net(randn(64, 1, 8, 8))
_ = [hook.remove() for hook in hooks]

# %% [markdown] slideshow={"slide_type": "skip"}
# Chapter 6 cuts the chain of layers short. What popular sources say, the famous experiment with 22 and 30 layers, and
# the proofs of this lesson's numbers stand in the [evidence](evidence/05_xavier_he.ipynb).
#
# ## References
#
# - LeCun et al. 1998, *Efficient BackProp*; Glorot, Bengio 2010, AISTATS; He et al. 2015, ICCV: the three rules
# - Saxe et al. 2014, ICLR: orthogonal weights; Mishkin, Matas 2016, ICLR: LSUV
# - Ioffe, Szegedy 2015, ICML: batch norm; Ba et al. 2016, arXiv 1607.06450: layer norm
# - Yang et al. 2019, ICLR: why batch norm makes gradients explode
