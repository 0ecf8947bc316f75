"""Whether every component and function that the protocol names exists."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from biasaudit import registry
from biasaudit.attributions.captum_table import refusal
from biasaudit.cohort.images.formats import read_geometry
from biasaudit.engine.situation.situation import default_checks
from biasaudit.engine.user_code.functions import find, takes
from biasaudit.engine.user_code.sources import is_own
from biasaudit.engine.validation.trial import functions_missing
from biasaudit.errors import DataError, Fault, ProtocolError, UsageError, suggestion
from biasaudit.protocol import Protocol

__all__ = ["require_known_names"]


def require_known_names(protocol: Protocol) -> None:
    """Refuse names of checks, representations, methods and functions that do not exist, all at once.

    They are checked here because the protocol does not know the components.
    """
    faults = [
        *_representation_faults(protocol),
        *_check_faults(protocol),
        *_attribution_faults(protocol),
        *_network_faults(protocol),
        *functions_missing(protocol.target.training),
    ]
    if faults:
        raise ProtocolError(faults)


def _representation_faults(protocol: Protocol) -> Iterator[Fault]:
    known = registry.names("representation")
    for position, arm in enumerate(protocol.arms):
        if ":" in arm.representation:
            yield from _function_faults(arm.representation, f"arms.{position}")
        elif arm.representation not in known:
            message = f"arms.{position}: no representation {arm.representation!r}"
            yield Fault("protocol", message, suggestion(arm.representation, known))


def _check_faults(protocol: Protocol) -> Iterator[Fault]:
    known = registry.names("check")
    for code in default_checks(protocol):
        if code not in known:
            yield Fault("protocol", f"checks: no check {code!r}", suggestion(code, known))


def _attribution_faults(protocol: Protocol) -> Iterator[Fault]:
    from biasaudit.attributions.captum_methods import argument_faults  # imports torch

    settings, known = protocol.attribution, registry.names("attribution")
    if settings.method not in known:
        message = f"attribution.method: no method {settings.method!r}"
        yield Fault("protocol", message, refusal(settings.method) or suggestion(settings.method, known))
    else:
        for message in argument_faults(settings.method, settings.arguments):
            yield Fault("protocol", f"attribution.arguments: {message}")
    if settings.atlas is not None:
        yield from _atlas_faults(settings.atlas)


def _atlas_faults(atlas: Path) -> Iterator[Fault]:
    try:
        read_geometry(str(atlas))
    except DataError as error:
        missing = not os.path.lexists(atlas)
        reason = f"no such file {atlas}" if missing else f"{atlas}: {error.faults[0].message}"
        yield Fault("protocol", f"attribution.atlas: {reason}", "give the path of a label image")


def _function_faults(name: str, key: str) -> list[Fault]:
    try:
        find(name, key)
    except UsageError as error:
        return [Fault("protocol", str(error))]
    return []


def _network_faults(protocol: Protocol) -> list[Fault]:
    """Look for the factory and hold its arguments against its parameters; it is called where the sizes are known."""
    # Imports torch, which a table does not need.
    from biasaudit.networks.factory import argument_fault, network_factory

    target = protocol.target
    try:
        named = is_own(target.network)
        factory = find(target.network, "target.network") if named else network_factory(target.network)
    except UsageError as error:
        return [Fault("protocol", str(error))]
    fault = argument_fault(factory, {**_sizes_taken(factory), **target.network_arguments})
    return [Fault("protocol", f"target.network: {target.network} {fault}")] if fault else []


def _sizes_taken(factory: Callable[..., Any]) -> dict[str, int]:
    """Sizes of which a factory has parameters, to be handed to it."""
    return {name: 1 for name in ("spatial_dims", "in_channels", "out_channels") if takes(factory, name)}
