"""The user's own preprocessing as the input of an arm: one image in, one network input out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from biasaudit.engine.arguments.inputs import OwnInput
from biasaudit.engine.user_code.functions import call, find
from biasaudit.errors import Fault, ProtocolError, UsageError, failure
from biasaudit.protocol import ArmSettings, Protocol
from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import get, names
from biasaudit.representations.representation import Representation, Shown

__all__ = ["import_string_of", "kind_of_input", "representation_of", "try_inputs"]

_KEY = "arms"
# Inputs are stored in half precision.
_LARGEST = float(np.finfo(np.float16).max)


class OwnRepresentation:
    """A function of the user's where a registered representation would stand.

    Parameters
    ----------
    function : str
        Import string.
    channels : int or None
        Channels that are expected; None accepts any.
    """

    shows: ClassVar[Shown] = "image"
    shows_pathology: ClassVar[bool] = True
    needs_priors: ClassVar[bool] = False
    remedy: ClassVar[str] = ""
    caution: ClassVar[str] = ""

    def __init__(self, function: str, channels: int | None) -> None:
        self._name = function
        self._channels = channels
        self._function = find(function, _KEY)

    def channels(self, image_channels: int) -> int:
        """Return what the function returned for the first image."""
        return self._channels or image_channels

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the network input, float32 (channels, *shape).

        The function is handed copies of ``image`` (channels, *shape) and ``foreground`` (*shape), and ``spacing`` (mm
        per axis), as far as it has parameters for them; never the pathology mask, which would give the label away.

        Raises
        ------
        UsageError
            If it fails, or returns anything but finite numbers on the grid.
        """
        offered = {"image": volume.image.copy(), "spacing": grid.spacing, "foreground": volume.foreground.copy()}
        made = self._numbers(call(self._function, _KEY, self._name, offered))
        if made.shape == grid.shape:
            made = made[None]
        self._require_on_grid(made, grid)
        self._require_storable(made)
        return made

    def _numbers(self, returned: object) -> FloatArray:
        try:
            return np.asarray(returned, dtype=np.float32)
        except (TypeError, ValueError) as error:
            kind = type(returned).__name__
            raise self._refused(f"returned a {kind}, expected an array of numbers ({failure(error)})") from None

    def _require_on_grid(self, made: FloatArray, grid: Grid) -> None:
        if made.shape[1:] != grid.shape or not len(made):
            expected = _by(grid.shape)
            raise self._refused(f"returned shape {_by(made.shape)}, expected {expected} or channels x {expected}")
        if self._channels and len(made) != self._channels:
            raise self._refused(f"returned {len(made)} channels, but {self._channels} for the first image")

    def _require_storable(self, made: FloatArray) -> None:
        bad = int((~np.isfinite(made)).sum())
        if bad:
            raise self._refused(f"returned NaN or infinity in {bad} of {made.size} values; look for divisions by 0")
        largest = float(np.abs(made).max())
        if largest > _LARGEST:
            raise self._refused(
                f"returned values up to {largest:.3g}; inputs are stored in half precision, at most {_LARGEST:g}: "
                "standardise them"
            )

    def _refused(self, why: str) -> UsageError:
        return UsageError(f"{_KEY}: {self._name} {why}")


def kind_of_input(name: str) -> type[Representation]:
    """Return what says of an input what it shows: the class that is registered, or that of functions of the user's.

    Scores that are given in place of a network have no input; they count as made from the image too.
    """
    return get("representation", name) if name in names("representation") else OwnRepresentation


def representation_of(name: str, own: OwnInput | None = None) -> Representation:
    """Return a registered representation, or the user's function.

    Parameters
    ----------
    name : str
        Registered name, or import string.
    own : OwnInput, optional
        Goes before the name.
    """
    if own is not None:
        return OwnRepresentation(own.function, own.channels)
    return OwnRepresentation(name, None) if ":" in name else get("representation", name)()


def import_string_of(protocol: Protocol, name: str) -> str:
    """Return where the representation of that name is found; see `ArmSettings.input`.

    Raises
    ------
    UsageError
        It is a function that no arm of the protocol names.
    """
    found = next((arm.representation for arm in protocol.arms if arm.input == name), name)
    if ":" in found and found not in [arm.representation for arm in protocol.arms]:
        raise UsageError(f"{_KEY}: no arm of the protocol is made by {name}; the run is damaged: rerun the audit")
    return found


def try_inputs(arms: list[ArmSettings], volume: Volume, grid: Grid, codes: Mapping[str, str]) -> dict[str, OwnInput]:
    """Run the user's functions twice on one image.

    Parameters
    ----------
    arms : list of ArmSettings
    volume : Volume
    grid : Grid
    codes : mapping of import string to hash of its module

    Returns
    -------
    dict
        `ArmSettings.input` -> OwnInput, for arms with a function.

    Raises
    ------
    ProtocolError
        Every fault at once.
    """
    faults, found = [], {}
    for representation, name in {arm.representation: arm.input for arm in arms if ":" in arm.representation}.items():
        try:
            if name in found:
                raise UsageError(f"{_KEY}: two files hold {name}; rename one of them")
            channels = _channels_made(representation, volume, grid)
            found[name] = OwnInput(representation, codes[representation], channels)
        except UsageError as error:
            faults.append(Fault("protocol", str(error)))
    if faults:
        raise ProtocolError(faults)
    return found


def _channels_made(name: str, volume: Volume, grid: Grid) -> int:
    representation = OwnRepresentation(name, None)
    first, second = (representation.transform(volume, None, grid) for _ in range(2))
    if not np.array_equal(first, second):
        remedy = "draw no random numbers, or from a generator with a fixed seed"
        raise UsageError(f"{_KEY}: {name} returned another result for the same image; {remedy}")
    if first.min() == first.max():
        raise UsageError(f"{_KEY}: {name} returned {first.min():g} everywhere for the first image")
    return len(first)


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "of a single number"
