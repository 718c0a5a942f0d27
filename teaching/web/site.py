"""Make the web edition of the course in the folder web/: python3 course.py web

    python3 course.py web                 all chapters; at most 600 states a scene: about 20 minutes on two cores
    python3 course.py web 01 --states 12  try it: of chapter 1 few states, of the others what was drawn before

Drawn states are kept in .web-cache, and drawn again if a source, the helper package, or their number has changed. Any
static server shows the site (python3 -m http.server -d web), and so does a browser that opens web/index.html.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from sphinx.cmd.build import build_main

from chapters.build import ENVIRONMENT
from chapters.build.reading import is_evidence, notebook_of, sources_of
from teaching.handout import write_handout
from teaching.web import conf, page

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "chapters"
SITE, CACHE = ROOT / "web", ROOT / ".web-cache"
MOST = 600  # states of a scene
LAYOUT = [Path(__file__).parent / name for name in ("site.py", "page.py", "conf.py", "mathml.py")]  # a change of these draws nothing anew


def key_of(source):
    """Return the name of a notebook within the site."""
    return f"evidence-{source.stem}" if is_evidence(source) else source.stem


def made_of(source):
    """Return the files of the course that the states of a source are made of, and those in LAYOUT, which shape pages only."""
    helpers = [file for file in (ROOT / "utils").rglob("*") if file.is_file()]
    return [source, *helpers, *Path(__file__).parent.glob("*.py"), *(CHAPTERS / "build" / name for name in ("reading.py", "cells.py"))]


def fingerprint(source):
    """Return a text that is another one whenever the states of a source may be, but for their number."""
    parts = [version(name) for name in ("torch", "matplotlib", "pillow")]
    parts += [sha256(file.read_bytes()).hexdigest() for file in sorted(made_of(source))
              if file.suffix != ".pyc" and file not in LAYOUT]  # fmt: skip
    return sha256(repr(parts).encode()).hexdigest()


def draw_states(source, cache, most):
    """Draw the states of a source into its folder of the cache, unless they are there. Raises CalledProcessError."""
    folder, wanted = cache / key_of(source), f"{most} {fingerprint(source)}"
    stamp = folder / "fingerprint.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return f"{key_of(source)}: its states are there"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "teaching.web.states", source, folder, str(most)]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True)
    stamp.write_text(wanted)
    count = sum(1 for _ in folder.rglob("*"))
    return f"{key_of(source)}: {count} files drawn"


def read_scenes(source, cache):
    """Return what is known of the scenes of a source; None if its pictures were not drawn, or for another version of it."""
    folder = cache / key_of(source)
    stamp = folder / "fingerprint.txt"
    if not stamp.exists() or stamp.read_text().partition(" ")[2] != fingerprint(source):
        return None
    return json.loads((folder / "scenes.json").read_text(encoding="utf-8"))


def make_site(sources, cache, folder, book=False):
    """Write the site of all `sources` into `folder`, with the states that the cache has, and the book; return Sphinx's exit status.

    book: make only the book there, an EPUB of the same pages, with pictures that do not move.
    """
    work = cache / "source"
    for old in (work, folder):
        shutil.rmtree(old, ignore_errors=True)
    predictions = {}  # chapter -> how many there are to make
    for source in sources:
        notebook, scenes = notebook_of(source), None if book else read_scenes(source, cache)
        target = work / notebook.relative_to(CHAPTERS)
        line = "" if book else page.how_to_run(conf.REPOSITORY, notebook)
        if scenes is not None:
            shutil.copytree(cache / key_of(source), folder / "states" / key_of(source),
                            ignore=shutil.ignore_patterns("*.txt", "scenes.json"))  # fmt: skip
        scenes = scenes or []
        page.write_page(notebook, target, key_of(source), scenes, folder, line)
        chapter = int(source.stem[:2])
        predictions[chapter] = predictions.get(chapter, 0) + sum(scene["kind"] == "predict" for scene in scenes)
    lessons = [source.stem for source in sources if not is_evidence(source)]
    readme, start = (path.read_text(encoding="utf-8") for path in (ROOT / "README.md", CHAPTERS / "templates" / "start.md"))
    page.write_front(readme, start, work / "index.md", lessons, book)
    for picture in (CHAPTERS / "pictures").glob("[0-9][0-9]_*.png"):  # of the seven questions
        shutil.copy(picture, folder / "pictures")
    if not book:
        chapters = [{**row, "predictions": predictions[row["chapter"]]} for row in page.chapters_of(readme)]
        page.write_progress(work / "progress.md", chapters)
        page.write_teachers(work / "teachers.md", {name: write_handouts(name, folder) for name in lessons})
    shutil.copy(CHAPTERS / "glossary.md", work)
    status = build_main(["-q", "-b", "epub" if book else "html", "-c", str(Path(__file__).parent),
                         "-d", str(cache / "doctrees"), str(work), str(folder)])  # fmt: skip
    if not status and not book:
        lighten(folder)
        if not (status := make_site(sources, cache, cache / "book", book=True)):
            shutil.copy(cache / "book" / conf.BOOK, folder)
    return status


def write_handouts(name, folder):
    """Write the hand-outs of a chapter into the site, as pages that any browser can print; return their places in it."""
    written, _ = write_handout(CHAPTERS / f"{name}.ipynb", folder / "handouts" / name, chromium=None)
    for file in written:  # a link to another notebook leads to its page
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r'href="([\w/]+)\.(ipynb|md)', r'href="../../\1.html', text), encoding="utf-8")
    return [file.relative_to(folder).as_posix() for file in written]


def lighten(folder):
    """Leave out of a site what no page needs, and note that it is complete without GitHub's own Sphinx."""
    static = folder / "_static"
    for file in [*static.glob("*webpack-macros.html"), *static.rglob("*.map")]:
        file.unlink()
    # Half of a page's weight. The theme falls back to the font of the same icons, which it loads anyway.
    (static / "scripts" / "fontawesome.js").write_text("// The icons are those of the font.\n")
    (folder / ".nojekyll").touch()  # else GitHub leaves out folders that begin with an underscore


