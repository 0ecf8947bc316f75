"""What D2 and A3 share: how well columns predict the class, or the origin inside one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge, of_label

from biasaudit.records import Twin


@pytest.mark.parametrize("code", ["D2", "A3"])
def test_nothing_known_is_not_applicable(code, bare, protocol):
    (finding,) = judge(code, bare, protocol)
    assert finding.status == "not_applicable"


@pytest.mark.parametrize("code", ["D2", "A3"])
def test_false_alarms_are_rare(code, bare, protocol):
    """Three questions, Holm-corrected: at most the nominal rate of cohorts with any concern."""
    chance = np.random.default_rng(6)
    alarms, runs = 0, 30
    for _ in range(runs):
        columns = {f"c{number}": chance.normal(size=120) for number in range(6)}
        field = {"quality": columns} if code == "A3" else {"covariates": columns}
        alarms += any(finding.status == "concern" for finding in judge(code, replace(bare, **field), protocol))
    assert alarms <= 5  # P < .01 at a rate of .05


def twins(evidence, protocol, *pairs, **changes):
    return judge("D3", replace(evidence, twins=pairs, **changes), protocol)[0]


def test_a_network_trained_elsewhere_has_no_folds(bare, protocol):
    chance = np.random.default_rng(7)
    older = {"age": chance.normal(size=120) + 2.0 * bare.positive}
    for fold in (np.zeros(120, dtype=int), np.where(np.arange(120) < 60, -1, 0)):
        assert of_label(judge("D2", replace(bare, covariates=older, fold=fold), protocol)).status == "concern"
    assert "1 in two folds" in twins(bare, protocol, Twin(0, 119, 0.9, 9.0), fold=fold).reason
