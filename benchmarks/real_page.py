"""The page `docs/calibration-real.md`, written from the rows of `real_images.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import real_rates as rates
from real_rates import FLAGGED, NULLS, band, share, words

from biasaudit.calibration.summary import markdown

SHORT = ("nothing", "field", "20 probes", "40 probes")


def page(rows: Sequence[Mapping[str, Any]], provenance: Mapping[str, Any], outside: pd.DataFrame) -> str:
    """Write the page; `outside` is what differs between the classes of one source outside the field."""
    table = rates.flat(rows)
    judging = rates.judged(table)
    planted = judging[judging.family != "natural"]
    parts = [
        "# Calibration on real images",
        INTRODUCTION,
        markdown(pd.DataFrame([{"": key, "value": value} for key, value in provenance.items()])),
        "## What it had to show",
        markdown(targets(table)),
        "## The verdict",
        "Flagged (ORIGIN or MIXED) by the true reliance of the network, semi-synthetic and natural cohorts; classes "
        "aliased with their source. Competent targets (G1 clear) where R\\* is above .05.",
        _table(rates.verdicts(_aliased(judging), FLAGGED)),
        "PATHOLOGY:",
        _table(rates.verdicts(_aliased(judging), ("PATHOLOGY",))),
        "The same where the sources hold both classes (crossed; U1 answers, edits and probes have no say):",
        _table(rates.verdicts(judging[judging.regime == "crossed"], FLAGGED)),
        "## False flags by what is special about the cohort",
        _table(rates.grouped(_clean(judging), "family", SHORT, FLAGGED)),
        _table(rates.grouped(_clean(judging), "source", SHORT, FLAGGED)),
        _table(rates.grouped(_clean(judging), "n", SHORT, FLAGGED)),
        "## Detection (R\\* >= .3) by kind of signature, source and size",
        _table(rates.grouped(_driven(planted), "kind", SHORT, FLAGGED)),
        _table(rates.grouped(_driven(planted), "source", SHORT, FLAGGED)),
        _table(rates.grouped(_driven(planted), "disease", SHORT, FLAGGED)),
        _table(rates.grouped(_driven(planted), "n", SHORT, FLAGGED)),
        "## The estimators by themselves",
        "Each at level .05 without correction; the truth of all is Omega\\*. ROC AUC: R\\* > .25 against <= .05.",
        _table(rates.bounds(_aliased(judging))),
        "U13 and U14 together:",
        _table(rates.combined(_aliased(judging))),
        "## Probes by their number",
        _table(rates.probe_accuracy(_aliased(judging))),
        "## U5 by kind of image",
        _table(rates.u5_by_source(_aliased(planted))),
        "## Natural cohorts: withheld cells of real sources",
        NATURAL,
        _table(natural(table)),
        "## Reported apart",
        APART,
        _table(apart(table)),
        OUTSIDE,
        _table(outside),
        "## Limits",
        LIMITS,
        "## The cohorts that chose",
        CHOSE,
        _table(rates.bounds(_aliased(_choosing(table)))),
        _table(rates.combined(_aliased(_choosing(table)))),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


INTRODUCTION = (
    "The truth of a real image is not known. Here it is made known in two ways. *Semi-synthetic* cohorts take images "
    "of one real source, call a random half patients, plant a disease inside a field and a signature over one half: "
    "every image is rendered with and without either, and the audit's own networks answer. *Natural* cohorts take two "
    "of the four cells of two real sources and two real classes; the withheld cells give the truth. R\\* and Omega\\* "
    "are those of [the calibration on simulated brains](calibration.md). This page is written by a command."
)
NATURAL = (
    "The probes are 20 (40) images of the withheld healthy cell, the truth is told from the rest of that cell and the "
    "withheld patients. AUC: cross-validated, and on the withheld cells."
)
APART = (
    "*Single source*: real disease, both classes from one source that is declared to be two, nothing planted. What "
    "U13 and U14 see there lies outside the declared field all the same: projection, positioning, devices. *Healthy "
    "mix differs*: a benign finding in 15 % of one site's images and 45 % of the other's; whether a network that uses "
    "it uses a signature can be argued about, so R\\* counts it as one."
)
OUTSIDE = (
    "Looking for the cause: AUC of the diseased class by simple measures outside the declared field, all images of a "
    "source (of skin lesions the field is the lesion and its surroundings)."
)
LIMITS = """\
- The networks are the built-in ones, small, on small images; 100 to 160 subjects. Other networks are not covered.
- Cohorts of a source draw from the same 149 to 240 images: labels, disease, signature and training differ between
  them, the anatomies repeat. Brain slices and volumes are mixtures of three real brains.
