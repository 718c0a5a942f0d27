"""Every patient of every chapter is sick, and one prescription cures it: each net trained once, all side by side."""

import importlib

import pytest
import torch

from tests.answers.answers import CHAPTERS
from utils.exercises import clinic
from utils.exercises.verdict import CORRECT, NOT_YET
from utils.training.loop import race

PATIENTS = {f"{chapter.__name__[-2:]}, {name}": patient for chapter in CHAPTERS
            for name, patient in {**vars(chapter).get("WARD", {}), **vars(chapter)}.items() if isinstance(patient, clinic.Patient)}
patients = pytest.mark.parametrize("patient", PATIENTS.values(), ids=PATIENTS)


def test_every_chapter_has_a_patient():
    assert {name[:2] for name in PATIENTS} == {chapter.__name__[-2:] for chapter in CHAPTERS}


@patients
def test_the_diagnosis_is_one_of_the_choices_and_only_it_is_right(patient):
    assert [name for name in patient.diseases if clinic.name_disease(patient, name)] == [patient.disease]


@patients
def test_the_patient_is_the_same_at_every_visit(patient):
    first, second = patient.make().state_dict(), patient.make().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@patients
def test_only_a_diagnosis_of_the_learner_opens_the_second_opinion(patient):
    assert all(clinic.has_named(patient, name.upper()) for name in patient.diseases)
    assert not any(clinic.has_named(patient, junk) for junk in (..., None, "", "flu", 3, []))


@pytest.mark.slow
@pytest.mark.parametrize("name", PATIENTS)
def test_exactly_one_prescription_cures_and_each_is_explained_in_its_own_words(name, monkeypatch):
    """`treat` trains two nets for each prescription, one of them the same every time; here each is trained once."""
    patient = PATIENTS[name]
    treatments = patient.prescriptions
    rates = {"untreated": patient.lr, **{name: treatment.lr for name, treatment in treatments.items()}}
    nets = {"untreated": patient.make(), **{name: treatment.make() for name, treatment in treatments.items()}}
    x, y, *_ = patient.data()
    runs = race(nets, x, y, steps=300, lr=rates, live=False, **patient.settings)

    def trained(nets, x, y, *, steps, lr, title, **settings):
        assert steps == 300 and settings == patient.settings and lr == {name: rates[name] for name in nets}
        return {name: runs[name] for name in nets}

    monkeypatch.setattr(clinic, "race", trained)
    verdicts = {name: clinic.treat(patient, name) for name in treatments}
    assert sorted(verdict.status for verdict in verdicts.values()) == [CORRECT] + [NOT_YET] * (len(verdicts) - 1)
    assert len({treatment.why for treatment in treatments.values()}) == len(verdicts)
    assert all(verdicts[name].sentence.endswith(treatment.why) for name, treatment in treatments.items())
    cures = vars(importlib.import_module(f"tests.answers.test_chapter{name[:2]}")).get("CURE")  # where it is written down
    assert cures in (None, *(name for name, verdict in verdicts.items() if verdict))
