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
# # 7 · LSTM and GRU: why does a net forget what it read first?
#
# A net that reads a text is a deep net in disguise. You will see its gradient die on the way back through time, meet the cell that
# was built against it, and find out when that cell works. In the end, four famous nets turn out to be one idea.
#
# You need chapter 1's step back through a layer, and chapter 6's skip connections.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: all that they know about depth comes back today, turned by ninety degrees, into time.

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn
from torch.nn import functional as F
from utils import Reader, cells, chapter07, chrono_, claim, clinic, datasets, explore, keep_
from utils import make_cell, measure_through_time, plots, predict, race, show, song, style

torch.set_num_threads(1)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A net that reads
#
# A **recurrent net** (RNN) reads a sequence one symbol at a time. <!-- term: A net that hands a state from each step of a sequence to the next, through the same weights. -->
# After each step $t$ it holds a vector, its **state** $h_t$, computed from the symbol $x_t$ and the state before: <!-- term: Of a recurrent net: the vector that it hands on from step to step. -->
#
# $$h_t = \tanh(W h_{t-1} + U x_t + b)$$
#
# Whatever the net knows at the end about the first symbol has come through all these states. Draw every step as a box, and
# you have **unrolled** the net. <!-- term: Of a recurrent net: drawn or computed with one layer for each step of the sequence. -->
# The gradient of the loss goes back from box to box.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: what of the first symbol can the answer at the end still depend on?
# Answer: only on what the states have handed on, through the same matrix each time.

# %% [markdown] slideshow={"slide_type": "subslide"}
# How much of the gradient is left after twelve steps?

# %%
def symbols(steps):          # random symbols, one of eight: (steps, 8)
    return F.one_hot(datasets.recall(1, steps)[0][0, 1:].long(), 8).double()

left = measure_through_time(make_cell("rnn", 8, 64), symbols(12))   # the last step first
show(cells.draw_unrolled, {"nn.RNN": left[:-1].flip(0)}, size=(9, 2.6))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Do: read the numbers aloud from right to left, as the gradient travels.
# Say: each step takes its share, as each layer did in chapter 1.

# %% slideshow={"slide_type": "subslide"}
def by_lag(ax, kind, guess=None):
    left = measure_through_time(make_cell(kind, 8, 64), symbols(100))
    plots.draw_by_lag(ax, {f"nn.{kind.upper()}": left}, guess=guess, ylabel="gradient left")
    return f"Left after 100 steps: {left[-1]:.0e}."

predict(
    "The RNN reads 100 symbols: which part of the gradient at the last step arrives at the first?",
    by_lag, kind="rnn", right=chapter07.RIGHT["100 symbols"],
    guess=[("1e-3", 1e-3), ("1e-10", 1e-10), ("1e-22", 1e-22), ("1e-100", 1e-100)])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: 100 symbols. Which part of the gradient at the end arrives at the first one?
# Expect: 1e-3 and 1e-10 get most hands.
# Misconception: a hundred steps feel like little, since one reads them in a second.
# Answer: about 1e-22. A hundred steps are a hundred layers.

# %% [markdown] slideshow={"slide_type": "slide"}
# A hundred steps are a hundred layers. Is anything new?
#
# ## By hand: the same matrix, again and again
#
# Backpropagation **through time** is chapter 1's step back. <!-- term: Backpropagation in an unrolled recurrent net, from the last step to the first. -->
# Each step multiplies by the slopes of its units and by the weights. What is new: all steps share *one* matrix $W$. From step $T$
# back to step $t$ this product comes together:
#
# $$\frac{\partial h_T}{\partial h_t} = D_T W\; D_{T-1} W \cdots D_{t+1} W$$
#
# Here $D_k$ has the slopes of step $k$ on its diagonal.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Ask: what is new, compared with a deep net? And could we not choose W better?
# Answer: one matrix W in place of one for each layer. Better weights help for a while: about 1e-3 is left after 100 steps, less than 1e-12 after 1,000.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The loud twin
#
# And if the product explodes? One sigmoid unit, $h_t = \sigma(w h_{t-1} - 2.5)$, starts at $\frac12$ and should end at $0.7$. The picture is
# its loss as a function of $w$, and the orange line is one step of gradient descent.
#
# *Try:* (1) More *steps*, up to 50. Where does the orange line end? (2) Clip.

