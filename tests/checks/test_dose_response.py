"""U11: does the network take up the origin as class and origin are associated more closely?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge_once


class TestDoseResponse:
    @pytest.fixture
    def evidence(self, planted, retrained_doses):
        def build(loss: float, uptake: float | None = None, n: int = 240, seed: int = 6):
            own = planted(n=n)
            return replace(own, dose=retrained_doses(own, loss, uptake, seed=seed))

        return build

    def test_a_planted_slope_is_found(self, evidence, protocol):
        finding = judge_once("U11", evidence(0.8), protocol)
        assert finding.status == "concern"
        assert finding.high < 0
        assert finding.details["origin_slope_low"] > 0
        areas, origin = finding.details["auc"], finding.details["origin_auc"]
        assert areas[0] > areas[1] > areas[2]
        assert origin[0] < origin[1] < origin[2]
        # Three equally spaced levels: the least-squares slope is that of the ends.
        assert finding.statistic == pytest.approx((areas[2] - areas[0]) / 0.8)
        assert finding.details["origin_slope"] == pytest.approx((origin[2] - origin[0]) / 0.8)

    @pytest.mark.parametrize(("loss", "uptake"), [(0.8, 0.0), (0.0, 1.5)])
    def test_either_slope_is_enough(self, loss, uptake, evidence, protocol):
        finding = judge_once("U11", evidence(loss, uptake), protocol)
        assert finding.status == "concern"
        raw = sorted((finding.details["auc_p"], finding.details["origin_p"]))
        assert finding.p_value == pytest.approx(min(1.0, 2 * raw[0]))
        assert raw[0] <= 0.01
        assert raw[1] > 0.05

    def test_flat_is_excluded_by_many_and_left_open_by_few(self, evidence, protocol):
        many, few = judge_once("U11", evidence(0.0, n=800), protocol), judge_once("U11", evidence(0.0, n=40), protocol)
        assert many.status == "clear"
        assert abs(many.statistic) < 0.1
        assert few.status == "inconclusive"
        assert few.remedy

    def test_slopes_the_other_way_are_no_concern(self, evidence, protocol):
        finding = judge_once("U11", evidence(-0.8, -1.0), protocol)
        assert finding.statistic > 0
        assert finding.details["origin_slope"] < 0
        assert finding.status != "concern"

    def test_size_over_null_draws(self, evidence, protocol):
        found = [judge_once("U11", evidence(0.0, n=80, seed=seed), protocol) for seed in range(40)]
        assert np.mean([f.status == "concern" for f in found]) <= 0.15
        assert all(0 < f.p_value <= 1 for f in found)

    def test_association_of_the_cohort_itself(self, evidence, planted, retrained_doses, protocol):
        assert judge_once("U11", evidence(0.8), protocol).details["own_level"] == pytest.approx(0.0, abs=1e-9)
        own = planted(n=240)
        flipped = np.where(np.arange(240) < 96, np.where(own.positive, "b", "a"), own.origin)
        own = replace(own, origin=flipped)
        details = judge_once("U11", replace(own, dose=retrained_doses(own, 0.8)), protocol).details
        assert details["own_level"] == pytest.approx(0.4)
        assert details["change_at_own_level"] < 0

    def test_reasons_not_to_ask(self, planted, retrained_doses, protocol):
        own = planted()
        nested = planted(design="nested")
        cases = {
            "no origin holds both classes": replace(nested, dose=retrained_doses(nested, 0.8)),
            "and 40 are needed": replace(own, retraining_skipped={"U11": "30 images, and 40 are needed"}),
            "no network was retrained": own,
        }
        for reason, asked in cases.items():
            finding = judge_once("U11", asked, protocol)
            assert finding.status == "not_applicable"
            assert reason in finding.reason

    def test_a_score_that_is_no_number_names_the_level(self, evidence, protocol):
        own = evidence(0.8)
        scores = own.dose.scores.copy()
        scores[5, 1] = np.nan
        finding = judge_once("U11", replace(own, dose=replace(own.dose, scores=scores)), protocol)
        assert finding.status == "error"
        assert "0.4" in finding.reason
        assert "s0005" in finding.reason

    def test_no_pairs_no_slope(self, evidence, protocol):
        own = evidence(0.8)
        finding = judge_once("U11", replace(own, fold=own.positive.astype(int)), protocol)
        assert finding.status == "inconclusive"
        one_side = replace(own, dose=replace(own.dose, side=np.zeros(240, dtype=bool)))
        assert judge_once("U11", one_side, protocol).status == "inconclusive"
