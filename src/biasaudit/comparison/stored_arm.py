"""A finished run read back from its tables, as far as runs are compared by them; needs neither jobs nor torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from biasaudit.errors import DataError, Fault
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence
from biasaudit.run_folder.finished import finished_audit
from biasaudit.stats.design import regime

__all__ = ["StoredRun", "load_stored_run"]

_AGAIN = "run the audit again with the same output folder"
_COVARIATE = "covariate_"


@dataclass(frozen=True)
class StoredRun:
    """What a finished run has left on disk.

    Attributes
    ----------
    folder : Path
    audit : mapping
        Content of ``audit.json``.
    protocol : Protocol
        As resolved.
    subjects, scores, relevance : DataFrame
        The tables of these names; relevance has no rows where there are no maps.
    """

    folder: Path
    audit: Mapping[str, Any]
    protocol: Protocol
    subjects: pd.DataFrame
    scores: pd.DataFrame
    relevance: pd.DataFrame

    @property
    def factors(self) -> tuple[str, ...]:
        """Origin factors, primary first."""
        return tuple(self.audit["cohort"]["origins"])

    @property
    def contrasts(self) -> tuple[str | None, ...]:
        """Classes held against the rest; one None with two classes."""
        classes = tuple(self.audit["cohort"]["classes"])
        return classes if len(classes) > 2 else (None,)

    def knows(self, covariates: Sequence[str]) -> bool:
        """Whether these covariates of every subject are in the tables."""
        return all(f"{_COVARIATE}{name}" in self.subjects for name in covariates)

    def arm(self, name: str) -> Mapping[str, Any]:
        """Record of an arm in ``audit.json``."""
        return next(arm for arm in self.audit["arms"] if arm["name"] == name)

    def evidence(self, arm: str, factor: str, contrast: str | None) -> ArmEvidence:
        """Gather the held-out scores of one arm, one row per subject, origin and class.

        Parameters
        ----------
        arm, factor : str
        contrast : str or None
        """
        images = self.subjects.assign(turn=self.subjects.groupby("subject").cumcount())
        images = images.merge(self._logits(arm, contrast, "original"), on=["subject", "turn"], how="inner")
        erased = self._logits(arm, contrast, "erased")
        if len(erased):
            images = images.merge(erased, on=["subject", "turn"], how="left", suffixes=("", "_erased"))
        units = images.groupby(["subject", factor, "label"], sort=False)
        first = units.first().reset_index()
        mean = units[[name for name in ("logit", "logit_erased", "severity") if name in images]].mean().reset_index()
        return self._assembled(arm, (factor, contrast), first, mean)

    def gains(self, arm: str) -> dict[str, float]:
        """Lesion gain of every mapped patient: relevance by volume in the mask, over that in the whole brain (U6)."""
        table = self.relevance
        if table.empty or len(self.contrasts) > 1:
            return {}
        own = table[table["arm"] == arm].groupby(["subject", "region"])[["share", "volume_share"]].mean()
        by_region = own.unstack("region")
        inside = {
            name: by_region[name]["pathology"] / (1 - by_region[name]["background"])
            for name in ("share", "volume_share")
        }
        gains = (inside["share"] / inside["volume_share"]).replace([np.inf, -np.inf], np.nan).dropna()
        return {str(subject): float(gain) for subject, gain in gains.items()}

    def _logits(self, arm: str, contrast: str | None, variant: str) -> pd.DataFrame:
        """Scores of the target in cohort order inside each subject: subject, turn, logit."""
        table = self.scores
        chosen = (table["arm"] == arm) & (table["question"] == "target") & (table["input"] == "original")
        chosen &= table["variant"] == variant
        if contrast is not None:
            chosen &= table["contrast"] == contrast
        own = table.loc[chosen, ["subject", "logit"]]
        return own.assign(turn=own.groupby("subject").cumcount())

    def _assembled(
        self, arm: str, question: tuple[str, str | None], first: pd.DataFrame, mean: pd.DataFrame
    ) -> ArmEvidence:
        factor, contrast = question
        label, patient = first["label"].to_numpy(str), first["positive"].to_numpy(bool)
        positive = patient if contrast in (None, self.contrasts[0]) else label == contrast
        origin = first[factor].to_numpy(str)
        erased = mean["logit_erased"].to_numpy(float) if "logit_erased" in mean else None
        given = erased is not None and (contrast is None or self._reliance_source(arm, question) == "U4")
        erasable = np.full(len(first), True) if contrast is None else self._erasable(first)
        numbers, words = self._covariates(first)
        found = ArmEvidence(
            arm=arm,
            factor=factor,
            regime=regime(positive, origin, None if contrast is None else label),
            classes=("rest", "pathology"),
            subject=first["subject"].to_numpy(str),
            positive=positive,
            origin=origin,
            fold=first["fold"].to_numpy(int) - 1,
            severity=np.where(given & erasable, mean["severity"].to_numpy(float), np.nan),
            covariates=numbers,
            categories=words,
            masks_given=given,
            mask_is_complete=self.protocol.cohort.mask_is_complete,
            seed=self.protocol.folds.seed,
            logit=mean["logit"].to_numpy(float),
            logit_erased=erased if given else None,
            contrast=contrast,
        )
        return found if contrast is None else replace(found, label=label, patient=patient, erasable=erasable)

    def _erasable(self, first: pd.DataFrame) -> np.ndarray:
        """Healthy subjects, and those of classes in which something is marked."""
        marked = set(first.loc[first["mask_voxels"] > 0, "label"])
        return np.asarray(~first["positive"].to_numpy(bool) | first["label"].isin(marked).to_numpy(bool))

    def _reliance_source(self, arm: str, question: tuple[str, str | None]) -> str | None:
        asked = (v for v in self.arm(arm)["verdicts"] if (v["factor"], v["contrast"]) == question)
        return next((verdict["reliance"]["from"] for verdict in asked), None)

    def _covariates(self, first: pd.DataFrame) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Covariates as numbers (NaN where missing) and as words (empty where missing)."""
        numbers, words = {}, {}
        for column in first.columns[first.columns.str.startswith(_COVARIATE)]:
            name, values = column.removeprefix(_COVARIATE), first[column]
            if pd.api.types.is_numeric_dtype(values):
                numbers[name] = values.to_numpy(float)
            else:
                words[name] = values.fillna("").to_numpy(str)
        return numbers, words


