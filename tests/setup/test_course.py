"""course.py as its user meets it: a program in a folder, run in a process of its own.

What it installs here are tiny stand-ins for some packages of the lock, from a folder of wheels; venv and pip are the
real ones, and so is every failure, as far as the platform can make it happen.
"""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import course

ROOT = Path(course.__file__).resolve().parent
# The lines of the lock that are tried here; appnope is for macOS, so elsewhere pip has to see that it does not apply.
PACKAGES = ("appnope", "jupyterlab", "numpy", "pytest", "setuptools", "torch")
PINS = [pin for pin in course.read_pins(tests=True) if Requirement(pin).name in PACKAGES]
NUMPY = next(pin for pin in PINS if pin.startswith("numpy==")).removeprefix("numpy==")
INTERRUPTED = "course.py: Interrupted; the next start begins again where something is missing.\n"

needs_signals = pytest.mark.skipif(
    os.name == "nt" or signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
    reason="needs POSIX signals, and not to be a background job that ignores Ctrl-C",
)

# Stands for jupyterlab and pytest: says how it was started.
REPORT = """
import json, os, sys
keys = ("OMP_NUM_THREADS", "VIRTUAL_ENV", "JUPYTERLAB_WORKSPACES_DIR")
seen = {"program": os.path.basename(sys.argv[0]), "arguments": sys.argv[1:], "folder": os.getcwd()}
print(json.dumps({**seen, **{key: os.environ.get(key) for key in keys}}))
"""

# Stands for setuptools: the least build backend that can install the course's package in editable mode.
BACKEND = """
import os, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    info = "course-1.dist-info/"
    files = {"course.pth": os.getcwd(), info + "METADATA": "Metadata-Version: 2.1\\nName: course\\nVersion: 1\\n"}
    files[info + "WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[info + "RECORD"] = "".join(name + ",,\\n" for name in [*files, info + "RECORD"])
    with zipfile.ZipFile(os.path.join(folder, "course-1-py3-none-any.whl"), "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return "course-1-py3-none-any.whl"
"""


def write_wheel(folder, name, version, files=()):
    """Write a pure-Python wheel with the given {path: text} into `folder`."""
    stem = f"{name.replace('-', '_')}-{version}"
    contents = dict(files)
    contents[f"{stem}.dist-info/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    contents[f"{stem}.dist-info/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = f"{stem}.dist-info/RECORD"
    contents[record] = "".join(f"{path},,\n" for path in [*contents, record])
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in contents.items():
            wheel.writestr(path, text)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A folder with a stand-in for each of the packages."""
    folder = tmp_path_factory.mktemp("wheels")
    contents = {
        "jupyterlab": {"jupyterlab/__init__.py": "", "jupyterlab/__main__.py": REPORT},
        "pytest": {"pytest/__init__.py": "", "pytest/__main__.py": REPORT},
        "setuptools": {"setuptools/__init__.py": "", "setuptools/build_meta.py": BACKEND},
    }
    for requirement in map(Requirement, PINS):
        (specifier,) = requirement.specifier
        suffix = "+cpu" if requirement.name == "torch" and sys.platform == "linux" else ""
        write_wheel(folder, requirement.name, specifier.version + suffix, contents.get(requirement.name, ()))
    return folder


@pytest.fixture(scope="module")
def environment(wheels):
    """The variables of a user whose pip finds the stand-ins and nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "OMP_"))}
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_USER": "1"}
    return {**kept, **pip}


@pytest.fixture
def offline(environment):
    """The variables of a user whose pip asks the real indexes, through a proxy that does not answer."""
    kept = {name: value for name, value in environment.items() if not name.startswith("PIP_")}
    nowhere = "http://127.0.0.1:9"  # the discard port
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1", "PIP_PROXY": nowhere}


@pytest.fixture(scope="module")
def no_ensurepip(environment, tmp_path_factory):
    """The variables of a user whose Python lacks ensurepip, as on Debian without the package python3-venv."""
    shadow = tmp_path_factory.mktemp("shadow")
    (shadow / "ensurepip.py").write_text("raise ImportError")
    return {**environment, "PYTHONPATH": str(shadow)}


