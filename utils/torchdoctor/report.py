"""How a diagnosis looks: as text, as a table, as a picture with words."""

import math
from html import escape

import numpy as np
from matplotlib.ticker import MaxNLocator

from utils.figures import style
from utils.figures.canvas import Canvas
from utils.figures.plots import draw_lines, set_log_limits

from . import thresholds

COLUMNS = {  # heading -> how to write a layer's number
    "gradient": lambda layer: _number(layer.gradient_norm, "{:.1e}"),
    "update/weight": lambda layer: "frozen" if layer.frozen else _number(layer.update_ratio, "{:.1e}"),
    "mean of a": lambda layer: _number(layer.activation_mean, "{:.2g}"),
    "std of a": lambda layer: _number(layer.activation_std, "{:.2g}"),
    "saturated": lambda layer: _number(layer.saturated, "{:.0%}"),
    "dead": lambda layer: _number(layer.dead, "{:.0%}"),
}
MOST_ROWS = 40  # of the table in a terminal: the first and the last layers


def as_text(verdict, findings, exam):
    """Return the report as plain text: the verdict, each finding with its remedy, the table."""
    lines = [f"Verdict: {verdict}"]
    for number, finding in enumerate(findings, 1):
        lines += [f"{number}. {finding.kind}: {finding.sentence}.",
                  f"   Remedy: {finding.remedy}. ({_chapters(finding)})"]
    lines += [_remarks(exam), ""]
    rows = [["", "layer", "type", *_headings(exam)], *_rows(exam)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(w) if i in (1, 2) else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip()
             for row in rows]
    if len(table) > MOST_ROWS:
        half = MOST_ROWS // 2
        table = [*table[:half], f"... {len(table) - 2 * half} more ...", *table[-half:]]
    return "\n".join(lines + table)


def as_html(verdict, findings, exam):
    """Return the report as HTML: the verdict, each finding with its remedy, the table of the layers."""
    ink = "#1B5E20" if verdict == "healthy" else "#8A2D00"
    sick = {name for finding in findings[:1] for name in finding.layers}
    mark = "✔" if verdict == "healthy" else "✘"
    parts = [
        f'<div style="border-left: 4px solid {ink}; padding: 0.2em 0.8em">',
        f'<strong style="color: {ink}; font-size: 120%">{mark} {escape(verdict)}</strong>',
    ]
    if findings:
        items = (f"<li><strong>{escape(f.kind)}</strong>: {escape(f.sentence)}.<br>Remedy: {escape(f.remedy)}. "
                 f"<em>{escape(_chapters(f))}</em></li>" for f in findings)
        parts.append(f'<ol style="margin: 0.4em 0">{"".join(items)}</ol>')
    parts.append(f"<div>{escape(_remarks(exam))}</div></div>")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in ("", "layer", "type", *_headings(exam)))
    body = ""
    for row in _rows(exam):
        weight = ' style="font-weight: bold"' if row[1] in sick else ""
        body += f"<tr{weight}>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    caption = "Layers; bold: where the first finding sits" if sick else "Layers"
    parts.append(f'<div style="max-height: 24em; overflow: auto"><table><caption>{caption}</caption><thead><tr>{head}</tr>'
                 f"</thead><tbody>{body}</tbody></table></div>")
    return "".join(parts)


def picture(findings, exam):
    """Return a `Canvas` with the picture of the report: gradients by layer; and shares, or the memory of an RNN."""
    canvas = Canvas(panels=2)
    canvas.draw(lambda axes: draw_report(axes, findings, exam))
    return canvas


def compare(before, after):
    """Return a `Canvas` with the gradients by layer of two `Examination`s of the same layers, before and after a remedy."""
    curves = {name: [layer.gradient_norm for layer in exam.layers] for name, exam in (("before", before), ("after", after))}

    def scene(ax):
        draw_lines(ax, curves, xlabel="layer (1 is next to the input)", ylabel="gradient norm ‖∂C/∂z‖", log=True)
        ax.set_title("Gradient by layer, before and after the remedy")

    canvas = Canvas()
    canvas.draw(scene)
    return canvas


