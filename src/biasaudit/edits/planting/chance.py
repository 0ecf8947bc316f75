"""The two random streams of a planted image: what a whole site shares, and what is one image's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biasaudit import seeds

__all__ = ["Chance", "chance"]


@dataclass(frozen=True)
class Chance:
    """Where a signature gets its randomness from.

    Attributes
    ----------
    site : Generator
        Of the same seed for every image of a site: the shape of its shading, where its marker lies.
    image : Generator
        Of the image alone: its noise, how its marker was placed by hand.
    """

    site: np.random.Generator
    image: np.random.Generator


def chance(master: int, site: str, image: str) -> Chance:
    """Make both streams of one image.

    Parameters
    ----------
    master : int
        Seed of the cohort.
    site, image : str
        Names; the same ones give the same streams.
    """
    own = seeds.generator(master, "planting", "site", site), seeds.generator(master, "planting", "image", image)
    return Chance(*own)
