"""Each claim's cell asserts something that wrong figures would break; and the tool that checks this is no rubber stamp."""

import ast
import subprocess
import sys

import nbformat
import pytest

from tests.chapters.claims import broken_claims, why_it_cannot_fail
from tests.chapters.sample import ROOT, build, write_sample


@pytest.mark.slow
@pytest.mark.parametrize("code, outcome", [
    ("assert y < 0.9", "2 passed"), ("assert y < 0.9 or True", "it cannot fail"),
    ("from utils import claim\nclaim('C1.01', f'it is {y:.2f}', y < 0.9)", "2 passed"),
    ("from utils import claim\nclaim('C1.01', f'it is {y:.2f}', y < 0.9 or True)", "it cannot fail"),
])  # fmt: skip
def test_nbval_tries_the_claims_of_the_notebooks_that_it_executes(code, outcome, tmp_path):
    first, second = map(nbformat.v4.new_code_cell, ("import math\ny = math.sin(1.0)", code))
    second.metadata["tags"] = ["claim-C1.01"]
    nbformat.write(nbformat.v4.new_notebook(cells=[first, second], metadata=build.METADATA), tmp_path / "claim.ipynb")
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "-p", "no:cacheprovider",
               "-p", "conftest", tmp_path / "claim.ipynb"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome in told.stdout, told.stdout + told.stderr


def problems_of(code, tmp_path):
    source, _ = write_sample(tmp_path, f'# %% tags=["claim-C1.01"]\n{code}\n')
    return broken_claims(build.read_source(source))


CLAIM = "from utils import claim\nx = sum([1, 2])\n"

HONEST = [
    CLAIM + "claim('C1.01', 'three', x == 3)",
    CLAIM + "for k in range(2):\n    claim('C1.01', f'{x} is three', holds=x == 3)",
    CLAIM + "import torch\nz = x * torch.ones(2)\nclaim('C1.01', 'all are three', (z == 3).all(), unless=())",
    "x = 0.25 * 0.5\nassert x < 0.2",
    "import math\ny = math.sin(1.0)\nassert abs(y - 0.8415) < 1e-3",
    "import torch\nw = torch.ones(3) * 2\nassert torch.allclose(w, torch.full((3,), 2.0))",
    "import torch\nw = torch.zeros(3) * 2\nassert (w == 0).all()",
    "import torch\ng = torch.tensor(1e38) * 10\ng = g - g\nassert torch.isnan(g)",
    "import torch\nloss = torch.ones(2).sum()\nassert torch.isfinite(loss)",
    "norms = []\nfor k in range(3):\n    norms.append(0.25**k)\nassert norms[0] > norms[1] > norms[2]",
    "count = 0\nfor k in range(19):\n    count += 1\nassert count == 19",
    "runs = {name: len(name) / 10 for name in ('a', 'bb')}\nassert runs['a'] < runs['bb']",
    "x = 1.0\nwhile x > 0:\n    x /= 2\nassert x == 0",
    "import asyncio\nawait asyncio.sleep(0)\nx = sum([1, 2])\nassert x == 3",
    "from utils.training.history import History\nrun = History(loss=[sum([1, 1.3])])\nassert 2.2 < run.loss[-1] < 2.4",
    "word = str(3)\nassert word == '3'",
]

HOLLOW = {
    CLAIM + "claim('C1.01', f'{x} is three', True)": "constant",
    CLAIM + "claim('C1.01', f'{x} is three', x == 3 or True)": "cannot fail",
    CLAIM + "claim('C1.01', f'{x} is three', holds=x == x)": "cannot fail",
    CLAIM + "so = x == 3\nclaim('C1.01', f'{x} is three', so)": "write the comparison itself",
    CLAIM + "assert x == 3\nclaim('C1.01', f'{x} is three', 1 < 2)": "constant",
    CLAIM + "def f():\n    claim('C1.01', f'{x} is three', x == 3)": "no assert, and no claim",
    "pass": "no assert",
    "def f(x):\n    assert x > 0": "no assert",
    "assert True": "constant",
    "assert 1 < 2": "constant",
    "x = 3.0\nassert x < 4": "constant",
    "a, b = 1, 2\nassert a < b": "constant",
    "from math import pi, sin\nassert sin(1.0) < pi * 0 + 1": "cannot fail",
    "x = sum([1, 2])\nassert x * 0 == 0": "cannot fail",
    "x = sum([1, 2])\nassert x == x": "cannot fail",
    "x = sum([1, 2])\nassert x**2 >= 0": "cannot fail",
    "x = sum([1, 2])\nassert x > 0 or True": "cannot fail",
    "x = sum([1, 2])\nassert x > 2\nassert abs(x) >= 0": "cannot fail",
    "x = [sum([1, 2])]\nassert x": "cannot fail",
    "def f():\n    return 3\nassert f() == 3": "constant",
}


@pytest.mark.parametrize("code", HONEST)
def test_an_honest_claim_passes(code, tmp_path):
    assert problems_of(code, tmp_path) == []


@pytest.mark.parametrize("code, reason", HOLLOW.items())
def test_a_hollow_claim_is_found(code, reason, tmp_path):
    [problem] = problems_of(code, tmp_path)
    assert problem.startswith("claim-C1.01: ")
    assert reason in problem


def test_only_the_expression_is_evaluated_again(tmp_path):
    runs = []
    test = ast.parse("x > 1", mode="eval").body
    assert why_it_cannot_fail(test, {"x": 2.0, "runs": runs}) is None
    assert problems_of("log = []\nlog.append(1)\nx = len(log)\nassert x == 1", tmp_path) == []


def test_cells_without_a_claim_are_only_run(tmp_path):
    source, _ = write_sample(tmp_path)
    assert broken_claims(build.read_source(source)) == []
