"""Evidence `origin_maps`: attribution maps of the within-class origin classifiers, for the subjects of the maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.map_choices import explained_origins, replicate_networks
from biasaudit.engine.evidence.maps import Explained, attribution_maps
from biasaudit.engine.evidence.origin_controls import ClassOrigins, asked_origins, origin_question
from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.held_out import read_rows
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.situation.limits import without_images, without_network
from biasaudit.engine.situation.situation import Situation, class_members
from biasaudit.records import ArmEvidence, Cohort, FloatArray, Maps
from biasaudit.registry import register

__all__ = ["ExplainedClass", "OriginMaps", "own_origin_maps"]

_KINDS = ("maps", "replicate")


@dataclass(frozen=True)
class ExplainedClass:
    """The origins of one class whose margin over the others is explained.

    Attributes
    ----------
    class_origins : ClassOrigins
        All that are told apart.
    explained : tuple of int
        Their places among these.
    """

    class_origins: ClassOrigins
    explained: tuple[int, ...]


@register("evidence", "origin_maps")
class OriginMaps(Columns):
    """Relevance in the origin classifiers; a check names them after `maps`, whose subjects they are of."""

    name = "origin_maps"
    after = ("maps",)
    settings = ("attribution",)

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there is no network to explain."""
        return without_network(situation) or without_images(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Explain the origin classifiers of the contrast's classes, and a second network of each."""
        planning.of("origin_controls", asked)
        needs: dict[Role, tuple[str, ...]] = {}
        about = []
        for own in asked_origins(planning, asked):
            members = class_members(planning.outline.cohort, asked.factor, own.class_name, own.origins)
            explained = ExplainedClass(own, explained_origins(list(members.values())))
            about.append(explained)
            for role, maps in _planned(planning, asked, explained, members):
                needs[role] = maps
        return Planned(needs, tuple(about))

    def gather(self, about: tuple[ExplainedClass, ...], folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the maps; NaN where a subject's class has no such classifier."""
        maps = evidence.maps
        if maps is None or maps.inside is None:
            return {}
        found, again = (_gathered(about, folders, kind, maps) for kind in _KINDS)
        names = {
            own.class_origins.class_name: tuple(own.class_origins.origins[place] for place in own.explained)
            for own in about
        }
        return {"maps": replace(maps, origin=found, origin_replicate=again, origins=names)}


def own_origin_maps(
    about: Sequence[ExplainedClass], folders: Folders, cohort: Cohort, factor: str
) -> Iterator[tuple[int, FloatArray]]:
    """Yield maps of the origin classifiers that speak for the origin of the subject's own.

    Parameters
    ----------
    about : sequence of ExplainedClass
    folders : Folders
        Of the jobs that were planned.
    cohort : Cohort
    factor : str
        Origin factor.

    Yields
    ------
    (int, float (*shape))
        Row of the cohort, and relevance for its own origin against the others of its class; none of a subject whose
        origin was not explained. Of two origins one was, and the map of the other is that with its sign turned.
    """
    for own in about:
        members = class_members(cohort, factor, own.class_origins.class_name, own.class_origins.origins)
        others = -1 if len(own.class_origins.origins) == 2 else 0
        for number, place in enumerate(own.explained):
            for folder in folders[_role("maps", own, number)]:
                maps = Stack.of([folder], "maps")
                for index, row in enumerate(read_rows(folder).tolist()):
                    sign = 1 if members[row] == place else others
                    if sign:
                        yield row, sign * maps[index]


def _role(kind: str, own: ExplainedClass, number: int) -> Role:
    return Role(f"origin {kind} {number}", own.class_origins.class_name)


def _planned(
    planning: Planning, asked: Asked, own: ExplainedClass, members: dict[int, int]
) -> Iterator[tuple[Role, tuple[str, ...]]]:
    """Plan the maps of one class, of the classifier and of a second network of it."""
    question = origin_question(asked, own.class_origins.class_name)
    models = planning.networks.models[question]
    for kind, networks in zip(_KINDS, (models, replicate_networks(models)), strict=True):
        for number, place in enumerate(own.explained):
            explained = Explained(
                question,
                planning.outline.map_rows,
                networks,
                f", origin {place + 1}, {kind}",
                dict.fromkeys(members, place),
            )
            yield _role(kind, own, number), attribution_maps(planning, explained)


def _gathered(about: tuple[ExplainedClass, ...], folders: Folders, kind: str, maps: Maps) -> FloatArray | None:
    """Put the maps of all classes together, (k, m, voxels); None if no class has a classifier."""
    if not about:
        return None
    place = {row: index for index, row in enumerate(maps.rows.tolist())}
    count = max(len(own.explained) for own in about)
    found = np.full((count, *maps.target.shape), np.nan, dtype=np.float32)
    for own in about:
        for number in range(len(own.explained)):
            for folder in folders[_role(kind, own, number)]:
                for row, relevance in zip(read_rows(folder).tolist(), Stack.of([folder], "maps"), strict=True):
                    if row in place:
                        found[number, place[row]] = relevance[maps.inside]
    return found
