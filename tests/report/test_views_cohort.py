from biasaudit.report.views_cohort import cohort_view
from biasaudit.run_folder.reading import load_run


def test_counts_and_regime_of_the_cohort(make_run):
    view = cohort_view(load_run(make_run(regime="nested", n=24, maps=False)))
    (factor,) = view.factors
    assert (view.n, factor.name, factor.regime) == ("24", "origin", "nested")
    assert sum(total for _, _, total in factor.rows) == 24
    assert [finding.code for finding in view.findings] == ["D1"]
