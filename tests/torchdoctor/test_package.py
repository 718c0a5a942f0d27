"""torchdoctor is complete in itself: what it loads, its wheel in a foreign project, its texts, and how a disease is added."""

import copy
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.torchdoctor import golden
from utils.figures import style
from utils.nets import activations
from utils.theory import meanfield
from utils.torchdoctor import diagnose, diseases, drawing, slopes
from utils.torchdoctor.values import first_float, tensors
from utils.training.loop import fit

PACKAGE = Path(diseases.__file__).parents[1]
README = (PACKAGE / "README.md").read_text(encoding="utf-8")

LOADED = """
import sys, torch
before = set(sys.modules)
from {package} import diagnose, measure, watch
net, x, y = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Sigmoid(), torch.nn.Linear(8, 3)), torch.randn(9, 4), torch.arange(9) % 3
report = diagnose(net, x, y)
repr(report), report._repr_html_(), measure(net, x, y).delta_norm
with watch(net) as log:
    torch.nn.functional.cross_entropy(net(x), y).backward()
repr(log), log.dead
print(sorted({{name.partition(".")[0] for name in set(sys.modules) - before}}))
"""

FOREIGN = """
import importlib.abc, sys

class Wall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("IPython", "ipywidgets", "jupyterlab"):
            raise ImportError(f"{name} is walled off")

sys.meta_path.insert(0, Wall())
import torch
from torchdoctor import diagnose, watch
import torchdoctor, utils
assert utils.MINE == 1 and sys.argv[1] in torchdoctor.__file__

torch.manual_seed(0)
layers = [layer for _ in range(8) for layer in (torch.nn.Linear(16, 16), torch.nn.Sigmoid())]
net, x, y = torch.nn.Sequential(*layers, torch.nn.Linear(16, 3)), torch.randn(64, 16), torch.randint(3, (64,))
report = diagnose(net, x, y)
assert repr(report).startswith("Verdict: vanishing") and "<table>" in report._repr_html_()
assert report.picture().png()[:4] == b"\\x89PNG" and "Gradient by layer" in report.picture().alt
trial = report.try_remedy(steps=20)
assert trial.after.verdict == "healthy" and len(trial.losses["treated"]) == 20 and trial.picture().png()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
with watch(net, every=2) as log:
    for _ in range(5):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
assert "3 samples" in repr(log) and log.picture().png()
assert not {"IPython", "ipywidgets", "jupyterlab"} & set(sys.modules)
print("done")
"""


def run(*arguments, **settings):
    """Run Python in a process of its own and return what it prints; its complaints become the test's."""
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_text_needs_torch_alone():
    loaded = run("-c", LOADED.format(package="utils.torchdoctor"), cwd=PACKAGE.parents[1])
    assert not re.search("'(numpy|matplotlib|PIL|IPython|ipywidgets)'", loaded), loaded


def test_a_copy_of_the_folder_is_enough(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "torchdoctor", ignore=shutil.ignore_patterns("__pycache__"))
    assert "'utils'" not in run("-c", LOADED.format(package="torchdoctor"), cwd=tmp_path)


