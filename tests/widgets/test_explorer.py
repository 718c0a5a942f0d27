import base64
import io
import threading

import ipywidgets as widgets
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image

from utils.figures import style
from utils.widgets.explorer import CARD, Explorer, Prediction, explore, predict, show
from utils.widgets.picture import SceneError
from utils.widgets.versions import OLD, tooltip_of


@pytest.fixture(autouse=True)
def shell():
    """What a cell displays goes through IPython's shell, which a test has to start."""
    return InteractiveShell.instance()


def waves(ax, frequency=2, sigma_w=1.0, shape="sine", grid=True):
    x = np.linspace(0, 1, 50)
    function = {"sine": np.sin, "cosine": np.cos}[shape]
    ax.plot(x, sigma_w * function(frequency * x), label="wave")
    ax.set(xlabel="time", title="A wave", ylim=(-4, 4))
    ax.grid(grid)
    period = 1 / frequency  # a learner's mistake, at frequency 0
    return f"Frequency {frequency}, period {period:.2f}."


def pixels(widget):
    return np.asarray(Image.open(io.BytesIO(widget.canvas.png())).convert("RGB"), dtype=int)


def test_show_displays_a_picture_with_its_alternative_text():
    with capture_output() as captured:
        assert show(waves, frequency=3) is None
    (output,) = captured.outputs
    image = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    assert image.size == (900, 380)
    assert "Frequency 3," in output.data["text/plain"]
    assert output.metadata["image/png"]["alt"] == output.data["text/plain"]


def test_a_drawing_with_its_data_is_a_scene_to_show():
    def bars(ax, heights, width=0.5):
        ax.bar(list(heights), heights.values(), width)
        return f"{len(heights)} bars of width {width}."

    with capture_output() as captured:
        show(bars, {"a": 1, "b": 2}, width=0.25)
    assert "2 bars of width 0.25." in captured.outputs[0].data["text/plain"]
    with pytest.raises(ValueError, match="bars has no parameter 'high'; its parameters are: heights, width"):
        show(bars, {"a": 1}, high=2)


def test_show_raises_what_a_learner_can_read_in_one_line(shell):
    with pytest.raises(SceneError, match=r"waves could not be drawn: ZeroDivisionError.*\(line 7 of the scene\)") as info:
        show(waves, frequency=0)
    assert isinstance(info.value.__cause__, ZeroDivisionError)
    shell.push({"error": info.value})
    with capture_output() as captured:
        shell.run_cell("raise error")
    assert captured.stdout.strip().splitlines() == [f"SceneError: {info.value}"]


def test_the_controls_start_at_the_defaults_of_the_scene():
    explorer = Explorer(waves, frequency=(0, 10), sigma_w=(0.5, 4.0), shape=["sine", "cosine"], grid=True)
    assert explorer.values() == {"frequency": 2, "sigma_w": 1.0, "shape": "sine", "grid": True}
    assert "Frequency 2," in explorer.data.value


@pytest.mark.parametrize(
    "control",
    [
        (1, 10), (1, 9, 1), [2, 3], {"two": 2, "three": 3}, 2, widgets.IntSlider(value=2, min=1, max=5),
        widgets.Dropdown(options=[2, 3]),
    ],
)  # fmt: skip
def test_every_abbreviation_becomes_a_live_control(control):
    explorer = Explorer(waves, frequency=control)
    before = explorer.data.value
    explorer.controls["frequency"].value = 3
    assert explorer.data.value != before
    assert "Frequency 3," in explorer.data.value


def test_no_list_becomes_a_menu():
    """JupyterLab takes a menu's keys for itself; buttons and sliders keep theirs."""
    short, long = (Explorer(waves, frequency=list(range(n))).controls["frequency"] for n in (5, 6))
    assert isinstance(short, widgets.ToggleButtons) and isinstance(long, widgets.SelectionSlider)
    assert short.value == long.value == 2


def test_a_log_slider_and_a_fixed_value():
    log = widgets.FloatLogSlider(value=1.0, min=-2, max=1)
    explorer = Explorer(waves, frequency=widgets.fixed(4), sigma_w=log)
    before = pixels(explorer)
    log.value = 3.0
    assert explorer.values() == {"frequency": 4, "sigma_w": 3.0}
    assert (pixels(explorer) != before).any()


