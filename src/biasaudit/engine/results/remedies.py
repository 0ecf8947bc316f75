"""Proposals in audit.json: which remedies were tried, which can still be tried, which data would settle it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from biasaudit.engine.remedies import CANNOT_RETRAIN
from biasaudit.engine.user_code.preprocessing import kind_of_input
from biasaudit.records import ComparisonRecord, Regime
from biasaudit.representations.representation import Harmonising
from biasaudit.run_folder.contract import ArmRecord, RemedyRecord
from biasaudit.stats.sample_size import equivalence_cell_size

__all__ = ["propose_remedies"]

_COMMAND = "biasaudit run PROTOCOL -o OUT --with-remedies"
_BALANCED = "training folds in which the origin does not tell the class (`training: balanced`)"


def propose_remedies(
    arms: Sequence[ArmRecord],
    comparisons: Sequence[ComparisonRecord],
    regime: Regime,
    delta: float,
    *,
    inputs: Sequence[str],
    ready_made: bool = False,
) -> list[RemedyRecord]:
    """Say what might help: what was tried and did what, what can still be tried, and which data would settle it.

    Parameters
    ----------
    arms : sequence of ArmRecord
        The primary first.
    comparisons : sequence of ComparisonRecord
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
    list of RemedyRecord
        Empty where the primary arm is PATHOLOGY.
    """
    primary = arms[0]
    if primary["verdict"] == "PATHOLOGY":
        return []
    tried = list(_tried(arms, comparisons))
    open_ones = [_retrain()] if ready_made else list(_untried(arms, regime, inputs))
    return [*tried, *open_ones, _more_data(regime, delta)]


@dataclass(frozen=True)
class _Change:
    """What a remedy changed, against the primary arm."""

    quantity: str
    estimate: float
    low: float
    high: float
    level: float | None

    def __str__(self) -> str:
        name = "the AUC" if self.quantity == "auc" else "the reliance"
        if self.low > 0 or self.high < 0:
            verb = "rises" if self.low > 0 else "falls"
            least, most = (self._size(value) for value in sorted((abs(self.low), abs(self.high))))
            return f"{name} {verb} by {self._size(abs(self.estimate))}{self._unit} ({self._covers}{least} to {most})"
        bounds = f"{self._size(self.low, '+')} to {self._size(self.high, '+')}"
        return f"{name} is not shown to change ({self._size(self.estimate, '+')}{self._unit}; {self._covers}{bounds})"

    @property
    def _unit(self) -> str:
        return " points" if self.quantity == "reliance" else ""

    @property
    def _covers(self) -> str:
        return "" if self.level is None else f"{100 * self.level:g} % interval "

    def _size(self, value: float, sign: str = "") -> str:
        """Show a share in points of percent, an AUC with two decimals; + 0.0: no negative zero."""
        if self.quantity == "reliance":
            points = round(100 * value)
            return f"{points:{sign if points else ''}d}"
        rounded = round(value, 2) + 0.0
        return f"{rounded:{sign if rounded else ''}.2f}"


def _tried(arms: Sequence[ArmRecord], comparisons: Sequence[ComparisonRecord]) -> Iterator[RemedyRecord]:
    """Say of every other arm how it changed AUC and reliance."""
    primary, before = arms[0]["name"], arms[0]["verdict"]
    for arm in arms[1:]:
        own = [each for each in comparisons if each["arms"] == [primary, arm["name"]]]
        # With several contrasts that of the headline is told, as in the table of the report.
        told = [each for each in own if each.get("contrast") in (None, arms[0].get("contrast"))]
        changes = [change for each in told for change in _change(each)]
        said = {change.quantity: str(change) for change in changes if change.quantity in ("auc", "reliance")}
        if said:
            parts = [said[quantity] for quantity in ("reliance", "auc") if quantity in said]
            after = f"still {before}" if arm["verdict"] == before else f"the verdict is {arm['verdict']}"
            action = f"{arm['name']} was tried: {', '.join([*parts, after])}."
            yield {"action": action, "reason": f"remedy tried, against {primary}", "kind": "tried"}


def _change(comparison: ComparisonRecord) -> Iterator[_Change]:
    """Turn the difference, primary minus other, into a change; nothing where it has no interval."""
    difference, low, high = comparison["difference"], comparison["low"], comparison["high"]
    if difference is not None and low is not None and high is not None:
        yield _Change(comparison["quantity"], -difference, -high, -low, comparison.get("level"))


def _untried(arms: Sequence[ArmRecord], regime: Regime, inputs: Sequence[str]) -> Iterator[RemedyRecord]:
    """Name the remedies that the cohort allows and no arm has tried."""
    seen = {arm["representation"] for arm in arms} | {arm.get("training", "all") for arm in arms}
    possible = [
        f"{kind.remedy} (`{name}`)"
        for name, kind in ((name, kind_of_input(name)) for name in inputs if name not in seen)
        if regime == "crossed" or not issubclass(kind, Harmonising)
    ]
    if regime == "crossed" and "balanced" not in seen:
        possible.append(_BALANCED)
    if possible:
        yield {
            "action": f"`{_COMMAND}` tries {'; '.join(possible)}.",
            "reason": "remedies not tried",
            "kind": "untried",
        }


def _retrain() -> RemedyRecord:
    return {"action": f"To try remedies: {CANNOT_RETRAIN}.", "reason": "remedies not tried", "kind": "untried"}


def _more_data(regime: Regime, delta: float) -> RemedyRecord:
    """Say how many subjects would settle it."""
    cell = equivalence_cell_size(delta)
    size = f"about {cell} of each class in each of two sites"
    if regime == "crossed":
        action = f"To show that scores do not depend on the site, bring {size}."
    else:
        action = (
            f"Bring subjects of both classes from the same sites: with {size} it can be shown that scores do not "
            "depend on the site."
        )
    reason = f"more sites, to show with a power of 80 % that AUCs of the site lie within {delta:g} of one half"
    return {"action": action, "reason": reason, "kind": "data"}
