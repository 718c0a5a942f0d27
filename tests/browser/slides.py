"""Walk the slides of a chapter in a real JupyterLab, and measure what does not fit its screen."""

from tests.browser.lab import CELLS

SCREENS = ((1280, 720), (1920, 1080))

START = "() => document.body.dataset.jpDeckMode === 'presenting' && document.querySelector('.jp-deck-mod-onscreen')"
# The cells on the screen; by how many pixels they, or a line of code or output in them, exceed it; the heights of their
# pictures; and the smallest letters of what is to be read, code left out, as a share of the screen's height.
LOOK = """
() => {
    const notebook = document.querySelector(".jp-Deck .jp-Notebook");
    const outer = notebook.querySelector(".jp-WindowedPanel-outer") ?? notebook;
    const cells = [...notebook.querySelectorAll(".jp-Cell.jp-deck-mod-onscreen")];
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
    """Open a notebook on a server in lecture mode, and wait for its first slide.

    Without "reset" the notebook that was open before would come back, and be in front for a while.
    """
    page.goto(f"{address}/lab/tree/{path}?token={token}&reset")
    page.wait_for_function(START)
    page.wait_for_function("(path) => jupyterapp.shell.currentWidget?.context?.path === path", arg=path)
    page.wait_for_function("() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'")


def close_slides(page):
    """End the kernel of the notebook in front. Without that it outlives its page, and so do all that came before."""
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def slides(page):
    """Return the slides as lists of the numbers of their cells, those that are skipped left out."""
    kinds = page.evaluate(f"() => {CELLS}.map((cell) => cell.model.getMetadata('slideshow')?.slide_type ?? '-')")
    found = []
    for index, kind in enumerate(kinds):
        if kind in ("slide", "subslide") or not found:
            found.append([])
        if kind != "skip":
            found[-1].append(index)
    return [cells for cells in found if cells]


def walk(page):
    """Show every slide with all of its fragments, answer its prediction, and yield what `LOOK` sees of each."""
    for cells in slides(page):
        for index in cells:  # up to the last fragment
            page.evaluate("(index) => { jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index)
        reveal(page)
        page.wait_for_timeout(150)
        yield page.evaluate(LOOK)


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
