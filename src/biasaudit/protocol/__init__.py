"""The protocol: one YAML file that plans an audit, validated as a whole before anything runs."""

from __future__ import annotations

import difflib
import json
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from biasaudit.errors import Fault, ProtocolError

__all__ = [
    "ArmSettings",
    "AttributionSettings",
    "BidsCohort",
    "CombatSettings",
    "FoldSettings",
    "GridSettings",
    "LabelSettings",
    "LeakageSettings",
    "PhantomCohort",
    "PhantomSettings",
    "Protocol",
    "StatisticsSettings",
    "TableCohort",
    "TargetSettings",
    "TrainingSettings",
    "TwoClassLabelSettings",
    "VerdictSettings",
    "dump_protocol",
    "json_schema",
    "load_protocol",
    "located",
    "parse_protocol",
]

Signature = Literal["contrast", "noise", "blur", "bias_field", "gamma", "edge", "resampling"]
SIGNATURES: tuple[str, ...] = typing.get_args(Signature)
LOSSES = ("balanced_bce", "cross_entropy", "focal")
OPTIMISERS = ("adamw", "adam", "sgd")
AUGMENTATIONS = ("none", "flip", "shift", "intensity")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_arm(value: Any) -> Any:
    """Name an arm after its representation, or after the function in a file or module."""
    return {"name": value.rpartition(":")[2], "representation": value} if isinstance(value, str) else value


def _strengths(contrast: float, bias_field: float) -> dict[Signature, float]:
    return {"contrast": contrast, "bias_field": bias_field}


