"""Networks trained without biasaudit, audited in three dimensions: MONAI's DenseNet121 and a user's own small ones."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import torch
from audits import interval, number
from torch import nn

from biasaudit.cohort.images.export import write_bids
from biasaudit.cohort.readers.phantom import PhantomReader
from biasaudit.engine.audit import Options, run_audit
from biasaudit.protocol import load_protocol
from biasaudit.stats.effects import auc

SUBJECTS = 60
PHANTOM = """\
cohort:
  reader: phantom
  phantom:
    n: {subjects}
    design: nested
    healthy_sites: 2
    patient_sites: 2
    dataset_signature: {{contrast: 0.6}}
    site_signature: {{contrast: 1.0}}
    lesion_load: 3
    spacing: {spacing}
    seed: 5
"""
PROTOCOL = """\
cohort:
  reader: bids
  roots: [dataset-a, dataset-b]
  suffix: FLAIR
  label: {{column: diagnosis, positive: patient, negative: healthy}}
  origins: [site]
  min_origin_size: 2
  foreground: nonzero
  mask_is_complete: true
target:
  network: {network}
  network_arguments: {arguments}
  weights: weights.pt
  training_subjects: seen.txt
  training: {{epochs: {epochs}, learning_rate: {rate}}}
folds: {{n: 2}}
statistics: {{n_permutations: 199, n_bootstraps: 199}}
attribution: {{max_subjects: 8, steps: 4, max_steps: 8}}
learned: {{enabled: false}}
"""
FACTORY = '''
import torch
from torch import nn
from torch.nn import functional


class Small(nn.Module):
    """Three convolutions and two logits; it has no parameters for sizes, and its ReLU is a function or in place."""

    def __init__(self, normalised=False, in_place=False):
        super().__init__()
        widths = (1, 8, 16, 24)
        self.convolutions = nn.ModuleList(
            nn.Conv3d(before, after, 3, stride=2, padding=1) for before, after in zip(widths, widths[1:])
        )
        kind = nn.BatchNorm3d if normalised else nn.Identity
        self.norms = nn.ModuleList(kind(width) for width in widths[1:])
        self.active = nn.ReLU(inplace=True) if in_place else functional.relu
        self.head = nn.Linear(2 * widths[-1], 2)

    def forward(self, volume):
        for convolution, norm in zip(self.convolutions, self.norms):
            volume = self.active(norm(convolution(volume)))
        volume = volume.flatten(2)
        return self.head(torch.cat([volume.mean(2), volume.amax(2)], 1))
'''


@dataclass(frozen=True)
class Outside:
    """A network that somebody trains without biasaudit, its controls as long; `arguments` are those of its factory."""

    title: str
    network: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 40
    learning_rate: float = 0.003


NETWORKS = (
    Outside("own, functional ReLU", "own.py:Small"),
    Outside("own, BatchNorm, functional ReLU", "own.py:Small", {"normalised": True}),
    Outside("own, BatchNorm, ReLU in place", "own.py:Small", {"normalised": True, "in_place": True}),
    Outside("own, ReLU in place", "own.py:Small", {"in_place": True}),
    Outside(
        "MONAI DenseNet121",
        "monai:DenseNet121",
        {"spatial_dims": 3, "in_channels": 1, "out_channels": 2},
        epochs=4,
        learning_rate=0.001,
    ),
)


@dataclass(frozen=True)
class Audited:
    """A finished audit beside what was known outside of it.

    Attributes
    ----------
    outside : mapping of subject to float
        Margin of every subject, computed without biasaudit.
    auc : float
        Of the held-out ones.
    scores : mapping of subject to float
        Margins in the audit's table.
    seconds : mapping of job kind to float
    """

    audit: dict[str, Any]
    outside: Mapping[str, float]
    auc: float
    scores: Mapping[str, float]
    seconds: Mapping[str, float]

    @property
    def disagreement(self) -> float:
        """Largest difference of a margin, in standard deviations of the margins outside."""
        spread = float(np.std([self.outside[subject] for subject in self.scores]))
        return max(abs(score - self.outside[subject]) for subject, score in self.scores.items()) / spread


def study(scratch: Path) -> str:
    cohort(scratch)
    rows, kinds = [], []
    for position, network in enumerate(NETWORKS):
        if network.network.startswith("monai") and importlib.util.find_spec("monai") is None:
            rows.append(f"| {network.title} | not run: MONAI is not installed |")
            continue
        done = audited(network, scratch, scratch / f"out-{position}")
        rows.append(_row(network, done))
        kinds.append((network.title, done.seconds))
    head = [
        "## Networks trained outside\n",
        f"Command: `python benchmarks/run.py own_networks`. {SUBJECTS} simulated subjects as BIDS files of 32 x 37 x 32"
        " voxels, half of them seen by the network; nested sites. Outside, images are read by nibabel and standardised"
        " by hand, and scores are computed by the network's own code; the difference is the largest of a held-out"
        " margin, in standard deviations of the margins.\n",
        "| network | AUC outside | AUC | difference | verdict | reliance [90 %] | A1 | A2 | errors |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, "", *_times(kinds)]) + "\n"


def cohort(folder: Path, subjects: int = SUBJECTS, spacing: float = 6.0) -> None:
    """Write the simulated cohort as files, and which half of it a network has seen."""
    path = folder / "phantom.yaml"
    path.write_text(PHANTOM.format(subjects=subjects, spacing=spacing))
    plan, reader = load_protocol(path), PhantomReader()
    made = reader.read(plan.cohort)  # type: ignore[arg-type]
    grid = reader.grid(made, plan.grid)
    write_bids(made, lambda sample: reader.load(sample, grid, "auto"), grid, folder)
    (folder / "own.py").write_text(FACTORY)
    # Classes alternate, and sites change with every pair: every other four subjects hold all of them.
    seen = [sample.subject for position, sample in enumerate(made.samples) if position // 4 % 2 == 0]
    (folder / "seen.txt").write_text("\n".join(seen) + "\n")


def audited(network: Outside, folder: Path, out: Path) -> Audited:
    """Train a network outside, audit it, and hold the scores against each other."""
    subjects, images, targets, seen = outside_data(folder)
    torch.manual_seed(0)
    trained = train_outside(_made(network, folder), (images[seen], targets[seen]), network)
    torch.save(trained.state_dict(), folder / "weights.pt")
    with torch.no_grad():
        logits = torch.cat([trained(part) for part in images.split(8)])
    margins = (logits[:, 1] - logits[:, 0]).double().numpy()
    protocol = folder / f"{out.name}.yaml"
    stated = {"epochs": network.epochs, "rate": network.learning_rate}
    protocol.write_text(PROTOCOL.format(network=network.network, arguments=dict(network.arguments), **stated))
    clock = _Clock()
    audit = run_audit(load_protocol(protocol), out, Options(), clock.ended)
    table = pd.read_csv(out / "tables" / "scores.tsv", sep="\t")
    table = table[(table[["question", "input", "variant"]] == ["target", "original", "original"]).all(axis=1)]
    return Audited(
        audit,
        dict(zip(subjects, margins.tolist(), strict=True)),
        auc(margins[~seen], targets[~seen].numpy() == 1),
        dict(zip(table["subject"], table["logit"], strict=True)),
        dict(clock.seconds),
    )


def outside_data(folder: Path) -> tuple[list[str], torch.Tensor, torch.Tensor, np.ndarray]:
    """Read the files as somebody would who has never heard of biasaudit: subjects, images, classes, seen."""
    tables = [pd.read_csv(path, sep="\t") for path in sorted(folder.glob("*/participants.tsv"))]
    table = pd.concat(tables, ignore_index=True)
    subjects = table["participant_id"].tolist()
    paths = [next(folder.glob(f"*/{subject}/anat/*_FLAIR.nii.gz")) for subject in subjects]
    images = np.stack([_standardised(np.asarray(nibabel.load(path).dataobj, dtype=np.float32)) for path in paths])
    seen = np.isin(subjects, (folder / "seen.txt").read_text().split())
    targets = torch.as_tensor((table["diagnosis"] == "patient").to_numpy().astype(int))
    return subjects, torch.from_numpy(images)[:, None], targets, seen


def _standardised(volume: np.ndarray) -> np.ndarray:
    brain = volume[volume != 0]
    return np.where(volume != 0, (volume - brain.mean()) / brain.std(), 0).astype(np.float32)


def _made(network: Outside, folder: Path) -> nn.Module:
    if network.network.startswith("monai"):
        from monai.networks import nets

        return getattr(nets, network.network.split(":")[1])(**network.arguments)  # type: ignore[no-any-return]
    specification = importlib.util.spec_from_file_location("own_outside", folder / "own.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["own_outside"] = module
    specification.loader.exec_module(module)
    return getattr(module, network.network.split(":")[1])(**network.arguments)  # type: ignore[no-any-return]


def train_outside(network: nn.Module, data: tuple[torch.Tensor, torch.Tensor], how: Outside) -> nn.Module:
    images, targets = data
    optimiser = torch.optim.Adam(network.parameters(), lr=how.learning_rate, weight_decay=1e-4)
    network.train()
    for _ in range(how.epochs):
        for rows in torch.randperm(len(images)).split(8):
            if len(rows) > 1:
                optimiser.zero_grad()
                nn.functional.cross_entropy(network(images[rows]), targets[rows]).backward()
                optimiser.step()
    return network.eval()


class _Clock:
    """Seconds by kind of job, where jobs run one after another."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._last = time.perf_counter()

    def ended(self, done: int, total: int, job: Any) -> None:
        now = time.perf_counter()
        if job is not None:
            self.seconds[job.step] += now - self._last
        self._last = now


