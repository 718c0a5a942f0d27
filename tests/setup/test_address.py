"""One address: what pyproject.toml says of it is what README's badges, CITATION and the copies for Colab say."""

import json
import re
import shutil
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest

import course
from binder import address, colab, links

ROOT = Path(course.__file__).resolve().parent
GITHUB = "https://github.com/you/the-course"
GITLAB = "https://gitlab.com/a/b/c"
NOTEBOOK = "chapters/evidence/02_relu.ipynb"


@pytest.fixture
def clone(tmp_path):
    """A folder with the files that hold the address."""
    for name in address.HOLDERS:
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def written(folder):
    """The text of each file that holds the address."""
    return {name: (folder / name).read_text(encoding="utf-8") for name in address.HOLDERS}


def opened(text):
    """The addresses that the badges in a text open, by door and what they open."""
    return dict(re.findall(r"\[!\[(.+?)\]\(.+?\)\]\((.+?)\)", text))


def test_every_file_holds_the_address_of_pyproject():
    for name, text in written(ROOT).items():
        assert text == address.HOLDERS[name](text, links.read_address()), f"run python3 course.py address: {name}"


def test_the_address_is_no_other_files_business():
    known = links.read_address() or "https://github.com/you/nothing"
    files = [path for folder in ("binder", "utils", "teaching", ".github", ".devcontainer") for path in (ROOT / folder).rglob("*.*")
             if path.suffix in (".py", ".md", ".yml", ".yaml", ".json")]  # fmt: skip
    assert len(files) > 50
    assert [path for path in files if known in path.read_text(encoding="utf-8")] == []


def test_an_address_reaches_every_file_and_leaves_none_behind(clone):
    address.main(["--none"], clone)
    before = written(clone)
    assert address.main([GITHUB + ".git/"], clone) == 0
    after = written(clone)
    assert tomllib.loads(after["pyproject.toml"])["project"]["urls"] == {"Repository": GITHUB}
    assert f'repository-code: "{GITHUB}"\n' in after["CITATION.cff"]
    assert f'"git+{GITHUB}#subdirectory=utils/torchdoctor"' in after["README.md"]
    assert address.main([], clone) == 0 and written(clone) == after
    address.main(["https://github.com/another/one"], clone)
    assert "you/the-course" not in "".join(written(clone).values())
    address.main(["--none"], clone)
    assert written(clone) == before


def test_readme_has_badges_for_the_course_and_for_every_chapter(clone):
    address.main([GITHUB], clone)
    badges = opened(written(clone)["README.md"])
    notebooks = [name for name in links.chapters() if "evidence" not in name]
    assert set(badges) == {"Codespaces: open the course"} | {
        f"{door}: open chapter {number}" for door in ("Binder", "Colab") for number in range(1, len(notebooks) + 1)}
    for number, notebook in enumerate(notebooks, start=1):
        query = parse_qs(urlsplit(badges[f"Binder: open chapter {number}"]).query)
        assert query == {"urlpath": [f"lab/tree/{notebook}"]}
        place = f"https://colab.research.google.com/github/you/the-course/blob/{links.COPIES}/"
        assert badges[f"Colab: open chapter {number}"] == place + notebook
    assert badges["Codespaces: open the course"] == "https://codespaces.new/you/the-course?quickstart=1"


def test_readme_begins_with_three_doors(clone):
    """Read it on the web, open it here, install it: before anything else, with an address and without."""
    for arguments, web in (([GITHUB], "[https://you.github.io/the-course/](https://you.github.io/the-course/)"),
                           ([GITLAB], "`python3 course.py web` makes the site"), (["--none"], "`python3 course.py web` makes the site")):
        address.main(arguments, clone)
        head = written(clone)["README.md"].partition("\n## ")[0]
        assert re.findall(r"^- \*\*(.+?)[:,]\*\*", head, re.MULTILINE) == ["Read it on the web", "Open it here", "Install it"]
        assert f"**Read it on the web:** {web}" in head and head.index("**Read it") < 800
        assert (address.MISSING in head) == (arguments == ["--none"])


@pytest.mark.parametrize("repository, site", [
    (GITHUB, "https://you.github.io/the-course/"), ("https://github.com/You/you.github.io", "https://you.github.io/"),
    (GITLAB, None), ("", None),
])  # fmt: skip
def test_the_site_is_where_github_pages_serves_it(repository, site):
    assert links.site_link(repository) == site


