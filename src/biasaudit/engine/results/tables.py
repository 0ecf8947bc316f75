"""Tidy tables of a run, one question each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.engine.jobs.held_out import HeldOut
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.results.preprocessing import preprocessing_table
from biasaudit.engine.results.run import ArmResult, Run
from biasaudit.engine.situation.contrasts import log_odds
from biasaudit.engine.situation.places import read_facts
from biasaudit.engine.situation.situation import Question
from biasaudit.records import Comparison
from biasaudit.run_folder.contract import FILES
from biasaudit.run_folder.tsv import write_tsv

__all__ = ["write_tables"]


def write_tables(run: Run, arms: Sequence[ArmResult], comparisons: Sequence[Comparison]) -> None:
    """Write ``tables/*.tsv``; folds count from 1."""
    tables = {
        "findings": _findings(arms),
        "subjects": _subjects(run, arms[0]),
        "scores": pd.DataFrame(_scores(run)),
        "training": pd.DataFrame(_training(run)),
        "preprocessing": _preprocessing(run),
        "image_quality": pd.DataFrame(_image_quality(run)),
        "truth": _truth(run, arms),
        "comparisons": pd.DataFrame([{**c.to_dict(), "arms": " - ".join(c.arms)} for c in comparisons]),
        "files": _files(run),
    }
    folder = run.results / "tables"
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        if len(table):
            write_tsv(table, folder / f"{name}.tsv")


def _findings(arms: Sequence[ArmResult]) -> pd.DataFrame:
    rows = []
    for arm in arms:
        for findings in arm.findings.values():
            for finding in findings:
                record = finding.to_dict()
                rows.append({"arm": arm.name, **record, "details": json.dumps(record["details"], default=str)})
    return pd.DataFrame(rows)


def _subjects(run: Run, arm: ArmResult) -> pd.DataFrame:
    cohort = run.situation.cohort
    survey = read_json(run.store.folder(run.plan.survey) / "survey.json")
    marked = [n if ill else 0 for n, ill in zip(survey["mask_voxels"], run.outline.ill, strict=True)]
    return pd.DataFrame(
        {
            "subject": [sample.subject for sample in cohort.samples],
            "label": [sample.label for sample in cohort.samples],
            "positive": [sample.positive for sample in cohort.samples],
            **{factor: [sample.origins[factor] for sample in cohort.samples] for factor in cohort.factors},
            "fold": [fold + 1 for fold in run.situation.folds],
            **{f"covariate_{name}": _covariate(run, name) for name in run.situation.protocol.cohort.covariates},
            "mask_voxels": marked,
            "severity": _severity(run, marked),
            "overlap": survey["dice"],
            "correlation": survey["correlation"],
        }
    )


def _covariate(run: Run, name: str) -> list[Any]:
    return [sample.covariates.get(name) for sample in run.situation.cohort.samples]


def _severity(run: Run, voxels: Sequence[int]) -> np.ndarray:
    """Mask volume in millilitres; pixels for pictures."""
    volume = float(np.prod(run.situation.grid.spacing)) / 1000.0 if run.situation.grid.dimensions == 3 else 1.0
    return np.round(np.asarray(voxels) * volume, 6)


def _scores(run: Run) -> Iterator[dict[str, Any]]:
    cohort = run.situation.cohort
    for arm, shown, question, variant_names in _asked(run):
        for fold, key in enumerate(run.plan.scores[question]):
            for variant in variant_names:
                if not (run.store.folder(key) / f"logits-{variant}.npy").exists():
                    continue
                scores = HeldOut.read(run.store.folder(key), f"logits-{variant}")
                for contrast, columns in _columns(run, question, scores.values):
                    for row, values in zip(scores.rows.tolist(), columns, strict=True):
                        yield {
                            "arm": arm,
                            "question": question.name,
                            "factor": question.factor or None,
                            **contrast,
                            "class": question.class_name or None,
                            "input": shown,
                            "variant": variant,
                            "subject": cohort.samples[row].subject,
                            "fold": fold + 1,
                            **_logits(values),
                        }


def _columns(run: Run, question: Question, logits: np.ndarray) -> Iterator[tuple[dict[str, str | None], np.ndarray]]:
    """Yield outputs as they are, or with more than two classes the target's log odds contrast by contrast."""
    if len(run.plan.contrasts) == 1:
        yield {}, logits
    elif question.name != "target":
        yield {"contrast": None}, logits
    else:
        for contrast in run.plan.contrasts:
            yield (
                {"contrast": contrast.name},
                log_odds(logits, contrast.index, against_class=contrast.against_class)[:, None],
            )


def _logits(values: np.ndarray) -> dict[str, float]:
    """One column `logit`, or one per origin."""
    if len(values) == 1:
        return {"logit": round(float(values[0]), 6)}
    return {f"logit_{index + 1}": round(float(value), 6) for index, value in enumerate(values)}


def _asked(run: Run) -> Iterator[tuple[str, str, Question, tuple[str, ...]]]:
    """Every question of every arm, the name of the input that it is asked of, and the variants that were scored."""
    for arm in run.situation.protocol.arms:
        reduced = {question: name for name, question in run.plan.reduced(arm.name).items()}
        for question in run.plan.scores:
            learned_from = arm.recipe if question.name == "target" else arm.recipe.unbalanced
            if question in reduced:
                yield arm.name, reduced[question], question, (question.variant,)
            elif question.recipe == learned_from:
                yield arm.name, "original", question, ("original", "erased")


def _training(run: Run) -> Iterator[dict[str, Any]]:
    for arm, shown, question, _ in _asked(run):
        for fold, keys in enumerate(run.plan.models[question]):
            for number, key in enumerate(keys):
                for entry in read_json(run.store.folder(key) / "history.json"):
                    yield {
                        "arm": arm,
                        "question": question.name,
                        "class": question.class_name or None,
                        "input": shown,
                        "fold": fold + 1,
                        "seed": number + 1,
                        "epoch": entry["epoch"],
                        "training_loss": round(entry["training_loss"], 6),
                        "validation_loss": round(entry["validation_loss"], 6),
                    }


def _preprocessing(run: Run) -> pd.DataFrame:
    situation = run.situation
    facts = read_facts(run.store.root)
    return preprocessing_table(situation.cohort, situation.grid, facts, situation.protocol.cohort.foreground)


def _image_quality(run: Run) -> Iterator[dict[str, Any]]:
    """One row per image and measure, by the primary origin factor; none where A3 was not asked."""
    job = next((job for job in run.plan.jobs if job.step == "quality"), None)
    if job is None:
        return
    folder, cohort = run.store.folder(job.key), run.situation.cohort
    names, values = read_json(folder / "columns.json"), np.load(folder / "quality.npy")
    for sample, measured in zip(cohort.samples, values, strict=True):
        for name, value in zip(names, measured, strict=True):
            yield {
                "subject": sample.subject,
                "label": sample.label,
                "origin": sample.origins[cohort.factors[0]],
                "measure": name,
                "value": round(float(value), 6),
            }


def _truth(run: Run, arms: Sequence[ArmResult]) -> pd.DataFrame:
    rows = []
    for arm in arms:
        for factor in run.factors:
            truth = run.truth(arm.recipe, factor)
            if truth is not None:
                rows.append(
                    {
                        "arm": arm.name,
                        "factor": factor,
                        "omega": truth.origin_share,
                        "r": truth.sensitivity,
                        "gap": truth.gap,
                        "auc_one_site": truth.auc_one_site,
                    }
                )
    return pd.DataFrame(rows)


def _files(run: Run) -> pd.DataFrame:
    facts = read_facts(run.store.root)
    return pd.DataFrame(
        [
            {"path": path, "sha256": sha, "hashed": facts[path].state.read.isoformat(timespec="seconds")}
            for path, sha in sorted(run.situation.hashes.items())
        ],
        columns=pd.Index(FILES.columns),
    )
