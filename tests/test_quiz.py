"""The quizzes: one answer is right, every answer is explained, and whatever a learner types gets a sentence."""

import pytest

from utils import quiz
from utils.checking import CORRECT, NOT_ATTEMPTED, NOT_YET

chapters = pytest.mark.parametrize("chapter", quiz.CHAPTERS)


def right_answers(chapter):
    return {name: question.right for name, question in quiz.questions(chapter).items()}


@chapters
def test_the_right_answers_are_correct(chapter):
    report = quiz.grade(chapter, right_answers(chapter))
    assert report
    assert list(report) == list(quiz.questions(chapter))
    assert {verdict.status for verdict in report.values()} == {CORRECT}


@chapters
def test_each_wrong_answer_is_refused_with_a_reason_of_its_own(chapter):
    for name, question in quiz.questions(chapter).items():
        sentences = set(question.answers.values())
        assert len(sentences) == len(question.answers) >= 3
        for answer in set(question.answers) - {question.right}:
            report = quiz.grade(chapter, {**right_answers(chapter), name: answer})
            assert not report
            assert report[name].status == NOT_YET and report[name].sentence == question.answers[answer]


@chapters
@pytest.mark.parametrize("junk", ["softmaxx", 3, [], {}, print])
def test_junk_is_answered_with_the_choices(chapter, junk):
    for name, verdict in quiz.grade(chapter, dict.fromkeys(quiz.questions(chapter), junk)).items():
        assert verdict.status == NOT_YET
        assert all(repr(answer) in verdict.sentence for answer in quiz.questions(chapter)[name].answers)


@chapters
@pytest.mark.parametrize("nothing", [..., None, {}, 3, {"hidden": ...}])
def test_an_open_question_is_not_attempted(chapter, nothing):
    assert {verdict.status for verdict in quiz.grade(chapter, nothing).values()} == {NOT_ATTEMPTED}


def test_capitals_and_spaces_do_not_count():
    assert quiz.grade(2, {"hidden": " ReLU "})["hidden"]


@chapters
def test_the_sheet_holds_every_question_and_every_answer(chapter):
    sheet = quiz.sheet(chapter)
    for name, question in quiz.questions(chapter).items():
        assert f"{name}: {question.text}" in sheet and " | ".join(question.answers) in sheet


def test_a_report_is_shown_line_by_line():
    report = quiz.grade(2, {"hidden": "relu", "gate": "tanh"})
    lines = repr(report).splitlines()
    assert lines[0].startswith("hidden: ✔ correct: its slope is 1") and len(lines) == len(report)
    assert report._repr_html_().count('role="status"') == len(report)


def test_an_unknown_chapter_is_one_sentence():
    with pytest.raises(ValueError, match="no quiz in chapter 'two'"):
        quiz.grade("two", {})


MEASURED = {"gain": 1.5, "holds": {"selu", "elu"}}


@pytest.mark.parametrize(("name", "entry", "status"), [
    ("gain", 1.5, CORRECT), ("gain", 1.45, CORRECT), ("gain", 1.3, NOT_YET), ("gain", "1.5", NOT_YET),
    ("gain", True, NOT_YET), ("gain", float("nan"), NOT_YET), ("gain", ..., NOT_ATTEMPTED), ("holds", None, NOT_ATTEMPTED),
    ("holds", " SELU", CORRECT), ("holds", "elu", CORRECT), ("holds", "relu", NOT_YET), ("holds", 3, NOT_YET),
    ("holds", [], NOT_YET), ("holds", "se", NOT_YET),
])  # fmt: skip
def test_an_entry_is_compared_with_what_was_measured(name, entry, status):
    report = quiz.review({name: entry}, MEASURED)
    assert report[name].status == status
    assert "1.5" not in report[name].sentence and "elu, " not in report[name].sentence


@pytest.mark.parametrize("table", [..., None, {}, 3, {"other": 1}])
def test_an_empty_table_is_not_attempted(table):
    report = quiz.review(table, MEASURED)
    assert not report
    assert {verdict.status for verdict in report.values()} == {NOT_ATTEMPTED}
    assert quiz.review({"gain": 1.5, "holds": "elu"}, MEASURED)
