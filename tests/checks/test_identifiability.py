"""D1: what a table of classes and origins can tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import against_the_rest, judge

from biasaudit.protocol import Protocol
from biasaudit.stats.design import regime


def test_d1_calls_confounding_a_concern_and_balance_clear(planted, protocol):
    (aliased,) = judge("D1", planted(design="aliased"), protocol)
    (crossed,) = judge("D1", planted(), protocol)
    (marked,) = judge("D1", replace(planted(design="aliased"), masks_given=True), protocol)
    images = "add an origin that holds both classes, or some 20 healthy images of the patients' source (P1)"
    assert aliased.remedy == f"{images}, or lesion masks for erasure"
    assert marked.remedy == images
    table = {"reader": "table", "table": "t.tsv", "label": {"positive": "ms"}, "origins": ["site"], "features": ["a"]}
    (features,) = judge("D1", planted(design="aliased"), Protocol.model_validate({"cohort": table}))
    assert features.remedy == "add an origin that holds both classes"
    assert "masks" not in str(features.details)
    assert (aliased.status, aliased.statistic, aliased.threshold) == ("concern", 1.0, 0.3)
    assert (crossed.status, crossed.statistic) == ("clear", 0.0)
    assert crossed.details["can_answer"]
    assert aliased.details["cannot_answer"]


def test_exchange_inside_classes_counts_actual_classes(planted, protocol):
    label = np.array(["healthy"] * 6 + ["tumour"] * 6 + ["ms"] * 6)
    origin = np.where(label == "healthy", "a", np.where(label == "tumour", "b", "a"))
    evidence = replace(
        against_the_rest(planted, n=18), label=label, origin=origin, positive=label == "ms", regime="aliased"
    )
    (finding,) = judge("D1", evidence, protocol)
    assert finding.details["smallest_p"] is None


@pytest.mark.parametrize("design", ["crossed", "nested", "aliased", "single"])
def test_regime_is_named(design, planted):
    evidence = planted(design=design)
    assert regime(evidence.positive, evidence.origin) == design
