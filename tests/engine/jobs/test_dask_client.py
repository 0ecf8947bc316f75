"""Real worker processes: nobody else can talk to them, and what ends them ends no run."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from engine.jobs.dask_steps import job

from biasaudit.engine.jobs import dask_client, dask_run, where
from biasaudit.engine.jobs.dask_client import connected
from biasaudit.engine.jobs.dask_run import run_on_dask
from biasaudit.engine.jobs.scratch import SCRATCH
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.jobs.where import Where, dask_is_safe
from biasaudit.engine.jobs.workers import Workers
from biasaudit.errors import UsageError

pytest.importorskip("distributed")

STRANGER = """\
import sys
from distributed import Client, Security
for address in sys.argv[1:]:
    for scheme, security in (("tcp", None), ("tls", Security.temporary())):
        try:
            with Client(f"{scheme}://{address}", security=security, timeout=1) as client:
                client.run_on_scheduler(lambda: None)
            print("came in at", scheme, address)
        except Exception as error:
            print("kept out:", type(error).__name__)
"""


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dask") / "out"
    left = root / SCRATCH / "left by a killed run"
    left.mkdir(parents=True)
    return root


@pytest.fixture(scope="module")
def workers(run_folder: Path):
    with connected(Where("dask", 2), run_folder) as crew:
        yield crew
    assert not (run_folder / SCRATCH).exists()


def settled(workers: Workers, jobs, root: Path) -> dict[str, str | None]:
    reasons: dict[str, str | None] = {}
    run_on_dask(workers, jobs, root, lambda own, reason: reasons.__setitem__(own.title, reason))
    return reasons


def pids(workers: Workers) -> list[int]:
    return sorted(workers.client.run(os.getpid).values())


def test_jobs_run_in_worker_processes_whose_files_lie_in_the_run_folder(workers, run_folder):
    first = job("first")
    assert settled(workers, [first, job("second", "write", first)], run_folder) == {"first": None, "second": None}
    assert int((Store(run_folder).folder(first.key) / "pid").read_text()) != os.getpid()
    assert [path.name for path in (run_folder / SCRATCH).iterdir()] == ["dask-scratch-space"]


def listening(pid: int) -> set[tuple[str, int]]:
    """Address and port, in hexadecimal digits as the kernel lists them, of all that a process listens on."""
    links = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    sockets = {found[1] for link in links if (found := re.match(r"socket:\[(\d+)\]", link))}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    places = [row[1].split(":") for row in rows if row[3] == "0A" and row[9] in sockets]
    return {(address, int(port, 16)) for address, port in places}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads what Linux lists of sockets")
def test_nobody_without_the_key_of_this_run_can_talk_to_scheduler_or_workers(workers):
    found = {place for pid in (os.getpid(), *pids(workers)) for place in listening(pid)}
    assert found
    assert {address for address, _ in found} == {"0100007F"}, "something listens beyond the loopback interface"
    known = [workers.client.scheduler.address, *workers.client.scheduler_info(n_workers=-1)["workers"]]
    addresses = [address.partition("://")[2] for address in known]
    assert {int(address.rpartition(":")[2]) for address in addresses} <= {port for _, port in found}
    tried = subprocess.run(
        [sys.executable, "-c", STRANGER, *addresses], capture_output=True, text=True, timeout=120, check=False
    )
    assert tried.stdout.count("kept out") == 2 * len(addresses), tried.stdout + tried.stderr
    assert "came in" not in tried.stdout


def test_a_job_that_always_kills_its_worker_is_one_failed_job(workers, run_folder):
    bad = job("bad", "die")
    others = [job(f"other {number}", "wait") for number in range(6)]
    reasons = settled(workers, [others[0], bad, *others[1:], job("after", "write", bad)], run_folder)
    assert {title for title, reason in reasons.items() if reason is None} == {own.title for own in others}
    assert "ended its worker every time" in str(reasons["bad"])
    assert str(reasons["after"]).startswith("not run")


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_the_run_goes_on_when_all_workers_are_killed(workers, run_folder, number):
    jobs = [job(f"{number} {each}", "wait") for each in range(8)]
    before = pids(workers)

    def kill_after_two(own, reason):
        reasons[own.title] = reason
        if len(reasons) == 2:
            for pid in before:
                os.kill(pid, number)

    reasons: dict[str, str | None] = {}
    run_on_dask(workers, jobs, run_folder, kill_after_two)
    assert reasons == {own.title: None for own in jobs}
    assert not set(before) & set(pids(workers))


def test_a_worker_that_was_given_up_is_replaced(workers, run_folder):
    cluster = workers.client.cluster
    nanny = next(iter(cluster.workers.values()))
    cluster.sync(nanny.close)
    workers.revive()
    workers.client.wait_for_workers(2, timeout=60)
    assert nanny not in cluster.workers.values()
    assert settled(workers, [job("after a start that failed")], run_folder) == {"after a start that failed": None}


TWICE = """\
import sys
from pathlib import Path
from biasaudit.engine.jobs.dask_client import connected
from biasaudit.engine.jobs.where import Where
if __name__ == "__main__":
    for number in range(2):
        with connected(Where("dask", 1), Path(sys.argv[1])) as workers:
            print(workers.client.submit(abs, -1).result())
"""


@pytest.mark.slow
def test_a_process_can_have_workers_twice_and_leaves_nothing_behind(tmp_path):
    (tmp_path / "twice.py").write_text(TWICE)
    words = [sys.executable, str(tmp_path / "twice.py"), str(tmp_path / "out")]
    (tmp_path / "tmp").mkdir()
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path / "tmp")}
    told = subprocess.run(words, capture_output=True, text=True, env=paths, timeout=200, check=False)
    assert told.stdout.split() == ["1", "1"], told.stderr
    assert list((tmp_path / "tmp").iterdir()) == [], "something is left in the folder for temporary files"


def test_without_what_secures_it_dask_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(where, "find_spec", lambda name: None if name == "cryptography" else object())
    assert not dask_is_safe()
    with pytest.raises(UsageError, match=r"pip install 'biasaudit\[dask\]'"), connected(Where("dask", 2), tmp_path):
        pass


@pytest.mark.slow
def test_every_device_gets_one_worker_that_does_the_networks_and_others_do_the_rest(tmp_path, monkeypatch):
    """Two devices that are not there: only who gets which job is looked at."""
    monkeypatch.setattr(dask_client, "_devices", lambda: 2)
    monkeypatch.setattr(dask_run, "_has_networks", lambda step: True)
    own = [job(f"network {number}", "wait") for number in range(6)]
    rest = [job(f"rest {number}", "wait") for number in range(4)]
    with connected(Where("dask", 1), tmp_path) as workers:
        workers.client.wait_for_workers(3, timeout=60)
        assert settled(workers, own, tmp_path) == {each.title: None for each in own}
        monkeypatch.setattr(dask_run, "_has_networks", lambda step: False)
        assert settled(workers, rest, tmp_path) == {each.title: None for each in rest}
    devices = [(Store(tmp_path).folder(each.key) / "device").read_text() for each in own]
    assert set(devices) == {"0", "1"}


def test_lines_of_dask_do_not_reach_the_terminal(caplog):

    logger, other = logging.getLogger("library.nanny"), logging.getLogger("mine")
    with dask_client.quiet("library"):
        logger.error("Worker process died")
        other.error("told")
    logger.error("afterwards")
    assert [record.message for record in caplog.records] == ["told", "afterwards"]
