from __future__ import annotations

import pickle

import pytest

from biasaudit import errors
from biasaudit.errors import (
    DataError,
    Fault,
    InputError,
    ProtocolError,
    UsageError,
    failure,
    gathered,
    suggestion,
    told,
)


def test_a_fault_says_where_what_and_what_to_do():
    assert str(Fault("table.tsv:12", "age is 'x'", "give a number")) == "table.tsv:12: age is 'x'; give a number"
    assert str(Fault("table.tsv:12", "age is 'x'")) == "table.tsv:12: age is 'x'"


def test_all_faults_are_reported_together():
    error = DataError([Fault("a:1", "one"), Fault("b:2", "two")])
    assert str(error) == "a:1: one\nb:2: two"
    assert len(error.faults) == 2


def test_what_is_wrong_in_many_lines_is_one_fault_per_file():
    places = ["a.tsv:3", "b.tsv", "a.tsv:7", "a.tsv:3", *(f"c.tsv:{line}" for line in range(2, 9))]
    assert [str(fault) for fault in gathered(places, "no label", "fill it in")] == [
        "a.tsv:3: no label (2 lines: 3, 7); fill it in",
        "b.tsv: no label; fill it in",
        "c.tsv:2: no label (7 lines: 2, 3, 4, 5, 6 and 2 more); fill it in",
    ]


@pytest.mark.parametrize("kind", [InputError, ProtocolError, DataError])
def test_faults_survive_the_way_back_from_a_worker(kind):
    error = kind([Fault("a:1", "one", "mend it"), Fault("b:2", "two")])
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert back.faults == error.faults
    assert str(back) == str(error)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("BiasauditError", 1),
        ("UsageError", 2),
        ("InputError", 3),
        ("ProtocolError", 3),
        ("DataError", 3),
        ("IncompleteError", 4),
    ],
)
def test_exit_codes(name, code):
    kind = getattr(errors, name)
    assert kind.exit_code == code
    assert issubclass(kind, errors.BiasauditError)
    assert f"{name} " in errors.__doc__ or name == "BiasauditError"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("lable", "did you mean 'label'?"),
        ("LABEL", "did you mean 'label'?"),
        ("site", "did you mean 'Site'?"),
        ("zzz", "known: Site, label, subject"),
    ],
)
def test_suggestion(word, expected):
    assert suggestion(word, ["label", "subject", "Site"]) == expected


def test_suggestion_shortens_long_lists_and_copes_with_none():
    assert suggestion("zzz", []) == "nothing is known here"
    text = suggestion("zzz", [f"name{k:02d}" for k in range(20)])
    assert text.count("name") == 12
    assert text.endswith(", ...")


def test_what_code_of_others_raises_is_one_line():
    assert failure(ValueError("\n one\ntwo")) == "ValueError: one"
    assert failure(ValueError()) == "ValueError"
    assert failure(SystemExit(2)) == "it ended the program by sys.exit(2); return, or raise an error"
    with (
        pytest.raises(UsageError, match=r"^key: it failed: BaseException: odd; mend it$"),
        told("key: it failed", "mend it"),
    ):
        raise BaseException("odd")


def test_our_own_errors_and_the_users_interruption_pass():
    with pytest.raises(DataError), told("key"):
        raise DataError([Fault("a", "b")])
    with pytest.raises(KeyboardInterrupt), told("key"):
        raise KeyboardInterrupt
