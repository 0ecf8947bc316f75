"""U6: does relevance lie in the subject's own pathology?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge, judged_by_class


def test_u6_tells_own_lesions_from_anywhere_and_never_reassures(planted, furnished, protocol):
    (found,) = judge("U6", furnished(planted(masks=True)), protocol)
    (spread,) = judge("U6", furnished(planted(masks=True), strength=0.0), protocol)
    assert found.status == "clear"
    assert found.low > 1
    assert "alone does not reassure" in found.reason
    assert spread.status != "clear"
    assert spread.low < 1.15


def test_u6_gives_rank_accuracy_shares_and_the_gain_of_the_origin_classifier(planted, furnished, protocol):
    (found,) = judge("U6", furnished(planted(masks=True)), protocol)
    (spread,) = judge("U6", furnished(planted(masks=True), strength=0.0), protocol)
    assert found.details["rank_accuracy"] > 3 * found.details["rank_accuracy_exchanged_masks"]
    assert found.details["rank_accuracy_p"] <= 0.01 < spread.details["rank_accuracy_p"]
    shares = [found.details[f"share_{place}"] for place in ("pathology", "edge", "brain", "outside")]
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0
    assert found.details["gain_origin_classifier"] < found.statistic


def test_u6_asks_each_class_by_itself_where_both_have_lesions(planted, furnished, protocol):
    evidence = furnished(planted(masks=True))
    maps, everybody = evidence.maps, np.ones_like(evidence.positive)
    generator = np.random.default_rng(4)
    mask = maps.mask.copy()
    for position in np.flatnonzero(~evidence.positive[maps.rows]):
        mask[position, generator.choice(180, 10, replace=False)] = True
    both = replace(evidence, patient=everybody, maps=replace(maps, mask=mask))
    (alone,) = judge("U6", evidence, protocol)
    found = judged_by_class("U6", both, protocol)
    assert list(found) == ["ms", "healthy"]
    assert found["ms"] == alone
    assert found["healthy"].n == int((~evidence.positive[maps.rows]).sum())
    assert found["healthy"].status != "clear", "their relevance is spread evenly"
    drawn = replace(maps, mask=mask, target=maps.target + 6.0 * (mask & ~maps.mask))
    assert judged_by_class("U6", replace(both, maps=drawn), protocol)["healthy"].status == "clear"


def test_u6_takes_no_place_of_a_healthy_subject_for_its_pathology(planted, furnished, protocol):
    evidence = furnished(planted(masks=True))
    marked = replace(evidence, maps=replace(evidence.maps, mask=np.ones_like(evidence.maps.mask)))
    (found,) = judge("U6", marked, protocol)
    assert found.class_name == "ms"


def test_u6_gives_one_patient_no_interval(planted, furnished, protocol):
    """Resamples of one subject are all alike, which is no certainty."""
    evidence = furnished(planted(masks=True))
    maps = evidence.maps
    mask = maps.mask.copy()
    mask[np.flatnonzero(evidence.positive[maps.rows])[1:]] = False
    (found,) = judge("U6", replace(evidence, maps=replace(maps, mask=mask)), protocol)
    assert found.n == 1
    assert found.to_dict()["low"] is None
    assert "nan" not in found.reason
    assert found.status == "inconclusive"
