"""The ranking of columns that D2 tells: useful for the class, and visible in the network or the images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge, of_label, words


@pytest.fixture
def recorded(planted):
    """Sites that go with the class and show, ages that go with it and do not, and a coil that only shows."""
    evidence, chance = planted(n=240), np.random.default_rng(5)
    positive = evidence.positive
    site = np.where(chance.random(240) < 0.85, positive, ~positive)
    coil = chance.random(240) < 0.5
    layer = chance.normal(size=(240, 8))
    layer[:, 0] += 4.0 * site
    layer[:, 1] += 4.0 * coil
    return replace(
        evidence,
        origin=np.where(site, "b", "a"),
        covariates={"age": np.where(chance.random(240) < 0.1, np.nan, chance.normal(size=240) + 2.0 * positive)},
        metadata={
            "sidecar: coil": words(np.where(coil, "head", "body")),
            "header: constant": words([1.0] * 240),
            "sidecar: id": words(f"id {row}" for row in range(240)),
        },
        features={"early": chance.normal(size=(240, 8)), "deep": layer},
        quality={},
    )


def test_what_is_useful_and_visible_comes_first(recorded, protocol):
    details = of_label(judge("D2", recorded, protocol)).details
    found = details["attributes"]
    origin = f"origin: {recorded.factor}"
    assert next(iter(found)) == origin
    assert set(found) == {origin, "covariate: age", "sidecar: coil"}
    assert details["attributes_seen_in"] == "layer deep"
    assert found[origin]["product"] == pytest.approx(
        found[origin]["utility"] * found[origin]["detectability"], abs=0.002
    )
    assert found["covariate: age"]["utility"] > 0.5
    assert found["covariate: age"]["detectability"] < 0.3
    assert found["sidecar: coil"]["utility"] < 0.2
    assert found["sidecar: coil"]["detectability"] > 0.8


def test_without_hidden_layers_image_quality_shows_the_columns(recorded, protocol):
    noise = np.random.default_rng(6).normal(size=240)
    quality = {"snr": noise + 5.0 * (recorded.origin == "b"), "fber": np.where(np.arange(240) % 9, 1.0, np.nan)}
    details = of_label(judge("D2", replace(recorded, features={}, quality=quality), protocol)).details
    assert details["attributes_seen_in"] == "image quality"
    assert details["attributes"][f"origin: {recorded.factor}"]["detectability"] > 0.9
    assert details["attributes"]["sidecar: coil"]["detectability"] < 0.3


def test_where_nothing_was_measured_the_utility_remains(recorded, protocol):
    details = of_label(judge("D2", replace(recorded, features={}), protocol)).details
    assert details["attributes_seen_in"] == ""
    assert all(row["detectability"] is None and row["product"] is None for row in details["attributes"].values())
    assert list(details["attributes"])[-1] == "sidecar: coil"


def test_an_origin_that_the_class_decides_cannot_be_seen_inside_it(recorded, protocol):
    aliased = replace(recorded, origin=np.where(recorded.positive, "b", "a"), regime="aliased")
    row = of_label(judge("D2", aliased, protocol)).details["attributes"][f"origin: {recorded.factor}"]
    assert row == {"utility": 1.0, "detectability": None, "product": None}


def test_the_origin_is_ranked_where_nothing_else_is_known(bare, protocol):
    (finding,) = judge("D2", bare, protocol)
    assert finding.status == "not_applicable"
    assert list(finding.details["attributes"]) == [f"origin: {bare.factor}"]
