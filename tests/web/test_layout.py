"""How a page of the web edition looks in Chromium: on a desktop, on a phone, in the dark and on paper."""

import re

import pytest

from tests.browser.lab import screenshot
from tests.web.visiting import READY, TIGHT_PAGES, WIDE_BOXES, facts_of, lessons, scenes_of, served, visit

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(folder):
    with served(folder) as address:
        yield address


SCROLLING = """() => [...document.querySelectorAll("article *")].filter((box) => box.clientWidth
    && box.scrollWidth > box.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(box).overflowX))
    .map((box) => box.tagName)"""


def test_on_a_desktop_nothing_scrolls_sideways(chromium_path, address):
    with visit(chromium_path, address, "index.html") as page:
        for name in lessons():
            page.goto(f"{address}/{name}.html")
            page.wait_for_function(READY)
            assert not page.evaluate(SCROLLING), name


def test_on_a_phone_code_scrolls_sideways(chromium_path, address):
    with visit(chromium_path, address, "01_saturation.html", width=390) as page:
        assert set(page.evaluate(SCROLLING)) == {"PRE"}
        claims = page.locator(".cell_output pre")
        assert claims.count() >= 5 and all(claim.evaluate("(box) => box.scrollWidth <= box.clientWidth + 1") for claim in claims.all())


LINES = """(cell) => { const words = document.createRange(); words.selectNodeContents(cell);
    return new Set([...words.getClientRects()].map((line) => line.top)).size; }"""


def test_formulas_tables_and_numbers_fit_a_phone(chromium_path, address):
    for name in TIGHT_PAGES:
        with visit(chromium_path, address, name, width=390) as page:
            assert page.evaluate(f"({WIDE_BOXES})().length") >= 3
            page.wait_for_function(f"({WIDE_BOXES})().every((box) => box.scrollWidth <= box.clientWidth)")
            if name == "evidence/01_saturation.html":
                numbers = page.locator(".cell_output td").filter(has_text=re.compile(r"^\d.\d\de-\d\d$")).all()
                assert len(numbers) >= 6 and all(number.evaluate(LINES) == 1 for number in numbers)


TYPE = 0.8  # of its size on paper: type on a phone of 390 pixels


def test_a_phone_shows_drawings_of_its_own_in_readable_type_and_they_move(chromium_path, address):
    with visit(chromium_path, address, "01_saturation.html", width=390) as page:
        for picture in page.locator(".course-picture").all():
            size = picture.evaluate("""(box) => { const image = box.querySelector("img"); image.scrollIntoView();
                return image.decode().then(() => [image.clientWidth, image.naturalWidth]); }""")
            if picture.is_visible() and not picture.locator("xpath=ancestor::*[contains(@class, 'course-asking')]").count():
                assert size[0] >= TYPE * 440 and size[1] == 660, "drawn at 660 pixels to be shown as 440, on a phone as 358"
        for kind in ("explore", "predict"):
            scene = scenes_of(page, kind)[1 if kind == "explore" else 0]
            if kind == "explore":
                scene.get_by_role("slider").first.press("End")
            else:
                scene.get_by_role("radio").first.check()
                scene.get_by_role("button", name="Reveal").click()
            page.wait_for_function("(box) => box.dataset.shown !== undefined", arg=scene.element_handle())
            assert "-narrow/f" in scene.locator("img").get_attribute("src")
            boxes = [layer.bounding_box() for layer in scene.locator(".course-picture > *").all()]
            assert boxes[0]["width"] >= TYPE * 440 and all(box == boxes[0] for box in boxes)
        assert set(page.evaluate(SCROLLING)) == {"PRE"}
        screenshot(scenes_of(page, "explore")[1], "web-phone")


def test_a_phone_that_is_turned_keeps_its_place_in_the_other_drawing(chromium_path, address):
    with visit(chromium_path, address, "01_saturation.html", width=390) as page:
        scene = scenes_of(page, "explore")[0]
        scene.get_by_role("slider").first.press("End")
        shown_at = "(box) => box.dataset.shown && box.querySelector('img').src.includes('-narrow') === {}"
        page.wait_for_function(shown_at.format("true"), arg=scene.element_handle())
        place, words = scene.get_attribute("data-shown"), scene.locator("img").get_attribute("alt")
        page.set_viewport_size({"width": 844, "height": 390})
        page.wait_for_function(shown_at.format("false"), arg=scene.element_handle())
        assert (scene.get_attribute("data-shown"), scene.locator("img").get_attribute("alt")) == (place, words)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_follow_a_dark_page(chromium_path, address, scheme):
    with visit(chromium_path, address, "01_saturation.html", color_scheme=scheme) as page:
        scene = scenes_of(page, "explore")[0]
        shades = facts_of(scene)["shades"]
        look = scene.locator(".course-picture").evaluate("(picture) => getComputedStyle(picture).filter")
        assert look == "none" if scheme == "light" else ("brightness" if shades else "invert") in look
        scene.scroll_into_view_if_needed()
        screenshot(page, f"web-{scheme}")


def test_a_dark_page_is_printed_on_white_paper(chromium_path, address):
    with visit(chromium_path, address, "01_saturation.html", color_scheme="dark") as page:
        words = page.locator("article p").first
        ink, dark = "(words) => getComputedStyle(words).color", words.evaluate("(words) => getComputedStyle(words).color")
        page.evaluate(f"""() => addEventListener("beforeprint", () => {{
            const picture = document.querySelector(".course-picture");
            window.printed = [({ink})(document.querySelector("article p")), getComputedStyle(picture).filter];
        }})""")
        assert page.pdf()
        color, look = page.evaluate("window.printed")
        assert max(map(int, re.findall(r"\d+", color))) < 80 < min(map(int, re.findall(r"\d+", dark))) and look == "none"
        assert words.evaluate(ink) == dark
