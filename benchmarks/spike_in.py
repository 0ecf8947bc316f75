"""G3 on real pictures: are perfect clean networks cleared, ordinary ones as before, and driven ones never?

    python benchmarks/spike_in.py OUT [--only WORD ...] [--workers 1] [--held]

audits crossed cohorts of planted disease: `perfect` and `ordinary` ones without a signature, `driven` ones with one.
G3 is asked of all of them. OUT keeps one record for each; with `--held` only those are counted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from held_apart import write_table
from real_audits import Audited, protocol, truth_record
from real_cohorts import Subject, cohort_of, rendered_margins, rows_of, shares
from real_pictures import at_hand
from real_specs import Spec
from scipy.stats import beta

from biasaudit import seeds
from biasaudit.edits.planting.diffuse import Diffuse
from biasaudit.edits.planting.disease import Disease
from biasaudit.edits.planting.focal import Focal
from biasaudit.engine.audit import Options, run_audit
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.protocol import Protocol

CHECKS = ["D1", "G1", "U1", "G3"]
SOURCES = ("cxr/kermany", "openms/slices", "cxr/nih", "ham/rosendahl")
SUBJECTS, RENDERED, FOLDS, EPOCHS = 120, 40, 2, 20
DELTA = 0.25
"""Wider than the default: there are too few pictures to show equivalence within .10, and G3 is what is asked about."""
FIELDS = {"cxr": "lungs", "ham": "lesion", "openms": "brain"}
DRIVING = ("tone", "shading", "curve", "ghost", "noise", "border")
EACH = {"perfect": 20, "ordinary": 12, "driven": 8}
_MASTER = 20261201
"""Cohorts of 20261130 chose the ladder."""


def specs() -> Iterator[Spec]:
    """All cohorts; the groups take turns, so that any first part holds some of each."""
    found = [(number / count, _spec(group, number)) for group, count in EACH.items() for number in range(count)]
    yield from (spec for _, spec in sorted(found, key=lambda each: each[0]))


def _spec(group: str, number: int) -> Spec:
    name = f"{group}-{number:02d}"
    chance = seeds.generator(_MASTER, "spike-in", name)
    source = SOURCES[number % (3 if group == "perfect" else len(SOURCES))]
    kind = DRIVING[number % len(DRIVING)]
    kinds = {kind: float(chance.uniform(1.5, 3.0))} if group == "driven" else {}
    return Spec(
        name,
        group,
        group,
        source,
        n=SUBJECTS,
        design="crossed",
        disease=_disease(group, number // 2, chance),
        field=FIELDS[source.split("/")[0]],
        kinds=kinds,
        confounding=0.8 if group == "driven" else float(chance.choice([0.0, 0.5])),
        seed=seeds.seed(_MASTER, "spike-in", name, "cohort") % 2**32,
    )


def _disease(group: str, number: int, chance: np.random.Generator) -> Disease:
    """Focal or diffuse by turns; of perfect networks so plain that nobody misses it."""
    level = float(chance.uniform(2.5, 3.5)) if group == "perfect" else float(chance.uniform(1.2, 1.8))
    if number % 2:
        return Disease(Diffuse(texture=1.2 * level, grain=1.0), 1.0, 0.1)
    return Disease(Focal(0.12 if group != "perfect" else 0.2, 5.0 * level, 3, texture=0.4), 1.0, 0.1)


def protocol_of(spec: Spec, folder: Path) -> Protocol:
    """Ask for competence, scores inside classes, and the spike-in."""
    plan = protocol(spec.name, folder, spec.seed, field=None, probes=False, folds=FOLDS)
    training = plan.target.training.model_copy(update={"epochs": EPOCHS})
    target = plan.target.model_copy(update={"training": training})
    limits = plan.verdict.model_copy(update={"delta": DELTA})
    return plan.model_copy(update={"checks": CHECKS, "verdict": limits, "target": target})


def row_of(spec: Spec, out: Path) -> dict[str, Any]:
    """Audit one cohort unless that was done."""
    torch.set_num_threads(1)
    record = out / f"{spec.name}.json"
    if not record.exists():
        folder = out / spec.name
        shutil.rmtree(folder, ignore_errors=True)
        record.write_text(json.dumps(_audited(spec, folder)))
        shutil.rmtree(folder)
    row: dict[str, Any] = json.loads(record.read_text())
    return row


def _audited(spec: Spec, folder: Path) -> dict[str, Any]:
    cohort, tables = cohort_of(spec), folder / "cohort"
    (tables / "images").mkdir(parents=True)
    write_table(rows_of(spec, cohort.people, tables), tables / "table.tsv")
    plan, trained, started = protocol_of(spec, tables), [], time.process_time()

    def progress(done: int, total: int, job: Any) -> None:
        if job is not None and job.step == "train":
            trained.append(job.title)

    with one_thread():
        audit: Mapping[str, Any] = run_audit(plan, folder / "run", Options(), progress)
        seconds = time.process_time() - started
        truth = _truth(spec, cohort.people, Audited(plan, folder, started))
    arm = audit["arms"][0]
    own = {finding["code"]: finding for finding in arm["findings"] if finding["class"] is None}
    return {
        **spec.about,
        "r": truth["r"],
        "omega": truth["omega"],
        "auc": own["G1"]["statistic"],
        "verdict": arm["verdict"],
        "reliance": arm["reliance"],
        "g3": own["G3"],
        "trainings": len(trained),
        "seconds": seconds,
    }


def study(scratch: Path) -> str:
    """Audit all cohorts and count verdicts and spike-ins group by group."""
    if not at_hand():
        return "## Spike-in\n\nThe images are not at hand: name their folder by SHARED_DATA.\n"
    return f"{_HEAD}{counted(scratch)}\n"


_HEAD = """\
## Spike-in

