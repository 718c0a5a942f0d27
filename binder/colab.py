"""Write the copies of all lessons and their evidence that Google Colab opens: python3 course.py colab FOLDER

Colab has a notebook and nothing of the repository around it. So a copy has one more first cell, which fetches the course
where it is missing; a lesson itself needs no network and has no such cell. Links to other files lead to the repository,
links to other notebooks to their copies. The workflow colab.yml publishes the copies on a branch, `links.COPIES`.
"""

import argparse
import json
import posixpath
import re
import sys
from pathlib import Path

from binder.links import BRANCH, NO_ADDRESS, ROOT, chapters, colab_link, on_github, read_address

FIRST = """\
# Only the copy for Colab has this cell. It fetches the course, a few megabytes, and installs nothing.
try:
    from utils import explore
except ImportError:
    import http.client
    import io
    import sys
    import tempfile
    import urllib.request
    import zipfile
    from pathlib import Path

    try:
        with urllib.request.urlopen("{archive}", timeout=60) as answer:
            archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    except (OSError, http.client.HTTPException, zipfile.BadZipFile) as error:
        raise ConnectionError(f"the course could not be fetched ({{error}}): run this cell again") from None
    folder = tempfile.mkdtemp()
    archive.extractall(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == "utils"]:
        del sys.modules[name]  # of another package
    sys.path.insert(0, str(next(Path(folder).iterdir())))
    get_ipython().run_line_magic("load_ext", "utils.exercises.kernel")  # answers a slip in one sentence
"""


def archive_of(address, commit):
    """Return the address from which GitHub sends the repository, as it is at a commit or a branch, as a ZIP file."""
    return f"https://github.com/{on_github(address)}/archive/{commit}.zip"


def colab_copy(text, notebook, address, archive):
    """Return the text of a notebook's copy for Colab.

    text: that of the notebook, which is the path `notebook` in the repository at `address`. archive: an address from
    which the course comes as a ZIP file with one folder in it.
    """
    content = json.loads(text)
    for cell in content["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = [_with_full_links(line, notebook, address) for line in cell["source"]]
    source = FIRST.format(archive=archive).rstrip().splitlines(keepends=True)
    first = {"cell_type": "code", "execution_count": None, "id": "fetch-the-course", "metadata": {}, "outputs": [],
             "source": source}  # fmt: skip
    content["cells"].insert(0, first)
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _with_full_links(line, notebook, address):
    """Return a line of Markdown whose relative links lead to Colab's copies and to the repository."""
    def full(link):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(notebook), link[1]))
        if target.endswith(".ipynb"):
            return f"]({colab_link(address, target)})"
        return f"](https://github.com/{on_github(address)}/blob/{BRANCH}/{target})"

    return re.sub(r"\]\((?!https?:|#)([^)\s]+\.(?:ipynb|md|py))\)", full, line)


def main(arguments=None):
    """Write the copies of all notebooks; return the exit status."""
    parser = argparse.ArgumentParser(prog="course.py colab", description="Write the notebooks' copies for Google Colab.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--commit", default=BRANCH, help="the commit, or branch, of the repository that they fetch")
    options = parser.parse_args(arguments)
    address = read_address()
    if not on_github(address):
        print("Colab opens notebooks on GitHub only, and this course is elsewhere." if address else NO_ADDRESS, file=sys.stderr)
        return 1
    for notebook in chapters():
        path = options.folder / notebook
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / notebook).read_text(encoding="utf-8")
        path.write_text(colab_copy(text, notebook, address, archive_of(address, options.commit)), encoding="utf-8", newline="\n")
    print(f"{len(chapters())} notebooks are in {options.folder}.")
    return 0
