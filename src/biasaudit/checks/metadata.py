"""D2: do header, sidecar, covariates, or what is missing, predict the label or the origin?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from biasaudit.checks.attributes import ranking
from biasaudit.checks.prediction import Source, folds_of, label_question, origin_question, predict, with_holm
from biasaudit.checks.premises import inside_classes
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding
from biasaudit.registry import register
from biasaudit.stats.prediction import encode_columns

__all__ = ["Metadata", "names_origin"]

_SOURCE = Source(
    code="D2",
    name="headers, sidecars and covariates",
    caveat="what leaves its trace in the images can be a short cut; covariates such as age may explain the label",
    remedy="acquire, store and preprocess the classes alike; match the classes by the covariates that predict",
)

_ORIGIN = "origin: "

Value = float | str | None


@register("check", "D2")
class Metadata:
    """Cross-validated prediction from everything that is known of an image beside its pixels."""

    code = "D2"
    title = "Metadata"
    question = "Do headers, sidecars, covariates or missing values predict the label or the origin?"
    why = (
        "If voxel size, data type or age tell the classes apart, so can anything in the images that follows from them. "
        "That the origin can be read from a header is no fault by itself. What is both useful to tell the classes and "
        "visible in the images is a likely short cut: all columns are ranked by both."
    )
    kind = "available"
    statistic = "AUC"
    needs = ("table", "metadata", "features", "quality")
    optional = ("features", "quality")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Return one finding for the label and one per class for the origin, Holm-corrected; the first one ranks."""
        columns = _columns(evidence)
        factors = {name: cells for name, cells in columns.items() if name.startswith(_ORIGIN)}
        factors[f"{_ORIGIN}{evidence.factor}"] = evidence.origin.tolist()
        columns = {name: cells for name, cells in columns.items() if name not in factors}
        named = [name for name, cells in columns.items() if any(names_origin(cells, own) for own in factors.values())]
        used = {name: cells for name, cells in columns.items() if name not in named}
        encoded = encode_columns(used)
        attributes = ranking(evidence, {**factors, **used}, folds_of(evidence, self.code))
        if not encoded.owner:
            reason = "nothing is known beside the pixels that differs between images"
            reason += f", except what names the origin: {', '.join(named)}" if named else ""
            blank = Finding(self.code, "not_applicable", reason, n=len(evidence.subject), factor=evidence.factor)
            return [replace(blank, details=attributes)]
        questions = [label_question(evidence), *(origin_question(evidence, name) for name in inside_classes(evidence))]
        findings = [predict(evidence, asked, encoded, _SOURCE, protocol) for asked in questions if asked is not None]
        first, *others = with_holm(findings, _SOURCE, protocol)
        first = replace(first, details={**first.details, **attributes})
        return [_with_names(finding, named) for finding in (first, *others)]


def names_origin(cells: Sequence[Value], origin: Sequence[Value]) -> bool:
    """Whether a column is the origin under another name: known for all, and one value for every origin.

    Parameters
    ----------
    cells : sequence of float, str or None, n of them
    origin : sequence of str, n of them
    """
    pairs = set(zip(cells, origin, strict=True))
    return None not in set(cells) and len(set(cells)) > 1 and len(pairs) == len(set(cells)) == len(set(origin))


def _columns(evidence: ArmEvidence) -> dict[str, list[Value]]:
    covariates: Mapping[str, list[Value]] = {
        f"covariate: {name}": [None if np.isnan(value) else float(value) for value in values]
        for name, values in evidence.covariates.items()
    }
    words: Mapping[str, list[Value]] = {
        f"covariate: {name}": [str(value) or None for value in values] for name, values in evidence.categories.items()
    }
    return {**covariates, **words, **{name: values.tolist() for name, values in evidence.metadata.items()}}


def _with_names(finding: Finding, named: Sequence[str]) -> Finding:
    """Say which columns were left out because they are the origin itself."""
    if not named:
        return finding
    reason = f"{finding.reason}; left out because they name the origin: {', '.join(named)}"
    details = {**finding.details, "names_the_origin": list(named)}
    return replace(finding, reason=reason, details=details)
