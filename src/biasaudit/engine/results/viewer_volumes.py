"""Whole images and maps of the subjects that the report draws, and of the mean of every class, for the viewer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.cohort.images.export import write_shown, write_signed
from biasaudit.engine.arguments.maps import MAPS
from biasaudit.engine.evidence.origin_maps import own_origin_maps
from biasaudit.engine.jobs.held_out import read_rows
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.plan import ArmContrast
from biasaudit.engine.results.held_out_scores import held_out_scores
from biasaudit.engine.results.maps import showing_pathology
from biasaudit.engine.results.run import ArmResult, Run
from biasaudit.engine.situation.contrasts import Contrast, class_index
from biasaudit.engine.steps.stored_volumes import StoredVolumes
from biasaudit.records import FloatArray, Grid, full_tone, grey_ends
from biasaudit.run_folder.contract import OVERLAYS, VIEWER
from biasaudit.run_folder.tsv import read_tsv, write_tsv

__all__ = ["MOST_BYTES", "write_viewer_volumes"]

MOST_BYTES = 17_000_000
"""Of all files together: the page holds four characters for three bytes, and the viewer's script: about 25 MB."""

_MOST_VOXELS = 1_200_000  # of one volume, about those of a head at 2 mm
_MARKED = 0.25  # share of a block; more would lose small lesions, less would swell them
_TEXT = dict.fromkeys(("arm", "subject", "label", "origin", "role"), str)

_Maps = Iterable[tuple[int, FloatArray]]


@dataclass(frozen=True)
class _Canvas:
    """The common grid as it is shown: a fine one by blocks of `step` voxels along every axis."""

    step: int
    grid: Grid

    def smaller(self, values: FloatArray) -> FloatArray:
        """Average over the blocks, (*shape) or (*shape, colours); what fills no block is left out."""
        if self.step == 1:
            return values
        sizes = self.grid.shape
        whole = values[tuple(slice(0, size * self.step) for size in sizes)]
        blocks = whole.reshape(*(part for size in sizes for part in (size, self.step)), *values.shape[len(sizes) :])
        return np.asarray(blocks.mean(axis=tuple(range(1, 2 * len(sizes), 2)), dtype=np.float32))


@dataclass(frozen=True)
class _Network:
    """Maps of one network: of the subjects drawn by row, and the mean of every class."""

    drawn: Mapping[int, FloatArray]
    means: Mapping[str, FloatArray]


@dataclass(frozen=True)
class _Layer:
    """A volume of a subject or class: what its row of the table says, and what writes it to a path."""

    name: str
    write: Callable[[Path], None]
    arm: str = ""
    role: str = ""
    logit: float = np.nan
    limit: float = np.nan


@dataclass(frozen=True)
class _Shown:
    """A subject or the mean of a class, with its volumes."""

    shown: str
    subject: str
    label: str
    origin: str
    layers: Sequence[_Layer]


@dataclass(frozen=True)
class _Drawing:
    """What volumes are made from: the run, the subjects by row, the maps by arm and layer, the scores by arm."""

    run: Run
    canvas: _Canvas
    drawn: pd.DataFrame
    networks: Mapping[str, Mapping[str, _Network]]
    logits: Mapping[str, Mapping[int, float]]

    def class_of(self, row: int) -> str:
        """Name of the class of a row."""
        cohort = self.run.situation.cohort
        return cohort.classes[class_index(cohort, cohort.samples[row])]


def write_viewer_volumes(run: Run, arms: Sequence[ArmResult]) -> None:
    """Write ``maps/viewer/*.nii.gz`` and ``maps/viewer.tsv``; nothing where the report draws no map.

    Parameters
    ----------
    run : Run
        Its ``maps/overlays.tsv``, which is written, says who is drawn.
    arms : sequence of ArmResult
    """
    if not (run.results / OVERLAYS.path).is_file():
        return
    logits = {arm.name: held_out_scores(run, arm.recipe) for arm in arms}
    drawn = _with_rows(run, read_tsv(run.results / OVERLAYS.path, dtype=_TEXT), logits)
    canvas, rows = _canvas(run.situation.grid), set(drawn["row"].tolist())
    networks = {arm.name: _networks(run, arm.name, canvas, rows) for arm in arms}
    drawing = _Drawing(run, canvas, drawn, {arm: found for arm, found in networks.items() if found}, logits)
    folder = (run.results / VIEWER.path).with_suffix("")
    folder.mkdir()
    records = [record for one in _written(_all_shown(drawing), folder) for record in one]
    write_tsv(pd.DataFrame(records, columns=pd.Index(VIEWER.columns)), run.results / VIEWER.path)


