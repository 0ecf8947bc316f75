from biasaudit.report.views_rates import rates_view

RATES = {
    "cell": "nested, complete masks, n 120-160",
    **{"false_flag": 0.0, "false_flag_n": 13, "false_flag_high": 0.2281},
    **{"false_clear": 1 / 7, "false_clear_n": 7, "false_clear_high": 0.5131},
    **{"undetermined": 4 / 31, "undetermined_n": 31, "undetermined_high": 0.29},
    "within_calibration": True,
    "text": "as measured",
}


def test_rates_are_counts_with_one_dot_for_each_cohort():
    view = rates_view(RATES)
    alarms, missed, left = view.rates
    assert (alarms.words, alarms.bound) == ("0 of 13 simulated cohorts without bias", "true rate below 23\u202f%")
    assert (alarms.filled, alarms.dots) == (0, 13)
    assert (missed.words, missed.bound) == (
        "1 of 7 simulated cohorts with bias",
        "true rate below 51\u202f%; few cohorts",
    )
    assert (missed.filled, missed.dots, missed.is_error, left.is_error) == (1, 7, True, False)
    assert "like this one (nested, complete masks, n 120-160)" in view.lead


def test_what_lies_outside_the_calibration_says_why():
    view = rates_view({**RATES, "within_calibration": False, "outside": ["real images", "another network"]})
    assert "was not measured for audits like this one (real images, another network)" in view.lead


def test_own_copies_also_tell_what_is_found():
    view = rates_view({**RATES, "own": True, "found": 0.9, "found_n": 10, "found_low": 0.55})
    assert "copies of these very images" in view.lead
    found = view.rates[1]
    assert found.words == "9 of 10 copies with strong bias (reliance of one half or more)"
    assert found.bound == "true rate above 55\u202f%"
    assert view.rates[0].words == "0 of 13 copies without bias"


def test_real_pictures_are_named():
    assert rates_view({**RATES, "pictures": True}).rates[0].words == "0 of 13 cohorts of real pictures without bias"


def test_many_cohorts_have_no_dots_and_none_has_words_alone():
    assert rates_view({**RATES, "false_flag_n": 300}).rates[0].dots == 0
    unmeasured = rates_view({"text": "error rates not yet measured", "false_flag": None})
    assert (unmeasured.rates, unmeasured.text) == ((), "error rates not yet measured")


def test_without_a_cell_no_brackets_are_left():
    assert "like this one:" in rates_view({**RATES, "cell": None}).lead
