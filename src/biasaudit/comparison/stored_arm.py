"""A finished run read back from its tables, as far as runs are compared by them; needs neither jobs nor torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import ValidationError

from biasaudit.checks.premises import patients
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence
from biasaudit.run_folder.contract import (
    COVARIATE_PREFIX,
    RELEVANCE,
    SCORES,
    SUBJECTS,
    ArmRecord,
    AuditRecord,
    Table,
)
from biasaudit.run_folder.finished import finished_audit
from biasaudit.run_folder.tsv import read_tsv
from biasaudit.stats.design import regime

__all__ = ["StoredArm", "StoredRun", "load_stored_run"]

_AGAIN = "run the audit again with the same output folder"
_COMPARED = (SUBJECTS, SCORES, RELEVANCE)
_OPTIONAL = (RELEVANCE,)
_IN_WORDS = ("subject", "label", "arm", "contrast")
_IN_NUMBERS = ("fold", "logit", "share", "signed_share", "volume_share", "severity")


@dataclass(frozen=True)
class StoredRun:
    """The record, protocol and tables of a finished run.

    Attributes
    ----------
    folder : Path
    audit : AuditRecord
        Content of ``audit.json``.
    protocol : Protocol
        As resolved.
    subjects, scores, relevance : DataFrame
        The tables of these names; relevance has no rows where there are no maps.
    """

    folder: Path
    audit: AuditRecord
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

    @property
    def arms(self) -> list[StoredArm]:
        """Every arm, in the order of the protocol."""
        return [StoredArm(self, record) for record in self.audit["arms"]]

    def knows(self, covariates: Sequence[str]) -> bool:
        """Whether these covariates of every subject are in the tables."""
        return all(f"{COVARIATE_PREFIX}{name}" in self.subjects for name in covariates)


@dataclass(frozen=True)
class StoredArm:
    """One arm of a finished run.

    Attributes
    ----------
    run : StoredRun
    record : ArmRecord
        Its part of ``audit.json``.
    """

    run: StoredRun
    record: ArmRecord

    @property
    def name(self) -> str:
        """Name of the arm."""
        return self.record["name"]

    def evidence(self, factor: str, contrast: str | None) -> ArmEvidence:
        """Gather the held-out scores, one row per subject, origin and class.

        Parameters
        ----------
        factor : str
        contrast : str or None

        Returns
        -------
        ArmEvidence
            Scores, covariates and severity; nothing else is in the tables.
        """
        units = self._images(contrast).groupby(["subject", factor, "label"], sort=False)
        first = units.first().reset_index()
        averaged = [name for name in ("logit", "logit_erased", "severity") if name in first]
        found = self._two_classes(factor, first, units[averaged].mean().reset_index())
        return found if contrast is None else self._against_the_rest(found, contrast, first)

    def gains(self) -> dict[str, float]:
        """Lesion gain of every mapped patient: relevance by volume in the mask, over that in the whole brain (U6)."""
        table = self.run.relevance
        if table.empty or len(self.run.contrasts) > 1:
            return {}
        own = table[table["arm"] == self.name].groupby(["subject", "region"])[["share", "volume_share"]].mean()
        by_region = own.unstack("region")
        inside = {
            name: by_region[name]["pathology"] / (1 - by_region[name]["background"])
            for name in ("share", "volume_share")
        }
        gains = (inside["share"] / inside["volume_share"]).replace([np.inf, -np.inf], np.nan).dropna()
        return {str(subject): float(gain) for subject, gain in gains.items()}

    def _images(self, contrast: str | None) -> pd.DataFrame:
        """Join the subjects of every image with its scores; an image without a score is left out."""
        subjects = self.run.subjects
        images = subjects.assign(turn=subjects.groupby("subject").cumcount())
        images = images.merge(self._logits(contrast, "original"), on=["subject", "turn"], how="inner")
        erased = self._logits(contrast, "erased")
        if len(erased):
            images = images.merge(erased, on=["subject", "turn"], how="left", suffixes=("", "_erased"))
        return images

    def _logits(self, contrast: str | None, variant: str) -> pd.DataFrame:
        """Scores of the target in cohort order inside each subject: subject, turn, logit."""
        table = self.run.scores
        chosen = (table["arm"] == self.name) & (table["question"] == "target") & (table["input"] == "original")
        chosen &= table["variant"] == variant
        if contrast is not None:
            chosen &= table["contrast"] == contrast
        own = table.loc[chosen, ["subject", "logit"]]
        return own.assign(turn=own.groupby("subject").cumcount())

    def _two_classes(self, factor: str, first: pd.DataFrame, mean: pd.DataFrame) -> ArmEvidence:
        """Hold all patients against the healthy."""
        positive, origin = first["positive"].to_numpy(bool), first[factor].to_numpy(str)
        erased = mean["logit_erased"].to_numpy(float) if "logit_erased" in mean else None
        numbers, words = _covariates(first)
        protocol = self.run.protocol
        everybody = protocol.cohort.mask_in == "all"
        return ArmEvidence(
            arm=self.name,
            factor=factor,
            regime=regime(positive, origin, None),
            classes=("rest", "pathology"),
            subject=first["subject"].to_numpy(str),
            positive=positive,
            origin=origin,
            fold=first["fold"].to_numpy(int) - 1,
            severity=np.where(erased is not None, mean["severity"].to_numpy(float), np.nan),
            covariates=numbers,
            categories=words,
            masks_given=erased is not None,
            mask_is_complete=protocol.cohort.mask_is_complete,
            seed=protocol.folds.seed,
            logit=mean["logit"].to_numpy(float),
            logit_erased=erased,
            patient=np.ones_like(positive) if everybody else None,
        )

    def _against_the_rest(self, found: ArmEvidence, contrast: str, first: pd.DataFrame) -> ArmEvidence:
        """Hold one class of several against the rest; the first contrast holds the healthy against the patients.

        No file of a run says whether every patient of a class had a mask: that is taken from whether the audit's own
        reliance comes from erasure (U4).
        """
        label, patient = first["label"].to_numpy(str), patients(found)
        positive = found.positive if contrast == self.run.contrasts[0] else label == contrast
        given = found.masks_given and self._reliance_source(found.factor, contrast) == "U4"
        erasable = _erasable(first, patient)
        return replace(
            found,
            regime=regime(positive, found.origin, label),
            positive=positive,
            severity=np.where(given & erasable, found.severity, np.nan),
            masks_given=given,
            logit_erased=found.logit_erased if given else None,
            contrast=contrast,
            label=label,
            patient=patient,
            erasable=erasable,
        )

    def _reliance_source(self, factor: str, contrast: str) -> str | None:
        """Return the check that the reliance of one verdict comes from."""
        asked = (v for v in self.record["verdicts"] if (v["factor"], v["contrast"]) == (factor, contrast))
        return next((verdict["reliance"]["from"] for verdict in asked), None)


def _erasable(first: pd.DataFrame, patient: np.ndarray) -> np.ndarray:
    """Healthy subjects, and those of classes in which something is marked."""
    marked = set(first.loc[first["mask_voxels"] > 0, "label"])
    return np.asarray(~patient | first["label"].isin(marked).to_numpy(bool))


def _covariates(first: pd.DataFrame) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Covariates as numbers (NaN where missing) and as words (empty where missing)."""
    numbers, words = {}, {}
    for column in first.columns[first.columns.str.startswith(COVARIATE_PREFIX)]:
        name, values = column.removeprefix(COVARIATE_PREFIX), first[column]
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
    audit = finished_audit(folder, "tables")
    missing = [key for key in ("biasaudit", "cohort", "design", "arms", "settings", "environment") if key not in audit]
    if missing:
        raise DataError([Fault(str(folder / "audit.json"), f"no {', '.join(missing)} in it", _AGAIN)])
    faults: list[Fault] = []
    tables = {table.name: _table(folder, table, list(audit["cohort"]["origins"]), faults) for table in _COMPARED}
    if faults:
        raise DataError(faults)
    try:
        protocol = Protocol.model_validate(audit["settings"])
    except ValidationError as error:
        message = f"settings of another version of biasaudit ({len(error.errors())} fields do not fit)"
        raise DataError([Fault(str(folder / "audit.json"), message, _AGAIN)]) from None
    return StoredRun(folder, audit, protocol, **tables)


