import numpy as np
import pandas as pd

from biasaudit.drafting.measures import Measures, as_patterns, measures_of

ROWS = 24
LABELS = ["hc", "ad"] * (ROWS // 2)
CROSSED = ["a", "a", "b", "b"] * (ROWS // 4)


def random(seed):
    return [f"{value:.4f}" for value in np.random.default_rng(seed).random(ROWS)]


def table(**columns):
    return pd.DataFrame({"v1": random(1), "v2": random(2), "v3": random(3), **columns}, dtype=object)


def test_numbers_that_vary_are_measures():
    numbers, few = random(4), ["1", "2"] * (ROWS // 2)
    wider = table(id=range(ROWS), age=numbers, site=numbers, words=["x"] * ROWS, code=few)
    assert measures_of(wider, []).columns == ("v1", "v2", "v3")
    assert measures_of(wider.drop(columns="v3"), []) == Measures()


def test_an_index_is_none():
    identifiers = [str(50000 + 7 * n) for n in range(ROWS)]
    named = {
        "Unnamed: 0": range(ROWS),
        "X": identifiers,
        "index": identifiers,
        "FILE_ID": identifiers,
        "order": range(ROWS),
    }
    found = measures_of(table(**{name: list(map(str, cells)) for name, cells in named.items()}), [])
    assert found.by_reason == {"an index or identifier": list(named)}
    # Whole numbers that are all different may be volumes.
    assert "volume" in measures_of(table(volume=identifiers), []).columns


def test_gaps_are_counted_also_where_a_number_stands_for_them():
    found = measures_of(table(iq=["", *random(4)[1:]], coded=["-9999", "-9999", *random(5)[2:]]), [])
    assert found.by_reason == {"empty in some rows": ["iq (1)", "coded (2)"]}
    assert found.columns == ("v1", "v2", "v3")
    assert measures_of(table(coded=["-99999", "-88", *random(5)[2:]]), []).gaps == {"coded": 2}
    assert "coded" not in measures_of(table(coded=["1_0", *random(5)[1:]]), []).columns
    signed = [f"{float(cell) - 0.5:.4f}" for cell in random(4)]
    assert "signed" in measures_of(table(signed=["-9", *signed[1:]]), []).columns


def test_columns_that_all_have_gaps_are_proposed_all_the_same():
    gaps = pd.DataFrame({name: ["", *random(seed)[1:]] for seed, name in enumerate("abc")}, dtype=object)
    assert measures_of(gaps, []).columns == ("a", "b", "c")


def test_constants_and_clinical_scores_are_named():
    found = measures_of(table(same=["1.0"] * ROWS, ADOS_TOTAL=random(4), mmse=random(5)), [])
    assert found.by_reason == {
        "the same in all rows": ["same"],
        "clinical scores, not measured from the image": ["ADOS_TOTAL", "mmse"],
    }


def telling():
    return [f"{(label == 'ad') + float(value) / 2:.3f}" for label, value in zip(LABELS, random(6), strict=True)]


def test_what_tells_the_class_inside_an_origin_is_no_feature():
    found = measures_of(table(stage=telling()), [], LABELS, CROSSED)
    assert found.by_reason == {"they tell the class by themselves inside one origin": ["stage"]}
    assert found.telling == ()


def test_what_tells_the_class_where_no_origin_holds_both_may_be_the_origin():
    found = measures_of(table(contrast=telling()), [], LABELS, LABELS)
    assert found.columns == ("v1", "v2", "v3", "contrast")
    assert found.telling == ("contrast",)


def test_families_of_features_become_patterns():
    names = ["lh_a_thick", "lh_b_thick", "lh_c_d_thick", "eTIV", "rh_a_area"]
    assert as_patterns(names, [*names, "site"]) == ["lh_*_thick", "eTIV", "rh_a_area"]
    # A column of the same family that is no feature must not be caught.
    assert as_patterns(names, [*names, "lh_note_thick"]) == names
