"""U2 and U9 on features of which the truth is planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit.registry import get


@pytest.fixture
def layered(planted):
    """Features in which training put the origin, in one unit that the logit reads or does not."""

    def build(learned: float, slope: float, n: int = 160):
        evidence = planted(n=n)
        generator = np.random.default_rng(3)
        features = generator.normal(size=(n, 6))
        untrained = generator.normal(size=(n, 6))
        features[:, 0] += learned * (evidence.origin == "b")
        features[:, 1] += 2.0 * evidence.positive
        gradients = np.tile([slope, 1.0, 0, 0, 0, 0], (n, 1))
        own = {"features": features, "untrained": untrained, "gradients": gradients}
        return replace(evidence, **{kind: {"deep": values} for kind, values in own.items()})

    return build


def judged(code, evidence, protocol):
    return {finding.class_name: finding for finding in get("check", code)().judge(evidence, protocol)}


def test_a_layer_that_learned_the_origin_is_a_concern(layered, protocol):
    found = judged("U2", layered(3.0, 0.0), protocol)
    assert {finding.status for finding in found.values()} == {"concern"}
    healthy = found["healthy"]
    assert healthy.statistic > 0.8 > 0.65 > healthy.details["auc_untrained"]
    assert healthy.low < healthy.statistic < healthy.high
    assert healthy.details["corroborates"]
    assert not found["ms"].details["corroborates"], "severity may differ between the origins of patients"


def test_a_layer_that_learned_nothing_is_neither_clear_nor_a_concern(layered, protocol):
    assert {finding.status for finding in judged("U2", layered(0.0, 0.0), protocol).values()} == {"inconclusive"}


def test_without_an_untrained_network_nothing_is_compared(layered, protocol):
    found = judged("U2", replace(layered(3.0, 0.0), untrained={}), protocol)
    assert {finding.status for finding in found.values()} == {"inconclusive"}
    assert "untrained" in found["healthy"].reason


def test_only_an_origin_that_the_logit_reads_is_a_concern(layered, protocol):
    carried, used = (judged("U9", layered(3.0, slope), protocol)["healthy"] for slope in (0.0, 1.0))
    assert carried.status == "inconclusive"
    assert used.status == "concern"
    assert used.statistic == pytest.approx(3.0 / (3.0 + 2.0), abs=0.1)
    assert carried.statistic < 0.25


def test_a_network_without_slopes_is_not_asked(layered, protocol):
    (finding,) = get("check", "U9")().judge(replace(layered(1.0, 1.0), gradients={}), protocol)
    assert finding.status == "not_applicable"
