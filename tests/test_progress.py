"""What a learner has done is kept beside the notebook, survives a crash, and never stops a cell."""

import html
import importlib
import json
import os
import re
import subprocess
import sys

import nbformat
import pytest

from tests.chapters.sample import SOURCES, build, write_sample
from utils import progress
from utils.answers import chapter02, chapter06
from utils.exercises import clinic, quiz
from utils.widgets.explorer import Prediction


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Progress is kept in a file of this test, and this kernel is chapter 2's."""
    file = tmp_path / "progress.jsonl"
    monkeypatch.setenv(progress.VARIABLE, str(file))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    for name in [name for name in sys.modules if name.startswith("utils.answers.chapter0") and name != "utils.answers.chapter02"]:
        monkeypatch.delitem(sys.modules, name)
    return file


def names(kind):
    return [event["name"] for event in progress.events() if event["kind"] == kind]


def test_a_solved_exercise_counts_once_and_a_wrong_one_not(kept):
    assert not chapter02.check_relu_backward(lambda delta_out, z: delta_out)
    assert not chapter02.check_relu_backward(None)
    assert progress.events() == []
    for _ in range(2):
        assert chapter02.check_relu_backward(lambda delta_out, z: delta_out * (z > 0))
    assert names(progress.EXERCISE) == ["check_relu_backward"]
    assert progress.last_chapter() == 2


def test_an_answer_that_passes_a_step_of_its_checker_and_fails_in_the_end_does_not_count(kept):
    assert not chapter06.check_through(lambda x, blocks: x)  # of the right shape, and every block is left out
    assert progress.events() == []


def test_right_answers_of_a_quiz_count(kept):
    name, question = next(iter(chapter02.QUIZ.items()))
    quiz.grade(chapter02.QUIZ, {name: question.right, "gate": "nonsense"})
    assert names(progress.ANSWER) == [name]


def test_a_cured_patient_counts_and_an_untreated_one_not(kept, monkeypatch):
    patient = chapter02.PATIENT
    reached = {"treated": 0.0}

    class Run:
        stopped, steps = False, 1

        def __init__(self, accuracy):
            self.accuracy = accuracy

    monkeypatch.setattr(clinic, "race", lambda nets, *_, **__: {name: Run(reached["treated"]) for name in nets})
    prescription = next(iter(patient.prescriptions))
    clinic.treat(patient, prescription)
    assert names(progress.PATIENT) == []
    reached["treated"] = 1.0
    clinic.treat(patient, prescription)
    assert names(progress.PATIENT) == [patient.complaint]


def test_a_revealed_guess_counts(kept):
    prediction = Prediction("How many?", lambda ax, guess: None, (0, 10))
    assert names(progress.PREDICTION) == []
    prediction.button.click()
    assert names(progress.PREDICTION) == ["How many?"]


def test_a_line_that_a_crash_cut_short_costs_that_line_only(kept):
    progress.record(progress.EXERCISE, "one")
    with kept.open("ab") as file:
        file.write(b'{"chapter": 2, "kind": "exer\xff')
    progress.record(progress.EXERCISE, "two")
    kept.write_bytes(kept.read_bytes() + b'[]\n{"chapter": "2"}\nnull\n')
    assert names(progress.EXERCISE) == ["one", "two"]


@pytest.mark.slow
def test_two_kernels_at_once_lose_nothing(kept):
    program = ("import sys, utils.answers.chapter02; from utils import progress\n"
               "for n in range(40): progress.record('answer', f'{sys.argv[1]} {n}')")
    kernels = [subprocess.Popen([sys.executable, "-c", program, name]) for name in "ab"]
    assert [kernel.wait(60) for kernel in kernels] == [0, 0]
    assert sorted(names(progress.ANSWER)) == sorted(f"{name} {n}" for name in "ab" for n in range(40))


@pytest.mark.parametrize("place", ["", "{folder}", "{folder}/absent/file", "{folder}/file/below"])
def test_a_place_that_cannot_be_written_never_stops_a_cell(kept, monkeypatch, place):
    folder = kept.parent
    (folder / "file").touch()
    monkeypatch.setenv(progress.VARIABLE, place.format(folder=folder))
    assert chapter02.check_relu_backward(lambda delta_out, z: delta_out * (z > 0))
    assert progress.events() == [] and progress.last_chapter() is None
    assert repr(progress.show())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device that is always full")
