"""What a launch costs: nothing is fetched from elsewhere, the page is small, server and kernel fit Binder's memory."""

import os
import re
from urllib.parse import urlsplit

import psutil
import pytest

from tests.browser.lab import chromium_page, copy_project, jupyterlab, open_notebook, run_all
from tests.chapters.sample import CHAPTERS

pytestmark = pytest.mark.browser

PAGE = 25e6  # bytes that a browser loads to show a chapter the first time
MEMORY = 1e9  # bytes of a server with the kernel of a chapter at work


@pytest.fixture(scope="module")
def address(tmp_path_factory, chromium_path):
    with jupyterlab(copy_project(tmp_path_factory.mktemp("course"))) as address:
        yield address


def used_by_server_and_kernels():
    """Return the resident bytes of the server that this test has started, and of its kernels."""
    family = psutil.Process(os.getpid()).children(recursive=True)
    ours = [one for one in family if re.search(r"jupyterlab|ipykernel_launcher", " ".join(one.cmdline()))]
    return sum(one.memory_info().rss for one in ours)


@pytest.mark.parametrize("path", sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_loads_nothing_from_elsewhere_and_fits_binder(path, address, chromium_path):
    loaded, elsewhere = [], []

    def note_request(request):
        if request.url.startswith(("http", "ws")) and urlsplit(request.url).netloc != urlsplit(address).netloc:
            elsewhere.append(request.url)

    with chromium_page(chromium_path) as page:
        page.on("request", note_request)
        page.on("response", lambda response: loaded.append(int(response.headers.get("content-length", 0))))
        open_notebook(page, address, f"chapters/{path.name}")
        assert run_all(page) == {}
        memory = used_by_server_and_kernels()
        page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    print(f"{path.stem}: page {sum(loaded) / 1e6:.1f} MB in {len(loaded)} files, server and kernel {memory / 1e6:.0f} MB")
    assert elsewhere == []
    assert 1e6 < sum(loaded) < PAGE
    assert 2e8 < memory < MEMORY
