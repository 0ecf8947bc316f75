"""Step `judge`: gather what the networks said into one record and ask one check."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.arguments.judgements import JudgeArguments
from biasaudit.engine.arguments.maps import MAPS
from biasaudit.engine.evidence.data import data_evidence, data_per_unit
from biasaudit.engine.evidence.map_choices import explained_origins
from biasaudit.engine.evidence.map_regions import map_regions
from biasaudit.engine.evidence.retrained import per_unit, retrained
from biasaudit.engine.jobs.held_out import HeldOut, in_cohort_order
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.situation.contrasts import contrast_logits
from biasaudit.records import ArmEvidence, MapProbes, Maps, OriginControl, SignatureTransfer
from biasaudit.stats.design import regime

__all__ = ["assemble"]

_CONTRAST_COLUMNS = ("label", "patient", "erasable")


def assemble(arguments: JudgeArguments, needs: Folders, *, with_maps: bool) -> ArmEvidence:
    """Gather the evidence of one arm and factor; one row per subject and origin.

    Several images of one subject at one origin are averaged, since subjects are the units of every statement.
    """
    table = arguments.table
    folds = np.asarray(table["fold"])
    surveyed = read_json(needs.only(Role("survey")) / "survey.json")
    positive = np.asarray(table["positive"], dtype=bool)
    contrast = arguments.contrast
    label = None if contrast is None else np.asarray(contrast["label"])
    evidence = ArmEvidence(
        arm=arguments.arm,
        factor=arguments.factor,
        regime=regime(positive, np.asarray(table["origin"]), label),
        classes=(arguments.classes[0], arguments.classes[1]),
        subject=np.asarray(table["subject"]),
        positive=positive,
        origin=np.asarray(table["origin"]),
        fold=folds,
        severity=_severity(surveyed["mask_voxels"], arguments),
        covariates=_numeric(table["covariates"]),
        categories=_categories(table["covariates"]),
        masks_given=arguments.masks_given,
        mask_is_complete=arguments.protocol["cohort"]["mask_is_complete"],
        seed=arguments.protocol["folds"]["seed"],
        logit=contrast_logits(_column(needs[Role("target")], "logits-original", len(folds)), contrast),
        logit_erased=_erased(needs, len(folds), contrast),
        features=_columns_of_layers(needs[Role("target")], len(folds), "features"),
        untrained=_columns_of_layers(needs.get(Role("untrained"), ()), len(folds), "features"),
        gradients=_columns_of_layers(needs.get(Role("concepts"), ()), len(folds), "gradients"),
        origin_controls=_controls(arguments, needs),
        reduced={name: _reduced(folders, len(folds), contrast) for name, folders in needs.of("reduced").items()},
        reduced_skipped=arguments.skipped,
        maps=_maps(arguments, needs) if with_maps and MAPS in needs else None,
        transfer=_transfer(needs.only(Role("transfer"))) if Role("transfer") in needs else None,
        **retrained(arguments, needs),
        **data_evidence(needs),
        **_of_contrast(contrast),
    )
    # The data themselves are asked of everybody: a subject both trained on and held out is what D3 looks for.
    of_data = not {"metadata", "leakage", "quality"}.isdisjoint(role.name for role in needs)
    return _one_row_per_unit(evidence if of_data else _held_out(evidence))


def _held_out(evidence: ArmEvidence) -> ArmEvidence:
    """Leave out what an already trained target has seen: it helped to train controls and is evidence of nothing."""
    kept = evidence.fold >= 0
    if kept.all():
        return evidence
    place = np.cumsum(kept) - 1
    controls = {}
    for name, control in evidence.origin_controls.items():
        own = kept[control.rows]
        controls[name] = OriginControl(place[control.rows[own]], control.origins, control.scores[own])
    columns = ("subject", "positive", "origin", "fold", "severity", "logit", "logit_erased", *_CONTRAST_COLUMNS)
    fields: dict[str, Any] = {name: getattr(evidence, name) for name in columns}
    fields = {name: values[kept] for name, values in fields.items() if values is not None}
    for name in ("covariates", "categories", "features", "untrained", "gradients", "reduced"):
        fields[name] = {key: values[kept] for key, values in getattr(evidence, name).items()}
    if evidence.maps is not None:
        fields["maps"] = replace(evidence.maps, rows=place[evidence.maps.rows])
    if (transfer := evidence.transfer) is not None:
        fields["transfer"] = SignatureTransfer(transfer.edited[kept], transfer.sham[kept], transfer.statistics[:, kept])
    return replace(evidence, origin_controls=controls, **fields)


def _of_contrast(contrast: Mapping[str, Any] | None) -> dict[str, Any]:
    """Fields of `ArmEvidence` that only a contrast has."""
    if contrast is None:
        return {}
    return {
        "contrast": contrast["name"],
        "inside": (contrast["name"],),
        "label": np.asarray(contrast["label"]),
        "patient": np.asarray(contrast["patient"], dtype=bool),
        "erasable": np.asarray(contrast["erasable"], dtype=bool),
    }


def _severity(mask_voxels: Sequence[int], arguments: JudgeArguments) -> np.ndarray:
    contrast = arguments.contrast
    known = np.full(len(mask_voxels), arguments.masks_given) if contrast is None else contrast["erasable"]
    cubic = math.prod(arguments.spacing)
    volume = np.asarray(mask_voxels) * (cubic / 1000.0 if len(arguments.spacing) == 3 else 1.0)
    return np.where(known, volume, np.nan)


def _numeric(covariates: Mapping[str, Sequence[Any]]) -> dict[str, np.ndarray]:
    return {
        name: np.array([np.nan if value is None else float(value) for value in values])
        for name, values in covariates.items()
        if not _in_words(values)
    }


def _categories(covariates: Mapping[str, Sequence[Any]]) -> dict[str, np.ndarray]:
    return {
        name: np.array(["" if value is None else str(value) for value in values])
        for name, values in covariates.items()
        if _in_words(values)
    }


def _in_words(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) for value in values)


def _column(folders: Sequence[Path], name: str, n: int) -> np.ndarray:
    """Put the held-out answers of the folds back into cohort order, (n, k), NaN where nobody was asked."""
    return in_cohort_order([HeldOut.read(folder, name) for folder in folders], n)


def _erased(needs: Folders, n: int, contrast: Mapping[str, Any] | None) -> np.ndarray | None:
    target = needs[Role("target")]
    if not (target[0] / "logits-erased.npy").exists():
        return None
    return contrast_logits(_column(target, "logits-erased", n), contrast)


def _reduced(folders: Sequence[Path], n: int, contrast: Mapping[str, Any] | None) -> np.ndarray:
    variant = next(folders[0].glob("logits-*.npy")).stem
    return contrast_logits(_column(folders, variant, n), contrast)


def _columns_of_layers(folders: Sequence[Path], n: int, kind: str) -> dict[str, np.ndarray]:
    """Gather what was kept of every hidden layer, in cohort order; nothing if no step kept anything."""
    layers = (
        [path.stem.removeprefix(f"{kind}-") for path in sorted(folders[0].glob(f"{kind}-*.npy"))] if folders else []
    )
    return {layer: _column(folders, f"{kind}-{layer}", n) for layer in layers}


def _members(arguments: JudgeArguments, class_name: str) -> np.ndarray:
    table = arguments.table
    if arguments.contrast is not None:
        in_class = np.asarray(arguments.contrast["label"]) == class_name
    else:
        in_class = np.asarray(table["positive"], dtype=bool) == (class_name == arguments.classes[1])
    return np.asarray(in_class & np.isin(table["origin"], arguments.origins[class_name]))


def _controls(arguments: JudgeArguments, needs: Folders) -> dict[str, OriginControl]:
    controls = {}
    for class_name, origins in arguments.origins.items():
        folders = needs.get(Role("origin", class_name))
        if folders is None:
            continue
        members = _members(arguments, class_name)
        logits = _column(folders, "logits-original", len(members))
        if logits.shape[1] == 1:  # one logit says the second of two origins
            logits = np.hstack([-logits, logits])
        rows = np.flatnonzero(members)
        controls[class_name] = OriginControl(rows, tuple(origins), logits[rows])
    return controls


def _transfer(folder: Path) -> SignatureTransfer:
    margins = np.load(folder / "margins.npy")
    return SignatureTransfer(margins[:, 0], margins[:, 1], np.load(folder / "traits.npy"))


def _maps(arguments: JudgeArguments, needs: Folders) -> Maps:
    rows = np.concatenate([np.asarray(own, dtype=int) for own in arguments.map_rows])
    foreground = Stack([block / "foreground.npy" for block in needs[READ]])
    mask = Stack([block / "mask.npy" for block in needs[READ]])
    inside = np.logical_or.reduce([foreground[row] for row in rows])
    regions = arguments.regions
    images = Stack([block / "image.npy" for block in needs[READ]])
    return Maps(
        rows=rows,
        target=np.concatenate([np.load(folder / "maps.npy")[:, inside] for folder in needs[MAPS]]),
        origin=_origin_maps(arguments, needs, inside, "maps"),
        mask=np.stack([mask[row][inside] for row in rows]),
        foreground=np.stack([foreground[row][inside] for row in rows]),
        completeness_error=np.concatenate([np.load(folder / "completeness.npy") for folder in needs[MAPS]]),
        inside=inside,
        regions=None if regions is None else map_regions(regions, images, rows.tolist(), inside),
        target_replicate=_replicate(needs[Role("replicate")], inside),
        origin_replicate=_origin_maps(arguments, needs, inside, "replicate"),
        origins=_explained_origins(arguments),
        probes=_probes(arguments, needs, inside),
    )


def _replicate(folders: Sequence[Path], inside: np.ndarray) -> np.ndarray | None:
    """Gather the maps of other networks; None if one network has no other."""
    return np.concatenate([np.load(folder / "maps.npy")[:, inside] for folder in folders]) if folders else None


def _origin_maps(arguments: JudgeArguments, needs: Folders, inside: np.ndarray, role: str) -> np.ndarray | None:
    """Gather the within-class origin classifiers' maps of the same rows; NaN where a subject's class has none."""
    known = [which.split(":", 1) for which in needs.of(role) if which]
    if not known:
        return None
    rows = np.concatenate([np.asarray(own, dtype=int) for own in arguments.map_rows])
    shape = (1 + max(int(number) for number, _ in known), len(rows), int(inside.sum()))
    found = np.full(shape, np.nan, dtype=np.float32)
    for number, class_name in known:
        own = _members(arguments, class_name)[rows]
        folders = needs[Role(role, f"{number}:{class_name}")]
        found[int(number), own] = np.concatenate([np.load(folder / "maps.npy")[:, inside] for folder in folders])
    return found


def _explained_origins(arguments: JudgeArguments) -> dict[str, tuple[str, ...]]:
    """Name the origin of every contrast that the within-class classifiers' maps explain."""
    found = {}
    for class_name, origins in arguments.origins.items():
        members = np.asarray(arguments.table["origin"])[_members(arguments, class_name)].tolist()
        found[class_name] = tuple(origins[k] for k in explained_origins([origins.index(name) for name in members]))
    return found


