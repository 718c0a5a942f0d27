"""The web edition in Firefox and in WebKit, Safari's engine: every page opens, and chapter 1 is moved and guessed."""

import numpy as np
import pytest
from PIL import Image

from tests.browser.engines import FIREFOX, WEBKIT, open_engine
from tests.web.visiting import READY, TIGHT_PAGES, WIDE_BOXES, served

pytestmark = pytest.mark.browser

# The scenes of a kind on a page, and of one of them its controls: what each is called, and what its values are.
SCENES = """
(kind) => [...document.querySelectorAll(".course-scene")]
    .filter((box) => JSON.parse(box.querySelector("script").textContent).kind === kind).map((box) => box.dataset.scene)
"""
CONTROLS = "(name) => JSON.parse(document.querySelector(`[data-scene='${name}'] script`).textContent).controls"
# The slider of a control, or the button of one of its values.
INPUT = """
([name, number, at]) => {
    const inputs = document.querySelectorAll(`[data-scene='${name}'] .course-control`)[number].querySelectorAll("input");
    return inputs[0].type === "range" ? inputs[0] : inputs[at];
}
"""
# What a scene shows: its place among the states, the words of its picture, and whether that has come.
SHOWN = """
(name) => {
    const box = document.querySelector(`[data-scene='${name}']`), image = box.querySelector(".course-picture img");
    return [box.dataset.shown ?? null, image.alt, image.complete && image.naturalWidth > 0];
}
"""
BUTTON = "([name, words]) => [...document.querySelectorAll(`[data-scene='${name}'] button`)].find((one) => one.textContent === words)"
# Where the image of a scene lies, and the data that are drawn over it, each as [x, y, width, height].
LAYERS = """
(name) => [...document.querySelectorAll(`[data-scene='${name}'] .course-picture > *`)]
    .map((layer) => layer.getBoundingClientRect()).map(({x, y, width, height}) => [x, y, width, height])
"""

# Where a slider, its label and its value begin and end, from above.
SLIDER_ROWS = """
[...document.querySelectorAll("div.course-control")].map((row) => {
    const boxes = [...row.children].map((part) => part.getBoundingClientRect());
    return [boxes.map((box) => box.top), boxes.map((box) => box.bottom)];
})
"""

OVERFLOW = """
(name) => {
    const output = document.querySelector(`[data-scene='${name}']`).parentElement;
    return output.scrollHeight - output.clientHeight;
}
"""


@pytest.fixture(scope="module", params=[FIREFOX, WEBKIT])
def engine(request):
    with open_engine(request.param) as page:
        yield page


@pytest.fixture(scope="module")
def elsewhere():
    """The addresses beyond the server that pages have asked for."""
    return []


@pytest.fixture(scope="module")
def address(folder, elsewhere):
    with served(folder, elsewhere) as address:
        yield address


@pytest.fixture
def page(engine, elsewhere):
    """A page of the engine; what it complains of in a test, and where it asks elsewhere, is a failure."""
    yield engine
    assert not engine.faults() and not elsewhere


def visit(page, address, name):
    """Open a page of the site, and wait until its script is ready."""
    page.goto(f"{address}/{name}")
    page.wait_for_function(READY)


def wait_for_state(page, scene, place):
    """Wait until a scene shows the state at a place, and return the words of its picture."""
    page.wait_for_function(f"([name, place]) => ({SHOWN})(name)[0] === place && ({SHOWN})(name)[2]", [scene, place])
    return page.evaluate(SHOWN, scene)[1]


def test_every_page_opens_without_leaving_the_server(page, address, folder, elsewhere):
    page.resize(390, 800)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    names = [name for name in names if not name.startswith("handouts/")]  # to be printed; tests/teaching holds them
    assert len(names) >= 14 + 3
    for name in names:
        visit(page, address, name)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} scrolls sideways"
        assert not page.faults() and not elsewhere, name
    page.resize(1280, 800)


def test_every_explorer_moves_to_both_ends(page, address):
    visit(page, address, "01_saturation.html")
    explorers = page.evaluate(SCENES, "explore")
    assert len(explorers) == 4
    layered = []
    for scene in explorers:
        controls = page.evaluate(CONTROLS, scene)
        place = [control["start"] for control in controls]
        for number, control in enumerate(controls):
            last = len(control["values"]) - 1
            for at in (last, 0) if place[number] == 0 else (0, last):  # the first of them is a move
                if control["slider"]:
                    page.evaluate(f"(arg) => ({INPUT})(arg).focus()", [scene, number, at])
                    page.press("End" if at else "Home")
                else:
                    page.click(INPUT, [scene, number, at])
                place[number] = at
                words = wait_for_state(page, scene, ",".join(map(str, place)))
                assert f"{control['name']} {control['values'][at]}" in words
        image, *data = page.evaluate(LAYERS, scene)
        assert image[2] > 200 and all(image == pytest.approx(layer, abs=0.6) for layer in data), "the layers lie apart"
        layered.append(bool(data))
        assert page.evaluate(OVERFLOW, scene) == 0, "the scene scrolls up and down"
    assert any(layered)


