"""How a diagnosis reads: as text, and as HTML."""

import math
import sys
from html import escape

COLUMNS = {  # heading -> how to write a layer's number
    "gradient": lambda layer: _number(layer.delta_norm, "{:.1e}"),
    "update/weight": lambda layer: "frozen" if layer.frozen else _number(layer.update_ratio, "{:.1e}"),
    "mean of a": lambda layer: _number(layer.activation_mean, "{:.2g}"),
    "std of a": lambda layer: _number(layer.activation_std, "{:.2g}"),
    "saturated": lambda layer: _number(layer.saturated, "{:.0%}"),
    "dead": lambda layer: _number(layer.dead, "{:.0%}"),
}
MOST_ROWS = 40  # of the table in a terminal: the first and the last layers


def as_text(verdict, findings, remarks, exam):
    """Return the report as plain text: the verdict, each finding with its remedy, the remarks, the table."""
    lines = [f"Verdict: {verdict}"]
    for number, finding in enumerate(findings, 1):
        lines += [f"{number}. {finding.kind}: {finding.sentence}.",
                  f"   Remedy: {finding.remedy}. ({_chapters(finding)})"]
    for remark in remarks:
        lines.append(f"Worth knowing, {remark.kind}: {remark.sentence}.")
        if remark.remedy:
            lines.append(f"   If need be: {remark.remedy}.{_in_brackets(remark)}")
    lines += [_notes(exam), ""]
    rows = [["", "layer", "type", *_headings(exam)], *_rows(exam)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(w) if i in (1, 2) else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip()
             for row in rows]
    if len(table) > MOST_ROWS:
        half = MOST_ROWS // 2
        table = [*table[:half], f"... {len(table) - 2 * half} more ...", *table[-half:]]
    return "\n".join(lines + table)


def as_html(verdict, findings, remarks, exam):
    """Return the report as HTML: the verdict, each finding with its remedy, the remarks, the table of the layers."""
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
    for remark in remarks:
        remedy = f"<br>If need be: {escape(remark.remedy)}.{escape(_in_brackets(remark))}" if remark.remedy else ""
        parts.append(f'<div style="margin: 0.4em 0">Worth knowing, <strong>{escape(remark.kind)}</strong>: '
                     f"{escape(remark.sentence)}.{remedy}</div>")
    parts.append(f"<div>{escape(_notes(exam))}</div></div>")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in ("", "layer", "type", *_headings(exam)))
    body = ""
    for row in _rows(exam):
        weight = ' style="font-weight: bold"' if row[1] in sick else ""
        body += f"<tr{weight}>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    caption = "Layers; bold: where the first finding sits" if sick else "Layers"
    parts.append(f'<div style="max-height: 24em; overflow: auto"><table><caption>{caption}</caption><thead><tr>{head}</tr>'
                 f"</thead><tbody>{body}</tbody></table></div>")
    return "".join(parts)


def in_notebook():
    """Whether pictures can be seen: a kernel of IPython runs this process."""
    ipython = sys.modules.get("IPython")  # not imported: in a script, or where it is not installed, nobody has
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _notes(exam):
    told = [f"The loss is {exam.loss:.3g}: {exam.loss_name}."]
    if math.isfinite(exam.constant.loss) and math.isfinite(exam.loss):
        told.append(f"A constant answer would have {exam.constant.loss:.3g}.")
    frozen = [layer.name for layer in exam.layers if layer.frozen]
    if frozen:
        told.append(f"Frozen: {_some(frozen)}.")
    beside = [layer.name for layer in exam.layers if not layer.reached]
    if beside:
        told.append(f"The loss does not depend on: {_some(beside)}.")
    if exam.unused:
        told.append(f"Not called: {_some(exam.unused)}.")
    if exam.closed:
        told.append(f"0 for now, until the first step: {_some(exam.closed)}.")
    told.append(_updates(exam))
    return " ".join(told)


def _some(names):
    """Names in a sentence; of many, such as the experts that no sample went to, the first, the last and how many they are."""
    return ", ".join(names) if len(names) < 7 else f"{', '.join(names[:3])}, ... {names[-1]} ({len(names)})"


def _updates(exam):
    used = exam.optimizer
    if used is None:
        of = "for each 1 of learning rate: no lr was given" if exam.lr is None else f"with lr = {exam.lr:g}"
        return f"Updates are those of plain gradient descent{',' if exam.lr is None else ''} {of}."
    told = f"Updates are those of a first step of {used.name} with lr = {used.lr:g}." if used.is_known else (
        f"How long a step of {used.name} is, is not known here.")
    return told if used.other_lr is None else f"{told} That is the optimizer's own lr, and not the {used.other_lr:g} that was given."


def _headings(exam):
    return [name + " per lr" if name == "update/weight" and exam.lr is None else name for name in COLUMNS]


def _rows(exam):
    return [[str(layer.number), layer.name, layer.type, *(write(layer) for write in COLUMNS.values())] for layer in exam.layers]


def _chapters(finding):
    if not finding.chapter[:1].isdigit():
        return finding.chapter
    return f"chapter{'s' if ',' in finding.chapter else ''} {finding.chapter}"


def _in_brackets(remark):
    return f" ({_chapters(remark)})" if remark.chapter else ""


def _number(value, form):
    return "-" if math.isnan(value) else form.format(value)
