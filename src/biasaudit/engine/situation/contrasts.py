"""More than two classes: one contrast per class against the rest, each of which is judged as two classes are.

The score of a contrast is the log odds of its class, the logit of its softmax probability: with two classes that is the
network's own logit. The margin over the mean of the other logits would be no score of a class at all, since it can be
high for a subject that the network assigns elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from biasaudit.records import Cohort, FloatArray, Sample

__all__ = ["Contrast", "class_index", "contrast_logits", "contrasts_of", "log_odds", "marked_classes"]


@dataclass(frozen=True)
class Contrast:
    """One question of class.

    Attributes
    ----------
    name : str or None
        The class held against the rest; None with two classes.
    index : int
        Place of the class among the classes.
    classes : tuple of str
        Names of the negative and of the positive side.
    positive : tuple of bool
        Side of every sample.
    """

    name: str | None
    index: int
    classes: tuple[str, str]
    positive: tuple[bool, ...]

    def explains(self, label: str) -> bool:
        """Whether subjects of a class are explained in this contrast: with two classes all, else those of its own."""
        return self.name in (None, label)

    @property
    def against_class(self) -> bool:
        """Whether the class is the negative side: patients of any kind are held against the healthy."""
        return self.index == 0


def contrasts_of(cohort: Cohort) -> tuple[Contrast, ...]:
    """Return one contrast with two classes, else one per class; that of the healthy class has its sign turned."""
    sick = tuple(sample.positive for sample in cohort.samples)
    if len(cohort.classes) == 2:
        return (Contrast(None, 1, (cohort.classes[0], cohort.classes[1]), sick),)
    healthy, *diseases = cohort.classes
    found = [Contrast(healthy, 0, (healthy, f"not {healthy}"), sick)]
    for index, name in enumerate(diseases, start=1):
        own = tuple(sample.label == name for sample in cohort.samples)
        found.append(Contrast(name, index, (f"not {name}", name), own))
    return tuple(found)


def class_index(cohort: Cohort, sample: Sample) -> int:
    """Place of a sample's class among the classes."""
    return int(sample.positive) if len(cohort.classes) == 2 else cohort.classes.index(sample.label)


def marked_classes(cohort: Cohort, mask_voxels: Sequence[int]) -> tuple[str, ...]:
    """Classes with a pathology mask for every sample, of which some hold anything; never a healthy one."""
    found = []
    for index, name in enumerate(cohort.classes):
        rows = [row for row, sample in enumerate(cohort.samples) if class_index(cohort, sample) == index]
        if rows and all(cohort.samples[row].has_mask for row in rows) and any(mask_voxels[row] for row in rows):
            found.append(name)
    return tuple(found)


def log_odds(logits: FloatArray, index: int, *, against_class: bool = False) -> FloatArray:
    """Log odds of one class by softmax.

    Parameters
    ----------
    logits : float (n, k)
        One column per class.
    index : int
    against_class : bool
        Odds against the class instead of for it.

    Returns
    -------
    float (n,)
    """
    others = np.asarray(logsumexp(np.delete(logits, index, axis=1), axis=1))
    odds: FloatArray = logits[:, index] - others
    return -odds if against_class else odds


def contrast_logits(logits: FloatArray, contrast: Contrast) -> FloatArray:
    """Reduce a network's outputs to the score that is judged.

    Parameters
    ----------
    logits : float (n, outputs)
        The one logit of two classes, or one per class.
    contrast : Contrast

    Returns
    -------
    float (n,)
    """
    if contrast.name is None:
        return np.asarray(logits[:, 0])
    return log_odds(logits, contrast.index, against_class=contrast.against_class)
