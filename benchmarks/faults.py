"""Break runs in every way that can be made: damage, kills, full disks, two runs at once. Count what is lost or changed.

``python benchmarks/faults.py KIND [--tries N] [--first N] [--cohort scores|images] [--append FILE]``; kinds: damage,
main, worker, workers, disk, pairs. Tries are numbered and each has a seed of its own, so that they can be done in
slices (``--first``) and repeated one by one; the exit code is 1 if any of them went wrong. Full disks need root, for a
file system of a chosen size (tmpfs). On
Linux alone.

Commands run in forks of one process that has imported everything; those with Dask workers in processes of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import numpy as np

TIMES = re.compile(r'"(started|finished)": "[^"]*"')
LONGEST = 300.0
KEPT = ("gate", "report", "compare", "predict")
PROTOCOL = """\
name: faults
cohort:
  reader: table
  table: table.tsv
  label: {{column: label, positive: ms, negative: hc}}
  origins: [site]
  min_origin_size: 2
{more}
folds: {{n: 2}}
checks: [D1, G1, U1]
statistics: {{n_permutations: 99, n_bootstraps: 99}}
learned: {{enabled: false}}
"""
SCORES = "  score: logit"
IMAGES = "arms: [intensity]\ntarget: {training: {epochs: 2}}"


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (None: it did not in time), and what it wrote."""

    code: int | None
    out: str
    err: str


@dataclass(frozen=True)
class Study:
    """A cohort with its protocol, an undisturbed run of it, what that run says, and how long it took."""

    protocol: Path
    base: Path
    audit: str
    answers: dict[str, str]
    seconds: float

    @property
    def table(self) -> Path:
        return self.protocol.with_name("table.tsv")


