import json

from biasaudit.report.views_comparison import comparison_view
from biasaudit.run_folder.reading import load_run


def test_every_pair_has_its_own_difference(make_run):
    view = comparison_view(load_run(make_run(arms=("a", "b", "c"), n=24, maps=False)))
    assert view.pairs == ("a minus b", "a minus c", "b minus c")
    assert all(len(row.differences) == 3 and len(row.values) == 3 for row in view.rows)
    assert view.compared[0].differences[0][0] == "+0.04"


def test_the_level_of_intervals_is_said_once_and_that_of_differences_where_it_differs(make_run):
    run = make_run(arms=("a", "b"), n=24, maps=False)
    audit = json.loads((run / "audit.json").read_text())
    for arm in audit["arms"]:
        arm["reliance"]["level"] = 0.9
    audit["comparisons"] = [{**pair, "level": 0.95} for pair in audit["comparisons"]]
    (run / "audit.json").write_text(json.dumps(audit))
    levels = {row.title: row.level for row in comparison_view(load_run(run)).rows}
    assert levels["Reliance on the signature"] == "90\u202f% intervals, of differences 95\u202f%"
    assert levels["AUC of the target"] == "95\u202f% intervals"
    assert levels["Planted truth"] == ""