Command: `python benchmarks/run.py spike_in`. Crossed cohorts of real pictures of one source with a planted disease:
*perfect* and *ordinary* ones without a signature, *driven* ones with one. G3 is asked of all. Counts with 95 %
intervals; means of trainings and of seconds of one core.

"""


def _truth(spec: Spec, people: Sequence[Subject], audited: Audited) -> Mapping[str, float | None]:
    """Reliance by rendering some of the subjects at both sites; nothing where the sites are the same."""
    if not spec.kinds:
        return {"r": 0.0, "omega": 0.0}
    return truth_record(rendered_margins(spec, people[:RENDERED], audited), *shares(people))


def counted(out: Path, only: Sequence[str] = (), workers: int = 1, *, held: bool = False) -> str:
    """Audit what OUT does not hold yet, and make a table of everything."""
    chosen = [spec for spec in specs() if not only or any(word in spec.name for word in only)]
    chosen = [spec for spec in chosen if not held or (out / f"{spec.name}.json").exists()]
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for row in pool.map(row_of, chosen, [out] * len(chosen)):
            rows.append(row)
            print(_line(row), flush=True)
    return "\n".join(_table(rows))


def _line(row: Mapping[str, Any]) -> str:
    details = row["g3"]["details"]
    return (
        f"{row['name']} {row['source']} {row['disease']} AUC {row['auc']:.2f} R* {row['r']:.2f} {row['verdict']} G3 "
        f"{row['g3']['status']} owed {details.get('planted_owed')} rung {details.get('rung')} "
        f"{details.get('plant_kinds')} {row['trainings']} trainings {row['seconds']:.0f} s"
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|"
    for group, keep in _GROUPS.items():
        own = [row for row in rows if row["group"] in group and keep(row)]
        if own:
            words = [
                _rate([row["g3"]["status"] == "clear" for row in own]),
                *(_rate([word in row["g3"]["reason"] for row in own]) for word in ("missed", "take", "so was a sham")),
                _rate([row["verdict"] == "PATHOLOGY" for row in own]),
                *(f"{np.mean([row[name] for row in own]):.1f}" for name in ("trainings", "seconds")),
            ]
            yield f"| {group} | {len(own)} | {' | '.join(words)} |"


_COLUMNS = (
    *("networks", "cohorts", "G3 clear", "plant missed", "not taken up"),
    *("sham found", "PATHOLOGY", "trainings", "seconds"),
)

_GROUPS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "perfect": lambda row: True,
    "ordinary": lambda row: True,
    "driven, R* >= .3": lambda row: row["r"] >= 0.3,
}


def _rate(found: Sequence[bool]) -> str:
    """Count with a 95 % interval of Clopper and Pearson."""
    k, n = sum(found), len(found)
    low = 0.0 if k == 0 else float(beta.ppf(0.025, k, n - k + 1))
    high = 1.0 if k == n else float(beta.ppf(0.975, k + 1, n - k))
    return f"{k} [{low:.2f}, {high:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="cohorts whose names hold one of these words")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--held", action="store_true", help="audit nothing, count what OUT holds")
    arguments = parser.parse_args()
    if not at_hand():
        raise SystemExit("the images are not at hand: name their folder by SHARED_DATA")
    print(counted(arguments.out, arguments.only, arguments.workers, held=arguments.held))


if __name__ == "__main__":
    main()
