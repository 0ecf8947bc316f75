"""Two audits side by side: the same tables for the terminal and for one self-contained page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from biasaudit.comparison.record import (
    ArmPairRecord,
    ChangeRecord,
    ComparedArmRecord,
    OutcomeRecord,
    RunComparisonRecord,
)
from biasaudit.errors import UsageError
from biasaudit.records import EstimateRecord
from biasaudit.report.figures_arms import forest
from biasaudit.report.page import page_environment, page_style
from biasaudit.report.panels import inline, panel_style
from biasaudit.report.words import (
    NOTHING,
    QUANTITIES,
    STATUSES,
    VERDICTS,
    count,
    finite,
    interval,
    leveled,
    number,
    percent,
    probability,
    reliance_words,
)
from biasaudit.run_folder.checksums import write_flushed
from biasaudit.run_folder.space import lack_of_space

__all__ = ["Section", "sections", "write_comparison_page"]

_QUANTITIES = ("auc", "reliance", "lesion_gain", "origin_auc")


@dataclass(frozen=True)
class Section:
    """A table with its title; `lead` is said before it, and instead of it where there are no rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lead: str = ""


class _Names(NamedTuple):
    """How the two runs are called."""

    first: str
    second: str


@dataclass(frozen=True)
class _Card:
    run: str
    arm: str
    word: str
    provisional: bool
    headline: str
    reason: str


@dataclass(frozen=True)
class _Drawing:
    markup: Markup
    alt: str


def sections(record: RunComparisonRecord) -> tuple[Section, ...]:
    """Put a comparison of two runs into tables.

    Parameters
    ----------
    record : RunComparisonRecord
        As ``biasaudit compare --json`` prints it.

    Returns
    -------
    tuple of Section
    """
    names = _names(record)
    return (
        _runs(record, names),
        _arms(record, names),
        *(_pair(pair, names) for pair in record["pairs"]),
        _findings(record, names),
        _changes("Settings that differ", record["settings"], names, "The protocols are the same."),
        _changes("Versions that differ", record["environment"], names, "Made by the same versions."),
    )