@pytest.mark.install
def test_its_wheel_works_in_a_project_with_a_utils_of_its_own(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    pip = ["-m", "pip", "--disable-pip-version-check"]
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path / "wheels", tmp_path / "source")
    (wheel,) = (tmp_path / "wheels").glob("torchdoctor-*.whl")
    run(*pip, "install", "--no-deps", "--no-index", "--target", tmp_path / "installed", wheel)
    packed = {path.relative_to(tmp_path / "installed" / "torchdoctor") for path in (tmp_path / "installed").rglob("*.py")}
    assert packed == {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")}
    project = tmp_path / "project"
    (project / "utils").mkdir(parents=True)
    (project / "utils" / "__init__.py").write_text("MINE = 1\n", encoding="utf-8")
    (project / "main.py").write_text(FOREIGN, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    assert run("main.py", tmp_path / "installed", cwd=project, env=environment) == "done\n"


@pytest.mark.parametrize("name", golden.NETS)
def test_the_wording_of_a_report(name):
    kept = (golden.FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert golden.text(name) == kept, "if that is meant: python -m tests.torchdoctor.golden --write, and review the diff"


def test_each_text_is_of_a_net():
    assert {path.stem for path in golden.FOLDER.iterdir()} == set(golden.NETS)


def test_its_colours_are_the_courses():
    assert [drawing.MEASURED, drawing.ALARM, drawing.HEALTHY, drawing.BLACK] == [style.MEASURED, style.ALARM, style.HEALTHY, style.BLACK]
    assert set(drawing.COLOURS) < set(style.CYCLE) and drawing.COLOUR_MAP == style.SEQUENTIAL


def test_its_slopes_are_the_courses():
    for activation in activations.ACTIVATIONS.values():
        kind = getattr(activation.torch_class, "__name__", "")
        if slopes.is_known(kind):
            facts = meanfield.facts(activation.name)
            assert (slopes.gain(kind), slopes.chi(kind)) == pytest.approx((facts.gain, facts.chi), rel=1e-12)


@pytest.mark.parametrize("kind", [kind for kind in nn.modules.activation.__all__ if slopes.is_known(kind)])
def test_a_known_nonlinearity_works_on_each_entry_alone(kind):
    module, z = getattr(nn, kind)().eval(), torch.linspace(-3, 3, 7)
    assert torch.equal(module(z)[:3], module(z[:3])) and slopes.gain(kind) > 0 and slopes.chi(kind) > 0


@pytest.mark.parametrize(("lr", "settings"), [(None, {"optimizer": "adam", "lr": 1e-3}), (0.1, {"lr": 0.1, "momentum": 0.0})])
def test_a_trial_trains_as_the_courses_loop_does(lr, settings):
    net, x, y = golden.chain(8, nn.Sigmoid, 1.0), torch.randn(100, 32, dtype=torch.float64), torch.randint(4, (100,))
    net.insert(2, nn.Dropout(0.0))
    trial = diagnose(net.eval(), x, y, lr=lr).try_remedy(steps=12)
    run = fit(copy.deepcopy(net), x, y, steps=12, live=False, **settings)
    assert trial.losses["untreated"] == pytest.approx(run.loss, rel=1e-9)
    assert not trial.model.training and not trial.model[2].training  # as it was found


def test_tensors_of_anything_nested():
    a, b, c = torch.ones(1), torch.ones(2, dtype=torch.long), torch.ones(3)
    packed = nn.utils.rnn.pack_sequence([torch.ones(2, 3)])
    assert list(tensors({"x": (b, [a]), "logits": c, "name": "words"})) == [c, b, a]
    assert first_float((b, {"y": None, "z": [a]})) is a and first_float(b) is first_float("words") is None
    assert first_float(packed) is packed.data


def test_the_toy_disease_of_its_readme_is_found(monkeypatch, tmp_path):
    (tmp_path / "toy.py").write_text(re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[-1], encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"{diseases.__name__}.toy", tmp_path / "toy.py")
    toy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toy)
    monkeypatch.setitem(diseases.FAMILIES, "flat", toy)
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    nn.init.normal_(net[0].weight, 0, 1e-4)
    nn.init.zeros_(net[0].bias)
    (finding,) = (f for f in diagnose(net, torch.randn(9, 6), torch.arange(9) % 3).findings if f.kind == "flat")
    assert finding.layers[0] == "0" and finding.remedy.startswith("standardize") and finding.chapter == "5"


def test_every_disease_has_its_place():
    assert set().union(diseases.HIDES, *diseases.HIDES.values()) <= set(diseases.FAMILIES)
    files = {path.stem for path in Path(diseases.__file__).parent.glob("*.py")} - {"__init__", "finding", "weights"}
    assert {family.__name__.rpartition(".")[2] for family in diseases.FAMILIES.values()} == files
