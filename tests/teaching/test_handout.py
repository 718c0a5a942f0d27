"""Hand-outs: whole, without anything from a network, pictures with their words, one slide a sheet."""

import re

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from teaching import handout
from tests.browser.lab import CHROMIUM_FLAGS
from tests.chapters.sample import build, write_sample
from tests.teaching.test_run_sheet import TALK

PICTURE = """
# %% slideshow={"slide_type": "slide"}
from utils.widgets.explorer import explore
def line(ax, slope=2):
    ax.plot([0, slope])
    return "A <line>."
explore(line, slope=(0, 4))

# %% [markdown] slideshow={"slide_type": "slide"}
# Price: `$5 and $6`. $a < b$ and
#
# $$\\\\sqrt{2} = \\\\frac{1}{x}$$

# %% tags=["slide-output"] slideshow={"slide_type": "slide"}
print("a table of", 6 * 7)

# %%
print("code and", 6 * 9)
"""


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chapters")
    build.build(*write_sample(folder, TALK + PICTURE.replace("\\\\", "\\")))
    return folder


def write(chapter, tmp_path, chromium=None):
    written, missing = handout.write_handout(chapter / "01_sample.ipynb", tmp_path, chromium)
    return {path.name: path for path in written}, missing


def test_without_a_chromium_there_is_html_and_a_sentence(chapter, tmp_path):
    written, missing = write(chapter, tmp_path)
    assert set(written) == {"text.html", "slides.html", "run_sheet_45.html", "run_sheet_20.html"}
    assert len(missing) == 1 and "no Chromium" in missing[0]


def test_nothing_comes_from_elsewhere(chapter, tmp_path):
    written, _ = write(chapter, tmp_path)
    for path in written.values():
        assert not re.search(r'(?:src|href)="(?:https?:)?//|@import|<script', path.read_text()), path.name


def test_pictures_stand_where_widgets_stood_with_their_words(chapter, tmp_path):
    written, _ = write(chapter, tmp_path)
    for name in ("text.html", "slides.html"):
        [picture] = re.findall(r"<img[^>]*>", written[name].read_text(), re.DOTALL)
        assert "data:image/png;base64," in picture and "A &lt;line&gt;." in picture


def test_on_paper_nothing_tells_how_a_picture_comes_alive(chapter, tmp_path):
    assert "This picture is a saved one" in (chapter / "01_sample.ipynb").read_text()
    written, _ = write(chapter, tmp_path)
    for name in ("text.html", "slides.html"):
        page = written[name].read_text()
        assert "This picture is a saved one" not in page and not re.search(r"<pre[^>]*>\s*</pre>", page), name


def test_formulas_are_drawn_and_code_is_left_alone(chapter, tmp_path):
    written, _ = write(chapter, tmp_path)
    for name in ("text.html", "slides.html"):
        page = written[name].read_text()
        assert page.count("<math") == 3 and "<msqrt>" in page and 'display="block"' in page
        assert "$5 and $6" in page and not re.search(r"\$\$|\\(?:sqrt|chi)", page.replace("\\sqrt{2} = ", ""))


def test_slides_leave_out_what_is_skipped_and_the_text_does_not(chapter, tmp_path):
    written, _ = write(chapter, tmp_path)
    slides, text = (written[name].read_text() for name in ("slides.html", "text.html"))
    assert slides.count("<section>") == 5
    assert "a table of 42" in slides and "6 * 7" not in slides and "6 * 7" in re.sub("<[^>]+>", "", text)
    assert "code and 54" in slides and "6 * 9" in slides
    assert "Not in a talk." in text and "Not in a talk." not in slides
    assert "Misconception" not in text + slides, "notes are the speaker's"


def test_each_slide_has_its_number_as_on_the_run_sheet(chapter, tmp_path):
    written, _ = write(chapter, tmp_path)
    slides, sheet = (written[name].read_text() for name in ("slides.html", "run_sheet_45.html"))
    sections = slides.split("<section>")[1:]
    assert [re.search(r"<footer>(\d+) / 5</footer>", section)[1] for section in sections] == list("12345")
    assert "A fragment." in sections[1] and re.search(r"<td>2</td>\s*<td><b>Why chi matters, continued</b>", sheet)


def test_a_chapter_without_slides_gets_its_text(tmp_path):
    source, notebook = write_sample(tmp_path, "# %% [markdown]\n# # Title\n")
    nbformat.write(build.read_source(source), notebook)
    written, missing = handout.write_handout(notebook, tmp_path / "out", None)
    assert [path.name for path in written] == ["text.html"] and "no slides yet" in missing[0]


def test_an_unknown_chapter_and_unreadable_notes_get_one_sentence(chapter, tmp_path, capsys):
    assert handout.main(["9"], chapter, tmp_path) == 1
    assert capsys.readouterr().err == "Chapter 9 is not there (there are: 01).\n"
    source, notebook = write_sample(tmp_path, TALK.replace("Minutes: 3", "Minutes: ?"))
    nbformat.write(build.read_source(source), notebook)
    assert handout.main(["1"], tmp_path, tmp_path / "out") == 1
    assert capsys.readouterr().err.startswith("01_sample: minutes are written")


@pytest.mark.browser
def test_a_phone_shows_slides_and_run_sheet_in_their_own_size(chapter, tmp_path, chromium_path):
    written, _ = write(chapter, tmp_path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium_path), args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 844}, is_mobile=True)
        for name in ("slides.html", "run_sheet_45.html"):
            page.goto(written[name].as_uri())
            assert page.evaluate("() => [innerWidth, document.documentElement.scrollWidth]") == [390, 390], name
            assert page.evaluate("() => parseFloat(getComputedStyle(document.body).fontSize)") > 14
        page.goto(written["slides.html"].as_uri())
        assert page.locator("img").bounding_box()["width"] > 600, "the letters of a picture are still to be read"
        browser.close()


@pytest.mark.browser
def test_the_pdf_has_one_sheet_a_slide(chapter, tmp_path, chromium_path):
    written, missing = write(chapter, tmp_path, chromium_path)
    assert missing == [] and {"slides.pdf", "run_sheet_45.pdf", "run_sheet_20.pdf"} <= set(written)
    pdf = written["slides.pdf"].read_bytes()
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type /Page\b", pdf)) == 5