# A lesson of one exercise.
LESSON = json.dumps({"cells": [
    {"cell_type": "markdown", "id": "one", "source": "# 1 · A title: why?"},
    {"cell_type": "markdown", "id": "two", "source": "## Exercises\n### 1. An exercise"},
    {"cell_type": "code", "id": "three", "source": "chapter01.check_it(it)"},
]})  # fmt: skip


def copy_course(folder):
    """Put what course.py needs into `folder`, with a short lock, a chapter 1 and a chapter 4."""
    for name in ("course.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines(keepends=True)
    short = [line for line in lines if line[0] in "#\n" or line.strip() in PINS]
    (folder / "requirements.lock").write_text("".join(short), encoding="utf-8")
    (folder / "utils").mkdir()
    (folder / "chapters" / "templates").mkdir(parents=True)
    shutil.copy(ROOT / "chapters" / "templates" / "start.md", folder / "chapters" / "templates")
    (folder / "utils" / "__init__.py").touch()
    shutil.copy(ROOT / "utils" / "progress.py", folder / "utils")
    (folder / "teaching").mkdir()
    (folder / "teaching" / "__init__.py").touch()
    (folder / "tests" / "bench").mkdir(parents=True)
    for name in ("teaching/lecture", "teaching/handout", "tests/bench/__main__", "tests/bench/hub"):
        (folder / f"{name}.py").write_text(REPORT)
    for name in ("01_saturation.ipynb", "04_initialization.ipynb"):
        (folder / "chapters" / name).write_text(LESSON)
    (folder / "chapters" / "build.py").write_text("import utils\n" + REPORT)
    return folder


@pytest.fixture
def fresh(tmp_path):
    """A clone in which nothing is installed."""
    return copy_course(tmp_path)


def start(folder, environment, *arguments, python=sys.executable):
    """Run course.py to its end and return the completed process."""
    command = [python, str(folder / "course.py"), *arguments]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)


def open_course(folder, environment):
    """Start `course.py lab` in a group of processes of its own."""
    command = [sys.executable, str(folder / "course.py"), "lab"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def stop_at(step, how, folder, environment):
    """Start `course.py lab`, send the signal `how` to all of its processes when it announces `step`, and return
    (exit code, what it wrote to stderr)."""
    with open_course(folder, environment) as process:
        assert any(line.startswith(step) for line in process.stdout), process.stderr.read()
        os.killpg(process.pid, how)
        return process.wait(), process.stderr.read()


def assert_one_sentence(result, pattern, code=1):
    """The program failed, and said why in a single line."""
    assert result.returncode == code
    assert re.fullmatch(rf"course\.py.* .*{pattern}.*\.\n", result.stderr), result.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory, environment):
    """A clone in which `course.py lab` was started for the first time, after an attempt that left .venv half-made."""
    folder = copy_course(tmp_path_factory.mktemp("installed"))
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(folder / ".venv")  # as if killed before pip
    broken = folder / ".venv" / "broken"
    broken.touch()
    result = start(folder, environment, "lab", "--no-browser")
    assert result.returncode == 0, result.stderr
    assert re.findall(r"^\[\d/\d\]", result.stdout, re.MULTILINE) == [f"[{step}/4]" for step in range(1, 5)]
    assert not broken.exists()
    return folder


@pytest.fixture
def pin(installed):
    """pin("numpy", "99.0") changes the installed clone's lock; the lock and the stamp are put back after the test."""
    paths = [installed / "requirements.lock", installed / ".venv" / "installed.txt"]
    originals = [path.read_bytes() for path in paths]
    yield lambda name, version: paths[0].write_bytes(
        re.sub(rf"(?m)^{name}==[^\n ]+", f"{name}=={version}", originals[0].decode()).encode()
    )
    for path, original in zip(paths, originals, strict=True):
        path.write_bytes(original)


def report(result):
    """What the stand-in for jupyterlab or pytest said when course.py had set it up and started it."""
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


