"""One copy of a cohort: what is planted in it, and the protocol by which it is audited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from biasaudit import registry, seeds
from biasaudit.calibration.own.original import Original
from biasaudit.edits.planting.signature import possible_kinds
from biasaudit.engine.situation.rows import can_balance
from biasaudit.protocol import Protocol
from biasaudit.protocol.planted import PlantedCohort

__all__ = ["FAMILIES", "FIRST", "STRONGEST", "Copy", "Look", "describe", "kinds_of", "protocol_of"]

Look = Literal["focal", "diffuse"]

FAMILIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "case mix": {"disease": {"visible": 0.75, "spread": 0.4}},
    "healthy mix": {"benign": 0.3},
    "5 % wrong labels": {"mislabelled": 0.05},
    "10 % wrong labels": {"mislabelled": 0.10},
}
"""What else is in clean copies that might be taken for a signature."""

STRONGEST = {"border": 2.5, "curve": 2.0, "glyph": 1.0, "ruler": 1.0}
"""Kinds of signature that grow no further, or turn an image into something else, beyond a strength."""


@dataclass(frozen=True)
class Copy:
    """What one copy is made for.

    Attributes
    ----------
    name : str
        ``clean-03`` or ``planted-tone-2``; the random streams follow from it.
    role : str
        ``disease`` (how strong one must be), ``clean`` or ``planted``.
    look, disease : Look, float
        The disease and its strength.
    family : str
        Of `FAMILIES`.
    kind, strength : str, float
        The signature; none in clean copies.
    confounding : float
        Association of class and site, at least, where the design is crossed: without any a network has no use for a
        signature.
    """

    name: str
    role: Literal["disease", "clean", "planted"]
    look: Look
    disease: float
    family: str = "plain"
    kind: str = ""
    strength: float = 0.0
    confounding: float = 0.0


FIRST = Copy("disease-focal-1", "disease", "focal", 1.0)
"""A copy as good as any other to see what an audit of one takes."""


def kinds_of(original: Original) -> tuple[str, ...]:
    """Kinds of signature that the images can have, in an order by chance."""
    chance = seeds.generator(original.protocol.folds.seed, "own calibration", "kinds")
    return tuple(chance.permutation(possible_kinds(colour=original.in_colour)).tolist())


def describe(copy: Copy) -> dict[str, Any]:
    """Columns that say what was planted."""
    about = {"cohort": copy.name, "family": copy.family, "half": "judge", "kind": copy.kind or "none"}
    planted = {name: getattr(copy, name) for name in ("role", "look", "disease", "strength", "confounding")}
    return about | planted


def protocol_of(copy: Copy, original: Original) -> Protocol:
    """Write the protocol by which a copy is audited: that of the audit itself, but for what only illustrates."""
    plan, seed = original.protocol, original.protocol.folds.seed
    confounding = max(original.confounding, copy.confounding)
    family = FAMILIES[copy.family]
    planting = {
        **family,
        "source": original.source,
        "design": original.design,
        "prevalence": original.prevalence,
        "confounding": confounding if original.design == "crossed" else 0.0,
        "signature": {copy.kind: copy.strength} if copy.kind else {},
        "disease": {"look": copy.look, "strength": copy.disease, **family.get("disease", {})},
        "masks": original.masks,
        "probes": original.probes,
        "seed": seeds.seed(seed, "own calibration", copy.name),
    }
    known = {
        name: getattr(plan.cohort, name) for name in ("mask_is_complete", "field", "colour", "foreground", "limits")
    }
    cohort = PlantedCohort.model_validate({"reader": "planted", "of": original.of, "planting": planting, **known})
    folds = plan.folds.model_copy(update={"seed": seeds.seed(seed, "own calibration", copy.name, "folds")})
    changed = {
        "name": copy.name,
        "cohort": cohort,
        "arms": list(original.arms),
        "checks": list(original.checks),
        "folds": folds,
        "combat": plan.combat.model_copy(update={"keep": []}),
        "calibration": None,
        "pseudonymise": False,
    }
    return _with_possible_arms(plan.model_copy(update=changed))


def _with_possible_arms(protocol: Protocol) -> Protocol:
    """Leave arms out that cannot be trained on a copy, whose class and site may go together more than in the cohort."""
    possible = [arm for arm in protocol.arms if arm.training == "all"]
    if not possible or len(possible) == len(protocol.arms):
        return protocol
    cohort = registry.get("reader", protocol.cohort.reader)().read(protocol.cohort)
    return protocol if can_balance(cohort) else protocol.model_copy(update={"arms": possible})
