"""The web edition in Chromium: one chapter with few states, from a static server."""

import posixpath
import re
import zipfile
from html import unescape
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest

from binder.links import doors
from chapters.build.reading import is_evidence, sources_of
from teaching.web import conf, site
from tests.browser.lab import screenshot
from tests.web.visiting import READY, facts_of, lessons, scenes_of, served, time_moves, visit, weigh

pytestmark = pytest.mark.browser

LIGHTEST = 1.5e6  # bytes of a page, compressed, before anything is moved
FASTEST = 50  # ms from a move to its picture, once its states are there


@pytest.fixture(scope="module")
def address(folder):
    with served(folder) as address:
        yield address


def shown(scene, place):
    """Wait until a scene shows the state at a place."""
    scene.page.wait_for_function("([box, place]) => box.dataset.shown === place", arg=[scene.element_handle(), place])


def test_every_page_opens_without_leaving_the_server_or_the_screen(chromium_path, address, folder):
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    names = [name for name in names if not name.startswith("handouts/")]  # to be printed; tests/teaching holds them
    assert len(names) >= 14 + 3
    with visit(chromium_path, address, "index.html", width=390) as page:
        for name in names:
            page.goto(f"{address}/{name}")
            page.wait_for_function(READY)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} scrolls sideways"


def test_a_page_is_light_before_anything_is_moved(chromium_path, address, folder):
    with visit(chromium_path, address, "01_saturation.html") as page:
        weight, files = weigh(page, folder)
    assert not any("states" in file.parts for file in files)
    assert weight < LIGHTEST, f"{weight / 1e6:.2f} MB"


def test_every_explorer_moves_to_both_ends(chromium_path, address):
    with visit(chromium_path, address, "01_saturation.html") as page:
        explorers = scenes_of(page, "explore")
        assert len(explorers) == 4
        for scene in explorers:
            facts = facts_of(scene)
            place = [control["start"] for control in facts["controls"]]
            image, seen = scene.locator(".course-picture img"), set()
            for number, control in enumerate(facts["controls"]):
                for key, at in (("Home", 0), ("End", len(control["values"]) - 1)):
                    if control["slider"]:
                        handle = scene.get_by_role("slider", name=control["name"], exact=True)
                        handle.press(key)
                        assert handle.get_attribute("aria-valuetext") == control["values"][at]
                    else:
                        scene.get_by_role("radio", name=control["values"][at], exact=True).check()
                    place[number] = at
                    if number or at != control["start"]:  # else nothing has moved so far
                        shown(scene, ",".join(map(str, place)))
                    words = image.get_attribute("alt")
                    assert f"{control['name']} {control['values'][at]}" in words or not scene.get_attribute("data-shown")
                    assert image.evaluate("(image) => image.complete && image.naturalWidth > 0")
                    seen.add(words)
            assert len(seen) > len(facts["controls"])


