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
# was built against it, and find out when that cell works. Two of them will learn a song by heart. In the end, four cures of this course
# turn out to be one idea.
#
# You need $\chi$ from chapter 1, and from chapter 6 the idea to add the input back.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Say: all that they know about depth comes back today, turned by ninety degrees, into time.

# %% slideshow={"slide_type": "skip"}
import itertools
import torch
from torch import nn
from torch.nn import functional as F
from utils import Reader, cells, chapter07, chrono_, claim, clinic, datasets, explore, keep_
from utils import make_cell, measure_through_time, plots, predict, race, show, song, style

torch.set_num_threads(1)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A net that reads
#
# A **recurrent net** (RNN) reads a sequence one symbol at a time. <!-- term: A net that reads a sequence step by step and hands a state from each step to the next, through the same weights. -->
# After each step $t$ it holds a vector, its **state** $h_t$. <!-- term: Of a recurrent net: the vector that it hands on from one step to the next; all that it knows of what it has read. -->
# The state is computed from the symbol $x_t$ and from the state before:
#
# $$h_t = \tanh(W h_{t-1} + U x_t + b)$$
#
# Whatever the net knows at the end about the first symbol has come through all these states. Draw every step as a box, and
# you have **unrolled** the net. <!-- term: Of a recurrent net: drawn or computed with one layer for each step of the sequence. -->
# The loss is computed after the last step, and its gradient goes back from box to box. As in chapter 1, the ink of a box shows
# how much of it is left.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 1
# Ask: what of the first symbol can the answer at the end still depend on?
# Answer: only on what the states have handed on, through the same matrix each time.

# %% [markdown] slideshow={"slide_type": "subslide"}
# How much of the gradient is left after twelve steps? And after a hundred, a short paragraph's words?

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
# Each step multiplies by the slopes of its units and by the weights. What is new: all steps share *one* matrix $W$. Between step
# $t$ and step $T$ this product comes together, the newest factor on the left:
#
# $$\frac{\partial h_T}{\partial h_t} = D_T W\; D_{T-1} W \cdots D_{t+1} W$$
#
# Here $D_k$ has the slopes of step $k$ on its diagonal. The next cell finds the same as autograd.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Ask: what is new, compared with a deep net?
# Answer: one matrix W in place of one for each layer.

# %% tags=["claim-C7.01"] slideshow={"slide_type": "skip"}
cell, x = make_cell("rnn", 8, 16), symbols(20)
W, U, b = cell.weight_hh_l0, cell.weight_ih_l0, cell.bias_ih_l0 + cell.bias_hh_l0
h = [torch.zeros(16, dtype=torch.float64)]
for x_t in x:
    h.append(torch.tanh(W @ h[-1] + U @ x_t + b))
product = torch.eye(16, dtype=torch.float64)
for h_t in reversed(h[2:]):
    product = product @ torch.diag(1 - h_t**2) @ W       # slopes, then weights
(autograd,) = torch.autograd.grad(h[20].sum(), h[1])
assert torch.allclose(product.sum(0), autograd)

# %% [markdown] slideshow={"slide_type": "slide"}
# Could a better $W$ help? Without the tanh, its largest eigenvalue would decide: below 1 the product dies, above 1 it explodes. With
# the tanh, slopes take their share, and how much depends on what the net reads. So no $W$ is right for every text. (Popular
# rules about that eigenvalue are wrong. The evidence has counterexamples.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Ask: if the product is the trouble, could we not choose W well?
# Answer: for one text perhaps. The slopes depend on what the net reads.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The loud twin
#
# And if the product explodes? Take the smallest net, one sigmoid unit, $h_t = \sigma(w h_{t-1} - 2.5)$. At its last step it should
# say $0.7$. The picture is its loss as a function of $w$, and the red line is one step of gradient descent from $w = 5$.
#
# *Try:* (1) Let it run for more and more *steps*, up to 50. What becomes of the loss, and where does the red line end? (2) Clip.

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
    ax.plot([5, lands], [end_of(w, steps).item()] * 2, "o-", color=style.ALARM)
    ax.set(xlim=(3, 7), ylim=(0, 0.5))
    return f"The slope at w = 5 is {slope:.3g}; a step at a rate of 0.3 lands at {lands:.4g}."

