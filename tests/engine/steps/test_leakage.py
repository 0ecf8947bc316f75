"""Which images are of the same person or the same file."""

from __future__ import annotations

import numpy as np
from engine.folders import folders

from biasaudit.engine.arguments.data import (
    LeakageArguments,
)
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.steps.leakage import leakage, small_image
from biasaudit.protocol import Protocol
from biasaudit.records import Volume


def test_subjects_rendered_at_two_sites_are_found_and_no_others(rendered, tmp_path, read_blocks):
    volumes, sites = rendered
    arguments = LeakageArguments(((),) * len(volumes), tuple(sites), tabular=False)
    leakage(arguments, folders(read=read_blocks(tmp_path, volumes)), tmp_path)
    thresholds = Protocol.model_validate({"cohort": {"reader": "phantom"}}).leakage
    found = [
        (record["first"], record["second"])
        for record in read_json(tmp_path / "twins.json")
        if record["height"] > thresholds.height and record["correlation"] > thresholds.correlation
    ]
    assert sorted(found) == [(row, 24 + row) for row in range(4)]


def test_equal_files_are_named_even_in_a_small_cohort(rendered, tmp_path, read_blocks):
    volumes = rendered[0][:6]
    arguments = LeakageArguments((("a",), ("b",), ("a",), ("c",), ("d",), ("b",)), ("x",) * 6, tabular=False)
    leakage(arguments, folders(read=read_blocks(tmp_path, volumes)), tmp_path)
    records = read_json(tmp_path / "twins.json")
    assert [(r["first"], r["second"], r["same_file"]) for r in records] == [(0, 2, True), (1, 5, True)]


def test_small_images_do_not_know_contrast_or_gain(rendered):
    volume = rendered[0][0]
    small = small_image(volume.image[0], volume.foreground)
    assert max(small.shape) <= 24
    np.testing.assert_allclose(small_image(3 * volume.image[0] + 7, volume.foreground), small, atol=1e-5)
    assert np.isfinite(small_image(np.zeros((9, 9)), np.zeros((9, 9), dtype=bool))).all()


def test_rows_of_features_that_are_there_twice(tmp_path, read_blocks):
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(60, 30)) * np.logspace(0, 4, 30)
    rows[50] = rows[2] * (1 + 0.01 * chance.normal(size=30))
    volumes = [Volume(row.reshape(1, 30, 1), np.ones((30, 1), bool), np.zeros((30, 1), bool)) for row in rows]
    arguments = LeakageArguments(((),) * 60, ("a", "b") * 30, tabular=True)
    leakage(arguments, folders(read=read_blocks(tmp_path, volumes)), tmp_path)
    records = [record for record in read_json(tmp_path / "twins.json") if record["height"] > 7]
    assert [(record["first"], record["second"]) for record in records] == [(2, 50)]