def draw_report(axes, findings, exam):
    """Draw the gradient norm of every layer beside the share of dead and saturated units, or a recurrent layer's memory."""
    norms = np.array([layer.gradient_norm for layer in exam.layers])
    at = np.arange(1, len(norms) + 1)
    finding = next((f for f in findings if "in time" not in f.kind and "step" not in f.kind), None)
    sick = finding.layers if finding else ()
    marked = np.array([layer.name in sick for layer in exam.layers])
    shown = np.where(np.isfinite(norms) & (norms > 0), norms, np.nan)
    left, right = axes
    last = next((norm for norm in norms[::-1] if norm > 0 and math.isfinite(norm)), 1.0)
    left.axhspan(last * thresholds.VANISHED, last * thresholds.EXPLODED, color=style.HEALTHY, alpha=0.12, linewidth=0)
    left.plot(at, shown, "o-", color=style.MEASURED, linewidth=1, label="gradient norm")
    if marked.any():
        left.plot(at[marked], shown[marked], "X", color=style.ALARM, markersize=9, label=finding.kind)
    set_log_limits(left, np.concatenate([shown, [last * thresholds.VANISHED, last * thresholds.EXPLODED]]), 2)
    left.set(xlabel="layer (1 is next to the input)", ylabel="gradient norm ‖∂C/∂z‖", title="Gradient by layer",
             xlim=(0, len(norms) + 1))
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.legend(loc="best")
    memories = {layer.name: layer.through_time.numpy() for layer in exam.layers if layer.through_time is not None}
    if memories:
        for i, (name, memory) in enumerate(memories.items()):
            right.plot(np.arange(1, len(memory) + 1), np.where(memory > 0, memory, np.nan), color=style.CYCLE[i % 8],
                       linestyle=style.DASHES[i % 8], label=name)
        set_log_limits(right, np.concatenate(list(memories.values())), 2)
        right.set(xlabel="step", ylabel="‖∂h_last/∂x_step‖", title="Memory: what the last step hears")
    else:
        for name, look in (("saturated", {"color": style.PURPLE, "marker": "s"}), ("dead", {"color": style.BLACK, "marker": "v"})):
            right.plot(at, [getattr(layer, name) for layer in exam.layers], linewidth=1, label=name, **look)
        right.set(xlabel="layer (1 is next to the input)", ylabel="share of the units", title="Saturated and dead units",
                  ylim=(-0.03, 1.03), xlim=(0, len(norms) + 1))
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.legend(loc="best")
    found = ", ".join(finding.kind for finding in findings) or "healthy"
    return f"Found: {found}. The shaded band is healthy: from {thresholds.VANISHED:g} to {thresholds.EXPLODED:g} times the last layer's."


def _remarks(exam):
    told = [f"The loss is {exam.loss:.3g}: {exam.loss_name}."]
    frozen = [layer.name for layer in exam.layers if layer.frozen]
    if frozen:
        told.append(f"Frozen: {', '.join(frozen)}.")
    beside = [layer.name for layer in exam.layers if not layer.reached]
    if beside:
        told.append(f"The loss does not depend on: {', '.join(beside)}.")
    if exam.unused:
        told.append(f"Not called: {', '.join(exam.unused)}.")
    if exam.closed:
        told.append(f"0 for now, until the first step: {', '.join(exam.closed)}.")
    told.append("Updates are those of plain gradient descent" + (
        ", for each 1 of learning rate: no lr was given." if exam.lr is None else f" with lr = {exam.lr:g}."))
    return " ".join(told)


def _headings(exam):
    return [name + " per lr" if name == "update/weight" and exam.lr is None else name for name in COLUMNS]


def _rows(exam):
    return [[str(layer.number), layer.name, layer.type, *(write(layer) for write in COLUMNS.values())] for layer in exam.layers]


def _chapters(finding):
    return f"chapter{'s' if ',' in finding.chapter else ''} {finding.chapter}"


def _number(value, form):
    return "-" if math.isnan(value) else form.format(value)
