"""A chapter's claims hold for other nets and other batches than those that its readers see.

The chapter's own cells run with its own assertions; only the seeds that it leaves at their default are others.
"""

import functools

import nbformat
import pytest

from tests.chapters.cells import keep_needed
from tests.chapters.claims import run_cells
from tests.chapters.sample import CHAPTERS, SOURCES, build, write_sample
from utils.data import datasets
from utils.nets import mlp, recurrent, residual, transformer
from utils.training import loop
from utils.widgets import explorer

SEEDS = (1, 2)
NETS = [  # room and name of each net that chapters make
    (mlp, "MLP"),
    *[(residual, name) for name in ("ResidualNet", "HighwayNet", "DenseNet")],
    (transformer, "Transformer"),
]


def claims_of(cell):
    return [tag for tag in cell.metadata.get("tags", []) if tag.startswith("claim-")]


def reseed(monkeypatch, seed):
    """Make `seed` the default of every net and every training that a chapter starts, unwatched and without pictures."""
    for module, net in NETS:
        class Reseeded(getattr(module, net)):
            def __init__(self, *arguments, seed=seed, **settings):
                super(type(self), self).__init__(*arguments, seed=seed, **settings)

        monkeypatch.setattr(module, net, Reseeded)
    for name in ("race", "fit"):
        training = functools.partial(getattr(loop, name), seed=seed, live=False)
        monkeypatch.setattr(loop, name, training)
    for module, name in ((recurrent, "make_cell"), (datasets, "recall")):
        monkeypatch.setattr(module, name, functools.partial(getattr(module, name), seed=seed))
    for name in ("show", "explore"):
        monkeypatch.setattr(explorer, name, lambda *_, **__: None)


def failed_claims(source):
    """Run the claims' cells of a chapter and what they need; return each assertion that does not hold."""
    content = keep_needed(build.read_source(source), lambda cell, _: claims_of(cell))
    namespace, failed = {"__name__": "__main__"}, []
    for cell in content.cells:
        try:
            list(run_cells(nbformat.v4.new_notebook(cells=[cell]), namespace))
        except AssertionError as error:
            trace = error.__traceback__
            while trace.tb_next:
                trace = trace.tb_next
            lines = cell.source.splitlines()
            failed.append(f"{lines[0]}: {lines[trace.tb_lineno - 1].strip()}")
    return failed


@pytest.mark.seeds
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_the_claims_hold_for_another_seed(source, seed, monkeypatch):
    monkeypatch.chdir(CHAPTERS)
    reseed(monkeypatch, seed)
    assert failed_claims(source) == []


def test_a_claim_of_one_seed_is_found(tmp_path, monkeypatch):
    code = """
    # %%
    from utils.nets.mlp import MLP

    # %% tags=["claim-C1.01"]
    first = MLP(1).hidden[0].weight[0, 0].item()
    assert first == MLP(1, seed=0).hidden[0].weight[0, 0].item()
    """
    source, _ = write_sample(tmp_path, "\n".join(line.strip() for line in code.splitlines()))
    assert failed_claims(source) == []
    reseed(monkeypatch, 1)
    assert failed_claims(source) == [
        "first = MLP(1).hidden[0].weight[0, 0].item(): assert first == MLP(1, seed=0).hidden[0].weight[0, 0].item()"
    ]
