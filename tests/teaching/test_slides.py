"""The hall's notebook: conclusions stand with the picture that they speak of, and slides begin with a heading or a question."""

import copy
import re
from collections import Counter

import nbformat
import pytest

from teaching.run_sheet import read_slides, write_run_sheet
from teaching.slides import CONCLUSION, LONGEST, for_the_hall, slide_type
from tests.chapters.sample import CHAPTERS

code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
SLIDE, SUBSLIDE, SKIP = ({"slideshow": {"slide_type": kind}} for kind in ("slide", "subslide", "skip"))
LONG = "word " * (LONGEST + 1)


def hall(*cells):
    """Return the cells of the hall as triples (slide type, whether it is a conclusion, text)."""
    made = for_the_hall(nbformat.v4.new_notebook(cells=[copy.deepcopy(cell) for cell in cells])).cells
    assert len({cell.id for cell in made}) == len(made)
    return [(slide_type(cell), CONCLUSION in cell.metadata.get("tags", []), cell.source) for cell in made]


PICTURE = code("show(scene)", metadata=SLIDE)
SHOWN = ("slide", False, "show(scene)")


def test_what_stands_above_a_heading_goes_to_the_picture():
    notes = {**SLIDE, "notes": "Minutes: 2"}
    cells = [PICTURE, text("It falls.\n\nTwice.\n\n## Why?\n\nText.\n\n## More", metadata=notes)]
    assert hall(*cells) == [SHOWN, ("fragment", True, "It falls.\n\nTwice."), ("slide", False, "## Why?\n\nText."),
                            ("slide", False, "## More")]
    assert [slide.minutes for slide in read_slides(for_the_hall(nbformat.v4.new_notebook(cells=cells)))] == [(0, 0), (2, 0), (0, 0)]


def test_a_heading_of_the_third_level_divides_a_conclusion_and_notes_stay_with_what_comes():
    cells = [PICTURE, text("It falls.\n\n### Why?\n\nFor this.\n\n## More", metadata={**SUBSLIDE, "notes": "Minutes: 2"})]
    assert hall(*cells)[1:] == [("fragment", True, "It falls."), ("subslide", True, "### Why?\n\nFor this."), ("subslide", False, "## More")]
    *_, last = read_slides(for_the_hall(nbformat.v4.new_notebook(cells=cells)))
    assert last.minutes == (2, 0)
    said = text("It falls.\n\n### Why?", metadata={**SLIDE, "notes": "Minutes: 2"})
    assert hall(PICTURE, said)[1:] == [("fragment", True, "It falls."), ("slide", False, "### Why?")]
    assert hall(text("## Summary\n\nA.\n\n## Home", metadata=SLIDE)) == [("slide", False, "## Summary\n\nA."), ("slide", False, "## Home")]


def test_what_one_takes_home_does_not_wait_below_a_question():
    home = ran("print(2)")
    home.metadata["tags"] = ["take-home"]
    assert hall(text("## Take it home\n\nIs it?", metadata=SLIDE), home)[1][0] == "-"


def test_a_long_conclusion_is_a_slide_within_the_minutes_of_the_picture():
    cells = [code("1", metadata={**SLIDE, "notes": "Minutes: 3 / 2"}), text(f"{LONG}\n\n## Why?", metadata=SLIDE)]
    assert [kind for kind, *_ in hall(*cells)] == ["slide", "subslide", "slide"]
    sheet = write_run_sheet(read_slides(for_the_hall(nbformat.v4.new_notebook(cells=cells))), "A talk", 20)
    assert "<td>1, 2</td>" in sheet and "Leave out slide 3." in sheet


def test_a_cell_that_only_concludes_goes_to_the_picture_and_one_that_leads_on_does_not():
    said = text("So it falls.", metadata=SLIDE)
    assert hall(PICTURE, said, text("## Next", metadata=SLIDE))[1] == ("fragment", True, "So it falls.")
    assert hall(PICTURE, said, code("hidden", metadata=SKIP), code("2"))[1] == ("slide", False, "So it falls.")


