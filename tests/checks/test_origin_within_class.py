"""A1: can the same network tell origins apart inside one class?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from checks.asking import in_class, judge


def test_a1_says_available_and_no_fault(planted, furnished, protocol):
    found = in_class(judge("A1", furnished(planted()), protocol), "healthy")
    quiet = in_class(judge("A1", furnished(planted(), strength=0.0), protocol), "healthy")
    assert found.status == "concern"
    assert found.low > 0.5
    assert "not" in found.reason  # availability is not use
    assert quiet.status in ("inconclusive", "clear")
    assert {f.status for f in judge("A1", furnished(planted(design="aliased")), protocol)} == {"not_applicable"}


def test_a1_counts_many_origins_and_names_few(planted, furnished, protocol):
    evidence = furnished(planted())
    control = evidence.origin_controls["healthy"]
    assert ", ".join(control.origins) in in_class(judge("A1", evidence, protocol), "healthy").reason
    names = tuple(f"centre-{number}" for number in range(9))
    origin = np.array([names[row % 9] for row in range(evidence.origin.size)])
    scores = np.random.default_rng(0).normal(size=(control.rows.size, 9))
    many = replace(evidence, origin=origin, origin_controls={"healthy": replace(control, origins=names, scores=scores)})
    reason = in_class(judge("A1", many, protocol), "healthy").reason
    assert "the 9 larger origins" in reason
    assert "centre-3" not in reason


def test_a1_stores_what_permuted_origins_give(planted, furnished, protocol):
    stored = in_class(judge("A1", furnished(planted()), protocol), "healthy").details["null"]
    assert stored["from"] == "permutations"
    assert stored["observed"] > max(stored["quantiles"])
    assert abs(stored["quantiles"][20] - 0.5) < 0.1
