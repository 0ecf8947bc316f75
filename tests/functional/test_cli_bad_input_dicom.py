"""Faults in DICOM files: one line each with the file and the remedy, exit 3, never a traceback."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import write_dicom

pytest.importorskip("pydicom")

PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  label: {column: label, positive: ill, negative: well}
  origins: [site]
  min_origin_size: 2
folds: {n: 2}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ["subject\timage\tlabel\tsite"]
    for index in range(8):
        write_dicom(tmp_path / f"{index}.dcm", picture(index))
        rows.append(f"s{index}\t{index}.dcm\t{'ill' if index % 2 else 'well'}\t{'ab'[index % 4 // 2]}")
    (tmp_path / "table.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    return tmp_path


def picture(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 4096, (8, 8))


CASES = {
    "several frames": ({"NumberOfFrames": 2, "PixelData": bytes(256)}, "2 frames, expected one; convert the series"),
    "colour": ({"PhotometricInterpretation": "RGB"}, "RGB pixels of 1 samples, expected 3"),
    "no pixels": ({"PixelData": None}, "a DICOM file without pixels"),
    "no size": ({"Rows": None}, "a DICOM file without Rows; replace it or drop the row"),
    "too few pixels": (
        {"PixelData": bytes(8)},
        "a DICOM file whose pixel data hold 8 bytes, whereas its header declares 128",
    ),
    "one value": ({"PixelData": bytes(128)}, "every pixel is 0"),
}


@pytest.mark.parametrize(("fields", "message"), CASES.values(), ids=CASES)
def test_named_with_its_line(biasaudit_here, folder, fields, message):
    write_dicom(folder / "3.dcm", picture(3), **fields)
    checked = biasaudit_here("validate", folder / "protocol.yaml")
    assert checked.returncode == 3
    assert f"table.tsv:5: {folder / '3.dcm'}: " in checked.stderr
    assert message in checked.stderr
    assert checked.stderr.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"no image", bytes(132)], ids=["empty", "text", "zeros"])
def test_damaged(biasaudit_here, folder, content):
    (folder / "3.dcm").write_bytes(content)
    checked = biasaudit_here("validate", folder / "protocol.yaml")
    assert checked.returncode == 3
    assert "table.tsv:5: " in checked.stderr
    assert checked.stderr.count("\n") == 1


def test_all_at_once(biasaudit_here, folder):
    write_dicom(folder / "3.dcm", picture(3), NumberOfFrames=2, PixelData=bytes(256))
    (folder / "4.dcm").unlink()
    (folder / "5.dcm").write_bytes(b"no image")
    checked = biasaudit_here("validate", folder / "protocol.yaml")
    assert sorted(line.split(": ")[0].rsplit("/", 1)[-1] for line in checked.stderr.splitlines()) == [
        "table.tsv:5",
        "table.tsv:6",
        "table.tsv:7",
    ]
