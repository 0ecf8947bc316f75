import pytest

from biasaudit.cohort.readers.covariates import parse_covariates


def parsed(cells, **options):
    places = [f"table.tsv:{row + 2}" for row in range(len(cells))]
    return parse_covariates({"age": cells}, {"age": places}, len(cells), **options)


AGES = [str(40 + row) for row in range(8)]


def test_numbers_words_and_gaps():
    columns = {"age": ["34", "n/a", "1e1"], "sex": ["F", "", "M"], "code": ["1", "x", "2"], "dose": ["1", "2", "inf"]}
    made = parse_covariates(columns, {name: ["t:2", "t:3", "t:4"] for name in columns}, 3)
    assert made.rows == [
        {"age": 34.0, "sex": "F", "code": "1", "dose": "1"},
        {"age": None, "sex": None, "code": "x", "dose": "2"},
        {"age": 10.0, "sex": "M", "code": "2", "dose": "inf"},
    ]
    assert not made.faults
    assert [note.split(":")[0] for note in made.notes] == [
        "covariate 'code' is taken as words",
        "covariate 'dose' is taken as words",
    ]
    assert parse_covariates({}, {}, 1).rows == [{}]


@pytest.mark.parametrize(
    ("cell", "value", "note"),
    [
        ("89+", 89, "covariate 'age': '89+' (1 rows) is read as the number itself"),
        (">89", 89, "covariate 'age': '>89' (1 rows) is read as the number itself"),
        ("NA", None, "covariate 'age': missing where it is 'NA' (1 rows)"),
        (".", None, "covariate 'age': missing where it is '.' (1 rows)"),
        ("-9999", None, "covariate 'age': '-9999' (1 rows) is taken for a code of missing values"),
    ],
)
def test_what_is_made_of_a_cell_is_said(cell, value, note):
    made = parsed([*AGES, cell])
    assert made.rows[-1] == {"age": value}
    assert made.rows[0] == {"age": 40.0}
    assert made.notes[0].startswith(note)
    assert not made.faults


def test_decimal_commas_are_read_and_said():
    made = parsed(["50,1", "61,25"])
    assert made.rows == [{"age": 50.1}, {"age": 61.25}]
    assert made.notes == ["covariate 'age' is read with decimal commas"]
    assert parsed(["1,234", "2,345"], commas={"age"}).rows == [{"age": 1.234}, {"age": 2.345}]


@pytest.mark.parametrize("cell", ["45 y", "12m", "unknown", "forty", "4o"])
def test_a_word_among_numbers_is_a_fault(cell):
    (fault,) = parsed([*AGES, cell]).faults
    assert str(fault).startswith(f"table.tsv:10: covariate 'age': no number in 1 of 9 cells ('{cell}')")


@pytest.mark.parametrize("unit", ["{} y", "{:03d}Y", "{} years"])
def test_ages_with_units_are_a_fault(unit):
    assert "no number in 8 of 8 cells" in str(parsed([unit.format(age) for age in range(40, 48)]).faults[0])


def test_mixed_marks_are_a_fault():
    (fault,) = parsed(["50,1", "50.2", "51"]).faults
    assert "commas and points can be read in two ways ('50,1')" in str(fault)


def test_codes_and_classes_of_age_stay_words():
    assert not parsed(["1", "2", "3a", "3b"] * 3).faults
    assert not parsed(["18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+"]).faults
    assert parsed(["1.5T", "3T", "3T"]).rows[0] == {"age": "1.5T"}


def test_words_that_hold_nothing_fixed_are_said():
    assert "12 different words in 12 rows" in parsed([f"2019-03-{day:02d}" for day in range(1, 13)]).notes[0]
    assert "'F', 'f' differ in case alone" in parsed(["F", "f", "M"]).notes[0]


def test_a_covariate_that_nobody_has_is_said():
    assert parsed(["NA", "", "n/a"]).notes == [
        "covariate 'age' is missing in every row, so that nothing is held fixed by it"
    ]
