"""Are a chapter's claims about training true beyond the one run that its readers see? Try them under other conditions.

One condition at a time: other seeds, a rate three times smaller or larger, Adam, five times the steps. The chapter's own
cells run, with its own claims; what changes are the arguments that reach the one training loop, or the seeds that the
chapter leaves at their default. Nothing of it stands in the package or in a chapter.
"""

import ast
import contextlib
import functools
import inspect
import io
from dataclasses import dataclass

import nbformat

from chapters.build.cells import keep_needed
from chapters.build.lesson import calls
from tests.chapters.claims import run_cells
from tests.chapters.sample import build
from utils.data import datasets
from utils.exercises import claims
from utils.nets import mlp, recurrent, residual, transformer
from utils.training import loop
from utils.widgets import explorer

NETS = [  # room and name of each net that chapters make
    (mlp, "MLP"),
    *[(residual, name) for name in ("ResidualNet", "NormedNet", "HighwayNet", "DenseNet")],
    (transformer, "Transformer"),
]
HOLDS, NAMED, FAILS = "holds", "named", "FAILS"


@dataclass(frozen=True)
class Condition:
    """What is other than in the chapter. factor: its name in `only=`. rate, budget: what rates and steps are multiplied by."""

    label: str
    factor: str
    seed: int | None = None
    rate: float = 1.0
    optimizer: str | None = None
    budget: int = 1


CONDITIONS = {
    "seed_1": Condition("seed 1", "seed", seed=1),
    "seed_2": Condition("seed 2", "seed", seed=2),
    "rate_third": Condition("rate / 3", "rate", rate=1 / 3),
    "rate_triple": Condition("rate x 3", "rate", rate=3.0),
    # At a tenth of the rate: a step of Adam's is about as long as the rate says, one of momentum SGD's ten gradients.
    "adam": Condition("Adam", "optimizer", rate=0.1, optimizer="adam"),
    "budget_five": Condition("steps x 5", "budget", budget=5),
}


def reseed(monkeypatch, seed):
    """Make `seed` the default of every net and every training that a chapter starts, unwatched and without pictures."""
    for module, net in NETS:
        monkeypatch.setattr(module, net, _reseeded(getattr(module, net), seed))
    for name in ("race", "fit"):
        training = functools.partial(getattr(loop, name), seed=seed, live=False)
        monkeypatch.setattr(loop, name, training)
    for module, name in ((recurrent, "make_cell"), (datasets, "recall")):
        monkeypatch.setattr(module, name, functools.partial(getattr(module, name), seed=seed))
    hide_pictures(monkeypatch)


def _reseeded(net, seed):
    """Return a class of nets with another seed as default, from which a chapter may inherit as from the first."""
    class Reseeded(net):
        def __init__(self, *arguments, seed=seed, **settings):
            super().__init__(*arguments, seed=seed, **settings)

    return Reseeded


def hide_pictures(monkeypatch):
    """Let a chapter's cells show nothing."""
    for name in ("show", "explore", "predict"):
        monkeypatch.setattr(explorer, name, lambda *_, **__: None)


def impose(monkeypatch, condition):
    """Let everything that is loaded from now on train under `condition`, unwatched and without pictures."""
    if condition.seed is not None:
        return reseed(monkeypatch, condition.seed)
    hide_pictures(monkeypatch)
    monkeypatch.setattr(loop, "race", changed(loop.race, condition))  # which `fit` calls, too


def changed(race, condition):
    """Return the training `race` under a condition; a training that uses the condition's optimizer stays as it is."""
    signature = inspect.signature(race)

    @functools.wraps(race)
    def training(*arguments, **settings):
        given = signature.bind(*arguments, **settings)
        given.apply_defaults()
        now = given.arguments
        if condition.optimizer != now["optimizer"]:
            now["lr"] = scaled(now["lr"], condition.rate)
            now["optimizer"] = condition.optimizer or now["optimizer"]
        now.update(steps=now["steps"] * condition.budget, live=False)
        return race(*given.args, **given.kwargs)

    return training