def test_what_is_not_on_github_opens_on_binder_alone(clone, capsys):
    address.main([GITLAB], clone)
    assert {name.partition(":")[0] for name in opened(written(clone)["README.md"])} == {"Binder"}
    assert "Colab and Codespaces open repositories on GitHub only" in capsys.readouterr().out


def test_the_other_name_of_github_is_github(clone):
    address.main([GITHUB.replace("github.com", "www.github.com")], clone)
    assert {name.partition(":")[0] for name in opened(written(clone)["README.md"])} == {"Binder", "Colab", "Codespaces"}


def test_without_an_address_each_says_in_one_sentence_what_to_do(clone, capsys, monkeypatch):
    address.main(["--none"], clone)
    texts = written(clone)
    told = [capsys.readouterr().out.splitlines()[-1], address.MISSING,
            re.search(r"^# repository-code: (.*)$", texts["CITATION.cff"], re.MULTILINE)[1]]  # fmt: skip
    assert opened(texts["README.md"]) == {} and address.doors("") in texts["README.md"]
    monkeypatch.setattr(colab, "read_address", lambda: "")
    assert colab.main(["nowhere"]) == 1
    told.append(capsys.readouterr().err.strip())
    for sentence in told:
        assert "no public address yet" in sentence and "`python3 course.py address URL` writes" in " ".join(sentence.split())
        assert len(re.findall(r"[.](?:\s|$)", sentence)) == 1


@pytest.mark.parametrize("url", [
    "you/course", "https://github.com", "git@github.com:you/course.git", "https://github.com/you", "https://github.com/you/course/tree/main",
    "https://github.com/you/course?tab=readme", "https://github.com/you/course#readme", "https://token@github.com/you/course",
    "https://gitlab.com/you/my course", 'https://gitlab.com/you/course"',
])  # fmt: skip
def test_an_address_that_is_none_changes_nothing(url, clone, capsys):
    before = written(clone)
    with pytest.raises(SystemExit):
        address.main([url], clone)
    assert links.WRONG_ADDRESS in capsys.readouterr().err and written(clone) == before


def test_a_command_needs_nothing_installed(monkeypatch, tmp_path, capsys):
    def install(**_):
        raise AssertionError

    monkeypatch.setattr(course, "set_up", install)
    monkeypatch.setattr(colab, "read_address", lambda: GITHUB)
    assert course.main(["colab", str(tmp_path / "copies"), "--commit", "0123abc"]) == 0
    assert capsys.readouterr().out == f"{len(links.chapters())} notebooks are in {tmp_path / 'copies'}.\n"
    for notebook in links.chapters():
        text = (tmp_path / "copies" / notebook).read_text(encoding="utf-8")
        nbformat.validate(nbformat.reads(text, as_version=4))
        assert f"{GITHUB}/archive/0123abc.zip" in text


def test_a_copy_is_its_notebook_behind_one_more_cell_with_links_that_lead_somewhere():
    text = (ROOT / NOTEBOOK).read_text(encoding="utf-8")
    copy = json.loads(colab.colab_copy(text, NOTEBOOK, GITHUB, "https://example.org/course.zip"))
    lesson = json.loads(text)
    first, *cells = copy.pop("cells")
    assert "".join(first["source"]).startswith("# Only the copy for Colab has this cell.")
    for cell, original in zip(cells, lesson.pop("cells"), strict=True):
        assert cell == original or cell["cell_type"] == "markdown" and cell | {"source": 0} == original | {"source": 0}
    assert copy == lesson
    prose = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert f"]({links.colab_link(GITHUB, 'chapters/02_relu.ipynb')})" in prose
    assert not re.search(r"\]\((?!https?:|#)[^)\s]+\.(ipynb|md|py)\)", prose)


@pytest.mark.parametrize("link, full", [
    ("[a](../glossary.md)", f"[a]({GITHUB}/blob/main/chapters/glossary.md)"),
    ("[a](https://example.org/a.md), [b](#c) and `x[:2](y)`", "[a](https://example.org/a.md), [b](#c) and `x[:2](y)`"),
])  # fmt: skip
def test_a_link_to_another_file_leads_to_the_repository(link, full):
    notebook = {"cells": [{"cell_type": "markdown", "source": [link]}]}
    copy = json.loads(colab.colab_copy(json.dumps(notebook), NOTEBOOK, GITHUB, ""))
    assert copy["cells"][1]["source"] == [full]
