"""A chapter's claims hold for other nets and other batches than those that its readers see.

The chapter's own cells run with its own assertions; only the seeds that it leaves at their default are others. Of the
second edition, whose claims are calls of `claim`, other rates, another optimizer and more steps are tried as well.
"""

import nbformat
import pytest

from tests.chapters.cells import keep_needed
from tests.chapters.claims import run_cells
from tests.chapters.sample import CHAPTERS, EVIDENCE, LESSONS, SOURCES, build, name_of, write_sample
from tests.chapters.trial import CONDITIONS, FAILS, claims_of, outcomes, reseed

SEEDS = (1, 2)


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
@pytest.mark.parametrize("source", [one for one in SOURCES if one not in LESSONS], ids=name_of)
def test_the_claims_hold_for_another_seed(source, seed, monkeypatch):
    monkeypatch.chdir(CHAPTERS)
    reseed(monkeypatch, seed)
    assert failed_claims(source) == []


@pytest.mark.seeds
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("source", LESSONS + EVIDENCE, ids=name_of)
def test_the_claims_hold_under_another_condition(source, condition, monkeypatch, record_property):
    build.notebook_of(source).parent.mkdir(exist_ok=True)
    monkeypatch.chdir(build.notebook_of(source).parent)
    found = outcomes(source, CONDITIONS[condition], monkeypatch)
    record_property("trial", [name_of(source), condition, found])  # conftest.py at the top makes one table of all
    assert [f"{id} {outcome}" for id, outcome in found.items() if outcome.startswith(FAILS)] == []


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
