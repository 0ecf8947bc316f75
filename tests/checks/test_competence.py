"""G1: is the target above chance?"""

from __future__ import annotations

from checks.asking import judge


def test_g1_opens_for_a_competent_target_only(planted, protocol):
    (good,) = judge("G1", planted(), protocol)
    (chance,) = judge("G1", planted(pathology=0.0), protocol)
    assert good.status == "clear"
    assert good.low > 0.5
    assert chance.status == "inconclusive"
    assert chance.low <= 0.5
