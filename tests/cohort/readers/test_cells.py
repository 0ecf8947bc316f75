import pytest

from biasaudit.cohort.readers.cells import bare_number, folded, is_missing, quoted_few, read_numbers, with_unit

MISSING = [
    *("NA", "na", "N/A", "n/a", "n.a.", "nan", "NaN", "-nan", "None", "NULL", "null", "(null)", "NaT", "<NA>", "#N/A"),
    *("#NA", "#NULL!", "#VALUE!", "#REF!", "#DIV/0!", ".", ".A", "._", "-", "--", "\u2013", "\u2014", "?", "_", "\\N"),
]


@pytest.mark.parametrize("sign", [*MISSING, "", " ", "\t", "\u00a0", " NA "])
def test_signs_of_every_program_are_missing(sign):
    assert is_missing(sign)


@pytest.mark.parametrize(
    "word", ["0", "-1", "no", "F", "Nancy", "nana", ".5", "..a", "x.", "unknown", "-9", "#1", "inf"]
)
def test_values_are_not_missing(word):
    assert not is_missing(word)


@pytest.mark.parametrize(
    ("cells", "values", "marks"),
    [
        (["34", "NA", "1e1", " -2.5 ", "+.5"], (34, None, 10, -2.5, 0.5), ""),
        (["50,1", "49", ".", "0,123"], (50.1, 49, None, 0.123), "decimal commas"),
        (["1.234,5", "50,1", "1.234"], (1234.5, 50.1, 1234), "decimal commas"),
        (["1,234.5", "50.1", "1,234"], (1234.5, 50.1, 1234), "commas between thousands"),
        (["1,234,567", "2"], (1234567, 2), "commas between thousands"),
        (["0,123", "0,456"], (0.123, 0.456), "decimal commas"),
        (["\u22124,5", "3,25"], (-4.5, 3.25), "decimal commas"),
    ],
)
def test_numbers_as_a_whole_column_writes_them(cells, values, marks):
    numbers = read_numbers(cells)
    assert numbers.values == pytest.approx(values)
    assert (numbers.marks, numbers.wrong, numbers.ambiguous) == (marks, (), False)


@pytest.mark.parametrize("cells", [["1,234", "2,345"], ["50,1", "50.2"], ["1,234", "2"], ["1.234,5", "1,234.5"]])
def test_commas_that_can_be_read_in_two_ways_are_no_numbers(cells):
    numbers = read_numbers(cells)
    assert numbers.ambiguous
    assert numbers.values == (None, None)


def test_semicolons_between_cells_decide_what_a_comma_is():
    assert read_numbers(["2,345", "1,234"], commas=True).values == (2.345, 1.234)
    assert read_numbers(["2.345", "1.234"], commas=True).values == (2.345, 1.234)
    assert read_numbers(["50,1", "50.2"], commas=True).ambiguous
    assert read_numbers(["987", "1.234"], commas=True).ambiguous
    assert not read_numbers(["987", "1.234"]).ambiguous
    assert read_numbers(["987", "1.5"], commas=True).values == (987, 1.5)


@pytest.mark.parametrize(
    "cell", ["45 y", "x", "1_000", "inf", "1e999", "\u0661\u0662", "0x10", "1 234", "89+", "2019-03-01"]
)
def test_what_is_no_number(cell):
    assert read_numbers(["1", cell]).wrong == (1,)


@pytest.mark.parametrize(
    ("cell", "value"), [("89+", 89), (">89", 89), (">= 90", 90), ("\u226590", 90), ("<5", 5), ("89 +", 89)]
)
def test_bounds_are_read_where_that_is_asked_for(cell, value):
    numbers = read_numbers(["50", cell], bounds=True)
    assert (numbers.values, numbers.bounds) == ((50, value), (1,))
    assert read_numbers(["50", cell]).wrong == (1,)


def test_the_only_negative_numbers_are_codes_of_missing_ones():
    assert read_numbers(["50", "-9999", "61", "-9"]).values == (50, None, 61, None)
    assert read_numbers(["50", "-88", "-99999"]).values == (50, None, None)
    assert read_numbers(["50", "-9", "-8.5"]).codes == ()
    assert read_numbers(["-9", "-9"]).codes == ()


def test_values_are_one_whatever_their_spelling():
    assert folded("1") == folded("1.0") == folded("01")
    assert folded("True ") == folded("TRUE")
    assert folded("1.5") != folded("1")
    assert bare_number("1,5") is None


def test_units_and_a_few_values():
    assert all(map(with_unit, ["45 y", "012M", "045Y", "70 kg", "33,5 years"]))
    assert not any(map(with_unit, ["45", "1a", "18-24", "y"]))
    assert quoted_few(["a", "b", "a", "c", "d", "e"]) == "'a', 'b', 'c' and 2 more"
