"""U9: does the logit move along the direction of the origin in the hidden layers?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from checks.asking import judged_by_class

from biasaudit.registry import get


def test_only_an_origin_that_the_logit_reads_is_a_concern(layered, protocol):
    carried, used = (judged_by_class("U9", layered(3.0, slope), protocol)["healthy"] for slope in (0.0, 1.0))
    assert carried.status == "inconclusive"
    assert used.status == "concern"
    assert used.statistic == pytest.approx(3.0 / (3.0 + 2.0), abs=0.1)
    assert carried.statistic < 0.25


def test_a_network_without_slopes_is_not_asked(layered, protocol):
    (finding,) = get("check", "U9")().judge(replace(layered(1.0, 1.0), gradients={}), protocol)
    assert finding.status == "not_applicable"
