"""The small frozen records that travel between the layers.

Protocol -> Cohort -> Job -> Evidence -> Finding -> Verdict -> report. A record is never changed after it is made.
"""

from __future__ import annotations

from biasaudit.records.arrays import BoolArray, FloatArray
from biasaudit.records.cohort import Cohort, Grid, Sample, Volume, luminance
from biasaudit.records.evidence import (
    ArmEvidence,
    DoseResponse,
    FrameEdits,
    MapProbes,
    Maps,
    OriginControl,
    Probes,
    SignatureTransfer,
    Twin,
    UnseenOrigin,
)
from biasaudit.records.file_names import LONGEST_LABEL, file_label
from biasaudit.records.finding import (
    MAPS_GATE,
    REGIME_ORDER,
    STATUSES,
    VERDICT_ORDER,
    Comparison,
    ComparisonRecord,
    EstimateRecord,
    Finding,
    FindingRecord,
    Flag,
    Regime,
    Reliance,
    RelianceKind,
    RelianceRecord,
    Share,
    Status,
    Verdict,
    VerdictWord,
    withholds_maps,
)
from biasaudit.records.note import Note
from biasaudit.records.probability import equation_text, probability_text
from biasaudit.records.recipe import Recipe
from biasaudit.records.spike_in import Plant, SpikeIn, SpikeTrial
from biasaudit.records.tones import full_tone, grey_ends

__all__ = [
    "LONGEST_LABEL",
    "MAPS_GATE",
    "REGIME_ORDER",
    "STATUSES",
    "VERDICT_ORDER",
    "ArmEvidence",
    "BoolArray",
    "Cohort",
    "Comparison",
    "ComparisonRecord",
    "DoseResponse",
    "EstimateRecord",
    "Finding",
    "FindingRecord",
    "Flag",
    "FloatArray",
    "FrameEdits",
    "Grid",
    "MapProbes",
    "Maps",
    "Note",
    "OriginControl",
    "Plant",
    "Probes",
    "Recipe",
    "Regime",
    "Reliance",
    "RelianceKind",
    "RelianceRecord",
    "Sample",
    "Share",
    "SignatureTransfer",
    "SpikeIn",
    "SpikeTrial",
    "Status",
    "Twin",
    "UnseenOrigin",
    "Verdict",
    "VerdictWord",
    "Volume",
    "equation_text",
    "file_label",
    "full_tone",
    "grey_ends",
    "luminance",
    "probability_text",
    "withholds_maps",
]
