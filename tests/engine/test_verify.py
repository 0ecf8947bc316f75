"""Inputs of a run that have changed, gone or come; what is stored is tested through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from biasaudit.cohort.images.inspection import inspect_files
from biasaudit.engine.named_inputs import hashes_of_named
from biasaudit.engine.verify import verify
from biasaudit.errors import DataError, IncompleteError, UsageError
from biasaudit.protocol import dump_protocol, parse_protocol
from biasaudit.registry import get
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.place import mark

PROTOCOL = """\
cohort: {reader: table, table: table.tsv, label: {positive: ms, negative: hc}, origins: [site], min_origin_size: 1}
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return written(tmp_path)


def written(tmp_path: Path, more: str = "") -> Path:
    """Write four images, a table, and the folder of a run that has read them, with more settings of the cohort."""
    rows = ["subject\timage\tlabel\tsite"]
    for number in range(4):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).normal(1, 1, (6, 6, 6)).astype(np.float32))
        rows.append(f"s{number}\t{number}.npy\t{'ms' if number % 2 else 'hc'}\t{'ab'[number // 2]}")
    (tmp_path / "table.tsv").write_text("\n".join(rows) + "\n")
    protocol = parse_protocol(PROTOCOL.replace("size: 1", f"size: 1{more}"), tmp_path / "protocol.yaml")
    cohort = get("reader", "table")().read(protocol.cohort)
    facts = {path: fact.to_dict() for path, fact in inspect_files(cohort, protocol.grid, {}).facts.items()}
    mark(tmp_path / "run", "run")
    owned = OwnedFiles(tmp_path / "run")
    setup = {"protocol.yaml": dump_protocol(protocol)}
    setup |= {"files.json": json.dumps(facts), "inputs.json": json.dumps(hashes_of_named(protocol))}
    owned.write("setup", {name: text.encode() for name, text in setup.items()})
    owned.write("results", {"audit.json": b"{}"})
    return tmp_path


def said(study: Path) -> list[str]:
    with pytest.raises(DataError) as error:
        verify(study / "run")
    return [str(fault).removeprefix(f"{study}/") for fault in error.value.faults]


def test_all_is_well(study):
    found = verify(study / "run")
    assert (found.files, found.jobs, found.inputs) == (4, 0, 5)


def test_probes_that_are_rows_of_the_table_itself_are_no_fault(tmp_path):
    run = written(tmp_path, ", probes: {where: \"subject == 's3'\", max_prevalence: 0.9}") / "run"
    assert (verify(run).files, verify(run).inputs) == (4, 5)


def test_an_image_of_the_same_size_and_time_is_another_one(study):
    np.save(study / "1.npy", np.zeros((6, 6, 6), np.float32))
    assert [line.split(";")[0] for line in said(study)] == [
        "1.npy: an input that has changed since the run read it (SHA-256 differs)"
    ]


def test_a_removed_image_is_named(study):
    (study / "1.npy").unlink()
    assert said(study)[0].startswith("1.npy: an input that is gone; put it back as it was")


def test_a_row_that_was_added_names_table_and_image(study):
    np.save(study / "4.npy", np.ones((6, 6, 6), np.float32))
    with (study / "table.tsv").open("a") as table:
        table.write("s4\t4.npy\tms\ta\n")
    first, second = said(study)
    assert first.startswith("table.tsv: an input that has changed")
    assert second.startswith("4.npy: was not there when the run read its input")


def test_a_table_that_is_gone_is_one_line(study):
    (study / "table.tsv").unlink()
    (line,) = said(study)
    assert line.startswith("table.tsv: an input that is gone")


def test_a_run_that_is_sound_but_not_finished_is_incomplete(study):
    OwnedFiles(study / "run").remove("results")
    with pytest.raises(IncompleteError, match="is not finished"):
        verify(study / "run")


def test_a_run_of_a_version_without_checksums_and_other_folders(tmp_path):
    with pytest.raises(UsageError, match="is no run"):
        verify(tmp_path)
    (tmp_path / "protocol.yaml").touch()
    (tmp_path / "files.json").touch()
    with pytest.raises(DataError, match="written by a version that kept no checksums; run the audit anew"):
        verify(tmp_path)


def test_a_report_that_marked_a_folder_does_not_make_it_sound(tmp_path):
    for name in ("protocol.yaml", "files.json", "audit.json"):
        (tmp_path / name).write_text("{}")
    mark(tmp_path, "run")
    OwnedFiles(tmp_path).write("report", {"report.html": b""})
    with pytest.raises(DataError, match="kept no checksums"):
        verify(tmp_path)
