"""False alarms on healthy nets and missed diagnoses on sick ones, over seeds; the table that README shows."""

import re
from collections import Counter
from pathlib import Path

import pytest
import torch

from tests.torchdoctor.zoo import HEALTHY
from tests.torchdoctor.zoo_sick import SICK

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
SEEDS = range(3)  # README's table is of ten: python -m tests.torchdoctor.test_zoo
CASES = {name: ({"healthy"}, make) for name, make in HEALTHY.items()} | SICK


def examine(name, seeds):
    """Diagnose a net of the zoo for several seeds; returns a Counter of (true disease, verdict).

    Where several diagnoses are right, the one that was given counts as the truth, and the first of them if none was.
    """
    right, make = CASES[name]
    counts = Counter()
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            torch.manual_seed(seed)
            verdict = make().diagnose().verdict
            counts[verdict if verdict in right else min(right), verdict] += 1
    return counts


def confusion(seeds):
    """Return the whole table as a Counter of (true disease, verdict)."""
    return sum((examine(name, seeds) for name in CASES), Counter())


def as_markdown(counts):
    """Return the table as README shows it: a row for each true state, its verdicts, and how many were wrong."""
    lines = ["| truly | nets | verdicts | wrong |", "|---|---|---|---|"]
    for truth in sorted({truth for truth, _ in counts}, key=lambda name: (name != "healthy", name)):
        row = {verdict: count for (true, verdict), count in counts.items() if true == truth}
        told = ", ".join(f"{verdict} {count}" for verdict, count in sorted(row.items(), key=lambda item: -item[1]))
        lines.append(f"| {truth} | {sum(row.values())} | {told} | {sum(row.values()) - row.get(truth, 0)} |")
    return "\n".join(lines)


def test_the_zoo_is_large():
    assert len(HEALTHY) >= 20 and len(SICK) >= 40


@pytest.mark.slow
@pytest.mark.parametrize("name", HEALTHY)
def test_no_false_alarm(name):
    assert set(examine(name, SEEDS)) == {("healthy", "healthy")}


@pytest.mark.slow
@pytest.mark.parametrize("name", SICK)
def test_no_missed_diagnosis(name):
    wrong = [(truth, verdict) for truth, verdict in examine(name, SEEDS) if truth != verdict]
    assert wrong == []


@pytest.mark.parametrize("name", [name for name in HEALTHY if name.endswith(", 100 steps")])
def test_a_window_is_a_remark(name):
    torch.manual_seed(0)
    [remark] = HEALTHY[name]().diagnose().remarks
    assert remark.kind == "vanishing in time" and 20 <= remark.evidence["steps_back"] <= 50


def test_readme_tells_how_many():
    healthy, sick = re.search(r"(\d+) healthy nets .*? (\d+) sick ones", README, flags=re.DOTALL).groups()
    assert (int(healthy), int(sick)) == (len(HEALTHY), len(SICK))


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(as_markdown(confusion(range(10))))
