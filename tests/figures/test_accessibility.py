"""Colours that stay apart for colour-blind eyes, contrast on paper, and words for every control.

That every picture of a chapter has a text alternative with numbers is held by tests/chapters/test_chapters.py; that
every control moves by keyboard, by tests/browser/test_chapters.py.
"""

import itertools

import ipywidgets as widgets
import nbformat
import numpy as np
import pytest

from chapters.build.cells import keep_needed
from tests.chapters.sample import EVIDENCE, SOURCES, build, name_of
from tests.exercises.test_checking import luminance
from utils.exercises import claims, verdict
from utils.figures import style
from utils.training import loop
from utils.widgets import explorer, picture
from utils.widgets.versions import tooltip_of

# Machado, Oliveira, Fernandes (2009), severity 1.0: linear RGB -> linear RGB as a dichromat sees it.
VISIONS = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# CIELAB units (CIE 1976). About 2 can just be told apart side by side; thin lines that lie apart need several times
# that. Okabe and Ito's own eight, some of them far too light for lines on white, come to 16 at the worst.
APART = 16


def seen(colour, vision):
    """Return '#RRGGBB' in CIELAB (D65) as an eye of this vision sees it."""
    coded = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = to_xyz @ np.clip(VISIONS[vision] @ linear, 0, 1) / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(a, b, vision):
    return np.linalg.norm(seen(a, vision) - seen(b, vision))


def test_the_measure_knows_what_is_confused():
    assert distance("#FFFFFF", "#000000", "full") == pytest.approx(100, abs=0.1)
    assert distance("#E00000", "#808000", "full") > 2 * distance("#E00000", "#808000", "protanopia")
    assert distance("#D55E00", "#B37A00", "deuteranopia") < 5, "vermillion, and Okabe and Ito's orange when darkened"
    assert distance("#009E9E", "#0090D0", "tritanopia") < distance("#009E9E", "#0090D0", "full")


@pytest.mark.parametrize("vision", VISIONS)
def test_any_two_colours_of_a_figure_stay_apart(vision):
    for a, b in itertools.combinations(style.CYCLE, 2):
        assert distance(a, b, vision) >= APART, f"{a} and {b} are confused under {vision}"


@pytest.mark.parametrize("vision", VISIONS)
def test_the_ink_of_a_drawn_net_has_even_steps_and_none_looks_like_the_alarm(vision):
    for a, b in itertools.pairwise(style.INK):
        assert 10 < seen(a, vision)[0] - seen(b, vision)[0] < 25, f"{a} and {b} in lightness, of 100"
    assert all(distance(shade, style.ALARM, vision) >= APART for shade in style.INK)


@pytest.mark.parametrize("colour", [style.GREY, style.BLACK])
def test_words_in_a_figure_have_a_contrast_of_four_and_a_half_to_one(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


def test_a_verdict_is_told_by_sign_and_word_not_by_colour_alone():
    assert len(set(verdict.SYMBOLS.values())) == len(verdict.SYMBOLS)


def test_lines_are_told_apart_without_colour():
    assert len(set(style.MARKERS)) == len(style.CYCLE) == len(set(map(str, style.DASHES)))


@pytest.mark.parametrize("source", SOURCES + EVIDENCE, ids=name_of)
def test_every_control_of_a_chapter_has_a_label(source, monkeypatch):
    """Run the cells that make controls, with scenes that draw nothing, and look at each control.

    A control's label does not depend on what was learned, so each training takes one step, and no claim is made of it.
    """
    made = []
    real = explorer.make_control
    monkeypatch.setattr(explorer, "make_control", lambda *given: made.append(real(*given)) or made[-1])
    for module in (explorer, picture):
        monkeypatch.setattr(module, "draw_scene", lambda *_: None)
    race = loop.race
    monkeypatch.setattr(claims, "claim", lambda *_, **__: None)
    monkeypatch.setattr(loop, "race", lambda *nets, **given: race(*nets, **{**given, "steps": 1, "live": False}))
    content = keep_needed(build.read_source(source), lambda cell, used: {"explore", "predict"} & used and "(" in cell.source)
    namespace = {"__name__": "__main__"}
    for cell in content.cells:
        if "await" not in cell.source:
            exec(compile(cell.source, source.stem, "exec", optimize=1), namespace)  # noqa: S102 - the chapter itself
    visible = [control for control in made if isinstance(control, widgets.DOMWidget)]
    assert visible or source in EVIDENCE
    for control in visible:
        assert control.description.strip() and tooltip_of(control).strip(), f"{control!r} has no label"


def test_every_built_picture_has_words_and_they_hold_numbers():
    for source in SOURCES + EVIDENCE:
        for cell in nbformat.read(build.notebook_of(source), as_version=4).cells:
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    assert len(output["metadata"]["image/png"]["alt"]) > 20, cell.source.splitlines()[0]
