"""Maps of the origin classifiers, turned so that they speak for the origin of the subject's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from biasaudit.engine.evidence.origin_controls import ClassOrigins
from biasaudit.engine.evidence.origin_maps import ExplainedClass, own_origin_maps
from biasaudit.engine.jobs.held_out import write_rows
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.records import Cohort, Sample


def cohort(sites: str) -> Cohort:
    samples = tuple(
        Sample(subject=f"s{row}", images=(), label="healthy", positive=False, origins={"site": site}, mask=None)
        for row, site in enumerate(sites)
    )
    return Cohort(samples=samples, classes=("healthy", "ill"), factors=("site",), dimensions=3, channels=1)


def stored(folder: Path, rows: list[int], value: float) -> Path:
    """Maps whose values tell their row, and which contrast they are of."""
    folder.mkdir()
    write_rows(folder, rows)
    save_stack(folder / "maps.npz", np.array([[value + row] for row in rows], np.float32))
    return folder


def found(sites: str, origins: tuple[str, ...], explained: tuple[int, ...], folders: list[Path]) -> dict[int, float]:
    about = (ExplainedClass(ClassOrigins("healthy", origins), explained),)
    roles = {Role(f"origin maps {number}", "healthy"): (folder,) for number, folder in enumerate(folders)}
    maps = own_origin_maps(about, Folders(roles), cohort(sites), "site")
    return {row: float(values[0]) for row, values in maps}


def test_of_two_origins_the_map_of_the_first_is_that_of_the_second_turned(tmp_path):
    folder = stored(tmp_path / "one", [0, 1, 2], 10)
    assert found("aba", ("a", "b"), (1,), [folder]) == {0: -10.0, 1: 11.0, 2: -12.0}


def test_of_several_each_subject_has_that_of_its_own_origin(tmp_path):
    folders = [stored(tmp_path / name, [0, 1, 2, 3], value) for name, value in (("b", 10), ("c", 20))]
    assert found("abcb", ("a", "b", "c"), (1, 2), folders) == {1: 11.0, 3: 13.0, 2: 22.0}
