"""Maps of what U8 compared: statistics as NIfTI, and the slices that the report draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.checks.voxelwise_maps import class_comparison, origin_comparison
from biasaudit.cohort.images.export import write_volume
from biasaudit.engine.evidence.kind import kinds_of
from biasaudit.engine.plan import ArmContrast
from biasaudit.engine.results.maps import slices_through
from biasaudit.engine.results.run import ArmResult, Run
from biasaudit.engine.steps.stored_volumes import StoredVolumes
from biasaudit.records import LONGEST_LABEL, ArmEvidence, Finding, FloatArray, file_label
from biasaudit.registry import get
from biasaudit.run_folder.tsv import write_tsv
from biasaudit.stats.voxelwise import map_statistics

__all__ = ["write_differences"]


def write_differences(run: Run, arms: Sequence[ArmResult]) -> None:
    """Write ``maps/*_statistic.nii.gz``, ``*_significant.nii.gz`` and ``maps/differences.*``; nothing without U8."""
    folder = run.results / "maps"
    records: list[dict[str, Any]] = []
    slices: dict[str, FloatArray] = {}
    anatomy = cache(lambda: _anatomy(run))
    for arm in arms:
        for name, finding, statistic, words in _compared(run, arm):
            folder.mkdir(exist_ok=True)
            significant = np.abs(statistic) > finding.details["critical"]
            stem = folder / f"arm-{arm.name}_{name}"
            write_volume(stem.with_name(f"{stem.name}_statistic.nii.gz"), statistic, run.situation.grid)
            shown = np.where(significant, statistic, 0.0)
            write_volume(stem.with_name(f"{stem.name}_significant.nii.gz"), shown, run.situation.grid)
            records.append({
                "key": f"{arm.name}-{len(records) + 1:02d}",
                "arm": arm.name,
                "compared": words,
                "p_value": finding.p_value,
                "significant_voxels": int(significant.sum()),
                "critical": finding.details["critical"],
            })  # fmt: skip
            layers = {"anatomy": anatomy(), "statistic": statistic, "significant": significant}
            peak = np.unravel_index(int(np.abs(statistic).argmax()), statistic.shape)
            pictures = slices_through(layers, [int(place) for place in peak])
            slices |= {f"{records[-1]['key']}__{at}": picture for at, picture in pictures}
    if records:
        write_tsv(pd.DataFrame(records), folder / "differences.tsv")
        np.savez_compressed(folder / "differences.npz", **slices)  # type: ignore[arg-type]


def _compared(run: Run, arm: ArmResult) -> Iterator[tuple[str, Finding, FloatArray, str]]:
    """Yield the comparisons that were made (primary factor): file name, finding, statistic on the grid, words."""
    for contrast in run.plan.contrasts:
        made = [
            finding
            for finding in arm.findings[run.factors[0]]
            if finding.code == "U8" and finding.contrast == contrast.name and finding.p_value is not None
        ]
        if not made:
            continue
        evidence = run.evidence(ArmContrast(arm.name, run.factors[0], contrast.name), kinds_of(get("check", "U8")))
        for finding in made:
            yield _name(finding), finding, *_statistic(evidence, finding)


def _name(finding: Finding) -> str:
    parts = [("contrast", finding.contrast), ("group", finding.class_name)]
    entities = [f"{key}-{file_label(word, LONGEST_LABEL)}" for key, word in parts if word]
    return "_".join([*entities, "origins" if finding.class_name else "classes"])


def _words(evidence: ArmEvidence, class_name: str | None, names: Sequence[str]) -> str:
    if class_name is None:
        return f"{evidence.classes[1]} minus {evidence.classes[0]}, origin held fixed"
    which = f"{names[1]} minus {names[0]}" if len(names) == 2 else f"{len(names)} origins, unsigned"
    return f"{class_name}: {which}"


def _statistic(evidence: ArmEvidence, finding: Finding) -> tuple[FloatArray, str]:
    maps = evidence.maps
    assert maps is not None
    assert maps.inside is not None
    if finding.class_name:
        compared = origin_comparison(evidence, maps, finding.class_name)
    else:
        compared = class_comparison(evidence, maps)
    volume = np.zeros(maps.inside.shape)
    volume[maps.inside] = map_statistics(compared.maps, compared.groups, compared.blocks)
    return volume, _words(evidence, finding.class_name, np.unique(compared.groups).tolist())


def _anatomy(run: Run) -> FloatArray:
    """Mean of the mapped images as they are drawn."""
    volumes = StoredVolumes([run.store.folder(key) for key in run.plan.reads], images_only=True)
    rows = [row for of_fold in run.outline.map_rows for row in of_fold]
    return np.asarray(sum(volumes[row].drawn.astype(np.float64) for row in rows) / len(rows))
