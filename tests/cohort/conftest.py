from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from biasaudit.records import Cohort, Sample

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


@pytest.fixture(scope="session")
def data() -> Path:
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real images are not at {folder}")
    return folder


@pytest.fixture
def ball() -> Callable[..., np.ndarray]:
    """Make a bright ball in an empty field."""
    return _ball


@pytest.fixture
def volume(tmp_path: Path) -> Callable[..., str]:
    """Write a NIfTI file and return its path."""

    def write(name: str, array: np.ndarray | None = None, affine: np.ndarray = AFFINE) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(_ball() if array is None else array, affine), path)
        return str(path)

    return write


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., str]:
    """Write a picture and return its path."""

    def write(name: str, array: np.ndarray) -> str:
        Image.fromarray(array).save(tmp_path / name)
        return str(tmp_path / name)

    return write


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write a table of tab-separated rows and return its path."""

    def write(rows: Sequence[str], name: str = "table.tsv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def cohort() -> Callable[..., Cohort]:
    """Wrap samples in a cohort."""

    def build(*samples: Sample, dimensions: int = 3) -> Cohort:
        return Cohort(samples, ("healthy", "ms"), ("origin",), dimensions, len(samples[0].images))

    return build


@pytest.fixture
def sample() -> Callable[..., Sample]:
    """Build a patient of origin ``a``, line 2 of a table, unless told otherwise."""

    def build(*images: str, **fields: object) -> Sample:
        known = {"subject": "s1", "label": "ms", "positive": True, "origins": {"origin": "a"}, "where": "table.tsv:2"}
        return Sample(images=images, **(known | fields))

    return build


def _ball(shape: tuple[int, ...] = (12, 14, 10)) -> np.ndarray:
    """A bright ball in an empty field."""
    grid = np.indices(shape)
    centre = (np.asarray(shape) - 1) / 2
    inside = sum(((axis - c) / (0.35 * n)) ** 2 for axis, c, n in zip(grid, centre, shape, strict=True)) < 1
    return (inside * (100 + grid[0])).astype(np.float32)
