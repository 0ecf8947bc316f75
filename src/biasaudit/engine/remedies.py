"""Remedies: arms that might rely less on the signature, and proposals for what the audit itself cannot change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from biasaudit import registry
from biasaudit.engine.steps.harmonise import COMBAT, can_harmonise
from biasaudit.engine.validation.ready_made import ready_protocol
from biasaudit.errors import UsageError
from biasaudit.protocol import ArmSettings, Protocol
from biasaudit.records import Cohort
from biasaudit.stats.sample_size import equivalence_cell_size
from biasaudit.stats.subsampling import origins_with_both_classes

__all__ = ["can_balance", "other_inputs", "propose", "with_remedies"]

_READY_MADE = (
    "a network trained elsewhere cannot be trained on another input here; leave `target.weights` and the scores out to "
    "audit one that is trained by the same recipe"
)
_COMMAND = "biasaudit run PROTOCOL -o OUT --with-remedies"
_REMEDIES = {
    "harmonised": "intensities on one standard scale (`harmonised`)",
    "tissue": "tissue probability maps (`tissue`)",
    COMBAT: "features harmonised between origins by ComBat (`combat`)",
    "balanced": "training folds in which no origin says anything of the class (`training: balanced`)",
}
_OF_CROSSED = frozenset({COMBAT, "balanced"})


def with_remedies(protocol: Protocol) -> Protocol:
    """Append the arms that may help and are not yet among the protocol's.

    The primary arm stays first, so that every remedy is compared with it.

    Raises
    ------
    UsageError
        The target was made elsewhere and cannot learn from another input.
    """
    cohort = registry.get("reader", protocol.cohort.reader)().read(protocol.cohort)
    if protocol.target.weights or any(sample.scores for sample in cohort.samples):
        raise UsageError(f"--with-remedies: {_READY_MADE}")
    protocol = ready_protocol(protocol, cohort)
    asked = {arm.representation for arm in protocol.arms}
    added = [ArmSettings(name=name, representation=name) for name in _possible(cohort) if name not in asked]
    primary = protocol.arms[0]
    if can_balance(cohort) and all(arm.training != "balanced" for arm in protocol.arms):
        name = f"{primary.name}-balanced"
        added.append(ArmSettings(name=name, representation=primary.representation, training="balanced"))
    return protocol.model_copy(update={"arms": [*protocol.arms, *added]})


def _possible(cohort: Cohort) -> list[str]:
    return [name for name in other_inputs(cohort) if name != COMBAT or can_harmonise(cohort)]


def other_inputs(cohort: Cohort) -> tuple[str, ...]:
    """Return the names of the inputs that may rely less on the signature and can be made of such a cohort.

    That of a table, `combat`, also needs an extra and an origin that holds both classes.
    """
    if cohort.features:
        return (COMBAT,)
    tissue = cohort.dimensions == 3 or all(sample.tissue for sample in cohort.samples)
    return ("harmonised", "tissue") if tissue else ("harmonised",)


def can_balance(cohort: Cohort) -> bool:
    """Whether some origin (primary factor) holds enough subjects of both classes to train on."""
    samples, factor = cohort.samples, cohort.factors[0]
    positive, subject = [sample.positive for sample in samples], [sample.subject for sample in samples]
    return bool(origins_with_both_classes(positive, [sample.origins[factor] for sample in samples], subject))


def propose(
    arms: Sequence[Mapping[str, Any]],
    comparisons: Sequence[Mapping[str, Any]],
    regime: str,
    delta: float,
    *,
    inputs: Sequence[str],
    ready_made: bool = False,
) -> list[dict[str, str]]:
    """Say what might help: what was tried and did what, what can still be tried, and which data would settle it.

    Parameters
    ----------
    arms : sequence of mapping
        Arms as ``audit.json`` holds them, the primary first.
    comparisons : sequence of mapping
        Paired differences, first arm minus second.
    regime : str
        Of the primary factor.
    delta : float
        Of the equivalence claim.
    inputs : sequence of str
        Those that can be made of the cohort (`other_inputs`).
    ready_made : bool
        The target was trained elsewhere.

    Returns
    -------
    list of dict
        ``action``, ``reason``; empty where the primary arm is PATHOLOGY.
    """
    primary = arms[0]
    if primary["verdict"] == "PATHOLOGY":
        return []
    tried = list(_tried(primary["name"], arms[1:], comparisons))
    open_ones = [_retrain()] if ready_made else list(_untried(arms, regime, inputs))
    return [*tried, *open_ones, _more_data(regime, delta)]


def _tried(
    primary: str, others: Sequence[Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, str]]:
    for arm in others:
        changes = [
            (each["quantity"], -each["difference"], -each["high"], -each["low"])
            for each in comparisons
            if list(each["arms"]) == [primary, arm["name"]] and _known(each)
        ]
        said = {quantity: _change(quantity, change) for quantity, *change in changes if quantity in ("auc", "reliance")}
        if said:
            lower = any(quantity == "reliance" and high < 0 for quantity, _, _, high in changes)
            effect = "lowers the reliance" if lower else "is not shown to lower the reliance"
            action = f"{arm['name']} {effect}: {', '.join(said.values())}; its verdict is {arm['verdict']}."
            yield {"action": action, "reason": f"remedy tried, against {primary}"}


def _known(comparison: Mapping[str, Any]) -> bool:
    return all(comparison[key] is not None for key in ("difference", "low", "high"))


def _change(quantity: str, change: Sequence[float]) -> str:
    name = "AUC" if quantity == "auc" else quantity
    estimate, low, high = (round(value, 2) + 0.0 for value in change)  # no negative zero
    return f"{name} {estimate:+.2f} [{low:+.2f}, {high:+.2f}]"


def _untried(arms: Sequence[Mapping[str, Any]], regime: str, inputs: Sequence[str]) -> Iterator[dict[str, str]]:
    seen = {arm["representation"] for arm in arms} | {arm.get("training", "all") for arm in arms}
    known = [name for name in (*inputs, "balanced") if regime == "crossed" or name not in _OF_CROSSED]
    possible = [_REMEDIES[name] for name in known if name not in seen]
    if possible:
        yield {"action": f"`{_COMMAND}` tries {'; '.join(possible)}.", "reason": "remedies not tried"}


def _retrain() -> dict[str, str]:
    return {"action": f"To try remedies: {_READY_MADE}.", "reason": "remedies not tried"}


def _more_data(regime: str, delta: float) -> dict[str, str]:
    cell = equivalence_cell_size(delta)
    size = f"about {cell} of each class in each of two sites"
    if regime == "crossed":
        action = f"To show scores that do not depend on the site, {size} would do."
    else:
        action = (
            f"Add subjects of both classes from the same sites: with {size}, independence of the site can be shown."
        )
    return {"action": action, "reason": f"more sites, for a difference below {delta:g} with a power of .8"}