- R\\* asks how far the network answers to the source, Omega\\* how much of the class gap it owes to it; probes, U13 and
  U14 measure Omega\\*. They part where a signature acts inside the lesion, such as a tone curve: the few networks with
  R\\* of .3 or a little more that probes clear have a small Omega\\*.
- What a field gives as a number, half of the smaller bound of U13 and U14, was chosen on half of the judging cohorts
  (an even MD5 of the name) after the choosing ones had held no marks in the frame; the rows above give both halves
  apart. It changes no row without a field.
- U13 and U14 overstate bright marks outside the field (rulers, letters): an edited image is standardised again, and
  where the field has become smoother the marks stand out more than they did. They also carry tones into the lesion.
- A target that hardly separates the classes (AUC below about .85) is not cleared by 40 probes: the class gap is then
  too small against the spread of the scores.
- Where the classes of one source differ outside the field (bedside images of the sicker, larger lesions), U13 and U14
  flag although there is one source: hence their words, "source, projection or positioning"."""
CHOSE = "Other sources, other images and mostly other kinds of signature; nothing on this page was counted on them."


def _table(found: pd.DataFrame) -> str:
    return "" if found.empty else markdown(found)


def _aliased(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table.regime == "aliased") & (table.competent | (table.r <= 0.05))]


def _clean(table: pd.DataFrame) -> pd.DataFrame:
    return table[band(table, "R* <= .05")]


def _driven(table: pd.DataFrame) -> pd.DataFrame:
    own = _aliased(table)
    return own[own.r >= 0.3]


def _choosing(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table.group == "choosing") & ~table.family.isin(rates.APART) & table.r.notna()]


def _chose(table: pd.DataFrame) -> pd.Series:
    """Whether a judging cohort is of the half that the number of a field was chosen on: its name has an even MD5."""
    return table.name.map(lambda name: int(hashlib.md5(name.encode()).hexdigest(), 16) % 2 == 0)


def targets(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the issue that real images answer."""
    judging = rates.judged(table)
    planted = _aliased(judging[judging.family != "natural"])
    own, strong = judging[judging.family.isin(NULLS)], planted[planted.r >= 0.5]
    few, high = "<= 5 %, upper bound <= 8 %", judging[judging.competent & (judging.r >= 0.3)]
    clean = _aliased(judging)[lambda t: t.r <= 0.05]
    rows = [
        *(_target(f"nulls flagged, {v}", few, words(own, v, FLAGGED)) for v in SHORT),
        *(_target(f"all with R* <= .05 flagged, {v}", few, words(_clean(judging), v, FLAGGED)) for v in SHORT),
        _target("R* >= .5 flagged, 20 probes", ">= 98 %", words(strong, "20 probes", FLAGGED)),
        _target("R* >= .5 flagged, field only", ">= 85 %", words(strong, "field", FLAGGED)),
        _target("R* >= .5: bound above Omega*, 20 probes", "<= 5 %", _above(strong, "20 probes")),
        *(
            _target(f"R* >= .5: bound above Omega*, field only, {half}", "<= 5 %", _above(strong[rows], "field"))
            for half, rows in (("the half that chose it", _chose(strong)), ("the other half", ~_chose(strong)))
        ),
        *(_target(f"PATHOLOGY where R* >= .3, {v}", "<= 2 %", words(high, v, ("PATHOLOGY",))) for v in rates.VARIANTS),
        _target("PATHOLOGY where R* <= .05, 40 probes", ">= 80 %", words(clean, "40 probes", ("PATHOLOGY",))),
        _target("the same, competent targets", ">= 80 %", words(clean[clean.competent], "40 probes", ("PATHOLOGY",))),
    ]
    return pd.DataFrame(rows)


