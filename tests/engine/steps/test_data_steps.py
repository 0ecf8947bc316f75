"""Steps that look at the data themselves: headers, similar images, image quality."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from biasaudit.engine.evidence.data import data_evidence, data_per_unit
from engine.folders import folders

from biasaudit.cohort.readers.phantom import PhantomReader
from biasaudit.engine.arguments.data import (
    FileHash,
    ImageSources,
    LeakageArguments,
    MetadataArguments,
    QualityArguments,
)
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.steps.leakage import leakage, small_image
from biasaudit.engine.steps.metadata import metadata
from biasaudit.engine.steps.quality import quality
from biasaudit.protocol import GridSettings, PhantomCohort, Protocol
from biasaudit.records import Twin, Volume
from biasaudit.stats.image_quality import MEASURES


def blocks(folder: Path, volumes: list[Volume]) -> list[Path]:
    """Write volumes as `read` does, in two blocks."""
    found = []
    for number, own in enumerate((volumes[:5], volumes[5:])):
        path = folder / f"block{number}"
        path.mkdir()
        np.save(path / "image.npy", np.stack([volume.image for volume in own]))
        np.save(path / "foreground.npy", np.stack([volume.foreground for volume in own]))
        np.save(path / "mask.npy", np.stack([volume.mask for volume in own]))
        found.append(path)
    return found


@pytest.fixture(scope="module")
def phantom():
    """Render 24 subjects, the first four also at another site."""
    settings = PhantomCohort.model_validate({"reader": "phantom", "phantom": {"n": 24, "design": "crossed"}})
    reader = PhantomReader()
    cohort = reader.read(settings)
    grid = reader.grid(cohort, GridSettings())
    sites = sorted({str(sample.simulation["site"]) for sample in cohort.samples})
    again = [
        replace(
            sample, simulation={**sample.simulation, "site": sites[1 - sites.index(str(sample.simulation["site"]))]}
        )
        for sample in cohort.samples[:4]
    ]
    samples = [*cohort.samples, *again]
    return [reader.load(sample, grid, "auto") for sample in samples], [str(s.simulation["site"]) for s in samples]


def test_subjects_rendered_at_two_sites_are_found_and_no_others(phantom, tmp_path):
    volumes, sites = phantom
    arguments = LeakageArguments(((),) * len(volumes), tuple(sites), tabular=False)
    leakage(arguments, folders(read=blocks(tmp_path, volumes)), tmp_path)
    thresholds = Protocol.model_validate({"cohort": {"reader": "phantom"}}).leakage
    found = [
        (record["first"], record["second"])
        for record in read_json(tmp_path / "twins.json")
        if record["height"] > thresholds.height and record["correlation"] > thresholds.correlation
    ]
    assert sorted(found) == [(row, 24 + row) for row in range(4)]


def test_equal_files_are_named_even_in_a_small_cohort(phantom, tmp_path):
    volumes = phantom[0][:6]
    arguments = LeakageArguments((("a",), ("b",), ("a",), ("c",), ("d",), ("b",)), ("x",) * 6, tabular=False)
    leakage(arguments, folders(read=blocks(tmp_path, volumes)), tmp_path)
    records = read_json(tmp_path / "twins.json")
    assert [(r["first"], r["second"], r["same_file"]) for r in records] == [(0, 2, True), (1, 5, True)]


def test_small_images_do_not_know_contrast_or_gain(phantom):
    volume = phantom[0][0]
    small = small_image(volume.image[0], volume.foreground)
    assert max(small.shape) <= 24
    np.testing.assert_allclose(small_image(3 * volume.image[0] + 7, volume.foreground), small, atol=1e-5)
    assert np.isfinite(small_image(np.zeros((9, 9)), np.zeros((9, 9), dtype=bool))).all()


def test_quality_has_one_column_per_channel_and_measure(phantom, tmp_path):
    volumes = [replace(volume, image=np.repeat(volume.image, 2, axis=0)) for volume in phantom[0][:6]]
    quality(QualityArguments((4.0, 4.0, 4.0)), folders(read=blocks(tmp_path, volumes)), tmp_path)
    fields = data_evidence(folders(quality=[tmp_path]))["quality"]
    assert list(fields) == [f"{name} (channel {number})" for number in (1, 2) for name in MEASURES]
    np.testing.assert_array_equal(fields["snr (channel 1)"], fields["snr (channel 2)"])


def test_tissue_maps_say_which_tissue(phantom, tmp_path):
    read = blocks(tmp_path, phantom[0][:6])
    quality(QualityArguments((4.0,) * 3), folders(read=read), tmp_path)
    clustered = np.load(tmp_path / "quality.npy")
    for folder in read:
        shape = np.load(folder / "foreground.npy").shape
        maps = np.zeros((shape[0], 3, *shape[1:]), dtype=np.float32)
        maps[:, 0, :24], maps[:, 1, 24:] = 0.9, 0.9
        np.save(folder / "tissue.npy", maps)
    quality(QualityArguments((4.0,) * 3), folders(read=read), tmp_path)
    assert (np.load(tmp_path / "quality.npy")[:, 1] != clustered[:, 1]).all()


def test_metadata_of_files_and_of_simulated_samples(tmp_path):
    path = str(tmp_path / "x.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5), dtype=np.int16), np.eye(4)), path)
    sidecar = tmp_path / "x.json"
    sidecar.write_text('{"EchoTime": 3}')
    given = {"brain mask": True, "tissue maps": False}
    samples = (
        ImageSources(FileHash(path, ""), {"site": "a"}, (FileHash(str(sidecar), ""),), given),
        ImageSources(None, {"site": "b"}),
    )
    metadata(MetadataArguments(samples), folders(), tmp_path)
    columns = data_evidence(folders(metadata=[tmp_path]))["metadata"]
    assert columns["origin: site"].tolist() == ["a", "b"]
    assert columns["header: data type"].tolist() == ["int16", None]
    assert columns["sidecar: EchoTime"].tolist() == [3.0, None]
    assert columns["file: brain mask"].tolist() == ["given", None]
    assert columns["file: tissue maps"].tolist() == [None, None]


def test_images_of_one_unit_become_one_row(planted_units):
    evidence, unit_of, first = planted_units
    fields = data_per_unit(evidence, unit_of, first)
    np.testing.assert_allclose(fields["quality"]["snr"], [1.5, 4.0, 5.0])
    assert fields["metadata"]["header: x"].tolist() == ["a", "c", "e"]
    assert fields["twins"] == (Twin(0, 2, 0.9, 14.0),)


@pytest.fixture
def planted_units():
    evidence = SimpleNamespace(
        quality={"snr": np.array([1.0, 2.0, np.nan, 4.0, 5.0])},
        metadata={"header: x": np.array(list("abcde"), dtype=object)},
        twins=(Twin(0, 1, 0.9, 20.0), Twin(0, 4, 0.8, 12.0), Twin(1, 4, 0.9, 14.0)),
    )
    return evidence, np.array([0, 0, 1, 1, 2]), np.array([0, 2, 4])


def test_rows_of_features_that_are_there_twice(tmp_path):
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(60, 30)) * np.logspace(0, 4, 30)
    rows[50] = rows[2] * (1 + 0.01 * chance.normal(size=30))
    volumes = [Volume(row.reshape(1, 30, 1), np.ones((30, 1), bool), np.zeros((30, 1), bool)) for row in rows]
    arguments = LeakageArguments(((),) * 60, ("a", "b") * 30, tabular=True)
    leakage(arguments, folders(read=blocks(tmp_path, volumes)), tmp_path)
    records = [record for record in read_json(tmp_path / "twins.json") if record["height"] > 7]
    assert [(record["first"], record["second"]) for record in records] == [(2, 50)]
