"""A finished audit in Python: the content of ``audit.json``, its tables, and a summary that a notebook shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biasaudit.errors import UsageError, suggestion
from biasaudit.run_folder.contract import REPORT, ArmRecord, AuditRecord, VerdictRecord
from biasaudit.run_folder.finished import arm_of, fails, finished_audit, primary_arm
from biasaudit.vocabulary import VERDICT_ORDER, RelianceKind, VerdictWord

if TYPE_CHECKING:  # `import biasaudit` waits for no pandas
    import pandas as pd

    from biasaudit.records import RelianceRecord
    from biasaudit.run_folder.reading import RunRecords

__all__ = ["Arm", "Auc", "Audit", "Reliance", "Verdict"]

_WORDS_OF_SCORES = ("arm", "question", "factor", "class", "input", "variant", "subject", "contrast")


@dataclass(frozen=True)
class Reliance:
    """Share of the network's response that is owed to where the image comes from.

    Attributes
    ----------
    estimate, low, high : float or None
        In [0, 1]; None where the audit has none. Of a bound only `low` is known.
    level : float or None
        Coverage of the interval, .9 by default: each bound alone is exceeded in 5 % of audits. None where the run did
        not record its settings.
    kind : {"interval", "bound"} or None
        None where nothing is known.
    source : str or None
        Code of the check that it is from.
    corroborated_by : tuple of str
        Codes of the checks that point the same way.
    """

    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    kind: RelianceKind | None = None
    source: str | None = None
    corroborated_by: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Verdict:
    """The answer for one arm, one origin factor and, with more than two classes, one contrast.

    It equals its word: ``audit.verdict == "ORIGIN"``.

    Attributes
    ----------
    word : {"PATHOLOGY", "UNDETERMINED", "MIXED", "ORIGIN"}
    reason, settle : str
        Why, and what would settle it or remains open.
    factor : str
        Origin factor; empty in runs that did not record it.
    contrast : str or None
        The class held against the rest; None with two classes.
    provisional : bool
        Something that the claim needs is still open.
    flagged : tuple of str
        Codes of the checks that flag.
    reliance : Reliance
    """

    word: VerdictWord
    reason: str
    settle: str
    factor: str
    contrast: str | None
    provisional: bool
    flagged: tuple[str, ...]
    reliance: Reliance

    def __str__(self) -> str:
        return self.word

    def __eq__(self, other: object) -> bool:
        # A comparison with a word is what people write, and one that is always false would pass unseen.
        if isinstance(other, str):
            return self.word == other
        return isinstance(other, Verdict) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self.word)


@dataclass(frozen=True)
class Auc:
    """How well a target tells the classes of held-out subjects apart; it does not say by what.

    Attributes
    ----------
    estimate, low, high : float or None
        In [0, 1].
    level : float or None
        Coverage of the interval, .95 by default.
    """

    estimate: float | None
    low: float | None
    high: float | None
    level: float | None


@dataclass(frozen=True)
class Arm:
    """One input of the network that was audited.

    Attributes
    ----------
    name, representation : str
    primary : bool
        Whether it is the arm whose verdict is that of the audit.
    verdict : Verdict
        The worst of its verdicts.
    verdicts : tuple of Verdict
        One per origin factor and contrast.
    auc : Auc
    """

    name: str
    representation: str
    primary: bool
    verdict: Verdict
    verdicts: tuple[Verdict, ...]
    auc: Auc

    @property
    def reliance(self) -> Reliance:
        """Reliance that the verdict speaks of."""
        return self.verdict.reliance


class Audit(Mapping[str, Any]):
    """A finished audit; as a mapping it is the content of ``audit.json``.

    Parameters
    ----------
    folder : path
        Folder that ``biasaudit run`` wrote.

    Attributes
    ----------
    folder, report : Path
        The run folder and its HTML report.

    Raises
    ------
    biasaudit.errors.UsageError
        The folder is no run.
    biasaudit.errors.DataError
        A file of the run is not what was written.
    biasaudit.errors.IncompleteError
        The run has not been finished.

    Examples
    --------
    >>> import biasaudit
    >>> audit = biasaudit.load("out")  # doctest: +SKIP
    >>> audit.verdict.word, audit.reliance.low  # doctest: +SKIP
    ('ORIGIN', 0.77)
    >>> audit["cohort"]["n"]  # doctest: +SKIP
    132
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.report = self.folder / REPORT
        self._record = finished_audit(self.folder, "tables")

    def __getitem__(self, key: str) -> Any:
        # A key that is not known at runtime cannot be one of the literal keys of a record.
        return self._record[key]  # type: ignore[literal-required]

    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    def __len__(self) -> int:
        return len(self._record)

    def __repr__(self) -> str:
        arms = ", ".join(f"{arm.name} {arm.verdict}" for arm in self.arms.values())
        return f"<Audit {self._record.get('name', '')!r}: {arms}; {self.folder}>"

    def _repr_html_(self) -> str:
        from biasaudit.report.summary import summary_html  # pandas, and only a notebook asks

        return summary_html(self._records)

    @property
    def arms(self) -> Mapping[str, Arm]:
        """Arms by name, in the order of the protocol."""
        return {arm["name"]: _arm(arm, self._record) for arm in self._record["arms"]}

    @property
    def verdict(self) -> Verdict:
        """Verdict on the primary arm: the worst over its origin factors and contrasts."""
        return self._primary.verdict

    @property
    def reliance(self) -> Reliance:
        """Reliance of the primary arm on where the image comes from."""
        return self._primary.reliance

    @cached_property
    def findings(self) -> pd.DataFrame:
        """One row per finding: arm (empty for those about the design), code, factor, status, statistic, reason ..."""
        return self._records.findings.copy()

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per held-out score, as ``tables/scores.tsv``; `logit` and `fold` are numbers."""
        return _with_numbers(self._records.scores, _WORDS_OF_SCORES)

    @cached_property
    def subjects(self) -> pd.DataFrame:
        """One row per image, as ``tables/subjects.tsv``; covariates are numbers where all are, `positive` is bool."""
        table = self._records.subjects
        words = ("subject", "label", "positive", *self._record["cohort"]["origins"])
        positive = table["positive"].str.lower().isin(["true", "1"]) if "positive" in table else None
        typed = _with_numbers(table, words)
        return typed if positive is None else typed.assign(positive=positive)

    def passes(self, fail_on: str = "undetermined", arm: str | None = None) -> bool:
        """Judge an arm as ``biasaudit gate`` does.

        Parameters
        ----------
        fail_on : str
            The mildest verdict that fails: ``origin``, ``mixed`` (a check that flags fails then too) or
            ``undetermined``.
        arm : str, optional
            Default: the primary arm.

        Raises
        ------
        UsageError
            There is no such verdict or arm.
        """
        mildest = {word.lower(): word for word in VERDICT_ORDER[1:]}
        if fail_on not in mildest:
            raise UsageError(f"fail_on is {fail_on!r}; {suggestion(fail_on, mildest)}")
        return not fails(arm_of(self._record, arm or self._primary.name), mildest[fail_on])

    @property
    def _primary(self) -> Arm:
        return _arm(primary_arm(self._record), self._record)

    @cached_property
    def _records(self) -> RunRecords:
        from biasaudit.run_folder.reading import load_run  # pandas, which the verdict alone need not wait for

        return load_run(self.folder)


def _arm(arm: ArmRecord, audit: AuditRecord) -> Arm:
    alpha = (audit["settings"].get("statistics") or {}).get("alpha")
    target = arm.get("target") or {}
    verdicts = tuple(_verdict(own, alpha) for own in arm.get("verdicts") or [_of_arm(arm)])
    own = (each for each in verdicts if each.word == arm["verdict"] and each.contrast == arm.get("contrast"))
    headline = next(own, verdicts[0])
    bounds = (target.get("auc"), target.get("auc_low"), target.get("auc_high"))
    return Arm(
        name=arm["name"],
        representation=arm.get("representation", ""),
        primary=arm.get("primary", False),
        verdict=headline,
        verdicts=verdicts,
        auc=Auc(*bounds, level=_level(target, None if alpha is None else 1 - alpha)),
    )


def _of_arm(arm: ArmRecord) -> VerdictRecord:
    """Take the verdict of an arm of which a run recorded no others."""
    return {
        "verdict": arm["verdict"],
        "reason": arm.get("reason"),
        "contrast": arm.get("contrast"),
        "provisional": arm.get("provisional", False),
        "flagged": arm.get("flagged", []),
        "reliance": arm.get("reliance") or {},
    }


def _verdict(record: VerdictRecord, alpha: float | None) -> Verdict:
    return Verdict(
        word=record["verdict"],
        reason=record.get("reason") or "",
        settle=record.get("settle") or "",
        factor=record.get("factor", ""),
        contrast=record.get("contrast"),
        provisional=record.get("provisional", False),
        flagged=tuple(record.get("flagged", ())),
        reliance=_reliance(record.get("reliance") or {}, alpha),
    )


def _reliance(record: RelianceRecord, alpha: float | None) -> Reliance:
    return Reliance(
        estimate=record.get("estimate"),
        low=record.get("low"),
        high=record.get("high"),
        level=_level(record, None if alpha is None else 1 - 2 * alpha),
        kind=record.get("kind"),
        source=record.get("from"),
        corroborated_by=tuple(record.get("corroborated_by") or ()),
    )


def _level(record: Mapping[str, object], otherwise: float | None) -> float | None:
    """Return the level that a run recorded beside an interval; runs before that kept it in their settings alone."""
    level = record.get("level")
    return level if isinstance(level, float) else otherwise


def _with_numbers(table: pd.DataFrame, words: Collection[str]) -> pd.DataFrame:
    """Read columns as numbers in which nothing else stands; those of words stay text, also where they are digits."""
    from biasaudit.run_folder.tsv import numbers_in  # pandas

    return table.assign(**{name: numbers_in(table[name]) for name in map(str, table) if name not in words})
