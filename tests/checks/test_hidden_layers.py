"""U2: has training made the origin easier to read from the hidden layers?"""

from __future__ import annotations

from dataclasses import replace

from checks.asking import judged_by_class


def test_a_layer_that_learned_the_origin_is_a_concern(layered, protocol):
    found = judged_by_class("U2", layered(3.0, 0.0), protocol)
    assert {finding.status for finding in found.values()} == {"concern"}
    healthy = found["healthy"]
    assert healthy.statistic > 0.8 > 0.65 > healthy.details["auc_untrained"]
    assert healthy.low < healthy.statistic < healthy.high
    assert healthy.details["corroborates"]
    assert not found["ms"].details["corroborates"], "severity may differ between the origins of patients"


def test_a_layer_that_learned_nothing_is_neither_clear_nor_a_concern(layered, protocol):
    assert {finding.status for finding in judged_by_class("U2", layered(0.0, 0.0), protocol).values()} == {
        "inconclusive"
    }


def test_without_an_untrained_network_nothing_is_compared(layered, protocol):
    found = judged_by_class("U2", replace(layered(3.0, 0.0), untrained={}), protocol)
    assert {finding.status for finding in found.values()} == {"inconclusive"}
    assert "untrained" in found["healthy"].reason
