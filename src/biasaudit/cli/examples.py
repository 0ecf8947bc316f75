"""Examples that the help text of every command ends with."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["EXAMPLES"]

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "run": (
        "biasaudit run protocol.yaml -o out",
        "biasaudit run protocol.yaml --dry-run",
        "biasaudit run protocol.yaml -o out --with-remedies --workers 4",
    ),
    "demo": (
        "biasaudit demo -o out",
        "biasaudit demo --write-data data --subjects 60",
    ),
    "calibrate": (
        "biasaudit calibrate --cohort protocol.yaml --budget 2h -o rates",
        "biasaudit calibrate --quick -o calibration",
    ),
    "init": (
        "biasaudit init table.tsv",
        "biasaudit init --bids ixi --bids ofsep -o protocol.yaml",
        "biasaudit init table.tsv --model own.py:build --weights weights.safetensors",
    ),
    "validate": (
        "biasaudit validate protocol.yaml",
        "biasaudit validate protocol.yaml --json > validated.json",
    ),
    "report": ("biasaudit report out",),
    "verify": ("biasaudit verify out",),
    "gate": (
        "biasaudit gate out",
        "biasaudit gate out --fail-on mixed --arm tissue",
    ),
    "clean": (
        "biasaudit clean out",
        "biasaudit clean out --unfinished",
    ),
    "compare": (
        "biasaudit compare out_raw out_tissue -o page.html",
        "biasaudit compare out_raw out_tissue --json > differences.json",
    ),
    "predict": (
        "biasaudit predict out new.tsv -o predictions.tsv",
        "biasaudit predict out new.tsv --arm tissue > predictions.tsv",
    ),
    "probe": ("biasaudit probe out probes.tsv",),
    "explain": (
        "biasaudit explain out --subject sub-0001 -o explained",
        "biasaudit explain table.tsv --network own.py:build --weights weights.safetensors -o explained",
    ),
    "list": (
        "biasaudit list",
        "biasaudit list --json",
    ),
}
"""Command -> lines that a user could type."""
