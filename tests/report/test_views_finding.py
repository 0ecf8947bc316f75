from biasaudit.report.views_finding import against_the_rest, finding_view

CHECKS = {"U1": {"title": "Scores", "kind": "used", "statistic": "AUC"}}
FINDING = {"code": "U1", "status": "concern", "factor": "site", "statistic": 0.7, "threshold": 0.05, "p_value": 0.0002}


def test_where_a_finding_was_asked_and_what_it_says():
    finding = {**FINDING, "class": "ms", "input": "erased", "layer": "b1", "contrast": "ms", "reason": "scores differ"}
    view = finding_view({**finding, "details": {"n_pairs": 1}}, CHECKS, "intensity")
    assert view.where == "site · in ms · input erased · layer b1 · ms against the rest"
    assert (view.statistic_name, view.reason) == ("AUC", "Scores differ.")
    assert view.details.pairs == (("pairs compared", "1"),)
    assert view.anchor == "intensity-U1-site-ms-erased-b1-ms"


def test_a_threshold_of_p_is_alpha_and_not_one_of_the_statistic():
    on_p = finding_view({**FINDING, "threshold_on": "p_value"}, CHECKS)
    assert (on_p.threshold, on_p.alpha, on_p.p_value) == ("–", "0.05", "< 0.0005")
    on_statistic = finding_view({**FINDING, "alpha": 0.005}, CHECKS)
    assert (on_statistic.threshold, on_statistic.alpha) == ("0.05", "0.005")


def test_the_p_value_is_the_one_that_was_judged():
    view = finding_view({**FINDING, "details": {"p_holm": 0.04}}, CHECKS)
    assert view.p_value == "0.04"


def test_an_interval_says_its_level_and_a_finding_may_name_its_own_statistic():
    view = finding_view({**FINDING, "low": 0.5, "high": 1.0, "level": 0.9, "statistic_name": "share"}, CHECKS)
    assert (view.interval, view.statistic_name) == ("90 % interval 0.50 to 1.00", "share")
    assert finding_view({**FINDING, "low": 0.5, "high": 1.0}, {}).interval == "0.50 to 1.00"


def test_an_anchor_holds_nothing_but_letters_digits_and_dashes():
    view = finding_view({**FINDING, "factor": "<img src=x>", "class": "a b"}, CHECKS, "arm 1")
    assert set(view.anchor) <= set("armU1-igsrcxb")


def test_a_contrast_is_named():
    assert (against_the_rest(None), against_the_rest("ms")) == ("", "ms against the rest")
