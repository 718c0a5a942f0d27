"""A claim prints its sentence or fails with it, judges nothing that was stopped, and says what is wrong with its arguments."""

import numpy as np
import pytest
import torch

from utils.exercises.claims import FACTORS, ClaimFailed, claim
from utils.training.history import History, Runs

SENTENCE = "ten sigmoid layers stay at chance: loss 2.30"


@pytest.mark.parametrize("holds", [True, np.True_, torch.tensor(True), torch.tensor([True]), np.array(True)])
def test_what_holds_is_printed(holds, capsys):
    assert claim("C1.14", SENTENCE, holds) is None
    assert capsys.readouterr().out == f"✔ {SENTENCE}\n"


@pytest.mark.parametrize("holds", [False, np.False_, torch.tensor(False), torch.tensor([False])])
def test_what_does_not_hold_raises_the_sentence_and_no_page_of_traceback(holds, capsys):
    with pytest.raises(AssertionError, match=SENTENCE) as caught:
        claim("C1.14", SENTENCE, holds)
    assert caught.type is ClaimFailed
    assert caught.value._render_traceback_() == [f"AssertionError: this does not hold here: {SENTENCE}"]
    assert capsys.readouterr().out == ""


STOPPED, DONE = History([2.3], steps=1, stopped=True), History()
NOT_BEGUN = History(stopped=True)  # a training that waits, before a lecture


@pytest.mark.parametrize("unless", [STOPPED, Runs(a=DONE, b=STOPPED), [DONE, STOPPED], (Runs(a=DONE), Runs(a=STOPPED)),
                                    {"a": DONE, "b": STOPPED}])
def test_what_was_stopped_is_not_judged(unless, capsys):
    claim("C1.14", SENTENCE, False, unless)
    assert capsys.readouterr().out == f"○ not judged: you stopped the run ({SENTENCE})\n"


def test_what_was_stopped_may_have_no_number_where_its_sentence_names_one(capsys):
    claim("C1.14", "within nan steps of SGD", False, STOPPED, only=("budget",))
    assert capsys.readouterr().out == "○ not judged: you stopped the run (within nan steps of SGD)\n"


@pytest.mark.parametrize("unless", [NOT_BEGUN, Runs(a=NOT_BEGUN), [DONE, NOT_BEGUN]])
def test_what_has_not_begun_is_not_judged_and_its_claim_not_told(unless, capsys):
    claim("C1.14", SENTENCE, False, unless)
    assert capsys.readouterr().out == "○ not judged yet: the training has not begun\n"


@pytest.mark.parametrize("unless", [(), DONE, Runs(a=DONE), [DONE, Runs(a=DONE)]])
def test_what_ran_to_its_end_is_judged(unless, capsys):
    with pytest.raises(AssertionError):
        claim("C1.14", SENTENCE, False, unless=unless)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("arguments, words", [
    (("14", SENTENCE, True), 'such as "C1.14"'), ((14, SENTENCE, True), 'such as "C1.14"'),
    (("C1.14", "", True), "needs the sentence"), (("C1.14", True, True), "needs the sentence"),
    (("C1.14", SENTENCE, 1), "not a int"), (("C1.14", SENTENCE, None), "not a NoneType"),
    (("C1.14", SENTENCE, torch.tensor(2.0)), "not a Tensor"), (("C1.14", SENTENCE, torch.ones(2) > 0), "put .all() or .any()"),
    (("C1.14", SENTENCE, np.ones(2) > 0), "put .all() or .any()"), (("C1.14", SENTENCE, True, True), "unless= takes"),
    (("C1.14", SENTENCE, True, [STOPPED, 3]), "unless= takes"), (("C1.14", SENTENCE, True, (), "budget"), "only= of claim C1.14"),
    (("C1.14", SENTENCE, True, (), ("width",)), "only= of claim C1.14"),
])  # fmt: skip
def test_a_senseless_argument_gets_one_sentence(arguments, words):
    with pytest.raises((TypeError, ValueError)) as caught:
        claim(*arguments)
    assert words in str(caught.value) and len(caught.value._render_traceback_()) == 1


@pytest.mark.parametrize("factor", FACTORS)
def test_a_claim_that_depends_on_a_factor_names_its_value(factor):
    with pytest.raises(ValueError, match=f"depends on the {factor}"):
        claim("C1.14", "it learns", True, only=(factor,))
    claim("C1.14", f"it learns {FACTORS[factor][1]}", True, only=(factor,))


@pytest.mark.parametrize("sentence, factor, named", [
    ("within 1,200 steps of momentum SGD at 0.1 it stays at chance", "budget", True),
    ("within 1,200 steps of momentum SGD at 0.1 it stays at chance", "rate", True),
    ("within 1,200 steps of momentum SGD at 0.1 it stays at chance", "optimizer", True),
    ("at 20 layers it stays at chance", "rate", False), ("a few steps of 20 layers", "budget", False),
])  # fmt: skip
def test_a_value_is_told_from_another_number(sentence, factor, named):
    if named:
        return claim("C1.14", sentence, True, only=(factor,))
    with pytest.raises(ValueError):
        claim("C1.14", sentence, True, only=(factor,))


def test_the_runs_of_a_race_are_stopped_if_any_is():
    assert Runs(a=DONE, b=STOPPED).stopped and not Runs(a=DONE).stopped