class _OrName:
    """Says in the JSON schema that a bare name is accepted too."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(core)]}


Names = Annotated[list[str], BeforeValidator(_as_list), _OrName()]


def _as_values(value: Any) -> Any:
    """Take one value or several; a list of one is the value itself, so that both are the same protocol."""
    values = value if isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(each, str) for each in values):
        raise ValueError(f"expected a text or a list of texts, not {_short(value)}; put numbers in quotes")
    twice = sorted({each for each in values if values.count(each) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} is named twice")
    return values[0] if len(values) == 1 else list(values)


def _built_in_or_own(*known: str) -> Any:
    """Check a name, or several, against what is built in; import strings are found later."""

    def check(value: str | list[str]) -> str | list[str]:
        for name in [value] if isinstance(value, str) else value:
            if name not in known and ":" not in name:
                close = difflib.get_close_matches(name, known, n=1)
                meant = f"; did you mean {close[0]}?" if close else ""
                raise ValueError(f"{name!r} is none of {', '.join(known)}, and no import string (own.py:name){meant}")
        return value

    return check


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class LabelSettings(_Section):
    """What the target classifier predicts."""

    column: str = Field("label", description="column that holds the class")
    positive: Annotated[str | list[str], BeforeValidator(_as_values)] = Field(
        description="value that means pathology; several values are one class each"
    )
    negative: str | None = Field(None, description="value that means healthy; all other values if left out")

    @property
    def positives(self) -> tuple[str, ...]:
        """Pathology classes, in the order of the protocol."""
        return (self.positive,) if isinstance(self.positive, str) else tuple(self.positive)

    @model_validator(mode="after")
    def _distinct_classes(self) -> LabelSettings:
        if self.negative in self.positives:
            raise ValueError(f"{self.negative!r} is both `positive` and `negative`")
        return self


class TwoClassLabelSettings(LabelSettings):
    """The label of a simulated cohort: one pathology."""

    positive: str = Field(description="value that means pathology")


class _Cohort(_Section):
    covariates: Names = Field(default_factory=list, description="columns such as age and sex")
    select: str | None = Field(
        None, description="row filter: comparisons, `in`, and/or/not; parsed, never evaluated as code"
    )
    min_origin_size: int = Field(10, ge=1, description="smaller origins are pooled as 'other' and reported")
    mask_is_complete: bool = Field(False, description="true: all pathology is inside the masks")
    foreground: Literal["auto", "nonzero", "threshold", "centre"] = Field(
        "auto",
        description="where no brain mask is given: non-zero voxels of stripped images, a threshold, or the centre "
        "of a picture; auto chooses and says so",
    )


class TableCohort(_Cohort):
    """A CSV or TSV manifest."""

    reader: Literal["table"]
    table: Path = Field(description="manifest; relative to the protocol")
    image: Names = Field(default_factory=lambda: ["image"], description="column(s) of image paths; several = channels")
    subject: str = Field("subject", description="column of subject identifiers")
    label: LabelSettings
    origins: Names = Field(min_length=1, description="columns that say where an image comes from, primary first")
    mask: str | None = Field(None, description="column of pathology masks; a column named `mask` is taken if present")
    brain_mask: str | None = Field(None, description="column of brain masks")
    tissue: Names = Field(default_factory=list, description="column(s) of GM, WM, CSF probability maps")
    maps: Names = Field(
        default_factory=list,
        description="column(s) of other maps of your own, such as log-Jacobians, for the arm `maps`",
    )
    split: str | None = Field(
        None, description="column that says how an already trained network split the subjects: train, val or test"
    )
    predictions: Path | None = Field(
        None, description="table of held-out scores, one row per subject; no network is trained or loaded for them"
    )
    score: Names = Field(
        default_factory=list, description="column(s) of held-out scores: of the pathology, or one per class"
    )
    features: Names = Field(
        default_factory=list, description="columns of numbers in place of images, or patterns such as lh_*_thickness"
    )
    score_scale: Literal["auto", "logits", "probabilities"] = Field(
        "auto", description="what the scores are; auto takes values within [0, 1] for probabilities and says so"
    )

    @property
    def scored(self) -> bool:
        """Whether held-out scores are given, so that no target is needed."""
        return self.predictions is not None or bool(self.score)


class BidsCohort(_Cohort):
    """One or more BIDS datasets."""

    reader: Literal["bids"]
    roots: Annotated[list[Path], BeforeValidator(_as_list), _OrName()] = Field(
        min_length=1, description="dataset folders; relative to the protocol"
    )
    suffix: Names = Field(default_factory=lambda: ["T1w"], description="image suffix(es); several = channels")
    label: LabelSettings
    origins: Names = Field(
        default_factory=lambda: ["dataset"],
        min_length=1,
        description="participants.tsv columns, sidecar fields (Manufacturer, ...), or `dataset` (the root)",
    )
    mask_labels: Names = Field(
        default_factory=lambda: ["L", "lesion"], description="label entities of pathology masks in derivatives"
    )
    space: str | None = Field(None, description="space entity to choose where several are present")
    maps: Names = Field(
        default_factory=list,
        description="suffix(es) of other maps in derivatives, such as jacobian, for the arm `maps`",
    )


class PhantomSettings(_Section):
    """A simulated cohort with a planted signature (cohort/phantom.py says how each number acts)."""

    n: int = Field(160, ge=8, description="subjects")
    design: Literal["crossed", "nested", "aliased"] = Field("nested", description="how class and site go together")
    healthy_sites: int = Field(3, ge=1, description="sites of the healthy dataset (nested)")
    patient_sites: int = Field(2, ge=1, description="sites of the patient dataset (nested); sites in all (crossed)")
    confounding: float = Field(
        0.0, ge=0, le=1, description="crossed: association of class and site; 0 independent, 1 aliased"
    )
    dataset_signature: dict[Signature, float] = Field(
        default_factory=lambda: _strengths(contrast=1.0, bias_field=1.0),
        description="strengths that differ between the two datasets (between the sites when crossed or aliased)",
    )
    site_signature: dict[Signature, float] = Field(
        default_factory=lambda: _strengths(contrast=0.3, bias_field=0.3),
        description="weaker strengths that differ between sites of one dataset (nested)",
    )
    lesion_load: float = Field(1.0, ge=0, description="factor on the number of lesions")
    severity_difference: float = Field(
        0.0, ge=0, description="log ratio by which the lesion load of the outermost sites differs from the mean site's"
    )
    lesion_contrast: float = Field(1.0, ge=0, description="factor on how bright lesions are")
    atrophy: float = Field(0.0, ge=0, description="unmarked disease effect: tissue lost to CSF, share of brain volume")
    age_effect: float = Field(0.0, ge=0, description="the same lost per 50 years of age")
    age_difference: float = Field(0.0, description="years by which patients are older on average")
    spacing: float = Field(4.0, gt=0.9, le=8, description="voxel size in mm")
    seed: int = Field(1, ge=0, description="anatomies, lesions and sites")
    truth_subjects: int = Field(
        8, ge=0, description="held-out anatomies per fold rendered at every site for R* and Omega*; 0: no truth"
    )


class PhantomCohort(_Cohort):
    """A simulated cohort; its truth is known."""

    reader: Literal["phantom"]
    label: TwoClassLabelSettings = Field(
        default_factory=lambda: TwoClassLabelSettings(column="label", positive="patient", negative="healthy")
    )
    origins: Names = Field(default_factory=lambda: ["site"], min_length=1)
    min_origin_size: int = Field(1, ge=1)
    mask_is_complete: bool = True
    phantom: PhantomSettings = Field(default_factory=lambda: PhantomSettings.model_validate({}))


class GridSettings(_Section):
    """The common grid; images must already be aligned."""

    spacing: float | None = Field(
        None, gt=0, description="mm; default: as the images are, but not finer than 4 mm in 3-D"
    )
    reference: Path | None = Field(None, description="NIfTI file whose grid is taken")
    shape: list[int] | None = Field(None, min_length=2, max_length=2, description="pictures: height, width in pixels")


class ArmSettings(_Section):
    """One representation run through the whole audit."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    representation: str = Field(description="a registered one, own.py:function or package.module:function")
    training: Literal["all", "balanced"] = Field(
        "all", description="balanced: within every origin (primary factor) as many images of each class to train on"
    )

    @property
    def input(self) -> str:
        """Name of the representation without the folder of a file, on which no random stream may depend."""
        file, colon, function = self.representation.rpartition(":")
        return f"{Path(file).name}:{function}" if colon and file.endswith(".py") else self.representation

    @property
    def recipe(self) -> str:
        """What its target learns from; arms that share it share their networks."""
        return self.input if self.training == "all" else f"{self.input} ({self.training})"


