"""The plants that a spike-in test tries one after another, until a network takes one up."""

from __future__ import annotations

import numpy as np

from biasaudit.edits.planting.signature import SIGNATURES
from biasaudit.protocol import SpikeInSettings
from biasaudit.records import Plant

__all__ = ["ladder", "possible_kinds"]

_COLOUR = "cast"


def possible_kinds(settings: SpikeInSettings, channels: int) -> tuple[str, ...]:
    """Name the kinds that can be planted in an input: a colour cast takes two channels or more."""
    wanted = SIGNATURES if settings.kinds is None else settings.kinds
    return tuple(kind for kind in wanted if channels > 1 or kind != _COLOUR)


def ladder(settings: SpikeInSettings, channels: int, generator: np.random.Generator) -> tuple[Plant, ...]:
    """Draw the rungs: some kinds together, which are ever harder to do without; then other kinds on the last rung.

    Parameters
    ----------
    settings : SpikeInSettings
    channels : int
        Of the network's input.
    generator : Generator
        Decides which kinds come first.

    Returns
    -------
    tuple of Plant
        Empty where no kind that is asked for can be planted.
    """
    kinds = generator.permutation(possible_kinds(settings, channels)).tolist()
    groups = [tuple(kinds[start : start + settings.together]) for start in range(0, len(kinds), settings.together)]
    rising = [Plant(group, rung.strength, rung.mislabelled) for group in groups[:1] for rung in settings.rungs]
    last = settings.rungs[-1]
    return (*rising, *(Plant(group, last.strength, last.mislabelled) for group in groups[1 : settings.groups]))
