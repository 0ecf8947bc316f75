"""What the error rates of an audit hold for: its cohort, what it trains, and what it judges by."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from biasaudit.cohort.images.inspection import shared_field_files
from biasaudit.engine.jobs.json_files import digest
from biasaudit.engine.situation.situation import Situation, default_checks
from biasaudit.engine.user_code.sources import own_version
from biasaudit.own_rates import Identity
from biasaudit.protocol import ArmSettings, Protocol

__all__ = ["identity_of", "learns_from"]


def identity_of(situation: Situation) -> Identity:
    """Hash what a calibration on own images measured, so that rates of anything else are told apart.

    Where files lie, names, the order of rows and the number of resamples change nothing; neither does what no verdict
    rests on. Rates are told arm by arm.
    """
    protocol = situation.protocol
    settings, tests = protocol.cohort, [protocol.statistics.alpha, protocol.statistics.scope]
    masks = [settings.mask_is_complete, settings.mask_in, any(sample.has_mask for sample in situation.cohort.samples)]
    read = [settings.foreground, settings.colour]
    return Identity(
        cohort=digest([_subjects(situation), read]),
        network=digest([_target(protocol), situation.grid, protocol.folds.n]),
        rules=digest([
            sorted(default_checks(protocol)), protocol.verdict.model_dump(mode="json"), tests, _field(situation), masks
        ]),
    )  # fmt: skip


def learns_from(arm: ArmSettings) -> str:
    """Say what the networks of an arm learn from, with the version of a function of the user's that makes it."""
    version = own_version(arm.representation)[:12] if ":" in arm.representation else ""
    return f"{arm.recipe} {version}".rstrip()


def _subjects(situation: Situation) -> list[str]:
    """Hash every subject: its images and what is said of each; called what it may."""
    cohort, rows = situation.cohort, defaultdict(list)
    for role, samples in (("cohort", cohort.samples), ("probes", cohort.probes)):
        for sample in samples:
            files = [*sample.images, sample.brain_mask, sample.field]
            hashes = [None if path is None else situation.hashes.get(path, "") for path in files]
            rows[sample.subject].append(digest([role, sample.label, sample.origins[cohort.factors[0]], hashes]))
    return sorted(digest(sorted(own)) for own in rows.values())


def _target(protocol: Protocol) -> list[Any]:
    """Return what is trained, with the content of the user's own functions."""
    target = protocol.target
    names = [target.network, *(name for _, name in target.training.own)]
    return [_placeless(target.model_dump(mode="json")), [own_version(name) for name in names]]


def _field(situation: Situation) -> list[Any] | None:
    field = situation.protocol.cohort.field
    if field is None:
        return None
    files = [situation.hashes.get(path, "") for path in shared_field_files(field)]
    return [_placeless(field.model_dump(mode="json")), files]


def _placeless(value: Any) -> Any:
    """Leave the folders of files out."""
    if isinstance(value, dict):
        return {key: _placeless(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_placeless(each) for each in value]
    return Path(value).name if isinstance(value, str) and "/" in value else value
