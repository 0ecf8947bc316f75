"""Stored files of a run -> tables; nothing is computed again and nothing is guessed."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from biasaudit.errors import DataError, Fault, UsageError
from biasaudit.records import EstimateRecord, FloatArray, withholds_maps
from biasaudit.run_folder.audit_file import AGAIN, read_audit
from biasaudit.run_folder.contract import (
    AUDIT,
    DIFFERENCE_PICTURES,
    GALLERY_PICTURES,
    INPUT_PICTURES,
    OVERLAY_PICTURES,
    PAIR_PICTURES,
    PENDING,
    READ_BY_THE_REPORT,
    THUMBNAIL_PICTURES,
    ArmRecord,
    AuditRecord,
    Table,
)
from biasaudit.run_folder.finished import primary_arm, require_undamaged
from biasaudit.run_folder.repairs import read_repairs
from biasaudit.run_folder.tsv import read_tsv

__all__ = [
    "RunRecords",
    "class_by_origin",
    "contrasts",
    "estimate_table",
    "judged_counts",
    "judged_subjects",
    "load_run",
    "positive_class",
    "score_table",
    "untested",
    "withheld",
]

_EMPTY = ("", "nan", "NaN", "None", "n/a", "NA")


@dataclass(frozen=True)
class RunRecords:
    """All that a report is made from.

    Attributes
    ----------
    run : Path
        The run folder.
    audit : AuditRecord
        Content of ``audit.json``.
    findings : DataFrame
        One row per finding, with its arm; arm is empty for the findings of the design.
    comparisons : DataFrame
        One row per pair of arms and quantity, in the contrast of the primary arm's headline: first, second, quantity,
        difference, low, high, p_value, level.
    subjects, scores, relevance, training, preprocessing, image_quality, files : DataFrame
        The stored tables; no rows where a file is absent.
    overlays, differences, units, embedding, gallery, thumbnails, inputs, viewer : DataFrame
        The same.
    pictures : mapping of str to float (height, width)
        Slices of the attribution overlays, ``{key}__{plane}__{layer}``, and of the gallery of what was learned,
        ``{key}__{picture}``.
    difference_pictures : mapping of str to float (height, width)
        Slices of the voxelwise comparisons, named like those of the overlays.
    pair_pictures : mapping of str to float (height, width)
        Pairs that may be one subject twice, ``{pair}__{side}``.
    thumbnail_pictures : mapping of str to float (n, height, width) or (n, height, width, 3)
        ``thumbnails``, from 0 to 255.
    input_pictures : mapping of str to float (height, width)
        Channels of network inputs, by key.
    """

    run: Path
    audit: AuditRecord
    findings: pd.DataFrame
    comparisons: pd.DataFrame
    subjects: pd.DataFrame
    scores: pd.DataFrame
    relevance: pd.DataFrame
    training: pd.DataFrame
    preprocessing: pd.DataFrame
    image_quality: pd.DataFrame
    files: pd.DataFrame
    overlays: pd.DataFrame
    differences: pd.DataFrame
    units: pd.DataFrame
    embedding: pd.DataFrame
    gallery: pd.DataFrame
    thumbnails: pd.DataFrame
    inputs: pd.DataFrame
    viewer: pd.DataFrame
    pictures: Mapping[str, FloatArray]
    difference_pictures: Mapping[str, FloatArray]
    pair_pictures: Mapping[str, FloatArray]
    thumbnail_pictures: Mapping[str, FloatArray]
    input_pictures: Mapping[str, FloatArray]


def load_run(run: Path) -> RunRecords:
    """Read the stored records of a run.

    Parameters
    ----------
    run : Path
        Folder that ``biasaudit run`` wrote.

    Returns
    -------
    RunRecords

    Raises
    ------
    UsageError
        The folder is no run, or its audit is not finished.
    DataError
        A stored file is damaged; every fault at once.
    """
    require_undamaged(run, AUDIT, PENDING, "tables", "maps", "learned")
    if not run.is_dir():
        raise UsageError(f"{run}: no such folder; give the output folder of `biasaudit run`")
    if not (run / AUDIT).is_file() and not (run / PENDING).is_file():
        raise UsageError(f"{run}: no audit.json in this folder, so no finished audit; {AGAIN}")
    audit = read_audit(run, pending=True)
    audit["notes"] = [*audit["notes"], *read_repairs(run)]
    tables = {table.name: _read_table(run, table) for table in READ_BY_THE_REPORT}
    pictures = _read_pictures(run / OVERLAY_PICTURES) | _read_pictures(run / GALLERY_PICTURES)
    findings = _findings(audit)
    for name in ("overlays", "relevance", "differences", "viewer"):
        tables[name] = tables[name][~tables[name]["arm"].isin(withheld(findings))]
    return RunRecords(
        run=run,
        audit=audit,
        findings=findings,
        comparisons=_comparisons(audit),
        pictures=pictures,
        difference_pictures=_read_pictures(run / DIFFERENCE_PICTURES),
        pair_pictures=_read_pictures(run / PAIR_PICTURES),
        thumbnail_pictures=_read_pictures(run / THUMBNAIL_PICTURES),
        input_pictures=_read_pictures(run / INPUT_PICTURES),
        **tables,
    )


def withheld(findings: pd.DataFrame) -> tuple[str, ...]:
    """Arms whose attribution maps failed G2: they are not drawn."""
    rows = zip(findings["arm"], findings["code"], findings["status"], strict=True)
    return tuple(dict.fromkeys(arm for arm, code, status in rows if withholds_maps(code, status)))


def untested(findings: pd.DataFrame) -> tuple[str, ...]:
    """Arms whose attribution maps G2 has neither passed nor failed; they are drawn all the same."""
    tested = set(findings.loc[(findings["code"] == "G2") & findings["status"].isin(["clear", "concern"]), "arm"])
    return tuple(arm for arm in dict.fromkeys(findings["arm"]) if arm and arm not in tested)


def contrasts(records: RunRecords) -> tuple[str, ...]:
    """Classes that were held against the rest; none with two classes."""
    classes = tuple(str(name) for name in records.audit["cohort"]["classes"])
    return classes if len(classes) > 2 else ()


def positive_class(records: RunRecords) -> str:
    """Name of the pathology class: what the subjects say, else the last class; of several, the word for all."""
    if contrasts(records):
        return "pathology"
    subjects = records.subjects
    if "positive" in subjects:
        labels = subjects.loc[subjects["positive"].str.lower().isin(["true", "1"]), "label"]
        if len(labels):
            return str(labels.iloc[0])
    return str((list(records.audit["cohort"]["classes"]) or ["pathology"])[-1])


def judged_subjects(records: RunRecords) -> pd.DataFrame:
    """Rows of the subjects that are judged: not those that a network made elsewhere has seen, which have no fold."""
    subjects = records.subjects
    made_elsewhere = (records.audit["settings"].get("target") or {}).get("weights")
    if not made_elsewhere or "fold" not in subjects:
        return subjects
    return subjects[subjects["fold"].astype(str) != "0"]


def judged_counts(records: RunRecords) -> tuple[int, dict[str, int]]:
    """Count the subjects that are judged, in all and by class."""
    cohort, judged = records.audit["cohort"], judged_subjects(records)
    if len(judged) == len(records.subjects):
        return cohort["n"], dict(cohort["classes"])
    each = judged.drop_duplicates("subject")
    return len(each), {name: int((each["label"] == name).sum()) for name in cohort["classes"]}


def class_by_origin(records: RunRecords, factor: str) -> pd.DataFrame:
    """Count subjects per origin (rows, largest first) and class (columns).

    Parameters
    ----------
    records : RunRecords
    factor : str
        Origin factor.

    Returns
    -------
    DataFrame
        No rows where neither the subjects nor the design tell.
    """
    classes = list(records.audit["cohort"]["classes"])
    if factor in records.subjects:
        judged = judged_subjects(records)
        counts = pd.crosstab(judged[factor], judged["label"])
    elif factor == next(iter(records.audit["cohort"]["origins"]), None):
        counts = pd.DataFrame(records.audit["design"].get("table", {}))
    else:
        counts = pd.DataFrame(columns=pd.Index(classes))
    known = [name for name in classes if name in counts] + [name for name in counts if name not in classes]
    counts = counts.reindex(columns=pd.Index(known)).fillna(0).astype(int)
    totals = counts.sum(axis=1).to_dict()
    return counts.loc[sorted(totals, key=lambda origin: (-totals[origin], str(origin)))]


def score_table(records: RunRecords, factor: str, contrast: str | None = None) -> pd.DataFrame:
    """Held-out scores of the target, for one contrast, with the subject's label and origin.

    Returns
    -------
    DataFrame
        arm, subject, variant (original or erased), logit, label, origin.
    """
    scores = records.scores
    target = scores[(scores["question"] == "target") & (scores["input"] == "original")]
    if contrast is not None and "contrast" in target:
        target = target[target["contrast"] == contrast]
    columns = ["arm", "subject", "variant", "logit", "label", "origin"]
    if factor not in records.subjects or target.empty:
        return pd.DataFrame(columns=pd.Index(columns))
    subjects = records.subjects[["subject", "label", factor]].drop_duplicates("subject")
    merged = target[columns[:4]].merge(subjects.rename(columns={factor: "origin"}), on="subject", how="inner")
    return merged.dropna(subset=["logit"])


def estimate_table(records: RunRecords) -> pd.DataFrame:
    """Collect what arms are compared on.

    Returns
    -------
    DataFrame
        arm, quantity, estimate, low, high, level; of a lower bound `low` alone, of an older run no level.
    """
    rows = [
        {"arm": arm["name"], "quantity": quantity, **estimate}
        for arm in records.audit["arms"]
        for quantity, estimate in _estimates(arm).items()
        if estimate["estimate"] is not None or estimate["low"] is not None
    ]
    return pd.DataFrame(rows, columns=pd.Index(["arm", "quantity", "estimate", "low", "high", "level"]))


def _estimates(arm: ArmRecord) -> dict[str, EstimateRecord]:
    target = arm.get("target") or {}
    auc: EstimateRecord = {
        "estimate": target.get("auc"),
        "low": target.get("auc_low"),
        "high": target.get("auc_high"),
        "level": target.get("level"),
    }
    return {
        "auc": auc,
        "truth": _complete({"estimate": _planted(arm)}),
        "reliance": _complete(arm.get("reliance")),
        "lesion_gain": _complete(arm.get("lesion_gain")),
        "origin_auc": _complete(arm.get("origin_auc")),
    }


def _complete(given: EstimateRecord | None) -> EstimateRecord:
    """Put null where a part is absent."""
    known = given or {}
    return {
        "estimate": known.get("estimate"),
        "low": known.get("low"),
        "high": known.get("high"),
        "level": known.get("level"),
    }


def _planted(arm: ArmRecord) -> float | None:
    """Planted share of the class gap of the first factor."""
    planted = list((arm.get("truth") or {}).values())
    return planted[0].get("omega") if planted and planted[0] else None


def _findings(audit: AuditRecord) -> pd.DataFrame:
    rows = [{"arm": "", **finding} for finding in audit["design"].get("findings") or []]
    rows += [{"arm": arm["name"], **finding} for arm in audit["arms"] for finding in arm.get("findings") or []]
    return pd.DataFrame(rows, columns=None if rows else pd.Index(["arm", "code", "status"]))


def _comparisons(audit: AuditRecord) -> pd.DataFrame:
    columns = ["first", "second", "quantity", "difference", "low", "high", "p_value", "level"]
    primary = primary_arm(audit)
    shown = [each for each in audit["comparisons"] if each.get("contrast") in (None, primary.get("contrast"))]
    rows = [{**each, "first": each["arms"][0], "second": each["arms"][1]} for each in shown]
    return pd.DataFrame(rows, columns=pd.Index(columns))


def _read_table(run: Path, contract: Table) -> pd.DataFrame:
    path = run / contract.path
    if not path.is_file():
        return pd.DataFrame(columns=pd.Index([*contract.required]))
    try:
        table = read_tsv(path, dtype=str)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise DataError([Fault(str(path), f"not readable as a table ({error})", AGAIN)]) from None
    missing = [column for column in contract.required if column not in table]
    if missing:
        raise DataError([Fault(f"{path}:1", f"no column {', '.join(map(repr, missing))}", AGAIN)])
    numbers = {name: _numbers(table[name], path) for name in contract.numbers if name in table}
    return table.assign(**numbers)


def _numbers(column: pd.Series[str], path: Path) -> pd.Series[float]:
    known = column.where(~column.isin(_EMPTY), None)
    values = pd.to_numeric(known, errors="coerce").astype(float)
    wrong = np.flatnonzero(values.isna() & known.notna())
    if wrong.size:
        line = int(wrong[0]) + 2
        raise DataError([Fault(f"{path}:{line}", f"{column.name} is {column.iloc[wrong[0]]!r}, not a number", AGAIN)])
    return values


def _read_pictures(path: Path) -> dict[str, FloatArray]:
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name], dtype=float) for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError([Fault(str(path), f"not readable as arrays ({error})", AGAIN)]) from None
