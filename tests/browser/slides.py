"""Walk the slides of a chapter in a real JupyterLab, and measure what does not fit its screen."""

from teaching.slides import BEGINS, CONCLUSION
from tests.browser.lab import CELLS

SCREENS = ((1280, 720), (1920, 1080))

START = "() => document.body.dataset.jpDeckMode === 'presenting' && document.querySelector('.jp-deck-mod-onscreen')"
READY = "() => document.body.dataset.lecture === 'ready'"
# The cells on the screen; by how many pixels they, or a line of code or output in them, exceed it; the heights of their
# pictures; and the smallest letters of what is to be read, code left out, as a share of the screen's height.
LOOK = """
() => {
    const notebook = document.querySelector(".jp-Deck .jp-Notebook");
    const outer = notebook.querySelector(".jp-WindowedPanel-outer") ?? notebook;
    const cells = [...notebook.querySelectorAll(".jp-Cell.jp-deck-mod-onscreen")]
        .filter((cell) => cell.offsetParent !== null); // a question gives way to its conclusion
    const boxes = cells.map((cell) => cell.getBoundingClientRect());
    const inner = cells.flatMap((cell) =>
        [...cell.querySelectorAll("img, table, .widget-box, .jp-RenderedText pre, .jp-RenderedMarkdown, .cm-line, mjx-math")])
        .filter((part) => part.offsetParent !== null && part.closest(".jp-Cell-inputWrapper, .jp-Cell-outputWrapper")
            ?.getBoundingClientRect().height > 1);
    const height = Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top));
    const scrolls = [notebook, outer].map((part) => part.scrollHeight - part.clientHeight);
    const right = Math.max(0, ...inner.map((part) => part.getBoundingClientRect().right));
    const read = cells.flatMap((cell) => [...cell.querySelectorAll(".jp-OutputArea-output pre, .jp-RenderedMarkdown :is(p, li, td)")])
        .filter((part) => part.offsetParent !== null);
    const pictures = cells.flatMap((cell) => [...cell.querySelectorAll("img")]).map((img) => img.clientHeight);
    return {
        cells: cells.map((cell) => Number(cell.dataset.windowedListIndex)),
        down: Math.round(Math.max(height - innerHeight, ...scrolls, 0)),
        right: Math.round(Math.max(right - innerWidth, 0)),
        pictures,
        letters: Math.min(...read.map((part) => parseFloat(getComputedStyle(part).fontSize))) / innerHeight,
    };
}
"""


def open_slides(page, address, path, token):
    """Open a notebook on a server in lecture mode, and wait until the lesson has run, and its first slide stands.

    Without "reset" the notebook that was open before would come back, and be in front for a while.
    """
    page.goto(f"{address}/lab/tree/{path}?token={token}&reset")
    page.wait_for_function(START)
    page.wait_for_function("(path) => jupyterapp.shell.currentWidget?.context?.path === path", arg=path)
    page.wait_for_function(READY, timeout=300_000)


def close_slides(page):
    """End the kernel of the notebook in front. Without that it outlives its page, and so do all that came before."""
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def slides(page):
    """Return the slides as pairs (numbers of their cells, those of their conclusions), what is skipped left out."""
    kinds = page.evaluate(f"""() => {CELLS}.map((cell) => [
        cell.model.getMetadata('slideshow')?.slide_type ?? '-', cell.model.getMetadata('tags')?.includes('{CONCLUSION}') ?? false])""")
    found = []
    for index, (kind, concludes) in enumerate(kinds):
        if kind in BEGINS or not found:
            found.append(([], []))
        if kind != "skip":
            found[-1][concludes and kind not in BEGINS].append(index)
    return [slide for slide in found if slide[0]]


def walk(page):
    """Show every slide with its fragments, and yield its number and what `LOOK` sees: of a training as it waits, and as it
    has run; of a prediction as it is answered; of a conclusion, once more.
    """
    def go_to(cells):
        for index in cells:  # up to the last fragment
            page.evaluate("(index) => { jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index)

    for number, (cells, conclusions) in enumerate(slides(page), start=1):
        go_to(cells)
        page.wait_for_timeout(150)
        waits = page.evaluate(LOOK)
        reveal(page)
        if start(page):
            yield number, waits
        page.wait_for_timeout(150)
        yield number, page.evaluate(LOOK)
        if conclusions:
            go_to(conclusions)
            page.wait_for_timeout(150)
            yield number, page.evaluate(LOOK)


def reveal(page):
    """Raise a hand in each prediction on the screen, and reveal it."""
    for cell in page.locator(".jp-deck-mod-onscreen:has(button:text('Reveal'))").all():
        hands, button = cell.locator("input[type=number]"), cell.get_by_role("button", name="Reveal")
        if hands.count():
            hands.first.fill("1")
            hands.first.press("Tab")
        page.wait_for_timeout(500)
        if button.is_enabled():
            button.press("Enter")
            page.wait_for_function("(button) => button.disabled", arg=button.element_handle())
            page.wait_for_timeout(500)


def start(page):
    """Press Start if a training waits on the screen, and return whether one did, when it and what hangs on it has run."""
    button = page.locator(".jp-deck-mod-visible .lecture-start")
    if not button.count():
        return False
    button.press("Enter")
    page.wait_for_function(READY, timeout=300_000)
    return True
