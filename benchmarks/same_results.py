"""Whether a change of the code changed any result: the same audits by two checkouts, compared to the last digit.

    PYTHONPATH=old/src python benchmarks/same_results.py record before
    PYTHONPATH=new/src python benchmarks/same_results.py record after
    python benchmarks/same_results.py compare before after

The audits are the demonstration, the chest X-rays (all cells, both diagonals, three classes, two images a subject), the
`ms` layout, a small cohort that is asked every check, a feature table, and the first cohorts of both calibration grids.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
CXR = ROOT.parent / "shared" / "data" / "cxr" / "table.tsv"
COMMAND = [sys.executable, "-m", "biasaudit"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
ALONE = ["--engine", "local", "--workers", "1"]
COHORTS = {"calibration": 14, "calibration-checks": 6}
EVERY_CHECK = """\
name: every check
cohort:
  reader: phantom
  phantom: {n: 72, design: crossed, healthy_sites: 2, patient_sites: 2, confounding: 0.4, spacing: 8.0, seed: 3,
            dataset_signature: {contrast: 1.0}, site_signature: {contrast: 0.4}, lesion_load: 2.0}
arms:
  - intensity
  - tissue
  - harmonised
  - {name: even, representation: intensity, training: balanced}
checks: [D1, D2, D3, G1, G2, G3, A1, A2, A3, U1, U2, U3, U4, U5, U6, U7, U8, U9, U10, U11, U12]
target: {training: {epochs: 5, seeds: 2}}
folds: {n: 3}
attribution: {max_subjects: 24}
statistics: {n_permutations: 199, n_bootstraps: 199}
"""
PICTURES = """\
name: {name}
cohort:
  reader: table
  table: {name}.tsv
  label: {{column: {label}, positive: [{positive}], negative: normal}}
  origins: [{origins}]
