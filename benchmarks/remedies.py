"""What each remedy does to reliance and AUC where the truth is known: two signatures, crossed and nested."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audits import interval, number, run

SETTINGS = """\
schema_version: 1
name: "remedies, {design}, {planted}"
cohort:
  reader: phantom
  phantom:
    n: 120
    design: {design}
    patient_sites: 2
    confounding: {confounding}
    dataset_signature: {signature}
    site_signature: {{}}
    lesion_load: 1.5
    spacing: 6.0
    seed: 5
arms: [intensity]
checks: [D1, G1, U1, U4]
folds: {{n: 3}}
target: {{training: {{epochs: 20}}}}
"""
SIGNATURES = {"contrast and gamma": "{contrast: 0.8, gamma: 0.8}", "bias field": "{bias_field: 0.8}"}


def study(scratch: Path) -> str:
    lines = [
        "## Remedies\n",
        "Command: `python benchmarks/run.py remedies`. 120 simulated subjects, 6 mm, `biasaudit run --with-remedies`."
        " Crossed: class and site associated by .6. Nested: three healthy sites, two of patients. Changes are remedy"
        " less intensity, on the same subjects and folds; R\\* and the AUC with both classes at one site are the"
        " phantom's truth.\n",
        "| design | planted | arm | verdict | AUC, one site | R\\* | reliance [90 %] | change in reliance [95 %] "
        "| change in AUC [95 %] |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for design, confounding in (("crossed", 0.6), ("nested", 0.0)):
        for planted, signature in SIGNATURES.items():
            path = scratch / f"{design}-{planted.replace(' ', '-')}.yaml"
            settings = {"design": design, "confounding": confounding, "planted": planted, "signature": signature}
            path.write_text(SETTINGS.format(**settings))
            audit = run(path, scratch / path.stem, "--with-remedies").audit
            lines += [_row(f"{design} | {planted}", arm, audit["comparisons"]) for arm in audit["arms"]]
    return "\n".join(lines) + "\n"


def _row(cohort: str, arm: dict[str, Any], comparisons: list[dict[str, Any]]) -> str:
    truth = arm["truth"]["site"]
    changes = " | ".join(_change(arm["name"], quantity, comparisons) for quantity in ("reliance", "auc"))
    return (
        f"| {cohort} | {arm['name']} | {arm['verdict']} | {number(truth['auc_one_site'])} | {number(truth['r'])} "
        f"| {interval(arm['reliance'])} | {changes} |"
    )


def _change(arm: str, quantity: str, comparisons: list[dict[str, Any]]) -> str:
    """Remedy less the intensity arm, which comparisons hold the other way round."""
    for each in comparisons:
        if each["arms"] == ["intensity", arm] and each["quantity"] == quantity:
            return f"{-each['difference']:+.2f} [{-each['high']:+.2f}, {-each['low']:+.2f}]"
    return "-"
