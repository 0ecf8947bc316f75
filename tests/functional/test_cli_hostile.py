"""What is no regular file, or holds nothing of use, wherever a file can be named: lines, and nobody waits."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import nibabel
import numpy as np
import pytest

KINDS = ("pipe", "zero", "folder", "loop", "empty", "junk", "none", "x" * 300)
PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  label: {column: label, positive: ill, negative: well}
  origins: [site]
  min_origin_size: 2
target:
  network_arguments: {widths: [4]}
arms: [intensity]
folds: {n: 2}
checks: [D1, G1]
"""
TABLE, TARGET = "table: table.tsv", "target:\n"
KEYS = {
    "cohort.table": (TABLE, "table: {}.tsv"),
    "cohort.predictions": (TABLE, TABLE + "\n  predictions: {}.tsv"),
    "cohort.probes.table": (TABLE, TABLE + "\n  probes: {{table: {}.tsv}}"),
    "cohort.field.mask": (TABLE, TABLE + "\n  field: {}.nii"),
    "cohort.field.atlas": (TABLE, TABLE + "\n  field: {{atlas: {}.nii, labels: [1]}}"),
    "grid.reference": (TARGET, "grid: {{reference: {}.nii}}\ntarget:\n"),
    "attribution.atlas": (TARGET, "attribution: {{atlas: {}.nii, method: region_ablation}}\ntarget:\n"),
    "target.weights": (TARGET, "target:\n  weights: {}.pt\n  training_subjects: empty.txt\n"),
    "safetensors": (TARGET, "target:\n  weights: {}.safetensors\n  training_subjects: empty.txt\n"),
    "target.training_subjects": (TARGET, "target:\n  weights: junk.pt\n  training_subjects: {}.txt\n"),
    "target.network": (TARGET, "target:\n  network: {}.py:net\n"),
}


class Waited(Exception):
    pass


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of every kind and extension, and a sound cohort."""
    folder = tmp_path_factory.mktemp("hostile")
    for extension in (
        ".nii",
        ".tsv",
        ".pt",
        ".safetensors",
        ".txt",
        ".yaml",
        ".npy",
        ".png",
        ".dcm",
        ".mgz",
        ".py",
        "",
    ):
        os.mkfifo(folder / f"pipe{extension}")
        (folder / f"zero{extension}").symlink_to("/dev/zero")
        (folder / f"folder{extension}").mkdir()
        (folder / f"loop{extension}").symlink_to(f"loop{extension}")
        (folder / f"empty{extension}").touch()
        (folder / f"junk{extension}").write_bytes(bytes(range(256)) * 40)
    rows = ["subject\timage\tlabel\tsite"]
    for number in range(8):
        values = np.random.default_rng(number).normal(100, 9, (8, 8, 8)).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(values, np.diag([4.0, 4, 4, 1])), folder / f"{number}.nii")
        rows.append(f"s{number}\t{number}.nii\t{('well', 'ill')[number % 2]}\t{'ab'[number // 2 % 2]}")
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    (folder / "protocol.yaml").write_text(PROTOCOL)
    return folder


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Give up on a command that waits for somebody to write into a pipe."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise Waited

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def refused(done, codes=(2, 3)) -> None:
    assert done.returncode in codes, done.stderr
    assert done.stderr.strip()
    assert max(map(len, done.stderr.splitlines())) < 1500


@pytest.mark.parametrize("key", KEYS)
def test_wherever_the_protocol_names_a_file(biasaudit_here: Callable, odd: Path, key: str) -> None:
    before, after = KEYS[key]
    for kind in KINDS:
        if (key, kind) == ("target.training_subjects", "empty"):
            continue  # a network that has seen nobody
        (odd / "changed.yaml").write_text(PROTOCOL.replace(before, after.format(kind), 1))
        refused(biasaudit_here("validate", odd / "changed.yaml"))


@pytest.mark.parametrize("extension", [".nii", ".npy", ".png", ".dcm", ".mgz"])
def test_wherever_a_table_names_an_image(biasaudit_here: Callable, odd: Path, extension: str) -> None:
    rows = (odd / "table.tsv").read_text()
    (odd / "images.yaml").write_text(PROTOCOL.replace(TABLE, "table: images.tsv"))
    for kind in KINDS:
        for cell in ("0.nii", "5.nii"):
            (odd / "images.tsv").write_text(rows.replace(f"\t{cell}", f"\t{kind}{extension}", 1))
            refused(biasaudit_here("validate", odd / "images.yaml"))
        refused(biasaudit_here("init", odd / "images.tsv", "-o", odd / "drafted.yaml", "--force"))


@pytest.mark.parametrize("kind", KINDS)
def test_wherever_a_command_names_a_file(biasaudit_here: Callable, odd: Path, kind: str) -> None:
    run, table = odd / kind, odd / "table.tsv"
    for words in (
        ("validate", odd / f"{kind}.yaml"),
        ("run", odd / f"{kind}.yaml", "-o", odd / "out"),
        ("init", odd / f"{kind}.tsv", "-o", odd / "drafted.yaml", "--force"),
        ("init", "--bids", run, "-o", odd / "drafted.yaml", "--force"),
        ("gate", run),
        ("report", run),
        ("verify", run),
        ("compare", run, run),
        ("predict", run, table),
        ("probe", run, table),
        ("explain", run, "-o", odd / "explained"),
        ("explain", table, "--network", "cnn", "--weights", odd / f"{kind}.pt", "-o", odd / "explained"),
    ):
        refused(biasaudit_here(*words), (2, 3, 4))
    shutil.rmtree(odd / "explained", ignore_errors=True)