# %%
def end_of(w, steps):        # the loss after so many steps
    h = torch.full_like(w, 0.5)
    for _ in range(steps):
        h = torch.sigmoid(w * h - 2.5)
    return (h - 0.7) ** 2
def cliff(ax, steps=5, clip=False):
    grid, w = torch.linspace(3, 7, 401).double(), torch.tensor(5.0, requires_grad=True)
    (slope,) = torch.autograd.grad(end_of(w, steps), w)
    lands = 5 - 0.3 * (slope.clamp(-1, 1) if clip else slope)
    plots.draw_lines(ax, {"": end_of(grid, steps)}, grid, xlabel="w", ylabel="loss", markers=False)
    losses = [end_of(point, steps).item() for point in (w, lands)]
    ax.plot([5, lands], losses, "o-", color=style.ALARM)
    ax.set(xlim=(3, 7), ylim=(0, 0.5))
    return f"Slope {slope:.3g}: a step at a rate of 0.3 lands at {lands:.4g}, loss {losses[1]:.2f}."
explore(cliff, size=(9, 3.1), steps=(1, 50), clip=False)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1
# Ask: what happens to the walker at the foot of the wall?
# Answer: one step throws it out of the picture. Its direction was right, its length was not.

# %% [markdown] slideshow={"slide_type": "slide"}
# At $w = 5$ the state stays at $\frac12$, but the least deviation grows by a factor of $\frac w4 = 1.25$ at every step: it is an *unstable fixed point*.
# So at 50 steps the loss has a wall there, and the descent lands thousands away. **Clipping** shortens a gradient that is too long, and
# keeps its direction. <!-- term: Shortening a gradient that is longer than a limit, so that its direction stays. -->
# Against a gradient of $10^{-22}$ it does nothing.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Ask: what does clipping do to a gradient that vanishes?
# Answer: nothing. It is below every limit.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A memory that adds
#
# A long product dies, a long sum does not. So Hochreiter and Schmidhuber (1997) kept the
# memory in a vector $c$ of its own, the **cell state**, and only *added* to it: <!-- term: Of an LSTM: the vector c, to which each step adds something. -->
#
# $$c_t = c_{t-1} + i_t \odot g_t \quad\text{so that, directly,}\quad \frac{\partial c_T}{\partial c_t} = 1$$
#
# This direct way they called the *constant error carousel*. It is chapter 6's skip connection, over time.
#
# The **candidate** $g_t$ is what a step could write into the memory. <!-- term: Of an LSTM or a GRU: what a step could write into the state. -->
# The **input gate** $i_t$, a sigmoid between 0 and 1, decides how much of it is written. <!-- term: Of an LSTM: the sigmoid i that decides how much of the candidate is added to the cell state. -->
# Whatever gets in stays, and a thousand symbols knock. So this gate must start shut. (Then a carousel learns to name the first of
# 1,001 symbols; evidence.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Ask: where have you seen a 1 like this?
# Answer: chapter 6: a skip connection, over time.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Gates
#
# A memory that only adds cannot forget, and overflows on a long text. So the **LSTM** of today has two more gates. <!-- term: Long short-term memory: a recurrent cell whose gates decide what is kept, written and shown. -->
# The **forget gate** $f_t$ multiplies the old state (1999). <!-- term: Of an LSTM: the sigmoid f that says how much of the old cell state a step keeps. -->
# The **output gate** $o_t$ (1997) decides how much of the memory is shown. <!-- term: Of an LSTM: the sigmoid o that decides how much of the cell state is shown as h. -->
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh c_t$$
#
# Each gate is a layer of sigmoids that looks at $x_t$ and $h_{t-1}$. Its bias decides where it stands at the start.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: three gates, three jobs: keep, write, show.

# %% [markdown] slideshow={"slide_type": "slide"}
# The **GRU** makes do with one state and two gates (2014): <!-- term: Gated recurrent unit: a recurrent cell that mixes its old state and a candidate, as its update gate says. -->
#
# $$h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}$$
#
# Its **update gate** $z$ mixes the old state and the candidate $n$; at $z = 1$ it keeps. <!-- term: Of a GRU: the sigmoid z that says how much of the old state a step keeps. -->
# Its **reset gate** $r$ says how much of the old state the candidate sees. <!-- term: Of a GRU: the sigmoid r that says how much of the old state the candidate gets to see. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: one gate for two jobs: what it keeps, it cannot write.

