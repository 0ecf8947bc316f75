"""The plants that a spike-in test tries one after another, until a network takes one up."""

from __future__ import annotations

import numpy as np

from biasaudit.edits.planting.signature import possible_kinds
from biasaudit.protocol import SpikeInSettings
from biasaudit.records import Plant

__all__ = ["kinds_to_plant", "ladder"]


def kinds_to_plant(settings: SpikeInSettings, channels: int) -> tuple[str, ...]:
    """Name the kinds that are asked for, default all, and that an input of so many channels can have."""
    possible = possible_kinds(colour=channels > 1)
    return possible if settings.kinds is None else tuple(kind for kind in settings.kinds if kind in possible)


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
    kinds = generator.permutation(kinds_to_plant(settings, channels)).tolist()
    groups = [tuple(kinds[start : start + settings.together]) for start in range(0, len(kinds), settings.together)]
    rising = [Plant(group, rung.strength, rung.mislabelled) for group in groups[:1] for rung in settings.rungs]
    last = settings.rungs[-1]
    return (*rising, *(Plant(group, last.strength, last.mislabelled) for group in groups[1 : settings.groups]))
