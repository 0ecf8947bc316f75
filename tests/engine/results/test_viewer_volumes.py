"""What is kept of the volumes for the viewer: its size, its scale, its order; the whole is in functional tests."""

from __future__ import annotations

import numpy as np

from biasaudit.cohort.images.export import write_shown
from biasaudit.cohort.images.template import mni_grid
from biasaudit.engine.results import viewer_volumes
from biasaudit.engine.results.viewer_volumes import _bytes, _canvas, _Layer, _limit, _Shown, _written
from biasaudit.records import Grid

GRID = Grid((4, 4, 4), tuple(map(tuple, np.eye(4).tolist())))


def test_a_coarse_grid_is_shown_as_it_is():
    canvas = _canvas(GRID)
    values = np.random.default_rng(0).normal(size=GRID.shape)
    assert canvas.step == 1
    assert canvas.smaller(values) is values


def test_a_fine_grid_is_averaged_over_blocks_around_the_same_places():
    fine = mni_grid(1.0)
    canvas = _canvas(fine)
    assert canvas.step == 2
    assert np.prod(canvas.grid.shape) <= 1_200_000
    x = np.broadcast_to(np.arange(fine.shape[0], dtype=float)[:, None, None], fine.shape)
    found = canvas.smaller(x)
    assert found.shape == canvas.grid.shape
    shown = np.asarray(canvas.grid.affine) @ [3, 0, 0, 1]
    np.testing.assert_allclose(found[3, 0, 0], 6.5)
    np.testing.assert_allclose(shown[0], (np.asarray(fine.affine) @ [6.5, 0, 0, 1])[0])


def test_pictures_in_colour_keep_their_colours():
    canvas = viewer_volumes._Canvas(2, Grid((2, 3)))
    picture = np.arange(4 * 6 * 3, dtype=float).reshape(4, 6, 3)
    found = canvas.smaller(picture)
    assert found.shape == (2, 3, 3)
    np.testing.assert_allclose(found[0, 0], picture[:2, :2].mean((0, 1)))


def test_grey_is_stretched_and_colour_is_not():
    grey = _bytes(np.linspace(100, 200, 1000), in_colour=False)
    assert (grey.min(), grey.max()) == (0, 255)
    colour = _bytes(np.array([[[0.0, 100.0, 200.0]]]), in_colour=True)
    assert colour.ravel().tolist() == [0, 100, 200]


def test_the_limit_leaves_out_places_without_relevance():
    assert _limit([np.array([0.0, 0.0, -2.0])]) == 2.0
    assert _limit([np.zeros(3)]) == 1.0
    assert _limit([]) == 1.0


def test_who_finds_no_room_is_named_and_leaves_no_file(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 4)).astype(np.uint8)

    def shown(name: str) -> _Shown:
        return _Shown(
            "subject",
            name,
            "ill",
            "a",
            [
                _Layer("anatomy", lambda path: write_shown(path, noise[0], GRID)),
                _Layer("target", lambda path: write_shown(path, noise[1], GRID), "intensity", "typical", 1.23456, 0.5),
            ],
        )

    folder = tmp_path / "viewer"
    folder.mkdir()
    write_shown(tmp_path / "one.nii.gz", noise[0], GRID)
    monkeypatch.setattr(viewer_volumes, "MOST_BYTES", 3 * (tmp_path / "one.nii.gz").stat().st_size)
    records = [record for own in _written([shown("s1"), shown("s2")], folder) for record in own]
    assert [record["shown"] for record in records] == ["subject", "subject", "left out"]
    assert records[-1]["subject"] == "s2"
    assert records[-1]["file"] == ""
    assert records[1] == {
        "key": "v01",
        "shown": "subject",
        "subject": "s1",
        "label": "ill",
        "origin": "a",
        "arm": "intensity",
        "role": "typical",
        "logit": 1.2346,
        "limit": 0.5,
        "layer": "target",
        "file": "viewer/v01_arm-intensity_target.nii.gz",
    }
    assert sorted(path.name for path in folder.iterdir()) == ["v01_anatomy.nii.gz", "v01_arm-intensity_target.nii.gz"]
