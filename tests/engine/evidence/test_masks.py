"""Whose masks count as pathology, and which are erased together."""

from __future__ import annotations

import numpy as np
import pytest
from checks.conftest import furnish, plant
from stacks import whole_stack

from biasaudit.edits.erasure import erase
from biasaudit.engine.arguments.inputs import READ, RepresentArguments
from biasaudit.engine.evidence.masks import Masks
from biasaudit.engine.evidence.severity import SURVEY, Severity, VolumeUnit
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.results.maps import showing_pathology
from biasaudit.engine.steps.represent import represent
from biasaudit.records import Grid, Sample, Volume
from biasaudit.representations.intensity import standardise


@pytest.fixture
def block(tmp_path):
    """Two pictures, each with a mask of its own, as the step `read` stores them."""
    folder, chance = tmp_path / "read", np.random.default_rng(2)
    folder.mkdir()
    mask = np.zeros((2, 12, 12), dtype=bool)
    mask[0, 2:4, 2:4] = mask[1, 7:9, 6:9] = True
    save_stack(folder / "image.npz", chance.normal(size=(2, 1, 12, 12)).astype(np.float32))
    save_stack(folder / "foreground.npz", np.ones((2, 12, 12), dtype=bool))
    save_stack(folder / "mask.npz", mask)
    return folder


def test_masks_of_several_rows_are_erased_together(block, tmp_path):
    arguments = RepresentArguments("intensity", Grid((12, 12)), 1, rows=(0, 1), mask_donors=((0, 1), (1,)))
    represent(arguments, Folders({READ: (block,)}), tmp_path)
    image, mask = whole_stack(block / "image.npz"), whole_stack(block / "mask.npz")
    everywhere = np.ones((12, 12), dtype=bool)
    for row, hole in ((0, mask[0] | mask[1]), (1, mask[1])):
        erased = erase(Volume(image[row], everywhere, mask[row]), hole)
        expected = standardise(erased.image[0], everywhere)
        np.testing.assert_allclose(whole_stack(tmp_path / "erased.npz")[row, 0], expected, atol=2e-3)


def test_a_place_in_the_healthy_is_neither_pathology_nor_severity(tmp_path):
    evidence = furnish(plant(n=4, masks=True))
    places = np.ones((4, 10, 20), dtype=bool)
    save_stack(tmp_path / "mask.npz", places)
    write_json(tmp_path / "survey.json", {"mask_voxels": [200] * 4})
    ill = tuple(evidence.positive.tolist())
    found = Masks().gather(ill, Folders({READ: (tmp_path,)}), evidence, None)["maps"]
    assert found.mask.any(axis=1).tolist() == list(ill)
    unit = VolumeUnit((True,) * 4, ill, 0.5)
    severity = Severity().gather(unit, Folders({SURVEY: (tmp_path,)}), evidence, None)["severity"]
    assert severity.tolist() == [100.0 if positive else 0.0 for positive in ill]


@pytest.mark.parametrize("marked", [True, False])
def test_maps_outline_pathology_only(marked):
    whole = np.ones((3, 3), dtype=bool)
    sample = Sample("s", (), "healthy", False, {}, mask="place.png", has_mask=marked)
    assert showing_pathology(Volume(np.zeros((1, 3, 3)), whole, whole), sample).mask.all() == marked