class TrainingSettings(_Section):
    """The budget that the target and every control get alike."""

    epochs: int = Field(15, ge=1)
    batch_size: int = Field(8, ge=2)
    learning_rate: float = Field(0.01, gt=0)
    weight_decay: float = Field(0.0001, ge=0)
    loss: Annotated[str, AfterValidator(_built_in_or_own(*LOSSES))] = Field(
        "balanced_bce", description="balanced_bce | cross_entropy | focal | own.py:loss | package.module:Loss"
    )
    optimiser: Annotated[str, AfterValidator(_built_in_or_own(*OPTIMISERS))] = Field(
        "adamw", description="adamw | adam | sgd | own.py:optimiser | package.module:Optimiser"
    )
    schedule: Literal["one_cycle", "constant"] = Field("one_cycle", description="how the learning rate changes")
    augment: Annotated[
        str | list[str], BeforeValidator(_as_values), AfterValidator(_built_in_or_own(*AUGMENTATIONS))
    ] = Field("none", description="none, flip, shift, intensity, own.py:augment; several one after another")
    fit: str | None = Field(
        None, description="function that trains a network in place of the tool's own loop: own.py:fit"
    )
    seeds: int = Field(1, ge=1, description="networks per fold, their logits averaged")
    patience: int = Field(5, ge=1, description="epochs without a better validation loss before stopping")
    validation: float = Field(0.15, ge=0.05, le=0.5, description="part of each training fold kept for early stopping")

    @property
    def own(self) -> tuple[tuple[str, str], ...]:
        """Field and import string of everything that the user has written."""
        augment = [self.augment] if isinstance(self.augment, str) else self.augment
        named = [("loss", self.loss), ("optimiser", self.optimiser), *(("augment", name) for name in augment)]
        named += [("fit", self.fit)] if self.fit else []
        return tuple((field, name) for field, name in named if ":" in name)

    @model_validator(mode="after")
    def _one_loop(self) -> TrainingSettings:
        if self.fit is None:
            return self
        if ":" not in self.fit:
            raise ValueError(f"`fit` is an import string such as own.py:fit, not {self.fit!r}")
        loop = ("loss", "optimiser", "schedule", "augment")
        stated = [name for name in loop if getattr(self, name) != type(self).model_fields[name].default]
        if stated:
            raise ValueError(f"`fit` trains in place of the tool's own loop: leave out {', '.join(stated)}")
        return self


