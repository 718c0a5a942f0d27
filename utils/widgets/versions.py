"""What differs between ipywidgets 7, which Google Colab has, and 8: no other module of the course knows the two apart."""

import html

import ipywidgets as widgets

OLD = widgets.__version__.startswith("7.")
_TOOLTIP = "description_tooltip" if OLD else "tooltip"


def tooltip_of(control):
    """Return the name of a control that a screen reader says, and a pointer on it is shown; "" without any."""
    return getattr(control, _TOOLTIP) or ""


def set_tooltip(control, words):
    """Give a control the name that a screen reader says, and a pointer on it is shown."""
    setattr(control, _TOOLTIP, words)


def focus(control):
    """Give a control the keys; ipywidgets 7 cannot."""
    if not OLD:
        control.focus()


def symbol(letter, index, squared):
    """Return a Greek letter as a label has it: LaTeX; ipywidgets 7 typesets it only where a page happens to have MathJax."""
    if OLD:
        return html.unescape(f"&{letter};") + (f"_{index}" if index else "") + ("²" if squared else "")
    power = "^2" if squared else ""
    return rf"$\{letter}_{{{index}}}{power}$" if index else rf"$\{letter}{power}$"


class Shown(widgets.VBox):
    """A box whose `_repr_mimebundle_` says how it is shown, as of any object; in ipywidgets 7 a widget shows itself."""

    if OLD:
        _ipython_display_ = None  # else IPython would ask nothing further

        def _repr_mimebundle_(self, **_):
            view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
            return {"text/plain": repr(self), "application/vnd.jupyter.widget-view+json": view}
