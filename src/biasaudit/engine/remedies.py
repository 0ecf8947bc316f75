"""Remedies: arms that might rely less on the signature, added to a protocol where the cohort allows them."""

from __future__ import annotations

from biasaudit import registry
from biasaudit.cohort.readers.probes import read_without_probes
from biasaudit.engine.situation.rows import can_balance
from biasaudit.engine.user_code.preprocessing import kind_of_input
from biasaudit.engine.validation.harmonisable import can_harmonise
from biasaudit.engine.validation.ready_made import fitted_to_cohort
from biasaudit.errors import UsageError
from biasaudit.protocol import ArmSettings, Protocol
from biasaudit.records import Cohort
from biasaudit.representations.representation import Harmonising, Representation

__all__ = ["CANNOT_RETRAIN", "other_inputs", "with_remedies"]

CANNOT_RETRAIN = (
    "a network trained elsewhere cannot be trained on another input here; leave `target.weights` and the scores out to "
    "audit one that is trained by the same recipe"
)
"""Why no remedy is tried on a network that was made elsewhere, and what to do."""


def with_remedies(protocol: Protocol) -> Protocol:
    """Append the arms that may help and are not yet among the protocol's.

    The primary arm stays first, so that every remedy is compared with it.

    Raises
    ------
    UsageError
        The target was made elsewhere and cannot learn from another input.
    """
    cohort = read_without_probes(protocol.cohort)
    if protocol.target.weights or any(sample.scores for sample in cohort.samples):
        raise UsageError(f"--with-remedies: {CANNOT_RETRAIN}")
    protocol = fitted_to_cohort(protocol, cohort)
    asked = {arm.representation for arm in protocol.arms}
    added = [ArmSettings(name=name, representation=name) for name in _possible(cohort) if name not in asked]
    primary = protocol.arms[0]
    if can_balance(cohort) and all(arm.training != "balanced" for arm in protocol.arms):
        name = f"{primary.name}-balanced"
        added.append(ArmSettings(name=name, representation=primary.representation, training="balanced"))
    return protocol.model_copy(update={"arms": [*protocol.arms, *added]})


def _possible(cohort: Cohort) -> list[str]:
    learns = can_harmonise(cohort)
    return [name for name in other_inputs(cohort) if learns or not issubclass(kind_of_input(name), Harmonising)]


def other_inputs(cohort: Cohort) -> tuple[str, ...]:
    """Return the names of the inputs that may rely less on the signature and can be made of such a cohort.

    One that is learnt by fold also needs an origin that holds both classes (`can_harmonise`).
    """
    kinds = {name: kind_of_input(name) for name in registry.names("representation")}
    return tuple(name for name, kind in kinds.items() if kind.remedy and _can_be_made(kind, cohort))


def _can_be_made(kind: type[Representation], cohort: Cohort) -> bool:
    if cohort.features or kind.shows == "features":
        return bool(cohort.features) and kind.shows == "features"
    if kind.shows == "maps":
        return all(sample.maps for sample in cohort.samples)
    return not kind.needs_priors or cohort.dimensions == 3 or all(sample.tissue for sample in cohort.samples)
