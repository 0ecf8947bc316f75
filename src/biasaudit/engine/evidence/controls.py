"""Plan the control classifiers: origin inside one class, and the label from reduced inputs."""

from __future__ import annotations

from collections.abc import Sequence

from biasaudit.engine.evidence.inputs import InputPlanner
from biasaudit.engine.evidence.maps import MapPlanner
from biasaudit.engine.evidence.networks import NetworkPlanner
from biasaudit.engine.situation.outline import Outline
from biasaudit.engine.situation.situation import Question, class_members, everyone, input_of

__all__ = ["ONLY_FEATURES", "ControlPlanner"]

ONLY_FEATURES = "a feature table has no pixels to erase, mask, blur or compare by place"


class ControlPlanner:
    """Plans networks like the target that are asked another question.

    Attributes
    ----------
    reduced : mapping of representation to (mapping of input name to Question)
    skipped : mapping of input name to reason
    """

    def __init__(self, outline: Outline, inputs: InputPlanner, networks: NetworkPlanner, maps: MapPlanner) -> None:
        self._outline = outline
        self._inputs = inputs
        self._networks = networks
        self._maps = maps
        self.reduced: dict[str, dict[str, Question]] = {}
        self.skipped: dict[str, str] = {}

    def add_origins(self, representation: str) -> None:
        """Plan to tell the origins apart inside every class that has several."""
        if not self._outline.wanted("A1", "U7"):
            return
        for (factor, class_name), origins in self._outline.origins.items():
            question = Question("origin", input_of(representation), factor=factor, class_name=class_name)
            members = class_members(self._outline.cohort, factor, class_name, origins)
            self._networks.add_question(question, members)
            self._maps.add_origin(question, members)

    def add_reduced(self, representation: str) -> None:
        """Plan to predict the label from inputs without the marked pathology."""
        outline = self._outline
        self.reduced[representation] = {}
        if not outline.cohort.channels or not outline.wanted("A2"):
            return
        if outline.situation.tabular:
            self.skipped |= dict.fromkeys(("erased", "background", "silhouette"), ONLY_FEATURES)
            return
        if outline.masks_given and outline.erasable(representation):
            self._add(representation, "erased", Question("target", input_of(representation), "erased"))
        elif not outline.masks_given:
            self.skipped["erased"] = _why_not_erased(outline.marked)
        reduced = "background" if outline.facts.background else "silhouette"
        if not outline.facts.background:
            self.skipped["background"] = "the images are empty outside the brain; the silhouette is asked instead"
        self._inputs.add(reduced)
        self._add(representation, reduced, Question("target", reduced))

    def _add(self, representation: str, name: str, question: Question) -> None:
        self.reduced[representation][name] = question
        self._networks.add_question(question, everyone(self._outline.cohort))


def _why_not_erased(marked: Sequence[str]) -> str:
    if marked:
        return f"pathology masks for {', '.join(marked)} only: what is not marked would be left in the other classes"
    return "no pathology masks: nothing can be erased"
