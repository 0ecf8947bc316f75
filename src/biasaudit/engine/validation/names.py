"""Whether every component and function that the protocol names exists."""

from __future__ import annotations

from biasaudit import registry
from biasaudit.engine.situation.situation import default_checks
from biasaudit.engine.user_code.functions import find, is_own
from biasaudit.engine.validation.trial import functions_missing
from biasaudit.errors import Fault, ProtocolError, UsageError, suggestion
from biasaudit.protocol import Protocol

__all__ = ["require_known_names"]


def require_known_names(protocol: Protocol) -> None:
    """Refuse names of checks, representations, methods and functions that do not exist, all at once.

    They are checked here because the protocol does not know the components.
    """
    faults = []
    for position, arm in enumerate(protocol.arms):
        if ":" in arm.representation:
            faults.extend(_function_faults(arm.representation, f"arms.{position}"))
        elif arm.representation not in registry.names("representation"):
            remedy = suggestion(arm.representation, registry.names("representation"))
            faults.append(Fault("protocol", f"arms.{position}: no representation {arm.representation!r}", remedy))
    for code in default_checks(protocol):
        if code not in registry.names("check"):
            faults.append(Fault("protocol", f"checks: no check {code!r}", suggestion(code, registry.names("check"))))
    if protocol.attribution.method not in registry.names("attribution"):
        remedy = suggestion(protocol.attribution.method, registry.names("attribution"))
        faults.append(Fault("protocol", f"attribution.method: no method {protocol.attribution.method!r}", remedy))
    atlas = protocol.attribution.atlas
    if atlas is not None and not atlas.is_file():
        faults.append(Fault("protocol", f"attribution.atlas: no such file {atlas}", "give the path of a label image"))
    faults.extend(_network_faults(protocol))
    faults.extend(functions_missing(protocol.target.training))
    if faults:
        raise ProtocolError(faults)


def _function_faults(name: str, key: str) -> list[Fault]:
    try:
        find(name, key)
    except UsageError as error:
        return [Fault("protocol", str(error))]
    return []


def _network_faults(protocol: Protocol) -> list[Fault]:
    from biasaudit.engine.user_code.network import make_network  # imports torch, which a table does not need
    from biasaudit.networks.factory import build_network

    target = protocol.target
    build = make_network if target.weights or is_own(target.network) else build_network
    try:
        network = build(target.network, (3, 1, 1), target.network_arguments)
    except UsageError as error:
        return [Fault("protocol", str(error))]
    modules = dict(network.named_modules())
    missing = [name for name in target.layers or () if name not in modules]
    return [Fault("protocol", f"target.layers: no module {name!r}", suggestion(name, modules)) for name in missing]
