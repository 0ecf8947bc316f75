"""New or held-out images through the trained target."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from biasaudit import registry
from biasaudit.cohort.images.colour import converted_notes, with_colour
from biasaudit.cohort.images.inspection import inspect_files, require_sound
from biasaudit.cohort.images.remarks import remark_notes
from biasaudit.cohort.readers.new_images import manifest_settings
from biasaudit.engine.answer_key import Scored
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.engine.situation.places import require_own_key, require_places
from biasaudit.engine.steps.represent import transform
from biasaudit.engine.steps.score import predict_rows
from biasaudit.engine.steps.train import load_network
from biasaudit.engine.user_code.listing import code_lines, require_recorded
from biasaudit.engine.user_code.preprocessing import import_string_of, kind_of_input
from biasaudit.engine.user_code.wall import walled
from biasaudit.errors import DataError, Fault, UsageError, suggestion
from biasaudit.protocol import Protocol, load_protocol
from biasaudit.protocol.code import is_file
from biasaudit.protocol.pseudonyms import own_pseudonyms
from biasaudit.records import Cohort, Grid, Sample
from biasaudit.regular_files import real_path
from biasaudit.run_folder.contract import ArmRecord, AuditRecord
from biasaudit.run_folder.finished import as_written, finished_audit
from biasaudit.run_folder.tsv import read_tsv

__all__ = [
    "Predicted",
    "Say",
    "chosen_arm",
    "predict",
    "require_images",
    "silent",
    "stored_protocol",
    "trained_networks",
]


Say = Callable[[str], None]
"""Called with every note."""


def silent(note: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Predicted:
    """Scores of the images of a table.

    Attributes
    ----------
    table : DataFrame
        image, subject, arm, fold (number or ``mean``), logit; with more than two classes ``logit_<class>`` each.
    done : str
        What was scored by which networks.
    scored : mapping of str to tuple of Scored
        By origin factor, the images of known class and origin; with more than two classes none.
    positive : str
        Class that a high score speaks for.
    notes : tuple of str
    """

    table: pd.DataFrame
    done: str
    scored: Mapping[str, tuple[Scored, ...]]
    positive: str
    notes: tuple[str, ...]


def predict(run: Path, table: Path, arm: str | None, say: Say = silent, *, trust: bool = False) -> Predicted:
    """Score the images of a table.

    An image whose subject the audit knows is scored by the fold that held that subject out, any other by the mean
    over folds.

    Parameters
    ----------
    run : Path
        Finished run folder.
    table : Path
        Manifest with the columns that the audit's protocol names (`subject` and `image` by default); labels and
        origins may be missing.
    arm : str or None
        Default: the primary arm.
    say : callable
        Told what code of the user's is run, and of pictures that are in grey where the audit's were in colour, and
        the reverse.
    trust : bool
        Run whatever code the run folder names, also what its audit did not run.

    Returns
    -------
    Predicted

    Raises
    ------
    UsageError, IncompleteError, DataError
    """
    protocol = stored_protocol(run, "predict", trust=trust)
    for line in code_lines(protocol.code):
        say(line)
    predicted = walled(protocol.code, _predicted, run, protocol, table, arm)
    for note in predicted.notes:
        say(note)
    return predicted


def stored_protocol(run: Path, command: str, *, trust: bool) -> Protocol:
    """Read the protocol of a finished run of images, whose code may run.

    Parameters
    ----------
    run : Path
    command : str
        Of the command line, for the message.
    trust : bool
        Let any code run that the folder names.

    Raises
    ------
    UsageError, IncompleteError, DataError
    """
    finished_audit(run)
    require_own_key(run)
    protocol = load_protocol(run / "protocol.yaml", stored=True)
    require_images(run, protocol, command)
    if any(is_file(name) for _, name in protocol.code):
        require_places(run)
    require_recorded(run, protocol, trust=trust)
    return protocol


def _predicted(run: Path, protocol: Protocol, table: Path, arm: str | None) -> Predicted:
    """Score the images of a table."""
    audit = finished_audit(run, "tables", "models")
    chosen = chosen_arm(audit, arm)
    name, representation = chosen["name"], chosen["representation"]
    settings = manifest_settings(protocol.cohort, table, with_maps=kind_of_input(representation).shows == "maps")
    cohort = registry.get("reader", "table")().read(settings, labelled=False)
    inspection = inspect_files(cohort, protocol.grid, {}, settings)
    require_sound(inspection)
    cohort = with_colour(cohort, audit["cohort"].get("colour", ()))
    notes = (*converted_notes(cohort, inspection.facts), *remark_notes(cohort, inspection.facts))
    networks, channels = trained_networks(run, name), _channels(run, name)
    known, shown = _known_subjects(run), _shown_names(protocol, table)
    grid = Grid.from_dict(audit["cohort"]["grid"])
    classes = list(audit["cohort"]["classes"])
    made_by = import_string_of(protocol, representation)
    rows: list[dict[str, object]] = []
    with one_thread():
        for sample in cohort.samples:
            subject, image_name = shown(sample)
            fold = known.get(subject)
            image = _network_input(sample, grid, protocol.cohort.foreground, made_by)
            _require_channels(sample, len(image), channels)
            scoring = networks[fold] if fold else [network for own in networks.values() for network in own]
            rows.append(
                {
                    "image": image_name,
                    "subject": subject,
                    "arm": name,
                    "fold": fold or "mean",
                    **_logits(predict_rows(scoring, image[None])[0], classes),
                }
            )
    done = _done(name, [row["fold"] for row in rows], len(networks))
    return Predicted(
        pd.DataFrame(rows), done, _scored(cohort, rows, audit["cohort"].get("pooled", {})), classes[-1], notes
    )


def _done(arm: str, folds: Sequence[object], networks: int) -> str:
    """Say how many images were scored by which networks."""
    new = sum(fold == "mean" for fold in folds)
    parts = [
        f"{len(folds) - new} of subjects of the audit by the networks of the fold that held them out",
        f"{new} new ones by the mean over {networks} folds",
    ]
    said = ", ".join(part for part in parts if not part.startswith("0 "))
    return f"arm {arm}: {len(folds)} images scored, {said}"


def _scored(
    cohort: Cohort, rows: Sequence[Mapping[str, object]], pooled: Mapping[str, Mapping[str, str]]
) -> dict[str, tuple[Scored, ...]]:
    """Put class and origin beside the scores, by origin factor; the origin under the name that it has in the audit."""
    if not rows or "logit" not in rows[0]:
        return {}
    scored: dict[str, tuple[Scored, ...]] = {}
    for factor in cohort.factors:
        names = pooled.get(factor, {})
        origins = [sample.origins.get(factor, "") for sample in cohort.samples]
        scored[factor] = tuple(
            Scored(
                str(row["subject"]), sample.label, names.get(origin, origin), sample.positive, float(str(row["logit"]))
            )
            for sample, row, origin in zip(cohort.samples, rows, origins, strict=True)
        )
    return scored


def _logits(values: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """One column `logit`, or one per class."""
    names = ["logit"] if len(values) == 1 else [f"logit_{name}" for name in classes]
    return {name: round(float(value), 6) for name, value in zip(names, values, strict=True)}


def require_images(run: Path, protocol: Protocol, command: str) -> None:
    """Refuse a run that audited scores or feature tables, since the command needs images.

    Raises
    ------
    UsageError
    """
    if not protocol.cohort.has_images:
        raise UsageError(f"{run} audited no images (scores or features were given); {command} needs images")


def chosen_arm(audit: AuditRecord, arm: str | None) -> ArmRecord:
    """Return the record of an arm; by default the primary one.

    Raises
    ------
    UsageError
        The run has no arm of that name.
    """
    arms = {record["name"]: record for record in audit["arms"]}
    name = arm or next(record["name"] for record in audit["arms"] if record["primary"])
    if name not in arms:
        raise UsageError(f"the run has no arm {name!r}; {suggestion(name, arms)}")
    return arms[name]


def trained_networks(run: Path, arm: str) -> dict[int, list[Any]]:
    """Load the trained targets of an arm, by fold (from 1)."""
    networks: dict[int, list[Any]] = {}
    for fold, weights in _stored_networks(run, arm):
        networks.setdefault(fold, []).append(load_network(weights))
    return networks


def _stored_networks(run: Path, arm: str) -> list[tuple[int, Path]]:
    """Return fold and weights of the networks of an arm."""
    folder = run / "models"
    with as_written(folder / "index.json"):
        own = [record for record in read_json(folder / "index.json") if record["arm"] == arm]
        odd = [record["weights"] for record in own if Path(record["weights"]).name != record["weights"]]
        if odd or not own:
            raise ValueError(f"{odd[0]!r} lies elsewhere" if odd else f"no network of the arm {arm}")
        return [(int(record["fold"]), folder / record["weights"]) for record in own]


def _channels(run: Path, arm: str) -> int:
    """Input channels of the networks of an arm."""
    description = _stored_networks(run, arm)[0][1].with_suffix(".json")
    with as_written(description):
        return int(read_json(description)["sizes"][1])


def _require_channels(sample: Sample, found: int, expected: int) -> None:
    if found != expected:
        message = f"{sample.images[0]}: {found} channels, expected {expected} as in the audit"
        raise DataError([Fault(sample.where, message, "give the images as they were audited")])


def _known_subjects(run: Path) -> dict[str, int]:
    path = run / "tables" / "subjects.tsv"
    with as_written(path):
        table = read_tsv(path, dtype={"subject": str})
        return dict(zip(table["subject"], (int(fold) for fold in table["fold"]), strict=True))


def _network_input(sample: Sample, grid: Grid, foreground: str, representation: str) -> np.ndarray:
    """Load one image onto the grid and turn it into the network's input."""
    volume = registry.get("reader", "table")().load(sample, grid, foreground)
    return transform(representation, volume, grid)


def _shown_names(protocol: Protocol, table: Path) -> Callable[[Sample], tuple[str, str]]:
    """Return how a sample's subject and images are written: as in the table, or by the pseudonyms of the run."""
    if not protocol.pseudonymise:
        return lambda sample: (sample.subject, _as_typed(sample, table))
    own = own_pseudonyms()
    return lambda sample: (own.subject(sample.subject), ";".join(own.files(sample.images).values()))


def _as_typed(sample: Sample, table: Path) -> str:
    paths: Sequence[str] = sample.images
    return ";".join(os.path.relpath(path, real_path(table).parent) for path in paths)
