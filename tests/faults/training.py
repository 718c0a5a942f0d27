"""Does a program learn on its data? It is trained, original and corrected, with its own optimizer, and scored.

    python -m tests.faults --train [ID ...]      trains, and writes the field `learns` of programs.toml: half an hour

The score says how far a net came, on its training data and in evaluation mode, from the best constant answer (0) to the
right ones (1): of classes the accuracy above the most frequent label's, of real targets 1 - squared error / variance.
A program learns if the mean over `SEEDS` is above `ENOUGH`. A training ends when it has reached `PERFECT`, or else: the
corrected program's after `STEPS` steps or `SECONDS` of the processor's time; the original's after `PATIENCE` times as
many steps as the corrected one took, but at least `FEWEST`, or after its own number of steps, if that is its fault.
Where time runs out with the first seed, no other is tried; `false` after a few steps means that there was no time.
"""

import itertools
import re
import statistics
import time
from typing import NamedTuple

import torch
from torch import nn

from tests.faults.programs import TABLE, build

SEEDS = (0, 1)
STEPS, SECONDS = 3000, 15
PATIENCE, FEWEST = 3, 150
EVERY = 50  # steps between two looks at the score
ENOUGH, PERFECT = 0.5, 0.9
SAMPLES = 512  # that are scored at once, and at most


class Trained(NamedTuple):
    """How a training ended."""

    score: float
    steps: int


def train(program, seed=0, limit=STEPS, seconds=SECONDS):
    """Train a program for so many steps and seconds of the processor's time at most, and return the `Trained`."""
    case, task = _from_what_learns(build(program, seed)), program.task
    limit, step, best, started = program.steps or limit, 0, 0.0, time.process_time()
    while step < limit and best < PERFECT and time.process_time() - started < seconds:
        for _ in range(min(EVERY, limit - step)):
            _step(case, program.batch)
            step += 1
            if time.process_time() - started > seconds:
                break
        best = max(best, score(case, task))
    return Trained(best, step)


def _from_what_learns(case):
    """Return a `Case` without the frozen layers in front: x is what they make of it, once and for all."""
    frozen = itertools.takewhile(
        lambda module: not isinstance(module, nn.Dropout) and not any(p.requires_grad for p in module.parameters()),
        case.model,
    )
    count = len(list(frozen))
    with torch.no_grad():
        x = torch.cat([case.model[:count](part) for part in case.x.split(4)]) if count else case.x
    return case._replace(model=case.model[count:], x=x)


def _step(case, batch):
    chosen = torch.randperm(len(case.x))[:batch]
    loss = case.loss_fn(case.model(case.x[chosen]), case.y[chosen])
    case.optimizer.zero_grad()
    if loss.requires_grad:
        loss.backward()
        case.optimizer.step()


@torch.no_grad()
def score(case, task):
    """How far a `Case` is from the best constant answer (0 or less) to the right ones (1)."""
    x, y = case.x[:SAMPLES], case.y[:SAMPLES]
    output = case.model.eval()(x)
    case.model.train()
    return _of_targets(output, y) if task == "regression" else _of_classes(output, y)


def _of_targets(output, y):
    if not output.isfinite().all():
        return 0.0
    return max((1 - (output - y).square().mean() / (y - y.mean(0)).square().mean()).item(), 0.0)


def _of_classes(output, y):
    """output (..., classes) or, of a yes or no, (..., 1); y of the same form, or (samples,) of whole numbers."""
    answers = output.argmax(-1) if output.shape[-1] > 1 else output[..., 0] > 0.5
    labels = y if not y.is_floating_point() else y.argmax(-1) if y.shape[-1] > 1 else y[..., 0]
    right = (answers == labels).float().mean().item()
    most = labels.flatten().long().bincount().max().item() / labels.numel()
    return max((right - most) / (1 - most), 0.0)


def judge(program, seeds=SEEDS, seconds=SECONDS):
    """Return what goes into the field `learns`: for original and corrected whether it learns, the scores, the steps."""
    corrected = list(_trained(program.corrected, seeds, [STEPS] * len(seeds), seconds))
    limits = [max(FEWEST, PATIENCE * run.steps) for run in corrected]
    original = list(_trained(program, seeds, limits, seconds))
    return {"original": _judged(original), "corrected": _judged(corrected)}


def _trained(program, seeds, limits, seconds):
    for seed, limit in zip(seeds, limits):
        started = time.process_time()
        yield train(program, seed, limit, seconds)
        if time.process_time() - started > seconds:
            return


def _judged(runs):
    return {
        "learns": statistics.mean(round(run.score, 2) for run in runs) > ENOUGH,
        "scores": [round(run.score, 2) for run in runs],
        "steps": [run.steps for run in runs],
    }


def write(number, learns, path=TABLE):
    """Put the field `learns` of program `number` into the table, in the place of what was there."""
    head, *rows = re.split(r"(?=^\[\[program\]\]$)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = "".join(f"learns.{which} = {_toml(found)}\n" for which, found in learns.items())
    for i, row in enumerate(rows):
        if f"\nid = {number}\n" in row:
            rest = "".join(line for line in row.splitlines(True) if not line.startswith("learns."))
            rows[i] = rest.rstrip("\n") + "\n" + lines + "\n"
    path.write_text((head + "".join(rows)).rstrip("\n") + "\n", encoding="utf-8")


def _toml(found):
    return f"{{ learns = {str(found['learns']).lower()}, scores = {found['scores']}, steps = {found['steps']} }}"