# Once installed


@pytest.mark.install
def test_the_second_start_goes_straight_to_jupyterlab(installed, offline):
    result = start(installed, offline, "lab")
    assert "Setting up" not in result.stdout
    assert "--LabApp.default_url=/lab/tree/chapters/start.md" in report(result)["arguments"]
    for name, values in course.SETTINGS.items():
        assert json.loads((installed / ".venv" / name).read_text()) == values
    overrides = installed / ".venv" / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert '"fetchNews": "false"' in overrides.read_text()  # JupyterLab asks no question at the first start


@pytest.mark.install
def test_an_environment_of_an_older_version_gets_the_settings_of_this_one(installed, offline):
    file = installed / ".venv" / "etc" / "ipython" / "ipython_kernel_config.json"
    file.unlink()
    start(installed, offline, "lab")
    assert "utils.exercises.kernel" in file.read_text()


@pytest.mark.install
def test_lab_sets_one_thread_and_passes_options_on(installed, offline):
    seen = report(start(installed, offline, "lab", "4", "--no-browser", "--collaborative"))
    assert seen["arguments"][-2:] == ["--no-browser", "--collaborative"]
    assert "--LabApp.default_url=/lab/tree/chapters/04_initialization.ipynb" in seen["arguments"]
    assert ("--allow-root" in seen["arguments"]) == (hasattr(os, "geteuid") and os.geteuid() == 0)
    assert seen["OMP_NUM_THREADS"] == "1"
    assert Path(seen["folder"]) == installed and Path(seen["VIRTUAL_ENV"]) == installed / ".venv"


SOLVED = '{"chapter": 4, "kind": "exercise", "name": "check_it"}'


@pytest.mark.install
@pytest.mark.parametrize("events, step, solved", [
    ("", '<a href="01_saturation.ipynb">chapter 1 · A title</a>', 0),
    ('{"chapter": 4, "kind": "prediction", "name": "one"}', '<a href="04_initialization.ipynb">chapter 4 · A title</a>', 0),
    (SOLVED, '<a href="01_saturation.ipynb">chapter 1 · A title</a>', 1),
])  # fmt: skip
def test_lab_opens_a_start_page_that_tells_the_next_step(installed, offline, tmp_path, events, step, solved):
    (tmp_path / "progress").write_text(events)
    seen = report(start(installed, {**offline, "COURSE_PROGRESS": str(tmp_path / "progress")}, "lab", "--no-browser"))
    assert "--LabApp.default_url=/lab/tree/chapters/start.md" in seen["arguments"]
    assert seen["arguments"][-1] == "--no-browser"
    page = (installed / "chapters" / "start.md").read_text(encoding="utf-8")
    assert f"Next: {step}<br>Exercises solved: {solved} of 2" in page and "{" not in page


@pytest.mark.install
def test_lab_keeps_the_course_apart_and_its_sidebar_closed_once(installed, offline):
    seen = report(start(installed, offline, "lab"))
    file = Path(seen["JUPYTERLAB_WORKSPACES_DIR"]) / "default-37a8.jupyterlab-workspace"
    assert installed in file.parents and json.loads(file.read_text())["data"]["layout-restorer:data"]["left"]["collapsed"]
    file.write_text("as the learner left it")
    assert report(start(installed, offline, "lab"))["JUPYTERLAB_WORKSPACES_DIR"] == str(file.parent)
    assert file.read_text() == "as the learner left it"
    own = report(start(installed, {**offline, "JUPYTERLAB_WORKSPACES_DIR": "/own"}, "lab"))
    assert own["JUPYTERLAB_WORKSPACES_DIR"] == "/own"
    file.unlink()


@pytest.mark.install
def test_where_no_page_can_be_written_lab_opens_the_chapter_where_the_learner_stopped(installed, offline, tmp_path):
    (tmp_path / "progress").write_text(SOLVED)
    page = installed / "chapters" / "start.md"
    page.unlink(missing_ok=True)
    page.mkdir()  # a folder in its place stops even root
    seen = report(start(installed, {**offline, "COURSE_PROGRESS": str(tmp_path / "progress")}, "lab"))
    page.rmdir()
    assert "--LabApp.default_url=/lab/tree/chapters/04_initialization.ipynb" in seen["arguments"]


