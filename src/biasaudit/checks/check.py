"""Define what a check must offer: the facts about itself, and the one method that judges."""

from __future__ import annotations

from typing import Protocol as Interface

from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding

__all__ = ["STATISTIC", "Check", "required", "statistic_name"]

STATISTIC = "statistic"
"""Name of the statistic of a check that does not state one."""


class Check(Interface):
    """One bias question: evidence in, findings out.

    A class with these attributes is a check as soon as ``@register("check", code)`` stands above it; it need not
    inherit from this one.

    Attributes
    ----------
    code : str
        Stable name: ``U4``. The one that it is registered under.
    title : str
        Two or three words for tables.
    question : str
        The question in one sentence, with its question mark.
    why : str
        Why the question matters, and what an answer does and does not say.
    kind : str
        ``design`` asks about the cohort, ``available`` whether something could be used, ``used`` whether the network
        uses it, ``gate`` whether other checks may be believed.
    needs : tuple of str
        Every kind of evidence that `judge` looks at, and no other: ``table``, ``scores``, ``maps``. A check is given
        what it names here, so that it is judged again only when some of that has changed.
    statistic : str, may be missing
        Name and unit of the statistic of its findings, in a few words for tables: ``AUC``, ``share of the class gap``.
        A finding with another statistic names it (`Finding.statistic_name`).
    optional : tuple of str, may be missing
        Which of these `judge` can do without: it is asked all the same where there is no such evidence.
    """

    code: str
    title: str
    question: str
    why: str
    kind: str
    needs: tuple[str, ...]

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Answer the question for one arm and one origin factor.

        Parameters
        ----------
        evidence : ArmEvidence
            Holds at least the kinds of evidence that `needs` names, as far as the cohort allows them. Never changed.
        protocol : Protocol
            Thresholds and numbers of resamples.

        Returns
        -------
        list of Finding
            At least one. A question that cannot be asked is a finding too, with the reason. The same evidence and
            protocol give the same findings: random numbers come from `evidence.seed`.
        """
        ...


def required(check: type[Check]) -> frozenset[str]:
    """Name the kinds of evidence without which a check cannot be asked.

    Examples
    --------
    >>> from biasaudit.registry import get
    >>> sorted(required(get("check", "U1")))
    ['scores', 'severity', 'table']
    """
    return frozenset(check.needs) - frozenset(getattr(check, "optional", ()))


def statistic_name(check: type[Check]) -> str:
    """Name the statistic of a check's findings, for tables.

    Examples
    --------
    >>> from biasaudit.registry import get
    >>> statistic_name(get("check", "U4"))
    'share of the class gap'
    """
    return str(getattr(check, "statistic", STATISTIC))
