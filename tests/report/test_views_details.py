from biasaudit.report.views_details import DetailTable, details_of, text_of


def test_what_says_nothing_is_left_out():
    stored = {"best": {}, "n_needed": None, "guard": "", "left": [], "table": {"a": {}}, "nested": {"a": None}}
    assert not details_of(stored)


def test_pairs_are_in_words_and_p_values_by_the_rule_of_p():
    details = details_of({"p_gain": 0.0002, "rank_accuracy_p": 0.25, "auc_label": 0.5, "corroborates": False, "n": 3})
    assert details.pairs == (
        ("p, gain", "< 0.0005"),
        ("p, rank accuracy", "0.25"),
        ("AUC label", "0.500"),
        ("points at the origin", "no"),
        ("n", "3"),
    )


def test_a_mapping_of_numbers_becomes_a_table():
    details = details_of({"best": {"snr": 0.878, "cnr": 0.75}})
    assert details.tables == (DetailTable("best", ("", "value"), (("snr", "0.878"), ("cnr", "0.750"))),)


def test_records_become_a_table_with_a_column_for_each_key():
    details = details_of({"rows": [{"between": ["a", "b"], "difference": -0.5}, {"difference": 12.34}]})
    assert details.tables[0].columns == ("between", "difference")
    assert details.tables[0].rows == (("a, b", "−0.500"), ("–", "12.3"))
    assert details_of({"by": {"healthy": {"a1": 22, "b1": 0}}}).tables[0].rows == (("healthy", "22", "0"),)


def test_what_a_section_shows_is_not_shown_twice():
    assert not details_of({"null": {"quantiles": [0.1]}, "can_answer": ["yes?"], "balance": [{"covariate": "age"}]})


def test_values_in_words():
    shown = [text_of(value) for value in (0.12345, "a", [1, 2], {"a": 1}, True, None, 6.157, 490.6, 0.00123)]
    assert shown == ["0.123", "a", "1, 2", "a: 1", "yes", "–", "6.16", "491", "0.0012"]
