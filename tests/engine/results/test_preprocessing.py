from __future__ import annotations

import numpy as np
import pytest

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.file_state import FileState
from biasaudit.engine.results.preprocessing import QUANTITIES, preprocessing_table
from biasaudit.records import Cohort, Grid, Sample

AFFINE = ((2.0, 0, 0, 0), (0, 2.0, 0, 0), (0, 0, 2.0, 0), (0, 0, 0, 1.0))
FINE = ((1.0, 0, 0, -0.5), (0, 1.0, 0, -0.5), (0, 0, 1.0, -0.5), (0, 0, 0, 1.0))
TURNED = ((-2.0, 0, 0, 18.0), (0, 2.0, 0, 0), (0, 0, 2.0, 0), (0, 0, 0, 1.0))
GRID = Grid((10, 10, 10), AFFINE)


def fact(path, affine=AFFINE, shape=(10, 10, 10), **more):
    known = {
        "state": FileState(1, 1, 1, 1, "", 1),
        "sha256": "",
        "shape": shape,
        "spacing": () if affine is None else tuple(float(s) for s in np.sqrt((np.array(affine)[:3, :3] ** 2).sum(0))),
        "affine": affine,
        "orientation": "" if affine is None else "LAS" if affine[0][0] < 0 else "RAS",
        "finite": True,
        "minimum": 0.0,
        "maximum": 100.0,
        "binary": False,
        "occupied": 0.5,
        "empty_border": True,
    }
    return FileFacts(path, **{**known, **more})


def cohort(*origins, brain=()):
    samples = tuple(
        Sample(str(k), (f"{k}.nii",), "a", False, {"site": origin, "all": "x"}, brain_mask="b" if k in brain else None)
        for k, origin in enumerate(origins)
    )
    return Cohort(samples, ("a", "b"), ("site", "all"), 3, 1)


@pytest.fixture
def table():
    facts = [
        fact("0.nii"),
        fact("1.nii", empty_border=False, maximum=300.0),
        fact("2.nii", TURNED),
        fact("3.nii", FINE, (20, 20, 20), minimum=-5.0),
    ]
    found = preprocessing_table(cohort("a", "a", "b", "b", brain=(2,)), GRID, {f.path: f for f in facts}, "auto")
    return found.set_index(["factor", "origin", "quantity"])


def values(table, *where):
    own = table.loc[[where]]
    return dict(zip(own["value"], own["images"], strict=True))


def test_geometry_and_what_was_done(table):
    assert values(table, "site", "a", "shape") == {"10 x 10 x 10": 2}
    assert values(table, "site", "b", "spacing") == {"2 x 2 x 2": 1, "1 x 1 x 1": 1}
    assert values(table, "site", "b", "orientation") == {"LAS": 1, "RAS": 1}
    assert values(table, "site", "a", "resampled") == {"no": 2}
    assert values(table, "site", "b", "resampled") == {"interpolated": 1, "smoothed and interpolated": 1}


def test_where_the_foreground_is_from(table):
    assert values(table, "site", "a", "foreground") == {
        "the non-zero voxels (images are skull-stripped)": 1,
        "an Otsu threshold on the smoothed image, largest component, holes filled": 1,
    }
    assert "the brain mask file" in values(table, "site", "b", "foreground")


def test_medians_of_intensities_and_every_factor(table):
    assert values(table, "site", "a", "largest value") == {"200": 2}
    assert values(table, "site", "b", "smallest value") == {"-2.5": 2}
    assert values(table, "all", "x", "largest value") == {"100": 4}
    assert set(table.index.get_level_values("quantity")) == set(QUANTITIES)


def test_pictures_have_no_spacing():
    pictures = [fact(f"{k}.nii", None, shape) for k, shape in enumerate([(8, 8), (30, 30)])]
    found = preprocessing_table(cohort("a", "b"), Grid((8, 8)), {f.path: f for f in pictures}, "auto")
    own = found[found["factor"] == "site"]
    assert not set(own["quantity"]) & {"spacing", "orientation"}
    assert own[own["quantity"] == "resampled"]["value"].tolist() == ["no", "smoothed and interpolated"]


def test_without_files_there_is_nothing_to_say():
    simulated = Cohort((Sample("1", (), "a", False, {"site": "x"}),), ("a", "b"), ("site",), 3, 1)
    assert preprocessing_table(simulated, GRID, {}, "auto").empty
