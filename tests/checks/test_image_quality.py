"""A3: do measures of image quality predict the label or the origin?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from checks.asking import judge, of_label


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


def test_colours_are_asked_by_themselves(bare, protocol):
    chance = np.random.default_rng(6)
    grey = {name: chance.normal(size=120) for name in ("snr", "efc")}
    colour = {"red_green": chance.normal(size=120) + 2 * bare.positive, "saturation": chance.random(120)}
    found = judge("A3", replace(bare, quality={**grey, **colour}), protocol)
    assert [finding.input for finding in found] == [None] * 3 + ["colour"] * 3
    assert [finding.status == "concern" for finding in found] == [True, False, False] * 2
    assert found[3].reason.startswith("the colours of the files predict the label (AUC 0.")
    assert "`cohort.colour: grey` hides it from the networks" in found[3].remedy


def test_without_colour_nothing_is_asked_of_it(bare, protocol):
    chance = np.random.default_rng(7)
    plain = {name: chance.normal(size=120) for name in ("snr", "efc")}
    grey = {name: np.zeros(120) for name in ("red_green", "blue_green", "saturation", "colourfulness")}
    assert judge("A3", replace(bare, quality=plain), protocol) == judge(
        "A3", replace(bare, quality={**plain, **grey}), protocol
    )


def test_the_measures_that_were_used_are_named_and_those_without_values_are_not(bare, protocol):
    chance = np.random.default_rng(8)
    quality = {"snr": chance.normal(size=120), "fber": np.full(120, np.nan), "efc": chance.normal(size=120)}
    found = judge("A3", replace(bare, quality=quality), protocol)
    assert [finding.details["measures"] for finding in found] == [["snr", "efc"]] * len(found)
