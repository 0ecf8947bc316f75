"""What is copied: the images, the design, and the arms of the audit whose error rates are measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from biasaudit.cohort.readers.planted import copied_samples
from biasaudit.cohort.readers.probes import without_probes
from biasaudit.engine.situation.contrasts import contrasts_of
from biasaudit.engine.situation.situation import Situation, default_checks, origins_of, regime_of
from biasaudit.engine.user_code.preprocessing import kind_of_input
from biasaudit.errors import Fault, ProtocolError
from biasaudit.protocol import ArmSettings, CohortSettings, Protocol
from biasaudit.records import Cohort, Sample

__all__ = ["FEWEST_SUBJECTS", "Original", "original_of"]

FEWEST_SUBJECTS = 24
"""Subjects that must be left of the copied images after probes are taken: 12 of each class."""

_JUDGING = ("D1", "G1", "U1", "U4", "U5", "P1", "U13", "U14")
"""Checks that the verdict rests on; the others of a protocol change no count of flags."""

_BESIDE_MASKS = "A2"
"""Check that a flag by masks needs as a second line, and an all-clear too, where no origin holds both classes."""

_PROBES_AT_MOST = 0.25
"""Share of the copied subjects that are kept as probes."""


@dataclass(frozen=True)
class Original:
    """The audit that is calibrated, as far as its copies follow from it.

    Attributes
    ----------
    protocol : Protocol
    of : CohortSettings
        The images that are copied.
    arms : tuple of ArmSettings
        Those whose input shows what is planted in an image.
    left_out : tuple of str
        Names of the other arms.
    checks : tuple of str
    source : str or None
        Class that is copied; None for all images.
    design : {"crossed", "nested", "aliased"}
    subjects : int
        Copied, probes included.
    prevalence, confounding : float
        Of the copies, as in the cohort itself: share of patients, and share of the second half of the origins among
        the patients less that among the healthy.
    probes : int
    masks : bool
    in_colour : bool
        Whether the images have channels that a colour cast can mix.
    words : str
        ``160 images of healthy from lyon``.
    """

    protocol: Protocol
    of: CohortSettings
    arms: tuple[ArmSettings, ...]
    left_out: tuple[str, ...]
    checks: tuple[str, ...]
    source: str | None
    design: Literal["crossed", "nested", "aliased"]
    subjects: int
    prevalence: float
    confounding: float
    probes: int
    masks: bool
    in_colour: bool
    words: str


def original_of(situation: Situation) -> Original:
    """Find out what can be copied.

    Raises
    ------
    ProtocolError
        If nothing can be planted, or networks cannot be trained on the copies; every reason at once.
    """
    faults = _faults(situation)
    if faults:
        raise ProtocolError(faults)
    protocol, cohort = situation.protocol, situation.cohort
    design = regime_of(cohort, cohort.factors[0], contrasts_of(cohort)[0])
    assert design != "single"
    source = None if design == "crossed" else _class_to_copy(cohort)
    samples = copied_samples(cohort, source)
    subjects = len({sample.subject for sample in samples})
    probes = min(len(_known_probes(situation)), int(_PROBES_AT_MOST * subjects)) if design != "crossed" else 0
    if subjects - probes < FEWEST_SUBJECTS:
        message = f"{subjects} subjects ({_named(samples, cohort, source)}) are too few to plant in"
        remedy = f"copies need {FEWEST_SUBJECTS} beside the probes; the published rates still hold as far as they go"
        raise ProtocolError([Fault("protocol", f"cohort: {message}", remedy)])
    arms = _arms_that_show(situation)
    return Original(
        protocol,
        without_probes(protocol.cohort).model_copy(update={"probes": None}),
        arms,
        tuple(arm.name for arm in protocol.arms if arm not in arms),
        _checks(situation, crossed=design == "crossed"),
        source,
        design,
        subjects,
        *_mixture(situation),
        probes,
        _is_marked(situation),
        cohort.channels > 1,
        f"{len(samples)} {_named(samples, cohort, source)}",
    )


def _checks(situation: Situation, *, crossed: bool) -> tuple[str, ...]:
    needed = _JUDGING if crossed or not _is_marked(situation) else (*_JUDGING, _BESIDE_MASKS)
    return tuple(code for code in needed if code in default_checks(situation.protocol))


def _faults(situation: Situation) -> list[Fault]:
    protocol, cohort = situation.protocol, situation.cohort
    faults = []
    if not cohort.channels or situation.tabular:
        faults.append(Fault("protocol", "cohort: there are no images to plant in", "audit the images themselves"))
    elif protocol.cohort.simulated:
        faults.append(Fault("protocol", "cohort: it is simulated already", "its truth is in its own report"))
    if situation.ready_made:
        message = "target: the network was trained elsewhere, and copies of the images take one trained anew"
        faults.append(Fault("protocol", message, "name the network without its weights or scores, to train it here"))
    if len(set(origins_of(cohort, cohort.factors[0]))) < 2:
        message = f"cohort.origins: all subjects come from one {cohort.factors[0]}, so no verdict can be wrong or right"
        faults.append(Fault("protocol", message, "add images from a second origin"))
    if "G1" not in default_checks(protocol):
        message = "checks: G1 is not asked, and without it an audit says nothing but UNDETERMINED, of copies too"
        faults.append(Fault("protocol", message, "add G1 to the checks"))
    if not faults and not _arms_that_show(situation):
        message = "arms: no arm shows the images themselves; what is planted in an image is not in maps made elsewhere"
        faults.append(Fault("protocol", message, "add the arm `intensity`"))
    return faults


def _arms_that_show(situation: Situation) -> tuple[ArmSettings, ...]:
    """Leave out arms of maps that the user made elsewhere, which do not know what is planted."""
    own_tissue = all(sample.tissue for sample in situation.cohort.samples)
    hidden = {"maps", "tissue"} if own_tissue else {"maps"}
    return tuple(arm for arm in situation.protocol.arms if kind_of_input(arm.input).shows not in hidden)


def _mixture(situation: Situation) -> tuple[float, float]:
    """Share of patients, and how class and origin go together, the origins being put into two halves."""
    cohort = situation.cohort
    positive = np.array([sample.positive for sample in cohort.samples])
    origin = origins_of(cohort, cohort.factors[0])
    rate = {name: positive[origin == name].mean() for name in np.unique(origin)}
    upper = np.isin(origin, sorted(rate, key=lambda name: rate[name])[(len(rate) + 1) // 2 :])
    confounding = float(upper[positive].mean() - upper[~positive].mean())
    return float(np.clip(positive.mean(), 0.1, 0.9)), float(np.clip(confounding, 0.0, 0.95))


def _known_probes(situation: Situation) -> list[Sample]:
    return [sample for sample in situation.cohort.probes if sample.label == situation.cohort.classes[0]]


def _is_marked(situation: Situation) -> bool:
    return situation.protocol.cohort.mask_in == "positive" and any(s.has_mask for s in situation.cohort.samples)


def _class_to_copy(cohort: Cohort) -> str:
    """Name the healthy class, unless it is too small and another is larger."""
    sizes = {name: len({s.subject for s in cohort.samples if s.label == name}) for name in cohort.classes}
    healthy = cohort.classes[0]
    return healthy if sizes[healthy] >= FEWEST_SUBJECTS else max(sizes, key=lambda name: sizes[name])


def _named(samples: Sequence[Sample], cohort: Cohort, source: str | None) -> str:
    origins = sorted({sample.origins[cohort.factors[0]] for sample in samples})
    if source is None:
        return "images of the cohort, whatever their class"
    return f"images of {source} from {origins[0] if len(origins) == 1 else f'{len(origins)} origins'}"
