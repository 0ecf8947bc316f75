"""List the findings that differ between two runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from biasaudit.comparison.arms import ArmNames, MatchedArms
from biasaudit.comparison.stored_arm import StoredRun
from biasaudit.records import FindingRecord, Status

__all__ = ["FindingKey", "FindingPair", "Outcome", "differing_findings"]


class FindingKey(NamedTuple):
    """The question of one finding; a run has at most one finding for each."""

    code: str
    factor: str | None
    contrast: str | None
    class_name: str | None
    layer: str | None
    input: str | None

    @classmethod
    def of(cls, finding: FindingRecord) -> FindingKey:
        """Say what a finding of ``audit.json`` is about."""
        return cls(
            finding["code"],
            finding.get("factor"),
            finding.get("contrast"),
            finding.get("class"),
            finding.get("layer"),
            finding.get("input"),
        )

    def to_dict(self) -> dict[str, str | None]:
        """Return its parts under the names that they have in ``audit.json``."""
        return {"class" if part == "class_name" else part: value for part, value in self._asdict().items()}


@dataclass(frozen=True)
class Outcome:
    """What one run found."""

    status: Status
    statistic: float | None
    p_value: float | None
    reason: str | None

    @classmethod
    def of(cls, finding: FindingRecord) -> Outcome:
        """Read the outcome of a finding of ``audit.json``."""
        return cls(finding["status"], finding.get("statistic"), finding.get("p_value"), finding.get("reason"))


@dataclass(frozen=True)
class FindingPair:
    """A finding that differs between two runs, or that only one of them has.

    Attributes
    ----------
    arms : ArmNames or None
        None for findings of the design.
    key : FindingKey
    first, second : Outcome or None
    """

    arms: ArmNames | None
    key: FindingKey
    first: Outcome | None
    second: Outcome | None

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``--json`` prints."""
        return {
            "arms": self.arms and list(self.arms),
            **self.key.to_dict(),
            "first": self.first and asdict(self.first),
            "second": self.second and asdict(self.second),
        }


def differing_findings(first: StoredRun, second: StoredRun, pairs: Sequence[MatchedArms]) -> Iterator[FindingPair]:
    """Pair the findings of the design and of every arm, and keep those whose status differs."""
    designs = (run.audit["design"].get("findings", []) for run in (first, second))
    yield from _finding_pairs(None, *designs)
    for pair in pairs:
        yield from _finding_pairs(pair.names, pair.first.record["findings"], pair.second.record["findings"])


def _finding_pairs(
    arms: ArmNames | None, first: Sequence[FindingRecord], second: Sequence[FindingRecord]
) -> Iterator[FindingPair]:
    own, other = ({FindingKey.of(each): Outcome.of(each) for each in findings} for findings in (first, second))
    for key in dict.fromkeys([*own, *other]):
        one, two = own.get(key), other.get(key)
        if (one and one.status) != (two and two.status):
            yield FindingPair(arms, key, one, two)
