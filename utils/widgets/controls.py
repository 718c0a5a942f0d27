"""The controls of a live widget: an abbreviation such as (2, 40) becomes a labelled slider at the scene's default."""

import inspect

import ipywidgets as widgets

from utils.torchdoctor.errors import WrongType, WrongValue
from utils.widgets.versions import set_tooltip, symbol, tooltip_of

MOST_BUTTONS = 5  # a list of so many options becomes a row of buttons, a longer one a slider

_GREEK = ("alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "lambda", "mu", "rho", "sigma", "tau", "phi")


def name_of(scene):
    """Return the name that a message calls a scene by."""
    return getattr(scene, "__name__", "the scene")


def _parameters(scene):
    return dict(list(inspect.signature(scene).parameters.items())[1:])


def check_parameters(scene, given):
    """Raise WrongType if `scene` is no function, WrongValue if it lacks a parameter of these names."""
    if not callable(scene):
        raise WrongType(f"a scene is a function that draws, such as `def my_scene(ax, depth=10)`, not {scene!r}")
    parameters = _parameters(scene)
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for name in given:
        if name not in parameters:
            has = ", ".join(parameters) or "none"
            raise WrongValue(f"{name_of(scene)} has no parameter {name!r}; its parameters are: {has}")


def make_control(scene, name, abbreviation):
    """Return a labelled widget for an abbreviation, at the scene's own default value."""
    parameter = _parameters(scene).get(name)
    default = inspect.Parameter.empty if parameter is None else parameter.default
    given = isinstance(abbreviation, (widgets.Widget, widgets.fixed))
    try:
        if isinstance(abbreviation, type):
            raise TypeError("a type has no range")
        control = widgets.interactive.widget_from_abbrev(abbreviation, default)
    except Exception as error:
        raise WrongValue(f"{name}={abbreviation!r} is not a control: {error}") from error
    if control is None:
        raise WrongValue(f"{name}={abbreviation!r} is not a control: give (min, max), a list, a dict or a widget")
    if isinstance(control, widgets.fixed):
        return control
    takes_default = isinstance(abbreviation, (tuple, list, dict)) and default is not inspect.Parameter.empty
    if takes_default and not given and control.value != default:
        raise WrongValue(f"{name}={abbreviation!r} does not hold the default of {name_of(scene)}, {default!r}")
    if isinstance(control, widgets.Dropdown) and not given:
        # JupyterLab takes a menu's keys for itself: an arrow leaves the cell, a letter may even delete it.
        if len(control.options) <= MOST_BUTTONS:
            control = widgets.ToggleButtons(options=control.options, value=control.value)
            control.style.button_width = "auto"
            control.add_class("widget-inline-hbox")  # as other controls: the label beside it, not above
        else:
            control = widgets.SelectionSlider(options=control.options, value=control.value)
    if not given:
        control.layout.width, control.layout.max_width = "400px", "calc(100% - 4px)"
        control.style.description_width = "7em"
        if isinstance(control, widgets.FloatSlider):
            control.readout_format = ".3g"
    control.description = control.description or _label(name)
    set_tooltip(control, tooltip_of(control) or name.replace("_", " "))
    return control


def _label(name):
    """Return a parameter's name as it is written: n_layers -> n layers, sigma_w_squared -> $\\sigma_w^2$, typeset."""
    first, _, rest = name.removesuffix("_squared").partition("_")
    if first in _GREEK:
        return symbol(first, rest, squared=name.endswith("_squared"))
    return name.replace("_", " ")
