from __future__ import annotations

import json

import pytest

from biasaudit.report.render import html_page
from biasaudit.report.sections.provenance import Provenance
from biasaudit.run_folder.reading import load_run


def test_versions_and_hashes_are_named(make_run):
    run = make_run(n=24)
    audit = json.loads((run / "audit.json").read_text())
    audit["biasaudit"]["data_sha256"] = "5feceb66"
    audit["environment"] = {"python_version": "3.11"}
    (run / "audit.json").write_text(json.dumps(audit))
    pairs = Provenance().content(load_run(run))["provenance"]
    assert ("data (SHA-256)", "5feceb66") in pairs
    assert ("python version", "3.11") in pairs
    assert "<dt>data (SHA-256)</dt><dd>5feceb66</dd>" in html_page(load_run(run), {})


class TestInputFiles:
    @pytest.fixture
    def shown(self, make_run):
        def show(*hashed: str) -> str | None:
            run = make_run(n=24)
            audit = json.loads((run / "audit.json").read_text())
            audit["biasaudit"]["started"] = "2026-11-30T09:00:00+00:00"
            (run / "audit.json").write_text(json.dumps(audit))
            rows = [f"{number}.nii\tab\t{when}\n" for number, when in enumerate(hashed)]
            (run / "tables" / "files.tsv").write_text("path\tsha256\thashed\n" + "".join(rows))
            return dict(Provenance().content(load_run(run))["provenance"]).get("input files")

        return show

    def test_all_of_this_run(self, shown):
        assert shown("2026-11-30T09:00:01+00:00", "2026-11-30T09:00:02+00:00") == "2, all hashed in this run"

    def test_those_that_were_trusted_are_counted(self, shown):
        text = shown("2026-11-30T09:00:01+00:00", "2026-11-29T09:00:02+00:00")
        assert text.startswith("2, 1 of them last hashed at 2026-11-29T09:00:02+00:00 or later; their size, times")

    def test_of_a_cohort_without_files_nothing_is_said(self, shown):
        assert shown() is None
