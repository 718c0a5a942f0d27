"""A scene becomes a picture (`show`), a live widget (`explore`), or a question with a reveal (`predict`).

A scene is a function `scene(ax, **params)` that draws on matplotlib axes and may return one sentence, its caption;
see `utils.figures.canvas`.
"""

import functools
import gc
import html

import ipywidgets as widgets
import numpy as np
from IPython.display import display

from utils import progress
from utils.figures import style
from utils.figures.canvas import Canvas
from utils.figures.narrow import is_narrow
from utils.widgets.controls import check_parameters, make_control
from utils.widgets.hands import Hands, labelled
from utils.widgets.picture import Picture, draw_scene
from utils.widgets.versions import focus, set_tooltip

CARD = 3  # inches: the height of a question with its options in a saved notebook


def show(scene, *data, panels=1, size=None, **params):
    """Display the picture of `scene(ax, *data, **params)`, with its text alternative.

    A drawing is a scene, too: `show(plots.draw_bars, moved, xlabel="distance moved")`.

    Raises SceneError if the scene raises, ValueError if it has no such parameter.
    """
    check_parameters(scene, params)
    canvas = Canvas(panels, size)
    drawing = functools.wraps(scene)(lambda axes, **given: scene(axes, *data, **given)) if data else scene
    draw_scene(canvas, drawing, params)
    data, metadata = canvas.bundle()
    display(data, metadata=metadata, raw=True)


def explore(scene, *, panels=1, size=None, **controls):
    """Display `scene` as a live widget, with one control for each keyword.

    Args:
        scene: the scene; its parameters without a control keep their defaults.
        panels, size: see `utils.figures.canvas.Canvas`.
        controls: ipywidgets' abbreviations, as in `interact`: (min, max), (min, max, step), a list, a dict, True, a
            number, a text, a widget, or `fixed(value)`. The scene's own defaults are the initial values.

    Raises ValueError for a control that cannot be built. A scene that fails is told in the widget, until a move succeeds.
    """
    display(Explorer(scene, panels=panels, size=size, **controls))


def predict(question, scene, guess, *, right=None, panels=1, size=None, **params):
    """Ask for a guess, then show `scene(ax, guess=value, **params)` with the guess drawn on it.

    Args:
        question: what to predict, one or two sentences.
        guess: a list of options, or any other abbreviation of a control. In lecture mode a list asks for the number
            of hands for each option; the one with most hands is the guess, and the reveal shows all counts as bars.
        right: the value of the right option: the reveal names it, and says whether the guess was right.
    """
    display(Prediction(question, scene, guess, right=right, panels=panels, size=size, **params))


class Explorer(Picture):
    """A scene, its controls above it, and its picture, which follows them. narrow: as for `Canvas`."""

    def __init__(self, scene, *, panels=1, size=None, narrow=False, **controls):
        check_parameters(scene, controls)
        self.controls = {name: make_control(scene, name, control) for name, control in controls.items()}
        visible = [control for control in self.controls.values() if isinstance(control, widgets.DOMWidget)]
        bar = widgets.Box(visible, layout=widgets.Layout(flex_flow="row wrap", grid_gap="2px 24px"))
        super().__init__(scene, [bar] if visible else [], panels, size, narrow)
        for control in visible:
            control.observe(self._follow, "value")
        self._follow()
        if not gc.get_freeze_count():  # else the collector would walk through all of torch every twentieth move, for 0.1 s
            gc.collect()
            gc.freeze()

    def values(self):
        """Return the value of each control, by the name of its parameter."""
        return {name: control.value for name, control in self.controls.items()}

    def _follow(self, _change=None):
        # Drawn here and now: the browser holds back and merges further moves until this one is answered, so no
        # queue of stale frames can form.
        with self.lock:
            values = self.values()
            # So that whoever only hears the words knows which picture they are of.
            state = ", ".join(f"{name.replace('_', ' ')} {_say(value)}" for name, value in values.items())
            self.draw(self.scene, values, f"{state}.")