explore(cliff, size=(9, 3.5), steps=(1, 50), clip=False)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 1
# Ask: what happens to the walker at the foot of the wall?
# Answer: one step throws it out of the picture. Its direction was right, its length was not.

# %% [markdown] slideshow={"slide_type": "slide"}
# At 50 steps the loss has a wall. The descent goes in the right direction, and lands thousands away. **Clipping** shortens a gradient
# that is too long, and keeps its direction. <!-- term: Shortening a gradient that is longer than a limit, so that its direction stays. -->
# It cures explosion. For a gradient of $10^{-22}$ it does nothing, as that is below every limit.
#
# ## A memory that adds
#
# Against vanishing we need another net. A long product dies, and a long sum does not. So Hochreiter and Schmidhuber (1997) kept the
# memory in a vector $c$ of its own, the **cell state**, and only *added* to it: <!-- term: Of an LSTM: the vector c, to which each step adds something, and on which the gradient travels back without passing a weight. -->
#
# $$c_t = c_{t-1} + i_t \odot g_t \qquad\text{so that}\qquad \frac{\partial c_T}{\partial c_t} = 1$$
#
# They called it the *constant error carousel*. You know it from chapter 6. It is a skip connection, over time.
#
# The **candidate** $g_t$ is what a step could write into the memory. <!-- term: Of an LSTM or a GRU: what a step could write into the state, before a gate decides how much of it. -->
# The **input gate** $i_t$, a sigmoid between 0 and 1, decides how much of it is written. <!-- term: Of an LSTM: the sigmoid i that decides how much of the candidate is added to the cell state. -->
# Here its bias starts at $-6$. Why so low? Because whatever gets in stays, and a thousand symbols knock.
#
# The task is to **recall**: of 1,001 symbols, name the first. <!-- term: The task to name the first symbol of a sequence after its last one; whoever has lost it can only guess. -->
# The other thousand are distractors. A guess is right in one of four cases. Three carousels try. (Their gates look at the
# symbol only.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1.5
# Ask: where have you seen a 1 like this?
# Answer: chapter 6: a skip connection, over time.
# Say: all three learn it within 120 steps. The race is in the notebook.

# %% slideshow={"slide_type": "skip"}
class Carousel(nn.Module):
    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.i, self.g, self.readout = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 4)
        nn.init.constant_(self.i.bias, -6)

    def forward(self, x):                       # symbols (batch, steps)
        x = F.one_hot(x.long(), 8).float()
        c = (torch.sigmoid(self.i(x)) * torch.tanh(self.g(x))).sum(1)       # it only adds
        return self.readout(torch.tanh(c))

def recalls(lag):            # does a net name the first of lag + 1 symbols, in new sequences?
    x, y = datasets.recall(256, lag, seed=9)
    return lambda net: (net(x).argmax(1) == y).float().mean() > 0.99

# %% slideshow={"slide_type": "skip"}
carousels = {f"net {seed + 1}": Carousel(seed) for seed in range(3)}
runs = race(carousels, *datasets.recall(512, 1000), steps=300, lr=0.03, optimizer="adam", batch=16,
            until=recalls(1000), title="The first of 1,001 symbols")
claim("C7.07", "within 300 steps of Adam at 0.03 all three carousels recall across 1,000 symbols",
      all(run.reached for run in runs.values()), unless=runs, only=("rate", "optimizer", "budget"))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Gates
