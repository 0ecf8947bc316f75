"""Attribution maps of a run: group maps, shares by region, and the slices that the report draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import ndimage

from biasaudit.cohort.images.export import write_volume
from biasaudit.engine.arguments.maps import MAPS
from biasaudit.engine.jobs.held_out import read_rows
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.plan import ArmContrast
from biasaudit.engine.results.held_out_scores import held_out_scores
from biasaudit.engine.results.run import ArmResult, Run
from biasaudit.engine.situation.contrasts import Contrast, class_index
from biasaudit.engine.steps.stored_volumes import StoredVolumes
from biasaudit.records import LONGEST_LABEL, Sample, Volume, file_label
from biasaudit.run_folder.contract import FEATURE_RELEVANCE, OVERLAY_PICTURES, OVERLAYS, RELEVANCE, Table
from biasaudit.run_folder.tsv import write_tsv

__all__ = ["Mapped", "colour_limit", "showing_pathology", "slices_of", "write_maps"]

_DRAWN_FEATURES = 20

_ROLES = ("typical", "most pathological", "least pathological")
_PLANES = {"sagittal": 0, "coronal": 1, "axial": 2}


@dataclass(frozen=True)
class Mapped:
    """One held-out image with its map."""

    row: int
    relevance: np.ndarray
    volume: Volume
    logit: float


@dataclass(frozen=True)
class _Chosen:
    """A subject that the report draws in all arms: its row of the cohort, why it was chosen, and where it is cut."""

    row: int
    role: str
    cut: tuple[int, ...]


@dataclass(frozen=True)
class _Overlay:
    """One map that the report draws: its row of the table but for the key, and its slices by name."""

    record: Mapping[str, object]
    slices: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class _Described:
    """Tables and slices of the maps of one arm; the maps themselves need not stay in memory."""

    features: Sequence[Mapping[str, object]] = ()
    shares: Sequence[Mapping[str, object]] = ()
    overlays: Sequence[_Overlay] = ()
    chosen: Sequence[_Chosen] = ()


def write_maps(run: Run, arms: Sequence[ArmResult]) -> None:
    """Write ``maps/*.nii.gz``, ``maps/overlays.*`` and ``tables/relevance.tsv``; nothing if there are no maps.

    The first arm that has maps says which subjects are drawn and where they are cut, so that arms can be compared.
    """
    described: list[_Described] = []
    for arm in arms:
        chosen = next((own.chosen for own in described if own.chosen), ())
        described.append(_described(run, arm, chosen))
    _write_table(run, FEATURE_RELEVANCE, [record for own in described for record in own.features])
    _write_table(run, RELEVANCE, [record for own in described for record in own.shares])
    _write_overlays(run, [overlay for own in described for overlay in own.overlays])


def _described(run: Run, arm: ArmResult, chosen: Sequence[_Chosen]) -> _Described:
    """Describe the maps of one arm; of images the mean maps of its classes are written."""
    explained = _explained(run, arm.name)
    scores = held_out_scores(run, arm.recipe) if explained else {}
    mapped = [item for contrast, keys in explained for item in _mapped(run, scores, contrast, keys)]
    if not explained:
        return _Described()
    if run.situation.tabular:
        features = list(_of_features(run, arm.name, mapped))
        return _Described(features, list(_feature_shares(run, arm.name, mapped)))
    _write_group_maps(run, arm.name, mapped)
    shares = [record for item in mapped for record in _shares(run, arm.name, item)]
    chosen = chosen or list(_chosen(run, mapped))
    return _Described(shares=shares, overlays=list(_overlays(run, arm.name, mapped, chosen)), chosen=chosen)


def _overlays(run: Run, arm: str, mapped: Sequence[Mapped], chosen: Sequence[_Chosen]) -> Iterator[_Overlay]:
    """Cut the maps of the chosen subjects in one arm."""
    limit = colour_limit(mapped)
    by_row = {item.row: item for item in mapped}
    for one in chosen:
        if one.row not in by_row:
            continue
        item, sample = by_row[one.row], run.situation.cohort.samples[one.row]
        record = {
            "arm": arm,
            "subject": sample.subject,
            "label": sample.label,
            "origin": sample.origins[run.factors[0]],
            "logit": round(item.logit, 4),
            "role": one.role,
            "limit": limit,
            "cut": " ".join(map(str, one.cut)) if len(one.cut) == len(_PLANES) else None,
        }
        yield _Overlay(record, dict(_slices_at(item, one.cut)))


def _write_table(run: Run, table: Table, records: Sequence[Mapping[str, object]]) -> None:
    """Write a table of the run folder, if it has any rows."""
    if records:
        write_tsv(pd.DataFrame(records), run.results / table.path)


def _write_overlays(run: Run, overlays: Sequence[_Overlay]) -> None:
    """Write the chosen maps of all arms, numbered through: their slices, and a table of them."""
    if not overlays:
        return
    keys = [f"{overlay.record['arm']}-{number:02d}" for number, overlay in enumerate(overlays, start=1)]
    records = [{"key": key, **overlay.record} for key, overlay in zip(keys, overlays, strict=True)]
    slices = {
        f"{key}__{name}": picture
        for key, overlay in zip(keys, overlays, strict=True)
        for name, picture in overlay.slices.items()
    }
    write_tsv(pd.DataFrame(records), run.results / OVERLAYS.path)
    np.savez_compressed(run.results / OVERLAY_PICTURES, **slices)  # type: ignore[arg-type]


def _explained(run: Run, arm: str) -> list[tuple[Contrast, tuple[str, ...]]]:
    """Contrasts with the jobs that hold their maps."""
    keys = {
        contrast: run.plan.needs(ArmContrast(arm, run.factors[0], contrast.name), "maps").get(MAPS, ())
        for contrast in run.plan.contrasts
    }
    return [(contrast, own) for contrast, own in keys.items() if own]


def _mapped(run: Run, scores: Mapping[int, float], contrast: Contrast, keys: Sequence[str]) -> Iterator[Mapped]:
    """Yield the maps of a contrast; with more than two classes of the subjects of its own class."""
    volumes = StoredVolumes([run.store.folder(key) for key in run.plan.reads], images_only=True)
    for key in keys:
        folder = run.store.folder(key)
        for row, relevance in zip(read_rows(folder).tolist(), Stack.of([folder], "maps"), strict=True):
            sample = run.situation.cohort.samples[row]
            if contrast.explains(sample.label):
                yield Mapped(row, relevance, showing_pathology(volumes[row], sample), scores[row])


def showing_pathology(volume: Volume, sample: Sample) -> Volume:
    """Return the volume without its mask where that marks no pathology."""
    return volume if sample.has_mask else replace(volume, mask=np.zeros_like(volume.mask))


def _of_features(run: Run, arm: str, mapped: Sequence[Mapped]) -> Iterator[dict[str, Any]]:
    """Mean relevance of every feature in every class, and its share of all absolute relevance."""
    total = np.mean([np.abs(item.relevance).ravel() for item in mapped], axis=0)
    for index, name in enumerate(run.situation.cohort.classes):
        own = [item.relevance.ravel() for item in mapped if _class_of(run, item) == index]
        if own:
            means = np.mean(own, axis=0)
            for feature, mean, share in zip(run.situation.cohort.features, means, total, strict=True):
                shown = float(share / total.sum()) if total.sum() else np.nan
                yield {"arm": arm, "label": name, "feature": feature, "relevance": float(mean), "share": shown}


def _feature_shares(run: Run, arm: str, mapped: Sequence[Mapped]) -> Iterator[dict[str, Any]]:
    """Share of absolute and of signed relevance in the features that have most of it, subject by subject."""
    names = run.situation.cohort.features
    order = np.argsort(-np.mean([np.abs(item.relevance).ravel() for item in mapped], axis=0), kind="stable")
    for item in mapped:
        sample, values = run.situation.cohort.samples[item.row], item.relevance.ravel()
        total = float(np.abs(values).sum())
        for place in order[:_DRAWN_FEATURES].tolist():
            yield {
                "arm": arm,
                "subject": sample.subject,
                "label": sample.label,
                "region": names[place],
                "share": abs(float(values[place])) / total if total else np.nan,
                "signed_share": float(values[place]) / total if total else np.nan,
                "volume_share": 1 / len(names),
            }


def _write_group_maps(run: Run, arm: str, mapped: Sequence[Mapped]) -> None:
    """Write the mean map of every class."""
    folder = run.results / "maps"
    folder.mkdir(exist_ok=True)
    for index, name in enumerate(run.situation.cohort.classes):
        own = [m.relevance for m in mapped if _class_of(run, m) == index]
        if own:
            label = file_label(name, LONGEST_LABEL)
            write_volume(folder / f"arm-{arm}_group-{label}_relevance.nii.gz", np.mean(own, axis=0), run.situation.grid)


def _shares(run: Run, arm: str, item: Mapped) -> Iterator[dict[str, Any]]:
    """Share of absolute and of signed relevance in pathology, healthy brain or centre, its edge, background."""
    sample = run.situation.cohort.samples[item.row]
    inside = item.volume.foreground
    core = ndimage.binary_erosion(inside)
    lesion = item.volume.mask & inside
    regions = {
        "pathology": lesion,
        "brain" if inside.ndim == 3 else "centre": core & ~lesion,
        "edge": inside & ~core & ~lesion,
        "background": ~inside,
    }
    total = float(np.abs(item.relevance).sum())
    for region, where in regions.items():
        yield {
            "arm": arm,
            "subject": sample.subject,
            "label": sample.label,
            "region": region,
            "share": float(np.abs(item.relevance[where]).sum()) / total if total else np.nan,
            "signed_share": float(item.relevance[where].sum()) / total if total else np.nan,
            "volume_share": float(where.mean()),
        }


def colour_limit(mapped: Sequence[Mapped]) -> float:
    """One symmetric limit per arm: the 99.5th percentile of |relevance| where there is any."""
    values = np.concatenate([np.abs(item.relevance[item.volume.foreground]) for item in mapped])
    values = values[values > 0]
    return float(np.percentile(values, 99.5)) if values.size else 1.0


def _chosen(run: Run, mapped: Sequence[Mapped]) -> Iterator[_Chosen]:
    """Choose from every class the subject with the median score and those at both ends, and where to cut them."""
    for index in reversed(range(len(run.situation.cohort.classes))):
        own = [m for m in mapped if _class_of(run, m) == index]
        own.sort(key=lambda item: (item.logit, item.row))
        places = (len(own) // 2, len(own) - 1, 0)
        seen: set[int] = set()
        for role, place in zip(_ROLES, places, strict=True):
            if own and place not in seen:
                seen.add(place)
                yield _Chosen(own[place].row, role, _interesting_point(own[place]))


def _class_of(run: Run, item: Mapped) -> int:
    return class_index(run.situation.cohort, run.situation.cohort.samples[item.row])


def slices_of(item: Mapped) -> Iterator[tuple[str, np.ndarray]]:
    """Cut a map and the anatomy under it where the pathology or the relevance is, by plane and layer."""
    return _slices_at(item, _interesting_point(item))


def _slices_at(item: Mapped, cut: Sequence[int]) -> Iterator[tuple[str, np.ndarray]]:
    """Cut a map and the anatomy under it through one voxel, by plane and layer."""
    layers = {"anatomy": item.volume.drawn, "relevance": item.relevance, "mask": item.volume.mask}
    return slices_through(layers, cut)


def slices_through(layers: Mapping[str, np.ndarray], centre: Sequence[int]) -> Iterator[tuple[str, np.ndarray]]:
    """Cut layers of one shape through a voxel in every plane; pictures are whole.

    Parameters
    ----------
    layers : mapping of name to array (*shape)
        Of pictures also (height, width, 3).
    centre : sequence of int
        Two or three places, as the arrays have axes of space.

    Yields
    ------
    (str, float32 (height, width) or (height, width, 3))
        ``{plane}__{layer}``, the first row at the bottom.
    """
    for name, array in layers.items():
        if len(centre) == 2:
            yield f"picture__{name}", array[::-1].astype(np.float32)
        else:
            for plane, axis in _PLANES.items():
                yield f"{plane}__{name}", np.take(array, int(centre[axis]), axis=axis).T.astype(np.float32)


def _interesting_point(item: Mapped) -> tuple[int, ...]:
    """Middle of the largest part of the pathology, else where relevance concentrates."""
    weight = item.volume.mask.astype(np.float32)
    if not weight.any():
        weight = np.abs(item.relevance) * item.volume.foreground
    smooth = ndimage.gaussian_filter(weight, 1.5)
    return tuple(int(place) for place in np.unravel_index(int(np.argmax(smooth)), smooth.shape))
