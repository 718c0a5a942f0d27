"""Lesson 1 without a mouse, from the start page to the first exercise: nothing but keys, as a learner would press them.

The tests go through one lesson, and each goes on where the one before it ended. Scripts look at the page; only keys
move it.
"""

import nbformat
import pytest

from tests.browser.lab import CELLS, chromium_page, screenshot
from tests.browser.start import course_lab, open_start
from tests.chapters.sample import CHAPTERS

pytestmark = pytest.mark.browser

LESSON = min(CHAPTERS.glob("01_*.ipynb"))
SECONDS = 1000
# Where the keys go: to which cell, and there to the cell itself, to its code, or to a control of this name.
FOCUS = """
() => {
    const at = document.activeElement;
    const named = at.closest("[role=radiogroup]") ?? at;
    const name = at.matches(".jp-Cell") ? "cell" : at.matches(".cm-content") ? "code"
        : named.getAttribute("aria-label") || named.textContent;
    return [Number(at.closest(".jp-Cell")?.dataset.windowedListIndex ?? -1), name.trim()];
}
"""
OPEN = """
(name) => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.path.endsWith(name) && panel.sessionContext?.session?.kernel?.status === "idle"
        && panel.content.activeCell.node === document.activeElement;
}
"""
OUTPUT = f"(index) => {CELLS}[index].node.querySelector('.jp-Cell-outputArea').textContent"
PICTURE = f"(index) => {CELLS}[index].node.querySelector('.picture')?.ariaLabel"
RUNS = f"() => {CELLS}.some((cell) => cell.node.querySelector('.jp-InputPrompt')?.textContent.includes('*'))"


class Learner:
    """Someone with a keyboard, and a lesson that is open in a page."""

    def __init__(self, page):
        self.page = page
        self.cells = nbformat.read(LESSON, as_version=4).cells

    def cell(self, text):
        """Return the number of the first cell with this text."""
        return next(number for number, cell in enumerate(self.cells) if text in cell.source)

    def focus(self):
        """Return [number of the cell, name of what has the keys there]."""
        return self.page.evaluate(FOCUS)

    def press(self, key, times=1):
        """Press a key."""
        for _ in range(times):
            self.page.keyboard.press(key)

    def reach(self, name, key, most=8):
        """Press a key until the control of this name has the keys."""
        met = []
        for _ in range(most):
            self.press(key)
            met.append(self.focus()[1])
            if met[-1] == name:
                return
        raise AssertionError(f"{key} does not come to {name!r}, but to {met}")

    def run_to(self, index):
        """Press Shift+Enter until the cell of this number is the next one, and has the keys."""
        for number in range(self.focus()[0], index):
            self.press("Shift+Enter")
            self.page.wait_for_function(f"(next) => ({FOCUS.strip()})()[0] === next", arg=number + 1)
        assert self.focus() == [index, "cell"]

    def rest(self):
        """Wait until nothing runs."""
        self.page.wait_for_function(f"() => !({RUNS})()", timeout=90 * SECONDS)

    def hear(self, script, index, words):
        """Wait until an output, or the words of a picture, of this cell say so."""
        self.page.wait_for_function(f"([index, words]) => ({script})(index)?.includes(words)", arg=[index, words])

    def replace_line(self, line, text):
        """Write `text` over a line of the cell that has the keys, the first is 0, and leave its code."""
        self.press("Enter")
        self.press("Control+Home")
        self.press("ArrowDown", line)
        self.press("Home")
        self.press("Shift+End")
        self.page.keyboard.insert_text(text)
        self.press("Escape")


@pytest.fixture(scope="module")
def learner(tmp_path_factory, chromium_path):
    with course_lab(tmp_path_factory.mktemp("course")) as address, chromium_page(chromium_path, height=800) as page:
        open_start(page, address)
        yield Learner(page)


def test_the_start_page_leads_to_the_lesson(learner):
    learner.reach("1 · Saturation", "Tab")
    screenshot(learner.page, "keys-start")
    learner.press("Enter")
    learner.page.wait_for_function(OPEN, arg=LESSON.name)
    assert learner.focus() == [0, "cell"], "the first Shift+Enter would go elsewhere"


def test_a_slider_of_a_cell_that_has_run(learner):
    index = learner.cell("explore(telephone")
    learner.run_to(index + 1)
    learner.rest()
    learner.hear(PICTURE, index, "people 3.")
    learner.reach("people", "Shift+Tab")
    learner.press("ArrowRight", 17)
    learner.hear(PICTURE, index, "20 people who each pass on 90.0% leave 12.2 %.")
    screenshot(learner.page, "keys-slider")
    learner.press("j")
    assert learner.focus() == [index + 1, "cell"]


