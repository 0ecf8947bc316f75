import pytest

from biasaudit.cohort.readers.labels import with_pooled_origins
from biasaudit.cohort.readers.origin_names import one_spelling
from biasaudit.records import Sample


@pytest.mark.parametrize(
    "spellings",
    [("3", "3.0"), ("3", "3T"), ("3.0", "3 T"), ("1.5", "1.50 tesla"), ("3", "3.0", "3,0", "3T"), ("-1", "-1.0")],
)
def test_numbers_that_are_equal_are_one_origin(spellings):
    joined, notes = one_spelling([spellings[0], *spellings], "strength")
    assert joined == dict.fromkeys(spellings[1:], spellings[0])
    assert notes == [f"strength: {' and '.join(map(repr, sorted(spellings)))} are one number and one origin"]


@pytest.mark.parametrize("origins", [("3", "1.5"), ("a", "b"), ("01", "02"), ("7T", "3T"), ("site-1", "site-2"), ("",)])
def test_different_origins_stay_apart_without_a_word(origins):
    assert one_spelling(origins, "MagneticFieldStrength") == ({}, [])


@pytest.mark.parametrize(
    "origins", [("Siemens", "SIEMENS"), ("GE  Medical", "GE Medical"), ("site-1", "site_1"), ("01", "001"), ("1", "01")]
)
def test_names_that_look_like_each_other_are_told_and_stay_apart(origins):
    joined, (note,) = one_spelling(origins, "site")
    assert joined == {}
    assert "differ in case, blanks or marks only and are different origins" in note
    assert all(repr(origin) in note for origin in origins)


@pytest.mark.parametrize("spellings", [("1.1", "1.10"), ("5.1", "5.10"), ("2", "2t"), ("3T", "3 T")])
def test_codes_that_are_equal_as_numbers_are_told_and_stay_apart(spellings):
    joined, (note,) = one_spelling(spellings, "SoftwareVersions")
    assert joined == {}
    assert note.startswith("SoftwareVersions: ")
    assert "may be one number and are different origins" in note
    assert all(repr(origin) in note for origin in spellings)


@pytest.mark.parametrize("spellings", [("3", "3.0"), ("3", "3,00"), ("-1", "-1.0")])
def test_whole_numbers_are_one_origin_of_any_factor(spellings):
    joined, (note,) = one_spelling([spellings[0], *spellings], "site")
    assert joined == {spellings[1]: spellings[0]}
    assert "are one number and one origin" in note


def test_field_strengths_that_are_nearly_equal_are_told():
    (note,) = one_spelling(["2.89362", "3", "1.5"], "MagneticFieldStrength")[1]
    assert "'2.89362' (1), '3' (1) are nearly one field strength" in note
    assert one_spelling(["2.89362", "3", "1.5"], "age group") == ({}, [])


def test_spellings_are_remembered_with_the_pools():
    samples = [
        Sample(str(n), ("a",), "x", False, {"field": field})
        for n, field in enumerate(["3", "3", "3.0", "1.5", "1.5", "7"])
    ]
    found = with_pooled_origins(samples, ["field"], 2)
    assert [sample.origins["field"] for sample in found.samples] == ["3", "3", "3", "1.5", "1.5", "7"]
    assert found.names == {"field": {"3.0": "3"}}
