import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from biasaudit.cohort.images import inspection as module
from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.inspection import foreground_notes, inspect_files, require_sound
from biasaudit.errors import DataError
from biasaudit.protocol import GridSettings

SHAPE = (12, 14, 10)
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


@pytest.fixture
def faults(cohort, tmp_path):
    def inspect(*samples, dimensions=3):
        found = inspect_files(cohort(*samples, dimensions=dimensions), GridSettings(), {})
        return [str(fault).replace(f"{tmp_path}/", "") for fault in found.faults]

    return inspect


@pytest.fixture
def notes(cohort):
    def inspect(*samples):
        found = inspect_files(cohort(*samples), GridSettings(), {})
        assert found.faults == ()
        return list(found.notes)

    return inspect


def marked(shape=SHAPE):
    mask = np.zeros(shape, np.uint8)
    mask[2:5, 2:5, 2:5] = 1
    return mask


def filled(value):
    return np.full(SHAPE, value, np.float32)


def test_sound(volume, cohort, sample):
    mask = np.zeros(SHAPE, np.uint8)
    mask[6, 7, 5] = 1
    good = cohort(sample(volume("a.nii.gz"), mask=volume("m.nii.gz", mask), has_mask=True))
    found = inspect_files(good, GridSettings(), {})
    require_sound(found)
    assert (found.faults, found.notes) == ((), ())
    fact = found.facts[good.samples[0].images[0]]
    assert (fact.shape, fact.spacing, fact.orientation) == (SHAPE, (2.0, 2.0, 2.0), "RAS")
    assert fact.state.size == os.stat(fact.path).st_size
    assert len(fact.sha256) == 64
    assert FileFacts.from_dict(json.loads(json.dumps(fact.to_dict()))) == fact


def test_known_files_are_not_read_again(volume, cohort, sample, monkeypatch):
    path = volume("a.nii")
    one = cohort(sample(path))
    first = inspect_files(one, GridSettings(), {})
    reads = []
    monkeypatch.setattr(module, "decode", lambda *given: reads.append(given[0]))
    again = inspect_files(one, GridSettings(), first.facts).facts
    assert again[path] == replace(first.facts[path], state=again[path].state)
    assert reads == []


def test_a_file_that_only_looks_changed_is_not_decoded_again(volume, cohort, sample, monkeypatch):
    path = volume("a.nii")
    one = cohort(sample(path))
    first = inspect_files(one, GridSettings(), {}).facts
    os.utime(path, ns=(1, 1))
    monkeypatch.setattr(module, "decode", lambda *given: pytest.fail("decoded again"))
    second = inspect_files(one, GridSettings(), first).facts
    assert second[path].sha256 == first[path].sha256
    assert second[path].state.mtime_ns == 1


def test_a_file_known_from_before_its_oddities_were_looked_for_is_read_again(volume, cohort, sample):
    good = cohort(sample(volume("a.nii.gz")))
    first = inspect_files(good, GridSettings(), {}).facts
    before = {path: replace(fact, extent=None, shape=(1, 2, 3)) for path, fact in first.items()}
    again = inspect_files(good, GridSettings(), before).facts
    assert [fact.shape for fact in again.values()] == [fact.shape for fact in first.values()]


def test_a_change_that_keeps_size_and_time_is_noticed(volume, cohort, sample):
    path = volume("a.nii")
    one = cohort(sample(path))
    first = inspect_files(one, GridSettings(), {}).facts
    status = os.stat(path)
    volume("a.nii", nib.load(path).get_fdata(dtype=np.float32)[::-1].copy())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert os.stat(path).st_size == status.st_size
    assert inspect_files(one, GridSettings(), first).facts[path].sha256 != first[path].sha256


def test_changed_files_are_read_again(volume, cohort, sample):
    path = volume("a.nii")
    one = cohort(sample(path))
    first = inspect_files(one, GridSettings(), {}).facts
    volume("a.nii", filled(3) + np.arange(SHAPE[2]))
    second = inspect_files(one, GridSettings(), first).facts
    assert second[path].sha256 != first[path].sha256


def test_known_faulty_files_stay_faulty(volume, cohort, sample):
    one = cohort(sample(volume("a.nii", filled(0))))
    first = inspect_files(one, GridSettings(), {})
    assert inspect_files(one, GridSettings(), first.facts).faults == first.faults != ()


def test_missing_file(volume, faults, sample, tmp_path):
    volume("sub-1_FLAIR.nii.gz")
    assert faults(sample(str(tmp_path / "sub-1_FLAIR.nii"))) == [
        "table.tsv:2: sub-1_FLAIR.nii: no such file; did you mean 'sub-1_FLAIR.nii.gz'?"
    ]
    (fault,) = faults(sample(str(tmp_path / "no/a.nii")))
    assert fault == "table.tsv:2: no/a.nii: no such file; the folder no does not exist either"