class TargetSettings(_Section):
    """The network being audited."""

    network: str = Field("cnn", description="cnn | monai:DenseNet121 | package.module:factory | own.py:factory")
    network_arguments: Mapping[str, Any] = Field(default_factory=dict, description="passed to the factory")
    weights: Annotated[list[Path], BeforeValidator(_as_list), _OrName()] | None = Field(
        None,
        description="state dict of an already trained network (safetensors or torch.save); several: one per fold",
    )
    training_subjects: Path | None = Field(
        None, description="text file of the subjects that an already trained network has seen, one a line"
    )
    outputs: Literal["auto", "logits", "probabilities"] = Field(
        "auto", description="what an already trained network returns; auto tries it and says so"
    )
    output_classes: list[str] | None = Field(
        None, description="classes in the order of an already trained network's outputs; default: healthy first"
    )
    layers: list[str] | None = Field(None, description="module names whose features are tested; default: chosen")
    training: TrainingSettings = Field(default_factory=lambda: TrainingSettings.model_validate({}))


class FoldSettings(_Section):
    """Cross-validation, grouped by subject, stratified by class and origin, the same for every arm and control."""

    n: int = Field(5, ge=2)
    seed: int = Field(20261123, ge=0)


class StatisticsSettings(_Section):
    """How tests and intervals are computed."""

    alpha: float = Field(0.05, gt=0, lt=0.5)
    n_permutations: int = Field(2000, ge=99)
    n_bootstraps: int = Field(2000, ge=99)


class VerdictSettings(_Section):
    """What counts as much, little and none."""

    high: float = Field(0.5, gt=0, lt=1, description="reliance whose lower bound above this is ORIGIN")
    low: float = Field(0.1, ge=0, lt=1, description="reliance whose lower bound above this is MIXED")
    tolerance: float = Field(0.25, gt=0, lt=1, description="PATHOLOGY needs an upper bound of reliance below this")
    delta: float = Field(0.10, gt=0, lt=0.5, description="PATHOLOGY: |AUC of origin within class - .5| below this")

    @model_validator(mode="after")
    def _ordered(self) -> VerdictSettings:
        if not self.low <= self.tolerance <= self.high:
            raise ValueError(f"expected low <= tolerance <= high, not {self.low}, {self.tolerance}, {self.high}")
        return self


class LeakageSettings(_Section):
    """When two images count as images of one subject (D3)."""

    height: float = Field(7.0, gt=0, description="robust standard deviations above the similarity of two subjects")
    correlation: float = Field(0.5, gt=0, lt=1, description="smallest correlation of two images of one subject")


