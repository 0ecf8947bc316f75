"""What evidence is worth that has no vote: shuffled intensities, the origin's direction taken out, ranked columns.

    python benchmarks/supporting.py OUT [--only WORD ...] [--held]

audits the cohorts that OUT does not hold yet, simulated ones and real pictures with planted diseases and signatures,
whose truth is known by rendering, and prints the ROC AUC of every statistic. Driven and clean cohorts take turns.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import real_audits
import real_embeddings
import torch
from real_cohorts import cohort_of, rendered_margins, rows_of, shares
from real_pictures import at_hand
from real_specs import Spec

from biasaudit import seeds
from biasaudit.calibration.grid import Cell, Family, Grid, Span, cells, describe
from biasaudit.calibration.rates import CLEAN, DRIVEN
from biasaudit.calibration.run import finished_records, run_cells
from biasaudit.calibration.scoreboard import roc_area
from biasaudit.edits.planting.diffuse import Diffuse
from biasaudit.edits.planting.disease import Disease
from biasaudit.edits.planting.focal import Focal
from biasaudit.engine.jobs.where import HERE
from biasaudit.registry import get

CHECKS = ("D1", "D2", "G1", "A2", "A3", "U1", "U9", "U15")
OF_PHANTOMS = ("D1", "D2", "G1", "A3", "U1", "U9", "U15")
MASTER, EACH, ADDED = 20261201, 10, 6
"""Seed, cohorts of either half, and strongly driven ones, added when the first ten held too few with R* > .25."""
SOURCES = ("cxr/kermany", "cxr/nih")
KINDS = ("tone", "noise", "blur", "compression", "shading", "resampling", "border", "ringing", "curve", "glyph")
STATISTICS = ("U15", "U9", "U1", "A2 shuffled", "A2 background", "A2 silhouette", "A3 origin", "D2 product")


def picture_specs() -> list[Spec]:
    """Crossed real pictures, half of them driven; of the clean ones every other has a signature that is not used."""
    turns = [_picture(number, driven) for number in range(EACH) for driven in (True, False)]
    return [*turns, *(_picture(number, driven=True) for number in range(EACH, EACH + ADDED))]


def _picture(number: int, driven: bool) -> Spec:
    name = f"pictures-{'driven' if driven else 'clean'}-{number:02d}"
    chance = seeds.generator(MASTER, name)
    unused = not driven and number % 2 == 1
    strong = number >= EACH
    strength = float(chance.uniform(1.8, 2.6) if strong else chance.uniform(1.0, 2.5))
    level = float(chance.uniform(*((0.4, 0.6) if strong else (0.7, 1.0) if driven else (1.2, 1.5))))
    look = Focal(float(chance.uniform(0.09, 0.13)), 5.0 * level, 3, texture=0.4)
    return Spec(
        name,
        "supporting",
        "driven" if driven else "unused" if unused else "clean",
        SOURCES[number % 2],
        n=120,
        design="crossed",
        disease=Disease(look if number % 4 < 2 else Diffuse(texture=1.2 * level, grain=1.0), visible=1.0, spread=0.15),
        field="centre",
        kinds={KINDS[number % len(KINDS)]: strength} if driven or unused else {},
        confounding=0.0 if unused else 0.7,
        seed=seeds.seed(MASTER, name, "cohort") % 2**32,
    )


def phantom_cells() -> list[Cell]:
    """Crossed phantoms, alike."""
    shared: dict[str, Any] = {"design": "crossed", "n": [100], "cohorts": EACH, "checks": list(OF_PHANTOMS)}
    families = [
        Family(
            name="driven", confounding=[0.6], lesion_load=Span(low=0.3, high=0.6), kind="any",
            strength=Span(low=1.5, high=2.5), **shared,
        ),
        Family(
            name="clean", confounding=[0.0, 0.6], lesion_load=Span(low=1.5, high=2.5), kind="any",
            strength=[0.0, 0.05], **shared,
        ),
    ]  # fmt: skip
    grid = Grid(
        about="checks", version=1, seed=MASTER, spacing=6.0, folds=3, epochs=15, truth_subjects=8, n_permutations=499,
        n_bootstraps=199, families=families,
    )  # fmt: skip
    return cells(grid)


def row_of(spec: Spec, folder: Path) -> dict[str, Any]:
    """Audit one cohort of real pictures, and tell its truth by rendering."""
    started = time.process_time()
    cohort, tables = cohort_of(spec), folder / "cohort"
    (tables / "images").mkdir(parents=True)
    plan = real_audits.protocol(spec.name, tables, spec.seed, field=None, probes=False)
    plan = plan.model_copy(update={"checks": list(CHECKS)})
    with real_audits.audit(plan, (rows_of(spec, cohort.people, tables), ()), folder) as audited:
        truth = real_audits.truth_record(rendered_margins(spec, cohort.people, audited), *shares(cohort.people))
        evidence = audited.evidence
    found = [finding.to_dict() for code in CHECKS for finding in get("check", code)().judge(evidence, plan)]
    return {"name": spec.name, "family": spec.family, "r": truth["r"], **told(found), "seconds": _since(started)}


def _since(started: float) -> float:
    return round(time.process_time() - started, 1)


def told(findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What ranks the cohorts: of several findings of a check the strongest; nothing where it was not answered."""
    return {
        "competent": any(own["code"] == "G1" and own["status"] == "clear" for own in findings),
        "U15": _largest(findings, "U15", "statistic"),
        "U15 p": _smallest_p(findings, "U15"),
        "U9": -np.log10(_smallest_p(findings, "U9") or 1.0),
        "U1": -np.log10(_smallest_p(findings, "U1") or 1.0),
        **{f"A2 {own['input']}": own["statistic"] for own in findings if own["code"] == "A2"},
        "A3 origin": _largest([own for own in findings if own["class"]], "A3", "statistic"),
        "D2 product": next((_product(own) for own in findings if own["code"] == "D2"), None),
    }


