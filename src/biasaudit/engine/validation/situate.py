"""Read and inspect everything that a protocol names, and refuse what cannot be audited, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from biasaudit import registry
from biasaudit.cohort.images.channels import channels_of
from biasaudit.cohort.images.colour import ColourSetting, colour_notes, colours_of, with_colour
from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.file_state import file_sha256
from biasaudit.cohort.images.headers import sidecar_faults, sidecars_of
from biasaudit.cohort.images.inspection import Inspection, foreground_notes, inspect_files, require_sound
from biasaudit.cohort.images.sizes import grid_notes
from biasaudit.cohort.readers.probes import probe_notes, read_probes, read_without_probes
from biasaudit.engine.arguments.inputs import OwnInput
from biasaudit.engine.plan import expected_plan
from biasaudit.engine.situation.identity import identity_of
from biasaudit.engine.situation.situation import Situation, single_origin_notes
from biasaudit.engine.user_code.preprocessing import try_inputs
from biasaudit.engine.user_code.sources import own_version
from biasaudit.engine.user_code.wall import walled
from biasaudit.engine.user_code.weight_folders import with_bundle
from biasaudit.engine.validation.field import require_field
from biasaudit.engine.validation.harmonisable import harmonise_notes, require_harmonisable
from biasaudit.engine.validation.inputs_possible import mask_in_faults, require_inputs_possible
from biasaudit.engine.validation.names import require_known_names
from biasaudit.engine.validation.probes import inspected_probes
from biasaudit.engine.validation.pseudonymised import pseudonymised
from biasaudit.engine.validation.ready_made import ReadyMade, fitted_to_cohort, folds_of, probe_ready_made_network
from biasaudit.engine.validation.trial import training_faults, trial_notes
from biasaudit.errors import DataError, ProtocolError
from biasaudit.own_rates import require_own_rates
from biasaudit.protocol import GridSettings, Protocol
from biasaudit.protocol.pseudonyms import own_pseudonyms
from biasaudit.records import Cohort, Grid, Volume

__all__ = ["situate", "situate_here"]


def situate(protocol: Protocol, known: Mapping[str, FileFacts] | None = None) -> tuple[Situation, dict[str, FileFacts]]:
    """Read the cohort, look at every file, and divide the subjects; nothing is written.

    Where the protocol names code of the user's all of this is done in a process of its own.

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
    return walled(protocol.code, situate_here, protocol, known)


def situate_here(
    protocol: Protocol, known: Mapping[str, FileFacts] | None = None
) -> tuple[Situation, dict[str, FileFacts]]:
    """Do what `situate` does in this process, which code of the user's may end."""
    target, found = with_bundle(protocol.target)
    protocol = protocol.model_copy(update={"target": target})
    require_known_names(protocol)
    reader = registry.get("reader", protocol.cohort.reader)()
    read = read_without_probes(protocol.cohort)
    fitted = fitted_to_cohort(protocol, read)
    inspection, folds = _inspected(read, fitted, known or {})
    read = replace(read, probes=read.probes or read_probes(protocol.cohort, read))
    cohort = _with_channels(read, inspection, fitted.cohort.colour)
    facts = inspection.facts | inspected_probes(cohort, fitted, {**(known or {}), **inspection.facts})
    grid = reader.grid(cohort, fitted.grid)
    own_inputs = _own_inputs(fitted, lambda: reader.load(cohort.samples[0], grid, fitted.cohort.foreground), grid)
    ready_made = probe_ready_made_network(fitted, cohort, grid, folds, own_inputs)
    ready_made = replace(ready_made, notes=(*found, *ready_made.notes))
    require_inputs_possible(fitted, cohort)
    require_harmonisable(fitted, cohort, folds)
    require_field(fitted, cohort, grid, reader)
    noted = replace(cohort, notes=_notes(fitted, cohort, inspection, ready_made, grid))
    situation = Situation(
        fitted,
        pseudonymised(noted, own_pseudonyms()) if fitted.pseudonymise else noted,
        grid,
        folds,
        hashes={path: fact.sha256 for path, fact in facts.items()},
        adopted=ready_made.network.to_json() if ready_made.network else {},
        sidecars=_sidecars(cohort),
        own_inputs=own_inputs,
        colours={path: fact.colour for path, fact in inspection.facts.items() if fact.colour},
    )
    if protocol.calibration is not None:
        require_own_rates(protocol.calibration, identity_of(situation))
    _require_trainable(situation)
    return situation, facts


def _inspected(
    cohort: Cohort, protocol: Protocol, known: Mapping[str, FileFacts]
) -> tuple[Inspection, tuple[int, ...]]:
    """Look at every file and divide the subjects into folds; what is wrong with either is raised at once."""
    inspection = inspect_files(cohort, protocol.grid, known, protocol.cohort)
    inspection = replace(inspection, faults=(*mask_in_faults(protocol, cohort), *inspection.faults))
    try:
        folds = tuple(folds_of(cohort, protocol))
    except DataError as error:
        raise DataError([*inspection.faults, *error.faults]) from None
    require_sound(inspection)
    return inspection, folds


def _with_channels(cohort: Cohort, inspection: Inspection, colour: ColourSetting) -> Cohort:
    """Say which pictures are read in colour, and count the channels of the first subject, where there are files."""
    if not cohort.samples[0].images:
        return cohort
    coloured = with_colour(cohort, colours_of(cohort, inspection.facts, colour))
    return replace(coloured, channels=channels_of(coloured.samples[0], inspection.facts))


def _own_inputs(protocol: Protocol, first_volume: Callable[[], Volume], grid: Grid) -> dict[str, OwnInput]:
    """Try the user's own preprocessing on the first image."""
    codes = {arm.representation: own_version(arm.representation) for arm in protocol.arms if ":" in arm.representation}
    return try_inputs(protocol.arms, first_volume(), grid, codes) if codes else {}


def _notes(
    protocol: Protocol, cohort: Cohort, inspection: Inspection, ready_made: ReadyMade, grid: Grid
) -> tuple[str, ...]:
    """Gather what the report says of the cohort before anything ran, each note once."""
    notes = (
        *single_origin_notes(cohort),
        *cohort.notes,
        *ready_made.notes,
        *trial_notes(protocol.target.training),
        *harmonise_notes(protocol, cohort),
        *inspection.notes,
        *(colour_notes(cohort, inspection.facts, protocol.cohort.colour) if cohort.samples[0].images else ()),
        *foreground_notes(cohort, inspection.facts, protocol.cohort.foreground),
        *grid_notes(cohort, inspection.facts, grid, by_default=protocol.grid == GridSettings()),
        *probe_notes(cohort),
    )
    return tuple(dict.fromkeys(notes))


def _sidecars(cohort: Cohort) -> dict[str, tuple[tuple[str, str], ...]]:
    """Sidecars of the first channel of every sample, with the hash of their content."""
    found = sidecars_of([sample.images[0] for sample in cohort.samples if sample.images])
    paths = sorted({path for own in found.values() for path in own})
    faults = [fault for path in paths for fault in sidecar_faults(path)]
    if faults:
        raise DataError(faults)
    hashes = {path: file_sha256(path) for path in paths}
    return {image: tuple((path, hashes[path]) for path in own) for image, own in found.items()}


def _require_trainable(situation: Situation) -> None:
    """Train one epoch on noise where the user's own functions train."""
    faults = training_faults(situation, expected_plan(situation).jobs)
    if faults:
        raise ProtocolError(faults)
