"""Proposals in audit.json: which remedies were tried, which can still be tried, which data would settle it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from biasaudit.engine.remedies import CANNOT_RETRAIN
from biasaudit.engine.user_code.preprocessing import kind_of_input
from biasaudit.records import Regime
from biasaudit.representations.representation import Harmonising
from biasaudit.stats.sample_size import equivalence_cell_size

__all__ = ["propose_remedies"]

_COMMAND = "biasaudit run PROTOCOL -o OUT --with-remedies"
_BALANCED = "training folds in which no origin says anything of the class (`training: balanced`)"


def propose_remedies(
    arms: Sequence[Mapping[str, Any]],
    comparisons: Sequence[Mapping[str, Any]],
    regime: Regime,
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
    regime : Regime
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


def _untried(arms: Sequence[Mapping[str, Any]], regime: Regime, inputs: Sequence[str]) -> Iterator[dict[str, str]]:
    seen = {arm["representation"] for arm in arms} | {arm.get("training", "all") for arm in arms}
    possible = [
        f"{kind.remedy} (`{name}`)"
        for name, kind in ((name, kind_of_input(name)) for name in inputs if name not in seen)
        if regime == "crossed" or not issubclass(kind, Harmonising)
    ]
    if regime == "crossed" and "balanced" not in seen:
        possible.append(_BALANCED)
    if possible:
        yield {"action": f"`{_COMMAND}` tries {'; '.join(possible)}.", "reason": "remedies not tried"}


def _retrain() -> dict[str, str]:
    return {"action": f"To try remedies: {CANNOT_RETRAIN}.", "reason": "remedies not tried"}


def _more_data(regime: Regime, delta: float) -> dict[str, str]:
    cell = equivalence_cell_size(delta)
    size = f"about {cell} of each class in each of two sites"
    if regime == "crossed":
        action = f"To show scores that do not depend on the site, {size} would do."
    else:
        action = (
            f"Add subjects of both classes from the same sites: with {size}, independence of the site can be shown."
        )
    return {"action": action, "reason": f"more sites, for a difference below {delta:g} with a power of .8"}
