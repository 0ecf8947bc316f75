"""Every case of the catalogue of bad input ends in one line that says what is wrong and what to do."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest
from catalogue.case import Case

from biasaudit.cli import main

LANDS = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
CASES = {
    f"{land.removeprefix('cases_')}: {name}": case
    for land in LANDS
    for name, case in import_module(f"catalogue.{land}").CASES.items()
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bad_input_is_told_in_one_line(case: Case, tmp_path, monkeypatch, capsys):
    case.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["biasaudit", *case.words])
    monkeypatch.setenv("COLUMNS", "250")
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr()
    lines = (said.err if case.code else said.out + said.err).splitlines()
    telling = [line for line in lines if all(word in line for word in case.says)]
    assert (stop.value.code or 0) == case.code, said.err
    assert len(telling) == case.lines, said.out + said.err
    assert case.code == 0 or lines == telling, said.err
