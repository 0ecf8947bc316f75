"""D2: do header, sidecar, covariates, or what is missing, predict the label or the origin?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from checks.asking import judge, of_label, words

from biasaudit.checks.metadata import names_origin


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
