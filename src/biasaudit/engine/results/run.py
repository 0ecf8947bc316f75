"""A finished run: its plan, its stored results, and what one arm came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit import seeds
from biasaudit.engine.evidence.assembly import assemble
from biasaudit.engine.evidence.judgements import OF_RESULTS, Judged
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.plan import ArmContrast, Plan
from biasaudit.engine.situation.outline import Outline
from biasaudit.engine.situation.situation import Situation
from biasaudit.protocol import ArmSettings
from biasaudit.records import ArmEvidence, Finding, Recipe, Verdict
from biasaudit.stats.truth import Truth, bootstrap_truth, true_reliance
from biasaudit.verdict import headline

__all__ = ["TRUTH_RESAMPLES", "ArmResult", "Run", "survey_of"]


TRUTH_RESAMPLES = 200


@dataclass(frozen=True)
class Run:
    """A finished run: what was planned, where the jobs' results lie, and where those of the run are written."""

    situation: Situation
    plan: Plan
    store: Store
    staged: Path | None = None

    @property
    def results(self) -> Path:
        """Folder that results are written to: the run's own, or one that takes its place when all are there."""
        return self.staged or self.store.root

    @cached_property
    def jobs(self) -> dict[str, Job]:
        """Every job by its key."""
        return {job.key: job for job in self.plan.jobs}

    @property
    def outline(self) -> Outline:
        """The outline that the plan was made from."""
        assert self.plan.outline is not None
        return self.plan.outline

    @property
    def factors(self) -> tuple[str, ...]:
        """Origin factors, primary first."""
        return self.situation.cohort.factors

    def _recipe(self, arm: str) -> Recipe:
        return next(own.recipe for own in self.situation.protocol.arms if own.name == arm)

    def findings(self, arm: str, factor: str) -> list[Finding]:
        """Return the findings of one arm and factor, all contrasts, in the order of the checks."""
        found: list[Finding] = []
        for code in self.situation.codes(self._recipe(arm)):
            for contrast in self.plan.contrasts:
                key = self.plan.judged[Judged(arm, factor, code, contrast.name)]
                path = self.store.folder(key) / "findings.json"
                found.extend(Finding.from_dict(record) for record in read_json(path))
        return found

    def evidence(self, which: ArmContrast, kinds: Sequence[str] = OF_RESULTS) -> ArmEvidence:
        """Gather some kinds of evidence again, as far as they were planned."""
        if kinds is not OF_RESULTS:  # maps are large, and each is looked at once
            return self._gathered(which, kinds)
        if which not in self._of_results:
            self._of_results[which] = self._gathered(which, kinds)
        return self._of_results[which]

    @cached_property
    def _of_results(self) -> dict[ArmContrast, ArmEvidence]:
        """Evidence that verdicts, design, tables and comparisons all look at."""
        return {}

    def _gathered(self, which: ArmContrast, kinds: Sequence[str]) -> ArmEvidence:
        planned = self.plan.evidence[which]
        return assemble(planned.request.only(kinds), self.store.folders(planned.needs_of(kinds)))

    def truth(self, recipe: Recipe, factor: str) -> Truth | None:
        """Planted truth of a simulated cohort, from the margins of all folds together."""
        margins = self._truth_margins(recipe)
        return None if margins is None else true_reliance(margins, *self._site_shares(), self._truth_folds(recipe))

    def truth_errors(self, recipe: Recipe) -> tuple[float, float]:
        """Return the standard errors of R* and Omega*, which are known from a sample of anatomies only."""
        margins = self._truth_margins(recipe)
        if margins is None:
            return np.nan, np.nan
        generator = seeds.generator(self.situation.protocol.folds.seed, "truth errors")
        return bootstrap_truth(margins, *self._site_shares(), TRUTH_RESAMPLES, generator)

    def _truth_margins(self, recipe: Recipe) -> np.ndarray | None:
        keys = self.plan.truth.get(recipe)
        return np.concatenate([np.load(self.store.folder(key) / "margins.npy") for key in keys]) if keys else None

    def _truth_folds(self, recipe: Recipe) -> np.ndarray:
        sizes = [len(np.load(self.store.folder(key) / "margins.npy", mmap_mode="r")) for key in self.plan.truth[recipe]]
        return np.repeat(np.arange(len(sizes)), sizes)

    def _site_shares(self) -> tuple[np.ndarray, np.ndarray]:
        samples = self.situation.cohort.samples
        # The margins are in the order of the simulated sites, which sort by name.
        sites = sorted({str(sample.simulation["site"]) for sample in samples})
        counts = np.zeros((2, len(sites)))
        for sample in samples:
            counts[int(sample.positive), sites.index(str(sample.simulation["site"]))] += 1
        shares = counts / counts.sum(1, keepdims=True)
        return shares[0], shares[1]


@dataclass(frozen=True)
class ArmResult:
    """One arm: findings per factor, verdicts per factor and contrast, and the primary factor's evidence by contrast."""

    settings: ArmSettings
    findings: Mapping[str, list[Finding]]
    verdicts: tuple[Verdict, ...]
    evidence: Mapping[str | None, ArmEvidence]

    @property
    def name(self) -> str:
        """Name of the arm."""
        return self.settings.name

    @property
    def recipe(self) -> Recipe:
        """The recipe that its target learned from."""
        return self.settings.recipe

    @property
    def headline(self) -> Verdict:
        """The worst verdict."""
        return headline(self.verdicts)

    @property
    def headline_evidence(self) -> ArmEvidence:
        """Evidence of the headline's contrast (primary factor)."""
        return self.evidence[self.headline.contrast]


def survey_of(run: Run) -> dict[str, Any]:
    """Read what the survey measured of every image."""
    return read_json(run.store.folder(run.plan.survey) / "survey.json")  # type: ignore[no-any-return]
