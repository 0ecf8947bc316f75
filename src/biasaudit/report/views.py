"""Stored records -> what a template prints: small frozen records of finished text, so that templates hold no logic."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from biasaudit.records import RelianceRecord, VerdictWord
from biasaudit.report.views_bar import Bar, reliance_bar
from biasaudit.report.views_details import text_of
from biasaudit.report.views_finding import against_the_rest
from biasaudit.report.views_rates import RatesView, rates_view
from biasaudit.report.words import (
    BEYOND_FIELD,
    VERDICTS,
    finite,
    interval,
    leveled,
    number,
    percent,
    reliance_words,
    worst,
)
from biasaudit.run_folder.contract import ArmRecord, TargetRecord, VerdictRecord
from biasaudit.run_folder.finished import primary_first
from biasaudit.run_folder.reading import RunRecords
from biasaudit.vocabulary import OF_FIELD

__all__ = [
    "ArmView",
    "VerdictView",
    "arm_views",
    "provenance",
    "truth_rows",
]


_COMES_FROM = "where the image comes from"
_MEASURED = {
    "P1": "by new images of the missing cell",
    "U1": "by comparing origins inside each class",
    "U4": "by erasing the lesions",
    "U5": "by imposing the signature of the other side",
    "U13": "by exchanging what lies outside the disease field",
    "U14": "by blanking the disease field",
}
"""How the checks that give a reliance measure it."""


@dataclass(frozen=True)
class VerdictView:
    """The answer for one arm, one origin factor and, with more than two classes, one contrast.

    `reason` is the whole of it, `why` what follows once the headline has said what was found.
    """

    factor: str
    contrast: str
    word: VerdictWord
    headline: str
    why: str
    reason: str
    settle: str
    provisional: bool
    reliance: str
    source: str
    bar: Bar | None


@dataclass(frozen=True)
class ArmView:
    """One arm: its verdicts, worst first, how well it tells the classes apart, and how often it is wrong."""

    name: str
    anchor: str
    representation: str
    primary: bool
    verdict: VerdictView
    verdicts: tuple[VerdictView, ...]
    auc: str
    auc_interval: str
    published: str
    published_interval: str
    published_on: str
    published_why: str
    unmeasured: str
    balanced_accuracy: str
    error_rates: RatesView
    flagged: tuple[str, ...]
    errors: int


def arm_views(records: RunRecords) -> tuple[ArmView, ...]:
    """Prepare every arm, the primary one first."""
    return tuple(_arm_view(arm, position) for position, arm in enumerate(primary_first(records.audit)))


def truth_rows(records: RunRecords) -> pd.DataFrame:
    """Collect the planted truth beside the estimates.

    Returns
    -------
    DataFrame
        arm, factor, estimate, low, high, omega, r, auc_one_site, gap; no rows where the cohort is not simulated.
    """
    rows = []
    for arm in records.audit["arms"]:
        reliance = {verdict["factor"]: verdict.get("reliance") or {} for verdict in _verdicts(arm)}
        for factor, truth in (arm.get("truth") or {}).items():
            given = reliance.get(factor, {})
            estimate = {key: finite(given.get(key)) for key in ("estimate", "low", "high")}
            planted = {key: finite((truth or {}).get(key)) for key in ("omega", "r", "auc_one_site", "gap")}
            rows.append({"arm": arm["name"], "factor": factor, **estimate, **planted})
    columns = ["arm", "factor", "estimate", "low", "high", "omega", "r", "auc_one_site", "gap"]
    return pd.DataFrame(rows, columns=pd.Index(columns))


def provenance(records: RunRecords) -> tuple[tuple[str, str], ...]:
    """List versions, hashes and times, as the audit stored them."""
    audit = records.audit
    names = {"protocol_sha256": "protocol (SHA-256)", "data_sha256": "data (SHA-256)", "version": "biasaudit"}
    tool = [(names.get(key, key.replace("_", " ")), text_of(value)) for key, value in audit["biasaudit"].items()]
    environment = [(key.replace("_", " "), text_of(value)) for key, value in audit["environment"].items()]
    return (*tool, *_input_files(records), *environment)


def _input_files(records: RunRecords) -> list[tuple[str, str]]:
    """Say how many files were read, and which of them were trusted to be what they were at an earlier look."""
    if records.files.empty or "hashed" not in records.files:
        return []
    hashed = records.files["hashed"].sort_values()
    earlier = hashed[hashed < str(records.audit["biasaudit"].get("started", ""))]
    text = f"{len(hashed)}, all hashed in this run"
    if len(earlier):
        since = "their size, times and a sample of their bytes are as they were then"
        text = f"{len(hashed)}, {len(earlier)} of them last hashed at {earlier.iloc[0]} or later; {since} (--rehash)"
    return [("input files", text)]


def _arm_view(arm: ArmRecord, position: int) -> ArmView:
    verdicts = tuple(_verdict_view(verdict, arm) for verdict in _verdicts(arm))
    target = arm.get("target") or {}
    published = target.get("independent") or {}
    findings = arm.get("findings") or []
    return ArmView(
        name=arm["name"],
        anchor=f"arm-{position + 1}",
        representation=str(arm.get("representation", "")),
        primary=bool(arm.get("primary", False)),
        verdict=verdicts[0],
        verdicts=verdicts,
        auc=number(target.get("auc")),
        auc_interval=leveled(interval(target.get("auc_low"), target.get("auc_high")), target.get("level")),
        published=number(published.get("auc")),
        published_interval=leveled(
            interval(published.get("auc_low"), published.get("auc_high")), published.get("level")
        ),
        published_on=str(published.get("text") or ""),
        published_why=_why_published(target),
        unmeasured=_unmeasured(arm),
        balanced_accuracy=number(target.get("balanced_accuracy")),
        error_rates=rates_view(arm.get("error_rates") or {}),
        flagged=tuple(arm.get("flagged") or ()),
        errors=sum(finding["status"] == "error" for finding in findings),
    )


def _why_published(target: TargetRecord) -> str:
    """Say why the AUC to publish is that as sampled, or another; empty where there is none, or its text says so."""
    published = target.get("independent") or {}
    how = published.get("how")
    if not how:
        return ""
    if number(published.get("auc")) == number(target.get("auc")):
        bounds = interval(published.get("auc_low"), published.get("auc_high"))
        own = "" if bounds == interval(target.get("auc_low"), target.get("auc_high")) else f" ({bounds})"
        return f"The same as sampled{own}: what the source tells of the class adds nothing here."
    if how == "probes":
        return "As sampled, knowing the source is knowing the class."
    return "As sampled, knowing the source tells something of the class."


def _unmeasured(arm: ArmRecord) -> str:
    """Say beside a flag of U1 or P1 how strong an unmeasured difference would have to be to explain it."""
    if not {"U1", "P1"} & set(arm.get("flagged") or ()):
        return ""
    factors = {own["factor"] for own in _verdicts(arm) if {"U1", "P1"} & set(own.get("flagged") or ())}
    own = (f for f in arm.get("findings") or [] if f["code"] == "D4" and f.get("class"))
    asked = (f["details"] for f in own if f.get("factor") in factors)
    text = next((str(details["sensitivity"]) for details in asked if details.get("sensitivity")), "")
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _verdicts(arm: ArmRecord) -> list[VerdictRecord]:
    """Verdicts of an arm, worst first; the arm's own where no factor is named."""
    given = arm.get("verdicts") or []
    if not given:
        return [_own_verdict(arm)]
    left = list(given)
    ordered: list[VerdictRecord] = []
    while left:
        word = worst([verdict["verdict"] for verdict in left])
        ordered += [verdict for verdict in left if verdict["verdict"] == word]
        left = [verdict for verdict in left if verdict["verdict"] != word]
    return ordered


