"""A module that the user's own file imports is part of the job: when it changes, the job is computed again."""

from __future__ import annotations

import sys
from typing import NamedTuple

import pytest

from biasaudit.engine.audit import Options, run_audit
from biasaudit.protocol import parse_protocol

PROTOCOL = """\
cohort:
  reader: phantom
  phantom: {n: 16, design: crossed, patient_sites: 2, spacing: 8.0, lesion_load: 4, truth_subjects: 0}
arms: [intensity]
target:
  network: own.py:network
  training: {epochs: 1}
folds: {n: 2}
checks: [D1, G1, U1]
statistics: {n_permutations: 99, n_bootstraps: 99}
"""
OWN = """\
from shared_blocks.pooled import pooled
from torch import nn

def network(in_channels, out_channels):
    return nn.Sequential(pooled(), nn.Flatten(), nn.Linear(in_channels * 8, out_channels))
"""
POOLED = """\
from torch import nn
from .sizes import SIZE

def pooled():
    return nn.AdaptiveAvgPool3d(SIZE) if SIZE == 2 else nn.Sequential(nn.AdaptiveAvgPool3d(2), nn.Tanh())
"""


class Audited(NamedTuple):
    """How many jobs were computed and networks trained that were not there before, and the held-out scores."""

    computed: int
    trained: int
    scores: str


@pytest.fixture
def audited(tmp_path, monkeypatch):
    """Run the audit in the same folder."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    blocks = tmp_path / "shared_blocks"
    blocks.mkdir()
    (tmp_path / "own.py").write_text(OWN)
    (blocks / "__init__.py").write_text("")
    (blocks / "pooled.py").write_text(POOLED)
    (blocks / "sizes.py").write_text("SIZE = 2\n")

    def run():
        before = set((tmp_path / "out" / "jobs").glob("*/done"))
        run_audit(parse_protocol(PROTOCOL, tmp_path / "protocol.yaml"), tmp_path / "out", Options())
        scores = tmp_path / "out" / "tables" / "scores.tsv"
        new = [path.parent for path in set((tmp_path / "out" / "jobs").glob("*/done")) - before]
        return Audited(len(new), sum((job / "model.safetensors").exists() for job in new), scores.read_text())

    yield run
    for name in [name for name in sys.modules if name.startswith("shared_blocks")]:
        del sys.modules[name]


@pytest.mark.slow
def test_a_changed_helper_trains_again(audited, tmp_path):
    first = audited()
    assert first.trained == 2
    assert audited() == Audited(computed=0, trained=0, scores=first.scores)

    (tmp_path / "shared_blocks" / "unused.py").write_text("SIZE = 3\n")
    assert audited() == Audited(computed=0, trained=0, scores=first.scores)

    (tmp_path / "shared_blocks" / "sizes.py").write_text("SIZE = 1  # and a Tanh\n")
    changed = audited()
    assert changed.trained == first.trained
    assert changed.scores != first.scores
