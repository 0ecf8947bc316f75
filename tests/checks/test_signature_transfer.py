"""U5: the planted share comes back, the sham cancels, and an edit that does not move the signature may not flag."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit import registry
from biasaudit.checks.signature_transfer import LEAK
from biasaudit.records import Finding


def judge(evidence, protocol) -> Finding:
    (finding,) = registry.get("check", "U5")().judge(evidence, protocol)
    return finding


@pytest.fixture
def carried(planted, transferred):
    """Evidence of a design without masks, and the transfer of a signature that is `share` of a gap of 3."""

    def build(share: float, n: int = 200, design: str = "aliased", seed: int = 1, **how):
        evidence = planted(n=n, design=design, signature=3 * share, pathology=3 * (1 - share), seed=seed)
        moved = 3 * share if design == "aliased" else 0.0
        return replace(evidence, transfer=transferred(evidence, moved, seed=seed + 50, **how))

    return build


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_the_planted_share_comes_back(share, carried, protocol):
    finding = judge(carried(share, n=400), protocol)
    assert finding.statistic == pytest.approx(share, abs=0.07)
    assert finding.low - 0.03 <= share
    assert finding.high is None  # a signature that the edit does not carry may add to it
    assert finding.status == ("concern" if share else "inconclusive")
    assert finding.flag.may_flag
    assert finding.details["class_gap"] == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize("moving", [False, True])
def test_each_direction_counts_half(moving, carried, protocol):
    evidence = carried(0.6, n=400)
    one_way = np.where(evidence.positive == moving, evidence.transfer.edited, evidence.transfer.sham)
    finding = judge(replace(evidence, transfer=replace(evidence.transfer, edited=one_way)), protocol)
    assert finding.statistic == pytest.approx(0.3, abs=0.05)


def test_a_change_away_from_the_other_side_is_no_reliance(carried, protocol):
    evidence = carried(0.6, n=400)
    made = replace(evidence.transfer, edited=2 * evidence.transfer.sham - evidence.transfer.edited)
    finding = judge(replace(evidence, transfer=made), protocol)
    assert finding.statistic == pytest.approx(-0.6, abs=0.07)
    assert finding.status == "inconclusive"


def test_what_any_edit_does_cancels(carried, protocol):
    plain, shifted = judge(carried(0.3), protocol), judge(carried(0.3, artefact=-5.0), protocol)
    assert shifted.statistic == pytest.approx(plain.statistic)
    assert shifted.p_value == plain.p_value
    evidence = carried(0.0)
    towards = np.where(evidence.positive, -1.0, 1.0)  # an edit that hurts each class, whatever is imposed
    made = replace(evidence.transfer, edited=evidence.transfer.edited + towards, sham=evidence.transfer.sham + towards)
    assert judge(replace(evidence, transfer=made), protocol).statistic == pytest.approx(0.0, abs=0.05)


def test_an_edit_that_does_not_arrive_may_not_flag(carried, protocol):
    finding = judge(carried(0.6, reach=0.05), protocol)
    assert not finding.flag.may_flag
    assert finding.status == "inconclusive"
    assert "cannot stand for the signature" in finding.reason
    assert finding.details["moved"] < 0.2
    assert finding.remedy


def test_an_edit_that_goes_part_of_the_way_may_flag(carried, protocol):
    finding = judge(carried(0.6, reach=0.4), protocol)
    assert finding.flag.may_flag
    assert finding.details["moved"] == pytest.approx(0.4, abs=0.1)
    assert finding.status == "concern"


def test_what_the_sham_moves_too_has_not_arrived(carried, protocol):
    evidence = carried(0.6)
    plain, edited, _ = evidence.transfer.statistics
    made = replace(evidence.transfer, statistics=np.stack([plain, edited, edited]))
    finding = judge(replace(evidence, transfer=made), protocol)
    assert finding.details["moved"] == pytest.approx(0.0, abs=0.01)
    assert not finding.flag.may_flag


def test_where_simple_statistics_see_no_sides_nothing_shows_that_the_edit_arrived(carried, protocol):
    finding = judge(carried(0.6, separable=0.0), protocol)
    assert finding.details["sides_auc"] < 0.75
    assert not finding.flag.may_flag
    assert finding.status == "inconclusive"
    assert "do not tell the two sides apart" in finding.reason


def test_where_it_cannot_be_told_whether_the_edit_arrived_nothing_is_said(carried, protocol):
    evidence = carried(0.6)
    finding = judge(replace(evidence, fold=np.zeros(evidence.fold.size, dtype=int)), protocol)
    assert np.isnan(finding.details["sides_auc"])
    assert not finding.flag.may_flag
    assert finding.status == "inconclusive"
    assert "nan" not in finding.reason


def test_little_change_clears_nobody(carried, protocol):
    finding = judge(carried(0.0, n=800), protocol)
    assert finding.statistic < 0.05
    assert finding.status == "inconclusive"
    assert "not excluded" in finding.reason


def test_of_pictures_it_points_at_the_origin_and_has_no_vote(carried, protocol):
    evidence = carried(0.6)
    pictures = replace(evidence, transfer=replace(evidence.transfer, pictures=True))
    finding = judge(pictures, protocol)
    assert finding.status == "concern"
    assert not finding.may_flag
    assert "only corroborates" in finding.reason


def test_designs_that_answer_otherwise_are_not_asked(carried, planted, protocol):
    crossed = judge(carried(0.6, design="crossed"), protocol)
    masked = judge(planted(design="aliased", masks=True, mask_is_complete=True), protocol)
    incomplete = judge(planted(design="aliased", masks=True), protocol)
    assert {f.status for f in (crossed, masked, incomplete)} == {"not_applicable"}
    assert "U1" in crossed.reason
    assert "U4" in masked.reason
    assert "no signature was transferred" in incomplete.reason
    assert not any(f.flag.may_flag for f in (crossed, masked, incomplete))


def test_a_transfer_that_was_asked_for_is_judged_beside_complete_masks(carried, protocol):
    evidence = replace(carried(0.6), masks_given=True, mask_is_complete=True)
    assert judge(evidence, protocol).status == "concern"


@pytest.mark.parametrize("where", ["logit", "edited", "sham"])
def test_a_score_that_is_no_number_is_an_error(where, carried, protocol):
    evidence = carried(0.6)
    values = np.where(np.arange(evidence.positive.size) == 7, np.nan, evidence.logit)
    changes = {"logit": values} if where == "logit" else {"transfer": replace(evidence.transfer, **{where: values})}
    finding = judge(replace(evidence, **changes), protocol)
    assert finding.status == "error"
    assert "s0007" in finding.reason
    assert not finding.flag.may_flag


def test_constant_scores_one_class_and_no_gap_are_inconclusive(carried, planted, transferred, protocol):
    evidence = carried(0.6)
    n = evidence.positive.size
    constant = judge(replace(evidence, logit=np.zeros(n)), protocol)
    one_class = judge(replace(evidence, positive=np.zeros(n, dtype=bool)), protocol)
    reversed_gap = planted(design="aliased", pathology=-2.0)
    upside_down = judge(replace(reversed_gap, transfer=transferred(reversed_gap, 1.0)), protocol)
    for finding in (constant, one_class, upside_down):
        assert finding.status == "inconclusive"
        assert not finding.flag.may_flag
        assert finding.statistic is None


def test_constant_edited_scores_are_judged(carried, protocol):
    evidence = carried(0.0)
    made = replace(evidence.transfer, edited=np.zeros(evidence.positive.size), sham=np.zeros(evidence.positive.size))
    assert judge(replace(evidence, transfer=made), protocol).statistic == 0.0


def test_size_at_the_bound_and_power_beyond_it(carried, protocol):
    p_values = [judge(carried(0.1 + LEAK, n=100, seed=seed), protocol).p_value for seed in range(60)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.13
    assert 0.25 < np.mean(p_values) < 0.75
    assert min(p_values) > 0
    assert all(judge(carried(0.4, n=100, seed=seed), protocol).p_value <= 0.05 for seed in range(10))


def test_nested_sites_are_pooled_in_their_sides(planted, transferred, protocol):
    evidence = planted(n=400, design="nested", pathology=3.0)
    finding = judge(replace(evidence, transfer=transferred(evidence, 1.2)), protocol)
    assert finding.statistic == pytest.approx(0.4, abs=0.07)
    assert finding.status == "concern"
