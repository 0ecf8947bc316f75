from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine.folders import folders

from biasaudit.engine.arguments.networks import Factory, TrainArguments
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.plan import plan_audit
from biasaudit.engine.situation.situation import Situation, Survey
from biasaudit.engine.steps.train import train
from biasaudit.protocol import Protocol, TrainingSettings, parse_protocol
from biasaudit.records import Cohort, Grid, Sample

FACTOR = "site"


def _sample(index: int, subject: str, positive: bool, origin: str, masked: bool) -> Sample:
    return Sample(
        subject=subject,
        images=(f"/data/{index}.nii.gz",),
        label="ms" if positive else "healthy",
        positive=positive,
        origins={FACTOR: origin},
        mask=f"/data/{index}-mask.nii.gz" if positive and masked else None,
        has_mask=positive and masked,
        covariates={"age": 30.0 + index},
    )


@pytest.fixture
def table_protocol() -> Callable[..., Protocol]:
    """Protocol of a table cohort; further lines of YAML may be given."""

    def build(extra: str = "") -> Protocol:
        text = (
            "cohort: {reader: table, table: t.tsv, label: {positive: ms}, origins: [site]}\n"
            + ("folds: {n: 3}\n" if "folds:" not in extra else "")
            + extra
        )
        return parse_protocol(text, Path("/study/protocol.yaml"))

    return build


@pytest.fixture
def situation(table_protocol) -> Callable[..., Situation]:
    """Sixty subjects, some seen twice; classes crossed with two sites unless `sites` says otherwise."""

    def build(extra: str = "", *, masked: bool = True, sites: Sequence[str] = ("a", "b"), n: int = 60) -> Situation:
        protocol = table_protocol(extra)
        samples, folds = [], []
        for index in range(n):
            subject = index - 1 if index % 10 == 9 else index  # every tenth is a second visit of the one before
            group = subject // 2
            positive, origin = subject % 2 == 1, sites[group % len(sites)]
            samples.append(_sample(index, f"s{subject}", positive, origin, masked))
            folds.append(group // len(sites) % protocol.folds.n)
        cohort = Cohort(tuple(samples), ("healthy", "ms"), (FACTOR,), 3, 1)
        hashes = {path: f"hash of {path}" for s in samples for path in (*s.images, s.mask) if path}
        grid = Grid((8, 8, 8), ((4.0, 0, 0, 0), (0, 4.0, 0, 0), (0, 0, 4.0, 0), (0, 0, 0, 1.0)))
        return Situation(protocol, cohort, grid, tuple(folds), hashes)

    return build


@pytest.fixture
def facts() -> Callable[..., Survey]:
    """What a survey would find: every mask holds a few voxels."""

    def build(situation: Situation, *, background: bool = True) -> Survey:
        return Survey(tuple(7 * sample.has_mask for sample in situation.cohort.samples), background)

    return build


@pytest.fixture
def planned(situation, facts):
    """Plan an audit of the situation that the arguments describe."""

    def build(extra: str = "", *, background: bool = True, **kwargs):
        own = situation(extra, **kwargs)
        return own, plan_audit(own, facts(own, background=background))

    return build


@pytest.fixture
def blocks(tmp_path: Path) -> Callable[..., list[Path]]:
    """Write an array as represented blocks and return their folders."""

    def write(array: np.ndarray, variant: str = "original", size: int = 7) -> list[Path]:
        folders = []
        for start in range(0, len(array), size):
            folder = tmp_path / f"block{start}"
            folder.mkdir(exist_ok=True)
            save_stack(folder / f"{variant}.npz", array[start : start + size].astype(np.float16))
            folders.append(folder)
        return folders

    return write


@pytest.fixture
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Forty noisy 16 x 16 pictures, (n, 1, 16, 16), and their classes: a bright square in every other one."""
    chance = np.random.default_rng(0)
    targets = np.arange(40) % 2
    images = chance.normal(0.0, 0.5, (40, 1, 16, 16)).astype(np.float32)
    images[targets == 1, :, 5:11, 5:11] += 2.0
    return images, targets


@pytest.fixture
def training() -> Callable[..., TrainArguments]:
    """Arguments of one training on `pictures`."""

    def build(targets: np.ndarray, rows: Sequence[int] | None = None, settings=None, **changes) -> TrainArguments:
        rows = tuple(range(len(targets)) if rows is None else rows)
        stated = {"epochs": 6, "batch_size": 8, "learning_rate": 0.01, **(settings or {})}
        arguments = TrainArguments(
            factory=Factory("cnn", {"widths": [4, 8]}),
            training=TrainingSettings.model_validate(stated),
            variant="original",
            rows=rows,
            targets=tuple(int(targets[row]) for row in rows),
            groups=tuple(f"s{row}" for row in rows),
            classes=int(targets.max()) + 1,
            seed=5,
        )
        return replace(arguments, **changes)

    return build


@pytest.fixture
def trained(blocks, pictures, training, tmp_path):
    """Two networks trained on pictures: needs of a score job."""
    images, targets = pictures
    inputs, models = blocks(images), []
    for seed in (1, 2):
        models.append(tmp_path / f"model{seed}")
        models[-1].mkdir()
        train(training(targets, rows=range(30), seed=seed), folders(inputs=inputs), models[-1])
    return folders(inputs=inputs, models=models)


@pytest.fixture
def interruptible():
    """Let SIGINT interrupt, which it does not in a process that a shell has put in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder
