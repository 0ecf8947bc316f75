"""From 200 NIfTI files to the first batch: ours against MONAI's `CacheDataset` and `DataLoader`.

MONAI is no dependency of the audit; `pip install monai`, or its row says that it is not there. Each side works in a
process of its own with one thread. Ours reads every header, hashes every file, resamples, finds and checks the
foreground, measures the alignment, normalises, and stores the result, so that a second start reads it; theirs loads,
resamples and normalises in memory. Seconds are of the processor, of a second start in brackets.

And the start of commands that compute nothing, such as help and the list of components.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from scipy import ndimage

SUBJECTS, SHAPE, SPACING, BATCH = int(os.environ.get("BIASAUDIT_RUNS", "200")), (91, 109, 91), 4.0, 8
STARTS, COMMANDS = 10, ("--version", "--help", "run --help", "list", "list --json")
PROTOCOL = """\
name: cold start
cohort:
  reader: table
  table: table.tsv
  label: {{column: label, positive: [ill], negative: well}}
  origins: [site]
  min_origin_size: 2
grid: {{spacing: {spacing}}}
"""


def study(scratch: Path) -> str:
    _write(scratch)
    rows = [("biasaudit", _timed("ours", scratch))]
    if importlib.util.find_spec("monai") is not None:
        rows.append(("MONAI", _timed("monai", scratch)))
    lines = [
        "## Cold start\n",
        f"Command: `python benchmarks/run.py cold_start`, after `pip install monai`. {SUBJECTS} files `.nii.gz` of "
        f"{SHAPE[0]} x {SHAPE[1]} x {SHAPE[2]} at 2 mm, resampled to {SPACING:.0f} mm.\n",
        "| whose | s of processor, first start | second start | ratio, first | ratio, second |",
        "|---|---|---|---|---|",
    ]
    ours = rows[0][1]
    for name, (first, second) in rows:
        lines.append(f"| {name} | {first:.1f} | {second:.1f} | {first / ours[0]:.1f} | {second / ours[1]:.1f} |")
    lines += [
        f"\nStart of a command, median of {STARTS} (fastest, slowest):\n",
        "| command | s on the clock | s of processor |",
        "|---|---|---|",
    ]
    lines += [f"| `biasaudit {words}` | {' | '.join(map(_told, _starts(words)))} |" for words in COMMANDS]
    return "\n".join(lines) + "\n"


def _starts(words: str) -> tuple[list[float], list[float]]:
    """Seconds on the clock and of the processor of a command, from the start of Python to its end."""
    program = [sys.executable, "-m", "biasaudit", *words.split()]
    seconds, worked = [], []
    for _ in range(STARTS):
        begun, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begun)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        worked.append(after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime)
    return seconds, worked


def _told(seconds: list[float]) -> str:
    return f"{np.median(seconds):.2f} ({min(seconds):.2f}, {max(seconds):.2f})"


def _write(folder: Path) -> None:
    """Heads of smooth noise in an ellipsoid, nothing outside."""
    chance = np.random.default_rng(0)
    places = np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE), indexing="ij")
    inside = sum(place**2 for place in places) < 0.75
    smooth = ndimage.gaussian_filter(chance.normal(size=SHAPE), 4)
    rows = ["image\tsubject\tlabel\tsite"]
    for number in range(SUBJECTS):
        own = 400 + 100 * smooth / smooth.std() + 20 * chance.normal(size=SHAPE)
        image = nibabel.Nifti1Image(np.where(inside, np.clip(own, 1, None), 0).astype(np.int16), np.diag([2, 2, 2, 1]))
        nibabel.save(image, folder / f"{number}.nii.gz")
        rows.append(f"{number}.nii.gz\ts{number}\t{('ill', 'well')[number % 2]}\t{'ab'[number // 2 % 2]}")
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    (folder / "protocol.yaml").write_text(PROTOCOL.format(spacing=SPACING))


def _timed(whose: str, folder: Path) -> tuple[float, float]:
    found = [_child(whose, folder) for _ in range(2)]
    return found[0], found[1]


def _child(whose: str, folder: Path) -> float:
    done = subprocess.run(
        [sys.executable, __file__, whose, str(folder)], check=True, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"})  # fmt: skip
    return float(json.loads(done.stdout.splitlines()[-1]))


def _ours(folder: Path) -> Any:
    from biasaudit.engine.audit import known_files
    from biasaudit.engine.jobs.run import run_job
    from biasaudit.engine.jobs.stack import Stack
    from biasaudit.engine.jobs.store import Store
    from biasaudit.engine.plan import finished_survey, plan_audit, plan_reading
    from biasaudit.engine.steps.train import to_device  # noqa: F401
    from biasaudit.engine.validation.situate import situate
    from biasaudit.protocol import load_protocol

    started = time.process_time()
    out = folder / "out"
    store = Store(out)
    situation, _ = situate(load_protocol(folder / "protocol.yaml"), known_files(out))
    reading = plan_reading(situation)
    for job in reading.jobs:
        _require(run_job(job, out))
    plan = plan_audit(situation, finished_survey(store, reading))
    keys = next(iter(plan.inputs.values()))
    for job in plan.jobs:
        if job.key in keys:
            _require(run_job(job, out))
    inputs = Stack.of([store.folder(key) for key in keys], "original", 2**30)
    inputs.stored(range(len(inputs)))  # all of them, as the first epoch does
    return time.process_time() - started


def _require(fault: str | None) -> None:
    if fault is not None:
        raise SystemExit(fault)


def _monai(folder: Path) -> Any:
    from monai.data import CacheDataset, DataLoader
    from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, NormalizeIntensityd, Spacingd

    started = time.process_time()
    steps = Compose([
        LoadImaged("image"), EnsureChannelFirstd("image"), Spacingd("image", (SPACING,) * 3, mode="bilinear"),
        NormalizeIntensityd("image", nonzero=True)])  # fmt: skip
    files = [{"image": str(folder / f"{number}.nii.gz")} for number in range(SUBJECTS)]
    loader = DataLoader(CacheDataset(files, steps, progress=False, num_workers=None), batch_size=BATCH, shuffle=True)
    for _ in loader:
        pass
    return time.process_time() - started


if __name__ == "__main__":
    sys.path.pop(0)  # this folder would hide the library's `statistics`
    sys.path.pop(0)  # this folder would hide the library's `statistics`
    print(json.dumps({"ours": _ours, "monai": _monai}[sys.argv[1]](Path(sys.argv[2]))))
