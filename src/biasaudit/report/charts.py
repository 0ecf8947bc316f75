"""The statistical figures of a run: which are drawn, under which section of the page, and in what words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.records import FindingRecord
from biasaudit.report.figures_arms import forest, truth_against_estimate
from biasaudit.report.figures_evidence import Erased, Null, caterpillar, nulls, waterfall
from biasaudit.report.figures_learned import embedding, units
from biasaudit.report.figures_quality import measure_name, quality_by_origin
from biasaudit.report.figures_scores import relevance_by_region, scores
from biasaudit.report.figures_training import training_curves
from biasaudit.report.own_words import is_framed, knows_class, masks_given
from biasaudit.report.panels import Plot
from biasaudit.report.views import arm_views, truth_rows
from biasaudit.report.views_finding import against_the_rest
from biasaudit.report.words import finite
from biasaudit.run_folder.contract import ArmRecord
from biasaudit.run_folder.reading import (
    RunRecords,
    contrasts,
    estimate_table,
    positive_class,
    score_table,
)
from biasaudit.stats.fold_scales import standardised_logits
from biasaudit.stats.site_shift import site_shifts

__all__ = ["Chart", "charts"]

_MANY_SITES = 10
"""Sites from which on they are compared one by one in a figure of their own."""

_TESTS = {
    "U1": ("Scores by origin", "statistic of the shift between origins (Wald)"),
    "A1": ("Origin readable", "AUC of the origin"),
    "U4": ("Gap left by erasing", "share of the gap between the classes"),
}
"""Checks whose distribution is stored, in plain words, and what they measure."""


@dataclass(frozen=True)
class Chart:
    """A figure to draw: its section and file name, what draws it, and its words."""

    section: str
    name: str
    draw: Callable[[], Plot]
    alt: str
    arm: str = ""
    note: str = ""


@dataclass(frozen=True)
class _Arm:
    """One arm as its figures need it."""

    record: ArmRecord
    anchor: str

    @property
    def name(self) -> str:
        return self.record["name"]

    def findings(self, code: str, factor: str, contrast: str | None) -> list[FindingRecord]:
        """Give what a check found on one factor, in one contrast."""
        return [
            each
            for each in self.record.get("findings") or []
            if each["code"] == code and each.get("factor") in (factor, None) and each.get("contrast") == contrast
        ]


def charts(records: RunRecords) -> Iterator[Chart]:
    """Plan every statistical figure that the stored tables allow.

    Parameters
    ----------
    records : RunRecords

    Yields
    ------
    Chart
        In the order of the page within each section.
    """
    yield from _quality(records)
    yield from _comparison(records)
    by_name = {arm["name"]: arm for arm in records.audit["arms"]}
    arms = [_Arm(by_name[view.name], view.anchor) for view in arm_views(records)]
    yield from _waterfall(records, arms)
    for arm in arms:
        yield from _scores(records, arm)
        yield from _nulls(records, arm)
        yield from _sites(records, arm)
        yield from _networks(records, arm)


def _quality(records: RunRecords) -> Iterator[Chart]:
    """Plan the measures of image quality, once for all arms: no network is asked."""
    table = records.image_quality
    if table["value"].notna().any():
        alt = "Measures of image quality by class and origin; tables/image_quality.tsv holds the numbers."
        unit = "pixels" if records.audit["cohort"].get("dimensions") == 2 else "mm"
        draw = partial(quality_by_origin, table, positive_class(records), unit)
        yield Chart("quality", "image_quality", draw, alt, note=_unmeasured(table))


def _unmeasured(table: pd.DataFrame) -> str:
    """Name the measures that no image has, so that nobody looks for their panels."""
    known = table.groupby("measure", sort=False)["value"].count()
    without = [measure_name(str(name)) for name in known.index[known == 0]]
    if not without:
        return ""
    reason = "; the ratio of foreground to background has no meaning in stripped images" if "FBER" in without[0] else ""
    return f"Not shown, since no image has it: {', '.join(without)}{reason}."


def _comparison(records: RunRecords) -> Iterator[Chart]:
    """Plan the arms beside each other; the planted truth has a figure of its own where these do not show it."""
    estimates, truth = estimate_table(records), truth_rows(records)
    several = len(records.audit["arms"]) > 1 and bool(set(estimates["quantity"]) - {"truth"})
    if several:
        primary = next((arm["name"] for arm in records.audit["arms"] if arm.get("primary")), estimates["arm"].iloc[0])
        alt = (
            f"Estimates of every arm with intervals, and the paired differences of {primary} and each other; the table "
            "holds the numbers."
        )
        yield Chart("comparison", "comparison", partial(forest, estimates, records.comparisons, primary), alt)
    known = truth.dropna(subset=["estimate", "omega"])
    if len(known) and not (several and {"truth", "reliance"} <= set(estimates["quantity"])):
        alt = "Estimated reliance beside the planted truth; the table holds the numbers."
        yield Chart("truth", "truth", partial(truth_against_estimate, known), alt)


def _waterfall(records: RunRecords, arms: Sequence[_Arm]) -> Iterator[Chart]:
    """Plan what erasing left, all arms in one figure."""
    erased = [each for arm in arms for each in _erased(records, arm)]
    if erased:
        parts = "; ".join(f"{each.name}: {each.share:.0%} of {each.gap:.2f} logits left" for each in erased)
        alt = f"Gap between the classes before and after the marked pathology was erased. {parts}."
        verdict: Mapping[str, object] = records.audit["settings"].get("verdict") or {}
        recorded = {key: finite(verdict.get(key)) for key in ("low", "tolerance", "high")}
        thresholds = {key: value for key, value in recorded.items() if value is not None}
        yield Chart("waterfall", "waterfall", partial(waterfall, erased, thresholds), alt)


def _erased(records: RunRecords, arm: _Arm) -> Iterator[Erased]:
    """Read what U4 found on the first factor: erasing asks nothing of the others."""
    for contrast in contrasts(records) or (None,):
        for finding in arm.findings("U4", _factor(records), contrast):
            gap = finite((finding.get("details") or {}).get("class_gap"))
            share, low, high = (finite(finding.get(key)) for key in ("statistic", "low", "high"))
            if gap is None or share is None or low is None or high is None or finding.get("p_value") is None:
                continue
            name = arm.name if contrast is None else f"{arm.name}, {against_the_rest(contrast)}"
            if gap > 0:
                yield Erased(name, gap, share, low, high, finite(finding.get("level")))


def _scores(records: RunRecords, arm: _Arm) -> Iterator[Chart]:
    """Plan one figure, or one for every contrast."""
    factor = _factor(records)
    names = contrasts(records)
    for place, contrast in enumerate(names or (None,)):
        table = _of_arm(score_table(records, factor, contrast), arm.name)
        if table.empty:
            continue
        towards = _towards(records, contrast, place)
        name = f"scores_{arm.anchor}" + (f"_contrast-{place + 1}" if names else "")
        note = "" if contrast is None else f"log odds of {towards}"
        alt = f"Held-out logits by class and {factor}, {f'{note}, ' if note else ''}{arm.name} arm."
        tested = _tested(arm.findings("U1", factor, contrast), table)
        yield Chart("scores", name, partial(scores, table, towards, tested), alt, arm.name, note)


def _towards(records: RunRecords, contrast: str | None, place: int) -> str:
    """Name of the side that a high score speaks for; the healthy contrast is turned."""
    if contrast is None:
        return positive_class(records)
    return f"not {contrast}" if place == 0 else contrast


def _tested(findings: Sequence[FindingRecord], table: pd.DataFrame) -> dict[str, set[str]]:
    """Origins that U1 compares in every class; those of all classes together count in each."""
    found: dict[str, set[str]] = {}
    origins = set(table["origin"].astype(str))
    for finding in findings:
        pair = _parted(str((finding.get("details") or {}).get("pair") or ""), origins)
        label = finding.get("class")
        for each in [label] if label else list(dict.fromkeys(table["label"].astype(str))):
            found.setdefault(str(each), set()).update(pair)
    return {label: pair for label, pair in found.items() if pair}


def _parted(pair: str, origins: set[str]) -> tuple[str, ...]:
    """Two origins out of ``a / b``, whatever their names hold."""
    parts = pair.split(" / ")
    ways = ((" / ".join(parts[:place]), " / ".join(parts[place:])) for place in range(1, len(parts)))
    return next((way for way in ways if origins.issuperset(way)), ())


def _nulls(records: RunRecords, arm: _Arm) -> Iterator[Chart]:
    """Plan what the tests compared with, in the contrast of the arm's headline."""
    tests = [test for code in _TESTS for test in _stored(records, arm, code)]
    if tests:
        alt = f"Distributions that U1, A1 and U4 compared with, and what was observed, {arm.name} arm."
        yield Chart("nulls", f"nulls_{arm.anchor}", partial(nulls, tests), alt, arm.name)


