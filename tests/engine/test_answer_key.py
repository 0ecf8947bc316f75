from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from biasaudit.engine.answer_key import Scored, answer_lines
from biasaudit.engine.predict import _scored
from biasaudit.engine.results.audit_record import _cohort
from biasaudit.records import Cohort, Grid, Sample


def images(score, cells=(("hc", "a"), ("hc", "b"), ("ms", "a"), ("ms", "b")), n=5):
    return [
        Scored(f"{label}{origin}{k}", label, origin, label == "ms", score(label, origin) + 0.01 * k)
        for label, origin in cells
        for k in range(n)
    ]


def test_scores_of_the_source_are_called_so():
    assert answer_lines(images(lambda label, origin: 2.0 * (origin == "b")), "site", "ms") == [
        "answer key by site, 20 subjects: mean score (above 0 speaks for ms)",
        "  hc from a: +0.02 (5)",
        "  hc from b: +2.02 (5)",
        "  ms from a: +0.02 (5)",
        "  ms from b: +2.02 (5)",
        "  class: AUC 0.50 over all subjects",
        "  class inside an origin: AUC 0.50, which the source cannot explain",
        "  origin inside a class: AUC 1.00 in the mean of two origins, which is no disease",
        "  on these images the scores follow the origin more than the class",
    ]


def test_scores_of_the_disease_are_called_so():
    lines = answer_lines(images(lambda label, origin: 2.0 * (label == "ms")), "site", "ms")
    assert lines[-1] == "  on these images the scores follow the class more than the origin"


def test_nothing_is_claimed_that_chance_explains():
    lines = answer_lines(images(lambda label, origin: (label == "ms") + (origin == "b")), "site", "ms")
    assert lines[-1].startswith("  these images are too few, or the two too much alike, to say which")


def test_where_no_origin_holds_both_classes_nothing_is_claimed():
    lines = answer_lines(images(lambda label, origin: 0.0, (("hc", "a"), ("ms", "b"))), "site", "ms")
    assert lines[-1] == (
        "  no origin holds two subjects of both classes: this cannot part disease from source; add the missing"
    )
    assert not any("inside" in line for line in lines[:-1])


def test_images_of_one_subject_count_once_and_what_is_unknown_does_not():
    twice = [Scored("s", "hc", "a", False, 1.0), Scored("s", "hc", "a", False, 3.0)]
    unknown = [Scored("t", "", "a", False, 9.0), Scored("u", "ms", "", True, 9.0)]
    assert answer_lines([*twice, *unknown], "site", "ms")[:2] == [
        "answer key by site, 1 subjects: mean score (above 0 speaks for ms)",
        "  hc from a: +2.00 (1)",
    ]
    assert answer_lines(unknown, "site", "ms") == []


def test_many_cells_are_cut_short():
    cells = [("hc", f"site{k}") for k in range(50)]
    lines = answer_lines(images(lambda label, origin: float(np.pi), cells, n=1), "site", "ms")
    assert "  and 10 more cells" in lines


def test_origins_have_the_names_of_the_audit():
    """Small and respelt origins of new images join those of the audited subjects."""
    pooled = {"site": {"c1": "other (0)", "c2": "other (0)", "3.0": "3"}}
    samples = tuple(
        Sample(name, ("i.png",), "hc", False, {"site": name}, covariates={}) for name in ("c1", "c2", "3.0", "a")
    )
    cohort = Cohort(samples, ("hc", "ms"), ("site",), 2, 1)
    rows = [{"subject": sample.subject, "logit": 1.0} for sample in samples]
    assert [own.origin for own in _scored(cohort, rows, pooled)["site"]] == ["other (0)", "other (0)", "3", "a"]
    situation = SimpleNamespace(cohort=replace(cohort, pooled=pooled), grid=Grid((2, 2)), colour_hidden=False)
    assert _cohort(situation)["pooled"] == pooled
