from __future__ import annotations

import pandas as pd

from biasaudit.report.preprocessing import preprocessing_views
from biasaudit.report.render import write_report
from biasaudit.run_folder.reading import load_run

ROWS = [
    ("site", "a", "shape", "10 x 10", 3),
    ("site", "b", "shape", "10 x 10", 4),
    ("site", "a", "resampled", "no", 3),
    ("site", "b", "resampled", "no", 1),
    ("site", "b", "resampled", "interpolated", 2),
    ("site", "b", "resampled", "smoothed and interpolated", 1),
    ("site", "a", "largest value", "200", 3),
    ("site", "b", "largest value", "180", 4),
    ("vendor", "x", "shape", "10 x 10", 7),
]


def with_table(run):
    table = pd.DataFrame(ROWS, columns=["factor", "origin", "quantity", "value", "images"])
    table.to_csv(run / "tables" / "preprocessing.tsv", sep="\t", index=False)
    return run


def test_one_row_per_origin_and_what_differs(make_run):
    site, vendor = preprocessing_views(load_run(with_table(make_run(n=24))))
    assert (site.factor, site.summary) == ("site", "resampled differ between origins")
    assert site.columns == (("shape", False), ("resampled", True), ("largest value", False))
    assert site.rows == (
        ("a", ("10 x 10 (3)", "no (3)", "200")),
        ("b", ("10 x 10 (4)", "no (1), interpolated (2), 1 others", "180")),
    )
    assert vendor.summary == "the same for all origins"


def test_the_report_prints_it_and_old_runs_have_none(make_run):
    run = make_run(n=24)
    write_report(run)
    assert "How the images came" not in (run / "report.html").read_text()
    write_report(with_table(run))
    text = (run / "report.html").read_text()
    assert "How the images came, and what was done to them" in text
    assert "smoothed and interpolated" not in text
    assert "no (1), interpolated (2), 1 others" in text
