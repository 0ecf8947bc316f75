from __future__ import annotations

import json

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