def test_a_prediction_is_guessed_revealed_and_guessed_again(learner):
    index = learner.cell("predict(")
    question = "20 hidden sigmoid layers: how large is layer 1's gradient, compared with the last layer's?"
    learner.run_to(index + 1)
    learner.rest()
    learner.hear(PICTURE, index, "Guess first")
    learner.reach(question, "Shift+Tab")
    for key, outcome in (("ArrowDown", "Your guess: half as large as with ten. ✘"), ("ArrowDown", "Your guess: 1e-9. ✘"),
                         ("ArrowDown", "Your guess: 1e-13. ✔ That is right.")):  # fmt: skip
        learner.press(key)  # the first time from the last option to the first
        reveal = learner.page.locator("button:enabled", has_text="Reveal")
        reveal.wait_for()
        learner.reach("Reveal", "Tab", most=1)
        learner.press("Enter")
        learner.hear(PICTURE, index, outcome)
        learner.page.wait_for_function(f"() => ({FOCUS.strip()})()[1] === 'Guess again'")
        screenshot(learner.page, "keys-revealed")
        learner.press("Enter")
        learner.page.wait_for_function(f"() => ({FOCUS.strip()})()[1] === 'Reveal'")
        learner.hear(PICTURE, index, "Guess first")
        learner.reach(question, "Shift+Tab", most=1)
    learner.press("j")
    assert learner.focus() == [index + 1, "cell"]


def test_one_of_several_buttons(learner):
    index = learner.cell("explore(saturation")
    learner.run_to(index + 1)
    learner.rest()
    learner.hear(PICTURE, index, "activation sigmoid")
    learner.reach("tanh", "Shift+Tab")
    learner.press("Enter")
    learner.hear(PICTURE, index, "activation tanh, spread 0.5. ")
    assert learner.focus() == [index, "tanh"]
    screenshot(learner.page, "keys-buttons")
    learner.press("j")


def test_a_cell_that_runs_again_keeps_the_keys(learner):
    """They were with its slider, which goes with the widget of the run before."""
    index = learner.cell("explore(gradients_die")
    learner.run_to(index + 1)
    learner.rest()
    learner.hear(PICTURE, index, "depth 10")
    learner.reach("depth", "Shift+Tab", most=7)
    learner.press("ArrowRight")
    learner.hear(PICTURE, index, "depth 11")
    learner.press("Control+Enter")
    learner.hear(PICTURE, index, "depth 10")
    learner.rest()
    assert learner.focus() == [index, "cell"]
    learner.press("j")


@pytest.mark.parametrize("stopped", [True, False])
def test_a_training_is_started_and_ends_and_the_keys_go_on(learner, stopped):
    index = learner.cell("runs = race(")
    if not stopped:
        learner.press("k")
    learner.run_to(index + 1)
    learner.page.locator(".widget-label", has_text="s left").wait_for(timeout=90 * SECONDS)
    learner.reach("Stop", "Shift+Tab", most=3)
    if stopped:
        screenshot(learner.page, "keys-training")
        learner.press("Enter")
    learner.rest()
    learner.page.locator("button", has_text="Stop").wait_for(state="detached")
    said = learner.page.evaluate(f"(index) => {CELLS}[index].model.outputs.get(0).data['text/plain']", index)
    assert ("stopped after" in said) == stopped
    assert learner.focus() == [index, "cell"], "where a key tells JupyterLab nothing"
    learner.press("j")


def test_the_disease_is_named_and_cured(learner):
    index = learner.cell("diagnosis = ...")
    learner.run_to(index + 2)
    learner.rest()
    learner.hear(OUTPUT, index, 'choose one of "vanishing through small slopes", ')
    learner.press("k", 2)
    learner.replace_line(1, 'diagnosis = "vanishing through small slopes"')
    assert learner.focus() == [index, "cell"]
    learner.press("Shift+Enter")
    learner.hear(OUTPUT, index, "✔ correct")
    learner.replace_line(1, 'prescription = "tanh in the place of the sigmoid"')
    learner.press("Shift+Enter")
    learner.page.wait_for_function(f"() => ({FOCUS.strip()})()[0] === {index + 2}")
    learner.rest()
    learner.hear(OUTPUT, index + 1, "✔ correct: cured, ")
    learner.hear(OUTPUT, index + 1, "vanishing")  # the second opinion
    screenshot(learner.page, "keys-clinic")


def test_an_exercise_with_its_hint_is_answered(learner):
    index = learner.cell("weight, bias = ..., ...")
    learner.run_to(index - 1)
    learner.reach("Hint", "Tab", most=3)
    learner.press("Enter")
    hint = learner.page.locator("details p", has_text="Each factor is a weight times a slope.")
    hint.wait_for(state="visible")
    screenshot(learner.page, "keys-hint")
    learner.press("j")
    learner.replace_line(0, "weight, bias = 4.0, 0.0")
    learner.press("Control+Enter")
    learner.hear(OUTPUT, index, "✘ not yet")
    learner.replace_line(0, "weight, bias = 4.0, -2.0")
    learner.press("Shift+Enter")
    learner.hear(OUTPUT, index, "✔ correct")
    assert learner.focus() == [index + 1, "cell"]
    screenshot(learner.page, "keys-exercise")


def test_the_lesson_goes_on_to_its_end(learner):
    learner.run_to(len(learner.cells) - 1)
    learner.rest()
    learner.reach("evidence", "Tab", most=3)
    errors = learner.page.evaluate(f"{CELLS}.filter((cell) => cell.model.outputs?.toJSON().some((one) => one.output_type === 'error')).length")
    assert errors == 0
