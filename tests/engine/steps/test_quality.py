"""What every image is measured by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from engine.folders import folders
from stacks import whole_stack

from biasaudit.engine.arguments.data import (
    QualityArguments,
)
from biasaudit.engine.evidence.quality import Quality
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.steps.quality import quality
from biasaudit.records import luminance
from biasaudit.stats.image_quality import MEASURES


def test_quality_has_one_column_per_channel_and_measure(rendered, tmp_path, read_blocks):
    volumes = [replace(volume, image=np.repeat(volume.image, 2, axis=0)) for volume in rendered[0][:6]]
    quality(QualityArguments((4.0, 4.0, 4.0)), folders(read=read_blocks(tmp_path, volumes)), tmp_path)
    fields = Quality().gather(None, folders(quality=[tmp_path]), None, None)["quality"]
    assert list(fields) == [f"{name} (channel {number})" for number in (1, 2) for name in MEASURES]
    np.testing.assert_array_equal(fields["snr (channel 1)"], fields["snr (channel 2)"])


def test_tissue_maps_say_which_tissue(rendered, tmp_path, read_blocks):
    read = read_blocks(tmp_path, rendered[0][:6])
    quality(QualityArguments((4.0,) * 3), folders(read=read), tmp_path)
    clustered = np.load(tmp_path / "quality.npy")
    for folder in read:
        shape = whole_stack(folder / "foreground.npz").shape
        maps = np.zeros((shape[0], 3, *shape[1:]), dtype=np.float32)
        maps[:, 0, :24], maps[:, 1, 24:] = 0.9, 0.9
        save_stack(folder / "tissue.npz", maps)
    quality(QualityArguments((4.0,) * 3), folders(read=read), tmp_path)
    assert (np.load(tmp_path / "quality.npy")[:, 1] != clustered[:, 1]).all()


def test_a_picture_in_colour_is_measured_by_its_luminance_and_the_colours_of_its_file(tmp_path):
    inside = np.ones((20, 24), dtype=bool)
    rgb = np.random.default_rng(0).random((4, 3, 20, 24)).astype(np.float32)
    colours = {"red_green": (0.1, 0.2, 0.3, 0.4)}
    found = []
    for name, images, red in (("colour", rgb, (0,)), ("grey", luminance(np.moveaxis(rgb, 1, 0))[:, None], ())):
        folder = tmp_path / name
        folder.mkdir()
        save_stack(folder / "image.npz", images)
        for mask in ("foreground", "mask"):
            save_stack(
                folder / f"{mask}.npz", np.repeat((inside if mask == "foreground" else ~inside)[None], 4, axis=0)
            )
        if red:
            np.save(folder / "colour.npy", np.array(red))
        quality(QualityArguments((1.0, 1.0), colours), folders(read=[folder]), tmp_path)
        found.append(Quality().gather(None, folders(quality=[tmp_path]), None, None)["quality"])
    assert list(found[0]) == [*MEASURES, "red_green"]
    for measure in MEASURES:
        np.testing.assert_allclose(found[0][measure], found[1][measure], rtol=1e-5)
    np.testing.assert_array_equal(found[0]["red_green"], colours["red_green"])
