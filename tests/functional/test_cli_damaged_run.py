"""Stored files that hold something else, in a run of a version that kept no checksums: lines, never a traceback."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

OTHER = {
    "an object": b'{"a": 1}',
    "null": b"null",
    "a list": b"[1]",
    "without end": b"[" * 100_000,
    "half": None,
    "nothing": b"",
    "no text": bytes(range(256)),
}
READ = {
    "audit.json": ("gate", "report", "compare", "predict", "verify"),
    "protocol.yaml": ("predict",),
    "code.json": ("predict",),
    "tables/subjects.tsv": ("predict", "compare", "report"),
    "tables/scores.tsv": ("compare", "report"),
    "models/index.json": ("predict",),
    "models/{model}.json": ("predict",),
    "models/{model}.safetensors": ("predict",),
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).normal(100, 9, (20, 20, 20)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([8.0, 8, 8, 1])), tmp_path / "new.nii")
    (tmp_path / "new.tsv").write_text("subject\timage\nx\tnew.nii\n")
    return tmp_path / "new.tsv"


@pytest.mark.parametrize(("name", "command"), [(name, each) for name, commands in READ.items() for each in commands])
def test_other_content(
    biasaudit_here: Callable, finished_run: Path, tmp_path: Path, table: Path, name: str, command: str
) -> None:
    model = min((finished_run / "models").glob("*.safetensors")).stem
    for content in OTHER.values():
        run = tmp_path / "run"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(finished_run, run, ignore=shutil.ignore_patterns("jobs", "checksums*"))
        path = run / name.format(model=model)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
        words = {"compare": (run, finished_run), "predict": (run, table)}.get(command, (run,))
        done = biasaudit_here(command, *words)
        assert done.returncode in (0, 1, 2, 3, 4)
        assert done.returncode < 2 or done.stderr.strip()
        assert done.returncode >= 2 or not name.startswith(("models/", "audit"))
