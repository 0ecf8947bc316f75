"""A disease field that does not fit the cohort is refused, every fault at once, before anything is computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biasaudit.engine.validation.field import require_field
from biasaudit.engine.validation.situate import situate
from biasaudit.errors import InputError
from biasaudit.protocol import load_protocol, parse_protocol
from biasaudit.records import Cohort, Grid

COUNT = 12
PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  label: {{column: label, positive: ill, negative: healthy}}
  origins: [site]
  min_origin_size: 1
  field: {field}
folds: {{n: 2}}
"""


def picture(path: Path, values: np.ndarray) -> None:
    Image.fromarray(values.astype(np.uint8)).save(path)


def box(low: int, high: int, shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    mask = np.zeros(shape)
    mask[low:high, low:high] = 255
    return mask


@pytest.fixture
def cohort(tmp_path):
    """Twelve pictures of 64 x 64 with a mask and a field for each; returns what a protocol with that field says."""
    chance, lines = np.random.default_rng(0), ["subject\timage\tmask\tfield\tlabel\tsite"]
    for row in range(COUNT):
        picture(tmp_path / f"{row}.png", chance.uniform(0, 255, (64, 64)))
        picture(tmp_path / f"mask{row}.png", box(24, 40))
        picture(tmp_path / f"field{row}.png", box(12, 52))
        label = "ill" if row % 2 else "healthy"
        lines.append(f"s{row}\t{row}.png\tmask{row}.png\tfield{row}.png\t{label}\t{'ab'[row % 2]}")
    (tmp_path / "table.tsv").write_text("\n".join(lines) + "\n")

    def said(field: str, **changes: str) -> list[str]:
        text = PROTOCOL.format(field=field)
        for old, new in changes.items():
            text = text.replace(old, new)
        (tmp_path / "protocol.yaml").write_text(text)
        try:
            situate(load_protocol(tmp_path / "protocol.yaml"))
        except InputError as error:
            return [str(fault) for fault in error.faults]
        return []

    return tmp_path, said


@pytest.mark.parametrize("field", ["null", "centre", "foreground", "shared.png", "{column: field}"])
def test_fields_that_fit(cohort, field):
    folder, said = cohort
    picture(folder / "shared.png", box(10, 50))
    assert said(field) == []


def test_missing_files_and_columns(cohort):
    _, said = cohort
    (fault,) = said("gone.png")
    assert fault.startswith("cohort.field: ")
    assert "gone.png: no such file" in fault
    (fault,) = said("{column: fields}")
    assert "fields" in fault
    assert "table.tsv" in fault


def test_an_empty_cell(cohort):
    folder, said = cohort
    table = (folder / "table.tsv").read_text().replace("field3.png", "")
    (folder / "table.tsv").write_text(table)
    (fault,) = said("{column: field}")
    assert "column 'field' is empty" in fault
    assert "table.tsv:5" in fault


@pytest.mark.parametrize(
    ("mask", "word"),
    [
        (np.zeros((64, 64)), "the field is empty"),
        (np.where(np.arange(64)[:, None] > 1, 255, 0) * np.ones((64, 64)), "leaves 3.1% of the image"),
        (np.full((64, 64), 255), "leaves 0.0% of the image"),
        (box(12, 52, (64, 80)), "another aspect"),
    ],
)
def test_a_shared_field_is_refused_once(cohort, mask, word):
    folder, said = cohort
    picture(folder / "shared.png", mask)
    faults = [fault for fault in said("shared.png") if "pathology mask" not in fault]
    assert len(faults) == 1
    assert word in faults[0]


def test_fields_that_cut_masks_are_named_all_at_once(cohort):
    folder, said = cohort
    for row in (1, 5):
        picture(folder / f"field{row}.png", box(12, 36))
    picture(folder / "field7.png", np.zeros((64, 64)))
    faults = said("{column: field}")
    assert len(faults) == 4
    assert "s1: 112 of the 256 pixels of its pathology mask lie outside of the field" in faults[0]
    assert "2 pixels inside" in faults[0]
    assert "table.tsv:3" in faults[0]
    assert any("s5: " in fault for fault in faults)
    assert any("the field is empty" in fault and "table.tsv:9" in fault for fault in faults)


def test_labels_that_an_atlas_lacks(cohort):
    folder, said = cohort
    picture(folder / "atlas.png", box(10, 50) / 255 * 3)
    assert said("{atlas: atlas.png, labels: [3]}") == []
    (fault,) = said("{atlas: atlas.png, labels: [3, 4]}")
    assert "no region 4" in fault


@pytest.mark.parametrize(
    ("reader", "word"),
    [("{reader: bids, roots: [x], label: {positive: ill}, field: {column: field}}", "the reader `table`")],
)
def test_a_column_is_of_tables_alone(cohort, reader, word):
    folder, _ = cohort
    protocol = parse_protocol(f"cohort: {reader}\n", folder / "p.yaml")
    with pytest.raises(InputError, match=word):
        require_field(protocol, Cohort((), ("healthy", "ill"), ("dataset",), 3, 1), Grid((8, 8, 8)), None)


def test_features_have_no_field(cohort):
    folder, said = cohort
    lines = ["subject\tlabel\tsite\ta\tb"]
    lines += [f"s{row}\t{'ill' if row % 2 else 'healthy'}\tx\t{row}\t{-row}" for row in range(COUNT)]
    (folder / "table.tsv").write_text("\n".join(lines) + "\n")
    (fault,) = said("centre", **{"  origins:": "  features: [a, b]\n  origins:"})
    assert "there are no images" in fault


def test_simulated_masks_are_checked_too(tmp_path):
    picture(tmp_path / "flat.png", box(10, 50))
    text = "cohort: {reader: phantom, phantom: {n: 8}, field: FIELD}\nfolds: {n: 2}\n"
    (tmp_path / "p.yaml").write_text(text.replace("FIELD", "foreground"))
    with pytest.raises(InputError) as error:
        situate(load_protocol(tmp_path / "p.yaml"))
    assert len(error.value.faults) == 8
    assert all("leaves 0.0% of the image" in str(fault) for fault in error.value.faults)
    (tmp_path / "p.yaml").write_text(text.replace("FIELD", "centre"))
    with pytest.raises(InputError, match=r"sub-0002: \d+ of the \d+ voxels of its pathology mask lie outside"):
        situate(load_protocol(tmp_path / "p.yaml"))
