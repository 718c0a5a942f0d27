"""What widgets say to a front-end, message by message: VS Code and Colab draw ipywidgets' own widgets and no others.

Neither was at hand. Both take what ipywidgets' own widgets say, their state, so nothing else may be said.
"""

import re
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from utils.figures import style
from utils.widgets.explorer import Explorer, Prediction
from utils.widgets.versions import OLD

pytestmark = pytest.mark.skipif(OLD, reason="listens at the package comm, which ipywidgets 7 does without")
UTILS = Path(__file__).resolve().parents[2] / "utils"
WITH_WIDGETS = {"training/view.py", "widgets/controls.py", "widgets/explorer.py", "widgets/hands.py", "widgets/picture.py",
                "widgets/versions.py"}  # fmt: skip


@pytest.fixture
def said(monkeypatch):
    """The messages that widgets have sent so far: (kind, content) of each."""
    import comm

    from utils.training import subshell

    InteractiveShell.instance()
    messages = []

    def publish(_comm, kind, data=None, metadata=None, buffers=None, **keys):
        messages.append((kind, {**(data or {}), **keys}))

    for kind in (comm.DummyComm, subshell.SubshellComm):
        monkeypatch.setattr(kind, "publish_msg", publish)
    return messages


def scene(ax, depth=3, scale=1.0, name="a", long="a", grid=True, text="x", guess=5):
    ax.plot([0, depth], label=name)
    return f"Depth {depth}."


def explorer(_):
    """Make an explorer with every kind of control, and move it."""
    made = Explorer(scene, depth=(1, 9), scale=(0.1, 2.0), name=["a", "b"], long=list("abcdefg"), grid=True, text="x")
    made.controls["depth"].value = 7


def prediction(_):
    """Guess one of several, reveal, and guess again; and guess with a slider."""
    made = Prediction("Which?", scene, ["one", "two"], right="one")
    made.guess.value = "two"
    made.button.click()
    made.again.click()
    Prediction("How many?", scene, (0, 9)).button.click()


def hall(monkeypatch):
    """Count hands, and reveal."""
    monkeypatch.setenv(style.LECTURE_VARIABLE, "1")
    made = Prediction("Which?", scene, ["one", "two"], right="one")
    made.guess.fields[0].value = 30
    made.button.click()


def training(_):
    """Watch a training, and close it."""
    from utils.training.view import LiveView

    with LiveView(["a net"], 3, "a run") as view:
        view.next_refresh = 0
        view.update(1, {"a net": [1.0]})


def descendants(kind):
    """Yield a class and all that are made from it."""
    yield kind
    for child in kind.__subclasses__():
        yield from descendants(child)


def foreign(messages):
    """Return what of `messages` is not the state of a widget of ipywidgets' own, or its end."""
    import ipywidgets

    own = {(kind._model_module.default_value, kind._model_name.default_value)
           for kind in descendants(ipywidgets.Widget) if kind.__module__.startswith("ipywidgets.")}
    found = []
    for kind, content in messages:
        if kind == "comm_open":
            state = content["state"]
            known = (state["_model_module"], state["_model_name"]) in own and content["target_name"] == "jupyter.widget"
        else:
            focus = content.get("method") == "custom" and content["content"] == {"do": "focus"}  # what any DOMWidget knows
            known = kind == "comm_close" or content.get("method") in ("update", "echo_update") or focus
        if not known:
            found.append((kind, content))
    return found


@pytest.mark.parametrize("show", [explorer, prediction, hall, training])
def test_widgets_are_ipywidgets_own_and_say_nothing_but_their_state(show, said, monkeypatch):
    show(monkeypatch)
    kinds = {kind for kind, _ in said}
    assert {"comm_open", "comm_msg"} <= kinds and len(said) > 10
    assert foreign(said) == []


def test_a_widget_of_another_package_is_found(said):
    import ipywidgets
    from traitlets import Unicode

    class Own(ipywidgets.DOMWidget):
        _model_module = Unicode("a-package").tag(sync=True)

    Own().send({"event": "custom"})
    assert [kind for kind, _ in foreign(said)] == ["comm_open", "comm_msg"]


def test_no_other_module_makes_widgets():
    found = {path.relative_to(UTILS).as_posix() for path in UTILS.rglob("*.py")
             if re.search(r"^\s*(from|import) (ipywidgets|anywidget)\b", path.read_text(encoding="utf-8"), re.MULTILINE)}
    assert found == WITH_WIDGETS
