"""The protocol of a copy: that of the audit, with a planted cohort in the place of its own."""

from __future__ import annotations

import pytest
from calibration.own.cohorts import ALIASED, write

from biasaudit.calibration.own.copies import FAMILIES, Copy, describe, kinds_of, protocol_of
from biasaudit.calibration.own.original import original_of
from biasaudit.engine.validation.situate import situate
from biasaudit.protocol import dump_protocol, load_protocol, parse_protocol


@pytest.fixture
def original(tmp_path):
    changes = {"verdict": {"low": 0.2}, "cohort": {"field": "centre"}, "calibration": None}
    return original_of(situate(load_protocol(write(tmp_path, ALIASED, probes=6, **changes)))[0])


CLEAN = Copy("clean-01", "clean", "diffuse", 0.7, "case mix")
TONED = Copy("planted-1-01-tone-1", "planted", "focal", 0.5, "plain", "tone", 2.0, 0.8)


def test_what_is_judged_by_is_kept(original):
    plan = protocol_of(CLEAN, original)
    assert plan.verdict.low == 0.2
    assert plan.cohort.field == original.protocol.cohort.field
    assert plan.target == original.protocol.target
    assert plan.folds.n == original.protocol.folds.n
    assert plan.cohort.of == original.of


def test_what_is_planted(original):
    clean, toned = (protocol_of(copy, original).cohort.planting for copy in (CLEAN, TONED))
    assert (clean.signature, clean.disease.look, clean.disease.strength) == ({}, "diffuse", 0.7)
    assert (clean.disease.visible, clean.disease.spread) == (0.75, 0.4)
    assert (toned.signature, toned.disease.look, toned.design, toned.probes) == ({"tone": 2.0}, "focal", "aliased", 6)
    assert clean.seed != toned.seed


def test_every_family_makes_a_protocol_that_can_be_written_and_read_again(original, tmp_path):
    for family in FAMILIES:
        plan = protocol_of(Copy("clean-01", "clean", "focal", 1.0, family), original)
        assert parse_protocol(dump_protocol(plan), tmp_path / "p.yaml") == plan


def test_a_copy_can_be_audited(original):
    situation, _ = situate(protocol_of(TONED, original))
    assert len(situation.cohort.samples) == 26
    assert len(situation.cohort.probes) == 6
    assert situation.cohort.classes == ("healthy", "patient")


def test_grey_pictures_get_no_colour_cast(original):
    assert "cast" not in kinds_of(original)
    assert len(kinds_of(original)) >= 8
    assert kinds_of(original) == kinds_of(original)


def test_columns_of_the_table(original):
    about = describe(TONED)
    assert (about["cohort"], about["role"], about["kind"], about["strength"]) == (TONED.name, "planted", "tone", 2.0)
    assert describe(CLEAN)["kind"] == "none"
