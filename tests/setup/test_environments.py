"""pip, conda and Binder get the versions of one lock, and Binder's image is built in an order that caches."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import venv
import warnings
import zipfile
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import course
from tests.chapters.sample import load

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
LOCK = [Requirement(pin) for pin in course.read_pins(tests=True)]
LEARNER = [Requirement(pin) for pin in course.read_pins(tests=False)]
CHOSEN = [Requirement(pin) for pin in (*PROJECT["dependencies"], *SETTINGS["build-system"]["requires"])]
TOOLS = [Requirement(pin) for pin in PROJECT["optional-dependencies"]["test"]]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
PYTHON = ENVIRONMENT["dependencies"][0].removeprefix("python=")

# What the markers of the lock ask of a machine: the three systems, each with the oldest and the newest Python.
MACHINES = [
    {"sys_platform": platform, "platform_system": system, "os_name": name, "implementation_name": "cpython",
     "python_version": python, "python_full_version": f"{python}.9"}
    for platform, system, name in (("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt"))
    for python in ("3.11", "3.14")
]  # fmt: skip


def applies(requirement, machine=None, extra=""):
    """Whether a requirement holds on a machine (this one by default), asked for by a package with an extra."""
    return requirement.marker is None or requirement.marker.evaluate({**(machine or {}), "extra": extra})


def on(machine, lock):
    """Map the names to the versions that a lock has for a machine, where every package has exactly one."""
    pins = [(canonicalize_name(pin.name), pin) for pin in lock if applies(pin, machine)]
    assert len(dict(pins)) == len(pins)
    return {name: next(iter(pin.specifier)).version for name, pin in pins}


def missing(machine, roots, lock):
    """Return what the packages `roots` need on a machine, by the metadata of what is installed here, and `lock` lacks.

    What is not installed here, because this is another machine, cannot be looked into.
    """
    pins, seen, waiting, lacking = on(machine, lock), set(), list(roots), []
    while waiting:
        requirement = waiting.pop()
        name, key = canonicalize_name(requirement.name), str(requirement)
        if key in seen or not applies(requirement, machine):
            continue
        seen.add(key)
        if name not in pins or not requirement.specifier.contains(pins[name], prereleases=True):
            lacking.append(key)
        try:
            needed = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue
        wanted = [need for need in needed for extra in ("", *requirement.extras) if applies(need, machine, extra)]
        for need in wanted:
            need.marker = None
        waiting += wanted
    return lacking


def test_every_line_of_the_lock_is_an_exact_pin_that_names_no_build():
    for pin in LOCK:
        (specifier,) = pin.specifier
        assert specifier.operator == "==" and not re.search(r"[*+]", specifier.version) and pin.url is None, pin


def test_the_lock_has_no_cuda():
    assert not [pin.name for pin in LOCK if re.match("nvidia|cuda|triton", pin.name)]


@pytest.mark.parametrize("chosen, lock", [(CHOSEN, LEARNER), (TOOLS, LOCK)])
def test_the_lock_has_what_pyproject_chooses(chosen, lock):
    for machine in MACHINES:
        pins = on(machine, lock)
        for requirement in chosen:
            (specifier,) = requirement.specifier
            assert specifier.operator == "=="
            assert pins.get(requirement.name) == (specifier.version if applies(requirement, machine) else None)


@pytest.mark.parametrize("roots, lock", [(CHOSEN, LEARNER), (CHOSEN + TOOLS, LOCK)])
def test_the_lock_has_what_each_of_its_packages_needs(roots, lock):
    assert [missing(machine, roots, lock) for machine in MACHINES] == [[]] * len(MACHINES)


def test_a_hole_in_the_lock_is_found():
    without = [pin for pin in LOCK if pin.name not in ("mpmath", "rfc3339-validator")]  # torch > sympy > mpmath
    lacking = missing(MACHINES[0], CHOSEN + TOOLS, without)
    assert {Requirement(text).name for text in lacking} == {"mpmath", "rfc3339-validator"}


def test_every_tool_is_pinned_once():
    assert not {pin.name for pin in CHOSEN} & {pin.name for pin in TOOLS}
    names = [{pin.name for pin in part} for part in (LEARNER, LOCK[len(LEARNER) :])]
    assert not names[0] & names[1]


def test_these_tests_run_with_the_locked_versions():
    for pin in LOCK:
        assert not applies(pin) or pin.specifier.contains(version(pin.name), prereleases=True), pin


def test_torch_is_a_cpu_build():
    import torch

    assert torch.version.cuda is None


def test_conda_and_binder_read_what_is_made_from_the_lock():
    lock = load(ROOT / "binder" / "lock.py")
    text = lock.make_environment((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert [path.read_text(encoding="utf-8") for path in lock.ENVIRONMENTS] == [text, text]
    assert course.TESTS == lock.TESTS and course.TORCH_CPU_INDEX in text


def test_conda_brings_python_and_pip_and_nothing_else():
    python, pip, section = ENVIRONMENT["dependencies"]
    assert re.fullmatch(r"python=\d+\.\d+", python) and pip == "pip" and list(section) == ["pip"]
    assert Requirement("python" + PROJECT["requires-python"]).specifier.contains(PYTHON)
    assert section["pip"] == [f"--extra-index-url {course.TORCH_CPU_INDEX}", *course.read_pins(tests=False)]


@pytest.mark.install
def test_the_pip_section_can_be_installed(tmp_path):
    """With a real pip, into an environment of its own, and nothing is missing there or comes on top."""
    (_, _, section), constraints = ENVIRONMENT["dependencies"], []
    lines = section["pip"]
    try:
        urlopen(course.TORCH_CPU_INDEX + "/torch/", timeout=3).close()
    except OSError as error:  # each package would wait for it
        warnings.warn(f"PyTorch's index is left out, because it does not answer: {error}", stacklevel=1)
        lines = lines[1:]
        if sys.platform == "linux":  # PyPI's own torch would bring CUDA: the CPU build has to lie somewhere else
            constraints = [f"torch=={on(None, LEARNER)['torch']}+cpu"]
    for name, text in (("lines", lines), ("constraints", constraints)):
        (tmp_path / name).write_text("\n".join(text), encoding="utf-8")
    venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(tmp_path / "venv")
    python = tmp_path / "venv" / course.VENV_PYTHON.relative_to(course.VENV)

    def run(*arguments):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        result = subprocess.run([python, *arguments], check=False, cwd=tmp_path, env=environment, capture_output=True)
        assert result.returncode == 0, (result.stdout + result.stderr).decode()
        return result.stdout

    run("-m", "pip", "install", "-r", "lines", "-c", "constraints")
    run("-m", "pip", "check")
    found = json.loads(run("-m", "pip", "list", "--format", "json", "--disable-pip-version-check"))
    installed = {canonicalize_name(package["name"]): package["version"].partition("+")[0] for package in found}
    assert installed.pop("pip") and installed == on(None, LEARNER)
    run("-c", "import ipywidgets, jupyterlab, matplotlib.pyplot, torch; assert torch.version.cuda is None")
    shutil.rmtree(tmp_path / "venv")  # 1.2 GB, which pytest would keep for three more runs


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
    assert f"Building conda environment for python={PYTHON}\n" in dockerfile
    lock = f"environment.py-{PYTHON}-linux".replace("-", "-2d").replace(".", "-2e")
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


@pytest.mark.install
def test_the_wheel_holds_every_file_of_the_package(tmp_path):
    shutil.copytree(ROOT, tmp_path / "course", ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build"))
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "wheels", "./course"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("utils/")}
    files = (path for path in (ROOT / "utils").rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert packed == {path.relative_to(ROOT).as_posix() for path in files}