def ran(source):
    return code(source, outputs=[nbformat.v4.new_output("stream", text="2")])


@pytest.mark.parametrize("question, source, waits", [
    ("## Why?\n\nWhich of them?", "show(scene)", True), ("Which? <!-- term: A word. -->", "race(nets, live=False)", True),
    ("Here they are.", "show(scene)", False), ("Why?\n\nLook.", "show(scene)", False), ("## Why?", "show(scene)", False),
    ("Here. <!-- term: Why? -->", "show(scene)", False), ("Which?", "explore(scene, a=(1, 2))", False),
    ("Which?", "predict('Which?', scene)", False), ("Which?", "runs = race(nets)", False),
    ("Which?", "clinic.chart(patient)", False),
])  # fmt: skip
def test_a_result_below_its_question_waits_for_a_key(question, source, waits):
    (_, (kind, *_)) = hall(text(question, metadata=SLIDE), ran(source))
    assert kind == ("fragment" if waits else "-")


def test_what_is_to_be_tried_stands_with_the_sliders():
    cells = [text("## A\n\nText.\n\n*Try:* (1) This.\nAnd that.", metadata=SLIDE), text("Which?", metadata=SUBSLIDE)]
    moved = [said for *_, said in hall(*cells, code("explore(scene, a=(1, 2))"))]
    assert moved[:2] == ["## A\n\nText.", "Which?\n\n*Try:* (1) This.\nAnd that."]
    for other in (cells + [code("show(scene)")], [cells[0], code("explore(scene)"), cells[1]]):
        assert [said for *_, said in hall(*other)] == [cell.source for cell in other]


@pytest.mark.parametrize("cells", [
    [text("## A\n\nText.", metadata=SLIDE), text("Text.\n\n## B", metadata=SLIDE)],
    [PICTURE, text("## B\n\nText.", metadata=SUBSLIDE)],
    [PICTURE, text("Below the picture.")],
    [PICTURE, text("It falls.\n\n## Why?", metadata=SKIP)],
    [PICTURE, code("# not\n## a heading", metadata=SLIDE)],
], ids=["no picture", "a heading first", "part of the slide", "not shown", "code"])  # fmt: skip
def test_what_stays_as_it_is(cells):
    assert hall(*cells) == [(slide_type(cell), False, cell.source) for cell in cells]


def test_the_title_does_not_tell_a_hall_how_to_run_cells():
    title = "# 1 · Title\n\n*About 38 minutes.*\n\nYou will see.\n\nRun the cells\nwith **Shift+Enter**. More.\n\nIs it?"
    ((_, _, source),) = hall(text(title, metadata=SLIDE))
    assert "Shift" not in source and "minutes" not in source
    assert source.startswith("# 1 · Title\n\n") and "You will see.\n\nIs it?" in source


@pytest.mark.parametrize("path", sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb")), ids=lambda path: path.stem)
def test_the_slides_of_a_chapter_lose_and_invent_no_word(path):
    notebook = nbformat.read(path, as_version=4)
    made = for_the_hall(notebook)
    nbformat.validate(made)
    words = ["\n\n".join(cell.source for cell in one.cells[1:]).split() for one in (notebook, made)]
    assert Counter(words[0]) == Counter(words[1])
    assert made.cells[0].source.splitlines()[0] == notebook.cells[0].source.splitlines()[0]
    assert [cell.metadata.get("notes") for cell in made.cells if "notes" in cell.metadata] == [
        cell.metadata.get("notes") for cell in notebook.cells if "notes" in cell.metadata]  # fmt: skip
    late = [cell.source for cell in made.cells
            if cell.cell_type == "markdown" and slide_type(cell) not in ("skip", "-") and re.search(r"\n##+ ", cell.source)]
    assert not late, "a heading in the middle of a slide"
