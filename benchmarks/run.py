"""`make bench`: run every study below and write docs/benchmarks.md.

Each study is a module with ``study(scratch: Path) -> str`` that returns Markdown. Timings are printed, never asserted.
"""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

STUDIES = (
    "demo",
    "cost",
    "storage",
    "scale",
    "cold_start",
    "training",
    "cxr",
    "own_calibration",
    "ham",
    "held_apart",
    "kill_and_resume",
    "ms_layout",
    "bids_index",
    "features",
    "remedies",
    "dependence",
    "auc_intervals",
    "unequal_variances",
    "audit_scope",
    "retrained",
    "chance",
    "published_auc",
    "attributions",
    "masks_in_both",
    "voxelwise",
    "own_networks",
    "supporting",
    "overhead",
    "spike_in",
)
ROOT = Path(__file__).resolve().parent.parent


def main(names: list[str]) -> None:
    sections = []
    for name in names or STUDIES:
        module = _study(name)
        with tempfile.TemporaryDirectory(prefix=f"biasaudit-{name}-") as scratch:
            section = module.study(Path(scratch))
        print(section, flush=True)
        sections.append(section)
    if not names:
        (ROOT / "docs" / "benchmarks.md").write_text("\n".join([_head(), *sections]))


def _study(name: str) -> ModuleType:
    """Import a study; off the path again, its folder hides no module of the same name from others."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path[:] = [path for path in sys.path if path != folder]


def _head() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        "# Benchmarks\n\n"
        f"Command: `make bench`. Commit {commit}. Machine: {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}. Shared machine: times vary, figures do not.\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
