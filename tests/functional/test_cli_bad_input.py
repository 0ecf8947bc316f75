"""Faults of the user: one line each, exit 3, nothing written, never a traceback."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

SHAPE = (8, 9, 7)
PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  label: {column: label, positive: ms, negative: healthy}
  origins: [origin]
  min_origin_size: 2
folds: {n: 2}
target: {training: {epochs: 1}}
statistics: {n_permutations: 99, n_bootstraps: 99}
attribution: {max_subjects: 4, steps: 2, max_steps: 2}
"""


def write_image(path: Path, data: np.ndarray, shift: float = 0.0) -> None:
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[0, 3] = shift
    nibabel.save(nibabel.Nifti1Image(data.astype(np.float32), affine), path)


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """Twelve small sound images in two classes and two origins."""
    chance = np.random.default_rng(1)
    rows = ["subject\timage\tmask\tlabel\torigin"]
    for index in range(12):
        data = np.zeros(SHAPE)
        data[2:6, 2:7, 2:5] = 1 + chance.random((4, 5, 3))
        write_image(tmp_path / f"{index}.nii.gz", data)
        mask = ""
        if index % 2:
            lesion = np.zeros(SHAPE)
            lesion[3:5, 3:5, 3] = 1
            mask = f"{index}-mask.nii.gz"
            write_image(tmp_path / mask, lesion)
        rows.append(f"s{index}\t{index}.nii.gz\t{mask}\t{'ms' if index % 2 else 'healthy'}\t{'ab'[index % 4 // 2]}")
    (tmp_path / "table.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    return tmp_path


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def shrink_healthy(cohort: Path, folds: str) -> None:
    replace_in(cohort / "protocol.yaml", "n: 2}", folds)
    replace_in(cohort / "table.tsv", "4.nii.gz\t\thealthy", "4.nii.gz\t\tms")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def spoil(path: Path, value: float) -> None:
    data = np.zeros(SHAPE)
    if value:
        data[:] = 1
        data[3, 3, 3] = value
    write_image(path, data)


CASES = {
    "missing file": (lambda c: (c / "3.nii.gz").unlink(), "table.tsv:5", "3.nii.gz"),
    "truncated gzip": (lambda c: truncate(c / "3.nii.gz"), "table.tsv:5", "3.nii.gz"),
    "not an image": (lambda c: (c / "3.nii.gz").write_bytes(gzip.compress(b"hello")), "table.tsv:5", "3.nii.gz"),
    "NaN": (lambda c: spoil(c / "3.nii.gz", np.nan), "table.tsv:5", "NaN"),
    "values beyond 32 bits": (lambda c: spoil(c / "3.nii.gz", 1e37), "table.tsv:5", "values up to 1e+37"),
    "all zero": (lambda c: spoil(c / "3.nii.gz", 0.0), "table.tsv:5", "every voxel is 0"),
    "mask of another shape": (lambda c: write_image(c / "3-mask.nii.gz", np.ones((4, 4, 4))), "table.tsv:5", "shape"),
    "mask on another grid": (
        lambda c: write_image(c / "3-mask.nii.gz", np.eye(8, 9)[:, :, None] * np.eye(7)[3], shift=8.0),
        "table.tsv:5",
        "grid",
    ),
    "mask of scores": (
        lambda c: write_image(c / "3-mask.nii.gz", np.eye(9)[:8, :, None].repeat(7, 2) - 0.5),
        "table.tsv:5",
        "3-mask.nii.gz: mask with values from -0.5 to 0.5",
    ),
    "mask of the whole brain": (
        lambda c: write_image(c / "3-mask.nii.gz", np.ones(SHAPE)),
        "table.tsv:5",
        "3-mask.nii.gz: the pathology mask covers 100% of the brain",
    ),
    "unknown label": (lambda c: replace_in(c / "table.tsv", "3-mask.nii.gz\tms", "\tsick"), "table.tsv:5", "'sick'"),
    "class smaller than folds": (lambda c: shrink_healthy(c, "n: 6}"), "folds", "healthy' has 5 subjects"),
    "same subject under two labels": (lambda c: replace_in(c / "table.tsv", "s3\t", "s2\t"), "table.tsv:5", "s2"),
    "duplicate rows": (
        lambda c: replace_in(c / "table.tsv", "s4\t4.nii.gz", "s2\t2.nii.gz"),
        "table.tsv:6",
        "repeats",
    ),
    "empty table": (lambda c: (c / "table.tsv").write_text(""), "table.tsv:1", "no rows"),
    "table without rows": (lambda c: (c / "table.tsv").write_text("subject\timage\tlabel\torigin\n"), "table.tsv", ""),
    "wrong column name": (
        lambda c: replace_in(c / "table.tsv", "\tlabel\t", "\tlable\t"),
        "table.tsv:1",
        "did you mean 'lable'",
    ),
    "missing table": (lambda c: (c / "table.tsv").unlink(), "table.tsv", "no such"),
    "misspelt key": (lambda c: replace_in(c / "protocol.yaml", "folds:", "fold:"), "protocol.yaml:7", "did you mean"),
    "protocol that is no text": (
        lambda c: (c / "protocol.yaml").write_bytes(b"\x80cohort:"),
        "protocol.yaml",
        "not UTF-8 text (byte 0x80)",
    ),
    "not YAML": (lambda c: (c / "protocol.yaml").write_text("cohort: ["), "protocol.yaml:1", "not valid YAML"),
    "unknown representation": (
        lambda c: replace_in(c / "protocol.yaml", "folds:", "arms: [intensty]\nfolds:"),
        "protocol",
        "did you mean 'intensity'",
    ),
    "unknown network": (
        lambda c: replace_in(c / "protocol.yaml", "target: {", "target: {network: cn, "),
        "protocol",
        "did you mean 'cnn'",
    ),
    "network module that is not there": (
        lambda c: replace_in(c / "protocol.yaml", "target: {", "target: {network: 'nowhere:build', "),
        "protocol",
        "cannot import",
    ),
    "code in the row filter": (
        lambda c: replace_in(
            c / "protocol.yaml", "  min_origin", "  select: __import__('os').system('x')\n  min_origin"
        ),
        "",
        "select",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_one_line_and_nothing_is_written(name, cohort, biasaudit_here):
    spoiling, place, words = CASES[name]
    spoiling(cohort)
    done = biasaudit_here("run", cohort / "protocol.yaml", "-o", cohort / "out", "--engine", "local")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert place in lines[0]
    assert words in lines[0]
    assert not (cohort / "out").exists()


def test_all_faults_are_reported_at_once(cohort, biasaudit_here):
    (cohort / "3.nii.gz").unlink()
    truncate(cohort / "5.nii.gz")
    spoil(cohort / "6.nii.gz", np.nan)
    done = biasaudit_here("validate", cohort / "protocol.yaml")
    assert done.returncode == 3
    assert [line.split(": ")[0].rsplit(":")[-1] for line in done.stderr.strip().splitlines()] == ["5", "7", "8"]


def test_a_single_origin_is_no_error(cohort, biasaudit_here):
    text = (cohort / "table.tsv").read_text().replace("\tb\n", "\ta\n")
    (cohort / "table.tsv").write_text(text)
    done = biasaudit_here("run", cohort / "protocol.yaml", "-o", cohort / "out", "--engine", "local")
    assert done.returncode == 0, done.stderr
    assert "UNDETERMINED" in done.stdout


def test_known_subjects_are_predicted_by_the_fold_that_held_them_out(cohort, biasaudit_here, biasaudit):
    replace_in(cohort / "protocol.yaml", "folds:", "checks: [D1, G1, U1]\nlearned: {enabled: false}\nfolds:")
    done = biasaudit_here("run", cohort / "protocol.yaml", "-o", cohort / "out", "--engine", "local")
    assert done.returncode == 0, done.stderr
    (cohort / "new.tsv").write_text("subject\timage\ns3\t3.nii.gz\nnew\t4.nii.gz\n")
    done = biasaudit("predict", cohort / "out", cohort / "new.tsv")
    assert done.returncode == 0, done.stderr
    header, known, new = (line.split("\t") for line in done.stdout.splitlines())
    assert header == ["image", "subject", "arm", "fold", "logit"]
    scores = (cohort / "out" / "tables" / "scores.tsv").read_text().splitlines()
    columns = scores[0].split("\t")
    held_out = next(
        row
        for row in (dict(zip(columns, line.split("\t"), strict=True)) for line in scores[1:])
        if row["subject"] == "s3" and row["question"] == "target" and row["input"] == row["variant"] == "original"
    )
    assert known[:4] == ["3.nii.gz", "s3", "intensity", held_out["fold"]]
    assert float(known[4]) == pytest.approx(float(held_out["logit"]), abs=1e-4)
    assert new[:4] == ["4.nii.gz", "new", "intensity", "mean"]


@pytest.mark.parametrize("words", [("run",), ("frobnicate",), ("gate", "nowhere"), ("run", "x.yaml", "--workers", "0")])
def test_usage_errors_exit_2(words, biasaudit, tmp_path):
    done = biasaudit(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
