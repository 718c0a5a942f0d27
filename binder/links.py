#!/usr/bin/env python3
"""Print the links that open each chapter, for the address of your public copy of this repository:

    python3 binder/links.py https://github.com/you/course
    python3 binder/links.py https://github.com/you/course --hub https://hub.example.org --branch main

Without --hub they are badges that open a chapter on mybinder.org; with it, links that bring the course into a learner's
home on your JupyterHub, keeping what the learner has changed (nbgitpuller), and open the chapter there. The output is
Markdown. This is the only place that needs to know the address, and only while it runs.
"""

import argparse
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

CHAPTERS = Path(__file__).resolve().parent.parent / "chapters"


def chapters():
    """Return the chapters' notebooks, each followed by its evidence if it has one, as paths within the repository."""
    found = [*CHAPTERS.glob("[0-9][0-9]_*.ipynb"), *CHAPTERS.glob("evidence/[0-9][0-9]_*.ipynb")]
    found.sort(key=lambda path: (path.name, path.parent != CHAPTERS))
    return [f"chapters/{path.relative_to(CHAPTERS).as_posix()}" for path in found]


def binder_link(repository, branch, notebook):
    """Return the address that opens a notebook on mybinder.org in JupyterLab."""
    host, path = urlsplit(repository).hostname, urlsplit(repository).path.strip("/").removesuffix(".git")
    if host == "github.com":
        place = f"gh/{path}"
    elif host == "gitlab.com":
        place = f"gl/{quote(path, safe='')}"
    else:
        place = f"git/{quote(repository, safe='')}"
    return f"https://mybinder.org/v2/{place}/{quote(branch, safe='')}?{urlencode({'urlpath': f'lab/tree/{notebook}'})}"


def puller_link(hub, repository, branch, notebook):
    """Return the address that pulls the repository into a learner's home on a JupyterHub and opens a notebook."""
    folder = urlsplit(repository).path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    query = {"repo": repository, "branch": branch, "urlpath": f"lab/tree/{folder}/{notebook}"}
    return f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{urlencode(query)}"


def main(arguments=None):
    """Print a link for every chapter."""
    parser = argparse.ArgumentParser(description="Print the links that open each chapter.")
    parser.add_argument("repository", help="such as https://github.com/you/course")
    parser.add_argument("--branch", default="main")
    parser.add_argument("--hub", help="the address of a JupyterHub, such as https://hub.example.org")
    options = parser.parse_args(arguments)
    if urlsplit(options.repository).scheme not in ("http", "https") or not urlsplit(options.repository).path.strip("/"):
        parser.error("the address of the repository begins with https:// and names it: https://github.com/you/course")
    for notebook in chapters():
        if options.hub:
            print(f"- [{notebook}]({puller_link(options.hub, options.repository, options.branch, notebook)})")
        else:
            link = binder_link(options.repository, options.branch, notebook)
            print(f"- [![{notebook} on Binder](https://mybinder.org/badge_logo.svg)]({link}) {notebook}")


if __name__ == "__main__":
    main()
