import pandas as pd
import pytest

from biasaudit.drafting.guesses import (
    as_patterns,
    covariate_columns,
    feature_columns,
    guess_classes,
    label_column,
    looks_healthy,
    origin_columns,
    plain,
)


def frame(**columns):
    return pd.DataFrame({name: list(cells) for name, cells in columns.items()}, dtype=object)


@pytest.mark.parametrize(
    "value", ["HC", "Control", "controls", "healthy", "Healthy Control", "NORMAL", "0", "No Finding", "CN", "no"]
)
def test_healthy_values(value):
    assert looks_healthy(value)


@pytest.mark.parametrize(
    "value", ["MS", "patient", "1", "AD", "abnormal", "non-healthy", "tumour", "unknown", "uncontrolled"]
)
def test_other_values(value):
    assert not looks_healthy(value)


def test_plain():
    assert plain("Field_Strength (T)") == "fieldstrengtht"


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


def test_features():
    numbers = [str(0.1 * n) for n in range(12)]
    table = frame(id=range(12), age=numbers, site=numbers, lh_a_thick=numbers, lh_b_thick=numbers, code=["1", "2"] * 6)
    assert feature_columns(table, []) == []
    wider = table.assign(volume=numbers, words=["x"] * 12)
    assert feature_columns(wider, []) == ["lh_a_thick", "lh_b_thick", "volume"]


def test_families_of_features_become_patterns():
    names = ["lh_a_thick", "lh_b_thick", "lh_c_d_thick", "eTIV", "rh_a_area"]
    assert as_patterns(names, [*names, "site"]) == ["lh_*_thick", "eTIV", "rh_a_area"]
    # A column of the same family that is no feature must not be caught.
    assert as_patterns(names, [*names, "lh_note_thick"]) == names
