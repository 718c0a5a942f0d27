"""Write the public address of this repository, and all that is made from it:

    python3 course.py address https://github.com/you/course
    python3 course.py address             say the address, and renew what is made from it
    python3 course.py address --none      take it away

It stands in pyproject.toml and nowhere else by hand. From there it comes into README (the badges that open the course
elsewhere, and the line that installs torchdoctor) and into CITATION.cff. tests/setup/test_address.py holds them together.
"""

import argparse
import re

from binder import links
from binder.links import NO_ADDRESS, ROOT, WRONG_ADDRESS, codespaces_link, is_address, on_github, read_address

DOORS = ("<!-- doors: `python3 course.py address URL` writes what follows, and a column of the table of chapters -->",
         "<!-- end of the doors -->")
BADGES = {
    "Binder": "https://mybinder.org/badge_logo.svg",
    "Colab": "https://colab.research.google.com/assets/colab-badge.svg",
    "Codespaces": "https://github.com/codespaces/badge.svg",
}
MISSING = """\
this copy of the course has no public address yet, and `python3 course.py address URL` writes it, and with it the badges
  that open each chapter on Binder, in Colab and in Codespaces."""
THREE = """\
- **Read it on the web:** {web}.
  Its sliders, guesses and trainings move there with nothing installed, on a phone, too.
- **Open it here,** and run and change its cells:
  {badges}
- **Install it:** `python3 course.py lab`, once you have a copy of this repository; all about it is below, in [Start](#start)."""
COLUMN = "open it"
CITED = "repository-code:"


def badge(door, what, link):
    """Return Markdown of the badge of a door, which opens `what`."""
    return f"[![{door}: open {what}]({BADGES[door]})]({link})"


def chapter_badges(address, notebook, what):
    """Return the badges that open one notebook, a path within the repository."""
    return [badge(door, what, link) for door, link in links.doors(address, notebook).items()]


def doors(address):
    """Return README's three ways into the course, a list."""
    site = links.site_link(address)
    web = f"[{site}]({site})" if site else "`python3 course.py web` makes the site, in the folder `web/`"
    badges = chapter_badges(address, "chapters/01_saturation.ipynb", "chapter 1") if address else [MISSING]
    if on_github(address):
        badges.append(badge("Codespaces", "the course", codespaces_link(address)))
    return THREE.format(web=web, badges=" ".join(badges))


def renew_pyproject(text, address):
    """Return the text of pyproject.toml with this address in it; without one, if it is empty."""
    text = re.sub(r'^Repository = ".*"\n', "", text, flags=re.MULTILINE)
    line = f'Repository = "{address}"\n' if address else ""
    return re.sub(r"^(\[project\.urls\].*\n)", lambda head: head[1] + line, text, flags=re.MULTILINE)


def renew_readme(text, address):
    """Return the text of README with the badges and the line of pip for this address."""
    begin, end = DOORS
    text = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{doors(address)}\n{end}", text, flags=re.DOTALL)
    text = re.sub(r"git\+[^\s#\"]+#subdirectory", lambda _: f"git+{address or 'ADDRESS'}#subdirectory", text)
    return re.sub(r"^\| \| chapter \|.*\n(?:\|.*\n)+", lambda table: _with_column(table[0], address), text, flags=re.MULTILINE)


def _with_column(table, address):
    """Return the table of chapters with a column of badges behind its three others; without it, if there is no address."""
    fourth = []
    rows = [re.match(r"\|.*?\|.*?\|.*?\|", row)[0] for row in table.splitlines()]
    for row in rows[2:]:
        notebook = re.search(r"\((chapters/\S+?\.ipynb)\)", row)
        fourth.append(" ".join(chapter_badges(address, notebook[1], f"chapter {row[2]}")) if address and notebook else "")
    further = [f" {COLUMN} |", "---|", *(f" {badges} |" for badges in fourth)] if address else [""] * len(rows)
    return "".join(f"{row}{cell}\n" for row, cell in zip(rows, further))


def renew_citation(text, address):
    """Return the text of CITATION.cff with this address, or a comment that says how it comes there."""
    line = f'{CITED} "{address}"' if address else f"# {CITED} {NO_ADDRESS}"
    return re.sub(f"^(# )?{CITED}.*$", lambda _: line, text, flags=re.MULTILINE)


HOLDERS = {"pyproject.toml": renew_pyproject, "README.md": renew_readme, "CITATION.cff": renew_citation}


def main(arguments=None, root=ROOT):
    """Write the address, if one is given, and renew what is made from it; return the exit status."""
    parser = argparse.ArgumentParser(prog="course.py address", description="Write the public address of this repository.")
    parser.add_argument("url", nargs="?", help="such as https://github.com/you/course")
    parser.add_argument("--none", action="store_true", help="take the address away")
    options = parser.parse_args(arguments)
    given = (options.url or "").rstrip("/").removesuffix(".git")
    address = "" if options.none else given or read_address(root / "pyproject.toml")
    if address and not is_address(address):
        parser.error(WRONG_ADDRESS)
    for name, renew in HOLDERS.items():
        text = (root / name).read_text(encoding="utf-8")
        if (renewed := renew(text, address)) != text:
            (root / name).write_text(renewed, encoding="utf-8", newline="\n")
            print(f"{name} is written anew.")
    print(f"The course's public address: {address}" if address else NO_ADDRESS)
    if address and not on_github(address):
        print("Colab and Codespaces open repositories on GitHub only, so there are no badges for them.")
    return 0
