"""The use case `biasaudit verify`: whether everything that a run has stored and read is what it was."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from biasaudit.cohort.readers.probes import read_probes, read_without_probes
from biasaudit.engine.audit import known_files
from biasaudit.engine.named_inputs import read_named
from biasaudit.engine.situation.places import require_own_key
from biasaudit.errors import DataError, Fault, IncompleteError, InputError, UsageError
from biasaudit.protocol import load_protocol
from biasaudit.protocol.places import PLACES
from biasaudit.run_folder.checksums import checksum_of, read_sealed
from biasaudit.run_folder.contract import AUDIT, PROTOCOL
from biasaudit.run_folder.inventory import read_jobs
from biasaudit.run_folder.lock import require_unused
from biasaudit.run_folder.owned import LISTS, RERUN, OwnedFiles
from biasaudit.run_folder.place import MARK, is_marked
from biasaudit.run_folder.stored_job import StoredJob

__all__ = ["Verified", "verify"]

_BACK = "put it back as it was, or run the audit again"
_LEFT_OVER = "remove its folder: the results of this run do not need it"
_RECOMPUTED = "run the same `biasaudit run` command again, which computes it anew"


@dataclass(frozen=True)
class Verified:
    """How much was looked at: stored files of the run, of its jobs, and files that it has read."""

    files: int
    jobs: int
    inputs: int


def verify(run: Path) -> Verified:
    """Compare every stored file and every input with what was recorded of it; nothing is written.

    Parameters
    ----------
    run : Path
        Folder of a finished run.

    Raises
    ------
    UsageError
        The folder is no run, or another process writes to it.
    DataError
        One fault for every difference.
    IncompleteError
        Nothing differs, but the run has not been finished.
    """
    _require_run(run)
    require_unused(run)
    keys, inputs = _keys(run), _inputs(run)
    faults = list(_stored_faults(run, keys))
    faults += _all_input_faults(run, inputs, {fault.where for fault in faults})
    if faults:
        raise DataError(faults)
    if not (run / AUDIT).exists():
        raise IncompleteError(
            f"{run}: what is stored is what was written, but the run is not finished; run the same command again"
        )
    files = sum(len(files) for files in OwnedFiles(run).parts().values())
    return Verified(files, len(keys), len(inputs))


def _require_run(run: Path) -> None:
    # `report` marks a folder that was not, and then knows of its own files only.
    if is_marked(run) and ("results" in OwnedFiles(run).parts() or not (run / AUDIT).exists()):
        return
    if (run / PROTOCOL).exists() and (run / "files.json").exists():
        raise DataError([Fault(str(run), "written by a version that kept no checksums", "run the audit anew")])
    raise UsageError(f"{run} is no run of biasaudit; expected the folder that `biasaudit run` wrote")


def _keys(run: Path) -> list[str]:
    """Keys of all jobs that are there or should be; none where they were removed to save space."""
    jobs = run / "jobs"
    there = [path.name for path in jobs.iterdir() if not path.name.startswith(".")] if jobs.is_dir() else []
    return sorted({*there, *(read_jobs(run) or ())}) if there else []


def _inputs(run: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that the run has read."""
    return {**read_named(run), **{path: fact.sha256 for path, fact in known_files(run).items()}}


def _stored_faults(run: Path, keys: Sequence[str]) -> Iterator[Fault]:
    owned = OwnedFiles(run)
    yield from owned.differences(tuple(owned.parts()))
    for name in LISTS:
        if read_sealed(run / MARK / name) is None:
            yield Fault(str(run / MARK / name), "missing or damaged", RERUN)
    needed = read_jobs(run)
    for key in keys:
        yield from _job_faults(run / "jobs" / key, _RECOMPUTED if needed is None or key in needed else _LEFT_OVER)


def _job_faults(folder: Path, remedy: str) -> Iterator[Fault]:
    for name, what in StoredJob(folder).differences():
        yield Fault(str(folder / name), what, remedy)
    for name in StoredJob(folder).foreign():
        yield Fault(str(folder / name), "not written by the job", "remove it")


def _all_input_faults(run: Path, inputs: Mapping[str, str], damaged: Collection[str]) -> list[Fault]:
    """Look for the inputs where the stored files that say where they lie are sound."""
    try:
        require_own_key(run)
    except UsageError as error:
        return [Fault(str(run / PLACES), str(error), "its inputs can only be looked for where they are known")]
    if any(str(run / name) in damaged for name in (PROTOCOL, PLACES)):
        return []
    faults = list(_input_faults(inputs))
    return [*faults, *_faults_of_new_inputs(run, inputs, explained=bool(faults or damaged))]


def _input_faults(inputs: Mapping[str, str]) -> Iterator[Fault]:
    for path, sha256 in inputs.items():
        yield from _changed(Path(path), sha256)


def _faults_of_new_inputs(run: Path, inputs: Mapping[str, str], *, explained: bool) -> Iterator[Fault]:
    """Yield a fault for every file that the protocol finds today and did not find then.

    Parameters
    ----------
    run : Path
    inputs : mapping of path to SHA-256
        As the run has read them.
    explained : bool
        Something has changed: that the cohort cannot be read any more is no other fault then.
    """
    try:
        found = _files_of(run)
    except InputError as error:
        yield from () if explained else error.faults
        return
    for path in sorted(found - inputs.keys()):
        yield Fault(path, "was not there when the run read its input", "remove it, or run the audit again")


def _changed(path: Path, sha256: str) -> Iterator[Fault]:
    try:
        if checksum_of(path).sha256 != sha256:
            yield Fault(str(path), "an input that has changed since the run read it (SHA-256 differs)", _BACK)
    except FileNotFoundError:
        yield Fault(str(path), "an input that is gone", _BACK)
    except OSError as error:
        yield Fault(str(path), f"an input that cannot be read ({error.strerror})", _BACK)


def _files_of(run: Path) -> set[str]:
    """Files of all samples that the protocol of a run finds today."""
    settings = load_protocol(run / PROTOCOL).cohort
    cohort = read_without_probes(settings)
    return {path for sample in (*cohort.samples, *read_probes(settings, cohort)) for path in sample.files}
