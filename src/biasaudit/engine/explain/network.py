"""Maps of the images of a table by a network that no audit has seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from biasaudit import registry
from biasaudit.cohort.images.colour import colours_of, with_colour
from biasaudit.cohort.images.inspection import inspect_files, require_sound
from biasaudit.engine.explain.explanation import (
    NetworkFacts,
    Subject,
    Target,
    explained,
    plan_of,
    with_regions,
    write_explanations,
)
from biasaudit.engine.explain.request import Request, require_known, require_new, with_method
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.engine.steps.attribute import Baseline
from biasaudit.engine.steps.represent import transform
from biasaudit.engine.steps.train import device, to_device
from biasaudit.engine.user_code.matching import match_state
from biasaudit.engine.user_code.network import build_own, make_network
from biasaudit.engine.user_code.network_description import OwnNetwork
from biasaudit.engine.user_code.wall import walled
from biasaudit.engine.user_code.weights import State, read_state
from biasaudit.engine.validation.behaviour import Use, behaviour
from biasaudit.errors import DataError, UsageError
from biasaudit.networks.factory import NetworkSizes
from biasaudit.networks.preparation import initialised
from biasaudit.protocol import AttributionSettings, GridSettings, LabelSettings, TableCohort
from biasaudit.protocol.places import Places
from biasaudit.records import Cohort, Grid, Sample

__all__ = ["TrainedNetwork", "explain_network"]

_MOST_OUTPUTS = 20
_BATCH = 8
"""Images that the network is tried on at once."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A network of the user's, as the command line names it.

    Attributes
    ----------
    factory : str
        ``own.py:factory``, ``package.module:factory`` or the name of a known network.
    weights : Path
    """

    factory: str
    weights: Path


def explain_network(network: TrainedNetwork, table: Path, spacing: float | None, request: Request) -> None:
    """Explain images of a table by a network that no audit has seen.

    The images are compared with themselves, blurred, since nothing says which of them are healthy.

    Parameters
    ----------
    network : TrainedNetwork
    table : Path
        Manifest with the columns ``subject`` and ``image``.
    spacing : float or None
        Voxel size of the grid in mm; default: as the images are, but at least 4 mm.
    request : Request

    Raises
    ------
    UsageError, DataError
    """
    code = [("explain --network", network.factory), *([("explain --arm", request.arm)] if request.arm else [])]
    walled([(key, name) for key, name in code if ":" in name], _explained_network, network, table, spacing, request)


def _explained_network(network: TrainedNetwork, table: Path, spacing: float | None, request: Request) -> None:
    """Do what `explain_network` says in this process."""
    cohort = _read(table)
    require_known(request, [sample.subject for sample in cohort.samples], _representations(request))
    require_new(request.out)
    cohort, grid = _inspected(cohort, spacing)
    settings = with_method(AttributionSettings(baseline="blurred"), request.method)
    if registry.get("attribution", settings.method).needs == "healthy":
        raise UsageError(
            f"{settings.method} compares with healthy images, which a network without an audit does not have"
        )
    undirected, loaded = _fitted(network, cohort, grid, request)
    subjects = [replace(subject, output=_predicted(loaded.module, subject.image)) for subject in undirected]
    mean = np.mean([subject.image for subject in subjects], axis=0)
    target = Target(
        networks=(loaded.module,),
        baseline=with_regions(Baseline(settings.baseline, mean), settings, grid),
        grid=grid,
        classes=_class_names(loaded.outputs),
        method=settings.method,
        facts=_facts(network, loaded),
    )
    plan = plan_of(settings)
    places = Places.around(path for sample in cohort.samples for path in sample.files)
    write_explanations(list(explained(subjects, target, plan)), plan, request.out, places)


def _read(table: Path) -> Cohort:
    """Read subjects and images of a table that need not name classes or origins."""
    settings = TableCohort(
        reader="table", table=table, label=LabelSettings(column="label", positive="pathology"), origins=["origin"]
    )
    cohort: Cohort = registry.get("reader", "table")().read(settings, labelled=False)
    return cohort


def _representations(request: Request) -> list[str]:
    """Name the inputs that may be asked for: those registered, and a function of the user's."""
    own = [request.arm] if request.arm and ":" in request.arm else []
    return [*registry.names("representation"), *own]


