import numpy as np
import pandas as pd
import pytest

from biasaudit.cohort.readers.selection import select_rows
from biasaudit.errors import DataError

FRAME = pd.DataFrame(
    {
        "Age at scan": ["50,1", "61", "70", "49,9"],
        "GM [ml]": ["1", "2", "3", "."],
        "origin": ["a", "b", "c", "a"],
        "age": ["17", "9", "100", "n/a"],
        "subject": ["007", "8", "9", "10"],
    },
    dtype=object,
)


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("origin == 'a'", [1, 0, 0, 1]),
        ("origin in ['a', 'b'] and age >= 10", [1, 0, 0, 0]),
        ("age > 9", [1, 0, 1, 0]),
        ("age != 9", [1, 0, 1, 0]),
        ("10 <= age < 100", [1, 0, 0, 0]),
        ("not (origin == 'a' or age == 9)", [0, 0, 1, 0]),
        ("origin not in ('a', 'c')", [0, 1, 0, 0]),
        ("age not in [9]", [1, 0, 1, 0]),
        ("age > -1", [1, 1, 1, 0]),
        ("subject == '007'", [1, 0, 0, 0]),
        ("subject == 7", [1, 0, 0, 0]),
        ("age != 'n/a'", [1, 1, 1, 0]),
        ("`Age at scan` >= 50", [1, 1, 1, 0]),
        ("`GM [ml]` > 1 and `origin` != '`c`'", [0, 1, 1, 0]),
        ("not `GM [ml]` == 1", [0, 1, 1, 1]),
    ],
)
def test_kept_rows(expression, kept):
    np.testing.assert_array_equal(select_rows(FRAME, expression, "select").kept, np.array(kept, dtype=bool))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("__import__('os').system('touch /tmp/owned') == 0", r"select: a function call \(.*\) is not allowed"),
        ("open('x') == 1", "a function call"),
        ("origin.__class__ == 'a'", "an attribute"),
        ("origin[0] == 'a'", "an index"),
        ("age + 1 > 2", "arithmetic"),
        ("9 ** 9 ** 9 == age", "arithmetic"),
        ("(lambda: 1) == 1", "a lambda"),
        ("[x for x in age] == 1", "is not allowed"),
        ("(age := 3) == 3", "an assignment"),
        ("f'{origin}' == 'a'", "an f-string"),
        ("origin is 'a'", "`is` is not allowed"),
        ("origin == True", "'True' is not allowed"),
        ("origin", "expected a comparison, not 'origin'"),
        ("origin in 'abc'", "expected a list after `in`"),
        ("origin = 'a'", "cannot be parsed"),
        ("import os", "cannot be parsed"),
        ("(" * 1500 + "age" + ")" * 400, "cannot be parsed"),
        ("age > 1" + " " * 3000, "3007 characters, expected at most 2000"),
        (
            "'Age at scan' >= 50",
            "'Age at scan' and 50 are no columns; write a column whose name holds blanks or marks in",
        ),
        ("'Age at scan' in [50]", "'Age at scan' is no column; write a column whose name holds blanks"),
        ("Age at scan >= 50", "cannot be parsed: .*in backticks where a name holds blanks"),
        ("`Age at scan >= 50", "cannot be parsed"),
        ("`Age at scam` >= 50", "no column 'Age at scam'; did you mean 'Age at scan'?"),
        ("`GM [ml]` + 1 > 2", r"arithmetic \('`GM \[ml\]` \+ 1'\)"),
        ("age > '9'", "'9' in quotes is a text, whose order is not that of numbers; write 9"),
        ("Age > 3", r"no column 'Age'; did you mean 'age'\?"),
    ],
)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # CPython warns of `is` with a literal before we refuse it
def test_refused(expression, message):
    with pytest.raises(DataError, match=message):
        select_rows(FRAME, expression, "select")


def test_all_faults_at_once():
    with pytest.raises(DataError) as caught:
        select_rows(FRAME, "sight == 1 and orign == 'a' and len(age) > 2", "select")
    assert len(caught.value.faults) == 3


def test_cells_that_are_no_number_are_said():
    frame = pd.DataFrame({"age": ["50", "89+", "old", "NA"]}, dtype=object)
    selection = select_rows(frame, "age > 40", "select")
    assert selection.kept.tolist() == [True, True, False, False]
    assert selection.notes == ("select compares 'age' with a number and keeps no row where it is none: 'old' (1 rows)",)


def test_commas_that_can_be_read_in_two_ways_are_refused():
    frame = pd.DataFrame({"age": ["1,234", "50"]}, dtype=object)
    with pytest.raises(DataError, match="column 'age': commas and points can be read in two ways"):
        select_rows(frame, "age > 40", "select")
    assert select_rows(frame, "age > 40", "select", commas={"age"}).kept.tolist() == [False, True]


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("age == -9", [0, 1, 0]),
        ("not age == -9", [1, 0, 1]),
        ("not age < 0", [1, 0, 1]),
        ("age not in [-9, 30]", [0, 0, 1]),
        ("age != -9 and age < 40", [1, 0, 0]),
    ],
)
def test_a_code_of_something_missing_is_the_number_that_it_is(expression, kept):
    frame = pd.DataFrame({"age": ["30", "-9", "50"]}, dtype=object)
    assert select_rows(frame, expression, "select").kept.tolist() == [bool(keep) for keep in kept]


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("date >= '2019'", [1, 1, 0, 0]),
        ("date < '2019'", [0, 0, 1, 1]),
        ("date == ''", [0, 0, 0, 1]),
        ("date != ''", [1, 1, 1, 0]),
        ("date != 'n/a'", [1, 1, 1, 0]),
        ("date in ['', '2019-01-01']", [1, 0, 0, 1]),
        ("group == 'None'", [1, 1, 0, 0]),
        ("group == 'none'", [0, 0, 0, 0]),
    ],
)
def test_missing_cells_that_are_empty_texts(expression, kept):
    dates, groups = ["2019-01-01", "2020-05-01", "2018-12-31", "n/a"], ["None", "None", "MS", "MS"]
    frame = pd.DataFrame({"date": dates, "group": groups}, dtype=object)
    found = select_rows(frame, expression, "select", blanks=True).kept
    assert found.tolist() == [bool(keep) for keep in kept]


@pytest.mark.parametrize("cells", [["2019", "2020", "NA"], ["9", "89+", "old"], ["50,1", "61,2", ""]])
def test_the_order_of_numbers_as_texts_is_refused(cells):
    with pytest.raises(DataError, match="'2019' in quotes is a text, whose order is not that of numbers; write 2019"):
        select_rows(pd.DataFrame({"x": cells}, dtype=object), "x >= '2019'", "select")
