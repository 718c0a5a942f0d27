"""What README says exists, and what exists README says."""

import re
from pathlib import Path

from tests.house.test_layering import ROOMS
from utils.torchdoctor.diseases import FAMILIES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_link_within_the_project_leads_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    inside = [target for target in targets if not target.startswith("http")]
    assert len(inside) > 3
    assert [target for target in inside if not (ROOT / target).exists()] == []


def test_the_chapters_listed_are_those_that_exist():
    rows = re.findall(r"^\| (\d) \| (.*?) \|", README, flags=re.MULTILINE)
    sources = sorted((ROOT / "chapters" / "source").glob("[0-9][0-9]_*.py"))
    assert [int(number) for number, _ in rows] == [int(source.stem[:2]) for source in sources]
    for number, title in rows:
        built = list((ROOT / "chapters").glob(f"0{number}_*.ipynb"))
        if built:
            assert f"(chapters/{built[0].name})" in title, f"{built[0].name} exists; README does not link to it"
        else:
            assert "not yet written" in title, f"chapter {number} does not exist, and README does not say so"


def test_the_start_page_asks_the_question_of_every_chapter_with_its_picture():
    page = (ROOT / "chapters" / "templates" / "start.md").read_text(encoding="utf-8")
    for number, title, question in re.findall(r"^\| (\d) \| \[(.*?)\]\(.*?\) \| (.*?) \|$", README, flags=re.MULTILINE):
        [notebook] = (ROOT / "chapters").glob(f"0{number}_*.ipynb")
        plain = title.replace("\\", "")
        assert f'<h3><a href="{notebook.name}">{number} · {plain}</a></h3>\n<p>{question}</p>\n' in page
        assert f'<img src="pictures/{notebook.stem}.png"' in page
    targets = re.findall(r'(?:href|src)="([^"]+)"', page) + re.findall(r"\]\(([^)]+)\)", page)
    assert len(targets) > 28 and [target for target in targets if not (ROOT / "chapters" / target).exists()] == []
    assert all(re.findall(r'<img [^>]*alt="([^"]*)"', page)) and page.count("<img") == page.count("alt=")


def test_the_table_of_rooms_is_the_one_that_is_held():
    rows = re.findall(r"^\| `(\w+)/?` \| .+? \| ([\w, -]+) \|$", README, flags=re.MULTILINE)
    assert {name: [] if used == "-" else used.split(", ") for name, used in rows} == ROOMS


def test_the_diseases_listed_are_those_that_are_known():
    told = " ".join(README[README.index("It knows these") : README.index("**How often")].split())
    assert [kind for kind in FAMILIES if not re.search(rf"\b{kind}\b", told)] == []


def test_every_promise_of_accessibility_names_the_test_that_tries_it():
    rows = re.findall(r"^\| (.+?) \| (`tests.+?) \|$", (ROOT / "ACCESSIBILITY.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(rows) > 10
    for promise, tests in rows:
        assert all("::" in test for test in tests.split(", "))
        for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests):
            assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{promise}: {path} has no {name}"


def test_no_placeholder_is_left():
    assert not re.search(r"FIGURES|TODO|OWNER|XXX", README)
