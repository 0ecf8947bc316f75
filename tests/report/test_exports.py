"""Files for other programs and for papers: written, well-formed, in the words of what was audited, and inert."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from markup_of_papers import bibtex_entries, cite_keys, latex_faults

from biasaudit.report.checklists import answers
from biasaudit.report.exports import CHECKLISTS, METHODS_BIB, METHODS_TEX, METHODS_TEXT, exports
from biasaudit.report.methods import methods, references
from biasaudit.report.render import write_report
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.reading import RunRecords, load_run
from biasaudit.run_folder.schema import AUDIT_SCHEMA, audit_schema
from biasaudit.run_folder.tsv import read_tsv

Make = Callable[..., Path]
HOSTILE = r"\input{x} 50 % & #1_$y^2$ {z} ~ 病院 <script>"


@pytest.fixture
def records(make_run: Make) -> RunRecords:
    return load_run(make_run(regime="nested", n=24))


def text(records: RunRecords, name: str) -> str:
    return exports(records)[name].decode()


def test_they_are_files_of_the_report(make_run: Make) -> None:
    run = make_run(n=24)
    write_report(run)
    owned = OwnedFiles(run).parts()["report"]
    for name in (METHODS_TEXT, METHODS_TEX, METHODS_BIB, CHECKLISTS, AUDIT_SCHEMA):
        assert name in owned
        assert (run / name).read_bytes() == exports(load_run(run))[name]
    assert json.loads((run / AUDIT_SCHEMA).read_text()) == audit_schema()


def test_the_text_is_that_of_the_report_and_fits_a_screen(records: RunRecords) -> None:
    shown = text(records, METHODS_TEXT)
    assert max(map(len, shown.splitlines())) <= 100
    words = shown.split()
    for part in (*methods(records), *references(records)):
        assert " ".join(part.split()) in " ".join(words)


def test_latex_compiles_and_cites_what_the_bibliography_holds(records: RunRecords) -> None:
    tex = text(records, METHODS_TEX)
    assert latex_faults(tex) == []
    works = bibtex_entries(text(records, METHODS_BIB))
    assert set(cite_keys(tex)) == set(works)
    assert len(works) == len(references(records))
    assert r"\bibliography{methods}" in tex


def test_names_are_only_text(records: RunRecords) -> None:
    records.audit["name"] = HOSTILE
    records.audit["cohort"]["classes"] = {HOSTILE: 12, "ms": 12}
    records.audit["arms"][0]["name"] = HOSTILE
    tex = text(records, METHODS_TEX)
    assert latex_faults(tex) == []
    assert r"\textbackslash{}input\{x\}" in tex
    assert r"\DeclareUnicodeCharacter{75C5}" in tex


def test_checklists_are_a_table_that_no_spreadsheet_computes(records: RunRecords, tmp_path: Path) -> None:
    records.audit["arms"][0]["findings"] += [{"code": "D3", "status": "clear", "reason": "=cmd()"}]
    (tmp_path / "table.tsv").write_bytes(exports(records)[CHECKLISTS])
    table = read_tsv(tmp_path / "table.tsv")
    assert list(table["text"]) == [each.text for each in answers(records)]
    assert not any(line.startswith("=") for line in (tmp_path / "table.tsv").read_text().split("\t"))


def test_of_pictures_they_speak_of_pixels(records: RunRecords) -> None:
    records.findings.loc[0, "code"] = "G2"
    records.findings.loc[0, "status"] = "clear"
    assert "relevant voxels" in " ".join(text(records, METHODS_TEXT).split())
    records.audit["cohort"]["grid"] = {"shape": [8, 8], "affine": None}
    for name in (METHODS_TEXT, METHODS_TEX):
        assert "relevant pixels" in " ".join(text(records, name).split())


def test_of_pictures_without_anatomy_the_background_is_the_frame(records: RunRecords) -> None:
    framed = "foreground of 9 images: the central 75 %; the background is the outer frame"
    records.audit["notes"] = [framed]
    shown = " ".join(text(records, METHODS_TEXT).split())
    assert "reduced inputs (the outer frame of the pictures alone, " in shown


def test_of_features_they_speak_of_no_image(records: RunRecords) -> None:
    own = records.audit["settings"]
    records.audit["settings"] = {**own, "cohort": {"features": ["a"]}}
    asked = records.findings.assign(
        code=["D3", "A1"] * (len(records.findings) // 2) + ["D3"] * (len(records.findings) % 2)
    )
    shown = " ".join(text(replace(records, findings=asked.assign(status="clear")), METHODS_TEXT).split())
    assert "image" not in shown.partition("References")[0]
