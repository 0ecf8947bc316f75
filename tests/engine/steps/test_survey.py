from __future__ import annotations

import numpy as np
import pytest
from engine.folders import folders

from biasaudit.engine.arguments.inputs import SurveyArguments
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.steps.survey import survey

SHAPE = (10, 10, 10)


@pytest.fixture
def measured(tmp_path):
    """Survey images of six subjects whose outside is `outside`."""

    def run(outside: float = 0.0) -> dict:
        chance = np.random.default_rng(0)
        foreground = np.zeros((6, *SHAPE), dtype=bool)
        foreground[:, 2:8, 2:8, 2:8] = True
        pattern = chance.normal(5.0, 1.0, SHAPE)
        image = (pattern + chance.normal(0.0, 0.1, (6, 1, *SHAPE))) * np.where(foreground[:, None], 1.0, outside)
        mask = np.zeros((6, *SHAPE), dtype=bool)
        mask[4, 3:5, 3:5, 3:5] = True
        blocks = []
        for number, rows in enumerate((slice(0, 4), slice(4, 6))):
            folder = tmp_path / f"block{number}"
            folder.mkdir()
            for name, array in (("image", image.astype(np.float32)), ("foreground", foreground), ("mask", mask)):
                save_stack(folder / f"{name}.npz", array[rows])
            blocks.append(folder)
        survey(SurveyArguments(tuple(f"s{k}" for k in range(6))), folders(read=blocks), tmp_path)
        return read_json(tmp_path / "survey.json")

    return run


def test_voxels_are_counted_in_cohort_order(measured):
    found = measured()
    assert found["mask_voxels"] == [0, 0, 0, 0, 8, 0]
    assert found["foreground_voxels"] == [216] * 6


def test_stripped_images_have_no_background(measured):
    found = measured()
    assert found["background"] is False
    assert found["background_share"] == [0.0] * 6


def test_whole_heads_have_a_background(measured):
    found = measured(outside=0.2)
    assert found["background"] is True
    assert found["background_share"] == [1.0] * 6


def test_aligned_subjects_overlap(measured):
    found = measured()
    assert found["dice"] == pytest.approx([1.0] * 6)
    assert min(found["correlation"]) > 0.9
    assert found["outliers"] == []
