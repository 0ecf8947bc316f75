from __future__ import annotations

import json

from biasaudit.report.render import html_page
from biasaudit.run_folder.reading import load_run


def test_stored_limits_come_before_the_one_that_always_holds(make_run):
    run = make_run(n=24)
    audit = json.loads((run / "audit.json").read_text())
    audit["limits"] = ["Set `cohort.masks` first.", "Few subjects."]
    (run / "audit.json").write_text(json.dumps(audit))
    html = html_page(load_run(run), {})
    html = html[html.index('<section id="limits"') :]
    places = [
        html.index(text)
        for text in ("Set <code>cohort.masks</code> first.", "Few subjects.", "An origin that nobody recorded")
    ]
    assert places == sorted(places)
