"""A Slurm of one node on this machine, for tests: its daemons, and nothing outside one folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=2
OverTimeLimit=0
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=short Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Say why no Slurm can be started here; empty if one can."""
    missing = [name for name in DAEMONS if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: slurm-wlm, munge)"
    return "" if os.geteuid() == 0 else "Slurm's daemons start as root"


@contextmanager
def one_node(folder: Path) -> Iterator[dict[str, str]]:
    """Start munge and Slurm; give the environment in which their commands find them."""
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    configuration = folder / "slurm.conf"
    host = socket.gethostname().partition(".")[0]
    configuration.write_text(CONFIGURATION.format(host=host, folder=folder, ports=_free_ports()))
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    own = [f"--{name}={folder}/{file}" for name, file in _MUNGE.items()]
    commands = [
        ["munged", "--foreground", "--force", *own],
        ["slurmctld", "-D", "-f", str(configuration)],
        ["slurmd", "-D", "-f", str(configuration)],
    ]
    silent = subprocess.DEVNULL
    daemons = [subprocess.Popen(command, env=environment, stdout=silent, stderr=silent) for command in commands]
    try:
        _wait_until_idle(environment)
        yield environment
    finally:
        _end_jobs(environment)
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in daemons:
            daemon.wait(timeout=60)


_MUNGE = {
    "key-file": "munge.key",
    "socket": "munge.socket",
    "pid-file": "munged.pid",
    "log-file": "munged.log",
    "seed-file": "munged.seed",
}


def _free_ports() -> list[int]:
    found = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [each.getsockname()[1] for each in found]
    for each in found:
        each.close()
    return ports


def _wait_until_idle(environment: dict[str, str]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        told = subprocess.run(
            ["sinfo", "--noheader", "--format", "%T"], env=environment, capture_output=True, text=True, check=False
        )
        if told.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    raise TimeoutError("Slurm did not come up")


def _end_jobs(environment: dict[str, str]) -> None:
    """Cancel all jobs and wait until they are gone: the daemon of the node does not end before them."""
    subprocess.run(["scancel", "--user", "root"], env=environment, check=False)
    until = time.monotonic() + 60
    command = ["squeue", "--noheader"]
    while time.monotonic() < until:
        if not subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout.strip():
            return
        time.sleep(0.5)


def jobs(environment: dict[str, str]) -> list[str]:
    """Numbers of the jobs that run."""
    command = ["squeue", "--noheader", "--states", "RUNNING", "--format", "%i"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
