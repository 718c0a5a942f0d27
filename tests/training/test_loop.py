"""The training loop against torch.optim, its ways to end, its records, and what a notebook sees of it."""

import base64
import copy
import math
import signal
import subprocess
import sys
import weakref
from io import BytesIO
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from nbclient import NotebookClient
from PIL import Image
from torch import nn
from torch.nn import functional as F

from utils.training import view
from utils.training.loop import fit, race
from utils.widgets.versions import OLD


def make_data(samples=200):
    """Return points (samples, 5) and which of two classes each is in (samples,)."""
    x = torch.randn(samples, 5, generator=torch.Generator().manual_seed(1))
    return x, (x[:, 0] + x[:, 1] > 0).long()


def make_net(seed=0, hidden=1):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        middle = [layer for _ in range(hidden) for layer in (nn.Linear(8, 8), nn.Tanh())]
        return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), *middle, nn.Linear(8, 2))


def parameters(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


class TestDescent:
    @pytest.mark.parametrize("momentum", [0.0, 0.9])
    @pytest.mark.parametrize("clip", [None, 0.05])
    def test_every_step_is_that_of_torch(self, momentum, clip):
        x, y = make_data()
        batches = []

        def loss_fn(output, target):
            batches.append(target)
            return F.cross_entropy(output, target)

        ours, theirs = make_net(), make_net()
        path = fit(ours, x, y, steps=30, momentum=momentum, clip=clip, batch=16, loss_fn=loss_fn, every=1,
                   record={"weights": parameters})  # fmt: skip
        optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=momentum)
        generator = torch.Generator().manual_seed(0)
        for step in range(30):
            assert torch.allclose(path.recorded["weights"][step], parameters(theirs), atol=1e-6)
            rows = torch.randperm(len(x), generator=generator)[:16]
            assert torch.equal(batches[step], y[rows])
            optimizer.zero_grad()
            loss = F.cross_entropy(theirs(x[rows]), y[rows])
            assert path.loss[step] == pytest.approx(loss.item(), rel=1e-5)
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(theirs.parameters(), clip)
            optimizer.step()
        assert torch.allclose(parameters(ours), parameters(theirs), atol=1e-6)

    @pytest.mark.parametrize("momentum", [0.0, 0.9])
    def test_every_step_of_adam_is_that_of_torch(self, momentum):
        x, y = make_data()
        x = x.double()
        ours, theirs = make_net().double(), make_net().double()
        fit(ours, x, y, steps=30, lr=0.01, momentum=momentum, batch=len(x), optimizer="adam")
        optimizer = torch.optim.Adam(theirs.parameters(), lr=0.01, betas=(momentum, 0.999))
        for _ in range(30):
            optimizer.zero_grad()
            F.cross_entropy(theirs(x), y).backward()
            optimizer.step()
        assert torch.allclose(parameters(ours), parameters(theirs))

    def test_a_learning_rate_may_depend_on_the_step(self):
        x, y = make_data()
        whole, halves = make_net(), make_net()
        path = fit(whole, x, y, steps=2, momentum=0.0, batch=len(x), every=1, lr=lambda step: (0.1, 0.5)[step],
                   record={"weights": parameters})  # fmt: skip
        fit(halves, x, y, steps=1, momentum=0.0, batch=len(x), lr=0.1)
        assert torch.allclose(path.recorded["weights"][1], parameters(halves))
        fit(halves, x, y, steps=1, momentum=0.0, batch=len(x), lr=0.5)
        assert torch.allclose(parameters(whole), parameters(halves))

    def test_learns(self):
        x, y = make_data()
        history = fit(make_net(), x, y, steps=200)
        assert np.mean(history.loss[-20:]) < 0.5 * np.mean(history.loss[:5])
        assert history.accuracy > 0.9
        assert (history.steps, history.stopped, history.diverged) == (200, False, False)

    def test_seed_decides_the_batches_alone(self):
        x, y = make_data()
        state = torch.get_rng_state()
        first = fit(make_net(), x, y, steps=20, seed=3)
        torch.manual_seed(99)
        again = fit(make_net(), x, y, steps=20, seed=3)
        other = fit(make_net(), x, y, steps=20, seed=4)
        assert first.loss == again.loss
        assert first.loss != other.loss
        torch.manual_seed(5)
        state = torch.get_rng_state()
        fit(make_net(), x, y, steps=5)
        assert torch.equal(state, torch.get_rng_state())

    def test_race_gives_each_net_what_it_would_get_alone(self):
        x, y = make_data()
        rates = {"a": 0.1, "b": 0.02}
        both = race({"a": make_net(0), "b": make_net(1, hidden=3)}, x, y, steps=25, lr=rates)
        assert both["a"].loss == fit(make_net(0), x, y, steps=25, lr=0.1).loss
        assert both["b"].loss == fit(make_net(1, hidden=3), x, y, steps=25, lr=0.02).loss

    def test_frozen_parameters_stay(self):
        x, y = make_data()
        net = make_net()
        net[0].weight.requires_grad_(False)
        frozen, free = net[0].weight.clone(), net[2].weight.clone()
        fit(net, x, y, steps=5)
        assert torch.equal(net[0].weight, frozen)
        assert not torch.equal(net[2].weight, free)

    def test_mode_of_the_model_is_restored(self):
        x, y = make_data()
        net = make_net().eval()
        modes = []
        fit(net, x, y, steps=2, every=1, record={"mode": lambda model: modes.append(model.training) or 0.0})
        assert modes == [True, True]
        assert not net.training

    def test_regression_has_no_accuracy(self):
        x, _ = make_data()
        history = fit(nn.Linear(5, 1), x, x[:, :1], steps=5, loss_fn=F.mse_loss)
        assert history.accuracy is None

    def test_batch_larger_than_the_data_is_all_of_it(self):
        x, y = make_data(10)
        sizes = []
        fit(make_net(), x, y, steps=1, batch=64, loss_fn=lambda o, t: sizes.append(len(t)) or F.cross_entropy(o, t))
        assert sizes == [10]


