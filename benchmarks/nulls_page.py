"""The page `docs/calibration-nulls.md`, written from what `nulls.py` judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from real_rates import PREVALENCES, flat, share

from biasaudit.calibration.cohort_table import tabulate
from biasaudit.calibration.rates import CLEAN
from biasaudit.calibration.summary import markdown

FLAGGED = ("ORIGIN", "MIXED")
VARIANTS = ("nothing", "field", "20 probes", "40 probes")
TARGET = "<= 5 %, upper bound <= 8 %"
SIMULATED = {True: "simulated, masks", False: "simulated, no masks"}
ALPHA = 0.05


def page(
    cohorts: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    scored: Sequence[Mapping[str, Any]],
    provenance: Mapping[str, str],
) -> str:
    """Write the page from the records of simulated cohorts, the rows of real pictures and those of drawn scores."""
    told = pd.concat([verdicts_simulated(cohorts), verdicts_pictured(rows)], ignore_index=True)
    counted = told[told.r <= CLEAN]
    parts = [
        "# Nulls that tests do not like",
        INTRODUCTION,
        markdown(pd.DataFrame([{"": key, "value": value} for key, value in provenance.items()])),
        f"## Flagged although R\\* is at most .05 (target {TARGET})",
        markdown(by(counted, ["images"])),
        "By what is special about the cohorts, each cohort once as the strictest variant judged it (of volumes with "
        "masks and without, of pictures with nothing, a field or probes declared: flagged if any flagged):",
        markdown(by(once(counted).assign(family="all"), ["family"])),
        markdown(by(once(counted), ["family"])),
        markdown(by(once(counted), ["family", "regime"])),
        "By variant:",
        markdown(by(counted, ["family", "images"])),
        "## Each test alone",
        "Findings that may flag and have p <= .05, uncorrected, where R\\* is at most .05: the size of the test.",
        markdown(tests(cohorts, rows, [])),
        "## Drawn scores",
        DRAWN,
        markdown(drawn_scores(scored)),
        "## Not counted",
        "Networks that answer to the origin after all (R\\* above .05), which these cohorts can teach: sites whose "
        "images vary more, or hold more of a benign finding, are a signature where classes are aliased with them.",
        markdown(by(once(told[told.r > CLEAN]), ["family", "regime"])),
    ]
    return "\n\n".join(parts) + "\n"


INTRODUCTION = (
    "Nothing is planted that parts the classes but the disease, and yet the cohorts are not what a permutation or a "
    "bootstrap would like: few patients (*prevalence*: .1 to .4), wrong labels (*noise*: 5 and 10 %), subjects with a "
    "benign finding, equally often at all sites or not (*healthy mix*, *differs*), and one half of the sites whose "
    "images vary more than those of the other about the same mean (*unequal variances*: of tone, shading, noise, blur; "
    "of volumes any kind of signature). [Simulated brains](calibration.md) and [real pictures](calibration-real.md) "
    "with planted diseases; R\\* as there. This page is written by a command. No threshold was chosen on these cohorts."
)


DRAWN = (
    "Of the tests that may flag U1's alone has a null at nothing at all; the others ask for a share of the gap between "
    "the classes beyond `verdict.low`. So U1 is asked of many cohorts without a network: crossed, 2 or 4 origins of "
    "like or unlike size, 80 to 320 subjects, scores of patients 2 SD above those of the healthy, an association of "
    "class and origin of 0 to .8. *Severity known*: as with masks; U1 then also votes inside the patients and of all."
)


def drawn_scores(scored: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Flags of the verdict and size of each of U1's tests, by family and whether severity is known."""
    rows = []
    table = pd.DataFrame(scored, columns=["family", "severity", "word", "tests"])
    table = pd.concat([table, table.assign(severity="either")]) if len(table) else table
    for (family, severity), own in table.groupby(["family", "severity"], sort=True):
        tests = pd.DataFrame([test for each in own.tests for test in each], columns=["class", "p"])
        sizes = {
            f"U1, {words}, p <= .05": share((tests.p[inside(tests)] <= ALPHA).astype(float))
            for words, inside in ASKED.items()
        }
        rows.append(
            {"family": family, "severity": severity, "flagged": share(own.word.isin(FLAGGED).astype(float)), **sizes}
        )
    return pd.DataFrame(rows)