def write_cohort(folder: Path, kind: str) -> Path:
    """Write 40 held-out scores, or 28 volumes of 16 x 16 x 16 voxels; two sites, both classes in each."""
    chance = np.random.default_rng(0)
    rows = ["subject\tlabel\tsite\t" + ("logit" if kind == "scores" else "image")]
    (folder / "img").mkdir(parents=True)
    for i in range(40 if kind == "scores" else 28):
        ill, site = i % 2, "ab"[(i // 2) % 2]
        value = f"{chance.normal(2.0 * ill - 1 + (site == 'b'), 1):.4f}" if kind == "scores" else f"img/{i:03d}.npy"
        if kind == "images":
            image = chance.normal(100, 10, (16, 16, 16)) * (1.1 if site == "b" else 1)
            image[5:8, 5:8, 5:8] += 40 * ill
            np.save(folder / value, image.astype(np.float32))
        rows.append(f"s{i:03d}\t{'ms' if ill else 'hc'}\t{site}\t{value}")
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    (folder / "protocol.yaml").write_text(PROTOCOL.format(more=SCORES if kind == "scores" else IMAGES))
    return folder / "protocol.yaml"


def forked(*words: str | Path, stop: float | None = None) -> Ended:
    """Run a command in a fork of this process; `stop` kills it after so many seconds."""
    with tempfile.TemporaryDirectory() as written:
        child = os.fork()
        if child == 0:
            _become(list(map(str, words)), Path(written))
        code = _waited(child, stop or LONGEST)
        texts = [(Path(written) / name).read_text(errors="replace") for name in ("out", "err")]
        return Ended(code if stop is None or code is not None else -signal.SIGKILL, *texts)


def _become(words: list[str], written: Path) -> None:
    """Be the command, and end; in the child alone."""
    code = 70
    try:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(written / name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
        sys.argv = ["biasaudit", *words]
        from biasaudit.cli import main

        main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _waited(child: int, seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def audit_of(out: Path) -> str:
    try:
        return TIMES.sub("", (out / "audit.json").read_text())
    except OSError:
        return ""


def run_into(study_protocol: Path, out: Path, **more: float) -> Ended:
    return forked("run", study_protocol, "-o", out, "--engine", "local", **more)


def made(kind: str, folder: Path) -> Study:
    protocol = write_cohort(folder / kind, kind)
    out, started = folder / kind / "out", time.monotonic()
    ended = run_into(protocol, out)
    assert ended.code == 0, ended.err
    study = Study(protocol, out, audit_of(out), {}, time.monotonic() - started)
    study.answers.update({name: answer(study, name, out).out for name in asked(kind)})
    return study


def asked(kind: str) -> tuple[str, ...]:
    return KEPT if kind == "images" else KEPT[:3]


def answer(study: Study, command: str, out: Path) -> Ended:
    more = {"compare": (study.base, "--json"), "predict": (study.table,)}
    words = (study.base, out, "--json") if command == "compare" and out != study.base else (out, *more.get(command, ()))
    if command == "compare" and out == study.base:
        return Ended(0, "", "")
    ended = forked(command, *words)
    return Ended(ended.code, "" if command in ("report", "compare") else ended.out.replace(str(out), "RUN"), ended.err)


def judged(study: Study, ended: Ended, out: Path) -> Iterator[str]:
    """Say what is wrong after a run that should have ended well."""
    yield from trouble(ended)
    if ended.code is None:
        return
    if ended.code != 0:
        yield "lost"
    elif audit_of(out) != study.audit:
        yield "changed"


def trouble(ended: Ended) -> Iterator[str]:
    if ended.code is None:
        yield "hang"
    if "Traceback" in ended.err + ended.out or (ended.code is not None and ended.code < 0):
        yield "traceback"


def damage(study: Study, kind: str, chance: random.Random, scratch: Path) -> Iterator[str]:
    """Flip a bit, cut or delete one stored file; every command must refuse or answer as before, a run must mend it."""
    out = scratch / "out"
    shutil.copytree(study.base, out)
    if chance.random() < 0.5:  # as if it had been interrupted before the judgements
        for path in (out / "jobs").glob("*/findings.json"):
            shutil.rmtree(path.parent)
    path = chance.choice(sorted(p for p in out.rglob("*") if p.is_file() and p.stat().st_size))
    print(f"  {path.relative_to(out)}", end=" ", file=sys.stderr)
    chance.choice([_flip, _cut, lambda file, _: file.unlink()])(path, chance)
    for command in asked(kind):
        ended = answer(study, command, out)
        yield from trouble(ended)
        if ended.code not in (0, 1, 2, 3, 4) or (ended.code == 0 and ended.out != study.answers[command]):
            yield "changed"
    yield from judged(study, run_into(study.protocol, out), out)
    if (verified := forked("verify", out)).code != 0:
        print(verified.err, file=sys.stderr)
        yield "unverified"


def _flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def _cut(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def main_killed(study: Study, kind: str, chance: random.Random, scratch: Path) -> Iterator[str]:
    """Kill the main process at a random moment of the run, and run again."""
    out = scratch / "out"
    ended = run_into(study.protocol, out, stop=chance.uniform(0.02, 0.98) * study.seconds)
    yield from trouble(Ended(0, ended.out, ended.err))
    print(f"  {len(list((out / 'jobs').glob('*/done')))} jobs", end=" ", file=sys.stderr)
    yield from judged(study, run_into(study.protocol, out), out)


def worker_killed(study: Study, kind: str, chance: random.Random, scratch: Path) -> Iterator[str]:
    """Kill one Dask worker at a random moment; the run itself must end well."""
    yield from _on_dask(study, chance, scratch / "out", lambda workers: [chance.choice(workers)])


def workers_killed(study: Study, kind: str, chance: random.Random, scratch: Path) -> Iterator[str]:
    """Kill all Dask workers at a random moment."""
    yield from _on_dask(study, chance, scratch / "out", lambda workers: workers)


def _on_dask(study: Study, chance: random.Random, out: Path, chosen: Callable[[list[int]], list[int]]) -> Iterator[str]:
    words = ("run", str(study.protocol), "-o", str(out), "--engine", "dask", "--workers", "2")
    process = subprocess.Popen(
        [sys.executable, "-m", "biasaudit", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    wanted = chance.randrange(1, 10)
    while len(list((out / "jobs").glob("*/done"))) < wanted and process.poll() is None:
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.3))
    for worker in chosen(_workers(process.pid) or [0]):
        if worker:
            os.kill(worker, signal.SIGKILL)
    try:
        texts = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        yield "hang"
        return
    yield from judged(study, Ended(process.returncode, *texts), out)


def _workers(pid: int) -> list[int]:
    children = [int(c) for t in Path(f"/proc/{pid}/task").glob("*/children") for c in t.read_text().split()]
    return [child for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]


def disk_full(study: Study, kind: str, chance: random.Random, scratch: Path) -> Iterator[str]:
    """Run on a disk that is too small, or that others fill while the run goes on; make room and run again."""
    whole = 1.2 * _size(study.base)
    size = 2 * whole if chance.random() < 0.5 else np.exp(chance.uniform(np.log(20e3), np.log(whole)))
    with _small_disk(scratch / "disk", int(size)) as disk:
        filler = Timer(chance.uniform(0.1, 0.95) * study.seconds, _fill, [disk, chance.choice([0, 5_000, 50_000])])
        if size > whole:
            filler.start()
        ended = run_into(study.protocol, disk / "out")
        filler.cancel()
        yield from trouble(ended)
        said = ended.err.strip().splitlines()[-1:] or [""]
        if ended.code != 0 and (ended.code not in (2, 4) or not re.search("free|No space", said[0])):
            yield "unclear"
        print(f"  {size / 1000:.0f} kB: {said[0][:150]}", end=" ", file=sys.stderr)
        subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
        yield from judged(study, run_into(study.protocol, disk / "out"), disk / "out")


def _fill(disk: Path, left: int) -> None:
    """Take all space of a disk but so many bytes."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    (disk / "filler").open("r+b").truncate(max(0, (disk / "filler").stat().st_size - left))


@contextmanager
def _small_disk(place: Path, size: int) -> Iterator[Path]:
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))


def pair(study: Study, kind: str, chance: random.Random, scratch: Path) -> Iterator[str]:
    """Start a second run in the folder of a first one: one must end well, the other be refused."""
    out = scratch / "out"
    command = [sys.executable, "-m", "biasaudit", "run", str(study.protocol), "-o", str(out), "--engine", "local"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    runs = []
    for wait in (chance.uniform(0, 5), 0.0):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        runs.append(subprocess.Popen(command, text=True, env=environment, **pipes))  # type: ignore[call-overload]
        time.sleep(wait)
    ended = [Ended(None, *each.communicate(timeout=LONGEST)) for each in runs]
    codes = [each.returncode for each in runs]
    print(f"  {codes}", end=" ", file=sys.stderr)
    for each in ended:
        if "Traceback" in each.err:
            yield "traceback"
    if sorted(codes) not in ([0, 2], [0, 0]):  # the second may begin when the first has ended
        yield "lost"
    elif audit_of(out) != study.audit:
        yield "changed"


KINDS: dict[str, Callable[[Study, str, random.Random, Path], Iterator[str]]] = {
    "damage": damage,
    "main": main_killed,
    "worker": worker_killed,
    "workers": workers_killed,
    "disk": disk_full,
    "pairs": pair,
}
NAMES = {
    "damage": "flips, truncations, deletions",
    "main": "main process killed",
    "worker": "one Dask worker killed",
    "workers": "all Dask workers killed",
    "disk": "full disks",
    "pairs": "pairs of runs",
}


def campaign(kind: str, cohort: str, tries: range, scratch: Path) -> Iterator[Counter[str]]:
    """Do numbered tries, and yield the faults of each."""
    study = made(cohort, scratch)
    for number in tries:
        place = scratch / f"try-{number}"
        place.mkdir()
        found = set(KINDS[kind](study, cohort, random.Random(f"{kind} {cohort} {number}"), place))
        print(f"{kind} {cohort} {number}: {', '.join(sorted(found)) or 'right'}", file=sys.stderr, flush=True)
        shutil.rmtree(place)
        yield Counter({"tries": 1, **dict.fromkeys(found, 1)})


def table(counts: dict[str, Counter[str]]) -> str:
    columns = ("tries", "lost", "changed", "traceback", "hang", "unclear", "unverified")
    lines = [f"| fault | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    lines += [f"| {name} | {' | '.join(str(own[column]) for column in columns)} |" for name, own in counts.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--cohort", choices=("scores", "images"), default="scores")
    parser.add_argument("--append", type=Path, help="file of JSON lines, one for every try, that sums up slices")
    given = parser.parse_args()
    import biasaudit.engine.audit
    import biasaudit.engine.predict
    import biasaudit.report.render  # noqa: F401  # so that forks need not

    name, total = f"{NAMES[given.kind]}, {given.cohort}", Counter[str]()
    with tempfile.TemporaryDirectory(prefix="biasaudit-faults-") as scratch:
        tries = range(given.first, given.first + given.tries)
        for counts in campaign(given.kind, given.cohort, tries, Path(scratch)):
            total.update(counts)
            if given.append:
                with given.append.open("a") as lines:
                    lines.write(json.dumps({"name": name, **counts}) + "\n")
    print(table(summed(given.append) if given.append else {name: total}))
    sys.exit(int(any(count for what, count in total.items() if what != "tries")))


def summed(path: Path) -> dict[str, Counter[str]]:
    total: dict[str, Counter[str]] = {}
    for line in path.read_text().splitlines():
        record = json.loads(line)
        total.setdefault(record.pop("name"), Counter()).update(record)
    return total


if __name__ == "__main__":
    main()
