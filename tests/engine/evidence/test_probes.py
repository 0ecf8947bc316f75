"""Margins of the probes: the mean over folds, one row for each subject, on the side that their class is on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from biasaudit.engine.evidence.probes import PROBES, TWINS, ProbeScores, ProbeTable
from biasaudit.engine.jobs.job import Folders


@pytest.fixture
def gathered(scored, rows, bare, tmp_path):
    def gather(table, *folds, twins=()):
        place = tmp_path / "twins"
        place.mkdir()
        (place / "twins.json").write_text(json.dumps(list(twins)))
        kept = range(len(folds[0]))
        folders = Folders({PROBES: tuple(scored(values, kept) for values in folds), TWINS: (place,)})
        return ProbeScores().gather(table, folders, bare, rows)["probes"]

    return gather


def test_folds_are_averaged_and_classes_find_their_side(gathered):
    table = ProbeTable(("p", "q", "r"), ("healthy", "ms", ""), ("b", "a", "b"), ("s1", "s2"), 0.2)
    probes = gathered(table, [1.0, 2.0, 3.0], [3.0, 4.0, 5.0], twins=[{"probe": 1, "row": 0}])
    np.testing.assert_allclose(probes.logit, [2.0, 3.0, 4.0])
    assert probes.positive.tolist() == [False, True, False]
    assert probes.twin_of.tolist() == ["", "s1", ""]
    assert probes.max_prevalence == 0.2


def test_several_images_of_a_subject_are_one_probe(gathered):
    table = ProbeTable(("q", "p", "q"), ("healthy",) * 3, ("b",) * 3, ("s1",), None)
    probes = gathered(table, [1.0, 7.0, 3.0], twins=[{"probe": 2, "row": 0}])
    assert probes.subject.tolist() == ["p", "q"]
    np.testing.assert_allclose(probes.logit, [7.0, 2.0])
    assert probes.twin_of.tolist() == ["", "s1"]


def test_without_probes_there_is_nothing(bare, rows):
    assert ProbeScores().gather(None, Folders({}), bare, rows) == {}


def test_the_answers_of_every_network_are_kept_where_a_fold_has_several(bare, rows, scored):
    table = ProbeTable(("q", "p", "q"), ("healthy",) * 3, ("b",) * 3, ("s1",), None)
    by_seed = np.arange(12.0).reshape(2, 3, 1, 2)
    places = tuple(scored(own.mean(axis=2)[:, 0], range(3)) for own in by_seed)
    for place, own in zip(places, by_seed, strict=True):
        np.save(place / "by-seed-original.npy", own)
    (places[0] / "twins.json").write_text("[]")
    folders = Folders({PROBES: places, TWINS: places[:1]})
    probes = ProbeScores().gather(table, folders, bare, rows)["probes"]
    assert probes.subject.tolist() == ["p", "q"]
    np.testing.assert_array_equal(probes.by_network, [[[2, 3], [8, 9]], [[2, 3], [8, 9]]])
    np.testing.assert_allclose(probes.logit, probes.by_network.mean(axis=(1, 2)))
    assert probes.kept(np.array([True, False])).by_network.shape == (1, 2, 2)
    (places[1] / "by-seed-original.npy").unlink()
    assert ProbeScores().gather(table, folders, bare, rows)["probes"].by_network is None
