"""What Binder and a class's JupyterHub read: links that open the right notebook, and configuration that its engine takes.

The schemas here are written from those of the engines (the Helm chart of Zero to JupyterHub, and tljh.configurer of
The Littlest JupyterHub), as far as our files go: a name that an engine does not know, or a value of another type, fails.
With the chart's own schema in the variable Z2JH_SCHEMA (a path), that is used as well.
"""

import ast
import json
import os
import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema
import pytest
import yaml

from tests.chapters.sample import CHAPTERS, ROOT, load

links = load(ROOT / "binder" / "links.py")
GITHUB = "https://github.com/you/the-course"


def closed(**properties):
    """Return the schema of an object that has these properties and no others."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


def typed(name):
    return {"type": name}


SIZE = {"type": ["number", "string"], "pattern": r"^\d+(\.\d+)?[KMGT]?i?$"}
NAMES = {"type": "array", "items": typed("string")}
FLAG, WHOLE, TEXT, OPEN = typed("boolean"), typed("integer"), typed("string"), typed("object")
Z2JH = closed(
    hub=closed(config={"type": "object", "additionalProperties": OPEN}, concurrentSpawnLimit=WHOLE),
    proxy=closed(https=closed(enabled=FLAG, hosts=NAMES, letsencrypt=closed(contactEmail=TEXT))),
    singleuser=closed(
        image=closed(name=TEXT, tag=TEXT), memory=closed(guarantee=SIZE, limit=SIZE), defaultUrl=TEXT, extraEnv=OPEN,
        cpu=closed(guarantee=typed("number"), limit=typed("number")), startTimeout=WHOLE,
        storage=closed(type={"enum": ["dynamic", "static", "none"]}, capacity=TEXT, homeMountPath=TEXT),
    ),
    cull=closed(enabled=FLAG, timeout=WHOLE, every=WHOLE, maxAge=WHOLE, users=FLAG),
    prePuller=closed(hook=closed(enabled=FLAG), continuous=closed(enabled=FLAG)),
    scheduling=closed(
        userScheduler=closed(enabled=FLAG), podPriority=closed(enabled=FLAG),
        userPlaceholder=closed(enabled=FLAG, replicas=WHOLE),
    ),
)  # fmt: skip
TLJH = closed(
    users=closed(admin=NAMES, allowed=NAMES, banned=NAMES),
    auth={"type": "object", "required": ["type"], "properties": {"type": TEXT}},
    limits=closed(memory={"type": "string", "pattern": r"^\d+(\.\d+)?[KMGT]$"}, cpu=typed("number")),
    user_environment=closed(default_app={"enum": ["jupyterlab", "classic"]}),
    services=closed(cull=closed(enabled=FLAG, timeout=WHOLE, every=WHOLE, concurrency=WHOLE, users=FLAG, max_age=WHOLE)),
    https=closed(enabled=FLAG, letsencrypt=closed(email=TEXT, domains=NAMES)),
)
HUBS = {"tljh.yaml": TLJH, "z2jh.yaml": Z2JH}


def read(name):
    return yaml.safe_load((ROOT / "binder" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", HUBS)
def test_the_engine_knows_every_setting(name):
    jsonschema.validate(read(name), HUBS[name])


@pytest.mark.parametrize("name, path, value", [
    ("z2jh.yaml", ("singleuser", "memory", "limits"), "1G"), ("z2jh.yaml", ("cull", "timeout"), "1h"),
    ("z2jh.yaml", ("singleuser", "cpu", "limit"), "1"), ("tljh.yaml", ("limits", "memory"), 2),
    ("tljh.yaml", ("culling",), True),
])  # fmt: skip
def test_a_wrong_setting_is_found(name, path, value):
    settings = read(name)
    place = settings
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(settings, HUBS[name])


@pytest.mark.skipif("Z2JH_SCHEMA" not in os.environ, reason="needs the chart's schema, see binder/README.md")
def test_the_chart_takes_every_setting():
    schema = yaml.safe_load(Path(os.environ["Z2JH_SCHEMA"]).read_text(encoding="utf-8"))
    schema.pop("required", None)  # the chart's own defaults fill these
    for error in jsonschema.Draft7Validator(schema).iter_errors(read("z2jh.yaml")):
        assert error.validator == "required", error.message


def test_sign_in_is_closed():
    small, large = read("tljh.yaml"), read("z2jh.yaml")
    assert small["auth"]["FirstUseAuthenticator"] == {"create_users": False} and small["users"]["allowed"] == []
    config = large["hub"]["config"]
    assert config["JupyterHub"]["authenticator_class"] == "null"
    assert config["Authenticator"] == {"allow_all": False, "allowed_users": [], "admin_users": []}
    assert small["https"]["enabled"] and large["proxy"]["https"]["enabled"]


def test_every_learner_has_limits_and_idle_servers_are_culled():
    small, large = read("tljh.yaml"), read("z2jh.yaml")
    assert small["limits"] == {"memory": "1.5G", "cpu": 1}
    assert large["singleuser"]["memory"] == {"guarantee": "0.7G", "limit": "1.5G"} and large["singleuser"]["cpu"]["limit"] == 1
    assert small["services"]["cull"]["enabled"] and large["cull"]["enabled"]
    assert large["prePuller"]["hook"]["enabled"] and large["prePuller"]["continuous"]["enabled"]


def test_one_thread_a_kernel_everywhere():
    assert read("z2jh.yaml")["singleuser"]["extraEnv"] == {"OMP_NUM_THREADS": "1"}
    text = (ROOT / "binder" / "tljh_config.py").read_text(encoding="utf-8")
    assert '"OMP_NUM_THREADS": "1"' in text and ast.parse(text)
    assert int(re.search(r"start_timeout = (\d+)", text)[1]) > 60


@pytest.mark.parametrize("repository, place", [
    (GITHUB, "gh/you/the-course"), (f"{GITHUB}.git", "gh/you/the-course"),
    ("https://gitlab.com/a/b/c", "gl/a%2Fb%2Fc"),
    ("https://git.example.org/c.git", "git/https%3A%2F%2Fgit.example.org%2Fc.git"),
])  # fmt: skip
def test_a_badge_opens_its_chapter_on_binder(repository, place):
    for notebook in links.chapters():
        link = urlsplit(links.binder_link(repository, "a/branch", notebook))
        assert (link.hostname, link.path) == ("mybinder.org", f"/v2/{place}/a%2Fbranch")
        assert (ROOT / unquote(parse_qs(link.query)["urlpath"][0].removeprefix("lab/tree/"))).is_file()


def test_a_link_of_the_hub_pulls_the_course_and_opens_the_chapter():
    for notebook in links.chapters():
        link = urlsplit(links.puller_link("https://hub.example.org/", GITHUB + ".git", "main", notebook))
        query = {key: value for key, [value] in parse_qs(link.query).items()}
        assert link.path == "/hub/user-redirect/git-pull"
        assert query == {"repo": GITHUB + ".git", "branch": "main", "urlpath": f"lab/tree/the-course/{notebook}"}


def test_there_is_a_link_for_every_chapter(capsys):
    for further in ([], ["--hub", "https://hub.example.org"]):
        links.main([GITHUB, *further])
        assert len(capsys.readouterr().out.splitlines()) == len(list(CHAPTERS.rglob("[0-9][0-9]_*.ipynb"))) > 0


@pytest.mark.parametrize("repository", ["you/course", "https://github.com", "git@github.com:you/course.git"])
def test_an_address_that_is_none_gets_one_sentence(repository, capsys):
    with pytest.raises(SystemExit):
        links.main([repository])
    assert "the address of the repository begins with https://" in capsys.readouterr().err


def test_the_address_of_pyproject_is_taken_unless_another_is_given(monkeypatch, capsys):
    monkeypatch.setattr(links, "read_address", lambda: GITHUB)
    links.main([])
    assert capsys.readouterr().out.count("/v2/gh/you/the-course/main?") == len(links.chapters())
    monkeypatch.setattr(links, "read_address", lambda: "")
    with pytest.raises(SystemExit):
        links.main([])
    assert "`python3 course.py address URL` writes it" in capsys.readouterr().err


def test_the_readme_gives_the_commands():
    text = (ROOT / "binder" / "README.md").read_text(encoding="utf-8")
    for command in ("python3 binder/links.py", "jupyter-repo2docker", "course.py bench --hub", "helm lint", "tljh-config"):
        assert command in text
    assert json.dumps(read("z2jh.yaml"))