def _largest(findings: Sequence[Mapping[str, Any]], code: str, name: str) -> float | None:
    return max((own[name] for own in findings if own["code"] == code and own[name] is not None), default=None)


def _smallest_p(findings: Sequence[Mapping[str, Any]], code: str) -> float | None:
    own = [each["p_value"] for each in findings if each["code"] == code and each["p_value"] is not None]
    return min(1.0, len(own) * min(own)) if own else None


def _product(finding: Mapping[str, Any]) -> float | None:
    """Utility times detectability of the origin."""
    ranked = finding["details"].get("attributes", {})
    return next((own["product"] for name, own in ranked.items() if name.startswith("origin: ")), None)


def pictures(out: Path, words: Sequence[str], *, held: bool = False) -> pd.DataFrame:
    """Rows of the real pictures, those that `out` holds not audited again."""
    return pd.DataFrame(_rows(out, "", words, row_of, held=held))


def embeddings(out: Path, words: Sequence[str], *, held: bool = False) -> pd.DataFrame:
    """Rows of the embeddings of the same pictures."""
    rows = _rows(out / "embeddings", "embeddings of ", words, real_embeddings.row_of, held=held)
    return pd.DataFrame([{**row, **told(row["findings"])} for row in rows])


def _rows(
    out: Path, title: str, words: Sequence[str], make: Callable[[Spec, Path], dict[str, Any]], *, held: bool
) -> list[dict[str, Any]]:
    specs = [spec for spec in picture_specs() if any(word in f"{title}{spec.name}" for word in words)]
    kept = [spec for spec in specs if not held or (out / spec.name / "row.json").exists()]
    return [_kept(out / spec.name, partial(make, spec)) for spec in kept]


