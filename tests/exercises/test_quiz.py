"""The quizzes: one answer is right, every answer is explained, and whatever a learner types gets a sentence."""

import pytest
import torch

from tests.answers.answers import CHAPTERS
from utils.answers import chapter02
from utils.exercises import quiz
from utils.exercises.verdict import CORRECT, NO_CHOICE, NOT_ATTEMPTED, NOT_YET

QUIZZES = {chapter.__name__: chapter.QUIZ for chapter in CHAPTERS if hasattr(chapter, "QUIZ")}
quizzes = pytest.mark.parametrize("questions", QUIZZES.values(), ids=QUIZZES)


def right_answers(questions):
    return {name: question.right for name, question in questions.items()}


@quizzes
def test_the_right_answers_are_correct(questions):
    report = quiz.grade(questions, right_answers(questions))
    assert report and not report.remark
    assert list(report.verdicts) == list(questions)
    assert {verdict.status for verdict in report.verdicts.values()} == {CORRECT}


@quizzes
def test_each_wrong_answer_is_refused_with_a_reason_of_its_own(questions):
    for name, question in questions.items():
        sentences = set(question.answers.values())
        assert len(sentences) == len(question.answers) >= 3 and all(len(sentence.split()) > 2 for sentence in sentences)
        for answer in set(question.answers) - {question.right}:
            report = quiz.grade(questions, {**right_answers(questions), name: answer})
            assert not report
            verdict = report.verdicts[name]
            assert verdict.status == NOT_YET and verdict.sentence == question.answers[answer]


@quizzes
@pytest.mark.parametrize("junk", ["softmaxx", 3, [], {}, print])
def test_junk_is_answered_with_the_choices(questions, junk):
    for name, verdict in quiz.grade(questions, dict.fromkeys(questions, junk)).verdicts.items():
        assert verdict.status == NO_CHOICE
        assert all(f'"{answer}"' in verdict.sentence for answer in questions[name].answers)


@quizzes
@pytest.mark.parametrize("nothing", [..., None, {}, 3, {"hidden": ...}])
def test_an_open_question_is_not_attempted(questions, nothing):
    assert {verdict.status for verdict in quiz.grade(questions, nothing).verdicts.values()} == {NOT_ATTEMPTED}


def test_capitals_and_spaces_do_not_count():
    assert quiz.grade(chapter02.QUIZ, {"hidden": " ReLU "}).verdicts["hidden"]


@quizzes
def test_the_sheet_holds_every_question_and_every_answer_as_it_is_typed(questions):
    sheet = quiz.sheet(questions)
    for name, question in questions.items():
        assert f"{name}: {question.text}" in sheet
        assert " | ".join(f'"{answer}"' for answer in question.answers) in sheet


def test_a_report_is_shown_line_by_line():
    report = quiz.grade(chapter02.QUIZ, {"hidden": "relu", "gate": "tanh"})
    lines = repr(report).splitlines()
    assert lines[0].startswith("hidden: ✔ correct: its slope is 1") and len(lines) == len(chapter02.QUIZ)
    assert report._repr_html_().count('role="status"') == len(chapter02.QUIZ)


@pytest.mark.parametrize("names", [["hiden"], ["hiden", 3]])
def test_a_misspelt_name_is_told_in_one_sentence(names):
    report = quiz.grade(chapter02.QUIZ, dict.fromkeys(names, "relu"))
    assert report.remark.startswith(f"there is no {', '.join(map(repr, names))} here")
    assert all(repr(name) in report.remark for name in chapter02.QUIZ)
    assert repr(report).splitlines()[-1] == report.remark
    assert "hiden" in report._repr_html_()


def test_what_is_no_dict_is_told_so():
    assert quiz.grade(chapter02.QUIZ, ["relu"]).remark == "expected a dict of names and answers, got a value of type list"
    assert quiz.grade(chapter02.QUIZ, ...).remark == ""


def test_an_empty_report_is_no_success():
    assert not quiz.Marks({})
    assert not quiz.grade({}, {})


MEASURED = {"gain": 1.5, "chi": torch.tensor(1.5), "holds": {"selu", "elu"}, "best": "selu", "leak": "leaky ReLU"}


@pytest.mark.parametrize(("name", "entry", "status"), [
    ("gain", 1.5, CORRECT), ("gain", 1.45, CORRECT), ("gain", 1.3, NOT_YET), ("gain", "1.5", NOT_YET),
    ("gain", True, NOT_YET), ("gain", float("nan"), NOT_YET), ("gain", ..., NOT_ATTEMPTED), ("holds", None, NOT_ATTEMPTED),
    ("gain", torch.tensor(1.5), CORRECT), ("gain", torch.tensor([1.5, 1.5]), NOT_YET), ("chi", 1.45, CORRECT),
    ("chi", torch.tensor(1.45), CORRECT), ("chi", 1.3, NOT_YET), ("chi", "selu", NOT_YET),
    ("holds", " SELU", CORRECT), ("holds", "elu", CORRECT), ("holds", "relu", NOT_YET), ("holds", 3, NOT_YET),
    ("holds", [], NOT_YET), ("holds", "se", NOT_YET), ("best", "SELU", CORRECT), ("best", "se", NOT_YET),
    ("best", "", NOT_YET), ("best", torch.ones(2), NOT_YET), ("leak", "Leaky RELU ", CORRECT), ("leak", "relu", NOT_YET),
])  # fmt: skip
def test_an_entry_is_compared_with_what_was_measured(name, entry, status):
    verdict = quiz.review({name: entry}, MEASURED).verdicts[name]
    assert verdict.status == status
    assert "1.5" not in verdict.sentence and "elu, " not in verdict.sentence


@pytest.mark.parametrize("table", [..., None, {}, 3, {"other": 1}])
def test_an_empty_table_is_not_attempted(table):
    report = quiz.review(table, MEASURED)
    assert not report
    assert {verdict.status for verdict in report.verdicts.values()} == {NOT_ATTEMPTED}
    assert quiz.review({"gain": 1.5, "holds": "elu"}, {"gain": 1.5, "holds": {"elu"}})


def test_a_nan_in_a_table_is_told_so():
    for entry in (float("nan"), torch.tensor(float("nan"))):
        verdict = quiz.review({"gain": entry}, {"gain": 1.5}).verdicts["gain"]
        assert verdict.status == NOT_YET and verdict.sentence.startswith("this entry is nan")
