"""Every scene that a chapter explores, under any setting of its controls: a finite figure with labels and words."""

import functools
import io
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ipywidgets import fixed
from PIL import Image

import utils.widgets.explorer
from chapters.build.cells import keep_needed
from tests.chapters.claims import run_cells
from tests.chapters.sample import EVIDENCE, SOURCES, build, name_of
from utils.figures import style
from utils.widgets.explorer import Explorer

EXAMPLES = 6  # random settings of each scene, besides both ends


def watched(scene, figures):
    """Return `scene`, with the same parameters, noting in `figures` each figure that it draws on."""

    @functools.wraps(scene)
    def draw(axes, **params):
        caption = scene(axes, **params)
        figures[:] = [np.ravel(axes)[0].figure]
        return caption

    return draw


def settings_of(control):
    """Return all values that a learner can give a control, in the order in which it shows them."""
    if isinstance(control, fixed):
        return [control.value]
    if hasattr(control, "options"):
        options = control.options.items() if isinstance(control.options, dict) else control.options
        return [option[1] if isinstance(option, tuple) else option for option in options]
    if isinstance(control.value, bool):
        return [False, True]
    steps = round((control.max - control.min) / control.step)
    values = [control.min + k * control.step for k in range(steps + 1)]
    if hasattr(control, "base"):
        return [control.base**exponent for exponent in values]
    return [min(value, control.max) for value in values]


def shows_numbers(axis):
    """Whether the labels of an axis's ticks are numbers, which need to be told what they count."""
    texts = [re.sub(r"\\[a-z]+", "", label.get_text()) for label in axis.get_ticklabels()]
    return any(re.search(r"\d", text) and not re.search(r"[A-Za-z]", text) for text in texts)


def faults_of_figure(figure):
    """Return a sentence for each axis without a label or finite limits, and for a figure without a title."""
    faults = []
    drawn = [ax for ax in figure.axes if ax.get_visible() and ax.axison]
    for number, ax in enumerate(drawn):
        for name, axis, low, high in (("x", ax.xaxis, *ax.get_xlim()), ("y", ax.yaxis, *ax.get_ylim())):
            if not np.isfinite([low, high]).all() or low == high:
                faults.append(f"panel {number}: {name} goes from {low} to {high}")
            # Of panels one above the other with the same x, the lowest names it.
            below = [other for other in drawn if other.get_position().y1 < ax.get_position().y0]
            named_below = name == "x" and any(
                other.get_xlabel() and other.get_xlim() == (low, high) for other in below)
            if axis.get_visible() and shows_numbers(axis) and not axis.get_label_text() and not named_below:
                faults.append(f"panel {number}: the {name} axis has numbers and no label")
    return faults


def faults_of_picture(explorer, figure):
    """Return a sentence for each thing that is wrong with what an explorer shows."""
    if explorer.error:
        return [str(explorer.error)]
    faults = faults_of_figure(figure)
    canvas = explorer.canvas
    titles = [ax.get_title(place) for ax in figure.axes for place in ("left", "center", "right")]
    if not canvas.caption and not any(titles):
        faults.append("neither a caption nor a title")
    if re.search(r"\b(nan|inf)\b", canvas.caption):
        faults.append(f"the caption speaks of a number that is none: {canvas.caption}")
    if len(canvas.alt.split()) < 5 or canvas.alt not in explorer._repr_mimebundle_()[0]["text/plain"]:
        faults.append(f"no words for who cannot see the picture: {canvas.alt!r}")
    image = Image.open(io.BytesIO(explorer.image.value))
    image.load()
    if image.size != tuple(round(inches * style.DPI) for inches in canvas.size):
        faults.append(f"the picture has {image.size} pixels")
    if canvas.caption and "<text" not in explorer.data.value and explorer.image.value != canvas.png():
        faults.append("the caption is in neither layer of the picture")
    return faults


def try_settings(scene, controls, panels=1, size=None):
    """Move the controls of a scene to both ends and to random settings; raise AssertionError with what is wrong."""
    figures = []
    explorer = Explorer(watched(scene, figures), panels=panels, size=size, **controls)
    choices = {name: settings_of(control) for name, control in explorer.controls.items()}

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in choices.items()}))
    @example({name: values[0] for name, values in choices.items()})
    @example({name: values[-1] for name, values in choices.items()})
    def check(values):
        for name, value in values.items():
            explorer.controls[name].value = value
        assert faults_of_picture(explorer, figures[0]) == [], f"{scene.__name__}, {values}"

    check()


@pytest.mark.chapter
@pytest.mark.parametrize("source", SOURCES + EVIDENCE, ids=name_of)
def test_any_setting_gives_a_finite_labelled_figure(source, monkeypatch):
    monkeypatch.chdir(build.notebook_of(source).parent)
    explored = []

    def try_instead(scene, *, panels=1, size=None, **controls):
        explored.append(scene)
        try_settings(scene, controls, panels, size)

    monkeypatch.setattr(utils.widgets.explorer, "explore", try_instead)
    monkeypatch.setattr(utils.widgets.explorer, "show", lambda *_, **__: None)
    content = keep_needed(build.read_source(source), lambda _, names: "explore" in names)
    list(run_cells(content, {"__name__": "__main__"}))
    assert explored or source in EVIDENCE


def fine(ax, k=1):
    ax.plot([1, 2], [k, 2])
    ax.set(xlabel="step", ylabel="loss", xlim=(0, 3), ylim=(0, 9))
    return f"It starts at {k}, as it was told."


def without_label(ax, k=1):
    fine(ax, k)
    ax.set(ylabel="" if k == 3 else "loss")
    return "One axis."


def of_no_size(ax, k=1):
    fine(ax, k)
    return f"The loss is {float('nan') if k == 3 else k}."


def silent(ax, k=1):
    fine(ax, k)


def raising(ax, k=1):
    return fine(ax, 1 / (k - 3))


def test_a_fine_scene_passes():
    try_settings(fine, {"k": (1, 3)})


@pytest.mark.parametrize("scene, fault", [
    (without_label, "no label"), (of_no_size, "number that is none"), (silent, "neither a caption nor a title"),
    (raising, "ZeroDivisionError"),
])  # fmt: skip
def test_a_faulty_scene_is_found(scene, fault):
    with pytest.raises(AssertionError, match=fault):
        try_settings(scene, {"k": (1, 3)})
