import pytest

from biasaudit.cohort.readers.labels import assign_classes, pool_origins, subject_faults
from biasaudit.protocol import LabelSettings

PLACES = [f"table.tsv:{line}" for line in range(2, 60)]


def classes(values, positive="ms", negative=None, labelled=True):
    settings = LabelSettings(positive=positive, negative=negative)
    return assign_classes(values, PLACES[: len(values)], settings, labelled=labelled)


def test_one_other_label_names_the_negative_class():
    assert classes(["hc", "ms"]).names == ("hc", "ms")


def test_spellings_of_one_other_label_are_one_class():
    numbers = classes(["0", "0.0", "1"], positive="1")
    assert (numbers.names, numbers.labels, numbers.notes) == (("0", "1"), ("0", "0", "1"), ())
    words = classes(["hc", "HC", "ms"])
    assert (words.names, words.labels) == (("HC", "ms"), ("HC", "HC", "ms"))
    assert words.notes == ("labels 'HC', 'hc' are read as 'HC'",)
    assert classes(["0.0", "0", "1", "2"], positive="1").notes == ("class 'not 1' joins the labels 0, 2",)


def test_several_other_labels_join():
    result = classes(["hc", "nmo", "ms"])
    assert result.names == ("not ms", "ms")
    assert result.labels == ("not ms", "not ms", "ms")
    assert result.notes == ("class 'not ms' joins the labels hc, nmo",)


def test_unknown_label_names_line_value_and_remedy():
    (fault,) = classes(["hc", "ms", "nmo", "nmo"], negative="hc").faults
    assert str(fault) == (
        "table.tsv:4: unknown label 'nmo' (rows: 2), expected 'ms' or 'hc'; leave those rows out by `select`, "
        "or leave `negative` out to take all other labels as negative"
    )


def test_a_misspelt_label_is_not_taken_for_healthy():
    (fault,) = classes(["normal", "pneumonia", "pnuemonia"], positive="pneumonia", negative="normal").faults
    assert str(fault) == (
        "table.tsv:4: unknown label 'pnuemonia' (rows: 1), expected 'pneumonia' or 'normal'; "
        "did you mean 'pneumonia'? If not, leave those rows out by `select`"
    )


@pytest.mark.parametrize("value", ["pnuemonia", "Pneumnia"])
def test_a_label_that_counts_as_negative_and_resembles_the_positive_one_is_noted(value):
    first = classes(["normal", "pneumonia", value], positive="pneumonia").notes[0]
    assert first == (
        f"label {value!r} (rows: 1) counts as negative but resembles the positive label 'pneumonia': "
        "correct it if it is misspelt"
    )


@pytest.mark.parametrize(
    ("value", "positive"),
    [("normal", "abnormal"), ("no pneumonia", "pneumonia"), ("grade 2", "grade 3"), ("adenoma", "adenocarcinoma")],
)
def test_another_word_is_no_misspelling(value, positive):
    assert classes([value, positive], positive=positive).notes == ()


def test_positive_value_that_never_occurs_is_suggested():
    (fault,) = classes(["hc", "MSS"]).faults
    assert "no row has the positive label 'ms' in column 'label'; present: 'hc' (1), 'MSS' (1)" in str(fault)
    assert "did you mean 'MSS'?" in str(fault)


def test_one_class_only():
    (fault,) = classes(["ms", "ms"]).faults
    assert str(fault).startswith("table.tsv: every row is 'ms'; a classifier needs two classes")


def test_empty_label():
    (fault,) = classes(["hc", "", "ms"]).faults
    assert str(fault).startswith("table.tsv:3: no label in column 'label'")


def test_new_images_need_no_label():
    result = classes(["", "ms", "nmo"], negative="hc", labelled=False)
    assert result.faults == ()
    assert result.labels == ("", "ms", "")


def pool(sizes, minimum=3):
    """`sizes`: (origin, label) -> subjects."""
    rows = [(origin, label, f"{origin}{label}{k}") for (origin, label), n in sizes.items() for k in range(n)]
    origins, labels, subjects = zip(*rows, strict=True)
    pooled, notes = pool_origins(origins, subjects, labels, minimum, "site")
    return dict(zip(origins, pooled, strict=True)), notes


def test_small_origins_are_pooled_and_reported():
    pooled, notes = pool({("big", "hc"): 4, ("x", "hc"): 2, ("y", "hc"): 1})
    assert pooled == {"big": "big", "x": "other", "y": "other"}
    assert notes == ["site: origins of fewer than 3 subjects are pooled as 'other': x (2), y (1)"]


def test_pooling_never_mixes_classes():
    pooled, _ = pool({("big", "hc"): 4, ("x", "hc"): 2, ("y", "hc"): 1, ("u", "ms"): 2, ("v", "ms"): 2})
    assert pooled == {"big": "big", "x": "other (hc)", "y": "other (hc)", "u": "other (ms)", "v": "other (ms)"}


