"""U10, U11 and G3 on scores of retrained networks: what was planted is found, what was not is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit import registry
from biasaudit.records import Finding


def judge(code, evidence, protocol) -> Finding:
    (finding,) = registry.get("check", code)().judge(evidence, protocol)
    return finding


class TestUnseenOrigin:
    @pytest.fixture
    def evidence(self, planted, retrained_unseen):
        def build(loss: float, n: int = 240, seed: int = 4, **how):
            own = planted(n=n)
            return replace(own, unseen=retrained_unseen(own, loss, seed=seed, **how))

        return build

    def test_a_planted_loss_is_found(self, evidence, protocol):
        finding = judge("U10", evidence(0.6), protocol)
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
        many, few = (judge("U10", evidence(0.0, n=n, noise=1.0), protocol) for n in (1200, 40))
        assert many.status == "clear"
        assert many.high < protocol.verdict.delta
        assert few.status == "inconclusive"
        assert few.high >= protocol.verdict.delta

    def test_a_gain_is_no_concern(self, evidence, protocol):
        finding = judge("U10", evidence(-0.6), protocol)
        assert finding.statistic < 0
        assert finding.status == "clear"

    def test_size_and_p_values(self, evidence, protocol):
        p_values = [judge("U10", evidence(0.0, n=120, seed=seed), protocol).p_value for seed in range(60)]
        assert np.mean(np.array(p_values) <= 0.05) <= 0.13
        assert min(p_values) > 0

    def test_smaller_trainings_overlap_less_surely(self, evidence, protocol):
        small, large = (judge("U10", evidence(0.3, training=size), protocol) for size in (20, 2000))
        assert small.statistic == large.statistic
        assert small.high - small.low > 1.3 * (large.high - large.low)

    def test_origins_weigh_by_how_precisely_they_are_known(self, planted, retrained_unseen, protocol):
        own = planted(n=240)
        origin = np.where((own.origin == "b") & (np.arange(240) >= 80), "a", own.origin)
        own = replace(own, origin=origin)
        found = retrained_unseen(own, 0.0)
        found["b"] = replace(found["b"], unseen=-found["b"].unseen)
        finding = judge("U10", replace(own, unseen=found), protocol)
        losses = np.subtract(finding.details["auc_reference"], finding.details["auc_unseen"])
        assert finding.statistic == pytest.approx((100 * losses[0] + 20 * losses[1]) / 120)

    def test_an_origin_without_both_classes_in_a_fold_is_left_out_and_named(self, evidence, protocol):
        own = evidence(0.6)
        split = np.where((own.origin == "b") & own.positive, 0, np.where(own.origin == "b", 1, own.fold))
        finding = judge("U10", replace(own, fold=split), protocol)
        assert finding.details["origins"] == ["a"]
        assert finding.details["not_tested"] == ["b"]
        assert finding.n == 120
        nobody = judge("U10", replace(own, fold=own.positive.astype(int)), protocol)
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
            finding = judge("U10", own, protocol)
            assert finding.status == "not_applicable"
            assert reason in finding.reason

    def test_a_score_that_is_no_number_names_origin_and_subject(self, evidence, protocol):
        own = evidence(0.6)
        scores = own.unseen["b"].reference.copy()
        scores[3] = np.nan
        unseen = {**own.unseen, "b": replace(own.unseen["b"], reference=scores)}
        finding = judge("U10", replace(own, unseen=unseen), protocol)
        assert finding.status == "error"
        assert "origin b" in finding.reason
        assert own.subject[own.unseen["b"].rows[3]] in finding.reason


class TestDoseResponse:
    @pytest.fixture
    def evidence(self, planted, retrained_doses):
        def build(loss: float, uptake: float | None = None, n: int = 240, seed: int = 6):
            own = planted(n=n)
            return replace(own, dose=retrained_doses(own, loss, uptake, seed=seed))

        return build

    def test_a_planted_slope_is_found(self, evidence, protocol):
        finding = judge("U11", evidence(0.8), protocol)
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
        finding = judge("U11", evidence(loss, uptake), protocol)
        assert finding.status == "concern"
        raw = sorted((finding.details["auc_p"], finding.details["origin_p"]))
        assert finding.p_value == pytest.approx(min(1.0, 2 * raw[0]))
        assert raw[0] <= 0.01
        assert raw[1] > 0.05

    def test_flat_is_excluded_by_many_and_left_open_by_few(self, evidence, protocol):
        many, few = judge("U11", evidence(0.0, n=800), protocol), judge("U11", evidence(0.0, n=40), protocol)
        assert many.status == "clear"
        assert abs(many.statistic) < 0.1
        assert few.status == "inconclusive"
        assert few.remedy

    def test_slopes_the_other_way_are_no_concern(self, evidence, protocol):
        finding = judge("U11", evidence(-0.8, -1.0), protocol)
        assert finding.statistic > 0
        assert finding.details["origin_slope"] < 0
        assert finding.status != "concern"

    def test_size_over_null_draws(self, evidence, protocol):
        found = [judge("U11", evidence(0.0, n=80, seed=seed), protocol) for seed in range(40)]
        assert np.mean([f.status == "concern" for f in found]) <= 0.15
        assert all(0 < f.p_value <= 1 for f in found)

    def test_association_of_the_cohort_itself(self, evidence, planted, retrained_doses, protocol):
        assert judge("U11", evidence(0.8), protocol).details["own_level"] == pytest.approx(0.0, abs=1e-9)
        own = planted(n=240)
        flipped = np.where(np.arange(240) < 96, np.where(own.positive, "b", "a"), own.origin)
        own = replace(own, origin=flipped)
        details = judge("U11", replace(own, dose=retrained_doses(own, 0.8)), protocol).details
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
            finding = judge("U11", asked, protocol)
            assert finding.status == "not_applicable"
            assert reason in finding.reason

    def test_a_score_that_is_no_number_names_the_level(self, evidence, protocol):
        own = evidence(0.8)
        scores = own.dose.scores.copy()
        scores[5, 1] = np.nan
        finding = judge("U11", replace(own, dose=replace(own.dose, scores=scores)), protocol)
        assert finding.status == "error"
        assert "0.4" in finding.reason
        assert "s0005" in finding.reason

    def test_no_pairs_no_slope(self, evidence, protocol):
        own = evidence(0.8)
        finding = judge("U11", replace(own, fold=own.positive.astype(int)), protocol)
        assert finding.status == "inconclusive"
        one_side = replace(own, dose=replace(own.dose, side=np.zeros(240, dtype=bool)))
        assert judge("U11", one_side, protocol).status == "inconclusive"


class TestSpikeIn:
    @pytest.fixture
    def evidence(self, planted, retrained_spikes):
        def build(plant: float, sham: float, n: int = 240, design: str = "crossed", **how):
            own = planted(n=n, design=design)
            return replace(own, spike=retrained_spikes(own, plant, sham, **how))

        return build

    @pytest.mark.parametrize("design", ["crossed", "nested", "aliased"])
    def test_clear_if_the_plant_is_found_and_the_sham_is_not(self, design, evidence, protocol):
        finding = judge("G3", evidence(2.0, 0.0, design=design), protocol)
        assert finding.status == "clear"
        assert finding.low > protocol.verdict.low
        assert finding.p_value <= 0.05
        assert finding.statistic == pytest.approx(2.0 / 4.4, abs=0.1)
        assert finding.details["share_edited_positive"] == pytest.approx(0.9, abs=0.01)
        assert finding.details["share_edited_negative"] == pytest.approx(0.1, abs=0.01)
        assert (finding.details["planted_effect"], finding.details["sham_effect"]) == pytest.approx((2.0, 0.0))

    def test_what_is_owed_to_the_plant_is_measured(self, evidence, protocol):
        # 2 on .9 of the patients and on .1 of the healthy adds 1.6 to a gap of 2.4.
        finding = judge("G3", evidence(2.0, 0.0, n=600), protocol)
        assert finding.details["planted_owed"] == pytest.approx(1.6 / 4.0, abs=0.05)
        assert f"owes {100 * finding.details['planted_owed']:.0f} %" in finding.reason

    def test_a_plant_that_the_network_makes_no_use_of_tests_nothing(self, evidence, protocol):
        finding = judge("G3", evidence(0.0, 0.0), protocol)
        assert finding.status == "inconclusive"
        assert "did not take the plant up" in finding.reason
        assert "too easily" in finding.remedy

    def test_a_plant_that_is_missed_shows_no_power(self, evidence, protocol):
        finding = judge("G3", evidence(0.5, 0.0), protocol)
        assert finding.status == "inconclusive"
        assert "missed" in finding.reason
        assert finding.remedy

    def test_too_few_subjects_miss_a_plant_that_more_would_find(self, evidence, protocol):
        assert judge("G3", evidence(1.2, 0.0, n=24), protocol).status == "inconclusive"
        assert judge("G3", evidence(1.2, 0.0, n=400), protocol).status == "clear"

    def test_a_detectable_plant_of_little_effect_is_missed(self, evidence, protocol):
        finding = judge("G3", evidence(0.35, 0.0, n=800, seed=13), protocol)
        assert finding.details["planted_p"] <= 0.05
        assert finding.low <= protocol.verdict.low
        assert finding.status == "inconclusive"

    def test_a_sham_of_large_effect_speaks_against_the_network(self, evidence, protocol):
        finding = judge("G3", evidence(2.0, 2.0), protocol)
        assert finding.status == "inconclusive"
        assert "sham" in finding.reason
        assert finding.details["sham_reliance_low"] > protocol.verdict.low

    def test_a_detectable_sham_of_little_effect_stays_clear(self, evidence, protocol):
        finding = judge("G3", evidence(2.0, 0.25, n=800), protocol)
        assert finding.details["sham_p"] <= 0.05
        assert finding.details["sham_reliance_low"] <= protocol.verdict.low
        assert finding.status == "clear"

    def test_a_null_sham_is_hardly_ever_called(self, evidence, protocol):
        found = [judge("G3", evidence(2.0, 0.0, n=80, seed=seed), protocol) for seed in range(0, 60, 2)]
        assert sum("so was a sham" in finding.reason for finding in found) <= 1
        assert sum(finding.status == "clear" for finding in found) >= 24

    def test_networks_of_different_folds_need_not_agree(self, evidence, protocol):
        own = evidence(2.0, 0.0)
        offset = 9 * np.random.default_rng(2).normal(size=5)[own.fold]
        trials = {
            name: replace(trial, without=trial.without + offset, with_edit=trial.with_edit + offset)
            for name, trial in (("planted", own.spike.planted), ("sham", own.spike.sham))
        }
        moved = judge("G3", replace(own, spike=replace(own.spike, **trials)), protocol)
        assert moved.statistic == pytest.approx(judge("G3", own, protocol).statistic, abs=1e-6)
        assert moved.status == "clear"

    def test_reasons_not_to_ask(self, planted, protocol):
        skipped = judge("G3", planted(retraining_skipped={"G3": "for a reason"}), protocol)
        absent = judge("G3", planted(), protocol)
        assert (skipped.status, skipped.reason) == ("not_applicable", "for a reason")
        assert (absent.status, absent.reason) == ("not_applicable", "no signature was planted")

    def test_one_class_or_nobody_edited_is_inconclusive(self, evidence, protocol):
        own = evidence(2.0, 0.0)
        one_class = judge("G3", replace(own, positive=np.ones(240, dtype=bool)), protocol)
        aliased = replace(own.spike.planted, edited=own.positive)
        not_mixed = judge("G3", replace(own, spike=replace(own.spike, planted=aliased)), protocol)
        assert (one_class.status, not_mixed.status) == ("inconclusive", "inconclusive")
        assert "only one class" in one_class.reason
        assert "cannot be compared inside a class" in not_mixed.reason

    @pytest.mark.parametrize("trial", ["planted", "sham"])
    @pytest.mark.parametrize("scores", ["without", "with_edit"])
    def test_a_score_that_is_no_number_is_an_error(self, trial, scores, evidence, protocol):
        own = evidence(2.0, 0.0)
        values = getattr(getattr(own.spike, trial), scores).copy()
        values[11] = np.inf
        broken = replace(own.spike, **{trial: replace(getattr(own.spike, trial), **{scores: values})})
        finding = judge("G3", replace(own, spike=broken), protocol)
        assert finding.status == "error"
        assert f"{trial} edit" in finding.reason
        assert "s0011" in finding.reason
