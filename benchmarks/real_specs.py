"""The grid of cohorts of `real_images.py`: what is planted where, chosen on some sources and judged on others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from biasaudit import seeds
from biasaudit.edits.planting.diffuse import Diffuse
from biasaudit.edits.planting.disease import Disease
from biasaudit.edits.planting.focal import Focal

MASTER = 20261130
CHECKS = ("D1", "G1", "U1", "U5", "P1", "U13", "U14")
PROBES = 40
CHOOSING = ("cxr/kermany", "ham/vidir_modern")
JUDGING = ("cxr/nih", "ham/rosendahl", "openms/slices")
SITES = ("s1", "s2")


@dataclass(frozen=True)
class Spec:
    """One semi-synthetic cohort.

    `family` is what is special about it; `kinds` the signature of the second site; `mislabelled` the share of wrong
    labels; `finding` the share of images at each site with a benign finding; `field` what is declared; `prevalence`
    the share of patients; `spread` how much the images of the second site vary in strength about the mean of the first.
    """

    name: str
    group: str
    family: str
    source: str
    n: int
    design: str
    disease: Disease
    field: str
    kinds: Mapping[str, float] = field(default_factory=dict)
    confounding: float = 0.0
    mislabelled: float = 0.0
    finding: tuple[float, float] = (0.0, 0.0)
    prevalence: float = 0.5
    spread: Mapping[str, float] = field(default_factory=dict)
    seed: int = 1

    @property
    def checks(self) -> tuple[str, ...]:
        """What may flag: of stressed nulls U1 where sources hold both classes, else edits and probes."""
        if self.family not in (*PREVALENCES, UNEQUAL):
            return CHECKS
        return ("D1", "G1", "U1") if self.design == "crossed" else tuple(code for code in CHECKS if code != "U5")

    @property
    def about(self) -> dict[str, Any]:
        """What the rows of the table are grouped by."""
        return {
            "name": self.name,
            "group": self.group,
            "family": self.family,
            "source": self.source,
            "n": self.n,
            "design": self.design,
            "disease": type(self.disease.look).__name__.lower(),
            "kind": "+".join(self.kinds) or "none",
            "strength": max(self.kinds.values(), default=0.0),
            "confounding": self.confounding,
            "mislabelled": self.mislabelled,
            "prevalence": self.prevalence,
            "spread": "+".join(self.spread) or "none",
            "field": self.field,
        }


SIZES = {"cxr": (100, 110, 120), "ham": (100, 104, 108), "openms": (100, 130, 160)}
FIELDS = {"cxr": ("centre", "lungs"), "ham": ("lesion",), "openms": ("brain",)}
KINDS = {
    "choosing": ("tone", "noise", "border", "compression", "shading", "zoom"),
    "judging": ("curve", "blur", "glyph", "ruler", "resampling", "ringing", "ghost", "cast", "shading", "tone"),
}
STRONG = {"choosing": (0.9, 2.5), "judging": (1.0, 2.8)}
MOST: Mapping[str, Mapping[str, float]] = {"choosing": {}, "judging": {"curve": 1.5, "border": 2.5}}
ADDED = 80
"""From this number on, cohorts were added when the others did not hold enough driven networks: strong ones only."""
DISEASE = {"choosing": 1.0, "judging": 1.25}
"""Factor on how strong diseases are: a quarter of the targets that chose had learned next to nothing."""
NULLS = ("focal", "diffuse", "case mix", "healthy mix", "noise 5", "noise 10")
PREVALENCES = {"prevalence 10": 0.1, "prevalence 20": 0.2, "prevalence 30": 0.3}
UNEQUAL = "unequal variances"
SPREADS = ("tone", "noise", "shading", "blur", "curve")
"""Kinds that the images of one site may vary in without a mean of their own."""


def specs() -> list[Spec]:
    """All of them: those that chose first, then nulls and driven cohorts taking turns."""
    choosing = [
        *_nulls("choosing", CHOOSING, 2),
        *_apart("choosing", CHOOSING, 1),
        *_driven("choosing", CHOOSING, 20),
        *_stressed("choosing", CHOOSING, 2, 4),
    ]
    judging = [
        *_nulls("judging", JUDGING, 12),
        *_driven("judging", JUDGING, ADDED + 14),
        *_apart("judging", JUDGING, 6),
        *_stressed("judging", JUDGING, 12, 36),
    ]
    return [*choosing, *judging]


def _nulls(group: str, sources: tuple[str, ...], each: int) -> Iterator[Spec]:
    """`each` per family and source."""
    for source in sources:
        for family in NULLS:
            for number in range(each):
                yield _spec(group, family, source, number, {})


def _stressed(group: str, sources: tuple[str, ...], rare: int, unequal: int) -> Iterator[Spec]:
    """Nothing planted by class: few patients (`rare` of each prevalence and source), or one site's images vary more."""
    for source in sources:
        for family in (*PREVALENCES, UNEQUAL):
            for number in range(unequal if family == UNEQUAL else rare):
                yield _spec(group, family, source, number, {})


