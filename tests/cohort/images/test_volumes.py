import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from biasaudit.cohort.images.formats import read_scan
from biasaudit.cohort.images.geometry import orientation
from biasaudit.cohort.images.volumes import choose_grid, foreground_rule, load_volume
from biasaudit.errors import DataError
from biasaudit.protocol import GridSettings
from biasaudit.records import Grid

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
NATIVE = GridSettings(spacing=2.0)


def test_headers_that_cannot_be_read_are_all_named(tmp_path, cohort, sample):
    for name in ("a.nii", "b.nii"):
        (tmp_path / name).write_bytes(b"no")
    broken = cohort(*(sample(str(tmp_path / name)) for name in ("a.nii", "b.nii")))
    with pytest.raises(DataError) as caught:
        choose_grid(broken, GridSettings())
    assert len(caught.value.faults) == 2


def test_grid_keeps_field_of_view_and_axes(volume, cohort, sample):
    affine = np.diag([-2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = [10, -20, 30]
    path = volume("a.nii", np.ones((12, 15, 10), np.float32), affine)
    grid = choose_grid(cohort(sample(path)), GridSettings(spacing=4.0))
    assert grid.shape == (6, 8, 5)
    assert grid.spacing == (4.0, 4.0, 4.0)
    assert orientation(np.asarray(grid.affine)) == "LAS"
    middle = (np.array(grid.shape) - 1) / 2
    old = affine[:3, :3] @ ((np.array((12, 15, 10)) - 1) / 2) + affine[:3, 3]
    new = np.asarray(grid.affine)[:3, :3] @ middle + np.asarray(grid.affine)[:3, 3]
    np.testing.assert_allclose(new, old)
    native = choose_grid(cohort(sample(path)), NATIVE)
    assert native.shape == (12, 15, 10)
    np.testing.assert_allclose(native.affine, affine)


def test_coarse_axes_stay_coarse(volume, cohort, sample):
    path = volume("a.nii", np.ones((128, 8, 4), np.float32), np.diag([1.0, 1.0, 6.0, 1.0]))
    grid = choose_grid(cohort(sample(path)), GridSettings())
    assert (grid.shape, grid.spacing) == ((32, 2, 4), (4.0, 4.0, 6.0))


def test_grid_of_different_geometries_is_the_median_field(volume, cohort, sample):
    paths = []
    for k, shift in enumerate((0.0, 0.0, 4.0)):
        affine = np.diag([-2.0, 2.0, 2.0, 1.0])
        affine[:3, 3] = [22 + shift, 0, 0]
        paths.append(volume(f"{k}.nii", np.ones((12, 12, 12), np.float32), affine))
    grid = choose_grid(cohort(*(sample(path) for path in paths)), GridSettings(spacing=2.0))
    assert grid.shape == (12, 12, 12)
    np.testing.assert_allclose(grid.affine, np.diag([2.0, 2.0, 2.0, 1.0]))


def test_reference_grid(volume, cohort, sample):
    image = volume("a.nii")
    reference = volume("r.nii", np.ones((3, 4, 5), np.float32), np.diag([3.0, 3.0, 3.0, 1.0]))
    grid = choose_grid(cohort(sample(image)), GridSettings(reference=Path(reference)))
    assert (grid.shape, grid.spacing) == ((3, 4, 5), (3.0, 3.0, 3.0))
    finer = choose_grid(cohort(sample(image)), GridSettings(reference=Path(reference), spacing=1.5))
    assert (finer.shape, finer.spacing) == ((6, 8, 10), (1.5, 1.5, 1.5))


def test_picture_reference_is_refused(tmp_path, volume, cohort, sample, picture):
    path = picture("r.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match=r"must be a volume, not a picture; use `grid\.shape`"):
        choose_grid(cohort(sample(volume("a.nii"))), GridSettings(reference=Path(path)))


@pytest.mark.parametrize(
    ("shapes", "wanted", "expected"),
    [
        ([(60, 40), (60, 40)], None, (60, 40)),
        ([(60, 40), (50, 40)], None, (128, 85)),
        ([(600, 300), (600, 300)], None, (128, 64)),
        ([(60, 40)], [32, 32], (32, 32)),
    ],
)
def test_picture_grid(tmp_path, cohort, sample, shapes, wanted, expected, picture):
    paths = [picture(f"{k}.png", np.zeros(shape, np.uint8)) for k, shape in enumerate(shapes)]
    pictures = cohort(*(sample(path) for path in paths), dimensions=2)
    assert choose_grid(pictures, GridSettings(shape=wanted)) == Grid(expected)


def test_orientation_on_disk_does_not_matter(volume, cohort, sample):
    array = np.random.default_rng(0).random((12, 14, 10)).astype(np.float32)
    image = nib.Nifti1Image(array, AFFINE)
    turned = image.as_reoriented(np.array([[1, -1], [2, 1], [0, -1]]))
    straight = volume("a.nii", array)
    other = volume("b.nii", np.asarray(turned.dataobj), turned.affine)
    grid = choose_grid(cohort(sample(straight)), NATIVE)
    first, second = (load_volume(sample(path), grid, "threshold").image for path in (straight, other))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_channels_masks_and_tissue(volume, cohort, sample):
    array = read_scan(volume("a.nii")).data
    lesion = np.zeros(array.shape, np.float32)
    lesion[5, 6, 5] = 3
    maps = [
        volume(f"{name}.nii", np.full(array.shape, value, np.float32))
        for name, value in zip("gwc", (0.5, 0.3, 0.2), strict=True)
    ]
    whole = volume("seg.nii", np.stack([np.full(array.shape, v, np.float32) for v in (0.5, 0.3, 0.2)], -1))
    brain = volume("brain.nii", (array > 105).astype(np.uint8))
    known = {"mask": volume("m.nii", lesion), "has_mask": True, "brain_mask": brain}
    patient = sample(volume("a.nii"), volume("t2.nii", 2 * array), tissue=tuple(maps), **known)
    grid = choose_grid(cohort(patient), NATIVE)
    loaded = load_volume(patient, grid, "auto")
    assert loaded.image.shape == (2, 12, 14, 10)
    assert (loaded.image.dtype, loaded.foreground.dtype, loaded.mask.dtype) == (np.float32, np.bool_, np.bool_)
    np.testing.assert_allclose(loaded.image[1], 2 * loaded.image[0])
    np.testing.assert_array_equal(loaded.foreground, array > 105)
    assert np.argwhere(loaded.mask).tolist() == [[5, 6, 5]]
    np.testing.assert_allclose(loaded.tissue[:, 0, 0, 0], [0.5, 0.3, 0.2])
    together = load_volume(sample(volume("a.nii"), tissue=(whole,)), grid, "auto")
    np.testing.assert_allclose(together.tissue, loaded.tissue)
    lesions = volume("lesions.nii", np.full(array.shape, 0.1, np.float32))
    four = load_volume(sample(volume("a.nii"), tissue=(*maps, lesions)), grid, "auto")
    np.testing.assert_allclose(four.tissue[:, 0, 0, 0], [0.5, 0.3, 0.2, 0.1])
    assert foreground_rule(patient, "auto") == "file"


def test_volumes_of_one_file_are_channels_in_any_orientation(volume, cohort, sample):
    chance = np.random.default_rng(0)
    channels = [chance.random((12, 14, 10)).astype(np.float32) for _ in range(3)]
    apart = sample(*(volume(f"{k}.nii", channel) for k, channel in enumerate(channels)))
    together = nib.Nifti1Image(np.stack(channels, -1), AFFINE)
    turned = together.as_reoriented(np.array([[1, -1], [2, 1], [0, -1]]))
    stacked = sample(volume("all.nii", np.asarray(together.dataobj)))
    other = sample(volume("turned.nii.gz", np.asarray(turned.dataobj), turned.affine))
    grid = choose_grid(cohort(apart), NATIVE)
    expected = load_volume(apart, grid, "threshold")
    for given in (stacked, other):
        found = load_volume(given, grid, "threshold")
        np.testing.assert_allclose(found.image, expected.image, atol=1e-5)
        np.testing.assert_array_equal(found.foreground, expected.foreground)
    mixed = load_volume(sample(stacked.images[0], apart.images[0]), grid, "threshold")
    np.testing.assert_array_equal(mixed.image[3], expected.image[0])


def test_tissue_of_many_volumes_needs_a_label_map(tmp_path, volume, cohort, sample):
    array = np.stack([np.full((4, 4, 4), v, np.float32) for v in (0.1, 0.2, 0.3, 0.4)], -1)
    subject = sample(volume("a.nii", np.ones((4, 4, 4), np.float32)), tissue=(volume("seg.nii", array),))
    grid = choose_grid(cohort(subject), NATIVE)
    with pytest.raises(DataError, match="4 volumes, of which it is unknown which are GM, WM and CSF; give three files"):
        load_volume(subject, grid, "threshold")
    (tmp_path / "seg.json").write_text(json.dumps({"LabelMap": ["BG", "WM", "GM", "CSF"]}))
    np.testing.assert_allclose(load_volume(subject, grid, "threshold").tissue[:, 0, 0, 0], [0.3, 0.2, 0.4])


def test_stripped_and_unstripped_foregrounds(volume, cohort, sample):
    array = read_scan(volume("a.nii")).data
    noisy = array + np.random.default_rng(0).random(array.shape).astype(np.float32) + 0.1
    stripped, raw = sample(volume("a.nii")), sample(volume("b.nii", noisy))
    grid = choose_grid(cohort(stripped), NATIVE)
    assert [foreground_rule(one, "auto") for one in (stripped, raw)] == ["nonzero", "threshold"]
    np.testing.assert_array_equal(load_volume(stripped, grid, "auto").foreground, array > 0)
    found = load_volume(raw, grid, "auto").foreground
    assert 2 * (found & (array > 0)).sum() / (found.sum() + (array > 0).sum()) > 0.8


def test_picture_foreground_and_mask(tmp_path, cohort, sample, picture):
    mask = np.zeros((80, 80), np.uint8)
    mask[33, 61] = 255
    patient = sample(
        picture("a.png", np.full((80, 80), 7, np.uint8)),
        mask=picture("m.png", mask),
        has_mask=True,
    )
    loaded = load_volume(patient, Grid((20, 20)), "auto")
    assert loaded.image.shape == (1, 20, 20)
    np.testing.assert_allclose(loaded.image, 7 / 255, rtol=1e-5)
    assert loaded.foreground.sum() == 256
    assert np.argwhere(loaded.mask).tolist() == [[8, 15]]


def test_another_number_of_axes_than_the_grid(tmp_path, sample, picture):
    path = picture("a.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(DataError, match="2 axes, expected 3 as in the common grid"):
        load_volume(sample(path), Grid((4, 4, 4), ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))), "auto")


def test_missing_file(tmp_path, sample):
    with pytest.raises(DataError, match=r"no.nii: cannot be read \(No such file or directory\)"):
        load_volume(sample(str(tmp_path / "no.nii")), Grid((4, 4)), "auto")