def _probes(arguments: JudgeArguments, needs: Folders, inside: np.ndarray) -> MapProbes:
    starts = np.cumsum([0, *(len(rows) for rows in arguments.map_rows)])
    folders = needs[Role("probe")]
    moved = np.concatenate([np.load(folder / "moved.npy") for folder in folders])
    return MapProbes(
        places=np.concatenate([start + np.load(f / "places.npy") for start, f in zip(starts, folders, strict=False)]),
        randomised=np.concatenate([np.load(folder / "randomised.npy")[:, :, inside] for folder in folders], axis=1),
        deletion=moved[:, 0],
        insertion=moved[:, 1],
    )


def _one_row_per_unit(evidence: ArmEvidence) -> ArmEvidence:
    """Average the images of one subject at one origin in one class; nothing changes when there is one image each."""
    classes = evidence.positive if evidence.label is None else evidence.label
    keys = list(zip(evidence.subject.tolist(), evidence.origin.tolist(), classes.tolist(), strict=True))
    units = list(dict.fromkeys(keys))
    if len(units) == len(keys):
        return evidence
    position = {unit: index for index, unit in enumerate(units)}
    unit_of = np.array([position[key] for key in keys])
    first = np.array([keys.index(unit) for unit in units])

    def mean(values: np.ndarray) -> np.ndarray:
        return np.stack([values[unit_of == unit].mean(0) for unit in range(len(units))])

    controls = {}
    for name, control in evidence.origin_controls.items():
        own = unit_of[control.rows]
        kept = np.unique(own)
        scores = np.stack([control.scores[own == unit].mean(0) for unit in kept])
        controls[name] = OriginControl(kept, control.origins, scores)
    return replace(
        evidence,
        subject=evidence.subject[first],
        positive=evidence.positive[first],
        origin=evidence.origin[first],
        fold=evidence.fold[first],
        severity=mean(evidence.severity),
        covariates={name: values[first] for name, values in evidence.covariates.items()},
        categories={name: values[first] for name, values in evidence.categories.items()},
        logit=mean(evidence.logit),
        logit_erased=None if evidence.logit_erased is None else mean(evidence.logit_erased),
        features={name: mean(values) for name, values in evidence.features.items()},
        untrained={name: mean(values) for name, values in evidence.untrained.items()},
        gradients={name: mean(values) for name, values in evidence.gradients.items()},
        origin_controls=controls,
        reduced={name: mean(values) for name, values in evidence.reduced.items()},
        maps=None if evidence.maps is None else replace(evidence.maps, rows=unit_of[evidence.maps.rows]),
        **per_unit(evidence, unit_of),
        **data_per_unit(evidence, unit_of, first),
        **{name: values[first] for name in _CONTRAST_COLUMNS if (values := getattr(evidence, name)) is not None},
        transfer=None
        if evidence.transfer is None
        else SignatureTransfer(
            mean(evidence.transfer.edited),
            mean(evidence.transfer.sham),
            np.stack([mean(values) for values in evidence.transfer.statistics]),
        ),
    )