def _own_verdict(arm: ArmRecord) -> VerdictRecord:
    return {
        "factor": "",
        "contrast": arm.get("contrast"),
        "verdict": arm["verdict"],
        "reason": arm.get("reason"),
        "settle": None,
        "provisional": arm.get("provisional", False),
        "reliance": arm.get("reliance") or {},
    }


def _verdict_view(verdict: VerdictRecord, arm: ArmRecord) -> VerdictView:
    reliance = verdict.get("reliance") or {}
    factor, reason = str(verdict.get("factor") or ""), str(verdict.get("reason") or "")
    truth = (arm.get("truth") or {}).get(factor) or {}
    return VerdictView(
        factor=factor,
        contrast=against_the_rest(verdict.get("contrast")),
        word=verdict["verdict"],
        headline=_headline(verdict["verdict"], reliance),
        why=reason.partition("Why: ")[2] or reason,
        reason=reason,
        settle=str(verdict.get("settle") or ""),
        provisional=bool(verdict.get("provisional")),
        reliance=reliance_words(reliance),
        source=_source(reliance),
        bar=reliance_bar(reliance, truth.get("omega")),
    )


def _headline(word: VerdictWord, reliance: RelianceRecord) -> str:
    """Say what was found, with its size where that is known."""
    if reliance.get("from") in OF_FIELD and word in ("ORIGIN", "MIXED"):
        return BEYOND_FIELD
    headline, share = VERDICTS[word].headline, finite(reliance.get("estimate"))
    if share is None or word not in ("ORIGIN", "MIXED"):
        return headline
    rest = f"; {percent(1 - share)} is the marked disease" if reliance.get("from") == "U4" and 0 <= share <= 1 else ""
    if word == "MIXED":
        return f"Part of what separates the classes in this network's scores is {_COMES_FROM} ({percent(share)}){rest}."
    return f"{headline.removesuffix('.')} ({percent(share)}){rest}."


def _source(reliance: RelianceRecord) -> str:
    """Say how the reliance was measured, in words and then by the check."""
    code = reliance.get("from")
    if not code:
        return ""
    how = f"measured {_MEASURED[code]} ({code})" if code in _MEASURED else f"measured by {code}"
    others = reliance.get("corroborated_by") or []
    return how + (f"; in line with {', '.join(others)}" if others else "")
