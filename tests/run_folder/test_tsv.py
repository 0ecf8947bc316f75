"""Tables that spreadsheets show and do not compute, and that come back as they were."""

from __future__ import annotations

import pandas as pd
import pytest

from biasaudit.run_folder.tsv import escaped, read_tsv, tsv_text, unescaped, write_tsv

ASCII = ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "-", "\tx", "'=1", "''@x"]
FORMULAS = [*ASCII, "\n=1", "\uff1d1+1", "\uff0b1", "\uff0dx", "\uff20x"]
PLAIN = ["a", "", "n/a", "-1.5", "+3", "1e-3", "-inf", "'quoted'", "a=b", "sub-01"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_is_shown_as_text_and_comes_back(cell):
    assert escaped(cell) == f"'{cell}"
    assert unescaped(escaped(cell)) == cell


@pytest.mark.parametrize("cell", [*PLAIN, -1.5, None])
def test_everything_else_stays_as_it_is(cell):
    assert escaped(cell) == cell
    assert unescaped(cell) == cell


def test_a_table_comes_back(tmp_path):
    table = pd.DataFrame({"subject": FORMULAS, "@logit": [-1.5] * len(FORMULAS), "note": [None, *FORMULAS[1:]]})
    write_tsv(table, tmp_path / "t.tsv")
    again = read_tsv(tmp_path / "t.tsv", na_values=["n/a"])
    pd.testing.assert_frame_equal(again, table)


def test_no_cell_of_the_file_begins_a_formula():
    text = tsv_text(pd.DataFrame({"=name": ASCII}))
    assert [line for line in text.replace('"', "").splitlines() if line.startswith(("=", "+", "-", "@"))] == []
