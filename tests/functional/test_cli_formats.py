"""Every kind of image file goes from the table to a verdict."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from stacks import whole_stack

PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  label: {column: label, positive: ill, negative: well}
  origins: [site]
  min_origin_size: 2
folds: {n: 2}
grid: {spacing: 4}
target: {training: {epochs: 1}}
checks: [G1, U1]
statistics: {n_permutations: 99, n_bootstraps: 99}
learned: {enabled: false}
"""
AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


def sixteen_bits(path: Path, shape: tuple[int, ...], chance: np.random.Generator) -> None:
    Image.fromarray((chance.random(shape[:2]) * 65535).astype(np.uint16)).save(path)


def array(path: Path, shape: tuple[int, ...], chance: np.random.Generator) -> None:
    np.save(path, chance.random(shape))


def volumes(path: Path, shape: tuple[int, ...], chance: np.random.Generator) -> None:
    nib.save(nib.Nifti1Image(chance.random(shape).astype(np.float32), AFFINE), path)


def write_cohort(folder: Path, ending: str, shape: tuple[int, ...], write: Callable[..., None]) -> None:
    rows = ["subject\timage\tlabel\tsite"]
    for index in range(16):
        write(folder / f"{index}{ending}", shape, np.random.default_rng(index))
        rows.append(f"s{index}\t{index}{ending}\t{'ill' if index % 2 else 'well'}\t{'ab'[index % 4 // 2]}")
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    (folder / "protocol.yaml").write_text(PROTOCOL)


@pytest.mark.parametrize(
    ("ending", "shape", "write"),
    [
        (".png", (12, 12), sixteen_bits),
        (".tif", (12, 12), sixteen_bits),
        (".npy", (12, 12), array),
        (".npy", (8, 8, 8), array),
        (".nii.gz", (8, 8, 8, 2), volumes),
    ],
    ids=["16-bit PNG", "16-bit TIFF", "picture as array", "volume as array", "volumes as channels"],
)
def test_audited(biasaudit_here, tmp_path, ending, shape, write):
    write_cohort(tmp_path, ending, shape, write)
    done = biasaudit_here("run", tmp_path / "protocol.yaml", "-o", tmp_path / "out", "--engine", "local")
    assert done.returncode == 0, done.stderr
    assert "How the images came" in (tmp_path / "out" / "report.html").read_text()
    resampled = "interpolated" if ending == ".npy" and len(shape) == 3 else "no"
    listed = (tmp_path / "out" / "tables" / "preprocessing.tsv").read_text()
    assert re.search(rf"site\ta\tresampled\t.*{resampled}\t8", listed)
    if len(shape) == 4:
        first = next(iter((tmp_path / "out" / "jobs").glob("*/image.npz")))
        second = nib.load(tmp_path / "1.nii.gz").get_fdata()[..., 1]
        np.testing.assert_allclose(whole_stack(first)[1, 1], second, atol=1e-6)


def test_predicting_images_with_another_number_of_channels(biasaudit_here, tmp_path):
    write_cohort(tmp_path, ".nii.gz", (8, 8, 8, 2), volumes)
    done = biasaudit_here("run", tmp_path / "protocol.yaml", "-o", tmp_path / "out", "--engine", "local")
    assert done.returncode == 0, done.stderr
    for index in range(16):
        volumes(tmp_path / f"{index}.nii.gz", (8, 8, 8), np.random.default_rng(index))
    done = biasaudit_here("predict", tmp_path / "out", tmp_path / "table.tsv")
    assert done.returncode == 3
    assert "table.tsv:2: " in done.stderr
    assert "0.nii.gz: 1 channels, expected 2 as in the audit" in done.stderr


def test_a_time_series_and_a_missing_channel_in_one_go(biasaudit_here, tmp_path):
    write_cohort(tmp_path, ".nii.gz", (8, 8, 8, 2), volumes)
    volumes(tmp_path / "3.nii.gz", (8, 8, 8, 40), np.random.default_rng(3))
    volumes(tmp_path / "4.nii.gz", (8, 8, 8), np.random.default_rng(4))
    done = biasaudit_here("validate", tmp_path / "protocol.yaml")
    assert done.returncode == 3
    assert "table.tsv:5: " in done.stderr
    assert "40 volumes, more than 16: a time series" in done.stderr
    assert "4.nii.gz: 1 channel, whereas most images have 2" in done.stderr
