"""Check before anything runs what was made outside of the audit: a trained network, or held-out scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from biasaudit import registry
from biasaudit.cohort.folds import assign_folds
from biasaudit.cohort.split import split_folds, split_notes
from biasaudit.engine.arguments.inputs import OwnInput
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.engine.situation.situation import source_channels
from biasaudit.engine.user_code.matching import match_state
from biasaudit.engine.user_code.network import make_network
from biasaudit.engine.user_code.network_description import OutputConvention, OwnNetwork
from biasaudit.engine.user_code.preprocessing import kind_of_input, representation_of
from biasaudit.engine.user_code.sources import is_own
from biasaudit.engine.user_code.weights import read_state
from biasaudit.engine.validation.behaviour import Behaviour, Use, behaviour
from biasaudit.errors import DataError, Fault, ProtocolError, UsageError, suggestion
from biasaudit.networks.factory import NetworkSizes
from biasaudit.networks.preparation import initialised
from biasaudit.protocol import ArmSettings, Protocol, TargetSettings
from biasaudit.records import Cohort, Grid
from biasaudit.representations.representation import Harmonising

__all__ = ["GIVEN", "ReadyMade", "fitted_to_cohort", "folds_of", "probe_ready_made_network"]

GIVEN = "given"
"""Name of the arm where there are scores and no images."""

FEATURES = "features"
"""Representation of a feature table."""

_SAID = {
    "logits": "logits",
    "log_softmax": "logarithms of probabilities (a log-softmax, which serves as logits)",
    "sigmoid": "probability (turned into its logit)",
    "softmax": "probabilities (of all classes, turned into logarithms)",
}


def _said(known: OutputConvention) -> str:
    one = known.outputs == 1 and known.scale == "logits"
    return "one logit" if one else f"{known.outputs} {_SAID[known.scale]}"


def folds_of(cohort: Cohort, protocol: Protocol) -> list[int]:
    """Return the fold that holds each sample out, or -1 for what an already trained target has seen."""
    if protocol.target.weights:
        return [int(fold) for fold in split_folds(cohort, protocol)]
    return [int(fold) for fold in assign_folds(cohort, protocol.folds.n, protocol.folds.seed)]


def fitted_to_cohort(protocol: Protocol, cohort: Cohort) -> Protocol:
    """Fit the protocol to what is given: one arm where there are no images, as many folds as files of weights."""
    weights = protocol.target.weights or []
    if weights and len(protocol.arms) > 1:
        raise ProtocolError(
            [Fault("arms", "an already trained network takes one input", "name the arm that it was trained on")]
        )
    if weights and any(sample.scores for sample in cohort.samples):
        message = "both a network's weights and its scores are given"
        raise ProtocolError([Fault("target.weights", message, "leave out `cohort.score` and `cohort.predictions`")])
    if len(weights) > 1:
        protocol = protocol.model_copy(update={"folds": protocol.folds.model_copy(update={"n": len(weights)})})
    if cohort.features:
        protocol = _for_features(protocol, len(cohort.features))
    if not cohort.channels and any(sample.scores for sample in cohort.samples):
        return protocol.model_copy(update={"arms": [ArmSettings(name=GIVEN, representation=GIVEN)]})
    return protocol


def _for_features(protocol: Protocol, count: int) -> Protocol:
    """Fit the protocol to a feature table: its inputs, and the network for tables unless another is named."""
    known = [name for name in registry.names("representation") if kind_of_input(name).shows == "features"]
    inputs = ", ".join(sorted(known, key=lambda name: issubclass(kind_of_input(name), Harmonising)))
    faults = [
        Fault(f"arms.{number}", f"a feature table has no {arm.representation!r}", f"its inputs are {inputs}")
        for number, arm in enumerate(protocol.arms)
        if arm.representation not in ("intensity", *known)
    ]
    if faults:
        raise ProtocolError(faults)
    target = protocol.target
    if target.network in ("cnn", "mlp"):
        arguments = {"features": count, **target.network_arguments}
        target = target.model_copy(update={"network": "mlp", "network_arguments": arguments})
    arms = list(dict.fromkeys(_of_features(arm) for arm in protocol.arms))
    learned = protocol.learned.model_copy(update={"enabled": False})
    return protocol.model_copy(update={"target": target, "arms": arms, "learned": learned})


def _of_features(arm: ArmSettings) -> ArmSettings:
    """Read the default arm `intensity` as `features`."""
    if arm.representation != "intensity":
        return arm
    name = FEATURES if arm.name == "intensity" else arm.name
    return arm.model_copy(update={"name": name, "representation": FEATURES})


@dataclass(frozen=True)
class ReadyMade:
    """Findings of the probe of the user's own network.

    Attributes
    ----------
    network : OwnNetwork or None
        None for networks of the tool.
    notes : tuple of str
        What the report says of it.
    """

    network: OwnNetwork | None = None
    notes: tuple[str, ...] = ()


def probe_ready_made_network(
    protocol: Protocol, cohort: Cohort, grid: Grid, folds: Sequence[int], own_inputs: Mapping[str, OwnInput]
) -> ReadyMade:
    """Load the user's own network once, with its weights, and see what it returns.

    Parameters
    ----------
    protocol : Protocol
    cohort : Cohort
    grid : Grid
    folds : sequence of int
        As `folds_of` gives them.
    own_inputs : mapping of name to OwnInput
        Functions of the user's that make the inputs of arms.

    Raises
    ------
    ProtocolError, DataError
        What keeps the network from being audited.
    """
    target = protocol.target
    if _scores_alone(cohort):
        return ReadyMade()
    sizes = NetworkSizes(grid.dimensions, _input_channels(protocol, cohort, own_inputs), _logits(cohort))
    if _comes_as_it_is(target):
        if target.layers:
            _require_layers(make_network(target.network, sizes, target.network_arguments), target)
        return ReadyMade()
    try:
        found, notes = _looked_at(target, sizes, grid)
    except (DataError, UsageError) as error:
        _require_other_channels(target, sizes, grid, cohort)
        raise ProtocolError([Fault("protocol", str(error))]) if isinstance(error, UsageError) else error from None
    if (
        not (target.weights or is_own(target.network))
        and found.plain
        and found.convention.outputs == sizes.out_channels
    ):
        return ReadyMade()
    try:
        order = _order(protocol, cohort, found.convention)
    except UsageError as error:
        raise ProtocolError([Fault("protocol", str(error))]) from None
    if target.weights:
        notes += [*split_notes(cohort, folds), f"the target {target.network} returns {_said(found.convention)}"]
    own = OwnNetwork(target.network, target.network_arguments, found.convention, tuple(order), cares=found.cares)
    return ReadyMade(own, tuple(dict.fromkeys(notes)))


def _scores_alone(cohort: Cohort) -> bool:
    return any(sample.scores for sample in cohort.samples) and not cohort.channels


def _comes_as_it_is(target: TargetSettings) -> bool:
    """Whether the network is one of the tool's, as it comes: nothing about it has to be found out."""
    return target.of_the_tool and not target.weights