@pytest.mark.parametrize(
    "junk",
    [
        {"frequency": (10, 1)}, {"frequency": (5, 9)}, {"frequency": (1, 2, 3, 4)}, {"frequency": object()},
        {"frequency": []}, {"frequency": None}, {"frequency": ("a", "b")}, {"shape": ["cosine"]}, {"speed": (0, 1)},
        {"sigma_w": (0.0, 0.5)}, {"frequency": float("nan")}, {"frequency": int},
    ],
)  # fmt: skip
def test_a_bad_control_gets_one_clear_sentence(junk):
    with pytest.raises(ValueError) as info:
        Explorer(waves, **junk)
    assert next(iter(junk)) in str(info.value)
    assert "\n" not in str(info.value)


def test_an_exception_shows_one_message_keeps_the_picture_and_passes():
    explorer = Explorer(waves, frequency=(0, 10))
    last = explorer.data.value
    explorer.controls["frequency"].value = 0
    assert "waves could not be drawn: ZeroDivisionError: division by zero (line 7 of the scene)" in explorer.message.value
    assert explorer.message.layout.display != "none"
    assert explorer.data.value == last
    explorer.controls["frequency"].value = 5
    assert explorer.error is None
    assert explorer.message.layout.display == "none"
    assert explorer.data.value != last


def test_a_first_picture_that_fails_is_told_once_in_a_live_widget_until_the_next_good_move(monkeypatch):
    def fails_first(ax, k=0):
        ax.plot([0, 1 / k])

    shown = []
    monkeypatch.setattr("utils.widgets.explorer.display", shown.append)
    explore(fails_first, k=(0, 3))  # and raises nothing: the cell would say the same a second time, and keep it
    [explorer] = shown
    assert "fails_first could not be drawn" in explorer.message.value
    assert "fails_first could not be drawn" in explorer._repr_mimebundle_()["text/plain"]
    explorer.controls["k"].value = 2
    assert explorer.message.value == "" and explorer.message.layout.display == "none" and explorer.data.value


def test_a_message_is_text_and_not_markup():
    def fails(ax, k=1):
        if k == 2:
            raise ValueError("<script>alert(1)</script>")

    explorer = Explorer(fails, k=(1, 3))
    explorer.controls["k"].value = 2
    assert "<script>" not in explorer.message.value


def test_a_saved_notebook_has_a_picture_beside_the_widget():
    with capture_output() as captured:
        explore(waves, frequency=(0, 10))
    (output,) = captured.outputs
    assert "application/vnd.jupyter.widget-view+json" in output.data
    Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))).verify()
    assert output.metadata["image/png"]["alt"] == output.data["text/plain"]


