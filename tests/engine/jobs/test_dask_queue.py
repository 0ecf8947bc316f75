"""Workers of a queue: the scripts that are submitted to queues of all kinds, and a real Slurm of one node."""

from __future__ import annotations

import os
import subprocess
import types
from pathlib import Path

import pytest
from engine.jobs import slurm
from engine.jobs.dask_steps import job

from biasaudit.engine.jobs import dask_queue
from biasaudit.engine.jobs.cluster_settings import ClusterSettings
from biasaudit.engine.jobs.dask_client import connected
from biasaudit.engine.jobs.dask_queue import _Queue, job_script
from biasaudit.engine.jobs.dask_run import run_on_dask
from biasaudit.engine.jobs.scratch import SCRATCH
from biasaudit.engine.jobs.where import Where
from biasaudit.errors import IncompleteError

pytest.importorskip("dask_jobqueue")

ASKED = {
    "queue": "short",
    "account": "neuro",
    "cores": 2,
    "memory": "8GB",
    "walltime": "01:00:00",
    "prologue": ["module load python"],
}


@pytest.mark.parametrize(
    ("system", "lines"),
    [
        ("slurm", ["#SBATCH -p short", "#SBATCH -A neuro", "#SBATCH --cpus-per-task=2", "#SBATCH -t 01:00:00"]),
        ("sge", ["#$ -q short", "#$ -P neuro", "#$ -l h_rt=01:00:00"]),
        ("pbs", ["#PBS -q short", "#PBS -A neuro", "#PBS -l walltime=01:00:00"]),
        ("moab", ["#PBS -q short", "#PBS -A neuro"]),
        ("lsf", ["#BSUB -q short", '#BSUB -P "neuro"', "#BSUB -n 2"]),
    ],
)
def test_every_kind_of_queue_gets_its_own_words_and_workers_of_one_thread(system, lines, tmp_path):
    script = job_script(ClusterSettings.model_validate({"system": system, **ASKED}), tmp_path)
    assert [line for line in lines if line not in script] == []
    assert "export OMP_NUM_THREADS=1\n" in script
    assert "module load python\n" in script
    assert "--nworkers 2" in script
    assert "--nthreads 1" in script


def test_a_job_with_a_device_runs_one_worker_that_offers_it(tmp_path):
    asked = {"system": "slurm", **ASKED, "cores": 1, "gpu": "NVIDIA H200", "directives": ["--gres=gpu:1"]}
    script = job_script(ClusterSettings.model_validate(asked), tmp_path)
    assert "#SBATCH --gres=gpu:1" in script
    assert "--resources GPU=1" in script
    assert "--nworkers" not in script


class _Cluster:
    """Jobs that were submitted; none has a worker."""

    def __init__(self, *names: str) -> None:
        self.scheduler_info = {"workers": {}}
        self.worker_spec = dict.fromkeys(names)
        self.workers = {name: types.SimpleNamespace(job_id=name) for name in names}
        self.asked: list[int] = []

    def sync(self, function, *arguments):
        with pytest.raises(StopIteration):
            function(*arguments).send(None)

    def scale(self, jobs):
        self.asked.append(jobs)


def test_jobs_that_end_before_their_worker_is_up_are_submitted_again_and_at_last_end_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_queue, "_LOOK", 0.0)
    monkeypatch.setattr(_Queue, "_is_known", lambda self, number: number == "waits")
    cluster = _Cluster("waits", "ended")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "worker-1.err").write_text("bash: module: command not found\n\n")
    own = _Queue(cluster, ClusterSettings.model_validate({"system": "slurm", **ASKED}), tmp_path)
    own.look()
    assert list(cluster.workers) == ["waits"]
    assert cluster.asked == [2]
    own._in_vain = 2
    cluster.workers["ended"] = types.SimpleNamespace(job_id="ended")
    with pytest.raises(IncompleteError, match=r"3 jobs .* before any worker came up .*module: command not found"):
        own.look()


def test_where_the_queue_cannot_be_asked_a_job_counts_as_waiting(tmp_path, monkeypatch):
    own = _Queue(_Cluster(), ClusterSettings.model_validate({"system": "slurm", **ASKED}), tmp_path)
    monkeypatch.setitem(dask_queue._STATE, "slurm", "no-such-command {}")
    assert own._is_known("1")
    monkeypatch.setitem(dask_queue._STATE, "slurm", "true {}")
    assert not own._is_known("1")
    monkeypatch.setitem(dask_queue._STATE, "slurm", "echo {}")
    assert own._is_known("1")


SETTINGS = """\
system: slurm
queue: short
cores: 1
memory: 1GB
walltime: "{walltime}"
jobs: {{min: {workers}, max: {workers}}}
interface: lo
"""


@pytest.fixture
def in_slurm(real_slurm, monkeypatch):
    """Let commands and nodes find that Slurm and these tests."""
    monkeypatch.setenv("SLURM_CONF", real_slurm["SLURM_CONF"])
    tests = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(dask_queue, "_LOST_AFTER", "2s")
    return real_slurm


@pytest.fixture(scope="module")
def real_slurm(tmp_path_factory: pytest.TempPathFactory):
    if slurm.why_not():
        pytest.skip(slurm.why_not())
    with slurm.one_node(tmp_path_factory.mktemp("slurm")) as environment:
        yield environment


@pytest.mark.slow
def test_a_real_slurm_runs_jobs_and_what_it_cancels_is_submitted_again(in_slurm, tmp_path):
    (tmp_path / "slurm.yaml").write_text(SETTINGS.format(workers=1, walltime="00:10:00"))
    own = [job(f"own {number}", "wait") for number in range(8)]
    reasons: dict[str, str | None] = {}
    cancelled: list[str] = []

    def settled(ended, reason):
        reasons[ended.title] = reason
        if len(reasons) == 2:
            cancelled.extend(slurm.jobs(in_slurm))
            subprocess.run(["scancel", *cancelled], env=in_slurm, check=True)

    with connected(Where("dask", cluster=tmp_path / "slurm.yaml"), tmp_path / "out") as workers:
        key = tmp_path / "out" / SCRATCH / "tls-key.pem"
        assert key.stat().st_mode & 0o777 == 0o600
        run_on_dask(workers, own, tmp_path / "out", settled)
        assert slurm.jobs(in_slurm)
        assert not set(cancelled) & set(slurm.jobs(in_slurm))
    assert cancelled
    assert reasons == {each.title: None for each in own}
    assert not key.exists()


@pytest.mark.slow
def test_a_time_limit_costs_only_what_was_under_way(in_slurm, tmp_path):
    (tmp_path / "slurm.yaml").write_text(SETTINGS.format(workers=1, walltime="00:01:00"))
    own = [job(f"own {number}", "long") for number in range(12)]
    reasons: dict[str, str | None] = {}
    seen: set[str] = set()

    def settled(ended, reason):
        reasons[ended.title] = reason
        seen.update(slurm.jobs(in_slurm))

    with connected(Where("dask", cluster=tmp_path / "slurm.yaml"), tmp_path / "out") as workers:
        run_on_dask(workers, own, tmp_path / "out", settled)
    assert reasons == {each.title: None for each in own}
    assert len(seen) > 1
