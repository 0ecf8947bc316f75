import pandas as pd
import pytest

from biasaudit.drafting.guesses import (
    covariate_columns,
    guess_classes,
    label_column,
    origin_columns,
)


def frame(**columns):
    return pd.DataFrame({name: list(cells) for name, cells in columns.items()}, dtype=object)


def test_two_classes():
    guess = guess_classes(["ms", "hc", "", "ms"])
    assert (guess.negative, guess.positive) == ("hc", ("ms",))
    assert guess.why == "'hc' looks like the healthy class"


def test_several_classes():
    assert guess_classes(["ms", "hc", "tumour"]).positive == ("ms", "tumour")


@pytest.mark.parametrize(
    ("values", "negative", "positive", "why"),
    [
        (["A", "B"], None, (), "of 'A', 'B' none looks healthy"),
        (["hc", "control"], None, (), "of 'control', 'hc' all look healthy"),
        (["ms", "ms"], None, ("ms",), "every label is 'ms': there are no healthy subjects"),
        (["hc", "hc"], "hc", (), "every label is 'hc': there are no patients"),
        (["", ""], None, (), "no label is filled in"),
    ],
)
def test_what_cannot_be_guessed(values, negative, positive, why):
    guess = guess_classes(values)
    assert (guess.negative, guess.positive, guess.why) == (negative, positive, why)


def test_label_by_name_and_repetition():
    cells = ["a", "b"] * 6
    assert label_column(frame(id=range(12), Diagnosis=cells)) == "Diagnosis"
    assert label_column(frame(group=cells, diagnosis=cells)) == "diagnosis"
    # A diagnosis in free words, different for everybody, is no class.
    assert label_column(frame(diagnosis=[str(n) for n in range(12)], group=cells)) == "group"
    assert label_column(frame(colour=cells)) is None


def test_origins():
    cells = ["x", "y", "n/a", "x"] * 3
    table = frame(site=cells, Manufacturer=["GE", "GE", "Philips", "GE"] * 3, scanner=[str(n) for n in range(12)])
    found = origin_columns(table, [f"s{n}" for n in range(12)], [])
    # A serial number for everybody says nothing; sites come before vendors.
    assert [(column.name, column.levels, column.missing) for column in found] == [
        ("site", 2, 3),
        ("Manufacturer", 2, 0),
    ]
    assert origin_columns(table, ["s"] * 12, ["site"])[0].name == "Manufacturer"


def test_covariates():
    table = frame(**{"AGE": ["30"], "SEX_ID (1=m, 2=f)": ["1"], "agent": ["x"], "age_group": ["n/a"]})
    assert covariate_columns(table) == {"age": "AGE", "sex": "SEX_ID (1=m, 2=f)"}


@pytest.mark.parametrize(
    ("column", "values", "beside", "negative", "positive"),
    [
        ("DX_GROUP", ["1", "2"], [], "2", ("1",)),  # ABIDE
        ("DX_GROUP", ["1.0", "2.0"], [], "2.0", ("1.0",)),
        ("DSM_IV_TR", ["0", "1", "2", "3"], [], "0", ("1", "2", "3")),
        ("DXCURREN", ["1", "2", "3"], [], "1", ("2", "3")),  # ADNI
        ("DIAGNOSIS", ["1", "2", "3"], ["RID"], "1", ("2", "3")),
        ("CDR", ["0.0", "0.5", "1.0"], [], "0.0", ("0.5", "1.0")),  # OASIS
        ("COHORT", ["1", "2"], ["PATNO"], "2", ("1",)),  # PPMI
        ("DX", ["0", "1", "3"], ["ScanDir ID"], "0", ("1", "3")),  # ADHD-200
        ("DX", ["CN", "MCI", "AD"], [], "CN", ("AD", "MCI")),
        ("Group", ["Nondemented", "Demented"], [], "Nondemented", ("Demented",)),
        ("Subject Type", ["Control", "Patient"], [], "Control", ("Patient",)),  # COBRE
        ("label", ["0.0", "1.0"], [], "0.0", ("1.0",)),
        ("label", ["normal", "benign", "malignant"], [], "normal", ("benign", "malignant")),
        ("label", ["benign", "malignant"], [], "benign", ("malignant",)),
    ],
)
def test_known_codings(column, values, beside, negative, positive):
    guess = guess_classes(values, column, [column, *beside])
    assert (guess.negative, guess.positive) == (negative, positive)


@pytest.mark.parametrize(
    ("column", "values", "beside"),
    [
        ("group", ["1", "2"], []),
        ("DX_GROUP", ["1", "2", "3"], []),  # no coding of ABIDE
        ("diagnosis", ["1", "2", "3"], []),  # nothing says that it is ADNI's
        ("COHORT", ["1", "2"], []),
        ("class", ["0", "1", "2", "3", "4"], []),  # 0 may be any of them
        ("label", ["-1", "1"], []),
    ],
)
def test_numbers_that_cannot_be_known_are_asked_for(column, values, beside):
    guess = guess_classes(values, column, [column, *beside])
    assert (guess.negative, guess.positive) == (None, ())


def test_a_coding_without_healthy_subjects_says_so():
    assert guess_classes(["1", "1"], "DX_GROUP").why == (
        "no healthy subjects: by the coding of ABIDE the labels are 1 autism"
    )
    assert guess_classes(["2"], "DX_GROUP").why == "no patients: by the coding of ABIDE the labels are 2 control"


def test_the_column_whose_healthy_class_is_known_comes_first():
    cells, codes, words = ["a", "b"] * 6, ["1", "2"] * 6, ["control", "patient"] * 6
    assert label_column(frame(group=codes, DX_GROUP=codes)) == "DX_GROUP"
    assert label_column(frame(group=cells, primary_diagnosis=words)) == "primary_diagnosis"
    assert label_column(frame(age_group=cells, kind=words)) == "kind"  # the values speak for themselves
    assert label_column(frame(age_group=cells)) is None
    assert label_column(frame(medication=["none", "drug"] * 6)) is None
    assert label_column(frame(PATNO=range(12), COHORT=codes)) == "COHORT"
