"""The clinic: whatever a learner types gets a sentence. That one prescription cures each patient: tests/answers."""

import pytest
import torch

from utils.answers import chapter01, chapter02, chapter07
from utils.exercises import clinic
from utils.exercises.verdict import NO_CHOICE, NOT_YET
from utils.training.loop import History


def test_capitals_and_spaces_of_a_prescription_do_not_count():
    assert clinic.treat(chapter02.PATIENT, " Biases of  ZERO ", steps=200)


@pytest.mark.parametrize("junk", [..., None, "aspirin", 3, [], {}, torch.ones(2), print])
def test_junk_is_answered_with_the_choices_as_they_are_typed(junk):
    patient = chapter01.PATIENT
    for verdict, choices in (
        (clinic.treat(patient, junk), patient.prescriptions),
        (clinic.name_disease(patient, junk), patient.diseases),
    ):
        assert not verdict and all(f'"{choice}"' in verdict.sentence for choice in choices)


def test_rounds_count_what_is_right_and_send_back_to_the_chapters_of_the_rest():
    right = {name: patient.disease for name, patient in chapter07.WARD.items()}
    report = clinic.rounds(chapter07.WARD, right)
    assert report and report.remark == "5 of 5 right."
    report = clinic.rounds(chapter07.WARD, right | {"D": "learning rate too small", "E": ...})
    assert not report and report.remark == "3 of 5 right. Read again: chapter 2."
    assert report.verdicts["E"].status == "not attempted"


def test_a_misspelt_diagnosis_sends_nobody_back_to_a_chapter():
    right = {name: patient.disease for name, patient in chapter07.WARD.items()}
    report = clinic.rounds(chapter07.WARD, right | {"D": "lerning rate too small"})
    assert not report and report.remark == "4 of 5 right." and report.verdicts["D"].status == NO_CHOICE


def test_a_treatment_that_the_learner_stopped_says_how_to_start_again(monkeypatch):
    def stopped(nets, *_, **__):
        return {name: History([2.3], accuracy=0.1, steps=1, stopped=True) for name in nets}

    monkeypatch.setattr(clinic, "race", stopped)
    verdict = clinic.treat(chapter02.PATIENT, "biases of zero")
    assert verdict.status == NOT_YET and "you stopped the training after 1 of 300 steps" in verdict.sentence
    assert "to start again from step 0, run this cell once more" in verdict.sentence


@pytest.mark.parametrize("junk", [..., None, 3, "dead units", [], {}, {"Z": "dead units"}, {"A": 3, "B": torch.ones(2)}])
def test_junk_in_rounds_is_nobody_cured(junk):
    report = clinic.rounds(chapter07.WARD, junk)
    assert not report and "0 of 5 right" in report.remark and list(report.verdicts) == list(chapter07.WARD)