@pytest.mark.install
@pytest.mark.parametrize("events, chapter", [
    (SOLVED, "04_initialization"), (SOLVED.replace("4", "9"), "01_saturation"), ("no JSON at all", "01_saturation"),
])  # fmt: skip
def test_lecture_opens_the_chapter_where_the_speaker_stopped(installed, offline, tmp_path, events, chapter):
    (tmp_path / "progress").write_text(events)
    seen = report(start(installed, {**offline, "COURSE_PROGRESS": str(tmp_path / "progress")}, "lecture", "--no-browser"))
    assert f"--LabApp.default_url=/lab/tree/chapters/{chapter}.ipynb" in seen["arguments"]


@pytest.mark.install
def test_lecture_opens_a_chapter_and_passes_options_on(installed, offline):
    seen = report(start(installed, offline, "lecture", "04", "--dark", "--no-browser"))
    assert "--LabApp.default_url=/lab/tree/chapters/04_initialization.ipynb" in seen["arguments"]
    assert seen["arguments"][-2:] == ["--dark", "--no-browser"] and seen["OMP_NUM_THREADS"] == "1"
    assert_one_sentence(start(installed, offline, "lecture", "03"), "Chapter 03 is not there")


@pytest.mark.install
def test_test_adds_the_tools_and_build_needs_nothing_more(installed, environment, offline):
    parallel = ["-n", str(os.cpu_count()), "--dist", "loadfile"]
    result = start(installed, environment, "test")
    assert "Python environment" not in result.stdout and "PyTorch" not in result.stdout
    assert report(result)["arguments"] == parallel
    for arguments in (["-x"], ["tests/nets/test_mlp.py", "-k", "a or b", "-m", "slow"]):
        assert report(start(installed, offline, "test", *arguments))["arguments"] == arguments
    fast = ["tests", "-m", "not (browser or chapter or install or slow or seeds)", *parallel]
    assert report(start(installed, offline, "test", "--fast", "-x"))["arguments"] == [*fast, "-x"]
    seeds = ["tests", "-m", "seeds", *parallel]
    assert report(start(installed, offline, "test", "-k", "03", "--seeds"))["arguments"] == [*seeds, "-k", "03"]
    assert report(start(installed, offline, "build", "01", "--check"))["arguments"] == ["01", "--check"]
    assert report(start(installed, offline, "handout", "04"))["arguments"] == ["04"]
    seen = report(start(installed, offline, "bench", "--hub", "--learners", "9"))
    assert seen["program"] == "hub.py" and seen["arguments"] == ["--learners", "9"]


@pytest.mark.install
def test_a_failed_update_leaves_the_environment_usable(installed, offline, pin):
    pin("numpy", "99.1")
    assert_one_sentence(start(installed, offline, "lab"), "no network")
    pin("numpy", NUMPY)
    assert "Setting up" not in start(installed, offline, "lab").stdout


@pytest.mark.install
def test_a_changed_pin_is_installed(installed, environment, pin, wheels):
    write_wheel(wheels, "numpy", "99.0")
    pin("numpy", "99.0")
    report(start(installed, environment, "lab"))
    assert list((installed / ".venv").rglob("numpy-99.0.dist-info"))
    assert "Setting up" not in start(installed, environment, "lab").stdout


@pytest.mark.install
@pytest.mark.skipif(sys.platform != "linux", reason="only PyPI's torch for Linux brings CUDA")
def test_a_torch_with_cuda_is_never_taken(installed, environment, pin, wheels):
    write_wheel(wheels, "torch", "99.0")  # without "+cpu", as PyPI has it
    pin("torch", "99.0")
    assert_one_sentence(start(installed, environment, "lab"), r"No matching distribution found for torch==99\.0\+cpu")
    assert not list((installed / ".venv").rglob("torch-99.0*"))


