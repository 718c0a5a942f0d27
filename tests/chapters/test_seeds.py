"""A chapter's claims hold for other nets, rates, optimizers and budgets than those that its readers see, or name them.

The chapter's own cells run with their own claims; one factor at a time is another one (tests/chapters/trial.py).
"""

import pytest

from tests.chapters.sample import EVIDENCE, SOURCES, build, name_of
from tests.chapters.trial import CONDITIONS, FAILS, outcomes


@pytest.mark.seeds
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("source", SOURCES + EVIDENCE, ids=name_of)
def test_the_claims_hold_under_another_condition(source, condition, monkeypatch, record_property):
    build.notebook_of(source).parent.mkdir(exist_ok=True)
    monkeypatch.chdir(build.notebook_of(source).parent)
    found = outcomes(source, CONDITIONS[condition], monkeypatch)
    record_property("trial", [name_of(source), condition, found])  # conftest.py at the top makes one table of all
    assert [f"{id} {outcome}" for id, outcome in found.items() if outcome.startswith(FAILS)] == []