def test_a_phone_shows_drawings_of_its_own(page, address):
    page.resize(390, 800)
    visit(page, address, "01_saturation.html")
    scene = page.evaluate(SCENES, "explore")[1]
    page.evaluate(f"(arg) => ({INPUT})(arg).focus()", [scene, 0, 0])
    page.press("End")
    page.wait_for_function(f"(name) => ({SHOWN})(name)[0] !== null", scene)
    assert page.evaluate("(name) => document.querySelector(`[data-scene='${name}'] img`).src.includes('-narrow/f')", scene)
    image, data = page.evaluate(LAYERS, scene)
    assert 0.75 * 440 < image[2] <= 440 and image == pytest.approx(data, abs=0.6)
    page.resize(1280, 800)


def test_formulas_and_tables_fit_a_phone(page, address):
    page.resize(390, 800)
    for name in TIGHT_PAGES:
        visit(page, address, name)
        assert page.evaluate(f"({WIDE_BOXES})().length") >= 3
        page.wait_for_function(f"({WIDE_BOXES})().every((box) => box.scrollWidth <= box.clientWidth)")
    page.resize(1280, 800)


def test_a_slider_keeps_its_value_beside_it_on_a_small_phone(page, address):
    page.resize(390, 800)
    visit(page, address, "01_saturation.html")
    page.evaluate("() => { document.querySelector('article').style.width = '330px'; }")  # of a phone with 360 pixels
    rows = page.evaluate(SLIDER_ROWS)
    assert len(rows) >= 7 and all(max(tops) < min(bottoms) for tops, bottoms in rows)
    page.resize(1280, 800)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_radio_button_looks_chosen(page, address, tmp_path, theme):
    visit(page, address, "01_saturation.html")
    page.evaluate("(theme) => { localStorage.mode = localStorage.theme = theme; }", theme)
    visit(page, address, "01_saturation.html")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    scene = page.evaluate(SCENES, "predict")[0]
    page.click(INPUT, [scene, 0, 1])
    page.drag((5, 5))  # the mouse no longer hovers over it
    page.screenshot(tmp_path / "buttons.png")
    with Image.open(tmp_path / "buttons.png") as image:
        shades = np.asarray(image.convert("L"), dtype=float)
    looks = []
    for at in range(4):
        x, y, size = page.evaluate(f"(arg) => {{ const {{x, y, width}} = ({INPUT})(arg).getBoundingClientRect(); return [x, y, width]; }}", [scene, 0, at])
        button = shades[round(y) : round(y + size), round(x) : round(x + size)]
        looks.append((abs(button - shades[round(y) - 4, round(x)]) > 40).mean())  # how much of it is not the page's colour
    page.evaluate("localStorage.clear()")
    chosen = looks.pop(1)
    assert 0.15 < min(looks) and max(looks) < 0.5, "a ring"
    assert chosen > max(looks) + 0.2, "and a thick one"


def test_a_slider_follows_the_mouse(page, address):
    visit(page, address, "01_saturation.html")
    scene = page.evaluate(SCENES, "explore")[0]
    controls = page.evaluate(CONTROLS, scene)
    x, y = page.middle(INPUT, [scene, 0, 0])
    width = page.evaluate(f"(arg) => ({INPUT})(arg).clientWidth", [scene, 0, 0])
    place = [control["start"] for control in controls]
    for side, at in ((-1, 0), (1, len(controls[0]["values"]) - 1)):
        page.drag((x, y), (x + side * width / 4, y), (x + side * width, y))
        wait_for_state(page, scene, ",".join(map(str, [at, *place[1:]])))


def test_a_prediction_is_kept_over_a_reload(page, address):
    visit(page, address, "01_saturation.html")
    page.evaluate("localStorage.clear()")
    visit(page, address, "01_saturation.html")
    scene = page.evaluate(SCENES, "predict")[0]
    guess = "(name) => document.querySelectorAll(`[data-scene='${name}'] input`)[1]"
    reveal = [scene, "Reveal"]
    assert page.evaluate(f"(arg) => ({BUTTON})(arg).disabled", reveal)
    assert "Guess first" in page.evaluate(SHOWN, scene)[1]
    page.click(guess, scene)
    page.click(BUTTON, reveal)
    words = wait_for_state(page, scene, "1")
    assert "Your guess: 1e-9" in words
    visit(page, address, "01_saturation.html")
    assert page.evaluate(f"(name) => ({guess})(name).checked", scene)
    page.middle(guess, scene)  # it is shown when its place comes into view
    assert wait_for_state(page, scene, "1") == words
    visit(page, address, "progress.html")
    assert "1 of 1" in page.evaluate("document.querySelector('#course-progress table').textContent")


def test_search_finds_xavier(page, address):
    page.goto(f"{address}/search.html?q=Xavier")
    page.wait_for_function("[...document.querySelectorAll('#search-results li a')].some((link) => link.href.includes('05_xavier_he'))")


def test_the_server_hears_of_what_a_page_asks_elsewhere(engine, address, elsewhere):
    """Else the tests above would prove nothing. Port 9 of this machine is closed."""
    engine.goto(f"{address}/search.html")
    engine.evaluate("() => { new Image().src = 'http://127.0.0.1:9/picture.png'; }")
    for _ in range(100):
        if elsewhere:
            break
        engine.evaluate("() => new Promise((resolve) => setTimeout(resolve, 50))")
    assert elsewhere == ["http://127.0.0.1:9/picture.png"]
    elsewhere.clear()
    engine.faults().clear()
