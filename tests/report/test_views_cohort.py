from dataclasses import replace

from biasaudit.report.views_cohort import cohort_view
from biasaudit.run_folder.reading import load_run


def test_counts_and_regime_of_the_cohort(make_run):
    view = cohort_view(load_run(make_run(regime="nested", n=24, maps=False)))
    (factor,) = view.factors
    assert (view.n, factor.name, factor.regime) == ("24", "origin", "nested")
    assert sum(total for _, _, total in factor.rows) == 24
    assert factor.title == "each holds one class only (nested design)"


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


def test_origins_that_are_folded_away_are_smaller_only_if_they_are(make_run):
    records = load_run(make_run(regime="nested", n=80, maps=False))
    rows = range(len(records.subjects))
    alike, unlike = [row % 40 for row in rows], [row % 12 if row < 40 else row for row in rows]
    for origins, words in ((alike, "28 more origins"), (unlike, "40 smaller origins")):
        many = replace(records, subjects=records.subjects.assign(origin=[f"centre {name:02d}" for name in origins]))
        assert cohort_view(many).factors[0].more_words == words
