from __future__ import annotations

from pathlib import Path

import pytest

from biasaudit.engine.jobs.cluster_settings import load_cluster
from biasaudit.errors import ProtocolError

GOOD = """\
system: slurm
queue: short
memory: 8GB
jobs: {min: 1, max: 4}
prologue:
  - module load python
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "slurm.yaml"
    path.write_text(text)
    return path


def test_settings_are_read_with_their_defaults(tmp_path):
    settings = load_cluster(written(tmp_path, GOOD))
    assert (settings.system, settings.queue, settings.cores, settings.jobs.max) == ("slurm", "short", 1, 4)
    assert settings.prologue == ("module load python",)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("queue: short", "que: short"), r"slurm.yaml:2: que: no such key; did you mean 'queue'\?"),
        (("max: 4", "most: 4"), r"slurm.yaml:4: most: no such key"),
        (("memory: 8GB", "memory: much"), r"slurm.yaml:3: memory: 'much': expected a size such as 8GB"),
        (("memory: 8GB\n", ""), "memory: required"),
        (("min: 1", "min: 5"), r"slurm.yaml:4: jobs: .*min 5 is more than max 4"),
        (("slurm\n", "kubernetes\n"), r"slurm.yaml:1: system: 'kubernetes'.*'slurm', 'sge', 'pbs'"),
        (("module load python", '"a\\nb"'), r"slurm.yaml:6: prologue.0: .*expected one line"),
        (("queue: short", "gpu: H200\ncores: 2"), "gpu: a job with a device runs one worker; expected cores 1, not 2"),
        (("system: slurm", "- slurm"), "slurm.yaml"),
    ],
)
def test_a_fault_names_line_value_and_what_was_expected(tmp_path, change, told):
    with pytest.raises(ProtocolError, match=told):
        load_cluster(written(tmp_path, GOOD.replace(*change)))


def test_all_faults_come_at_once(tmp_path):
    with pytest.raises(ProtocolError) as error:
        load_cluster(written(tmp_path, "system: none\ncores: 0\n"))
    assert len(error.value.faults) == 3


def test_no_file_and_no_mapping(tmp_path):
    with pytest.raises(ProtocolError, match="cannot be read"):
        load_cluster(tmp_path / "none.yaml")
    with pytest.raises(ProtocolError, match="expected keys and values"):
        load_cluster(written(tmp_path, "slurm\n"))
