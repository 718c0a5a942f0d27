#!/usr/bin/env python3
"""The one door to the course, with nothing but Python's standard library:

    python3 course.py lab          open JupyterLab on the chapter where you stopped, at first on chapter 1
    python3 course.py lab 03       open chapter 3; further options go to jupyter lab (lab 03 --port 9000)
    python3 course.py lecture 03   show chapter 3 as slides with live widgets; lecture 03 --dark for a dark hall
    python3 course.py handout 03   write its run sheets for the speaker, and its slides and text to hand out
    python3 course.py test         run every test; further options go to pytest (test tests/test_models.py -x)
    python3 course.py build 01     build chapter 1 from chapters/source; build --check only compares
    python3 course.py bench        measure speed and memory; bench --hub measures a class on a JupyterHub

The first start installs what pyproject.toml pins into the folder .venv (about 1.3 GB), which belongs to this program:
if it is not complete, it is made anew. Nothing is installed outside of it. On Windows, say "py course.py lab".
"""

# Python 3.6 must be able to parse this file, so that it can say which Python it needs.
import contextlib
import errno
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NEEDED = (3, 11)
ROOT = Path(__file__).resolve().parent
CHAPTERS = ROOT / "chapters"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOCK = ROOT / ".venv.lock"  # held by the start that installs; an empty file, whose lock ends with its process
STAMP = VENV / "installed.txt"  # what a completed installation put there, one item a line; written last
# JupyterLab's defaults in this environment: without an answer here its first start asks whether it may show news.
OVERRIDES = VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
NO_NEWS = '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}\n'
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"

# The options of each command: those that stand alone, and those that a value follows. They are checked before anything
# is installed. JupyterLab's many others go by their full names (--ServerApp.ip=...), and `test` takes all of pytest's.
JUPYTER_FLAGS = ["--no-browser", "--allow-root", "--collaborative", "--core-mode", "--debug", "-y"]
JUPYTER_VALUES = ["--port", "--ip", "--browser", "--certfile", "--keyfile", "--config", "--log-level"]
OPTIONS = {
    "lab": (JUPYTER_FLAGS, JUPYTER_VALUES),
    "lecture": (["--dark", *JUPYTER_FLAGS], JUPYTER_VALUES),
    "handout": ([], []),
    "build": (["--check"], []),
    "bench": (["--quick", "--hub"], ["--learners", "--moves", "--chapter"]),
}

# What pip, venv and the system say, and what it means. The system's words may be translated, its error numbers are not.
FAILURES = (
    (
        ("errno 28]", "errno 122]", "winerror 112]"),
        "The disk is full: make room for 1.3 GB in {venv}, and for downloads in {temporary}, and start again.",
    ),
    (
        ("errno 1]", "errno 13]", "errno 20]", "errno 30]", "winerror 5]", "winerror 32]"),
        "{place} cannot be written to: move the course to a folder of your own and start again.",
    ),
    (
        ("connection broken", "max retries exceeded", "timed out", "could not fetch url", "connectionerror"),
        "There is no network, or it does not reach Python's package index: connect (or set a proxy) and start again.",
    ),
    (
        ("do not match the hashes", "incomplete-download", ".whl is invalid"),
        "A download arrived damaged: start again (if that does not help: {venv_python} -m pip cache purge).",
    ),
    (
        ("no matching distribution",),
        "pip finds no build of {missing} for Python {python} on {system}: try Python 3.11, or conda (see README).",
    ),
)


class Problem(Exception):
    """What keeps the course from starting, as one sentence for its user."""


def last_error(output):
    """Return the last error in what pip, venv or the system said, without warnings, notices and hints.

    An index that never answered is the error then, though pip says only that it found nothing there.
    """
    said = output.strip().splitlines()
    lines = [line for line in said if not re.match(r"\s*(WARNING|DEPRECATION|\[notice|hint)\b", line)]
    starts = [index for index, line in enumerate(lines) if re.match("error:", line, re.IGNORECASE)]
    error = "\n".join(lines[starts[-1] if starts else 0 :])
    missing = re.search(r"No matching distribution found for ([\w.-]+)", error)
    silent = missing and re.search(rf"Retrying \(Retry\(total=0\b.*/{missing.group(1)}/", output)  # no retry is left
    return silent.group() if silent else error


