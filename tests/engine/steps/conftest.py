"""Simulated images as the step `read` leaves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biasaudit.cohort.readers.phantom import PhantomReader
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.protocol import GridSettings, PhantomCohort
from biasaudit.records import Volume


@pytest.fixture
def read_blocks() -> Callable[[Path, list[Volume]], list[Path]]:
    return _read_blocks


def _read_blocks(folder: Path, volumes: list[Volume]) -> list[Path]:
    """Write volumes as `read` does, in two blocks."""
    found = []
    for number, own in enumerate((volumes[:5], volumes[5:])):
        path = folder / f"block{number}"
        path.mkdir()
        save_stack(path / "image.npz", np.stack([volume.image for volume in own]))
        save_stack(path / "foreground.npz", np.stack([volume.foreground for volume in own]))
        save_stack(path / "mask.npz", np.stack([volume.mask for volume in own]))
        found.append(path)
    return found


@pytest.fixture(scope="session")
def rendered():
    """Render 24 subjects, the first four also at another site."""
    settings = PhantomCohort.model_validate({"reader": "phantom", "phantom": {"n": 24, "design": "crossed"}})
    reader = PhantomReader()
    cohort = reader.read(settings)
    grid = reader.grid(cohort, GridSettings())
    sites = sorted({str(sample.simulation["site"]) for sample in cohort.samples})
    again = [
        replace(
            sample, simulation={**sample.simulation, "site": sites[1 - sites.index(str(sample.simulation["site"]))]}
        )
        for sample in cohort.samples[:4]
    ]
    samples = [*cohort.samples, *again]
    return [reader.load(sample, grid, "auto") for sample in samples], [str(s.simulation["site"]) for s in samples]
