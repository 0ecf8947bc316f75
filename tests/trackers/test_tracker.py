"""What of an audit a tracker is told."""

from __future__ import annotations

from biasaudit.trackers.tracker import numbers_of, settings_of, words_of

AUDIT = {
    "name": "study",
    "design": {"regime": "crossed"},
    "settings": {"folds": {"n": 5, "seed": None}, "checks": ["D1", "G1"]},
    "arms": [
        {
            "name": "intensity", "primary": True, "verdict": "ORIGIN",
            "target": {"auc": {"estimate": 0.9, "low": 0.8, "high": 0.95}},
            "reliance": {"estimate": None, "low": 0.6, "high": None, "kind": "bound"},
            "origin_auc": {"estimate": 0.7, "low": 0.6, "high": 0.8}, "lesion_gain": None,
        },
        {"name": "tissue", "primary": False, "verdict": "PATHOLOGY"},
    ],
}  # fmt: skip


def test_words_are_those_of_every_arm_and_of_the_primary_one():
    assert words_of(AUDIT) == {
        "verdict": "ORIGIN", "regime": "crossed", "verdict.intensity": "ORIGIN", "verdict.tissue": "PATHOLOGY",
    }  # fmt: skip


def test_numbers_that_are_not_known_are_left_out():
    found = numbers_of(AUDIT)
    assert found["auc.low.intensity"] == 0.8
    assert found["reliance.low.intensity"] == 0.6
    assert "reliance.estimate.intensity" not in found
    assert not any(name.endswith("tissue") for name in found)


def test_settings_are_named_by_the_keys_of_the_protocol():
    assert settings_of(AUDIT) == {"folds.n": "5", "checks": "['D1', 'G1']"}
