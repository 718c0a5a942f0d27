#!/usr/bin/env python3
"""Make requirements.lock from pyproject.toml, and both environment.yml from the lock. It needs uv (pip install uv):

    python3 binder/lock.py              after a change of pyproject.toml; what is locked stays as far as it can
    python3 binder/lock.py --upgrade    the newest of every package that pyproject.toml does not pin

uv only resolves here, for every system and Python at once; nothing is installed.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
ENVIRONMENTS = [ROOT / "environment.yml", ROOT / "binder" / "environment.yml"]  # for conda, and for Binder

LEARNER = """\
# Made from pyproject.toml by binder/lock.py: every package of the course with its version, for Linux, macOS and Windows
# and Python 3.11 or newer. course.py installs it, torch for Linux from PyTorch's CPU index: from PyPI it brings CUDA.

# For a learner
"""
TESTS = "\n# For tests and builds, on top\n"  # course.py cuts the lock here

ENVIRONMENT = """\
# The conda route; binder/lock.py makes this file and its copy in binder/ from requirements.lock:
#
#     conda env create -f environment.yml
#     conda activate vanishing-gradients
#     pip install --no-deps -e .             # makes the helper package `utils` importable
#     python -c "import course, sys; course.configure(sys.prefix)"    # what JupyterLab and its kernels are told
#     jupyter lab chapters/01_saturation.ipynb
#
# To run the tests or to build chapters, `pip install -r requirements.lock` adds the tools; then `pytest` runs the tests.
#
# "-e ." is not in the pip section on purpose: with it, Binder would install everything again after every commit.
name: vanishing-gradients
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11 # exactly: repo2docker falls back to another version when it finds a range
  - pip
  - pip: # from PyPI, as course.py has it and the tests do; torch from PyTorch's CPU index, as PyPI's brings CUDA
{pip}
variables:
  OMP_NUM_THREADS: 1 # see course.py
"""


def resolve(inputs, output, *options):
    """Let uv write into `output` what pyproject.toml and the requirements `inputs` need, and return the lines."""
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--no-header",
               "--no-annotate", *options, "--output-file", output, ROOT / "pyproject.toml", "-"]  # fmt: skip
    subprocess.run(command, check=True, input="\n".join(inputs), stdout=subprocess.DEVNULL, text=True, cwd=ROOT)
    return output.read_text(encoding="utf-8").splitlines()


def make_lock(options):
    """Return the text of the lock, resolved anew; versions of the present one are kept unless --upgrade is given."""
    builds = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    with tempfile.TemporaryDirectory() as folder:
        everything, learner = Path(folder, "everything.txt"), Path(folder, "learner.txt")
        if LOCK.exists():
            shutil.copy(LOCK, everything)  # uv prefers the versions that it finds in its output
        lines = resolve(builds, everything, "--extra", "test", *options)
        names = {line.partition("==")[0] for line in resolve(builds, learner, "--constraints", everything)}
    parts = [[line for line in lines if (line.partition("==")[0] in names) == wanted] for wanted in (True, False)]
    return LEARNER + "\n".join(parts[0]) + "\n" + TESTS + "\n".join(parts[1]) + "\n"


def make_environment(lock):
    """Return the text of environment.yml for the text of a lock: a learner's packages, all from pip."""
    pins = re.findall(r"^[^#\n].*", lock.partition(TESTS)[0], re.MULTILINE)
    lines = ["--extra-index-url https://download.pytorch.org/whl/cpu", *pins]
    return ENVIRONMENT.format(pip="\n".join(f"    - {line}" for line in lines))


def main(arguments):
    """Write the lock and the environment files."""
    if arguments not in ([], ["--upgrade"]):
        sys.exit(f"lock.py takes nothing or --upgrade, not {' '.join(arguments)}.")
    if not shutil.which("uv"):
        sys.exit("lock.py needs uv: pip install uv.")
    try:
        lock = make_lock(arguments)
    except subprocess.CalledProcessError:
        sys.exit("uv found no versions that fit together; its words stand above.")
    LOCK.write_text(lock, encoding="utf-8", newline="\n")
    for path in ENVIRONMENTS:
        path.write_text(make_environment(lock), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
