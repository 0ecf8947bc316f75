"""Read every file of a cohort once, before anything is computed, and collect facts, faults and notes."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from biasaudit.cohort.images import foreground as rules
from biasaudit.cohort.images.channels import channel_faults, channel_notes, series_fault
from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.file_state import FileState, file_sha256, is_trusted, state_of
from biasaudit.cohort.images.formats import decode
from biasaudit.cohort.images.gathered_faults import one_line_each
from biasaudit.cohort.images.geometry import orientation, spacing_of
from biasaudit.cohort.images.lesion_maps import lesion_map_faults
from biasaudit.cohort.images.masks import mask_faults, mask_notes
from biasaudit.cohort.images.missing_files import missing_file_faults
from biasaudit.cohort.images.mistaken import dangling_link
from biasaudit.cohort.images.remarks import remark_notes
from biasaudit.cohort.images.scan import Scan
from biasaudit.cohort.images.sizes import size_faults
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import CohortSettings, FieldSettings, FileLimits, GridSettings
from biasaudit.records import Cohort, FloatArray, Sample
from biasaudit.regular_files import read_regular, regular_status
from biasaudit.stats.colour import COLOUR_MEASURES, colour_measures

__all__ = [
    "Inspection",
    "foreground_notes",
    "foreground_rule_of",
    "inspect_files",
    "require_sound",
    "shared_field_files",
]

_WORKERS = 4
_GRID_TOLERANCE = 0.1
_PROBABILITY_TOLERANCE = 1e-3
_LARGEST_INPUT = 65504.0
_FAINT = 0.05
_LOOKED_AT = 10_000_000
# The squares of a hundred million such values still add up to a 32-bit number.
_LARGEST = 1e15


@dataclass(frozen=True)
class Inspection:
    """Facts, notes and faults of all files of a cohort.

    Attributes
    ----------
    facts : dict of path to FileFacts
        Every file that could be read.
    notes : tuple of str
        For the report: files and geometry.
    faults : tuple of Fault
        Must be mended before anything is computed.
    """

    facts: dict[str, FileFacts]
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]


def require_sound(inspection: Inspection) -> None:
    """Raise the faults of an inspection, if there are any.

    Raises
    ------
    DataError
        With every fault.
    """
    if inspection.faults:
        raise DataError(inspection.faults)


def inspect_files(
    cohort: Cohort, grid_settings: GridSettings, known: Mapping[str, FileFacts], settings: CohortSettings | None = None
) -> Inspection:
    """Read every file of the cohort completely, once; only regular files, within the limits of the settings.

    Parameters
    ----------
    cohort : Cohort
    grid_settings : GridSettings
        Its reference file is inspected too.
    known : mapping of path to FileFacts
        Facts from before; a file whose state shows it to be the same is not read again.
    settings : CohortSettings, optional
        Its limits hold, and the field's file that it names for all images is inspected too.
    """
    field, limits = (None, FileLimits()) if settings is None else (settings.field, settings.limits)
    first_named = {**_places(cohort, grid_settings), **dict.fromkeys(shared_field_files(field), "cohort.field")}
    facts, unreadable = _read_all(first_named, known, limits)
    faults = [*unreadable, *_content_faults(cohort, facts), *_geometry_faults(cohort, facts)]
    faults += [*mask_faults(cohort, facts), *channel_faults(cohort, facts)]
    notes = [*channel_notes(cohort, facts), *mask_notes(cohort, facts), *_origin_notes(cohort, facts)]
    notes += remark_notes(cohort, facts)
    return Inspection(facts, tuple(notes), tuple(one_line_each(dict.fromkeys(faults), first_named)))


def foreground_notes(cohort: Cohort, facts: Mapping[str, FileFacts], foreground: str) -> tuple[str, ...]:
    """Say by which rule the foreground is found, and whether that differs between origins.

    Parameters
    ----------
    cohort : Cohort
    facts : mapping of path to FileFacts
        Of all first channels: ask after `require_sound`.
    foreground : {"auto", "nonzero", "threshold", "centre"}
    """
    chosen = {id(sample): foreground_rule_of(sample, facts, foreground) for sample in cohort.samples if sample.images}
    counts = Counter(chosen.values())
    notes = [f"foreground of {count} images: {rules.RULES[rule]}" for rule, count in counts.most_common()]
    if len(counts) > 1:
        notes += _differences(cohort, "rule of the foreground", chosen)
    return tuple(notes)


def foreground_rule_of(sample: Sample, facts: Mapping[str, FileFacts], foreground: str) -> str:
    """Name of the rule (a key of `foreground.RULES`) that gives one sample its foreground, from what is known of it."""
    if sample.brain_mask is not None:
        return "file"
    fact = facts[sample.images[0]]
    return rules.choose_rule(foreground, min(3, len(fact.shape)), fact.empty_border)


def _places(cohort: Cohort, grid_settings: GridSettings) -> dict[str, str]:
    """Every path to be read -> the place (``table.tsv:12``) that names it first."""
    first_named: dict[str, str] = {}
    if grid_settings.reference is not None:
        first_named[str(grid_settings.reference)] = "grid.reference"
    for sample in cohort.samples:
        for path in sample.files:
            first_named.setdefault(path, sample.where)
    return first_named


def shared_field_files(field: FieldSettings | None) -> tuple[str, ...]:
    """Return the file that holds the disease field of all images, if there is one."""
    named = None if field is None else field.mask or field.atlas
    return () if named is None else (str(named),)


def _read_all(
    first_named: Mapping[str, str], known: Mapping[str, FileFacts], limits: FileLimits
) -> tuple[dict[str, FileFacts], list[Fault]]:
    with ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1)) as workers:
        results = list(workers.map(lambda path: _examine(path, known.get(path), limits), first_named))
    facts: dict[str, FileFacts] = {}
    absent = {path: where for (path, where), result in zip(first_named.items(), results, strict=True) if result is None}
    faults: list[Fault] = missing_file_faults(absent)
    for (path, where), result in zip(first_named.items(), results, strict=True):
        if result is None:
            continue
        if isinstance(result, FileFacts):
            facts[path] = result
        else:
            faults.append(Fault(where, f"{path}: {result.message}", result.remedy))
    return facts, faults


def _examine(path: str, before: FileFacts | None, limits: FileLimits) -> FileFacts | Fault | None:
    """Read one file; None where nothing is there."""
    try:
        regular_status(path)
        state = state_of(path)
        if before is not None and before.extent is not None and (current := _current(before, state)):
            return current
        content = read_regular(path, limits.file_bytes, "cohort.limits.file_megabytes")
    except FileNotFoundError:
        link = dangling_link(path)
        return Fault(path, *link) if link else None
    except OSError as error:
        return Fault(path, f"cannot be read ({error.strerror or error})", "check the path and its permissions")
    try:
        scan = decode(path, content, limits.voxels)
    except DataError as error:
        return error.faults[0]
    return _facts(path, state, hashlib.sha256(content).hexdigest(), scan)


def _current(before: FileFacts, state: FileState) -> FileFacts | None:
    """Return what is known of a file whose content is the same as before, else None."""
    if is_trusted(before.state, state):
        return before
    same = before.state.size == state.size and before.sha256 == file_sha256(before.path)
    return replace(before, state=state) if same else None


def _facts(path: str, state: FileState, sha256: str, scan: Scan) -> FileFacts:
    data, affine = scan.data, scan.affine
    finite = bool(np.isfinite(data).all())
    values = data if finite else data[np.isfinite(data)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    return FileFacts(
        path=path,
        state=state,
        sha256=sha256,
        shape=tuple(data.shape),
        spacing=() if affine is None else tuple(round(float(s), 4) for s in spacing_of(affine)),
        affine=None if affine is None else tuple(tuple(float(value) for value in row) for row in affine),
        orientation="" if affine is None else orientation(affine),
        finite=finite,
        minimum=low,
        maximum=high,
        occupied=float(np.count_nonzero(scan.marked if scan.lossy else data) / data.size),
        binary=bool(np.isin(values, (0.0, high if high != 0 else low)).all()),
        empty_border=data.ndim >= 3 and rules.has_empty_border(scan.volumes[0].data),
        interval=round(scan.interval, 6),
        colour=_colour(scan),
        stored_in_colour=scan.stored_in_colour,
        transparent=scan.transparent,
        bits=scan.bits,
        lossy=scan.lossy,
        faint=_faint(data, high),
        extent=() if affine is None else _extent(scan.volumes[0].data, affine),
        remarks=scan.remarks,
    )


def _faint(data: FloatArray, high: float) -> float:
    """Share of values above 0 and far below the largest; of a large image every few values are looked at."""
    values = data.ravel(order="K")[:: 1 + data.size // _LOOKED_AT]
    return float(np.count_nonzero((values > 0) & (values < _FAINT * high)) / values.size)


def _extent(volume: FloatArray, affine: FloatArray) -> tuple[float, ...]:
    return tuple(round(size, 3) for size in rules.extent_of(volume, affine))


def _colour(scan: Scan) -> tuple[float, ...]:
    if scan.rgb is not None:
        return colour_measures(scan.rgb)
    return (0.0,) * len(COLOUR_MEASURES) if scan.data.ndim == 2 else ()


def _content_faults(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[Fault]:
    faults: list[Fault] = []
    for sample in cohort.samples:
        for path in sample.files:
            if path in facts and not facts[path].finite:
                message = f"{path}: NaN or infinite values"
                faults.append(Fault(sample.where, message, "replace them, for instance by `fslmaths IN -nan OUT`"))
        faults += [fault for path in sample.images if path in facts for fault in _image_faults(sample, facts[path])]
        faults += [fault for path in sample.tissue if path in facts for fault in _tissue_faults(sample, facts[path])]
        faults += [fault for path in sample.maps if path in facts for fault in _map_faults(sample, facts[path])]
    return faults + lesion_map_faults(cohort, facts)


def _image_faults(sample: Sample, fact: FileFacts) -> list[Fault]:
    remedy = "replace the image or leave the row out"
    series = series_fault(sample, fact)
    if series is not None:
        return [series]
    if not fact.finite:
        return []
    largest = max(fact.maximum, -fact.minimum)
    if largest > _LARGEST:
        message = f"{fact.path}: values up to {largest:g}, expected below {_LARGEST:g}"
        return [Fault(sample.where, message, "rescale the image; its mean and variance do not fit 32-bit numbers")]
    if fact.minimum == fact.maximum and not fact.coloured:
        place = "pixel" if len(fact.shape) == 2 else "voxel"
        return [Fault(sample.where, f"{fact.path}: every {place} is {fact.minimum:g}", remedy)]
    return []


def _tissue_faults(sample: Sample, fact: FileFacts) -> list[Fault]:
    if fact.minimum >= -_PROBABILITY_TOLERANCE and fact.maximum <= 1 + _PROBABILITY_TOLERANCE:
        return []
    message = f"{fact.path}: tissue probabilities from {fact.minimum:g} to {fact.maximum:g}, expected 0 to 1"
    return [Fault(sample.where, message, "rescale the map")]


def _map_faults(sample: Sample, fact: FileFacts) -> list[Fault]:
    if len(fact.shape) > 3:
        message = f"{fact.path}: {fact.shape[3]} volumes, expected one map per file"
        return [Fault(sample.where, message, "write each volume to a file, and name them all in `cohort.maps`")]
    if max(abs(fact.minimum), abs(fact.maximum)) > _LARGEST_INPUT:
        message = f"{fact.path}: values from {fact.minimum:g} to {fact.maximum:g}; inputs are stored in half precision"
        return [Fault(sample.where, message, f"scale the map: at most {_LARGEST_INPUT:g}, best about 1")]
    return []


def _geometry_faults(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[Fault]:
    faults = [*_mixed_dimensions(cohort, facts), *size_faults(cohort, facts)]
    for sample in cohort.samples:
        image = facts.get(sample.images[0]) if sample.images else None
        if image is None:
            continue
        others = [("channel", path) for path in sample.images[1:]]
        others += [(kind, path) for kind, path in (("mask", sample.mask), ("brain mask", sample.brain_mask)) if path]
        faults += [
            fault for kind, path in others if path in facts for fault in _pair_faults(sample, image, kind, facts[path])
        ]
    return faults


def _mixed_dimensions(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[Fault]:
    axes = {
        id(sample): min(3, len(facts[sample.images[0]].shape))
        for sample in cohort.samples
        if sample.images and sample.images[0] in facts
    }
    if len(set(axes.values())) < 2:
        return []
    usual = Counter(axes.values()).most_common(1)[0][0]
    return [
        Fault(
            sample.where,
            f"{sample.images[0]}: {axes[id(sample)]}-D, whereas most images are {usual}-D",
            "audit pictures and volumes apart; `select` leaves rows out",
        )
        for sample in cohort.samples
        if axes.get(id(sample), usual) != usual
    ]


def _pair_faults(sample: Sample, image: FileFacts, kind: str, other: FileFacts) -> list[Fault]:
    """Make a fault of a mask or channel on another grid than its image; the order of the axes may differ."""
    remedy = f"resample the {kind} onto the image"
    shape, image_shape = other.shape[:3] if kind == "channel" else other.shape, image.shape[:3]
    if sorted(shape) != sorted(image_shape) or (image.affine is None and shape != image_shape):
        message = f"{other.path}: {kind} of shape {_by(other.shape)}, its image has {_by(image.shape)}"
        return [Fault(sample.where, message, remedy)]
    if image.affine is None or other.affine is None:
        return []
    shift = _corner_distance(image, other)
    if shift <= _GRID_TOLERANCE:
        return []
    message = f"{other.path}: {kind} on another grid, its corners are off by {shift:.2g} voxels from those of its image"
    return [Fault(sample.where, message, remedy)]


def _corner_distance(image: FileFacts, other: FileFacts) -> float:
    """Largest distance, along one axis of the image and in its voxels, between a corner and the nearest other one."""
    to_image = np.linalg.inv(np.asarray(image.affine)) @ np.asarray(other.affine)
    moved = _corners(other.shape[:3]) @ to_image[:3, :3].T + to_image[:3, 3]
    return float(np.abs(_corners(image.shape[:3])[:, None] - moved[None]).max(-1).min(1).max())


def _corners(shape: Sequence[int]) -> FloatArray:
    return np.stack(np.meshgrid(*[(0.0, size - 1.0) for size in shape], indexing="ij"), -1).reshape(-1, 3)


def _origin_notes(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[str]:
    readable = [sample for sample in cohort.samples if sample.images and sample.images[0] in facts]
    properties: dict[str, Callable[[FileFacts], str]] = {
        "shape": lambda fact: _by(fact.shape),
        "spacing (mm)": lambda fact: _by(round(size, 2) for size in fact.spacing),
        "orientation": lambda fact: fact.orientation,
        "colour": lambda fact: fact.pixels,
    }
    notes = []
    for what, show in properties.items():
        notes += _differences(cohort, what, {id(sample): show(facts[sample.images[0]]) for sample in readable})
    return notes


def _differences(cohort: Cohort, what: str, values: Mapping[int, str]) -> list[str]:
    """One line per factor whose origins differ in something that should be the same; `values` by id of the sample."""
    notes = []
    for factor in cohort.factors:
        counts: dict[str, Counter[str]] = {}
        for sample in cohort.samples:
            if value := values.get(id(sample)):
                counts.setdefault(sample.origins.get(factor, ""), Counter())[value] += 1
        if len({frozenset(counter) for counter in counts.values()}) > 1:
            listed = "; ".join(f"{origin}: {_commonest(counter)}" for origin, counter in sorted(counts.items()))
            notes.append(f"{what} differs between the origins of {factor}, a signature in itself: {listed}")
    return notes


def _commonest(counter: Counter[str]) -> str:
    listed = ", ".join(f"{value} ({count})" for value, count in counter.most_common(3))
    return f"{listed}, {len(counter) - 3} others" if len(counter) > 3 else listed


def _by(numbers: Iterable[float]) -> str:
    return " x ".join(f"{number:g}" for number in numbers)
