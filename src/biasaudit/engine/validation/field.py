"""Whether the disease field that a protocol declares fits the cohort: it is there, leaves a frame, and cuts no mask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from biasaudit.cohort.images.field import FieldOf, field_reader, support_of
from biasaudit.cohort.images.volumes import pathology_on_grid
from biasaudit.edits.frame import LEAST_FRAME, frame_share
from biasaudit.errors import DataError, Fault, InputError, ProtocolError
from biasaudit.protocol import FieldSettings, Protocol
from biasaudit.records import BoolArray, Cohort, Grid, Sample, Volume

__all__ = ["require_field"]

_KEY = "cohort.field"


def require_field(protocol: Protocol, cohort: Cohort, grid: Grid, reader: Any) -> None:
    """Refuse a field that cannot be read, is empty, leaves no frame, or cuts pathology masks.

    Images are opened only where the field follows from them or their masks are simulated.

    Raises
    ------
    ProtocolError, DataError
        Every fault at once.
    """
    settings = protocol.cohort.field
    if settings is None:
        return
    if cohort.features or not cohort.channels:
        message = "there are no images, so nothing lies inside or outside of a field"
        raise ProtocolError([Fault(_KEY, message, "leave it out")])
    if settings.column is not None and not any(sample.field for sample in cohort.samples):
        message = f"a field for each image is a column of the reader `table`, not of `{protocol.cohort.reader}`"
        raise ProtocolError([Fault(_KEY, message, "name one file for all images, or an atlas")])
    faults = list(_Look(protocol, grid, reader, field_reader(settings, grid)).faults(cohort, settings))
    if faults:
        raise DataError(list(dict.fromkeys(faults)))


class _Look:
    """Looks at the field of every sample."""

    def __init__(self, protocol: Protocol, grid: Grid, reader: Any, field_of: FieldOf) -> None:
        self._foreground = protocol.cohort.foreground
        self._grid, self._reader, self._field_of = grid, reader, field_of

    def faults(self, cohort: Cohort, settings: FieldSettings) -> Iterator[Fault]:
        shared = settings.rule != "foreground" and settings.column is None
        if shared:
            try:
                yield from _extent(_KEY, self._field_of(None, self._everything), self._everything)
            except InputError as error:
                yield from error.faults
                return
        for sample in cohort.samples:
            yield from self._of_sample(sample, shared=shared, opened=settings.rule == "foreground")

    @property
    def _everything(self) -> BoolArray:
        return np.ones(self._grid.shape, dtype=np.bool_)

    def _of_sample(self, sample: Sample, *, shared: bool, opened: bool) -> Iterator[Fault]:
        try:
            volume = self._opened(sample) if opened or not sample.images else None
            field = self._field_of(sample.field, self._everything if volume is None else volume.foreground)
            mask = pathology_on_grid(sample, self._grid) if volume is None else volume.mask
        except InputError as error:
            yield from (Fault(sample.where, f"{fault.where}: {fault.message}", fault.remedy) for fault in error.faults)
            return
        if not shared or volume is not None:
            yield from _extent(sample.where, field, self._everything if volume is None else support_of(volume))
        if sample.has_mask:
            yield from _cut(sample, field, mask)

    def _opened(self, sample: Sample) -> Volume:
        volume: Volume = self._reader.load(sample, self._grid, self._foreground)
        return volume


def _extent(where: str, field: BoolArray, support: BoolArray) -> Iterator[Fault]:
    """Make a fault of a field that is empty or leaves too little of an image."""
    if not (field & support).any():
        yield Fault(where, "the field is empty on the common grid", "check that it is registered to the images")
        return
    share = frame_share(field, support)
    if share < LEAST_FRAME:
        message = f"the field leaves {share:.1%} of the image, and {LEAST_FRAME:.0%} are needed to measure it"
        yield Fault(where, message, "declare a smaller field, or leave `cohort.field` out")


def _cut(sample: Sample, field: BoolArray, mask: BoolArray) -> Iterator[Fault]:
    outside, whole = int((mask & ~field).sum()), int(mask.sum())
    if outside:
        what = "pixels" if mask.ndim == 2 else "voxels"
        message = f"{sample.subject}: {outside} of the {whole} {what} of its pathology mask lie outside of the field"
        yield Fault(sample.where, message, f"widen the field so that all disease lies 2 {what} inside of it")
