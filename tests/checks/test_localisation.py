"""U6: does relevance lie in the subject's own pathology?"""

from __future__ import annotations

import pytest
from checks.asking import judge


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
