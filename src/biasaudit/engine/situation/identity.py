"""What the error rates of an audit hold for: its cohort, what it trains, and what it judges by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from biasaudit.engine.jobs.json_files import digest
from biasaudit.engine.situation.situation import Situation, default_checks
from biasaudit.own_rates import Identity

__all__ = ["identity_of"]


def identity_of(situation: Situation) -> Identity:
    """Hash what a calibration on own images measured, so that rates of anything else are told apart.

    Where files lie, names and the number of resamples change nothing; neither does what no verdict rests on. Rates are
    told arm by arm.
    """
    protocol, cohort = situation.protocol, situation.cohort
    rows = [[s.subject, s.label, s.origins[cohort.factors[0]]] for s in (*cohort.samples, *cohort.probes)]
    images = sorted(situation.hashes.get(path, "") for s in cohort.samples for path in s.images)
    target = _placeless(protocol.target.model_dump(mode="json"))
    field = None if protocol.cohort.field is None else _placeless(protocol.cohort.field.model_dump(mode="json"))
    masks = [protocol.cohort.mask_is_complete, any(sample.has_mask for sample in cohort.samples)]
    verdict, tests = protocol.verdict.model_dump(mode="json"), [protocol.statistics.alpha, protocol.statistics.scope]
    return Identity(
        cohort=digest([images, rows]),
        network=digest([target, situation.grid, protocol.folds.n]),
        rules=digest([sorted(default_checks(protocol)), verdict, tests, field, masks]),
    )


def _placeless(value: Any) -> Any:
    """Leave the folders of files out."""
    if isinstance(value, dict):
        return {key: _placeless(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_placeless(each) for each in value]
    return Path(value).name if isinstance(value, str) and "/" in value else value
