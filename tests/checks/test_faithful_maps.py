"""G2: maps that say nothing of the network are found out, and the checks of maps do not read them."""

from dataclasses import replace

import numpy as np
import pytest

from biasaudit.registry import get


def judge(code, evidence, protocol):
    return get("check", code)().judge(evidence, protocol)


@pytest.fixture
def evidence(planted, furnished):
    return furnished(planted(n=200, masks=True))


def changed(evidence, **fields):
    """With other probes, or other maps."""
    probes = {name: value for name, value in fields.items() if name in ("randomised", "deletion", "insertion")}
    maps = {name: value for name, value in fields.items() if name not in probes}
    return replace(evidence, maps=replace(evidence.maps, probes=replace(evidence.maps.probes, **probes), **maps))


def test_maps_that_pass(evidence, protocol):
    (found,) = judge("G2", evidence, protocol)
    assert found.status == "clear"
    assert protocol.attribution.stability < found.statistic <= 1


def failures(evidence):
    maps, probes = evidence.maps, evidence.maps.probes
    chance = np.random.default_rng(3)
    return {
        "random weights": {"randomised": np.stack([maps.target[probes.places]] * 3)},
        "deletion": {"deletion": probes.deletion[:, ::-1]},
        "insertion": {"insertion": probes.insertion[:, ::-1]},
        "completeness": {"completeness_error": np.full(len(maps.rows), 0.2)},
        "change alike": {"target_replicate": chance.normal(size=maps.target.shape)},
    }


@pytest.mark.parametrize("why", ["random weights", "deletion", "insertion", "completeness", "change alike"])
def test_every_condition_withholds_the_maps(why, evidence, protocol):
    worse = changed(evidence, **failures(evidence)[why])
    (found,) = judge("G2", worse, protocol)
    assert found.status == "concern"
    assert found.reason.startswith("maps failed G2")
    assert why in found.reason
    for code in ("U6", "U7", "U8", "U12"):
        findings = judge(code, worse, protocol)
        assert {own.status for own in findings} == {"not_applicable"}
        assert all("maps failed G2" in own.reason for own in findings)


def test_display_only_methods_are_no_evidence(evidence, protocol):
    shown = protocol.model_copy(update={"attribution": protocol.attribution.model_copy(update={"method": "grad_cam"})})
    for code in ("G2", "U6"):
        (found,) = judge(code, evidence, shown)
        assert found.status == "not_applicable"
        assert "display only" in found.reason


def test_without_probes_there_is_nothing_to_judge(evidence, protocol):
    (found,) = judge("G2", replace(evidence, maps=replace(evidence.maps, probes=None)), protocol)
    assert found.status == "not_applicable"