def _looked_at(target: TargetSettings, sizes: NetworkSizes, grid: Grid) -> tuple[Behaviour, list[str]]:
    """Build the network, load its weights and see what it does with images of those sizes."""
    use = Use((sizes.in_channels, *grid.shape), target.training.batch_size)
    network = initialised(make_network(target.network, sizes, target.network_arguments), use.shape)
    _require_layers(network, target)
    notes = _load_weights(network, target.weights or [])
    with one_thread():
        found = behaviour(network, use, target.outputs)
    return found, notes


def _require_layers(network: nn.Module, target: TargetSettings) -> None:
    modules = dict(network.named_modules())
    missing = [name for name in target.layers or () if name not in modules]
    faults = [Fault("protocol", f"target.layers: no module {name!r}", suggestion(name, modules)) for name in missing]
    if faults:
        raise ProtocolError(faults)


def _require_other_channels(target: TargetSettings, sizes: NetworkSizes, grid: Grid, cohort: Cohort) -> None:
    """Say so where a network would take the pictures in grey instead of in colour, or three channels instead of one."""
    if grid.dimensions != 2:
        return
    coloured = sum(cohort.samples[0].colour)
    others = sizes.in_channels - 2 * coloured if coloured else 3 if sizes.in_channels == 1 else 0
    if not others:
        return
    try:
        _looked_at(target, sizes._replace(in_channels=others), grid)
    except (DataError, UsageError):
        return
    what = "in colour" if coloured else "in grey"
    message = f"{target.network} takes {others} channels, and the pictures are {what}, {sizes.in_channels} channels"
    remedy = "set `cohort.colour: grey`" if coloured else "set `arms: [imagenet]`, which repeats a grey channel"
    raise ProtocolError([Fault("target.network", message, remedy)])


def _input_channels(protocol: Protocol, cohort: Cohort, own_inputs: Mapping[str, OwnInput]) -> int:
    """Count the channels of the input of the first arm."""
    name = protocol.arms[0].input
    representation = representation_of(name, own_inputs.get(name))
    return representation.channels(source_channels(cohort, name))


def _logits(cohort: Cohort) -> int:
    """Count the logits of a target: one for two classes, else one for each."""
    return 1 if len(cohort.classes) == 2 else len(cohort.classes)


def _load_weights(network: nn.Module, files: Sequence[Path]) -> list[str]:
    """Load every file of weights into the network, one after the other, and return what was renamed."""
    notes: list[str] = []
    for path in files:
        state, said = read_state(path)
        state, renamed = match_state(network, state, path)
        network.load_state_dict(state)
        notes += [*said, *renamed]
    return notes


def _order(protocol: Protocol, cohort: Cohort, known: OutputConvention) -> list[int]:
    """Columns of the network's outputs in the order of the cohort's classes; empty where that is theirs."""
    stated, classes = protocol.target.output_classes, cohort.classes
    count = len(classes)
    if known.outputs != count and not (known.outputs == 1 and count == 2):
        raise UsageError(
            f"target.network: it returns {known.outputs} outputs for {count} classes ({', '.join(classes)}); "
            "audit a network of these classes, or name its classes by `cohort.label`"
        )
    if stated is None:
        return []
    if sorted(stated) != sorted(classes):
        raise UsageError(
            f"target.output_classes: {', '.join(stated)} are not the classes of the cohort ({', '.join(classes)}); "
            "name each once, in the order of the outputs"
        )
    if known.outputs == 1:
        raise UsageError(
            "target.output_classes: a network with one output gives the score of the pathology; leave it out"
        )
    order = [stated.index(name) for name in classes]
    return [] if order == list(range(count)) else order