class Prediction(Picture):
    """A question, a control for the guess, and a button that reveals the result. narrow: as for `Canvas`."""

    def __init__(self, question, scene, guess, *, right=None, panels=1, size=None, narrow=False, **params):
        check_parameters(scene, {"guess": None, **params})
        self.question, self.params, self.right = question, params, right
        self.labels = labelled(guess) if isinstance(guess, (list, dict)) else []
        if self.labels and style.in_lecture():
            self.guess = Hands(guess, right)
        elif self.labels:
            self.guess = widgets.RadioButtons(options=guess, value=None, layout=widgets.Layout(width="auto"))
            set_tooltip(self.guess, question)
        else:
            self.guess = make_control(scene, "guess", guess)
            self.guess.description = "Your guess"
            set_tooltip(self.guess, question)
        self.button = widgets.Button(description="Reveal", icon="eye", button_style="primary")
        self.button.disabled = self.guess.value is None
        self.again = widgets.Button(description="Guess again", icon="undo", layout=widgets.Layout(display="none"))
        self.outcome = widgets.HTML()
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 12px")
        buttons = widgets.Box([self.button, self.again, self.outcome], layout=wrap)
        super().__init__(scene, [widgets.HTML(f"<b>{html.escape(question)}</b>"), self.guess, buttons], panels, size, narrow)
        self._ask()
        self.guess.observe(self._allow, "value")
        self.button.on_click(self._reveal)
        self.again.on_click(self._ask)

    def _ask(self, pressed=None):
        """Show the question, and take a guess, the first or a further one."""
        with self.lock:
            self.draw(_question_card, {"question": self.question, "by_hands": isinstance(self.guess, Hands)})
        self.outcome.value, self.again.layout.display = "", "none"
        self.guess.disabled, self.button.disabled = False, self.guess.value is None
        if isinstance(self.guess, Hands):
            self.guess.ask()
        if pressed:
            _hand_focus(self.button)

    def saved(self):
        """Return what a saved notebook shows: until the answer is revealed, the question with its options."""
        if not self.labels or self.outcome.value:
            return super().saved()
        card = Canvas(size=(self.canvas.size[0], CARD), narrow=self.canvas.narrow)
        draw_scene(card, _question_card, {"question": self.question, "options": [label for label, _ in self.labels]})
        return card.bundle()

    def _name(self, value):
        """Return an option as the learner reads it, up to its remark; a value without options as a number."""
        return next((label.split(":")[0] for label, option in self.labels if option == value), _say(value))

    def _whose(self):
        return "most hands" if isinstance(self.guess, Hands) else "your guess"

    def _judged(self):
        """Say in words what was guessed, and, if it is known, what is right."""
        told = f"Revealed. {self._whose().capitalize()}: {self._name(self.guess.value)}."
        if self.right is None:
            return told
        if self.guess.value == self.right:
            return f"{told} ✔ That is right."
        return f"{told} ✘ Not this one; right is: {self._name(self.right)}."

    def _allow(self, change):
        self.button.disabled = change["new"] is None

    def _reveal(self, _button):
        with self.lock:
            scene = _with_named_guess(self.scene, f"{self._whose()}: {self._name(self.guess.value)}")
            self.draw(scene, {"guess": self.guess.value, **self.params}, self._judged())
        self.guess.disabled = self.button.disabled = self.error is None
        if self.error is None:
            # Not a live region: the words below the picture are one, and say the same first.
            self.outcome.value = f'<b class="prediction-outcome">{html.escape(self._judged())}</b>'
            self.again.layout.display = None
            _hand_focus(self.again)
            progress.record(progress.PREDICTION, self.question)
            if isinstance(self.guess, Hands):
                self.guess.reveal()


def _hand_focus(button):
    """Give a button the focus of one that was pressed and is disabled or hidden now, which would lose it to the page.

    On a slide the cell gets it (teaching/labextension), so that the next key turns the slide.
    """
    if not style.in_lecture():
        focus(button)


def _with_named_guess(scene, name):
    """Return the scene, with `name` in place of "your guess" in its legends: an axis may count in other units."""
    @functools.wraps(scene)
    def named(axes, **params):
        caption = scene(axes, **params)
        for ax in np.ravel(axes):
            for text in ax.get_legend().get_texts() if ax.get_legend() else ():
                if text.get_text() == "your guess":
                    text.set_text(name)
        return caption

    return named


def _question_card(axes, question, options=(), by_hands=False):
    """Draw the question where the answer will stand, and how it is answered.

    options: for paper, where no controls show them; by_hands: in a hall.
    """
    for ax in np.ravel(axes):
        ax.set_axis_off()
    figure = np.ravel(axes)[0].figure
    asked, told = (0.85, 0.1) if options else (0.6, 0.25)
    figure.text(0.5, asked, question, ha="center", va="center", wrap=True, fontsize="large")
    if options:
        listed = "\n".join(f"○  {option}" for option in options)
        figure.text(0.1 if is_narrow(figure.axes[0]) else 0.3, 0.48, listed, va="center", linespacing=1.4, parse_math=False)
    way = "Type how many hands go up for each answer, then reveal it." if by_hands else "Guess first, then reveal the answer."
    figure.text(0.5, told, way, ha="center", va="center", color=style.GREY, wrap=True)


def _say(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)
