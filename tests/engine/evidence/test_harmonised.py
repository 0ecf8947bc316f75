"""Inputs that are harmonised anew for the networks of every fold."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from engine.planned import about, by_key, judgement

from biasaudit.engine.evidence.retraining import NotRetrained
from biasaudit.engine.jobs.job import Role
from biasaudit.engine.plan import expected_plan
from biasaudit.engine.situation.situation import Question
from biasaudit.engine.validation.situate import situate
from biasaudit.protocol import Protocol
from biasaudit.records import Recipe

pytest.importorskip("pycombat")
COMBAT = Question("target", Recipe("combat"))


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """Return the situation of a table of features, three sites of both classes, with its plan."""
    folder = tmp_path_factory.mktemp("table")
    chance = np.random.default_rng(4)
    rows = ["subject\tlabel\tsite\tage\ta\tb"]
    for number in range(72):
        values = "\t".join(f"{value:.3f}" for value in chance.normal(0, 1, 3))
        rows.append(f"s{number}\t{('cn', 'ad')[number % 2]}\tsite{number // 2 % 3}\t{values}")
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    table = {"reader": "table", "table": folder / "table.tsv", "features": ["a", "b"], "covariates": ["age"]}
    label = {"column": "label", "positive": "ad", "negative": "cn"}
    protocol = {
        "cohort": {**table, "label": label, "origins": ["site"]},
        "arms": ["features", "combat", {"name": "even", "representation": "combat", "training": "balanced"}],
        "combat": {"keep": ["age"]},
        "folds": {"n": 3},
        "checks": ["D1", "G1", "A1", "U1", "U2", "U7", "U10", "U11"],
    }
    situation, _ = situate(Protocol.model_validate(protocol))
    return situation, expected_plan(situation)


def harmonised(plan, key):
    """Return the job that harmonised what a job is shown; None if nothing did."""
    jobs = by_key(plan)
    made = [jobs[own] for own in jobs[key].needs[Role("inputs")] if jobs[own].step == "harmonise"]
    return made[0] if made else None


def test_every_fold_is_harmonised_by_its_own_training_rows(audited):
    situation, plan = audited
    for fold in range(3):
        (model,) = plan.models[COMBAT][fold]
        own = harmonised(plan, model)
        assert list(own.arguments.training) == situation.rows(fold, held_out=False)
        assert len(own.arguments.origin) == len(own.arguments.kept) == 72
        assert harmonised(plan, plan.scores[COMBAT][fold]) == own


def test_whatever_looks_at_the_networks_of_a_fold_sees_what_they_were_shown(audited):
    _, plan = audited
    jobs = by_key(plan)
    for step in ("train", "score", "attribute", "untrained"):
        for job in jobs.values():
            if job.step == step and "combat" in job.title:
                assert f"fold {job.title.split('fold ')[1][0]}" in harmonised(plan, job.key).title


def test_no_class_is_handed_to_what_harmonises(audited):
    _, plan = audited
    for job in plan.jobs:
        if job.step == "harmonise":
            names = {field.name for field in fields(job.arguments)}
            assert names == {"representation", "training", "origin", "kept"}
            assert set(np.unique(np.ravel(job.arguments.kept))) - {0.0, 1.0}


def test_the_plain_arm_shares_nothing_of_it(audited):
    _, plan = audited
    assert all(
        harmonised(plan, key) is None for keys in plan.models[Question("target", Recipe("features"))] for key in keys
    )


def test_balanced_training_is_shown_the_same(audited):
    _, plan = audited
    even = plan.models[Question("target", Recipe("combat", balanced=True))]
    for (one,), (other,) in zip(plan.models[COMBAT], even, strict=True):
        assert harmonised(plan, one) == harmonised(plan, other)


def retrained(plan, arm, code):
    kind = {"U10": "unseen_origin", "U11": "dose_response"}[code]
    return about(judgement(plan, code, arm), kind), kind


@pytest.mark.parametrize("code", ["U10", "U11"])
def test_checks_that_train_without_an_origin_say_why_they_cannot(audited, code):
    _, plan = audited
    (harmonised, _), (plain, kind) = (retrained(plan, arm, code) for arm in ("combat", "features"))
    assert "ComBat learns from all origins" in harmonised.reason
    assert not isinstance(plain, NotRetrained) or code == "U11", kind
