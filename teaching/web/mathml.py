"""A Sphinx extension: formulas as MathML, which the browser draws itself: no script, nothing to load, read out as formulas."""

import re

from docutils import nodes
from latex2mathml.converter import convert

FUNCTION = re.compile(r"(<mi>(?:ln|log|exp|tanh|sin|cos)</mi>)(?=<m[in])")  # whose argument has no brackets: ln 10


def _renderer(display):
    begin, end = {"inline": ("", ""), "block": ('<span class="course-formula">', "</span>")}[display]

    def visit(translator, node):
        formula = FUNCTION.sub(r'\1<mspace width="0.17em"></mspace>', convert(node.astext(), display=display))
        translator.body.append(begin + formula + end)
        raise nodes.SkipNode

    return visit, None


def keep_together(_app, doctree, _name):
    """Put a formula and the full stop behind it into a box that is not broken: a browser may begin a line with the stop."""
    for formula in list(doctree.findall(nodes.math)):
        behind = formula.next_node(descend=False, siblings=True)
        if isinstance(behind, nodes.Text) and (mark := re.match(r"[.,;:!?)]+", behind)):
            around = formula.parent  # not its `replace`, which takes the first text that says the same
            around[next(i for i, child in enumerate(around) if child is behind)] = nodes.Text(behind[mark.end():])
            box = nodes.inline(classes=["course-together"])
            formula.replace_self(box)
            box += [formula, nodes.Text(mark[0])]


def setup(app):
    """Register the renderer as the one that conf.py chooses: html_math_renderer = "mathml"."""
    app.add_html_math_renderer("mathml", inline_renderers=_renderer("inline"), block_renderers=_renderer("block"))
    app.connect("doctree-resolved", keep_together)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
