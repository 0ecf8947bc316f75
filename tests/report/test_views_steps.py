import json
from collections.abc import Callable
from pathlib import Path

from biasaudit.report.views import arm_views
from biasaudit.report.views_steps import Step, next_steps, step_groups
from biasaudit.run_folder.reading import load_run
from biasaudit.vocabulary import OTHER_INPUTS

Make = Callable[..., Path]
DATA = {"action": "Add subjects of both classes from the same sites.", "reason": "more sites", "kind": "data"}
TRIED = {
    "action": "tissue was tried: the reliance falls by 36 points (30 to 42), still ORIGIN.",
    "reason": "remedy tried, against intensity",
    "kind": "tried",
}
UNTRIED = {"action": "`biasaudit run` tries harmonised.", "reason": "remedies not tried", "kind": "untried"}


def steps(run: Path, change: Callable[[dict], None] = lambda audit: None) -> tuple[Step, ...]:
    audit = json.loads((run / "audit.json").read_text())
    change(audit)
    (run / "audit.json").write_text(json.dumps(audit))
    records = load_run(run)
    return next_steps(records, arm_views(records))


def texts(found: tuple[Step, ...]) -> str:
    return " | ".join(step.text for step in found).replace("\u202f", " ")


def test_the_first_point_is_what_not_to_do_with_the_auc(make_run: Make):
    first = steps(make_run(n=24))[0]
    assert first.group == "Do not"
    assert first.text.startswith("Report the AUC of 0.98 as diagnostic performance")


def test_what_was_tried_is_told_as_a_result_and_not_advised(make_run: Make):
    def both(audit: dict) -> None:
        audit["remedies"] = [TRIED, UNTRIED, DATA]
        audit["arms"][0]["findings"][4]["remedy"] = f"look outside the lesions{OTHER_INPUTS}"
        audit["arms"][0]["flagged"] = ["U4"]
        for arm in audit["arms"]:
            arm["findings"].pop()  # the error, which would take a place

    found = steps(make_run(regime="nested", arms=("intensity", "tissue"), n=24), both)
    told = texts(found)
    assert TRIED["action"] in told
    assert "Look outside the lesions." in told
    assert OTHER_INPUTS not in told
    assert UNTRIED["action"] in told


def test_at_most_five_points_and_each_once(make_run: Make):
    found = steps(
        make_run(regime="nested", arms=("intensity", "tissue"), n=24),
        lambda audit: audit.update(
            remedies=[UNTRIED, UNTRIED, DATA, {**DATA, "action": "More."}, {**DATA, "action": "x"}]
        ),
    )
    assert len(found) == 5
    assert len({step.text for step in found}) == 5
    assert sum(step.group == "Get these data" for step in found) == 2


def test_a_run_of_a_version_that_did_not_say_what_a_remedy_is(make_run: Make):
    old = [{key: own[key] for key in ("action", "reason")} for own in (TRIED, UNTRIED, DATA)]
    groups = {step.text: step.group for step in steps(make_run(n=24), lambda audit: audit.update(remedies=old))}
    assert groups[DATA["action"]] == "Get these data"
    assert groups[UNTRIED["action"]] == groups[TRIED["action"]] == "Look into"


def test_an_open_verdict_asks_for_what_would_settle_it(make_run: Make):
    def undetermined(audit: dict) -> None:
        audit["arms"][0].update(verdict="UNDETERMINED")
        audit["arms"][0]["verdicts"][0].update(verdict="UNDETERMINED", settle="Fifty healthy subjects.")
        audit["remedies"] = [DATA]

    found = steps(make_run(n=24), undetermined)
    assert [step.text for step in found if step.group == "Get these data"] == ["Fifty healthy subjects."]


def test_of_many_inputs_that_were_tried_two_are_told(make_run: Make):
    tried = [{**TRIED, "action": f"arm {number} was tried."} for number in range(4)]
    told = texts(steps(make_run(n=24), lambda audit: audit.update(remedies=tried)))
    assert [f"arm {number} was tried." in told for number in range(4)] == [True, True, False, False]


def test_failed_computations_come_first_among_what_to_look_into(make_run: Make):
    look = [step for step in steps(make_run(n=24)) if step.group == "Look into"]
    assert look[0].text.startswith("Run the audit again")


def test_points_stand_under_their_headings(make_run: Make):
    groups = step_groups(steps(make_run(n=24)))
    assert [group.title for group in groups] == ["Do not", "Look into"]
    assert all(step.group == group.title for group in groups for step in group.steps)
