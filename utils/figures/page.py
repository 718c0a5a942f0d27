"""What the page around live pictures is told: names of controls for a screen reader, dark paper in a dark theme."""

import html
from pathlib import Path

CLASS = "course-widget"  # of a widget that is mended


def write_mending():
    """Return the HTML that mends the widget of class CLASS in which it stands, and gives the page the pictures' style.

    Nothing but an element of the page reaches the handle of a slider: ipywidgets has no trait for its name, in version 7
    as in 8. A `<style>` says when it is in its place, and a widget's HTML may hold one wherever there are widgets.
    """
    script, sheet = (Path(__file__).with_name(f"page.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return f'<style onload="{html.escape(script)}">{sheet}</style>'
