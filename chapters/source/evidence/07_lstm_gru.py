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

# %% [markdown]
# # 7 · The evidence: nets in time
#
# The [lesson](../07_lstm_gru.ipynb) asks why a net forgets what it read first. Here stand rules that fail, a latch, the LSTM's numbers
# with more seeds, other matrices and norms, truncated backpropagation, the carousel over 1,000 steps, and the timeline. The sections do not depend on each
# other; run the next two cells, and then any of them.

# %%
import torch
from torch import nn
from torch.nn import functional as F
from utils import Reader, activations, chrono_, claim, datasets, explore, fit, keep_, make_cell
from utils import meanfield, measure_through_time, plots, race, show, table, timeline

# %%
torch.set_num_threads(1)

def symbols(steps, seed=0):          # random symbols, one-hot: (steps, 8)
    return F.one_hot(datasets.recall(1, steps, seed=seed)[0][0, 1:].long(), 8).double()

def input_gradient(cell, seed, steps=100):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(16, steps, 8, generator=generator, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(cell(x.requires_grad_())[0][:, -1].sum(), x)
    return gradient.norm(dim=(0, 2))                                 # (steps,)

# %% [markdown]
# ## What popular sources say
#
# | You may read | Verdict |
# |---|---|
# | "200 to 400 steps are like as many layers, and the gradient may drop by more than 10,000" | true, and hugely understated: over 1e19 after 100 |
# | "A spectral radius below 1 makes the gradient vanish, one above 1 makes it explode" | false for a net that is not linear |
# | "Spectral radius and largest singular value are the same" | false for nearly every matrix |
# | "The alternative to vanishing is explosion" | or a memory that noise wipes out |
# | "The LSTM is additive, so its gradient does not vanish" | false with PyTorch's biases |
# | "The LSTM of 1997 has three gates" | two; the forget gate came in 1999 |
# | "An LSTM cannot explode" | it can, through $h$ |
# | "Clip the values of the gradient" | that bends its direction |

# %%
ratios, radii = [], []
for seed in range(4):
    cell = make_cell("rnn", 8, 128, seed=seed)
    by_step = input_gradient(cell, seed)
    ratios.append((by_step[0] / by_step[-1]).item())
    radii.append(torch.linalg.eigvals(cell.weight_hh_l0).abs().max().item())
claim("C7.03", "four RNNs of 128 units as PyTorch makes them: the first of 100 inputs gets at "
      f"most {max(ratios):.0e} of the last one's gradient; their spectral radii are "
      f"{min(radii):.2f} to {max(radii):.2f}, about 1/sqrt(3)",
      max(ratios) < 1e-19 and max(abs(radius - 3**-0.5) for radius in radii) < 0.1)

# %% [markdown]
# ## By hand, and with better weights
#
# The lesson's product of slopes and weights, step by step, is what autograd finds:

# %% tags=["claim-C7.01"]
cell, x = make_cell("rnn", 8, 16), symbols(20)
W, U, b = cell.weight_hh_l0, cell.weight_ih_l0, cell.bias_ih_l0 + cell.bias_hh_l0
h = [torch.zeros(16, dtype=torch.float64)]
for x_t in x:
    h.append(torch.tanh(W @ h[-1] + U @ x_t + b))
product = torch.eye(16, dtype=torch.float64)
for h_t in reversed(h[2:]):
    product = product @ torch.diag(1 - h_t**2) @ W                   # slopes, then weights
(autograd,) = torch.autograd.grad(h[20].sum(), h[1])
assert torch.allclose(product.sum(0), autograd)

# %% [markdown]
# PyTorch draws $W$ with a variance of $1/(3n)$. Chapter 5 gives tanh $1/n$, three times as much, and an orthogonal $W$ keeps lengths. How far
# do they carry?

# %%
def better(kind, seed, steps):
    cell, generator = make_cell("rnn", 8, 64, seed=seed), torch.Generator().manual_seed(seed)
    W = torch.randn(64, 64, generator=generator).double() / 8
    cell.weight_hh_l0.data = torch.linalg.qr(W)[0] if kind == "orthogonal" else W
    return measure_through_time(cell, symbols(steps))[-1].item()

hundred = [better(kind, seed, 100) for kind in ("std 1/8", "orthogonal") for seed in range(3)]
thousand = [better(kind, seed, 1000) for kind in ("std 1/8", "orthogonal") for seed in range(3)]
claim("C7.03", f"with weights of std 1/sqrt(64), and with orthogonal ones, {min(hundred):.0e} to "
      f"{max(hundred):.0e} is left after 100 steps, and {max(thousand):.0e} at most after 1,000",
      min(hundred) > 1e-6 and max(thousand) < 1e-12)

# %% [markdown]
# ## One matrix, and chapter 1's theory
#
# Without a bend the spectral radius decides. With tanh, chapter 1's $\sqrt\chi$ per step takes over, although it was made for a
# new random matrix in each layer. *Try:* identity at 0.8, 1 and 1.2; tanh at 1.2; is there a radius that saves the sigmoid?

# %%
generator = torch.Generator().manual_seed(0)
G, noise = torch.randn(164, 64, generator=generator).double().split([64, 100])
G = G / torch.linalg.eigvals(G).abs().max()                          # of spectral radius 1

def one_matrix(ax, radius=1.2, activation="tanh"):
    phi = activations.get(activation).value
    left = measure_through_time(lambda x, h: phi(radius * h @ G.T + x / 2), noise, noise[0] * 0)
    q = (1.0 if activation == "identity"
         else meanfield.q_fixed_point(activation, radius, sigma_b=0.5))
    factor = meanfield.chi(activation, min(q, 1e6), radius) ** 0.5
    plots.draw_by_lag(ax, {"measured": left}, factor ** torch.arange(101.0), limits=(1e-30, 1e10))
    return f"Per step: theory {factor:.3f}, measured {left[-1] ** 0.01:.3f}."

explore(one_matrix, radius=(0.6, 1.6, 0.1), activation=["identity", "tanh", "relu", "sigmoid"])

# %% [markdown]
# ## Three rules that are not
#
# The **spectral radius** $\rho$ of a matrix is the largest modulus of its eigenvalues. Four products of small matrices do not do what
# $\rho$ says: one grows fourfold before it shrinks; two matrices with $\rho = 0$ explode when they take turns; and two
# tanh nets do the contrary.

# %%
def tanh_jacobians(W, b, h, steps=50):
    W, b, h, jacobians = (*(torch.tensor(value).double() for value in (W, b, h)), [])
    for _ in range(steps):
        h = torch.tanh(W @ h + b)
        jacobians.append(torch.diag(1 - h**2) @ W)
    return torch.stack(jacobians)                                    # (steps, 2, 2)

shear = torch.tensor([[0.8, 2.0], [0.0, 0.8]]).double()
A = torch.tensor([[0.0, 2.0], [0.0, 0.0]]).double()
examples = {                                                         # name: (rho, Jacobians)
    "one matrix, ρ 0.8": shear.expand(50, 2, 2),
    "two in turn, ρ 0": torch.stack([A.T, A] * 25),
    "tanh net, ρ 0.2": tanh_jacobians([[1.2, -1.0], [1.0, -0.8]], [1.0, 20.0], [0.0, 1.0]),
    "tanh net, ρ 1.5": tanh_jacobians([[0.9, -1.2], [1.2, 0.9]], [3.0, 3.0], [0.0, 0.0]),
}

# %%
norms = {}
for name, jacobians in examples.items():
    product, norms[name] = torch.eye(2).double(), [1.0]
    for jacobian in jacobians:
        product = jacobian @ product
        norms[name].append(torch.linalg.matrix_norm(product, 2).item())

show(plots.draw_by_lag, norms, xlabel="step", ylabel="norm of the product", limits=(1e-20, 1e16))
first, turns, grows, dies = norms.values()
claim("C7.02", f"the norms: {first[5]:.1f} after 5 steps and {first[50]:.0e} after 50; "
      f"{turns[50]:.0e}; {grows[50]:,.0f}; {dies[50]:.0e}",
      first[5] > 4 and first[50] < 0.01 and turns[2] == 4 and turns[50] == 2.0**50 and
      abs(grows[50] / 1.2**50 - 1) < 0.4 and dies[50] < 1e-14)

# %% [markdown]
# So, with $|\phi'| \le \gamma$ (1 for tanh, a quarter for the sigmoid) and $s_{\max}$ the largest singular value of $W$:
#
# - $s_{\max} < 1/\gamma$ is sufficient to vanish, as every factor then shrinks every vector.
# - $s_{\max} > 1/\gamma$ is necessary to explode, and not sufficient, as saturated slopes can still kill.
# - $\rho < 1$ is sufficient for a *linear* net only, and only in the end.
#
# ## A latch
#
# Bengio, Simard and Frasconi asked in 1994 what a net needs in order to store one bit. One unit, $h_t = \tanh(w h_{t-1} +
# \text{noise})$, has two resting places if $w > 1$: a **latch**. Between them lies a third fixed point, 0, and it is unstable: every
# deviation from it grows by the factor $w$, until the unit rests at one of the other two. So the gradient explodes beside 0 and
# vanishes where the bit is kept. How many of 400 bits survive 100 noisy steps, and what is left of
# the gradient? Two sizes of noise:

# %%
weights = torch.tensor([0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0]).double()[:, None]  # (9, 1)
bit = torch.tensor([1.0, -1.0]).double().repeat_interleave(200)      # (400,)
bits, gradients = {}, {}
for size in (0.01, 0.3):
    generator = torch.Generator().manual_seed(0)
    h, left = 0.9 * bit.expand(9, 400), torch.ones(9, 400).double()
    for _ in range(100):
        h = torch.tanh(weights * h + size * torch.randn(400, generator=generator))
        left = left * weights * (1 - h**2)
    bits[f"noise {size}"] = (h * bit > 0).double().mean(1)
    gradients[f"noise {size}"] = left.median(1).values

# %%
def latch(axes):
    plots.draw_lines(axes[0], bits, weights[:, 0], xlabel="weight w", ylabel="bits that survive",
                     limits=(0.4, 1.05))
    plots.draw_lines(axes[1], gradients, weights[:, 0], xlabel="weight w", ylabel="gradient left",
                     log=True)

show(latch, panels=2)

# %%
survive, left = bits["noise 0.3"], gradients["noise 0.3"]
claim("C7.04", f"at noise 0.3 a weight of 2 or more keeps {survive[-3:].min():.0%} of the bits at "
      "least, and 1e-50 of the gradient at most; a weight of 1.1 or less keeps "
      f"{survive[:4].max():.0%} of the bits at most",
      survive[-3:].min() > 0.95 and left[-3:].max() < 1e-50 and survive[:4].max() < 0.7)
quiet = bits["noise 0.01"][3], gradients["noise 0.01"][3]
claim("C7.04", f"at noise 0.01 the weight 1.1 keeps {quiet[0]:.0%} of the bits, and "
      f"{quiet[1]:.0e} of the gradient", quiet[0] > 0.95 and quiet[1] < 1e-3)

# %% [markdown] tags=["claim-C7.06"]
# A latch that withstands noise sits where tanh is flat. That is why it withstands, and why its gradient is gone. Where the gradient is
# larger, noise of 0.3 wipes it out. The alternative to vanishing may be a memory that forgets.
#
# ## The LSTM, out of the box and with a bias
#
# The LSTM of 1997 had an input gate and an output gate. There was no forget gate, so its carousel was exact; and its authors
# *cut off* the gradient at the gates on purpose, so that the carousel was the only way back. Gers, Schmidhuber and Cummins
# added the forget gate in 1999, since a cell that cannot forget overflows on long streams. "LSTM (1997) with its three gates"
# mixes two papers. Gers et al. already started it near 1, Jozefowicz et al. (2015) recommend $b_f = 1$ again, and Keras does it;
# PyTorch does not.

# %%
carousel = 1.0**1000
gate = {bias: torch.tensor(float(bias)).double().sigmoid().item() for bias in (0, 1, 2, 5, 7.27)}
claim("C7.05", f"a cell that keeps all leaves {carousel} after 1,000 steps, gates of ½ leave "
      f"{0.5**100:.0e} after 100", carousel == 1 and 7e-31 < gate[0] ** 100 < 9e-31)
half_life = {bias: (torch.tensor(0.5).log() / torch.tensor(f).log()).item()
             for bias, f in gate.items()}
claim("C7.08", f"bias 1 leaves {gate[1] ** 100:.1e} after 100 steps; a half-life of 1,000 steps "
      f"needs {gate[7.27]:.5f}, a bias of 7.27",
      2.4e-14 < gate[1] ** 100 < 2.6e-14 and abs(half_life[7.27] - 1000) < 10)
table({"bias": list(gate), "f": list(gate.values()),
       "after 100 steps": [f**100 for f in gate.values()],
       "half-life": list(half_life.values())}, form="{:.3g}")

# %%
left = {}
kinds = [("rnn", None), ("gru", None), ("lstm", None), ("lstm", 1), ("lstm", 5), ("gru", 5)]
for kind, bias in kinds:
    for seed in range(4):
        cell = make_cell(kind, 8, 128, seed=seed)
        by_step = input_gradient(cell if bias is None else keep_(cell, bias), seed)
        left.setdefault((kind, bias), []).append((by_step[0] / by_step[-1]).item())

# %%
only_c = []
for seed in range(4):                    # the way through h closed, and no biases
    cell = make_cell("lstm", 8, 128, seed=seed)
    for parameter in (cell.weight_hh_l0, cell.bias_ih_l0, cell.bias_hh_l0):
        parameter.data.zero_()
    by_step = input_gradient(cell, seed)
    only_c.append((by_step[0] / by_step[-1]).item())

# %%
fresh = max(max(left[kind, None]) for kind in ("rnn", "gru", "lstm"))
claim("C7.09", f"RNN, GRU and LSTM as they come: {fresh:.0e} at most of the last input's gradient "
      "at the first of 100", fresh < 1e-16)
one, five = left["lstm", 1], left["lstm", 5]
claim("C7.09", f"an LSTM with b_f = 1: {min(one):.0e} to {max(one):.0e}, with 5: "
      f"{min(five):.1f} to {max(five):.0f}",
      1e-8 < min(one) and max(one) < 1e-5 and 0.5 < min(five) < max(five) < 200)
claim("C7.09", f"without the way through h: {max(only_c):.0e}, about ½ to the hundredth",
      1e-31 < min(only_c) and max(only_c) < 1e-29)
by_seed = {f"seed {seed}": [ratios[seed] for ratios in left.values()] for seed in range(4)}
table({"cell": [f"{kind}, {'default' if bias is None else f'bias {bias}'}" for kind, bias in left],
       **by_seed}, form="{:.0e}")

# %% [markdown]
# And over 1,000 steps? At a forget bias of 8 the cell state of an LSTM piles up, and tanh saturates. Chrono shuts the input gates, too.

# %%
full, far = keep_(make_cell("lstm", 8, 16), 8.0), symbols(1000)
c = full(far[None])[1][1]
slope = (1 - c.tanh() ** 2).mean()
sunk = measure_through_time(full, far)[-1]
chrono = [chrono_(make_cell("lstm", 8, 16, seed=seed), 1000) for seed in range(3)]
held = [measure_through_time(cell, far)[-1].item() for cell in chrono]
claim("C7.09", "1,000 steps at b_f = 8, with the weights of seed 0: the cell state is "
      f"{c.abs().mean():.0f} on average, the slope of tanh {slope:.2f}, and {sunk:.0e} is left; "
      f"with chrono biases {min(held):.2f} to {max(held):.2f}",
      slope < 0.2 and sunk < 1e-5 and min(held) > 0.02, only=("seed",))

# %% [markdown]
# ## LSTM and GRU, written out
#
# PyTorch's order of the gates is i, f, g, o, and r, z, n. It has two biases, one for the input and one for the state. Only
# their sum counts, except in the GRU's candidate, where the reset gate multiplies what comes from the state, its bias included.
# (Cho et al.'s first preprint applies the reset gate before the matrix, and Chung et al. swap $z$ and $1 - z$.)

# %%
def lstm(x, h, c, U, W, b):                                          # x (8,), h and c (32,)
    i, f, g, o = (U @ x + W @ h + b).chunk(4)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c

def gru(x, h, U, W, b_i, b_h):
    (r, z, n), (r_h, z_h, n_h) = (U @ x + b_i).chunk(3), (W @ h + b_h).chunk(3)
    r, z = (r + r_h).sigmoid(), (z + z_h).sigmoid()
    return (1 - z) * torch.tanh(n + r * n_h) + z * h

cells = {kind: make_cell(kind, 8, 32) for kind in ("rnn", "lstm", "gru")}
parameters = {kind: sum(p.numel() for p in cell.parameters()) for kind, cell in cells.items()}
claim("C7.11", f"8 inputs, 32 units, parameters: {parameters}",
      list(parameters.values()) == [1344, 5376, 4032])

# %%
h = c = h_gru = torch.zeros(32).double()
U, W, b_i, b_h = cells["lstm"].parameters()
for x_t in symbols(50):
    h, c = lstm(x_t, h, c, U, W, b_i + b_h)
    h_gru = gru(x_t, h_gru, *cells["gru"].parameters())
theirs = {kind: cells[kind](symbols(50)[None])[0][0, -1] for kind in ("lstm", "gru")}
claim("C7.11", "after 50 steps both are PyTorch's",
      torch.allclose(h, theirs["lstm"]) and torch.allclose(h_gru, theirs["gru"]))

# %% [markdown]
# ## Explosion and clipping
#
# Gates bound the cell's own path. But $h$ still runs through $W$, and with a large $W$ an LSTM explodes like any other net. An RNN of
# ReLUs whose matrix is 1.1 times the identity explodes too, and there clipping earns its place.

# %%
largest = {}
for factor in (1, 16, 32):
    made = [keep_(make_cell("lstm", 8, 32, seed=seed), 1.0) for seed in range(4)]
    for cell in made:
        cell.weight_hh_l0.data *= factor
    largest[factor] = torch.stack([measure_through_time(cell, symbols(200)).max() for cell in made])
claim("C7.12", f"largest gradient within 200 steps: {largest[1].max():.1f} at most; with W 32 "
      f"times as large {largest[32].median():.0e} in the median",
      largest[1].max() < 10 and largest[32].median() > 1e6)

# %%
g, small = torch.tensor([3.0, 4.0, 100.0]), nn.Parameter(torch.zeros(3))
small.grad = torch.full((3,), 1e-20)
nn.utils.clip_grad_norm_(small, 1.0)
bent = F.cosine_similarity(g, g.clamp(-1, 1), dim=0)
claim("C7.13", f"clipping each entry bends (3, 4, 100): cosine {bent:.3f}; clipping the norm "
      "leaves a gradient of 1e-20 as it is",
      abs(bent - 0.617) < 1e-3 and small.grad.max() < 2e-20)

# %%
def growing_rnn(seed):
    cell = make_cell("rnn", 8, 32, seed=seed, dtype=torch.float32)
    cell.nonlinearity, cell.mode = "relu", "RNN_RELU"
    cell.weight_hh_l0.data = 1.1 * torch.eye(32)
    return Reader(cell, seed=seed)

runs = {clip: race({f"seed {seed}": growing_rnn(seed) for seed in range(3)},
                   *datasets.recall(1024, 20), steps=300, lr=0.01, batch=32, clip=clip,
                   live=False) for clip in (None, 1.0)}
wild, tame = ([run.accuracy for run in runs[clip].values()] for clip in (None, 1.0))
claim("C7.12", f"recall at lag 20, 300 steps of SGD at 0.01 (momentum 0.9): {max(wild):.0%} at "
      f"most without clipping, {min(tame):.0%} at least with it",
      max(wild) < 0.5 and min(tame) > 0.95, unless=list(runs.values()),
      only=("rate", "optimizer", "budget"))

# %% [markdown]
# ## Another matrix, another norm
#
# **Orthogonal** matrices (Saxe et al. 2014), the identity with ReLU (Le et al. 2015) and complex **unitary** matrices (Arjovsky et
# al. 2016) multiply no vector's length. In a net without a bend nothing is lost or gained, ever. With tanh the slopes still take
# their part. Unitary nets therefore use a bend that leaves the phase of each number alone, and only shifts its size (modReLU).

# %%
def powers(seed, steps=1000):
    generator = torch.Generator().manual_seed(seed)
    Q = torch.linalg.qr(torch.randn(64, 64, generator=generator).double())[0]
    inputs = 0.1 * torch.randn(steps, 64, generator=generator).double()
    start = torch.zeros(64).double()
    linear = {"orthogonal": lambda x, h: h @ Q.T + x, "identity": lambda x, h: h + x}
    bent = {f"{name}, tanh": lambda x, h, step=step: torch.tanh(step(x, h))
            for name, step in linear.items()}
    return {name: measure_through_time(step, inputs, start)[-1].item()
            for name, step in (linear | bent).items()}

# %%
routes = [powers(seed) for seed in range(3)]
straight = [left[name] for left in routes for name in ("orthogonal", "identity")]
bent = [left[name] for left in routes for name in ("orthogonal, tanh", "identity, tanh")]
claim("C7.14", f"after 1,000 steps without a bend {min(straight):.6f} to {max(straight):.6f} is "
      f"left, with tanh {max(bent):.0e} at most",
      max(abs(number - 1) for number in straight) < 1e-6 and max(bent) < 1e-5)

# %%
def modrelu(z, b):                    # of complex numbers: their size is shifted, their phase stays
    return z * torch.relu(z.abs() + b) / z.abs()

generator = torch.Generator().manual_seed(0)
Q = torch.linalg.qr(torch.randn(32, 32, generator=generator, dtype=torch.complex128))[0]
h = start = torch.randn(32, generator=generator, dtype=torch.complex128).requires_grad_()
for x_t in 0.1 * torch.randn(500, 32, generator=generator, dtype=torch.complex128):
    h = modrelu(h @ Q.T + x_t, -0.001)
towards = torch.randn(32, generator=generator, dtype=torch.complex128)
(gradient,) = torch.autograd.grad((h * towards.conj()).sum().real, start)
unitary = (gradient.norm() / towards.norm()).item()
claim("C7.14", f"a unitary net with modReLU leaves {unitary:.2f} of the gradient after 500 steps",
      0.2 < unitary < 5)

# %% [markdown]
# **Layer norm** (Ba et al. 2016) was made for recurrent nets. It shifts and scales the pre-activations of one step to mean 0 and
# variance 1 over the units. So the size of $W$ hardly matters any more. What is left is tanh's own $\chi$ at its gain (chapter 3),
# of which the root is 1.09: a little too much.

# %%
left = {}
for scale in (1.0, 3.0, 10.0):
    cell = make_cell("rnn", 8, 64)
    W, U = scale * cell.weight_hh_l0.detach(), cell.weight_ih_l0.detach()
    plain = lambda x, h, W=W: torch.tanh(h @ W.T + x)
    normed = lambda x, h, W=W: torch.tanh(F.layer_norm(h @ W.T + x, (64,)))
    for name, step in (("plain", plain), ("layer norm", normed)):
        left[f"{name}, W x {scale:.0f}"] = measure_through_time(
            step, symbols(100) @ U.T, torch.zeros(64).double())

show(plots.draw_by_lag, left)

# %%
plain, normed = ([curve[-1] ** 0.01 for name, curve in left.items() if name.startswith(start)]
                 for start in ("plain", "layer"))
claim("C7.14", f"a step keeps {min(plain):.2f} to {max(plain):.2f} of the gradient, depending on "
      f"W's size; with layer norm {min(normed):.2f} to {max(normed):.2f}",
      max(plain) > 2 * min(plain) and 1 < min(normed) < max(normed) < 1.15)

# %% [markdown]
# ## Truncated backpropagation
#
# A text of a million letters cannot be unrolled whole. **Truncated** backpropagation cuts the gradient every $k$ steps and hands on
# the state alone. What lies further back than the cut gets no gradient of its own. It may be kept all the same, since the weights are the
# same at every step: what the net learns to keep behind the cut, it keeps before the cut, too. That takes longer. The same chrono LSTM
# must recall at lag 20, whole and cut in the middle:

# %%
class Cut(nn.Module):
    def __init__(self, at, seed=0):
        super().__init__()
        cell = chrono_(make_cell("lstm", 8, 16, seed=seed, dtype=torch.float32), 20)
        self.at, self.net = at, Reader(cell, seed=seed)

    def forward(self, x):
        x = F.one_hot(x.long(), 8).float()
        _, state = self.net.cell(x[:, : self.at])
        state = tuple(part.detach() for part in state) if self.at < 21 else state
        later = x[:, self.at :] if self.at < 21 else x[:, -1:]
        return self.net.readout(self.net.cell(later, state)[0][:, -1])

# %%
def cut_and_whole(steps):
    return race({f"cut at {at}": Cut(at) for at in (10, 21)}, *datasets.recall(1024, 20),
                steps=steps, lr=0.01, optimizer="adam", batch=32, clip=1.0, live=False)

runs = {steps: cut_and_whole(steps) for steps in (200, 1000)}
cut, whole = zip(*([run.accuracy for run in of.values()] for of in runs.values()))
claim("C7.01", f"Adam at 0.01: whole {whole[0]:.0%} after 200 steps; cut after ten of 21 symbols "
      f"{cut[0]:.0%} after 200 and {cut[1]:.0%} after 1,000", whole[0] > 0.95 and
      cut[0] < 0.6 < cut[1], unless=list(runs.values()), only=("rate", "optimizer", "budget"))

# %% [markdown]
# ## Slow, and touchy
#
# Does a forget bias of 1 help? The lesson trained two nets a rate. Here are three seeds of the default and of $b_f = 1$, lag 20, up to
# 600 steps of Adam at 0.003 and at 0.01. At the larger rate the default is the better one.

# %%
x_20, y_20 = datasets.recall(256, 20, seed=9)

def recalls(net):
    return (net(x_20).argmax(1) == y_20).float().mean() > 0.99

def lstm_reader(bias, seed):
    cell = make_cell("lstm", 8, 16, seed=seed, dtype=torch.float32)
    return Reader(cell if bias is None else keep_(cell, bias), seed=seed)

# %%
runs = {(bias, rate): race({seed: lstm_reader(bias, seed) for seed in range(3)},
                           *datasets.recall(1024, 20), steps=600, lr=rate, optimizer="adam",
                           batch=32, clip=1.0, until=recalls, live=False)
        for bias in (None, 1.0) for rate in (0.003, 0.01)}
solved = {key: sum(run.reached for run in of.values()) for key, of in runs.items()}
claim("C7.10", "of the three seeds 0 to 2, within 600 steps of Adam: default "
      f"{solved[None, 0.003]} at 0.003 and {solved[None, 0.01]} at 0.01, "
      f"b_f = 1 {solved[1.0, 0.003]} and {solved[1.0, 0.01]}",
      solved[None, 0.003] < solved[1.0, 0.003] and solved[None, 0.01] >= solved[1.0, 0.01],
      unless=list(runs.values()), only=("seed", "rate", "budget", "optimizer"))

# %% [markdown]
# Why does Adam help? It divides each step by the size of the gradient, so a gradient that is small everywhere costs nothing. Momentum SGD
# steps in proportion to it. The default LSTM, at the three rates of chapter 1's kind:

# %%
sgd = {rate: race({seed: lstm_reader(None, seed) for seed in range(2)},
                  *datasets.recall(1024, 20), steps=600, lr=rate, batch=32, clip=1.0,
                  until=recalls, live=False) for rate in (0.03, 0.1, 0.3)}
reached = sum(run.reached for of in sgd.values() for run in of.values())
claim("C7.10", f"with momentum SGD at 0.03, 0.1 and 0.3 {reached} of six default LSTMs recall at "
      "lag 20 within 600 steps", reached == 0, unless=list(sgd.values()),
      only=("rate", "optimizer", "budget"))

# %% [markdown]
# ## The carousel of 1997, and a whole LSTM, over 1,000 steps
#
# A memory that only adds: no forget gate, and gates that look at the symbol alone, so that the loop over time is a sum. The first of 1,001
# symbols is one of four letters, and the thousand after it are drawn from four others. Input gates that start at a bias of 0 let them all in.

# %%
class Carousel(nn.Module):
    def __init__(self, bias, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.i, self.g, self.readout = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 4)
        nn.init.constant_(self.i.bias, bias)

    def forward(self, x):                                            # symbols (batch, steps)
        x = F.one_hot(x.long(), 8).float()
        c = (torch.sigmoid(self.i(x)) * torch.tanh(self.g(x))).sum(1)
        return self.readout(torch.tanh(c))

# %%
x_long, y_long = datasets.recall(256, 1000, seed=9)

def recalls_long(net):
    return (net(x_long).argmax(1) == y_long).float().mean() > 0.99

carousels = {f"bias {bias}, net {seed}": Carousel(bias, seed)
             for bias in (-6, 0) for seed in (1, 2)}
runs = race(carousels, *datasets.recall(512, 1000), steps=300, lr=0.03, optimizer="adam", batch=16,
            until=recalls_long, live=False, title="The first of 1,001 symbols")
claim("C7.07", "within 300 steps of Adam at 0.03 both carousels with a bias of -6 recall over "
      "1,000 symbols, neither with a bias of 0", [run.reached for run in runs.values()] ==
      [True, True, False, False], unless=runs, only=("rate", "optimizer", "budget"))

# %% [markdown]
# An LSTM as in PyTorch, with chrono biases, does it too. It takes longer, and not every seed gets there in time.

# %%
net = Reader(chrono_(make_cell("lstm", 8, 8, seed=1, dtype=torch.float32), 1000, seed=1), seed=1)
run = fit(net, *datasets.recall(512, 1000), steps=500, lr=0.01, optimizer="adam", batch=16,
          clip=1.0, live=False,
          until=lambda net: (net(x_long[:128]).argmax(1) == y_long[:128]).float().mean() > 0.95)
claim("C7.07", "a chrono LSTM with the weights of seed 1 recalls across 1,000 symbols after "
      f"{run.steps} steps of Adam at 0.01",
      run.reached, unless=run, only=("seed", "rate", "optimizer", "budget"))

# %% [markdown] tags=["claim-C7.15"]
# ## Today's heirs: attention, and linear recurrences
#
# The Transformer dropped the recurrence in 2017. Its **attention** lets the last step look at every earlier one directly, $y_T = \sum_t a_t V
# x_t$, with weights that add up to 1. Lag costs nothing. The price is quadratic in the length, and the disease moves back from time
# into depth, where skips and norms hold it. Since 2021 the recurrence is back, without a bend: $h_t = a \odot h_{t-1} + x_t$, with a decay
# $a$ for each unit, which is learned. All its steps can be computed at once, and its gradient is $a$ to the power of the lag. S4, LRU and Mamba are
# built on it, and the LSTM itself returned in 2024 with exponential gates (xLSTM), or without a look at the state (minLSTM, minGRU).
# Their decays, like a forget gate, have to start near 1. The lesson's recurrence, whose decays do, learns to recall the first of 101 symbols,
# which a fresh LSTM does not (exercise 2 of the lesson). One whose decays start at ½, as a fresh forget gate does, is no better than the LSTM:

# %%
class LinearRecurrence(nn.Module):
    def __init__(self, logits, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.B, self.readout = nn.Linear(8, 16), nn.Linear(16, 4)
        self.a = nn.Parameter(logits)

    def forward(self, x):
        lags = torch.arange(x.shape[1] - 1, -1, -1)
        kept = torch.sigmoid(self.a) ** lags[:, None]                # (steps, units)
        return self.readout((kept * self.B(F.one_hot(x.long(), 8).float())).sum(1))

x_100, y_100 = datasets.recall(256, 100, seed=9)

def recalls_100(net):
    return (net(x_100).argmax(1) == y_100).float().mean() > 0.99

# %%
heirs = {"decays of 0.73 to 0.998": LinearRecurrence(torch.linspace(1, 6, 16)),
         "decays of one half": LinearRecurrence(torch.zeros(16)),
         "LSTM": Reader(make_cell("lstm", 8, 16, dtype=torch.float32))}
runs = race(heirs, *datasets.recall(1024, 100), steps=400, lr=0.01, optimizer="adam", batch=32,
            clip=1.0, until=recalls_100, live=False)
linear, half, fresh = runs.values()
claim("C7.15", f"lag 100, Adam at 0.01: the linear recurrence recalls after {linear.steps} steps; "
      "with decays of one half, and in the LSTM as it comes, none does within 400 steps",
      linear.reached and not (half.reached or fresh.reached), unless=runs,
      only=("rate", "optimizer", "budget"))

# %% [markdown]
# ## One idea, five draws, and the timeline
#
# The lesson's last picture with other weights, and at three scales.

# %%
def attend(x, W):
    return F.scaled_dot_product_attention(*(F.layer_norm(x, (32,)) @ W))  # query, key, value

nets = {                # of the lesson's last picture: name -> what it carries, what it adds, and F
    "LSTM": (0.98, 0.02, lambda x, W: torch.tanh(x @ W[0])),
    "Highway": (0.98, 0.02, lambda x, W: torch.tanh(x @ W[0])),
    "ResNet": (1, 50**-0.5, lambda x, W: 2**0.5 * torch.relu(x @ W[0]) @ W[1]),
    "Transformer": (1, 50**-0.5, attend),
}

# %%
def left_over(name, way, scale, seed):
    carried, added, new = nets[name] if way else (0, 1, nets[name][2])
    generator = torch.Generator().manual_seed(seed)
    M = scale * torch.randn(50, 3, 32, 32, generator=generator).double() / 32**0.5
    start = x = torch.randn(16, 32, generator=generator).double().requires_grad_()
    for l in range(50):
        x = carried * x + added * new(x, M[0 if name == "LSTM" else l])
    (gradient,) = torch.autograd.grad((x * start.detach().flip(0)).sum(), start)
    return (gradient.norm() / start.norm()).item()

scales, plain = (0.7, 1.0, 1.3), ("LSTM", "Highway", "ResNet")
with_way = [left_over(name, True, scale, seed)
            for name in nets for scale in scales for seed in range(5)]
without = {scale: [left_over(name, False, scale, seed) for name in plain for seed in range(5)]
           for scale in scales}

# %%
he = [left_over("ResNet", False, 1.0, seed) for seed in range(5)]
claim("C7.15", f"five draws: with its way each of the four nets keeps {min(with_way):.1f} to "
      f"{max(with_way):.1f} after fifty, at weights 0.7, 1 and 1.3 times as large as they "
      "should be", 0.1 < min(with_way) < max(with_way) < 10)
claim("C7.15", f"without its way LSTM, Highway and ResNet keep {max(without[0.7]):.0e} at most at "
      f"0.7; at 1 the plain ResNet keeps {min(he):.2f} to {max(he):.2f}",
      max(without[0.7]) < 1e-5 and 0.01 < min(he) < max(he) < 3)

# %% [markdown]
# Layer norm saves the Transformer's gradient without its way. But what becomes of its sixteen tokens?

# %%
def likeness(way, scale, seed):   # mean cosine between two different tokens, after fifty layers
    carried, added = (1, 50**-0.5) if way else (0, 1)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(16, 32, generator=generator).double()
    for W in scale * torch.randn(50, 3, 32, 32, generator=generator).double() / 32**0.5:
        x = carried * x + added * attend(x, W)
    x = F.normalize(x, dim=1)
    return ((x @ x.T).sum().item() - 16) / (16 * 15)

plainly, directly = ([likeness(way, scale, seed) for scale in scales for seed in range(5)]
                     for way in (False, True))
claim("C7.15", f"without its way all tokens become alike, mean cosine {min(plainly):.3f} and more; "
      f"with it at most {max(directly):.2f}", min(plainly) > 0.999 and max(directly) < 0.2)

# %%
def history_of_the_field(ax, year=2026):
    return plots.draw_timeline(ax, timeline.EVENTS, year, timeline.LANES)

explore(history_of_the_field, year=(1969, 2026))

# %% [markdown]
# ## References
#
# - Hochreiter 1991, *Untersuchungen zu dynamischen neuronalen Netzen*, diploma thesis, TU München
# - Bengio, Simard, Frasconi 1994, *Learning long-term dependencies with gradient descent is difficult*, IEEE TNN 5(2)
# - Hochreiter, Schmidhuber 1997, *Long short-term memory*, Neural Computation 9(8)
# - Gers, Schmidhuber, Cummins 1999, *Learning to forget: continual prediction with LSTM*, ICANN
# - Pascanu, Mikolov, Bengio 2013, *On the difficulty of training recurrent neural networks*, ICML
# - Cho et al. 2014, arXiv 1406.1078; Chung et al. 2014, arXiv 1412.3555 (GRU)
# - Saxe, McClelland, Ganguli 2014, arXiv 1312.6120; Le, Jaitly, Hinton 2015, arXiv 1504.00941; Arjovsky, Shah, Bengio 2016,
#   arXiv 1511.06464 (unitary)
# - Jozefowicz, Zaremba, Sutskever 2015, *An empirical exploration of recurrent network architectures*, ICML
# - Ba, Kiros, Hinton 2016, *Layer normalization*, arXiv 1607.06450
# - Tallec, Ollivier 2018, *Can recurrent neural networks warp time?*, arXiv 1804.11188
# - Gu, Goel, Ré 2022, arXiv 2111.00396 (S4); Orvieto et al. 2023, arXiv 2303.06349 (LRU); Gu, Dao 2023, arXiv 2312.00752 (Mamba);
#   Beck et al. 2024, arXiv 2405.04517 (xLSTM); Feng et al. 2024, arXiv 2410.01201 (minGRU); Yang, Kautz, Hatamizadeh 2024, arXiv
#   2412.06464 (Gated DeltaNet); Kimi team 2025, arXiv 2510.26692 (Kimi Linear); Lahoti et al. 2026, arXiv 2603.15569 (Mamba-3)
# - Vaswani et al. 2017, arXiv 1706.03762 (attention)
# - Zhu et al. 2024, arXiv 2409.19606 (hyper-connections); Xie et al. 2025, arXiv 2512.24880 (mHC); Kimi team 2026, arXiv 2603.15031
#   (attention residuals); Zhu et al. 2025, arXiv 2503.10622 (tanh in place of the norm); Chen et al. 2025, arXiv 2512.10938 (Derf)