#
# A memory that only adds cannot forget, and overflows on a long text. So the **LSTM** of today has two more gates. <!-- term: Long short-term memory: a recurrent cell whose state is added to, with gates that decide what is kept, written and shown. -->
# The **forget gate** $f_t$ multiplies the old state (1999). <!-- term: Of an LSTM: the sigmoid f that says how much of the old cell state a step keeps; at 1 it keeps all. -->
# The **output gate** $o_t$ decides how much of the memory is shown. <!-- term: Of an LSTM: the sigmoid o that decides how much of the cell state is shown as h. -->
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh c_t$$
#
# The **GRU** makes do with one state and two gates (2014): <!-- term: Gated recurrent unit: a recurrent cell that mixes its old state and a candidate, as its update gate says. -->
#
# $$h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}$$
#
# Its **update gate** $z$ mixes the old state and the candidate $n$; at $z = 1$ it keeps. <!-- term: Of a GRU: the sigmoid z that says how much of the old state a step keeps, as PyTorch writes it; the rest is taken from the candidate. -->
# Its **reset gate** $r$ decides how much of the old state the candidate sees. <!-- term: Of a GRU: the sigmoid r that says how much of the old state the candidate gets to see. -->
# With $t = 1 - z$ this is chapter 6's Highway, over time: $(1-t)\,x + t\,H(x)$.
#
# Each gate is a layer of sigmoids that looks at $x_t$ and $h_{t-1}$. Its bias decides where it stands before it has learned anything.
# In the drawing a wire is as thick as its gate is open. On the right, a 1 is written at step 10, and noise knocks at all other steps.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: three gates in one cell, two in the other. Do not read the formulas out; the drawing comes next.

# %% [markdown] slideshow={"slide_type": "subslide"}
# *Try:* (1) Keep the 1 until step 100, with *keep* and *write*. (2) Close the output (*show*). Is the memory gone? (3) The GRU:
# what can it not do?

# %%
def gates(axes, cell="LSTM", keep=0.0, write=0.0, show=0.0):
    f, i, o = torch.tensor([keep, write, show]).double().sigmoid()
    i, state = (i if cell == "LSTM" else 1 - f), [torch.zeros(()).double()]
    for t in range(100):
        state.append(f * state[-1] + (1 if t == 10 else i * noise[t]))
    state = torch.stack(state)
    shown = {"c": state, "h": o * state.tanh()} if cell == "LSTM" else {"h": state}
    plots.draw_lines(axes[1], shown, xlabel="step", ylabel="state", markers=False, limits=(-2, 3))
    told = cells.draw_lstm(axes[0], f, i, o) if cell == "LSTM" else cells.draw_gru(axes[0], f, o)
    return f"{told} Of the 1 from step 10, {f**90:.2g} is left at step 100."

noise = torch.randn(100, generator=torch.Generator().manual_seed(0)).double().tanh()
explore(gates, panels=2, size=(10, 3.8), cell=["LSTM", "GRU"], keep=(-2.0, 8.0, 0.5),
        write=(-8.0, 2.0, 0.5), show=(-6.0, 6.0, 0.5))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: keep at 8 and write at -8. Then keep at 0. Then show at -6.
# Expect: with the output gate closed, many think that the memory is gone.
# Answer: h is zero, c is untouched. The GRU cannot keep and write at once: what it keeps, it does not write.

# %% [markdown] slideshow={"slide_type": "slide"}
# The forget gate alone decides what is left of the gradient on its direct way: the product of all forget gates in between. The
# input gate keeps noise out. The output gate hides the memory without touching it.
#
# So an LSTM can heal the disease. Does it, as PyTorch makes it?

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: three gates, three jobs; only one of them decides about the gradient.

# %% slideshow={"slide_type": "subslide"}
predict(
    "An nn.LSTM, as PyTorch makes it, reads 100 symbols: which part of the gradient "
    "arrives at the first?",
    by_lag, kind="lstm", right=chapter07.RIGHT["a fresh LSTM"],
    guess=[("all of it", 1.0), ("a hundredth", 1e-2), ("1e-6", 1e-6), ("1e-20", 1e-20)])

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: an LSTM exactly as PyTorch makes it, 100 symbols. What arrives at the first?
# Expect: nearly all hands for "all of it".
# Misconception: the architecture alone cures: it adds, so nothing decays.
# Answer: about 1e-20. The forget gate starts at one half.

