"""The layout of the published case, simulated: healthy subjects of three sites against patients of five others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audits import interval, number, run

SUBJECTS = 120
SETTINGS = """\
schema_version: 1
name: "simulated IXI against OFSEP: {planted}"
cohort:
  reader: phantom
  min_origin_size: 4
  phantom:
    n: {subjects}
    design: nested
    healthy_sites: 3
    patient_sites: 5
    dataset_signature: {dataset}
    site_signature: {site}
    lesion_load: 1.5
    spacing: 6.0
    seed: 11
arms: [intensity, tissue]
folds: {{n: 3}}
target: {{training: {{epochs: 20}}}}
"""
PLANTED = {
    "contrast and bias field": ("{contrast: 0.8, bias_field: 0.8}", "{contrast: 0.4, bias_field: 0.4}"),
    "nothing": ("{}", "{}"),
}


def study(scratch: Path) -> str:
    lines = [
        "## Healthy subjects of three sites against patients of five: raw against tissue\n",
        f"Command: `python benchmarks/run.py ms_layout`. {SUBJECTS} simulated subjects on a 6 mm grid, laid out like"
        " IXI and OFSEP (nested). R\\*, Omega\\*: the phantom's truth; differences are intensity minus tissue"
        " on the same subjects and folds, with 95 % intervals.\n",
        "| planted | input | verdict | AUC | AUC, one site | reliance [90 %] | Omega\\* | R\\* | lesion gain |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    differences = ["", "| planted | quantity | intensity - tissue [95 %] | p |", "|---|---|---|---|"]
    for number_of, (planted, (dataset, site)) in enumerate(PLANTED.items()):
        path = scratch / f"cohort-{number_of}.yaml"
        path.write_text(SETTINGS.format(planted=planted, subjects=SUBJECTS, dataset=dataset, site=site))
        audit = run(path, scratch / path.stem).audit
        lines += [_arm_row(planted, arm) for arm in audit["arms"]]
        differences += [_difference_row(planted, comparison) for comparison in audit["comparisons"]]
    return "\n".join([*lines, *differences]) + "\n"


def _arm_row(planted: str, arm: dict[str, Any]) -> str:
    truth, target = arm["truth"]["site"], arm["target"]
    auc = f"{number(target['auc'])} [{number(target['auc_low'])}, {number(target['auc_high'])}]"
    gain = arm["lesion_gain"] or {"estimate": None}
    return (
        f"| {planted} | {arm['name']} | {arm['verdict']} | {auc} | {number(truth['auc_one_site'])} "
        f"| {interval(arm['reliance'])} | {number(truth['omega'])} | {number(truth['r'])} | {interval(gain)} |"
    )


def _difference_row(planted: str, comparison: dict[str, Any]) -> str:
    low, high = number(comparison["low"]), number(comparison["high"])
    what = comparison["quantity"].replace("_", " ")
    difference, p_value = number(comparison["difference"]), number(comparison["p_value"], 3)
    return f"| {planted} | {what} | {difference} [{low}, {high}] | {p_value} |"
