"""A class on a JupyterHub, on this machine: python3 course.py bench --hub [--learners 20] [--moves 20] [--chapter 01]

A hub, its proxy and a server for each learner, as a class has them, on the loopback address only. Every learner opens
the chapter, runs all of its cells, and then moves a slider at the pace of a person, all at the same time. Meanwhile
one learner's kernel eats all the memory that it may have, and another's is killed. A client speaks the protocol that a
browser speaks, without a browser to draw. The hub lives in .venv-hub, an environment of its own, made once (needs npm
and a network); the kernels are the course's.
"""

import argparse
import asyncio
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
import venv
from itertools import chain
from pathlib import Path

import psutil

from tests.bench.__main__ import Row, at_most, describe_machine
from tests.bench.hub_client import Hub
from tests.browser.lab import copy_project, free_port

ROOT = Path(__file__).resolve().parents[2]
HUB = ROOT / ".venv-hub"
PROXY = "configurable-http-proxy@5.3.0"  # from npm; what Zero to JupyterHub runs
MEMORY = 2_000_000_000  # bytes that one process of a learner may have

CONFIGURATION = """
c = get_config()  # noqa: F821
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = {hub_port}
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/secret"
c.ConfigurableHTTPProxy.command = ["{hub}/node_modules/.bin/configurable-http-proxy"]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
c.JupyterHub.authenticator_class = "null"  # nobody signs in here: the bench acts for the learners
c.JupyterHub.services = [{{"name": "bench", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{
    "name": "bench", "services": ["bench"], "scopes": ["admin:users", "admin:servers", "access:servers"],
}}]
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.concurrent_spawn_limit = 0
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/homes/{{username}}"
# RLIMIT_DATA, for want of a container: an allocation beyond it fails as it would in one.
c.Spawner.cmd = ["prlimit", "--data={memory}", "{hub}/bin/jupyterhub-singleuser"]
c.Spawner.args = ["--allow-root", "--ServerApp.log_level=ERROR"]
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300
c.Spawner.environment = {{
    "PYTHONPATH": "{root}", "OMP_NUM_THREADS": "1", "JUPYTER_PATH": "{prefix}/share/jupyter",
    "JUPYTER_CONFIG_PATH": "{prefix}/etc/jupyter", "JUPYTERLAB_DIR": "{prefix}/share/jupyter/lab",
}}
"""
EATER = "hoard = []\nwhile True: hoard.append(bytearray(50_000_000))"
ANSWER = ("from utils import chapter01\nimport torch\n"
          "chapter01.check_backward_step(lambda d, W, z: d @ W * torch.sigmoid(z) * (1 - torch.sigmoid(z)))")
KEPT = "from utils import progress\nprint(progress.show())"


def make_hub():
    """Make .venv-hub, once: JupyterHub and its proxy, and a path to the packages of the course's environment."""
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["hub"]
    stamp, wanted = HUB / "installed.txt", "\n".join([*pins, PROXY, sys.prefix])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not shutil.which("npm"):
        sys.exit("JupyterHub's proxy needs npm and Node.js: install them and start again.")
    print("Setting up the hub; this happens once ...", flush=True)
    venv.EnvBuilder(clear=True, with_pip=True).create(HUB)
    subprocess.run([HUB / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *pins], check=True)
    subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit", f"--prefix={HUB}", PROXY], check=True)
    course = HUB / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages" / "course.pth"
    course.write_text(sysconfig.get_path("purelib"))
    stamp.write_text(wanted)