class TestRecord:
    def test_stacks_what_the_functions_return(self):
        x, y = make_data()
        net = make_net()
        start = parameters(net)
        history = fit(net, x, y, steps=25, every=10, record={"weights": parameters, "norm": lambda m: 2.5})
        assert history.recorded_steps == [0, 10, 20]
        assert history.recorded["weights"].shape == (3, len(start))
        assert torch.equal(history.recorded["weights"][0], start)
        assert not torch.equal(history.recorded["weights"][1], start)
        assert history.recorded["norm"].tolist() == [2.5, 2.5, 2.5]

    def test_sees_the_gradient_of_the_step(self):
        x, y = make_data()
        net = make_net()
        history = fit(net, x, y, steps=2, every=1, momentum=0.0, lr=0.5,
                      record={"weight": lambda m: m[0].weight, "gradient": lambda m: m[0].weight.grad})  # fmt: skip
        weight, gradient = history.recorded["weight"], history.recorded["gradient"]
        assert torch.allclose(weight[0] - 0.5 * gradient[0], weight[1])


class TestEndings:
    def test_a_goal_ends_that_net_alone(self):
        x, y = make_data()
        asked = []

        def good(model):
            asked.append(model.training)
            return (model(x).argmax(1) == y).float().mean() > 0.9

        nets = {"quick": make_net(), "slow": make_net(1)}
        runs = race(nets, x, y, steps=150, lr={"quick": 0.1, "slow": 1e-6}, until=good, every=5)
        quick, slow = runs["quick"], runs["slow"]
        assert quick.reached and not quick.stopped and quick.steps < 150 and quick.steps % 5 == 0
        assert quick.accuracy > 0.9 and len(quick.loss) == quick.steps
        assert str(quick).startswith(f"goal reached after {quick.steps} steps")
        assert not slow.reached and slow.steps == 150
        assert not any(asked)

    def test_a_loss_that_is_not_finite_ends_that_net_alone(self):
        x, y = make_data()
        nets = {"fine": make_net(), "sick": make_net(hidden=2)}
        with torch.no_grad():
            nets["sick"][0].bias.fill_(math.nan)
        histories = race(nets, x, y, steps=10, record={"weights": parameters})
        assert histories["fine"].steps == 10 and not histories["fine"].diverged
        sick = histories["sick"]
        assert (sick.steps, sick.diverged, sick.stopped) == (0, True, False)
        assert math.isnan(sick.loss[-1]) and "diverged" in str(sick)

    def test_keeps_what_came_before_the_divergence(self):
        x, _ = make_data()
        history = fit(nn.Linear(5, 1), x, 1e3 * x[:, :1], steps=500, lr=5.0, loss_fn=F.mse_loss,
                      record={"weights": parameters})  # fmt: skip
        assert history.diverged and 0 < history.steps < 500
        assert len(history.loss) == history.steps + 1
        assert np.isfinite(history.loss[:-1]).all()
        assert len(history.recorded["weights"]) == len(history.recorded_steps) > 0

    @pytest.mark.parametrize(("presses", "steps"), [(1, 13), (2, 12)], ids=["after the step", "within a step without end"])
    def test_an_interrupt_keeps_what_was_learned(self, presses, steps):
        x, y = make_data()
        net = make_net()
        start = parameters(net)
        calls = []
        handler = signal.getsignal(signal.SIGINT)

        def loss_fn(output, target):
            calls.append(1)
            if len(calls) == 13:
                for _ in range(presses):
                    signal.raise_signal(signal.SIGINT)
            return F.cross_entropy(output, target)

        history = fit(net, x, y, steps=100, loss_fn=loss_fn)
        assert (history.steps, len(history.loss), history.stopped) == (steps, steps, True)
        assert history.accuracy is not None
        assert not torch.equal(parameters(net), start)
        assert signal.getsignal(signal.SIGINT) is handler

    def test_an_interrupt_is_not_lost_where_python_swallows_exceptions(self):
        """As matplotlib's weak references swallow it: three of 300 interrupts of a watched training were lost."""
        x, y = make_data()
        calls = []

        class Target:
            pass

        def loss_fn(output, target):
            calls.append(1)
            if len(calls) == 13:
                thing = Target()
                reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
                del thing
                assert reference() is None
            return F.cross_entropy(output, target)

        history = fit(make_net(), x, y, steps=100, loss_fn=loss_fn)
        assert (history.steps, history.stopped) == (13, True)

    def test_an_error_of_the_learner_is_shown(self):
        x, y = make_data()

        def loss_fn(output, target):
            raise RuntimeError("mine")

        with pytest.raises(RuntimeError, match="mine"):
            fit(make_net(), x, y, loss_fn=loss_fn)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": torch.zeros(3).long()}, ValueError, "same number of samples"),
        ({"x": [[1.0]]}, TypeError, "x must be a tensor"),
        ({"steps": 0}, ValueError, "steps must be"),
        ({"steps": 2.5}, ValueError, "steps must be"),
        ({"batch": 0}, ValueError, "batch must be"),
        ({"every": -1}, ValueError, "every must be"),
        ({"lr": "0.1"}, ValueError, "lr must be a positive number"),
        ({"lr": -1.0}, ValueError, "lr must be a positive number"),
        ({"lr": math.nan}, ValueError, "lr must be a positive number"),
        ({"lr": {"other": 0.1}}, ValueError, "lr must name"),
        ({"momentum": 1.0}, ValueError, "momentum must be"),
        ({"clip": 0}, ValueError, "clip must be"),
        ({"record": [len]}, TypeError, "record must be"),
        ({"model": lambda x: x}, TypeError, "must be a torch.nn.Module"),
        ({"model": nn.Tanh()}, ValueError, "no parameter"),
    ],
)
def test_bad_input_gets_one_sentence(change, error, message):
    x, y = make_data()
    with pytest.raises(error, match=message) as caught:
        fit(**{"model": make_net(), "x": x, "y": y, **change})
    assert str(caught.value).count("\n") == 0 and str(caught.value).endswith(".")


