"""What the test of each chapter's answers asks: are right answers correct, and do typical wrong ones get their reasons?

    test_a_right_answer_is_correct = right_answers(RIGHT)
    test_a_wrong_answer_gets_its_reason = wrong_answers(WRONG)

Junk, stubs, quizzes and patients are the same question for every chapter: test_every_checker, test_every_patient, and
tests/exercises/test_quiz.
"""

import importlib
from pathlib import Path

import pytest

from utils.exercises.verdict import CORRECT, NOT_YET

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = [importlib.import_module(f"utils.answers.{path.stem}")
            for path in sorted((ROOT / "utils" / "answers").glob("chapter[0-9][0-9].py"))]


def right_answers(right, *, silent=False):
    """Return a test that each answer of `right`, pairs of a checker and an answer, is correct; silent: and no more said."""

    @pytest.mark.parametrize("checker, answer", right)
    def test(checker, answer):
        verdict = checker(answer)
        assert verdict and verdict.status == CORRECT, repr(verdict)
        assert repr(verdict) == "✔ correct" or not silent

    return test


def wrong_answers(wrong):
    """Return a test that each answer of `wrong`, triples of a checker, an answer and words, is refused in these words."""

    @pytest.mark.parametrize("checker, answer, words", wrong)
    def test(checker, answer, words):
        verdict = checker(answer)
        assert not verdict and verdict.status == NOT_YET and words in verdict.sentence, repr(verdict)

    return test