def _table(folder: Path, table: Table, factors: Sequence[str], faults: list[Fault]) -> pd.DataFrame:
    """Read a table; what is wrong with it is added to the faults."""
    path = folder / table.path
    empty = pd.DataFrame(columns=pd.Index(table.compared))
    if not path.is_file():
        if table not in _OPTIONAL:
            faults.append(Fault(str(path), "no such table", _AGAIN))
        return empty
    text = dict.fromkeys((*_IN_WORDS, *factors), str)
    try:
        read = read_tsv(path, na_values=["n/a"], dtype=text)
    except (OSError, ValueError) as error:
        faults.append(Fault(str(path), f"not readable as a table ({str(error).splitlines()[0]})", _AGAIN))
        return empty
    wanted = (*table.compared, *factors) if table == SUBJECTS else table.compared
    missing = [column for column in wanted if column not in read]
    if missing:
        faults.append(Fault(f"{path}:1", f"no column {', '.join(map(repr, missing))}", _AGAIN))
        return empty
    odd = [name for name in wanted if name in _IN_NUMBERS and not pd.api.types.is_numeric_dtype(read[name])]
    if odd and len(read):
        faults.append(Fault(str(path), f"no numbers in the column {', '.join(map(repr, odd))}", _AGAIN))
        return empty
    return read