def test_a_single_small_origin_stays():
    pooled, notes = pool({("big", "hc"): 4, ("x", "hc"): 2})
    assert pooled["x"] == "x"
    assert notes == ["site: fewer than 3 subjects, kept because there is nothing to pool with: x (2)"]


def test_nothing_is_pooled_into_a_single_origin():
    pooled, notes = pool({("x", "hc"): 2, ("y", "hc"): 2})
    assert set(pooled.values()) == {"x", "y"}
    assert "kept" in notes[0]


def test_size_counts_subjects_not_images():
    pooled, _ = pool_origins(["x"] * 5 + ["y"] + ["z"] * 3, ["s"] * 5 + ["t"] + list("abc"), ["hc"] * 9, 3, "site")
    assert pooled == ["other"] * 6 + ["z"] * 3


def test_one_image_twice(sample):
    first, again, other = sample("a.nii"), sample("a.nii", where="table.tsv:3"), sample("a.nii", subject="s2")
    assert subject_faults([first, sample("b.nii", origins={"origin": "b"})]) == []
    assert "repeats table.tsv:2 (same subject and image)" in str(subject_faults([first, again])[0])
    assert "image a.nii belongs to 's2' here and to 's1' at table.tsv:2" in str(subject_faults([first, other])[0])


def test_several_positive_values_are_one_class_each():
    result = classes(["hc", "ms", "nmo", "hc"], positive=["ms", "nmo"])
    assert result.names == ("hc", "ms", "nmo")
    assert result.labels == ("hc", "ms", "nmo", "hc")
    assert not result.faults


def test_other_labels_join_beside_several_positive_values():
    result = classes(["hc", "ms", "nmo", "odd"], positive=["ms", "nmo"])
    assert result.names == ("not ms or nmo", "ms", "nmo")
    assert result.labels[3] == "not ms or nmo"


def test_each_positive_value_must_occur():
    (fault,) = classes(["hc", "ms", "hc"], positive=["ms", "nmo"]).faults
    assert "no row has the positive label 'nmo'" in str(fault)


def test_unknown_label_beside_several_positive_values():
    (fault,) = classes(["hc", "ms", "nmo", "odd"], positive=["ms", "nmo"], negative="hc").faults
    assert "expected 'ms' or 'nmo' or 'hc'" in str(fault)


def test_a_healthy_class_is_needed_beside_several():
    (fault,) = classes(["ms", "nmo"], positive=["ms", "nmo"]).faults
    assert "a healthy class is needed beside them" in str(fault)


@pytest.mark.parametrize(
    "sign", ["NA", "nan", "NaN", "N/A", "#N/A", "<NA>", "None", "null", ".", "-", "--", "?", "", "\\N"]
)
def test_a_missing_diagnosis_is_never_healthy(sign):
    result = classes(["hc", "ms", sign], positive="ms")
    assert result.names == ("hc", "ms")
    assert result.labels == ("hc", "ms", "")
    assert "no label in column 'label'" in str(result.faults[0])
    assert not sign or repr(sign) in str(result.faults[0])


def test_a_sign_that_the_protocol_names_is_a_class():
    result = classes(["None", "ms", "NA"], positive="ms", negative="none")
    assert result.labels == ("none", "ms", "")
    assert [str(fault).count("'NA'") for fault in result.faults] == [1]


@pytest.mark.parametrize(
    ("cells", "positive"),
    [(["0", "1"], 1), (["0.0", "1.0"], 1), (["0", "1.0"], "1"), (["False", "True"], True), (["FALSE", "TRUE"], "True")],
)
def test_numbers_and_truth_values_are_taken_as_they_are_written(cells, positive):
    result = classes(cells, positive=positive)
    assert result.labels[1] == result.names[1]
    assert not result.faults
    assert not result.notes


def test_other_case_is_the_same_class_and_said():
    result = classes(["hc", "MS", "ms"], positive="ms", negative="HC")
    assert result.labels == ("HC", "ms", "ms")
    assert result.notes == ("label 'hc' (rows: 1) is read as 'HC'", "label 'MS' (rows: 1) is read as 'ms'")


def test_labels_that_differ_in_case_alone_stay_apart_where_both_are_named():
    assert classes(["a", "A", "hc"], positive=["a", "A"]).labels == ("a", "A", "hc")


def test_many_unknown_labels_are_one_fault():
    result = classes(["hc", "ms", *map(str, range(40))], positive="ms", negative="hc")
    assert len(result.faults) == 1
    assert "40 unknown labels ('0', '1', '2' and 37 more), expected 'ms' or 'hc'" in str(result.faults[0])
