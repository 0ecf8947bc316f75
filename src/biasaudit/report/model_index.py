"""The head of a model card: task, tags, and the audit's results as evaluation results that Hugging Face shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from biasaudit.report.own_words import is_table
from biasaudit.report.passages import Settings, coverage
from biasaudit.report.words import finite
from biasaudit.run_folder.contract import ArmRecord, IndependentRecord, VerdictRecord
from biasaudit.run_folder.finished import primary_arm, primary_first
from biasaudit.run_folder.reading import RunRecords

__all__ = ["card_data"]

_DIGITS = 4
_TAGS = ("biasaudit", "bias-audit", "shortcut-learning", "medical-imaging")


def card_data(records: RunRecords) -> dict[str, Any]:
    """Return the metadata of the card, the results under ``model-index``.

    Parameters
    ----------
    records : RunRecords

    Returns
    -------
    dict
        Plain JSON types. Each result is a metric with what belongs to it in ``args``: input, origin factor, contrast,
        and of an interval its bounds and its level (0 to 1).
    """
    name = str(records.audit.get("name") or "audit")
    task = "tabular-classification" if is_table(records) else "image-classification"
    tags = [tag for tag in _TAGS if tag != "medical-imaging" or not is_table(records)]
    audited = {
        "task": {"type": task},
        "dataset": {"name": f"Cohort of the audit: {name}", "type": "audited-cohort", "args": _cohort(records)},
        "metrics": list(_metrics(records)),
    }
    return {
        "library_name": "biasaudit",
        "pipeline_tag": task,
        "tags": [*tags, f"verdict-{primary_arm(records.audit)['verdict'].lower()}"],
        "model-index": [{"name": name, "results": [audited]}],
    }


def _cohort(records: RunRecords) -> dict[str, Any]:
    cohort = records.audit["cohort"]
    # Names of classes are values: as keys a reader might take them for something else than text.
    classes = [{"class": str(name), "subjects": amount} for name, amount in cohort["classes"].items()]
    return {"subjects": cohort["n"], "classes": classes, "origin_factors": list(cohort["origins"])}


def _metrics(records: RunRecords) -> Iterator[dict[str, Any]]:
    settings = Settings(records.audit["settings"])
    for arm in primary_first(records.audit):
        for verdict in arm.get("verdicts") or [_headline(arm)]:
            yield _verdict(arm, verdict)
            yield from _reliance(arm, verdict, settings)
        yield from _aucs(arm, settings)


def _headline(arm: ArmRecord) -> VerdictRecord:
    """Return the worst verdict of an arm, for a run that did not record each."""
    record: VerdictRecord = {"verdict": arm["verdict"], "contrast": arm.get("contrast")}
    return {**record, "reliance": arm["reliance"]} if "reliance" in arm else record


def _verdict(arm: ArmRecord, verdict: VerdictRecord) -> dict[str, Any]:
    args = {**_place(arm, verdict), "provisional": bool(verdict.get("provisional"))}
    return _metric("verdict", verdict["verdict"], f"Verdict of the audit{_where(arm, verdict)}", args)


def _reliance(arm: ArmRecord, verdict: VerdictRecord, settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the estimate; of a bound the bound, and that it is one."""
    found = verdict.get("reliance") or {}
    low, high, known = (finite(found.get(key)) for key in ("low", "high", "estimate"))
    value = low if known is None else known
    if value is None:
        return
    args = {
        **_place(arm, verdict),
        **_interval(low, high, coverage(found, settings.claim_level)),
        "from": found.get("from") or "",
    }
    kind = "Reliance on the origin" if known is not None else "Lower bound of the reliance on the origin"
    yield _metric("reliance", round(value, _DIGITS), f"{kind}{_where(arm, verdict)}", args)


def _aucs(arm: ArmRecord, settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the AUC to publish where there is one, and that of the subjects as they are."""
    target = arm.get("target") or {}
    own: IndependentRecord = target.get("independent") or {}
    for record, name, more in (
        (own, "AUC with class and origin made independent", {"factor": own.get("factor") or ""}),
        (target, "AUC as sampled, which says nothing of what is read", {}),
    ):
        value, low, high = (finite(record.get(key)) for key in ("auc", "auc_low", "auc_high"))
        if value is not None:
            args = {"input": arm["name"], **more, **_interval(low, high, coverage(record, settings.level))}
            yield _metric("auc", round(value, _DIGITS), f"{name}, input {arm['name']}", args)


def _metric(kind: str, value: float | str, name: str, args: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "value": value, "name": name, "args": args}


def _place(arm: ArmRecord, verdict: VerdictRecord) -> dict[str, str]:
    named = {"input": arm["name"], "factor": verdict.get("factor"), "contrast": verdict.get("contrast")}
    return {key: str(value) for key, value in named.items() if value}


def _where(arm: ArmRecord, verdict: VerdictRecord) -> str:
    contrast = f", {verdict['contrast']} against the rest" if verdict.get("contrast") else ""
    factor = f", {verdict['factor']}" if verdict.get("factor") else ""
    return f", input {arm['name']}{factor}{contrast}"


def _interval(low: float | None, high: float | None, level: float | None) -> dict[str, float]:
    """Give the bounds that are known, and the level that an interval of both has."""
    bounds = {key: round(value, _DIGITS) for key, value in (("low", low), ("high", high)) if value is not None}
    return {**bounds, "level": round(level / 100, _DIGITS)} if len(bounds) == 2 and level is not None else bounds