# %% [markdown] slideshow={"slide_type": "slide"}
# The forget gate starts at $\sigma(0) = \frac12$, and $0.5^{100}$ is $10^{-30}$. (A second way, through $h$, adds a little.) The
# architecture is half of the cure. The other half is one number, *the bias of the gate that keeps*. Here are 1,000 steps.
#
# *Try:* (1) Bias 0, 1, 2. (2) Then 6 and 8. Why does the LSTM sink again, and the GRU does not? (3) Chrono.

# %%
def thousand_steps(ax, bias=5.0, chrono=False):
    both = {kind: make_cell(kind.lower(), 8, 16) for kind in ("LSTM", "GRU")}
    for cell in both.values():
        chrono_(cell, 1000) if chrono else keep_(cell, bias)
    left = {kind: measure_through_time(cell, symbols(1000)) for kind, cell in both.items()}
    plots.draw_by_lag(ax, left, limits=(1e-40, 1e5))
    return f"Left after 1,000 steps: LSTM {left['LSTM'][-1]:.0e}, GRU {left['GRU'][-1]:.0e}."

explore(thousand_steps, bias=(0.0, 8.0, 0.5), chrono=False)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Do: bias 0, 1, 2, 5, then 8, where the LSTM sinks again; then tick chrono.
# Say: one line of code is the other half of the cure.

# %% [markdown] slideshow={"slide_type": "slide"}
# At 8 the LSTM forgets nothing, and its input gate is half open. All that it reads piles up in $c$, until $\tanh c$ saturates. (A GRU
# that keeps does not write.) **Chrono** initialization heals that, too. <!-- term: Biases for gates (Tallec and Ollivier 2018): each unit keeps for a time of its own, up to the longest that is expected, and writes the less the longer it keeps. -->
# Each unit gets a time span of its own, from 1 up to the longest lag $T$ that you expect: $b_f = \ln U(1, T-1)$. And a unit that keeps for
# long writes little: $b_i = -b_f$.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Ask: why does the LSTM sink at 8?
# Answer: it keeps everything, and its input gate is half open; so it overflows. Who keeps for long must write little.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it matter?
#
# A small gradient may be enough, if we wait, or choose the rate well. So try three rates, and count the steps. These LSTMs differ in
# their biases alone, and must recall the first of 21 symbols. Each point is a net. At 600 steps the race ends.

# %% slideshow={"slide_type": "skip"}
def made(start, seed):
    cell = make_cell("lstm", 8, 16, seed=seed, dtype=torch.float32)
    if start != "default":
        keep_(cell, 1.0) if start == "b_f = 1" else chrono_(cell, 20)
    return Reader(cell, seed=seed)

nets, runs = {}, {}
for start, rate in itertools.product(("default", "b_f = 1", "chrono"), (0.003, 0.01, 0.03)):
    nets[start, rate] = {seed: made(start, seed) for seed in range(2)}
    runs[start, rate] = race(nets[start, rate], *datasets.recall(1024, 20), steps=600, lr=rate,
                             optimizer="adam", batch=32, clip=1.0, until=recalls(20), live="bar")

# %%
steps = {f"{start}, rate {rate}": [run.steps for run in among.values()]
         for (start, rate), among in runs.items()}
