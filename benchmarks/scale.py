"""How memory and disk grow with subjects and voxels, and what that makes of 1 000 subjects at 2 mm.

Each audit runs in a process of its own, so that its peak is its own: D1-D3, A1, the target, U1-U5, one epoch. A peak is
what the process held at most less what it holds once everything is imported.

    python benchmarks/run.py scale               # curves, minutes
    python benchmarks/scale.py big 1000 2.0      # the whole thing, hours
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from audits import ENVIRONMENT

PROTOCOL = """\
name: scale
cohort:
  reader: phantom
  phantom: {{n: {n}, design: nested, healthy_sites: 2, patient_sites: 2, spacing: {spacing}, lesion_load: 3,
            dataset_signature: {{contrast: 0.8}}, truth_subjects: 2}}
checks: [D1, D2, D3, G1, A1, U1, U2, U3, U4, U5]
target: {{training: {{epochs: 1}}}}
folds: {{n: 3}}
statistics: {{n_permutations: 199, n_bootstraps: 199}}
"""
SUBJECTS, VOXELS = (24, 48, 96), (8.0, 6.0, 5.0, 4.0)
BIG = (1000, 91 * 109 * 91)
_KEPT = 537  # MB of inputs that a training keeps in memory


@dataclass(frozen=True)
class Measured:
    """One audit: voxels of an image, and megabytes."""

    subjects: int
    voxels: int
    memory: float
    base: float
    disk: float


def study(scratch: Path) -> str:
    by_subjects = [measure(scratch / f"n{n}", n, VOXELS[0]) for n in SUBJECTS]
    by_voxels = [measure(scratch / f"mm{spacing}", SUBJECTS[0], spacing) for spacing in VOXELS]
    head = (
        "## Growth with subjects and voxels\n\nCommand: `python benchmarks/run.py scale`. One process; D1-D3, A1, the "
        "target, U1-U5, one epoch, one arm. Memory: peak above what the process holds after all imports.\n\n"
        "| subjects | voxels | memory, MB | after imports, MB | disk, MB | disk over float16 input |\n"
        "|---|---|---|---|---|---|"
    )
    rows = [_row(each) for each in (*by_subjects, *by_voxels)]
    slopes = {
        (what, how): _slope([getattr(each, how) for each in found], [getattr(each, what) for each in found])
        for how, found in (("subjects", by_subjects), ("voxels", by_voxels[-2:]))
        for what in ("memory", "disk")
    }
    return "\n".join([head, *rows, "", *_extrapolated(slopes, by_voxels[-1])]) + "\n"


def measure(out: Path, subjects: int, spacing: float) -> Measured:
    """Run one audit and read its peak."""
    out.mkdir(parents=True)
    (out / "protocol.yaml").write_text(PROTOCOL.format(n=subjects, spacing=spacing))
    process = subprocess.Popen(
        [sys.executable, __file__, "child", str(out / "protocol.yaml"), str(out / "run")],
        env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)  # fmt: skip
    written, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"the audit of {subjects} subjects at {spacing} mm failed")
    found = json.loads(written.splitlines()[-1])
    disk = sum(path.stat().st_size for path in (out / "run" / "jobs").rglob("*") if path.is_file()) / 1e6
    return Measured(subjects, found["voxels"], found["peak"] - found["base"], found["base"], disk)


def _row(own: Measured) -> str:
    ratio = own.disk / (2e-6 * own.subjects * own.voxels)
    return f"| {own.subjects} | {own.voxels} | {own.memory:.0f} | {own.base:.0f} | {own.disk:.1f} | {ratio:.2f} |"


def _slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def _extrapolated(slopes: dict[tuple[str, str], float], largest: Measured) -> list[str]:
    lines = [
        "Slopes of the logarithms; with voxels between the two largest sizes, since smaller ones measure what does not "
        "grow. What 1 000 subjects of 91 x 109 x 91 take if all grows in proportion to the voxels, the disk to the "
        "subjects too; a training keeps up to 512 MiB of inputs besides.\n",
        "| | with subjects | with voxels | expected |",
        "|---|---|---|---|",
    ]
    voxels = BIG[1] / largest.voxels
    expected = {
        "memory": largest.base + largest.memory * voxels + _KEPT,
        "disk": largest.disk * voxels * BIG[0] / largest.subjects,
    }
    for what, megabytes in expected.items():
        with_subjects, with_voxels = slopes[what, "subjects"], slopes[what, "voxels"]
        lines.append(f"| {what} | {with_subjects:.2f} | {with_voxels:.2f} | {megabytes / 1000:.1f} GB |")
    return lines


def _child(protocol: Path, out: Path) -> None:
    from biasaudit.engine.audit import Options, run_audit
    from biasaudit.protocol import load_protocol
    from biasaudit.registry import names
    from biasaudit.report import render  # noqa: F401

    names("step")  # imports them all
    base = _status("VmRSS")
    audit = run_audit(load_protocol(protocol), out, Options())
    voxels = int(np.prod(audit["cohort"]["grid"]["shape"]))
    print(json.dumps({"base": base, "peak": _status("VmHWM"), "voxels": voxels}))


def _status(name: str) -> float:
    """Megabytes of this process (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1000


def _big(subjects: int, spacing: float) -> None:
    with tempfile.TemporaryDirectory(prefix="biasaudit-scale-") as scratch:
        print(_row(measure(Path(scratch) / "big", subjects, spacing)), flush=True)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder would hide the library's `statistics`
    if sys.argv[1] == "child":
        _child(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        _big(int(sys.argv[2]), float(sys.argv[3]))
