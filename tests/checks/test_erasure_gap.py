"""U4: how much of the class gap is left once the marked pathology is erased?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from checks.asking import against_the_rest, judge


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_u4_recovers_the_planted_share_in_an_aliased_design(share, planted, protocol):
    gap = 3.0
    evidence = planted(n=400, design="aliased", signature=gap * share, pathology=gap * (1 - share), masks=True)
    (finding,) = judge("U4", evidence, protocol)
    assert finding.statistic == pytest.approx(share, abs=0.1)
    assert finding.low - 0.03 <= share <= finding.high + 0.03
    assert finding.status == ("clear" if share == 0 else "concern")
    assert finding.details["pathology_part"] == pytest.approx(gap * (1 - share), abs=0.01)


def test_u4_needs_masks_and_a_class_gap(planted, protocol):
    (unmasked,) = judge("U4", planted(design="aliased"), protocol)
    (hopeless,) = judge("U4", planted(design="aliased", pathology=0.0, masks=True), protocol)
    assert unmasked.status == "not_applicable"
    assert hopeless.status == "inconclusive"
    assert not unmasked.flag.may_flag
    assert not hopeless.flag.may_flag


def test_u4_cancels_the_artefact_of_the_edit(planted, protocol):
    evidence = planted(n=200, design="aliased", masks=True)
    shifted = replace(evidence, logit_erased=evidence.logit_erased - 5.0)
    (plain,), (moved,) = judge("U4", evidence, protocol), judge("U4", shifted, protocol)
    assert moved.statistic == pytest.approx(plain.statistic)


def test_erasure_leaves_out_patients_without_masks(planted, protocol):
    evidence = against_the_rest(planted)
    erased = evidence.logit - 3.0 * evidence.positive
    unmarked = replace(evidence, logit_erased=erased, erasable=evidence.label != "tumour")
    (finding,) = judge("U4", unmarked, protocol)
    assert finding.n == int((evidence.label != "tumour").sum())
    assert finding.status == "clear"
    (misled,) = judge("U4", replace(unmarked, erasable=None), protocol)
    assert misled.status == "concern", "the test is too easy: tumours that are still visible do no harm"


def test_u4_stores_the_resamples_that_its_p_value_counts(planted, protocol):
    evidence = planted(n=200, design="aliased", signature=0.9, pathology=2.1, masks=True)
    (finding,) = judge("U4", evidence, protocol)
    stored = finding.details["null"]
    assert stored["from"] == "resamples"
    assert stored["observed"] == pytest.approx(finding.statistic, rel=1e-4)
    assert stored["quantiles"][2] == pytest.approx(finding.low, rel=0.02)  # 5 %, the lower end of a 90 % interval
    assert stored["quantiles"][-3] == pytest.approx(finding.high, rel=0.02)
