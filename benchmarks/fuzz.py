"""Random input of one kind: an answer, or lines that say what is wrong; no traceback, hang, or 2 GiB of memory.

``python benchmarks/fuzz.py KIND [--inputs N] [--seed S] [--workers W] [--keep DIR]``. A kind is a module ``fuzz_KIND``
beside this one with ``make(chance, folder) -> words``: it fills an empty folder, the working folder of the command, and
returns what is typed after ``biasaudit``. Where it also has ``wrong(folder, code, text) -> str | None``, that says what
is silently wrong about an outcome, for example another cohort than was written. Input number n of a seed is always the
same; ``--first n --inputs 1`` repeats it alone.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

ALLOCATION = 2 << 30
LONGEST = 60
"""Bytes and seconds that one input may take."""
EXPECTED = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Outcome:
    """What became of one input: its number, the exit code, and what was wrong with it (empty: nothing)."""

    number: int
    code: int
    wrong: str


def main() -> None:
    asked = _arguments()
    if asked.alone:
        _worker(asked)
        return
    started = time.monotonic()
    size = -(-asked.inputs // asked.workers)
    with ThreadPoolExecutor(asked.workers) as pool:
        starts = range(asked.first, asked.first + asked.inputs, size)
        parts = pool.map(lambda first: _supervised(asked, first, min(first + size, asked.first + asked.inputs)), starts)
        outcomes = [outcome for part in parts for outcome in part]
    _print(asked.kind, outcomes, time.monotonic() - started)
    sys.exit(any(outcome.wrong for outcome in outcomes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind")
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder that gets the inputs that went wrong")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _supervised(asked: argparse.Namespace, first: int, stop: int) -> list[Outcome]:
    """Run the inputs in a process of their own; one that dies of an input is started again after it."""
    outcomes: list[Outcome] = []
    while first < stop:
        words = [sys.executable, __file__, asked.kind, "--alone", "--first", str(first), "--inputs", str(stop - first)]
        words += ["--seed", str(asked.seed), *(["--keep", str(asked.keep)] if asked.keep else [])]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        outcomes += [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]
        first = outcomes[-1].number + 1 if outcomes and outcomes[-1].number >= first else first
        if first < stop:
            outcomes.append(Outcome(first, done.returncode, f"the process died with code {done.returncode}"))
            first += 1
    return outcomes


def _worker(asked: argparse.Namespace) -> None:
    kind = _kind(asked.kind)
    os.environ.update(NO_COLOR="1", COLUMNS="250")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import biasaudit.protocol  # noqa: F401  # the first input does not pay for what all of them need

    held = int(re.findall(r"VmData:\s+(\d+)", Path("/proc/self/status").read_text())[0]) << 10
    # Room for libraries that the first inputs import, beside what an input may take.
    resource.setrlimit(resource.RLIMIT_DATA, (held + ALLOCATION + (1 << 30),) * 2)
    for number in range(asked.first, asked.first + asked.inputs):
        print(json.dumps(asdict(_tried(kind, number, asked))), file=answers, flush=True)


def _kind(name: str) -> ModuleType:
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        return importlib.import_module(f"fuzz_{name}")
    finally:
        sys.path.pop(0)


def _tried(kind: ModuleType, number: int, asked: argparse.Namespace) -> Outcome:
    folder = Path(tempfile.mkdtemp(prefix="biasaudit-fuzz-"))
    try:
        words = [str(word) for word in kind.make(np.random.default_rng([asked.seed, number]), folder)]
        outcome = _outcome(kind, number, folder, words)
        if outcome.wrong and asked.keep:
            shutil.copytree(folder, asked.keep / f"{asked.kind}-{asked.seed}-{number}", dirs_exist_ok=True)
        return outcome
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if number % 200 == 0:
            gc.collect()


def _outcome(kind: ModuleType, number: int, folder: Path, words: Sequence[str]) -> Outcome:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    code, text, wrong = _called(words, folder)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before
    if not wrong and "Traceback" in text:
        wrong = f"traceback: {text.strip().splitlines()[-1]}"
    elif not wrong and code not in EXPECTED:
        wrong = f"exit code {code}"
    elif not wrong and code in (2, 3, 4) and not text.strip():
        wrong = f"exit code {code} without a word"
    elif not wrong and grown > ALLOCATION:
        wrong = f"{grown / (1 << 30):.1f} GiB more memory"
    elif not wrong and hasattr(kind, "wrong"):
        wrong = kind.wrong(folder, code, text) or ""
    return Outcome(number, code, wrong)


def _called(words: Sequence[str], folder: Path) -> tuple[int, str, str]:
    """Call the command in this process; its exit code, what it printed, and what it raised or how long it hung."""
    from biasaudit.cli import main as command

    said, wrong, code = io.StringIO(), "", 0
    here = Path.cwd()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), _alarm():
        sys.argv = ["biasaudit", *words]
        os.chdir(folder)
        try:
            command()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        except BaseException as error:  # whatever escapes is what is looked for
            place = traceback.extract_tb(error.__traceback__)[-1]
            wrong = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:200]}"
        finally:
            os.chdir(here)
    return code, said.getvalue(), wrong


class Hang(BaseException):
    """An input took too long."""


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise Hang(f"longer than {LONGEST} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _print(kind: str, outcomes: Sequence[Outcome], seconds: float) -> None:
    codes = Counter(outcome.code for outcome in outcomes)
    bad = [outcome for outcome in outcomes if outcome.wrong]
    listed = ", ".join(f"{code}: {count}" for code, count in sorted(codes.items()))
    print(f"{kind}: {len(outcomes)} inputs in {seconds:.0f} s, exit codes {listed}; {len(bad)} wrong")
    for words, count in Counter(outcome.wrong for outcome in bad).most_common(20):
        numbers = [str(outcome.number) for outcome in bad if outcome.wrong == words]
        print(f"  {count} x {words} (inputs {', '.join(numbers[:5])})")


if __name__ == "__main__":
    main()
