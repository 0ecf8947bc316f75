"""The methods to paste: true of what ran, and every work that they cite is listed."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from biasaudit.report.methods import checklist, cited, methods, passages, references
from biasaudit.report.references import WORKS
from biasaudit.run_folder.reading import RunRecords, load_run

Make = Callable[..., Path]


def test_methods_are_filled_from_the_settings(make_run: Make) -> None:
    records = load_run(make_run(n=24))
    text = " ".join(methods(records))
    for part in (
        "5-fold",
        "2000 bootstrap samples",
        "exceeded 0.50",
        "integrated gradients",
        "(the background alone, the outline of the brain)",
    ):
        assert part in text
    assert "permutations of the origin" not in text, "U1 did not apply to this run"
    assert any("Axiomatic attribution" in line for line in references(records))


def probed(records: RunRecords) -> RunRecords:
    """The run with a verdict that rests on probes, an AUC to publish from them, and an E-value."""
    arm = records.audit["arms"][0]
    text = "Measured on 40 held-out subjects and 20 probes."
    own = {"factor": "origin", "auc": 0.71, "auc_low": 0.6, "auc_high": 0.8, "how": "probes", "text": text}
    d4 = {**arm["findings"][0], "code": "D4", "details": {"sensitivity": "the scores differ"}}
    changed = {
        **arm,
        "target": {**arm["target"], "independent": own},
        "reliance": {**arm["reliance"], "from": "P1"},
        "findings": [*arm["findings"], d4],
    }
    findings = records.findings.assign(code=records.findings["code"].replace("U4", "P1"))
    return replace(records, audit={**records.audit, "arms": [changed]}, findings=findings)


def test_methods_name_the_probes_and_the_auc_to_publish(make_run: Make) -> None:
    bare = load_run(make_run(n=24))
    text, works = " ".join(methods(probed(bare))), " ".join(references(probed(bare)))
    assert "(80 probes) were scored by the networks of all folds and trained on by none" in text
    assert "rests on the probes" in text
    assert "with class and origin made independent, was 0.71 (95 % interval 0.60 to 0.80) [" in text
    assert "Measured on 40 held-out" in text
    assert "Pairs were of one origin" in text
    assert "E-value" in text
    assert "Chyzhyk" in works
    assert "VanderWeele" in works
    assert "Zaslavsky" not in works
    text, works = " ".join(methods(bare)), " ".join(references(bare))
    assert not any(word in text for word in ("probes", "independent", "E-value"))
    assert not any(word in works for word in ("Chyzhyk", "VanderWeele"))


def remade(
    records: RunRecords, *, target: dict[str, object] | None = None, cohort: dict[str, object] | None = None
) -> RunRecords:
    settings = records.audit["settings"]
    changed = {**settings, "target": {**settings["target"], **(target or {})}, "cohort": cohort or {}}
    return replace(records, audit={**records.audit, "settings": changed})


def test_methods_never_say_that_a_network_was_trained_here_that_was_not(make_run: Make) -> None:
    records = load_run(make_run(n=24))
    folds = [place % 3 for place in range(24)]
    seen = replace(records, subjects=records.subjects.assign(fold=folds))
    ready = remade(seen, target={"network": "data/own.py:build", "weights": ["data/last.ckpt"]})
    text = methods(ready)[0]
    assert "A network of type" not in text
    assert "already trained classifier (own.py:build, weights last.ckpt)" in text
    assert "It was not trained here; it was judged by 16 subjects (8 healthy and 8 ms)" in text
    assert "Only control classifiers were trained in the audit" in text
    assert "with 8 other subjects in every training set" in text
    assert "on 16 subjects" in checklist(ready)
    alone = replace(ready, training=ready.training.iloc[:0])
    assert "No network was trained in the audit." in methods(alone)[0]
    several = remade(replace(seen, subjects=seen.subjects.assign(fold=1)), target={"weights": ["a.pt", "b.pt"]})
    assert "24 subjects (12 healthy and 12 ms) was scored by the one of 2 networks" in methods(several)[0]


@pytest.mark.parametrize("cohort", [{"predictions": "run"}, {"score": ["p"]}])
def test_methods_of_scores_alone_speak_of_no_network(make_run: Make, cohort: dict[str, object]) -> None:
    records = load_run(make_run(n=24))
    text = methods(replace(remade(records, cohort=cohort), training=records.training.iloc[:0]))[0]
    assert "We audited the given scores of a classifier" in text
    assert "No network was trained in the audit." in text
    assert "epochs" not in text
    assert "cnn" not in text


@pytest.mark.parametrize(("method", "steps"), [("integrated_gradients", True), ("captum:Saliency", False)])
def test_steps_are_told_of_methods_that_go_along_a_path(make_run: Make, method: str, steps: bool) -> None:
    records = load_run(make_run(n=24))
    settings = {**records.audit["settings"], "attribution": {"method": method, "steps": 16}}
    text = methods(replace(records, audit={**records.audit, "settings": settings}))[-1]
    assert ("16 steps on the path" in text) is steps


def test_numbers_of_references_are_in_the_order_of_first_citation(make_run: Make) -> None:
    records = load_run(make_run(n=24))
    text = " ".join(methods(records))
    first = dict.fromkeys(int(each) for marks in re.findall(r"\[([\d, ]+)\]\.", text) for each in marks.split(","))
    assert list(first) == list(range(1, len(references(records)) + 1))
    keys = [key for paragraph in passages(records) for passage in paragraph for key in passage.cites]
    assert [work.key for work in cited(records)] == list(dict.fromkeys(keys))


def test_every_work_in_the_list_can_be_cited(make_run: Make) -> None:
    """A work that no passage cites is dead, and a key without its work breaks the report of some run."""
    source = "".join(path.read_text("utf-8") for path in Path(methods.__code__.co_filename).parent.glob("methods*.py"))
    quoted = set(re.findall(r'"([a-z]+\d{4})"', source))
    assert quoted == set(WORKS)


@pytest.mark.parametrize(
    ("regime", "words"),
    [
        ("crossed", "origin (2 levels; crossed: some origins held both classes)"),
        ("nested", "origin (5 levels; nested: every origin held one class only)"),
        ("aliased", "origin (2 levels; aliased: each class came from one origin of its own)"),
    ],
)
def test_the_sources_and_how_classes_lie_in_them_are_told(make_run: Make, regime: str, words: str) -> None:
    text = methods(load_run(make_run(regime=regime, n=24)))[0]
    assert f"The source of the data was recorded as {words}." in text


def test_a_factor_whose_design_was_not_recorded_gets_none(make_run: Make) -> None:
    records = load_run(make_run(n=24))
    records.audit["cohort"]["origins"]["scanner"] = {"a": 20, "b": 4}
    assert "scanner (2 levels)." in methods(records)[0]


def test_reliance_is_told_with_the_level_of_its_interval(make_run: Make) -> None:
    records = load_run(make_run(n=24))
    assert "owed to the data's origin: 91 % (90 % interval 80 % to 99 %)." in checklist(records).replace("\u202f", " ")
    del records.audit["settings"]["statistics"]
    assert "origin: 91 % (80 % to 99 %)." in checklist(records).replace("\u202f", " ")


def test_of_a_crossed_design_it_is_told_how_the_scores_give_reliance(make_run: Make) -> None:
    records = load_run(make_run(regime="crossed", n=24))
    asked = replace(records, findings=records.findings.assign(code="U1", status="clear"))
    told = "site / (site + pathology), where site is the difference of scores between origins inside a class"
    assert told not in " ".join(methods(asked))
    records.audit["arms"][0]["reliance"]["from"] = "U1"
    text = " ".join(methods(asked))
    assert told in text
    assert "inside an origin, with a 90 % interval." in text


def test_a_recorded_level_goes_before_that_of_the_settings(make_run: Make) -> None:
    records = load_run(make_run(n=24))
    records.audit["arms"][0]["reliance"]["level"] = 0.99
    assert "91 % (99 % interval 80 % to 99 %)." in checklist(records).replace("\u202f", " ")
