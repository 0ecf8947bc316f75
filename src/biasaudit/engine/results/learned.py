"""Write what the networks have learned: tables of units and places, and the slices of a gallery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.engine.jobs.held_out import HeldOut
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.results.run import Run
from biasaudit.run_folder.tsv import write_tsv

__all__ = ["write_learned"]


def write_learned(run: Run) -> None:
    """Write ``tables/units.tsv``, ``tables/embedding.tsv`` and ``learned/gallery.*``; nothing where it was not asked.

    Units and gallery are those of the network of the first fold; the places of every fold have axes of their own.
    """
    folder = run.results / "learned"
    if not run.plan.learned:
        return
    folder.mkdir()
    arms = [(arm.name, run.plan.learned[arm.recipe]) for arm in run.situation.protocol.arms]
    tables = {
        "tables/units.tsv": [record for arm, keys in arms for record in _units(run, arm, keys[0])],
        "tables/embedding.tsv": [record for arm, keys in arms for record in _places(run, arm, keys)],
        "learned/gallery.tsv": [record for arm, keys in arms for record in _aims(run, arm, keys[0])],
    }
    for name, records in tables.items():
        write_tsv(pd.DataFrame(records), run.results / name)
    slices: dict[str, np.ndarray] = {}
    for arm, keys in arms:
        with np.load(run.store.folder(keys[0]) / "gallery.npz") as stored:
            slices |= {f"learned-{arm}-{name}": stored[name] for name in stored.files}
    np.savez_compressed(folder / "gallery.npz", **slices)  # type: ignore[arg-type]


def _units(run: Run, arm: str, key: str) -> Iterator[dict[str, Any]]:
    for record in read_json(run.store.folder(key) / "units.json"):
        yield {"arm": arm, **record}


def _places(run: Run, arm: str, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    for fold, key in enumerate(keys):
        shares = read_json(run.store.folder(key) / "embedding.json")["shares"]
        places = HeldOut.read(run.store.folder(key), "embedding")
        for row, place in zip(places.rows.tolist(), places.values, strict=True):
            sample = run.situation.cohort.samples[row]
            yield {
                "arm": arm,
                "fold": fold + 1,
                "subject": sample.subject,
                "label": sample.label,
                "origin": sample.origins[run.factors[0]],
                **{f"component_{axis + 1}": round(float(place[axis]), 6) for axis in range(2)},
                **{f"share_{axis + 1}": round(shares[axis], 6) for axis in range(2)},
            }


def _aims(run: Run, arm: str, key: str) -> Iterator[dict[str, Any]]:
    units = {(unit["layer"], unit["unit"]): unit for unit in read_json(run.store.folder(key) / "units.json")}
    for number, record in enumerate(read_json(run.store.folder(key) / "gallery.json")):
        unit: Mapping[str, Any] = units.get((record["layer"], record["index"]), {})
        yield {
            "key": f"learned-{arm}-{number}",
            "arm": arm,
            "layer": record["layer"],
            "unit": record["index"] if record["layer"] else None,
            "label": None if record["layer"] else run.situation.cohort.classes[record["index"]],
            "origin_share": unit.get("origin_share"),
            "pathology_share": unit.get("pathology_share"),
            "channel": record["channel"],
            "before": record["before"],
            "after": record["after"],
            "highest_subject": record["highest_subject"],
            **{end: "; ".join(_named(run, row) for row in record[end]) for end in ("most", "least")},
        }


def _named(run: Run, row: int) -> str:
    return run.situation.cohort.samples[row].subject
