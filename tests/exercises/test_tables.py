"""A table: columns of any kind, aligned as text, with a head in HTML, and a sentence for what is none."""

import numpy as np
import pytest
import torch

from utils.exercises.tables import table


def test_columns_of_any_kind_stand_side_by_side():
    made = table({"layer": range(1, 3), "share": torch.tensor([0.5, 0.25]), "size": np.array([1e-9, 2.0]), "what": ["a", "<b>"],
                  "who": [torch.tensor(3), True]}, form={"share": "{:.0%}", "size": "{:.0e}"}, title="Two layers.")  # fmt: skip
    assert repr(made).splitlines() == ["Two layers.", "layer  share   size  what   who",
                                       "    1    50%  1e-09     a     3", "    2    25%  2e+00   <b>  True"]
    page = made._repr_html_()
    assert page.startswith("<p>Two layers.</p>") and page.count('<th scope="col">') == 5 and "<td>&lt;b&gt;</td>" in page


def test_one_form_serves_all_fractions():
    assert repr(table({"n": [1], "loss": [2.30259]}, form="{:.2f}")).splitlines()[1].split() == ["1", "2.30"]
    assert repr(table({"loss": [2.30259]})).split() == ["loss", "2.3"]


@pytest.mark.parametrize("columns, words", [
    ({}, "come as a dict"), ([1, 2], "come as a dict"), ({"a": 3}, "is a list of entries"), ({"a": "text"}, "is a list of entries"),
    ({"a": torch.ones(2, 2)}, r"the shape \(2, 2\)"), ({"a": [1], "b": [1, 2]}, "have one length"),
])  # fmt: skip
def test_what_is_no_table_gets_one_sentence(columns, words):
    with pytest.raises((TypeError, ValueError), match=words):
        table(columns)
