from __future__ import annotations

import json

from biasaudit.report.sections.truth import Truth
from biasaudit.run_folder.reading import load_run


def test_one_row_per_factor_with_the_estimate_beside_what_was_planted(make_run):
    content = Truth().content(load_run(make_run(n=24)))
    (row,) = content["rows"]
    assert (row["arm"], row["factor"]) == ("intensity", "origin")
    assert row["estimate"] == 0.91
    assert row["omega"] == 0.94


def test_a_cohort_that_is_not_simulated_has_no_such_section(make_run):
    run = make_run(n=24)
    audit = json.loads((run / "audit.json").read_text())
    audit["arms"][0]["truth"] = None
    (run / "audit.json").write_text(json.dumps(audit))
    assert Truth().content(load_run(run)) is None
