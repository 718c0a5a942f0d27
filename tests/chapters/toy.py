"""A lesson and its evidence, small enough to build in a test; it shows all that an author writes."""

LESSON = '''# %% [markdown] slideshow={"slide_type": "slide"}
# # 1 · A toy: can a net learn anything at all?
#
# Each layer hands on what it computes. Why, and how we know: [the evidence](evidence/01_toy.ipynb).

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 1
# Say: nothing of this is in the learner's sight.

# %%
import torch
from utils import MLP, chapter01, claim, clinic, datasets, explore, plots, race, show, table

# %% [markdown]
# ## See it
#
# Far out the curve is flat: we say that the unit is **saturated**.
# <!-- term: Of a unit: its pre-activation lies where the slope is next to zero. -->

# %%
x, y, *_ = datasets.digits()

def slope_at(ax, z=1.0):
    slope = torch.sigmoid(torch.tensor(z)) * torch.sigmoid(-torch.tensor(z))
    plots.draw_bars(ax, {"slope": slope}, xlabel="slope")
    return f"At {z:.1f} the slope is {slope:.2f}."

explore(slope_at, z=(0.0, 5.0, 0.5))

# %%
steepest = (torch.sigmoid(torch.zeros(1)) * torch.sigmoid(torch.zeros(1))).item()
claim("C1.01", f"the slope is at most a quarter: {steepest:.2f}", 0.249 < steepest < 0.251)

# %% slideshow={"slide_type": "slide"}
runs = race({"two layers": MLP(2)}, x, y, steps=20)
start, late = runs["two layers"].loss[0], runs["two layers"].loss[-1]
claim("C1.02", f"within 20 steps the loss falls, to {late:.2f}", late < start, unless=runs)
claim("C1.03", f"20 steps at a rate of 0.1 leave it above 1: {late:.2f}", 1 < late < 9, unless=runs,
      only=("rate", "budget"))

# %% [markdown]
# ## The clinic

# %%
patient = chapter01.PATIENT
clinic.chart(patient, "gradient", "saturated")

# %%
diagnosis = ...
clinic.second_opinion(patient, diagnosis)

# %% [markdown]
# ## Exercises
#
# Words of exercises do not count.

# %%
def backward_step(delta_next, W_next, z):
    ...

chapter01.check_backward_step(backward_step)

# %% [markdown]
# ## Take it home

# %% tags=["take-home"]
from torch import nn

def init(module):
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(module.bias)

net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)).apply(init)

# %% [markdown]
# ## References
#
# - Nobody 2026
'''

EVIDENCE = '''# %% [markdown]
# # The evidence of chapter 1

# %%
import torch
from utils import claim, table

# %%
powers = 0.25 ** torch.arange(1, 6, dtype=torch.float64)
table({"layers": range(1, 6), "left": powers}, form="{:.1e}")

# %%
claim("C1.04", f"five quarters leave {powers[-1]:.1e}", 9e-4 < powers[-1] < 1e-3)
'''


def write_toy(folder, text=LESSON, evidence=EVIDENCE):
    """Write the toy's sources into `folder`, laid out as the course's; return the paths of lesson and evidence."""
    paths = folder / "source" / "01_toy.py", folder / "source" / "evidence" / "01_toy.py"
    paths[1].parent.mkdir(parents=True, exist_ok=True)
    for path, content in zip(paths, (text, evidence)):
        path.write_text(content, encoding="utf-8")
    return paths
