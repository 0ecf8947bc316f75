from __future__ import annotations

import json

import nibabel
import numpy as np
import pandas as pd
import pytest

from biasaudit.cohort.images.export import write_bids, write_shown, write_signed, write_volume
from biasaudit.cohort.images.template import mni_grid
from biasaudit.cohort.readers.bids import BidsReader
from biasaudit.cohort.readers.phantom import PhantomReader
from biasaudit.protocol import BidsCohort, PhantomCohort
from biasaudit.records import Grid

GRID = mni_grid(8.0)


class TestWriteVolume:
    def test_what_is_read_back(self, tmp_path):
        data = np.random.default_rng(0).normal(size=GRID.shape)
        write_volume(tmp_path / "x.nii.gz", data, GRID)
        image = nibabel.load(tmp_path / "x.nii.gz")
        np.testing.assert_allclose(image.get_fdata(), data, rtol=1e-6)
        np.testing.assert_allclose(image.affine, GRID.affine)
        assert image.get_data_dtype() == np.float32

    def test_masks_become_uint8(self, tmp_path):
        data = np.random.default_rng(0).random(GRID.shape) > 0.5
        write_volume(tmp_path / "x.nii.gz", data, GRID)
        image = nibabel.load(tmp_path / "x.nii.gz")
        assert image.get_data_dtype() == np.uint8
        np.testing.assert_array_equal(image.get_fdata() > 0, data)

    def test_pictures_become_one_slice(self, tmp_path):
        write_volume(tmp_path / "x.nii.gz", np.ones((5, 6)), Grid((5, 6)))
        image = nibabel.load(tmp_path / "x.nii.gz")
        assert image.shape == (5, 6, 1)
        np.testing.assert_array_equal(image.affine, np.eye(4))

    def test_the_same_data_give_the_same_bytes(self, tmp_path, monkeypatch):
        data = np.random.default_rng(0).normal(size=GRID.shape)
        write_volume(tmp_path / "x.nii.gz", data, GRID)
        first = (tmp_path / "x.nii.gz").read_bytes()
        monkeypatch.setattr("time.time", lambda: 1.0)
        write_volume(tmp_path / "x.nii.gz", data, GRID)
        assert (tmp_path / "x.nii.gz").read_bytes() == first


class TestOneByteAPlace:
    def test_signed_values_come_back_within_half_a_step_and_are_cut(self, tmp_path):
        data = np.random.default_rng(0).normal(size=GRID.shape)
        write_signed(tmp_path / "x.nii.gz", data, GRID, 2.0)
        image = nibabel.load(tmp_path / "x.nii.gz")
        assert image.get_data_dtype() == np.int8
        assert np.abs(data).max() > 2
        np.testing.assert_allclose(image.get_fdata(), np.clip(data, -2, 2), atol=1.0001 / 127)
        assert np.abs(np.asarray(image.dataobj.get_unscaled())).max() == 127

    def test_grey_and_masks_stay_as_they_are(self, tmp_path):
        data = np.random.default_rng(0).integers(0, 256, GRID.shape).astype(np.uint8)
        write_shown(tmp_path / "x.nii.gz", data, GRID)
        image = nibabel.load(tmp_path / "x.nii.gz")
        np.testing.assert_array_equal(np.asarray(image.dataobj), data)
        np.testing.assert_allclose(image.affine, GRID.affine)

    def test_a_picture_in_colour_becomes_one_slice_of_three_bytes(self, tmp_path):
        data = np.random.default_rng(0).integers(0, 256, (5, 6, 3)).astype(np.uint8)
        write_shown(tmp_path / "x.nii.gz", data, Grid((5, 6)))
        stored = np.asarray(nibabel.load(tmp_path / "x.nii.gz").dataobj)
        assert stored.shape == (5, 6, 1)
        np.testing.assert_array_equal(np.stack([stored[name][..., 0] for name in "RGB"], -1), data)

    def test_a_grey_picture_becomes_one_slice(self, tmp_path):
        write_shown(tmp_path / "x.nii.gz", np.full((5, 6), 7, np.uint8), Grid((5, 6)))
        write_signed(tmp_path / "y.nii.gz", np.full((5, 6), -0.5), Grid((5, 6)), 1.0)
        assert nibabel.load(tmp_path / "x.nii.gz").shape == (5, 6, 1)
        assert nibabel.load(tmp_path / "y.nii.gz").get_fdata().shape == (5, 6, 1)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bids")
    settings = PhantomCohort.model_validate({"reader": "phantom", "phantom": {"n": 10, "spacing": 8.0}})
    reader = PhantomReader()
    cohort = reader.read(settings)
    write_bids(cohort, lambda sample: reader.load(sample, GRID, "auto"), GRID, folder)
    return folder, cohort


class TestWriteBids:
    def test_one_dataset_per_origin_dataset(self, written):
        folder, cohort = written
        assert sorted(path.name for path in folder.iterdir()) == ["dataset-a", "dataset-b"]
        for name, positive in (("dataset-a", False), ("dataset-b", True)):
            table = pd.read_csv(folder / name / "participants.tsv", sep="\t")
            assert sorted(table["participant_id"]) == sorted(
                s.subject for s in cohort.samples if s.positive == positive
            )
            assert json.loads((folder / name / "dataset_description.json").read_text())["DatasetType"] == "raw"

    def test_masks_are_derivatives_of_the_patients(self, written):
        folder, _ = written
        assert not (folder / "dataset-a" / "derivatives").exists()
        lesions = folder / "dataset-b" / "derivatives" / "lesions"
        description = json.loads((lesions / "dataset_description.json").read_text())
        assert description["DatasetType"] == "derivative"
        assert description["GeneratedBy"]
        assert len(list(lesions.rglob("*_label-lesion_mask.nii.gz"))) == 5

    def test_the_bids_reader_sees_the_same_cohort(self, written):
        folder, cohort = written
        settings = BidsCohort.model_validate(
            {
                "reader": "bids",
                "roots": [folder / "dataset-a", folder / "dataset-b"],
                "suffix": "FLAIR",
                "label": {"column": "diagnosis", "positive": "patient", "negative": "healthy"},
                "origins": ["site"],
                "covariates": ["age"],
                "min_origin_size": 1,
            }
        )
        reader = BidsReader()
        found = {sample.subject: sample for sample in reader.read(settings).samples}
        assert set(found) == {sample.subject for sample in cohort.samples}
        for sample in cohort.samples:
            again = found[sample.subject]
            assert (again.label, again.positive, again.has_mask) == (sample.label, sample.positive, sample.has_mask)
            assert again.origins["site"] == sample.origins["site"]
            assert again.covariates["age"] == pytest.approx(sample.covariates["age"])
        sample = cohort.samples[1]
        volume = reader.load(found[sample.subject], GRID, "nonzero")
        original = PhantomReader().load(sample, GRID, "auto")
        np.testing.assert_allclose(volume.image, original.image, atol=1e-5)
        np.testing.assert_array_equal(volume.mask, original.mask)
