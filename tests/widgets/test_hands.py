"""Hands of a hall: counted before the reveal, shown after it, and only in lecture mode."""

import pytest

from utils.figures import style
from utils.widgets.explorer import Prediction
from utils.widgets.hands import Hands
from utils.widgets.versions import tooltip_of


@pytest.fixture
def lecture(monkeypatch):
    monkeypatch.setenv(style.LECTURE_VARIABLE, "1")


def scene(ax, guess):
    return f"The hall says {guess}."


@pytest.mark.parametrize("options", [["a", "b"], [("a", 1), ("b", 2)], {"a": 1, "b": 2}])
def test_most_hands_are_the_guess(options):
    hands = Hands(options)
    assert hands.value is None
    hands.fields[1].value = 3
    assert hands.value in ("b", 2)
    hands.fields[0].value = 4
    assert hands.value in ("a", 1) and hands.counts() == [4, 3]
    hands.fields[0].value = hands.fields[1].value = 0
    assert hands.value is None


def test_every_field_says_what_it_counts():
    assert [(field.description, tooltip_of(field)) for field in Hands(["a", "b"]).fields] == [
        ("a", "hands for: a"), ("b", "hands for: b")]


def test_a_lecture_counts_hands_and_reveals_them(lecture):
    prediction = Prediction("Which <one>?", scene, [("<a>", 1), ("b", 2)], right=2)
    assert isinstance(prediction.guess, Hands) and prediction.button.disabled
    assert "Type how many hands" in prediction.data.value or "Type how many hands" in prediction.canvas.alt
    for field, count in zip(prediction.guess.fields, (30, 12)):
        field.value = count
    assert not prediction.button.disabled
    prediction.button.click()
    [bars] = prediction.guess.children
    assert "The hall says 1." in prediction.data.value
    assert "Revealed. Most hands: &lt;a&gt;." in prediction.outcome.value
    assert "&lt;a&gt;" in bars.value and "<b>30</b>" in bars.value and "<b>12 ✔ right</b>" in bars.value
    assert bars.value.count("✔") == 1 and style.HEALTHY in bars.value and style.GUESS in bars.value


def test_without_a_right_answer_nothing_is_marked(lecture):
    prediction = Prediction("Which?", scene, ["a", "b"])
    prediction.guess.fields[0].value = 1
    prediction.button.click()
    assert "✔" not in prediction.guess.children[0].value


def test_a_hall_can_guess_again(lecture):
    prediction = Prediction("Which?", scene, ["a", "b"], right="b")
    prediction.guess.fields[0].value = 5
    prediction.button.click()
    assert "✘ Not this one; right is: b." in prediction.outcome.value
    prediction.again.click()
    assert prediction.guess.children == (prediction.guess.box,) and not prediction.guess.fields[0].disabled
    prediction.guess.fields[1].value = 9
    prediction.button.click()
    assert "✔ That is right." in prediction.outcome.value and "<b>9 ✔ right</b>" in prediction.guess.children[0].value


def test_a_scene_that_fails_keeps_the_counts(lecture):
    prediction = Prediction("Which?", lambda ax, guess: 1 / 0, ["a", "b"])
    prediction.guess.fields[0].value = 5
    prediction.button.click()
    assert prediction.guess.counts() == [5, 0] and not prediction.guess.disabled


def test_alone_one_chooses_as_before(monkeypatch):
    monkeypatch.setenv(style.LECTURE_VARIABLE, "")
    assert not isinstance(Prediction("Which?", scene, ["a", "b"], right="a").guess, Hands)
    monkeypatch.setenv(style.LECTURE_VARIABLE, "1")
    assert not isinstance(Prediction("How many?", scene, (0, 10)).guess, Hands)