def test_a_move_is_quick_once_its_states_are_there(chromium_path, address):
    with visit(chromium_path, address, "01_saturation.html") as page:
        times = time_moves(page)
    assert sorted(times)[len(times) // 2] < FASTEST, times


def test_a_prediction_is_kept_over_a_reload(chromium_path, address):
    with visit(chromium_path, address, "01_saturation.html") as page:
        def parts():
            scene = scenes_of(page, "predict")[0]
            return scene, scene.get_by_role("button", name="Reveal"), scene.get_by_role("radio", name="1e-9")

        scene, reveal, guess = parts()
        scene.locator("legend").evaluate("(question) => { question.textContent = 'A short question?'; }")
        assert guess.bounding_box()["y"] > scene.locator("legend").bounding_box()["y"] + 20  # the answers stand below it
        assert scene.locator("img").is_hidden()  # it has circles that cannot be chosen
        assert reveal.is_disabled() and "Guess first" in scene.locator("img").get_attribute("alt")
        guess.check()
        reveal.click()
        shown(scene, "1")
        assert scene.locator("img").is_visible()
        assert "right is: 1e-13" in scene.locator(".course-outcome").text_content()
        assert "Your guess: 1e-9" in scene.locator("img").get_attribute("alt")
        page.reload()
        page.wait_for_function(READY)
        scene, reveal, guess = parts()
        assert guess.is_checked()
        scene.scroll_into_view_if_needed()
        shown(scene, "1")
        page.goto(f"{address}/progress.html")
        overview = page.locator("#course-progress")
        row = overview.get_by_role("row").filter(has_text="1 · Saturation")
        assert "1 of 1" in row.text_content() and row.get_by_role("link").get_attribute("href") == "01_saturation.html"
        assert "Every prediction is made, 1 of 1." in overview.text_content()  # of those that are drawn here
        page.goto(f"{address}/01_saturation.html")
        page.wait_for_function(READY)
        scene, reveal, guess = parts()
        scene.scroll_into_view_if_needed()
        shown(scene, "1")
        scene.get_by_role("button", name="Guess again").click()
        assert "Guess first" in scene.locator("img").get_attribute("alt") and guess.is_enabled()


def test_what_gives_the_answer_away_comes_with_it(chromium_path, address):
    with visit(chromium_path, address, "01_saturation.html") as page:
        scene = scenes_of(page, "predict")[0]
        answer = page.get_by_text("Each layer passes on the same share")
        assert answer.is_hidden()
        scene.get_by_role("radio").first.check()
        scene.get_by_role("button", name="Reveal").click()
        answer.wait_for()
        scene.get_by_role("button", name="Guess again").click()
        assert answer.is_hidden()
    with visit(chromium_path, address, "01_saturation.html", java_script_enabled=False) as page:
        assert page.get_by_text("Each layer passes on the same share").is_visible()


def test_on_a_slow_line_the_last_move_comes_first_and_the_picture_says_that_it_waits(chromium_path, address):
    with visit(chromium_path, address, "01_saturation.html") as page:
        scene = scenes_of(page, "explore")[3]  # of a net: each state has pixels of its own
        handle, asked = scene.get_by_role("slider").first, []
        scene.scroll_into_view_if_needed()

        def wait(route):
            asked.append(route.request.url)
            page.wait_for_timeout(400)
            route.continue_()

        page.route("**/states/**", wait)
        for at in range(int(handle.get_attribute("max")) + 1):  # dragged from end to end
            handle.evaluate("(input, at) => { input.value = at; input.dispatchEvent(new Event('input')); }", at)
        page.wait_for_function("(box) => box.classList.contains('course-waiting')", arg=scene.element_handle())
        place = [control["start"] for control in facts_of(scene)["controls"]]
        place[0] = at
        shown(scene, ",".join(map(str, place)))
        assert len(asked) <= 4, "the first move's block and image, and then those of the last one"
        page.wait_for_function("(box) => !box.classList.contains('course-waiting')", arg=scene.element_handle())
        page.unroute_all(behavior="ignoreErrors")


def test_a_training_plays_and_stops(chromium_path, address):
    with visit(chromium_path, address, "01_saturation.html") as page:
        scene = scenes_of(page, "train")[0]
        bar, stop = scene.locator("progress"), scene.get_by_role("button", name="Stop")
        assert bar.evaluate("(bar) => bar.value === bar.max")
        scene.get_by_role("button", name="Play").click()
        page.wait_for_function("(bar) => bar.value > 50 && bar.value < 600", arg=bar.element_handle())
        stop.click()
        page.wait_for_timeout(300)
        at = bar.evaluate("(bar) => bar.value")
        assert at < 690 and f"stopped after {at} steps" in scene.text_content()
        page.wait_for_timeout(300)
        assert bar.evaluate("(bar) => bar.value") == at
        screenshot(scene, "web-training")


def test_the_first_page_asks_the_seven_questions_with_their_pictures(chromium_path, address):
    with visit(chromium_path, address, "index.html", width=390) as page:
        for name in lessons():
            link = page.locator(f'article a[href="{name}.html"]').filter(has=page.locator("img"))
            link.scroll_into_view_if_needed()
            assert link.locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth > 0)"), name


