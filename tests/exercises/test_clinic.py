"""The clinic: every patient is sick, one prescription cures it, and whatever a learner types gets a sentence."""

import pytest
import torch

from utils.answers import chapter01, chapter02, chapter03, chapter04, chapter05, chapter06, chapter07
from utils.exercises import clinic
from utils.exercises.verdict import CORRECT, NO_CHOICE, NOT_YET
from utils.training.loop import History

CHAPTERS = (chapter01, chapter02, chapter03, chapter04, chapter05, chapter06)
PATIENTS = {chapter.__name__: chapter.PATIENT for chapter in CHAPTERS}
PATIENTS |= {f"chapter07, bed {name}": patient for name, patient in chapter07.WARD.items()}
patients = pytest.mark.parametrize("patient", PATIENTS.values(), ids=PATIENTS)


@patients
def test_the_diagnosis_is_one_of_the_choices_and_only_it_is_right(patient):
    assert [name for name in patient.diseases if clinic.name_disease(patient, name)] == [patient.disease]


@patients
def test_the_patient_is_the_same_at_every_visit(patient):
    first, second = patient.make().state_dict(), patient.make().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@patients
def test_exactly_one_prescription_cures_and_each_is_explained_in_its_own_words(patient):
    verdicts = {name: clinic.treat(patient, name) for name in patient.prescriptions}
    assert sorted(verdict.status for verdict in verdicts.values()) == [CORRECT] + [NOT_YET] * (len(verdicts) - 1)
    reasons = {treatment.why for treatment in patient.prescriptions.values()}
    assert len(reasons) == len(verdicts)
    assert all(verdicts[name].sentence.endswith(t.why) for name, t in patient.prescriptions.items())


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


@patients
def test_only_a_diagnosis_of_the_learner_opens_the_second_opinion(patient):
    assert all(clinic.has_named(patient, name.upper()) for name in patient.diseases)
    assert not any(clinic.has_named(patient, junk) for junk in (..., None, "", "flu", 3, []))


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