def explain(output):
    """Return the sentence of FAILURES that fits what a failed pip or venv said, or else its last error."""
    error = last_error(output)
    missing = re.search(r"No matching distribution found for (\S+)", error)
    place = re.search(r"(?:errno|winerror) \d+\][^'\"]*['\"]([^'\"]+)", error, re.IGNORECASE)
    for signs, sentence in FAILURES:
        if any(sign in error.lower() for sign in signs):
            return sentence.format(
                venv=VENV,
                venv_python=VENV_PYTHON,
                temporary=tempfile.gettempdir(),
                place=place.group(1) if place else f"The folder {VENV}",
                missing=missing.group(1) if missing else "a package",
                python=platform.python_version(),
                system=f"{platform.system()} {platform.machine()}",
            )
    lines = error.splitlines() or ["no reason was given"]
    named = re.match("error: (?!exception:)", lines[0], re.IGNORECASE)  # an exception's name is at the end of its traceback
    return "The installation failed: " + (lines[0] if named else lines[-1])


def read_arguments(command, arguments):
    """Return the chapters among a command's arguments, and its options with their values. Raises Problem."""
    flags, values = OPTIONS[command]
    chapters, options, awaited = [], [], None
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if awaited:
            awaited = None
        elif not argument.startswith("-"):
            chapters.append(argument)
            continue
        elif name in values or (values is JUPYTER_VALUES and re.match(r"--\w+\.\w+", name)):
            awaited = None if equals else name
        elif argument not in flags:
            known = ", ".join([*flags, *values]) or "none"
            raise Problem(f"{command} has no option {argument} (it has: {known}).")
        options.append(argument)
    if awaited:
        raise Problem(f"The option {awaited} needs a value.")
    return chapters, options


@contextlib.contextmanager
def installing():
    """Keep other starts of the course from installing at the same time; wait for one that does."""
    with open(str(LOCK), "a") as file:
        if not try_lock(file):
            print("Another start of the course is installing; this one waits until it is done.", flush=True)
            while not try_lock(file):
                time.sleep(0.3)
        yield  # closing the file ends the lock


def try_lock(file):
    """Lock an open file and return True, or return False while another process holds it.

    The system ends the lock with the process, however that ends. Where a file system knows no locks there is none.
    """
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True


def read_pins(extra=None):
    """Return pyproject.toml's requirements of a learner, then those of an extra, and last those of the build."""
    import tomllib  # Python >= 3.11

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    extras = project["optional-dependencies"][extra] if extra else []
    return project["dependencies"] + extras + settings["build-system"]["requires"]


