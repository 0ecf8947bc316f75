from dataclasses import replace

from biasaudit.report.views_cohort import cohort_view
from biasaudit.run_folder.reading import load_run
from biasaudit.vocabulary import OR_PROBES


def test_counts_and_regime_of_the_cohort(make_run):
    view = cohort_view(load_run(make_run(regime="nested", n=24, maps=False)))
    (factor,) = view.factors
    assert (view.n, factor.name, factor.regime) == ("24", "origin", "nested")
    assert sum(total for _, _, total in factor.rows) == 24
    assert [finding.code for finding in view.findings] == ["D1"]


def test_subjects_that_the_network_has_seen_are_not_counted(make_run):
    """They have no fold, which the table writes as 0; nothing is judged by them."""
    records = load_run(make_run(regime="nested", n=24, maps=False))
    folds = ["0"] * 8 + ["1"] * (len(records.subjects) - 8)
    settings = {**records.audit["settings"], "target": {"weights": ["w.pt"]}}
    seen = replace(records, audit={**records.audit, "settings": settings}, subjects=records.subjects.assign(fold=folds))
    view = cohort_view(seen)
    assert view.n == "16 judged of 24"
    assert sum(count for _, count in view.classes) == 16
    assert sum(total for _, _, total in view.factors[0].rows) == 16


def test_probes_that_answered_are_not_asked_for_again(make_run):
    records = load_run(make_run(regime="nested", n=24, maps=False))
    advice = f"Add an origin that holds both classes{OR_PROBES}, or lesion masks for erasure."
    design = records.audit["design"]
    asked = {**design, "findings": [{**design["findings"][0], "remedy": advice}]}
    for status, told in (("inconclusive", advice), ("concern", advice.replace(OR_PROBES, ""))):
        findings = records.findings.assign(code="P1", status=status)
        run = replace(records, audit={**records.audit, "design": asked}, findings=findings)
        assert cohort_view(run).findings[0].remedy == told
