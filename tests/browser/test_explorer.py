"""The widgets of `explore` in a real JupyterLab."""

import pytest

from tests.browser.lab import (
    PICTURE,
    PLACES,
    chromium_page,
    copy_project,
    drag,
    get_cell,
    jupyterlab,
    open_notebook,
    press_and_wait,
    run_all,
    screenshot,
    wait_for_picture,
    write_notebook,
)

pytestmark = pytest.mark.browser

SCENES = """
import numpy as np
from ipywidgets import FloatLogSlider
from utils.widgets.explorer import explore, predict, show

def wave(ax, frequency=2, sigma_w=1.0, shape="sine", grid=True):
    x = np.linspace(0, 1, 200)
    ax.plot(x, sigma_w * getattr(np, {"sine": "sin", "cosine": "cos"}[shape])(frequency * x), label="wave")
    ax.set(title="A wave", xlabel="time", ylabel="height", ylim=(-4, 4))
    ax.grid(grid)
    ax.legend(loc="upper right")
    return f"One period takes {1 / frequency:.3f} of the time."

def guessed(ax, guess):
    ax.bar(["your guess", "measured"], [guess, 0.25])
    return f"You said {guess}; the slope is 0.25."
"""
SHOW, EXPLORE, LOG, PREDICT, CHOOSE = range(1, 6)
CELLS = [
    SCENES,
    "show(wave, frequency=9)",
    "explore(wave, frequency=(1, 30), sigma_w=(0.5, 4.0), shape=['sine', 'cosine', 'cube'], grid=True)",
    "explore(wave, sigma_w=FloatLogSlider(value=1.0, min=-1, max=0.6, step=0.1))",
    "predict('How steep can the sigmoid be?', guessed, (0.0, 1.0, 0.05))",
    "predict('How steep can the sigmoid be?', lambda ax, guess: guessed(ax, float(guess)), ['0.25', '1.0'])",
]


@pytest.fixture(scope="module")
def page(tmp_path_factory, chromium_path):
    folder = copy_project(tmp_path_factory.mktemp("course"))
    write_notebook(folder / "widgets.ipynb", *CELLS)
    with jupyterlab(folder) as address, chromium_page(chromium_path) as page:
        open_notebook(page, address, "widgets.ipynb")
        assert run_all(page) == {}
        yield page


def wait_for_change(cell, before):
    """Wait until the cell shows another picture than the one that PICTURE told of."""
    changed = f"([cell, before]) => ({PICTURE.strip()})(cell) !== before"
    cell.page.wait_for_function(changed, arg=[cell.element_handle(), before])


def read_words(cell):
    return cell.locator(".picture-words").text_content()


def test_show_leaves_a_picture(page):
    image = get_cell(page, SHOW).locator("img").first
    image.wait_for(state="visible")
    assert image.evaluate("(img) => img.naturalWidth") == 900


def test_every_slider_goes_by_keyboard_to_both_ends_and_the_middle(page):
    for index, sliders in ((EXPLORE, 2), (LOG, 1)):
        cell = get_cell(page, index)
        wait_for_picture(cell)
        for number in range(sliders):
            handle = cell.locator(".noUi-handle").nth(number)
            seen = []
            for key in ("End", "Home", "ArrowRight", "PageUp"):
                press_and_wait(cell, handle, key)
                seen.append((handle.get_attribute("aria-valuenow"), read_words(cell)))
            assert len(set(seen)) == 4
            assert float(seen[0][0]) == float(handle.get_attribute("aria-valuemax"))
            assert float(seen[1][0]) == float(handle.get_attribute("aria-valuemin"))
        screenshot(cell, f"explore-{index}")


def test_buttons_and_boxes_change_the_picture(page):
    cell = get_cell(page, EXPLORE)
    wait_for_picture(cell)
    for act in (
        lambda: cell.get_by_role("button", name="cosine").press("Enter"),
        lambda: cell.locator("input[type=checkbox]").press("Space"),
    ):
        before = cell.evaluate(PICTURE)
        act()
        wait_for_change(cell, before)