def main(arguments=None, site=SITE, cache=CACHE):
    """Draw the states of the chapters and make the site; return the exit status."""
    parser = argparse.ArgumentParser(prog="web", description="Make the web edition of the course in the folder web/.")
    parser.add_argument("numbers", nargs="*", metavar="NN", help="chapters whose states are drawn; without any, all of them")
    parser.add_argument("--states", type=int, default=MOST, metavar="N", help=f"at most, of a scene (default: {MOST})")
    options = parser.parse_args(arguments)
    sources = sources_of(CHAPTERS)
    wanted = {number.zfill(2) for number in options.numbers}
    if unknown := wanted - {source.stem[:2] for source in sources}:
        parser.error(f"chapter {min(unknown)} is not there")
    chosen = [source for source in sources if not wanted or source.stem[:2] in wanted]
    cache.mkdir(exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        drawn = {pool.submit(draw_states, source, cache, options.states): source for source in chosen}
        for done in concurrent.futures.as_completed(drawn):
            try:
                print(done.result(), flush=True)
            except subprocess.CalledProcessError as error:
                last = (error.stderr.strip() or "no reason was given").splitlines()[-1]
                print(f"{key_of(drawn[done])} could not be drawn: {last}", file=sys.stderr)
                pool.shutdown(cancel_futures=True)
                return 1
    made = cache / "site"  # myst-nb leaves its own copies of the notebooks beside the pages: in the cache
    if status := make_site(sources, cache, made):
        return status
    shutil.rmtree(site, ignore_errors=True)
    shutil.move(made, site)
    print(f"{site / 'index.html'}: open it, or serve the folder: python3 -m http.server -d {site}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