def test_a_link_whose_content_was_not_fetched(volume, faults, sample, tmp_path):
    (tmp_path / "b.nii.gz").symlink_to("../.git/annex/objects/aa/MD5E-s1--b.nii.gz")
    (fault,) = faults(sample(volume("a.nii.gz")), sample(str(tmp_path / "b.nii.gz")))
    assert fault == (
        "table.tsv:2: b.nii.gz: a link whose content is not here; run `datalad get` (or `git annex get`) on it"
    )


def test_truncated_gzip(volume, faults, sample):
    path = Path(volume("a.nii.gz", np.random.default_rng(0).random(SHAPE).astype(np.float32)))
    path.write_bytes(path.read_bytes()[:-200])
    assert faults(sample(str(path))) == [
        "table.tsv:2: a.nii.gz: truncated: the compressed data end too early; copy the file again from its source"
    ]


def test_not_an_image(faults, sample, tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(b"hello"))
    (tmp_path / "b.txt").write_text("hello")
    first, second = faults(sample(str(tmp_path / "a.nii.gz")), sample(str(tmp_path / "b.txt"), where="table.tsv:3"))
    assert first.startswith("table.tsv:2: a.nii.gz: not a readable .nii.gz image")
    assert second.startswith("table.tsv:3: b.txt: .txt is not supported; use .nii, .nii.gz")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(volume, faults, sample, value):
    array = filled(1)
    array[0, 0, 0] = value
    array[1, 0, 0] = 2
    assert faults(sample(volume("a.nii", array))) == [
        "table.tsv:2: a.nii: NaN or infinite values; replace them, for instance by `fslmaths IN -nan OUT`"
    ]


def test_all_zero_and_constant_images(volume, faults, sample):
    assert faults(sample(volume("a.nii", filled(0)), subject="1"), sample(volume("b.nii", filled(3)))) == [
        "table.tsv:2: a.nii: every voxel is 0; replace the image or leave the row out",
        "table.tsv:2: b.nii: every voxel is 3; replace the image or leave the row out",
    ]


def test_mask_of_another_shape(volume, faults, sample):
    mask = volume("m.nii", marked((12, 14, 11)))
    assert faults(sample(volume("a.nii"), mask=mask, has_mask=True)) == [
        "table.tsv:2: m.nii: mask of shape 12 x 14 x 11, its image has 12 x 14 x 10; resample the mask onto the image"
    ]


@pytest.mark.parametrize(("shift", "sound"), [(0.1, True), (0.5, False), (4.0, False)])
def test_mask_of_another_grid(volume, faults, sample, shift, sound):
    affine = AFFINE.copy()
    affine[1, 3] = shift
    found = faults(sample(volume("a.nii"), mask=volume("m.nii", marked(), affine), has_mask=True))
    expected = (
        f"table.tsv:2: m.nii: mask on another grid, its corners are off by {shift / 2:.2g} voxels from those of its "
        "image; resample the mask onto the image"
    )
    assert found == ([] if sound else [expected])


def test_mask_of_another_spacing(volume, faults, sample):
    mask = volume("m.nii", marked(), np.diag([2.0, 2.0, 2.2, 1.0]))
    (fault,) = faults(sample(volume("a.nii"), mask=mask, has_mask=True))
    assert "m.nii: mask on another grid, its corners are off by 0.9 voxels" in fault


def test_mask_stored_in_another_orientation_is_sound(volume, faults, sample):
    affine = np.diag([-2.0, 2.0, 2.0, 1.0])
    affine[0, 3] = 2.0 * (SHAPE[0] - 1)
    assert faults(sample(volume("a.nii"), mask=volume("m.nii", marked(), affine), has_mask=True)) == []


def test_brain_masks_are_checked_too(volume, faults, sample):
    brain = volume("b.nii", np.zeros((2, 2, 2), np.uint8))
    found = faults(sample(volume("a.nii"), brain_mask=brain))
    assert any("b.nii: brain mask of shape 2 x 2 x 2" in fault for fault in found)


def test_channels_of_different_shape(volume, faults, sample):
    (fault,) = faults(sample(volume("a.nii"), volume("b.nii", 1.0 + np.arange(8.0).reshape(2, 2, 2))))
    assert fault.startswith("table.tsv:2: b.nii: channel of shape 2 x 2 x 2, its image has 12 x 14 x 10")


def test_volumes_of_one_file_are_channels(volume, faults, sample):
    four = np.random.default_rng(0).random((*SHAPE, 4)).astype(np.float32)
    lesion, brain = volume("m.nii", marked()), volume("b.nii", np.ones(SHAPE, np.uint8))
    files = {"mask": lesion, "brain_mask": brain, "has_mask": True}
    assert faults(sample(volume("a.nii", four), **files), sample(volume("c.nii", four + 1), subject="s2")) == []
    assert faults(sample(volume("a.nii", four), volume("d.nii"))) == []


def test_volumes_taken_as_channels_are_said_so(volume, notes, sample):
    four = np.random.default_rng(0).random((*SHAPE, 4)).astype(np.float32)
    said = notes(sample(volume("d.nii"), volume("a.nii", four)))
    assert "image 2 of each sample is a file of 4 volumes, taken as as many channels" in said


