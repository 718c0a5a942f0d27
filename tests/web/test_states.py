"""States of a small notebook as they are written, and the page that is made of it."""

import gzip
import json
import re
import shutil
from base64 import b64decode
from types import SimpleNamespace

import nbformat
import pytest
from docutils import nodes
from docutils.utils import new_document

from chapters.build import HOW_TO
from chapters.build.reading import read_source
from teaching.web import mathml, page, site
from tests.chapters.sample import SOURCES
from utils.figures import narrow as phone
from utils.figures import style

pytestmark = pytest.mark.slow

TOY = '''# %% [markdown]
# # 9 · A toy
#
# [![Open in Colab](https://elsewhere.example/badge.svg)](https://elsewhere.example/open)

# %%
import torch
from utils import explore, fit, predict, show

# %%
torch.manual_seed(0)
x, y = torch.randn(64, 4), torch.randint(3, (64,))
net = torch.nn.Linear(4, 3)
# %%
undefined_name                                           # not run: nothing that moves needs it

# %%
def line(ax, slope=2, kind="up", guess=None):
    ax.plot([0, slope if kind == "up" else -slope])
    ax.set(xlabel="x", ylabel="y", ylim=(-9, 9))
    return f"It goes {kind} by {slope}."

show(line)
explore(line, slope=(0, 4), kind=["up", "down"])

# %%
predict("How steep?", line, guess=[("flat", 0), ("two", 2)], right=2)

# %%
fit(net, x, y, steps=100, title="A small net")
'''

CALL = re.compile(r'courseStates\("(.*?)",(\d+),"(.*?)"\)\n')


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The toy's source, its scenes, and their folder."""
    folder = tmp_path_factory.mktemp("toy")
    source = folder / "source" / "09_toy.py"
    source.parent.mkdir()
    source.write_text(TOY, encoding="utf-8")
    site.draw_states(source, folder / "cache", 12)
    return source, site.read_scenes(source, folder / "cache"), folder / "cache" / "09_toy"


def states_of(folder, scene):
    """Return place -> (frame, SVG, words, ...) of all states of a scene."""
    found = {}
    for file in (folder / scene["scene"]).glob("b*.js"):
        name, _number, packed = CALL.fullmatch(file.read_text()).groups()
        assert name == f"09_toy/{scene['scene']}"
        block = json.loads(gzip.decompress(b64decode(packed)))
        for place, (frame, parts, *words) in block["states"].items():
            found[place] = (frame, "".join(block["parts"][part] for part in parts), *words)
    return found


def test_an_explorer_has_a_state_for_every_setting(drawn):
    _, scenes, folder = drawn
    scene = next(scene for scene in scenes if scene["kind"] == "explore")
    assert scene["picture"] == 1  # the first one of its cell stands still
    assert [control["values"] for control in scene["controls"]] == [["0", "1", "2", "3", "4"], ["up", "down"]]
    assert [control["start"] for control in scene["controls"]] == [2, 0]
    states = states_of(folder, scene)
    assert len(states) == 10
    _frame, svg, words = states["3,1"]
    assert words.startswith("slope 3, kind down. ") and words.endswith("It goes down by 3.")
    assert "<path" in svg and "It goes down by 3." in svg
    assert {state[0] for state in states.values()} == {0} and (folder / scene["scene"] / "f0.png").exists()
    assert len({state[1] for state in states.values()}) >= 9  # flat is flat, up or down, but for its caption


def test_everything_is_drawn_a_second_time_for_a_phone(drawn):
    source, scenes, folder = drawn
    for scene in scenes:
        narrow = {**scene, "scene": f"{scene['scene']}-narrow"}
        assert len(list((folder / narrow["scene"]).glob("f*.png"))) >= 1
        wide, other = states_of(folder, scene), states_of(folder, narrow)
        assert {place: state[2:] for place, state in wide.items()} == {place: state[2:] for place, state in other.items()}, "words"
        width, height = (round(pixels * style.DPI / phone.DPI) for pixels in page.size_of((folder / narrow["scene"] / "f0.png").read_bytes()))
        assert scene["narrow"] == {"width": width, "height": height} and width == 440 < scene["width"]
    cells = [cell.id for cell in read_source(source).cells if re.search(r"^(show|predict|fit)\(", cell.source, re.MULTILINE)]
    assert sorted(file.name for file in (folder / "narrow").iterdir()) == sorted([f"{cell}-0.png" for cell in cells] + [f"{cells[0]}-1.png"])


