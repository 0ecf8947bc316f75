from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.conftest import plant

from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.held_out import write_rows
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.records import ArmEvidence


@pytest.fixture
def scored(tmp_path):
    """Write held-out logits of one fold and return their folder."""

    def write(values, rows, variant: str = "original"):
        folder = tmp_path / f"score{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        write_rows(folder, rows)
        np.save(folder / f"logits-{variant}.npy", np.asarray(values, dtype=float)[:, None])
        return folder

    return write


@pytest.fixture
def rows() -> Rows:
    """Six images of two classes at two origins."""
    positive = (False, True) * 3
    contrast = Contrast(None, 1, ("healthy", "ms"), positive)
    return Rows(contrast, np.where(positive, "ms", "healthy"), np.array(["a", "a", "a", "b", "b", "b"]))


@pytest.fixture
def bare() -> ArmEvidence:
    """Evidence of the table alone."""
    return replace(plant(n=6), logit=np.empty(0))
