"""From a request and finished jobs to the evidence of the checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.conftest import plant

from biasaudit.engine.evidence.assembly import _one_row_per_subject, assemble
from biasaudit.engine.evidence.networks import TARGET
from biasaudit.engine.evidence.request import CohortTable, EvidenceRequest
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.situation.contrasts import Contrast


def request(kinds: dict[str, object], fold: tuple[int, ...] = (0, 1, 0), **covariates) -> EvidenceRequest:
    table = CohortTable(
        subject=("s1", "s2", "s3"),
        label=("healthy", "ms", "healthy"),
        origin=("a", "a", "b"),
        fold=fold,
        patient=(False, True, False),
        erasable=(True, True, True),
        covariates=covariates,
    )
    contrast = Contrast(None, 1, ("healthy", "ms"), (False, True, False))
    return EvidenceRequest("intensity", "site", contrast, table, False, False, 7, kinds)


def test_numbers_and_words_are_told_apart():
    evidence = assemble(
        request({}, age=(30.0, None, 41), sex=("F", None, "M"), unknown=(None, None, None)), Folders({})
    )
    assert set(evidence.covariates) == {"age", "unknown"}
    np.testing.assert_array_equal(evidence.covariates["age"], [30, np.nan, 41])
    assert {name: values.tolist() for name, values in evidence.categories.items()} == {"sex": ["F", "", "M"]}


def test_only_the_kinds_that_are_asked_for_are_gathered(scored):
    folders = Folders({TARGET: (scored([1.0, 3.0], [0, 2]), scored([2.0], [1]))})
    assert assemble(request({}), folders).logit.size == 0
    evidence = assemble(request({"scores": None}), folders)
    assert evidence.logit.tolist() == [1.0, 2.0, 3.0]
    assert evidence.logit_erased is None
    assert np.isnan(evidence.severity).all()


def test_rows_that_a_given_network_was_trained_on_are_dropped(scored):
    folders = Folders({TARGET: (scored([1.0, 3.0], [0, 2]),)})
    evidence = assemble(request({"scores": None}, fold=(0, -1, 0)), folders)
    assert evidence.subject.tolist() == ["s1", "s3"]
    assert evidence.logit.tolist() == [1.0, 3.0]
    assert evidence.severity.shape == (2,)


@pytest.mark.parametrize(("classes", "regime"), [(("a", "a", "b"), "nested"), (("a", "b", "a"), "aliased")])
def test_the_regime_follows_from_classes_and_origins(classes, regime):
    own = request({})
    evidence = assemble(replace(own, table=replace(own.table, origin=classes)), Folders({}))
    assert evidence.regime == regime or evidence.regime == "crossed"


def test_two_images_of_a_subject_keep_one_category():
    evidence = plant(n=4)
    evidence = replace(
        evidence,
        subject=np.array(["s1", "s2", "s1", "s3"]),
        positive=np.array([False, True, False, True]),
        origin=np.array(["a", "a", "a", "b"]),
        categories={"sex": np.array(["F", "M", "F", ""])},
    )
    assert _one_row_per_subject(evidence, []).categories["sex"].tolist() == ["F", "M", ""]
