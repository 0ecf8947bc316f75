"""Say what scored images of known class and origin show: the answer key to what an audit can only infer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from biasaudit.stats.answer_key import AnswerKey, answer_key

__all__ = ["Scored", "answer_lines"]

_MOST_CELLS = 40


@dataclass(frozen=True)
class Scored:
    """A scored image of known class and origin.

    Attributes
    ----------
    subject, label, origin : str
    positive : bool
    score : float
        Log odds of the positive side.
    """

    subject: str
    label: str
    origin: str
    positive: bool
    score: float


def answer_lines(images: Sequence[Scored], factor: str, positive: str) -> list[str]:
    """Write the mean score of every class and origin, what separates the scores, and what that means.

    Parameters
    ----------
    images : sequence of Scored
        Several of one subject are averaged.
    factor : str
        Origin factor.
    positive : str
        Class that high scores speak for.

    Returns
    -------
    list of str
        Empty where no image has a known class and origin.
    """
    subjects = _per_subject([image for image in images if image.label and image.origin])
    if not subjects:
        return []
    key = answer_key(
        [own.score for own in subjects],
        [own.positive for own in subjects],
        [own.label for own in subjects],
        [own.origin for own in subjects],
    )
    head = f"answer key by {factor}, {len(subjects)} subjects: mean score (above 0 speaks for {positive})"
    shown = [f"  {cell.label} from {cell.origin}: {cell.mean:+.2f} ({cell.n})" for cell in key.cells[:_MOST_CELLS]]
    more = len(key.cells) - len(shown)
    return [head, *shown, *([f"  and {more} more cells"] if more else []), *(f"  {text}" for text in _meaning(key))]


def _per_subject(images: Sequence[Scored]) -> list[Scored]:
    """Average the images of a subject that are of one class and origin."""
    grouped: dict[tuple[str, str, str], list[Scored]] = {}
    for image in images:
        grouped.setdefault((image.subject, image.label, image.origin), []).append(image)
    return [
        Scored(own[0].subject, own[0].label, own[0].origin, own[0].positive, float(np.mean([i.score for i in own])))
        for own in grouped.values()
    ]


def _meaning(key: AnswerKey) -> Iterator[str]:
    """Say what the numbers tell of disease and source, as far as there are both."""
    if np.isfinite(key.overall):
        yield f"class: AUC {key.overall:.2f} over all subjects"
    if np.isfinite(key.inside_origin):
        yield f"class inside an origin: AUC {key.inside_origin:.2f}, which the source cannot explain"
    if np.isfinite(key.inside_class):
        yield f"origin inside a class: AUC {key.inside_class:.2f} in the mean of two origins, which is no disease"
    if not np.isfinite(key.inside_origin):
        yield "no origin holds two subjects of both classes: this cannot part disease from source; add the missing"
    elif np.isfinite(key.origin_over_class).all():
        yield _followed(*key.origin_over_class)


def _followed(low: float, high: float) -> str:
    """Say which of the two the scores follow, where chance does not explain it."""
    if low <= 0 <= high:
        return "these images are too few, or the two too much alike, to say which of them the scores follow more"
    more, less = ("origin", "class") if low > 0 else ("class", "origin")
    return f"on these images the scores follow the {more} more than the {less}"
