"""The clinic: every patient is sick, one prescription cures it, and whatever a learner types gets a sentence."""

import pytest
import torch

from utils import clinic, exercises

PATIENTS = {chapter: clinic.patient(chapter) for chapter in clinic.CHAPTERS}


@pytest.mark.parametrize("patient", PATIENTS.values(), ids=PATIENTS)
def test_the_diagnosis_is_one_of_the_choices_and_only_it_is_right(patient):
    assert [name for name in patient.diseases if exercises.check_diagnosis(name, patient.disease, patient.diseases)] == [
        patient.disease
    ]


@pytest.mark.parametrize("patient", PATIENTS.values(), ids=PATIENTS)
def test_the_patient_is_the_same_at_every_visit(patient):
    first, second = patient.make().state_dict(), patient.make().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("patient", PATIENTS.values(), ids=PATIENTS)
def test_exactly_one_prescription_cures(patient):
    cures = [name for name in patient.prescriptions if clinic.treat(patient, name)]
    assert len(cures) == 1


@pytest.mark.parametrize("junk", [..., None, "aspirin", 3, [], {}, torch.ones(2), print])
def test_junk_is_answered_with_the_choices(junk):
    patient = PATIENTS[1]
    for verdict, choices in (
        (clinic.treat(patient, junk), patient.prescriptions),
        (clinic.name_disease(patient, junk), patient.diseases),
    ):
        assert not verdict and all(choice in str(verdict) for choice in choices)


def test_an_unknown_chapter_is_one_sentence():
    with pytest.raises(ValueError, match="no patient waits in chapter 'seven'"):
        clinic.patient("seven")