# %% [markdown] slideshow={"slide_type": "subslide"}
# A wire is as thick as its gate is open. On the right a 1 is written at step 10, and noise knocks at all other steps. *Try:* (1)
# Open *write*. (2) Close *output*. Is the memory gone?

# %%
noise = torch.randn(100, generator=torch.Generator().manual_seed(0)).double().tanh()

def gates(axes, cell="LSTM", keep=8.0, write=-8.0, output=0.0):
    f, i, o = torch.tensor([keep, write, output]).double().sigmoid()
    i = i if cell == "LSTM" else 1 - f
    state = [torch.zeros(()).double()]
    for t in range(100):
        state.append(f * state[-1] + (1 if t == 10 else i * noise[t]))
    state = torch.stack(state)
    shown = {"c": state, "h": o * state.tanh()} if cell == "LSTM" else {"h": state}
    plots.draw_lines(axes[1], shown, xlabel="step", ylabel="state", markers=False, limits=(-2, 3))
    told = cells.draw_lstm(axes[0], f, i, o) if cell == "LSTM" else cells.draw_gru(axes[0], f, o)
    return f"{told} Of the 1 from step 10, {f**90:.2g} is left at step 100."
explore(gates, panels=2, size=(10, 3.8), cell=["GRU", "LSTM"], keep=(-2.0, 8.0, 0.5),
        write=(-8.0, 2.0, 0.5), output=(-6.0, 6.0, 0.5))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: open write slowly. Back, and output at -6. Then keep at 0.
# Expect: with the output gate closed, many think that the memory is gone.
# Answer: h is zero, c is untouched. The GRU cannot keep and write at once: what it keeps, it does not write.

# %% [markdown] slideshow={"slide_type": "slide"}
# On its direct way the gradient is multiplied by the forget gates alone. The input gate keeps noise out. The output gate hides the
# memory without touching it. (What a GRU keeps, it cannot write.)
#
# ## A fresh LSTM

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: three gates, three jobs; only one of them decides about the gradient.

# %%
predict(
    "An nn.LSTM, as PyTorch makes it, reads 100 symbols: which part arrives at the first?",
    by_lag, kind="lstm", right=chapter07.RIGHT["a fresh LSTM"],
    guess=[("all of it", 1.0), ("a hundredth", 1e-2), ("1e-6", 1e-6), ("1e-20", 1e-20)])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: an LSTM exactly as PyTorch makes it, 100 symbols. What arrives at the first?
# Expect: nearly all hands for "all of it".
# Misconception: the architecture alone cures: it adds, so nothing decays.
# Answer: about 1e-20. The forget gate starts at one half.

# %% [markdown] slideshow={"slide_type": "slide"}
# The forget gate starts near $\sigma(0) = \frac12$, and so the direct way leaves $0.5^{100} = 10^{-30}$. (The rest came through $h$.) The
# architecture is half of the cure. The other half is *the biases of its gates*.
#
# ### The other half
#
# Here are 1,000 steps, with one bias for the gate that keeps.
#
# *Try:* (1) Bias 0 to 8. Where does the LSTM sink again, and why? (2) Chrono.

# %%
def thousand_steps(ax, bias=5.0, chrono=False):
    both = {kind: make_cell(kind.lower(), 8, 16) for kind in ("LSTM", "GRU")}
    for cell in both.values():
        chrono_(cell, 1000) if chrono else keep_(cell, bias)
    left = {kind: measure_through_time(cell, symbols(1000)) for kind, cell in both.items()}
    c = both["LSTM"](symbols(1000)[None])[1][1].abs().mean()            # at the last step
    plots.draw_by_lag(ax, left, limits=(1e-40, 1e5))
    return (f"Left after 1,000 steps: LSTM {left['LSTM'][-1]:.0e}, GRU {left['GRU'][-1]:.0e}. "
            f"The LSTM's cell state is about {c:.1f}.")

explore(thousand_steps, bias=(0.0, 8.0, 0.5), chrono=False)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: bias 0, 1, 2, 5, then 8, where the LSTM sinks again; then tick chrono.
# Ask: why does it sink again?
# Answer: it keeps everything, and its input gate is half open; so it overflows. Who keeps for long must write little.

