"""A3: do measures of image quality predict the label or the origin?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from biasaudit.checks.prediction import Source, label_question, origin_question, predict, with_holm
from biasaudit.checks.premises import inside_classes
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, FloatArray
from biasaudit.registry import register
from biasaudit.stats.colour import COLOUR_MEASURES
from biasaudit.stats.prediction import encode_columns
from biasaudit.stats.ranks import midranks

__all__ = ["ImageQuality"]

_SOURCE = Source(
    code="A3",
    name="measures of image quality",
    caveat="noise, contrast, smoothness or colour differ between the classes; large lesions change such measures too",
    remedy="look at tables/image_quality.tsv; acquire and preprocess the classes alike, or match them by quality",
)


_COLOUR = replace(
    _SOURCE,
    name="the colours of the files",
    caveat="white balance or saturation differ between the classes; lesions change them too",
    remedy="photograph the classes alike, or match them by colour; `cohort.colour: grey` hides it from the networks",
    part="colour",
)


@register("check", "A3")
class ImageQuality:
    """Cross-validated prediction from signal, contrast, noise, smoothness, bias field, entropy and colour."""

    code = "A3"
    title = "Image quality"
    question = (
        "Do signal-to-noise, contrast, smoothness, bias field, entropy or colour predict the label or the origin?"
    )
    why = (
        "Numbers that know nothing of anatomy should not tell who is ill. Where they do, a network can read the "
        "scanner, the camera or the preprocessing in place of the disease."
    )
    kind = "available"
    statistic = "AUC"
    needs = ("table", "quality")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Return one finding for the label and one per class for the origin, Holm-corrected, and the same of colour."""
        columns = {name: _ranked(np.asarray(values, dtype=np.float64)) for name, values in evidence.quality.items()}
        of_colour = {name: values for name, values in columns.items() if name.split(" ")[0] in COLOUR_MEASURES}
        findings = _asked(evidence, columns, _SOURCE, protocol)
        if not findings:
            reason = "no measure of image quality differs between images"
            return [Finding(self.code, "not_applicable", reason, n=len(evidence.subject), factor=evidence.factor)]
        return findings + _asked(evidence, of_colour, _COLOUR, protocol)


def _asked(
    evidence: ArmEvidence, columns: Mapping[str, list[float | str | None]], source: Source, protocol: Protocol
) -> list[Finding]:
    """Ask some columns for the label and for the origin inside every class; nothing where none of them differs."""
    encoded = encode_columns(columns)
    if not encoded.owner:
        return []
    measures = {"measures": list(dict.fromkeys(encoded.owner))}
    questions = [label_question(evidence), *(origin_question(evidence, name) for name in inside_classes(evidence))]
    findings = [predict(evidence, asked, encoded, source, protocol) for asked in questions if asked is not None]
    told = [replace(finding, details={**finding.details, **measures}) for finding in findings]
    return with_holm(told, source, protocol)


def _ranked(values: FloatArray) -> list[float | str | None]:
    """Ranks from 0 to 1, so that no outlier rules; None where a measure has no meaning."""
    known = np.isfinite(values)
    ranks = midranks(values[known]) / max(1, int(known.sum()))
    result: list[float | str | None] = [None] * values.size
    for row, rank in zip(np.flatnonzero(known), ranks, strict=True):
        result[row] = float(rank)
    return result
