"""The clinic on a page: patients whose choices open what is said to them."""

import re

import nbformat
from nbformat.v4 import new_code_cell, new_output

from chapters.build.reading import notebook_of
from teaching.web import clinic
from tests.chapters.sample import SOURCES


def written(cell):
    return "".join(output.get("data", {}).get(kind, "") for output in cell.outputs for kind in ("text/plain", "text/html")) + "".join(
        output.get("text", "") for output in cell.outputs)  # fmt: skip


def test_every_choice_of_a_patient_opens_what_is_said_to_it():
    """In every cell of the lessons that asks for one, but for a ward, which is asked for in a loop."""
    opened = waiting = 0
    for lesson in SOURCES:
        for cell in nbformat.read(notebook_of(lesson), as_version=4).cells:
            if cell.cell_type == "code" and re.search(r"clinic\.(name_disease|treat)\(chapter", cell.source):
                waiting += clinic.WAITING in written(cell)
                clinic.answer_choices(cell)
                shown = written(cell)
                assert clinic.ASKED not in shown and clinic.WAITING not in shown, f"{lesson.stem}: {cell.source}"
                assert shown.count("<details>") >= 3 and ("name_disease" not in cell.source or shown.count("✔ correct") == 1)
                opened += shown.count("course-choices")
    assert opened >= 2 * 7 and waiting >= 5


def test_a_cell_that_asks_for_nothing_stays_as_it_is():
    asked = f"○ {clinic.ASKED}..."
    for source in ("clinic.rounds(ward, diagnoses)", "for patient in ward:\n    clinic.name_disease(patient, ...)"):
        cell = new_code_cell(source, outputs=[new_output("display_data", {"text/plain": asked})])
        clinic.answer_choices(cell)
        assert cell.outputs[0].data == {"text/plain": asked}