target: {{training: {{epochs: {epochs}}}}}
"""
IGNORED = {"started", "finished", "protocol_sha256", "data_sha256", "seconds", "reason", "remedy", "notes", "skipped"}


def main(words: list[str]) -> None:
    if words[:1] == ["record"] and len(words) >= 2:
        record(Path(words[1]), set(words[2:]))
    elif words[:1] == ["compare"] and len(words) == 3:
        sys.exit(compare(Path(words[1]), Path(words[2])))
    else:
        sys.exit(__doc__)


def record(folder: Path, wanted: set[str]) -> None:
    """Run the audits that have no result in the folder yet."""
    for name, audit in AUDITS.items():
        where = folder.resolve() / name
        if (where / "result.json").exists() or (wanted and name not in wanted):
            continue
        where.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        result = audit(where)
        (where / "result.json").write_text(json.dumps(result, indent=1).replace(str(where), "."))
        print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)


def compare(before: Path, after: Path) -> int:
    """Print every number and word that differs; the exit code says whether any does."""
    found, numbers = 0, 0
    for path in sorted(before.glob("*/result.json")):
        other = after / path.parent.name / "result.json"
        old, new = (dict(_leaves(json.loads(own.read_text()))) for own in (path, other))
        different = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
        numbers += sum(isinstance(value, int | float) for value in old.values())
        print(f"{path.parent.name}: {len(old)} values, {len(different)} differ")
        for key in different:
            print(f"    {key}: {old.get(key, 'absent')} -> {new.get(key, 'absent')}")
        found += len(different)
    print(f"{numbers} numbers compared; {found} values differ")
    return int(found > 0)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, own in value.items():
            if key not in IGNORED:
                yield from _leaves(own, f"{path}/{key}")
    elif isinstance(value, list):
        for index, own in enumerate(value):
            yield from _leaves(own, f"{path}/{index}")
    else:
        yield path, value


def _audited(protocol: Path, out: Path) -> dict[str, Any]:
    subprocess.run([*COMMAND, "run", str(protocol), "-o", str(out), *ALONE], check=True, env=ENVIRONMENT,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    paths = sorted((out / "tables").glob("*.tsv"))
    tables = {
        path.name: pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False).to_dict("list") for path in paths
    }
    return {"audit": json.loads((out / "audit.json").read_text()), "tables": tables}


def _protocol(where: Path, text: str) -> dict[str, Any]:
    (where / "protocol.yaml").write_text(text)
    return _audited(where / "protocol.yaml", where / "out")


def _demo(where: Path) -> dict[str, Any]:
    return _audited(ROOT / "protocols" / "demo.yaml", where / "out")


def _layout(name: str, count: int) -> Callable[[Path], dict[str, Any]]:
    def audit(where: Path) -> dict[str, Any]:
        words = ["demo", "--write-data", str(where / "data"), "--layout", name, "--subjects", str(count)]
        subprocess.run([*COMMAND, *words], check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        protocol = where / "data" / f"{name}.yaml"
        shorter = "folds: {n: 3}" + ("" if name == "features" else "\ntarget: {training: {epochs: 12}}")
        text = protocol.read_text().replace("folds: {n: 5}", shorter)
        protocol.write_text(
            text.replace("spacing: 4.0", "spacing: 6.0").replace("min_origin_size: 10", "min_origin_size: 4")
        )
        return _audited(protocol, where / "out")

    return audit


def _pictures(rows: Callable[[pd.DataFrame], pd.DataFrame], **words: Any) -> Callable[[Path], dict[str, Any]]:
    def audit(where: Path) -> dict[str, Any]:
        table = pd.read_csv(CXR, sep="\t")
        table["image"] = [str(CXR.parent / image) for image in table["image"]]
        name = where.name
        rows(table).to_csv(where / f"{name}.tsv", sep="\t", index=False)
        settings = {"label": "label", "positive": "pneumonia", "origins": "origin", "epochs": 10, **words}
        return _protocol(where, PICTURES.format(name=name, **settings))

    return audit


def _diagonal(healthy: str, sick: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table[
        ((table["label"] == "normal") & (table["origin"] == healthy))
        | ((table["label"] == "pneumonia") & (table["origin"] == sick))
    ]


def _three_classes(table: pd.DataFrame) -> pd.DataFrame:
    kinds = [label if label == "normal" or row % 3 else "other" for row, label in enumerate(table["label"])]
    return table.assign(label=kinds).iloc[::2]


def _two_images(table: pd.DataFrame) -> pd.DataFrame:
    number = table.groupby(["label", "origin"]).cumcount() // 2
    return table.assign(subject=table["label"] + table["origin"] + number.astype(str)).iloc[
        :: 2 if len(table) > 400 else 1
    ]


def _grid(name: str) -> Callable[[Path], dict[str, Any]]:
    def audit(where: Path) -> dict[str, Any]:
        grid = ["--grid", str(ROOT / "protocols" / f"{name}.yaml"), "--cohorts", str(COHORTS[name])]
        subprocess.run([*COMMAND, "calibrate", *grid, "-o", str(where / "out"), *ALONE], check=True, env=ENVIRONMENT,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        records = [json.loads(path.read_text()) for path in sorted((where / "out" / "jobs").glob("*/record.json"))]
        return {record["records"][0]["cohort"]: record for record in records}

    return audit


AUDITS: Mapping[str, Callable[[Path], dict[str, Any]]] = {
    "every-check": lambda where: _protocol(where, EVERY_CHECK),
    "cxr-three-classes": _pictures(_three_classes, positive="pneumonia, other"),
    "cxr-two-images": _pictures(_two_images),
    "cxr-nih-kermany": _pictures(_diagonal("nih", "kermany")),
    "cxr-kermany-nih": _pictures(_diagonal("kermany", "nih")),
    "features": _layout("features", 240),
    "demo": _demo,
    "cxr": _pictures(lambda table: table, epochs=20),
    "calibration-checks": _grid("calibration-checks"),
    "calibration": _grid("calibration"),
    "ms": _layout("ms", 96),
}


if __name__ == "__main__":
    main(sys.argv[1:])