show(plots.draw_strips, steps, xlabel="steps until it recalls; at 600 it has not")
chrono = max(max(counts) for name, counts in steps.items() if name.startswith("chrono"))
claim("C7.10", f"Adam at 0.003 to 0.03: all chrono nets recall within {chrono} steps; the default "
      "ones do within 600 steps at 0.01, and do not at 0.003",
      chrono < 400 and min(steps["default, rate 0.003"]) == 600 > max(steps["default, rate 0.01"]),
      unless=list(runs.values()), only=("rate", "budget"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2.5 / 1
# Ask: which of the three would you trust with a rate that you have not tried?
# Answer: chrono.

# %% [markdown] slideshow={"slide_type": "slide"}
# The default LSTM is not hopeless. It does learn a lag of 20, at the right rate, if one waits. It is slow and touchy. So is $b_f = 1$. With chrono
# biases all six nets learn, and soon.
#
# What has training changed in a default net? Here is what it passes on, before and after.

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
# *Training itself opens the gates.* After it, a tenth or more gets through to every step. But it needs a gradient to begin with. At lag 20 a
# fifty-thousandth was left, and Adam, which divides by the gradient's size, could use it. At lag 100 it is $10^{-20}$.
#
# ## A song, by heart
#
# Does it show on a text? *On the seventh day of Christmas my true love gave to me* ... which gift? In all twelve verses the same forty letters stand
# between the day and the gift. An RNN and a chrono LSTM read them letter by letter, and learn to name the next letter. Then both sing on
# their own.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1 / 0.5
# Ask: which gifts will the RNN name?
# Expect: random ones, or misspelt ones.

# %% slideshow={"slide_type": "skip"}
text, begin = torch.tensor(song.CODES), song.BEGIN       # twelve lines, and where their gifts begin
rnn, lstm_64 = (make_cell(kind, 28, 64, dtype=torch.float32) for kind in ("rnn", "lstm"))
singers = {"RNN": Reader(rnn, 28, every_step=True),
           "LSTM, chrono": Reader(chrono_(lstm_64, 50), 28, every_step=True)}

@torch.no_grad()
def sing(net):               # the twelve gifts, each letter from all before it
    x = text[:, :begin]
    while x.shape[1] < text.shape[1]:
        x = torch.cat([x, net(x)[:, -1:].argmax(2)], 1)
    return x[:, begin:]

songs = race(singers, text[:, :-1], text[:, 1:], steps=500, lr=0.02, optimizer="adam", batch=12,
             clip=1.0, loss_fn=lambda out, y: F.cross_entropy(out.mT, y), title="A song")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Which gift does the RNN name on the seventh day? The ink shows what it depends on.

# %%
def heard(ax, day=7):        # how much the gift's first letter depends on each letter before it
    rows, line = {}, text[day - 1]
    for name, net in singers.items():
        x = F.one_hot(line[None, :begin], 28).float().requires_grad_()
        (gradient,) = torch.autograd.grad(net(x)[0, -1, line[begin]], x)
        title = f"{name}: {song.spell(sing(net)[day - 1])}"
        rows[title] = song.spell(line[:begin]), gradient[0].norm(dim=1)
    return cells.draw_text(ax, rows)

show(heard, size=(10, 2.6))
rnn, lstm = ((sing(net) == text[:, begin:]).all(1).sum() for net in singers.values())
claim("C7.11", f"after 500 steps of Adam at 0.02 the RNN has {rnn} of 12 right, the LSTM {lstm}",
      rnn <= 2 and lstm >= 8, unless=songs, only=("rate", "optimizer", "budget"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2 / 1
# Answer: the same one every day, well spelt. The day itself is white: it is out of reach.
# Say: one line of code, chrono, separates the two rows.

# %% [markdown] slideshow={"slide_type": "slide"}
# The RNN spells its gifts well, and names the same one every day. For it the day is out of reach, as the ink shows.
#
# ## Today: a learned decay, and a direct way
#
# Two newer answers. A **linear recurrence** has no tanh and no gate that looks at the state. <!-- term: A recurrence without a bend, h_t = a h_(t-1) + x_t, whose decay a is learned; all its steps can be computed at once. -->
# Each unit has a decay $a$, which is learned: $h_t = a \odot h_{t-1} + x_t$. Its gradient is $a^{\text{lag}}$, and all its steps can be computed
# at once. Models such as Mamba are built on it. **Attention** (chapter 6) drops the recurrence. The last step looks at every earlier one directly.

# %%
def two_heirs(ax):
    x, lags = symbols(301).requires_grad_(), torch.arange(300, -1, -1)
    ends = {
        "RNN": make_cell("rnn", 8, 8)(x)[0][-1],
        "attention": torch.softmax(x @ x[-1] / 8**0.5, 0) @ x,          # the last step looks at all
        "linear recurrence": (0.99 ** lags[:, None] * x).sum(0),        # all steps at once
    }
    grads = {name: torch.autograd.grad(end.sum(), x)[0].norm(dim=1) for name, end in ends.items()}
    plots.draw_by_lag(ax, {name: left.flip(0) for name, left in grads.items()}, limits=(1e-20, 10))

show(two_heirs)

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5
# Ask: what does attention pay for its level line?
# Answer: every step looks at every other: the square of the length.

# %% [markdown] slideshow={"slide_type": "slide"}
# Attention's line is level. To be far away costs nothing. The price is that every step looks at every other, which is quadratic in the
# length. And a Transformer has many layers: the disease is back in depth, where chapter 6's skips hold it.
#
# ## One idea, four nets
#
# This is the course's last picture. Its four nets have one formula. From step to step, or from layer to layer, they *carry* the old, and
# *add* something new:
#
# $$x_{l+1} = a \odot x_l + b \odot F(x_l)$$
#
# | | carries $a$ | adds $b$ |
# |---|---|---|
# | LSTM 1997 | forget gate $f \to 1$ | input gate $i$ |
# | Highway 2015 | $1-t \to 1$ | transform gate $t$ |
# | ResNet 2015, Transformer 2017 | 1 | 1, or $1/\sqrt L$ |

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: four inventions, one line: give the gradient a way on which it is multiplied by one.

# %% [markdown] slideshow={"slide_type": "subslide"}
# On the left are fifty steps or layers of each. On the right is the same $F$ without its way, $a = 0$ and $b = 1$. *Scale* multiplies all
# weights. At 1 they are right, Xavier's for tanh and He's for ReLU. *Try:* 0.7, then 1, then 1.3.

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
        plots.draw_by_lag(ax, curves, ylabel="gradient left", limits=(1e-20, 1e10))
        ax.set_title(title)
    return f"All weights are {scale:.1f} times as large as they should be."

explore(one_idea, panels=2, size=(10, 4), scale=(0.5, 1.5, 0.1))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3 / 2
# Ask: one of the four keeps its norm without its way. Is it well?
# Answer: the Transformer: layer norm holds the norm, and its tokens become alike.

# %% [markdown] slideshow={"slide_type": "slide"}
# Without its way, a net depends on weights that are exactly right. Chapters 1 to 5 have taught you how to find them: at scale 1 the plain
# ResNet keeps its gradient, thanks to He. *With its way, it hardly depends on them.* (The Transformer's norm undoes the scale. What it loses
# without skips is what tells its tokens apart.)
#
# ## The final clinic
#
# Patient A is an LSTM that reads 101 symbols and must name the first. It guesses. Below is what is left of its gradient. The other four
# come from the chapters before. Name all five diseases. (Run the cell with its dots to hear the choices.) Then treat them, one
# after the other, and hear what `diagnose` says.

# %%
left = measure_through_time(chapter07.WARD["A"].make().cell.double(), symbols(100))
show(plots.draw_by_lag, {"patient A": left}, size=(9, 2.6))

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 2
# Ask: what ails patient A, and which of the three treatments would you give?
# Answer: a memory that forgets. A bias of 1 is not enough for 100 steps; chrono is.

# %% slideshow={"slide_type": "skip"}
for bed in "BCDE":
    display(clinic.chart(chapter07.WARD[bed], "gradient", "std of z", "saturated", "dead"))
diagnoses = {"A": ..., "B": ..., "C": ..., "D": ..., "E": ...}
clinic.rounds(chapter07.WARD, diagnoses)

# %% slideshow={"slide_type": "skip"}
bed = "A"
prescription = ...
display(clinic.treat(chapter07.WARD[bed], prescription))
clinic.second_opinion(chapter07.WARD[bed], diagnoses[bed])

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# Replace the dots and run the cell. It answers at once, and you may try as often as you like.
#
# ### 1. The bias for a half-life
#
# `bias_for(steps)`: which bias makes a constant forget gate $f = \sigma(b)$ keep one half over so many steps? A number in,
# a number out; for 1,000 steps about 7.27.
#
# <details><summary>Hint</summary>
#
# $f^{\text{steps}} = \frac12$; and $\sigma(b) = f$ means $b = \ln\frac{f}{1-f}$.
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
    """A number of steps -> a bias, a number."""
    ...

chapter07.check_bias_for(bias_for)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### 2. Repair it
#
# An LSTM of 16 units reads 101 symbols and must name the first. Choose one bias for all its forget gates and one for all its
# input gates, so that 300 steps of Adam (0.01) teach it. (Chrono would give each unit its own. Here two numbers must do.)
#
# <details><summary>Hint</summary>
#
# The forget gates should keep over 100 steps. And a hundred distractors must not fill the memory: what did chrono do about the
# input gates?
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
# `clip_norm(g, c)`: shorten the tensor `g` to the norm `c` if it is longer, and keep its direction; else return it as it is.
#
# <details><summary>Hint</summary>
#
# Multiply by one number, $c/\Vert g\Vert$ or 1, whichever is smaller. The norm is that of *all* entries.
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
    """A tensor and the largest norm that it may keep -> a tensor of the same shape."""
    ...

chapter07.check_clip_norm(clip_norm)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Summary
#
# - A recurrent net is a deep net with one matrix. Its gradient vanishes or explodes with the lag. Clipping cures the explosion
#   only.
# - LSTM and GRU carry their state on a way of its own, multiplied by a gate. With PyTorch's biases the gate stands half open,
#   and the gradient vanishes all the same. With the right biases it crosses 1,000 steps.
# - Carousel, highway, residual stream: give the gradient a way on which it is multiplied by one.
#
# This is where seven chapters lead. Slopes and weights multiply over depth and time. Hold their product at one, or build a way
# around it. The [evidence](evidence/07_lstm_gru.ipynb) has the rest.
#
# ## Take it home
#
# Chrono biases for all layers of your own `nn.LSTM`.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1.5 / 0.5
# Say: slopes, weights and depth multiply. Keep their product at one, or build a way around it.

# %% tags=["take-home"] slideshow={"slide_type": "skip"}
import torch
from torch import nn

@torch.no_grad()
def remember_(lstm, longest):               # longest: the steps that a memory is to last
    n = lstm.hidden_size
    for name, bias in lstm.named_parameters():
        if name.startswith("bias"):         # there are two, and PyTorch adds them up
            spans = torch.empty(n).uniform_(1, longest - 1).log() * name.startswith("bias_ih")
            bias[: 2 * n] = torch.cat([-spans, spans])      # input gate, then forget gate

remember_(nn.LSTM(32, 64, num_layers=2), longest=100)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - Bengio, Simard, Frasconi 1994, *Learning long-term dependencies with gradient descent is difficult*, IEEE TNN 5(2)
# - Hochreiter, Schmidhuber 1997, *Long short-term memory*, Neural Computation 9(8)
# - Gers, Schmidhuber, Cummins 1999, *Learning to forget*, ICANN
# - Pascanu, Mikolov, Bengio 2013, *On the difficulty of training recurrent neural networks*, ICML
# - Cho et al. 2014, arXiv 1406.1078 (GRU)
# - Vaswani et al. 2017, *Attention is all you need*, arXiv 1706.03762
# - Tallec, Ollivier 2018, *Can recurrent neural networks warp time?*, arXiv 1804.11188
# - Gu, Dao 2023, *Mamba*, arXiv 2312.00752
