"""G3: would a signature of a known size have been found on this very cohort?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge_once

from biasaudit.records import Plant


class TestSpikeIn:
    @pytest.fixture
    def evidence(self, planted, retrained_spikes):
        def build(plant: float, sham: float, n: int = 240, design: str = "crossed", **how):
            own = planted(n=n, design=design)
            return replace(own, spike=retrained_spikes(own, plant, sham, **how))

        return build

    @pytest.mark.parametrize("design", ["crossed", "nested", "aliased"])
    def test_clear_if_the_plant_is_found_and_the_sham_is_not(self, design, evidence, protocol):
        finding = judge_once("G3", evidence(2.0, 0.0, design=design), protocol)
        assert finding.status == "clear"
        assert finding.low > protocol.verdict.low
        assert finding.p_value <= 0.05
        assert finding.statistic == pytest.approx(2.0 / 4.4, abs=0.1)
        assert finding.details["share_edited_positive"] == pytest.approx(0.9, abs=0.01)
        assert finding.details["share_edited_negative"] == pytest.approx(0.1, abs=0.01)
        assert (finding.details["planted_effect"], finding.details["sham_effect"]) == pytest.approx((2.0, 0.0))

    def test_what_is_owed_to_the_plant_is_measured(self, evidence, protocol):
        # 2 on .9 of the patients and on .1 of the healthy adds 1.6 to a gap of 2.4.
        finding = judge_once("G3", evidence(2.0, 0.0, n=600), protocol)
        assert finding.details["planted_owed"] == pytest.approx(1.6 / 4.0, abs=0.05)
        assert f"owes {100 * finding.details['planted_owed']:.0f} %" in finding.reason
        assert finding.details["planted_owed_low"] < finding.details["planted_owed"]
        assert finding.details["taken_up"] is True

    def test_a_plant_that_the_network_makes_no_use_of_tests_nothing(self, evidence, protocol):
        finding = judge_once("G3", evidence(0.0, 0.0), protocol)
        assert finding.status == "inconclusive"
        assert "did not take the plant up" in finding.reason
        assert "spike_in.kinds" in finding.remedy
        assert finding.details["taken_up"] is False

    def test_a_small_plant_says_nothing_until_the_network_is_known_to_owe_more_than_tolerated(self, evidence, protocol):
        # .5 on .8 more of the patients adds .4 to a gap of 2.4: owed .14, below the tolerance of .25, and not found.
        finding = judge_once("G3", evidence(0.5, 0.0), protocol)
        assert 0 < finding.details["planted_owed"] < protocol.verdict.tolerance
        assert finding.details["taken_up"] is False
        assert "did not take the plant up" in finding.reason

    def test_the_rung_and_those_below_are_told(self, evidence, protocol):
        own = evidence(2.0, 0.0)
        ladder = (Plant(("tone", "blur"), 1.0), Plant(("tone", "blur"), 1.0, 0.1), Plant(("ruler",), 2.0, 0.3))
        finding = judge_once("G3", replace(own, spike=replace(own.spike, ladder=ladder, owed=(0.04,))), protocol)
        assert finding.status == "clear"
        assert "(tone + blur at strength 1, 10 % of the labels turned)" in finding.reason
        assert finding.details["plant_kinds"] == ["tone", "blur"]
        assert (finding.details["plant_strength"], finding.details["plant_mislabelled"]) == (1.0, 0.1)
        assert (finding.details["rung"], finding.details["rungs_left"]) == (2, 1)
        assert finding.details["owed_below"] == [0.04]

    def test_where_no_plant_was_taken_up_the_reason_says_how_many_and_how_strong(self, evidence, protocol):
        own = evidence(0.0, 0.0)
        ladder = (Plant(("tone", "blur"), 1.0), Plant(("tone", "blur"), 2.0, 0.3), Plant(("ruler",), 2.0, 0.3))
        finding = judge_once("G3", replace(own, spike=replace(own.spike, ladder=ladder, owed=(0.04, 0.07))), protocol)
        assert finding.status == "inconclusive"
        assert "none of 3 plants of 3 kinds, up to strength 2 and 30 % of turned labels" in finding.reason
        assert "moved more than 7 % of the class gap" in finding.reason
        assert finding.details["rungs_left"] == 0

    def test_a_plant_that_is_missed_shows_no_power(self, evidence, protocol):
        # Owed .4, but carriers and others of a class are too few and too alike for the rule of the verdict.
        finding = judge_once("G3", evidence(2.0, 0.0, n=30), protocol)
        assert finding.details["taken_up"] is True
        assert finding.status == "inconclusive"
        assert "missed" in finding.reason
        assert finding.remedy

    def test_too_few_subjects_miss_a_plant_that_more_would_find(self, evidence, protocol):
        assert judge_once("G3", evidence(1.2, 0.0, n=24), protocol).status == "inconclusive"
        assert judge_once("G3", evidence(1.2, 0.0, n=400), protocol).status == "clear"

    def test_a_detectable_plant_of_little_effect_is_missed(self, evidence, protocol):
        finding = judge_once("G3", evidence(0.35, 0.0, n=800, seed=13), protocol)
        assert finding.details["planted_p"] <= 0.05
        assert finding.low <= protocol.verdict.low
        assert finding.status == "inconclusive"

    def test_a_sham_of_large_effect_speaks_against_the_network(self, evidence, protocol):
        finding = judge_once("G3", evidence(2.0, 2.0), protocol)
        assert finding.status == "inconclusive"
        assert "sham" in finding.reason
        assert finding.details["sham_reliance_low"] > protocol.verdict.low

    def test_a_sham_that_is_flagged_by_chance_speaks_against_nobody(self, evidence, protocol):
        own = evidence(2.0, 0.0)
        sham = own.spike.sham
        higher = sham.without + sham.edited  # carriers differ by chance, not by the edit
        moved = replace(sham, without=higher, with_edit=higher)
        finding = judge_once("G3", replace(own, spike=replace(own.spike, sham=moved)), protocol)
        assert finding.details["sham_p"] <= 0.05
        assert finding.details["sham_reliance_low"] > protocol.verdict.low
        assert finding.details["sham_answered"] == 0
        assert finding.status == "clear"

    def test_a_detectable_sham_of_little_effect_stays_clear(self, evidence, protocol):
        finding = judge_once("G3", evidence(2.0, 0.25, n=800), protocol)
        assert finding.details["sham_p"] <= 0.05
        assert finding.details["sham_reliance_low"] <= protocol.verdict.low
        assert finding.status == "clear"

    def test_a_null_sham_is_hardly_ever_called(self, evidence, protocol):
        found = [judge_once("G3", evidence(2.0, 0.0, n=80, seed=seed), protocol) for seed in range(0, 60, 2)]
        assert sum("so was a sham" in finding.reason for finding in found) <= 1
        assert sum(finding.status == "clear" for finding in found) >= 24

    def test_networks_of_different_folds_need_not_agree(self, evidence, protocol):
        own = evidence(2.0, 0.0)
        offset = 9 * np.random.default_rng(2).normal(size=5)[own.fold]
        trials = {
            name: replace(trial, without=trial.without + offset, with_edit=trial.with_edit + offset)
            for name, trial in (("planted", own.spike.planted), ("sham", own.spike.sham))
        }
        moved = judge_once("G3", replace(own, spike=replace(own.spike, **trials)), protocol)
        assert moved.statistic == pytest.approx(judge_once("G3", own, protocol).statistic, abs=1e-6)
        assert moved.status == "clear"

    def test_reasons_not_to_ask(self, planted, protocol):
        skipped = judge_once("G3", planted(retraining_skipped={"G3": "for a reason"}), protocol)
        absent = judge_once("G3", planted(), protocol)
        assert (skipped.status, skipped.reason) == ("not_applicable", "for a reason")
        assert (absent.status, absent.reason) == ("not_applicable", "no signature was planted")

    def test_one_class_or_nobody_edited_is_inconclusive(self, evidence, protocol):
        own = evidence(2.0, 0.0)
        one_class = judge_once("G3", replace(own, positive=np.ones(240, dtype=bool)), protocol)
        aliased = replace(own.spike.planted, edited=own.positive)
        not_mixed = judge_once("G3", replace(own, spike=replace(own.spike, planted=aliased)), protocol)
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
        finding = judge_once("G3", replace(own, spike=broken), protocol)
        assert finding.status == "error"
        assert f"{trial} edit" in finding.reason
        assert "s0011" in finding.reason
