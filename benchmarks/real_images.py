"""Calibration on real images whose truth is known: planted diseases and signatures, and withheld cells.

    python benchmarks/real_images.py OUT [--workers 2] [--only WORD ...] [--held] [--write docs] [--measured FILE]

audits every cohort that OUT does not hold yet, judges all of them, and writes OUT/rows.json; with `--write` also the
page `calibration-real.md` into that folder, with `--measured` the rates that reports print. What OUT holds already is
judged again, not trained again; with `--held` nothing else is judged. The order of the cohorts is by chance, so that
any first part of them is a fair sample.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import real_cohorts
import real_natural
import real_volumes
import torch
from real_audits import stored
from real_causes import outside
from real_judging import judged
from real_natural import Natural, natural_specs
from real_page import measured, page
from real_pictures import at_hand
from real_specs import Spec, specs
from real_volumes import Volumes, volume_specs

from biasaudit import seeds
from biasaudit.calibration.provenance import code_commit, machine

Cohort = Spec | Natural | Volumes
MODULES: dict[type, Any] = {Spec: real_cohorts, Natural: real_natural, Volumes: real_volumes}


def cohorts() -> list[Cohort]:
    """Those that chose first, then all others in an order by chance that never changes: any first part is a sample."""
    found: list[Cohort] = [*specs(), *natural_specs(), *volume_specs()]
    return sorted(found, key=lambda each: (each.about["group"] != "choosing", seeds.seed(1, "order", each.name)))


def row_of(cohort: Cohort, out: Path) -> dict[str, Any]:
    """Audit a cohort, unless that was done, and judge it."""
    torch.set_num_threads(1)
    folder, module = out / cohort.name, MODULES[type(cohort)]
    if not (folder / "truth.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        module.make(cohort, folder)
    evidence, truth = stored(folder)
    found = judged(evidence, module.protocol_of(cohort, folder / "cohort"))
    row = {**cohort.about, "regime": evidence.regime, "truth": truth, **found}
    (folder / "row.json").write_text(json.dumps(row, indent=1))
    return row


def study(chosen: list[Cohort], out: Path, workers: int) -> list[dict[str, Any]]:
    """All rows, in the order of the cohorts; what failed is named at the end and has none."""
    rows: dict[str, dict[str, Any]] = {}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(row_of, cohort, out): cohort.name for cohort in chosen}
        for done in as_completed(waiting):
            name = waiting[done]
            try:
                rows[name] = done.result()
            except Exception:
                print(f"{name} failed:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
                continue
            print(f"{len(rows)} of {len(chosen)}: {_line(rows[name])}", flush=True)
    return [rows[cohort.name] for cohort in chosen if cohort.name in rows]


def _line(row: dict[str, Any]) -> str:
    r, words = row["truth"]["r"], {name: own["word"] for name, own in row["verdicts"].items()}
    return f"{row['name']} R* {'-' if r is None else f'{r:.2f}'} {words} {row['truth']['seconds']:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="cohorts whose names hold one of these words")
    parser.add_argument("--held", action="store_true", help="audit nothing, judge what OUT holds")
    parser.add_argument("--write", type=Path, help="folder that gets calibration-real.md")
    parser.add_argument("--measured", type=Path, help="file that gets the rates that reports of pictures print")
    arguments = parser.parse_args()
    if not at_hand():
        raise SystemExit("the images are not at hand: name their folder by SHARED_DATA")
    arguments.out.mkdir(parents=True, exist_ok=True)
    started = time.time()
    rows = study(_chosen(arguments), arguments.out, arguments.workers)
    minutes = _minutes(arguments.out, 0.0 if arguments.held else (time.time() - started) / 60)
    (arguments.out / "rows.json").write_text(json.dumps(rows, indent=1))
    if arguments.write:
        text = page(rows, _provenance(rows, minutes, arguments.workers), outside())
        (arguments.write / "calibration-real.md").write_text(text)
    if arguments.measured:
        arguments.measured.write_text(json.dumps(measured(rows), indent=1) + "\n")


def _chosen(arguments: argparse.Namespace) -> list[Cohort]:
    """Return the cohorts that the command line asks for."""
    words = arguments.only or [""]
    own = [each for each in cohorts() if any(word in each.name for word in words)]
    return [each for each in own if not arguments.held or (arguments.out / each.name / "truth.json").exists()]


def _minutes(out: Path, more: float) -> float:
    """Wall time of all runs that audited, in minutes."""
    path = out / "minutes.json"
    total = more + (json.loads(path.read_text()) if path.exists() else 0.0)
    path.write_text(json.dumps(total))
    return float(total)


def _provenance(rows: list[dict[str, Any]], minutes: float, workers: int) -> dict[str, Any]:
    return {
        "command": "make calibrate-real",
        "version": version("biasaudit"),
        "commit": code_commit(),
        "cohorts": f"{len(rows)} of {len(cohorts())}, in an order by chance, strong ones added last",
        "of these chose": sum(row["group"] == "choosing" for row in rows),
        "wall time": f"{minutes:.0f} min, {workers} workers, one thread each",
        "machine": machine(),
        "audit": "built-in cnn, 15 epochs, 3 folds; pictures of 64 pixels, volumes of 6 mm; 999 resamples",
    }


if __name__ == "__main__":
    main()
