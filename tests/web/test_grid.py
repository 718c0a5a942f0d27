"""The grid of states: within its limit, with both ends, the default, and every number that the text says to try."""

import ast
import itertools
import math

import pytest
from ipywidgets import fixed

from chapters.build.reading import read_source
from teaching.web import grid
from teaching.web.states import texts_around
from tests.chapters.sample import EVIDENCE, SOURCES
from utils.widgets.controls import make_control


def scene(ax, depth=10, activation="sigmoid", scale=1.0, bias=False):
    """A scene of every kind of control."""


def controls_of(**abbreviations):
    return {name: make_control(scene, name, given) for name, given in abbreviations.items()}


FOUR = {"depth": (2, 60), "activation": ["sigmoid", "tanh", "relu"], "scale": (0.0, 3.0, 0.05), "bias": True}


@pytest.mark.parametrize("most", [12, 100, 600, 10**6])
def test_a_grid_keeps_ends_default_and_choices_within_its_limit(most):
    controls = controls_of(**{name: FOUR[name] for name in ("depth", "activation", "scale")})
    kept = grid.choose(controls, most, ["Try depth 30."])
    assert math.prod(map(len, kept.values())) <= max(most, 27)
    for name, control in controls.items():
        values = [value for value, _ in grid.values_of(control)]
        assert {0, len(values) - 1, values.index(control.value)} <= set(kept[name]), name
        assert kept[name] == sorted(set(kept[name]))
    if most >= 100:
        assert len(kept["activation"]) == 3 and 28 in kept["depth"]
    if most == 10**6:
        assert [len(indices) for indices in kept.values()] == [59, 3, 61]


def test_what_is_left_of_a_slider_lies_evenly():
    kept = grid.choose(controls_of(depth=(2, 60)), 15)["depth"]
    steps = [right - left for left, right in itertools.pairwise(kept)]
    assert len(kept) == 15 and max(steps) <= 2.5 * min(steps)


def test_values_are_those_of_the_widget():
    controls = controls_of(**FOUR)
    for control in controls.values():
        for value, _ in grid.values_of(control):
            control.value = value
            assert control.value == value
    assert [label for _, label in grid.values_of(controls["bias"])] == ["off", "on"]
    assert grid.values_of(fixed(7)) == [(7, "7")]


@pytest.mark.parametrize("shape", [[4], [3, 4], [2, 3, 4], [30, 3, 6]])
def test_a_walk_sees_every_state_once_and_moves_one_control_by_one_step(shape):
    places = list(grid.snake(shape))
    assert len(set(places)) == len(places) == math.prod(shape)
    for here, there in itertools.pairwise(places):
        assert sum(abs(a - b) for a, b in zip(here, there)) == 1
    edges = grid.edges_of(shape)
    blocks = {}
    for place in places:
        blocks.setdefault(grid.block_of(place, shape, edges), []).append(place)
    assert max(map(len, blocks.values())) <= 2 * grid.TOGETHER
    for together in blocks.values():
        assert all(max(p[i] for p in together) - min(p[i] for p in together) < edges[i] for i in range(len(shape)))


def test_numbers_of_a_text():
    assert grid.numbers_in("(1) Depth 30 and `sigma_w` up to 3. (2) From -6 to 0.25, 1,000 times, x2.") == {30, 3, -6, 0.25, 1000}


def test_a_number_belongs_to_the_controls_that_its_sentence_names():
    told = grid.spoken_of("Try: (1) `sigma_w` 2 without noise. Then 3 and 4? depth 5", ["depth", "sigma_w"])
    assert told == [("sigma_w", 2), ("depth", 3), ("sigma_w", 3), ("depth", 4), ("sigma_w", 4), ("depth", 5)]


def explorers(source):
    """Yield (controls, texts) of every explorer of a notebook whose settings are written where it is called."""
    cells = read_source(source).cells
    defined = {}
    for index, cell in enumerate(cells):
        if cell.cell_type != "code":
            continue
        names = {"__builtins__": {}}
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.FunctionDef):
                defaults = dict(zip([a.arg for a in node.args.args][-len(node.args.defaults) :], node.args.defaults))
                defined[node.name] = {name: ast.unparse(value) for name, value in defaults.items()}
            call = getattr(node, "value", None)
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "explore":
                given = {word.arg: word.value for word in call.keywords if word.arg not in ("panels", "size")}
                parameters = ", ".join(f"{name}={value}" for name, value in defined[call.args[0].id].items())
                try:
                    drawn = eval(f"lambda ax, {parameters}: None", names)
                    controls = {name: make_control(drawn, name, ast.literal_eval(value)) for name, value in given.items()}
                except (ValueError, NameError):  # made by the cells, such as the list of the rates of a training
                    continue
                yield controls, texts_around(cells, index), index


@pytest.mark.parametrize("most", [600])
def test_every_number_that_the_course_says_to_try_is_there(most):
    seen = tried = 0
    for source in SOURCES + EVIDENCE:
        for controls, texts, index in explorers(source):
            seen += 1
            kept = grid.choose(controls, most, texts)
            assert math.prod(map(len, kept.values())) <= most, (source.stem, index)
            values = {name: [value for value, _ in grid.values_of(control)] for name, control in controls.items()}
            sliders = [name for name, control in controls.items() if grid.is_slider(control)]
            for name, number in grid.spoken_of(texts[0], sliders):
                if number in values[name]:
                    assert values[name].index(number) in kept[name], f"{source.stem}, cell {index}: {name} {number}"
                    tried += 1
    assert seen >= 20 and tried >= 40
