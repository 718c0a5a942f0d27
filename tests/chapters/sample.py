"""What the tests of chapters share: where they are, the builder as a module, and a tiny chapter to try tools on."""

import importlib.util
from pathlib import Path

from chapters import build

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "chapters"
SOURCES = sorted((CHAPTERS / "source").glob("[0-9][0-9]_*.py"))
EVIDENCE = sorted((CHAPTERS / "source" / "evidence").glob("[0-9][0-9]_*.py"))


def name_of(source):
    """Return the name of a source in a test's id: of the evidence another one than of the lesson."""
    return f"evidence-{source.stem}" if build.is_evidence(source) else source.stem


def load(path):
    """Return a program that is no part of a package as a module."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


SAMPLE = '''# %% [markdown] slideshow={"slide_type": "slide"}
# # A sample
# Half of a half.

# %%
import base64

import ipywidgets as widgets
import torch
from utils.answers.chapter01 import check_backward_step

# %% tags=["claim-C1.04"] slideshow={"slide_type": "fragment"}
slopes = torch.sigmoid(torch.linspace(-4, 4, 9)) * torch.sigmoid(-torch.linspace(-4, 4, 9))
assert slopes.max() <= 0.25

# %%
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Picture(widgets.Image):
    def _repr_mimebundle_(self, **kwargs):
        view = super()._repr_mimebundle_(**kwargs)
        return {**view, "image/png": PIXEL, "text/plain": "one pixel"}, {"image/png": {"alt": "one pixel"}}


Picture(value=base64.b64decode(PIXEL))

# %% [markdown]
# <details><summary>Hint</summary>
#
# First through the weights.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def backward_step(delta_next, W_next, z):
#     return delta_next @ W_next * torch.sigmoid(z) * (1 - torch.sigmoid(z))
# ```
#
# </details>

# %%
def backward_step(delta_next, W_next, z):
    ...

check_backward_step(backward_step)
'''


def write_sample(folder, text=SAMPLE):
    """Write a chapter's source into `folder`, laid out as the course's; return the paths of source and notebook."""
    source = folder / "source" / "01_sample.py"
    source.parent.mkdir(exist_ok=True)
    source.write_text(text, encoding="utf-8")
    return source, folder / "01_sample.ipynb"