def _inspected(cohort: Cohort, spacing: float | None) -> tuple[Cohort, Grid]:
    """See which pictures are in colour, and choose the grid of the images, which must all be sound."""
    settings = GridSettings.model_validate({"spacing": spacing})
    inspection = inspect_files(cohort, settings, {})
    require_sound(inspection)
    grid: Grid = registry.get("reader", "table")().grid(cohort, settings)
    return with_colour(cohort, colours_of(cohort, inspection.facts, "auto")), grid


def _fitted(network: TrainedNetwork, cohort: Cohort, grid: Grid, request: Request) -> tuple[list[Subject], _Loaded]:
    """Load images and network; pictures in colour are read in grey where the network takes no colour."""
    subjects = list(_subjects(cohort, grid, request))
    try:
        return subjects, _loaded(network, subjects[0].image.shape)
    except (DataError, UsageError):
        if not cohort.samples[0].colour:
            raise
        in_grey = list(_subjects(with_colour(cohort, ()), grid, request))
        try:
            loaded = _loaded(network, in_grey[0].image.shape)
        except (DataError, UsageError):
            loaded = None
        if loaded is None:
            raise
    said = "the network takes no colour: the pictures were read in grey"
    return in_grey, replace(loaded, notes=(*loaded.notes, said))


def _subjects(cohort: Cohort, grid: Grid, request: Request) -> Iterator[Subject]:
    """Load the images that are asked for; which class is explained is not known yet."""
    reader = registry.get("reader", "table")()
    for sample in cohort.samples:
        if not request.subjects or sample.subject in request.subjects:
            plain: Sample = replace(sample, label="", origins={})
            volume = reader.load(sample, grid, "auto")
            yield Subject(plain, volume, transform(request.arm or "intensity", volume, grid))


def _class_names(outputs: int) -> tuple[str, ...]:
    return ("the other class", "pathology") if outputs == 1 else tuple(f"output {n}" for n in range(outputs))


def _facts(network: TrainedNetwork, loaded: _Loaded) -> NetworkFacts:
    return {
        "Network": network.factory,
        "Weights": str(network.weights),
        "Notes": list(loaded.notes),
        "HeldOut": "unknown",
    }


@dataclass(frozen=True)
class _Loaded:
    """The user's network with its weights; it returns logits whatever it returned itself."""

    module: torch.nn.Module
    outputs: int
    notes: tuple[str, ...]


def _loaded(network: TrainedNetwork, shape: tuple[int, ...]) -> _Loaded:
    """Build the user's network for images of a shape (channels, *voxels), and load its weights."""
    state, read = read_state(network.weights)
    sizes = NetworkSizes(len(shape) - 1, shape[0], 1)
    fitting = _fitting(network, state, sizes, shape)
    trained = initialised(make_network(network.factory, sizes, fitting.arguments), shape)
    trained.load_state_dict(fitting.state)
    with one_thread():
        found = behaviour(trained, Use(shape, _BATCH), "auto")
    known = found.convention
    outputs = 1 if known.outputs <= 2 else known.outputs
    own = OwnNetwork(network.factory, fitting.arguments, known, cares=found.cares)
    built = initialised(build_own(own, sizes._replace(out_channels=outputs)), shape)
    built.load_state_dict(fitting.state)
    raw = known.scale in ("logits", "log_softmax")
    said = f"the network returns {known.scale}" if raw else f"{known.scale} turned into logits"
    return _Loaded(to_device(built).eval(), outputs, (*read, *fitting.notes, said))


@dataclass(frozen=True)
class _Fitting:
    """Arguments of the factory that make the weights fit, and the weights under the network's own names."""

    arguments: Mapping[str, Any]
    state: State
    notes: tuple[str, ...]


def _fitting(network: TrainedNetwork, state: State, sizes: NetworkSizes, shape: tuple[int, ...]) -> _Fitting:
    """Find the number of outputs that the weights fit, where the factory asks for it."""
    first: DataError | None = None
    for outputs in range(1, _MOST_OUTPUTS + 1):
        candidate = initialised(make_network(network.factory, sizes._replace(out_channels=outputs), {}), shape)
        try:
            matched, notes = match_state(candidate, state, network.weights)
        except DataError as error:
            first = first or error
            continue
        return _Fitting({"out_channels": outputs} if outputs > 1 else {}, matched, notes)
    assert first is not None
    raise first


@torch.no_grad()
def _predicted(network: torch.nn.Module, image: np.ndarray) -> int | None:
    """Class that is explained: the one the network predicts, or None for a single logit."""
    logits = network(torch.from_numpy(image[None]).to(device()))
    return None if logits.shape[1] == 1 else int(logits.argmax())
