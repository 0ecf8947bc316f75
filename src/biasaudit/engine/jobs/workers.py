"""A connection to Dask workers, wherever they run, and what must hold before they get work."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biasaudit.engine.jobs.scratch import SCRATCH
from biasaudit.engine.jobs.surroundings import ANY, DEVICE, differences, surroundings
from biasaudit.errors import UsageError

__all__ = ["Workers", "require_alike"]


@dataclass(frozen=True)
class Workers:
    """A connection to workers.

    Attributes
    ----------
    client : distributed.Client
    revive : callable
        Starts again what has ended for good; called every few seconds while jobs are waited for.
    patience : float or None
        Seconds without any worker after which a run ends; None where a queue may let workers wait.
    store : str
        URL through which results pass; empty where all see the run folder.
    gpu : str or None
        Name of the device of those workers that offer one as Dask's resource `GPU`: networks are computed there, one
        job a device, all else beside. None where no worker offers one.
    """

    client: Any
    revive: Callable[[], None]
    patience: float | None = 60.0
    store: str = ""
    gpu: str | None = None


def require_alike(client: Any, root: Path, store: str) -> str | None:
    """Refuse workers whose results would differ from this process's, or that do not see the run folder.

    Parameters
    ----------
    client : distributed.Client
    root : Path
        The run folder, in which a file is written that the workers look for, unless results pass through `store`.
    store : str

    Returns
    -------
    str or None
        `gpu` of `Workers`.

    Raises
    ------
    UsageError
        One line that names the first such worker, and how many there are.
    """
    mark = root.resolve() / SCRATCH / secrets.token_hex(8)
    mark.touch()
    answers = client.run(_answer, str(mark), bool(store), on_error="return")
    described = client.scheduler_info(n_workers=-1)["workers"]
    offering = [address for address in sorted(answers) if described.get(address, {}).get("resources", {}).get("GPU")]
    gpu = next((answers[own][0][DEVICE] for own in offering if not isinstance(answers[own], Exception)), None)
    faults = {}
    for address, answer in sorted(answers.items()):
        networks_on = surroundings()[DEVICE] if gpu is None else gpu if address in offering else ANY
        fault = _fault(answer, root, {**surroundings(), DEVICE: networks_on})
        if fault:
            faults[address] = fault
    if faults:
        first, fault = next(iter(faults.items()))
        more = f" ({len(faults)} of {len(answers)} workers)" if len(faults) > 1 else ""
        raise UsageError(f"worker {first}{more}: {fault}")
    return gpu


def _answer(mark: str, elsewhere: bool) -> tuple[dict[str, str], bool]:
    """Describe a worker, and say whether it sees a file."""
    return dict(surroundings()), elsewhere or Path(mark).exists()


def _fault(answer: Any, root: Path, expected: Mapping[str, str]) -> str:
    if isinstance(answer, Exception):
        return f"it has no biasaudit, or another one ({answer}); install the same version there"
    there, sees = answer
    if not sees:
        return f"it does not see {root}; give a folder that all machines share, or --store URL"
    return differences(expected, there)