def read_stamp():
    """Return the lines of the last completed installation, as a set; empty if there is none that works."""
    if not VENV_PYTHON.exists():
        return set()
    try:
        return set(STAMP.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return set()


def make_venv():
    """Make .venv with pip in it, in place of whatever was there. Raises Problem and OSError."""
    try:
        import ensurepip  # noqa: F401 - Debian ships venv without it, and venv notices only half-way
        import venv
    except ImportError:
        raise Problem(
            "This Python has no complete venv module: install it (Debian, Ubuntu: sudo apt install python3-venv) "
            "and start again."
        ) from None
    try:
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(str(VENV))
    except ValueError as error:  # a folder whose name has the separator of PATH in it
        raise Problem(f"{str(error).rstrip('.')}: rename the folder and start again.") from None
    except subprocess.CalledProcessError as error:  # from the pip that venv starts
        raise Problem(explain((error.output or b"").decode(errors="replace"))) from error


def pip_install(*arguments):
    """Run `pip install` in .venv, with its progress in view and its complaints kept for `explain`. Raises Problem."""
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    environment = dict(os.environ, PIP_USER="0")  # "install for the user", set on many clusters, fails in a .venv
    complaints = []
    with subprocess.Popen(
        command, cwd=str(ROOT), env=environment, stderr=subprocess.PIPE, universal_newlines=True, errors="replace"
    ) as pip:
        for line in pip.stderr:
            complaints.append(line)
            if "Retrying" in line:
                print("      no answer yet, trying again ...", flush=True)
    if pip.returncode:
        raise Problem(explain("".join(complaints)))


def set_up(extra=None):
    """Install what is pinned and not yet there, unless another start of the course is about it.

    Raises Problem and OSError; the stamp then says what it said before, so a complete environment stays usable.
    """
    pins = read_pins(extra)
    identity = {"python {}.{}".format(*sys.version_info), f"folder {ROOT}"}
    needed = identity.union(pins)
    if needed <= read_stamp():
        return
    with installing():
        present = read_stamp()  # by now, that of a start that was waited for
        if not needed <= present:
            install(pins, identity, present)


def install(pins, identity, present):
    """Install `pins` into .venv, which is made anew unless the stamp's lines `present` hold those of `identity`."""
    torch = next(pin for pin in pins if pin.startswith("torch=="))
    torch_options = ["--no-deps"]
    if sys.platform == "linux":
        # PyPI's torch for Linux brings 2 GB of CUDA. The suffix "+cpu" is carried by PyTorch's CPU builds alone, so
        # nothing else can be downloaded, whatever other indexes the user's pip knows. Elsewhere PyPI's is a CPU build.
        build = torch + "+cpu"
        torch_options += ["--index-url", TORCH_CPU_INDEX, "--retries", "2"]
    else:
        build = torch
    others = [pin for pin in pins if pin != torch]

    # An environment that was complete once is brought up to date; anything else is not worth the doubt.
    steps = [] if identity <= present else [("Python environment in .venv", make_venv, [])]
    if torch not in present or steps:
        steps.append(("PyTorch, CPU build (about 200 MB)", pip_install, [*torch_options, build]))
    steps.append(("JupyterLab and the other packages (about 150 MB)", pip_install, [build, *others]))
    # Without build isolation this needs no network: setuptools is among the packages above.
    steps.append(("The course's own package", pip_install, ["--no-deps", "--no-build-isolation", "-e", "."]))

    print("Setting up the course; this happens once and takes a few minutes.", flush=True)
    for number, (label, action, arguments) in enumerate(steps, start=1):
        print(f"[{number}/{len(steps)}] {label} ...", flush=True)
        action(*arguments)
    STAMP.write_text("\n".join([*sorted(identity), *pins, ""]), encoding="utf-8")


def run(*arguments):
    """Run the environment's Python on `arguments` in the repository's folder, and return its exit code."""
    environment = dict(os.environ)
    # One thread a kernel: with two, four busy kernels on two cores took 3,200 ms a training step instead of 36.
    environment.setdefault("OMP_NUM_THREADS", "1")
    # So that a terminal in JupyterLab, or "!pip" in a cell, finds this environment.
    environment["PATH"] = str(VENV_PYTHON.parent) + os.pathsep + environment.get("PATH", "")
    environment["VIRTUAL_ENV"] = str(VENV)
    command = [str(VENV_PYTHON), *arguments]
    if os.name != "nt":
        os.chdir(str(ROOT))
        os.execve(command[0], command, environment)  # becomes the program: signals and exit code are its own
    with subprocess.Popen(command, cwd=str(ROOT), env=environment) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                pass  # the program received the Ctrl-C as well, and ends in its own way


def find_chapter(number, pattern="{}_*.ipynb"):
    """Return the path of a chapter's notebook: "1" or "01_saturation" -> chapters/01_saturation.ipynb. Raises Problem."""
    digits = number.partition("_")[0]
    found = sorted(CHAPTERS.glob(pattern.format(digits.zfill(2)))) if digits.isdecimal() else []
    if not found:
        written = ", ".join(path.stem for path in sorted(CHAPTERS.glob(pattern.format("[0-9][0-9]")))) or "none"
        raise Problem(f"Chapter {number} is not there (there are: {written}).")
    return found[0]


def check_port(options):
    """Raise Problem if options such as --port 9000 ask for a port that another program holds.

    Without such an option JupyterLab takes the next free port by itself.
    """
    asked = re.search(r"--(?:ServerApp\.)?port[= ](\S+)", " ".join(options))
    if not asked:
        return
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just given back counts as free
        try:
            probe.bind(("127.0.0.1", int(asked.group(1))))
        except (OSError, OverflowError, ValueError):
            raise Problem(
                f"Port {asked.group(1)} is taken or not allowed: choose another with --port, or leave --port out."
            ) from None


def choose_chapter(chapters):
    """Return the notebook that the learner asks for, or worked on last. Raises Problem."""
    if len(chapters) > 1:
        raise Problem("One chapter is opened at a time, not {} ({}).".format(len(chapters), " ".join(chapters)))
    if chapters:
        return find_chapter(chapters[0])
    from utils.progress import last_chapter

    try:
        return find_chapter(str(last_chapter() or 1))
    except Problem:  # a chapter of another version of the course
        return find_chapter("1")


def start_lab(program, chapters, options):
    """Set up the course, and become JupyterLab, run as the module `program`, with a chapter open."""
    notebook = choose_chapter(chapters)
    check_port(options)
    set_up()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options = ["--allow-root", *options]  # root is the usual user of a container
    print("Opening JupyterLab; Ctrl-C in this window ends it.", flush=True)
    # As the default URL, the chapter is also in the address that a server without a browser prints.
    # -y: the first Ctrl-C ends it, without a question.
    address = "/lab/tree/" + notebook.relative_to(ROOT).as_posix()
    if not OVERRIDES.exists():
        OVERRIDES.parent.mkdir(parents=True, exist_ok=True)
        OVERRIDES.write_text(NO_NEWS, encoding="utf-8")
    return run("-m", program, "-y", f"--LabApp.default_url={address}", f"--ServerApp.root_dir={ROOT}", *options)


def lab(arguments):
    """Open a chapter in JupyterLab."""
    return start_lab("jupyterlab", *read_arguments("lab", arguments))


def lecture(arguments):
    """Show a chapter as slides in JupyterLab."""
    return start_lab("teaching.lecture", *read_arguments("lecture", arguments))


def handout(arguments):
    """Write what is printed or handed out for chapters."""
    for number in read_arguments("handout", arguments)[0]:
        find_chapter(number)
    set_up("test")
    return run("-m", "teaching.handout", *arguments)


def test(arguments):
    """Run the tests and the chapters (pyproject.toml tells pytest where they are)."""
    set_up("test")
    return run("-m", "pytest", *arguments)


def build(arguments):
    """Build chapters from their sources."""
    for number in read_arguments("build", arguments)[0]:
        find_chapter(number, "source/{}_*.py")
    set_up("test")
    return run(str(CHAPTERS / "build.py"), *arguments)


def bench(arguments):
    """Measure speed and memory."""
    if read_arguments("bench", arguments)[0]:
        raise Problem("bench takes options only (bench --hub --chapter 03).")
    set_up("test")
    program = "tests.bench.hub" if "--hub" in arguments else "tests.bench"
    return run("-m", program, *(option for option in arguments if option != "--hub"))


def main(arguments):
    """Obey the command line; return the exit code."""
    if sys.version_info < NEEDED:
        numbers = NEEDED + tuple(sys.version_info[:2])
        print("course.py needs Python >= {}.{}, but this is Python {}.{}.".format(*numbers), file=sys.stderr)
        return 1
    commands = {"lab": lab, "lecture": lecture, "handout": handout, "test": test, "build": build, "bench": bench}
    asked_for_help = arguments[:1] == ["help"] or arguments[:1] != ["test"] and {"-h", "--help"}.intersection(arguments)
    if asked_for_help or not arguments or arguments[0] not in commands:
        if arguments and not asked_for_help:
            print(f"course.py: there is no command {arguments[0]}.", file=sys.stderr)
        print(__doc__, file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else 2
    try:
        return commands[arguments[0]](arguments[1:])
    except (Problem, OSError) as error:
        print(f"course.py: {error if isinstance(error, Problem) else explain(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("course.py: Interrupted; the next start begins again where something is missing.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
