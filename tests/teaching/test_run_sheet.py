"""Speaker notes: from the source into the metadata of a built chapter, and from there onto a run sheet."""

import nbformat
import pytest

from teaching.run_sheet import LENGTHS, NotesError, read_slides, write_run_sheet
from teaching.slides import for_the_hall, has_slides
from tests.chapters.sample import CHAPTERS, build, write_sample

TALK = '''# %% [markdown] slideshow={"slide_type": "slide"}
# # Why $\\chi$ matters
# Text.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 4 / 2
# Ask: How large
# is it?
# Misconception: 1 < 0.

# %% [markdown] slideshow={"slide_type": "skip"}
# Not in a talk.

# %% slideshow={"slide_type": "subslide"}
1 + 1

# %% [markdown] slideshow={"slide_type": "fragment"}
# A fragment.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes: 3
# Say: two.

# %% [markdown]
# More of the same slide.
'''


def notebook_of(folder, text):
    return build.read_source(write_sample(folder, text)[0])


def test_notes_leave_the_text_and_stay_in_the_metadata_of_the_cell_above(tmp_path):
    cells = notebook_of(tmp_path, TALK).cells
    assert [cell.source.splitlines()[0] for cell in cells] == [
        "# Why $\\chi$ matters", "Not in a talk.", "1 + 1", "A fragment.", "More of the same slide."]
    assert [cell.metadata.get("notes", "").splitlines()[:1] for cell in cells] == [
        ["Minutes: 4 / 2"], [], [], ["Minutes: 3"], []]


def test_cell_ids_do_not_depend_on_the_notes(tmp_path):
    with_notes = [cell.id for cell in notebook_of(tmp_path, TALK).cells]
    without = notebook_of(tmp_path, TALK.replace("# Ask: How large\n", "# Ask: Quite another thing\n"))
    assert [cell.id for cell in without.cells] == with_notes


def test_notes_are_part_of_what_is_held_in_step(tmp_path):
    source, notebook = write_sample(tmp_path, TALK)
    nbformat.write(build.read_source(source), notebook)
    assert build.in_step(source, notebook)
    write_sample(tmp_path, TALK.replace("Minutes: 3", "Minutes: 5"))
    assert not build.in_step(source, notebook)


def test_notes_before_the_first_cell_are_refused(tmp_path):
    with pytest.raises(build.BuildError, match="begins with speaker notes"):
        notebook_of(tmp_path, TALK.partition("\n\n")[2])


def test_slides_are_read_with_their_minutes_and_notes(tmp_path):
    first, second = read_slides(notebook_of(tmp_path, TALK))
    assert (first.title, first.minutes) == ("Why chi matters", (4, 2))
    assert first.notes == [("Ask", "How large is it?"), ("Misconception", "1 < 0.")]
    assert (second.title, second.minutes) == ("Why chi matters, continued", (3, 0))
    assert [cell.source for cell in second.cells] == ["1 + 1", "A fragment.", "More of the same slide."]


@pytest.mark.parametrize("begins, title", [
    ("# %%\n1 + 1", "Part, continued"),
    ("# %% [markdown]\n# **How large** is $x$? Guess.", "Part: How large is x?"),
    ("# %% [markdown]\n# ## Another", "Another"),
    ("# %% [markdown]\n# A **gate** at $\\frac12$ <!-- term: What decides. -->\n# is half open. More.", "Part: A gate at 1/2 is half open."),
    ("# %% [markdown]\n# The **gate**: <!-- term: What decides. -->\n#\n# $$x$$", "Part: The gate"),
    ("# %% [markdown] slideshow={'slide_type': 'skip'}\n# ## Another\n\n# %%\n1 + 1", "Another"),
    ('# %%\npredict(\n    f"A loss of {best[2]:.2f}. And then?",\n    scene)', "Part: A loss of .... And then?"),
])  # fmt: skip
def test_a_slide_is_named_after_its_section_and_what_it_asks(begins, title, tmp_path):
    begins = begins.replace("'", '"')
    cut = begins.rindex("# %%")
    head, newline, rest = begins[cut:].partition("\n")
    part = '# %% [markdown] slideshow={"slide_type": "slide"}\n# ## Part\n\n'
    text = f'{part}{begins[:cut]}{head} slideshow={{"slide_type": "slide"}}{newline}{rest}\n'
    assert [slide.title for slide in read_slides(notebook_of(tmp_path, text))] == ["Part", title]



@pytest.mark.parametrize("old, new, sentence", [
    ("Minutes: 3", "Minutes: three", "minutes are written"), ("Minutes: 4 / 2", "Time: 4", "speaker notes begin with"),
    ('"subslide"', '"skip"', None), ('{"slide_type": "fragment"}', '{"slide_type": "skip"}', "no slide shows"),
])  # fmt: skip
def test_notes_that_cannot_be_read_get_one_sentence(tmp_path, old, new, sentence):
    notebook = notebook_of(tmp_path, TALK.replace(old, new))
    if sentence is None:
        assert len(read_slides(notebook)) == 1
        return
    with pytest.raises(NotesError, match=sentence):
        read_slides(notebook)


def test_the_long_run_sheet_has_every_slide_and_the_short_one_fewer(tmp_path):
    slides = read_slides(notebook_of(tmp_path, TALK))
    long, short = (write_run_sheet(slides, "A <talk>", length) for length in LENGTHS)
    assert "planned: 7" in long and "<td>4</td><td>3</td><td>2</td>" in long and "Leave out" not in long
    assert "planned: 2" in short and "Leave out slide 2." in short and "continued" not in short
    assert "A &lt;talk&gt;" in long and "<dt>Misconception</dt><dd>1 &lt; 0.</dd>" in long


@pytest.mark.parametrize("path", sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_fills_its_talks_and_asks(path):
    notebook = nbformat.read(path, as_version=4)
    if not has_slides(notebook):
        pytest.skip(f"{path.stem} has no slides yet")
    slides = read_slides(for_the_hall(notebook))
    for length, planned in zip(LENGTHS, (sum(column) for column in zip(*(slide.minutes for slide in slides)))):
        assert 0.75 * length <= planned <= length, f"{planned:g} minutes are planned for a talk of {length}"
    wordless = [number for number, slide in enumerate(slides, start=1) if not any(
        cell.cell_type == "markdown" or "predict(" in cell.source for cell in slide.cells)]
    assert not wordless, f"slides {wordless} show a picture or code, and say or ask nothing"
    hanging = [number for number, slide in enumerate(slides, start=1)
               if slide.cells[-1].cell_type == "markdown" and slide.cells[-1].source.endswith(":")]
    assert not hanging, f"slides {hanging} announce with a colon what they do not show"
    assert all(slide.minutes[0] or slide.concludes for slide in slides), "a slide of the long talk needs its minutes"
    keys = [key for slide in slides for key, _ in slide.notes]
    assert min(keys.count(key) for key in ("Ask", "Expect", "Misconception", "Answer")) >= 2
    asking = [slide for slide in slides if any("predict(" in cell.source for cell in slide.cells)]
    assert asking and all("Ask" in dict(slide.notes) for slide in asking), "a prediction asks the hall"