def load_stored_run(folder: Path) -> StoredRun:
    """Read a finished run.

    Parameters
    ----------
    folder : Path
        That ``biasaudit run`` wrote.

    Raises
    ------
    UsageError
        It is no run.
    IncompleteError
        It has not been finished.
    DataError
        A stored file is damaged; every fault at once.
    """
    audit = finished_audit(folder)
    missing = [key for key in ("biasaudit", "cohort", "design", "arms", "settings", "environment") if key not in audit]
    if missing:
        raise DataError([Fault(str(folder / "audit.json"), f"no {', '.join(missing)} in it", _AGAIN)])
    faults: list[Fault] = []
    tables = {name: _table(folder, name, list(audit["cohort"]["origins"]), faults) for name in _TABLES}
    if faults:
        raise DataError(faults)
    try:
        protocol = Protocol.model_validate(audit["settings"])
    except ValidationError as error:
        message = f"settings of another version of biasaudit ({len(error.errors())} fields do not fit)"
        raise DataError([Fault(str(folder / "audit.json"), message, _AGAIN)]) from None
    return StoredRun(folder, audit, protocol, **tables)


_TABLES: Mapping[str, tuple[str, ...]] = {
    "subjects": ("subject", "label", "positive", "fold", "mask_voxels", "severity"),
    "scores": ("arm", "question", "input", "variant", "subject", "logit"),
    "relevance": ("arm", "subject", "label", "region", "share", "volume_share"),
}
_OPTIONAL = ("relevance",)
_IN_WORDS = ("subject", "label", "arm", "contrast")


def _table(folder: Path, name: str, factors: Sequence[str], faults: list[Fault]) -> pd.DataFrame:
    """Read a table; what is wrong with it is added to the faults."""
    path, columns = folder / "tables" / f"{name}.tsv", _TABLES[name]
    empty = pd.DataFrame(columns=pd.Index(columns))
    if not path.is_file():
        if name not in _OPTIONAL:
            faults.append(Fault(str(path), "no such table", _AGAIN))
        return empty
    text = dict.fromkeys((*_IN_WORDS, *factors), str)
    try:
        table = pd.read_csv(path, sep="\t", na_values=["n/a"], keep_default_na=False, dtype=text)
    except (OSError, ValueError) as error:
        faults.append(Fault(str(path), f"not readable as a table ({str(error).splitlines()[0]})", _AGAIN))
        return empty
    wanted = (*columns, *factors) if name == "subjects" else columns
    missing = [column for column in wanted if column not in table]
    if missing:
        faults.append(Fault(f"{path}:1", f"no column {', '.join(map(repr, missing))}", _AGAIN))
    return empty if missing else table
