import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from biasaudit.report.methods import checklist, methods, references
from biasaudit.report.modelcard import model_card
from biasaudit.report.words import interval, number, percent, probability, signed, worst
from biasaudit.run_folder.reading import RunRecords, load_run

Make = Callable[..., Path]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.934, "0.93"),
        (-1.0, "−1.00"),
        (-0.001, "0.00"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (12345.6, "1.23e+04"),
    ],
)
def test_number(value: float | None, text: str) -> None:
    assert number(value) == text


def test_percent_and_interval() -> None:
    assert percent(0.005) == "0\u202f%"
    assert interval(0.1, None) == "from 0.10"
    assert interval(None, 0.25, is_share=True) == "up to 25\u202f%"
    assert interval(None, None) == ""


@pytest.mark.parametrize(("value", "text"), [(0.0005, "0.0005"), (0.123, "0.12"), (0.0404, "0.04"), (1.0, "1.00")])
def test_probability(value: float, text: str) -> None:
    assert probability(value) == text


def test_worst_verdict() -> None:
    assert worst(["PATHOLOGY", "MIXED", "UNDETERMINED"]) == "MIXED"


def test_methods_are_filled_from_the_settings(make_run: Make) -> None:
    records = load_run(make_run(n=24))
    text = " ".join(methods(records))
    for part in ("5-fold", "2000 bootstrap samples", "exceeded 0.50", "integrated gradients", "background, silhouette"):
        assert part in text
    assert "permutations of the origin" not in text, "U1 did not apply to this run"
    assert any("Axiomatic attribution" in line for line in references(records))


def test_model_card(make_run: Make) -> None:
    text = model_card(load_run(make_run(arms=("intensity", "tissue"), regime="nested", n=24)))
    for part in ("Intended use", "METRICS (item 19", "TRIPOD+AI", "### Input intensity: ORIGIN (provisional)"):
        assert part in text
    assert "| origin | healthy | ms |\n|---|---:|---:|\n" in text
    assert "| ofsep-lyon | 0 | 6 |\n" in text
    assert "\n\n\n" not in text


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
    assert (
        "with class and origin made independent, was 0.71 (95 % interval 0.60 to 0.80). Measured on 40 held-out" in text
    )
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


@pytest.mark.parametrize(
    ("value", "text"), [(-0.0513, "−0.05"), (0.04, "+0.04"), (-0.001, "0.00"), (0.0, "0.00"), (-3.26, "−3.3")]
)
def test_a_small_number_keeps_its_sign(value: float, text: str) -> None:
    assert signed(value) == text


@pytest.mark.parametrize(("method", "steps"), [("integrated_gradients", True), ("captum:Saliency", False)])
def test_steps_are_told_of_methods_that_go_along_a_path(make_run: Make, method: str, steps: bool) -> None:
    records = load_run(make_run(n=24))
    settings = {**records.audit["settings"], "attribution": {"method": method, "steps": 16}}
    text = methods(replace(records, audit={**records.audit, "settings": settings}))[-1]
    assert ("16 steps on the path" in text) is steps
