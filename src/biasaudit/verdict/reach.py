"""Which verdicts a design can reach before anything is trained: the rules themselves, asked about every outcome.

Nothing of the rules is written down again here. What can testify is imagined to say much, something and nothing in
every combination, and `decide` is asked each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from biasaudit.protocol import Protocol
from biasaudit.records import Finding, Flag, Share, VerdictWord
from biasaudit.verdict.case import Design
from biasaudit.verdict.rules import decide

__all__ = ["Reach", "Witness", "reach"]

_FACTOR = ""
_ORDER: tuple[VerdictWord, ...] = ("ORIGIN", "MIXED", "PATHOLOGY", "UNDETERMINED")
_SEEN, _UNSEEN = 1e-6, 1.0
"""p-values of what is found and of what is not."""


@dataclass(frozen=True)
class Witness:
    """A check that will answer in this design.

    Attributes
    ----------
    code : str
    bound : bool
        Only the lower end of its share has a meaning.
    healthy : bool
        Its flag is one inside the healthy class.
    may_flag : bool
    most : float
        Largest share that it can show.
    """

    code: str
    bound: bool = False
    healthy: bool = False
    may_flag: bool = True
    most: float = 1.0


@dataclass(frozen=True)
class Reach:
    """Verdicts within reach, those that say something first.

    Attributes
    ----------
    words : tuple of str
    provisional : bool
        Whether a PATHOLOGY would be provisional.
    """

    words: tuple[VerdictWord, ...]
    provisional: bool = False


def reach(design: Design, witnesses: Sequence[Witness], protocol: Protocol) -> Reach:
    """Ask the rules for the verdict of every combination of outcomes.

    Parameters
    ----------
    design : Design
    witnesses : sequence of Witness
        Checks that are asked and can answer.
    protocol : Protocol
        Thresholds.
    """
    outcomes = product(*(tuple(_outcomes(witness, protocol)) for witness in witnesses))
    verdicts = [decide(findings, design, _FACTOR, protocol) for findings in outcomes]
    found = {verdict.word for verdict in verdicts}
    shown = [verdict.provisional for verdict in verdicts if verdict.word == "PATHOLOGY"]
    return Reach(tuple(word for word in _ORDER if word in found), bool(shown) and all(shown))


def _outcomes(witness: Witness, protocol: Protocol) -> Iterator[Finding]:
    """Go over what a check can find; of a measured share all, some or none of the response."""
    if witness.code in ("G1", "G3"):
        yield Finding(witness.code, "clear", "")
        yield Finding(witness.code, "inconclusive", "")
        return
    if witness.code == "A2":
        yield Finding("A2", "concern", "", 1.0, input="background")
        yield Finding("A2", "clear", "", input="background")
        return
    some = (protocol.verdict.low + protocol.verdict.high) / 2
    for share in (witness.most, min(some, witness.most), 0.0):
        yield _finding(witness, share)


def _finding(witness: Witness, share: float) -> Finding:
    """Imagine that a check measures a share without error."""
    stated = Share(low=share) if witness.bound else Share(share, share, share)
    flag = Flag(
        may_flag=witness.may_flag, equivalent=share == 0 or None, healthy=witness.healthy or None, reliance=stated
    )
    return Finding(
        code=witness.code,
        status="concern" if share else "clear",
        reason="",
        statistic=share,
        low=share,
        high=None if witness.bound else share,
        p_value=_SEEN if share else _UNSEEN,
        flag=flag,
    )