def _target(quantity: str, goal: str, events: pd.Series) -> dict[str, str]:
    return {"quantity": quantity, "target": goal, "measured": share(events)}


def _above(table: pd.DataFrame, variant: str) -> pd.Series:
    """Of the cohorts with a bound, whether it lies above the truth."""
    known = table[table[f"low {variant}"].notna()] if f"low {variant}" in table else table.iloc[:0]
    return (known[f"low {variant}"].astype(float) > known.omega).astype(float) if len(known) else pd.Series(dtype=float)


def measured(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rates that reports of pictures print, by what was declared: planted cohorts whose classes are aliased."""
    table = _aliased(rates.judged(rates.flat(rows)))
    planted = table[(table.family != "natural") & ~table.source.str.contains("volumes")]
    return {"cells": [_cell(planted, name) for name in CELLS if words(planted, name, FLAGGED).notna().any()]}


CELLS = {
    "nothing": ("nothing declared", 0),
    "field": ("a field", 0),
    **{f"{k} probes": (f"{k} probes", k) for k in rates.COUNTS},
}


def _cell(table: pd.DataFrame, name: str) -> dict[str, Any]:
    text, probes = CELLS[name]
    return {
        "words": text,
        "probes": probes,
        "field": name == "field",
        "false_flag": _counted(words(table[table.r <= rates.CLEAN], name, FLAGGED)),
        "false_clear": _counted(words(table[table.r >= 0.3], name, ("PATHOLOGY",))),
        "undetermined": _counted(words(table, name, ("UNDETERMINED",))),
    }


def _counted(events: pd.Series) -> dict[str, Any]:
    known = events.dropna()
    value, low, high = rates.rate(int(known.sum()), len(known))
    return {"n": len(known), "rate": value, "low": low, "high": high} if len(known) else dict(NOTHING_COUNTED)


NOTHING_COUNTED = {"n": 0, "rate": None, "low": None, "high": None}


def natural(table: pd.DataFrame) -> pd.DataFrame:
    """One line per natural cohort."""
    own = table[table.family == "natural"].sort_values("name")
    return pd.DataFrame([_natural(row) for row in own.to_dict("records")])


def _natural(row: Mapping[str, Any]) -> dict[str, str]:
    verdicts = {f"verdict, {name}": str(row.get(f"word {name}", "-")) for name in SHORT}
    return {
        "cohort": str(row["name"]).removeprefix("natural-"),
        "AUC": _number(row["auc"]),
        "withheld": _number(row.get("auc_withheld")),
        "R*": _number(row["r"]),
        "Omega*": _number(row["omega"]),
        "P1, 20": _span(row, "P1 20"),
        "U13 at least": _number(row.get("U13 low")),
        "U14 at least": _number(row.get("U14 low")),
        **verdicts,
    }


def _span(row: Mapping[str, Any], name: str) -> str:
    estimate, low, high = (_number(row.get(f"{name} {part}")) for part in ("statistic", "low", "high"))
    return f"{estimate} [{low}, {high}]"


def _number(value: Any) -> str:
    return "-" if value is None or pd.isna(value) else f"{float(value):.2f}"


def apart(table: pd.DataFrame) -> pd.DataFrame:
    """What is found where the truth can be argued about, by family and source."""
    own = table[table.family.isin(rates.APART) & (table.group == "judging")]
    rows = []
    for (family, source), part in own.groupby(["family", "source"], sort=True):
        found = {f"flagged, {v}": share(words(part, v, FLAGGED)) for v in SHORT}
        means = {f"mean {name}": _number(part[f"{name} statistic"].mean()) for name in ("P1 40", "U13", "U14")}
        rows.append({"family": family, "source": source, "R* at most": _number(part.r.max()), **means, **found})
    return pd.DataFrame(rows)
