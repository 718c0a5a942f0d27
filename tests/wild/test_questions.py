"""The questions are complete, can be built and asked, and their nets learn or do not learn as is said of them."""

from urllib.parse import urlparse

import pytest
import torch

from tests.wild.question import HEALTHY, KINDS, Answer, Question
from tests.wild.questions import QUESTIONS

EACH = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
HOSTS = {"discuss.pytorch.org", "forums.fast.ai", "github.com"}


def test_there_are_enough_and_some_are_well():
    assert len(QUESTIONS) >= 24
    assert sum(HEALTHY in question.right for question in QUESTIONS) >= 5
    assert len({question.name for question in QUESTIONS}) == len(QUESTIONS)
    assert len({question.address for question in QUESTIONS}) == len(QUESTIONS)


@EACH
def test_fields(question):
    address = urlparse(question.address)
    assert address.scheme == "https" and address.netloc in HOSTS
    kinds = [*question.right, *question.also]
    assert question.right and {*kinds} <= KINDS and len({*kinds}) == len(kinds)
    assert question.title.strip() and question.fault.endswith((".", ")")) and question.says.endswith(".")
    assert question.steps >= 1 and 0 < question.enough <= 1


@EACH
def test_it_builds_the_same_net_twice_and_an_answer_is_judged(question):
    case, again = question.case(), question.case()
    assert all(torch.equal(a, b) for a, b in zip(case.model.parameters(), again.model.parameters(), strict=True))
    assert case.lr > 0 and callable(case.loss_fn)
    answer = question.answer()
    assert question.judge(answer) in {"right", "partly", "wrong"} and str(answer)


@EACH
def test_the_corrected_net_runs(question):
    if not question.can_be_fixed:
        pytest.skip("there is nothing to correct")
    case = question.case(fixed=True)
    rows = slice(None) if len(case.y) <= 64 else slice(0, 64)
    loss = case.loss_fn(case.output(rows), case.y[rows])
    assert loss.isfinite() and loss.requires_grad


@pytest.mark.seeds  # a property of the question, not of a commit: over a minute of trainings
@EACH
def test_it_learns_or_not_as_is_said(question):
    assert question.is_enough(question.trained()) == question.learns
    assert not question.can_be_fixed or question.is_enough(question.trained(fixed=True))


def asked(right, also=()):
    return Question(None, "", "", "", "", tuple(right), tuple(also), False, 1, 0.5)


@pytest.mark.parametrize(("findings", "remarks", "judgement"), [
    (["dead"], [], "right"), (["dead", "collapsed"], [], "right"), (["collapsed", "dead"], [], "partly"),
    (["dead", "frozen"], [], "partly"), (["collapsed"], [], "partly"), (["frozen"], [], "wrong"), ([], [], "wrong"),
    ([], ["dead"], "right"), ([], ["collapsed"], "partly"), (["frozen"], ["dead"], "partly"),
])  # fmt: skip
def test_judgement_of_a_fault(findings, remarks, judgement):
    assert asked(["dead"], ["collapsed"]).judge(Answer(tuple(findings), tuple(remarks))) == judgement


def test_judgement_of_a_healthy_net_and_of_errors():
    well, ill = asked([HEALTHY]), asked(["dead"])
    assert well.judge(Answer((), ())) == well.judge(Answer((), ("step too small",))) == "right"
    assert well.judge(Answer(("dead",), ())) == "wrong"
    assert ill.judge(Answer((), (), "refuses: y", refuses=True)) == "partly"
    assert ill.judge(Answer((), (), "KeyError: 3")) == well.judge(Answer((), (), "refuses: y", refuses=True)) == "wrong"
