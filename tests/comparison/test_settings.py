from biasaudit.comparison.settings import ChangedSetting, changed_settings


def test_every_field_that_differs_is_named_by_its_dotted_key():
    first = {"folds": {"n": 5, "seed": 1}, "checks": ["G1"], "name": "a"}
    second = {"folds": {"n": 4, "seed": 1}, "checks": ["G1", "U1"], "grid": {}}
    assert list(changed_settings(first, second)) == [
        ChangedSetting("folds.n", 5, 4),
        ChangedSetting("checks", ["G1"], ["G1", "U1"]),
        ChangedSetting("name", "a", None),
        ChangedSetting("grid", None, {}),
    ]


def test_equal_settings_have_no_differences():
    assert list(changed_settings({"a": {"b": [1]}}, {"a": {"b": [1]}})) == []
