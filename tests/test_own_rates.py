"""The file of own rates: read, matched with an audit, and put into words."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest

from biasaudit.errors import ProtocolError
from biasaudit.own_rates import Identity, own_error_rates, rates_in_words, read_own_rates, require_own_rates

OWN = Identity("c", "n", "r")


def counted(events, n, low=0.0, high=1.0):
    return {"events": events, "n": n, "rate": events / n if n else None, "low": low, "high": high}


def record(**changes):
    rates = {
        "recipe": "intensity",
        "false_flag": counted(0, 40, 0.0, 0.088),
        "found": counted(19, 20, 0.764, 0.991),
        "cleared": counted(31, 40, 0.625, 0.877),
        "false_clear": counted(0, 20, 0.0, 0.161),
        "undetermined": counted(10, 60, 0.09, 0.28),
        "not_learned": 0,
    }
    own = {"cohort": "c", "network": "n", "rules": "r"}
    about = {"of": own, "version": version("biasaudit"), "words": "80 images of healthy from lyon"}
    return {**about, "arms": {"intensity": rates}, **changes}


@pytest.fixture
def written(tmp_path):
    def write(**changes):
        path = tmp_path / "own-rates.json"
        path.write_text(json.dumps(record(**changes)))
        return path

    return write


def test_rates_of_this_very_audit_are_taken(written):
    require_own_rates(written(), OWN)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"of": {"cohort": "x", "network": "n", "rules": "r"}}, "of another cohort"),
        ({"of": {"cohort": "c", "network": "x", "rules": "r"}}, "of another network"),
        ({"of": {"cohort": "c", "network": "n", "rules": "x"}}, "of other rules"),
        ({"version": "0.0.1"}, "of version 0.0.1"),
    ],
)
def test_rates_of_anything_else_are_one_line_with_what_differs(written, changes, told):
    with pytest.raises(ProtocolError, match=told) as caught:
        require_own_rates(written(**changes), OWN)
    assert len(caught.value.faults) == 1
    assert "biasaudit calibrate --cohort" in str(caught.value)


def test_all_that_differs_is_told_at_once(written):
    with pytest.raises(ProtocolError) as caught:
        require_own_rates(written(of={}, version="9"), OWN)
    assert len(caught.value.faults) == 4


@pytest.mark.parametrize("content", ["", "{}", "[1]", "no json", "null", '["of", "version", "arms", "words"]'])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "own-rates.json"
    path.write_text(content)
    with pytest.raises(ProtocolError, match=r"is no own-rates\.json"):
        read_own_rates(path)


CHANGES = [
    ("arms", []),
    ("words", 7),
    ("arms.intensity", "x"),
    ("arms.intensity.recipe", None),
    ("arms.intensity.not_learned", "4"),
    ("arms.intensity.found", {"n": 3}),
    ("arms.intensity.cleared", counted(5, 4)),
    ("arms.intensity.false_flag", counted(0, 40) | {"high": "0.1"}),
    ("arms.intensity.false_flag", counted(0, 40) | {"low": float("nan")}),
    ("arms.intensity.false_clear", counted(0, 0)),
]


@pytest.mark.parametrize(("place", "value"), CHANGES)
def test_a_file_changed_by_hand_is_one_line_with_the_place(tmp_path, place, value):
    own = record()
    *parents, last = place.split(".")
    inner = own
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
    path = tmp_path / "own-rates.json"
    path.write_text(json.dumps(own))
    with pytest.raises(ProtocolError, match=rf"not as it was written: {place}; ") as caught:
        read_own_rates(path)
    assert len(caught.value.faults) == 1


def test_of_another_version_only_that_is_told(written):
    with pytest.raises(ProtocolError, match=r"of version 0\.0\.1"):
        require_own_rates(written(version="0.0.1", arms={"intensity": {"of": "another schema"}}), OWN)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(ProtocolError, match=r"no such file.*measure them: biasaudit calibrate --cohort"):
        read_own_rates(tmp_path / "own-rates.json")


def test_in_the_words_of_the_report():
    rates = own_error_rates(record(), "intensity", "intensity")
    assert rates["text"] == (
        "Measured on copies of 80 images of healthy from lyon, with this network: flagged 0 of 40 clean copies "
        "(at most 9 %); flagged 19 of 20 planted at reliance .5 or more (at least 76 %); cleared 31 of 40 clean copies "
        "(at least 62 %); cleared 0 of 20 planted at reliance .3 or more (at most 16 %)."
    )
    assert (rates["false_flag"], rates["false_flag_n"], rates["found_n"], rates["own"]) == (0.0, 40, 20, True)
    assert own_error_rates(record(), "tissue", "tissue") is None
    assert own_error_rates(record(), "intensity", "intensity (balanced)") is None


def test_what_was_never_taken_up_is_said():
    own = record()
    own["arms"]["intensity"] |= {"found": counted(0, 0), "false_clear": counted(0, 0)}
    assert "none was taken up to a reliance of .5" in own_error_rates(own, "intensity", "intensity")["text"]
    own["arms"]["intensity"] |= {"false_flag": counted(0, 0), "not_learned": 4}
    text = own_error_rates(own, "intensity", "intensity")["text"]
    assert "no clean copy was learned" in text
    assert text.endswith("; not counted, since the target did not learn the disease: 4.")


def test_several_arms_are_a_line_each(written):
    rates = record()["arms"]["intensity"]
    lines = rates_in_words(written(arms={"intensity": rates, "tissue": rates}))
    assert [line.split(":")[0] for line in lines] == ["arm intensity", "arm tissue"]
