"""U10: how much worse is the network on an origin that it never saw?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge_once


class TestUnseenOrigin:
    @pytest.fixture
    def evidence(self, planted, retrained_unseen):
        def build(loss: float, n: int = 240, seed: int = 4, **how):
            own = planted(n=n)
            return replace(own, unseen=retrained_unseen(own, loss, seed=seed, **how))

        return build

    def test_a_planted_loss_is_found(self, evidence, protocol):
        finding = judge_once("U10", evidence(0.6), protocol)
        assert finding.status == "concern"
        assert finding.low > 0
        assert finding.p_value <= 0.05
        assert finding.details["origins"] == ["a", "b"]
        differences = np.subtract(finding.details["auc_reference"], finding.details["auc_unseen"])
        assert finding.statistic == pytest.approx(differences.mean())
        assert min(finding.details["balanced_accuracy_loss"]) > 0.02
        assert finding.n == 240
        assert finding.remedy

    def test_no_loss_is_excluded_by_many_and_left_open_by_few(self, evidence, protocol):
        many, few = (judge_once("U10", evidence(0.0, n=n, noise=1.0), protocol) for n in (1200, 40))
        assert many.status == "clear"
        assert many.high < protocol.verdict.delta
        assert few.status == "inconclusive"
        assert few.high >= protocol.verdict.delta

    def test_a_gain_is_no_concern(self, evidence, protocol):
        finding = judge_once("U10", evidence(-0.6), protocol)
        assert finding.statistic < 0
        assert finding.status == "clear"

    def test_size_and_p_values(self, evidence, protocol):
        p_values = [judge_once("U10", evidence(0.0, n=120, seed=seed), protocol).p_value for seed in range(60)]
        assert np.mean(np.array(p_values) <= 0.05) <= 0.13
        assert min(p_values) > 0

    def test_smaller_trainings_overlap_less_surely(self, evidence, protocol):
        small, large = (judge_once("U10", evidence(0.3, training=size), protocol) for size in (20, 2000))
        assert small.statistic == large.statistic
        assert small.high - small.low > 1.3 * (large.high - large.low)

    def test_origins_weigh_by_how_precisely_they_are_known(self, planted, retrained_unseen, protocol):
        own = planted(n=240)
        origin = np.where((own.origin == "b") & (np.arange(240) >= 80), "a", own.origin)
        own = replace(own, origin=origin)
        found = retrained_unseen(own, 0.0)
        found["b"] = replace(found["b"], unseen=-found["b"].unseen)
        finding = judge_once("U10", replace(own, unseen=found), protocol)
        losses = np.subtract(finding.details["auc_reference"], finding.details["auc_unseen"])
        assert finding.statistic == pytest.approx((100 * losses[0] + 20 * losses[1]) / 120)

    def test_an_origin_without_both_classes_in_a_fold_is_left_out_and_named(self, evidence, protocol):
        own = evidence(0.6)
        split = np.where((own.origin == "b") & own.positive, 0, np.where(own.origin == "b", 1, own.fold))
        finding = judge_once("U10", replace(own, fold=split), protocol)
        assert finding.details["origins"] == ["a"]
        assert finding.details["not_tested"] == ["b"]
        assert finding.n == 120
        nobody = judge_once("U10", replace(own, fold=own.positive.astype(int)), protocol)
        assert nobody.status == "inconclusive"
        assert "no fold holds out both classes" in nobody.reason

    def test_reasons_not_to_ask(self, planted, protocol):
        skipped = {"U10": "too few subjects elsewhere"}
        cases = {
            "no origin holds both classes": planted(design="nested"),
            "no origin holds 8 subjects": planted(n=24),
            "too few subjects elsewhere": planted(retraining_skipped=skipped),
            "no network was retrained": planted(),
        }
        for reason, own in cases.items():
            finding = judge_once("U10", own, protocol)
            assert finding.status == "not_applicable"
            assert reason in finding.reason

    def test_a_score_that_is_no_number_names_origin_and_subject(self, evidence, protocol):
        own = evidence(0.6)
        scores = own.unseen["b"].reference.copy()
        scores[3] = np.nan
        unseen = {**own.unseen, "b": replace(own.unseen["b"], reference=scores)}
        finding = judge_once("U10", replace(own, unseen=unseen), protocol)
        assert finding.status == "error"
        assert "origin b" in finding.reason
        assert own.subject[own.unseen["b"].rows[3]] in finding.reason
