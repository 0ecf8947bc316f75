"""Plan the judgements: what of all that was planned one check looks at, and what it is told of the cohort."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from biasaudit.checks.check import required
from biasaudit.engine.arguments.data import (
    FileHash,
    ImageSources,
    LeakageArguments,
    MetadataArguments,
    QualityArguments,
)
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.arguments.judgements import JudgeArguments
from biasaudit.engine.arguments.maps import MAPS, Supervoxels
from biasaudit.engine.evidence.controls import ONLY_FEATURES, ControlPlanner
from biasaudit.engine.evidence.hidden_layers import LayerPlanner
from biasaudit.engine.evidence.maps import MapPlanner, known_atlas, rows_explained
from biasaudit.engine.evidence.networks import NetworkPlanner
from biasaudit.engine.evidence.retraining import RetrainingPlanner
from biasaudit.engine.evidence.signature_transfer import EditPlanner
from biasaudit.engine.jobs.book import JobBook
from biasaudit.engine.jobs.job import Role
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.engine.situation.outline import Outline
from biasaudit.engine.situation.situation import Question, Situation, input_of
from biasaudit.records import Sample
from biasaudit.registry import get

__all__ = ["Evidence", "JudgementPlanner", "judgement_name"]

_OF_PIXELS = ("A2", "A3", "G3", "U4", "U5", "U6", "U8")
_NETWORK_NEEDS = {"features", "maps", "erased", "transfer"}
_IMAGE_NEEDS = {"origin_controls", "reduced", "unseen_origin", "dose_response", "spike_in", "quality", "twins"}
_ONLY_TABLE = "the table names no images: this needs networks trained on them"
_ONLY_SCORES = "held-out scores were given in place of the network: this needs the network itself"


@dataclass(frozen=True)
class Evidence:
    """The planners whose jobs a judgement may need."""

    networks: NetworkPlanner
    maps: MapPlanner
    controls: ControlPlanner
    layers: LayerPlanner
    edits: EditPlanner
    retraining: RetrainingPlanner


def judgement_name(name: tuple[str, str, str], contrast: str | None) -> tuple[str, ...]:
    """Return what a judgement is kept under: arm, factor, code and, with more than two classes, the contrast."""
    return name if contrast is None else (*name, contrast)


class JudgementPlanner:
    """Plans one judgement per arm, factor, check and contrast, after all else has been planned.

    Attributes
    ----------
    judged : mapping of name to key; see `judgement_name`
    """

    def __init__(self, outline: Outline, book: JobBook, evidence: Evidence) -> None:
        self._outline = outline
        self._book = book
        self._evidence = evidence
        self.judged: dict[tuple[str, ...], str] = {}

    def add(self, name: tuple[str, str, str], representation: str, contrast: Contrast) -> None:
        """Plan to judge the arm, factor and check of `name`."""
        arm, factor, code = name
        needs = {
            Role("survey"): (self._outline.survey,),
            READ: self._outline.reads,
            Role("target"): self._evidence.networks.scores[Question("target", representation)],
            **self._data_needs(code),
            **self._map_needs(representation, contrast),
            **self._layer_needs(code, representation, contrast),
            **self._edit_needs(representation, contrast),
        }
        origins = self._origins(factor, contrast)
        for class_name in origins:
            needs |= self._origin_needs(Question("origin", input_of(representation), "original", factor, class_name))
        arguments = replace(
            self._told(arm, factor, contrast),
            code=code,
            origins=origins,
            withheld=self._withheld(code),
            regions=(known_atlas(self._outline.situation) or Supervoxels(self._outline.protocol.attribution.patch))
            if code == "U8"
            else None,
        )
        retraining = self._evidence.retraining.planned.get((representation, factor, code, contrast.name))
        if retraining is not None and retraining.skipped:
            arguments = replace(arguments, retraining_skipped=retraining.skipped)
        elif retraining is not None:
            arguments = replace(arguments, retraining=retraining.design)
            needs |= retraining.needs
        title = f"judge {code}: {arm}, {factor}" + (f", {contrast.name}" if contrast.name else "")
        self.judged[judgement_name(name, contrast.name)] = self._book.add(arguments, needs, title)

    def _told(self, arm: str, factor: str, contrast: Contrast) -> JudgeArguments:
        """Return what every check is told of the cohort and of what was planned."""
        outline = self._outline
        return JudgeArguments(
            arm=arm,
            factor=factor,
            code="",
            origins={},
            protocol=outline.protocol.model_dump(mode="json", exclude={"name", "arms", "checks", "learned", "combat"}),
            table={**_table(outline.situation, factor), "positive": list(contrast.positive)},
            classes=contrast.classes,
            map_rows=tuple(tuple(rows) for rows in rows_explained(outline, contrast)),
            masks_given=outline.masks_given if contrast.turned else contrast.classes[1] in outline.marked,
            skipped=dict(self._evidence.controls.skipped),
            spacing=tuple(outline.situation.grid.spacing),
            contrast=None if contrast.name is None else self._contrast_arguments(contrast),
        )

    def _contrast_arguments(self, contrast: Contrast) -> dict[str, Any]:
        """Return what judging a contrast takes beside its two sides."""
        samples, marked = self._outline.cohort.samples, self._outline.marked
        return {
            "name": contrast.name,
            "index": contrast.index,
            "turned": contrast.turned,
            "label": [sample.label for sample in samples],
            "patient": [sample.positive for sample in samples],
            "erasable": [not sample.positive or sample.label in marked for sample in samples],
        }

    def _origins(self, factor: str, contrast: Contrast) -> dict[str, tuple[str, ...]]:
        """Return the origins that were told apart inside the classes of a contrast."""
        return {
            class_name: own
            for (own_factor, class_name), own in self._outline.origins.items()
            if own_factor == factor and contrast.name in (None, class_name)
        }

    def _origin_needs(self, question: Question) -> dict[Role, tuple[str, ...]]:
        """Return scores and maps of a within-class origin classifier, as far as there are any."""
        scores = self._evidence.networks.scores
        if question not in scores:
            return {}
        needs = {Role("origin", question.class_name): scores[question]}
        for role in ("maps", "replicate"):
            for number, keys in enumerate(self._evidence.maps.origin_maps.get((question, role), ())):
                needs[Role(role, f"{number}:{question.class_name}")] = keys
        return needs

    def _map_needs(self, representation: str, contrast: Contrast) -> dict[Role, tuple[str, ...]]:
        planned, which = self._evidence.maps, (representation, contrast.name)
        if contrast.name is None:
            maps = planned.maps.get(Question("target", representation))
        else:
            maps = planned.contrast_maps.get((representation, contrast.name))
        if maps is None:
            return {}
        return {
            MAPS: maps,
            Role("replicate"): planned.replicates.get(which, ()),
            Role("probe"): planned.probes[which],
        }

    def _layer_needs(self, code: str, representation: str, contrast: Contrast) -> dict[Role, tuple[str, ...]]:
        """Return what only the checks of hidden layers look at."""
        layers = self._evidence.layers
        if code == "U2":
            fresh = layers.untrained.get(representation)
            return {Role("untrained"): fresh} if fresh else {}
        slopes = layers.slopes.get((representation, contrast.name))
        return {Role("concepts"): slopes} if code == "U9" and slopes else {}

    def _edit_needs(self, representation: str, contrast: Contrast) -> dict[Role, tuple[str, ...]]:
        """Return the responses to edited images and to reduced inputs."""
        key = self._evidence.edits.transfers.get((representation, contrast.name))
        needs: dict[Role, tuple[str, ...]] = {} if key is None else {Role("transfer"): (key,)}
        for input_name, question in self._evidence.controls.reduced[representation].items():
            needs[Role("reduced", input_name)] = self._evidence.networks.scores[question]
        return needs

    def _withheld(self, code: str) -> str:
        """Say why a check cannot be asked of given scores; empty if it can."""
        needs = required(get("check", code))
        situation = self._outline.situation
        if situation.tabular and code in _OF_PIXELS:
            return ONLY_FEATURES
        if not situation.scored or not needs & (_NETWORK_NEEDS | _IMAGE_NEEDS):
            return ""
        if needs & _NETWORK_NEEDS:
            return _ONLY_SCORES
        return "" if self._outline.cohort.channels else _ONLY_TABLE

    def _data_needs(self, code: str) -> dict[Role, tuple[str, ...]]:
        """Plan what the checks of the data themselves look at: headers, similar images, image quality."""
        situation, reads = self._outline.situation, {READ: self._outline.reads}
        samples = situation.cohort.samples
        if code == "D2":
            metadata = MetadataArguments(tuple(_sources_of(situation, sample) for sample in samples))
            return {Role("metadata"): (self._book.add(metadata, {}, "read headers and sidecars"),)}
        if not situation.cohort.channels or self._withheld(code):
            return {}
        if code == "D3":
            hashes = tuple(tuple(situation.hashes[path] for path in sample.images) for sample in samples)
            origins = tuple(sample.origins[situation.cohort.factors[0]] for sample in samples)
            leakage = LeakageArguments(hashes, origins, situation.tabular)
            return {Role("leakage"): (self._book.add(leakage, reads, "compare images"),)}
        if code == "A3":
            quality = QualityArguments(situation.grid.spacing)
            return {Role("quality"): (self._book.add(quality, reads, "measure quality"),)}
        return {}


def _sources_of(situation: Situation, sample: Sample) -> ImageSources:
    """Files that say something about an image beside its pixels."""
    image = sample.images[0] if sample.images else ""
    return ImageSources(
        image=FileHash(image, situation.hashes.get(image, "")) if image else None,
        sidecars=tuple(FileHash(path, content) for path, content in situation.sidecars.get(image, ())),
        companions={"brain mask": sample.brain_mask is not None, "tissue maps": bool(sample.tissue)},
        origins=dict(sample.origins),
    )


def _table(situation: Situation, factor: str) -> dict[str, Any]:
    samples = situation.cohort.samples
    return {
        "subject": [sample.subject for sample in samples],
        "positive": [sample.positive for sample in samples],
        "origin": [sample.origins[factor] for sample in samples],
        "fold": list(situation.folds),
        "covariates": {
            name: [sample.covariates.get(name) for sample in samples]
            for name in sorted({name for sample in samples for name in sample.covariates})
        },
    }
