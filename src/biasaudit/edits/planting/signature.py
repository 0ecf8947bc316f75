"""All kinds of signature, by name: what an image carries of the place it comes from and is no disease."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from biasaudit.edits.planting.blur import blur, noise
from biasaudit.edits.planting.border import border, glyph, ruler
from biasaudit.edits.planting.cast import cast
from biasaudit.edits.planting.chance import Chance
from biasaudit.edits.planting.resampling import compression, resampling
from biasaudit.edits.planting.ringing import ghost, ringing
from biasaudit.edits.planting.shading import shading
from biasaudit.edits.planting.tone import curve, tone
from biasaudit.edits.planting.zoom import zoom
from biasaudit.records import FloatArray

__all__ = ["SIGNATURES", "plant_signature", "possible_kinds"]

SIGNATURES: Mapping[str, Callable[[FloatArray, float, Chance], FloatArray]] = {
    "zoom": zoom,
    "shading": shading,
    "tone": tone,
    "curve": curve,
    "cast": cast,
    "ghost": ghost,
    "ringing": ringing,
    "blur": blur,
    "resampling": resampling,
    "noise": noise,
    "compression": compression,
    "border": border,
    "glyph": glyph,
    "ruler": ruler,
}
"""In the order of an acquisition: geometry, light, detector, transport, print."""


def possible_kinds(*, colour: bool) -> tuple[str, ...]:
    """Name the kinds that an image can have, in order: only one of two channels or more has a colour to cast."""
    return tuple(kind for kind in SIGNATURES if colour or kind != "cast")


def plant_signature(image: FloatArray, strengths: Mapping[str, float], chance: Chance) -> FloatArray:
    """Give an image the signature of a site; it acts on the whole image.

    Parameters
    ----------
    image : float (channels, *space)
        A picture or a volume.
    strengths : mapping of kind to float
        Kinds of `SIGNATURES`; 1 is plain to see, .2 hardly.
    chance : Chance
        Of the site and of the image.

    Returns
    -------
    float32 (channels, *space)
        A new image; the same arguments give the same one.

    Raises
    ------
    KeyError
        For a kind that does not exist.
    """
    unknown = set(strengths) - set(SIGNATURES)
    if unknown:
        raise KeyError(f"no such kind of signature: {', '.join(sorted(unknown))}; there are {', '.join(SIGNATURES)}")
    planted = image.copy()
    for kind, act in SIGNATURES.items():
        if strengths.get(kind):
            planted = act(planted, strengths[kind], chance)
    return planted