def _kept(folder: Path, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Return the row that a folder holds, made first where it holds none."""
    path = folder / "row.json"
    if not path.exists():
        shutil.rmtree(folder, ignore_errors=True)
        row = make(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row))
        print({name: own for name, own in row.items() if name != "findings"}, flush=True)
    return dict(json.loads(path.read_text()))


def phantoms(out: Path, words: Sequence[str], *, held: bool = False) -> pd.DataFrame:
    """Rows of the phantoms."""
    own = [cell for cell in phantom_cells() if any(word in f"phantoms-{cell.name}" for word in words)]
    if not held:
        run_cells(own, out / "phantoms", HERE, lambda done, of, job: print(f"phantoms {done} of {of}", flush=True))
    about = {cell.name: describe(cell) for cell in own}
    rows = []
    for cohort in finished_records(own, out / "phantoms"):
        record = cohort["records"][0]
        truth = record["truth"] or {"r": None}
        rows.append(
            {"name": cohort["name"], "r": truth["r"], **about.get(cohort["name"], {}), **told(record["findings"])}
        )
    return pd.DataFrame(rows)


def board(table: pd.DataFrame) -> Iterator[str]:
    """One line per statistic: ROC AUC of driven against clean competent networks, and how often each flags."""
    asked = table[table.competent]
    for name in STATISTICS:
        if name not in asked or asked[name].isna().all():
            continue
        known = asked[asked[name].notna()]
        driven, clean = (known[rows][name].to_numpy(float) for rows in (known.r > DRIVEN, known.r <= CLEAN))
        found, low, high = roc_area(driven, clean)
        area = "-" if np.isnan(found) else f"{found:.2f} [{low:.2f}, {high:.2f}]"
        flags = [_flagged(known[rows], name) for rows in (known.r > DRIVEN, known.r <= CLEAN)]
        yield f"| {name} | {driven.size} | {clean.size} | {area} | {flags[0]} | {flags[1]} |"


def _flagged(rows: pd.DataFrame, name: str) -> str:
    """How many of the cohorts have p <= .05, where the statistic has one."""
    p_values = rows.get(f"{name} p")
    return "-" if p_values is None else f"{int((p_values <= 0.05).sum())} of {len(rows)}"


def _verdicts(table: pd.DataFrame) -> str:
    """How many were called ORIGIN or MIXED, by their truth; nothing where no verdict was asked."""
    if "verdict" not in table:
        return ""
    flagged = table.verdict.isin(("ORIGIN", "MIXED"))
    told = ((f"R\\* <= {CLEAN}", flagged[table.r <= CLEAN]), ("R\\* >= .5", flagged[table.r >= 0.5]))
    return "Called ORIGIN or MIXED: " + ", ".join(f"{own.sum()} of {own.size} with {name}" for name, own in told) + "."


def study(scratch: Path) -> str:
    return page(scratch, [""])


HEAD = """\
| statistic | driven | clean | ROC AUC [95 %] | driven, p <= .05 | clean, p <= .05 |
|---|---|---|---|---|---|"""
TEXT = """\
## Evidence without a vote

Command: `python benchmarks/run.py supporting`. Crossed cohorts of two sites. Real pictures: chest X-rays of one source,
120 in each cohort, with planted diseases and signatures; every other clean cohort has a signature that does not go with
the label. Phantoms: 100 in each. Embeddings: the same pictures through an untrained convolutional network. R\\*: the
truth, by rendering. Driven: R\\* > .25; clean: R\\* <= .05; of targets that beat chance. U1 and U9 rank by -log10 p,
the others by their statistic; *D2 product* is utility times detectability of the origin. Intervals: bootstrap over
cohorts."""


def page(out: Path, words: Sequence[str], *, held: bool = False) -> str:
    """The section of the page of benchmarks; where `held` nothing is audited that `out` does not hold."""
    torch.set_num_threads(1)
    parts = [TEXT]
    kinds = {"Real pictures": pictures, "Phantoms": phantoms, "Embeddings of real pictures": embeddings}
    for title, made in kinds.items():
        if title == "Phantoms" or at_hand():
            table = made(out, words, held=held)
            parts += [f"{title} ({_about(table)}):", "\n".join([HEAD, *board(table)]), _verdicts(table)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _about(table: pd.DataFrame) -> str:
    """Count the cohorts by their truth, and say what one takes."""
    counts = (int((table.r > DRIVEN).sum()), int((table.r <= CLEAN).sum()), len(table))
    told = "{2} cohorts: {0} with R\\* > {driven}, {1} with R\\* <= {clean}"
    seconds = f"; {table.seconds.median():.0f} s of one core each" if "seconds" in table else ""
    return told.format(*counts, driven=DRIVEN, clean=CLEAN) + seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*", default=[""], help="cohorts whose names hold one of these words")
    parser.add_argument("--held", action="store_true", help="audit nothing, print what OUT holds")
    arguments = parser.parse_args()
    print(page(arguments.out, arguments.only, held=arguments.held))
