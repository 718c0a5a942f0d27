#!/usr/bin/env python3
"""The one door to the course, with nothing but Python's standard library:

    python3 course.py lab          open JupyterLab on a start page: the chapters, and where you are
    python3 course.py lab 03       open chapter 3; all that follows goes to JupyterLab (lab 03 --port 9000)
    python3 course.py lecture 03   show chapter 3 as slides with live widgets; lecture 03 --dark for a dark hall
    python3 course.py handout 03   write its run sheets for the speaker, and its slides and text to hand out
    python3 course.py web          make the web edition in the folder web/: it moves without a kernel (web 01 --states 12)
    python3 course.py test         run every test; test --fast between two edits, test --seeds tries claims elsewhere
    python3 course.py build 01     build chapter 1 from chapters/source; build --check only compares, --time 01 counts minutes
    python3 course.py bench        measure speed and memory; bench --hub measures a class on a JupyterHub
    python3 course.py address URL  write the public address of this repository, and the badges that need it
    python3 course.py colab FOLDER write the notebooks' copies for Google Colab

The first start installs what requirements.lock names into the folder .venv (about 1.3 GB), which belongs to this
program: if it is not complete, it is made anew. Nothing is installed outside of it. On Windows, say "py course.py lab".
"""

# Python 3.6 must be able to parse this file, so that it can say which Python it needs.
import argparse
import contextlib
import errno
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NEEDED = (3, 11)
ROOT = Path(__file__).resolve().parent
TESTS = "\n# For tests and builds, on top\n"  # begins the second part of requirements.lock
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
INSTALLING = ROOT / ".venv.lock"  # held by the start that installs; an empty file, whose lock ends with its process
STAMP = VENV / "installed.txt"  # what a completed installation put there, one item a line; written last
SETTINGS = {  # path below the environment's folder -> what JupyterLab, or each of its kernels, reads there
    "share/jupyter/lab/settings/overrides.json": {
        # Without an answer here its first start asks whether it may show news.
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
        # The start page and the glossary are to be read; "Open With > Editor" shows their text.
        "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    },
    # What a kernel says to a slip, from the first cell on.
    "etc/ipython/ipython_kernel_config.json": {"InteractiveShellApp": {"extra_extensions": ["utils.exercises.kernel"]}},
}  # fmt: skip
START, START_TEMPLATE = (ROOT / "chapters" / name for name in ("start.md", "templates/start.md"))
# JupyterLab's tabs and sidebars for this course, in a file that has JupyterLab's name for it; git ignores it.
WORKSPACE_FILE = ROOT / ".jupyter" / "workspaces" / "default-37a8.jupyterlab-workspace"
# At the first start the sidebar with the files is closed; later it is as the learner left it.
CLOSED = {"left": {"collapsed": True, "widgets": ["filebrowser"]}}
WORKSPACE = {"data": {"layout-restorer:data": CLOSED}, "metadata": {"id": "default"}}
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"

LABS = {"lab": "jupyterlab", "lecture": "teaching.lecture"}  # the modules of the commands that open JupyterLab
TOOLS = {  # what Python runs for the other commands
    "handout": ["-m", "teaching.handout"],
    "web": ["-m", "teaching.web.site"],
    "test": ["-m", "pytest"],
    "build": ["-m", "chapters.build"],
    "bench": ["-m", "tests.bench"],
}
BARE = {"address": "binder.address", "colab": "binder.colab"}  # the modules of the commands that need nothing installed
FAST = "not (browser or chapter or install or slow or seeds)"  # the tests that a contributor runs between two edits

# What pip, venv and the system say (the system's words may be translated, its error numbers are not), and what it means.
SENTENCES = {
    ("errno 28]", "errno 122]", "winerror 112]"): "The disk is full: make room for 1.3 GB in {}, and for downloads in {}",
    ("retry(total=0", "connection broken", "max retries exceeded", "timed out", "connectionerror"): "There is no network, "
    "or it does not reach Python's package index: connect (or set a proxy)",
}  # fmt: skip


class Problem(Exception):
    """What keeps the course from starting, as one sentence for its user."""


def explain(error):
    """Return one sentence on what a failed pip or venv, or the system, said."""
    failed = isinstance(error, subprocess.CalledProcessError)
    said = (error.stderr or error.output or b"").decode(errors="replace") if failed else str(error)
    lines = [line.strip() for line in said.splitlines()]
    # A warning of a download that was tried again says nothing about the end, unless no try was left.
    lines = [line for line in lines if line and (not line.startswith("WARNING") or "Retry(total=0" in line)]
    for signs, sentence in SENTENCES.items():
        if any(sign in line.lower() for line in lines for sign in signs):
            return sentence.format(VENV, tempfile.gettempdir()) + ", and start again."
    errors = [line for line in lines if line.startswith("ERROR:") and line != "ERROR: Exception:"]
    last = (errors or lines or ["no reason was given"])[-1].rstrip(".")
    return f"The installation failed: {last}. README says what helps (If it does not start)."


def try_lock(file):
    """Lock an open file and return True, or return False while another process, which still lives, holds it."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)  # else: a file system without locks
    return True


def read_pins(tests):
    """Return the lines of requirements.lock that name a learner's packages and, if asked for, those of the tests."""
    learner, _, further = (ROOT / "requirements.lock").read_text(encoding="utf-8").partition(TESTS)
    lines = (learner + "\n" + further if tests else learner).splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def read_stamp():
    """Return the lines of the last completed installation, as a set; empty if there is none that works."""
    try:
        return set(STAMP.read_text(encoding="utf-8").splitlines()) if VENV_PYTHON.exists() else set()
    except (OSError, UnicodeDecodeError):
        return set()


def make_venv():
    """Make .venv with pip in it, in place of whatever was there."""
    try:
        import ensurepip  # noqa: F401 - Debian ships venv without it, and venv notices only half-way
        import venv
    except ImportError:
        install = "install it (Debian, Ubuntu: sudo apt install python3-venv) and start again"
        raise Problem(f"This Python has no complete venv module: {install}.") from None
    try:
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(str(VENV))
    except ValueError as error:  # a folder whose name has the separator of PATH in it
        raise Problem(f"{str(error).rstrip('.')}: rename the folder and start again.") from None


def pip_install(*arguments):
    """Run `pip install` in .venv, with its progress in view and its complaints kept for `explain`."""
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", *arguments]
    environment = dict(os.environ, PIP_USER="0")  # "install for the user", set on many clusters, fails in a .venv
    subprocess.run(command, check=True, cwd=str(ROOT), env=environment, stderr=subprocess.PIPE)


def set_up(tests=False):
    """Install what is locked and not yet there, when no other start of the course is about it.

    If that fails the stamp says what it said before, so a complete environment stays usable.
    """
    pins = read_pins(tests)
    identity = {"python {}.{}".format(*sys.version_info), f"folder {ROOT}"}
    needed = identity.union(pins)
    if needed <= read_stamp():
        return
    with open(str(INSTALLING), "a") as file:  # closing it ends the lock
        if not try_lock(file):
            print("Another start of the course is installing; this one waits until it is done.", flush=True)
            while not try_lock(file):
                time.sleep(0.3)
        present = read_stamp()  # by now, that of a start that was waited for
        if not needed <= present:
            install(pins, identity, present)


def install(pins, identity, present):
    """Install `pins` into .venv, which is made anew unless the stamp's lines `present` hold those of `identity`.

    The lock names everything that is needed, so pip looks for nothing else (--no-deps).
    """
    torch = next(pin for pin in pins if pin.startswith("torch=="))
    build = [torch]
    if sys.platform == "linux":
        # PyPI's torch for Linux is built for CUDA. The suffix "+cpu" is carried by PyTorch's CPU builds alone, so
        # nothing else can be downloaded, whatever other indexes the user's pip knows. Elsewhere PyPI's is a CPU build.
        build = [torch + "+cpu", "--index-url", TORCH_CPU_INDEX, "--retries", "2"]

    # An environment that was complete once is brought up to date; anything else is not worth the doubt.
    steps = [] if identity <= present else [("Python environment in .venv", make_venv, [])]
    if torch not in present or steps:
        steps.append(("PyTorch, CPU build (about 200 MB)", pip_install, build))
    others = [pin for pin in pins if pin != torch]
    steps.append(("JupyterLab and the other packages (about 150 MB)", pip_install, others))
    # Without build isolation this needs no network: setuptools is among the packages above.
    steps.append(("The course's own package", pip_install, ["--no-build-isolation", "-e", "."]))

    print("Setting up the course; this happens once and takes a few minutes.", flush=True)
    for number, (label, action, arguments) in enumerate(steps, start=1):
        print(f"[{number}/{len(steps)}] {label} ...", flush=True)
        action(*arguments)
    STAMP.write_text("\n".join([*sorted(identity), *pins, ""]), encoding="utf-8")


def configure(prefix=VENV):
    """Write SETTINGS into the environment at `prefix`, where they are not yet."""
    for name, values in SETTINGS.items():
        write(Path(prefix) / name, json.dumps(values, indent=1) + "\n")


def write(path, text):
    """Write a text file, and the folders that it needs, unless it holds this text."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def write_start_page():
    """Write the start page, with where the learner is, and return its path; git ignores it."""
    from utils import progress

    template = START_TEMPLATE.read_text(encoding="utf-8")
    write(START, template.replace("{progress}", progress.show().summary(START.parent)))
    return START


def run(*arguments):
    """Run the environment's Python on `arguments` in the repository's folder, and return its exit code."""
    # One thread a kernel: with two, four busy kernels on two cores took 3,200 ms a training step instead of 36.
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "VIRTUAL_ENV": str(VENV)}
    if os.access(str(WORKSPACE_FILE), os.W_OK):
        environment.setdefault("JUPYTERLAB_WORKSPACES_DIR", str(WORKSPACE_FILE.parent))
    # So that a terminal in JupyterLab, or "!pip" in a cell, finds this environment.
    environment["PATH"] = str(VENV_PYTHON.parent) + os.pathsep + environment.get("PATH", "")
    command = [str(VENV_PYTHON), *arguments]
    if os.name != "nt":
        os.chdir(str(ROOT))
        os.execve(command[0], command, environment)  # becomes the program: signals and exit code are its own
    with subprocess.Popen(command, cwd=str(ROOT), env=environment) as process:
        while True:
            with contextlib.suppress(KeyboardInterrupt):  # the program received the Ctrl-C too, and ends in its own way
                return process.wait()


def find_chapter(number):
    """Return the path of a chapter's notebook: "1" or "01_saturation" -> chapters/01_saturation.ipynb."""
    chapters = {path.stem[:2]: path for path in sorted(ROOT.glob("chapters/[0-9][0-9]_*.ipynb"))}
    wanted = number.partition("_")[0].zfill(2)
    if wanted not in chapters:
        written = ", ".join(path.stem for path in chapters.values()) or "none"
        raise Problem(f"Chapter {number} is not there (there are: {written}).")
    return chapters[wanted]


def open_lab(command, chapter, further):
    """Set up the course, and become JupyterLab with a chapter open; `lab` without a chapter opens the start page."""
    page = find_chapter(chapter or last_chapter())
    set_up()
    configure()
    if command == "lab":
        with contextlib.suppress(OSError):  # a course that is shared, in a folder that this user cannot write to
            if not WORKSPACE_FILE.exists():
                write(WORKSPACE_FILE, json.dumps(WORKSPACE))
            page = page if chapter else write_start_page()
    # As the default URL, the page is also in the address that a server without a browser prints.
    # -y: the first Ctrl-C ends it, without a question. Root is the usual user of a container.
    options = ["-y", f"--LabApp.default_url=/lab/tree/chapters/{page.name}", f"--ServerApp.root_dir={ROOT}"]
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    print("Opening JupyterLab; Ctrl-C in this window ends it.", flush=True)
    return run("-m", LABS[command], *options, *root, *further)


def last_chapter():
    """Return the number of the chapter where the learner stopped, as text; "1" if there is none in this version."""
    from utils import progress

    number = str(progress.last_chapter()).zfill(2)
    return number if list(ROOT.glob(f"chapters/{number}_*.ipynb")) else "1"


def run_tool(options, further):
    """Set up the course with the tools of the tests, and become the command's program, which checks `further` itself."""
    if options.command == "test" and (options.chosen or not further):
        everywhere = options.chosen and not any(Path(word.partition("::")[0]).exists() for word in further)
        chosen = (["tests"] if everywhere else []) + (["-m", options.chosen] if options.chosen else [])
        further = [*chosen, "-n", str(os.cpu_count() or 1), "--dist", "loadfile", *further]
    program = ["-m", "tests.bench.hub"] if options.command == "bench" and options.hub else TOOLS[options.command]
    set_up(tests=True)
    return run(*program, *further)


class Parser(argparse.ArgumentParser):
    """A parser that shows every command in its help, and says in one sentence what is wrong."""

    def __init__(self, **settings):
        settings.update(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
        super().__init__(**settings)

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; {self.prog} --help shows what there is.\n")


def make_parser():
    """Return the parser of the command line; what it does not know is the concern of the command's program."""
    parser = Parser(prog="course.py")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, help="as above")
    parsers = {name: commands.add_parser(name) for name in [*LABS, *TOOLS, *BARE]}
    for name in LABS:
        parsers[name].add_argument("chapter", nargs="?", help="such as 03; without it, the start page, or in a lecture where you stopped")
    parsers["bench"].add_argument("--hub", action="store_true", help="measure a class on a JupyterHub")
    flags = parsers["test"].add_mutually_exclusive_group()
    fast = "leave out what takes long (browser, whole chapters, installations): for the time between two edits"
    for flag, chosen, meaning in (("--fast", FAST, fast), ("--seeds", "seeds", "try the claims with other seeds, rates, budgets")):
        flags.add_argument(flag, dest="chosen", action="store_const", const=chosen, help=meaning)
    return parser


def main(arguments):
    """Obey the command line; return the exit code."""
    if sys.version_info < NEEDED:
        numbers = NEEDED + tuple(sys.version_info[:2])
        print("course.py needs Python >= {}.{}, but this is Python {}.{}.".format(*numbers), file=sys.stderr)
        return 1
    parser, arguments = make_parser(), arguments or ["--help"]
    try:
        if arguments[0] in LABS:
            # A value of an option may look like a chapter, so the first option ends what is read here.
            ends = [word.startswith("-") and word not in ("-h", "--help") for word in [*arguments, "--"]]
            options = parser.parse_args(arguments[: ends.index(True)])
            return open_lab(options.command, options.chapter, arguments[ends.index(True) :])
        options, further = parser.parse_known_args(arguments)
        if options.command in BARE:
            return importlib.import_module(BARE[options.command]).main(further)
        return run_tool(options, further)
    except (Problem, OSError, subprocess.CalledProcessError) as error:
        print(f"course.py: {error if isinstance(error, Problem) else explain(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("course.py: Interrupted; the next start begins again where something is missing.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
