"""The jobs of a calibration on own images: other images are other jobs; and what is told of where it ran."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from calibration.own.cohorts import write

from biasaudit.calibration.own.budget import Budget
from biasaudit.calibration.own.copies import FIRST, protocol_of
from biasaudit.calibration.own.original import original_of
from biasaudit.calibration.own.run import _without_folders, _Work
from biasaudit.engine.situation.identity import identity_of
from biasaudit.engine.validation.situate import situate
from biasaudit.protocol import load_protocol


def job_of(protocol: Path, out: Path) -> str:
    situation, _ = situate(load_protocol(protocol))
    work = _Work(original_of(situation), identity_of(situation), out, Budget(12), lambda done, total, job: None)
    return work._job(FIRST).key


def test_copies_of_images_that_changed_are_audited_again(tmp_path):
    protocol = write(tmp_path)
    before = job_of(protocol, tmp_path / "rates")
    assert job_of(protocol, tmp_path / "rates") == before
    first, last = tmp_path / "healthy-kyoto-0.png", tmp_path / "ms-lyon-0.png"
    first.write_bytes(last.read_bytes())
    assert job_of(protocol, tmp_path / "rates") != before


def test_the_command_is_told_without_folders():
    words = ["calibrate", "--cohort", "/home/me/p.yaml", "--out=/data/rates", "-o", "rates", "--budget=30min"]
    told = ["calibrate", "--cohort", "p.yaml", "--out=rates", "-o", "rates", "--budget=30min"]
    assert [_without_folders(word) for word in words] == told


def test_arms_that_cannot_be_balanced_in_a_copy_are_left_out_of_it(tmp_path):
    cells = (("healthy", "kyoto", 20), ("healthy", "lyon", 20), ("ms", "kyoto", 12), ("ms", "lyon", 12))
    balanced = {"name": "balanced", "representation": "intensity", "training": "balanced"}
    situation, _ = situate(load_protocol(write(tmp_path, cells, arms=["intensity", balanced])))
    original = original_of(situation)
    for confounding, arms in ((0.0, ["intensity", "balanced"]), (0.95, ["intensity"])):
        protocol = protocol_of(replace(FIRST, confounding=confounding), original)
        assert [arm.name for arm in protocol.arms] == arms