# %% [markdown] slideshow={"slide_type": "slide"}
# From 6 on the LSTM forgets little, but its input gate is half open: what it reads piles up in $c$, until $\tanh c$ saturates. **Chrono**
# initialization heals that. <!-- term: Biases for gates (Tallec and Ollivier 2018): each unit keeps for a time of its own, and writes the less the longer it keeps. -->
# Each unit gets a time span $\tau$ of its own, at random between 1 and the longest lag that you expect. Its forget bias is $\ln\tau$: such a
# gate keeps $\frac{\tau}{\tau+1}$ and so forgets in about $\tau$ steps. Its input bias is $-\ln\tau$. Who keeps for long writes little.
#
# ## Does it matter?
#
# A small gradient may be enough, with patience and the right rate. So we try three rates, and count the steps until a net can **recall**
# the first of 21 symbols. <!-- term: The task to name the first symbol of a sequence after its last one; whoever has lost it can only guess. -->
# These LSTMs differ in their biases alone: PyTorch's, a forget bias of 1 or of 3, and chrono. Each point is a net, and a bar is the mean
# of two. Which rows will recall within 600 steps?

# %% slideshow={"slide_type": "skip"}
starts = {"default": lambda cell: cell, "bias 1": lambda cell: keep_(cell, 1.0),
          "bias 3": lambda cell: keep_(cell, 3.0), "chrono": lambda cell: chrono_(cell, 20)}

def made(start, seed):
    cell = make_cell("lstm", 8, 16, seed=seed, dtype=torch.float32)
    return Reader(starts[start](cell), seed=seed)

def recalls(net):            # does it name the first symbol, in new sequences?
    x, y = datasets.recall(256, 20, seed=9)
    return (net(x).argmax(1) == y).float().mean() > 0.99

nets = {(start, rate): {seed: made(start, seed) for seed in range(2)}
        for start in starts for rate in (0.003, 0.01, 0.03)}
runs = {(start, rate): race(pair, *datasets.recall(1024, 20), steps=600, lr=rate, clip=1.0,
                            optimizer="adam", batch=32, until=recalls, live="bar")
        for (start, rate), pair in nets.items()}

# %%
steps = {f"{start}, rate {rate}": [run.steps for run in among.values()]
         for (start, rate), among in runs.items()}
show(plots.draw_strips, steps, size=(9, 4.4), xlabel="steps until it recalls; at 600 it has not")
chrono, default = ([run.steps for (start, _), among in runs.items() for run in among.values()
                    if start == which] for which in ("chrono", "default"))