def scaled(lr, factor):
    """Return a learning rate times a factor: a number, a function of the step, or a dict name -> one of these."""
    if isinstance(lr, dict):
        return {name: scaled(rate, factor) for name, rate in lr.items()}
    return (lambda step: factor * lr(step)) if callable(lr) else factor * lr


def outcomes(source, condition, monkeypatch):
    """Run the claims' cells of a chapter, and what they need, under a condition; return claim id -> what became of it.

    That is HOLDS, NAMED if the claim names the factor of the condition (`only=`) and failed, or was not tried since all
    claims of its cell name it, or FAILS with the sentence or error.
    """
    impose(monkeypatch, condition)
    found = {}

    def judge(id, sentence, holds, unless=(), only=()):
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                claim(id, sentence, holds, (), only)
                outcome = HOLDS
            except claims.ClaimFailed:
                outcome = NAMED if condition.factor in only else f"{FAILS}: {sentence}"
        if not found.get(id, HOLDS).startswith(FAILS):
            found[id] = outcome if outcome != HOLDS else found.get(id, HOLDS)

    claim = claims.claim
    monkeypatch.setattr(claims, "claim", judge)

    def to_try(cell, _=None):
        ids = claims_of(cell)
        return bool(ids) and not ids <= named_in(cell.source, condition.factor)

    content, namespace = build.read_source(source), {"__name__": "__main__"}
    for cell in content.cells:
        found.update(dict.fromkeys(named_in(cell.source, condition.factor) if cell.cell_type == "code" else (), NAMED))
    for cell in keep_needed(content, to_try).cells:
        fault = _fault_of(cell, namespace)
        for id in claims_of(cell):
            if fault and not found.get(id, HOLDS).startswith(FAILS) and id not in named_in(cell.source, condition.factor):
                found[id] = f"{FAILS}: {fault}"
            found.setdefault(id, HOLDS)
    return found


def _fault_of(cell, namespace):
    """Run a cell; return what it raised, in a few words, or ""."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            list(run_cells(nbformat.v4.new_notebook(cells=[cell]), namespace))
    except Exception as error:  # noqa: BLE001 - whatever a condition does to a chapter's figures is reported as its failure
        return f"{type(error).__name__} {str(error).splitlines()[0] if str(error) else ''}".strip()
    return ""


def claims_of(cell):
    """Return the ids of the claims that a cell's tags name, those of asserts among them."""
    return {tag.removeprefix("claim-") for tag in cell.metadata.get("tags", []) if tag.startswith("claim-")}


def named_in(code, factor):
    """Return the ids of a cell's claims that name `factor` in `only=`, in each call that they are made by."""
    made = {True: set(), False: set()}
    for call in calls(ast.parse(code), "claim"):
        only = next((ast.literal_eval(word.value) for word in call.keywords if word.arg == "only"), ())
        made[factor in only].add(call.args[0].value)
    return made[True] - made[False]


def table_of(trials):
    """Return the table claim x condition as text. trials: (name of a source, name of a condition, outcomes)."""
    rows = {}
    for name, condition, found in trials:
        for id, outcome in found.items():
            rows.setdefault((id, name), {})[condition] = outcome.partition(":")[0]
    labels = [condition.label for condition in CONDITIONS.values()]
    text = [f"{'claim':7} " + "".join(f"{label:>10}" for label in labels) + "  notebook"]
    for (id, name), cells in sorted(rows.items()):
        text.append(f"{id:7} " + "".join(f"{cells.get(condition, '-'):>10}" for condition in CONDITIONS) + f"  {name}")
    failures = [f"{id} ({name}, {CONDITIONS[condition].label}): {outcome.partition(': ')[2]}"
                for name, condition, found in trials for id, outcome in found.items() if outcome.startswith(FAILS)]
    return "\n".join([*text, "named: its sentence says for which value it holds, so it may fail there", *sorted(failures)])