def test_one_net_under_two_names_is_refused():
    x, y = make_data()
    net = make_net()
    with pytest.raises(ValueError, match="different objects"):
        race({"a": net, "b": net}, x, y)


@pytest.fixture
def notebook(monkeypatch):
    """Stand in for a notebook's kernel: `box` is the widget displayed, `final` the data that replaced it at the end."""
    front_end = SimpleNamespace(box=None, final=None)
    session = SimpleNamespace(send=lambda *args, **settings: None)
    kernel = SimpleNamespace(session=session, iopub_socket=None, get_parent=dict)

    def display(box, display_id):
        front_end.box = box
        return SimpleNamespace(update=lambda data, metadata, raw: setattr(front_end, "final", data))

    shell = SimpleNamespace(kernel=kernel)
    for module in ["view"] if OLD else ["view", "subshell"]:
        monkeypatch.setattr(f"utils.training.{module}.get_ipython", lambda: shell)
    monkeypatch.setattr(view, "display", display)
    return front_end


class TestView:
    @pytest.mark.skipif(OLD, reason="ipywidgets 7 has no Stop button: no click arrives while a cell runs")
    def test_the_stop_button_ends_the_run(self, notebook):
        x, y = make_data()
        calls = []

        def loss_fn(output, target):
            calls.append(1)
            if len(calls) == 20:
                controls, *_ = notebook.box.children
                controls.children[0].click()
            return F.cross_entropy(output, target)

        history = fit(make_net(), x, y, steps=500, loss_fn=loss_fn)
        assert (history.steps, history.stopped) == (20, True)
        assert "Stopped after 20 steps" in notebook.final["text/plain"]

    def test_where_no_click_arrives_words_stand_in_its_place(self, notebook, monkeypatch):
        monkeypatch.setattr(view, "OLD", True)
        fit(make_net(), *make_data(), steps=2)
        first, *_ = notebook.box.children[0].children
        assert first.value == "To stop, interrupt the cell."

    def test_the_picture_follows_the_run(self, notebook, monkeypatch):
        monkeypatch.setattr(view, "RAREST", 0)
        x, y = make_data()
        pictures, told = [], []

        def loss_fn(output, target):
            controls, scroller, _ = notebook.box.children
            image, words = scroller.children[0].children
            pictures.append((image.value, controls.children[1].value))
            told.append(words.value)
            return F.cross_entropy(output, target)

        fit(make_net(), x, y, steps=6, loss_fn=loss_fn)
        assert len({picture for picture, _ in pictures}) == 6
        assert [progress for _, progress in pictures] == list(range(6))
        assert len(set(told)) == 6 and all("training loss" in words.lower() for words in told)

    def test_the_last_picture_says_how_each_net_did(self, notebook):
        x, y = make_data()
        histories = race({"one": make_net(), "two": make_net(1, hidden=4)}, x, y, steps=40, title="A race")
        image = Image.open(BytesIO(base64.b64decode(notebook.final["image/png"])))
        assert image.width == 900
        for name, history in histories.items():
            assert f"{name}: {history}." in notebook.final["text/plain"]

    def test_an_error_leaves_no_dead_widget(self, notebook):
        x, y = make_data()
        with pytest.raises(ZeroDivisionError):
            fit(make_net(), x, y, loss_fn=lambda output, target: 1 / 0)
        assert notebook.box.comm is None

    def test_a_bar_shows_no_curve_and_can_be_stopped(self, notebook):
        x, y = make_data()
        seen = []

        def loss_fn(output, target):
            controls, _ = notebook.box.children
            seen.append(controls.children[1].value)
            if len(seen) == 20:
                controls.children[0].click()
            return F.cross_entropy(output, target)

        history = fit(make_net(), x, y, steps=500, loss_fn=loss_fn, live="bar", title="In silence")
        assert (history.steps, history.stopped) == (20, True)
        assert notebook.final == {"text/plain": "In silence: stopped after 20 steps."}

    def test_before_a_lecture_a_chart_waits_for_its_start_and_a_bar_does_not(self, notebook, monkeypatch):
        """The page of a lecture asks for it with its request, so the cell runs when it is run again."""
        kernel = view.get_ipython().kernel
        monkeypatch.setattr(kernel, "get_parent", lambda: {"metadata": {"training": "wait"}})
        x, y = make_data()
        bar = fit(make_net(), x, y, steps=5, live="bar")
        shown = []
        monkeypatch.setattr(view, "display", lambda data, **settings: shown.append(data))
        net = make_net()
        start = copy.deepcopy(net.state_dict())
        runs = race({"one": net}, x, y, steps=5, title="A <race>", record={"norm": lambda net: 1 / 0}, until=lambda net: 1 / 0)
        assert (bar.steps, bar.stopped) == (5, False)
        assert runs.stopped and (runs["one"].steps, runs["one"].loss, runs["one"].reached) == (0, [], False)
        assert all(torch.equal(value, start[name]) for name, value in net.state_dict().items())
        button, picture = shown
        assert "lecture-start" in button["text/html"] and "A &lt;race&gt;: one; 5 steps." in button["text/html"]
        assert "image/png" in picture
        monkeypatch.setattr(kernel, "get_parent", dict)
        monkeypatch.setattr(view, "display", lambda box, display_id: SimpleNamespace(update=lambda *_, **__: None))
        assert race({"one": net}, x, y, steps=5)["one"].steps == 5

    def test_a_bar_does_not_call_a_goal_a_stop(self, notebook):
        x, y = make_data()
        history = fit(make_net(), x, y, steps=50, until=lambda net: True, live="bar", title="In silence")
        assert history.reached and notebook.final == {"text/plain": "In silence: 0 steps."}

    def test_live_can_be_switched_off(self, notebook):
        x, y = make_data()
        fit(make_net(), x, y, steps=3, live=False)
        assert notebook.box is None

    @pytest.mark.parametrize("steps", [1, 7, 150, 151, 1000])
    def test_curves_keep_their_mean(self, steps):
        loss = list(np.random.default_rng(0).uniform(1, 2, steps))
        ax = Figure().subplots()
        caption = view.draw_losses(ax, {"net": loss}, steps, "A run")
        drawn = ax.lines[0].get_ydata()
        assert len(drawn) <= view.POINTS
        stride = math.ceil(steps / view.POINTS)
        assert drawn[0] == pytest.approx(np.mean(loss[:stride]))
        assert (f"mean of {stride} steps" in caption) == (stride > 1)

    @pytest.mark.parametrize("sick", [[2.0, 1e30, math.inf], [1e5, 1e30, math.inf]])
    def test_an_explosion_does_not_flatten_the_others(self, sick):
        ax = Figure().subplots()
        view.draw_losses(ax, {"fine": [2.0, 1.5, 1.0], "sick": sick}, 3, "A race")
        assert 2 < ax.get_ylim()[1] < 15

    def test_eight_nets_look_different(self):
        ax = Figure().subplots()
        view.draw_losses(ax, {f"net {i}": [2.0, 1.0] for i in range(8)}, 2, "A race")
        assert len({(line.get_color(), line.get_linestyle(), line.get_marker()) for line in ax.lines}) == 8

    def test_neither_does_one_that_starts_from_far_above(self):
        ax = Figure().subplots()
        view.draw_losses(ax, {"fine": [2.0, 1.5], "well": [2.5, 1.0], "high": [100.0, 2.0]}, 2, "A race")
        assert 2.5 < ax.get_ylim()[1] < 20


