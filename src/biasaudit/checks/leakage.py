"""D3: is the same subject there twice, under two names or at two origins?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, Twin
from biasaudit.registry import register

__all__ = ["Leakage"]

_SHOWN = 10
_FEWEST = 8


@register("check", "D3")
class Leakage:
    """Equal files, and images far more alike than those of two subjects are."""

    code = "D3"
    title = "Leakage"
    question = "Is the same subject in the cohort twice: under two names, in two folds, at two origins?"
    why = (
        "A subject in training and among the held-out makes every score too good; a subject at two origins is compared "
        "with itself."
    )
    kind = "design"
    statistic = "likeness of the closest pair (SD)"
    needs = ("table", "twins")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Return one finding for the cohort."""
        n = len(evidence.subject)
        if evidence.twins is None:
            reason = "the images were not compared"
            return [Finding(self.code, "not_applicable", reason, factor=evidence.factor)]
        pairs = [twin for twin in evidence.twins if _repeated(twin, evidence, protocol)]
        finding = Finding(
            code=self.code,
            status="clear",
            reason=f"no duplicated subject was found among {n}",
            statistic=max((twin.height for twin in evidence.twins if _two_names(twin, evidence)), default=None),
            threshold=protocol.leakage.height,
            n=n,
            factor=evidence.factor,
        )
        if pairs:
            return [_concern(finding, pairs, evidence)]
        if n < _FEWEST:
            reason = f"{n} subjects are too few to say which images are too alike; no two files are equal"
            return [Finding(self.code, "inconclusive", reason, n=n, factor=evidence.factor)]
        return [finding]


def _repeated(twin: Twin, evidence: ArmEvidence, protocol: Protocol) -> bool:
    """Whether two images of different names are alike enough, and one of them is in the contrast's class."""
    if not _two_names(twin, evidence):
        return False
    if evidence.label is not None and not set(evidence.inside) & {str(evidence.label[row]) for row in _rows(twin)}:
        return False
    alike = twin.height > protocol.leakage.height and twin.correlation > protocol.leakage.correlation
    return twin.same_file or alike


def _two_names(twin: Twin, evidence: ArmEvidence) -> bool:
    return bool(evidence.subject[twin.first] != evidence.subject[twin.second])


def _concern(finding: Finding, pairs: Sequence[Twin], evidence: ArmEvidence) -> Finding:
    ordered = sorted(pairs, key=lambda twin: (not twin.same_file, -twin.height))
    across = {
        "equal_files": sum(twin.same_file for twin in pairs),
        "in_two_folds": sum(_differ(evidence.fold, twin) for twin in pairs),
        "at_two_origins": sum(_differ(evidence.origin, twin) for twin in pairs),
        "in_two_classes": sum(_differ(evidence.positive, twin) for twin in pairs),
    }
    parts = [f"{count} {name.replace('_', ' ')}" for name, count in across.items() if count]
    shown = ", ".join(_named(twin, evidence) for twin in ordered[:_SHOWN])
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    what = f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''} of subjects look like one subject each"
    return replace(
        finding,
        status="concern",
        reason=f"{what} ({'; '.join(parts) or 'in one fold'}): {shown}{more}",
        remedy="look at the pairs; give images of one person one subject identifier, or leave one of them out",
        details={**across, "pairs": [_record(twin, evidence) for twin in ordered]},
    )


def _rows(twin: Twin) -> tuple[int, int]:
    return twin.first, twin.second


def _differ(values: npt.NDArray[Any], twin: Twin) -> bool:
    return bool(values[twin.first] != values[twin.second])


def _named(twin: Twin, evidence: ArmEvidence) -> str:
    how = "equal files" if twin.same_file else f"r = {twin.correlation:.2f}"
    return f"{evidence.subject[twin.first]} and {evidence.subject[twin.second]} ({how})"


def _record(twin: Twin, evidence: ArmEvidence) -> dict[str, object]:
    return {
        "subjects": [str(evidence.subject[row]) for row in _rows(twin)],
        "origins": [str(evidence.origin[row]) for row in _rows(twin)],
        "correlation": twin.correlation,
        "height": twin.height,
        "same_file": twin.same_file,
    }
