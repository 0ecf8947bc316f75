"""Plan what is asked of edited images: the signature of one origin imposed on another, and the planted truth."""

from __future__ import annotations

from biasaudit.cohort.split import SEEN
from biasaudit.engine.arguments.edits import SignatureTransferArguments, TruthArguments, models_of_fold
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.inputs import pixel_identity
from biasaudit.engine.evidence.networks import NetworkPlanner
from biasaudit.engine.jobs.book import JobBook
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.engine.situation.outline import Outline
from biasaudit.engine.situation.rows import truth_rows
from biasaudit.engine.situation.situation import MAPS, Question, input_of, regime_of

__all__ = ["EditPlanner"]


class EditPlanner:
    """Plans the responses of the target to edited or newly rendered images.

    Attributes
    ----------
    transfers : mapping of (representation, contrast) to key
    truth : mapping of representation to tuple of keys, one per fold
    """

    def __init__(self, outline: Outline, book: JobBook, networks: NetworkPlanner) -> None:
        self._outline = outline
        self._book = book
        self._networks = networks
        self.transfers: dict[tuple[str, str | None], str] = {}
        self.truth: dict[str, tuple[str, ...]] = {}

    def add_truth(self, representation: str) -> None:
        """Plan to render held-out anatomies of a simulated cohort at every site."""
        count = self._outline.protocol.cohort.truth_subjects
        if count == 0:
            return
        keys = []
        for fold in self._outline.folds:
            rows = truth_rows(self._outline.situation, fold, count)
            arguments = TruthArguments(
                samples=tuple(pixel_identity(self._outline.cohort.samples[row]) for row in rows),
                grid=self._outline.situation.grid,
                representation=input_of(representation),
                own=self._outline.situation.own_inputs.get(input_of(representation)),
            )
            needs = {MODELS: self._networks.models[Question("target", representation)][fold]}
            title = f"planted truth: {representation}, fold {fold + 1}"
            keys.append(self._book.add(arguments, needs, title))
        self.truth[representation] = tuple(keys)

    def add_transfer(self, representation: str) -> None:
        """Plan signature transfer where labels and erasure cannot answer, or where the protocol names it."""
        if not self._transfer_is_asked() or self._shows_own_maps(representation):
            return
        cohort = self._outline.cohort
        for contrast in self._outline.contrasts:
            regimes = {regime_of(cohort, factor, contrast) for factor in cohort.factors}
            if {"nested", "aliased"} & regimes:
                self.transfers[representation, contrast.name] = self._transfer(representation, contrast)

    def _transfer_is_asked(self) -> bool:
        outline, protocol = self._outline, self._outline.protocol
        named = protocol.checks != "default" and "U5" in protocol.checks
        answered = outline.masks_given and protocol.cohort.mask_is_complete
        unedited = outline.situation.scored or outline.situation.tabular
        return outline.wanted("U5") and not unedited and (named or not answered)

    def _shows_own_maps(self, representation: str) -> bool:
        """Whether the input is the user's tissue maps or other maps, which no edit of the image reaches."""
        own_tissue = all(sample.tissue for sample in self._outline.cohort.samples)
        return input_of(representation) == MAPS or (input_of(representation) == "tissue" and own_tissue)

    def _transfer(self, representation: str, contrast: Contrast) -> str:
        situation = self._outline.situation
        arguments = SignatureTransferArguments(
            sides=tuple(int(positive) for positive in contrast.positive),
            folds=tuple(situation.folds),
            representation=input_of(representation),
            grid=situation.grid,
            seed=self._outline.protocol.folds.seed,
            own=situation.own_inputs.get(input_of(representation)),
        )
        models = self._networks.explained(representation, contrast)
        needs = {READ: self._outline.reads} | {models_of_fold(fold): keys for fold, keys in enumerate(models)}
        if SEEN in situation.folds:
            # What the network has seen helps to know the signatures; its scores are dropped when judged.
            needs[models_of_fold(SEEN)] = models[0]
        title = f"transfer signatures: {representation}" + (f", {contrast.name}" if contrast.name else "")
        return self._book.add(arguments, needs, title)