def test_a_prediction_has_a_state_for_every_guess(drawn):
    _, scenes, folder = drawn
    scene = next(scene for scene in scenes if scene["kind"] == "predict")
    states = states_of(folder, scene)
    assert scene["question"] == "How steep?" and scene["controls"][0]["values"] == ["flat", "two"]
    assert "Not this one; right is: two" in states["0"][3] and "That is right" in states["1"][3]


def test_a_training_has_its_curve_at_some_steps(drawn):
    _, scenes, folder = drawn
    scene = next(scene for scene in scenes if scene["kind"] == "train")
    states, steps = states_of(folder, scene), scene["controls"][0]["values"]
    assert scene["title"] == "A small net" and steps[-1] == "100" and len(states) == len(steps) == 40
    assert "Last loss" in states["39"][2] and "Last loss" not in states["20"][2]


def test_what_is_drawn_again_has_the_same_bytes(drawn, tmp_path):
    source, _, folder = drawn
    site.draw_states(source, tmp_path, 12)
    for file in folder.rglob("*"):
        if file.is_file():
            assert file.read_bytes() == (tmp_path / "09_toy" / file.relative_to(folder)).read_bytes(), file.name


def test_states_are_drawn_anew_when_a_file_changes_that_they_are_made_of(drawn, tmp_path, monkeypatch):
    source, _, _ = drawn
    made = site.made_of(source)
    assert all(file.is_file() for file in [*made, *site.LAYOUT])
    assert {source, site.ROOT / "utils" / "widgets" / "explorer.py", site.ROOT / "chapters" / "build" / "cells.py"} < set(made)
    before, changed = site.fingerprint(source), tmp_path / "changed.py"
    changed.write_text("# A helper.")
    monkeypatch.setattr(site, "made_of", lambda source: [*made, changed])
    assert site.fingerprint(source) != before
    monkeypatch.setattr(site, "LAYOUT", [*site.LAYOUT, changed])
    assert site.fingerprint(source) == before


def test_states_of_another_source_are_not_used(drawn):
    source, _, folder = drawn
    source.write_text(TOY + "\n# A change.\n", encoding="utf-8")
    assert site.read_scenes(source, folder.parent) is None
    source.write_text(TOY, encoding="utf-8")
    assert len(site.read_scenes(source, folder.parent)) == 3


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def as_built(source, path, pictures):
    """Write a notebook as the build would: `pictures` in the outputs of the cell that explores, one in each later one."""
    content = read_source(source)
    for cell in content.cells:
        if cell.cell_type == "code" and re.search(r"^(explore|predict|fit)\(", cell.source, re.MULTILINE):
            count = pictures if "explore(" in cell.source else 1
            data = {"image/png": PIXEL, "text/plain": 'a "picture" <in words>'}
            cell.outputs = [nbformat.v4.new_output("display_data", data) for _ in range(count)]
            cell.outputs.insert(0, nbformat.v4.new_output("display_data", {"text/markdown": HOW_TO}))
    nbformat.write(content, path)
    return path


def test_a_page_has_every_picture_as_a_file_with_words_and_what_moves_it(drawn, tmp_path):
    source, scenes, folder = drawn
    notebook = as_built(source, tmp_path / "09_toy.ipynb", pictures=2)
    shutil.copytree(folder, tmp_path / "states" / "09_toy")
    page.write_page(notebook, tmp_path / "out" / "09_toy.ipynb", "09_toy", scenes, tmp_path, "*Run me.*")
    content = nbformat.read(tmp_path / "out" / "09_toy.ipynb", as_version=4)
    assert "*Run me.*" in content.cells[0].source and page.STACKED in content.cells[0].source
    assert "badge.svg" not in content.cells[0].source and "[Open in Colab](https://elsewhere.example/open)" in content.cells[0].source
    shown = [output.data["text/html"] for cell in content.cells for output in cell.get("outputs", [])]  # and no HOW_TO
    assert len(shown) == 4 and len(list((tmp_path / "pictures" / "09_toy").iterdir())) == 4
    assert all('alt="a &quot;picture&quot; &lt;in words&gt;"' in text for text in shown)
    assert ["course-scene" in text for text in shown] == [False, True, True, True]
    assert 'data-folder="states/09_toy/s0"' in shown[1]
    sources = [re.search(r'<picture><source srcset="(states/09_toy/narrow/\w+-\d.png)" width="440"', text)[1] for text in shown]
    assert len({(tmp_path / name).read_bytes() for name in sources}) == 3  # the first two are the same line


