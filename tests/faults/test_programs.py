"""The programs build, run and are told apart; `python -m tests.faults` is what judges `diagnose` by them."""

import shutil

import pytest
import torch

from tests.faults import counting, training
from tests.faults.counting import DETECTED, MISSED, RAISED, WRONG, Examined, Said
from tests.faults.layers import sequential
from tests.faults.losses import LOSSES
from tests.faults.programs import KINDS, OPTIMIZERS, TABLE, TOOLS, build, programs

PROGRAMS = programs()
NEW_KINDS = {  # that rules are to come for; those there are, `diagnose` knows
    "output does not fit", "broadcast target", "unowned weights", "no gradient", "samples mixed",
    "train and eval disagree", "no nonlinearity", "the mean eats the gain", "input too small", "target too large",
}  # fmt: skip
OLD_KINDS = {
    "not finite", "frozen", "cut off", "symmetric", "input too large", "dead", "exploding in time", "exploding",
    "saturated", "vanishing", "vanishing in time", "collapsed", "step too large", "step too small",
}  # fmt: skip


def by_id(number):
    return next(program for program in PROGRAMS if program.id == number)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: str(program.id))
def test_a_program_builds_and_runs_as_it_was_and_corrected(program):
    for version in (program, program.corrected):
        case = build(version)
        assert len(case.x) == len(case.y) and case.x.isfinite().all() and case.y.isfinite().all()
        with torch.no_grad():
            output = case.model(case.x[:2])
            assert case.loss_fn(output, case.y[:2]).dim() == 0
        assert len(output) == len(case.x[:2])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: str(program.id))
def test_the_fields_of_a_row_say_what_they_may(program):
    assert program.kind in KINDS and program.task in ("binary", "multiclass", "regression")
    assert program.loss in LOSSES and program.optimizer.split()[0] in OPTIMIZERS and 0 < program.lr < 10
    assert set(program.right) <= OLD_KINDS | NEW_KINDS and len(set(program.right)) == len(program.right)
    assert set(program.tools) <= set(TOOLS)
    assert program.fault.endswith((".", "?", ".)"))
    assert program.kind == "invisible" or program.corrected != program
    for found in (program.learns["original"], program.learns["corrected"]):
        assert 1 <= len(found["scores"]) == len(found["steps"]) <= len(training.SEEDS)
        assert found["learns"] == (sum(found["scores"]) / len(found["scores"]) > training.ENOUGH)


def test_there_are_65_and_the_tools_found_as_many_as_the_benchmark_says():
    assert len({program.id for program in PROGRAMS}) == 65
    assert [sum(tool in program.tools for program in PROGRAMS) for tool in TOOLS] == [17, 14, 18, 19, 31]


def test_a_net_is_what_its_text_says():
    net = sequential("conv 4 3 stride=2 same relu > bn > flatten > 2 x dense 5 tanh > dense 2", torch.zeros(1, 3, 7, 8))
    names = [type(module).__name__ for module in net]
    assert names == ["ConstantPad2d", "Conv2d", "ReLU", "BatchNorm2d", "Flatten", *["Linear", "Tanh"] * 2, "Linear"]
    assert net[5].in_features == 4 * 4 * 4 and net[-1].out_features == 2


def test_losses_are_torchs_where_they_are_used_as_meant():
    p, z = torch.rand(6, 1), torch.randn(6, 3)
    y, classes = torch.tensor([[0.0], [1.0]] * 3), torch.tensor([0, 1, 2] * 2)
    one_hot = torch.eye(3)[classes]
    torch.testing.assert_close(LOSSES["bce"](p, y), torch.nn.functional.binary_cross_entropy(p, y))
    expected = torch.nn.functional.cross_entropy(z, classes)
    torch.testing.assert_close(LOSSES["cce"](z.softmax(1), one_hot), expected)
    torch.testing.assert_close(LOSSES["cce-logits"](z, one_hot), expected)
    torch.testing.assert_close(LOSSES["scce"](z.softmax(1), classes), expected)


HEALTHY = Said()


def said(original, corrected=HEALTHY, learns=(False, True), right=("dead",)):
    program = PROGRAMS[0].__class__(**vars(PROGRAMS[0]) | {
        "right": list(right),
        "learns": {which: {"learns": known} for which, known in zip(("original", "corrected"), learns)},
    })  # fmt: skip
    return Examined(program, original, corrected)


@pytest.mark.parametrize(
    "original, learns, outcome",
    [
        (Said(("vanishing", "dead")), False, DETECTED),
        (Said(("vanishing",), ("dead",)), False, WRONG),
        (Said((), ("dead",)), False, MISSED),
        (Said((), ("dead",)), True, DETECTED),
        (Said((), ("vanishing",)), True, MISSED),
        (HEALTHY, False, MISSED),
        (Said(error="ValueError: no"), False, RAISED),
    ],
)
def test_a_remark_counts_only_where_the_original_learns(original, learns, outcome):
    assert said(original, learns=(learns, True)).outcome == outcome


def test_a_disease_of_a_corrected_program_is_a_false_alarm_if_it_learns():
    assert said(HEALTHY, Said(("dead",))).is_false_alarm
    assert not said(HEALTHY, Said((), ("dead",))).is_false_alarm
    assert not said(HEALTHY, Said(("dead",)), learns=(False, False)).is_false_alarm


def test_remarks_are_heard_and_errors_are_told(monkeypatch):
    class Report:
        findings, remarks = [], [Said]  # anything with a kind

    monkeypatch.setattr(Said, "kind", "dead", raising=False)
    monkeypatch.setattr(counting, "diagnose", lambda *args, **keywords: Report)
    assert counting.say(PROGRAMS[0]) == Said((), ("dead",))

    def refuse(*args, **keywords):
        raise ValueError("no")

    monkeypatch.setattr(counting, "diagnose", refuse)
    assert counting.say(PROGRAMS[0]).error == "ValueError: no"


def test_training_tells_a_corrected_program_from_its_original_and_is_written(tmp_path):
    program = by_id(34311586)
    learns = training.judge(program, seeds=(0,))
    assert not learns["original"]["learns"] and learns["corrected"]["learns"]
    path = shutil.copy(TABLE, tmp_path / "programs.toml")
    training.write(program.id, learns, path)
    written = programs(path)
    assert written[1].learns == learns
    assert [row.id for row in written] == [row.id for row in PROGRAMS]
    assert written[0] == PROGRAMS[0] and written[2:] == PROGRAMS[2:]