def write_comparison_page(record: RunComparisonRecord, path: Path) -> Path:
    """Write the comparison as one page without a network.

    Parameters
    ----------
    record : RunComparisonRecord
        As ``biasaudit compare --json`` prints it.
    path : Path
        HTML file to write.

    Raises
    ------
    UsageError
        It cannot be written.
    """
    names = _names(record)
    template = page_environment().get_template("compare.html.j2")
    page = template.render(
        version=version("biasaudit"),
        style=page_style(),
        names=names,
        cards=[_card(arm, names) for arm in record["arms"] if arm["primary"]],
        drawings=list(_drawings(record, names)),
        sections=sections(record),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_flushed(path, page)
    except OSError as error:
        if lack_of_space(error):
            raise
        raise UsageError(f"{path}: the page cannot be written ({error.strerror}); give another --out") from None
    return path


def _names(record: RunComparisonRecord) -> _Names:
    """Names of the runs: as many of the last parts of their folders as tell them apart."""
    first, second = (Path(run["folder"]).parts for run in record["runs"])
    longest = max(len(first), len(second))
    parts = next((number_of for number_of in range(1, longest) if first[-number_of:] != second[-number_of:]), longest)
    return _Names("/".join(first[-parts:]), "/".join(second[-parts:]))


def _runs(record: RunComparisonRecord, names: _Names) -> Section:
    runs = record["runs"]
    shown: dict[str, list[object]] = {
        "title": [run["name"] for run in runs],
        "subjects": [run["subjects"] for run in runs],
        "design": [run["regime"] for run in runs],
        "classes": [run["classes"] for run in runs],
        "origins": [run["origins"] for run in runs],
        "version": [run["version"] for run in runs],
        "finished": [run["finished"] for run in runs],
    }
    rows = [(title, *map(_value, values)) for title, values in shown.items()]
    same = "the same" if record["same_data"] else "not the same"
    return Section("Runs", ("", *names), tuple(rows), f"Files, labels, origins and folds are {same}.")


def _arms(record: RunComparisonRecord, names: _Names) -> Section:
    arms = record["arms"]
    rows = [("verdict", *map(_verdict, arms))]
    rows += [
        (QUANTITIES[name].title, *(_estimate(_estimates(arm)[name], name) for arm in arms)) for name in _QUANTITIES
    ]
    if any(arm["truth"] for arm in arms):
        rows.append((QUANTITIES["truth"].title, *(percent((arm["truth"] or {}).get("omega")) for arm in arms)))
    columns = tuple(f"{names[arm['run'] - 1]}, {arm['arm']}" for arm in arms)
    return Section("Verdicts and estimates", ("", *columns), tuple(rows))


def _verdict(arm: ComparedArmRecord) -> str:
    open_question = " (provisional)" if arm["provisional"] and arm["verdict"] == "PATHOLOGY" else ""
    contrast = f", {arm['contrast']} against the rest" if arm["contrast"] else ""
    return f"{arm['verdict']}{open_question}{contrast}"


def _estimates(arm: ComparedArmRecord) -> dict[str, EstimateRecord | None]:
    """Estimates of an arm by quantity, in the order in which they are shown."""
    return {
        "auc": arm["auc"],
        "reliance": arm["reliance"],
        "lesion_gain": arm["lesion_gain"],
        "origin_auc": arm["origin_auc"],
    }


def _estimate(estimate: EstimateRecord | None, quantity: str) -> str:
    if estimate is None:
        return NOTHING
    if quantity == "reliance":
        return reliance_words(estimate) or NOTHING
    if finite(estimate["estimate"]) is None:
        return NOTHING
    share = QUANTITIES[quantity].is_share
    value = percent(estimate["estimate"]) if share else number(estimate["estimate"])
    bounds = leveled(interval(estimate.get("low"), estimate.get("high"), share), estimate.get("level"))
    return f"{value} ({bounds})" if bounds else value


def _pair(pair: ArmPairRecord, names: _Names) -> Section:
    title = f"Paired differences: {_labelled(names, pair['arms'])}"
    columns = ("quantity", "difference", "interval", "p")
    if pair["unpaired"]:
        lead = f"No paired differences: {pair['unpaired']}. The estimates above stand each for itself."
        return Section(title, columns, (), lead)
    rows = []
    for each in pair["differences"]:
        quantity = QUANTITIES[each["quantity"]]
        form = percent if quantity.is_share else number
        what = quantity.title + (f", {each['contrast']} against the rest" if each["contrast"] else "")
        bounds = leveled(interval(each["low"], each["high"], quantity.is_share), each.get("level"))
        rows.append((what, form(each["difference"]), bounds or NOTHING, probability(each["p_value"])))
    said = f"On {count(pair['subjects'], 'subject')} that both runs held out by the same fold."
    return Section(
        title, columns, tuple(rows), " ".join([said, *(f"{note[0].upper()}{note[1:]}." for note in pair["notes"])])
    )


def _labelled(names: _Names, arms: Sequence[str]) -> str:
    first, second = (f"{run}, {arm}" for run, arm in zip(names, arms, strict=True))
    return f"{first} minus {second}"


def _findings(record: RunComparisonRecord, names: _Names) -> Section:
    several = len(record["pairs"]) > 1
    rows = []
    for finding in record["findings"]:
        if finding["first"] is None or finding["second"] is None:
            continue
        arm = "" if not several or finding["arms"] is None else finding["arms"][0]
        parts = (arm, finding["factor"], finding["contrast"], finding["class"], finding["layer"], finding["input"])
        where = ", ".join(part for part in parts if part)
        rows.append((finding["code"], where, _said(finding["first"]), _said(finding["second"])))
    lead = [] if rows else ["Every check that both runs asked found the same."]
    only_first = [finding["code"] for finding in record["findings"] if finding["second"] is None]
    only_second = [finding["code"] for finding in record["findings"] if finding["first"] is None]
    lead += [_alone(codes, name) for codes, name in zip((only_first, only_second), names, strict=True) if codes]
    return Section("Findings that differ", ("check", "where", *names), tuple(rows), " ".join(lead))


def _alone(asked: Sequence[str], name: str) -> str:
    """Count by check what the other run was not asked."""
    codes = Counter(asked)
    listed = ", ".join(f"{code} ({found})" for code, found in codes.items())
    return f"Only {name} was asked, not shown: {count(codes.total(), 'finding')}, {listed}."


def _said(finding: OutcomeRecord) -> str:
    statistic = finite(finding["statistic"])
    return STATUSES[finding["status"]].word + ("" if statistic is None else f", {number(statistic)}")


def _changes(title: str, changes: Sequence[ChangeRecord], names: _Names, none: str) -> Section:
    rows = tuple((change["key"], _value(change["first"]), _value(change["second"])) for change in changes)
    return Section(title, ("key", *names), rows, "" if rows else none)


def _value(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, list) and all(isinstance(each, Mapping) and "name" in each for each in value):
        return ", ".join(str(each["name"]) for each in value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _card(arm: ComparedArmRecord, names: _Names) -> _Card:
    return _Card(
        run=names[arm["run"] - 1],
        arm=arm["arm"],
        word=arm["verdict"],
        provisional=arm["provisional"] and arm["verdict"] == "PATHOLOGY",
        headline=VERDICTS[arm["verdict"]].headline,
        reason=arm["reason"],
    )


def _drawings(record: RunComparisonRecord, names: _Names) -> Iterator[_Drawing]:
    """Draw the estimates of every pair of arms beside their differences."""
    for pair in record["pairs"]:
        labels = list(pair["arms"] if pair["arms"][0] != pair["arms"][1] else names)
        estimates = pd.DataFrame(
            [
                row
                for number_of, label in enumerate(labels, start=1)
                for row in _rows(_arm_of(record, pair, number_of), label)
            ],
            columns=pd.Index(["arm", "quantity", "estimate", "low", "high", "level"]),
        )
        differences = pd.DataFrame(
            [{"first": labels[0], "second": labels[1], **each} for each in pair["differences"]],
            columns=pd.Index(["first", "second", "quantity", "difference", "low", "high"]),
        ).drop_duplicates("quantity")
        if differences.empty:
            continue
        alt = f"Estimates with intervals, and their paired differences: {_labelled(names, pair['arms'])}."
        with panel_style():
            yield _Drawing(inline(forest(estimates, differences, labels[0]), alt), alt)


def _arm_of(record: RunComparisonRecord, pair: ArmPairRecord, run: int) -> ComparedArmRecord:
    return next(arm for arm in record["arms"] if (arm["run"], arm["arm"]) == (run, pair["arms"][run - 1]))


def _rows(arm: ComparedArmRecord, label: str) -> Iterator[dict[str, Any]]:
    for quantity, estimate in _estimates(arm).items():
        if estimate is not None and (finite(estimate["estimate"]), finite(estimate.get("low"))) != (None, None):
            bounds = {key: finite(estimate.get(key)) for key in ("low", "high", "level")}
            yield {"arm": label, "quantity": quantity, "estimate": finite(estimate["estimate"]), **bounds}
    omega = finite((arm["truth"] or {}).get("omega"))
    if omega is not None:
        yield {"arm": label, "quantity": "truth", "estimate": omega, "low": None, "high": None}