def start_hub(folder, learners):
    """Start a hub whose learners have a copy of the course at home; return its process, a `Hub`, and its port."""
    for learner in learners:
        (folder / "homes" / learner).mkdir(parents=True)
        copy_project(folder / "homes" / learner)
    port, hub_port, proxy_port = free_port(), free_port(), free_port()
    token = secrets.token_hex(16)
    configuration = folder / "jupyterhub_config.py"
    configuration.write_text(CONFIGURATION.format(
        port=port, hub_port=hub_port, proxy_port=proxy_port, folder=folder, hub=HUB, token=token, memory=MEMORY,
        root=ROOT, prefix=sys.prefix))  # fmt: skip
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER", "COURSE_"))}
    environment["PATH"] = f"{HUB}/bin{os.pathsep}{environment['PATH']}"
    with open(folder / "hub.log", "wb") as log:
        process = subprocess.Popen([HUB / "bin/jupyterhub", "-f", configuration], cwd=folder, env=environment,
                                   stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    return process, Hub(f"http://127.0.0.1:{port}", token)


def memory_of(process):
    """Return the bytes of resident memory of a process, and those of it that it shares with no other."""
    usage = process.memory_full_info()
    return usage.rss, usage.uss


def learners_memory(process):
    """Return (servers, kernels): for each, a list of pairs (resident, unshared) in bytes; and the hub's and proxy's sum."""
    servers, kernels, others = [], [], [psutil.Process(process.pid)]
    for child in others[0].children(recursive=True):
        line = " ".join(child.cmdline())
        kind = servers if "jupyterhub-singleuser" in line else kernels if "ipykernel_launcher" in line else others
        kind.append(child)
    measured = [[memory_of(one) for one in kind] for kind in (servers, kernels)]
    return *measured, sum(one.memory_info().rss for one in others)


def p95(values):
    """Return the 95th percentile."""
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


async def measure(hub, process, learners, chapter, moves):
    """Yield the rows of the table, in the order in which they happen."""
    await hub.wait()
    started = time.monotonic()
    seats = await asyncio.gather(*(hub.open(learner, chapter) for learner in learners))
    took = [seat.ready - started for seat in seats]
    yield Row("server and kernel ready, all start at once", f"median {statistics.median(took):.0f} s, last {max(took):.0f} s")
    started = time.monotonic()
    errors = await asyncio.gather(*(seat.run_all() for seat in seats))
    took = [seat.ready - started for seat in seats]
    yield Row("all cells run, all at once", f"median {statistics.median(took):.0f} s, last {max(took):.0f} s")
    yield at_most("cells that raised an error", sum(map(len, errors)), "{}", 0, remark="".join(map(str, filter(None, errors))))

    servers, kernels, hub_bytes = learners_memory(process)
    for name, pairs in (("server", servers), ("kernel", kernels)):
        resident, unshared = (statistics.median(column) / 1e6 for column in zip(*pairs))
        yield Row(f"memory of a learner's {name}, median", f"{resident:.0f} MB ({unshared:.0f} MB not shared)")
    most = max(one[0] for one in servers) + max(one[0] for one in kernels)
    yield at_most("memory of a learner, at most", most / 1e6, "{:.0f} MB", 1000)
    yield Row("memory of hub and proxy", f"{hub_bytes / 1e6:.0f} MB")

    [alone] = await asyncio.gather(seats[-1].move(moves))
    yield Row("slider to picture, one learner alone", f"median {statistics.median(alone):.0f} ms (p95 {p95(alone):.0f})")
    times = list(chain(*await asyncio.gather(*(seat.move(moves) for seat in seats))))
    yield Row(f"slider to picture, {len(seats)} at once", f"median {statistics.median(times):.0f} ms (p95 {p95(times):.0f})")

    # Misfortunes, while the others go on.
    glutton, victim, *others = seats
    for seat in (glutton, victim):
        await seat.execute(ANSWER)
        await seat.save()
    going_on = asyncio.gather(*(seat.move(moves) for seat in others))
    outcome = await glutton.execute(EATER)
    os.kill(victim.kernel_process(process), signal.SIGKILL)
    times = list(chain(*await going_on))
    yield Row("one kernel eats its memory", outcome or "no error")
    yield Row("... and one is killed: slider of the others", f"median {statistics.median(times):.0f} ms (p95 {p95(times):.0f})")
    for name, seat in (("who ate", glutton), ("whose kernel was killed", victim)):
        await seat.reconnect()
        kept = "exercises solved 1 of" in await seat.printed(KEPT)
        saved = await seat.saved()
        errors = await seat.run_all()
        yield Row(f"the learner {name}: answers kept, chapter runs again", f"{kept and saved}, {not errors}",
                  "True, True", kept and saved and not errors)


async def report(arguments):
    """Run the bench and print each row as soon as it is known; return the number of missed limits."""
    learners = [f"learner{number:02}" for number in range(1, arguments.learners + 1)]
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        process, hub = start_hub(Path(folder), learners)
        try:
            async for row in measure(hub, process, learners, arguments.chapter, arguments.moves):
                verdict = {True: "ok", False: "NOT", None: ""}[row.ok]
                print(f"{row.what:62} {row.value:44} {row.limit:12} {verdict}", flush=True)
                missed += row.ok is False
        except Exception:
            print((Path(folder) / "hub.log").read_text(errors="replace")[-3000:], file=sys.stderr)
            raise
        finally:
            stop(process)
    return missed


def stop(process):
    """End the hub, its proxy, and all that it has started: their processes alone."""
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    _, alive = psutil.wait_procs([psutil.Process(process.pid), *family] if family else [], timeout=30)
    for one in alive:
        one.kill()


def main():
    """Set up what is missing, describe the machine, and print the table."""
    parser = argparse.ArgumentParser(description="Measure a class on a JupyterHub.")
    parser.add_argument("--learners", type=int, default=20, help="at least 3")
    parser.add_argument("--moves", type=int, default=20, help="of each learner's slider, at the pace of a person")
    parser.add_argument("--chapter", default="01")
    arguments = parser.parse_args()
    if arguments.learners < 3:
        parser.error("at least 3 learners: two have a misfortune, and one looks on")
    make_hub()
    print(describe_machine())
    print(f"JupyterHub, {arguments.learners} learners, chapter {arguments.chapter}\n", flush=True)
    missed = asyncio.run(report(arguments))
    print(f"\n{missed} limits missed, load at the end {os.getloadavg()[0]:.1f}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
