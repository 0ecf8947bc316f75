from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from biasaudit.cohort.images.field import mask_field
from biasaudit.cohort.images.inspection import inspect_files
from biasaudit.cohort.images.volumes import pathology_on_grid
from biasaudit.protocol import GridSettings
from biasaudit.records import Grid

SHAPE = (12, 14, 10)


@pytest.fixture
def inspect(cohort, tmp_path):
    """Inspect samples and return their faults as text, and the notes."""

    def look(*samples):
        found = inspect_files(cohort(*samples), GridSettings(), {})
        return [str(fault).replace(f"{tmp_path}/", "") for fault in found.faults], list(found.notes)

    return look


def part(share: float, value: float = 1.0) -> np.ndarray:
    """Volume whose first `share` of the inner slices has a value."""
    data = np.zeros(SHAPE, np.float32)
    data[1 : 1 + round(10 * share), 1:-1, 1:-1] = value
    return data


def whole() -> np.ndarray:
    """Head with no empty border."""
    return 1 + np.random.default_rng(0).random(SHAPE).astype(np.float32)


def stripped() -> np.ndarray:
    return part(1.0) * whole()


def test_empty_and_many_valued_masks_are_notes(volume, inspect, sample):
    coded = np.zeros(SHAPE, np.uint8)
    coded[:2], coded[2:4] = 1, 2
    faults, notes = inspect(
        sample(volume("a.nii", whole()), subject="x", mask=volume("m.nii", np.zeros(SHAPE, np.uint8)), has_mask=True),
        sample(volume("b.nii", whole()), subject="y", mask=volume("n.nii", coded), has_mask=True),
        sample(volume("c.nii", whole()), subject="z", mask=volume("o.nii", (coded > 0) * np.uint8(255)), has_mask=True),
    )
    assert faults == []
    assert notes == ["the pathology mask is empty: x", "masks with several values, binarised at > 0: y"]


@pytest.mark.parametrize("kind", ["mask", "brain_mask"])
def test_negative_values(volume, inspect, sample, kind):
    scores = part(0.3, 2.5) - part(0.1, 6.0)
    faults, _ = inspect(sample(volume("a.nii"), **{kind: volume("m.nii", scores)}))
    assert faults == [
        f"table.tsv:2: m.nii: {kind.replace('_', ' ')} with values from -3.5 to 2.5; a mask is 0 outside and above 0 "
        "inside; binarise a map of scores first"
    ]


@pytest.mark.parametrize("kind", ["mask", "brain_mask"])
def test_values_that_are_not_finite(volume, inspect, sample, kind):
    spoilt = part(0.3)
    spoilt[2, 2, 2] = np.nan
    (fault,), _ = inspect(sample(volume("a.nii", whole()), **{kind: volume("m.nii", spoilt)}))
    assert fault.startswith("table.tsv:2: m.nii: NaN or infinite values")


def test_an_empty_brain_mask(volume, inspect, sample):
    faults, _ = inspect(sample(volume("a.nii"), brain_mask=volume("b.nii", part(0.0))))
    assert faults == ["table.tsv:2: b.nii: the brain mask is empty; replace it or leave the cell empty"]


def test_a_brain_mask_in_the_place_of_a_pathology_mask(volume, inspect, sample):
    image, mask = volume("a.nii", stripped()), volume("m.nii", part(1.0))
    faults, _ = inspect(sample(image, mask=mask, has_mask=True))
    assert faults == [
        "table.tsv:2: m.nii: the pathology mask covers 100% of the brain; give the mask of the pathology alone, or "
        "leave the row out; a brain mask has a column of its own"
    ]


def test_the_brain_mask_says_what_the_brain_is(volume, inspect, sample):
    files = {"mask": volume("m.nii", part(0.5)), "brain_mask": volume("b.nii", part(0.5))}
    (fault,), _ = inspect(sample(volume("a.nii"), **files))
    assert "covers 100% of the brain mask" in fault


def test_a_mask_of_the_whole_image(volume, inspect, sample):
    (fault,), _ = inspect(
        sample(volume("a.nii", whole()), mask=volume("m.nii", np.ones(SHAPE, np.uint8)), has_mask=True)
    )
    assert "covers 100% of the image" in fault


@pytest.mark.parametrize(("share", "told"), [(0.4, False), (0.7, True)])
def test_a_large_mask_is_told(volume, inspect, sample, share, told):
    image, mask = volume("a.nii", stripped()), volume("m.nii", part(share))
    faults, notes = inspect(sample(image, subject="x", mask=mask, has_mask=True))
    assert faults == []
    assert [note for note in notes if "covers more than 50%" in note and note.endswith(": x")] == notes
    assert bool(notes) == told


def pictures_of_masks(tmp_path, picture, quality):
    mask = np.zeros((48, 60), np.uint8)
    mask[11:29, 13:37] = 255
    image = picture("a.png", np.random.default_rng(0).integers(0, 255, mask.shape, np.uint8))
    Image.fromarray(mask).save(tmp_path / "m.jpg", quality=quality)
    return image, str(tmp_path / "m.jpg"), mask


def test_masks_in_jpeg_are_cut_at_half_and_told(tmp_path, picture, cohort, sample):
    image, path, mask = pictures_of_masks(tmp_path, picture, 60)
    one = cohort(sample(image, subject="x", mask=path, has_mask=True), dimensions=2)
    found = inspect_files(one, GridSettings(), {})
    assert found.facts[path].occupied == np.mean(mask > 0)
    (note,) = (note for note in found.notes if "mask" in note)
    assert note.startswith("masks in JPEG, around whose edges compression leaves ripples, binarised at half")
    np.testing.assert_array_equal(pathology_on_grid(one.samples[0], Grid(mask.shape)), mask > 0)
    np.testing.assert_array_equal(mask_field(path, Grid(mask.shape)), mask > 0)


def test_ripples_that_were_saved_losslessly_are_told(tmp_path, picture, cohort, sample):
    image, path, _ = pictures_of_masks(tmp_path, picture, 20)
    Image.open(path).save(tmp_path / "m.png")
    one = cohort(sample(image, subject="x", mask=str(tmp_path / "m.png"), has_mask=True), dimensions=2)
    notes = inspect_files(one, GridSettings(), {}).notes
    assert any("fainter than a twentieth of the largest value" in note and note.endswith(": x") for note in notes)