def _stored(records: RunRecords, arm: _Arm, code: str) -> Iterator[Null]:
    factors = list(records.audit["cohort"]["origins"])
    verdict: Mapping[str, object] = records.audit["settings"].get("verdict") or {}
    words, statistic = _TESTS[code]
    for factor in factors[:1] if code == "U4" else factors:
        for finding in arm.findings(code, factor, arm.record.get("contrast")):
            stored: Mapping[str, Any] = (finding.get("details") or {}).get("null") or {}
            observed = finite(stored.get("observed"))
            if observed is None or not stored.get("quantiles"):
                continue
            where = [str(finding["class"])] if finding.get("class") else []
            where += [factor] if len(factors) > 1 and code != "U4" else []
            title = ", ".join([words, *where]) + f" ({code})"
            allowed = finite(verdict.get("low")) if stored.get("from") == "resamples" else None
            quantiles = tuple(map(float, stored["quantiles"]))
            yield Null(title, statistic, quantiles, observed, finite(finding.get("p_value")), allowed)


def _sites(records: RunRecords, arm: _Arm) -> Iterator[Chart]:
    """Plan the sites one by one where there are many, in the contrast of the arm's headline."""
    factor, alpha = _factor(records), _alpha(records)
    contrast = arm.record.get("contrast")
    table = _of_arm(score_table(records, factor, contrast), arm.name)
    table = table[(table["variant"] == "original") & np.isfinite(table["logit"].astype(float))]
    if alpha is None or table["origin"].nunique() < _MANY_SITES:
        return
    folds = records.subjects.drop_duplicates("subject").set_index("subject")
    fold = table["subject"].map(folds["fold"].to_dict()).astype(str) if "fold" in folds else table["label"]
    shifts = site_shifts(
        standardised_logits(table["logit"], table["label"], fold), table["label"], table["origin"], 1 - alpha
    )
    if len(shifts.sites) < _MANY_SITES:
        return
    tested = set().union(*_tested(arm.findings("U1", factor, contrast), table).values())
    alt = f"Shift of the scores of every {factor} within classes, with intervals, sorted, {arm.name} arm."
    name = f"caterpillar_{arm.anchor}"
    yield Chart("caterpillar", name, partial(caterpillar, shifts, tested, 1 - alpha), alt, arm.name)


