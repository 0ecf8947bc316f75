"""What the rules of the verdict look at: findings, design, thresholds, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biasaudit.protocol import Protocol
from biasaudit.records import Finding, Regime, Reliance, Verdict, VerdictWord
from biasaudit.vocabulary import OF_FIELD

__all__ = ["EDITS", "Case", "Design"]

_OUTSIDE = ("background", "silhouette")

EDITS = ("U4", "U5", *OF_FIELD)
"""Checks that change images and see what the scores do."""

_WITHIN_CLASSES = ("U1", "P1")
"""Checks that compare subjects of one class from several origins."""

_SPEAK_OF_SOURCE = ("P1", "U5", *OF_FIELD)
"""Checks whose flag cannot come of disease beyond the masks, so that they are a second line to U4."""


@dataclass(frozen=True)
class Design:
    """Properties of the design that the rules depend on.

    Attributes
    ----------
    regime : Regime
        ``crossed``, ``nested``, ``aliased`` or ``single``.
    masks_given : bool
        Every patient has a pathology mask.
    mask_is_complete : bool
        The user declares that no pathology lies outside the masks.
    """

    regime: Regime
    masks_given: bool
    mask_is_complete: bool


@dataclass(frozen=True)
class Case:
    """Everything a rule looks at, of one arm, origin factor and contrast.

    `doubted` would flag had only this arm and factor been tested; `tests` were corrected together.
    """

    findings: Sequence[Finding]
    design: Design
    factor: str
    protocol: Protocol
    reliance: Reliance
    flagged: tuple[Finding, ...]
    doubted: tuple[Finding, ...] = ()
    tests: int = 0

    def of(self, code: str) -> list[Finding]:
        """Return the findings of one check."""
        return [finding for finding in self.findings if finding.code == code]

    def verdict(self, word: VerdictWord, reason: str, settle: str, *, provisional: bool = False) -> Verdict:
        """Make the verdict for this factor."""
        return Verdict(
            word, reason, self.factor, self.reliance, provisional, settle, flagged=self.codes, tests=self.tests
        )

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the checks that flag, each once."""
        return tuple(dict.fromkeys(finding.code for finding in self.flagged))

    @property
    def crossed(self) -> bool:
        """Whether some origin holds both classes."""
        return self.design.regime == "crossed"

    @property
    def outside_concerns(self) -> list[Finding]:
        """Findings that the label can be read outside the anatomy."""
        return [f for f in self.of("A2") if f.input in _OUTSIDE and f.status == "concern"]

    @property
    def outside_was_asked(self) -> bool:
        """Whether it was asked, with an answer, if the label can be read outside the anatomy."""
        return any(f.input in _OUTSIDE and f.status in ("clear", "inconclusive") for f in self.of("A2"))

    @property
    def second_line(self) -> list[Finding]:
        """Findings that point at the origin and that disease beyond the masks cannot explain."""
        inside_healthy = [f for f in self.flagged if f.flag is not None and f.flag.healthy]
        of_source = [f for f in self.flagged if f.code in _SPEAK_OF_SOURCE]
        return self.outside_concerns + inside_healthy + of_source

    @property
    def is_the_origin(self) -> bool:
        """Whether what is flagged can only be the origin.

        Outside crossed designs what is left after erasure may be disease beyond the masks: a second line must agree.
        """
        return self.crossed or self.design.mask_is_complete or bool(self.second_line)

    @property
    def may_be_chance(self) -> bool:
        """Whether the chance that the weights of any network hold explains what is flagged.

        Origins differ, but not as the share of patients there would have taught; nothing but U1 says that they do.
        """
        pooled = next((f for f in self.of("U1") if f.class_name is None), None)
        asked = pooled is not None and pooled.flag is not None and pooled.flag.follows_prevalence is False
        return asked and self.codes == ("U1",)

    @property
    def answers_to_the_origin(self) -> bool:
        """Whether a check that compares subjects of one class flags, and says that most of the response is the origin.

        Edits do not count: they state a share of the gap between the classes, and without competence there is none.
        """
        if self.design.regime == "single":
            return False
        source, low = self.reliance.source, self.reliance.low
        mostly = low is not None and low > self.protocol.verdict.high
        return mostly and source in _WITHIN_CLASSES and source in self.codes

    @property
    def without_power(self) -> list[Finding]:
        """Spike-in tests that did not pass; where none was asked the claim stays provisional."""
        return [finding for finding in self.of("G3") if finding.status != "clear"]

    @property
    def shown_alike(self) -> bool | None:
        """Whether the scores of all classes together are shown to be alike between origins (U1); None if not asked."""
        pooled = next((f for f in self.of("U1") if f.class_name is None), None)
        return None if pooled is None else pooled.flag is not None and bool(pooled.flag.equivalent)