@pytest.mark.parametrize("name, suffix", [("evidence/02_relu", ".ipynb"), ("glossary", ".md")])
def test_the_launch_button_is_on_every_notebooks_page(name, suffix, monkeypatch):
    context = {"page_source_suffix": suffix, "header_buttons": []}
    conf.add_doors(None, name, "page.html", context, None)
    assert not context["header_buttons"]  # no address
    monkeypatch.setattr(conf, "REPOSITORY", "https://github.com/you/course")
    conf.add_doors(None, name, "page.html", context, None)
    found = [(button["text"], button["url"]) for group in context["header_buttons"] for button in group["buttons"]]
    assert found == (list(doors(conf.REPOSITORY, f"chapters/{name}.ipynb").items()) if suffix == ".ipynb" else [])
    conf.add_doors(None, name, "page.xhtml", {"page_source_suffix": suffix}, None)  # of the book, which has no buttons


def test_search_finds_xavier(chromium_path, address):
    with visit(chromium_path, address, "search.html?q=Xavier") as page:
        found = page.locator("#search-results li a")
        found.first.wait_for()
        assert any("05_xavier_he" in link.get_attribute("href") for link in found.all())
        glass, field = (page.locator(f".bd-search-container {part}") for part in (".fa-magnifying-glass", "input"))
        inside = field.evaluate("(field) => field.getBoundingClientRect().x + parseFloat(getComputedStyle(field).paddingLeft)")
        assert inside >= glass.evaluate("(glass) => glass.getBoundingClientRect().right")  # it covers no letter


def test_without_javascript_there_are_pictures_and_words(chromium_path, address):
    with visit(chromium_path, address, "01_saturation.html", java_script_enabled=False) as page:
        pictures = page.locator(".course-picture img").all()
        assert len(pictures) >= 9
        assert all(len(picture.get_attribute("alt").split()) > 5 for picture in pictures)
        assert page.get_by_role("slider").count() == 0
        head = page.locator(".bd-header-article")  # which stays when the page is scrolled, and would lie over the text
        assert head.evaluate("(head) => getComputedStyle(head).backgroundColor") == "rgb(255, 255, 255)"


def test_it_moves_when_opened_from_a_folder(chromium_path, folder):
    with visit(chromium_path, folder.as_uri(), "01_saturation.html") as page:
        scene = scenes_of(page, "explore")[0]
        scene.get_by_role("slider", name="people", exact=True).press("End")
        page.wait_for_function("(box) => box.dataset.shown", arg=scene.element_handle())


def test_every_link_within_the_site_leads_somewhere(folder):
    folder, checked = folder.resolve(), set()
    for file in folder.rglob("*.html"):
        text = re.sub(r"<pre>.*?</pre>", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        for link in re.findall(r'<(?:a|img|script|link)\b[^>]*?\s(?:href|src)="([^"]+)"', text):
            parts = urlsplit(unescape(link))
            if not parts.scheme and parts.path:
                place = (file.parent / unquote(parts.path)).resolve()
                assert place.exists(), f"{file.relative_to(folder)}: {link}"
                checked.add(place)
    assert folder / "course.epub" in checked and folder / "handouts" / "01_saturation" / "slides.html" in checked


def test_the_book_holds_every_chapter_well_formed(folder):
    with zipfile.ZipFile(folder / "course.epub") as book:
        pages = [name for name in book.namelist() if name.endswith("xhtml")]
        assert len(pages) >= 16
        for name in pages:
            root = ElementTree.fromstring(book.read(name))
            for kind, key in (("img", "src"), ("link", "href"), ("a", "href")):
                for element in root.iter(f"{{http://www.w3.org/1999/xhtml}}{kind}"):
                    place = urlsplit(element.get(key, ""))
                    if place.path and not place.scheme:
                        inside = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(place.path)))
                        assert inside in book.namelist(), f"{name}: {element.get(key)}"
        assert not any("states" in name for name in book.namelist())


def test_evidence_is_part_of_it(folder):
    names = {f"{'evidence/' * is_evidence(source)}{source.stem}.html" for source in sources_of(site.CHAPTERS)}
    assert all((folder / name).exists() for name in names)
