from __future__ import annotations

import json
import sys

import pytest
import typer

from biasaudit.cli.answers import answered
from biasaudit.errors import DataError, Fault, IncompleteError


def test_what_user_code_prints_does_not_mix_with_the_answer(capsys):
    with answered(as_json=True) as answer:
        print("from a user's network")
        answer["a"] = 1
    written = capsys.readouterr()
    assert json.loads(written.out) == {"a": 1, "faults": [], "exit_code": 0}
    assert "from a user's network" in written.err


def test_without_json_nothing_is_held_back(capsys):
    with answered(as_json=False) as answer:
        print("said")
        answer["a"] = 1
    assert capsys.readouterr().out == "said\n"


def _refuse(answer, error):
    answer["protocol"] = "p.yaml"
    raise error


def test_every_fault_is_taken_apart(capsys):
    faulty = DataError([Fault("a:1", "odd", "mend it"), Fault("b", "gone")])
    with pytest.raises(DataError), answered(as_json=True) as answer:
        _refuse(answer, faulty)
    assert json.loads(capsys.readouterr().out) == {
        "protocol": "p.yaml",
        "faults": [
            {"where": "a:1", "message": "odd", "remedy": "mend it"},
            {"where": "b", "message": "gone", "remedy": ""},
        ],
        "exit_code": 3,
    }


@pytest.mark.parametrize(("error", "code"), [(IncompleteError("lost"), 4), (typer.Exit(130), 130)])
def test_the_exit_code_is_in_the_answer(capsys, error, code):
    with pytest.raises(type(error)), answered(as_json=True):
        raise error
    assert json.loads(capsys.readouterr().out)["exit_code"] == code


def test_a_defect_of_ours_has_no_answer(capsys):
    with pytest.raises(ZeroDivisionError), answered(as_json=True):
        raise ZeroDivisionError
    assert capsys.readouterr().out == ""
    assert sys.stdout is not sys.stderr
