from biasaudit.report.views_comparison import comparison_view
from biasaudit.run_folder.reading import load_run


def test_every_pair_has_its_own_difference(make_run):
    view = comparison_view(load_run(make_run(arms=("a", "b", "c"), n=24, maps=False)))
    assert view.pairs == ("a minus b", "a minus c", "b minus c")
    assert all(len(row.differences) == 3 and len(row.values) == 3 for row in view.rows)
    assert view.compared[0].differences[0][0] == "+0.04"