ASKED: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = {
    "healthy": lambda tests: tests["class"] == "healthy",
    "patients": lambda tests: tests["class"] == "ms",
    "all": lambda tests: tests["class"].isna(),
}

COLUMNS = ("cohort", "family", "images", "regime", "r", "n", "competent", "flagged")


def verdicts_simulated(cohorts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One line per cohort and mask variant."""
    if not cohorts:
        return pd.DataFrame(columns=COLUMNS)
    table = tabulate(cohorts)  # type: ignore[arg-type]
    family, images = table.family.map(_simulated), table.masks.map(SIMULATED)
    return table.assign(family=family, images=images, flagged=table.verdict.isin(FLAGGED))[[*COLUMNS]]


def _simulated(family: str) -> str:
    return family.removeprefix("null-").replace("-", " ")


def verdicts_pictured(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One line per cohort and what was declared."""
    if not rows:
        return pd.DataFrame(columns=COLUMNS)
    table = flat(rows).rename(columns={"name": "cohort"})
    table["family"] = table.family.map(SAME).fillna(table.family)
    known = [variant for variant in VARIANTS if f"word {variant}" in table]
    return pd.concat([_declared(table, variant) for variant in known], ignore_index=True)


def _declared(table: pd.DataFrame, variant: str) -> pd.DataFrame:
    words = table[f"word {variant}"]
    found = table.assign(images=f"pictures, {variant}", flagged=words.isin(FLAGGED))
    return found.loc[words.notna(), [*COLUMNS]]


SAME = {"noise 5": "label noise", "noise 10": "label noise"} | dict.fromkeys(PREVALENCES, "prevalence")


def once(table: pd.DataFrame) -> pd.DataFrame:
    """Each cohort once: flagged if any variant is."""
    if table.empty:
        return table
    kept = table.sort_values("images").drop_duplicates("cohort").set_index("cohort")
    return kept.assign(flagged=table.groupby("cohort").flagged.any()).reset_index()


def by(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Flags of groups of cohorts, and of their competent targets."""
    rows = []
    for key, own in table.groupby(columns, sort=True) if len(table) else ():
        names = dict(zip(columns, key if isinstance(key, tuple) else (key,), strict=True))
        competent = own[own.competent]
        rows.append(
            {**names, "flagged": share(own.flagged.astype(float)), "competent": share(competent.flagged.astype(float))}
        )
    return pd.DataFrame(rows, columns=[*columns, "flagged", "competent"])


def tests(cohorts: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], columns: list[str]) -> pd.DataFrame:
    """Share of findings with a vote whose p is at most .05."""
    told = pd.DataFrame([*_of_phantoms(cohorts), *_of_pictures(rows)])
    if told.empty:
        return told
    told["family"] = told.family.map(SAME).fillna(told.family)
    keys = [*columns, "images", "test"]
    found = [
        {**dict(zip(keys, key, strict=True)), "p <= .05": share((own.p_value <= ALPHA).astype(float))}
        for key, own in told.groupby(keys, sort=True)
    ]
    return pd.DataFrame(found)


def _of_phantoms(cohorts: Sequence[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for record in (each for cohort in cohorts for each in cohort["records"] if _clean(each["truth"])):
        for finding in record["findings"]:
            if finding["details"].get("may_flag"):
                yield _told(_simulated(record["family"]), SIMULATED[record["masks"]], finding)


def _of_pictures(rows: Sequence[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for row in rows:
        probes = [{**own[0], "code": f"P1, {k}"} for k, own in row["probes"].items() if str(k) in ("20", "40") and own]
        for finding in (*row["findings"], *probes):
            if finding["may_flag"] and _clean(row["truth"]):
                yield _told(row["family"], "pictures", finding)


def _clean(truth: Mapping[str, Any] | None) -> bool:
    return truth is not None and truth["r"] is not None and truth["r"] <= CLEAN


def _told(family: str, images: str, finding: Mapping[str, Any]) -> dict[str, Any]:
    inside = f" in {finding['class']}" if finding["class"] else ", all" if finding["code"] == "U1" else ""
    return {"family": family, "images": images, "test": finding["code"] + inside, "p_value": finding["p_value"]}