def test_a_mask_of_several_volumes(volume, faults, sample):
    four = np.random.default_rng(0).random((*SHAPE, 4)).astype(np.float32)
    (fault,) = faults(sample(volume("a.nii", four), mask=volume("m.nii", four), has_mask=True))
    assert fault.startswith("table.tsv:2: m.nii: mask of shape 12 x 14 x 10 x 4, its image has 12 x 14 x 10 x 4")


def test_another_number_of_channels_is_named(volume, faults, sample):
    chance = np.random.default_rng(0)
    usual = [sample(volume(f"{k}.nii", chance.random((*SHAPE, 2))), subject=str(k)) for k in range(2)]
    odd = sample(volume("a.nii", chance.random((*SHAPE, 3))), where="table.tsv:7")
    flat = sample(volume("b.nii"), where="table.tsv:8")
    first, second = faults(*usual, odd, flat)
    assert first.startswith("table.tsv:7: a.nii: 3 channels, whereas most images have 2; give all images the same")
    assert second.startswith("table.tsv:8: b.nii: 1 channel, whereas most images have 2")


@pytest.mark.parametrize(
    ("count", "step", "unit", "why"),
    [
        (17, 1.0, "unknown", "17 volumes, more than 16: a time series"),
        (7, 8.4, "sec", "7 volumes, one every 8.4 s: a time series"),
        (7, 2500.0, "msec", "7 volumes, one every 2.5 s: a time series"),
        (7, 2.0, "unknown", "7 volumes, one every 2 s: a time series"),
    ],
)
def test_time_series(tmp_path, faults, sample, count, step, unit, why):
    image = nib.Nifti1Image(np.random.default_rng(0).random((4, 4, 4, count)).astype(np.float32), AFFINE)
    image.header.set_zooms((2.0, 2.0, 2.0, step))
    image.header.set_xyzt_units("mm", unit)
    nib.save(image, tmp_path / "a.nii")
    (fault,) = faults(sample(str(tmp_path / "a.nii")))
    assert fault.startswith(f"table.tsv:2: a.nii: {why}, expected the channels of one image; extract a volume by `fsl")


def test_pictures_among_volumes(volume, faults, sample, tmp_path):
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "a.png")
    volumes = [sample(volume(f"{k}.nii"), subject=str(k)) for k in range(2)]
    (fault,) = faults(*volumes, sample(str(tmp_path / "a.png"), where="table.tsv:9"))
    assert fault.startswith("table.tsv:9: a.png: 2-D, whereas most images are 3-D")


@pytest.mark.parametrize(("value", "sound"), [(9e14, True), (1e37, False), (-1e37, False)])
def test_values_too_large_to_compute_with(volume, faults, sample, value, sound):
    found = faults(sample(volume("a.nii", filled(0) + np.arange(10) * value / 9)))
    told = "table.tsv:2: a.nii: values up to 1e+37, expected below 1e+15; rescale the image; its mean and variance"
    assert found == [] if sound else found[0].startswith(told)


def test_tissue_out_of_range(volume, faults, sample):
    (fault,) = faults(sample(volume("a.nii"), tissue=(volume("g.nii", filled(0) + np.arange(10) * 10),)))
    assert fault.startswith("table.tsv:2: g.nii: tissue probabilities from 0 to 90, expected 0 to 1")


def test_all_faults_at_once(volume, cohort, sample, tmp_path):
    bad = [sample(volume("a.nii", filled(0))), sample(str(tmp_path / "b.nii")), sample(volume("c.nii", filled(np.nan)))]
    found = inspect_files(cohort(*bad), GridSettings(reference=tmp_path / "r.nii"), {})
    with pytest.raises(DataError) as caught:
        require_sound(found)
    assert len(str(caught.value).splitlines()) == 4
    assert "grid.reference: " in str(caught.value)


def test_geometry_that_differs_between_origins(volume, notes, sample):
    thick = np.diag([-2.0, 2.0, 3.0, 1.0])
    samples = [sample(volume("a.nii")), sample(volume("b.nii", affine=thick), origins={"origin": "b"})]
    found = notes(*samples)
    assert found == [
        "spacing (mm) differs between the origins of origin, a signature in itself: a: 2 x 2 x 2 (1); b: 2 x 2 x 3 (1)",
        "orientation differs between the origins of origin, a signature in itself: a: RAS (1); b: LAS (1)",
    ]
    assert notes(*(replace(one, origins={"origin": "a"}) for one in samples)) == []


def test_rule_of_the_foreground_is_noted(volume, cohort, sample):
    whole = volume("b.nii", filled(1) + np.random.default_rng(0).random(SHAPE).astype(np.float32))
    both = cohort(sample(volume("a.nii")), sample(whole, origins={"origin": "b"}))
    facts = inspect_files(both, GridSettings(), {}).facts
    found = foreground_notes(both, facts, "auto")
    assert found[0] == "foreground of 1 images: the non-zero voxels (images are skull-stripped)"
    assert "rule of the foreground differs between the origins of origin" in found[2]
    assert len(foreground_notes(both, facts, "threshold")) == 1