@pytest.mark.install
def test_a_moved_folder_is_set_up_again(installed, no_ensurepip):
    moved = installed.with_name("moved")
    installed.rename(moved)
    try:
        assert_one_sentence(start(moved, no_ensurepip, "lab"), "python3-venv")  # that is, it wants to make .venv anew
    finally:
        moved.rename(installed)


@pytest.mark.install
@needs_signals
def test_an_interrupted_update_leaves_the_environment_usable(installed, environment, offline, pin):
    pin("numpy", "99.1")
    assert stop_at("[1/2]", signal.SIGINT, installed, environment) == (130, INTERRUPTED)
    pin("numpy", NUMPY)
    assert "Setting up" not in start(installed, offline, "lab").stdout


# What can go wrong


def test_an_old_python_can_read_the_program():
    ast.parse((ROOT / "course.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_an_old_python_is_named():
    pretend = "import runpy, sys; sys.version_info = (3, 8, 18); sys.argv = [sys.argv[1], 'lab']; "
    command = [sys.executable, "-c", pretend + "runpy.run_path(sys.argv[0], run_name='__main__')", ROOT / "course.py"]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert_one_sentence(result, r"needs Python >= 3\.11, but this is Python 3\.8")


def test_the_needed_python_is_that_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">={}.{}".format(*course.NEEDED)


def test_a_python_without_ensurepip_is_told_which_package(fresh, no_ensurepip):
    assert_one_sentence(start(fresh, no_ensurepip, "lab"), "sudo apt install python3-venv")
    assert not (fresh / ".venv").exists()


def test_a_folder_that_cannot_be_written(fresh, environment):
    (fresh / ".venv").touch()  # a file in its place stops even root
    assert_one_sentence(start(fresh, environment, "lab"), rf"Errno 20\].*{fresh}.*README says what helps")


def in_namespace(setup, folder, environment):
    """Run `setup` and then `course.py lab` as root of a namespace of its own, where mounting harms nobody."""
    enter = ["unshare", "--map-root-user", "--mount"]
    trial = [*enter, "mount", "-t", "tmpfs", "none", str(folder)]
    if not shutil.which("unshare") or subprocess.run(trial, check=False, capture_output=True).returncode:
        pytest.skip("needs a Linux that lets this user make a mount namespace")
    script = f'set -e; cd "$1"; {setup}; exec "$2" "$1/course.py" lab'
    command = [*enter, "sh", "-c", script, "sh", str(folder), sys.executable]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)


def test_a_read_only_folder(fresh, environment):
    result = in_namespace('mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"', fresh, environment)
    assert_one_sentence(result, rf"Errno 30\].*{fresh}.*README says what helps")


@pytest.mark.install
def test_a_full_disk(fresh, environment):
    (fresh / ".venv").mkdir()
    result = in_namespace("mount -t tmpfs -o size=1m none .venv", fresh, environment)
    assert_one_sentence(result, "The disk is full")


@pytest.mark.install
@needs_signals
def test_control_c_during_the_first_start(fresh, environment):
    assert stop_at("[1/4]", signal.SIGINT, fresh, environment) == (130, INTERRUPTED)
    assert not (fresh / ".venv" / "installed.txt").exists()


@pytest.mark.install
def test_two_first_starts_at_once(fresh, environment):
    """One installs; the other says that it waits, and goes straight on when the first is done."""
    with open_course(fresh, environment) as one, open_course(fresh, environment) as two:
        told = [process.communicate(timeout=120) for process in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0), told
    assert [out.count("Setting up") for out, _ in told] in ([1, 0], [0, 1])
    (waited,) = (out for out, _ in told if "Setting up" not in out)
    first, *others = waited.splitlines()
    assert first == "Another start of the course is installing; this one waits until it is done."
    assert others[0].startswith("Opening JupyterLab") and len(others) == 2


@pytest.mark.install
@needs_signals
def test_a_killed_start_leaves_no_lock_behind(fresh, environment):
    assert stop_at("[2/4]", signal.SIGKILL, fresh, environment)[0] == -signal.SIGKILL
    result = start(fresh, environment, "lab")
    assert "Another start" not in result.stdout and report(result)


@needs_signals
def test_a_waiting_start_can_be_interrupted_and_installs_nothing(fresh, environment):
    with open(fresh / ".venv.lock", "a") as file:
        assert course.try_lock(file)
        assert stop_at("Another start", signal.SIGINT, fresh, environment) == (130, INTERRUPTED)
    assert not (fresh / ".venv").exists()


@pytest.mark.install
@pytest.mark.skipif(os.name == "nt", reason="Windows allows no colon in a folder's name, and has another separator")
def test_a_folder_with_a_colon_and_one_with_blanks_and_umlauts(tmp_path, environment):
    for name in ("a:b", "Mein Kürs – 1"):
        (tmp_path / name).mkdir()
    assert_one_sentence(start(copy_course(tmp_path / "a:b"), environment, "lab"), "rename the folder")
    report(start(copy_course(tmp_path / "Mein Kürs – 1"), environment, "lab"))


@pytest.mark.parametrize("arguments, code, sentence", [
    ("lab 03", 1, r"Chapter 03 is not there \(there are: 01_saturation, 04_initialization\)"),
    ("lab abc --port 9000", 1, "Chapter abc is not there"),
    ("lecture ²", 1, "Chapter ² is not there"),
    ("labb", 2, "invalid choice: 'labb'"),
    ("--no-browser", 2, "the following arguments are required: COMMAND"),
    ("lecture 1 4", 2, "unrecognized arguments: 4"),
    ("test --fast --seeds", 2, "--seeds: not allowed with argument --fast"),
])  # fmt: skip
def test_a_wrong_word_is_noticed_before_anything_is_installed(fresh, environment, arguments, code, sentence):
    assert_one_sentence(start(fresh, environment, *arguments.split()), sentence, code)
    assert not (fresh / ".venv").exists()


def test_help_shows_the_commands(fresh, environment):
    for arguments in ([], ["--help"], ["lecture", "--help"], ["lab", "-h"], ["build", "-h"], ["test", "-h"]):
        result = start(fresh, environment, *arguments)
        assert result.returncode == 0 and "lecture 03 --dark" in result.stdout
        assert ("--fast" in result.stdout.partition("options:")[2]) == (arguments[:1] == ["test"])
    assert not (fresh / ".venv").exists()


RETRIED = "WARNING: Retrying (Retry(total={}, connect=None)) after connection broken by 'X': /whl/cpu/torch/\n"
NOT_FOUND = "ERROR: Could not find a version\nERROR: No matching distribution found for torch==1.0\n"


@pytest.mark.parametrize("said, meant", [
    ("ERROR: Could not install packages due to an OSError: [Errno 28] Kein Speicherplatz mehr verfügbar", "disk is full"),
    (RETRIED.format(1) + "ERROR: Could not install packages due to an OSError: [Errno 28] No space\n", "disk is full"),
    ("urllib3.exceptions.ProtocolError: ('Connection broken: IncompleteRead(7 bytes read)')", "no network"),
    ("ReadTimeoutError: HTTPSConnectionPool(host='pypi.org', port=443): Read timed out.", "no network"),
    (RETRIED.format(0) + NOT_FOUND, "no network"),
    (RETRIED.format(1) + NOT_FOUND, "failed: ERROR: No matching distribution found for torch==1.0. README"),
    ("WARNING: a\nERROR: Something new.\nhint: b\n[notice] A new release", "failed: ERROR: Something new. README"),
    ("ERROR: Exception:\nTraceback (most recent call last):\n  a\nKeyError: 7", "failed: KeyError: 7. README"),
    ("", "no reason was given"),
])  # fmt: skip
def test_what_pip_says_is_explained(said, meant):
    error = subprocess.CalledProcessError(1, "pip", stderr=said.encode())
    assert meant in course.explain(error) and course.explain(error).count("\n") == 0


def test_readme_says_what_helps():
    assert "**If it does not start,**" in (ROOT / "README.md").read_text(encoding="utf-8")
