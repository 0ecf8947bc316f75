"""Tables of features whose sites are trivially told apart: is a network that reads a weak disease condemned?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from biasaudit.cohort.simulation.freesurfer import Strengths, feature_names, simulated_features
from biasaudit.engine.audit import Options, run_audit
from biasaudit.engine.predict import trained_networks
from biasaudit.protocol import load_protocol
from biasaudit.stats.truth import true_reliance

SITES, SEEDS = 12, 20
PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  features: [lh_*_thickness, rh_*_thickness, Left-*, Right-*]
  label: {{column: diagnosis, positive: ad, negative: cn}}
  origins: [site]
  covariates: [age]
arms: [features, combat]
combat: {{keep: [age]}}
target: {{training: {{epochs: 40, batch_size: 16, weight_decay: 0.1}}}}
checks: {checks}
statistics: {{n_permutations: 499, n_bootstraps: 499}}
"""


@dataclass(frozen=True)
class Case:
    """One kind of cohort: how many, what is planted, and the shares of patients at even and odd sites.

    `by_chance`: every subject is a patient by the share, so that sites hold more or fewer patients by chance.
    """

    name: str
    subjects: int
    strengths: Strengths
    shares: tuple[float, float] = (0.5, 0.5)
    by_chance: bool = False


CASES = (
    Case("weak disease", 300, Strengths(disease=0.4, site=2.0)),
    Case("weak disease", 600, Strengths(disease=0.35, site=2.0)),
    Case("weak disease, each a patient by chance", 600, Strengths(disease=0.35, site=2.0), by_chance=True),
    Case("weak disease, sites of 40 % and 60 % patients", 600, Strengths(disease=0.35, site=2.0), (0.4, 0.6)),
    Case("no disease, sites of 20 % and 80 % patients", 300, Strengths(disease=0.0, site=2.0), (0.2, 0.8)),
)


def study(scratch: Path) -> str:
    lines = [
        "## Feature tables\n",
        f"Command: `python benchmarks/run.py features`. 82 columns as FreeSurfer exports them, {SITES} sites whose"
        f" means of a column differ by a standard deviation of 2 (columns of the disease: 0), {SEEDS} simulated"
        " cohorts each, crossed. Median (range); origin inside a class (A1) of the first cohort; R\\*: the truth, from"
        " the same subjects at every site; condemned: ORIGIN or MIXED; above: cohorts whose lower bound of reliance"
        " is above R\\*; agreed: the share that networks of all folds share. Arm `combat`: age kept.\n",
        "| planted | subjects | arm | AUC | A1 | R\\* | reliance | above | agreed | condemned | verdicts |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for number, case in enumerate(CASES):
        audits = [audit(scratch / f"{number}-{seed}", case, seed) for seed in range(SEEDS)]
        lines += _rows(case, audits)
    return "\n".join(lines) + "\n"


def audit(folder: Path, case: Case, seed: int) -> dict[str, Any]:
    """Simulate one cohort, audit it, and add the truth of the plain arm."""
    folder.mkdir(parents=True)
    simulate(case, seed).to_csv(folder / "table.tsv", sep="\t", index=False)
    checks = "[D1, G1, U1, A1]" if seed == 0 else "[D1, G1, U1]"
    (folder / "protocol.yaml").write_text(PROTOCOL.format(checks=checks))
    record = run_audit(load_protocol(folder / "protocol.yaml"), folder / "out", Options())
    record["arms"][0]["true_reliance"] = truth(folder / "out", case, seed)
    return record


def simulate(case: Case, seed: int, counterfactual: tuple[int, bool] | None = None) -> pd.DataFrame:
    """Simulate a cohort as it is, or all of its subjects at one site, healthy or ill."""
    chance = np.random.default_rng([seed, case.subjects])
    site = np.arange(case.subjects) % SITES
    ill = np.arange(case.subjects) // SITES < np.round(np.take(case.shares, site % 2) * case.subjects / SITES)
    if case.by_chance:
        ill = np.random.default_rng([seed, case.subjects, 1]).random(case.subjects) < np.take(case.shares, site % 2)
    age = chance.normal(70, 8, case.subjects).round(1)
    if counterfactual is not None:
        site, ill = np.full_like(site, counterfactual[0]), np.full_like(ill, counterfactual[1])
    table = pd.DataFrame(
        {
            "subject": [f"s{number:03d}" for number in range(case.subjects)],
            "diagnosis": np.where(ill, "ad", "cn"),
            "site": [f"site{number:02d}" for number in site],
            "age": age,
        }
    )
    return table.join(simulated_features(ill, site, age, case.strengths, chance, SITES))


def truth(run: Path, case: Case, seed: int) -> float:
    """R* of the plain arm: held-out subjects at every site, without and with the disease, through their networks."""
    names = list(feature_names())
    cohort = simulate(case, seed)[names].to_numpy()
    centre, spread = np.median(cohort, axis=0), np.subtract(*np.percentile(cohort, [75, 25], axis=0))
    fold = pd.read_csv(run / "tables" / "subjects.tsv", sep="\t")["fold"].to_numpy()
    networks = trained_networks(run, "features")
    margins = np.zeros((case.subjects, 2, SITES))
    for ill in (False, True):
        for site in range(SITES):
            values = (simulate(case, seed, (site, ill))[names].to_numpy() - centre) / spread
            shown = torch.tensor(values, dtype=torch.float32)[:, None, :, None]
            for own, trained in networks.items():
                rows = np.flatnonzero(fold == own)
                margins[rows, int(ill), site] = _logits(trained, shown[rows])
    shares = np.full(SITES, 1 / SITES)
    return float(true_reliance(margins, shares, shares).sensitivity)


@torch.no_grad()
def _logits(networks: list[torch.nn.Module], inputs: torch.Tensor) -> np.ndarray:
    return np.mean([network(inputs)[:, 0].numpy() for network in networks], axis=0)


def _rows(case: Case, audits: list[dict[str, Any]]) -> Iterator[str]:
    for number, arm in enumerate(audits[0]["arms"]):
        own = [audit["arms"][number] for audit in audits]
        verdicts = Counter(each["verdict"] for each in own)
        condemned = verdicts["ORIGIN"] + verdicts["MIXED"]
        counted = ", ".join(f"{count} {word}" for word, count in verdicts.most_common())
        reliance = [each["reliance"] for each in own if each["reliance"]["estimate"] is not None]
        known = [(each["reliance"]["low"] or 0, each["true_reliance"]) for each in own if "true_reliance" in each]
        agreed = [found["details"]["agreed"] for each in own for found in each["findings"] if _agrees(found)]
        above = str(sum(low > true for low, true in known)) if known else "-"
        yield (
            f"| {case.name} | {case.subjects} | {arm['name']} | {_spread([each['target']['auc'] for each in own])} "
            f"| {arm['origin_auc']['estimate']:.2f} | {_spread([true for _, true in known])} "
            f"| {_spread([each['estimate'] for each in reliance])} | {above} | {_spread(agreed)} "
            f"| {condemned} of {len(own)} | {counted} |"
        )


def _agrees(finding: Mapping[str, Any]) -> bool:
    return finding["code"] == "U1" and "agreed" in finding["details"]


def _spread(values: list[float]) -> str:
    """Median and range."""
    return f"{np.median(values):.2f} ({min(values):.2f}-{max(values):.2f})" if values else "-"
