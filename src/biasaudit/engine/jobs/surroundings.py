"""What a result depends on besides the job: the software and the processor of the process that computes it.

Machines with other versions, or whose processors make the libraries choose other code, add up in another order; after
some steps of training their networks differ. So one audit is computed by processes that are alike.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy

from biasaudit.engine.jobs.code_version import source_hash
from biasaudit.engine.jobs.packages import installed_versions

__all__ = ["ANY", "DEVICE", "device", "differences", "surroundings"]

DEVICE = "networks on"
"""The key that says what networks are computed on."""

ANY = "any"
"""In place of a value: it does not matter."""


_PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "sklearn",
    "pandas",
    "nibabel",
    "nilearn",
    "PIL",
    "pycombat",
    "pydicom",
    "monai",
)
_LIKE_US = (
    "install the same versions on both, give processors that differ the same instructions to use (ATEN_CPU_CAPABILITY, "
    "OPENBLAS_CORETYPE, NPY_DISABLE_CPU_FEATURES), or start biasaudit on a machine like the workers'"
)


@cache
def surroundings() -> Mapping[str, str]:
    """Describe this process; equal descriptions give equal results."""
    import scipy.linalg  # noqa: F401  # its library is looked at below; a command that submits nothing needs none of these
    import torch
    from threadpoolctl import threadpool_info

    blas = {f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}" for pool in threadpool_info()}
    return {
        "biasaudit": _own_code(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "machine": f"{platform.system()} {platform.machine()} {_vendor()}".strip(),
        **dict(installed_versions(_PACKAGES)),
        "instructions of torch": torch.backends.cpu.get_cpu_capability(),
        "instructions of numpy": _numpy_instructions(),
        DEVICE: device(),
        "linear algebra": ", ".join(sorted(name for name in blas if "openmp" not in name)),
    }


def device() -> str:
    """Name what networks are computed on here: a GPU, as its maker calls it, or ``processor``."""
    import torch

    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else "processor"


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Say in one line what of another process would change results; empty if nothing.

    Parameters
    ----------
    here, there : mapping
        Of `surroundings`; what is `ANY` here may be anything there.
    """
    unlike: Sequence[str] = [name for name in sorted({*here, *there}) if here.get(name) not in (there.get(name), ANY)]
    told = [f"{name} {there.get(name, 'absent')} (here {here.get(name, 'absent')})" for name in unlike]
    return f"its results would differ: {', '.join(told)}; {_LIKE_US}" if told else ""


def _own_code() -> str:
    folder = Path(__file__).parents[2]
    hashes = [source_hash(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))]
    return f"code {hashlib.sha256(''.join(hashes).encode()).hexdigest()[:8]}"


def _vendor() -> str:
    """Name the maker of the processor, by which some libraries choose their code."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    found = re.search(r"^vendor_id\s*:\s*(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def _numpy_instructions() -> str:
    return " ".join(numpy.show_config(mode="dicts")["SIMD Extensions"]["found"]) or "baseline"