def test_a_full_disk_never_stops_a_cell(kept, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, "/dev/full")
    monkeypatch.setattr(progress, "events", list)
    progress.record(progress.EXERCISE, "one")


def test_with_several_chapters_loaded_each_exercise_goes_to_its_own_and_the_rest_to_the_notebooks(kept, monkeypatch):
    monkeypatch.setitem(sys.modules, "utils.answers.chapter01", object())
    assert chapter02.check_relu_backward(lambda delta_out, z: delta_out * (z > 0))
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/chapters/03_lu_family.ipynb")
    progress.record(progress.ANSWER, "one")
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/Untitled.ipynb")
    progress.record(progress.ANSWER, "two")
    assert [(event["chapter"], event["name"]) for event in progress.events()] == [(2, "check_relu_backward"), (3, "one")]


def test_without_a_chapter_or_with_several_nothing_is_kept(kept, monkeypatch):
    monkeypatch.setitem(sys.modules, "utils.answers.chapter01", object())
    progress.record(progress.EXERCISE, "one")
    monkeypatch.delitem(sys.modules, "utils.answers.chapter01")
    monkeypatch.delitem(sys.modules, "utils.answers.chapter02")
    progress.record(progress.EXERCISE, "one")
    assert not kept.exists()


def test_the_overview_counts_and_says_where_it_is_kept(kept):
    assert "Nothing is solved so far" in repr(progress.show())
    assert chapter02.check_level_sigma_w(lambda alpha: (2 / (1 + alpha**2)) ** 0.5)
    progress.record(progress.PREDICTION, "How <many>?")
    overview = progress.show()
    lines = repr(overview).splitlines()
    assert "chapter 2: exercises solved 1 of 4, predictions made 1, patients cured 0, quiz answers 0" in lines
    assert lines[-1] == f"Kept in {kept}"
    assert "2 · ReLU</a></th><td>1 of 4</td><td>1</td>" in re.sub(' style="[^"]*"', "", overview._repr_html_())


def test_the_overview_lists_every_chapter_with_its_open_exercises_by_name(kept, monkeypatch):
    monkeypatch.chdir(progress.CHAPTERS)
    written = {int(source.stem[:2]) for source in SOURCES}
    told, page = repr(progress.show()), progress.show()._repr_html_()
    for chapter, lesson in progress.lessons().items():
        checkers = {name for name, checker in vars(importlib.import_module(f"utils.answers.chapter{chapter:02}")).items()
                    if hasattr(checker, "is_exercise") and checker.__module__ == f"utils.answers.chapter{chapter:02}"}
        assert set(lesson.exercises) == checkers
        written.remove(chapter)
        assert f"chapter {chapter}: exercises solved 0 of {len(checkers)}, " in told
        assert f'<a href="{lesson.file}">{chapter} · {lesson.title}</a>' in page
        cells = {cell.id: cell.source for cell in nbformat.read(progress.CHAPTERS / lesson.file, as_version=4).cells}
        for exercise in lesson.exercises.values():
            assert exercise.heading in told
            assert f"### {exercise.heading}" in cells[exercise.cell]
            assert f'<a href="{lesson.file}#cell-id={exercise.cell}">{html.escape(exercise.heading)}</a>' in page
    assert not written
    assert chapter02.check_level_sigma_w(lambda alpha: (2 / (1 + alpha**2)) ** 0.5)
    assert "2. The level for a leaky ReLU" in told and "2. The level for a leaky ReLU" not in repr(progress.show())


LESSONS = {number: progress.Lesson(f"0{number}_x.ipynb", f"T{number}", {name: progress.Exercise(f"{name} of {number}", f"id-{name}")
                                                                        for name in exercises})
           for number, exercises in ((1, "ab"), (2, "cd"), (3, "e"))}  # fmt: skip


