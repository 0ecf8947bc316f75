"""The protocol: one YAML file that plans an audit, validated as a whole before anything runs."""

from __future__ import annotations

from biasaudit.protocol.cohort import (
    DATASET,
    BidsCohort,
    CohortSettings,
    FieldSettings,
    LabelSettings,
    ProbeSettings,
    TableCohort,
    TwoClassLabelSettings,
)
from biasaudit.protocol.limits import FileLimits
from biasaudit.protocol.phantom import SIGNATURES, PhantomCohort, PhantomSettings
from biasaudit.protocol.protocol import (
    ArmSettings,
    AttributionSettings,
    CombatSettings,
    FoldSettings,
    GridSettings,
    LeakageSettings,
    Protocol,
    StatisticsSettings,
    VerdictSettings,
)
from biasaudit.protocol.reading import dump_protocol, json_schema, load_protocol, parse_protocol, with_lines
from biasaudit.protocol.section import Section
from biasaudit.protocol.spike_in import RungSettings, SpikeInSettings
from biasaudit.protocol.target import TargetSettings, TrainingSettings

__all__ = [
    "DATASET",
    "SIGNATURES",
    "ArmSettings",
    "AttributionSettings",
    "BidsCohort",
    "CohortSettings",
    "CombatSettings",
    "FieldSettings",
    "FileLimits",
    "FoldSettings",
    "GridSettings",
    "LabelSettings",
    "LeakageSettings",
    "PhantomCohort",
    "PhantomSettings",
    "ProbeSettings",
    "Protocol",
    "RungSettings",
    "Section",
    "SpikeInSettings",
    "StatisticsSettings",
    "TableCohort",
    "TargetSettings",
    "TrainingSettings",
    "TwoClassLabelSettings",
    "VerdictSettings",
    "dump_protocol",
    "json_schema",
    "load_protocol",
    "parse_protocol",
    "with_lines",
]
