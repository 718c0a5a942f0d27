"""The answers of a hall: a count of hands for each option, typed in before the reveal and shown as bars after it."""

import html

import ipywidgets as widgets
import traitlets

from utils.figures import style
from utils.widgets.versions import set_tooltip

_LONGEST = 55  # per cent of the width, of the longest bar


def labelled(options):
    """Return the (label, value) of each option, from a list of values or of (label, value), or a dict label -> value."""
    pairs = options.items() if isinstance(options, dict) else options
    return [(str(pair[0]), pair[1]) if isinstance(pair, tuple) else (str(pair), pair) for pair in pairs]


class Hands(widgets.VBox):
    """One number field for each option; `value` is the option with most hands, None as long as no hand is up.

    options: a list of values or of (label, value), or a dict label -> value, as for `ipywidgets.RadioButtons`.
    right: the value of the right option, marked by `reveal`; None if it is not known.
    """

    value = traitlets.Any(None, allow_none=True)
    disabled = traitlets.Bool(False)

    def __init__(self, options, right=None):
        pairs = labelled(options)
        self.labels, self.values = [label for label, _ in pairs], [value for _, value in pairs]
        self.right = right
        self.fields = [self._field(label) for label in self.labels]
        for field in self.fields:
            field.observe(self._count, "value")
        self.box = widgets.Box(self.fields, layout=widgets.Layout(flex_flow="row wrap", grid_gap="2px 24px"))
        super().__init__([self.box])

    def counts(self):
        """Return the number of hands for each option, a list."""
        return [field.value for field in self.fields]

    def ask(self):
        """Show the number fields, in place of the bars if there are any."""
        self.children = [self.box]

    def reveal(self):
        """Show the counts as bars in place of the number fields; the right option, if known, is marked."""
        most = max(1, *self.counts())
        rows = "".join(
            self._bar(label, count, most, right=self.right is not None and value == self.right)
            for label, value, count in zip(self.labels, self.values, self.counts())
        )
        self.children = [widgets.HTML(f'<div role="list" aria-label="hands of the hall">{rows}</div>')]

    @staticmethod
    def _field(label):
        field = widgets.BoundedIntText(value=0, min=0, max=9999, description=label)
        set_tooltip(field, f"hands for: {label}")
        field.style.description_width = "initial"
        field.layout.width = "auto"
        return field

    @staticmethod
    def _bar(label, count, most, right):
        colour, mark = (style.HEALTHY, " ✔ right") if right else (style.GUESS, "")
        width = _LONGEST * count / most
        return (
            '<div role="listitem" style="display:flex; align-items:center; gap:0.6em; line-height:1.35">'
            f'<span style="flex:0 0 30%; text-align:right">{html.escape(label)}</span>'
            f'<span style="width:{width:.1f}%; height:0.9em; background:{colour}"></span>'
            f"<b>{count}{mark}</b></div>"
        )

    def _count(self, _change=None):
        counts = self.counts()
        self.value = self.values[counts.index(max(counts))] if any(counts) else None

    @traitlets.observe("disabled")
    def _disable(self, change):
        for field in self.fields:
            field.disabled = change["new"]
