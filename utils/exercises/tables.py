"""A table of numbers on a page: columns of any kind become rows with a head, as text and as HTML."""

from dataclasses import dataclass
from html import escape
from numbers import Real

import numpy as np
import torch

from utils.torchdoctor.errors import WrongType, WrongValue


def table(columns, *, title="", form="{:.3g}"):
    """Return a `Table` of columns, which a notebook shows if it is the last of a cell.

    columns: heading -> entries, all of one length: a list, a range, a tensor or an array of one dimension.
    title: a sentence above it. form: how numbers with a fraction are written, for all columns, or heading -> form; the
        form of a share is "{:.0%}", of an order of magnitude "{:.0e}".

    Raises TypeError or ValueError with one sentence if the columns make no table.
    """
    if not isinstance(columns, dict) or not columns:
        raise WrongType('the columns of a table come as a dict, such as {"layer": range(1, 4), "slope": slopes}')
    forms = form if isinstance(form, dict) else dict.fromkeys(columns, form)
    written = {heading: [_written(entry, forms.get(heading, "{:.3g}")) for entry in _entries(heading, entries)]
               for heading, entries in columns.items()}
    lengths = {heading: len(entries) for heading, entries in written.items()}
    if len(set(lengths.values())) > 1:
        raise WrongValue(f"the columns of a table have one length, and these have {lengths}")
    return Table(list(written), list(zip(*written.values())), title)


@dataclass(frozen=True, repr=False)
class Table:
    """A table that is written: headings, rows of texts, and a sentence above them or ""."""

    headings: list[str]
    rows: list[tuple]
    title: str = ""

    def __repr__(self):
        lines = [self.headings, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines)]
        text = ["  ".join(entry.rjust(width) for entry, width in zip(line, widths)) for line in lines]
        return "\n".join([self.title] * bool(self.title) + text)

    def _repr_html_(self):
        head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in self.headings)
        body = "".join("<tr>" + "".join(f"<td>{escape(entry)}</td>" for entry in row) + "</tr>" for row in self.rows)
        title = f"<p>{escape(self.title)}</p>" if self.title else ""
        return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _entries(heading, entries):
    if isinstance(entries, (torch.Tensor, np.ndarray)):
        if entries.ndim != 1:
            raise WrongValue(f"the column {heading!r} of a table has one dimension, not the shape {tuple(entries.shape)}")
        return entries.tolist()
    if isinstance(entries, str) or not hasattr(entries, "__iter__"):
        raise WrongType(f"the column {heading!r} of a table is a list of entries, not a {type(entries).__name__}")
    return [entry.item() if isinstance(entry, (torch.Tensor, np.generic)) else entry for entry in entries]


def _written(entry, form):
    is_fraction = isinstance(entry, Real) and not isinstance(entry, (bool, int))
    return form.format(entry) if is_fraction else str(entry)
