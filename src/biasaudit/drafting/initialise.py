"""The use case `init`: look at the data, say what is there, draft a protocol."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biasaudit import registry
from biasaudit.cohort.images.alignment import alignment
from biasaudit.cohort.readers.reader import Reader
from biasaudit.drafting.first_look import Section, design_statements, sections
from biasaudit.drafting.profile import Profile, geometry_of
from biasaudit.drafting.profile_bids import profile_bids
from biasaudit.drafting.profile_table import profile_table
from biasaudit.drafting.proposal import Proposal, propose_protocol
from biasaudit.drafting.protocol_text import Model, draft_protocol, open_points
from biasaudit.errors import DataError, Fault, InputError, UsageError
from biasaudit.protocol import GridSettings, Protocol, json_schema, parse_protocol
from biasaudit.records import Cohort
from biasaudit.regular_files import real_path
from biasaudit.run_folder.place import require_new_file

__all__ = ["FirstLook", "initialise", "model_of"]

_ADD = "add some: another --bids with {} subjects, or more rows"
_ALIGNED = 8
_SCHEMA = "protocol.schema.json"
_COARSE = 6.0


@dataclass(frozen=True)
class FirstLook:
    """Tables of what the data hold, what the design can answer, and what has still to be filled in.

    Attributes
    ----------
    sections : tuple of Section
    notes : tuple of str
    can_answer, cannot_answer : tuple of str
        Of the design, by the primary origin factor; empty while something is open.
    faults : tuple of Fault
        What must be filled in or mended before `biasaudit validate` accepts the protocol.
    """

    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    can_answer: tuple[str, ...]
    cannot_answer: tuple[str, ...]
    faults: tuple[Fault, ...]


def initialise(source: Sequence[Path], model: Model, out: Path, *, bids: bool, force: bool) -> FirstLook:
    """Look at BIDS datasets or a table and write a protocol with its JSON schema beside it.

    Parameters
    ----------
    source : sequence of Path
        Roots, or one table.
    model : Model
    out : Path
        The protocol.
    bids : bool
        Whether `source` holds datasets.
    force : bool
        Overwrite.

    Raises
    ------
    UsageError
        The protocol exists.
    DataError
        There is nothing to look at; nothing has been written.
    """
    _require_possible(source, out, bids=bids, force=force)
    profile = profile_bids(source) if bids else profile_table(source[0])
    geometry = geometry_of([path for path in profile.image if os.path.exists(path)])
    proposal = propose_protocol(profile)
    text = draft_protocol(profile, proposal, model, out.parent)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    (out.parent / _SCHEMA).write_text(json_schema(), encoding="utf-8")
    open_faults = _open_faults(open_points(profile, proposal, model), proposal, text, out)
    faults = (*open_faults, *profile.faults, *geometry.faults)
    reading = _Reading(profile.notes, faults=faults) if faults else _read_back(text, out, profile, proposal)
    return FirstLook(
        sections=sections(profile, geometry, proposal),
        notes=reading.notes,
        can_answer=reading.can_answer,
        cannot_answer=reading.cannot_answer,
        faults=reading.faults,
    )


def model_of(factory: str, weights: Path | None, folder: Path) -> Model:
    """Write the network as the protocol names it, with paths relative to the protocol.

    Parameters
    ----------
    factory : str
        ``my.py:build``, ``package.module:build``, or the name of a known network.
    weights : Path or None
    folder : Path
        Where the protocol will lie.

    Raises
    ------
    UsageError
        There is no such file, or no function is named.
    """
    file, _, function = factory.partition(":")
    if file.endswith(".py"):
        if not os.path.isfile(file):
            raise UsageError(f"--model: no file {file}; expected my_network.py:function")
        if not function:
            raise UsageError(f"--model: which function of {file} makes the network? write {file}:function")
        factory = f"{os.path.relpath(file, real_path(folder))}:{function}"
    if weights is None:
        return Model(factory)
    if not factory:
        raise UsageError("--weights needs the network they belong to: add --model my_network.py:function")
    if not os.path.isfile(weights):
        raise UsageError(f"--weights: no file {weights}")
    return Model(factory, os.path.relpath(weights, real_path(folder)))


def _require_possible(source: Sequence[Path], out: Path, *, bids: bool, force: bool) -> None:
    require_new_file(out, force=force)
    schema = out.parent / _SCHEMA
    if not _is_schema_of_ours(schema):
        require_new_file(schema, force=force)
    if not bids and os.path.isdir(source[0]):
        raise UsageError(f"{source[0]} is a folder: give a BIDS dataset as --bids {source[0]}, or the path of a table")
    if len({real_path(path) for path in source}) < len(source):
        raise UsageError("the same dataset is given twice")


def _is_schema_of_ours(path: Path) -> bool:
    """Whether a file is the schema that this or another version wrote, which may be replaced."""
    try:
        found, own = (json.loads(text) for text in (path.read_text(encoding="utf-8"), json_schema()))
        return all(found[key] == own[key] for key in ("$schema", "title", "description"))
    except (OSError, ValueError, LookupError, TypeError):
        return False


@dataclass(frozen=True)
class _Reading:
    """Result of reading the drafted protocol back; fields as in `FirstLook`."""

    notes: tuple[str, ...]
    can_answer: tuple[str, ...] = ()
    cannot_answer: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def _read_back(text: str, out: Path, profile: Profile, proposal: Proposal) -> _Reading:
    """Read the draft as `biasaudit validate` would, and say what its design can answer."""
    try:
        protocol = parse_protocol(text, out)
        notes = _as_read(protocol)
    except InputError as error:
        return _Reading(profile.notes, faults=error.faults)
    can_answer, cannot_answer = design_statements(profile, proposal, protocol)
    return _Reading(tuple(notes), tuple(can_answer), tuple(cannot_answer))


def _open_faults(points: Mapping[str, str], proposal: Proposal, text: str, out: Path) -> list[Fault]:
    """Make one fault of each line that has to be filled in."""
    lines = text.splitlines()
    faults = []
    for key, choice in points.items():
        number = next(n for n, line in enumerate(lines, 1) if line.strip().startswith(f"# {key}:"))
        where = {"origins": "cohort.origins", "training_subjects": "target.training_subjects"}.get(
            key, f"cohort.label.{key}"
        )
        remedy = _remedy(key, proposal)
        faults.append(Fault(f"{out}:{number}", f"{where} could not be guessed: {choice}", remedy))
    for number, line in enumerate(lines, 1):
        if line.strip().startswith("# FILL IN `select`"):
            faults.append(Fault(f"{out}:{number}", line.strip(" #"), "rename the column to one word first"))
    return faults


def _remedy(key: str, proposal: Proposal) -> str:
    if key == "negative":
        return _ADD.format("healthy")
    lacks_patients = key == "positive" and proposal.classes.negative is not None
    return _ADD.format("ill") if lacks_patients else "fill the line in"


def _as_read(protocol: Protocol) -> list[str]:
    """Return the notes of the reader, and how well a few of the images lie on each other."""
    reader: Reader[Any] = registry.get("reader", protocol.cohort.reader)()
    cohort = reader.read(protocol.cohort)
    notes = list(cohort.notes)
    try:
        notes += _alignment(reader, cohort)
    except DataError as error:
        notes.append(f"alignment was not looked at: {error.faults[0]}")
    return notes


def _alignment(reader: Reader[Any], cohort: Cohort) -> list[str]:
    """Measure the overlap of a few subjects of all classes and origins on a coarse grid."""
    if cohort.dimensions == 2:
        return []
    factor = cohort.factors[0]
    ordered = sorted(range(len(cohort.samples)), key=lambda row: (cohort.samples[row].origins[factor], row))
    step = max(1, len(ordered) // _ALIGNED)
    samples = tuple(cohort.samples[row] for row in ordered[::step][:_ALIGNED])
    few = Cohort(samples, cohort.classes, cohort.factors, cohort.dimensions, cohort.channels)
    grid = reader.grid(few, GridSettings(spacing=_COARSE))
    volumes = [reader.load(sample, grid, "auto") for sample in samples]
    report = alignment(
        [v.image for v in volumes], [v.foreground for v in volumes], [sample.subject for sample in samples]
    )
    return [f"of {len(samples)} images: {note}" for note in report.notes]
