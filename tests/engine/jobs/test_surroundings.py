from __future__ import annotations

import os
import subprocess
import sys

from biasaudit.engine.jobs.surroundings import differences, surroundings

DESCRIBE = "import json; from biasaudit.engine.jobs.surroundings import surroundings; print(json.dumps(surroundings()))"


def described(**environment: str) -> dict[str, str]:
    import json

    told = subprocess.run(
        [sys.executable, "-c", DESCRIBE],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )
    return json.loads(told.stdout)


def test_two_processes_of_one_machine_are_alike_whatever_they_imported_before():
    assert differences(surroundings(), described(PYTHONHASHSEED="7", LC_ALL="C", OMP_NUM_THREADS="2")) == ""


def test_instructions_that_torch_would_choose_differently_are_told():
    told = differences(surroundings(), described(ATEN_CPU_CAPABILITY="default"))
    assert told.startswith("its results would differ: instructions of torch DEFAULT (here ")
    assert "\n" not in told


def test_versions_are_told_with_both_sides():
    here, there = {"torch": "2", "numpy": "1"}, {"torch": "3"}
    assert "numpy absent (here 1), torch 3 (here 2)" in differences(here, there)
    assert {"torch", "numpy", "scipy", "biasaudit", "python", "linear algebra"} <= set(surroundings())