def test_moves_from_two_threads_end_in_the_picture_of_the_last_value():
    """Cells run in the kernel's main thread, and JupyterLab serves widgets in another."""
    first, second = (Explorer(waves, frequency=(0, 10)) for _ in range(2))

    def move(explorer):
        for value in (3, 4, 5, 6):
            explorer.controls["frequency"].value = value

    threads = [threading.Thread(target=move, args=[explorer]) for explorer in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (pixels(first) == pixels(second)).all()
    expected = Explorer(waves, frequency=(0, 10))
    expected.controls["frequency"].value = 6
    assert (pixels(first) == pixels(expected)).all()


def test_every_control_has_a_name():
    explorer = Explorer(waves, frequency=(0, 10), sigma_w=(0.5, 4.0))
    assert explorer.controls["frequency"].description == "frequency"
    assert explorer.controls["sigma_w"].description == ("σ_w" if OLD else r"$\sigma_{w}$")
    assert tooltip_of(explorer.controls["sigma_w"]) == "sigma w"
    assert "frequency 2, sigma w 1." in explorer.data.value


def guessed(ax, guess, truth=5):
    ax.bar(["your guess", "measured"], [float(guess), truth])
    return f"You said {guess}; it is {truth}."


@pytest.mark.parametrize("guess, value", [((0, 10), 7), (["1", "5"], "5"), ({"one": 1, "five": 5}, 1)])
def test_a_prediction_is_drawn_only_after_the_guess(guess, value):
    prediction = Prediction("How many?", guessed, guess)
    card, data = prediction.data.value, prediction._repr_mimebundle_()[0]
    assert "How many?" in data["text/plain"] and "it is" not in data["text/plain"]
    prediction.guess.value = value
    assert prediction.data.value == card
    prediction.button.click()
    assert prediction.data.value != card
    assert f"You said {value}; it is 5." in prediction.data.value
    assert prediction.guess.disabled and prediction.button.disabled


@pytest.mark.parametrize("guess", [{"one in 2": 1, "five of 7": 5}, [("one in 2", 1), ("five of 7", 5)]])
def test_a_saved_question_lists_its_options_and_not_the_answer(guess):
    prediction = Prediction("How many?", guessed, guess, right=5)
    data, metadata = prediction._repr_mimebundle_()
    assert data["text/plain"] == "How many? ○ one in 2 ○ five of 7. Guess first, then reveal the answer."
    assert metadata["image/png"]["alt"] == data["text/plain"]
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as saved:
        assert saved.size == (prediction.canvas.size[0] * style.DPI, CARD * style.DPI)
    assert "one in" not in prediction.data.value  # beside live controls they would stand twice
    prediction.guess.value = prediction.labels[0][1]
    prediction.button.click()
    assert "it is 5" in prediction._repr_mimebundle_()[0]["text/plain"]
    prediction.again.click()
    assert "○ one in" in prediction._repr_mimebundle_()[0]["text/plain"]


def test_nothing_is_revealed_before_a_choice():
    prediction = Prediction("Which?", guessed, ["1", "5"])
    assert prediction.button.disabled
    prediction.guess.value = "1"
    assert not prediction.button.disabled


def test_a_prediction_whose_scene_fails_can_be_tried_again():
    def picky(ax, guess):
        ax.plot([1 / guess])

    prediction = Prediction("How many?", picky, widgets.IntSlider(value=0, min=0, max=3))
    prediction.button.click()
    assert "ZeroDivisionError" in prediction.message.value
    prediction.guess.value = 2
    prediction.button.click()
    assert prediction.error is None and prediction.guess.disabled


@pytest.mark.parametrize("value, told", [
    (1e-3, "Revealed. Your guess: 1/1000 of it. ✘ Not this one; right is: half of it."),
    (0.5, "Revealed. Your guess: half of it. ✔ That is right."),
])  # fmt: skip
def test_the_reveal_says_in_words_whether_the_guess_was_right(value, told):
    options = [("1/1000 of it", 1e-3), ("half of it: hardly less", 0.5)]
    prediction = Prediction("How many?", guessed, options, right=0.5)
    prediction.guess.value = value
    assert prediction.outcome.value == "" and prediction.again.layout.display == "none"
    prediction.button.click()
    assert told in prediction.outcome.value and told in prediction.data.value
    assert prediction.again.layout.display is None


def test_without_a_right_option_the_guess_is_repeated_and_not_judged():
    prediction = Prediction("How many?", guessed, (0, 10))
    prediction.guess.value = 7
    prediction.button.click()
    assert "Revealed. Your guess: 7." in prediction.outcome.value and "right" not in prediction.outcome.value


def test_one_can_guess_again():
    prediction = Prediction("How many?", guessed, ["1", "5"], right="5")
    card = prediction.data.value
    prediction.guess.value = "1"
    prediction.button.click()
    prediction.again.click()
    assert prediction.data.value == card and "it is 5" not in prediction.data.value and prediction.outcome.value == ""
    assert not prediction.guess.disabled and not prediction.button.disabled
    prediction.guess.value = "5"
    prediction.button.click()
    assert "✔ That is right." in prediction.outcome.value and prediction.button.disabled


def test_the_legend_names_the_guess_as_the_option_does():
    def crossed(ax, guess):
        ax.plot([1], [guess * 20], "X", label="your guess")
        ax.legend()
        texts.append(ax.get_legend().get_texts()[0])

    texts = []
    prediction = Prediction("How large?", crossed, [("a tenth of the last: small", 0.1), ("the same", 1.0)])
    prediction.guess.value = 0.1
    prediction.button.click()
    assert texts[-1].get_text() == "your guess: a tenth of the last"


def test_a_scene_of_a_prediction_that_fails_names_its_line():
    def fails(ax, guess):
        return 1 / 0

    prediction = Prediction("Which?", fails, ["a", "b"])
    prediction.guess.value = "a"
    prediction.button.click()
    assert "fails could not be drawn: ZeroDivisionError: division by zero (line 2 of the scene)" in prediction.message.value
    assert prediction.outcome.value == "" and prediction.again.layout.display == "none"


def test_predict_needs_a_scene_that_takes_the_guess():
    with pytest.raises(ValueError, match="guess"):
        predict("How many?", waves, (0, 10))


@pytest.mark.parametrize("name, label, plain", [
    ("n_layers", "n layers", "n layers"), ("area_squared", "area squared", "area squared"),
    ("sigma_w", r"$\sigma_{w}$", "σ_w"), ("sigma_w_squared", r"$\sigma_{w}^2$", "σ_w²"),
    ("beta", r"$\beta$", "β"), ("lambda_squared", r"$\lambda^2$", "λ²"),
])  # fmt: skip
def test_a_control_is_labelled_as_one_writes_its_parameter(name, label, plain):
    explorer = Explorer(lambda ax, **controls: None, **{name: widgets.IntSlider()})
    assert explorer.controls[name].description == (plain if OLD else label)