class AttributionSettings(_Section):
    """How attribution maps are made."""

    method: str = "integrated_gradients"
    baseline: Literal["origin_balanced", "blurred", "zero"] = Field(
        "origin_balanced", description="what images are compared with: the healthy mean, themselves blurred, or zero"
    )
    steps: int = Field(16, ge=2, description="points on the path; doubled until complete")
    completeness: float = Field(0.05, gt=0, description="largest relative completeness error accepted")
    max_steps: int = Field(64, ge=2)
    max_subjects: int = Field(40, ge=4, description="held-out subjects per class that get a map")
    references: int = Field(8, ge=1, description="expected gradients: healthy images compared with one by one")
    deleted: float = Field(
        0.05, gt=0, lt=0.5, description="G2: share of the foreground that is deleted where relevance is largest"
    )
    stability: float = Field(
        0.5, ge=0, lt=1, description="G2: smallest cosine between the change of two networks' maps from class to class"
    )
    smoothing: float = Field(
        0.1, ge=0, lt=1, description="G2, U7: maps are compared smoothed by this share of the grid's side"
    )
    following: float = Field(
        0.25, gt=0, description="U7: change between origins, as a share of that between classes, that is a concern"
    )
    patch: int = Field(8, ge=1, description="side of an occluded cube and of a supervoxel, voxels")
    stride: int = Field(8, ge=1, description="distance between occluded cubes, voxels")
    atlas: Path | None = Field(None, description="atlas of regions for region ablation and U8; supervoxels if left out")
    tfce: bool = Field(False, description="U8 also tests clusters (threshold-free cluster enhancement)")


class LearnedSettings(_Section):
    """How it is shown what the network has learned; illustrates, and enters no verdict."""

    enabled: bool = Field(True, description="false: rank no units and make no preferred images")
    units: int = Field(1, ge=1, le=8, description="units per layer and ranking (origin, pathology) that are shown")
    steps: int = Field(32, ge=2, description="steps of activation maximisation")


class CombatSettings(_Section):
    """How the arm `combat` harmonises features between origins (primary factor)."""

    keep: Names = Field(
        default_factory=list, description="covariates whose effect is kept, such as age and sex; never the class"
    )
    min_training: int = Field(5, ge=2, description="training subjects that every origin needs in every fold")


class Protocol(_Section):
    """The frozen plan of an audit (contract: ``examples/protocol.yaml``)."""

    schema_version: Literal[1] = 1
    name: str = "audit"
    cohort: Annotated[TableCohort | BidsCohort | PhantomCohort, Field(discriminator="reader")]
    grid: GridSettings = Field(default_factory=lambda: GridSettings.model_validate({}))
    arms: list[Annotated[ArmSettings, BeforeValidator(_as_arm), _OrName()]] = Field(
        default_factory=lambda: [ArmSettings(name="intensity", representation="intensity")], min_length=1
    )
    target: TargetSettings = Field(default_factory=lambda: TargetSettings.model_validate({}))
    folds: FoldSettings = Field(default_factory=lambda: FoldSettings.model_validate({}))
    checks: Literal["default"] | list[str] = "default"
    statistics: StatisticsSettings = Field(default_factory=lambda: StatisticsSettings.model_validate({}))
    verdict: VerdictSettings = Field(default_factory=lambda: VerdictSettings.model_validate({}))
    attribution: AttributionSettings = Field(default_factory=lambda: AttributionSettings.model_validate({}))
    learned: LearnedSettings = Field(default_factory=lambda: LearnedSettings.model_validate({}))
    leakage: LeakageSettings = Field(default_factory=lambda: LeakageSettings.model_validate({}))
    combat: CombatSettings = Field(default_factory=lambda: CombatSettings.model_validate({}))

    @model_validator(mode="after")
    def _distinct_arms(self) -> Protocol:
        names = [arm.name for arm in self.arms]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two arms are called {twice[0]!r}; give each a `name`")
        return self


