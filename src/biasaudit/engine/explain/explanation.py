"""Attribution maps of single subjects, and the files that they are written to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch

from biasaudit import registry
from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.meaning import meaning
from biasaudit.attributions.regions import supervoxels
from biasaudit.cohort.images.atlas import read_atlas
from biasaudit.cohort.images.export import write_volume
from biasaudit.cohort.images.own_grid import on_own_grid, write_picture
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.engine.results.maps import Mapped, colour_limit, showing_pathology, slices_of
from biasaudit.engine.steps.attribute import AttributionPlan, Baseline, complete_maps
from biasaudit.engine.steps.train import device
from biasaudit.protocol import AttributionSettings
from biasaudit.protocol.places import Places
from biasaudit.records import Grid, Sample, Volume, file_label
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.owned import OwnedFiles

__all__ = [
    "Explanation",
    "NetworkFacts",
    "Subject",
    "Target",
    "explained",
    "plan_of",
    "with_regions",
    "write_explanations",
]

_LONGEST_NAME = 120
"""Bytes; file systems take names of 255, and method, grid and extension follow."""


@dataclass(frozen=True)
class Subject:
    """One image to explain.

    Attributes
    ----------
    sample : Sample
    volume : Volume
        On the common grid.
    image : float32 (channels, *shape)
        Network input.
    output : int or None
        Class explained; None is the single logit.
    """

    sample: Sample
    volume: Volume
    image: np.ndarray
    output: int | None = None


class NetworkFacts(TypedDict, total=False):
    """Architecture and source of a network, as the sidecar of its maps states them."""

    Network: str
    Run: str
    Arm: str
    Caution: str
    Fold: int
    Networks: int
    Weights: str
    Notes: list[str]
    HeldOut: bool | str


class Sidecar(NetworkFacts, total=False):
    """The JSON file beside a map."""

    Description: str
    Subject: str
    Label: str
    Origins: dict[str, str]
    Method: str
    Evidence: bool
    Baseline: str
    ClassExplained: str
    Sign: str
    Ends: tuple[str, str]
    Units: str
    Margin: float
    CompletenessError: float
    CompletenessAccepted: float
    CompleteByConstruction: bool
    ColourLimit: float
    Sources: list[str]
    GeneratedBy: dict[str, str]


@dataclass(frozen=True)
class Target:
    """The networks to explain, their baseline, grid and class names.

    Attributes
    ----------
    networks : tuple of Module
        Their maps and margins are averaged.
    baseline : Baseline
    grid : Grid
    classes : tuple of str
        Of the outputs; of a single logit the negative class and the pathology.
    method : str
        Attribution method.
    facts : NetworkFacts
        For the sidecars.
    """

    networks: tuple[torch.nn.Module, ...]
    baseline: Baseline
    grid: Grid
    classes: tuple[str, ...]
    method: str
    facts: NetworkFacts


@dataclass(frozen=True)
class Explanation:
    """A map and what was measured of it."""

    subject: Subject
    target: Target
    relevance: np.ndarray
    completeness: float
    margin: float

    @property
    def drawn(self) -> Mapped:
        """The map on its anatomy."""
        subject = self.subject
        return Mapped(0, self.relevance, showing_pathology(subject.volume, subject.sample), self.margin)

    @property
    def class_explained(self) -> str:
        """Class that red supports."""
        return self.target.classes[1 if self.subject.output is None else self.subject.output]


def plan_of(settings: AttributionSettings) -> AttributionPlan:
    """Take the method of the settings as far as they say."""
    return AttributionPlan.of(settings)


def explained(subjects: Sequence[Subject], target: Target, plan: AttributionPlan) -> Iterator[Explanation]:
    """Explain subjects one after the other."""
    example = torch.from_numpy(subjects[0].image[None]).to(device())
    networks = [Explained(network, example) for network in target.networks]
    for subject in subjects:
        with one_thread():
            yield _explanation(subject, target, networks, plan)


def _explanation(subject: Subject, target: Target, networks: Sequence[Explained], plan: AttributionPlan) -> Explanation:
    image = torch.from_numpy(subject.image[None]).to(device())
    maps, errors, margins = [], [], []
    for network in networks:
        margin = Margin(network, subject.output)
        relevance, error = complete_maps(margin, subject.image[None], target.baseline, plan)
        maps.append(relevance[0])
        errors.append(float(error[0]))
        with torch.no_grad():
            margins.append(float(margin(image)[0]))
    return Explanation(subject, target, np.mean(maps, axis=0), float(np.max(errors)), float(np.mean(margins)))


def regions_of(settings: AttributionSettings, mean: np.ndarray, grid: Grid) -> np.ndarray:
    """Regions to ablate: those of the atlas, or supervoxels of the mean image."""
    if settings.atlas is not None:
        return read_atlas(str(settings.atlas), grid)
    return supervoxels(mean.mean(0), settings.patch)


def write_explanations(found: Sequence[Explanation], plan: AttributionPlan, out: Path, places: Places) -> None:
    """Write every map on both grids with its sidecar, and what the page is drawn from.

    Parameters
    ----------
    found : sequence of Explanation
        At least one.
    plan : AttributionPlan
    out : Path
        New or empty folder, or one of earlier explanations, which are replaced. Gets ``maps/``, ``explain.json`` and
        ``slices.npz``.
    places : Places
        Short names for the folders of what was explained.
    """
    with in_use(out, "explanations"), OwnedFiles(out, places).writing("explanations") as staged:
        _write(found, plan, staged)


def _write(found: Sequence[Explanation], plan: AttributionPlan, out: Path) -> None:
    (out / "maps").mkdir()
    limit = colour_limit([explanation.drawn for explanation in found])
    records = []
    slices: dict[str, np.ndarray] = {}
    names = _file_names([explanation.subject.sample for explanation in found])
    for explanation, name in zip(found, names, strict=True):
        sidecar = _sidecar(explanation, plan, limit)
        files = _write_maps(explanation, out / "maps", f"{name}_{sidecar['Method'].replace(':', '-')}", sidecar)
        records.append({**sidecar, "Files": [f"maps/{file}" for file in files], "Key": name})
        slices.update({f"{name}__{key}": picture for key, picture in slices_of(explanation.drawn)})
    np.savez_compressed(out / "slices.npz", **slices)  # type: ignore[arg-type]
    write_json(out / "explain.json", records)


def _sidecar(explanation: Explanation, plan: AttributionPlan, limit: float) -> Sidecar:
    """Say of a map what it shows, how it was made, and from what."""
    sample, target, method = explanation.subject.sample, explanation.target, plan.method
    place = "pixel" if len(target.grid.shape) == 2 else "voxel"
    means = meaning(target.method, plan.effort.arguments)
    return {
        "Description": means.description.format(place=place),
        "Subject": sample.subject,
        "Label": sample.label,
        "Origins": dict(sample.origins),
        "Method": target.method,
        "Evidence": method.faithful,
        "Baseline": "none" if method.needs == "nothing" else target.baseline.kind.replace("_", " "),
        "ClassExplained": explanation.class_explained,
        "Sign": means.sign.replace("{target}", explanation.class_explained),
        "Ends": means.ends,
        "Units": means.units.format(place=place),
        "Margin": round(explanation.margin, 6),
        "CompletenessError": round(explanation.completeness, 6),
        "CompletenessAccepted": plan.completeness,
        "CompleteByConstruction": method.complete,
        "ColourLimit": limit,
        **target.facts,
        "Sources": list(sample.images),
        "GeneratedBy": {"Name": "biasaudit explain", "Version": version("biasaudit")},
    }


def _write_maps(explanation: Explanation, folder: Path, stem: str, sidecar: Sidecar) -> list[str]:
    """Write the map on the audit grid and, where there is an image file, on that file's own."""
    grids = {"audit": (explanation.relevance, explanation.target.grid)}
    images = explanation.subject.sample.images
    if images:
        grids["own"] = on_own_grid(explanation.relevance, explanation.target.grid, images[0])
    files = []
    for space, (relevance, grid) in grids.items():
        name = f"{stem}_space-{space}_relevance"
        if grid.dimensions == 2:
            np.save(folder / f"{name}.npy", relevance)
            write_picture(str(folder / f"{name}.png"), relevance, sidecar["ColourLimit"])
            files += [f"{name}.npy", f"{name}.png"]
        else:
            write_volume(folder / f"{name}.nii.gz", relevance, grid)
            files.append(f"{name}.nii.gz")
        text = "the audit's common grid" if space == "audit" else "the subject's own image; values kept, not their sum"
        content = {**sidecar, "Space": text}
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return files


def _file_names(samples: Sequence[Sample]) -> list[str]:
    """Names of files that no two images share, from identifiers that may hold anything."""
    taken: dict[str, int] = {}
    names = []
    for sample in samples:
        label = "".join(c if c.isalnum() or c in "-." else "-" for c in sample.subject).strip(".")
        label = file_label(label, _LONGEST_NAME, kept="-.") if label else "subject"
        name = label if label.startswith("sub-") else f"sub-{label}"
        taken[name] = taken.get(name, 0) + 1
        names.append(name if taken[name] == 1 else f"{name}_image-{taken[name]}")
    return names


def with_regions(baseline: Baseline, settings: AttributionSettings, grid: Grid) -> Baseline:
    """Add the regions to ablate where the method of the settings needs them."""
    if registry.get("attribution", settings.method).needs != "regions":
        return baseline
    return replace(baseline, regions=regions_of(settings, baseline.mean, grid))
