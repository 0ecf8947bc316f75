"""What own rates hold for: anything that changes images, training or judging changes it, and nothing else does."""

from __future__ import annotations

import pytest
from calibration.own.cohorts import CROSSED, write

from biasaudit.engine.situation.identity import identity_of
from biasaudit.engine.validation.situate import situate
from biasaudit.protocol import load_protocol


@pytest.fixture
def identity(tmp_path):
    def make(place="a", *args, **changes):
        folder = tmp_path / place
        folder.mkdir(exist_ok=True)
        return identity_of(situate(load_protocol(write(folder, *args, **changes)))[0])

    return make


def test_neither_place_nor_name_nor_resamples_change_it(identity):
    other = identity("b", name="another", statistics={"n_permutations": 500}, attribution={"steps": 8})
    assert identity() == other


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("network", {"target": {"training": {"epochs": 2}}}),
        ("network", {"folds": {"n": 3}}),
        ("network", {"grid": {"shape": [12, 12]}}),
        ("rules", {"verdict": {"low": 0.2}}),
        ("rules", {"checks": ["G1", "U1"]}),
        ("rules", {"statistics": {"scope": "audit"}}),
        ("rules", {"cohort": {"field": "centre"}}),
    ],
)
def test_what_changes_it(identity, part, changes):
    plain, other = identity(), identity(**changes)
    assert {name for name in ("cohort", "network", "rules") if getattr(plain, name) != getattr(other, name)} == {part}


def test_another_cohort(identity):
    assert identity().cohort != identity("b", CROSSED[:-1]).cohort
