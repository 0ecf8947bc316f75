"""Where measured figures come from: the code and the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import biasaudit

__all__ = ["code_commit", "machine"]


def code_commit() -> str:
    """Name the commit of the code that runs; ``not a checkout`` where it was installed."""
    folder = Path(biasaudit.__file__).parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=folder, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"
    return found.stdout.strip()


def machine() -> str:
    """Name the system, the kind of processor and the number of cores."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
