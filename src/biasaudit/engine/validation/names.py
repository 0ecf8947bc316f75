"""Whether every component and function that the protocol names exists."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from biasaudit import registry
from biasaudit.cohort.images.formats import read_geometry
from biasaudit.engine.situation.situation import default_checks
from biasaudit.engine.user_code.functions import find
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
    settings, known = protocol.attribution, registry.names("attribution")
    if settings.method not in known:
        message = f"attribution.method: no method {settings.method!r}"
        yield Fault("protocol", message, suggestion(settings.method, known))
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
    from biasaudit.engine.user_code.network import make_network  # imports torch, which a table does not need
    from biasaudit.networks.factory import NetworkSizes, build_network

    target = protocol.target
    build = make_network if target.weights or is_own(target.network) else build_network
    try:
        network = build(target.network, NetworkSizes(3, 1, 1), target.network_arguments)
    except UsageError as error:
        return [Fault("protocol", str(error))]
    modules = dict(network.named_modules())
    missing = [name for name in target.layers or () if name not in modules]
    return [Fault("protocol", f"target.layers: no module {name!r}", suggestion(name, modules)) for name in missing]
