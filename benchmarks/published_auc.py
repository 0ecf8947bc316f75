"""Does the AUC to publish (G1) hold where class and origin are independent? On cells that the audit never saw.

Crossed cohorts of real pictures hold 44 and 8 subjects of each class at either origin; the truth is the AUC of the
audit's own networks on the rest of all four cells, origins weighted as in the audit. Diagonals hold one class from each
origin and 20 probes; the truth is the AUC on the withheld subjects of the patients' origin. Of phantoms it follows from
held-out brains rendered at every site with and without lesions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from audits import number
from real_audits import Networks, audit, protocol
from real_cohorts import write_mask, write_picture
from real_natural import FIELDS, LABELS, ORIGINS
from real_pictures import Picture, at_hand, field_of, pictures

from biasaudit import seeds
from biasaudit.calibration.rates import rate
from biasaudit.checks.published_auc import published_auc
from biasaudit.engine.steps.score import predict_rows
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence
from biasaudit.stats.independent import Scored, auc_inside_origins, independent_auc, shared_origins

ROOT = Path(__file__).resolve().parent.parent
GRID = ROOT / "protocols" / "calibration-published.yaml"
COHORTS = int(os.environ.get("BIASAUDIT_RUNS", "6"))
MANY, FEW, PROBES, CELL = 44, 8, 20, 60


@dataclass(frozen=True)
class Drawn:
    """A cohort from two origins: most patients are of `ill`, most healthy of `well`; crossed or not."""

    collection: str
    well: str
    ill: str
    labels: tuple[str, str]
    crossed: bool
    number: int

    @property
    def name(self) -> str:
        return f"{'crossed' if self.crossed else 'probes'}-{self.collection}-{self.well}-{self.labels[0]}-{self.number}"

    @property
    def cells(self) -> tuple[tuple[str, bool, int], ...]:
        """Origin, whether patients, and how many are audited."""
        if self.crossed:
            sizes = (MANY, FEW, FEW, MANY)
            every = ((self.well, False), (self.well, True), (self.ill, False), (self.ill, True))
            return tuple((*cell, size) for cell, size in zip(every, sizes, strict=True))
        return ((self.well, False, CELL), (self.ill, True, CELL), (self.ill, False, 0))


def drawn() -> Iterator[Drawn]:
    for number_ in range(COHORTS):
        for collection, origins in ORIGINS.items():
            for crossed in (True, False):
                turn = number_ % 2
                labels = LABELS[collection] if number_ // 2 % 2 == 0 else LABELS[collection][::-1]
                yield Drawn(collection, origins[turn], origins[1 - turn], labels, crossed, number_)


def measured(spec: Drawn, folder: Path) -> dict[str, Any]:
    """Audit one cohort, and let its networks score what it withholds."""
    tables, chance = folder / "cohort", seeds.generator(5, spec.name)
    (tables / "images").mkdir(parents=True)
    people, probes, withheld = [], [], []
    for origin, ill, size in spec.cells:
        own = [p for p in pictures(f"{spec.collection}/{origin}") if p.label == spec.labels[int(ill)]]
        own = [own[place] for place in chance.permutation(len(own))]
        new = PROBES if size == 0 else 0
        people += [_row(spec, picture, ill, origin, tables) for picture in own[:size]]
        probes += [_row(spec, picture, ill, origin, tables) for picture in own[size : size + new]]
        withheld += [(picture, ill, origin) for picture in own[size + new :]]
    field = {"column": "field"} if FIELDS[spec.collection] == "lesion" else "centre"
    plan = protocol(spec.name, tables, chance.integers(2**31), field=field, probes=bool(probes))
    plan = Protocol.model_validate({**plan.model_dump(), "checks": ["D1", "G1", "U1", "P1"]})
    with audit(plan, (people, probes), folder) as audited:
        return {"spec": spec.name, **_compared(audited.evidence, plan, audited.networks, withheld, folder)}


def _row(spec: Drawn, picture: Picture, ill: bool, origin: str, folder: Path) -> dict[str, Any]:
    image, field = f"images/{picture.name}.png", f"images/{picture.name}_field.png"
    write_picture(np.round(picture.levels).astype(np.uint8), folder / image)
    if picture.mask is not None:
        write_mask(field_of(picture, FIELDS[spec.collection]), folder / field)
    label = "patient" if ill else "healthy"
    return {"subject": picture.name, "image": image, "field": field, "label": label, "origin": origin}


def _compared(
    evidence: ArmEvidence,
    plan: Protocol,
    networks: Networks,
    withheld: Sequence[tuple[Picture, bool, str]],
    folder: Path,
) -> dict[str, Any]:
    found, path, inputs = published_auc(evidence, plan), folder / "scored.png", []
    plain = Scored(evidence.logit, evidence.positive, np.zeros(len(evidence.logit)), evidence.fold)
    for picture, _, _ in withheld:
        write_picture(np.round(picture.levels).astype(np.uint8), path)
        inputs.append(networks.read(path))
    scores = [predict_rows([network], np.stack(inputs))[:, 0] for network in networks.by_fold.values()]
    times, k = len(scores), len(withheld)
    made = Scored(
        np.concatenate(scores),
        np.tile([ill for _, ill, _ in withheld], times),
        np.tile([origin for _, _, origin in withheld], times),
        np.repeat(np.arange(times), k),
        np.tile(np.arange(k), times),
    )
    shares = shared_origins(evidence.positive, evidence.origin) or {str(o): 1.0 for o in _both(withheld)}
    truth, inside = independent_auc(made, shares), auc_inside_origins(made, shares)
    return {
        "how": found.how,
        "plain": independent_auc(plain, shared_origins(plain.positive, plain.origin)).estimate,
        "auc": found.area.estimate,
        "low": found.area.low,
        "high": found.area.high,
        "inside": found.inside,
        "truth": truth.estimate,
        "truth_error": float(np.sqrt(truth.influence @ truth.influence)),
        "truth_inside": inside.estimate,
    }


def _both(withheld: Sequence[tuple[Picture, bool, str]]) -> list[str]:
    """Origins of which both classes are withheld."""
    return sorted({o for _, ill, o in withheld if ill} & {o for _, ill, o in withheld if not ill})


def phantoms(scratch: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "biasaudit", "calibrate", "--grid", str(GRID), "-o", str(scratch / "grid")]
    workers = os.environ.get("BIASAUDIT_WORKERS", "2")
    subprocess.run([*command, "--workers", workers], check=True, stdout=sys.stderr)
    rows = []
    for path in sorted((scratch / "grid").rglob("record.json")):
        record = json.loads(path.read_text())["records"][0]
        competence = next(f for f in record["findings"] if f["code"] == "G1")
        details, truth = competence["details"], record["truth"]
        rows.append(
            {
                "spec": f"phantom-{record['family']}",
                "how": details["independent_how"],
                "plain": competence["statistic"],
                "auc": details["independent_auc"],
                "low": details["independent_low"],
                "high": details["independent_high"],
                "inside": details["inside_origins_auc"],
                "truth": truth["auc_independent"],
                "truth_error": np.nan,
                "truth_inside": truth["auc_one_site"],
            }
        )
    return rows


def study(scratch: Path) -> str:
    rows = phantoms(scratch)
    if at_hand():
        for spec in drawn():
            (scratch / spec.name).mkdir()
            rows.append(measured(spec, scratch / spec.name))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return "\n".join(
        [
            "## The AUC to publish\n",
            "Command: `python benchmarks/run.py published_auc`. The truth is the AUC of the audit's own networks where "
            "class and origin are independent, on pictures that the audit never saw (crossed: the rest of all four "
            "cells; probes: the patients' origin), and of phantoms on held-out brains rendered at every site with and "
            "without lesions. Intervals of the AUC at 95 %; rates with 95 % intervals (Wilson). The last column "
            "compares subjects of one origin only; of phantoms its truth is `auc_one_site`.\n",
            "| cohorts | n | AUC as sampled | AUC to publish | truth | mean error | truth inside its interval "
            "| as-sampled AUC inside it | inside one origin: error |",
            "|---|---|---|---|---|---|---|---|---|",
            *(_line(name, [row for row in rows if row["spec"].startswith(name)]) for name in _groups(rows)),
            "",
        ]
    )


def _groups(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    phantoms_ = ("phantom-confounded-clean", "phantom-confounded-signature")
    known = (*phantoms_, "crossed-cxr", "crossed-ham", "probes-cxr", "probes-ham")
    return [name for name in known if any(row["spec"].startswith(name) for row in rows)]


def _line(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    known = [row for row in rows if row["auc"] is not None and np.isfinite(row["auc"])]
    mean = {key: float(np.mean([row[key] for row in known])) for key in ("plain", "auc", "truth")}
    error = float(np.mean([abs(row["auc"] - row["truth"]) for row in known]))
    inside = float(np.mean([abs(row["inside"] - row["truth_inside"]) for row in known]))
    shares = [
        rate(sum(row["low"] <= row[key] <= row["high"] for row in known), len(known)) for key in ("truth", "plain")
    ]
    held, plain = (f"{share:.2f} [{low:.2f}, {high:.2f}]" for share, low, high in shares)
    numbers = " | ".join(number(mean[key]) for key in ("plain", "auc", "truth"))
    return f"| {name} | {len(known)} of {len(rows)} | {numbers} | {error:.3f} | {held} | {plain} | {inside:.3f} |"
