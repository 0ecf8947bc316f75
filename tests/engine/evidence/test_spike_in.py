from __future__ import annotations

from dataclasses import replace

import numpy as np

from biasaudit.engine.evidence.retraining import NotRetrained
from biasaudit.engine.evidence.spike_in import Edited, Spiked, SpikeIns
from biasaudit.engine.evidence.subjects import Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.records import Plant, SpikeIn, SpikeTrial

ROWS = ([0, 2], [1, 3], [4, 5])
"""Rows that every fold holds out."""


def test_why_nothing_was_retrained_is_handed_on(rows, bare):
    found = SpikeIns().gather(NotRetrained("for a reason"), Folders({}), bare, rows)
    assert found == {"retraining_skipped": {"G3": "for a reason"}}


def test_spikes_in_cohort_order(scored, rows, bare):
    edited = Edited(planted=(True, False) * 3, sham=(False, True) * 3)
    needs = {}
    for place, name in enumerate(("planted", "sham")):
        for version, variant in enumerate(("original", "spiked")):
            start = 100 * place + 10 * version
            needs[Role(name, variant)] = tuple(
                scored([start + 2 * fold, start + 2 * fold + 1], ROWS[fold], variant) for fold in range(3)
            )
    ladder = Plant(("tone",), 1.0), Plant(("tone",), 2.0, 0.1)
    spike = SpikeIns().gather(Spiked(edited, ladder, (0.03,)), Folders(needs), bare, rows)["spike"]
    assert (spike.plant, spike.owed, spike.rungs_left) == (ladder[1], (0.03,), 0)
    assert spike.planted.without.tolist() == [0, 2, 1, 3, 4, 5]
    assert spike.planted.with_edit.tolist() == [10, 12, 11, 13, 14, 15]
    assert spike.sham.with_edit.tolist() == [110, 112, 111, 113, 114, 115]
    assert spike.sham.edited.tolist() == list(edited.sham)


def test_images_of_a_subject_are_averaged(bare):
    spike = SpikeIn(
        SpikeTrial(np.array([True, True, False, True, True]), np.arange(5.0), np.arange(5.0) + 10),
        SpikeTrial(np.zeros(5, dtype=bool), -np.arange(5.0), np.arange(5.0)),
    )
    units = Units(np.array([0, 0, 1, 2, 2]), np.array([0, 2, 3]))
    own = SpikeIns().per_subject(replace(bare, spike=spike), units)["spike"]
    assert own.planted.edited.tolist() == [True, False, True]
    assert own.planted.without.tolist() == [0.5, 2, 3.5]
    assert own.sham.with_edit.tolist() == [0.5, 2, 3.5]
    assert SpikeIns().per_subject(bare, units) == {}
