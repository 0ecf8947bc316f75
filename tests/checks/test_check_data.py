"""D2, D3 and A3: what is in the data themselves before any network looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit.checks.metadata import names_origin
from biasaudit.records import Twin
from biasaudit.registry import get


@pytest.fixture
def bare(planted):
    """A crossed cohort of which nothing is known but classes and origins."""
    return planted(n=120)


def judge(code, evidence, protocol):
    return get("check", code)().judge(evidence, protocol)


def of_label(findings):
    return next(finding for finding in findings if finding.class_name is None)


def words(values):
    return np.array(list(values), dtype=object)


def test_a_header_that_differs_between_classes(bare, protocol):
    chance = np.random.default_rng(0)
    spacing = np.where(bare.positive, 1.0, 1.2) + (chance.random(120) < 0.1)
    header = {"header: spacing x": words(spacing.tolist()), "header: data type": words(["int16"] * 120)}
    findings = judge("D2", replace(bare, metadata=header), protocol)
    label = of_label(findings)
    assert label.status == "concern"
    assert label.statistic > 0.8
    assert list(label.details["best"]) == ["header: spacing x"]
    assert "predict the label" in label.reason
    assert label.remedy
    assert [finding.class_name for finding in findings] == [None, "healthy", "ms"]


def test_age_is_a_covariate_and_missing_values_count(bare, protocol):
    chance = np.random.default_rng(1)
    older = chance.normal(size=120) + 2.0 * bare.positive
    assert of_label(judge("D2", replace(bare, covariates={"age": older}), protocol)).status == "concern"
    absent = np.where(bare.positive & (chance.random(120) < 0.8), np.nan, chance.normal(size=120))
    found = of_label(judge("D2", replace(bare, covariates={"score": absent}), protocol))
    assert found.status == "concern"
    sex = np.where(chance.random(120) < 0.9, np.where(bare.positive, "f", "m"), "")
    assert of_label(judge("D2", replace(bare, categories={"sex": sex}), protocol)).status == "concern"


def test_a_column_that_names_the_origin_is_no_discovery(bare, protocol):
    named = {"sidecar: InstitutionName": words(f"clinic {name}" for name in bare.origin)}
    (alone,) = judge("D2", replace(bare, metadata=named), protocol)
    assert alone.status == "not_applicable"
    assert "except what names the origin: sidecar: InstitutionName" in alone.reason
    noise = {"header: position x": words(np.random.default_rng(2).normal(size=120).tolist())}
    findings = judge("D2", replace(bare, metadata={**named, **noise}), protocol)
    assert {finding.status for finding in findings} <= {"clear", "inconclusive"}
    assert all("left out because they name the origin" in finding.reason for finding in findings)
    assert findings[0].details["names_the_origin"] == ["sidecar: InstitutionName"]


def test_a_column_that_names_another_factor_is_no_discovery_either(bare, protocol):
    vendor = words(np.where(np.arange(120) % 3 == 0, "GE", "Siemens").tolist())
    known = {"sidecar: Manufacturer": vendor, "origin: vendor": words(f"of {name}" for name in vendor)}
    (finding,) = judge("D2", replace(bare, metadata=known), protocol)
    assert finding.status == "not_applicable"
    assert finding.reason.endswith("except what names the origin: sidecar: Manufacturer")


def test_names_origin():
    assert names_origin(["x", "y", "x"], ["a", "b", "a"])
    assert not names_origin(["x", "x", "x"], ["a", "b", "a"])
    assert not names_origin(["x", None, "x"], ["a", "b", "a"])
    assert not names_origin(["x", "y", "z"], ["a", "b", "a"])
    assert not names_origin(["x", "y", "y"], ["a", "b", "c"])


def test_an_origin_in_the_header_is_available_and_no_fault_of_the_label(bare, protocol):
    chance = np.random.default_rng(3)
    vendor = words(
        np.where(chance.random(120) < 0.1, "GE", np.where(bare.origin == "a", "Siemens", "Philips")).tolist()
    )
    findings = judge("D2", replace(bare, metadata={"sidecar: Manufacturer": vendor}), protocol)
    assert of_label(findings).status in ("clear", "inconclusive")
    inside = [finding for finding in findings if finding.class_name]
    assert {finding.status for finding in inside} == {"concern"}
    assert all("does not mean that the target uses it" in finding.reason for finding in inside)
    assert not any(finding.remedy for finding in inside)


@pytest.mark.parametrize("code", ["D2", "A3"])
def test_nothing_known_is_not_applicable(code, bare, protocol):
    (finding,) = judge(code, bare, protocol)
    assert finding.status == "not_applicable"


def test_quality_that_differs_between_classes_or_origins(bare, protocol):
    chance = np.random.default_rng(4)
    noise = {name: chance.normal(size=120) for name in ("snr", "cnr", "fwhm")}
    by_class = judge("A3", replace(bare, quality={**noise, "snr": noise["snr"] + 2 * bare.positive}), protocol)
    assert [finding.status == "concern" for finding in by_class] == [True, False, False]
    by_origin = judge(
        "A3", replace(bare, quality={**noise, "fwhm": noise["fwhm"] + 2 * (bare.origin == "b")}), protocol
    )
    assert [finding.status == "concern" for finding in by_origin] == [False, True, True]
    assert next(iter(by_origin[1].details["best"])) == "fwhm"


def test_one_wild_value_does_not_rule(bare, protocol):
    chance = np.random.default_rng(5)
    snr = chance.normal(size=120) + 1.5 * bare.positive
    snr[0] = 1e9
    assert of_label(judge("A3", replace(bare, quality={"snr": snr}), protocol)).status == "concern"


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


def test_a_network_trained_elsewhere_has_no_folds(bare, protocol):
    chance = np.random.default_rng(7)
    older = {"age": chance.normal(size=120) + 2.0 * bare.positive}
    for fold in (np.zeros(120, dtype=int), np.where(np.arange(120) < 60, -1, 0)):
        assert of_label(judge("D2", replace(bare, covariates=older, fold=fold), protocol)).status == "concern"
    assert "1 in two folds" in twins(bare, protocol, Twin(0, 119, 0.9, 9.0), fold=fold).reason
