"""D3: is the same subject in the cohort twice?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge

from biasaudit.records import Twin


def twins(evidence, protocol, *pairs, **changes):
    return judge("D3", replace(evidence, twins=pairs, **changes), protocol)[0]


def test_no_pair_is_clear(bare, protocol):
    finding = twins(bare, protocol)
    assert (finding.status, finding.n) == ("clear", 120)


def test_pairs_are_named_with_what_they_cross(bare, protocol):
    finding = twins(bare, protocol, Twin(0, 5, 0.8, 11.0), Twin(2, 3, 1.0, 90.0, same_file=True))
    assert finding.status == "concern"
    assert finding.reason == (
        "2 pairs of subjects look like one subject each (1 equal files; 1 in two folds; 2 in two classes): "
        "s0002 and s0003 (equal files), s0000 and s0005 (r = 0.80)"
    )
    assert finding.details["pairs"][1]["subjects"] == ["s0000", "s0005"]
    assert finding.remedy


@pytest.mark.parametrize(("height", "correlation"), [(6.0, 0.9), (9.0, 0.4)])
def test_both_thresholds_count(bare, protocol, height, correlation):
    assert twins(bare, protocol, Twin(0, 5, correlation, height)).status == "clear"


def test_equal_files_need_no_threshold(bare, protocol):
    assert twins(bare, protocol, Twin(0, 5, 0.0, 0.0, same_file=True)).status == "concern"


def test_several_images_of_one_subject_are_no_leak(bare, protocol):
    subject = bare.subject.copy()
    subject[5] = subject[0]
    assert twins(bare, protocol, Twin(0, 5, 0.9, 12.0), subject=subject).status == "clear"


def test_a_contrast_names_the_pairs_of_its_class(bare, protocol):
    label = np.where(bare.positive, "ms", "hc")
    pair = Twin(1, 3, 0.9, 12.0)
    asked = {"label": label, "contrast": "ms", "inside": ("ms",)}
    assert twins(bare, protocol, pair, **asked).status == "concern"
    assert twins(bare, protocol, pair, **{**asked, "contrast": "hc", "inside": ("hc",)}).status == "clear"


def test_few_subjects_are_inconclusive(planted, protocol):
    assert twins(planted(n=4), protocol).status == "inconclusive"