def load_protocol(path: Path) -> Protocol:
    """Read and validate a protocol; paths in it become absolute.

    Parameters
    ----------
    path : Path
        YAML file.

    Raises
    ------
    ProtocolError
        Every fault at once, each with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known: dict[type[Exception], str] = {
            FileNotFoundError: "no such file",
            IsADirectoryError: "a folder, not a file",
        }
        reason = known.get(type(error), f"cannot be read ({error})")
        raise ProtocolError([Fault(str(path), reason, "give the path of a protocol.yaml")]) from None
    return parse_protocol(text, path)


def parse_protocol(text: str, path: Path) -> Protocol:
    """Validate the text of a protocol; relative paths are taken from the folder of `path`.

    Raises
    ------
    ProtocolError
        Every fault at once, each with its line.
    """
    document = _parse_yaml(text, path)
    if not isinstance(document, CommentedMap):
        raise ProtocolError([Fault(f"{path}:1", "expected keys and values, such as `cohort:`", _if_table(path))])
    try:
        protocol = Protocol.model_validate(_plain(document))
    except ValidationError as error:
        raise ProtocolError([_fault(detail, document, path) for detail in error.errors()]) from None
    return _with_absolute_paths(protocol, path.parent)


def located(faults: Iterable[Fault], path: Path) -> list[Fault]:
    """Give faults that were found after a protocol was read the line of the key that they name.

    Parameters
    ----------
    faults : iterable of Fault
        Those whose place is ``protocol`` or a key such as ``arms.1`` are changed.
    path : Path
        The protocol. One that cannot be read has no lines, and the faults say so themselves.
    """
    try:
        document = _parse_yaml(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError, ProtocolError):
        return list(faults)
    return [_with_line(fault, document, path) for fault in faults]


def _with_line(fault: Fault, document: CommentedMap, path: Path) -> Fault:
    place, message = fault.where, fault.message
    if place == "protocol":
        place, _, message = message.partition(": ")
    keys: list[Any] = [int(key) if key.isdecimal() else key for key in place.split(".")]
    if keys[0] not in Protocol.model_fields:
        return replace(fault, where=str(path)) if fault.where == "protocol" else fault
    return Fault(f"{path}:{_line(document, keys)}", f"{place}: {message}", fault.remedy)


def dump_protocol(protocol: Protocol) -> str:
    """YAML text of a resolved protocol, with its schema line for editors."""
    from io import StringIO

    stream = StringIO()
    yaml = YAML()
    yaml.width = 110
    yaml.dump(protocol.model_dump(mode="json"), stream)
    return "# yaml-language-server: $schema=protocol.schema.json\n" + stream.getvalue()


def json_schema() -> str:
    """JSON schema of a protocol, for editors."""
    schema = Protocol.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2) + "\n"


def _parse_yaml(text: str, path: Path) -> Any:
    try:
        return YAML().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ProtocolError([Fault(f"{path}:{line}", f"not valid YAML: {error.problem}", _if_table(path))]) from None
    except YAMLError as error:
        raise ProtocolError([Fault(str(path), f"not valid YAML: {error}")]) from None


def _if_table(path: Path) -> str:
    """Say what to do with a table that is given where a protocol is expected."""
    return f"a table? `biasaudit init {path}` drafts a protocol" if path.suffix in (".tsv", ".csv") else ""


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_plain(value) for value in node]
    return node


def _fault(detail: Any, document: CommentedMap, path: Path) -> Fault:
    keys = _existing_prefix(detail["loc"], document)
    message, remedy = _explain(detail)
    shown = ".".join(str(key) for key in keys) or "protocol"
    return Fault(f"{path}:{_line(document, keys)}", f"{shown}: {message}", remedy)


def _existing_prefix(location: Sequence[Any], document: CommentedMap) -> list[Any]:
    """Drop from the location the names that pydantic adds for union members."""
    if location[:1] == ("cohort",):
        # The reader's name comes second; it may also be a key of the section (`table`, `phantom`).
        location = (*location[:1], *location[2:])
    node: Any = document
    keys: list[Any] = []
    for position, key in enumerate(location):
        present = (isinstance(node, Mapping) and key in node) or (
            isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node)
        )
        if present:
            node = node[key]
            keys.append(key)
        elif position == len(location) - 1 and isinstance(node, Mapping):
            keys.append(key)
    return keys


def _line(document: CommentedMap, keys: Sequence[Any]) -> int:
    node: Any = document
    line = 0
    for key in keys:
        try:
            line = node.lc.key(key)[0] if isinstance(node, CommentedMap) else node.lc.item(key)[0]
            node = node[key]
        except (KeyError, AttributeError, IndexError, TypeError):
            break
    return line + 1


def _explain(detail: Any) -> tuple[str, str]:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return "no such field", _did_you_mean(str(detail["loc"][-1]), detail["loc"])
    if kind == "missing":
        return "required but missing", ""
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return "`reader` must be table, bids or phantom", ""
    message = detail["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return message, ""
    return f"{message[0].lower()}{message[1:]}, not {_short(detail['input'])}", ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _did_you_mean(word: str, location: Sequence[Any]) -> str:
    known = list(_fields_at(Protocol, location[:-1]))
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    elsewhere = [name for name in _all_fields(Protocol) if name.split(".")[-1] == word]
    if elsewhere:
        return f"it belongs at {elsewhere[0]}"
    return f"known here: {', '.join(sorted(known))}"


def _fields_at(model: type[BaseModel], location: Sequence[Any]) -> Mapping[str, Any]:
    current: type[BaseModel] = model
    for key in location:
        found = [m for m in _section_models(current) if _names_model(current, key, m)]
        if found:
            current = found[0]
    return current.model_fields


def _names_model(parent: type[BaseModel], key: Any, candidate: type[BaseModel]) -> bool:
    """Whether `key` leads from `parent` to `candidate`: a field of that type, or a union tag."""
    if isinstance(key, str) and key in parent.model_fields:
        return candidate in _models_in(parent.model_fields[key].annotation) and key != "cohort"
    reader = candidate.model_fields.get("reader")
    return reader is not None and key in typing.get_args(reader.annotation)


def _section_models(parent: type[BaseModel]) -> list[type[BaseModel]]:
    return [model for field in parent.model_fields.values() for model in _models_in(field.annotation)]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]


def _all_fields(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        names.append(prefix + name)
        for section in _models_in(field.annotation):
            names.extend(_all_fields(section, f"{prefix}{name}."))
    return names


def _with_absolute_paths(protocol: Protocol, base: Path) -> Protocol:
    cohort: Any = protocol.cohort
    if isinstance(cohort, TableCohort):
        predictions = cohort.predictions and _absolute(cohort.predictions, base)
        cohort = cohort.model_copy(update={"table": _absolute(cohort.table, base), "predictions": predictions})
    elif isinstance(cohort, BidsCohort):
        cohort = cohort.model_copy(update={"roots": [_absolute(root, base) for root in cohort.roots]})
    grid = protocol.grid
    if grid.reference is not None:
        grid = grid.model_copy(update={"reference": _absolute(grid.reference, base)})
    attribution = protocol.attribution
    if attribution.atlas is not None:
        attribution = attribution.model_copy(update={"atlas": _absolute(attribution.atlas, base)})
    target = _located(protocol.target, base)
    arms = [arm.model_copy(update={"representation": _own(arm.representation, base)}) for arm in protocol.arms]
    changed = {"cohort": cohort, "grid": grid, "attribution": attribution, "target": target, "arms": arms}
    return protocol.model_copy(update=changed)


def _located(target: TargetSettings, base: Path) -> TargetSettings:
    """Return the target with absolute paths, those of the user's own functions included."""
    weights = target.weights and [_absolute(path, base) for path in target.weights]
    subjects = target.training_subjects and _absolute(target.training_subjects, base)
    training = target.training
    augment = training.augment
    own: dict[str, Any] = {name: _own(getattr(training, name), base) for name in ("loss", "optimiser")}
    own["augment"] = _own(augment, base) if isinstance(augment, str) else [_own(name, base) for name in augment]
    own["fit"] = training.fit and _own(training.fit, base)
    return target.model_copy(
        update={
            "network": _own(target.network, base),
            "weights": weights,
            "training_subjects": subjects,
            "training": training.model_copy(update=own),
        }
    )


def _own(name: str, base: Path) -> str:
    """Import string with the absolute path of the file it names; other names as they are."""
    file, colon, function = name.rpartition(":")
    return f"{_absolute(Path(file), base)}:{function}" if colon and file.endswith(".py") else name


def _absolute(path: Path, base: Path) -> Path:
    return Path(path) if Path(path).is_absolute() else (base / path).resolve()
