"""The plan of a lecture: the steps of its slides, what is run before it, which trainings wait, and what hangs on them."""

import nbformat
import pytest

from teaching.plan import bound, read_plan, used
from teaching.run_sheet import read_slides, slide_type
from tests.chapters.sample import CHAPTERS, build, write_sample

SLIDE, SKIP, FRAGMENT = (f'slideshow={{"slide_type": "{kind}"}}' for kind in ("slide", "skip", "fragment"))
TALK = f'''# %% [markdown] {SLIDE}
# # A talk

# %% {SKIP}
from utils import race, show
nets = {{}}

# %%
def scene(ax):
    pass
show(scene)

# %% [markdown] {SLIDE}
# Which?

# %% {FRAGMENT}
runs = race(nets, x, y, steps=9)
ends = runs["a"]

# %%
print("on the same step")

# %% {SKIP}
bars = race(others, x, y, live="bar")

# %% {SLIDE}
print(ends)
last = max(ends)

# %% {SLIDE}
runs = race(second, x, y, live=False)

# %% {FRAGMENT}
print(runs)

# %% {SLIDE}
print(last, "hangs on what hangs on it")

# %% {SLIDE}
print(nets, "which were trained in place")

# %% [markdown] {SKIP}
# ## Exercises
#
# ### 1. One

# %% {SKIP}
answer = ...

# %% [markdown] {SLIDE}
# ## Summary

# %% {SKIP}
print("runs")
'''


@pytest.fixture
def talk(tmp_path):
    return build.read_source(write_sample(tmp_path, TALK)[0])


def test_steps_are_slides_and_fragments_and_stand_on_their_code(talk):
    plan, places = read_plan(talk), {cell.id: index for index, cell in enumerate(talk.cells)}
    steps = [(places[first], places[stand], slide) for first, stand, slide in plan["steps"]]
    assert steps == [(0, 2, 1), (3, 3, 2), (4, 4, 2), (7, 7, 3), (8, 8, 4), (9, 9, 4), (10, 10, 5), (11, 11, 6), (14, 14, 7)]
    assert plan["slides"] == len(read_slides(talk)) == 7


def test_a_chart_on_a_slide_waits_with_what_hangs_on_it_and_all_else_but_exercises_is_run(talk):
    plan, places = read_plan(talk), {cell.id: index for index, cell in enumerate(talk.cells)}
    assert {places[key]: [places[id] for id in ids] for key, ids in plan["waiting"].items()} == {4: [7, 10, 11]}
    assert [places[id] for id in plan["run"]] == [1, 2, 4, 5, 6, 8, 9, 15]


@pytest.mark.parametrize("source, names", [
    ("a = b", {"b"}), ("a = {}\na[1] = b", {"b"}), ("def f(x):\n    y = x + b\n    return y", {"b"}), ("f(lambda x: x + b)", {"f", "b"}),
    ("a = [x for x in b]", {"b"}), ("print(a)\na = 1", {"print", "a"}), ("a += b", {"a", "b"}), ("import a\na.b()", set()),
])  # fmt: skip
def test_what_a_cell_takes_from_the_cells_before_it(source, names):
    assert used(source) == names


def test_what_a_cell_gives_a_value():
    assert bound("import a.b\nfrom c import d as e\nf, (g, h) = 1, (2, 3)\ndef i(j):\n    k = 1\nfor m in f:\n    pass") == set("aefghim")


@pytest.mark.parametrize("path", sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_can_be_run_by_a_page_that_leaves_a_training_for_later(path):
    """What waits is run when all other cells have run: no later cell may have changed a name that it takes from before."""
    notebook = nbformat.read(path, as_version=4)
    plan, code = read_plan(notebook), [cell for cell in notebook.cells if cell.cell_type == "code"]
    for training, later in plan["waiting"].items():
        waits = {training, *later}
        for index, cell in enumerate(code):
            if cell.id not in waits:
                continue
            changed = set().union(*(bound(other.source) for other in code[index + 1 :] if other.id in plan["run"]))
            earlier = set().union(*(bound(other.source) for other in code[:index] if other.id not in waits))
            clash = used(cell.source) & changed & earlier - {"torch", "nn", "F"}
            assert not clash, f"{cell.source.splitlines()[0]!r} is run last, and {clash} are others by then"
        asking = [cell for cell in code if cell.id in later and ("predict(" in cell.source or "explore(" in cell.source)]
        assert not asking, "a saved picture does not ask, and does not move"
        assert all(slide_type(cell) != "skip" or "race(" not in cell.source for cell in code if cell.id in later)