@pytest.mark.slow
def test_a_script_prints_nothing():
    code = (
        "import torch; from torch import nn; from utils.training.loop import fit\n"
        "fit(nn.Linear(3, 2), torch.randn(9, 3), torch.ones(9).long(), steps=5)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""


@pytest.mark.slow
def test_runs_unattended_and_leaves_a_picture():
    nb = nbformat.v4.new_notebook()
    nb.cells = [
        nbformat.v4.new_code_cell(
            "import torch; from torch import nn; from utils.training.loop import fit\n"
            "history = fit(nn.Linear(3, 2), torch.randn(9, 3), torch.ones(9).long(), steps=200)"
        ),
        nbformat.v4.new_code_cell("print(history.steps)"),
    ]
    NotebookClient(nb, timeout=120, store_widget_state=False).execute()
    (output,) = nb.cells[0].outputs
    assert set(output.data) == {"image/png", "text/plain"}
    assert "Last loss" in output.data["text/plain"]
    assert nb.cells[1].outputs[0].text == "200\n"


@pytest.mark.slow
def test_an_unwatched_training_loads_neither_widgets_nor_matplotlib():
    program = ("import sys, torch\nfrom utils.training.loop import fit\n"
               "fit(torch.nn.Linear(2, 2), torch.zeros(4, 2), torch.zeros(4).long(), steps=1, live=False)\n"
               "print(sorted({'ipywidgets', 'IPython', 'matplotlib'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
