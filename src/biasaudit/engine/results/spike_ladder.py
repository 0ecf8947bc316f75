"""Which arms are to be given a stronger plant: those whose retrained networks took none up so far (G3)."""

from __future__ import annotations

from collections.abc import Iterator

from biasaudit.engine.results.run import Run
from biasaudit.engine.situation.situation import CONFIRMATION
from biasaudit.records import Finding, Recipe

__all__ = ["to_climb"]

Climbed = dict[tuple[Recipe, str | None], tuple[float, ...]]


def to_climb(run: Run) -> Climbed:
    """Return what was owed to every plant so far, of the recipes and contrasts that go up one rung.

    One rung holds for all origin factors and arms of a recipe, which share networks: all of them must be content.
    """
    found: Climbed = {}
    for recipe, finding in _spike_ins(run):
        details = finding.details
        if details.get("taken_up") is False and details["rungs_left"]:
            # Where there is no gap between the classes, nothing of it is owed to the plant.
            found[recipe, finding.contrast] = (*details["owed_below"], details["planted_owed"] or 0.0)
    return found


def _spike_ins(run: Run) -> Iterator[tuple[Recipe, Finding]]:
    for arm in run.situation.protocol.arms:
        if CONFIRMATION in run.situation.codes(arm.recipe):
            for factor in run.factors:
                own = (finding for finding in run.findings(arm.name, factor) if finding.code == CONFIRMATION)
                yield from ((arm.recipe, finding) for finding in own)