def test_a_scene_without_its_picture_is_an_error(drawn, tmp_path):
    source, scenes, _ = drawn
    notebook = as_built(source, tmp_path / "09_toy.ipynb", pictures=1)
    with pytest.raises(ValueError, match="shows no picture where its source has a scene"):
        page.write_page(notebook, tmp_path / "out.ipynb", "09_toy", scenes, tmp_path, "")


def test_what_is_true_of_a_notebook_only_is_left_out_and_what_has_to_be_run_says_where(tmp_path):
    cells = [nbformat.v4.new_markdown_cell("# 9 · A toy"), nbformat.v4.new_code_cell("explore(line)"),
             nbformat.v4.new_markdown_cell("## The clinic: a patient\n\nWhat ails it?"), nbformat.v4.new_code_cell("claim()"),
             nbformat.v4.new_markdown_cell("## A **slope** <!-- term: how steep\nit is -->.\n\nThe clinic comes later.")]  # fmt: skip
    cells[1].outputs = [nbformat.v4.new_output("display_data", {"text/markdown": HOW_TO}),
                        nbformat.v4.new_output("display_data", {"image/png": PIXEL, "text/plain": "words"})]  # fmt: skip
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "09_toy.ipynb")
    page.write_page(tmp_path / "09_toy.ipynb", tmp_path / "out.ipynb", "09_toy", [], tmp_path, "*Run me.*")
    title, explored, clinic, _, slope = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert len(explored.outputs) == 1 and "course-picture" in explored.outputs[0].data["text/html"]
    assert clinic.source == "## The clinic: a patient\n\n*Run me.*\n\nWhat ails it?"
    assert title.source.endswith("*Run me.*") and slope.source == "## A **slope**.\n\nThe clinic comes later."


def test_page_style_and_script_mean_the_same_by_a_phone():
    for name in ("course.css", "course.js"):
        assert page.PHONE in (site.ROOT / "teaching" / "web" / "static" / name).read_text(encoding="utf-8")


def test_a_training_without_a_chart_leaves_nothing_on_a_page():
    assert page.LENGTH.fullmatch("Race: 600 steps.") and not page.LENGTH.fullmatch("A map: colours from 0 to 600 steps.\nMore.")


def test_a_page_does_not_speak_of_cells_that_one_runs():
    told = {source: "\n".join(cell.source for cell in read_source(source).cells if cell.cell_type == "markdown") for source in SOURCES}
    for said in page.ON_PAGES:
        assert any(re.search(said, text) for text in told.values()), f"no lesson says {said} any more"
    assert not any("Shift+Enter" in page.for_pages(text) or "your machine" in page.for_pages(text) for text in told.values())


@pytest.mark.parametrize("address, told", [
    ("", "install the course"),
    ("https://github.com/you/course", "https://mybinder.org/v2/gh/you/course/main?urlpath=lab%2Ftree%2Fchapters%2F09_toy.ipynb"),
    ("https://github.com/you/course.git", "https://colab.research.google.com/github/you/course/blob/colab/chapters/09_toy.ipynb"),
    ("https://gitlab.com/you/course", "https://mybinder.org/v2/gl/"),
])  # fmt: skip
def test_a_page_tells_where_it_can_be_run(address, told, tmp_path):
    line = page.how_to_run(address, tmp_path / "09_toy.ipynb")
    assert told in line
    assert ("colab" in line) == ("github" in address)


@pytest.mark.parametrize("label, written", [
    ("n layers", "n layers"), (r"$\sigma_{w}^2$", "<i>&sigma;</i><sub>w</sub><sup>2</sup>"), (r"$\alpha$", "<i>&alpha;</i>"),
    ("a < b", "a &lt; b"),
])  # fmt: skip
def test_the_label_of_a_control(label, written):
    assert page.label_html(label) == written


def test_a_formula_keeps_the_full_stop_behind_it_and_a_space_before_its_argument():
    text, formula = nodes.paragraph(), nodes.math("", r"\ln 10")
    text += [nodes.strong("", "order"), nodes.Text(".) And then"), formula, nodes.Text(".) And then")]
    document = new_document("")
    document += text
    mathml.keep_together(None, document, "page")
    assert [child.astext() for child in text] == ["order", ".) And then", r"\ln 10.)", " And then"]
    assert text[2]["classes"] == ["course-together"]
    visit, _ = mathml._renderer("inline")
    translator = SimpleNamespace(body=[])
    with pytest.raises(nodes.SkipNode):
        visit(translator, formula)
    assert "<mi>ln</mi><mspace" in translator.body[0] and not mathml.FUNCTION.search("<mi>ln</mi><mo>(</mo>")
