from biasaudit.report.views_bar import reliance_bar, scale_of

SETTINGS = {"low": 0.1, "tolerance": 0.25, "high": 0.5}


def test_zones_and_ticks_are_the_protocol_s_thresholds():
    scale = scale_of(SETTINGS)
    assert [(zone.verdict, zone.start, zone.length) for zone in scale.zones] == [
        ("PATHOLOGY", 0, 10),
        ("either", 10, 15),
        ("MIXED", 25, 25),
        ("ORIGIN", 50, 50),
    ]
    assert scale.ticks == (10, 25, 50)
    assert "below 25 %" in scale.words
    assert "above 10 %" in scale.words
    assert "above 50 %" in scale.words


def test_equal_thresholds_leave_no_empty_zone():
    scale = scale_of({"low": 0.25, "tolerance": 0.25, "high": 0.5})
    assert [zone.verdict for zone in scale.zones] == ["PATHOLOGY", "MIXED", "ORIGIN"]
    assert scale.ticks == (25, 50)


def test_thresholds_that_were_not_recorded_draw_no_zones():
    assert scale_of({"low": 0.1}) is None


def test_an_estimate_a_bound_and_nothing():
    bar = reliance_bar({"estimate": 0.3, "low": 0.2, "high": 1.2}, 0.4)
    assert (bar.estimate, bar.low, bar.high, bar.truth) == (30, 20, 100, 40)
    bound = reliance_bar({"estimate": None, "low": 0.44, "kind": "bound"}, None)
    assert (bound.estimate, bound.low, bound.high) == (None, 44, 100)
    assert reliance_bar({"estimate": None, "low": None}, None) is None
