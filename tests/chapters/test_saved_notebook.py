"""A saved notebook without a kernel: every widget and figure has left a picture, and the picture has words."""

import base64
import re
from io import BytesIO

import nbformat
import pytest
from nbconvert import HTMLExporter
from PIL import Image

from tests.chapters.sample import CHAPTERS, EVIDENCE, SOURCES, build, name_of, write_sample

TEMPLATES = CHAPTERS / "templates"
NOTEBOOKS = {name_of(source): build.notebook_of(source) for source in SOURCES + EVIDENCE}


@pytest.fixture(scope="module", params=[*NOTEBOOKS.values(), pytest.param(None, marks=pytest.mark.slow)],
                ids=[*NOTEBOOKS, "sample"])
def content(request, tmp_path_factory):
    """A chapter as it is saved, or the sample chapter built here."""
    path = request.param
    if path is None:
        source, path = write_sample(tmp_path_factory.mktemp("sample"))
        build.build(source, path)
    return nbformat.read(path, as_version=4)


def pictures(content):
    """Return the outputs of a notebook that hold a picture."""
    return [output for cell in content.cells for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {})]


def exported(content):
    """Return the notebook as HTML, with the course's template (JupyterLab's own drops the words of pictures)."""
    exporter = HTMLExporter(template_name="course", extra_template_basedirs=[str(TEMPLATES)])
    return exporter.from_notebook_node(content)[0]


def test_html_export_shows_every_picture_with_its_words(content):
    page = exported(content)
    images = re.findall(r"<img[^>]*data:image/png[^>]*>", page)
    assert len(images) == len(pictures(content))
    alternatives = [re.search(r'alt="([^"]*)"', image) for image in images]
    assert all(alternative and alternative[1].strip() for alternative in alternatives)
    assert "No description has been provided" not in page


def test_every_lesson_left_a_picture():
    assert all(pictures(nbformat.read(build.notebook_of(source), as_version=4)) for source in SOURCES)


def test_a_reader_of_png_alone_finds_every_picture(content):
    for output in pictures(content):
        with Image.open(BytesIO(base64.b64decode(output.data["image/png"]))) as image:
            image.load()
            assert image.format == "PNG"


def test_every_call_that_shows_something_left_a_picture(content):
    showing = re.compile(r"^(show|explore|predict)\(", re.MULTILINE)
    for cell in content.cells:
        if cell.cell_type == "code" and (expected := len(showing.findall(cell.source))):
            found = [output for output in cell.outputs if "image/png" in output.get("data", {})]
            assert len(found) >= expected, cell.source.splitlines()[0]
