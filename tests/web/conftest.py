"""What the tests of the web edition share: the site, built once in each process."""

import pytest

from chapters.build.reading import sources_of
from teaching.web import site


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The site, with few states of chapter 1."""
    folder, sources = tmp_path_factory.mktemp("edition"), sources_of(site.CHAPTERS)
    site.draw_states(sources[0], folder / "cache", 12)
    assert "are there" in site.draw_states(sources[0], folder / "cache", 12)
    assert site.make_site(sources, folder / "cache", folder / "web") == 0
    return folder / "web"
