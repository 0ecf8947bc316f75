from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit import registry

SHAPE = (10, 20)


@pytest.fixture
def strategies(planted, furnished, protocol):
    """Findings of U12 on maps whose relevance moves elsewhere at the second origin by `strength`."""

    def judge(strength: float, **changes):
        evidence = furnished(planted(n=120, **changes))
        maps = evidence.maps
        inside = np.zeros(SHAPE, dtype=bool)
        inside.ravel()[: maps.target.shape[1]] = True
        foreign = np.isin(evidence.origin[maps.rows], ("b", "d"))[:, None]
        noise = np.random.default_rng(3).normal(size=maps.target.shape)
        target = noise + strength * foreign * (np.arange(noise.shape[1]) < 20)
        own = replace(evidence, maps=replace(maps, target=target, inside=inside, probes=None))
        return {finding.class_name: finding for finding in registry.get("check", "U12")().judge(own, protocol)}

    return judge


@pytest.mark.parametrize("design", ["crossed", "nested"])
def test_strategies_that_go_with_the_origin_are_a_concern_in_both_classes(design, strategies):
    for name, finding in strategies(6.0, design=design).items():
        assert finding.status == "concern", name
        assert finding.statistic > 0.8
        assert finding.details["corroborates"]


def test_none_is_inconclusive_and_never_clear(strategies):
    for finding in strategies(0.0).values():
        assert finding.status == "inconclusive"
        assert not finding.details["corroborates"]


def test_one_origin_in_a_class_leaves_nothing_to_compare(strategies):
    assert {finding.status for finding in strategies(6.0, design="aliased").values()} == {"not_applicable"}
