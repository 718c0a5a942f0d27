"""The clinic: whatever a learner types gets a sentence. That one prescription cures each patient: tests/answers."""

import pytest
import torch

from utils.answers import chapter01, chapter02, chapter03, chapter04, chapter05, chapter06, chapter07
from utils.exercises import clinic
from utils.exercises.verdict import NO_CHOICE, NOT_YET
from utils.training.loop import History


def test_capitals_and_spaces_of_a_prescription_do_not_count():
    assert clinic.treat(chapter02.SECOND_PATIENT, " Biases of  ZERO ", steps=200)


@pytest.mark.parametrize("junk", [..., None, "aspirin", 3, [], {}, torch.ones(2), print])
def test_junk_is_answered_with_the_choices_as_they_are_typed(junk):
    patient = chapter01.SECOND_PATIENT
    for verdict, choices in (
        (clinic.treat(patient, junk), patient.prescriptions),
        (clinic.name_disease(patient, junk), patient.diseases),
    ):
        assert not verdict and all(f'"{choice}"' in verdict.sentence for choice in choices)


def test_rounds_count_what_is_right_and_send_back_to_the_chapters_of_the_rest():
    right = {name: patient.disease for name, patient in chapter07.WARD.items()}
    report = clinic.rounds(chapter07.WARD, right)
    assert report and report.remark == "5 of 5 right."
    report = clinic.rounds(chapter07.WARD, right | {"E": "learning rate too small", "D": ...})
    assert not report and report.remark == "3 of 5 right. Read again: chapter 2."
    assert report.verdicts["D"].status == "not attempted"


def test_a_misspelt_diagnosis_sends_nobody_back_to_a_chapter():
    right = {name: patient.disease for name, patient in chapter07.WARD.items()}
    report = clinic.rounds(chapter07.WARD, right | {"D": "lerning rate too small"})
    assert not report and report.remark == "4 of 5 right." and report.verdicts["D"].status == NO_CHOICE


def test_a_treatment_that_the_learner_stopped_says_how_to_start_again(monkeypatch):
    def stopped(nets, *_, **__):
        return {name: History([2.3], accuracy=0.1, steps=1, stopped=True) for name in nets}

    monkeypatch.setattr(clinic, "race", stopped)
    verdict = clinic.treat(chapter02.SECOND_PATIENT, "biases of zero")
    assert verdict.status == NOT_YET and "you stopped the training after 1 of 300 steps" in verdict.sentence
    assert "to start again from step 0, run this cell once more" in verdict.sentence


@pytest.mark.parametrize("junk", [..., None, 3, "dead units", [], {}, {"Z": "dead units"}, {"A": 3, "B": torch.ones(2)}])
def test_junk_in_rounds_is_nobody_cured(junk):
    report = clinic.rounds(chapter07.WARD, junk)
    assert not report and "0 of 5 right" in report.remark and list(report.verdicts) == list(chapter07.WARD)


def test_a_chart_shows_the_hidden_layers_below_the_complaint():
    chart = clinic.chart(chapter01.SECOND_PATIENT)
    assert chart.title == chapter01.SECOND_PATIENT.complaint and chart.headings == ["layer", *clinic.COLUMNS]
    assert [row[0] for row in chart.rows] == [str(layer) for layer in range(1, 9)]  # of nine, the last is the readout
    asked = clinic.chart(chapter01.SECOND_PATIENT, "saturated", "gradient")
    assert asked.headings == ["layer", "saturated", "gradient"] and asked.rows[0] == ("1", "76%", "4.0e+01")


def test_of_a_deep_patient_a_chart_shows_layers_from_the_first_to_the_last():
    rows = clinic.chart(chapter05.SECOND_PATIENT, "gradient").rows
    assert len(rows) == clinic.ROWS and (rows[0][0], rows[-1][0]) == ("1", "50")


def test_a_column_that_no_chart_has_gets_one_sentence():
    with pytest.raises(ValueError, match="no column 'fever'; its columns are: gradient, update / weight"):
        clinic.chart(chapter01.SECOND_PATIENT, "fever")


@pytest.mark.parametrize("answer", [..., None, "a cold", 3])
def test_the_second_opinion_waits_for_the_first(answer):
    asked = clinic.second_opinion(chapter01.SECOND_PATIENT, answer)
    assert asked.status == "not attempted" and "your own diagnosis first" in asked.sentence


def test_after_any_diagnosis_of_the_list_the_second_opinion_is_a_report():
    for answer in ("weights too small", "weights too large"):
        assert clinic.second_opinion(chapter01.SECOND_PATIENT, answer).findings[0].kind == "exploding"


def test_every_patient_of_the_course_has_a_chart_and_a_second_opinion():
    for chapter in (chapter01, chapter02, chapter03, chapter04, chapter05, chapter06):
        assert clinic.chart(chapter.PATIENT).rows
    for patient in chapter07.WARD.values():
        assert clinic.chart(patient).rows and clinic.second_opinion(patient, patient.disease).findings