def _apart(group: str, sources: tuple[str, ...], each: int) -> Iterator[Spec]:
    """Healthy case mix that differs between the sites: whether it is a signature can be argued about."""
    for source in sources:
        for number in range(each):
            yield _spec(group, "healthy mix differs", source, number, {})


def _driven(group: str, sources: tuple[str, ...], each: int) -> Iterator[Spec]:
    for source in sources:
        kinds = [kind for kind in KINDS[group] if not (kind == "cast" and not source.startswith("ham"))]
        for number in range(each):
            chance = seeds.generator(MASTER, group, source, "driven", number)
            weak = chance.random() < 0.3
            reach = (0.3, 1.2) if weak else STRONG[group]
            if number >= ADDED:
                reach = (1.6, STRONG[group][1])
            strength = float(np.exp(chance.uniform(*np.log(reach))))
            strength *= 1.5 if source.startswith("ham") else 1.0  # photographs hide more than X-rays do
            chosen = {kinds[number % len(kinds)]: strength}
            if number % 5 == 4:
                chosen[kinds[int(chance.integers(len(kinds)))]] = 0.6 * strength
            capped = {kind: min(own, MOST[group].get(kind, own)) for kind, own in chosen.items()}
            yield _spec(group, "driven", source, number, capped)


def _spec(group: str, family: str, source: str, number: int, kinds: Mapping[str, float]) -> Spec:
    name = f"{group}-{source.replace('/', '-')}-{family.replace(' ', '-')}-{number:02d}"
    chance = seeds.generator(MASTER, name)
    fields = FIELDS[source.split("/")[0]]
    crossed = _crossed(family, number)
    return Spec(
        name,
        group,
        family,
        source,
        n=SIZES[source.split("/")[0]][number % 3],
        design="crossed" if crossed else "aliased",
        disease=_disease(group, family, source, number, chance),
        field=fields[(number // 2) % len(fields)],
        kinds=kinds,
        confounding=float((0.0, 0.5, 0.8)[(number // 4) % 3]) if crossed else 0.0,
        mislabelled={"noise 5": 0.05, "noise 10": 0.10}.get(family, 0.0),
        finding={"healthy mix": (0.3, 0.3), "healthy mix differs": (0.15, 0.45)}.get(family, (0.0, 0.0)),
        prevalence=PREVALENCES.get(family, 0.5),
        spread=_spread(name, number) if family == UNEQUAL else {},
        seed=seeds.seed(MASTER, name, "cohort") % 2**32,
    )


def _crossed(family: str, number: int) -> bool:
    """One cohort in four; of the stressed ones more, since there U1 answers."""
    if family in PREVALENCES:
        return number % 2 == 1
    if family == UNEQUAL:
        return number % 3 > 0
    return number % 8 == 7 if family == "driven" else number % 4 == 3


def _spread(name: str, number: int) -> dict[str, float]:
    """One kind of variation, or two at once in one cohort of five."""
    draw = seeds.generator(MASTER, name, "spread")
    chosen = [SPREADS[number % len(SPREADS)]]
    if draw.random() < 0.2:
        chosen.append(str(draw.choice(SPREADS)))
    return {kind: float(np.exp(draw.uniform(*np.log((0.3, 1.2))))) for kind in chosen}


def _disease(group: str, family: str, source: str, number: int, chance: np.random.Generator) -> Disease:
    """Focal or diffuse; of all families but these two about every other one is diffuse."""
    odd = number % 2 == 1 if group == "choosing" else chance.random() < 0.5
    diffuse = family == "diffuse" or (family != "focal" and odd)
    mix = {"visible": 0.75, "spread": 0.4} if family == "case mix" else {"visible": 1.0, "spread": 0.15}
    level = float(chance.uniform(0.8, 1.3)) * DISEASE[group]
    level *= 1.3 if group == "judging" and source.startswith("ham") else 1.0
    if not diffuse:
        radius, count = float(chance.uniform(0.08, 0.13)), int(chance.integers(2, 4))
        return Disease(Focal(radius, 5.0 * level, count, texture=0.4), **mix)
    if number % 4 < 2:
        return Disease(Diffuse(texture=1.2 * level, grain=float(chance.uniform(0.8, 1.2))), **mix)
    return Disease(Diffuse(haze=1.4 * level, texture=0.8 * level, grain=1.0), **mix)


BENIGN = Disease(Focal(0.04, -3.0, 2))
"""A benign finding: small dark spots, whatever the source."""
