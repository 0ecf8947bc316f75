"""Calibration on one's own images, measured on chest X-rays of two sources: rates, time, and the published rates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from real_pictures import SHARED, at_hand

from biasaudit.error_rates import Setting, error_rates

PROTOCOL = """\
cohort:
  reader: table
  table: {table}
  label: {{column: label, positive: pneumonia, negative: normal}}
  origins: [origin]
{more}grid: {{shape: [64, 64]}}
folds: {{n: 3, seed: 1}}
target: {{training: {{epochs: 15}}}}
checks: [D1, G1, U1, P1]
statistics: {{n_permutations: 999, n_bootstraps: 999}}
"""
ALIASED = """\
  select: "(label == 'normal' and origin == 'nih') or (label == 'pneumonia' and origin == 'kermany')"
  probes: {{table: {probes}}}
"""
WORKERS = 2
_SHOWN = {
    "false_flag": "flagged where clean",
    "found": "flagged where R\\* >= .5",
    "found_middle": "flagged where .25 <= R\\* < .5",
    "cleared": "PATHOLOGY where clean",
    "false_clear": "PATHOLOGY where R\\* >= .3",
}


def study(scratch: Path) -> str:
    if not at_hand():
        return "## Calibration on one's own images\n\nThe real images are not at hand.\n"
    lines = [
        "## Calibration on one's own images\n",
        f"Command: `python benchmarks/run.py own_calibration`, {WORKERS} workers of one thread. Chest X-rays of two"
        " sources, 64 pixels, built-in network, 3 folds, 15 epochs; the usual number of copies. Crossed: all four"
        " cells, 320 images. Aliased: normal from nih against pneumonia from kermany, 20 probes. In brackets 95 %"
        " intervals; published: the nearest cell of the grids.\n",
        "| | crossed | published | aliased, 20 probes | published |",
        "|---|---|---|---|---|",
    ]
    crossed, aliased = _calibrated(scratch / "crossed", ""), _calibrated(scratch / "aliased", _aliased(scratch))
    published = [error_rates(_setting(320, "crossed")), error_rates(_setting(160, "aliased", probes=20))]
    for name, words in _SHOWN.items():
        cells = (
            _share(crossed["rates"][name]),
            _of(published[0], name),
            _share(aliased["rates"][name]),
            _of(published[1], name),
        )
        lines.append(f"| {words} | {' | '.join(cells)} |")
    lines += [
        f"| error of the reliance | {_error(crossed)} | - | {_error(aliased)} | - |",
        f"| copies | {crossed['copies']} | - | {aliased['copies']} | - |",
        f"| wall time, min | {crossed['minutes']:.1f} | - | {aliased['minutes']:.1f} | - |",
        f"| CPU time, min | {crossed['cpu']:.1f} | - | {aliased['cpu']:.1f} | - |\n",
        f"Taken up (R\\*, flagged or not), crossed: {_kinds(crossed)}. Aliased: {_kinds(aliased)}.",
    ]
    return "\n".join(lines) + "\n"


def _aliased(scratch: Path) -> str:
    """Twenty normal X-rays of the patients' source become probes."""
    header, *rows = (SHARED / "cxr" / "table.tsv").read_text().splitlines()
    columns = header.split("\t")
    label, origin, image = (columns.index(name) for name in ("label", "origin", "image"))
    own = [row.split("\t") for row in rows]
    chosen = [row for row in own if row[label] == "normal" and row[origin] == "kermany"][:20]
    for row in chosen:
        row[image] = str(SHARED / "cxr" / row[image])
    path = scratch / "probes.tsv"
    path.write_text("\n".join([header, *("\t".join(row) for row in chosen)]) + "\n")
    return ALIASED.format(probes=path)


def _calibrated(folder: Path, more: str) -> dict[str, Any]:
    folder.mkdir(parents=True)
    protocol = folder / "protocol.yaml"
    protocol.write_text(PROTOCOL.format(table=SHARED / "cxr" / "table.tsv", more=more))
    command = [sys.executable, "-m", "biasaudit", "calibrate", "--cohort", str(protocol), "-o", str(folder / "rates")]
    started, before = time.monotonic(), os.times()
    subprocess.run([*command, "--workers", str(WORKERS)], check=True, capture_output=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    record = json.loads((folder / "rates" / "own-rates.json").read_text())
    return {
        "rates": record["arms"]["intensity"], "kinds": record["kinds"], "copies": record["about"]["copies"],
        "minutes": (time.monotonic() - started) / 60, "cpu": cpu / 60,
    }  # fmt: skip


def _setting(n: int, regime: Any, probes: int = 0) -> Setting:
    return Setting(regime, "none", n, 2, "cnn", "intensity", simulated=False, probes=probes)


def _share(counted: dict[str, Any]) -> str:
    if not counted["n"]:
        return "0 of 0"
    return f"{counted['events']} of {counted['n']} [{counted['low']:.2f}, {counted['high']:.2f}]"


def _of(published: dict[str, Any], name: str) -> str:
    if published.get(name) is None:
        return "-"
    return f"{published[name]:.2f} of {published[f'{name}_n']} (at most {published[f'{name}_high']:.2f})"


def _error(found: dict[str, Any]) -> str:
    own = found["rates"]["reliance"]
    if not own["n"]:
        return "-"
    return f"{own['mean_absolute_error']:.2f}; covered {own['covered']} of {own['n']}"


def _kinds(found: dict[str, Any]) -> str:
    named = (f"{k['kind']} {k['strength']:g}: {k['r']:.2f}{' flagged' if k['flagged'] else ''}" for k in found["kinds"])
    return ", ".join(named)