def test_an_error_is_shown_and_gone_after_the_next_move(page):
    cell = get_cell(page, EXPLORE)
    wait_for_picture(cell)
    before = cell.evaluate(PICTURE)
    cell.get_by_role("button", name="cube").press("Enter")
    alert = cell.get_by_role("alert")
    alert.wait_for(state="visible")
    assert "wave could not be drawn: KeyError: 'cube'" in alert.text_content()
    assert cell.evaluate(PICTURE) == before
    screenshot(cell, "explore-error")
    cell.get_by_role("button", name="sine", exact=True).press("Enter")
    alert.wait_for(state="detached")
    wait_for_change(cell, before)


def test_a_drag_shows_no_blank_frame_and_leaves_no_backlog(page):
    cell = get_cell(page, LOG)
    wait_for_picture(cell)
    result = drag(page, LOG)
    assert result["changes"] >= 3
    assert result["blank"] == []
    assert result["late"] <= 2, f"stale pictures arrived after the drag: {result}"


def test_the_words_follow_the_picture(page):
    cell = get_cell(page, LOG)
    handle = cell.locator(".noUi-handle").first
    handle.press("ArrowLeft")  # away from the end, where the drag may have left it
    handle.press("End")
    page.wait_for_function(
        "(cell) => cell.querySelector('.picture-words').textContent.includes('sigma w 3.98')",
        arg=cell.element_handle(),
    )
    assert "One period takes 0.500 of the time." in read_words(cell)


def test_a_guess_is_revealed_by_keyboard(page):
    cell = get_cell(page, PREDICT)
    wait_for_picture(cell)
    assert "the slope is" not in cell.locator(".jp-OutputArea").text_content()
    screenshot(cell, "predict-before")
    handle = cell.locator(".noUi-handle").first
    handle.press("ArrowRight")
    press_and_wait(cell, cell.get_by_role("button", name="Reveal"), "Enter")
    page.wait_for_function(
        "(cell) => cell.querySelector('.picture-words').textContent.includes('the slope is 0.25.')",
        arg=cell.element_handle(),
    )
    cell.locator(".prediction-outcome").wait_for(state="visible")  # comes last, after the words
    assert "Revealed. Your guess: " in cell.locator(".prediction-outcome").text_content()
    assert cell.get_by_role("button", name="Reveal").is_disabled()
    screenshot(cell, "predict-after")


def test_the_focus_stays_with_the_question(page):
    """A button that disables or hides itself would lose it to the page, where no key of the notebook means anything."""
    cell = get_cell(page, PREDICT)
    has_focus = "(name) => document.activeElement.textContent.trim() === name && document.activeElement.checkVisibility()"
    for name, other in 2 * [("Guess again", "Reveal"), ("Reveal", "Guess again")]:
        cell.get_by_role("button", name=name).press("Enter")
        page.wait_for_function(has_focus, arg=other)


def test_a_choice_is_needed_before_the_reveal(page):
    cell = get_cell(page, CHOOSE)
    button = cell.get_by_role("button", name="Reveal")
    assert button.is_disabled()
    screenshot(cell, "predict-choose")
    cell.locator("input[type=radio]").first.press("Space")
    page.wait_for_function("(button) => !button.disabled", arg=button.element_handle())
    press_and_wait(cell, button, "Enter")
    assert "You said 0.25" in read_words(cell)


@pytest.mark.parametrize("width", [1280, 700])
def test_both_layers_of_a_picture_lie_in_the_same_place(page, width):
    """In a wide window and in a narrow one, which shrinks the pictures."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": before["height"]})
    try:
        cell = get_cell(page, EXPLORE)
        frame, data, shape, box = cell.evaluate(PLACES)
        screenshot(cell, f"explore-{width}")
    finally:
        page.set_viewport_size(before)
    assert frame[2] > 200 and frame == pytest.approx(data, abs=0.6)
    assert box == shape, "the two are not scaled alike"
