"""A claim about training is tried under one other condition at a time, and the table says what became of it."""

import pytest

from tests.chapters.toy import LESSON, write_toy
from tests.chapters.trial import CONDITIONS, changed, named_in, outcomes, scaled, table_of
from utils.training import loop

pytestmark = pytest.mark.slow  # nets are trained


def tried(folder, condition, monkeypatch, text=LESSON):
    return outcomes(write_toy(folder, text)[0], CONDITIONS[condition], monkeypatch)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_toy_s_claims_hold_or_name_their_condition(condition, tmp_path, monkeypatch):
    found = tried(tmp_path, condition, monkeypatch)
    assert found["C1.01"] == found["C1.02"] == "holds"
    assert found["C1.03"] == ("named" if CONDITIONS[condition].factor in ("rate", "budget") else "holds")


def test_a_claim_that_one_budget_alone_makes_true_is_found(tmp_path, monkeypatch):
    text = LESSON.replace(",\n      only=(\"rate\", \"budget\"))", ")").replace("1 < late < 9", "len(runs['two layers'].loss) == 20")
    assert tried(tmp_path, "rate_third", monkeypatch, text)["C1.03"] == "holds"
    monkeypatch.undo()
    assert tried(tmp_path, "budget_five", monkeypatch, text)["C1.03"].startswith("FAILS: 20 steps at a rate")


def test_a_claim_that_one_seed_alone_makes_true_is_found(tmp_path, monkeypatch):
    first = "MLP({}).hidden[0].weight[0, 0].item()"
    text = LESSON.replace("1 < late < 9", f"{first.format('1')} == {first.format('1, seed=0')}")
    assert tried(tmp_path, "adam", monkeypatch, text)["C1.03"] == "holds"
    monkeypatch.undo()
    assert tried(tmp_path, "seed_1", monkeypatch, text)["C1.03"].startswith("FAILS")


def test_a_net_that_inherits_is_reseeded_too(tmp_path, monkeypatch):
    inherits = "type('Deeper', (MLP,), {'__init__': lambda net: MLP.__init__(net, 1)})().hidden[0].weight[0, 0].item()"
    text = LESSON.replace("1 < late < 9", f"{inherits} == MLP(1, seed=0).hidden[0].weight[0, 0].item()")
    assert tried(tmp_path, "seed_1", monkeypatch, text)["C1.03"].startswith("FAILS: 20 steps at a rate")


def test_a_claim_whose_cell_breaks_fails_and_the_others_are_judged(tmp_path, monkeypatch):
    text = LESSON.replace("late < start", "late / (len(runs['two layers'].loss) - 100) < 1e9")
    found = tried(tmp_path, "budget_five", monkeypatch, text)
    assert found["C1.02"] == "FAILS: ZeroDivisionError float division by zero"
    assert found["C1.01"] == "holds"


@pytest.mark.parametrize("condition, expected", [
    ("rate_third", (20, 0.3, "sgd")), ("adam", (20, 0.09, "adam")), ("budget_five", (100, 0.9, "sgd")),
])  # fmt: skip
def test_a_condition_changes_what_reaches_the_loop(condition, expected):
    seen = []

    def race(models, x, y, *, steps=600, lr=0.1, optimizer="sgd", live=True):
        seen.append((steps, lr, optimizer, live))

    changed(race, CONDITIONS[condition])({}, 1, y=2, steps=20, lr=0.9)
    assert seen == [(expected[0], pytest.approx(expected[1]), expected[2], False)]
    changed(race, CONDITIONS["adam"])({}, 1, 2, lr=0.9, optimizer="adam")
    assert seen[-1] == (600, 0.9, "adam", False)


def test_the_loop_itself_can_be_put_under_a_condition():
    assert changed(loop.race, CONDITIONS["adam"]).__name__ == "race"


def test_rates_of_any_kind_are_scaled():
    rates = scaled({"a": 0.5, "b": lambda step: step}, 2)
    assert rates["a"] == 1.0 and rates["b"](3) == 6


def test_a_claim_names_a_factor_only_if_all_its_calls_do():
    code = 'claim("C1.01", s, a, only=("rate",))\nclaim("C1.02", s, a, only=("rate",))\nclaim("C1.02", s, a)'
    assert named_in(code, "rate") == {"C1.01"} and named_in(code, "seed") == set()


def test_the_table_shows_each_claim_under_each_condition_and_what_fails():
    text = table_of([("01_toy", "adam", {"C1.02": "holds"}), ("01_toy", "seed_1", {"C1.02": "FAILS: it is so"})])
    assert text.splitlines()[1].split() == ["C1.02", "FAILS", "-", "-", "-", "holds", "-", "01_toy"]
    assert text.splitlines()[-1] == "C1.02 (01_toy, seed 1): it is so"
