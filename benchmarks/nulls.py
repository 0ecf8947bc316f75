"""How often the verdict flags where nothing is planted but the cohort is not what tests would like.

    python benchmarks/nulls.py OUT [--pictures DIR] [--cohorts N] [--drawn N] [--held] [--write docs]

Few patients, wrong labels, healthy with benign findings, and origins whose images vary unequally. Audits those cohorts
of `protocols/calibration.yaml` that judge and whose family is named `null-...`, unless OUT holds them already; with
`--held` none is audited. All that OUT holds, and the null cohorts that `real_images.py` left in DIR, are judged by the
present code; nothing is trained again. `--drawn` judges so many crossed cohorts a family whose scores are drawn, and
keeps what came of it. With `--write` the page `calibration-nulls.md` is written into that folder. No
threshold was chosen on any of these cohorts.
"""

from __future__ import annotations

import argparse
import json
import pickle
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import real_images
import torch
from nulls_drawn import drawn
from nulls_page import page
from real_specs import PREVALENCES, UNEQUAL
from real_specs import Spec as Pictures

from biasaudit.calibration.cohort import gathered, judged, trained, truth_of
from biasaudit.calibration.grid import Cell, cells, describe, load_grid
from biasaudit.calibration.provenance import code_commit, machine
from biasaudit.engine.jobs.store import Store

GRID = Path(__file__).resolve().parent.parent / "protocols" / "calibration.yaml"
FAMILIES = ("healthy mix", "healthy mix differs", "noise 5", "noise 10", *PREVALENCES, UNEQUAL)
"""Of the real pictures."""


def phantoms() -> list[Cell]:
    """Simulated cohorts that judge, families taking turns."""
    return [cell for cell in cells(load_grid(GRID)) if cell.family.startswith("null-") and cell.half == "judge"]


def audit(cell: Cell, folder: Path) -> None:
    """Train, render the truth, and keep what judging needs."""
    started = time.process_time()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run = trained(cell.protocol, Store(folder / "run"))
    (folder / "evidence.pickle").write_bytes(pickle.dumps(gathered(run, "intensity")))
    truth = {**(truth_of(run, cell.protocol.arms[0]) or {}), "seconds": time.process_time() - started}
    shutil.rmtree(folder / "run")
    (folder / "truth.json").write_text(json.dumps(truth))


def records(cell: Cell, folder: Path) -> list[dict[str, Any]]:
    """Judge one cohort that was audited, with its masks and without."""
    evidence = pickle.loads((folder / "evidence.pickle").read_bytes())
    truth = json.loads((folder / "truth.json").read_text())
    about = {**describe(cell), "arm": "intensity", "truth": truth}
    return [{**about, **own} for own in judged(evidence, cell.protocol)]


def simulated(out: Path, count: int, *, held: bool) -> Iterator[dict[str, Any]]:
    """Give the records of one cohort after the other."""
    for cell in phantoms()[: count or None]:
        folder = out / cell.name
        if not held and not (folder / "truth.json").exists():
            audit(cell, folder)
            print(cell.name, *(own["verdict"] for own in records(cell, folder)), file=sys.stderr, flush=True)
        if (folder / "truth.json").exists():
            yield {"name": cell.name, "records": records(cell, folder), "comparisons": []}


def pictured(folder: Path) -> list[dict[str, Any]]:
    """Judge the null cohorts of real pictures that were audited, again."""
    own = [each for each in real_images.cohorts() if isinstance(each, Pictures) and each.group == "judging"]
    return [
        real_images.row_of(each, folder)
        for each in own
        if each.family in FAMILIES and (folder / each.name / "truth.json").exists()
    ]


def made_up(out: Path, count: int) -> list[dict[str, Any]]:
    """Judge drawn scores, or tell what was found the last time."""
    path = out / "drawn.json"
    if count:
        path.write_text(json.dumps(list(drawn(count))))
    return json.loads(path.read_text()) if path.exists() else []


def provenance(found: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    seconds = (
        sum(each["records"][0]["truth"]["seconds"] for each in found),
        sum(row["truth"]["seconds"] for row in rows),
    )
    return {
        "command": "make nulls",
        "commit": code_commit(),
        "simulated cohorts": f"{len(found)} of {len(phantoms())}, families taking turns; 6 mm, 3 folds, 15 epochs",
        "real pictures": f"{len(rows)} cohorts of 64 pixels, as far as run, source after source; 3 folds, 15 epochs",
        "time": f"{seconds[0] / 60:.0f} min of one core for simulated cohorts, {seconds[1] / 60:.0f} min for pictures",
        "machine": machine(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder of real_images.py")
    parser.add_argument("--cohorts", type=int, default=0, help="only the first so many")
    parser.add_argument("--drawn", type=int, default=0, help="cohorts of drawn scores per family, judged anew")
    parser.add_argument("--held", action="store_true", help="audit nothing, judge what is there")
    parser.add_argument("--write", type=Path, help="folder that gets calibration-nulls.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = list(simulated(arguments.out, arguments.cohorts, held=arguments.held))
    rows = pictured(arguments.pictures) if arguments.pictures else []
    scored = made_up(arguments.out, arguments.drawn)
    text = page(found, rows, scored, provenance(found, rows))
    print(text)
    if arguments.write:
        (arguments.write / "calibration-nulls.md").write_text(text)


if __name__ == "__main__":
    main()
