"""Bad input gets one sentence, in a notebook too."""

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from torch import nn

from utils.nets.mlp import MLP
from utils.torchdoctor.errors import WrongType, WrongValue, is_misfit
from utils.torchdoctor.measurement import measure
from utils.training.loop import fit
from utils.widgets.explorer import explore, show

X, Y = torch.randn(6, 64, dtype=torch.float64), torch.zeros(6, dtype=torch.long)


def scene(ax, depth=10):
    ax.plot([depth])


@pytest.mark.parametrize("call", [
    lambda: measure(MLP(2), X.float(), Y), lambda: measure(MLP(2), X[:, :5], Y), lambda: measure(MLP(2), X, Y[:4]),
    lambda: measure(MLP(2), X, Y + 99), lambda: measure(MLP(2), X, Y.double()), lambda: fit(MLP(2), X.float(), Y),
    lambda: fit(MLP(2), X[:, :5], Y), lambda: fit(MLP(2), X, Y + 99), lambda: show("scene"), lambda: show(scene, panels="a"),
    lambda: show(scene, size=(-1, 2)), lambda: explore(scene, depth=(20, 40)), lambda: MLP("deep"), lambda: MLP(2, init=3),
])  # fmt: skip
def test_wrong_input_is_one_sentence(call):
    with pytest.raises((WrongValue, WrongType)) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_bug_of_the_learner_is_not_called_wrong_input():
    def loss(output, y):
        raise RuntimeError("my own bug")

    for use in (lambda: measure(MLP(1), X, Y, loss), lambda: fit(MLP(1), X, Y, loss_fn=loss)):
        with pytest.raises(RuntimeError, match="my own bug") as caught:
            use()
        assert not isinstance(caught.value, (WrongValue, WrongType))


def test_a_notebook_shows_the_sentence_and_no_traceback(capsys):
    InteractiveShell.instance().run_cell("from utils.nets.mlp import MLP\nMLP('deep')")
    printed = capsys.readouterr().out.strip().splitlines()
    assert len(printed) == 1 and "WrongValue" in printed[0] and "depth" in printed[0]


def test_torch_s_complaints_are_known():
    for bad in (lambda: nn.Linear(3, 2)(torch.ones(1, 4)), lambda: torch.ones(2) + torch.ones(3)):
        with pytest.raises(RuntimeError) as caught:
            bad()
        assert is_misfit(caught.value)
    assert not is_misfit(KeyError("expected"))