def _canvas(grid: Grid) -> _Canvas:
    """Average over blocks until a volume has few voxels."""
    step = 1
    while np.prod([max(1, size // step) for size in grid.shape]) > _MOST_VOXELS:
        step += 1
    shape = tuple(max(1, size // step) for size in grid.shape)
    if grid.affine is None or step == 1:
        return _Canvas(step, Grid(shape, grid.affine))
    affine = np.array(grid.affine)
    affine[:3, 3] += affine[:3, :3] @ np.full(3, (step - 1) / 2)
    affine[:3, :3] *= step
    return _Canvas(step, Grid(shape, tuple(tuple(row) for row in affine.tolist())))


def _with_rows(run: Run, drawn: pd.DataFrame, logits: Mapping[str, Mapping[int, float]]) -> pd.DataFrame:
    """Add the row of every drawn image: that of its subject whose score it is, where a subject has several."""
    samples = run.situation.cohort.samples
    rows = [
        min(
            (row for row in logits[record["arm"]] if samples[row].subject == record["subject"]),
            key=lambda row: abs(logits[record["arm"]][row] - record["logit"]),
        )
        for record in drawn.to_dict("records")
    ]
    return drawn.assign(row=rows)


def _networks(run: Run, arm: str, canvas: _Canvas, rows: Collection[int]) -> dict[str, _Network]:
    """Gather the maps of the target and, where there are any, of the origin classifiers."""
    found = {
        name: _gathered(run, maps, canvas, rows)
        for name, maps in (("target", _target_maps(run, arm)), ("origin", _origin_maps(run, arm)))
    }
    return {name: network for name, network in found.items() if network.means}


def _gathered(run: Run, maps: _Maps, canvas: _Canvas, rows: Collection[int]) -> _Network:
    """Keep the maps of some rows, and the mean of every class; one map is in memory at a time."""
    cohort = run.situation.cohort
    drawn: dict[int, FloatArray] = {}
    sums: dict[str, FloatArray] = {}
    counts: dict[str, int] = {}
    for row, relevance in maps:
        own = canvas.smaller(relevance.astype(np.float32))
        name = cohort.classes[class_index(cohort, cohort.samples[row])]
        sums[name] = sums[name] + own if name in sums else own
        counts[name] = counts.get(name, 0) + 1
        if row in rows:
            drawn[row] = own
    return _Network(drawn, {name: total / counts[name] for name, total in sums.items()})


def _target_maps(run: Run, arm: str) -> Iterator[tuple[int, FloatArray]]:
    """Yield the maps of the target."""
    samples = run.situation.cohort.samples
    for contrast in run.plan.contrasts:
        for key in _needs(run, arm, contrast, "maps").get(MAPS, ()):
            folder = run.store.folder(key)
            for row, relevance in zip(read_rows(folder).tolist(), Stack.of([folder], "maps"), strict=True):
                if contrast.explains(samples[row].label):
                    yield row, relevance


def _origin_maps(run: Run, arm: str) -> Iterator[tuple[int, FloatArray]]:
    """Yield the maps of the origin classifiers, each for the subject's own origin."""
    for contrast in run.plan.contrasts:
        needs = _needs(run, arm, contrast, "origin_maps")
        about = run.plan.evidence[ArmContrast(arm, run.factors[0], contrast.name)].request.kinds.get("origin_maps")
        if needs and about:
            found = own_origin_maps(about, run.store.folders(needs), run.situation.cohort, run.factors[0])
            samples = run.situation.cohort.samples
            yield from (own for own in found if contrast.explains(samples[own[0]].label))


def _needs(run: Run, arm: str, contrast: Contrast, kind: str) -> Mapping[Any, tuple[str, ...]]:
    return run.plan.needs(ArmContrast(arm, run.factors[0], contrast.name), kind)


def _all_shown(drawing: _Drawing) -> Iterator[_Shown]:
    """Yield the means of the classes, the pathology first, then subjects: the typical of every class before others."""
    volumes = StoredVolumes([drawing.run.store.folder(key) for key in drawing.run.plan.reads], images_only=True)
    yield from _means(drawing, volumes)
    drawn = drawing.drawn.drop_duplicates("row")
    roles = list(dict.fromkeys(drawn["role"]))
    for row in drawn["row"].iloc[np.argsort([roles.index(role) for role in drawn["role"]], kind="stable")].tolist():
        yield _of_subject(drawing, volumes, row)


def _means(drawing: _Drawing, volumes: StoredVolumes) -> Iterator[_Shown]:
    mapped = [row for of_fold in drawing.run.outline.map_rows for row in of_fold]
    for name in reversed(drawing.run.situation.cohort.classes):
        rows = [row for row in mapped if drawing.class_of(row) == name]
        if not rows:
            continue
        mean = sum(drawing.canvas.smaller(volumes[row].drawn.astype(np.float32)) for row in rows) / len(rows)
        layers = [_anatomy(drawing, np.asarray(mean))]
        for arm, networks in drawing.networks.items():
            for layer, network in networks.items():
                if name in network.means:
                    limit = _limit(network.means.values())
                    layers.append(_signed(drawing, layer, network.means[name], _Said(arm, limit)))
        yield _Shown("mean", f"mean of {len(rows)}", name, "", layers)


def _of_subject(drawing: _Drawing, volumes: StoredVolumes, row: int) -> _Shown:
    sample = drawing.run.situation.cohort.samples[row]
    volume = showing_pathology(volumes[row], sample)
    layers = [_anatomy(drawing, drawing.canvas.smaller(volume.drawn.astype(np.float32)))]
    if volume.mask.any():
        part = drawing.canvas.smaller(volume.mask.astype(np.float32))
        layers.append(_mask(drawing, part >= _MARKED))
    for arm, networks in drawing.networks.items():
        for layer, network in networks.items():
            if row in network.drawn:
                limit, logit = _shared_limit(drawing, arm, layer), drawing.logits[arm][row]
                said = _Said(arm, limit, _role(drawing, arm, row), logit)
                layers.append(_signed(drawing, layer, network.drawn[row], said))
    return _Shown("subject", sample.subject, sample.label, sample.origins[drawing.run.factors[0]], layers)


def _role(drawing: _Drawing, arm: str, row: int) -> str:
    """Say why a subject is drawn, in this arm or else in the first that draws it."""
    own = drawing.drawn[drawing.drawn["row"] == row]
    here = own[own["arm"] == arm]
    return str((here if len(here) else own)["role"].iloc[0])


def _shared_limit(drawing: _Drawing, arm: str, layer: str) -> float:
    """Limit of the colours of an arm: that of the report, for the origin classifiers one of their own."""
    own = drawing.drawn[drawing.drawn["arm"] == arm]
    if layer == "target" and len(own):
        return float(own["limit"].iloc[0])
    return _limit(drawing.networks[arm][layer].drawn.values())


def _limit(maps: Iterable[FloatArray]) -> float:
    """Return the 99.5th percentile of the absolute values that are not 0."""
    values = np.concatenate([np.abs(values).ravel() for values in maps] or [np.zeros(1)])
    values = values[values > 0]
    return float(np.percentile(values, 99.5)) if values.size else 1.0


@dataclass(frozen=True)
class _Said:
    """What a row of the table says of a map."""

    arm: str
    limit: float
    role: str = ""
    logit: float = np.nan


def _anatomy(drawing: _Drawing, values: FloatArray) -> _Layer:
    shown = _bytes(values, in_colour=values.ndim > len(drawing.canvas.grid.shape))
    return _Layer("anatomy", lambda path: write_shown(path, shown, drawing.canvas.grid))


def _mask(drawing: _Drawing, mask: np.ndarray) -> _Layer:
    return _Layer("mask", lambda path: write_shown(path, mask.astype(np.uint8), drawing.canvas.grid))


def _signed(drawing: _Drawing, layer: str, values: FloatArray, said: _Said) -> _Layer:
    def write(path: Path) -> None:
        write_signed(path, values, drawing.canvas.grid, said.limit)

    return _Layer(layer, write, said.arm, said.role, said.logit, said.limit)


def _bytes(values: FloatArray, *, in_colour: bool) -> np.ndarray:
    """Grey values between the 1st and the 99.5th percentile, or colours over the largest number of their type."""
    known = np.nan_to_num(values)
    low, high = (0.0, full_tone(known)) if in_colour else grey_ends(known)
    return np.asarray(np.rint(255 * np.clip((known - low) / max(high - low, 1e-6), 0, 1)), dtype=np.uint8)


def _written(every: Iterable[_Shown], folder: Path) -> Iterator[list[dict[str, Any]]]:
    """Write volumes as long as there is room for all of a subject, and say whom there was none for."""
    used = 0
    for number, shown in enumerate(every, start=1):
        key = f"v{number:02d}"
        own = {layer: folder / f"{key}_{_stem(layer)}.nii.gz" for layer in shown.layers}
        for layer, path in own.items():
            layer.write(path)
        size = sum(path.stat().st_size for path in own.values())
        if used + size > MOST_BYTES:
            for path in own.values():
                path.unlink()
            yield [_record(key, shown, None, "")]
            continue
        used += size
        yield [_record(key, shown, layer, f"{folder.name}/{path.name}") for layer, path in own.items()]


def _stem(layer: _Layer) -> str:
    return f"arm-{layer.arm}_{layer.name}" if layer.arm else layer.name


def _record(key: str, shown: _Shown, layer: _Layer | None, file: str) -> dict[str, Any]:
    """Row of the table of a volume, or of a subject that is left out."""
    who = {"key": key, "shown": shown.shown, "subject": shown.subject, "label": shown.label, "origin": shown.origin}
    if layer is None:
        return {**who, "shown": "left out", **dict.fromkeys(("arm", "role", "layer", "file"), "")}
    said = {"arm": layer.arm, "role": layer.role, "logit": round(layer.logit, 4), "limit": layer.limit}
    return {**who, **said, "layer": layer.name, "file": file}