def _row(network: Outside, done: Audited) -> str:
    arm = done.audit["arms"][0]
    findings = [*arm["findings"], *done.audit["design"]["findings"]]
    by_code = {code: [f["status"] for f in arm["findings"] if f["code"] == code] for code in ("A1", "A2")}
    asked = {code: Counter(own) for code, own in by_code.items()}
    said = {code: ", ".join(f"{count} {status}" for status, count in own.items()) for code, own in asked.items()}
    errors = sum(finding["status"] == "error" for finding in findings)
    return (
        f"| {network.title} | {number(done.auc)} | {number(arm['target']['auc'])} | {done.disagreement:.4f} "
        f"| {arm['verdict']} | {interval(arm['reliance'])} | {said['A1']} | {said['A2'].replace('_', ' ')} | {errors} |"
    )


def _times(done: Sequence[tuple[str, Mapping[str, float]]]) -> list[str]:
    kinds = sorted({kind for _, seconds in done for kind in seconds})
    lines = [
        "Seconds by kind of job, one process:\n",
        "| network | " + " | ".join(kinds) + " | all |",
        "|---" * (len(kinds) + 2) + "|",
    ]
    for title, seconds in done:
        cells = " | ".join(f"{seconds.get(kind, 0.0):.1f}" for kind in kinds)
        lines.append(f"| {title} | {cells} | {sum(seconds.values()):.0f} |")
    return lines
