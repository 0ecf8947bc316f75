"""The small closed sets of words that findings and verdicts are made of, each with its order; a name of many layers."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = [
    "NOT_USED",
    "OF_FIELD",
    "OR_PROBES",
    "OTHER_INPUTS",
    "PLACES",
    "REGIME_ORDER",
    "SHUFFLED",
    "STATUSES",
    "VERDICT_ORDER",
    "Regime",
    "RelianceKind",
    "Status",
    "ThresholdOn",
    "VerdictWord",
]

Status = Literal["clear", "concern", "inconclusive", "not_applicable", "error"]
"""What a check found."""

STATUSES: tuple[Status, ...] = get_args(Status)

VerdictWord = Literal["PATHOLOGY", "UNDETERMINED", "MIXED", "ORIGIN"]
"""What an audit says of a network."""

VERDICT_ORDER: tuple[VerdictWord, ...] = get_args(VerdictWord)
"""Every verdict, from best to worst."""

ThresholdOn = Literal["statistic", "p_value"]
"""What the threshold of a finding is held against."""

RelianceKind = Literal["interval", "bound"]
"""What is known of the reliance: an estimate with two bounds, or a lower bound alone."""

Regime = Literal["single", "aliased", "nested", "crossed"]
"""How classes and origins lie: one origin in all, one per class, several per class, some that hold both classes."""

REGIME_ORDER: tuple[Regime, ...] = get_args(Regime)
"""Every regime, from the one that allows least to the one that allows most."""

PLACES = "places.json"
"""Which folder every short name stands for; the one file of a run that holds absolute paths."""

OF_FIELD = ("U13", "U14")
"""Checks that speak of what lies outside the declared disease field, which need not be the source."""

SHUFFLED = "shuffled"
"""The reduced input of A2 that holds the intensities of the anatomy, which disease changes too: it decides nothing."""

NOT_USED = "so it is not used"
"""How the words on a check end that calibration found to tell nothing; the report marks it."""

OR_PROBES = ", or some 20 healthy images of the patients' source (P1)"
"""What an advice on the design adds; the report leaves it out where probes have answered."""

OTHER_INPUTS = ", and compare inputs that carry less of it"
"""What an advice on the signature adds; the report leaves it out where other inputs were audited as well."""
