"""What own rates hold for: anything that changes images, training or judging changes it, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from calibration.own.cohorts import CROSSED, write
from PIL import Image

from biasaudit.engine.situation.identity import identity_of, learns_from
from biasaudit.engine.validation.situate import situate
from biasaudit.protocol import ArmSettings, load_protocol


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
        ("cohort", {"cohort": {"foreground": "threshold"}}),
        ("cohort", {"cohort": {"colour": "grey"}}),
    ],
)
def test_what_changes_it(identity, part, changes):
    plain, other = identity(), identity(**changes)
    assert {name for name in ("cohort", "network", "rules") if getattr(plain, name) != getattr(other, name)} == {part}


def test_another_cohort(identity):
    assert identity().cohort != identity("b", CROSSED[:-1]).cohort


def rewritten(folder, change):
    """Change the table of a folder, and return the identity that its protocol has then."""
    table = folder / "table.tsv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *change(rows)]) + "\n")
    return identity_of(situate(load_protocol(folder / "protocol.yaml"))[0])


def test_neither_the_order_of_rows_nor_what_subjects_are_called_matters(identity, tmp_path, monkeypatch):
    monkeypatch.setenv("BIASAUDIT_PRIVATE", str(tmp_path / "private"))
    plain = identity()
    assert identity("hidden", pseudonymise=True) == plain
    assert rewritten(tmp_path / "a", lambda rows: [f"x{row}" for row in reversed(rows)]) == plain


def test_images_that_change_places_are_another_cohort(identity, tmp_path):
    def swapped(rows):
        first, last = rows[0].split("\t"), rows[-1].split("\t")
        first[1], last[1] = last[1], first[1]
        return ["\t".join(first), *rows[1:-1], "\t".join(last)]

    assert identity().cohort != rewritten(tmp_path / "a", swapped).cohort


def changed(situation, section, **values):
    """Return a situation whose protocol has other values in a section; nothing is tried."""
    protocol = situation.protocol
    own = getattr(protocol, section).model_copy(update=values)
    return replace(situation, protocol=protocol.model_copy(update={section: own}))


def test_an_edited_function_of_the_users_is_another_network(tmp_path):
    situation, own = situate(load_protocol(write(tmp_path)))[0], tmp_path / "own.py"
    found = []
    for number in (1, 2):
        own.write_text(f"def build():\n    return {number}\n")
        found.append(identity_of(changed(situation, "target", network=f"{own}:build")))
    assert found[0].network != found[1].network
    assert found[0].cohort == found[1].cohort


def test_which_masks_are_pathology_is_a_rule(tmp_path):
    situation = situate(load_protocol(write(tmp_path)))[0]
    assert identity_of(situation).rules != identity_of(changed(situation, "cohort", mask_in="all")).rules


def test_an_edited_field_is_another_rule(identity, tmp_path):
    settings = {"grid": {"shape": [20, 20]}, "cohort": {"field": {"mask": "field.png"}}}
    found = []
    for start in (5, 6):
        field = np.zeros((20, 20), np.uint8)
        field[start:15, 5:15] = 255
        (tmp_path / "a").mkdir(exist_ok=True)
        Image.fromarray(field).save(tmp_path / "a" / "field.png")
        found.append(identity(**settings))
    assert found[0].rules != found[1].rules
    assert found[0].cohort == found[1].cohort


def test_an_arm_learns_from_the_code_of_its_input(tmp_path):
    own = tmp_path / "own.py"
    found = []
    for factor in (1, 2):
        own.write_text(f"def input(image, mask, spacing):\n    return image * {factor}\n")
        found.append(learns_from(ArmSettings(name="a", representation=f"{own}:input")))
    assert found[0] != found[1]
    assert found[0].startswith("own.py:input ")
    assert learns_from(ArmSettings(name="a", representation="intensity")) == "intensity"
