"""U7: do the target's maps change between origins as the origin classifier's do?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import in_class, judge


def test_u7_finds_what_changes_as_the_origin_classifier_only_where_that_works(planted, furnished, protocol):
    evidence = furnished(planted(n=200, masks=True))
    found = in_class(judge("U7", evidence, protocol), "healthy")
    assert found.status == "concern"
    assert found.details["cosine"] > 0.5
    generator = np.random.default_rng(8)
    blind = {
        name: replace(control, scores=generator.normal(size=control.scores.shape))
        for name, control in evidence.origin_controls.items()
    }
    unread = in_class(judge("U7", replace(evidence, origin_controls=blind), protocol), "healthy")
    assert unread.status == "inconclusive"
    assert "not above chance" in unread.reason
    shape = evidence.maps.origin.shape
    noise = {name: generator.normal(size=shape) for name in ("origin", "origin_replicate")}
    unrelated = replace(evidence, maps=replace(evidence.maps, **noise))
    assert in_class(judge("U7", unrelated, protocol), "healthy").status == "inconclusive"


def test_u7_calls_a_small_change_faint(planted, furnished, protocol):
    evidence = furnished(planted(n=200, masks=True))
    lenient, strict = (
        protocol.model_copy(update={"attribution": protocol.attribution.model_copy(update={"following": floor})})
        for floor in (0.01, 5.0)
    )
    assert in_class(judge("U7", evidence, lenient), "healthy").status == "concern"
    faint = in_class(judge("U7", evidence, strict), "healthy")
    assert faint.status == "inconclusive"
    assert "that calibration needs" in faint.reason


def test_u7_averages_the_images_of_a_subject(planted, furnished, protocol):
    evidence = furnished(planted(n=200, masks=True))
    names = ("rows", "target", "target_replicate", "mask", "foreground", "completeness_error")
    twice = {name: np.concatenate([getattr(evidence.maps, name)] * 2) for name in names}
    twice |= {n: np.concatenate([getattr(evidence.maps, n)] * 2, axis=1) for n in ("origin", "origin_replicate")}
    again = replace(evidence, maps=replace(evidence.maps, **twice, probes=None))
    first, second = (in_class(judge("U7", own, protocol), "healthy") for own in (evidence, again))
    assert second.n == first.n
    assert second.statistic == pytest.approx(first.statistic)
