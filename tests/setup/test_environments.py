"""pip, conda and Binder get the same versions, and Binder's image is built in an order that caches."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
CONDA_ONLY = {"python", "pip"}


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins_of(requirements):
    """Map the names to the versions of requirements such as "numpy==2.4.6"; every one has to be an exact pin."""
    pins = {}
    for requirement in map(Requirement, requirements):
        (specifier,) = requirement.specifier
        assert specifier.operator == "==" and "*" not in specifier.version, requirement
        pins[requirement.name] = specifier.version
    return pins


def conda_pins(path):
    """Map the names to the versions of an environment.yml's dependencies ("" if it leaves the version open).

    Raises AssertionError for anything else in the list, above all for a nested pip section.
    """
    pins = {}
    for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]:
        assert isinstance(entry, str), entry
        name, _, pin = entry.partition("=")
        pins[name] = pin
    return pins


def test_conda_installs_the_versions_of_pyproject(project):
    conda = conda_pins(ROOT / "environment.yml")
    expected = {CONDA_NAMES.get(name, name): pin for name, pin in pins_of(project["dependencies"]).items()}
    assert {name: pin for name, pin in conda.items() if name not in CONDA_ONLY} == expected


def test_conda_pins_a_python_that_the_course_supports(project):
    python = conda_pins(ROOT / "environment.yml")["python"]
    assert re.fullmatch(r"\d+\.\d+", python)
    assert Requirement("python" + project["requires-python"]).specifier.contains(python)


def test_every_tool_is_pinned_once(project):
    learner, tools = pins_of(project["dependencies"]), pins_of(project["optional-dependencies"]["test"])
    assert not learner.keys() & tools.keys()


def test_these_tests_run_with_the_pinned_versions(project):
    for text in project["dependencies"] + project["optional-dependencies"]["test"]:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(version(requirement.name)), requirement


def test_torch_is_a_cpu_build():
    import torch

    assert torch.version.cuda is None


def test_binder_reads_the_same_file():
    assert (ROOT / "binder" / "environment.yml").read_bytes() == (ROOT / "environment.yml").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no executable bit")
def test_binder_stops_at_the_first_error():
    script = ROOT / "binder" / "postBuild"
    assert script.stat().st_mode & stat.S_IXUSR
    assert script.read_bytes().startswith(b"#!/bin/bash\nset -e\n")


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory):
    """The Dockerfile that repo2docker makes of a clean copy of the repository; no container engine is needed."""
    pytest.importorskip("repo2docker", reason="repo2docker runs on Linux and macOS only")
    clean = tmp_path_factory.mktemp("binder") / "course"
    unclean = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "screenshots")
    shutil.copytree(ROOT, clean, ignore=unclean)
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--Repo2Docker.default_buildpack=None", "."]
    result = subprocess.run(command, cwd=clean, check=False, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def test_repo2docker_takes_the_pinned_python(dockerfile):
    python = conda_pins(ROOT / "environment.yml")["python"]
    assert f"Building conda environment for python={python}\n" in dockerfile
    lock = f"environment.py-{python}-linux".replace("-", "-2d").replace(".", "-2e")
    assert re.search(rf"^COPY .*-2f{lock}\S* /tmp/env/environment.lock$", dockerfile, re.MULTILINE)


def test_repo2docker_reads_the_folder_binder_and_nothing_in_the_root(dockerfile):
    sources = re.findall(r"^COPY .*?\bsrc/(\S*) ", dockerfile, re.MULTILINE)
    assert sources == ["binder/environment.yml", ""]
    assert re.findall(r"^RUN \./(\S+)$", dockerfile, re.MULTILINE) == ["binder/postBuild"]
    assert "pip install" not in dockerfile


def test_repo2docker_caches_the_environment_before_it_copies_the_source(dockerfile):
    steps = [
        "src/binder/environment.yml ${REPO_DIR}/binder/environment.yml\n",
        'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"',
        " src/ ${REPO_DIR}/\n",
        "RUN ./binder/postBuild\n",
    ]
    positions = [dockerfile.find(step) for step in steps]
    assert -1 not in positions and positions == sorted(positions), positions


def test_the_wheel_holds_every_file_of_the_package(tmp_path):
    shutil.copytree(ROOT, tmp_path / "course", ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build"))
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "wheels", "./course"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("utils/")}
    files = (path for path in (ROOT / "utils").rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert packed == {path.relative_to(ROOT).as_posix() for path in files}