@pytest.mark.parametrize("done, place, link", [
    ("", "chapter 1 · T1", "01_x.ipynb"),
    ("1p", "chapter 1 · T1", "01_x.ipynb"),  # a prediction: the lesson has begun, and its exercises have not
    ("1b", "chapter 1 · T1, a of 1", "01_x.ipynb#cell-id=id-a"),
    ("1a 1b", "chapter 2 · T2", "02_x.ipynb"),
    ("2c", "chapter 2 · T2, d of 2", "02_x.ipynb#cell-id=id-d"),  # chapter 1 was left out, and may stay so
    ("1a 2c 2d 3e", "chapter 1 · T1, b of 1", "01_x.ipynb#cell-id=id-b"),
    ("9p", "chapter 1 · T1", "01_x.ipynb"),  # of another edition
    ("1a 1b 2c 2d 3e", None, None),
])  # fmt: skip
def test_the_next_step_is_a_link(done, place, link):
    events = [{"chapter": int(one[0]), "kind": progress.PREDICTION if one[1] == "p" else progress.EXERCISE, "name": one[1]}
              for one in done.split()]
    overview = progress.Overview(events, None, LESSONS)
    solved = sum(event["kind"] == progress.EXERCISE for event in events)
    if place is None:
        assert overview.summary(progress.CHAPTERS) == "Every exercise is solved, 5 of 5." and "Next" not in repr(overview)
        return
    assert f"Next: {place}\n" in repr(overview)
    assert overview.summary(progress.CHAPTERS) == f'Next: <a href="{link}">{place}</a><br>Exercises solved: {solved} of 5'
    assert f'<a href="../{link}">{place}</a>' in overview.summary(progress.CHAPTERS / "evidence")
    assert f'<a href="chapters/{link}">{place}</a>' in overview.summary(progress.CHAPTERS.parent)


def test_a_lesson_that_cannot_be_read_is_left_out(monkeypatch, tmp_path, kept):
    for name, text in (("01_a", "{"), ("02_b", "[]"), ("03_c", '{"cells": [1]}'), ("04_d", '{"cells": []}')):
        (tmp_path / f"{name}.ipynb").write_text(text)
    monkeypatch.setattr(progress, "CHAPTERS", tmp_path)
    assert progress.lessons() == {4: progress.Lesson("04_d.ipynb", "04_d", {})}
    assert "Every exercise is solved, 0 of 0." in progress.show()._repr_html_()


def test_by_default_it_is_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(progress.VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert progress.path() == tmp_path / progress.FILE_NAME


@pytest.mark.slow
def test_a_build_keeps_no_progress(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress.jsonl"))
    solved = "# %%\nfrom utils import chapter02, progress\nchapter02.check_level_sigma_w(lambda alpha: (2 / (1 + alpha**2)) ** 0.5)\n"
    build.build(*write_sample(tmp_path, solved + "\n# %%\nprogress.show()\n"))
    assert not (tmp_path / "progress.jsonl").exists()
    assert "Progress is not kept here." in (tmp_path / "01_sample.ipynb").read_text()


def test_an_event_is_one_line_of_json(kept):
    progress.record(progress.ANSWER, "two\nlines")
    [line] = filter(None, kept.read_text().splitlines())
    assert json.loads(line)["name"] == "two\nlines"


def test_a_file_of_the_first_edition_still_loads(monkeypatch, tmp_path):
    """Exercises, quizzes and predictions that the second edition has no more, beside one that it still has."""
    kept = tmp_path / "progress.jsonl"
    kept.write_text("".join(f"{json.dumps(event)}\n" for event in [
        {"chapter": 1, "kind": progress.EXERCISE, "name": "check_layer_factor", "among": 4},
        {"chapter": 1, "kind": progress.EXERCISE, "name": "check_backward_step", "among": 4},
        {"chapter": 3, "kind": progress.ANSWER, "name": "hidden"},
        {"chapter": 7, "kind": progress.PATIENT, "name": "A patient of the first edition"},
    ]))
    monkeypatch.setenv("COURSE_PROGRESS", str(kept))
    told = repr(progress.show()).splitlines()
    exercises = progress.lessons()[1].exercises
    assert "check_backward_step" in exercises and "check_layer_factor" not in exercises
    assert told[0].startswith(f"chapter 1: exercises solved 1 of {len(exercises)}, ") and "2. One step back" not in told[1]
    assert any(line.startswith("chapter 7: ") and "patients cured 1" in line for line in told)


def test_a_notebook_outside_of_the_course_has_no_links_to_it(kept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # as in Colab, whose notebook is nowhere near the course that it fetches
    page = progress.show()._repr_html_()
    assert "2 · ReLU</th>" in page and "<a href" not in page
