"""The grid: fixed draws, fair order, both halves."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import pytest

from biasaudit.calibration.grid import cells, describe, load_grid
from biasaudit.errors import ProtocolError
from biasaudit.protocol import SIGNATURES, PhantomSettings
from biasaudit.resources import protocols_folder

PUBLISHED = protocols_folder() / "calibration.yaml"


@pytest.fixture(scope="module")
def grid():
    return load_grid(PUBLISHED)


def test_draws_depend_on_the_grid_alone(grid):
    assert cells(grid) == cells(load_grid(PUBLISHED))


def test_a_cohort_is_the_same_whatever_else_is_in_the_grid(grid):
    fewer = grid.model_copy(update={"families": grid.families[3:4]})
    own = {cell.name: cell for cell in cells(grid)}
    assert all(own[cell.name] == cell for cell in cells(fewer))


LATER = ("prevalence", "label_noise", "healthy_mix", "healthy_mix_difference", "site_spread")
VERSION_2 = (555, "19b4bdb7c58b1639")


def _identity(cell):
    phantom = cell.protocol.cohort.phantom.model_dump(mode="json")
    kept = {name: value for name, value in phantom.items() if name not in LATER}
    return [cell.name, cell.half, cell.kind, cell.protocol.folds.seed, kept]


def test_families_that_were_added_moved_no_other(grid):
    known = sorted(_identity(cell) for cell in cells(grid) if not cell.family.startswith("null-"))
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]
    assert (len(known), digest) == VERSION_2


def test_what_was_added_plants_nothing_else_in_older_families(grid):
    plain = PhantomSettings.model_validate({})
    for cell in cells(grid):
        if not cell.family.startswith("null-"):
            phantom = cell.protocol.cohort.phantom
            assert all(getattr(phantom, name) == getattr(plain, name) for name in LATER)


@pytest.mark.parametrize(
    ("family", "setting", "values"),
    [
        ("null-prevalence", "prevalence", {0.1, 0.2, 0.3, 0.4}),
        ("null-label-noise", "label_noise", {0.05, 0.1}),
        ("null-healthy-mix", "healthy_mix", {0.15, 0.3, 0.5}),
        ("null-healthy-mix-differs", "healthy_mix_difference", {0.15, 0.3}),
    ],
)
def test_every_design_meets_every_value(grid, family, setting, values):
    found = [cell.protocol.cohort.phantom for cell in cells(grid) if cell.family == family]
    assert {getattr(phantom, setting) for phantom in found} == values
    assert {phantom.design for phantom in found} == {"crossed", "nested", "aliased"}


def test_sites_vary_in_every_kind_of_signature(grid):
    found = [cell.protocol.cohort.phantom for cell in cells(grid) if cell.family == "null-unequal-variances"]
    assert {kind for phantom in found for kind in phantom.site_spread} == set(SIGNATURES)
    assert {len(phantom.site_spread) for phantom in found} == {1, 2}


def test_another_seed_draws_other_cohorts(grid):
    other = {cell.name: cell.protocol for cell in cells(grid.model_copy(update={"seed": grid.seed + 1}))}
    assert all(other[cell.name] != cell.protocol for cell in cells(grid))


def test_any_first_part_holds_every_family(grid):
    counts = Counter(cell.family for cell in cells(grid)[: len(cells(grid)) // 10])
    for family in grid.families:
        assert counts[family.name] == pytest.approx(family.cohorts / 10, abs=1)


def test_quick_is_a_part_of_the_whole(grid):
    whole = {cell.name: cell for cell in cells(grid)}
    quick = cells(grid, quick=True)
    assert 20 <= len(quick) <= 60
    assert all(whole[cell.name] == cell for cell in quick)


def test_one_cohort_in_three_fits_and_the_others_judge(grid):
    halves = Counter((cell.family, cell.half) for cell in cells(grid))
    for family in grid.families:
        assert abs(2 * halves[family.name, "fit"] - halves[family.name, "judge"]) <= 2


def test_every_signature_kind_and_regime_is_simulated(grid):
    told = [describe(cell) for cell in cells(grid)]
    assert {*SIGNATURES, "mixed", "none"} == {each["kind"] for each in told}
    assert {each["design"] for each in told} == {"crossed", "nested", "aliased"}
    assert {80, 160, 320, 400, 640} <= {each["n"] for each in told}


def test_null_cohorts_plant_nothing(grid):
    families = {family.name for family in grid.families if family.kind == "none"}
    assert families == {family.name for family in grid.families if "null" in family.name}
    nulls = [cell for cell in cells(grid) if cell.family in families]
    assert len(nulls) >= 250
    for cell in nulls:
        assert cell.kind == "none"
        assert not any(cell.protocol.cohort.phantom.dataset_signature.values())
        assert not any(cell.protocol.cohort.phantom.site_signature.values())


def test_a_strength_of_zero_among_several_plants_nothing_in_some_cohorts_only(grid):
    own = [describe(cell) for cell in cells(grid) if cell.family == "retraining"]
    nothing = [each for each in own if each["strength"] == 0]
    assert 0 < len(nothing) < len(own)
    assert all(each["kind"] != "none" for each in own if each["strength"] > 0)


def test_a_fault_names_its_place(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text(PUBLISHED.read_text().replace("    design: nested\n    n: [80", "    n: [80"))
    with pytest.raises(ProtocolError) as error:
        load_grid(path)
    assert any("families.3.design" in str(fault) for fault in error.value.faults)


@pytest.mark.parametrize("text", ["families: [", "- 1\n", ""])
def test_a_grid_that_is_no_grid_is_refused(tmp_path, text):
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(ProtocolError):
        load_grid(path)


def test_a_grid_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ProtocolError, match="no such file"):
        load_grid(tmp_path / "none.yaml")
