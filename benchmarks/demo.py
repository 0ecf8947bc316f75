"""The demo, the same without signatures, and a crossed cohort whose label does not follow the signature."""

from __future__ import annotations

from pathlib import Path

from audits import Timed, interval, number, run

from biasaudit.resources import protocols_folder

STRENGTHS = "dataset_signature: {contrast: 0.8, bias_field: 0.8}"
NESTED = "design: nested"


def study(scratch: Path) -> str:
    text = (protocols_folder() / "demo.yaml").read_text()
    weak = "site_signature: {contrast: 0.4, bias_field: 0.4}"
    assert STRENGTHS in text
    assert weak in text
    assert NESTED in text
    silent = text.replace(STRENGTHS, "dataset_signature: {}").replace(weak, "site_signature: {}")
    crossed = text.replace(NESTED, "design: crossed")
    lines = [
        "## Demo and its two null versions\n",
        "Command: `python benchmarks/run.py demo`. Omega\\* and R\\* are the phantom's truth.\n",
        "| cohort | arm | verdict | AUC | AUC, one site | reliance [90 %] | Omega\\* | R\\* | lesion gain | s | MiB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, protocol in (("demo", text), ("strengths 0", silent), ("crossed", crossed)):
        path = scratch / f"{name.replace(' ', '-')}.yaml"
        path.write_text(protocol)
        lines.extend(_rows(name, run(path, scratch / path.stem)))
    return "\n".join(lines) + "\n"


def _rows(name: str, timed: Timed) -> list[str]:
    rows = []
    for arm in timed.audit["arms"]:
        truth = arm["truth"]["site"]
        gain = arm["lesion_gain"] or {"estimate": None}
        rows.append(
            f"| {name} | {arm['name']} | {arm['verdict']} | {number(arm['target']['auc'])} "
            f"| {number(truth['auc_one_site'])} | {interval(arm['reliance'])} | {number(truth['omega'])} "
            f"| {number(truth['r'])} | {number(gain['estimate'], 1)} | {timed.seconds:.0f} | {timed.mebibytes:.0f} |"
        )
    return rows