claim("C7.10", f"Adam at 0.003 to 0.03: all chrono nets recall, after {sum(chrono) / 6:.0f} steps "
      f"(mean); the default ones ran for {sum(default) / 6:.0f}, of at most 600 steps",
      max(chrono) < 600 and 2 * sum(chrono) < sum(default),
      unless=list(runs.values()), only=("rate", "budget"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1
# Ask: which of the four would you trust with a rate that you have not tried?
# Answer: a bias of 3, or chrono.

# %% [markdown] slideshow={"slide_type": "slide"}
# With Adam a default LSTM learns a lag of 20, slowly, and not at every rate. A forget bias of 1, which many recommend, is as touchy. A bias
# of 3 is not, as it keeps for twenty steps: *the bias must fit the lag*. For long lags that is not enough, as exercise 2 shows.
#
# ### Before and after
#
# What does a default net pass on before training, and after?

# %%
read = F.one_hot(datasets.recall(1, 20, seed=9)[0][0].long(), 8).double()
before, after = (measure_through_time(net.cell.double(), read)
                 for net in (made("default", 0), nets["default", 0.01][0]))
show(plots.draw_by_lag, {"before training": before, "after": after})

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Ask: what has training done to the gates?
# Answer: it has opened them. But it needed a gradient to begin with.

# %% [markdown] slideshow={"slide_type": "slide"}
# *Training itself has opened the way.* But it needs a gradient to begin with: here some hundred-thousandths, enough for Adam. At
# lag 100 it is $10^{-20}$.
#
# ## A song, by heart
#
# *On the seventh day of Christmas my true love gave to me* ... which gift? In all twelve verses the same forty letters stand
# between the day and the gift. An RNN and two LSTMs learn to name the next letter. Then they sing on their own.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: which gifts will the RNN name?
# Expect: random ones, or misspelt ones.

# %% slideshow={"slide_type": "skip"}
text, begin = torch.tensor(song.CODES), song.BEGIN       # twelve lines, and where their gifts begin
kinds = {"RNN": "rnn", "LSTM, default": "lstm", "LSTM, chrono": "lstm"}
singers = {name: Reader(make_cell(kind, 28, 64, dtype=torch.float32), 28, every_step=True)
           for name, kind in kinds.items()}
chrono_(singers["LSTM, chrono"].cell, 50)

@torch.no_grad()
def sing(net):               # the twelve gifts, each letter from all before it
    x = text[:, :begin]
    while x.shape[1] < text.shape[1]:
        x = torch.cat([x, net(x)[:, -1:].argmax(2)], 1)
    return x[:, begin:]

songs = race(singers, text[:, :-1], text[:, 1:], steps=500, lr=0.02, optimizer="adam", batch=12,
             clip=1.0, loss_fn=lambda out, y: F.cross_entropy(out.mT, y), title="A song")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Which gift does each net name on the seventh day? The ink shows what its first letter depends on.

# %%
def heard(ax, day=7):        # how much the gift's first letter depends on each letter before it
    rows, line = {}, text[day - 1]
    for name, net in singers.items():
        x = F.one_hot(line[None, :begin], 28).float().requires_grad_()
        (gradient,) = torch.autograd.grad(net(x)[0, -1, line[begin]], x)
        title = f"{name}: {song.spell(sing(net)[day - 1])}"
        rows[title] = song.spell(line[:begin]), gradient[0].norm(dim=1)
    return cells.draw_text(ax, rows)

show(heard, size=(10, 3.4))
rnn, default, chrono = ((sing(net) == text[:, begin:]).all(1).sum() for net in singers.values())
claim("C7.11", f"after 500 steps of Adam at 0.02 the RNN has {rnn} of 12 right, the default LSTM "
      f"{default}, the chrono LSTM {chrono}", max(rnn, default) <= 2 and chrono >= 8,
      unless=songs, only=("rate", "optimizer", "budget"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Answer: the same one every day, well spelt. The day itself is white in the RNN, pale in the default LSTM.
# Say: one line of code, chrono, separates the two rows.

# %% [markdown] slideshow={"slide_type": "slide"}
# After 500 steps all three spell well. The day has little ink in the default LSTM, and hardly any in the RNN. Only biases separate
# the two LSTMs.
#
# ## Today's heirs
#
# Today's recurrence is *linear*: it multiplies each unit of its state by a decay $a$, and adds. No matrix and no tanh stand in the way, so
# the gradient is $a$ to the power of the lag. The decays are learned; as with a forget gate, their start decides.
#
# **Attention** (2014; alone since 2017) keeps no state. <!-- term: A layer whose every output is a weighted mean of all symbols, with weights computed from them. -->
# Its last step takes a weighted mean of all symbols.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Ask: over how many factors does the gradient come back in each of the two?
# Answer: in the linear recurrence over one decay a step; in attention over one, at any lag.

# %% slideshow={"slide_type": "skip"}
torch.manual_seed(0)
B, decay = nn.Linear(8, 16).double(), nn.Parameter(torch.linspace(1, 6, 16).double())
def linear_recurrence(x):
    h = torch.zeros(16)
    for x_t in x:
        h = decay.sigmoid() * h + B(x_t)         # at the start it keeps 73 % to 99.8 %
    return h

x = symbols(100).requires_grad_()
ends = {"LSTM, default": make_cell("lstm", 8, 16)(x)[0][-1],
        "LSTM, chrono": chrono_(make_cell("lstm", 8, 16), 100)(x)[0][-1],
        "linear recurrence": linear_recurrence(x),
        "attention": (x @ x[-1] / 8**0.5).softmax(0) @ x}

# %% [markdown] slideshow={"slide_type": "subslide"}
# Which of these four hold the gradient over 100 symbols?

# %%
grads = {name: torch.autograd.grad(end.sum(), x)[0].norm(dim=1) for name, end in ends.items()}
left = {name: grad.flip(0) / grad[-1] for name, grad in grads.items()}
show(plots.draw_by_lag, left, limits=(1e-22, 10), ylabel="share of the last symbol's gradient")
first = [shares[-1] for shares in left.values()]
claim("C7.15", f"the first of 100 symbols gets {first[0]:.0e} of the last one's gradient in a "
      f"default LSTM, {first[1]:.2f} with chrono, {first[2]:.2f} in the recurrence, "
      f"{first[3]:.2f} in attention",
      first[0] < 1e-14 and first[1] > 0.005 and first[2] > 0.1 and first[3] > 0.5)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Answer: all but the default LSTM. In attention nothing multiplies up; in the other two what multiplies is close to 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# Attention has a direct way from every symbol, at the price of a time that grows with the square of the length. Linear recurrences such
# as Mamba (2023) do not pay it.
#
# ## One idea, four nets
#
# Four nets have one formula. They *carry* the old, and *add* the new in small doses:
#
# $$x_{l+1} = a \odot x_l + s \odot F(x_l)$$
#
# | | carries $a$ | adds $s$ |
# |---|---|---|
# | LSTM 1997 | 1; since 1999 the forget gate $f$ | input gate $i$ |
# | GRU 2014, over depth the Highway net 2015 | $z$, to start near 1 | $1-z$ |
# | ResNet 2015, pre-norm Transformer | 1 | 1, or $1/\sqrt L$ |

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: four inventions, one line: give the gradient a way on which it is multiplied by one.

# %% [markdown] slideshow={"slide_type": "subslide"}
# On the left are fifty steps or layers of each net, with $a$ and $s$ set by hand. On the right is the same $F$ without its way, $a = 0$ and
# $s = 1$. *Scale* multiplies all weights; at 1 they are right, Xavier's or He's. Which side needs them right? *Try:* 1, then 1.3.

# %% slideshow={"slide_type": "skip"}
generator = torch.Generator().manual_seed(0)
M = torch.randn(50, 3, 32, 32, generator=generator).double() / 32**0.5
first = torch.randn(16, 32, generator=generator).double()

def attend(x, W):
    return F.scaled_dot_product_attention(*(F.layer_norm(x, (32,)) @ W))       # query, key, value

family = {                   # name: what it carries, what it adds, and F
    "LSTM": (0.98, 0.02, lambda x, W: torch.tanh(x @ W[0])),
    "Highway": (0.98, 0.02, lambda x, W: torch.tanh(x @ W[0])),
    "ResNet": (1, 50**-0.5, lambda x, W: 2**0.5 * torch.relu(x @ W[0]) @ W[1]),
    "Transformer": (1, 50**-0.5, attend),
}

# %%
def gradient_left(name, way, scale):
    carried, added, new = family[name] if way else (0, 1, family[name][2])
    states = [first.clone().requires_grad_()]
    for l in range(50):
        W = scale * M[0 if name == "LSTM" else l]       # an LSTM has one matrix for all steps
        states.append(carried * states[-1] + added * new(states[-1], W))
    grads = torch.autograd.grad((states[-1] * first.flip(0)).sum(), states)
    return torch.stack([g.norm() for g in grads]).flip(0) / grads[-1].norm()
def one_idea(axes, scale=0.7):
    for ax, way, title in zip(axes, (True, False), ("with its way", "without")):
        curves = {name: gradient_left(name, way, scale) for name in family}
        plots.draw_by_lag(ax, curves, xlabel="back", ylabel="gradient left", limits=(1e-20, 1e10))
        ax.legend(title=title, loc="lower left")
    return f"All weights are {scale:.1f} times the right ones."
explore(one_idea, panels=2, size=(10, 4), scale=(0.5, 1.5, 0.1))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: one of the four keeps its norm without its way. Is it well?
# Answer: the Transformer: layer norm holds the norm, and its tokens become alike.

# %% [markdown] slideshow={"slide_type": "slide"}
# Without its way three nets lose the gradient at 0.7, and the ResNet explodes at 1.3. *With its way each hardly depends on its weights.*
# (Layer norm saves the Transformer's gradient without its way. But all its tokens become alike; evidence.)
#
# ## The final clinic
#
# Patient A, an LSTM, reads 101 symbols, must name the first, and guesses. This is what is left of its gradient. Name its disease, and
# treat it. (Four more patients, from the chapters before, are exercise 4.)

# %%
left = measure_through_time(chapter07.WARD["A"].make().cell.double(), symbols(100))
show(plots.draw_by_lag, {"patient A": left}, ylabel="gradient left", size=(9, 3.2))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Ask: what ails patient A, and which of the three treatments would you give?
# Answer: a memory that forgets. A bias of 1 is not enough for 100 steps; chrono is.

# %% slideshow={"slide_type": "skip"}
# Run the cell to see the choices, and put yours in the place of the dots: the diagnosis ...
diagnosis = ...
display(clinic.name_disease(chapter07.WARD["A"], diagnosis))
# ... and then the treatment.
prescription = ...
display(clinic.treat(chapter07.WARD["A"], prescription))
clinic.second_opinion(chapter07.WARD["A"], diagnosis)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# Replace the dots and run the cell.
#
# ### 1. The bias for a half-life
#
# `bias_for(steps)`: which bias makes a constant forget gate $f = \sigma(b)$ keep one half over so many steps? For 1,000 it is about 7.27.
#
# <details><summary>Hint</summary>
#
# First the $f$, then the sigmoid backwards.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def bias_for(steps):
#     f = torch.tensor(0.5).double() ** (1 / steps)
#     return torch.log(f / (1 - f))
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def bias_for(steps):
    ...

chapter07.check_bias_for(bias_for)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 2. Repair it
#
# An LSTM must name the first of 101 symbols. Choose one bias for all its forget gates and one for all its
# input gates, so that 300 steps of Adam (0.01) teach it.
#
# <details><summary>Hint</summary>
#
# What did chrono do about the input gates?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# b_f, b_i = 5.0, -5.0
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
b_f, b_i = ..., ...

chapter07.check_memory(b_f, b_i)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 3. Clip the norm
#
# `clip_norm(g, c)`: shorten the tensor `g` to the norm `c` if it is longer.
#
# <details><summary>Hint</summary>
#
# Multiply by one number, at most 1, from the norm of *all* entries.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def clip_norm(g, c):
#     return g * (c / g.norm()).clamp(max=1)
# ```
#
# </details>

# %% slideshow={"slide_type": "skip"}
def clip_norm(g, c):
    ...

chapter07.check_clip_norm(clip_norm)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 4. The ward
#
# Four patients from the chapters before. Name all diseases, and treat them one by one.
#
# <details><summary>Hint</summary>
#
# Does the gradient shrink, grow, or end, on its way from the last layer to the first? And the std of z, the other way?
#
# </details>
# <details><summary>Solution</summary>
#
# B: weights too small for the activation (weights with std sqrt(2/fan_in)). C: skips that add up (branches divided by sqrt(40)).
# D: saturated by large weights (weights with std 1/sqrt(fan_in)). E: dead units (biases of zero).
#
# </details>

# %% slideshow={"slide_type": "skip"}
ward = {bed: chapter07.WARD[bed] for bed in "BCDE"}
for patient in ward.values():
    display(clinic.chart(patient, "gradient", "std of z", "saturated", "dead"))
diagnoses = {"B": ..., "C": ..., "D": ..., "E": ...}
display(clinic.rounds(ward, diagnoses))
bed, prescription = "B", ...
display(clinic.treat(ward[bed], prescription))
clinic.second_opinion(ward[bed], diagnoses[bed])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - A recurrent net is a deep net with one matrix. Its gradient vanishes or explodes with the lag. Clipping cures the explosion only.
# - LSTM and GRU carry their state on a way of its own, through a gate. PyTorch's biases leave it half open, and the gradient vanishes
#   all the same. With chrono biases it crosses 1,000 steps.
# - Slopes and weights multiply, over depth and over time. Hold their product at one, or build a way around it.
#
# The [evidence](evidence/07_lstm_gru.ipynb) has the rest.
#
# ## Take it home
#
# Chrono biases for all layers of your own `nn.LSTM`.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: slopes, weights and depth multiply. Keep their product at one, or build a way around it.

# %% tags=["take-home"]
import torch
from torch import nn

@torch.no_grad()
def remember_(lstm, longest):               # longest: the steps that a memory is to last
    n = lstm.hidden_size
    for name, bias in lstm.named_parameters():
        if name.startswith("bias"):         # there are two, and PyTorch adds them up
            bias[: 2 * n] = 0
        if name.startswith("bias_ih"):
            spans = torch.empty(n).uniform_(1, longest - 1)
            bias[: 2 * n] = torch.cat([-spans.log(), spans.log()])      # input gate, forget gate

remember_(nn.LSTM(32, 64, num_layers=2), longest=100)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 0.5
# Say: it is in the notebook, for your own net.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - Hochreiter, Schmidhuber 1997, *Long short-term memory*
# - Pascanu, Mikolov, Bengio 2013, arXiv 1211.5063 (clipping)
# - Cho et al. 2014, arXiv 1406.1078 (GRU)
# - Vaswani et al. 2017, arXiv 1706.03762 (attention)
# - Tallec, Ollivier 2018, arXiv 1804.11188 (chrono)
# - Gu, Dao 2023, arXiv 2312.00752 (Mamba)