def _networks(records: RunRecords, arm: _Arm) -> Iterator[Chart]:
    """Plan where the relevance lies, how the networks learned and what they know."""
    positive = positive_class(records)
    relevance, training = _of_arm(_regions_there(records), arm.name), _of_arm(records.training, arm.name)
    if len(relevance):
        alt = f"Share of the absolute relevance by region and class, {arm.name} arm."
        draw = partial(relevance_by_region, relevance, positive)
        yield Chart("relevance", f"relevance_{arm.anchor}", draw, alt, arm.name)
    if len(training):
        alt = f"Training and validation loss by epoch, one line per fold, {arm.name} arm."
        yield Chart("training", f"training_{arm.anchor}", partial(training_curves, training), alt, arm.name)
    yield from _hidden(records, arm)
    places = _of_arm(records.embedding, arm.name)
    if len(places):
        alt = f"Held-out subjects by the last hidden features, coloured by class and by origin, {arm.name} arm."
        yield Chart("embedding", f"embedding_{arm.anchor}", partial(embedding, places, positive), alt, arm.name)


def _hidden(records: RunRecords, arm: _Arm) -> Iterator[Chart]:
    """Plan what the hidden units know; the note says over whom the class was asked."""
    table, knows = _of_arm(records.units, arm.name), knows_class(records)
    if len(table.dropna(subset=["origin_share", "pathology_share"])):
        alt = (
            f"What each hidden unit knows of the origin and of the {knows}, {arm.name} arm; tables/units.tsv holds it."
        )
        all_held = bool((table["held"] == "origin").all())
        held = "" if all_held else "over all origins, since no origin holds both classes, and "
        yield Chart("units", f"units_{arm.anchor}", partial(units, table, knows), alt, arm.name, held)


def _regions_there(records: RunRecords) -> pd.DataFrame:
    """Leave out the region of the pathology where none is marked, and call a frame a frame."""
    table = records.relevance
    if not masks_given(records):
        table = table[table["region"] != "pathology"]
    return table.replace({"region": {"background": "frame"}}) if is_framed(records) else table


def _factor(records: RunRecords) -> str:
    return next(iter(records.audit["cohort"]["origins"]), "")


def _alpha(records: RunRecords) -> float | None:
    return finite((records.audit["settings"].get("statistics") or {}).get("alpha"))


def _of_arm(table: pd.DataFrame, arm: str) -> pd.DataFrame:
    return table[table["arm"] == arm].reset_index(drop=True)
