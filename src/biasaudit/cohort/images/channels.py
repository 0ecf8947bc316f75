"""Number of channels of each image: one per file, or one per volume of a 4-D file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.errors import Fault
from biasaudit.records import Cohort, Sample

__all__ = ["MOST_CHANNELS", "channel_faults", "channel_notes", "channels_of", "series_fault"]

MOST_CHANNELS = 16
"""More volumes than this in one file are taken for a time series; multi-contrast protocols stay well below."""

# Tools that stack channels leave the step along the fourth axis at 0 or at 1.
_NO_INTERVAL = (0.0, 1.0)


def channels_of(sample: Sample, facts: Mapping[str, FileFacts]) -> int:
    """Count the channels of one sample: three of a picture that is read in colour."""
    return sum(_volumes(facts[path]) for path in sample.images) + 2 * sum(sample.colour)


def channel_faults(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[Fault]:
    """Make a fault of every file with another number of channels than most files of its column.

    Parameters
    ----------
    cohort : Cohort
    facts : mapping of path to FileFacts
        Of the files that could be read.
    """
    faults: list[Fault] = []
    for column in range(len(cohort.samples[0].images)):
        readable = [sample for sample in cohort.samples if sample.images[column] in facts]
        counts = Counter(_volumes(facts[sample.images[column]]) for sample in readable)
        if len(counts) > 1:
            usual = counts.most_common(1)[0][0]
            faults += [fault for sample in readable if (fault := _odd(sample, facts[sample.images[column]], usual))]
    return faults


def channel_notes(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[str]:
    """Name the image columns whose files hold several volumes, taken as channels."""
    first = cohort.samples[0]
    counts = [_volumes(facts[path]) if path in facts else 1 for path in first.images]
    return [
        f"image {column + 1} of each sample is a file of {count} volumes, taken as as many channels"
        for column, count in enumerate(counts)
        if count > 1
    ]


def series_fault(sample: Sample, fact: FileFacts) -> Fault | None:
    """Refuse a file whose volumes follow each other in time or are too many to be channels."""
    count = _volumes(fact)
    if count == 1 or (count <= MOST_CHANNELS and fact.interval in _NO_INTERVAL):
        return None
    why = f"one every {fact.interval:g} s" if fact.interval not in _NO_INTERVAL else f"more than {MOST_CHANNELS}"
    message = f"{fact.path}: {count} volumes, {why}: a time series, expected the channels of one image"
    remedy = (
        "extract a volume by `fslroi IN OUT 0 1` or average them by `fslmaths IN -Tmean OUT`; if they are channels, "
        "set the fourth voxel size of the header to 1"
    )
    return Fault(sample.where, message, remedy)


def _volumes(fact: FileFacts) -> int:
    return fact.shape[3] if len(fact.shape) == 4 else 1


def _odd(sample: Sample, fact: FileFacts, usual: int) -> Fault | None:
    count = _volumes(fact)
    if count == usual:
        return None
    message = f"{fact.path}: {_channels(count)}, whereas most images have {usual}"
    return Fault(sample.where, message, "give all images the same channels in the same order, or leave the row out")


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"
