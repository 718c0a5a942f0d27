#!/usr/bin/env python3
"""Print the links that open each chapter, its evidence included, from the public address of this repository:

    python3 binder/links.py                                          badges for mybinder.org
    python3 binder/links.py --hub https://hub.example.org            links for a class's JupyterHub
    python3 binder/links.py https://github.com/you/course --branch main ...

A link of the hub brings the course into a learner's home there, keeping what the learner has changed (nbgitpuller), and
opens the chapter. The output is Markdown. The address is the one in pyproject.toml (`python3 course.py address URL`
writes it), unless another one is given.
"""

import argparse
import re
import tomllib
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"
BRANCH = "main"
COPIES = "colab"  # the branch that holds what colab.py writes
NO_ADDRESS = "This copy of the course has no public address yet: `python3 course.py address URL` writes it."
WRONG_ADDRESS = "the address of the repository begins with https:// and ends with its name: https://github.com/you/course"


def read_address(project=ROOT / "pyproject.toml"):
    """Return the public address of the repository; "" as long as it has none."""
    return tomllib.loads(project.read_text(encoding="utf-8"))["project"].get("urls", {}).get("Repository", "")


def is_address(text):
    """Whether a text is an address on the web that names a repository, and no page within it, nor who asks for it."""
    if not re.fullmatch(r"https?://[\w.-]+(:\d+)?(/[\w.~-]+)+/?", text, re.ASCII):
        return False
    return on_github(text) is None or on_github(text).count("/") == 1


def on_github(repository):
    """Return "you/course" of a repository on GitHub, which alone Colab and Codespaces open; None of any other."""
    place = urlsplit(repository)
    return place.path.strip("/").removesuffix(".git") if place.hostname in ("github.com", "www.github.com") else None


def chapters():
    """Return the chapters' notebooks, each followed by its evidence if it has one, as paths within the repository."""
    found = [*CHAPTERS.glob("[0-9][0-9]_*.ipynb"), *CHAPTERS.glob("evidence/[0-9][0-9]_*.ipynb")]
    found.sort(key=lambda path: (path.name, path.parent != CHAPTERS))
    return [f"chapters/{path.relative_to(CHAPTERS).as_posix()}" for path in found]


def binder_link(repository, branch, notebook):
    """Return the address that opens a notebook on mybinder.org in JupyterLab."""
    if on_github(repository):
        place = f"gh/{on_github(repository)}"
    elif urlsplit(repository).hostname == "gitlab.com":
        place = f"gl/{quote(urlsplit(repository).path.strip('/').removesuffix('.git'), safe='')}"
    else:
        place = f"git/{quote(repository, safe='')}"
    return f"https://mybinder.org/v2/{place}/{quote(branch, safe='')}?{urlencode({'urlpath': f'lab/tree/{notebook}'})}"


def colab_link(repository, notebook):
    """Return the address that opens the published copy of a notebook in Google Colab."""
    return f"https://colab.research.google.com/github/{on_github(repository)}/blob/{COPIES}/{notebook}"


def codespaces_link(repository):
    """Return the address that starts a codespace, a machine of GitHub's, with the course on it."""
    return f"https://codespaces.new/{on_github(repository)}?quickstart=1"


def doors(repository, notebook):
    """Return {name of a service: address that opens this notebook there}, for the services that can open the repository."""
    if not repository:
        return {}
    found = {"Binder": binder_link(repository, BRANCH, notebook)}
    if on_github(repository):
        found["Colab"] = colab_link(repository, notebook)
    return found


def site_link(repository):
    """Return the address at which GitHub Pages serves the web edition of a repository on GitHub; None of any other."""
    if not on_github(repository):
        return None
    owner, name = on_github(repository).split("/")
    return f"https://{owner.lower()}.github.io/" + (f"{name}/" if name.lower() != f"{owner.lower()}.github.io" else "")


def puller_link(hub, repository, branch, notebook):
    """Return the address that pulls the repository into a learner's home on a JupyterHub and opens a notebook."""
    folder = urlsplit(repository).path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    query = {"repo": repository, "branch": branch, "urlpath": f"lab/tree/{folder}/{notebook}"}
    return f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{urlencode(query)}"


def main(arguments=None):
    """Print a link for every chapter."""
    parser = argparse.ArgumentParser(description="Print the links that open each chapter.")
    parser.add_argument("repository", nargs="?", default=read_address(), help="such as https://github.com/you/course")
    parser.add_argument("--branch", default=BRANCH)
    parser.add_argument("--hub", help="the address of a JupyterHub, such as https://hub.example.org")
    options = parser.parse_args(arguments)
    if not options.repository:
        parser.error(NO_ADDRESS)
    if not is_address(options.repository):
        parser.error(WRONG_ADDRESS)
    for notebook in chapters():
        if options.hub:
            print(f"- [{notebook}]({puller_link(options.hub, options.repository, options.branch, notebook)})")
        else:
            link = binder_link(options.repository, options.branch, notebook)
            print(f"- [![{notebook} on Binder](https://mybinder.org/badge_logo.svg)]({link}) {notebook}")


if __name__ == "__main__":
    main()
