from __future__ import annotations

import pytest

from biasaudit.errors import UsageError
from biasaudit.report.side_by_side import sections, write_comparison_page


def estimate(value, low=None, high=None):
    return {"estimate": value, "low": low, "high": high}


def arm(run, name, **changes):
    return {
        "run": run,
        "arm": name,
        "primary": True,
        "verdict": "PATHOLOGY",
        "contrast": None,
        "provisional": True,
        "reason": "Within each class the scores are alike.",
        "auc": estimate(0.9, 0.85, 0.94),
        "reliance": {**estimate(0.1, 0.0, 0.2), "from": "U4"},
        "lesion_gain": None,
        "origin_auc": estimate(None),
        "truth": None,
        **changes,
    }


@pytest.fixture
def record():
    run = {"name": "a <b>title</b>", "version": "1", "finished": "now", "subjects": 40, "regime": "crossed"}
    run |= {"classes": ["healthy", "ms"], "origins": ["site"]}
    difference = {"quantity": "auc", "contrast": None, "difference": -0.02, "low": -0.05, "high": 0.01, "p_value": 0.2}
    finding = dict.fromkeys(("factor", "contrast", "class", "layer", "input"))
    said = {"status": "concern", "statistic": 0.81, "p_value": 0.01, "reason": "found"}
    clear = {**said, "status": "clear", "statistic": 0.5}
    return {
        "schema_version": "1.0",
        "runs": [{**run, "folder": "one/raw"}, {**run, "folder": "two/raw"}],
        "same_data": False,
        "arms": [arm(1, "intensity"), arm(2, "tissue", verdict="ORIGIN")],
        "pairs": [
            {
                "arms": ["intensity", "tissue"],
                "subjects": 40,
                "unpaired": None,
                "differences": [difference],
                "notes": ["something is left out"],
            }
        ],
        "findings": [
            {"arms": ["intensity", "tissue"], "code": "A1", **finding, "class": "ms", "first": said, "second": clear},
            {"arms": ["intensity", "tissue"], "code": "U1", **finding, "first": said, "second": None},
            {"arms": ["intensity", "tissue"], "code": "U8", **finding, "first": None, "second": said},
            {"arms": ["intensity", "tissue"], "code": "U8", **finding, "layer": "2", "first": None, "second": said},
        ],
        "settings": [
            {"key": "arms", "first": [{"name": "intensity"}], "second": [{"name": "tissue"}]},
            {"key": "folds.n", "first": 5, "second": None},
        ],
        "environment": [],
    }


def table(record, title):
    return next(section for section in sections(record) if section.title.startswith(title))


def test_runs_are_named_by_what_tells_them_apart(record):
    runs = table(record, "Runs")
    assert runs.columns == ("", "one/raw", "two/raw")
    assert runs.lead == "Files, labels, origins and folds are not the same."


def test_estimates_with_intervals_and_open_claims(record):
    shown = {row[0]: row[1:] for row in table(record, "Verdicts").rows}
    assert shown["verdict"] == ("PATHOLOGY (provisional)", "ORIGIN")
    assert shown["AUC of the target"][0] == "0.90 (0.85 to 0.94)"
    assert shown["Attention on lesions (× chance)"] == ("–", "–")
    assert "Planted truth" not in shown
    record["arms"][0]["truth"] = {"omega": 0.4}
    shown = {row[0]: row[1:] for row in table(record, "Verdicts").rows}
    assert shown["Planted truth"] == ("40\u202f%", "–")


def test_the_level_of_a_difference_is_the_recorded_one(record):
    record["pairs"][0]["differences"][0]["level"] = 0.9
    assert table(record, "Paired").rows[0][2] == "90 % interval −0.05 to 0.01"


def test_differences_or_why_there_are_none(record):
    paired = table(record, "Paired")
    assert paired.title == "Paired differences: one/raw, intensity minus two/raw, tissue"
    assert paired.rows == (("AUC of the target", "−0.02", "−0.05 to 0.01", "0.20"),)
    assert paired.lead.endswith("by the same fold. Something is left out.")
    record["pairs"][0] |= {"unpaired": "no subject was scored in both runs", "differences": []}
    assert table(record, "Paired").rows == ()
    assert table(record, "Paired").lead.startswith("No paired differences: no subject was scored in both runs.")


def test_findings_and_settings_of_one_run_only(record):
    assert table(record, "Findings").rows == (("A1", "ms", "Concern, 0.81", "Clear, 0.50"),)
    assert table(record, "Findings").lead == (
        "Only one/raw was asked, not shown: 1 finding, U1 (1). Only two/raw was asked, not shown: 2 findings, U8 (2)."
    )
    assert table(record, "Settings").rows == (("arms", "intensity", "tissue"), ("folds.n", "5", "–"))
    assert table(record, "Versions").lead == "Made by the same versions."
    record["findings"] = []
    assert table(record, "Findings").lead == "Every check that both runs asked found the same."


def test_the_page_escapes_what_users_wrote(record, tmp_path):
    page = write_comparison_page(record, tmp_path / "page.html").read_text()
    assert "a &lt;b&gt;title&lt;/b&gt;" in page
    assert "<b>title" not in page
    assert page.count('<div class="panels" role="img"') == 1
    assert "<title>intensity: 0.90 (0.85 to 0.94)</title>" in page
    assert "data:" not in page.partition("</style>")[2]
    assert page.count('class="verdict"') == 2


def test_a_page_that_cannot_be_written(record, tmp_path):
    with pytest.raises(UsageError, match="the page cannot be written"):
        write_comparison_page(record, tmp_path)
