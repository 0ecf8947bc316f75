"""Read and inspect everything that a protocol names, and refuse what cannot be audited, before anything runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from biasaudit import registry
from biasaudit.cohort.images.channels import channels_of
from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.headers import sidecars_of
from biasaudit.cohort.images.inspection import foreground_notes, inspect_files, require_sound
from biasaudit.engine.jobs.book import user_code
from biasaudit.engine.plan import expected_plan
from biasaudit.engine.situation.situation import Situation, single_origin_notes
from biasaudit.engine.user_code.preprocessing import OwnInput, try_inputs
from biasaudit.engine.validation.harmonisable import harmonise_notes, require_harmonisable
from biasaudit.engine.validation.inputs_possible import require_inputs_possible
from biasaudit.engine.validation.names import require_known_names
from biasaudit.engine.validation.ready_made import fitted_to_cohort, folds_of, probe_ready_made_network
from biasaudit.engine.validation.trial import training_faults, trial_notes
from biasaudit.errors import DataError, ProtocolError
from biasaudit.protocol import Protocol
from biasaudit.records import Cohort, Grid

__all__ = ["situate"]


def situate(protocol: Protocol, known: Mapping[str, FileFacts] | None = None) -> tuple[Situation, dict[str, FileFacts]]:
    """Read the cohort, look at every file, and divide the subjects; nothing is written.

    Parameters
    ----------
    protocol : Protocol
    known : mapping of path to FileFacts, optional
        What an earlier look found; unchanged files are not read again.

    Returns
    -------
    situation, facts
        `facts` is to be handed in as `known` the next time.

    Raises
    ------
    ProtocolError, DataError
        Every fault at once.
    """
    require_known_names(protocol)
    reader = registry.get("reader", protocol.cohort.reader)()
    cohort = reader.read(protocol.cohort)
    protocol = fitted_to_cohort(protocol, cohort)
    inspection = inspect_files(cohort, protocol.grid, known or {})
    faults = list(inspection.faults)
    folds: Sequence[int] = ()
    try:
        folds = folds_of(cohort, protocol)
    except DataError as error:
        faults.extend(error.faults)
    require_sound(replace(inspection, faults=tuple(faults)))
    if cohort.samples[0].images:
        cohort = replace(cohort, channels=channels_of(cohort.samples[0], inspection.facts))
    grid = reader.grid(cohort, protocol.grid)
    own_inputs = _own_inputs(protocol, cohort, grid)
    adopted, said = probe_ready_made_network(protocol, cohort, grid, folds, own_inputs)
    require_inputs_possible(protocol, cohort)
    require_harmonisable(protocol, cohort, folds)
    notes = (
        *single_origin_notes(cohort),
        *cohort.notes,
        *said,
        *trial_notes(protocol.target.training),
        *harmonise_notes(protocol, cohort),
        *inspection.notes,
        *foreground_notes(cohort, inspection.facts, protocol.cohort.foreground),
    )
    hashes = {path: fact.sha256 for path, fact in inspection.facts.items()}
    cohort = replace(cohort, notes=tuple(dict.fromkeys(notes)))
    situation = Situation(
        protocol,
        cohort,
        grid,
        tuple(folds),
        hashes,
        adopted=adopted,
        sidecars=_sidecars(cohort),
        own_inputs=own_inputs,
    )
    _require_trainable(situation)
    return situation, dict(inspection.facts)


def _own_inputs(protocol: Protocol, cohort: Cohort, grid: Grid) -> dict[str, OwnInput]:
    """Try the user's own preprocessing on the first image."""
    codes = {arm.representation: user_code(arm.representation) for arm in protocol.arms if ":" in arm.representation}
    if not codes:
        return {}
    reader = registry.get("reader", protocol.cohort.reader)()
    volume = reader.load(cohort.samples[0], grid, protocol.cohort.foreground)
    return try_inputs(protocol.arms, volume, grid, codes)


def _sidecars(cohort: Cohort) -> dict[str, tuple[tuple[str, str], ...]]:
    """Sidecars of the first channel of every sample, with the hash of their content."""
    found = sidecars_of([sample.images[0] for sample in cohort.samples if sample.images])
    paths = {path for own in found.values() for path in own}
    hashes = {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths}
    return {image: tuple((path, hashes[path]) for path in own) for image, own in found.items()}


def _require_trainable(situation: Situation) -> None:
    faults = training_faults(situation, expected_plan(situation).jobs)
    if faults:
        raise ProtocolError(faults)
